/*
 * Whole rollouts in one process and virtual time: the worker's code and the simulator it talks to,
 * so what is measured is both together, every request signed and every signature checked.
 *
 *   bench_world canary SEED           one canary of 35 minutes
 *   bench_world unchanged N SEED      N releases, one after another, of what is live already
 *   bench_world fleet N SEED          N canaries at once, for an hour
 *   bench_world alarm N TRIALS SEED   an alarm goes off while N rollouts are watched
 *
 * Prints "name value" lines; alarm prints one number a trial.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bench.h"
#include "tests/scenarios/world.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define CANARY "canary 5% 10m, 25% 10m, 50% 10m bake 5m"
#define LONG_CANARY "canary 10% 3h bake 5m"
#define NAME_SIZE 32

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "bench_world: %s: %s\n", what, why);
	exit(1);
}

static double cpu_ms(void)
{
	return bench_cpu_s() * 1e3;
}

static void say(const char *name, double value)
{
	printf("%s %.6g\n", name, value);
}

static void expect_success(const char *name, const struct sim_action *a)
{
	if (!a)
		die(name, "not over in time");
	if (strcmp(a->status, "Succeeded"))
		die(name, a->message);
}

/* --- one canary ------------------------------------------------------------------------------- */

static void canary(uint64_t seed)
{
	const struct sim_action *a;
	struct world w;
	uint64_t calls;
	double start;

	world_init(&w, seed, -1);
	world_lambda(&w, "checkout", CANARY);
	world_start(&w);
	calls = sim_calls(w.sim);
	start = cpu_ms();
	world_push(&w, "checkout", "errors=0.001");
	a = world_run_action(&w, "checkout", 3 * HOUR_MS);
	expect_success("canary", a);
	say("cpu_ms", cpu_ms() - start);
	say("jobs", a->n_jobs);
	say("simulated_min", (double)(a->updated.ms - a->started.ms) / (double)MINUTE_MS);
	say("calls", (double)(sim_calls(w.sim) - calls));
	say("polls", (double)sim_call_count(w.sim, "codepipeline", "PollForJobs"));
	say("describe_alarms", (double)sim_call_count(w.sim, "monitoring", "DescribeAlarms"));
	world_release(&w);
}

/* --- nothing to do ---------------------------------------------------------------------------- */

static void unchanged(int n, uint64_t seed)
{
	const struct sim_action *a;
	unsigned jobs = 0;
	uint64_t calls;
	struct world w;
	double start;

	world_init(&w, seed, -1);
	world_lambda(&w, "checkout", CANARY);
	world_start(&w);
	world_push(&w, "checkout", "errors=0.001");
	expect_success("first release", world_run_action(&w, "checkout", 3 * HOUR_MS));
	calls = sim_calls(w.sim);
	start = cpu_ms();
	for (int i = 0; i < n; i++) {
		world_push(&w, "checkout", "errors=0.001");
		world_run(&w, 1000); /* until the execution has begun */
		a = world_run_action(&w, "checkout", HOUR_MS);
		expect_success("unchanged release", a);
		jobs += a->n_jobs;
	}
	say("cpu_ms", (cpu_ms() - start) / n);
	say("jobs", (double)jobs / n);
	say("calls", (double)(sim_calls(w.sim) - calls) / n);
	world_release(&w);
}

/* --- many at once ----------------------------------------------------------------------------- */

static void name_of(int i, char name[NAME_SIZE])
{
	snprintf(name, NAME_SIZE, "shop%d", i);
}

/* Pushes spread over a minute, so that their ticks have nothing to do with each other. */
static void push_all(struct world *w, int n, const char *strategy)
{
	char name[NAME_SIZE];

	for (int i = 0; i < n; i++) {
		name_of(i, name);
		world_lambda(w, name, strategy);
		/* no data, and then it stays as it is: only we change its state */
		world_control(w,
			      "cloudwatch alarm %s-errors namespace=Bench metric=Nothing stat=Sum "
			      "period=60 threshold=1 evaluation_periods=1 missing=ignore state=OK",
			      name);
	}
	world_start(w);
	for (int i = 0; i < n; i++) {
		name_of(i, name);
		world_push(w, name, "errors=0.001");
		world_run(w, (int64_t)rng_below(sim_rng(w->sim), (uint64_t)(2 * MINUTE_MS / n)));
	}
}

static void fleet(int n, uint64_t seed)
{
	uint64_t calls, alarms, polls;
	struct world w;
	double start;

	world_init(&w, seed, -1);
	push_all(&w, n, LONG_CANARY);
	world_run(&w, 5 * MINUTE_MS);
	calls = sim_calls(w.sim);
	alarms = sim_call_count(w.sim, "monitoring", "DescribeAlarms");
	polls = sim_call_count(w.sim, "codepipeline", "PollForJobs");
	start = cpu_ms();
	world_run(&w, HOUR_MS);
	say("cpu_ms", cpu_ms() - start);
	say("calls", (double)(sim_calls(w.sim) - calls));
	say("describe_alarms",
	    (double)(sim_call_count(w.sim, "monitoring", "DescribeAlarms") - alarms));
	say("polls", (double)(sim_call_count(w.sim, "codepipeline", "PollForJobs") - polls));
	world_release(&w);
}

/* --- from alarm to restored weights ----------------------------------------------------------- */

static const struct sim_split *last_split(struct world *w, const char *name)
{
	const struct sim_split *splits;
	size_t n = sim_split_log(w->sim, &splits);
	char resource[NAME_SIZE + 16];

	snprintf(resource, sizeof(resource), "lambda:%s:live", name);
	while (n-- > 0)
		if (!strcmp(splits[n].resource, resource))
			return &splits[n];
	return NULL;
}

static bool is_shifted(struct world *w, void *arg)
{
	const struct sim_split *s = last_split(w, arg);

	return s && s->weight > 0;
}

static bool is_restored(struct world *w, void *arg)
{
	return !is_shifted(w, arg);
}

static void one_alarm(struct world *w, int i)
{
	char name[NAME_SIZE];
	struct utc at;

	name_of(i, name);
	if (!world_run_until(w, is_shifted, name, 30 * MINUTE_MS))
		die(name, "no traffic was shifted");
	/* anywhere in a tick, in a job, or between two */
	world_run(w, 10000 + (int64_t)rng_below(sim_rng(w->sim), (uint64_t)MINUTE_MS));
	if (!is_shifted(w, name))
		die(name, "restored without a reason");
	at = sim_now(w->sim);
	world_control(w, "cloudwatch set-state %s-errors ALARM", name);
	if (!world_run_until(w, is_restored, name, 10 * MINUTE_MS))
		die(name, "not restored in 10 minutes");
	printf("%lld\n", (long long)(last_split(w, name)->at.ms - at.ms));
}

static void alarm_trials(int n, int trials, uint64_t seed)
{
	for (int done = 0; done < trials;) {
		struct world w;

		world_init(&w, seed++, -1);
		push_all(&w, n, LONG_CANARY);
		for (int i = 0; i < n && done < trials; i++, done++)
			one_alarm(&w, i);
		world_release(&w);
	}
}

static uint64_t argument(const char *text)
{
	uint64_t v;

	if (!str_parse_u64(str_from(text), 0, 1000000, &v))
		die(text, "not a number");
	return v;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "canary"))
		canary(argument(argv[2]));
	else if (argc == 4 && !strcmp(argv[1], "unchanged"))
		unchanged((int)argument(argv[2]), argument(argv[3]));
	else if (argc == 4 && !strcmp(argv[1], "fleet"))
		fleet((int)argument(argv[2]), argument(argv[3]));
	else if (argc == 5 && !strcmp(argv[1], "alarm"))
		alarm_trials((int)argument(argv[2]), (int)argument(argv[3]), argument(argv[4]));
	else
		die("usage", "canary SEED | unchanged N SEED | fleet N SEED | alarm N TRIALS SEED");
	return 0;
}
