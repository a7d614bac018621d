#include "worker/report/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "aws/core/json.h"

static const struct ledger_rollout ROLLOUTS[] = {
	{.id = "r-1",
	 .pipeline = "shop",
	 .action = "Rollout",
	 .target = "lambda:checkout:live",
	 .phase = "WATCH",
	 .summary = "step 1 of 2",
	 .started = {1767323045678},
	 .updated = {1767323045678}},
	{.id = "r-2",
	 .pipeline = "<b>x</b>",
	 .target = "\"'&<script>\x1b[2K\xe2\x80\xae",
	 .summary = "two\nlines\xff"},
};

static const struct ledger_wait WAITS[] = {
	{.rollout_id = "r-2",
	 .key = "lambda:checkout:live@1",
	 .holder = "r-1",
	 .since = {1767323045678}},
	{.rollout_id = "r-3", .key = "<u>", .since = {1767323045678}},
};

static struct snapshot sound(struct metrics *m)
{
	return (struct snapshot){.version = "v1",
				 .region = "eu-central-1",
				 .now = {1767323105678},
				 .started = {1767323045678},
				 .alive = true,
				 .n_rollouts = 2,
				 .n_jobs = 1,
				 .turns_running = 1,
				 .turns_waiting = 4,
				 .slots = 100,
				 .threads = 8,
				 .ledger_bytes = 4096,
				 .metrics = m,
				 .calls = {{"Lambda", "UpdateAlias", 5, 1, 8, 2, 1500, 0},
					   {"S3", "GetObject", 1, 0, 1, 0, -3, 7}},
				 .n_calls = 2,
				 .rollouts = ROLLOUTS,
				 .n_open = 2,
				 .waits = WAITS,
				 .n_waits = 2,
				 .backlog = {.reports = 1,
					     .notices = 2,
					     .waiting = 2,
					     .oldest_report = {1767323045678},
					     .oldest_notice = {1767323095678},
					     .problem = "SNS.Publish: <denied>"}};
}

static void has(const struct buf *b, const char *what)
{
	if (!strstr(b->p, what))
		fail_msg("\"%s\" is not in\n%s", what, b->p);
}

static void has_not(const struct buf *b, const char *what)
{
	if (strstr(b->p, what))
		fail_msg("\"%s\" is in\n%s", what, b->p);
}

static void test_counting(void **state)
{
	static struct metrics m;
	enum phase a = METRICS_NOWHERE, b = METRICS_NOWHERE;

	(void)state;
	assert_int_equal(metrics_get(&m, METRIC_TURNS), 0);
	metrics_count(&m, METRIC_TURNS);
	metrics_add(&m, METRIC_TURNS, 41);
	assert_int_equal(metrics_get(&m, METRIC_TURNS), 42);
	metrics_phase(&m, &a, PHASE_WATCH);
	metrics_phase(&m, &a, PHASE_WATCH);
	metrics_phase(&m, &b, PHASE_WATCH);
	assert_int_equal(atomic_load(&m.rollouts[PHASE_WATCH]), 2);
	metrics_phase(&m, &a, PHASE_BAKE);
	metrics_phase(&m, &b, METRICS_NOWHERE);
	metrics_phase(&m, &b, METRICS_NOWHERE);
	assert_int_equal(atomic_load(&m.rollouts[PHASE_WATCH]), 0);
	assert_int_equal(atomic_load(&m.rollouts[PHASE_BAKE]), 1);
	assert_int_equal(a, PHASE_BAKE);
	metrics_reaction(&m, -5);
	metrics_reaction(&m, 500);
	metrics_reaction(&m, 501);
	metrics_reaction(&m, 60000);
	metrics_reaction(&m, 60001);
	assert_int_equal(atomic_load(&m.reactions[0]), 2);
	assert_int_equal(atomic_load(&m.reactions[1]), 1);
	assert_int_equal(atomic_load(&m.reactions[6]), 1);
	assert_int_equal(atomic_load(&m.reactions[7]), 1);
	assert_int_equal(atomic_load(&m.reaction_ms), 500 + 501 + 60000 + 60001);
	metrics_verdict(&m, GUARD_HEALTH, VERDICT_FAIL);
	assert_int_equal(atomic_load(&m.verdicts[GUARD_HEALTH][VERDICT_FAIL]), 1);
}

static void test_metrics_page(void **state)
{
	static struct metrics m;
	struct snapshot *s = malloc(sizeof(*s));
	struct buf b;

	(void)state;
	assert_non_null(s);
	*s = sound(&m);
	metrics_add(&m, METRIC_POLLS_EMPTY, 7);
	metrics_verdict(&m, GUARD_ALARM, VERDICT_PASS);
	metrics_reaction(&m, 700);
	metrics_reaction(&m, 99000);
	metrics_outbox(&m, 3);
	buf_init(&b, 1u << 20);
	page_metrics(s, &b);
	has(&b, "rollout_worker_info{version=\"v1\",region=\"eu-central-1\"} 1\n");
	has(&b, "# TYPE rollout_worker_up gauge\nrollout_worker_up 1\n");
	has(&b, "rollout_worker_polls_total{result=\"empty\"} 7\n");
	has(&b, "rollout_worker_outbox_reports 3\n");
	has(&b, "rollout_worker_ledger_bytes 4096\n");
	has(&b, "rollout_worker_outbox_oldest_seconds 60\n");
	has(&b, "rollout_worker_notices_waiting 2\n");
	has(&b, "rollout_worker_notices_oldest_seconds 10\n");
	has(&b, "rollout_worker_rollouts_waiting 2\n");
	has(&b, "rollout_worker_guard_verdicts_total{guard=\"alarm\",verdict=\"Pass\"} 1\n");
	has(&b, "rollout_worker_reaction_seconds_bucket{le=\"0.5\"} 0\n");
	has(&b, "rollout_worker_reaction_seconds_bucket{le=\"1\"} 1\n");
	has(&b, "rollout_worker_reaction_seconds_bucket{le=\"60\"} 1\n");
	has(&b, "rollout_worker_reaction_seconds_bucket{le=\"+Inf\"} 2\n");
	has(&b, "rollout_worker_reaction_seconds_sum 99.700\n");
	has(&b, "rollout_worker_aws_calls_total{service=\"Lambda\",operation=\"UpdateAlias\","
		"outcome=\"ok\"} 4\n");
	has(&b, "operation=\"UpdateAlias\",outcome=\"failed\"} 1\n");
	has(&b, "rollout_worker_aws_retries_total{service=\"Lambda\",operation=\"UpdateAlias\"} "
		"3\n");
	has(&b, "rollout_worker_aws_throttled_total{service=\"Lambda\",operation=\"UpdateAlias\"} "
		"2\n");
	has(&b,
	    "rollout_worker_aws_call_milliseconds_total{service=\"S3\",operation=\"GetObject\"} "
	    "0\n");
	has(&b,
	    "rollout_worker_aws_credentials_failed_total{service=\"S3\",operation=\"GetObject\"} "
	    "7\n");
	s->stopping = true;
	s->ledger_bytes = -1;
	s->problem = "it cannot be read";
	buf_clear(&b);
	page_metrics(s, &b);
	has(&b, "\nrollout_worker_up 0\n");
	has_not(&b, "ledger_bytes");
	has_not(&b, "notices_waiting");
	buf_release(&b);
	free(s);
}

static void test_json_page(void **state)
{
	static struct metrics m;
	struct snapshot *s = malloc(sizeof(*s));
	struct arena *a = arena_new();
	struct err err = ERR_INIT;
	struct json *root;
	struct buf b;

	(void)state;
	assert_non_null(s);
	*s = sound(&m);
	buf_init(&b, 1u << 20);
	page_json(s, &b);
	if (json_parse(a, buf_str(&b), &root, &err))
		fail_msg("%s", err.text);
	assert_string_equal(json_cstr(json_get(root, "state")), "ok");
	assert_string_equal(json_cstr(json_get(json_get(root, "rollouts")->first, "target")),
			    "lambda:checkout:live");
	assert_string_equal(json_cstr(json_get(json_get(root, "rollouts")->first->next, "target")),
			    ROLLOUTS[1].target);
	has(&b, "\"reportsWaiting\":1,\"oldestReport\":\"2026-01-02T03:04:05");
	has(&b, "\"noticesWaiting\":2,");
	has(&b, "\"noticesProblem\":\"SNS.Publish: <denied>\"");
	has(&b, "\"waits\":[{\"rollout\":\"r-2\",\"for\":\"lambda:checkout:live@1\","
		"\"after\":\"r-1\",\"since\":\"2026");
	has_not(&b, "\x1b");
	has_not(&b, "\xe2\x80\xae");
	buf_release(&b);
	arena_free(a);
	free(s);
}

static void test_html_page(void **state)
{
	static struct metrics m;
	struct snapshot *s = malloc(sizeof(*s));
	struct buf b;

	(void)state;
	assert_non_null(s);
	*s = sound(&m);
	buf_init(&b, 1u << 20);
	page_html(s, &b);
	has(&b, "<td>lambda:checkout:live</td>");
	has(&b, "<td>&lt;b&gt;x&lt;/b&gt;</td>");
	has(&b, "<td>&quot;&#39;&amp;&lt;script&gt;?[2K?</td>");
	has(&b, "<dd>1 of 100</dd>");
	has(&b, "<dt>Oldest report</dt><dd>2026-01-02T03:04:05");
	has(&b, "<dt>Why</dt><dd>SNS.Publish: &lt;denied&gt;</dd>");
	has(&b, "<td>lambda:checkout:live@1</td><td>r-1</td>");
	has(&b, "<td>&lt;u&gt;</td><td>somebody whom no rollout here names</td>");
	has_not(&b, "<script");
	has_not(&b, "\x1b");
	s->n_open = 0;
	buf_clear(&b);
	page_html(s, &b);
	has(&b, "<p>None.</p>");
	s->problem = "the <disk> is gone";
	buf_clear(&b);
	page_html(s, &b);
	has(&b, "They cannot be read: the &lt;disk&gt; is gone");
	has_not(&b, "None.");
	buf_release(&b);
	free(s);
}

static void test_health(void **state)
{
	static struct metrics m;
	struct snapshot *s = malloc(sizeof(*s));
	struct buf b;

	(void)state;
	assert_non_null(s);
	*s = sound(&m);
	buf_init(&b, 200);
	assert_true(page_health(s, &b));
	assert_string_equal(b.p, "ok\n");
	s->stopping = true;
	buf_clear(&b);
	assert_false(page_health(s, &b));
	assert_string_equal(b.p, "stopping\n");
	s->alive = false;
	buf_clear(&b);
	assert_false(page_health(s, &b));
	has(&b, "stuck");
	buf_release(&b);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counting),  cmocka_unit_test(test_metrics_page),
		cmocka_unit_test(test_json_page), cmocka_unit_test(test_html_page),
		cmocka_unit_test(test_health),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
