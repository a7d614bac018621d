#include "tests/unit/rollout/plan_fixture.h"

/* target.ecs: what it says, and which steps ECS's own controller can do. */

static void expect_words(struct plan_fixture *f, const char *words)
{
	for (const struct problem *p = f->problems.first; p; p = p->next)
		if (!p->is_warning && strstr(p->text, words))
			return;
	fail_msg("not said: %s\nbut:\n%s", words, all_problems(f));
}

static void ecs_file(struct plan_fixture *f, const char *ecs, const char *strategy)
{
	forget(f);
	file(f, arena_printf(f->arena,
			     "rollout: 1\ntarget:\n  ecs: { cluster: prod, service: web%s }\n"
			     "strategy: \"%s\"\nguards:\n  - { alarm: a }\n",
			     ecs, strategy));
}

static void one_line_is_enough(void **state)
{
	struct plan_fixture *f = *state;

	prop(f, "Target", "ecs:prod/web");
	prop(f, "Strategy", "canary 5% 10m");
	prop(f, "Alarms", "a");
	read_ok(f);
	assert_int_equal(f->plan->target.kind, TARGET_ECS);
	assert_string_equal(f->plan->target.ecs.cluster, "prod");
	assert_string_equal(f->plan->target.ecs.service, "web");
	assert_int_equal(f->plan->target.ecs.method, ECS_NATIVE);
	assert_int_equal(f->plan->target.ecs.failed_tasks, 3);
	assert_int_equal(f->plan->target.lb.min_healthy, 1);
	assert_string_equal(target_text(f->arena, &f->plan->target), "ecs:prod/web");
}

/* Said twice it must be the same. */
static void the_line_and_the_file_agree(void **state)
{
	struct plan_fixture *f = *state;

	ecs_file(f, ", failed_tasks: 5", "canary 5% 10m");
	prop(f, "Target", "ecs:prod/web");
	read_ok(f);
	assert_int_equal(f->plan->target.ecs.failed_tasks, 5);
	prop(f, "Target", "ecs:prod/shop");
	read_bad(f);
	expect_words(f, "names another target, ecs:prod/web");
	prop(f, "Target", "ecs:test/web");
	read_bad(f);
}

static void a_line_that_is_none_is_said(void **state)
{
	static const char *const bad[] = {"ecs:",	  "ecs:web",   "ecs:/web",
					  "ecs:prod/",	  "ecs:a/b/c", "ecs:arn:aws:ecs:x/y",
					  "ecs:prod/we b"};
	struct plan_fixture *f = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		forget(f);
		prop(f, "Target", bad[i]);
		prop(f, "Strategy", "canary 5% 10m");
		prop(f, "Alarms", "a");
		read_bad(f);
		expect_words(f, "write ecs:CLUSTER/SERVICE, for example ecs:prod/web");
	}
}

static void the_file_says_everything(void **state)
{
	struct plan_fixture *f = *state;
	const struct plan_ecs *e;

	ecs_file(f,
		 ", task_definition: build/taskdef.json, images: build/images.json, image_details: "
		 "{ IMAGE1_NAME: imageDetail.json, IMAGE2_NAME: two/imageDetail.json }, "
		 "failed_tasks: 5, alarms: [red, amber], pause_timeout: 3h, min_healthy: 2",
		 "canary 5% 10m");
	read_ok(f);
	e = &f->plan->target.ecs;
	assert_string_equal(e->task_definition, "build/taskdef.json");
	assert_string_equal(e->images, "build/images.json");
	assert_int_equal(e->n_image_details, 2);
	assert_string_equal(e->image_details[0].placeholder, "IMAGE1_NAME");
	assert_string_equal(e->image_details[0].path, "imageDetail.json");
	assert_string_equal(e->image_details[1].path, "two/imageDetail.json");
	assert_int_equal(e->failed_tasks, 5);
	assert_int_equal(e->n_alarms, 2);
	assert_string_equal(e->alarms[1], "amber");
	assert_int_equal(e->pause_ms, 180 * MINUTE_MS);
	assert_int_equal(f->plan->target.lb.min_healthy, 2);

	ecs_file(f,
		 ", method: two_services, twin: web-b, retire: delete, rule: \"" RULE
		 "\", candidate: \"" GROUP("green") "\"",
		 "canary 5% 10m, 7.77% 10m, 90% 1m");
	read_ok(f);
	e = &f->plan->target.ecs;
	assert_int_equal(e->method, ECS_TWO_SERVICES);
	assert_string_equal(e->twin, "web-b");
	assert_int_equal(e->retire, ECS_DELETE);
	assert_string_equal(f->plan->target.lb.resource_arn, RULE);
	assert_string_equal(f->plan->target.lb.candidate_arn, GROUP("green"));
}

/* Everything that decides is in the digest. */
static void each_member_changes_the_digest(void **state)
{
	static const char *const more[] = {
		", task_definition: t.json",
		", images: i.json",
		", image_details: { A: d.json }",
		", image_details: { B: d.json }",
		", image_details: { A: e.json }",
		", failed_tasks: 4",
		", alarms: red",
		", alarms: amber",
		", pause_timeout: 9h",
		", min_healthy: 2",
		", method: two_services, rule: \"" RULE "\"",
		", method: two_services, rule: \"" RULE "\", twin: b",
		", method: two_services, rule: \"" RULE "\", retire: keep",
	};
	struct plan_fixture *f = *state;
	char seen[1 + sizeof(more) / sizeof(more[0])][SHA256_HEX_SIZE];
	size_t n = 0;

	ecs_file(f, "", "canary 5% 10m");
	read_ok(f);
	memcpy(seen[n++], f->plan->digest, SHA256_HEX_SIZE);
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		ecs_file(f, more[i], "canary 5% 10m");
		read_ok(f);
		for (size_t j = 0; j < n; j++)
			if (!strcmp(seen[j], f->plan->digest))
				fail_msg("%s does not count", more[i]);
		memcpy(seen[n++], f->plan->digest, SHA256_HEX_SIZE);
	}
}

static void mistakes_are_named(void **state)
{
	static const struct {
		const char *ecs, *says;
	} cases[] = {
		{", clutser: x", "target.ecs"},
		{", method: rolling", "write native or two_services"},
		{", retire: burn", "write scale_in, delete or keep"},
		{", task_definition: /etc/passwd", "write the path of a file in the artifact"},
		{", images: [a]", "target.ecs.images"},
		{", image_details: imageDetail.json", "write at most 4 placeholders with a file"},
		{", image_details: { A: a, B: b, C: c, D: d, E: e }", "write at most 4"},
		{", image_details: { \"A B\": a }", "a placeholder has 1 to 64 letters"},
		{", image_details: { A: [1] }", "target.ecs.image_details.A"},
		{", failed_tasks: 0", "write a whole number from 1 to 1000"},
		{", alarms: [a, b, c, d, e, f, g, h, i]", "at most 8 alarms"},
		{", alarms: [\"a\\x01b\"]", "an alarm's name has 1 to 255 characters"},
		{", alarms: [[1]]", "target.ecs.alarms"},
		{", pause_timeout: 10s", "pause_timeout"},
		{", pause_timeout: 5m", "pause_timeout is shorter than what a step, the bake time"},
		{", twin: b", "belong to method: two_services"},
		{", rule: \"" RULE "\"", "belong to method: two_services"},
		{", method: two_services", "two services need the rule or listener"},
		{", method: two_services, rule: \"" RULE "\", baseline: \"" GROUP("blue") "\"",
		 "the baseline is the service that has the traffic"},
		{", method: two_services, rule: \"" RULE "\", twin: web",
		 "must be another service"},
		{", method: two_services, rule: \"" RULE "\", twin: \"a/b\"",
		 "a name has 1 to 255"},
		{", method: two_services, rule: \"" RULE "\", alarms: red",
		 "are of the native controller"},
	};
	struct plan_fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ecs_file(f, cases[i].ecs, "canary 5% 10m");
		read_bad(f);
		expect_words(f, cases[i].says);
	}
	forget(f);
	file(f, "rollout: 1\ntarget:\n  ecs: { service: web }\nstrategy: \"canary 5% 10m\"\n"
		"guards:\n  - { alarm: a }\n");
	read_bad(f);
	expect_words(f, "cluster and service are both needed");
	file(f, "rollout: 1\ntarget:\n  ecs: web\nstrategy: \"canary 5% 10m\"\n"
		"guards:\n  - { alarm: a }\n");
	read_bad(f);
	forget(f);
	file(f, arena_printf(f->arena,
			     "rollout: 1\ntarget:\n  ecs: { cluster: prod, service: %s, method: "
			     "two_services, rule: \"" RULE "\" }\nstrategy: \"canary 5%% 10m\"\n"
			     "guards:\n  - { alarm: a }\n",
			     "x123456789x123456789x123456789x123456789x123456789x123456789x12345678"
			     "9x123456789x123456789x123456789x123456789x123456789x123456789x1234567"
			     "89x123456789x123456789x123456789x123456789x123456789x123456789x123456"
			     "789x123456789x123456789x123456789x12345678901"));
	read_bad(f);
	expect_words(f, "no room for -twin behind this name");
}

static void the_controller_does_some_step_lists_only(void **state)
{
	static const struct {
		const char *steps, *strategy; /* NULL: refused */
		int percent_bp;
		const char *says;
	} cases[] = {
		{"blue-green bake 30m", "BLUE_GREEN", 10000, NULL},
		{"all-at-once", "BLUE_GREEN", 10000, NULL},
		{"canary 5% 10m", "CANARY", 500, NULL},
		{"canary 0.1% 10m", "CANARY", 10, NULL},
		{"canary 5% 10m, 100% 10m", "CANARY", 500, NULL},
		{"canary 50% 10m", "CANARY", 5000, NULL},
		{"linear 10% every 2m", "LINEAR", 1000, NULL},
		{"linear 30% every 2m", "LINEAR", 3000, NULL},
		{"linear 12.5% every 2m", "LINEAR", 1250, NULL},
		{"canary 25% 1m, 50% 1m, 75% 1m, 100% 1m", "LINEAR", 2500, NULL},
		{"canary 40% 1m, 80% 1m", "LINEAR", 4000, NULL},
		{"canary 5% 10m, 25% 10m", NULL, 0, "one percentage, equal steps up to 100%"},
		{"canary 10% 10m, 20% 10m", NULL, 0, "one percentage, equal steps up to 100%"},
		{"linear 2% every 2m", NULL, 0, "equal steps of ECS's own controller have 3%"},
		{"canary 1.25% 10m", NULL, 0, "no percentage finer than 0.1"},
	};
	struct plan_fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *why = "";
		int percent_bp;

		ecs_file(f, "", cases[i].steps);
		if (!cases[i].strategy) {
			read_bad(f);
			expect_words(f, cases[i].says);
			expect_words(f, "write method: two_services under target.ecs");
			continue;
		}
		read_ok(f);
		assert_string_equal(plan_ecs_strategy(f->plan, &percent_bp, &why),
				    cases[i].strategy);
		assert_int_equal(percent_bp, cases[i].percent_bp);
	}
	ecs_file(f, "", "canary 5% 10m");
	read_ok(f);
	{
		struct plan p = *f->plan;
		const char *why = "";
		int percent_bp;

		p.steps[0].segment = 0;
		assert_null(plan_ecs_strategy(&p, &percent_bp, &why));
		assert_non_null(strstr(why, "no segments"));
		p.n_steps = 0;
		assert_null(plan_ecs_strategy(&p, &percent_bp, &why));
	}
}

/* Long enough for what may happen at a pause, and no longer: a dead worker must not strand it. */
static void a_pause_ends_by_itself(void **state)
{
	struct plan_fixture *f = *state;
	struct plan p;

	ecs_file(f, "", "canary 5% 10m bake 90m");
	read_ok(f);
	p = *f->plan;
	p.unknown_hold_ms = 20 * MINUTE_MS;
	p.verify_ms = 30 * MINUTE_MS;
	p.max_duration_ms = 600 * MINUTE_MS;
	assert_int_equal(plan_ecs_pause_minutes(&p), 90 + 20 + 60);
	p.bake_ms = 0;
	assert_int_equal(plan_ecs_pause_minutes(&p), 30 + 20 + 60);
	p.steps[0].watch_ms = 40 * MINUTE_MS + 1;
	assert_int_equal(plan_ecs_pause_minutes(&p), 41 + 20 + 60);
	p.steps[0].approve = true;
	assert_int_equal(plan_ecs_pause_minutes(&p), 600 + 60);
	p.steps[0].approve = false;
	p.unknown_then = UNKNOWN_HOLD;
	assert_int_equal(plan_ecs_pause_minutes(&p), 600 + 60);
	p.unknown_then = UNKNOWN_ROLLBACK;
	p.mode = MODE_START;
	assert_int_equal(plan_ecs_pause_minutes(&p), 600 + 60 + 7 * 24 * 60);
	p.target.ecs.pause_ms = 90 * MINUTE_MS;
	assert_int_equal(plan_ecs_pause_minutes(&p), 90);
	p.target.ecs.pause_ms = 0;
	p.max_duration_ms = 30000 * MINUTE_MS;
	assert_int_equal(plan_ecs_pause_minutes(&p), 20160);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, plan_set_up, plan_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(one_line_is_enough),
		TEST(the_line_and_the_file_agree),
		TEST(a_line_that_is_none_is_said),
		TEST(the_file_says_everything),
		TEST(each_member_changes_the_digest),
		TEST(mistakes_are_named),
		TEST(the_controller_does_some_step_lists_only),
		TEST(a_pause_ends_by_itself),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
