#include "aws/core/xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

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

static const struct xml *parse(struct arena *a, struct str text)
{
	struct xml *root = NULL;
	struct err err = ERR_INIT;

	if (xml_parse(a, text, &root, &err))
		fail_msg("%s", err.text);
	return root;
}

static const struct xml *parse_c(struct arena *a, const char *text)
{
	return parse(a, str_from(text));
}

static void refused(struct arena *a, struct str text, enum err_code code, const char *words)
{
	struct xml *root = NULL;
	struct err err = ERR_INIT;

	if (xml_parse(a, text, &root, &err) == 0)
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

/* --- reading --------------------------------------------------------------------------------- */

static void test_reads_an_answer(void **state)
{
	const struct xml *root = parse_c(
		*state,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<DescribeRulesResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/\">\n"
		"  <DescribeRulesResult>\n"
		"    <Rules>\n"
		"      <member><Priority> 10 </Priority><RuleArn>arn:1</RuleArn></member>\n"
		"      <member><Priority>default</Priority></member>\n"
		"    </Rules>\n"
		"  </DescribeRulesResult>\n"
		"</DescribeRulesResponse>\n");
	const struct xml *rules = xml_at(root, "DescribeRulesResult/Rules");
	int64_t priority = 0;
	int n = 0;

	assert_str(root->name, "DescribeRulesResponse");
	assert_string_equal(root->name.p, "DescribeRulesResponse");
	assert_non_null(rules);
	xml_each(rule, rules, "member")
		n++;
	assert_int_equal(n, 2);
	assert_true(xml_i64(rules, "member/Priority", &priority));
	assert_int_equal(priority, 10);
	assert_str(xml_first(rules, "member")->first->text, " 10 ");
	assert_str(xml_text(xml_first(rules, "member"), "RuleArn"), "arn:1");
	assert_str(xml_text(xml_next(xml_first(rules, "member"), "member"), "Priority"), "default");
	assert_false(xml_i64(xml_next(xml_first(rules, "member"), NULL), "Priority", &priority));
}

static void test_absent_is_harmless(void **state)
{
	const struct xml *root = parse_c(*state, "<a><b/></a>");
	int64_t i = 7;

	assert_null(xml_at(NULL, "a"));
	assert_null(xml_at(root, "c"));
	assert_null(xml_at(root, "b/c"));
	assert_null(xml_cstr(root, "c"));
	assert_int_equal(xml_text(root, "c").n, 0);
	assert_string_equal(xml_cstr(root, "b"), "");
	assert_false(xml_i64(root, "b", &i));
	assert_false(xml_i64(NULL, "b", &i));
	assert_int_equal(i, 7);
	assert_null(xml_first(NULL, NULL));
	assert_null(xml_next(NULL, "x"));
	assert_null(xml_first(root, "c"));
	/* the path of no names is the element itself */
	assert_ptr_equal(xml_at(root, ""), root);
	assert_ptr_equal(xml_at(root, NULL), root);
}

static void test_walks_children(void **state)
{
	const struct xml *root = parse_c(*state, "<a><b>1</b><c/><b>2</b><d/><b>3</b></a>");
	int64_t sum = 0;
	int n = 0;

	xml_each(c, root, NULL)
		n++;
	assert_int_equal(n, 5);
	xml_each(c, root, "b") {
		int64_t v = 0;

		assert_true(xml_i64(c, "", &v));
		sum = 10 * sum + v;
	}
	assert_int_equal(sum, 123);
}

static void test_text(void **state)
{
	const struct xml *root = parse_c(*state, "<r><a>  x &lt;&amp;&#65;&#x42; y\t\n</a>"
						 "<b><![CDATA[<&]]> and <i>in</i> out</b>"
						 "<c>   </c><d>plain</d><e>tail </e><f> head</f>"
						 "<g><!-- no --><?pi no?>\xC3\xA9</g></r>");

	assert_str(xml_at(root, "a")->text, "  x <&AB y\t\n");
	assert_string_equal(xml_at(root, "a")->text.p, "  x <&AB y\t\n");
	assert_string_equal(xml_cstr(root, "a"), "x <&AB y");
	assert_str(xml_text(root, "a"), "x <&AB y");
	assert_string_equal(xml_cstr(root, "b"), "<& and  out");
	assert_string_equal(xml_cstr(root, "b/i"), "in");
	assert_string_equal(xml_cstr(root, "c"), "");
	assert_str(xml_at(root, "c")->text, "   ");
	assert_string_equal(xml_cstr(root, "d"), "plain");
	assert_string_equal(xml_cstr(root, "e"), "tail");
	assert_string_equal(xml_cstr(root, "f"), "head");
	assert_string_equal(xml_cstr(root, "g"), "\xC3\xA9");
}

static void test_drops_namespaces(void **state)
{
	const struct xml *root =
		parse_c(*state, "<s3:R xmlns:s3=\"u\" x=\"1\"><s3:K a:b=\"2\">v</s3:K></s3:R>");

	assert_str(root->name, "R");
	assert_string_equal(xml_cstr(root, "K"), "v");
}

static void test_refuses_document_types(void **state)
{
	refused(*state, STR("<!DOCTYPE a><a/>"), ERR_UNSAFE, "document type");
	refused(*state,
		STR("<!DOCTYPE l [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><l>&b;</l>"),
		ERR_UNSAFE, "document type");
	refused(*state,
		STR("<?xml version=\"1.0\"?><!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>"),
		ERR_UNSAFE, "document type");
	refused(*state, STR("<a>&unknown;</a>"), ERR_UNSAFE, "line 1, column 4: undefined entity");
}

static void test_refuses_malformed(void **state)
{
	static const char *const bad[] = {
		"<a>",	     "<a></b>",	    "<a/><b/>",		"text",
		"<a b></a>", "<a>&#0;</a>", "<a>\x01</a>",	"<a>&lt</a>",
		"<a/>tail",  " ",	    "<a b='1' b='2'/>", "<a>\xEF\xBF\xBE</a>",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(*state, str_from(bad[i]), ERR_MALFORMED, "XML line 1, column ");
	refused(*state, STR("<a>\n <b>\n</a>"), ERR_MALFORMED, "line 3, column 3: mismatched tag");
	refused(*state, STR(""), ERR_MALFORMED, "empty");
	refused(*state, (struct str){"<a>\0</a>", 8}, ERR_MALFORMED, "NUL");
	refused(*state, STR("<a>\xC0\x80</a>"), ERR_MALFORMED, "not UTF-8");
	refused(*state, STR("<a>\xED\xA0\x80</a>"), ERR_MALFORMED, "not UTF-8");
}

/* Bytes count as UTF-8 whatever the document says they are. */
static void test_encoding_is_utf8(void **state)
{
	static const char utf16[] = "\xFF\xFE<\0a\0/\0>\0";

	refused(*state, (struct str){utf16, sizeof(utf16) - 1}, ERR_MALFORMED, "not UTF-8");
	refused(*state, STR("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xE9</a>"),
		ERR_MALFORMED, "not UTF-8");
	assert_string_equal(xml_cstr(parse_c(*state, "<?xml version=\"1.0\" "
						     "encoding=\"ISO-8859-1\"?><a>\xC3\xA9</a>"),
				     ""),
			    "\xC3\xA9");
}

static void fill_levels(struct buf *b, int n)
{
	buf_clear(b);
	for (int i = 0; i < n; i++)
		buf_adds(b, "<a>");
	for (int i = 0; i < n; i++)
		buf_adds(b, "</a>");
}

static void test_depth_limit(void **state)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	fill_levels(&b, LIMIT_DOC_DEPTH);
	parse(*state, buf_str(&b));
	fill_levels(&b, LIMIT_DOC_DEPTH + 1);
	refused(*state, buf_str(&b), ERR_LIMIT, "64 levels");
	fill_levels(&b, 50000);
	refused(*state, buf_str(&b), ERR_LIMIT, "64 levels");
	buf_release(&b);
}

static void test_node_limit(void **state)
{
	struct buf b;

	buf_init(&b, LIMIT_API_BODY);
	buf_adds(&b, "<r>");
	for (int i = 0; i < LIMIT_DOC_NODES - 1; i++)
		buf_adds(&b, "<a/>");
	buf_adds(&b, "</r>");
	parse(*state, buf_str(&b));
	b.n -= 4;
	buf_adds(&b, "<a/></r>");
	refused(*state, buf_str(&b), ERR_LIMIT, "elements");
	buf_release(&b);
}

static void test_byte_limit(void **state)
{
	char *big = xcalloc(1, LIMIT_API_BODY + 1);

	memset(big, ' ', LIMIT_API_BODY + 1);
	memcpy(big, "<a/>", 4);
	parse(*state, (struct str){big, LIMIT_API_BODY});
	refused(*state, (struct str){big, LIMIT_API_BODY + 1}, ERR_LIMIT, "larger");
	free(big);
}

/* expat hands out text in pieces, one for each line and reference at least. */
static void test_text_in_many_pieces(void **state)
{
	const size_t lines = 500000;
	struct buf b;

	buf_init(&b, LIMIT_API_BODY);
	buf_adds(&b, "<a>");
	for (size_t i = 0; i < lines; i++)
		buf_adds(&b, "x&amp;\n");
	buf_adds(&b, "</a>");
	assert_int_equal(parse(*state, buf_str(&b))->text.n, 3 * lines);
	buf_release(&b);
}

/* --- writing --------------------------------------------------------------------------------- */

static void test_escapes(void **state)
{
	static const char nasty[] = "a<b>&\"c'\r\n\t\xC3\xA9";
	struct buf b;

	buf_init(&b, 1024);
	xml_escape(&b, str_from(nasty));
	assert_string_equal(b.p, "a&lt;b&gt;&amp;&quot;c&apos;&#13;&#10;\t\xC3\xA9");
	buf_clear(&b);
	buf_adds(&b, "<x>");
	xml_escape(&b, str_from(nasty));
	buf_adds(&b, "</x>");
	assert_str(parse(*state, buf_str(&b))->text, nasty);
	buf_clear(&b);
	xml_escape(&b, STR(""));
	assert_int_equal(b.n, 0);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reads_an_answer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_absent_is_harmless, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_walks_children, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_text, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_drops_namespaces, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refuses_document_types, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refuses_malformed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_encoding_is_utf8, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_depth_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_node_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_byte_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_text_in_many_pieces, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_escapes, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("xml", tests, NULL, NULL);
}
