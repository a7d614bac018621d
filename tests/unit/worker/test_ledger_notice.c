#include "worker/ledger_notice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static struct err err;
static struct arena *arena;

static int set_up(void **state)
{
	err = ERR_INIT;
	arena = arena_new();
	*state = ledger_open(":memory:", &err);
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	ledger_close(*state);
	arena_free(arena);
	return 0;
}

static struct ledger_notice notice(int i)
{
	return (struct ledger_notice){.id = arena_printf(arena, "r-1/%d/step", i),
				      .rollout_id = "r-1",
				      .event = "step",
				      .subject = "s",
				      .detail = "{}",
				      .at = {1000 + i},
				      .sinks = NOTICE_TOPIC | NOTICE_BUS};
}

static size_t count(struct ledger *l, enum notice_sink sink)
{
	struct ledger_notice *x;
	size_t n;

	assert_int_equal(ledger_notices(l, sink, 5000, arena, &x, &n, &err), 0);
	return n;
}

static const struct ledger_rollout ROW = {
	.id = "r-1", .token = "t", .seq = 2, .phase = "WATCH", .started = {1}, .updated = {2}};

static void they_come_with_the_state_and_once(void **state)
{
	struct ledger_notice two[] = {notice(1), notice(2)}, *x;
	struct ledger_rollout row = ROW;
	struct ledger *l = *state;
	size_t n, dropped;
	bool whole;

	row.notices = two;
	row.n_notices = 2;
	for (int i = 0; i < 2; i++) { /* the same again changes nothing */
		assert_int_equal(ledger_rollout_save(l, &row, &whole, &dropped, &err), 0);
		assert_true(whole);
		assert_int_equal(dropped, 0);
	}
	assert_int_equal(ledger_notices(l, NOTICE_TOPIC, 10, arena, &x, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(x[0].id, "r-1/1/step");
	assert_string_equal(x[1].detail, "{}");
	/* each place for itself */
	assert_int_equal(ledger_notice_done(l, x[0].n, NOTICE_TOPIC, &err), 0);
	assert_int_equal(count(l, NOTICE_TOPIC), 1);
	assert_int_equal(count(l, NOTICE_BUS), 2);
	assert_int_equal(ledger_notice_done(l, x[0].n, NOTICE_BUS, &err), 0);
	assert_int_equal(count(l, NOTICE_BUS), 1);
}

/* One that cannot be written does not keep the state from being. */
static void a_state_needs_no_notice(void **state)
{
	struct ledger_notice bad = notice(1);
	struct ledger *l = *state;
	struct ledger_rollout row = ROW, *read;
	size_t dropped;
	bool whole;

	bad.detail = NULL; /* the table refuses that */
	row.notices = &bad;
	row.n_notices = 1;
	assert_int_equal(ledger_rollout_save(l, &row, &whole, &dropped, &err), 0);
	assert_false(whole);
	assert_int_equal(ledger_rollout_get(l, "r-1", arena, &read, &err), 0);
	assert_non_null(read);
	assert_int_equal(count(l, NOTICE_BUS), 0);
}

static void there_are_never_too_many(void **state)
{
	struct ledger *l = *state;
	size_t dropped, all = 0;
	struct ledger_notice *x;
	size_t n;

	for (int i = 0; i < LEDGER_NOTICES_MAX + 3; i++) {
		struct ledger_notice one = notice(i);

		assert_int_equal(ledger_notice_put(l, &one, &dropped, &err), 0);
		all += dropped;
	}
	assert_int_equal(all, 3);
	assert_int_equal(ledger_notices(l, NOTICE_BUS, 1, arena, &x, &n, &err), 0);
	assert_string_equal(x[0].id, "r-1/3/step"); /* the oldest made room */
	assert_int_equal(count(l, NOTICE_BUS), LEDGER_NOTICES_MAX);
	assert_int_equal(ledger_notices_expire(l, (struct utc){1000 + 10}, NOTICE_BUS, &n, &err),
			 0);
	assert_int_equal(n, 7);
	assert_int_equal(ledger_notices_expire(l, (struct utc){0}, 0, &n, &err), 0);
	assert_int_equal(count(l, NOTICE_BUS), 0);
}

static void the_backlog_says_what_waits_and_why(void **state)
{
	const struct ledger_report report = {.job_id = "j-1",
					     .rollout_id = "r-1",
					     .operation = "PutJobSuccessResult",
					     .body = "{}",
					     .written = {77}};
	struct ledger_notice one = notice(1), *x;
	struct ledger *l = *state;
	struct ledger_backlog b;
	size_t n, dropped;

	assert_int_equal(ledger_backlog(l, arena, &b, &err), 0);
	assert_true(b.reports == 0 && b.notices == 0 && b.waiting == 0 && !b.problem);
	assert_true(b.oldest_report.ms == 0 && b.oldest_notice.ms == 0);
	assert_int_equal(ledger_report_put(l, &report, &err), 0);
	assert_int_equal(ledger_notice_put(l, &one, &dropped, &err), 0);
	assert_int_equal(ledger_notices(l, NOTICE_BUS, 1, arena, &x, &n, &err), 0);
	assert_int_equal(ledger_notice_tried(l, x[0].n, "denied", &err), 0);
	assert_int_equal(ledger_backlog(l, arena, &b, &err), 0);
	assert_true(b.reports == 1 && b.notices == 1);
	assert_true(b.oldest_report.ms == 77 && b.oldest_notice.ms == 1001);
	assert_string_equal(b.problem, "denied");
	assert_null(ledger_path(l)); /* in memory */
	ledger_freeze(l);
	assert_int_equal(ledger_notice_put(l, &one, &dropped, &err), -1);
	assert_int_equal(ledger_notice_done(l, x[0].n, NOTICE_BUS, &err), -1);
	assert_int_equal(ledger_notice_tried(l, x[0].n, "x", &err), -1);
	assert_int_equal(ledger_notices_expire(l, (struct utc){0}, 0, &n, &err), -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(they_come_with_the_state_and_once),
		TEST(a_state_needs_no_notice),
		TEST(there_are_never_too_many),
		TEST(the_backlog_says_what_waits_and_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
