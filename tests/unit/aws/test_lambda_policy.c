#include "aws/lambda_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/aws/api_model.h"

#define HOST "https://lambda.eu-central-1.amazonaws.com"
#define POLICY "/2015-03-31/functions/checkout/policy"
#define ROLE "arn:aws:iam::111122223333:role/staff"

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

static void expect_request(struct fake *f, size_t i, const char *method, const char *url,
			   const char *body, const char *operation)
{
	assert_string_equal(fake_sent(f, i)->method, method);
	assert_string_equal(fake_sent(f, i)->url, arena_printf(f->arena, HOST "%s", url));
	assert_string_equal(fake_sent(f, i)->body.p, body);
	api_check(f, i, "lambda", operation);
}

static const struct lambda_permission permission = {
	.function = "checkout", .qualifier = "live-staff", .statement = "s1", .principal = ROLE};

static void test_add_permission(void **state)
{
	struct fake *f = *state;
	struct err err = ERR_INIT;

	fake_answer(f, 201, NULL, "{\"Statement\":\"{}\"}");
	if (lambda_add_permission(&f->client, &permission, f->arena, &err))
		fail_msg("%s", err.text);
	expect_request(f, 0, "POST", POLICY "?Qualifier=live-staff",
		       "{\"StatementId\":\"s1\",\"Action\":\"lambda:InvokeFunction\","
		       "\"Principal\":\"" ROLE "\"}",
		       "AddPermission");

	/* it may have been added: read, do not add again */
	fake_again(f);
	fake_fail(f, ERR_TIMEOUT, true);
	assert_int_equal(lambda_add_permission(&f->client, &permission, f->arena, &err), -1);
	assert_true(err.sent);
	assert_true(fake_done(f));
	err = ERR_INIT;
	fake_answer(f, 409, NULL, "{\"Type\":\"User\",\"Message\":\"exists\"}");
	assert_int_equal(lambda_add_permission(&f->client, &permission, f->arena, &err), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
	assert_false(err.sent);
}

static void test_names_that_would_be_other_paths(void **state)
{
	static const struct lambda_permission bad[] = {
		{"", "q", "s", "p"},   {"f", NULL, "s", "p"}, {"f", "", "s", "p"},
		{"f", "..", "s", "p"}, {"f", "q", "", "p"},   {"f", "q", "s", NULL},
	};
	struct fake *f = *state;
	struct lambda_statement *list;
	struct err err = ERR_INIT;
	size_t n;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err = ERR_INIT;
		assert_int_equal(lambda_add_permission(&f->client, &bad[i], f->arena, &err), -1);
		assert_int_equal(err.code, ERR_REJECTED);
	}
	assert_int_equal(lambda_remove_permission(&f->client, "f", "q", "", f->arena, &err), -1);
	assert_int_equal(lambda_remove_permission(&f->client, "f", "q", ".", f->arena, &err), -1);
	assert_int_equal(lambda_remove_permission(&f->client, "f", NULL, "s", f->arena, &err), -1);
	assert_int_equal(lambda_get_policy(&f->client, "f", NULL, f->arena, &list, &n, &err), -1);
	assert_int_equal(f->n_requests, 0);
}

static void test_remove_permission(void **state)
{
	struct fake *f = *state;
	struct err err = ERR_INIT;

	fake_fail(f, ERR_TIMEOUT, true); /* again is harmless */
	fake_answer(f, 204, NULL, "");
	if (lambda_remove_permission(&f->client, "checkout", "live-staff", "s/1", f->arena, &err))
		fail_msg("%s", err.text);
	expect_request(f, 1, "DELETE", POLICY "/s%2F1?Qualifier=live-staff", "",
		       "RemovePermission");
	fake_answer(f, 404, NULL, "{\"Message\":\"no policy\"}");
	assert_int_equal(lambda_remove_permission(&f->client, "checkout", "live-staff", "s1",
						  f->arena, &err),
			 0);
	assert_int_equal(err.code, ERR_OK);
	fake_answer(f, 412, NULL, "{\"Message\":\"moved\"}");
	assert_int_equal(lambda_remove_permission(&f->client, "checkout", "live-staff", "s1",
						  f->arena, &err),
			 -1);
	assert_int_equal(err.code, ERR_CONFLICT);
}

static const char *policy(struct fake *f, const char *document)
{
	struct json_out o;
	struct buf b;
	const char *text;

	buf_init(&b, 65536);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_cstr(&o, "Policy", document);
	json_member_cstr(&o, "RevisionId", "rev-1");
	json_out_end(&o);
	text = str_dup(f->arena, buf_str(&b));
	buf_release(&b);
	return text;
}

#define STATEMENT(more)                                                          \
	"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"s1\",\"Effect\":" \
	"\"Allow\",\"Resource\":\"arn:aws:lambda:eu-central-1:1:function:f:q\"," more "}]}"

static void test_what_a_policy_says(void **state)
{
	static const struct {
		const char *document, *principal;
		bool plain;
	} cases[] = {
		{STATEMENT("\"Action\":\"lambda:InvokeFunction\",\"Principal\":{\"AWS\":\"" ROLE
			   "\"}"),
		 ROLE, true},
		{STATEMENT("\"Action\":[\"lambda:InvokeFunction\"],\"Principal\":{\"AWS\":[\"" ROLE
			   "\"]}"),
		 ROLE, true},
		{STATEMENT("\"Action\":\"lambda:InvokeFunction\",\"Principal\":\"*\""), "*", true},
		{STATEMENT("\"Action\":\"lambda:*\",\"Principal\":{\"AWS\":\"a\"}"), "a", false},
		{STATEMENT("\"Action\":\"lambda:InvokeFunction\",\"Principal\":{\"AWS\":[\"a\","
			   "\"b\"]}"),
		 NULL, false},
		{STATEMENT("\"Action\":\"lambda:InvokeFunction\",\"Principal\":{\"AWS\":\"a\","
			   "\"Service\":\"b\"}"),
		 NULL, false},
		{STATEMENT("\"Action\":\"lambda:InvokeFunction\",\"Principal\":{\"AWS\":\"a\"},"
			   "\"Condition\":{}"),
		 "a", false},
		{STATEMENT("\"Action\":\"lambda:InvokeFunction\""), NULL, false},
	};
	struct fake *f = *state;
	struct lambda_statement *list;
	struct err err = ERR_INIT;
	size_t n;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_again(f);
		fake_answer(f, 200, NULL, policy(f, cases[i].document));
		if (lambda_get_policy(&f->client, "checkout", "q", f->arena, &list, &n, &err))
			fail_msg("%s: %s", cases[i].document, err.text);
		expect_request(f, 0, "GET", POLICY "?Qualifier=q", "", "GetPolicy");
		assert_int_equal(n, 1);
		assert_string_equal(list[0].id, "s1");
		if (cases[i].principal)
			assert_string_equal(list[0].principal, cases[i].principal);
		else
			assert_null(list[0].principal);
		if (list[0].plain != cases[i].plain)
			fail_msg("%s", cases[i].document);
	}
	fake_answer(f, 200, NULL,
		    policy(f, "{\"Statement\":{\"Effect\":\"Deny\",\"Principal\":\"*\","
			      "\"Action\":\"lambda:InvokeFunction\"}}"));
	assert_int_equal(lambda_get_policy(&f->client, "f", "q", f->arena, &list, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(list[0].id, "");
	assert_false(list[0].plain);
	fake_answer(f, 404, NULL, "{\"Message\":\"no policy\"}");
	assert_int_equal(lambda_get_policy(&f->client, "f", "q", f->arena, &list, &n, &err), 0);
	assert_int_equal(n, 0);
}

/* A policy that cannot be read must not look like none. */
static void test_policies_that_are_none(void **state)
{
	static const char *const bad[] = {"{", "[]", "{}", "{\"Statement\":\"x\"}", ""};
	struct fake *f = *state;
	struct lambda_statement *list;
	struct err err = ERR_INIT;
	size_t n;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err = ERR_INIT;
		fake_answer(f, 200, NULL, policy(f, bad[i]));
		assert_int_equal(lambda_get_policy(&f->client, "f", "q", f->arena, &list, &n, &err),
				 -1);
		assert_int_equal(err.code, ERR_MALFORMED);
	}
	fake_answer(f, 403, NULL, "{\"Message\":\"no\"}");
	assert_int_equal(lambda_get_policy(&f->client, "f", "q", f->arena, &list, &n, &err), -1);
	assert_int_equal(err.code, ERR_DENIED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_add_permission),	   TEST(test_names_that_would_be_other_paths),
		TEST(test_remove_permission),	   TEST(test_what_a_policy_says),
		TEST(test_policies_that_are_none),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
