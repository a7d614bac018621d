#ifndef AWS_CORE_JSON_H
#define AWS_CORE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/core/buf.h"
#include "aws/core/err.h"
#include "aws/core/mem.h"
#include "aws/core/str.h"

/*
 * JSON (RFC 8259): a bounded reader into a tree in the caller's arena, and a writer. The only
 * module that includes yajl. Hostile input is expected: depth, nodes and bytes are limited
 * (limits.h), nothing recurses over the depth of the input, invalid UTF-8 is refused, and a
 * duplicate key is ERR_MALFORMED.
 *
 * Reading is lenient the way AWS needs it: null counts as absent, unknown members are skipped, and
 * every accessor takes NULL or a node of the wrong type and answers "absent". So lookups nest:
 * json_text(json_get(json_get(root, "data"), "id")).
 */
enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
	enum json_type type;
	bool boolean;
	struct str text;    /* a string's content, or a number as written; NUL-terminated too */
	struct str key;	    /* when it is a member of an object; NUL-terminated too */
	struct json *first; /* elements or members, in order */
	struct json *next;
	size_t n;	    /* count of elements or members */
};

/* Parse one document. The tree lives in the arena and owns copies of all text.
 * ERR_MALFORMED (with offset), ERR_LIMIT, or ERR_UNSAFE for a NUL in a string. Half a surrogate
 * pair becomes U+FFFD. */
int json_parse(struct arena *a, struct str text, struct json **root, struct err *err) MUST_CHECK;

/* NULL when absent or null */
const struct json *json_get(const struct json *object, const char *key);
const struct json *json_at(const struct json *node, const char *path);	 /* "data.action.name" */
struct str json_text(const struct json *node);	/* string content; the empty slice when absent */
const char *json_cstr(const struct json *node); /* the same as a C string, or NULL when absent */
bool json_bool(const struct json *node, bool fallback);
bool json_i64(const struct json *node, int64_t *out); /* integers only, fraction refused */
bool json_double(const struct json *node, double *out);

#define json_each(child, node) \
	for (const struct json *child = (node) ? (node)->first : NULL; child; child = child->next)

/*
 * The writer appends compact JSON to a buffer, members in the order of the calls, ASCII-safe where
 * JSON demands an escape and UTF-8 otherwise. Misuse (a value without key in an object) asserts.
 * Keys and strings that are not UTF-8 have the bad bytes replaced by U+FFFD.
 */
#define JSON_WRITE_DEPTH_MAX 96 /* LIMIT_DOC_DEPTH, and what may be wrapped around it */

struct json_out {
	struct buf *buf;
	int depth;
	bool in_object[JSON_WRITE_DEPTH_MAX];
	bool has_items[JSON_WRITE_DEPTH_MAX];
	bool after_key;
};

void json_out_init(struct json_out *o, struct buf *b);
void json_out_object(struct json_out *o); /* begin */
void json_out_array(struct json_out *o);  /* begin */
void json_out_end(struct json_out *o);	  /* of the innermost object or array */
void json_out_key(struct json_out *o, const char *key);
void json_out_str(struct json_out *o, struct str s);
void json_out_cstr(struct json_out *o, const char *s); /* NULL writes null */
void json_out_i64(struct json_out *o, int64_t v);
void json_out_double(struct json_out *o, double v); /* shortest form that reads back; finite */
void json_out_bool(struct json_out *o, bool v);
void json_out_null(struct json_out *o);
void json_out_node(struct json_out *o, const struct json *node); /* a whole parsed tree */

/* key and value in one call */
void json_member_str(struct json_out *o, const char *key, struct str s);
void json_member_cstr(struct json_out *o, const char *key, const char *s); /* NULL or "": nothing */
void json_member_i64(struct json_out *o, const char *key, int64_t v);
void json_member_double(struct json_out *o, const char *key, double v);
void json_member_bool(struct json_out *o, const char *key, bool v);

#endif
