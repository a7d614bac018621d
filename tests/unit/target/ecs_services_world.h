#ifndef TESTS_UNIT_TARGET_ECS_SERVICES_WORLD_H
#define TESTS_UNIT_TARGET_ECS_SERVICES_WORLD_H

#include "tests/unit/target/ecs_world.h"

/* The services "web" and "web-twin" on one rule, at one moment. */

#define CANDIDATE_8 "{\"v\":\"web:8\"}"

/* members of a service: its task definition and how many tasks it wants and runs */
static inline const char *members(struct world *w, const char *name, int desired, int running,
				  const char *state)
{
	return arena_printf(
		w->f->arena,
		"\"status\":\"ACTIVE\",\"taskDefinition\":\"" TD(
			"%s") "\",\"desiredCount\":%d,\"runningCount\":%d,\"tags\":[{"
			      "\"key\":\"" ECS_ROLLOUT_TAG
			      "\",\"value\":\"r-1\"}],\"deploymentController\":{"
			      "\"type\":\"ECS\"}," BALANCER(
				      "blue", "") ",\"deployments\":[{\"status\":\"PRIMARY\","
						  "\"desiredCount\":%d,\"runningCount\":%d,"
						  "\"rolloutState\":\"%s\"}]",
		name, desired, running, desired, running, state);
}

static inline const char *healthy(struct world *w, int n)
{
	const char *text = "";

	for (int i = 0; i < n; i++)
		text = arena_printf(w->f->arena, "%s%shealthy", text, i ? " " : "");
	return text;
}

struct scene {
	const char *rule;
	int baseline;	  /* tasks it wants; -1: it is gone */
	const char *twin; /* its task definition; NULL: it is not there */
	int desired, running, healthy;
	const char *state; /* of its rollout; NULL: COMPLETED */
};

static inline void set(struct world *w, const struct scene *s)
{
	forget_routes(w);
	if (s->baseline < 0)
		service_is_missing(w, "web");
	else
		service_is(w, "web", members(w, "web:7", s->baseline, s->baseline, "COMPLETED"));
	if (s->twin)
		service_is(w, "web-twin",
			   members(w, s->twin, s->desired, s->running,
				   s->state ? s->state : "COMPLETED"));
	else
		service_is_missing(w, "web-twin");
	rule_is(w, s->rule);
	health_is(w, GROUP_URI("blue"), healthy(w, s->baseline));
	health_is(w, GROUP_URI("green"), healthy(w, s->healthy));
	modify_works(w);
	ecs_writes_work(w);
}

static inline size_t all_writes(const struct world *w)
{
	size_t twin = sent(w, "POST", "\"service\":\"web-twin\",") +
		      sent(w, "POST", "\"service\":\"web\",\"desiredCount\"") +
		      sent(w, "POST", "\"service\":\"web\",\"force\"");

	return twin + sent(w, "POST", CREATE) + sent(w, "POST", REGISTER) +
	       sent(w, "POST", "Action=Modify");
}

static inline struct target_observation look(struct world *w, enum phase phase)
{
	struct target_observation o;

	w->state.phase = phase;
	if (target_ecs.observe(&w->env, &w->state, &o, &w->err))
		fail_msg("%s", w->err.text);
	assert_int_equal(all_writes(w), 0);
	return o;
}

static inline struct target_observation see(struct world *w, enum phase phase,
					    const struct scene *s)
{
	set(w, s);
	return look(w, phase);
}

#endif
