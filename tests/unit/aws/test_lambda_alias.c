#include "aws/lambda.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "tests/unit/aws/api_model.h"

#define HOST "https://lambda.eu-central-1.amazonaws.com"
#define ARN "arn:aws:lambda:eu-central-1:111122223333:function:checkout"
#define ARN_URI "arn%3Aaws%3Alambda%3Aeu-central-1%3A111122223333%3Afunction%3Acheckout"

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

static void expect_request(struct fake *f, size_t i, const char *url, const char *body,
			   const char *operation)
{
	assert_string_equal(fake_sent(f, i)->url, arena_printf(f->arena, HOST "%s", url));
	assert_string_equal(fake_sent(f, i)->body.p, body);
	api_check(f, i, "lambda", operation);
}

/* --- aliases --------------------------------------------------------------------------------- */

static const char alias[] =
	"{\"AliasArn\":\"" ARN ":live\",\"Name\":\"live\",\"FunctionVersion\":\"6\","
	"\"Description\":\"\",\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"7\":0.1}},"
	"\"RevisionId\":\"rev-2\"}";

static void test_get_alias(void **state)
{
	struct fake *f = *state;
	struct lambda_alias al;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL, alias);
	if (lambda_get_alias(&f->client, ARN, "live", f->arena, &al, &err))
		fail_msg("%s", err.text);
	expect_request(f, 0, "/2015-03-31/functions/" ARN_URI "/aliases/live", "", "GetAlias");
	assert_string_equal(al.name, "live");
	assert_string_equal(al.alias_arn, ARN ":live");
	assert_string_equal(al.function_version, "6");
	assert_string_equal(al.revision_id, "rev-2");
	assert_null(al.description);
	assert_int_equal(al.n_weights, 1);
	assert_string_equal(al.weights[0].version, "7");
	assert_true(fabs(al.weights[0].weight - 0.1) < 1e-12);
}

/* Weights that cannot be read must not look like no weights. */
static void test_hostile_aliases(void **state)
{
	static const struct {
		const char *routing;
		int ret;
		size_t n;
	} cases[] = {
		{"null", 0, 0},
		{"{}", 0, 0},
		{"{\"AdditionalVersionWeights\":null}", 0, 0},
		{"{\"AdditionalVersionWeights\":{}}", 0, 0},
		{"{\"AdditionalVersionWeights\":{\"7\":0,\"8\":1}}", 0, 2},
		{"{\"AdditionalVersionWeights\":[]}", -1, 0},
		{"{\"AdditionalVersionWeights\":\"7\"}", -1, 0},
		{"{\"AdditionalVersionWeights\":{\"7\":\"0.1\"}}", -1, 0},
		{"{\"AdditionalVersionWeights\":{\"7\":null}}", -1, 0},
		{"{\"AdditionalVersionWeights\":{\"7\":1.5}}", -1, 0},
		{"{\"AdditionalVersionWeights\":{\"7\":-0.1}}", -1, 0},
		{"{\"AdditionalVersionWeights\":{\"7\":1e999}}", -1, 0},
	};
	struct fake *f = *state;
	struct lambda_alias al;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		err = ERR_INIT;
		fake_answer(f, 200, NULL,
			    arena_printf(f->arena,
					 "{\"Name\":\"live\",\"FunctionVersion\":\"6\","
					 "\"RoutingConfig\":%s}",
					 cases[i].routing));
		if (lambda_get_alias(&f->client, "f", "live", f->arena, &al, &err) != cases[i].ret)
			fail_msg("%s: %s", cases[i].routing, err.text);
		if (cases[i].ret)
			assert_int_equal(err.code, ERR_MALFORMED);
		else
			assert_int_equal(al.n_weights, cases[i].n);
	}
	fake_answer(f, 200, NULL, "{\"Name\":\"live\"}");
	assert_int_equal(lambda_get_alias(&f->client, "f", "live", f->arena, &al, &err), -1);
	fake_answer(f, 200, NULL, "");
	assert_int_equal(lambda_get_alias(&f->client, "f", "live", f->arena, &al, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
}

static void test_update_alias(void **state)
{
	struct fake *f = *state;
	struct lambda_weight w = {"7", 0.05};
	struct lambda_alias_update u = {.function = "f",
					.name = "live",
					.set_weights = true,
					.weights = &w,
					.n_weights = 1,
					.revision_id = "rev-1"};
	struct lambda_alias al;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL, alias);
	if (lambda_update_alias(&f->client, &u, f->arena, &al, &err))
		fail_msg("%s", err.text);
	expect_request(f, 0, "/2015-03-31/functions/f/aliases/live",
		       "{\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"7\":0.05}},"
		       "\"RevisionId\":\"rev-1\"}",
		       "UpdateAlias");
	assert_string_equal(fake_sent(f, 0)->method, "PUT");
	assert_string_equal(al.revision_id, "rev-2");

	/* the last step: an empty map, not a missing one */
	fake_again(f);
	fake_answer(f, 200, NULL, alias);
	u = (struct lambda_alias_update){.function = "f",
					 .name = "live",
					 .function_version = "7",
					 .description = "",
					 .set_weights = true};
	assert_int_equal(lambda_update_alias(&f->client, &u, f->arena, &al, &err), 0);
	expect_request(f, 0, "/2015-03-31/functions/f/aliases/live",
		       "{\"FunctionVersion\":\"7\",\"Description\":\"\","
		       "\"RoutingConfig\":{\"AdditionalVersionWeights\":{}}}",
		       "UpdateAlias");

	fake_again(f);
	fake_answer(f, 200, NULL, alias);
	u = (struct lambda_alias_update){
		.function = "f", .name = "live", .weights = &w, .n_weights = 1};
	assert_int_equal(lambda_update_alias(&f->client, &u, f->arena, &al, &err), 0);
	expect_request(f, 0, "/2015-03-31/functions/f/aliases/live", "{}", "UpdateAlias");
}

static void test_update_alias_when_the_answer_is_lost(void **state)
{
	struct fake *f = *state;
	struct lambda_alias_update u = {.function = "f", .name = "live", .revision_id = "rev-1"};
	struct lambda_alias al;
	struct err err = ERR_INIT;

	fake_fail(f, ERR_TIMEOUT, true);
	assert_int_equal(lambda_update_alias(&f->client, &u, f->arena, &al, &err), -1);
	assert_true(err.sent);
	assert_true(fake_done(f));

	fake_again(f);
	u.revision_id = NULL;
	fake_fail(f, ERR_TIMEOUT, true);
	fake_answer(f, 200, NULL, alias);
	assert_int_equal(lambda_update_alias(&f->client, &u, f->arena, &al, &err), 0);
	assert_true(fake_done(f));

	/* accepted, but what the answer says cannot be read */
	fake_again(f);
	fake_answer(f, 200, NULL, "{}");
	err = ERR_INIT;
	assert_int_equal(lambda_update_alias(&f->client, &u, f->arena, &al, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_true(err.sent);
}

static void test_weights_that_are_no_shares(void **state)
{
	struct fake *f = *state;
	const struct lambda_weight bad[] = {
		{"7", -0.1},	  {"7", 1.1},  {"7", (double)NAN}, {"7", (double)INFINITY},
		{"$LATEST", 0.1}, {NULL, 0.1}, {"", 0.1},	   {"0", 0.1}};
	const struct lambda_weight sum[] = {{"7", 0.6}, {"8", 0.6}};
	struct lambda_alias_update u = {
		.function = "f", .name = "live", .set_weights = true, .n_weights = 1};
	struct lambda_alias al;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		u.weights = &bad[i];
		assert_int_equal(lambda_update_alias(&f->client, &u, f->arena, &al, &err), -1);
		assert_int_equal(err.code, ERR_REJECTED);
	}
	u.weights = sum;
	u.n_weights = 2;
	assert_int_equal(lambda_update_alias(&f->client, &u, f->arena, &al, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_int_equal(f->n_requests, 0);
}

static void test_create_alias(void **state)
{
	struct fake *f = *state;
	struct lambda_weight w = {"7", 0.25};
	struct lambda_alias_update u = {.function = "f",
					.name = "live",
					.function_version = "6",
					.description = "d",
					.set_weights = true,
					.weights = &w,
					.n_weights = 1,
					.revision_id = "not sent"};
	struct lambda_alias al;
	struct err err = ERR_INIT;

	fake_answer(f, 201, NULL, alias);
	if (lambda_create_alias(&f->client, &u, f->arena, &al, &err))
		fail_msg("%s", err.text);
	expect_request(f, 0, "/2015-03-31/functions/f/aliases",
		       "{\"Name\":\"live\",\"FunctionVersion\":\"6\",\"Description\":\"d\","
		       "\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"7\":0.25}}}",
		       "CreateAlias");

	fake_again(f);
	u.n_weights = 0;
	u.description = NULL;
	fake_fail(f, ERR_TIMEOUT, true);
	assert_int_equal(lambda_create_alias(&f->client, &u, f->arena, &al, &err), -1);
	assert_true(fake_done(f));
	expect_request(f, 0, "/2015-03-31/functions/f/aliases",
		       "{\"Name\":\"live\",\"FunctionVersion\":\"6\"}", "CreateAlias");
}

static void test_list_aliases(void **state)
{
	struct fake *f = *state;
	struct lambda_alias *all;
	size_t n;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL,
		    arena_printf(f->arena, "{\"Aliases\":[%s],\"NextMarker\":\"m&1\"}", alias));
	fake_answer(f, 200, NULL, "{\"NextMarker\":\"m2\"}");
	fake_answer(f, 200, NULL,
		    "{\"Aliases\":[{\"Name\":\"test\",\"FunctionVersion\":\"5\"}],"
		    "\"NextMarker\":null}");
	if (lambda_list_aliases(&f->client, "f", "6", f->arena, &all, &n, &err))
		fail_msg("%s", err.text);
	assert_int_equal(n, 2);
	assert_string_equal(all[0].name, "live");
	assert_int_equal(all[0].n_weights, 1);
	assert_string_equal(all[1].name, "test");
	expect_request(f, 0, "/2015-03-31/functions/f/aliases?MaxItems=50&FunctionVersion=6", "",
		       "ListAliases");
	expect_request(f, 1,
		       "/2015-03-31/functions/f/aliases?MaxItems=50&FunctionVersion=6&Marker=m%261",
		       "", "ListAliases");
	assert_true(fake_done(f));

	fake_again(f);
	fake_answer(f, 200, NULL, "{\"Aliases\":[{}]}");
	assert_int_equal(lambda_list_aliases(&f->client, "f", NULL, f->arena, &all, &n, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);

	fake_again(f);
	fake_answer(f, 200, NULL, "{\"NextMarker\":\"again\"}");
	f->repeat_last = true;
	assert_int_equal(lambda_list_aliases(&f->client, "f", NULL, f->arena, &all, &n, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);

	/* a marker that would make the URL too long */
	fake_again(f);
	f->repeat_last = false;
	char *marker = arena_alloc(f->arena, 20001);
	memset(marker, 'm', 20000);
	fake_answer(f, 200, NULL, arena_printf(f->arena, "{\"NextMarker\":\"%s\"}", marker));
	assert_int_equal(lambda_list_aliases(&f->client, "f", NULL, f->arena, &all, &n, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_true(fake_done(f));
}

static void test_delete_alias(void **state)
{
	static const char *const bad[] = {NULL, "", ".", ".."};
	struct fake *f = *state;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(lambda_delete_alias(&f->client, "f", bad[i], f->arena, &err), -1);
		assert_int_equal(err.code, ERR_REJECTED);
		assert_int_equal(lambda_delete_alias(&f->client, bad[i], "a", f->arena, &err), -1);
	}
	assert_int_equal(f->n_requests, 0);

	err = ERR_INIT;
	fake_answer(f, 204, NULL, "");
	fake_answer(f, 404, "x-amzn-errortype: ResourceNotFoundException\n", "{}");
	assert_int_equal(lambda_delete_alias(&f->client, "f", "staff", f->arena, &err), 0);
	assert_int_equal(lambda_delete_alias(&f->client, "f", "staff", f->arena, &err), 0);
	assert_int_equal(err.code, ERR_OK);
	assert_string_equal(fake_sent(f, 0)->method, "DELETE");
	expect_request(f, 0, "/2015-03-31/functions/f/aliases/staff", "", "DeleteAlias");
	fake_answer(f, 409, "x-amzn-errortype: ResourceConflictException\n", "{}");
	assert_int_equal(lambda_delete_alias(&f->client, "f", "staff", f->arena, &err), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_get_alias),
		TEST(test_hostile_aliases),
		TEST(test_update_alias),
		TEST(test_update_alias_when_the_answer_is_lost),
		TEST(test_weights_that_are_no_shares),
		TEST(test_create_alias),
		TEST(test_list_aliases),
		TEST(test_delete_alias),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
