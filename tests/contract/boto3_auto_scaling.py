"""boto3 against the served simulator: EC2 Auto Scaling, EC2 and Systems Manager."""
import base64
import datetime

from peer import case, client, control, expect, refused, until

autoscaling = client("autoscaling")
ec2 = client("ec2")
elbv2 = client("elbv2")
ssm = client("ssm")
BLUE = {"AutoScalingGroupName": "web-blue"}
GREEN = {"AutoScalingGroupName": "web-green"}
TEMPLATE = {"LaunchTemplateName": "web-lt"}


def group(name):
    found = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    return found["AutoScalingGroups"][0] if found["AutoScalingGroups"] else None


def in_service(name):
    return sum(i["LifecycleState"] == "InService" and i["HealthStatus"] == "Healthy"
               for i in group(name)["Instances"])


@case("ec2: versions of launch templates")
def templates():
    control("ec2 template web-lt image=ami-1 user_data=one", "ec2 launches start_ms=0 visible_ms=0")
    one = ec2.describe_launch_template_versions(Versions=["$Default"], **TEMPLATE)
    data = one["LaunchTemplateVersions"][0]
    expect("image", data["LaunchTemplateData"]["ImageId"], "ami-1")
    expect("user data", base64.b64decode(data["LaunchTemplateData"]["UserData"]), b"one")
    asked = {"SourceVersion": "1", "ClientToken": "a-token", "VersionDescription": "second",
             "LaunchTemplateData": {
                 "ImageId": "ami-2", "BlockDeviceMappings": [
                     {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 20, "Encrypted": True}}],
                 "TagSpecifications": [{"ResourceType": "instance",
                                        "Tags": [{"Key": "a", "Value": "b & c"}]}],
                 "NetworkInterfaces": [{"DeviceIndex": 0, "Groups": ["sg-1"]}],
                 "MetadataOptions": {"HttpTokens": "required"}}, **TEMPLATE}
    for _ in range(2):
        made = ec2.create_launch_template_version(**asked)["LaunchTemplateVersion"]
        expect("version", made["VersionNumber"], 2)
    read = ec2.describe_launch_template_versions(Versions=["2"], **TEMPLATE)
    read = read["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    expect("inherited", read["UserData"], data["LaunchTemplateData"]["UserData"])
    expect("devices", read["BlockDeviceMappings"], asked["LaunchTemplateData"]["BlockDeviceMappings"])
    expect("tags", read["TagSpecifications"], asked["LaunchTemplateData"]["TagSpecifications"])
    expect("groups", read["NetworkInterfaces"][0]["Groups"], ["sg-1"])
    expect("metadata", read["MetadataOptions"]["HttpTokens"], "required")
    refused("IdempotentParameterMismatch", ec2.create_launch_template_version,
            ClientToken="a-token", LaunchTemplateData={"ImageId": "ami-3"}, **TEMPLATE)
    refused("InvalidLaunchTemplateName.NotFoundException", ec2.describe_launch_template_versions,
            LaunchTemplateName="nothing")
    refused("InvalidLaunchTemplateId.VersionNotFound", ec2.describe_launch_template_versions,
            Versions=["9"], **TEMPLATE)
    control("ec2 image ami-gone missing=true")
    warned = ec2.create_launch_template_version(LaunchTemplateData={"ImageId": "ami-gone"},
                                                **TEMPLATE)
    expect("warning", warned["Warning"]["Errors"][0]["Code"], "InvalidAMIID.NotFound")
    ec2.modify_launch_template(DefaultVersion="2", **TEMPLATE)
    pages = ec2.get_paginator("describe_launch_template_versions").paginate(
        PaginationConfig={"PageSize": 1}, **TEMPLATE)
    expect("all versions", [v["VersionNumber"] for page in pages
                            for v in page["LaunchTemplateVersions"]], [3, 2, 1])
    gone = ec2.delete_launch_template_versions(Versions=["3"], **TEMPLATE)
    expect("deleted", gone["SuccessfullyDeletedLaunchTemplateVersions"][0]["VersionNumber"], 3)
    expect("template", ec2.describe_launch_templates(LaunchTemplateNames=["web-lt"])[
        "LaunchTemplates"][0]["DefaultVersionNumber"], 2)


@case("autoscaling: a group is made like another one")
def copied():
    control("elbv2 target-group asg-blue interval=5 threshold=2 healthy_after_ms=500",
            "elbv2 target-group asg-green interval=5 threshold=2 healthy_after_ms=500 "
            "deregistration_s=1",
            "elbv2 load-balancer asg-lb", "elbv2 listener asg-lb forward=asg-blue:1,asg-green:0",
            "autoscaling group web-blue template=web-lt version=1 size=2 targets=asg-blue")
    blue = group("web-blue")
    expect("sizes", (blue["MinSize"], blue["MaxSize"], blue["DesiredCapacity"]), (1, 10, 2))
    green = elbv2.describe_target_groups(Names=["asg-green"])["TargetGroups"][0]["TargetGroupArn"]
    asked = {key: blue[key] for key in (
        "MinSize", "MaxSize", "DesiredCapacity", "DefaultCooldown", "VPCZoneIdentifier",
        "TerminationPolicies", "NewInstancesProtectedFromScaleIn")}
    autoscaling.create_auto_scaling_group(
        LaunchTemplate={"Version": "2", **TEMPLATE}, TargetGroupARNs=[green],
        HealthCheckType="EC2", HealthCheckGracePeriod=30,
        Tags=[{"Key": "rollout", "Value": "r1", "PropagateAtLaunch": True,
               "ResourceId": "web-green", "ResourceType": "auto-scaling-group"}],
        LifecycleHookSpecificationList=[{
            "LifecycleHookName": "install", "HeartbeatTimeout": 60, "DefaultResult": "ABANDON",
            "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING"}],
        InstanceMaintenancePolicy={"MinHealthyPercentage": 90, "MaxHealthyPercentage": 120},
        **GREEN, **asked)
    refused("AlreadyExists", autoscaling.create_auto_scaling_group, MinSize=1, MaxSize=1,
            LaunchTemplate=TEMPLATE, AvailabilityZones=["eu-central-1a"], **GREEN)
    refused("ValidationError", autoscaling.create_auto_scaling_group, MinSize=1, MaxSize=1,
            AutoScalingGroupName="x", LaunchTemplate={"LaunchTemplateName": "nothing"},
            AvailabilityZones=["eu-central-1a"])
    control("autoscaling group web-green launch_ms=500ms terminate_ms=500ms",
            "autoscaling answer install after=500ms")
    until("the copy is in service", lambda: in_service("web-green") == 2)
    read = group("web-green")
    expect("policy", read["InstanceMaintenancePolicy"],
           {"MinHealthyPercentage": 90, "MaxHealthyPercentage": 120})
    expect("tags", [(t["Key"], t["Value"]) for t in read["Tags"]], [("rollout", "r1")])
    expect("versions", {i["LaunchTemplate"]["Version"] for i in read["Instances"]}, {"2"})
    until("its targets are healthy", lambda: {
        t["TargetHealth"]["State"] for t in elbv2.describe_target_health(
            TargetGroupArn=green)["TargetHealthDescriptions"]} == {"healthy"})
    tagged = autoscaling.describe_auto_scaling_groups(
        Filters=[{"Name": "tag:rollout", "Values": ["r1"]}])["AutoScalingGroups"]
    expect("by tag", [g["AutoScalingGroupName"] for g in tagged], ["web-green"])
    found = ec2.describe_instances(Filters=[{"Name": "tag:rollout", "Values": ["r1"]}])
    expect("tagged instances", len(found["Reservations"]), 2)
    expect("state", found["Reservations"][0]["Instances"][0]["State"]["Name"], "running")
    found = ec2.describe_instance_status(IncludeAllInstances=True)["InstanceStatuses"]
    expect("statuses", len(found), 4)
    pages = autoscaling.get_paginator("describe_auto_scaling_groups").paginate(
        PaginationConfig={"PageSize": 1})
    expect("groups", [g["AutoScalingGroupName"] for page in pages
                      for g in page["AutoScalingGroups"]], ["web-blue", "web-green"])


@case("autoscaling: what a description does not tell")
def parts():
    autoscaling.put_scaling_policy(
        PolicyName="requests", PolicyType="TargetTrackingScaling", TargetTrackingConfiguration={
            "TargetValue": 50.0, "PredefinedMetricSpecification": {
                "PredefinedMetricType": "ASGAverageCPUUtilization"}}, **GREEN)
    policy = autoscaling.describe_policies(**GREEN)["ScalingPolicies"][0]
    expect("target", policy["TargetTrackingConfiguration"]["TargetValue"], 50.0)
    expect("alarms", len(policy["Alarms"]), 2)
    autoscaling.put_scaling_policy(
        PolicyName="steps", PolicyType="StepScaling", AdjustmentType="ChangeInCapacity",
        StepAdjustments=[{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}], **GREEN)
    steps = autoscaling.describe_policies(PolicyNames=["steps"], **GREEN)["ScalingPolicies"][0]
    expect("steps", steps["StepAdjustments"],
           [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}])
    start = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + \
        datetime.timedelta(hours=1)
    autoscaling.put_scheduled_update_group_action(
        ScheduledActionName="morning", Recurrence="0 8 * * *", StartTime=start, MinSize=2, **GREEN)
    action = autoscaling.describe_scheduled_actions(**GREEN)["ScheduledUpdateGroupActions"][0]
    expect("action", (action["Recurrence"], action["StartTime"], action["MinSize"]),
           ("0 8 * * *", start, 2))
    hooks = autoscaling.describe_lifecycle_hooks(**GREEN)["LifecycleHooks"]
    expect("hooks", [(h["LifecycleHookName"], h["HeartbeatTimeout"]) for h in hooks],
           [("install", 60)])
    autoscaling.put_notification_configuration(
        TopicARN="arn:aws:sns:eu-central-1:111122223333:t",
        NotificationTypes=["autoscaling:EC2_INSTANCE_LAUNCH"], **GREEN)
    told = autoscaling.describe_notification_configurations(
        AutoScalingGroupNames=["web-green"])["NotificationConfigurations"]
    expect("notifications", [n["NotificationType"] for n in told],
           ["autoscaling:EC2_INSTANCE_LAUNCH"])
    autoscaling.enable_metrics_collection(Granularity="1Minute", Metrics=["GroupMinSize"], **GREEN)
    expect("metrics", group("web-green")["EnabledMetrics"],
           [{"Metric": "GroupMinSize", "Granularity": "1Minute"}])
    expect("no warm pool", autoscaling.describe_warm_pool(**GREEN)["Instances"], [])
    expect("no refresh", autoscaling.describe_instance_refreshes(**GREEN)["InstanceRefreshes"], [])
    autoscaling.create_or_update_tags(Tags=[{
        "Key": "more", "Value": "x", "ResourceId": "web-green", "PropagateAtLaunch": False,
        "ResourceType": "auto-scaling-group"}])
    tags = autoscaling.describe_tags(Filters=[{"Name": "key", "Values": ["more"]}])["Tags"]
    expect("tag", tags[0]["ResourceId"], "web-green")
    autoscaling.delete_tags(Tags=[{"Key": "more", "ResourceId": "web-green",
                                   "ResourceType": "auto-scaling-group"}])


@case("autoscaling: processes, target groups, capacity")
def changes():
    autoscaling.suspend_processes(ScalingProcesses=["AZRebalance", "Launch"], **GREEN)
    expect("suspended", {p["ProcessName"] for p in group("web-green")["SuspendedProcesses"]},
           {"AZRebalance", "Launch"})
    autoscaling.resume_processes(ScalingProcesses=["Launch", "AZRebalance"], **GREEN)
    expect("resumed", group("web-green")["SuspendedProcesses"], [])
    autoscaling.set_desired_capacity(DesiredCapacity=3, **GREEN)
    until("three in service", lambda: in_service("web-green") == 3)
    refused("ScalingActivityInProgress", autoscaling.set_desired_capacity, DesiredCapacity=2,
            HonorCooldown=True, **GREEN)
    refused("ValidationError", autoscaling.set_desired_capacity, DesiredCapacity=99, **GREEN)
    autoscaling.update_auto_scaling_group(DesiredCapacity=2, HealthCheckType="ELB", **GREEN)
    until("two are left", lambda: len(group("web-green")["Instances"]) == 2)
    activities = autoscaling.describe_scaling_activities(**GREEN)["Activities"]
    expect("activities", {a["StatusCode"] for a in activities}, {"Successful"})
    sources = autoscaling.describe_traffic_sources(**GREEN)["TrafficSources"]
    expect("sources", [(s["Type"], s["State"]) for s in sources], [("elbv2", "InService")])
    blue = elbv2.describe_target_groups(Names=["asg-blue"])["TargetGroups"][0]["TargetGroupArn"]
    autoscaling.attach_load_balancer_target_groups(TargetGroupARNs=[blue], **GREEN)
    expect("attached", blue in group("web-green")["TargetGroupARNs"], True)
    autoscaling.detach_traffic_sources(TrafficSources=[{"Identifier": blue}], **GREEN)
    expect("detached", blue in group("web-green")["TargetGroupARNs"], False)
    listed = autoscaling.describe_auto_scaling_instances()["AutoScalingInstances"]
    expect("instances", len(listed), 4)
    first = group("web-green")["Instances"][0]["InstanceId"]
    autoscaling.set_instance_protection(InstanceIds=[first], ProtectedFromScaleIn=True, **GREEN)
    ended = autoscaling.terminate_instance_in_auto_scaling_group(
        InstanceId=first, ShouldDecrementDesiredCapacity=False)
    expect("ending", ended["Activity"]["AutoScalingGroupName"], "web-green")
    control("ec2 launches error=InsufficientInstanceCapacity n=1")
    until("the failure is told", lambda: any(
        a["StatusCode"] == "Failed" and "sufficient" in a["StatusMessage"]
        for a in autoscaling.describe_scaling_activities(**GREEN)["Activities"]))


@case("ssm: a command on instances, and parameters")
def commands():
    ids = [i["InstanceId"] for i in group("web-blue")["Instances"]]
    control("ssm timing agent=0 pending=300ms run=300ms visible=500ms")
    agents = ssm.describe_instance_information(Filters=[{"Key": "InstanceIds", "Values": ids}])
    expect("agents", {a["PingStatus"] for a in agents["InstanceInformationList"]}, {"Online"})
    sent = ssm.send_command(DocumentName="AWS-RunShellScript", InstanceIds=ids, Comment="r1",
                            Parameters={"commands": ["true"], "executionTimeout": ["60"]},
                            TimeoutSeconds=60, MaxConcurrency="50%", MaxErrors="0")["Command"]
    on = {"CommandId": sent["CommandId"], "InstanceId": ids[0]}
    refused("InvocationDoesNotExist", ssm.get_command_invocation, **on)
    until("it ran", lambda: [c["Status"] for c in ssm.list_commands(
        CommandId=sent["CommandId"])["Commands"]] == ["Success"])
    got = ssm.get_command_invocation(**on)
    expect("result", (got["Status"], got["ResponseCode"]), ("Success", 0))
    since = {"key": "InvokedAfter", "value": "2020-01-01T00:00:00Z"}
    listed = ssm.list_command_invocations(Filters=[since], Details=True)["CommandInvocations"]
    expect("listed", sorted(i["InstanceId"] for i in listed), sorted(ids))
    expect("plugin", listed[0]["CommandPlugins"][0]["Name"], "aws:runShellScript")
    refused("InvalidInstanceId", ssm.send_command, DocumentName="AWS-RunShellScript",
            InstanceIds=["i-0123456789abcdef0"], Parameters={"commands": ["true"]})
    refused("InvalidDocument", ssm.send_command, DocumentName="Nothing", InstanceIds=ids)
    ssm.cancel_command(CommandId=sent["CommandId"])
    expect("first", ssm.put_parameter(Name="/web/ami", Value="ami-1", Type="String")["Version"], 1)
    expect("value", ssm.get_parameter(Name="/web/ami")["Parameter"]["Value"], "ami-1")
    refused("ParameterNotFound", ssm.get_parameter, Name="/web/none")


@case("autoscaling: groups end")
def ends():
    refused("ResourceInUse", autoscaling.delete_auto_scaling_group, **GREEN)
    autoscaling.delete_auto_scaling_group(ForceDelete=True, **GREEN)
    expect("status", group("web-green")["Status"], "Delete in progress")
    until("it is gone", lambda: group("web-green") is None)
    refused("ValidationError", autoscaling.update_auto_scaling_group, MinSize=0, **GREEN)
