#ifndef WORKER_REPORT_HISTORY_H
#define WORKER_REPORT_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/core/clock.h"
#include "aws/core/mem.h"

/*
 * The history of a rollout as this worker saw it: rows that worker/recorder writes, the ledger
 * keeps and worker/report/model reads. A row stands for a moment, or for a time in which nothing
 * changed: so hours without news are one row. Pure.
 *
 * kind     at..until        name        word       a          b          text; extra
 * ABOUT    first, last      -           -          -          -          what it is, as JSON
 * WORKER   taken up         version     "new" ...  -          -          how it came here
 * WATCHED  looks, no gap    -           -          -          -          -
 * SPLIT    the same         -           live       asked, bp  read, bp   asked; read, for people
 * GUARD    the same answer  "above"     verdict    guard      is a spot  the last answer
 * MOVE     the moment       from phase  to phase   step       -          why
 * ACT      first, last      "split"     outcome    asked, bp  -          why; error
 * CALL     began, ended     Service.Op  outcome    attempts   status     resource; request id
 * CALLS    first, last      Service.Op  -          total ms   longest    resource (low: failed)
 * LOST     first, last      -           its kind   -          -          - (count: rows left out)
 *
 * asked and read are -1 where nothing was asked, or nothing could be read. low, high, last and
 * limit are numbers of a GUARD, or NAN.
 */
#define HISTORY_KINDS(X)      \
	X(ABOUT, "about")     \
	X(WORKER, "worker")   \
	X(WATCHED, "watched") \
	X(SPLIT, "split")     \
	X(GUARD, "guard")     \
	X(MOVE, "move")       \
	X(ACT, "act")         \
	X(CALL, "call")       \
	X(CALLS, "calls")     \
	X(LOST, "lost")

enum history_kind {
#define X(name, text) HISTORY_##name,
	HISTORY_KINDS(X)
#undef X
		HISTORY_KIND_COUNT
};

const char *history_kind_name(enum history_kind k);

struct history_row {
	int64_t seq; /* its place in the rollout's history, from 1; 0: it has none yet */
	enum history_kind kind;
	struct utc at, until;
	int64_t a, b, count; /* count: of what was put together, at least 1 */
	double low, high, last, limit;
	const char *name, *word, *text, *extra; /* NULL: none */
};

/*
 * How many rows of each kind a rollout may have, in the ledger and so in its report: with
 * everything at its limit that is 1.5 MB and a page that a browser still likes. Guards and splits
 * are thinned out when they are many; of the others the rest is counted only.
 */
#define HISTORY_GUARD_ROWS 240	 /* of one guard: four hours by the minute, then coarser */
#define HISTORY_GUARDS_ROWS 2400 /* of all of them */
#define HISTORY_GUARD_LEAST 40	 /* of one of many guards */
#define HISTORY_SPLIT_ROWS 400	 /* 64 steps there and back need 260 */
#define HISTORY_MOVE_ROWS 400
#define HISTORY_ACT_ROWS 300
#define HISTORY_CALL_ROWS 300  /* changes and failures; the rest is counted */
#define HISTORY_CALLS_ROWS 100 /* operations and what they were about */
#define HISTORY_WORKER_ROWS 100
#define HISTORY_WATCHED_ROWS 200
#define HISTORY_TEXT_MAX 640	    /* bytes of a text; of ABOUT: */
#define HISTORY_ABOUT_MAX (64u << 10)
/* Within this time changes of a value alone stay in one row, as its lowest and its highest. */
#define HISTORY_GUARD_MS 60000

/* Rows of one guard, of so many in the plan. */
size_t history_guard_rows(size_t n_guards);

/*
 * Put neighbours together until half of n rows are left, or three quarters where that is hard: n
 * rows of one guard, or of splits, in order of time. First such as have the same word; when these
 * are too few, any two, of which the worse verdict is kept. Splits of different shares are not put
 * together, so more of them may be left; but one that could not be read is put into the one before
 * it. The rows that stay are changed in place
 * and come first; returns how many they are. gone gets the seq of those that went, at least n
 * places.
 */
size_t history_thin(struct history_row *rows, size_t n, int64_t *gone, size_t *n_gone);

#endif
