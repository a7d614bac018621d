#include "worker/target/beanstalk_options.h"

#include <string.h>

/*
 * The evaluation time is longer than the plan's watch, as it begins a little before it; and no
 * longer than PROMOTE, which has to wait for its end, can bear.
 */
#define MINUTE_MS 60000
#define ROOM_MIN 3	   /* the watch begins a little after the evaluation */
#define HOLD_MOST_MIN 10   /* and an Unknown may hold it so long: PROMOTE has to wait for it */
#define EVALUATION_MAX 600 /* Beanstalk's own limit; its least, 3, is ROOM_MIN */

static int64_t evaluation_minutes(const struct plan *plan)
{
	int64_t hold = (plan->unknown_hold_ms + MINUTE_MS - 1) / MINUTE_MS;
	int64_t watch = plan->n_steps ? plan->steps[0].watch_ms : 0;
	int64_t n = (watch + MINUTE_MS - 1) / MINUTE_MS + ROOM_MIN;

	n += hold < HOLD_MOST_MIN ? hold : HOLD_MOST_MIN;
	return n > EVALUATION_MAX ? EVALUATION_MAX : n;
}

void bean_options_of_plan(const struct target_env *env, struct bean_options *w)
{
	const struct plan *plan = env->plan;
	int percent = plan->n_steps ? plan->steps[0].weight_bp / 100 : 0;

	*w = (struct bean_options){
		{{BEAN_NS_COMMAND, "DeploymentPolicy", "TrafficSplitting", NULL},
		 {BEAN_NS_SPLITTING, "NewVersionPercent", arena_printf(env->arena, "%d", percent),
		  NULL},
		 {BEAN_NS_SPLITTING, "EvaluationTime",
		  arena_printf(env->arena, "%lld", (long long)evaluation_minutes(plan)), NULL}}};
}

void bean_options_before(const struct bean_record *r, struct bean_options *w)
{
	*w = (struct bean_options){{{BEAN_NS_COMMAND, "DeploymentPolicy", r->policy, NULL},
				    {BEAN_NS_SPLITTING, "NewVersionPercent", r->percent, NULL},
				    {BEAN_NS_SPLITTING, "EvaluationTime", r->minutes, NULL}}};
}

static bool is_set(const struct beanstalk_settings *s, const struct beanstalk_option *o)
{
	const char *have = beanstalk_option_get(s, o->ns, o->name);

	return strcmp(have ? have : "", o->value) == 0;
}

bool bean_are_set(const struct beanstalk_settings *s, const struct bean_options *w)
{
	for (size_t i = 0; i < 3; i++)
		if (!is_set(s, &w->options[i]))
			return false;
	return true;
}

/* What had no value is taken out again. */
int bean_set_options(const struct target_env *env, const struct bean_record *r,
		     const struct bean_options *w, struct err *err)
{
	struct beanstalk_option set[3], gone[3];
	struct beanstalk_update u = {.environment_id = r->baseline, .options = set, .remove = gone};

	for (size_t i = 0; i < 3; i++) {
		if (w->options[i].value[0])
			set[u.n_options++] = w->options[i];
		else
			gone[u.n_remove++] = w->options[i];
	}
	return beanstalk_update_environment(&env->client, &u, env->arena, err);
}

/* --- the first look -------------------------------------------------------------------------- */

static const char *option(const struct beanstalk_settings *s, const char *ns, const char *name)
{
	const char *value = beanstalk_option_get(s, ns, name);

	return value ? value : "";
}

void bean_splitting_check(const struct beanstalk_environment *e,
			  const struct beanstalk_settings *settings, struct bean_record *r,
			  struct problems *p)
{
	const char *type = option(settings, BEAN_NS_ENVIRONMENT, "LoadBalancerType");

	r->policy = option(settings, BEAN_NS_COMMAND, "DeploymentPolicy");
	r->percent = option(settings, BEAN_NS_SPLITTING, "NewVersionPercent");
	r->minutes = option(settings, BEAN_NS_SPLITTING, "EvaluationTime");
	if (strcmp(type, "application") != 0)
		problem_add(p, "Target", e->name,
			    "traffic splitting needs an Application Load Balancer, not %s",
			    *type ? type : "one of another kind, or none");
	if (e->health == BEANSTALK_HEALTH_NONE)
		problem_add(p, "Target", e->name,
			    "traffic splitting needs enhanced health reporting: with basic "
			    "reporting nobody says which instance runs what");
	if (!r->label[0])
		problem_add(p, "Target", e->name,
			    "it runs the sample application, which could not be deployed again: "
			    "deploy a version first");
}
