#include "worker/rollout/phase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static void test_names_read_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PHASE_COUNT; i++) {
		enum phase p = PHASE_COUNT;

		assert_true(phase_parse(str_from(phase_name((enum phase)i)), &p));
		assert_int_equal(p, i);
	}
}

static void test_other_names_do_not(void **state)
{
	static const char *const names[] = {"", "watch", "WATC", "WATCHX", "PHASE_WATCH", " WATCH"};
	enum phase p = PHASE_BAKE;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_false(phase_parse(str_from(names[i]), &p));
	assert_int_equal(p, PHASE_BAKE);
}

static void test_final(void **state)
{
	(void)state;
	for (unsigned from = 0; from < PHASE_COUNT; from++) {
		bool leaves = false;

		for (unsigned to = 0; to < PHASE_COUNT; to++)
			leaves |= phase_may_go((enum phase)from, (enum phase)to) &&
				  to != PHASE_RESTORE;
		/* an end is left for one thing only: to be undone */
		assert_int_equal(leaves, !phase_is_final((enum phase)from));
		assert_int_equal(phase_may_go((enum phase)from, PHASE_RESTORE),
				 from != PHASE_INSPECT && from != PHASE_RESTORE);
	}
}

/* Nothing leads forward again once it goes back, and success is not reached on the way back. */
static void test_no_way_forward_from_back(void **state)
{
	(void)state;
	for (unsigned to = 0; to < PHASE_COUNT; to++) {
		bool back = to == PHASE_RESTORE || to == PHASE_PROVE || to == PHASE_FAILED;

		if (phase_may_go(PHASE_RESTORE, (enum phase)to) ||
		    phase_may_go(PHASE_PROVE, (enum phase)to))
			assert_true(back);
	}
	assert_true(phase_may_go(PHASE_WATCH, PHASE_SHIFT));
	assert_false(phase_may_go(PHASE_SHIFT, PHASE_PROMOTE));	  /* not around the watch */
	assert_false(phase_may_go(PHASE_INSPECT, PHASE_RESTORE)); /* nothing to go back from */
	assert_false(phase_may_go(PHASE_PREPARE, PHASE_SHIFT));	  /* not around the verification */
	assert_false(phase_may_go(PHASE_SHIFT, PHASE_PARKED));	  /* what is parked was watched */
	assert_false(phase_may_go(PHASE_PARKED, PHASE_SUCCEEDED));
}

/* Every phase can be reached, and from every phase an end can be reached. */
static void test_no_dead_ends(void **state)
{
	bool reached[PHASE_COUNT] = {[PHASE_INSPECT] = true};
	bool ends[PHASE_COUNT] = {[PHASE_SUCCEEDED] = true, [PHASE_FAILED] = true};

	(void)state;
	for (unsigned round = 0; round < PHASE_COUNT; round++) {
		for (unsigned from = 0; from < PHASE_COUNT; from++) {
			for (unsigned to = 0; to < PHASE_COUNT; to++) {
				if (!phase_may_go((enum phase)from, (enum phase)to))
					continue;
				reached[to] |= reached[from];
				ends[from] |= ends[to];
			}
		}
	}
	for (unsigned p = 0; p < PHASE_COUNT; p++) {
		assert_true(reached[p]);
		assert_true(ends[p]);
	}
}

static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(phase_limit_ms(PHASE_RESTORE), 3600000);
	assert_int_equal(phase_limit_ms(PHASE_WATCH), 0); /* the plan says */
	for (unsigned p = 0; p < PHASE_COUNT; p++)
		assert_true(phase_limit_ms((enum phase)p) >= 0);
	/* a network load balancer takes ten minutes to take weights over */
	assert_true(phase_limit_ms(PHASE_SHIFT) > 600000);
	assert_true(phase_limit_ms(PHASE_PROMOTE) > 600000);
}

static void test_dot(void **state)
{
	size_t edges = 0, drawn = 0;
	struct buf out;

	(void)state;
	buf_init(&out, 10000);
	phase_dot(&out);
	assert_true(str_starts(buf_str(&out), "digraph rollout {\n"));
	assert_true(str_ends(buf_str(&out), "}\n"));
	assert_non_null(strstr(out.p, "\tWATCH -> SHIFT;\n"));
	assert_non_null(strstr(out.p, "\tFAILED [shape=doublecircle];\n"));
	for (unsigned from = 0; from < PHASE_COUNT; from++)
		for (unsigned to = 0; to < PHASE_COUNT; to++)
			edges += phase_may_go((enum phase)from, (enum phase)to);
	for (const char *p = out.p; (p = strstr(p, "->")) != NULL; p++)
		drawn++;
	assert_int_equal(drawn, edges);
	buf_release(&out);
}

/* The graph in the README is this one. */
static void test_readme(void **state)
{
	bool drawn[PHASE_COUNT][PHASE_COUNT] = {{false}};
	char line[256], from_name[32], to_name[32];
	FILE *f = fopen("worker/rollout/README.md", "r");
	enum phase from, to;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %31[A-Z] --> %31[A-Z]", from_name, to_name) != 2)
			continue;
		if (!phase_parse(str_from(from_name), &from) ||
		    !phase_parse(str_from(to_name), &to))
			fail_msg("no phase: %s", line);
		drawn[from][to] = true;
	}
	fclose(f);
	for (unsigned a = 0; a < PHASE_COUNT; a++)
		for (unsigned b = 0; b < PHASE_COUNT; b++)
			if (drawn[a][b] != phase_may_go((enum phase)a, (enum phase)b))
				fail_msg("%s to %s is %s the README", phase_name((enum phase)a),
					 phase_name((enum phase)b),
					 drawn[a][b] ? "only in" : "not in");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_read_back),
		cmocka_unit_test(test_other_names_do_not),
		cmocka_unit_test(test_final),
		cmocka_unit_test(test_no_way_forward_from_back),
		cmocka_unit_test(test_no_dead_ends),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_dot),
		cmocka_unit_test(test_readme),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
