"""boto3 against the served simulator: ECS."""
import datetime

from peer import Skip, case, client, control, expect, refused, until

ecs = client("ecs")
WEB = {"cluster": "prod", "service": "web"}
ACCOUNT = "arn:aws:ecs:eu-central-1:111122223333:"
GROUP = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/"


def knows(operation, member=None):
    """Skip the case when this installation's model is older than what it asks."""
    model = ecs.meta.service_model
    if operation not in model.operation_names:
        raise Skip(f"this botocore has no {operation}")
    shape = model.operation_model(operation).input_shape
    for name in (member or "").split("."):
        shape = shape.member if shape.type_name == "list" else shape
        if name and name not in shape.members:
            raise Skip(f"{operation} of this botocore has no {member}")
        shape = shape.members[name] if name else shape


def registered(image, **more):
    return ecs.register_task_definition(
        family="web", containerDefinitions=[{"name": "app", "image": image, "essential": True}],
        **more)["taskDefinition"]


def deployment(arn):
    return ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"][0]


def status_is(arn, status):
    until(status, lambda: deployment(arn)["status"] == status, seconds=60)


@case("ecs: task definitions")
def task_definitions():
    one = registered("web:1", cpu="256", tags=[{"key": "team", "value": "shop"}])
    expect("arn", one["taskDefinitionArn"], ACCOUNT + "task-definition/web:1")
    expect("registered", isinstance(one["registeredAt"], datetime.datetime), True)
    expect("again", registered("web:1")["revision"], 2)
    read = ecs.describe_task_definition(taskDefinition="web:1", include=["TAGS"])
    expect("tags", read["tags"], [{"key": "team", "value": "shop"}])
    expect("cpu", read["taskDefinition"]["cpu"], "256")
    gone = ecs.deregister_task_definition(taskDefinition="web:2")["taskDefinition"]
    expect("status", gone["status"], "INACTIVE")
    newest = ecs.describe_task_definition(taskDefinition="web")["taskDefinition"]
    expect("newest", newest["revision"], 1)
    refused("ClientException", ecs.describe_task_definition, taskDefinition="nothing")


@case("ecs: a service and its tasks")
def service():
    control("elbv2 load-balancer ecs",
            "elbv2 target-group ecs-blue targets=0 target_type=ip deregistration_s=0 "
            "healthy_after_ms=500",
            "elbv2 target-group ecs-green targets=0 target_type=ip deregistration_s=0 "
            "healthy_after_ms=500",
            "elbv2 listener ecs port=80 forward=ecs-blue:1",
            "elbv2 rule ecs:80 priority=10 path=/* forward=ecs-blue:1",
            "ecs settings provision=200ms pull=200ms stop=200ms stage=200ms shift=200ms",
            "ecs service prod/web image=web:1 desired=1 group=ecs-blue alternate=ecs-green "
            "rule=ecs:80:10 strategy=BLUE_GREEN")
    read = ecs.describe_services(cluster="prod", services=["web", "nothing"], include=["TAGS"])
    expect("failures", [f["reason"] for f in read["failures"]], ["MISSING"])
    web = read["services"][0]
    expect("status", web["status"], "ACTIVE")
    expect("controller", web["deploymentController"], {"type": "ECS"})
    expect("rows", [d["status"] for d in web["deployments"]], ["PRIMARY"])
    expect("revisions", len(web["currentServiceRevisions"]), 1)
    revision = ecs.describe_service_revisions(
        serviceRevisionArns=[web["currentServiceRevisions"][0]["arn"]])["serviceRevisions"][0]
    expect("group", revision["resolvedConfiguration"]["loadBalancers"][0]["targetGroupArn"],
           web["loadBalancers"][0]["targetGroupArn"])
    arns = ecs.list_tasks(cluster="prod", serviceName="web")["taskArns"]
    tasks = ecs.describe_tasks(cluster="prod", tasks=arns + ["nothing"])
    expect("running", [t["lastStatus"] for t in tasks["tasks"]], ["RUNNING"])
    expect("missing", [f["reason"] for f in tasks["failures"]], ["MISSING"])
    ecs.get_waiter("services_stable").wait(cluster="prod", services=["web"],
                                           WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    clusters = ecs.describe_clusters(clusters=["prod"])["clusters"]
    expect("tasks of the cluster", clusters[0]["runningTasksCount"], 1)
    ecs.tag_resource(resourceArn=web["serviceArn"], tags=[{"key": "a", "value": "b"}])
    expect("tags", ecs.list_tags_for_resource(resourceArn=web["serviceArn"])["tags"],
           [{"key": "a", "value": "b"}])
    ecs.update_service(desiredCount=2, **WEB)
    until("two run", lambda: ecs.describe_services(cluster="prod", services=["web"])[
        "services"][0]["runningCount"] == 2)


@case("ecs: what is wrong is refused")
def refusals():
    refused("ClusterNotFoundException", ecs.describe_services, services=["web"])
    refused("ServiceNotFoundException", ecs.update_service, cluster="prod", service="nothing")
    refused("InvalidParameterException", ecs.delete_service, **WEB)
    refused("ClientException", ecs.update_service, taskDefinition="nothing", **WEB)
    knows("StopServiceDeployment")
    refused("ServiceDeploymentNotFoundException", ecs.stop_service_deployment,
            serviceDeploymentArn=ACCOUNT + "service-deployment/prod/web/nothing")
    control("ecs service prod/old image=web:1 controller=CODE_DEPLOY")
    refused("InvalidParameterException", ecs.update_service, cluster="prod", service="old",
            taskDefinition="web")


def paused(members, stages, image="web:2"):
    """A deployment with PAUSE hooks; its ARN."""
    knows("ContinueServiceDeployment")
    knows("UpdateService", "deploymentConfiguration.lifecycleHooks.timeoutConfiguration")
    hook = {"targetType": "PAUSE", "lifecycleStages": stages,
            "timeoutConfiguration": {"timeoutInMinutes": 10, "action": "ROLLBACK"}}
    changed = ecs.update_service(taskDefinition=registered(image)["taskDefinitionArn"],
                                 deploymentConfiguration={"lifecycleHooks": [hook], **members},
                                 **WEB)["service"]
    return changed["currentServiceDeployment"]


def waiting(arn):
    """The hook that waits, in time."""
    def hooks():
        return [h for h in deployment(arn).get("lifecycleHookDetails", [])
                if h["status"] == "AWAITING_ACTION"]
    until("a hook waits", hooks, seconds=60)
    return hooks()[0]


@case("ecs: a canary deployment with pauses")
def canary():
    arn = paused({"strategy": "CANARY", "bakeTimeInMinutes": 0, "canaryConfiguration": {
        "canaryPercent": 10.0, "canaryBakeTimeInMinutes": 0}}, ["PRE_PRODUCTION_TRAFFIC_SHIFT"])
    for weight in (0.0, 10.0):
        hook = waiting(arn)
        now = deployment(arn)
        expect("weight", now["targetServiceRevision"]["requestedProductionTrafficWeight"], weight)
        expect("what a time-out does", hook["timeoutAction"], "ROLLBACK")
        expect("expires", isinstance(hook["expiresAt"], datetime.datetime), True)
        ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId=hook["hookId"],
                                        action="CONTINUE")
        refused("InvalidParameterException", ecs.continue_service_deployment,
                serviceDeploymentArn=arn, hookId=hook["hookId"], action="CONTINUE")
    status_is(arn, "SUCCESSFUL")
    refused("ConflictException", ecs.stop_service_deployment, serviceDeploymentArn=arn)
    rows = ecs.list_service_deployments(status=["SUCCESSFUL"], maxResults=1, **WEB)
    expect("newest", rows["serviceDeployments"][0]["serviceDeploymentArn"], arn)
    expect("more of them", "nextToken" in rows, True)
    splits = [s for s in control("sim splits")[0] if s["candidate"].startswith(GROUP + "ecs-green")]
    expect("shares", [s["weight"] for s in splits][-2:], [10, 100])


@case("ecs: a deployment that is sent back, and one that is stopped")
def back():
    arn = paused({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0}, ["POST_TEST_TRAFFIC_SHIFT"],
                 "web:3")
    ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId=waiting(arn)["hookId"],
                                    action="ROLLBACK")
    status_is(arn, "ROLLBACK_SUCCESSFUL")
    expect("why", "reason" in deployment(arn)["rollback"], True)
    arn = paused({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0}, ["POST_SCALE_UP"], "web:3")
    waiting(arn)
    ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
    status_is(arn, "ROLLBACK_SUCCESSFUL")
    web = ecs.describe_services(cluster="prod", services=["web"])["services"][0]
    image = ecs.describe_task_definition(taskDefinition=web["taskDefinition"])
    expect("what runs", image["taskDefinition"]["containerDefinitions"][0]["image"], "web:2")


@case("ecs: a second service is made once, and deleted")
def second():
    two = {"cluster": "prod", "serviceName": "two", "taskDefinition": "web", "desiredCount": 1,
           "clientToken": "t", "loadBalancers": [
               {"targetGroupArn": ecs.describe_services(cluster="prod", services=["web"])[
                   "services"][0]["loadBalancers"][0]["targetGroupArn"],
                "containerName": "app", "containerPort": 80}]}
    made = ecs.create_service(**two)["service"]
    expect("the same", ecs.create_service(**two)["service"]["serviceArn"], made["serviceArn"])
    two["clientToken"] = "u"
    refused("InvalidParameterException", ecs.create_service, **two)
    ecs.delete_service(cluster="prod", service="two", force=True)
    ecs.get_waiter("services_inactive").wait(cluster="prod", services=["two"],
                                             WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    refused("ServiceNotActiveException", ecs.update_service, cluster="prod", service="two",
            desiredCount=1)
