#ifndef TESTS_UNIT_SIM_ECS_SHOP_H
#define TESTS_UNIT_SIM_ECS_SHOP_H

#include "tests/unit/sim/services.h"

/* A service behind an ALB: blue serves, green stands beside it, a test rule at priority 5. */
struct ecs_shop {
	struct world *w;
	const char *rule, *test_rule, *blue, *green;
};

static inline int ecs(struct world *w, const char *operation, const char *json)
{
	struct ask q = {.method = "POST",
			.host = "ecs." WORLD_REGION ".amazonaws.com",
			.path = "/",
			.service = "ecs",
			.body = str_from(json)};

	ask_header(&q, "Content-Type", "application/x-amz-json-1.1");
	ask_header(&q, "X-Amz-Target",
		   arena_printf(w->arena, "AmazonEC2ContainerServiceV20141113.%s", operation));
	return ask_send(w, &q);
}

static inline const struct json *ecs_ok(struct world *w, const char *operation, const char *json)
{
	ecs(w, operation, json);
	assert_status(w, 200);
	return body_json(w);
}

static inline void ecs_refused(struct world *w, const char *operation, const char *json,
			       const char *name)
{
	ecs(w, operation, json);
	assert_error(w, 400, name);
}

static inline const char *ecs_arn_of(struct world *w, const char *line)
{
	return json_cstr(json_get(ctl(w, line), "arn"));
}

/* settings: words of the service before the usual ones, "strategy=CANARY" */
static inline struct ecs_shop ecs_shop_new(const char *settings)
{
	struct ecs_shop s = {.w = world_new(NULL)};
	ctl(s.w, "elbv2 load-balancer shop type=application");
	s.blue = ecs_arn_of(s.w, "elbv2 target-group blue targets=0 target_type=ip "
				 "deregistration_s=20 interval=5 threshold=2");
	s.green = ecs_arn_of(s.w, "elbv2 target-group green targets=0 target_type=ip "
				  "deregistration_s=20 interval=5 threshold=2");
	ctl(s.w, "elbv2 listener shop port=80 respond=503");
	s.rule = ecs_arn_of(s.w, "elbv2 rule shop:80 priority=10 path=/* forward=blue:1 rps=20");
	s.test_rule = ecs_arn_of(s.w, "elbv2 rule shop:80 priority=5 header=x-test:1 "
				      "forward=blue:1");
	ctl(s.w, arena_printf(s.w->arena,
			      "ecs service prod/web %s image=web:1 desired=2 group=blue "
			      "alternate=green rule=shop:80:10 test_rule=shop:80:5",
			      settings));
	sim_advance(s.w->sim, 15000);
	return s;
}

/* A second revision of the task definition, with this image; its ARN. */
static inline const char *ecs_register(struct world *w, const char *image)
{
	return json_cstr(json_at(
		ecs_ok(w, "RegisterTaskDefinition",
		       arena_printf(w->arena,
				    "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":"
				    "\"app\",\"image\":\"%s\"}]}",
				    image)),
		"taskDefinition.taskDefinitionArn"));
}

/* UpdateService to this image; more: further members, ",\"x\":1". The deployment's ARN. */
static inline const char *ecs_update(struct world *w, const char *image, const char *more)
{
	return json_cstr(json_at(ecs_ok(w, "UpdateService",
					arena_printf(w->arena,
						     "{\"cluster\":\"prod\",\"service\":\"web\","
						     "\"taskDefinition\":\"%s\"%s}",
						     ecs_register(w, image), more)),
				 "service.currentServiceDeployment"));
}

static inline const struct json *ecs_first(const struct json *list)
{
	if (!list || !list->first)
		fail_msg("an empty list");
	return list->first;
}

static inline const struct json *ecs_deployment(struct world *w, const char *arn)
{
	return ecs_first(json_get(
		ecs_ok(w, "DescribeServiceDeployments",
		       arena_printf(w->arena, "{\"serviceDeploymentArns\":[\"%s\"]}", arn)),
		"serviceDeployments"));
}

static inline const struct json *ecs_service(struct world *w)
{
	return ecs_first(json_get(
		ecs_ok(w, "DescribeServices", "{\"cluster\":\"prod\",\"services\":[\"web\"]}"),
		"services"));
}

static inline const char *ecs_status(struct world *w, const char *arn)
{
	return json_cstr(json_get(ecs_deployment(w, arn), "status"));
}

/* Time passes until the deployment has this status or stage, or waits at a hook ("hook"). */
static inline void ecs_until(struct world *w, const char *arn, const char *what)
{
	for (int i = 0; i < 4000; i++) {
		const struct json *d = ecs_deployment(w, arn),
				  *hooks = json_get(d, "lifecycleHookDetails");
		if (str_is(json_text(json_get(d, "status")), what) ||
		    str_is(json_text(json_get(d, "lifecycleStage")), what))
			return;
		json_each(h, hooks) {
			if (strcmp(what, "hook") == 0 &&
			    str_is(json_text(json_get(h, "status")), "AWAITING_ACTION"))
				return;
		}
		sim_advance(w->sim, 1000);
	}
	fail_msg("never %s", what);
}

/* The hook that waits is answered. */
static inline void ecs_continue(struct world *w, const char *arn, const char *action)
{
	const struct json *hook =
		ecs_first(json_get(ecs_deployment(w, arn), "lifecycleHookDetails"));
	ecs_ok(w, "ContinueServiceDeployment",
	       arena_printf(w->arena,
			    "{\"serviceDeploymentArn\":\"%s\",\"hookId\":\"" STR_FMT
			    "\",\"action\":\"%s\"}",
			    arn, STR_ARG(json_text(json_get(hook, "hookId"))), action));
}

/* Percent of the traffic that reaches this group now. */
static inline double ecs_live_share(struct world *w, const char *what, const char *group)
{
	json_each(g, json_get(ctl(w, arena_printf(w->arena, "elbv2 show %s", what)), "live")) {
		if (str_is(json_text(json_get(g, "targetGroup")), group))
			return 100 * number(g, "share");
	}
	return 0;
}

#endif
