#include "tests/unit/sim/services.h"

/* Topics and buses of the simulated SNS and EventBridge. */
#define ARN "arn%3Aaws%3Asns%3Aeu-central-1%3A111122223333%3A"

static int publish(struct world *w, const char *topic, const char *more)
{
	struct ask q = {.method = "POST",
			.host = "sns." WORLD_REGION ".amazonaws.com",
			.path = "/",
			.service = "sns",
			.body = str_from(arena_printf(
				w->arena, "Version=2010-03-31&Action=Publish&TopicArn=%s%s%s", ARN,
				topic, more))};

	ask_header(&q, "Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
	return ask_send(w, &q);
}

static int put(struct world *w, const char *body)
{
	struct ask q = {.method = "POST",
			.host = "events." WORLD_REGION ".amazonaws.com",
			.path = "/",
			.service = "events",
			.body = str_from(body)};

	ask_header(&q, "Content-Type", "application/x-amz-json-1.1");
	ask_header(&q, "X-Amz-Target", "AWSEvents.PutEvents");
	return ask_send(w, &q);
}

static void a_topic_keeps_what_it_took(void **state)
{
	struct world *w = world_new(NULL);
	const struct json *seen;

	(void)state;
	assert_int_equal(publish(w, "t", "&Message=a"), 404);
	assert_string_equal(code(w), "NotFound");
	ctl(w, "sns topic t fail=1");
	assert_int_equal(publish(w, "t", "&Message=a"), 400);
	assert_string_equal(code(w), "Throttling");
	assert_int_equal(publish(w, "t",
				 "&Message=a&Subject=b&MessageAttributes.entry.1.Name=k&"
				 "MessageAttributes.entry.1.Value.StringValue=v"),
			 200);
	assert_int_equal(publish(w, "t", "&Message=a&Subject=b%0Ac"), 400);
	assert_int_equal(publish(w, "t", "&Message="), 400);
	ctl(w, "sns topic t deny=true");
	assert_int_equal(publish(w, "t", "&Message=a"), 403);
	seen = ctl(w, "sns show");
	assert_int_equal(seen->n, 1);
	assert_true(str_is(json_text(json_get(seen->first, "subject")), "b"));
	assert_true(str_is(json_text(json_get(seen->first, "attributes")), "{\"k\":\"v\"}"));
	ctl_refused(w, "sns topic", "wants topic NAME");
	world_free(w);
}

static void a_bus_answers_entry_by_entry(void **state)
{
	static const char good[] = "{\"Source\":\"s\",\"DetailType\":\"d\",\"Detail\":\"{}\"}";
	struct world *w = world_new(NULL);
	const struct json *seen, *entries;
	int64_t failed;

	(void)state;
	assert_int_equal(put(w, "{\"Entries\":[]}"), 400);
	assert_int_equal(
		put(w, arena_printf(w->arena,
				    "{\"Entries\":[%s,{\"Source\":\"aws.s\",\"DetailType\":\"d\","
				    "\"Detail\":\"{}\"},{\"Source\":\"s\",\"DetailType\":\"d\","
				    "\"Detail\":\"[\"},{\"Source\":\"s\"}]}",
				    good)),
		200);
	assert_true(json_i64(json_get(body_json(w), "FailedEntryCount"), &failed));
	assert_int_equal(failed, 3);
	entries = json_get(body_json(w), "Entries");
	assert_true(json_text(json_get(entries->first, "EventId")).n > 0);
	assert_true(str_is(json_text(json_get(entries->first->next->next, "ErrorCode")),
			   "MalformedDetail"));
	seen = ctl(w, "events show");
	assert_int_equal(seen->n, 1);
	assert_true(str_is(json_text(json_get(seen->first, "to")), "default"));
	ctl(w, "events bus default deny=true");
	assert_int_equal(put(w, arena_printf(w->arena, "{\"Entries\":[%s]}", good)), 400);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_topic_keeps_what_it_took),
		cmocka_unit_test(a_bus_answers_entry_by_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
