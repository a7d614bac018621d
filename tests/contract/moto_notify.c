/*
 * The worker's calls that tell people: SNS and EventBridge. What arrives is looked at by
 * moto_fixtures.py afterwards.
 */
#include "tests/contract/moto_calls.h"

#include "aws/eventbridge.h"
#include "aws/sns.h"

static int publish(struct calls *t, struct err *err)
{
	struct sns_attribute event = {"event", "step"};
	struct sns_message m = {.topic_arn = fixture(t, "topic"),
				.subject = "shop/Canary: step 1 of 2: 5% on the candidate",
				.body = "{\"event\":\"step\"}",
				.attributes = &event,
				.n_attributes = 1};

	if (sns_publish(&t->c, &m, t->arena, err))
		return -1;
	event.value = "started"; /* the subscription's filter is against it */
	m.body = "{\"event\":\"started\"}";
	if (sns_publish(&t->c, &m, t->arena, err))
		return -1;
	m.topic_arn = arena_printf(t->arena, "%s-elsewhere", m.topic_arn);
	return want_error("no topic", sns_publish(&t->c, &m, t->arena, err), ERR_NOT_FOUND, err);
}

static int put(struct calls *t, struct err *err)
{
	struct eventbridge_entry e[] = {
		{"rollout-worker",
		 "Rollout State Change",
		 "{\"n\":1}",
		 {1767323045500},
		 false,
		 ERR_INIT},
		{"rollout-worker",
		 "Rollout State Change",
		 "{\"n\":2}",
		 {1767323045600},
		 false,
		 ERR_INIT},
		{"rollout-worker",
		 "Rollout State Change",
		 "no JSON",
		 {1767323045700},
		 false,
		 ERR_INIT},
	};

	if (eventbridge_put_events(&t->c, "releases", e, 3, t->arena, err) ||
	    want_true("the first", e[0].taken, err) || want_true("the second", e[1].taken, err) ||
	    want_true("not the third", !e[2].taken, err))
		return -1;
	return want_number("its code", e[2].err.code, ERR_REJECTED, err);
}

const struct call_case notify_cases[] = {
	{"SNS Publish", publish},
	{"EventBridge PutEvents", put},
};
const size_t n_notify_cases = sizeof(notify_cases) / sizeof(notify_cases[0]);
