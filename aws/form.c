#include "aws/form.h"

#include <string.h>

/* The walk keeps a stack of its own: the nesting comes from outside. */

#define KEY_MAX 512 /* the longest key of the models has 214 characters */

void form_add(struct buf *b, const char *name, struct str value)
{
	if (b->n)
		buf_addc(b, '&');
	buf_add_uri(b, str_from(name), false);
	buf_addc(b, '=');
	buf_add_uri(b, value, false);
}

void form_add_text(struct buf *b, const char *name, const char *value)
{
	if (value && *value)
		form_add(b, name, str_from(value));
}

void form_add_i64(struct buf *b, const char *name, int64_t value)
{
	struct buf text;

	buf_init(&text, 32);
	buf_addf(&text, "%lld", (long long)value);
	form_add(b, name, buf_str(&text));
	buf_release(&text);
}

void form_add_bool(struct buf *b, const char *name, bool value)
{
	form_add(b, name, value ? STR("true") : STR("false"));
}

/* --- XML to form parameters ------------------------------------------------------------------ */

/* The key under construction: path[0..n), NUL-terminated. */
struct key {
	char path[KEY_MAX];
	size_t n;
};

static int key_add(struct key *k, struct str part, struct err *err)
{
	if (part.n + 2 > sizeof(k->path) - k->n)
		return err_set(err, ERR_LIMIT, "a member's name is too long to be sent: %.80s...",
			       k->path);
	if (k->n)
		k->path[k->n++] = '.';
	memcpy(k->path + k->n, part.p, part.n);
	k->n += part.n;
	k->path[k->n] = '\0';
	return 0;
}

static int key_add_number(struct key *k, size_t number, struct err *err)
{
	struct buf b;
	int ret;

	buf_init(&b, 24);
	buf_addf(&b, "%zu", number);
	ret = key_add(k, buf_str(&b), err);
	buf_release(&b);
	return ret;
}

/* Append text with every `from` in it replaced. */
static void swap_within(struct buf *out, struct str text, const struct form_swap *swap)
{
	struct str from = str_from(swap->from);
	size_t at = 0;

	while (at < text.n) {
		if (text.n - at >= from.n && memcmp(text.p + at, from.p, from.n) == 0) {
			buf_adds(out, swap->to);
			at += from.n;
		} else {
			buf_addc(out, text.p[at++]);
		}
	}
}

static void add_value(struct buf *b, const struct key *k, struct str text,
		      const struct form_swaps *swaps)
{
	if (str_trim(text).n == 0)
		return;
	for (size_t i = 0; i < swaps->n; i++) {
		const struct form_swap *swap = &swaps->swaps[i];
		struct buf out;

		if (!swap->within && str_is(text, swap->from)) {
			form_add(b, k->path, str_from(swap->to));
			return;
		}
		if (!swap->within || !text.n ||
		    !memmem(text.p, text.n, swap->from, strlen(swap->from)))
			continue;
		buf_init(&out, b->max);
		swap_within(&out, text, swap);
		form_add(b, k->path, buf_str(&out));
		b->over = b->over || out.over;
		buf_release(&out);
		return;
	}
	form_add(b, k->path, text);
}

struct level {
	const struct xml *next; /* sibling to come back to */
	size_t key_n;		/* length of the parent's key */
	size_t items;		/* items seen so far among the siblings */
};

static int walk(struct buf *b, struct key *k, const struct xml *node,
		const struct form_swaps *swaps, struct err *err)
{
	struct level stack[FORM_DEPTH];
	size_t depth = 0;

	stack[0] = (struct level){.next = node->first, .key_n = k->n};
	for (;;) {
		struct level *l = &stack[depth];
		const struct xml *child = l->next;

		k->n = l->key_n;
		if (!child) {
			if (depth == 0)
				return 0;
			depth--;
			continue;
		}
		l->next = child->next;
		if (key_add(k, child->name, err))
			return -1;
		if (str_is(child->name, "member") && key_add_number(k, ++l->items, err))
			return -1;
		if (!child->first) {
			add_value(b, k, child->text, swaps);
			continue;
		}
		if (++depth == FORM_DEPTH)
			return err_set(err, ERR_LIMIT, "%.80s... nests deeper than %d levels",
				       k->path, FORM_DEPTH);
		stack[depth] = (struct level){.next = child->first, .key_n = k->n};
	}
}

int form_add_xml(struct buf *b, const char *name, const struct xml *node,
		 const struct form_swaps *swaps, struct err *err)
{
	static const struct form_swaps none;
	struct key k = {.n = 0};

	if (!swaps)
		swaps = &none;
	if (key_add(&k, str_from(name), err))
		return -1;
	if (!node->first) {
		add_value(b, &k, node->text, swaps);
		return 0;
	}
	return walk(b, &k, node, swaps, err);
}
