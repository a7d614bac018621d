#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "worker/target/auto_scaling.h"
#include "worker/target/beanstalk.h"
#include "worker/target/claims.h"
#include "worker/target/ecs.h"

/* What each kind of target locks, and that one thing has one name, however it is told. */

#define RULE                                                                                      \
	"arn:aws:elasticloadbalancing:eu-central-1:111122223333:listener-rule/app/web/50dc/f2f7/" \
	"9683"
#define GROUP(name) "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/" name "/73"
#define FUNCTION "arn:aws:lambda:eu-central-1:111122223333:function:checkout"
#define AT "@eu-central-1/111122223333"

struct fixture {
	struct arena *arena;
	struct plan plan;
	struct target_env env;
	struct target_claims c;
	struct err err;
	char undo[LIMIT_UNDO + 1];
};

static int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->arena = arena_new();
	f->err = ERR_INIT;
	f->env = (struct target_env){.client = {.region = "eu-central-1"},
				     .arena = f->arena,
				     .plan = &f->plan,
				     .account = "111122223333"};
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	arena_free(f->arena);
	free(f);
	return 0;
}

/* What is claimed, in this order, and nothing else; the list ends with NULL. */
static void expect(struct fixture *f, const char *undo, ...) __attribute__((sentinel));
static void expect(struct fixture *f, const char *undo, ...)
{
	const char *key;
	size_t n = 0;
	va_list ap;

	f->c.n = 0;
	if (target_of(f->plan.target.kind)->claims(&f->env, undo, &f->c, &f->err))
		fail_msg("%s", f->err.text);
	va_start(ap, undo);
	for (; (key = va_arg(ap, const char *)); n++) {
		if (n >= f->c.n)
			fail_msg("%s is not claimed", key);
		assert_string_equal(f->c.keys[n], key);
	}
	va_end(ap);
	assert_int_equal(f->c.n, n);
}

static void expect_unreadable(struct fixture *f)
{
	f->c.n = 0;
	assert_int_equal(
		target_of(f->plan.target.kind)->claims(&f->env, "{\"t\":\"x\"", &f->c, &f->err),
		-1);
}

static struct lb_record lb_record(void)
{
	return (struct lb_record){.resource = RULE,
				  .baseline = GROUP("blue"),
				  .candidate = GROUP("green"),
				  .groups = {{.arn = GROUP("blue"), .weight = 100}},
				  .n_groups = 1};
}

static void a_function_has_one_name(void **state)
{
	struct fixture *f = *state;
	struct plan_lambda *t = &f->plan.target.lambda;

	f->plan.target.kind = TARGET_LAMBDA;
	*t = (struct plan_lambda){.function = "checkout", .alias = "live"};
	expect(f, "", "lambda:checkout:live" AT, NULL);
	expect(f, "{\"t\":\"lambda\",\"f\":\"" FUNCTION "\",\"a\":\"live\"}",
	       "lambda:checkout:live" AT, NULL);
	t->function = FUNCTION;
	expect(f, "", "lambda:checkout:live" AT, NULL);
	/* a role of the same account is no other target; one of another account is */
	t->function = "checkout";
	f->plan.role_arn = "arn:aws:iam::111122223333:role/deploy";
	expect(f, "", "lambda:checkout:live" AT, NULL);
	f->plan.role_arn = "arn:aws:iam::222233334444:role/deploy";
	expect(f, "", "lambda:checkout:live@eu-central-1/222233334444", NULL);
	t->function = FUNCTION; /* an ARN says more than the role */
	expect(f, "", "lambda:checkout:live" AT, NULL);
	f->plan.role_arn = "no role";
	t->function = "checkout";
	expect(f, "", "lambda:checkout:live" AT, NULL);
	f->plan.role_arn = NULL;
	f->env.account = NULL;
	expect(f, "", "lambda:checkout:live@eu-central-1/-", NULL);
	/* the plan is gone: the undo record is enough */
	*t = (struct plan_lambda){.function = NULL};
	f->env.account = "111122223333";
	expect(f, "{\"t\":\"lambda\",\"f\":\"checkout\",\"a\":\"live\"}", "lambda:checkout:live" AT,
	       NULL);
	expect_unreadable(f);
}

static void a_rule_is_its_arn(void **state)
{
	struct fixture *f = *state;
	struct lb_record r = lb_record();

	f->plan.target.kind = TARGET_LOAD_BALANCER;
	f->plan.target.lb.resource_arn = RULE;
	expect(f, "", RULE, NULL);
	assert_int_equal(lb_record_store(&r, f->undo, &f->err), 0);
	expect(f, f->undo, RULE, NULL);
	f->plan.target.lb.resource_arn = NULL;
	expect(f, f->undo, RULE, NULL);
	expect_unreadable(f);
}

static void a_group_its_twin_and_what_is_live(void **state)
{
	struct fixture *f = *state;
	struct as_record r = {.lb = lb_record(),
			      .live = "shop-1a2b3c4d5e",
			      .base = "shop",
			      .size = {1, 4, 2},
			      .template_id = "lt-1",
			      .template_version = 3};

	f->plan.target.kind = TARGET_AUTO_SCALING;
	f->plan.target.auto_scaling = (struct plan_auto_scaling){.group = "shop", .twin = "shop-2"};
	expect(f, "", "auto-scaling:shop" AT, "auto-scaling:shop-2" AT, NULL);
	f->plan.target.auto_scaling.twin = NULL;
	assert_int_equal(as_record_store(&r, f->undo, &f->err), 0);
	/* a plan that names the copy by its own name means the same one */
	expect(f, f->undo, "auto-scaling:shop" AT, "auto-scaling:shop-1a2b3c4d5e" AT, RULE, NULL);
	expect_unreadable(f);
}

static void an_environment_by_name_and_cname(void **state)
{
	struct fixture *f = *state;
	struct plan_beanstalk *t = &f->plan.target.beanstalk;
	struct bean_record r = {.method = BEANSTALK_BY_SWAP,
				.application = "web",
				.baseline = "e-live",
				.name = "web-blue",
				.label = "v1",
				.cname = "Web-Prod.eu-central-1.elasticbeanstalk.com",
				.candidate = "web-rw0123456789",
				.twin = ""};

	f->plan.target.kind = TARGET_BEANSTALK;
	*t = (struct plan_beanstalk){.application = "web",
				     .cname = "web-prod.eu-central-1.elasticbeanstalk.com"};
	expect(f, "", "beanstalk:cname/web-prod.eu-central-1.elasticbeanstalk.com" AT, NULL);
	assert_int_equal(bean_record_store(&r, f->undo, &f->err), 0);
	/* the clone is the rollout's own */
	expect(f, f->undo, "beanstalk:cname/web-prod.eu-central-1.elasticbeanstalk.com" AT,
	       "beanstalk:web-blue" AT, NULL);
	*t = (struct plan_beanstalk){
		.application = "web", .environment = "web-blue", .twin = "web-green"};
	expect(f, "", "beanstalk:web-blue" AT, "beanstalk:web-green" AT, NULL);
	/* by weights the rule is the target, too */
	r.method = BEANSTALK_BY_LOAD_BALANCER;
	r.candidate = "web-green";
	r.twin = "e-twin";
	r.lb = lb_record();
	assert_int_equal(bean_record_store(&r, f->undo, &f->err), 0);
	f->plan.target.lb.resource_arn = RULE;
	expect(f, f->undo, "beanstalk:web-blue" AT, "beanstalk:web-green" AT, RULE, NULL);
	f->plan.target.lb.resource_arn = NULL;
	expect(f, f->undo, "beanstalk:web-blue" AT, "beanstalk:web-green" AT, RULE, NULL);
	expect_unreadable(f);
}

static void a_service_and_the_rule_before_it(void **state)
{
	struct fixture *f = *state;
	struct ecs_record r = {.method = ECS_NATIVE,
			       .cluster = "prod",
			       .service = "web",
			       .definition = "web:7",
			       .desired = 2,
			       .other = "",
			       .lb = lb_record()};

	f->plan.target.kind = TARGET_ECS;
	f->plan.target.ecs = (struct plan_ecs){.cluster = "prod", .service = "web"};
	expect(f, "", "ecs:prod/web" AT, NULL);
	assert_int_equal(ecs_record_store(&r, f->undo, &f->err), 0);
	expect(f, f->undo, "ecs:prod/web" AT, RULE, NULL);
	f->plan.target.ecs.method = ECS_TWO_SERVICES;
	expect(f, "", "ecs:prod/web" AT, "ecs:prod/web-twin" AT, NULL);
	r.method = ECS_TWO_SERVICES;
	r.service = "web-twin";
	r.other = "web";
	r.other_desired = 0;
	assert_int_equal(ecs_record_store(&r, f->undo, &f->err), 0);
	expect(f, f->undo, "ecs:prod/web" AT, "ecs:prod/web-twin" AT, RULE, NULL);
	/* the plan is gone */
	f->plan.target.ecs = (struct plan_ecs){.cluster = NULL};
	expect(f, f->undo, "ecs:prod/web-twin" AT, "ecs:prod/web" AT, RULE, NULL);
	expect_unreadable(f);
}

static void nothing_is_claimed_for_nothing(void **state)
{
	struct fixture *f = *state;

	claims_add(&f->env, &f->c, NULL);
	claims_add(&f->env, &f->c, "");
	claims_add_name(&f->env, &f->c, "ecs", NULL);
	claims_add_name(&f->env, &f->c, "ecs", "");
	claims_add_arn(&f->env, &f->c, "lambda", NULL, ":live");
	claims_add_arn(&f->env, &f->c, "lambda", "", ":live");
	assert_int_equal(f->c.n, 0);
	for (int i = 0; i < 2 * TARGET_CLAIMS_MAX; i++)
		claims_add(&f->env, &f->c, "the same");
	assert_int_equal(f->c.n, 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_function_has_one_name),	      T(a_rule_is_its_arn),
		T(a_group_its_twin_and_what_is_live), T(an_environment_by_name_and_cname),
		T(a_service_and_the_rule_before_it),  T(nothing_is_claimed_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
