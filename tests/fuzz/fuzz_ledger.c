#include "tests/fuzz/support.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "worker/kept_plan.h"
#include "worker/ledger.h"

/*
 * A ledger that somebody else wrote: the input is the database file. It opens or is refused in one
 * line, every question is answered or refused, and so is every write. An input that begins with a
 * line "rows" is values instead, one a line, which are written through every function and must come
 * back the same; with "plan", a kept plan.
 */
#define FIELDS 20
#define ROWS_MAX 8

/* --- hostile rows ---------------------------------------------------------------------------- */

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void take_fields(struct arena *a, struct str input, const char **fields)
{
	for (int i = 0; i < FIELDS; i++) {
		struct str line;

		fields[i] = str_next(&input, '\n', &line) ? str_dup(a, line) : "";
		if (i > 1 && !fields[i][0])
			fields[i] = NULL;
	}
}

static void check_rollout(struct ledger *l, struct arena *a, const char *const *f)
{
	const struct ledger_rollout r = {.id = f[0],
					 .pipeline = f[2],
					 .execution_id = f[3],
					 .action = f[4],
					 .action_execution_id = f[5],
					 .action_type = f[6],
					 .target = f[7],
					 .token = f[8],
					 .seq = strlen(f[1]),
					 .phase = f[9],
					 .summary = f[10],
					 .parked = f[11] != NULL,
					 .started = {f[12] ? INT64_MAX : INT64_MIN},
					 .region = f[13],
					 .role_arn = f[14],
					 .configuration = f[15],
					 .handle = f[16],
					 .handed_over = f[17] != NULL};
	struct ledger_rollout *got, *all;
	struct err err = ERR_INIT;
	size_t n;

	FUZZ_CHECK(ledger_rollout_put(l, &r, &err) == 0);
	FUZZ_CHECK(ledger_rollout_get(l, f[0], a, &got, &err) == 0 && got);
	FUZZ_CHECK(ledger_rollouts(l, true, ROWS_MAX, a, &all, &n, &err) == 0 && n == 1);
	FUZZ_CHECK(same(got->id, r.id) && same(got->pipeline, r.pipeline) &&
		   same(got->token, r.token) && same(got->summary, r.summary) &&
		   same(got->configuration, r.configuration) && same(got->handle, r.handle) &&
		   same(got->region, r.region) && same(got->target, r.target));
	FUZZ_CHECK(got->seq == r.seq && got->parked == r.parked && !got->final &&
		   got->started.ms == r.started.ms && got->handed_over == r.handed_over);
}

static void check_job_and_report(struct ledger *l, struct arena *a, const char *const *f)
{
	const struct ledger_job j = {.job_id = f[0],
				     .rollout_id = f[2],
				     .state = LEDGER_MAYBE,
				     .action_type = f[3],
				     .pipeline = f[4],
				     .action = f[5]};
	struct ledger_report r = {
		.job_id = f[0], .rollout_id = f[2], .operation = f[1], .body = f[1], .final = true};
	struct ledger_report *reports;
	struct ledger_job *jobs;
	struct err err = ERR_INIT;
	size_t n;

	FUZZ_CHECK(ledger_job_put(l, &j, &err) == 0);
	FUZZ_CHECK(ledger_jobs(l, a, &jobs, &n, &err) == 0 && n == 1);
	FUZZ_CHECK(same(jobs->job_id, j.job_id) && same(jobs->pipeline, j.pipeline));
	FUZZ_CHECK(ledger_report_put(l, &r, &err) == 0 && ledger_report_put(l, &r, &err) == 0);
	FUZZ_CHECK(ledger_report_tried(l, r.job_id, &err) == 0);
	FUZZ_CHECK(ledger_reports(l, a, &reports, &n, &err) == 0 && n == 1);
	FUZZ_CHECK(same(reports->body, r.body) && reports->attempts == 1 && reports->final);
	r.body = "another";
	FUZZ_CHECK(same(r.body, f[1]) ||
		   (ledger_report_put(l, &r, &err) == -1 && err.code == ERR_CONFLICT));
	FUZZ_CHECK(ledger_report_done(l, r.job_id, &err) == 0);
	FUZZ_CHECK(ledger_jobs(l, a, &jobs, &n, &err) == 0 && n == 0);
	FUZZ_CHECK(ledger_reports(l, a, &reports, &n, &err) == 0 && n == 0);
}

static void check_rest(struct ledger *l, struct arena *a, const char *const *f)
{
	struct ledger_command c = {.rollout_id = f[0], .command = f[1], .user = f[2]}, *newest;
	struct ledger_note *notes;
	struct err err = ERR_INIT;
	const char *text;
	size_t n;

	FUZZ_CHECK(ledger_plan_put(l, f[0], f[1], &err) == 0);
	FUZZ_CHECK(ledger_plan_get(l, f[0], a, &text, &err) == 0 && same(text, f[1]));
	FUZZ_CHECK(ledger_handle_put(l, f[1], f[0], &err) == 0);
	FUZZ_CHECK(ledger_handle_get(l, f[1], a, &text, &err) == 0 && same(text, f[0]));
	FUZZ_CHECK(ledger_note(l, f[0], (struct utc){-1}, f[1], f[3], &err) == 0);
	FUZZ_CHECK(ledger_notes(l, f[0], a, &notes, &n, &err) == 0 && n == 1);
	FUZZ_CHECK(same(notes->event, f[1]) && same(notes->text, f[3]) && notes->at.ms == -1);
	FUZZ_CHECK(ledger_command_put(l, &c, &err) == 0);
	FUZZ_CHECK(ledger_command_get(l, f[0], a, &newest, &err) == 0 && newest);
	FUZZ_CHECK(same(newest->command, f[1]) && same(newest->user, f[2]));
}

static void check_rows(struct str input)
{
	struct arena *a = arena_new();
	const char *fields[FIELDS];
	struct err err = ERR_INIT;
	struct ledger *l = ledger_open(":memory:", &err);

	FUZZ_CHECK(l);
	take_fields(a, input, fields);
	check_rollout(l, a, fields);
	check_job_and_report(l, a, fields);
	check_rest(l, a, fields);
	ledger_close(l);
	arena_free(a);
}

/* --- a kept plan ------------------------------------------------------------------------------ */

static void check_plan(struct str text)
{
	struct arena *a = arena_new();
	struct plan_source src, again;
	struct err err = ERR_INIT;
	struct buf b;
	int rc = kept_plan_read(a, text, &src, &err);

	fuzz_check_err(rc, &err);
	buf_init(&b, KEPT_PLAN_MAX);
	if (rc == 0 && kept_plan_write(&b, &src)) {
		FUZZ_CHECK(kept_plan_read(a, buf_str(&b), &again, &err) == 0);
		FUZZ_CHECK(again.n_properties == src.n_properties);
		for (size_t i = 0; i < src.n_properties; i++)
			FUZZ_CHECK(str_eq(again.properties[i].name, src.properties[i].name) &&
				   str_eq(again.properties[i].value, src.properties[i].value));
		FUZZ_CHECK(same(again.file_name, src.file_name));
		FUZZ_CHECK(!src.file_name || str_eq(again.file_text, src.file_text));
	} else {
		FUZZ_CHECK(rc || b.over || !b.n || src.n_properties);
	}
	buf_release(&b);
	arena_free(a);
}

/* --- a hostile file --------------------------------------------------------------------------- */

static void ask_all(struct ledger *l, struct arena *a)
{
	struct ledger_rollout *rollouts, *one;
	struct ledger_report *reports;
	struct ledger_command *command;
	struct ledger_note *notes;
	struct ledger_job *jobs;
	struct err err = ERR_INIT;
	const char *text;
	size_t n;
	int rc;

	rc = ledger_jobs(l, a, &jobs, &n, &err);
	fuzz_check_err(rc, &err);
	for (size_t i = 0; i < n; i++)
		FUZZ_TEXTS(jobs[i].job_id, jobs[i].rollout_id, jobs[i].pipeline, jobs[i].action);
	rc = ledger_rollouts(l, false, ROWS_MAX, a, &rollouts, &n, &err);
	fuzz_check_err(rc, &err);
	FUZZ_CHECK(n <= ROWS_MAX);
	for (size_t i = 0; i < n; i++)
		FUZZ_TEXTS(rollouts[i].id, rollouts[i].token, rollouts[i].configuration);
	fuzz_check_err(ledger_reports(l, a, &reports, &n, &err), &err);
	fuzz_check_err(ledger_rollout_get(l, "r-1", a, &one, &err), &err);
	fuzz_check_err(ledger_plan_get(l, "r-1", a, &text, &err), &err);
	fuzz_check_err(ledger_handle_get(l, "h1.r-1", a, &text, &err), &err);
	fuzz_check_err(ledger_notes(l, "r-1", a, &notes, &n, &err), &err);
	fuzz_check_err(ledger_command_get(l, "r-1", a, &command, &err), &err);
}

static void write_all(struct ledger *l)
{
	struct ledger_rollout r = {.id = "r-1", .seq = 9};
	struct ledger_job j = {.job_id = "job"};
	struct ledger_report p = {.job_id = "job", .operation = "o", .body = "{}"};
	struct err err = ERR_INIT;

	fuzz_check_err(ledger_job_put(l, &j, &err), &err);
	fuzz_check_err(ledger_rollout_put(l, &r, &err), &err);
	fuzz_check_err(ledger_plan_put(l, "r-1", "{}", &err), &err);
	fuzz_check_err(ledger_note(l, "r-1", (struct utc){1}, "e", "t", &err), &err);
	fuzz_check_err(ledger_report_put(l, &p, &err), &err);
	fuzz_check_err(ledger_report_done(l, "job", &err), &err);
}

static void check_file(struct str bytes)
{
	char dir[] = "/dev/shm/rollout-fuzz-XXXXXX", path[64], side[80];
	struct arena *a = arena_new();
	struct err err = ERR_INIT;
	struct ledger *l;
	int fd;

	FUZZ_CHECK(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/ledger", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	FUZZ_CHECK(fd >= 0 && write(fd, bytes.n ? bytes.p : "", bytes.n) == (ssize_t)bytes.n);
	close(fd);
	l = ledger_open_read(path, &err);
	fuzz_check_err(l ? 0 : -1, &err);
	if (l)
		ask_all(l, a);
	ledger_close(l);
	l = ledger_open(path, &err);
	fuzz_check_err(l ? 0 : -1, &err);
	if (l) {
		ask_all(l, a);
		write_all(l);
		ask_all(l, a);
	}
	ledger_close(l);
	unlink(path);
	for (int i = 0; i < 3; i++) {
		snprintf(side, sizeof(side), "%s%s", path,
			 (const char *const[]){"-wal", "-shm", "-journal"}[i]);
		unlink(side);
	}
	FUZZ_CHECK(rmdir(dir) == 0);
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = {(const char *)data, size};

	if (str_starts(s, "rows\n"))
		check_rows(str_sub(s, 5, s.n));
	else if (str_starts(s, "plan\n"))
		check_plan(str_sub(s, 5, s.n));
	else
		check_file(s);
	return 0;
}
