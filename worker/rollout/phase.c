#include "worker/rollout/phase.h"

#include <assert.h>

/* Everything about a phase that is data: read off the one list in the header. */
static const struct {
	const char *name;
	unsigned to;
	int64_t limit_s;
} TABLE[PHASE_COUNT] = {
#define X(name, to, limit) [PHASE_##name] = {#name, to, limit},
	PHASES(X)
#undef X
};

const char *phase_name(enum phase p)
{
	assert((unsigned)p < PHASE_COUNT);
	return TABLE[p].name;
}

bool phase_parse(struct str s, enum phase *out)
{
	for (unsigned p = 0; p < PHASE_COUNT; p++) {
		if (str_is(s, TABLE[p].name)) {
			*out = (enum phase)p;
			return true;
		}
	}
	return false;
}

bool phase_may_go(enum phase from, enum phase to)
{
	assert((unsigned)from < PHASE_COUNT && (unsigned)to < PHASE_COUNT);
	return (TABLE[from].to >> to & 1) != 0;
}

int64_t phase_limit_ms(enum phase p)
{
	assert((unsigned)p < PHASE_COUNT);
	return TABLE[p].limit_s * 1000;
}

void phase_dot(struct buf *out)
{
	buf_adds(out, "digraph rollout {\n");
	for (unsigned p = 0; p < PHASE_COUNT; p++)
		if (phase_is_final((enum phase)p))
			buf_addf(out, "\t%s [shape=doublecircle];\n", TABLE[p].name);
	for (unsigned from = 0; from < PHASE_COUNT; from++)
		for (unsigned to = 0; to < PHASE_COUNT; to++)
			if (phase_may_go((enum phase)from, (enum phase)to))
				buf_addf(out, "\t%s -> %s;\n", TABLE[from].name, TABLE[to].name);
	buf_adds(out, "}\n");
}
