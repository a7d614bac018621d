#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/faults/sweep.h"
#include "tests/torture/torture.h"
#include "tests/torture/wrap_world.h"
#include "worker/rollout/token.h"

/*
 * Whole Lambda canaries, a good and a bad one, by a worker whose calls fail: the ledger's, the
 * files', the digests'. What is checked is what a sweep of faults checks (tests/faults): the
 * candidate serves or the baseline is restored, one truthful report, nothing left behind. A worker
 * that ends itself because OpenSSL failed is started again 20 seconds later, as systemd would.
 */
#define A_FAILED_RELEASE "one fault made a good release fail"

static void roll_out(void *arg)
{
	struct sweep_run r = {.c = arg, .seed = 7, .times = 1};
	struct sweep_result result;

	wrap_world_supervise();
	sweep_run(&r, getenv("VERBOSE") ? 2 : -1, &result);
	/* a disk that is full fails a release, in words; an interrupted call does not */
	if (!strncmp(result.problem, A_FAILED_RELEASE, strlen(A_FAILED_RELEASE)) &&
	    torture_hit_any() && !torture_hit_softly())
		return;
	if (result.problem[0])
		torture_problem("%s (%s)", result.problem, result.status);
	else if (!torture_hit_any() && result.succeeded == r.c->bad)
		torture_problem("%s", result.status);
}

/* --- an operator's word ----------------------------------------------------------------------- */

static bool has_first_share(struct world *w, void *arg)
{
	(void)arg;
	return world_lambda_live(w, "shop").candidate > 0;
}

static void hold(struct world *w)
{
	const struct sim_action *a = sim_action_find(w->sim, "shop", NULL);
	char id[ROLLOUT_ID_MAX + 1];
	struct ledger_command c = {
		.rollout_id = id, .command = "hold", .user = "ann", .at = sim_now(w->sim)};
	struct err err = ERR_INIT;

	rollout_id_from(str_from(a->action_execution_id), id);
	assert_int_equal(ledger_command_put(w->workers[0].ledger, &c, &err), 0);
}

/* Held, it never goes forward, whatever cannot be read for a while. */
static void stay_held(void *arg)
{
	int depth = torture_pause();
	struct world w;
	double share;

	(void)arg;
	wrap_world_supervise();
	world_init(&w, 7, -1);
	world_lambda(&w, "shop", "canary 10% 3m, 50% 3m");
	wrap_world_spare(true);
	world_start(&w);
	world_push(&w, "shop", "errors=0.001");
	assert_true(world_run_until(&w, has_first_share, NULL, 3600 * 1000));
	hold(&w);
	wrap_world_spare(false);
	world_run(&w, 20 * 60 * 1000);
	share = world_lambda_live(&w, "shop").candidate;
	if (share > 10.01)
		torture_problem("held at 10 %%, and the candidate has %g %%", share);
	world_release(&w);
	torture_resume(depth);
}

static const struct sweep_case good = {.name = "good", .target = &sweep_lambda, .first_step = 10};
static const struct sweep_case bad = {
	.name = "bad", .target = &sweep_lambda, .first_step = 10, .bad = true};

int main(void)
{
	static struct sweep_case cases[2];
	const struct torture_case torture[] = {
		{.name = "rollout-good",
		 .run = roll_out,
		 .arg = &cases[0],
		 .stride = {1, 0, 0, 41, 31, 1},
		 .lasting = 15},
		{.name = "rollout-bad",
		 .run = roll_out,
		 .arg = &cases[1],
		 .stride = {2, 0, 0, 61, 31, 1},
		 .lasting = 15},
		{.name = "rollout-held",
		 .run = stay_held,
		 .stride = {0, 0, 0, 0, 33, 0},
		 .lasting = 15},
	};

	cases[0] = good;
	cases[1] = bad;
	return torture_main(torture, sizeof(torture) / sizeof(torture[0]));
}
