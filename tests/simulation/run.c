#include "tests/simulation/stage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MINUTE_MS 60000ll
#define WATCH_MS 5000 /* what a service does by itself is looked at before much else has happened */
/*
 * Once the weather is clear, everything is over in this time: CodePipeline's own limits and ours.
 */
#define CLEAR_MS (150 * MINUTE_MS)
/* And then everything that was left behind is cleared up. */
#define SETTLE_MS (90 * MINUTE_MS)
/*
 * How long a Fail may wait for the baseline. In calm weather: a tick, a look, and what the target
 * takes; in any other: as long as workers may be away, and a job may be lost, and a little more.
 */
#define BOUND_CALM_MS (MINUTE_MS)
#define BOUND_SLOW_MS (10 * MINUTE_MS)
#define BOUND_STORM_MS (45 * MINUTE_MS)
#define CALLS_MOST 1000 /* a worker, a minute; 798 is the most that was seen in 3,000 runs */

int64_t stage_now(const struct stage *s)
{
	return sim_now(s->w.sim).ms;
}

static void mix(struct stage *s, const char *text)
{
	for (const char *c = text; *c; c++)
		s->digest = (s->digest ^ (unsigned char)*c) * UINT64_C(1099511628211);
}

void stage_trace(struct stage *s, const char *fmt, ...)
{
	int64_t ms = stage_now(s) - s->begin_ms;
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->digest = (s->digest ^ (uint64_t)ms) * UINT64_C(1099511628211);
	mix(s, text);
	if (s->o.verbose)
		fprintf(stderr, "%02lld:%02lld:%02lld.%03lld %s\n", (long long)ms / 3600000,
			(long long)ms / 60000 % 60, (long long)ms / 1000 % 60, (long long)ms % 1000,
			text);
}

bool stage_try(struct stage *s, const char *fmt, ...)
{
	char line[256];
	struct err err = ERR_INIT;
	struct buf b;
	va_list ap;
	int rc;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	buf_init(&b, LIMIT_API_BODY);
	rc = sim_control(s->w.sim, str_from(line), &b, &err);
	buf_release(&b);
	stage_trace(s, "      -- %s%s%s", line, rc ? ": " : "", rc ? err.text : "");
	return rc == 0;
}

/* --- pipelines ------------------------------------------------------------------------------ */

static void add_action(struct stage *s, struct stage_pipe *p, const char *name, int order,
		       const char *more)
{
	const char *target = site_target(&s->w, &s->script.sites[p->script->site]);

	world_control(&s->w,
		      "codepipeline action %s Deploy %s type=Deploy/Rollout/1 run-order=%d %s%s%s "
		      "%s",
		      p->script->name, name, order, target ? "config.Target=\"" : "",
		      target ? target : "", target ? "\"" : "", more);
	p->actions[p->n_actions++] = name;
}

static void make_pipe(struct stage *s, int i)
{
	struct stage_pipe *p = &s->pipes[i];
	bool back = s->script.pipes[i].shape == SHAPE_ROLLBACK;

	p->script = &s->script.pipes[i];
	world_control(&s->w, "codepipeline pipeline %s", p->script->name);
	if (p->script->shape == SHAPE_DEPLOY) {
		add_action(s, p, "Deploy", 1, "output=Report config.MaxDuration=2h");
		return;
	}
	add_action(s, p, "Start", 1,
		   "namespace=Canary output=Report config.Mode=start config.MaxDuration=2h");
	world_control(&s->w,
		      "codepipeline action %s Deploy Approve type=AWS:Approval/Manual/1 "
		      "run-order=2 timeout=20m",
		      p->script->name);
	add_action(s, p, back ? "Rollback" : "Promote", 3,
		   back ? "config.Mode=rollback config.Handle=\"#{Canary.RolloutHandle}\""
			: "config.Mode=promote config.Handle=\"#{Canary.RolloutHandle}\"");
}

static void push(struct stage *s, int i)
{
	struct stage_pipe *p = &s->pipes[i];
	const struct script_pipe *c = p->script;
	struct site_release release = {
		.strategy = c->strategy,
		.extra = c->short_hold ? "unknown: { hold_at_most: 3m, then: rollback }\n" : "",
		.bad = c->goodness == RELEASE_BAD,
		.number = i,
		.metric = c->metric,
		.health = c->health,
	};
	struct pack_entry files[4];
	size_t n = site_files(&s->w, &s->script.sites[c->site], &release, files);
	struct err err = ERR_INIT;
	struct buf zip;

	buf_init(&zip, 16 << 20);
	if (pack_entries(files, n, &zip, &err) ||
	    sim_push(s->w.sim, c->name, buf_str(&zip), p->execution, &err)) {
		fprintf(stderr, "simulation: push: %s\n", err.text);
		abort();
	}
	buf_release(&zip);
	p->pushed = true;
	stage_trace(s, "      -- %s is pushed", c->name);
}

/* What people do at an approval; nothing when it has run into its time-out. */
static void decide(struct stage *s, struct stage_pipe *p)
{
	const struct sim_action *a = sim_action_find(s->w.sim, p->script->name, "Approve");

	if (!a || strcmp(a->status, "InProgress") != 0)
		return;
	if (!p->approval_asked_ms)
		p->approval_asked_ms = stage_now(s);
	if (stage_now(s) - p->approval_asked_ms < p->script->approve_ms)
		return;
	p->decided = true;
	stage_try(s, "codepipeline approve %s Approve%s", p->script->name,
		  p->script->shape == SHAPE_REJECT ? " rejected" : "");
}

/* The candidate that was good turns bad. */
static void turn(struct stage *s, int i)
{
	struct stage_pipe *p = &s->pipes[i];
	const struct script_pipe *c = p->script;
	const char *name;
	double at = c->goodness == RELEASE_BAD_STEP ? c->second : 100;

	if (c->goodness < RELEASE_BAD_STEP || witness_candidate(s, c->site, &name) < at - 0.5)
		return;
	p->turned = true;
	stage_trace(s, "      -- %s turns bad", c->name);
	site_turn_bad(&s->w, &s->script.sites[c->site], name, i);
}

static void people(struct stage *s)
{
	for (int i = 0; i < s->script.n_pipes; i++) {
		struct stage_pipe *p = &s->pipes[i];

		if (!p->pushed && stage_now(s) - s->begin_ms >= p->script->push_ms)
			push(s, i);
		if (!p->pushed || p->over)
			continue;
		if (!p->turned)
			turn(s, i);
		if (p->script->shape != SHAPE_DEPLOY && !p->decided)
			decide(s, p);
	}
}

/* --- one run -------------------------------------------------------------------------------- */

static void before(void *arg, struct fleet_call *c)
{
	weather_before(arg, c);
}

static void after(void *arg, const struct fleet_call *c)
{
	witness_call(arg, c);
	weather_after(arg, c);
}

static void killed(void *arg, int worker)
{
	weather_killed(arg, worker);
}

static void died(void *arg, int worker)
{
	witness_died(arg, worker);
	weather_died(arg, worker);
}

static void unstartable(void *arg, int worker, const struct err *why)
{
	stage_trace(arg, "w%d    -- cannot start: %s", worker, why->text);
}

static bool is_over(const struct stage *s)
{
	for (int i = 0; i < s->script.n_pipes; i++)
		if (!s->pipes[i].over)
			return false;
	return true;
}

/* Nothing is left to do in any worker. */
static bool is_settled(struct stage *s)
{
	bool settled = true;

	for (int i = 0; i < s->script.n_workers && settled; i++) {
		struct ledger *l = s->w.workers[i].ledger;
		struct arena *a = arena_new();
		struct ledger_rollout *rows;
		struct ledger_job *jobs;
		struct err err = ERR_INIT;
		size_t n = 0, n_jobs = 0;

		settled = fleet_is_up(s->fleet, i) &&
			  !ledger_rollouts(l, true, 1, a, &rows, &n, &err) &&
			  !ledger_jobs(l, a, &jobs, &n_jobs, &err) && n == 0 && n_jobs == 0;
		arena_free(a);
	}
	return settled;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void step(struct stage *s)
{
	weather_tick(s);
	people(s);
	fleet_step(s->fleet, least(weather_next(s), stage_now(s) + WATCH_MS));
	witness_step(s);
}

static void run_until_over(struct stage *s)
{
	int64_t clears = s->begin_ms + s->script.clears_ms, end = clears + CLEAR_MS, look;

	while (!is_over(s) && stage_now(s) < end && !s->judge.failed) {
		if (!s->clear && stage_now(s) >= clears)
			weather_clear(s);
		step(s);
	}
	if (!s->clear)
		weather_clear(s);
	look = stage_now(s) + MINUTE_MS;
	end = stage_now(s) + SETTLE_MS;
	while (stage_now(s) < end && !s->judge.failed) {
		step(s);
		if (stage_now(s) < look)
			continue;
		if (is_settled(s))
			break;
		look = stage_now(s) + MINUTE_MS;
	}
}

static void set_up(struct stage *s)
{
	struct judge_options o = {
		.clock_steps = script_is_on(&s->script, FAULT_CLOCK),
		.bound_ms = s->script.calm ? BOUND_CALM_MS : BOUND_STORM_MS,
		.slow_ms = s->script.calm ? BOUND_SLOW_MS : BOUND_STORM_MS,
		.calls_most = CALLS_MOST,
	};
	struct fleet_ops ops = {before, after, killed, died, unstartable, s};

	world_init(&s->w, s->script.seed, -1);
	if (!s->script.signatures)
		world_control(&s->w, "sim set check_signatures=false");
	s->log_fd = memfd_create("log", MFD_CLOEXEC);
	s->log = log_new(s->o.verbose ? 2 : s->log_fd, LOG_TEXT,
			 s->script.debug && !s->o.verbose ? LOG_DEBUG : LOG_INFO, false,
			 sim_clock(s->w.sim));
	rng_seeded_init(&s->order, s->script.seed ^ 0x1111);
	rng_seeded_init(&s->dice, s->script.seed ^ 0x2222);
	judge_init(&s->judge, &o);
	s->fleet = fleet_new(&s->w, s->script.n_workers, &s->order.rng, &ops);
	for (int i = 0; i < s->script.n_sites; i++)
		site_make(&s->w, &s->script.sites[i]);
	for (int i = 0; i < s->script.n_pipes; i++)
		make_pipe(s, i);
	s->begin_ms = stage_now(s);
	witness_begin(s);
	weather_begin(s);
	for (int i = 0; i < s->script.n_workers; i++) {
		s->w.workers[i].log = s->log;
		s->w.workers[i].config.tick_ms = s->script.tick_ms;
		s->w.workers[i].config.hold_ms = s->script.hold_ms;
		s->w.workers[i].config.poll_ms = s->script.poll_ms;
		fleet_start_at(s->fleet, i, s->begin_ms);
	}
}

static enum run_end end_of(struct stage *s, const struct stage_pipe *p)
{
	const char *status = p->pushed ? sim_execution_status(s->w.sim, p->execution) : "";

	if (!strcmp(status, "Succeeded"))
		return RUN_SUCCEEDED;
	if (!strcmp(status, "Failed"))
		return RUN_FAILED;
	return !strcmp(status, "Stopped") ? RUN_STOPPED : RUN_OTHER;
}

static void tell(struct stage *s, struct run_result *out)
{
	const struct judge *j = &s->judge;

	out->failed = j->failed;
	out->broken = j->broken;
	memcpy(out->problem, j->problem, sizeof(out->problem));
	out->problem_ms = j->problem_ms - s->begin_ms;
	out->digest = s->digest;
	out->calm = s->script.calm;
	out->n_pipes = s->script.n_pipes;
	for (int i = 0; i < s->script.n_pipes; i++)
		out->pipes[i] = (struct run_pipe){s->script.sites[s->script.pipes[i].site].kind,
						  end_of(s, &s->pipes[i])};
	memcpy(out->checks, j->checks, sizeof(out->checks));
	memcpy(out->faults, s->faults, sizeof(out->faults));
	out->calls = s->calls;
	out->virtual_ms = stage_now(s) - s->begin_ms;
	out->most_calls = j->most_calls;
	out->n_reactions = j->n_reactions;
	memcpy(out->reactions_ms, j->reactions_ms, sizeof(out->reactions_ms));
	memcpy(out->reaction_slow, j->reaction_slow, sizeof(out->reaction_slow));
}

void run_seed(uint64_t seed, const struct run_options *o, struct run_result *out)
{
	struct stage *s = xcalloc(1, sizeof(*s));

	*out = (struct run_result){0};
	s->o = *o;
	s->arena = arena_new();
	s->digest = UINT64_C(14695981039346656037);
	script_draw(&s->script, seed);
	if (o->verbose)
		script_print(&s->script, stderr);
	set_up(s);
	run_until_over(s);
	if (!s->judge.failed)
		witness_end(s);
	tell(s, out);
	fleet_free(s->fleet);
	weather_end(s);
	world_release(&s->w);
	log_free(s->log);
	close(s->log_fd);
	arena_free(s->arena);
	free(s);
}
