#include "aws/core/rng.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* SplitMix64 (Steele, Lea, Flood, 2014): small, fast, and every seed is a good one. */
static uint64_t splitmix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void seeded_fill(struct rng *r, void *out, size_t n)
{
	struct rng_seeded *s = (struct rng_seeded *)r;
	unsigned char *p = out;

	while (n > 0) {
		uint64_t v = splitmix(&s->state);
		size_t m = n < sizeof(v) ? n : sizeof(v);

		memcpy(p, &v, m);
		p += m;
		n -= m;
	}
}

void rng_seeded_init(struct rng_seeded *r, uint64_t seed)
{
	*r = (struct rng_seeded){.rng = {.fill = seeded_fill}, .state = seed};
}

uint64_t rng_u64(struct rng *r)
{
	uint64_t v;

	r->fill(r, &v, sizeof(v));
	return v;
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
	uint64_t biased, v;

	assert(n > 0);
	biased = -n % n; /* 2^64 mod n: values under it would come up once too often */
	do
		v = rng_u64(r);
	while (v < biased);
	return v % n;
}

double rng_unit(struct rng *r)
{
	return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

void rng_uuid(struct rng *r, char out[RNG_UUID_SIZE])
{
	uint8_t b[16];

	r->fill(r, b, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(out, RNG_UUID_SIZE,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		 b[15]);
}
