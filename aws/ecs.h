#ifndef AWS_ECS_H
#define AWS_ECS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/call.h"
#include "aws/core/clock.h"
#include "aws/core/err.h"
#include "aws/core/json.h"
#include "aws/core/mem.h"

/*
 * ECS: services, their deployments and revisions, task definitions, tasks. JSON 1.1, API version
 * 2014-11-13.
 *
 * Everything returned lives in the arena given, NUL-terminated; absent text is NULL, absent numbers
 * are 0. Each function blocks, retries included, and can be called from any thread. `cluster` is a
 * name or an ARN, NULL the cluster "default"; `service` a name or an ARN.
 *
 * A thing that does not exist is not an error response of ECS's Describe calls but a "failure" of
 * status 200; here it is ERR_NOT_FOUND all the same, and any other failure ERR_UNAVAILABLE, since
 * ECS does not say what else there may be.
 *
 * Errors everywhere: ERR_NOT_FOUND, ERR_CONFLICT (ServiceNotActiveException, ConflictException),
 * ERR_REJECTED, ERR_DENIED; ERR_MALFORMED for an answer that lacks what was asked for.
 */
extern const struct aws_service ecs_service;

struct ecs_tag {
	const char *key, *value;
};

/* The value of a tag, NULL when there is none. */
const char *ecs_tag_get(const struct ecs_tag *tags, size_t n, const char *key);

/* --- task definitions ------------------------------------------------------------------------- */

struct ecs_task_definition {
	const char *arn, *family;
	int64_t revision;
	const char *status;	  /* "ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS" */
	const char *network_mode; /* "awsvpc", "bridge", "host", "none"; NULL: the platform's */
	const char *task_role_arn, *execution_role_arn;
	const struct ecs_tag *tags;
	size_t n_tags;
	const struct json *raw; /* the taskDefinition as it was read */
};

/* DescribeTaskDefinition with its tags: "family" (the newest active one), "family:7" or an ARN. A
 * family without one, too, is ERR_NOT_FOUND. */
int ecs_describe_task_definition(const struct aws_client *c, const char *definition,
				 struct arena *a, struct ecs_task_definition *out,
				 struct err *err) MUST_CHECK;

/*
 * RegisterTaskDefinition of a definition as people write it or as DescribeTaskDefinition returns
 * it: members that cannot be registered are left out, null too, all others go along whatever they
 * are called. `tags` are added to those in the definition, and win. Each call makes another
 * revision, so it is not sent again when the outcome is unknown (err->sent): look at the newest one
 * first.
 */
int ecs_register_task_definition(const struct aws_client *c, const struct json *definition,
				 const struct ecs_tag *tags, size_t n_tags, struct arena *a,
				 struct ecs_task_definition *out, struct err *err) MUST_CHECK;

/* Is this a member of a described task definition that RegisterTaskDefinition refuses? Pure. */
bool ecs_task_definition_is_read_only(struct str member);

/* DeregisterTaskDefinition: "family:7" or an ARN. Running tasks stay. One that is gone or inactive
 * already is success. */
int ecs_deregister_task_definition(const struct aws_client *c, const char *definition,
				   struct arena *a, struct err *err) MUST_CHECK;

/* --- services --------------------------------------------------------------------------------- */

struct ecs_load_balancer {
	const char *target_group_arn;
	const char *container_name;
	int64_t container_port;
	/* advancedConfiguration, of services whose deployments shift traffic; else NULL */
	const char *alternate_target_group_arn, *production_rule, *test_rule, *role_arn;
};

/* An element of services[].deployments: what is running for which task definition. */
struct ecs_deployment {
	const char *id;
	const char *status; /* "PRIMARY", "ACTIVE", "INACTIVE" */
	const char *task_definition;
	int64_t desired, running, pending, failed_tasks;
	const char *rollout_state; /* "IN_PROGRESS", "COMPLETED", "FAILED"; NULL: not said */
	const char *rollout_state_reason;
};

struct ecs_service {
	const char *arn, *name, *cluster_arn;
	const char *status; /* "ACTIVE", "DRAINING", "INACTIVE" */
	const char *task_definition;
	int64_t desired, running, pending;
	const char *controller; /* "ECS", "CODE_DEPLOY", "EXTERNAL"; never NULL */
	const char *strategy;	/* "ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"; never NULL */
	const char *scheduling; /* "REPLICA", "DAEMON"; never NULL */
	const struct ecs_load_balancer *load_balancers;
	size_t n_load_balancers;
	const struct ecs_deployment *deployments;
	size_t n_deployments;
	const char
		*current_deployment; /* ARN of the service deployment that is going on, or NULL */
	const char *const *current_revisions; /* ARNs */
	size_t n_current_revisions;
	const struct ecs_tag *tags;
	size_t n_tags;
	size_t n_pause_hooks;	  /* lifecycle hooks of deploymentConfiguration that pause */
	bool has_discovery;	  /* serviceRegistries */
	bool has_service_connect; /* of the primary deployment, and enabled */
	const char *last_event;	  /* message of the newest event, or NULL */
	const struct json *raw;	  /* as it was read */
};

/* DescribeServices of one, with its tags. Deleted services stay visible for a while: see status. */
int ecs_describe_service(const struct aws_client *c, const char *cluster, const char *service,
			 struct arena *a, struct ecs_service *out, struct err *err) MUST_CHECK;

/* The deployment of status PRIMARY, NULL when there is none. */
const struct ecs_deployment *ecs_primary(const struct ecs_service *s);

#define ECS_STAGES_MAX 8

/*
 * A deploymentConfiguration: the service's own, as it was read, with these members in place of its
 * own. All else in it stays: maximumPercent, hooks that call functions, and what we do not know.
 */
struct ecs_deployment_configuration {
	const struct json *base; /* deploymentConfiguration of a service, or NULL */
	/*
	 * An object of members that are put back as they are, or NULL. With a strategy in it, and
	 * then `strategy` is NULL, all that belongs to the strategy in base goes.
	 */
	const struct json *instead;
	const char *strategy;	 /* NULL: as in base, with its own percentages and bake time */
	double percent;		 /* of CANARY and LINEAR; the step bake time is 0 */
	/* lifecycle hooks of type PAUSE: exactly these stages; none takes away what there is */
	const char *pause_stages[ECS_STAGES_MAX];
	size_t n_pause_stages;
	int64_t pause_timeout_minutes; /* 1 to 20,160; at its end ECS rolls back */
	/* circuit breaker of ROLLING, which alone has one: fail after this many failed tasks,
	 * without going back by itself; 0: as is. With any other strategy it is switched off */
	int64_t breaker_count;
	/* alarms that make ECS roll back: set_alarms replaces what there is */
	bool set_alarms;
	const char *const *alarms;
	size_t n_alarms;
};

struct ecs_service_update {
	const char *cluster, *service;
	const char *task_definition;				  /* NULL: unchanged */
	int64_t desired;					  /* -1: unchanged */
	const struct ecs_deployment_configuration *configuration; /* NULL: unchanged */
};

/*
 * UpdateService. Another task definition starts a deployment; desired count and configuration alone
 * do not. There is no token: with a task definition it is not sent again when the outcome is
 * unknown (err->sent), read the service's task definition and current deployment then. Without, it
 * says absolutely what shall be and is sent again.
 */
int ecs_update_service(const struct aws_client *c, const struct ecs_service_update *u,
		       struct arena *a, struct ecs_service *out, struct err *err) MUST_CHECK;

/*
 * CreateService like another one, as that was described: everything that can be created is taken
 * over, tags (not those of aws:) included, but for what is here. Load balancer: the other's
 * container and port, at target_group_arn, without advancedConfiguration. Deployments of the new
 * service are rolling ones.
 */
struct ecs_service_create {
	const struct ecs_service *like;
	const char *name;
	const char *task_definition;
	int64_t desired;
	const char *target_group_arn;
	const struct ecs_tag *tags; /* added to the other's, and win */
	size_t n_tags;
	int64_t breaker_count;	  /* as in struct ecs_deployment_configuration */
	const char *client_token; /* at most 36 characters of ASCII 33 to 126 */
};

/* Sent again when the outcome is unknown: the client token makes the second a repetition. A name
 * that is taken by an active service of other parameters is ERR_REJECTED. */
int ecs_create_service(const struct aws_client *c, const struct ecs_service_create *in,
		       struct arena *a, struct ecs_service *out, struct err *err) MUST_CHECK;

/* DeleteService with its tasks. One that is gone already, or going, is success. */
int ecs_delete_service(const struct aws_client *c, const char *cluster, const char *service,
		       struct arena *a, struct err *err) MUST_CHECK;

/* --- service deployments ---------------------------------------------------------------------- */

enum ecs_deployment_status {
	ECS_DEPLOYMENT_PENDING,
	ECS_DEPLOYMENT_IN_PROGRESS,
	ECS_DEPLOYMENT_SUCCESSFUL,
	ECS_DEPLOYMENT_STOP_REQUESTED,
	ECS_DEPLOYMENT_STOPPED,
	ECS_DEPLOYMENT_ROLLBACK_REQUESTED,
	ECS_DEPLOYMENT_ROLLBACK_IN_PROGRESS,
	ECS_DEPLOYMENT_ROLLBACK_SUCCESSFUL,
	ECS_DEPLOYMENT_ROLLBACK_FAILED,
	ECS_DEPLOYMENT_OTHER /* a word we do not know: go on waiting */
};

const char *ecs_deployment_status_name(enum ecs_deployment_status s); /* "IN_PROGRESS" */

struct ecs_hook {
	const char *id;
	const char *target_type; /* "PAUSE", "AWS_LAMBDA" */
	const char *status;	 /* "AWAITING_ACTION", "IN_PROGRESS", "SUCCEEDED" ... */
};

struct ecs_service_deployment {
	const char *arn, *service_arn;
	enum ecs_deployment_status status;
	const char *status_reason;
	const char *stage; /* "POST_SCALE_UP" ...; also ones that no model lists; NULL: none yet */
	const struct ecs_hook *hooks; /* lifecycleHookDetails */
	size_t n_hooks;
	const char *revision_arn;			       /* of the target service revision */
	int64_t requested_tasks, running_tasks, pending_tasks; /* of that revision */
	bool has_weight;
	double weight; /* requestedProductionTrafficWeight of that revision, percent */
	const char *rollback_reason;
	const char *rollback_revision_arn;
	const char *triggered_alarm; /* the first of them */
	struct utc created;	     /* 0: not said */
};

/* DescribeServiceDeployments of one, by its ARN. */
int ecs_describe_service_deployment(const struct aws_client *c, const char *arn, struct arena *a,
				    struct ecs_service_deployment *out, struct err *err) MUST_CHECK;

/* A row of ListServiceDeployments, newest first as ECS gives them. */
struct ecs_deployment_row {
	const char *arn, *revision_arn;
	enum ecs_deployment_status status;
	struct utc created;
};

/* ListServiceDeployments, at most max rows, those created after this moment (0: all). */
int ecs_list_service_deployments(const struct aws_client *c, const char *cluster,
				 const char *service, struct utc after, size_t max, struct arena *a,
				 struct ecs_deployment_row **out, size_t *n,
				 struct err *err) MUST_CHECK;

/*
 * ContinueServiceDeployment past a hook that awaits it, on to the next stage or back. Not sent
 * again when the outcome is unknown: the next hook has another id, but a hook that has been
 * answered is an error; read the deployment.
 */
int ecs_continue_service_deployment(const struct aws_client *c, const char *arn,
				    const char *hook_id, bool roll_back, struct arena *a,
				    struct err *err) MUST_CHECK;

/* StopServiceDeployment with ROLLBACK. ERR_CONFLICT: it is over already. */
int ecs_roll_back_service_deployment(const struct aws_client *c, const char *arn, struct arena *a,
				     struct err *err) MUST_CHECK;

struct ecs_service_revision {
	const char *arn, *task_definition;
	/*
	 * Where its tasks are, and the rule that leads there: resolvedConfiguration, since a
	 * service has two target groups and its revisions take turns; NULL when ECS does not say.
	 */
	const char *target_group_arn, *production_rule;
};

/* DescribeServiceRevisions of one, by its ARN. */
int ecs_describe_service_revision(const struct aws_client *c, const char *arn, struct arena *a,
				  struct ecs_service_revision *out, struct err *err) MUST_CHECK;

/* --- tasks ------------------------------------------------------------------------------------ */

struct ecs_task {
	const char *arn, *task_definition;
	const char *last_status;   /* "RUNNING", "STOPPED" ... */
	const char *health_status; /* "HEALTHY", "UNHEALTHY", "UNKNOWN" */
	const char *stop_code, *stopped_reason;
	const char *container_reason; /* of the first container that says one */
	int64_t exit_code;	      /* of the first container that has one */
	bool has_exit_code;
};

/*
 * ListTasks of a service and DescribeTasks of the first page, 100 at most: a sample for messages.
 * desired_status: "RUNNING" or "STOPPED" (ECS keeps those an hour).
 */
int ecs_describe_tasks(const struct aws_client *c, const char *cluster, const char *service,
		       const char *desired_status, struct arena *a, struct ecs_task **out,
		       size_t *n, struct err *err) MUST_CHECK;

/* TagResource: adds or replaces. arn of a service, a task definition, ... */
int ecs_tag_resource(const struct aws_client *c, const char *arn, const struct ecs_tag *tags,
		     size_t n, struct arena *a, struct err *err) MUST_CHECK;

#endif
