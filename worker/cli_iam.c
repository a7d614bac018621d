#include "worker/cli.h"

#include "aws/core/json.h"

/*
 * `plan --iam`: what IAM must allow for one plan, as policy documents. Actions and resources are
 * what targets and guards say of their calls; conditions are by action, as in the policies of
 * cloudformation/policies.yaml, which allow all that stands here. Names of condition keys:
 * "Actions, resources, and condition keys for AWS services", Service Authorization Reference.
 */
#define NULL_OF(key) "{\"Null\":{\"" key "\":\"false\"}}"
#define EQUALS(key, value) "{\"StringEquals\":{\"" key "\":\"" value "\"}}"
#define MADE_BY_US NULL_OF("aws:ResourceTag/rollout-worker:rollout")
#define MADE_AS_OURS NULL_OF("aws:RequestTag/rollout-worker:rollout")

static const struct {
	const char *action, *condition;
	bool is_delete; /* not when the plan says that what others have made goes too */
} conditions[] = {
	{"autoscaling:CreateAutoScalingGroup", MADE_AS_OURS, false},
	{"autoscaling:CreateOrUpdateTags", MADE_AS_OURS, false},
	{"autoscaling:DeleteAutoScalingGroup", MADE_BY_US, true},
	{"autoscaling:EnableMetricsCollection", MADE_BY_US, false},
	{"autoscaling:PutNotificationConfiguration", MADE_BY_US, false},
	{"autoscaling:PutScalingPolicy", MADE_BY_US, false},
	{"autoscaling:PutScheduledUpdateGroupAction", MADE_BY_US, false},
	{"ec2:CreateTags", EQUALS("ec2:CreateAction", "RunInstances"), false},
	{"ec2:RunInstances",
	 "{\"ArnLike\":{\"ec2:LaunchTemplate\":\"arn:aws:ec2:*:*:launch-template/*\"}}", false},
	{"ecs:CreateService", MADE_AS_OURS, false},
	{"ecs:DeleteService", MADE_BY_US, true},
	{"ecs:TagResource",
	 "{\"StringEquals\":{\"ecs:CreateAction\":[\"CreateService\",\"RegisterTaskDefinition\"]}}",
	 false},
	{"elasticbeanstalk:TerminateEnvironment", NULL_OF("aws:ResourceTag/rollout-worker"), true},
	{"elasticloadbalancing:AddTags", EQUALS("elasticloadbalancing:CreateAction", "CreateRule"),
	 false},
	{"elasticloadbalancing:CreateRule", MADE_AS_OURS, false},
	{"elasticloadbalancing:DeleteRule", MADE_BY_US, false},
	{"lambda:AddPermission",
	 "{\"StringNotEquals\":{\"lambda:Principal\":\"*\"},"
	 "\"StringNotLike\":{\"lambda:Principal\":\"*.amazonaws.com*\"}}",
	 false},
};

/* The plan itself says that the old one is deleted, whoever made it. */
static bool deletes_originals(const struct plan *p)
{
	switch (p->target.kind) {
	case TARGET_AUTO_SCALING:
		return p->target.auto_scaling.retire == ASG_RETIRE_DELETE;
	case TARGET_BEANSTALK:
		return p->target.beanstalk.retire == BEANSTALK_TERMINATE;
	case TARGET_ECS:
		return p->target.ecs.retire == ECS_DELETE;
	case TARGET_LAMBDA:
	case TARGET_LOAD_BALANCER:
	case TARGET_KIND_COUNT:
		break;
	}
	return false;
}

/* {"operator":{"key":[value, other]}}; other may be NULL */
static const char *condition_of(struct arena *a, const char *operator, const char * key,
				const char *value, const char *other)
{
	struct json_out o;
	struct buf b;
	char *text;

	buf_init(&b, CLI_OUTPUT_MAX);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_out_key(&o, operator);
	json_out_object(&o);
	json_out_key(&o, key);
	json_out_array(&o);
	json_out_cstr(&o, value);
	if (other)
		json_out_cstr(&o, other);
	json_out_end(&o);
	json_out_end(&o);
	json_out_end(&o);
	text = str_dup(a, buf_str(&b));
	buf_release(&b);
	return text;
}

/* What the plan's own names bound. */
static const char *named_condition(struct arena *a, const struct plan *p,
				   const struct target_call *c)
{
	if (!strcmp(c->iam_action, "iam:PassRole"))
		return p->target.kind == TARGET_ECS
			       ? EQUALS("iam:PassedToService", "ecs-tasks.amazonaws.com")
			       : EQUALS("iam:PassedToService", "ec2.amazonaws.com");
	if (!strcmp(c->iam_action, "ssm:SendCommand") && strstr(c->resource, ":instance/"))
		return condition_of(a, "StringLike", "ssm:resourceTag/aws:autoscaling:groupName",
				    p->target.auto_scaling.group,
				    arena_printf(a, "%s-*", p->target.auto_scaling.group));
	if (!strcmp(c->iam_action, "ecs:ListTasks"))
		return condition_of(
			a, "ArnLike", "ecs:cluster",
			arena_printf(a, "arn:aws:ecs:*:*:cluster/%s", p->target.ecs.cluster), NULL);
	return NULL;
}

/* As JSON; "" for none. */
static const char *condition_for(struct arena *a, const struct plan *p, const struct target_call *c)
{
	const char *named = named_condition(a, p, c);

	if (named)
		return named;
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++)
		if (!strcmp(conditions[i].action, c->iam_action) &&
		    !(conditions[i].is_delete && deletes_originals(p)))
			return conditions[i].condition;
	return "";
}

/* --- a document ------------------------------------------------------------------------------- */

struct granting {
	struct arena *a;
	const struct target_call *calls; /* sorted by action and resource */
	const char **condition;		 /* of each */
	bool *done;
	size_t n;
};

static bool is_alike(const struct granting *g, size_t i, size_t k)
{
	return !strcmp(g->calls[i].resource, g->calls[k].resource) &&
	       !strcmp(g->condition[i], g->condition[k]);
}

/* All actions on the resource of the i-th call under its condition are one statement. */
static void add_statement(struct buf *out, struct granting *g, size_t i)
{
	struct err ignored = ERR_INIT; /* the text is ours */
	struct json *condition = NULL;
	const char *last = NULL;
	struct json_out o;

	json_out_init(&o, out);
	json_out_object(&o);
	json_member_cstr(&o, "Effect", "Allow");
	json_out_key(&o, "Action");
	json_out_array(&o);
	for (size_t k = i; k < g->n; k++) {
		if (g->done[k] || !is_alike(g, i, k))
			continue;
		if (!last || strcmp(last, g->calls[k].iam_action) != 0)
			json_out_cstr(&o, g->calls[k].iam_action);
		last = g->calls[k].iam_action;
		g->done[k] = true;
	}
	json_out_end(&o);
	json_member_cstr(&o, "Resource", g->calls[i].resource);
	if (g->condition[i][0] &&
	    !json_parse(g->a, str_from(g->condition[i]), &condition, &ignored)) {
		json_out_key(&o, "Condition");
		json_out_node(&o, condition);
	}
	json_out_end(&o);
}

static void add_document(struct buf *out, struct granting *g)
{
	bool is_first = true;

	buf_adds(out, "{\"Version\":\"2012-10-17\",\"Statement\":[\n");
	for (size_t i = 0; i < g->n; i++) {
		if (g->done[i])
			continue;
		buf_adds(out, is_first ? " " : ",\n ");
		add_statement(out, g, i);
		is_first = false;
	}
	buf_adds(out, "\n]}");
}

/* Of those of the calls that are made by this role. */
static void add_role(struct buf *out, const struct cli_calls *l, const struct plan *p, bool all,
		     bool own)
{
	struct target_call *calls = arena_array(l->arena, struct target_call, l->n);
	struct granting g = {.a = l->arena,
			     .calls = calls,
			     .condition = arena_array(l->arena, const char *, l->n),
			     .done = arena_array(l->arena, bool, l->n)};

	for (size_t i = 0; i < l->n; i++) {
		if (!all && cli_call_is_own(&l->calls[i]) != own)
			continue;
		calls[g.n] = l->calls[i];
		g.done[g.n] = false;
		g.condition[g.n++] = condition_for(l->arena, p, &l->calls[i]);
	}
	add_document(out, &g);
}

void cli_iam(struct buf *out, const struct cli_calls *l, const struct plan *p)
{
	if (!p->role_arn) {
		add_role(out, l, p, true, true);
		buf_addc(out, '\n');
		return;
	}
	buf_adds(out, "{\"worker\":");
	add_role(out, l, p, false, true);
	buf_adds(out, ",\n\"target\":");
	add_role(out, l, p, false, false);
	buf_adds(out, "}\n");
}
