#ifndef AWS_ELBV2_H
#define AWS_ELBV2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/call.h"
#include "aws/core/buf.h"
#include "aws/core/err.h"
#include "aws/core/mem.h"
#include "aws/core/str.h"
#include "aws/core/xml.h"

/*
 * Elastic Load Balancing v2 (ALB and NLB): listeners, rules, target groups, and the weights between
 * them. Query protocol, API version 2015-12-01.
 *
 * Everything returned lives in the arena given, NUL-terminated; absent text is NULL. Lists are read
 * over all pages. Each function blocks, retries included, and can be called from any thread.
 *
 * There is no version and no ETag: two writers overwrite each other silently. Read just before each
 * write, compare with what was written last, and stop when they differ.
 *
 * Errors everywhere: ERR_NOT_FOUND (ListenerNotFound, RuleNotFound, TargetGroupNotFound,
 * LoadBalancerNotFound), ERR_REJECTED, ERR_CONFLICT, ERR_DENIED; ERR_MALFORMED for an answer that
 * lacks what was asked for.
 */
extern const struct aws_service elbv2_service;

/* --- actions: the part that carries traffic -----------------------------------------------------
 */

struct elbv2_group {
	const char *arn;
	int64_t weight;	 /* 0 to 999, relative; 1 when has_weight is false */
	bool has_weight; /* the answer, or the caller, says a weight */
};

struct elbv2_stickiness {
	bool present; /* a TargetGroupStickinessConfig is there */
	bool enabled;
	int64_t duration_s; /* 1 to 604,800; 0: not said (NLB has none) */
};

/*
 * One action of a listener or rule. A forward action is understood: groups and stickiness may be
 * changed (copy the struct, point groups elsewhere). Every other kind is passed through as it was
 * read, from xml, whatever its members are called. xml is NULL for a forward action made up by the
 * caller.
 */
struct elbv2_action {
	const char *type; /* "forward", "authenticate-oidc", "redirect", one we do not know */
	int64_t order;	  /* 1 to 50,000; 0: not said */
	const struct elbv2_group *groups;
	size_t n_groups;
	struct elbv2_stickiness stickiness;
	const struct xml *xml; /* <member> as it was read */
};

bool elbv2_action_is_forward(const struct elbv2_action *action);

/*
 * Append actions as form parameters, "&Actions.member.1.Type=forward..." with prefix "Actions", in
 * the order given. Pure. Forward: ForwardConfig alone, since the old TargetGroupArn beside it would
 * have to agree. authenticate-oidc: AWS never returns the client secret, so
 * UseExistingClientSecret=true goes in its place. All else verbatim: text, structures, lists
 * ("member") and maps ("entry"). ERR_REJECTED for an action without type, a forward without groups
 * or with all weights 0 or one out of range, a kind we do not know without its xml; ERR_LIMIT when
 * it nests deeper than ELBV2_ACTION_DEPTH.
 */
#define ELBV2_ACTION_DEPTH 16
int elbv2_actions_format(struct buf *b, const char *prefix, const struct elbv2_action *actions,
			 size_t n, struct err *err) MUST_CHECK;

/* Read the <member> elements of an Actions or DefaultActions element. */
int elbv2_actions_parse(const struct xml *list, struct arena *a, struct elbv2_action **out,
			size_t *n, struct err *err) MUST_CHECK;

/* --- listeners and rules
 * -------------------------------------------------------------------- */

struct elbv2_listener {
	const char *arn, *load_balancer_arn;
	const char *protocol; /* "HTTP", "HTTPS", "TCP" ... */
	int64_t port;
	const struct elbv2_action *actions; /* DefaultActions, in the order AWS gave */
	size_t n_actions;
};

/* One listener by its ARN. */
int elbv2_describe_listener(const struct aws_client *c, const char *listener_arn, struct arena *a,
			    struct elbv2_listener *out, struct err *err) MUST_CHECK;
/* All listeners of a load balancer. */
int elbv2_describe_listeners(const struct aws_client *c, const char *load_balancer_arn,
			     struct arena *a, struct elbv2_listener **out, size_t *n,
			     struct err *err) MUST_CHECK;

struct elbv2_rule {
	const char *arn;
	const char *priority;	      /* "1" to "50000", or "default" */
	bool is_default;	      /* cannot be changed but through its listener */
	const struct xml *conditions; /* Conditions element, as read; NULL when absent */
	const struct elbv2_action *actions;
	size_t n_actions;
	bool has_transforms; /* it rewrites host or path */
};

/* One rule by its ARN. */
int elbv2_describe_rule(const struct aws_client *c, const char *rule_arn, struct arena *a,
			struct elbv2_rule *out, struct err *err) MUST_CHECK;
/* All rules of a listener. */
int elbv2_describe_rules(const struct aws_client *c, const char *listener_arn, struct arena *a,
			 struct elbv2_rule **out, size_t *n, struct err *err) MUST_CHECK;

/*
 * Replace the complete list of actions: read, change one forward action, give all of them back.
 * Everything else of the listener or rule stays. Idempotent by content: sent again when the outcome
 * is unknown. *echo (may be NULL) gets the actions as the answer repeats them: acceptance, not yet
 * effect. ERR_REJECTED with aws "OperationNotPermitted": a default rule.
 */
struct elbv2_actions {
	const struct elbv2_action *actions;
	size_t n;
};
int elbv2_modify_listener(const struct aws_client *c, const char *listener_arn,
			  const struct elbv2_actions *actions, struct arena *a,
			  struct elbv2_actions *echo, struct err *err) MUST_CHECK;
int elbv2_modify_rule(const struct aws_client *c, const char *rule_arn,
		      const struct elbv2_actions *actions, struct arena *a,
		      struct elbv2_actions *echo, struct err *err) MUST_CHECK;

/* --- target groups
 * -------------------------------------------------------------------------- */

struct elbv2_target_group {
	const char *arn, *name;
	const char *protocol, *vpc_id;
	const char *target_type; /* "instance" "ip" "lambda" "alb" */
	int64_t port;
	bool health_check_enabled;
	int64_t health_check_interval_s, healthy_threshold; /* 0 when absent */
	const char *const *load_balancer_arns; /* none: no listener refers to the group */
	size_t n_load_balancer_arns;
};

/* The groups of these ARNs, in the order of arns, 20 a call. ERR_NOT_FOUND names the first missing
 * one. */
int elbv2_describe_target_groups(const struct aws_client *c, const char *const *arns, size_t n_arns,
				 struct arena *a, struct elbv2_target_group **out,
				 struct err *err) MUST_CHECK;

enum elbv2_health {
	ELBV2_INITIAL,
	ELBV2_HEALTHY,
	ELBV2_UNHEALTHY,
	ELBV2_UNHEALTHY_DRAINING,
	ELBV2_UNUSED, /* no rule refers to the group, or its zone is off: never checked */
	ELBV2_DRAINING,
	ELBV2_UNAVAILABLE, /* health checks are off */
	ELBV2_HEALTH_OTHER /* absent, or a word we do not know: not healthy */
};

struct elbv2_target_health {
	const char *id; /* instance id, address, or ARN */
	int64_t port;	/* 0 when absent */
	enum elbv2_health state;
	const char *reason, *description; /* "Target.Timeout" ...; NULL when healthy */
};

/* DescribeTargetHealth of all targets; none registered is success with n 0. */
int elbv2_describe_target_health(const struct aws_client *c, const char *target_group_arn,
				 struct arena *a, struct elbv2_target_health **out, size_t *n,
				 struct err *err) MUST_CHECK;

struct elbv2_attribute {
	const char *key, *value;
};
/* "stickiness.enabled", "deregistration_delay.timeout_seconds", "slow_start.duration_seconds" ...
 */
int elbv2_describe_target_group_attributes(const struct aws_client *c, const char *target_group_arn,
					   struct arena *a, struct elbv2_attribute **out, size_t *n,
					   struct err *err) MUST_CHECK;
/* The value of an attribute, NULL when absent. */
const char *elbv2_attribute_get(const struct elbv2_attribute *attributes, size_t n,
				const char *key);

/* --- load balancers
 * ------------------------------------------------------------------------- */

struct elbv2_load_balancer {
	const char *arn, *name, *dns_name;
	const char *type;  /* "application", "network", "gateway" */
	const char *state; /* "active", "provisioning", "active_impaired", "failed" */
};

int elbv2_describe_load_balancer(const struct aws_client *c, const char *arn, struct arena *a,
				 struct elbv2_load_balancer *out, struct err *err) MUST_CHECK;

/*
 * The part of an ARN that CloudWatch dimensions want: "app/name/id" of a load balancer,
 * "targetgroup/name/id" of a target group. Borrowed; the empty slice when it is no such ARN. Pure.
 */
struct str elbv2_load_balancer_dimension(const char *arn);
struct str elbv2_target_group_dimension(const char *arn);

const char *elbv2_health_name(enum elbv2_health h); /* "unhealthy.draining" ...; never NULL */

#endif
