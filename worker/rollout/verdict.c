#include "worker/rollout/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The lattice: the kinds stand in the order of the enum, the worst last. */

static void clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = ' ';
}

struct verdict verdict_make(enum verdict_kind kind, struct utc at, const char *fmt, ...)
{
	struct verdict v = {.kind = kind, .at = at};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(v.text, sizeof(v.text), fmt, ap);
	va_end(ap);
	clean(v.text);
	return v;
}

struct verdict verdict_join(const struct verdict *v, size_t n, struct utc now)
{
	struct verdict joined;
	size_t worst = 0, same = 0, len;

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
	len = strlen(joined.text);
	if (same > 1)
		snprintf(joined.text + len, sizeof(joined.text) - len, " (and %zu more)", same - 1);
	return joined;
}

const char *verdict_name(enum verdict_kind k)
{
	static const char *const names[] = {[VERDICT_PASS] = "Pass",
					    [VERDICT_UNKNOWN] = "Unknown",
					    [VERDICT_ERROR] = "Error",
					    [VERDICT_FAIL] = "Fail"};

	return names[k];
}
