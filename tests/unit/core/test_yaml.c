#include "aws/core/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "aws/core/buf.h"
#include "aws/core/limits.h"

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

static const struct yaml *parse(struct arena *a, struct str text)
{
	struct yaml *root = NULL;
	struct err err = ERR_INIT;

	if (yaml_parse(a, text, &root, &err))
		fail_msg("%s", err.text);
	return root;
}

static const struct yaml *parse_c(struct arena *a, const char *text)
{
	return parse(a, str_from(text));
}

static void refused(struct arena *a, struct str text, enum err_code code, const char *words)
{
	struct yaml *root = NULL;
	struct err err = ERR_INIT;

	if (yaml_parse(a, text, &root, &err) == 0)
		fail_msg("accepted: " STR_FMT, STR_ARG(str_sub(text, 0, 80)));
	assert_null(root);
	if (err.code != code || !strstr(err.text, words))
		fail_msg("%s: %s", err_code_name(err.code), err.text);
}

static void assert_str(struct str got, const char *want)
{
	if (!str_is(got, want))
		fail_msg("\"" STR_FMT "\" is not \"%s\"", STR_ARG(got), want);
}

static void assert_scalar(const struct yaml *node, const char *want, bool plain)
{
	assert_non_null(node);
	assert_int_equal(node->type, YAML_SCALAR);
	assert_str(node->text, want);
	assert_string_equal(node->text.p, want);
	assert_int_equal(node->plain, plain);
}

/* --- reading --------------------------------------------------------------------------------- */

static void test_reads_a_plan(void **state)
{
	const struct yaml *root =
		parse_c(*state, "# a plan\n"
				"rollout: 1\n"
				"target:\n"
				"  lambda: { function: checkout, alias: 'live' }\n"
				"guards:\n"
				"  - { alarm: checkout-errors }\n"
				"  - probe: \"https://x.example/h\"\n"
				"    expect: 200\n");
	const struct yaml *lambda = yaml_get(yaml_get(root, "target"), "lambda");
	const struct yaml *guards = yaml_get(root, "guards");
	const struct yaml *probe;

	assert_int_equal(root->type, YAML_MAP);
	assert_int_equal(root->n, 3);
	assert_scalar(yaml_get(root, "rollout"), "1", true);
	assert_int_equal(lambda->n, 2);
	assert_scalar(yaml_get(lambda, "function"), "checkout", true);
	assert_scalar(yaml_get(lambda, "alias"), "live", false);
	assert_int_equal(lambda->key_line, 4);
	assert_int_equal(lambda->key_column, 3);
	assert_int_equal(lambda->line, 4);
	assert_int_equal(lambda->column, 11);
	assert_string_equal(lambda->key.p, "lambda");
	assert_int_equal(guards->type, YAML_LIST);
	assert_int_equal(guards->n, 2);
	assert_int_equal(guards->first->line, 6);
	probe = yaml_get(guards->first->next, "probe");
	assert_scalar(probe, "https://x.example/h", false);
	assert_int_equal(probe->line, 7);
	assert_int_equal(probe->column, 12);
}

static void test_null_spellings(void **state)
{
	const struct yaml *root =
		parse_c(*state, "a:\nb: ~\nc: null\nd: 'null'\ne: \"\"\nf: NULL\ng: nullable\n"
				"h: |\n  two\n  lines\ni: >-\n  folded\n  text\nj: {k, l: }\n");
	const char *const nulls[] = {"a", "b", "c", "f"};

	for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
		assert_null(yaml_get(root, nulls[i]));
	assert_int_equal(root->first->type, YAML_NULL);
	assert_int_equal(root->n, 10);
	assert_scalar(yaml_get(root, "d"), "null", false);
	assert_scalar(yaml_get(root, "e"), "", false);
	assert_scalar(yaml_get(root, "g"), "nullable", true);
	assert_scalar(yaml_get(root, "h"), "two\nlines\n", false);
	assert_scalar(yaml_get(root, "i"), "folded text", false);
	assert_int_equal(yaml_get(root, "j")->n, 2);
	assert_int_equal(yaml_get(root, "j")->first->type, YAML_NULL);
}

static void test_absent_is_harmless(void **state)
{
	const struct yaml *list = parse_c(*state, "- 1\n- 2\n");

	assert_null(yaml_get(NULL, "a"));
	assert_null(yaml_get(list, "a"));
	assert_null(yaml_get(parse_c(*state, "a: 1"), "b"));
	yaml_each(item, (const struct yaml *)NULL)
		fail_msg("item of nothing: %p", (const void *)item);
}

static void test_roots(void **state)
{
	assert_scalar(parse_c(*state, "text"), "text", true);
	assert_int_equal(parse_c(*state, "--- \n")->type, YAML_NULL);
	assert_int_equal(parse_c(*state, "[]")->n, 0);
	assert_int_equal(parse_c(*state, "---\na: 1\n...\n")->n, 1);
	assert_int_equal(parse_c(*state, "%YAML 1.1\n---\na: 1\n")->n, 1);
	assert_int_equal(parse_c(*state, "\xEF\xBB\xBF"
					 "a: 1\n")
				 ->n,
			 1);
	refused(*state, STR(""), ERR_MALFORMED, "line 1, column 1: the document is empty");
	refused(*state, (struct str){NULL, 0}, ERR_MALFORMED, "empty");
	refused(*state, STR("# nothing\n"), ERR_MALFORMED, "empty");
	refused(*state, STR("\xEF\xBB\xBF"), ERR_MALFORMED, "empty");
}

static void test_json_documents(void **state)
{
	const struct yaml *root =
		parse_c(*state, "{\n"
				"\t\"rollout\": 1,\n"
				"\t\"target\":{\"lambda\":{\"alias\":\"live\"}},\n"
				"\t\"steps\": [\n"
				"\t\t{\"weight\": 5, \"for\": \"10m\"},\n"
				"\t\t[[], {}, [[\"x\"]]]\n"
				"\t],\n"
				"\t\"e\": \"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20AC\",\n"
				"\t\"t\": true, \"z\": null, \"d\": -1.5e3\n"
				"}\n");
	const struct yaml *steps = yaml_get(root, "steps");

	assert_int_equal(root->n, 7);
	assert_scalar(yaml_get(root, "rollout"), "1", true);
	assert_scalar(yaml_get(yaml_get(yaml_get(root, "target"), "lambda"), "alias"), "live",
		      false);
	assert_int_equal(steps->n, 2);
	assert_scalar(yaml_get(steps->first, "for"), "10m", false);
	assert_int_equal(steps->first->next->n, 3);
	assert_scalar(yaml_get(root, "e"), "\"\\/\b\f\n\r\t\xC3\xA9\xE2\x82\xAC", false);
	assert_scalar(yaml_get(root, "t"), "true", true);
	assert_null(yaml_get(root, "z"));
	assert_scalar(yaml_get(root, "d"), "-1.5e3", true);
}

static void test_json_surrogate_pairs(void **state)
{
	const struct yaml *root = parse_c(
		*state,
		"{\"a\": \"\\ud83d\\ude00!\", \"b\\uD83D\\uDE80\": \"\\\\ud83d\\\\ude00\"}");

	assert_scalar(yaml_get(root, "a"), "\xF0\x9F\x98\x80!", false);
	assert_scalar(yaml_get(root, "b\xF0\x9F\x9A\x80"), "\\ud83d\\ude00", false);
	/* a flow map in YAML is not JSON: single quotes keep what they hold */
	root = parse_c(*state, "{a: '\\ud83d\\ude00'}");
	assert_scalar(yaml_get(root, "a"), "\\ud83d\\ude00", false);
	/* and half a pair is nothing that could be meant */
	refused(*state, STR("{\"a\": \"\\ud83d\"}"), ERR_MALFORMED, "Unicode");
	refused(*state, STR("{\"a\": \"\\ud83d\\u0041\"}"), ERR_MALFORMED, "Unicode");
}

/* --- refusing -------------------------------------------------------------------------------- */

static void test_refuses_what_makes_bombs(void **state)
{
	refused(*state, STR("a: &x 1\nb: 2\n"), ERR_UNSAFE, "line 1, column 4: anchors");
	refused(*state, STR("a: &x [1]\n"), ERR_UNSAFE, "anchors");
	refused(*state, STR("a: &x {b: 1}\n"), ERR_UNSAFE, "anchors");
	refused(*state, STR("a: 1\nb: *x\n"), ERR_UNSAFE, "line 2, column 4: aliases");
	refused(*state, STR("a: !!str 5\n"), ERR_UNSAFE, "line 1, column 4: tags");
	refused(*state, STR("a: ! 5\n"), ERR_UNSAFE, "tags");
	refused(*state, STR("a: !Ref [1]\n"), ERR_UNSAFE, "tags");
	refused(*state, STR("a: !Ref {b: 1}\n"), ERR_UNSAFE, "tags");
	refused(*state, STR("%TAG ! tag:x,2000:\n---\na: 1\n"), ERR_UNSAFE, "tag directives");
	refused(*state, STR("<<: {a: 1}\nb: 2\n"), ERR_UNSAFE, "line 1, column 1: merge keys");
	refused(*state, STR("a: 1\n---\nb: 2\n"), ERR_MALFORMED, "line 2, column 1: only one");
	refused(*state, STR("a: \"x\\0y\"\n"), ERR_UNSAFE, "NUL");
	refused(*state, STR("a: \"x\\u0000y\"\n"), ERR_UNSAFE, "line 1, column 4: NUL");
	assert_scalar(yaml_get(parse_c(*state, "'<<': x"), "<<"), "x", true);
	assert_scalar(parse_c(*state, "- '*x'")->first, "*x", false);
}

static void test_refuses_duplicates(void **state)
{
	struct buf b;

	refused(*state, STR("a: 1\nb: 2\n\na: 3\n"), ERR_MALFORMED,
		"line 4, column 1: key \"a\" was given before, in line 1");
	refused(*state, STR("x:\n  - {a: 1, 'a': 2}\n"), ERR_MALFORMED,
		"line 2, column 12: key \"a\" was given before, in line 2");
	refused(*state, STR("{\"k\": null, \"k\": null}"), ERR_MALFORMED, "key \"k\"");
	parse_c(*state, "a: {a: {a: 1}}\nb: {a: 1}\nA: 2\n");
	buf_init(&b, LIMIT_PLAN_BYTES);
	for (int i = 0; i < 20000; i++)
		buf_addf(&b, "k%d: 1\n", i);
	assert_int_equal(parse(*state, buf_str(&b))->n, 20000);
	buf_adds(&b, "k777: 1\n");
	refused(*state, buf_str(&b), ERR_MALFORMED,
		"line 20001, column 1: key \"k777\" was given before, in line 778");
	buf_release(&b);
}

static void test_refuses_odd_keys(void **state)
{
	refused(*state, STR("? [a, b]\n: 1\n"), ERR_MALFORMED, "line 1, column 3: a key must be");
	refused(*state, STR("{{a: 1}: 2}"), ERR_MALFORMED, "a key must be");
}

static void test_refuses_malformed(void **state)
{
	static const char *const bad[] = {
		"a: [1, 2\n",	 "a: {b: 1\n",	"a: 'x\n", "a: \"\\q\"\n", "a: b: c\n", "]",
		"a: 1\n b: 2\n", "- 1\nb: 2\n", "a: @x\n", "a: `x`\n",	   "a: |x\n",	"%X\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(*state, str_from(bad[i]), ERR_MALFORMED, "line ");
	refused(*state, STR("a:\n  - 1\n  b: 2\n"), ERR_MALFORMED, "line 3, column 3: ");
	refused(*state, STR("a:\n  - 1\n  b: 2\n"), ERR_MALFORMED,
		"while parsing a block collection that starts in line 2");
	refused(*state, STR("a:\n\tb: 1\n"), ERR_MALFORMED, "line 2, column 1: a tab");
	refused(*state, STR("a: 1\nb: x\x07y\n"), ERR_MALFORMED,
		"line 2, column 5: control characters");
}

static void test_refuses_what_is_not_utf8(void **state)
{
	refused(*state, STR("a: 1\nb: \xFF\n"), ERR_MALFORMED, "line 2, column 1: not UTF-8");
	refused(*state, STR("a: \xED\xA0\x80\n"), ERR_MALFORMED, "line 1");
	refused(*state, (struct str){"a: 1\n\0", 6}, ERR_MALFORMED, "line 2");
	refused(*state,
		(struct str){"\xFF\xFE"
			     "a\0",
			     4},
		ERR_MALFORMED, "not UTF-8");
}

static void fill_levels(struct buf *b, int n)
{
	buf_clear(b);
	for (int i = 0; i < n; i++)
		buf_adds(b, i % 2 ? "{k: " : "[");
	for (int i = n; i > 0; i--)
		buf_addc(b, (i - 1) % 2 ? '}' : ']');
}

static void test_depth_limit(void **state)
{
	struct buf b;

	buf_init(&b, LIMIT_PLAN_BYTES);
	fill_levels(&b, LIMIT_DOC_DEPTH);
	parse(*state, buf_str(&b));
	fill_levels(&b, LIMIT_DOC_DEPTH + 1);
	refused(*state, buf_str(&b), ERR_LIMIT, "more than 64 levels");
	buf_clear(&b);
	for (size_t i = 0; i < LIMIT_PLAN_BYTES; i++)
		buf_addc(&b, '[');
	refused(*state, buf_str(&b), ERR_LIMIT, "line 1, column 65: more than 64 levels");
	buf_clear(&b);
	for (size_t i = 0; i < LIMIT_PLAN_BYTES / 2; i++)
		buf_adds(&b, "- ");
	refused(*state, buf_str(&b), ERR_LIMIT, "more than 64 levels");
	buf_release(&b);
}

static void test_byte_limit(void **state)
{
	char *big = xcalloc(1, LIMIT_PLAN_BYTES + 1);

	memset(big, '\n', LIMIT_PLAN_BYTES + 1);
	memcpy(big, "a: 1", 4);
	parse(*state, (struct str){big, LIMIT_PLAN_BYTES});
	refused(*state, (struct str){big, LIMIT_PLAN_BYTES + 1}, ERR_LIMIT, "larger");
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reads_a_plan, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_null_spellings, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_absent_is_harmless, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_roots, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_json_documents, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_json_surrogate_pairs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refuses_what_makes_bombs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refuses_duplicates, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refuses_odd_keys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refuses_malformed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refuses_what_is_not_utf8, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_depth_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_byte_limit, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
