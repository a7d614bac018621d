#ifndef WORKER_RECORDER_H
#define WORKER_RECORDER_H

#include "aws/call.h"
#include "worker/ledger_history.h"
#include "worker/rollout/decide.h"

/*
 * Records what becomes of one rollout, for its report (worker/report/history.h has the rows). What
 * is told is kept in memory, put together where nothing has changed, and handed out to be written
 * with the rollout's next state, or by itself when it has waited for RECORDER_WAIT_MS. So recording
 * costs a turn no transaction of its own; a crash loses as much as that, never what a state that
 * was written follows from. Nothing here fails and nothing blocks, save recorder_begin() and
 * recorder_write(), which touch the ledger and say in the log when it refuses.
 *
 * A recorder belongs to its rollout's turn, as everything of it; NULL records nothing.
 */
#define RECORDER_WAIT_MS 60000

struct recorder;

struct recorder *recorder_new(void);
void recorder_free(struct recorder *r); /* NULL does nothing */

/*
 * The rollout is taken up by this process: what the ledger has of it already is counted. how:
 * "new" when it begins here, else what is known of it: "taken up in WATCH, step 2".
 */
void recorder_begin(struct recorder *r, struct ledger *l, const char *rollout_id, struct utc now,
		    const char *how, struct log *log);
bool recorder_has_begun(const struct recorder *r);

/* It goes on from a state that another worker has brought it to. */
void recorder_taken_over(struct recorder *r, struct utc now, const char *text);

/* What it is, as about_write() says it; written again only when it has changed. */
void recorder_about(struct recorder *r, struct utc now, const char *text);

/* A look: gap_ms after the last one, nobody looked meanwhile. */
struct recorder_look {
	struct utc now;
	int64_t gap_ms;
	const struct plan *plan;
	const struct rollout_state *state;
	const struct observation *seen;
	unsigned guards_in;		/* which guards were asked: enum guard_phase */
	const struct verdict *verdicts; /* of plan->n_guards */
};
void recorder_look(struct recorder *r, const struct recorder_look *look);

/* Phase or step have changed. */
void recorder_move(struct recorder *r, struct utc now, const struct rollout_state *from,
		   const struct rollout_state *to, const char *reason);

/* An act has ended: err NULL when it was accepted. asked_bp: of a split, else -1. */
struct recorder_act {
	struct utc now;
	const char *act, *reason;
	int64_t asked_bp;
	const struct err *err;
};
void recorder_act(struct recorder *r, const struct recorder_act *act);

/* For struct aws_client: its calls are this rollout's. Lives as long as the recorder. */
const struct aws_watch *recorder_watch(struct recorder *r);

/* --- writing ---------------------------------------------------------------------------------- */

/* What is to be written now, in the arena; NULL: nothing is. recorder_written() follows. */
const struct ledger_history *recorder_collect(struct recorder *r, struct arena *a);
/* It was, or it was not: then it is handed out again. */
void recorder_written(struct recorder *r, bool done);
/* Has something waited for too long? */
bool recorder_is_due(const struct recorder *r, struct utc now);
/* Write what there is, by itself; and make room where there are too many rows. */
void recorder_write(struct recorder *r, struct ledger *l, struct arena *a, struct log *log);

/* The candidate's share that a state asks for, in basis points; -1: nothing is asked. */
int64_t recorder_asked(const struct plan *plan, const struct rollout_state *s);

#endif
