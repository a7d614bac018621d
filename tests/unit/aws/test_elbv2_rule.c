#include "aws/elbv2_rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/aws/api_model.h"

/* Rules that are made, removed and told apart: aws/elbv2_rule and aws/elbv2_condition. */

static int set_up(void **state)
{
	*state = fake_new();
	return 0;
}

static int tear_down(void **state)
{
	fake_free(*state);
	return 0;
}

static const char *answer(struct fake *f, const char *operation, const char *result)
{
	return arena_printf(f->arena,
			    "<%sResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/"
			    "2015-12-01/\"><%sResult>%s</%sResult><ResponseMetadata><RequestId>r1"
			    "</RequestId></ResponseMetadata></%sResponse>",
			    operation, operation, result, operation, operation);
}

static const char *failure(struct fake *f, const char *code)
{
	return arena_printf(f->arena,
			    "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>m"
			    "</Message></Error><RequestId>q</RequestId></ErrorResponse>",
			    code);
}

static const struct xml *parse(struct fake *f, const char *text)
{
	struct xml *root;
	struct err err = ERR_INIT;

	if (xml_parse(f->arena, str_from(text), &root, &err))
		fail_msg("%s", err.text);
	return root;
}

static size_t conditions(struct fake *f, const char *members, struct elbv2_condition **out)
{
	struct err err = ERR_INIT;
	size_t n;

	if (elbv2_conditions_parse(
		    parse(f, arena_printf(f->arena, "<Conditions>%s</Conditions>", members)),
		    f->arena, out, &n, &err))
		fail_msg("%s", err.text);
	return n;
}

#define VALUES(...) "<Values>" __VA_ARGS__ "</Values>"
#define M(text) "<member>" text "</member>"
#define PATH(text)                                                                    \
	M("<Field>path-pattern</Field>" VALUES(M(text)) "<PathPatternConfig>" VALUES( \
		M(text)) "</PathPatternConfig>")
#define HEADER(name, values)                                                  \
	M("<Field>http-header</Field><HttpHeaderConfig><HttpHeaderName>" name \
	  "</HttpHeaderName>" VALUES(values) "</HttpHeaderConfig>")

#define BLOCK(text) \
	M("<Field>source-ip</Field><SourceIpConfig>" VALUES(M(text)) "</SourceIpConfig>")

/* --- conditions ------------------------------------------------------------------------------- */

/* What is read of an answer, and what is written of that. */
static void test_every_kind_there_and_back(void **state)
{
	static const struct {
		const char *members, *form;
		size_t values, wildcards;
	} cases[] = {
		{PATH("/pay/*"),
		 "&Conditions.member.1.Field=path-pattern"
		 "&Conditions.member.1.PathPatternConfig.Values.member.1=%2Fpay%2F%2A",
		 1, 1},
		{M("<Field>host-header</Field>" VALUES(M("a.example.com"))),
		 "&Conditions.member.1.Field=host-header"
		 "&Conditions.member.1.HostHeaderConfig.Values.member.1=a.example.com",
		 1, 0},
		{M("<Field>host-header</Field><RegexValues><member>^a?.*$</member></RegexValues>"
		   "<HostHeaderConfig><RegexValues><member>^a?.*$</member></RegexValues>"
		   "</HostHeaderConfig>"),
		 "&Conditions.member.1.Field=host-header"
		 "&Conditions.member.1.HostHeaderConfig.RegexValues.member.1=%5Ea%3F.%2A%24",
		 1, 0},
		{HEADER("Cookie", M("*staff=1*") M(" a b?")),
		 "&Conditions.member.1.Field=http-header"
		 "&Conditions.member.1.HttpHeaderConfig.HttpHeaderName=Cookie"
		 "&Conditions.member.1.HttpHeaderConfig.Values.member.1=%2Astaff%3D1%2A"
		 "&Conditions.member.1.HttpHeaderConfig.Values.member.2=%20a%20b%3F",
		 2, 3},
		{M("<Field>query-string</Field><QueryStringConfig>" VALUES(
			 M("<Key>beta</Key><Value>on*</Value>")
				 M("<Value>all</Value>")) "</QueryStringConfig>"),
		 "&Conditions.member.1.Field=query-string"
		 "&Conditions.member.1.QueryStringConfig.Values.member.1.Key=beta"
		 "&Conditions.member.1.QueryStringConfig.Values.member.1.Value=on%2A"
		 "&Conditions.member.1.QueryStringConfig.Values.member.2.Value=all",
		 2, 1},
		{M("<Field>source-ip</Field><SourceIpConfig>" VALUES(
			 M("10.0.0.0/8") M("2001:db8::/32")) "</SourceIpConfig>"),
		 "&Conditions.member.1.Field=source-ip"
		 "&Conditions.member.1.SourceIpConfig.Values.member.1=10.0.0.0%2F8"
		 "&Conditions.member.1.SourceIpConfig.Values.member.2=2001%3Adb8%3A%3A%2F32",
		 2, 0},
		{M("<Field>http-request-method</Field><HttpRequestMethodConfig>" VALUES(
			 M("GET")) "</HttpRequestMethodConfig>"),
		 "&Conditions.member.1.Field=http-request-method"
		 "&Conditions.member.1.HttpRequestMethodConfig.Values.member.1=GET",
		 1, 0},
	};
	struct fake *f = *state;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct elbv2_condition *c, *again;
		struct buf b;

		assert_int_equal(conditions(f, cases[i].members, &c), 1);
		assert_true(c[0].whole);
		buf_init(&b, 4096);
		if (elbv2_conditions_format(&b, c, 1, &err))
			fail_msg("%s", err.text);
		assert_string_equal(b.p, cases[i].form);
		buf_release(&b);
		assert_int_equal(elbv2_conditions_values(c, 1), cases[i].values);
		assert_int_equal(elbv2_conditions_wildcards(c, 1), cases[i].wildcards);
		conditions(f, cases[i].members, &again);
		assert_true(elbv2_conditions_same(c, 1, again, 1));
	}
}

/* What is not understood whole is never given again, and never the same as anything. */
static void test_what_is_not_whole(void **state)
{
	static const char *const cases[] = {
		M("<Field>moon-phase</Field>" VALUES(M("full"))),
		M("<Field>source-ip</Field><SourceIpConfig><IpAddressType>ipv4</IpAddressType>"
		  "</SourceIpConfig>"),
		M("<Field>http-header</Field><HttpHeaderConfig><HttpHeaderName>X</HttpHeaderName>"
		  "<Sense>not</Sense>" VALUES(M("1")) "</HttpHeaderConfig>"),
		M("<Field>path-pattern</Field><Negate>true</Negate>" VALUES(M("/x"))),
		M("<Field>query-string</Field><QueryStringConfig>" VALUES(
			M("<Key>a</Key><Value>b</Value><Case>no</Case>")) "</QueryStringConfig>"),
		M("<Field>path-pattern</Field>"),
	};
	struct fake *f = *state;
	struct elbv2_condition *c, none = {.field = "source-ip", .whole = true},
				   nothing = {.whole = true};
	struct err err = ERR_INIT;
	struct buf b;
	size_t n;

	buf_init(&b, 4096);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(conditions(f, cases[i], &c), 1);
		if (c[0].whole)
			fail_msg("%s", cases[i]);
		err = ERR_INIT;
		assert_int_equal(elbv2_conditions_format(&b, c, 1, &err), -1);
		assert_int_equal(err.code, ERR_REJECTED);
		assert_false(elbv2_conditions_same(c, 1, c, 1));
	}
	assert_int_equal(elbv2_conditions_format(&b, &none, 1, &err), -1);
	assert_non_null(strstr(err.text, "has no value"));
	assert_int_equal(elbv2_conditions_format(&b, &nothing, 1, &err), -1);
	buf_release(&b);
	assert_int_equal(elbv2_conditions_parse(parse(f, "<Conditions><member/></Conditions>"),
						f->arena, &c, &n, &err),
			 -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_int_equal(elbv2_conditions_parse(NULL, f->arena, &c, &n, &err), 0);
	assert_int_equal(n, 0);
}

static void test_same_in_any_order(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{PATH("/a") HEADER("X", M("1") M("2")), HEADER("x", M("2") M("1")) PATH("/a"),
		 true},
		{PATH("/a"), PATH("/A"), false},
		{PATH("/a"), PATH("/a") PATH("/b"), false},
		{PATH("/a") PATH("/a"), PATH("/a") PATH("/b"), false},
		{HEADER("X", M("1")), HEADER("Y", M("1")), false},
		{HEADER("X", M("1")), HEADER("X", M("1") M("1")), false},
		{HEADER("X", M("1") M("1") M("2")), HEADER("X", M("1") M("2") M("2")), false},
		{"", "", true},
		{BLOCK("2001:DB8::/32"), BLOCK("2001:db8:0::/32"), true},
		{BLOCK("10.0.0.0/8"), BLOCK("10.0.0.0/9"), false},
		{BLOCK("10.0.0.0/8"), BLOCK("11.0.0.0/8"), false},
		{BLOCK("0.0.0.0/8"), BLOCK("::/8"), false},
		{BLOCK("10.0.0.0/x"), BLOCK("10.0.0.0/y"), false},
		{BLOCK("10.0.0.0"), BLOCK("10.0.0"), false},
		{M("<Field>query-string</Field>" VALUES(M("<Key>k</Key><Value>v</Value>"))),
		 M("<Field>query-string</Field>" VALUES(M("<Value>v</Value>"))), false},
		{M("<Field>query-string</Field>" VALUES(M("<Value>w</Value>"))),
		 M("<Field>query-string</Field>" VALUES(M("<Value>v</Value>"))), false},
		{M("<Field>host-header</Field><RegexValues>" M("a") "</RegexValues>"),
		 M("<Field>host-header</Field>" VALUES(M("a"))), false},
	};
	struct fake *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct elbv2_condition *a, *b;
		size_t n_a = conditions(f, cases[i].a, &a), n_b = conditions(f, cases[i].b, &b);

		if (elbv2_conditions_same(a, n_a, b, n_b) != cases[i].same ||
		    elbv2_conditions_same(b, n_b, a, n_a) != cases[i].same)
			fail_msg("%zu: %s and %s", i, cases[i].a, cases[i].b);
	}
}

static void test_priorities(void **state)
{
	static const struct {
		struct elbv2_rule rule;
		int64_t priority;
	} cases[] = {
		{{.priority = "1"}, 1},	       {{.priority = "50000"}, 50000},
		{{.priority = "50001"}, -1},   {{.priority = "0"}, -1},
		{{.priority = NULL}, -1},      {{.priority = "default", .is_default = true}, 0},
		{{.priority = "default"}, -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(elbv2_rule_priority(&cases[i].rule), cases[i].priority);
}

/* --- making and removing ---------------------------------------------------------------------- */

static const char *const values[] = {"staff"};
static const struct elbv2_condition header = {
	.field = "http-header", .header = "X-Team", .values = values, .n_values = 1, .whole = true};
static const struct elbv2_group group = {"green", 1, true};
static const struct elbv2_action forward = {.type = "forward", .groups = &group, .n_groups = 1};
static const struct elbv2_tag tags[] = {{"rollout-worker:rollout", "id 1"}, {"k", ""}};

static struct elbv2_new_rule new_rule(void)
{
	return (struct elbv2_new_rule){.listener_arn = "l1",
				       .priority = 9,
				       .conditions = &header,
				       .n_conditions = 1,
				       .actions = {&forward, 1},
				       .tags = tags,
				       .n_tags = 2};
}

static void test_create_rule(void **state)
{
	struct fake *f = *state;
	struct elbv2_new_rule rule = new_rule();
	struct elbv2_rule made;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL,
		    answer(f, "CreateRule",
			   "<Rules><member><RuleArn>r9</RuleArn><Priority>9</Priority>"
			   "<Transforms><member><Type>host-header-rewrite</Type></member>"
			   "</Transforms></member></Rules>"));
	if (elbv2_create_rule(&f->client, &rule, f->arena, &made, &err))
		fail_msg("%s", err.text);
	assert_string_equal(
		fake_sent(f, 0)->body.p,
		"Action=CreateRule&Version=2015-12-01&ListenerArn=l1&Priority=9"
		"&Conditions.member.1.Field=http-header"
		"&Conditions.member.1.HttpHeaderConfig.HttpHeaderName=X-Team"
		"&Conditions.member.1.HttpHeaderConfig.Values.member.1=staff"
		"&Actions.member.1.Type=forward"
		"&Actions.member.1.ForwardConfig.TargetGroups.member.1.TargetGroupArn=green"
		"&Actions.member.1.ForwardConfig.TargetGroups.member.1.Weight=1"
		"&Tags.member.1.Key=rollout-worker%3Arollout&Tags.member.1.Value=id%201"
		"&Tags.member.2.Key=k&Tags.member.2.Value=");
	api_check(f, 0, "elbv2", "CreateRule");
	assert_string_equal(made.arn, "r9");
	assert_true(made.has_transforms);
}

/* A rule has no token: whatever may have made it is not sent again. */
static void test_create_rule_is_sent_once(void **state)
{
	struct fake *f = *state;
	struct elbv2_new_rule rule = new_rule();
	struct elbv2_rule made;
	struct err err = ERR_INIT;

	fake_fail(f, ERR_TIMEOUT, true);
	assert_int_equal(elbv2_create_rule(&f->client, &rule, f->arena, &made, &err), -1);
	assert_int_equal(err.code, ERR_TIMEOUT);
	assert_true(err.sent);
	assert_true(fake_done(f));

	err = ERR_INIT;
	fake_answer(f, 500, NULL, failure(f, "InternalFailure"));
	assert_int_equal(elbv2_create_rule(&f->client, &rule, f->arena, &made, &err), -1);
	assert_true(err.sent);
	assert_true(fake_done(f));

	err = ERR_INIT; /* made, but the answer does not say what */
	fake_answer(f, 200, NULL, answer(f, "CreateRule", "<Rules/>"));
	assert_int_equal(elbv2_create_rule(&f->client, &rule, f->arena, &made, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_true(err.sent);
	err = ERR_INIT;
	fake_answer(f, 200, NULL, "<Other/>");
	assert_int_equal(elbv2_create_rule(&f->client, &rule, f->arena, &made, &err), -1);
	assert_true(err.sent);

	err = ERR_INIT;
	fake_answer(f, 200, NULL,
		    answer(f, "CreateRule",
			   "<Rules><member><RuleArn>r</RuleArn><Actions><member/></Actions>"
			   "</member></Rules>"));
	assert_int_equal(elbv2_create_rule(&f->client, &rule, f->arena, &made, &err), -1);
	assert_non_null(strstr(err.text, "rule r: an action has no type"));
	err = ERR_INIT;
	fake_answer(f, 400, NULL, failure(f, "PriorityInUse"));
	assert_int_equal(elbv2_create_rule(&f->client, &rule, f->arena, &made, &err), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
	assert_false(err.sent);
	assert_true(fake_done(f));
}

static void test_rules_that_cannot_be(void **state)
{
	struct fake *f = *state;
	struct elbv2_condition half = {.field = "source-ip"};
	struct elbv2_new_rule bad[6];
	struct elbv2_rule made;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < 6; i++)
		bad[i] = new_rule();
	bad[0].listener_arn = "";
	bad[1].n_conditions = 0;
	bad[2].actions.n = 0;
	bad[3].priority = 0;
	bad[4].priority = 50001;
	bad[5].conditions = &half;
	for (size_t i = 0; i < 6; i++) {
		err = ERR_INIT;
		assert_int_equal(elbv2_create_rule(&f->client, &bad[i], f->arena, &made, &err), -1);
		assert_int_equal(err.code, ERR_REJECTED);
	}
	assert_int_equal(f->n_requests, 0);
}

static void test_delete_rule(void **state)
{
	struct fake *f = *state;
	struct err err = ERR_INIT;

	fake_fail(f, ERR_TIMEOUT, true); /* again is harmless */
	fake_answer(f, 200, NULL, answer(f, "DeleteRule", ""));
	if (elbv2_delete_rule(&f->client, "r9", f->arena, &err))
		fail_msg("%s", err.text);
	assert_string_equal(fake_sent(f, 1)->body.p,
			    "Action=DeleteRule&Version=2015-12-01&RuleArn=r9");
	api_check(f, 1, "elbv2", "DeleteRule");
	fake_answer(f, 400, NULL, failure(f, "RuleNotFound"));
	assert_int_equal(elbv2_delete_rule(&f->client, "r9", f->arena, &err), 0);
	assert_int_equal(err.code, ERR_OK);
	fake_answer(f, 400, NULL, failure(f, "OperationNotPermitted"));
	assert_int_equal(elbv2_delete_rule(&f->client, "r9", f->arena, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_true(fake_done(f));
	assert_int_equal(elbv2_delete_rule(&f->client, "", f->arena, &err), -1);
	assert_true(fake_done(f));
}

/* --- tags ------------------------------------------------------------------------------------- */

static void test_tags_of_many(void **state)
{
	struct fake *f = *state;
	const char *arns[21], *first;
	struct elbv2_tags *all;
	struct err err = ERR_INIT;
	struct buf b;

	buf_init(&b, 65536);
	for (size_t i = 0; i < 21; i++)
		arns[i] = arena_printf(f->arena, "r%zu", i);
	for (size_t i = 20; i-- > 0;) /* in another order than asked for */
		buf_addf(&b,
			 "<member><ResourceArn>r%zu</ResourceArn><Tags><member><Key>n</Key><Value>"
			 "%zu</Value></member><member><Key>e</Key></member></Tags></member>",
			 i, i);
	first = arena_printf(f->arena, "<TagDescriptions>%s</TagDescriptions>", b.p);
	buf_release(&b);
	fake_answer(f, 200, NULL, answer(f, "DescribeTags", first));
	fake_answer(f, 200, NULL,
		    answer(f, "DescribeTags",
			   "<TagDescriptions><member><ResourceArn>r20</ResourceArn><Tags/></member>"
			   "</TagDescriptions>"));
	if (elbv2_describe_tags(&f->client, arns, 21, f->arena, &all, &err))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < 20; i++)
		assert_string_equal(elbv2_tag_get(&all[i], "n"), arena_printf(f->arena, "%zu", i));
	assert_string_equal(elbv2_tag_get(&all[0], "e"), "");
	assert_null(elbv2_tag_get(&all[0], "other"));
	assert_int_equal(all[20].n, 0);
	assert_string_equal(fake_sent(f, 1)->body.p,
			    "Action=DescribeTags&Version=2015-12-01&ResourceArns.member.1=r20");
	api_check(f, 0, "elbv2", "DescribeTags");
	assert_true(fake_done(f));
	assert_int_equal(elbv2_describe_tags(&f->client, arns, 0, f->arena, &all, &err), 0);
	assert_true(fake_done(f));
}

/* A rule without tags and a rule that the answer forgot are different things. */
static void test_tags_that_are_missing(void **state)
{
	struct fake *f = *state;
	const char *arns[] = {"r1"};
	struct elbv2_tags *all;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL, answer(f, "DescribeTags", "<TagDescriptions/>"));
	assert_int_equal(elbv2_describe_tags(&f->client, arns, 1, f->arena, &all, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	fake_answer(f, 200, NULL,
		    answer(f, "DescribeTags",
			   "<TagDescriptions><member><ResourceArn>r1</ResourceArn><Tags><member>"
			   "<Value>v</Value></member></Tags></member></TagDescriptions>"));
	assert_int_equal(elbv2_describe_tags(&f->client, arns, 1, f->arena, &all, &err), -1);
	assert_non_null(strstr(err.text, "a tag has no key"));
	fake_answer(f, 400, NULL, failure(f, "RuleNotFound"));
	assert_int_equal(elbv2_describe_tags(&f->client, arns, 1, f->arena, &all, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_every_kind_there_and_back),
		TEST(test_what_is_not_whole),
		TEST(test_same_in_any_order),
		TEST(test_priorities),
		TEST(test_create_rule),
		TEST(test_create_rule_is_sent_once),
		TEST(test_rules_that_cannot_be),
		TEST(test_delete_rule),
		TEST(test_tags_of_many),
		TEST(test_tags_that_are_missing),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
