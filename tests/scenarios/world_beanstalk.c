#include "tests/scenarios/world_beanstalk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of two words with one key the first counts: so what the caller wants stands first. */

static void make_alarm(struct world *w, const char *name, const char *ns, const char *metric,
		       const char *dimensions)
{
	world_control(w,
		      "cloudwatch alarm %s-errors namespace=%s metric=%s dimensions=\"%s\" "
		      "stat=Sum period=60 threshold=30 evaluation_periods=1 missing=notBreaching "
		      "state=OK",
		      name, ns, metric, dimensions);
}

static void set_up(struct world *w, const char *name)
{
	world_control(w, "beanstalk version %s v1 errors=0.001", name);
	world_control(w, "beanstalk set launch=2m boot=1m deploy=30s pass=1m config=30s");
}

void world_beanstalk(struct world *w, const char *name, const char *more)
{
	set_up(w, name);
	world_control(w,
		      "beanstalk environment %s-blue %s app=%s cname=%s-prod version=v1 min=2 "
		      "rps=50 tag.Team=%s",
		      name, more, name, name, name);
	make_alarm(w, name, "AWS/ElasticBeanstalk", "ApplicationRequests5xx",
		   arena_printf(w->arena, "EnvironmentName=%s-blue", name));
	world_beanstalk_pipeline(w, name);
	sim_advance(w->sim, 120000);
}

void world_beanstalk_twin(struct world *w, const char *name, const char *more)
{
	world_control(w, "beanstalk environment %s-green %s app=%s cname=%s-next version=v1 min=2",
		      name, more, name, name);
}

void world_beanstalk_shared(struct world *w, const char *name)
{
	const char *rule;

	set_up(w, name);
	world_control(w, "elbv2 load-balancer %s", name);
	world_control(w, "elbv2 target-group %s-nobody targets=0", name);
	world_control(w, "elbv2 listener %s port=443 forward=%s-nobody", name, name);
	world_control(w, "beanstalk environment %s-blue app=%s cname=%s-prod min=2 shared=%s", name,
		      name, name, name);
	world_control(w, "beanstalk environment %s-green app=%s cname=%s-next min=2 shared=%s",
		      name, name, name, name);
	rule = world_arn(
		w,
		world_control(
			w,
			"elbv2 rule %s:443 priority=10 path=/x "
			"forward=awseb-%s:100,awseb-%s:0 rps=50",
			name, world_beanstalk_get(w, arena_printf(w->arena, "%s-blue", name), "id"),
			world_beanstalk_get(w, arena_printf(w->arena, "%s-green", name), "id")));
	make_alarm(w, name, "AWS/ApplicationELB", "HTTPCode_Target_5XX_Count",
		   arena_printf(
			   w->arena, "LoadBalancer=%s",
			   json_cstr(json_get(world_ask(w, "elbv2 show %s", name), "dimension"))));
	if (!rule)
		abort();
	world_beanstalk_pipeline(w, name);
	sim_advance(w->sim, 120000);
}

void world_beanstalk_pipeline(struct world *w, const char *name)
{
	world_control(w,
		      "codepipeline pipeline %s action=Rollout type=Deploy/Rollout/1 output=Report",
		      name);
}

void world_beanstalk_push(struct world *w, const char *name, const char *plan,
			  const char *behaviour)
{
	char text[256];
	struct pack_entry files[] = {{.name = "rollout.yaml", .bytes = str_from(plan)},
				     {.name = "app.py"}};

	snprintf(text, sizeof(text), "# sim: %s\n", behaviour);
	files[1].bytes = str_from(text);
	world_push_files(w, name, files, 2);
}

/* --- looking -------------------------------------------------------------------------------- */

const char *world_beanstalk_get(struct world *w, const char *environment, const char *key)
{
	json_each(e, world_ask(w, "beanstalk show")) {
		const char *text = json_cstr(json_get(e, key));

		if (str_is(json_text(json_get(e, "name")), environment) &&
		    !str_is(json_text(json_get(e, "status")), "Terminated"))
			return text ? text : "";
	}
	return "";
}

const char *world_beanstalk_holder(struct world *w, const char *prefix)
{
	const char *start = arena_printf(w->arena, "%s.", prefix);

	json_each(e, world_ask(w, "beanstalk show")) {
		if (str_starts(json_text(json_get(e, "cname")), start) &&
		    !str_is(json_text(json_get(e, "status")), "Terminated"))
			return json_cstr(json_get(e, "name"));
	}
	return "";
}

static const char *fleet_of(struct world *w, const struct json *environment)
{
	const char *text = "";

	json_each(i, json_get(environment, "instances")) {
		text = arena_printf(w->arena, "%s%s" STR_FMT, text, text[0] ? " " : "",
				    STR_ARG(json_text(json_get(i, "version"))));
	}
	return text;
}

const char *world_beanstalk_fleet(struct world *w, const char *environment)
{
	return fleet_of(w, world_ask(w, "beanstalk show %s", environment));
}

static const char *options_of(struct world *w, const struct json *environment)
{
	const char *text = "";

	/* in an order of their own: what was taken out and set again stands elsewhere */
	for (struct str last = {"", 0};;) {
		const struct json *next = NULL;

		json_each(o, json_get(environment, "options")) {
			if (str_cmp(o->key, last) > 0 && (!next || str_cmp(o->key, next->key) < 0))
				next = o;
		}
		if (!next)
			return text;
		last = next->key;
		text = arena_printf(w->arena, "%s " STR_FMT "=" STR_FMT, text, STR_ARG(next->key),
				    STR_ARG(json_text(next)));
	}
}

const char *world_beanstalk_snapshot(struct world *w, const char *name)
{
	const char *text = "", *ours = arena_printf(w->arena, "%s-", name);

	json_each(e, world_ask(w, "beanstalk show")) {
		if (str_starts(json_text(json_get(e, "status")), "Terminat") ||
		    !str_starts(json_text(json_get(e, "name")), ours))
			continue;
		text = arena_printf(
			w->arena, "%s%s %s %s %s %s [%s]%s\n", text, json_cstr(json_get(e, "name")),
			json_cstr(json_get(e, "id")), json_cstr(json_get(e, "version")),
			json_cstr(json_get(e, "status")), json_cstr(json_get(e, "cname")),
			fleet_of(w, e), options_of(w, e));
	}
	json_each(t, json_get(world_ask(w, "beanstalk application %s", name), "templates")) {
		text = arena_printf(w->arena, "%stemplate " STR_FMT "\n", text,
				    STR_ARG(json_text(t)));
	}
	return text;
}

const char *world_beanstalk_rule(struct world *w, const char *name)
{
	return world_arn(w, world_control(w, "elbv2 show %s:443:10", name));
}
