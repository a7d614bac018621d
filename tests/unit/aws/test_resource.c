#include "aws/resource.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "aws/core/rng.h"

/* What a request is about: a name where it has one, and never anything else of what it says. */

static const struct aws_service JSON_0 = {.protocol = AWS_JSON_1_0},
				JSON_1 = {.protocol = AWS_JSON_1_1},
				QUERY = {.protocol = AWS_QUERY},
				REST_JSON = {.protocol = AWS_REST_JSON},
				REST_XML = {.protocol = AWS_REST_XML};

#define ARN "arn:aws:elasticloadbalancing:eu-central-1:111122223333:"
#define ENCODED "arn%3Aaws%3Aelasticloadbalancing%3Aeu-central-1%3A111122223333%3A"

static int set_up(void **state)
{
	*state = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	arena_free(*state);
	return 0;
}

static const char *of_body(void **state, const struct aws_service *s, struct str body)
{
	struct aws_request r = {.service = s, .operation = "Any", .body = body};

	return aws_resource(&r, *state);
}

static const char *of_path(void **state, const struct aws_service *s, const char *bucket,
			   const char *path)
{
	struct aws_request r = {.service = s,
				.operation = "Any",
				.path = path,
				.bucket = bucket,
				.query = "secret=1",
				.body = STR("{\"AlarmNames\":[\"body\"]}")};

	return aws_resource(&r, *state);
}

/* --- known answers ---------------------------------------------------------------------------- */

static void test_forms(void **state)
{
	static const struct {
		const char *body, *is;
	} cases[] = {
		/* load balancers */
		{"RuleArn=" ENCODED "listener-rule%2Fapp%2Fshop%2F1&Conditions.member.1.Field=x",
		 ARN "listener-rule/app/shop/1"},
		{"Actions.member.1.TargetGroupArn=no&RuleArn=r-1", "r-1"},
		{"RuleArns.member.1=r-1&RuleArns.member.2=r-2", "r-1"},
		{"ListenerArn=l-1&Priority=7", "l-1"},
		{"TargetGroupArn=t-1&Targets.member.1.Id=i-1", "t-1"},
		{"TargetGroupArns.member.1=t-1", "t-1"},
		{"LoadBalancerArn=b-1", "b-1"},
		{"ResourceArns.member.2=b-2&ResourceArns.member.1=b-1", "b-1"},
		/* groups and templates */
		{"AutoScalingGroupName=shop-blue&DesiredCapacity=4", "shop-blue"},
		{"AutoScalingGroupNames.member.1=shop%2Dgreen&MaxRecords=100", "shop-green"},
		{"LaunchTemplate.LaunchTemplateId=lt-0&AutoScalingGroupName=shop", "shop"},
		{"LaunchTemplateId=lt-1&LaunchTemplateVersion.1=3", "lt-1"},
		{"LaunchTemplateName=web&LaunchTemplateData.UserData=c2VjcmV0", "web"},
		/* environments */
		{"SourceEnvironmentName=a&DestinationEnvironmentName=b", "a"},
		{"ApplicationName=shop&EnvironmentName=shop-blue", "shop-blue"},
		{"ApplicationName=shop&VersionLabel=7", "shop"},
		{"EnvironmentNames.member.1=shop-blue", "shop-blue"},
		/* topics and roles */
		{"TopicArn=arn%3Aaws%3Asns%3Aeu-central-1%3A1%3At&Message=secret",
		 "arn:aws:sns:eu-central-1:1:t"},
		{"RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&WebIdentityToken=secret",
		 "arn:aws:iam::1:role/r"},
		/* nothing is named */
		{"MaxRecords=100&NextToken=secret", ""},
		{"", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(of_body(state, &QUERY, str_from(cases[i].body)), cases[i].is);
}

static void test_documents(void **state)
{
	static const struct {
		const char *body, *is;
	} cases[] = {
		/* alarms */
		{"{\"AlarmNames\":[\"a\"],\"AlarmTypes\":[\"MetricAlarm\"]}", "a"},
		{"{\"AlarmNames\":[\"a\",\"b\",\"c\"]}", "a, b, c"},
		{"{\"AlarmNames\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}", "a, b, c and 2 more"},
		/* services */
		{"{\"cluster\":\"shop\",\"services\":[\"web\"],\"include\":[\"TAGS\"]}", "web"},
		{"{\"cluster\":\"shop\",\"service\":\"web\",\"taskDefinition\":\"web:7\"}", "web"},
		{"{\"cluster\":\"shop\",\"serviceName\":\"web-green\",\"taskDefinition\":\"web:"
		 "7\"}",
		 "web-green"},
		{"{\"cluster\":\"shop\",\"tasks\":[\"t\"]}", "shop"},
		{"{\"taskDefinition\":\"web:7\"}", "web:7"},
		{"{\"family\":\"web\",\"containerDefinitions\":[{\"secret\":1}]}", "web"},
		{"{\"serviceDeploymentArn\":\"d-1\",\"stopType\":\"ROLLBACK\"}", "d-1"},
		{"{\"serviceDeploymentArn\":\"d-1\",\"hookId\":\"h\",\"action\":\"CONTINUE\"}",
		 "d-1"},
		{"{\"serviceDeploymentArns\":[\"d-1\"]}", "d-1"},
		{"{\"serviceRevisionArns\":[\"v-1\",\"v-2\"]}", "v-1, v-2"},
		{"{\"resourceArn\":\"x-1\",\"tags\":[{\"key\":\"k\",\"value\":\"secret\"}]}",
		 "x-1"},
		/* commands */
		{"{\"DocumentName\":\"AWS-RunShellScript\",\"InstanceIds\":[\"i-1\"],"
		 "\"Parameters\":{\"commands\":[\"secret\"]}}",
		 "i-1"},
		{"{\"CommandId\":\"c-1\",\"Details\":true}", "c-1"},
		/* pipelines and jobs */
		{"{\"pipelineName\":\"shop\",\"pipelineExecutionId\":\"e\"}", "shop"},
		{"{\"jobId\":\"j-1\",\"nonce\":\"secret\"}", "j-1"},
		{"{\"jobId\":\"j-1\",\"continuationToken\":\"secret\"}", "j-1"},
		/* nothing is named */
		{"{\"Entries\":[{\"Source\":\"rollout-worker\",\"Detail\":\"secret\"}]}", ""},
		{"{}", ""},
		{"", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str body = str_from(cases[i].body);

		assert_string_equal(of_body(state, &JSON_0, body), cases[i].is);
		assert_string_equal(of_body(state, &JSON_1, body), cases[i].is);
	}
}

static void test_paths(void **state)
{
	static const struct {
		const char *bucket, *path, *is;
	} cases[] = {
		{NULL, "/2015-03-31/functions/checkout/aliases/live",
		 "functions/checkout/aliases/live"},
		{NULL, "/2019-09-30/functions/checkout/provisioned-concurrency",
		 "functions/checkout/provisioned-concurrency"},
		{NULL, "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-central-1/versions",
		 "functions/arn:aws:lambda:eu-central-1/versions"},
		{NULL, "/2013-04-01/hostedzone/Z1/rrset", "hostedzone/Z1/rrset"},
		{NULL, "/2015-03-31/", "2015-03-31/"}, /* nothing behind the version */
		{NULL, "/other", "other"},
		{NULL, "other", "other"},
		{NULL, "", ""},
		{NULL, NULL, ""},
		{"shop-artifacts", "/shop/Source/a%20b.zip", "shop-artifacts/shop/Source/a b.zip"},
		{"shop-artifacts", NULL, "shop-artifacts/"},
		/* a key that looks like a version is one all the same */
		{"b", "/2015-03-31/functions/x", "b/2015-03-31/functions/x"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *bucket = cases[i].bucket, *path = cases[i].path;

		assert_string_equal(of_path(state, &REST_JSON, bucket, path), cases[i].is);
		assert_string_equal(of_path(state, &REST_XML, bucket, path), cases[i].is);
	}
}

/* --- odd and hostile -------------------------------------------------------------------------- */

static void test_odd_forms(void **state)
{
	static const struct {
		const char *body, *is;
	} cases[] = {
		{"RuleArn", ""},
		{"RuleArn=", ""},
		{"RuleArn=&RuleArn=r-1", "r-1"},
		{"RuleArn.=r-1", ""},
		{"RuleArnX=r-1", ""},
		{"XRuleArn=r-1", ""},
		{"RuleArns.member.2=r-2", ""},
		{"=r-1&&&=&RuleArn=a=b", "a=b"},
		{"&", ""},
		{"=", ""},
		{"AutoScalingGroupName=x&RuleArn=r-1", "r-1"}, /* the most telling one */
		{"RuleArn=%", "%"},
		{"RuleArn=%4", "%4"},
		{"RuleArn=%4g%zz", "%4g%zz"},
		{"RuleArn=%41%6a%6A", "Ajj"},
		{"RuleArn=a+b", "a+b"},
		{"RuleArn=a%0Ab%1B[31m", "a?b?[31m"},
		{"RuleArn=%C3%B6", "\xc3\xb6"},
		{"RuleArn=%C3", "?"},
		{"RuleArn=\xff\xfe", "??"},
		{"RuleArn=a%E2%80%AEb", "a?b"}, /* turns what follows around */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(of_body(state, &QUERY, str_from(cases[i].body)), cases[i].is);
}

static void test_odd_documents(void **state)
{
	static const struct {
		const char *body, *is;
	} cases[] = {
		{"{", ""},
		{"[]", ""},
		{"null", ""},
		{"\"jobId\"", ""},
		{"{\"jobId\":null}", ""},
		{"{\"jobId\":{\"jobId\":\"inner\"}}", ""},
		{"{\"x\":{\"jobId\":\"inner\"}}", ""},
		{"{\"JobId\":\"j-1\"}", ""},
		{"{\"AlarmNames\":[]}", ""},
		{"{\"AlarmNames\":[],\"jobId\":\"j-1\"}", "j-1"},
		{"{\"AlarmNames\":[[\"a\"],{\"b\":1},null]}", ", , "},
		{"{\"jobId\":\"a\\u0000b\\nc\"}", NULL},
		{"{\"jobId\":\"\\ud800\"}", NULL},
		{"{\"jobId\":\"<script>\"}",
		 "<script>"}, /* it shows as itself; markup is others' */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *is = of_body(state, &JSON_1, str_from(cases[i].body));

		if (cases[i].is)
			assert_string_equal(is, cases[i].is);
		assert_null(strchr(is, '\n'));
	}
}

static void test_what_is_too_long(void **state)
{
	static const size_t sizes[] = {RESOURCE_MAX - 1, RESOURCE_MAX, RESOURCE_MAX + 1,
				       16u << 10,	 60u << 10,    (64u << 10) + 1};
	char *text = malloc((64u << 10) + 64);

	assert_non_null(text);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t n = sizes[i], shown = n < RESOURCE_MAX ? n : RESOURCE_MAX;
		const char *is;

		memset(text, 'x', n);
		text[n] = '\0';
		memcpy(text, "/", 1);
		is = of_path(state, &REST_JSON, NULL, text);
		assert_int_equal(strlen(is), n - 1 < RESOURCE_MAX ? n - 1 : RESOURCE_MAX);
		memcpy(text, "RuleArn=", 8);
		is = of_body(state, &QUERY, (struct str){text, n});
		/* a body this large is content, not names */
		if (n > 64u << 10)
			assert_string_equal(is, "");
		else
			assert_int_equal(strlen(is), n - 8 < shown ? n - 8 : shown);
	}
	/* whole characters only */
	for (size_t i = 0; i < 150; i++)
		memcpy(text + 1 + 2 * i, "\xc3\xb6", 3);
	text[0] = 'x';
	assert_int_equal(strlen(of_path(state, &REST_JSON, NULL, text)), RESOURCE_MAX - 1);
	free(text);
}

static const char *const PIECES[] = {
	"RuleArn", "=", "&", "%",    "%00",	     ".1",	 "/",	    "{\"jobId\":", "\"",
	"[",	   "]", "}", "\xc3", "\xe2\x80\xae", "\x1b[31m", "service", "2015-03-31/", "\n"};

/* Whatever comes: short, of whole characters, and without any that do not show as themselves. */
static void test_rubbish(void **state)
{
	static const struct aws_service *const services[] = {&JSON_0, &JSON_1, &QUERY, &REST_JSON,
							     &REST_XML};
	struct rng_seeded seeded;
	struct rng *rng = &seeded.rng;
	char text[1024], clean[RESOURCE_MAX + 1];

	rng_seeded_init(&seeded, 1);
	for (int i = 0; i < 20000; i++) {
		const struct aws_service *s = services[i % 5];
		size_t n = 0, parts = (size_t)rng_below(rng, 60);
		const char *is;

		for (size_t k = 0; k < parts; k++) {
			const char *piece =
				PIECES[rng_below(rng, sizeof(PIECES) / sizeof(PIECES[0]))];

			memcpy(text + n, piece, strlen(piece));
			n += strlen(piece);
		}
		text[n] = '\0';
		is = i % 2 ? of_path(state, s, i % 3 ? NULL : "b", text)
			   : of_body(state, s, (struct str){text, n});
		assert_true(strlen(is) <= RESOURCE_MAX);
		assert_true(str_copy_clean(clean, sizeof(clean), str_from(is)));
		assert_string_equal(is, clean);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_forms),	       T(test_documents),	 T(test_paths),	  T(test_odd_forms),
		T(test_odd_documents), T(test_what_is_too_long), T(test_rubbish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
