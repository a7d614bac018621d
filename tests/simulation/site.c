#include "tests/simulation/site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scenarios/world_auto_scaling.h"
#include "tests/scenarios/world_beanstalk.h"
#include "tests/scenarios/world_ecs.h"

#define STAFF "arn:aws:iam::111122223333:role/staff"

static const struct site_traits traits[SITE_KINDS] = {
	[SITE_LAMBDA] = {"lambda", "lambda", 420, .people = true, .linear = true, .canary = true,
			 .turns_bad = true},
	[SITE_LAMBDA_SEGMENTS] = {"lambda segments", "lambda", 90, .people = true, .canary = true,
				  .turns_bad = true},
	[SITE_LOAD_BALANCER] = {"load balancer", "load balancer", 280, .people = true,
				.linear = true, .canary = true, .turns_bad = true},
	[SITE_LOAD_BALANCER_SEGMENTS] = {"load balancer segments", "load balancer", 90,
					 .people = true, .canary = true, .turns_bad = true},
	[SITE_AUTO_SCALING_COPY] = {"auto scaling copy", "auto scaling", 18, .linear = true,
				    .canary = true},
	[SITE_AUTO_SCALING_TWIN] = {"auto scaling twin", "auto scaling", 18, .linear = true,
				    .canary = true},
	[SITE_BEANSTALK_CLONE] = {"beanstalk clone", "beanstalk", 24, .by_itself = true,
				  .turns_bad = true},
	[SITE_BEANSTALK_SPLITTING] = {"beanstalk splitting", "beanstalk", 16, .canary = true,
				      .by_itself = true, .turns_bad = true},
	[SITE_ECS_NATIVE] = {"ecs native", "ecs", 20, .linear = true, .canary = true,
			     .by_itself = true, .turns_bad = true},
	[SITE_ECS_TWO] = {"ecs two services", "ecs", 24, .linear = true, .canary = true,
			  .turns_bad = true},
};

const struct site_traits *site_traits(enum site_kind k)
{
	return &traits[k];
}

static bool is_lambda(const struct site *s)
{
	return s->kind == SITE_LAMBDA || s->kind == SITE_LAMBDA_SEGMENTS;
}

static bool is_load_balancer(const struct site *s)
{
	return s->kind == SITE_LOAD_BALANCER || s->kind == SITE_LOAD_BALANCER_SEGMENTS;
}

static bool is_auto_scaling(const struct site *s)
{
	return s->kind == SITE_AUTO_SCALING_COPY || s->kind == SITE_AUTO_SCALING_TWIN;
}

static bool is_beanstalk(const struct site *s)
{
	return s->kind == SITE_BEANSTALK_CLONE || s->kind == SITE_BEANSTALK_SPLITTING;
}

/* --- making --------------------------------------------------------------------------------- */

static struct world_asg group_of(const struct site *s, const char *strategy)
{
	bool twin = s->kind == SITE_AUTO_SCALING_TWIN;

	return (struct world_asg){.name = s->name,
				  .strategy = strategy,
				  .twin = twin,
				  .install = twin ? WORLD_INSTALL_COMMAND : WORLD_INSTALL_IMAGE};
}

static void make_lambda(struct world *w, const struct site *s)
{
	world_lambda_function(w, s->name);
	if (s->kind == SITE_LAMBDA)
		return;
	world_control(w, "lambda caller %s " STAFF " rps=20", s->name);
	/* of the function: whatever the alias */
	world_control(w,
		      "cloudwatch alarm %s-errors namespace=AWS/Lambda metric=Errors "
		      "dimensions=\"FunctionName=%s\" stat=Sum period=60 threshold=30 "
		      "evaluation_periods=1 missing=notBreaching state=OK",
		      s->name, s->name);
}

void site_make(struct world *w, const struct site *s)
{
	struct world_asg group = group_of(s, "");

	if (is_lambda(s)) {
		make_lambda(w, s);
	} else if (is_load_balancer(s)) {
		world_load_balancer(w, s->name, "blue-green", false);
		if (s->kind == SITE_LOAD_BALANCER_SEGMENTS)
			world_control(w, "elbv2 listener %s port=443 segment_rps=20", s->name);
	} else if (is_auto_scaling(s)) {
		world_auto_scaling(w, &group);
	} else if (is_beanstalk(s)) {
		world_beanstalk(w, s->name, "policy=Immutable");
		world_control(w, "beanstalk set launch=30s boot=20s deploy=10s pass=20s config=15s "
				 "swap=10s terminate=20s abort=20s dns_tail=0");
	} else {
		world_ecs_balancer(w, s->name, "application");
		world_ecs_service(w, s->name,
				  s->kind == SITE_ECS_TWO
					  ? "desired=2"
					  : arena_printf(w->arena,
							 "alternate=%s-green rule=%s:443:10 "
							 "strategy=BLUE_GREEN",
							 s->name, s->name));
	}
}

const char *site_target(struct world *w, const struct site *s)
{
	if (is_lambda(s))
		return arena_printf(w->arena, "lambda:%s:live", s->name);
	if (is_load_balancer(s))
		return arena_printf(w->arena, "load-balancer:%s", world_rule(w, s->name));
	if (s->kind == SITE_ECS_NATIVE)
		return arena_printf(w->arena, "ecs:prod/%s", s->name);
	return NULL; /* the plan says it */
}

const char *site_resource(struct world *w, const struct site *s)
{
	if (is_lambda(s))
		return arena_printf(w->arena, "lambda:%s:live", s->name);
	if (is_auto_scaling(s))
		return world_auto_scaling_listener(w, s->name);
	if (is_beanstalk(s))
		return arena_printf(w->arena, "beanstalk:%s/%s-prod", s->name, s->name);
	return world_rule(w, s->name);
}

const char *site_first(const struct site *s)
{
	return is_lambda(s) ? "1" : is_beanstalk(s) ? "v1" : "";
}

/* --- what there is -------------------------------------------------------------------------- */

static const char *lambda_belongings(struct world *w, const struct site *s)
{
	const struct json *shown = world_ask(w, "lambda show %s", s->name);
	const char *text = "";

	json_each(a, json_get(shown, "aliases")) {
		text = arena_printf(w->arena, "%s%s ", text, json_cstr(json_get(a, "name")));
	}
	return arena_printf(w->arena, "%sand %zu statements", text,
			    json_get(shown, "statements")->n);
}

static const char *load_balancer_belongings(struct world *w, const struct site *s)
{
	size_t n = 0;

	json_each(rule, json_get(world_ask(w, "elbv2 show %s", s->name), "rules")) {
		n += json_get(rule, "tags")->n > 0;
	}
	return arena_printf(w->arena, "%zu rules of segments", n);
}

/* Groups of this site alone: their names begin with it. */
static const char *auto_scaling_belongings(struct world *w, const struct site *s)
{
	const char *all = world_auto_scaling_belongings(w), *text = "";
	const char *mine = arena_printf(w->arena, "{\"name\":\"%s", s->name);
	struct str rest = str_from(all), line;

	while (str_next(&rest, '\n', &line))
		if (str_starts(line, mine))
			text = arena_printf(w->arena, "%s" STR_FMT "\n", text, STR_ARG(line));
	return text;
}

const char *site_belongings(struct world *w, const struct site *s)
{
	struct world_ecs_live l;

	if (is_lambda(s))
		return lambda_belongings(w, s);
	if (is_load_balancer(s))
		return load_balancer_belongings(w, s);
	if (is_auto_scaling(s))
		return auto_scaling_belongings(w, s);
	if (is_beanstalk(s))
		return world_beanstalk_snapshot(w, s->name);
	if (!strcmp(world_ecs_status(w, s->name), ""))
		return "";
	l = world_ecs_look(w, s->name);
	return arena_printf(w->arena, "%s, %g tasks, %s", l.definition, l.running,
			    s->kind == SITE_ECS_NATIVE ? l.configuration : "");
}

const char *site_comparable(struct world *w, const char *belongings, bool retired)
{
	static const char instance[] = "\"i-";
	char *text = arena_strdup(w->arena, belongings), *to = text;

	for (const char *at = text; *at;) {
		bool is_name = retired && !strncmp(at, instance, sizeof(instance) - 1);

		*to++ = *at++;
		while (is_name && *at && *at != '"')
			at++;
	}
	*to = '\0';
	return text;
}

/* --- releases ------------------------------------------------------------------------------- */

static const char *target_lines(struct world *w, const struct site *s)
{
	switch (s->kind) {
	case SITE_AUTO_SCALING_COPY:
		return arena_printf(w->arena,
				    "target: { auto_scaling: { group: %s, install: { image: "
				    "imageDetail.json } } }\n",
				    s->name);
	case SITE_AUTO_SCALING_TWIN:
		return arena_printf(w->arena,
				    "target: { auto_scaling: { group: %s, twin: %s-2, install: { "
				    "run_command: deploy/start.sh } } }\n",
				    s->name, s->name);
	case SITE_BEANSTALK_CLONE:
		return arena_printf(w->arena,
				    "target: { beanstalk: { application: %s, cname: "
				    "%s-prod.eu-central-1.elasticbeanstalk.com, retire: terminate "
				    "} }\n",
				    s->name, s->name);
	case SITE_BEANSTALK_SPLITTING:
		return arena_printf(w->arena,
				    "target: { beanstalk: { application: %s, environment: "
				    "%s-blue, method: traffic_splitting } }\n",
				    s->name, s->name);
	case SITE_ECS_TWO:
		return arena_printf(w->arena,
				    "target: { ecs: { cluster: prod, service: %s, method: "
				    "two_services, rule: \"%s\", candidate: \"%s\" } }\n",
				    s->name, world_rule(w, s->name),
				    world_arn(w, world_control(w, "elbv2 show %s-green", s->name)));
	case SITE_LAMBDA:
	case SITE_LAMBDA_SEGMENTS:
	case SITE_LOAD_BALANCER:
	case SITE_LOAD_BALANCER_SEGMENTS:
	case SITE_ECS_NATIVE:
	case SITE_KINDS:
		break;
	}
	return ""; /* the pipeline says it */
}

static const char *segment_lines(const struct site *s)
{
	if (s->kind == SITE_LAMBDA_SEGMENTS)
		return "segments:\n  staff: { principals: \"" STAFF "\" }\n";
	if (s->kind == SITE_LOAD_BALANCER_SEGMENTS)
		return "segments:\n  staff: { header: { name: X-Team, values: [staff] } }\n";
	return "";
}

static const char *metric_lines(const struct site *s)
{
	if (is_lambda(s))
		return "  - { metric: AWS/Lambda/Errors, stat: Sum, missing: zero, below: 60 }\n";
	if (is_beanstalk(s))
		return "  - { metric: AWS/ElasticBeanstalk/ApplicationRequests5xx, stat: Sum, "
		       "missing: zero, below: 60 }\n";
	return "  - { metric: AWS/ApplicationELB/HTTPCode_Target_5XX_Count, stat: Sum, missing: "
	       "zero, below: 60 }\n";
}

static const char *plan_of(struct world *w, const struct site *s, const struct site_release *r)
{
	return arena_printf(w->arena,
			    "rollout: 1\n%s%sstrategy: \"%s\"\nguards:\n"
			    "  - { alarm: %s-errors }\n%s%s%s",
			    target_lines(w, s), segment_lines(s), r->strategy, s->name,
			    r->metric ? metric_lines(s) : "",
			    r->health ? "  - { health: candidate }\n" : "", r->extra);
}

static struct str ecs_definition(struct world *w, const struct site *s)
{
	return str_from(arena_printf(
		w->arena,
		"{\"family\":\"%s\",\"networkMode\":\"awsvpc\",\"requiresCompatibilities\":["
		"\"FARGATE\"],\"cpu\":\"256\",\"memory\":\"512\",\"executionRoleArn\":"
		"\"arn:aws:iam::111122223333:role/ecs-execution\",\"containerDefinitions\":[{"
		"\"name\":\"app\",\"image\":\"<IMAGE1_NAME>\",\"essential\":true,"
		"\"portMappings\":[{\"containerPort\":8080,\"protocol\":\"tcp\"}]}]}",
		s->name));
}

static const char *does(bool bad)
{
	return bad ? "errors=0.4" : "errors=0.001";
}

static size_t ecs_files(struct world *w, const struct site *s, const struct site_release *r,
			struct pack_entry *files)
{
	int tag = r->number + 2; /* 1 runs already */

	world_control(w, "ecs image %s:%d %s", s->name, tag, does(r->bad));
	files[0] = (struct pack_entry){.name = "taskdef.json", .bytes = ecs_definition(w, s)};
	files[1] = (struct pack_entry){
		.name = "imageDetail.json",
		.bytes =
			str_from(arena_printf(w->arena, "{\"ImageURI\":\"%s:%d\"}", s->name, tag))};
	return 2;
}

static size_t code_files(struct world *w, const struct site *s, const struct site_release *r,
			 struct pack_entry *files)
{
	struct world_asg group = group_of(s, "");
	const char *name = is_beanstalk(s) ? "app.py" : "index.py";
	const char *code =
		arena_printf(w->arena, "# release %d\n# sim: %s\n", r->number, does(r->bad));

	if (is_auto_scaling(s))
		name = "deploy/start.sh";
	if (group.install == WORLD_INSTALL_IMAGE && is_auto_scaling(s)) {
		name = "imageDetail.json";
		code = arena_printf(w->arena, "{\"ImageId\":\"ami-0123456789abcdef%d\"}",
				    r->bad ? 2 : 1);
	} else if (is_auto_scaling(s)) {
		code = arena_printf(w->arena, "#!/bin/sh\n%s", code);
	}
	files[0] = (struct pack_entry){.name = name, .bytes = str_from(code)};
	return 1;
}

size_t site_files(struct world *w, const struct site *s, const struct site_release *r,
		  struct pack_entry files[4])
{
	bool ecs = s->kind == SITE_ECS_NATIVE || s->kind == SITE_ECS_TWO;
	size_t n = ecs ? ecs_files(w, s, r, files) : code_files(w, s, r, files);

	files[n++] =
		(struct pack_entry){.name = "rollout.yaml", .bytes = str_from(plan_of(w, s, r))};
	if (is_load_balancer(s)) /* somebody has filled the group already */
		world_control(w, "elbv2 target-group %s-green %s", s->name, does(r->bad));
	return n;
}

/* --- what happens to it --------------------------------------------------------------------- */

void site_turn_bad(struct world *w, const struct site *s, const char *candidate, int release)
{
	if (is_lambda(s))
		world_control(w, "lambda version %s %s errors=0.4", s->name, candidate);
	else if (is_load_balancer(s))
		world_control(w, "elbv2 target-group %s-green errors=0.4", s->name);
	else if (is_beanstalk(s))
		world_control(w, "beanstalk version %s %s errors=0.4", s->name, candidate);
	else if (!is_auto_scaling(s))
		world_control(w, "ecs image %s:%d errors=0.4", s->name, release + 2);
}

/* A command that may be refused: there is nothing to change any more. */
static bool try(struct world *w, const char *line)
{
	struct err err = ERR_INIT;
	struct buf b;
	int rc;

	buf_init(&b, LIMIT_API_BODY);
	rc = sim_control(w->sim, str_from(line), &b, &err);
	buf_release(&b);
	return rc == 0;
}

bool site_change_by_hand(struct world *w, const struct site *s, struct rng *dice)
{
	int percent = 1 + (int)rng_below(dice, 99);

	if (is_lambda(s))
		return try(w, arena_printf(w->arena,
					   "lambda alias %s live version=1 additional=2 "
					   "weight=0.%02d",
					   s->name, percent));
	if (is_auto_scaling(s))
		return try(w, arena_printf(w->arena,
					   "elbv2 listener %s port=443 forward=%s-blue:%d,"
					   "%s-green:%d",
					   s->name, s->name, 100 - percent, s->name, percent));
	if (is_beanstalk(s) || s->kind == SITE_ECS_NATIVE)
		return false;
	return try(w, arena_printf(w->arena, "elbv2 rule %s:443:10 forward=%s-blue:%d,%s-green:%d",
				   s->name, s->name, 100 - percent, s->name, percent));
}

bool site_delete(struct world *w, const struct site *s)
{
	if (is_lambda(s))
		return try(w, arena_printf(w->arena, "lambda delete-alias %s live", s->name));
	if (is_load_balancer(s))
		return try(w, arena_printf(w->arena, "elbv2 delete %s:443:10", s->name));
	if (is_auto_scaling(s))
		return try(w, arena_printf(w->arena, "autoscaling delete %s", s->name));
	if (is_beanstalk(s))
		return try(w, arena_printf(w->arena, "beanstalk terminate %s-blue", s->name));
	return try(w, arena_printf(w->arena, "ecs delete prod/%s", s->name));
}
