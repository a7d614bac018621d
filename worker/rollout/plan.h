#ifndef WORKER_ROLLOUT_PLAN_H
#define WORKER_ROLLOUT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/core/clock.h"
#include "aws/core/digest.h"
#include "aws/core/err.h"
#include "aws/core/limits.h"
#include "aws/core/mem.h"
#include "aws/core/str.h"
#include "worker/rollout/problem.h"

/*
 * The plan: what the user asked for, whole and checked. It comes from the action's configuration
 * and the plan file of the artifact, is immutable, and lives in the arena it was read into. All
 * durations are milliseconds; weights are basis points of traffic (10,000 = 100 %).
 */
enum target_kind {
	TARGET_LAMBDA,
	TARGET_LOAD_BALANCER,
	TARGET_AUTO_SCALING,
	TARGET_BEANSTALK,
	TARGET_ECS,
	TARGET_KIND_COUNT
};

/* An alias of a Lambda function. */
struct plan_lambda {
	const char *function, *alias;
	const char *code; /* path in the artifact: a zip or a folder; NULL: the artifact itself */
};

/* The weights of a listener or rule; other kinds of target have one, too. */
struct plan_load_balancer {
	const char *resource_arn;		  /* listener or rule */
	const char *baseline_arn, *candidate_arn; /* target groups; NULL: what the weights say */
	int64_t min_healthy;	/* healthy targets wanted in the candidate; at least 1 */
	int64_t propagation_ms; /* wait after accepted weights; ALB 10 s, NLB 10 min */
};

/* How the new version comes onto the instances of an Auto Scaling group. */
enum asg_install {
	ASG_INSTALL_IMAGE,     /* by the machine image that a file of the artifact names */
	ASG_INSTALL_USER_DATA, /* by user data from the artifact, which may say where that is */
	ASG_INSTALL_COMMAND,   /* by a script from the artifact, run through Systems Manager */
};

/* What becomes of the old group after the bake time. */
enum asg_retire {
	ASG_RETIRE_KEEP,
	ASG_RETIRE_SCALE_IN,
	ASG_RETIRE_DELETE,
	ASG_RETIRE_AUTO, /* deleted when a rollout made it; scaled in when people did */
};

/* An EC2 Auto Scaling group behind a load balancer, whose weights plan_target.lb moves. */
struct plan_auto_scaling {
	const char *group; /* the live one, or the one whose copy or twin is live */
	const char *twin;  /* a standing group that takes turns with it; NULL: a copy is made */
	/* the two target groups that take turns; NULL: what the rule's weights say */
	const char *target_groups[2];
	enum asg_install install;
	const char *install_path;   /* the file in the artifact */
	int64_t install_timeout_ms; /* command: how long it may run on an instance */
	bool later_without;	    /* command: instances started after the rollout go without it */
	int64_t headroom;  /* units of capacity above what a step's weight needs; 0 and up */
	int64_t stable_ms; /* how long the candidate is healthy before it counts */
	enum asg_retire retire;
};

/* How the candidate of an Elastic Beanstalk environment gets its traffic. */
enum beanstalk_method {
	BEANSTALK_BY_SWAP,		/* two environments exchange their CNAMEs */
	BEANSTALK_BY_TRAFFIC_SPLITTING, /* Beanstalk's own, within one environment */
	BEANSTALK_BY_LOAD_BALANCER,	/* two environments, weights of one rule: t.lb */
	BEANSTALK_METHOD_COUNT
};

/* What becomes of the old environment after the bake time. */
enum beanstalk_retire {
	BEANSTALK_KEEP,
	BEANSTALK_SCALE_IN, /* to one instance */
	BEANSTALK_TERMINATE,
	BEANSTALK_RETIRE_COUNT
};

/* An Elastic Beanstalk environment. */
struct plan_beanstalk {
	const char *application;
	const char *environment; /* its name, or NULL */
	const char *cname;	 /* what users reach it by, or NULL; one of the two is there */
	enum beanstalk_method method;
	const char *bundle;	  /* path in the artifact: a zip or a folder; NULL: all of it */
	const char *twin;	  /* name of a standing second environment; NULL: one is cloned */
	const char *cname_prefix; /* of the clone; NULL: as its name */
	bool match_capacity;	  /* the candidate gets as many instances as are live */
	enum beanstalk_retire retire;
	int64_t dns_ttl_ms;	 /* how long clients remember a CNAME */
	const char *hosted_zone; /* id of a Route 53 zone to look for aliases in, or NULL */
};

/* A service of ECS. */
enum ecs_method {
	ECS_NATIVE,	  /* its deployment controller shifts the traffic, and we judge */
	ECS_TWO_SERVICES, /* a pair of services, and the weights of one load balancer */
};
enum ecs_retire { ECS_SCALE_IN, ECS_DELETE, ECS_KEEP }; /* the old one of two services */

#define PLAN_ECS_IMAGES_MAX 4 /* as many as CodePipeline's own action takes */
#define PLAN_ECS_ALARMS_MAX 8

struct plan_ecs {
	const char *cluster, *service;
	enum ecs_method method;
	/* paths in the artifact; NULL: what CodePipeline calls them, where it is there */
	const char *task_definition; /* taskdef.json; else the one that serves, with new images */
	const char *images;	     /* imagedefinitions.json: images by name of container */
	struct {
		const char *placeholder, *path; /* <IMAGE1_NAME> and imageDetail.json */
	} image_details[PLAN_ECS_IMAGES_MAX];
	size_t n_image_details;
	int64_t failed_tasks; /* that many, and the candidate will not come up; at least 1 */
	/* native: */
	const char *alarms[PLAN_ECS_ALARMS_MAX]; /* ECS goes back by itself when one is red */
	size_t n_alarms;
	int64_t pause_ms; /* ECS goes back when it hears nothing for so long; 0: from the plan */
	/* two services: */
	const char *twin; /* the other one's name; NULL: the service's with -twin */
	enum ecs_retire retire;
};

struct plan_target {
	enum target_kind kind;
	struct plan_lambda lambda;
	struct plan_load_balancer lb; /* of every kind that moves weights */
	struct plan_auto_scaling auto_scaling;
	struct plan_beanstalk beanstalk;
	struct plan_ecs ecs;
};

/*
 * A step is a percentage of everybody, or a segment of the users; what earlier steps brought stays.
 * So a segment's weight is that of the percentage before it, 0 before the first.
 */
struct plan_step {
	int segment;   /* index into segments, or -1 for a percentage */
	int weight_bp; /* 1 to 10,000; of a segment from 0 */
	int64_t watch_ms;
	bool approve; /* wait for a person after the watch */
};

enum guard_kind {
	GUARD_ALARM,
	GUARD_METRIC,
	GUARD_PROBE,
	GUARD_INVOKE,
	GUARD_HEALTH,
	GUARD_KIND_COUNT
};

/* In which phases a guard is asked; a set. */
enum guard_phase { GUARD_IN_VERIFY = 1, GUARD_IN_WATCH = 2, GUARD_IN_BAKE = 4 };

enum compare { COMPARE_LT, COMPARE_LE, COMPARE_GT, COMPARE_GE };

#define PLAN_DIMENSIONS_MAX 10

struct plan_guard {
	enum guard_kind kind;
	unsigned in;	   /* enum guard_phase bits, never 0 */
	const char *name;  /* for people: alarm name, metric name, URL, function */
	const char *place; /* "rollout.yaml:12" or "Alarms", for messages */
	int64_t failures;  /* that many in a row make a Fail (probe, invoke); at least 1 */

	/* metric: Pass while `value compare threshold` holds */
	const char *ns, *metric, *stat;
	struct {
		const char *name, *value; /* "{candidate}" and friends are filled by the target */
	} dimensions[PLAN_DIMENSIONS_MAX];
	size_t n_dimensions;
	bool candidate_series; /* no dimensions given: take the target's own for the candidate */
	int64_t period_ms;
	enum compare compare;
	double threshold;
	bool missing_is_zero; /* "missing: zero"; otherwise no data is Unknown */

	/* probe; the URL's host may be "{candidate}": the candidate's own address */
	const char *url, *method, *body_contains;
	int64_t expect_status, timeout_ms;

	/* invoke */
	const char *function, *payload; /* payload NULL: an event that describes the rollout */

	/* health: the target's own view of the candidate */
};

enum unknown_policy { UNKNOWN_ROLLBACK, UNKNOWN_HOLD };
/* While another rollout, or somebody, is at work on the target. */
enum busy_policy { BUSY_WAIT, BUSY_FAIL };
enum mode { MODE_DEPLOY, MODE_START, MODE_PROMOTE, MODE_ROLLBACK };

#define PLAN_SEGMENT_VALUES 5 /* condition values of a rule, as an ALB counts them */
#define PLAN_PRINCIPALS 10

/*
 * A part of the users, who get the candidate whole. Behind an Application Load Balancer it is told
 * by what their requests bear: all of the conditions that are given. Of a Lambda function, by who
 * they are: any of the principals.
 */
struct plan_segment {
	const char *name;   /* 1 to 32 letters, digits, '-' and '_' */
	const char *place;  /* "rollout.yaml:9: segments.staff" */
	const char *header; /* its name; any of the values, where '*' and '?' stand for others */
	const char *values[PLAN_SEGMENT_VALUES];
	size_t n_values;
	const char *cookie, *cookie_value;
	const char *query_key, *query_value; /* key NULL: of any key */
	const char *source_ip[PLAN_SEGMENT_VALUES]; /* any of these blocks */
	size_t n_source_ip;
	const char *principals[PLAN_PRINCIPALS]; /* ARNs */
	size_t n_principals;
};

struct plan {
	struct plan_target target;
	const char *strategy; /* as people said it: "canary", "blue-green", "LambdaCanary10..." */
	struct plan_step steps[LIMIT_STEPS];
	size_t n_steps; /* at least 1; weights do not fall; the last may be under 10,000 */
	struct plan_segment segments[LIMIT_SEGMENTS];
	size_t n_segments;
	struct plan_guard guards[LIMIT_GUARDS];
	size_t n_guards;
	int64_t bake_ms;
	int64_t unknown_hold_ms;
	enum unknown_policy unknown_then;
	enum busy_policy busy_then;
	int64_t busy_wait_ms; /* 0: not said; decide_held.c says what then */
	bool rollback_on_guard, rollback_on_timeout, rollback_on_abandon; /* all true by default */
	int64_t keep_candidate_ms;					  /* after a rollback */
	int64_t max_duration_ms;					  /* budget of the action */
	int64_t prepare_ms, verify_ms; /* limits of these phases */
	enum mode mode;
	const char *role_arn;	      /* to assume for the target, or NULL */
	char digest[SHA256_HEX_SIZE]; /* of everything above, in a canonical form */
};

/* One property of the action's configuration. The value may be from people: not trusted. */
struct plan_property {
	struct str name, value;
};

struct plan_source {
	const struct plan_property *properties;
	size_t n_properties;
	const char *file_name; /* "rollout.yaml", for messages; NULL: there is no plan file */
	struct str file_text;
};

/*
 * Read and check the whole plan. Problems are collected, all of them; 0 when there is no error
 * among them (warnings may be), -1 otherwise, and *plan is not to be used then. Pure: no I/O.
 */
int plan_read(struct arena *a, const struct plan_source *src, struct plan **plan,
	      struct problems *problems) MUST_CHECK;

/*
 * A plan that can only go back: for a rollout whose artifact cannot be read any more. Its kind of
 * target comes from the undo record ("t": "lambda"), everything else is the default; it has no
 * guards, and steps that mean nothing. ERR_MALFORMED when the undo record names no kind we know.
 */
int plan_fallback(struct arena *a, const char *undo, const char *role_arn, struct plan **plan,
		  struct err *err) MUST_CHECK;

/*
 * Does this value of the property Target name the target of this plan? When not, or when it names
 * none, that is added to the problems.
 */
bool plan_has_target(struct arena *a, const struct plan *plan, struct str property,
		     struct problems *problems);

/* "lambda", "load-balancer": the word of Target. */
const char *target_kind_name(enum target_kind k);
/* The kind whose undo records say "t": key, "load_balancer" say. False when there is none. */
bool target_kind_parse(struct str key, enum target_kind *k);
/* As Target names it: "lambda:checkout:live". */
const char *target_text(struct arena *a, const struct plan_target *t);

/*
 * How ECS's own controller would do the steps of this plan: "CANARY" and "LINEAR" with their
 * percentage, or "BLUE_GREEN". NULL, with *why, when it cannot.
 */
const char *plan_ecs_strategy(const struct plan *p, int *percent_bp, const char **why);
/* How long ECS waits for us at a pause before it goes back by itself, whole minutes. */
int64_t plan_ecs_pause_minutes(const struct plan *p);

/* Path of the plan file that the properties name, or NULL for the defaults (rollout.yaml, then
 * rollout.json). */
const char *plan_file_of(struct arena *a, const struct plan_property *p, size_t n);

/* How a segment is told, for people: "header X-Team: staff or qa, and source 10.0.0.0/8". */
const char *plan_segment_text(struct arena *a, const struct plan_segment *s);
/* How many condition values a rule for it has, and how many wildcards they have. */
size_t plan_segment_values(const struct plan_segment *s);
size_t plan_segment_wildcards(const struct plan_segment *s);
/* The segments that steps are about: bit i is segments[i]. 0: percentages alone. */
unsigned plan_segments_used(const struct plan *p);
/* Index of the segment of this name, or -1. */
int plan_segment_find(const struct plan *p, struct str name);

/* The least time the plan can take when everything passes, without preparation. */
int64_t plan_least_ms(const struct plan *p);
/*
 * What one action of it has to wait for. With Mode start the action that promotes has a budget of
 * its own for the step of 100 % and the bake time: the longer of the two.
 */
int64_t plan_longest_action_ms(const struct plan *p);

/* "90s", "10m", "2h", "1h30m", "0s"; also a bare "0". False when it is none. */
bool duration_parse(struct str s, int64_t *ms);
/* "1h30m", "90s" -> the shortest form people write; out holds at least 24 bytes. */
#define DURATION_TEXT_SIZE 24
void duration_format(int64_t ms, char out[DURATION_TEXT_SIZE]);

/* "5%", "12.5 %", "5": percent to basis points, 0.01 resolution. False when it is none. */
bool weight_parse(struct str s, int *bp);
#define WEIGHT_TEXT_SIZE 16
void weight_format(int bp, char out[WEIGHT_TEXT_SIZE]); /* "12.5%" */

#endif
