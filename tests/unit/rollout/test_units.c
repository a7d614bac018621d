#include "worker/rollout/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define DAY_MS 86400000ll

static void durations_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{"0", 0},
		{"0s", 0},
		{"1s", 1000},
		{"90s", 90000},
		{"10m", 600000},
		{"2h", 7200000},
		{"1h30m", 5400000},
		{"1h30m15s", 5415000},
		{"1d12h", DAY_MS + 12 * 3600000},
		{"1h5s", 3605000},
		{" 5m ", 300000},
		{"005m", 300000},
		{"366d", 366 * DAY_MS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		int64_t ms = -1;

		if (!duration_parse(str_from(good[i].text), &ms) || ms != good[i].ms)
			fail_msg("%s: %lld", good[i].text, (long long)ms);
	}
}

static void what_is_no_duration_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"  ",
		"5",
		"m",
		"-5m",
		"+5m",
		"5 m",
		"5min",
		"1.5h",
		"30m1h",
		"1h1h",
		"1m m",
		"100ms",
		"5M",
		"0x5m",
		"1h,",
		"5m5",
		"00",
		"367d",
		"9000h",
		"99999999999s",
		"18446744073709551615d",
		"1h\n30m",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int64_t ms = 77;

		if (duration_parse(str_from(bad[i]), &ms))
			fail_msg("\"%s\" was read as %lld", bad[i], (long long)ms);
		assert_int_equal(ms, 77);
	}
}

static void durations_are_written_and_read_back(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} good[] = {
		{0, "0s"},
		{1000, "1s"},
		{59000, "59s"},
		{60000, "1m"},
		{90000, "1m30s"},
		{3600000, "1h"},
		{5400000, "1h30m"},
		{3605000, "1h0m5s"},
		{5415000, "1h30m15s"},
		{49 * 3600000ll, "49h"},
	};
	char text[DURATION_TEXT_SIZE];
	int64_t back;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		duration_format(good[i].ms, text);
		assert_string_equal(text, good[i].text);
		assert_true(duration_parse(str_from(text), &back));
		assert_int_equal(back, good[i].ms);
	}
	duration_format(-5, text);
	assert_string_equal(text, "0s");
	duration_format(INT64_MAX, text);
	assert_string_equal(text, "2562047788015h12m55s");
}

static void weights_are_read_exactly(void **state)
{
	static const struct {
		const char *text;
		int bp;
	} good[] = {
		{"5", 500},	 {"5%", 500},  {"5 %", 500},	{" 12.5 % ", 1250},
		{"12.34", 1234}, {"0.01%", 1}, {"0.1", 10},	{"100%", 10000},
		{"0", 0},	 {"0.29", 29}, {"19.99", 1999}, {"1000000", 100000000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		int bp = -1;

		if (!weight_parse(str_from(good[i].text), &bp) || bp != good[i].bp)
			fail_msg("%s: %d", good[i].text, bp);
	}
}

static void what_is_no_weight_is_refused(void **state)
{
	static const char *const bad[] = {"",	  "%",	  ".5",	   "5.",   "5%%",     "-5",
					  "-0",	  "+5",	  "5.123", "5,5",  "1e2",     "0x5",
					  "5.-1", "5.+1", "5. 1",  "five", "1000001", "1.2.3"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int bp = 77;

		if (weight_parse(str_from(bad[i]), &bp))
			fail_msg("\"%s\" was read as %d", bad[i], bp);
		assert_int_equal(bp, 77);
	}
}

static void every_weight_is_written_and_read_back(void **state)
{
	char text[WEIGHT_TEXT_SIZE];
	int back;

	(void)state;
	for (int bp = 0; bp <= 10000; bp++) {
		weight_format(bp, text);
		if (!weight_parse(str_from(text), &back) || back != bp)
			fail_msg("%d: %s", bp, text);
	}
	weight_format(1250, text);
	assert_string_equal(text, "12.5%");
	weight_format(5, text);
	assert_string_equal(text, "0.05%");
	weight_format(500, text);
	assert_string_equal(text, "5%");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_read),
		cmocka_unit_test(what_is_no_duration_is_refused),
		cmocka_unit_test(durations_are_written_and_read_back),
		cmocka_unit_test(weights_are_read_exactly),
		cmocka_unit_test(what_is_no_weight_is_refused),
		cmocka_unit_test(every_weight_is_written_and_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
