#include "aws/form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* Parameters of the query protocols, and XML put back into them. */

static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static const struct xml *parse(const char *text)
{
	struct err err = ERR_INIT;
	struct xml *root;

	if (xml_parse(arena, str_from(text), &root, &err))
		fail_msg("%s", err.text);
	return root;
}

static const char *formatted(const char *text, const struct form_swaps *swaps)
{
	struct err err = ERR_INIT;
	const char *out;
	struct buf b;

	buf_init(&b, 65536);
	if (form_add_xml(&b, "P", parse(text), swaps, &err))
		fail_msg("%s", err.text);
	out = arena_strdup(arena, b.p);
	buf_release(&b);
	return out;
}

static void test_parameters(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1024);
	form_add(&b, "A", STR("x y&z"));
	form_add(&b, "B", STR(""));
	form_add_text(&b, "C", NULL);
	form_add_text(&b, "D", "");
	form_add_text(&b, "E", "e");
	form_add_i64(&b, "F", -12);
	form_add_bool(&b, "G", true);
	form_add_bool(&b, "H", false);
	assert_string_equal(b.p, "A=x%20y%26z&B=&E=e&F=-12&G=true&H=false");
	buf_release(&b);
}

static void test_xml(void **state)
{
	(void)state;
	assert_string_equal(formatted("<X>1</X>", NULL), "P=1");
	assert_string_equal(formatted("<X/>", NULL), "");
	assert_string_equal(formatted("<X><A>1</A><B><C>2</C></B><D/><E> </E></X>", NULL),
			    "P.A=1&P.B.C=2");
	assert_string_equal(formatted("<X><member>a</member><member><B>b</B></member></X>", NULL),
			    "P.member.1=a&P.member.2.B=b");
	assert_string_equal(formatted("<X><L><member><M><member>a</member><member>b</member></M>"
				      "</member></L><L2><member>c</member></L2></X>",
				      NULL),
			    "P.L.member.1.M.member.1=a&P.L.member.1.M.member.2=b&P.L2.member.1=c");
}

static void test_swaps(void **state)
{
	static const struct form_swap list[] = {{"tg/a", "tg/b", true}, {"old", "new", false}};
	static const struct form_swaps swaps = {list, 2};

	(void)state;
	assert_string_equal(formatted("<X><A>app/tg/a</A><B>old</B><C>older</C><D>tg/a,tg/a.</D>"
				      "<E>tg/</E></X>",
				      &swaps),
			    "P.A=app%2Ftg%2Fb&P.B=new&P.C=older&P.D=tg%2Fb%2Ctg%2Fb.&P.E=tg%2F");
}

/* What does not fit is never cut silently. */
static void test_limits(void **state)
{
	static const struct form_swap grow[] = {{"a", "0123456789", true}};
	static const struct form_swaps swaps = {grow, 1};
	char name[600], deep[1024] = "", long_xml[1400];
	struct err err = ERR_INIT;
	struct buf b;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	buf_init(&b, 65536);
	assert_int_equal(form_add_xml(&b, name, parse("<X>1</X>"), NULL, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	snprintf(long_xml, sizeof(long_xml), "<X><%s>1</%s></X>", name, name);
	err = ERR_INIT;
	assert_int_equal(form_add_xml(&b, "P", parse(long_xml), NULL, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	/* the number of an item has no room */
	name[503] = '\0';
	snprintf(long_xml, sizeof(long_xml), "<X><member>1</member></X>");
	err = ERR_INIT;
	assert_int_equal(form_add_xml(&b, name, parse(long_xml), NULL, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	for (int i = 0; i <= FORM_DEPTH + 1; i++)
		strcat(deep, "<A>");
	strcat(deep, "1");
	for (int i = 0; i <= FORM_DEPTH + 1; i++)
		strcat(deep, "</A>");
	err = ERR_INIT;
	assert_int_equal(form_add_xml(&b, "P", parse(deep), NULL, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	buf_release(&b);

	buf_init(&b, 16);
	assert_int_equal(form_add_xml(&b, "P", parse("<X>aaaa</X>"), &swaps, &err), 0);
	assert_true(b.over);
	buf_release(&b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_parameters),
		T(test_xml),
		T(test_swaps),
		T(test_limits),
	};

	return cmocka_run_group_tests_name("form", tests, NULL, NULL);
}
