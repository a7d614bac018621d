#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/people.h"
#include "worker/ledger_notice.h"
#include "worker/rollout/notice.h"

/* What a topic and a bus are told about rollouts; and what becomes of it when something fails. */
#define TOPIC "arn:aws:sns:eu-central-1:111122223333:releases"
#define MAX_SEEN 400

static void tell(struct world *w)
{
	struct config *c = &w->workers[0].config;

	c->notify_topic_arn = TOPIC;
	c->notify_event_bus = "releases";
	c->notify_on = NOTICE_ALL;
	world_control(w, "sns topic releases");
	world_control(w, "events bus releases");
}

/* One message; the detail is the message of the topic, or the event's. */
struct seen {
	const struct json *whole, *detail;
	const char *event, *id;
	int64_t sequence;
};

static size_t read_all(struct world *w, const char *service, struct seen out[MAX_SEEN])
{
	const struct json *list = world_ask(w, "%s show", service);
	size_t n = 0;

	json_each(m, list) {
		struct err err = ERR_INIT;
		struct json *detail;

		assert_true(n < MAX_SEEN);
		assert_int_equal(
			json_parse(w->arena, json_text(json_get(m, "message")), &detail, &err), 0);
		out[n] = (struct seen){.whole = m,
				       .detail = detail,
				       .event = json_cstr(json_get(detail, "event")),
				       .id = json_cstr(json_get(detail, "id"))};
		assert_non_null(out[n].event);
		assert_non_null(out[n].id);
		assert_true(json_i64(json_get(detail, "sequence"), &out[n++].sequence));
	}
	return n;
}

/* The events in order, the second time of the same id left out: "started step ...". */
static const char *events_of(struct world *w, const char *service)
{
	struct seen *seen = arena_calloc(w->arena, MAX_SEEN, sizeof(*seen));
	size_t n = read_all(w, service, seen);
	const char *text = "";
	int64_t last = 0;

	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < i && strcmp(seen[k].id, seen[i].id) != 0)
			k++;
		if (k < i)
			continue;
		if (seen[i].sequence < last)
			fail_msg("%s: %s came late", service, seen[i].id);
		last = seen[i].sequence;
		text = arena_printf(w->arena, "%s%s%s", text, *text ? " " : "", seen[i].event);
	}
	return text;
}

static void expect_both(struct world *w, const char *events)
{
	assert_string_equal(events_of(w, "sns"), events);
	assert_string_equal(events_of(w, "events"), events);
}

static void expect_text(const struct json *o, const char *key, const char *want)
{
	const char *is = json_cstr(json_get(o, key));

	if (!is || !strstr(is, want))
		fail_msg("%s is \"%s\", without \"%s\"", key, is ? is : "-", want);
}

/* --- what is told ----------------------------------------------------------------------------- */

static void a_good_release_is_told_step_by_step(void **state)
{
	struct world *w = *state;
	struct seen seen[MAX_SEEN];
	double weight;

	tell(w);
	world_lambda(w, "checkout", "canary 5% 3m, 25% 3m bake 3m");
	world_start(w);
	world_push(w, "checkout", "errors=0.001");
	scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
	world_run(w, MINUTE_MS);
	expect_both(w, "started step step promoted succeeded");
	assert_int_equal(read_all(w, "sns", seen), 5); /* and each once */
	expect_text(seen[2].whole, "subject", "checkout/");
	expect_text(seen[2].whole, "subject", ": step 2 of ");
	expect_text(seen[2].whole, "attributes", "\"event\":\"step\"");
	expect_text(seen[2].whole, "attributes", "\"pipeline\":\"checkout\"");
	expect_text(seen[2].whole, "attributes", "\"target\":\"lambda:checkout:live\"");
	expect_text(seen[2].detail, "message", "step 2 of ");
	expect_text(seen[2].detail, "target", "lambda:checkout:live");
	expect_text(seen[2].detail, "phase", "WATCH");
	expect_text(seen[2].detail, "account", "111122223333");
	assert_true(json_double(json_get(seen[2].detail, "weight"), &weight));
	assert_true(weight == 25);
	assert_int_equal(read_all(w, "events", seen), 5);
	assert_string_equal(json_cstr(json_get(seen[0].whole, "subject")), "Rollout State Change");
	expect_text(seen[0].whole, "attributes", "rollout-worker");
}

static void a_bad_release_is_told_with_its_reason(void **state)
{
	struct world *w = *state;
	struct seen seen[MAX_SEEN];

	tell(w);
	w->workers[0].config.notify_event_bus = NULL;
	w->workers[0].config.notify_on = NOTICE_ALL & ~(1u << NOTICE_STARTED);
	world_lambda(w, "checkout", "canary 25% 10m bake 3m");
	world_start(w);
	world_push(w, "checkout", "errors=0.5");
	scene_expect(scene_end(w, "checkout"), "Failed", "JobFailed", NULL);
	world_run(w, MINUTE_MS);
	assert_string_equal(events_of(w, "sns"), "step rolling_back rolled_back");
	assert_string_equal(events_of(w, "events"), "");
	read_all(w, "sns", seen);
	expect_text(seen[1].detail, "reason", "checkout-errors");
	expect_text(seen[1].detail, "cause", "guard");
	expect_text(seen[2].detail, "ending", "restored");
	expect_text(seen[2].whole, "subject", "rolled back: the baseline");
}

static void a_job_that_is_refused_is_told(void **state)
{
	struct world *w = *state;
	struct seen seen[MAX_SEEN];

	tell(w);
	world_lambda(w, "checkout", "canary 250% 10m");
	world_start(w);
	world_push(w, "checkout", "errors=0.001");
	scene_expect(scene_end(w, "checkout"), "Failed", "ConfigurationError", NULL);
	world_run(w, MINUTE_MS);
	expect_both(w, "started failed");
	read_all(w, "sns", seen);
	expect_text(seen[1].detail, "reason", "250%");
}

static void who_waits_is_told(void **state)
{
	struct people *p = *state;
	struct seen seen[MAX_SEEN];

	tell(&p->w);
	people_park(p);
	world_run(&p->w, MINUTE_MS);
	assert_string_equal(events_of(&p->w, "sns"), "started step step waiting");
	read_all(&p->w, "sns", seen);
	expect_text(seen[3].detail, "waitsFor", "approval");
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Succeeded", NULL, NULL);
	world_run(&p->w, MINUTE_MS);
	assert_string_equal(events_of(&p->w, "events"),
			    "started step step waiting promoted succeeded");
}

/* --- what fails ------------------------------------------------------------------------------- */

/* Nobody may publish: the rollout does not notice, it is told later, and status says why. */
static void who_does_not_take_it_delays_nothing(void **state)
{
	struct world *w = *state;
	struct arena *a = arena_new();
	struct ledger_backlog b;
	struct err err = ERR_INIT;

	tell(w);
	world_control(w, "sns topic releases deny=true");
	world_control(w, "events bus releases fail=2");
	world_lambda(w, "checkout", "canary 5% 3m, 25% 3m bake 3m");
	world_start(w);
	world_push(w, "checkout", "errors=0.001");
	scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
	world_run(w, MINUTE_MS);
	assert_string_equal(events_of(w, "sns"), "");
	assert_string_equal(events_of(w, "events"), "started step step promoted succeeded");
	assert_int_equal(ledger_backlog(w->workers[0].ledger, a, &b, &err), 0);
	assert_int_equal(b.notices, 5);
	assert_non_null(strstr(b.problem, "not authorized to perform: SNS:Publish"));
	world_control(w, "sns topic releases deny=false");
	world_run(w, 6 * MINUTE_MS);
	assert_string_equal(events_of(w, "sns"), "started step step promoted succeeded");
	assert_int_equal(ledger_backlog(w->workers[0].ledger, a, &b, &err), 0);
	assert_int_equal(b.notices, 0);
	arena_free(a);
}

/* What nobody takes for a day is given up, and asked about a bounded number of times. */
static void what_nobody_takes_is_given_up(void **state)
{
	struct world *w = *state;
	struct arena *a = arena_new();
	struct ledger_backlog b;
	struct err err = ERR_INIT;

	tell(w);
	w->workers[0].config.notify_event_bus = NULL;
	w->workers[0].config.notify_topic_arn = TOPIC "-elsewhere"; /* NotFound */
	world_lambda(w, "checkout", "canary 25% 3m bake 3m");
	world_start(w);
	world_push(w, "checkout", "errors=0.001");
	scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
	assert_true(w->workers[0].worker->metrics.counters[METRIC_NOTICES_FAILED] > 2);
	world_run(w, 25 * HOUR_MS);
	assert_int_equal(ledger_backlog(w->workers[0].ledger, a, &b, &err), 0);
	assert_int_equal(b.notices, 0);
	assert_int_equal(metrics_get(&w->workers[0].worker->metrics, METRIC_NOTICES_DROPPED), 4);
	assert_int_equal(metrics_get(&w->workers[0].worker->metrics, METRIC_NOTICES_SENT), 0);
	assert_in_range(metrics_get(&w->workers[0].worker->metrics, METRIC_NOTICES_FAILED), 250,
			320);
	arena_free(a);
}

/* --- crashes ---------------------------------------------------------------------------------- */

/* One rollout with a crash at its n-th call; false: it had not so many. */
static bool crashes_at(const char *kind, int n, bool bad)
{
	struct world w;
	const char *want =
		bad ? "started step rolling_back rolled_back" : "started step promoted succeeded";
	const struct sim_action *a;
	bool hit;

	world_init(&w, 7, -1);
	tell(&w);
	world_lambda(&w, "checkout", "canary 25% 2m bake 2m");
	world_start(&w);
	world_push(&w, "checkout", bad ? "errors=0.5" : "errors=0.001");
	world_control(&w, "sim fault kind=%s n=%d", kind, n);
	a = scene_end(&w, "checkout");
	scene_expect(a, bad ? "Failed" : "Succeeded", bad ? "JobFailed" : NULL, NULL);
	world_run(&w, 7 * MINUTE_MS); /* the longest pause between two attempts, and more */
	hit = !strstr(world_control(&w, "sim fault kind=none"), "true");
	for (int i = 0; i < 2; i++) {
		const char *is = events_of(&w, i ? "events" : "sns");

		if (strcmp(is, want) != 0)
			fail_msg("%s at call %d: %s was told \"%s\"", kind, n,
				 i ? "the bus" : "the topic", is);
	}
	world_release(&w);
	return hit;
}

static void a_crash_loses_none(void **state)
{
	static const char *const kinds[] = {"crash-before", "crash-after", "500-after",
					    "timeout-after", "throttled"};
	const char *stride = getenv("SWEEP_STRIDE");
	int step = stride ? atoi(stride) : 11;

	(void)state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (int n = 1 + (int)k; n<130; n += step> 0 ? step : 1)
			crashes_at(kinds[k], n, (n + (int)k) % 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_good_release_is_told_step_by_step),
		TEST(a_bad_release_is_told_with_its_reason),
		TEST(a_job_that_is_refused_is_told),
		PEOPLE(who_waits_is_told),
		TEST(who_does_not_take_it_delays_nothing),
		TEST(what_nobody_takes_is_given_up),
		cmocka_unit_test(a_crash_loses_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
