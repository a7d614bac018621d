#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "aws/core/buf.h"
#include "tests/faults/disk.h"
#include "worker/ledger.h"

/*
 * The ledger on a faulty disk. A workload of every kind of write is run once untouched, and what
 * the ledger says after each step is kept. Then a fault strikes at the n-th call, for every n until
 * a run is not struck any more: after a power cut the ledger opens and says what it said after the
 * last step that succeeded, or, when a step was under way, what it says after that one: nothing in
 * between. After any other fault the step that failed is done again, and the end is the same.
 * TORTURE=full takes every call and every way of tearing; by default it is some of them.
 */
#define STEPS_MAX 80
#define FAILURES_SHOWN 10
#define N_MAX 100000

static struct err err;

struct bench {
	char dir[64], path[80];
	struct disk *disk;
	struct ledger *ledger;
	const char *big; /* makes the WAL long enough for a checkpoint on the way */
};

/* --- what is written ------------------------------------------------------------------------ */

static int put_rollout(struct bench *b, const char *id, uint64_t seq, bool final)
{
	struct ledger_rollout r = {.id = id,
				   .pipeline = "web",
				   .action = "Canary",
				   .target = "lambda:checkout:live",
				   .token = b->big ? b->big : "{\"phase\":\"WATCH\"}",
				   .seq = seq,
				   .phase = final ? "DONE" : "WATCH",
				   .final = final,
				   .started = {5},
				   .updated = {(int64_t)seq},
				   .job_seen = {7}};

	return ledger_rollout_put(b->ledger, &r, &err);
}

static int put_job(struct bench *b, const char *id, enum ledger_job_state state)
{
	struct ledger_job j = {.job_id = id,
			       .rollout_id = "r-1",
			       .state = state,
			       .action_type = "Deploy/Rollout/1",
			       .pipeline = "web",
			       .claimed = {1000}};

	return ledger_job_put(b->ledger, &j, &err);
}

static int put_report(struct bench *b, const char *job_id, bool final)
{
	struct ledger_report r = {.job_id = job_id,
				  .rollout_id = "r-1",
				  .operation = "PutJobSuccessResult",
				  .body = b->big ? b->big : "{\"jobId\":\"j\"}",
				  .final = final,
				  .written = {2000}};

	return ledger_report_put(b->ledger, &r, &err);
}

static int put_command(struct bench *b, const char *command)
{
	struct ledger_command c = {
		.rollout_id = "r-1", .command = command, .user = "ann", .at = {3000}};

	return ledger_command_put(b->ledger, &c, &err);
}

static int note(struct bench *b, const char *event)
{
	return ledger_note(b->ledger, "r-1", (struct utc){4}, event, b->big, &err);
}

static int shut(struct bench *b)
{
	ledger_close(b->ledger);
	b->ledger = NULL;
	return 0;
}

/* A step after which the ledger is closed opens it first when it comes next. */
static int step(struct bench *b, unsigned i)
{
	struct ledger *l = b->ledger;

	switch (i % 20) {
	case 0:
		return put_job(b, "j-1", LEDGER_CLAIMED);
	case 1:
		return put_job(b, "j-1", LEDGER_OWNED);
	case 2:
		return put_rollout(b, "r-1", i + 1, false);
	case 3:
		return ledger_plan_put(l, "r-1", b->big ? b->big : "plan", &err);
	case 4:
		return note(b, "started");
	case 5:
		return put_rollout(b, "r-1", i + 1, false);
	case 6:
		return ledger_handle_put(l, "h-1", "r-1", &err);
	case 7:
		return put_report(b, "j-1", false);
	case 8:
		return ledger_report_tried(l, "j-1", &err);
	case 9:
		return ledger_report_done(l, "j-1", &err);
	case 10:
		return put_command(b, "hold");
	case 11:
		return shut(b);
	case 12:
		return put_job(b, "j-2", LEDGER_OWNED);
	case 13:
		return put_command(b, "promote");
	case 14:
		return note(b, "promoted");
	case 15:
		return put_rollout(b, "r-1", i + 1, true); /* its plan is forgotten with it */
	case 16:
		return put_report(b, "j-2", true);
	case 17:
		return ledger_report_done(l, "j-2", &err);
	case 18:
		return put_rollout(b, i < 20 ? "r-2" : "r-3", i, false);
	default:
		return shut(b);
	}
}

static int do_step(struct bench *b, unsigned i)
{
	if (!b->ledger)
		b->ledger = ledger_open(b->path, &err);
	return b->ledger ? step(b, i) : -1;
}

/* --- what it says --------------------------------------------------------------------------- */

static const char *or_none(const char *s)
{
	return s ? s : "(none)";
}

static void say_rollouts(struct ledger *l, struct arena *a, struct buf *out)
{
	struct ledger_rollout *r;
	struct ledger_note *notes;
	struct ledger_command *c;
	const char *text;
	size_t n, k;

	assert_int_equal(ledger_rollouts(l, false, 100, a, &r, &n, &err), 0);
	for (size_t i = 0; i < n; i++) {
		buf_addf(out, "rollout %s %llu %s %d %.20s\n", r[i].id,
			 (unsigned long long)r[i].seq, r[i].phase, r[i].final, r[i].token);
		assert_int_equal(ledger_plan_get(l, r[i].id, a, &text, &err), 0);
		buf_addf(out, " plan %.20s\n", or_none(text));
		assert_int_equal(ledger_command_get(l, r[i].id, a, &c, &err), 0);
		buf_addf(out, " command %s\n", c ? c->command : "(none)");
	}
	assert_int_equal(ledger_notes(l, "r-1", a, &notes, &k, &err), 0);
	for (size_t i = 0; i < k; i++)
		buf_addf(out, "note %s %.20s\n", notes[i].event, or_none(notes[i].text));
}

/* Everything that can be read, in the arena. */
static const char *say(struct ledger *l, struct arena *a)
{
	struct ledger_job *jobs;
	struct ledger_report *reports;
	const char *text;
	struct buf out;
	size_t n;

	buf_init(&out, 1 << 20);
	assert_int_equal(ledger_jobs(l, a, &jobs, &n, &err), 0);
	for (size_t i = 0; i < n; i++)
		buf_addf(&out, "job %s %d\n", jobs[i].job_id, jobs[i].state);
	say_rollouts(l, a, &out);
	assert_int_equal(ledger_handle_get(l, "h-1", a, &text, &err), 0);
	buf_addf(&out, "handle %s\n", or_none(text));
	assert_int_equal(ledger_reports(l, a, &reports, &n, &err), 0);
	for (size_t i = 0; i < n; i++)
		buf_addf(&out, "report %s %s %lld %.20s\n", reports[i].job_id, reports[i].operation,
			 (long long)reports[i].attempts, reports[i].body);
	assert_int_equal(buf_check(&out, "all", &err), 0);
	text = arena_strdup(a, out.p);
	buf_release(&out);
	return text;
}

/* --- one run -------------------------------------------------------------------------------- */

struct plan {
	unsigned steps;
	const char *big;
	struct arena *arena;
	const char *said[STEPS_MAX + 1]; /* after so many steps */
	uint64_t stride;
	unsigned runs, struck, problems;
};

static void bench_begin(struct bench *b, const struct plan *p)
{
	*b = (struct bench){.big = p->big};
	snprintf(b->dir, sizeof(b->dir), "%s/rollout-disk-XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->path, sizeof(b->path), "%s/ledger.db", b->dir);
	b->disk = disk_new(b->dir);
}

static void bench_end(struct bench *b)
{
	ledger_close(b->ledger);
	disk_wipe(b->disk);
	disk_free(b->disk);
	unlink(b->path);
	assert_int_equal(rmdir(b->dir), 0);
}

/* Now, whether it is open or not. */
static const char *said_now(struct bench *b, struct arena *a)
{
	if (!b->ledger)
		b->ledger = ledger_open(b->path, &err);
	return b->ledger ? say(b->ledger, a) : arena_printf(a, "does not open: %s", err.text);
}

static void learn(struct plan *p)
{
	struct bench b;

	p->arena = arena_new();
	bench_begin(&b, p);
	p->said[0] = said_now(&b, p->arena);
	shut(&b);
	bench_end(&b);
	bench_begin(&b, p);
	for (unsigned i = 0; i < p->steps; i++) {
		bool shuts = i % 20 == 11 || i % 20 == 19;

		if (do_step(&b, i))
			fail_msg("step %u: %s", i, err.text);
		p->said[i + 1] = shuts ? p->said[i] : say(b.ledger, p->arena);
	}
	bench_end(&b);
}

static void problem(struct plan *p, const char *run, unsigned step, const char *expected,
		    const char *found)
{
	if (p->problems++ < FAILURES_SHOWN)
		fprintf(stderr, "# %s, at step %u\n# expected:\n%s# found:\n%s", run, step,
			expected, found);
}

/* Power is cut at the n-th change of the disk. True when it was. */
static bool cut_run(struct plan *p, uint64_t n, enum disk_left left, uint64_t seed)
{
	struct arena *a = arena_new();
	unsigned done = 0;
	struct bench b;
	const char *found;
	bool cut;

	bench_begin(&b, p);
	disk_fail(b.disk, DISK_CUT, n, 1);
	while (done < p->steps && !disk_is_cut(b.disk) && !do_step(&b, done))
		done++;
	cut = disk_is_cut(b.disk);
	shut(&b);
	disk_restart(b.disk, left, seed);
	found = said_now(&b, a);
	if (strcmp(found, p->said[done]) != 0 &&
	    (done == p->steps || strcmp(found, p->said[done + 1]) != 0))
		problem(p,
			arena_printf(a, "cut at %llu, left %d, seed %llu", (unsigned long long)n,
				     left, (unsigned long long)seed),
			done, p->said[done], found);
	else if (b.ledger && put_job(&b, "j-9", LEDGER_OWNED))
		problem(p, "after a cut", done, "a job is taken\n", err.text);
	bench_end(&b);
	arena_free(a);
	p->runs++;
	p->struck += cut;
	return cut;
}

/* The step failed by a fault: in words, without a trace, and it can be done again. */
static void redo(struct plan *p, struct bench *b, unsigned i, const char *run, struct arena *a)
{
	const char *said;

	if (!disk_failures(b->disk))
		problem(p, run, i, "no failure without a fault\n", err.text);
	if (!strstr(err.text, "ledger: "))
		problem(p, run, i, "words that say what failed\n", err.text);
	disk_fail(b->disk, DISK_WORKS, 0, 0);
	said = said_now(b, a);
	if (strcmp(said, p->said[i]) != 0)
		problem(p, run, i, p->said[i], said);
	if (do_step(b, i))
		problem(p, run, i, "success the second time\n", err.text);
}

/* Another fault at the n-th call, that many calls long. True: it struck. */
static bool fault_run(struct plan *p, enum disk_fault fault, uint64_t n, uint64_t times)
{
	struct arena *a = arena_new();
	const char *run = arena_printf(a, "fault %d at %llu", fault, (unsigned long long)n);
	bool struck = false;
	const char *said;
	struct bench b;

	bench_begin(&b, p);
	disk_fail(b.disk, fault, n, times);
	for (unsigned i = 0; i < p->steps; i++) {
		int rc = do_step(&b, i);

		struck = struck || disk_failures(b.disk);
		if (rc)
			redo(p, &b, i, run, a);
	}
	disk_cut(b.disk);
	shut(&b);
	disk_restart(b.disk, DISK_LEFT_NONE, 0);
	said = said_now(&b, a);
	if (strcmp(said, p->said[p->steps]) != 0)
		problem(p, run, p->steps, p->said[p->steps], said);
	bench_end(&b);
	arena_free(a);
	p->runs++;
	p->struck += struck;
	return struck;
}

/* --- sweeps --------------------------------------------------------------------------------- */

static void report(const char *name, const struct plan *p)
{
	fprintf(stderr, "# %s: %u runs, %u faults, %u problems\n", name, p->runs, p->struck,
		p->problems);
	assert_int_equal(p->problems, 0);
}

static bool thorough(void)
{
	const char *torture = getenv("TORTURE");

	return torture && !strcmp(torture, "full");
}

/* Every kind of what is left; by default what is certain at every cut, and the rest in turns. */
static void sweep_cuts(struct plan *p, const char *name)
{
	bool struck = true;
	uint64_t n;

	for (n = 1; struck && n < N_MAX; n += p->stride) {
		struck = cut_run(p, n, DISK_LEFT_NONE, 0);
		for (uint64_t seed = n; seed < n + (thorough() ? 9 : 1); seed++)
			cut_run(p, n, DISK_LEFT_TORN, seed);
		if (thorough() || n % 2)
			cut_run(p, n, DISK_LEFT_SOME, n);
		if (thorough() || n % 4 == 0)
			cut_run(p, n, DISK_LEFT_ALL, 0);
	}
	assert_false(struck);
	report(name, p);
}

static void sweep_faults(struct plan *p, const char *name, enum disk_fault fault, uint64_t times)
{
	bool struck = true;
	uint64_t n;

	for (n = 1; struck && n < N_MAX; n += p->stride)
		struck = fault_run(p, fault, n, times);
	assert_false(struck);
	report(name, p);
}

/* Every so many calls: all of them when asked to, fewer under a sanitizer. */
static struct plan plan_of(unsigned steps, uint64_t stride, const char *big)
{
	const char *san = getenv("SAN");
	struct plan p = {.steps = steps, .stride = thorough() ? 1 : stride, .big = big};

	if (!thorough() && san && *san)
		p.stride *= 8;
	learn(&p);
	return p;
}

static void a_power_cut_leaves_whole_steps(void **state)
{
	struct plan p = plan_of(40, 1, NULL);

	(void)state;
	sweep_cuts(&p, "power cut at every change");
	arena_free(p.arena);
}

static void so_it_does_in_a_checkpoint_on_the_way(void **state)
{
	static char big[200 << 10];
	struct plan p;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	p = plan_of(19, 97, big);
	sweep_cuts(&p, "power cut with a long WAL");
	arena_free(p.arena);
}

static void an_error_of_the_disk_is_told_and_leaves_nothing(void **state)
{
	struct plan p = plan_of(40, 5, NULL);

	(void)state;
	sweep_faults(&p, "I/O error at every call", DISK_IOERR, 1);
	arena_free(p.arena);
}

static void a_full_disk_is_told_and_leaves_nothing(void **state)
{
	struct plan p = plan_of(40, 5, NULL);

	(void)state;
	sweep_faults(&p, "disk full from every write on", DISK_FULL, UINT64_MAX);
	arena_free(p.arena);
}

static void a_lock_that_is_taken_is_waited_for(void **state)
{
	struct plan p = plan_of(40, 5, NULL);

	(void)state;
	sweep_faults(&p, "lock taken, once", DISK_BUSY, 1);
	sweep_faults(&p, "lock taken, for good", DISK_BUSY, UINT64_MAX);
	arena_free(p.arena);
}

/* What is left of the step that takes a job when power is cut at its n-th change. */
static const char *left_of_a_job(const struct plan *p, uint64_t n, enum disk_left left,
				 struct arena *a)
{
	struct bench b;
	const char *said;

	bench_begin(&b, p);
	b.ledger = ledger_open(b.path, &err);
	assert_non_null(b.ledger);
	disk_fail(b.disk, DISK_CUT, n, 1);
	do_step(&b, 0);
	assert_true(disk_is_cut(b.disk));
	shut(&b);
	disk_restart(b.disk, left, n);
	said = said_now(&b, a);
	bench_end(&b);
	return said;
}

/* The disk itself: pages are written in two parts each, a header and the page, and then comes the
 * sync. */
static void what_is_not_certain_may_be_lost(void **state)
{
	struct plan p = plan_of(1, 1, NULL);
	struct arena *a = arena_new();

	(void)state;
	for (uint64_t n = 1; n <= 4; n++) {
		bool last = n == 4; /* on its way when power went: there, perhaps */

		assert_string_equal(left_of_a_job(&p, n, DISK_LEFT_NONE, a), p.said[0]);
		assert_string_equal(left_of_a_job(&p, n, DISK_LEFT_ALL, a), p.said[last]);
	}
	assert_string_equal(left_of_a_job(&p, 5, DISK_LEFT_NONE, a), p.said[0]);
	assert_string_equal(left_of_a_job(&p, 5, DISK_LEFT_ALL, a), p.said[1]);
	arena_free(a);
	arena_free(p.arena);
}

static void what_is_there_can_be_read_while_the_disk_is_full(void **state)
{
	struct plan p = plan_of(20, 1, NULL);
	struct arena *a = arena_new();
	struct bench b;

	(void)state;
	bench_begin(&b, &p);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(do_step(&b, i), 0);
	disk_full(b.disk, true);
	assert_int_equal(do_step(&b, 10), -1);
	assert_string_equal(said_now(&b, a), p.said[10]);
	assert_non_null(strstr(err.text, "full"));
	disk_full(b.disk, false);
	assert_int_equal(do_step(&b, 10), 0);
	assert_string_equal(said_now(&b, a), p.said[11]);
	bench_end(&b);
	arena_free(a);
	arena_free(p.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_certain_may_be_lost),
		cmocka_unit_test(a_power_cut_leaves_whole_steps),
		cmocka_unit_test(so_it_does_in_a_checkpoint_on_the_way),
		cmocka_unit_test(an_error_of_the_disk_is_told_and_leaves_nothing),
		cmocka_unit_test(a_full_disk_is_told_and_leaves_nothing),
		cmocka_unit_test(a_lock_that_is_taken_is_waited_for),
		cmocka_unit_test(what_is_there_can_be_read_while_the_disk_is_full),
	};

	return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}
