#include "aws/core/lock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "aws/core/clock.h"
#include "tests/unit/core/aborts.h"

static void test_ownership(void **state)
{
	struct lock l;

	(void)state;
	lock_init(&l, LOCK_STATE);
	assert_false(lock_is_mine(&l));
	lock_assert_none();
	lock_take(&l);
	assert_true(lock_is_mine(&l));
	lock_drop(&l);
	assert_false(lock_is_mine(&l));
	lock_assert_none();
	lock_release(&l);
}

static void test_rising_order(void **state)
{
	struct lock l[LOCK_LOG + 1];

	(void)state;
	for (int r = LOCK_ROLLOUTS; r <= LOCK_LOG; r++) {
		lock_init(&l[r], (enum lock_rank)r);
		lock_take(&l[r]);
	}
	for (int r = LOCK_ROLLOUTS; r <= LOCK_LOG; r++)
		assert_true(lock_is_mine(&l[r]));
	for (int r = LOCK_LOG; r >= LOCK_ROLLOUTS; r--)
		lock_drop(&l[r]);
	lock_assert_none();
	for (int r = LOCK_ROLLOUTS; r <= LOCK_LOG; r++)
		lock_release(&l[r]);
}

/* Dropping may happen in any order, and the rank that counts is the highest still held. */
static void test_dropping_in_any_order(void **state)
{
	struct lock a, b, c;
	struct lock between;

	(void)state;
	lock_init(&a, LOCK_ROLLOUTS);
	lock_init(&b, LOCK_STATE);
	lock_init(&c, LOCK_HTTP);
	lock_init(&between, LOCK_CREDENTIALS);
	lock_take(&a);
	lock_take(&b);
	lock_take(&c);
	lock_drop(&a);
	assert_false(lock_is_mine(&a));
	assert_true(lock_is_mine(&b));
	lock_drop(&c);
	lock_take(&between);
	lock_drop(&b);
	assert_true(lock_is_mine(&between));
	lock_drop(&between);
	lock_assert_none();
	lock_release(&a);
	lock_release(&b);
	lock_release(&c);
	lock_release(&between);
}

/* --- mistakes -------------------------------------------------------------------------------- */

static void take_lower(void *arg)
{
	struct lock low, high;

	(void)arg;
	lock_init(&low, LOCK_STATE);
	lock_init(&high, LOCK_HTTP);
	lock_take(&high);
	lock_take(&low);
}

static void take_equal(void *arg)
{
	struct lock a, b;

	(void)arg;
	lock_init(&a, LOCK_STATE);
	lock_init(&b, LOCK_STATE);
	lock_take(&a);
	lock_take(&b);
}

static void take_twice(void *arg)
{
	lock_take(arg);
	lock_take(arg);
}

static void drop_untaken(void *arg)
{
	lock_drop(arg);
}

/* Holding another lock of that rank is not holding this one. */
static void drop_another(void *arg)
{
	struct lock other;

	lock_init(&other, LOCK_STATE);
	lock_take(&other);
	lock_drop(arg);
}

static void assert_none_while_holding(void *arg)
{
	lock_take(arg);
	lock_assert_none();
}

static void release_held(void *arg)
{
	lock_take(arg);
	lock_release(arg);
}

static void wait_below_another(void *arg)
{
	struct lock high;
	struct cond c;

	lock_init(&high, LOCK_HTTP);
	cond_init(&c);
	lock_take(arg);
	lock_take(&high);
	cond_wait_ms(&c, arg, 1);
}

static void wait_without_lock(void *arg)
{
	struct cond c;

	cond_init(&c);
	cond_wait(&c, arg);
}

static void unknown_rank(void *arg)
{
	lock_init(arg, (enum lock_rank)(LOCK_LOG + 1));
}

static void test_mistakes_abort(void **state)
{
	struct lock l;

	(void)state;
	lock_init(&l, LOCK_STATE);
	assert_aborts(take_lower, NULL, "taken out of order");
	assert_aborts(take_equal, NULL, "taken out of order");
	assert_aborts(take_twice, &l, "taken out of order");
	assert_aborts(drop_untaken, &l, "does not hold");
	assert_aborts(drop_another, &l, "does not hold");
	assert_aborts(assert_none_while_holding, &l, "held where none may be");
	assert_aborts(release_held, &l, "released while");
	assert_aborts(wait_below_another, &l, "waited with");
	assert_aborts(wait_without_lock, &l, "waited with");
	assert_aborts(unknown_rank, &l, "unknown rank");
	lock_release(&l);
}

/* --- threads --------------------------------------------------------------------------------- */

struct shared {
	struct lock lock;
	struct cond changed;
	int value;
	int stage;
	bool mine_elsewhere;
};

static void *add_many(void *arg)
{
	struct shared *s = arg;

	for (int i = 0; i < 5000; i++) {
		lock_take(&s->lock);
		s->value++;
		lock_drop(&s->lock);
	}
	return NULL;
}

static void *ask(void *arg)
{
	struct shared *s = arg;

	s->mine_elsewhere = lock_is_mine(&s->lock);
	lock_assert_none(); /* another thread's locks do not count */
	return NULL;
}

static void shared_init(struct shared *s)
{
	*s = (struct shared){0};
	lock_init(&s->lock, LOCK_STATE);
	cond_init(&s->changed);
}

static void shared_release(struct shared *s)
{
	cond_release(&s->changed);
	lock_release(&s->lock);
}

static void test_excludes(void **state)
{
	struct shared s;
	pthread_t thread[4];

	(void)state;
	shared_init(&s);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, add_many, &s), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_int_equal(s.value, 20000);
	lock_take(&s.lock);
	assert_int_equal(pthread_create(&thread[0], NULL, ask, &s), 0);
	assert_int_equal(pthread_join(thread[0], NULL), 0);
	assert_false(s.mine_elsewhere);
	lock_drop(&s.lock);
	shared_release(&s);
}

static void *answer(void *arg)
{
	struct shared *s = arg;

	lock_take(&s->lock);
	while (s->stage != 1)
		cond_wait(&s->changed, &s->lock);
	s->mine_elsewhere = lock_is_mine(&s->lock);
	s->stage = 2;
	cond_signal(&s->changed);
	while (s->stage != 3)
		cond_wait_ms(&s->changed, &s->lock, INT64_MAX);
	s->stage = 4;
	cond_broadcast(&s->changed);
	lock_drop(&s->lock);
	return NULL;
}

static void test_condition(void **state)
{
	struct shared s;
	pthread_t thread;

	(void)state;
	shared_init(&s);
	assert_int_equal(pthread_create(&thread, NULL, answer, &s), 0);
	lock_take(&s.lock);
	s.stage = 1;
	cond_broadcast(&s.changed);
	while (s.stage != 2)
		assert_true(cond_wait_ms(&s.changed, &s.lock, 60000));
	assert_true(lock_is_mine(&s.lock));
	s.stage = 3;
	cond_signal(&s.changed);
	while (s.stage != 4)
		cond_wait(&s.changed, &s.lock);
	lock_drop(&s.lock);
	pthread_join(thread, NULL);
	assert_true(s.mine_elsewhere);
	shared_release(&s);
}

static void test_condition_times_out(void **state)
{
	struct shared s;
	int64_t start = clock_mono(clock_system()).ms;
	int tries = 0;

	(void)state;
	shared_init(&s);
	lock_take(&s.lock);
	while (cond_wait_ms(&s.changed, &s.lock, 25)) /* nobody signals; it may wake for nothing */
		assert_true(++tries < 100);
	assert_true(clock_mono(clock_system()).ms - start >= 25);
	assert_true(lock_is_mine(&s.lock));
	while (cond_wait_ms(&s.changed, &s.lock, -5))
		assert_true(++tries < 100);
	lock_drop(&s.lock);
	lock_assert_none();
	shared_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ownership),
		cmocka_unit_test(test_rising_order),
		cmocka_unit_test(test_dropping_in_any_order),
		cmocka_unit_test(test_mistakes_abort),
		cmocka_unit_test(test_excludes),
		cmocka_unit_test(test_condition),
		cmocka_unit_test(test_condition_times_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
