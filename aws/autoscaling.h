#ifndef AWS_AUTOSCALING_H
#define AWS_AUTOSCALING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/call.h"
#include "aws/core/err.h"
#include "aws/core/mem.h"
#include "aws/core/xml.h"
#include "aws/form.h"

/*
 * EC2 Auto Scaling: groups, what belongs to them, and copies of them. Query protocol, API version
 * 2011-01-01.
 *
 * Everything returned lives in the arena given, NUL-terminated; absent text is NULL. Lists are read
 * over all pages. Each function blocks, retries included, and can be called from any thread.
 *
 * There is no version and no lock. Writes here are idempotent by content and sent again when the
 * outcome is unknown; but for asg_create_group(), whose name is unique: after err->sent look for
 * the group, and take ERR_CONFLICT (AlreadyExists) for a hint that it is there.
 *
 * Errors everywhere: ERR_NOT_FOUND (a group that is not there; Auto Scaling itself says
 * ValidationError then), ERR_REJECTED, ERR_CONFLICT (AlreadyExists, ScalingActivityInProgress,
 * ResourceInUse), ERR_DENIED, ERR_UNAVAILABLE (ResourceContention); ERR_MALFORMED for an answer
 * that lacks what was asked for.
 */
extern const struct aws_service autoscaling_service;

/* --- groups ---------------------------------------------------------------------------------- */

/* A launch template as a group or an instance refers to it; by id or by name. */
struct asg_template {
	const char *id, *name;
	const char *version; /* a number, "$Latest" or "$Default"; NULL: not said, the default */
};

struct asg_instance {
	const char *id, *zone;
	const char *lifecycle; /* "Pending" "InService" "Terminating:Wait" "Standby" ... */
	bool in_service;       /* lifecycle is InService, and Auto Scaling calls it Healthy */
	bool is_protected;     /* from scale-in */
	struct asg_template launch_template; /* all NULL when it came from something else */
	int64_t weight; /* units of capacity; 1 where the group has no weights */
};

struct asg_tag {
	const char *key, *value;
	bool propagate;
};

struct asg_group {
	const char *name, *arn;
	int64_t min, max, desired;
	struct asg_template launch_template; /* of its MixedInstancesPolicy where it has one */
	bool is_mixed;			     /* has a MixedInstancesPolicy */
	bool overrides_template; /* one of its overrides has a template or an image of its own */
	const char *launch_configuration; /* in the place of a template; NULL: none */
	const char *health_check_type;	  /* "EC2", "ELB", "EC2,ELB" ... */
	const char *capacity_type;	  /* "units" "vcpu" "memory-mib"; NULL: units */
	const char *deletion_protection;  /* "none" ...; NULL: none */
	const char *operator_principal;	  /* a service that manages the group; NULL: none */
	const char *status;		  /* "Delete in progress"; NULL: it lives */
	bool has_warm_pool, protects_new; /* NewInstancesProtectedFromScaleIn */
	const char *const *target_groups; /* ARNs */
	size_t n_target_groups;
	size_t n_other_sources;	      /* traffic sources of other kinds: classic, VPC Lattice */
	const char *const *suspended; /* names of processes */
	size_t n_suspended;
	const struct asg_instance *instances;
	size_t n_instances;
	const struct asg_tag *tags;
	size_t n_tags;
	const struct xml *xml; /* <member> as it was read */
};

/*
 * The groups of these names (at most 50, not empty), in the order of names; one that is not there
 * has a NULL name.
 */
int asg_describe_groups(const struct aws_client *c, const char *const *names, size_t n,
			struct arena *a, struct asg_group **out, struct err *err) MUST_CHECK;

/* All groups with this tag. */
int asg_describe_tagged(const struct aws_client *c, const char *key, const char *value,
			struct arena *a, struct asg_group **out, size_t *n,
			struct err *err) MUST_CHECK;

bool asg_is_suspended(const struct asg_group *g, const char *process);
/* NULL when there is no such tag. Pure, as is the one above. */
const char *asg_tag_get(const struct asg_group *g, const char *key);

/*
 * A new group like another one: everything that its description says and a creation takes goes
 * along, except what stands here. Not taken over: target groups and load balancers of the old one,
 * and its deletion protection (a copy that did not prove itself is to be removed).
 */
struct asg_create {
	const char *name;
	const struct asg_group *from;
	struct asg_template launch_template; /* id or name, and a numbered version */
	int64_t min, max, desired;
	const char *health_check_type;
	const char *target_group;	 /* ARN to be attached */
	const struct asg_tag *more_tags; /* besides those of `from`; the same key: instead */
	size_t n_more_tags;
	const struct xml *hooks; /* LifecycleHooks as read, or NULL: first launches see them */
};
int asg_create_group(const struct aws_client *c, const struct asg_create *g, struct arena *a,
		     struct err *err) MUST_CHECK;

/*
 * Change a group. Negative numbers and NULL leave things as they are. A launch template is put into
 * the group's MixedInstancesPolicy where it has one (of: the group as read).
 */
struct asg_update {
	int64_t min, max, desired;
	const char *health_check_type;
	const char *deletion_protection;
	struct asg_template launch_template; /* version NULL: leave it */
	const struct asg_group *of;	     /* with launch_template only */
};
int asg_update_group(const struct aws_client *c, const char *name, const struct asg_update *u,
		     struct arena *a, struct err *err) MUST_CHECK;

/* Without force: its instances have to be gone. ERR_CONFLICT while something still goes on in it.
 */
int asg_delete_group(const struct aws_client *c, const char *name, struct arena *a,
		     struct err *err) MUST_CHECK;

/* Add a target group (ARN) to those that instances are registered with. */
int asg_attach_target_group(const struct aws_client *c, const char *name, const char *target_group,
			    struct arena *a, struct err *err) MUST_CHECK;

/* --- processes ------------------------------------------------------------------------------- */

/* Suspend or resume these, at least one (to the service, none would mean all). */
int asg_suspend(const struct aws_client *c, const char *name, const char *const *processes,
		size_t n, struct arena *a, struct err *err) MUST_CHECK;
int asg_resume(const struct aws_client *c, const char *name, const char *const *processes, size_t n,
	       struct arena *a, struct err *err) MUST_CHECK;

/* --- what is not part of a group's description ----------------------------------------------- */

/* One scaling policy, scheduled action or notification, as read. */
struct asg_part {
	const char *name;  /* of the policy or action; of a notification the topic's ARN */
	const char *type;  /* policies: "TargetTrackingScaling" ...; notifications: their type */
	bool has_alarms;   /* policies: alarms point at it */
	bool is_enabled;   /* policies */
	bool is_recurring; /* scheduled actions */
	const char *start; /* scheduled actions: ISO 8601, or NULL */
	const struct xml *xml;
};
int asg_describe_policies(const struct aws_client *c, const char *group, struct arena *a,
			  struct asg_part **out, size_t *n, struct err *err) MUST_CHECK;
int asg_describe_schedules(const struct aws_client *c, const char *group, struct arena *a,
			   struct asg_part **out, size_t *n, struct err *err) MUST_CHECK;
int asg_describe_notifications(const struct aws_client *c, const char *group, struct arena *a,
			       struct asg_part **out, size_t *n, struct err *err) MUST_CHECK;
/* The LifecycleHooks element, never NULL. */
int asg_describe_hooks(const struct aws_client *c, const char *group, struct arena *a,
		       const struct xml **out, struct err *err) MUST_CHECK;

/*
 * Give another group the same, under the same name. Texts in it that name the old group or its
 * target group are swapped: a policy counts requests by target group. with_start: a scheduled
 * action keeps its start time (one in the past would be refused).
 */
int asg_put_policy(const struct aws_client *c, const char *group, const struct asg_part *p,
		   const struct form_swaps *swaps, struct arena *a, struct err *err) MUST_CHECK;
int asg_put_schedule(const struct aws_client *c, const char *group, const struct asg_part *p,
		     bool with_start, struct arena *a, struct err *err) MUST_CHECK;
/* All types of notification that `all` has for the topic of all[0..n), one call a topic. */
int asg_put_notifications(const struct aws_client *c, const char *group, const struct asg_part *all,
			  size_t n, struct arena *a, struct err *err) MUST_CHECK;
/* The metrics that `from` has enabled; none: no call is made. */
int asg_copy_metrics(const struct aws_client *c, const char *group, const struct asg_group *from,
		     struct arena *a, struct err *err) MUST_CHECK;

/* --- what goes on ---------------------------------------------------------------------------- */

/*
 * Why the newest activity failed ("We currently do not have sufficient capacity ..."), or NULL when
 * it did not, or there was none.
 */
int asg_last_failure(const struct aws_client *c, const char *group, struct arena *a,
		     const char **why, struct err *err) MUST_CHECK;

/* Is an instance refresh going on? */
int asg_is_refreshing(const struct aws_client *c, const char *group, struct arena *a, bool *is,
		      struct err *err) MUST_CHECK;

#endif
