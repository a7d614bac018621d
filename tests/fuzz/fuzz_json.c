#include "tests/fuzz/fuzz.h"

#include "aws/core/json.h"
#include "aws/core/limits.h"

/*
 * What was read can be written, reads back, and is then written the same.
 *
 * Layers: core
 */

static void write_tree(struct buf *b, const struct json *root)
{
	struct json_out o;

	json_out_init(&o, b);
	json_out_node(&o, root);
	FUZZ_CHECK(!b->over);
	FUZZ_CHECK(str_is_utf8(buf_str(b)));
}

static void check_accessors(const struct json *node)
{
	int64_t i = 0;
	double d = 0;

	FUZZ_CHECK(!json_i64(node, &i) || node->type == JSON_NUMBER);
	FUZZ_CHECK(!json_double(node, &d) || node->type == JSON_NUMBER);
	FUZZ_CHECK((json_cstr(node) != NULL) == (node->type == JSON_STRING));
	FUZZ_CHECK(json_text(node).n == 0 || node->type == JSON_STRING);
	FUZZ_CHECK(!node->text.p || node->text.p[node->text.n] == '\0');
	if (node->type == JSON_OBJECT && node->first && node->first->type != JSON_NULL)
		FUZZ_CHECK(json_get(node, node->first->key.p) == node->first);
	json_bool(node, false);
	json_at(node, "a.b.c");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct json *root = NULL, *again = NULL;
	struct err err = ERR_INIT;
	struct buf first, second;

	buf_init(&first, 8u * LIMIT_API_BODY);
	buf_init(&second, 8u * LIMIT_API_BODY);
	if (json_parse(a, (struct str){(const char *)data, size}, &root, &err)) {
		FUZZ_CHECK(err.code == ERR_MALFORMED || err.code == ERR_LIMIT ||
			   err.code == ERR_UNSAFE);
		FUZZ_CHECK(err.text[0] && !root);
	} else {
		check_accessors(root);
		json_each(child, root)
			check_accessors(child);
		write_tree(&first, root);
		FUZZ_CHECK(json_parse(a, buf_str(&first), &again, &err) == 0);
		write_tree(&second, again);
		FUZZ_CHECK(str_eq(buf_str(&first), buf_str(&second)));
	}
	buf_release(&first);
	buf_release(&second);
	arena_free(a);
	return 0;
}
