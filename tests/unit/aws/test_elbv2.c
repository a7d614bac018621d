#include "aws/elbv2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/aws/api_model.h"

#define LB "arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/app/web/50dc6c495c0c9188"
#define RULE "arn:aws:elasticloadbalancing:eu-central-1:1:listener-rule/app/web/5/6/7"
#define TG(x) "arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/" x "/73e2d6bc24d8a067"
#define TG_URI(x)                                                                \
	"arn%3Aaws%3Aelasticloadbalancing%3Aeu-central-1%3A1%3Atargetgroup%2F" x \
	"%2F73e2d6bc24d8a067"

static int set_up(void **state)
{
	*state = fake_new();
	return 0;
}

static int tear_down(void **state)
{
	fake_free(*state);
	return 0;
}

static const char *answer(struct fake *f, const char *operation, const char *result)
{
	return arena_printf(f->arena,
			    "<%sResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/"
			    "2015-12-01/\"><%sResult>%s</%sResult><ResponseMetadata><RequestId>r1"
			    "</RequestId></ResponseMetadata></%sResponse>",
			    operation, operation, result, operation, operation);
}

static void expect_form(struct fake *f, size_t i, const char *operation, const char *rest)
{
	assert_string_equal(
		fake_sent(f, i)->body.p,
		arena_printf(f->arena, "Action=%s&Version=2015-12-01&%s", operation, rest));
	api_check(f, i, "elbv2", operation);
}

/* --- listeners and rules --------------------------------------------------------------------- */

#define FORWARD(group) \
	"<member><Type>forward</Type><TargetGroupArn>" group "</TargetGroupArn></member>"

static void test_listeners(void **state)
{
	struct fake *f = *state;
	struct elbv2_listener one, *all;
	size_t n;
	struct err err = ERR_INIT;

	fake_answer(
		f, 200, NULL,
		answer(f, "DescribeListeners",
		       "<Listeners><member><ListenerArn>l1</ListenerArn><LoadBalancerArn>lb"
		       "</LoadBalancerArn><Port>443</Port><Protocol>HTTPS</Protocol>"
		       "<DefaultActions>" FORWARD("t") "</DefaultActions></member></Listeners>"));
	if (elbv2_describe_listener(&f->client, "l1", f->arena, &one, &err))
		fail_msg("%s", err.text);
	expect_form(f, 0, "DescribeListeners", "ListenerArns.member.1=l1");
	assert_string_equal(one.arn, "l1");
	assert_string_equal(one.load_balancer_arn, "lb");
	assert_string_equal(one.protocol, "HTTPS");
	assert_int_equal(one.port, 443);
	assert_int_equal(one.n_actions, 1);
	assert_string_equal(one.actions[0].groups[0].arn, "t");

	fake_again(f);
	fake_answer(f, 200, NULL,
		    answer(f, "DescribeListeners",
			   "<Listeners><member><ListenerArn>l1</ListenerArn></member></Listeners>"
			   "<NextMarker>a+b</NextMarker>"));
	fake_answer(f, 200, NULL,
		    answer(f, "DescribeListeners",
			   "<Listeners/>"
			   "<NextMarker>c</NextMarker>"));
	fake_answer(f, 200, NULL,
		    answer(f, "DescribeListeners",
			   "<Listeners><member><ListenerArn>l2</ListenerArn></member></Listeners>"
			   "<NextMarker></NextMarker>"));
	if (elbv2_describe_listeners(&f->client, LB, f->arena, &all, &n, &err))
		fail_msg("%s", err.text);
	assert_int_equal(n, 2);
	assert_string_equal(all[1].arn, "l2");
	assert_int_equal(all[0].n_actions, 0);
	assert_non_null(strstr(fake_sent(f, 1)->body.p, "&Marker=a%2Bb"));
	api_check(f, 1, "elbv2", "DescribeListeners");
	assert_true(fake_done(f));
}

static void test_rules(void **state)
{
	struct fake *f = *state;
	struct elbv2_rule one, *all;
	size_t n;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL,
		    answer(f, "DescribeRules",
			   "<Rules><member><RuleArn>r1</RuleArn><Priority>10</Priority>"
			   "<IsDefault>false</IsDefault><Conditions><member><Field>path-pattern"
			   "</Field></member></Conditions><Actions>" FORWARD(
				   "t") "</Actions></member></Rules>"));
	if (elbv2_describe_rule(&f->client, "r1", f->arena, &one, &err))
		fail_msg("%s", err.text);
	expect_form(f, 0, "DescribeRules", "RuleArns.member.1=r1");
	assert_string_equal(one.priority, "10");
	assert_false(one.is_default);
	assert_true(str_is(xml_text(one.conditions, "member/Field"), "path-pattern"));
	assert_int_equal(one.n_actions, 1);

	fake_again(f);
	fake_answer(f, 200, NULL,
		    answer(f, "DescribeRules",
			   "<Rules><member><RuleArn>r1</RuleArn><Priority>1</Priority></member>"
			   "<member><RuleArn>r2</RuleArn><Priority>default</Priority>"
			   "<IsDefault>true</IsDefault></member></Rules>"));
	assert_int_equal(elbv2_describe_rules(&f->client, "l1", f->arena, &all, &n, &err), 0);
	expect_form(f, 0, "DescribeRules", "ListenerArn=l1");
	assert_int_equal(n, 2);
	assert_true(all[1].is_default);
	assert_null(all[1].conditions);
}

static void test_one_thing_or_an_error(void **state)
{
	struct fake *f = *state;
	struct elbv2_rule rule, *rules;
	struct elbv2_listener listener, *listeners;
	struct elbv2_load_balancer lb;
	size_t n;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL, answer(f, "DescribeRules", "<Rules/>"));
	assert_int_equal(elbv2_describe_rule(&f->client, RULE, f->arena, &rule, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);

	fake_answer(f, 200, NULL,
		    answer(f, "DescribeRules",
			   "<Rules><member><RuleArn>r1</RuleArn></member><member><RuleArn>r2"
			   "</RuleArn></member></Rules>"));
	assert_int_equal(elbv2_describe_rule(&f->client, RULE, f->arena, &rule, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);

	fake_answer(f, 200, NULL, answer(f, "DescribeListeners", ""));
	assert_int_equal(elbv2_describe_listener(&f->client, "l", f->arena, &listener, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);

	fake_answer(f, 200, NULL,
		    answer(f, "DescribeListeners", "<Listeners><member/></Listeners>"));
	assert_int_equal(elbv2_describe_listener(&f->client, "l", f->arena, &listener, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	fake_answer(
		f, 200, NULL,
		answer(f, "DescribeListeners",
		       "<Listeners><member><ListenerArn>l</ListenerArn><DefaultActions><member/>"
		       "</DefaultActions></member></Listeners>"));
	assert_int_equal(elbv2_describe_listeners(&f->client, "l", f->arena, &listeners, &n, &err),
			 -1);
	assert_non_null(strstr(err.text, "listener l: an action has no type"));

	fake_answer(f, 200, NULL, answer(f, "DescribeRules", "<Rules><member/></Rules>"));
	assert_int_equal(elbv2_describe_rules(&f->client, "l", f->arena, &rules, &n, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	fake_answer(f, 200, NULL,
		    answer(f, "DescribeRules",
			   "<Rules><member><RuleArn>r</RuleArn><Actions><member/></Actions>"
			   "</member></Rules>"));
	assert_int_equal(elbv2_describe_rules(&f->client, "l", f->arena, &rules, &n, &err), -1);
	assert_non_null(strstr(err.text, "rule r: an action has no type"));

	/* an answer without its result is no empty list */
	fake_answer(f, 200, NULL, "<Other/>");
	assert_int_equal(elbv2_describe_rules(&f->client, "l", f->arena, &rules, &n, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	fake_answer(f, 200, NULL, "");
	assert_int_equal(elbv2_describe_rules(&f->client, "l", f->arena, &rules, &n, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_true(fake_done(f));

	/* without its filter the call would list everything */
	assert_int_equal(elbv2_describe_rules(&f->client, "", f->arena, &rules, &n, &err), -1);
	assert_int_equal(elbv2_describe_rule(&f->client, NULL, f->arena, &rule, &err), -1);
	assert_int_equal(elbv2_describe_listener(&f->client, NULL, f->arena, &listener, &err), -1);
	assert_int_equal(elbv2_describe_load_balancer(&f->client, "", f->arena, &lb, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_true(fake_done(f));
}

static void test_errors(void **state)
{
	static const struct {
		int status;
		const char *name;
		enum err_code code;
		size_t attempts;
	} cases[] = {
		{400, "RuleNotFound", ERR_NOT_FOUND, 1},
		{400, "ListenerNotFound", ERR_NOT_FOUND, 1},
		{400, "TargetGroupNotFound", ERR_NOT_FOUND, 1},
		{400, "LoadBalancerNotFound", ERR_NOT_FOUND, 1},
		{400, "OperationNotPermitted", ERR_REJECTED, 1},
		{400, "InvalidLoadBalancerAction", ERR_REJECTED, 1},
		{400, "ValidationError", ERR_REJECTED, 1},
		{403, "AccessDenied", ERR_DENIED, 1},
		{400, "Throttling", ERR_THROTTLED, 3},
		{500, "HealthUnavailable", ERR_UNAVAILABLE, 3},
	};
	struct fake *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct elbv2_group group = {"t", 1, true};
		struct elbv2_action action = {.type = "forward", .groups = &group, .n_groups = 1};
		struct elbv2_actions actions = {&action, 1};
		struct err err = ERR_INIT;

		fake_again(f);
		for (size_t k = 0; k < cases[i].attempts; k++)
			fake_answer(f, cases[i].status, NULL,
				    arena_printf(f->arena,
						 "<ErrorResponse><Error><Type>Sender</Type><Code>%s"
						 "</Code><Message>m</Message></Error><RequestId>q"
						 "</RequestId></ErrorResponse>",
						 cases[i].name));
		assert_int_equal(
			elbv2_modify_rule(&f->client, RULE, &actions, f->arena, NULL, &err), -1);
		assert_int_equal(err.code, cases[i].code);
		assert_string_equal(err.aws, cases[i].name);
		assert_string_equal(err.request_id, "q");
		assert_true(fake_done(f));
	}
}

/* --- changing -------------------------------------------------------------------------------- */

static void test_modify(void **state)
{
	struct fake *f = *state;
	struct elbv2_group groups[] = {{"blue", 90, true}, {"green", 10, true}};
	struct elbv2_action action = {
		.type = "forward", .order = 1, .groups = groups, .n_groups = 2};
	struct elbv2_actions actions = {&action, 1}, echo;
	struct err err = ERR_INIT;

	fake_fail(f, ERR_TIMEOUT, true); /* idempotent by content */
	fake_answer(f, 200, NULL,
		    answer(f, "ModifyRule",
			   "<Rules><member><RuleArn>r</RuleArn><Actions>" FORWARD(
				   "blue") "</Actions></member></Rules>"));
	if (elbv2_modify_rule(&f->client, "r", &actions, f->arena, &echo, &err))
		fail_msg("%s", err.text);
	expect_form(f, 1, "ModifyRule",
		    "RuleArn=r&Actions.member.1.Type=forward&Actions.member.1.Order=1"
		    "&Actions.member.1.ForwardConfig.TargetGroups.member.1.TargetGroupArn=blue"
		    "&Actions.member.1.ForwardConfig.TargetGroups.member.1.Weight=90"
		    "&Actions.member.1.ForwardConfig.TargetGroups.member.2.TargetGroupArn=green"
		    "&Actions.member.1.ForwardConfig.TargetGroups.member.2.Weight=10");
	assert_int_equal(echo.n, 1);
	assert_string_equal(echo.actions[0].groups[0].arn, "blue");
	assert_true(fake_done(f));

	fake_again(f);
	fake_answer(
		f, 200, NULL,
		answer(f, "ModifyListener",
		       "<Listeners><member><ListenerArn>l</ListenerArn><DefaultActions>" FORWARD(
			       "green") "</DefaultActions></member></Listeners>"));
	assert_int_equal(elbv2_modify_listener(&f->client, "l", &actions, f->arena, &echo, &err),
			 0);
	assert_string_equal(echo.actions[0].groups[0].arn, "green");
	assert_non_null(strstr(fake_sent(f, 0)->body.p, "&DefaultActions.member.1.Type=forward"));
	api_check(f, 0, "elbv2", "ModifyListener");

	fake_again(f);
	fake_answer(f, 200, NULL, answer(f, "ModifyRule", ""));
	assert_int_equal(elbv2_modify_rule(&f->client, "r", &actions, f->arena, NULL, &err), 0);

	/* accepted, but the answer says nothing readable */
	fake_answer(f, 200, NULL, "<Other/>");
	assert_int_equal(elbv2_modify_rule(&f->client, "r", &actions, f->arena, NULL, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_true(err.sent);
	fake_answer(f, 200, NULL,
		    answer(f, "ModifyRule",
			   "<Rules><member><Actions><member/></Actions></member></Rules>"));
	err = ERR_INIT;
	assert_int_equal(elbv2_modify_rule(&f->client, "r", &actions, f->arena, &echo, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_true(err.sent);
}

static void test_modify_refusals(void **state)
{
	struct fake *f = *state;
	struct elbv2_action action = {.type = "forward"};
	struct elbv2_actions none = {NULL, 0}, bad = {&action, 1};
	struct err err = ERR_INIT;

	assert_int_equal(elbv2_modify_rule(&f->client, "r", &none, f->arena, NULL, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_int_equal(elbv2_modify_rule(&f->client, "", &bad, f->arena, NULL, &err), -1);
	assert_int_equal(elbv2_modify_listener(&f->client, "l", &bad, f->arena, NULL, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_non_null(strstr(err.text, "ModifyListener of l"));
	assert_int_equal(f->n_requests, 0);

	/* too long to be sent */
	char *arn = arena_alloc(f->arena, (300u << 10) + 1);
	struct elbv2_group group = {arn, 1, true};

	memset(arn, 'x', 300u << 10);
	action = (struct elbv2_action){.type = "forward", .groups = &group, .n_groups = 1};
	assert_int_equal(elbv2_modify_rule(&f->client, "r", &bad, f->arena, NULL, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(f->n_requests, 0);
}

/* --- target groups --------------------------------------------------------------------------- */

static void test_target_groups(void **state)
{
	struct fake *f = *state;
	const char *arns[25], *first, *second;
	struct elbv2_target_group *groups;
	struct err err = ERR_INIT;
	struct buf b;

	for (size_t i = 0; i < 25; i++)
		arns[i] = arena_printf(f->arena, "t%zu", i);
	buf_init(&b, 65536);
	for (size_t i = 20; i-- > 0;) /* in another order than asked for */
		buf_addf(&b, "<member><TargetGroupArn>t%zu</TargetGroupArn></member>", i);
	first = arena_printf(f->arena, "<TargetGroups>%s</TargetGroups>", b.p);
	buf_clear(&b);
	for (size_t i = 20; i < 25; i++)
		buf_addf(&b,
			 "<member><TargetGroupArn>t%zu</TargetGroupArn><TargetGroupName>n"
			 "</TargetGroupName><Protocol>HTTP</Protocol><Port>80</Port>"
			 "<TargetType>ip</TargetType><VpcId>vpc</VpcId>"
			 "<HealthCheckEnabled>false</HealthCheckEnabled>"
			 "<HealthCheckIntervalSeconds>30</HealthCheckIntervalSeconds>"
			 "<HealthyThresholdCount>5</HealthyThresholdCount><LoadBalancerArns>"
			 "<member>lb1</member><member>lb2</member></LoadBalancerArns></member>",
			 i);
	second = arena_printf(f->arena, "<TargetGroups>%s</TargetGroups>", b.p);
	buf_release(&b);
	fake_answer(f, 200, NULL, answer(f, "DescribeTargetGroups", first));
	fake_answer(f, 200, NULL, answer(f, "DescribeTargetGroups", second));
	if (elbv2_describe_target_groups(&f->client, arns, 25, f->arena, &groups, &err))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < 25; i++)
		assert_string_equal(groups[i].arn, arns[i]);
	expect_form(f, 1, "DescribeTargetGroups",
		    "TargetGroupArns.member.1=t20&TargetGroupArns.member.2=t21"
		    "&TargetGroupArns.member.3=t22&TargetGroupArns.member.4=t23"
		    "&TargetGroupArns.member.5=t24");
	assert_true(groups[0].health_check_enabled);
	assert_int_equal(groups[0].n_load_balancer_arns, 0);
	assert_string_equal(groups[24].name, "n");
	assert_string_equal(groups[24].protocol, "HTTP");
	assert_string_equal(groups[24].target_type, "ip");
	assert_string_equal(groups[24].vpc_id, "vpc");
	assert_int_equal(groups[24].port, 80);
	assert_false(groups[24].health_check_enabled);
	assert_int_equal(groups[24].health_check_interval_s, 30);
	assert_int_equal(groups[24].healthy_threshold, 5);
	assert_int_equal(groups[24].n_load_balancer_arns, 2);
	assert_string_equal(groups[24].load_balancer_arns[1], "lb2");
	assert_true(fake_done(f));

	fake_again(f);
	fake_answer(f, 200, NULL,
		    answer(f, "DescribeTargetGroups",
			   "<TargetGroups><member><TargetGroupArn>t1</TargetGroupArn></member>"
			   "</TargetGroups>"));
	assert_int_equal(elbv2_describe_target_groups(&f->client, arns, 2, f->arena, &groups, &err),
			 -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "t0"));

	assert_int_equal(elbv2_describe_target_groups(&f->client, NULL, 0, f->arena, &groups, &err),
			 0);
	fake_answer(f, 200, NULL,
		    answer(f, "DescribeTargetGroups", "<TargetGroups><member/></TargetGroups>"));
	assert_int_equal(elbv2_describe_target_groups(&f->client, arns, 1, f->arena, &groups, &err),
			 -1);
	assert_int_equal(err.code, ERR_MALFORMED);
}

static void test_target_health(void **state)
{
	static const char *const words[] = {
		[ELBV2_INITIAL] = "initial",
		[ELBV2_HEALTHY] = "healthy",
		[ELBV2_UNHEALTHY] = "unhealthy",
		[ELBV2_UNHEALTHY_DRAINING] = "unhealthy.draining",
		[ELBV2_UNUSED] = "unused",
		[ELBV2_DRAINING] = "draining",
		[ELBV2_UNAVAILABLE] = "unavailable",
		[ELBV2_HEALTH_OTHER] = "sleepy",
	};
	struct fake *f = *state;
	struct elbv2_target_health *health;
	size_t n;
	struct err err = ERR_INIT;
	struct buf b;

	buf_init(&b, 65536);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		buf_addf(&b,
			 "<member><Target><Id>i-%zu</Id><Port>80</Port></Target><TargetHealth>"
			 "<State>%s</State><Reason>Target.Timeout</Reason>"
			 "<Description>d</Description></TargetHealth></member>",
			 i, words[i]);
	buf_adds(&b, "<member><Target><Id>i-9</Id></Target></member>");
	fake_answer(f, 200, NULL,
		    answer(f, "DescribeTargetHealth",
			   arena_printf(f->arena,
					"<TargetHealthDescriptions>%s</TargetHealthDescriptions>",
					b.p)));
	buf_release(&b);
	if (elbv2_describe_target_health(&f->client, "t", f->arena, &health, &n, &err))
		fail_msg("%s", err.text);
	expect_form(f, 0, "DescribeTargetHealth", "TargetGroupArn=t");
	assert_int_equal(n, 9);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(health[i].state, i);
	assert_string_equal(health[0].id, "i-0");
	assert_int_equal(health[0].port, 80);
	assert_string_equal(health[0].reason, "Target.Timeout");
	assert_string_equal(health[0].description, "d");
	assert_int_equal(health[8].state, ELBV2_HEALTH_OTHER);
	assert_int_equal(health[8].port, 0);
	assert_string_equal(elbv2_health_name(ELBV2_UNHEALTHY_DRAINING), "unhealthy.draining");
	assert_string_equal(elbv2_health_name(ELBV2_HEALTH_OTHER), "unknown");

	fake_answer(f, 200, NULL, answer(f, "DescribeTargetHealth", "<TargetHealthDescriptions/>"));
	assert_int_equal(elbv2_describe_target_health(&f->client, "t", f->arena, &health, &n, &err),
			 0);
	assert_int_equal(n, 0);
	fake_answer(f, 200, NULL,
		    answer(f, "DescribeTargetHealth",
			   "<TargetHealthDescriptions><member/></TargetHealthDescriptions>"));
	assert_int_equal(elbv2_describe_target_health(&f->client, "t", f->arena, &health, &n, &err),
			 -1);
	assert_int_equal(err.code, ERR_MALFORMED);
}

static void test_attributes(void **state)
{
	struct fake *f = *state;
	struct elbv2_attribute *attributes;
	size_t n;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL,
		    answer(f, "DescribeTargetGroupAttributes",
			   "<Attributes><member><Key>stickiness.enabled</Key><Value>true</Value>"
			   "</member><member><Key>empty</Key></member></Attributes>"));
	if (elbv2_describe_target_group_attributes(&f->client, "t", f->arena, &attributes, &n,
						   &err))
		fail_msg("%s", err.text);
	expect_form(f, 0, "DescribeTargetGroupAttributes", "TargetGroupArn=t");
	assert_string_equal(elbv2_attribute_get(attributes, n, "stickiness.enabled"), "true");
	assert_string_equal(elbv2_attribute_get(attributes, n, "empty"), "");
	assert_null(elbv2_attribute_get(attributes, n, "other"));
	fake_answer(f, 200, NULL,
		    answer(f, "DescribeTargetGroupAttributes",
			   "<Attributes><member><Value>x</Value></member></Attributes>"));
	assert_int_equal(elbv2_describe_target_group_attributes(&f->client, "t", f->arena,
								&attributes, &n, &err),
			 -1);
	assert_int_equal(err.code, ERR_MALFORMED);
}

static void test_load_balancer(void **state)
{
	struct fake *f = *state;
	struct elbv2_load_balancer lb;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL,
		    answer(f, "DescribeLoadBalancers",
			   "<LoadBalancers><member><LoadBalancerArn>lb</LoadBalancerArn>"
			   "<LoadBalancerName>web</LoadBalancerName><DNSName>d</DNSName>"
			   "<Type>application</Type><State><Code>active</Code></State></member>"
			   "</LoadBalancers>"));
	if (elbv2_describe_load_balancer(&f->client, "lb", f->arena, &lb, &err))
		fail_msg("%s", err.text);
	expect_form(f, 0, "DescribeLoadBalancers", "LoadBalancerArns.member.1=lb");
	assert_string_equal(lb.name, "web");
	assert_string_equal(lb.dns_name, "d");
	assert_string_equal(lb.type, "application");
	assert_string_equal(lb.state, "active");
	fake_answer(f, 200, NULL,
		    answer(f, "DescribeLoadBalancers", "<LoadBalancers><member/></LoadBalancers>"));
	assert_int_equal(elbv2_describe_load_balancer(&f->client, "lb", f->arena, &lb, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
}

static void test_endless_pages(void **state)
{
	struct fake *f = *state;
	struct elbv2_rule *rules;
	size_t n;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL,
		    answer(f, "DescribeRules", "<Rules/><NextMarker>again</NextMarker>"));
	f->repeat_last = true;
	assert_int_equal(elbv2_describe_rules(&f->client, "l", f->arena, &rules, &n, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static void test_dimensions(void **state)
{
	static const char *const bad[] = {NULL,
					  "",
					  "x",
					  "arn:aws:elasticloadbalancing:r:1:other/x",
					  "arn:loadbalancer/",
					  "arn:targetgroup/",
					  "loadbalancer/app/x/y"};

	(void)state;
	assert_true(str_is(elbv2_load_balancer_dimension(LB), "app/web/50dc6c495c0c9188"));
	assert_true(str_is(elbv2_target_group_dimension(TG("blue")),
			   "targetgroup/blue/73e2d6bc24d8a067"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(elbv2_load_balancer_dimension(bad[i]).n, 0);
		assert_int_equal(elbv2_target_group_dimension(bad[i]).n, 0);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_listeners),
		TEST(test_rules),
		TEST(test_one_thing_or_an_error),
		TEST(test_errors),
		TEST(test_modify),
		TEST(test_modify_refusals),
		TEST(test_target_groups),
		TEST(test_target_health),
		TEST(test_attributes),
		TEST(test_load_balancer),
		TEST(test_endless_pages),
		TEST(test_dimensions),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
