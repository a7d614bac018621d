#include "worker/cli.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "aws/core/json.h"
#include "worker/ledger_lock.h"
#include "worker/ledger_notice.h"

/*
 * What the ledger says, for people and for scripts, and what people say to it. Reading works while
 * the daemon runs and changes nothing; a command is a row that the daemon finds at its next look.
 */
#define ROLLOUTS_MAX 10000
#define NAME_MAX_SHOWN 60 /* of a column before the last */

struct ledger *cli_ledger_open(const struct options *o, struct arena *a, struct config *c,
			       enum exit_status *status)
{
	struct err err = ERR_INIT;
	struct ledger *l;
	const char *path;

	*status = CLI_CONFIG;
	if (cli_config_or_say(o, a, c))
		return NULL;
	path = cli_ledger_path(a, c);
	*status = CLI_FAILED;
	if (access(path, F_OK)) {
		cli_say(CLI_FAILED, "there is no ledger %s: no worker has run with this state_dir",
			path);
		return NULL;
	}
	l = ledger_open_read(path, &err);
	if (!l)
		cli_say(CLI_FAILED, "%s", err.text);
	return l;
}

static const char *iso(struct arena *a, struct utc t)
{
	char text[UTC_ISO_SIZE];

	utc_format_iso((struct utc){t.ms - t.ms % 1000}, text);
	return arena_strdup(a, text);
}

/* --- status ----------------------------------------------------------------------------------- */

enum {
	COLUMN_ID,
	COLUMN_ACTION,
	COLUMN_TARGET,
	COLUMN_PHASE,
	COLUMN_UPDATED,
	COLUMN_SUMMARY,
	COLUMNS
};

static const char *clean(struct arena *a, const char *text)
{
	struct buf b;
	const char *copy;

	buf_init(&b, 1u << 16);
	cli_add_clean(&b, text);
	copy = arena_strdup(a, b.p);
	buf_release(&b);
	return copy;
}

static bool is_between_jobs(const struct ledger_rollout *r)
{
	return r->parked && !r->final && !r->handed_over;
}

static void fill_row(struct arena *a, const struct ledger_rollout *r, const char *row[COLUMNS])
{
	row[COLUMN_ID] = clean(a, r->id);
	row[COLUMN_ACTION] = arena_printf(a, "%s/%s", clean(a, r->pipeline), clean(a, r->action));
	row[COLUMN_TARGET] = clean(a, r->target);
	row[COLUMN_PHASE] =
		arena_printf(a, "%s%s", clean(a, r->phase), is_between_jobs(r) ? "*" : "");
	row[COLUMN_UPDATED] = iso(a, r->updated);
	row[COLUMN_SUMMARY] = clean(a, r->summary);
}

static void add_table(struct buf *out, struct arena *a, const struct ledger_rollout *r, size_t n)
{
	const char *(*rows)[COLUMNS] = arena_calloc(a, n + 1, sizeof(*rows));
	size_t width[COLUMNS] = {0};
	bool parked = false;

	rows[0][COLUMN_ID] = "ROLLOUT";
	rows[0][COLUMN_ACTION] = "PIPELINE/ACTION";
	rows[0][COLUMN_TARGET] = "TARGET";
	rows[0][COLUMN_PHASE] = "PHASE";
	rows[0][COLUMN_UPDATED] = "UPDATED";
	rows[0][COLUMN_SUMMARY] = "SUMMARY";
	for (size_t i = 0; i < n; i++) {
		fill_row(a, &r[i], rows[i + 1]);
		parked |= is_between_jobs(&r[i]);
	}
	for (size_t i = 0; i <= n; i++)
		for (int c = 0; c < COLUMN_SUMMARY; c++)
			if (strlen(rows[i][c]) > width[c] && strlen(rows[i][c]) <= NAME_MAX_SHOWN)
				width[c] = strlen(rows[i][c]);
	for (size_t i = 0; i <= n; i++) {
		for (int c = 0; c < COLUMN_SUMMARY; c++)
			buf_addf(out, "%-*s  ", (int)width[c], rows[i][c]);
		buf_addf(out, "%s\n", rows[i][COLUMN_SUMMARY]);
	}
	if (parked)
		buf_adds(out, "* between two jobs\n");
}

static void add_json(struct json_out *j, const struct ledger_rollout *r)
{
	char text[UTC_ISO_SIZE];

	json_member_cstr(j, "rollout", r->id);
	json_member_cstr(j, "pipeline", r->pipeline);
	json_member_cstr(j, "execution", r->execution_id);
	json_member_cstr(j, "action", r->action);
	json_member_cstr(j, "actionExecution", r->action_execution_id);
	json_member_cstr(j, "actionType", r->action_type);
	json_member_cstr(j, "target", r->target);
	json_member_cstr(j, "region", r->region);
	json_member_cstr(j, "roleArn", r->role_arn);
	json_member_cstr(j, "phase", r->phase);
	json_member_cstr(j, "summary", r->summary);
	json_member_bool(j, "final", r->final);
	json_member_bool(j, "parked", r->parked);
	json_member_bool(j, "handedOver", r->handed_over);
	json_member_cstr(j, "handle", r->handle);
	json_member_i64(j, "changes", (int64_t)r->seq);
	utc_format_iso(r->started, text);
	json_member_cstr(j, "started", text);
	utc_format_iso(r->updated, text);
	json_member_cstr(j, "updated", text);
	utc_format_iso(r->job_seen, text);
	json_member_cstr(j, "jobSeen", text);
}

/* Who holds what, who waits for whom, and what waits to get out. */
struct queue {
	struct ledger_holder *held;
	struct ledger_wait *waits;
	size_t n_held, n_waits;
	struct ledger_backlog backlog;
};

static int read_queue(struct ledger *l, struct arena *a, struct queue *q, struct err *err)
{
	*q = (struct queue){.n_held = 0};
	if (ledger_locks(l, a, &q->held, &q->n_held, err) ||
	    ledger_waits(l, a, &q->waits, &q->n_waits, err))
		return -1;
	return ledger_backlog(l, a, &q->backlog, err);
}

static void add_queue(struct buf *out, struct arena *a, const struct queue *q)
{
	if (q->n_waits)
		buf_adds(out, "\nWaiting for a target\n");
	for (size_t i = 0; i < q->n_waits; i++) {
		const struct ledger_wait *w = &q->waits[i];

		buf_addf(out, "  %s since %s for ", clean(a, w->rollout_id), iso(a, w->since));
		cli_add_clean(out, w->key);
		buf_adds(out, w->holder ? ", after " : ", which somebody else is at work on");
		cli_add_clean(out, w->holder);
		buf_addc(out, '\n');
	}
}

static void add_queue_json(struct json_out *j, struct arena *a, const struct queue *q,
			   const char *rollout_id)
{
	json_out_key(j, "holds");
	json_out_array(j);
	for (size_t i = 0; i < q->n_held; i++)
		if (!strcmp(q->held[i].rollout_id, rollout_id))
			json_out_str(j, str_from(q->held[i].key));
	json_out_end(j);
	for (size_t i = 0; i < q->n_waits; i++) {
		const struct ledger_wait *w = &q->waits[i];

		if (strcmp(w->rollout_id, rollout_id) != 0)
			continue;
		json_out_key(j, "waits");
		json_out_object(j);
		json_member_cstr(j, "for", w->key);
		json_member_cstr(j, "after", w->holder);
		json_member_cstr(j, "since", iso(a, w->since));
		json_out_end(j);
		break; /* one is enough to know why */
	}
}

/* Nothing when all is out. */
static void add_backlog(struct buf *out, struct arena *a, const struct ledger_backlog *b)
{
	if (b->reports)
		buf_addf(out, "\n%lld report%s not accepted yet by CodePipeline, oldest of %s\n",
			 (long long)b->reports, b->reports == 1 ? "" : "s",
			 iso(a, b->oldest_report));
	if (b->notices)
		buf_addf(out, "\n%lld notification%s not sent yet, oldest of %s\n",
			 (long long)b->notices, b->notices == 1 ? "" : "s",
			 iso(a, b->oldest_notice));
	if (b->problem)
		buf_addf(out, "  %s\n", clean(a, b->problem));
}

static void add_backlog_json(struct json_out *j, struct arena *a, const struct ledger_backlog *b)
{
	json_out_key(j, "reports");
	json_out_object(j);
	json_member_i64(j, "waiting", b->reports);
	if (b->oldest_report.ms)
		json_member_cstr(j, "oldest", iso(a, b->oldest_report));
	json_out_end(j);
	json_out_key(j, "notifications");
	json_out_object(j);
	json_member_i64(j, "waiting", b->notices);
	if (b->oldest_notice.ms)
		json_member_cstr(j, "oldest", iso(a, b->oldest_notice));
	json_member_cstr(j, "problem", b->problem);
	json_out_end(j);
}

static void add_status(struct buf *out, const struct options *o, struct arena *a,
		       const struct ledger_rollout *r, size_t n, const struct queue *q)
{
	struct json_out j;

	if (!o->json && n == 0)
		buf_adds(out, o->all ? "no rollouts\n" : "no rollouts are open\n");
	if (!o->json && n > 0) {
		add_table(out, a, r, n);
		add_queue(out, a, q);
	}
	if (!o->json) {
		add_backlog(out, a, &q->backlog);
		return;
	}
	json_out_init(&j, out);
	json_out_object(&j);
	add_backlog_json(&j, a, &q->backlog);
	json_out_key(&j, "rollouts");
	json_out_array(&j);
	for (size_t i = 0; i < n; i++) {
		json_out_object(&j);
		add_json(&j, &r[i]);
		add_queue_json(&j, a, q, r[i].id);
		json_out_end(&j);
	}
	json_out_end(&j);
	json_out_end(&j);
	buf_addc(out, '\n');
}

enum exit_status cli_status(const struct options *o)
{
	struct arena *a = arena_new();
	struct ledger_rollout *rollouts = NULL;
	struct err err = ERR_INIT;
	enum exit_status status;
	struct config config;
	struct ledger *l;
	struct queue queue;
	struct buf out;
	size_t n = 0;

	buf_init(&out, CLI_OUTPUT_MAX);
	l = cli_ledger_open(o, a, &config, &status);
	if (l && (ledger_rollouts(l, !o->all, ROLLOUTS_MAX, a, &rollouts, &n, &err) ||
		  read_queue(l, a, &queue, &err))) {
		status = cli_say(CLI_FAILED, "%s", err.text);
	} else if (l) {
		add_status(&out, o, a, rollouts, n, &queue);
		status = cli_print(&out);
	}
	ledger_close(l);
	buf_release(&out);
	arena_free(a);
	return status;
}

/* --- commands of operators -------------------------------------------------------------------- */

/* The name of who types this; for the history. */
static const char *user_name(struct arena *a)
{
	char space[4096];
	struct passwd entry, *found = NULL;

	if (getpwuid_r(getuid(), &entry, space, sizeof(space), &found) == 0 && found)
		return arena_strdup(a, found->pw_name);
	return arena_printf(a, "user %lu", (unsigned long)getuid());
}

static int write_command(const struct ledger_command *c, const char *path, struct err *err)
{
	struct ledger *l = ledger_open(path, err);
	int rc = l ? ledger_command_put(l, c, err) : -1;

	if (rc == 0)
		rc = ledger_note(l, c->rollout_id, c->at, c->command, c->user, err);
	ledger_close(l);
	return rc;
}

static enum exit_status operate(const struct options *o, struct arena *a, struct ledger *l,
				const struct config *config, struct buf *out)
{
	struct clock *clock = cli_clock_new(config);
	struct ledger_command c = {.rollout_id = o->id,
				   .command = command_name(o->command),
				   .user = user_name(a),
				   .at = clock_utc(clock)};
	struct ledger_rollout *r = NULL;
	struct err err = ERR_INIT;
	char tick[DURATION_TEXT_SIZE];

	cli_clock_free(clock);
	if (ledger_rollout_get(l, o->id, a, &r, &err))
		return cli_say(CLI_FAILED, "%s", err.text);
	if (!r)
		return cli_say(CLI_FAILED,
			       "there is no rollout %s in the ledger; status lists them", o->id);
	if (r->final)
		return cli_say(CLI_FAILED, "rollout %s has ended: %s", o->id, r->phase);
	if (o->command == COMMAND_PROMOTE && r->phase &&
	    !strcmp(r->phase, phase_name(PHASE_PARKED)))
		return cli_say(CLI_FAILED,
			       "rollout %s is parked: the pipeline's own action with Mode: promote "
			       "goes on with it; what you can do here is hold, resume and rollback",
			       o->id);
	if (write_command(&c, cli_ledger_path(a, config), &err))
		return cli_say(CLI_FAILED, "%s", err.text);
	duration_format(config->tick_ms, tick);
	buf_addf(out, "%s of %s by ", c.command, o->id);
	cli_add_clean(out, c.user);
	buf_addf(out, ": written; a running worker finds it within %s\n", tick);
	return CLI_OK;
}

enum exit_status cli_operate(const struct options *o)
{
	struct arena *a = arena_new();
	enum exit_status status;
	struct config config;
	struct ledger *l;
	struct buf out;

	buf_init(&out, CLI_OUTPUT_MAX);
	l = cli_ledger_open(o, a, &config, &status);
	if (l)
		status = operate(o, a, l, &config, &out);
	if (status == CLI_OK)
		status = cli_print(&out);
	ledger_close(l);
	buf_release(&out);
	arena_free(a);
	return status;
}
