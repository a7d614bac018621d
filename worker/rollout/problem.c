#include "worker/rollout/problem.h"

#include <stdarg.h>
#include <stdio.h>

#include "aws/core/limits.h"

void problems_init(struct problems *p, struct arena *a)
{
	*p = (struct problems){.arena = a};
	p->last = &p->first;
}

static void add(struct problems *p, bool is_warning, const char *place, const char *value,
		const char *what)
{
	struct problem *new = arena_new_of(p->arena, struct problem);
	char shown[200];

	if (value) {
		/* people's values may be long and may hold anything */
		bool whole = str_copy_clean(shown, sizeof(shown), str_from(value));

		new->text = arena_printf(p->arena, "%s: \"%s%s\": %s", place, shown,
					 whole ? "" : "...", what);
	} else {
		new->text = arena_printf(p->arena, "%s: %s", place, what);
	}
	new->is_warning = is_warning;
	p->n_warnings += is_warning;
	p->n_errors += !is_warning;
	*p->last = new;
	p->last = &new->next;
}

void problem_add(struct problems *p, const char *place, const char *value, const char *fmt, ...)
{
	char what[640];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	add(p, false, place, value, what);
}

void problem_warn(struct problems *p, const char *place, const char *value, const char *fmt, ...)
{
	char what[640];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	add(p, true, place, value, what);
}

void problems_format(const struct problems *p, struct buf *out)
{
	for (int warnings = 0; warnings < 2; warnings++) {
		for (const struct problem *i = p->first; i; i = i->next) {
			if (i->is_warning != (warnings == 1))
				continue;
			if (out->n)
				buf_addc(out, '\n');
			buf_addf(out, "%s%s", warnings ? "warning: " : "", i->text);
		}
	}
}
