#include "worker/cli.h"

#include <stdlib.h>

#include "aws/core/digest.h"
#include "worker/guard/guard.h"

/*
 * `plan`: what a rollout would do, before it does it. The calls come from the same targets and
 * guards that make them, so that the list cannot forget one that a target learns.
 */
static bool same_call(const struct target_call *a, const struct target_call *b)
{
	return a->phase == b->phase && !strcmp(a->service, b->service) &&
	       !strcmp(a->operation, b->operation) && !strcmp(a->resource, b->resource) &&
	       !strcmp(a->iam_action ? a->iam_action : "", b->iam_action ? b->iam_action : "");
}

static void add_call(void *arg, const struct target_call *c)
{
	struct cli_calls *l = arg;

	for (size_t i = 0; i < l->n; i++)
		if (same_call(&l->calls[i], c))
			return;
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 32;
		l->calls = xrealloc(l->calls, l->cap * sizeof(*l->calls));
	}
	l->calls[l->n++] = *c;
}

/*
 * The worker's own calls. Of the job calls only PollForJobs can be limited to a resource ("Actions,
 * resources, and condition keys for AWS CodePipeline", Service Authorization Reference).
 */
static void add_own_calls(struct cli_calls *l, const struct config *config)
{
	for (size_t i = 0; i < config->n_action_types; i++) {
		const struct cp_action_type *t = &config->action_types[i].type;
		const char *arn =
			arena_printf(l->arena, "arn:aws:codepipeline:*:*:actiontype:%s/%s/%s/%s",
				     t->owner, t->category, t->provider, t->version);

		add_call(l, &(struct target_call){PHASE_INSPECT, "codepipeline", "PollForJobs",
						  "codepipeline:PollForJobs", arn, false});
	}
	add_call(l, &(struct target_call){PHASE_INSPECT, "codepipeline", "AcknowledgeJob",
					  "codepipeline:AcknowledgeJob", "*", true});
	add_call(l, &(struct target_call){PHASE_INSPECT, "codepipeline", "GetJobDetails",
					  "codepipeline:GetJobDetails", "*", false});
}

/* The artifact bucket is read with the job's own keys: the worker's role needs nothing for it. */
static void add_artifact_calls(struct cli_calls *l)
{
	add_call(l, &(struct target_call){PHASE_INSPECT, "s3", "GetObject", NULL,
					  "the input artifact, with the job's own keys", false});
	add_call(l, &(struct target_call){PHASE_SUCCEEDED, "s3", "PutObject", NULL,
					  "output artifacts, with the job's own keys", true});
}

static void add_role_call(struct cli_calls *l, const struct plan *p)
{
	if (p->role_arn)
		add_call(l, &(struct target_call){PHASE_INSPECT, "sts", "AssumeRole",
						  "sts:AssumeRole", p->role_arn, false});
}

static void add_reports(struct cli_calls *l, const struct plan *p)
{
	add_call(l, &(struct target_call){PHASE_INSPECT, "codepipeline", "PutJobSuccessResult",
					  "codepipeline:PutJobSuccessResult", "*", true});
	add_call(l, &(struct target_call){PHASE_WATCH, "codepipeline", "ListActionExecutions",
					  "codepipeline:ListActionExecutions",
					  "arn:aws:codepipeline:*:*:*", false});
	if (p->mode == MODE_START) {
		add_call(l,
			 &(struct target_call){PHASE_PARKED, "codepipeline", "PutJobSuccessResult",
					       "codepipeline:PutJobSuccessResult", "*", true});
		add_call(l,
			 &(struct target_call){PHASE_PARKED, "codepipeline", "GetPipelineExecution",
					       "codepipeline:GetPipelineExecution",
					       "arn:aws:codepipeline:*:*:*", false});
		add_call(l,
			 &(struct target_call){PHASE_PARKED, "codepipeline", "ListActionExecutions",
					       "codepipeline:ListActionExecutions",
					       "arn:aws:codepipeline:*:*:*", false});
	}
	add_call(l, &(struct target_call){PHASE_SUCCEEDED, "codepipeline", "PutJobSuccessResult",
					  "codepipeline:PutJobSuccessResult", "*", true});
	add_call(l, &(struct target_call){PHASE_FAILED, "codepipeline", "PutJobFailureResult",
					  "codepipeline:PutJobFailureResult", "*", true});
}

static void collect(struct cli_calls *l, const struct config *config, const struct plan *p)
{
	add_own_calls(l, config);
	add_artifact_calls(l);
	add_role_call(l, p);
	target_of(p->target.kind)->calls(p, l->arena, add_call, l);
	for (size_t i = 0; i < p->n_guards; i++)
		guard_of(p->guards[i].kind)->calls(&p->guards[i], p, l->arena, add_call, l);
	add_reports(l, p);
}

/* --- the time-line ---------------------------------------------------------------------------- */

static size_t guards_in(const struct plan *p, unsigned in)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_guards; i++)
		n += (p->guards[i].in & in) != 0;
	return n;
}

static void add_line(struct buf *out, int64_t at_ms, enum phase phase, const char *text)
{
	char at[DURATION_TEXT_SIZE];

	duration_format(at_ms, at);
	buf_addf(out, "  %-9s %-9s  %s\n", at, phase_name(phase), text);
}

static const char *guards_text(struct arena *a, const struct plan *p, unsigned in)
{
	size_t n = guards_in(p, in);

	return n == 0 ? "no guard" : arena_printf(a, "%zu guard%s", n, n == 1 ? "" : "s");
}

static const char *limit_text(struct arena *a, int64_t ms)
{
	char text[DURATION_TEXT_SIZE];

	duration_format(ms, text);
	return arena_strdup(a, text);
}

/* "25%" or "segment staff (header X-Team: staff)" */
static const char *step_text(struct arena *a, const struct plan *p, const struct plan_step *s)
{
	char weight[WEIGHT_TEXT_SIZE];

	if (s->segment >= 0)
		return arena_printf(a, "segment %s (%s)", p->segments[s->segment].name,
				    plan_segment_text(a, &p->segments[s->segment]));
	weight_format(s->weight_bp, weight);
	return arena_strdup(a, weight);
}

/* Where a started rollout is handed over; what follows has a time of its own. */
static void add_parking(struct buf *out, struct arena *a, const struct plan *p, size_t step,
			int64_t *at)
{
	char text[TRAFFIC_TEXT_SIZE];
	struct traffic traffic;

	if (step > 0) {
		traffic = rollout_traffic(p, (int)step - 1);
		rollout_traffic_text(p, &traffic, text);
	}
	add_line(out, *at, PHASE_PARKED,
		 step > 0 ? arena_printf(a,
					 "the action succeeds and hands out the rollout's handle; "
					 "parked at %s, watched by %s",
					 text, guards_text(a, p, GUARD_IN_WATCH))
			  : "the action succeeds and hands out the rollout's handle; parked before "
			    "any traffic");
	buf_adds(out, "When an action with Mode: promote comes, all guards passing again:\n");
	*at = 0;
}

static void add_steps(struct buf *out, struct arena *a, const struct plan *p, int64_t *at)
{
	bool parks = p->mode == MODE_START;

	for (size_t i = 0; i < p->n_steps; i++) {
		const struct plan_step *s = &p->steps[i];

		if (parks && s->weight_bp == 10000) {
			add_parking(out, a, p, i, at);
			parks = false;
		}
		add_line(out, *at, PHASE_SHIFT,
			 arena_printf(
				 a, "step %zu of %zu: %s to the candidate, watched for %s by %s%s",
				 i + 1, p->n_steps, step_text(a, p, s), limit_text(a, s->watch_ms),
				 guards_text(a, p, GUARD_IN_WATCH),
				 s->approve ? ", then waits for approval" : ""));
		*at += s->watch_ms;
	}
	if (parks)
		add_parking(out, a, p, p->n_steps, at);
}

static const char *busy_text(struct arena *a, const struct plan *p)
{
	if (p->busy_then == BUSY_FAIL)
		return "have the target to itself, or fail at once";
	return p->busy_wait_ms > 0
		       ? arena_printf(a, "have the target to itself, waiting for that %s at most",
				      limit_text(a, p->busy_wait_ms))
		       : "have the target to itself, waiting for that as long as the budget allows";
}

static void add_time_line(struct buf *out, struct arena *a, const struct plan *p)
{
	int64_t at = 0;

	buf_adds(out, "Time-line, when everything passes; preparing and verifying take what they "
		      "take:\n");
	add_line(out, 0, PHASE_INSPECT, busy_text(a, p));
	add_line(out, 0, PHASE_INSPECT,
		 "read the target, keep what is live now as the undo record");
	add_line(out, 0, PHASE_PREPARE,
		 arena_printf(a, "bring the candidate up without traffic, in %s at most",
			      limit_text(a, p->prepare_ms)));
	add_line(out, 0, PHASE_VERIFY,
		 arena_printf(a, "ask %s about the candidate, for %s at most",
			      guards_text(a, p, GUARD_IN_VERIFY), limit_text(a, p->verify_ms)));
	add_steps(out, a, p, &at);
	add_line(out, at, PHASE_PROMOTE,
		 plan_segments_used(p)
			 ? "the candidate becomes the baseline; no segment is apart any more"
			 : "the candidate becomes the baseline");
	add_line(out, at, PHASE_BAKE,
		 arena_printf(a, "watched for %s by %s; everything can still be undone",
			      limit_text(a, p->bake_ms), guards_text(a, p, GUARD_IN_BAKE)));
	at += p->bake_ms;
	add_line(out, at, PHASE_RETIRE, "the old version is retired");
	add_line(out, at, PHASE_SUCCEEDED,
		 arena_printf(a, "the action's budget is %s", limit_text(a, p->max_duration_ms)));
}

/* --- calls and permissions -------------------------------------------------------------------- */

static void add_calls(struct buf *out, const struct cli_calls *l)
{
	buf_adds(out, "\nCalls, in order (RESTORE and FAILED only when it goes back):\n");
	for (int phase = 0; phase < PHASE_COUNT; phase++) {
		for (size_t i = 0; i < l->n; i++) {
			const struct target_call *c = &l->calls[i];

			if ((int)c->phase != phase)
				continue;
			buf_addf(out, "  %-9s %-5s  %s:%s  ", phase_name(c->phase),
				 c->is_write ? "write" : "read", c->service, c->operation);
			cli_add_clean(out, c->resource);
			buf_addc(out, '\n');
		}
	}
}

static int by_action(const void *a, const void *b)
{
	const struct target_call *x = a, *y = b;
	int order = strcmp(x->iam_action, y->iam_action);

	return order ? order : strcmp(x->resource, y->resource);
}

/* What the worker does by its own role even when the target's calls are made by another. */
bool cli_call_is_own(const struct target_call *c)
{
	return !strcmp(c->service, "codepipeline") || !strcmp(c->service, "sts");
}

static void add_actions(struct buf *out, const struct cli_calls *l, bool all, bool own)
{
	const struct target_call *last = NULL;

	for (size_t i = 0; i < l->n; i++) {
		const struct target_call *c = &l->calls[i];

		if (!all && cli_call_is_own(c) != own)
			continue;
		if (!last || by_action(last, c) != 0) {
			buf_addf(out, "  %-45s ", c->iam_action);
			cli_add_clean(out, c->resource);
			buf_addc(out, '\n');
		}
		last = c;
	}
}

/* Only what needs a permission is left. */
static void sort_by_action(struct cli_calls *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->calls[i].iam_action)
			l->calls[n++] = l->calls[i];
	l->n = n;
	qsort(l->calls, n, sizeof(*l->calls), by_action);
}

static void add_permissions(struct buf *out, struct cli_calls *l, const struct plan *p)
{
	sort_by_action(l);
	buf_adds(out, "\nWhat IAM must allow the worker's role:\n");
	add_actions(out, l, !p->role_arn, true);
	if (!p->role_arn)
		return;
	buf_adds(out, "\nWhat IAM must allow ");
	cli_add_clean(out, p->role_arn);
	buf_adds(out, ":\n");
	add_actions(out, l, false, false);
}

static void add_plan(struct buf *out, struct arena *a, const struct config *config,
		     const struct plan *p)
{
	struct cli_calls l = {.arena = a};

	buf_addf(out, "Plan %.12s: %s of ", p->digest, p->strategy);
	cli_add_clean(out, target_text(a, &p->target));
	buf_adds(out, "\n\n");
	add_time_line(out, a, p);
	collect(&l, config, p);
	add_calls(out, &l);
	add_permissions(out, &l, p);
	free(l.calls);
}

static void add_iam(struct buf *out, struct arena *a, const struct config *config,
		    const struct plan *p)
{
	struct cli_calls l = {.arena = a};

	collect(&l, config, p);
	sort_by_action(&l);
	cli_iam(out, &l, p);
	free(l.calls);
	if (p->target.kind == TARGET_BEANSTALK)
		cli_say(CLI_OK,
			"Elastic Beanstalk also uses its caller's rights for what an environment "
			"is made of, unless the environment has an operations role: see "
			"BeanstalkResources in cloudformation/policies.yaml");
}

static enum exit_status plan(const struct options *o, struct arena *a, struct buf *out)
{
	struct cli_input in = {.arena = a};
	struct problems problems;
	struct err err = ERR_INIT;
	struct config config;
	int rc;

	problems_init(&problems, a);
	if (cli_config_or_say(o, a, &config))
		return CLI_CONFIG;
	in.config = &config;
	rc = cli_input_read(&in, o, &problems, &err);
	cli_input_release(&in);
	if (rc)
		return cli_say(CLI_FAILED, "%s", err.text);
	if (!in.given)
		return cli_say(CLI_USAGE, "plan needs --plan, --property or --artifact");
	for (const struct problem *p = problems.first; p; p = p->next)
		cli_say(CLI_FAILED, "%s%s", p->is_warning ? "warning: " : "", p->text);
	if (problems.n_errors)
		return CLI_FAILED;
	if (!in.plan)
		return cli_say(CLI_USAGE, "there is nothing to show: such an action follows the "
					  "plan of the action that started the rollout");
	if (o->iam)
		add_iam(out, a, &config, in.plan);
	else
		add_plan(out, a, &config, in.plan);
	return CLI_OK;
}

enum exit_status cli_plan(const struct options *o)
{
	struct arena *a = arena_new();
	enum exit_status status, printed;
	struct buf out;

	buf_init(&out, CLI_OUTPUT_MAX);
	status = plan(o, a, &out);
	printed = cli_print(&out);
	buf_release(&out);
	arena_free(a);
	return status == CLI_OK ? printed : status;
}
