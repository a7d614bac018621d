#include "worker/report/history.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "worker/rollout/verdict.h"

const char *history_kind_name(enum history_kind k)
{
	static const char *const names[] = {
#define X(name, text) [HISTORY_##name] = (text),
		HISTORY_KINDS(X)
#undef X
	};

	assert((unsigned)k < HISTORY_KIND_COUNT);
	return names[k];
}

size_t history_guard_rows(size_t n_guards)
{
	size_t each = n_guards ? HISTORY_GUARDS_ROWS / n_guards : HISTORY_GUARD_ROWS;

	if (each > HISTORY_GUARD_ROWS)
		return HISTORY_GUARD_ROWS;
	return each < HISTORY_GUARD_LEAST ? HISTORY_GUARD_LEAST : each;
}

static bool is_same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* Of verdicts the worse, by their names; of anything else the later. */
static int rank(const struct history_row *r)
{
	for (int k = VERDICT_FAIL; r->kind == HISTORY_GUARD && r->word && k >= VERDICT_PASS; k--)
		if (!strcmp(r->word, verdict_name((enum verdict_kind)k)))
			return k;
	return -1;
}

static double least(double a, double b)
{
	return isnan(a) || b < a ? b : a;
}

static double most(double a, double b)
{
	return isnan(a) || b > a ? b : a;
}

/* What comes later is put into the earlier one: the worse says what it was, with its value. */
static void join(struct history_row *to, const struct history_row *later)
{
	const struct history_row *worse = rank(later) >= rank(to) ? later : to;
	const struct history_row *other = worse == later ? to : later;
	struct history_row joined = *worse;

	joined.seq = to->seq;
	joined.at = to->at;
	joined.until = later->until;
	joined.count = to->count + later->count;
	joined.low = least(to->low, later->low);
	joined.high = most(to->high, later->high);
	joined.last = isnan(worse->last) ? other->last : worse->last;
	*to = joined;
}

/* Neighbours once over, as long as more than wanted are left. */
static size_t pass(struct history_row *rows, size_t n, size_t wanted, bool same_only, int64_t *gone,
		   size_t *n_gone)
{
	size_t left = n, to = 0;

	for (size_t i = 0; i < n; i++, to++) {
		bool has_next = i + 1 < n && left > wanted;

		rows[to] = rows[i];
		if (!has_next || (same_only && !is_same(rows[i].word, rows[i + 1].word)))
			continue;
		join(&rows[to], &rows[i + 1]);
		gone[(*n_gone)++] = rows[i + 1].seq;
		left--;
		i++;
	}
	return to;
}

size_t history_thin(struct history_row *rows, size_t n, int64_t *gone, size_t *n_gone)
{
	size_t left = n, before = n + 1;

	*n_gone = 0;
	while (left > n / 2 && left < before) {
		before = left;
		left = pass(rows, left, n / 2, true, gone, n_gone);
	}
	if (left > n * 3 / 4)
		left = pass(rows, left, n / 2, false, gone, n_gone);
	return left;
}
