#include "tests/unit/sim/elb_shop.h"

/* The simulated Elastic Load Balancing: the calls that change something. */

static void test_weights_are_replaced_and_recorded(void **state)
{
	struct shop s = shop_new();
	struct world *w = s.w;
	const struct sim_split *log;
	const struct xml *x;
	size_t before = sim_split_log(w->sim, &log);
	(void)state;
	modify_listener(&s, forward(&s, "DefaultActions", 95, 5));
	x = result(w, "ModifyListenerResult/Listeners/member/DefaultActions/member/ForwardConfig/"
		      "TargetGroups");
	x = xml_first(x, "member");
	assert_xml(x, "Weight", "95");
	assert_xml(xml_next(x, "member"), "Weight", "5");
	assert_int_equal(sim_split_log(w->sim, &log), before + 2);
	assert_string_equal(log[before].resource, s.listener);
	assert_string_equal(log[before + 1].candidate, s.green);
	assert_near(log[before + 1].weight, 5, 1e-9);
	/* absent weight means 1; the list is complete, so blue is gone */
	modify_rule(&s, arena_printf(w->arena,
				     "Actions.member.1.Type=forward"
				     "&Actions.member.1.ForwardConfig.TargetGroups.member.1."
				     "TargetGroupArn=%s",
				     s.green));
	x = result(w, "ModifyRuleResult/Rules/member/Actions/member");
	assert_xml(x, "TargetGroupArn", s.green);
	assert_xml(x, "ForwardConfig/TargetGroups/member/Weight", "1");
	assert_xml(x, "ForwardConfig/TargetGroupStickinessConfig/Enabled", "false");
	assert_xml(result(w, "ModifyRuleResult/Rules/member"), "Conditions/member/Field",
		   "path-pattern"); /* omitted conditions stay */
	world_free(w);
}

static void test_bad_actions_change_nothing(void **state)
{
	struct shop s = shop_new();
	struct world *w = s.w;
	const char *a = "Actions.member.1.Type=forward&Actions.member.1.";
	const struct {
		const char *actions, *code;
	} cases[] = {
		{forward(&s, "Actions", 1000, 0), "ValidationError"},
		{forward(&s, "Actions", -1, 0), "ValidationError"},
		{"Actions.member.1.Type=forward", "ValidationError"},
		{"Actions.member.1.Type=teleport", "ValidationError"},
		{"", "ValidationError"},
		{arena_printf(w->arena, "%sTargetGroupArn=none", a), "TargetGroupNotFound"},
		{arena_printf(w->arena, "%sTargetGroupArn=tg-blue", a), "TargetGroupNotFound"},
		{arena_printf(w->arena, "%s&Actions.member.1.TargetGroupArn=%s",
			      forward(&s, "Actions", 1, 1), s.blue),
		 "InvalidLoadBalancerAction"},
		{arena_printf(
			 w->arena,
			 "%sForwardConfig.TargetGroups.member.1.TargetGroupArn=%s"
			 "&Actions.member.1.ForwardConfig.TargetGroups.member.2.TargetGroupArn=%s",
			 a, s.blue, s.blue),
		 "InvalidLoadBalancerAction"},
		{arena_printf(
			 w->arena,
			 "%s&Actions.member.1.ForwardConfig.TargetGroupStickinessConfig.Enabled="
			 "true",
			 forward(&s, "Actions", 1, 1)),
		 "InvalidLoadBalancerAction"}, /* no duration */
		{arena_printf(w->arena,
			      "%s&Actions.member.1.ForwardConfig.TargetGroupStickinessConfig."
			      "DurationSeconds=604801",
			      forward(&s, "Actions", 1, 1)),
		 "ValidationError"},
		{arena_printf(w->arena, "%s&Actions.member.2.Type=fixed-response",
			      forward(&s, "Actions", 1, 1)),
		 "InvalidLoadBalancerAction"},
		{arena_printf(w->arena, "%s&Actions.member.1.Order=0",
			      forward(&s, "Actions", 1, 1)),
		 "ValidationError"},
	};
	const struct sim_split *log;
	size_t n = sim_split_log(w->sim, &log);
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		modify_rule(&s, cases[i].actions);
		assert_error(w, 400, cases[i].code);
	}
	assert_int_equal(sim_split_log(w->sim, &log), n);
	assert_near(live_share(w, "shop:443:10", "tg-blue"), 1, 1e-9);
	world_free(w);
}

static void test_the_default_rule_is_the_listeners(void **state)
{
	struct shop s = shop_new();
	struct world *w = s.w;
	const char *rule = json_cstr(json_get(ctl(w, "elbv2 show shop:443"), "arn"));
	(void)state;
	elb(w,
	    arena_printf(w->arena, "ModifyRule&RuleArn=%s&%s", rule, forward(&s, "Actions", 1, 1)));
	assert_error(w, 400, "OperationNotPermitted");
	elb(w, arena_printf(w->arena, "DeleteRule&RuleArn=%s", rule));
	assert_error(w, 400, "OperationNotPermitted");
	elb(w, arena_printf(w->arena,
			    "SetRulePriorities&RulePriorities.member.1.RuleArn=%s"
			    "&RulePriorities.member.1.Priority=3",
			    rule));
	assert_error(w, 400, "OperationNotPermitted");
	world_free(w);
}

static void test_a_group_belongs_to_one_load_balancer(void **state)
{
	struct shop s = shop_new();
	struct world *w = s.w;
	const char *other, *tcp;
	(void)state;
	ctl(w, "elbv2 load-balancer other type=application");
	ctl(w, "elbv2 target-group tg-other targets=1");
	ctl(w, "elbv2 listener other port=80 forward=tg-other:1");
	other = json_cstr(json_get(ctl(w, "elbv2 show other:80"), "listener"));
	elb(w, arena_printf(w->arena,
			    "ModifyListener&ListenerArn=%s&DefaultActions.member.1.Type=forward"
			    "&DefaultActions.member.1.TargetGroupArn=%s",
			    other, s.blue));
	assert_error(w, 400, "TargetGroupAssociationLimit");
	tcp = arn_of(w, "elbv2 target-group tg-tcp protocol=TCP targets=1");
	elb(w, arena_printf(w->arena,
			    "ModifyListener&ListenerArn=%s&DefaultActions.member.1.Type=forward"
			    "&DefaultActions.member.1.TargetGroupArn=%s",
			    other, tcp));
	assert_error(w, 400, "IncompatibleProtocols");
	ctl(w, "elbv2 target-group tg-green sticky=on");
	modify_rule(&s, forward(&s, "Actions", 1, 1));
	assert_error(w, 400, "InvalidConfigurationRequest");
	world_free(w);
}

static const char *oidc(struct shop *s, const char *secret)
{
	return arena_printf(
		s->w->arena,
		"Actions.member.1.Type=authenticate-oidc&Actions.member.1.Order=1"
		"&Actions.member.1.AuthenticateOidcConfig.Issuer=https://id"
		"&Actions.member.1.AuthenticateOidcConfig.AuthorizationEndpoint=https://id/a"
		"&Actions.member.1.AuthenticateOidcConfig.TokenEndpoint=https://id/t"
		"&Actions.member.1.AuthenticateOidcConfig.UserInfoEndpoint=https://id/u"
		"&Actions.member.1.AuthenticateOidcConfig.ClientId=c"
		"&Actions.member.1.AuthenticateOidcConfig.AuthenticationRequestExtraParams.entry.1."
		"key=hd&Actions.member.1.AuthenticateOidcConfig.AuthenticationRequestExtraParams."
		"entry.1.value=a%%26b%s"
		"&Actions.member.2.Type=forward&Actions.member.2.Order=2"
		"&Actions.member.2.TargetGroupArn=%s",
		secret, s->blue);
}

static void test_the_client_secret_is_kept_and_never_told(void **state)
{
	struct shop s = shop_new();
	struct world *w = s.w;
	const char *text;
	(void)state;
	modify_rule(&s, oidc(&s, ""));
	assert_error(w, 400, "InvalidLoadBalancerAction");
	modify_rule(&s, oidc(&s, "&Actions.member.1.AuthenticateOidcConfig."
				 "UseExistingClientSecret=true"));
	assert_error(w, 400, "InvalidLoadBalancerAction"); /* there is none */
	modify_rule(&s, "Actions.member.1.Type=authenticate-oidc");
	assert_error(w, 400, "ValidationError");
	modify_rule(&s, oidc(&s, "&Actions.member.1.AuthenticateOidcConfig.ClientSecret=hush"));
	assert_status(w, 200);
	text = str_dup(w->arena, w->res.body);
	assert_null(strstr(text, "hush"));
	assert_null(strstr(text, "UseExisting"));
	assert_non_null(strstr(text, "<entry><key>hd</key><value>a&amp;b</value></entry>"));
	modify_rule(&s, oidc(&s, "&Actions.member.1.AuthenticateOidcConfig."
				 "UseExistingClientSecret=true"));
	assert_status(w, 200);
	modify_rule(&s, oidc(&s, "&Actions.member.1.AuthenticateOidcConfig.ClientSecret=x"
				 "&Actions.member.1.AuthenticateOidcConfig."
				 "UseExistingClientSecret=true"));
	assert_error(w, 400, "ValidationError");
	world_free(w);
}

static int create_rule(struct shop *s, const char *priority, const char *more)
{
	return elb(s->w,
		   arena_printf(
			   s->w->arena,
			   "CreateRule&ListenerArn=%s&Priority=%s&%s&Actions.member.1.Type=forward"
			   "&Actions.member.1.TargetGroupArn=%s",
			   s->listener, priority, more, s->green));
}

static void test_rules_are_made_moved_and_deleted(void **state)
{
	struct shop s = shop_new();
	struct world *w = s.w;
	const char *cond = "Conditions.member.1.Field=http-header"
			   "&Conditions.member.1.HttpHeaderConfig.HttpHeaderName=x-canary"
			   "&Conditions.member.1.HttpHeaderConfig.Values.member.1=1";
	const char *rule;
	(void)state;
	ctl(w, "elbv2 listener shop port=443 segment_rps=10");
	create_rule(&s, "10", cond);
	assert_error(w, 400, "PriorityInUse");
	create_rule(&s, "0", cond);
	assert_error(w, 400, "ValidationError");
	create_rule(&s, "5", "Conditions.member.1.Field=cookie");
	assert_error(w, 400, "ValidationError");
	create_rule(&s, "5", "Conditions.member.1.Field=path-pattern");
	assert_error(w, 400, "ValidationError");
	create_rule(&s, "5", "Conditions=");
	assert_error(w, 400, "ValidationError");
	create_rule(&s, "5",
		    "Conditions.member.1.Field=path-pattern&Conditions.member.1.Values.member.1=1"
		    "&Conditions.member.1.Values.member.2=2&Conditions.member.1.Values.member.3=3"
		    "&Conditions.member.1.Values.member.4=4&Conditions.member.1.Values.member.5=5"
		    "&Conditions.member.1.Values.member.6=6");
	assert_error(w, 400, "ValidationError");
	create_rule(&s, "5",
		    arena_printf(w->arena, "%s&Tags.member.1.Key=job&Tags.member.1.Value=7", cond));
	rule = xml_cstr(result(w, "CreateRuleResult/Rules/member"), "RuleArn");
	elb(w, arena_printf(w->arena, "DescribeTags&ResourceArns.member.1=%s", rule));
	assert_xml(result(w, "DescribeTagsResult/TagDescriptions/member/Tags/member"), "Value",
		   "7");
	assert_string_equal(health(&s, s.green, "State"), "initial");
	assert_near(number(ctl(w, "elbv2 show shop:443:5"), "rps"), 10, 1e-9);
	elb(w, arena_printf(w->arena,
			    "SetRulePriorities&RulePriorities.member.1.RuleArn=%s"
			    "&RulePriorities.member.1.Priority=10",
			    rule));
	assert_error(w, 400, "PriorityInUse");
	elb(w, arena_printf(w->arena,
			    "SetRulePriorities&RulePriorities.member.1.RuleArn=%s"
			    "&RulePriorities.member.1.Priority=20",
			    rule));
	assert_xml(result(w, "SetRulePrioritiesResult/Rules/member"), "Priority", "20");
	elb(w, arena_printf(w->arena, "DeleteRule&RuleArn=%s", rule));
	assert_status(w, 200);
	elb(w, arena_printf(w->arena, "DescribeRules&RuleArns.member.1=%s", rule));
	assert_error(w, 400, "RuleNotFound");
	assert_string_equal(health(&s, s.green, "State"), "unused");
	world_free(w);
}

/* ALB's limits of conditions, and what somebody else does to rules. */
static void test_limits_of_conditions(void **state)
{
	struct shop s = shop_new();
	struct world *w = s.w;
	const char *header = "Conditions.member.1.Field=http-header&Conditions.member.1."
			     "HttpHeaderConfig.HttpHeaderName=",
		   *value = "&Conditions.member.1.HttpHeaderConfig.Values.member.1=";
	char name[42], text[130];
	const struct json *rules;
	(void)state;
	memset(name, 'n', sizeof(name));
	memset(text, 't', sizeof(text));
	name[41] = text[129] = '\0';
	create_rule(&s, "5", arena_printf(w->arena, "%s%s%s1", header, name, value));
	assert_error(w, 400, "ValidationError");
	create_rule(&s, "5", arena_printf(w->arena, "%sHost%s1", header, value));
	assert_error(w, 400, "ValidationError");
	create_rule(&s, "5", arena_printf(w->arena, "%sx%s%s", header, value, text));
	assert_error(w, 400, "ValidationError");
	create_rule(&s, "5", arena_printf(w->arena, "%sx%s***%%3F%%3F%%3F", header, value));
	assert_error(w, 400, "ValidationError");
	name[40] = text[128] = '\0';
	create_rule(&s, "5", arena_printf(w->arena, "%s%s%s%s&Tags.member.1.Key=job", header, name,
					  value, text));
	assert_status(w, 200);
	rules = json_get(ctl(w, "elbv2 show shop"), "rules");
	assert_int_equal(rules->n, 2);
	assert_near(number(rules->first, "priority"), 5, 0);
	assert_non_null(json_at(rules->first, "tags.job"));
	ctl(w, "elbv2 delete shop:443:5");
	assert_int_equal(json_get(ctl(w, "elbv2 show shop"), "rules")->n, 1);
	ctl_refused(w, "elbv2 delete shop:443:5", "shop:443:5");
	ctl_refused(w, "elbv2 delete shop:443:default", "no rule");
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_weights_are_replaced_and_recorded),
		cmocka_unit_test(test_bad_actions_change_nothing),
		cmocka_unit_test(test_the_default_rule_is_the_listeners),
		cmocka_unit_test(test_a_group_belongs_to_one_load_balancer),
		cmocka_unit_test(test_the_client_secret_is_kept_and_never_told),
		cmocka_unit_test(test_rules_are_made_moved_and_deleted),
		cmocka_unit_test(test_limits_of_conditions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
