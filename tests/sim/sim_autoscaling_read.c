#include <stdio.h>

#include "tests/sim/sim_autoscaling.h"

/* The Describe calls about groups, their instances, activities and target groups. */

static void write_time(struct buf *b, const char *tag, struct utc t)
{
	char iso[UTC_ISO_SIZE];
	utc_format_iso(t, iso);
	sim_xml_text(b, tag, str_from(iso));
}

static void write_bool(struct buf *b, const char *tag, bool is)
{
	sim_xml_text(b, tag, is ? STR("true") : STR("false"));
}

static void write_template(struct buf *b, const char *id, const char *name, const char *version)
{
	buf_adds(b, "<LaunchTemplate>");
	sim_xml_text(b, "LaunchTemplateId", str_from(id));
	sim_xml_text(b, "LaunchTemplateName", str_from(name));
	sim_xml_text(b, "Version", str_from(version));
	buf_adds(b, "</LaunchTemplate>");
}

static void write_member(struct buf *b, const struct sim_asg_member *m)
{
	char version[24];
	snprintf(version, sizeof(version), "%lld", (long long)m->i->template_version);
	sim_xml_text(b, "InstanceId", str_from(m->i->id));
	sim_xml_text(b, "InstanceType", str_from(m->i->type));
	sim_xml_text(b, "AvailabilityZone", str_from(m->i->zone));
	sim_xml_text(b, "LifecycleState", str_from(sim_lifecycle_name(m->state)));
	sim_xml_text(b, "HealthStatus", m->unhealthy ? STR("Unhealthy") : STR("Healthy"));
	write_template(b, m->i->template_id, m->i->template_name, version);
	write_bool(b, "ProtectedFromScaleIn", m->protected_);
}

/* --- groups -------------------------------------------------------------------------------- */

static void write_tag(struct buf *b, const struct sim_asg *g, const struct sim_asg_tag *t)
{
	buf_adds(b, "<member>");
	sim_xml_text(b, "ResourceId", str_from(g->name));
	sim_xml_text(b, "ResourceType", STR("auto-scaling-group"));
	sim_xml_text(b, "Key", str_from(t->key));
	sim_xml_text(b, "Value", str_from(t->value));
	write_bool(b, "PropagateAtLaunch", t->propagate);
	buf_adds(b, "</member>");
}

static void write_sources(struct buf *b, const struct sim_asg *g)
{
	buf_adds(b, "<TargetGroupARNs>");
	for (size_t i = 0; i < g->n_sources; i++)
		if (!g->sources[i].leaving && strcmp(g->sources[i].type, "elbv2") == 0)
			sim_xml_text(b, "member", str_from(g->sources[i].arn));
	buf_adds(b, "</TargetGroupARNs><TrafficSources>");
	for (size_t i = 0; i < g->n_sources; i++) {
		if (g->sources[i].leaving)
			continue;
		buf_adds(b, "<member>");
		sim_xml_text(b, "Identifier", str_from(g->sources[i].arn));
		sim_xml_text(b, "Type", str_from(g->sources[i].type));
		buf_adds(b, "</member>");
	}
	buf_adds(b, "</TrafficSources>");
}

static void write_lists(struct buf *b, const struct sim_asg *g, bool instances)
{
	buf_adds(b, "<LoadBalancerNames></LoadBalancerNames>");
	write_sources(b, g);
	buf_adds(b, "<Instances>");
	for (size_t i = 0; instances && i < g->n_members; i++) {
		buf_adds(b, "<member>");
		write_member(b, &g->members[i]);
		buf_adds(b, "</member>");
	}
	buf_adds(b, "</Instances><SuspendedProcesses>");
	for (unsigned p = 0; p < SIM_PROCESS_COUNT; p++) {
		if (sim_asg_runs(g, (enum sim_process)p))
			continue;
		buf_adds(b, "<member>");
		sim_xml_text(b, "ProcessName", str_from(sim_process_name((enum sim_process)p)));
		buf_adds(b, "<SuspensionReason>User suspended</SuspensionReason></member>");
	}
	buf_adds(b, "</SuspendedProcesses><EnabledMetrics>");
	buf_adds(b, g->metrics ? g->metrics : "");
	buf_adds(b, "</EnabledMetrics><Tags>");
	for (size_t i = 0; i < g->n_tags; i++)
		write_tag(b, g, &g->tags[i]);
	buf_adds(b, "</Tags>");
}

static void write_group(struct sim *s, struct buf *b, const struct sim_asg *g, bool instances)
{
	const struct sim_lt *lt = sim_lt_find(s, str_from(g->template_));
	buf_adds(b, "<member>");
	sim_xml_text(b, "AutoScalingGroupName", str_from(g->name));
	sim_xml_text(b, "AutoScalingGroupARN", str_from(g->arn));
	if (!g->mixed && lt)
		write_template(b, lt->id, lt->name, g->version);
	sim_xml_i64(b, "MinSize", g->min);
	sim_xml_i64(b, "MaxSize", g->max);
	sim_xml_i64(b, "DesiredCapacity", g->desired);
	write_time(b, "CreatedTime", g->created);
	sim_fields_write(b, &g->settings);
	write_lists(b, g, instances);
	if (g->deleting)
		sim_xml_text(b, "Status", STR("Delete in progress"));
	if (g->operator_[0]) {
		buf_adds(b, "<Operator>");
		sim_xml_text(b, "Principal", str_from(g->operator_));
		buf_adds(b, "</Operator>");
	}
	buf_adds(b, "</member>");
}

static bool has_tag(const struct sim_asg *g, struct str name, const struct json *values)
{
	for (size_t i = 0; i < g->n_tags; i++) {
		if (str_is(name, "tag-key") && sim_json_lists(values, g->tags[i].key))
			return true;
		if (str_is(name, "tag-value") && sim_json_lists(values, g->tags[i].value))
			return true;
		if (str_starts(name, "tag:") && str_is(str_sub(name, 4, name.n), g->tags[i].key) &&
		    sim_json_lists(values, g->tags[i].value))
			return true;
	}
	return false;
}

static bool group_wanted(const struct sim_asg_call *c, const struct sim_asg *g)
{
	const struct json *names = json_get(c->in, "AutoScalingGroupNames");
	if (names && names->n && !sim_json_lists(names, g->name))
		return false;
	json_each(f, json_get(c->in, "Filters")) {
		if (!has_tag(g, json_text(json_get(f, "Name")), json_get(f, "Values")))
			return false;
	}
	return true;
}

int sim_describe_groups(struct sim_asg_call *c)
{
	bool instances = !str_is(sim_asg_arg(c, "IncludeInstances"), "false");
	struct sim_page p;
	if (sim_asg_page(c, &p))
		return -1;
	json_each(f, json_get(c->in, "Filters")) {
		struct str name = json_text(json_get(f, "Name"));
		if (!str_is(name, "tag-key") && !str_is(name, "tag-value") &&
		    !str_starts(name, "tag:"))
			return sim_asg_error(c, "ValidationError", "'" STR_FMT "' is no filter",
					     STR_ARG(name));
	}
	buf_adds(c->out, "<AutoScalingGroups>");
	for (const struct sim_asg *g = c->st->groups; g; g = g->next)
		if (group_wanted(c, g) && sim_page_take(&p))
			write_group(c->s, c->out, g, instances);
	buf_adds(c->out, "</AutoScalingGroups>");
	sim_asg_page_end(c, &p);
	return 0;
}

int sim_describe_asg_instances(struct sim_asg_call *c)
{
	const struct json *ids = json_get(c->in, "InstanceIds");
	struct sim_page p;
	if (sim_asg_page(c, &p))
		return -1;
	buf_adds(c->out, "<AutoScalingInstances>");
	for (const struct sim_asg *g = c->st->groups; g; g = g->next) {
		for (size_t i = 0; i < g->n_members; i++) {
			if ((ids && ids->n && !sim_json_lists(ids, g->members[i].i->id)) ||
			    !sim_page_take(&p))
				continue;
			buf_adds(c->out, "<member>");
			sim_xml_text(c->out, "AutoScalingGroupName", str_from(g->name));
			write_member(c->out, &g->members[i]);
			buf_adds(c->out, "</member>");
		}
	}
	buf_adds(c->out, "</AutoScalingInstances>");
	sim_asg_page_end(c, &p);
	return 0;
}

/* --- activities ---------------------------------------------------------------------------- */

static void write_activity(struct buf *b, const struct sim_asg *g, const struct sim_activity *a)
{
	buf_adds(b, "<member>");
	sim_xml_text(b, "ActivityId", str_from(a->id));
	sim_xml_text(b, "AutoScalingGroupName", str_from(g->name));
	sim_xml_text(b, "Description", str_from(a->description));
	sim_xml_text(b, "Cause", str_from(a->cause));
	write_time(b, "StartTime", a->start);
	if (a->end.ms)
		write_time(b, "EndTime", a->end);
	sim_xml_text(b, "StatusCode", str_from(a->code));
	if (a->message[0])
		sim_xml_text(b, "StatusMessage", str_from(a->message));
	sim_xml_i64(b, "Progress", a->progress);
	sim_xml_text(b, "AutoScalingGroupARN", str_from(g->arn));
	buf_adds(b, "</member>");
}

int sim_describe_activities(struct sim_asg_call *c)
{
	bool by_name = sim_asg_arg(c, "AutoScalingGroupName").n > 0;
	const struct sim_asg *only = by_name ? sim_asg_need(c) : NULL;
	const struct json *ids = json_get(c->in, "ActivityIds");
	struct sim_page p;
	if ((by_name && !only) || sim_asg_page(c, &p))
		return -1;
	buf_adds(c->out, "<Activities>");
	for (const struct sim_asg *g = c->st->groups; g; g = g->next) {
		for (size_t i = g->n_activities; (!only || g == only) && i-- > 0;)
			if ((!ids || sim_json_lists(ids, g->activities[i].id)) && sim_page_take(&p))
				write_activity(c->out, g, &g->activities[i]);
	}
	buf_adds(c->out, "</Activities>");
	sim_asg_page_end(c, &p);
	return 0;
}

int sim_describe_refreshes(struct sim_asg_call *c)
{
	const struct sim_asg *g = sim_asg_need(c);
	if (!g)
		return -1;
	buf_adds(c->out, "<InstanceRefreshes>");
	if (g->refreshing) {
		buf_adds(c->out, "<member>");
		sim_xml_text(c->out, "InstanceRefreshId",
			     STR("08b91cf7-8fa6-48af-b6a6-d227f40f1b9b"));
		sim_xml_text(c->out, "AutoScalingGroupName", str_from(g->name));
		buf_adds(c->out, "<Status>InProgress</Status><PercentageComplete>0"
				 "</PercentageComplete></member>");
	}
	buf_adds(c->out, "</InstanceRefreshes>");
	return 0;
}

/* --- target groups ------------------------------------------------------------------------- */

static const char *source_state(struct sim *s, const struct sim_asg *g,
				const struct sim_asg_source *source, struct utc now)
{
	if (source->leaving)
		return "Removing";
	for (size_t i = 0; i < g->n_members; i++)
		if (strcmp(sim_elbv2_target_state(s, str_from(source->arn),
						  str_from(g->members[i].i->id)),
			   "healthy") == 0 &&
		    g->elb_health)
			return "InService";
	return now.ms < source->since.ms + 5000 ? "Adding" : "Added";
}

int sim_describe_sources(struct sim_asg_call *c)
{
	const struct sim_asg *g = sim_asg_need(c);
	struct str type = sim_asg_arg(c, "TrafficSourceType");
	struct sim_page p;
	if (!g || sim_asg_page(c, &p))
		return -1;
	buf_adds(c->out, "<TrafficSources>");
	for (size_t i = 0; i < g->n_sources; i++) {
		const struct sim_asg_source *source = &g->sources[i];
		if ((type.n && !str_is(type, source->type)) || !sim_page_take(&p))
			continue;
		buf_adds(c->out, "<member>");
		sim_xml_text(c->out, "TrafficSource", str_from(source->arn));
		sim_xml_text(c->out, "State", str_from(source_state(c->s, g, source, c->x->now)));
		sim_xml_text(c->out, "Identifier", str_from(source->arn));
		sim_xml_text(c->out, "Type", str_from(source->type));
		buf_adds(c->out, "</member>");
	}
	buf_adds(c->out, "</TrafficSources>");
	sim_asg_page_end(c, &p);
	return 0;
}

int sim_describe_asg_target_groups(struct sim_asg_call *c)
{
	const struct sim_asg *g = sim_asg_need(c);
	struct sim_page p;
	if (!g || sim_asg_page(c, &p))
		return -1;
	buf_adds(c->out, "<LoadBalancerTargetGroups>");
	for (size_t i = 0; i < g->n_sources; i++) {
		const struct sim_asg_source *source = &g->sources[i];
		if (strcmp(source->type, "elbv2") != 0 || !sim_page_take(&p))
			continue;
		buf_adds(c->out, "<member>");
		sim_xml_text(c->out, "LoadBalancerTargetGroupARN", str_from(source->arn));
		sim_xml_text(c->out, "State", str_from(source_state(c->s, g, source, c->x->now)));
		buf_adds(c->out, "</member>");
	}
	buf_adds(c->out, "</LoadBalancerTargetGroups>");
	sim_asg_page_end(c, &p);
	return 0;
}
