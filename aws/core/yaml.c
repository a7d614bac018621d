#include "aws/core/yaml.h"

#include <assert.h>
#include <stdlib.h>
#include <yaml.h>

#include "aws/core/buf.h"
#include "aws/core/json.h"
#include "aws/core/limits.h"

/*
 * The YAML reader: libyaml's events become a tree in the arena, with an explicit stack. Everything
 * in YAML that makes a document mean something other than what it shows is refused: anchors and
 * aliases, tags, merge keys, several documents. Duplicate keys are found when a map ends.
 *
 * libyaml does not know JSON's surrogate pairs, which JSON writers use for emoji; they are
 * rewritten beforehand where the text is JSON. See join_surrogates().
 */

_Static_assert(LIMIT_PLAN_BYTES < LIMIT_DOC_NODES, "every node takes a byte at least");

struct frame {
	struct yaml *node;
	struct yaml **tail; /* where the next item is linked in */
	bool has_key;	    /* of a map: key is set, its value comes next */
	struct str key;
	int key_line, key_column;
};

struct reader {
	struct arena *arena;
	struct str text;
	struct yaml *root;
	struct frame stack[LIMIT_DOC_DEPTH];
	size_t depth;
	bool has_document;
	struct err *err;
};

static int line_of(const yaml_mark_t *m)
{
	return (int)m->line + 1; /* at most LIMIT_PLAN_BYTES lines */
}

static int column_of(const yaml_mark_t *m)
{
	return (int)m->column + 1;
}

static int refuse(struct reader *r, enum err_code code, const yaml_mark_t *m, const char *what)
{
	return err_set(r->err, code, "line %d, column %d: %s", line_of(m), column_of(m), what);
}

/* --- the tree -------------------------------------------------------------------------------- */

static int add_node(struct reader *r, enum yaml_type type, const yaml_mark_t *m, struct yaml **out)
{
	struct yaml *node = arena_new_of(r->arena, struct yaml);
	struct frame *top;

	node->type = type;
	node->line = line_of(m);
	node->column = column_of(m);
	*out = node;
	if (r->depth == 0) {
		r->root = node;
		return 0;
	}
	top = &r->stack[r->depth - 1];
	if (top->node->type == YAML_MAP) {
		if (!top->has_key)
			return refuse(r, ERR_MALFORMED, m, "a key must be a plain or quoted text");
		node->key = top->key;
		node->key_line = top->key_line;
		node->key_column = top->key_column;
		top->has_key = false;
	}
	*top->tail = node;
	top->tail = &node->next;
	top->node->n++;
	return 0;
}

static int open_node(struct reader *r, enum yaml_type type, const yaml_mark_t *m)
{
	struct yaml *node;

	if (r->depth == LIMIT_DOC_DEPTH)
		return err_set(r->err, ERR_LIMIT, "line %d, column %d: more than %d levels",
			       line_of(m), column_of(m), LIMIT_DOC_DEPTH);
	if (add_node(r, type, m, &node))
		return -1;
	r->stack[r->depth++] = (struct frame){.node = node, .tail = &node->first};
	return 0;
}

/* By key, then by place. */
static int compare_keys(const void *a, const void *b)
{
	const struct yaml *const *x = a;
	const struct yaml *const *y = b;
	int by_key = str_cmp((*x)->key, (*y)->key);

	if (by_key)
		return by_key;
	if ((*x)->key_line != (*y)->key_line)
		return (*x)->key_line < (*y)->key_line ? -1 : 1;
	return (*x)->key_column < (*y)->key_column ? -1 : 1;
}

static int check_keys(struct reader *r, const struct yaml *map)
{
	const struct yaml **values;
	size_t n = 0;
	int rc = 0;

	if (map->n < 2)
		return 0;
	values = xcalloc(map->n, sizeof(*values));
	yaml_each(v, map)
		values[n++] = v;
	qsort(values, n, sizeof(*values), compare_keys);
	for (size_t i = 1; i < n && !rc; i++) {
		char key[64];

		if (!str_eq(values[i - 1]->key, values[i]->key))
			continue;
		str_copy_clean(key, sizeof(key), values[i]->key);
		rc = err_set(r->err, ERR_MALFORMED,
			     "line %d, column %d: key \"%s\" was given before, in line %d",
			     values[i]->key_line, values[i]->key_column, key,
			     values[i - 1]->key_line);
	}
	free(values);
	return rc;
}

static int close_node(struct reader *r)
{
	const struct yaml *node;

	assert(r->depth > 0);
	node = r->stack[--r->depth].node;
	return node->type == YAML_MAP ? check_keys(r, node) : 0;
}

/* --- events ---------------------------------------------------------------------------------- */

/* The spellings of YAML 1.2's core schema. */
static bool is_null_word(struct str s)
{
	return s.n == 0 || str_is(s, "~") || str_is(s, "null") || str_is(s, "Null") ||
	       str_is(s, "NULL");
}

static bool is_plain(const yaml_event_t *e)
{
	return e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static int take_key(struct reader *r, struct frame *map, const yaml_event_t *e, struct str text)
{
	if (is_plain(e) && str_is(text, "<<"))
		return refuse(r, ERR_UNSAFE, &e->start_mark, "merge keys are not supported");
	map->has_key = true;
	map->key = text;
	map->key_line = line_of(&e->start_mark);
	map->key_column = column_of(&e->start_mark);
	return 0;
}

static int on_scalar(struct reader *r, const yaml_event_t *e)
{
	struct str text = {(const char *)e->data.scalar.value, e->data.scalar.length};
	struct frame *top = r->depth > 0 ? &r->stack[r->depth - 1] : NULL;
	struct yaml *node;
	bool is_null;

	if (text.n > 0 && memchr(text.p, '\0', text.n))
		return refuse(r, ERR_UNSAFE, &e->start_mark, "NUL in a text");
	is_null = is_plain(e) && is_null_word(text);
	text.p = str_dup(r->arena, text);
	if (top && top->node->type == YAML_MAP && !top->has_key)
		return take_key(r, top, e, text);
	if (add_node(r, is_null ? YAML_NULL : YAML_SCALAR, &e->start_mark, &node))
		return -1;
	node->plain = is_plain(e);
	node->text = text;
	return 0;
}

static int on_document(struct reader *r, const yaml_event_t *e)
{
	if (e->data.document_start.tag_directives.start !=
	    e->data.document_start.tag_directives.end)
		return refuse(r, ERR_UNSAFE, &e->start_mark, "tag directives are not supported");
	if (r->has_document)
		return refuse(r, ERR_MALFORMED, &e->start_mark, "only one document is expected");
	r->has_document = true;
	return 0;
}

static int check_properties(struct reader *r, const yaml_event_t *e, const yaml_char_t *anchor,
			    const yaml_char_t *tag)
{
	if (anchor)
		return refuse(r, ERR_UNSAFE, &e->start_mark, "anchors (&) are not supported");
	if (tag)
		return refuse(r, ERR_UNSAFE, &e->start_mark,
			      "tags (!) are not supported; quote a text that starts with !");
	return 0;
}

static int on_event(struct reader *r, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		return on_document(r, e);
	case YAML_ALIAS_EVENT:
		return refuse(r, ERR_UNSAFE, &e->start_mark,
			      "aliases (*) are not supported; quote a text that starts with *");
	case YAML_SCALAR_EVENT:
		if (check_properties(r, e, e->data.scalar.anchor, e->data.scalar.tag))
			return -1;
		return on_scalar(r, e);
	case YAML_SEQUENCE_START_EVENT:
		if (check_properties(r, e, e->data.sequence_start.anchor,
				     e->data.sequence_start.tag))
			return -1;
		return open_node(r, YAML_LIST, &e->start_mark);
	case YAML_MAPPING_START_EVENT:
		if (check_properties(r, e, e->data.mapping_start.anchor, e->data.mapping_start.tag))
			return -1;
		return open_node(r, YAML_MAP, &e->start_mark);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return close_node(r);
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
	return 0;
}

/* --- errors of libyaml ----------------------------------------------------------------------- */

/* The nth line of the text, from 0. */
static struct str nth_line(struct str text, size_t n)
{
	struct str line = STR("");

	for (size_t i = 0; i <= n; i++) {
		if (!str_next(&text, '\n', &line))
			return STR("");
	}
	return line;
}

/* The likeliest mistake deserves a better word than libyaml has. */
static bool is_indented_by_tab(struct str line)
{
	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] == '\t')
			return true;
		if (line.p[i] != ' ')
			break;
	}
	return false;
}

static int fail_syntax(struct reader *r, const yaml_parser_t *p)
{
	yaml_mark_t at = p->problem_mark;
	const char *problem = p->problem ? p->problem : "cannot be read";
	struct str before;

	if (p->error == YAML_READER_ERROR) {
		/* has an offset in bytes instead of a mark */
		at = (yaml_mark_t){0};
		before = str_sub(r->text, 0, p->problem_offset);
		for (size_t i = 0; i < before.n; i++) {
			at.column = before.p[i] == '\n' ? 0 : at.column + 1;
			at.line += before.p[i] == '\n';
		}
	}
	if (is_indented_by_tab(nth_line(r->text, at.line)))
		return refuse(r, ERR_MALFORMED, &at,
			      "a tab where indentation is expected; use spaces");
	if (!p->context)
		return refuse(r, ERR_MALFORMED, &at, problem);
	return err_set(r->err, ERR_MALFORMED, "line %d, column %d: %s, %s that starts in line %d",
		       line_of(&at), column_of(&at), problem, p->context,
		       line_of(&p->context_mark));
}

/* --- surrogate pairs in JSON ----------------------------------------------------------------- */

/* The two code units of \uD83D\uDE00 at this place. */
static bool is_pair(struct str s, unsigned unit[2])
{
	if (s.n < 12)
		return false;
	for (size_t i = 0; i < 2; i++) {
		const char *p = s.p + 6 * i;

		if (p[0] != '\\' || p[1] != 'u')
			return false;
		unit[i] = 0;
		for (size_t j = 2; j < 6; j++) {
			const char *digits = "0123456789abcdef";
			const char *d = strchr(digits, p[j] | (p[j] >= 'A' ? 0x20 : 0));

			if (!d || !*d)
				return false;
			unit[i] = unit[i] * 16 + (unsigned)(d - digits);
		}
	}
	return (unit[0] & 0xFC00) == 0xD800 && (unit[1] & 0xFC00) == 0xDC00;
}

static struct str join_all(struct arena *a, struct str text)
{
	struct buf b;
	struct str out;

	buf_init(&b, LIMIT_PLAN_BYTES);
	for (size_t i = 0; i < text.n;) {
		unsigned unit[2];

		if (is_pair(str_sub(text, i, text.n), unit)) {
			buf_addf(&b, "\\U%08X",
				 0x10000 + ((unit[0] & 0x3FF) << 10) + (unit[1] & 0x3FF));
			i += 12;
		} else {
			/* an escaped backslash is not the start of an escape */
			size_t n = text.p[i] == '\\' ? 2 : 1;

			buf_add_str(&b, str_sub(text, i, i + n));
			i += n;
		}
	}
	out = (struct str){str_dup(a, buf_str(&b)), b.n};
	buf_release(&b);
	return out;
}

/*
 * What stands for a pair in JSON is text in YAML's plain and single-quoted scalars. So it has to be
 * known that the document is JSON throughout, which a JSON parser tells best. Columns behind a pair
 * on the same line come out smaller by two.
 */
static struct str join_surrogates(struct arena *a, struct str text)
{
	struct str start = str_trim(text);
	struct err ignored = ERR_INIT;
	struct json *root;

	if ((!str_starts(start, "{") && !str_starts(start, "[")) ||
	    !memmem(text.p, text.n, "\\u", 2) || json_parse(a, text, &root, &ignored))
		return text;
	return join_all(a, text);
}

/* --- parsing --------------------------------------------------------------------------------- */

static int check_utf8(struct str text, struct err *err)
{
	struct str rest = text, line;
	int n = 0;

	if (str_is_utf8(text))
		return 0;
	while (str_next(&rest, '\n', &line) && str_is_utf8(line))
		n++;
	return err_set(err, ERR_MALFORMED, "line %d, column 1: not UTF-8 text", n + 1);
}

static int run_libyaml(struct reader *r)
{
	yaml_parser_t p;
	yaml_event_t e;
	bool over = false;
	int rc = 0;

	if (!yaml_parser_initialize(&p))
		abort(); /* out of memory, as in xmalloc() */
	yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p, (const unsigned char *)r->text.p, r->text.n);
	while (!rc && !over) {
		if (!yaml_parser_parse(&p, &e)) {
			rc = fail_syntax(r, &p);
			break;
		}
		rc = on_event(r, &e);
		over = e.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&p);
	return rc;
}

int yaml_parse(struct arena *a, struct str text, struct yaml **root, struct err *err)
{
	struct reader r = {.arena = a, .err = err};

	if (text.n > LIMIT_PLAN_BYTES)
		return err_set(err, ERR_LIMIT, "document of %zu bytes is larger than %u", text.n,
			       LIMIT_PLAN_BYTES);
	if (str_starts(text, "\xEF\xBB\xBF"))
		text = str_sub(text, 3, text.n);
	if (check_utf8(text, err))
		return -1;
	r.text = text.n > 0 ? join_surrogates(a, text) : STR("");
	if (run_libyaml(&r))
		return -1;
	if (!r.root)
		return err_set(err, ERR_MALFORMED, "line 1, column 1: the document is empty");
	*root = r.root;
	return 0;
}

/* --- reading the tree ------------------------------------------------------------------------ */

const struct yaml *yaml_get(const struct yaml *map, const char *key)
{
	if (!map || map->type != YAML_MAP)
		return NULL;
	yaml_each(v, map) {
		if (str_is(v->key, key))
			return v->type == YAML_NULL ? NULL : v;
	}
	return NULL;
}
