#include "tests/unit/sim/elb_shop.h"

/* The simulated Elastic Load Balancing: what is read, and how it behaves over time. */

static void test_describes_what_control_made(void **state)
{
	struct shop s = shop_new();
	struct world *w = s.w;
	const struct xml *x;
	(void)state;
	elb(w, "DescribeLoadBalancers&Names.member.1=shop");
	x = result(w, "DescribeLoadBalancersResult/LoadBalancers/member");
	assert_xml(x, "Type", "application");
	assert_xml(x, "State/Code", "active");
	elb(w, arena_printf(w->arena, "DescribeListeners&LoadBalancerArn=" STR_FMT,
			    STR_ARG(xml_text(x, "LoadBalancerArn"))));
	x = result(w, "DescribeListenersResult/Listeners/member");
	assert_xml(x, "Port", "443");
	assert_xml(x, "Protocol", "HTTPS");
	assert_xml(x, "ListenerArn", s.listener);
	/* a single group is told in both forms */
	assert_xml(x, "DefaultActions/member/TargetGroupArn", s.blue);
	assert_xml(x, "DefaultActions/member/ForwardConfig/TargetGroups/member/TargetGroupArn",
		   s.blue);
	assert_xml(x, "DefaultActions/member/ForwardConfig/TargetGroups/member/Weight", "100");
	elb(w, arena_printf(w->arena, "DescribeTargetGroups&TargetGroupArns.member.1=%s", s.blue));
	x = result(w, "DescribeTargetGroupsResult/TargetGroups/member");
	assert_xml(x, "TargetGroupName", "tg-blue");
	assert_true(xml_text(x, "LoadBalancerArns/member").n > 0);
	elb(w, arena_printf(w->arena, "DescribeTargetGroupAttributes&TargetGroupArn=%s", s.blue));
	assert_xml(result(w, "DescribeTargetGroupAttributesResult/Attributes/member"), "Key",
		   "deregistration_delay.timeout_seconds");
	world_free(w);
}

static void test_rules_come_in_order_and_in_pages(void **state)
{
	struct shop s = shop_new();
	struct world *w = s.w;
	const struct xml *x;
	(void)state;
	ctl(w, "elbv2 rule shop:443 priority=5 header=x-canary:1 forward=tg-blue");
	elb(w, arena_printf(w->arena, "DescribeRules&ListenerArn=%s&PageSize=2", s.listener));
	x = result(w, "DescribeRulesResult");
	assert_xml(x, "NextMarker", "2");
	x = xml_first(xml_at(x, "Rules"), "member");
	assert_xml(x, "Priority", "5");
	assert_xml(x, "IsDefault", "false");
	assert_xml(x, "Conditions/member/HttpHeaderConfig/HttpHeaderName", "x-canary");
	x = xml_next(x, "member");
	assert_xml(x, "Priority", "10");
	assert_xml(x, "Conditions/member/Values/member", "/pay/*");
	assert_xml(x, "Conditions/member/PathPatternConfig/Values/member", "/pay/*");
	assert_null(xml_next(x, "member"));
	elb(w,
	    arena_printf(w->arena, "DescribeRules&ListenerArn=%s&PageSize=2&Marker=2", s.listener));
	x = result(w, "DescribeRulesResult");
	assert_null(xml_at(x, "NextMarker"));
	assert_xml(x, "Rules/member/Priority", "default");
	assert_xml(x, "Rules/member/IsDefault", "true");
	elb(w, arena_printf(w->arena, "DescribeRules&RuleArns.member.1=%s", s.rule));
	assert_xml(result(w, "DescribeRulesResult/Rules/member"), "RuleArn", s.rule);
	world_free(w);
}

static void test_unknown_things_have_their_errors(void **state)
{
	static const struct {
		const char *form, *code;
	} cases[] = {
		{"DescribeLoadBalancers&Names.member.1=none", "LoadBalancerNotFound"},
		{"DescribeLoadBalancers&LoadBalancerArns.member.1=none", "LoadBalancerNotFound"},
		{"DescribeListeners&LoadBalancerArn=none", "LoadBalancerNotFound"},
		{"DescribeListeners&ListenerArns.member.1=none", "ListenerNotFound"},
		{"DescribeListeners", "ValidationError"},
		{"DescribeRules", "ValidationError"},
		{"DescribeRules&ListenerArn=none", "ListenerNotFound"},
		{"DescribeRules&RuleArns.member.1=none", "RuleNotFound"},
		{"DescribeTargetGroups&Names.member.1=none", "TargetGroupNotFound"},
		{"DescribeTargetGroups&TargetGroupArns.member.1=none", "TargetGroupNotFound"},
		{"DescribeTargetGroups&LoadBalancerArn=none", "LoadBalancerNotFound"},
		{"DescribeTargetGroups&PageSize=0", "ValidationError"},
		{"DescribeTargetGroups&Marker=x", "ValidationError"},
		{"DescribeTargetHealth&TargetGroupArn=none", "TargetGroupNotFound"},
		{"DescribeTargetGroupAttributes&TargetGroupArn=none", "TargetGroupNotFound"},
		{"DescribeTags", "ValidationError"},
		{"DescribeTags&ResourceArns.member.1=arn:aws:elasticloadbalancing:eu-central-1:"
		 "111122223333:targetgroup/x/y",
		 "TargetGroupNotFound"},
		{"DescribeTags&ResourceArns.member.1=arn:aws:elasticloadbalancing:eu-central-1:"
		 "111122223333:listener-rule/x/y",
		 "RuleNotFound"},
		{"ModifyListener&ListenerArn=none", "ListenerNotFound"},
		{"ModifyRule&RuleArn=none", "RuleNotFound"},
		{"DeleteRule&RuleArn=none", "RuleNotFound"},
		{"CreateRule&ListenerArn=none", "ListenerNotFound"},
		{"RegisterTargets&TargetGroupArn=none", "TargetGroupNotFound"},
		{"DeregisterTargets&TargetGroupArn=none", "TargetGroupNotFound"},
		{"SetRulePriorities", "ValidationError"},
		{"CreateLoadBalancer", "InvalidAction"},
	};
	struct shop s = shop_new();
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		elb(s.w, cases[i].form);
		assert_error(s.w, 400, cases[i].code);
	}
	world_free(s.w);
}

static void test_a_group_is_checked_only_when_referenced(void **state)
{
	struct shop s = shop_new();
	(void)state;
	sim_advance(s.w->sim, 600000);
	assert_string_equal(health(&s, s.blue, "State"), "healthy");
	assert_string_equal(health(&s, s.green, "State"), "unused");
	assert_string_equal(health(&s, s.green, "Reason"), "Target.NotInUse");
	modify_rule(&s, forward(&s, "Actions", 100, 0)); /* weight 0 is enough */
	assert_status(s.w, 200);
	assert_string_equal(health(&s, s.green, "State"), "initial");
	sim_advance(s.w->sim, 29000);
	assert_string_equal(health(&s, s.green, "State"), "initial");
	sim_advance(s.w->sim, 1000);
	assert_string_equal(health(&s, s.green, "State"), "healthy");
	ctl(s.w, "elbv2 target-group tg-green health=unhealthy");
	assert_string_equal(health(&s, s.green, "State"), "unhealthy");
	assert_string_equal(health(&s, s.green, "Reason"), "Target.FailedHealthChecks");
	ctl(s.w, "elbv2 target-group tg-green health=healthy checks=off");
	assert_string_equal(health(&s, s.green, "Reason"), "Target.HealthCheckDisabled");
	/* out of every rule again: unused at once */
	modify_rule(&s,
		    arena_printf(s.w->arena,
				 "Actions.member.1.Type=forward&Actions.member.1.TargetGroupArn=%s",
				 s.blue));
	assert_string_equal(health(&s, s.green, "State"), "unused");
	world_free(s.w);
}

static void test_targets_register_and_drain(void **state)
{
	struct shop s = shop_new();
	struct world *w = s.w;
	const struct xml *x;
	const struct json *quick;
	(void)state;
	ctl(w, "elbv2 target-group tg-blue deregistration_s=60");
	sim_advance(w->sim, 60000);
	elb(w, arena_printf(w->arena, "RegisterTargets&TargetGroupArn=%s&Targets.member.1.Id=i-new",
			    s.blue));
	assert_status(w, 200);
	elb(w, arena_printf(w->arena,
			    "DescribeTargetHealth&TargetGroupArn=%s&Targets.member.1.Id=i-new"
			    "&Targets.member.2.Id=i-gone",
			    s.blue));
	x = result(w, "DescribeTargetHealthResult/TargetHealthDescriptions");
	x = xml_first(x, "member");
	assert_xml(x, "TargetHealth/State", "initial");
	assert_xml(xml_next(x, "member"), "TargetHealth/Reason", "Target.NotRegistered");
	elb(w,
	    arena_printf(w->arena, "DeregisterTargets&TargetGroupArn=%s&Targets.member.1.Id=i-new",
			 s.blue));
	assert_status(w, 200);
	elb(w, arena_printf(w->arena,
			    "DescribeTargetHealth&TargetGroupArn=%s&Targets.member.1.Id=i-new",
			    s.blue));
	assert_xml(result(w, "DescribeTargetHealthResult/TargetHealthDescriptions/member"),
		   "TargetHealth/State", "draining");
	sim_advance(w->sim, 60000);
	elb(w,
	    arena_printf(w->arena, "DeregisterTargets&TargetGroupArn=%s&Targets.member.1.Id=i-new",
			 s.blue));
	assert_error(w, 400, "InvalidTarget");
	elb(w, arena_printf(w->arena, "RegisterTargets&TargetGroupArn=%s", s.blue));
	assert_error(w, 400, "ValidationError");
	elb(w, arena_printf(w->arena, "RegisterTargets&TargetGroupArn=%s&Targets.member.1.Port=80",
			    s.blue));
	assert_error(w, 400, "InvalidTarget");
	ctl(w, "elbv2 target tg-blue i-tg-blue-1 state=unhealthy");
	assert_string_equal(health(&s, s.blue, "State"), "unhealthy");
	/* once healthy, it turns unhealthy without being initial again */
	ctl(w, "elbv2 target-group tg-quick targets=1 interval=300 healthy_after_ms=0");
	ctl(w, "elbv2 rule shop:443 priority=77 path=/quick forward=tg-quick:1");
	ctl(w, "elbv2 target tg-quick i-tg-quick-1 state=unhealthy");
	quick = json_get(ctl(w, "elbv2 show tg-quick"), "targets");
	assert_string_equal(json_cstr(json_get(quick->first, "state")), "unhealthy");
	world_free(w);
}

static void test_weights_take_their_time_to_reach_traffic(void **state)
{
	struct shop s = shop_new();
	(void)state;
	modify_listener(&s, forward(&s, "DefaultActions", 50, 50));
	sim_advance(s.w->sim, 2000);
	assert_near(live_share(s.w, "shop:443", "tg-green"), 0, 1e-9);
	modify_listener(&s, forward(&s, "DefaultActions", 0, 1)); /* before the first one arrived */
	sim_advance(s.w->sim, 1000);
	assert_near(live_share(s.w, "shop:443", "tg-green"), 0.5, 1e-9);
	sim_advance(s.w->sim, 2000);
	assert_near(live_share(s.w, "shop:443", "tg-green"), 1, 1e-9);
	world_free(s.w);
}

static void test_sticky_clients_stay_for_a_while(void **state)
{
	struct shop s = shop_new();
	const char *sticky = "&DefaultActions.member.1.ForwardConfig.TargetGroupStickinessConfig."
			     "Enabled=true&DefaultActions.member.1.ForwardConfig."
			     "TargetGroupStickinessConfig.DurationSeconds=600";
	(void)state;
	modify_listener(&s, arena_printf(s.w->arena, "%s%s", forward(&s, "DefaultActions", 0, 100),
					 sticky));
	assert_status(s.w, 200);
	sim_advance(s.w->sim, 3000);
	assert_near(live_share(s.w, "shop:443", "tg-blue"), 0.8, 0.01);
	sim_advance(s.w->sim, 300000);
	assert_near(live_share(s.w, "shop:443", "tg-blue"), 0.4, 0.01);
	sim_advance(s.w->sim, 300000);
	assert_near(live_share(s.w, "shop:443", "tg-blue"), 0, 1e-9);
	/* rolling back without stickiness moves everybody */
	modify_listener(&s, forward(&s, "DefaultActions", 100, 0));
	sim_advance(s.w->sim, 3000);
	assert_near(live_share(s.w, "shop:443", "tg-green"), 0, 1e-9);
	world_free(s.w);
}

static void test_a_network_load_balancer_splits_its_default_action(void **state)
{
	struct world *w = world_new(NULL);
	const char *listener, *a, *b;
	(void)state;
	ctl(w, "elbv2 load-balancer net type=network propagation_ms=10m");
	a = arn_of(w, "elbv2 target-group tcp-a protocol=TCP targets=2");
	b = arn_of(w, "elbv2 target-group tcp-b protocol=TCP targets=2");
	ctl(w, "elbv2 listener net port=5000 forward=tcp-a:1 rps=20");
	listener = json_cstr(json_get(ctl(w, "elbv2 show net:5000"), "listener"));
	elb(w, arena_printf(w->arena,
			    "ModifyListener&ListenerArn=%s&DefaultActions.member.1.Type=forward"
			    "&DefaultActions.member.1.ForwardConfig.TargetGroups.member.1."
			    "TargetGroupArn=%s"
			    "&DefaultActions.member.1.ForwardConfig.TargetGroups.member.2."
			    "TargetGroupArn=%s",
			    listener, a, b));
	assert_status(w, 200);
	sim_advance(w->sim, 599000);
	assert_near(live_share(w, "net:5000", "tcp-b"), 0, 1e-9);
	sim_advance(w->sim, 1000);
	assert_near(live_share(w, "net:5000", "tcp-b"), 0.5, 1e-9);
	elb(w, arena_printf(w->arena,
			    "CreateRule&ListenerArn=%s&Priority=1&Conditions.member.1.Field="
			    "path-pattern&Conditions.member.1.Values.member.1=/x"
			    "&Actions.member.1.Type=forward&Actions.member.1.TargetGroupArn=%s",
			    listener, a));
	assert_error(w, 400, "InvalidConfigurationRequest");
	world_free(w);
}

static void test_traffic_follows_the_weights(void **state)
{
	struct shop s = shop_new();
	struct world *w = s.w;
	double blue, green;
	(void)state;
	ctl(w, "elbv2 target-group tg-green errors=0.2");
	ctl(w, "elbv2 listener shop port=443 rps=100");
	modify_listener(&s, forward(&s, "DefaultActions", 90, 10));
	sim_advance(w->sim, 60000); /* green becomes healthy at 30 s */
	blue = number(ctl(w, "elbv2 show tg-blue"), "requests");
	green = number(ctl(w, "elbv2 show tg-green"), "requests");
	assert_near(blue + green, 6000, 1);
	assert_near(green, 570, 130);
	sim_advance(w->sim, 600000);
	green = number(ctl(w, "elbv2 show tg-green"), "requests") - green;
	assert_near(green, 6000, 400);
	world_free(w);
}

static void test_a_dead_group_answers_with_errors(void **state)
{
	struct shop s = shop_new();
	struct world *w = s.w;
	const struct json *tg;
	(void)state;
	ctl(w, "elbv2 target-group tg-green health=unhealthy");
	ctl(w, "elbv2 listener shop port=443 rps=50");
	modify_listener(&s, forward(&s, "DefaultActions", 50, 50));
	sim_advance(w->sim, 120000);
	tg = ctl(w, "elbv2 show tg-green");
	assert_true(number(tg, "requests") > 2000);
	assert_near(number(tg, "errors"), number(tg, "requests"), 0);
	ctl(w, "elbv2 target-group tg-green health=healthy targets=0");
	sim_advance(w->sim, 10000);
	tg = ctl(w, "elbv2 show tg-green");
	assert_near(number(tg, "errors"), number(tg, "requests"), 0);
	world_free(w);
}

static void test_control_refuses_nonsense(void **state)
{
	struct shop s = shop_new();
	struct world *w = s.w;
	(void)state;
	ctl_refused(w, "elbv2 load-balancer", "name");
	ctl_refused(w, "elbv2 load-balancer x type=gateway", "type");
	ctl_refused(w, "elbv2 load-balancer x propagation_ms=soon", "propagation_ms");
	ctl_refused(w, "elbv2 target-group x targets=-1", "targets");
	ctl_refused(w, "elbv2 target-group x interval=1", "interval");
	ctl_refused(w, "elbv2 target-group x errors=5", "errors");
	ctl_refused(w, "elbv2 target-group x protocol=ABCDEFGHIJK", "protocol");
	ctl_refused(w, "elbv2 target nobody i state=healthy", "nobody");
	ctl_refused(w, "elbv2 target tg-blue i-none state=healthy", "i-none");
	ctl_refused(w, "elbv2 target tg-blue i-none state=odd", "state");
	ctl_refused(w, "elbv2 listener nobody port=1 forward=tg-blue", "nobody");
	ctl_refused(w, "elbv2 listener shop port=81", "forward");
	ctl_refused(w, "elbv2 listener shop port=81 forward=nobody:1", "nobody");
	ctl_refused(w, "elbv2 listener shop port=81 forward=tg-blue:1000", "weight");
	ctl_refused(w, "elbv2 listener shop port=443 rps=x", "rps");
	ctl_refused(w, "elbv2 rule nobody forward=tg-blue", "nobody");
	ctl_refused(w, "elbv2 rule shop:443 forward=tg-blue", "priority");
	ctl_refused(w, "elbv2 rule shop:443 priority=9 forward=tg-blue auth=basic", "auth");
	ctl_refused(w, "elbv2 rule shop:443:10 stickiness=x forward=tg-blue", "stickiness");
	ctl_refused(w, "elbv2 show nobody", "nobody");
	ctl_refused(w, "elbv2 dance", "dance");
	ctl(w, "elbv2 rule shop:443 priority=9 auth=oidc forward=tg-blue");
	ctl(w, "elbv2 rule shop:443 priority=8 respond=503");
	elb(w, arena_printf(w->arena, "DescribeRules&ListenerArn=%s", s.listener));
	assert_xml(result(w, "DescribeRulesResult/Rules/member"),
		   "Actions/member/FixedResponseConfig/StatusCode", "503");
	assert_null(strstr(str_dup(w->arena, w->res.body), "the-client-secret"));
	ctl(w, arena_printf(w->arena, "elbv2 tag %s key=AmazonECSManaged value=true", s.rule));
	elb(w, arena_printf(w->arena, "DescribeTags&ResourceArns.member.1=%s", s.rule));
	assert_xml(result(w, "DescribeTagsResult/TagDescriptions/member/Tags/member"), "Key",
		   "AmazonECSManaged");
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_describes_what_control_made),
		cmocka_unit_test(test_rules_come_in_order_and_in_pages),
		cmocka_unit_test(test_unknown_things_have_their_errors),
		cmocka_unit_test(test_a_group_is_checked_only_when_referenced),
		cmocka_unit_test(test_targets_register_and_drain),
		cmocka_unit_test(test_weights_take_their_time_to_reach_traffic),
		cmocka_unit_test(test_sticky_clients_stay_for_a_while),
		cmocka_unit_test(test_a_network_load_balancer_splits_its_default_action),
		cmocka_unit_test(test_traffic_follows_the_weights),
		cmocka_unit_test(test_a_dead_group_answers_with_errors),
		cmocka_unit_test(test_control_refuses_nonsense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
