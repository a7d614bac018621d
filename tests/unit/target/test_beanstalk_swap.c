#include "tests/unit/target/beanstalk_world.h"

/* Blue/green by an exchange of CNAMEs: who has the CNAME, when it is exchanged, and when never. */

static struct row with(const struct row *base, const char *label, const char *cname,
		       const char *status)
{
	struct row r = *base;

	r.label = label;
	r.cname = cname;
	r.status = status;
	return r;
}

static int set_up(void **state)
{
	struct world *w;

	eb_world_set_up(state);
	w = *state;
	remember(w, &clone_record, LABEL, 1);
	environments(w, &live_row, &clone_row);
	fleet(w, "e-live", "v1 v1 v1");
	fleet(w, "e-clone", LABEL " " LABEL " " LABEL);
	no_events(w, "e-live");
	no_events(w, "e-clone");
	settings(w, "shop-prod", "deployed", SIZES("2", "4"));
	settings(w, CLONE, "deployed", SIZES("2", "4"));
	has_template(w, false);
	answers(w, "SwapEnvironmentCNAMEs", "");
	return 0;
}

/* Both, as they are after the exchange. */
static void swapped(struct world *w, const char *status)
{
	const struct row live = with(&live_row, "v1", CLONE DOMAIN, status);
	const struct row clone = with(&clone_row, LABEL, CNAME, status);

	environments(w, &live, &clone);
}

static void who_has_the_cname_has_the_traffic(void **state)
{
	static const struct {
		enum phase phase;
		enum live before, after;
	} cases[] = {
		{PHASE_SHIFT, LIVE_BASELINE, LIVE_CANDIDATE},
		{PHASE_WATCH, LIVE_BASELINE, LIVE_CANDIDATE},
		{PHASE_PROMOTE, LIVE_BASELINE, LIVE_PROMOTED},
		{PHASE_BAKE, LIVE_BASELINE, LIVE_PROMOTED},
		{PHASE_RETIRE, LIVE_BASELINE, LIVE_PROMOTED},
		{PHASE_RESTORE, LIVE_BASELINE, LIVE_CANDIDATE},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		environments(w, &live_row, &clone_row);
		assert_true(expect_live(w, cases[i].phase, cases[i].before, "").settled);
		swapped(w, "Ready");
		assert_true(expect_live(w, cases[i].phase, cases[i].after, "").settled);
		assert_int_equal(look(w, cases[i].phase).traffic.weight_bp, 10000);
		forget_requests(w);
	}
}

static void an_exchange_is_not_over_while_one_of_the_two_is_busy(void **state)
{
	struct world *w = *state;

	swapped(w, "Updating");
	assert_false(look(w, PHASE_SHIFT).settled);
	assert_false(look(w, PHASE_PROMOTE).settled);
	assert_false(look(w, PHASE_RESTORE).settled);
	const struct row live = with(&live_row, "v1", CNAME, "Updating");

	environments(w, &live, &clone_row);
	assert_false(look(w, PHASE_SHIFT).settled);
	assert_false(look(w, PHASE_RESTORE).settled);
}

/* The way back is not over before an exchange whose answer was lost would have shown. */
static void a_lost_exchange_has_time_to_show_on_the_way_back(void **state)
{
	struct world *w = *state;

	w->state.changed_at = w->f->now;
	assert_false(expect_live(w, PHASE_RESTORE, LIVE_BASELINE, "").settled);
	w->f->now.ms += 20000;
	assert_true(look(w, PHASE_RESTORE).settled);
}

static void what_somebody_else_did_is_foreign(void **state)
{
	const struct row stranger = {
		.name = "other", .id = "e-other", .label = "v7", .cname = CNAME};
	const struct row away = with(&live_row, "v1", "x" DOMAIN, NULL);
	const struct row deployed = with(&live_row, "v9", CNAME, NULL);
	const struct row replaced = with(&clone_row, "v9", CNAME, NULL);
	const struct row old = with(&live_row, "v9", CLONE DOMAIN, NULL);
	struct world *w = *state;

	environments(w, &away, &stranger);
	expect_live(w, PHASE_WATCH, LIVE_FOREIGN, "belongs to other");
	environments(w, &away, &clone_row);
	expect_live(w, PHASE_WATCH, LIVE_FOREIGN, "no environment of shop has " CNAME);
	environments(w, &deployed, &clone_row);
	expect_live(w, PHASE_PREPARE, LIVE_FOREIGN, "shop-prod runs v9");
	expect_live(w, PHASE_SHIFT, LIVE_FOREIGN, "somebody else deployed");
	/* on the way back it is judged, not given up */
	expect_live(w, PHASE_RESTORE, LIVE_BASELINE, "");
	environments(w, &away, &replaced);
	expect_live(w, PHASE_WATCH, LIVE_FOREIGN, CLONE " runs v9");
	expect_live(w, PHASE_BAKE, LIVE_FOREIGN, "somebody else deployed");
	/* once promoted, what the old one runs does not matter */
	const struct row clone = with(&clone_row, LABEL, CNAME, NULL);

	environments(w, &old, &clone);
	expect_live(w, PHASE_BAKE, LIVE_PROMOTED, "");
}

static void nobody_has_it_for_a_moment(void **state)
{
	const struct row live = with(&live_row, "v1", NULL, "Updating");
	const struct row clone = with(&clone_row, LABEL, NULL, "Updating");
	const struct row idle = with(&live_row, "v1", NULL, NULL);
	struct world *w = *state;

	environments(w, &live, &clone);
	expect_live(w, PHASE_SHIFT, LIVE_UNREADABLE, "at this moment: shop-prod is Updating");
	environments(w, &idle, &clone);
	expect_live(w, PHASE_SHIFT, LIVE_UNREADABLE, "at this moment: " CLONE);
}

static void what_cannot_be_read_is_said(void **state)
{
	struct target_observation o;
	struct world *w = *state;

	denied(w, "DescribeEnvironments");
	o = look(w, PHASE_WATCH);
	assert_int_equal(o.live, LIVE_UNREADABLE);
	assert_true(o.denied);
	refuses(w, "DescribeEnvironments", 503, "ServiceUnavailable", "m");
	o = expect_live(w, PHASE_WATCH, LIVE_UNREADABLE, "ServiceUnavailable");
	assert_false(o.denied);
	str_copy(w->state.undo, sizeof(w->state.undo), STR("{\"t\":\"lambda\"}"));
	expect_live(w, PHASE_WATCH, LIVE_UNREADABLE, "undo record");
}

static void cancelled_is_no_look(void **state)
{
	struct cancel *cancel = cancel_new();
	struct target_observation o;
	struct world *w = *state;

	w->env.client.cancel = cancel;
	cancel_fire(cancel);
	assert_int_equal(target_beanstalk.observe(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CANCELED);
	w->env.client.cancel = NULL;
	cancel_free(cancel);
	canceled_in(w, PHASE_SHIFT, "DescribeEvents");
	canceled_in(w, PHASE_RESTORE, "DescribeInstancesHealth");
	expect_error(w, prepare(w), ERR_SYSTEM, "DescribeApplicationVersions");
	version_is(w, LABEL, "PROCESSED");
	expect_error(w, prepare(w), ERR_CANCELED, "");
}

/* --- exchanging ------------------------------------------------------------------------------ */

static int split(struct world *w, int weight_bp)
{
	struct target_observation o = look(w, PHASE_SHIFT);

	w->err = ERR_INIT;
	return target_beanstalk.split(&w->env, &w->state, &o, SHARE(weight_bp), &w->err);
}

static int restore(struct world *w)
{
	struct target_observation o = look(w, PHASE_RESTORE);

	w->err = ERR_INIT;
	return target_beanstalk.restore(&w->env, &w->state, &o, &w->err);
}

static void the_shift_exchanges_the_cnames(void **state)
{
	struct world *w = *state;

	assert_int_equal(split(w, 10000), 0);
	assert_string_equal(last_body(w, "POST", "Action=Swap"),
			    "Action=SwapEnvironmentCNAMEs&Version=2010-12-01&SourceEnvironmentId="
			    "e-live&DestinationEnvironmentId=e-clone");
	assert_int_equal(called(w, "SwapEnvironmentCNAMEs"), 1);
}

static void no_share_is_exchanged(void **state)
{
	struct target_observation o;
	struct world *w = *state;

	expect_error(w, split(w, 1000), ERR_REJECTED, "everybody at once");
	o = look(w, PHASE_SHIFT);
	expect_error(w,
		     target_beanstalk.split(&w->env, &w->state, &o,
					    &(struct traffic){.weight_bp = 10000, .segments = 1},
					    &w->err),
		     ERR_REJECTED, "everybody at once");
	assert_int_equal(called(w, "SwapEnvironmentCNAMEs"), 0);
}

static void a_promotion_that_was_undone_is_made_again(void **state)
{
	struct target_observation o;
	struct world *w = *state;

	o = look(w, PHASE_PROMOTE);
	assert_int_equal(target_beanstalk.promote(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(called(w, "SwapEnvironmentCNAMEs"), 1);
}

static void the_way_back_is_the_same_exchange(void **state)
{
	struct world *w = *state;

	swapped(w, "Ready");
	assert_int_equal(restore(w), 0);
	assert_non_null(strstr(last_body(w, "POST", "Action=Swap"),
			       "SourceEnvironmentId=e-clone&DestinationEnvironmentId=e-live"));
}

/* The trap: a second exchange would undo the first. */
static void a_lost_answer_is_never_repeated_blindly(void **state)
{
	struct route *lost;
	struct world *w = *state;

	lost = says(w, "Action=SwapEnvironmentCNAMEs&", 0, "");
	lost->fail = ERR_TIMEOUT;
	lost->sent = true;
	expect_error(w, split(w, 10000), ERR_TIMEOUT, "Swap");
	assert_int_equal(called(w, "SwapEnvironmentCNAMEs"), 1);
	/* the CNAMEs are those of before still, but it has begun */
	event(w, "e-clone", AT(1), "INFO", "swapEnvironmentCNAMEs is starting.");
	expect_error(w, split(w, 10000), ERR_CONFLICT, "was asked for already");
	/* it is over, and the CNAMEs are about to be seen */
	event(w, "e-clone", AT(1), "INFO", "Completed swapping CNAMEs for environments a and b");
	expect_error(w, split(w, 10000), ERR_CONFLICT, "was asked for already");
	assert_int_equal(called(w, "SwapEnvironmentCNAMEs"), 1);
	/* it was over long ago: somebody has exchanged them back since */
	answers(w, "SwapEnvironmentCNAMEs", "");
	w->f->now.ms += 21000;
	assert_int_equal(split(w, 10000), 0);
	assert_int_equal(called(w, "SwapEnvironmentCNAMEs"), 2);
}

static void one_that_failed_is_asked_for_again(void **state)
{
	struct world *w = *state;

	event(w, "e-clone", AT(0), "ERROR", "Failed to swap the CNAMEs");
	expect_error(w, split(w, 10000), ERR_CONFLICT, "already");
	w->f->now.ms += 21000;
	assert_int_equal(split(w, 10000), 0);
	/* and one that was begun and never ended, after some minutes */
	event(w, "e-clone", w->f->now.ms, "INFO", "swapEnvironmentCNAMEs is starting.");
	w->f->now.ms += 299000;
	expect_error(w, split(w, 10000), ERR_CONFLICT, "already");
	w->f->now.ms += 1000;
	assert_int_equal(split(w, 10000), 0);
	event(w, "e-clone", w->f->now.ms, "INFO", "something else");
	assert_int_equal(split(w, 10000), 0);
}

static void nothing_is_exchanged_that_has_changed_since_the_look(void **state)
{
	struct target_observation o;
	struct world *w = *state;

	o = look(w, PHASE_SHIFT);
	swapped(w, "Ready");
	w->err = ERR_INIT;
	expect_error(w, target_beanstalk.split(&w->env, &w->state, &o, SHARE(10000), &w->err),
		     ERR_CONFLICT, "shop-prod does not have");
	o = look(w, PHASE_RESTORE);
	environments(w, &live_row, &clone_row);
	expect_error(w, target_beanstalk.restore(&w->env, &w->state, &o, &w->err), ERR_CONFLICT,
		     CLONE " does not have");
	/* and one that was not looked at in this turn */
	o.lock[0] = '\0';
	swapped(w, "Ready");
	expect_error(w, target_beanstalk.restore(&w->env, &w->state, &o, &w->err), ERR_CONFLICT,
		     "did not when it was looked at");
	assert_int_equal(called(w, "SwapEnvironmentCNAMEs"), 0);
}

static void both_have_to_be_ready(void **state)
{
	const struct row clone = with(&clone_row, LABEL, CLONE DOMAIN, "Updating");
	struct world *w = *state;

	environments(w, &live_row, &clone);
	expect_error(w, split(w, 10000), ERR_CONFLICT, "both have to be Ready");
	environments(w, &live_row, NULL);
	expect_error(w, split(w, 10000), ERR_REJECTED, "no two environments");
	denied(w, "DescribeEvents");
	environments(w, &live_row, &clone_row);
	struct target_observation o = {.live = LIVE_BASELINE, .lock = "e-live"};

	w->err = ERR_INIT;
	expect_error(w, target_beanstalk.split(&w->env, &w->state, &o, SHARE(10000), &w->err),
		     ERR_DENIED, "DescribeEvents");
	assert_int_equal(called(w, "SwapEnvironmentCNAMEs"), 0);
}

/* The trap: an environment that is stuck blocks the undo. */
static void an_update_that_blocks_the_way_back_is_aborted(void **state)
{
	struct row clone = with(&clone_row, LABEL, CNAME, "Updating");
	const struct row live = with(&live_row, "v1", CLONE DOMAIN, NULL);
	struct world *w = *state;

	clone.abortable = "true";
	environments(w, &live, &clone);
	answers(w, "AbortEnvironmentUpdate", "");
	assert_int_equal(restore(w), 0);
	assert_non_null(strstr(last_body(w, "POST", "Action=AbortEnvironmentUpdate"), "e-clone"));
	assert_int_equal(called(w, "SwapEnvironmentCNAMEs"), 0);
	clone.abortable = "false";
	environments(w, &live, &clone);
	expect_error(w, restore(w), ERR_CONFLICT, "both have to be Ready");
	/* nothing is there to go back to */
	environments(w, NULL, &clone);
	expect_error(w, restore(w), ERR_REJECTED, "no two environments");
	denied(w, "DescribeEnvironments");
	expect_error(w, restore(w), ERR_DENIED, "DescribeEnvironments");
	expect_error(w, split(w, 10000), ERR_DENIED, "DescribeEnvironments");
}

/* --- proving --------------------------------------------------------------------------------- */

static void the_baseline_is_proved(void **state)
{
	struct row sick = live_row, basic = live_row, busy_row = live_row;
	struct world *w = *state;

	assert_int_equal(look(w, PHASE_RESTORE).baseline_health.kind, VERDICT_PASS);
	sick.health = "Severe";
	environments(w, &sick, &clone_row);
	assert_int_equal(look(w, PHASE_RESTORE).baseline_health.kind, VERDICT_FAIL);
	busy_row.status = "Updating";
	environments(w, &busy_row, &clone_row);
	assert_int_equal(look(w, PHASE_RESTORE).baseline_health.kind, VERDICT_UNKNOWN);
	environments(w, &live_row, &clone_row);
	fleet(w, "e-live", "v1 v9 v1");
	assert_int_equal(look(w, PHASE_RESTORE).baseline_health.kind, VERDICT_FAIL);
	denied(w, "DescribeInstancesHealth");
	assert_int_equal(look(w, PHASE_RESTORE).baseline_health.kind, VERDICT_ERROR);
	basic.color = "Green";
	environments(w, &basic, &clone_row);
	basic_reporting(w);
	assert_int_equal(look(w, PHASE_RESTORE).baseline_health.kind, VERDICT_PASS);
	basic.color = "Red";
	environments(w, &basic, &clone_row);
	assert_int_equal(look(w, PHASE_RESTORE).baseline_health.kind, VERDICT_FAIL);
	swapped(w, "Ready");
	const struct row clone = with(&clone_row, LABEL, CNAME, NULL);

	environments(w, NULL, &clone);
	assert_int_equal(look(w, PHASE_PROVE).baseline_health.kind, VERDICT_FAIL);
}

static void series_tell_the_two_apart(void **state)
{
	const char *ns, *names[PLAN_DIMENSIONS_MAX], *values[PLAN_DIMENSIONS_MAX];
	struct world *w = *state;

	assert_int_equal(target_beanstalk.series(&w->env, &w->state, true, &ns, names, values), 1);
	assert_string_equal(ns, "AWS/ElasticBeanstalk");
	assert_string_equal(names[0], "EnvironmentName");
	assert_string_equal(values[0], CLONE);
	assert_int_equal(target_beanstalk.series(&w->env, &w->state, false, &ns, names, values), 1);
	assert_string_equal(values[0], "shop-prod");
	w->state.undo[0] = '\0';
	assert_int_equal(target_beanstalk.series(&w->env, &w->state, false, &ns, names, values), 0);
}

static void the_candidate_has_an_address_of_its_own(void **state)
{
	const struct row single = {
		.name = CLONE, .id = "e-clone", .label = LABEL, .endpoint = "192.0.2.1"};
	struct world *w = *state;
	const char *host;

	assert_int_equal(target_beanstalk.address(&w->env, &w->state, &host, &w->err), 0);
	assert_string_equal(host, CLONE DOMAIN);
	swapped(w, "Ready");
	assert_int_equal(target_beanstalk.address(&w->env, &w->state, &host, &w->err), 0);
	assert_string_equal(host, CNAME);
	environments(w, &live_row, &single);
	assert_int_equal(target_beanstalk.address(&w->env, &w->state, &host, &w->err), 0);
	assert_string_equal(host, "192.0.2.1");
	environments(w, &live_row, NULL);
	assert_int_equal(target_beanstalk.address(&w->env, &w->state, &host, &w->err), 0);
	assert_null(host);
	denied(w, "DescribeEnvironments");
	expect_error(w, target_beanstalk.address(&w->env, &w->state, &host, &w->err), ERR_DENIED,
		     "DescribeEnvironments");
}

static void a_record_that_is_none_does_nothing(void **state)
{
	struct target_observation o = {.live = LIVE_BASELINE};
	struct world *w = *state;

	str_copy(w->state.undo, sizeof(w->state.undo), STR("{}"));
	expect_error(w, prepare(w), ERR_MALFORMED, "undo record");
	expect_error(w, target_beanstalk.split(&w->env, &w->state, &o, SHARE(10000), &w->err),
		     ERR_MALFORMED, "undo record");
	expect_error(w, target_beanstalk.promote(&w->env, &w->state, &o, &w->err), ERR_MALFORMED,
		     "undo record");
	expect_error(w, target_beanstalk.restore(&w->env, &w->state, &o, &w->err), ERR_MALFORMED,
		     "undo record");
	expect_error(w, target_beanstalk.retire(&w->env, &w->state, &o, &w->err), ERR_MALFORMED,
		     "undo record");
	expect_error(w, target_beanstalk.discard(&w->env, &w->state, &o, &w->err), ERR_MALFORMED,
		     "undo record");
	assert_int_equal(w->f->n_requests, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(who_has_the_cname_has_the_traffic),
		TEST(an_exchange_is_not_over_while_one_of_the_two_is_busy),
		TEST(a_lost_exchange_has_time_to_show_on_the_way_back),
		TEST(what_somebody_else_did_is_foreign),
		TEST(nobody_has_it_for_a_moment),
		TEST(what_cannot_be_read_is_said),
		TEST(cancelled_is_no_look),
		TEST(the_shift_exchanges_the_cnames),
		TEST(no_share_is_exchanged),
		TEST(a_promotion_that_was_undone_is_made_again),
		TEST(the_way_back_is_the_same_exchange),
		TEST(a_lost_answer_is_never_repeated_blindly),
		TEST(one_that_failed_is_asked_for_again),
		TEST(nothing_is_exchanged_that_has_changed_since_the_look),
		TEST(both_have_to_be_ready),
		TEST(an_update_that_blocks_the_way_back_is_aborted),
		TEST(the_baseline_is_proved),
		TEST(series_tell_the_two_apart),
		TEST(the_candidate_has_an_address_of_its_own),
		TEST(a_record_that_is_none_does_nothing),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
