#include "worker/rollout/verdict.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "aws/core/str.h"

/*
 * Verdicts and their join. The kinds stand in the order of the enum, the worst last, so that the
 * join is a maximum. Texts come from services and probes: they are cut and cleaned once, here.
 */

struct verdict verdict_make(enum verdict_kind kind, struct utc at, const char *fmt, ...)
{
	struct verdict v = {.kind = kind, .at = at};
	char raw[VERDICT_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	str_copy_clean(v.text, sizeof(v.text), str_from(raw));
	return v;
}

/* Append "(and K more)", for which the text gives way when there is no room. */
static void add_more(struct verdict *v, size_t more)
{
	char suffix[40], head[VERDICT_TEXT_MAX];
	int n = snprintf(suffix, sizeof(suffix), " (and %zu more)", more);

	str_copy(head, sizeof(head) - (size_t)n, str_from(v->text));
	*v = verdict_make(v->kind, v->at, "%s%s", head, suffix);
}

struct verdict verdict_join(const struct verdict *v, size_t n, struct utc now)
{
	struct verdict joined;
	size_t worst = 0, same = 0;

	if (n == 0)
		return verdict_make(VERDICT_UNKNOWN, now, "no guard was asked");
	for (size_t i = 1; i < n; i++)
		if (v[i].kind > v[worst].kind)
			worst = i;
	joined = v[worst];
	for (size_t i = 0; i < n; i++) {
		same += v[i].kind == joined.kind;
		if (v[i].at.ms < joined.at.ms)
			joined.at = v[i].at;
	}
	if (same > 1)
		add_more(&joined, same - 1);
	return joined;
}

const char *verdict_name(enum verdict_kind k)
{
	static const char *const names[] = {[VERDICT_PASS] = "Pass",
					    [VERDICT_UNKNOWN] = "Unknown",
					    [VERDICT_ERROR] = "Error",
					    [VERDICT_FAIL] = "Fail"};

	assert((unsigned)k < sizeof(names) / sizeof(names[0]));
	return names[k];
}
