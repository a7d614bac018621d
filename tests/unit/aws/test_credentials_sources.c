#include "aws/credentials.h"

#include <unistd.h>

#include "aws/imds.h"
#include "aws/sts.h"
#include "tests/unit/aws/fake.h"

#define ANSWER(op)                                                                        \
	"<" op "Response><" op "Result><Credentials><AccessKeyId>ASIA1</AccessKeyId>"     \
	"<SecretAccessKey>S1</SecretAccessKey><SessionToken>T1</SessionToken>"            \
	"<Expiration>2026-01-02T04:04:05Z</Expiration></Credentials></" op "Result></" op \
	"Response>"
#define JSON_ANSWER                                                                   \
	"{\"Code\":\"Success\",\"AccessKeyId\":\"ASIA2\",\"SecretAccessKey\":\"S2\"," \
	"\"Token\":\"T2\",\"Expiration\":\"2026-01-02T09:04:05Z\"}"

static struct credentials *get(struct credentials_provider *p, struct err *err)
{
	*err = ERR_INIT;
	return credentials_provider_get(p, NULL, err);
}

static void expect_failure(struct credentials_provider *p, enum err_code code, const char *text)
{
	struct err err;

	assert_null(get(p, &err));
	assert_int_equal(err.code, code);
	if (!strstr(err.text, text))
		fail_msg("\"%s\" lacks \"%s\"", err.text, text);
}

static void expect_key(struct credentials_provider *p, const char *key)
{
	struct err err;
	struct credentials *c = get(p, &err);

	if (!c)
		fail_msg("%s", err.text);
	assert_string_equal(c->access_key_id, key);
	credentials_put(c);
}

/* --- STS ---------------------------------------------------------------------------------- */

static void test_assume_role(void **state)
{
	struct fake *f = fake_new();
	struct credentials_assume_role o = {.role_arn = "arn:aws:iam::1:role/R",
					    .session_name = "job-1",
					    .external_id = "x y",
					    .region = "us-west-2",
					    .duration_s = 900,
					    .source = fake_credentials("AKSRC"),
					    .source_take = true};
	struct credentials_provider *p = credentials_assume_role_new(f->aws, &o);
	struct credentials *c;
	struct err err;

	(void)state;
	fake_body(f, 200, ANSWER("AssumeRole"));
	c = get(p, &err);
	assert_non_null(c);
	assert_string_equal(c->access_key_id, "ASIA1");
	assert_string_equal(secret_reveal(&c->secret_access_key), "S1");
	assert_string_equal(secret_reveal(&c->session_token), "T1");
	assert_true(c->expires);
	assert_int_equal(c->expires_utc.ms, FAKE_NOW_MS + 3600000);
	credentials_put(c);
	assert_string_equal(f->http.asked[0].url, "https://sts.us-west-2.amazonaws.com/");
	assert_string_equal(
		f->http.asked[0].body,
		"Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%"
		"3Arole%2FR&RoleSessionName=job-1&DurationSeconds=900&ExternalId=x%20y");
	assert_non_null(strstr(fake_header(f, 0, "authorization"), "Credential=AKSRC/"));
	fake_body(f, 403,
		  "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message>"
		  "</Error></ErrorResponse>");
	expect_failure(p, ERR_DENIED,
		       "assume role arn:aws:iam::1:role/R: STS.AssumeRole: AccessDenied: not you");
	fake_body(f, 200, "<AssumeRoleResponse/>");
	expect_failure(p, ERR_MALFORMED, "Expiration");
	fake_body(f, 200,
		  "<AssumeRoleResponse><AssumeRoleResult><Credentials><Expiration>"
		  "2026-01-02T04:04:05Z</Expiration></Credentials></AssumeRoleResult>"
		  "</AssumeRoleResponse>");
	expect_failure(p, ERR_MALFORMED, "lack the access key id");
	credentials_provider_free(p);
	fake_free(f);
}

static void test_caller_identity(void **state)
{
	struct fake *f = fake_new();
	struct aws_client client = {.aws = f->aws, .credentials = fake_credentials("AK")};
	struct sts_identity id;
	struct err err = ERR_INIT;

	(void)state;
	fake_body(f, 200,
		  "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:x</Arn><UserId>U"
		  "</UserId><Account>123</Account></GetCallerIdentityResult>"
		  "</GetCallerIdentityResponse>");
	assert_int_equal(sts_get_caller_identity(&client, f->arena, &id, &err), 0);
	assert_string_equal(id.account, "123");
	assert_string_equal(id.arn, "arn:x");
	assert_string_equal(id.user_id, "U");
	fake_body(f, 200, "<GetCallerIdentityResponse/>");
	assert_int_equal(sts_get_caller_identity(&client, f->arena, &id, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	fake_body(f, 403, "");
	assert_int_equal(sts_get_caller_identity(&client, f->arena, &id, &err), -1);
	assert_int_equal(err.code, ERR_DENIED);
	credentials_provider_free(client.credentials);
	fake_free(f);
}

static void test_web_identity(void **state)
{
	char path[] = "/tmp/rw-token-XXXXXX";
	int fd = mkstemp(path);
	struct fake *f = fake_new();
	struct credentials_web_identity o = {path, "arn:aws:iam::1:role/W", NULL};
	struct credentials_provider *p = credentials_web_identity_new(f->aws, &o);

	(void)state;
	assert_true(fd >= 0 && close(fd) == 0);
	fake_write(path, STR("jwt.1\n"));
	fake_body(f, 200, ANSWER("AssumeRoleWithWebIdentity"));
	expect_key(p, "ASIA1");
	assert_null(fake_header(f, 0, "authorization"));
	assert_non_null(strstr(f->http.asked[0].body, "&WebIdentityToken=jwt.1"));
	assert_non_null(
		strstr(f->http.asked[0].body, "&RoleSessionName=rollout-worker-1767323045"));
	fake_write(path, STR("jwt.2")); /* rotated: read again */
	fake_body(f, 200, ANSWER("AssumeRoleWithWebIdentity"));
	expect_key(p, "ASIA1");
	assert_non_null(strstr(f->http.asked[1].body, "jwt.2"));
	fake_body(
		f, 400,
		"<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>");
	expect_failure(p, ERR_REJECTED, "web identity: assume role");
	assert_int_equal(unlink(path), 0);
	expect_failure(p, ERR_NOT_FOUND, path);
	credentials_provider_free(p);
	fake_free(f);
}

/* --- containers --------------------------------------------------------------------------- */

static int container(struct fake *f, const char **pairs, struct credentials_provider **p,
		     struct err *err)
{
	f->settings.env = (struct aws_env){.get = fake_getenv, .arg = pairs};
	*err = ERR_INIT;
	return credentials_container_new(f->aws, p, err);
}

static void test_container(void **state)
{
	const char *pairs[] = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
			       "/v2/abc",
			       "AWS_CONTAINER_CREDENTIALS_FULL_URI",
			       "http://evil.example.com/",
			       "AWS_CONTAINER_AUTHORIZATION_TOKEN",
			       "Basic x",
			       NULL};
	struct fake *f = fake_new();
	struct credentials_provider *p;
	struct err err;

	(void)state;
	assert_int_equal(container(f, pairs, &p, &err), 0); /* RELATIVE wins */
	fake_failure(f, ERR_TIMEOUT, true);
	fake_body(f, 500, "{}");
	fake_body(f, 200, JSON_ANSWER);
	expect_key(p, "ASIA2");
	assert_int_equal(f->clock.slept_ms, 2000);
	assert_string_equal(f->http.asked[0].url, "http://169.254.170.2/v2/abc");
	assert_string_equal(fake_header(f, 0, "authorization"), "Basic x");
	assert_true(f->http.asked[0].no_proxy);
	fake_body(f, 400, "{\"code\":\"NoRole\",\"message\":\"none \\u0007here\"}");
	expect_failure(p, ERR_DENIED, "HTTP 400 NoRole none ?here");
	fake_body(f, 200, "<html>");
	expect_failure(p, ERR_MALFORMED, "container credentials from http://169");
	for (int i = 0; i < 3; i++)
		fake_body(f, 503, "");
	expect_failure(p, ERR_UNAVAILABLE, "HTTP 503");
	pairs[5] = "two\nlines";
	expect_failure(p, ERR_UNSAFE, "line breaks");
	credentials_provider_free(p);
	fake_free(f);
}

static void test_container_token_file(void **state)
{
	char path[] = "/tmp/rw-token-XXXXXX";
	int fd = mkstemp(path);
	const char *pairs[] = {"AWS_CONTAINER_CREDENTIALS_FULL_URI",
			       "http://169.254.170.23/v1",
			       "AWS_CONTAINER_AUTHORIZATION_TOKEN",
			       "unused",
			       "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
			       path,
			       NULL};
	struct fake *f = fake_new();
	struct credentials_provider *p;
	struct err err;

	(void)state;
	assert_true(fd >= 0 && close(fd) == 0);
	assert_int_equal(container(f, pairs, &p, &err), 0);
	fake_write(path, STR("eks-token"));
	fake_body(f, 200, JSON_ANSWER);
	expect_key(p, "ASIA2");
	assert_string_equal(fake_header(f, 0, "authorization"), "eks-token");
	fake_write(path, STR("eks-token\n")); /* nothing is trimmed silently */
	expect_failure(p, ERR_UNSAFE, path);
	assert_int_equal(unlink(path), 0);
	expect_failure(p, ERR_NOT_FOUND, path);
	credentials_provider_free(p);
	fake_free(f);
}

static void test_container_urls(void **state)
{
	static const struct {
		const char *url;
		enum err_code want;
	} cases[] = {
		{"https://anywhere.example.com/x", ERR_OK},
		{"http://127.0.0.2:8080/x", ERR_OK},
		{"http://[::1]/x", ERR_OK},
		{"http://localhost/x", ERR_OK},
		{"http://169.254.170.2/x", ERR_OK},
		{"http://[fd00:ec2::23]/x", ERR_OK},
		{"http://169.254.169.254/x", ERR_UNSAFE},
		{"http://169.254.170.2.evil.example.com/", ERR_UNSAFE},
		{"http://example.com/", ERR_UNSAFE},
		{"http://user@127.0.0.1/", ERR_MALFORMED},
		{"file:///etc/passwd", ERR_MALFORMED},
	};
	const char *none[] = {NULL};
	const char *relative[] = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@evil.example.com/",
				  NULL};
	struct fake *f = fake_new();
	struct credentials_provider *p;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *pairs[] = {"AWS_CONTAINER_CREDENTIALS_FULL_URI", cases[i].url, NULL};

		print_message("case %s\n", cases[i].url);
		assert_int_equal(container(f, pairs, &p, &err), cases[i].want ? -1 : 0);
		assert_int_equal(err.code, cases[i].want);
		credentials_provider_free(p);
	}
	assert_int_equal(container(f, none, &p, &err), 0);
	assert_null(p);
	assert_int_equal(container(f, relative, &p, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	fake_free(f);
}

/* --- instance metadata -------------------------------------------------------------------- */

static void test_imds_role(void **state)
{
	struct fake *f = fake_new();
	struct credentials_provider *p = credentials_imds_new(f->aws);

	(void)state;
	fake_body(f, 200, "TOKEN-1");
	fake_body(f, 200, "my-role\nother\n");
	fake_body(f, 200, JSON_ANSWER);
	expect_key(p, "ASIA2");
	assert_string_equal(f->http.asked[0].method, "PUT");
	assert_string_equal(f->http.asked[0].url, "http://169.254.169.254/latest/api/token");
	assert_string_equal(fake_header(f, 0, "x-aws-ec2-metadata-token-ttl-seconds"), "21600");
	assert_string_equal(fake_header(f, 1, "x-aws-ec2-metadata-token"), "TOKEN-1");
	assert_string_equal(f->http.asked[2].url,
			    "http://169.254.169.254/latest/meta-data/iam/security-credentials/"
			    "my-role");
	for (int i = 0; i < 3; i++) {
		assert_true(f->http.asked[i].no_proxy);
		assert_int_equal(f->http.asked[i].total_ms, 1000);
	}
	f->clock.now_ms += 21500 * 1000; /* the token is nearly over: a new one */
	fake_body(f, 200, "TOKEN-2");
	fake_body(f, 200, "my-role");
	fake_body(f, 401, ""); /* and the service forgets it: one more */
	fake_body(f, 200, "TOKEN-3");
	fake_body(f, 200, JSON_ANSWER);
	expect_key(p, "ASIA2");
	assert_string_equal(fake_header(f, 7, "x-aws-ec2-metadata-token"), "TOKEN-3");
	credentials_provider_free(p);
	fake_free(f);
}

static void test_imds_failures(void **state)
{
	struct fake *f = fake_new();
	struct credentials_provider *p = credentials_imds_new(f->aws);

	(void)state;
	fake_body(f, 403, "");
	expect_failure(p, ERR_DENIED, "switched off for this instance");
	fake_body(f, 400, "");
	expect_failure(p, ERR_REJECTED, "HTTP 400");
	fake_body(f, 200, "bad token\n");
	expect_failure(p, ERR_MALFORMED, "no token");
	fake_body(f, 200, "");
	expect_failure(p, ERR_MALFORMED, "empty");
	for (int i = 0; i < 3; i++)
		fake_failure(f, ERR_NETWORK, false); /* this is no EC2 instance */
	expect_failure(p, ERR_NETWORK, "credentials of the instance role");
	fake_body(f, 200, "TOKEN");
	fake_body(f, 404, "");
	expect_failure(p, ERR_NOT_FOUND, "HTTP 404"); /* no role is attached */
	fake_body(f, 200, "");
	expect_failure(p, ERR_NOT_FOUND, "has no role");
	fake_body(f, 200, "../../x");
	expect_failure(p, ERR_MALFORMED, "no name");
	fake_body(f, 200, "role");
	fake_body(f, 200, "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"no\"}");
	expect_failure(p, ERR_DENIED, "AssumeRoleUnauthorizedAccess: no");
	fake_body(f, 200, "role");
	fake_body(f, 200, "oops");
	expect_failure(p, ERR_MALFORMED, "");
	for (int i = 0; i < 3; i++)
		fake_body(f, 500, "");
	expect_failure(p, ERR_UNAVAILABLE, "HTTP 500");
	for (int i = 0; i < 3; i++)
		fake_body(f, 429, ""); /* it is shared by everything on the instance */
	expect_failure(p, ERR_THROTTLED, "HTTP 429");
	fake_body(f, 401, "");
	fake_body(f, 200, "TOKEN");
	fake_body(f, 401, "");
	expect_failure(p, ERR_DENIED, "HTTP 401");
	f->settings.imds_disabled = true;
	expect_failure(p, ERR_DENIED, "AWS_EC2_METADATA_DISABLED");
	credentials_provider_free(p);
	fake_free(f);
}

static void test_imds_version_1(void **state)
{
	struct fake *f = fake_new();
	struct credentials_provider *p = credentials_imds_new(f->aws);

	(void)state;
	fake_body(f, 404, ""); /* a host that does not know tokens */
	fake_body(f, 200, "role");
	fake_body(f, 200, JSON_ANSWER);
	expect_key(p, "ASIA2");
	assert_null(fake_header(f, 1, "x-aws-ec2-metadata-token"));
	f->clock.now_ms += 11 * 60000; /* asked again after a while */
	for (int i = 0; i < 3; i++)
		fake_failure(f, ERR_TIMEOUT, true); /* behind a hop limit of 1 */
	fake_body(f, 200, "role");
	fake_body(f, 200, JSON_ANSWER);
	expect_key(p, "ASIA2");
	f->settings.imds_v1_disabled = true;
	expect_failure(p, ERR_TIMEOUT, "hop limit");
	credentials_provider_free(p);
	fake_free(f);
}

/* Credentials that are over when they arrive are used on, and asked for again a little later. */
static void test_imds_static_stability(void **state)
{
	struct fake *f = fake_new();
	struct credentials_provider *p = credentials_imds_new(f->aws);
	struct credentials *c;
	struct err err;

	(void)state;
	f->clock.now_ms += 7 * 3600000LL;
	fake_body(f, 200, "TOKEN");
	fake_body(f, 200, "role");
	fake_body(f, 200, JSON_ANSWER);
	c = get(p, &err);
	assert_non_null(c);
	assert_true(c->expires_utc.ms - f->clock.now_ms > CREDENTIALS_DUE_MS + 10 * 60000);
	assert_true(c->expires_utc.ms - f->clock.now_ms < CREDENTIALS_DUE_MS + 25 * 60000);
	credentials_put(c);
	credentials_provider_free(p);
	fake_free(f);
}

static void test_imds_region(void **state)
{
	struct fake *f = fake_new();
	struct err err = ERR_INIT;
	const char *region;

	(void)state;
	f->settings.imds_endpoint = "http://127.0.0.1:1338";
	f->settings.imds_attempts = 1;
	f->settings.imds_timeout_ms = 300;
	fake_body(f, 200, "TOKEN");
	fake_body(f, 200, "ap-south-1\n");
	assert_int_equal(imds_region(f->aws, f->arena, &region, NULL, &err), 0);
	assert_string_equal(region, "ap-south-1");
	assert_string_equal(f->http.asked[1].url,
			    "http://127.0.0.1:1338/latest/meta-data/placement/region");
	assert_int_equal(f->http.asked[1].total_ms, 300);
	fake_body(f, 200, "TOKEN");
	fake_body(f, 200, "evil.example.com/");
	assert_int_equal(imds_region(f->aws, f->arena, &region, NULL, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	fake_failure(f, ERR_NETWORK, false);
	assert_int_equal(imds_region(f->aws, f->arena, &region, NULL, &err), -1);
	assert_int_equal(err.code, ERR_NETWORK);
	imds_free(NULL);
	fake_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_assume_role),
		cmocka_unit_test(test_caller_identity),
		cmocka_unit_test(test_web_identity),
		cmocka_unit_test(test_container),
		cmocka_unit_test(test_container_token_file),
		cmocka_unit_test(test_container_urls),
		cmocka_unit_test(test_imds_role),
		cmocka_unit_test(test_imds_failures),
		cmocka_unit_test(test_imds_version_1),
		cmocka_unit_test(test_imds_static_stability),
		cmocka_unit_test(test_imds_region),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
