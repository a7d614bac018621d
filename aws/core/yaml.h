#ifndef AWS_CORE_YAML_H
#define AWS_CORE_YAML_H

#include <stdbool.h>

#include "aws/core/err.h"
#include "aws/core/mem.h"
#include "aws/core/str.h"

/*
 * YAML as people write plan files, and JSON, which is a subset of it: a bounded reader into a tree
 * in the caller's arena. The only module that includes libyaml. One document. Anchors, aliases and
 * explicit tags are refused by name (they make bombs and surprises); a duplicate key is an error.
 * Every node knows its line and column (1-based), so that messages can name the place.
 *
 * Scalars stay text; what a plain scalar means is the reader's business. `plain` is false for
 * quoted ones: "5" is text, 5 may be a number. Plain ~, null and an empty value are YAML_NULL.
 */
enum yaml_type { YAML_NULL, YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml {
	enum yaml_type type;
	bool plain;
	struct str text;    /* scalar content; NUL-terminated too */
	struct str key;	    /* when it is a value in a map; NUL-terminated too */
	int key_line, key_column;
	int line, column;
	struct yaml *first; /* items or values, in order */
	struct yaml *next;
	size_t n;
};

/* ERR_MALFORMED "line 3, column 7: ..." or ERR_LIMIT. */
int yaml_parse(struct arena *a, struct str text, struct yaml **root, struct err *err) MUST_CHECK;

const struct yaml *yaml_get(const struct yaml *map, const char *key); /* NULL when absent or null */

#define yaml_each(child, node) \
	for (const struct yaml *child = (node) ? (node)->first : NULL; child; child = child->next)

#endif
