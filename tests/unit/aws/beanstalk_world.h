#ifndef TESTS_UNIT_AWS_BEANSTALK_WORLD_H
#define TESTS_UNIT_AWS_BEANSTALK_WORLD_H

#include "aws/beanstalk.h"

#include "tests/unit/aws/api_model.h"

/* What the tests of aws/beanstalk have in common: answers as Elastic Beanstalk writes them. */

static inline int eb_set_up(void **state)
{
	*state = fake_new();
	return 0;
}

static inline int eb_tear_down(void **state)
{
	fake_free(*state);
	return 0;
}

/* Queue a success with this inside its result; NULL: an operation that answers nothing. */
static inline void eb_answer(struct fake *f, const char *operation, const char *result)
{
	const char *inside = result ? arena_printf(f->arena, "<%sResult>%s</%sResult>", operation,
						   result, operation)
				    : "";

	fake_answer(f, 200, NULL,
		    arena_printf(f->arena,
				 "<%sResponse xmlns=\"http://elasticbeanstalk.amazonaws.com/docs/"
				 "2010-12-01/\">%s<ResponseMetadata><RequestId>r1</RequestId>"
				 "</ResponseMetadata></%sResponse>",
				 operation, inside, operation));
}

static inline void eb_refuse(struct fake *f, int status, const char *code, const char *message)
{
	fake_answer(f, status, NULL,
		    arena_printf(f->arena,
				 "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>"
				 "%s</Message></Error><RequestId>q</RequestId></ErrorResponse>",
				 code, message));
}

/* Request i was exactly this, and the model of the service knows all of it. */
static inline void eb_expect(struct fake *f, size_t i, const char *operation, const char *rest)
{
	assert_string_equal(fake_sent(f, i)->body.p,
			    arena_printf(f->arena, "Action=%s&Version=2010-12-01%s%s", operation,
					 *rest ? "&" : "", rest));
	api_check(f, i, "elasticbeanstalk", operation);
}

#endif
