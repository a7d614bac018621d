#include "aws/core/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "aws/core/limits.h"

/*
 * The JSON reader. yajl does the lexing and tells us what it saw; we build the tree with an
 * explicit stack, so that neither parsing nor freeing recurses. What yajl leaves open is settled
 * here: UTF-8 is checked strictly beforehand (yajl's own check accepts overlong forms and encoded
 * surrogates), half surrogate pairs are replaced before yajl sees them (it would swallow the
 * character that follows one), and duplicate keys are found when an object ends.
 */

/* Up to here comparing all pairs of keys is cheaper than sorting. */
#define PAIRWISE_KEYS 16

struct frame {
	struct json *node;
	struct json **tail; /* where the next element is linked in */
	struct str key;	    /* of the member whose value comes next */
};

struct reader {
	struct arena *arena;
	struct json *root;
	struct frame stack[LIMIT_DOC_DEPTH];
	size_t depth;
	size_t n_nodes;
	bool failed; /* err says why */
	struct err *err;
};

/* --- the tree -------------------------------------------------------------------------------- */

static int fail_limit(struct reader *r, const char *what, unsigned long limit)
{
	err_set(r->err, ERR_LIMIT, "JSON document has more than %lu %s", limit, what);
	r->failed = true;
	return 0;
}

static struct str copy(struct reader *r, const char *p, size_t n)
{
	return (struct str){arena_strndup(r->arena, n ? p : "", n), n};
}

/* Add a node where the parser stands; NULL when there are too many. */
static struct json *add_node(struct reader *r, enum json_type type)
{
	struct json *node;
	struct frame *top;

	if (r->n_nodes == LIMIT_DOC_NODES) {
		fail_limit(r, "values", LIMIT_DOC_NODES);
		return NULL;
	}
	r->n_nodes++;
	node = arena_new_of(r->arena, struct json);
	node->type = type;
	if (r->depth == 0) {
		r->root = node;
		return node;
	}
	top = &r->stack[r->depth - 1];
	node->key = top->key;
	*top->tail = node;
	top->tail = &node->next;
	top->node->n++;
	return node;
}

static int open_node(struct reader *r, enum json_type type)
{
	struct json *node;

	if (r->depth == LIMIT_DOC_DEPTH)
		return fail_limit(r, "levels", LIMIT_DOC_DEPTH);
	node = add_node(r, type);
	if (!node)
		return 0;
	r->stack[r->depth++] = (struct frame){.node = node, .tail = &node->first};
	return 1;
}

/* --- duplicate keys -------------------------------------------------------------------------- */

static int compare_keys(const void *a, const void *b)
{
	const struct json *const *x = a;
	const struct json *const *y = b;

	return str_cmp((*x)->key, (*y)->key);
}

/* Sorting needs no seed against chosen keys, which a hash table would. */
static const struct json *find_duplicate_sorted(const struct json *object)
{
	const struct json **keys = xcalloc(object->n, sizeof(*keys));
	const struct json *found = NULL;
	size_t n = 0;

	json_each(m, object)
		keys[n++] = m;
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < n && !found; i++) {
		if (str_eq(keys[i - 1]->key, keys[i]->key))
			found = keys[i];
	}
	free(keys);
	return found;
}

static const struct json *find_duplicate(const struct json *object)
{
	if (object->n > PAIRWISE_KEYS)
		return find_duplicate_sorted(object);
	json_each(a, object) {
		for (const struct json *b = a->next; b; b = b->next) {
			if (str_eq(a->key, b->key))
				return b;
		}
	}
	return NULL;
}

/* --- what yajl calls; 0 stops it ------------------------------------------------------------- */

static int on_null(void *arg)
{
	return add_node(arg, JSON_NULL) != NULL;
}

static int on_boolean(void *arg, int value)
{
	struct json *node = add_node(arg, JSON_BOOL);

	if (!node)
		return 0;
	node->boolean = value != 0;
	return 1;
}

static int on_number(void *arg, const char *p, size_t n)
{
	struct reader *r = arg;
	struct json *node = add_node(r, JSON_NUMBER);

	if (!node)
		return 0;
	node->text = copy(r, p, n);
	return 1;
}

static int on_string(void *arg, const unsigned char *p, size_t n)
{
	struct reader *r = arg;
	struct json *node = add_node(r, JSON_STRING);

	if (!node)
		return 0;
	node->text = copy(r, (const char *)p, n);
	return 1;
}

static int on_start_map(void *arg)
{
	return open_node(arg, JSON_OBJECT);
}

static int on_map_key(void *arg, const unsigned char *p, size_t n)
{
	struct reader *r = arg;

	r->stack[r->depth - 1].key = copy(r, (const char *)p, n);
	return 1;
}

static int on_end_map(void *arg)
{
	struct reader *r = arg;
	const struct json *twice = find_duplicate(r->stack[--r->depth].node);
	char key[64];

	if (!twice)
		return 1;
	str_copy_clean(key, sizeof(key), twice->key);
	err_set(r->err, ERR_MALFORMED, "JSON object has two members \"%s\"", key);
	r->failed = true;
	return 0;
}

static int on_start_array(void *arg)
{
	return open_node(arg, JSON_ARRAY);
}

static int on_end_array(void *arg)
{
	struct reader *r = arg;

	r->depth--;
	return 1;
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_map,
	.yajl_map_key = on_map_key,
	.yajl_end_map = on_end_map,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end_array,
};

/* --- escapes that yajl would get wrong ------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The code unit of the \uXXXX at this place, or -1 when there is none. */
static int escaped_unit(struct str text, size_t at)
{
	int unit = 0;

	if (text.n < 6 || at > text.n - 6 || text.p[at] != '\\' || text.p[at + 1] != 'u')
		return -1;
	for (size_t i = at + 2; i < at + 6; i++) {
		int digit = hex_digit(text.p[i]);

		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

static bool is_high_surrogate(int unit)
{
	return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool is_low_surrogate(int unit)
{
	return unit >= 0xDC00 && unit <= 0xDFFF;
}

/*
 * Look at every escape. Where half a surrogate pair stands alone, work on a copy in which it reads
 * \ufffd, which is just as long: offsets in messages stay right. A backslash outside a string is a
 * syntax error that yajl will find.
 */
static int check_escapes(struct arena *a, struct str *text, struct err *err)
{
	char *fixed = NULL;
	size_t i = 0;

	while (i < text->n) {
		const char *p = memchr(text->p + i, '\\', text->n - i);
		int unit;

		if (!p)
			break;
		i = (size_t)(p - text->p);
		unit = escaped_unit(*text, i);
		if (unit == 0)
			return err_set(err, ERR_UNSAFE, "JSON offset %zu: NUL in a string", i);
		if (is_high_surrogate(unit) && is_low_surrogate(escaped_unit(*text, i + 6))) {
			i += 12;
			continue;
		}
		if (is_high_surrogate(unit) || is_low_surrogate(unit)) {
			if (!fixed) {
				fixed = arena_strndup(a, text->p, text->n);
				text->p = fixed;
			}
			memcpy(fixed + i, "\\ufffd", 6);
		}
		i += 2;
	}
	return 0;
}

/* Allowed between values only; yajl takes vertical tabs and form feeds for blanks as well. */
static int check_controls(struct str text, struct err *err)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < 0x20 && !memchr("\t\n\r", text.p[i], 3))
			return err_set(err, ERR_MALFORMED, "JSON offset %zu: control character", i);
	return 0;
}

/* --- parsing --------------------------------------------------------------------------------- */

static void *yajl_xmalloc(void *ctx, size_t n)
{
	(void)ctx;
	return xmalloc(n);
}

static void *yajl_xrealloc(void *ctx, void *p, size_t n)
{
	(void)ctx;
	return xrealloc(p, n);
}

static void yajl_xfree(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

/* yajl's own words, without the line break and the drawing that come with them. */
static int fail_syntax(yajl_handle y, struct err *err)
{
	unsigned char *raw = yajl_get_error(y, 0, NULL, 0);
	struct str words = str_trim(str_from((const char *)raw));
	char clean[128];

	str_copy_clean(clean, sizeof(clean), words);
	yajl_free_error(y, raw);
	return err_set(err, ERR_MALFORMED, "JSON offset %zu: %s", yajl_get_bytes_consumed(y),
		       clean);
}

static int run_yajl(struct reader *r, struct str text, struct err *err)
{
	yajl_alloc_funcs memory = {yajl_xmalloc, yajl_xrealloc, yajl_xfree, NULL};
	yajl_handle y = yajl_alloc(&callbacks, &memory, r);
	yajl_status status;
	int rc = 0;

	/* every yajl_allow_* option is off unless asked for */
	status = yajl_parse(y, (const unsigned char *)text.p, text.n);
	/* a line feed ends no string: else one that begins behind the document would be let pass */
	if (status == yajl_status_ok)
		status = yajl_parse(y, (const unsigned char *)"\n", 1);
	if (status == yajl_status_ok)
		status = yajl_complete_parse(y);
	if (r->failed)
		rc = -1;
	else if (status != yajl_status_ok)
		rc = fail_syntax(y, err);
	yajl_free(y);
	return rc;
}

int json_parse(struct arena *a, struct str text, struct json **root, struct err *err)
{
	struct reader r = {.arena = a, .err = err};

	if (text.n > LIMIT_API_BODY)
		return err_set(err, ERR_LIMIT, "JSON document of %zu bytes is larger than %u",
			       text.n, LIMIT_API_BODY);
	if (text.n == 0)
		return err_set(err, ERR_MALFORMED, "JSON offset 0: the document is empty");
	if (!str_is_utf8(text))
		return err_set(err, ERR_MALFORMED, "JSON document is not UTF-8 or contains NUL");
	if (check_controls(text, err) || check_escapes(a, &text, err) || run_yajl(&r, text, err))
		return -1;
	assert(r.root && r.depth == 0);
	*root = r.root;
	return 0;
}

/* --- reading the tree ------------------------------------------------------------------------ */

static const struct json *get_str(const struct json *object, struct str key)
{
	if (!object || object->type != JSON_OBJECT)
		return NULL;
	json_each(m, object) {
		if (str_eq(m->key, key))
			return m->type == JSON_NULL ? NULL : m;
	}
	return NULL;
}

const struct json *json_get(const struct json *object, const char *key)
{
	return get_str(object, str_from(key));
}

const struct json *json_at(const struct json *node, const char *path)
{
	struct str rest = str_from(path);
	struct str key;

	while (node && str_next(&rest, '.', &key))
		node = get_str(node, key);
	return node;
}

struct str json_text(const struct json *node)
{
	return node && node->type == JSON_STRING ? node->text : STR("");
}

const char *json_cstr(const struct json *node)
{
	return node && node->type == JSON_STRING ? node->text.p : NULL;
}

bool json_bool(const struct json *node, bool fallback)
{
	return node && node->type == JSON_BOOL ? node->boolean : fallback;
}

bool json_i64(const struct json *node, int64_t *out)
{
	return node && node->type == JSON_NUMBER &&
	       str_parse_i64(node->text, INT64_MIN, INT64_MAX, out);
}

bool json_double(const struct json *node, double *out)
{
	return node && node->type == JSON_NUMBER && str_parse_double(node->text, out);
}
