#include "tests/fuzz/support.h"

#include <string.h>

#include "worker/rollout/handle.h"

/*
 * A handle that was taken can be written again and is the same; it fits no text but its own. The
 * second line is a state's text, the others are properties, Name=value.
 *
 * Layers: rollout aws core
 */
#define PROPERTIES_MAX 12

static void check_handle(struct arena *a, struct str text, struct str state)
{
	char own[HANDLE_SIZE];
	struct handle h, again;
	struct err err = ERR_INIT;
	int rc = handle_parse(text, &h, &err);

	fuzz_check_err(rc, &err);
	if (rc) {
		FUZZ_CHECK(err.code == ERR_REJECTED);
		return;
	}
	FUZZ_CHECK(!strncmp(h.id, "r-", 2) && strlen(h.id) <= ROLLOUT_ID_MAX);
	FUZZ_CHECK(strspn(h.digest, "0123456789abcdef") == HANDLE_DIGEST_SIZE - 1);
	FUZZ_CHECK(str_is(str_trim(text), arena_printf(a, "h1.%s.%s", h.id, h.digest)));
	handle_make(h.id, state, own);
	FUZZ_CHECK(handle_parse(str_from(own), &again, &err) == 0);
	FUZZ_CHECK(!strcmp(again.id, h.id) && handle_fits(&again, state));
	FUZZ_CHECK(handle_fits(&h, state) == !strcmp(h.digest, again.digest));
}

static void check_properties(struct arena *a, struct str input)
{
	struct plan_property p[PROPERTIES_MAX];
	struct problems problems;
	struct str line, name;
	enum mode mode;
	size_t n = 0;

	while (n < PROPERTIES_MAX && str_next(&input, '\n', &line))
		if (str_next(&line, '=', &name))
			p[n++] = (struct plan_property){.name = name, .value = line};
	FUZZ_CHECK(mode_of(p, n, &mode) || mode == MODE_DEPLOY);
	FUZZ_CHECK(mode_parse(str_from(mode_name(mode)), &mode));
	problems_init(&problems, a);
	handle_check(p, n, &problems);
	for (const struct problem *x = problems.first; x; x = x->next)
		FUZZ_CHECK(x->text[0] && !strchr(x->text, '\n'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = {(const char *)data, size}, text = fuzz_line(&input);
	struct arena *a = arena_new();

	check_handle(a, text, fuzz_line(&input));
	check_properties(a, input);
	arena_free(a);
	return 0;
}
