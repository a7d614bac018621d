#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/calls.h"
#include "tests/scenarios/people.h"
#include "worker/rollout/token.h"

#define NAME PEOPLE_PIPELINE

/* --- kinds of target ------------------------------------------------------------------------ */

static void make_lambda(struct world *w)
{
	world_lambda_function(w, NAME);
	world_control(w, "codepipeline pipeline " NAME);
}

static const char *lambda_target(struct world *w)
{
	(void)w;
	return "lambda:" NAME ":live";
}

static struct world_live lambda_live(struct world *w)
{
	return world_lambda_live(w, NAME);
}

static void lambda_turn_bad(struct world *w)
{
	world_control(w, "lambda version " NAME " 2 errors=0.5");
}

static void lambda_deploy_else(struct world *w)
{
	world_control(w, "lambda publish " NAME " code=\"sim: errors=0.001 latency_ms=7\"");
	world_control(w, "lambda alias " NAME " live version=3 additional=0");
}

const struct people_target people_lambda = {
	.name = "lambda",
	.make = make_lambda,
	.target = lambda_target,
	.resource = lambda_target,
	.live = lambda_live,
	.turn_bad = lambda_turn_bad,
	.deploy_else = lambda_deploy_else,
};

static void make_load_balancer(struct world *w)
{
	world_load_balancer(w, NAME, "canary 5% 1m", false);
	/* the pipeline is made anew, with people in it */
	world_control(w, "codepipeline delete " NAME);
	world_control(w, "codepipeline pipeline " NAME);
}

static const char *load_balancer_target(struct world *w)
{
	return arena_printf(w->arena, "load-balancer:%s", world_rule(w, NAME));
}

static const char *load_balancer_resource(struct world *w)
{
	return world_rule(w, NAME);
}

static struct world_live load_balancer_live(struct world *w)
{
	return world_load_balancer_live(w, NAME);
}

static void load_balancer_turn_bad(struct world *w)
{
	world_control(w, "elbv2 target-group " NAME "-green errors=0.5");
}

static void load_balancer_lose_old(struct world *w)
{
	for (int i = 1; i <= 3; i++)
		world_control(w, "elbv2 target " NAME "-blue i-" NAME "-blue-%d state=unhealthy",
			      i);
}

static void load_balancer_deploy_else(struct world *w)
{
	world_control(w, "elbv2 rule " NAME ":443:10 forward=" NAME "-blue:60," NAME "-green:40");
}

const struct people_target people_load_balancer = {
	.name = "load balancer",
	.make = make_load_balancer,
	.target = load_balancer_target,
	.resource = load_balancer_resource,
	.live = load_balancer_live,
	.turn_bad = load_balancer_turn_bad,
	.lose_old = load_balancer_lose_old,
	.deploy_else = load_balancer_deploy_else,
};

/* --- the scene ------------------------------------------------------------------------------ */

int people_set_up(void **state)
{
	struct people *p = xcalloc(1, sizeof(*p));

	p->t = *state;
	world_init(&p->w, 17, getenv("VERBOSE") ? 2 : -1);
	*state = p;
	return 0;
}

int people_tear_down(void **state)
{
	struct people *p = *state;

	calls_check_announced(&p->w);
	world_release(&p->w);
	free(p);
	return 0;
}

void people_promote_takes(struct people *p, const char *handle, const char *target)
{
	world_control(&p->w,
		      "codepipeline action " NAME " Deploy Promote type=Deploy/Rollout/1 "
		      "run-order=3 namespace=Promoted config.Mode=promote "
		      "config.Handle=\"%s\" config.Target=\"%s\"",
		      handle, target);
}

void people_make(struct people *p, const char *strategy)
{
	struct world *w = &p->w;

	p->t->make(w);
	world_control(w,
		      "codepipeline action " NAME " Deploy Start type=Deploy/Rollout/1 "
		      "namespace=Canary output=Report config.Mode=start config.Target=\"%s\" "
		      "config.Strategy=\"%s\" config.Alarms=" NAME "-errors",
		      p->t->target(w), strategy);
	world_control(w, "codepipeline action " NAME " Deploy Approve type=AWS:Approval/Manual/1 "
			 "run-order=2 timeout=1h");
	people_promote_takes(p, "#{Canary.RolloutHandle}", p->t->target(w));
}

void people_begin(struct people *p, const char *strategy)
{
	people_make(p, strategy);
	world_start(&p->w);
	world_push(&p->w, NAME, "errors=0.001");
}

const struct sim_action *people_action(struct people *p, const char *action)
{
	const struct sim_action *a = sim_action_find(p->w.sim, NAME, action);

	if (!a)
		fail_msg("there is no action %s yet", action);
	return a;
}

struct wish {
	const struct people *p;
	const char *pipeline, *action;
	double percent;
};

static bool is_over(struct world *w, void *arg)
{
	const struct wish *wish = arg;
	const struct sim_action *a = sim_action_find(w->sim, wish->pipeline, wish->action);

	return a && strcmp(a->status, "InProgress") != 0;
}

static const struct sim_action *end_of(struct people *p, const char *pipeline, const char *action)
{
	struct wish wish = {.pipeline = pipeline, .action = action};

	if (!world_run_until(&p->w, is_over, &wish, 3 * HOUR_MS))
		fail_msg("%s/%s never ended: %s", pipeline, action,
			 world_control(&p->w, "codepipeline show %s", pipeline));
	return sim_action_find(p->w.sim, pipeline, action);
}

const struct sim_action *people_end(struct people *p, const char *action)
{
	return end_of(p, NAME, action);
}

void people_park(struct people *p)
{
	people_begin(p, PEOPLE_CANARY);
	scene_expect(people_end(p, "Start"), "Succeeded", NULL, "parked at 25%", NULL);
	people_expect_share(p, 25);
}

void people_promote(struct people *p)
{
	people_park(p);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Succeeded", NULL, "the candidate serves everything",
		     NULL);
	people_expect_share(p, 100);
}

void people_approve(struct people *p)
{
	world_control(&p->w, "codepipeline approve " NAME " Approve");
}

void people_reject(struct people *p)
{
	world_control(&p->w, "codepipeline approve " NAME " Approve rejected summary=no");
}

const char *people_variable(struct people *p, const char *action, const char *name)
{
	const struct sim_action *a = people_action(p, action);
	struct err err = ERR_INIT;
	const char *value;
	struct json *root;

	if (json_parse(p->w.arena, str_from(a->output_variables_json), &root, &err))
		fail_msg("%s gave out nothing: %s", action, a->output_variables_json);
	value = json_cstr(json_get(root, name));
	if (!value)
		fail_msg("%s gave out no %s: %s", action, name, a->output_variables_json);
	return value;
}

void people_other(struct people *p, const char *name, const char *mode, const char *handle)
{
	world_control(&p->w,
		      "codepipeline pipeline %s action=%s type=Deploy/Rollout/1 config.Mode=%s "
		      "config.Handle=\"%s\" config.Target=\"%s\"",
		      name, name, mode, handle, p->t->target(&p->w));
	world_push(&p->w, name, "errors=0.001");
}

const struct sim_action *people_other_end(struct people *p, const char *name)
{
	return end_of(p, name, name);
}

/* --- what is expected ----------------------------------------------------------------------- */

void people_expect_share(struct people *p, double percent)
{
	struct world_live live = p->t->live(&p->w);

	if (live.candidate != percent)
		fail_msg("the candidate has %g %%, not %g %%", live.candidate, percent);
	if ((percent == 0 || percent == 100) && !live.is_one)
		fail_msg("there is a weight left at %g %%", percent);
}

static bool has_share(struct world *w, void *arg)
{
	const struct wish *wish = arg;
	struct world_live live = wish->p->t->live(w);

	return live.candidate == wish->percent &&
	       (live.is_one || (wish->percent != 0 && wish->percent != 100));
}

void people_expect_share_within(struct people *p, double percent, int64_t max_ms)
{
	struct wish wish = {.p = p, .percent = percent};

	if (!world_run_until(&p->w, has_share, &wish, max_ms))
		fail_msg("the candidate has %g %%, not %g %%", p->t->live(&p->w).candidate,
			 percent);
}

void people_expect_nothing_left(struct people *p, int i)
{
	struct world *w = &p->w;
	struct ledger_rollout *rollouts;
	struct ledger_report *reports;
	struct ledger_job *jobs;
	struct err err = ERR_INIT;
	size_t n = 99;

	assert_int_equal(w->workers[i].worker->n_rollouts, 0);
	assert_int_equal(w->workers[i].worker->n_jobs, 0);
	assert_int_equal(
		ledger_rollouts(w->workers[i].ledger, true, 10, w->arena, &rollouts, &n, &err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(ledger_jobs(w->workers[i].ledger, w->arena, &jobs, &n, &err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(ledger_reports(w->workers[i].ledger, w->arena, &reports, &n, &err), 0);
	assert_int_equal(n, 0);
}

const struct ledger_rollout *people_row(struct people *p)
{
	char id[ROLLOUT_ID_MAX + 1];
	struct ledger_rollout *row;
	struct err err = ERR_INIT;

	rollout_id_from(str_from(people_action(p, "Start")->action_execution_id), id);
	assert_int_equal(ledger_rollout_get(p->w.workers[0].ledger, id, p->w.arena, &row, &err), 0);
	return row;
}
