#include "aws/core/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/core/json.h"
#include "aws/core/mem.h"
#include "aws/core/rng.h"

#define LINE_MAX_BYTES 4096

/* --- a logger whose lines can be read back ------------------------------------------------- */

static struct utc fixed_utc(struct clock *c)
{
	(void)c;
	return (struct utc){1767323045678};
}

static struct clock fixed_clock = {.utc = fixed_utc};

struct sink {
	int ends[2];
	struct log *log;
	char line[LINE_MAX_BYTES + 1];
};

static void sink_open(struct sink *s, enum log_format format, bool systemd)
{
	assert_int_equal(pipe2(s->ends, O_NONBLOCK | O_CLOEXEC), 0);
	s->log = log_new(s->ends[1], format, LOG_DEBUG, systemd, &fixed_clock);
	assert_non_null(s->log);
}

static void sink_close(struct sink *s)
{
	log_free(s->log);
	close(s->ends[0]);
	close(s->ends[1]);
}

/* The one line that was written since the last call, without its newline; "" when there is none. */
static const char *line(struct sink *s)
{
	ssize_t n = read(s->ends[0], s->line, sizeof(s->line));

	if (n <= 0)
		return "";
	assert_in_range(n, 2, LINE_MAX_BYTES);
	assert_null(memchr(s->line, '\0', (size_t)n));
	assert_ptr_equal(memchr(s->line, '\n', (size_t)n), s->line + n - 1);
	s->line[n - 1] = '\0';
	return s->line;
}

static void text_of(struct str value, const char *want)
{
	struct sink s;
	char expected[LINE_MAX_BYTES];

	sink_open(&s, LOG_TEXT, true);
	log_event(s.log, LOG_INFO, "e", LOG_STR("k", value));
	snprintf(expected, sizeof(expected), "<6>event=e k=%s", want);
	assert_string_equal(line(&s), expected);
	sink_close(&s);
}

/* --- form ------------------------------------------------------------------------------------ */

static void test_text_form(void **state)
{
	struct sink s;

	(void)state;
	sink_open(&s, LOG_TEXT, false);
	log_event(s.log, LOG_INFO, "rollout.shift", LOG_S("target", "web"),
		  LOG_I("weight_bp", -500), LOG_D("rate", 0.25), LOG_B("done", true),
		  LOG_B("late", false), LOG_STR("part", str_sub(STR("abcdef"), 1, 3)));
	assert_string_equal(line(&s),
			    "ts=2026-01-02T03:04:05.678Z level=info event=rollout.shift target=web "
			    "weight_bp=-500 rate=0.25 done=true late=false part=bc");
	log_emit(s.log, LOG_ERROR, "worker.stop", &(const struct log_field){.key = NULL});
	assert_string_equal(line(&s), "ts=2026-01-02T03:04:05.678Z level=error event=worker.stop");
	sink_close(&s);
}

static void test_systemd_form(void **state)
{
	static const struct {
		enum log_level level;
		const char *text, *json;
	} want[] = {
		{LOG_ERROR, "<3>event=e n=1", "<3>{\"level\":\"error\",\"event\":\"e\",\"n\":1}"},
		{LOG_WARN, "<4>event=e n=1", "<4>{\"level\":\"warn\",\"event\":\"e\",\"n\":1}"},
		{LOG_INFO, "<6>event=e n=1", "<6>{\"level\":\"info\",\"event\":\"e\",\"n\":1}"},
		{LOG_DEBUG, "<7>event=e n=1", "<7>{\"level\":\"debug\",\"event\":\"e\",\"n\":1}"}};
	struct sink s, j;

	(void)state;
	sink_open(&s, LOG_TEXT, true);
	sink_open(&j, LOG_JSON, true);
	for (size_t i = 0; i < 4; i++) {
		log_event(s.log, want[i].level, "e", LOG_I("n", 1));
		log_event(j.log, want[i].level, "e", LOG_I("n", 1));
		assert_string_equal(line(&s), want[i].text);
		assert_string_equal(line(&j), want[i].json);
	}
	sink_close(&s);
	sink_close(&j);
}

static void test_json_form(void **state)
{
	struct sink s;

	(void)state;
	sink_open(&s, LOG_JSON, false);
	log_event(s.log, LOG_WARN, "job.retry", LOG_S("job", "a b"), LOG_I("n", INT64_MIN),
		  LOG_D("x", 1e300), LOG_D("bad", NAN), LOG_D("worse", -INFINITY),
		  LOG_B("ok", true), LOG_S("none", NULL));
	assert_string_equal(line(&s),
			    "{\"ts\":\"2026-01-02T03:04:05.678Z\",\"level\":\"warn\","
			    "\"event\":\"job.retry\",\"job\":\"a b\",\"n\":-9223372036854775808,"
			    "\"x\":1e+300,\"bad\":null,\"worse\":null,\"ok\":true,\"none\":\"\"}");
	sink_close(&s);
}

/* --- hostile values -------------------------------------------------------------------------- */

static void test_text_escapes(void **state)
{
	(void)state;
	text_of(STR("plain-1.2/x:y@z"), "plain-1.2/x:y@z");
	text_of(STR(""), "\"\"");
	text_of(STR("two words"), "\"two words\"");
	text_of(STR("a=b"), "\"a=b\"");
	text_of(STR("say \"hi\""), "\"say \\\"hi\\\"\"");
	text_of(STR("c:\\d"), "\"c:\\\\d\"");
	text_of(STR("a\nlevel=error event=forged"), "\"a\\nlevel=error event=forged\"");
	text_of(STR("\r\t"), "\"\\r\\t\"");
	text_of(STR("\0\x1b[31m\x7f"), "\"\\x00\\x1b[31m\\x7f\"");
	text_of(STR("\xe2\x82\xac \xc3\xa4"), "\"\xe2\x82\xac \xc3\xa4\"");
	text_of(STR("\xff\xc0\xaf\xe2\x82"), "\"\\xff\\xc0\\xaf\\xe2\\x82\"");
	text_of(STR("\xed\xa0\x80"), "\"\\xed\\xa0\\x80\"");
	text_of(STR("\xc2\x9b"
		    "31m\xc2\x85"),
		"\"\\xc2\\x9b31m\\xc2\\x85\"");
	text_of(STR("\xc2\xa0"), "\"\xc2\xa0\"");
}

/* Whatever the bytes, a JSON line parses, and what is text comes back as it was. */
static void test_json_escapes(void **state)
{
	struct arena *a = arena_new();
	struct sink s;
	struct rng_seeded r;
	struct err err = ERR_INIT;
	struct json *root;

	(void)state;
	rng_seeded_init(&r, 42);
	sink_open(&s, LOG_JSON, false);
	log_event(s.log, LOG_INFO, "e",
		  LOG_STR("k", STR("a\"\\/\n\r\t\x01\x7f\xc2\x9b\xe2\x82\xac")));
	assert_non_null(
		strstr(line(&s), "\"a\\\"\\\\/\\n\\r\\t\\u0001\\u007f\\u009b\xe2\x82\xac\""));
	for (int c = 1; c < 128; c++) {
		char value[3] = {'<', (char)c, '>'};

		log_event(s.log, LOG_INFO, "e", LOG_STR("k", ((struct str){value, 3})));
		if (json_parse(a, str_from(line(&s)), &root, &err))
			fail_msg("%s: %s", s.line, err.text);
		assert_true(str_eq(json_text(json_get(root, "k")), (struct str){value, 3}));
	}
	for (int i = 0; i < 2000; i++) {
		char value[300];
		size_t n = (size_t)rng_below(&r.rng, sizeof(value));

		r.rng.fill(&r.rng, value, n);
		for (size_t k = 0; i % 2 && k < n; k++)
			value[k] =
				"\"\\\n\xc3\xa4\xe2\x82\xac{}[],:a"[(unsigned char)value[k] % 16];
		log_event(s.log, LOG_INFO, "e", LOG_STR("k", ((struct str){value, n})),
			  LOG_I("after", i));
		if (json_parse(a, str_from(line(&s)), &root, &err))
			fail_msg("%s: %s", s.line, err.text);
		arena_clear(a);
	}
	sink_close(&s);
	arena_free(a);
}

/* --- length ---------------------------------------------------------------------------------- */

static void test_long_values_are_cut(void **state)
{
	struct sink s;
	char *big = xmalloc(100000);
	const char *got;

	(void)state;
	memset(big, 'x', 100000);
	sink_open(&s, LOG_TEXT, true);
	log_event(s.log, LOG_INFO, "e", LOG_STR("big", ((struct str){big, 100000})),
		  LOG_I("after", 7));
	got = line(&s);
	assert_memory_equal(got, "<6>event=e big=\"xxx", 19);
	assert_non_null(strstr(got, "xxx...\" after=7"));
	assert_in_range(strlen(got), 1024, 1100);
	log_event(s.log, LOG_INFO, "e", LOG_STR("fits", ((struct str){big, 1024})));
	assert_null(strstr(line(&s), "..."));
	assert_int_equal(strlen(s.line), strlen("<6>event=e fits=") + 1024);
	sink_close(&s);
	free(big);
}

/*
 * Fill the line to every length near its end by values of all kinds: it stays one whole line, in
 * bounds, and in JSON one valid object.
 */
static void fill_up(enum log_format format, struct str tail)
{
	struct arena *a = arena_new();
	struct sink s;
	char pad[1000];
	struct err err = ERR_INIT;
	struct json *root;
	bool was_cut = false;

	memset(pad, 'p', sizeof(pad));
	sink_open(&s, format, false);
	for (size_t n = 700; n < sizeof(pad); n++) {
		struct str p = {pad, n}, full = {pad, 1000};

		log_event(s.log, LOG_INFO, "e", LOG_STR("p1", full), LOG_STR("p2", full),
			  LOG_STR("p3", full), LOG_STR("p4", p), LOG_STR("tail", tail),
			  LOG_I("i", INT64_MIN), LOG_D("d", -1.2345678912e-300), LOG_B("b", false));
		line(&s);
		was_cut = was_cut || strstr(s.line, "...") != NULL;
		if (format == LOG_JSON && json_parse(a, str_from(s.line), &root, &err))
			fail_msg("%s: %s", s.line, err.text);
		arena_clear(a);
	}
	assert_true(was_cut);
	sink_close(&s);
	arena_free(a);
}

static void test_lines_that_are_full(void **state)
{
	char text[600];

	(void)state;
	memset(text, 'a', sizeof(text));
	fill_up(LOG_TEXT, (struct str){text, sizeof(text)});
	fill_up(LOG_JSON, (struct str){text, sizeof(text)});
	memset(text, '\x01', sizeof(text));
	fill_up(LOG_TEXT, (struct str){text, sizeof(text)});
	fill_up(LOG_JSON, (struct str){text, sizeof(text)});
	memset(text, '\xff', sizeof(text));
	fill_up(LOG_JSON, (struct str){text, sizeof(text)});
	for (size_t i = 0; i + 1 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa4", 2);
	fill_up(LOG_TEXT, (struct str){text, sizeof(text)});
	fill_up(LOG_JSON, (struct str){text, sizeof(text)});
}

/* --- levels, context, errors ----------------------------------------------------------------- */

static void test_levels(void **state)
{
	struct sink s;
	struct log *log;
	enum log_level level = LOG_WARN;

	(void)state;
	sink_open(&s, LOG_TEXT, true);
	for (int most = LOG_ERROR; most <= LOG_DEBUG; most++) {
		log = log_new(s.ends[1], LOG_TEXT, (enum log_level)most, true, &fixed_clock);
		for (int l = LOG_ERROR; l <= LOG_DEBUG; l++) {
			log_event(log, (enum log_level)l, "e", LOG_I("n", l));
			assert_int_equal(line(&s)[0] != '\0', l <= most);
		}
		log_free(log);
	}
	sink_close(&s);
	assert_true(log_level_parse(STR("error"), &level) && level == LOG_ERROR);
	assert_true(log_level_parse(STR("warn"), &level) && level == LOG_WARN);
	assert_true(log_level_parse(STR("info"), &level) && level == LOG_INFO);
	assert_true(log_level_parse(STR("debug"), &level) && level == LOG_DEBUG);
	assert_false(log_level_parse(STR("INFO"), &level));
	assert_false(log_level_parse(STR(""), &level));
	assert_false(log_level_parse(STR("warning"), &level));
	assert_int_equal(level, LOG_DEBUG);
}

static void test_context(void **state)
{
	struct sink s;
	struct log *job, *turn;
	char name[] = "web", key[] = "job";

	(void)state;
	sink_open(&s, LOG_TEXT, true);
	job = log_with(s.log, LOG_S(key, name), LOG_I("try", 2));
	turn = log_with(job, LOG_B("canary", true));
	memset(name, '!', 3); /* fields are copied */
	memset(key, '!', 3);
	log_event(turn, LOG_INFO, "turn.end", LOG_S("state", "bake"));
	assert_string_equal(line(&s), "<6>event=turn.end job=web try=2 canary=true state=bake");
	log_event(job, LOG_INFO, "job.end", LOG_I("n", 1));
	assert_string_equal(line(&s), "<6>event=job.end job=web try=2 n=1");
	log_event(s.log, LOG_INFO, "stop", LOG_I("n", 1));
	assert_string_equal(line(&s), "<6>event=stop n=1");
	log_free(turn);
	log_free(job);
	sink_close(&s);
}

static void test_null(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_null(log_with(NULL, LOG_I("n", 1)));
	log_event(NULL, LOG_ERROR, "e", LOG_I("n", 1));
	log_event(NULL, LOG_ERROR, "e", LOG_E(&err), LOG_I("n", 1));
	log_free(NULL);
}

static void test_errors(void **state)
{
	struct sink s;
	struct err err = {.code = ERR_THROTTLED, .http = 429};

	(void)state;
	str_copy(err.aws, sizeof(err.aws), STR("ThrottlingException"));
	str_copy(err.request_id, sizeof(err.request_id), STR("r-1"));
	str_copy(err.text, sizeof(err.text), STR("poll: Rate exceeded\nevent=forged"));
	sink_open(&s, LOG_TEXT, true);
	log_event(s.log, LOG_WARN, "poll.fail", LOG_E(&err), LOG_S("job", "j"));
	assert_string_equal(line(&s), "<4>event=poll.fail job=j code=throttled "
				      "aws=ThrottlingException http=429 request_id=r-1 "
				      "err=\"poll: Rate exceeded\\nevent=forged\"");
	err_set(&err, ERR_LIMIT, "too large");
	log_event(s.log, LOG_ERROR, "plan.refuse", LOG_E(&err), LOG_I("n", 1));
	assert_string_equal(line(&s), "<3>event=plan.refuse n=1 code=limit err=\"too large\"");
	sink_close(&s);
}

/* A sink that takes nothing loses lines, and nothing else happens. */
static void test_a_sink_that_is_full(void **state)
{
	struct sink s;
	struct log *closed = log_new(-1, LOG_TEXT, LOG_DEBUG, true, &fixed_clock);
	int n = 0;

	(void)state;
	log_event(closed, LOG_INFO, "e", LOG_I("n", 1));
	log_free(closed);
	sink_open(&s, LOG_TEXT, true);
	for (int i = 0; i < 100000; i++)
		log_event(s.log, LOG_INFO, "e", LOG_S("k", "v"));
	while (read(s.ends[0], s.line, strlen("<6>event=e k=v\n")) > 0) {
		assert_memory_equal(s.line, "<6>event=e k=v\n", strlen("<6>event=e k=v\n"));
		n++;
	}
	assert_in_range(n, 100, 99999);
	sink_close(&s);
}

/* --- threads --------------------------------------------------------------------------------- */

enum { THREADS = 4, LINES = 300 };

struct writer {
	struct log *log;
	int id;
};

static void *write_lines(void *arg)
{
	struct writer *w = arg;
	struct log *mine = log_with(w->log, LOG_I("id", w->id));
	char pad[700];

	memset(pad, 'a' + w->id, sizeof(pad));
	for (int i = 0; i < LINES; i++)
		log_event(mine, LOG_INFO, "e", LOG_I("i", i),
			  LOG_STR("pad", ((struct str){pad, sizeof(pad)})));
	log_free(mine);
	return NULL;
}

static void check_line(const char *text, int next[THREADS])
{
	char want[1000];

	for (int id = 0; id < THREADS; id++) {
		int n = snprintf(want, sizeof(want), "<6>event=e id=%d i=%d pad=", id, next[id]);

		memset(want + n, 'a' + id, 700);
		snprintf(want + n + 700, sizeof(want) - (size_t)n - 700, "\n");
		if (strcmp(text, want) == 0) {
			next[id]++;
			return;
		}
	}
	fail_msg("a torn line: %s", text);
}

static void test_threads_do_not_tear_lines(void **state)
{
	char path[] = "/tmp/test_log.XXXXXX", text[LINE_MAX_BYTES];
	int fd = mkstemp(path), next[THREADS] = {0};
	struct log *log = log_new(fd, LOG_TEXT, LOG_INFO, true, clock_system());
	struct writer w[THREADS];
	pthread_t thread[THREADS];
	FILE *in;

	(void)state;
	assert_true(fd >= 0);
	for (int i = 0; i < THREADS; i++) {
		w[i] = (struct writer){log, i};
		assert_int_equal(pthread_create(&thread[i], NULL, write_lines, &w[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	in = fopen(path, "r");
	assert_non_null(in);
	while (fgets(text, sizeof(text), in))
		check_line(text, next);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(next[i], LINES);
	fclose(in);
	log_free(log);
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_form),
		cmocka_unit_test(test_systemd_form),
		cmocka_unit_test(test_json_form),
		cmocka_unit_test(test_text_escapes),
		cmocka_unit_test(test_json_escapes),
		cmocka_unit_test(test_long_values_are_cut),
		cmocka_unit_test(test_lines_that_are_full),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_context),
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_a_sink_that_is_full),
		cmocka_unit_test(test_threads_do_not_tear_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
