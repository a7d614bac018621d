#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "worker/rollout/token.h"

/*
 * What was accepted is in range, fits into a token again, and comes back the same; the text of the
 * cause alone may have lost its end.
 *
 * Layers: rollout core
 */

static void check_ranges(const struct rollout_state *s)
{
	FUZZ_CHECK(strncmp(s->id, "r-", 2) == 0 && strlen(s->id) <= ROLLOUT_ID_MAX);
	FUZZ_CHECK(strlen(s->plan_digest) == 0 || strlen(s->plan_digest) == 32);
	FUZZ_CHECK((unsigned)s->phase < PHASE_COUNT);
	FUZZ_CHECK((unsigned)s->cause < CAUSE_COUNT);
	FUZZ_CHECK((unsigned)s->ending < ENDING_COUNT);
	FUZZ_CHECK(s->seq < INT64_MAX); /* it can be counted up */
	FUZZ_CHECK(s->step >= 0 && s->step < LIMIT_STEPS);
	FUZZ_CHECK(s->percent >= 0 && s->percent <= 100);
	FUZZ_CHECK(s->started.ms >= 0 && s->phase_since.ms >= 0 && s->hold_since.ms >= 0);
	FUZZ_CHECK(strlen(s->undo) <= LIMIT_UNDO && strlen(s->candidate) <= LIMIT_CANDIDATE);
	FUZZ_CHECK(!s->touched || s->undo[0]);
	FUZZ_CHECK(strlen(s->cause_text) <= CAUSE_TEXT_MAX);
}

static void check_same(const struct rollout_state *a, const struct rollout_state *b)
{
	FUZZ_CHECK(strcmp(a->id, b->id) == 0 && strcmp(a->plan_digest, b->plan_digest) == 0);
	FUZZ_CHECK(a->seq == b->seq && a->phase == b->phase && a->step == b->step);
	FUZZ_CHECK(a->started.ms == b->started.ms && a->phase_since.ms == b->phase_since.ms);
	FUZZ_CHECK(a->hold_since.ms == b->hold_since.ms);
	FUZZ_CHECK(a->changed_at.ms == b->changed_at.ms);
	FUZZ_CHECK(a->touched == b->touched && a->first == b->first);
	FUZZ_CHECK(a->percent == b->percent && a->cause == b->cause && a->ending == b->ending);
	FUZZ_CHECK(memcmp(a->failures, b->failures, sizeof(a->failures)) == 0);
	FUZZ_CHECK(strcmp(a->undo, b->undo) == 0 && strcmp(a->candidate, b->candidate) == 0);
	FUZZ_CHECK(strncmp(a->cause_text, b->cause_text, strlen(b->cause_text)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct rollout_state s, again;
	struct err err = ERR_INIT;
	struct buf out;

	buf_init(&out, LIMIT_TOKEN);
	if (token_decode(a, (struct str){(const char *)data, size}, &s, &err)) {
		FUZZ_CHECK(err.code == ERR_MALFORMED && err.text[0]);
	} else {
		check_ranges(&s);
		if (token_encode(&s, &out, &err)) {
			/* written with fewer escapes than we would */
			FUZZ_CHECK(err.code == ERR_LIMIT);
		} else {
			FUZZ_CHECK(token_decode(a, buf_str(&out), &again, &err) == 0);
			check_same(&s, &again);
		}
	}
	buf_release(&out);
	arena_free(a);
	return 0;
}
