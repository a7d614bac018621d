#include <string.h>

#include "aws/answer.h"
#include "aws/autoscaling.h"
#include "aws/autoscaling_call.h"

/* What belongs to a group and is not in its description: read, and given to another one. */

static int describe_of(const struct aws_client *c, struct autoscaling_list *l, const char *name,
		       const char *group, struct arena *a, struct err *err)
{
	struct buf base;
	int ret;

	/* without its filter the call would list everything there is */
	if (!str_from(group).n)
		return err_set(err, ERR_REJECTED, "AutoScaling.%s: no group", l->operation);
	buf_init(&base, AUTOSCALING_REQUEST_MAX);
	form_add(&base, name, str_from(group));
	ret = autoscaling_describe(c, l, buf_str(&base), a, err);
	buf_release(&base);
	return ret;
}

/* --- policies -------------------------------------------------------------------------------- */

static int read_policy(const struct xml *node, struct arena *a, void *item, struct err *err)
{
	struct asg_part *out = item;

	(void)a;
	*out = (struct asg_part){
		.name = aws_xml_text(node, "PolicyName"),
		.type = aws_xml_text(node, "PolicyType"),
		.has_alarms = xml_first(xml_at(node, "Alarms"), "member") != NULL,
		.is_enabled = !str_is(xml_text(node, "Enabled"), "false"),
		.xml = node,
	};
	if (!out->name)
		return err_set(err, ERR_MALFORMED, "a policy has no name");
	if (!out->type)
		out->type = "SimpleScaling";
	return 0;
}

int asg_describe_policies(const struct aws_client *c, const char *group, struct arena *a,
			  struct asg_part **out, size_t *n, struct err *err)
{
	struct autoscaling_list l = {.operation = "DescribePolicies",
				     .result = "DescribePoliciesResult",
				     .list = "ScalingPolicies",
				     .size = sizeof(**out),
				     .read = read_policy};

	if (describe_of(c, &l, "AutoScalingGroupName", group, a, err))
		return -1;
	*out = l.items;
	*n = l.n;
	return 0;
}

int asg_put_policy(const struct aws_client *c, const char *group, const struct asg_part *p,
		   const struct form_swaps *swaps, struct arena *a, struct err *err)
{
	static const char *const members[] = {"PolicyType",
					      "AdjustmentType",
					      "MinAdjustmentStep",
					      "MinAdjustmentMagnitude",
					      "ScalingAdjustment",
					      "Cooldown",
					      "MetricAggregationType",
					      "StepAdjustments",
					      "EstimatedInstanceWarmup",
					      "TargetTrackingConfiguration",
					      "Enabled",
					      "PredictiveScalingConfiguration",
					      NULL};
	static const char op[] = "PutScalingPolicy";
	struct buf b;

	buf_init(&b, AUTOSCALING_REQUEST_MAX);
	form_add(&b, "AutoScalingGroupName", str_from(group));
	form_add(&b, "PolicyName", str_from(p->name));
	for (size_t i = 0; members[i]; i++) {
		const struct xml *node = xml_at(p->xml, members[i]);

		if (node && form_add_xml(&b, members[i], node, swaps, err)) {
			buf_release(&b);
			return err_wrap(err, "AutoScaling.%s %.255s", op, p->name);
		}
	}
	return autoscaling_write(c, op, &b, true, a, err);
}

/* --- scheduled actions ----------------------------------------------------------------------- */

static int read_schedule(const struct xml *node, struct arena *a, void *item, struct err *err)
{
	struct asg_part *out = item;

	(void)a;
	*out = (struct asg_part){
		.name = aws_xml_text(node, "ScheduledActionName"),
		.is_recurring = xml_text(node, "Recurrence").n > 0,
		.start = aws_xml_text(node, "StartTime"),
		.is_enabled = true,
		.xml = node,
	};
	if (!out->name)
		return err_set(err, ERR_MALFORMED, "a scheduled action has no name");
	return 0;
}

int asg_describe_schedules(const struct aws_client *c, const char *group, struct arena *a,
			   struct asg_part **out, size_t *n, struct err *err)
{
	struct autoscaling_list l = {.operation = "DescribeScheduledActions",
				     .result = "DescribeScheduledActionsResult",
				     .list = "ScheduledUpdateGroupActions",
				     .size = sizeof(**out),
				     .read = read_schedule};

	if (describe_of(c, &l, "AutoScalingGroupName", group, a, err))
		return -1;
	*out = l.items;
	*n = l.n;
	return 0;
}

int asg_put_schedule(const struct aws_client *c, const char *group, const struct asg_part *p,
		     bool with_start, struct arena *a, struct err *err)
{
	static const char *const members[] = {"EndTime",	 "Recurrence", "MinSize", "MaxSize",
					      "DesiredCapacity", "TimeZone",   NULL};
	struct buf b;

	buf_init(&b, AUTOSCALING_REQUEST_MAX);
	form_add(&b, "AutoScalingGroupName", str_from(group));
	form_add(&b, "ScheduledActionName", str_from(p->name));
	if (with_start)
		form_add_text(&b, "StartTime", p->start);
	for (size_t i = 0; members[i]; i++)
		form_add_text(&b, members[i], aws_xml_text(p->xml, members[i]));
	return autoscaling_write(c, "PutScheduledUpdateGroupAction", &b, true, a, err);
}

/* --- notifications --------------------------------------------------------------------------- */

static int read_notification(const struct xml *node, struct arena *a, void *item, struct err *err)
{
	struct asg_part *out = item;

	(void)a;
	*out = (struct asg_part){
		.name = aws_xml_text(node, "TopicARN"),
		.type = aws_xml_text(node, "NotificationType"),
		.is_enabled = true,
		.xml = node,
	};
	if (!out->name || !out->type)
		return err_set(err, ERR_MALFORMED, "a notification has no topic or no type");
	return 0;
}

int asg_describe_notifications(const struct aws_client *c, const char *group, struct arena *a,
			       struct asg_part **out, size_t *n, struct err *err)
{
	struct autoscaling_list l = {.operation = "DescribeNotificationConfigurations",
				     .result = "DescribeNotificationConfigurationsResult",
				     .list = "NotificationConfigurations",
				     .size = sizeof(**out),
				     .read = read_notification};

	if (describe_of(c, &l, "AutoScalingGroupNames.member.1", group, a, err))
		return -1;
	*out = l.items;
	*n = l.n;
	return 0;
}

static int put_topic(const struct aws_client *c, const char *group, const struct asg_part *all,
		     size_t n, const char *topic, struct arena *a, struct err *err)
{
	size_t at = 0;
	struct buf b;

	buf_init(&b, AUTOSCALING_REQUEST_MAX);
	form_add(&b, "AutoScalingGroupName", str_from(group));
	form_add(&b, "TopicARN", str_from(topic));
	for (size_t i = 0; i < n; i++)
		if (!strcmp(all[i].name, topic))
			form_add(&b, arena_printf(a, "NotificationTypes.member.%zu", ++at),
				 str_from(all[i].type));
	return autoscaling_write(c, "PutNotificationConfiguration", &b, true, a, err);
}

/* A call replaces the types of its topic, so all of one topic go together. */
int asg_put_notifications(const struct aws_client *c, const char *group, const struct asg_part *all,
			  size_t n, struct arena *a, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		size_t before = 0;

		while (before < i && strcmp(all[before].name, all[i].name) != 0)
			before++;
		if (before == i && put_topic(c, group, all, n, all[i].name, a, err))
			return -1;
	}
	return 0;
}

/* --- hooks, metrics -------------------------------------------------------------------------- */

int asg_describe_hooks(const struct aws_client *c, const char *group, struct arena *a,
		       const struct xml **out, struct err *err)
{
	static const char op[] = "DescribeLifecycleHooks";
	const struct xml *root = NULL;
	struct buf b;
	int ret;

	buf_init(&b, AUTOSCALING_REQUEST_MAX);
	form_add(&b, "AutoScalingGroupName", str_from(group));
	ret = autoscaling_call(c, op, &b, true, a, &root, err);
	buf_release(&b);
	if (ret)
		return -1;
	*out = xml_at(root, "DescribeLifecycleHooksResult/LifecycleHooks");
	if (!*out)
		return err_set(err, ERR_MALFORMED, "AutoScaling.%s: the answer has no hooks", op);
	return 0;
}

int asg_copy_metrics(const struct aws_client *c, const char *group, const struct asg_group *from,
		     struct arena *a, struct err *err)
{
	const char *granularity = "1Minute"; /* the only one there is */
	size_t at = 0;
	struct buf b;

	buf_init(&b, AUTOSCALING_REQUEST_MAX);
	form_add(&b, "AutoScalingGroupName", str_from(group));
	xml_each(metric, xml_at(from->xml, "EnabledMetrics"), "member") {
		form_add(&b, arena_printf(a, "Metrics.member.%zu", ++at),
			 xml_text(metric, "Metric"));
		if (aws_xml_text(metric, "Granularity"))
			granularity = aws_xml_text(metric, "Granularity");
	}
	if (at == 0) {
		buf_release(&b);
		return 0;
	}
	form_add(&b, "Granularity", str_from(granularity));
	return autoscaling_write(c, "EnableMetricsCollection", &b, true, a, err);
}

/* --- what goes on ---------------------------------------------------------------------------- */

static int read_activity(const struct xml *node, struct arena *a, void *item, struct err *err)
{
	(void)a;
	(void)err;
	*(const struct xml **)item = node;
	return 0;
}

int asg_last_failure(const struct aws_client *c, const char *group, struct arena *a,
		     const char **why, struct err *err)
{
	struct autoscaling_list l = {.operation = "DescribeScalingActivities",
				     .result = "DescribeScalingActivitiesResult",
				     .list = "Activities",
				     .size = sizeof(struct xml *),
				     .read = read_activity,
				     .one_page = true}; /* newest first */
	const struct xml *newest;
	struct str status;

	*why = NULL;
	if (describe_of(c, &l, "AutoScalingGroupName", group, a, err))
		return -1;
	if (l.n == 0)
		return 0;
	newest = ((const struct xml **)l.items)[0];
	status = xml_text(newest, "StatusCode");
	if (str_is(status, "Failed") || str_is(status, "Cancelled")) {
		*why = aws_xml_text(newest, "StatusMessage");
		if (!*why)
			*why = "no reason was given";
	}
	return 0;
}

int asg_is_refreshing(const struct aws_client *c, const char *group, struct arena *a, bool *is,
		      struct err *err)
{
	static const char *const over[] = {"Successful", "Failed", "Cancelled", "RollbackFailed",
					   "RollbackSuccessful"};
	struct autoscaling_list l = {.operation = "DescribeInstanceRefreshes",
				     .result = "DescribeInstanceRefreshesResult",
				     .list = "InstanceRefreshes",
				     .size = sizeof(struct xml *),
				     .read = read_activity,
				     .one_page = true}; /* newest first, one at a time */

	*is = false;
	if (describe_of(c, &l, "AutoScalingGroupName", group, a, err))
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		struct str status = xml_text(((const struct xml **)l.items)[i], "Status");
		bool ended = false;

		for (size_t k = 0; k < sizeof(over) / sizeof(over[0]); k++)
			ended = ended || str_is(status, over[k]);
		*is = *is || !ended;
	}
	return 0;
}
