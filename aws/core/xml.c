#include "aws/core/xml.h"

#include <assert.h>
#include <expat.h>
#include <stdlib.h>

#include "aws/core/limits.h"

/*
 * The XML reader: expat's events become a tree in the arena. A document type is refused before its
 * content is looked at, so there are no entities to expand and none to fetch. Character data comes
 * in pieces and is gathered in one buffer for each open level, because a parent's text goes on
 * after its child.
 *
 * Accessors hand out trimmed text as C strings from const nodes. So where an element's text ends in
 * white space, a second, trimmed copy stands right behind the NUL of the first; see store_text()
 * and trimmed().
 */

struct frame {
	struct xml *node;
	struct xml **tail; /* where the next child is linked in */
};

struct reader {
	struct arena *arena;
	XML_Parser parser;
	struct xml *root;
	struct frame stack[LIMIT_DOC_DEPTH];
	struct buf text[LIMIT_DOC_DEPTH]; /* kept from element to element */
	size_t depth;
	size_t n_nodes;
	bool failed; /* err says why; expat may still deliver an event or two */
	struct err *err;
};

static void stop(struct reader *r)
{
	r->failed = true;
	XML_StopParser(r->parser, XML_FALSE);
}

/* --- what expat calls ------------------------------------------------------------------------ */

static struct str local_name(const char *name)
{
	const char *colon = strrchr(name, ':');

	return str_from(colon ? colon + 1 : name);
}

static void XMLCALL on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	struct reader *r = arg;
	struct str local = local_name(name);
	struct xml *node;

	(void)attributes;
	if (r->failed)
		return;
	if (r->depth == LIMIT_DOC_DEPTH || r->n_nodes == LIMIT_DOC_NODES) {
		err_set(r->err, ERR_LIMIT, "XML document has more than %d %s",
			r->depth == LIMIT_DOC_DEPTH ? LIMIT_DOC_DEPTH : LIMIT_DOC_NODES,
			r->depth == LIMIT_DOC_DEPTH ? "levels" : "elements");
		stop(r);
		return;
	}
	r->n_nodes++;
	node = arena_new_of(r->arena, struct xml);
	node->name = (struct str){arena_strndup(r->arena, local.p, local.n), local.n};
	if (r->depth > 0) {
		*r->stack[r->depth - 1].tail = node;
		r->stack[r->depth - 1].tail = &node->next;
	} else {
		r->root = node;
	}
	buf_clear(&r->text[r->depth]);
	r->stack[r->depth++] = (struct frame){node, &node->first};
}

static bool has_trimmed_copy(struct str text)
{
	struct str core = str_trim(text);

	return core.n > 0 && core.p + core.n != text.p + text.n;
}

static struct str store_text(struct arena *a, struct str text)
{
	struct str core = str_trim(text);
	size_t extra = has_trimmed_copy(text) ? core.n + 1 : 0;
	char *p;

	if (text.n == 0)
		return STR("");
	p = arena_alloc(a, text.n + 1 + extra); /* zeroed: both copies end in NUL */
	memcpy(p, text.p, text.n);
	if (extra > 0)
		memcpy(p + text.n + 1, core.p, core.n);
	return (struct str){p, text.n};
}

static void XMLCALL on_end(void *arg, const XML_Char *name)
{
	struct reader *r = arg;

	(void)name;
	if (r->failed)
		return;
	assert(r->depth > 0);
	r->depth--;
	r->stack[r->depth].node->text = store_text(r->arena, buf_str(&r->text[r->depth]));
}

static void XMLCALL on_text(void *arg, const XML_Char *p, int n)
{
	struct reader *r = arg;

	if (!r->failed && r->depth > 0)
		buf_add(&r->text[r->depth - 1], p, (size_t)n);
}

static void XMLCALL on_doctype(void *arg, const XML_Char *name, const XML_Char *system_id,
			       const XML_Char *public_id, int has_internal_subset)
{
	struct reader *r = arg;

	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_internal_subset;
	err_set(r->err, ERR_UNSAFE, "XML document declares a document type");
	stop(r);
}

/* --- parsing --------------------------------------------------------------------------------- */

static int fail_syntax(XML_Parser p, struct err *err)
{
	enum XML_Error code = XML_GetErrorCode(p);

	return err_set(err, code == XML_ERROR_UNDEFINED_ENTITY ? ERR_UNSAFE : ERR_MALFORMED,
		       "XML line %lu, column %lu: %s", (unsigned long)XML_GetCurrentLineNumber(p),
		       (unsigned long)XML_GetCurrentColumnNumber(p) + 1, XML_ErrorString(code));
}

static int run_expat(struct reader *r, struct str text, struct err *err)
{
	static const XML_Memory_Handling_Suite memory = {xmalloc, xrealloc, free};
	enum XML_Status status;

	/* what the document says of its encoding is not heard */
	r->parser = XML_ParserCreate_MM("UTF-8", &memory, NULL);
	assert(r->parser);
	XML_SetUserData(r->parser, r);
	XML_SetElementHandler(r->parser, on_start, on_end);
	XML_SetCharacterDataHandler(r->parser, on_text);
	XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
	status = XML_Parse(r->parser, text.p, (int)text.n, XML_TRUE);
	if (status != XML_STATUS_OK && !r->failed) {
		fail_syntax(r->parser, err);
		r->failed = true;
	}
	XML_ParserFree(r->parser);
	return r->failed ? -1 : 0;
}

int xml_parse(struct arena *a, struct str text, struct xml **root, struct err *err)
{
	struct reader *r;
	int rc;

	if (text.n > LIMIT_API_BODY)
		return err_set(err, ERR_LIMIT, "XML document of %zu bytes is larger than %u",
			       text.n, LIMIT_API_BODY);
	if (text.n == 0)
		return err_set(err, ERR_MALFORMED, "XML document is empty");
	if (!str_is_utf8(text)) /* expat would take UTF-16 for what it is */
		return err_set(err, ERR_MALFORMED, "XML document is not UTF-8 or contains NUL");
	r = xcalloc(1, sizeof(*r));
	r->arena = a;
	r->err = err;
	for (size_t i = 0; i < LIMIT_DOC_DEPTH; i++)
		buf_init(&r->text[i], LIMIT_API_BODY);
	rc = run_expat(r, text, err);
	if (!rc) {
		assert(r->root && r->depth == 0);
		*root = r->root;
	}
	for (size_t i = 0; i < LIMIT_DOC_DEPTH; i++)
		buf_release(&r->text[i]);
	free(r);
	return rc;
}

/* --- reading the tree ------------------------------------------------------------------------ */

static const struct xml *child_named(const struct xml *node, struct str name)
{
	if (!node)
		return NULL;
	for (const struct xml *c = node->first; c; c = c->next) {
		if (str_eq(c->name, name))
			return c;
	}
	return NULL;
}

const struct xml *xml_at(const struct xml *node, const char *path)
{
	struct str rest = str_from(path);
	struct str name;

	while (node && str_next(&rest, '/', &name))
		node = child_named(node, name);
	return node;
}

/* Trimmed and NUL-terminated. */
static struct str trimmed(struct str text)
{
	struct str core = str_trim(text);

	if (core.n == 0)
		return STR("");
	if (has_trimmed_copy(text))
		core.p = text.p + text.n + 1;
	return core;
}

struct str xml_text(const struct xml *node, const char *path)
{
	node = xml_at(node, path);
	return node ? trimmed(node->text) : STR("");
}

const char *xml_cstr(const struct xml *node, const char *path)
{
	node = xml_at(node, path);
	return node ? trimmed(node->text).p : NULL;
}

bool xml_i64(const struct xml *node, const char *path, int64_t *out)
{
	return str_parse_i64(xml_text(node, path), INT64_MIN, INT64_MAX, out);
}

static const struct xml *same_or_later(const struct xml *node, const char *name)
{
	while (node && name && !str_is(node->name, name))
		node = node->next;
	return node;
}

const struct xml *xml_first(const struct xml *node, const char *name)
{
	return node ? same_or_later(node->first, name) : NULL;
}

const struct xml *xml_next(const struct xml *node, const char *name)
{
	return node ? same_or_later(node->next, name) : NULL;
}

/* --- writing --------------------------------------------------------------------------------- */

static const char *reference_for(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&apos;";
	case '\r':
		return "&#13;";
	case '\n':
		return "&#10;";
	default:
		return NULL;
	}
}

void xml_escape(struct buf *b, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		const char *reference = reference_for(text.p[i]);

		if (reference)
			buf_adds(b, reference);
		else
			buf_addc(b, text.p[i]);
	}
}
