#include "tests/unit/target/broken_disk.h"
#include "tests/unit/target/lambda_artifact.h"
#include "tests/unit/target/lambda_segments_world.h"
#include "tests/unit/target/walk_records.h"

/* Everything that can go wrong with a call to Lambda, in every state of a rollout. */

#define N(list) (sizeof(list) / sizeof((list)[0]))

static int set_up(void **state)
{
	struct world *w;

	artifact_set_up(state);
	w = *state;
	w->env.rollout_id = "r-1";
	set_candidate(w, CANDIDATE_8);
	return 0;
}

/* An alias that stands there with these weights; what is written works. */
static void lambda_at(struct world *w, const char *version, const char *weights, const char *state)
{
	const char *more = arena_printf(
		w->f->arena, ",\"State\":\"%s\",\"StateReason\":\"r\",\"CodeSha256\":\"c2hh\"",
		state);

	forget_routes(w);
	route(w, "GET", CONFIGURATION "?Qualifier=7", 200, configuration(w, "7", more));
	route(w, "GET", CONFIGURATION "?Qualifier=8", 200, configuration(w, "8", more));
	route(w, "GET", CONFIGURATION, 200,
	      configuration(
		      w, "$LATEST",
		      arena_printf(w->f->arena, "%s,\"LastUpdateStatus\":\"Successful\"", more)));
	route(w, "GET", ALIAS, 200, alias(w, version, weights));
	not_found(w, "/functions/checkout/provisioned-concurrency?Qualifier=live");
	route(w, "PUT", "/functions/checkout/code", 200, configuration(w, "$LATEST", ""));
	route(w, "POST", "/functions/checkout/versions", 201, configuration(w, "8", more));
	route(w, "PUT", ALIAS, 200, alias(w, version, weights));
	route(w, "POST", "/functions/checkout/aliases", 201, alias(w, "8", ""));
	route(w, "DELETE", ALIAS, 204, "");
}

static void the_first_look_fails_closed(void **state)
{
	static const struct walk list[] = {
		/* whether there is any is no reason to stop: Lambda will say so in time */
		{WALK(INSPECT, INSPECT), .forgiven = "GetProvisionedConcurrencyConfig=missing"},
		{WALK(CHECK, INSPECT)},
	};
	struct world *w = *state;

	lambda_at(w, "7", "", "Active");
	walk_each(w, &target_lambda, list, N(list));
}

static void looking_fails_closed(void **state)
{
	static const struct walk list[] = {
		{WALK(OBSERVE, PREPARE)}, {WALK(OBSERVE, VERIFY)}, {WALK(OBSERVE, SHIFT)},
		{WALK(OBSERVE, WATCH)},	  {WALK(OBSERVE, BAKE)},   {WALK(OBSERVE, RESTORE)},
		{WALK(OBSERVE, PROVE)},
	};
	static const char *const states[] = {"Active", "Pending", "Failed", "Inactive"};
	struct world *w = *state;

	for (size_t i = 0; i < N(states); i++) {
		lambda_at(w, "7", "\"8\":0.05", states[i]);
		walk_each(w, &target_lambda, list, N(list));
	}
	lambda_at(w, "8", "", "Active");
	walk_each(w, &target_lambda, list, N(list));
}

static void acts_fail_closed(void **state)
{
	static const struct walk list[] = {
		{WALK(PREPARE, PREPARE)}, {WALK(SPLIT, SHIFT), .want = {.weight_bp = 500}},
		{WALK(PROMOTE, PROMOTE)}, {WALK(RESTORE, RESTORE)},
		{WALK(RETIRE, RETIRE)},
	};
	struct world *w = *state;

	lambda_at(w, "7", "", "Active");
	walk_each(w, &target_lambda, list, N(list));
	set_candidate(w, ""); /* its code goes up */
	walk_each(w, &target_lambda, list, 1);
	set_candidate(w, "{\"s\":\"c2hh\"}"); /* and is published */
	walk_each(w, &target_lambda, list, 1);
}

static void a_first_deployment_fails_closed(void **state)
{
	/* no alias is what there was before */
	static const struct walk list[] = {
		{WALK(OBSERVE, RESTORE), .forgiven = "GetAlias=missing"},
		{WALK(PROMOTE, PROMOTE)},
		{WALK(RESTORE, RESTORE), .forgiven = "GetAlias=missing DeleteAlias=missing"},
	};
	struct world *w = *state;

	str_copy(w->state.undo, sizeof(w->state.undo), STR(UNDO_FIRST));
	lambda_at(w, "8", "", "Active");
	walk_each(w, &target_lambda, list, N(list));
	forget_routes(w);
	not_found(w, ALIAS);
	route(w, "POST", "/functions/checkout/aliases", 201, alias(w, "8", ""));
	walk_each(w, &target_lambda, list, N(list));
}

/* An alias without a policy has none; and what is to go may be gone. */
#define NONE_OR_GONE "GetPolicy=missing RemovePermission=missing DeleteAlias=missing "

static void segments_fail_closed(void **state)
{
	static const struct walk list[] = {
		{WALK(OBSERVE, WATCH), .forgiven = "GetPolicy=missing"},
		{WALK(SPLIT, SHIFT), .want = {.segments = STAFF}, .forgiven = NONE_OR_GONE},
		{WALK(SPLIT, SHIFT), .want = {.weight_bp = 0}, .forgiven = NONE_OR_GONE},
		{WALK(SPLIT, SHIFT), .want = {.weight_bp = 500, .segments = STAFF},
		 .forgiven = NONE_OR_GONE},
		/* what does not go with a segment does not keep the alias from going back */
		{WALK(RESTORE, RESTORE), .forgiven = NONE_OR_GONE,
		 .goes_on = "ListAliases GetPolicy RemovePermission DeleteAlias"},
		/* an alias that cannot be read is written once more, under its lock */
		{WALK(PROMOTE, PROMOTE), .forgiven = NONE_OR_GONE "GetAlias"},
	};
	struct world *w = *state;
	const char *theirs = one_alias(w, "live-staff", "8", OURS);

	lambda_is(w, "7", "", theirs, WHOLE);
	walk_each(w, &target_lambda, list, N(list));
	lambda_is(w, "7", "\"8\":0.05", theirs, "r-1-0=" ROLE);
	walk_each(w, &target_lambda, list, N(list));
	lambda_is(w, "7", "\"8\":0.05", NULL, "");
	walk_each(w, &target_lambda, list, N(list));
	lambda_is(w, "8", "", theirs, WHOLE);
	walk_each(w, &target_lambda, list, N(list));
	lambda_is(w, "7", "\"8\":1", theirs, WHOLE);
	walk_each(w, &target_lambda, list, N(list));
}

static void a_first_look_at_segments_fails_closed(void **state)
{
	static const struct walk list[] = {
		{WALK(INSPECT, INSPECT), .forgiven = "GetProvisionedConcurrencyConfig=missing"},
	};
	struct world *w = *state;

	lambda_at(w, "7", "", "Active");
	w->plan.n_segments = 1;
	w->plan.segments[0] = (struct plan_segment){.name = "staff", .place = "staff"};
	w->plan.steps[0] = (struct plan_step){.segment = 0};
	route(w, "GET", "/functions/checkout/aliases?", 200,
	      arena_printf(w->f->arena, "{\"Aliases\":[%s]}", alias(w, "7", "")));
	walk_each(w, &target_lambda, list, N(list));
}

/* What Lambda says may be true, and be of no use: it cannot be locked, or is no version. */
static void useless_answers_are_errors(void **state)
{
	struct target_observation o;
	struct world *w = *state;

	lambda_at(w, "7", "", "Active");
	once(w, "GET", ALIAS, 200,
	     arena_printf(w->f->arena,
			  "{\"Name\":\"live\",\"FunctionVersion\":\"7\",\"RevisionId\":\"%s\"}",
			  fake_repeat(w->f->arena, "x", OBSERVATION_LOCK_MAX)));
	w->state.phase = PHASE_WATCH;
	assert_int_equal(target_lambda.observe(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(o.live, LIVE_UNREADABLE);
	assert_string_equal(o.lock, "");
	set_candidate(w, "{\"s\":\"c2hh\"}");
	w->state.phase = PHASE_PREPARE;
	once(w, "POST", "/functions/checkout/versions", 201, configuration(w, "$LATEST", ""));
	assert_int_equal(target_lambda.prepare(&w->env, &w->state, w->state.candidate, &w->err),
			 -1);
	assert_int_equal(w->err.code, ERR_MALFORMED);
	assert_string_equal(w->state.candidate, "{\"s\":\"c2hh\"}");
}

static int upload(void *arg)
{
	struct world *w = arg;

	w->state.phase = PHASE_PREPARE;
	return target_lambda.prepare(&w->env, &w->state, w->state.candidate, &w->err);
}

static int check(void *arg)
{
	struct world *w = arg;

	return target_lambda.check_artifact(&w->env, &w->problems, &w->err);
}

static void packages_that_cannot_be_read_are_not_sent(void **state)
{
	struct world *w = *state;

	lambda_at(w, "7", "", "Active");
	set_candidate(w, "");
	assert_int_equal(on_broken_disk(BROKEN_READ, 0, upload, w), -1);
	assert_int_equal(w->err.code, ERR_SYSTEM);
	w->plan.target.lambda.code = "artifact";
	assert_int_equal(on_broken_disk(BROKEN_STAT, 0, upload, w), -1);
	assert_int_equal(w->err.code, ERR_SYSTEM);
	w->err = ERR_INIT;
	assert_int_equal(on_broken_disk(BROKEN_STAT, 0, check, w), -1);
	assert_int_equal(w->err.code, ERR_SYSTEM);
	assert_int_equal(w->problems.n_errors, 0);
	assert_int_equal(mkfifoat(w->artifact.dir_fd, "pipe", 0600), 0);
	w->plan.target.lambda.code = "pipe";
	assert_int_equal(check(w), 0);
	expect_said(w, "neither a file nor a folder");
	assert_int_equal(w->f->n_requests, 0);
}

static void tampered_records_get_no_further(void **state)
{
	struct world *w = *state;

	lambda_at(w, "7", "\"8\":0.05", "Active");
	walk_records(w, &target_lambda);
	str_copy(w->state.undo, sizeof(w->state.undo), STR(UNDO_FIRST));
	walk_records(w, &target_lambda);
}

static void tampered_records_of_segments_get_no_further(void **state)
{
	struct world *w = *state;

	lambda_is(w, "7", "", one_alias(w, "live-staff", "8", OURS), WHOLE);
	walk_records(w, &target_lambda);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, artifact_tear_down)
#define S(name) cmocka_unit_test_setup_teardown(name, segments_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_first_look_fails_closed),
		T(looking_fails_closed),
		T(acts_fail_closed),
		T(a_first_deployment_fails_closed),
		S(segments_fail_closed),
		T(a_first_look_at_segments_fails_closed),
		T(useless_answers_are_errors),
		T(packages_that_cannot_be_read_are_not_sent),
		T(tampered_records_get_no_further),
		S(tampered_records_of_segments_get_no_further),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
