
#include "tests/simulation/script.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define MINUTE_MS 60000ll

static const struct {
	const char *name;
	double most;
} sorts[FAULT_SORTS] = {
#define X(name, text, most) [FAULT_##name] = {text, most},
	FAULTS(X)
#undef X
};

const char *fault_sort_name(enum fault_sort f)
{
	return (unsigned)f < FAULT_SORTS ? sorts[f].name : "unknown";
}

bool script_is_on(const struct script *s, enum fault_sort f)
{
	return s->rate[f] > 0;
}

static bool chance(struct rng *r, double p)
{
	return rng_unit(r) < p;
}

/* --- targets and releases ------------------------------------------------------------------- */

static enum site_kind draw_kind(struct rng *r)
{
	unsigned total = 0, at;

	for (int k = 0; k < SITE_KINDS; k++)
		total += site_traits((enum site_kind)k)->weight;
	at = (unsigned)rng_below(r, total);
	for (int k = 0; k < SITE_KINDS; k++) {
		if (at < site_traits((enum site_kind)k)->weight)
			return (enum site_kind)k;
		at -= site_traits((enum site_kind)k)->weight;
	}
	return SITE_LAMBDA;
}

static void canary(struct script_pipe *p, enum site_kind k, struct rng *r)
{
	static const int firsts[] = {5, 10, 20}, seconds[] = {25, 40, 50};
	int watch = 2 + (int)rng_below(r, 2), bake = 2 + (int)rng_below(r, 2);
	bool one = chance(r, 0.4) || k == SITE_BEANSTALK_SPLITTING || k == SITE_ECS_NATIVE;

	p->first = firsts[rng_below(r, 3)];
	p->second = one ? 100 : seconds[rng_below(r, 3)];
	if (k == SITE_LAMBDA_SEGMENTS || k == SITE_LOAD_BALANCER_SEGMENTS)
		snprintf(p->strategy, sizeof(p->strategy), "canary @staff %dm, %g%% %dm bake %dm",
			 watch, p->first, watch, bake);
	else if (one)
		snprintf(p->strategy, sizeof(p->strategy), "canary %g%% %dm bake %dm", p->first,
			 watch, bake);
	else
		snprintf(p->strategy, sizeof(p->strategy), "canary %g%% %dm, %g%% %dm bake %dm",
			 p->first, watch, p->second, watch, bake);
}

static void draw_strategy(struct script_pipe *p, enum site_kind k, struct rng *r)
{
	const struct site_traits *t = site_traits(k);
	double u = rng_unit(r);

	p->first = p->second = 100;
	if (t->canary && (u < 0.5 || !t->linear)) {
		canary(p, k, r);
	} else if (t->linear && u < 0.75) {
		p->first = chance(r, 0.5) ? 40 : 50;
		p->second = p->first * 2 < 100 ? p->first * 2 : 100;
		snprintf(p->strategy, sizeof(p->strategy), "linear %g%% every 2m bake 2m",
			 p->first);
	} else {
		snprintf(p->strategy, sizeof(p->strategy), "blue-green bake %dm",
			 2 + (int)rng_below(r, 3));
	}
}

static void draw_pipe(struct script *s, int i, int site, struct rng *r)
{
	struct script_pipe *p = &s->pipes[i];
	const struct site_traits *t = site_traits(s->sites[site].kind);

	*p = (struct script_pipe){.site = site};
	snprintf(p->name, sizeof(p->name), "p%d", i);
	draw_strategy(p, s->sites[site].kind, r);
	if (chance(r, 0.45))
		p->goodness = (enum goodness)(1 + rng_below(r, t->turns_bad ? 3 : 1));
	if (t->people && chance(r, 0.25))
		p->shape = (enum shape)(1 + rng_below(r, SHAPE_COUNT - 1));
	p->metric = t->people && chance(r, 0.2);
	p->health = !t->people ? chance(r, 0.3) : false;
	p->short_hold = chance(r, 0.3);
	p->push_ms = i ? (int64_t)rng_below(r, 4 * MINUTE_MS) : 0;
	p->approve_ms = MINUTE_MS / 2 + (int64_t)rng_below(r, 6 * MINUTE_MS);
}

static void draw_pipes(struct script *s, struct rng *r)
{
	s->n_sites = 1 + (chance(r, 0.35) ? 1 : 0) + (chance(r, 0.1) ? 1 : 0);
	s->n_pipes = 0;
	for (int i = 0; i < s->n_sites; i++) {
		s->sites[i].kind = draw_kind(r);
		snprintf(s->sites[i].name, sizeof(s->sites[i].name), "s%d", i);
		draw_pipe(s, s->n_pipes++, i, r);
	}
	/* another one for a target that has one */
	if (chance(r, 0.15)) {
		draw_pipe(s, s->n_pipes, 0, r);
		s->pipes[s->n_pipes].goodness = s->pipes[0].goodness;
		if (chance(r, 0.5)) /* long after the first, when that should be over */
			s->pipes[s->n_pipes].push_ms = (15 + (int64_t)rng_below(r, 20)) * MINUTE_MS;
		s->n_pipes++;
	}
}

/* --- faults --------------------------------------------------------------------------------- */

/* Between a thirtieth of what it may be at most, and that: as many weak ones as strong ones. */
static double draw_rate(double most, struct rng *r)
{
	return most >= 1 ? 1 : most * pow(10, -1.5 * rng_unit(r));
}

static void draw_faults(struct script *s, struct rng *r)
{
	double share = 0.1 + 0.4 * rng_unit(r);

	s->calm = chance(r, 0.2);
	for (int f = 0; f < FAULT_SORTS && !s->calm; f++)
		if (chance(r, share))
			s->rate[f] = draw_rate(sorts[f].most, r);
	for (int i = 0; i < 3 && script_is_on(s, FAULT_CLOCK); i++)
		s->skew_ms[i] = (int64_t)rng_below(r, 120000) - 60000;
}

void script_draw(struct script *s, uint64_t seed)
{
	struct rng_seeded seeded;
	struct rng *r = &seeded.rng;

	rng_seeded_init(&seeded, seed ^ UINT64_C(0x9e3779b97f4a7c15));
	*s = (struct script){.seed = seed};
	s->n_workers = 1 + chance(r, 0.5) + chance(r, 0.25);
	draw_pipes(s, r);
	draw_faults(s, r);
	s->yields = chance(r, 0.5) ? 0.5 * rng_unit(r) : 0;
	s->clears_ms = (20 + (int64_t)rng_below(r, 50)) * MINUTE_MS;
	s->signatures = chance(r, 0.1);
	s->debug = chance(r, 0.1);
	s->tick_ms = chance(r, 0.2) ? 10000 : chance(r, 0.6) ? 20000 : 30000;
	s->poll_ms = chance(r, 0.4) ? 15000 : 30000;
	s->hold_ms = chance(r, 0.7) ? 60000 : 20000;
}

void script_print(const struct script *s, FILE *to)
{
	static const char *const goodness[] = {"good", "bad", "bad from its second step on",
					       "bad in its bake"};
	static const char *const shapes[] = {"deploy", "start and promote", "start and reject",
					     "start and roll back"};

	fprintf(to, "seed %" PRIu64 ": %d workers, tick %" PRId64 " s, hold %" PRId64 " s%s\n",
		s->seed, s->n_workers, s->tick_ms / 1000, s->hold_ms / 1000,
		s->calm ? ", calm" : "");
	for (int i = 0; i < s->n_pipes; i++) {
		const struct script_pipe *p = &s->pipes[i];
		const struct site *site = &s->sites[p->site];

		fprintf(to, "  %s to %s (%s): %s, %s, %s, pushed after %" PRId64 " s\n", p->name,
			site->name, site_traits(site->kind)->name, shapes[p->shape], p->strategy,
			goodness[p->goodness], p->push_ms / 1000);
	}
	for (int f = 0; f < FAULT_SORTS; f++)
		if (s->rate[f] > 0)
			fprintf(to, "  %s: %.4f\n", sorts[f].name, s->rate[f]);
}
