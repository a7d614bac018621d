#include "worker/rollout/notice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* What each change of state tells. */
struct row {
	enum phase from, to;
	enum ending ending;
	int tells; /* a notice, or NONE */
};
#define NONE (-1)

static const struct row ROWS[] = {
	{PHASE_INSPECT, PHASE_PREPARE, ENDING_NONE, NONE},
	{PHASE_PREPARE, PHASE_INSPECT, ENDING_NONE, NONE},
	{PHASE_PREPARE, PHASE_VERIFY, ENDING_NONE, NONE},
	{PHASE_PREPARE, PHASE_SUCCEEDED, ENDING_SAME, NOTICE_SUCCEEDED},
	{PHASE_VERIFY, PHASE_SHIFT, ENDING_NONE, NONE},
	{PHASE_VERIFY, PHASE_PARKED, ENDING_NONE, NOTICE_WAITING},
	{PHASE_SHIFT, PHASE_WATCH, ENDING_NONE, NOTICE_STEP},
	{PHASE_WATCH, PHASE_SHIFT, ENDING_NONE, NONE},
	{PHASE_WATCH, PHASE_PARKED, ENDING_NONE, NOTICE_WAITING},
	{PHASE_WATCH, PHASE_PROMOTE, ENDING_NONE, NONE},
	{PHASE_PARKED, PHASE_SHIFT, ENDING_NONE, NONE},
	{PHASE_PROMOTE, PHASE_BAKE, ENDING_NONE, NOTICE_PROMOTED},
	{PHASE_BAKE, PHASE_RETIRE, ENDING_NONE, NONE},
	{PHASE_RETIRE, PHASE_SUCCEEDED, ENDING_SERVES, NOTICE_SUCCEEDED},
	{PHASE_WATCH, PHASE_RESTORE, ENDING_NONE, NOTICE_ROLLING_BACK},
	{PHASE_SUCCEEDED, PHASE_RESTORE, ENDING_NONE, NOTICE_ROLLING_BACK},
	{PHASE_RESTORE, PHASE_PROVE, ENDING_NONE, NONE},
	{PHASE_PROVE, PHASE_RESTORE, ENDING_NONE, NONE},
	{PHASE_PROVE, PHASE_FAILED, ENDING_RESTORED, NOTICE_ROLLED_BACK},
	{PHASE_PROVE, PHASE_FAILED, ENDING_UNHEALTHY, NOTICE_NOT_RESTORED},
	{PHASE_RESTORE, PHASE_FAILED, ENDING_UNPROVEN, NOTICE_NOT_RESTORED},
	{PHASE_RESTORE, PHASE_FAILED, ENDING_FOREIGN, NOTICE_FAILED},
	{PHASE_INSPECT, PHASE_FAILED, ENDING_UNTOUCHED, NOTICE_FAILED},
	{PHASE_WATCH, PHASE_FAILED, ENDING_LEFT, NOTICE_FAILED},
	{PHASE_RETIRE, PHASE_FAILED, ENDING_PROMOTED, NOTICE_FAILED},
	/* a save was lost in between: the ends count */
	{PHASE_SHIFT, PHASE_BAKE, ENDING_NONE, NOTICE_PROMOTED},
	{PHASE_WATCH, PHASE_PROVE, ENDING_NONE, NOTICE_ROLLING_BACK},
	{PHASE_WATCH, PHASE_FAILED, ENDING_RESTORED, NOTICE_ROLLED_BACK},
	{PHASE_WATCH, PHASE_WATCH, ENDING_NONE, NONE},
};

static void every_edge_tells_what_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		struct rollout_state from = {.phase = ROWS[i].from};
		struct rollout_state to = {.phase = ROWS[i].to, .ending = ROWS[i].ending};
		enum notice n;
		bool tells = notice_of(&from, &to, &n);

		if (tells != (ROWS[i].tells != NONE) || (tells && (int)n != ROWS[i].tells))
			fail_msg("%s to %s tells %s", phase_name(from.phase), phase_name(to.phase),
				 tells ? notice_name(n) : "nothing");
	}
}

static void a_new_one_and_one_that_waits(void **state)
{
	struct rollout_state free_one = {.phase = PHASE_INSPECT}, waits = free_one;
	enum notice n;

	(void)state;
	waits.hold_since.ms = 5;
	assert_true(notice_of(NULL, &free_one, &n));
	assert_int_equal(n, NOTICE_STARTED);
	assert_true(notice_of(&free_one, &waits, &n));
	assert_int_equal(n, NOTICE_WAITING);
	assert_string_equal(notice_waits_for(&waits), "target");
	assert_false(notice_of(&waits, &waits, &n));
	assert_false(notice_of(&waits, &free_one, &n));
	/* no Pass for a while is no notice */
	free_one.phase = waits.phase = PHASE_WATCH;
	assert_false(notice_of(&free_one, &waits, &n));
	/* the same phase at another step: its split was read back */
	waits.step = 1;
	assert_true(notice_of(&free_one, &waits, &n));
	assert_int_equal(n, NOTICE_STEP);
}

static void names_are_read_back(void **state)
{
	enum notice n;

	(void)state;
	for (int i = 0; i < NOTICE_COUNT; i++) {
		assert_true(notice_parse(str_from(notice_name((enum notice)i)), &n));
		assert_int_equal(n, i);
	}
	assert_false(notice_parse(STR("Started"), &n));
	assert_false(notice_parse(STR(""), &n));
}

static void texts_and_subjects(void **state)
{
	static const struct plan plan = {
		.steps = {{.weight_bp = 500, .segment = -1}, {.weight_bp = 2500, .segment = -1}},
		.n_steps = 2};
	struct rollout_state s = {.phase = PHASE_WATCH, .step = 1};
	char text[NOTICE_TEXT_SIZE], subject[NOTICE_SUBJECT_SIZE], many[300];

	(void)state;
	notice_text(NOTICE_STEP, &plan, &s, text);
	assert_string_equal(text, "step 2 of 2: 25% on the candidate");
	notice_text(NOTICE_STEP, NULL, &s, text);
	assert_string_equal(text, "step 2");
	for (int i = 0; i < NOTICE_COUNT; i++) {
		notice_text((enum notice)i, &plan, &s, text);
		assert_true(text[0]);
	}
	notice_subject("shop/Deploy", "rolled back", subject);
	assert_string_equal(subject, "shop/Deploy: rolled back");
	notice_subject("sh\xc3\xb6p\n\x1b[2K", "a\tb", subject);
	assert_string_equal(subject, "sh?p??[2K: a?b");
	notice_subject(" x", "", subject);
	assert_string_equal(subject, "-x: ");
	memset(many, 'a', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	notice_subject(many, "b", subject);
	assert_int_equal(strlen(subject), 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_edge_tells_what_the_table_says),
		cmocka_unit_test(a_new_one_and_one_that_waits),
		cmocka_unit_test(names_are_read_back),
		cmocka_unit_test(texts_and_subjects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
