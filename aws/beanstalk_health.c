#include "aws/beanstalk.h"

#include <string.h>

#include "aws/answer.h"
#include "aws/beanstalk_wire.h"

/*
 * How environments are: events, enhanced health, instances, resources, managed updates. All of it
 * is reading.
 */

/* A call about one environment; extra parameters come ready made. */
static int begin(const struct beanstalk_op *op, const char *id, struct buf *b, struct err *err)
{
	if (beanstalk_require(op, "environment id", id, err))
		return -1;
	beanstalk_body_init(b);
	beanstalk_add(b, "EnvironmentId", id);
	return 0;
}

/* --- events ---------------------------------------------------------------------------------- */

static int read_event(const struct xml *node, struct arena *a, void *item, struct err *err)
{
	struct beanstalk_event *out = item;

	(void)a;
	*out = (struct beanstalk_event){
		.severity = aws_xml_text(node, "Severity"),
		.message = aws_xml_text(node, "Message"),
		.version_label = aws_xml_text(node, "VersionLabel"),
	};
	if (!utc_parse_iso(xml_text(node, "EventDate"), &out->at) || !out->severity ||
	    !out->message)
		return err_set(err, ERR_MALFORMED, "an event has no date, severity or message");
	return 0;
}

int beanstalk_describe_events(const struct aws_client *c, const char *environment_id,
			      struct utc since, const char *severity, struct arena *a,
			      struct beanstalk_event **out, size_t *n, struct err *err)
{
	static const struct beanstalk_op op = {"DescribeEvents", "DescribeEventsResult", "Events",
					       false};
	struct beanstalk_list l = {.size = sizeof(**out), .read = read_event};
	char start[UTC_ISO_SIZE];
	struct buf b;

	if (begin(&op, environment_id, &b, err))
		return -1;
	utc_format_iso(since, start);
	beanstalk_add(&b, "Severity", severity);
	beanstalk_add(&b, "StartTime", start);
	if (beanstalk_describe(c, &op, &b, a, &l, err))
		return -1;
	*out = l.items;
	*n = l.n;
	return 0;
}

/* --- health ---------------------------------------------------------------------------------- */

static int64_t count(const struct xml *node, const char *path)
{
	int64_t n;

	return xml_i64(node, path, &n) && n > 0 ? n : 0;
}

static const char *first_cause(const struct xml *node)
{
	return aws_xml_text(node, "Causes/member");
}

int beanstalk_describe_health(const struct aws_client *c, const char *environment_id,
			      struct arena *a, struct beanstalk_health_report *out, struct err *err)
{
	static const struct beanstalk_op op = {"DescribeEnvironmentHealth",
					       "DescribeEnvironmentHealthResult", NULL, false};
	const struct xml *r = NULL, *m;
	struct buf b;

	if (begin(&op, environment_id, &b, err))
		return -1;
	beanstalk_add(&b, "AttributeNames.member.1", "All");
	if (beanstalk_call(c, &op, &b, a, &r, err))
		return -1;
	m = xml_at(r, "ApplicationMetrics");
	*out = (struct beanstalk_health_report){
		.health = beanstalk_health_parse(xml_text(r, "HealthStatus")),
		.color = beanstalk_color_parse(xml_text(r, "Color")),
		.cause = first_cause(r),
		.duration_s = count(m, "Duration"),
		.requests = count(m, "RequestCount"),
		.status_2xx = count(m, "StatusCodes/Status2xx"),
		.status_3xx = count(m, "StatusCodes/Status3xx"),
		.status_4xx = count(m, "StatusCodes/Status4xx"),
		.status_5xx = count(m, "StatusCodes/Status5xx"),
	};
	out->has_latency = str_parse_double(xml_text(m, "Latency/P50"), &out->p50_s) &&
			   str_parse_double(xml_text(m, "Latency/P99"), &out->p99_s);
	out->has_refreshed = utc_parse_iso(xml_text(r, "RefreshedAt"), &out->refreshed);
	if (out->health == BEANSTALK_HEALTH_NONE && out->color == BEANSTALK_COLOR_NONE)
		return err_set(err, ERR_MALFORMED, "Beanstalk.%s: neither health nor colour",
			       op.name);
	return 0;
}

static int read_instance(const struct xml *node, struct arena *a, void *item, struct err *err)
{
	struct beanstalk_instance *out = item;

	(void)a;
	*out = (struct beanstalk_instance){
		.id = aws_xml_text(node, "InstanceId"),
		.health = beanstalk_health_parse(xml_text(node, "HealthStatus")),
		.cause = first_cause(node),
		.version_label = aws_xml_text(node, "Deployment/VersionLabel"),
		.deployment_status = aws_xml_text(node, "Deployment/Status"),
		.deployment_id = -1,
	};
	(void)xml_i64(node, "Deployment/DeploymentId", &out->deployment_id);
	if (!out->id)
		return err_set(err, ERR_MALFORMED, "an instance has no id");
	return 0;
}

int beanstalk_describe_instances(const struct aws_client *c, const char *environment_id,
				 struct arena *a, struct beanstalk_instance **out, size_t *n,
				 struct err *err)
{
	static const struct beanstalk_op op = {"DescribeInstancesHealth",
					       "DescribeInstancesHealthResult",
					       "InstanceHealthList", false};
	struct beanstalk_list l = {.size = sizeof(**out), .read = read_instance};
	struct buf b;

	if (begin(&op, environment_id, &b, err))
		return -1;
	beanstalk_add(&b, "AttributeNames.member.1", "All");
	if (beanstalk_describe(c, &op, &b, a, &l, err))
		return -1;
	*out = l.items;
	*n = l.n;
	return 0;
}

/* --- resources ------------------------------------------------------------------------------- */

static int read_names(const struct xml *list, const char *key, struct arena *a,
		      struct beanstalk_names *out, struct err *err)
{
	const char **names = NULL;
	size_t cap = 0;

	*out = (struct beanstalk_names){.n = 0};
	xml_each(node, list, "member") {
		names = aws_grow(a, names, out->n, &cap, sizeof(*names));
		names[out->n] = aws_xml_text(node, key);
		if (!names[out->n++])
			return err_set(err, ERR_MALFORMED, "a resource has no %s", key);
	}
	out->names = names;
	return 0;
}

int beanstalk_describe_resources(const struct aws_client *c, const char *environment_id,
				 struct arena *a, struct beanstalk_resources *out, struct err *err)
{
	static const struct beanstalk_op op = {"DescribeEnvironmentResources",
					       "DescribeEnvironmentResourcesResult", NULL, false};
	const struct xml *result = NULL, *all;
	struct buf b;

	if (begin(&op, environment_id, &b, err) || beanstalk_call(c, &op, &b, a, &result, err))
		return -1;
	all = xml_at(result, "EnvironmentResources");
	if (!all)
		return err_set(err, ERR_MALFORMED, "Beanstalk.%s: the answer has no resources",
			       op.name);
	if (read_names(xml_at(all, "AutoScalingGroups"), "Name", a, &out->auto_scaling_groups,
		       err) ||
	    read_names(xml_at(all, "Instances"), "Id", a, &out->instances, err) ||
	    read_names(xml_at(all, "LoadBalancers"), "Name", a, &out->load_balancers, err))
		return err_wrap(err, "Beanstalk.%s", op.name);
	return 0;
}

/* --- managed updates ------------------------------------------------------------------------- */

static int read_action(const struct xml *node, struct arena *a, void *item, struct err *err)
{
	struct beanstalk_managed_action *out = item;

	(void)a;
	*out = (struct beanstalk_managed_action){
		.id = aws_xml_text(node, "ActionId"),
		.description = aws_xml_text(node, "ActionDescription"),
		.type = aws_xml_text(node, "ActionType"),
		.status = aws_xml_text(node, "Status"),
	};
	out->has_window = utc_parse_iso(xml_text(node, "WindowStartTime"), &out->window);
	if (!out->id || !out->status)
		return err_set(err, ERR_MALFORMED, "a managed action has no id or no status");
	return 0;
}

int beanstalk_managed_actions(const struct aws_client *c, const char *environment_id,
			      struct arena *a, struct beanstalk_managed_action **out, size_t *n,
			      struct err *err)
{
	static const struct beanstalk_op op = {"DescribeEnvironmentManagedActions",
					       "DescribeEnvironmentManagedActionsResult",
					       "ManagedActions", false};
	struct beanstalk_list l = {.size = sizeof(**out), .read = read_action};
	struct buf b;

	if (begin(&op, environment_id, &b, err) || beanstalk_describe(c, &op, &b, a, &l, err))
		return -1;
	*out = l.items;
	*n = l.n;
	return 0;
}
