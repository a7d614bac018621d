#ifndef WORKER_RECORDER_ROWS_H
#define WORKER_RECORDER_ROWS_H

#include "worker/recorder.h"

/*
 * Between the files of the recorder: its list of rows that are not written yet, or that may still
 * be extended. Rows are found again by what they are about; there are a few hundred at most.
 */
#define RECORDER_ENTRIES_MAX 1500 /* while the ledger cannot be written: more are only counted */

struct entry {
	struct history_row row;
	char *name, *word, *text, *extra;
	bool dirty, open; /* to be written; may be extended */
	bool handed;	  /* handed out by recorder_collect() */
	struct entry *next;
};

struct recorder {
	char rollout_id[ROLLOUT_ID_MAX + 1];
	bool begun;
	struct entry *first, **last;
	size_t n;
	int64_t seq;
	size_t rows[HISTORY_KIND_COUNT];
	size_t guard_rows[LIMIT_GUARDS], guard_limit;
	struct utc dirty_since; /* 0: nothing waits */
	struct entry *watched, *split, *act, *guards[LIMIT_GUARDS], *about;
	struct entry *lost[HISTORY_KIND_COUNT];
	int64_t about_seq; /* of the one in the ledger; 0: there is none */
	struct aws_watch watch;
};

/* A row of this moment with nothing in it. */
struct history_row recorder_row(enum history_kind k, struct utc now);
/* Add it; NULL when there are too many, and then it is counted as lost. Texts are copied. */
struct entry *recorder_add(struct recorder *r, const struct history_row *row);
/* One that is in the ledger already, to be extended. */
struct entry *recorder_keep(struct recorder *r, const struct history_row *row);
/* The row has changed, and lasts until then. */
void recorder_touch(struct recorder *r, struct entry *e, struct utc until);
/* Take another text; max: bytes of it. */
void recorder_replace(char **at, const char **shown, const char *s, size_t max);
/* It will not be extended any more. *at is NULL then. */
void recorder_close(struct entry **at);
/* NULL and "" are alike. */
bool recorder_is_same(const char *a, const char *b);
void recorder_call_done(void *arg, const struct aws_done *d); /* recorder_calls.c */

#endif
