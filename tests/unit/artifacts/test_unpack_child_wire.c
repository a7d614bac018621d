#include "tests/unit/artifacts/files.h"

#include "artifacts/unpack_child_parts.h"
#include "aws/core/rng.h"

/* What passes between the two processes: whatever comes back is believed within limits only. */

/* --- the answer ------------------------------------------------------------------------------- */

static struct unpack_outcome good_outcome(void)
{
	struct unpack_stats stats = {.format = "zip", .files = 3, .directories = 2, .bytes = 100};
	struct unpack_outcome o;

	unpack_outcome_make(&stats, NULL, &o);
	return o;
}

static int read_outcome(const struct unpack_outcome *o, size_t n, struct unpack_stats *stats,
			struct err *err)
{
	struct unpack_limits limits = unpack_limits_default();

	limits.max_bytes = 100;
	limits.max_entries = 5;
	*err = ERR_INIT;
	return unpack_outcome_read((struct str){(const char *)o, n}, &limits, stats, err);
}

static void is_nonsense(const char *what, const struct unpack_outcome *o, size_t n)
{
	struct unpack_stats stats;
	struct err err;

	if (!read_outcome(o, n, &stats, &err) || err.code != ERR_SYSTEM ||
	    !strstr(err.text, "nonsense"))
		fail_msg("%s: was believed", what);
	assert_int_equal(stats.files, 0);
	assert_string_equal(stats.format, "");
}

#define NONSENSE(change)                             \
	do {                                         \
		o = good;                            \
		o.change;                            \
		is_nonsense(#change, &o, sizeof(o)); \
	} while (0)

static void outcomes_are_not_believed(void **state)
{
	struct unpack_outcome good = good_outcome(), o = good;
	struct unpack_stats stats;
	struct err err;

	(void)state;
	assert_int_equal(read_outcome(&good, sizeof(good), &stats, &err), 0);
	assert_int_equal(stats.files, 3);
	assert_int_equal(stats.directories, 2);
	assert_int_equal(stats.bytes, 100);
	assert_string_equal(stats.format, "zip");
	for (size_t n = 0; n < sizeof(good); n++)
		is_nonsense("cut", &good, n);
	NONSENSE(magic[0] = 'x');
	NONSENSE(magic[7] = 0);
	NONSENSE(code = ERR_CODE_COUNT);
	NONSENSE(code = ERR_CANCELED);
	NONSENSE(code = ERR_NETWORK);
	NONSENSE(code = UINT32_MAX);
	NONSENSE(code = ERR_UNSAFE); /* without a text */
	NONSENSE(sys = 1);
	NONSENSE(files = 4);
	NONSENSE(files = UINT64_MAX);
	NONSENSE(directories = UINT64_MAX - 1);
	NONSENSE(bytes = 101);
	NONSENSE(format[0] = 'Z');
	NONSENSE(text[0] = 'x');
	o = good;
	memset(o.format, 'z', sizeof(o.format));
	is_nonsense("a format without end", &o, sizeof(o));
	o = good;
	memset(o.text, 'z', sizeof(o.text));
	o.code = ERR_UNSAFE;
	is_nonsense("a text without end", &o, sizeof(o));
}

static void refusals_are_cleaned(void **state)
{
	struct err said = ERR_INIT, err;
	struct unpack_outcome o;
	struct unpack_stats stats;

	(void)state;
	err_set_sys(&said, ERR_UNSAFE, ELOOP, "entry \"x\"");
	unpack_outcome_make(&stats, &said, &o);
	assert_int_equal(read_outcome(&o, sizeof(o), &stats, &err), -1);
	assert_int_equal(err.code, ERR_UNSAFE);
	assert_int_equal(err.sys, ELOOP);
	assert_string_equal(err.text, said.text);
	memcpy(o.text, "a\nlevel=info \033[1m\xff%s%n", 23);
	assert_int_equal(read_outcome(&o, sizeof(o), &stats, &err), -1);
	assert_string_equal(err.text, "a?level=info ?[1m?%s%n");
	o.sys = -1;
	is_nonsense("errno", &o, sizeof(o));
	o.sys = 5000;
	is_nonsense("errno", &o, sizeof(o));
}

static void greetings_are_not_believed(void **state)
{
	const struct confine_report sent = {CONFINE_ALL, 7, ENOSYS};
	struct unpack_greeting good, g;
	struct confine_report r = {0};
	struct str said;

	(void)state;
	unpack_greeting_make(&sent, &good);
	said = (struct str){(const char *)&good, sizeof(good)};
	assert_true(unpack_greeting_read(&said, &r));
	assert_int_equal(said.n, 0);
	assert_memory_equal(&r, &sent, sizeof(r));
	for (size_t n = 0; n < sizeof(good); n++) {
		said = (struct str){(const char *)&good, n};
		assert_false(unpack_greeting_read(&said, &r));
		assert_int_equal(said.n, n);
	}
	for (size_t i = 0; i < sizeof(g); i++) { /* a bit of any byte but one small number's */
		g = good;
		((unsigned char *)&g)[i] ^= 0x80;
		said = (struct str){(const char *)&g, sizeof(g)};
		if (unpack_greeting_read(&said, &r))
			assert_in_range(r.landlock_abi, 0, 4095);
		else
			assert_int_equal(said.n, sizeof(g));
	}
	g = good;
	g.applied |= CONFINE_ALL + 1;
	said = (struct str){(const char *)&g, sizeof(g)};
	assert_false(unpack_greeting_read(&said, &r));
}

/* Anything at all: never believed beyond the limits, never a crash. */
static void random_answers(void **state)
{
	struct unpack_outcome good = good_outcome();
	struct rng_seeded seeded;
	struct rng *rng = &seeded.rng;
	int believed = 0;

	(void)state;
	rng_seeded_init(&seeded, 4711);
	for (int i = 0; i < 50000; i++) {
		struct unpack_outcome o = good;
		struct unpack_stats stats;
		struct err err;

		for (uint64_t n = rng_u64(rng) % 4; n; n--)
			((unsigned char *)&o)[rng_u64(rng) % sizeof(o)] ^=
				(unsigned char)(1u << rng_u64(rng) % 8);
		if (read_outcome(&o, sizeof(o), &stats, &err)) {
			assert_true(str_is_utf8(str_from(err.text)) && err.text[0]);
			continue;
		}
		believed++;
		assert_true(stats.files + stats.directories <= 5 && stats.bytes <= 100);
	}
	assert_in_range(believed, 10000, 49000);
}

static void requests_are_read_whole(void **state)
{
	static const char *const bad[] = {"",
					  "1",
					  "1,2,3",
					  "1,2,3,4,5,6,7,8,9,10,11,12",
					  "1,2,3,4,5,6,7,8,9,10,11,12,13,14",
					  "1,2,3,4,5,6,7,8,9,10,11,12,-1",
					  "1,2,3,4,5,6,7,8,9,10,11,12,99999999999999999999",
					  "1,2,3,4,5,6,7,8,9,10,11,12,x",
					  "1,,3,4,5,6,7,8,9,10,11,12,13"};
	struct unpack_request r, again;
	char text[UNPACK_REQUEST_SIZE];

	(void)state;
	for (int i = 0; i < REQUEST_COUNT; i++)
		r.n[i] = INT64_MAX - i;
	unpack_request_write(&r, text);
	assert_true(unpack_request_read(str_from(text), &again));
	assert_memory_equal(&r, &again, sizeof(r));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (unpack_request_read(str_from(bad[i]), &again))
			fail_msg("\"%s\" was read", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outcomes_are_not_believed),
		cmocka_unit_test(refusals_are_cleaned),
		cmocka_unit_test(greetings_are_not_believed),
		cmocka_unit_test(random_answers),
		cmocka_unit_test(requests_are_read_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
