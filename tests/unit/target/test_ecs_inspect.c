#include "tests/unit/target/ecs_world.h"

/* The first look at a service: what is refused before anything is touched, and the undo record. */

#define NOT_STICKY "<member><Key>stickiness.enabled</Key><Value>false</Value></member>"
#define GOOD_ROWS                                                                           \
	"{\"serviceDeployments\":[{\"serviceDeploymentArn\":\"" DEPLOYMENT(                 \
		"d3") "\",\"status\":\"ROLLBACK_SUCCESSFUL\",\"targetServiceRevisionArn\":" \
		      "\"" REVISION("r3") "\"},{\"serviceDeploymentArn\":\"" DEPLOYMENT(    \
			      "d2") "\",\"status\":\"SUCCESSFUL\","                         \
				    "\"targetServiceRevisionArn\":\"" REVISION("r1") "\"}]}"

/* What a service is like, but for what a test changes. */
struct scene {
	const char *status, *controller, *scheduling, *desired;
	const char *balancers, *deployments, *current, *revisions, *more;
	const char *rule;
};

static const struct scene good_native = {
	.status = "ACTIVE",
	.controller = "ECS",
	.scheduling = "REPLICA",
	.desired = "4",
	.balancers = BALANCER("blue", ADVANCED),
	.deployments = "{\"status\":\"PRIMARY\",\"rolloutState\":\"COMPLETED\"}",
	.current = "",
	.revisions = "{\"arn\":\"" REVISION("r1") "\"}",
	.more = "",
	.rule = "blue=100 green=0",
};

static const char *members(struct world *w, const struct scene *s)
{
	return arena_printf(w->f->arena,
			    "\"status\":\"%s\",\"taskDefinition\":\"" TD(
				    "web:7") "\",\"desiredCount\":%s,\"deploymentController\":{"
					     "\"type\":\"%s\"},\"schedulingStrategy\":\"%s\",%s,"
					     "\"deployments\":[%s],\"currentServiceRevisions\":[%s]"
					     "%s%s",
			    s->status, s->desired, s->controller, s->scheduling, s->balancers,
			    s->deployments, s->revisions,
			    *s->current ? arena_printf(w->f->arena,
						       ",\"currentServiceDeployment\":"
						       "\"" DEPLOYMENT("%s") "\"",
						       s->current)
					: "",
			    s->more);
}

static const char *group(struct world *w, const char *name)
{
	return arena_printf(w->f->arena,
			    "<member><TargetGroupArn>" GROUP(
				    "%s") "</TargetGroupArn><Protocol>HTTP</Protocol><VpcId>"
					  "vpc-1</VpcId></member>",
			    name);
}

static void the_rest(struct world *w, const struct scene *s)
{
	problems_init(&w->problems, w->f->arena);
	route(w, "POST", "Action=DescribeTargetGroups&", 200,
	      answer(w, "DescribeTargetGroups",
		     arena_printf(w->f->arena, "<TargetGroups>%s%s</TargetGroups>",
				  group(w, "blue"), group(w, "green"))));
	route(w, "POST", "Action=DescribeTargetGroupAttributes", 200,
	      answer(w, "DescribeTargetGroupAttributes",
		     "<Attributes>" NOT_STICKY "</Attributes>"));
	rule_is(w, s->rule);
	health_is(w, GROUP_URI("blue"), "healthy healthy");
	health_is(w, GROUP_URI("green"), "healthy");
	route(w, "POST", "{\"taskDefinition\":\"" TD("web:7") "\",\"include\"", 200,
	      definition(w, "web:7", PINNED_7, ""));
	revision_is(w, "r1", "web:7", "blue");
	route(w, "POST", LIST_ALL_DEPLOYMENTS, 200, GOOD_ROWS);
}

static void set(struct world *w, const struct scene *s)
{
	forget_routes(w);
	service_is(w, "web", members(w, s));
	the_rest(w, s);
}

static int inspect(struct world *w, char undo[LIMIT_UNDO + 1])
{
	bool first = true;
	int rc;

	undo[0] = '\0';
	rc = target_ecs.inspect(&w->env, undo, &first, &w->problems, &w->err);
	assert_false(first);
	assert_int_equal(ecs_writes(w), 0);
	assert_int_equal(sent(w, "POST", "Action=Modify"), 0);
	return rc;
}

static void expect_problem(struct world *w, const char *words)
{
	char undo[LIMIT_UNDO + 1];

	if (inspect(w, undo))
		fail_msg("%s", w->err.text);
	expect_said(w, words);
	if (w->problems.n_errors != 1)
		fail_msg("%s", world_problems(w));
	assert_string_equal(undo, "");
}

static void expect_undo(struct world *w, const char *text)
{
	char undo[LIMIT_UNDO + 1];

	if (inspect(w, undo) || w->problems.n_errors)
		fail_msg("%s\n%s", w->err.text, world_problems(w));
	assert_string_equal(undo, text);
}

/* --- native ----------------------------------------------------------------------------------- */

#define UNDO_LB(groups, candidate)                                                            \
	"\"lb\":{\"r\":\"" RULE "\",\"g\":" groups ",\"b\":%d,\"c\":\"targetgroup/" candidate \
	"/73e2\"}}"

static void the_undo_record_says_what_was_live(void **state)
{
	struct world *w = *state;
	struct scene s = good_native;
	const char *start = "{\"t\":\"ecs\",\"m\":0,\"c\":\"prod\",\"s\":\"web\",\"v\":\"web:7\","
			    "\"n\":4,";

	set(w, &s);
	expect_undo(w, arena_printf(w->f->arena,
				    "%s" UNDO_LB("[[\"targetgroup/blue/73e2\",100],["
						 "\"targetgroup/green/73e2\",0]]",
						 "green"),
				    start, 0));
	assert_int_equal(w->problems.n_warnings, 0);
	/* the revisions take turns: by now the tasks are in the other group */
	s.rule = "blue=0 green=100";
	forget_routes(w);
	service_is(w, "web", members(w, &s));
	revision_is(w, "r1", "web:7", "green");
	the_rest(w, &s);
	expect_undo(w, arena_printf(w->f->arena,
				    "%s" UNDO_LB("[[\"targetgroup/blue/73e2\",0],["
						 "\"targetgroup/green/73e2\",100]]",
						 "blue"),
				    start, 1));
	/* and when ECS does not say where, they are in the first */
	s.rule = "blue=1";
	forget_routes(w);
	service_is(w, "web", members(w, &s));
	revision_is(w, "r1", "web:7", NULL);
	the_rest(w, &s);
	expect_undo(w, arena_printf(w->f->arena,
				    "%s" UNDO_LB("[[\"targetgroup/blue/73e2\",1]]", "green"), start,
				    0));
}

static void a_default_rule_is_changed_through_its_listener(void **state)
{
#define ALB_LISTENER ELB "listener/app/web/50dc/f2f7"
	struct world *w = *state;
	struct scene s = good_native;
	char undo[LIMIT_UNDO + 1];

	set(w, &s);
	once(w, "POST", "Action=DescribeRules", 200,
	     answer(w, "DescribeRules",
		    "<Rules><member><RuleArn>" RULE
		    "</RuleArn><Priority>default</Priority><IsDefault>true</IsDefault></member>"
		    "</Rules>"));
	route(w, "POST", "Action=DescribeListeners", 200,
	      answer(w, "DescribeListeners",
		     arena_printf(w->f->arena,
				  "<Listeners><member><ListenerArn>" ALB_LISTENER
				  "</ListenerArn><DefaultActions>%s</DefaultActions></member>"
				  "</Listeners>",
				  forward(w, "blue=100 green=0", ""))));
	if (inspect(w, undo) || w->problems.n_errors)
		fail_msg("%s\n%s", w->err.text, world_problems(w));
	assert_non_null(strstr(undo, "\"r\":\"" ALB_LISTENER "\""));
	set(w, &s);
	once(w, "POST", "Action=DescribeRules", 0, "")->fail = ERR_SYSTEM;
	assert_int_equal(inspect(w, undo), -1);
	/* a listener of a Network Load Balancer is one already */
	s.balancers = "\"loadBalancers\":[{\"targetGroupArn\":\"" GROUP(
		"blue") "\",\"containerName\":\"app\",\"containerPort\":80,"
			"\"advancedConfiguration\":{\"alternateTargetGroupArn\":\"" GROUP(
				"green") "\",\"productionListenerRule\":\"" LISTENER
					 "\",\"roleArn\":\"r\"}}]";
	set(w, &s);
	route(w, "POST", "Action=DescribeListeners", 200,
	      listener(w, forward(w, "blue=100 green=0", "")));
	if (inspect(w, undo) || w->problems.n_errors)
		fail_msg("%s\n%s", w->err.text, world_problems(w));
	assert_non_null(strstr(undo, LISTENER));
}

static void services_that_cannot_be_shifted_are_refused(void **state)
{
#define CASE(member, value, words)                           \
	{                                                    \
		offsetof(struct scene, member), value, words \
	}
	static const struct {
		size_t at;
		const char *value, *says;
	} cases[] = {
		CASE(status, "DRAINING", "\"web\": the service is DRAINING"),
		CASE(controller, "CODE_DEPLOY", "its deployments are CodeDeploy's: ECS refuses"),
		CASE(controller, "EXTERNAL", "its deployment controller is EXTERNAL"),
		CASE(scheduling, "DAEMON", "its scheduling strategy is DAEMON"),
		CASE(desired, "0", "it wants no task: there would be nothing to go back to"),
		CASE(balancers, "\"loadBalancers\":[]",
		     "it has no load balancer: there is no traffic to be divided"),
		CASE(balancers, "\"loadBalancers\":[{},{}]", "it has 2 target groups; one can be"),
		CASE(deployments,
		     "{\"status\":\"PRIMARY\",\"rolloutState\":\"COMPLETED\"},{\"status\":"
		     "\"ACTIVE\"}",
		     "a deployment is going on: wait until it is over"),
		CASE(deployments, "{\"status\":\"PRIMARY\",\"rolloutState\":\"IN_PROGRESS\"}",
		     "a deployment is going on: wait until it is over"),
		CASE(current, "d8", "a deployment is going on (IN_PROGRESS): wait until it is"),
		CASE(revisions, "{\"arn\":\"" REVISION("r9") "\"}",
		     "ECS goes back to its last completed deployment, r1, but r9 serves now"),
		/* the controller believes that the candidate's group is idle; it is not */
		CASE(rule, "blue=50 green=50",
		     "the candidate has traffic already: somebody else is deploying"),
		CASE(rule, "blue=0 green=100", "the candidate has traffic already"),
		CASE(rule, "red=1", "the listener or rule does not forward to this baseline"),
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene s = good_native;

		*(const char **)(void *)((char *)&s + cases[i].at) = cases[i].value;
		set(w, &s);
		deployment_is(w, "d8", "\"status\":\"IN_PROGRESS\"");
		revision_is(w, "r9", "web:7", "blue");
		if (strstr(cases[i].value, "green=100")) { /* said of both groups */
			char undo[LIMIT_UNDO + 1];

			assert_int_equal(inspect(w, undo), 0);
			expect_said(w, cases[i].says);
			expect_said(w, "the baseline has no traffic now");
			continue;
		}
		expect_problem(w, cases[i].says);
	}
}

static void what_the_controller_needs_is_asked_for(void **state)
{
	struct world *w = *state;
	struct scene s = good_native;
	char undo[LIMIT_UNDO + 1];

	s.balancers = BALANCER("blue", "");
	set(w, &s);
	assert_int_equal(inspect(w, undo), 0);
	assert_int_equal(w->problems.n_errors, 3);
	expect_said(w, "it has no alternate target group to bring a candidate up in");
	expect_said(w, "it has no production listener rule");
	expect_said(w, "it has no infrastructure role");
	s.balancers = BALANCER("blue", ",\"advancedConfiguration\":{\"alternateTargetGroupArn\":"
				       "\"" GROUP("green") "\",\"productionListenerRule\":"
							   "\"" RULE "\"}");
	set(w, &s);
	expect_problem(w, "it has no infrastructure role in its load balancer's advanced");
	s.balancers = "\"loadBalancers\":[{\"loadBalancerName\":\"classic\"}]";
	set(w, &s);
	assert_int_equal(inspect(w, undo), 0);
	expect_said(w, "its load balancer is a Classic one, which has no weights");
	/* the rule does more than forward */
	s = good_native;
	set(w, &s);
	once(w, "POST", "Action=DescribeRules", 200, rule(w, forward(w, s.rule, "")));
	once(w, "POST", "Action=DescribeRules", 200, rule(w, forward(w, s.rule, "")));
	once(w, "POST", "Action=DescribeRules", 200,
	     rule(w, arena_printf(w->f->arena, AUTH "%s", forward(w, s.rule, ""))));
	expect_problem(w, "the production rule has other actions beside its forward");
}

static void what_is_only_worth_a_word_is_a_warning(void **state)
{
	struct world *w = *state;
	struct scene s = good_native;
	char undo[LIMIT_UNDO + 1];

	s.more = ",\"deploymentConfiguration\":{\"lifecycleHooks\":[{\"targetType\":\"PAUSE\"}]}";
	set(w, &s);
	once(w, "POST", LIST_ALL_DEPLOYMENTS, 200, "{\"serviceDeployments\":[]}");
	once(w, "POST", "{\"taskDefinition\":\"" TD("web:7") "\",\"include\"", 200,
	     definition(w, "web:7", "repo:stable", ""));
	put_definition(w, "repo:new");
	if (inspect(w, undo) || w->problems.n_errors)
		fail_msg("%s\n%s", w->err.text, world_problems(w));
	assert_true(undo[0]);
	assert_int_equal(w->problems.n_warnings, 4);
	expect_said(w, "it has lifecycle hooks that pause: this rollout's own take their place");
	expect_said(w, "no completed deployment of it is on record");
	expect_said(w, "\"repo:stable\": web:7, which serves now, names this image by a tag");
	expect_said(w, "\"repo:new\": the image is named by a tag");
}

static void the_definition_must_fit_the_load_balancer(void **state)
{
	struct world *w = *state;

	put_file(w, "taskdef.json",
		 "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"other\",\"image\":"
		 "\"" PINNED_8 "\"}]}");
	set(w, &good_native);
	expect_problem(w, "\"app\": the load balancer leads to this container, which the");
	put_file(w, "taskdef.json",
		 "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":"
		 "\"" PINNED_8 "\",\"portMappings\":[{\"containerPort\":8080}]}]}");
	set(w, &good_native);
	expect_problem(w, "the load balancer leads to its port 80, which the definition does not");
	no_file(w, "taskdef.json");
	set(w, &good_native);
	expect_problem(w, "it has neither taskdef.json nor imagedefinitions.json");
}

static void names_that_lead_nowhere_are_the_plans_problem(void **state)
{
	struct world *w = *state;
	char undo[LIMIT_UNDO + 1];

	forget_routes(w);
	problems_init(&w->problems, w->f->arena);
	service_is_missing(w, "web");
	expect_problem(w, "\"web\": no such service in the cluster prod; create it first");
	forget_routes(w);
	problems_init(&w->problems, w->f->arena);
	route(w, "POST", DESCRIBE_SERVICE("web"), 400, "{\"__type\":\"ClusterNotFoundException\"}");
	expect_problem(w, "\"prod\": no such cluster in eu-central-1");
	forget_routes(w);
	problems_init(&w->problems, w->f->arena);
	service_is(w, "web",
		   "\"status\":\"ACTIVE\",\"desiredCount\":1," BALANCER("blue", ADVANCED));
	assert_int_equal(inspect(w, undo), 0);
	expect_said(w, "it has no task definition");
	/* the group is in another region */
	w->env.client.region = "us-east-1";
	set(w, &good_native);
	expect_problem(w, "it is not in us-east-1, where this worker deploys");
}

static void whatever_cannot_be_read_is_an_error(void **state)
{
	static const char *const words[] = {DESCRIBE_SERVICE("web"),
					    DESCRIBE_DEPLOYMENT("d8"),
					    "{\"taskDefinition\":\"" TD("web:7"),
					    DESCRIBE_REVISION("r1"),
					    LIST_ALL_DEPLOYMENTS,
					    "Action=DescribeRules",
					    "Action=DescribeTargetGroups&"};
	struct world *w = *state;
	char undo[LIMIT_UNDO + 1];
	struct scene s = good_native;

	s.current = "d8";
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		set(w, &s);
		deployment_is(w, "d8", "\"status\":\"SUCCESSFUL\"");
		once(w, "POST", words[i], 0, "")->fail = ERR_SYSTEM;
		if (inspect(w, undo) == 0)
			fail_msg("%s: %s", words[i], world_problems(w));
		assert_int_equal(w->err.code, ERR_SYSTEM);
		assert_string_equal(undo, "");
	}
	/* the last look at the rule */
	set(w, &s);
	deployment_is(w, "d8", "\"status\":\"SUCCESSFUL\"");
	once(w, "POST", "Action=DescribeRules", 200, rule(w, forward(w, s.rule, "")));
	once(w, "POST", "Action=DescribeRules", 200, rule(w, forward(w, s.rule, "")));
	once(w, "POST", "Action=DescribeRules", 0, "")->fail = ERR_SYSTEM;
	assert_int_equal(inspect(w, undo), -1);
}

/* --- two services ----------------------------------------------------------------------------- */

static void set_two(struct world *w, const struct scene *web, const struct scene *twin)
{
	w->plan.target.ecs.method = ECS_TWO_SERVICES;
	w->plan.target.lb.resource_arn = RULE;
	forget_routes(w);
	if (web)
		service_is(w, "web", members(w, web));
	else
		service_is_missing(w, "web");
	if (twin)
		service_is(w, "web-twin", members(w, twin));
	else
		service_is_missing(w, "web-twin");
	the_rest(w, web ? web : twin);
}

static struct scene one_of_two(const char *group)
{
	struct scene s = good_native;

	s.balancers = !strcmp(group, "blue") ? BALANCER("blue", "") : BALANCER("green", "");
	return s;
}

static void the_weights_say_who_is_who(void **state)
{
	struct world *w = *state;
	struct scene web = one_of_two("blue"), twin = one_of_two("green");
	char undo[LIMIT_UNDO + 1];

	/* the first release: there is no twin yet */
	set_two(w, &web, NULL);
	expect_undo(w,
		    "{\"t\":\"ecs\",\"m\":1,\"c\":\"prod\",\"s\":\"web\",\"v\":\"web:7\",\"n\":4,"
		    "\"o\":\"web-twin\",\"k\":-1,\"lb\":{\"r\":\"" RULE
		    "\",\"g\":[[\"targetgroup/blue/73e2\",100],[\"targetgroup/green/73e2\",0]],"
		    "\"b\":0,\"c\":\"targetgroup/green/73e2\"}}");
	expect_said(w, "\"web-twin\": the service is created like web; service auto scaling");
	/* the second: both stand */
	twin.desired = "2";
	set_two(w, &web, &twin);
	if (inspect(w, undo) || w->problems.n_errors)
		fail_msg("%s\n%s", w->err.text, world_problems(w));
	assert_non_null(strstr(undo, "\"s\":\"web\",\"v\":\"web:7\",\"n\":4,\"o\":\"web-twin\","
				     "\"k\":2,"));
	/* the other way round */
	web.desired = "0";
	web.rule = "blue=0 green=100";
	twin.desired = "4";
	set_two(w, &web, &twin);
	route(w, "POST", "DescribeTargetHealth", 200, targets(w, "healthy"));
	if (inspect(w, undo) || w->problems.n_errors)
		fail_msg("%s\n%s", w->err.text, world_problems(w));
	assert_non_null(strstr(undo, "\"s\":\"web-twin\",\"v\":\"web:7\",\"n\":4,\"o\":\"web\","
				     "\"k\":0,"));
	assert_non_null(strstr(undo, "\"b\":1,\"c\":\"targetgroup/blue/73e2\""));
	/* the first one was deleted, and is created again */
	twin.rule = web.rule;
	set_two(w, NULL, &twin);
	if (inspect(w, undo) || w->problems.n_errors)
		fail_msg("%s\n%s", w->err.text, world_problems(w));
	assert_non_null(strstr(undo, "\"s\":\"web-twin\",\"v\":\"web:7\",\"n\":4,\"o\":\"web\","
				     "\"k\":-1,"));
	/* a single group has everything whatever its weight, and draining is as good as gone */
	web = one_of_two("blue");
	web.rule = "blue=0";
	twin.status = "DRAINING";
	w->plan.target.lb.candidate_arn = GROUP("green");
	set_two(w, &web, &twin);
	if (inspect(w, undo) || w->problems.n_errors)
		fail_msg("%s\n%s", w->err.text, world_problems(w));
	assert_non_null(strstr(undo, "\"k\":-1,"));
	/* another name for the twin */
	w->plan.target.ecs.twin = "green";
	forget_routes(w);
	service_is(w, "web", members(w, &web));
	service_is_missing(w, "green");
	the_rest(w, &web);
	if (inspect(w, undo) || w->problems.n_errors)
		fail_msg("%s\n%s", w->err.text, world_problems(w));
	assert_non_null(strstr(undo, "\"o\":\"green\""));
}

static void pairs_that_cannot_be_told_apart_are_refused(void **state)
{
	struct world *w = *state;
	struct scene web = one_of_two("blue"), twin = one_of_two("green");

	set_two(w, &web, &twin);
	forget_routes(w);
	problems_init(&w->problems, w->f->arena);
	service_is_missing(w, "web");
	service_is_missing(w, "web-twin");
	expect_problem(w, "neither this service nor web-twin is in the cluster prod");
	web.rule = "blue=50 green=50";
	set_two(w, &web, &twin);
	expect_problem(w, "both of the services web and web-twin have traffic by it");
	web.rule = "red=1";
	set_two(w, &web, &twin);
	expect_problem(w, "none of the services web and web-twin has traffic by it");
	web = one_of_two("blue");
	set_two(w, &web, &web);
	expect_problem(w, "both of the services web and web-twin have traffic by it");
	/* the candidate of the plan is another group */
	w->plan.target.lb.candidate_arn = GROUP("red");
	set_two(w, &web, &twin);
	expect_problem(w, "\"web-twin\": it is in the target group " GROUP("green"));
	w->plan.target.lb.candidate_arn = NULL;
	/* no rule */
	set_two(w, &web, &twin);
	once(w, "POST", "Action=DescribeRules", 400,
	     "<ErrorResponse><Error><Code>RuleNotFound</Code></Error></ErrorResponse>");
	expect_problem(w, "RuleNotFound");
	/* no cluster */
	set_two(w, &web, &twin);
	once(w, "POST", DESCRIBE_SERVICE("web"), 400, "{\"__type\":\"ClusterNotFoundException\"}");
	expect_problem(w, "\"prod\": no such cluster");
}

static void each_of_the_pair_is_checked(void **state)
{
	struct world *w = *state;
	struct scene web = one_of_two("blue"), twin = one_of_two("green");
	char undo[LIMIT_UNDO + 1];

	web.controller = "CODE_DEPLOY";
	set_two(w, &web, &twin);
	expect_problem(w, "\"web\": its deployments are CodeDeploy's");
	web = one_of_two("blue");
	web.more = ",\"serviceRegistries\":[{}]";
	set_two(w, &web, &twin);
	expect_problem(w, "\"web\": it is found by service discovery, which knows no weights");
	web.more = "";
	web.deployments = "{\"status\":\"PRIMARY\",\"rolloutState\":\"COMPLETED\","
			  "\"serviceConnectConfiguration\":{\"enabled\":true}}";
	set_two(w, &web, &twin);
	expect_problem(w, "\"web\": it is found by Service Connect");
	web = one_of_two("blue");
	web.current = "d8";
	set_two(w, &web, &twin);
	deployment_is(w, "d8", "\"status\":\"PENDING\"");
	expect_problem(w, "\"web\": a deployment is going on (PENDING)");
	web = one_of_two("blue");
	twin.controller = "EXTERNAL";
	set_two(w, &web, &twin);
	expect_problem(w, "\"web-twin\": its deployment controller is EXTERNAL");
	twin = one_of_two("green");
	twin.deployments = "{\"status\":\"PRIMARY\",\"rolloutState\":\"IN_PROGRESS\"}";
	set_two(w, &web, &twin);
	expect_problem(w, "\"web-twin\": a deployment is going on");
	twin = one_of_two("green");
	twin.balancers = "\"loadBalancers\":[]";
	set_two(w, &web, &twin);
	expect_problem(w, "\"web-twin\": it has no load balancer");
	twin = one_of_two("green");
	/* another controller of weights is worth a word */
	web.more = ",\"deploymentConfiguration\":{\"strategy\":\"LINEAR\"}";
	set_two(w, &web, &twin);
	if (inspect(w, undo) || w->problems.n_errors)
		fail_msg("%s\n%s", w->err.text, world_problems(w));
	expect_said(w, "\"web\": its own deployments are LINEAR and would move the same rule");
	/* and the steps are the load balancer's to check */
	web.more = "";
	w->plan.steps[0].weight_bp = 1234;
	set_two(w, &web, &twin);
	expect_problem(w, "12.34% is finer than weights of 0 to 999 can say here");
}

static void a_pair_that_cannot_be_read_is_an_error(void **state)
{
	static const char *const words[] = {
		DESCRIBE_SERVICE("web"),       DESCRIBE_SERVICE("web-twin"),
		"Action=DescribeRules",	       "{\"taskDefinition\":\"" TD("web:7"),
		DESCRIBE_DEPLOYMENT("d8"),     DESCRIBE_DEPLOYMENT("d9"),
		"Action=DescribeTargetGroups&"};
	struct world *w = *state;
	struct scene web = one_of_two("blue"), twin = one_of_two("green");
	char undo[LIMIT_UNDO + 1];

	web.current = "d8";
	twin.current = "d9";
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		set_two(w, &web, &twin);
		deployment_is(w, "d8", "\"status\":\"STOPPED\"");
		deployment_is(w, "d9", "\"status\":\"ROLLBACK_SUCCESSFUL\"");
		once(w, "POST", words[i], 0, "")->fail = ERR_SYSTEM;
		if (inspect(w, undo) == 0)
			fail_msg("%s", words[i]);
		assert_string_equal(undo, "");
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ecs_world_set_up, ecs_world_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_undo_record_says_what_was_live),
		TEST(a_default_rule_is_changed_through_its_listener),
		TEST(services_that_cannot_be_shifted_are_refused),
		TEST(what_the_controller_needs_is_asked_for),
		TEST(what_is_only_worth_a_word_is_a_warning),
		TEST(the_definition_must_fit_the_load_balancer),
		TEST(names_that_lead_nowhere_are_the_plans_problem),
		TEST(whatever_cannot_be_read_is_an_error),
		TEST(the_weights_say_who_is_who),
		TEST(pairs_that_cannot_be_told_apart_are_refused),
		TEST(each_of_the_pair_is_checked),
		TEST(a_pair_that_cannot_be_read_is_an_error),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
