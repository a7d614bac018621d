#include "tests/scenarios/world.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/sim/sim_internal.h"
#include "worker/target/load_balancer.h"

/*
 * Time moves in two ways: a call that sleeps moves it, and when no task is due it is moved to the
 * moment the next one is. So hours of baking cost nothing and the order of events is the seed's.
 */
#define STEP_MS 1000
#define RESTART_AFTER_MS 20000

#define MUST(what, call)                                                         \
	do {                                                                     \
		struct err must_err = ERR_INIT;                                  \
		if (call) {                                                      \
			fprintf(stderr, "world: %s: %s\n", what, must_err.text); \
			abort();                                                 \
		}                                                                \
	} while (0)

static void on_crash(void *arg)
{
	struct world *w = arg;

	if (!w->running)
		return; /* nobody's call: a test's own */
	w->running->crashed = true;
	if (w->running->ledger)
		ledger_freeze(w->running->ledger);
}

static void make_dir(char *path, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void make_dir(char *path, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, size, fmt, ap);
	va_end(ap);
	if (mkdir(path, 0700)) {
		perror(path);
		abort();
	}
}

static void make_dirs(struct world *w)
{
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	snprintf(w->dir, sizeof(w->dir), "%s/rollout-world-XXXXXX", base);
	if (!mkdtemp(w->dir)) {
		perror(w->dir);
		abort();
	}
}

static struct config config_of(const struct world_worker *ww)
{
	return (struct config){
		.action_types = {{.type = {"Deploy", "Custom", "Rollout", "1"}}},
		.n_action_types = 1,
		.threads = 1,
		.slots = 200,
		.unpacks = 1,
		.hold_ms = 60000,
		.tick_ms = 10000,
		.poll_ms = 15000,
		.stop_ms = 30000,
		.state_dir = ww->dir,
		.work_dir = ww->work_dir,
		.unpack = unpack_limits_default(),
		.artifact_max_bytes = 64 << 20,
	};
}

static void init_workers(struct world *w)
{
	for (int i = 0; i < WORLD_WORKERS_MAX; i++) {
		struct world_worker *ww = &w->workers[i];

		ww->world = w;
		make_dir(ww->dir, sizeof(ww->dir), "%s/%d", w->dir, i);
		snprintf(ww->ledger_path, sizeof(ww->ledger_path), "%s/%d/ledger.db", w->dir, i);
		snprintf(ww->work_dir, sizeof(ww->work_dir), "%s/%d/work", w->dir, i);
		ww->config = config_of(ww);
	}
}

void world_init(struct world *w, uint64_t seed, int log_fd)
{
	struct sim_options o = sim_options_default();

	*w = (struct world){.arena = arena_new(), .restart_after_ms = RESTART_AFTER_MS};
	make_dirs(w);
	init_workers(w);
	o.seed = seed;
	o.start = (struct utc){1767225600000}; /* 2026-01-01T00:00:00Z */
	o.check_signatures = true;
	o.step_ms = STEP_MS;
	o.noise = true;
	w->sim = sim_new(&o);
	sim_on_crash(w->sim, on_crash, w);
	w->settings = (struct aws_settings){.region = "eu-central-1"};
	if (log_fd >= 0)
		w->log = log_new(log_fd, LOG_TEXT, log_fd == 2 ? LOG_INFO : LOG_DEBUG, false,
				 sim_clock(w->sim));
	world_control(w, "codepipeline action-type Deploy Rollout 1");
}

static void drop(struct world_worker *ww)
{
	worker_free(ww->worker);
	ww->worker = NULL;
	ledger_close(ww->ledger);
	ww->ledger = NULL;
	credentials_provider_free(ww->credentials);
	ww->credentials = NULL;
	aws_free(ww->aws);
	ww->aws = NULL;
	cancel_free(ww->cancel);
	ww->cancel = NULL;
}

int world_try_worker(struct world *w, int i, struct err *err)
{
	struct world_worker *ww = &w->workers[i];
	struct worker_deps d = {.config = &ww->config, .region = "eu-central-1"};
	struct aws_deps deps = {.http = ww->http ? ww->http : sim_http(w->sim),
				.clock = ww->clock ? ww->clock : sim_clock(w->sim),
				.rng = sim_rng(w->sim),
				.log = ww->log ? ww->log : w->log,
				.settings = &w->settings,
				.user_agent = "rollout-worker/test"};
	int rc = -1;

	ww->crashed = false;
	ww->wanted = true;
	ww->cancel = cancel_new();
	deps.cancel = ww->cancel;
	ww->aws = aws_new(&deps);
	ww->credentials =
		credentials_cached_new(credentials_imds_new(ww->aws), deps.clock, deps.log);
	ww->ledger = ledger_open(ww->ledger_path, err);
	d.credentials = ww->credentials;
	d.aws = ww->aws;
	d.ledger = ww->ledger;
	w->running = ww;
	if (ww->ledger && (ww->worker = worker_new(&d, err)))
		rc = worker_start(ww->worker, err);
	w->running = NULL;
	if (rc)
		drop(ww);
	return rc;
}

void world_start_worker(struct world *w, int i)
{
	MUST("start a worker", world_try_worker(w, i, &must_err));
}

void world_kill_worker(struct world *w, int i)
{
	struct world_worker *ww = &w->workers[i];

	ww->wanted = false;
	ww->crashed = false;
	if (!ww->worker)
		return;
	ledger_freeze(ww->ledger);
	drop(ww);
}

void world_lose_ledger_of(struct world *w, int i)
{
	static const char *const tails[] = {"", "-wal", "-shm"};
	char path[128];

	for (int t = 0; t < 3; t++) {
		snprintf(path, sizeof(path), "%s%s", w->workers[i].ledger_path, tails[t]);
		unlink(path);
	}
}

void world_start(struct world *w)
{
	world_start_worker(w, 0);
}

void world_kill(struct world *w)
{
	world_kill_worker(w, 0);
}

void world_lose_ledger(struct world *w)
{
	world_lose_ledger_of(w, 0);
}

static void remove_dir(const char *path)
{
	if (rmdir(path) && errno != ENOENT)
		perror(path);
}

void world_release(struct world *w)
{
	for (int i = 0; i < WORLD_WORKERS_MAX; i++) {
		world_kill_worker(w, i);
		world_lose_ledger_of(w, i);
		remove_dir(w->workers[i].work_dir);
		remove_dir(w->workers[i].dir);
	}
	remove_dir(w->dir);
	sim_free(w->sim);
	log_free(w->log);
	arena_free(w->arena);
}

static const char *PRINTF_LIKE(2, 0) control(struct world *w, const char *fmt, va_list ap)
{
	char line[4096];
	struct buf out;
	const char *answer;

	vsnprintf(line, sizeof(line), fmt, ap);
	buf_init(&out, LIMIT_API_BODY);
	MUST(line, sim_control(w->sim, str_from(line), &out, &must_err));
	answer = arena_strdup(w->arena, out.p);
	buf_release(&out);
	return answer;
}

const char *world_control(struct world *w, const char *fmt, ...)
{
	const char *answer;
	va_list ap;

	va_start(ap, fmt);
	answer = control(w, fmt, ap);
	va_end(ap);
	return answer;
}

const struct json *world_ask(struct world *w, const char *fmt, ...)
{
	struct json *root;
	const char *answer;
	va_list ap;

	va_start(ap, fmt);
	answer = control(w, fmt, ap);
	va_end(ap);
	MUST(answer, json_parse(w->arena, str_from(answer), &root, &must_err));
	return root;
}

/* --- time ----------------------------------------------------------------------------------- */

/* The dead that are to live again: they lie until restart_after_ms is over. */
static void bury_and_revive(struct world *w)
{
	for (int i = 0; i < WORLD_WORKERS_MAX; i++) {
		struct world_worker *ww = &w->workers[i];

		if (ww->crashed) {
			world_kill_worker(w, i);
			if (w->lose_ledger)
				world_lose_ledger_of(w, i);
			sim_resume(w->sim);
			ww->wanted = true;
			ww->restart_at.ms = sim_now(w->sim).ms + w->restart_after_ms;
		}
		if (ww->wanted && !ww->worker && sim_now(w->sim).ms >= ww->restart_at.ms)
			world_start_worker(w, i);
	}
}

/* Run one task that is due, of any worker. */
static bool run_task(struct world *w)
{
	bool ran = false;

	for (int i = 0; i < WORLD_WORKERS_MAX && !ran; i++) {
		if (!w->workers[i].worker)
			continue;
		w->running = &w->workers[i];
		ran = scheduler_step(w->workers[i].worker->scheduler);
		w->ran = ran ? w->running : NULL;
		w->running = NULL;
	}
	return ran;
}

/* What a service changes by itself is looked at before much else has happened. */
#define WATCH_MS 5000

/* How long nothing happens, at most left. */
static int64_t quiet_ms(struct world *w, int64_t left)
{
	if (w->watch && left > WATCH_MS)
		left = WATCH_MS;
	for (int i = 0; i < WORLD_WORKERS_MAX; i++) {
		struct world_worker *ww = &w->workers[i];
		struct mono due;
		int64_t wait = left;

		if (ww->worker && scheduler_next_due(ww->worker->scheduler, &due))
			wait = due.ms - clock_mono(sim_clock(w->sim)).ms;
		else if (!ww->worker && ww->wanted)
			wait = ww->restart_at.ms - sim_now(w->sim).ms;
		if (wait < left)
			left = wait;
	}
	return left > 0 ? left : 1;
}

/* One task, or time moves to the next one; never past end. */
static void step(struct world *w, int64_t end_ms)
{
	bury_and_revive(w);
	if (!run_task(w))
		sim_advance(w->sim, quiet_ms(w, end_ms - sim_now(w->sim).ms));
	if (w->watch)
		w->watch(w, w->watch_arg);
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

static bool has_stopped(struct world *w, void *arg)
{
	const struct world_worker *ww = arg;

	(void)w;
	return worker_stopped(ww->worker);
}

bool world_stop_worker(struct world *w, int i, int64_t max_ms)
{
	bool stopped;

	worker_stop_begin(w->workers[i].worker);
	stopped = world_run_until(w, has_stopped, &w->workers[i], max_ms);
	world_kill_worker(w, i);
	return stopped;
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

/* --- ready-made pipelines ------------------------------------------------------------------- */

void world_alarm(struct world *w, const char *name)
{
	world_control(
		w,
		"cloudwatch alarm %s-errors namespace=AWS/Lambda metric=Errors "
		"dimensions=\"FunctionName=%s,Resource=%s:live\" stat=Sum period=60 threshold=30 "
		"evaluation_periods=1 missing=notBreaching state=OK",
		name, name, name);
}

void world_lambda_function(struct world *w, const char *name)
{
	world_control(w, "lambda function %s code=\"sim: errors=0.001\" alias=live rps=50", name);
	world_alarm(w, name);
}

void world_lambda_pipeline(struct world *w, const char *name, const char *strategy)
{
	world_control(
		w,
		"codepipeline pipeline %s action=Canary type=Deploy/Rollout/1 output=Report "
		"config.Target=\"lambda:%s:live\" config.Strategy=\"%s\" config.Alarms=%s-errors",
		name, name, strategy, name);
}

void world_lambda(struct world *w, const char *name, const char *strategy)
{
	world_lambda_function(w, name);
	world_lambda_pipeline(w, name, strategy);
}

const char *world_arn(struct world *w, const char *answer)
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
	rule = world_arn(w, world_control(w,
					  "elbv2 rule %s:443 priority=10 path=/x "
					  "forward=%s-blue:100,%s-green:0",
					  name, name, name));
	sim_advance(w->sim, 60000); /* targets become healthy */
	world_control(w, "elbv2 rule %s rps=50", rule);
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

void world_push_files(struct world *w, const char *pipeline, const struct pack_entry *files,
		      size_t n)
{
	char execution[RNG_UUID_SIZE];
	struct buf zip;

	buf_init(&zip, 16 << 20);
	MUST("pack", pack_entries(files, n, &zip, &must_err));
	MUST("push", sim_push(w->sim, pipeline, buf_str(&zip), execution, &must_err));
	buf_release(&zip);
}

void world_replace_files(struct world *w, const char *key, const struct pack_entry *files, size_t n)
{
	struct buf zip;

	buf_init(&zip, 16 << 20);
	MUST("pack", pack_entries(files, n, &zip, &must_err));
	sim_s3_put_object(w->sim, STR("codepipeline-eu-central-1-111122223333"), str_from(key),
			  buf_str(&zip));
	buf_release(&zip);
}

void world_push(struct world *w, const char *pipeline, const char *behaviour)
{
	char text[256];
	struct pack_entry file;

	snprintf(text, sizeof(text), "# a release\nsim: %s\n", behaviour);
	file = (struct pack_entry){.name = "index.py", .bytes = str_from(text)};
	world_push_files(w, pipeline, &file, 1);
}

/* --- how traffic is split ------------------------------------------------------------------- */

static double number(const struct json *object, const char *key)
{
	double v = 0;

	json_double(json_get(object, key), &v);
	return v;
}

struct world_live world_lambda_live(struct world *w, const char *name)
{
	const struct json *root = world_ask(w, "lambda show %s", name);
	struct world_live l = {.is_one = true};

	json_each(a, json_get(root, "aliases")) {
		if (!str_is(json_text(json_get(a, "name")), "live"))
			continue;
		l.version = (int)number(a, "version");
		l.additional = (int)number(a, "additional");
		l.is_one = l.additional == 0;
		l.candidate = l.version != 1 ? 100 : 0;
		if (l.additional > 1)
			l.candidate = 100 * number(a, "weight");
	}
	return l;
}

struct world_live world_load_balancer_live(struct world *w, const char *name)
{
	const struct json *root = world_ask(w, "elbv2 show %s:443:10", name);
	double blue = 0, green = 0;

	json_each(g, json_get(root, "live")) {
		if (str_ends(json_text(json_get(g, "targetGroup")), "-green"))
			green += number(g, "weight");
		else
			blue += number(g, "weight");
	}
	return (struct world_live){.is_one = blue == 0 || green == 0,
				   .candidate =
					   blue + green > 0 ? 100 * green / (blue + green) : 0};
}

const char *world_rule(struct world *w, const char *name)
{
	return world_arn(w, world_control(w, "elbv2 show %s:443:10", name));
}
