#ifndef TESTS_SIM_SIM_ELBV2_H
#define TESTS_SIM_SIM_ELBV2_H

#include "tests/sim/sim_metrics.h"
#include "tests/sim/sim_traffic.h"

/* What the files of the simulated Elastic Load Balancing share. Shapes: model 2015-12-01. */

#define SIM_FORWARD_MAX 5 /* target groups of one action */
#define SIM_ACTIONS_MAX 5
#define SIM_ARN_SIZE 256

struct sim_target {
	char id[64];
	int64_t port;
	struct utc registered;
	struct utc drained; /* draining until then; 0: not draining */
	bool unhealthy;	    /* by control */
	bool own;	    /* does its own, not what its group does */
	struct sim_behaviour does;
	uint64_t requests, errors; /* counted when own */
};

struct sim_target_group {
	struct sim_target_group *next;
	char name[40], arn[SIM_ARN_SIZE], protocol[8], target_type[16];
	const char *tail;  /* "targetgroup/name/id", inside arn */
	struct sim_lb *lb; /* the one it is associated with, or NULL */
	int64_t port, interval_s, threshold, unhealthy_threshold;
	int64_t healthy_after_ms; /* negative: interval times threshold */
	bool checks_disabled;
	struct sim_behaviour does;
	struct sim_target *targets;
	size_t n_targets;
	struct utc referenced; /* since when a rule refers to it; 0: none does */
	int64_t deregistration_s, slow_start_s;
	bool sticky; /* target-level stickiness */
	uint64_t requests, errors;
	struct sim_metric *m_requests, *m_2xx, *m_5xx, *m_time, *m_healthy, *m_unhealthy;
};

struct sim_lb {
	struct sim_lb *next;
	char name[40], arn[SIM_ARN_SIZE], id[17];
	const char *tail; /* "app/name/id" */
	bool network;
	int64_t propagation_ms; /* negative: the simulator's option */
	struct utc active_at;
	struct sim_metric *m_requests, *m_target_5xx, *m_elb_5xx, *m_time;
};

struct sim_forward {
	size_t n;
	struct sim_target_group *tg[SIM_FORWARD_MAX];
	int64_t weight[SIM_FORWARD_MAX];
	bool sticky;
	int64_t sticky_s; /* 0: not given */
};

struct sim_lb_action {
	char type[32];
	int64_t order;		    /* 0: not given */
	struct sim_forward forward; /* n is 0 when this is no forward */
	char *config;		    /* the other members, as XML; or NULL */
	char *secret;		    /* client secret of authenticate-oidc; never answered */
};

struct sim_lb_actions {
	size_t n;
	struct sim_lb_action a[SIM_ACTIONS_MAX];
};

/* Weights that were accepted and have not reached the data plane yet. */
struct sim_pending {
	struct utc at;
	struct sim_forward forward;
};

/* A rule of a listener; the default rule is the listener's default action. */
struct sim_lb_rule {
	struct sim_lb_rule *next; /* by priority, the default rule last */
	struct sim_listener *listener;
	char arn[SIM_ARN_SIZE];
	int64_t priority; /* 0: the default rule */
	char *conditions; /* as XML */
	struct sim_lb_actions actions;
	double rps, carry;
	struct sim_forward live, before; /* what traffic follows; what pinned clients follow */
	struct utc changed;		 /* when live last changed */
	struct sim_pending *pending;
	size_t n_pending;
};

struct sim_listener {
	struct sim_listener *next;
	struct sim_lb *lb;
	char arn[SIM_ARN_SIZE], protocol[8], id[17];
	int64_t port;
	double segment_rps; /* rate of rules that are made through the API */
	struct sim_lb_rule *rules;
};

struct sim_tag {
	char arn[SIM_ARN_SIZE], key[129], value[257];
};

struct sim_elbv2_state {
	struct sim_lb *lbs;
	struct sim_target_group *tgs;
	struct sim_listener *listeners;
	struct sim_tag *tags;
	size_t n_tags;
	uint64_t n_made; /* rules made so far, for their ids */
	struct utc last, last_hosts;
};

struct sim_elbv2_call {
	struct sim *s;
	struct sim_elbv2_state *e;
	const struct sim_exchange *x;
	const struct json *in; /* the form as a tree */
	struct buf *out;       /* what stands inside <OpResult> */
};

/* --- sim_elbv2.c: model -------------------------------------------------------------------- */
struct sim_lb *sim_lb_find(struct sim_elbv2_state *e, struct str name_or_arn);
struct sim_target_group *sim_tg_find(struct sim_elbv2_state *e, struct str name_or_arn);
/* ARN, or "lb:port". */
struct sim_listener *sim_listener_find(struct sim_elbv2_state *e, struct str what);
/* ARN, or "lb:port:priority" ("default" for the default rule). */
struct sim_lb_rule *sim_lb_rule_find(struct sim_elbv2_state *e, struct str what);
struct sim_lb_rule *sim_default_rule(const struct sim_listener *l);
void sim_hex_id(const char *text, char out[17]); /* of a digest; the same every time */
/* A rule with this priority, in its place. Its actions and conditions are the caller's to set. */
struct sim_lb_rule *sim_lb_rule_new(struct sim_elbv2_state *e, struct sim_listener *l,
				    int64_t priority);
void sim_lb_rule_move(struct sim_lb_rule *r, int64_t priority);
void sim_lb_rule_delete(struct sim *s, struct sim_elbv2_state *e, struct sim_lb_rule *r);
void sim_actions_release(struct sim_lb_actions *a);
/*
 * Take these actions: recompute which target groups are referenced, let the weights travel to the
 * data plane, record the split. now: no travel time.
 */
void sim_lb_rule_set(struct sim *s, struct sim_elbv2_state *e, struct sim_lb_rule *r,
		     struct sim_lb_actions *taken, bool at_once);
/* The forward action among them, or NULL. */
const struct sim_forward *sim_forward_of(const struct sim_lb_actions *a);

/* --- sim_elbv2_target.c -------------------------------------------------------------------- */
struct sim_target_group *sim_tg_new(const char *name); /* in no list yet */
void sim_target_register(struct sim_target_group *tg, struct str id, int64_t port, struct utc now);
void sim_target_deregister(struct sim_target_group *tg, struct sim_target *t, struct utc now);
void sim_targets_drain(struct sim_target_group *tg, struct utc now); /* drained ones are gone */

/* Health as the load balancer sees it. reason and description are "" when all is well. */
struct sim_health {
	const char *state, *reason, *description;
};
struct sim_health sim_target_health(const struct sim_target_group *tg, const struct sim_target *t,
				    struct utc now);

/* --- sim_elbv2_traffic.c ------------------------------------------------------------------- */
void sim_elbv2_step(struct sim *s, struct sim_elbv2_state *e, struct utc from, struct utc now);
/* Share of the traffic that each target group of r->live gets now. */
void sim_lb_rule_shares(const struct sim_lb_rule *r, struct utc now, double share[SIM_FORWARD_MAX]);

/* --- operations: write into c->out and return 0, or answer with an error and return -1 ----- */
int sim_describe_load_balancers(struct sim_elbv2_call *c) MUST_CHECK;
int sim_describe_listeners(struct sim_elbv2_call *c) MUST_CHECK;
int sim_describe_rules(struct sim_elbv2_call *c) MUST_CHECK;
int sim_describe_target_groups(struct sim_elbv2_call *c) MUST_CHECK;
int sim_describe_target_group_attributes(struct sim_elbv2_call *c) MUST_CHECK;
int sim_describe_target_health(struct sim_elbv2_call *c) MUST_CHECK;
int sim_describe_tags(struct sim_elbv2_call *c) MUST_CHECK;
int sim_modify_listener(struct sim_elbv2_call *c) MUST_CHECK;
int sim_modify_rule(struct sim_elbv2_call *c) MUST_CHECK;
int sim_create_rule(struct sim_elbv2_call *c) MUST_CHECK;
int sim_delete_rule(struct sim_elbv2_call *c) MUST_CHECK;
int sim_set_rule_priorities(struct sim_elbv2_call *c) MUST_CHECK;
int sim_register_targets(struct sim_elbv2_call *c) MUST_CHECK;
int sim_deregister_targets(struct sim_elbv2_call *c) MUST_CHECK;
void sim_write_listener(struct buf *b, const struct sim_listener *l);
void sim_write_rule(struct buf *b, const struct sim_lb_rule *r);
struct str sim_elbv2_arg(const struct sim_elbv2_call *c, const char *key);
int sim_elbv2_error(const struct sim_elbv2_call *c, const char *code, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* --- sim_elbv2_action.c: reading actions and conditions from a request --------------------- */
/* 0 with actions in out (release them), or an error has been answered. old: the rule's present
 * actions, for UseExistingClientSecret; may be NULL. */
int sim_actions_read(struct sim_elbv2_call *c, const struct json *list,
		     const struct sim_listener *l, const struct sim_lb_actions *old,
		     struct sim_lb_actions *out) MUST_CHECK;
int sim_conditions_read(struct sim_elbv2_call *c, const struct json *list,
			const struct sim_listener *l, char **xml) MUST_CHECK;

/* --- sim_elbv2_control.c ------------------------------------------------------------------- */
int sim_elbv2_control(struct sim *s, void *state, const struct sim_words *w, struct json_out *out,
		      struct err *err) MUST_CHECK;

#endif
