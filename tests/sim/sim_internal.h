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

/* One request on its way through a service, and the answer being written. */
struct sim_exchange {
	const struct sim_request *req;
	struct arena *arena;	    /* lives for this exchange */
	struct utc now;
	const char *operation;	    /* "UpdateAlias"; from target, Action, or method and path */
	const char *principal;	    /* access key id that signed, "" when unsigned */
	const char *request_id;
	const struct json *json;    /* parsed body of JSON services, or NULL */
	const struct sim_form *form; /* decoded body of query services, or NULL */
	struct http_response *res;  /* written by the sim_reply_* functions, exactly once */
};

/* Decoded application/x-www-form-urlencoded or query string, in order. */
struct sim_form {
	size_t n;
	struct {
		struct str key, value;
	} *pairs;
};
struct str sim_form_get(const struct sim_form *f, const char *key); /* "" when absent */
struct sim_form *sim_form_parse(struct arena *a, struct str encoded);
char *sim_uri_decode(struct arena *a, struct str s); /* percent-decoding, '+' is kept */

/* Answers. Each sets status, content type, request id header and Date. */
void sim_reply_json(const struct sim_exchange *x, int status, struct str body);
void sim_reply_xml(const struct sim_exchange *x, int status, struct str body);
void sim_reply_raw(const struct sim_exchange *x, int status, const char *content_type,
		   struct str body, const struct http_header *extra, size_t n_extra);
/* An error in the form of the service's protocol (JSON 1.x, REST JSON, query XML, S3 XML). */
enum sim_wire { SIM_WIRE_JSON, SIM_WIRE_REST_JSON, SIM_WIRE_QUERY, SIM_WIRE_S3 };
void sim_reply_error(const struct sim_exchange *x, enum sim_wire wire, int status,
		     const char *code, const char *fmt, ...) PRINTF_LIKE(5, 6);

/* Words of a control line: `lambda function checkout errors=0.2` */
struct sim_words {
	size_t n;
	struct str word[64];
};
struct str sim_word(const struct sim_words *w, size_t i);	      /* "" past the end */
/* value of a word "key=value"; "" when absent. Values may be "quoted with spaces". */
struct str sim_word_value(const struct sim_words *w, const char *key);
bool sim_word_double(const struct sim_words *w, const char *key, double *out);
bool sim_word_i64(const struct sim_words *w, const char *key, int64_t *out);

struct sim_service {
	const char *name; /* signing name: "lambda", "monitoring", "elasticloadbalancing" ... */
	void *(*create)(struct sim *s);
	void (*destroy)(void *state);
	void (*advance)(struct sim *s, void *state, struct utc now); /* every step_ms; may be NULL */
	/* Fill in x->operation for this request (REST services); NULL when target/Action says it. */
	const char *(*operation)(const struct sim_exchange *x);
	void (*handle)(struct sim *s, void *state, const struct sim_exchange *x);
	/* A control command whose first word is the service's name; writes one JSON value. */
	int (*control)(struct sim *s, void *state, const struct sim_words *w, struct json_out *out,
		       struct err *err);
};

/* sim.c dispatches to these by host, credential scope, target and path. */
extern const struct sim_service sim_codepipeline, sim_s3, sim_sts, sim_imds, sim_lambda, sim_elbv2,
	sim_cloudwatch;

const struct sim_options *sim_opts(const struct sim *s);
void *sim_state(struct sim *s, const struct sim_service *service);

/* --- between services ------------------------------------------------------------------------- */

/* sim.c: append to the record of splits (copied). */
void sim_record_split(struct sim *s, const char *resource, const char *candidate, double weight,
		      const char *baseline);

/* sim_s3.c: object bytes for lambda's S3Bucket/S3Key and for codepipeline. NULL when absent. */
const struct buf *sim_s3_object(struct sim *s, struct str bucket, struct str key);
void sim_s3_put_object(struct sim *s, struct str bucket, struct str key, struct str bytes);

/* sim_sts.c: the secret of an access key id and its session token; false when unknown. Issue new. */
bool sim_key_lookup(struct sim *s, struct str access_key_id, struct str *secret, struct str *token,
		    struct utc *expires);
struct sim_key {
	char access_key_id[32], secret[64], token[64];
	struct utc expires;
};
void sim_key_issue(struct sim *s, const char *principal, int64_t life_ms, struct sim_key *out);

/*
 * sim_cloudwatch.c: add count samples of value to a metric at this moment. dimensions is a
 * canonical text "FunctionName=checkout,Resource=checkout:live,ExecutedVersion=2" in name order.
 */
void sim_metric_add(struct sim *s, const char *ns, const char *name, const char *dimensions,
		    struct utc at, double value, double count);

#endif
