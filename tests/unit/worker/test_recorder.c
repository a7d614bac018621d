#include "tests/unit/worker/recorder_world.h"

/* What is told to a recorder, and the rows it becomes. */

/* --- put together ----------------------------------------------------------------------------- */

static void hours_without_news_are_one_row(void **state)
{
	struct fixture *f = *state;

	guards(f, 3);
	begin(f, "new");
	for (int64_t t = 0; t < DAY; t += TICK) {
		answer(f, 0, VERDICT_PASS, 5);
		answer(f, 1, VERDICT_PASS, NONE);
		answer(f, 2, VERDICT_UNKNOWN, NONE);
		tick(f);
	}
	write_all(f);
	assert_int_equal(count(f, HISTORY_KIND_COUNT), 6);
	for (int g = 0; g < 3; g++)
		assert_int_equal(of_guard(f, g, DAY / TICK), 1);
	assert_int_equal(count(f, HISTORY_WATCHED), 1);
	assert_int_equal(f->rows[0].count, DAY / TICK);
	assert_int_equal(f->rows[0].until.ms, START + DAY - TICK);
	assert_int_equal(count(f, HISTORY_SPLIT), 1);
	assert_int_equal(f->rows[0].a, 500);
	assert_int_equal(f->rows[0].b, 500);
	assert_string_equal(f->rows[0].word, "split");
}

/* One answer each tick; how many rows it makes. */
static size_t rows_of(struct fixture *f, const double *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		answer(f, 0, VERDICT_PASS, values[i]);
		tick(f);
	}
	write_all(f);
	return of_guard(f, 0, (int64_t)n);
}

/* Within a minute changes of a value alone stay in one row, in whatever order they come. */
static void a_minute_of_values_is_one_row(void **state)
{
	static const double values[] = {1, 1, 2, 2, 3, 3};
	struct fixture *f = *state;

	guards(f, 1);
	begin(f, "new");
	assert_int_equal(rows_of(f, values, 6), 1);
	assert_true(f->rows[0].low == 1 && f->rows[0].high == 3 && f->rows[0].last == 3);
	assert_int_equal(f->rows[0].until.ms - f->rows[0].at.ms, 5 * TICK);
}

static void a_value_after_hours_begins_a_row(void **state)
{
	static const double values[] = {1, 1, 1, 1, 1, 1, 1, 1, 2, 1};
	struct fixture *f = *state;

	guards(f, 1);
	begin(f, "new");
	assert_int_equal(rows_of(f, values, 10), 2);
	assert_true(f->rows[0].low == 1 && f->rows[0].high == 1);
	assert_true(f->rows[1].low == 1 && f->rows[1].high == 2);
}

/* Whether there is a value, the verdict, the threshold, a pause: each begins a row. */
static void what_is_different_begins_a_row(void **state)
{
	struct fixture *f = *state;

	guards(f, 1);
	begin(f, "new");
	answer(f, 0, VERDICT_PASS, 5);
	tick(f);
	answer(f, 0, VERDICT_PASS, NONE);
	tick(f);
	answer(f, 0, VERDICT_UNKNOWN, NONE);
	tick(f);
	answer(f, 0, VERDICT_PASS, 5);
	tick(f);
	answer(f, 0, VERDICT_PASS, 5); /* somebody has edited the alarm */
	f->verdicts[0].measured.limit = 4;
	tick(f);
	f->now.ms += GAP;
	tick(f);
	write_all(f);
	assert_int_equal(of_guard(f, 0, 6), 6);
	assert_true(f->rows[3].limit == 30 && f->rows[4].limit == 4);
	assert_int_equal(count(f, HISTORY_WATCHED), 2);
	assert_int_equal(count(f, HISTORY_SPLIT), 2);
}

/* Of a value of one moment nothing is known between: two of them are two rows. */
static void spots_are_not_joined(void **state)
{
	struct fixture *f = *state;

	guards(f, 1);
	begin(f, "new");
	for (int i = 0; i < 4; i++) {
		answer(f, 0, VERDICT_PASS, i < 2 ? 1 : i);
		f->verdicts[0].measured.is_spot = true;
		tick(f);
	}
	write_all(f);
	assert_int_equal(of_guard(f, 0, 4), 3);
	assert_int_equal(f->rows[0].count, 2);
}

/* --- bounds ----------------------------------------------------------------------------------- */

/* Of guard 1 now and then: what it says instead. */
static const struct {
	int64_t at;
	enum verdict_kind kind;
	double value;
} NEWS[] = {{HOUR, VERDICT_FAIL, 412},
	    {3 * HOUR, VERDICT_ERROR, NONE},
	    {10 * HOUR + TICK, VERDICT_FAIL, 31},
	    {15 * HOUR, VERDICT_UNKNOWN, NONE},
	    {23 * HOUR, VERDICT_FAIL, 99}};
#define N_NEWS (sizeof(NEWS) / sizeof(NEWS[0]))

static void a_busy_day(struct fixture *f)
{
	size_t at = 0;

	for (int64_t t = 0; t < DAY; t += TICK) {
		double value = (double)(t / TICK % 17);

		answer(f, 0, VERDICT_PASS, value);
		answer(f, 1, VERDICT_PASS, value + 1);
		answer(f, 2, t / TICK % 2 ? VERDICT_FAIL : VERDICT_PASS, t / TICK % 2 ? 40 : 1);
		if (at < N_NEWS && t == NEWS[at].at) {
			answer(f, 1, NEWS[at].kind, NEWS[at].value);
			at++;
		}
		tick(f);
	}
	write_all(f);
	assert_int_equal(at, N_NEWS);
}

/* A day of three guards whose values never rest, one of which changes its mind at every tick. */
static void a_day_stays_within_its_bounds(void **state)
{
	struct fixture *f = *state;
	size_t n, at = 0, changes = 0;

	guards(f, 3);
	begin(f, "new");
	a_busy_day(f);
	assert_int_equal(count(f, HISTORY_LOST), 0);
	assert_int_equal(count(f, HISTORY_WATCHED), 1);
	n = of_guard(f, 0, DAY / TICK);
	assert_true(n > HISTORY_GUARD_ROWS / 3 && n <= HISTORY_GUARD_ROWS);
	assert_true(f->rows[0].low == 0 && f->rows[0].high == 16);
	assert_int_equal(f->rows[0].at.ms, START);
	assert_int_equal(f->rows[n - 1].until.ms, START + DAY - TICK);
	/* each of the news is there by itself, at its moment, with its value */
	n = of_guard(f, 1, DAY / TICK);
	assert_true(n <= HISTORY_GUARD_ROWS);
	for (size_t i = 0; i < n; i++) {
		changes += i && strcmp(f->rows[i].word, f->rows[i - 1].word) != 0;
		if (!strcmp(f->rows[i].word, "Pass"))
			continue;
		assert_true(at < N_NEWS);
		assert_string_equal(f->rows[i].word, verdict_name(NEWS[at].kind));
		assert_int_equal(f->rows[i].at.ms, START + NEWS[at].at);
		assert_int_equal(f->rows[i].until.ms, START + NEWS[at].at);
		assert_true(isnan(NEWS[at].value) ? isnan(f->rows[i].last)
						  : f->rows[i].last == NEWS[at].value);
		at++;
	}
	assert_int_equal(at, N_NEWS);
	assert_int_equal(changes, 2 * N_NEWS);
	/* where that cannot be, the worse verdict stands, with the value it was for */
	n = of_guard(f, 2, DAY / TICK);
	assert_true(n <= HISTORY_GUARD_ROWS);
	for (size_t i = 0; i < n; i++)
		if (f->rows[i].count > 1) {
			assert_string_equal(f->rows[i].word, "Fail");
			assert_true(f->rows[i].low == 1 && f->rows[i].high == 40);
			assert_true(f->rows[i].last == 40);
		}
}

static void many_guards_share_the_room(void **state)
{
	struct fixture *f = *state;

	guards(f, LIMIT_GUARDS);
	begin(f, "new");
	for (int64_t t = 0; t < 8 * HOUR; t += TICK) {
		for (size_t g = 0; g < LIMIT_GUARDS; g++)
			answer(f, g, VERDICT_PASS, (double)(t / TICK % 7));
		tick(f);
	}
	write_all(f);
	assert_int_equal(count(f, HISTORY_LOST), 0);
	for (int64_t g = 0; g < LIMIT_GUARDS; g++) {
		size_t n = of_guard(f, g, 8 * HOUR / TICK);

		assert_true(n > 10 && n <= history_guard_rows(LIMIT_GUARDS));
	}
}

/* A split that cannot be read every other time. */
static void splits_are_thinned_out(void **state)
{
	struct fixture *f = *state;
	int64_t looks = 0;

	begin(f, "new");
	for (int64_t t = 0; t < 8 * HOUR; t += TICK) {
		f->seen.target.live = t / TICK % 2 ? LIVE_UNREADABLE : LIVE_SPLIT;
		tick(f);
	}
	write_all(f);
	assert_true(count(f, HISTORY_SPLIT) <= HISTORY_SPLIT_ROWS);
	for (size_t i = 0; i < f->n; i++)
		looks += f->rows[i].count;
	assert_int_equal(looks, 8 * HOUR / TICK);
	assert_int_equal(count(f, HISTORY_LOST), 0);
}

/* What is too much is counted, and which kind it was. */
static void what_is_too_much_is_counted(void **state)
{
	struct fixture *f = *state;
	struct rollout_state to = f->state;
	struct recorder_act act = {.act = "split", .asked_bp = 500};
	struct err no = ERR_INIT;
	int64_t lost[HISTORY_KIND_COUNT] = {0};

	err_set(&no, ERR_REJECTED, "no");
	begin(f, "new");
	for (int i = 0; i < 1000; i++) {
		to.step = i;
		recorder_move(f->r, f->now, &f->state, &to, "again");
		act.now = f->now;
		act.asked_bp = i;
		recorder_act(f->r, &act);
		called(f, "UpdateAlias", "/a", NULL);
		called(f, "GetAlias", arena_printf(f->a, "/%d", i), i % 2 ? &no : NULL);
		recorder_taken_over(f->r, f->now, "other");
		tick(f);
	}
	write_all(f);
	assert_int_equal(count(f, HISTORY_MOVE), HISTORY_MOVE_ROWS);
	assert_int_equal(f->rows[0].a, 0); /* how it began stands */
	assert_int_equal(count(f, HISTORY_ACT), HISTORY_ACT_ROWS);
	assert_int_equal(count(f, HISTORY_CALL), HISTORY_CALL_ROWS);
	assert_int_equal(count(f, HISTORY_CALLS), HISTORY_CALLS_ROWS);
	assert_int_equal(count(f, HISTORY_WORKER), HISTORY_WORKER_ROWS);
	read_rows(f, HISTORY_LOST);
	for (size_t i = 0; i < f->n; i++)
		for (int k = 0; k < HISTORY_KIND_COUNT; k++)
			if (!strcmp(f->rows[i].word, history_kind_name((enum history_kind)k)))
				lost[k] += f->rows[i].count;
	assert_int_equal(lost[HISTORY_MOVE], 1000 - HISTORY_MOVE_ROWS);
	assert_int_equal(lost[HISTORY_ACT], 1000 - HISTORY_ACT_ROWS);
	assert_int_equal(lost[HISTORY_CALL], 1500 - HISTORY_CALL_ROWS);
	assert_int_equal(lost[HISTORY_CALLS], 1001 - HISTORY_CALLS_ROWS);
	assert_int_equal(lost[HISTORY_WORKER], 1001 - HISTORY_WORKER_ROWS);
	assert_int_equal(f->n, 5);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(hours_without_news_are_one_row),
		T(a_minute_of_values_is_one_row),
		T(a_value_after_hours_begins_a_row),
		T(what_is_different_begins_a_row),
		T(spots_are_not_joined),
		T(a_day_stays_within_its_bounds),
		T(many_guards_share_the_room),
		T(splits_are_thinned_out),
		T(what_is_too_much_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
