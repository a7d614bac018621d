#ifndef AWS_CORE_XML_H
#define AWS_CORE_XML_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/core/buf.h"
#include "aws/core/err.h"
#include "aws/core/mem.h"
#include "aws/core/str.h"

/*
 * XML as AWS answers it: a bounded reader into a tree in the caller's arena, and an escaper. The
 * only module that includes expat. Document types and entities other than the five predefined ones
 * are refused (ERR_UNSAFE); namespaces are dropped (a name is what follows the last ':');
 * attributes are ignored. Depth, nodes and bytes are limited (limits.h).
 *
 * Accessors take NULL and answer "absent", so lookups nest.
 */
struct xml {
	struct str name;   /* NUL-terminated too */
	struct str text;   /* character data directly inside, as written; NUL-terminated too */
	struct xml *first; /* child elements, in order */
	struct xml *next;
};

int xml_parse(struct arena *a, struct str text, struct xml **root, struct err *err) MUST_CHECK;

/* First descendant along a path of child names: xml_at(root, "DescribeRulesResult/Rules"). */
const struct xml *xml_at(const struct xml *node, const char *path);
struct str xml_text(const struct xml *node, const char *path);	 /* "" when absent; trimmed */
const char *xml_cstr(const struct xml *node, const char *path);	 /* NULL when absent; trimmed */
bool xml_i64(const struct xml *node, const char *path, int64_t *out);

/* Children named `name` ("member", "item"); name NULL means all. */
const struct xml *xml_first(const struct xml *node, const char *name);
const struct xml *xml_next(const struct xml *node, const char *name);
#define xml_each(child, node, name)                                            \
	for (const struct xml *child = xml_first((node), (name)); child; \
	     child = xml_next(child, (name)))

/* Append text with & < > " ' CR LF as references. */
void xml_escape(struct buf *b, struct str text);

#endif
