#ifndef TESTS_SIM_SIM_ECS_H
#define TESTS_SIM_SIM_ECS_H

#include "tests/sim/sim_traffic.h"

/*
 * What the files of the simulated ECS share. Shapes: model 2014-11-13, JSON 1.1. Whatever is kept
 * lives in the arena of the state, as long as the simulator; nothing is freed one by one.
 */

/* What a container does: sim_traffic.h's words, and crash=20s: exit code 1 so long after RUNNING.
 * state=Failed: its image cannot be pulled. */
struct sim_ecs_does {
	struct sim_behaviour b;
	int64_t crash_after_ms; /* 0: it does not */
};

/* Behaviour by image: "repo:tag", or "repo" for every tag and digest of it. */
struct sim_ecs_image {
	struct sim_ecs_image *next;
	const char *name, *words; /* words separated by blanks */
};

struct sim_ecs_taskdef {
	struct sim_ecs_taskdef *next; /* newest first */
	const char *family, *arn;
	int64_t revision;
	const struct json *doc; /* what was registered */
	const struct json *tags;
	bool active;
	struct utc registered, deregistered;
};

struct sim_ecs_tags {
	struct sim_ecs_tags *next;
	const char *arn, *key, *value;
};

struct sim_ecs_cluster {
	struct sim_ecs_cluster *next;
	const char *name, *arn;
};

enum sim_ecs_strategy {
	SIM_ECS_ROLLING,
	SIM_ECS_BLUE_GREEN,
	SIM_ECS_LINEAR,
	SIM_ECS_CANARY,
	SIM_ECS_STRATEGIES
};
enum sim_ecs_controller {
	SIM_ECS_NATIVE,
	SIM_ECS_CODE_DEPLOY,
	SIM_ECS_EXTERNAL,
	SIM_ECS_CONTROLLERS
};

/* deploymentConfiguration, with defaults filled in. */
struct sim_ecs_config {
	enum sim_ecs_strategy strategy;
	int64_t bake_min, canary_bake_min, step_bake_min;
	double canary_percent, step_percent;
	int64_t maximum_percent, minimum_percent;
	bool breaker, breaker_rollback, breaker_reset;
	const char *threshold_type; /* "COUNT" ...; "" when not given */
	int64_t threshold_value;
	const struct json *hooks;  /* array, or NULL */
	const struct json *alarms; /* object, or NULL */
};

/* Members of a service that are kept and answered as they were given. */
enum sim_ecs_member {
	SIM_ECS_LOAD_BALANCERS,
	SIM_ECS_NETWORK,
	SIM_ECS_PLATFORM_VERSION,
	SIM_ECS_CAPACITY_PROVIDERS,
	SIM_ECS_SERVICE_REGISTRIES,
	SIM_ECS_SERVICE_CONNECT,
	SIM_ECS_VOLUMES,
	SIM_ECS_LATTICE,
	SIM_ECS_LAUNCH_TYPE,
	SIM_ECS_ROLE,
	SIM_ECS_SCHEDULING,
	SIM_ECS_PLACEMENT_CONSTRAINTS,
	SIM_ECS_PLACEMENT_STRATEGY,
	SIM_ECS_PROPAGATE_TAGS,
	SIM_ECS_MANAGED_TAGS,
	SIM_ECS_EXECUTE_COMMAND,
	SIM_ECS_REBALANCING,
	SIM_ECS_GRACE_PERIOD,
	SIM_ECS_MONITORING,
	SIM_ECS_MEMBERS
};
struct sim_ecs_member_spec {
	const char *name, *answer; /* answer: member of the answer, or NULL */
	bool update;		   /* UpdateService takes it */
	bool deploys;		   /* a change of it starts a deployment */
};
extern const struct sim_ecs_member_spec sim_ecs_members[SIM_ECS_MEMBERS];

/* One service revision: what ran, or runs, of a service. */
struct sim_ecs_revision {
	struct sim_ecs_revision *next; /* newest first */
	const char *arn, *id;	       /* id: of services[].deployments[] */
	struct sim_ecs_taskdef *def;
	const struct json *member[SIM_ECS_MEMBERS];
	const char *group; /* target group its tasks are registered with; or NULL */
	struct utc created, updated;
	int64_t desired;
	int64_t failed;	       /* tasks that did not start or failed health checks */
	int64_t failing;       /* in a row, for the back-off */
	struct utc next_start; /* not before */
	const char *rollout_state, *rollout_reason;
};

enum sim_ecs_status {
	SIM_ECS_PENDING,
	SIM_ECS_IN_PROGRESS,
	SIM_ECS_SUCCESSFUL,
	SIM_ECS_STOP_REQUESTED,
	SIM_ECS_STOPPED,
	SIM_ECS_ROLLBACK_REQUESTED,
	SIM_ECS_ROLLBACK_IN_PROGRESS,
	SIM_ECS_ROLLBACK_SUCCESSFUL,
	SIM_ECS_ROLLBACK_FAILED,
	SIM_ECS_STATUSES
};
enum sim_ecs_stage {
	SIM_ECS_RECONCILE,
	SIM_ECS_PRE_SCALE_UP,
	SIM_ECS_SCALE_UP,
	SIM_ECS_POST_SCALE_UP,
	SIM_ECS_TEST_SHIFT,
	SIM_ECS_POST_TEST_SHIFT,
	SIM_ECS_PRE_SHIFT,
	SIM_ECS_SHIFT,
	SIM_ECS_POST_SHIFT,
	SIM_ECS_BAKE,
	SIM_ECS_CLEAN_UP,
	SIM_ECS_STAGES
};
const char *sim_ecs_stage_name(enum sim_ecs_stage stage); /* of a hook's lifecycleStages */
const char *sim_ecs_status_name(enum sim_ecs_status status);
const char *sim_ecs_strategy_name(enum sim_ecs_strategy strategy);
const char *sim_ecs_controller_name(enum sim_ecs_controller controller);

#define SIM_ECS_HOOKS_MAX 8
struct sim_ecs_hook {
	const char *id, *target_type, *target_arn, *status, *timeout_action;
	struct utc expires;
};

struct sim_ecs_deployment {
	struct sim_ecs_deployment *next; /* newest first */
	const char *arn;
	struct sim_ecs_revision *source; /* the last one that completed; NULL for the first */
	struct sim_ecs_revision *other;	 /* of a deployment that this one replaced; or NULL */
	struct sim_ecs_revision *target;
	struct sim_ecs_config config;
	bool native; /* in stages; false: rolling */
	enum sim_ecs_status status;
	const char *reason;
	enum sim_ecs_stage stage;
	struct utc stage_since;
	bool entered;	  /* what the stage does at its beginning has been done */
	bool hooks_begun; /* of this stage */
	struct sim_ecs_hook hooks[SIM_ECS_HOOKS_MAX]; /* of this visit of the stage */
	size_t n_hooks;
	double weight, test_weight; /* requested for the target revision, percent */
	struct utc created, started, finished, stopped, updated;
	const char *rollback_reason;
	struct utc rollback_at;
	const struct json *watched;   /* alarms that were not in ALARM at the start */
	const char *triggered_alarms; /* names separated by commas, or NULL */
	bool breaker_open;
	struct utc steady_since; /* rolling with alarms: watched so long after that */
};

struct sim_ecs_event {
	struct utc at;
	const char *id, *message;
};
#define SIM_ECS_EVENTS 100

enum sim_ecs_service_status { SIM_ECS_ACTIVE, SIM_ECS_DRAINING, SIM_ECS_INACTIVE };

struct sim_ecs_service {
	struct sim_ecs_service *next;
	struct sim_ecs_cluster *cluster;
	const char *name, *arn, *client_token;
	enum sim_ecs_service_status status;
	enum sim_ecs_controller controller;
	int64_t desired;
	struct sim_ecs_config config;
	const struct json *member[SIM_ECS_MEMBERS];
	struct sim_ecs_taskdef *def;
	struct sim_ecs_revision *revisions;
	struct sim_ecs_revision *primary;   /* status PRIMARY */
	struct sim_ecs_revision *completed; /* of the last deployment that succeeded; or NULL */
	struct sim_ecs_deployment *deployments;
	struct sim_ecs_event events[SIM_ECS_EVENTS]; /* newest first */
	size_t n_events;
	bool steady;
	struct utc created;
};

enum sim_ecs_task_status {
	SIM_ECS_PROVISIONING,
	SIM_ECS_TASK_PENDING,
	SIM_ECS_RUNNING,
	SIM_ECS_DEACTIVATING,
	SIM_ECS_STOPPING,
	SIM_ECS_TASK_STOPPED
};

struct sim_ecs_task {
	struct sim_ecs_task *next;
	const char *id, *arn, *ip;
	struct sim_ecs_service *service;
	struct sim_ecs_revision *revision;
	enum sim_ecs_task_status status;
	bool stop; /* desiredStatus STOPPED */
	struct sim_ecs_does does;
	struct utc created, started, stopping, stopped, since; /* since: of this status */
	bool was_healthy;
	const char *stop_code, *stop_reason; /* or NULL */
	int64_t exit_code;		     /* -1: none */
};

struct sim_ecs_state {
	struct arena *arena;
	struct sim_ecs_image *images;
	struct sim_ecs_taskdef *taskdefs;
	struct sim_ecs_tags *tags;
	struct sim_ecs_cluster *clusters;
	struct sim_ecs_service *services;
	struct sim_ecs_task *tasks;
	uint64_t n_ids; /* revisions and addresses given so far */
	/* settings */
	int64_t provision_ms, pull_ms, stop_ms, stage_ms, shift_ms, network_shift_ms;
	int64_t hidden_ms;   /* a new service deployment is not to be seen for so long */
	bool pre_stage_told; /* lifecycleStage says PRE_PRODUCTION_TRAFFIC_SHIFT */
};

/* One operation: a call, or (x == NULL) what a control command does in somebody's name. */
struct sim_ecs_call {
	struct sim *s;
	struct sim_ecs_state *e;
	const struct sim_exchange *x;
	struct arena *arena;
	struct utc now;
	const struct json *in;
	struct json_out *out; /* inside the answer's object */
	struct err *err;      /* of the control command */
};

/* --- sim_ecs.c ----------------------------------------------------------------------------- */
int sim_ecs_error(const struct sim_ecs_call *c, const char *code, const char *fmt, ...)
	PRINTF_LIKE(3, 4); /* answers; returns -1 */
/* Run an operation by its name; -1: the error has been answered. */
int sim_ecs_run(struct sim_ecs_call *c, const char *operation) MUST_CHECK;
struct sim_ecs_cluster *sim_ecs_cluster_find(struct sim_ecs_state *e, struct str name_or_arn);
struct sim_ecs_cluster *sim_ecs_cluster_new(struct sim_ecs_state *e, struct str name);
struct sim_ecs_service *sim_ecs_service_find(struct sim_ecs_state *e,
					     const struct sim_ecs_cluster *cluster,
					     struct str name_or_arn);
/* c->in's cluster (default: "default"), and its service; NULL: the error has been answered. */
struct sim_ecs_cluster *sim_ecs_need_cluster(struct sim_ecs_call *c);
struct sim_ecs_service *sim_ecs_need_service(struct sim_ecs_call *c);
struct sim_ecs_deployment *sim_ecs_deployment_find(struct sim_ecs_state *e, struct str arn,
						   struct sim_ecs_service **service);
bool sim_ecs_is_seen(const struct sim_ecs_call *c, const struct sim_ecs_deployment *d);
const char *sim_ecs_word(struct sim *s, struct sim_ecs_state *e, size_t n); /* random, kept */
const struct json *sim_ecs_keep(struct sim_ecs_state *e, const struct json *node); /* a copy */
void sim_ecs_event(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_service *v,
		   const char *fmt, ...) PRINTF_LIKE(4, 5);
void sim_ecs_time(struct json_out *o, const char *key, struct utc t); /* 0: nothing */
void sim_ecs_failure(struct json_out *o, struct str arn);	      /* {arn, reason: MISSING} */

/* --- sim_ecs_shape.c ----------------------------------------------------------------------- */
/* Members that the model does not know, of the wrong type, or missing: answered, -1. */
int sim_ecs_check(struct sim_ecs_call *c, const char *operation) MUST_CHECK;

/* --- sim_ecs_taskdef.c --------------------------------------------------------------------- */
/* "family", "family:7" or an ARN; the newest ACTIVE one of a family. NULL when there is none. */
struct sim_ecs_taskdef *sim_ecs_taskdef_find(struct sim_ecs_state *e, struct str what);
const struct json *sim_ecs_container(const struct sim_ecs_taskdef *d, struct str name);
int sim_ecs_register(struct sim_ecs_call *c) MUST_CHECK;
int sim_ecs_deregister(struct sim_ecs_call *c) MUST_CHECK;
int sim_ecs_describe_taskdef(struct sim_ecs_call *c) MUST_CHECK;
int sim_ecs_list_tags(struct sim_ecs_call *c) MUST_CHECK;
int sim_ecs_tag(struct sim_ecs_call *c) MUST_CHECK;
void sim_ecs_set_tags(struct sim_ecs_state *e, const char *arn, const struct json *tags);
void sim_ecs_write_tags(struct json_out *o, const struct sim_ecs_state *e, const char *arn);
int sim_ecs_does_set(struct sim_ecs_does *d, struct str key, struct str value,
		     struct err *err) MUST_CHECK;
/* What the containers of this task definition do. */
struct sim_ecs_does sim_ecs_does_of(const struct sim_ecs_state *e, const struct sim_ecs_taskdef *d);

/* --- sim_ecs_config.c ---------------------------------------------------------------------- */
/* Take what is given over what was (defaults at first). -1: answered. */
int sim_ecs_config_take(struct sim_ecs_call *c, const struct json *given,
			enum sim_ecs_controller controller,
			struct sim_ecs_config *config) MUST_CHECK;
void sim_ecs_config_write(struct json_out *o, const struct sim_ecs_config *config);
/* Load balancers against strategy, task definition and the listener rules. -1: answered. */
int sim_ecs_check_balancers(struct sim_ecs_call *c, const struct json *list,
			    const struct sim_ecs_config *config,
			    const struct sim_ecs_taskdef *def) MUST_CHECK;
/* The first load balancer's target group, its alternate, and its rules; "" when not given. */
struct sim_ecs_route {
	struct str group, alternate, rule, test_rule;
	int64_t port;
};
struct sim_ecs_route sim_ecs_route_of(const struct json *load_balancers);

/* --- sim_ecs_service.c --------------------------------------------------------------------- */
int sim_ecs_create_service(struct sim_ecs_call *c) MUST_CHECK;
int sim_ecs_update_service(struct sim_ecs_call *c) MUST_CHECK;
int sim_ecs_delete_service(struct sim_ecs_call *c) MUST_CHECK;
int sim_ecs_describe_services(struct sim_ecs_call *c) MUST_CHECK;
int sim_ecs_describe_clusters(struct sim_ecs_call *c) MUST_CHECK;

/* --- sim_ecs_write.c ----------------------------------------------------------------------- */
void sim_ecs_write_service(const struct sim_ecs_call *c, const struct sim_ecs_service *v,
			   bool tags);
int sim_ecs_list_deployments(struct sim_ecs_call *c) MUST_CHECK;
int sim_ecs_describe_deployments(struct sim_ecs_call *c) MUST_CHECK;
int sim_ecs_describe_revisions(struct sim_ecs_call *c) MUST_CHECK;

/* --- sim_ecs_task.c ------------------------------------------------------------------------ */
struct sim_ecs_counts {
	int64_t live; /* wanted and not stopped: pending and running */
	int64_t running, pending, healthy;
	int64_t left; /* everything that is not STOPPED yet */
};
struct sim_ecs_counts sim_ecs_count(struct sim *s, const struct sim_ecs_state *e,
				    const struct sim_ecs_service *v,
				    const struct sim_ecs_revision *r); /* r NULL: all */
void sim_ecs_task_stop(struct sim *s, struct sim_ecs_task *t, const char *code, const char *reason);
void sim_ecs_tasks_step(struct sim *s, struct sim_ecs_state *e);
void sim_ecs_schedule(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_service *v);
/* Control: what the service wants runs at once. */
void sim_ecs_tasks_at_once(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_service *v);
/* Control: running tasks do what their images do now. */
void sim_ecs_tasks_refresh(struct sim *s, struct sim_ecs_state *e);
int sim_ecs_list_tasks(struct sim_ecs_call *c) MUST_CHECK;
int sim_ecs_describe_tasks(struct sim_ecs_call *c) MUST_CHECK;
int sim_ecs_stop_task(struct sim_ecs_call *c) MUST_CHECK;

/* --- sim_ecs_deploy.c ---------------------------------------------------------------------- */
void sim_ecs_deploy(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_service *v);
void sim_ecs_deployment_step(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_service *v);
bool sim_ecs_is_over(const struct sim_ecs_deployment *d);
bool sim_ecs_is_rolling_back(const struct sim_ecs_deployment *d);
void sim_ecs_roll_back(struct sim *s, struct sim_ecs_service *v, struct sim_ecs_deployment *d,
		       const char *reason);
int64_t sim_ecs_breaker_threshold(const struct sim_ecs_deployment *d, int64_t desired);
/* Revision is the last one that completed, with all traffic, from now on. */
void sim_ecs_complete(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_service *v,
		      struct sim_ecs_deployment *d);

/* --- sim_ecs_stage.c: a native deployment, stage by stage ---------------------------------- */
void sim_ecs_stage_step(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_service *v,
			struct sim_ecs_deployment *d);
void sim_ecs_stage_back(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_service *v,
			struct sim_ecs_deployment *d); /* while it rolls back */
void sim_ecs_stage_enter(struct sim *s, struct sim_ecs_deployment *d, enum sim_ecs_stage stage);
/* Weights of the production rule; false: the rule or a group is gone. */
bool sim_ecs_shift(struct sim *s, struct sim_ecs_service *v, struct sim_ecs_deployment *d,
		   double percent);

/* --- sim_ecs_hook.c ------------------------------------------------------------------------ */
enum sim_ecs_hooks_are { SIM_ECS_HOOKS_DONE, SIM_ECS_HOOKS_WAIT, SIM_ECS_HOOKS_FAILED };
enum sim_ecs_hooks_are sim_ecs_hooks(struct sim *s, struct sim_ecs_state *e,
				     struct sim_ecs_deployment *d);
int sim_ecs_continue(struct sim_ecs_call *c) MUST_CHECK;
int sim_ecs_stop_deployment(struct sim_ecs_call *c) MUST_CHECK;

/* --- sim_ecs_control.c --------------------------------------------------------------------- */
int sim_ecs_control(struct sim *s, void *state, const struct sim_words *w, struct json_out *out,
		    struct err *err) MUST_CHECK;

#endif
