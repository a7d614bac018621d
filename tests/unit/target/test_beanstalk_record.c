#include "tests/unit/target/beanstalk_world.h"

/* What is remembered: undo record, candidate, and the names that follow from the rollout. */

static void expect_same(const struct bean_record *a, const struct bean_record *b)
{
	assert_int_equal(a->method, b->method);
	assert_string_equal(a->application, b->application);
	assert_string_equal(a->baseline, b->baseline);
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->label, b->label);
	assert_string_equal(a->cname, b->cname);
	assert_string_equal(a->candidate, b->candidate);
	assert_string_equal(a->twin, b->twin);
	assert_int_equal(a->instances, b->instances);
	assert_int_equal(a->min, b->min);
	assert_int_equal(a->max, b->max);
	assert_int_equal(a->twin_min, b->twin_min);
	assert_int_equal(a->twin_max, b->twin_max);
	assert_string_equal(a->policy, b->policy);
	assert_string_equal(a->percent, b->percent);
	assert_string_equal(a->minutes, b->minutes);
}

static void a_record_survives_the_token(void **state)
{
	struct bean_record twin = twin_record(), splitting = clone_record, read;
	const struct bean_record *const all[] = {&clone_record, &twin, &splitting};
	char undo[LIMIT_UNDO + 1];
	struct world *w = *state;

	splitting.method = BEANSTALK_BY_TRAFFIC_SPLITTING;
	splitting.candidate = "";
	splitting.cname = "";
	splitting.policy = "Rolling";
	splitting.percent = "10";
	splitting.minutes = "5";
	splitting.label = "";
	for (size_t i = 0; i < 3; i++) {
		if (bean_record_store(all[i], undo, &w->err) ||
		    bean_record_load(w->f->arena, undo, &read, &w->err))
			fail_msg("%s", w->err.text);
		expect_same(all[i], &read);
	}
}

#define ELB "arn:aws:elasticloadbalancing:eu-central-1:111122223333:"

static void the_rule_is_part_of_the_record(void **state)
{
	struct bean_record r = twin_record(), read;
	char undo[LIMIT_UNDO + 1];
	struct world *w = *state;

	r.method = BEANSTALK_BY_LOAD_BALANCER;
	r.lb = (struct lb_record){.resource = ELB "listener-rule/app/web/50dc/f2f7/9683",
				  .baseline = ELB "targetgroup/blue/73e2",
				  .candidate = ELB "targetgroup/green/73e2",
				  .groups = {{ELB "targetgroup/blue/73e2", 100, true},
					     {ELB "targetgroup/green/73e2", 0, true}},
				  .n_groups = 2};
	if (bean_record_store(&r, undo, &w->err) ||
	    bean_record_load(w->f->arena, undo, &read, &w->err))
		fail_msg("%s", w->err.text);
	expect_same(&r, &read);
	assert_string_equal(read.lb.resource, r.lb.resource);
	assert_string_equal(read.lb.candidate, r.lb.candidate);
	assert_int_equal(read.lb.n_groups, 2);
}

static void the_longest_names_fit(void **state)
{
	struct bean_record r = clone_record;
	char undo[LIMIT_UNDO + 1];
	struct world *w = *state;

	r.application = fake_repeat(w->f->arena, "a", 100);
	r.name = fake_repeat(w->f->arena, "n", 40);
	r.candidate = fake_repeat(w->f->arena, "c", 40);
	r.label = fake_repeat(w->f->arena, "v", 100);
	r.cname = fake_repeat(w->f->arena, "d", 128);
	r.instances = r.min = r.max = r.twin_min = r.twin_max = 10000;
	r.twin = "e-abcdefgh12";
	r.baseline = "e-abcdefgh12";
	assert_int_equal(bean_record_store(&r, undo, &w->err), 0);
	r.label = fake_repeat(w->f->arena, "v", 400);
	expect_error(w, bean_record_store(&r, undo, &w->err), ERR_LIMIT, "undo record");
}

static void what_is_no_record_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"{}",
		"no json",
		"{\"t\":\"lambda\",\"m\":\"s\",\"a\":\"x\",\"e\":\"e\",\"b\":\"b\",\"c\":\"c\"}",
		/* each lacks or spoils one thing */
		"{\"t\":\"beanstalk\",\"m\":\"q\",\"a\":\"x\",\"e\":\"e\",\"b\":\"b\",\"c\":\"c\","
		"\"n\":\"n\"}",
		"{\"t\":\"beanstalk\",\"m\":\"ss\",\"a\":\"x\",\"e\":\"e\",\"b\":\"b\",\"c\":\"c\","
		"\"n\":\"n\"}",
		"{\"t\":\"beanstalk\",\"m\":\"s\",\"e\":\"e\",\"b\":\"b\",\"c\":\"c\",\"n\":\"n\"}",
		"{\"t\":\"beanstalk\",\"m\":\"s\",\"a\":\"x\",\"b\":\"b\",\"c\":\"c\",\"n\":\"n\"}",
		"{\"t\":\"beanstalk\",\"m\":\"s\",\"a\":\"x\",\"e\":\"e\",\"c\":\"c\",\"n\":\"n\"}",
		"{\"t\":\"beanstalk\",\"m\":\"s\",\"a\":\"x\",\"e\":\"e\",\"b\":\"b\",\"n\":\"n\"}",
		"{\"t\":\"beanstalk\",\"m\":\"s\",\"a\":\"x\",\"e\":\"e\",\"b\":\"b\",\"c\":\"c\"}",
		"{\"t\":\"beanstalk\",\"m\":\"s\",\"a\":\"x\",\"e\":\"e\",\"b\":\"b\",\"c\":\"c\","
		"\"n\":\"n\",\"s\":[1]}",
		"{\"t\":\"beanstalk\",\"m\":\"s\",\"a\":\"x\",\"e\":\"e\",\"b\":\"b\",\"c\":\"c\","
		"\"n\":\"n\",\"y\":[1,-2]}",
		"{\"t\":\"beanstalk\",\"m\":\"s\",\"a\":\"x\",\"e\":\"e\",\"b\":\"b\",\"c\":\"c\","
		"\"n\":\"n\",\"w\":-1}",
		"{\"t\":\"beanstalk\",\"m\":\"l\",\"a\":\"x\",\"e\":\"e\",\"b\":\"b\",\"n\":\"n\","
		"\"lb\":{}}",
	};
	struct world *w = *state;
	struct bean_record r;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		w->err = ERR_INIT;
		if (bean_record_load(w->f->arena, bad[i], &r, &w->err) == 0)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(w->err.code, ERR_MALFORMED);
	}
}

static void a_candidate_survives_the_token(void **state)
{
	struct bean_candidate c = {.label = LABEL, .well_since_s = 1767323045}, read;
	char text[LIMIT_CANDIDATE + 1];
	struct world *w = *state;

	assert_int_equal(bean_candidate_store(&c, text, &w->err), 0);
	assert_int_equal(bean_candidate_load(w->f->arena, text, &read, &w->err), 0);
	assert_string_equal(read.label, LABEL);
	assert_int_equal(read.well_since_s, c.well_since_s);
	assert_int_equal(bean_candidate_load(w->f->arena, "", &read, &w->err), 0);
	assert_string_equal(read.label, "");
	expect_error(w, bean_candidate_load(w->f->arena, "{", &read, &w->err), ERR_MALFORMED, "");
	c.label = fake_repeat(w->f->arena, "l", 300);
	expect_error(w, bean_candidate_store(&c, text, &w->err), ERR_LIMIT, "candidate");
	/* a state whose candidate is none is not acted on */
	remember(w, &clone_record, LABEL, 1);
	str_copy(w->state.candidate, sizeof(w->state.candidate), STR("{"));
	expect_live(w, PHASE_WATCH, LIVE_UNREADABLE, "record in the state");
}

/* Seconds that are none, or that no clock can count in milliseconds. */
static void a_candidate_that_is_none_is_refused(void **state)
{
	static const char *const bad[] = {
		"{\"l\":\"v2\",\"h\":9223372036854775807}",
		"{\"l\":\"v2\",\"h\":-1}",
		"{\"l\":\"v2\",\"h\":\"x\"}",
	};
	struct world *w = *state;
	struct bean_candidate c;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(bean_candidate_load(w->f->arena, bad[i], &c, &w->err), -1);
		assert_int_equal(w->err.code, ERR_MALFORMED);
	}
}

static void a_clones_name_follows_from_the_rollout(void **state)
{
	static const char *const none[] = {"shop-prod",	     "-rw0123456789",  "x-rw012345678",
					   "x-rw012345678g", "x-rx0123456789", ""};
	char first[BEAN_NAME_SIZE], again[BEAN_NAME_SIZE], third[BEAN_NAME_SIZE];

	(void)state;
	bean_clone_name("shop-prod", "r-1", first);
	assert_string_equal(first, CLONE);
	assert_true(bean_is_clone_name(str_from(first)));
	bean_clone_name("shop-prod", "r-2", again);
	assert_string_not_equal(first, again);
	/* of a clone: no longer than of what that was cloned from */
	bean_clone_name(again, "r-1", third);
	assert_string_equal(first, third);
	bean_clone_name("a-name-of-forty-characters-as-long-as-it", "r-1", again);
	assert_int_equal(strlen(again), 40);
	assert_true(bean_is_clone_name(str_from(again)));
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(bean_is_clone_name(str_from(none[i])));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, eb_world_set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_record_survives_the_token),    TEST(the_rule_is_part_of_the_record),
		TEST(the_longest_names_fit),	      TEST(what_is_no_record_is_refused),
		TEST(a_candidate_survives_the_token), TEST(a_clones_name_follows_from_the_rollout),
		TEST(a_candidate_that_is_none_is_refused),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
