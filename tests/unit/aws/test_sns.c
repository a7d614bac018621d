#include "aws/sns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/aws/api_model.h"

#define TOPIC "arn:aws:sns:eu-central-1:111122223333:releases"
#define OK                                                                     \
	"<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">" \
	"<PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>"

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

static const struct sns_attribute ATTRIBUTES[] = {{"event", "step"}, {"pipeline", "sh\xc3\xb6p"}};

static struct sns_message message(const char *topic)
{
	return (struct sns_message){.topic_arn = topic,
				    .subject = "shop: step 1",
				    .body = "{\"a\":\"1&2\"}",
				    .attributes = ATTRIBUTES,
				    .n_attributes = 2,
				    .group = "r-1",
				    .deduplication = "r-1/2/step"};
}

static void test_publish(void **state)
{
	struct sns_message m = message(TOPIC);
	struct fake *f = *state;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL, OK);
	if (sns_publish(&f->client, &m, f->arena, &err))
		fail_msg("%s", err.text);
	assert_string_equal(fake_sent(f, 0)->body.p,
			    "Action=Publish&Version=2010-03-31&"
			    "TopicArn=arn%3Aaws%3Asns%3Aeu-central-1%3A111122223333%3Areleases&"
			    "Subject=shop%3A%20step%201&Message=%7B%22a%22%3A%221%262%22%7D&"
			    "MessageAttributes.entry.1.Name=event&"
			    "MessageAttributes.entry.1.Value.DataType=String&"
			    "MessageAttributes.entry.1.Value.StringValue=step&"
			    "MessageAttributes.entry.2.Name=pipeline&"
			    "MessageAttributes.entry.2.Value.DataType=String&"
			    "MessageAttributes.entry.2.Value.StringValue=sh%C3%B6p");
	api_check(f, 0, "sns", "Publish");

	fake_again(f);
	m = message(TOPIC ".fifo");
	fake_answer(f, 200, NULL, OK);
	assert_int_equal(sns_publish(&f->client, &m, f->arena, &err), 0);
	assert_non_null(strstr(fake_sent(f, 0)->body.p,
			       "&MessageGroupId=r-1&MessageDeduplicationId=r-1%2F2%2Fstep"));
	api_check(f, 0, "sns", "Publish");
}

/* One attempt, whatever comes: the message is kept by who sends it. */
static void test_failures(void **state)
{
	struct sns_message m = message(TOPIC);
	struct fake *f = *state;
	struct err err = ERR_INIT;
	char *large;

	fake_answer(f, 403, NULL,
		    "<ErrorResponse><Error><Code>AuthorizationError</Code><Message>not authorized"
		    "</Message></Error></ErrorResponse>");
	assert_int_equal(sns_publish(&f->client, &m, f->arena, &err), -1);
	assert_int_equal(err.code, ERR_DENIED);
	err = ERR_INIT;
	fake_answer(f, 404, NULL,
		    "<ErrorResponse><Error><Code>NotFound</Code><Message>Topic does not exist"
		    "</Message></Error></ErrorResponse>");
	assert_int_equal(sns_publish(&f->client, &m, f->arena, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	fake_again(f);
	err = ERR_INIT;
	fake_answer(f, 500, NULL, "");
	assert_int_equal(sns_publish(&f->client, &m, f->arena, &err), -1);
	assert_true(err_is_retryable(&err));
	assert_int_equal(f->n_requests, 1);
	err = ERR_INIT;
	fake_answer(f, 200, NULL, "<PublishResponse></PublishResponse>");
	assert_int_equal(sns_publish(&f->client, &m, f->arena, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_true(err.sent);
	/* what would not fit is not sent */
	large = arena_alloc(f->arena, 2u << 20);
	memset(large, 'a', (2u << 20) - 1);
	large[(2u << 20) - 1] = '\0';
	m.body = large;
	fake_again(f);
	err = ERR_INIT;
	assert_int_equal(sns_publish(&f->client, &m, f->arena, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(f->n_requests, 0);
}

static void test_arns(void **state)
{
	static const char *const wrong[] = {"",
					    "releases",
					    "arn:aws:sns:eu-central-1:111122223333",
					    "arn:aws:sqs:eu-central-1:111122223333:q",
					    "arn:aws:sns::111122223333:x",
					    "arn:aws:sns:eu-central-1:1:x",
					    TOPIC ":subscription",
					    "arn:aws:sns:eu.evil.com/:111122223333:x"};
	struct str region;

	(void)state;
	assert_true(sns_topic_region(STR(TOPIC), &region));
	assert_true(str_is(region, "eu-central-1"));
	assert_true(
		sns_topic_region(STR("arn:aws-cn:sns:cn-north-1:111122223333:x.fifo"), &region));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (sns_topic_region(str_from(wrong[i]), &region))
			fail_msg("\"%s\" is taken for a topic", wrong[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_publish, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_failures, set_up, tear_down),
		cmocka_unit_test(test_arns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
