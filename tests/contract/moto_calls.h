#ifndef TESTS_CONTRACT_MOTO_CALLS_H
#define TESTS_CONTRACT_MOTO_CALLS_H

#include "aws/call.h"

/* What the cases of moto_calls share. A case returns 0, or -1 with what differs in err. */
struct calls {
	struct arena *arena;
	struct aws_client c;
	char **fixtures; /* "key=value" */
	int n_fixtures;
};

struct call_case {
	const char *name;
	int (*run)(struct calls *t, struct err *err);
};

/* moto_targets.c: Lambda, Elastic Load Balancing, CloudWatch */
extern const struct call_case target_cases[];
extern const size_t n_target_cases;
/* moto_notify.c: SNS and EventBridge */
extern const struct call_case notify_cases[];
extern const size_t n_notify_cases;
/* moto_ecs.c */
extern const struct call_case ecs_cases[];
extern const size_t n_ecs_cases;
/* moto_auto_scaling.c: EC2 Auto Scaling and launch templates */
extern const struct call_case auto_scaling_cases[];
extern const size_t n_auto_scaling_cases;

/* The value of a fixture; ends the program when there is none of that name. */
const char *fixture(const struct calls *t, const char *key);

int want_text(const char *what, const char *got, const char *want, struct err *err) MUST_CHECK;
int want_number(const char *what, double got, double want, struct err *err) MUST_CHECK;
int want_true(const char *what, bool got, struct err *err) MUST_CHECK;
/* The call before, which returned rc, must have failed with this code; err is then empty again. */
int want_error(const char *what, int rc, enum err_code code, struct err *err) MUST_CHECK;

#endif
