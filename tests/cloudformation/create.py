"""Every template, with every sample, made by moto's CloudFormation; what moto cannot make is said. Prints ok lines."""
import json
import logging
import os
import re
import sys
import warnings

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(__file__))
os.environ.update(AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing",
                  AWS_DEFAULT_REGION="eu-central-1", AWS_MAX_ATTEMPTS="1")
import boto3  # noqa: E402
import botocore.validate  # noqa: E402
import moto  # noqa: E402

import samples  # noqa: E402
import template  # noqa: E402

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

# What moto's CloudFormation cannot make (the repository: not name, the rest: not at all). It is left
# out of the template that moto gets, and who refers to it gets a word in its place. Where a service
# itself can be asked, by_hand() asks it for the same.
NOT_MADE = {"AWS::CloudWatch::Alarm", "AWS::CodeBuild::Project", "AWS::CodePipeline::Pipeline",
            "AWS::CodePipeline::CustomActionType", "AWS::ECR::Repository", "AWS::Lambda::Alias",
            "AWS::Logs::MetricFilter", "AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy"}


LEFT_OUT = "arn:aws:left-out:eu-central-1:111122223333:"


def without(v, names):
    """The template with words in place of references to these resources."""
    if isinstance(v, dict):
        if len(v) == 1:
            (kind, x), = v.items()
            if kind == "Ref" and x in names or kind == "Fn::GetAtt" and x[0] in names:
                return LEFT_OUT + (x if kind == "Ref" else x[0])
            if kind == "Fn::Sub":
                text, more = (x, []) if isinstance(x, str) else (x[0], [without(x[1], names)])
                text = re.sub(r"\$\{(\w+)(\.\w+)?\}", lambda m: LEFT_OUT + m.group(1)
                              if m.group(1) in names else m.group(0), text)
                return {kind: [text, *more] if more else text}
        return {k: [d for d in ([x] if isinstance(x, str) else x) if d not in names]
                if k == "DependsOn" else without(x, names) for k, x in v.items()}
    return [without(x, names) for x in v] if isinstance(v, list) else v


def choose(v, r):
    """Members of lists that depend on a condition are chosen here: moto leaves holes."""
    if isinstance(v, dict):
        return {k: [choose(y, r) for y in x] if k == "Fn::If" else choose(x, r)
                for k, x in v.items()}
    if not isinstance(v, list):
        return v
    chosen = []
    for x in v:
        while isinstance(x, dict) and list(x) == ["Fn::If"]:
            x = x["Fn::If"][1 if r.truth({"Condition": x["Fn::If"][0]}) else 2]
        if x != {"Ref": "AWS::NoValue"}:
            chosen.append(choose(x, r))
    return chosen


def for_moto(t, r):
    t = {k: choose(v, r) if k == "Resources" else v for k, v in t.items()}
    names = {n for n, r in t["Resources"].items() if r["Type"] in NOT_MADE}
    t = without(t, names)
    for n in names:
        del t["Resources"][n]
    return t, names


def surroundings():
    """What parameters name: a network, an image, a policy, a role."""
    ec2 = boto3.client("ec2")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = [s["SubnetId"] for s in ec2.describe_subnets()["Subnets"][:2]]
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    boto3.client("ssm").put_parameter(Name="/image", Value=image, Type="String")
    iam = boto3.client("iam")
    policy = iam.create_policy(PolicyName="worker", Path="/rollout-worker/", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "codepipeline:GetJobDetails", "Resource": "*"}]}))
    iam.create_role(RoleName="web-instances", AssumeRolePolicyDocument="{}")
    return {"Image": "/image", "VpcId": vpc, "SubnetIds": ",".join(subnets),
            "MoreSecurityGroupIds": group, "PolicyArns": policy["Policy"]["Arn"],
            "InstanceType": "t3.micro"}


def create(name, case, there, stack_name):
    """The kinds of resources that exist afterwards, and those that were left out."""
    t = template.load(name)
    given = {k: there.get(k, v) for k, v in case.items()}
    reduced, left_out = for_moto(t, template.Resolved(t, case))
    if "Image" in t.get("Parameters", {}):  # moto keeps no parameters of AWS's own
        given["Image"] = reduced["Parameters"]["Image"]["Default"] = there["Image"]
    body = json.dumps(reduced)
    cfn = boto3.client("cloudformation")
    cfn.create_stack(StackName=stack_name, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"],
                     Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in given.items()])
    stack, = cfn.describe_stacks(StackName=stack_name)["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    made = {r["LogicalResourceId"]: r["ResourceType"]
            for r in cfn.describe_stack_resources(StackName=stack_name)["StackResources"]
            if "LogicalResourceId" in r}  # it lists what is not made without a name
    wanted = {n: r["Type"] for n, r in t["Resources"].items()
              if n in template.Resolved(t, case).resources()}
    missing = {kind for n, kind in wanted.items() if n not in made and n not in left_out}
    surplus = set(made) - set(wanted)
    assert not surplus, f"made though its condition is false: {surplus}"
    assert not missing, f"not made: {missing}"
    outputs = {o["OutputKey"] for o in stack.get("Outputs", [])}
    assert outputs == set(template.Resolved(t, case).outputs()), outputs
    look(name, stack_name)
    by_hand(template.Resolved(t, case, stack=stack_name), stack_name)
    return set(made.values()), {t["Resources"][n]["Type"] for n in left_out}


def look(name, stack_name):
    """What the stack made is what its services show."""
    if name == "worker":
        group, = boto3.client("autoscaling").describe_auto_scaling_groups(
            AutoScalingGroupNames=[stack_name])["AutoScalingGroups"]
        assert group["Instances"], group
        ours = [g for g in boto3.client("ec2").describe_security_groups()["SecurityGroups"]
                if g["GroupName"].startswith(f"{stack_name}-SecurityGroup")]
        assert len(ours) == 1 and not ours[0]["IpPermissions"], ours


def camel(v):
    """The members as the API spells them; the configuration of an action is the user's."""
    if isinstance(v, list):
        return [camel(x) for x in v]
    if not isinstance(v, dict):
        return v
    return {k[0].lower() + k[1:]: x if k == "Configuration" else camel(x) for k, x in v.items()}


def by_hand(r, stack_name):
    """The same by the services' own calls: botocore holds every member against the service's model,
    and moto makes of it what it can."""
    for p in r.resources("AWS::CodePipeline::Pipeline").values():
        p = camel(p)
        p["roleArn"], = [role["Arn"] for role in boto3.client("iam").list_roles()["Roles"]
                         if role["RoleName"].startswith(f"{stack_name}-PipelineRole")]  # moto looks whom it trusts
        p.pop("restartExecutionOnUpdate", None)
        boto3.client("codepipeline").create_pipeline(pipeline=p)
    for name, a in r.resources("AWS::CloudWatch::Alarm").items():
        numbers = {k: float(a[k]) for k in ("Threshold",)}
        boto3.client("cloudwatch").put_metric_alarm(**{"AlarmName": name, **a, **numbers})
    groups = {n: g["LogGroupName"] for n, g in r.resources("AWS::Logs::LogGroup").items()}
    for name, f in r.resources("AWS::Logs::MetricFilter").items():
        boto3.client("logs").put_metric_filter(
            logGroupName=groups[f["LogGroupName"]], filterName=name,
            filterPattern=f["FilterPattern"], metricTransformations=camel(f["MetricTransformations"]))
    client = boto3.client("codepipeline")  # moto has no such call: only the members are looked at
    for t in r.resources("AWS::CodePipeline::CustomActionType").values():
        shape = client.meta.service_model.operation_model("CreateCustomActionType").input_shape
        report = botocore.validate.ParamValidator().validate(camel(t), shape)
        assert not report.has_errors(), report.generate_report()


def main():
    absent = set()
    with moto.mock_aws():
        there = surroundings()
        for name in sys.argv[1:] or template.names():
            for i, case in enumerate(samples.cases(name)):
                try:
                    made, missing = create(name, case, there, f"{name}-{i}")
                    absent |= missing
                    print(f"ok {name} {i}: {len(made)} kinds of resources", flush=True)
                except Exception as e:  # the others still run
                    print(f"not ok {name} {i}: {type(e).__name__}: {e}", flush=True)
                    if os.environ.get("VERBOSE"):
                        import traceback
                        traceback.print_exc()
                for g in boto3.client("logs").describe_log_groups()["logGroups"]:
                    boto3.client("logs").delete_log_group(logGroupName=g["logGroupName"])
    print(f"# moto {moto.__version__} does not make: {', '.join(sorted(absent)) or 'nothing'}")


main()
