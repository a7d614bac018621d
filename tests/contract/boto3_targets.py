"""boto3 against the served simulator: Lambda, Elastic Load Balancing and CloudWatch."""
import base64
import datetime
import hashlib
import io
import json
import zipfile

from peer import case, client, control, expect, refused, until

lambda_ = client("lambda")
elbv2 = client("elbv2")
cloudwatch = client("cloudwatch")
NAME = {"FunctionName": "checkout"}
ALIAS = {"Name": "live", **NAME}
QUICK = {"Delay": 1, "MaxAttempts": 20}
PREFIX = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:"


def package(text):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app.py", text)
    return out.getvalue()


# --- Lambda ---------------------------------------------------------------------------------------

@case("lambda: new code is uploaded, published and becomes active")
def publish():
    control('lambda function checkout code="sim: errors=0 reply=one" alias=live rps=10 '
            "update_ms=300ms publish_ms=300ms")
    before = lambda_.get_function_configuration(**NAME)
    expect("state", before["State"], "Active")
    code = package("# sim: reply=two smoke=ok\n")
    changed = lambda_.update_function_code(ZipFile=code, RevisionId=before["RevisionId"], **NAME)
    sha = base64.b64encode(hashlib.sha256(code).digest()).decode()
    expect("digest", changed["CodeSha256"], sha)
    expect("update", changed["LastUpdateStatus"], "InProgress")
    refused("ResourceConflictException", lambda_.update_function_code, ZipFile=code, **NAME)
    lambda_.get_waiter("function_updated_v2").wait(WaiterConfig=QUICK, **NAME)
    refused("PreconditionFailedException", lambda_.update_function_code, ZipFile=code,
            RevisionId=before["RevisionId"], **NAME)
    refused("InvalidParameterValueException", lambda_.publish_version, CodeSha256="x" * 43 + "=",
            **NAME)
    version = lambda_.publish_version(CodeSha256=sha, Description="second", **NAME)
    expect("version", version["Version"], "2")
    expect("arn", version["FunctionArn"],
           "arn:aws:lambda:eu-central-1:111122223333:function:checkout:2")
    lambda_.get_waiter("published_version_active").wait(Qualifier="2", WaiterConfig=QUICK, **NAME)
    expect("published twice", lambda_.publish_version(CodeSha256=sha, **NAME)["Version"], "2")
    pages = lambda_.get_paginator("list_versions_by_function").paginate(
        PaginationConfig={"PageSize": 1}, **NAME)
    expect("versions", [v["Version"] for page in pages for v in page["Versions"]],
           ["$LATEST", "1", "2"])
    expect("get_function", lambda_.get_function(Qualifier="2", **NAME)["Configuration"]["Version"],
           "2")


@case("lambda: an alias's weights and its revision id")
def alias():
    before = lambda_.get_alias(**ALIAS)
    expect("version", before["FunctionVersion"], "1")
    shifted = lambda_.update_alias(RoutingConfig={"AdditionalVersionWeights": {"2": 0.25}},
                                   RevisionId=before["RevisionId"], **ALIAS)
    expect("weights", shifted["RoutingConfig"], {"AdditionalVersionWeights": {"2": 0.25}})
    expect("a new revision", shifted["RevisionId"] != before["RevisionId"], True)
    refused("PreconditionFailedException", lambda_.update_alias, FunctionVersion="2",
            RevisionId=before["RevisionId"], **ALIAS)
    after = lambda_.update_alias(Description="half", RevisionId=shifted["RevisionId"], **ALIAS)
    expect("weights stay", after["RoutingConfig"], {"AdditionalVersionWeights": {"2": 0.25}})
    done = lambda_.update_alias(FunctionVersion="2", RevisionId=after["RevisionId"],
                                RoutingConfig={"AdditionalVersionWeights": {}}, **ALIAS)
    expect("version", done["FunctionVersion"], "2")
    read = lambda_.get_alias(**ALIAS)
    expect("weights go", read.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}), {})
    expect("revision", read["RevisionId"], done["RevisionId"])
    for weights in ({"1": 1.5}, {"2": 0.5}, {"9": 0.5}, {"$LATEST": 0.5}):
        refused("ResourceNotFoundException" if "9" in weights else
                "InvalidParameterValueException", lambda_.update_alias,
                RoutingConfig={"AdditionalVersionWeights": weights}, **ALIAS)
    splits = [s for s in control("sim splits")[0] if "checkout" in s["resource"]]
    expect("changes of the split", len(splits) >= 2, True)


@case("lambda: aliases are made, listed and deleted")
def aliases():
    lambda_.create_alias(Name="test", FunctionVersion="2", **NAME)
    refused("ResourceConflictException", lambda_.create_alias, Name="test", FunctionVersion="2",
            **NAME)
    refused("ResourceNotFoundException", lambda_.create_alias, Name="other", FunctionVersion="7",
            **NAME)
    pages = lambda_.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": 1}, **NAME)
    expect("aliases", sorted(a["Name"] for page in pages for a in page["Aliases"]),
           ["live", "test"])
    of_one = lambda_.list_aliases(FunctionVersion="1", **NAME)["Aliases"]
    expect("aliases of version 1", of_one, [])
    refused("ResourceConflictException", lambda_.delete_function, Qualifier="2", **NAME)
    lambda_.delete_alias(Name="test", **NAME)
    refused("ResourceNotFoundException", lambda_.get_alias, Name="test", **NAME)
    refused("ResourceNotFoundException", lambda_.get_alias, FunctionName="nothing", Name="live")


@case("lambda: invocations reach the version asked for")
def invoke():
    two = lambda_.invoke(Qualifier="live", Payload=b'{"ping":1}', LogType="Tail", **NAME)
    expect("status", two["StatusCode"], 200)
    expect("version", two["ExecutedVersion"], "2")
    expect("answer", "two" in two["Payload"].read().decode(), True)
    expect("log", len(base64.b64decode(two["LogResult"])) > 0, True)
    one = lambda_.invoke(Qualifier="1", **NAME)
    expect("version", one["ExecutedVersion"], "1")
    expect("answer", "one" in one["Payload"].read().decode(), True)
    expect("dry run", lambda_.invoke(InvocationType="DryRun", **NAME)["StatusCode"], 204)
    refused("ResourceNotFoundException", lambda_.invoke, Qualifier="9", **NAME)
    control("lambda version checkout 2 smoke=fail")
    bad = lambda_.invoke(Qualifier="2", **NAME)
    expect("threw", bad["FunctionError"], "Unhandled")
    expect("error", "errorMessage" in json.loads(bad["Payload"].read()), True)
    control("lambda version checkout 2 smoke=throttle")
    refused("TooManyRequestsException", lambda_.invoke, Qualifier="2", **NAME)


@case("lambda: provisioned concurrency")
def provisioned():
    on = {"Qualifier": "1", **NAME}
    refused("ProvisionedConcurrencyConfigNotFoundException",
            lambda_.get_provisioned_concurrency_config, **on)
    asked = lambda_.put_provisioned_concurrency_config(ProvisionedConcurrentExecutions=5, **on)
    expect("status", asked["Status"], "IN_PROGRESS")
    control("lambda provision checkout 1 n=5 status=READY")
    got = lambda_.get_provisioned_concurrency_config(**on)
    expect("ready", got["Status"], "READY")
    expect("allocated", got["AllocatedProvisionedConcurrentExecutions"], 5)
    lambda_.delete_provisioned_concurrency_config(**on)
    refused("ProvisionedConcurrencyConfigNotFoundException",
            lambda_.get_provisioned_concurrency_config, **on)


@case("lambda: code from S3, and a version that is deleted")
def from_s3():
    s3 = client("s3")
    s3.create_bucket(Bucket="code",
                     CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    code = package("# three\n")
    version = s3.put_object(Bucket="code", Key="app.zip", Body=code)["VersionId"]
    lambda_.update_function_code(S3Bucket="code", S3Key="app.zip", S3ObjectVersion=version, **NAME)
    lambda_.get_waiter("function_updated_v2").wait(WaiterConfig=QUICK, **NAME)
    refused("InvalidParameterValueException", lambda_.update_function_code, S3Bucket="code",
            S3Key="no-such.zip", **NAME)
    expect("version", lambda_.publish_version(**NAME)["Version"], "3")
    lambda_.delete_function(Qualifier="3", **NAME)
    refused("ResourceNotFoundException", lambda_.get_function_configuration, Qualifier="3", **NAME)


# --- Elastic Load Balancing -----------------------------------------------------------------------

@case("elbv2: load balancers, listeners, rules and target groups are described")
def describe():
    control("elbv2 load-balancer web propagation_ms=100ms",
            "elbv2 target-group tg-blue targets=2 interval=5 threshold=2 healthy_after_ms=0",
            "elbv2 target-group tg-green targets=1 interval=5 threshold=2 healthy_after_ms=0",
            "elbv2 listener web port=443 protocol=HTTPS forward=tg-blue:100,tg-green:0 "
            "stickiness=60 auth=oidc rps=10",
            "elbv2 rule web:443 priority=10 path=/api/* forward=tg-blue:100,tg-green:0 rps=10")
    balancer = elbv2.describe_load_balancers(Names=["web"])["LoadBalancers"][0]
    expect("state", balancer["State"]["Code"], "active")
    expect("type", balancer["Type"], "application")
    arn = balancer["LoadBalancerArn"]
    expect("arn", arn.startswith(PREFIX + "loadbalancer/app/web/"), True)
    listener = elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"][0]
    expect("port", listener["Port"], 443)
    kinds = [a["Type"] for a in sorted(listener["DefaultActions"], key=lambda a: a["Order"])]
    expect("actions", kinds, ["authenticate-oidc", "forward"])
    pages = elbv2.get_paginator("describe_rules").paginate(
        ListenerArn=listener["ListenerArn"], PaginationConfig={"PageSize": 1})
    expect("rules", sorted(r["Priority"] for page in pages for r in page["Rules"]),
           ["10", "default"])
    rule = rule_of("10")
    expect("condition", rule["Conditions"][0]["PathPatternConfig"]["Values"], ["/api/*"])
    groups = elbv2.describe_target_groups(Names=["tg-blue", "tg-green"])["TargetGroups"]
    expect("groups", sorted(g["TargetGroupName"] for g in groups), ["tg-blue", "tg-green"])
    expect("in use", [g["LoadBalancerArns"] for g in groups], [[arn], [arn]])
    tags = elbv2.describe_tags(ResourceArns=[arn])["TagDescriptions"]
    expect("tags", [(t["ResourceArn"], t["Tags"]) for t in tags], [(arn, [])])
    refused("LoadBalancerNotFound", elbv2.describe_load_balancers, Names=["nothing"])
    refused("TargetGroupNotFound", elbv2.describe_target_groups, Names=["nothing"])


def listener_arn():
    balancer = elbv2.describe_load_balancers(Names=["web"])["LoadBalancers"][0]
    return elbv2.describe_listeners(
        LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"][0]["ListenerArn"]


def rule_of(priority):
    rules = elbv2.describe_rules(ListenerArn=listener_arn())["Rules"]
    found = [r for r in rules if r["Priority"] == priority]
    expect(f"rules of priority {priority}", len(found), 1)
    return found[0]


def groups_of(actions):
    forward = [a for a in actions if a["Type"] == "forward"][0]["ForwardConfig"]
    return [(g["TargetGroupArn"].split("/")[1], g["Weight"]) for g in forward["TargetGroups"]]


def weigh(actions, weights):
    """The actions with other weights, in the order of the groups."""
    forward = [a for a in actions if a["Type"] == "forward"][0]
    forward.pop("TargetGroupArn", None)
    for group, weight in zip(forward["ForwardConfig"]["TargetGroups"], weights):
        group["Weight"] = weight
    return actions


@case("elbv2: a rule's weights move, and all else stays")
def modify_rule():
    rule = rule_of("10")
    changed = elbv2.modify_rule(RuleArn=rule["RuleArn"], Actions=weigh(rule["Actions"], (90, 10)))
    expect("echo", groups_of(changed["Rules"][0]["Actions"]), [("tg-blue", 90), ("tg-green", 10)])
    after = rule_of("10")
    expect("weights", groups_of(after["Actions"]), [("tg-blue", 90), ("tg-green", 10)])
    expect("conditions", after["Conditions"], rule["Conditions"])
    splits = [s for s in control("sim splits")[0] if rule["RuleArn"] in json.dumps(s)]
    expect("a recorded change", len(splits) >= 1, True)
    actions = after["Actions"]
    refused("ValidationError", elbv2.modify_rule, RuleArn=rule["RuleArn"],
            Actions=weigh(rule_of("10")["Actions"], (1000, 0)))
    refused("OperationNotPermitted", elbv2.modify_rule, RuleArn=rule_of("default")["RuleArn"],
            Actions=actions)
    refused("RuleNotFound", elbv2.modify_rule, RuleArn=rule["RuleArn"] + "0", Actions=actions)
    gone = weigh(rule_of("10")["Actions"], (50, 50))
    gone[0]["ForwardConfig"]["TargetGroups"][1]["TargetGroupArn"] = \
        PREFIX + "targetgroup/nothing/0123456789abcdef"
    refused("TargetGroupNotFound", elbv2.modify_rule, RuleArn=rule["RuleArn"], Actions=gone)
    expect("unchanged", groups_of(rule_of("10")["Actions"]), [("tg-blue", 90), ("tg-green", 10)])


@case("elbv2: a listener's weights move beside an authentication")
def modify_listener():
    arn = listener_arn()
    before = elbv2.describe_listeners(ListenerArns=[arn])["Listeners"][0]["DefaultActions"]
    actions = weigh(json.loads(json.dumps(before)), (75, 25))
    oidc = [a for a in actions if a["Type"] == "authenticate-oidc"][0]["AuthenticateOidcConfig"]
    expect("the secret is not told", "ClientSecret" in oidc, False)
    refused("InvalidLoadBalancerAction", elbv2.modify_listener, ListenerArn=arn,
            DefaultActions=actions)
    oidc["UseExistingClientSecret"] = True
    elbv2.modify_listener(ListenerArn=arn, DefaultActions=actions)
    after = elbv2.describe_listeners(ListenerArns=[arn])["Listeners"][0]["DefaultActions"]
    expect("weights", groups_of(after), [("tg-blue", 75), ("tg-green", 25)])
    sticky = [a for a in after if a["Type"] == "forward"][0]["ForwardConfig"][
        "TargetGroupStickinessConfig"]
    expect("stickiness", sticky, {"Enabled": True, "DurationSeconds": 60})
    refused("ListenerNotFound", elbv2.modify_listener, ListenerArn=arn + "0",
            DefaultActions=actions)


@case("elbv2: target health and attributes")
def health():
    groups = elbv2.describe_target_groups(Names=["tg-blue"])["TargetGroups"]
    group = {"TargetGroupArn": groups[0]["TargetGroupArn"]}
    elbv2.get_waiter("target_in_service").wait(WaiterConfig=QUICK, **group)
    control("elbv2 target tg-blue i-tg-blue-1 state=unhealthy")
    found = {t["Target"]["Id"]: t["TargetHealth"]
             for t in elbv2.describe_target_health(**group)["TargetHealthDescriptions"]}
    expect("one is ill", found["i-tg-blue-1"]["State"], "unhealthy")
    expect("reason", found["i-tg-blue-1"]["Reason"], "Target.FailedHealthChecks")
    expect("one is well", found["i-tg-blue-2"]["State"], "healthy")
    elbv2.register_targets(Targets=[{"Id": "i-0123456789abcdef0", "Port": 8080}], **group)
    one = [{"Id": "i-0123456789abcdef0", "Port": 8080}]
    told = elbv2.describe_target_health(Targets=one, **group)["TargetHealthDescriptions"]
    expect("port", told[0]["Target"]["Port"], 8080)
    elbv2.deregister_targets(Targets=one, **group)
    attributes = {a["Key"]: a["Value"]
                  for a in elbv2.describe_target_group_attributes(**group)["Attributes"]}
    expect("draining", attributes["deregistration_delay.timeout_seconds"], "300")
    refused("TargetGroupNotFound", elbv2.describe_target_health,
            TargetGroupArn=group["TargetGroupArn"] + "0")


@case("elbv2: rules are made, moved and deleted")
def rules():
    target = elbv2.describe_target_groups(Names=["tg-green"])["TargetGroups"][0]["TargetGroupArn"]
    made = {"ListenerArn": listener_arn(), "Priority": 20,
            "Conditions": [{"Field": "http-header", "HttpHeaderConfig": {
                "HttpHeaderName": "x-canary", "Values": ["1"]}}],
            "Actions": [{"Type": "forward", "TargetGroupArn": target}]}
    arn = elbv2.create_rule(**made)["Rules"][0]["RuleArn"]
    refused("PriorityInUse", elbv2.create_rule, **made)
    expect("groups", [g for g, _ in groups_of(rule_of("20")["Actions"])], ["tg-green"])
    elbv2.set_rule_priorities(RulePriorities=[{"RuleArn": arn, "Priority": 30}])
    expect("moved", rule_of("30")["RuleArn"], arn)
    elbv2.delete_rule(RuleArn=arn)
    refused("RuleNotFound", elbv2.describe_rules, RuleArns=[arn])


# --- CloudWatch -----------------------------------------------------------------------------------

@case("cloudwatch: alarms and composite alarms are described")
def alarms():
    control("cloudwatch alarm errors namespace=AWS/Lambda metric=Errors "
            "dimensions=FunctionName=checkout threshold=5 period=60 evaluation_periods=3 "
            "datapoints=2 comparison=GreaterThanThreshold missing=notBreaching state=OK",
            "cloudwatch alarm other namespace=AWS/Lambda metric=Errors threshold=1 state=OK",
            'cloudwatch composite any rule="ALARM(errors) OR ALARM(other)" state=OK')
    answer = cloudwatch.describe_alarms(AlarmNames=["errors", "any", "nothing"])
    expect("metric alarms", [a["AlarmName"] for a in answer["MetricAlarms"]], ["errors"])
    expect("composite alarms unless asked for", answer.get("CompositeAlarms", []), [])
    alarm = answer["MetricAlarms"][0]
    got = {k: alarm[k] for k in ("StateValue", "Period", "EvaluationPeriods", "DatapointsToAlarm",
                                 "TreatMissingData", "Namespace", "MetricName", "Threshold")}
    expect("alarm", got, {
        "StateValue": "OK", "Period": 60, "EvaluationPeriods": 3, "DatapointsToAlarm": 2,
        "TreatMissingData": "notBreaching", "Namespace": "AWS/Lambda", "MetricName": "Errors",
        "Threshold": 5.0})
    expect("dimensions", alarm["Dimensions"], [{"Name": "FunctionName", "Value": "checkout"}])
    expect("time", isinstance(alarm["StateTransitionedTimestamp"], datetime.datetime), True)
    control("cloudwatch set-state other ALARM")
    asked = {"AlarmNames": ["other", "any"], "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
    expect("metric alarm", cloudwatch.describe_alarms(**asked)["MetricAlarms"][0]["StateValue"],
           "ALARM")
    until("the composite alarm follows", lambda: cloudwatch.describe_alarms(
        **asked)["CompositeAlarms"][0]["StateValue"] == "ALARM")
    pages = cloudwatch.get_paginator("describe_alarms").paginate(
        PaginationConfig={"PageSize": 1}, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    names = [a["AlarmName"] for page in pages
             for a in page.get("MetricAlarms", []) + page.get("CompositeAlarms", [])]
    expect("all pages", sorted(names), ["any", "errors", "other"])


@case("cloudwatch: metric data, with statistics and arithmetic")
def metric_data():
    now = datetime.datetime.now(datetime.timezone.utc)
    minute = now.replace(second=0, microsecond=0) - datetime.timedelta(minutes=5)
    for offset, values in ((0, (1, 3)), (1, (4,))):
        cloudwatch.put_metric_data(Namespace="Contract", MetricData=[
            {"MetricName": "Latency", "Dimensions": [{"Name": "Host", "Value": "a b"}],
             "Timestamp": minute + datetime.timedelta(minutes=offset, seconds=5), "Value": v}
            for v in values])

    def stat(name, what):
        return {"Id": name, "ReturnData": what != "Sum", "MetricStat": {
            "Period": 60, "Stat": what, "Metric": {
                "Namespace": "Contract", "MetricName": "Latency",
                "Dimensions": [{"Name": "Host", "Value": "a b"}]}}}
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[stat("avg", "Average"), stat("sum1", "Sum"), stat("n", "SampleCount"),
                           {"Id": "twice", "Expression": "sum1 * 2"}],
        StartTime=minute, EndTime=minute + datetime.timedelta(minutes=3),
        ScanBy="TimestampAscending")
    series = {r["Id"]: r for r in answer["MetricDataResults"]}
    expect("series", sorted(series), ["avg", "n", "twice"])
    expect("statuses", {r["StatusCode"] for r in series.values()}, {"Complete"})
    expect("average", series["avg"]["Values"], [2.0, 4.0])
    expect("count", series["n"]["Values"], [2.0, 1.0])
    expect("twice the sum", series["twice"]["Values"], [8.0, 8.0])
    expect("times", series["avg"]["Timestamps"],
           [minute, minute + datetime.timedelta(minutes=1)])
    none = cloudwatch.get_metric_data(
        MetricDataQueries=[{"Id": "x", "MetricStat": {"Period": 60, "Stat": "Sum", "Metric": {
            "Namespace": "Contract", "MetricName": "Nothing"}}}],
        StartTime=minute, EndTime=now)["MetricDataResults"]
    expect("no data is no zero", [(r["Id"], r["Values"]) for r in none], [("x", [])])


@case("cloudwatch: traffic becomes metrics")
def traffic():
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=2)
    found = cloudwatch.get_metric_data(
        MetricDataQueries=[{"Id": "all", "MetricStat": {"Period": 60, "Stat": "Sum", "Metric": {
            "Namespace": "AWS/Lambda", "MetricName": "Invocations",
            "Dimensions": [{"Name": "FunctionName", "Value": "checkout"},
                           {"Name": "Resource", "Value": "checkout:live"}]}}}],
        StartTime=end - datetime.timedelta(minutes=10), EndTime=end)["MetricDataResults"][0]
    expect("some requests", sum(found["Values"]) > 0, True)
