#ifndef WORKER_TARGET_LOAD_BALANCER_H
#define WORKER_TARGET_LOAD_BALANCER_H

#include "aws/core/json.h"
#include "aws/elbv2.h"
#include "worker/target/target.h"

/*
 * The weights of one forward action: what several kinds of target share. A record says which
 * listener or rule, which two groups, and what the action's groups were before anything was
 * touched.
 */
#define LB_GROUPS_MAX 5	  /* Elastic Load Balancing's own limits: groups in an action */
#define LB_WEIGHT_MAX 999 /* and of a weight */

struct lb_record {
	const char *resource;		  /* listener or rule ARN */
	const char *baseline, *candidate; /* target group ARNs */
	bool network;  /* a Network Load Balancer: slow data plane, other metrics */
	bool segments; /* rules of our own may be there, for segments of the users */
	struct elbv2_group groups[LB_GROUPS_MAX]; /* as they were */
	size_t n_groups;
	struct elbv2_stickiness stickiness; /* at the first look; not in the record's text */
};

/* The action list as it is now, with the forward action in it found. */
struct lb_forward {
	struct elbv2_action *actions;
	size_t n_actions, at;
	const struct elbv2_group *groups; /* of the forward action */
	size_t n_groups;
	bool is_default; /* a rule that can be changed through its listener only */
};

struct lb_health {
	int64_t healthy, initial, unhealthy; /* counts; draining and unused are in none */
	char reason[128];		     /* of the first that is not healthy */
};

/*
 * The whole of what a load balancer does for a target, for every kind that moves weights: the
 * functions of target.h, with the record in place of the undo record's text. They move what the
 * record says, want min_healthy and wait propagation_ms of env->plan->target.lb.
 *
 * lb_inspect() reads everything, checks the choice (what is NULL in it is found) against it, and
 * fills the record in.
 */
int lb_inspect(const struct target_env *env, const struct plan_load_balancer *choice,
	       struct lb_record *r, struct problems *p, struct err *err) MUST_CHECK;
/*
 * Fills *o as target.h's observe() does, from weights and health of the two groups; `retired` is
 * true, `leftover` false: what there is to remove is the caller's.
 */
int lb_observe(const struct target_env *env, const struct rollout_state *s,
	       const struct lb_record *r, struct target_observation *o, struct err *err) MUST_CHECK;
/*
 * What an error means for a look that ends with it: *o says LIVE_UNREADABLE, or LIVE_FOREIGN for
 * what is gone or no forward to weighted groups any more, and *err is taken back. -1 only for
 * ERR_CANCELED.
 */
int lb_unreadable(struct target_observation *o, struct err *err) MUST_CHECK;
/* The candidate into the action, at weight 0: only then is it health-checked. */
int lb_prepare(const struct target_env *env, const struct lb_record *r, struct err *err) MUST_CHECK;
int lb_split(const struct target_env *env, const struct lb_record *r,
	     const struct target_observation *o, const struct traffic *want,
	     struct err *err) MUST_CHECK;
int lb_restore(const struct target_env *env, const struct lb_record *r,
	       const struct target_observation *o, struct err *err) MUST_CHECK;
size_t lb_series(const struct target_env *env, const struct lb_record *r, bool candidate,
		 const char **ns, const char *names[PLAN_DIMENSIONS_MAX],
		 const char *values[PLAN_DIMENSIONS_MAX]);
/*
 * resource: as the plan says, or NULL when only the target will tell: then both kinds of call. What
 * segments need on top, nothing when the plan has none, is lb_segment_calls().
 */
void lb_calls(const char *resource, struct arena *a,
	      void (*add)(void *arg, const struct target_call *c), void *arg);

void lb_segment_calls(const struct plan *plan, struct arena *a,
		      void (*add)(void *arg, const struct target_call *c), void *arg);

/*
 * The record as the members of an object, without "t"; and back, its texts in the arena. A target
 * that has more to remember puts it into a member "lb" of its own record. Pure.
 */
void lb_record_write(const struct lb_record *r, struct json_out *o);
int lb_record_read(struct arena *a, const struct json *root, struct lb_record *r,
		   struct err *err) MUST_CHECK;
/* The same as a whole undo record, of this kind of target. Pure. */
int lb_record_store(const struct lb_record *r, char undo[LIMIT_UNDO + 1],
		    struct err *err) MUST_CHECK;
int lb_record_load(struct arena *a, const char *undo, struct lb_record *r,
		   struct err *err) MUST_CHECK;
int lb_candidate_store(const struct lb_record *r, char candidate[LIMIT_CANDIDATE + 1],
		       struct err *err) MUST_CHECK;

/* ERR_REJECTED when the listener or rule has no forward action, or more than one. */
int lb_read_forward(const struct target_env *env, const char *resource, struct lb_forward *f,
		    struct err *err) MUST_CHECK;
int lb_read_health(const struct target_env *env, const char *group, struct lb_health *h,
		   struct err *err) MUST_CHECK;

/* 0 when the group is not in the action. Pure. */
int64_t lb_weight(const struct lb_forward *f, const char *group);
bool lb_has_group(const struct lb_forward *f, const char *group);

/* Are the groups that are neither baseline nor candidate still the same, and in the same proportion
 * to those two together, as the record says? Pure. */
bool lb_others_agree(const struct lb_record *r, const struct lb_forward *f);

/*
 * What lb_write_undo() writes: the groups as they were. But with group stickiness the candidate is
 * left out, as clients that were on it would stay on it at weight 0. groups has room for
 * LB_GROUPS_MAX. And: is that how it is now? Pure.
 */
void lb_undo_groups(const struct lb_record *r, const struct lb_forward *f,
		    struct elbv2_group *groups, size_t *n);
bool lb_is_undone(const struct lb_record *r, const struct lb_forward *f);

/*
 * Weights that give the candidate weight_bp of what baseline and candidate have together, all other
 * groups keeping their share of the whole. groups has room for LB_GROUPS_MAX + 1. ERR_REJECTED when
 * weights of 0 to 999 cannot say it exactly. Pure.
 */
int lb_weights(const struct lb_record *r, int weight_bp, struct elbv2_group *groups, size_t *n,
	       struct err *err) MUST_CHECK;

/* Write such weights; and write the record's own groups back. All else in the list stays as it was
 * read. */
int lb_write_weights(const struct target_env *env, const struct lb_record *r,
		     const struct lb_forward *f, int weight_bp, struct err *err) MUST_CHECK;
int lb_write_undo(const struct target_env *env, const struct lb_record *r,
		  const struct lb_forward *f, struct err *err) MUST_CHECK;

/* "app/name/id" from the ARN of a listener or rule. */
const char *lb_load_balancer_dimension(struct arena *a, const char *resource);

#endif
