"""boto3 against the served simulator: what callers, artifacts and jobs do. boto3_targets.py has the
services that rollouts move."""
import datetime
import io
import zipfile

import botocore.auth
import botocore.exceptions
from boto3.s3.transfer import TransferConfig

import peer
from peer import Differs, Skip, case, client, control, expect, refused

TYPE = {"category": "Deploy", "owner": "Custom", "provider": "Contract", "version": "1"}
ARTIFACTS = "codepipeline-eu-central-1-111122223333"
NO_JOB = "11111111-2222-3333-4444-555555555555"
MIB = 1 << 20

codepipeline = client("codepipeline")
s3 = client("s3")
sts = client("sts")


# --- who calls ------------------------------------------------------------------------------------

@case("sts: who am I")
def identity():
    answer = sts.get_caller_identity()
    expect("account", answer["Account"], "111122223333")
    expect("arn", answer["Arn"].startswith("arn:aws:"), True)


@case("sts: an assumed role's credentials work and end")
def assume_role():
    role = "arn:aws:iam::111122223333:role/contract"
    control(f"sts role {role} external_id=agreed")
    refused("AccessDenied", sts.assume_role, RoleArn=role, RoleSessionName="one")
    answer = sts.assume_role(RoleArn=role, RoleSessionName="one", ExternalId="agreed",
                             DurationSeconds=900)
    given = answer["Credentials"]
    left = given["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
    peer.expect_near("life", left.total_seconds(), 900, 60)
    expect("user", answer["AssumedRoleUser"]["Arn"],
           "arn:aws:sts::111122223333:assumed-role/contract/one")
    keys = {"key": given["AccessKeyId"], "secret": given["SecretAccessKey"]}
    inside = client("sts", token=given["SessionToken"], **keys)
    expect("identity", inside.get_caller_identity()["Arn"], answer["AssumedRoleUser"]["Arn"])
    refused("InvalidClientTokenId", client("sts", **keys).get_caller_identity)
    control(f"sts expire {given['AccessKeyId']}")
    refused("ExpiredToken", inside.get_caller_identity)
    refused("ExpiredTokenException",
            client("codepipeline", token=given["SessionToken"], **keys).poll_for_jobs,
            actionTypeId=TYPE)


@case("sts: a web identity needs no key")
def web_identity():
    answer = sts.assume_role_with_web_identity(
        RoleArn="arn:aws:iam::111122223333:role/web", RoleSessionName="pod",
        WebIdentityToken="header.claims.signature")
    given = answer["Credentials"]
    inside = client("sts", key=given["AccessKeyId"], secret=given["SecretAccessKey"],
                    token=given["SessionToken"])
    expect("identity", inside.get_caller_identity()["Arn"], answer["AssumedRoleUser"]["Arn"])


@case("a wrong secret is refused, in each protocol's words")
def wrong_secret():
    def wrong(service):
        return client(service, secret="not-the-secret")
    refused("InvalidSignatureException", wrong("codepipeline").poll_for_jobs, actionTypeId=TYPE)
    refused("InvalidSignatureException", wrong("lambda").get_alias, FunctionName="f", Name="live")
    refused("InvalidSignatureException", wrong("cloudwatch").describe_alarms)
    refused("SignatureDoesNotMatch", wrong("sts").get_caller_identity)
    refused("SignatureDoesNotMatch", wrong("elbv2").describe_load_balancers)
    refused("SignatureDoesNotMatch", wrong("s3").get_object, Bucket="files", Key="k")


@case("an unknown key is refused")
def unknown_key():
    def unknown(service):
        return client(service, key="AKIAUNKNOWN000000001")
    refused("UnrecognizedClientException", unknown("codepipeline").poll_for_jobs,
            actionTypeId=TYPE)
    refused("InvalidClientTokenId", unknown("sts").get_caller_identity)
    refused("InvalidAccessKeyId", unknown("s3").get_object, Bucket="files", Key="k")


class ClockOff:
    """botocore signs with a clock that is wrong by so many minutes."""

    def __init__(self, minutes):
        self.by = datetime.timedelta(minutes=minutes)

    def __enter__(self):
        self.real = getattr(botocore.auth, "get_current_datetime", None)
        if not self.real:
            raise Skip("this botocore's clock cannot be turned")
        botocore.auth.get_current_datetime = lambda *a, **k: self.real(*a, **k) + self.by

    def __exit__(self, *_):
        botocore.auth.get_current_datetime = self.real


@case("a clock that is off is refused, in each protocol's words")
def wrong_clock():
    for minutes, word in ((-8, "expired"), (8, "not yet current")):
        with ClockOff(minutes):
            error = refused("InvalidSignatureException", codepipeline.poll_for_jobs,
                            actionTypeId=TYPE)
            if word not in error["Error"]["Message"]:
                raise Differs(f"{minutes} minutes: {error['Error']['Message']}")
            sts.get_caller_identity()  # these two allow 15 minutes
            s3.head_bucket(Bucket=ARTIFACTS)
    with ClockOff(-20):
        refused("SignatureDoesNotMatch", sts.get_caller_identity)
        refused("RequestTimeTooSkewed", s3.get_object, Bucket="files", Key="k")


# --- S3 -------------------------------------------------------------------------------------------

@case("s3: put, get, head, list, delete")
def objects():
    s3.create_bucket(Bucket="files",
                     CreateBucketConfiguration={"LocationConstraint": peer.REGION})
    put = s3.put_object(Bucket="files", Key="hello", Body=b"hello, world",
                        ContentType="text/plain")
    got = s3.get_object(Bucket="files", Key="hello")
    expect("body", got["Body"].read(), b"hello, world")
    expect("type", got["ContentType"], "text/plain")
    expect("etag", got["ETag"], put["ETag"])
    head = s3.head_object(Bucket="files", Key="hello")
    expect("length", head["ContentLength"], 12)
    expect("etag of HEAD", head["ETag"], put["ETag"])
    expect("version", head["VersionId"], put["VersionId"])
    age = datetime.datetime.now(datetime.timezone.utc) - head["LastModified"]
    peer.expect_near("age", age.total_seconds(), 0, 60)
    listed = s3.list_objects_v2(Bucket="files", Prefix="hel")
    expect("listed", [o["Key"] for o in listed["Contents"]], ["hello"])
    s3.delete_object(Bucket="files", Key="hello")
    refused("NoSuchKey", s3.get_object, Bucket="files", Key="hello")
    refused("404", s3.head_object, Bucket="files", Key="hello")
    refused("NoSuchBucket", s3.get_object, Bucket="no-such-bucket", Key="hello")


@case("s3: ranges")
def ranges():
    s3.put_object(Bucket="files", Key="range", Body=b"0123456789")
    for asked, body, said in (("bytes=2-5", b"2345", "bytes 2-5/10"),
                              ("bytes=7-", b"789", "bytes 7-9/10"),
                              ("bytes=-3", b"789", "bytes 7-9/10"),
                              ("bytes=8-99", b"89", "bytes 8-9/10")):
        got = s3.get_object(Bucket="files", Key="range", Range=asked)
        expect(asked, got["Body"].read(), body)
        expect(asked + " status", got["ResponseMetadata"]["HTTPStatusCode"], 206)
        expect(asked + " content-range", got["ContentRange"], said)
    refused("InvalidRange", s3.get_object, Bucket="files", Key="range", Range="bytes=10-")


@case("s3: conditions")
def conditions():
    put = s3.put_object(Bucket="files", Key="guarded", Body=b"one")
    got = s3.get_object(Bucket="files", Key="guarded", IfMatch=put["ETag"])
    expect("body", got["Body"].read(), b"one")
    refused("PreconditionFailed", s3.get_object, Bucket="files", Key="guarded",
            IfMatch='"0123456789abcdef0123456789abcdef"')
    refused("304", s3.get_object, Bucket="files", Key="guarded", IfNoneMatch=put["ETag"])
    refused("PreconditionFailed", s3.put_object, Bucket="files", Key="guarded", Body=b"two",
            IfNoneMatch="*")
    s3.put_object(Bucket="files", Key="guarded-new", Body=b"one", IfNoneMatch="*")
    expect("unchanged", s3.get_object(Bucket="files", Key="guarded")["Body"].read(), b"one")


@case("s3: keys as people write them")
def keys():
    for key in ("a b+c", "ü/漢字.zip", "(x)*'!~&=@:;,$?", "per%41cent", "a//b/./c/../d", "#"):
        s3.put_object(Bucket="files", Key=key, Body=key.encode())
        expect(key, s3.get_object(Bucket="files", Key=key)["Body"].read(), key.encode())
        s3.delete_object(Bucket="files", Key=key)


@case("s3: an artifact bucket takes only aws:kms")
def encryption():
    bucket = ARTIFACTS
    refused("AccessDenied", s3.put_object, Bucket=bucket, Key="plain", Body=b"x")
    refused("AccessDenied", s3.put_object, Bucket=bucket, Key="plain", Body=b"x",
            ServerSideEncryption="AES256")
    put = s3.put_object(Bucket=bucket, Key="sealed", Body=b"x", ServerSideEncryption="aws:kms",
                        SSEKMSKeyId="alias/artifacts")
    expect("encryption", put["ServerSideEncryption"], "aws:kms")
    head = s3.head_object(Bucket=bucket, Key="sealed")
    expect("encryption of HEAD", head["ServerSideEncryption"], "aws:kms")
    expect("key", head["SSEKMSKeyId"], "alias/artifacts")


@case("s3: an upload in parts")
def multipart():
    first, last = bytes(range(256)) * (5 * MIB // 256), b"the end"
    name = {"Bucket": "files", "Key": "parts"}
    up = {"UploadId": s3.create_multipart_upload(**name)["UploadId"], **name}
    etags = [s3.upload_part(PartNumber=n, Body=body, **up)["ETag"]
             for n, body in ((1, first), (2, last))]
    parts = [{"PartNumber": n + 1, "ETag": etag} for n, etag in enumerate(etags)]
    listed = s3.list_parts(**up)["Parts"]
    expect("parts", [(p["PartNumber"], p["Size"]) for p in listed],
           [(1, len(first)), (2, len(last))])
    refused("InvalidPartOrder", s3.complete_multipart_upload,
            MultipartUpload={"Parts": parts[::-1]}, **up)
    refused("InvalidPart", s3.complete_multipart_upload,
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etags[1]}]}, **up)
    done = s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **up)
    head = s3.head_object(**name)
    expect("etag", head["ETag"], done["ETag"])
    expect("size", head["ContentLength"], len(first) + len(last))
    tail = s3.get_object(Range=f"bytes={len(first) - 2}-", **name)["Body"].read()
    expect("tail", tail, first[-2:] + last)
    refused("NoSuchUpload", s3.upload_part, PartNumber=3, Body=b"late", **up)


@case("s3: an upload that is given up")
def aborted():
    name = {"Bucket": "files", "Key": "aborted"}
    up = {"UploadId": s3.create_multipart_upload(**name)["UploadId"], **name}
    small = [{"PartNumber": n, "ETag": s3.upload_part(PartNumber=n, Body=b"small", **up)["ETag"]}
             for n in (1, 2)]
    refused("EntityTooSmall", s3.complete_multipart_upload,
            MultipartUpload={"Parts": small}, **up)
    s3.abort_multipart_upload(**up)
    refused("NoSuchUpload", s3.abort_multipart_upload, **up)
    refused("404", s3.head_object, **name)


@case("s3: the transfer manager's parallel upload and download")
def transfer():
    body = b"".join(n.to_bytes(4, "big") for n in range(3 * MIB + 11))
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB,
                            max_concurrency=4)
    s3.upload_fileobj(io.BytesIO(body), "files", "big", Config=config)
    back = io.BytesIO()
    s3.download_fileobj("files", "big", back, Config=config)
    expect("content", back.getvalue() == body, True)


# --- CodePipeline ---------------------------------------------------------------------------------

def poll(**more):
    return codepipeline.poll_for_jobs(actionTypeId=TYPE, maxBatchSize=1, **more)["jobs"]


def take():
    """Poll and acknowledge the one job there is."""
    jobs = poll()
    expect("jobs", len(jobs), 1)
    answer = codepipeline.acknowledge_job(jobId=jobs[0]["id"], nonce=jobs[0]["nonce"])
    expect("status", answer["status"], "InProgress")
    return jobs[0]


def push():
    return control('codepipeline push web zip.app.py="print(1)"')[0]["executionId"]


def of_job(service, job):
    given = job["data"]["artifactCredentials"]
    return client(service, key=given["accessKeyId"], secret=given["secretAccessKey"],
                  token=given["sessionToken"])


@case("codepipeline: an action type is made, listed, and not made twice")
def action_type():
    made = {
        "category": "Deploy", "provider": "Contract", "version": "1",
        "configurationProperties": [
            {"name": "Function", "required": True, "key": True, "secret": False,
             "queryable": False, "type": "String", "description": "what is deployed"}],
        "inputArtifactDetails": {"minimumCount": 0, "maximumCount": 5},
        "outputArtifactDetails": {"minimumCount": 0, "maximumCount": 5}}
    answer = codepipeline.create_custom_action_type(**made)
    expect("id", answer["actionType"]["id"], TYPE)
    refused("ActionTypeAlreadyExistsException", codepipeline.create_custom_action_type, **made)
    listed = codepipeline.list_action_types(actionOwnerFilter="Custom")["actionTypes"]
    expect("listed", TYPE in [t["id"] for t in listed], True)
    refused("ActionTypeNotFoundException", codepipeline.poll_for_jobs,
            actionTypeId={**TYPE, "version": "9"})


@case("codepipeline: a job carries its action, its artifacts and credentials for them")
def job_document():
    control("codepipeline pipeline web action=Canary type=Deploy/Contract/1 namespace=Canary "
            "output=Report config.Function=checkout")
    expect("nothing to do", poll(), [])
    execution = push()
    job = take()
    data = job["data"]
    expect("configuration", data["actionConfiguration"]["configuration"],
           {"Function": "checkout"})
    context = data["pipelineContext"]
    expect("pipeline", context["pipelineName"], "web")
    expect("stage", context["stage"]["name"], "Deploy")
    expect("action", context["action"]["name"], "Canary")
    expect("execution", context["pipelineExecutionId"], execution)
    where = data["inputArtifacts"][0]["location"]["s3Location"]
    body = of_job("s3", job).get_object(Bucket=where["bucketName"], Key=where["objectKey"])
    names = zipfile.ZipFile(io.BytesIO(body["Body"].read())).namelist()
    expect("source", names, ["app.py"])
    where = data["outputArtifacts"][0]["location"]["s3Location"]
    out = {"Bucket": where["bucketName"], "Key": where["objectKey"], "Body": b"report"}
    of_job("s3", job).put_object(ServerSideEncryption="aws:kms", **out)
    refused("AccessDenied", of_job("s3", job).get_object, Bucket="files", Key="range")
    details = codepipeline.get_job_details(jobId=job["id"])["jobDetails"]
    expect("details", details["id"], job["id"])
    expect("details' execution", details["data"]["pipelineContext"]["pipelineExecutionId"],
           execution)
    expect("taken", poll(), [])
    codepipeline.put_job_failure_result(
        jobId=job["id"], failureDetails={"type": "JobFailed", "message": "over"})


@case("codepipeline: a job goes on by its continuation token and ends with variables")
def continuation():
    execution = push()
    first = take()
    codepipeline.put_job_success_result(
        jobId=first["id"], continuationToken="step-2",
        executionDetails={"summary": "at 10 %", "externalExecutionId": "rollout-1",
                          "percentComplete": 10})
    refused("InvalidJobStateException", codepipeline.put_job_success_result, jobId=first["id"])
    action = state()["latestExecution"]
    expect("status", action["status"], "InProgress")
    expect("summary", action["summary"], "at 10 %")
    expect("percent", action["percentComplete"], 10)
    second = take()
    expect("another job", second["id"] != first["id"], True)
    expect("token", second["data"]["continuationToken"], "step-2")
    codepipeline.put_job_success_result(
        jobId=second["id"], outputVariables={"RolloutHandle": "h-1"},
        currentRevision={"revision": "r1", "changeIdentifier": "c1"},
        executionDetails={"summary": "done", "externalExecutionId": "rollout-1",
                          "percentComplete": 100})
    expect("state", state()["latestExecution"]["status"], "Succeeded")
    listed = codepipeline.list_action_executions(
        pipelineName="web", filter={"pipelineExecutionId": execution})["actionExecutionDetails"]
    mine = [a for a in listed if a["actionName"] == "Canary"]
    expect("actions", len(mine), 1)
    expect("status of the action", mine[0]["status"], "Succeeded")
    expect("variables", mine[0]["output"]["outputVariables"], {"RolloutHandle": "h-1"})
    expect("external id", mine[0]["output"]["executionResult"]["externalExecutionId"],
           "rollout-1")
    whole = codepipeline.get_pipeline_execution(pipelineName="web", pipelineExecutionId=execution)
    expect("execution", whole["pipelineExecution"]["status"], "Succeeded")


def state():
    stages = codepipeline.get_pipeline_state(name="web")["stageStates"]
    actions = [a for s in stages for a in s["actionStates"] if a["actionName"] == "Canary"]
    expect("action states", len(actions), 1)
    return actions[0]


@case("codepipeline: a failure is told, and the stage can be retried")
def failure():
    execution = push()
    job = take()
    codepipeline.put_job_failure_result(jobId=job["id"], failureDetails={
        "type": "JobFailed", "message": "errors above 1 %", "externalExecutionId": "rollout-2"})
    action = state()["latestExecution"]
    expect("status", action["status"], "Failed")
    expect("code", action["errorDetails"]["code"], "JobFailed")
    expect("message", action["errorDetails"]["message"], "errors above 1 %")
    refused("InvalidJobStateException", codepipeline.put_job_failure_result, jobId=job["id"],
            failureDetails={"type": "JobFailed", "message": "again"})
    again = codepipeline.retry_stage_execution(
        pipelineName="web", stageName="Deploy", pipelineExecutionId=execution,
        retryMode="FAILED_ACTIONS")
    expect("same execution", again["pipelineExecutionId"], execution)
    codepipeline.put_job_success_result(jobId=take()["id"])
    expect("after the retry", state()["latestExecution"]["status"], "Succeeded")


@case("codepipeline: a stop is not forced on a job, but seen")
def stop():
    execution = codepipeline.start_pipeline_execution(name="web")["pipelineExecutionId"]
    job = take()
    codepipeline.stop_pipeline_execution(pipelineName="web", pipelineExecutionId=execution,
                                         reason="not today")
    pages = codepipeline.get_paginator("list_pipeline_executions").paginate(
        pipelineName="web", PaginationConfig={"PageSize": 1})
    found = {e["pipelineExecutionId"]: e["status"]
             for page in pages for e in page["pipelineExecutionSummaries"]}
    expect("status", found[execution], "Stopping")
    codepipeline.put_job_success_result(jobId=job["id"])
    whole = codepipeline.get_pipeline_execution(pipelineName="web", pipelineExecutionId=execution)
    expect("in the end", whole["pipelineExecution"]["status"], "Stopped")


@case("codepipeline: what a worker does wrong is refused")
def refusals():
    push()
    jobs = poll()
    expect("jobs", len(jobs), 1)
    job = {"jobId": jobs[0]["id"]}
    refused("InvalidNonceException", codepipeline.acknowledge_job, nonce="no", **job)
    refused("InvalidJobStateException", codepipeline.put_job_success_result, **job)
    codepipeline.acknowledge_job(nonce=jobs[0]["nonce"], **job)
    refused("InvalidNonceException", codepipeline.acknowledge_job, nonce=jobs[0]["nonce"], **job)
    refused("ValidationException", codepipeline.put_job_success_result,
            continuationToken="x" * 2049, **job)
    refused("ValidationException", codepipeline.put_job_success_result,
            executionDetails={"summary": "s" * 2049}, **job)
    refused("ValidationException", codepipeline.put_job_success_result,
            outputVariables={"not a name": "x"}, **job)
    refused("ValidationException", codepipeline.put_job_success_result,
            outputVariables={"Name": "x"}, continuationToken="t", **job)
    refused("JobNotFoundException", codepipeline.acknowledge_job, jobId=NO_JOB, nonce="1")
    refused("JobNotFoundException", codepipeline.get_job_details, jobId=NO_JOB)
    refused("JobNotFoundException", codepipeline.put_job_success_result, jobId=NO_JOB)
    refused("PipelineNotFoundException", codepipeline.get_pipeline_state, name="nowhere")
    refused("PipelineNotFoundException", codepipeline.list_action_executions,
            pipelineName="nowhere")
    codepipeline.put_job_success_result(**job)


@case("codepipeline: an approval waits for a person")
def approval():
    control("codepipeline action web Deploy Ask type=AWS:Approval/Manual/1 run-order=2")
    push()
    codepipeline.put_job_success_result(jobId=take()["id"])
    stages = codepipeline.get_pipeline_state(name="web")["stageStates"]
    ask = [a for s in stages for a in s["actionStates"] if a["actionName"] == "Ask"][0]
    expect("waits", ask["latestExecution"]["status"], "InProgress")
    answer = {"pipelineName": "web", "stageName": "Deploy", "actionName": "Ask",
              "result": {"status": "Approved", "summary": "go"}}
    refused("InvalidApprovalTokenException", codepipeline.put_approval_result, token=NO_JOB,
            **answer)
    done = codepipeline.put_approval_result(token=ask["latestExecution"]["token"], **answer)
    expect("time", isinstance(done["approvedAt"], datetime.datetime), True)
    stages = codepipeline.get_pipeline_state(name="web")["stageStates"]
    expect("stage", [s["latestExecution"]["status"] for s in stages if s["stageName"] == "Deploy"],
           ["Succeeded"])


@case("codepipeline: a type that is deleted is gone")
def delete_type():
    name = {"category": "Deploy", "provider": "Gone", "version": "1"}
    codepipeline.create_custom_action_type(
        inputArtifactDetails={"minimumCount": 0, "maximumCount": 1},
        outputArtifactDetails={"minimumCount": 0, "maximumCount": 0}, **name)
    codepipeline.delete_custom_action_type(**name)
    refused("ActionTypeNotFoundException", codepipeline.poll_for_jobs,
            actionTypeId={"owner": "Custom", **name})


@case("a fault of the simulator reaches the client as AWS's words")
def faults():
    control("sim fault kind=throttled service=codepipeline operation=PollForJobs")
    refused("ThrottlingException", codepipeline.poll_for_jobs, actionTypeId=TYPE)
    control("sim fault kind=timeout-before service=codepipeline")
    try:
        codepipeline.poll_for_jobs(actionTypeId=TYPE)
        raise Differs("a lost request was answered")
    except botocore.exceptions.HTTPClientError:
        pass
    expect("and then all is well", poll(), [])


if __name__ == "__main__":
    import boto3_targets  # noqa: F401  its cases come after ours
    import boto3_beanstalk  # noqa: F401
    import boto3_ecs  # noqa: F401  and these after them
    import boto3_auto_scaling  # noqa: F401
    raise SystemExit(peer.main())
