"""What the Python clients share: cases that go on when one fails, clients that neither retry nor
read the user's configuration, and a check that every answer is of the service's published shape."""
import json
import os
import time
import traceback
import urllib.error
import urllib.request

import boto3
import botocore.exceptions
from botocore.config import Config

import shapes

REGION = "eu-central-1"
_cases = []
_seen = {"answers": 0}
_strange = []


def case(name):
    """Decorate a function: one case. Cases run in the order of the file."""
    def add(function):
        _cases.append((name, function))
        return function
    return add


class Skip(Exception):
    """This installation cannot run the case."""


class Differs(Exception):
    """The answer is not what it must be."""


def expect(what, got, want):
    if got != want:
        raise Differs(f"{what}: got {got!r}, not {want!r}")


def expect_near(what, got, want, within):
    if not abs(got - want) <= within:
        raise Differs(f"{what}: got {got!r}, not within {within} of {want!r}")


def until(what, holds, seconds=20):
    """Ask again until it holds."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise Differs(f"{what}: not within {seconds} s")
        time.sleep(0.1)


def refused(code, call, **arguments):
    """The call must fail with this error code; returns the error's response."""
    try:
        answer = call(**arguments)
    except botocore.exceptions.ClientError as error:
        got = error.response["Error"]["Code"]
        if got != code:
            raise Differs(f"refused with {got} ({error}), not {code}") from None
        if not error.response["Error"].get("Message"):
            raise Differs(f"{code} came without a message") from None
        return error.response
    raise Differs(f"not refused with {code}: {answer!r}")


def _watch(operation_model, response_dict, **_):
    _seen["answers"] += 1
    if response_dict["status_code"] < 300:
        _strange.extend(shapes.problems(operation_model, response_dict))


def client(service, **options):
    """A boto3 client of the peer at AWS_ENDPOINT_URL; options: key, secret, token."""
    session = boto3.Session(
        aws_access_key_id=options.get("key", os.environ["AWS_ACCESS_KEY_ID"]),
        aws_secret_access_key=options.get("secret", os.environ["AWS_SECRET_ACCESS_KEY"]),
        aws_session_token=options.get("token"), region_name=REGION)
    made = session.client(service, endpoint_url=os.environ["AWS_ENDPOINT_URL"], config=Config(
        retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=30,
        proxies={}, s3={"addressing_style": "path"}))
    made.meta.events.register("before-parse", _watch)
    return made


def control(*lines):
    """Commands to the simulator; the answers, one a line."""
    request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + "/_sim/control",
                                     data="\n".join(lines).encode())
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            replies = [json.loads(line) for line in answer.read().splitlines() if line]
    except urllib.error.HTTPError as error:
        raise Differs(f"the simulator refuses a command: {error.read()!r}") from None
    expect("answers to commands", len(replies), len(lines))
    return replies


def _run_one(name, function):
    before = len(_strange)
    try:
        function()
        if len(_strange) > before:
            raise Differs("; ".join(_strange[before:]))
    except Skip as why:
        print(f"skipped: {name}: {why}", flush=True)
        return True
    except Exception as error:  # whatever it is, the case failed and the next one runs
        where = traceback.extract_tb(error.__traceback__)
        line = next((f.lineno for f in reversed(where) if f.name == function.__name__), 0)
        text = " ".join(str(error).split())
        print(f"not ok {name}: line {line}: {type(error).__name__}: {text}", flush=True)
        return False
    print(f"ok {name}", flush=True)
    return True


def main():
    # a list first: all of them run, whatever fails
    results = [_run_one(name, function) for name, function in _cases]
    if not _seen["answers"]:
        print("skipped: shapes of answers: this botocore does not show them", flush=True)
    return 0 if all(results) else 1
