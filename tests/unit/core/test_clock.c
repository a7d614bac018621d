#include "aws/core/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/core/cancel.h"
#include "tests/unit/core/aborts.h"

#define DAY_MS INT64_C(86400000)

static void test_format(void **state)
{
	static const struct {
		int64_t ms;
		const char *iso, *amz;
	} cases[] = {
		{0, "1970-01-01T00:00:00Z", "19700101T000000Z"},
		{1, "1970-01-01T00:00:00.001Z", "19700101T000000Z"},
		{951782399999, "2000-02-28T23:59:59.999Z", "20000228T235959Z"},
		{951782400000, "2000-02-29T00:00:00Z", "20000229T000000Z"},
		{1440938160000, "2015-08-30T12:36:00Z", "20150830T123600Z"},
		{1767323045670, "2026-01-02T03:04:05.670Z", "20260102T030405Z"},
		{4107542400000, "2100-03-01T00:00:00Z", "21000301T000000Z"}, /* no leap year */
		{253402300799999, "9999-12-31T23:59:59.999Z", "99991231T235959Z"},
		/* outside: the nearest moment that can be written */
		{-1, "1970-01-01T00:00:00Z", "19700101T000000Z"},
		{INT64_MIN, "1970-01-01T00:00:00Z", "19700101T000000Z"},
		{INT64_MAX, "9999-12-31T23:59:59.999Z", "99991231T235959Z"},
	};
	char iso[UTC_ISO_SIZE], amz[UTC_AMZ_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		utc_format_iso((struct utc){cases[i].ms}, iso);
		utc_format_amz((struct utc){cases[i].ms}, amz);
		assert_string_equal(iso, cases[i].iso);
		assert_string_equal(amz, cases[i].amz);
	}
}

/*
 * Count through the calendar day by day and compare both directions with it: two of its cycles of
 * 400 years, at either end.
 */
static void test_every_day(void **state)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t day = 0;

	(void)state;
	for (int y = 1970; y <= 9999; y++) {
		bool leap = y % 400 == 0 || (y % 4 == 0 && y % 100 != 0);

		for (int m = 1; m <= 12; m++) {
			for (int d = 1; d <= days[m - 1] + (m == 2 && leap); d++, day++) {
				char want[40], got[UTC_ISO_SIZE];
				struct utc t;

				if (y > 2370 && y < 9600)
					continue;
				snprintf(want, sizeof(want), "%04d-%02d-%02dT00:00:00Z", y, m, d);
				utc_format_iso((struct utc){day * DAY_MS}, got);
				if (strcmp(got, want) != 0)
					fail_msg("%s instead of %s", got, want);
				if (!utc_parse_iso(str_from(want), &t) || t.ms != day * DAY_MS)
					fail_msg("%s read as %lld", want, (long long)t.ms);
			}
		}
	}
	assert_int_equal(day, 2932897);
}

static const struct {
	const char *text;
	int64_t ms;
} iso_good[] = {
	{"2015-08-30T12:36:00Z", 1440938160000},
	{"2015-08-30t12:36:00z", 1440938160000},
	{"2015-08-30 12:36:00Z", 1440938160000},
	{"2015-08-30T12:36:00.5Z", 1440938160500},
	{"2015-08-30T12:36:00.007Z", 1440938160007},
	{"2015-08-30T12:36:00.999999999Z", 1440938160999},
	{"2015-08-30T12:36:00.00000000000000000000000000000001Z", 1440938160000},
	{"2015-08-30T14:36:00+02:00", 1440938160000},
	{"2015-08-30T07:06:00-05:30", 1440938160000},
	{"2015-08-30T12:36:00-00:00", 1440938160000},
	{"2015-08-30T12:36:00.250+0000", 1440938160250},
	{"2015-08-31T12:35:00+23:59", 1440938160000},
	{"2016-12-31T23:59:60Z", 1483228800000},
	{"1970-01-01T00:00:00Z", 0},
	{"1970-01-01T01:00:00+01:00", 0},
	{"9999-12-31T23:59:59.999Z", 253402300799999},
};

static const char *const iso_bad[] = {
	"",
	"2015",
	"2015-08-30",
	"2015-08-30T12:36Z",
	"2015-08-30T12:36:00",
	"2015-08-30T12:36:00.Z",
	"2015-08-30T12:36:00Zx",
	" 2015-08-30T12:36:00Z",
	"2015-08-30T12:36:00 Z",
	"2015-13-30T12:36:00Z",
	"2015-00-30T12:36:00Z",
	"2015-02-29T12:36:00Z",
	"2100-02-29T12:36:00Z",
	"2015-08-32T12:36:00Z",
	"2015-08-00T12:36:00Z",
	"2015-04-31T00:00:00Z",
	"2015-08-30T24:00:00Z",
	"2015-08-30T12:60:00Z",
	"2015-08-30T12:36:61Z",
	"2015-08-30T12:36:60Z",
	"2015-08-30T-1:36:00Z",
	"2015-08-30T-0:36:00Z",
	"2015-08-30T+1:36:00Z",
	"15-08-30T12:36:00Z",
	"02015-08-30T12:36:00Z",
	"2015-8-30T12:36:00Z",
	"2015/08/30T12:36:00Z",
	"2015-08-30T12:36:00+24:00",
	"2015-08-30T12:36:00+02:60",
	"2015-08-30T12:36:00+2:00",
	"2015-08-30T12:36:00+02",
	"2015-08-30T12:36:00+02:",
	"2015-08-30T12:36:00+-2:00",
	"2015-08-30T12:36:00,5Z",
	"1969-12-31T23:59:59Z",
	"1969-12-31T23:00:00-01:00", /* the year of the text counts, not the sum */
	"1970-01-01T00:00:00+00:01",
	"9999-12-31T23:59:59-00:01",
	"0000-01-01T00:00:00Z",
	"2015-08-30X12:36:00Z",
	"20150830T123600Z",
	"1440938160",
};

static void test_parse_iso(void **state)
{
	struct utc t = {77};

	(void)state;
	for (size_t i = 0; i < sizeof(iso_bad) / sizeof(iso_bad[0]); i++)
		if (utc_parse_iso(str_from(iso_bad[i]), &t))
			fail_msg("accepted \"%s\"", iso_bad[i]);
	assert_int_equal(t.ms, 77);
	for (size_t i = 0; i < sizeof(iso_good) / sizeof(iso_good[0]); i++) {
		if (!utc_parse_iso(str_from(iso_good[i].text), &t) || t.ms != iso_good[i].ms)
			fail_msg("%s read as %lld", iso_good[i].text, (long long)t.ms);
	}
	assert_false(utc_parse_iso((struct str){"2015-08-30T12:36:00Z", 19}, &t));
}

static void test_parse_amz(void **state)
{
	static const char *const bad[] = {"",
					  "20150830T123600",
					  "20150830t123600Z",
					  "20150830T123600z",
					  "20150830T123600ZZ",
					  "20151330T123600Z",
					  "2015-08-30T12:36:00Z",
					  "20150830T12360-Z",
					  "20150830T-23600Z",
					  "20150830 123600Z"};
	struct utc t = {77};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (utc_parse_amz(str_from(bad[i]), &t))
			fail_msg("accepted \"%s\"", bad[i]);
	assert_int_equal(t.ms, 77);
	assert_true(utc_parse_amz(STR("20150830T123600Z"), &t));
	assert_int_equal(t.ms, 1440938160000);
}

static void test_parse_http(void **state)
{
	static const char *const good[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
					   "Sunday, 06-Nov-94 08:49:37 GMT",
					   "Sun Nov  6 08:49:37 1994", "Sun Nov 06 08:49:37 1994"};
	static const char *const bad[] = {"",
					  "Sun",
					  "Sun,",
					  "Sunday",
					  "Sun, 06 Nov 1994 08:49:37",
					  "Sun, 06 Nov 1994 08:49:37 UTC",
					  "Sun, 06 Nov 1994 08:49:37 GMT ",
					  "Sun, 6 Nov 1994 08:49:37 GMT",
					  "Sun, 06 nov 1994 08:49:37 GMT",
					  "Sun, 31 Feb 1994 08:49:37 GMT",
					  "Xyz, 06 Nov 1994 08:49:37 GMT",
					  ", 06 Nov 1994 08:49:37 GMT",
					  "Sun,06 Nov 1994 08:49:37 GMT",
					  "Sun, 06 Nov 94 08:49:37 GMT",
					  "Sun, 06 Nov 1994 -8:49:37 GMT",
					  "Sun, 06 Nov 1994 08:49:37 +0000",
					  "Sunday, 06 Nov 1994 08:49:37 GMT",
					  "Sunday, 06-Nov-1994 08:49:37 GMT",
					  "Sun, 06-Nov-94 08:49:37 GMT",
					  "Sunday, 06-Nov-94 08:49:37 GMTx",
					  "Sun Nov 6 08:49:37 1994",
					  "Sun Nov  6 08:49:37 1994 GMT",
					  "Sun Nov  6 08:49:37 94",
					  "Sun Nov   6 08:49:37 1994",
					  "Someday, 06-Nov-94 08:49:37 GMT",
					  "120",
					  "-1",
					  "Sun, 06 Nov 1969 08:49:37 GMT"};
	struct utc t = {77};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (utc_parse_http(str_from(bad[i]), &t))
			fail_msg("accepted \"%s\"", bad[i]);
	assert_int_equal(t.ms, 77);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		t.ms = 0;
		if (!utc_parse_http(str_from(good[i]), &t))
			fail_msg("refused \"%s\"", good[i]);
		assert_int_equal(t.ms, 784111777000);
	}
	assert_true(utc_parse_http(STR("Thursday, 01-Jan-70 00:00:00 GMT"), &t) && t.ms == 0);
	assert_true(utc_parse_http(STR("Tuesday, 31-Dec-69 23:59:59 GMT"), &t));
	assert_int_equal(t.ms, 3155759999000); /* 2069 */
}

/* One byte that is not what stands there makes a text unreadable, wherever it is. */
static void test_one_wrong_byte(void **state)
{
	static const char *const texts[] = {
		"2015-08-30T12:36:00Z", "20150830T123600Z", "Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov 16 08:49:37 1994"};
	static const char wrong[] = "-+:;/\n.xA\x7f";

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (size_t at = 0; texts[i][at]; at++) {
			for (const char *w = wrong; *w; w++) {
				char text[64];
				struct utc t;

				if (texts[i][at] == *w)
					continue;
				str_copy(text, sizeof(text), str_from(texts[i]));
				text[at] = *w;
				if (utc_parse_iso(str_from(text), &t) ||
				    utc_parse_amz(str_from(text), &t) ||
				    utc_parse_http(str_from(text), &t))
					fail_msg("accepted \"%s\"", text);
			}
		}
	}
}

/* --- clocks ---------------------------------------------------------------------------------- */

static void test_system_clock(void **state)
{
	struct clock *c = clock_system();
	struct utc now;
	struct mono before, after;
	struct err err = ERR_INIT;

	(void)state;
	assert_ptr_equal(c, clock_system());
	now = clock_utc(c);
	assert_true(now.ms > 1700000000000 && now.ms < 253402300799999);
	before = clock_mono(c);
	assert_int_equal(clock_sleep(c, 20, NULL, &err), 0);
	after = clock_mono(c);
	assert_true(after.ms - before.ms >= 20);
	assert_int_equal(clock_sleep(c, 0, NULL, &err), 0);
	assert_int_equal(clock_sleep(c, -5, NULL, &err), 0);
	assert_int_equal(err.code, ERR_OK);
	assert_int_equal(clock_real_ms(c, 1234), 1234);
	assert_int_equal(clock_real_ms(c, 0), 0);
}

static void test_sleep_is_canceled(void **state)
{
	struct cancel *cancel = cancel_new();
	struct clock *scaled = clock_scaled_new(clock_utc(clock_system()), 2);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(clock_sleep(clock_system(), 5, cancel, &err), 0);
	cancel_fire(cancel);
	assert_int_equal(clock_sleep(clock_system(), 3600000, cancel, &err), -1);
	assert_int_equal(err.code, ERR_CANCELED);
	err = ERR_INIT;
	assert_int_equal(clock_sleep(clock_system(), 0, cancel, &err), -1);
	assert_int_equal(err.code, ERR_CANCELED);
	err = ERR_INIT;
	assert_int_equal(clock_sleep(scaled, 3600000, cancel, &err), -1);
	assert_int_equal(err.code, ERR_CANCELED);
	free(scaled);
	cancel_free(cancel);
}

static void *fire(void *arg)
{
	cancel_fire(arg);
	return NULL;
}

static void test_sleep_is_canceled_from_another_thread(void **state)
{
	struct cancel *cancel = cancel_new();
	struct err err = ERR_INIT;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, fire, cancel), 0);
	assert_int_equal(clock_sleep(clock_system(), 3600000, cancel, &err), -1);
	assert_int_equal(err.code, ERR_CANCELED);
	assert_int_equal(pthread_join(thread, NULL), 0);
	cancel_free(cancel);
}

static void test_scaled_clock(void **state)
{
	struct utc origin = {clock_utc(clock_system()).ms - 10000};
	struct clock *c = clock_scaled_new(origin, 1000);
	struct clock *same = clock_scaled_new(origin, 1000);
	struct mono m1, m2;
	struct utc t1, t2;
	struct err err = ERR_INIT;

	(void)state;
	/* ten real seconds after the origin it shows 10,000 */
	t1 = clock_utc(c);
	assert_true(t1.ms >= origin.ms + 10000000);
	assert_true(t1.ms < origin.ms + 10000000 + 3600000);
	t2 = clock_utc(same); /* two processes that share an origin agree */
	assert_true(t2.ms >= t1.ms && t2.ms < t1.ms + 600000);
	m1 = clock_mono(c);
	assert_true(m1.ms >= 0);
	assert_int_equal(clock_sleep(c, 20500, NULL, &err), 0);
	m2 = clock_mono(c);
	assert_true(m2.ms - m1.ms >= 20500);
	assert_true(clock_utc(c).ms - t1.ms >= 20500);

	assert_int_equal(clock_real_ms(c, 20000), 20);
	assert_int_equal(clock_real_ms(c, 20001), 21); /* never too early */
	assert_int_equal(clock_real_ms(c, 1), 1);
	assert_int_equal(clock_real_ms(c, 0), 0);
	assert_true(clock_real_ms(c, INT64_MAX) > 0);
	free(c);
	free(same);
}

static void test_slow_clock(void **state)
{
	struct clock *c = clock_scaled_new(clock_utc(clock_system()), 0.001);

	(void)state;
	assert_int_equal(clock_real_ms(c, 3), 3000);
	assert_int_equal(clock_real_ms(c, INT64_MAX / 2), INT64_MAX);
	free(c);
}

static void new_with_speed(void *speed)
{
	free(clock_scaled_new((struct utc){0}, *(double *)speed));
}

static void test_speed_must_make_sense(void **state)
{
	double speeds[] = {0, -1, 1e300};

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_aborts(new_with_speed, &speeds[i], "speed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_every_day),
		cmocka_unit_test(test_parse_iso),
		cmocka_unit_test(test_parse_amz),
		cmocka_unit_test(test_parse_http),
		cmocka_unit_test(test_one_wrong_byte),
		cmocka_unit_test(test_system_clock),
		cmocka_unit_test(test_sleep_is_canceled),
		cmocka_unit_test(test_sleep_is_canceled_from_another_thread),
		cmocka_unit_test(test_scaled_clock),
		cmocka_unit_test(test_slow_clock),
		cmocka_unit_test(test_speed_must_make_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
