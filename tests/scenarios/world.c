#include "tests/scenarios/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/pack.h"
#include "worker/target/load_balancer.h"

/*
 * Time moves in two ways: a call that sleeps moves it, and when no task is due it is moved to the
 * moment the next one is. So hours of baking cost nothing and the order of events is the seed's.
 */
#define STEP_MS 1000
#define RESTART_AFTER_MS 20000

#define MUST(what, call)                                                          \
	do {                                                                      \
		struct err must_err = ERR_INIT;                                   \
		if (call) {                                                       \
			fprintf(stderr, "world: %s: %s\n", what, must_err.text); \
			abort();                                                  \
		}                                                                 \
	} while (0)

static void on_crash(void *arg)
{
	struct world *w = arg;

	w->crashed = true;
	if (w->ledger)
		ledger_freeze(w->ledger);
}

static void make_dirs(struct world *w)
{
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	snprintf(w->dir, sizeof(w->dir), "%s/rollout-world-XXXXXX", base);
	if (!mkdtemp(w->dir)) {
		perror(w->dir);
		abort();
	}
	snprintf(w->ledger_path, sizeof(w->ledger_path), "%s/ledger.db", w->dir);
	snprintf(w->work_dir, sizeof(w->work_dir), "%s/work", w->dir);
}

void world_init(struct world *w, uint64_t seed, int log_fd)
{
	struct sim_options o = sim_options_default();
	struct credentials_parts parts = {.access_key_id = STR("AKIASIMWORKER000001"),
					  .secret_access_key = STR("sim-secret"),
					  .source = "test"};

	*w = (struct world){.arena = arena_new()};
	make_dirs(w);
	o.seed = seed;
	o.start = (struct utc){1767225600000}; /* 2026-01-01T00:00:00Z */
	o.check_signatures = true;
	o.step_ms = STEP_MS;
	o.noise = true;
	w->sim = sim_new(&o);
	sim_on_crash(w->sim, on_crash, w);
	w->settings = (struct aws_settings){.region = "eu-central-1"};
	w->log = log_fd >= 0 ? log_new(log_fd, LOG_TEXT, LOG_INFO, false, sim_clock(w->sim)) : NULL;
	MUST("credentials",
	     !(w->credentials = credentials_static_new(&parts, &must_err)));
	w->config = (struct config){
		.action_types = {{.type = {"Deploy", "Custom", "Rollout", "1"}}},
		.n_action_types = 1,
		.threads = 1,
		.slots = 200,
		.unpacks = 1,
		.hold_ms = 60000,
		.tick_ms = 10000,
		.poll_ms = 15000,
		.stop_ms = 30000,
		.state_dir = w->dir,
		.work_dir = w->work_dir,
		.unpack = unpack_limits_default(),
		.artifact_max_bytes = 64 << 20,
	};
	world_control(w, "codepipeline action-type Deploy Rollout 1");
}

void world_start(struct world *w)
{
	struct worker_deps d = {.config = &w->config,
				.credentials = w->credentials,
				.region = "eu-central-1"};
	struct aws_deps deps = {.http = sim_http(w->sim),
				.clock = sim_clock(w->sim),
				.rng = sim_rng(w->sim),
				.log = w->log,
				.settings = &w->settings};

	w->crashed = false;
	w->cancel = cancel_new();
	deps.cancel = w->cancel;
	w->aws = aws_new(&deps);
	MUST("ledger", !(w->ledger = ledger_open(w->ledger_path, &must_err)));
	d.aws = w->aws;
	d.ledger = w->ledger;
	MUST("worker", !(w->worker = worker_new(&d, &must_err)));
	MUST("start", worker_start(w->worker, &must_err));
}

void world_kill(struct world *w)
{
	if (!w->worker)
		return;
	ledger_freeze(w->ledger);
	worker_free(w->worker);
	w->worker = NULL;
	ledger_close(w->ledger);
	w->ledger = NULL;
	aws_free(w->aws);
	w->aws = NULL;
	cancel_free(w->cancel);
	w->cancel = NULL;
}

void world_lose_ledger(struct world *w)
{
	static const char *const tails[] = {"", "-wal", "-shm"};
	char path[128];

	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", w->ledger_path, tails[i]);
		unlink(path);
	}
}

void world_release(struct world *w)
{
	world_kill(w);
	world_lose_ledger(w);
	rmdir(w->work_dir);
	if (rmdir(w->dir))
		perror(w->dir);
	credentials_provider_free(w->credentials);
	sim_free(w->sim);
	log_free(w->log);
	arena_free(w->arena);
}

const char *world_control(struct world *w, const char *fmt, ...)
{
	char line[4096];
	struct buf out;
	const char *answer;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	buf_init(&out, LIMIT_API_BODY);
	MUST(line, sim_control(w->sim, str_from(line), &out, &must_err));
	answer = arena_strdup(w->arena, out.p);
	buf_release(&out);
	return answer;
}

/* One task, or time moves to the next one; never past end. */
static void step(struct world *w, int64_t end_ms)
{
	int64_t now = sim_now(w->sim).ms, left = end_ms - now;
	struct mono due;

	if (w->crashed) {
		world_kill(w);
		sim_resume(w->sim);
		sim_advance(w->sim, RESTART_AFTER_MS);
		world_start(w);
		return;
	}
	if (!w->worker) {
		sim_advance(w->sim, left < STEP_MS ? left : STEP_MS);
		return;
	}
	if (scheduler_step(w->worker->scheduler))
		return;
	if (scheduler_next_due(w->worker->scheduler, &due)) {
		int64_t wait = due.ms - clock_mono(sim_clock(w->sim)).ms;

		if (wait < left)
			left = wait;
	}
	sim_advance(w->sim, left > 0 ? left : 1);
}

bool world_run_until(struct world *w, bool (*done)(struct world *w, void *arg), void *arg,
		     int64_t max_ms)
{
	int64_t end = sim_now(w->sim).ms + max_ms;

	while (!done(w, arg)) {
		if (sim_now(w->sim).ms >= end)
			return false;
		step(w, end);
	}
	return true;
}

static bool never(struct world *w, void *arg)
{
	(void)w;
	(void)arg;
	return false;
}

void world_run(struct world *w, int64_t ms)
{
	world_run_until(w, never, NULL, ms);
}

static bool action_is_over(struct world *w, void *arg)
{
	const struct sim_action *a = sim_action_find(w->sim, arg, NULL);

	return a && strcmp(a->status, "InProgress") != 0;
}

const struct sim_action *world_run_action(struct world *w, const char *pipeline, int64_t max_ms)
{
	char name[128];

	snprintf(name, sizeof(name), "%s", pipeline);
	if (!world_run_until(w, action_is_over, name, max_ms))
		return NULL;
	return sim_action_find(w->sim, pipeline, NULL);
}

/* --- ready-made pipelines ------------------------------------------------------------------------ */

void world_lambda(struct world *w, const char *name, const char *strategy)
{
	world_control(w, "lambda function %s code=\"sim: errors=0.001\" alias=live rps=50", name);
	world_control(w,
		      "cloudwatch alarm %s-errors namespace=AWS/Lambda metric=Errors "
		      "dimensions=\"FunctionName=%s,Resource=%s:live\" stat=Sum period=60 threshold=30 "
		      "evaluation_periods=1 missing=notBreaching state=OK",
		      name, name, name);
	world_control(w,
		      "codepipeline pipeline %s action=Canary type=Deploy/Rollout/1 output=Report "
		      "config.Target=\"lambda:%s:live\" config.Strategy=\"%s\" config.Alarms=%s-errors",
		      name, name, strategy, name);
}

static const char *arn_in(struct world *w, const char *answer)
{
	const char *start = strstr(answer, "\"arn:"), *end;

	if (!start) {
		fprintf(stderr, "world: no ARN in %s\n", answer);
		abort();
	}
	end = strchr(start + 1, '"');
	return arena_strndup(w->arena, start + 1, (size_t)(end - start) - 1);
}

void world_load_balancer(struct world *w, const char *name, const char *strategy, bool bad)
{
	const char *rule;

	world_control(w, "elbv2 load-balancer %s type=application", name);
	world_control(w, "elbv2 target-group %s-blue targets=3 errors=0.001", name);
	world_control(w, "elbv2 target-group %s-green targets=3 errors=%s", name,
		      bad ? "0.4" : "0.001");
	world_control(w, "elbv2 listener %s port=443 forward=%s-blue:100", name, name);
	rule = arn_in(w, world_control(w,
				       "elbv2 rule %s:443 priority=10 path=/x "
				       "forward=%s-blue:100,%s-green:0 rps=50",
				       name, name, name));
	world_control(w,
		      "cloudwatch alarm %s-errors namespace=AWS/ApplicationELB "
		      "metric=HTTPCode_Target_5XX_Count dimensions=\"LoadBalancer=%s\" stat=Sum "
		      "period=60 threshold=30 evaluation_periods=1 missing=notBreaching state=OK",
		      name, lb_load_balancer_dimension(w->arena, rule));
	world_control(w,
		      "codepipeline pipeline %s action=Canary type=Deploy/Rollout/1 "
		      "config.Target=\"load-balancer:%s\" config.Strategy=\"%s\" "
		      "config.Alarms=%s-errors",
		      name, rule, strategy, name);
}

void world_push(struct world *w, const char *pipeline, const char *behaviour)
{
	char execution[RNG_UUID_SIZE], text[256];
	struct pack_entry entries[1];
	struct buf zip;

	snprintf(text, sizeof(text), "# a release\nsim: %s\n", behaviour);
	entries[0] = (struct pack_entry){.name = "index.py", .bytes = str_from(text)};
	buf_init(&zip, 1 << 20);
	MUST("pack", pack_entries(entries, 1, &zip, &must_err));
	MUST("push", sim_push(w->sim, pipeline, buf_str(&zip), execution, &must_err));
	buf_release(&zip);
}

double world_weight(struct world *w, const char *resource)
{
	const struct sim_split *splits;
	size_t n = sim_split_log(w->sim, &splits);

	while (n-- > 0)
		if (!strcmp(splits[n].resource, resource))
			return splits[n].weight;
	return -1;
}
