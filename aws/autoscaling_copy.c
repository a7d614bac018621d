#include <string.h>

#include "aws/answer.h"
#include "aws/autoscaling.h"
#include "aws/autoscaling_call.h"

/* Groups written: made like another one, changed, deleted. */

/* What a description says and a creation takes under the same name. */
static const char *const copied[] = {"DefaultCooldown",
				     "HealthCheckGracePeriod",
				     "PlacementGroup",
				     "VPCZoneIdentifier",
				     "TerminationPolicies",
				     "NewInstancesProtectedFromScaleIn",
				     "CapacityRebalance",
				     "ServiceLinkedRoleARN",
				     "MaxInstanceLifetime",
				     "Context",
				     "DesiredCapacityType",
				     "DefaultInstanceWarmup",
				     "InstanceMaintenancePolicy",
				     "AvailabilityZoneDistribution",
				     "AvailabilityZoneImpairmentPolicy",
				     "CapacityReservationSpecification",
				     "InstanceLifecyclePolicy",
				     NULL};

static int add_copied(struct buf *b, const struct xml *from, struct err *err)
{
	for (size_t i = 0; copied[i]; i++) {
		const struct xml *node = xml_at(from, copied[i]);

		if (node && form_add_xml(b, copied[i], node, NULL, err))
			return -1;
	}
	/* subnets say the zones; a group outside a VPC has nothing but zones */
	if (!xml_text(from, "VPCZoneIdentifier").n && xml_at(from, "AvailabilityZones"))
		return form_add_xml(b, "AvailabilityZones", xml_at(from, "AvailabilityZones"), NULL,
				    err);
	return 0;
}

static void add_template(struct buf *b, struct arena *a, const char *name,
			 const struct asg_template *t)
{
	if (t->id)
		form_add_text(b, arena_printf(a, "%s.LaunchTemplateId", name), t->id);
	else
		form_add_text(b, arena_printf(a, "%s.LaunchTemplateName", name), t->name);
	form_add_text(b, arena_printf(a, "%s.Version", name), t->version);
}

/* The template, in the policy where the group has one: the rest of that is given as it was. */
static int add_launch(struct buf *b, struct arena *a, const struct asg_group *of,
		      const struct asg_template *t, struct err *err)
{
	const struct xml *policy = xml_at(of->xml, "MixedInstancesPolicy");
	const struct xml *overrides = xml_at(policy, "LaunchTemplate/Overrides");
	const struct xml *distribution = xml_at(policy, "InstancesDistribution");

	if (!of->is_mixed) {
		add_template(b, a, "LaunchTemplate", t);
		return 0;
	}
	add_template(b, a, "MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification", t);
	if (overrides &&
	    form_add_xml(b, "MixedInstancesPolicy.LaunchTemplate.Overrides", overrides, NULL, err))
		return -1;
	if (distribution &&
	    form_add_xml(b, "MixedInstancesPolicy.InstancesDistribution", distribution, NULL, err))
		return -1;
	return 0;
}

/* --- tags ------------------------------------------------------------------------------------ */

static void add_tag(struct buf *b, struct arena *a, size_t i, const char *group,
		    const struct asg_tag *t)
{
	form_add_text(b, arena_printf(a, "Tags.member.%zu.ResourceId", i), group);
	form_add(b, arena_printf(a, "Tags.member.%zu.ResourceType", i), STR("auto-scaling-group"));
	form_add_text(b, arena_printf(a, "Tags.member.%zu.Key", i), t->key);
	form_add(b, arena_printf(a, "Tags.member.%zu.Value", i), str_from(t->value));
	form_add_bool(b, arena_printf(a, "Tags.member.%zu.PropagateAtLaunch", i), t->propagate);
}

static bool has_key(const struct asg_tag *tags, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(tags[i].key, key))
			return true;
	return false;
}

static void add_tags(struct buf *b, struct arena *a, const struct asg_create *g)
{
	size_t at = 0;

	for (size_t i = 0; i < g->from->n_tags; i++) {
		const struct asg_tag *t = &g->from->tags[i];

		/* AWS's own cannot be set */
		if (str_starts(str_from(t->key), "aws:") ||
		    has_key(g->more_tags, g->n_more_tags, t->key))
			continue;
		add_tag(b, a, ++at, g->name, t);
	}
	for (size_t i = 0; i < g->n_more_tags; i++)
		add_tag(b, a, ++at, g->name, &g->more_tags[i]);
}

/* --- hooks ----------------------------------------------------------------------------------- */

static void add_hooks(struct buf *b, struct arena *a, const struct xml *hooks)
{
	static const char *const members[] = {"LifecycleHookName",
					      "LifecycleTransition",
					      "NotificationMetadata",
					      "HeartbeatTimeout",
					      "DefaultResult",
					      "NotificationTargetARN",
					      "RoleARN",
					      NULL};
	size_t at = 0;

	xml_each(hook, hooks, "member") {
		at++;
		for (size_t i = 0; members[i]; i++)
			form_add_text(b,
				      arena_printf(a,
						   "LifecycleHookSpecificationList.member.%zu.%s",
						   at, members[i]),
				      aws_xml_text(hook, members[i]));
	}
}

/* --- calls ----------------------------------------------------------------------------------- */

static int bad_template(const char *operation, const char *name, struct err *err)
{
	return err_set(err, ERR_REJECTED,
		       "AutoScaling.%s of %.255s: a launch template with a version is needed",
		       operation, name);
}

int asg_create_group(const struct aws_client *c, const struct asg_create *g, struct arena *a,
		     struct err *err)
{
	static const char op[] = "CreateAutoScalingGroup";
	const struct asg_template *t = &g->launch_template;
	struct buf b;

	if ((!t->id && !t->name) || !t->version)
		return bad_template(op, g->name, err);
	buf_init(&b, AUTOSCALING_REQUEST_MAX);
	form_add(&b, "AutoScalingGroupName", str_from(g->name));
	form_add_i64(&b, "MinSize", g->min);
	form_add_i64(&b, "MaxSize", g->max);
	form_add_i64(&b, "DesiredCapacity", g->desired);
	form_add_text(&b, "HealthCheckType", g->health_check_type);
	form_add_text(&b, "TargetGroupARNs.member.1", g->target_group);
	add_tags(&b, a, g);
	add_hooks(&b, a, g->hooks);
	if (add_launch(&b, a, g->from, t, err) || add_copied(&b, g->from->xml, err)) {
		buf_release(&b);
		return err_wrap(err, "AutoScaling.%s of %.255s", op, g->name);
	}
	return autoscaling_write(c, op, &b, false, a, err);
}

int asg_update_group(const struct aws_client *c, const char *name, const struct asg_update *u,
		     struct arena *a, struct err *err)
{
	static const char op[] = "UpdateAutoScalingGroup";
	const struct asg_template *t = &u->launch_template;
	struct buf b;

	if (t->version && ((!t->id && !t->name) || !u->of))
		return bad_template(op, name, err);
	buf_init(&b, AUTOSCALING_REQUEST_MAX);
	form_add(&b, "AutoScalingGroupName", str_from(name));
	if (u->min >= 0)
		form_add_i64(&b, "MinSize", u->min);
	if (u->max >= 0)
		form_add_i64(&b, "MaxSize", u->max);
	if (u->desired >= 0)
		form_add_i64(&b, "DesiredCapacity", u->desired);
	form_add_text(&b, "HealthCheckType", u->health_check_type);
	form_add_text(&b, "DeletionProtection", u->deletion_protection);
	if (t->version && add_launch(&b, a, u->of, t, err)) {
		buf_release(&b);
		return err_wrap(err, "AutoScaling.%s of %.255s", op, name);
	}
	return autoscaling_write(c, op, &b, true, a, err);
}

int asg_delete_group(const struct aws_client *c, const char *name, struct arena *a, struct err *err)
{
	struct buf b;

	buf_init(&b, AUTOSCALING_REQUEST_MAX);
	form_add(&b, "AutoScalingGroupName", str_from(name));
	return autoscaling_write(c, "DeleteAutoScalingGroup", &b, true, a, err);
}

int asg_attach_target_group(const struct aws_client *c, const char *name, const char *target_group,
			    struct arena *a, struct err *err)
{
	struct buf b;

	buf_init(&b, AUTOSCALING_REQUEST_MAX);
	form_add(&b, "AutoScalingGroupName", str_from(name));
	form_add(&b, "TrafficSources.member.1.Identifier", str_from(target_group));
	form_add(&b, "TrafficSources.member.1.Type", STR("elbv2"));
	return autoscaling_write(c, "AttachTrafficSources", &b, true, a, err);
}

static int processes(const struct aws_client *c, const char *operation, const char *name,
		     const char *const *list, size_t n, struct arena *a, struct err *err)
{
	struct buf b;

	if (n == 0)
		return err_set(err, ERR_REJECTED,
			       "AutoScaling.%s of %.255s: no process, which would mean all",
			       operation, name);
	buf_init(&b, AUTOSCALING_REQUEST_MAX);
	form_add(&b, "AutoScalingGroupName", str_from(name));
	for (size_t i = 0; i < n; i++)
		form_add_text(&b, arena_printf(a, "ScalingProcesses.member.%zu", i + 1), list[i]);
	return autoscaling_write(c, operation, &b, true, a, err);
}

int asg_suspend(const struct aws_client *c, const char *name, const char *const *list, size_t n,
		struct arena *a, struct err *err)
{
	return processes(c, "SuspendProcesses", name, list, n, a, err);
}

int asg_resume(const struct aws_client *c, const char *name, const char *const *list, size_t n,
	       struct arena *a, struct err *err)
{
	return processes(c, "ResumeProcesses", name, list, n, a, err);
}
