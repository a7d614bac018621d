/*
 * The worker's calls on EC2 Auto Scaling groups and launch templates.
 */
#include "tests/contract/moto_calls.h"

#include "aws/autoscaling.h"
#include "aws/ec2.h"

#define COPY "shop-copy"

static int find(struct calls *t, const char *name, struct asg_group *out, struct err *err)
{
	struct asg_group *g;

	if (asg_describe_groups(&t->c, &name, 1, t->arena, &g, err) < 0)
		return -1;
	*out = *g;
	return 0;
}

static int described(struct calls *t, struct err *err)
{
	struct asg_group g, none;

	if (find(t, fixture(t, "group"), &g, err) < 0 ||
	    want_text("name", g.name, "shop", err) < 0 ||
	    want_number("min", (double)g.min, 1, err) < 0 ||
	    want_number("max", (double)g.max, 4, err) < 0 ||
	    want_number("desired", (double)g.desired, 2, err) < 0 ||
	    want_text("template", g.launch_template.id, fixture(t, "template"), err) < 0 ||
	    want_text("version", g.launch_template.version, "1", err) < 0 ||
	    want_text("health checks", g.health_check_type, "ELB", err) < 0 ||
	    want_number("target groups", (double)g.n_target_groups, 1, err) < 0 ||
	    want_text("target group", g.target_groups[0], fixture(t, "group-first"), err) < 0 ||
	    want_number("instances", (double)g.n_instances, 2, err) < 0 ||
	    want_true("in service", g.instances[0].in_service, err) < 0 ||
	    want_text("their version", g.instances[0].launch_template.version, "1", err) < 0 ||
	    want_text("tag", asg_tag_get(&g, "team"), "a & b", err) < 0 ||
	    find(t, "nobody", &none, err) < 0)
		return -1;
	return want_true("no such group", none.name == NULL, err);
}

static int versions(struct calls *t, struct err *err)
{
	struct ec2_template of = {.id = fixture(t, "template")}, missing = {.id = "lt-00000000"};
	struct ec2_new_version v = {.of = of,
				    .source = 1,
				    .image_id = fixture(t, "image"),
				    .description = "second",
				    .token = "contract-1"};
	struct ec2_template_version out;
	int64_t number = 0;

	if (ec2_describe_template_version(&t->c, &of, "1", t->arena, &out, err) < 0 ||
	    want_text("id", out.id, of.id, err) < 0 ||
	    want_text("image", out.image_id, fixture(t, "image"), err) < 0 ||
	    ec2_create_template_version(&t->c, &v, t->arena, &number, err) < 0 ||
	    want_number("new version", (double)number, 2, err) < 0 ||
	    ec2_describe_template_version(&t->c, &of, "2", t->arena, &out, err) < 0 ||
	    want_text("description", out.description, "second", err) < 0)
		return -1;
	return want_error("no template",
			  ec2_describe_template_version(&t->c, &missing, "1", t->arena, &out, err),
			  ERR_NOT_FOUND, err);
}

static int copy_parts(struct calls *t, struct err *err)
{
	const char *group = fixture(t, "group");
	struct asg_part *policies, *schedules;
	size_t n, n_schedules;

	if (asg_describe_policies(&t->c, group, t->arena, &policies, &n, err) < 0 ||
	    want_number("policies", (double)n, 1, err) < 0 ||
	    want_text("policy", policies[0].name, "cpu", err) < 0 ||
	    want_text("its type", policies[0].type, "TargetTrackingScaling", err) < 0 ||
	    asg_put_policy(&t->c, COPY, &policies[0], NULL, t->arena, err) < 0 ||
	    asg_describe_schedules(&t->c, group, t->arena, &schedules, &n_schedules, err) < 0 ||
	    want_number("schedules", (double)n_schedules, 1, err) < 0 ||
	    want_true("recurring", schedules[0].is_recurring, err) < 0 ||
	    asg_put_schedule(&t->c, COPY, &schedules[0], false, t->arena, err) < 0 ||
	    asg_describe_policies(&t->c, COPY, t->arena, &policies, &n, err) < 0)
		return -1;
	return want_number("policies of the copy", (double)n, 1, err);
}

static int copied(struct calls *t, struct err *err)
{
	const struct asg_tag mark = {"mark", "1", false};
	struct asg_group live, g;
	struct asg_create c = {.name = COPY,
			       .from = &live,
			       .launch_template = {.id = fixture(t, "template"), .version = "2"},
			       .max = 4,
			       .health_check_type = "EC2",
			       .target_group = fixture(t, "group-second"),
			       .more_tags = &mark,
			       .n_more_tags = 1};

	if (find(t, fixture(t, "group"), &live, err) < 0 ||
	    asg_describe_hooks(&t->c, live.name, t->arena, &c.hooks, err) < 0 ||
	    asg_create_group(&t->c, &c, t->arena, err) < 0 ||
	    asg_copy_metrics(&t->c, COPY, &live, t->arena, err) < 0 || copy_parts(t, err) < 0 ||
	    find(t, COPY, &g, err) < 0 || want_text("name", g.name, COPY, err) < 0 ||
	    want_number("desired", (double)g.desired, 0, err) < 0 ||
	    want_text("version", g.launch_template.version, "2", err) < 0 ||
	    want_text("health checks", g.health_check_type, "EC2", err) < 0 ||
	    want_text("target group", g.n_target_groups ? g.target_groups[0] : NULL,
		      fixture(t, "group-second"), err) < 0 ||
	    want_text("its tag", asg_tag_get(&g, "mark"), "1", err) < 0)
		return -1;
	return want_text("a tag of the other", asg_tag_get(&g, "team"), "a & b", err);
}

/*
 * moto forgets the launch template of a group whose update does not name it, and starts instances
 * of the default version whatever it names.
 */
static int scaled(struct calls *t, struct err *err)
{
	static const char *const hold[] = {"AZRebalance", "ScheduledActions"};
	struct asg_group g;
	struct asg_update up = {.min = 1,
				.max = 4,
				.desired = 2,
				.health_check_type = "ELB",
				.launch_template = {.id = fixture(t, "template"), .version = "2"},
				.of = &g};

	if (find(t, COPY, &g, err) < 0)
		return -1;
	if (asg_suspend(&t->c, COPY, hold, 2, t->arena, err) < 0 ||
	    asg_update_group(&t->c, COPY, &up, t->arena, err) < 0 || find(t, COPY, &g, err) < 0 ||
	    want_number("desired", (double)g.desired, 2, err) < 0 ||
	    want_number("instances", (double)g.n_instances, 2, err) < 0 ||
	    want_text("health checks", g.health_check_type, "ELB", err) < 0 ||
	    want_true("suspended", asg_is_suspended(&g, "AZRebalance"), err) < 0 ||
	    asg_resume(&t->c, COPY, hold, 2, t->arena, err) < 0 || find(t, COPY, &g, err) < 0)
		return -1;
	return want_true("resumed", !asg_is_suspended(&g, "AZRebalance"), err);
}

static int removed(struct calls *t, struct err *err)
{
	struct asg_group *tagged, g;
	struct asg_update down = {.launch_template = {.id = fixture(t, "template"), .version = "2"},
				  .of = &g};
	size_t n;

	if (asg_describe_tagged(&t->c, "mark", "1", t->arena, &tagged, &n, err) < 0 ||
	    want_number("tagged groups", (double)n, 1, err) < 0 ||
	    want_text("tagged group", tagged[0].name, COPY, err) < 0 ||
	    find(t, COPY, &g, err) < 0 || asg_update_group(&t->c, COPY, &down, t->arena, err) < 0 ||
	    find(t, COPY, &g, err) < 0 ||
	    want_number("instances", (double)g.n_instances, 0, err) < 0 ||
	    asg_delete_group(&t->c, COPY, t->arena, err) < 0 || find(t, COPY, &g, err) < 0)
		return -1;
	return want_true("deleted", g.name == NULL, err);
}

const struct call_case auto_scaling_cases[] = {
	{"autoscaling: a group is described", described},
	{"ec2: versions of a launch template", versions},
	{"autoscaling: a group is copied", copied},
	{"autoscaling: a group is scaled up, and its processes held", scaled},
	{"autoscaling: a group is emptied and deleted", removed},
};
const size_t n_auto_scaling_cases = sizeof(auto_scaling_cases) / sizeof(auto_scaling_cases[0]);
