#include "worker/rollout/plan.h"

#include <stdio.h>

/* The units people write in plans: durations and percentages, read and written. */

static const struct {
	char unit;
	int64_t ms;
} UNITS[] = {{'d', 86400000}, {'h', 3600000}, {'m', 60000}, {'s', 1000}};

#define N_UNITS (sizeof(UNITS) / sizeof(UNITS[0]))
#define DURATION_MAX_MS (366ll * 86400000)

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "1h30m": each unit at most once, the larger one first. */
bool duration_parse(struct str s, int64_t *ms)
{
	int64_t total = 0;
	size_t unit = 0;
	uint64_t n;

	s = str_trim(s);
	if (str_is(s, "0")) {
		*ms = 0;
		return true;
	}
	if (s.n == 0)
		return false;
	while (s.n > 0) {
		size_t digits = 0;

		while (digits < s.n && is_digit(s.p[digits]))
			digits++;
		if (digits == s.n || !str_parse_u64(str_sub(s, 0, digits), 0, 100000000, &n))
			return false;
		while (unit < N_UNITS && UNITS[unit].unit != s.p[digits])
			unit++;
		if (unit == N_UNITS)
			return false;
		total += (int64_t)n * UNITS[unit++].ms;
		s = str_sub(s, digits + 1, s.n);
	}
	if (total > DURATION_MAX_MS)
		return false;
	*ms = total;
	return true;
}

void duration_format(int64_t ms, char out[DURATION_TEXT_SIZE])
{
	int64_t seconds = ms / 1000, h = seconds / 3600, m = seconds / 60 % 60, s = seconds % 60;

	if (ms < 0)
		snprintf(out, DURATION_TEXT_SIZE, "0s");
	else if (h && s)
		snprintf(out, DURATION_TEXT_SIZE, "%lldh%lldm%llds", (long long)h, (long long)m,
			 (long long)s);
	else if (h && m)
		snprintf(out, DURATION_TEXT_SIZE, "%lldh%lldm", (long long)h, (long long)m);
	else if (h)
		snprintf(out, DURATION_TEXT_SIZE, "%lldh", (long long)h);
	else if (m && s)
		snprintf(out, DURATION_TEXT_SIZE, "%lldm%llds", (long long)m, (long long)s);
	else if (m)
		snprintf(out, DURATION_TEXT_SIZE, "%lldm", (long long)m);
	else
		snprintf(out, DURATION_TEXT_SIZE, "%llds", (long long)s);
}

/* Exact: 12.34 is read as digits, not as a binary fraction. */
bool weight_parse(struct str s, int *bp)
{
	struct str whole, part = {0};
	uint64_t n, fraction = 0;
	const char *point;

	s = str_trim(s);
	if (str_ends(s, "%"))
		s = str_trim(str_sub(s, 0, s.n - 1));
	point = s.n ? memchr(s.p, '.', s.n) : NULL;
	whole = point ? str_sub(s, 0, (size_t)(point - s.p)) : s;
	if (point)
		part = str_sub(s, whole.n + 1, s.n);
	if (!str_parse_u64(whole, 0, 1000000, &n))
		return false;
	if (point && (part.n > 2 || !str_parse_u64(part, 0, 99, &fraction)))
		return false;
	if (part.n == 1)
		fraction *= 10;
	*bp = (int)(n * 100 + fraction);
	return true;
}

void weight_format(int bp, char out[WEIGHT_TEXT_SIZE])
{
	int fraction = bp % 100;

	if (fraction == 0)
		snprintf(out, WEIGHT_TEXT_SIZE, "%d%%", bp / 100);
	else if (fraction % 10 == 0)
		snprintf(out, WEIGHT_TEXT_SIZE, "%d.%d%%", bp / 100, fraction / 10);
	else
		snprintf(out, WEIGHT_TEXT_SIZE, "%d.%02d%%", bp / 100, fraction);
}
