#ifndef TESTS_SIM_SIM_TRAFFIC_H
#define TESTS_SIM_SIM_TRAFFIC_H

#include "tests/sim/sim_internal.h"

/*
 * The traffic model: how many requests arrive, which version gets them, how they end. Pure but for
 * the generator handed in; the services turn the results into metrics.
 */

enum sim_smoke {
	SIM_SMOKE_RANDOM, /* fails as often as production requests do */
	SIM_SMOKE_OK,
	SIM_SMOKE_FAIL,	   /* the function raises an error */
	SIM_SMOKE_TIMEOUT, /* the function runs into its time limit */
	SIM_SMOKE_THROTTLE /* 429 TooManyRequestsException */
};

/* What one version of the code does. */
struct sim_behaviour {
	double errors;	   /* share of requests that fail, 0 to 1 */
	double latency_ms; /* median; the spread around it is lognormal */
	enum sim_smoke smoke;
	bool never_starts; /* state=Failed */
	bool unhealthy;	   /* health=unhealthy: fails its load balancer's health checks */
	char reply[256];   /* what a synchronous invocation answers; "" for the default */
};

/* errors=, latency_ms=, smoke=, state=, health=, reply=. -1: not one of these, or a bad value. */
int sim_behaviour_set(struct sim_behaviour *b, struct str key, struct str value,
		      struct err *err) MUST_CHECK;
/* Every such word of a control line; other words are left to the caller. */
int sim_behaviour_words(struct sim_behaviour *b, const struct sim_words *w,
			struct err *err) MUST_CHECK;

/*
 * Apply every line "sim: errors=0.3 smoke=fail" found in the text, or, when bytes are a zip file,
 * in any of its entries. Unknown words are skipped: the text is a user's source code.
 */
void sim_behaviour_code(struct sim_behaviour *b, struct str bytes);

/* sim_unzip.c: call fn with each entry's content. -1 when this is no zip file or a damaged one. */
int sim_zip_each(struct str bytes, void (*fn)(void *arg, struct str name, struct str content),
		 void *arg, struct err *err) MUST_CHECK;

/* Requests that arrive in dt_ms at this rate; what is left of a request is kept in carry. */
uint64_t sim_traffic_arrivals(double *carry, double rps, int64_t dt_ms);
/* How many of n independent trials with probability p succeed. */
uint64_t sim_traffic_binomial(struct rng *r, uint64_t n, double p);
/* Divide n requests by weight. False when all weights are 0: nobody serves them. */
bool sim_traffic_divide(struct rng *r, uint64_t n, const double *weights, size_t k, uint64_t *out);
/* A factor near 1 by which latency differs from one step to the next. */
double sim_traffic_jitter(struct rng *r);

#endif
