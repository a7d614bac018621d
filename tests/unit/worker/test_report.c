#include "worker/report/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "aws/core/json.h"
#include "aws/core/rng.h"
#include "worker/report/markup.h"
#include "worker/rollout/decide.h"

#define START 1767323045000ll
#define NONE ((double)NAN)
#define ABOUT                                                                               \
	"{\"version\":\"v1\",\"kind\":\"lambda\",\"target\":\"lambda:checkout:live\","      \
	"\"strategy\":\"canary\",\"baseline\":\"1\",\"candidate\":\"2\",\"bakeMs\":300000," \
	"\"steps\":[{\"text\":\"5%\",\"weightBp\":500,\"watchMs\":600000}],"                \
	"\"guards\":[{\"kind\":\"alarm\",\"name\":\"checkout-errors\",\"in\":\"watch\"}]}"

/* A row that lasts from one second to another. */
static struct history_row row(int64_t seq, enum history_kind kind, int from, int to)
{
	return (struct history_row){.seq = seq,
				    .kind = kind,
				    .at = {START + from * 1000},
				    .until = {START + to * 1000},
				    .a = -1,
				    .b = -1,
				    .count = 1,
				    .low = NONE,
				    .high = NONE,
				    .last = NONE,
				    .limit = NONE};
}

static struct history_row move(int64_t seq, int at, const char *from, const char *to)
{
	struct history_row r = row(seq, HISTORY_MOVE, at, at);

	r.name = from;
	r.word = to;
	r.a = 0;
	r.text = "because";
	return r;
}

static struct history_row split(int64_t seq, int from, int to, int asked, int read)
{
	struct history_row r = row(seq, HISTORY_SPLIT, from, to);

	r.a = asked;
	r.b = read;
	r.word = read ? "split" : "baseline";
	r.text = "asked";
	r.extra = "read";
	return r;
}

static struct history_row answer(int64_t seq, int at, const char *verdict, double value)
{
	struct history_row r = row(seq, HISTORY_GUARD, at, at + 10);

	r.a = 0;
	r.b = 1;
	r.word = verdict;
	r.name = "above";
	r.text = "alarm checkout-errors says so";
	r.low = r.high = r.last = value;
	r.limit = 30;
	return r;
}

static const char *token(struct arena *a, enum phase phase, enum ending ending)
{
	static const struct plan plan;
	struct rollout_state s;
	struct err err = ERR_INIT;
	struct buf b;
	const char *text;

	rollout_begin(&plan, "r-1", (struct utc){START}, &s);
	s.phase = phase;
	s.ending = ending;
	s.cause = phase == PHASE_FAILED ? CAUSE_GUARD : CAUSE_NONE;
	str_copy(s.cause_text, sizeof(s.cause_text), STR("alarm checkout-errors is in ALARM"));
	str_copy(s.undo, sizeof(s.undo), STR("{\"t\":\"lambda\",\"v\":\"1\"}"));
	buf_init(&b, LIMIT_TOKEN);
	assert_int_equal(token_encode(&s, &b, &err), 0);
	text = arena_strdup(a, b.p);
	buf_release(&b);
	return text;
}

static struct ledger_rollout rollout(struct arena *a, enum phase phase, enum ending ending)
{
	return (struct ledger_rollout){.id = "r-1",
				       .pipeline = "shop",
				       .target = "lambda:checkout:live",
				       .token = token(a, phase, ending),
				       .phase = phase_name(phase),
				       .final = phase_is_final(phase),
				       .summary = "step 1 of 1",
				       .started = {START},
				       .updated = {START + 600000}};
}

static void build(struct arena *a, const struct ledger_rollout *r, const struct history_row *rows,
		  size_t n, struct report *out)
{
	struct report_source src = {
		.rollout = r, .rows = rows, .n_rows = n, .now = {START + 700000}};

	report_build(&src, a, out);
}

static const char *render(struct arena *a, const struct report *r,
			  void (*form)(const struct report *r, struct buf *out))
{
	const char *text;
	struct buf b;

	buf_init(&b, REPORT_BYTES_MAX);
	form(r, &b);
	assert_false(b.over);
	text = arena_strdup(a, b.p);
	buf_release(&b);
	return text;
}

static void has(const char *text, const char *what)
{
	if (!strstr(text, what))
		fail_msg("\"%s\" is not in\n%s", what, text);
}

/* --- known answers ---------------------------------------------------------------------------- */

static void test_a_bad_one(void **state)
{
	struct arena *a = *state;
	struct ledger_rollout r = rollout(a, PHASE_FAILED, ENDING_RESTORED);
	struct history_row rows[] = {
		row(1, HISTORY_ABOUT, 0, 0),
		move(2, 60, "VERIFY", "WATCH"),
		split(3, 0, 60, 0, 0),
		split(4, 60, 300, 500, 500),
		answer(5, 70, "Pass", NONE),
		answer(6, 290, "Fail", 412),
		move(7, 300, "WATCH", "RESTORE"),
		split(8, 301, 308, 0, 500),
		split(9, 314, 320, 0, 0),
		move(10, 314, "RESTORE", "PROVE"),
		move(11, 320, "PROVE", "FAILED"),
	};
	struct report report;
	const char *text;

	rows[0].text = ABOUT;
	build(a, &r, rows, sizeof(rows) / sizeof(rows[0]), &report);
	assert_int_equal(report.tone, REPORT_BAD);
	assert_string_equal(report.headline,
			    "Rolled back: checkout-errors was 412 (threshold 30) at 5%; the "
			    "baseline had all traffic again 14s later and was healthy.");
	assert_int_equal(report.n_phases, 5);
	assert_string_equal(report.phases[0].name, "VERIFY");
	assert_int_equal(report.guards[0].answers[VERDICT_FAIL], 1);
	text = render(a, &report, report_html);
	has(text, "fails above 30");
	has(text, ">412</text>");
	has(text, "class=\"mark\"");
	/* "took" is over numbers, "to" over times */
	has(text, "<th scope=\"col\">to</th>");
	has(text, "<th scope=\"col\" class=\"num\">looks</th>");
	text = render(a, &report, report_markdown);
	has(text, "| 2026-01-02 03:09:05 | RESTORE | because |");
	text = render(a, &report, report_json);
	has(text, "\"wentBack\":\"2026-01-02T03:09:05Z\"");
	has(text, "\"baselineHadAllTraffic\":\"2026-01-02T03:09:19Z\"");
	has(text, "\"asked\":5,\"read\":5");
	has(text, "\"value\":412");
}

static void test_a_good_one(void **state)
{
	struct arena *a = *state;
	struct ledger_rollout r = rollout(a, PHASE_SUCCEEDED, ENDING_SERVES);
	struct history_row rows[] = {row(1, HISTORY_ABOUT, 0, 0), answer(2, 70, "Pass", NONE),
				     move(3, 600, "BAKE", "SUCCEEDED"),
				     row(4, HISTORY_WATCHED, 0, 590)};
	struct report report;

	rows[0].text = ABOUT;
	build(a, &r, rows, 4, &report);
	assert_int_equal(report.tone, REPORT_GOOD);
	assert_string_equal(report.headline,
			    "Succeeded: version 2 serves everything, 10m after the "
			    "start, and no guard ever failed.");
	assert_int_equal(report.back_at.ms, 0);
	assert_null(report.failed);
	assert_null(report.missing);
	/* it is claimed only of what was seen */
	rows[3].until.ms = START + 100000;
	build(a, &r, rows, 4, &report);
	has(report.headline, ", and no guard failed as far as is recorded here.");
	has(report.missing, "nothing is known of 8m20s of 10m");
	/* nor is anything that is not recorded at all */
	build(a, &r, NULL, 0, &report);
	has(report.headline, "10m after the start; what its guards said is not recorded here.");
	has(report.missing, "nothing is known of 10m of 10m");
	rows[0].text = "{\"kind\":\"lambda\",\"steps\":[{\"text\":\"5%\",\"weightBp\":500}]}";
	rows[3].until.ms = START + 590000;
	rows[1] = rows[3];
	build(a, &r, rows, 3, &report);
	has(report.headline, "10m after the start; it had no guard.");
}

/* What is not known is not made up: neither value nor time nor health. */
static void test_what_is_not_known(void **state)
{
	struct arena *a = *state;
	struct ledger_rollout r = rollout(a, PHASE_FAILED, ENDING_UNPROVEN);
	struct report report;

	build(a, &r, NULL, 0, &report);
	has(report.headline, "could NOT be proved");
	has(report.proof, "somebody must look");
	assert_null(strstr(report.headline, "later"));
	has(render(a, &report, report_html), "The plan is not recorded here.");
	has(render(a, &report, report_html), "No look at the traffic is recorded here.");
	r = (struct ledger_rollout){.id = "r-2"};
	build(a, &r, NULL, 0, &report);
	assert_int_equal(report.tone, REPORT_OPEN);
	has(report.headline, "Under way: nothing is known yet.");
	has(render(a, &report, report_text), "No history");
	has(render(a, &report, report_markdown), "not recorded here");
}

static void test_gaps(void **state)
{
	struct arena *a = *state;
	struct ledger_rollout r = rollout(a, PHASE_WATCH, ENDING_NONE);
	struct history_row rows[] = {
		row(1, HISTORY_WATCHED, 0, 60),	   split(2, 0, 60, 500, 500),
		row(3, HISTORY_WATCHED, 300, 400), split(4, 300, 400, 500, 2500),
		row(5, HISTORY_WORKER, 300, 300),
	};
	struct report report;

	rows[4].word = "other";
	build(a, &r, rows, 5, &report);
	assert_int_equal(report.n_gaps, 1);
	assert_int_equal(report.gaps[0].from.ms, START + 60000);
	assert_int_equal(report.gaps[0].to.ms, START + 300000);
	has(render(a, &report, report_html), "class=\"gap\"");
	has(render(a, &report, report_html), "another worker went on with it");
	has(render(a, &report, report_markdown), "nobody looked from here");
	has(render(a, &report, report_json), "\"gaps\":[{\"from\":");
	assert_int_equal(report.ended.ms, 0);
	has(report.missing, "nothing is known of 4m of 6m40s");
}

/* Before the first look there is a gap where another worker began, and after the last one. */
static void test_gaps_at_the_ends(void **state)
{
	struct arena *a = *state;
	struct ledger_rollout r = rollout(a, PHASE_FAILED, ENDING_RESTORED);
	struct history_row rows[] = {row(1, HISTORY_WORKER, 120, 120),
				     row(2, HISTORY_WATCHED, 130, 300), row(3, HISTORY_LOST, 1, 2)};
	struct report report;

	rows[0].word = "joined";
	rows[2].word = "move";
	rows[2].count = 7;
	build(a, &r, rows, 3, &report);
	assert_int_equal(report.ended.ms, START + 600000);
	assert_int_equal(report.n_gaps, 2);
	assert_int_equal(report.gaps[0].from.ms, START);
	assert_int_equal(report.gaps[0].to.ms, START + 130000);
	assert_int_equal(report.gaps[1].from.ms, START + 300000);
	assert_int_equal(report.gaps[1].to.ms, START + 600000);
	has(report.missing, "nothing is known of 7m10s of 10m, 7 rows were left out");
	has(render(a, &report, report_markdown), "7 rows were left out");
	/* the one who began was waiting; and the last look may be some ticks ago */
	rows[0].word = "new";
	rows[1].until.ms = START + 600000 - 70000;
	build(a, &r, rows, 2, &report);
	assert_int_equal(report.n_gaps, 0);
	assert_null(report.missing);
	/* refused before anybody had to look */
	build(a, &r, rows, 1, &report);
	assert_int_equal(report.n_gaps, 0);
}

/* --- hostile text ----------------------------------------------------------------------------- */

#define HOSTILE "</style><script>\"'&|`*_[x](y)\n\x1b[2K\xe2\x80\xae\xff"

static void hold_html(const char *html)
{
	size_t tags = 0;

	for (const char *c = html; *c; c++) {
		if ((unsigned char)*c < 32 && *c != '\n')
			fail_msg("byte %d behind %.60s", *c, c > html + 60 ? c - 60 : html);
		tags += *c == '<';
	}
	assert_true(tags > 50);
	assert_null(strstr(html, "<script"));
	assert_null(strstr(strstr(html, "</style>") + 1, "</style>"));
	assert_null(strstr(html, "\xe2\x80\xae"));
	assert_true(str_is_utf8(str_from(html)));
}

static void test_hostile_text(void **state)
{
	struct arena *a = *state;
	struct ledger_rollout r = {.id = HOSTILE,
				   .pipeline = HOSTILE,
				   .action = HOSTILE,
				   .target = HOSTILE,
				   .token = HOSTILE,
				   .phase = HOSTILE,
				   .summary = HOSTILE,
				   .region = HOSTILE,
				   .handle = HOSTILE,
				   .started = {START}};
	struct history_row rows[HISTORY_KIND_COUNT];
	struct report report;
	struct json *root;
	struct err err = ERR_INIT;
	const char *text;

	for (int k = 0; k < HISTORY_KIND_COUNT; k++) {
		rows[k] = row(k + 1, (enum history_kind)k, k, k + 1);
		rows[k].name = rows[k].word = rows[k].text = rows[k].extra = HOSTILE;
		rows[k].a = 0;
	}
	build(a, &r, rows, HISTORY_KIND_COUNT, &report);
	hold_html(render(a, &report, report_html));
	text = render(a, &report, report_json);
	assert_int_equal(json_parse(a, str_from(text), &root, &err), 0);
	text = render(a, &report, report_markdown);
	assert_null(strstr(text, "<script"));
	assert_null(strstr(text, "\"'&|"));
	text = render(a, &report, report_text);
	assert_null(strchr(text, '\x1b'));
}

/* Any bytes in any place: each form stays what it is. */
static void test_any_bytes(void **state)
{
	struct arena *a = *state;
	struct rng_seeded seeded;
	struct rng *rng = &seeded.rng;

	rng_seeded_init(&seeded, 7);
	for (int i = 0; i < 300; i++) {
		char bytes[40];
		struct ledger_rollout r = {.id = bytes, .target = bytes, .summary = bytes};
		struct history_row rows[HISTORY_KIND_COUNT];
		struct report report;
		struct json *root;
		struct err err = ERR_INIT;

		for (size_t c = 0; c < sizeof(bytes) - 1; c++)
			bytes[c] = "<>&\"'`|\\\n\x01\x1b\x7f\xc2\xe2\x80\xaf-ax;=/!"[rng_u64(rng) %
										     23];
		bytes[sizeof(bytes) - 1] = '\0';
		for (int k = 0; k < HISTORY_KIND_COUNT; k++) {
			rows[k] = row(k, (enum history_kind)k, 0, 0);
			rows[k].at.ms = (int64_t)(rng_u64(rng) >> rng_below(rng, 40)) / 2;
			rows[k].until.ms = i % 3 ? rows[k].at.ms : rows[k].at.ms / 2;
			rows[k].a = (int64_t)(rng_u64(rng) % 40) - 2;
			rows[k].last = rows[k].low = (double)(int64_t)rng_u64(rng);
			rows[k].high = rows[k].limit = 1e308;
			rows[k].name = rows[k].word = rows[k].text = rows[k].extra = bytes;
		}
		build(a, &r, rows, HISTORY_KIND_COUNT, &report);
		hold_html(render(a, &report, report_html));
		assert_int_equal(
			json_parse(a, str_from(render(a, &report, report_json)), &root, &err), 0);
		assert_null(strchr(render(a, &report, report_markdown), '<'));
	}
}

/* --- limits ----------------------------------------------------------------------------------- */

static void test_huge(void **state)
{
	struct arena *a = *state;
	struct ledger_rollout r = rollout(a, PHASE_WATCH, ENDING_NONE);
	size_t n = HISTORY_GUARDS_ROWS + HISTORY_SPLIT_ROWS + HISTORY_CALL_ROWS;
	struct history_row *rows = arena_array(a, struct history_row, n);
	struct report report;

	for (size_t i = 0; i < n; i++) {
		if (i < HISTORY_GUARDS_ROWS) {
			rows[i] =
				answer((int64_t)i, (int)i * 10, i % 2 ? "Pass" : "Fail", (double)i);
			rows[i].b = 0;
			rows[i].a = (int64_t)i % 10;
		} else if (i < HISTORY_GUARDS_ROWS + HISTORY_SPLIT_ROWS) {
			rows[i] = split((int64_t)i, (int)i * 10, (int)i * 10 + 9, 500, (int)i);
		} else {
			rows[i] = row((int64_t)i, HISTORY_CALL, (int)i, (int)i + 1);
			rows[i].text = rows[i].name = rows[i].extra =
				"a text that is about as long as the arn of a listener rule is";
		}
	}
	build(a, &r, rows, n, &report);
	assert_int_equal(report.n_guards, 10);
	assert_true(strlen(render(a, &report, report_html)) < REPORT_BYTES_MAX / 2);
	assert_true(strlen(render(a, &report, report_json)) < REPORT_BYTES_MAX / 2);
}

static void test_thinning(void **state)
{
	struct history_row rows[40];
	int64_t gone[40];
	size_t n, n_gone;

	(void)state;
	for (int i = 0; i < 40; i++)
		rows[i] = answer(i + 1, i * 10, i == 20 ? "Fail" : "Pass", i);
	n = history_thin(rows, 40, gone, &n_gone);
	assert_int_equal(n + n_gone, 40);
	assert_int_equal(n, 20);
	assert_int_equal(rows[0].seq, 1);
	assert_int_equal(rows[0].count, 4); /* what is older is coarser */
	assert_true(rows[0].low == 0 && rows[0].high == 3);
	for (size_t i = 0, fails = 0; i <= n; i++) { /* the failure stays by itself */
		if (i < n)
			fails += !strcmp(rows[i].word, "Fail") && rows[i].count == 1;
		else
			assert_int_equal(fails, 1);
	}
	/* verdicts that change all the time: the worse one is kept */
	for (int i = 0; i < 40; i++)
		rows[i] = answer(i + 1, i * 10, i % 2 ? "Pass" : "Fail", i);
	n = history_thin(rows, 40, gone, &n_gone);
	assert_int_equal(n, 20);
	assert_string_equal(rows[0].word, "Fail");
	assert_int_equal(history_thin(rows, 0, gone, &n_gone), 0);
}

static void test_times(void **state)
{
	char text[MARKUP_SPAN_SIZE];

	(void)state;
	markup_span(400, text);
	assert_string_equal(text, "0.4s");
	markup_span(14400, text);
	assert_string_equal(text, "14s");
	markup_span(5400000, text);
	assert_string_equal(text, "1h30m");
}

static int set_up(void **state)
{
	*state = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	arena_free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_bad_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_good_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_not_known, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gaps, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gaps_at_the_ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hostile_text, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_any_bytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_huge, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_thinning, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_times, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
