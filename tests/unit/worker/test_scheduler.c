#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "aws/core/cancel.h"
#include "aws/core/mem.h"
#include "aws/core/rng.h"
#include "worker/scheduler.h"

/* A clock that stands still until the test moves it. */
struct test_clock {
	struct clock clock;
	int64_t ms;
};

static struct utc test_utc(struct clock *c)
{
	return (struct utc){((struct test_clock *)c)->ms};
}

static struct mono test_mono(struct clock *c)
{
	return (struct mono){((struct test_clock *)c)->ms};
}

static struct test_clock stopped(void)
{
	return (struct test_clock){.clock = {.utc = test_utc, .mono = test_mono}};
}

struct counted {
	struct task task;
	int runs;
	int64_t again_ms; /* 0: leave */
	int64_t *order;
	int64_t *n_order;
	int64_t id;
};

static bool run_counted(struct task *t, struct mono now, struct mono *next)
{
	struct counted *c = (struct counted *)t;

	c->runs++;
	if (c->order)
		c->order[(*c->n_order)++] = c->id;
	next->ms = now.ms + c->again_ms;
	return c->again_ms > 0;
}

static void tasks_run_in_order_of_due_time(void **state)
{
	struct test_clock clock = stopped();
	struct scheduler *s = scheduler_new(
		&(struct scheduler_options){.clock = &clock.clock, .heavy_max = 1});
	struct counted *tasks = xcalloc(1000, sizeof(*tasks));
	int64_t *order = xcalloc(1000, sizeof(*order)), n = 0;
	struct rng_seeded rng;
	struct mono due;

	(void)state;
	rng_seeded_init(&rng, 1);
	for (int i = 0; i < 1000; i++) {
		int64_t at = (int64_t)rng_below(&rng.rng, 100000);

		tasks[i] = (struct counted){.task = {.run = run_counted},
					    .order = order,
					    .n_order = &n,
					    .id = at};
		scheduler_add(s, &tasks[i].task, (struct mono){at});
	}
	assert_false(scheduler_step(s) && clock.ms == 0 && n == 0);
	while (scheduler_next_due(s, &due)) {
		clock.ms = due.ms;
		while (scheduler_step(s))
			;
	}
	assert_int_equal(n, 1000);
	for (int i = 1; i < 1000; i++)
		assert_true(order[i - 1] <= order[i]);
	assert_int_equal(scheduler_waiting(s), 0);
	scheduler_free(s);
	free(order);
	free(tasks);
}

static void a_woken_task_runs_now(void **state)
{
	struct test_clock clock = stopped();
	struct scheduler *s = scheduler_new(
		&(struct scheduler_options){.clock = &clock.clock, .heavy_max = 1});
	struct counted c = {.task = {.run = run_counted}, .again_ms = 5000};

	(void)state;
	scheduler_add(s, &c.task, (struct mono){9000});
	assert_false(scheduler_step(s));
	scheduler_wake(s, &c.task);
	assert_true(scheduler_step(s));
	assert_false(scheduler_step(s));
	clock.ms = 5000;
	assert_true(scheduler_step(s));
	assert_int_equal(c.runs, 2);
	scheduler_free(s);
}

static struct scheduler *self_wake;

static bool run_waking_itself(struct task *t, struct mono now, struct mono *next)
{
	struct counted *c = (struct counted *)t;

	if (c->runs++ == 0)
		scheduler_wake(self_wake, t);
	next->ms = now.ms + 10000;
	return true;
}

static void a_wake_while_running_is_not_lost(void **state)
{
	struct test_clock clock = stopped();
	struct counted c = {.task = {.run = run_waking_itself}};

	(void)state;
	self_wake = scheduler_new(
		&(struct scheduler_options){.clock = &clock.clock, .heavy_max = 1});
	scheduler_add(self_wake, &c.task, (struct mono){0});
	assert_true(scheduler_step(self_wake));
	assert_true(scheduler_step(self_wake)); /* at once, not 10 s later */
	assert_false(scheduler_step(self_wake));
	scheduler_free(self_wake);
}

/* --- with threads --------------------------------------------------------------------------- */

static atomic_int n_runs, n_heavy_now, n_heavy_most;

static bool run_heavy(struct task *t, struct mono now, struct mono *next)
{
	int here = atomic_fetch_add(&n_heavy_now, 1) + 1, most = atomic_load(&n_heavy_most);
	struct err err = ERR_INIT;

	(void)t;
	while (here > most && !atomic_compare_exchange_weak(&n_heavy_most, &most, here))
		;
	assert_int_equal(clock_sleep(clock_system(), 1, NULL, &err), 0);
	atomic_fetch_sub(&n_heavy_now, 1);
	*next = now;
	return atomic_fetch_add(&n_runs, 1) < 200;
}

static void heavy_turns_are_limited(void **state)
{
	struct scheduler *s = scheduler_new(&(struct scheduler_options){
		.clock = clock_system(), .n_threads = 8, .heavy_max = 2});
	struct task tasks[10];
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(scheduler_start(s, &err), 0);
	for (int i = 0; i < 10; i++) {
		tasks[i] = (struct task){.run = run_heavy, .heavy = true};
		scheduler_add(s, &tasks[i], clock_mono(clock_system()));
	}
	while (scheduler_waiting(s) || scheduler_running(s))
		assert_int_equal(clock_sleep(clock_system(), 1, NULL, &err), 0);
	scheduler_free(s);
	assert_true(atomic_load(&n_runs) >= 200);
	assert_true(atomic_load(&n_heavy_most) <= 2);
}

static bool run_again_soon(struct task *t, struct mono now, struct mono *next)
{
	((struct counted *)t)->runs++; /* a task is in one place: no lock needed */
	next->ms = now.ms;
	return true;
}

static void stop_returns_when_running_turns_are_over(void **state)
{
	struct scheduler *s = scheduler_new(&(struct scheduler_options){
		.clock = clock_system(), .n_threads = 4, .heavy_max = 1});
	struct counted tasks[16] = {0};
	struct err err = ERR_INIT;

	(void)state;
	for (int i = 0; i < 16; i++) {
		tasks[i].task.run = run_again_soon;
		scheduler_add(s, &tasks[i].task, (struct mono){0});
	}
	assert_int_equal(scheduler_start(s, &err), 0);
	for (int i = 0; i < 1000; i++)
		scheduler_wake(s, &tasks[i % 16].task);
	scheduler_stop(s);
	scheduler_stop(s); /* idempotent */
	assert_int_equal(scheduler_running(s), 0);
	assert_int_equal(scheduler_waiting(s), 16);
	scheduler_free(s);
}

/* --- watchdog -------------------------------------------------------------------------------- */

/* Moved by the test while threads read it. */
struct shared_clock {
	struct clock clock;
	atomic_int_fast64_t ms;
};

static struct mono shared_mono(struct clock *c)
{
	return (struct mono){atomic_load(&((struct shared_clock *)c)->ms)};
}

/* A turn that lasts until its pipe is written to. */
struct blocked {
	struct task task;
	int begun[2], go[2];
};

static bool run_blocked(struct task *t, struct mono now, struct mono *next)
{
	struct blocked *b = (struct blocked *)t;
	char c = 'b';

	*next = now;
	assert_int_equal(write(b->begun[1], &c, 1), 1);
	assert_int_equal(read(b->go[0], &c, 1), 1);
	return false;
}

static void block(struct scheduler *s, struct blocked *b)
{
	char c;

	*b = (struct blocked){.task = {.run = run_blocked}};
	assert_int_equal(pipe(b->begun), 0);
	assert_int_equal(pipe(b->go), 0);
	scheduler_add(s, &b->task, (struct mono){0});
	assert_int_equal(read(b->begun[0], &c, 1), 1);
}

static void unblock(struct blocked *b)
{
	assert_int_equal(write(b->go[1], "g", 1), 1);
}

static void close_pipes(struct blocked *b)
{
	for (int i = 0; i < 2; i++) {
		close(b->begun[i]);
		close(b->go[i]);
	}
}

/* As slow as AWS may be, that is work; when no turn ends for an hour, it is none. */
static void blocked_threads_are_alive_for_an_hour(void **state)
{
	struct shared_clock clock = {.clock = {.mono = shared_mono}};
	struct scheduler *s = scheduler_new(&(struct scheduler_options){
		.clock = &clock.clock, .n_threads = 2, .heavy_max = 1});
	struct counted due = {.task = {.run = run_counted}};
	struct blocked b[2];
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(scheduler_start(s, &err), 0);
	block(s, &b[0]);
	block(s, &b[1]);
	scheduler_add(s, &due.task, (struct mono){0}); /* nobody is free to run it */
	atomic_store(&clock.ms, 60 * 60 * 1000 - 1);
	assert_true(scheduler_is_alive(s));
	atomic_store(&clock.ms, 60 * 60 * 1000);
	assert_false(scheduler_is_alive(s));
	unblock(&b[0]);
	unblock(&b[1]);
	while (scheduler_waiting(s) || scheduler_running(s))
		assert_int_equal(clock_sleep(clock_system(), 1, NULL, &err), 0);
	assert_true(scheduler_is_alive(s));
	assert_int_equal(due.runs, 1);
	scheduler_free(s);
	close_pipes(&b[0]);
	close_pipes(&b[1]);
}

/* Threads that do not take what is due: here they were never started. */
static void a_heap_that_nobody_empties_is_dead(void **state)
{
	struct shared_clock clock = {.clock = {.mono = shared_mono}};
	struct scheduler *s = scheduler_new(&(struct scheduler_options){
		.clock = &clock.clock, .n_threads = 2, .heavy_max = 1});
	struct counted c = {.task = {.run = run_counted}};

	(void)state;
	atomic_store(&clock.ms, 1000000);
	assert_true(scheduler_is_alive(s)); /* nothing to do is no reason to die */
	scheduler_add(s, &c.task, (struct mono){1060000});
	assert_true(scheduler_is_alive(s));
	atomic_store(&clock.ms, 1089999);
	assert_true(scheduler_is_alive(s));
	atomic_store(&clock.ms, 1090000);
	assert_false(scheduler_is_alive(s));
	scheduler_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tasks_run_in_order_of_due_time),
		cmocka_unit_test(a_woken_task_runs_now),
		cmocka_unit_test(a_wake_while_running_is_not_lost),
		cmocka_unit_test(heavy_turns_are_limited),
		cmocka_unit_test(stop_returns_when_running_turns_are_over),
		cmocka_unit_test(blocked_threads_are_alive_for_an_hour),
		cmocka_unit_test(a_heap_that_nobody_empties_is_dead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
