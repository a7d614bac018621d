#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/calls.h"
#include "tests/scenarios/locks.h"
#include "worker/slice.h"

/* The rollouts of this worker that have begun to change the target, or may at any moment. */
static size_t at_work(const struct world_worker *ww, char *names, size_t size)
{
	size_t n = 0;

	names[0] = '\0';
	for (struct rollout *r = ww->worker ? ww->worker->rollouts : NULL; r; r = r->next) {
		if (!r->has_state || !slice_is_bound(&r->state))
			continue;
		n++;
		snprintf(names + strlen(names), size - strlen(names), " %s (%s)", r->id,
			 phase_name(r->state.phase));
	}
	return n;
}

static void note_write(struct locks *l, const struct sim_call *c)
{
	int writer = l->w.ran ? (int)(l->w.ran - l->w.workers) : -1;

	if (writer < 0 || c->status != 200 || !calls_is_write(&l->w, c))
		return;
	if (writer != l->writer) {
		l->turns++;
		snprintf(l->trace + strlen(l->trace), sizeof(l->trace) - strlen(l->trace),
			 "\n  worker %d:", writer);
	}
	l->writer = writer;
	snprintf(l->trace + strlen(l->trace), sizeof(l->trace) - strlen(l->trace), " %s",
		 c->operation);
}

/* What services change by themselves is nobody's. */
static void note_split(struct locks *l)
{
	int writer = l->w.ran ? (int)(l->w.ran - l->w.workers) : -1;

	if (writer < 0 || writer == l->traffic_writer)
		return;
	l->traffic_writer = writer;
	l->traffic_turns++;
}

static void watch(struct world *w, void *arg)
{
	struct locks *l = arg;
	const struct sim_split *splits;
	const struct sim_call *calls;
	size_t n = sim_call_log(w->sim, &calls);
	char names[400];

	for (; l->n_calls < n; l->n_calls++)
		note_write(l, &calls[l->n_calls]);
	for (n = sim_split_log(w->sim, &splits); l->n_splits < n; l->n_splits++)
		note_split(l);
	for (int i = 0; i < WORLD_WORKERS_MAX; i++)
		if (at_work(&w->workers[i], names, sizeof(names)) > 1)
			fail_msg("worker %d is at work on one target with%s", i, names);
}

int locks_set_up(void **state)
{
	struct locks *l = xcalloc(1, sizeof(*l));

	world_init(&l->w, 11, getenv("VERBOSE") ? 2 : -1);
	l->w.watch = watch;
	l->w.watch_arg = l;
	l->writer = l->traffic_writer = -1;
	*state = l;
	return 0;
}

int locks_tear_down(void **state)
{
	return scene_tear_down(state);
}

void locks_expect_turns(struct locks *l, unsigned n)
{
	if (l->turns != n)
		fail_msg("%u turns of writing, %u expected:%s", l->turns, n, l->trace);
}

/* "ph" of a token. */
static bool is_of_phase(const char *token, const char *phase)
{
	char member[40];

	snprintf(member, sizeof(member), "\"ph\":\"%s\"", phase);
	return strstr(token, member) != NULL;
}

void locks_expect_after(const struct sim_action *first, const struct sim_action *second)
{
	if (!strcmp(first->status, "InProgress") || !strcmp(second->status, "InProgress"))
		fail_msg("it is %s and %s", first->status, second->status);
	for (size_t i = 0; i < second->n_reports; i++) {
		const struct sim_report *r = &second->reports[i];

		if (r->at.ms < first->updated.ms && r->kind == SIM_REPORT_CONTINUE &&
		    !is_of_phase(r->token, "INSPECT"))
			fail_msg("%s was under way before %s was over: %s", second->pipeline,
				 first->pipeline, r->token);
	}
}

/* --- action types ----------------------------------------------------------------------------- */

void locks_own_type(struct locks *l, int i, const char *version)
{
	world_control(&l->w, "codepipeline action-type Deploy Rollout %s", version);
	l->w.workers[i].config.action_types[0].type.version = version;
}

void locks_add_type(struct locks *l, int i, const char *version)
{
	struct config *c = &l->w.workers[i].config;

	world_control(&l->w, "codepipeline action-type Deploy Rollout %s", version);
	c->action_types[1] = c->action_types[0];
	c->action_types[1].type.version = version;
	c->n_action_types = 2;
}

void locks_pipeline(struct locks *l, const char *name, const char *version, const char *words)
{
	world_control(&l->w, "codepipeline pipeline %s action=Canary type=Deploy/Rollout/%s %s",
		      name, version, words);
}

bool locks_token_has(const struct sim_action *a, const char *text)
{
	for (size_t i = a->n_reports; i > 0; i--)
		if (a->reports[i - 1].kind == SIM_REPORT_CONTINUE)
			return strstr(a->reports[i - 1].token, text) != NULL;
	return false;
}
