/*
 * What one PollForJobs costs the worker's own code: built, signed, sent over a kept connection on
 * loopback, read and parsed.
 *
 *   bench_poll PORT N     prints microseconds of CPU a poll, in user and kernel together
 */
#include <stdio.h>
#include <string.h>

#include "aws/codepipeline.h"
#include "tests/bench/bench.h"

static int poll_once(const struct aws_client *client, struct arena *a, struct err *err)
{
	const struct cp_poll poll = {.type = {"Deploy", "Custom", "Rollout", "1"}, .n_max = 10};
	struct cp_job_list jobs;

	arena_clear(a);
	return codepipeline_poll(client, &poll, a, &jobs, err);
}

/* The first poll connects and is not counted. */
static int measure(const struct aws_client *client, uint64_t n, struct err *err)
{
	struct arena *a = arena_new();
	int rc = poll_once(client, a, err);
	double start = bench_cpu_s();

	for (uint64_t i = 0; rc == 0 && i < n; i++)
		rc = poll_once(client, a, err);
	if (rc == 0)
		printf("%.2f\n", (bench_cpu_s() - start) * 1e6 / (double)n);
	arena_free(a);
	return rc;
}

int main(int argc, char **argv)
{
	struct credentials_parts parts = {.access_key_id = STR("AKIASIMWORKER000001"),
					  .secret_access_key = STR("sim-secret"),
					  .source = "bench"};
	struct aws_settings settings = {.region = "eu-central-1"};
	struct aws_deps deps = {.clock = clock_system(), .rng = rng_system()};
	struct aws_client client = {.region = settings.region};
	struct err err = ERR_INIT;
	uint64_t n = 0, port = 0;
	char url[64];
	int rc = -1;

	if (argc != 3 || !str_parse_u64(str_from(argv[1]), 1, 65535, &port) ||
	    !str_parse_u64(str_from(argv[2]), 1, 1000000, &n)) {
		fprintf(stderr, "usage: bench_poll PORT N\n");
		return 2;
	}
	snprintf(url, sizeof(url), "http://127.0.0.1:%llu", (unsigned long long)port);
	settings.endpoint_url = url;
	deps.settings = &settings;
	http_global_init();
	deps.http = http_curl_new(NULL, "bench", &err);
	client.credentials = credentials_static_new(&parts, &err);
	client.aws = aws_new(&deps);
	if (deps.http && client.credentials)
		rc = measure(&client, n, &err);
	if (rc)
		fprintf(stderr, "bench_poll: %s\n", err.text);
	aws_free(client.aws);
	credentials_provider_free(client.credentials);
	http_free(deps.http);
	return rc ? 1 : 0;
}
