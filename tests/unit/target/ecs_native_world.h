#ifndef TESTS_UNIT_TARGET_ECS_NATIVE_WORLD_H
#define TESTS_UNIT_TARGET_ECS_NATIVE_WORLD_H

#include "tests/unit/target/ecs_world.h"

/* A service with a deployment of its own controller, at one moment. */

#define CANDIDATE_8 "{\"v\":\"web:8\",\"p\":\"d1\"}"
#define CANDIDATE_NO_DEPLOYMENT "{\"v\":\"web:8\"}"

/* A moment of a deployment. */
struct scene {
	const char *rule;	/* "blue=100 green=0" */
	const char *status;	/* of deployment d1; NULL: there is none to be described */
	const char *hook;	/* id of a pause that awaits us, or NULL */
	double weight;		/* asked for */
	const char *current;	/* service's current deployment, or NULL */
	const char *definition; /* the service's: "web:7"; NULL: web:8 */
	const char *more;	/* members of the deployment, beginning with a comma; or NULL */
	const char *service;	/* the same of the service */
	const char *green;	/* states of the candidate's targets; NULL: healthy */
};

static inline void set(struct world *w, const struct scene *s)
{
	struct arena *a = w->f->arena;

	forget_routes(w);
	service_is(w, "web",
		   arena_printf(a,
				"\"status\":\"ACTIVE\",\"taskDefinition\":\"" TD(
					"%s") "\",\"desiredCount\":4%s%s",
				s->definition ? s->definition : "web:8",
				s->current ? arena_printf(a,
							  ",\"currentServiceDeployment\":"
							  "\"" DEPLOYMENT("%s") "\"",
							  s->current)
					   : "",
				s->service ? s->service : ""));
	if (s->status)
		deployment_is(
			w, "d1",
			arena_printf(
				a,
				"\"status\":\"%s\",\"lifecycleStage\":\"SOME_STAGE\","
				"\"targetServiceRevision\":{\"arn\":\"" REVISION(
					"r2") "\",\"requestedProductionTrafficWeight\":%.17g}"
					      "%s%s",
				s->status, s->weight,
				s->hook ? arena_printf(a,
						       ",\"lifecycleHookDetails\":[{\"hookId\":"
						       "\"f\",\"targetType\":\"AWS_LAMBDA\","
						       "\"status\":\"AWAITING_ACTION\"},{"
						       "\"hookId\":\"old\",\"targetType\":"
						       "\"PAUSE\",\"status\":\"SUCCEEDED\"},{"
						       "\"hookId\":\"%s\",\"targetType\":"
						       "\"PAUSE\",\"status\":"
						       "\"AWAITING_ACTION\"}]",
						       s->hook)
					: "",
				s->more ? s->more : ""));
	revision_is(w, "r2", "web:8", "green");
	rule_is(w, s->rule);
	health_is(w, GROUP_URI("blue"), "healthy healthy");
	health_is(w, GROUP_URI("green"), s->green ? s->green : "healthy");
	ecs_writes_work(w);
}

static inline struct target_observation look(struct world *w, enum phase phase)
{
	struct target_observation o;

	w->state.phase = phase;
	if (target_ecs.observe(&w->env, &w->state, &o, &w->err))
		fail_msg("%s", w->err.text);
	assert_int_equal(ecs_writes(w), 0);
	return o;
}

static inline struct target_observation see(struct world *w, enum phase phase,
					    const struct scene *s)
{
	set(w, s);
	return look(w, phase);
}

#endif
