#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim_autoscaling.h"

/*
 * What a group has and its description does not tell: scaling policies, scheduled actions,
 * lifecycle hooks, notifications, metrics; and tags by their own calls.
 */

struct sim_asg_part *sim_part_put(struct sim_asg *g, enum sim_part_kind kind, struct str name,
				  const char *type)
{
	struct sim_asg_part *p;
	for (size_t i = 0; i < g->n_parts; i++) {
		p = &g->parts[i];
		if (p->kind == kind && str_is(name, p->name) &&
		    (kind != SIM_NOTIFICATION || strcmp(type, p->type) == 0))
			return p;
	}
	g->parts = xrealloc(g->parts, (g->n_parts + 1) * sizeof(*p));
	p = &g->parts[g->n_parts++];
	*p = (struct sim_asg_part){.kind = kind, .heartbeat_s = 3600, .abandons = true};
	(void)str_copy(p->name, sizeof(p->name), name);
	(void)str_copy(p->type, sizeof(p->type), str_from(type));
	return p;
}

/* The members of a request but the name of the group, as XML. free() it. */
static char *members_xml(const struct json *in)
{
	struct buf b;
	buf_init(&b, 1u << 20);
	json_each(m, in) {
		char *xml;
		if (str_is(m->key, "Action") || str_is(m->key, "Version") ||
		    str_is(m->key, "AutoScalingGroupName"))
			continue;
		xml = sim_member_xml(m);
		buf_adds(&b, xml);
		free(xml);
	}
	return buf_take(&b);
}

static void set_xml(struct sim_asg_part *p, char *xml)
{
	free(p->xml);
	p->xml = xml;
}

/* Parts of one kind, each as a <member> with the name of its group. */
static int describe(struct sim_asg_call *c, enum sim_part_kind kind, const char *list,
		    const char *names)
{
	const struct sim_asg *only = NULL;
	const struct json *asked = json_get(c->in, names);
	struct sim_page p;
	if (sim_asg_arg(c, "AutoScalingGroupName").n && !(only = sim_asg_need(c)))
		return -1;
	if (sim_asg_page(c, &p))
		return -1;
	buf_addf(c->out, "<%s>", list);
	for (const struct sim_asg *g = c->st->groups; g; g = g->next) {
		for (size_t i = 0; (!only || g == only) && i < g->n_parts; i++) {
			const struct sim_asg_part *part = &g->parts[i];
			if (part->kind != kind ||
			    (asked && asked->n && !sim_json_lists(asked, part->name)) ||
			    !sim_page_take(&p))
				continue;
			buf_adds(c->out, "<member>");
			sim_xml_text(c->out, "AutoScalingGroupName", str_from(g->name));
			buf_adds(c->out, part->xml);
			buf_adds(c->out, "</member>");
		}
	}
	buf_addf(c->out, "</%s>", list);
	sim_asg_page_end(c, &p);
	return 0;
}

/* --- scaling policies ---------------------------------------------------------------------- */

/* Alarms that target tracking makes for itself. */
static void add_alarms(struct buf *b, const struct sim_asg *g, const char *policy)
{
	static const char *const which[] = {"AlarmHigh", "AlarmLow"};
	buf_adds(b, "<Alarms>");
	for (size_t i = 0; i < 2; i++)
		buf_addf(b,
			 "<member><AlarmName>TargetTracking-%s-%s-%s</AlarmName><AlarmARN>"
			 "arn:aws:cloudwatch:" SIM_REGION ":" SIM_ACCOUNT
			 ":alarm:TargetTracking-%s-%s-%s</AlarmARN></member>",
			 g->name, which[i], policy, g->name, which[i], policy);
	buf_adds(b, "</Alarms>");
}

int sim_put_policy(struct sim_asg_call *c)
{
	struct sim_asg *g = sim_asg_need(c);
	struct str name = sim_asg_arg(c, "PolicyName"), type = sim_asg_arg(c, "PolicyType");
	bool tracks = str_is(type, "TargetTrackingScaling");
	struct sim_asg_part *p;
	struct buf b;
	char *in;
	if (!g)
		return -1;
	if (!name.n || name.n > 255)
		return sim_asg_error(c, "ValidationError", "PolicyName is required");
	if (tracks != (json_get(c->in, "TargetTrackingConfiguration") != NULL))
		return sim_asg_error(c, "ValidationError",
				     "TargetTrackingConfiguration goes with TargetTrackingScaling");
	if (!tracks && !str_is(type, "PredictiveScaling") && !sim_asg_arg(c, "AdjustmentType").n)
		return sim_asg_error(c, "ValidationError", "AdjustmentType is required");
	p = sim_part_put(g, SIM_POLICY, name, "");
	(void)str_copy(p->type, sizeof(p->type), type.n ? type : STR("SimpleScaling"));
	in = members_xml(c->in);
	buf_init(&b, 1u << 20);
	buf_adds(&b, in);
	free(in);
	if (!type.n)
		sim_xml_text(&b, "PolicyType", STR("SimpleScaling"));
	if (!sim_asg_arg(c, "Enabled").n)
		sim_xml_text(&b, "Enabled", STR("true"));
	buf_addf(c->out,
		 "<PolicyARN>arn:aws:autoscaling:" SIM_REGION ":" SIM_ACCOUNT
		 ":scalingPolicy:00000000-0000-4000-8000-000000000000:autoScalingGroupName/%s:"
		 "policyName/%s</PolicyARN>",
		 g->name, p->name);
	if (tracks)
		add_alarms(c->out, g, p->name);
	buf_add_str(&b, buf_str(c->out));
	if (!tracks)
		buf_adds(&b, "<Alarms></Alarms>");
	set_xml(p, buf_take(&b));
	return 0;
}

int sim_describe_policies(struct sim_asg_call *c)
{
	return describe(c, SIM_POLICY, "ScalingPolicies", "PolicyNames");
}

/* --- scheduled actions --------------------------------------------------------------------- */

int sim_put_schedule(struct sim_asg_call *c)
{
	struct sim_asg *g = sim_asg_need(c);
	struct str name = sim_asg_arg(c, "ScheduledActionName"),
		   start = sim_asg_arg(c, "StartTime");
	struct sim_asg_part *p;
	struct utc at;
	struct buf b;
	char *in;
	if (!g)
		return -1;
	if (!name.n || name.n > 255)
		return sim_asg_error(c, "ValidationError", "ScheduledActionName is required");
	if (start.n && (!utc_parse_iso(start, &at) || at.ms <= c->x->now.ms))
		return sim_asg_error(c, "ValidationError", "Given start time is in the past");
	if (!start.n && !sim_asg_arg(c, "Recurrence").n)
		return sim_asg_error(c, "ValidationError",
				     "Either StartTime or Recurrence is required");
	p = sim_part_put(g, SIM_SCHEDULE, name, "");
	in = members_xml(c->in);
	buf_init(&b, 1u << 20);
	buf_adds(&b, in);
	free(in);
	buf_addf(&b,
		 "<ScheduledActionARN>arn:aws:autoscaling:" SIM_REGION ":" SIM_ACCOUNT
		 ":scheduledUpdateGroupAction:00000000-0000-4000-8000-000000000000:"
		 "autoScalingGroupName/%s:scheduledActionName/%s</ScheduledActionARN>",
		 g->name, p->name);
	set_xml(p, buf_take(&b));
	return 0;
}

int sim_describe_schedules(struct sim_asg_call *c)
{
	return describe(c, SIM_SCHEDULE, "ScheduledUpdateGroupActions", "ScheduledActionNames");
}

/* --- lifecycle hooks ----------------------------------------------------------------------- */

int sim_hook_check(struct sim_asg_call *c, const struct json *in)
{
	struct str name = json_text(json_get(in, "LifecycleHookName")),
		   transition = json_text(json_get(in, "LifecycleTransition")),
		   heartbeat = json_text(json_get(in, "HeartbeatTimeout")),
		   result = json_text(json_get(in, "DefaultResult"));
	int64_t seconds;
	if (!name.n || name.n > 255 ||
	    (!str_is(transition, "autoscaling:EC2_INSTANCE_LAUNCHING") &&
	     !str_is(transition, "autoscaling:EC2_INSTANCE_TERMINATING")))
		return sim_asg_error(c, "ValidationError",
				     "A hook needs LifecycleHookName and LifecycleTransition");
	if ((heartbeat.n && !str_parse_i64(heartbeat, 30, 7200, &seconds)) ||
	    (result.n && !str_is(result, "CONTINUE") && !str_is(result, "ABANDON")))
		return sim_asg_error(c, "ValidationError",
				     "HeartbeatTimeout is 30 to 7200, DefaultResult CONTINUE or "
				     "ABANDON");
	return 0;
}

void sim_hook_put(struct sim_asg *g, const struct json *in)
{
	struct str heartbeat = json_text(json_get(in, "HeartbeatTimeout")),
		   result = json_text(json_get(in, "DefaultResult"));
	struct sim_asg_part *p =
		sim_part_put(g, SIM_HOOK, json_text(json_get(in, "LifecycleHookName")), "");
	struct buf b;
	char *xml;
	(void)str_copy(p->type, sizeof(p->type), json_text(json_get(in, "LifecycleTransition")));
	(void)str_parse_i64(heartbeat, 30, 7200, &p->heartbeat_s);
	p->abandons = !str_is(result, "CONTINUE");
	xml = members_xml(in);
	buf_init(&b, 64u << 10);
	buf_adds(&b, xml);
	free(xml);
	if (!heartbeat.n)
		sim_xml_i64(&b, "HeartbeatTimeout", p->heartbeat_s);
	if (!result.n)
		sim_xml_text(&b, "DefaultResult", STR("ABANDON"));
	sim_xml_i64(&b, "GlobalTimeout", 172800);
	set_xml(p, buf_take(&b));
}

int sim_put_hook(struct sim_asg_call *c)
{
	struct sim_asg *g = sim_asg_need(c);
	if (!g || sim_hook_check(c, c->in))
		return -1;
	sim_hook_put(g, c->in);
	return 0;
}

int sim_describe_hooks(struct sim_asg_call *c)
{
	return sim_asg_need(c) ? describe(c, SIM_HOOK, "LifecycleHooks", "LifecycleHookNames") : -1;
}

int sim_complete_hook(struct sim_asg_call *c)
{
	struct sim_asg *g = sim_asg_need(c);
	struct str hook = sim_asg_arg(c, "LifecycleHookName"), id = sim_asg_arg(c, "InstanceId"),
		   result = sim_asg_arg(c, "LifecycleActionResult");
	if (!g)
		return -1;
	if (!str_is(result, "CONTINUE") && !str_is(result, "ABANDON"))
		return sim_asg_error(c, "ValidationError",
				     "LifecycleActionResult is CONTINUE or ABANDON");
	for (size_t i = 0; i < g->n_members; i++) {
		const struct sim_asg_part *p = sim_asg_hook(g, &g->members[i]);
		if (!p || !str_is(hook, p->name) || !str_is(id, g->members[i].i->id))
			continue;
		g->members[i].answer = str_is(result, "CONTINUE") ? 1 : 2;
		return 0;
	}
	return sim_asg_error(c, "ValidationError",
			     "No active Lifecycle Action found with instance ID " STR_FMT,
			     STR_ARG(id));
}

/* --- notifications and metrics ------------------------------------------------------------- */

int sim_put_notifications(struct sim_asg_call *c)
{
	struct sim_asg *g = sim_asg_need(c);
	struct str topic = sim_asg_arg(c, "TopicARN");
	const struct json *types = json_get(c->in, "NotificationTypes");
	size_t n = 0;
	if (!g)
		return -1;
	if (!topic.n || topic.n > 255 || !types || !types->n)
		return sim_asg_error(c, "ValidationError",
				     "TopicARN and NotificationTypes are required");
	/* the types given replace those the topic had */
	for (size_t i = 0; i < g->n_parts; i++) {
		struct sim_asg_part *p = &g->parts[i];
		if (p->kind == SIM_NOTIFICATION && str_is(topic, p->name))
			free(p->xml);
		else
			g->parts[n++] = *p;
	}
	g->n_parts = n;
	json_each(t, types) {
		struct sim_asg_part *p =
			sim_part_put(g, SIM_NOTIFICATION, topic, json_cstr(t) ? json_cstr(t) : "");
		struct buf b;
		buf_init(&b, 4096);
		sim_xml_text(&b, "TopicARN", topic);
		sim_xml_text(&b, "NotificationType", json_text(t));
		set_xml(p, buf_take(&b));
	}
	return 0;
}

int sim_describe_notifications(struct sim_asg_call *c)
{
	const struct json *names = json_get(c->in, "AutoScalingGroupNames");
	struct sim_page p;
	if (sim_asg_page(c, &p))
		return -1;
	buf_adds(c->out, "<NotificationConfigurations>");
	for (const struct sim_asg *g = c->st->groups; g; g = g->next) {
		for (size_t i = 0; i < g->n_parts; i++) {
			if (g->parts[i].kind != SIM_NOTIFICATION ||
			    (names && names->n && !sim_json_lists(names, g->name)) ||
			    !sim_page_take(&p))
				continue;
			buf_adds(c->out, "<member>");
			sim_xml_text(c->out, "AutoScalingGroupName", str_from(g->name));
			buf_adds(c->out, g->parts[i].xml);
			buf_adds(c->out, "</member>");
		}
	}
	buf_adds(c->out, "</NotificationConfigurations>");
	sim_asg_page_end(c, &p);
	return 0;
}

int sim_enable_metrics(struct sim_asg_call *c)
{
	static const char *const all[] = {"GroupMinSize",	   "GroupMaxSize",
					  "GroupDesiredCapacity",  "GroupInServiceInstances",
					  "GroupPendingInstances", "GroupTerminatingInstances",
					  "GroupTotalInstances"};
	struct sim_asg *g = sim_asg_need(c);
	const struct json *asked = json_get(c->in, "Metrics");
	struct buf b;
	if (!g)
		return -1;
	if (!str_is(sim_asg_arg(c, "Granularity"), "1Minute"))
		return sim_asg_error(c, "ValidationError", "Granularity is 1Minute");
	json_each(m, asked) {
		bool known = false;
		for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
			known |= str_is(json_text(m), all[i]);
		if (!known)
			return sim_asg_error(c, "ValidationError", "No metric " STR_FMT,
					     STR_ARG(json_text(m)));
	}
	buf_init(&b, 64u << 10);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!asked || !asked->n || sim_json_lists(asked, all[i]))
			buf_addf(&b,
				 "<member><Metric>%s</Metric><Granularity>1Minute</Granularity>"
				 "</member>",
				 all[i]);
	free(g->metrics);
	g->metrics = buf_take(&b);
	return 0;
}

int sim_describe_warm_pool(struct sim_asg_call *c)
{
	if (!sim_asg_need(c))
		return -1;
	buf_adds(c->out, "<Instances></Instances>");
	return 0;
}

/* --- tags ---------------------------------------------------------------------------------- */

/* The group a tag is for; or NULL: an error is answered. */
static struct sim_asg *tagged_group(struct sim_asg_call *c, const struct json *tag)
{
	struct str of = json_text(json_get(tag, "ResourceId")),
		   key = json_text(json_get(tag, "Key"));
	struct sim_asg *g = sim_asg_find(c->st, of);
	if (!str_is(json_text(json_get(tag, "ResourceType")), "auto-scaling-group") || !key.n ||
	    str_starts(key, "aws:"))
		(void)sim_asg_error(c, "ValidationError",
				    "A tag needs ResourceType auto-scaling-group and a Key that "
				    "does not begin with aws:");
	else if (!g)
		(void)sim_asg_error(c, "ValidationError",
				    "AutoScalingGroup name not found - AutoScalingGroup '" STR_FMT
				    "' not found",
				    STR_ARG(of));
	else
		return g;
	return NULL;
}

int sim_create_asg_tags(struct sim_asg_call *c)
{
	const struct json *tags = json_get(c->in, "Tags");
	if (!tags || !tags->n)
		return sim_asg_error(c, "ValidationError", "Tags are required");
	json_each(t, tags) {
		if (!tagged_group(c, t))
			return -1;
	}
	json_each(t, tags) {
		sim_asg_tag_set(sim_asg_find(c->st, json_text(json_get(t, "ResourceId"))),
				json_text(json_get(t, "Key")), json_text(json_get(t, "Value")),
				str_is(json_text(json_get(t, "PropagateAtLaunch")), "true"));
	}
	return 0;
}

int sim_delete_asg_tags(struct sim_asg_call *c)
{
	json_each(t, json_get(c->in, "Tags")) {
		struct sim_asg *g = tagged_group(c, t);
		size_t n = 0;
		if (!g)
			return -1;
		for (size_t i = 0; i < g->n_tags; i++)
			if (!str_is(json_text(json_get(t, "Key")), g->tags[i].key))
				g->tags[n++] = g->tags[i];
		g->n_tags = n;
	}
	return 0;
}

static bool tag_wanted(const struct sim_asg_call *c, const struct sim_asg *g,
		       const struct sim_asg_tag *t)
{
	json_each(f, json_get(c->in, "Filters")) {
		struct str name = json_text(json_get(f, "Name"));
		const struct json *values = json_get(f, "Values");
		if ((str_is(name, "auto-scaling-group") && !sim_json_lists(values, g->name)) ||
		    (str_is(name, "key") && !sim_json_lists(values, t->key)) ||
		    (str_is(name, "value") && !sim_json_lists(values, t->value)))
			return false;
	}
	return true;
}

int sim_describe_asg_tags(struct sim_asg_call *c)
{
	struct sim_page p;
	if (sim_asg_page(c, &p))
		return -1;
	buf_adds(c->out, "<Tags>");
	for (const struct sim_asg *g = c->st->groups; g; g = g->next) {
		for (size_t i = 0; i < g->n_tags; i++) {
			const struct sim_asg_tag *t = &g->tags[i];
			if (!tag_wanted(c, g, t) || !sim_page_take(&p))
				continue;
			buf_adds(c->out, "<member>");
			sim_xml_text(c->out, "ResourceId", str_from(g->name));
			sim_xml_text(c->out, "ResourceType", STR("auto-scaling-group"));
			sim_xml_text(c->out, "Key", str_from(t->key));
			sim_xml_text(c->out, "Value", str_from(t->value));
			sim_xml_text(c->out, "PropagateAtLaunch",
				     t->propagate ? STR("true") : STR("false"));
			buf_adds(c->out, "</member>");
		}
	}
	buf_adds(c->out, "</Tags>");
	sim_asg_page_end(c, &p);
	return 0;
}
