/*
 * The engine of the simulator: time, and the way of a request to the service it is for. A service
 * is found as AWS finds it: by the credential scope of the signature, else by the target header,
 * else by host name. What a service then does is in its own file.
 */
#include "tests/sim/sim.h"

#include <assert.h>
#include <stdlib.h>

#include "aws/sigv4.h"
#include "tests/sim/sim_private.h"

static const struct {
	const struct sim_service *service;
	const char *host;   /* first label of the host name */
	const char *target; /* what X-Amz-Target starts with */
	enum sim_wire wire;
} services[] = {
	{&sim_codepipeline, "codepipeline", "CodePipeline_20150709.", SIM_WIRE_JSON},
	{&sim_s3, "s3", NULL, SIM_WIRE_S3},
	{&sim_sts, "sts", NULL, SIM_WIRE_QUERY},
	{&sim_imds, NULL, NULL, SIM_WIRE_REST_JSON},
	{&sim_lambda, "lambda", NULL, SIM_WIRE_REST_JSON},
	{&sim_elbv2, "elasticloadbalancing", NULL, SIM_WIRE_QUERY},
	{&sim_cloudwatch, "monitoring", "GraniteServiceVersion20100801.", SIM_WIRE_JSON},
	{&sim_beanstalk, "elasticbeanstalk", NULL, SIM_WIRE_QUERY},
	{&sim_ecs, "ecs", "AmazonEC2ContainerServiceV20141113.", SIM_WIRE_JSON},
	{&sim_ec2, "ec2", NULL, SIM_WIRE_EC2},
	{&sim_autoscaling, "autoscaling", NULL, SIM_WIRE_QUERY},
	{&sim_ssm, "ssm", "AmazonSSM.", SIM_WIRE_JSON},
	{&sim_route53, "route53", NULL, SIM_WIRE_QUERY},
	{&sim_sns, "sns", NULL, SIM_WIRE_QUERY},
	{&sim_events, "events", "AWSEvents.", SIM_WIRE_JSON},
	{&sim_web, NULL, NULL, SIM_WIRE_REST_JSON},
};
#define N_SERVICES (sizeof(services) / sizeof(services[0]))

struct sim_options sim_options_default(void)
{
	return (struct sim_options){
		.seed = 1,
		.start = {1767607200000}, /* 2026-01-05T10:00:00Z, a Monday */
		.step_ms = 1000,
		.continuation_delay_min_ms = -1,
		.continuation_delay_max_ms = -1,
		.redelivery_ms = -1,
		.job_timeout_ms = -1,
		.action_timeout_ms = -1,
		.artifact_credentials_ms = -1,
		.propagation_ms = -1,
		.job_retention_ms = -1,
		.stale_ms = -1,
	};
}

static void set_default(int64_t *value, int64_t fallback)
{
	if (*value < 0)
		*value = fallback;
}

static void options_fill(struct sim_options *o)
{
	set_default(&o->continuation_delay_min_ms, 0);
	set_default(&o->continuation_delay_max_ms, 60000);
	set_default(&o->redelivery_ms, 30000);
	set_default(&o->job_timeout_ms, INT64_C(20) * 60 * 1000);
	set_default(&o->action_timeout_ms, INT64_C(24) * 3600 * 1000);
	set_default(&o->artifact_credentials_ms, INT64_C(15) * 60 * 1000);
	set_default(&o->propagation_ms, 3000);
	set_default(&o->job_retention_ms, INT64_C(10) * 60 * 1000);
	set_default(&o->stale_ms, 10000);
	if (o->step_ms <= 0)
		o->step_ms = 1000;
	if (o->continuation_delay_max_ms < o->continuation_delay_min_ms)
		o->continuation_delay_max_ms = o->continuation_delay_min_ms;
}

struct sim *sim_new(const struct sim_options *o)
{
	struct sim *s = xcalloc(1, sizeof(*s));

	static_assert(N_SERVICES <= SIM_SERVICES_MAX, "state has a place for every service");
	s->o = o ? *o : sim_options_default();
	options_fill(&s->o);
	s->now = s->o.start;
	s->next_step.ms = s->now.ms + s->o.step_ms;
	rng_seeded_init(&s->dice, s->o.seed);
	/* any constant will do: the two streams must only not be the same */
	rng_seeded_init(&s->rng, s->o.seed ^ UINT64_C(0x5bd1e9955bd1e995));
	sim_transport_init(s);
	sim_record_init(&s->record);
	for (size_t i = 0; i < N_SERVICES; i++)
		s->state[i] = services[i].service->create(s);
	return s;
}

void sim_free(struct sim *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < N_SERVICES; i++)
		services[i].service->destroy(s->state[i]);
	sim_record_release(&s->record);
	sim_stale_release(s);
	sim_iam_release(s);
	free(s);
}

const struct sim_service *sim_service_at(size_t i)
{
	return i < N_SERVICES ? services[i].service : NULL;
}

const struct sim_options *sim_opts(const struct sim *s)
{
	return &s->o;
}

void *sim_state(struct sim *s, const struct sim_service *service)
{
	for (size_t i = 0; i < N_SERVICES; i++)
		if (services[i].service == service)
			return s->state[i];
	return NULL;
}

struct rng *sim_dice(struct sim *s)
{
	return &s->dice.rng;
}

struct rng *sim_rng(struct sim *s)
{
	return &s->rng.rng;
}

struct utc sim_now(const struct sim *s)
{
	return s->now;
}

void sim_advance(struct sim *s, int64_t ms)
{
	struct utc end = {s->now.ms + (ms > 0 ? ms : 0)};

	while (s->next_step.ms <= end.ms) {
		s->now = s->next_step;
		for (size_t i = 0; i < N_SERVICES; i++)
			if (services[i].service->advance)
				services[i].service->advance(s, s->state[i], s->now);
		s->next_step.ms += s->o.step_ms;
	}
	s->now = end;
}

/* --- who is asked ----------------------------------------------------------------------------- */

static bool contains(struct str s, const char *what)
{
	size_t n = strlen(what);

	for (size_t i = 0; i + n <= s.n; i++)
		if (memcmp(s.p + i, what, n) == 0)
			return true;
	return false;
}

static bool host_is(struct str host, const char *prefix)
{
	size_t n = strlen(prefix);

	if (!str_starts(host, prefix) || host.n <= n)
		return false;
	return host.p[n] == '.' || str_starts(str_sub(host, n, host.n), "-fips.");
}

const struct sim_service *sim_service_of_host(struct str host)
{
	if (!contains(host, ".amazonaws.com") && !contains(host, ".api.aws"))
		return NULL;
	if (contains(host, ".s3.") || contains(host, ".s3-"))
		return &sim_s3;
	for (size_t i = 0; i < N_SERVICES; i++)
		if (services[i].host && host_is(host, services[i].host))
			return services[i].service;
	return NULL;
}

static const struct sim_service *by_name(struct str name)
{
	for (size_t i = 0; i < N_SERVICES; i++)
		if (str_is(name, services[i].service->name))
			return services[i].service;
	return NULL;
}

static const struct sim_service *by_target(struct str target)
{
	for (size_t i = 0; i < N_SERVICES; i++)
		if (services[i].target && str_starts(target, services[i].target))
			return services[i].service;
	return NULL;
}

static bool is_metadata_host(struct str host)
{
	return str_is(host, "169.254.169.254") || str_is(host, "169.254.169.254:80") ||
	       str_is(host, "[fd00:ec2::254]");
}

static const struct sim_service *find_service(const struct sim_request *req,
					      const struct sim_exchange *x,
					      const struct sigv4_header *signature)
{
	struct str target = http_header_get(req->headers, req->n_headers, "x-amz-target");
	const struct sim_service *service;

	if (signature && (service = by_name(signature->service)))
		return service;
	if (target.n && (service = by_target(target)))
		return service;
	if ((service = sim_service_of_host(req->host)))
		return service;
	if (signature || target.n)
		return NULL; /* meant for a service of AWS that is not simulated */
	if (is_metadata_host(req->host) || str_starts(req->path, "/latest/"))
		return &sim_imds;
	if (x->form && sim_form_get(x->form, "Action").n)
		return &sim_sts; /* the only service with unsigned calls */
	return &sim_web;
}

static void fill_operation(struct sim_exchange *x, const struct sim_route *r)
{
	struct str target = http_header_get(x->req->headers, x->req->n_headers, "x-amz-target");
	const char *op = NULL;

	if (r->service->operation)
		op = r->service->operation(x);
	if (!op && target.n) {
		const char *dot = memchr(target.p, '.', target.n);

		if (dot)
			op = str_dup(x->arena,
				     str_sub(target, (size_t)(dot + 1 - target.p), target.n));
	}
	if (!op && x->form)
		op = str_dup(x->arena, sim_form_get(x->form, "Action"));
	x->operation = op ? op : "";
}

static void parse_form(struct sim_exchange *x)
{
	struct str type = http_header_get(x->req->headers, x->req->n_headers, "content-type");

	if (contains(type, "x-www-form-urlencoded"))
		x->form = sim_form_parse(x->arena, x->req->body);
	else if (contains(x->req->query, "Action="))
		x->form = sim_form_parse(x->arena, x->req->query);
}

static void parse_json(struct sim_exchange *x, struct sim_route *r)
{
	struct err err = ERR_INIT;
	struct json *root = NULL;

	if (x->req->body.n == 0)
		return;
	if (json_parse(x->arena, x->req->body, &root, &err) == 0)
		x->json = root;
	else
		r->malformed = true;
}

void sim_route(struct sim *s, const struct sim_request *req, struct arena *a,
	       struct sim_exchange *x, struct sim_route *r)
{
	struct str auth = http_header_get(req->headers, req->n_headers, "authorization");
	struct sigv4_header h;
	struct err err = ERR_INIT;
	bool is_signed = auth.n && sigv4_header_parse(auth, &h, &err) == 0;
	char *id = arena_alloc(a, RNG_UUID_SIZE);

	rng_uuid(&s->dice.rng, id);
	*r = (struct sim_route){.wire = SIM_WIRE_JSON};
	x->req = req;
	x->arena = a;
	x->now = s->now;
	x->request_id = id;
	x->operation = "";
	x->principal = is_signed ? str_dup(a, h.access_key_id) : "";
	parse_form(x);
	r->service = find_service(req, x, is_signed ? &h : NULL);
	if (!r->service)
		return;
	for (size_t i = 0; i < N_SERVICES; i++)
		if (services[i].service == r->service) {
			r->state = s->state[i];
			r->wire = services[i].wire;
		}
	if (x->form && r->wire == SIM_WIRE_JSON &&
	    !http_header_get(req->headers, req->n_headers, "x-amz-target").n)
		r->wire = SIM_WIRE_QUERY; /* CloudWatch speaks both */
	if (r->wire == SIM_WIRE_JSON || r->wire == SIM_WIRE_REST_JSON)
		parse_json(x, r);
	fill_operation(x, r);
}

void sim_perform(struct sim *s, const struct sim_exchange *x, const struct sim_route *r)
{
	if (!r->service) {
		sim_reply_error(x, SIM_WIRE_JSON, 404, "UnknownOperationException",
				"the simulator has no such service");
		return;
	}
	if (!sim_verify(s, x, r))
		return;
	/* a payload of Lambda need not be JSON: its service sees json == NULL and decides */
	if (r->malformed && r->wire == SIM_WIRE_JSON) {
		sim_reply_error(x, r->wire, 400, "SerializationException",
				"the body is not a JSON document");
		return;
	}
	r->service->handle(s, r->state, x);
	assert(x->res->status != 0);
}

void sim_handle(struct sim *s, const struct sim_request *req, struct arena *a,
		struct http_response *res)
{
	struct sim_exchange x = {.res = res};
	struct sim_route r;

	*res = (struct http_response){0};
	s->calls++;
	sim_route(s, req, a, &x, &r);
	sim_iam_note(s, &x, &r);
	sim_perform(s, &x, &r);
	sim_record_call(s, &x, &r, res->status);
}

/* Twice in a row; the caller sees the answer to either. */
static void perform_twice(struct sim *s, const struct sim_exchange *x, const struct sim_route *r)
{
	struct http_response first = {0};
	struct sim_exchange copy = *x;

	copy.res = &first;
	sim_perform(s, &copy, r);
	sim_perform(s, x, r);
	if (rng_below(&s->dice.rng, 2))
		*x->res = first;
}

enum sim_delivery sim_deliver(struct sim *s, const struct sim_request *req, struct arena *a,
			      struct http_response *res)
{
	struct sim_exchange x = {.res = res};
	struct sim_route r;
	enum sim_delivery d = SIM_ANSWERED;
	enum sim_fault f;

	*res = (struct http_response){0};
	if (s->fault.crashed)
		return SIM_CRASHED;
	s->calls++;
	sim_route(s, req, a, &x, &r);
	sim_iam_note(s, &x, &r);
	f = sim_fault_next(s, r.service ? r.service->name : "", x.operation);
	if (f == SIM_FAULT_REFUSED) {
		d = SIM_REFUSED;
	} else if (f == SIM_FAULT_TIMEOUT_BEFORE) {
		d = SIM_LOST;
	} else if (f == SIM_FAULT_CRASH_BEFORE) {
		d = SIM_CRASHED;
	} else if (f == SIM_FAULT_500 || f == SIM_FAULT_THROTTLED || f == SIM_FAULT_EXPIRED_TOKEN) {
		sim_fault_answer(&x, &r, f);
	} else if (f == SIM_FAULT_DUPLICATED) {
		perform_twice(s, &x, &r);
	} else if (f != SIM_FAULT_NONE || !sim_stale_answer(s, &x, &r)) {
		sim_perform(s, &x, &r);
		sim_stale_remember(s, &x, &r);
		if (f == SIM_FAULT_TIMEOUT_AFTER)
			d = SIM_LOST;
		else if (f == SIM_FAULT_CRASH_AFTER)
			d = SIM_CRASHED;
		else if (f == SIM_FAULT_TRUNCATED)
			d = SIM_CUT;
		else if (f == SIM_FAULT_500_AFTER || f == SIM_FAULT_GARBAGE)
			sim_fault_answer(&x, &r, f);
	}
	sim_record_call(s, &x, &r, d == SIM_ANSWERED ? res->status : 0);
	if (d == SIM_CRASHED)
		sim_fault_crash(s);
	return d;
}
