#include "tests/sim/sim_ecs.h"

/*
 * A blue/green, canary or linear deployment of the simulated ECS, stage by stage. ECS writes the
 * weights of the listener rules by itself, from what it believes serves: it never reads the rule,
 * so what a person did to it is overwritten by the next shift. Source: target-services reference,
 * section 9.4; the stages before each step of production traffic recur for canary and linear.
 */

#define MINUTE_MS INT64_C(60000)

void sim_ecs_stage_enter(struct sim *s, struct sim_ecs_deployment *d, enum sim_ecs_stage stage)
{
	d->stage = stage;
	d->stage_since = sim_now(s);
	d->entered = d->hooks_begun = false;
	if (!sim_ecs_is_rolling_back(d)) /* else the hook that led to it is still told */
		d->n_hooks = 0;
}

/* --- traffic ------------------------------------------------------------------------------- */

/* Shares in tenths of a percent where needed; a weight goes up to 999. */
static bool weigh(struct sim *s, struct str rule, struct str serving, struct str next,
		  double percent)
{
	int64_t tenths = (int64_t)(percent * 10 + 0.5);
	bool whole = tenths % 10 == 0;
	int64_t share = whole ? tenths / 10 : tenths, rest = (whole ? 100 : 1000) - share;
	return sim_elbv2_rule_weights(s, rule, serving, rest, next, share);
}

/* The group that is not the target revision's. */
static struct str other_group(const struct sim_ecs_route *r, const char *group)
{
	return str_is(r->group, group) ? r->alternate : r->group;
}

bool sim_ecs_shift(struct sim *s, struct sim_ecs_service *v, struct sim_ecs_deployment *d,
		   double percent)
{
	struct sim_ecs_route r = sim_ecs_route_of(d->target->member[SIM_ECS_LOAD_BALANCERS]);
	(void)v;
	d->weight = percent;
	if (!r.rule.n || !d->target->group)
		return true; /* nothing to shift */
	return weigh(s, r.rule, other_group(&r, d->target->group), str_from(d->target->group),
		     percent);
}

static bool shift_test(struct sim *s, struct sim_ecs_deployment *d, double percent)
{
	struct sim_ecs_route r = sim_ecs_route_of(d->target->member[SIM_ECS_LOAD_BALANCERS]);
	d->test_weight = percent;
	if (!r.test_rule.n || !d->target->group)
		return true;
	return weigh(s, r.test_rule, other_group(&r, d->target->group), str_from(d->target->group),
		     percent);
}

/* The candidate's group is health-checked only when a rule refers to it. */
static bool refer(struct sim *s, struct sim_ecs_service *v, struct sim_ecs_deployment *d)
{
	if (!d->target->group || sim_elbv2_group_used(s, str_from(d->target->group)))
		return true;
	return sim_ecs_shift(s, v, d, 0);
}

/* How long a shift takes until ECS counts it as done. */
static int64_t shift_ms(struct sim *s, const struct sim_ecs_state *e,
			const struct sim_ecs_deployment *d)
{
	struct sim_ecs_route r = sim_ecs_route_of(d->target->member[SIM_ECS_LOAD_BALANCERS]);
	struct sim_rule_view view;
	bool network = r.rule.n && sim_elbv2_rule_view(s, r.rule, &view) && view.network;
	return e->shift_ms + (network ? e->network_shift_ms : 0);
}

/* --- steps of production traffic ----------------------------------------------------------- */

static double next_weight(const struct sim_ecs_deployment *d)
{
	double next = 100;
	if (d->config.strategy == SIM_ECS_CANARY && d->weight == 0)
		next = d->config.canary_percent;
	if (d->config.strategy == SIM_ECS_LINEAR)
		next = d->weight + d->config.step_percent;
	return next > 100 ? 100 : next;
}

/* After the last step there is the bake of the whole. */
static int64_t step_bake_ms(const struct sim_ecs_deployment *d)
{
	if (d->weight >= 100)
		return 0;
	return MINUTE_MS * (d->config.strategy == SIM_ECS_CANARY ? d->config.canary_bake_min
								 : d->config.step_bake_min);
}

/* --- forwards ------------------------------------------------------------------------------ */

/* What a stage does when it begins. False: it cannot be done. */
static bool begin(struct sim *s, struct sim_ecs_service *v, struct sim_ecs_deployment *d)
{
	switch (d->stage) {
	case SIM_ECS_RECONCILE:
		d->other->desired = 0;
		d->source->desired = v->desired;
		return sim_ecs_shift(s, v, d, 0) && shift_test(s, d, 0);
	case SIM_ECS_PRE_SCALE_UP:
		return refer(s, v, d);
	case SIM_ECS_SCALE_UP:
		d->target->desired = v->desired;
		return true;
	case SIM_ECS_TEST_SHIFT:
		return shift_test(s, d, 100);
	case SIM_ECS_SHIFT:
		return sim_ecs_shift(s, v, d, next_weight(d));
	case SIM_ECS_CLEAN_UP:
		d->source->desired = 0;
		return true;
	case SIM_ECS_POST_SCALE_UP:
	case SIM_ECS_POST_TEST_SHIFT:
	case SIM_ECS_PRE_SHIFT:
	case SIM_ECS_POST_SHIFT:
	case SIM_ECS_BAKE:
	case SIM_ECS_STAGES:
		break;
	}
	return true;
}

/* Has the stage done what it is for? */
static bool is_done(struct sim *s, struct sim_ecs_state *e, const struct sim_ecs_service *v,
		    const struct sim_ecs_deployment *d)
{
	int64_t age = sim_now(s).ms - d->stage_since.ms;
	switch (d->stage) {
	case SIM_ECS_RECONCILE:
		return age >= shift_ms(s, e, d) && !sim_ecs_count(s, e, v, d->other).left;
	case SIM_ECS_SCALE_UP:
		return sim_ecs_count(s, e, v, d->target).healthy >= v->desired;
	case SIM_ECS_TEST_SHIFT:
		return age >= shift_ms(s, e, d);
	case SIM_ECS_SHIFT:
		return age >= shift_ms(s, e, d) + step_bake_ms(d);
	case SIM_ECS_BAKE:
		return age >= MINUTE_MS * (d->config.bake_min > 0 ? d->config.bake_min : 0);
	case SIM_ECS_CLEAN_UP:
		return !sim_ecs_count(s, e, v, d->source).left;
	case SIM_ECS_PRE_SCALE_UP:
	case SIM_ECS_POST_SCALE_UP:
	case SIM_ECS_POST_TEST_SHIFT:
	case SIM_ECS_PRE_SHIFT:
	case SIM_ECS_POST_SHIFT:
	case SIM_ECS_STAGES:
		break;
	}
	return age >= e->stage_ms;
}

void sim_ecs_stage_step(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_service *v,
			struct sim_ecs_deployment *d)
{
	enum sim_ecs_hooks_are hooks = sim_ecs_hooks(s, e, d);
	if (hooks == SIM_ECS_HOOKS_FAILED) {
		sim_ecs_roll_back(s, v, d,
				  "Service deployment rolled back because a lifecycle hook timed "
				  "out.");
		return;
	}
	if (hooks == SIM_ECS_HOOKS_WAIT)
		return;
	if (!d->entered) {
		d->entered = true;
		d->stage_since = sim_now(s); /* hooks took their time */
		if (!begin(s, v, d)) {
			sim_ecs_roll_back(s, v, d,
					  "Service deployment rolled back because the listener "
					  "rule could not be changed.");
			return;
		}
	}
	if (!is_done(s, e, v, d))
		return;
	if (d->stage == SIM_ECS_CLEAN_UP)
		sim_ecs_complete(s, e, v, d);
	else if (d->stage == SIM_ECS_SHIFT && d->weight < 100)
		sim_ecs_stage_enter(s, d, SIM_ECS_PRE_SHIFT);
	else
		sim_ecs_stage_enter(s, d, (enum sim_ecs_stage)(d->stage + 1));
}

/* --- and back ------------------------------------------------------------------------------ */

static void back_done(struct sim *s, struct sim_ecs_service *v, struct sim_ecs_deployment *d,
		      enum sim_ecs_status status)
{
	d->status = status;
	d->finished = sim_now(s);
	v->completed = d->source;
	d->source->rollout_state = "COMPLETED";
}

/* Production traffic goes back when the baseline is all there. */
static void back_shift(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_service *v,
		       struct sim_ecs_deployment *d)
{
	if (!d->entered) {
		if (sim_ecs_count(s, e, v, d->source).healthy < v->desired)
			return;
		d->entered = true;
		d->stage_since = sim_now(s);
		if (!sim_ecs_shift(s, v, d, 0)) {
			back_done(s, v, d, SIM_ECS_ROLLBACK_FAILED);
			return;
		}
	}
	if (sim_now(s).ms - d->stage_since.ms >= shift_ms(s, e, d))
		sim_ecs_stage_enter(s, d, SIM_ECS_TEST_SHIFT);
}

static void back_test_shift(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_service *v,
			    struct sim_ecs_deployment *d)
{
	if (!d->entered && !shift_test(s, d, 0)) {
		back_done(s, v, d, SIM_ECS_ROLLBACK_FAILED);
		return;
	}
	d->entered = true;
	if (sim_now(s).ms - d->stage_since.ms >= e->shift_ms)
		sim_ecs_stage_enter(s, d, SIM_ECS_CLEAN_UP);
}

/* Production traffic first, then test traffic, then the tasks. */
void sim_ecs_stage_back(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_service *v,
			struct sim_ecs_deployment *d)
{
	if (d->stage == SIM_ECS_SHIFT) {
		back_shift(s, e, v, d);
		return;
	}
	if (d->stage == SIM_ECS_TEST_SHIFT) {
		back_test_shift(s, e, v, d);
		return;
	}
	d->target->desired = 0;
	if (d->other)
		d->other->desired = 0;
	if (!sim_ecs_count(s, e, v, d->target).left)
		back_done(s, v, d, SIM_ECS_ROLLBACK_SUCCESSFUL);
}
