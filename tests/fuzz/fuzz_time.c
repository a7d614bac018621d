#include "tests/fuzz/fuzz.h"

#include "aws/answer.h"
#include "aws/core/clock.h"
#include "aws/core/json.h"

/*
 * Moments as AWS writes them: ISO 8601, the three forms of HTTP, SigV4's, and numbers of JSON. What
 * was read is between the years 1970 and 9999, and written again it reads back the same.
 *
 * Layers: aws core
 */
#define YEAR_10000_MS 253402300800000 /* 10000-01-01T00:00:00Z */

static void check_moment(struct utc t)
{
	char iso[UTC_ISO_SIZE], amz[UTC_AMZ_SIZE];
	struct utc again;

	FUZZ_CHECK(t.ms >= 0 && t.ms < YEAR_10000_MS);
	utc_format_iso(t, iso);
	FUZZ_CHECK(utc_parse_iso(str_from(iso), &again) && again.ms == t.ms);
	utc_format_amz(t, amz);
	FUZZ_CHECK(utc_parse_amz(str_from(amz), &again) && again.ms == t.ms - t.ms % 1000);
}

static void check_text(struct str s)
{
	struct utc t = {-1}, same = {-1};
	char text[UTC_AMZ_SIZE];

	if (utc_parse_iso(s, &t))
		check_moment(t);
	else
		FUZZ_CHECK(t.ms == -1);
	if (utc_parse_http(s, &t)) {
		check_moment(t);
		FUZZ_CHECK(t.ms % 1000 == 0 && !utc_parse_iso(s, &same));
	}
	if (utc_parse_amz(s, &t)) {
		check_moment(t);
		utc_format_amz(t, text);
		/* one spelling for each moment; a leap second is told as the one after it */
		FUZZ_CHECK(str_is(s, text) || str_starts(str_sub(s, 13, s.n), "60"));
	}
}

static void check_number(struct str s)
{
	struct arena *a = arena_new();
	struct json *root = NULL;
	struct err err = ERR_INIT;
	struct utc t;

	if (json_parse(a, s, &root, &err) == 0 && aws_json_time(root, &t)) {
		FUZZ_CHECK(root->type == JSON_NUMBER);
		check_moment(t);
	}
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = {(const char *)data, size};

	check_text(s);
	check_number(s);
	return 0;
}
