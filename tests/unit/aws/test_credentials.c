#include "aws/credentials.h"

#include <pthread.h>

#include "aws/core/lock.h"
#include "tests/unit/aws/fake.h"

/* --- snapshots ---------------------------------------------------------------------------- */

static struct credentials_parts parts(const char *key, const char *secret, const char *token)
{
	return (struct credentials_parts){.access_key_id = str_from(key),
					  .secret_access_key = str_from(secret),
					  .session_token = str_from(token),
					  .source = "test"};
}

static void test_snapshot(void **state)
{
	struct credentials_parts p = parts("AK", "SK", "TK");
	struct err err = ERR_INIT;
	struct credentials *c = credentials_new(&p, &err);

	(void)state;
	assert_non_null(c);
	assert_ptr_equal(credentials_get(c), c);
	credentials_put(c);
	assert_string_equal(c->access_key_id, "AK");
	assert_string_equal(secret_reveal(&c->secret_access_key), "SK");
	assert_string_equal(secret_reveal(&c->session_token), "TK");
	assert_null(c->account_id);
	credentials_put(c);
	credentials_put(NULL);
	credentials_provider_free(NULL);
}

static void test_bad_parts(void **state)
{
	const struct credentials_parts bad[] = {
		parts("", "SK", ""),	 parts("AK", "", ""),
		parts("A K", "SK", ""),	 parts("AK\r\nX: y", "SK", ""),
		parts("AK", "S\nK", ""), parts("AK", "SK", "T\nK"),
		parts("AK/x", "SK", ""), parts("\xc3\xa9", "SK", ""),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = ERR_INIT;

		assert_null(credentials_new(&bad[i], &err));
		assert_int_equal(err.code, ERR_MALFORMED);
		assert_null(credentials_static_new(&bad[i], &err));
	}
}

static void from_json(const char *text, bool ok)
{
	struct arena *a = arena_new();
	struct err err = ERR_INIT;
	struct credentials *c;
	struct json *doc;

	assert_int_equal(json_parse(a, str_from(text), &doc, &err), 0);
	c = credentials_from_json(doc, "test", &err);
	assert_int_equal(c != NULL, ok);
	if (ok && c->expires)
		assert_int_equal(c->expires_utc.ms, FAKE_NOW_MS);
	if (ok && c->session_token.n)
		assert_string_equal(secret_reveal(&c->session_token), "T");
	if (!ok)
		assert_int_equal(err.code, ERR_MALFORMED);
	credentials_put(c);
	arena_free(a);
}

static void test_json(void **state)
{
	(void)state;
	from_json("{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\"}", true);
	from_json("{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\",\"Token\":\"T\","
		  "\"Expiration\":\"2026-01-02T03:04:05Z\",\"AccountId\":\"1\"}",
		  true);
	from_json("{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\",\"SessionToken\":\"T\"}", true);
	from_json("{\"AccessKeyId\":\"A\"}", false);
	from_json("[]", false);
	from_json("{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\",\"Expiration\":\"soon\"}",
		  false);
}

static void test_session_name(void **state)
{
	char name[CREDENTIALS_SESSION_SIZE];

	(void)state;
	credentials_session_name((struct utc){FAKE_NOW_MS}, name);
	assert_string_equal(name, "rollout-worker-1767323045000");
}

/* --- environment -------------------------------------------------------------------------- */

static int from_env(const char **pairs, struct credentials_provider **p, struct err *err)
{
	struct aws_settings s = {.env = {.get = fake_getenv, .arg = pairs}};

	*err = ERR_INIT;
	return credentials_env_new(&s, p, err);
}

static void test_env(void **state)
{
	const char *none[] = {"AWS_ACCESS_KEY_ID", "", NULL};
	const char *half[] = {"AWS_ACCESS_KEY_ID", "A", NULL};
	const char *other_half[] = {"AWS_SECRET_ACCESS_KEY", "S", NULL};
	const char *bad_time[] = {"AWS_ACCESS_KEY_ID",
				  "A",
				  "AWS_SECRET_ACCESS_KEY",
				  "S",
				  "AWS_CREDENTIAL_EXPIRATION",
				  "soon",
				  NULL};
	const char *full[] = {"AWS_ACCESS_KEY_ID",
			      "A",
			      "AWS_SECRET_ACCESS_KEY",
			      "S",
			      "AWS_SECURITY_TOKEN",
			      "old",
			      "AWS_ACCOUNT_ID",
			      "123",
			      "AWS_CREDENTIAL_EXPIRATION",
			      "2026-01-02T03:04:05Z",
			      NULL};
	struct credentials_provider *p;
	struct credentials *c;
	struct err err;

	(void)state;
	assert_int_equal(from_env(none, &p, &err), 0);
	assert_null(p);
	assert_int_equal(from_env(half, &p, &err), -1);
	assert_non_null(strstr(err.text, "AWS_SECRET_ACCESS_KEY is not"));
	assert_int_equal(from_env(other_half, &p, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_int_equal(from_env(bad_time, &p, &err), -1);
	assert_int_equal(from_env(full, &p, &err), 0);
	c = credentials_provider_get(p, NULL, &err);
	assert_string_equal(secret_reveal(&c->session_token), "old");
	assert_string_equal(c->account_id, "123");
	assert_true(c->expires);
	credentials_put(c);
	credentials_provider_free(p);
}

/* --- the cache: one thread, a clock that we move ------------------------------------------ */

struct source {
	struct credentials_provider base;
	struct fake_clock *clock;
	int64_t life_ms; /* 0: for ever */
	int gets, invalidated;
	enum err_code fail;
	/* to hold a refresh in flight */
	struct lock lock;
	struct cond cond;
	bool hold, inside;
};

static struct credentials *source_get(struct credentials_provider *p, struct cancel *cancel,
				      struct err *err)
{
	struct source *s = (struct source *)p;
	struct credentials_parts made = parts("AK", "SK", "");

	(void)cancel;
	lock_assert_none(); /* this is where I/O would be */
	lock_take(&s->lock);
	s->gets++;
	s->inside = true;
	cond_broadcast(&s->cond);
	while (s->hold)
		cond_wait(&s->cond, &s->lock);
	s->inside = false;
	lock_drop(&s->lock);
	if (s->fail) {
		err_set(err, s->fail, "the source is down");
		return NULL;
	}
	made.expires = s->life_ms != 0;
	made.expires_utc.ms = s->clock->now_ms + s->life_ms;
	return credentials_new(&made, err);
}

static void source_invalidate(struct credentials_provider *p, const struct credentials *c)
{
	(void)c;
	((struct source *)p)->invalidated++;
}

static void source_free(struct credentials_provider *p)
{
	struct source *s = (struct source *)p;

	cond_release(&s->cond);
	lock_release(&s->lock);
}

static struct credentials_provider *cache(struct source *s, struct fake_clock *clock,
					  int64_t life_ms)
{
	*clock = (struct fake_clock){
		.clock = {.utc = fake_utc, .mono = fake_mono, .sleep = fake_sleep},
		.now_ms = FAKE_NOW_MS};
	*s = (struct source){.base = {source_get, source_invalidate, source_free},
			     .clock = clock,
			     .life_ms = life_ms};
	lock_init(&s->lock, LOCK_CREDENTIALS);
	cond_init(&s->cond);
	return credentials_cached_new(&s->base, &clock->clock, NULL);
}

#define MINUTE 60000

/* get() and give back; the number of times the source has been asked by then */
static int ask(struct credentials_provider *p, struct source *s, enum err_code want)
{
	struct err err = ERR_INIT;
	struct credentials *c = credentials_provider_get(p, NULL, &err);

	assert_int_equal(err.code, want);
	assert_int_equal(c == NULL, want != ERR_OK);
	credentials_put(c);
	return s->gets;
}

static void test_cache_times(void **state)
{
	struct fake_clock clock;
	struct source s;
	struct credentials_provider *p = cache(&s, &clock, 60 * MINUTE);

	(void)state;
	assert_int_equal(ask(p, &s, ERR_OK), 1);
	clock.now_ms += 45 * MINUTE - 1; /* a moment more than 15 minutes are left */
	assert_int_equal(ask(p, &s, ERR_OK), 1);
	clock.now_ms += 1; /* due */
	s.fail = ERR_TIMEOUT;
	assert_int_equal(ask(p, &s, ERR_OK), 2); /* failed: the old ones do */
	clock.now_ms += MINUTE - 1;
	assert_int_equal(ask(p, &s, ERR_OK), 2); /* not asked again within a minute */
	clock.now_ms += 1;
	assert_int_equal(ask(p, &s, ERR_OK), 3);
	clock.now_ms += 4 * MINUTE; /* 10 minutes left: mandatory */
	assert_int_equal(ask(p, &s, ERR_TIMEOUT), 4);
	s.fail = ERR_OK;
	assert_int_equal(ask(p, &s, ERR_OK), 5);
	assert_int_equal(ask(p, &s, ERR_OK), 5);
	credentials_provider_free(p);
}

static void test_cache_eternal(void **state)
{
	struct fake_clock clock;
	struct source s;
	struct credentials_provider *p = cache(&s, &clock, 0);

	(void)state;
	assert_int_equal(ask(p, &s, ERR_OK), 1);
	clock.now_ms += 100000LL * MINUTE;
	assert_int_equal(ask(p, &s, ERR_OK), 1);
	credentials_provider_free(p);
}

/* A source whose credentials live less than the margins is not asked at every call. */
static void test_cache_short_lived(void **state)
{
	struct fake_clock clock;
	struct source s;
	struct credentials_provider *p = cache(&s, &clock, 5 * MINUTE);

	(void)state;
	assert_int_equal(ask(p, &s, ERR_OK), 1);
	clock.now_ms += MINUTE - 1;
	assert_int_equal(ask(p, &s, ERR_OK), 1);
	clock.now_ms += 1;
	assert_int_equal(ask(p, &s, ERR_OK), 2);
	credentials_provider_free(p);
	p = cache(&s, &clock, 1000);
	assert_int_equal(ask(p, &s, ERR_OK), 1);
	clock.now_ms += 1000; /* really over */
	assert_int_equal(ask(p, &s, ERR_OK), 2);
	credentials_provider_free(p);
}

static void test_cache_invalidate(void **state)
{
	struct fake_clock clock;
	struct source s;
	struct credentials_provider *p = cache(&s, &clock, 0);
	struct err err = ERR_INIT;
	struct credentials *first = credentials_provider_get(p, NULL, &err), *second;

	(void)state;
	credentials_provider_invalidate(p, first);
	assert_int_equal(s.invalidated, 1);
	s.fail = ERR_DENIED;
	assert_int_equal(ask(p, &s, ERR_DENIED), 2); /* what AWS called expired is not used on */
	s.fail = ERR_OK;
	second = credentials_provider_get(p, NULL, &err);
	assert_ptr_not_equal(first, second);
	credentials_provider_invalidate(p, first); /* an old one: of no interest any more */
	assert_int_equal(ask(p, &s, ERR_OK), 3);
	credentials_put(first);
	credentials_put(second);
	credentials_provider_free(p);
}

/* --- the cache: many threads -------------------------------------------------------------- */

struct worker {
	pthread_t thread;
	struct credentials_provider *provider;
	struct cancel *cancel;
	struct err err;
	struct credentials *got;
};

static void *work(void *arg)
{
	struct worker *w = arg;

	w->err = ERR_INIT;
	w->got = credentials_provider_get(w->provider, w->cancel, &w->err);
	return NULL;
}

static void start_worker(struct worker *w, struct credentials_provider *p, struct cancel *cancel)
{
	*w = (struct worker){.provider = p, .cancel = cancel};
	assert_int_equal(pthread_create(&w->thread, NULL, work, w), 0);
}

static void set_hold(struct source *s, bool hold)
{
	lock_take(&s->lock);
	s->hold = hold;
	cond_broadcast(&s->cond);
	lock_drop(&s->lock);
}

static void wait_inside(struct source *s)
{
	lock_take(&s->lock);
	while (!s->inside)
		cond_wait(&s->cond, &s->lock);
	lock_drop(&s->lock);
}

static void join(struct worker *w)
{
	assert_int_equal(pthread_join(w->thread, NULL), 0);
}

#define THREADS 8

static void test_single_flight(void **state)
{
	struct fake_clock clock;
	struct source s;
	struct credentials_provider *p = cache(&s, &clock, 60 * MINUTE);
	struct worker w[THREADS];

	(void)state;
	set_hold(&s, true);
	for (int i = 0; i < THREADS; i++)
		start_worker(&w[i], p, NULL);
	wait_inside(&s);
	set_hold(&s, false);
	for (int i = 0; i < THREADS; i++) {
		join(&w[i]);
		assert_non_null(w[i].got);
		assert_ptr_equal(w[i].got, w[0].got);
	}
	assert_int_equal(s.gets, 1);
	for (int i = 0; i < THREADS; i++)
		credentials_put(w[i].got);
	credentials_provider_free(p);
}

/* While one thread refreshes early, the others go on with the old ones without waiting. */
static void test_early_refresh_blocks_nobody(void **state)
{
	struct fake_clock clock;
	struct source s;
	struct credentials_provider *p = cache(&s, &clock, 60 * MINUTE);
	struct err err = ERR_INIT;
	struct credentials *old = credentials_provider_get(p, NULL, &err), *now;
	struct worker w;

	(void)state;
	clock.now_ms += 46 * MINUTE;
	set_hold(&s, true);
	start_worker(&w, p, NULL);
	wait_inside(&s);
	now = credentials_provider_get(p, NULL, &err); /* would hang if it waited */
	assert_ptr_equal(now, old);
	set_hold(&s, false);
	join(&w);
	assert_ptr_not_equal(w.got, old);
	assert_int_equal(s.gets, 2);
	credentials_put(now);
	credentials_put(old);
	credentials_put(w.got);
	credentials_provider_free(p);
}

/* Who waits for somebody else's refresh can be canceled. */
static void test_waiter_canceled(void **state)
{
	struct fake_clock clock;
	struct source s;
	struct credentials_provider *p = cache(&s, &clock, 60 * MINUTE);
	struct cancel *cancel = cancel_new();
	struct worker holder, waiter;

	(void)state;
	set_hold(&s, true);
	start_worker(&holder, p, NULL);
	wait_inside(&s);
	start_worker(&waiter, p, cancel);
	cancel_fire(cancel);
	join(&waiter);
	assert_null(waiter.got);
	assert_int_equal(waiter.err.code, ERR_CANCELED);
	set_hold(&s, false);
	join(&holder);
	assert_non_null(holder.got);
	credentials_put(holder.got);
	credentials_provider_free(p);
	cancel_free(cancel);
}

/* Readers, refreshers and invalidators at once: for the thread sanitizer. */
static void *hammer(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < 300; i++) {
		struct err err = ERR_INIT;
		struct credentials *c = credentials_provider_get(w->provider, NULL, &err);

		if (!c)
			return arg;
		if (strcmp(c->access_key_id, "AK") != 0)
			return arg;
		if (i % 7 == 0)
			credentials_provider_invalidate(w->provider, c);
		credentials_put(c);
	}
	return NULL;
}

static void test_hammer(void **state)
{
	struct credentials_parts made = parts("AK", "SK", "TK");
	struct err err = ERR_INIT;
	struct credentials_provider *p =
		credentials_cached_new(credentials_static_new(&made, &err), clock_system(), NULL);
	struct worker w[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++) {
		w[i].provider = p;
		assert_int_equal(pthread_create(&w[i].thread, NULL, hammer, &w[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		void *failed;

		assert_int_equal(pthread_join(w[i].thread, &failed), 0);
		assert_null(failed);
	}
	credentials_provider_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_snapshot),
		cmocka_unit_test(test_bad_parts),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_session_name),
		cmocka_unit_test(test_env),
		cmocka_unit_test(test_cache_times),
		cmocka_unit_test(test_cache_eternal),
		cmocka_unit_test(test_cache_short_lived),
		cmocka_unit_test(test_cache_invalidate),
		cmocka_unit_test(test_single_flight),
		cmocka_unit_test(test_early_refresh_blocks_nobody),
		cmocka_unit_test(test_waiter_canceled),
		cmocka_unit_test(test_hammer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
