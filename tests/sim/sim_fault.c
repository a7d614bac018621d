/*
 * Faults: which call is hit, and how each kind answers. One plan at a time; a sweep arms it at
 * call 1, 2, 3 ... of the same run, which the seed makes the same run each time.
 */
#include "tests/sim/sim_private.h"

static const char *const names[SIM_FAULT_COUNT] = {
	[SIM_FAULT_NONE] = "none",
	[SIM_FAULT_REFUSED] = "refused",
	[SIM_FAULT_TIMEOUT_BEFORE] = "timeout-before",
	[SIM_FAULT_TIMEOUT_AFTER] = "timeout-after",
	[SIM_FAULT_500] = "500",
	[SIM_FAULT_500_AFTER] = "500-after",
	[SIM_FAULT_THROTTLED] = "throttled",
	[SIM_FAULT_TRUNCATED] = "truncated",
	[SIM_FAULT_GARBAGE] = "garbage",
	[SIM_FAULT_EXPIRED_TOKEN] = "expired-token",
	[SIM_FAULT_CRASH_BEFORE] = "crash-before",
	[SIM_FAULT_CRASH_AFTER] = "crash-after",
	[SIM_FAULT_DUPLICATED] = "duplicated",
};

const char *sim_fault_name(enum sim_fault f)
{
	return (unsigned)f < SIM_FAULT_COUNT ? names[f] : "unknown";
}

void sim_fault_at(struct sim *s, uint64_t n, enum sim_fault kind, int times)
{
	s->fault.kind = kind;
	s->fault.at = n;
	s->fault.times = times > 0 ? (uint64_t)times : 1;
	s->fault.seen = 0;
	s->fault.hit = false;
}

void sim_fault_service(struct sim *s, const char *service)
{
	(void)str_copy(s->fault.service, sizeof(s->fault.service), str_from(service));
}

void sim_fault_operation(struct sim *s, const char *operation)
{
	(void)str_copy(s->fault.operation, sizeof(s->fault.operation), str_from(operation));
}

bool sim_fault_hit(const struct sim *s)
{
	return s->fault.hit;
}

void sim_on_crash(struct sim *s, void (*fn)(void *arg), void *arg)
{
	s->fault.on_crash = fn;
	s->fault.on_crash_arg = arg;
}

void sim_resume(struct sim *s)
{
	s->fault.crashed = false;
	s->fault.kind = SIM_FAULT_NONE;
}

enum sim_fault sim_fault_next(struct sim *s, const char *service, const char *operation)
{
	struct sim_fault_plan *f = &s->fault;

	if (f->kind == SIM_FAULT_NONE)
		return SIM_FAULT_NONE;
	if (f->service[0] && strcmp(f->service, service) != 0)
		return SIM_FAULT_NONE;
	if (f->operation[0] && strcmp(f->operation, operation) != 0)
		return SIM_FAULT_NONE;
	f->seen++;
	if (f->seen < f->at || f->seen - f->at >= f->times)
		return SIM_FAULT_NONE;
	f->hit = true;
	return f->kind;
}

void sim_fault_crash(struct sim *s)
{
	s->fault.crashed = true;
	if (s->fault.on_crash)
		s->fault.on_crash(s->fault.on_crash_arg);
}

static void answer_500(const struct sim_exchange *x, const struct sim_route *r)
{
	const char *code = "InternalFailure";

	if (r->wire == SIM_WIRE_S3 || r->wire == SIM_WIRE_EC2)
		code = "InternalError";
	else if (r->wire == SIM_WIRE_REST_JSON)
		code = "ServiceException";
	sim_reply_error(x, r->wire, 500, code, "We encountered an internal error.");
}

static void answer_throttled(const struct sim_exchange *x, const struct sim_route *r)
{
	switch (r->wire) {
	case SIM_WIRE_JSON:
		sim_reply_error(x, r->wire, 400, "ThrottlingException", "Rate exceeded");
		break;
	case SIM_WIRE_REST_JSON:
		sim_reply_error(x, r->wire, 429, "TooManyRequestsException", "Rate Exceeded.");
		break;
	case SIM_WIRE_QUERY:
		sim_reply_error(x, r->wire, 400, "Throttling", "Rate exceeded");
		break;
	case SIM_WIRE_EC2:
		sim_reply_error(x, r->wire, 503, "RequestLimitExceeded", "Request limit exceeded.");
		break;
	case SIM_WIRE_S3:
		sim_reply_error(x, r->wire, 503, "SlowDown", "Please reduce your request rate.");
		break;
	}
}

void sim_fault_answer(const struct sim_exchange *x, const struct sim_route *r, enum sim_fault f)
{
	if (f == SIM_FAULT_THROTTLED)
		answer_throttled(x, r);
	else if (f == SIM_FAULT_EXPIRED_TOKEN)
		sim_refuse_expired(x, r->wire);
	else if (f == SIM_FAULT_GARBAGE)
		sim_reply_raw(x, 200, "application/octet-stream", STR("}<\x01garbage&;{"), NULL, 0);
	else
		answer_500(x, r);
}
