#include "tests/sim/sim_ecs.h"

/*
 * How a service of the simulated ECS is deployed: deploymentConfiguration with its limits, and load
 * balancers with the rules that ECS manages. Source: target-services reference, section 9.4.
 */

#define BAD "InvalidParameterException"

/* --- reading one member -------------------------------------------------------------------- */

static int take_i64(struct sim_ecs_call *c, const struct json *from, const char *name, int64_t min,
		    int64_t max, int64_t *out)
{
	const struct json *v = json_get(from, name);
	if (!v)
		return 0;
	if (!json_i64(v, out) || *out < min || *out > max)
		return sim_ecs_error(c, BAD, "%s must be between %lld and %lld", name,
				     (long long)min, (long long)max);
	return 0;
}

static int take_percent(struct sim_ecs_call *c, const struct json *from, const char *name,
			double min, double *out)
{
	const struct json *v = json_get(from, name);
	if (!v)
		return 0;
	if (!json_double(v, out) || *out < min || *out > 100)
		return sim_ecs_error(c, BAD, "%s must be between %.1f and 100.0", name, min);
	return 0;
}

static int take_strategy(struct sim_ecs_call *c, const struct json *given,
			 enum sim_ecs_controller controller, struct sim_ecs_config *config)
{
	struct str name = json_text(json_get(given, "strategy"));
	if (!name.n)
		return 0;
	for (int i = 0; i < SIM_ECS_STRATEGIES; i++) {
		if (!str_is(name, sim_ecs_strategy_name((enum sim_ecs_strategy)i)))
			continue;
		config->strategy = (enum sim_ecs_strategy)i;
		if (i != SIM_ECS_ROLLING && controller != SIM_ECS_NATIVE)
			return sim_ecs_error(c, BAD,
					     "deployment strategy " STR_FMT
					     " needs the deployment controller ECS",
					     STR_ARG(name));
		return 0;
	}
	return sim_ecs_error(c, BAD, "deployment strategy '" STR_FMT "' is unknown", STR_ARG(name));
}

static int take_shifts(struct sim_ecs_call *c, const struct json *given,
		       struct sim_ecs_config *config)
{
	const struct json *canary = json_get(given, "canaryConfiguration"),
			  *linear = json_get(given, "linearConfiguration");
	if (canary && config->strategy != SIM_ECS_CANARY)
		return sim_ecs_error(c, BAD, "canaryConfiguration needs the strategy CANARY");
	if (linear && config->strategy != SIM_ECS_LINEAR)
		return sim_ecs_error(c, BAD, "linearConfiguration needs the strategy LINEAR");
	if (take_percent(c, canary, "canaryPercent", 0.1, &config->canary_percent) ||
	    take_i64(c, canary, "canaryBakeTimeInMinutes", 0, 1440, &config->canary_bake_min) ||
	    take_percent(c, linear, "stepPercent", 3.0, &config->step_percent) ||
	    take_i64(c, linear, "stepBakeTimeInMinutes", 0, 1440, &config->step_bake_min))
		return -1;
	if (take_i64(c, given, "bakeTimeInMinutes", 0, 1440, &config->bake_min))
		return -1;
	if (config->bake_min > 0 && config->strategy == SIM_ECS_ROLLING)
		return sim_ecs_error(c, BAD, "bakeTimeInMinutes cannot be set for ROLLING");
	if (config->strategy == SIM_ECS_BLUE_GREEN && config->bake_min < 0)
		return sim_ecs_error(c, BAD, "bakeTimeInMinutes is required for BLUE_GREEN");
	return 0;
}

static int take_breaker(struct sim_ecs_call *c, struct sim_ecs_state *e, const struct json *breaker,
			struct sim_ecs_config *config)
{
	const struct json *threshold = json_get(breaker, "thresholdConfiguration");
	struct str type = json_text(json_get(threshold, "type"));
	if (!breaker)
		return 0;
	config->breaker = json_bool(json_get(breaker, "enable"), false);
	config->breaker_rollback = json_bool(json_get(breaker, "rollback"), false);
	config->breaker_reset = json_bool(json_get(breaker, "resetOnHealthyTask"), true);
	if (config->breaker && config->strategy != SIM_ECS_ROLLING)
		return sim_ecs_error(c, BAD,
				     "the deployment circuit breaker needs the strategy ROLLING");
	if (!threshold)
		return 0;
	if (!str_is(type, "COUNT") && !str_is(type, "BOUNDED_PERCENT") &&
	    !str_is(type, "UNBOUNDED_PERCENT"))
		return sim_ecs_error(c, BAD, "threshold type '" STR_FMT "' is unknown",
				     STR_ARG(type));
	config->threshold_type = str_dup(e->arena, type);
	return take_i64(c, threshold, "value", 1, 1000, &config->threshold_value);
}

/* --- hooks --------------------------------------------------------------------------------- */

static bool is_hook_stage(struct str name)
{
	for (int i = 0; i < SIM_ECS_STAGES; i++)
		if (str_is(name, sim_ecs_stage_name((enum sim_ecs_stage)i)))
			return i != SIM_ECS_SCALE_UP && i != SIM_ECS_BAKE && i != SIM_ECS_CLEAN_UP;
	return false;
}

static int check_stages(struct sim_ecs_call *c, const struct json *hook, bool pause)
{
	const struct json *stages = json_get(hook, "lifecycleStages");
	if (!stages || !stages->n)
		return sim_ecs_error(c, BAD, "a lifecycle hook needs lifecycleStages");
	json_each(stage, stages) {
		struct str name = json_text(stage);
		if (!is_hook_stage(name))
			return sim_ecs_error(c, BAD, "no hook is possible at stage '" STR_FMT "'",
					     STR_ARG(name));
		if (pause && (str_is(name, "TEST_TRAFFIC_SHIFT") ||
			      str_is(name, "PRODUCTION_TRAFFIC_SHIFT")))
			return sim_ecs_error(c, BAD, "a PAUSE hook cannot be at " STR_FMT,
					     STR_ARG(name));
	}
	return 0;
}

static int check_hook(struct sim_ecs_call *c, const struct json *hook)
{
	struct str type = json_text(json_get(hook, "targetType"));
	const struct json *timeout = json_get(hook, "timeoutConfiguration");
	struct str action = json_text(json_get(timeout, "action"));
	bool pause = str_is(type, "PAUSE");
	int64_t minutes = 0;
	if (type.n && !pause && !str_is(type, "AWS_LAMBDA"))
		return sim_ecs_error(c, BAD, "hook targetType '" STR_FMT "' is unknown",
				     STR_ARG(type));
	if (!pause && (!json_get(hook, "hookTargetArn") || !json_get(hook, "roleArn")))
		return sim_ecs_error(c, BAD, "a Lambda hook needs hookTargetArn and roleArn");
	if (action.n && !str_is(action, "ROLLBACK") && !str_is(action, "CONTINUE"))
		return sim_ecs_error(c, BAD, "timeout action '" STR_FMT "' is unknown",
				     STR_ARG(action));
	if (take_i64(c, timeout, "timeoutInMinutes", 1, 20160, &minutes))
		return -1;
	return check_stages(c, hook, pause);
}

static int take_hooks(struct sim_ecs_call *c, const struct json *hooks,
		      struct sim_ecs_config *config)
{
	if (!hooks)
		return 0;
	if (hooks->n && config->strategy == SIM_ECS_ROLLING)
		return sim_ecs_error(c, BAD, "lifecycleHooks cannot be used with ROLLING");
	if (hooks->n > SIM_ECS_HOOKS_MAX)
		return sim_ecs_error(c, BAD, "more than %d lifecycleHooks", SIM_ECS_HOOKS_MAX);
	json_each(hook, hooks) {
		if (check_hook(c, hook))
			return -1;
	}
	config->hooks = hooks->n ? sim_ecs_keep(c->e, hooks) : NULL;
	return 0;
}

/* --- the whole ----------------------------------------------------------------------------- */

int sim_ecs_config_take(struct sim_ecs_call *c, const struct json *given,
			enum sim_ecs_controller controller, struct sim_ecs_config *config)
{
	enum sim_ecs_strategy was = config->strategy;
	const struct json *alarms = json_get(given, "alarms");
	struct sim_ecs_config next = *config;
	if (take_strategy(c, given, controller, &next))
		return -1;
	if (next.strategy != was) { /* what belongs to the old one goes with it */
		next.canary_percent = 5;
		next.canary_bake_min = 10;
		next.step_percent = 10;
		next.step_bake_min = 6;
		next.breaker = false;
		if (next.strategy == SIM_ECS_ROLLING) {
			next.bake_min = -1;
			next.hooks = NULL;
		}
	}
	if (take_shifts(c, given, &next) ||
	    take_breaker(c, c->e, json_get(given, "deploymentCircuitBreaker"), &next) ||
	    take_hooks(c, json_get(given, "lifecycleHooks"), &next) ||
	    take_i64(c, given, "maximumPercent", 100, 1000, &next.maximum_percent) ||
	    take_i64(c, given, "minimumHealthyPercent", 0, 100, &next.minimum_percent))
		return -1;
	if (alarms)
		next.alarms = sim_ecs_keep(c->e, alarms);
	*config = next;
	return 0;
}

static void write_breaker(struct json_out *o, const struct sim_ecs_config *config)
{
	json_out_key(o, "deploymentCircuitBreaker");
	json_out_object(o);
	json_member_bool(o, "enable", config->breaker);
	json_member_bool(o, "rollback", config->breaker_rollback);
	if (config->threshold_type) {
		json_out_key(o, "thresholdConfiguration");
		json_out_object(o);
		json_member_cstr(o, "type", config->threshold_type);
		json_member_i64(o, "value", config->threshold_value);
		json_out_end(o);
	}
	json_out_end(o);
}

void sim_ecs_config_write(struct json_out *o, const struct sim_ecs_config *config)
{
	json_out_key(o, "deploymentConfiguration");
	json_out_object(o);
	write_breaker(o, config);
	json_member_i64(o, "maximumPercent", config->maximum_percent);
	json_member_i64(o, "minimumHealthyPercent", config->minimum_percent);
	if (config->alarms) {
		json_out_key(o, "alarms");
		json_out_node(o, config->alarms);
	}
	json_member_cstr(o, "strategy", sim_ecs_strategy_name(config->strategy));
	json_member_i64(o, "bakeTimeInMinutes", config->bake_min > 0 ? config->bake_min : 0);
	if (config->hooks) {
		json_out_key(o, "lifecycleHooks");
		json_out_node(o, config->hooks);
	}
	if (config->strategy == SIM_ECS_LINEAR) {
		json_out_key(o, "linearConfiguration");
		json_out_object(o);
		json_member_double(o, "stepPercent", config->step_percent);
		json_member_i64(o, "stepBakeTimeInMinutes", config->step_bake_min);
		json_out_end(o);
	}
	if (config->strategy == SIM_ECS_CANARY) {
		json_out_key(o, "canaryConfiguration");
		json_out_object(o);
		json_member_double(o, "canaryPercent", config->canary_percent);
		json_member_i64(o, "canaryBakeTimeInMinutes", config->canary_bake_min);
		json_out_end(o);
	}
	json_out_end(o);
}

/* --- load balancers ------------------------------------------------------------------------ */

struct sim_ecs_route sim_ecs_route_of(const struct json *load_balancers)
{
	const struct json *one = load_balancers ? load_balancers->first : NULL,
			  *more = json_get(one, "advancedConfiguration");
	struct sim_ecs_route r = {
		.group = json_text(json_get(one, "targetGroupArn")),
		.alternate = json_text(json_get(more, "alternateTargetGroupArn")),
		.rule = json_text(json_get(more, "productionListenerRule")),
		.test_rule = json_text(json_get(more, "testListenerRule")),
	};
	(void)json_i64(json_get(one, "containerPort"), &r.port);
	return r;
}

static int check_rule(struct sim_ecs_call *c, struct str rule)
{
	struct sim_rule_view view;
	if (!sim_elbv2_rule_view(c->s, rule, &view))
		return sim_ecs_error(c, BAD, "listener rule " STR_FMT " does not exist",
				     STR_ARG(rule));
	if (!view.forwards_only)
		return sim_ecs_error(c, BAD,
				     "listener rule " STR_FMT " must have forward actions only",
				     STR_ARG(rule));
	return 0;
}

static int check_advanced(struct sim_ecs_call *c, const struct sim_ecs_route *r,
			  const struct json *balancer)
{
	const struct json *more = json_get(balancer, "advancedConfiguration");
	if (!r->alternate.n || !r->rule.n || !json_get(more, "roleArn"))
		return sim_ecs_error(c, BAD,
				     "advancedConfiguration needs alternateTargetGroupArn, "
				     "productionListenerRule and roleArn");
	if (str_eq(r->alternate, r->group))
		return sim_ecs_error(c, BAD, "alternateTargetGroupArn is the target group itself");
	if (check_rule(c, r->rule) || (r->test_rule.n && check_rule(c, r->test_rule)))
		return -1;
	return 0;
}

int sim_ecs_check_balancers(struct sim_ecs_call *c, const struct json *list,
			    const struct sim_ecs_config *config, const struct sim_ecs_taskdef *def)
{
	struct sim_ecs_route r = sim_ecs_route_of(list);
	bool shifts = config->strategy == SIM_ECS_CANARY || config->strategy == SIM_ECS_LINEAR;
	json_each(balancer, list) {
		struct str name = json_text(json_get(balancer, "containerName"));
		if (!json_get(balancer, "targetGroupArn") || !name.n)
			return sim_ecs_error(c, BAD,
					     "targetGroupArn and containerName are required");
		if (def && !sim_ecs_container(def, name))
			return sim_ecs_error(c, BAD,
					     "The container " STR_FMT
					     " does not exist in the task definition.",
					     STR_ARG(name));
	}
	if (r.group.n && !sim_elbv2_group_used(c->s, r.group))
		return sim_ecs_error(c, BAD,
				     "The target group with targetGroupArn " STR_FMT
				     " does not have an associated load balancer.",
				     STR_ARG(r.group));
	if (shifts && !r.group.n)
		return sim_ecs_error(c, BAD, "strategy %s needs a load balancer",
				     sim_ecs_strategy_name(config->strategy));
	if (config->strategy != SIM_ECS_ROLLING && r.group.n)
		return check_advanced(c, &r, list->first);
	return 0;
}
