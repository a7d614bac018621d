#include "tests/unit/target/lambda_world.h"

/* Looking at an alias and moving it; bringing the candidate up is in test_lambda_code.c. */

static struct target_observation look(struct world *w, enum phase phase)
{
	struct target_observation o;

	w->state.phase = phase;
	if (target_lambda.observe(&w->env, &w->state, &o, &w->err))
		fail_msg("%s", w->err.text);
	return o;
}

static void the_alias_is_read_in_the_words_of_the_machine(void **state)
{
	static const struct {
		const char *version, *weights;
		enum live live;
		int weight_bp;
	} cases[] = {
		{"7", "", LIVE_BASELINE, 0},
		{"7", "\"8\":0.05", LIVE_SPLIT, 500},
		{"7", "\"8\":0.0001", LIVE_SPLIT, 1},
		{"7", "\"8\":0.33329999999", LIVE_SPLIT, 3333},
		{"7", "\"8\":1.0", LIVE_CANDIDATE, 10000},
		{"7", "\"8\":0", LIVE_BASELINE, 0},
		{"7", "\"9\":0", LIVE_BASELINE, 0},
		{"7", "\"9\":0.05", LIVE_FOREIGN, 0},
		{"7", "\"8\":0.05,\"9\":0.05", LIVE_FOREIGN, 0},
		{"8", "", LIVE_PROMOTED, 0},
		{"8", "\"7\":0.05", LIVE_FOREIGN, 0},
		{"9", "", LIVE_FOREIGN, 0},
		{"$LATEST", "", LIVE_FOREIGN, 0},
	};
	struct world *w = *state;

	set_candidate(w, CANDIDATE_8);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct target_observation o;

		forget_routes(w);
		route(w, "GET", ALIAS, 200, alias(w, cases[i].version, cases[i].weights));
		o = look(w, PHASE_WATCH);
		if (o.live != cases[i].live || o.traffic.weight_bp != cases[i].weight_bp)
			fail_msg("%s {%s}: %d %d", cases[i].version, cases[i].weights, o.live,
				 o.traffic.weight_bp);
		assert_true(o.settled && o.retired);
		assert_string_equal(o.lock, "rev-1");
		assert_int_equal(o.live == LIVE_FOREIGN, o.detail[0] != '\0');
		assert_int_equal(w->f->n_requests, 1);
	}
}

static void before_a_candidate_is_known_every_weight_is_foreign(void **state)
{
	struct world *w = *state;

	route(w, "GET", ALIAS, 200, alias(w, "7", "\"8\":0.05"));
	assert_int_equal(look(w, PHASE_PREPARE).live, LIVE_FOREIGN);
	assert_int_equal(look(w, PHASE_PREPARE).candidate, CANDIDATE_ABSENT);
	set_candidate(w, "{\"s\":\"c2hh\"}");
	assert_int_equal(look(w, PHASE_PREPARE).live, LIVE_FOREIGN);
	assert_int_equal(look(w, PHASE_PREPARE).candidate, CANDIDATE_PENDING);
}

static void what_cannot_be_read_is_unreadable(void **state)
{
	struct world *w = *state;
	struct target_observation o;

	route(w, "GET", ALIAS, 403, "{\"Message\":\"no\"}")->headers =
		"x-amzn-ErrorType: AccessDeniedException\n";
	o = look(w, PHASE_RESTORE);
	assert_int_equal(o.live, LIVE_UNREADABLE);
	assert_true(o.denied);
	assert_non_null(strstr(o.detail, "AccessDeniedException"));
	assert_int_not_equal(o.baseline_health.kind, VERDICT_PASS);
	forget_routes(w);
	route(w, "GET", ALIAS, 500, "{}");
	o = look(w, PHASE_WATCH);
	assert_int_equal(o.live, LIVE_UNREADABLE);
	assert_false(o.denied);
	/* without a revision id nothing could be written safely */
	forget_routes(w);
	route(w, "GET", ALIAS, 200, "{\"Name\":\"live\",\"FunctionVersion\":\"7\"}");
	o = look(w, PHASE_WATCH);
	assert_int_equal(o.live, LIVE_UNREADABLE);
	assert_string_equal(o.lock, "");
	assert_non_null(strstr(o.detail, "no revision id"));
	/* weights that are no numbers are not "no weights" */
	forget_routes(w);
	route(w, "GET", ALIAS, 200, alias(w, "7", "\"8\":\"a lot\""));
	assert_int_equal(look(w, PHASE_WATCH).live, LIVE_UNREADABLE);
	/* an undo record that is none of ours */
	str_copy(w->state.undo, sizeof(w->state.undo), STR("{\"t\":\"load_balancer\"}"));
	o = look(w, PHASE_WATCH);
	assert_int_equal(o.live, LIVE_UNREADABLE);
	assert_non_null(strstr(o.detail, "not one of a Lambda alias"));
	str_copy(w->state.undo, sizeof(w->state.undo), STR("{"));
	assert_int_equal(look(w, PHASE_WATCH).live, LIVE_UNREADABLE);
}

static void an_alias_that_vanished_is_foreign_but_to_a_first_deployment(void **state)
{
	struct world *w = *state;

	not_found(w, ALIAS);
	assert_int_equal(look(w, PHASE_WATCH).live, LIVE_FOREIGN);
	str_copy(w->state.undo, sizeof(w->state.undo), STR(UNDO_FIRST));
	assert_int_equal(look(w, PHASE_PROMOTE).live, LIVE_BASELINE);
	assert_true(look(w, PHASE_PROMOTE).settled);
	assert_int_equal(look(w, PHASE_PROVE).baseline_health.kind, VERDICT_PASS);
	forget_routes(w);
	set_candidate(w, "{\"s\":\"c2hh\",\"v\":\"1\"}");
	route(w, "GET", ALIAS, 200, alias(w, "1", ""));
	assert_int_equal(look(w, PHASE_PROMOTE).live, LIVE_PROMOTED);
	set_candidate(w, "{\"s\":\"c2hh\",\"v\":\"2\"}");
	assert_int_equal(look(w, PHASE_PROMOTE).live, LIVE_FOREIGN);
}

static void cancellation_is_passed_on(void **state)
{
	struct world *w = *state;
	struct target_observation o;
	struct cancel *cancel = cancel_new();

	route(w, "GET", ALIAS, 200, alias(w, "7", ""));
	w->env.client.cancel = cancel;
	cancel_fire(cancel);
	w->state.phase = PHASE_WATCH;
	assert_int_equal(target_lambda.observe(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CANCELED);
	cancel_free(cancel);
}

static void the_candidate_is_ready_when_its_version_is_active(void **state)
{
	static const struct {
		const char *more;
		enum candidate_state state;
	} cases[] = {
		{",\"State\":\"Active\"", CANDIDATE_READY},
		{",\"State\":\"Inactive\"", CANDIDATE_READY},
		{"", CANDIDATE_READY},
		{",\"State\":\"Pending\"", CANDIDATE_PENDING},
		{",\"State\":\"Deactivating\"", CANDIDATE_PENDING},
		{",\"State\":\"Failed\",\"StateReason\":\"no such role\"", CANDIDATE_FAILED},
	};
	struct world *w = *state;
	struct target_observation o;

	set_candidate(w, CANDIDATE_8);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		forget_routes(w);
		route(w, "GET", ALIAS, 200, alias(w, "7", ""));
		route(w, "GET", CONFIGURATION "?Qualifier=8", 200,
		      configuration(w, "8", cases[i].more));
		assert_int_equal(look(w, PHASE_PREPARE).candidate, cases[i].state);
		assert_int_equal(look(w, PHASE_VERIFY).candidate, cases[i].state);
		assert_int_equal(look(w, PHASE_WATCH).candidate, CANDIDATE_READY); /* not asked */
	}
	assert_non_null(strstr(look(w, PHASE_PREPARE).detail, "no such role"));
	forget_routes(w);
	route(w, "GET", ALIAS, 200, alias(w, "7", ""));
	not_found(w, CONFIGURATION);
	assert_int_equal(look(w, PHASE_PREPARE).candidate, CANDIDATE_FAILED);
	/* one that cannot be read is no failed one */
	forget_routes(w);
	route(w, "GET", ALIAS, 200, alias(w, "7", ""));
	route(w, "GET", CONFIGURATION, 500, "{}");
	o = look(w, PHASE_VERIFY);
	assert_int_equal(o.live, LIVE_UNREADABLE);
	assert_int_equal(o.candidate, CANDIDATE_PENDING);
	/* nothing new was published */
	set_candidate(w, "{\"s\":\"c2hh\",\"v\":\"7\"}");
	assert_int_equal(look(w, PHASE_PREPARE).candidate, CANDIDATE_SAME);
}

static void the_baseline_must_be_able_to_serve(void **state)
{
	static const struct {
		const char *more;
		enum verdict_kind kind;
	} cases[] = {
		{",\"State\":\"Active\"", VERDICT_PASS},
		{",\"State\":\"Inactive\"", VERDICT_PASS},
		{"", VERDICT_PASS},
		{",\"State\":\"Failed\"", VERDICT_FAIL},
		{",\"State\":\"Deleting\"", VERDICT_UNKNOWN},
		{",\"State\":\"Pending\"", VERDICT_UNKNOWN},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		forget_routes(w);
		route(w, "GET", ALIAS, 200, alias(w, "7", ""));
		route(w, "GET", CONFIGURATION "?Qualifier=7", 200,
		      configuration(w, "7", cases[i].more));
		assert_int_equal(look(w, PHASE_PROVE).baseline_health.kind, cases[i].kind);
		assert_int_equal(look(w, PHASE_RESTORE).baseline_health.kind, cases[i].kind);
	}
	forget_routes(w);
	route(w, "GET", ALIAS, 200, alias(w, "7", ""));
	not_found(w, CONFIGURATION);
	assert_int_equal(look(w, PHASE_PROVE).baseline_health.kind, VERDICT_FAIL);
	forget_routes(w);
	route(w, "GET", ALIAS, 200, alias(w, "7", ""));
	route(w, "GET", CONFIGURATION, 500, "{}");
	assert_int_equal(look(w, PHASE_PROVE).baseline_health.kind, VERDICT_ERROR);
	assert_int_equal(look(w, PHASE_PROVE).live, LIVE_BASELINE);
}

/* --- acting ---------------------------------------------------------------------------------- */

static void a_split_is_locked_and_spelled_out(void **state)
{
	struct world *w = *state;
	struct target_observation o = {.lock = "rev-1"};

	set_candidate(w, CANDIDATE_8);
	route(w, "PUT", ALIAS, 200, alias(w, "7", "\"8\":0.05"));
	assert_int_equal(target_lambda.split(&w->env, &w->state, &o, SHARE(500), &w->err), 0);
	assert_string_equal(last_body(w, "PUT", ALIAS),
			    "{\"FunctionVersion\":\"7\",\"RoutingConfig\":{"
			    "\"AdditionalVersionWeights\":{\"8\":0.05}},\"RevisionId\":\"rev-1\"}");
	assert_int_equal(target_lambda.split(&w->env, &w->state, &o, SHARE(10000), &w->err), 0);
	assert_non_null(strstr(last_body(w, "PUT", ALIAS), "{\"8\":1}"));
	assert_int_equal(target_lambda.split(&w->env, &w->state, &o, SHARE(1), &w->err), 0);
	assert_non_null(strstr(last_body(w, "PUT", ALIAS), "{\"8\":0.0001}"));
}

static void a_moved_alias_is_a_conflict(void **state)
{
	struct world *w = *state;
	struct target_observation o = {.lock = "rev-1"};

	set_candidate(w, CANDIDATE_8);
	route(w, "PUT", ALIAS, 412, "{\"Message\":\"moved\"}")->headers =
		"x-amzn-ErrorType: PreconditionFailedException\n";
	assert_int_equal(target_lambda.split(&w->env, &w->state, &o, SHARE(500), &w->err), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	assert_int_equal(target_lambda.promote(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	assert_int_equal(target_lambda.restore(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	assert_int_equal(w->f->n_requests, 3); /* none of them was repeated */
	/* without a look there is no lock, and without a lock nothing is written */
	forget_requests(w);
	o.lock[0] = '\0';
	assert_int_equal(target_lambda.split(&w->env, &w->state, &o, SHARE(500), &w->err), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	assert_int_equal(target_lambda.promote(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	assert_int_equal(target_lambda.restore(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	assert_int_equal(w->f->n_requests, 0);
}

static void a_lost_answer_is_told_and_not_repeated(void **state)
{
	struct world *w = *state;
	struct target_observation o = {.lock = "rev-1"};
	struct route *r;

	set_candidate(w, CANDIDATE_8);
	r = route(w, "PUT", ALIAS, 0, "");
	r->fail = ERR_NETWORK;
	r->sent = true;
	assert_int_equal(target_lambda.split(&w->env, &w->state, &o, SHARE(500), &w->err), -1);
	assert_int_equal(w->err.code, ERR_NETWORK);
	assert_true(w->err.sent);
	assert_int_equal(w->f->n_requests, 1);
}

static void all_traffic_means_an_empty_map_said_aloud(void **state)
{
	static const char promoted[] =
		"{\"FunctionVersion\":\"8\",\"RoutingConfig\":{\"AdditionalVersionWeights\":{}},"
		"\"RevisionId\":\"rev-1\"}";
	static const char restored[] =
		"{\"FunctionVersion\":\"7\",\"RoutingConfig\":{\"AdditionalVersionWeights\":{}},"
		"\"RevisionId\":\"rev-1\"}";
	struct world *w = *state;
	struct target_observation o = {.lock = "rev-1"};

	set_candidate(w, CANDIDATE_8);
	route(w, "PUT", ALIAS, 200, alias(w, "8", ""));
	assert_int_equal(target_lambda.promote(&w->env, &w->state, &o, &w->err), 0);
	assert_string_equal(last_body(w, "PUT", ALIAS), promoted);
	assert_int_equal(target_lambda.restore(&w->env, &w->state, &o, &w->err), 0);
	assert_string_equal(last_body(w, "PUT", ALIAS), restored);
	assert_int_equal(target_lambda.retire(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(w->f->n_requests, 2);
	set_candidate(w, "");
	assert_int_equal(target_lambda.promote(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
	assert_int_equal(target_lambda.split(&w->env, &w->state, &o, SHARE(500), &w->err), -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
	str_copy(w->state.undo, sizeof(w->state.undo), STR("[]"));
	assert_int_equal(target_lambda.restore(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_MALFORMED);
	assert_int_equal(w->f->n_requests, 2);
}

static void a_first_deployment_makes_the_alias_and_takes_it_back(void **state)
{
	struct world *w = *state;
	struct target_observation o = {.live = LIVE_BASELINE};

	str_copy(w->state.undo, sizeof(w->state.undo), STR(UNDO_FIRST));
	set_candidate(w, "{\"s\":\"c2hh\",\"v\":\"1\"}");
	route(w, "POST", "/functions/checkout/aliases", 201, alias(w, "1", ""));
	assert_int_equal(target_lambda.promote(&w->env, &w->state, &o, &w->err), 0);
	assert_string_equal(last_body(w, "POST", "/aliases"),
			    "{\"Name\":\"live\",\"FunctionVersion\":\"1\"}");
	/* there is nothing to split between */
	assert_int_equal(target_lambda.split(&w->env, &w->state, &o, SHARE(500), &w->err), -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
	/* back: gone, but only while it is the one that was seen */
	str_copy(o.lock, sizeof(o.lock), STR("rev-1"));
	once(w, "GET", ALIAS, 200, alias(w, "1", ""));
	route(w, "DELETE", ALIAS, 204, "");
	assert_int_equal(target_lambda.restore(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(sent(w, "DELETE", ALIAS), 1);
	str_copy(o.lock, sizeof(o.lock), STR("rev-0"));
	once(w, "GET", ALIAS, 200, alias(w, "1", ""));
	assert_int_equal(target_lambda.restore(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	assert_int_equal(sent(w, "DELETE", ALIAS), 1);
	not_found(w, ALIAS);
	assert_int_equal(target_lambda.restore(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(sent(w, "DELETE", ALIAS), 1);
	/* somebody was faster */
	forget_routes(w);
	o.lock[0] = '\0';
	route(w, "POST", "/aliases", 409, "{}")->headers =
		"x-amzn-ErrorType: ResourceConflictException\n";
	assert_int_equal(target_lambda.promote(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
}

/* --- what others ask ------------------------------------------------------------------------- */

static void the_series_tell_versions_apart(void **state)
{
	const char *names[PLAN_DIMENSIONS_MAX], *values[PLAN_DIMENSIONS_MAX], *ns;
	struct world *w = *state;

	w->state.phase = PHASE_WATCH;
	assert_int_equal(target_lambda.series(&w->env, &w->state, true, &ns, names, values), 0);
	set_candidate(w, CANDIDATE_8);
	assert_int_equal(target_lambda.series(&w->env, &w->state, true, &ns, names, values), 3);
	assert_string_equal(ns, "AWS/Lambda");
	assert_string_equal(names[0], "FunctionName");
	assert_string_equal(values[0], "checkout");
	assert_string_equal(names[1], "Resource");
	assert_string_equal(values[1], "checkout:live");
	assert_string_equal(names[2], "ExecutedVersion");
	assert_string_equal(values[2], "8");
	assert_int_equal(target_lambda.series(&w->env, &w->state, false, &ns, names, values), 3);
	assert_string_equal(values[2], "7");
	/* once promoted the alias is the candidate */
	w->state.phase = PHASE_BAKE;
	assert_int_equal(target_lambda.series(&w->env, &w->state, true, &ns, names, values), 2);
	assert_string_equal(values[1], "checkout:live");
	/* CloudWatch knows functions by their names */
	str_copy(w->state.undo, sizeof(w->state.undo),
		 STR("{\"t\":\"lambda\",\"f\":\"" FUNCTION "\",\"a\":\"live\",\"v\":\"7\"}"));
	assert_int_equal(target_lambda.series(&w->env, &w->state, true, &ns, names, values), 2);
	assert_string_equal(values[0], "checkout");
	assert_string_equal(values[1], "checkout:live");
	str_copy(w->state.undo, sizeof(w->state.undo), STR(UNDO_FIRST));
	assert_int_equal(target_lambda.series(&w->env, &w->state, false, &ns, names, values), 0);
}

static void note_call(void *arg, const struct target_call *c)
{
	struct buf *b = arg;

	assert_int_equal(strncmp(c->iam_action, "lambda:", 7), 0);
	buf_addf(b, "%s %s %s%s\n", phase_name(c->phase), c->iam_action, c->resource,
		 c->is_write ? " write" : "");
}

static void its_calls_can_be_told_beforehand(void **state)
{
	struct world *w = *state;
	struct buf b;

	buf_init(&b, 65536);
	target_lambda.calls(&w->plan, w->f->arena, note_call, &b);
	assert_non_null(strstr(b.p, "PREPARE lambda:UpdateFunctionCode arn:aws:lambda:*:*:function:"
				    "checkout write\n"));
	assert_non_null(strstr(b.p, "INSPECT lambda:GetProvisionedConcurrencyConfig arn:aws:lambda:"
				    "*:*:function:checkout:*\n"));
	assert_non_null(strstr(b.p, "RESTORE lambda:DeleteAlias "));
	buf_clear(&b);
	w->plan.target.lambda.function = FUNCTION;
	target_lambda.calls(&w->plan, w->f->arena, note_call, &b);
	assert_non_null(strstr(b.p, "SHIFT lambda:UpdateAlias " FUNCTION " write\n"));
	buf_release(&b);
	assert_ptr_equal(target_of(TARGET_LAMBDA), &target_lambda);
	assert_ptr_equal(target_of(TARGET_LOAD_BALANCER), &target_load_balancer);
}

#define T(name) cmocka_unit_test_setup_teardown(name, lambda_world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_alias_is_read_in_the_words_of_the_machine),
		T(before_a_candidate_is_known_every_weight_is_foreign),
		T(what_cannot_be_read_is_unreadable),
		T(an_alias_that_vanished_is_foreign_but_to_a_first_deployment),
		T(cancellation_is_passed_on),
		T(the_candidate_is_ready_when_its_version_is_active),
		T(the_baseline_must_be_able_to_serve),
		T(a_split_is_locked_and_spelled_out),
		T(a_moved_alias_is_a_conflict),
		T(a_lost_answer_is_told_and_not_repeated),
		T(all_traffic_means_an_empty_map_said_aloud),
		T(a_first_deployment_makes_the_alias_and_takes_it_back),
		T(the_series_tell_versions_apart),
		T(its_calls_can_be_told_beforehand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
