#ifndef TESTS_SCENARIOS_ASG_SCENE_H
#define TESTS_SCENARIOS_ASG_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"
#include "tests/scenarios/world_auto_scaling.h"

/*
 * What the scenarios of Auto Scaling groups share. Whatever goes wrong, afterwards everything is
 * what it was; and no share of the traffic comes before the instances to carry it.
 */
#define CANARY "canary 10% 5m, 50% 5m bake 5m"

/* What one test looks at while time goes by. */
struct look {
	const struct world_asg *g;
	size_t n_splits;
	double share;
	unsigned rises; /* of the candidate's share */
};

static inline int healthy(struct world *w, const char *name, const char *side)
{
	int n = 0;

	json_each(t, json_get(world_ask(w, "elbv2 show %s-%s", name, side), "targets")) {
		n += str_is(json_text(json_get(t, "state")), "healthy");
	}
	return n;
}

/* Instances first, traffic then; on the way down nobody waits. */
static inline void watch(struct world *w, void *arg)
{
	struct look *l = arg;
	const struct sim_split *splits;
	size_t n = sim_split_log(w->sim, &splits);

	for (; l->n_splits < n; l->n_splits++) {
		const struct sim_split *s = &splits[l->n_splits];
		double need = WORLD_ASG_SIZE * s->weight / 100;

		if (!strstr(s->candidate, "-green/"))
			continue;
		if (s->weight > l->share + 0.01) {
			if (healthy(w, l->g->name, "green") < need)
				fail_msg("%g %% for %d healthy instances", s->weight,
					 healthy(w, l->g->name, "green"));
			if (s->weight < 100 && healthy(w, l->g->name, "blue") < WORLD_ASG_SIZE)
				fail_msg("the baseline has %d healthy instances at %g %%",
					 healthy(w, l->g->name, "blue"), s->weight);
			l->rises++;
		}
		l->share = s->weight;
	}
}

/* A world with this shop, watched. */
static inline void begin(struct world *w, struct look *l, const struct world_asg *g)
{
	world_auto_scaling(w, g);
	*l = (struct look){.g = g};
	l->n_splits = 0;
	w->watch = watch;
	w->watch_arg = l;
}

static inline int64_t shown(struct world *w, const char *group, const char *member)
{
	int64_t n = -1;

	(void)json_i64(world_asg_show(w, group, member), &n);
	return n;
}

static inline const char *candidate_of(struct world *w, const struct world_asg *g)
{
	return g->twin ? arena_printf(w->arena, "%s-2", g->name) : world_asg_copy(w, g->name);
}

/* The group serves in full, and like the baseline did: sizes, processes. */
static inline void expect_serves(struct world *w, const char *group)
{
	const struct json *suspended = world_asg_show(w, group, "suspended");

	assert_int_equal(shown(w, group, "inService"), WORLD_ASG_SIZE);
	assert_int_equal(shown(w, group, "desired"), WORLD_ASG_SIZE);
	assert_int_equal(shown(w, group, "min"), 2);
	assert_int_equal(shown(w, group, "max"), 8);
	assert_int_equal(suspended->n, 1); /* as it was before */
	assert_true(str_is(json_text(suspended->first), "AZRebalance"));
}

static inline void expect_promoted(struct world *w, const struct world_asg *g)
{
	struct world_live l = world_auto_scaling_live(w, g->name);

	assert_true(l.is_one);
	assert_true(l.candidate > 99.9);
	assert_non_null(candidate_of(w, g));
	expect_serves(w, candidate_of(w, g));
}

static inline void expect_as_before(struct world *w, const struct world_asg *g, const char *before)
{
	struct world_live l = world_auto_scaling_live(w, g->name);
	const char *now = world_auto_scaling_belongings(w);

	assert_true(l.is_one);
	assert_true(l.candidate < 0.1);
	if (strcmp(now, before) != 0)
		fail_msg("it was\n%sand is\n%s", before, now);
}

static const struct world_asg plain = {.name = "shop", .strategy = CANARY};

#define T(name) cmocka_unit_test_setup_teardown(name, scene_set_up, scene_tear_down)

#endif
