#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/calls.h"
#include "tests/scenarios/scene.h"
#include "worker/report_files.h"

int scene_set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	world_init(w, 11, getenv("VERBOSE") ? 2 : -1);
	*state = w;
	return 0;
}

int scene_tear_down(void **state)
{
	calls_check_announced(*state);
	world_release(*state);
	free(*state);
	return 0;
}

const struct sim_action *scene_end(struct world *w, const char *pipeline)
{
	const struct sim_action *a = world_run_action(w, pipeline, 12 * HOUR_MS);

	if (!a)
		fail_msg("the action of %s never ended: %s", pipeline,
			 world_control(w, "codepipeline show %s", pipeline));
	return a;
}

void scene_expect(const struct sim_action *a, const char *status, const char *failure, ...)
{
	bool good = !strcmp(status, "Succeeded");
	const char *text = good ? a->summary : a->message, *word;
	va_list ap;

	if (strcmp(a->status, status) != 0 || (failure && strcmp(a->failure_type, failure) != 0))
		fail_msg("%s %s, expected %s %s: %s", a->status, a->failure_type, status,
			 failure ? failure : "", a->message[0] ? a->message : a->summary);
	va_start(ap, failure);
	while ((word = va_arg(ap, const char *)))
		if (!strstr(text, word))
			fail_msg("\"%s\" is not in: %s", word, text);
	va_end(ap);
}

/* --- shares --------------------------------------------------------------------------------- */

/* Are versions recorded of it, and not target groups? */
static bool has_versions(const char *resource)
{
	return !strncmp(resource, "lambda:", 7) || !strncmp(resource, "beanstalk:", 10);
}

/* What the ready-made worlds begin with. */
static const char *first_version(const char *resource)
{
	return !strncmp(resource, "beanstalk:", 10) ? "v1" : "1";
}

/* Versions other than what served when the action began are the candidate. */
static double share_of(const struct sim_split *s, const char *baseline)
{
	if (has_versions(s->resource))
		return strcmp(s->baseline, baseline) != 0 ? 100 : s->weight;
	return strstr(s->candidate, "-green/") ? s->weight : -1;
}

static const char *baseline_at(const struct sim_split *splits, size_t n, const char *resource,
			       int64_t at_ms)
{
	const char *baseline = first_version(resource);

	for (size_t i = 0; i < n && splits[i].at.ms <= at_ms; i++)
		if (!strcmp(splits[i].resource, resource))
			baseline = splits[i].baseline;
	return baseline;
}

void scene_expect_shares(struct world *w, const char *resource, const struct sim_action *a, ...)
{
	const struct sim_split *splits;
	size_t n = sim_split_log(w->sim, &splits);
	const char *baseline = baseline_at(splits, n, resource, a->started.ms);
	double last = 0, wanted;
	char seen[400] = "";
	bool same = true;
	va_list ap;

	va_start(ap, a);
	for (size_t i = 0; i < n; i++) {
		double share = share_of(&splits[i], baseline);

		if (strcmp(splits[i].resource, resource) != 0 || share < 0 ||
		    splits[i].at.ms <= a->started.ms || share == last)
			continue;
		wanted = va_arg(ap, double);
		same = same && share > wanted - 0.001 && share < wanted + 0.001;
		snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), " %g", share);
		last = share;
		if (wanted < 0)
			break;
	}
	same = same && va_arg(ap, double) < 0;
	va_end(ap);
	if (!same)
		fail_msg("the candidate's shares were%s", seen);
}

const char *scene_source_key(struct world *w, const char *pipeline)
{
	const struct json *pipelines = world_ask(w, "codepipeline show %s", pipeline);
	const struct json *execution = json_get(pipelines->first, "executions")->first;
	const char *key = json_cstr(json_at(execution, "artifacts.Source"));

	assert_non_null(key);
	return key;
}

const char *scene_alias(struct world *w, const char *name)
{
	return arena_printf(w->arena, "lambda:%s:live", name);
}

struct wish {
	const char *resource;
	double percent;
	const char *pipeline, *word;
};

static bool has_share(struct world *w, void *arg)
{
	const struct wish *wish = arg;
	const struct sim_split *splits;
	size_t n = sim_split_log(w->sim, &splits);

	while (n-- > 0) {
		double share = share_of(&splits[n], first_version(wish->resource));

		if (!strcmp(splits[n].resource, wish->resource) && share >= 0)
			return share >= wish->percent;
	}
	return false;
}

void scene_run_until_share(struct world *w, const char *resource, double percent)
{
	struct wish wish = {.resource = resource, .percent = percent};

	if (!world_run_until(w, has_share, &wish, 3 * HOUR_MS))
		fail_msg("%s never came to %g %%", resource, percent);
}

static bool has_summary(struct world *w, void *arg)
{
	const struct wish *wish = arg;
	const struct sim_action *a = sim_action_find(w->sim, wish->pipeline, NULL);

	return a && strstr(a->summary, wish->word);
}

void scene_run_until_summary(struct world *w, const char *pipeline, const char *word)
{
	struct wish wish = {.pipeline = pipeline, .word = word};

	if (!world_run_until(w, has_summary, &wish, 3 * HOUR_MS))
		fail_msg("the summary of %s never said %s: %s", pipeline, word,
			 sim_action_find(w->sim, pipeline, NULL)->summary);
}

/* --- writes --------------------------------------------------------------------------------- */

static void expect_no_writes(struct world *w, int64_t from_ms, int64_t until_ms)
{
	const struct sim_call *calls;
	size_t n = sim_call_log(w->sim, &calls);

	for (size_t i = 0; i < n; i++)
		if (calls[i].at.ms >= from_ms && calls[i].at.ms < until_ms &&
		    calls_is_write(w, &calls[i]))
			fail_msg("%s was called", calls[i].operation);
}

void scene_expect_only_reads_before_token(struct world *w, const struct sim_action *a)
{
	bool token = a->n_reports > 0 && a->reports[0].kind == SIM_REPORT_CONTINUE;

	expect_no_writes(w, a->started.ms, token ? a->reports[0].at.ms : INT64_MAX);
}

void scene_expect_no_writes_before(struct world *w, struct utc at)
{
	expect_no_writes(w, 0, at.ms);
}

void scene_expect_no_writes(struct world *w, const struct sim_action *a)
{
	expect_no_writes(w, a->started.ms, INT64_MAX);
}

void scene_report(struct world *w, int worker, struct report *out)
{
	struct ledger *l = w->workers[worker].ledger;
	struct ledger_rollout *rollouts;
	struct err err = ERR_INIT;
	size_t n;

	assert_int_equal(ledger_rollouts(l, false, 10, w->arena, &rollouts, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(report_read(l, rollouts[0].id, sim_now(w->sim), w->arena, out, &err), 0);
}
