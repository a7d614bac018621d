#ifndef AWS_CORE_RNG_H
#define AWS_CORE_RNG_H

#include <stddef.h>
#include <stdint.h>

/*
 * The randomness seam: one of the three. Jitter, ids and invocation ids come from here, so that a
 * seed replays a run.
 */
struct rng {
	void (*fill)(struct rng *r, void *out, size_t n);
};

struct rng *rng_system(void); /* from the TLS library's generator; a singleton, thread-safe */

/* A generator that a seed decides wholly (SplitMix64). Not for secrets. Not thread-safe. */
struct rng_seeded {
	struct rng rng;
	uint64_t state;
};
void rng_seeded_init(struct rng_seeded *r, uint64_t seed);

uint64_t rng_u64(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); /* uniform in [0, n); n > 0 */
double rng_unit(struct rng *r);		       /* uniform in [0, 1) */

#define RNG_UUID_SIZE 37
void rng_uuid(struct rng *r, char out[RNG_UUID_SIZE]); /* version 4, RFC 9562 */

#endif
