#ifndef WORKER_TARGET_ECS_H
#define WORKER_TARGET_ECS_H

#include "aws/ecs.h"
#include "worker/target/load_balancer.h"

/*
 * A service of ECS, in one of two ways.
 *
 * Native: the service's own deployment controller brings the new revision up and shifts the
 * traffic; PAUSE hooks before each shift and after the last make it wait for us, and what it hears
 * is CONTINUE or ROLLBACK. Hearing nothing it goes back. The listener rule is the controller's: it
 * is only read.
 *
 * Two services: a standing pair with a target group each behind one rule or listener, whose weights
 * are ours. Who is baseline is what the weights say, in every release anew: the service whose
 * target group has the traffic; the other one gets the new task definition. It is created like the
 * first when it is not there. So after a release the pair has changed roles, and its names mean
 * nothing: `service` and `twin` of the plan are the two names, in any order.
 *
 * Files: ecs.c (which way), ecs_record.c, ecs_definition.c (the task definition out of the
 * artifact), ecs_inspect.c, ecs_native*.c, ecs_services.c (two services).
 */

/* What was live, from the undo record. */
struct ecs_record {
	enum ecs_method method;
	const char *cluster;
	const char *service;	/* what served: of two, the one with the traffic */
	const char *definition; /* its task definition, "web:7" */
	int64_t desired;	/* how many tasks it wanted */
	const char *other;	/* two services: the other one; else "" */
	int64_t other_desired;	/* how many that one wanted; -1: it did not exist */
	/* native: its deploymentConfiguration as far as it is exchanged for a while, or NULL */
	const struct json *configuration;
	struct lb_record lb;
};

/*
 * {"t":"ecs","m":0,"c":cluster,"s":service,"v":definition,"n":4,"o":other,"k":-1,"lb":{...},
 *  "y":{"strategy":...}}
 */
int ecs_record_store(const struct ecs_record *r, char undo[LIMIT_UNDO + 1],
		     struct err *err) MUST_CHECK;
int ecs_record_load(struct arena *a, const char *undo, struct ecs_record *r,
		    struct err *err) MUST_CHECK;

/* What is to serve, as far as it is known; "" what is not yet. */
struct ecs_candidate {
	const char *definition; /* "web:8" */
	const char *deployment; /* native: the id of its service deployment */
	/* two services: mark of what the other one ran before it was given this one; "": it was not
	 * yet. Of one that was not there, of "". */
	const char *before;
};

/* {"v":definition,"p":deployment} */
int ecs_candidate_store(const struct ecs_candidate *c, char candidate[LIMIT_CANDIDATE + 1],
			struct err *err) MUST_CHECK;
int ecs_candidate_load(struct arena *a, const char *candidate, struct ecs_candidate *c,
		       struct err *err) MUST_CHECK;

/* "web:8" from the ARN of a task definition, or from itself; "" from NULL. Borrowed. */
const char *ecs_definition_name(const char *arn);
bool ecs_same_definition(const char *a, const char *b); /* by name; false when either is NULL */

/* The other one's name when the plan's service is not the one meant. */
const char *ecs_twin_name(struct arena *a, const struct plan_ecs *e);

/* --- ecs_definition.c ------------------------------------------------------------------------- */

struct ecs_definition {
	const struct json *json; /* as it is to be registered */
	bool pinned;		 /* every image is named by digest */
};

/*
 * The definition to deploy: the artifact's taskdef.json, or else the one that serves (`baseline`),
 * with the images of imagedefinitions.json and imageDetail.json. What is wrong with it is added to
 * p; *out is complete when nothing is. baseline NULL: what can be said without it. -1 when
 * something could not be read.
 */
int ecs_definition_read(const struct target_env *env, const struct ecs_task_definition *baseline,
			struct ecs_definition *out, struct problems *p, struct err *err) MUST_CHECK;

/* target_ops.check_artifact of ECS. */
int ecs_definition_check(const struct target_env *env, struct problems *p,
			 struct err *err) MUST_CHECK;

/*
 * Register it, tagged with the rollout's id, unless this rollout has done so already or it is what
 * serves: *name is its name then, too.
 */
int ecs_definition_register(const struct target_env *env, const struct rollout_state *s,
			    const char *baseline, const char **name, struct err *err) MUST_CHECK;

/* Is b, as ECS describes it, what a says, with nothing but defaults added? Pure. */
bool ecs_definition_same(const struct json *a, const struct json *b);

#define ECS_ROLLOUT_TAG "rollout-worker:rollout"

/* --- ecs_inspect.c ---------------------------------------------------------------------------- */
int ecs_inspect(const struct target_env *env, char undo[LIMIT_UNDO + 1], bool *first,
		struct problems *p, struct err *err) MUST_CHECK;

/* --- ecs_native.c, ecs_services.c: as in target.h --------------------------------------------- */
extern const struct target_ops ecs_native_ops, ecs_services_ops;

void ecs_detail(struct target_observation *o, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool ecs_is_going_back(enum phase p);
/* Why tasks of a service do not stay up, for people: the last stopped one, or the last event. */
const char *ecs_why(const struct target_env *env, const struct ecs_service *s, struct err *err);

#endif
