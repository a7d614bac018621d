#include "tests/unit/target/lambda_segments_world.h"

/* Aliases of segments: what is read, written and refused. */

static struct target_observation look(struct world *w)
{
	struct target_observation o;

	if (target_lambda.observe(&w->env, &w->state, &o, &w->err))
		fail_msg("%s", w->err.text);
	return o;
}

static void weights_and_aliases_are_the_traffic(void **state)
{
	static const struct {
		const char *version, *weights, *alias_version, *statements;
		enum live live;
		int bp;
		unsigned segments;
	} cases[] = {
		{"7", "", NULL, "", LIVE_BASELINE, 0, 0},
		{"7", "", "8", WHOLE, LIVE_SPLIT, 0, STAFF},
		{"7", "", "8", "r-1-1=" USER, LIVE_SPLIT, 0, 0}, /* half made */
		{"7", "", "8", "", LIVE_SPLIT, 0, 0},
		{"7", "", "8", WHOLE " theirs=arn:x", LIVE_SPLIT, 0, STAFF},
		{"7", "\"8\":0.05", "8", WHOLE, LIVE_SPLIT, 500, STAFF},
		{"7", "\"8\":1", "8", WHOLE, LIVE_CANDIDATE, 10000, STAFF},
		{"8", "", "8", WHOLE, LIVE_CANDIDATE, 10000, STAFF},
		{"8", "", NULL, "", LIVE_PROMOTED, 0, 0},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct target_observation o;

		lambda_is(w, cases[i].version, cases[i].weights,
			  cases[i].alias_version
				  ? one_alias(w, "live-staff", cases[i].alias_version, OURS)
				  : NULL,
			  cases[i].statements);
		o = look(w);
		if (o.live != cases[i].live || o.traffic.weight_bp != cases[i].bp ||
		    o.traffic.segments != cases[i].segments)
			fail_msg("%zu: %d %d %x: %s", i, o.live, o.traffic.weight_bp,
				 o.traffic.segments, o.detail);
	}
}

static void what_somebody_changed_is_foreign(void **state)
{
	static const struct {
		const char *version, *description, *statements, *says;
	} cases[] = {
		{"7", OURS, WHOLE, "points at version 7; this rollout made it for 8"},
		{"8", "mine", WHOLE, "alias live-staff is somebody else's"},
		{"8", "rollout-worker r-2 segment staff", WHOLE, "somebody else's"},
		{"8", OURS, "r-1-0=" ROLE " r-1-1=arn:other", "lets in others"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct target_observation o;

		lambda_is(w, "7", "",
			  one_alias(w, "live-staff", cases[i].version, cases[i].description),
			  cases[i].statements);
		o = look(w);
		if (o.live != LIVE_FOREIGN || !strstr(o.detail, cases[i].says))
			fail_msg("%zu: %d: %s", i, o.live, o.detail);
		w->err = ERR_INIT;
		assert_int_equal(target_lambda.split(&w->env, &w->state, &o,
						     &(struct traffic){.segments = STAFF}, &w->err),
				 -1);
		assert_int_equal(w->err.code, ERR_CONFLICT);
		assert_int_equal(sent(w, "DELETE", ""), 0);
		assert_int_equal(sent(w, "POST", ""), 0);
	}
	/* with weights of its own */
	lambda_is(w, "7", "",
		  "{\"Name\":\"live-staff\",\"FunctionVersion\":\"8\",\"Description\":\"" OURS
		  "\",\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"7\":0.5}}}",
		  WHOLE);
	assert_int_equal(look(w).live, LIVE_FOREIGN);
}

static void what_cannot_be_read_is_unreadable(void **state)
{
	static const char *const words[] = {ALIASES "?", POLICY};
	struct world *w = *state;

	for (size_t i = 0; i < 2; i++) {
		struct target_observation o;

		lambda_is(w, "7", "", one_alias(w, "live-staff", "8", OURS), WHOLE);
		once(w, "GET", words[i], 403, "{\"Message\":\"no\"}");
		o = look(w);
		assert_int_equal(o.live, LIVE_UNREADABLE);
		assert_true(o.denied);
	}
	str_copy(w->state.undo, sizeof(w->state.undo), STR(UNDO_7));
	lambda_is(w, "7", "", NULL, "");
	assert_int_equal(look(w).live, LIVE_BASELINE);
	assert_int_equal(sent(w, "GET", ALIASES "?"), 0);
}

static int split(struct world *w, int bp, unsigned segments)
{
	struct target_observation o = look(w);

	forget_requests(w);
	w->err = ERR_INIT;
	return target_lambda.split(&w->env, &w->state, &o,
				   &(struct traffic){.weight_bp = bp, .segments = segments},
				   &w->err);
}

static void an_alias_is_made_with_its_policy(void **state)
{
	struct world *w = *state;

	lambda_is(w, "7", "", NULL, "");
	if (split(w, 0, STAFF))
		fail_msg("%s", w->err.text);
	assert_string_equal(last_body(w, "POST", ALIASES),
			    "{\"Name\":\"live-staff\",\"FunctionVersion\":\"8\",\"Description\":"
			    "\"" OURS "\"}");
	assert_int_equal(sent(w, "POST", POLICY), 2);
	assert_string_equal(last_body(w, "POST", POLICY),
			    "{\"StatementId\":\"r-1-1\",\"Action\":\"lambda:InvokeFunction\","
			    "\"Principal\":\"" USER "\"}");
	assert_int_equal(sent(w, "PUT", ""), 0);
	/* half of it is there: only the rest is made */
	lambda_is(w, "7", "", one_alias(w, "live-staff", "8", OURS), "r-1-1=" USER);
	assert_int_equal(split(w, 0, STAFF), 0);
	assert_int_equal(sent(w, "POST", ALIASES), 0);
	assert_int_equal(sent(w, "POST", POLICY), 1);
	assert_non_null(strstr(last_body(w, "POST", POLICY), ROLE));
	/* a principal that does not exist */
	lambda_is(w, "7", "", NULL, "");
	once(w, "POST", POLICY, 400, "{\"Message\":\"The provided principal was invalid\"}");
	assert_int_equal(split(w, 0, STAFF), -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
	assert_non_null(strstr(w->err.text, ROLE " in segment staff"));
	/* what was made in between is not made again */
	lambda_is(w, "7", "", NULL, "");
	once(w, "POST", ALIASES, 409, "{\"Message\":\"Alias already exists\"}");
	assert_int_equal(split(w, 0, STAFF), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	assert_int_equal(sent(w, "POST", POLICY), 0);
	lambda_is(w, "7", "", NULL, "");
	once(w, "GET", POLICY, 403, "{\"Message\":\"no\"}");
	assert_int_equal(split(w, 0, STAFF), -1);
	assert_int_equal(w->err.code, ERR_DENIED);
}

static void weights_come_first(void **state)
{
	struct world *w = *state;

	lambda_is(w, "7", "", NULL, "");
	assert_int_equal(split(w, 500, STAFF), 0);
	assert_int_equal(sent(w, "PUT", ALIASES "/live"), 1);
	assert_int_equal(sent(w, "POST", ""), 0);
	/* back to a segment alone: no weight is an empty map */
	lambda_is(w, "7", "\"8\":0.05", one_alias(w, "live-staff", "8", OURS), WHOLE);
	assert_int_equal(split(w, 0, STAFF), 0);
	assert_string_equal(last_body(w, "PUT", ALIASES "/live"),
			    "{\"FunctionVersion\":\"7\",\"RoutingConfig\":{"
			    "\"AdditionalVersionWeights\":{}},\"RevisionId\":\"rev-1\"}");
	/* from a promotion: the alias first */
	lambda_is(w, "8", "", NULL, "");
	assert_int_equal(split(w, 0, STAFF), 0);
	assert_int_equal(sent(w, "PUT", ALIASES "/live"), 1);
	assert_int_equal(sent(w, "POST", ""), 0);
}

static int promote(struct world *w)
{
	struct target_observation o;

	w->state.phase = PHASE_PROMOTE;
	o = look(w);
	forget_requests(w);
	w->err = ERR_INIT;
	return target_lambda.promote(&w->env, &w->state, &o, &w->err);
}

static void promoting_ends_segments_last(void **state)
{
	const char *made;
	struct world *w = *state;

	made = one_alias(w, "live-staff", "8", OURS);
	lambda_is(w, "7", "\"8\":1", made, WHOLE); /* a step of 100 % */
	assert_int_equal(promote(w), 0);
	assert_int_equal(sent(w, "PUT", ALIASES "/live"), 1);
	assert_int_equal(sent(w, "DELETE", ""), 0);
	lambda_is(w, "8", "", made, WHOLE " theirs=arn:x");
	assert_int_equal(promote(w), 0);
	assert_int_equal(sent(w, "PUT", ""), 0);
	assert_int_equal(sent(w, "DELETE", "/policy/r-1-"), 2);
	assert_int_equal(sent(w, "DELETE", "/policy/theirs"), 0);
	assert_string_equal(w->f->requests[w->f->n_requests - 1].method, "DELETE");
	assert_non_null(strstr(w->f->requests[w->f->n_requests - 1].url, ALIASES "/live-staff"));
	/* a statement that will not go keeps its alias: it is what it is found by */
	lambda_is(w, "8", "", made, WHOLE);
	once(w, "DELETE", "/policy/r-1-1", 403, "{\"Message\":\"no\"}");
	assert_int_equal(promote(w), -1);
	assert_int_equal(w->err.code, ERR_DENIED);
	assert_int_equal(sent(w, "DELETE", ALIASES), 0);
}

static int restore(struct world *w)
{
	struct target_observation o;

	w->state.phase = PHASE_RESTORE;
	o = look(w);
	forget_requests(w);
	w->err = ERR_INIT;
	return target_lambda.restore(&w->env, &w->state, &o, &w->err);
}

static void restoring_removes_aliases(void **state)
{
	static const struct lambda_place at = {"checkout", "live", "8", true};
	const char *made;
	struct world *w = *state;

	made = one_alias(w, "live-staff", "8", OURS);
	lambda_is(w, "7", "\"8\":0.05", made, WHOLE);
	assert_int_equal(restore(w), 0);
	assert_int_equal(sent(w, "DELETE", ALIASES "/live-staff"), 1);
	assert_int_equal(sent(w, "PUT", ALIASES "/live"), 1);
	/* the alias goes back though a segment does not go */
	lambda_is(w, "7", "\"8\":0.05", made, WHOLE);
	once(w, "DELETE", "/policy/", 403, "{\"Message\":\"no\"}");
	assert_int_equal(restore(w), -1);
	assert_int_equal(w->err.code, ERR_DENIED);
	assert_int_equal(sent(w, "PUT", ALIASES "/live"), 1);
	lambda_is(w, "7", "\"8\":0.05", made, WHOLE);
	once(w, "GET", POLICY, 403, "{\"Message\":\"no\"}");
	assert_int_equal(lambda_segments_write(&w->env, &at, 0, &w->err), -1);
	assert_int_equal(w->err.code, ERR_DENIED);
	lambda_is(w, "7", "", made, WHOLE);
	w->plan.n_segments = 0; /* whose they are is not asked for any more */
	once(w, "GET", POLICY, 403, "{\"Message\":\"no\"}");
	assert_int_equal(lambda_segments_write(&w->env, &at, 0, &w->err), -1);
	assert_int_equal(sent(w, "DELETE", ""), 0);
	w->plan.n_segments = 1;
	/* only the segment is left */
	lambda_is(w, "7", "", made, WHOLE);
	assert_int_equal(restore(w), 0);
	assert_int_equal(sent(w, "PUT", ""), 0);
	assert_int_equal(sent(w, "DELETE", ALIASES "/live-staff"), 1);
	/* with no plan it is found by its description */
	w->plan.n_segments = w->plan.n_steps = 0;
	lambda_is(w, "7", "\"8\":0.05", made, WHOLE);
	assert_int_equal(restore(w), 0);
	assert_int_equal(sent(w, "DELETE", ALIASES "/live-staff"), 1);
	/* stopped in the middle: nothing more is sent */
	lambda_is(w, "7", "\"8\":0.05", made, WHOLE);
	once(w, "DELETE", "/policy/", 0, "")->fail = ERR_CANCELED;
	assert_int_equal(restore(w), -1);
	assert_int_equal(w->err.code, ERR_CANCELED);
	assert_int_equal(sent(w, "PUT", ""), 0);
}

static void names_that_are_taken_are_refused(void **state)
{
	struct world *w = *state;
	char name[129];

	lambda_is(w, "7", "", one_alias(w, "live-staff", "3", "by hand"), "");
	assert_int_equal(lambda_segments_inspect(&w->env, &w->problems, &w->err), 0);
	expect_said(w, "staff: \"live-staff\": an alias of this name, which the segment needs, "
		       "exists already (by hand)");
	memset(name, 'n', sizeof(name));
	name[128] = '\0';
	w->plan.target.lambda.alias = name;
	problems_init(&w->problems, w->f->arena);
	assert_int_equal(lambda_segments_inspect(&w->env, &w->problems, &w->err), 0);
	expect_said(w, "has more than 128 characters");
	w->plan.target.lambda.alias = "live";
	once(w, "GET", ALIASES "?", 403, "{\"Message\":\"no\"}");
	assert_int_equal(lambda_segments_inspect(&w->env, &w->problems, &w->err), -1);
	/* a segment that no step uses wants nothing */
	w->plan.steps[0].segment = -1;
	problems_init(&w->problems, w->f->arena);
	w->err = ERR_INIT;
	assert_int_equal(lambda_segments_inspect(&w->env, &w->problems, &w->err), 0);
	assert_int_equal(w->problems.n_errors, 0);
}

/* In its step a segment's alias is what there is to see. */
static void metrics_are_those_of_the_alias(void **state)
{
	const char *ns, *names[PLAN_DIMENSIONS_MAX], *values[PLAN_DIMENSIONS_MAX];
	struct world *w = *state;

	assert_int_equal(target_lambda.series(&w->env, &w->state, true, &ns, names, values), 2);
	assert_string_equal(values[1], "checkout:live-staff");
	assert_int_equal(target_lambda.series(&w->env, &w->state, false, &ns, names, values), 3);
	assert_string_equal(values[1], "checkout:live");
	w->state.step = 1;
	assert_int_equal(target_lambda.series(&w->env, &w->state, true, &ns, names, values), 3);
	assert_string_equal(values[1], "checkout:live");
	w->state.step = 0;
	w->state.phase = PHASE_BAKE;
	assert_int_equal(target_lambda.series(&w->env, &w->state, true, &ns, names, values), 2);
	assert_string_equal(values[1], "checkout:live");
}

static void count_call(void *arg, const struct target_call *c)
{
	*(size_t *)arg += strstr(c->operation, "Permission") || strstr(c->operation, "Policy");
}

static void calls_are_told_when_there_are_segments(void **state)
{
	struct world *w = *state;
	size_t n = 0;

	target_lambda.calls(&w->plan, w->f->arena, count_call, &n);
	assert_int_equal(n, 6);
	w->plan.n_steps = 0;
	n = 0;
	target_lambda.calls(&w->plan, w->f->arena, count_call, &n);
	assert_int_equal(n, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, segments_set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(weights_and_aliases_are_the_traffic),
		TEST(what_somebody_changed_is_foreign),
		TEST(what_cannot_be_read_is_unreadable),
		TEST(an_alias_is_made_with_its_policy),
		TEST(weights_come_first),
		TEST(promoting_ends_segments_last),
		TEST(restoring_removes_aliases),
		TEST(names_that_are_taken_are_refused),
		TEST(metrics_are_those_of_the_alias),
		TEST(calls_are_told_when_there_are_segments),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
