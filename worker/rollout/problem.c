#include "worker/rollout/problem.h"

#include <stdarg.h>
#include <stdio.h>

#include "aws/core/str.h"

/*
 * The list of problems, one line each. Values, what is quoted in the text, and the name of the file
 * in a place come from people, so all of it is cleaned and cut before it is kept.
 */
#define VALUE_SHOWN 200 /* enough to recognise it by */
#define TEXT_MAX 640

void problems_init(struct problems *p, struct arena *a)
{
	*p = (struct problems){.arena = a};
	p->last = &p->first;
}

static void add(struct problems *p, bool is_warning, const char *place, const char *value,
		const char *what)
{
	struct problem *new = arena_new_of(p->arena, struct problem);
	char shown[VALUE_SHOWN], text[TEXT_MAX], at[TEXT_MAX];

	str_copy_clean(text, sizeof(text), str_from(what));
	str_copy_clean(at, sizeof(at), str_from(place));
	if (value) {
		bool whole = str_copy_clean(shown, sizeof(shown), str_from(value));

		new->text = arena_printf(p->arena, "%s: \"%s%s\": %s", at, shown,
					 whole ? "" : "...", text);
	} else {
		new->text = arena_printf(p->arena, "%s: %s", at, text);
	}
	new->is_warning = is_warning;
	p->n_warnings += is_warning;
	p->n_errors += !is_warning;
	*p->last = new;
	p->last = &new->next;
}

void problem_add(struct problems *p, const char *place, const char *value, const char *fmt, ...)
{
	char what[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	add(p, false, place, value, what);
}

void problem_busy(struct problems *p, const char *place, const char *value, const char *fmt, ...)
{
	char what[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	add(p, false, place, value, what);
	p->n_busy++;
}

void problem_warn(struct problems *p, const char *place, const char *value, const char *fmt, ...)
{
	char what[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	add(p, true, place, value, what);
}

/*
 * A line is added whole or not at all. What does not fit is counted in a last line, for which room
 * is kept: a list that ends silently would be taken for the whole.
 */
struct lines {
	struct buf *out;
	size_t n, left_out;
};

#define ROOM_FOR_COUNT 40

static void add_line(struct lines *l, const struct problem *i)
{
	const char *mark = i->is_warning ? "warning: " : "";
	size_t size = strlen(mark) + strlen(i->text) + 1;

	if (l->left_out || size + ROOM_FOR_COUNT > l->out->max - l->out->n) {
		l->left_out++;
		return;
	}
	buf_addf(l->out, "%s%s%s", l->n++ ? "\n" : "", mark, i->text);
}

void problems_format(const struct problems *p, struct buf *out)
{
	struct lines l = {.out = out};

	for (const struct problem *i = p->first; i; i = i->next)
		if (!i->is_warning)
			add_line(&l, i);
	for (const struct problem *i = p->first; i; i = i->next)
		if (i->is_warning)
			add_line(&l, i);
	if (l.left_out)
		buf_addf(out, "%sand %zu more", l.n ? "\n" : "", l.left_out);
}
