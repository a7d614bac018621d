#ifndef TESTS_SIM_SIM_LAMBDA_H
#define TESTS_SIM_SIM_LAMBDA_H

#include "tests/sim/sim_metrics.h"
#include "tests/sim/sim_traffic.h"

/* What the files of the simulated Lambda share. Source of the shapes: service model 2015-03-31. */

/* Provisioned concurrency of a version or an alias. */
struct sim_provisioned {
	int64_t requested; /* 0: none */
	struct utc set, ready_at;
	bool fails;
};

/* One version; number 0 is $LATEST. */
struct sim_version {
	int64_t number;
	char sha[48]; /* base64 of the SHA-256 of the code */
	int64_t code_size;
	char description[260], role[256], dead_letter[256];
	int64_t memory_mb, timeout_s;
	char revision[RNG_UUID_SIZE];
	struct utc modified;
	struct utc active_at; /* Pending until then */
	struct sim_behaviour does;
	struct sim_provisioned provisioned;
	uint64_t requests, errors;
};

/* Requests to one version that are not in the metrics yet. */
struct sim_tally {
	int64_t number;
	uint64_t n, errors;
};

struct sim_alias {
	char name[130];
	char description[260];
	int64_t version, additional; /* additional 0: none */
	double weight;		     /* of the additional version, 0 to 1 */
	char revision[RNG_UUID_SIZE];
	double rps, carry;
	struct sim_tally tally[4];
	size_t n_tally;
	struct utc tally_at; /* when the first of them arrived */
	struct sim_provisioned provisioned;
};

/* Metrics of one function, alias or executed version; opened when first needed. */
struct sim_lambda_series {
	char resource[260]; /* "" for the function, else "name:qualifier" */
	int64_t executed;   /* -1: without ExecutedVersion; 0: $LATEST */
	struct sim_metric *invocations, *errors, *duration;
};

/* Behaviour that control decided for a version, existing or to come. */
struct sim_override {
	int64_t number;
	char *words; /* "errors=0.3 smoke=fail" */
};

/* A statement of a resource policy, and a principal that calls every alias that lets it. */
struct sim_statement {
	char id[101], qualifier[130], action[64], principal[256];
};
struct sim_caller {
	char principal[256];
	double rps;
};

struct sim_function {
	struct sim_function *next;
	char name[80], arn[200];
	char *code; /* of $LATEST */
	size_t code_n;
	struct sim_version *versions; /* [0] is $LATEST; by number */
	size_t n_versions;
	struct sim_alias *aliases;
	size_t n_aliases;
	struct sim_lambda_series *series;
	size_t n_series;
	struct sim_override *overrides;
	size_t n_overrides;
	struct sim_statement *statements;
	size_t n_statements;
	struct sim_caller *callers;
	size_t n_callers;
	struct sim_behaviour defaults; /* of code that says nothing */
	int64_t next_number;
	int64_t update_ms, publish_ms, provision_ms;
	bool updating;
	struct utc updated_at; /* when the update in progress ends */
	bool update_fails;     /* setting: the next update ends as Failed */
	bool update_failed;    /* the last one did */
};

struct sim_lambda_state {
	struct sim_function *functions;
	struct utc last; /* end of the last step */
};

/* One call on its way: what the path and the query say. */
struct sim_lambda_call {
	struct sim *s;
	struct sim_lambda_state *l;
	const struct sim_exchange *x;
	const struct json *in;
	const char *function, *item; /* decoded path parts; item: alias or statement, or "" */
	const char *qualifier;	     /* of the path or the query, or "" */
	struct sim_function *f;	     /* NULL when there is none of that name */
};

/* --- sim_lambda.c: model ------------------------------------------------------------------- */
struct sim_function *sim_function_find(struct sim_lambda_state *l, struct str name);
void sim_function_free(struct sim_function *f);
struct sim_version *sim_version_find(struct sim_function *f, int64_t number);
struct sim_alias *sim_alias_find(struct sim_function *f, const char *name);
bool sim_version_parse(struct str s, int64_t *number); /* "3" or "$LATEST" */
const char *sim_version_state(const struct sim_version *v, struct utc now);
void sim_version_label(int64_t number, char out[24]);
/* End the update in progress when its time has come. Its end is a new revision, as in Lambda. */
void sim_function_settle(struct sim *s, struct sim_function *f, struct utc now);
void sim_alias_record(struct sim *s, const struct sim_function *f, const struct sim_alias *a);
/* The version that the next request to the alias reaches. */
struct sim_version *sim_alias_pick(struct sim *s, struct sim_function *f,
				   const struct sim_alias *a);

/* --- sim_lambda_code.c --------------------------------------------------------------------- */
void sim_function_set_code(struct sim_function *f, struct str code);
/* Publish $LATEST; the last published version when nothing changed. */
struct sim_version *sim_function_publish(struct sim *s, struct sim_function *f,
					 struct str description, struct utc now);
void sim_lambda_update_code(struct sim_lambda_call *c);
void sim_lambda_update_configuration(struct sim_lambda_call *c);
void sim_lambda_publish(struct sim_lambda_call *c);
void sim_lambda_get_function(struct sim_lambda_call *c);
void sim_lambda_get_configuration(struct sim_lambda_call *c);
void sim_lambda_list_versions(struct sim_lambda_call *c);
void sim_lambda_delete_function(struct sim_lambda_call *c);

/* --- sim_lambda_alias.c -------------------------------------------------------------------- */
bool sim_alias_remove(struct sim_function *f, const char *name); /* false: there is none */
void sim_lambda_get_alias(struct sim_lambda_call *c);
void sim_lambda_create_alias(struct sim_lambda_call *c);
void sim_lambda_update_alias(struct sim_lambda_call *c);
void sim_lambda_delete_alias(struct sim_lambda_call *c);
void sim_lambda_list_aliases(struct sim_lambda_call *c);
void sim_lambda_put_provisioned(struct sim_lambda_call *c);
void sim_lambda_get_provisioned(struct sim_lambda_call *c);
void sim_lambda_delete_provisioned(struct sim_lambda_call *c);
const char *sim_provisioned_status(const struct sim_provisioned *p, struct utc now);

/* --- sim_lambda_policy.c ------------------------------------------------------------------- */
void sim_lambda_add_permission(struct sim_lambda_call *c);
void sim_lambda_remove_permission(struct sim_lambda_call *c);
void sim_lambda_get_policy(struct sim_lambda_call *c);
int sim_lambda_caller(struct sim_function *f, const struct sim_words *w,
		      struct err *err) MUST_CHECK;
/* What callers whom the policy of this alias lists send to it, requests a second. */
double sim_lambda_granted_rps(const struct sim_function *f, const char *qualifier);
void sim_lambda_show_policy(struct json_out *o, const struct sim_function *f);

/* --- sim_lambda_traffic.c ------------------------------------------------------------------ */
void sim_lambda_invoke(struct sim_lambda_call *c);
void sim_lambda_step(struct sim *s, struct sim_lambda_state *l, struct utc from, struct utc now);

/* --- sim_lambda_control.c ------------------------------------------------------------------ */
int sim_lambda_control(struct sim *s, void *state, const struct sim_words *w, struct json_out *out,
		       struct err *err) MUST_CHECK;
/* Apply what control decided for this version. */
void sim_version_override(struct sim_function *f, struct sim_version *v);

/* Answers. */
#define SIM_LAMBDA_ANSWER_MAX (4u << 20)
#define sim_lambda_error(c, status, code, ...) \
	sim_reply_error((c)->x, SIM_WIRE_REST_JSON, (status), (code), __VA_ARGS__)
/* False after the answer 404 when the path's function does not exist. */
bool sim_lambda_need_function(struct sim_lambda_call *c);
/* False after the answer 412 when RevisionId (body or query) is given and is not this one. */
bool sim_lambda_check_revision(struct sim_lambda_call *c, const char *revision);
/*
 * The version a qualifier means, "" being $LATEST; *alias when it names one. NULL after the answer
 * 404.
 */
struct sim_version *sim_lambda_resolve(struct sim_lambda_call *c, struct sim_alias **alias);

#endif
