#include "tests/unit/target/ecs_world.h"

/* The service's own controller: what is seen of it, and what it is told. */

#define CANDIDATE_8 "{\"d\":\"web:8\",\"p\":\"d1\"}"
#define CANDIDATE_NO_DEPLOYMENT "{\"d\":\"web:8\"}"

/* A moment of a deployment. */
struct scene {
	const char *rule;	/* "blue=100 green=0" */
	const char *status;	/* of deployment d1; NULL: there is none to be described */
	const char *hook;	/* id of a pause that awaits us, or NULL */
	double weight;		/* asked for */
	const char *current;	/* service's current deployment, or NULL */
	const char *definition; /* the service's: "web:7"; NULL: web:8 */
	const char *more;	/* members of the deployment, beginning with a comma; or NULL */
	const char *service;	/* the same of the service */
	const char *green;	/* states of the candidate's targets; NULL: healthy */
};

static void set(struct world *w, const struct scene *s)
{
	struct arena *a = w->f->arena;

	forget_routes(w);
	service_is(w, "web",
		   arena_printf(a,
				"\"status\":\"ACTIVE\",\"taskDefinition\":\"" TD(
					"%s") "\",\"desiredCount\":4%s%s",
				s->definition ? s->definition : "web:8",
				s->current ? arena_printf(a,
							  ",\"currentServiceDeployment\":"
							  "\"" DEPLOYMENT("%s") "\"",
							  s->current)
					   : "",
				s->service ? s->service : ""));
	if (s->status)
		deployment_is(
			w, "d1",
			arena_printf(
				a,
				"\"status\":\"%s\",\"lifecycleStage\":\"SOME_STAGE\","
				"\"targetServiceRevision\":{\"arn\":\"" REVISION(
					"r2") "\",\"requestedProductionTrafficWeight\":%.17g}"
					      "%s%s",
				s->status, s->weight,
				s->hook ? arena_printf(a,
						       ",\"lifecycleHookDetails\":[{\"hookId\":"
						       "\"f\",\"targetType\":\"AWS_LAMBDA\","
						       "\"status\":\"AWAITING_ACTION\"},{"
						       "\"hookId\":\"old\",\"targetType\":"
						       "\"PAUSE\",\"status\":\"SUCCEEDED\"},{"
						       "\"hookId\":\"%s\",\"targetType\":"
						       "\"PAUSE\",\"status\":"
						       "\"AWAITING_ACTION\"}]",
						       s->hook)
					: "",
				s->more ? s->more : ""));
	revision_is(w, "r2", "web:8", "green");
	rule_is(w, s->rule);
	health_is(w, GROUP_URI("blue"), "healthy healthy");
	health_is(w, GROUP_URI("green"), s->green ? s->green : "healthy");
	ecs_writes_work(w);
}

static struct target_observation look(struct world *w, enum phase phase)
{
	struct target_observation o;

	w->state.phase = phase;
	if (target_ecs.observe(&w->env, &w->state, &o, &w->err))
		fail_msg("%s", w->err.text);
	assert_int_equal(ecs_writes(w), 0);
	return o;
}

static struct target_observation see(struct world *w, enum phase phase, const struct scene *s)
{
	set(w, s);
	return look(w, phase);
}

static void a_deployment_is_read_in_the_words_of_the_machine(void **state)
{
	static const struct {
		struct scene s;
		enum phase phase;
		enum live live;
		int weight_bp;
		bool settled;
		enum candidate_state candidate;
	} cases[] = {
		/* coming up, and up: paused before any traffic */
		{{"blue=100 green=0", "PENDING", NULL, 0, "d1", NULL, NULL, NULL, NULL},
		 PHASE_PREPARE,
		 LIVE_BASELINE,
		 0,
		 false,
		 CANDIDATE_PENDING},
		{{"blue=100", "IN_PROGRESS", NULL, 0, "d1", NULL, NULL, NULL, NULL},
		 PHASE_PREPARE,
		 LIVE_BASELINE,
		 0,
		 false,
		 CANDIDATE_PENDING},
		{{"blue=100 green=0", "IN_PROGRESS", "h1", 0, "d1", NULL, NULL, NULL, NULL},
		 PHASE_PREPARE,
		 LIVE_BASELINE,
		 0,
		 true,
		 CANDIDATE_READY},
		{{"blue=100 green=0", "IN_PROGRESS", "h1", 0, "d1", NULL, NULL, NULL, NULL},
		 PHASE_VERIFY,
		 LIVE_BASELINE,
		 0,
		 true,
		 CANDIDATE_READY},
		/* asked for, on its way, in effect at the next pause */
		{{"blue=100 green=0", "IN_PROGRESS", NULL, 5, "d1", NULL, NULL, NULL, NULL},
		 PHASE_SHIFT,
		 LIVE_BASELINE,
		 0,
		 false,
		 CANDIDATE_PENDING},
		{{"blue=95 green=5", "IN_PROGRESS", NULL, 5, "d1", NULL, NULL, NULL, NULL},
		 PHASE_SHIFT,
		 LIVE_SPLIT,
		 500,
		 false,
		 CANDIDATE_PENDING},
		{{"blue=95 green=5", "IN_PROGRESS", "h2", 5, "d1", NULL, NULL, NULL, NULL},
		 PHASE_SHIFT,
		 LIVE_SPLIT,
		 500,
		 true,
		 CANDIDATE_READY},
		{{"blue=667 green=333", "IN_PROGRESS", "h2", 33.3, "d1", NULL, NULL, NULL, NULL},
		 PHASE_WATCH,
		 LIVE_SPLIT,
		 3330,
		 true,
		 CANDIDATE_READY},
		{{"blue=2 green=1", "IN_PROGRESS", "h2", 33.3, "d1", NULL, NULL, NULL, NULL},
		 PHASE_WATCH,
		 LIVE_SPLIT,
		 3330,
		 true,
		 CANDIDATE_READY},
		{{"blue=0 green=100", "IN_PROGRESS", "h3", 100, "d1", NULL, NULL, NULL, NULL},
		 PHASE_WATCH,
		 LIVE_CANDIDATE,
		 10000,
		 true,
		 CANDIDATE_READY},
		{{"blue=0 green=100", "IN_PROGRESS", "h3", 100, "d1", NULL, NULL, NULL, NULL},
		 PHASE_PROMOTE,
		 LIVE_PROMOTED,
		 10000,
		 true,
		 CANDIDATE_READY},
		{{"green", "IN_PROGRESS", NULL, 100, "d1", NULL, NULL, NULL, NULL},
		 PHASE_PROMOTE,
		 LIVE_PROMOTED,
		 10000,
		 false,
		 CANDIDATE_PENDING},
		{{"blue=0 green=100", "SUCCESSFUL", NULL, 0, NULL, NULL, NULL, NULL, NULL},
		 PHASE_PROMOTE,
		 LIVE_PROMOTED,
		 10000,
		 true,
		 CANDIDATE_READY},
		{{"blue=0 green=100", "IN_PROGRESS", "h3", 100, "d1", NULL, NULL, NULL, NULL},
		 PHASE_BAKE,
		 LIVE_PROMOTED,
		 10000,
		 true,
		 CANDIDATE_READY},
		/* somebody moved the weights, not ECS: it is seen, and never settled */
		{{"blue=70 green=30", "IN_PROGRESS", "h2", 5, "d1", NULL, NULL, NULL, NULL},
		 PHASE_WATCH,
		 LIVE_SPLIT,
		 3000,
		 false,
		 CANDIDATE_READY},
		{{"red=1", "IN_PROGRESS", "h2", 5, "d1", NULL, NULL, NULL, NULL},
		 PHASE_WATCH,
		 LIVE_FOREIGN,
		 0,
		 false,
		 CANDIDATE_READY},
		{{"blue=0 green=0", "IN_PROGRESS", "h2", 5, "d1", NULL, NULL, NULL, NULL},
		 PHASE_WATCH,
		 LIVE_FOREIGN,
		 0,
		 false,
		 CANDIDATE_READY},
		/* it goes back by itself */
		{{"blue=95 green=5", "ROLLBACK_REQUESTED", NULL, 5, "d1", NULL, NULL, NULL, NULL},
		 PHASE_WATCH,
		 LIVE_SPLIT,
		 500,
		 false,
		 CANDIDATE_FAILED},
		{{"blue=100 green=0", "ROLLBACK_SUCCESSFUL", NULL, 0, "d1", "web:7", NULL, NULL,
		  NULL},
		 PHASE_WATCH,
		 LIVE_BASELINE,
		 0,
		 true,
		 CANDIDATE_FAILED},
		{{"blue=100 green=0", "STOPPED", NULL, 0, NULL, "web:7", NULL, NULL, NULL},
		 PHASE_PREPARE,
		 LIVE_BASELINE,
		 0,
		 true,
		 CANDIDATE_FAILED},
		{{"blue=95 green=5", "ROLLBACK_FAILED", NULL, 5, NULL, "web:7", NULL, NULL, NULL},
		 PHASE_BAKE,
		 LIVE_SPLIT,
		 500,
		 true,
		 CANDIDATE_FAILED},
		{{"blue=95 green=5", "SOMETHING_NEW", NULL, 5, "d1", NULL, NULL, NULL, NULL},
		 PHASE_WATCH,
		 LIVE_SPLIT,
		 500,
		 false,
		 CANDIDATE_PENDING},
	};
	struct world *w = *state;

	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_8);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct target_observation o = see(w, cases[i].phase, &cases[i].s);

		if (o.live != cases[i].live || o.traffic.weight_bp != cases[i].weight_bp ||
		    o.settled != cases[i].settled || o.candidate != cases[i].candidate)
			fail_msg("case %zu: live %d, weight %d, settled %d, candidate %d: %s", i,
				 o.live, o.traffic.weight_bp, o.settled, o.candidate, o.detail);
	}
}

static void why_it_went_back_is_told(void **state)
{
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {.rule = "blue=100 green=0",
			  .status = "ROLLBACK_SUCCESSFUL",
			  .definition = "web:7",
			  .more = ",\"statusReason\":\"rolled back\",\"rollback\":{\"reason\":"
				  "\"Service deployment rolled back because of alarm\"},\"alarms\":"
				  "{\"triggeredAlarmNames\":[\"web-errors\"]}"};

	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_8);
	o = see(w, PHASE_WATCH, &s);
	assert_string_equal(o.detail, "deployment d1 is ROLLBACK_SUCCESSFUL at SOME_STAGE: Service "
				      "deployment rolled back because of alarm: alarm web-errors");
	s.more = ",\"statusReason\":\"a pause timed out\"";
	o = see(w, PHASE_WATCH, &s);
	assert_non_null(strstr(o.detail, "SOME_STAGE: a pause timed out"));
}

/* The controller tries for ever: its own count of failed tasks has a limit of ours. */
static void tasks_that_do_not_stay_up(void **state)
{
	static const char failed[] =
		",\"deployments\":[{\"status\":\"PRIMARY\",\"taskDefinition\":\"" TD(
			"web:8") "\",\"failedTasks\":%d}],\"events\":[{\"message\":\"unable to "
				 "place a task\"}]";
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {.rule = "blue=100 green=0", .status = "IN_PROGRESS", .current = "d1"};

	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_8);
	s.service = arena_printf(w->f->arena, failed, 2);
	set(w, &s);
	route(w, "POST", STOPPED_TASKS, 200, "{\"taskArns\":[\"arn:t\"]}");
	route(w, "POST", "\"tasks\":[\"arn:t\"]", 200,
	      "{\"tasks\":[{\"stoppedReason\":\"Essential container exited\",\"containers\":[{"
	      "\"exitCode\":137,\"reason\":\"OutOfMemory\"}]}]}");
	o = look(w, PHASE_PREPARE);
	assert_int_equal(o.candidate, CANDIDATE_PENDING);
	assert_string_equal(o.detail, "2 tasks of web:8 failed: Essential container exited: "
				      "OutOfMemory, exit code 137");
	s.service = arena_printf(w->f->arena, failed, 3);
	set(w, &s);
	route(w, "POST", STOPPED_TASKS, 200, "{\"taskArns\":[]}");
	o = look(w, PHASE_PREPARE);
	assert_int_equal(o.candidate, CANDIDATE_FAILED);
	assert_string_equal(o.detail, "3 tasks of web:8 failed: unable to place a task");
	/* what tasks say is for the message only */
	set(w, &s);
	o = look(w, PHASE_PREPARE);
	assert_int_equal(o.candidate, CANDIDATE_FAILED);
	assert_non_null(strstr(o.detail, "unable to place a task"));
	set(w, &s);
	route(w, "POST", STOPPED_TASKS, 0, "")->fail = ERR_CANCELED;
	w->state.phase = PHASE_PREPARE;
	assert_int_equal(target_ecs.observe(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CANCELED);
}

static void before_there_is_a_deployment(void **state)
{
	struct world *w = *state;
	struct scene s = {.rule = "blue=100 green=0", .definition = "web:7"};

	ecs_recorded(w, ECS_NATIVE, "", "");
	assert_int_equal(see(w, PHASE_PREPARE, &s).candidate, CANDIDATE_ABSENT);
	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_NO_DEPLOYMENT);
	assert_int_equal(see(w, PHASE_PREPARE, &s).candidate, CANDIDATE_PENDING);
	ecs_recorded(w, ECS_NATIVE, "", "{\"d\":\"web:7\"}");
	assert_int_equal(see(w, PHASE_PREPARE, &s).candidate, CANDIDATE_SAME);
	/* begun, and not written down */
	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_NO_DEPLOYMENT);
	s = (struct scene){
		.rule = "blue=100 green=0", .status = "IN_PROGRESS", .hook = "h1", .current = "d1"};
	assert_int_equal(see(w, PHASE_PREPARE, &s).candidate, CANDIDATE_READY);
}

static void somebody_elses_deployment_is_foreign(void **state)
{
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {.rule = "blue=100 green=0", .definition = "web:7", .current = "d9"};

	/* before ours has begun */
	ecs_recorded(w, ECS_NATIVE, "", "");
	set(w, &s);
	deployment_is(w, "d9",
		      "\"status\":\"IN_PROGRESS\",\"targetServiceRevision\":{\"arn\":\"" REVISION(
			      "r9") "\"}");
	revision_is(w, "r9", "web:9", "green");
	o = look(w, PHASE_PREPARE);
	assert_int_equal(o.live, LIVE_FOREIGN);
	assert_string_equal(o.detail, "service web: another deployment is going on: web:9");
	/* in place of ours */
	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_8);
	s.status = "STOPPED";
	set(w, &s);
	deployment_is(w, "d9",
		      "\"status\":\"IN_PROGRESS\",\"targetServiceRevision\":{\"arn\":\"" REVISION(
			      "r9") "\"}");
	revision_is(w, "r9", "web:7", "green");
	assert_int_equal(look(w, PHASE_WATCH).live, LIVE_FOREIGN);
	/* one that is over does not matter, whatever it brought */
	set(w, &s);
	deployment_is(w, "d9", "\"status\":\"SUCCESSFUL\"");
	assert_int_equal(look(w, PHASE_WATCH).live, LIVE_BASELINE);
	/* one that cannot be told is not known to be ours */
	set(w, &s);
	deployment_is(w, "d9", "\"status\":\"IN_PROGRESS\"");
	assert_int_equal(look(w, PHASE_WATCH).live, LIVE_UNREADABLE);
	/* the service itself */
	forget_routes(w);
	service_is(w, "web", "\"status\":\"DRAINING\"");
	o = look(w, PHASE_WATCH);
	assert_int_equal(o.live, LIVE_FOREIGN);
	assert_string_equal(o.detail, "service web is DRAINING");
	forget_routes(w);
	service_is_missing(w, "web");
	assert_int_equal(look(w, PHASE_WATCH).live, LIVE_FOREIGN);
}

static void whatever_cannot_be_read_is_unreadable(void **state)
{
	static const char *const words[] = {DESCRIBE_SERVICE("web"), DESCRIBE_DEPLOYMENT("d1"),
					    "Action=DescribeRules"};
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {.rule = "blue=95 green=5",
			  .status = "IN_PROGRESS",
			  .hook = "h2",
			  .weight = 5,
			  .current = "d1"};

	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_8);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		set(w, &s);
		once(w, "POST", words[i], 400, "{\"__type\":\"AccessDeniedException\"}");
		if (i == 2)
			w->routes[w->n_routes - 1].body =
				"<ErrorResponse><Error><Code>AccessDenied</Code></Error>"
				"</ErrorResponse>";
		o = look(w, PHASE_WATCH);
		assert_int_equal(o.live, LIVE_UNREADABLE);
		assert_true(o.denied);
		set(w, &s);
		once(w, "POST", words[i], 0, "")->fail = ERR_CANCELED;
		assert_int_equal(target_ecs.observe(&w->env, &w->state, &o, &w->err), -1);
		assert_int_equal(w->err.code, ERR_CANCELED);
	}
	/* the other deployment, and its revision */
	s.current = "d9";
	assert_int_equal(see(w, PHASE_WATCH, &s).live, LIVE_UNREADABLE);
	set(w, &s);
	deployment_is(w, "d9",
		      "\"status\":\"IN_PROGRESS\",\"targetServiceRevision\":{\"arn\":\"" REVISION(
			      "r9") "\"}");
	assert_int_equal(look(w, PHASE_WATCH).live, LIVE_UNREADABLE);
	str_copy(w->state.candidate, sizeof(w->state.candidate), STR("["));
	assert_int_equal(look(w, PHASE_WATCH).live, LIVE_UNREADABLE);
}

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
	struct world *w = *state;
	struct scene s = {.rule = "blue=100 green=0", .definition = "web:7"};

	/* it is over already: found among the past ones */
	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_NO_DEPLOYMENT);
	set(w, &s);
	route(w, "POST", LIST_DEPLOYMENTS, 200,
	      "{\"serviceDeployments\":[{\"serviceDeploymentArn\":\"" DEPLOYMENT(
		      "d5") "\"},{\"serviceDeploymentArn\":\"" DEPLOYMENT("d4") "\","
										"\"targetServiceRev"
										"isionArn\":"
										"\"" REVISION(
											"r1") "\"},"
											      "{"
											      "\"se"
											      "rvic"
											      "eDep"
											      "loym"
											      "entA"
											      "rn\""
											      ":"
											      "\"" DEPLOYMENT(
												      "d1") "\","
													    "\"targetServiceRevisionArn\":\"" REVISION(
														    "r2") "\"}]}");
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
		TEST(a_deployment_is_read_in_the_words_of_the_machine),
		TEST(why_it_went_back_is_told),
		TEST(tasks_that_do_not_stay_up),
		TEST(before_there_is_a_deployment),
		TEST(somebody_elses_deployment_is_foreign),
		TEST(whatever_cannot_be_read_is_unreadable),
		TEST(the_candidate_is_registered_then_deployed_with_pauses),
		TEST(the_strategy_is_the_plans),
		TEST(what_was_begun_is_found_again),
		TEST(preparing_fails_when_something_does),
		TEST(a_step_is_the_answer_to_its_pause),
		TEST(it_goes_on_from_what_was_seen_only),
		TEST(retiring_lets_it_end_and_takes_the_pauses_away),
		TEST(a_deployment_is_told_to_go_back),
		TEST(an_unhealthy_baseline_is_not_proved),
		TEST(a_rollback_that_failed_is_put_right_by_weights),
		TEST(what_has_completed_is_gone_back_from_by_a_deployment),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
