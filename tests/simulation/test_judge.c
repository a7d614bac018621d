#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/simulation/court.h"

/*
 * Who judges the judge: it is told of a rollout in which everything is as it must be and finds
 * nothing, and of one that breaks an invariant, one test for each, and finds exactly that.
 */

/* --- nothing is wrong ----------------------------------------------------------------------- */

static void a_good_release_breaks_nothing(void **state)
{
	struct court *c = court_convene();

	(void)state;
	court_told(c, true, false);
	court_step(c, 10);
	court_watch(c, 2 * M);
	court_step(c, 50);
	court_watch(c, 2 * M);
	court_promote(c);
	court_watch(c, 2 * M);
	court_report(c, true, "");
	judge_over(&c->j, c->r);
	judge_end_of_action(&c->j, c->now, "p0", "Succeeded", true, false);
	judge_end_of_site(&c->j, c->now, c->site, false);
	judge_end_of_worker(&c->j, c->now, "");
	judge_text(&c->j, c->now, "the log", NULL);
	court_expect_nothing(c);
	for (int i = 0; i < INVARIANT_COUNT; i++)
		if (i != INVARIANT_REACTION && i != INVARIANT_RESTORED && i != INVARIANT_RATE)
			assert_true(c->j.checks[i] > 0);
}

static void a_bad_release_that_goes_back_breaks_nothing(void **state)
{
	struct court *c = court_convene();

	(void)state;
	court_told(c, true, false);
	court_step(c, 10);
	c->now += M;
	court_told(c, false, true);
	judge_time(&c->j, c->now);
	c->now += 15 * S;
	court_restore(c);
	court_report(c, false, "The baseline carries all traffic");
	court_expect_nothing(c);
	assert_int_equal(c->j.n_reactions, 1);
	assert_int_equal(c->j.reactions_ms[0], 15 * S);
}

/* --- one invariant after the other ---------------------------------------------------------- */

static void shares_beyond_the_whole(void **state)
{
	struct court *c = court_convene();
	struct judge_shares over = {.n = 2, .of = {{BLUE, 60}, {GREEN, 60}}};
	struct judge_shares under = {.n = 2, .of = {{BLUE, 110}, {GREEN, -10}}};

	(void)state;
	judge_split(&c->j, c->now, c->site, CAUSED_BY_HAND, NULL, NULL, &over);
	court_expect(c, INVARIANT_RANGE);
	c = court_convene();
	judge_split(&c->j, c->now, c->site, CAUSED_BY_HAND, NULL, NULL, &under);
	court_expect(c, INVARIANT_RANGE);
}

static void more_than_was_decided(void **state)
{
	struct court *c = court_convene();
	struct judge_act a = court_act(c, DECIDE_SPLIT, 10);

	(void)state;
	court_told(c, true, false);
	court_make(c, &a, 12);
	court_expect(c, INVARIANT_DECIDED);
}

static void a_promotion_that_is_none(void **state)
{
	struct court *c = court_convene();
	struct judge_act a = court_act(c, DECIDE_PROMOTE, 100);

	(void)state;
	court_told(c, true, false);
	court_make(c, &a, 90);
	court_expect(c, INVARIANT_DECIDED);
}

static void a_way_back_that_leaves_something(void **state)
{
	struct court *c = court_convene();
	struct judge_act a;

	(void)state;
	court_told(c, true, false);
	court_step(c, 10);
	a = court_act(c, DECIDE_RESTORE, 0);
	court_make(c, &a, 5);
	court_expect(c, INVARIANT_DECIDED);
}

static void a_split_by_an_act_for_something_else(void **state)
{
	struct court *c = court_convene();
	struct judge_act a = court_act(c, DECIDE_PREPARE, 0);

	(void)state;
	court_make(c, &a, 10);
	court_expect(c, INVARIANT_DECIDED);
}

static void a_split_by_nobodys_rollout(void **state)
{
	struct court *c = court_convene();
	struct judge_shares now = court_shares(10);

	(void)state;
	judge_split(&c->j, c->now, c->site, CAUSED_BY_WORKER, NULL, NULL, &now);
	court_expect(c, INVARIANT_DECIDED);
}

static void a_service_that_goes_too_far(void **state)
{
	struct court *c = court_convene();
	struct judge_shares now = court_shares(50);

	(void)state;
	court_told(c, true, false);
	court_step(c, 10);
	judge_split(&c->j, c->now, c->site, CAUSED_BY_SERVICE, NULL, NULL, &now);
	court_expect(c, INVARIANT_DECIDED);
}

static void two_rollouts_at_one_target(void **state)
{
	struct court *c = court_convene();
	struct judge_act a = court_act(c, DECIDE_SPLIT, 10);
	struct judge_rollout *other;

	(void)state;
	court_told(c, true, false);
	court_step(c, 10);
	other = judge_rollout(&c->j, "r-2", c->site, 2 * M);
	judge_inspected(&c->j, other, true);
	judge_act(&c->j, other, &a);
	court_expect(c, INVARIANT_ONE_WRITER);
}

/* Whoever lets go of the target may not come back to it while another one has it. */
static void one_that_comes_back_to_its_target(void **state)
{
	struct court *c = court_convene();
	struct judge_act a = court_act(c, DECIDE_RESTORE, 0);
	struct judge_rollout *other;

	(void)state;
	court_told(c, true, false);
	court_step(c, 10);
	judge_left(&c->j, c->r);
	other = judge_rollout(&c->j, "r-2", c->site, 2 * M);
	judge_inspected(&c->j, other, true);
	a.kind = DECIDE_PREPARE;
	judge_act(&c->j, other, &a);
	assert_false(c->j.failed);
	a.kind = DECIDE_RESTORE;
	judge_act(&c->j, c->r, &a);
	court_expect(c, INVARIANT_ONE_WRITER);
}

static void two_workers_lock_nothing_for_each_other(void **state)
{
	struct court *c = court_convene();
	struct judge_act a = court_act(c, DECIDE_PREPARE, 0);
	struct judge_rollout *other;

	(void)state;
	judge_met(c->r, 0);
	court_told(c, true, false);
	court_step(c, 10);
	other = judge_rollout(&c->j, "r-2", c->site, 2 * M);
	judge_met(other, 1);
	judge_inspected(&c->j, other, true);
	judge_act(&c->j, other, &a);
	assert_false(c->j.failed);
}

static void a_step_by_one_who_has_no_job(void **state)
{
	struct court *c = court_convene();
	struct judge_act a = court_act(c, DECIDE_SPLIT, 10);

	(void)state;
	court_told(c, true, false);
	a.holds = false;
	judge_act(&c->j, c->r, &a);
	court_expect(c, INVARIANT_ONE_WRITER);
}

static void a_write_before_the_token(void **state)
{
	struct court *c = court_convene();
	struct judge_act a = court_act(c, DECIDE_PREPARE, 0);

	(void)state;
	a.token = false;
	judge_act(&c->j, c->r, &a);
	court_expect(c, INVARIANT_TOKEN_FIRST);
}

static void a_step_on_a_red_alarm(void **state)
{
	struct court *c = court_convene();

	(void)state;
	court_told(c, false, true);
	court_step(c, 10);
	court_expect(c, INVARIANT_FRESH);
}

static void a_step_before_its_time(void **state)
{
	struct court *c = court_convene();

	(void)state;
	court_told(c, true, false);
	court_step(c, 10);
	court_watch(c, M);
	court_step(c, 50);
	court_expect(c, INVARIANT_FRESH);
}

static void a_step_on_an_old_answer(void **state)
{
	struct court *c = court_convene();

	(void)state;
	court_told(c, true, false);
	court_step(c, 10);
	court_watch(c, 3 * M);
	c->now += 8 * M;
	court_promote(c);
	court_expect(c, INVARIANT_FRESH);
}

static void a_fail_that_nobody_answers(void **state)
{
	struct court *c = court_convene();

	(void)state;
	court_told(c, true, false);
	court_step(c, 10);
	c->now += M;
	court_told(c, false, true);
	judge_time(&c->j, c->now);
	c->now += 2 * M;
	judge_time(&c->j, c->now);
	court_expect_nothing(c);
	c->now += S;
	judge_time(&c->j, c->now);
	court_expect(c, INVARIANT_REACTION);
}

static void two_reports(void **state)
{
	struct court *c = court_convene();
	struct judge_report p = {.now_ms = c->now, .of_job = 2, .of_action = 1};

	(void)state;
	judge_reported(&c->j, c->r, &p);
	court_expect(c, INVARIANT_REPORTED);
	c = court_convene();
	p = (struct judge_report){.now_ms = c->now, .of_job = 1, .of_action = 2};
	judge_reported(&c->j, c->r, &p);
	court_expect(c, INVARIANT_REPORTED);
}

static void an_end_that_no_worker_reported(void **state)
{
	struct court *c = court_convene();

	(void)state;
	judge_end_of_action(&c->j, c->now, "p0", "Failed", false, true);
	court_expect_nothing(c);
	judge_end_of_action(&c->j, c->now, "p0", "Failed", false, false);
	court_expect(c, INVARIANT_REPORTED);
}

static void success_that_was_not_read_back(void **state)
{
	struct court *c = court_convene();
	struct judge_act a;

	(void)state;
	court_told(c, true, false);
	court_step(c, 10);
	court_watch(c, 2 * M);
	court_promote(c);
	a = court_act(c, DECIDE_RETIRE, 0);
	judge_act(&c->j, c->r, &a);
	court_report(c, true, "");
	court_expect(c, INVARIANT_READ_BACK);
}

static void success_that_is_not_true(void **state)
{
	struct court *c = court_convene();

	(void)state;
	court_told(c, true, false);
	court_step(c, 10);
	court_report(c, true, "");
	court_expect(c, INVARIANT_READ_BACK);
}

/* Another worker has begun to go back, and this one was quicker with its success. */
static void success_that_a_way_back_came_too_late_for(void **state)
{
	struct court *c = court_convene();
	struct judge_act a = court_act(c, DECIDE_RESTORE, 0);

	(void)state;
	court_told(c, true, false);
	court_step(c, 10);
	court_watch(c, 2 * M);
	court_promote(c);
	judge_act(&c->j, c->r, &a);
	judge_read(&c->j, c->r);
	court_report(c, true, "");
	court_expect_nothing(c);
}

static void success_that_was_taken_back(void **state)
{
	struct court *c = court_convene();

	(void)state;
	court_told(c, true, false);
	court_step(c, 10);
	court_restore(c);
	court_report(c, true, "");
	court_expect(c, INVARIANT_READ_BACK);
}

static void a_restored_target_that_is_not(void **state)
{
	struct court *c = court_convene();

	(void)state;
	court_told(c, true, false);
	court_step(c, 10);
	court_report(c, false, "The baseline carries all traffic");
	court_expect(c, INVARIANT_RESTORED);
}

/* Another rollout takes the target over, and gives GREEN so much. */
static void another_begins(struct court *c, double green)
{
	struct judge_act a = court_act(c, DECIDE_SPLIT, green);
	struct judge_shares now = court_shares(green);
	struct judge_rollout *other = judge_rollout(&c->j, "r-2", c->site, 2 * M);

	judge_left(&c->j, c->r);
	judge_inspected(&c->j, other, true);
	judge_act(&c->j, other, &a);
	judge_split(&c->j, c->now, c->site, CAUSED_BY_WORKER, other, &a, &now);
	court_expect_nothing(c);
}

/* With the proof the target is free, and the proof stays true. */
static void a_failure_told_when_another_has_begun(void **state)
{
	struct court *c = court_convene();

	(void)state;
	court_told(c, true, false);
	court_step(c, 10);
	court_restore(c);
	another_begins(c, 20);
	court_report(c, false, "The baseline carries all traffic");
	court_expect_nothing(c);
}

/* It was not, when the target was left: what comes afterwards does not make it true. */
static void a_failure_that_was_not_true_when_it_left(void **state)
{
	struct court *c = court_convene();
	struct judge_shares now = court_shares(0);

	(void)state;
	court_told(c, true, false);
	court_step(c, 10);
	another_begins(c, 20);
	judge_split(&c->j, c->now, c->site, CAUSED_BY_SERVICE, NULL, NULL, &now);
	court_report(c, false, "The baseline carries all traffic");
	court_expect(c, INVARIANT_RESTORED);
}

static void belongings_that_are_left_behind(void **state)
{
	struct court *c = court_convene();

	(void)state;
	judge_end_of_belongings(&c->j, c->now, "p0", "one group", "one group");
	court_expect_nothing(c);
	judge_end_of_belongings(&c->j, c->now, "p0", "one group", "two groups");
	court_expect(c, INVARIANT_RESTORED);
}

static void too_many_calls(void **state)
{
	struct court *c = court_convene();

	(void)state;
	for (int i = 0; i < 100; i++)
		judge_called(&c->j, c->now, 0);
	judge_called(&c->j, c->now, 1);
	judge_called(&c->j, c->now + M, 0);
	court_expect_nothing(c);
	for (int i = 0; i < 100; i++)
		judge_called(&c->j, c->now + M, 0);
	court_expect(c, INVARIANT_RATE);
}

static void a_secret(void **state)
{
	struct court *c = court_convene();

	(void)state;
	judge_text(&c->j, c->now, "the log", "sim-secret");
	court_expect(c, INVARIANT_SECRET);
	assert_null(strstr(c->j.problem, "sim-secret"));
}

static void traffic_that_is_left_divided(void **state)
{
	struct court *c = court_convene();

	(void)state;
	court_told(c, true, false);
	court_step(c, 10);
	judge_end_of_site(&c->j, c->now, c->site, true);
	court_expect_nothing(c);
	judge_end_of_site(&c->j, c->now, c->site, false);
	court_expect(c, INVARIANT_CLEAN_END);
}

static void work_that_is_left_open(void **state)
{
	struct court *c = court_convene();

	(void)state;
	judge_end_of_worker(&c->j, c->now, "one job");
	court_expect(c, INVARIANT_CLEAN_END);
}

static void an_action_that_never_ends(void **state)
{
	struct court *c = court_convene();

	(void)state;
	judge_end_of_action(&c->j, c->now, "p0", "InProgress", false, true);
	court_expect(c, INVARIANT_ENDS);
}

/* --- what excuses --------------------------------------------------------------------------- */

static void somebodys_hand_excuses_what_it_did_alone(void **state)
{
	struct court *c = court_convene();
	struct judge_shares now = court_shares(70);
	struct judge_act a;

	(void)state;
	court_told(c, true, false);
	court_step(c, 10);
	judge_split(&c->j, c->now, c->site, CAUSED_BY_HAND, NULL, NULL, &now);
	court_report(c, false, "The baseline carries all traffic");
	judge_end_of_site(&c->j, c->now, c->site, false);
	court_expect_nothing(c);
	/* but what a worker makes of it is judged as ever */
	a = court_act(c, DECIDE_RESTORE, 0);
	court_make(c, &a, 30);
	court_expect(c, INVARIANT_DECIDED);
}

static void an_alarm_that_nobody_saw_obliges_nobody(void **state)
{
	struct court *c = court_convene();

	(void)state;
	court_told(c, true, false);
	court_step(c, 10);
	judge_alarm(&c->j, c->now, c->site, true);
	judge_time(&c->j, c->now);
	c->now += 20 * S;
	judge_alarm(&c->j, c->now, c->site, false);
	judge_time(&c->j, c->now);
	c->now += 10 * M;
	judge_time(&c->j, c->now);
	court_expect_nothing(c);
	assert_int_equal(c->j.n_reactions, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_release_breaks_nothing),
		cmocka_unit_test(a_bad_release_that_goes_back_breaks_nothing),
		cmocka_unit_test(shares_beyond_the_whole),
		cmocka_unit_test(more_than_was_decided),
		cmocka_unit_test(a_promotion_that_is_none),
		cmocka_unit_test(a_way_back_that_leaves_something),
		cmocka_unit_test(a_split_by_an_act_for_something_else),
		cmocka_unit_test(a_split_by_nobodys_rollout),
		cmocka_unit_test(a_service_that_goes_too_far),
		cmocka_unit_test(two_rollouts_at_one_target),
		cmocka_unit_test(one_that_comes_back_to_its_target),
		cmocka_unit_test(two_workers_lock_nothing_for_each_other),
		cmocka_unit_test(a_step_by_one_who_has_no_job),
		cmocka_unit_test(a_write_before_the_token),
		cmocka_unit_test(a_step_on_a_red_alarm),
		cmocka_unit_test(a_step_before_its_time),
		cmocka_unit_test(a_step_on_an_old_answer),
		cmocka_unit_test(a_fail_that_nobody_answers),
		cmocka_unit_test(two_reports),
		cmocka_unit_test(an_end_that_no_worker_reported),
		cmocka_unit_test(success_that_was_not_read_back),
		cmocka_unit_test(success_that_is_not_true),
		cmocka_unit_test(success_that_a_way_back_came_too_late_for),
		cmocka_unit_test(success_that_was_taken_back),
		cmocka_unit_test(a_restored_target_that_is_not),
		cmocka_unit_test(a_failure_told_when_another_has_begun),
		cmocka_unit_test(a_failure_that_was_not_true_when_it_left),
		cmocka_unit_test(belongings_that_are_left_behind),
		cmocka_unit_test(too_many_calls),
		cmocka_unit_test(a_secret),
		cmocka_unit_test(traffic_that_is_left_divided),
		cmocka_unit_test(work_that_is_left_open),
		cmocka_unit_test(an_action_that_never_ends),
		cmocka_unit_test(somebodys_hand_excuses_what_it_did_alone),
		cmocka_unit_test(an_alarm_that_nobody_saw_obliges_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
