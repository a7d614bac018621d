#include "worker/target/load_balancer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

/* The arithmetic of weights, and the record as text. Pure. */

#define PREFIX "arn:aws:elasticloadbalancing:ap-southeast-1:111122223333:"
#define RULE PREFIX "listener-rule/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee"
#define GROUP(name) PREFIX "targetgroup/" name "/73e2d6bc24d8a067"

struct fixture {
	struct arena *arena;
	struct lb_record r;
	struct elbv2_group now[LB_GROUPS_MAX + 1];
	struct elbv2_action action;
	struct lb_forward f;
	struct err err;
};

static int set_up(void **state)
{
	struct fixture *x = xcalloc(1, sizeof(*x));

	x->arena = arena_new();
	x->r = (struct lb_record){.resource = RULE,
				  .baseline = GROUP("blue"),
				  .candidate = GROUP("green"),
				  .n_groups = 2};
	x->r.groups[0] =
		(struct elbv2_group){.arn = GROUP("blue"), .weight = 100, .has_weight = true};
	x->r.groups[1] =
		(struct elbv2_group){.arn = GROUP("green"), .weight = 0, .has_weight = true};
	x->f = (struct lb_forward){.actions = &x->action, .n_actions = 1, .groups = x->now};
	*state = x;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *x = *state;

	arena_free(x->arena);
	free(x);
	return 0;
}

static void record(struct fixture *x, const char *name, int64_t weight)
{
	x->r.groups[x->r.n_groups++] =
		(struct elbv2_group){.arn = arena_printf(x->arena, GROUP("%s"), name),
				     .weight = weight,
				     .has_weight = true};
}

static void now(struct fixture *x, const char *name, int64_t weight)
{
	x->now[x->f.n_groups++] =
		(struct elbv2_group){.arn = arena_printf(x->arena, GROUP("%s"), name),
				     .weight = weight,
				     .has_weight = true};
}

static int64_t weight_of(const struct elbv2_group *g, size_t n, const char *arn)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(g[i].arn, arn))
			return g[i].weight;
	return -1;
}

static void expect_pair(struct fixture *x, int bp, int64_t blue, int64_t green)
{
	struct elbv2_group g[LB_GROUPS_MAX + 1];
	size_t n = 0;

	if (lb_weights(&x->r, bp, g, &n, &x->err))
		fail_msg("%d: %s", bp, x->err.text);
	assert_int_equal(n, 2);
	if (weight_of(g, n, GROUP("blue")) != blue || weight_of(g, n, GROUP("green")) != green)
		fail_msg("%d: %lld %lld", bp, (long long)g[0].weight, (long long)g[1].weight);
}

static void weights_are_percent_where_they_can_be(void **state)
{
	struct fixture *x = *state;

	expect_pair(x, 0, 100, 0);
	expect_pair(x, 500, 95, 5);
	expect_pair(x, 2500, 75, 25);
	expect_pair(x, 5000, 50, 50);
	expect_pair(x, 10000, 0, 100);
	expect_pair(x, 50, 995, 5);
	expect_pair(x, 1250, 875, 125);
	expect_pair(x, 10, 999, 1);
	expect_pair(x, 16, 624, 1); /* 0.16 %: no parts of a thousand */
	/* however it was written before */
	x->r.groups[0].weight = 7;
	expect_pair(x, 500, 95, 5);
	x->r.groups[0] = (struct elbv2_group){.arn = GROUP("blue"), .weight = 1};
	x->r.n_groups = 1; /* the candidate joins */
	expect_pair(x, 0, 100, 0);
	expect_pair(x, 500, 95, 5);
}

static void every_weight_is_exact_or_refused(void **state)
{
	struct fixture *x = *state;
	struct elbv2_group g[LB_GROUPS_MAX + 1];
	int refused = 0;
	size_t n;

	for (int bp = 0; bp <= 10000; bp++) {
		int64_t blue, green;

		if (lb_weights(&x->r, bp, g, &n, &x->err)) {
			assert_int_equal(x->err.code, ERR_REJECTED);
			assert_non_null(strstr(x->err.text, "is finer than weights of 0 to 999"));
			refused++;
			continue;
		}
		blue = weight_of(g, n, GROUP("blue"));
		green = weight_of(g, n, GROUP("green"));
		assert_in_range(blue, 0, LB_WEIGHT_MAX);
		assert_in_range(green, 0, LB_WEIGHT_MAX);
		assert_int_equal(green * 10000, bp * (blue + green));
		if (bp % 100 == 0)
			assert_int_equal(blue + green, 100);
	}
	assert_in_range(refused, 1000, 9900);
	assert_int_equal(lb_weights(&x->r, 1, g, &n, &x->err), -1);
	assert_non_null(strstr(x->err.text, "0.01% is finer than"));
	assert_int_equal(lb_weights(&x->r, 1234, g, &n, &x->err), -1);
	assert_non_null(strstr(x->err.text, "12.34% is finer than"));
}

static void other_groups_keep_their_share(void **state)
{
	struct fixture *x = *state;
	struct elbv2_group g[LB_GROUPS_MAX + 1];
	int written = 0;
	size_t n;

	x->r.groups[0].weight = 60;
	record(x, "red", 30);
	record(x, "grey", 10);
	record(x, "idle", 0);
	for (int bp = 0; bp <= 10000; bp++) {
		int64_t sum = 0;

		if (lb_weights(&x->r, bp, g, &n, &x->err))
			continue;
		written++;
		assert_int_equal(n, 5);
		for (size_t i = 0; i < n; i++) {
			assert_in_range(g[i].weight, 0, LB_WEIGHT_MAX);
			sum += g[i].weight;
		}
		/* 60 : 30 : 10 of 100 */
		assert_int_equal(weight_of(g, n, GROUP("red")) * 10, 3 * sum);
		assert_int_equal(weight_of(g, n, GROUP("grey")) * 10, sum);
		assert_int_equal(weight_of(g, n, GROUP("idle")), 0);
		assert_int_equal(weight_of(g, n, GROUP("green")) * 100000, 6ll * bp * sum);
		/* and is recognised as such */
		x->f.n_groups = n;
		memcpy(x->now, g, n * sizeof(g[0]));
		assert_true(lb_others_agree(&x->r, &x->f));
	}
	assert_true(written > 100);
	assert_int_equal(lb_weights(&x->r, 500, g, &n, &x->err), 0);
	assert_int_equal(weight_of(g, n, GROUP("blue")), 57);
	assert_int_equal(weight_of(g, n, GROUP("green")), 3);
	assert_int_equal(weight_of(g, n, GROUP("red")), 30);
}

static void others_that_changed_are_noticed(void **state)
{
	static const struct {
		int64_t blue, green, red, idle, more; /* -1: not there */
		bool agrees;
	} cases[] = {
		{60, 0, 30, 0, -1, true},  {57, 3, 30, 0, -1, true},   {0, 60, 30, 0, -1, true},
		{2, 0, 1, 0, -1, true},	   {60, -1, 30, 0, -1, true},  {-1, 60, 30, 0, -1, true},
		{60, 0, 31, 0, -1, false}, {60, 0, 0, 0, -1, false},   {60, 0, -1, 0, -1, false},
		{60, 0, 30, 1, -1, false}, {60, 0, 30, -1, -1, false}, {60, 0, 30, 0, 5, false},
		{60, 0, 30, 0, 0, false},  {0, 0, 30, 0, -1, false},
	};
	struct fixture *x = *state;

	x->r.groups[0].weight = 60;
	record(x, "red", 30);
	record(x, "idle", 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		x->f.n_groups = 0;
		if (cases[i].blue >= 0)
			now(x, "blue", cases[i].blue);
		if (cases[i].green >= 0)
			now(x, "green", cases[i].green);
		if (cases[i].red >= 0)
			now(x, "red", cases[i].red);
		if (cases[i].idle >= 0)
			now(x, "idle", cases[i].idle);
		if (cases[i].more >= 0)
			now(x, "more", cases[i].more);
		if (lb_others_agree(&x->r, &x->f) != cases[i].agrees)
			fail_msg("case %zu", i);
	}
	assert_int_equal(lb_weight(&x->f, GROUP("red")), 30);
	assert_int_equal(lb_weight(&x->f, GROUP("nobody")), 0);
	assert_false(lb_has_group(&x->f, GROUP("nobody")));
}

static void undone_means_as_recorded(void **state)
{
	struct fixture *x = *state;
	struct elbv2_group g[LB_GROUPS_MAX];
	size_t n;

	now(x, "blue", 1);
	assert_false(lb_is_undone(&x->r, &x->f)); /* the candidate was there */
	now(x, "green", 0);
	assert_true(lb_is_undone(&x->r, &x->f));
	x->now[1].weight = 1;
	assert_false(lb_is_undone(&x->r, &x->f));
	/* with sticky clients it leaves the action */
	x->now[1].weight = 0;
	x->action.stickiness = (struct elbv2_stickiness){.present = true, .enabled = true};
	assert_false(lb_is_undone(&x->r, &x->f));
	lb_undo_groups(&x->r, &x->f, g, &n);
	assert_int_equal(n, 1);
	assert_string_equal(g[0].arn, GROUP("blue"));
	x->f.n_groups = 1;
	assert_true(lb_is_undone(&x->r, &x->f));
	/* a candidate that was not there is not there again */
	x->action.stickiness.enabled = false;
	x->r.n_groups = 1;
	assert_true(lb_is_undone(&x->r, &x->f));
	x->now[0].weight = 100;
	assert_true(lb_is_undone(&x->r, &x->f));
	x->now[0].arn = GROUP("green");
	assert_false(lb_is_undone(&x->r, &x->f));
}

/* --- the record ------------------------------------------------------------------------------ */

static void expect_round_trip(struct fixture *x, const struct lb_record *r)
{
	char undo[LIMIT_UNDO + 1];
	struct lb_record back;

	if (lb_record_store(r, undo, &x->err) || lb_record_load(x->arena, undo, &back, &x->err))
		fail_msg("%s", x->err.text);
	for (const char *p = undo; *p; p++)
		assert_in_range(*p, 0x20, 0x7e);
	assert_string_equal(back.resource, r->resource);
	assert_string_equal(back.baseline, r->baseline);
	assert_string_equal(back.candidate, r->candidate);
	assert_int_equal(back.network, r->network);
	assert_int_equal(back.n_groups, r->n_groups);
	for (size_t i = 0; i < r->n_groups; i++) {
		assert_string_equal(back.groups[i].arn, r->groups[i].arn);
		assert_int_equal(back.groups[i].weight, r->groups[i].weight);
		assert_int_equal(back.groups[i].has_weight, r->groups[i].has_weight);
	}
}

static void the_record_survives_being_text(void **state)
{
	struct fixture *x = *state;
	char candidate[LIMIT_CANDIDATE + 1];
	struct lb_record r = x->r;

	expect_round_trip(x, &r);
	r.network = true;
	expect_round_trip(x, &r);
	/* one group without a weight, and a candidate that is not in the action */
	r.n_groups = 1;
	r.groups[0] = (struct elbv2_group){.arn = GROUP("blue"), .weight = 1};
	expect_round_trip(x, &r);
	/* a group of another partition keeps its whole ARN */
	r.candidate = "arn:aws-cn:elasticloadbalancing:cn-north-1:1:targetgroup/a/b";
	expect_round_trip(x, &r);
	assert_int_equal(lb_candidate_store(&x->r, candidate, &x->err), 0);
	assert_string_equal(candidate, "{\"g\":\"targetgroup/green/73e2d6bc24d8a067\"}");
}

/* Names of load balancers and groups have 32 characters at most, ids 16. */
#define NAME_32 "abcdefghijklmnopqrstuvwxyz-00000"
#define LONG_PREFIX "arn:aws-us-gov:elasticloadbalancing:ap-southeast-1:111122223333:"
#define LONG_GROUP(i) \
	LONG_PREFIX "targetgroup/abcdefghijklmnopqrstuvwxyz-0000" i "/0123456789abcdef"

static void the_longest_record_fits(void **state)
{
	static const char *const arns[] = {LONG_GROUP("1"), LONG_GROUP("2"), LONG_GROUP("3"),
					   LONG_GROUP("4"), LONG_GROUP("5")};
	struct fixture *x = *state;
	struct lb_record r = {.resource = LONG_PREFIX
			      "listener-rule/app/" NAME_32
			      "/0123456789abcdef/0123456789abcdef/0123456789abcdef",
			      .baseline = arns[0],
			      .candidate = arns[4],
			      .network = true,
			      .n_groups = LB_GROUPS_MAX};

	for (size_t i = 0; i < LB_GROUPS_MAX; i++)
		r.groups[i] =
			(struct elbv2_group){.arn = arns[i], .weight = 999, .has_weight = true};
	expect_round_trip(x, &r);
	/* four in the action, and the candidate outside */
	r.n_groups = 4;
	expect_round_trip(x, &r);
}

static void a_record_too_long_is_refused(void **state)
{
	struct fixture *x = *state;
	char undo[LIMIT_UNDO + 1];
	struct lb_record r = x->r;
	struct buf b;

	buf_init(&b, 4096);
	buf_adds(&b, RULE);
	for (int i = 0; i < 600; i++)
		buf_addc(&b, 'x');
	r.resource = b.p;
	assert_int_equal(lb_record_store(&r, undo, &x->err), -1);
	assert_int_equal(x->err.code, ERR_LIMIT);
	assert_non_null(strstr(x->err.text, "undo record needs more than the 640 bytes"));
	buf_release(&b);
}

static void a_record_from_elsewhere_is_not_trusted(void **state)
{
	static const char good[] =
		"{\"t\":\"load_balancer\",\"r\":\"" RULE "\",\"g\":[[\"targetgroup/a/1\",1],"
		"[\"targetgroup/b/2\",0]],\"b\":0,\"c\":\"targetgroup/b/2\",\"n\":true}";
	static const struct {
		const char *from, *to;
	} bad[] = {
		{"load_balancer", "lambda"},
		{"\"t\":\"load_balancer\",", ""},
		{"listener-rule", "something"},
		{"\"r\":", "\"x\":"},
		{"\"g\":", "\"x\":"},
		{"\"g\":[", "\"g\":7,\"x\":["},
		{"\"targetgroup/a/1\",1", "\"targetgroup/a/1\",1,2"},
		{"\"targetgroup/a/1\",1", "\"targetgroup/a/1\""},
		{"\"targetgroup/a/1\",1", "\"targetgroup/a/1\",1000"},
		{"\"targetgroup/a/1\",1", "\"targetgroup/a/1\",-2"},
		{"\"targetgroup/a/1\",1", "\"targetgroup/a/1\",0.5"},
		{"\"targetgroup/a/1\",1", "\"targetgroup/a/1\",9223372036854775807"},
		{"\"targetgroup/a/1\",1", "1,1"},
		{"[\"targetgroup/a/1\",1]", "\"targetgroup/a/1\""},
		{"[[\"targetgroup/a/1\",1]", "[[\"x\",1],[\"y\",1],[\"z\",1],[\"u\",1],[\"v\",1]"},
		{"\"b\":0", "\"b\":2"},
		{"\"b\":0", "\"b\":-1"},
		{"\"b\":0", "\"b\":\"a\""},
		{"\"b\":0,", ""},
		{"\"c\":\"targetgroup/b/2\"", "\"c\":\"targetgroup/a/1\""}, /* both in one */
		{"\"c\":\"targetgroup/b/2\"", "\"c\":1"},
		{"\"c\":\"targetgroup/b/2\"", "\"c\":\"\""},
		{"\"c\":\"targetgroup/b/2\",", ""},
		{"{\"t\"", "[{\"t\""},
	};
	struct fixture *x = *state;
	struct lb_record r;

	if (lb_record_load(x->arena, good, &r, &x->err))
		fail_msg("%s", x->err.text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *at = strstr(good, bad[i].from);
		const char *text;

		assert_non_null(at);
		text = arena_printf(x->arena, "%.*s%s%s", (int)(at - good), good, bad[i].to,
				    at + strlen(bad[i].from));
		if (lb_record_load(x->arena, text, &r, &x->err) == 0)
			fail_msg("accepted: %s", text);
		assert_int_equal(x->err.code, ERR_MALFORMED);
	}
	assert_int_equal(lb_record_load(x->arena, "", &r, &x->err), -1);
	assert_int_equal(x->err.code, ERR_MALFORMED);
	assert_int_equal(lb_record_load(x->arena, "[]", &r, &x->err), -1);
	assert_string_equal(lb_load_balancer_dimension(x->arena, RULE), "app/web/50dc6c495c0c9188");
	assert_string_equal(lb_load_balancer_dimension(x->arena, "arn:x"), "");
	assert_string_equal(lb_load_balancer_dimension(x->arena, "arn:listener/app/web"), "");
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(weights_are_percent_where_they_can_be),
		T(every_weight_is_exact_or_refused),
		T(other_groups_keep_their_share),
		T(others_that_changed_are_noticed),
		T(undone_means_as_recorded),
		T(the_record_survives_being_text),
		T(the_longest_record_fits),
		T(a_record_too_long_is_refused),
		T(a_record_from_elsewhere_is_not_trusted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
