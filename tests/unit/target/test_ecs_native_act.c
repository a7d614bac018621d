#include "tests/unit/target/ecs_native_world.h"

/* The service's own controller: what it is told, and when. */

/* --- preparing -------------------------------------------------------------------------------- */

static int prepare(struct world *w)
{
	char candidate[LIMIT_CANDIDATE + 1];
	int rc;

	w->state.phase = PHASE_PREPARE;
	str_copy(candidate, sizeof(candidate), str_from(w->state.candidate));
	rc = target_ecs.prepare(&w->env, &w->state, candidate, &w->err);
	if (rc == 0)
		str_copy(w->state.candidate, sizeof(w->state.candidate), str_from(candidate));
	return rc;
}

static void nothing_yet(struct world *w)
{
	set(w, &(struct scene){.rule = "blue=100 green=0", .definition = "web:7"});
	route(w, "POST", LIST_DEPLOYMENTS, 200, "{\"serviceDeployments\":[]}");
}

static void the_candidate_is_registered_then_deployed_with_pauses(void **state)
{
	struct world *w = *state;

	ecs_recorded(w, ECS_NATIVE, "", "");
	nothing_yet(w);
	definition_is(w, "web:7", "web:7", PINNED_7, "");
	definition_is(w, "web", "web:7", PINNED_7, "");
	definition_is_missing(w, "web:6");
	definition_is_missing(w, "web:5");
	definition_is_missing(w, "web:4");
	definition_is_missing(w, "web:3");
	route(w, "POST", REGISTER, 200, definition(w, "web:8", PINNED_8, ""));
	assert_int_equal(prepare(w), 0);
	assert_string_equal(w->state.candidate, CANDIDATE_NO_DEPLOYMENT);
	assert_int_equal(ecs_writes(w), 1);

	/* one change a call */
	nothing_yet(w);
	assert_int_equal(prepare(w), 0);
	assert_int_equal(ecs_writes(w), 1);
	assert_string_equal(
		last_body(w, "POST", UPDATE("web")),
		"{\"cluster\":\"prod\",\"service\":\"web\",\"taskDefinition\":\"web:8\","
		"\"deploymentConfiguration\":{\"strategy\":\"CANARY\",\"bakeTimeInMinutes\":0,"
		"\"canaryConfiguration\":{\"canaryPercent\":5,\"canaryBakeTimeInMinutes\":0},"
		"\"lifecycleHooks\":[{\"targetType\":\"PAUSE\",\"lifecycleStages\":["
		"\"PRE_PRODUCTION_TRAFFIC_SHIFT\",\"POST_PRODUCTION_TRAFFIC_SHIFT\"],"
		"\"timeoutConfiguration\":{\"timeoutInMinutes\":80,\"action\":\"ROLLBACK\"}}],"
		"\"deploymentCircuitBreaker\":{\"enable\":false,\"rollback\":false}}}");
	assert_string_equal(w->state.candidate, CANDIDATE_NO_DEPLOYMENT);

	/* its deployment is written down when it is seen */
	set(w,
	    &(struct scene){.rule = "blue=100 green=0", .status = "IN_PROGRESS", .current = "d1"});
	assert_int_equal(prepare(w), 0);
	assert_string_equal(w->state.candidate, CANDIDATE_8);
	assert_int_equal(ecs_writes(w), 0);
	/* and then it comes up by itself */
	assert_int_equal(prepare(w), 0);
	assert_int_equal(ecs_writes(w), 0);
}

static void the_strategy_is_the_plans(void **state)
{
	struct world *w = *state;
	const char *body;

	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_NO_DEPLOYMENT);
	w->plan.target.ecs.n_alarms = 1;
	w->plan.target.ecs.alarms[0] = "web-errors";
	w->plan.n_steps = 3;
	for (int i = 0; i < 3; i++)
		w->plan.steps[i] = (struct plan_step){.segment = -1, .weight_bp = 2500 * (i + 1)};
	nothing_yet(w);
	assert_int_equal(prepare(w), 0);
	body = last_body(w, "POST", UPDATE("web"));
	assert_non_null(strstr(body, "\"linearConfiguration\":{\"stepPercent\":25,"));
	assert_non_null(strstr(body, "\"alarms\":{\"alarmNames\":[\"web-errors\"],\"enable\":true,"
				     "\"rollback\":true}"));
	w->plan.n_steps = 1;
	w->plan.steps[0].weight_bp = 10000;
	nothing_yet(w);
	assert_int_equal(prepare(w), 0);
	assert_non_null(strstr(last_body(w, "POST", UPDATE("web")), "\"BLUE_GREEN\""));
	w->plan.steps[0].weight_bp = 1234;
	nothing_yet(w);
	assert_int_equal(prepare(w), -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
	assert_int_equal(ecs_writes(w), 0);
}

/* After a crash or a lost answer nothing is begun twice. */
static void what_was_begun_is_found_again(void **state)
{
	static const char past[] =
		"{\"serviceDeployments\":[{\"serviceDeploymentArn\":\"d5\"}," ROW(
			"d4", "r1") "," ROW("d1", "r2") "]}";
	struct world *w = *state;
	struct scene s = {.rule = "blue=100 green=0", .definition = "web:7"};

	/* it is over already: found among the past ones */
	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_NO_DEPLOYMENT);
	set(w, &s);
	route(w, "POST", LIST_DEPLOYMENTS, 200, past);
	revision_is(w, "r1", "web:7", "blue");
	assert_int_equal(prepare(w), 0);
	assert_string_equal(w->state.candidate, CANDIDATE_8);
	assert_int_equal(ecs_writes(w), 0);
	assert_non_null(strstr(last_body(w, "POST", LIST_DEPLOYMENTS), "\"after\":1767323045"));

	/* accepted, and not to be seen yet */
	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_NO_DEPLOYMENT);
	s.definition = "web:8";
	set(w, &s);
	route(w, "POST", LIST_DEPLOYMENTS, 200, "{\"serviceDeployments\":[]}");
	assert_int_equal(prepare(w), 0);
	assert_string_equal(w->state.candidate, CANDIDATE_NO_DEPLOYMENT);
	assert_int_equal(ecs_writes(w), 0);

	/* not ours */
	s.definition = "web:9";
	set(w, &s);
	route(w, "POST", LIST_DEPLOYMENTS, 200, "{\"serviceDeployments\":[]}");
	assert_int_equal(prepare(w), -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
	assert_int_equal(ecs_writes(w), 0);
}

static void preparing_fails_when_something_does(void **state)
{
	struct world *w = *state;
	struct scene s = {.rule = "blue=100 green=0", .definition = "web:7"};
	struct route *r;

	ecs_recorded(w, ECS_NATIVE, "", "");
	forget_routes(w);
	assert_int_equal(prepare(w), -1);
	set(w, &s);
	assert_int_equal(prepare(w), -1); /* the task definition */
	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_NO_DEPLOYMENT);
	set(w, &s);
	assert_int_equal(prepare(w), -1); /* the past deployments */
	set(w, &s);
	route(w, "POST", LIST_DEPLOYMENTS, 200,
	      "{\"serviceDeployments\":[{\"serviceDeploymentArn\":\"a\","
	      "\"targetServiceRevisionArn\":\"" REVISION("r7") "\"}]}");
	assert_int_equal(prepare(w), -1); /* what one of them brought */
	nothing_yet(w);
	r = once(w, "POST", "\"taskDefinition\":\"web:8\"", 0, "");
	r->fail = ERR_TIMEOUT;
	r->sent = true;
	assert_int_equal(prepare(w), -1);
	assert_int_equal(w->err.code, ERR_TIMEOUT);
	assert_int_equal(ecs_writes(w), 1);
}

/* --- going on --------------------------------------------------------------------------------- */

static int split(struct world *w, const struct target_observation *o, int weight_bp)
{
	return target_ecs.split(&w->env, &w->state, o, SHARE(weight_bp), &w->err);
}

static void a_step_is_the_answer_to_its_pause(void **state)
{
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {
		.rule = "blue=100 green=0", .status = "IN_PROGRESS", .hook = "h1", .current = "d1"};

	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_8);
	o = see(w, PHASE_SHIFT, &s);
	assert_string_equal(o.lock, "h1");
	assert_int_equal(split(w, &o, 500), 0);
	assert_string_equal(last_body(w, "POST", CONTINUE),
			    "{\"serviceDeploymentArn\":\"" DEPLOYMENT(
				    "d1") "\",\"hookId\":\"h1\",\"action\":\"CONTINUE\"}");
	assert_int_equal(ecs_writes(w), 1);
	assert_int_equal(sent(w, "POST", "Action=Modify"), 0);
	/* from there it is all or nothing */
	s.rule = "blue=95 green=5";
	s.weight = 5;
	s.hook = "h2";
	o = see(w, PHASE_PROMOTE, &s);
	assert_int_equal(target_ecs.promote(&w->env, &w->state, &o, &w->err), 0);
	assert_non_null(strstr(last_body(w, "POST", CONTINUE), "\"h2\",\"action\":\"CONTINUE\""));
	o = see(w, PHASE_SHIFT, &s);
	assert_int_equal(split(w, &o, 2500), -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
	assert_non_null(strstr(w->err.text, "next step from 5.00% is 100.00%, not 25.00%"));
	/* linear */
	w->plan.n_steps = 2;
	w->plan.steps[0].weight_bp = 4000;
	w->plan.steps[1] = (struct plan_step){.segment = -1, .weight_bp = 8000};
	s.rule = "blue=60 green=40";
	s.weight = 40;
	o = see(w, PHASE_SHIFT, &s);
	assert_int_equal(split(w, &o, 8000), 0);
	s.rule = "blue=20 green=80";
	s.weight = 80;
	o = see(w, PHASE_SHIFT, &s);
	assert_int_equal(split(w, &o, 10000), 0);
	/* a plan that the controller cannot do has no next step */
	w->plan.n_steps = 0;
	assert_int_equal(split(w, &o, 10000), -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
}

static void it_goes_on_from_what_was_seen_only(void **state)
{
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {
		.rule = "blue=100 green=0", .status = "IN_PROGRESS", .hook = "h1", .current = "d1"};

	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_8);
	o = see(w, PHASE_SHIFT, &s);
	s.hook = "h2"; /* another pause by now */
	set(w, &s);
	assert_int_equal(split(w, &o, 500), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	s.hook = NULL;
	set(w, &s);
	assert_int_equal(split(w, &o, 500), -1);
	assert_non_null(strstr(w->err.text, "not at the pause that was looked at"));
	/* the controller believes another weight than the rule has */
	s.hook = "h1";
	s.rule = "blue=90 green=10";
	set(w, &s);
	assert_int_equal(split(w, &o, 500), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	assert_non_null(strstr(w->err.text, "it shifts by what it believes, not by what is"));
	/* nobody would answer */
	s.rule = "blue=100 green=0";
	s.green = "unhealthy";
	set(w, &s);
	assert_int_equal(split(w, &o, 500), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	assert_non_null(strstr(w->err.text, "the candidate has 0 healthy targets; 1 are needed"));
	set(w, &s);
	once(w, "POST", "DescribeTargetHealth", 0, "")->fail = ERR_SYSTEM;
	assert_int_equal(split(w, &o, 500), -1);
	/* nothing is there at all */
	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_NO_DEPLOYMENT);
	s = (struct scene){.rule = "blue=100 green=0", .definition = "web:7"};
	set(w, &s);
	assert_int_equal(split(w, &o, 500), -1);
	assert_non_null(strstr(w->err.text, "there is no deployment"));
	forget_routes(w);
	assert_int_equal(split(w, &o, 500), -1);
	assert_int_equal(w->err.code, ERR_SYSTEM);
	assert_int_equal(ecs_writes(w), 0);
}

static const char taken[] = "{\"__type\":\"InvalidParameterException\",\"message\":\"the hook does "
			    "not await an action\"}";

/* A look may be behind: a pause that was answered is shown for a while. */
static void an_answer_that_comes_twice_is_no_failure(void **state)
{
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {
		.rule = "blue=100 green=0", .status = "IN_PROGRESS", .hook = "h1", .current = "d1"};

	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_8);
	o = see(w, PHASE_SHIFT, &s);
	once(w, "POST", CONTINUE, 400, taken);
	assert_int_equal(split(w, &o, 500), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	once(w, "POST", CONTINUE, 400, "{\"__type\":\"AccessDeniedException\"}");
	assert_int_equal(split(w, &o, 500), -1);
	assert_int_equal(w->err.code, ERR_DENIED);
	/* going back it is stopped instead */
	set(w, &s);
	once(w, "POST", CONTINUE, 400, taken);
	w->state.phase = PHASE_RESTORE;
	assert_int_equal(target_ecs.restore(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(sent(w, "POST", STOP), 1);
	set(w, &s);
	once(w, "POST", CONTINUE, 400, taken);
	once(w, "POST", STOP, 400, "{\"__type\":\"ConflictException\"}");
	assert_int_equal(target_ecs.restore(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
}

/* --- the end ---------------------------------------------------------------------------------- */

#define PAUSES                                                                        \
	",\"deploymentConfiguration\":{\"strategy\":\"CANARY\",\"lifecycleHooks\":[{" \
	"\"targetType\":\"PAUSE\",\"lifecycleStages\":[\"PRE_PRODUCTION_TRAFFIC_SHIFT\"]}]}"

static void retiring_lets_it_end_and_takes_the_pauses_away(void **state)
{
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {.rule = "blue=0 green=100",
			  .status = "IN_PROGRESS",
			  .hook = "h3",
			  .weight = 100,
			  .current = "d1",
			  .service = PAUSES};

	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_8);
	o = see(w, PHASE_RETIRE, &s);
	assert_int_equal(o.live, LIVE_PROMOTED);
	assert_false(o.retired);
	assert_int_equal(target_ecs.retire(&w->env, &w->state, &o, &w->err), 0);
	assert_non_null(strstr(last_body(w, "POST", CONTINUE), "\"h3\",\"action\":\"CONTINUE\""));
	/* the old tasks are stopping */
	s.hook = NULL;
	o = see(w, PHASE_RETIRE, &s);
	assert_false(o.retired);
	assert_int_equal(target_ecs.retire(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(ecs_writes(w), 0);
	/* over: the pauses would stop whoever deploys next */
	s.status = "SUCCESSFUL";
	s.current = NULL;
	o = see(w, PHASE_RETIRE, &s);
	assert_int_equal(o.live, LIVE_PROMOTED);
	assert_false(o.retired);
	assert_int_equal(target_ecs.retire(&w->env, &w->state, &o, &w->err), 0);
	assert_string_equal(last_body(w, "POST", UPDATE("web")),
			    "{\"cluster\":\"prod\",\"service\":\"web\",\"deploymentConfiguration\":"
			    "{\"strategy\":\"CANARY\",\"lifecycleHooks\":[]}}");
	s.service = NULL;
	assert_true(see(w, PHASE_RETIRE, &s).retired);
	assert_int_equal(target_ecs.retire(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(ecs_writes(w), 0);
	/* never while something else serves */
	s.rule = "blue=50 green=50";
	set(w, &s);
	assert_int_equal(target_ecs.retire(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	forget_routes(w);
	assert_int_equal(target_ecs.retire(&w->env, &w->state, &o, &w->err), -1);
}

/* Strategy and circuit breaker are the owner's, and lent. */
static void the_owners_configuration_is_put_back(void **state)
{
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {.rule = "blue=0 green=100",
			  .status = "SUCCESSFUL",
			  .service = ",\"deploymentConfiguration\":{\"strategy\":\"CANARY\","
				     "\"maximumPercent\":200,\"bakeTimeInMinutes\":0,"
				     "\"canaryConfiguration\":{\"canaryPercent\":5},"
				     "\"deploymentCircuitBreaker\":{\"enable\":false}}"};
	char undo[LIMIT_UNDO + 1];
	struct ecs_record r;
	struct json *config;

	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_8);
	assert_int_equal(ecs_record_load(w->f->arena, w->state.undo, &r, &w->err), 0);
	assert_int_equal(json_parse(w->f->arena,
				    STR("{\"strategy\":\"ROLLING\",\"maximumPercent\":150,"
					"\"bakeTimeInMinutes\":0,\"deploymentCircuitBreaker\":{"
					"\"enable\":true,\"rollback\":true}}"),
				    &config, &w->err),
			 0);
	r.configuration = config;
	assert_int_equal(ecs_record_store(&r, undo, &w->err), 0);
	assert_non_null(strstr(undo,
			       "\"y\":{\"strategy\":\"ROLLING\",\"deploymentCircuitBreaker\":{"
			       "\"enable\":true,\"rollback\":true}}}"));
	str_copy(w->state.undo, sizeof(w->state.undo), str_from(undo));
	o = see(w, PHASE_RETIRE, &s);
	assert_false(o.retired);
	assert_int_equal(target_ecs.retire(&w->env, &w->state, &o, &w->err), 0);
	assert_string_equal(last_body(w, "POST", UPDATE("web")),
			    "{\"cluster\":\"prod\",\"service\":\"web\",\"deploymentConfiguration\":"
			    "{\"maximumPercent\":200,\"strategy\":\"ROLLING\","
			    "\"deploymentCircuitBreaker\":{\"enable\":true,\"rollback\":true},"
			    "\"lifecycleHooks\":[]}}");
	s.service = ",\"deploymentConfiguration\":{\"strategy\":\"ROLLING\"}";
	assert_true(see(w, PHASE_RETIRE, &s).retired);
	/* one that shifted before has its own percentages again */
	assert_int_equal(json_parse(w->f->arena,
				    STR("{\"strategy\":\"LINEAR\",\"bakeTimeInMinutes\":5,"
					"\"linearConfiguration\":{\"stepPercent\":10},"
					"\"deploymentCircuitBreaker\":{\"enable\":true}}"),
				    &config, &w->err),
			 0);
	r.configuration = config;
	assert_int_equal(ecs_record_store(&r, undo, &w->err), 0);
	assert_non_null(strstr(undo, "\"y\":{\"strategy\":\"LINEAR\",\"bakeTimeInMinutes\":5,"
				     "\"linearConfiguration\":{\"stepPercent\":10}}}"));
}

/* --- going back ------------------------------------------------------------------------------- */

static int restore(struct world *w)
{
	w->state.phase = PHASE_RESTORE;
	return target_ecs.restore(&w->env, &w->state, NULL, &w->err);
}

static void a_deployment_is_told_to_go_back(void **state)
{
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {.rule = "blue=95 green=5",
			  .status = "IN_PROGRESS",
			  .hook = "h2",
			  .weight = 5,
			  .current = "d1"};

	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_8);
	o = see(w, PHASE_RESTORE, &s);
	assert_int_equal(o.live, LIVE_SPLIT);
	assert_false(o.settled);
	/* at a pause by its answer, otherwise by stopping it */
	assert_int_equal(restore(w), 0);
	assert_non_null(strstr(last_body(w, "POST", CONTINUE), "\"h2\",\"action\":\"ROLLBACK\""));
	s.hook = NULL;
	set(w, &s);
	assert_int_equal(restore(w), 0);
	assert_string_equal(
		last_body(w, "POST", STOP),
		"{\"serviceDeploymentArn\":\"" DEPLOYMENT("d1") "\",\"stopType\":\"ROLLBACK\"}");
	assert_int_equal(ecs_writes(w), 1);
	/* once is enough */
	s.status = "ROLLBACK_IN_PROGRESS";
	set(w, &s);
	assert_int_equal(restore(w), 0);
	assert_int_equal(ecs_writes(w), 0);
	/* all traffic is back, but it is not over */
	s.rule = "blue=100 green=0";
	o = see(w, PHASE_RESTORE, &s);
	assert_int_equal(o.live, LIVE_BASELINE);
	assert_false(o.settled);
	s = (struct scene){.rule = "blue=100 green=0",
			   .status = "ROLLBACK_SUCCESSFUL",
			   .definition = "web:7",
			   .service = PAUSES};
	/* the pauses are there still: not quite what it was */
	o = see(w, PHASE_RESTORE, &s);
	assert_int_equal(o.live, LIVE_SPLIT);
	assert_int_equal(o.traffic.weight_bp, 0);
	assert_int_equal(restore(w), 0);
	assert_non_null(strstr(last_body(w, "POST", UPDATE("web")), "\"lifecycleHooks\":[]"));
	s.service = NULL;
	o = see(w, PHASE_RESTORE, &s);
	assert_int_equal(o.live, LIVE_BASELINE);
	assert_true(o.settled);
	assert_int_equal(restore(w), 0);
	assert_int_equal(ecs_writes(w), 0);
	o = see(w, PHASE_PROVE, &s);
	assert_int_equal(o.live, LIVE_BASELINE);
	assert_int_equal(o.baseline_health.kind, VERDICT_PASS);
	assert_string_equal(o.baseline_health.text, "web:7: 2 healthy targets, 0 not");
	assert_false(o.leftover);
}

/* No traffic has moved yet, but it would when its tasks come up at last. */
static void a_deployment_that_never_came_up_is_stopped_too(void **state)
{
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {.rule = "blue=100 green=0", .status = "PENDING", .current = "d1"};

	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_8);
	o = see(w, PHASE_RESTORE, &s);
	assert_int_equal(o.live, LIVE_SPLIT);
	assert_int_equal(o.traffic.weight_bp, 0);
	assert_string_equal(o.detail, "the deployment goes on still");
	assert_int_equal(restore(w), 0);
	assert_int_equal(sent(w, "POST", STOP), 1);
	/* also one that was begun and not written down */
	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_NO_DEPLOYMENT);
	s.status = "IN_PROGRESS";
	assert_int_equal(see(w, PHASE_RESTORE, &s).live, LIVE_SPLIT);
	assert_int_equal(restore(w), 0);
	assert_int_equal(sent(w, "POST", STOP), 1);
}

static void an_unhealthy_baseline_is_not_proved(void **state)
{
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {
		.rule = "blue=100 green=0", .status = "ROLLBACK_SUCCESSFUL", .definition = "web:7"};

	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_8);
	set(w, &s);
	once(w, "POST", "DescribeTargetHealth", 200, targets(w, "unhealthy"));
	assert_int_equal(look(w, PHASE_PROVE).baseline_health.kind, VERDICT_FAIL);
	set(w, &s);
	once(w, "POST", "DescribeTargetHealth", 0, "")->fail = ERR_SYSTEM;
	assert_int_equal(look(w, PHASE_PROVE).baseline_health.kind, VERDICT_ERROR);
	set(w, &s);
	once(w, "POST", "DescribeTargetHealth", 0, "")->fail = ERR_CANCELED;
	assert_int_equal(target_ecs.observe(&w->env, &w->state, &o, &w->err), -1);
}

/* ECS is done and the rule still leads to the candidate: weights are all that is left. */
static void a_rollback_that_failed_is_put_right_by_weights(void **state)
{
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {
		.rule = "blue=95 green=5", .status = "ROLLBACK_FAILED", .definition = "web:7"};

	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_8);
	o = see(w, PHASE_RESTORE, &s);
	assert_int_equal(o.live, LIVE_SPLIT);
	modify_works(w);
	assert_int_equal(restore(w), 0);
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 1);
	assert_int_equal(ecs_writes(w), 0);
	set(w, &s);
	once(w, "POST", "DescribeTargetHealth", 200, targets(w, ""));
	assert_int_equal(restore(w), -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
	assert_non_null(strstr(w->err.text, "did not go back, and the baseline has no healthy"));
	set(w, &s);
	once(w, "POST", "DescribeTargetHealth", 0, "")->fail = ERR_SYSTEM;
	assert_int_equal(restore(w), -1);
	/* what no deployment of ours has moved is not ours to put back */
	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_NO_DEPLOYMENT);
	s.status = NULL;
	set(w, &s);
	modify_works(w);
	assert_int_equal(restore(w), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	assert_int_equal(sent(w, "POST", "Action=Modify"), 0);
	forget_routes(w);
	assert_int_equal(restore(w), -1);
}

/* The deployment had completed: the old tasks are gone and have to be deployed again. */
static void what_has_completed_is_gone_back_from_by_a_deployment(void **state)
{
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {.rule = "blue=0 green=100", .status = "SUCCESSFUL", .weight = 100};

	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_8);
	o = see(w, PHASE_RESTORE, &s);
	assert_int_equal(o.live, LIVE_SPLIT);
	assert_int_equal(o.traffic.weight_bp, 10000);
	assert_int_equal(restore(w), 0);
	assert_string_equal(
		last_body(w, "POST", UPDATE("web")),
		"{\"cluster\":\"prod\",\"service\":\"web\",\"taskDefinition\":\"web:7\","
		"\"deploymentConfiguration\":{\"strategy\":\"BLUE_GREEN\","
		"\"bakeTimeInMinutes\":0,\"lifecycleHooks\":[],"
		"\"deploymentCircuitBreaker\":{\"enable\":false,\"rollback\":false}}}");
	/* it is on its way */
	s.definition = "web:7";
	s.current = "d2";
	set(w, &s);
	deployment_is(w, "d2",
		      "\"status\":\"IN_PROGRESS\",\"targetServiceRevision\":{\"arn\":\"" REVISION(
			      "r3") "\"}");
	revision_is(w, "r3", "web:7", "blue");
	assert_int_equal(restore(w), 0);
	assert_int_equal(ecs_writes(w), 0);
	o = look(w, PHASE_RESTORE);
	assert_false(o.settled);
	/* it has all traffic, but the service still says otherwise */
	s = (struct scene){.rule = "blue=100 green=0", .status = "SUCCESSFUL"};
	assert_int_equal(see(w, PHASE_RESTORE, &s).live, LIVE_SPLIT);
	s.definition = "web:7";
	o = see(w, PHASE_RESTORE, &s);
	assert_int_equal(o.live, LIVE_BASELINE);
	assert_true(o.settled);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ecs_world_set_up, ecs_world_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_candidate_is_registered_then_deployed_with_pauses),
		TEST(the_strategy_is_the_plans),
		TEST(what_was_begun_is_found_again),
		TEST(preparing_fails_when_something_does),
		TEST(a_step_is_the_answer_to_its_pause),
		TEST(it_goes_on_from_what_was_seen_only),
		TEST(an_answer_that_comes_twice_is_no_failure),
		TEST(the_owners_configuration_is_put_back),
		TEST(retiring_lets_it_end_and_takes_the_pauses_away),
		TEST(a_deployment_is_told_to_go_back),
		TEST(a_deployment_that_never_came_up_is_stopped_too),
		TEST(an_unhealthy_baseline_is_not_proved),
		TEST(a_rollback_that_failed_is_put_right_by_weights),
		TEST(what_has_completed_is_gone_back_from_by_a_deployment),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
