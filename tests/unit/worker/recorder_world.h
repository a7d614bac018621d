#ifndef TESTS_UNIT_WORKER_RECORDER_WORLD_H
#define TESTS_UNIT_WORKER_RECORDER_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/ledger_sql.h"
#include "worker/recorder.h"

/*
 * A recorder in front of a real ledger, told of days in a moment: what it keeps is what happened,
 * it stays within its bounds, and nothing is lost on the way.
 */
#define START 1767323045000ll
#define TICK 10000ll
#define HOUR 3600000ll
#define DAY (24 * HOUR)
#define GAP (4 * TICK + 30000)
#define NONE ((double)NAN)

static struct err err;

struct fixture {
	struct ledger *l;
	struct arena *a;
	struct recorder *r;
	struct plan plan;
	struct rollout_state state;
	struct observation seen;
	struct verdict verdicts[LIMIT_GUARDS];
	struct utc now;
	struct history_row *rows; /* read last */
	size_t n;
};

static inline void begin(struct fixture *f, const char *how)
{
	recorder_begin(f->r, f->l, "r-1", f->now, how, NULL);
}

static inline int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	err = ERR_INIT;
	f->a = arena_new();
	f->l = ledger_open(":memory:", &err);
	f->r = recorder_new();
	f->now.ms = START;
	f->plan.n_steps = 1;
	f->plan.steps[0].weight_bp = 500;
	f->state.phase = PHASE_WATCH;
	f->seen.looked = true;
	f->seen.has_guards = true;
	f->seen.target.live = LIVE_SPLIT;
	f->seen.target.traffic.weight_bp = 500;
	*state = f;
	return f->l ? 0 : -1;
}

static inline int tear_down(void **state)
{
	struct fixture *f = *state;

	recorder_free(f->r);
	ledger_close(f->l);
	arena_free(f->a);
	free(f);
	return 0;
}

static inline void guards(struct fixture *f, size_t n)
{
	f->plan.n_guards = n;
	for (size_t i = 0; i < n; i++)
		f->plan.guards[i].in = GUARD_IN_WATCH;
}

static inline void answer(struct fixture *f, size_t guard, enum verdict_kind kind, double value)
{
	struct verdict *v = &f->verdicts[guard];

	*v = verdict_make(kind, f->now, "guard %zu says %g", guard, value);
	v->measured.fails = "above";
	v->measured.has_limit = true;
	v->measured.limit = 30;
	v->measured.has_value = !isnan(value);
	v->measured.value = value;
}

static inline void look(struct fixture *f)
{
	struct recorder_look k = {.now = f->now,
				  .gap_ms = GAP,
				  .plan = &f->plan,
				  .state = &f->state,
				  .seen = &f->seen,
				  .guards_in = GUARD_IN_WATCH,
				  .verdicts = f->verdicts};

	recorder_look(f->r, &k);
}

static inline void write_all(struct fixture *f)
{
	struct arena *a = arena_new();

	recorder_write(f->r, f->l, a, NULL);
	arena_free(a);
}

/* A turn has ended. */
static inline void tick(struct fixture *f)
{
	look(f);
	if (recorder_is_due(f->r, f->now))
		write_all(f);
	f->now.ms += TICK;
}

static inline void read_rows(struct fixture *f, enum history_kind kind)
{
	assert_int_equal(ledger_history_get(f->l, "r-1", kind, f->a, &f->rows, &f->n, &err), 0);
}

static inline size_t count(struct fixture *f, enum history_kind kind)
{
	read_rows(f, kind);
	return f->n;
}

static inline void exec(struct fixture *f, const char *sql)
{
	assert_int_equal(sqlite3_exec(f->l->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* The rows of one guard, in order; they do not overlap, and their answers are so many. */
static inline size_t of_guard(struct fixture *f, int64_t guard, int64_t answers)
{
	size_t n = 0;

	read_rows(f, HISTORY_GUARD);
	for (size_t i = 0; i < f->n; i++) {
		struct history_row *row = &f->rows[i];

		if (row->a != guard)
			continue;
		assert_true(row->until.ms >= row->at.ms);
		assert_true(n == 0 || row->at.ms > f->rows[n - 1].until.ms);
		answers -= row->count;
		f->rows[n++] = *row;
	}
	assert_int_equal(answers, 0);
	return n;
}

static inline void called(struct fixture *f, const char *operation, const char *path,
		   const struct err *failed)
{
	static const struct aws_service service = {.id = "Lambda", .protocol = AWS_REST_JSON};
	struct aws_request r = {.service = &service, .operation = operation, .path = path};
	struct aws_done d = {.request = &r,
			     .attempts = 1,
			     .status = failed ? 429 : 200,
			     .request_id = STR("id-1"),
			     .err = failed,
			     .began = f->now,
			     .ms = 7};
	const struct aws_watch *watch = recorder_watch(f->r);

	watch->done(watch->arg, &d);
}

#endif
