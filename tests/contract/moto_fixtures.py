"""What the worker's calls find at moto, made by boto3. Prints key=value lines for moto_calls."""
import datetime
import io
import json
import os
import sys
import zipfile

import boto3
from botocore.config import Config


def client(service):
    return boto3.client(service, endpoint_url=os.environ["AWS_ENDPOINT_URL"],
                        config=Config(retries={"total_max_attempts": 1}, proxies={}))


def say(**pairs):
    for key, value in pairs.items():
        print(f"{key.replace('_', '-')}={value}")


def package(text):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("app.py", text)
    return out.getvalue()


def storage():
    s3 = client("s3")
    where = {"LocationConstraint": os.environ["AWS_REGION"]}
    s3.create_bucket(Bucket="contract-files", CreateBucketConfiguration=where)
    s3.put_object(Bucket="contract-files", Key="two.zip", Body=package("two = 2\n"))
    say(bucket="contract-files", code="two.zip",
        account=client("sts").get_caller_identity()["Account"])


def listeners():
    """A topic and a bus, with queues that get what comes there."""
    sqs, sns, events = client("sqs"), client("sns"), client("events")
    topic = sns.create_topic(Name="releases")["TopicArn"]
    say(topic=topic)
    for name in ("from-topic", "from-bus"):
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn = arn["Attributes"]["QueueArn"]
        if name == "from-topic":
            sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn,
                          Attributes={"FilterPolicy": '{"event": ["step"]}'})
        else:
            events.create_event_bus(Name="releases")
            events.put_rule(Name="all", EventBusName="releases",
                            EventPattern='{"source": ["rollout-worker"]}')
            events.put_targets(Rule="all", EventBusName="releases",
                               Targets=[{"Id": "q", "Arn": arn}])


def heard():
    """What the queues got, after the calls: checked against what was said."""
    sqs = client("sqs")

    def take(name):
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(m["Body"]) for m in got]
    topic, bus = take("from-topic"), take("from-bus")
    assert len(topic) == 1, topic  # the filter policy of the attributes let one of two through
    assert json.loads(topic[0]["Message"]) == {"event": "step"}, topic
    assert topic[0]["Subject"] == "shop/Canary: step 1 of 2: 5% on the candidate", topic
    assert len(bus) == 2, bus
    assert bus[0]["source"] == "rollout-worker", bus
    assert bus[0]["detail-type"] == "Rollout State Change", bus
    assert sorted(m["detail"]["n"] for m in bus) == [1, 2], bus


def function():
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole",
         "Principal": {"Service": "lambda.amazonaws.com"}}]}
    role = client("iam").create_role(RoleName="contract-role",
                                     AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    functions = client("lambda")
    functions.create_function(FunctionName="checkout", Runtime="python3.12", Role=role,
                              Handler="app.handler", Code={"ZipFile": package("one = 1\n")},
                              Publish=True)
    functions.create_alias(FunctionName="checkout", Name="live", FunctionVersion="1")
    say(function="checkout", role=role)


def network():
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24",
                                 AvailabilityZone=os.environ["AWS_REGION"] + zone)
               ["Subnet"]["SubnetId"] for n, zone in enumerate("ab")]
    image = ec2.describe_images()["Images"][0]["ImageId"]
    target = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1,
                               SubnetId=subnets[0])["Instances"][0]["InstanceId"]
    return vpc, subnets, target


def scaling(vpc, subnets):
    ec2 = client("ec2")
    first, second = (client("elbv2").create_target_group(
        Name=name, Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]["TargetGroupArn"]
        for name in ("tg-shop", "tg-shop-2"))
    image = ec2.describe_images()["Images"][0]["ImageId"]
    template = ec2.create_launch_template(LaunchTemplateName="shop", LaunchTemplateData={
        "ImageId": image, "InstanceType": "t3.small"})["LaunchTemplate"]["LaunchTemplateId"]
    groups = client("autoscaling")
    groups.create_auto_scaling_group(
        AutoScalingGroupName="shop", MinSize=1, MaxSize=4, DesiredCapacity=2,
        LaunchTemplate={"LaunchTemplateId": template, "Version": "1"},
        VPCZoneIdentifier=",".join(subnets), TargetGroupARNs=[first],
        HealthCheckType="ELB", HealthCheckGracePeriod=60, Tags=[
            {"Key": "team", "Value": "a & b", "PropagateAtLaunch": True, "ResourceId": "shop",
             "ResourceType": "auto-scaling-group"}])
    groups.put_scaling_policy(
        AutoScalingGroupName="shop", PolicyName="cpu", PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration={"TargetValue": 50.0, "PredefinedMetricSpecification": {
            "PredefinedMetricType": "ASGAverageCPUUtilization"}})
    groups.put_scheduled_update_group_action(
        AutoScalingGroupName="shop", ScheduledActionName="day", Recurrence="0 8 * * *",
        MinSize=2)
    groups.put_lifecycle_hook(
        AutoScalingGroupName="shop", LifecycleHookName="warm", HeartbeatTimeout=30,
        LifecycleTransition="autoscaling:EC2_INSTANCE_LAUNCHING", DefaultResult="CONTINUE")
    groups.enable_metrics_collection(AutoScalingGroupName="shop", Granularity="1Minute",
                                     Metrics=["GroupDesiredCapacity"])
    say(group="shop", template=template, image=image, group_first=first, group_second=second)


def balancing():
    vpc, subnets, target = network()
    elb = client("elbv2")
    balancer = elb.create_load_balancer(Name="web", Subnets=subnets)["LoadBalancers"][0][
        "LoadBalancerArn"]
    blue, green = (elb.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=vpc)
                   ["TargetGroups"][0]["TargetGroupArn"] for name in ("tg-blue", "tg-green"))
    elb.register_targets(TargetGroupArn=blue, Targets=[{"Id": target}])
    forward = [{"Type": "forward", "ForwardConfig": {"TargetGroups": [
        {"TargetGroupArn": blue, "Weight": 100}, {"TargetGroupArn": green, "Weight": 0}]}}]
    listener = elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80,
                                   DefaultActions=forward)["Listeners"][0]["ListenerArn"]
    rule = elb.create_rule(ListenerArn=listener, Priority=10, Actions=forward, Conditions=[
        {"Field": "path-pattern", "Values": ["/api/*"]}])["Rules"][0]["RuleArn"]
    scaling(vpc, subnets)
    say(balancer=balancer, listener=listener, rule=rule, blue=blue, green=green, target=target,
        missing_rule=rule[:-4] + "0000", missing_group=green[:-4] + "0000")


def watching():
    cloudwatch = client("cloudwatch")
    for name, state in (("errors", "ALARM"), ("latency & <more>", "OK"), ("unasked", "OK")):
        cloudwatch.put_metric_alarm(
            AlarmName=name, Namespace="AWS/Lambda", MetricName="Errors", Statistic="Sum",
            Period=60, EvaluationPeriods=3, Threshold=1.0,
            ComparisonOperator="GreaterThanThreshold")
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="by hand")
    now = datetime.datetime.now(datetime.timezone.utc)
    minute = now.replace(second=0, microsecond=0) - datetime.timedelta(minutes=5)
    for offset, value in ((0, 1), (0, 3), (1, 5)):
        cloudwatch.put_metric_data(Namespace="Contract", MetricData=[{
            "MetricName": "Latency", "Dimensions": [{"Name": "Host", "Value": "a b"}],
            "Timestamp": minute + datetime.timedelta(minutes=offset, seconds=5), "Value": value}])
    say(minute=int(minute.timestamp()))


def containers():
    ecs = client("ecs")
    ecs.create_cluster(clusterName="prod")
    ecs.register_task_definition(family="web", containerDefinitions=[
        {"name": "app", "image": "web:1", "memory": 128}])
    ecs.create_service(cluster="prod", serviceName="web", taskDefinition="web", desiredCount=2)
    say(cluster="prod", service="web")


if __name__ == "__main__":
    if sys.argv[1:] == ["heard"]:
        heard()
        sys.exit(0)
    storage()
    listeners()
    function()
    balancing()
    watching()
    containers()
