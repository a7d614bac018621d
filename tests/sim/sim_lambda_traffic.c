#include "tests/sim/sim_lambda.h"

#include <stdio.h>
#include <stdlib.h>

#include "aws/core/digest.h"

/*
 * Invocations: those of production, which the traffic model sends through every alias that has a
 * rate, and those made by a caller of the API. Both end up in the metrics of AWS/Lambda, under the
 * function, under the alias, and under the alias and the executed version. Those of production are
 * gathered for ten seconds before they are told: metrics are late in AWS too, and it is faster.
 */

#define GATHER_MS 10000

/* The series of this resource, opened when it is new. Pointers hold until the next call. */
static struct sim_lambda_series *series(struct sim *s, struct sim_function *f, const char *resource,
					int64_t executed)
{
	struct sim_lambda_series *e;
	char dimensions[480], label[24];
	for (size_t i = 0; i < f->n_series; i++)
		if (f->series[i].executed == executed &&
		    strcmp(f->series[i].resource, resource) == 0)
			return &f->series[i];
	f->series = xrealloc(f->series, (f->n_series + 1) * sizeof(*f->series));
	e = &f->series[f->n_series++];
	(void)str_copy(e->resource, sizeof(e->resource), str_from(resource));
	e->executed = executed;
	sim_version_label(executed < 0 ? 0 : executed, label);
	if (executed >= 0)
		snprintf(dimensions, sizeof(dimensions),
			 "ExecutedVersion=%s,FunctionName=%s,Resource=%s", label, f->name,
			 resource);
	else
		snprintf(dimensions, sizeof(dimensions), "FunctionName=%s%s%s", f->name,
			 resource[0] ? ",Resource=" : "", resource);
	e->invocations = sim_metric_open(s, "AWS/Lambda", "Invocations", dimensions);
	e->errors = sim_metric_open(s, "AWS/Lambda", "Errors", dimensions);
	e->duration = sim_metric_open(s, "AWS/Lambda", "Duration", dimensions);
	return e;
}

/* What happened to requests that reached one version through one qualifier. */
struct outcome {
	struct utc at;
	uint64_t n, errors;
	double latency_ms;
};

static void count(struct sim_lambda_series *e, const struct outcome *r)
{
	sim_metric_record(e->invocations, r->at, 1, (double)r->n);
	sim_metric_record(e->errors, r->at, 1, (double)r->errors);
	sim_metric_record(e->errors, r->at, 0, (double)(r->n - r->errors));
	sim_metric_record_spread(e->duration, r->at, r->latency_ms, (double)r->n);
}

static void serve(struct sim *s, struct sim_function *f, const char *qualifier,
		  struct sim_version *v, const struct outcome *r)
{
	char resource[260];
	count(series(s, f, "", -1), r);
	if (!qualifier[0])
		return;
	snprintf(resource, sizeof(resource), "%s:%s", f->name, qualifier);
	count(series(s, f, resource, -1), r);
	count(series(s, f, resource, v->number), r);
}

/* A version that is not Active fails every request. */
static double error_rate(const struct sim_version *v, struct utc now)
{
	return strcmp(sim_version_state(v, now), "Active") == 0 ? v->does.errors : 1;
}

static void flush(struct sim *s, struct sim_function *f, struct sim_alias *a)
{
	for (size_t i = 0; i < a->n_tally; i++) {
		const struct sim_tally *t = &a->tally[i];
		struct sim_version *v = sim_version_find(f, t->number);
		if (!v)
			continue;
		struct outcome r = {
			.at = a->tally_at,
			.n = t->n,
			.errors = t->errors,
			.latency_ms = v->does.latency_ms * sim_traffic_jitter(sim_dice(s)),
		};
		serve(s, f, a->name, v, &r);
	}
	a->n_tally = 0;
}

static struct sim_tally *tally(struct sim *s, struct sim_function *f, struct sim_alias *a,
			       int64_t number, struct utc at)
{
	for (size_t i = 0; i < a->n_tally; i++)
		if (a->tally[i].number == number)
			return &a->tally[i];
	if (a->n_tally == sizeof(a->tally) / sizeof(a->tally[0]))
		flush(s, f, a);
	if (!a->n_tally)
		a->tally_at = at;
	a->tally[a->n_tally] = (struct sim_tally){.number = number};
	return &a->tally[a->n_tally++];
}

static void step_alias(struct sim *s, struct sim_function *f, struct sim_alias *a, struct utc from,
		       struct utc now)
{
	double rps = a->rps + sim_lambda_granted_rps(f, a->name);
	uint64_t n = sim_traffic_arrivals(&a->carry, rps, now.ms - from.ms), each[2] = {0};
	double weights[2] = {1 - a->weight, a->weight};
	int64_t numbers[2] = {a->version, a->additional};
	if (n)
		(void)sim_traffic_divide(sim_dice(s), n, weights, 2, each);
	for (size_t i = 0; i < 2; i++) {
		struct sim_version *v = each[i] ? sim_version_find(f, numbers[i]) : NULL;
		if (!v)
			continue;
		struct sim_tally *t = tally(s, f, a, numbers[i], from);
		uint64_t failed = sim_traffic_binomial(sim_dice(s), each[i], error_rate(v, now));
		t->n += each[i];
		t->errors += failed;
		v->requests += each[i];
		v->errors += failed;
	}
	if (from.ms / GATHER_MS != now.ms / GATHER_MS)
		flush(s, f, a);
}

void sim_lambda_step(struct sim *s, struct sim_lambda_state *l, struct utc from, struct utc now)
{
	for (struct sim_function *f = l->functions; f; f = f->next)
		for (size_t i = 0; i < f->n_aliases; i++)
			if (f->aliases[i].rps > 0 || f->n_callers || f->aliases[i].n_tally)
				step_alias(s, f, &f->aliases[i], from, now);
}

/* --- Invoke -------------------------------------------------------------------------------- */

static bool decide_error(struct sim *s, const struct sim_version *v)
{
	switch (v->does.smoke) {
	case SIM_SMOKE_OK:
		return false;
	case SIM_SMOKE_FAIL:
	case SIM_SMOKE_TIMEOUT:
		return true;
	case SIM_SMOKE_RANDOM:
	case SIM_SMOKE_THROTTLE:
		break;
	}
	return sim_traffic_binomial(sim_dice(s), 1, v->does.errors) == 1;
}

static void write_payload(struct sim_lambda_call *c, struct buf *b, const struct sim_version *v,
			  bool failed)
{
	struct json_out o;
	char label[24];
	if (!failed && v->does.reply[0]) {
		buf_adds(b, v->does.reply);
		return;
	}
	json_out_init(&o, b);
	json_out_object(&o);
	sim_version_label(v->number, label);
	if (failed && v->does.smoke == SIM_SMOKE_TIMEOUT) {
		json_member_cstr(&o, "errorType", "Sandbox.Timedout");
		json_member_cstr(&o, "errorMessage",
				 arena_printf(c->x->arena,
					      "RequestId: %s Error: Task timed out after %lld.00 "
					      "seconds",
					      c->x->request_id, (long long)v->timeout_s));
	} else if (failed) {
		json_member_cstr(&o, "errorMessage", "simulated failure");
		json_member_cstr(&o, "errorType", "SimulatedError");
		json_out_key(&o, "stackTrace");
		json_out_array(&o);
		json_out_end(&o);
	} else {
		json_member_i64(&o, "statusCode", 200);
		json_member_cstr(&o, "version", label);
	}
	json_out_end(&o);
}

static void reply_invoked(struct sim_lambda_call *c, const struct sim_version *v, bool failed)
{
	struct http_header extra[3] = {{STR("X-Amz-Executed-Version"), STR("")}};
	const struct sim_request *req = c->x->req;
	size_t n = 1;
	char label[24];
	struct buf body, log;
	buf_init(&body, 64u << 10);
	buf_init(&log, 64u << 10);
	sim_version_label(v->number, label);
	extra[0].value = str_from(label);
	if (failed)
		extra[n++] = (struct http_header){STR("X-Amz-Function-Error"), STR("Unhandled")};
	if (str_is_nocase(http_header_get(req->headers, req->n_headers, "x-amz-log-type"),
			  "Tail")) {
		const char *text =
			arena_printf(c->x->arena,
				     "START RequestId: %s Version: %s\n%sEND RequestId: "
				     "%s\n",
				     c->x->request_id, label,
				     failed ? "[ERROR] simulated failure\n" : "", c->x->request_id);
		base64_encode(&log, text, strlen(text));
		extra[n++] = (struct http_header){STR("X-Amz-Log-Result"), buf_str(&log)};
	}
	write_payload(c, &body, v, failed);
	sim_reply_raw(c->x, 200, "application/json", buf_str(&body), extra, n);
	buf_release(&log);
	buf_release(&body);
}

/* The version that runs; NULL after an error. */
static struct sim_version *choose(struct sim_lambda_call *c)
{
	struct sim_alias *alias;
	struct sim_version *v;
	const char *state;
	if (!sim_lambda_need_function(c))
		return NULL;
	v = sim_lambda_resolve(c, &alias);
	if (v && alias)
		v = sim_alias_pick(c->s, c->f, alias);
	if (!v)
		return NULL;
	state = sim_version_state(v, c->x->now);
	if (strcmp(state, "Active") != 0) {
		sim_lambda_error(c, 409, "ResourceConflictException",
				 "The operation cannot be performed at this time. The function is "
				 "currently in the following state: %s",
				 state);
		return NULL;
	}
	return v;
}

void sim_lambda_invoke(struct sim_lambda_call *c)
{
	const struct sim_request *req = c->x->req;
	struct str type = http_header_get(req->headers, req->n_headers, "x-amz-invocation-type");
	struct sim_version *v = choose(c);
	if (!v)
		return;
	if (type.n && !str_is(type, "RequestResponse") && !str_is(type, "Event") &&
	    !str_is(type, "DryRun")) {
		sim_lambda_error(c, 400, "InvalidParameterValueException",
				 "InvocationType is unknown");
		return;
	}
	if (str_is(type, "DryRun")) {
		sim_reply_raw(c->x, 204, NULL, STR(""), NULL, 0);
		return;
	}
	if (v->does.smoke == SIM_SMOKE_THROTTLE) {
		sim_lambda_error(c, 429, "TooManyRequestsException", "Rate Exceeded.");
		return;
	}
	/* a payload that is not JSON never reaches the code */
	if (req->body.n && !c->in) {
		sim_lambda_error(c, 400, "InvalidRequestContentException",
				 "Could not parse request body into json");
		return;
	}
	struct outcome r = {.at = c->x->now, .n = 1, .latency_ms = v->does.latency_ms};
	r.errors = decide_error(c->s, v) ? 1 : 0;
	v->requests++;
	v->errors += r.errors;
	serve(c->s, c->f, c->qualifier, v, &r);
	if (str_is(type, "Event")) {
		sim_reply_raw(c->x, 202, NULL, STR(""), NULL, 0);
		return;
	}
	reply_invoked(c, v, r.errors > 0);
}
