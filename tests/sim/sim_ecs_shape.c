#include "tests/sim/sim_ecs.h"

/*
 * Requests against the service model, 2014-11-13: a member that is unknown, of the wrong type or
 * missing is refused, so that a client's slip shows. AWS ignores some of these; a test should not.
 *
 * A shape is a list of members "name:type", with '!' before the colon when it is required. Types:
 * s string, i integer, d number, b boolean, t timestamp, j any, {shape}, [s], [{shape}].
 */

static const struct shape {
	const char *name, *members;
} shapes[] = {
	{"DescribeClusters", "clusters:[s] include:[s]"},
	{"DescribeServices", "cluster:s services!:[s] include:[s]"},
	{"CreateService",
	 "cluster:s serviceName!:s taskDefinition:s availabilityZoneRebalancing:s "
	 "loadBalancers:[{balancer}] serviceRegistries:[{registry}] desiredCount:i clientToken:s "
	 "launchType:s capacityProviderStrategy:[{provider}] platformVersion:s role:s "
	 "deploymentConfiguration:{deployment} placementConstraints:[{constraint}] "
	 "placementStrategy:[{placement}] networkConfiguration:{network} "
	 "healthCheckGracePeriodSeconds:i schedulingStrategy:s deploymentController:{controller} "
	 "tags:[{tag}] enableECSManagedTags:b propagateTags:s enableExecuteCommand:b "
	 "serviceConnectConfiguration:j volumeConfigurations:j vpcLatticeConfigurations:j "
	 "monitoring:j"},
	{"UpdateService",
	 "cluster:s service!:s desiredCount:i taskDefinition:s "
	 "capacityProviderStrategy:[{provider}] deploymentConfiguration:{deployment} "
	 "availabilityZoneRebalancing:s networkConfiguration:{network} "
	 "placementConstraints:[{constraint}] placementStrategy:[{placement}] platformVersion:s "
	 "forceNewDeployment:b healthCheckGracePeriodSeconds:i deploymentController:{controller} "
	 "enableExecuteCommand:b enableECSManagedTags:b loadBalancers:[{balancer}] "
	 "propagateTags:s serviceRegistries:[{registry}] serviceConnectConfiguration:j "
	 "volumeConfigurations:j vpcLatticeConfigurations:j monitoring:j"},
	{"DeleteService", "cluster:s service!:s force:b"},
	{"RegisterTaskDefinition",
	 "family!:s taskRoleArn:s executionRoleArn:s networkMode:s "
	 "containerDefinitions!:[{container}] volumes:j placementConstraints:[{constraint}] "
	 "requiresCompatibilities:[s] cpu:s memory:s tags:[{tag}] pidMode:s ipcMode:s "
	 "proxyConfiguration:j inferenceAccelerators:j ephemeralStorage:j runtimePlatform:j "
	 "enableFaultInjection:b"},
	{"DescribeTaskDefinition", "taskDefinition!:s include:[s]"},
	{"DeregisterTaskDefinition", "taskDefinition!:s"},
	{"ListServiceDeployments", "service!:s cluster:s status:[s] createdAt:{window} nextToken:s "
				   "maxResults:i"},
	{"DescribeServiceDeployments", "serviceDeploymentArns!:[s]"},
	{"DescribeServiceRevisions", "serviceRevisionArns!:[s]"},
	{"ContinueServiceDeployment", "serviceDeploymentArn!:s hookId!:s action:s"},
	{"StopServiceDeployment", "serviceDeploymentArn!:s stopType:s"},
	{"ListTasks", "cluster:s containerInstance:s family:s nextToken:s maxResults:i startedBy:s "
		      "serviceName:s desiredStatus:s launchType:s daemonName:s"},
	{"DescribeTasks", "cluster:s tasks!:[s] include:[s]"},
	{"StopTask", "cluster:s task!:s reason:s"},
	{"ListTagsForResource", "resourceArn!:s"},
	{"TagResource", "resourceArn!:s tags!:[{tag}]"},

	{"balancer", "targetGroupArn:s loadBalancerName:s containerName:s containerPort:i "
		     "advancedConfiguration:{advanced}"},
	{"advanced", "alternateTargetGroupArn:s productionListenerRule:s testListenerRule:s "
		     "roleArn:s"},
	{"registry", "registryArn:s port:i containerName:s containerPort:i"},
	{"provider", "capacityProvider!:s weight:i base:i"},
	{"constraint", "type:s expression:s"},
	{"placement", "type:s field:s"},
	{"network", "awsvpcConfiguration:{vpc}"},
	{"vpc", "subnets!:[s] securityGroups:[s] assignPublicIp:s"},
	{"controller", "type!:s"},
	{"tag", "key:s value:s"},
	{"window", "before:t after:t"},
	{"deployment",
	 "deploymentCircuitBreaker:{breaker} maximumPercent:i minimumHealthyPercent:i "
	 "alarms:{alarms} strategy:s bakeTimeInMinutes:i lifecycleHooks:[{hook}] "
	 "linearConfiguration:{linear} canaryConfiguration:{canary}"},
	{"breaker",
	 "enable!:b rollback!:b resetOnHealthyTask:b thresholdConfiguration:{threshold}"},
	{"threshold", "type!:s value!:i"},
	{"alarms", "alarmNames!:[s] rollback!:b enable!:b"},
	{"hook", "targetType:s hookTargetArn:s roleArn:s lifecycleStages:[s] hookDetails:j "
		 "timeoutConfiguration:{timeout}"},
	{"timeout", "timeoutInMinutes:i action:s"},
	{"linear", "stepPercent:d stepBakeTimeInMinutes:i"},
	{"canary", "canaryPercent:d canaryBakeTimeInMinutes:i"},
	{"container",
	 "name:s image:s repositoryCredentials:j cpu:i memory:i memoryReservation:i links:[s] "
	 "portMappings:[{port}] essential:b restartPolicy:j entryPoint:[s] command:[s] "
	 "environment:[{variable}] environmentFiles:j mountPoints:j volumesFrom:j "
	 "linuxParameters:j secrets:j dependsOn:j startTimeout:i stopTimeout:i "
	 "versionConsistency:s hostname:s user:s workingDirectory:s disableNetworking:b "
	 "privileged:b readonlyRootFilesystem:b dnsServers:[s] dnsSearchDomains:[s] extraHosts:j "
	 "dockerSecurityOptions:[s] interactive:b pseudoTerminal:b dockerLabels:j ulimits:j "
	 "logConfiguration:j healthCheck:j systemControls:j resourceRequirements:j "
	 "firelensConfiguration:j credentialSpecs:[s]"},
	{"port", "containerPort:i hostPort:i protocol:s name:s appProtocol:s containerPortRange:s"},
	{"variable", "name:s value:s"},
};

static const struct shape *shape_of(struct str name)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (str_is(name, shapes[i].name))
			return &shapes[i];
	return NULL;
}

/* An object that is still to be looked at. */
struct todo {
	const struct json *node;
	const struct shape *shape;
};

#define TODO_MAX 512

struct work {
	struct todo todo[TODO_MAX];
	size_t n;
};

static void push(struct work *w, const struct json *node, struct str shape)
{
	if (w->n < TODO_MAX)
		w->todo[w->n++] = (struct todo){node, shape_of(shape)};
}

static bool is_scalar(const struct json *v, char type)
{
	int64_t n;
	double d;
	switch (type) {
	case 's':
		return v->type == JSON_STRING;
	case 'i':
		return v->type == JSON_NUMBER && json_i64(v, &n);
	case 'd':
	case 't':
		return v->type == JSON_NUMBER && json_double(v, &d);
	case 'b':
		return v->type == JSON_BOOL;
	default:
		return true;
	}
}

/* Shape inside "{...}". */
static struct str inside(struct str type)
{
	return str_sub(type, 1, type.n - 1);
}

/* Is this value of that type? What stands in it is put on the list. */
static bool check_value(struct work *w, const struct json *v, struct str type)
{
	if (type.p[0] == '{') {
		push(w, v, inside(type));
		return v->type == JSON_OBJECT;
	}
	if (type.p[0] != '[')
		return is_scalar(v, type.p[0]);
	if (v->type != JSON_ARRAY)
		return false;
	json_each(item, v) {
		if (type.p[1] == '{' && item->type != JSON_OBJECT)
			return false;
		if (type.p[1] == '{')
			push(w, item, inside(inside(type)));
		else if (!is_scalar(item, type.p[1]))
			return false;
	}
	return true;
}

/* The type of a member, "" when the shape has none of that name. */
static struct str type_of(const struct shape *shape, struct str name)
{
	struct str rest = str_from(shape->members), type, key;
	while (str_next(&rest, ' ', &type)) {
		if (!str_next(&type, ':', &key))
			continue;
		if (str_ends(key, "!"))
			key = str_sub(key, 0, key.n - 1);
		if (str_eq(key, name))
			return type;
	}
	return STR("");
}

static int check_required(struct sim_ecs_call *c, const struct todo *t)
{
	struct str rest = str_from(t->shape->members), one, key;
	while (str_next(&rest, ' ', &one)) {
		if (!str_next(&one, ':', &key) || !str_ends(key, "!"))
			continue;
		key = str_sub(key, 0, key.n - 1);
		if (!json_get(t->node, str_dup(c->arena, key)))
			return sim_ecs_error(c, "InvalidParameterException",
					     STR_FMT " of %s is missing", STR_ARG(key),
					     t->shape->name);
	}
	return 0;
}

int sim_ecs_check(struct sim_ecs_call *c, const char *operation)
{
	struct work *w = arena_new_of(c->arena, struct work);
	push(w, c->in, str_from(operation));
	for (size_t i = 0; i < w->n; i++) {
		const struct todo *t = &w->todo[i];
		if (!t->shape)
			continue;
		json_each(v, t->node) {
			struct str type = type_of(t->shape, v->key);
			if (!type.n)
				return sim_ecs_error(c, "InvalidParameterException",
						     "%s has no member " STR_FMT, t->shape->name,
						     STR_ARG(v->key));
			if (v->type != JSON_NULL && !check_value(w, v, type))
				return sim_ecs_error(c, "SerializationException",
						     STR_FMT " of %s is not of type " STR_FMT,
						     STR_ARG(v->key), t->shape->name,
						     STR_ARG(type));
		}
		if (check_required(c, t))
			return -1;
	}
	return 0;
}
