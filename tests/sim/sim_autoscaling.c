#include "tests/sim/sim_autoscaling.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* The simulated EC2 Auto Scaling: its model, and the dispatch of calls. */

#define XMLNS "http://autoscaling.amazonaws.com/doc/2011-01-01/"
#define ARN "arn:aws:autoscaling:" SIM_REGION ":" SIM_ACCOUNT ":autoScalingGroup:"

const char *sim_lifecycle_name(enum sim_lifecycle l)
{
	static const char *const names[SIM_LIFECYCLE_COUNT] = {
		"Pending",     "Pending:Wait",	   "InService",
		"Terminating", "Terminating:Wait", "Terminating:Proceed",
	};
	return names[l];
}

const char *sim_process_name(enum sim_process p)
{
	static const char *const names[SIM_PROCESS_COUNT] = {
		"Launch",	    "Terminate",   "AddToLoadBalancer", "AlarmNotification",
		"AZRebalance",	    "HealthCheck", "InstanceRefresh",	"ReplaceUnhealthy",
		"ScheduledActions",
	};
	return names[p];
}

/* --- model --------------------------------------------------------------------------------- */

struct sim_asg *sim_asg_find(struct sim_autoscaling_state *st, struct str name)
{
	struct sim_asg *g = st->groups;
	while (g && !str_is(name, g->name))
		g = g->next;
	return g;
}

struct sim_asg *sim_asg_new(struct sim_autoscaling_state *st, struct str name, struct utc now)
{
	struct sim_asg *g = xcalloc(1, sizeof(*g));
	struct sim_asg **at = &st->groups;
	(void)str_copy(g->name, sizeof(g->name), name);
	snprintf(g->arn, sizeof(g->arn),
		 ARN "00000000-0000-4000-8000-%012llu:autoScalingGroupName/%s",
		 (unsigned long long)++st->n_made, g->name);
	g->created = now;
	g->cooldown_s = 300;
	g->launch_ms = 30000;
	g->terminate_ms = 10000;
	while (*at) /* described in the order they were made */
		at = &(*at)->next;
	*at = g;
	return g;
}

static void group_free(struct sim_asg *g)
{
	for (size_t i = 0; i < g->n_parts; i++)
		free(g->parts[i].xml);
	sim_fields_release(&g->settings);
	free(g->sources);
	free(g->members);
	free(g->parts);
	free(g->tags);
	free(g->metrics);
	free(g->activities);
	free(g);
}

struct sim_asg_source *sim_asg_source_find(struct sim_asg *g, struct str arn)
{
	for (size_t i = 0; i < g->n_sources; i++)
		if (str_is(arn, g->sources[i].arn))
			return &g->sources[i];
	return NULL;
}

bool sim_json_lists(const struct json *list, const char *what)
{
	json_each(e, list) {
		if (str_is(json_text(e), what))
			return true;
	}
	return false;
}

/* --- calls --------------------------------------------------------------------------------- */

struct str sim_asg_arg(const struct sim_asg_call *c, const char *key)
{
	return json_text(json_get(c->in, key));
}

int sim_asg_error(const struct sim_asg_call *c, const char *code, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sim_reply_error(c->x, SIM_WIRE_QUERY, 400, code, "%s", text);
	return -1;
}

struct sim_asg *sim_asg_need(struct sim_asg_call *c)
{
	struct str name = sim_asg_arg(c, "AutoScalingGroupName");
	struct sim_asg *g = sim_asg_find(c->st, name);
	if (!name.n)
		(void)sim_asg_error(c, "ValidationError",
				    "1 validation error detected: Value null at "
				    "'autoScalingGroupName' failed to satisfy constraint: Member "
				    "must not be null");
	else if (!g)
		(void)sim_asg_error(c, "ValidationError",
				    "AutoScalingGroup name not found - AutoScalingGroup '" STR_FMT
				    "' not found",
				    STR_ARG(name));
	return name.n ? g : NULL;
}

int sim_asg_page(const struct sim_asg_call *c, struct sim_page *p)
{
	struct str token = sim_asg_arg(c, "NextToken"), max = sim_asg_arg(c, "MaxRecords");
	*p = (struct sim_page){.max = 50};
	if (max.n && !str_parse_i64(max, 1, 100, &p->max))
		return sim_asg_error(c, "ValidationError", "MaxRecords must be 1 to 100");
	if (token.n && !str_parse_i64(token, 1, INT32_MAX, &p->skip))
		return sim_asg_error(c, "InvalidNextToken", "The token is not valid");
	return 0;
}

void sim_asg_page_end(const struct sim_asg_call *c, const struct sim_page *p)
{
	if (p->seen > p->skip + p->max)
		sim_xml_i64(c->out, "NextToken", p->skip + p->max);
}

/* --- the service --------------------------------------------------------------------------- */

static void *create(struct sim *s)
{
	(void)s;
	return xcalloc(1, sizeof(struct sim_autoscaling_state));
}

static void destroy(void *state)
{
	struct sim_autoscaling_state *st = state;
	if (!st)
		return;
	while (st->groups) {
		struct sim_asg *g = st->groups;
		st->groups = g->next;
		group_free(g);
	}
	free(st->rules);
	free(st);
}

static void advance(struct sim *s, void *state, struct utc now)
{
	struct sim_autoscaling_state *st = state;
	struct sim_asg **at = &st->groups;
	while (*at) {
		struct sim_asg *g = *at;
		sim_asg_step(s, st, g, now);
		if (g->deleting && !g->n_members) {
			*at = g->next;
			group_free(g);
		} else {
			at = &g->next;
		}
	}
}

#define TEMPLATE                                                             \
	"LaunchTemplate.LaunchTemplateId LaunchTemplate.LaunchTemplateName " \
	"LaunchTemplate.Version MixedInstancesPolicy.* "
#define SETTINGS                                                                                \
	"AutoScalingGroupName MinSize MaxSize DesiredCapacity DefaultCooldown "                 \
	"AvailabilityZones.member.N AvailabilityZoneIds.member.N HealthCheckType "              \
	"HealthCheckGracePeriod PlacementGroup VPCZoneIdentifier TerminationPolicies.member.N " \
	"NewInstancesProtectedFromScaleIn ServiceLinkedRoleARN MaxInstanceLifetime "            \
	"CapacityRebalance Context DesiredCapacityType DefaultInstanceWarmup "                  \
	"InstanceMaintenancePolicy.MinHealthyPercentage "                                       \
	"InstanceMaintenancePolicy.MaxHealthyPercentage "                                       \
	"AvailabilityZoneDistribution.CapacityDistributionStrategy "                            \
	"AvailabilityZoneImpairmentPolicy.ZonalShiftEnabled "                                   \
	"AvailabilityZoneImpairmentPolicy.ImpairedZoneHealthCheckBehavior "                     \
	"SkipZonalShiftValidation CapacityReservationSpecification.* "                          \
	"InstanceLifecyclePolicy.RetentionTriggers.TerminateHookAbandon DeletionProtection "
#define HOOK                                                                   \
	"LifecycleHookName LifecycleTransition RoleARN NotificationTargetARN " \
	"NotificationMetadata HeartbeatTimeout DefaultResult "
#define TAGS                                                                     \
	"Tags.member.N.ResourceId Tags.member.N.ResourceType Tags.member.N.Key " \
	"Tags.member.N.Value Tags.member.N.PropagateAtLaunch "
#define FILTERS "Filters.member.N.Name Filters.member.N.Values.member.N "
#define PAGES "NextToken MaxRecords "
#define GROUP "AutoScalingGroupName "
#define SOURCES "TrafficSources.member.N.Identifier TrafficSources.member.N.Type "

/* Every operation: its name, its parameters by the model, whether it has a result element. */
static const struct operation {
	const char *name;
	int (*run)(struct sim_asg_call *c);
	const char *known;
	bool result;
} operations[] = {
	{"DescribeAutoScalingGroups", sim_describe_groups,
	 "AutoScalingGroupNames.member.N IncludeInstances " FILTERS PAGES, true},
	{"DescribeAutoScalingInstances", sim_describe_asg_instances, "InstanceIds.member.N " PAGES,
	 true},
	{"DescribeScalingActivities", sim_describe_activities,
	 GROUP "ActivityIds.member.N IncludeDeletedGroups " FILTERS PAGES, true},
	{"DescribeInstanceRefreshes", sim_describe_refreshes,
	 GROUP "InstanceRefreshIds.member.N " PAGES, true},
	{"DescribeTrafficSources", sim_describe_sources, GROUP "TrafficSourceType " PAGES, true},
	{"DescribeLoadBalancerTargetGroups", sim_describe_asg_target_groups, GROUP PAGES, true},
	{"CreateAutoScalingGroup", sim_create_group,
	 SETTINGS TEMPLATE TAGS SOURCES
	 "LaunchConfigurationName InstanceId LoadBalancerNames.member.N TargetGroupARNs.member.N "
	 "LifecycleHookSpecificationList.* Operator.Principal",
	 false},
	{"UpdateAutoScalingGroup", sim_update_group, SETTINGS TEMPLATE "LaunchConfigurationName",
	 false},
	{"DeleteAutoScalingGroup", sim_delete_group, GROUP "ForceDelete", false},
	{"SetDesiredCapacity", sim_set_desired, GROUP "DesiredCapacity HonorCooldown", false},
	{"AttachLoadBalancerTargetGroups", sim_attach_target_groups,
	 GROUP "TargetGroupARNs.member.N", true},
	{"DetachLoadBalancerTargetGroups", sim_detach_target_groups,
	 GROUP "TargetGroupARNs.member.N", true},
	{"AttachTrafficSources", sim_attach_sources, GROUP SOURCES "SkipZonalShiftValidation",
	 true},
	{"DetachTrafficSources", sim_detach_sources, GROUP SOURCES, true},
	{"SuspendProcesses", sim_suspend_processes, GROUP "ScalingProcesses.member.N", false},
	{"ResumeProcesses", sim_resume_processes, GROUP "ScalingProcesses.member.N", false},
	{"TerminateInstanceInAutoScalingGroup", sim_terminate_instance,
	 "InstanceId ShouldDecrementDesiredCapacity", true},
	{"SetInstanceProtection", sim_set_protection,
	 GROUP "InstanceIds.member.N ProtectedFromScaleIn", true},
	{"DescribePolicies", sim_describe_policies,
	 GROUP "PolicyNames.member.N PolicyTypes.member.N " PAGES, true},
	{"PutScalingPolicy", sim_put_policy,
	 GROUP "PolicyName PolicyType AdjustmentType MinAdjustmentStep MinAdjustmentMagnitude "
	       "ScalingAdjustment Cooldown MetricAggregationType StepAdjustments.* "
	       "EstimatedInstanceWarmup TargetTrackingConfiguration.* Enabled "
	       "PredictiveScalingConfiguration.*",
	 true},
	{"DescribeScheduledActions", sim_describe_schedules,
	 GROUP "ScheduledActionNames.member.N StartTime EndTime " PAGES, true},
	{"PutScheduledUpdateGroupAction", sim_put_schedule,
	 GROUP "ScheduledActionName Time StartTime EndTime Recurrence MinSize MaxSize "
	       "DesiredCapacity TimeZone",
	 false},
	{"DescribeLifecycleHooks", sim_describe_hooks, GROUP "LifecycleHookNames.member.N", true},
	{"PutLifecycleHook", sim_put_hook, GROUP HOOK, true},
	{"CompleteLifecycleAction", sim_complete_hook,
	 GROUP "LifecycleHookName LifecycleActionToken LifecycleActionResult InstanceId", true},
	{"DescribeNotificationConfigurations", sim_describe_notifications,
	 "AutoScalingGroupNames.member.N " PAGES, true},
	{"PutNotificationConfiguration", sim_put_notifications,
	 GROUP "TopicARN NotificationTypes.member.N", false},
	{"EnableMetricsCollection", sim_enable_metrics, GROUP "Metrics.member.N Granularity",
	 false},
	{"DescribeWarmPool", sim_describe_warm_pool, GROUP PAGES, true},
	{"CreateOrUpdateTags", sim_create_asg_tags, TAGS, false},
	{"DeleteTags", sim_delete_asg_tags, TAGS, false},
	{"DescribeTags", sim_describe_asg_tags, FILTERS PAGES, true},
};

static void handle(struct sim *s, void *state, const struct sim_exchange *x)
{
	struct buf b;
	struct sim_asg_call c = {.s = s, .st = state, .x = x, .out = &b};
	c.in = sim_form_tree(x->arena, x->form, false);
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		struct str odd;
		if (strcmp(x->operation, operations[i].name) != 0)
			continue;
		odd = sim_form_unknown(x, operations[i].known);
		if (odd.n) {
			(void)sim_asg_error(&c, "ValidationError",
					    "the model has no parameter " STR_FMT, STR_ARG(odd));
			return;
		}
		buf_init(&b, 8u << 20);
		if (operations[i].run(&c) == 0)
			sim_reply_query(x, XMLNS,
					operations[i].result ? buf_str(&b) : (struct str){NULL, 0});
		buf_release(&b);
		return;
	}
	(void)sim_asg_error(&c, "InvalidAction", "the simulator has no operation %.64s",
			    x->operation);
}

const struct sim_service sim_autoscaling = {
	.name = "autoscaling",
	.create = create,
	.destroy = destroy,
	.advance = advance,
	.handle = handle,
	.control = sim_autoscaling_control,
};
