#include "tests/sim/sim_wire.h"

/*
 * The query protocol as trees, both ways. The depth of a tree is bounded by the number of parts a
 * key may have, so a fixed stack walks it.
 */

/* --- form to tree -------------------------------------------------------------------------- */

/* CloudWatch's numbers, by the last part of the key that is not an index. */
static bool is_number_key(struct str key)
{
	static const char *const keys[] = {
		"Period",      "MaxRecords", "MaxDatapoints", "Value",	 "StorageResolution",
		"SampleCount", "Sum",	     "Minimum",	      "Maximum", "Values",
		"Counts",
	};
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (str_is(key, keys[i]))
			return true;
	return false;
}

static void set_value(struct arena *a, struct json *node, struct str key, struct str value,
		      bool typed)
{
	struct utc t;
	double number;
	node->type = JSON_STRING;
	node->text = (struct str){str_dup(a, value), value.n};
	if (!typed)
		return;
	if ((str_is(key, "StartTime") || str_is(key, "EndTime") || str_is(key, "Timestamp")) &&
	    utc_parse_iso(value, &t)) {
		node->type = JSON_NUMBER;
		node->text = str_from(arena_printf(a, "%.3f", (double)t.ms / 1000));
	} else if (is_number_key(key) && str_parse_double(value, &number)) {
		node->type = JSON_NUMBER;
	} else if (str_is(key, "ReturnData")) {
		node->type = JSON_BOOL;
		node->boolean = str_is(value, "true");
	}
}

static bool is_index(struct str s)
{
	uint64_t n;
	return str_parse_u64(s, 1, 100000, &n);
}

/* The child of that name, made when it is missing. */
static struct json *child_of(struct arena *a, struct json *parent, struct str key)
{
	struct json **at = &parent->first;
	for (; *at; at = &(*at)->next)
		if (str_eq((*at)->key, key))
			return *at;
	*at = arena_new_of(a, struct json);
	(*at)->key = (struct str){str_dup(a, key), key.n};
	(*at)->type = JSON_OBJECT;
	parent->n++;
	return *at;
}

static void add_pair(struct arena *a, struct json *root, struct str key, struct str value,
		     bool typed)
{
	struct str part[SIM_TREE_DEPTH], rest = key, name = key;
	struct json *node = root;
	size_t n = 0;
	while (n < SIM_TREE_DEPTH && str_next(&rest, '.', &part[n]))
		n++;
	if (n == 0 || rest.n)
		return;
	for (size_t i = 0; i < n; i++) {
		/* "member" says that its parent is a list and is no level of its own */
		if (str_is(part[i], "member") && i + 1 < n && is_index(part[i + 1]) && i > 0) {
			node->type = JSON_ARRAY;
			continue;
		}
		if (is_index(part[i]) && i > 0 && !str_is(part[i - 1], "member"))
			node->type = JSON_ARRAY;
		if (node->type != JSON_ARRAY)
			node->type = JSON_OBJECT;
		if (!is_index(part[i]))
			name = part[i];
		node = child_of(a, node, part[i]);
	}
	set_value(a, node, name, value, typed);
}

const struct json *sim_form_tree(struct arena *a, const struct sim_form *f, bool typed)
{
	struct json *root = arena_new_of(a, struct json);
	root->type = JSON_OBJECT;
	for (size_t i = 0; f && i < f->n; i++)
		add_pair(a, root, f->pairs[i].key, f->pairs[i].value, typed);
	return root;
}

/* --- tree to XML --------------------------------------------------------------------------- */

void sim_xml_text(struct buf *b, const char *tag, struct str text)
{
	buf_addf(b, "<%s>", tag);
	xml_escape(b, text);
	buf_addf(b, "</%s>", tag);
}

void sim_xml_i64(struct buf *b, const char *tag, int64_t v)
{
	buf_addf(b, "<%s>%lld</%s>", tag, (long long)v, tag);
}

struct level {
	const struct json *next;
	struct str close; /* tag that ends it; empty for none */
	const char *item; /* tag of elements; NULL: their own keys */
	bool times;	  /* numbers are moments */
};

static void add_scalar(struct buf *b, const struct json *node, bool is_time)
{
	double seconds;
	if (node->type == JSON_NUMBER && is_time && json_double(node, &seconds)) {
		char iso[UTC_ISO_SIZE];
		utc_format_iso((struct utc){(int64_t)(seconds * 1000 + 0.5)}, iso);
		buf_adds(b, iso);
	} else if (node->type == JSON_BOOL) {
		buf_adds(b, node->boolean ? "true" : "false");
	} else {
		xml_escape(b, node->text);
	}
}

void sim_tree_xml(struct buf *b, const struct json *node)
{
	struct level stack[SIM_TREE_DEPTH + 1];
	size_t n = 0;
	if (!node)
		return;
	stack[n++] = (struct level){.next = node->first,
				    .item = node->type == JSON_ARRAY ? "member" : NULL};
	while (n > 0) {
		struct level *top = &stack[n - 1];
		const struct json *child = top->next;
		if (!child) {
			if (top->close.n)
				buf_addf(b, "</" STR_FMT ">", STR_ARG(top->close));
			n--;
			continue;
		}
		top->next = child->next;
		struct str tag = top->item ? str_from(top->item) : child->key;
		bool times = top->times || str_ends(child->key, "Timestamp") ||
			     str_is(child->key, "Timestamps");
		bool is_map = child->type == JSON_ARRAY && str_is(child->key, "entry");
		if (child->type == JSON_NULL)
			continue;
		if (!is_map)
			buf_addf(b, "<" STR_FMT ">", STR_ARG(tag));
		if (child->type != JSON_ARRAY && child->type != JSON_OBJECT) {
			add_scalar(b, child, times);
			buf_addf(b, "</" STR_FMT ">", STR_ARG(tag));
		} else if (n <= SIM_TREE_DEPTH) {
			stack[n++] = (struct level){
				.next = child->first,
				.close = is_map ? (struct str){NULL, 0} : tag,
				.item = child->type == JSON_OBJECT ? NULL
					: is_map		   ? "entry"
								   : "member",
				.times = times,
			};
		} else if (!is_map) {
			buf_addf(b, "</" STR_FMT ">", STR_ARG(tag));
		}
	}
}

void sim_reply_query(const struct sim_exchange *x, const char *xmlns, struct str inner)
{
	struct buf b;
	buf_init(&b, 16u << 20);
	buf_addf(&b, "<%sResponse xmlns=\"%s\">", x->operation, xmlns);
	if (inner.p) {
		buf_addf(&b, "<%sResult>", x->operation);
		buf_add_str(&b, inner);
		buf_addf(&b, "</%sResult>", x->operation);
	}
	buf_addf(&b, "<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>",
		 x->request_id, x->operation);
	sim_reply_xml(x, 200, buf_str(&b));
	buf_release(&b);
}
