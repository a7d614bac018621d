#ifndef TESTS_SIM_SIM_INTERNAL_H
#define TESTS_SIM_SIM_INTERNAL_H

#include "aws/core/buf.h"
#include "aws/core/json.h"
#include "aws/core/xml.h"
#include "tests/sim/sim.h"

/*
 * What the services of the simulator share. Each service is one file with one struct sim_service;
 * it keeps its own state and reaches the others only through what stands here.
 */

#define SIM_ACCOUNT "111122223333"
#define SIM_REGION "eu-central-1"
/* The bucket that pipelines keep their artifacts in; exists from the start. */
#define SIM_ARTIFACT_BUCKET "codepipeline-" SIM_REGION "-" SIM_ACCOUNT

/* One request on its way through a service, and the answer being written. */
struct sim_exchange {
	const struct sim_request *req;
	struct arena *arena; /* lives for this exchange */
	struct utc now;
	const char *operation; /* "UpdateAlias"; from target, Action, or method and path */
	const char *principal; /* access key id that signed, "" when unsigned */
	const char *request_id;
	const struct json *json;     /* parsed body of JSON services, or NULL */
	const struct sim_form *form; /* decoded body of query services, or NULL */
	struct http_response *res;   /* written by the sim_reply_* functions, exactly once */
};

/* Decoded application/x-www-form-urlencoded or query string, in order. */
struct sim_form {
	size_t n;
	struct {
		struct str key, value;
	} * pairs;
};
struct str sim_form_get(const struct sim_form *f, const char *key); /* "" when absent */
struct sim_form *sim_form_parse(struct arena *a, struct str encoded);
char *sim_uri_decode(struct arena *a, struct str s); /* percent-decoding, '+' is kept */

/* Answers. Each sets status, content type, request id header and Date. */
void sim_reply_json(const struct sim_exchange *x, int status, struct str body);
void sim_reply_xml(const struct sim_exchange *x, int status, struct str body);
void sim_reply_raw(const struct sim_exchange *x, int status, const char *content_type,
		   struct str body, const struct http_header *extra, size_t n_extra);
void sim_http_date(struct utc t, char out[32]); /* "Mon, 05 Jan 2026 10:00:00 GMT" */
/* An error in the form of the service's protocol (JSON 1.x, REST JSON, query, EC2, S3 XML). */
enum sim_wire { SIM_WIRE_JSON, SIM_WIRE_REST_JSON, SIM_WIRE_QUERY, SIM_WIRE_EC2, SIM_WIRE_S3 };
void sim_reply_error(const struct sim_exchange *x, enum sim_wire wire, int status, const char *code,
		     const char *fmt, ...) PRINTF_LIKE(5, 6);

/* Words of a control line: `lambda function checkout errors=0.2` */
struct sim_words {
	size_t n;
	struct str word[64];
};
struct str sim_word(const struct sim_words *w, size_t i); /* "" past the end */
/* value of a word "key=value"; "" when absent. Values may be "quoted with spaces". */
struct str sim_word_value(const struct sim_words *w, const char *key);
bool sim_word_double(const struct sim_words *w, const char *key, double *out);
bool sim_word_i64(const struct sim_words *w, const char *key, int64_t *out);

/* The same with an optional unit: 250, 250ms, 30s, 10m, 2h. sim_parse_ms() reads one value. */
bool sim_word_ms(const struct sim_words *w, const char *key, int64_t *out);
bool sim_parse_ms(struct str s, int64_t *out);
bool sim_word_bool(const struct sim_words *w, const char *key, bool *out); /* true, false */

struct sim_service {
	const char *name; /* signing name: "lambda", "monitoring", "elasticloadbalancing" ... */
	void *(*create)(struct sim *s);
	void (*destroy)(void *state);
	void (*advance)(struct sim *s, void *state,
			struct utc now); /* every step_ms; may be NULL */
	/* x->operation of this request (REST services); NULL when target/Action says it. */
	const char *(*operation)(const struct sim_exchange *x);
	void (*handle)(struct sim *s, void *state, const struct sim_exchange *x);
	/* A control command whose first word is the service's name; writes one JSON value. */
	int (*control)(struct sim *s, void *state, const struct sim_words *w, struct json_out *out,
		       struct err *err);
};

/* sim.c dispatches to these by host, credential scope, target and path. */
extern const struct sim_service sim_codepipeline, sim_s3, sim_sts, sim_imds, sim_lambda, sim_elbv2,
	sim_cloudwatch, sim_ec2, sim_autoscaling, sim_ssm, sim_beanstalk, sim_ecs,
	sim_route53, sim_sns, sim_events, sim_web;

const struct sim_options *sim_opts(const struct sim *s);
void *sim_state(struct sim *s, const struct sim_service *service);
/* The world's own randomness: ids, delays. A stream apart from the caller's sim_rng(). */
struct rng *sim_dice(struct sim *s);

/* --- between services ------------------------------------------------------------------------- */

/* sim.c: append to the record of splits (copied). */
void sim_record_split(struct sim *s, const char *resource, const char *candidate, double weight,
		      const char *baseline);

/* sim_s3.c: object bytes for lambda's S3Bucket/S3Key and for codepipeline. NULL when absent. */
const struct buf *sim_s3_object(struct sim *s, struct str bucket, struct str key);
void sim_s3_put_object(struct sim *s, struct str bucket, struct str key, struct str bytes);

/*
 * sim_zip.c: archives for tests. Entries are stored, not compressed; mode is the Unix permission.
 * Begin with an empty buffer, add entries, end once. The entry texts are copied.
 */
struct sim_zip {
	struct buf *out;
	struct buf directory;
	unsigned n;
};
void sim_zip_begin(struct sim_zip *z, struct buf *out);
void sim_zip_add(struct sim_zip *z, struct str name, struct str content, unsigned mode);
void sim_zip_end(struct sim_zip *z);
uint32_t sim_crc32(struct str data); /* as in zip and in x-amz-checksum-crc32 */

/* sim_sts.c: secret and session token of an access key id; false when unknown. And a new one. */
bool sim_key_lookup(struct sim *s, struct str access_key_id, struct str *secret, struct str *token,
		    struct utc *expires);
struct sim_key {
	char access_key_id[32], secret[64], token[64];
	struct utc expires;
};
void sim_key_issue(struct sim *s, const char *principal, int64_t life_ms, struct sim_key *out);
/* Who a key belongs to: an ARN, or "codepipeline/<actionExecutionId>". "" when unknown. */
struct str sim_key_principal(struct sim *s, struct str access_key_id);
/* expires.ms of a key that never expires */
#define SIM_NEVER INT64_MAX

/*
 * sim_codepipeline.c: may this principal (of artifact credentials) read, or write, this object?
 * They are good for the input and output artifacts of their own action, and nothing else.
 */
bool sim_artifact_allowed(struct sim *s, struct str principal, bool write, struct str bucket,
			  struct str key);
#define SIM_ARTIFACT_PRINCIPAL "codepipeline/"

/*
 * sim_elbv2_target.c: services that own instances or tasks and target groups. Traffic to a group
 * is divided over its healthy targets. A target that brings a behaviour serves by it, else by its
 * group's; a group that control made unhealthy fails all its targets. false: no such group.
 */
struct sim_behaviour; /* sim_traffic.h */
/* port 0: the group's. Again is fine, and takes the new behaviour; one that drains comes back. */
bool sim_elbv2_target_add(struct sim *s, struct str group_arn, struct str id, int64_t port,
			  const struct sim_behaviour *does);
/* Draining begins, on all its ports; one that is not registered is fine. */
bool sim_elbv2_target_remove(struct sim *s, struct str group_arn, struct str id);
/* As DescribeTargetHealth says it: "healthy" "initial" "unused" "draining" ...; "": not there. */
const char *sim_elbv2_target_state(struct sim *s, struct str group_arn, struct str id);
/* Make a group, port 80 HTTP. false: no good name, one of that name exists, or size is small. */
bool sim_elbv2_group_new(struct sim *s, struct str name, struct str target_type, char *arn,
			 size_t size);

/*
 * sim_elbv2_front.c: load balancers, rules and groups that another service manages for its users.
 * Rules and groups go by ARN. false: there is no such thing.
 */
struct sim_front {
	char lb[256], rule[256]; /* ARNs */
};
/* A load balancer of its own; its listener at port 80 forwards to the group by default. */
bool sim_elbv2_front_new(struct sim *s, struct str name, bool network, struct str group_arn,
			 struct sim_front *out);
/* A rule for a host name on a load balancer (name or ARN) that is there. */
bool sim_elbv2_front_rule(struct sim *s, struct str lb, struct str host, struct str group_arn,
			  struct sim_front *out);
/* Forward to the group, and to another one with this share; "": to no other one. */
bool sim_elbv2_front_forward(struct sim *s, struct str rule, struct str group_arn,
			     struct str other_arn, int64_t other_percent);
bool sim_elbv2_front_host(struct sim *s, struct str rule, struct str host);
bool sim_elbv2_front_rps(struct sim *s, struct str rule, double rps);
/* The rule; with a default rule its whole load balancer. */
void sim_elbv2_front_remove(struct sim *s, struct str rule);
/* Requests that a group ever got, and those that failed. */
bool sim_elbv2_group_counts(struct sim *s, struct str group_arn, uint64_t *requests,
			    uint64_t *errors);
/* Does a rule other than this one refer to it? */
bool sim_elbv2_group_shared(struct sim *s, struct str group_arn, struct str but_rule);
/* false: some rule refers to it, or its weights have not left the data plane yet. */
bool sim_elbv2_group_delete(struct sim *s, struct str group_arn);
/* Its targets have been there for long: their first health checks are over. */
bool sim_elbv2_group_settle(struct sim *s, struct str group_arn);
void sim_elbv2_tag_add(struct sim *s, const char *arn, const char *key, const char *value);

/*
 * sim_elbv2_managed.c: rules whose weights another service writes. arn: of a rule, or of a listener
 * for its default rule. The groups of a view are borrowed until the rule changes.
 */
struct sim_rule_view {
	bool network;	    /* of a Network Load Balancer */
	bool forwards_only; /* one forward action and nothing else */
	size_t n;
	const char *group[5];
	int64_t weight[5];
};
bool sim_elbv2_rule_view(struct sim *s, struct str arn, struct sim_rule_view *view);
/* Forward to these two, recorded as a split. False when the rule or a group is not there. */
bool sim_elbv2_rule_weights(struct sim *s, struct str arn, struct str group, int64_t weight,
			    struct str other, int64_t other_weight);
bool sim_elbv2_group_used(struct sim *s, struct str group); /* some rule refers to it */
/* Of a target group, rule ("lb:port:priority") or listener ("lb:port"); NULL. */
const char *sim_elbv2_arn(struct sim *s, struct str name);
/* The ARN of a group by its name or ARN; false when there is none. */
bool sim_elbv2_group_arn(struct sim *s, struct str what, char *arn, size_t size);

/*
 * sim_beanstalk_traffic.c: what an environment answers a request to its domain name: 200, or 5xx;
 * 0 when nobody has that name.
 */
int sim_beanstalk_answer(struct sim *s, struct str host);

/*
 * sim_cloudwatch.c: add count samples of value to a metric at this moment. dimensions is a
 * canonical text "FunctionName=checkout,Resource=checkout:live,ExecutedVersion=2" in name order.
 */
void sim_metric_add(struct sim *s, const char *ns, const char *name, const char *dimensions,
		    struct utc at, double value, double count);
/* sim_cloudwatch.c: "OK", "ALARM", "INSUFFICIENT_DATA"; NULL when there is no such alarm. */
const char *sim_cloudwatch_alarm(struct sim *s, struct str name);

#endif
