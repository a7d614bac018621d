#include "aws/credentials_profile.h"

#include "aws/credentials.h"
#include "tests/unit/aws/fake.h"

/* --- the rules, by the shared cases ------------------------------------------------------- */

static struct profile_set *parse(struct arena *a, const char *text)
{
	struct profile_set *set = arena_new_of(a, struct profile_set);
	struct err err = ERR_INIT;

	if (profile_parse(set, a, PROFILE_CONFIG, "config", str_from(text), &err))
		fail_msg("%s", err.text);
	return set;
}

static struct profile_set *profiles_of(struct arena *a, const struct json *c)
{
	struct profile_set *set;
	struct buf b;

	buf_init(&b, 1u << 16);
	json_each (p, json_get(c, "profiles")) {
		buf_addf(&b, "[profile %s]\n", p->key.p);
		json_each (x, p)
			buf_addf(&b, "%s = %s\n", x->key.p, x->text.p);
	}
	json_each (s, json_get(c, "sso_sessions")) {
		buf_addf(&b, "[sso-session %s]\n", s->key.p);
		json_each (x, s)
			buf_addf(&b, "%s = %s\n", x->key.p, x->text.p);
	}
	set = parse(a, b.p);
	buf_release(&b);
	return set;
}

static void check_property(const struct profile *p, const struct json *link, const char *ours,
			   const char *theirs)
{
	const char *want = json_cstr(json_get(link, theirs)), *is = profile_get(p, ours);

	assert_int_equal(want != NULL, is != NULL);
	if (want)
		assert_string_equal(is, want);
}

static void check_base(const struct credentials_chain *chain, const struct json *link)
{
	const struct json *x;

	if ((x = json_get(link, "AccessKey"))) {
		assert_int_equal(chain->base, BASE_KEYS);
		check_property(chain->base_profile, x, "aws_access_key_id", "access_key_id");
		check_property(chain->base_profile, x, "aws_secret_access_key",
			       "secret_access_key");
		check_property(chain->base_profile, x, "aws_account_id", "account_id");
	} else if ((x = json_get(link, "WebIdentityToken"))) {
		assert_int_equal(chain->base, BASE_WEB_IDENTITY);
		check_property(chain->base_profile, x, "role_arn", "role_arn");
		check_property(chain->base_profile, x, "web_identity_token_file",
			       "web_identity_token_file");
		check_property(chain->base_profile, x, "role_session_name", "role_session_name");
	} else {
		assert_string_equal(json_cstr(json_get(link, "NamedSource")),
				    "Ec2InstanceMetadata");
		assert_int_equal(chain->base, BASE_INSTANCE);
	}
}

static void check_chain(const struct credentials_chain *chain, const struct json *links)
{
	size_t i = 0;

	assert_int_equal(chain->n_roles + 1, links->n);
	check_base(chain, links->first);
	for (const struct json *l = links->first->next; l; l = l->next, i++) {
		check_property(chain->roles[i], json_get(l, "AssumeRole"), "role_arn", "role_arn");
		check_property(chain->roles[i], json_get(l, "AssumeRole"), "external_id",
			       "external_id");
		check_property(chain->roles[i], json_get(l, "AssumeRole"), "role_session_name",
			       "role_session_name");
	}
}

static void vector(struct arena *a, const struct json *c)
{
	const struct json *links = json_get(c, "chain");
	const char *error = json_cstr(json_get(c, "error"));
	struct credentials_chain chain;
	struct err err = ERR_INIT;
	int ret = credentials_chain_read(profiles_of(a, c), json_cstr(json_get(c, "selected")),
					 &chain, &err);

	if (links && !json_get(links->first, "Sso")) {
		assert_int_equal(ret, 0);
		check_chain(&chain, links);
	} else if (error &&
		   (strstr(error, "profile `A` did not contain") || strstr(error, "No profiles"))) {
		/* no error here: the chain goes on to the next source */
		assert_int_equal(ret, 0);
		assert_int_equal(chain.base, BASE_NONE);
	} else {
		/* wrong, or single sign-on, which a worker cannot do */
		assert_int_equal(ret, -1);
		assert_int_equal(err.code, ERR_REJECTED);
		assert_non_null(strstr(err.text, "profile "));
		if (links || strstr(error, "sso"))
			assert_non_null(strstr(err.text, "needs a person"));
	}
}

static void test_vectors(void **state)
{
	struct arena *a = arena_new();
	const struct json *cases = fake_vectors(a, "tests/vectors/assume_role.json");

	(void)state;
	assert_int_equal(cases->n, 28);
	json_each (c, cases) {
		print_message("case %s\n", json_cstr(json_get(c, "name")));
		vector(a, c);
	}
	arena_free(a);
}

static void refuse(const char *text, const char *message)
{
	struct arena *a = arena_new();
	struct credentials_chain chain;
	struct err err = ERR_INIT;

	assert_int_equal(credentials_chain_read(parse(a, text), "default", &chain, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	if (!strstr(err.text, message))
		fail_msg("\"%s\" lacks \"%s\"", err.text, message);
	arena_free(a);
}

static void test_refusals(void **state)
{
	struct buf b;

	(void)state;
	refuse("[default]\nrole_arn = r\nsource_profile = b\nmfa_serial = m\n"
	       "[profile b]\naws_access_key_id = a\naws_secret_access_key = b\n",
	       "mfa_serial needs a person");
	refuse("[default]\nlogin_session = x\n", "login_session needs a person");
	refuse("[default]\nrole_arn = r\ncredential_source = Moon\n", "\"Moon\" is none of");
	buf_init(&b, 1u << 16);
	buf_adds(&b, "[default]\nrole_arn = r\nsource_profile = p0\n");
	for (int i = 0; i < 20; i++)
		buf_addf(&b, "[profile p%d]\nrole_arn = r\nsource_profile = p%d\n", i, i + 1);
	refuse(b.p, "more than 8 roles");
	buf_release(&b);
}

/* --- providers made from it --------------------------------------------------------------- */

static struct fake *with_profile(const char *text, const char *name)
{
	struct fake *f = fake_new();

	f->settings.profiles = parse(f->arena, text);
	f->settings.profile_name = name;
	f->settings.profile = profile_find(f->settings.profiles, PROFILE_SECTION, name);
	return f;
}

#define ROLE_ANSWER(key)                                                                   \
	"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>" key             \
	"</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken>" \
	"<Expiration>2026-01-02T04:04:05Z</Expiration></Credentials></AssumeRoleResult>"   \
	"</AssumeRoleResponse>"

static void test_role_chain(void **state)
{
	struct fake *f = with_profile("[profile a]\nrole_arn = arn:a\nsource_profile = b\n"
				      "duration_seconds = 1800\n"
				      "[profile b]\nrole_arn = arn:b\nsource_profile = c\n"
				      "external_id = x\n"
				      "[profile c]\naws_access_key_id = AKC\n"
				      "aws_secret_access_key = S\n",
				      "a");
	struct credentials_provider *p;
	struct credentials *c;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(credentials_profile_new(f->aws, &p, &err), 0);
	fake_body(f, 200, ROLE_ANSWER("AKB"));
	fake_body(f, 200, ROLE_ANSWER("AKA"));
	c = credentials_provider_get(p, NULL, &err);
	assert_non_null(c);
	assert_string_equal(c->access_key_id, "AKA");
	credentials_put(c);
	assert_non_null(strstr(fake_header(f, 0, "authorization"), "=AKC/"));
	assert_non_null(strstr(f->http.asked[0].body, "RoleArn=arn%3Ab"));
	assert_non_null(strstr(f->http.asked[0].body, "ExternalId=x"));
	assert_non_null(strstr(fake_header(f, 1, "authorization"), "=AKB/"));
	assert_non_null(strstr(f->http.asked[1].body, "DurationSeconds=1800"));
	fake_body(f, 200, ROLE_ANSWER("AKA2")); /* the link between is cached */
	c = credentials_provider_get(p, NULL, &err);
	assert_string_equal(c->access_key_id, "AKA2");
	credentials_put(c);
	credentials_provider_free(p);
	fake_free(f);
}

static void expect_profile(const char *text, const char **pairs, enum err_code want,
			   const char *message)
{
	struct fake *f = with_profile(text, "default");
	struct credentials_provider *p;
	struct err err = ERR_INIT;

	f->settings.env = (struct aws_env){.get = fake_getenv, .arg = pairs};
	assert_int_equal(credentials_profile_new(f->aws, &p, &err), want ? -1 : 0);
	assert_int_equal(err.code, want);
	if (message && !strstr(err.text, message))
		fail_msg("\"%s\" lacks \"%s\"", err.text, message);
	credentials_provider_free(p);
	fake_free(f);
}

static void test_profile_sources(void **state)
{
	const char *none[] = {NULL};
	const char *keys[] = {"AWS_ACCESS_KEY_ID", "A", "AWS_SECRET_ACCESS_KEY", "S", NULL};
	const char *half[] = {"AWS_ACCESS_KEY_ID", "A", NULL};
	const char *uri[] = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x", NULL};
	const char *bad_uri[] = {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://x.com/", NULL};

	(void)state;
	expect_profile("", none, ERR_OK, NULL);
	expect_profile("[default]\nregion = x\n", none, ERR_OK, NULL);
	expect_profile("[default]\ncredential_process = /bin/true\n", none, ERR_OK, NULL);
	expect_profile("[default]\nrole_arn = r\nweb_identity_token_file = /x\n", none, ERR_OK,
		       NULL);
	expect_profile("[default]\nrole_arn = r\ncredential_source = Environment\n", keys, ERR_OK,
		       NULL);
	expect_profile("[default]\nrole_arn = r\ncredential_source = Environment\n", none,
		       ERR_REJECTED, "credential_source has no credentials");
	expect_profile("[default]\nrole_arn = r\ncredential_source = Environment\n", half,
		       ERR_REJECTED, "AWS_SECRET_ACCESS_KEY");
	expect_profile("[default]\nrole_arn = r\ncredential_source = ecscontainer\n", uri, ERR_OK,
		       NULL);
	expect_profile("[default]\nrole_arn = r\ncredential_source = EcsContainer\n", bad_uri,
		       ERR_UNSAFE, NULL);
	expect_profile("[default]\nrole_arn = r\ncredential_source = Ec2InstanceMetadata\n", none,
		       ERR_OK, NULL);
	expect_profile("[default]\nrole_arn = r\ncredential_source = Ec2InstanceMetadata\n"
		       "duration_seconds = 1\n",
		       none, ERR_REJECTED, "duration_seconds");
	expect_profile("[default]\naws_access_key_id = a b\naws_secret_access_key = c\n", none,
		       ERR_MALFORMED, "profile default");
}

/* --- the chain ---------------------------------------------------------------------------- */

static const char *source_of(const char *text, const char **pairs, bool named,
			     const struct fake_reply *replies, size_t n)
{
	struct fake *f = with_profile(text, "default");
	struct credentials_provider *p;
	struct credentials *c;
	struct err err = ERR_INIT;
	const char *source;

	f->settings.env = (struct aws_env){.get = fake_getenv, .arg = pairs};
	f->settings.profile_named = named;
	p = credentials_chain_new(f->aws, &err);
	if (!p)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < n; i++)
		fake_reply(f, &replies[i]);
	c = credentials_provider_get(p, NULL, &err);
	if (!c)
		fail_msg("%s", err.text);
	source = c->source; /* static text */
	credentials_put(c);
	credentials_provider_free(p);
	fake_free(f);
	return source;
}

static void test_chain_order(void **state)
{
	const char *all[] = {"AWS_ACCESS_KEY_ID",
			     "A",
			     "AWS_SECRET_ACCESS_KEY",
			     "S",
			     "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
			     "/x",
			     "AWS_WEB_IDENTITY_TOKEN_FILE",
			     "tests/vectors/README.md",
			     "AWS_ROLE_ARN",
			     "arn:w",
			     NULL};
	const char *none[] = {NULL};
	const char *keys = "[default]\naws_access_key_id = P\naws_secret_access_key = S\n";
	const struct fake_reply container = {
		.status = 200, .body = "{\"AccessKeyId\":\"C\",\"SecretAccessKey\":\"S\"}"};
	const struct fake_reply imds[] = {
		{.status = 200, .body = "TOKEN"}, {.status = 200, .body = "role"}, container};
	const struct fake_reply web = {
		.status = 200,
		.body = "<R><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>W"
			"</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T"
			"</SessionToken><Expiration>2026-01-02T04:04:05Z</Expiration>"
			"</Credentials></AssumeRoleWithWebIdentityResult></R>"};

	(void)state;
	assert_string_equal(source_of(keys, all, false, NULL, 0), "environment");
	assert_string_equal(source_of(keys, all, true, NULL, 0), "profile");
	assert_string_equal(source_of("", all + 4, false, &web, 1), "assumed role");
	all[6] = NULL; /* no web identity */
	assert_string_equal(source_of("", all + 4, false, &container, 1), "container");
	assert_string_equal(source_of("", none, false, imds, 3), "instance role");
	/* a named profile without keys (a region only): on to the next, but not the environment */
	assert_string_equal(source_of("[default]\nregion = x\n", all, true, &container, 1),
			    "container");
}

static void refuse_chain(const char *text, const char **pairs, bool imds_disabled,
			 enum err_code code)
{
	struct fake *f = with_profile(text, "default");
	struct err err = ERR_INIT;

	f->settings.env = (struct aws_env){.get = fake_getenv, .arg = pairs};
	f->settings.imds_disabled = imds_disabled;
	assert_null(credentials_chain_new(f->aws, &err));
	assert_int_equal(err.code, code);
	fake_free(f);
}

/* A source that is configured wrongly is an error, not a reason to try the next. */
static void test_chain_refusals(void **state)
{
	const char *half[] = {"AWS_ACCESS_KEY_ID", "A", NULL};
	const char *web[] = {"AWS_WEB_IDENTITY_TOKEN_FILE", "/x", NULL};
	const char *uri[] = {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://x.com/", NULL};
	const char *none[] = {NULL};

	(void)state;
	refuse_chain("", half, false, ERR_REJECTED);
	refuse_chain("[default]\naws_access_key_id = A\n", none, false, ERR_REJECTED);
	refuse_chain("[default]\nsso_session = A\n", none, false, ERR_REJECTED);
	refuse_chain("", web, false, ERR_REJECTED);
	refuse_chain("", uri, false, ERR_UNSAFE);
	refuse_chain("", none, true, ERR_DENIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),	    cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_role_chain),  cmocka_unit_test(test_profile_sources),
		cmocka_unit_test(test_chain_order), cmocka_unit_test(test_chain_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
