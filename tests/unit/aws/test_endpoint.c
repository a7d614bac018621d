#include "aws/endpoint.h"

#include "tests/unit/aws/fake.h"

static const struct aws_service s3 = {
	.id = "S3", .endpoint_prefix = "s3", .signing_name = "s3", .protocol = AWS_REST_XML};
static const struct aws_service elb = {.id = "Elastic Load Balancing v2",
				       .endpoint_prefix = "elasticloadbalancing",
				       .double_encode = true};
static const struct aws_service route53 = {
	.id = "Route 53", .endpoint_prefix = "route53", .double_encode = true, .is_global = true};
static const struct aws_service lambda = {
	.id = "Lambda", .endpoint_prefix = "lambda", .double_encode = true};

struct want {
	const struct aws_service *service;
	const char *region, *bucket;
	bool fips, dualstack, path_style;
	const char *url;    /* configured; NULL: the rules */
	const char *origin; /* expected */
	const char *host, *base_path;
};

static const struct want rules[] = {
	{&lambda, "eu-west-1", .origin = "https://lambda.eu-west-1.amazonaws.com",
	 .host = "lambda.eu-west-1.amazonaws.com"},
	{&lambda, "cn-north-1", .origin = "https://lambda.cn-north-1.amazonaws.com.cn"},
	{&lambda, "us-iso-east-1", .origin = "https://lambda.us-iso-east-1.c2s.ic.gov"},
	{&lambda, "us-isob-east-1", .origin = "https://lambda.us-isob-east-1.sc2s.sgov.gov"},
	{&lambda, "eu-isoe-west-1", .origin = "https://lambda.eu-isoe-west-1.cloud.adc-e.uk"},
	{&lambda, "us-isof-south-1", .origin = "https://lambda.us-isof-south-1.csp.hci.ic.gov"},
	{&lambda, "eusc-de-east-1", .origin = "https://lambda.eusc-de-east-1.amazonaws.eu"},
	{&lambda, "xx-new-9", .origin = "https://lambda.xx-new-9.amazonaws.com"},
	{&lambda, "us-east-1", .fips = true,
	 .origin = "https://lambda-fips.us-east-1.amazonaws.com"},
	{&lambda, "us-east-1", .dualstack = true, .origin = "https://lambda.us-east-1.api.aws"},
	{&lambda, "us-east-1", .fips = true, .dualstack = true,
	 .origin = "https://lambda-fips.us-east-1.api.aws"},
	{&lambda, "us-gov-west-1", .fips = true,
	 .origin = "https://lambda-fips.us-gov-west-1.amazonaws.com"},
	{&elb, "us-gov-west-1", .fips = true,
	 .origin = "https://elasticloadbalancing.us-gov-west-1.amazonaws.com"},
	{&elb, "us-gov-west-1", .fips = true, .dualstack = true,
	 .origin = "https://elasticloadbalancing-fips.us-gov-west-1.api.aws"},
	{&elb, "us-east-1", .fips = true,
	 .origin = "https://elasticloadbalancing-fips.us-east-1.amazonaws.com"},
	/* global services */
	{&route53, "eu-central-1", .origin = "https://route53.amazonaws.com",
	 .host = "route53.amazonaws.com"},
	{&route53, "us-east-1", .fips = true, .origin = "https://route53-fips.amazonaws.com"},
	{&route53, "us-east-1", .dualstack = true, .origin = "https://route53.global.api.aws"},
	{&route53, "us-east-1", .fips = true, .dualstack = true,
	 .origin = "https://route53-fips.global.api.aws"},
	{&route53, "cn-north-1", .origin = "https://route53.amazonaws.com.cn"},
	{&route53, "us-gov-east-1", .origin = "https://route53.us-gov.amazonaws.com"},
	{&route53, "us-gov-west-1", .fips = true,
	 .origin = "https://route53.us-gov.amazonaws.com"},
	{&route53, "us-gov-west-1", .dualstack = true,
	 .origin = "https://route53.us-gov.api.aws"},
	{&route53, "eu-isoe-west-1", .origin = "https://route53.cloud.adc-e.uk"},
	/* S3 */
	{&s3, "eu-west-1", "my-bucket", .origin = "https://my-bucket.s3.eu-west-1.amazonaws.com",
	 .host = "my-bucket.s3.eu-west-1.amazonaws.com"},
	{&s3, "eu-west-1", .origin = "https://s3.eu-west-1.amazonaws.com"},
	{&s3, "eu-west-1", "my.bucket", .origin = "https://s3.eu-west-1.amazonaws.com",
	 .base_path = "/my.bucket"},
	{&s3, "us-east-1", "Old_Bucket", .origin = "https://s3.us-east-1.amazonaws.com",
	 .base_path = "/Old_Bucket"},
	{&s3, "eu-west-1", "my-bucket", .path_style = true,
	 .origin = "https://s3.eu-west-1.amazonaws.com", .base_path = "/my-bucket"},
	{&s3, "eu-west-1", "my-bucket", .dualstack = true,
	 .origin = "https://my-bucket.s3.dualstack.eu-west-1.amazonaws.com"},
	{&s3, "us-east-1", "my-bucket", .fips = true,
	 .origin = "https://my-bucket.s3-fips.us-east-1.amazonaws.com"},
	{&s3, "us-east-1", "my-bucket", .fips = true, .dualstack = true,
	 .origin = "https://my-bucket.s3-fips.dualstack.us-east-1.amazonaws.com"},
	/* configured URLs */
	{&lambda, "eu-west-1", .url = "http://localhost:4566", .origin = "http://localhost:4566",
	 .host = "localhost:4566"},
	{&lambda, "eu-west-1", .url = "https://proxy.example.com:443/aws/",
	 .origin = "https://proxy.example.com", .host = "proxy.example.com", .base_path = "/aws"},
	{&lambda, "eu-west-1", .url = "http://[::1]:80/", .origin = "http://[::1]",
	 .host = "[::1]"},
	{&s3, "eu-west-1", "my-bucket", .url = "http://localhost:9000/",
	 .origin = "http://localhost:9000", .base_path = "/my-bucket"},
	{&s3, "eu-west-1", "my-bucket", .url = "https://10.1.2.3:9000",
	 .origin = "https://10.1.2.3:9000", .base_path = "/my-bucket"},
	{&s3, "eu-west-1", "my-bucket", .url = "https://store.example.com/v1",
	 .origin = "https://my-bucket.store.example.com", .host = "my-bucket.store.example.com",
	 .base_path = "/v1"},
	{&s3, "eu-west-1", "my-bucket", .url = "https://store.example.com/v1", .path_style = true,
	 .origin = "https://store.example.com", .base_path = "/v1/my-bucket"},
};

static void test_rules(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct want *w = &rules[i];
		struct aws_settings s = {.use_fips = w->fips,
					 .use_dualstack = w->dualstack,
					 .s3_force_path_style = w->path_style,
					 .endpoint_url = w->url};
		struct err err = ERR_INIT;
		struct endpoint e;

		print_message("case %s\n", w->origin);
		assert_int_equal(
			endpoint_resolve(&s, w->service, w->region, w->bucket, a, &e, &err), 0);
		assert_string_equal(e.origin, w->origin);
		assert_string_equal(e.host, w->host ? w->host : strstr(w->origin, "://") + 3);
		assert_string_equal(e.base_path, w->base_path ? w->base_path : "");
		assert_string_equal(e.region, w->service->is_global
						      ? aws_partition_of(w->region)->global_region
						      : w->region);
		assert_int_equal(e.configured, w->url != NULL);
	}
	arena_free(a);
}

static void refuse(const struct aws_settings *s, const char *region, const char *bucket,
		   enum err_code code)
{
	struct arena *a = arena_new();
	struct err err = ERR_INIT;
	struct endpoint e;

	assert_int_equal(endpoint_resolve(s, &s3, region, bucket, a, &e, &err), -1);
	assert_int_equal(err.code, code);
	arena_free(a);
}

#define LONG_LABEL "a12345678901234567890123456789012345678901234567890123456789012b"

static void test_refusals(void **state)
{
	static const char *const regions[] = {"",      "a.b", "evil.com/", "-x",  "x-",
					      "12345", "a b", "eu_west_1", "x@y", LONG_LABEL};
	static const char *const buckets[] = {
		"ab",  "a/b", "..",    "../x",
		"a b", "a?b", "a%2fb", "arn:aws:s3:eu-west-1:1:accesspoint/x"};
	static const char *const urls[] = {"localhost:1",    "ftp://x",		  "http://",
					   "https://h/?q=1", "https://user:pw@h", "https://h/#f"};
	struct aws_settings s = {.region = NULL};

	(void)state;
	refuse(&s, NULL, NULL, ERR_REJECTED);
	for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++)
		refuse(&s, regions[i], NULL, ERR_REJECTED);
	for (size_t i = 0; i < sizeof(buckets) / sizeof(buckets[0]); i++)
		refuse(&s, "eu-west-1", buckets[i], ERR_REJECTED);
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		s.endpoint_url = urls[i];
		refuse(&s, "eu-west-1", NULL, ERR_MALFORMED);
	}
	s.endpoint_url = "http://example.com";
	refuse(&s, "eu-west-1", NULL, ERR_UNSAFE);
	s.endpoint_url = "https://example.com";
	s.use_fips = true;
	refuse(&s, "eu-west-1", NULL, ERR_REJECTED);
	s.use_fips = false;
	s.use_dualstack = true;
	refuse(&s, "eu-west-1", NULL, ERR_REJECTED);
}

static void test_partitions(void **state)
{
	(void)state;
	assert_string_equal(aws_partition_of("us-gov-east-1")->id, "aws-us-gov");
	assert_string_equal(aws_partition_of("us-east-1")->id, "aws");
	assert_string_equal(aws_partition_of("mx-central-1")->id, "aws");
	assert_string_equal(aws_partition_of("cn-northwest-1")->global_region, "cn-northwest-1");
	assert_string_equal(aws_partition_of("us-isob-east-1")->id, "aws-iso-b");
	assert_string_equal(aws_partition_of("cn-nonsense")->id, "aws");
	assert_string_equal(aws_partition_of("")->id, "aws");
	assert_true(aws_is_host_label(STR("eu-west-1")));
	assert_true(aws_is_virtual_host_bucket(STR("a-b1")));
	assert_false(aws_is_virtual_host_bucket(STR("-ab")));
	assert_false(aws_is_virtual_host_bucket(STR("aB1")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_partitions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
