#include <stdlib.h>

#include "tests/sim/sim_wire.h"

/*
 * Parameters of query requests: which ones an operation has, and members that are kept as they were
 * written and answered again.
 */

/* --- what an operation has ----------------------------------------------------------------- */

static bool is_number(struct str s)
{
	uint64_t n;
	return str_parse_u64(s, 1, 100000, &n);
}

/* Does the key fit the pattern? A list's own name fits the pattern of its elements. */
static bool fits(struct str key, struct str pattern)
{
	struct str have, want;
	while (str_next(&key, '.', &have)) {
		if (!str_next(&pattern, '.', &want))
			return false;
		if (str_is(want, "*"))
			return true;
		if (str_is(want, "N") ? !is_number(have) : !str_eq(want, have))
			return false;
	}
	return !pattern.n || str_is(pattern, "*") || str_is(pattern, "N") ||
	       str_starts(pattern, "member.N");
}

struct str sim_form_unknown(const struct sim_exchange *x, const char *known)
{
	for (size_t i = 0; x->form && i < x->form->n; i++) {
		struct str key = x->form->pairs[i].key, rest = str_from(known), pattern;
		bool is = str_is(key, "Action") || str_is(key, "Version");
		while (!is && str_next(&rest, ' ', &pattern))
			is = pattern.n && fits(key, pattern);
		if (!is)
			return key;
	}
	return STR("");
}

/* --- members that are kept ----------------------------------------------------------------- */

char *sim_member_xml(const struct json *member)
{
	struct json copy = *member, root = {.type = JSON_OBJECT, .first = &copy, .n = 1};
	struct buf b;
	copy.next = NULL;
	buf_init(&b, 1u << 20);
	sim_tree_xml(&b, &root);
	return buf_take(&b);
}

void sim_field_set(struct sim_fields *f, const char *name, char *xml)
{
	size_t i = 0;
	while (i < f->n && strcmp(f->all[i].name, name) != 0)
		i++;
	if (i < f->n) {
		free(f->all[i].xml);
		f->all[i].xml = xml;
		return;
	}
	f->all = xrealloc(f->all, (f->n + 1) * sizeof(*f->all));
	f->all[f->n++] = (struct sim_field){xstrdup(name), xml};
}

void sim_fields_write(struct buf *b, const struct sim_fields *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->all[i].xml)
			buf_adds(b, f->all[i].xml);
}

void sim_fields_release(struct sim_fields *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->all[i].name);
		free(f->all[i].xml);
	}
	free(f->all);
	*f = (struct sim_fields){0, NULL};
}

/* --- the EC2 protocol ---------------------------------------------------------------------- */

struct level {
	const struct json *next;
	char close[80];	  /* tag that ends it */
	const char *item; /* tag of its children; NULL: their own names */
};

/* Members whose name in an answer is not made by the rule. */
static const struct {
	const char *sent, *told;
} other_names[] = {
	{"LicenseSpecification", "licenseSet"},
};

static void tag_of(const struct json *node, char out[80])
{
	const char *set = node->type == JSON_ARRAY ? "Set" : "";
	struct buf b;
	buf_init(&b, 79);
	for (size_t i = 0; i < sizeof(other_names) / sizeof(other_names[0]); i++) {
		if (str_is(node->key, other_names[i].sent)) {
			(void)str_copy(out, 80, str_from(other_names[i].told));
			return;
		}
	}
	if (node->key.n) {
		char c = node->key.p[0];
		buf_addc(&b, (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c));
		buf_add_str(&b, str_sub(node->key, 1, node->key.n));
	}
	buf_adds(&b, set);
	(void)str_copy(out, 80, buf_str(&b));
	buf_release(&b);
}

void sim_tree_ec2(struct buf *b, const struct json *node)
{
	struct level stack[SIM_TREE_DEPTH + 1];
	size_t n = 0;
	if (!node)
		return;
	stack[n++] = (struct level){.next = node->first};
	while (n > 0) {
		struct level *top = &stack[n - 1];
		const struct json *child = top->next;
		char tag[80];
		bool groups; /* security groups of a network interface are told in another way */
		if (!child) {
			if (top->close[0])
				buf_addf(b, "</%s>", top->close);
			n--;
			continue;
		}
		top->next = child->next;
		groups = n > 2 && str_is(child->key, "SecurityGroupId");
		if (top->item)
			(void)str_copy(tag, sizeof(tag), str_from(top->item));
		else if (groups)
			(void)str_copy(tag, sizeof(tag), STR("groupSet"));
		else
			tag_of(child, tag);
		buf_addf(b, "<%s>", tag);
		if (child->type != JSON_ARRAY && child->type != JSON_OBJECT) {
			xml_escape(b, child->text);
			buf_addf(b, "</%s>", tag);
		} else if (n <= SIM_TREE_DEPTH) {
			stack[n] = (struct level){.next = child->first,
						  .item = child->type != JSON_ARRAY ? NULL
							  : groups		    ? "groupId"
										    : "item"};
			(void)str_copy(stack[n++].close, 80, str_from(tag));
		}
	}
}
