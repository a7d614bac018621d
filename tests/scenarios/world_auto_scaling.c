#include "tests/scenarios/world_auto_scaling.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/target/load_balancer.h"

#define IMAGE_OLD "ami-00000000000000001"
#define IMAGE_GOOD "ami-0123456789abcdef1"
#define IMAGE_BAD "ami-0123456789abcdef2"

static void make_groups(struct world *w, const struct world_asg *g)
{
	const char *name = g->name;

	world_control(w, "ec2 image " IMAGE_OLD " errors=0.001");
	world_control(w, "ec2 image " IMAGE_GOOD " errors=0.001");
	world_control(w, "ec2 image " IMAGE_BAD " errors=0.4");
	world_control(w, "ec2 template %s-lt image=" IMAGE_OLD " type=t3.small", name);
	world_control(w,
		      "autoscaling group %s template=%s-lt version=1 size=%d min=2 max=8 "
		      "targets=%s-blue health=ELB grace=120",
		      name, name, WORLD_ASG_SIZE, name);
	world_control(w, "autoscaling tag %s key=team value=shop", name);
	if (g->install != WORLD_INSTALL_COMMAND) /* new instances would not get the command */
		world_control(w, "autoscaling policy %s cpu target=50", name);
	world_control(w, "autoscaling group %s suspend=AZRebalance", name);
	if (g->twin)
		world_control(w,
			      "autoscaling group %s-2 template=%s-lt version=1 size=0 min=0 max=0 "
			      "targets=%s-green health=ELB grace=120",
			      name, name, name);
}

void world_auto_scaling(struct world *w, const struct world_asg *g)
{
	const char *name = g->name, *listener;

	world_control(w, "elbv2 load-balancer %s type=application", name);
	world_control(w, "elbv2 target-group %s-blue targets=0 deregistration_s=60", name);
	world_control(w, "elbv2 target-group %s-green targets=0 deregistration_s=60", name);
	listener = world_arn(
		w, world_control(w, "elbv2 listener %s port=443 forward=%s-blue:100,%s-green:0",
				 name, name, name));
	make_groups(w, g);
	sim_advance(w->sim, 120000); /* targets become healthy */
	world_control(w, "elbv2 listener %s port=443 rps=50", name);
	world_control(w,
		      "cloudwatch alarm %s-errors namespace=AWS/ApplicationELB "
		      "metric=HTTPCode_Target_5XX_Count dimensions=\"LoadBalancer=%s\" stat=Sum "
		      "period=60 threshold=30 evaluation_periods=1 missing=notBreaching state=OK",
		      name, lb_load_balancer_dimension(w->arena, listener));
	world_control(w, "codepipeline pipeline %s action=Canary type=Deploy/Rollout/1", name);
}

/* --- releases -------------------------------------------------------------------------------- */

static const char *plan_of(struct world *w, const struct world_asg *g)
{
	static const char *const installs[] = {
		"{ image: imageDetail.json }",
		"{ user_data: deploy/start.sh }",
		"{ run_command: deploy/start.sh }",
	};

	return arena_printf(w->arena,
			    "rollout: 1\ntarget:\n  auto_scaling:\n    group: %s\n%s"
			    "    install: %s\n%sstrategy: \"%s\"\nguards:\n"
			    "  - { alarm: %s-errors }\n%s",
			    g->name,
			    g->twin ? arena_printf(w->arena, "    twin: %s-2\n", g->name) : "",
			    installs[g->install], g->target ? g->target : "", g->strategy, g->name,
			    g->plan ? g->plan : "");
}

void world_auto_scaling_push(struct world *w, const struct world_asg *g, bool bad)
{
	const char *image = bad ? IMAGE_BAD : IMAGE_GOOD;
	const char *script =
		bad ? "#!/bin/sh\n# sim: errors=0.4\n" : "#!/bin/sh\n# sim: errors=0\n";
	struct pack_entry files[] = {
		{.name = "rollout.yaml", .bytes = str_from(plan_of(w, g))},
		{.name = "deploy/start.sh", .bytes = str_from(script)},
	};

	if (g->install == WORLD_INSTALL_IMAGE)
		files[1] = (struct pack_entry){
			.name = "imageDetail.json",
			.bytes = str_from(arena_printf(w->arena, "{\"ImageId\":\"%s\"}", image))};
	world_push_files(w, g->name, files, 2);
}

/* --- looking --------------------------------------------------------------------------------- */

struct world_live world_auto_scaling_live(struct world *w, const char *name)
{
	const struct json *root = world_ask(w, "elbv2 show %s:443", name);
	double blue = 0, green = 0;

	json_each(g, json_get(root, "live")) {
		double weight = 0;

		json_double(json_get(g, "weight"), &weight);
		if (str_ends(json_text(json_get(g, "targetGroup")), "-green"))
			green += weight;
		else
			blue += weight;
	}
	return (struct world_live){.is_one = blue <= 0 || green <= 0,
				   .candidate =
					   blue + green > 0 ? 100 * green / (blue + green) : 0};
}

const char *world_auto_scaling_listener(struct world *w, const char *name)
{
	return json_cstr(json_get(world_ask(w, "elbv2 show %s:443", name), "listener"));
}

/* What happens by itself is left out: counts of activities, health of targets. */
static void describe(struct buf *b, const struct json *group)
{
	static const char *const members[] = {"name",	 "version",   "min",	      "max",
					      "desired", "suspended", "targetGroups", "deleting"};
	struct json_out o;

	json_out_init(&o, b);
	json_out_object(&o);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		json_out_key(&o, members[i]);
		json_out_node(&o, json_get(group, members[i]));
	}
	json_out_key(&o, "instances");
	json_out_array(&o);
	json_each(i, json_get(group, "instances")) {
		json_out_str(&o, json_text(json_get(i, "id")));
	}
	json_out_end(&o);
	json_out_end(&o);
}

const char *world_auto_scaling_belongings(struct world *w)
{
	const char *text;
	struct buf b;

	buf_init(&b, 1u << 20);
	json_each(g, world_ask(w, "autoscaling show")) {
		describe(&b, g);
		buf_addc(&b, '\n');
	}
	text = str_dup(w->arena, buf_str(&b));
	buf_release(&b);
	return text;
}

const struct json *world_asg_show(struct world *w, const char *group, const char *member)
{
	json_each(g, world_ask(w, "autoscaling show")) {
		if (str_is(json_text(json_get(g, "name")), group))
			return json_get(g, member);
	}
	return NULL;
}

const char *world_asg_copy(struct world *w, const char *name)
{
	const char *twin = arena_printf(w->arena, "%s-2", name);

	json_each(g, world_ask(w, "autoscaling show")) {
		const char *is = json_cstr(json_get(g, "name"));

		if (strcmp(is, name) != 0 && strcmp(is, twin) != 0)
			return is;
	}
	return NULL;
}
