#include "aws/eventbridge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/aws/api_model.h"

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

static void fill(struct eventbridge_entry *e, size_t n)
{
	for (size_t i = 0; i < n; i++)
		e[i] = (struct eventbridge_entry){.source = "rollout-worker",
						  .detail_type = "Rollout State Change",
						  .detail = "{\"a\":1}",
						  .time = {1767323045500}};
}

static void test_put(void **state)
{
	struct eventbridge_entry e[1];
	struct fake *f = *state;
	struct err err = ERR_INIT;

	fill(e, 1);
	fake_answer(f, 200, NULL, "{\"FailedEntryCount\":0,\"Entries\":[{\"EventId\":\"e-1\"}]}");
	if (eventbridge_put_events(&f->client, "default", e, 1, f->arena, &err))
		fail_msg("%s", err.text);
	assert_true(e[0].taken);
	assert_string_equal(fake_sent(f, 0)->body.p,
			    "{\"Entries\":[{\"Time\":1767323045.5,\"Source\":\"rollout-worker\","
			    "\"DetailType\":\"Rollout State Change\",\"Detail\":\"{\\\"a\\\":1}\","
			    "\"EventBusName\":\"default\"}]}");
	assert_string_equal(fake_header(f, 0, "X-Amz-Target").p, "AWSEvents.PutEvents");
	api_check(f, 0, "events", "PutEvents");
}

/* A 200 may have refused some of them, or say nothing about them. */
static void test_entries(void **state)
{
	static const enum err_code codes[] = {ERR_OK,	    ERR_THROTTLED, ERR_UNAVAILABLE,
					      ERR_REJECTED, ERR_DENIED,	   ERR_MALFORMED};
	struct eventbridge_entry e[6];
	struct fake *f = *state;
	struct err err = ERR_INIT;

	fill(e, 6);
	fake_answer(f, 200, NULL,
		    "{\"FailedEntryCount\":4,\"Entries\":[{\"EventId\":\"e-1\"},"
		    "{\"ErrorCode\":\"ThrottlingException\",\"ErrorMessage\":\"slow\\u0007 down\"},"
		    "{\"ErrorCode\":\"InternalFailure\"},{\"ErrorCode\":\"MalformedDetail\"},"
		    "{\"ErrorCode\":\"NotAuthorizedForSourceException\"}]}");
	assert_int_equal(eventbridge_put_events(&f->client, "b", e, 6, f->arena, &err), 0);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(e[i].taken, i == 0);
		assert_int_equal(e[i].err.code, codes[i]);
	}
	assert_non_null(strstr(e[1].err.text, "EventBridge.PutEvents: ThrottlingException: slow"));
	assert_string_equal(e[3].err.aws, "MalformedDetail");
	/* none of them */
	fake_answer(f, 200, NULL, "{}");
	assert_int_equal(eventbridge_put_events(&f->client, "b", e, 2, f->arena, &err), 0);
	assert_false(e[0].taken || e[1].taken);
}

static void test_failures(void **state)
{
	struct eventbridge_entry e[EVENTBRIDGE_ENTRIES_MAX + 1];
	struct fake *f = *state;
	struct err err = ERR_INIT;
	char *large;

	fill(e, EVENTBRIDGE_ENTRIES_MAX + 1);
	fake_answer(f, 400, NULL, "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}");
	assert_int_equal(eventbridge_put_events(&f->client, "b", e, 1, f->arena, &err), -1);
	assert_int_equal(err.code, ERR_DENIED);
	fake_again(f);
	err = ERR_INIT;
	fake_answer(f, 500, NULL, "");
	assert_int_equal(eventbridge_put_events(&f->client, "b", e, 1, f->arena, &err), -1);
	assert_int_equal(f->n_requests, 1); /* once */
	fake_again(f);
	for (size_t n = 0; n <= EVENTBRIDGE_ENTRIES_MAX + 1; n += EVENTBRIDGE_ENTRIES_MAX + 1) {
		err = ERR_INIT;
		assert_int_equal(eventbridge_put_events(&f->client, "b", e, n, f->arena, &err), -1);
		assert_int_equal(err.code, ERR_LIMIT);
	}
	large = arena_alloc(f->arena, 1u << 20);
	memset(large, 'a', (1u << 20) - 1);
	large[(1u << 20) - 1] = '\0';
	e[0].detail = large;
	err = ERR_INIT;
	assert_int_equal(eventbridge_put_events(&f->client, "b", e, 1, f->arena, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(f->n_requests, 0);
}

static void test_buses(void **state)
{
	static const char *const wrong[] = {"",
					    "a b",
					    "a/b",
					    "arn:aws:events:eu-central-1:1:x",
					    "arn:aws:events:eu-central-1:111122223333:rule/x",
					    "arn:aws:events:eu.evil.com/:111122223333:event-bus/x",
					    "arn:aws:sns:eu-central-1:111122223333:event-bus/x"};
	struct str region;

	(void)state;
	assert_true(eventbridge_bus_parse(STR("default"), &region));
	assert_int_equal(region.n, 0);
	assert_true(eventbridge_bus_parse(
		STR("arn:aws:events:eu-west-1:111122223333:event-bus/releases"), &region));
	assert_true(str_is(region, "eu-west-1"));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (eventbridge_bus_parse(str_from(wrong[i]), &region))
			fail_msg("\"%s\" is taken for a bus", wrong[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_put, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_entries, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_failures, set_up, tear_down),
		cmocka_unit_test(test_buses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
