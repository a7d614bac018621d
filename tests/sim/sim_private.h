#ifndef TESTS_SIM_SIM_PRIVATE_H
#define TESTS_SIM_SIM_PRIVATE_H

#include "aws/core/rng.h"
#include "tests/sim/sim_internal.h"

/*
 * The engine's own state, shared by the files that make it up (sim.c, sim_record.c, sim_fault.c,
 * sim_transport.c, sim_control.c, sim_verify.c). Services do not include this.
 */
#define SIM_SERVICES_MAX 16

struct sim_fault_plan {
	enum sim_fault kind;
	uint64_t at;			 /* number of the first matching call that is hit */
	uint64_t times;			 /* how many matching calls in a row */
	uint64_t seen;			 /* matching calls so far */
	char service[32], operation[64]; /* "" matches every one */
	bool hit, crashed;
	void (*on_crash)(void *arg);
	void *on_crash_arg;
};

struct sim_record {
	struct arena *arena; /* the texts of both logs */
	struct sim_call *calls;
	size_t n_calls, cap_calls;
	struct sim_split *splits;
	size_t n_splits, cap_splits;
	const char *interned[256]; /* service and operation names, few */
	size_t n_interned;
};

/* A seam and whose it is; the seam comes first, so that a pointer to it is one to all of it. */
struct sim_http {
	struct http http;
	struct sim *sim;
};

struct sim_clock {
	struct clock clock;
	struct sim *sim;
};

struct sim {
	struct sim_options o;
	struct utc now, next_step;
	struct rng_seeded dice, rng;
	struct sim_http http;
	struct sim_clock clock;
	void *state[SIM_SERVICES_MAX];
	struct sim_fault_plan fault;
	struct sim_record record;
	uint64_t calls;
	struct sim_stale *stale; /* answers remembered; NULL: none yet */
	struct sim_iam *iam;	 /* rights that were needed; NULL: none yet */
};

/* --- sim.c: which service is asked, and for what ---------------------------------------------- */
struct sim_route {
	const struct sim_service *service; /* NULL: nobody here */
	void *state;
	enum sim_wire wire;
	bool malformed; /* the body does not parse as the protocol wants */
};
void sim_route(struct sim *s, const struct sim_request *req, struct arena *a,
	       struct sim_exchange *x, struct sim_route *r);
/* Authenticate, then let the service answer. No fault, no record. */
void sim_perform(struct sim *s, const struct sim_exchange *x, const struct sim_route *r);
/* The service a host name stands for; NULL when it is none of AWS's. */
const struct sim_service *sim_service_of_host(struct str host);

/* --- sim_record.c ----------------------------------------------------------------------------- */
void sim_record_init(struct sim_record *r);
void sim_record_release(struct sim_record *r);
void sim_record_call(struct sim *s, const struct sim_exchange *x, const struct sim_route *r,
		     int status);

/* --- sim_fault.c ------------------------------------------------------------------------------ */
/* What hits this call; counts it when it matches. */
enum sim_fault sim_fault_next(struct sim *s, const char *service, const char *operation);
void sim_fault_crash(struct sim *s);
/* Write the answer of a fault that answers (500, throttled, expired token, garbage). */
void sim_fault_answer(const struct sim_exchange *x, const struct sim_route *r, enum sim_fault f);

/* --- sim_stale.c: reads that show what was --------------------------------------------------- */
/* Answer this read as it was answered before, if that is to be. */
bool sim_stale_answer(struct sim *s, const struct sim_exchange *x, const struct sim_route *r);
void sim_stale_remember(struct sim *s, const struct sim_exchange *x, const struct sim_route *r);
void sim_stale_release(struct sim *s);

/* --- sim_iam.c: which rights a call needs; before it changes anything ------------------------- */
void sim_iam_note(struct sim *s, const struct sim_exchange *x, const struct sim_route *r);
void sim_iam_release(struct sim *s);

/* --- sim_verify.c ----------------------------------------------------------------------------- */
/* True when the request may go on; otherwise the refusal has been written. */
bool sim_verify(struct sim *s, const struct sim_exchange *x, const struct sim_route *r);
/* Refusals that faults write too. */
void sim_refuse_expired(const struct sim_exchange *x, enum sim_wire wire);

/* --- sim_transport.c -------------------------------------------------------------------------- */
void sim_transport_init(struct sim *s);

/* --- sim_control.c ---------------------------------------------------------------------------- */
/* Split a line into words; "..." keeps spaces and knows \n \t \" \\. */
int sim_words_parse(struct arena *a, struct str line, struct sim_words *w,
		    struct err *err) MUST_CHECK;
const struct sim_service *sim_service_at(size_t i); /* NULL past the end */

#endif
