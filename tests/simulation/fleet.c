#include "tests/simulation/fleet.h"

#include <assert.h>
#include <stdlib.h>

#include "aws/core/lock.h"
#include "worker/slice.h"

enum life { LIFE_OUT, LIFE_STARTING, LIFE_UP };

struct member {
	struct http http; /* first: the seam is the member */
	struct fleet *fleet;
	int i;
	struct fiber *fiber;
	enum life life;
	bool dead;	  /* killed: what is under way only unwinds */
	int64_t wake_ms;  /* when the turn under way goes on */
	int64_t start_ms; /* when it is started, if it is out */
	int64_t stop_ms;  /* when a graceful stop turns into a kill; 0: it is not stopping */
	int64_t skew_ms;
	struct err start_err;
	bool started;
};

struct seam_clock {
	struct clock clock; /* first */
	struct member *member;
};

struct fleet {
	struct world *w;
	int n;
	struct rng *order;
	struct fleet_ops ops;
	struct member members[WORLD_WORKERS_MAX];
	struct seam_clock clocks[WORLD_WORKERS_MAX];
	bool quiet;
};

static int64_t now_of(const struct fleet *f)
{
	return sim_now(f->w->sim).ms;
}

static struct worker *worker_of(const struct member *m)
{
	return m->fleet->w->workers[m->i].worker;
}

/* --- the seams ------------------------------------------------------------------------------ */

/* The turn stops here and goes on later; others run meanwhile. */
static void wait_ms(struct member *m, int64_t ms)
{
	lock_assert_none();
	m->wake_ms = now_of(m->fleet) + (ms > 0 ? ms : 0);
	fiber_yield(m->fiber);
}

static int killed(struct err *err)
{
	err_set(err, ERR_CANCELED, "the process has been killed");
	err->sent = true;
	return -1;
}

static const struct rollout *running(struct member *m)
{
	struct worker *w = worker_of(m);

	for (struct rollout *r = w ? w->rollouts : NULL; r; r = r->next)
		if (r->task.where == TASK_RUNNING)
			return r;
	return NULL;
}

static void die(struct member *m, int64_t back_at_ms)
{
	struct world_worker *ww = &m->fleet->w->workers[m->i];

	if (m->life == LIFE_OUT || m->dead)
		return;
	m->dead = true;
	m->start_ms = back_at_ms;
	m->wake_ms = now_of(m->fleet);
	if (ww->ledger)
		ledger_freeze(ww->ledger);
	m->fleet->ops.killed(m->fleet->ops.arg, m->i);
}

static int send(struct http *http, const struct http_request *q, struct arena *a,
		struct http_response *res, struct cancel *cancel, struct err *err)
{
	struct member *m = (struct member *)http;
	struct fleet *f = m->fleet;
	struct sim *sim = f->w->sim;
	struct fleet_call c = {.worker = m->i, .rollout = running(m), .request = q};
	const struct sim_call *calls;
	const struct sim_split *splits;
	size_t n_calls = sim_call_log(sim, &calls), n;

	if (m->dead)
		return killed(err);
	f->ops.before(f->ops.arg, &c);
	if (c.yields || c.wait_before_ms > 0)
		wait_ms(m, c.wait_before_ms);
	if (m->dead)
		return killed(err);
	n_calls = sim_call_log(sim, &calls);
	c.first_split = sim_split_log(sim, &splits);
	sim_fault_at(sim, 1, c.fault, 1);
	c.rc = sim_http(sim)->send(sim_http(sim), q, a, res, cancel, err);
	sim_fault_at(sim, 1, SIM_FAULT_NONE, 1);
	n = sim_call_log(sim, &calls);
	c.call = n > n_calls ? &calls[n - 1] : NULL;
	c.response = res;
	f->ops.after(f->ops.arg, &c);
	if (c.fault == SIM_FAULT_CRASH_BEFORE || c.fault == SIM_FAULT_CRASH_AFTER)
		sim_resume(sim); /* it was this worker alone; after() has said when it comes back */
	if (!m->dead && c.wait_after_ms > 0)
		wait_ms(m, c.wait_after_ms);
	return m->dead ? killed(err) : c.rc;
}

static void nothing(struct http *h)
{
	(void)h;
}

static struct utc wall(struct clock *c)
{
	struct member *m = ((struct seam_clock *)c)->member;

	return (struct utc){now_of(m->fleet) + m->skew_ms};
}

static struct mono since(struct clock *c)
{
	struct member *m = ((struct seam_clock *)c)->member;

	return clock_mono(sim_clock(m->fleet->w->sim));
}

static int pause(struct clock *c, int64_t ms, struct cancel *cancel, struct err *err)
{
	struct member *m = ((struct seam_clock *)c)->member;

	if (cancel_is_fired(cancel))
		return err_set(err, ERR_CANCELED, "sleep: canceled");
	if (!m->dead)
		wait_ms(m, ms);
	return m->dead ? killed(err) : 0;
}

static int64_t takes(struct clock *c, int64_t ms)
{
	(void)c;
	return ms > 0 ? 1 : 0;
}

/* --- life and death ------------------------------------------------------------------------- */

struct fleet *fleet_new(struct world *w, int n, struct rng *order, const struct fleet_ops *ops)
{
	struct fleet *f = xcalloc(1, sizeof(*f));

	assert(n >= 1 && n <= WORLD_WORKERS_MAX);
	f->w = w;
	f->n = n;
	f->order = order;
	f->ops = *ops;
	sim_on_crash(w->sim, NULL, NULL);
	for (int i = 0; i < n; i++) {
		struct member *m = &f->members[i];

		*m = (struct member){.http = {.send = send, .free = nothing}, .fleet = f, .i = i};
		m->start_ms = INT64_MAX;
		m->fiber = fiber_new();
		f->clocks[i] = (struct seam_clock){
			.clock = {.utc = wall, .mono = since, .sleep = pause, .real_ms = takes},
			.member = m};
		w->workers[i].http = &m->http;
		w->workers[i].clock = &f->clocks[i].clock;
	}
	return f;
}

static void bury(struct member *m)
{
	struct fleet *f = m->fleet;

	world_kill_worker(f->w, m->i);
	m->life = LIFE_OUT;
	m->dead = false;
	m->stop_ms = 0;
	f->ops.died(f->ops.arg, m->i);
}

void fleet_free(struct fleet *f)
{
	if (!f)
		return;
	for (int i = 0; i < f->n; i++) {
		struct member *m = &f->members[i];

		die(m, INT64_MAX);
		while (fiber_is_busy(m->fiber))
			fiber_go_on(m->fiber);
		if (m->life != LIFE_OUT)
			world_kill_worker(f->w, i);
		f->w->workers[i].http = NULL;
		f->w->workers[i].clock = NULL;
		fiber_free(m->fiber);
	}
	free(f);
}

void fleet_start_at(struct fleet *f, int i, int64_t at_ms)
{
	f->members[i].start_ms = at_ms;
}

void fleet_kill(struct fleet *f, int i, int64_t back_at_ms)
{
	die(&f->members[i], back_at_ms);
}

void fleet_stop(struct fleet *f, int i, int64_t back_at_ms)
{
	struct member *m = &f->members[i];

	if (m->life != LIFE_UP || m->dead || m->stop_ms)
		return;
	worker_stop_begin(worker_of(m));
	m->start_ms = back_at_ms;
	m->stop_ms = now_of(f) + f->w->workers[i].config.stop_ms;
}

bool fleet_is_up(const struct fleet *f, int i)
{
	return f->members[i].life == LIFE_UP && !f->members[i].dead;
}

void fleet_set_skew(struct fleet *f, int i, int64_t ms)
{
	f->members[i].skew_ms = ms;
}

int64_t fleet_skew(const struct fleet *f, int i)
{
	return f->members[i].skew_ms;
}

static void start(void *arg)
{
	struct member *m = arg;

	m->start_err = ERR_INIT;
	m->started = world_try_worker(m->fleet->w, m->i, &m->start_err) == 0;
}

static void turn(void *arg)
{
	scheduler_step(worker_of(arg)->scheduler);
}

/* --- one step ------------------------------------------------------------------------------- */

/* When this worker does something next; INT64_MAX: never by itself. */
static int64_t due_at(struct member *m)
{
	struct mono due;
	int64_t at;

	if (fiber_is_busy(m->fiber))
		return m->stop_ms && m->stop_ms < m->wake_ms ? m->stop_ms : m->wake_ms;
	if (m->life == LIFE_OUT)
		return m->start_ms;
	if (m->dead)
		return 0;
	if (!scheduler_next_due(worker_of(m)->scheduler, &due))
		return m->stop_ms ? m->stop_ms : INT64_MAX;
	at = now_of(m->fleet) + due.ms - clock_mono(sim_clock(m->fleet->w->sim)).ms;
	return m->stop_ms && m->stop_ms < at ? m->stop_ms : at;
}

/* After its code has run, or was found not to have to. */
static void settle(struct member *m, bool done)
{
	struct fleet *f = m->fleet;

	if (!done)
		return;
	if (m->life == LIFE_STARTING) {
		m->life = LIFE_UP;
		if (!m->started && !m->dead) {
			m->life = LIFE_OUT;
			m->start_ms = now_of(f) + 5000; /* as a service manager does */
			f->ops.unstartable(f->ops.arg, m->i, &m->start_err);
			return;
		}
	}
	if (m->dead)
		bury(m);
	else if (m->stop_ms && worker_stopped(worker_of(m)))
		bury(m);
}

static void run(struct member *m)
{
	struct fleet *f = m->fleet;
	bool done;

	if (m->stop_ms && now_of(f) >= m->stop_ms)
		die(m, m->start_ms);
	if (m->dead && !fiber_is_busy(m->fiber)) {
		bury(m);
		return;
	}
	if (fiber_is_busy(m->fiber)) {
		done = fiber_go_on(m->fiber);
	} else if (m->life == LIFE_OUT) {
		m->life = LIFE_STARTING;
		m->start_ms = INT64_MAX;
		done = fiber_begin(m->fiber, start, m);
	} else {
		done = fiber_begin(m->fiber, turn, m);
	}
	settle(m, done);
}

void fleet_step(struct fleet *f, int64_t end_ms)
{
	int64_t now = now_of(f), next = end_ms;
	int ready[WORLD_WORKERS_MAX], n = 0;

	for (int i = 0; i < f->n; i++) {
		int64_t at = due_at(&f->members[i]);

		if (at <= now)
			ready[n++] = i;
		else if (at < next)
			next = at;
	}
	f->quiet = n == 0;
	if (n > 0)
		run(&f->members[ready[rng_below(f->order, (uint64_t)n)]]);
	else
		sim_advance(f->w->sim, next > now ? next - now : 1);
}

bool fleet_was_quiet(const struct fleet *f)
{
	return f->quiet;
}
