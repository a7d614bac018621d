#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"
#include "worker/slice.h"

/* What log and ledger say about where the worker stands, while it works. */

struct standing {
	struct world w; /* first: a scene's world is its own */
	size_t held, parked; /* times that either was seen */
};

static int set_up(void **state)
{
	struct standing *s = xcalloc(1, sizeof(*s));

	world_init(&s->w, 23, -1);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct standing *s = *state;

	world_release(&s->w);
	free(s);
	return 0;
}

/* --- the row ---------------------------------------------------------------------------------- */

/* Between any two steps the ledger says of a rollout here what is so: held, or between jobs. */
static void watch_row(struct world *w, void *arg)
{
	struct standing *s = arg;
	struct worker *worker = w->workers[0].worker;
	struct err err = ERR_INIT;
	struct ledger_rollout *row;

	for (struct rollout *r = worker ? worker->rollouts : NULL; r; r = r->next) {
		struct arena *a = arena_new();

		assert_int_equal(ledger_rollout_get(worker->ledger, r->id, a, &row, &err), 0);
		if (row && !row->final) {
			assert_int_equal(row->parked, r->job == NULL);
			s->held += !row->parked;
			s->parked += row->parked;
		}
		arena_free(a);
	}
}

static void the_row_says_whether_a_job_is_held(void **state)
{
	struct standing *s = *state;

	s->w.watch = watch_row;
	s->w.watch_arg = s;
	world_lambda(&s->w, "checkout", "canary 25% 10m bake 5m");
	world_start(&s->w);
	world_push(&s->w, "checkout", "errors=0.001");
	world_run(&s->w, 4 * MINUTE_MS);
	world_kill(&s->w); /* and from the ledger, too */
	world_run(&s->w, MINUTE_MS);
	world_start(&s->w);
	scene_expect(scene_end(&s->w, "checkout"), "Succeeded", NULL, NULL);
	assert_true(s->held > 20);
	assert_true(s->parked > 5);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_row_says_whether_a_job_is_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
