#ifndef TESTS_SIM_SIM_AUTOSCALING_H
#define TESTS_SIM_SIM_AUTOSCALING_H

#include "tests/sim/sim_ec2.h"

/* What the files of the simulated EC2 Auto Scaling share. Shapes: model 2011-01-01. */

/* Where an instance of a group stands, in the order of its life. */
enum sim_lifecycle {
	SIM_PENDING,
	SIM_PENDING_WAIT, /* a lifecycle hook holds it */
	SIM_IN_SERVICE,
	SIM_TERMINATING, /* leaves its target groups */
	SIM_TERMINATING_WAIT,
	SIM_TERMINATING_PROCEED,
	SIM_LIFECYCLE_COUNT
};
const char *sim_lifecycle_name(enum sim_lifecycle l);

struct sim_asg_member {
	struct sim_instance *i;
	enum sim_lifecycle state;
	struct utc since, in_service;
	bool unhealthy, protected_, by_force;
	unsigned changes; /* of its behaviour, that its targets know of */
	size_t hook;	  /* which of the group's hooks holds it */
	struct utc held;  /* since when */
	int answer;	  /* of that hook: 0 none yet, 1 continue, 2 abandon */
	size_t activity;  /* the one under way */
};

struct sim_asg_source {
	char arn[256], type[16];
	bool leaving;
	struct utc since; /* attached or leaving */
};

/* Things a group has that only their own calls tell about. */
enum sim_part_kind { SIM_POLICY, SIM_SCHEDULE, SIM_HOOK, SIM_NOTIFICATION };
struct sim_asg_part {
	enum sim_part_kind kind;
	char name[256]; /* of a notification: the topic */
	char type[64];	/* PolicyType; the notification's type; the hook's transition */
	char *xml;	/* the members as they were put */
	int64_t heartbeat_s;
	bool abandons; /* hooks: what happens when nobody answers */
};

struct sim_asg_tag {
	char key[129], value[257];
	bool propagate;
};

struct sim_activity {
	char id[40], code[40];
	char description[160], cause[300], message[300];
	struct utc start, end; /* end 0: under way */
	int progress;
};

struct sim_asg {
	struct sim_asg *next;
	char name[256], arn[640];
	struct utc created;
	int64_t min, max, desired;
	char template_[129], version[32]; /* id or name; as the group refers to it */
	bool mixed;
	char type[32]; /* of the first override, or "" */
	struct sim_fields settings;
	bool elb_health, protect_new;
	int64_t grace_s, cooldown_s;
	char protection[32]; /* DeletionProtection */
	struct sim_asg_source *sources;
	size_t n_sources;
	struct sim_asg_member *members;
	size_t n_members;
	struct sim_asg_part *parts;
	size_t n_parts;
	struct sim_asg_tag *tags;
	size_t n_tags;
	unsigned suspended; /* bits of sim_processes */
	char *metrics;	    /* EnabledMetrics, as answered; or NULL */
	bool deleting, force, refreshing;
	char operator_[128]; /* a service that manages the group; "" */
	struct sim_activity *activities;
	size_t n_activities;
	struct utc next_launch, last_scaling;
	uint64_t n_launched;
	int64_t launch_ms, terminate_ms; /* Pending; what ending takes after the draining */
};

/* How a hook of that name is answered, in every group that has it. */
struct sim_hook_rule {
	char name[256];
	bool stuck, abandons;
	int64_t after_ms;
};

struct sim_autoscaling_state {
	struct sim_asg *groups;
	struct sim_hook_rule *rules;
	size_t n_rules;
	uint64_t n_made;
};

struct sim_asg_call {
	struct sim *s;
	struct sim_autoscaling_state *st;
	const struct sim_exchange *x;
	const struct json *in;
	struct buf *out;
};

enum sim_process {
	SIM_LAUNCH,
	SIM_TERMINATE,
	SIM_ADD_TO_LOAD_BALANCER,
	SIM_ALARM_NOTIFICATION,
	SIM_AZ_REBALANCE,
	SIM_HEALTH_CHECK,
	SIM_INSTANCE_REFRESH,
	SIM_REPLACE_UNHEALTHY,
	SIM_SCHEDULED_ACTIONS,
	SIM_PROCESS_COUNT
};
const char *sim_process_name(enum sim_process p);
static inline bool sim_asg_runs(const struct sim_asg *g, enum sim_process p)
{
	return !(g->suspended >> p & 1);
}

/* --- sim_autoscaling.c --------------------------------------------------------------------- */
struct sim_asg *sim_asg_find(struct sim_autoscaling_state *st, struct str name);
struct sim_asg *sim_asg_new(struct sim_autoscaling_state *st, struct str name, struct utc now);
struct sim_asg_source *sim_asg_source_find(struct sim_asg *g, struct str arn);
struct str sim_asg_arg(const struct sim_asg_call *c, const char *key);
int sim_asg_error(const struct sim_asg_call *c, const char *code, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
struct sim_asg *sim_asg_need(struct sim_asg_call *c); /* or NULL: an error is answered */
int sim_asg_page(const struct sim_asg_call *c, struct sim_page *p) MUST_CHECK;
void sim_asg_page_end(const struct sim_asg_call *c, const struct sim_page *p);
bool sim_json_lists(const struct json *list, const char *what);

/* --- sim_autoscaling_engine.c: what happens by itself -------------------------------------- */
void sim_asg_step(struct sim *s, struct sim_autoscaling_state *st, struct sim_asg *g,
		  struct utc now);
void sim_asg_attach(struct sim *s, struct sim_asg *g, struct str arn, struct str type);
void sim_asg_detach(struct sim *s, struct sim_asg *g, struct sim_asg_source *source);
void sim_asg_end_member(struct sim *s, struct sim_asg *g, struct sim_asg_member *m,
			const char *cause, bool by_force);
/* Launch up to what is desired now, in service at once: for control. */
void sim_asg_fill(struct sim *s, struct sim_asg *g);
struct sim_asg_part *sim_asg_hook(struct sim_asg *g, const struct sim_asg_member *m);

/* --- operations ---------------------------------------------------------------------------- */
int sim_describe_groups(struct sim_asg_call *c) MUST_CHECK;
int sim_describe_asg_instances(struct sim_asg_call *c) MUST_CHECK;
int sim_describe_activities(struct sim_asg_call *c) MUST_CHECK;
int sim_describe_refreshes(struct sim_asg_call *c) MUST_CHECK;
int sim_describe_sources(struct sim_asg_call *c) MUST_CHECK;
int sim_describe_asg_target_groups(struct sim_asg_call *c) MUST_CHECK;
int sim_create_group(struct sim_asg_call *c) MUST_CHECK;
int sim_update_group(struct sim_asg_call *c) MUST_CHECK;
int sim_delete_group(struct sim_asg_call *c) MUST_CHECK;
int sim_set_desired(struct sim_asg_call *c) MUST_CHECK;
int sim_attach_target_groups(struct sim_asg_call *c) MUST_CHECK;
int sim_detach_target_groups(struct sim_asg_call *c) MUST_CHECK;
int sim_attach_sources(struct sim_asg_call *c) MUST_CHECK;
int sim_detach_sources(struct sim_asg_call *c) MUST_CHECK;
int sim_suspend_processes(struct sim_asg_call *c) MUST_CHECK;
int sim_resume_processes(struct sim_asg_call *c) MUST_CHECK;
int sim_terminate_instance(struct sim_asg_call *c) MUST_CHECK;
int sim_set_protection(struct sim_asg_call *c) MUST_CHECK;
int sim_describe_policies(struct sim_asg_call *c) MUST_CHECK;
int sim_put_policy(struct sim_asg_call *c) MUST_CHECK;
int sim_describe_schedules(struct sim_asg_call *c) MUST_CHECK;
int sim_put_schedule(struct sim_asg_call *c) MUST_CHECK;
int sim_describe_hooks(struct sim_asg_call *c) MUST_CHECK;
int sim_put_hook(struct sim_asg_call *c) MUST_CHECK;
int sim_complete_hook(struct sim_asg_call *c) MUST_CHECK;
int sim_describe_notifications(struct sim_asg_call *c) MUST_CHECK;
int sim_put_notifications(struct sim_asg_call *c) MUST_CHECK;
int sim_enable_metrics(struct sim_asg_call *c) MUST_CHECK;
int sim_describe_warm_pool(struct sim_asg_call *c) MUST_CHECK;
int sim_create_asg_tags(struct sim_asg_call *c) MUST_CHECK;
int sim_delete_asg_tags(struct sim_asg_call *c) MUST_CHECK;
int sim_describe_asg_tags(struct sim_asg_call *c) MUST_CHECK;

/* A lifecycle hook as create and PutLifecycleHook give it: 0, or an error is answered; taken. */
int sim_hook_check(struct sim_asg_call *c, const struct json *in) MUST_CHECK;
void sim_hook_put(struct sim_asg *g, const struct json *in);
struct sim_asg_part *sim_part_put(struct sim_asg *g, enum sim_part_kind kind, struct str name,
				  const char *type);
void sim_asg_tag_set(struct sim_asg *g, struct str key, struct str value, bool propagate);

int sim_autoscaling_control(struct sim *s, void *state, const struct sim_words *w,
			    struct json_out *out, struct err *err) MUST_CHECK;

#endif
