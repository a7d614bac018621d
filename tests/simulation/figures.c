
#include "tests/simulation/figures.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aws/core/mem.h"

enum reaction { REACTION_CALM, REACTION_CALM_SLOW, REACTION_STORM, REACTION_SORTS };

struct samples {
	int64_t *ms;
	size_t n, cap;
};

struct figures {
	uint64_t runs, calm, pipes, calls;
	int64_t virtual_ms;
	uint64_t kinds[SITE_KINDS][RUN_ENDS];
	uint64_t checks[INVARIANT_COUNT], faults[FAULT_SORTS];
	int most_calls;
	struct samples reactions[REACTION_SORTS];
};

struct figures *figures_new(void)
{
	return xcalloc(1, sizeof(struct figures));
}

void figures_free(struct figures *f)
{
	for (int i = 0; i < REACTION_SORTS; i++)
		free(f->reactions[i].ms);
	free(f);
}

static void add_sample(struct samples *s, int64_t ms)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 256;
		s->ms = xrealloc(s->ms, s->cap * sizeof(*s->ms));
	}
	s->ms[s->n++] = ms;
}

void figures_add(struct figures *f, const struct run_result *r)
{
	f->runs++;
	f->calm += r->calm;
	f->calls += r->calls;
	f->virtual_ms += r->virtual_ms;
	if (r->most_calls > f->most_calls)
		f->most_calls = r->most_calls;
	for (int i = 0; i < r->n_pipes; i++) {
		f->pipes++;
		f->kinds[r->pipes[i].kind][r->pipes[i].end]++;
	}
	for (int i = 0; i < INVARIANT_COUNT; i++)
		f->checks[i] += r->checks[i];
	for (int i = 0; i < FAULT_SORTS; i++)
		f->faults[i] += r->faults[i];
	for (int i = 0; i < r->n_reactions; i++)
		add_sample(&f->reactions[!r->calm	       ? REACTION_STORM
					 : r->reaction_slow[i] ? REACTION_CALM_SLOW
							       : REACTION_CALM],
			   r->reactions_ms[i]);
}

static int in_order(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void print_reactions(struct samples *s, const char *what)
{
	if (s->n == 0)
		return;
	qsort(s->ms, s->n, sizeof(*s->ms), in_order);
	printf("#   %-44s %7zu: median %.0f s, p99 %.0f s, max %.0f s\n", what, s->n,
	       (double)s->ms[s->n / 2] / 1000, (double)s->ms[s->n * 99 / 100] / 1000,
	       (double)s->ms[s->n - 1] / 1000);
}

void figures_print(struct figures *f, double seconds)
{
	printf("# %" PRIu64 " runs (%" PRIu64 " of them calm), %" PRIu64 " pipelines, %" PRIu64
	       " calls, %.0f virtual hours, %.1f runs a second, %.1f ms a run\n",
	       f->runs, f->calm, f->pipes, f->calls, (double)f->virtual_ms / 3600000,
	       seconds > 0 ? (double)f->runs / seconds : 0,
	       f->runs ? 1000 * seconds / (double)f->runs : 0);
	printf("# pipelines by target: succeeded, failed, stopped, other\n");
	for (int k = 0; k < SITE_KINDS; k++)
		printf("#   %-44s %7" PRIu64 " %7" PRIu64 " %7" PRIu64 " %7" PRIu64 "\n",
		       site_traits((enum site_kind)k)->name, f->kinds[k][RUN_SUCCEEDED],
		       f->kinds[k][RUN_FAILED], f->kinds[k][RUN_STOPPED], f->kinds[k][RUN_OTHER]);
	printf("# faults that struck\n");
	for (int i = 0; i < FAULT_SORTS; i++)
		printf("#   %-44s %7" PRIu64 "\n", fault_sort_name((enum fault_sort)i),
		       f->faults[i]);
	printf("# invariants checked\n");
	for (int i = 0; i < INVARIANT_COUNT; i++)
		printf("#   %-12s %10" PRIu64 "  %s\n", invariant_name((enum invariant)i),
		       f->checks[i], invariant_text((enum invariant)i));
	printf("# from a red alarm until the baseline has everything\n");
	print_reactions(&f->reactions[REACTION_CALM], "calm, by weights");
	print_reactions(&f->reactions[REACTION_CALM_SLOW], "calm, moved by the service itself");
	print_reactions(&f->reactions[REACTION_STORM], "with faults");
	printf("# most calls of a worker in a minute: %d\n", f->most_calls);
}
