#include "aws/settings.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/profile.h"
#include "tests/unit/aws/fake.h"

/* A home directory with shared files, and an environment of pairs. */
struct home {
	char dir[32];
	struct arena *arena;
	const char *pairs[16];
	struct aws_env env;
	struct aws_settings s;
	struct err err;
};

static int setup(void **state)
{
	struct home *h = xcalloc(1, sizeof(*h));

	memcpy(h->dir, "/tmp/rw-settings-XXXXXX", 24);
	assert_non_null(mkdtemp(h->dir));
	h->arena = arena_new();
	h->env = (struct aws_env){.get = fake_getenv, .arg = h->pairs, .home = h->dir};
	*state = h;
	return 0;
}

static void remove_tree(struct arena *a, const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		const char *path = arena_printf(a, "%s/%s", dir, e->d_name);

		if (e->d_name[0] == '.' && (!e->d_name[1] || e->d_name[1] == '.'))
			continue;
		if (unlink(path))
			remove_tree(a, path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

static int teardown(void **state)
{
	struct home *h = *state;

	remove_tree(h->arena, h->dir);
	arena_free(h->arena);
	free(h);
	return 0;
}

static void write_file(struct home *h, const char *name, const char *text)
{
	assert_true(mkdir(arena_printf(h->arena, "%s/.aws", h->dir), 0700) == 0 ||
		    access(h->dir, R_OK) == 0);
	fake_write(arena_printf(h->arena, "%s/%s", h->dir, name), str_from(text));
}

static void set_env(struct home *h, const char *name, const char *value)
{
	size_t i = 0;

	while (h->pairs[i] && strcmp(h->pairs[i], name))
		i += 2;
	assert_true(i < 14);
	h->pairs[i] = name;
	h->pairs[i + 1] = value;
}

static void load(struct home *h, const struct aws_overrides *told)
{
	h->err = ERR_INIT;
	if (aws_settings_load(h->arena, &h->env, told, &h->s, &h->err))
		fail_msg("%s", h->err.text);
}

static void refuse(struct home *h, const struct aws_overrides *told, enum err_code code,
		   const char *text)
{
	h->err = ERR_INIT;
	assert_int_equal(aws_settings_load(h->arena, &h->env, told, &h->s, &h->err), -1);
	assert_int_equal(h->err.code, code);
	if (!strstr(h->err.text, text))
		fail_msg("\"%s\" lacks \"%s\"", h->err.text, text);
}

static void test_defaults(void **state)
{
	struct home *h = *state;

	load(h, NULL);
	assert_null(h->s.region);
	assert_string_equal(h->s.profile_name, "default");
	assert_false(h->s.profile_named);
	assert_false(h->s.use_fips || h->s.use_dualstack || h->s.imds_disabled);
	assert_int_equal(h->s.max_attempts, 0);
	assert_string_equal(h->s.imds_endpoint, "http://169.254.169.254");
	h->env.home = NULL; /* a service without a home */
	load(h, NULL);
	assert_null(h->s.profile);
}

static void test_precedence(void **state)
{
	struct home *h = *state;
	struct aws_overrides told = {.region = "told-1"};

	write_file(h, ".aws/config",
		   "[default]\nregion = config-1\nmax_attempts = 5\nuse_fips_endpoint = TRUE\n"
		   "sdk_ua_app_id = app\ns3 =\n  addressing_style = path\n"
		   "[profile other]\nregion = other-1\n");
	load(h, NULL);
	assert_string_equal(h->s.region, "config-1");
	assert_int_equal(h->s.max_attempts, 5);
	assert_true(h->s.use_fips && h->s.s3_force_path_style);
	assert_string_equal(h->s.app_id, "app");
	write_file(h, ".aws/credentials", "[default]\nregion = credentials-1\n");
	load(h, NULL);
	assert_string_equal(h->s.region, "credentials-1");
	set_env(h, "AWS_DEFAULT_REGION", "env-2");
	load(h, NULL);
	assert_string_equal(h->s.region, "env-2");
	set_env(h, "AWS_REGION", "env-1");
	set_env(h, "AWS_USE_FIPS_ENDPOINT", "false");
	load(h, NULL);
	assert_string_equal(h->s.region, "env-1");
	assert_false(h->s.use_fips);
	load(h, &told);
	assert_string_equal(h->s.region, "told-1");
	set_env(h, "AWS_REGION", ""); /* empty counts as unset */
	set_env(h, "AWS_DEFAULT_REGION", "");
	set_env(h, "AWS_PROFILE", "other");
	load(h, NULL);
	assert_string_equal(h->s.region, "other-1");
	assert_true(h->s.profile_named);
	told = (struct aws_overrides){.profile = "default"};
	load(h, &told);
	assert_string_equal(h->s.region, "credentials-1");
}

static void test_paths(void **state)
{
	struct home *h = *state;

	write_file(h, "elsewhere", "[default]\nregion = here-1\n");
	set_env(h, "AWS_CONFIG_FILE", "~/elsewhere");
	load(h, NULL);
	assert_string_equal(h->s.region, "here-1");
	set_env(h, "AWS_CONFIG_FILE", arena_printf(h->arena, "%s/none", h->dir));
	load(h, NULL);
	assert_null(h->s.region);
	set_env(h, "AWS_CONFIG_FILE", h->dir); /* a directory */
	refuse(h, NULL, ERR_SYSTEM, "read /tmp/");
	set_env(h, "AWS_CONFIG_FILE", "");
	write_file(h, ".aws/config", "[default\n");
	refuse(h, NULL, ERR_MALFORMED, ".aws/config:1: a section must end");
}

static void test_bad_values(void **state)
{
	struct home *h = *state;
	struct aws_overrides told = {.profile = "ghost"};

	refuse(h, &told, ERR_NOT_FOUND, "profile \"ghost\"");
	set_env(h, "AWS_USE_FIPS_ENDPOINT", "yes");
	refuse(h, NULL, ERR_MALFORMED, "AWS_USE_FIPS_ENDPOINT: \"yes\" is neither");
	set_env(h, "AWS_USE_FIPS_ENDPOINT", "");
	set_env(h, "AWS_MAX_ATTEMPTS", "0");
	refuse(h, NULL, ERR_MALFORMED, "AWS_MAX_ATTEMPTS");
	set_env(h, "AWS_MAX_ATTEMPTS", "many");
	refuse(h, NULL, ERR_MALFORMED, "\"many\" is not a number from 1 to 10");
	set_env(h, "AWS_MAX_ATTEMPTS", "");
	write_file(h, ".aws/config", "[default]\nca_bundle =\n");
	refuse(h, NULL, ERR_MALFORMED, "profile default: ca_bundle");
}

static void test_endpoint_urls(void **state)
{
	struct home *h = *state;
	struct aws_overrides told = {.endpoint_url = "http://localhost:1"};
	const char *elb = "Elastic Load Balancing v2";

	load(h, NULL);
	assert_null(aws_settings_endpoint_url(&h->s, elb, h->arena));
	write_file(h, ".aws/config",
		   "[default]\nendpoint_url = http://localhost:5\nservices = dev\n"
		   "[services dev]\nelastic_load_balancing_v2 =\n"
		   "  endpoint_url = http://localhost:4\n");
	load(h, NULL);
	assert_string_equal(aws_settings_endpoint_url(&h->s, elb, h->arena), "http://localhost:4");
	assert_string_equal(aws_settings_endpoint_url(&h->s, "S3", h->arena), "http://localhost:5");
	set_env(h, "AWS_ENDPOINT_URL", "http://localhost:3");
	assert_string_equal(aws_settings_endpoint_url(&h->s, elb, h->arena), "http://localhost:3");
	set_env(h, "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2", "http://localhost:2");
	assert_string_equal(aws_settings_endpoint_url(&h->s, elb, h->arena), "http://localhost:2");
	assert_string_equal(aws_settings_endpoint_url(&h->s, "S3", h->arena), "http://localhost:3");
	load(h, &told);
	assert_string_equal(aws_settings_endpoint_url(&h->s, elb, h->arena), "http://localhost:1");
	set_env(h, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
	load(h, NULL);
	assert_null(aws_settings_endpoint_url(&h->s, elb, h->arena));
	load(h, &told); /* what the program was told is not "configured" */
	assert_string_equal(aws_settings_endpoint_url(&h->s, elb, h->arena), "http://localhost:1");
}

static void test_user_agent(void **state)
{
	struct home *h = *state;
	const char *ua;

	set_env(h, "AWS_SDK_UA_APP_ID", "my app\n");
	set_env(h, "AWS_EXECUTION_ENV", "AWS_ECS_EC2");
	load(h, NULL);
	ua = aws_settings_user_agent(&h->s, h->arena, "rollout-worker", "1.2 (x)");
	assert_non_null(strstr(ua, "rollout-worker/1.2--x- ua/2.1 os/linux#"));
	assert_non_null(strstr(ua, " exec-env/AWS_ECS_EC2 app/my-app-"));
}

static void imds_case(struct home *h, const struct json *c)
{
	const char *token_url = json_cstr(json_get(c, "token_url"));
	struct aws_overrides told = {.imds_endpoint = json_cstr(json_get(c, "endpoint_override")),
				     .imds_endpoint_mode = json_cstr(json_get(c, "mode_override"))};
	int ret;

	if (!*told.imds_endpoint)
		told.imds_endpoint = NULL;
	if (!*told.imds_endpoint_mode)
		told.imds_endpoint_mode = NULL;
	memset(h->pairs, 0, sizeof(h->pairs));
	json_each (e, json_get(c, "env"))
		set_env(h, e->key.p, e->text.p);
	json_each (f, json_get(c, "files")) {
		const char *path = arena_printf(h->arena, "%s/%s", h->dir, f->key.p);

		fake_write(path, json_text(f));
		set_env(h, "AWS_CONFIG_FILE", path);
	}
	h->err = ERR_INIT;
	ret = aws_settings_load(h->arena, &h->env, &told, &h->s, &h->err);
	assert_int_equal(ret, token_url ? 0 : -1);
	if (token_url)
		assert_string_equal(
			arena_printf(h->arena, "%s/latest/api/token", h->s.imds_endpoint),
			token_url);
	else
		assert_int_equal(h->err.code, ERR_MALFORMED);
}

static void test_imds_vectors(void **state)
{
	struct home *h = *state;
	const struct json *cases = fake_vectors(h->arena, "tests/vectors/imds_endpoint.json");

	assert_int_equal(cases->n, 14);
	json_each (c, cases) {
		print_message("case %s\n", json_cstr(json_get(c, "name")));
		imds_case(h, c);
	}
}

static void test_imds_numbers(void **state)
{
	struct home *h = *state;

	set_env(h, "AWS_METADATA_SERVICE_TIMEOUT", "5");
	set_env(h, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "2");
	set_env(h, "AWS_EC2_METADATA_DISABLED", "True");
	set_env(h, "AWS_EC2_METADATA_V1_DISABLED", "true");
	set_env(h, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9/base//");
	load(h, NULL);
	assert_int_equal(h->s.imds_timeout_ms, 5000);
	assert_int_equal(h->s.imds_attempts, 2);
	assert_true(h->s.imds_disabled && h->s.imds_v1_disabled);
	assert_string_equal(h->s.imds_endpoint, "http://127.0.0.1:9/base");
}

static void test_process_env(void **state)
{
	struct aws_env env = aws_env_process();
	bool b;

	(void)state;
	assert_non_null(aws_env_get(&env, "PATH"));
	assert_null(aws_env_get(&env, "ROLLOUT_WORKER_SURELY_UNSET"));
	assert_true(aws_parse_bool(STR("False"), &b) && !b);
	assert_false(aws_parse_bool(STR("1"), &b));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_defaults),	 CASE(test_precedence),	   CASE(test_paths),
		CASE(test_bad_values),	 CASE(test_endpoint_urls), CASE(test_user_agent),
		CASE(test_imds_vectors), CASE(test_imds_numbers),  CASE(test_process_env),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
