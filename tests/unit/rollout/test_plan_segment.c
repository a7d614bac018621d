#include "tests/unit/rollout/plan_fixture.h"

#include <stdio.h>

/* Segments in the plan file, in steps and in the one-line form; what is refused, and the digest. */

#define ALARM "guards:\n  - { alarm: a }\n"
#define BEHIND_ALB "rollout: 1\ntarget: { load_balancer: { rule: \"" RULE "\" } }\n" ALARM
#define BEHIND_NLB "rollout: 1\ntarget: { load_balancer: { listener: \"" LISTENER "\" } }\n" ALARM
#define LAMBDA "rollout: 1\ntarget: { lambda: { function: checkout, alias: live } }\n" ALARM
#define STAFF "segments: { staff: { header: { name: X-Team, values: [staff, qa*] } } }\n"
#define ONE "strategy: { canary: { steps: [ { segment: staff, for: 10m } ] } }\n"
#define ROLE "arn:aws:iam::111122223333:role/staff"

static const char ALL[] = BEHIND_ALB "segments:\n"
				     "  staff:\n"
				     "    header: { name: X-Team, values: [staff] }\n"
				     "    cookie: { name: beta, value: \"on\" }\n"
				     "    source_ip: 10.0.0.0/8\n"
				     "  anyone:\n"
				     "    query: { value: \"beta?\" }\n"
				     "  guests:\n"
				     "    query: { key: guest, value: 1 }\n"
				     "    source_ip: [203.0.113.0/24, \"2001:db8::/32\"]\n"
				     "strategy:\n"
				     "  canary:\n"
				     "    steps:\n"
				     "      - { segment: staff, for: 10m }\n"
				     "      - { weight: 5, for: 20m }\n"
				     "      - { segment: guests, for: 5m, approve: true }\n"
				     "      - { weight: 25, for: 10m }\n"
				     "      - { segment: anyone, for: 0s }\n";

static void segments_are_read_and_ordered(void **state)
{
	static const struct plan_step wanted[] = {{0, 0, 600000, false},
						  {-1, 500, 1200000, false},
						  {2, 500, 300000, true},
						  {-1, 2500, 600000, false},
						  {1, 2500, 0, false}};
	struct plan_fixture *f = *state;
	const struct plan_segment *s;

	file(f, ALL);
	read_ok(f);
	assert_int_equal(f->plan->n_segments, 3);
	assert_int_equal(f->plan->n_steps, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(f->plan->steps[i].segment, wanted[i].segment);
		assert_int_equal(f->plan->steps[i].weight_bp, wanted[i].weight_bp);
		assert_int_equal(f->plan->steps[i].watch_ms, wanted[i].watch_ms);
		assert_int_equal(f->plan->steps[i].approve, wanted[i].approve);
	}
	assert_int_equal(plan_segments_used(f->plan), 7);
	s = &f->plan->segments[0];
	assert_string_equal(s->name, "staff");
	assert_string_equal(s->place, "rollout.yaml:6: segments.staff");
	assert_string_equal(s->header, "X-Team");
	assert_string_equal(s->values[0], "staff");
	assert_int_equal(plan_segment_values(s), 3);
	assert_int_equal(plan_segment_wildcards(s), 2); /* a cookie's own */
	assert_string_equal(plan_segment_text(f->arena, s),
			    "header X-Team: staff, and cookie beta=on, and source 10.0.0.0/8");
	assert_string_equal(plan_segment_text(f->arena, &f->plan->segments[1]), "query beta?");
	assert_int_equal(plan_segment_wildcards(&f->plan->segments[1]), 1);
	assert_string_equal(plan_segment_text(f->arena, &f->plan->segments[2]),
			    "query guest=1, and source 203.0.113.0/24 or 2001:db8::/32");
}

static void principals_are_for_lambda(void **state)
{
	struct plan_fixture *f = *state;

	file(f, LAMBDA "segments: { staff: { principals: [\"" ROLE
		       "\", \"arn:aws:iam::111122223333:root\"] } }\n" ONE);
	read_ok(f);
	assert_int_equal(f->plan->segments[0].n_principals, 2);
	assert_int_equal(plan_segment_values(&f->plan->segments[0]), 0);
	assert_string_equal(plan_segment_text(f->arena, &f->plan->segments[0]),
			    "principal " ROLE " or arn:aws:iam::111122223333:root");
}

static void one_line_names_segments_too(void **state)
{
	struct plan_fixture *f = *state;

	file(f, BEHIND_ALB STAFF "strategy: \"canary @staff 10m, 5% 10m bake 5m\"\n");
	read_ok(f);
	assert_int_equal(f->plan->n_steps, 2);
	assert_int_equal(f->plan->steps[0].segment, 0);
	assert_int_equal(f->plan->steps[0].weight_bp, 0);
	assert_int_equal(f->plan->steps[0].watch_ms, 10 * MINUTE_MS);
	assert_int_equal(f->plan->steps[1].segment, -1);
	assert_int_equal(f->plan->bake_ms, 5 * MINUTE_MS);
	/* the action's configuration may name those of the file */
	prop(f, "Strategy", "canary 5% 10m, @staff 5m");
	read_ok(f);
	assert_int_equal(f->plan->steps[1].segment, 0);
	assert_int_equal(f->plan->steps[1].weight_bp, 500);
	prop(f, "Strategy", "canary @nobody 5m");
	expect_only(f, "Strategy: \"nobody\": there is no segment of this name; known are staff");
	prop(f, "Strategy", "canary @staff");
	expect_only(f, "Strategy: \"canary @staff\": something is missing: write how long");
	prop(f, "Strategy", "canary @ 5m");
	expect_only(f, "Strategy: \"\": there is no segment");
	prop(f, "Strategy", "canary 100% 5m, @staff 5m");
	expect_only(f, "Strategy, step 2: \"staff\": everybody is on the candidate already");
	prop(f, "Strategy", "canary @staff 5m, @staff 5m");
	expect_only(f, "Strategy, step 2: \"staff\": this segment is on the candidate already");
}

/* --- what is refused -------------------------------------------------------------------------- */

struct bad {
	const char *target, *segments, *says;
};

static void expect_bad(struct plan_fixture *f, const struct bad *bad, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		forget(f);
		file(f, arena_printf(f->arena, "%s%s" ONE, bad[i].target, bad[i].segments));
		read_bad(f);
		expect_problem(f, bad[i].says);
	}
}

#define SEGMENT(text) "segments: { staff: { " text " } }\n"
#define AT(text) "rollout.yaml:5: segments.staff" text

static void conditions_that_no_rule_takes(void **state)
{
	static const struct bad bad[] = {
		{BEHIND_ALB, SEGMENT("header: { name: X-Team }"),
		 AT(".header: something is missing; write { name: X-Team")},
		{BEHIND_ALB, SEGMENT("header: { values: [a] }"),
		 AT(".header: something is missing")},
		{BEHIND_ALB, SEGMENT("header: { name: Host, values: [a] }"),
		 AT(".header.name: \"Host\": write the name of a header")},
		{BEHIND_ALB, SEGMENT("header: { name: \"X-*\", values: [a] }"),
		 AT(".header.name: \"X-*\": write the name")},
		{BEHIND_ALB,
		 SEGMENT("header: { name: X2345678901234567890123456789012345678901, values: [a] "
			 "}"),
		 AT(".header.name: \"X2345678901234567890123456789012345678901\": write the name")},
		{BEHIND_ALB, SEGMENT("header: { name: X, values: [\"a\\u00e9\"] }"),
		 AT(".header.values[0]: ")},
		{BEHIND_ALB, SEGMENT("header: { name: X, values: [] }"), AT(".header")},
		{BEHIND_ALB, SEGMENT("header: { name: X, values: [a, b, c, d, e, f] }"),
		 AT(".header.values: at most 5")},
		{BEHIND_ALB, SEGMENT("header: { name: X, values: [a], regex: [b] }"),
		 AT(".header: \"regex\": unknown here")},
		{BEHIND_ALB, SEGMENT("cookie: { name: a }"), AT(".cookie: something is missing")},
		{BEHIND_ALB, SEGMENT("cookie: { value: a }"), AT(".cookie: something is missing")},
		{BEHIND_ALB, SEGMENT("cookie: beta"), AT(".cookie: a map belongs here")},
		{BEHIND_ALB, SEGMENT("query: { key: a }"), AT(".query: something is missing")},
		{BEHIND_ALB, SEGMENT("source_ip: 10.0.0.1"),
		 AT(".source_ip: \"10.0.0.1\": write a block of addresses")},
		{BEHIND_ALB, SEGMENT("source_ip: 10.0.0.1/8"),
		 AT(".source_ip: \"10.0.0.1/8\": write a")},
		{BEHIND_ALB, SEGMENT("source_ip: [\"2001:db8::1/32\"]"), AT(".source_ip[0]: ")},
		{BEHIND_ALB, SEGMENT("source_ip: 10.0.0.0/33"), AT(".source_ip: \"10.0.0.0/33\"")},
		{BEHIND_ALB, SEGMENT("source_ip: [\"::/129\"]"), AT(".source_ip[0]: \"::/129\"")},
		{BEHIND_ALB, SEGMENT("source_ip: 10.0.0/8"), AT(".source_ip: \"10.0.0/8\"")},
		{BEHIND_ALB, SEGMENT("source_ip: /8"), AT(".source_ip: \"/8\"")},
		{BEHIND_ALB,
		 SEGMENT("header: { name: X, values: [a, b, c, d] }, query: { value: a }, "
			 "source_ip: 10.0.0.0/8"),
		 AT(": its conditions have 6 values; a rule")},
		{BEHIND_ALB,
		 SEGMENT("header: { name: X, values: [\"*a*\", \"*b\"] }, cookie: { name: a, "
			 "value: \"?\" }"),
		 AT(": its conditions have 6 wildcards")},
		{BEHIND_ALB, SEGMENT(""), AT(": say who it is, by some of: header cookie")},
		{BEHIND_ALB, "segments: { staff: someone }\n", AT(": a map belongs here")},
		{BEHIND_ALB, SEGMENT("query: beta"), AT(".query: a map belongs here")},
		{BEHIND_ALB,
		 SEGMENT("cookie: { name: "
			 "n2345678901234567890123456789012345678901234567890123456, "
			 "value: v23456789012345678901234567890123456789012345678901234567890123456"
			 "7890 }"),
		 AT(".cookie: \"n2345678901234567890123456789012345678901234567890123456\": name "
		    "and "
		    "value together")},
		{BEHIND_ALB, SEGMENT("source_ip: []"), AT(": say who it is, by some of")},
		{BEHIND_ALB, SEGMENT("path: /x"), AT(": \"path\": unknown here")},
	};

	expect_bad(*state, bad, sizeof(bad) / sizeof(bad[0]));
}

static void kinds_that_the_target_cannot_tell_apart(void **state)
{
	static const struct bad bad[] = {
		{BEHIND_ALB, SEGMENT("principals: [\"" ROLE "\"]"),
		 AT(": principals are told apart for Lambda functions only")},
		{LAMBDA, SEGMENT("query: { value: a }"),
		 AT(": an alias of a Lambda function cannot see requests")},
		{LAMBDA, SEGMENT("principals: [\"" ROLE "\"], source_ip: 10.0.0.0/8"),
		 AT(": an alias of a Lambda function cannot see requests")},
		{BEHIND_NLB, SEGMENT("source_ip: 10.0.0.0/8"),
		 AT(": a Network Load Balancer does not see requests")},
		{LAMBDA, SEGMENT("principals: \"*\""), AT(".principals: \"*\": write the ARN")},
		{LAMBDA, SEGMENT("principals: sns.amazonaws.com"), AT(".principals: \"sns.amaz")},
		{LAMBDA, SEGMENT("principals: \"arn:aws:iam::111122223333:role/*\""),
		 AT(".principals: \"arn:aws:iam::111122223333:role/*\"")},
		{LAMBDA, SEGMENT("principals: \"arn:aws:iam::1:role/x\""), AT(".principals: ")},
		{LAMBDA, SEGMENT("principals: \"arn:aws:iam::111122223333:group/x\""),
		 AT(".principals: ")},
	};

	expect_bad(*state, bad, sizeof(bad) / sizeof(bad[0]));
}

static void names_and_uses(void **state)
{
	struct plan_fixture *f = *state;
	struct buf b;

	file(f, BEHIND_ALB "segments: { \"a b\": { source_ip: 10.0.0.0/8 } }\n"
			   "strategy: canary 5% 10m\n");
	read_bad(f);
	expect_problem(f, "rollout.yaml:5: segments.a b: \"a b\": a segment's name has 1 to 32");
	file(f, BEHIND_ALB "segments: [a]\nstrategy: canary 5% 10m\n");
	read_bad(f);
	expect_problem(f, "rollout.yaml:5: segments: a map belongs here, from a name");
	file(f, BEHIND_ALB STAFF "strategy: canary 5% 10m\n");
	read_ok(f);
	expect_problem(f, "rollout.yaml:5: segments.staff: \"staff\": no step uses it");
	assert_int_equal(plan_segments_used(f->plan), 0);
	file(f, BEHIND_ALB STAFF
	     "strategy: { canary: { steps: [ { segment: staff, weight: 5, for: 1m } ] } }\n");
	read_bad(f);
	expect_problem(f, "rollout.yaml:6: strategy.canary.steps[0]: a step needs a weight or a");
	file(f, BEHIND_ALB STAFF "strategy: { canary: { steps: [ { segment: qa, for: 1m } ] } }\n");
	read_bad(f);
	expect_problem(f, "rollout.yaml:6: strategy.canary.steps[0].segment: \"qa\": there is no "
			  "segment of this name; known are staff");
	/* all at once */
	file(f, BEHIND_ALB "segments: { x: { path: a }, y: {} }\n"
			   "strategy: { canary: { steps: [ { segment: z, for: 1m } ] } }\n");
	read_bad(f);
	expect_problem(f, "rollout.yaml:5: segments.x: \"path\": unknown");
	expect_problem(f, "rollout.yaml:5: segments.y: say who it is");
	expect_problem(f, "rollout.yaml:6: strategy.canary.steps[0].segment: \"z\": there is no "
			  "segment of this name; known are x, y");

	buf_init(&b, 65536);
	buf_adds(&b, BEHIND_ALB "strategy: canary 5% 10m\nsegments:\n");
	for (int i = 0; i <= LIMIT_SEGMENTS; i++)
		buf_addf(&b, "  s%d: { source_ip: 10.0.0.0/8 }\n", i);
	file(f, arena_strdup(f->arena, b.p));
	buf_release(&b);
	read_bad(f);
	expect_problem(f, "rollout.yaml:15: segments: \"s8\": at most 8 segments");
}

/* --- digest ----------------------------------------------------------------------------------- */

static const char *digest_of(struct plan_fixture *f, const char *segments)
{
	file(f, arena_printf(f->arena, "%s%s%s", BEHIND_ALB, segments,
			     "strategy: canary @staff 10m, 5% 10m\n"));
	read_ok(f);
	return arena_strdup(f->arena, f->plan->digest);
}

static void everything_about_a_segment_counts(void **state)
{
	static const char *const differ[] = {
		SEGMENT("header: { name: X-Team, values: [staff] }"),
		SEGMENT("header: { name: X-Tean, values: [staff] }"),
		SEGMENT("header: { name: X-Team, values: [staff, qa] }"),
		SEGMENT("cookie: { name: a, value: b }"),
		SEGMENT("cookie: { name: a, value: c }"),
		SEGMENT("query: { key: a, value: b }"),
		SEGMENT("query: { value: b }"),
		SEGMENT("source_ip: 10.0.0.0/8"),
		SEGMENT("source_ip: 10.0.0.0/9"),
	};
	const size_t n = sizeof(differ) / sizeof(differ[0]);
	struct plan_fixture *f = *state;
	const char *digest[sizeof(differ) / sizeof(differ[0])];

	for (size_t i = 0; i < n; i++)
		digest[i] = digest_of(f, differ[i]);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(digest[i], digest[k]);
	/* spelling does not */
	assert_string_equal(digest_of(f, "segments:\n  staff:\n    source_ip: [10.0.0.0/8]\n"),
			    digest[7]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, plan_set_up, plan_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(segments_are_read_and_ordered),
		TEST(principals_are_for_lambda),
		TEST(one_line_names_segments_too),
		TEST(conditions_that_no_rule_takes),
		TEST(kinds_that_the_target_cannot_tell_apart),
		TEST(names_and_uses),
		TEST(everything_about_a_segment_counts),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
