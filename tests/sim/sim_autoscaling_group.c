#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim_autoscaling.h"

/*
 * Groups are made, changed and deleted. What a group is told and nothing here depends on is kept as
 * it was written and answered again.
 */

/* Members that are the same in a request and in the description. */
static const char *const kept[] = {
	"MixedInstancesPolicy",
	"DefaultCooldown",
	"AvailabilityZones",
	"HealthCheckType",
	"HealthCheckGracePeriod",
	"PlacementGroup",
	"VPCZoneIdentifier",
	"TerminationPolicies",
	"NewInstancesProtectedFromScaleIn",
	"ServiceLinkedRoleARN",
	"MaxInstanceLifetime",
	"CapacityRebalance",
	"Context",
	"DesiredCapacityType",
	"DefaultInstanceWarmup",
	"InstanceMaintenancePolicy",
	"DeletionProtection",
	"AvailabilityZoneDistribution",
	"AvailabilityZoneImpairmentPolicy",
	"CapacityReservationSpecification",
	"InstanceLifecyclePolicy",
};

static void set_default(struct sim_asg *g, const char *name, const char *xml)
{
	sim_field_set(&g->settings, name, xasprintf("<%s>%s</%s>", name, xml, name));
}

static void set_defaults(struct sim_asg *g)
{
	set_default(g, "DefaultCooldown", "300");
	set_default(g, "AvailabilityZones",
		    "<member>" SIM_REGION "a</member><member>" SIM_REGION "b</member>");
	set_default(g, "HealthCheckType", "EC2");
	set_default(g, "HealthCheckGracePeriod", "0");
	set_default(g, "TerminationPolicies", "<member>Default</member>");
	set_default(g, "NewInstancesProtectedFromScaleIn", "false");
	set_default(g, "ServiceLinkedRoleARN",
		    "arn:aws:iam::" SIM_ACCOUNT ":role/aws-service-role/autoscaling.amazonaws.com/"
		    "AWSServiceRoleForAutoScaling");
}

/* --- checks -------------------------------------------------------------------------------- */

static int get_number(const struct sim_asg_call *c, const char *key, int64_t *out)
{
	struct str v = sim_asg_arg(c, key);
	if (v.n && !str_parse_i64(v, 0, 10000, out))
		return sim_asg_error(c, "ValidationError", "%s must be a number, 0 or more", key);
	return 0;
}

/* The launch template a request names, alone or in its policy for mixed instances; or NULL. */
static const struct json *template_of(const struct sim_asg_call *c)
{
	const struct json *mixed = json_at(c->in, "MixedInstancesPolicy.LaunchTemplate");
	const struct json *alone = json_get(c->in, "LaunchTemplate");
	return alone ? alone : json_get(mixed, "LaunchTemplateSpecification");
}

static int check_template(struct sim_asg_call *c)
{
	const struct json *t = template_of(c);
	struct str id = json_text(json_get(t, "LaunchTemplateId")),
		   name = json_text(json_get(t, "LaunchTemplateName")),
		   version = json_text(json_get(t, "Version"));
	const struct sim_lt *lt;
	if (!t)
		return 0;
	if (json_get(c->in, "LaunchTemplate") && json_get(c->in, "MixedInstancesPolicy"))
		return sim_asg_error(c, "ValidationError",
				     "Valid requests must contain either LaunchTemplate, "
				     "LaunchConfigurationName, InstanceId or MixedInstancesPolicy "
				     "parameter.");
	if (!id.n == !name.n)
		return sim_asg_error(c, "ValidationError",
				     "Valid requests must contain either launchTemplateId or "
				     "LaunchTemplateName");
	lt = sim_lt_find(c->s, id.n ? id : name);
	if (!lt || !sim_lt_version_find(lt, version))
		return sim_asg_error(c, "ValidationError",
				     "You must use a valid fully-formed launch template. The "
				     "specified launch template, or its version, does not exist.");
	return 0;
}

static int check_health_type(const struct sim_asg_call *c)
{
	struct str rest = sim_asg_arg(c, "HealthCheckType"), one;
	static const char *const types[] = {"EC2", "ELB", "EBS", "VPC_LATTICE"};
	while (str_next(&rest, ',', &one)) {
		bool known = false;
		for (size_t i = 0; i < 4; i++)
			known |= str_is(str_trim(one), types[i]);
		if (!known)
			return sim_asg_error(c, "ValidationError",
					     "Invalid HealthCheckType " STR_FMT, STR_ARG(one));
	}
	return 0;
}

static int check_sizes(const struct sim_asg_call *c, int64_t min, int64_t max, int64_t desired)
{
	if (min > max)
		return sim_asg_error(c, "ValidationError",
				     "Max bound, %lld, must be greater than or equal to min bound, "
				     "%lld",
				     (long long)max, (long long)min);
	if (desired < min || desired > max)
		return sim_asg_error(c, "ValidationError",
				     "Desired capacity:%lld must be between the specified min "
				     "size:%lld and max size:%lld",
				     (long long)desired, (long long)min, (long long)max);
	return 0;
}

static int check_tags(const struct sim_asg_call *c, struct str group)
{
	json_each(t, json_get(c->in, "Tags")) {
		struct str key = json_text(json_get(t, "Key")),
			   of = json_text(json_get(t, "ResourceId"));
		if (!key.n || key.n > 128 || str_starts(key, "aws:"))
			return sim_asg_error(c, "ValidationError",
					     "Invalid tag key '" STR_FMT
					     "'. It must not begin with 'aws:'",
					     STR_ARG(key));
		if (of.n && !str_eq(of, group))
			return sim_asg_error(c, "ValidationError",
					     "The tag's ResourceId '" STR_FMT "' is another group",
					     STR_ARG(of));
	}
	return 0;
}

/* Every target group of a list exists. member: of an element, or NULL: it is the element. */
static int check_target_groups(struct sim_asg_call *c, const struct json *list, const char *member)
{
	json_each(e, list) {
		struct str arn = json_text(member ? json_get(e, member) : e),
			   type = json_text(json_get(member ? e : NULL, "Type"));
		char found[256];
		if (type.n && !str_is(type, "elbv2"))
			continue; /* of other services, which nobody simulates */
		if (!sim_elbv2_group_arn(c->s, arn, found, sizeof(found)))
			return sim_asg_error(c, "ValidationError",
					     "Provided Target Groups may not be valid. Please "
					     "ensure they exist and try again.");
	}
	if (list && list->n > 50)
		return sim_asg_error(c, "ValidationError", "too many target groups");
	return 0;
}

/* --- taking a request over ----------------------------------------------------------------- */

static void take_template(struct sim_asg_call *c, struct sim_asg *g)
{
	const struct json *t = template_of(c);
	struct str id = json_text(json_get(t, "LaunchTemplateId")),
		   version = json_text(json_get(t, "Version"));
	const struct json *overrides =
		json_at(c->in, "MixedInstancesPolicy.LaunchTemplate.Overrides");
	if (!t)
		return;
	(void)str_copy(g->template_, sizeof(g->template_),
		       id.n ? id : json_text(json_get(t, "LaunchTemplateName")));
	(void)str_copy(g->version, sizeof(g->version), version.n ? version : STR("$Default"));
	g->mixed = json_get(c->in, "MixedInstancesPolicy") != NULL;
	(void)str_copy(g->type, sizeof(g->type),
		       overrides && overrides->first
			       ? json_text(json_get(overrides->first, "InstanceType"))
			       : STR(""));
	if (!g->mixed)
		sim_field_set(&g->settings, "MixedInstancesPolicy", NULL);
}

static void take_settings(struct sim_asg_call *c, struct sim_asg *g)
{
	struct str health = sim_asg_arg(c, "HealthCheckType"), one;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		const struct json *m = json_get(c->in, kept[i]);
		if (m)
			sim_field_set(&g->settings, kept[i], sim_member_xml(m));
	}
	if (health.n)
		g->elb_health = false;
	while (str_next(&health, ',', &one))
		g->elb_health |= str_is(str_trim(one), "ELB");
	if (sim_asg_arg(c, "NewInstancesProtectedFromScaleIn").n)
		g->protect_new = str_is(sim_asg_arg(c, "NewInstancesProtectedFromScaleIn"), "true");
	(void)str_parse_i64(sim_asg_arg(c, "HealthCheckGracePeriod"), 0, 1000000, &g->grace_s);
	(void)str_parse_i64(sim_asg_arg(c, "DefaultCooldown"), 0, 1000000, &g->cooldown_s);
	if (sim_asg_arg(c, "DeletionProtection").n)
		(void)str_copy(g->protection, sizeof(g->protection),
			       sim_asg_arg(c, "DeletionProtection"));
	take_template(c, g);
}

void sim_asg_tag_set(struct sim_asg *g, struct str key, struct str value, bool propagate)
{
	struct sim_asg_tag *t = NULL;
	for (size_t i = 0; i < g->n_tags; i++)
		if (str_is(key, g->tags[i].key))
			t = &g->tags[i];
	if (!t) {
		g->tags = xrealloc(g->tags, (g->n_tags + 1) * sizeof(*t));
		t = &g->tags[g->n_tags++];
		(void)str_copy(t->key, sizeof(t->key), key);
	}
	(void)str_copy(t->value, sizeof(t->value), value);
	t->propagate = propagate;
}

static void take_lists(struct sim_asg_call *c, struct sim_asg *g)
{
	json_each(t, json_get(c->in, "Tags")) {
		sim_asg_tag_set(g, json_text(json_get(t, "Key")), json_text(json_get(t, "Value")),
				!str_is(json_text(json_get(t, "PropagateAtLaunch")), "false"));
	}
	json_each(e, json_get(c->in, "TargetGroupARNs")) {
		sim_asg_attach(c->s, g, json_text(e), STR("elbv2"));
	}
	json_each(e, json_get(c->in, "TrafficSources")) {
		sim_asg_attach(c->s, g, json_text(json_get(e, "Identifier")),
			       json_text(json_get(e, "Type")));
	}
}

/* --- create -------------------------------------------------------------------------------- */

static int check_create(struct sim_asg_call *c, int64_t *min, int64_t *max, int64_t *desired)
{
	struct str name = sim_asg_arg(c, "AutoScalingGroupName");
	const struct json *targets = json_get(c->in, "TargetGroupARNs"),
			  *sources = json_get(c->in, "TrafficSources");
	if (!name.n || name.n > 255 || !sim_asg_arg(c, "MinSize").n || !sim_asg_arg(c, "MaxSize").n)
		return sim_asg_error(c, "ValidationError",
				     "AutoScalingGroupName, MinSize and MaxSize are required");
	if (sim_asg_find(c->st, name))
		return sim_asg_error(c, "AlreadyExists",
				     "AutoScalingGroup by this name already exists - A group with "
				     "the name " STR_FMT " already exists",
				     STR_ARG(name));
	if (get_number(c, "MinSize", min) || get_number(c, "MaxSize", max))
		return -1;
	*desired = *min;
	if (get_number(c, "DesiredCapacity", desired) || check_sizes(c, *min, *max, *desired))
		return -1;
	if (!template_of(c))
		return sim_asg_error(c, "ValidationError",
				     "Valid requests must contain either LaunchTemplate, "
				     "LaunchConfigurationName, InstanceId or MixedInstancesPolicy "
				     "parameter.");
	if (!sim_asg_arg(c, "VPCZoneIdentifier").n && !json_get(c->in, "AvailabilityZones"))
		return sim_asg_error(c, "ValidationError",
				     "At least one Availability Zone or VPC Subnet is required.");
	if (targets && targets->n && sources && sources->n)
		return sim_asg_error(c, "ValidationError",
				     "Use either TargetGroupARNs or TrafficSources");
	if (check_template(c) || check_health_type(c) || check_tags(c, name) ||
	    check_target_groups(c, targets, NULL) || check_target_groups(c, sources, "Identifier"))
		return -1;
	json_each(hook, json_get(c->in, "LifecycleHookSpecificationList")) {
		if (sim_hook_check(c, hook))
			return -1;
	}
	return 0;
}

int sim_create_group(struct sim_asg_call *c)
{
	int64_t min = 0, max = 0, desired = 0;
	struct sim_asg *g;
	if (check_create(c, &min, &max, &desired))
		return -1;
	g = sim_asg_new(c->st, sim_asg_arg(c, "AutoScalingGroupName"), c->x->now);
	set_defaults(g);
	g->min = min;
	g->max = max;
	g->desired = desired;
	json_each(hook, json_get(c->in, "LifecycleHookSpecificationList")) {
		sim_hook_put(g, hook);
	}
	take_settings(c, g);
	take_lists(c, g);
	return 0;
}

/* --- update -------------------------------------------------------------------------------- */

/* A group that may be changed; or NULL: an error is answered. */
static struct sim_asg *need_changeable(struct sim_asg_call *c)
{
	struct sim_asg *g = sim_asg_need(c);
	if (g && g->deleting) {
		(void)sim_asg_error(c, "ValidationError", "AutoScalingGroup '%s' is pending delete",
				    g->name);
		return NULL;
	}
	if (g && g->operator_[0]) {
		(void)sim_asg_error(c, "ValidationError",
				    "The group is managed by %s and takes no changes from others",
				    g->operator_);
		return NULL;
	}
	return g;
}

int sim_update_group(struct sim_asg_call *c)
{
	struct sim_asg *g = need_changeable(c);
	int64_t min, max, desired;
	bool said;
	if (!g)
		return -1;
	min = g->min;
	max = g->max;
	desired = g->desired;
	said = sim_asg_arg(c, "DesiredCapacity").n > 0;
	if (get_number(c, "MinSize", &min) || get_number(c, "MaxSize", &max) ||
	    get_number(c, "DesiredCapacity", &desired))
		return -1;
	if (!said && min <= max) /* new bounds take the desired capacity along */
		desired = desired < min ? min : desired > max ? max : desired;
	if (check_sizes(c, min, max, desired) || check_template(c) || check_health_type(c))
		return -1;
	if (sim_asg_arg(c, "LaunchConfigurationName").n)
		return sim_asg_error(c, "ValidationError", "Launch configuration name not found");
	if (desired != g->desired)
		g->last_scaling = c->x->now;
	g->min = min;
	g->max = max;
	g->desired = desired;
	take_settings(c, g);
	return 0;
}

int sim_set_desired(struct sim_asg_call *c)
{
	struct sim_asg *g = need_changeable(c);
	int64_t desired = -1;
	if (!g || get_number(c, "DesiredCapacity", &desired))
		return -1;
	if (desired < 0)
		return sim_asg_error(c, "ValidationError", "DesiredCapacity is required");
	if (desired > g->max || desired < g->min)
		return sim_asg_error(c, "ValidationError",
				     "New SetDesiredCapacity value %lld is %s value %lld for the "
				     "AutoScalingGroup.",
				     (long long)desired,
				     desired > g->max ? "above max" : "below min",
				     (long long)(desired > g->max ? g->max : g->min));
	if (str_is(sim_asg_arg(c, "HonorCooldown"), "true") && g->last_scaling.ms &&
	    c->x->now.ms < g->last_scaling.ms + g->cooldown_s * 1000)
		return sim_asg_error(c, "ScalingActivityInProgress",
				     "Scaling activity is in progress: the group %s is in its "
				     "cooldown period",
				     g->name);
	if (desired != g->desired)
		g->last_scaling = c->x->now;
	g->desired = desired;
	return 0;
}

/* --- delete -------------------------------------------------------------------------------- */

int sim_delete_group(struct sim_asg_call *c)
{
	struct sim_asg *g = sim_asg_need(c);
	bool force = str_is(sim_asg_arg(c, "ForceDelete"), "true"), ending = true;
	if (!g)
		return -1;
	if (strcmp(g->protection, "prevent-all-deletion") == 0 ||
	    (force && strcmp(g->protection, "prevent-force-deletion") == 0))
		return sim_asg_error(c, "ValidationError",
				     "The group %s is protected from deletion: %s", g->name,
				     g->protection);
	if (g->deleting && !force)
		return 0;
	for (size_t i = 0; i < g->n_members; i++)
		ending = ending && g->members[i].state >= SIM_TERMINATING;
	if (!force && g->n_members && ending)
		return sim_asg_error(
			c, "ScalingActivityInProgress",
			"You cannot delete an AutoScalingGroup while there are scaling "
			"activities in progress for that group.");
	if (!force && (g->n_members || g->desired))
		return sim_asg_error(c, "ResourceInUse",
				     "You cannot delete an AutoScalingGroup while there are "
				     "instances or pending Spot instance request(s) still in the "
				     "group.");
	g->deleting = true;
	g->desired = g->min = 0;
	for (size_t i = 0; i < g->n_members; i++)
		sim_asg_end_member(c->s, g, &g->members[i],
				   "a user request force-deleted AutoScalingGroup.", true);
	return 0;
}

/* --- target groups ------------------------------------------------------------------------- */

static int attach(struct sim_asg_call *c, const char *list, const char *member)
{
	const struct json *asked = json_get(c->in, list);
	struct sim_asg *g = need_changeable(c);
	if (!g)
		return -1;
	if (!asked || !asked->n || asked->n > 10)
		return sim_asg_error(c, "ValidationError", "%s: 1 to 10 members", list);
	if (check_target_groups(c, asked, member))
		return -1;
	json_each(e, asked) {
		sim_asg_attach(c->s, g, json_text(member ? json_get(e, member) : e),
			       json_text(json_get(member ? e : NULL, "Type")));
	}
	return 0;
}

static int detach(struct sim_asg_call *c, const char *list, const char *member)
{
	const struct json *asked = json_get(c->in, list);
	struct sim_asg *g = need_changeable(c);
	if (!g)
		return -1;
	if (!asked || !asked->n || asked->n > 10)
		return sim_asg_error(c, "ValidationError", "%s: 1 to 10 members", list);
	json_each(e, asked) {
		if (!sim_asg_source_find(g, json_text(member ? json_get(e, member) : e)))
			return sim_asg_error(c, "ValidationError",
					     "Trying to remove Target Groups that are not part of "
					     "the group");
	}
	json_each(e, asked) {
		sim_asg_detach(c->s, g,
			       sim_asg_source_find(g, json_text(member ? json_get(e, member) : e)));
	}
	return 0;
}

int sim_attach_target_groups(struct sim_asg_call *c)
{
	return attach(c, "TargetGroupARNs", NULL);
}

int sim_detach_target_groups(struct sim_asg_call *c)
{
	return detach(c, "TargetGroupARNs", NULL);
}

int sim_attach_sources(struct sim_asg_call *c)
{
	return attach(c, "TrafficSources", "Identifier");
}

int sim_detach_sources(struct sim_asg_call *c)
{
	return detach(c, "TrafficSources", "Identifier");
}

/* --- processes and instances --------------------------------------------------------------- */

static int processes(struct sim_asg_call *c, struct sim_asg *g, unsigned *bits)
{
	const struct json *asked = json_get(c->in, "ScalingProcesses");
	*bits = asked && asked->n ? 0 : (1u << SIM_PROCESS_COUNT) - 1;
	json_each(e, asked) {
		unsigned bit = 0;
		for (unsigned p = 0; p < SIM_PROCESS_COUNT; p++)
			if (str_is(json_text(e), sim_process_name((enum sim_process)p)))
				bit = 1u << p;
		if (!bit)
			return sim_asg_error(c, "ValidationError",
					     STR_FMT " is not a process of %s",
					     STR_ARG(json_text(e)), g->name);
		*bits |= bit;
	}
	return 0;
}

int sim_suspend_processes(struct sim_asg_call *c)
{
	struct sim_asg *g = need_changeable(c);
	unsigned bits;
	if (!g || processes(c, g, &bits))
		return -1;
	g->suspended |= bits;
	return 0;
}

int sim_resume_processes(struct sim_asg_call *c)
{
	struct sim_asg *g = need_changeable(c);
	unsigned bits;
	if (!g || processes(c, g, &bits))
		return -1;
	g->suspended &= ~bits;
	return 0;
}

static struct sim_asg_member *find_member(struct sim_asg *g, struct str id)
{
	for (size_t i = 0; i < g->n_members; i++)
		if (str_is(id, g->members[i].i->id))
			return &g->members[i];
	return NULL;
}

int sim_terminate_instance(struct sim_asg_call *c)
{
	struct str id = sim_asg_arg(c, "InstanceId"),
		   less = sim_asg_arg(c, "ShouldDecrementDesiredCapacity");
	for (struct sim_asg *g = c->st->groups; g; g = g->next) {
		struct sim_asg_member *m = find_member(g, id);
		char iso[UTC_ISO_SIZE];
		const struct sim_activity *a;
		if (!m)
			continue;
		if (str_is(less, "true") && g->desired <= g->min)
			return sim_asg_error(c, "ValidationError",
					     "Currently, desiredSize equals minSize (%lld). "
					     "Terminating instance without replacement will "
					     "violate group's min size constraint.",
					     (long long)g->min);
		if (str_is(less, "true"))
			g->desired--;
		sim_asg_end_member(c->s, g, m,
				   "instance was taken out of service in response to a user "
				   "request.",
				   false);
		a = &g->activities[m->activity];
		utc_format_iso(a->start, iso);
		buf_adds(c->out, "<Activity>");
		sim_xml_text(c->out, "ActivityId", str_from(a->id));
		sim_xml_text(c->out, "AutoScalingGroupName", str_from(g->name));
		sim_xml_text(c->out, "Cause", str_from(a->cause));
		sim_xml_text(c->out, "StartTime", str_from(iso));
		sim_xml_text(c->out, "StatusCode", str_from(a->code));
		buf_adds(c->out, "</Activity>");
		return 0;
	}
	return sim_asg_error(c, "ValidationError",
			     "Instance Id not found - No managed instance "
			     "found for instance ID " STR_FMT,
			     STR_ARG(id));
}

int sim_set_protection(struct sim_asg_call *c)
{
	struct sim_asg *g = need_changeable(c);
	bool on = str_is(sim_asg_arg(c, "ProtectedFromScaleIn"), "true");
	if (!g)
		return -1;
	json_each(e, json_get(c->in, "InstanceIds")) {
		struct sim_asg_member *m = find_member(g, json_text(e));
		if (!m)
			return sim_asg_error(c, "ValidationError",
					     "The instance " STR_FMT " is not part of %s",
					     STR_ARG(json_text(e)), g->name);
		m->protected_ = on;
	}
	return 0;
}
