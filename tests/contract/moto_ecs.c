/*
 * The worker's calls on ECS that moto models: task definitions, and what a service says of itself.
 */
#include "tests/contract/moto_calls.h"

#include "aws/ecs.h"

static int parse(struct calls *t, const char *text, struct json **root, struct err *err)
{
	return json_parse(t->arena, str_from(text), root, err);
}

/* What is described can be registered again, and differs in what was changed alone. */
static int definitions(struct calls *t, struct err *err)
{
	const struct ecs_tag tag = {"rollout", "one"};
	struct ecs_task_definition first, second, newest;
	struct json *given;

	if (parse(t,
		  "{\"family\":\"shop\",\"networkMode\":\"awsvpc\",\"memory\":\"512\","
		  "\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"shop:1\","
		  "\"essential\":true}],\"tags\":[{\"key\":\"team\",\"value\":\"x\"}]}",
		  &given, err) < 0 ||
	    ecs_register_task_definition(&t->c, given, NULL, 0, t->arena, &first, err) < 0 ||
	    want_text("family", first.family, "shop", err) < 0 ||
	    want_number("revision", (double)first.revision, 1, err) < 0 ||
	    want_text("status", first.status, "ACTIVE", err) < 0 ||
	    ecs_describe_task_definition(&t->c, "shop:1", t->arena, &first, err) < 0 ||
	    want_text("tag", ecs_tag_get(first.tags, first.n_tags, "team"), "x", err) < 0 ||
	    ecs_register_task_definition(&t->c, first.raw, &tag, 1, t->arena, &second, err) < 0 ||
	    want_number("next revision", (double)second.revision, 2, err) < 0 ||
	    ecs_describe_task_definition(&t->c, "shop", t->arena, &newest, err) < 0 ||
	    want_text("newest", newest.arn, second.arn, err) < 0 ||
	    want_text("network mode", newest.network_mode, "awsvpc", err) < 0 ||
	    want_text("its tag", ecs_tag_get(newest.tags, newest.n_tags, "rollout"), "one", err) <
		    0)
		return -1;
	/* by its family moto goes on giving it, which ECS does not */
	if (ecs_deregister_task_definition(&t->c, second.arn, t->arena, err) < 0 ||
	    ecs_describe_task_definition(&t->c, second.arn, t->arena, &newest, err) < 0 ||
	    want_text("status", newest.status, "INACTIVE", err) < 0)
		return -1;
	return want_error("no family",
			  ecs_describe_task_definition(&t->c, "none", t->arena, &newest, err),
			  ERR_NOT_FOUND, err);
}

static int services(struct calls *t, struct err *err)
{
	struct ecs_service service;
	const char *cluster = fixture(t, "cluster"), *name = fixture(t, "service");

	if (ecs_describe_service(&t->c, cluster, name, t->arena, &service, err) < 0 ||
	    want_text("name", service.name, name, err) < 0 ||
	    want_text("status", service.status, "ACTIVE", err) < 0 ||
	    want_text("controller", service.controller, "ECS", err) < 0 ||
	    want_number("desired", (double)service.desired, 2, err) < 0)
		return -1;
	return want_error("no service",
			  ecs_describe_service(&t->c, cluster, "none", t->arena, &service, err),
			  ERR_NOT_FOUND, err);
}

const struct call_case ecs_cases[] = {
	{"ecs: task definitions", definitions},
	{"ecs: services", services},
};
const size_t n_ecs_cases = sizeof(ecs_cases) / sizeof(ecs_cases[0]);
