#include "tests/sim/sim_beanstalk.h"

#include <stdio.h>

#include "tests/sim/sim_wire.h"

/* What is told about environments, and when. */

#define VISIBLE_MS (INT64_C(3600) * 1000) /* of what is terminated */
#define INSTANCES_PAGE 10

/* --- environments --------------------------------------------------------------------------- */

static void write_endpoint(struct sim_eb_call *c, const struct sim_eb_environment *e)
{
	if (e->status == EB_LAUNCHING || strcmp(e->tier, "Worker") == 0)
		return;
	buf_adds(c->out, "<EndpointURL>");
	if (sim_eb_is_balanced(&e->options))
		buf_addf(c->out, "%s%s-1234567890." SIM_REGION ".elb.amazonaws.com",
			 e->lb[0] ? "" : "awseb-", e->lb[0] ? e->lb_name : e->id);
	else
		buf_adds(c->out, "198.51.100.7");
	buf_adds(c->out, "</EndpointURL>");
}

void sim_eb_write_environment(struct sim_eb_call *c, const struct sim_eb_environment *e)
{
	enum sim_eb_health h = sim_eb_health_of(e, c->x->now);
	const char *label =
		e->op.kind == EB_DEPLOY || e->op.kind == EB_LAUNCH ? e->op.label : e->label;
	char arn[512];
	sim_eb_arn(arn, "environment", e->app, e->name);
	sim_xml_text(c->out, "EnvironmentName", str_from(e->name));
	sim_xml_text(c->out, "EnvironmentId", str_from(e->id));
	sim_xml_text(c->out, "ApplicationName", str_from(e->app));
	if (label[0])
		sim_xml_text(c->out, "VersionLabel", str_from(label));
	sim_xml_text(c->out, "SolutionStackName", str_from(e->stack));
	sim_xml_text(c->out, "PlatformArn",
		     STR("arn:aws:elasticbeanstalk:" SIM_REGION
			 "::platform/Python 3.11 running on 64bit Amazon Linux 2023/4.3.0"));
	if (e->template[0])
		sim_xml_text(c->out, "TemplateName", str_from(e->template));
	if (e->description[0])
		sim_xml_text(c->out, "Description", str_from(e->description));
	write_endpoint(c, e);
	if (e->cname[0])
		sim_xml_text(c->out, "CNAME", str_from(e->cname));
	sim_eb_xml_time(c->out, "DateCreated", e->created);
	sim_eb_xml_time(c->out, "DateUpdated", e->updated);
	sim_xml_text(c->out, "Status", str_from(sim_eb_status_name(e->status)));
	sim_xml_text(c->out, "AbortableOperationInProgress",
		     sim_eb_abortable(e) ? STR("true") : STR("false"));
	sim_xml_text(c->out, "Health", str_from(sim_eb_health_colour(h)));
	if (sim_eb_is_enhanced(&e->options))
		sim_xml_text(c->out, "HealthStatus", str_from(sim_eb_health_name(h)));
	buf_adds(c->out, "<Tier>");
	sim_xml_text(c->out, "Name", str_from(e->tier));
	sim_xml_text(c->out, "Type", str_from(e->tier_type));
	sim_xml_text(c->out, "Version", STR("1.0"));
	buf_adds(c->out, "</Tier><EnvironmentLinks/>");
	sim_xml_text(c->out, "EnvironmentArn", str_from(arn));
}

static bool is_listed(const struct json *list, const char *text)
{
	if (!list || !list->first)
		return true;
	json_each(one, list) {
		if (str_is(json_text(one), text))
			return true;
	}
	return false;
}

static bool is_asked_for(struct sim_eb_call *c, const struct sim_eb_environment *e)
{
	struct str app = sim_eb_arg(c, "ApplicationName"), label = sim_eb_arg(c, "VersionLabel"),
		   deleted = sim_eb_arg(c, "IncludeDeleted");
	struct utc since = {c->x->now.ms - VISIBLE_MS};
	if ((app.n && !str_is(app, e->app)) || (label.n && !str_is(label, e->label)) ||
	    !is_listed(json_get(c->in, "EnvironmentIds"), e->id) ||
	    !is_listed(json_get(c->in, "EnvironmentNames"), e->name))
		return false;
	if (e->status != EB_TERMINATED)
		return true;
	if (str_is(deleted, "true"))
		(void)utc_parse_iso(sim_eb_arg(c, "IncludedDeletedBackTo"), &since);
	return !str_is(deleted, "false") && e->terminated.ms >= since.ms;
}

int sim_eb_describe_environments(struct sim_eb_call *c)
{
	const struct sim_eb_environment **all;
	struct sim_eb_page p;
	size_t n = 0;
	for (const struct sim_eb_environment *e = c->b->environments; e; e = e->next)
		n++;
	all = arena_calloc(c->x->arena, n + 1, sizeof(*all));
	n = 0;
	for (const struct sim_eb_environment *e = c->b->environments; e; e = e->next)
		if (is_asked_for(c, e))
			all[n++] = e;
	if (sim_eb_page(c, n, 1000, &p))
		return -1;
	buf_adds(c->out, "<Environments>");
	for (size_t i = p.from; i < p.to; i++) {
		buf_adds(c->out, "<member>");
		sim_eb_write_environment(c, all[i]);
		buf_adds(c->out, "</member>");
	}
	buf_adds(c->out, "</Environments>");
	if (p.to < n)
		sim_xml_i64(c->out, "NextToken", (int64_t)p.to);
	return 0;
}

/* --- health --------------------------------------------------------------------------------- */

static struct sim_eb_environment *need_enhanced(struct sim_eb_call *c)
{
	struct sim_eb_environment *e = sim_eb_named(c);
	if (!e || sim_eb_is_enhanced(&e->options))
		return e;
	(void)sim_eb_error(c, 400, "InvalidRequestException",
			   "Environment named %s does not use enhanced health reporting.", e->name);
	return NULL;
}

static bool wants(const struct sim_eb_call *c, const char *attribute)
{
	const struct json *list = json_get(c->in, "AttributeNames");
	json_each(one, list) {
		if (str_is(json_text(one), "All") || str_is(json_text(one), attribute))
			return true;
	}
	return false;
}

static void write_double(struct buf *out, const char *tag, double v)
{
	buf_addf(out, "<%s>%.4f</%s>", tag, v, tag);
}

/* The last ten seconds that are whole. */
static struct sim_eb_bucket last_bucket(const struct sim_eb_environment *e, struct utc now)
{
	struct sim_eb_bucket sum = {.at = now.ms / 10000 - 1};
	for (int f = 0; f < 2; f++)
		for (int i = 0; i < EB_WINDOW; i++)
			if (e->fleet[f].window[i].at == sum.at) {
				sum.n += e->fleet[f].window[i].n;
				sum.errors += e->fleet[f].window[i].errors;
			}
	return sum;
}

static void write_metrics(struct buf *out, const struct sim_eb_environment *e, struct utc now)
{
	/* quantiles of a lognormal with sigma 0.5, as factors of its median */
	static const struct {
		const char *tag;
		double factor;
	} latency[] = {{"P999", 4.69}, {"P99", 3.2},   {"P95", 2.276}, {"P90", 1.898},
		       {"P85", 1.679}, {"P75", 1.401}, {"P50", 1},     {"P10", 0.527}};
	struct sim_eb_bucket b = last_bucket(e, now);
	double median = sim_eb_latency_ms(e) / 1000;
	buf_adds(out, "<ApplicationMetrics>");
	sim_xml_i64(out, "Duration", 10);
	sim_xml_i64(out, "RequestCount", (int64_t)b.n);
	buf_adds(out, "<StatusCodes>");
	sim_xml_i64(out, "Status2xx", (int64_t)(b.n - b.errors));
	sim_xml_i64(out, "Status3xx", 0);
	sim_xml_i64(out, "Status4xx", 0);
	sim_xml_i64(out, "Status5xx", (int64_t)b.errors);
	buf_adds(out, "</StatusCodes>");
	if (b.n) {
		buf_adds(out, "<Latency>");
		for (size_t i = 0; i < sizeof(latency) / sizeof(latency[0]); i++)
			write_double(out, latency[i].tag, median * latency[i].factor);
		buf_adds(out, "</Latency>");
	}
	buf_adds(out, "</ApplicationMetrics>");
}

static void write_counts(struct buf *out, const struct sim_eb_environment *e, struct utc now)
{
	static const enum sim_eb_health order[] = {EB_NO_DATA, EB_PENDING,  EB_OK,    EB_INFO,
						   EB_WARNING, EB_DEGRADED, EB_SEVERE};
	buf_adds(out, "<InstancesHealth>");
	sim_xml_i64(out, "Unknown", 0);
	for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++) {
		int64_t n = 0;
		for (size_t i = 0; i < e->n_instances; i++)
			n += sim_eb_instance_health(e, &e->instances[i], now) == order[k];
		sim_xml_i64(out, sim_eb_health_name(order[k]), n);
	}
	buf_adds(out, "</InstancesHealth>");
}

int sim_eb_describe_health(struct sim_eb_call *c)
{
	const struct sim_eb_environment *e = need_enhanced(c);
	enum sim_eb_health h;
	if (!e)
		return -1;
	h = sim_eb_health_of(e, c->x->now);
	sim_xml_text(c->out, "EnvironmentName", str_from(e->name));
	if (wants(c, "HealthStatus"))
		sim_xml_text(c->out, "HealthStatus", str_from(sim_eb_health_name(h)));
	if (wants(c, "Status"))
		sim_xml_text(c->out, "Status", str_from(sim_eb_status_name(e->status)));
	if (wants(c, "Color"))
		sim_xml_text(c->out, "Color", str_from(sim_eb_health_colour(h)));
	if (wants(c, "Causes")) {
		buf_adds(c->out, "<Causes>");
		sim_eb_health_causes(c->out, e, c->x->now);
		buf_adds(c->out, "</Causes>");
	}
	if (wants(c, "ApplicationMetrics"))
		write_metrics(c->out, e, c->x->now);
	if (wants(c, "InstancesHealth"))
		write_counts(c->out, e, c->x->now);
	if (wants(c, "RefreshedAt"))
		sim_eb_xml_time(c->out, "RefreshedAt", (struct utc){c->x->now.ms / 10000 * 10000});
	return 0;
}

static void write_instance(struct sim_eb_call *c, const struct sim_eb_environment *e,
			   const struct sim_eb_instance *i)
{
	static const char *const status[] = {"In Progress", "Deployed", "Failed"};
	enum sim_eb_health h = sim_eb_instance_health(e, i, c->x->now);
	buf_adds(c->out, "<member>");
	sim_xml_text(c->out, "InstanceId", str_from(i->id));
	if (wants(c, "HealthStatus"))
		sim_xml_text(c->out, "HealthStatus", str_from(sim_eb_health_name(h)));
	if (wants(c, "Color"))
		sim_xml_text(c->out, "Color", str_from(sim_eb_health_colour(h)));
	if (wants(c, "Causes")) {
		buf_adds(c->out, "<Causes>");
		if (i->status == EB_DEPLOY_FAILED)
			buf_adds(c->out, "<member>Application deployment failed.</member>");
		else if (h == EB_SEVERE)
			buf_adds(c->out, "<member>The instance does not answer its health "
					 "checks.</member>");
		buf_adds(c->out, "</Causes>");
	}
	if (wants(c, "LaunchedAt"))
		sim_eb_xml_time(c->out, "LaunchedAt", i->launched);
	if (wants(c, "Deployment")) {
		buf_adds(c->out, "<Deployment>");
		if (i->label[0])
			sim_xml_text(c->out, "VersionLabel", str_from(i->label));
		sim_xml_i64(c->out, "DeploymentId", i->deployment);
		sim_xml_text(c->out, "Status", str_from(status[i->status]));
		sim_eb_xml_time(c->out, "DeploymentTime", i->deployed);
		buf_adds(c->out, "</Deployment>");
	}
	if (wants(c, "InstanceType"))
		sim_xml_text(c->out, "InstanceType", STR("t3.small"));
	if (wants(c, "AvailabilityZone"))
		sim_xml_text(c->out, "AvailabilityZone", STR(SIM_REGION "a"));
	buf_adds(c->out, "</member>");
}

int sim_eb_describe_instances(struct sim_eb_call *c)
{
	const struct sim_eb_environment *e = need_enhanced(c);
	struct sim_eb_page p;
	if (!e || sim_eb_page(c, e->n_instances, INSTANCES_PAGE, &p))
		return -1;
	buf_adds(c->out, "<InstanceHealthList>");
	for (size_t i = p.from; i < p.to; i++)
		write_instance(c, e, &e->instances[i]);
	buf_adds(c->out, "</InstanceHealthList>");
	sim_eb_xml_time(c->out, "RefreshedAt", (struct utc){c->x->now.ms / 10000 * 10000});
	if (p.to < e->n_instances)
		sim_xml_i64(c->out, "NextToken", (int64_t)p.to);
	return 0;
}

/* --- resources and settings ----------------------------------------------------------------- */

int sim_eb_describe_resources(struct sim_eb_call *c)
{
	const struct sim_eb_environment *e = sim_eb_named(c);
	if (!e)
		return -1;
	buf_adds(c->out, "<EnvironmentResources>");
	sim_xml_text(c->out, "EnvironmentName", str_from(e->name));
	buf_addf(c->out,
		 "<AutoScalingGroups><member><Name>awseb-%s-stack-AWSEBAutoScalingGroup</Name>"
		 "</member>",
		 e->id);
	if (sim_eb_fleet_count(e, 1))
		buf_addf(c->out,
			 "<member><Name>awseb-%s-immutable-stack-AWSEBAutoScalingGroup</Name>"
			 "</member>",
			 e->id);
	buf_adds(c->out, "</AutoScalingGroups><Instances>");
	for (size_t i = 0; i < e->n_instances; i++)
		buf_addf(c->out, "<member><Id>%s</Id></member>", e->instances[i].id);
	buf_addf(c->out,
		 "</Instances><LaunchConfigurations/><LaunchTemplates><member><Id>lt-%s</Id>"
		 "</member></LaunchTemplates><LoadBalancers>",
		 e->id + 2);
	if (e->lb[0])
		buf_addf(c->out, "<member><Name>%s</Name></member>", e->lb);
	else if (sim_eb_is_balanced(&e->options) && strcmp(e->tier, "Worker") != 0)
		buf_addf(c->out, "<member><Name>awseb-%s</Name></member>", e->id);
	buf_adds(c->out, "</LoadBalancers><Triggers/><Queues>");
	if (strcmp(e->tier, "Worker") == 0)
		buf_addf(c->out,
			 "<member><Name>WorkerQueue</Name><URL>https://sqs." SIM_REGION
			 ".amazonaws.com/" SIM_ACCOUNT "/awseb-%s</URL></member>",
			 e->id);
	buf_adds(c->out, "</Queues></EnvironmentResources>");
	return 0;
}

static void write_settings(struct sim_eb_call *c, const struct sim_eb_environment *e,
			   const struct sim_eb_options *o, const char *status)
{
	buf_adds(c->out, "<member>");
	sim_xml_text(c->out, "SolutionStackName", str_from(e->stack));
	sim_xml_text(c->out, "ApplicationName", str_from(e->app));
	sim_xml_text(c->out, "EnvironmentName", str_from(e->name));
	sim_xml_text(c->out, "DeploymentStatus", str_from(status));
	sim_eb_xml_time(c->out, "DateCreated", e->created);
	sim_eb_xml_time(c->out, "DateUpdated", e->updated);
	sim_eb_options_write(c->out, o);
	buf_adds(c->out, "</member>");
}

static int template_settings(struct sim_eb_call *c, struct str app, struct str name)
{
	const struct sim_eb_template *t = sim_eb_template_find(c->b, app, name);
	if (!t)
		return sim_eb_invalid(c, "No Configuration Template named '" STR_FMT "' found.",
				      STR_ARG(name));
	buf_adds(c->out, "<ConfigurationSettings><member>");
	sim_xml_text(c->out, "SolutionStackName", str_from(t->stack));
	sim_xml_text(c->out, "ApplicationName", str_from(t->app));
	sim_xml_text(c->out, "TemplateName", str_from(t->name));
	sim_eb_xml_time(c->out, "DateCreated", t->created);
	sim_eb_xml_time(c->out, "DateUpdated", t->created);
	sim_eb_options_write(c->out, &t->options);
	buf_adds(c->out, "</member></ConfigurationSettings>");
	return 0;
}

int sim_eb_describe_settings(struct sim_eb_call *c)
{
	struct str app = sim_eb_arg(c, "ApplicationName"), name = sim_eb_arg(c, "EnvironmentName"),
		   template = sim_eb_arg(c, "TemplateName");
	const struct sim_eb_environment *e;
	if ((name.n != 0) == (template.n != 0))
		return sim_eb_error(c, 400, "InvalidParameterCombination",
				    "Either EnvironmentName or TemplateName is required.");
	if (template.n)
		return template_settings(c, app, template);
	e = sim_eb_environment_by_name(c->b, name);
	if (!e || !str_is(app, e->app))
		return sim_eb_invalid(c,
				      "No Environment found for EnvironmentName = '" STR_FMT "'.",
				      STR_ARG(name));
	buf_adds(c->out, "<ConfigurationSettings>");
	if (e->op.kind == EB_CONFIGURE)
		write_settings(c, e, &e->op.options, "pending");
	write_settings(c, e, &e->options, "deployed");
	if (e->has_failed)
		write_settings(c, e, &e->failed, "failed");
	buf_adds(c->out, "</ConfigurationSettings>");
	return 0;
}

int sim_eb_describe_managed(struct sim_eb_call *c)
{
	const struct sim_eb_environment *e = sim_eb_named(c);
	struct str asked = sim_eb_arg(c, "Status");
	const char *status, *enabled;
	if (!e)
		return -1;
	enabled = sim_eb_option_get(&e->options, "aws:elasticbeanstalk:managedactions",
				    "ManagedActionsEnabled");
	status = e->managed.running			? "Running"
		 : c->x->now.ms >= e->managed.window.ms ? "Pending"
							: "Scheduled";
	buf_adds(c->out, "<ManagedActions>");
	if (e->managed.exists && strcmp(enabled, "false") != 0 &&
	    (!asked.n || str_is(asked, status))) {
		buf_adds(c->out, "<member>");
		sim_xml_text(c->out, "ActionId", str_from(e->managed.id));
		sim_xml_text(c->out, "ActionDescription", STR("Platform update to version 4.3.1"));
		sim_xml_text(c->out, "ActionType", STR("PlatformUpdate"));
		sim_xml_text(c->out, "Status", str_from(status));
		sim_eb_xml_time(c->out, "WindowStartTime", e->managed.window);
		buf_adds(c->out, "</member>");
	}
	buf_adds(c->out, "</ManagedActions>");
	return 0;
}

/* --- events --------------------------------------------------------------------------------- */

static int severity_rank(struct str word)
{
	static const char *const words[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"};
	for (int i = 0; i < 6; i++)
		if (str_is(word, words[i]))
			return i;
	return 0;
}

static bool matches(struct sim_eb_call *c, const char *key, const char *text)
{
	struct str asked = sim_eb_arg(c, key);
	return !asked.n || str_is(asked, text);
}

static bool event_is_asked_for(struct sim_eb_call *c, const struct sim_eb_event *v)
{
	struct utc t;
	return matches(c, "EnvironmentId", v->environment_id) &&
	       matches(c, "EnvironmentName", v->environment) &&
	       matches(c, "ApplicationName", v->app) && matches(c, "VersionLabel", v->label) &&
	       matches(c, "RequestId", v->request_id) &&
	       severity_rank(str_from(v->severity)) >= severity_rank(sim_eb_arg(c, "Severity")) &&
	       (!utc_parse_iso(sim_eb_arg(c, "StartTime"), &t) || v->at.ms >= t.ms) &&
	       (!utc_parse_iso(sim_eb_arg(c, "EndTime"), &t) || v->at.ms < t.ms);
}

static void write_event(struct sim_eb_call *c, const struct sim_eb_event *v)
{
	buf_adds(c->out, "<member>");
	sim_eb_xml_time(c->out, "EventDate", v->at);
	sim_xml_text(c->out, "Message", str_from(v->message));
	if (v->app[0])
		sim_xml_text(c->out, "ApplicationName", str_from(v->app));
	if (v->label[0])
		sim_xml_text(c->out, "VersionLabel", str_from(v->label));
	if (v->environment[0])
		sim_xml_text(c->out, "EnvironmentName", str_from(v->environment));
	if (v->request_id[0])
		sim_xml_text(c->out, "RequestId", str_from(v->request_id));
	sim_xml_text(c->out, "Severity", str_from(v->severity));
	buf_adds(c->out, "</member>");
}

int sim_eb_describe_events(struct sim_eb_call *c)
{
	const struct sim_eb_event **all =
		arena_calloc(c->x->arena, c->b->n_events + 1, sizeof(*all));
	struct sim_eb_page p;
	size_t n = 0;
	for (size_t i = c->b->n_events; i-- > 0;)
		if (event_is_asked_for(c, &c->b->events[i]))
			all[n++] = &c->b->events[i];
	if (sim_eb_page(c, n, 1000, &p))
		return -1;
	buf_adds(c->out, "<Events>");
	for (size_t i = p.from; i < p.to; i++)
		write_event(c, all[i]);
	buf_adds(c->out, "</Events>");
	if (p.to < n)
		sim_xml_i64(c->out, "NextToken", (int64_t)p.to);
	return 0;
}
