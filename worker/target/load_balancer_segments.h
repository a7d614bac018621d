#ifndef WORKER_TARGET_LOAD_BALANCER_SEGMENTS_H
#define WORKER_TARGET_LOAD_BALANCER_SEGMENTS_H

#include "worker/target/load_balancer.h"

/*
 * Segments of users behind an Application Load Balancer: for each a rule of our own, in front of
 * the one that is deployed to, with its conditions and the segment's, that forwards to the
 * candidate alone. A rule says in its tags whose it is, from the moment it exists: so it is found
 * again by reading, whatever became of the answer to its making.
 *
 * Every function does nothing, successfully, when the record has no segments.
 */
#define LB_TAG_ROLLOUT "rollout-worker:rollout" /* the rollout's id */
#define LB_TAG_SEGMENT "rollout-worker:segment" /* its name in the plan */
#define LB_SEGMENT_RULES_MAX 100		/* a load balancer has 100 rules, by default */

/* The rules of this rollout, as they are now, and what the next one needs to know. */
struct lb_segments {
	unsigned there; /* whose rule is as this rollout makes it: bit i is plan->segments[i] */
	size_t n;	/* rules of this rollout in all */
	struct {
		const char *arn;
		int segment; /* -1: of a name that is not in the plan */
	} rules[LB_SEGMENT_RULES_MAX];
	const char *wrong; /* NULL; else which rule somebody changed, and what is wrong with it */
	const char *listener;			  /* ARN */
	const struct elbv2_condition *conditions; /* of the rule that is deployed to */
	size_t n_conditions;
	int64_t priority;	   /* of that; 0: the listener's default action */
	int64_t floor;		   /* the last priority before it that is somebody else's */
	const int64_t *priorities; /* of all rules */
	size_t n_priorities;
};

/*
 * Read the listener's rules and their tags. f is the forward action of the rule that is deployed
 * to, as it is now: a segment's has the same other actions. ERR_CONFLICT when a rule went away
 * while it was looked at.
 */
int lb_segments_read(const struct target_env *env, const struct lb_record *r,
		     const struct lb_forward *f, struct lb_segments *g, struct err *err) MUST_CHECK;

/*
 * Make the rules of `want` that are not there, and remove those of this rollout that are not
 * wanted, duplicates of no segment included. Each is tried, the first error is returned. A rule is
 * made by a call that is never repeated blindly.
 */
int lb_segments_write(const struct target_env *env, const struct lb_record *r,
		      const struct lb_forward *f, const struct lb_segments *g, unsigned want,
		      struct err *err) MUST_CHECK;

/* Can the segments of the plan's steps be told apart here? Problems are added. */
int lb_segments_inspect(const struct target_env *env, const struct lb_record *r,
			const struct lb_forward *f, struct problems *p, struct err *err) MUST_CHECK;

#endif
