#include "tests/unit/target/board_world.h"

/* The board of alarms: how seldom it asks, and what it tells to whom. */

#define THREADS 50

static const struct board_alarm ALARMS[] = {
	{"good", "OK", ""},
	{"red", "ALARM", ",\"StateTransitionedTimestamp\":1767323000.5"},
	{"young", "INSUFFICIENT_DATA", ""},
	{"odd", "SLEEPY", ""},
	{"partial", "OK", ",\"EvaluationState\":\"PARTIAL_DATA\""},
	{"endless", "OK", ",\"EvaluationPeriods\":9223372036854775807"},
};

static int set_up(void **state)
{
	struct board_world *w;

	board_set_up(state);
	w = *state;
	w->alarms = ALARMS;
	w->n_alarms = sizeof(ALARMS) / sizeof(ALARMS[0]);
	return 0;
}

static int read_one(struct board_world *w, const char *name, int64_t max_age_ms,
		    struct alarm_state *out, struct err *err)
{
	return alarm_board_read(w->board, &w->client, "", &name, 1, max_age_ms, w->arena, out, err);
}

static struct alarm_state read_ok(struct board_world *w, const char *name, int64_t max_age_ms)
{
	struct err err = ERR_INIT;
	struct alarm_state s;

	if (read_one(w, name, max_age_ms, &s, &err))
		fail_msg("%s", err.text);
	assert_string_equal(s.name, name);
	return s;
}

static void states_are_told(void **state)
{
	static const char *const names[] = {"good",    "red",  "young", "odd",
					    "partial", "gone", "red"};
	struct board_world *w = *state;
	struct alarm_state s[7];
	struct err err = ERR_INIT;

	if (alarm_board_read(w->board, &w->client, "", names, 7, 0, w->arena, s, &err))
		fail_msg("%s", err.text);
	assert_int_equal(atomic_load(&w->requests), 1);
	for (size_t i = 0; i < 7; i++) {
		assert_string_equal(s[i].name, names[i]);
		assert_int_equal(s[i].asked.ms, BOARD_NOW_MS);
		assert_int_equal(s[i].found, i != 5);
		assert_int_equal(s[i].evaluation_trouble, i == 4);
	}
	assert_int_equal(s[0].state, ALARM_OK);
	assert_string_equal(s[0].reason, "because");
	assert_int_equal(s[0].window_ms, 180000);
	assert_int_equal(s[1].state, ALARM_ALARM);
	assert_int_equal(s[1].transitioned.ms, 1767323000500);
	assert_int_equal(s[2].state, ALARM_INSUFFICIENT_DATA);
	assert_int_equal(s[3].state, ALARM_OTHER);
	assert_int_equal(s[4].state, ALARM_OK);
	assert_int_equal(s[5].state, ALARM_OTHER);
	assert_string_equal(s[5].reason, "");
	assert_int_equal(s[6].state, ALARM_ALARM);
	/* nothing overflows, whatever is sent */
	assert_true(read_ok(w, "endless", 0).window_ms > 86400000);
}

static void an_answer_serves_for_its_time(void **state)
{
	struct board_world *w = *state;

	read_ok(w, "good", 10000);
	atomic_fetch_add(&w->now_ms, 10000);
	assert_int_equal(read_ok(w, "good", 10000).asked.ms, BOARD_NOW_MS);
	assert_int_equal(atomic_load(&w->requests), 1);
	atomic_fetch_add(&w->now_ms, 1);
	assert_int_equal(read_ok(w, "good", 10000).asked.ms, BOARD_NOW_MS + 10001);
	assert_int_equal(atomic_load(&w->requests), 2);
	/* a name nobody has asked for yet: all of the page is asked again, so all of it is fresh */
	atomic_fetch_add(&w->now_ms, 5000);
	read_ok(w, "red", 10000);
	assert_int_equal(read_ok(w, "good", 10000).asked.ms, BOARD_NOW_MS + 15001);
	assert_int_equal(atomic_load(&w->requests), 3);
	assert_non_null(strstr(w->asked[2], "\"good\",\"red\""));
	/* somebody may want it fresher than the others */
	atomic_fetch_add(&w->now_ms, 5000);
	read_ok(w, "good", 1000);
	assert_int_equal(atomic_load(&w->requests), 4);
}

static void a_slow_answer_is_an_answer(void **state)
{
	struct board_world *w = *state;

	w->takes_ms = 20000; /* longer than it would be fresh */
	assert_int_equal(read_ok(w, "good", 10000).asked.ms, BOARD_NOW_MS);
	assert_int_equal(atomic_load(&w->requests), 1);
	assert_int_equal(read_ok(w, "good", 10000).asked.ms, BOARD_NOW_MS + 20000);
	assert_int_equal(atomic_load(&w->requests), 2);
	assert_int_equal(read_ok(w, "good", 0).asked.ms, BOARD_NOW_MS + 40000);
}

static void a_clock_set_back_does_not_keep_old_answers(void **state)
{
	struct board_world *w = *state;

	read_ok(w, "good", 10000);
	atomic_fetch_add(&w->now_ms, -3600000);
	assert_int_equal(read_ok(w, "good", 10000).asked.ms, BOARD_NOW_MS - 3600000);
	assert_int_equal(atomic_load(&w->requests), 2);
}

static void names_nobody_wants_are_forgotten(void **state)
{
	struct board_world *w = *state;

	read_ok(w, "good", 1000);
	read_ok(w, "red", 1000);
	atomic_fetch_add(&w->now_ms, 599000);
	read_ok(w, "red", 1000);
	assert_non_null(strstr(w->asked[2], "\"good\""));
	atomic_fetch_add(&w->now_ms, 2000);
	read_ok(w, "red", 1000);
	assert_null(strstr(w->asked[3], "\"good\""));
	assert_int_equal(atomic_load(&w->requests), 4);
}

static void accounts_and_regions_have_pages_of_their_own(void **state)
{
	struct board_world *w = *state;
	struct aws_client other = w->client;
	struct err err = ERR_INIT;
	struct alarm_state s;
	const char *name = "good";

	other.region = "us-east-1";
	read_ok(w, "good", 10000);
	assert_int_equal(
		alarm_board_read(w->board, &other, "", &name, 1, 10000, w->arena, &s, &err), 0);
	assert_int_equal(atomic_load(&w->requests), 2);
	assert_int_equal(alarm_board_read(w->board, &w->client, "arn:aws:iam::1:role/x", &name, 1,
					  10000, w->arena, &s, &err),
			 0);
	assert_int_equal(atomic_load(&w->requests), 3);
	read_ok(w, "good", 10000);
	assert_int_equal(atomic_load(&w->requests), 3);
}

static void many_names_are_asked_in_chunks(void **state)
{
	struct board_world *w = *state;
	struct board_alarm alarms[250];
	struct alarm_state s[250];
	const char *names[250];
	struct err err = ERR_INIT;
	size_t asked = 0;

	for (size_t i = 0; i < 250; i++) {
		names[i] = arena_printf(w->arena, "alarm-%03zu", 249 - i);
		alarms[i] = (struct board_alarm){names[i], i % 7 ? "OK" : "ALARM", ""};
	}
	w->alarms = alarms;
	w->n_alarms = 249; /* alarm-000 does not exist */
	if (alarm_board_read(w->board, &w->client, "", names, 250, 0, w->arena, s, &err))
		fail_msg("%s", err.text);
	assert_int_equal(atomic_load(&w->requests), 3);
	for (size_t i = 0; i < 3; i++) {
		size_t n = 0;

		for (const char *p = w->asked[i]; (p = strstr(p, "\"alarm-")); p++)
			n++;
		assert_in_range(n, 1, 100);
		asked += n;
	}
	assert_int_equal(asked, 250);
	for (size_t i = 0; i < 249; i++)
		assert_int_equal(s[i].state, i % 7 ? ALARM_OK : ALARM_ALARM);
	assert_false(s[249].found);
}

static void a_bad_name_spoils_nothing(void **state)
{
	struct board_world *w = *state;
	struct err err = ERR_INIT;
	struct alarm_state s;
	char long_name[300];

	memset(long_name, 'x', sizeof(long_name));
	long_name[299] = '\0';
	assert_int_equal(read_one(w, "", 0, &s, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_int_equal(read_one(w, long_name, 0, &s, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	read_ok(w, "good", 0);
	assert_int_equal(atomic_load(&w->requests), 1);
	long_name[255] = '\0';
	assert_false(read_ok(w, long_name, 0).found);
}

static void a_failure_is_told_and_the_next_read_tries_again(void **state)
{
	struct board_world *w = *state;
	struct err err = ERR_INIT;
	struct alarm_state s;

	read_ok(w, "good", 10000);
	atomic_fetch_add(&w->now_ms, 60000);
	atomic_store(&w->status, 500);
	assert_int_equal(read_one(w, "good", 10000, &s, &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_int_equal(atomic_load(&w->requests), 4); /* the attempts of one call */
	atomic_store(&w->status, 200);
	assert_true(read_ok(w, "good", 10000).asked.ms > BOARD_NOW_MS + 60000 - 1);
}

/* --- many threads ---------------------------------------------------------------------------- */

struct reader {
	pthread_t thread;
	struct board_world *w;
	struct cancel *cancel;
	const char *const *names;
	size_t n;
	int rounds;
	int rc;
	struct err err;
	struct alarm_state last;
};

static void *run_reader(void *arg)
{
	struct reader *r = arg;
	struct aws_client client = r->w->client;
	struct arena *a = arena_new();
	struct alarm_state s[8];

	board_looks = 0;
	r->err = ERR_INIT;
	client.cancel = r->cancel;
	for (int i = 0; i < r->rounds && r->rc == 0; i++)
		r->rc = alarm_board_read(r->w->board, &client, "", r->names, r->n, 10000, a, s,
					 &r->err);
	if (r->rc == 0) {
		r->last = s[r->n - 1];
		r->last.reason = NULL; /* of the arena */
	}
	arena_free(a);
	return NULL;
}

static void start(struct reader *r, struct board_world *w, const char *const *names, size_t n)
{
	*r = (struct reader){.w = w, .names = names, .n = n, .rounds = 1};
	assert_int_equal(pthread_create(&r->thread, NULL, run_reader, r), 0);
}

static void fifty_rollouts_ask_once(void **state)
{
	static const char *const names[] = {"good", "red"};
	struct board_world *w = *state;
	struct reader r[THREADS];

	for (int round = 1; round <= 5; round++) {
		atomic_store(&w->waiting, 0);
		atomic_store(&w->gate, THREADS);
		for (size_t i = 0; i < THREADS; i++)
			start(&r[i], w, names, 2);
		for (size_t i = 0; i < THREADS; i++) {
			assert_int_equal(pthread_join(r[i].thread, NULL), 0);
			assert_int_equal(r[i].rc, 0);
			assert_int_equal(r[i].last.state, ALARM_ALARM);
		}
		assert_int_equal(atomic_load(&w->requests), round);
		atomic_fetch_add(&w->now_ms, 10001);
	}
}

static void fifty_rollouts_share_a_failure(void **state)
{
	static const char *const names[] = {"good"};
	struct board_world *w = *state;
	struct reader r[THREADS];

	atomic_store(&w->status, 500);
	atomic_store(&w->gate, THREADS);
	for (size_t i = 0; i < THREADS; i++)
		start(&r[i], w, names, 1);
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(r[i].thread, NULL), 0);
		assert_int_equal(r[i].rc, -1);
		assert_int_equal(r[i].err.code, ERR_UNAVAILABLE);
		assert_non_null(strstr(r[i].err.text, "CloudWatch.DescribeAlarms"));
	}
	assert_int_equal(atomic_load(&w->requests), 3); /* the attempts of one call */
}

static void a_waiter_can_be_canceled(void **state)
{
	static const char *const names[] = {"good"};
	struct board_world *w = *state;
	struct reader asker, waiter;
	struct cancel *cancel = cancel_new();

	atomic_store(&w->gate, 3); /* of whom the third never comes */
	start(&asker, w, names, 1);
	while (atomic_load(&w->requests) == 0)
		cancel_wait(w->pause, 1);
	waiter = (struct reader){.w = w, .names = names, .n = 1, .rounds = 1, .cancel = cancel};
	assert_int_equal(pthread_create(&waiter.thread, NULL, run_reader, &waiter), 0);
	while (atomic_load(&w->waiting) < 2)
		cancel_wait(w->pause, 1);
	cancel_fire(cancel);
	pthread_join(waiter.thread, NULL);
	assert_int_equal(waiter.rc, -1);
	assert_int_equal(waiter.err.code, ERR_CANCELED);
	atomic_store(&w->gate, 0);
	pthread_join(asker.thread, NULL);
	assert_int_equal(asker.rc, 0);
	assert_int_equal(atomic_load(&w->requests), 1);
	cancel_free(cancel);
}

static void a_canceled_asker_leaves_the_others_alone(void **state)
{
	static const char *const names[] = {"red"};
	struct board_world *w = *state;
	struct reader asker, waiter;
	struct cancel *cancel = cancel_new();

	atomic_store(&w->gate, 3);
	asker = (struct reader){.w = w, .names = names, .n = 1, .rounds = 1, .cancel = cancel};
	assert_int_equal(pthread_create(&asker.thread, NULL, run_reader, &asker), 0);
	while (atomic_load(&w->requests) == 0)
		cancel_wait(w->pause, 1);
	start(&waiter, w, names, 1);
	while (atomic_load(&w->waiting) < 2)
		cancel_wait(w->pause, 1);
	cancel_fire(cancel);
	pthread_join(asker.thread, NULL);
	assert_int_equal(asker.rc, -1);
	assert_int_equal(asker.err.code, ERR_CANCELED);
	atomic_store(&w->gate, 0);
	pthread_join(waiter.thread, NULL);
	assert_int_equal(waiter.rc, 0);
	assert_int_equal(waiter.last.state, ALARM_ALARM);
	assert_int_equal(atomic_load(&w->requests), 2); /* it asked itself */
	cancel_free(cancel);
}

/* Different names, moving time, many rounds: nothing to count, but for a sanitizer to watch. */
static void a_crowd_gets_right_answers(void **state)
{
	static const char *const names[][2] = {
		{"good", "red"}, {"young", "good"}, {"odd", "red"}, {"gone", "good"}};
	struct board_world *w = *state;
	struct reader r[THREADS];
	size_t requests;

	w->takes_ms = 7;
	for (size_t i = 0; i < THREADS; i++) {
		r[i] = (struct reader){.w = w, .names = names[i % 4], .n = 2, .rounds = 200};
		assert_int_equal(pthread_create(&r[i].thread, NULL, run_reader, &r[i]), 0);
	}
	for (int i = 0; i < 20; i++) {
		atomic_fetch_add(&w->now_ms, 10001);
		cancel_wait(w->pause, 1);
	}
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(r[i].thread, NULL), 0);
		assert_int_equal(r[i].rc, 0);
		assert_true(r[i].last.found);
		assert_int_equal(r[i].last.state, i % 2 ? ALARM_OK : ALARM_ALARM);
	}
	requests = atomic_load(&w->requests);
	/* 10,000 reads; a few for new names, and one for each move of the clock */
	assert_in_range(requests, 1, 60);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, board_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(states_are_told),
		T(an_answer_serves_for_its_time),
		T(a_slow_answer_is_an_answer),
		T(a_clock_set_back_does_not_keep_old_answers),
		T(names_nobody_wants_are_forgotten),
		T(accounts_and_regions_have_pages_of_their_own),
		T(many_names_are_asked_in_chunks),
		T(a_bad_name_spoils_nothing),
		T(a_failure_is_told_and_the_next_read_tries_again),
		T(fifty_rollouts_ask_once),
		T(fifty_rollouts_share_a_failure),
		T(a_waiter_can_be_canceled),
		T(a_canceled_asker_leaves_the_others_alone),
		T(a_crowd_gets_right_answers),
	};

	alarm_board_free(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
