/*
 * Signatures a second of CPU time: the whole Authorization header of a PollForJobs request,
 * canonical request and all, with the signing key derived each time or from a cache.
 *
 *   bench_sigv4 derived|cached N      prints one number
 */
#include <stdio.h>
#include <string.h>

#include "aws/sigv4.h"
#include "tests/bench/bench.h"

int main(int argc, char **argv)
{
	const struct http_header headers[] = {
		{STR("Host"), STR("codepipeline.eu-central-1.amazonaws.com")},
		{STR("Content-Type"), STR("application/x-amz-json-1.1")},
		{STR("X-Amz-Target"), STR("CodePipeline_20150709.PollForJobs")},
		{STR("amz-sdk-invocation-id"), STR("5c1e9c9e-6f2d-4a53-9d0a-0a5f9d5a3f11")},
		{STR("amz-sdk-request"), STR("attempt=1; max=3")},
		{STR("X-Amz-Date"), STR("20260102T030405Z")},
	};
	struct secret secret = {0};
	struct sigv4_scope scope = {.access_key_id = "AKIASIMWORKER000001",
				    .secret_access_key = &secret,
				    .region = "eu-central-1",
				    .service = "codepipeline",
				    .time = {1767323045000}};
	struct sigv4_request request = {.method = "POST",
					.path = STR("/"),
					.headers = headers,
					.n_headers = sizeof(headers) / sizeof(headers[0]),
					.double_encode = true,
					.normalize = true};
	struct sigv4_key_cache cache = {.region = NULL};
	uint8_t key[SHA256_SIZE];
	struct err err = ERR_INIT;
	uint64_t n = 0;
	bool is_cached;
	struct buf out;
	double start;

	if (argc != 3 || !str_parse_u64(str_from(argv[2]), 1, 100000000, &n)) {
		fprintf(stderr, "usage: bench_sigv4 derived|cached N\n");
		return 2;
	}
	is_cached = !strcmp(argv[1], "cached");
	secret_set(&secret, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", 40);
	buf_init(&out, SIGV4_TEXT_MAX);
	start = bench_cpu_s();
	for (uint64_t i = 0; i < n; i++) {
		out.n = 0;
		if (is_cached) {
			sigv4_key_cache_get(&cache, &scope, key);
			scope.signing_key = key;
		}
		if (sigv4_authorization(&request, &scope, &out, &err)) {
			fprintf(stderr, "bench_sigv4: %s\n", err.text);
			return 1;
		}
	}
	printf("%.0f\n", (double)n / (bench_cpu_s() - start));
	buf_release(&out);
	sigv4_key_cache_release(&cache);
	secret_release(&secret);
	return 0;
}
