#include "aws/profile.h"

#include "tests/unit/aws/fake.h"

static size_t count(const struct profile_set *set, enum profile_kind kind)
{
	size_t n = 0;

	for (const struct profile *p = set->first; p; p = p->next)
		n += p->kind == kind;
	return n;
}

static void check_sections(const struct profile_set *set, enum profile_kind kind,
			   const struct json *expected)
{
	assert_int_equal(count(set, kind), expected ? expected->n : 0);
	json_each (section, expected) {
		const struct profile *p = profile_find(set, kind, section->key.p);
		size_t n = 0;

		assert_non_null(p);
		for (const struct profile_property *x = p->first; x; x = x->next)
			n++;
		assert_int_equal(n, section->n);
		json_each (property, section)
			assert_string_equal(profile_get(p, property->key.p), property->text.p);
	}
}

static void test_vectors(void **state)
{
	struct arena *a = arena_new();
	const struct json *cases = fake_vectors(a, "tests/vectors/profile.json");

	(void)state;
	assert_int_equal(cases->n, 65);
	json_each (c, cases) {
		const char *error = json_cstr(json_get(c, "error"));
		struct profile_set set = {.first = NULL};
		struct err err = ERR_INIT;
		int ret;

		print_message("case %s\n", json_cstr(json_get(c, "name")));
		ret = profile_parse(&set, a, PROFILE_CONFIG, "config",
				    json_text(json_get(c, "config")), &err) ||
		      profile_parse(&set, a, PROFILE_CREDENTIALS, "credentials",
				    json_text(json_get(c, "credentials")), &err);
		assert_int_equal(ret, error != NULL);
		if (error) {
			assert_int_equal(err.code, ERR_MALFORMED);
			if (!strstr(err.text, error))
				fail_msg("\"%s\" lacks \"%s\"", err.text, error);
			continue;
		}
		check_sections(&set, PROFILE_SECTION, json_get(c, "profiles"));
		check_sections(&set, PROFILE_SSO_SESSION, json_get(c, "sso_sessions"));
	}
	arena_free(a);
}

static void test_nested(void **state)
{
	static const char text[] = "[services dev]\n"
				   "s3 =\n"
				   "  endpoint_url = http://localhost:9000\n"
				   "  Other = 1\n"
				   "lambda = plain\n"
				   "[profile p]\n"
				   "services = dev\n";
	struct arena *a = arena_new();
	struct profile_set set = {.first = NULL};
	const struct profile *p;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(profile_parse(&set, a, PROFILE_CONFIG, "c", str_from(text), &err), 0);
	p = profile_find(&set, PROFILE_SERVICES, "dev");
	assert_string_equal(profile_get_sub(p, "s3", "endpoint_url", a), "http://localhost:9000");
	assert_string_equal(profile_get_sub(p, "s3", "other", a), "1");
	assert_null(profile_get_sub(p, "s3", "absent", a));
	assert_null(profile_get_sub(p, "lambda", "endpoint_url", a)); /* not a group */
	assert_null(profile_get_sub(p, "ecs", "endpoint_url", a));
	assert_null(profile_get_sub(NULL, "s3", "endpoint_url", a));
	assert_null(profile_find(&set, PROFILE_SECTION, "dev"));
	assert_null(profile_find(NULL, PROFILE_SECTION, "dev"));
	assert_null(profile_get(NULL, "x"));
	arena_free(a);
}

static void expect_error(enum profile_file file, struct str text, enum err_code code,
			 const char *message)
{
	struct arena *a = arena_new();
	struct profile_set set = {.first = NULL};
	struct err err = ERR_INIT;

	assert_int_equal(profile_parse(&set, a, file, "file.conf", text, &err), -1);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, message))
		fail_msg("\"%s\" lacks \"%s\"", err.text, message);
	arena_free(a);
}

static void test_plain(void **state)
{
	static const char text[] = "[worker]\nslots = 4\n[pool blue red]\n";
	struct arena *a = arena_new();
	struct profile_set set = {.first = NULL};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(profile_parse(&set, a, PROFILE_PLAIN, "w",
				       STR("# ours\n[worker]\nslots = 4\n\nregion = x # y\n"),
				       &err),
			 0);
	assert_int_equal(set.first->line, 2);
	assert_int_equal(set.first->first->line, 3);
	assert_string_equal(profile_get(set.first, "region"), "x");
	assert_int_equal(profile_parse(&set, a, PROFILE_PLAIN, "w", STR("[pool \t blue ]\nx = 1"),
				       &err),
			 0);
	assert_string_equal(profile_get(profile_find(&set, PROFILE_SECTION, "pool blue"), "x"),
			    "1");
	arena_free(a);
	expect_error(PROFILE_PLAIN, str_from(text), ERR_MALFORMED, "file.conf:3: this is no name");
	expect_error(PROFILE_PLAIN, STR("[a]\nb c = 1"), ERR_MALFORMED, "file.conf:2: ");
}

static void test_limits(void **state)
{
	struct buf b;

	(void)state;
	expect_error(PROFILE_CONFIG, (struct str){"[default]\na = b\0c\n", 17}, ERR_MALFORMED,
		     "file.conf:2: a line contains a NUL");
	buf_init(&b, 1u << 20);
	for (int i = 0; i < PROFILE_ENTRIES_MAX + 1; i++)
		buf_adds(&b, "[profile x]\n");
	expect_error(PROFILE_CONFIG, buf_str(&b), ERR_LIMIT, "more than");
	buf_clear(&b);
	buf_adds(&b, "[default]\nk =\n");
	for (int i = 0; i < 200; i++)
		buf_adds(&b, " some-name = some value that is long enough to get there\n");
	expect_error(PROFILE_CONFIG, buf_str(&b), ERR_LIMIT, "a value is longer");
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
