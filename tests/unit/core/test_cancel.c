#include "aws/core/cancel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "aws/core/clock.h"

static void count(void *arg)
{
	atomic_fetch_add((atomic_int *)arg, 1);
}

static void test_fires_once(void **state)
{
	struct cancel *c = cancel_new();
	atomic_int n = 0, m = 0;
	struct cancel_waker a = {.wake = count, .arg = &n}, b = {.wake = count, .arg = &m};

	(void)state;
	assert_false(cancel_is_fired(c));
	cancel_attach(c, &a);
	cancel_attach(c, &b);
	cancel_fire(c);
	assert_true(cancel_is_fired(c));
	cancel_fire(c);
	assert_int_equal(atomic_load(&n), 1);
	assert_int_equal(atomic_load(&m), 1);
	cancel_detach(c, &a);
	cancel_detach(c, &b);
	cancel_free(c);
}

static void test_attaching_late_wakes_at_once(void **state)
{
	struct cancel *c = cancel_new();
	atomic_int n = 0;
	struct cancel_waker a = {.wake = count, .arg = &n};

	(void)state;
	cancel_fire(c);
	cancel_attach(c, &a);
	assert_int_equal(atomic_load(&n), 1);
	cancel_detach(c, &a);
	cancel_attach(c, &a); /* a waker may be used again */
	assert_int_equal(atomic_load(&n), 2);
	cancel_detach(c, &a);
	cancel_free(c);
}

/* Detach each of three wakers in turn; the others must still be called. */
static void test_detached_is_not_called(void **state)
{
	(void)state;
	for (int out = 0; out < 3; out++) {
		struct cancel *c = cancel_new();
		atomic_int n[3] = {0};
		struct cancel_waker w[3];

		for (int i = 0; i < 3; i++) {
			w[i] = (struct cancel_waker){.wake = count, .arg = &n[i]};
			cancel_attach(c, &w[i]);
		}
		cancel_detach(c, &w[out]);
		cancel_fire(c);
		for (int i = 0; i < 3; i++)
			assert_int_equal(atomic_load(&n[i]), i != out);
		for (int i = 0; i < 3; i++)
			if (i != out)
				cancel_detach(c, &w[i]);
		cancel_free(c);
	}
}

static void test_null(void **state)
{
	atomic_int n = 0;
	struct cancel_waker a = {.wake = count, .arg = &n};

	(void)state;
	assert_false(cancel_is_fired(NULL));
	cancel_attach(NULL, &a);
	cancel_detach(NULL, &a);
	assert_int_equal(atomic_load(&n), 0);
	cancel_free(NULL);
}

static int64_t now_ms(void)
{
	return clock_mono(clock_system()).ms;
}

static void test_wait_without_fire(void **state)
{
	struct cancel *c = cancel_new();
	int64_t start = now_ms();

	(void)state;
	assert_false(cancel_wait(c, 0));
	assert_false(cancel_wait(c, -1));
	assert_false(cancel_wait(c, 30));
	assert_true(now_ms() - start >= 30);
	cancel_fire(c);
	assert_true(cancel_wait(c, 3600000));
	assert_true(cancel_wait(c, 0));
	cancel_free(c);
}

struct waiting {
	struct cancel *cancel;
	bool fired;
};

static void *wait_an_hour(void *arg)
{
	struct waiting *w = arg;

	w->fired = cancel_wait(w->cancel, 3600000);
	return NULL;
}

static void *wait_forever(void *arg)
{
	struct waiting *w = arg;

	w->fired = cancel_wait(w->cancel, INT64_MAX);
	return NULL;
}

static void test_wakes_waiting_threads(void **state)
{
	struct cancel *c = cancel_new();
	struct waiting w[4];
	pthread_t thread[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		w[i] = (struct waiting){.cancel = c};
		assert_int_equal(pthread_create(&thread[i], NULL,
						i % 2 ? wait_forever : wait_an_hour, &w[i]),
				 0);
	}
	cancel_fire(c);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		assert_true(w[i].fired);
	}
	cancel_free(c);
}

/* --- a wake in progress ---------------------------------------------------------------------- */

struct slow {
	struct cancel *cancel;
	struct cancel_waker waker;
	sem_t entered, go;
	bool finished; /* plain on purpose: detaching must order it */
};

static void slow_wake(void *arg)
{
	struct slow *s = arg;

	sem_post(&s->entered);
	sem_wait(&s->go);
	s->finished = true;
}

static void *fire_it(void *arg)
{
	cancel_fire(((struct slow *)arg)->cancel);
	return NULL;
}

static void *let_go(void *arg)
{
	sem_post(&((struct slow *)arg)->go);
	return NULL;
}

static void test_detach_waits_for_a_wake(void **state)
{
	struct slow s = {.cancel = cancel_new()};
	pthread_t firing, releasing;

	(void)state;
	sem_init(&s.entered, 0, 0);
	sem_init(&s.go, 0, 0);
	s.waker = (struct cancel_waker){.wake = slow_wake, .arg = &s};
	cancel_attach(s.cancel, &s.waker);
	assert_int_equal(pthread_create(&firing, NULL, fire_it, &s), 0);
	sem_wait(&s.entered);
	assert_true(cancel_is_fired(s.cancel)); /* the flag comes first */
	assert_false(s.finished);
	assert_int_equal(pthread_create(&releasing, NULL, let_go, &s), 0);
	cancel_detach(s.cancel, &s.waker);
	assert_true(s.finished);
	pthread_join(firing, NULL);
	pthread_join(releasing, NULL);
	cancel_free(s.cancel);
	sem_destroy(&s.entered);
	sem_destroy(&s.go);
}

/* --- everything at once ---------------------------------------------------------------------- */

struct crowd {
	struct cancel *cancel;
	atomic_int calls;
};

static void *come_and_go(void *arg)
{
	struct crowd *crowd = arg;

	for (int i = 0; i < 500; i++) {
		atomic_int n = 0;
		struct cancel_waker w = {.wake = count, .arg = &n};

		cancel_attach(crowd->cancel, &w);
		cancel_detach(crowd->cancel, &w);
		/* called zero times before the fire, once during or after, never twice */
		assert_in_range(atomic_load(&n), 0, 1);
		atomic_fetch_add(&crowd->calls, atomic_load(&n));
		if (i == 250)
			cancel_fire(crowd->cancel);
		if (i >= 250)
			assert_true(cancel_is_fired(crowd->cancel));
	}
	return NULL;
}

static void test_threads_come_and_go(void **state)
{
	struct crowd crowd = {.cancel = cancel_new()};
	pthread_t thread[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, come_and_go, &crowd), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	/* each thread's last 249 rounds come after its own fire */
	assert_true(atomic_load(&crowd.calls) >= 4 * 249);
	cancel_free(crowd.cancel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fires_once),
		cmocka_unit_test(test_attaching_late_wakes_at_once),
		cmocka_unit_test(test_detached_is_not_called),
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_wait_without_fire),
		cmocka_unit_test(test_wakes_waiting_threads),
		cmocka_unit_test(test_detach_waits_for_a_wake),
		cmocka_unit_test(test_threads_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
