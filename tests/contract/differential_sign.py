"""Requests made up from a seed, signed by tests/contract/diff_sign.c and by botocore: both must come
to the same canonical request and the same Authorization header.

    differential_sign.py PROGRAM SEED CASES
"""
import hashlib
import json
import random
import subprocess
import sys
from urllib.parse import quote

import botocore
import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

TIMES = ["20260102T030405Z", "20000229T235959Z", "20380119T031408Z"]
REGIONS = ["eu-central-1", "us-gov-west-1", "cn-north-1"]
SERVICES = ["lambda", "ecs", "monitoring", "elasticloadbalancing", "s3"]
METHODS = ["GET", "PUT", "POST", "DELETE", "HEAD"]
SEGMENTS = ["", ".", "..", "...", "a", "functions", "a b", "a+b", "ü", "日本", "~x", "x%y", "%", "a*b",
            "arn:aws:x", "a=b", "a&b", "a@b", "$LATEST", "(x)", "a'b", "!", "a;b", ",", "😀", "A~b-_."]
WORDS = ["", "a", "A", "b", "aa", "Action", "Version", "marker", "x y", "x+y", "ü", "日本", "a/b", "a=b",
         "a&b", "%", "~", "-_.~", "!*'()", "10", "9", "😀", "list-type"]
SPACES = ["", " ", "  ", "\t", "   \t "]
VALUES = ["a", "a b", "a  b", "a \t b", "\"quoted  text\"", "a,b", "a, b", "x=1; y=2", "", "0",
          "text/xml; charset=utf-8", ":", "a:b"]
NAMES = ["X-Amz-Meta-A", "x-amz-meta-b", "X-Amz-Acl", "Content-Type", "Accept", "X-Test", "x-test-2",
         "Range", "If-Match", "X-AMZ-TARGET", "x", "User-Agent", "Connection", "Expect", "TE",
         "X-Amzn-Trace-Id", "Trailer", "Upgrade", "Keep-Alive", "Transfer-Encoding"]


def random_path(rng, is_s3):
    segments = [rng.choice(SEGMENTS) for _ in range(rng.randrange(6))]
    if is_s3:  # a client sends a key as it is: encoded once, nothing removed
        segments = [s for s in segments if s]
    path = "/" + "/".join(quote(s, safe="~") for s in segments)
    return path + rng.choice(["", "/"]) if segments else path


def random_query(rng):
    pairs = [(rng.choice(WORDS), rng.choice(WORDS)) for _ in range(rng.choice([0, 0, 1, 2, 5, 9]))]
    out = []
    for name, value in pairs:
        name, value = quote(name, safe="-_.~"), quote(value, safe="-_.~")
        # a bare name is a name with an empty value; only where it is not empty as well
        out.append(name if name and not value and rng.random() < 0.5 else f"{name}={value}")
    return "&".join(out)


def random_headers(rng):
    out = []
    for _ in range(rng.randrange(8)):
        out.append([rng.choice(NAMES),
                    rng.choice(SPACES) + rng.choice(VALUES) + rng.choice(SPACES)])
    return out


def random_request(rng):
    service = rng.choice(SERVICES)
    is_s3 = service == "s3"
    body = rng.choice([b"", b"{}", b"Action=X&Version=1", bytes(rng.randrange(256) for _ in range(40))])
    payload = hashlib.sha256(body).hexdigest()
    if is_s3 and rng.random() < 0.4:
        payload = rng.choice(["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"])
    time = rng.choice(TIMES)
    host = rng.choice(["example.amazonaws.com", "localhost:4566", "b.s3.eu-west-1.amazonaws.com"])
    headers = random_headers(rng) + [["Host", host], ["X-Amz-Date", time]]
    if is_s3:
        headers.append(["x-amz-content-sha256", payload])
    token = rng.choice(["", "token/+=", "x" * 700])
    if token:
        headers.append(["X-Amz-Security-Token", token])
    rng.shuffle(headers)
    return {"method": rng.choice(METHODS), "path": random_path(rng, is_s3),
            "query": random_query(rng), "headers": headers, "payload_hash": payload, "s3": is_s3,
            "key": rng.choice(["AKIDEXAMPLE", "ASIAEXAMPLE"]),
            "secret": rng.choice(["wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "s"]),
            "region": rng.choice(REGIONS), "service": service, "time": time, "host": host,
            "body": body.hex()}


def botocore_signs(r):
    kind = botocore.auth.S3SigV4Auth if r["s3"] else botocore.auth.SigV4Auth
    auth = kind(Credentials(r["key"], r["secret"]), r["service"], r["region"])
    url = f"https://{r['host']}{r['path']}" + (f"?{r['query']}" if r["query"] else "")
    request = AWSRequest(r["method"], url, data=bytes.fromhex(r["body"]))
    for name, value in r["headers"]:
        request.headers.add_header(name, value)
    request.context["timestamp"] = r["time"]
    canonical = auth.canonical_request(request)
    signature = auth.signature(auth.string_to_sign(request, canonical), request)
    auth._inject_signature_to_request(request, signature)  # pylint: disable=protected-access
    return {"canonical": canonical, "authorization": request.headers["Authorization"]}


def main():
    program, seed, cases = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    passed = 0
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True, encoding="utf-8") as ours:
        for i in range(cases):
            request = random_request(rng)
            ours.stdin.write(json.dumps(request) + "\n")
            ours.stdin.flush()
            got, want = json.loads(ours.stdout.readline()), botocore_signs(request)
            if got == want:
                passed += 1
                continue
            print(f"not ok signing, seed {seed}, case {i}: {json.dumps(request)}")
            for stage in ("canonical", "authorization"):
                if got[stage] != want[stage]:
                    print(f"  ours     {got[stage]!r}\n  botocore {want[stage]!r}")
                    break
        ours.stdin.close()
    print(f"# botocore {botocore.__version__}: {passed} of {cases} requests signed alike")
    if passed == cases:
        print("ok signing")
    return 0


if __name__ == "__main__":
    sys.exit(main())
