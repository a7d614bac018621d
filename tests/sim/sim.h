#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/core/buf.h"
#include "aws/core/clock.h"
#include "aws/core/http.h"
#include "aws/core/mem.h"
#include "aws/core/rng.h"

/*
 * A fake AWS: CodePipeline's job engine, S3, STS, instance metadata, Lambda, Elastic Load Balancing
 * v2, EC2 Auto Scaling, EC2, Systems Manager, ECS, Elastic Beanstalk and CloudWatch, as they behave
 * over time, with a traffic model that turns the live split and each version's error rate and
 * latency into CloudWatch metrics. A seed decides everything random.
 *
 * Single-threaded: the caller serialises (the served form holds one lock). Time is the simulator's
 * own: it moves only by sim_advance(), or by a sleep on sim_clock().
 */
struct sim;

struct sim_options {
	uint64_t seed;
	struct utc start;      /* simulated now at creation */
	bool check_signatures; /* refuse requests whose SigV4 does not verify */
	int64_t step_ms;       /* granularity of traffic and evaluation; default 1,000 */

	/* CodePipeline's unknowns as settings (milliseconds; negative means the default) */
	int64_t continuation_delay_min_ms, continuation_delay_max_ms; /* default 0 .. 60,000 */
	int64_t redelivery_ms;	   /* polled but not acknowledged; default 30,000 */
	int64_t job_timeout_ms;	   /* acknowledged but not reported; default 20 min; 0: none */
	int64_t action_timeout_ms; /* default 24 h */
	bool noise;		   /* __type members, nulls, undeclared members; default off */
	bool nonce_moves;	   /* a redelivered job has a new nonce */
	double throttle_rate;	   /* share of CodePipeline calls answered with Rate exceeded */
	int64_t artifact_credentials_ms; /* life of artifact credentials; default 15 min */
	int64_t propagation_ms;	  /* accepted load balancer weights reach traffic; default 3 s */
	bool double_ack_ok;	  /* a second AcknowledgeJob with the same nonce answers with the
					state; default: InvalidNonceException */
	int64_t job_retention_ms; /* finished jobs answer GetJobDetails for so long; 10 min */
	double stale_rate;	  /* share of reads of targets answered as they were before; 0 */
	int64_t stale_ms;	  /* how old such an answer may be; default 10 s */
};

struct sim_options sim_options_default(void);
struct sim *sim_new(const struct sim_options *o);
void sim_free(struct sim *s);

struct utc sim_now(const struct sim *s);
void sim_advance(struct sim *s, int64_t ms); /* evolve everything, in order of time */

/* The three seams over this simulator; owned by it. The transport answers for every host. */
struct http *sim_http(struct sim *s);
struct clock *sim_clock(struct sim *s);
struct rng *sim_rng(struct sim *s);

/*
 * Handle one request at the present moment: what the transport and the server call. url may be
 * absolute or start with '/'. host decides the service together with the credential scope.
 */
struct sim_request {
	const char *method;
	struct str path, query; /* as on the wire */
	struct str host;
	const struct http_header *headers;
	size_t n_headers;
	struct str body;
};
void sim_handle(struct sim *s, const struct sim_request *req, struct arena *a,
		struct http_response *res);

/*
 * The same as it happens on a network: counts the call, applies the armed fault, and says what
 * became of the connection. res is filled in when the delivery is SIM_ANSWERED or SIM_CUT.
 */
enum sim_delivery {
	SIM_ANSWERED,
	SIM_REFUSED, /* no connection; nothing was sent */
	SIM_LOST,    /* sent, and no answer comes */
	SIM_CUT,     /* the answer breaks off in the middle of its body */
	SIM_CRASHED  /* the caller is dead until sim_resume() */
};
enum sim_delivery sim_deliver(struct sim *s, const struct sim_request *req, struct arena *a,
			      struct http_response *res);

/* --- faults: the n-th call from now (1-based) that matches ------------------------------------ */
enum sim_fault {
	SIM_FAULT_NONE,
	SIM_FAULT_REFUSED,	  /* connection refused; nothing sent */
	SIM_FAULT_TIMEOUT_BEFORE, /* sent, no effect, no answer */
	SIM_FAULT_TIMEOUT_AFTER,  /* effect took place, answer lost */
	SIM_FAULT_500,		  /* no effect */
	SIM_FAULT_500_AFTER,	  /* effect took place, answered with 500 */
	SIM_FAULT_THROTTLED,	  /* as the service spells it */
	SIM_FAULT_TRUNCATED,	  /* effect took place, body cut short (transport error) */
	SIM_FAULT_GARBAGE,	  /* effect took place, 200 with a body that does not parse */
	SIM_FAULT_EXPIRED_TOKEN,  /* refused: security token expired */
	SIM_FAULT_CRASH_BEFORE,	  /* on_crash, no effect; every later call fails until resume */
	SIM_FAULT_CRASH_AFTER,	  /* effect, then on_crash; every later call fails until resume */
	SIM_FAULT_DUPLICATED,	  /* delivered twice in a row; the answer is that of either */
	SIM_FAULT_COUNT
};

void sim_fault_at(struct sim *s, uint64_t n, enum sim_fault kind, int times);
void sim_fault_service(struct sim *s, const char *service); /* only these calls count; NULL: all */
void sim_fault_operation(struct sim *s, const char *operation); /* likewise, "UpdateAlias" */
bool sim_fault_hit(const struct sim *s);			/* the armed fault has happened */
void sim_on_crash(struct sim *s, void (*fn)(void *arg), void *arg);
void sim_resume(struct sim *s); /* after a crash: calls are served again; disarms the fault */
uint64_t sim_calls(const struct sim *s); /* calls seen so far */
uint64_t sim_stale_reads(const struct sim *s); /* reads answered as they were before */
const char *sim_fault_name(enum sim_fault f);

/* --- what happened: the simulator's own record, oldest first --------------------------------- */
struct sim_call {
	struct utc at;
	const char *service, *operation; /* "lambda", "UpdateAlias" */
	int status;			 /* 0 when the connection failed */
	const char *access_key_id;
};
size_t sim_call_log(const struct sim *s, const struct sim_call **calls);
uint64_t sim_call_count(const struct sim *s, const char *service, const char *operation);

/*
 * What IAM had to allow for the calls that said what they were for (sim_iam.h): each once, as far
 * as ids do not tell them apart. purpose: "lambda"; action: "lambda:UpdateAlias"; context: keys of
 * the request with values, "TAB key=value" each.
 */
struct sim_right {
	const char *purpose, *action, *resource, *context;
};
size_t sim_rights(const struct sim *s, const struct sim_right **rights);

/* A change of the live split of one alias, listener or rule. */
struct sim_split {
	struct utc at;
	const char *resource;  /* "lambda:checkout:live", "beanstalk:shop/prod", or an ARN */
	const char *candidate; /* version or target group ARN with the additional weight; or "" */
	double weight;	       /* its share of traffic, percent */
	const char *baseline;  /* what serves the rest */
};
size_t sim_split_log(const struct sim *s, const struct sim_split **splits);

/* --- CodePipeline: what workers reported ------------------------------------------------------ */

enum sim_report_kind { SIM_REPORT_CONTINUE, SIM_REPORT_SUCCESS, SIM_REPORT_FAILURE };

/* One accepted PutJobSuccessResult or PutJobFailureResult. Absent texts are "". */
struct sim_report {
	struct utc at;
	enum sim_report_kind kind;
	const char *job_id;
	const char *token; /* the continuation token */
	const char *summary, *external_execution_id;
	int percent; /* -1 when absent */
	const char *failure_type, *message;
	const char *revision;		   /* currentRevision.revision */
	const char *change_identifier;	   /* currentRevision.changeIdentifier */
	const char *output_variables_json; /* an object, or "" */
};

/*
 * One execution of an action: one or more jobs. Owned by the simulator; lives as long as it.
 * summary, external_execution_id and percent are the last ones reported.
 */
struct sim_action {
	const char *pipeline, *stage, *action;
	const char *execution_id, *action_execution_id;
	const char *status;		    /* "InProgress" "Succeeded" "Failed" "Abandoned" */
	const char *failure_type, *message; /* of the failure, "" before */
	const char *summary, *external_execution_id;
	int percent; /* -1 before the first */
	const char *output_variables_json;
	unsigned n_tokens, n_jobs;
	struct utc started, updated;
	const struct sim_report *reports;
	size_t n_reports;
};

/* The latest execution of an action of a pipeline; action NULL: of any of its actions. Or NULL. */
const struct sim_action *sim_action_find(struct sim *s, const char *pipeline, const char *action);
const struct sim_action *sim_action_by_id(struct sim *s, const char *action_execution_id);
/* "InProgress" "Stopping" "Stopped" "Succeeded" "Superseded" "Failed", or NULL when unknown. */
const char *sim_execution_status(struct sim *s, const char *execution_id);

/*
 * Store these bytes as the source artifact of a pipeline and start an execution: the C form of
 * `codepipeline push`. ERR_NOT_FOUND when there is no such pipeline.
 */
int sim_push(struct sim *s, const char *pipeline, struct str zip, char execution_id[RNG_UUID_SIZE],
	     struct err *err) MUST_CHECK;

/* --- the world: set up by tests and by the control interface ---------------------------------- */

/*
 * Run one command of the control language (one line; see tests/sim/README.md) and append its
 * answer, JSON, to out. 0, or -1 with a message that names the word that is wrong. The served form
 * takes the same lines as the body of POST /_sim/control, one a line.
 */
int sim_control(struct sim *s, struct str line, struct buf *out, struct err *err) MUST_CHECK;

#endif
