#ifndef TESTS_UNIT_TARGET_BOARD_WORLD_H
#define TESTS_UNIT_TARGET_BOARD_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/core/cancel.h"
#include "aws/core/lock.h"
#include "worker/guard/guard.h"

/*
 * A CloudWatch that knows some alarms and counts how often it is asked, behind a transport and a
 * clock that many threads may use. With a gate an answer waits until so many threads have come to
 * wait for it: each thread of the board looks at the clock twice before it does.
 */
#define BOARD_NOW_MS 1767323045000 /* 2026-01-02T03:04:05Z */
#define BOARD_ASKED_MAX 32
#define BOARD_LOOKS 2 /* at the clock, before a thread waits */

struct board_alarm {
	const char *name, *state, *more; /* ",\"EvaluationState\":\"PARTIAL_DATA\"" */
};

struct board_world {
	struct http http; /* first: the transport is cast back to its owner */
	struct clock clock;
	_Atomic int64_t now_ms;
	struct aws_settings settings;
	struct credentials_provider *credentials;
	struct aws_client client;
	struct alarm_board *board;
	struct arena *arena; /* of the test's own thread */

	const struct board_alarm *alarms;
	size_t n_alarms;
	_Atomic int status;   /* 200, or what it answers instead */
	int64_t takes_ms;     /* each answer */
	struct cancel *pause; /* never fired: to look at a condition again in a moment */

	_Atomic size_t requests;
	_Atomic int gate; /* threads that must be waiting before an answer is given; 0: none */
	_Atomic int waiting;
	pthread_mutex_t mutex; /* of what follows */
	char *asked[BOARD_ASKED_MAX];
};

static _Thread_local int board_looks;

static inline struct board_world *board_of_clock(struct clock *c)
{
	return (struct board_world *)(void *)((char *)c - offsetof(struct board_world, clock));
}

static inline struct utc board_utc(struct clock *c)
{
	struct board_world *w = board_of_clock(c);

	if (++board_looks == BOARD_LOOKS)
		atomic_fetch_add(&w->waiting, 1);
	return (struct utc){atomic_load(&w->now_ms)};
}

static inline struct mono board_mono(struct clock *c)
{
	return (struct mono){atomic_load(&board_of_clock(c)->now_ms)};
}

static inline int board_sleep(struct clock *c, int64_t ms, struct cancel *cancel, struct err *err)
{
	if (cancel_is_fired(cancel))
		return err_set(err, ERR_CANCELED, "canceled");
	atomic_fetch_add(&board_of_clock(c)->now_ms, ms);
	return 0;
}

static inline const char *board_answer(struct board_world *w, const struct json *names,
				       struct arena *a)
{
	const char *text;
	struct buf b;
	size_t n = 0;

	buf_init(&b, 1u << 20);
	buf_adds(&b, "{\"CompositeAlarms\":[],\"LogAlarms\":[],\"MetricAlarms\":[");
	json_each(name, names) {
		for (size_t i = 0; i < w->n_alarms; i++) {
			const struct board_alarm *alarm = &w->alarms[i];

			if (!str_is(name->text, alarm->name))
				continue;
			buf_addf(&b,
				 "%s{\"AlarmName\":\"%s\",\"StateValue\":\"%s\",\"StateReason\":"
				 "\"because\",\"Period\":60%s%s}",
				 n++ ? "," : "", alarm->name, alarm->state,
				 strstr(alarm->more, "Periods") ? "" : ",\"EvaluationPeriods\":3",
				 alarm->more);
		}
	}
	buf_adds(&b, "]}");
	text = arena_strdup(a, b.p);
	buf_release(&b);
	return text;
}

static inline int board_send(struct http *h, const struct http_request *req, struct arena *a,
			     struct http_response *res, struct cancel *cancel, struct err *err)
{
	struct board_world *w = (struct board_world *)(void *)h;
	size_t at = atomic_fetch_add(&w->requests, 1);
	struct json *root = NULL;

	while (atomic_load(&w->waiting) < atomic_load(&w->gate)) {
		if (cancel_is_fired(cancel))
			return err_set(err, ERR_CANCELED, "canceled");
		cancel_wait(w->pause, 1);
	}
	if (cancel_is_fired(cancel))
		return err_set(err, ERR_CANCELED, "canceled");
	pthread_mutex_lock(&w->mutex);
	if (at < BOARD_ASKED_MAX)
		w->asked[at] = xstrndup(req->body.p, req->body.n);
	pthread_mutex_unlock(&w->mutex);
	atomic_fetch_add(&w->now_ms, w->takes_ms);
	*res = (struct http_response){.status = atomic_load(&w->status)};
	res->body = STR("{}");
	if (res->status == 200) {
		if (json_parse(a, req->body, &root, err))
			return -1;
		res->body = str_from(board_answer(w, json_get(root, "AlarmNames"), a));
	}
	res->body_bytes = res->body.n;
	return 0;
}

static inline void board_no_free(struct http *h)
{
	(void)h;
}

static inline int board_set_up(void **state)
{
	struct credentials_parts keys = {.access_key_id = STR("AKIDEXAMPLE"),
					 .secret_access_key = STR("not-a-real-secret"),
					 .source = "test"};
	struct board_world *w = xcalloc(1, sizeof(*w));
	struct aws_deps deps = {.http = &w->http,
				.clock = &w->clock,
				.rng = rng_system(),
				.settings = &w->settings};
	struct err err = ERR_INIT;

	w->http = (struct http){.send = board_send, .free = board_no_free};
	w->clock = (struct clock){.utc = board_utc, .mono = board_mono, .sleep = board_sleep};
	atomic_init(&w->now_ms, BOARD_NOW_MS);
	atomic_init(&w->status, 200);
	pthread_mutex_init(&w->mutex, NULL);
	w->settings.region = "eu-central-1";
	w->credentials = credentials_static_new(&keys, &err);
	w->client = (struct aws_client){
		.aws = aws_new(&deps), .credentials = w->credentials, .region = "eu-central-1"};
	w->board = alarm_board_new();
	w->pause = cancel_new();
	w->arena = arena_new();
	*state = w;
	return 0;
}

static inline int board_tear_down(void **state)
{
	struct board_world *w = *state;

	alarm_board_free(w->board);
	cancel_free(w->pause);
	aws_free(w->client.aws);
	credentials_provider_free(w->credentials);
	arena_free(w->arena);
	for (size_t i = 0; i < BOARD_ASKED_MAX; i++)
		free(w->asked[i]);
	pthread_mutex_destroy(&w->mutex);
	free(w);
	return 0;
}

#endif
