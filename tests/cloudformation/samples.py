"""Parameters that each template can be made with: a list of cases, which together turn every
condition both ways. A template that is not named here needs none."""
SHA = "0123456789abcdef" * 4
POLICY = "arn:aws:iam::111122223333:policy/rollout-worker/worker"
CONNECTION = "arn:aws:codeconnections:eu-central-1:111122223333:connection/1-2-3"
RULE = ("arn:aws:elasticloadbalancing:eu-central-1:111122223333:listener-rule/app/web/"
        "0123456789abcdef/0123456789abcdef/0123456789abcdef")
LB = {"LoadBalancer": "app/web/0123456789abcdef"}
STAGING_LB = {"StagingLoadBalancer": "app/staging/0123456789abcdef"}
WORKER = {"PackageBucket": "packages", "PackageKey": "rollout-worker_1_amd64.deb",
          "PackageSha256": SHA, "PolicyArns": POLICY, "VpcId": "vpc-01234567",
          "SubnetIds": "subnet-01234567,subnet-89abcdef"}
EC2 = {"Repository": "web", "Group": "web", **LB}
BEANSTALK = {"Repository": "web", "Application": "web", "Environment": "web-blue",
             "Twin": "web-green", "Rule": RULE, **LB}
ECS = {"Repository": "web", "Cluster": "prod", "Service": "web", **LB}
GITHUB = {"Repository": "example/web", "ConnectionArn": CONNECTION}

ROLE = "arn:aws:iam::111122223333:role/web"
KINDS = {"Functions": "checkout-*", "HookFunctions": "smoke", "LoadBalancers": "web*",
         "AutoScalingGroups": "web", "InstanceRoleArns": ROLE, "BeanstalkApplications": "web",
         "BeanstalkRoleArns": ROLE, "EcsClusters": "prod", "TaskRoleArns": ROLE,
         "TargetRoleArns": "arn:aws:iam::222233334444:role/rollout-target",
         "NotifyTopicArn": "arn:aws:sns:eu-central-1:111122223333:ops",
         "NotifyKeyArn": "arn:aws:kms:eu-central-1:111122223333:key/1",
         "NotifyEventBusArn": "arn:aws:events:eu-central-1:111122223333:event-bus/default",
         "DeleteOriginals": "true", "ArtifactBuckets": "artifacts-*", "HostedZones": "Z1"}

CASES = {
    "policies": [{}, KINDS, {"WorkerPolicy": "false", "Functions": "checkout-*"},
                 {**KINDS, "BeanstalkResources": "false"}],
    "action-type": [
        {}, {"EntityUrlTemplate": "https://example.com/{Config:Target}",
             "ExecutionUrlTemplate": "https://example.com/{ExternalExecutionId}"}],
    "worker": [
        WORKER,
        {**WORKER, "Email": "team@example.com", "EventBus": "default", "PublicAddress": "yes",
         "MoreSecurityGroupIds": "sg-01234567,sg-89abcdef", "SsmAgentVersion": "3.3.1.0",
         "SsmAgentSha256": SHA, "Instances": "2",
         "Image": "/aws/service/debian/release/12/latest/arm64", "InstanceType": "t4g.micro"},
        {**WORKER, "TopicArn": "arn:aws:sns:eu-central-1:111122223333:ops", "NotifyReleases": "no"},
        {**WORKER, "TopicArn": "arn:aws:sns:eu-central-1:111122223333:ops", "Pool": "other"}],
    "target-role": [
        {"WorkerRoleArn": "arn:aws:iam::111122223333:role/rollout-worker", "PolicyArns": POLICY}],
    "pipeline-lambda": [{"Repository": "checkout"}, GITHUB],
    "pipeline-ec2": [
        EC2, {**EC2, **GITHUB, **STAGING_LB, "StagingGroup": "web-staging",
              "InstanceRole": "web-instances"}],
    "pipeline-beanstalk": [
        BEANSTALK, {**BEANSTALK, **GITHUB,
                    "StagingCname": "web-staging.eu-central-1.elasticbeanstalk.com"}],
    "pipeline-ecs": [
        ECS, {**ECS, **GITHUB, **STAGING_LB, "StagingService": "web-staging"}],
}


def cases(name):
    return CASES.get(name, [{}])
