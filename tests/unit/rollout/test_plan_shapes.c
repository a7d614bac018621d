#include "tests/unit/rollout/plan_fixture.h"

/* A list, a map or nothing where a value belongs, and the other way round: said by place. */

#define ELB_ARN "arn:aws:elasticloadbalancing:eu-central-1:111122223333:listener-rule/"

static void expect(struct plan_fixture *f, const char *text, const char *problem)
{
	forget(f);
	file(f, text);
	read_bad(f);
	expect_problem(f, problem);
}

static void a_value_that_is_none_is_named_by_its_place(void **state)
{
	static const struct {
		const char *line, *problem;
	} cases[] = {
		{"strategy: { canary: { steps: [{ weight: [5], for: 1m }] } }",
		 "rollout.yaml:3: strategy.canary.steps[0].weight: a single value belongs here, "
		 "not "
		 "a list"},
		{"strategy: { canary: { steps: [{ weight: 5, for: 1m, approve: {} }] } }",
		 "rollout.yaml:3: strategy.canary.steps[0].approve: a single value belongs here, "
		 "not a map"},
		{"strategy: { canary: { steps: [{ segment: [staff], for: 1m }] } }",
		 "rollout.yaml:3: strategy.canary.steps[0].segment: a single value"},
		{"strategy: { canary: { steps: {} } }", "rollout.yaml:3: strategy.canary.steps: "},
		{"strategy: { canary: { steps: [] } }", "rollout.yaml:3: strategy.canary.steps: "},
		{"strategy: { linear: { every: 2m } }",
		 "rollout.yaml:3: strategy.linear: step and"},
		{"strategy: { linear: { step: 10 } }", "rollout.yaml:3: strategy.linear: step and"},
		{"guards: [{ alarm: a, failures: [1] }]",
		 "rollout.yaml:3: guards[0].failures: a single value"},
		{"guards: [{ metric: { namespace: N, name: M, stat: Sum }, max: [1] }]",
		 "rollout.yaml:3: guards[0]"},
		{"guards: [{ probe: 'https://x.example/', method: [GET] }]",
		 "rollout.yaml:3: guards[0].method: a single value"},
		{"guards: [{ probe: 'https://x.example/', method: HEAD, expect: { a: b } }]",
		 "rollout.yaml:3: guards[0].expect: a single value"},
		{"unknown: { hold_at_most: [] }", "rollout.yaml:3: unknown.hold_at_most: a single"},
		{"segments: { staff: { principals: [[]] } }", "rollout.yaml:3: segments.staff"},
	};
	struct plan_fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(f,
		       arena_printf(f->arena,
				    "rollout: 1\ntarget: { lambda: { function: f, alias: "
				    "live } }\n%s\n",
				    cases[i].line),
		       cases[i].problem);
}

static void a_target_that_is_no_map_of_values_is_named_by_its_place(void **state)
{
	static const struct {
		const char *target, *problem;
	} cases[] = {
		{"lambda: [f, live]", "rollout.yaml:2: target.lambda: a map belongs here"},
		{"lambda: { function: f }", "rollout.yaml:2: target.lambda: function and alias"},
		{"lambda: { alias: live }", "rollout.yaml:2: target.lambda: function and alias"},
		{"lambda: { function: [f], alias: live }",
		 "rollout.yaml:2: target.lambda.function: a single value"},
		{"load_balancer: listener", "rollout.yaml:2: target.load_balancer: a map"},
		{"load_balancer: { rule: [r] }", "rollout.yaml:2: target.load_balancer.rule: a "},
		{"load_balancer: { listener: {} }",
		 "rollout.yaml:2: target.load_balancer.listener: a single value"},
		{"load_balancer: { candidate: [g] }",
		 "rollout.yaml:2: target.load_balancer.candidate: a single value"},
		{"beanstalk: shop", "rollout.yaml:2: target.beanstalk: a map belongs here"},
		{"beanstalk: { application: [shop] }",
		 "rollout.yaml:2: target.beanstalk.application: a single value"},
		{"beanstalk: { application: shop, environment: shop-prod, method: load_balancer }",
		 "rollout.yaml:2: target: method load_balancer needs environment and twin"},
		{"auto_scaling: { group: [blue] }",
		 "rollout.yaml:2: target.auto_scaling.group: a single value"},
		{"auto_scaling: { group: blue, target_groups: [[], {}] }",
		 "rollout.yaml:2: target.auto_scaling.target_groups: a single value"},
		{"ecs: { cluster: [prod], service: web }",
		 "rollout.yaml:2: target.ecs.cluster: a single value"},
		{"ecs: { cluster: prod }", "rollout.yaml:2: target.ecs: cluster and service are"},
		{"ecs: { cluster: prod, service: web, task_definition: [x] }",
		 "rollout.yaml:2: target.ecs.task_definition: a single value"},
	};
	struct plan_fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(f, arena_printf(f->arena, "rollout: 1\ntarget: { %s }\n", cases[i].target),
		       cases[i].problem);
}

static void an_arn_of_strange_characters_or_lengths_is_none(void **state)
{
	static const char *const strange[] = {"app/a b", "app/\"", "app/a\\\\b", "app/\\x7f"};
	struct plan_fixture *f = *state;
	char *rule;

	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++)
		expect(f,
		       arena_printf(f->arena,
				    "rollout: 1\ntarget:\n  load_balancer: { rule: '" ELB_ARN
				    "%s' }\n",
				    strange[i]),
		       "rollout.yaml:3: target.load_balancer.rule: ");
	rule = arena_alloc(f->arena, 601);
	memset(rule, 'x', 600);
	rule[600] = '\0';
	memcpy(rule, ELB_ARN "app/", sizeof(ELB_ARN "app/") - 1);
	expect(f,
	       arena_printf(f->arena, "rollout: 1\ntarget:\n  load_balancer: { rule: '%s' }\n",
			    rule),
	       "rollout.yaml:3: target.load_balancer.rule: ");
}

static void a_role_is_an_arn_with_a_role(void **state)
{
	static const char *const bad[] = {"deploy", "arn:aws:iam::111122223333:user/x"};
	struct plan_fixture *f = *state;
	char *longest = arena_alloc(f->arena, 2101);

	memset(longest, 'x', 2100);
	longest[2100] = '\0';
	memcpy(longest, "arn:aws:iam::1:role/", 20);
	for (size_t i = 0; i < 3; i++) {
		forget(f);
		prop(f, "Target", "lambda:f:live");
		prop(f, "RoleArn", i < 2 ? bad[i] : longest);
		read_bad(f);
		expect_problem(f, "RoleArn: ");
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, plan_set_up, plan_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_value_that_is_none_is_named_by_its_place),
		TEST(a_target_that_is_no_map_of_values_is_named_by_its_place),
		TEST(an_arn_of_strange_characters_or_lengths_is_none),
		TEST(a_role_is_an_arn_with_a_role),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
