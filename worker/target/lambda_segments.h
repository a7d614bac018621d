#ifndef WORKER_TARGET_LAMBDA_SEGMENTS_H
#define WORKER_TARGET_LAMBDA_SEGMENTS_H

#include "aws/lambda.h"
#include "worker/target/target.h"

/*
 * Segments of callers of a Lambda function: for each a second alias, ALIAS-SEGMENT, that points at
 * the candidate and that its principals may invoke by a policy of its own. The alias says in its
 * description whose it is and the statements in their ids, so both are found again by reading,
 * whatever became of the answers to their making.
 *
 * Every function does nothing, successfully, when there are no segments.
 */
#define LAMBDA_SEGMENT_ALIASES_MAX 64

/* What the records of the state say. */
struct lambda_place {
	const char *function, *alias, *candidate; /* candidate "": not published yet */
	bool segments;				  /* aliases of segments may be there */
};

/* The aliases of this rollout, as they are now. */
struct lambda_segments {
	unsigned there; /* whose alias and policy are whole: bit i is plan->segments[i] */
	size_t n;	/* aliases of this rollout in all */
	struct {
		const char *name;
		int segment; /* -1: of a name that is not in the plan */
	} aliases[LAMBDA_SEGMENT_ALIASES_MAX];
	const char *wrong; /* NULL; else what somebody changed */
};

/* "live-staff", in the arena. */
const char *lambda_segment_alias(struct arena *a, const char *alias, const struct plan_segment *s);

int lambda_segments_read(const struct target_env *env, const struct lambda_place *at,
			 struct lambda_segments *g, struct err *err) MUST_CHECK;

/*
 * Read again, then make what `want` lacks and remove what of this rollout is not wanted: statements
 * first, then the alias. Each is tried, the first error is returned. ERR_CONFLICT when somebody
 * changed something.
 */
int lambda_segments_write(const struct target_env *env, const struct lambda_place *at,
			  unsigned want, struct err *err) MUST_CHECK;

/* Are the names free? Problems are added. */
int lambda_segments_inspect(const struct target_env *env, struct problems *p,
			    struct err *err) MUST_CHECK;

/* f: ARN or pattern of the function. */
void lambda_segment_calls(const struct plan *plan, const char *f, struct arena *a,
			  void (*add)(void *arg, const struct target_call *c), void *arg);

#endif
