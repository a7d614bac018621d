#include "tests/unit/rollout/plan_fixture.h"

/* target.auto_scaling of the plan file, key by key. */

#define REST "strategy: \"canary 5%% 10m\"\nguards:\n  - { alarm: a }\n"
#define HEAD "rollout: 1\n" REST "target:\n  auto_scaling:\n"

static const struct plan_auto_scaling *read_group(struct plan_fixture *f, const char *keys)
{
	forget(f);
	file(f, arena_printf(f->arena, HEAD "%s", keys));
	read_ok(f);
	assert_int_equal(f->plan->target.kind, TARGET_AUTO_SCALING);
	return &f->plan->target.auto_scaling;
}

static void a_group_alone_is_enough(void **state)
{
	struct plan_fixture *f = *state;
	const struct plan_auto_scaling *t = read_group(f, "    group: shop-blue\n");

	assert_string_equal(t->group, "shop-blue");
	assert_null(t->twin);
	assert_null(t->target_groups[0]);
	assert_int_equal(t->install, ASG_INSTALL_IMAGE);
	assert_string_equal(t->install_path, "imageDetail.json");
	assert_int_equal(t->headroom, 1);
	assert_int_equal(t->stable_ms, 30000);
	assert_int_equal(t->retire, ASG_RETIRE_AUTO);
	assert_null(f->plan->target.lb.resource_arn);
	assert_int_equal(f->plan->target.lb.min_healthy, 1);

	forget(f);
	prop(f, "Target", "auto-scaling:shop-blue");
	prop(f, "Strategy", "canary 5% 10m");
	prop(f, "Alarms", "a");
	read_ok(f);
	assert_string_equal(f->plan->target.auto_scaling.group, "shop-blue");
	assert_string_equal(f->plan->target.auto_scaling.install_path, "imageDetail.json");
	assert_string_equal(target_text(f->arena, &f->plan->target), "auto-scaling:shop-blue");
}

static void all_of_it_can_be_said(void **state)
{
	struct plan_fixture *f = *state;
	const struct plan_auto_scaling *t =
		read_group(f, "    group: shop blue\n    twin: shop/green\n    rule: \"" RULE
			      "\"\n    target_groups: [ \"" GROUP("a") "\", \"" GROUP(
				      "b") "\" ]\n"
					   "    min_healthy: 2\n    propagation: 20s\n    "
					   "headroom: 0\n    healthy_for: 1m\n"
					   "    retire: keep\n    install: { run_command: { "
					   "script: deploy/install.sh, "
					   "timeout: 20m, later_instances: without } }\n");

	assert_string_equal(t->group, "shop blue");
	assert_string_equal(t->twin, "shop/green");
	assert_string_equal(f->plan->target.lb.resource_arn, RULE);
	assert_string_equal(t->target_groups[0], GROUP("a"));
	assert_string_equal(t->target_groups[1], GROUP("b"));
	assert_int_equal(f->plan->target.lb.min_healthy, 2);
	assert_int_equal(f->plan->target.lb.propagation_ms, 20000);
	assert_int_equal(t->headroom, 0);
	assert_int_equal(t->stable_ms, 60000);
	assert_int_equal(t->retire, ASG_RETIRE_KEEP);
	assert_int_equal(t->install, ASG_INSTALL_COMMAND);
	assert_string_equal(t->install_path, "deploy/install.sh");
	assert_int_equal(t->install_timeout_ms, 20 * MINUTE_MS);
	assert_true(t->later_without);
}

static void what_is_left_out_has_good_values(void **state)
{
	struct plan_fixture *f = *state;
	const struct plan_auto_scaling *t;

	/* a twin is wanted again the next time */
	t = read_group(f, "    group: a\n    twin: b\n    listener: \"" LISTENER "\"\n");
	assert_int_equal(t->retire, ASG_RETIRE_SCALE_IN);
	assert_string_equal(f->plan->target.lb.resource_arn, LISTENER);
	t = read_group(f, "    group: a\n    install: { user_data: deploy/ud.sh }\n");
	assert_int_equal(t->install, ASG_INSTALL_USER_DATA);
	assert_string_equal(t->install_path, "deploy/ud.sh");
	t = read_group(f,
		       "    group: a\n    install: { image: image.json }\n    retire: scale_in\n");
	assert_int_equal(t->install, ASG_INSTALL_IMAGE);
	assert_string_equal(t->install_path, "image.json");
	assert_int_equal(t->retire, ASG_RETIRE_SCALE_IN);
	t = read_group(f, "    group: a\n    install: { run_command: deploy/install.sh }\n");
	assert_int_equal(t->install, ASG_INSTALL_COMMAND);
	assert_string_equal(t->install_path, "deploy/install.sh");
	assert_int_equal(t->install_timeout_ms, 10 * MINUTE_MS);
	assert_false(t->later_without);
}

/* Exactly one error, which has these words. */
static void expect_words(struct plan_fixture *f, const char *words)
{
	read_bad(f);
	if (f->problems.n_errors != 1 || !strstr(all_problems(f), words))
		fail_msg("not only: %s\nbut:\n%s", words, all_problems(f));
}

static const struct {
	const char *keys, *words;
} wrong[] = {
	{"    twin: b\n", "rollout.yaml:6: target.auto_scaling: group is needed"},
	{"    group: \"a:b\"\n",
	 "rollout.yaml:7: target.auto_scaling.group: \"a:b\": write the name of an Auto"},
	{"    group: a\n    twin: \" b\"\n", "rollout.yaml:8: target.auto_scaling.twin: \""},
	{"    group: a\n    twin: a\n",
	 "rollout.yaml:8: target.auto_scaling.twin: \"a\": group and twin must be two"},
	{"    group: a\n    color: b\n",
	 "rollout.yaml:8: target.auto_scaling: \"color\": unknown here; known are: group"},
	{"    group: a\n    rule: \"" RULE "\"\n    listener: \"" LISTENER "\"\n",
	 "rollout.yaml:9: target.auto_scaling: write rule or listener, not both"},
	{"    group: a\n    rule: x\n", "rollout.yaml:8: target.auto_scaling.rule: \"x\": "},
	{"    group: a\n    target_groups: \"" GROUP("a") "\"\n",
	 "rollout.yaml:8: target.auto_scaling.target_groups: two ARNs belong here"},
	{"    group: a\n    target_groups: [ \"" GROUP("a") "\" ]\n",
	 "rollout.yaml:8: target.auto_scaling.target_groups: two ARNs belong here"},
	{"    group: a\n    target_groups: [ \"" GROUP("a") "\", green ]\n",
	 "target.auto_scaling.target_groups: \"green\": write the ARN of a target group"},
	{"    group: a\n    target_groups: [ \"" GROUP("a") "\", \"" GROUP("a") "\" ]\n",
	 "the two target groups must be different ones"},
	{"    group: a\n    retire: burn\n",
	 "rollout.yaml:8: target.auto_scaling.retire: \"burn\": write what becomes of the"},
	{"    group: a\n    twin: b\n    retire: delete\n",
	 "rollout.yaml:9: target.auto_scaling.retire: \"delete\": the two groups take "
	 "turns"},
	{"    group: a\n    retire: [ keep ]\n",
	 "rollout.yaml:8: target.auto_scaling.retire: a single value belongs here"},
	{"    group: a\n    install: x\n", "rollout.yaml:8: target.auto_scaling.install: a "
					   "map belongs here, with some of: im"},
	{"    group: a\n    install: {}\n", "rollout.yaml:8: target.auto_scaling.install: "
					    "exactly one of image, user_data and"},
	{"    group: a\n    install: { image: a, user_data: b }\n",
	 "rollout.yaml:8: target.auto_scaling.install: exactly one of image, user_data "
	 "and"},
	{"    group: a\n    install: { run_command: { timeout: 1m } }\n",
	 "target.auto_scaling.install.run_command: script is needed"},
	{"    group: a\n    install: { run_command: { script: a, timeout: 5s } }\n",
	 "target.auto_scaling.install.run_command.timeout: \"5s\": write 30s to 2h"},
	{"    group: a\n    install: { run_command: { script: a, later_instances: all } "
	 "}\n",
	 "install.run_command.later_instances: \"all\": write \"without\" when"},
	{"    group: a\n    install: { run_command: { script: a, later_instances: [] } }\n",
	 "install.run_command.later_instances: a single value belongs here"},
	{"    group: a\n    install: { run_command: { script: a, shell: sh } }\n",
	 "target.auto_scaling.install.run_command: \"shell\": unknown here"},
	{"    group: a\n    install: { run_command: [ a ] }\n",
	 "target.auto_scaling.install.run_command: a single value belongs here"},
	{"    group: a\n    headroom: -1\n",
	 "rollout.yaml:8: target.auto_scaling.headroom: \"-1\": write a whole number from "
	 "0"},
	{"    group: a\n    healthy_for: 11m\n",
	 "rollout.yaml:8: target.auto_scaling.healthy_for: \"11m\": write 0s to 10m"},
};

static void what_is_wrong_is_said_with_its_place(void **state)
{
	struct plan_fixture *f = *state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		forget(f);
		file(f, arena_printf(f->arena, HEAD "%s", wrong[i].keys));
		expect_words(f, wrong[i].words);
	}
	forget(f);
	file(f, "rollout: 1\n"
		"strategy: \"canary 5% 10m\"\nguards:\n  - { alarm: a }\n"
		"target: { auto_scaling: blue }\n");
	expect_words(f, "rollout.yaml:5: target.auto_scaling: a map belongs here, with some of");
	forget(f);
	prop(f, "Target", "auto-scaling:");
	prop(f, "Strategy", "canary 5% 10m");
	prop(f, "Alarms", "a");
	expect_words(f, "Target: \"auto-scaling:\": write auto-scaling:GROUP, for example");
}

static void what_takes_longer_than_it_may_is_said(void **state)
{
	static const char text[] =
		"rollout: 1\nstrategy: \"canary 5%% 10m\"\nguards:\n  - { alarm: a }\n"
		"target:\n  auto_scaling:\n    group: a\n    healthy_for: 1m\n"
		"    install: { run_command: { script: x, timeout: %s } }\nlimits: { prepare: 30m "
		"}\n";
	struct plan_fixture *f = *state;

	file(f, arena_printf(f->arena, text, "28m"));
	read_ok(f);
	forget(f);
	file(f, arena_printf(f->arena, text, "29m"));
	expect_words(f,
		     "rollout.yaml:5: target: the command's timeout and healthy_for together are "
		     "30m, and bringing the candidate up may take 30m (limits.prepare)");
	forget(f);
	prop(f, "Target", "auto-scaling:a");
	prop(f, "Strategy", "canary 5% 10m");
	prop(f, "Alarms", "a");
	prop(f, "Overrides", "limits.prepare=1m");
	read_ok(f);
}

/* Each of them changes what is done, so each of them changes the digest. */
#define INSTALL(keys) ("    group: a\n    install: { run_command: { " keys " } }\n")
static void every_key_is_in_the_digest(void **state)
{
	static const char *const keys[] = {
		"    group: a\n",
		"    group: b\n",
		"    group: a\n    twin: b\n",
		"    group: a\n    rule: \"" RULE "\"\n",
		"    group: a\n    target_groups: [ \"" GROUP("a") "\", \"" GROUP("b") "\" ]\n",
		"    group: a\n    target_groups: [ \"" GROUP("a") "\", \"" GROUP("c") "\" ]\n",
		"    group: a\n    install: { image: x }\n",
		"    group: a\n    install: { user_data: x }\n",
		INSTALL("script: x"),
		INSTALL("script: x, timeout: 1m"),
		INSTALL("script: x, later_instances: without"),
		"    group: a\n    headroom: 0\n",
		"    group: a\n    healthy_for: 1m\n",
		"    group: a\n    retire: keep\n",
		"    group: a\n    retire: delete\n",
		"    group: a\n    min_healthy: 2\n",
	};
	struct plan_fixture *f = *state;
	const char *digests[sizeof(keys) / sizeof(keys[0])];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		read_group(f, keys[i]);
		digests[i] = arena_strdup(f->arena, f->plan->digest);
		for (size_t k = 0; k < i; k++)
			if (!strcmp(digests[i], digests[k]))
				fail_msg("the same digest:\n%s%s", keys[i], keys[k]);
	}
}

static void both_places_name_the_same_group(void **state)
{
	struct plan_fixture *f = *state;

	file(f, arena_printf(f->arena, HEAD "    group: a\n"));
	prop(f, "Target", "auto-scaling:a");
	read_ok(f);
	forget(f);
	file(f, arena_printf(f->arena, HEAD "    group: a\n"));
	prop(f, "Target", "auto-scaling:b");
	expect_words(f, "names another target, auto-scaling:a; write the same in both");
}

#define T(name) cmocka_unit_test_setup_teardown(name, plan_set_up, plan_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_group_alone_is_enough),
		T(all_of_it_can_be_said),
		T(what_is_left_out_has_good_values),
		T(what_is_wrong_is_said_with_its_place),
		T(what_takes_longer_than_it_may_is_said),
		T(every_key_is_in_the_digest),
		T(both_places_name_the_same_group),
	};

	return cmocka_run_group_tests_name("plan_auto_scaling", tests, NULL, NULL);
}
