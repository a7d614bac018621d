#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"
#include "tests/sim/sim_internal.h"
#include "worker/target/auto_scaling.h"

/*
 * EC2 Auto Scaling groups, end to end: how the new version comes onto the instances, by copy and by
 * twin, good and bad.
 */
#define CANARY "canary 10% 10m, 50% 10m bake 5m"
#define IMAGE_GOOD "ami-0123456789abcdef1"
#define IMAGE_NEXT "ami-0123456789abcdef3"
#define IMAGE_BAD "ami-0123456789abcdef2"

/* Two target groups behind a listener, the first filled by a group of four instances, with traffic
 * and an alarm; pipeline "shop". */
static void shop(struct world *w)
{
	const char *listener;

	world_control(w, "elbv2 load-balancer shop type=application");
	world_control(w, "elbv2 target-group tg-blue targets=0 deregistration_s=60");
	world_control(w, "elbv2 target-group tg-green targets=0 deregistration_s=60");
	listener = world_arn(w, world_control(w, "elbv2 listener shop port=443 "
						 "forward=tg-blue:100,tg-green:0 rps=50"));
	world_control(w, "ec2 image ami-00000000000000001 errors=0.001");
	world_control(w, "ec2 image " IMAGE_GOOD " errors=0.001");
	world_control(w, "ec2 image " IMAGE_NEXT " errors=0.001");
	world_control(w, "ec2 image " IMAGE_BAD " errors=0.4");
	world_control(w, "ec2 template shop-lt image=ami-00000000000000001 type=t3.small");
	world_control(w, "autoscaling group shop template=shop-lt version=1 size=4 min=2 max=8 "
			 "targets=tg-blue health=ELB");
	sim_advance(w->sim, 120000);
	world_control(w,
		      "cloudwatch alarm shop-errors namespace=AWS/ApplicationELB "
		      "metric=HTTPCode_Target_5XX_Count dimensions=\"LoadBalancer=%s\" stat=Sum "
		      "period=60 threshold=60 evaluation_periods=1 missing=notBreaching state=OK",
		      lb_load_balancer_dimension(w->arena, listener));
	world_control(w, "codepipeline pipeline shop action=Canary type=Deploy/Rollout/1");
}

static const char *plan(struct world *w, const char *target)
{
	return arena_printf(w->arena,
			    "rollout: 1\ntarget:\n  auto_scaling:\n%sstrategy: \"%s\"\n"
			    "guards:\n  - { alarm: shop-errors }\n",
			    target, CANARY);
}

/* Push rollout.yaml and one more file. */
static void push(struct world *w, const char *target, const char *name, const char *text)
{
	const struct pack_entry files[] = {
		{.name = "rollout.yaml", .bytes = str_from(plan(w, target))},
		{.name = name, .bytes = str_from(text)},
	};

	world_push_files(w, "shop", files, 2);
}

/* And run to the end. */
static const struct sim_action *release(struct world *w, const char *target, const char *name,
					const char *text)
{
	push(w, target, name, text);
	return scene_end(w, "shop");
}

static const char *image(struct world *w, const char *id)
{
	return arena_printf(w->arena, "{\"ImageId\":\"%s\"}", id);
}

/* A number of what the simulator shows of a group; -1 when there is no such group. */
static int64_t of_group(struct world *w, const char *group, const char *what)
{
	struct err err = ERR_INIT;
	int64_t n = -1;
	struct json *shown;
	struct buf b;

	buf_init(&b, 1u << 20);
	if (sim_control(w->sim, str_from(arena_printf(w->arena, "autoscaling show %s", group)), &b,
			&err) == 0 &&
	    json_parse(w->arena, buf_str(&b), &shown, &err) == 0)
		(void)json_i64(json_get(shown, what), &n);
	buf_release(&b);
	return n;
}

/* The copy that this action made of the group shop. */
static const char *copy_of(struct world *w, const struct sim_action *a)
{
	const struct as_record r = {.base = "shop"};
	char id[ROLLOUT_ID_MAX + 1];

	rollout_id_from(str_from(a->action_execution_id), id);
	return as_candidate_name(w->arena, &r, id);
}

static const char *listener(struct world *w)
{
	return json_cstr(json_get(world_ask(w, "elbv2 show shop:443"), "listener"));
}

static void expect_images(struct world *w, const char *group, const char *id)
{
	json_each(i, json_get(world_ask(w, "autoscaling show %s", group), "instances"))
		assert_true(str_is(json_text(json_get(i, "image")), id));
}

static void expect_all_run(struct world *w, const char *group, size_t n)
{
	const struct json *shown = world_ask(w, "autoscaling show %s", group);

	assert_int_equal(of_group(w, group, "inService"), n);
	json_each(process, json_get(shown, "suspended"))
		fail_msg("%s: " STR_FMT " is suspended", group, STR_ARG(process->text));
}

/* --- by image -------------------------------------------------------------------------------- */

static void an_image_goes_out_by_a_copy(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	const char *copy;

	shop(w);
	world_control(w, "autoscaling policy shop cpu target=50");
	world_control(w, "autoscaling hook shop warm on=launching heartbeat=30 default=CONTINUE");
	world_control(w, "autoscaling schedule shop day recurrence=\"0 8 * * *\" desired=4");
	world_control(w, "autoscaling tag shop key=team value=shop");
	world_start(w);
	a = release(w, "    group: shop\n", "imageDetail.json", image(w, IMAGE_GOOD));
	scene_expect(a, "Succeeded", NULL, "serves everything", NULL);
	scene_expect_only_reads_before_token(w, a);
	scene_expect_shares(w, listener(w), a, 10., 50., 100., -1.);
	assert_int_equal(of_group(w, "shop", "desired"), 0); /* not ours to delete */
	copy = copy_of(w, a);
	expect_all_run(w, copy, 4);
	assert_int_equal(of_group(w, copy, "min"), 2);
	assert_int_equal(of_group(w, copy, "max"), 8);
	expect_images(w, copy, IMAGE_GOOD);
}

/* The plan's group is a family: the copy of the first release is the baseline of the second. */
static void the_next_release_finds_the_copy(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	const char *first;

	shop(w);
	world_start(w);
	a = release(w, "    group: shop\n", "imageDetail.json", image(w, IMAGE_GOOD));
	scene_expect(a, "Succeeded", NULL, NULL);
	first = copy_of(w, a);
	a = release(w, "    group: shop\n", "imageDetail.json", image(w, IMAGE_NEXT));
	scene_expect(a, "Succeeded", NULL, "serves everything", NULL);
	assert_string_not_equal(first, copy_of(w, a));
	assert_int_equal(of_group(w, first, "desired"), -1); /* made by a rollout: deleted */
	expect_all_run(w, copy_of(w, a), 4);
	expect_images(w, copy_of(w, a), IMAGE_NEXT);
}

static void a_group_is_deleted_where_the_plan_says_so(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	shop(w);
	world_start(w);
	a = release(w, "    group: shop\n    retire: delete\n", "imageDetail.json",
		    image(w, IMAGE_GOOD));
	scene_expect(a, "Succeeded", NULL, NULL);
	assert_int_equal(of_group(w, "shop", "desired"), -1);
	expect_all_run(w, copy_of(w, a), 4);
}

static void a_bad_image_is_taken_back_and_removed(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	shop(w);
	world_start(w);
	a = release(w, "    group: shop\n", "imageDetail.json", image(w, IMAGE_BAD));
	scene_expect(a, "Failed", "JobFailed", "shop-errors", "with 10% on the candidate",
		     "The baseline carries all traffic", NULL);
	scene_expect_shares(w, listener(w), a, 10., 0., -1.);
	expect_all_run(w, "shop", 4);
	assert_int_equal(of_group(w, copy_of(w, a), "desired"), -1);
}

static void an_image_that_never_gets_healthy_gets_no_traffic(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	shop(w);
	world_control(w, "ec2 image " IMAGE_BAD " health=unhealthy");
	world_start(w);
	a = release(w, "    group: shop\n", "imageDetail.json", image(w, IMAGE_BAD));
	scene_expect(a, "Failed", "JobFailed", "unhealthy", NULL);
	scene_expect_shares(w, listener(w), a, -1.);
	expect_all_run(w, "shop", 4);
	assert_int_equal(of_group(w, copy_of(w, a), "desired"), -1);
}

static void a_launch_that_fails_is_explained(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	shop(w);
	world_control(w, "ec2 image " IMAGE_GOOD " launch_error=InsufficientInstanceCapacity");
	world_start(w);
	a = release(w, "    group: shop\n", "imageDetail.json", image(w, IMAGE_GOOD));
	scene_expect(a, "Failed", "JobFailed", "a launch failed", NULL);
	expect_all_run(w, "shop", 4);
}

/* --- by twin --------------------------------------------------------------------------------- */

static const char twin[] = "    group: shop\n    twin: shop-2\n";

static void a_twin_takes_turns(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	shop(w);
	world_control(w, "autoscaling group shop-2 template=shop-lt version=1 size=0 min=0 max=0 "
			 "targets=tg-green health=ELB");
	world_start(w);
	a = release(w, twin, "imageDetail.json", image(w, IMAGE_GOOD));
	scene_expect(a, "Succeeded", NULL, NULL);
	expect_all_run(w, "shop-2", 4);
	expect_all_run(w, "shop", 0);
	expect_images(w, "shop-2", IMAGE_GOOD);
	a = release(w, twin, "imageDetail.json", image(w, IMAGE_NEXT));
	scene_expect(a, "Succeeded", NULL, NULL);
	expect_all_run(w, "shop", 4);
	expect_all_run(w, "shop-2", 0);
	expect_images(w, "shop", IMAGE_NEXT);
}

static void a_bad_twin_is_taken_back_and_scaled_in(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	shop(w);
	world_control(w, "autoscaling group shop-2 template=shop-lt version=1 size=0 min=0 max=3 "
			 "targets=tg-green");
	world_start(w);
	a = release(w, twin, "imageDetail.json", image(w, IMAGE_BAD));
	scene_expect(a, "Failed", "JobFailed", "shop-errors", NULL);
	expect_all_run(w, "shop", 4);
	expect_all_run(w, "shop-2", 0);
	assert_int_equal(of_group(w, "shop-2", "max"), 3);
	assert_string_equal(json_cstr(json_get(world_ask(w, "autoscaling show shop-2"), "version")),
			    "1");
}

/* --- by user data, by command ---------------------------------------------------------------- */

static void user_data_brings_the_revision(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	shop(w);
	world_start(w);
	a = release(w, "    group: shop\n    install: { user_data: deploy/ud.sh }\n",
		    "deploy/ud.sh",
		    "#!/bin/sh\n# sim: errors=0.001\naws s3 cp {{revision.url}} /tmp/app.zip\n");
	scene_expect(a, "Succeeded", NULL, NULL);
	expect_all_run(w, copy_of(w, a), 4);
	a = release(w, "    group: shop\n    install: { user_data: deploy/ud.sh }\n",
		    "deploy/ud.sh", "#!/bin/sh\n# sim: errors=0.4\n");
	scene_expect(a, "Failed", "JobFailed", "shop-errors", NULL);
}

static const char command[] = "    group: shop\n    install: { run_command: deploy/install.sh }\n";

static void expect_once_on_each_of_four(struct world *w)
{
	const struct json *commands;
	size_t n = 0;

	commands = json_get(world_ask(w, "ssm show"), "commands");
	json_each(c, commands) {
		json_each(invocation, json_get(c, "invocations")) {
			assert_true(str_is(json_text(json_get(invocation, "status")), "Success"));
			n++;
		}
	}
	assert_int_equal(n, 4);
}

static void a_command_runs_on_every_instance(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	shop(w);
	world_start(w);
	a = release(w, command, "deploy/install.sh", "#!/bin/sh\n# sim: errors=0.001\n");
	scene_expect(a, "Succeeded", NULL, NULL);
	expect_all_run(w, copy_of(w, a), 4);
	expect_once_on_each_of_four(w);
}

/* Its answer is lost, and it is not to be seen for a while. */
static void a_command_is_not_sent_twice(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	shop(w);
	world_control(w, "ssm timing visible=25s");
	world_control(w, "sim fault kind=timeout-after operation=SendCommand");
	world_start(w);
	a = release(w, command, "deploy/install.sh", "#!/bin/sh\n# sim: errors=0.001\n");
	scene_expect(a, "Succeeded", NULL, NULL);
	expect_once_on_each_of_four(w);
}

static void a_command_that_fails_ends_the_rollout(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	shop(w);
	world_control(w, "ssm outcome Failed n=1");
	world_start(w);
	a = release(w, command, "deploy/install.sh", "#!/bin/sh\nexit 1\n");
	scene_expect(a, "Failed", "JobFailed", "command", "failed on i-", NULL);
	scene_expect_shares(w, listener(w), a, -1.);
	expect_all_run(w, "shop", 4);
	assert_int_equal(of_group(w, copy_of(w, a), "desired"), -1);
}

static void a_bad_revision_by_command_is_taken_back(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	shop(w);
	world_start(w);
	a = release(w, command, "deploy/install.sh", "#!/bin/sh\n# sim: errors=0.4\n");
	scene_expect(a, "Failed", "JobFailed", "shop-errors", NULL);
	expect_all_run(w, "shop", 4);
}

/* --- refused --------------------------------------------------------------------------------- */

static void what_would_go_wrong_is_refused(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	shop(w);
	world_control(w, "autoscaling group shop version=$Latest");
	world_start(w);
	a = release(w, "    group: shop\n", "imageDetail.json", image(w, IMAGE_GOOD));
	scene_expect(a, "Failed", "ConfigurationError", "version $Latest", NULL);
	scene_expect_no_writes(w, a);
	a = release(w, "    group: shop\n", "imageDetail.json", "{}");
	scene_expect(a, "Failed", "ConfigurationError", "it names no machine image", NULL);
	scene_expect_no_writes(w, a);
	a = release(w, "    group: nobody\n", "imageDetail.json", image(w, IMAGE_GOOD));
	scene_expect(a, "Failed", "ConfigurationError", "there is no such Auto Scaling group",
		     NULL);
	scene_expect_no_writes(w, a);
}

/* --- abandoned ------------------------------------------------------------------------------- */

static void an_abandoned_rollout_is_restored(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	shop(w);
	world_start(w);
	push(w, "    group: shop\n", "imageDetail.json", image(w, IMAGE_GOOD));
	scene_run_until_share(w, listener(w), 10);
	world_run(w, 3 * MINUTE_MS);
	world_control(w, "codepipeline stop shop abandon");
	a = scene_end(w, "shop");
	world_run(w, 30 * MINUTE_MS);
	expect_all_run(w, "shop", 4);
	assert_int_equal(of_group(w, copy_of(w, a), "desired"), -1);
}

/* The group shrinks by hand while the rollout is on: the candidate is not worse than it. */
static void both_groups_hold_still_meanwhile(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	shop(w);
	world_start(w);
	push(w, "    group: shop\n", "imageDetail.json", image(w, IMAGE_GOOD));
	scene_run_until_share(w, listener(w), 10);
	world_control(w, "autoscaling alarm shop desired=2"); /* is not let */
	assert_int_equal(of_group(w, "shop", "desired"), 4);
	a = scene_end(w, "shop");
	scene_expect(a, "Succeeded", NULL, NULL);
	expect_all_run(w, copy_of(w, a), 4);
	world_control(w, "autoscaling alarm %s desired=5", copy_of(w, a));
	world_run(w, 5 * MINUTE_MS);
	expect_all_run(w, copy_of(w, a), 5);
}

#define T(name) cmocka_unit_test_setup_teardown(name, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_image_goes_out_by_a_copy),
		T(the_next_release_finds_the_copy),
		T(a_group_is_deleted_where_the_plan_says_so),
		T(a_bad_image_is_taken_back_and_removed),
		T(an_image_that_never_gets_healthy_gets_no_traffic),
		T(a_launch_that_fails_is_explained),
		T(a_twin_takes_turns),
		T(a_bad_twin_is_taken_back_and_scaled_in),
		T(user_data_brings_the_revision),
		T(a_command_runs_on_every_instance),
		T(a_command_is_not_sent_twice),
		T(a_command_that_fails_ends_the_rollout),
		T(a_bad_revision_by_command_is_taken_back),
		T(what_would_go_wrong_is_refused),
		T(an_abandoned_rollout_is_restored),
		T(both_groups_hold_still_meanwhile),
	};

	return cmocka_run_group_tests_name("auto_scaling_install", tests, NULL, NULL);
}
