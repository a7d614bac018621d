#ifndef TESTS_UNIT_AWS_ECS_CHECK_H
#define TESTS_UNIT_AWS_ECS_CHECK_H

#include "aws/ecs.h"
#include "tests/unit/aws/api_model.h"

/* What the tests of the ECS client share. */

#define ARN(what) "arn:aws:ecs:eu-central-1:111122223333:" what
#define SERVICE ARN("service/prod/web")
#define DEPLOYMENT ARN("service-deployment/prod/web/d1")

static inline int set_up(void **state)
{
	*state = fake_new();
	return 0;
}

static inline int tear_down(void **state)
{
	fake_free(*state);
	return 0;
}

/* Request i was this operation with this body, and fits the model. */
static inline void expect_request(struct fake *f, size_t i, const char *operation, const char *body)
{
	assert_true(i < f->n_requests);
	assert_string_equal(fake_sent(f, i)->body.p, body);
	assert_string_equal(fake_sent(f, i)->url, "https://ecs.eu-central-1.amazonaws.com/");
	assert_true(
		str_is(fake_header(f, i, "x-amz-target"),
		       arena_printf(f->arena, "AmazonEC2ContainerServiceV20141113.%s", operation)));
	api_check(f, i, "ecs", operation);
}

static inline void fake_refusal(struct fake *f, const char *code, const char *message)
{
	fake_answer(
		f, 400, NULL,
		arena_printf(f->arena, "{\"__type\":\"%s\",\"message\":\"%s\"}", code, message));
}

static inline const struct json *parsed(struct fake *f, const char *text)
{
	struct json *root = NULL;
	struct err err = ERR_INIT;

	if (json_parse(f->arena, str_from(text), &root, &err))
		fail_msg("%s", err.text);
	return root;
}

#endif
