#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"

/*
 * Segments of a Lambda function by who calls it: aliases of our own, that only their principals may
 * invoke. However a rollout ends, neither alias nor statement is left.
 */
#define STAFF "arn:aws:iam::111122223333:role/staff"
#define ROBOT "arn:aws:iam::111122223333:user/robot"
#define STEPS "{ segment: staff, for: 5m }, { weight: 10, for: 5m }"
#define WELL "errors=0.001"
#define BADLY "errors=0.4"

/* The alarm sees what happens in the function, whatever the alias. */
static void make_checkout(struct world *w)
{
	world_lambda_function(w, "checkout");
	world_control(w, "lambda caller checkout " STAFF " rps=20");
	world_control(w, "cloudwatch alarm all-errors namespace=AWS/Lambda metric=Errors "
			 "dimensions=\"FunctionName=checkout\" stat=Sum period=60 threshold=30 "
			 "evaluation_periods=1 missing=notBreaching state=OK");
	world_control(w, "codepipeline pipeline checkout action=Canary type=Deploy/Rollout/1");
}

static void push(struct world *w, const char *steps, const char *guards, const char *behaviour)
{
	const char *plan =
		arena_printf(w->arena,
			     "rollout: 1\ntarget: { lambda: { function: checkout, alias: live } }\n"
			     "segments:\n  staff: { principals: [\"" STAFF "\", \"" ROBOT "\"] }\n"
			     "  beta: { principals: \"arn:aws:iam::111122223333:root\" }\n"
			     "strategy: { canary: { steps: [ %s ], bake: 5m } }\n"
			     "guards: [ %s ]\n",
			     steps, guards);
	const char *code = arena_printf(w->arena, "# sim: %s\n", behaviour);
	const struct pack_entry files[] = {{.name = "rollout.yaml", .bytes = str_from(plan)},
					   {.name = "index.py", .bytes = str_from(code)}};

	world_push_files(w, "checkout", files, 2);
}

static const struct sim_action *release(struct world *w, const char *steps, const char *behaviour)
{
	make_checkout(w);
	world_start(w);
	push(w, steps, "{ alarm: all-errors }", behaviour);
	return scene_end(w, "checkout");
}

static const struct json *shown(struct world *w, const char *what)
{
	return json_get(world_ask(w, "lambda show checkout"), what);
}

static const struct json *alias(struct world *w, const char *name)
{
	json_each(a, shown(w, "aliases")) {
		if (str_is(json_text(json_get(a, "name")), name))
			return a;
	}
	return NULL;
}

static void expect_nothing_left(struct world *w, int version)
{
	assert_int_equal(shown(w, "aliases")->n, 1);
	assert_int_equal(shown(w, "statements")->n, 0);
	assert_int_equal(world_lambda_live(w, "checkout").version, version);
	assert_true(world_lambda_live(w, "checkout").is_one);
}

static bool has_statements(struct world *w, void *arg)
{
	return shown(w, "statements")->n == *(size_t *)arg;
}

static void run_until_statements(struct world *w, size_t n)
{
	if (!world_run_until(w, has_statements, &n, 2 * HOUR_MS))
		fail_msg("there were never %zu statements", n);
}

/* Requests to the newest version. */
static double requests(struct world *w)
{
	const struct json *last = NULL;
	double n = 0;

	json_each(v, shown(w, "versions")) {
		last = v;
	}
	json_double(json_get(last, "requests"), &n);
	return n;
}

/* --- good and bad --------------------------------------------------------------------------- */

static void listed_principals_go_first(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	int64_t version = 0;

	make_checkout(w);
	world_start(w);
	push(w, STEPS, "{ alarm: all-errors }", WELL);
	run_until_statements(w, 2);
	scene_run_until_summary(w, "checkout", "segment staff on the candidate");
	assert_non_null(alias(w, "live-staff"));
	assert_true(json_i64(json_get(alias(w, "live-staff"), "version"), &version));
	assert_int_equal(version, 2);
	assert_int_equal(world_lambda_live(w, "checkout").version, 1);
	assert_true(world_lambda_live(w, "checkout").is_one);
	world_run(w, MINUTE_MS);
	assert_true(requests(w) > 500); /* theirs alone */
	a = scene_end(w, "checkout");
	scene_expect(a, "Succeeded", NULL, "serves everything", NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, 10., 100., -1.);
	scene_expect_only_reads_before_token(w, a);
	assert_int_equal(sim_call_count(w->sim, "lambda", "CreateAlias"), 1);
	assert_int_equal(sim_call_count(w->sim, "lambda", "AddPermission"), 2);
	expect_nothing_left(w, 2);
}

static void a_bad_candidate_meets_its_principals_alone(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, STEPS, BADLY);

	scene_expect(a, "Failed", "JobFailed", "with segment staff on the candidate", "all-errors",
		     "The baseline carries all traffic", NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, -1.);
	expect_nothing_left(w, 1);
}

static void segments_may_stand_between_percentages(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	make_checkout(w);
	world_start(w);
	push(w,
	     "{ weight: 10, for: 5m }, { segment: staff, for: 5m }, { weight: 50, for: 5m }, "
	     "{ segment: beta, for: 5m }",
	     "{ alarm: all-errors }", WELL);
	run_until_statements(w, 3);
	assert_true(world_lambda_live(w, "checkout").candidate > 49);
	assert_non_null(alias(w, "live-staff"));
	assert_non_null(alias(w, "live-beta"));
	a = scene_end(w, "checkout");
	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, 10., 50., 100., -1.);
	expect_nothing_left(w, 2);
}

/* A metric of the candidate is, in the step of a segment, that of its alias. */
static void a_metric_of_the_candidate_sees_the_segment(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	make_checkout(w);
	world_start(w);
	push(w, STEPS, "{ metric: AWS/Lambda/Errors, at_most: 20 }", BADLY);
	a = scene_end(w, "checkout");
	scene_expect(a, "Failed", "JobFailed", "with segment staff on the candidate", "Errors",
		     NULL);
	expect_nothing_left(w, 1);
}

/* --- crashes and lost answers --------------------------------------------------------------- */

static void at_most_one_alias_more(struct world *w, void *arg)
{
	(void)arg;
	assert_true(shown(w, "aliases")->n <= 2);
	assert_true(shown(w, "statements")->n <= 2);
}

/* Sanitizers take their time: every fourth kind is enough for them. */
static size_t stride(void)
{
	const char *sanitizers = getenv("SAN");

	return sanitizers && *sanitizers ? 4 : 1;
}

static void with_fault(const char *kind, const char *operation, int nth, bool bad)
{
	const struct sim_action *a;
	struct world *w;
	void *state;

	scene_set_up(&state);
	w = state;
	make_checkout(w);
	world_start(w);
	w->watch = at_most_one_alias_more;
	world_control(w, "sim fault kind=%s n=%d service=lambda operation=%s", kind, nth,
		      operation);
	push(w, STEPS, "{ alarm: all-errors }", bad ? BADLY : WELL);
	a = scene_end(w, "checkout");
	if (!sim_fault_hit(w->sim))
		fail_msg("%s at %s never happened", kind, operation);
	if (bad)
		scene_expect(a, "Failed", "JobFailed", "read back", NULL);
	else
		scene_expect(a, "Succeeded", NULL, NULL);
	expect_nothing_left(w, bad ? 1 : 2);
	scene_tear_down(&state);
}

static void whatever_happens_to_a_call_nothing_is_left(void **state)
{
	static const char *const kinds[] = {"crash-before",  "crash-after",  "timeout-before",
					    "timeout-after", "500",	     "500-after",
					    "truncated",     "garbage",	     "refused",
					    "throttled",     "expired-token"};
	static const struct {
		const char *operation;
		int nth;
	} calls[] = {{"CreateAlias", 1},      {"AddPermission", 1}, {"AddPermission", 2},
		     {"RemovePermission", 1}, {"DeleteAlias", 1},   {"GetPolicy", 3},
		     {"ListAliases", 8}};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i += stride())
		for (size_t k = 0; k < sizeof(calls) / sizeof(calls[0]); k++)
			for (int bad = 0; bad < 2; bad++)
				with_fault(kinds[i], calls[k].operation, calls[k].nth, bad);
}

/* --- other people --------------------------------------------------------------------------- */

/* With 10 % live, in the step of a segment. */
static void to_segment(struct world *w)
{
	make_checkout(w);
	world_start(w);
	push(w, "{ weight: 10, for: 5m }, { segment: staff, for: 5m }", "{ alarm: all-errors }",
	     WELL);
	run_until_statements(w, 2);
	world_run(w, MINUTE_MS);
}

static void an_alias_removed_by_hand_is_made_again(void **state)
{
	struct world *w = *state;

	to_segment(w);
	world_control(w, "lambda delete-alias checkout live-staff");
	scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
	assert_int_equal(sim_call_count(w->sim, "lambda", "CreateAlias"), 2);
	expect_nothing_left(w, 2);
}

static void an_alias_moved_by_hand_is_left_alone(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	to_segment(w);
	world_control(w, "lambda alias checkout live-staff version=1");
	a = scene_end(w, "checkout");
	scene_expect(a, "Failed", "RevisionOutOfSync", "alias live-staff", "left as found", NULL);
	/* the next rollout is told before it touches anything */
	push(w, STEPS, "{ alarm: all-errors }", WELL);
	a = scene_end(w, "checkout");
	scene_expect(a, "Failed", "ConfigurationError", "live-staff", "was made by a rollout",
		     NULL);
	scene_expect_no_writes(w, a);
}

static void an_alias_of_somebody_else_is_not_taken(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	make_checkout(w);
	world_control(w, "lambda alias checkout live-staff version=1");
	world_start(w);
	push(w, STEPS, "{ alarm: all-errors }", WELL);
	a = scene_end(w, "checkout");
	scene_expect(a, "Failed", "ConfigurationError", "live-staff", "exists already", NULL);
	scene_expect_no_writes(w, a);
}

static void an_abandoned_rollout_leaves_nothing(void **state)
{
	struct world *w = *state;
	size_t none = 0;

	make_checkout(w);
	world_start(w);
	push(w, "{ segment: staff, for: 3h }", "{ alarm: all-errors }", WELL);
	run_until_statements(w, 2);
	world_control(w, "codepipeline stop checkout abandon");
	if (!world_run_until(w, has_statements, &none, HOUR_MS))
		fail_msg("the statements are still there");
	world_run(w, MINUTE_MS);
	expect_nothing_left(w, 1);
}

static void a_lost_plan_leaves_nothing(void **state)
{
	struct world *w = *state;

	to_segment(w);
	world_kill(w);
	world_replace_files(w, scene_source_key(w, "checkout"), NULL, 0);
	world_start(w);
	scene_expect(scene_end(w, "checkout"), "Failed", NULL, "The baseline carries all traffic",
		     NULL);
	expect_nothing_left(w, 1);
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(listed_principals_go_first),
		SCENE(a_bad_candidate_meets_its_principals_alone),
		SCENE(segments_may_stand_between_percentages),
		SCENE(a_metric_of_the_candidate_sees_the_segment),
		cmocka_unit_test(whatever_happens_to_a_call_nothing_is_left),
		SCENE(an_alias_removed_by_hand_is_made_again),
		SCENE(an_alias_moved_by_hand_is_left_alone),
		SCENE(an_alias_of_somebody_else_is_not_taken),
		SCENE(an_abandoned_rollout_leaves_nothing),
		SCENE(a_lost_plan_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
