#include "aws/core/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "aws/core/limits.h"

/*
 * The JSON writer: punctuation follows from the order of the calls, so the result is well formed
 * whenever every object and array is ended. Running out of room is the buffer's business
 * (buf_check); misuse is a programmer's error and asserted.
 */

_Static_assert(JSON_WRITE_DEPTH_MAX > LIMIT_DOC_DEPTH, "what was read can be written");

void json_out_init(struct json_out *o, struct buf *b)
{
	*o = (struct json_out){.buf = b};
}

/* What has to stand before a value; after this the value itself is due. */
static void before_value(struct json_out *o)
{
	if (o->after_key) {
		o->after_key = false;
		return;
	}
	if (o->depth == 0) {
		assert(!o->has_items[0]); /* one document, one value */
		o->has_items[0] = true;
		return;
	}
	assert(!o->in_object[o->depth]);
	if (o->has_items[o->depth])
		buf_addc(o->buf, ',');
	o->has_items[o->depth] = true;
}

static void open_level(struct json_out *o, bool is_object)
{
	before_value(o);
	assert(o->depth + 1 < JSON_WRITE_DEPTH_MAX);
	o->depth++;
	o->in_object[o->depth] = is_object;
	o->has_items[o->depth] = false;
	buf_addc(o->buf, is_object ? '{' : '[');
}

void json_out_object(struct json_out *o)
{
	open_level(o, true);
}

void json_out_array(struct json_out *o)
{
	open_level(o, false);
}

void json_out_end(struct json_out *o)
{
	assert(o->depth > 0 && !o->after_key);
	buf_addc(o->buf, o->in_object[o->depth] ? '}' : ']');
	o->depth--;
}

/* What does not show as itself is escaped, too: people read JSON on terminals. */
static void add_escaped(struct buf *b, struct str sequence)
{
	static const char short_forms[][2] = {{'"', '"'},  {'\\', '\\'}, {'\b', 'b'}, {'\f', 'f'},
					      {'\n', 'n'}, {'\r', 'r'},	 {'\t', 't'}};

	for (size_t i = 0; i < sizeof(short_forms) / sizeof(short_forms[0]); i++) {
		if (sequence.n == 1 && short_forms[i][0] == sequence.p[0]) {
			buf_addf(b, "\\%c", short_forms[i][1]);
			return;
		}
	}
	buf_add_utf16_escape(b, sequence);
}

static void add_quoted(struct buf *b, struct str s)
{
	size_t plain = 0; /* start of what can be copied as it is */
	size_t i = 0;

	buf_addc(b, '"');
	while (i < s.n) {
		size_t n = str_utf8_length(s, i);
		struct str sequence = str_sub(s, i, i + n);

		if (n > 0 && s.p[i] != '"' && s.p[i] != '\\' && str_is_shown(sequence)) {
			i += n;
			continue;
		}
		buf_add_str(b, str_sub(s, plain, i));
		if (n == 0)
			buf_adds(b, "\xEF\xBF\xBD");
		else
			add_escaped(b, sequence);
		i += n ? n : 1;
		plain = i;
	}
	buf_add_str(b, str_sub(s, plain, s.n));
	buf_addc(b, '"');
}

static void out_key(struct json_out *o, struct str key)
{
	assert(o->depth > 0 && o->in_object[o->depth] && !o->after_key);
	if (o->has_items[o->depth])
		buf_addc(o->buf, ',');
	o->has_items[o->depth] = true;
	add_quoted(o->buf, key);
	buf_addc(o->buf, ':');
	o->after_key = true;
}

void json_out_key(struct json_out *o, const char *key)
{
	out_key(o, str_from(key));
}

void json_out_str(struct json_out *o, struct str s)
{
	before_value(o);
	add_quoted(o->buf, s);
}

void json_out_cstr(struct json_out *o, const char *s)
{
	if (s)
		json_out_str(o, str_from(s));
	else
		json_out_null(o);
}

void json_out_i64(struct json_out *o, int64_t v)
{
	before_value(o);
	buf_addf(o->buf, "%lld", (long long)v);
}

void json_out_double(struct json_out *o, double v)
{
	char text[40];

	assert(isfinite(v));
	before_value(o);
	for (int digits = 15; digits <= 17; digits++) {
		double back = 0;

		snprintf(text, sizeof(text), "%.*g", digits, v);
		/* bit for bit: equal but for the sign of zero, which %g writes */
		if (str_parse_double(str_from(text), &back) && !(back < v) && !(back > v))
			break;
	}
	buf_adds(o->buf, text);
}

void json_out_bool(struct json_out *o, bool v)
{
	before_value(o);
	buf_adds(o->buf, v ? "true" : "false");
}

void json_out_null(struct json_out *o)
{
	before_value(o);
	buf_adds(o->buf, "null");
}

static void out_scalar(struct json_out *o, const struct json *node)
{
	switch (node->type) {
	case JSON_BOOL:
		json_out_bool(o, node->boolean);
		break;
	case JSON_NUMBER:
		before_value(o);
		buf_add_str(o->buf, node->text);
		break;
	case JSON_STRING:
		json_out_str(o, node->text);
		break;
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT:
		json_out_null(o);
		break;
	}
}

void json_out_node(struct json_out *o, const struct json *node)
{
	const struct json *next[LIMIT_DOC_DEPTH]; /* what follows, for each level that is open */
	size_t depth = 0;

	if (!node) {
		json_out_null(o);
		return;
	}
	for (const struct json *at = node;;) {
		if (at && (at->type == JSON_OBJECT || at->type == JSON_ARRAY)) {
			assert(depth < LIMIT_DOC_DEPTH);
			open_level(o, at->type == JSON_OBJECT);
			/* the siblings of the tree handed in are none of our business */
			next[depth] = depth > 0 ? at->next : NULL;
			depth++;
			at = at->first;
		} else if (at) {
			out_scalar(o, at);
			at = depth > 0 ? at->next : NULL;
		}
		while (!at && depth > 0) {
			json_out_end(o);
			at = next[--depth];
		}
		if (!at)
			return;
		if (o->in_object[o->depth] && depth > 0)
			out_key(o, at->key);
	}
}

void json_member_str(struct json_out *o, const char *key, struct str s)
{
	json_out_key(o, key);
	json_out_str(o, s);
}

void json_member_cstr(struct json_out *o, const char *key, const char *s)
{
	if (!s || !*s)
		return;
	json_out_key(o, key);
	json_out_cstr(o, s);
}

void json_member_i64(struct json_out *o, const char *key, int64_t v)
{
	json_out_key(o, key);
	json_out_i64(o, v);
}

void json_member_double(struct json_out *o, const char *key, double v)
{
	json_out_key(o, key);
	json_out_double(o, v);
}

void json_member_bool(struct json_out *o, const char *key, bool v)
{
	json_out_key(o, key);
	json_out_bool(o, v);
}
