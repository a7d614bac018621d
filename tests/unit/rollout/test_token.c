#include "worker/rollout/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "aws/core/rng.h"

#define T0 1700000000000ll

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

/* --- helpers ---------------------------------------------------------------------------------- */

static struct rollout_state sample(void)
{
	struct rollout_state s = {
		.id = "r-3f2a8a4e-1111-2222-3333-444455556666",
		.plan_digest = "0123456789abcdef0123456789abcdef",
		.seq = 42,
		.phase = PHASE_WATCH,
		.step = 2,
		.started = {T0},
		.phase_since = {T0 + 1000},
		.hold_since = {T0 + 2000},
		.changed_at = {T0 + 1500},
		.touched = true,
		.first = true,
		.percent = 37,
		.undo = "{\"t\":\"lambda\",\"v\":\"12\"}",
		.candidate = "13",
		.cause = CAUSE_GUARD,
		.cause_text = "with 5% on the candidate: \"errors\" is in ALARM \\ 7 > 5",
		.ending = ENDING_RESTORED,
	};

	s.failures[0] = 3;
	s.failures[9] = 255;
	return s;
}

static void assert_same(const struct rollout_state *a, const struct rollout_state *b)
{
	assert_string_equal(a->id, b->id);
	assert_string_equal(a->plan_digest, b->plan_digest);
	assert_true(a->seq == b->seq);
	assert_int_equal(a->phase, b->phase);
	assert_int_equal(a->step, b->step);
	assert_int_equal(a->started.ms, b->started.ms);
	assert_int_equal(a->phase_since.ms, b->phase_since.ms);
	assert_int_equal(a->hold_since.ms, b->hold_since.ms);
	assert_int_equal(a->changed_at.ms, b->changed_at.ms);
	assert_int_equal(a->touched, b->touched);
	assert_int_equal(a->first, b->first);
	assert_int_equal(a->percent, b->percent);
	assert_memory_equal(a->failures, b->failures, sizeof(a->failures));
	assert_string_equal(a->undo, b->undo);
	assert_string_equal(a->candidate, b->candidate);
	assert_int_equal(a->cause, b->cause);
	assert_string_equal(a->cause_text, b->cause_text);
	assert_int_equal(a->ending, b->ending);
}

static char *encode(struct arena *a, const struct rollout_state *s)
{
	struct err err = ERR_INIT;
	struct buf out;
	char *text;

	buf_init(&out, LIMIT_TOKEN);
	if (token_encode(s, &out, &err))
		fail_msg("%s", err.text);
	text = str_dup(a, buf_str(&out));
	buf_release(&out);
	assert_true(strlen(text) <= LIMIT_TOKEN);
	for (const char *p = text; *p; p++)
		assert_true(*p >= 0x20 && *p < 0x7f);
	return text;
}

static struct rollout_state decode(struct arena *a, const char *text)
{
	struct rollout_state s;
	struct err err = ERR_INIT;

	if (token_decode(a, str_from(text), &s, &err))
		fail_msg("%s: %s", err.text, text);
	return s;
}

/* --- round trips ------------------------------------------------------------------------------ */

static void test_round_trip(void **state)
{
	struct rollout_state s = sample(), back = decode(*state, encode(*state, &s));

	assert_same(&s, &back);
}

static void test_wire_form(void **state)
{
	struct rollout_state s = sample();

	assert_string_equal(
		encode(*state, &s),
		"{\"v\":1,\"id\":\"r-3f2a8a4e-1111-2222-3333-444455556666\","
		"\"pd\":\"0123456789abcdef0123456789abcdef\",\"sq\":42,\"ph\":\"WATCH\",\"st\":2,"
		"\"t0\":1700000000000,\"ts\":1700000001000,\"hs\":1700000002000,"
		"\"tc\":1700000001500,\"fl\":\"tf\","
		"\"pc\":37,\"gf\":\"030000000000000000ff\",\"ca\":\"guard\",\"en\":\"restored\","
		"\"un\":\"{\\\"t\\\":\\\"lambda\\\",\\\"v\\\":\\\"12\\\"}\",\"cd\":\"13\","
		"\"ct\":\"with 5% on the candidate: \\\"errors\\\" is in ALARM \\\\ 7 > 5\"}");
}

static void test_least_state(void **state)
{
	struct rollout_state s = {.id = "r-1", .phase = PHASE_INSPECT}, back;

	back = decode(*state, encode(*state, &s));
	assert_same(&s, &back);
	s.first = true;
	back = decode(*state, encode(*state, &s));
	assert_same(&s, &back);
}

static void test_every_phase_cause_and_ending(void **state)
{
	struct rollout_state s = sample(), back;

	for (unsigned p = 0; p < PHASE_COUNT; p++) {
		s.phase = (enum phase)p;
		back = decode(*state, encode(*state, &s));
		assert_int_equal(back.phase, p);
	}
	for (unsigned c = 0; c < CAUSE_COUNT; c++) {
		s.cause = (enum cause)c;
		back = decode(*state, encode(*state, &s));
		assert_int_equal(back.cause, c);
		assert_true(cause_parse(str_from(cause_name((enum cause)c)), &back.cause));
		assert_int_equal(back.cause, c);
	}
	for (unsigned e = 0; e < ENDING_COUNT; e++) {
		s.ending = (enum ending)e;
		back = decode(*state, encode(*state, &s));
		assert_int_equal(back.ending, e);
		assert_true(ending_parse(str_from(ending_name((enum ending)e)), &back.ending));
		assert_int_equal(back.ending, e);
	}
	assert_false(cause_parse(STR("Guard"), &back.cause));
	assert_false(ending_parse(STR(""), &back.ending));
}

static void random_text(struct rng *r, char *out, size_t max, bool some)
{
	size_t n = rng_below(r, max + 1);

	if (some && n == 0)
		n = 1;
	for (size_t i = 0; i < n; i++)
		out[i] = (char)(0x20 + rng_below(r, 0x5f));
	out[n] = '\0';
}

static struct rollout_state random_state(struct rng *r)
{
	static const char digits[] = "0123456789abcdef";
	struct rollout_state s = {.seq = rng_u64(r) >> (1 + rng_below(r, 63)),
				  .phase = (enum phase)rng_below(r, PHASE_COUNT),
				  .step = (int)rng_below(r, LIMIT_STEPS),
				  .started = {(int64_t)rng_below(r, 253402300799999ull)},
				  .phase_since = {(int64_t)rng_below(r, 253402300799999ull)},
				  .touched = rng_below(r, 2),
				  .first = rng_below(r, 2),
				  .percent = (int)rng_below(r, 101),
				  .cause = (enum cause)rng_below(r, CAUSE_COUNT),
				  .ending = (enum ending)rng_below(r, ENDING_COUNT)};
	char id[80];

	if (s.seq == INT64_MAX)
		s.seq--;
	random_text(r, id, sizeof(id) - 1, true);
	rollout_id_from(str_from(id), s.id);
	if (rng_below(r, 4))
		for (size_t i = 0; i < 32; i++)
			s.plan_digest[i] = digits[rng_below(r, 16)];
	if (rng_below(r, 2))
		s.hold_since.ms = (int64_t)rng_below(r, 253402300799999ull);
	if (rng_below(r, 2))
		s.changed_at.ms = (int64_t)rng_below(r, 253402300799999ull);
	for (size_t i = 0; i < LIMIT_GUARDS; i++)
		if (rng_below(r, 4) == 0)
			s.failures[i] = (uint8_t)rng_below(r, 256);
	random_text(r, s.undo, LIMIT_UNDO, true);
	random_text(r, s.candidate, LIMIT_CANDIDATE, false);
	random_text(r, s.cause_text, CAUSE_TEXT_MAX, false);
	return s;
}

/* Any state of printable text comes back; only the cause's text may be shorter. */
static void test_random_states(void **state)
{
	struct arena *a = *state;
	struct rng_seeded r;

	rng_seeded_init(&r, 20240607);
	for (int i = 0; i < 5000; i++) {
		struct rollout_state s = random_state(&r.rng), back;
		const char *text = encode(a, &s);
		size_t kept;

		back = decode(a, text);
		kept = strlen(back.cause_text);
		if (kept < strlen(s.cause_text))
			assert_true(strlen(text) >= LIMIT_TOKEN - 1);
		assert_memory_equal(back.cause_text, s.cause_text, kept);
		s.cause_text[kept] = '\0';
		assert_same(&s, &back);
		arena_clear(a);
	}
}

/* --- room ------------------------------------------------------------------------------------- */

static void fill(char *to, size_t n, char c)
{
	memset(to, c, n);
	to[n] = '\0';
}

static struct rollout_state largest(char undo, char candidate)
{
	struct rollout_state s = sample();

	fill(s.id + 2, ROLLOUT_ID_MAX - 2, 'x');
	s.seq = INT64_MAX - 1;
	s.phase = PHASE_SUCCEEDED;
	s.step = LIMIT_STEPS - 1;
	s.started.ms = s.phase_since.ms = 253402300799999ll;
	s.hold_since.ms = s.changed_at.ms = 253402300799999ll;
	s.percent = 100;
	s.cause = CAUSE_CANDIDATE;
	s.ending = ENDING_UNTOUCHED;
	memset(s.failures, 255, sizeof(s.failures));
	fill(s.undo, LIMIT_UNDO, undo);
	fill(s.candidate, LIMIT_CANDIDATE, candidate);
	fill(s.cause_text, CAUSE_TEXT_MAX, 'c');
	return s;
}

static void test_largest_state_fits_whole(void **state)
{
	struct rollout_state s = largest('u', 'k'), back;

	assert_true(strlen(encode(*state, &s)) <= LIMIT_TOKEN);
	back = decode(*state, encode(*state, &s));
	assert_same(&s, &back);
}

/* With as many quotes as may be, everything fits but the end of the cause's text. */
static void test_largest_escapes_cut_the_cause(void **state)
{
	struct rollout_state s = largest('u', 'k'), back;
	const char *text;

	for (size_t i = 0; i < LIMIT_UNDO; i += 2)
		s.undo[i] = '"';
	for (size_t i = 0; i < LIMIT_CANDIDATE; i += 2)
		s.candidate[i] = '\\';
	fill(s.cause_text, CAUSE_TEXT_MAX, '"');
	text = encode(*state, &s);
	assert_in_range(strlen(text), LIMIT_TOKEN - 1, LIMIT_TOKEN);
	back = decode(*state, text);
	assert_in_range(strlen(back.cause_text), 100, CAUSE_TEXT_MAX - 1);
	s.cause_text[strlen(back.cause_text)] = '\0';
	assert_same(&s, &back);
	/* characters of one each: to the very last */
	fill(s.cause_text, CAUSE_TEXT_MAX, 'c');
	assert_int_equal(strlen(encode(*state, &s)), LIMIT_TOKEN);
}

static void refuse_encode(const struct rollout_state *s, enum err_code code, const char *what)
{
	struct err err = ERR_INIT;
	struct buf out;

	buf_init(&out, LIMIT_TOKEN);
	assert_int_equal(token_encode(s, &out, &err), -1);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, what))
		fail_msg("%s", err.text);
	assert_int_equal(out.n, 0);
	buf_release(&out);
}

static void test_what_does_not_fit_is_refused_at_once(void **state)
{
	struct rollout_state s = {.id = "r-1", .phase = PHASE_INSPECT};
	struct err err = ERR_INIT;
	struct buf small;

	(void)state;
	fill(s.undo, LIMIT_UNDO, '"');
	refuse_encode(&s, ERR_LIMIT, "the undo record takes 1280 characters");
	s = sample();
	fill(s.candidate, LIMIT_CANDIDATE, '"');
	refuse_encode(&s, ERR_LIMIT, "the candidate's identity takes 512 characters");
	s = sample();
	s.undo[3] = '\n';
	refuse_encode(&s, ERR_MALFORMED, "the undo record is not printable");
	s = sample();
	s.candidate[0] = (char)0xc3;
	refuse_encode(&s, ERR_MALFORMED, "identity is not printable");
	s = sample();
	buf_init(&small, 100);
	assert_int_equal(token_encode(&s, &small, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	buf_release(&small);
}

static void test_cause_text_becomes_ascii(void **state)
{
	struct rollout_state s = sample(), back;

	str_copy(s.cause_text, sizeof(s.cause_text), STR("caf\xc3\xa9\n7 > 5"));
	back = decode(*state, encode(*state, &s));
	assert_string_equal(back.cause_text, "caf???7 > 5");
}

/* --- what is refused -------------------------------------------------------------------------- */

#define BEFORE \
	"{\"v\":1,\"id\":\"r-1\",\"sq\":1,\"ph\":\"INSPECT\",\"st\":0,\"t0\":1,\"ts\":1,\"pc\":0"

static void refuse(struct arena *a, const char *text, const char *what)
{
	struct rollout_state s = {.seq = 77};
	struct err err = ERR_INIT;

	if (token_decode(a, str_from(text), &s, &err) == 0)
		fail_msg("accepted: %s", text);
	assert_int_equal(err.code, ERR_MALFORMED);
	if (!strstr(err.text, what))
		fail_msg("%s: \"%s\" is not in \"%s\"", text, what, err.text);
	assert_true(s.seq == 77); /* untouched */
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *what;
	} cases[] = {
		{"", "token"},
		{"{", "token"},
		{"x", "token"},
		{"[]", "not written by this program"},
		{"null", "not written by this program"},
		{"{}", "not written by this program"},
		{"{\"v\":\"1\"}", "not written by this program"},
		{"{\"v\":2}", "version 2; this program writes and reads version 1"},
		{"{\"v\":1}", "id: not a rollout id"},
		{"{\"v\":1,\"id\":[]}", "id: not a string"},
		{BEFORE ",\"zz\":1}", "unknown member"},
		{BEFORE ",\"cd un\":1}", "unknown member"},
		{BEFORE ",\"\":1}", "unknown member"},
		{BEFORE ",\" \":1}", "unknown member"},
		{BEFORE ",\"hs\":null}", "unknown member"},
		{BEFORE ",\"pc\":1}", "token"}, /* twice */
		{BEFORE ",\"pd\":\"ABCDEF6789abcdef0123456789abcdef\"}", "pd: not a digest"},
		{BEFORE ",\"pd\":\"01\"}", "pd: not a digest"},
		{BEFORE ",\"pd\":\"0123456789abcdef0123456789abcdef0\"}", "pd: too long"},
		{BEFORE ",\"hs\":-1}", "hs: not a number in range"},
		{BEFORE ",\"hs\":253402300800000}", "hs: not a number in range"},
		{BEFORE ",\"hs\":\"1\"}", "hs: not a number in range"},
		{BEFORE ",\"fl\":\"x\"}", "fl: unknown flag"},
		{BEFORE ",\"fl\":\"tt\"}", "fl: unknown flag"},
		{BEFORE ",\"fl\":\"tft\"}", "fl: too long"},
		{BEFORE ",\"fl\":1}", "fl: not a string"},
		{BEFORE ",\"fl\":\"t\"}", "un: missing"},
		{BEFORE ",\"gf\":7}", "gf: not a string"},
		{BEFORE ",\"gf\":\"0\"}", "gf: not pairs"},
		{BEFORE ",\"gf\":\"0G\"}", "gf: not pairs"},
		{BEFORE ",\"gf\":\"FF\"}", "gf: not pairs"},
		{BEFORE ",\"ca\":\"weather\"}", "ca: not a cause"},
		{BEFORE ",\"ca\":3}", "ca: not a cause"},
		{BEFORE ",\"en\":\"good\"}", "en: not an ending"},
		{BEFORE ",\"un\":\"a\\u000ab\"}", "un: not printable ASCII"},
		{BEFORE ",\"un\":\"caf\xc3\xa9\"}", "un: not printable ASCII"},
		{BEFORE ",\"un\":{}}", "un: not a string"},
		{BEFORE ",\"cd\":\"\\u007f\"}", "cd: not printable ASCII"},
		{BEFORE ",\"ct\":\"\\u0000\"}", "token"},
		{"{\"v\":1,\"id\":\"1\"}", "id: not a rollout id"},
		{"{\"v\":1,\"id\":\"r-\"}", "id: not a rollout id"},
		{"{\"v\":1,\"id\":\"r-a/b\"}", "id: not a rollout id"},
		{"{\"v\":1,\"id\":\"r-1\",\"ph\":\"watch\"}", "ph: not a phase"},
		{"{\"v\":1,\"id\":\"r-1\",\"ph\":7}", "ph: not a phase"},
		{"{\"v\":1,\"id\":\"r-1\",\"ph\":\"INSPECT\"}", "sq: missing"},
		{"{\"v\":1,\"id\":\"r-1\",\"ph\":\"INSPECT\",\"sq\":1.5}", "sq: not a number"},
		{"{\"v\":1,\"id\":\"r-1\",\"ph\":\"INSPECT\",\"sq\":9223372036854775807}",
		 "sq: not a number"},
		{"{\"v\":1,\"id\":\"r-1\",\"ph\":\"INSPECT\",\"sq\":1,\"st\":64}",
		 "st: not a number"},
		{"{\"v\":1,\"id\":\"r-1\",\"ph\":\"INSPECT\",\"sq\":1,\"st\":0,\"pc\":101}",
		 "pc: not a number"},
		{"{\"v\":1,\"id\":\"r-1\",\"ph\":\"INSPECT\",\"sq\":1,\"st\":0,\"pc\":1}",
		 "t0: missing"},
		{"{\"v\":1,\"id\":\"r-1\",\"ph\":\"PREPARE\",\"sq\":1,\"st\":0,\"pc\":1,\"t0\":1,"
		 "\"ts\":1}",
		 "un: missing, though the target has been inspected"},
	};

	assert_int_equal(decode(*state, BEFORE "}").seq,
			 1); /* what the cases are made of is good */
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		refuse(*state, cases[i].text, cases[i].what);
}

static void test_too_long_is_refused(void **state)
{
	char text[LIMIT_TOKEN + 2];

	fill(text, LIMIT_TOKEN + 1, ' ');
	refuse(*state, text, "longer than 2048 characters");
}

/* A byte changed anywhere never gives a state that cannot be written again. */
static void test_damaged_tokens(void **state)
{
	struct rollout_state s = sample(), back;
	struct err err = ERR_INIT;
	size_t accepted = 0, refused = 0;
	char *text = encode(*state, &s);
	struct arena *scratch = arena_new();

	for (size_t i = 0; text[i]; i++) {
		char was = text[i];

		for (int c = 0; c < 256; c += 3) {
			text[i] = (char)c;
			if (token_decode(scratch, (struct str){text, strlen(text)}, &back, &err)) {
				refused++;
			} else {
				struct rollout_state again =
					decode(scratch, encode(scratch, &back));

				assert_same(&back, &again);
				accepted++;
			}
			arena_clear(scratch);
		}
		text[i] = was;
	}
	assert_true(accepted > 1000 && refused > 1000);
	arena_free(scratch);
}

/* --- ids -------------------------------------------------------------------------------------- */

static void test_id_from(void **state)
{
	char out[ROLLOUT_ID_MAX + 1], longest[200];

	(void)state;
	rollout_id_from(STR("3f2a8a4e-1111"), out);
	assert_string_equal(out, "r-3f2a8a4e-1111");
	rollout_id_from(STR("a/b c\"\xc3\xa9_9"), out);
	assert_string_equal(out, "r-a-b-c----9");
	rollout_id_from((struct str){NULL, 0}, out);
	assert_string_equal(out, "r-");
	fill(longest, sizeof(longest) - 1, 'z');
	rollout_id_from(str_from(longest), out);
	assert_int_equal(strlen(out), ROLLOUT_ID_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip),
		TEST(test_wire_form),
		TEST(test_least_state),
		TEST(test_every_phase_cause_and_ending),
		TEST(test_random_states),
		TEST(test_largest_state_fits_whole),
		TEST(test_largest_escapes_cut_the_cause),
		TEST(test_what_does_not_fit_is_refused_at_once),
		TEST(test_cause_text_becomes_ascii),
		TEST(test_refused),
		TEST(test_too_long_is_refused),
		TEST(test_damaged_tokens),
		TEST(test_id_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
