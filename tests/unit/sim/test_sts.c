#include "tests/unit/sim/simtest.h"

#include "tests/sim/sim_internal.h"

#define ROLE "RoleArn=arn%3Aaws%3Aiam%3A%3A444455556666%3Arole%2Fpath%2Fdeployer"
#define ASSUME "Action=AssumeRole&Version=2011-06-15&" ROLE
#define WEB "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&" ROLE

static void use(struct world *w, const char *at)
{
	const struct xml *x = body_xml(w);

	w->key = xml_cstr(x, arena_printf(w->arena, "%s/Credentials/AccessKeyId", at));
	w->secret = xml_cstr(x, arena_printf(w->arena, "%s/Credentials/SecretAccessKey", at));
	w->token = xml_cstr(x, arena_printf(w->arena, "%s/Credentials/SessionToken", at));
	assert_non_null(w->key);
}

static const char *who(struct world *w)
{
	if (sts(w, "Action=GetCallerIdentity&Version=2011-06-15") != 200)
		return "";
	return xml_cstr(body_xml(w), "GetCallerIdentityResult/Arn");
}

static void test_assume_role(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	assert_string_equal(who(w), "arn:aws:iam::111122223333:user/rollout-worker");
	assert_int_equal(sts(w, ASSUME "&RoleSessionName=job-1&DurationSeconds=900"), 200);
	assert_string_equal(xml_cstr(body_xml(w), "AssumeRoleResult/Credentials/Expiration"),
			    "2026-01-05T10:15:00Z");
	use(w, "AssumeRoleResult");
	assert_string_equal(who(w), "arn:aws:sts::444455556666:assumed-role/deployer/job-1");
	assert_string_equal(xml_cstr(body_xml(w), "GetCallerIdentityResult/Account"),
			    "444455556666");
	/* a chained role lives an hour at most */
	assert_int_equal(sts(w, ASSUME "&RoleSessionName=job-1&DurationSeconds=3601"), 400);
	assert_string_equal(code(w), "ValidationError");
	assert_int_equal(sts(w, ASSUME "&RoleSessionName=job-1&DurationSeconds=3600"), 200);
	sim_advance(w->sim, 900000);
	assert_string_equal(who(w), "");
	assert_int_equal(w->res.status, 403);
	assert_string_equal(code(w), "ExpiredToken");
	world_free(w);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *form, *code;
		int status;
	} cases[] = {
		{ASSUME "&RoleSessionName=x", "ValidationError", 400},
		{ASSUME "&RoleSessionName=a%20b", "ValidationError", 400},
		{ASSUME "&RoleSessionName=ok&DurationSeconds=899", "ValidationError", 400},
		{ASSUME "&RoleSessionName=ok&DurationSeconds=43201", "ValidationError", 400},
		{"Action=AssumeRole&RoleArn=arn%3Anonsense%3Afor%3Aa%3Arole&RoleSessionName=ok",
		 "ValidationError", 400},
		{"Action=AssumeRole&RoleSessionName=ok", "ValidationError", 400},
		{"Action=Dance&Version=2011-06-15", "InvalidAction", 400},
		{WEB "&RoleSessionName=ok&WebIdentityToken=abc", "InvalidIdentityToken", 400},
	};
	struct world *w = world_new(NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(sts(w, cases[i].form), cases[i].status);
		assert_string_equal(code(w), cases[i].code);
	}
	world_free(w);
}

static void test_roles_with_rules(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	ctl(w, "sts role arn:aws:iam::444455556666:role/path/deployer external_id=abc "
	       "max_duration=1h");
	assert_int_equal(sts(w, ASSUME "&RoleSessionName=ok"), 403);
	assert_string_equal(code(w), "AccessDenied");
	assert_int_equal(sts(w, ASSUME "&RoleSessionName=ok&ExternalId=abc"), 200);
	assert_int_equal(sts(w, ASSUME "&RoleSessionName=ok&ExternalId=abc&DurationSeconds=3601"),
			 400);
	ctl(w, "sts role arn:aws:iam::444455556666:role/path/deployer deny=true");
	assert_int_equal(sts(w, ASSUME "&RoleSessionName=ok"), 403);
	ctl_refused(w, "sts role nonsense", "nonsense");
	world_free(w);
}

static void test_web_identity(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	assert_int_equal(sts(w, WEB "&RoleSessionName=pod&WebIdentityToken=eyJhbGciOi"), 200);
	use(w, "AssumeRoleWithWebIdentityResult");
	assert_string_equal(who(w), "arn:aws:sts::444455556666:assumed-role/deployer/pod");
	ctl(w, "sts web-identity error=ExpiredTokenException");
	assert_int_equal(sts(w, WEB "&RoleSessionName=pod&WebIdentityToken=eyJhbGciOi"), 400);
	assert_string_equal(code(w), "ExpiredTokenException");
	ctl(w, "sts web-identity");
	assert_int_equal(sts(w, WEB "&RoleSessionName=pod&WebIdentityToken=eyJhbGciOi"), 200);
	world_free(w);
}

static void test_key_commands(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	ctl(w, "sts key AKIAOTHER secret=s3cr3t principal=arn:aws:iam::111122223333:user/other");
	w->key = "AKIAOTHER";
	w->secret = "s3cr3t";
	assert_string_equal(who(w), "arn:aws:iam::111122223333:user/other");
	ctl(w, "sts expire AKIAOTHER");
	assert_string_equal(who(w), "");
	assert_string_equal(code(w), "ExpiredToken");
	ctl(w, "sts key AKIAOTHER secret=s3cr3t token=tok life=10m");
	assert_string_equal(who(w), "");
	assert_string_equal(code(w), "InvalidClientTokenId");
	w->token = "tok";
	assert_string_equal(who(w), "arn:aws:iam::111122223333:user/rollout-worker");
	sim_advance(w->sim, 600000);
	assert_string_equal(who(w), "");
	ctl_refused(w, "sts key", "key id");
	ctl_refused(w, "sts key AKIAX", "secret");
	ctl_refused(w, "sts key 0123456789012345678901234567890123456789 secret=x", "key id");
	ctl_refused(w, "sts expire AKIANONE", "AKIANONE");
	ctl_refused(w, "sts dance", "dance");
	world_free(w);
}

static void test_old_keys_are_forgotten(void **state)
{
	struct world *w = world_new(NULL);
	struct sim_key first, k;
	struct str secret, token;
	struct utc expires;

	(void)state;
	sim_key_issue(w->sim, "codepipeline/x", 1000, &first);
	assert_int_equal(strlen(first.access_key_id), 20);
	assert_true(
		str_is(sim_key_principal(w->sim, str_from(first.access_key_id)), "codepipeline/x"));
	sim_advance(w->sim, 3500000);
	for (int i = 0; i < 200; i++)
		sim_key_issue(w->sim, "codepipeline/y", 60000, &k);
	assert_true(
		sim_key_lookup(w->sim, str_from(first.access_key_id), &secret, &token, &expires));
	sim_advance(w->sim, 3600000);
	for (int i = 0; i < 200; i++)
		sim_key_issue(w->sim, "codepipeline/y", 60000, &k);
	assert_false(
		sim_key_lookup(w->sim, str_from(first.access_key_id), &secret, &token, &expires));
	assert_true(sim_key_lookup(w->sim, STR("AKIASIMWORKER000001"), &secret, &token, &expires));
	assert_int_equal(expires.ms, SIM_NEVER);
	assert_int_equal(sim_key_principal(w->sim, STR("AKIANONE")).n, 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_assume_role),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_roles_with_rules),
		cmocka_unit_test(test_web_identity),
		cmocka_unit_test(test_key_commands),
		cmocka_unit_test(test_old_keys_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
