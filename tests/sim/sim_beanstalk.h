#ifndef TESTS_SIM_SIM_BEANSTALK_H
#define TESTS_SIM_SIM_BEANSTALK_H

#include "tests/sim/sim_metrics.h"
#include "tests/sim/sim_traffic.h"

/*
 * What the files of the simulated Elastic Beanstalk share. Shapes: service model 2010-12-01.
 *
 * An environment has instances, each with a version of the code, in one or two fleets: the one that
 * is there, and the one that an immutable or traffic splitting deployment brings up beside it. A
 * fleet behind a load balancer is a target group of the simulated Elastic Load Balancing, and
 * traffic goes through that; an environment of a single instance answers by itself. At most one
 * operation is under way in an environment: a small machine that moves when its time has come.
 */

#define EB_NAME_SIZE 104
#define EB_DOMAIN "." SIM_REGION ".elasticbeanstalk.com"
#define EB_STORAGE "elasticbeanstalk-" SIM_REGION "-" SIM_ACCOUNT

struct sim_eb_option {
	char *ns, *name, *value, *resource; /* resource "" for none; all on the heap */
};

struct sim_eb_options {
	struct sim_eb_option *o;
	size_t n;
};

struct sim_eb_tag {
	char key[129], value[257];
};

struct sim_eb_tags {
	struct sim_eb_tag *t;
	size_t n;
};

struct sim_eb_version {
	struct sim_eb_version *next;
	char app[EB_NAME_SIZE], label[EB_NAME_SIZE], description[204];
	char bucket[260], key[1028];
	const char *status;			/* "Processed" ... */
	bool bad;				/* the bundle is no archive */
	struct utc created, updated, processed; /* processed: when Processing ends */
	struct sim_behaviour does;
	struct sim_eb_tags tags;
};

struct sim_eb_template {
	struct sim_eb_template *next;
	char app[EB_NAME_SIZE], name[EB_NAME_SIZE], description[204], stack[128];
	struct sim_eb_options options;
	struct utc created;
};

struct sim_eb_app {
	struct sim_eb_app *next;
	char name[EB_NAME_SIZE];
	struct utc created;
};

/* What an instance did with the last deployment. */
enum sim_eb_deployed { EB_IN_PROGRESS, EB_DEPLOYED, EB_DEPLOY_FAILED };

struct sim_eb_instance {
	char id[24], label[EB_NAME_SIZE];
	int64_t deployment;
	enum sim_eb_deployed status;
	struct utc launched, deployed; /* deployed: when this deployment ended on it */
	struct sim_behaviour does;
	int fleet;   /* 0: the environment's own; 1: the temporary one */
	bool target; /* registered in the target group of its fleet */
};

#define EB_WINDOW 6 /* buckets of ten seconds: health looks at the last minute */

struct sim_eb_bucket {
	int64_t at; /* number of the ten seconds since 1970 */
	uint64_t n, errors;
};

struct sim_eb_fleet {
	char group[256];	    /* ARN of the target group; "" when there is no load balancer */
	uint64_t seen, seen_errors; /* of the group's counters */
	struct sim_eb_bucket window[EB_WINDOW];
};

enum sim_eb_status {
	EB_LAUNCHING,
	EB_UPDATING,
	EB_ABORTING,
	EB_READY,
	EB_TERMINATING,
	EB_TERMINATED
};

enum sim_eb_operation {
	EB_NONE,
	EB_LAUNCH,
	EB_DEPLOY,
	EB_CONFIGURE,
	EB_SWAP,
	EB_TERMINATE,
	EB_ABORT,
	EB_RESTART,
	EB_MANAGED
};
#define EB_OPERATIONS 9

enum sim_eb_policy {
	EB_ALL_AT_ONCE,
	EB_ROLLING,
	EB_ROLLING_ADDITIONAL,
	EB_IMMUTABLE,
	EB_SPLITTING
};

/* The operation under way. */
struct sim_eb_operating {
	enum sim_eb_operation kind;
	char request_id[RNG_UUID_SIZE];
	struct utc started, due; /* due: when the present stage ends */
	int stage;
	enum sim_eb_policy policy;
	size_t size;		       /* instances when it began */
	char label[EB_NAME_SIZE];      /* of a deployment, its abort, or a launch; else "" */
	struct sim_eb_options options; /* of a change of configuration: all of them */
	char other[16];		       /* swap: the other environment; "" in the other one */
	struct utc well_since;	       /* since when the instances just deployed are well; 0: not */
	struct utc give_up;	       /* instances that are not well by then fail */
	int64_t percent;	       /* traffic splitting: what the new version gets now */
};

enum sim_eb_health {
	EB_NO_DATA,
	EB_PENDING,
	EB_OK,
	EB_INFO,
	EB_WARNING,
	EB_DEGRADED,
	EB_SEVERE,
	EB_HEALTH_AUTO
};

struct sim_eb_managed {
	char id[64];
	struct utc window;
	bool exists, running;
};

struct sim_eb_metrics {
	struct sim_metric *health, *total, *ok, *failed, *p50, *p90, *p99, *n_ok, *n_severe;
};

struct sim_eb_environment {
	struct sim_eb_environment *next;
	char id[16], name[44], app[EB_NAME_SIZE], label[EB_NAME_SIZE], description[204];
	char template[EB_NAME_SIZE], stack[128], tier[16], tier_type[16], cname[256];
	char lb[256], lb_name[80], rule[256]; /* "" without a load balancer */
	bool network;			      /* it is one for the network */
	enum sim_eb_status status;
	struct utc created, updated, terminated;
	struct sim_eb_tags tags;
	struct sim_eb_options options,
		failed; /* failed: the configuration that could not be reached */
	bool has_failed;
	int64_t deployments; /* so far: the id of the last one */
	struct sim_eb_instance *instances;
	size_t n_instances;
	struct sim_eb_fleet fleet[2];
	struct sim_eb_operating op;
	struct sim_eb_managed managed;
	/* by control */
	enum sim_eb_health forced;
	enum sim_eb_operation fail_next;
	bool stuck;
	/* traffic */
	double rate; /* requests a second that arrive by CNAME */
	double carry;
	uint64_t requests, errors;	  /* ever */
	uint64_t minute_n, minute_errors; /* since the last minute of metrics */
	struct sim_eb_metrics m;
	enum sim_eb_health last_health; /* for events of its transitions */
	char recorded[512];		/* what was recorded last */
};

/* The clients of one domain name. */
struct sim_eb_cname {
	struct sim_eb_cname *next;
	char prefix[256];
	double rps;
	char holder[16], before[16]; /* environment ids; "" for none */
	struct utc changed;
	uint64_t lost; /* requests that nobody answered */
	double carry;
};

struct sim_eb_event {
	struct utc at;
	const char *severity, *message; /* texts: of the service's arena */
	const char *app, *environment, *environment_id, *label, *request_id;
};

/* Milliseconds that things take, and limits; all settable. */
struct sim_eb_settings {
	int64_t launch, boot, deploy, pass, config, swap, terminate, abort, process, managed;
	int64_t dns_ttl, dns_tail_life, versions_max, environments_max;
	double dns_tail;
};

/* A bucket that Beanstalk may not read, or that is elsewhere. */
struct sim_eb_foreign {
	struct sim_eb_foreign *next;
	char bucket[260];
	bool denied;
};

struct sim_eb_state {
	struct arena *arena; /* of the events */
	struct sim_eb_app *apps;
	struct sim_eb_version *versions;
	struct sim_eb_template *templates;
	struct sim_eb_environment *environments; /* newest first, terminated ones included */
	struct sim_eb_cname *cnames;
	struct sim_eb_foreign *foreign;
	struct sim_eb_event *events; /* oldest first */
	size_t n_events, cap_events;
	struct sim_eb_settings set;
	struct utc last, last_minute;
};

struct sim_eb_call {
	struct sim *s;
	struct sim_eb_state *b;
	const struct sim_exchange *x;
	const struct json *in;
	struct buf *out; /* what stands inside <OpResult> */
};

/* --- sim_beanstalk.c: model and answers ----------------------------------------------------- */
struct sim_eb_app *sim_eb_app_find(struct sim_eb_state *b, struct str name);
struct sim_eb_app *sim_eb_app_make(struct sim_eb_state *b, struct str name, struct utc now);
struct sim_eb_version *sim_eb_version_find(struct sim_eb_state *b, struct str app,
					   struct str label);
struct sim_eb_template *sim_eb_template_find(struct sim_eb_state *b, struct str app,
					     struct str name);
struct sim_eb_environment *sim_eb_environment_by_id(struct sim_eb_state *b,
						    struct str id); /* any */
/* The one of that name that is not terminated. */
struct sim_eb_environment *sim_eb_environment_by_name(struct sim_eb_state *b, struct str name);
/* The one that has this domain name and is not terminated. */
struct sim_eb_environment *sim_eb_environment_by_cname(struct sim_eb_state *b, struct str cname);
void sim_eb_environment_free(struct sim_eb_environment *e);
const char *sim_eb_status_name(enum sim_eb_status s);
void sim_eb_arn(char out[512], const char *kind, const char *app, const char *name);
struct str sim_eb_arg(const struct sim_eb_call *c, const char *key);
int sim_eb_error(const struct sim_eb_call *c, int status, const char *code, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
#define sim_eb_invalid(c, ...) sim_eb_error((c), 400, "InvalidParameterValue", __VA_ARGS__)
/* The environment that the call names by EnvironmentId or EnvironmentName; NULL: answered. */
struct sim_eb_environment *sim_eb_named(struct sim_eb_call *c);
void sim_eb_event(struct sim *s, const struct sim_eb_environment *e, const char *severity,
		  const char *fmt, ...) PRINTF_LIKE(4, 5);
/* An event of an application version or template; e NULL. */
void sim_eb_event_of(struct sim *s, const char *app, const char *label, const char *request_id,
		     const char *severity, const char *message);
void sim_eb_xml_time(struct buf *out, const char *tag, struct utc t);
/* Elements from..to of n for MaxRecords and NextToken; writes NextToken at the end. */
struct sim_eb_page {
	size_t from, to;
};
int sim_eb_page(struct sim_eb_call *c, size_t n, size_t most, struct sim_eb_page *p) MUST_CHECK;

/* --- sim_beanstalk_model.c ------------------------------------------------------------------ */
/* Members, types, lengths and enumerations as the service's model has them. */
int sim_eb_check_request(struct sim_eb_call *c) MUST_CHECK;

/* --- sim_beanstalk_option.c ----------------------------------------------------------------- */
const char *sim_eb_option_get(const struct sim_eb_options *o, const char *ns,
			      const char *name); /* "" */
int64_t sim_eb_option_i64(const struct sim_eb_options *o, const char *ns, const char *name,
			  int64_t other);
void sim_eb_option_set(struct sim_eb_options *o, struct str ns, struct str name, struct str value,
		       struct str resource);
void sim_eb_options_copy(struct sim_eb_options *to,
			 const struct sim_eb_options *from); /* replaces */
void sim_eb_options_release(struct sim_eb_options *o);
void sim_eb_options_defaults(struct sim_eb_options *o);
/* OptionSettings and OptionsToRemove of a request, applied; or answered. */
int sim_eb_options_read(struct sim_eb_call *c, struct sim_eb_options *o) MUST_CHECK;
int sim_eb_validate_settings(struct sim_eb_call *c) MUST_CHECK;
void sim_eb_options_write(struct buf *out, const struct sim_eb_options *o);
int sim_eb_tags_read(struct sim_eb_call *c, const char *key, struct sim_eb_tags *tags) MUST_CHECK;
void sim_eb_tag_set(struct sim_eb_tags *tags, struct str key, struct str value);
bool sim_eb_is_shared(const struct sim_eb_options *o);
bool sim_eb_is_balanced(const struct sim_eb_options *o);
bool sim_eb_is_enhanced(const struct sim_eb_options *o);
enum sim_eb_policy sim_eb_policy_of(const struct sim_eb_options *o);

/* --- sim_beanstalk_app.c -------------------------------------------------------------------- */
int sim_eb_create_version(struct sim_eb_call *c) MUST_CHECK;
int sim_eb_describe_versions(struct sim_eb_call *c) MUST_CHECK;
int sim_eb_delete_version(struct sim_eb_call *c) MUST_CHECK;
int sim_eb_describe_applications(struct sim_eb_call *c) MUST_CHECK;
int sim_eb_create_template(struct sim_eb_call *c) MUST_CHECK;
int sim_eb_delete_template(struct sim_eb_call *c) MUST_CHECK;
int sim_eb_check_dns(struct sim_eb_call *c) MUST_CHECK;
int sim_eb_create_storage(struct sim_eb_call *c) MUST_CHECK;
int sim_eb_list_tags(struct sim_eb_call *c) MUST_CHECK;
int sim_eb_update_tags(struct sim_eb_call *c) MUST_CHECK;
void sim_eb_versions_step(struct sim *s, struct sim_eb_state *b, struct utc now);
struct sim_eb_version *sim_eb_version_new(struct sim_eb_state *b, struct str app, struct str label,
					  struct utc now);
void sim_eb_version_code(struct sim_eb_version *v, struct str bytes);

/* --- sim_beanstalk_write.c: what changes environments --------------------------------------- */
int sim_eb_create_environment(struct sim_eb_call *c) MUST_CHECK;
int sim_eb_update_environment(struct sim_eb_call *c) MUST_CHECK;
int sim_eb_abort_update(struct sim_eb_call *c) MUST_CHECK;
void sim_eb_abort(struct sim *s, struct sim_eb_state *b, struct sim_eb_environment *e,
		  const char *request_id); /* which can be aborted */
int sim_eb_swap_cnames(struct sim_eb_call *c) MUST_CHECK;
int sim_eb_terminate_environment(struct sim_eb_call *c) MUST_CHECK;
int sim_eb_rebuild_environment(struct sim_eb_call *c) MUST_CHECK;
int sim_eb_restart_server(struct sim_eb_call *c) MUST_CHECK;
/* An environment that is there at once, without instances. */
struct sim_eb_environment *sim_eb_environment_new(struct sim *s, struct sim_eb_state *b,
						  struct str name, struct str app);

/* --- sim_beanstalk_read.c ------------------------------------------------------------------- */
int sim_eb_describe_environments(struct sim_eb_call *c) MUST_CHECK;
int sim_eb_describe_health(struct sim_eb_call *c) MUST_CHECK;
int sim_eb_describe_instances(struct sim_eb_call *c) MUST_CHECK;
int sim_eb_describe_resources(struct sim_eb_call *c) MUST_CHECK;
int sim_eb_describe_settings(struct sim_eb_call *c) MUST_CHECK;
int sim_eb_describe_managed(struct sim_eb_call *c) MUST_CHECK;
int sim_eb_describe_events(struct sim_eb_call *c) MUST_CHECK;
void sim_eb_write_environment(struct sim_eb_call *c, const struct sim_eb_environment *e);

/* --- sim_beanstalk_operation.c: what takes time --------------------------------------------- */
void sim_eb_begin(struct sim *s, struct sim_eb_environment *e, enum sim_eb_operation kind,
		  const char *request_id, int64_t ms);
void sim_eb_end(struct sim *s, struct sim_eb_environment *e);
/* A control command made this operation fail; takes the mark away. */
bool sim_eb_doomed(struct sim_eb_environment *e, enum sim_eb_operation kind);
void sim_eb_operations_step(struct sim *s, struct sim_eb_state *b, struct utc now);
/* Tell the record what this domain name's traffic gets, when that has changed. */
void sim_eb_record(struct sim *s, struct sim_eb_environment *e);
bool sim_eb_abortable(const struct sim_eb_environment *e);
const char *sim_eb_operation_name(enum sim_eb_operation kind); /* "deploy" */

/* --- sim_beanstalk_deploy.c: deployment policies -------------------------------------------- */
void sim_eb_deploy_begin(struct sim *s, struct sim_eb_state *b, struct sim_eb_environment *e);
void sim_eb_deploy_step(struct sim *s, struct sim_eb_state *b, struct sim_eb_environment *e,
			struct utc now);
bool sim_eb_deploy_can_abort(const struct sim_eb_environment *e);
void sim_eb_deploy_undo(struct sim *s, struct sim_eb_environment *e);
void sim_eb_deploy_undone(struct sim *s, struct sim_eb_environment *e);

/* --- sim_beanstalk_fleet.c: instances and their target groups ------------------------------- */
/* Load balancer, rule and target group as the options want them. False: none to share. */
bool sim_eb_front_make(struct sim *s, struct sim_eb_environment *e);
void sim_eb_front_remove(struct sim *s, struct sim_eb_environment *e);
void sim_eb_instance_add(struct sim *s, struct sim_eb_environment *e,
			 const struct sim_eb_version *v, int fleet, enum sim_eb_deployed status);
/* Give it this version, as a deployment in progress or finished. */
void sim_eb_instance_deploy(struct sim *s, struct sim_eb_environment *e, struct sim_eb_instance *i,
			    const char *label, enum sim_eb_deployed status);
void sim_eb_instance_target(struct sim *s, struct sim_eb_environment *e, struct sim_eb_instance *i,
			    bool in);
/* Terminate those of a fleet beyond the first keep of them. */
void sim_eb_fleet_shrink(struct sim *s, struct sim_eb_environment *e, int fleet, size_t keep);
size_t sim_eb_fleet_count(const struct sim_eb_environment *e, int fleet);
/* Percent of the traffic that the temporary fleet gets; 0: none, and it is in no rule. */
void sim_eb_fleet_split(struct sim *s, struct sim_eb_environment *e, int64_t percent);
/* The temporary fleet is registered in the environment's group, too; then it is its own. */
void sim_eb_fleet_join(struct sim *s, struct sim_eb_environment *e);
void sim_eb_fleet_merge(struct sim *s, struct sim_eb_environment *e);
void sim_eb_fleet_drop(struct sim *s,
		       struct sim_eb_environment *e); /* terminate the temporary one */
void sim_eb_group_tidy(struct sim *s, struct sim_eb_environment *e); /* its group, if it may go */
bool sim_eb_instance_well(const struct sim_eb_environment *e, const struct sim_eb_instance *i);

/* --- sim_beanstalk_traffic.c ---------------------------------------------------------------- */
void sim_eb_traffic_step(struct sim *s, struct sim_eb_state *b, struct utc from, struct utc now);
struct sim_eb_cname *sim_eb_cname_of(struct sim_eb_state *b, struct str prefix);
enum sim_eb_health sim_eb_health_of(const struct sim_eb_environment *e, struct utc now);
enum sim_eb_health sim_eb_instance_health(const struct sim_eb_environment *e,
					  const struct sim_eb_instance *i, struct utc now);
enum sim_eb_health sim_eb_share_health(double share); /* of requests that fail */
enum sim_eb_health sim_eb_bucket_health(struct sim_eb_bucket b);
const char *sim_eb_health_name(enum sim_eb_health h);
const char *sim_eb_health_colour(enum sim_eb_health h);
double sim_eb_latency_ms(const struct sim_eb_environment *e); /* median, over its instances */
struct sim_eb_bucket sim_eb_window(const struct sim_eb_fleet *f,
				   struct utc now); /* the last minute */
/* Sentences that say why, as <member> elements. */
void sim_eb_health_causes(struct buf *out, const struct sim_eb_environment *e, struct utc now);

/* --- sim_beanstalk_control.c ---------------------------------------------------------------- */
int sim_eb_control(struct sim *s, void *state, const struct sim_words *w, struct json_out *out,
		   struct err *err) MUST_CHECK;

#endif
