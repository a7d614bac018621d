#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene_auto_scaling.h"

int asg_healthy(struct world *w, const char *name, const char *side)
{
	int n = 0;

	json_each(t, json_get(world_ask(w, "elbv2 show %s-%s", name, side), "targets")) {
		n += str_is(json_text(json_get(t, "state")), "healthy");
	}
	return n;
}

/* Instances first, traffic then; on the way down nobody waits. */
static void watch(struct world *w, void *arg)
{
	struct asg_look *l = arg;
	const struct sim_split *splits;
	size_t n = sim_split_log(w->sim, &splits);

	for (; l->n_splits < n; l->n_splits++) {
		const struct sim_split *s = &splits[l->n_splits];
		double need = WORLD_ASG_SIZE * s->weight / 100;

		if (!strstr(s->candidate, "-green/"))
			continue;
		if (s->weight > l->share + 0.01) {
			if (asg_healthy(w, l->g->name, "green") < need)
				fail_msg("%g %% for %d healthy instances", s->weight,
					 asg_healthy(w, l->g->name, "green"));
			if (s->weight < 100 && asg_healthy(w, l->g->name, "blue") < WORLD_ASG_SIZE)
				fail_msg("the baseline has %d healthy instances at %g %%",
					 asg_healthy(w, l->g->name, "blue"), s->weight);
			l->rises++;
		}
		l->share = s->weight;
	}
}

void asg_begin(struct world *w, struct asg_look *l, const struct world_asg *g)
{
	world_auto_scaling(w, g);
	*l = (struct asg_look){.g = g};
	w->watch = watch;
	w->watch_arg = l;
}

int64_t asg_shown(struct world *w, const char *group, const char *member)
{
	int64_t n = -1;

	(void)json_i64(world_asg_show(w, group, member), &n);
	return n;
}

static const char *asg_candidate(struct world *w, const struct world_asg *g)
{
	return g->twin ? arena_printf(w->arena, "%s-2", g->name) : world_asg_copy(w, g->name);
}

void asg_expect_serves(struct world *w, const char *group)
{
	const struct json *suspended = world_asg_show(w, group, "suspended");

	assert_int_equal(asg_shown(w, group, "inService"), WORLD_ASG_SIZE);
	assert_int_equal(asg_shown(w, group, "desired"), WORLD_ASG_SIZE);
	assert_int_equal(asg_shown(w, group, "min"), 2);
	assert_int_equal(asg_shown(w, group, "max"), 8);
	assert_int_equal(suspended->n, 1); /* as it was before */
	assert_true(str_is(json_text(suspended->first), "AZRebalance"));
}

void asg_expect_promoted(struct world *w, const struct world_asg *g)
{
	struct world_live l = world_auto_scaling_live(w, g->name);

	assert_true(l.is_one);
	assert_true(l.candidate > 99.9);
	assert_non_null(asg_candidate(w, g));
	asg_expect_serves(w, asg_candidate(w, g));
}

void asg_expect_as_before(struct world *w, const struct world_asg *g, const char *before)
{
	struct world_live l = world_auto_scaling_live(w, g->name);
	const char *now = world_auto_scaling_belongings(w);

	assert_true(l.is_one);
	assert_true(l.candidate < 0.1);
	if (strcmp(now, before) != 0)
		fail_msg("it was\n%sand is\n%s", before, now);
}
