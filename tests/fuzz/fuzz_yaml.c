#include "tests/fuzz/fuzz.h"

#include "aws/core/json.h"
#include "aws/core/limits.h"
#include "aws/core/yaml.h"

/*
 * Nodes are counted and placed right, keys are unique, depth is bounded.
 *
 * Layers: core
 */

static void check_node(const struct yaml *node, bool in_map)
{
	size_t n = 0;

	FUZZ_CHECK(node->line >= 1 && node->column >= 1);
	FUZZ_CHECK(in_map == (node->key.p != NULL));
	FUZZ_CHECK(!in_map || (node->key_line >= 1 && node->key_column >= 1));
	FUZZ_CHECK(!node->key.p || node->key.p[node->key.n] == '\0');
	FUZZ_CHECK(node->type != YAML_SCALAR || node->text.p[node->text.n] == '\0');
	FUZZ_CHECK(node->n == 0 || node->type == YAML_LIST || node->type == YAML_MAP);
	yaml_each(child, node)
		n++;
	FUZZ_CHECK(n == node->n);
	if (node->type == YAML_MAP && node->first && node->first->type != YAML_NULL)
		FUZZ_CHECK(yaml_get(node, node->first->key.p) == node->first);
}

static void check_tree(const struct yaml *root)
{
	const struct yaml *up[LIMIT_DOC_DEPTH + 1];
	size_t depth = 0;

	check_node(root, false);
	up[0] = root;
	for (const struct yaml *at = root->first; at;) {
		check_node(at, up[depth]->type == YAML_MAP);
		if (at->first) {
			FUZZ_CHECK(++depth < LIMIT_DOC_DEPTH);
			up[depth] = at;
			at = at->first;
			continue;
		}
		while (!at->next && depth > 0)
			at = up[depth--];
		at = at->next;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct yaml *root = NULL;
	struct err err = ERR_INIT;

	if (yaml_parse(a, (struct str){(const char *)data, size}, &root, &err)) {
		FUZZ_CHECK(err.code == ERR_MALFORMED || err.code == ERR_LIMIT ||
			   err.code == ERR_UNSAFE);
		FUZZ_CHECK(err.text[0] && !root);
		FUZZ_CHECK(err.code == ERR_LIMIT || str_starts(str_from(err.text), "line "));
	} else {
		check_tree(root);
	}
	arena_free(a);
	return 0;
}
