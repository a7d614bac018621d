#ifndef TESTS_UNIT_TARGET_ODD_H
#define TESTS_UNIT_TARGET_ODD_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "aws/core/json.h"

/*
 * Odd documents: an XML or JSON text with one of its elements missing, or with another thing in its
 * place. For answers that AWS should not give, and for records that somebody has tampered with.
 */
enum odd_way { ODD_GONE, ODD_EMPTY, ODD_WORD, ODD_NEGATIVE, ODD_HUGE, ODD_LIST, ODD_WAYS };

struct odd_change {
	enum odd_way how;
	size_t which; /* of the elements, in the order in which they begin */
};

/* --- XML -------------------------------------------------------------------------------------- */

static inline const char *odd_xml_value(enum odd_way how)
{
	static const char *const values[ODD_WAYS] = {
		"", "", "odd", "-1", "9223372036854775807", "<member/><member/>"};

	return values[how];
}

/* Behind the end tag of the element that begins at p; *inner and *inner_end are its content. */
static inline const char *odd_xml_end(const char *p, const char **inner, const char **inner_end)
{
	const char *close = strchr(p, '>');
	int depth = 1;

	*inner = *inner_end = close;
	if (!close)
		return NULL;
	if (close[-1] == '/')
		return close + 1;
	*inner = close + 1;
	for (p = *inner; (p = strchr(p, '<')) != NULL; p = close + 1) {
		close = strchr(p, '>');
		if (!close)
			return NULL;
		if (close[-1] == '/')
			continue;
		depth += p[1] == '/' ? -1 : 1;
		if (depth == 0) {
			*inner_end = p;
			return close + 1;
		}
	}
	return NULL;
}

static inline const char *odd_xml(struct arena *a, const char *text, const struct odd_change *c)
{
	const char *p = strchr(text, '<'), *inner, *inner_end, *end;

	/* the root stays */
	for (size_t i = 0; p; p = strchr(p + 1, '<')) {
		if (p[1] != '/' && i++ == c->which + 1)
			break;
	}
	end = p ? odd_xml_end(p, &inner, &inner_end) : NULL;
	if (!end)
		return NULL;
	if (c->how == ODD_GONE || inner == inner_end)
		return arena_printf(a, "%.*s%s", (int)(p - text), text, end);
	return arena_printf(a, "%.*s%s%s", (int)(inner - text), text, odd_xml_value(c->how),
			    inner_end);
}

/* --- JSON ------------------------------------------------------------------------------------- */

struct odd_json {
	struct json_out o;
	const struct odd_change *c;
	size_t n; /* elements so far */
	bool done;
};

static inline void odd_json_value(struct json_out *o, enum odd_way how)
{
	if (how == ODD_EMPTY)
		json_out_cstr(o, "");
	else if (how == ODD_WORD)
		json_out_cstr(o, "odd");
	else if (how == ODD_NEGATIVE)
		json_out_i64(o, -1);
	else if (how == ODD_HUGE)
		json_out_i64(o, INT64_MAX);
	else {
		json_out_array(o);
		json_out_null(o);
		json_out_object(o);
		json_out_end(o);
		json_out_end(o);
	}
}

/* Documents of tests are shallow. */
static inline void odd_json_write(struct odd_json *x, const struct json *node, bool is_member)
{
	bool hit = x->n++ == x->c->which + 1; /* the root stays */

	x->done |= hit;
	if (hit && x->c->how == ODD_GONE)
		return;
	if (is_member)
		json_out_key(&x->o, node->key.p);
	if (hit) {
		odd_json_value(&x->o, x->c->how);
	} else if (node->type == JSON_OBJECT || node->type == JSON_ARRAY) {
		bool is_object = node->type == JSON_OBJECT;

		if (is_object)
			json_out_object(&x->o);
		else
			json_out_array(&x->o);
		json_each(child, node)
			odd_json_write(x, child, is_object);
		json_out_end(&x->o);
	} else {
		json_out_node(&x->o, node);
	}
}

static inline const char *odd_json(struct arena *a, const char *text, const struct odd_change *c)
{
	struct odd_json x = {.c = c};
	struct err err = ERR_INIT;
	const char *out = NULL;
	struct json *root;
	struct buf b;

	if (json_parse(a, str_from(text), &root, &err))
		return NULL;
	buf_init(&b, 1u << 20);
	json_out_init(&x.o, &b);
	odd_json_write(&x, root, false);
	if (x.done)
		out = arena_strdup(a, b.p);
	buf_release(&b);
	return out;
}

/* The text with that change; NULL when it has no such element. In the arena. */
static inline const char *odd_text(struct arena *a, const char *text, const struct odd_change *c)
{
	if (text[0] == '<')
		return odd_xml(a, text, c);
	return text[0] == '{' ? odd_json(a, text, c) : NULL;
}

#endif
