"""boto3 against the served simulator: Elastic Beanstalk."""
import datetime

from boto3_targets import package
from peer import case, client, control, expect, refused, until

eb = client("elasticbeanstalk")
s3 = client("s3")
SHOP = {"ApplicationName": "shop"}
DOMAIN = ".eu-central-1.elasticbeanstalk.com"
QUICK = {"Delay": 1, "MaxAttempts": 30}


def row(name):
    return eb.describe_environments(EnvironmentNames=[name], IncludeDeleted=False)[
        "Environments"][0]


def ready(name):
    until(f"{name} is Ready", lambda: row(name)["Status"] == "Ready")


@case("beanstalk: a version is created from the storage location and processed")
def versions():
    control("beanstalk set launch=1s boot=500ms deploy=500ms pass=1s config=1s swap=1s "
            "terminate=1s abort=1s process=1s",
            "beanstalk environment shop-blue app=shop cname=shop-prod min=2 rps=20 tag.Team=shop")
    bucket = eb.create_storage_location()["S3Bucket"]
    s3.put_object(Bucket=bucket, Key="shop/v2.zip", Body=package("# sim: errors=0\n"))
    made = eb.create_application_version(
        VersionLabel="v2", Process=True, Description="second",
        SourceBundle={"S3Bucket": bucket, "S3Key": "shop/v2.zip"}, **SHOP)["ApplicationVersion"]
    expect("bundle", made["SourceBundle"], {"S3Bucket": bucket, "S3Key": "shop/v2.zip"})
    expect("status", made["Status"], "Processing")
    until("it is processed", lambda: eb.describe_application_versions(
        VersionLabels=["v2"], **SHOP)["ApplicationVersions"][0]["Status"] == "Processed")
    refused("InvalidParameterValue", eb.create_application_version, VersionLabel="v2",
            SourceBundle={"S3Bucket": bucket, "S3Key": "shop/v2.zip"}, **SHOP)
    refused("InvalidParameterValue", eb.create_application_version, VersionLabel="v3",
            SourceBundle={"S3Bucket": bucket, "S3Key": "nothing"}, **SHOP)
    pages = eb.get_paginator("describe_application_versions").paginate(
        PaginationConfig={"PageSize": 1}, **SHOP)
    expect("versions", [v["VersionLabel"] for p in pages for v in p["ApplicationVersions"]],
           ["v1", "v2"])
    expect("applications", eb.describe_applications(ApplicationNames=["shop"])[
        "Applications"][0]["Versions"], ["v1", "v2"])


@case("beanstalk: an environment is cloned with its settings")
def clone():
    blue = row("shop-blue")
    made = eb.create_configuration_template(TemplateName="blue", EnvironmentId=blue[
        "EnvironmentId"], **SHOP)
    expect("template", made["TemplateName"], "blue")
    expect("taken", eb.check_dns_availability(CNAMEPrefix="shop-prod")["Available"], False)
    free = eb.check_dns_availability(CNAMEPrefix="shop-next")
    expect("free", (free["Available"], free["FullyQualifiedCNAME"]), (True, "shop-next" + DOMAIN))
    wanted = {"EnvironmentName": "shop-green", "CNAMEPrefix": "shop-next", "VersionLabel": "v2",
              "TemplateName": "blue", "Tier": {"Name": "WebServer", "Type": "Standard"},
              "Tags": [{"Key": "Team", "Value": "shop"}], "OptionSettings": [
                  {"Namespace": "aws:autoscaling:asg", "OptionName": "MinSize", "Value": "3"}],
              **SHOP}
    expect("launching", eb.create_environment(**wanted)["Status"], "Launching")
    refused("InvalidParameterValue", eb.create_environment, **wanted)
    eb.get_waiter("environment_exists").wait(EnvironmentNames=["shop-green"], WaiterConfig=QUICK,
                                             IncludeDeleted=False)
    green = row("shop-green")
    expect("row", (green["CNAME"], green["Health"], green["HealthStatus"], green["VersionLabel"]),
           ("shop-next" + DOMAIN, "Green", "Ok", "v2"))
    settings = eb.describe_configuration_settings(EnvironmentName="shop-green", **SHOP)[
        "ConfigurationSettings"]
    expect("deployed", [s["DeploymentStatus"] for s in settings], ["deployed"])
    options = {(o["Namespace"], o["OptionName"]): o.get("Value")
               for o in settings[0]["OptionSettings"]}
    expect("size", options["aws:autoscaling:asg", "MinSize"], "3")
    tags = eb.list_tags_for_resource(ResourceArn=green["EnvironmentArn"])["ResourceTags"]
    expect("tag", {"Key": "Team", "Value": "shop"} in tags, True)
    expect("own tag", {"Key": "elasticbeanstalk:environment-name", "Value": "shop-green"} in tags,
           True)
    eb.delete_configuration_template(TemplateName="blue", **SHOP)
    refused("InvalidParameterValue", eb.describe_configuration_settings, TemplateName="blue",
            **SHOP)
    found = eb.describe_environment_resources(EnvironmentName="shop-green")["EnvironmentResources"]
    expect("instances", len(found["Instances"]), 3)
    expect("load balancer", ":loadbalancer/app/" in found["LoadBalancers"][0]["Name"], True)


@case("beanstalk: health of environment and instances")
def health():
    until("requests are counted", lambda: eb.describe_environment_health(
        EnvironmentName="shop-blue", AttributeNames=["All"])["ApplicationMetrics"][
            "RequestCount"] > 100, 30)
    told = eb.describe_environment_health(EnvironmentName="shop-blue", AttributeNames=["All"])
    expect("health", (told["HealthStatus"], told["Color"]), ("Ok", "Green"))
    expect("codes", told["ApplicationMetrics"]["StatusCodes"]["Status5xx"], 0)
    expect("well", told["InstancesHealth"]["Ok"], 2)
    expect("time", isinstance(told["RefreshedAt"], datetime.datetime), True)
    instances = eb.describe_instances_health(EnvironmentName="shop-green",
                                             AttributeNames=["All"])["InstanceHealthList"]
    expect("deployments", [(i["Deployment"]["VersionLabel"], i["Deployment"]["Status"])
                           for i in instances], [("v2", "Deployed")] * 3)


@case("beanstalk: CNAMEs are exchanged, not at once")
def swap():
    ids = {"SourceEnvironmentId": row("shop-blue")["EnvironmentId"],
           "DestinationEnvironmentId": row("shop-green")["EnvironmentId"]}
    eb.swap_environment_cnames(**ids)
    refused("InvalidParameterValue", eb.swap_environment_cnames, **ids)
    ready("shop-green")
    expect("names", (row("shop-green")["CNAME"], row("shop-blue")["CNAME"]),
           ("shop-prod" + DOMAIN, "shop-next" + DOMAIN))
    split = control("sim splits resource=beanstalk:shop/shop-prod")[0][-1]
    expect("recorded", (split["candidate"], split["baseline"]), ("", "v2"))


@case("beanstalk: options, then the version; both at once are refused")
def update():
    option = {"Namespace": "aws:elasticbeanstalk:command", "OptionName": "DeploymentPolicy",
              "Value": "TrafficSplitting"}
    name = {"EnvironmentName": "shop-blue"}
    refused("InvalidParameterCombination", eb.update_environment, VersionLabel="v2",
            OptionSettings=[option], **name)
    refused("ConfigurationValidationException", eb.update_environment,
            OptionSettings=[{**option, "Value": "Sometimes"}], **name)
    eb.update_environment(OptionSettings=[option], **name)
    refused("InvalidParameterValue", eb.update_environment, VersionLabel="v2", **name)
    eb.get_waiter("environment_updated").wait(EnvironmentNames=["shop-blue"], WaiterConfig=QUICK,
                                              IncludeDeleted=False)
    answer = eb.update_environment(VersionLabel="v2", **name)
    expect("label", answer["VersionLabel"], "v2")
    request = answer["ResponseMetadata"]["RequestId"]
    until("it splits", lambda: control("beanstalk show shop-blue")[0]["percent"] == 10, 30)
    expect("abortable", row("shop-blue")["AbortableOperationInProgress"], True)
    eb.abort_environment_update(**name)
    refused("InvalidParameterValue", eb.abort_environment_update, **name)
    ready("shop-blue")
    expect("as before", row("shop-blue")["VersionLabel"], "v1")
    told = eb.describe_events(RequestId=request)["Events"]
    expect("oldest", told[-1]["Message"], "Environment update is starting.")
    expect("severities", {e["Severity"] for e in told}, {"INFO"})
    expect("whose", {e["EnvironmentName"] for e in told}, {"shop-blue"})
    pages = eb.get_paginator("describe_events").paginate(
        EnvironmentName="shop-blue", PaginationConfig={"PageSize": 3})
    dates = [e["EventDate"] for p in pages for e in p["Events"]]
    expect("newest first", dates, sorted(dates, reverse=True))
    expect("messages", eb.validate_configuration_settings(
        OptionSettings=[option], EnvironmentName="shop-blue", **SHOP)["Messages"], [])


@case("beanstalk: managed updates, and the end")
def end():
    expect("none", eb.describe_environment_managed_actions(
        EnvironmentName="shop-blue")["ManagedActions"], [])
    control("beanstalk managed shop-blue in=1h")
    action = eb.describe_environment_managed_actions(EnvironmentName="shop-blue")[
        "ManagedActions"][0]
    expect("one", (action["ActionType"], action["Status"]), ("PlatformUpdate", "Scheduled"))
    arn = row("shop-blue")["EnvironmentArn"]
    eb.update_tags_for_resource(ResourceArn=arn, TagsToAdd=[{"Key": "a", "Value": "b"}],
                                TagsToRemove=["Team"])
    keys = {t["Key"] for t in eb.list_tags_for_resource(ResourceArn=arn)["ResourceTags"]}
    expect("tags", ("a" in keys, "Team" in keys), (True, False))
    gone = eb.terminate_environment(EnvironmentName="shop-blue")
    expect("terminating", gone["Status"], "Terminating")
    eb.get_waiter("environment_terminated").wait(EnvironmentIds=[gone["EnvironmentId"]],
                                                 WaiterConfig=QUICK)
    refused("InvalidParameterValue", eb.terminate_environment, EnvironmentName="shop-blue")


@case("route53: the records of a zone")
def records():
    control("route53 record Z0SHOP www.example.com. alias=dualstack.lb.example.com.",
            "route53 record Z0SHOP shop.example.com. cname=shop-prod" + DOMAIN)
    told = client("route53").list_resource_record_sets(HostedZoneId="Z0SHOP")
    expect("alias", told["ResourceRecordSets"][0]["AliasTarget"]["DNSName"],
           "dualstack.lb.example.com.")
    expect("value", told["ResourceRecordSets"][1]["ResourceRecords"],
           [{"Value": "shop-prod" + DOMAIN}])
    expect("whole", told["IsTruncated"], False)
    refused("NoSuchHostedZone", client("route53").list_resource_record_sets, HostedZoneId="Z1")
