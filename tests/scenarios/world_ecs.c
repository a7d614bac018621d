#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scenarios/world_ecs.h"
#include "worker/target/load_balancer.h"

void world_ecs_balancer(struct world *w, const char *name, const char *type)
{
	bool network = !strcmp(type, "network");
	const char *rule;

	world_control(w, "elbv2 load-balancer %s type=%s", name, type);
	for (int i = 0; i < 2; i++)
		world_control(w,
			      "elbv2 target-group %s-%s targets=0 target_type=ip protocol=%s "
			      "deregistration_s=30",
			      name, i ? "green" : "blue", network ? "TCP" : "HTTP");
	if (network) {
		rule = world_arn(w, world_control(w,
						  "elbv2 listener %s port=443 protocol=TCP "
						  "forward=%s-blue:100,%s-green:0",
						  name, name, name));
		world_control(w, "elbv2 listener %s:443 rps=50", name);
	} else {
		world_control(w, "elbv2 listener %s port=443 respond=503", name);
		rule = world_arn(w, world_control(w,
						  "elbv2 rule %s:443 priority=10 path=/x "
						  "forward=%s-blue:100,%s-green:0",
						  name, name, name));
		world_control(w, "elbv2 rule %s:443:10 rps=50", name);
	}
	world_control(w,
		      "cloudwatch alarm %s-errors namespace=AWS/%s metric=%s "
		      "dimensions=\"LoadBalancer=%s\" stat=Sum period=60 threshold=30 "
		      "evaluation_periods=1 missing=notBreaching state=OK",
		      name, network ? "NetworkELB" : "ApplicationELB",
		      network ? "TCP_Target_Reset_Count" : "HTTPCode_Target_5XX_Count",
		      lb_load_balancer_dimension(w->arena, rule));
}

void world_ecs_service(struct world *w, const char *name, const char *words)
{
	world_control(w, "ecs image %s:1 errors=0.001", name);
	world_control(w, "ecs service prod/%s %s image=%s:1 group=%s-blue", name, words, name,
		      name);
	sim_advance(w->sim, 90000); /* targets become healthy, first errors are forgotten */
	world_control(w, "cloudwatch set-state %s-errors OK", name);
}

void world_ecs_pipeline(struct world *w, const char *name, const char *configuration)
{
	world_control(w,
		      "codepipeline pipeline %s action=Canary type=Deploy/Rollout/1 "
		      "config.Alarms=%s-errors %s",
		      name, name, configuration);
}

void world_ecs(struct world *w, const char *name, const char *strategy)
{
	char words[300];

	world_ecs_balancer(w, name, "application");
	snprintf(words, sizeof(words), "alternate=%s-green rule=%s:443:10 strategy=BLUE_GREEN",
		 name, name);
	world_ecs_service(w, name, words);
	snprintf(words, sizeof(words), "config.Target=ecs:prod/%s config.Strategy=\"%s\"", name,
		 strategy);
	world_ecs_pipeline(w, name, words);
}

const char *world_ecs_two(struct world *w, const char *name, const char *strategy, const char *more,
			  const char *sections)
{
	const char *green = world_arn(w, world_control(w, "elbv2 show %s-green", name));

	return arena_printf(w->arena,
			    "rollout: 1\n"
			    "target: { ecs: { cluster: prod, service: %s, method: two_services, "
			    "rule: \"%s\", candidate: \"%s\"%s } }\n"
			    "strategy: { %s }\n"
			    "guards: [ { alarm: %s-errors } ]\n%s",
			    name, world_rule(w, name), green, more, strategy, name, sections);
}

void world_ecs_push(struct world *w, const char *name, const char *tag, const char *does,
		    const char *plan)
{
	const char *definition = arena_printf(
		w->arena,
		"{\"family\":\"%s\",\"networkMode\":\"awsvpc\",\"requiresCompatibilities\":["
		"\"FARGATE\"],\"cpu\":\"256\",\"memory\":\"512\",\"executionRoleArn\":"
		"\"arn:aws:iam::111122223333:role/ecs-execution\",\"containerDefinitions\":[{"
		"\"name\":\"app\",\"image\":\"<IMAGE1_NAME>\",\"essential\":true,"
		"\"portMappings\":[{\"containerPort\":8080,\"protocol\":\"tcp\"}]}]}",
		name);
	const char *detail = arena_printf(w->arena, "{\"ImageURI\":\"%s:%s\"}", name, tag);
	const struct pack_entry files[] = {
		{.name = "taskdef.json", .bytes = str_from(definition)},
		{.name = "imageDetail.json", .bytes = str_from(detail)},
		{.name = "rollout.yaml", .bytes = str_from(plan)},
	};

	world_control(w, "ecs image %s:%s %s", name, tag, does);
	world_push_files(w, name, files, plan ? 3 : 2);
}

/* --- looking -------------------------------------------------------------------------------- */

static double number(const struct json *object, const char *path)
{
	double v = 0;

	json_double(json_at(object, path), &v);
	return v;
}

static const char *text(struct world *w, const struct json *object, const char *path)
{
	return str_dup(w->arena, json_text(json_at(object, path)));
}

static const char *json_of(struct world *w, const struct json *node)
{
	const char *written;
	struct json_out o;
	struct buf b;

	buf_init(&b, 64u << 10);
	json_out_init(&o, &b);
	json_out_node(&o, node);
	written = str_dup(w->arena, buf_str(&b));
	buf_release(&b);
	return written;
}

struct world_ecs_live world_ecs_look(struct world *w, const char *name)
{
	const struct json *service = world_ask(w, "ecs show prod/%s", name);
	struct world_ecs_live l = {
		.candidate = world_load_balancer_live(w, name).candidate,
		.running = number(service, "running"),
		.deployment = text(w, service, "deployment.status"),
		.stage = text(w, service, "deployment.stage"),
		.waits = json_bool(json_at(service, "deployment.waits"), false),
		.has_pauses = json_bool(json_get(service, "hasPauses"), false),
		.configuration = json_of(w, json_get(service, "deploymentConfiguration")),
	};
	const char *slash = strrchr(text(w, service, "taskDefinition"), '/');

	l.definition = slash ? slash + 1 : "";
	return l;
}

const char *world_ecs_status(struct world *w, const char *name)
{
	char line[128];
	struct err err = ERR_INIT;
	struct json *service = NULL;
	struct buf b;
	int rc;

	snprintf(line, sizeof(line), "ecs show prod/%s", name);
	buf_init(&b, 1u << 20);
	rc = sim_control(w->sim, str_from(line), &b, &err);
	if (rc == 0)
		rc = json_parse(w->arena, buf_str(&b), &service, &err);
	buf_release(&b);
	return rc == 0 ? text(w, service, "status") : "";
}

struct until {
	const char *name, *what;
};

static bool has_come(struct world *w, void *arg)
{
	const struct until *u = arg;
	struct world_ecs_live l = world_ecs_look(w, u->name);

	return !strcmp(l.deployment, u->what) || !strcmp(l.stage, u->what) ||
	       (l.waits && !strcmp(u->what, "pause"));
}

static void must_come(struct world *w, const struct until *u, bool came)
{
	struct world_ecs_live l;

	if (came)
		return;
	l = world_ecs_look(w, u->name);
	fprintf(stderr, "world: the service %s never came to %s: %s %s\n", u->name, u->what,
		l.deployment, l.stage);
	abort();
}

void world_ecs_until(struct world *w, const char *name, const char *what)
{
	struct until u = {name, what};

	must_come(w, &u, world_run_until(w, has_come, &u, 3 * 3600 * 1000ll));
}

static bool is_quiet(struct world *w, void *arg)
{
	const struct until *u = arg;
	const struct json *service = world_ask(w, "ecs show prod/%s", u->name);
	struct str status = json_text(json_at(service, "deployment.status"));

	return (str_is(status, "SUCCESSFUL") || str_is(status, "ROLLBACK_SUCCESSFUL")) &&
	       number(service, "running") == number(service, "desired") &&
	       number(service, "healthy") == number(service, "desired");
}

void world_ecs_until_quiet(struct world *w, const char *name)
{
	struct until u = {name, "rest"};

	must_come(w, &u, world_run_until(w, is_quiet, &u, 3600 * 1000ll));
}
