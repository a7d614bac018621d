#include "tests/sim/sim_ecs.h"

/*
 * Lifecycle hooks of the simulated ECS. A PAUSE hook waits for ContinueServiceDeployment, or
 * for its time-out; a Lambda hook succeeds at once. A deployment is stopped by its own call.
 */

#define BAD "InvalidParameterException"
#define MINUTE_MS INT64_C(60000)
#define TIMEOUT_MIN 1440

static bool is_at(const struct json *hook, enum sim_ecs_stage stage)
{
	json_each(name, json_get(hook, "lifecycleStages")) {
		if (str_is(json_text(name), sim_ecs_stage_name(stage)))
			return true;
	}
	return false;
}

static void begin_hook(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_deployment *d,
		       const struct json *hook)
{
	struct sim_ecs_hook *h = &d->hooks[d->n_hooks++];
	const struct json *timeout = json_get(hook, "timeoutConfiguration");
	struct str action = json_text(json_get(timeout, "action"));
	int64_t minutes = TIMEOUT_MIN;
	bool pause = str_is(json_text(json_get(hook, "targetType")), "PAUSE");
	(void)json_i64(json_get(timeout, "timeoutInMinutes"), &minutes);
	*h = (struct sim_ecs_hook){
		.id = arena_printf(e->arena, "ecs-%s-%s", pause ? "pause" : "lambda",
				   sim_ecs_word(s, e, 43)),
		.target_type = pause ? "PAUSE" : "AWS_LAMBDA",
		.target_arn = json_cstr(json_get(hook, "hookTargetArn")),
		.status = pause ? "AWAITING_ACTION" : "SUCCEEDED",
		.timeout_action = str_is(action, "CONTINUE") ? "CONTINUE" : "ROLLBACK",
		.expires = {sim_now(s).ms + minutes * MINUTE_MS},
	};
}

static bool awaits(const struct sim_ecs_hook *h)
{
	return strcmp(h->status, "AWAITING_ACTION") == 0;
}

enum sim_ecs_hooks_are sim_ecs_hooks(struct sim *s, struct sim_ecs_state *e,
				     struct sim_ecs_deployment *d)
{
	bool waits = false;
	if (!d->hooks_begun) {
		d->hooks_begun = true;
		json_each(hook, d->config.hooks) {
			if (is_at(hook, d->stage))
				begin_hook(s, e, d, hook);
		}
	}
	for (size_t i = 0; i < d->n_hooks; i++) {
		struct sim_ecs_hook *h = &d->hooks[i];
		if (!awaits(h))
			continue;
		if (sim_now(s).ms < h->expires.ms) {
			waits = true;
			continue;
		}
		h->status = "TIMED_OUT";
		if (strcmp(h->timeout_action, "ROLLBACK") == 0)
			return SIM_ECS_HOOKS_FAILED;
	}
	return waits ? SIM_ECS_HOOKS_WAIT : SIM_ECS_HOOKS_DONE;
}

/* --- operations ---------------------------------------------------------------------------- */

static struct sim_ecs_deployment *need_deployment(struct sim_ecs_call *c,
						  struct sim_ecs_service **v)
{
	struct str arn = json_text(json_get(c->in, "serviceDeploymentArn"));
	struct sim_ecs_deployment *d = sim_ecs_deployment_find(c->e, arn, v);
	if (!d)
		(void)sim_ecs_error(c, "ServiceDeploymentNotFoundException",
				    "The service deployment " STR_FMT " was not found.",
				    STR_ARG(arn));
	return d;
}

int sim_ecs_continue(struct sim_ecs_call *c)
{
	struct str action = json_text(json_get(c->in, "action")),
		   id = json_text(json_get(c->in, "hookId"));
	struct sim_ecs_service *v;
	struct sim_ecs_deployment *d = need_deployment(c, &v);
	struct sim_ecs_hook *h = NULL;
	if (!d)
		return -1;
	if (action.n && !str_is(action, "CONTINUE") && !str_is(action, "ROLLBACK"))
		return sim_ecs_error(c, BAD, "action '" STR_FMT "' is unknown", STR_ARG(action));
	for (size_t i = 0; i < d->n_hooks; i++)
		if (str_is(id, d->hooks[i].id))
			h = &d->hooks[i];
	if (d->status != SIM_ECS_IN_PROGRESS || !h || !awaits(h))
		return sim_ecs_error(c, BAD,
				     "The lifecycle hook " STR_FMT " is not awaiting an action.",
				     STR_ARG(id));
	json_member_cstr(c->out, "serviceDeploymentArn", d->arn);
	if (!str_is(action, "ROLLBACK")) {
		h->status = "SUCCEEDED";
		return 0;
	}
	h->status = "FAILED";
	sim_ecs_roll_back(c->s, v, d,
			  "Service deployment rolled back because of a user-initiated rollback.");
	return 0;
}

int sim_ecs_stop_deployment(struct sim_ecs_call *c)
{
	struct str type = json_text(json_get(c->in, "stopType"));
	struct sim_ecs_service *v;
	struct sim_ecs_deployment *d = need_deployment(c, &v);
	bool aborts = str_is(type, "ABORT");
	if (!d)
		return -1;
	if (type.n && !aborts && !str_is(type, "ROLLBACK"))
		return sim_ecs_error(c, BAD, "stopType '" STR_FMT "' is unknown", STR_ARG(type));
	if ((d->status != SIM_ECS_IN_PROGRESS && d->status != SIM_ECS_PENDING) ||
	    (d->native && d->stage == SIM_ECS_CLEAN_UP))
		return sim_ecs_error(c, "ConflictException",
				     "The service deployment %s is %s and cannot be stopped.",
				     d->arn, sim_ecs_status_name(d->status));
	if (!aborts && !d->source)
		return sim_ecs_error(c, BAD,
				     "The service deployment %s has no revision to roll back to.",
				     d->arn);
	json_member_cstr(c->out, "serviceDeploymentArn", d->arn);
	if (aborts)
		d->status = SIM_ECS_STOP_REQUESTED;
	else
		sim_ecs_roll_back(c->s, v, d,
				  "Service deployment rolled back because of a user-initiated "
				  "stop.");
	return 0;
}
