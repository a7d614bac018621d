#ifndef AWS_BEANSTALK_H
#define AWS_BEANSTALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/call.h"
#include "aws/core/clock.h"
#include "aws/core/err.h"
#include "aws/core/mem.h"

/*
 * Elastic Beanstalk: application versions, environments, their events, health and settings. Query
 * protocol, API version 2010-12-01; wire names from botocore's model of it.
 *
 * Everything returned lives in the arena given, NUL-terminated; absent text is NULL. Lists are read
 * over all pages. Each function blocks, retries included, and can be called from any thread.
 *
 * No write has an idempotency token. Names are unique (version labels in an application,
 * environment names in a region), which makes a repeated creation fail instead of double; for
 * everything else, and for the exchange of CNAMEs above all, a write whose answer was lost
 * (err->sent) is followed by a look. No write is sent twice by itself.
 *
 * Nearly every refusal is the one code InvalidParameterValue, told apart by its text. It becomes
 * ERR_CONFLICT for a busy environment or a name that is taken (see beanstalk_refusal_of), ERR_NOT_
 * FOUND for what does not exist, and stays ERR_REJECTED otherwise. Errors everywhere: these,
 * ERR_DENIED, and ERR_MALFORMED for an answer that lacks what was asked for.
 */
extern const struct aws_service beanstalk_service;

enum beanstalk_refusal {
	BEANSTALK_REFUSAL_OTHER,
	BEANSTALK_REFUSAL_BUSY,	 /* not in a state for this operation: later it may be */
	BEANSTALK_REFUSAL_TAKEN, /* the name, label or CNAME prefix is in use, perhaps by us */
};
enum beanstalk_refusal beanstalk_refusal_of(const struct err *err); /* pure */

/* --- environments ---------------------------------------------------------------------------- */

enum beanstalk_status {
	BEANSTALK_LAUNCHING,
	BEANSTALK_UPDATING,
	BEANSTALK_ABORTING,
	BEANSTALK_LINKING_FROM,
	BEANSTALK_LINKING_TO,
	BEANSTALK_READY,
	BEANSTALK_TERMINATING,
	BEANSTALK_TERMINATED,
	BEANSTALK_STATUS_OTHER /* absent, or a word we do not know: not ready */
};

/* Enhanced health. Basic reporting has the colour alone. */
enum beanstalk_health {
	BEANSTALK_NO_DATA,
	BEANSTALK_UNKNOWN,
	BEANSTALK_PENDING,
	BEANSTALK_OK,
	BEANSTALK_INFO,
	BEANSTALK_WARNING,
	BEANSTALK_DEGRADED,
	BEANSTALK_SEVERE,
	BEANSTALK_SUSPENDED,
	BEANSTALK_HEALTH_NONE /* absent, or a word we do not know: not healthy */
};

enum beanstalk_color {
	BEANSTALK_GREEN,
	BEANSTALK_YELLOW,
	BEANSTALK_RED,
	BEANSTALK_GREY,
	BEANSTALK_COLOR_NONE /* absent, or a word we do not know */
};

const char *beanstalk_status_name(enum beanstalk_status s); /* "Ready" ...; never NULL */
const char *beanstalk_health_name(enum beanstalk_health h);
const char *beanstalk_color_name(enum beanstalk_color c);

struct beanstalk_environment {
	const char *application, *name;
	const char *id, *arn;	   /* "e-abcdefgh12": the id outlives nothing, a name is reused */
	const char *version_label; /* what it was last told to run; NULL: the sample application */
	const char *cname;	   /* "shop.eu-central-1.elasticbeanstalk.com"; NULL: none (yet) */
	const char *endpoint_url;  /* its load balancer, or the address of its one instance */
	const char *tier_name, *tier_type; /* "WebServer" "Standard", "Worker" "SQS/HTTP" */
	const char *platform_arn, *solution_stack;
	enum beanstalk_status status;
	enum beanstalk_color color;
	enum beanstalk_health health; /* BEANSTALK_HEALTH_NONE with basic reporting */
	bool is_abortable;	      /* an update is running that can be aborted */
	bool has_updated;
	struct utc updated;
};

/* Which environments; what is NULL or 0 does not narrow. Terminated ones are not listed. */
struct beanstalk_filter {
	const char *application;
	const char *const *ids, *const *names;
	size_t n_ids, n_names;
};

/* What there is of what was asked for, in AWS's order: fewer, or none, is a success. */
int beanstalk_describe_environments(const struct aws_client *c, const struct beanstalk_filter *f,
				    struct arena *a, struct beanstalk_environment **out, size_t *n,
				    struct err *err) MUST_CHECK;

/* Of a list: the one with this id, name, or CNAME (case does not matter there); NULL: none. Pure.
 */
const struct beanstalk_environment *beanstalk_find_id(const struct beanstalk_environment *list,
						      size_t n, const char *id);
const struct beanstalk_environment *beanstalk_find_name(const struct beanstalk_environment *list,
							size_t n, const char *name);
const struct beanstalk_environment *beanstalk_find_cname(const struct beanstalk_environment *list,
							 size_t n, const char *cname);

/* Values of aws:elasticbeanstalk:application:environment may be passwords: never log one. */
struct beanstalk_option {
	const char *ns, *name;
	const char *value;    /* NULL: not set */
	const char *resource; /* NULL mostly: of scheduled actions */
};

struct beanstalk_tag {
	const char *key, *value;
};

struct beanstalk_create {
	const char *application, *name; /* name 4 to 40 of A-Z a-z 0-9 - */
	const char *description;	/* at most 200 characters */
	const char *cname_prefix;	/* 4 to 63 characters; NULL: Beanstalk makes one up */
	const char *version_label;
	const char *template_name;
	const char *tier_name, *tier_type;	/* NULL: WebServer, Standard */
	const struct beanstalk_option *options; /* on top of the template's */
	size_t n_options;
	/* "aws:...", "elasticbeanstalk:..." and "Name" are set by AWS itself: left out */
	const struct beanstalk_tag *tags;
	size_t n_tags;
};

/* Accepted, not done: the environment is Launching for minutes. A name that exists, even while it
 * terminates, is ERR_CONFLICT and BEANSTALK_REFUSAL_TAKEN. */
int beanstalk_create_environment(const struct aws_client *c, const struct beanstalk_create *e,
				 struct arena *a, struct beanstalk_environment *out,
				 struct err *err) MUST_CHECK;

/*
 * Another version, or other options: both in one call are refused by AWS, and here. Accepted, not
 * done: the environment is Updating. Not Ready is ERR_CONFLICT and BEANSTALK_REFUSAL_BUSY.
 */
struct beanstalk_update {
	const char *environment_id;
	const char *version_label;
	const struct beanstalk_option *options; /* to set */
	size_t n_options;
	const struct beanstalk_option *remove; /* back to their defaults; values do not matter */
	size_t n_remove;
};
int beanstalk_update_environment(const struct aws_client *c, const struct beanstalk_update *u,
				 struct arena *a, struct err *err) MUST_CHECK;

/* Stop the update that is running and go back to what was. ERR_REJECTED when none is. */
int beanstalk_abort_update(const struct aws_client *c, const char *environment_id, struct arena *a,
			   struct err *err) MUST_CHECK;

/*
 * Exchange the CNAMEs. The answer is empty and comes before the effect: both are Updating until
 * DescribeEnvironments shows the CNAMEs exchanged. Twice is back to where it began, so look first.
 */
int beanstalk_swap_cnames(const struct aws_client *c, const char *source_id,
			  const char *destination_id, struct arena *a, struct err *err) MUST_CHECK;

/* With all its resources. ERR_NOT_FOUND when it is gone already. */
int beanstalk_terminate_environment(const struct aws_client *c, const char *environment_id,
				    struct arena *a, struct err *err) MUST_CHECK;

/* Can an environment be created with this CNAME prefix? *fqdn (may be NULL) gets the whole name. */
int beanstalk_check_dns(const struct aws_client *c, const char *prefix, struct arena *a,
			bool *is_available, const char **fqdn, struct err *err) MUST_CHECK;

/* --- application versions -------------------------------------------------------------------- */

enum beanstalk_version_status {
	BEANSTALK_UNPROCESSED,
	BEANSTALK_PROCESSING,
	BEANSTALK_BUILDING,
	BEANSTALK_PROCESSED,
	BEANSTALK_VERSION_FAILED,
	BEANSTALK_VERSION_OTHER
};

struct beanstalk_version {
	const char *label, *description;
	const char *bucket, *key; /* its source bundle */
	enum beanstalk_version_status status;
};

/* One version by its label; ERR_NOT_FOUND when the application has none such. */
int beanstalk_describe_version(const struct aws_client *c, const char *application,
			       const char *label, struct arena *a, struct beanstalk_version *out,
			       struct err *err) MUST_CHECK;

/*
 * Create a version and have its bundle validated (Process): it is Processing for a while. The
 * bucket must be in the region, and readable for the caller: ERR_REJECTED with aws
 * "S3LocationNotInServiceRegionException", ERR_DENIED. A label that exists is ERR_CONFLICT and
 * BEANSTALK_REFUSAL_TAKEN.
 */
struct beanstalk_create_version {
	const char *application, *label; /* label 1 to 100 characters, no '/' */
	const char *description;
	const char *bucket, *key;
};
int beanstalk_create_version(const struct aws_client *c, const struct beanstalk_create_version *v,
			     struct arena *a, struct beanstalk_version *out,
			     struct err *err) MUST_CHECK;

/* The bucket where Beanstalk keeps bundles in this region; made when it is not there yet. */
int beanstalk_storage_location(const struct aws_client *c, struct arena *a, const char **bucket,
			       struct err *err) MUST_CHECK;

/* --- configuration --------------------------------------------------------------------------- */

/* Save an environment's settings under a name; taken is ERR_CONFLICT. Neither tags nor tier, nor
 * what was changed outside Beanstalk, are in it. */
int beanstalk_create_template(const struct aws_client *c, const char *application,
			      const char *template_name, const char *environment_id,
			      struct arena *a, struct err *err) MUST_CHECK;
/* One that is not there is ERR_NOT_FOUND, or success: AWS does not say which. */
int beanstalk_delete_template(const struct aws_client *c, const char *application,
			      const char *template_name, struct arena *a,
			      struct err *err) MUST_CHECK;

struct beanstalk_settings {
	const char *deployment_status; /* "deployed", "pending", "failed"; NULL: a template */
	const char *platform_arn, *solution_stack;
	const struct beanstalk_option *options;
	size_t n_options;
};

/* The settings of an environment by its name: one set mostly, two while one is pending. */
int beanstalk_describe_settings(const struct aws_client *c, const char *application,
				const char *environment_name, struct arena *a,
				struct beanstalk_settings **out, size_t *n,
				struct err *err) MUST_CHECK;
/* Is there a template of this name? */
int beanstalk_has_template(const struct aws_client *c, const char *application,
			   const char *template_name, struct arena *a, bool *out,
			   struct err *err) MUST_CHECK;
/* The value of an option without resource; NULL when it is not set. Pure. */
const char *beanstalk_option_get(const struct beanstalk_settings *s, const char *ns,
				 const char *name);

/* Tags of an environment, by its ARN, AWS's own included. */
int beanstalk_list_tags(const struct aws_client *c, const char *arn, struct arena *a,
			struct beanstalk_tag **out, size_t *n, struct err *err) MUST_CHECK;

/* --- what is happening ----------------------------------------------------------------------- */

struct beanstalk_event {
	struct utc at;
	const char *severity; /* "TRACE" to "FATAL" */
	const char *message, *version_label;
};

/* Events of an environment from `since` on, of this severity or worse, newest first. */
int beanstalk_describe_events(const struct aws_client *c, const char *environment_id,
			      struct utc since, const char *severity, struct arena *a,
			      struct beanstalk_event **out, size_t *n, struct err *err) MUST_CHECK;

/* Enhanced health, read every 10 s by Beanstalk itself: fresher than CloudWatch. */
struct beanstalk_health_report {
	enum beanstalk_health health;
	enum beanstalk_color color;
	const char *cause;  /* the first of its causes; NULL: none given */
	int64_t duration_s; /* what the requests were counted over */
	int64_t requests;   /* in that time */
	int64_t status_2xx, status_3xx, status_4xx, status_5xx;
	bool has_latency;
	double p50_s, p99_s;
	bool has_refreshed;
	struct utc refreshed;
};

/* ERR_REJECTED with aws "InvalidRequestException": it has basic reporting only. */
int beanstalk_describe_health(const struct aws_client *c, const char *environment_id,
			      struct arena *a, struct beanstalk_health_report *out,
			      struct err *err) MUST_CHECK;

struct beanstalk_instance {
	const char *id;
	enum beanstalk_health health;
	const char *cause;	       /* the first; NULL: none */
	const char *version_label;     /* of its last deployment; NULL: none yet */
	const char *deployment_status; /* "In Progress", "Deployed", "Failed"; NULL */
	int64_t deployment_id;	       /* -1: none */
};
int beanstalk_describe_instances(const struct aws_client *c, const char *environment_id,
				 struct arena *a, struct beanstalk_instance **out, size_t *n,
				 struct err *err) MUST_CHECK;

struct beanstalk_names {
	const char *const *names;
	size_t n;
};
struct beanstalk_resources {
	struct beanstalk_names auto_scaling_groups, instances;
	struct beanstalk_names load_balancers; /* ARNs of ALB and NLB, names of Classic ones */
};
int beanstalk_describe_resources(const struct aws_client *c, const char *environment_id,
				 struct arena *a, struct beanstalk_resources *out,
				 struct err *err) MUST_CHECK;

struct beanstalk_managed_action {
	const char *id, *description, *type; /* "PlatformUpdate", "InstanceRefresh" */
	const char *status;		     /* "Scheduled", "Pending", "Running", "Unknown" */
	bool has_window;
	struct utc window; /* when it may begin */
};
/* Managed updates that are coming or running. */
int beanstalk_managed_actions(const struct aws_client *c, const char *environment_id,
			      struct arena *a, struct beanstalk_managed_action **out, size_t *n,
			      struct err *err) MUST_CHECK;

#endif
