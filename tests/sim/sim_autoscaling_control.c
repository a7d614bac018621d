#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim_autoscaling.h"

/*
 * Control of the simulated Auto Scaling: groups as tests want them, what other people do to them
 * while a rollout is under way, and how lifecycle hooks are answered. See tests/sim/README.md.
 */

static int get_size(const struct sim_words *w, const char *key, int64_t *out, struct err *err)
{
	struct str v = sim_word_value(w, key);
	if (v.n && !str_parse_i64(v, 0, 10000, out))
		return err_set(err, ERR_REJECTED, "%s: must be a number, 0 to 10000", key);
	return 0;
}

static int get_ms(const struct sim_words *w, const char *key, int64_t *out, struct err *err)
{
	if (sim_word_value(w, key).n && !sim_word_ms(w, key, out))
		return err_set(err, ERR_REJECTED, "%s: not a duration", key);
	return 0;
}

static int get_bool(const struct sim_words *w, const char *key, bool *out, struct err *err)
{
	if (sim_word_value(w, key).n && !sim_word_bool(w, key, out))
		return err_set(err, ERR_REJECTED, "%s: must be true or false", key);
	return 0;
}

static void set_text(struct sim_asg *g, const char *name, struct str value)
{
	struct buf b;
	buf_init(&b, 64u << 10);
	sim_xml_text(&b, name, value);
	sim_field_set(&g->settings, name, buf_take(&b));
}

/* --- groups -------------------------------------------------------------------------------- */

/* mixed=t3.small,t3.large: the launch template stands in a MixedInstancesPolicy */
static void set_mixed(struct sim_asg *g, struct str types, const struct sim_lt *lt)
{
	struct str one;
	struct buf b;
	buf_init(&b, 64u << 10);
	buf_addf(&b,
		 "<MixedInstancesPolicy><LaunchTemplate><LaunchTemplateSpecification>"
		 "<LaunchTemplateId>%s</LaunchTemplateId><LaunchTemplateName>%s"
		 "</LaunchTemplateName><Version>%s</Version></LaunchTemplateSpecification>"
		 "<Overrides>",
		 lt->id, lt->name, g->version);
	while (str_next(&types, ',', &one)) {
		buf_adds(&b, "<member>");
		sim_xml_text(&b, "InstanceType", one);
		buf_adds(&b, "</member>");
		if (!g->type[0])
			(void)str_copy(g->type, sizeof(g->type), one);
	}
	buf_adds(&b, "</Overrides></LaunchTemplate><InstancesDistribution>"
		     "<OnDemandPercentageAboveBaseCapacity>100"
		     "</OnDemandPercentageAboveBaseCapacity></InstancesDistribution>"
		     "</MixedInstancesPolicy>");
	g->mixed = true;
	sim_field_set(&g->settings, "MixedInstancesPolicy", buf_take(&b));
}

static int set_template(struct sim *s, struct sim_asg *g, const struct sim_words *w,
			struct err *err)
{
	struct str name = sim_word_value(w, "template"), version = sim_word_value(w, "version"),
		   mixed = sim_word_value(w, "mixed");
	const struct sim_lt *lt;
	if (!name.n)
		name = str_from(g->template_);
	lt = sim_lt_find(s, name);
	if (!lt)
		return err_set(err, ERR_NOT_FOUND, "group: no launch template '" STR_FMT "'",
			       STR_ARG(name));
	if (!version.n)
		version = g->version[0] ? str_from(g->version) : STR("1");
	if (!sim_lt_version_find(lt, version))
		return err_set(err, ERR_NOT_FOUND, "group: no version '" STR_FMT "' of %s",
			       STR_ARG(version), lt->name);
	(void)str_copy(g->template_, sizeof(g->template_), str_from(lt->id));
	(void)str_copy(g->version, sizeof(g->version), version);
	if (mixed.n)
		set_mixed(g, mixed, lt);
	return 0;
}

static int set_targets(struct sim *s, struct sim_asg *g, struct str list, struct err *err)
{
	struct str one;
	while (str_next(&list, ',', &one)) {
		char arn[256];
		if (!sim_elbv2_group_arn(s, one, arn, sizeof(arn)))
			return err_set(err, ERR_NOT_FOUND, "targets: no target group '" STR_FMT "'",
				       STR_ARG(one));
		sim_asg_attach(s, g, str_from(arn), STR("elbv2"));
	}
	return 0;
}

static int set_processes(struct sim_asg *g, struct str list, bool suspend, struct err *err)
{
	struct str one;
	while (str_next(&list, ',', &one)) {
		unsigned bit = 0;
		for (unsigned p = 0; p < SIM_PROCESS_COUNT; p++)
			if (str_is(one, sim_process_name((enum sim_process)p)))
				bit = 1u << p;
		if (!bit)
			return err_set(err, ERR_REJECTED, "no process '" STR_FMT "'", STR_ARG(one));
		g->suspended = suspend ? g->suspended | bit : g->suspended & ~bit;
	}
	return 0;
}

static int set_sizes(struct sim_asg *g, const struct sim_words *w, bool is_new, struct err *err)
{
	int64_t size = g->desired, min = g->min, max = g->max;
	if (get_size(w, "size", &size, err) || get_size(w, "desired", &size, err))
		return -1;
	if (is_new) {
		min = size < 1 ? size : 1;
		max = 2 * size < 10 ? 10 : 2 * size;
	}
	if (get_size(w, "min", &min, err) || get_size(w, "max", &max, err))
		return -1;
	if (min > size || size > max)
		return err_set(err, ERR_REJECTED,
			       "group: min, size and max do not fit: %lld %lld %lld",
			       (long long)min, (long long)size, (long long)max);
	g->desired = size;
	g->min = min;
	g->max = max;
	return 0;
}

static int set_health(struct sim_asg *g, const struct sim_words *w, struct err *err)
{
	struct str health = sim_word_value(w, "health"),
		   protection = sim_word_value(w, "delete_protection"),
		   manager = sim_word_value(w, "operator");
	char text[24];
	if (health.n && !str_is(health, "EC2") && !str_is(health, "ELB"))
		return err_set(err, ERR_REJECTED, "health: must be EC2 or ELB");
	if (health.n) {
		g->elb_health = str_is(health, "ELB");
		set_text(g, "HealthCheckType", health);
	}
	if (get_size(w, "grace", &g->grace_s, err) ||
	    get_bool(w, "protect", &g->protect_new, err) ||
	    get_bool(w, "refreshing", &g->refreshing, err))
		return -1;
	snprintf(text, sizeof(text), "%lld", (long long)g->grace_s);
	set_text(g, "HealthCheckGracePeriod", str_from(text));
	set_text(g, "NewInstancesProtectedFromScaleIn",
		 g->protect_new ? STR("true") : STR("false"));
	if (protection.n) {
		(void)str_copy(g->protection, sizeof(g->protection), protection);
		set_text(g, "DeletionProtection", protection);
	}
	if (manager.n)
		(void)str_copy(g->operator_, sizeof(g->operator_), manager);
	return 0;
}

static void set_new(struct sim_asg *g)
{
	set_text(g, "DefaultCooldown", STR("300"));
	sim_field_set(&g->settings, "AvailabilityZones",
		      xstrdup("<AvailabilityZones><member>" SIM_REGION
			      "a</member><member>" SIM_REGION "b</member></AvailabilityZones>"));
	set_text(g, "HealthCheckType", STR("EC2"));
	set_text(g, "VPCZoneIdentifier", STR("subnet-0a1b2c3d,subnet-4e5f6a7b"));
	sim_field_set(&g->settings, "TerminationPolicies",
		      xstrdup("<TerminationPolicies><member>Default</member>"
			      "</TerminationPolicies>"));
}

/* autoscaling group NAME template=... : made, with its instances in service; or changed */
static int do_group(struct sim *s, struct sim_autoscaling_state *st, const struct sim_words *w,
		    struct err *err)
{
	struct str name = sim_word(w, 2);
	struct sim_asg *g = sim_asg_find(st, name);
	bool is_new = !g;
	if (!name.n || name.n > 255)
		return err_set(err, ERR_REJECTED, "group: a name is missing");
	if (is_new && !sim_lt_find(s, sim_word_value(w, "template")))
		return err_set(err, ERR_NOT_FOUND, "group: no launch template '" STR_FMT "'",
			       STR_ARG(sim_word_value(w, "template")));
	if (is_new) {
		g = sim_asg_new(st, name, sim_now(s));
		set_new(g);
	}
	if (set_template(s, g, w, err) || set_sizes(g, w, is_new, err) || set_health(g, w, err) ||
	    get_ms(w, "launch_ms", &g->launch_ms, err) ||
	    get_ms(w, "terminate_ms", &g->terminate_ms, err) ||
	    set_targets(s, g, sim_word_value(w, "targets"), err) ||
	    set_processes(g, sim_word_value(w, "suspend"), true, err) ||
	    set_processes(g, sim_word_value(w, "resume"), false, err)) {
		g->deleting |= is_new; /* and is gone at the next step */
		return -1;
	}
	if (is_new)
		sim_asg_fill(s, g);
	return 0;
}

/* --- what belongs to a group --------------------------------------------------------------- */

/* autoscaling policy GROUP NAME [target=50] [metric=ASGAverageCPUUtilization] [label=...] */
static int do_policy(struct sim_asg *g, const struct sim_words *w, struct err *err)
{
	struct str name = sim_word(w, 3), target = sim_word_value(w, "target"),
		   metric = sim_word_value(w, "metric"), label = sim_word_value(w, "label"),
		   steps = sim_word_value(w, "adjustment");
	struct sim_asg_part *p;
	struct buf b;
	if (!name.n || !target.n == !steps.n)
		return err_set(err, ERR_REJECTED,
			       "policy: a name, and target=VALUE or adjustment=NUMBER");
	p = sim_part_put(g, SIM_POLICY, name, "");
	buf_init(&b, 64u << 10);
	sim_xml_text(&b, "PolicyName", name);
	sim_xml_text(&b, "PolicyType",
		     target.n ? STR("TargetTrackingScaling") : STR("SimpleScaling"));
	if (target.n) {
		buf_adds(&b, "<TargetTrackingConfiguration><PredefinedMetricSpecification>");
		sim_xml_text(&b, "PredefinedMetricType",
			     metric.n ? metric : STR("ASGAverageCPUUtilization"));
		if (label.n)
			sim_xml_text(&b, "ResourceLabel", label);
		buf_adds(&b, "</PredefinedMetricSpecification>");
		sim_xml_text(&b, "TargetValue", target);
		buf_adds(&b,
			 "<DisableScaleIn>false</DisableScaleIn></TargetTrackingConfiguration>");
	} else {
		sim_xml_text(&b, "AdjustmentType", STR("ChangeInCapacity"));
		sim_xml_text(&b, "ScalingAdjustment", steps);
		buf_adds(&b, "<Cooldown>300</Cooldown>");
	}
	buf_addf(&b,
		 "<PolicyARN>arn:aws:autoscaling:" SIM_REGION ":" SIM_ACCOUNT
		 ":scalingPolicy:00000000-0000-4000-8000-000000000000:autoScalingGroupName/%s:"
		 "policyName/%s</PolicyARN><Enabled>true</Enabled><Alarms><member><AlarmName>%s-%s"
		 "</AlarmName><AlarmARN>arn:aws:cloudwatch:" SIM_REGION ":" SIM_ACCOUNT
		 ":alarm:%s-%s</AlarmARN></member></Alarms>",
		 g->name, p->name, g->name, p->name, g->name, p->name);
	free(p->xml);
	p->xml = buf_take(&b);
	return 0;
}

/* autoscaling schedule GROUP NAME [recurrence="0 8 * * *"] [start=2026-...] [desired=5] */
static int do_schedule(struct sim_asg *g, const struct sim_words *w, struct err *err)
{
	static const struct {
		const char *word, *member;
	} members[] = {{"start", "StartTime"},
		       {"recurrence", "Recurrence"},
		       {"min", "MinSize"},
		       {"max", "MaxSize"},
		       {"desired", "DesiredCapacity"}};
	struct str name = sim_word(w, 3);
	struct sim_asg_part *p;
	struct buf b;
	if (!name.n)
		return err_set(err, ERR_REJECTED, "schedule: a name is missing");
	p = sim_part_put(g, SIM_SCHEDULE, name, "");
	buf_init(&b, 64u << 10);
	sim_xml_text(&b, "ScheduledActionName", name);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (sim_word_value(w, members[i].word).n)
			sim_xml_text(&b, members[i].member, sim_word_value(w, members[i].word));
	free(p->xml);
	p->xml = buf_take(&b);
	return 0;
}

/* autoscaling hook GROUP NAME [on=launching] [heartbeat=3600] [default=ABANDON] */
static int do_hook(struct sim_asg *g, const struct sim_words *w, struct err *err)
{
	struct str name = sim_word(w, 3), on = sim_word_value(w, "on"),
		   result = sim_word_value(w, "default");
	struct sim_asg_part *p;
	struct buf b;
	int64_t heartbeat = 3600;
	if (!name.n || (on.n && !str_is(on, "launching") && !str_is(on, "terminating")))
		return err_set(err, ERR_REJECTED, "hook: a name, and on=launching or terminating");
	if (get_size(w, "heartbeat", &heartbeat, err))
		return -1;
	p = sim_part_put(g, SIM_HOOK, name, "");
	(void)str_copy(p->type, sizeof(p->type),
		       str_is(on, "terminating") ? STR("autoscaling:EC2_INSTANCE_TERMINATING")
						 : STR("autoscaling:EC2_INSTANCE_LAUNCHING"));
	p->heartbeat_s = heartbeat;
	p->abandons = !str_is(result, "CONTINUE");
	buf_init(&b, 64u << 10);
	sim_xml_text(&b, "LifecycleHookName", name);
	sim_xml_text(&b, "LifecycleTransition", str_from(p->type));
	sim_xml_i64(&b, "HeartbeatTimeout", heartbeat);
	sim_xml_i64(&b, "GlobalTimeout", 172800);
	sim_xml_text(&b, "DefaultResult", p->abandons ? STR("ABANDON") : STR("CONTINUE"));
	free(p->xml);
	p->xml = buf_take(&b);
	return 0;
}

/* autoscaling notify GROUP topic=ARN type=autoscaling:EC2_INSTANCE_LAUNCH */
static int do_notify(struct sim_asg *g, const struct sim_words *w, struct err *err)
{
	struct str topic = sim_word_value(w, "topic"), type = sim_word_value(w, "type");
	struct sim_asg_part *p;
	char name[64];
	struct buf b;
	if (!topic.n || !type.n || !str_copy(name, sizeof(name), type))
		return err_set(err, ERR_REJECTED, "notify: topic=ARN and type=TYPE");
	p = sim_part_put(g, SIM_NOTIFICATION, topic, name);
	buf_init(&b, 4096);
	sim_xml_text(&b, "TopicARN", topic);
	sim_xml_text(&b, "NotificationType", type);
	free(p->xml);
	p->xml = buf_take(&b);
	return 0;
}

/* --- what happens to it -------------------------------------------------------------------- */

/* autoscaling answer HOOK [after=10s] [result=ABANDON] [stuck=true] */
static int do_answer(struct sim_autoscaling_state *st, const struct sim_words *w, struct err *err)
{
	struct sim_hook_rule rule = {.after_ms = 10000}, *at = NULL;
	if (!sim_word(w, 2).n || !str_copy(rule.name, sizeof(rule.name), sim_word(w, 2)))
		return err_set(err, ERR_REJECTED, "answer: the name of a hook is missing");
	if (get_ms(w, "after", &rule.after_ms, err) || get_bool(w, "stuck", &rule.stuck, err))
		return -1;
	rule.abandons = str_is(sim_word_value(w, "result"), "ABANDON");
	for (size_t i = 0; i < st->n_rules; i++)
		if (strcmp(st->rules[i].name, rule.name) == 0)
			at = &st->rules[i];
	if (!at) {
		st->rules = xrealloc(st->rules, (st->n_rules + 1) * sizeof(rule));
		at = &st->rules[st->n_rules++];
	}
	*at = rule;
	return 0;
}

/* autoscaling alarm GROUP desired=5: a scaling policy asks for it, if it is let */
static int do_alarm(struct sim *s, struct sim_asg *g, const struct sim_words *w, struct err *err)
{
	int64_t desired = g->desired;
	if (get_size(w, "desired", &desired, err))
		return -1;
	if (!sim_asg_runs(g, SIM_ALARM_NOTIFICATION))
		return 0;
	desired = desired < g->min ? g->min : desired > g->max ? g->max : desired;
	if (desired != g->desired)
		g->last_scaling = sim_now(s);
	g->desired = desired;
	return 0;
}

static int do_detach(struct sim *s, struct sim_asg *g, struct str what, struct err *err)
{
	char arn[256] = "";
	struct sim_asg_source *source;
	(void)sim_elbv2_group_arn(s, what, arn, sizeof(arn));
	source = sim_asg_source_find(g, str_from(arn));
	if (!source)
		return err_set(err, ERR_NOT_FOUND, "detach: no target group '" STR_FMT "' at %s",
			       STR_ARG(what), g->name);
	sim_asg_detach(s, g, source);
	return 0;
}

static void do_delete(struct sim *s, struct sim_asg *g)
{
	g->deleting = true;
	g->desired = g->min = 0;
	for (size_t i = 0; i < g->n_members; i++)
		sim_asg_end_member(s, g, &g->members[i], "control deleted the group.", true);
}

static void show(struct json_out *o, struct sim *s, const struct sim_asg *g)
{
	int64_t ready = 0;
	json_out_object(o);
	json_member_cstr(o, "name", g->name);
	json_member_cstr(o, "version", g->version);
	json_member_i64(o, "min", g->min);
	json_member_i64(o, "max", g->max);
	json_member_i64(o, "desired", g->desired);
	json_member_bool(o, "deleting", g->deleting);
	json_out_key(o, "suspended");
	json_out_array(o);
	for (unsigned p = 0; p < SIM_PROCESS_COUNT; p++)
		if (!sim_asg_runs(g, (enum sim_process)p))
			json_out_cstr(o, sim_process_name((enum sim_process)p));
	json_out_end(o);
	json_out_key(o, "targetGroups");
	json_out_array(o);
	for (size_t i = 0; i < g->n_sources; i++)
		if (!g->sources[i].leaving)
			json_out_cstr(o, g->sources[i].arn);
	json_out_end(o);
	json_out_key(o, "instances");
	json_out_array(o);
	for (size_t i = 0; i < g->n_members; i++) {
		const struct sim_asg_member *m = &g->members[i];
		ready += m->state == SIM_IN_SERVICE && !m->unhealthy;
		json_out_object(o);
		json_member_cstr(o, "id", m->i->id);
		json_member_cstr(o, "state", sim_lifecycle_name(m->state));
		json_member_bool(o, "healthy", !m->unhealthy);
		json_member_i64(o, "version", m->i->template_version);
		json_member_cstr(o, "image", m->i->image);
		json_member_double(o, "errorRate", m->i->does.errors);
		json_member_cstr(o, "target",
				 g->n_sources
					 ? sim_elbv2_target_state(s, str_from(g->sources[0].arn),
								  str_from(m->i->id))
					 : "");
		json_out_end(o);
	}
	json_out_end(o);
	json_member_i64(o, "inService", ready);
	json_member_i64(o, "activities", (int64_t)g->n_activities);
	json_out_end(o);
}

static int on_group(struct sim *s, struct sim_asg *g, const struct sim_words *w, struct err *err)
{
	struct str verb = sim_word(w, 1);
	bool propagate = true;
	if (str_is(verb, "policy"))
		return do_policy(g, w, err);
	if (str_is(verb, "schedule"))
		return do_schedule(g, w, err);
	if (str_is(verb, "hook"))
		return do_hook(g, w, err);
	if (str_is(verb, "notify"))
		return do_notify(g, w, err);
	if (str_is(verb, "alarm"))
		return do_alarm(s, g, w, err);
	if (str_is(verb, "attach"))
		return set_targets(s, g, sim_word(w, 3), err);
	if (str_is(verb, "detach"))
		return do_detach(s, g, sim_word(w, 3), err);
	if (str_is(verb, "delete")) {
		do_delete(s, g);
		return 0;
	}
	if (str_is(verb, "tag")) {
		if (get_bool(w, "propagate", &propagate, err))
			return -1;
		sim_asg_tag_set(g, sim_word_value(w, "key"), sim_word_value(w, "value"), propagate);
		return 0;
	}
	if (str_is(verb, "show"))
		return 0;
	return err_set(err, ERR_REJECTED, "autoscaling: no command '" STR_FMT "'", STR_ARG(verb));
}

int sim_autoscaling_control(struct sim *s, void *state, const struct sim_words *w,
			    struct json_out *out, struct err *err)
{
	struct sim_autoscaling_state *st = state;
	struct str verb = sim_word(w, 1), what = sim_word(w, 2);
	struct sim_asg *g;
	if (str_is(verb, "answer")) {
		if (do_answer(st, w, err))
			return -1;
		json_out_object(out);
		json_out_end(out);
		return 0;
	}
	if (str_is(verb, "show") && !what.n) {
		json_out_array(out);
		for (g = st->groups; g; g = g->next)
			show(out, s, g);
		json_out_end(out);
		return 0;
	}
	if (str_is(verb, "group") && do_group(s, st, w, err))
		return -1;
	g = sim_asg_find(st, what);
	if (!g)
		return err_set(err, ERR_NOT_FOUND, "autoscaling: no group '" STR_FMT "'",
			       STR_ARG(what));
	if (!str_is(verb, "group") && on_group(s, g, w, err))
		return -1;
	show(out, s, g);
	return 0;
}
