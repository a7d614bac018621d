#include "aws/credentials.h"

#include <sys/stat.h>
#include <unistd.h>

#include "tests/torture/torture.h"
#include "tests/unit/aws/fake.h"

/*
 * Credentials from shared files, from a program and from a container's endpoint: those that were
 * written there or none, and then words that say what could not be read. Never others.
 */
static char dir[64];
static struct err err;

static const char *in_dir(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* The provider's answer: these keys, or a failure that names what was attempted. */
static void check(struct credentials_provider *p, const char *key, const char *secret,
		  const char *attempted)
{
	struct credentials *c = credentials_provider_get(p, NULL, &err);

	if (!torture_verdict("credentials", c ? 0 : -1, &err, attempted))
		return;
	if (strcmp(c->access_key_id, key) != 0 ||
	    strcmp(secret_reveal(&c->secret_access_key), secret) != 0)
		torture_problem("other credentials: %s", c->access_key_id);
	credentials_put(c);
}

static void from_files(void *arg)
{
	const char *pairs[] = {"AWS_CONFIG_FILE", NULL, "AWS_SHARED_CREDENTIALS_FILE", NULL, NULL};
	const struct aws_overrides told = {.profile = "work"};
	struct credentials_provider *p = NULL;
	struct fake *f = fake_new();
	struct aws_env env = {.get = fake_getenv, .arg = pairs, .home = dir};
	int rc;

	(void)arg;
	pairs[1] = arena_strdup(f->arena, in_dir("config"));
	pairs[3] = arena_strdup(f->arena, in_dir("credentials"));
	torture_in();
	rc = aws_settings_load(f->arena, &env, &told, &f->settings, &err);
	if (torture_verdict("aws_settings_load", rc, &err, dir) &&
	    torture_verdict("credentials_profile_new", credentials_profile_new(f->aws, &p, &err),
			    &err, "profile")) {
		if (!p || !f->settings.region || strcmp(f->settings.region, "eu-north-1") != 0)
			torture_problem("not all of the profile was read");
		if (p)
			check(p, "AKFILE", "file-secret", "profile");
		credentials_provider_free(p);
	}
	torture_out();
	fake_free(f);
}

static void from_program(void *arg)
{
	struct fake *f = fake_new();
	struct credentials_provider *p;

	(void)arg;
	torture_in();
	p = credentials_process_new(f->aws, in_dir("program"));
	check(p, "AKPROGRAM", "program-secret", "credential_process ");
	credentials_provider_free(p);
	torture_out();
	if (torture_has_said("program-secret"))
		torture_problem("a secret was printed");
	fake_free(f);
}

static void from_container(void *arg)
{
	const char *pairs[] = {"AWS_CONTAINER_CREDENTIALS_FULL_URI",
			       "http://127.0.0.1:1/credentials",
			       "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", NULL, NULL};
	struct credentials_provider *p = NULL;
	struct fake *f = fake_new();
	int rc;

	(void)arg;
	pairs[3] = arena_strdup(f->arena, in_dir("token"));
	f->settings.env = (struct aws_env){.get = fake_getenv, .arg = pairs};
	fake_body(f, 200,
		  "{\"AccessKeyId\":\"AKCONTAINER\",\"SecretAccessKey\":\"container-secret\","
		  "\"Token\":\"T\",\"Expiration\":\"2026-01-02T09:04:05Z\"}");
	torture_in();
	rc = credentials_container_new(f->aws, &p, &err);
	if (torture_verdict("credentials_container_new", rc, &err, "container")) {
		check(p, "AKCONTAINER", "container-secret", dir);
		credentials_provider_free(p);
	}
	torture_out();
	if (f->http.n_asked) {
		const char *sent = fake_header(f, 0, "Authorization");

		if (!sent || strcmp(sent, "Basic token") != 0)
			torture_problem("another token was sent: %s", sent ? sent : "none");
	}
	f->http.n_script = f->http.n_asked;
	fake_free(f);
}

static void make_files(void)
{
	snprintf(dir, sizeof(dir), "/tmp/rollout-torture-XXXXXX");
	assert_non_null(mkdtemp(dir));
	fake_write(in_dir("config"), STR("[profile work]\nregion = eu-north-1\n"));
	fake_write(in_dir("credentials"), STR("[work]\naws_access_key_id = AKFILE\n"
					      "aws_secret_access_key = file-secret\n"));
	fake_write(in_dir("token"), STR("Basic token"));
	fake_write(in_dir("program"),
		   STR("#!/bin/sh\necho '{\"Version\":1,\"AccessKeyId\":\"AKPROGRAM\",'\n"
		       "echo '\"SecretAccessKey\":\"program-secret\"}'\n"));
	assert_int_equal(chmod(in_dir("program"), 0700), 0);
}

static void remove_files(void)
{
	static const char *const names[] = {"config", "credentials", "token", "program"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(in_dir(names[i]));
	rmdir(dir);
}

int main(void)
{
	const struct torture_case cases[] = {
		{.name = "files", .run = from_files, .stride = {1, 0, 0, 0, 0, 0}, .lasting = 3},
		{.name = "program",
		 .run = from_program,
		 .stride = {1, 1, 0, 0, 0, 0},
		 .lasting = 3},
		{.name = "container",
		 .run = from_container,
		 .stride = {1, 0, 0, 0, 0, 0},
		 .lasting = 3},
	};
	int rc;

	make_files();
	rc = torture_main(cases, sizeof(cases) / sizeof(cases[0]));
	remove_files();
	return rc;
}
