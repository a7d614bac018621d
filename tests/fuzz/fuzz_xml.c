#include "tests/fuzz/fuzz.h"

#include "aws/core/limits.h"
#include "aws/core/xml.h"

/*
 * Every text that was read survives being escaped and read again; trimmed texts are the texts
 * trimmed.
 *
 * Layers: core
 */

static void check_escape(struct arena *a, struct str text)
{
	struct xml *root = NULL;
	struct err err = ERR_INIT;
	struct buf b;

	buf_init(&b, 8u * LIMIT_API_BODY);
	buf_adds(&b, "<x>");
	xml_escape(&b, text);
	buf_adds(&b, "</x>");
	if (b.n <= LIMIT_API_BODY) {
		FUZZ_CHECK(xml_parse(a, buf_str(&b), &root, &err) == 0);
		FUZZ_CHECK(str_eq(root->text, text));
	}
	buf_release(&b);
}

static void check_element(struct arena *a, const struct xml *node)
{
	const char *trimmed = xml_cstr(node, "");
	int64_t i;

	FUZZ_CHECK(node->name.n == 0 || str_is_utf8(node->name));
	FUZZ_CHECK(node->name.p[node->name.n] == '\0');
	FUZZ_CHECK(node->text.p[node->text.n] == '\0');
	FUZZ_CHECK(trimmed && str_is(str_trim(node->text), trimmed));
	FUZZ_CHECK(str_eq(str_trim(node->text), xml_text(node, NULL)));
	xml_i64(node, "", &i);
	check_escape(a, node->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct xml *root = NULL;
	struct err err = ERR_INIT;

	if (xml_parse(a, (struct str){(const char *)data, size}, &root, &err)) {
		FUZZ_CHECK(err.code == ERR_MALFORMED || err.code == ERR_LIMIT ||
			   err.code == ERR_UNSAFE);
		FUZZ_CHECK(err.text[0] && !root);
	} else {
		check_element(a, root);
		xml_each(child, root, NULL) {
			check_element(a, child);
			xml_each(grandchild, child, "member")
				check_element(a, grandchild);
		}
		xml_at(root, "a/b/c");
	}
	arena_free(a);
	return 0;
}
