"""The same work by botocore and boto3, as a job worker written in Python would do it.

	peer.py sigv4 N        signatures a second of CPU time
	peer.py poll PORT N    microseconds of CPU a PollForJobs; then RSS and anonymous KiB
"""

import sys
import time


def sigv4(n):
	from botocore.auth import SigV4Auth
	from botocore.awsrequest import AWSRequest
	from botocore.credentials import Credentials

	signer = SigV4Auth(
		Credentials("AKIASIMWORKER000001", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
		"codepipeline",
		"eu-central-1",
	)
	headers = {
		"Content-Type": "application/x-amz-json-1.1",
		"X-Amz-Target": "CodePipeline_20150709.PollForJobs",
		"amz-sdk-invocation-id": "5c1e9c9e-6f2d-4a53-9d0a-0a5f9d5a3f11",
		"amz-sdk-request": "attempt=1; max=3",
	}
	url = "https://codepipeline.eu-central-1.amazonaws.com/"
	start = time.process_time()
	for _ in range(n):
		request = AWSRequest("POST", url, headers=headers, data=b"")
		signer.add_auth(request)
	print(n / (time.process_time() - start))


def memory():
	values = {}
	with open("/proc/self/smaps_rollup", encoding="ascii") as f:
		for line in f:
			name, _, rest = line.partition(":")
			if rest:
				values[name] = rest.split()[0]
	return values["Rss"], values["Anonymous"]


def poll(port, n):
	import boto3

	client = boto3.client(
		"codepipeline",
		region_name="eu-central-1",
		endpoint_url=f"http://127.0.0.1:{port}",
		aws_access_key_id="AKIASIMWORKER000001",
		aws_secret_access_key="sim-secret",
	)
	kind = {"category": "Deploy", "owner": "Custom", "provider": "Rollout", "version": "1"}
	client.poll_for_jobs(actionTypeId=kind, maxBatchSize=10)
	start = time.process_time()
	for _ in range(n):
		client.poll_for_jobs(actionTypeId=kind, maxBatchSize=10)
	print((time.process_time() - start) * 1e6 / n, *memory())


if sys.argv[1] == "sigv4":
	sigv4(int(sys.argv[2]))
else:
	poll(int(sys.argv[2]), int(sys.argv[3]))
