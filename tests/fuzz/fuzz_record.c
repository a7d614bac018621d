#include "tests/fuzz/support.h"

#include <string.h>

#include "worker/rollout/token.h"
#include "worker/target/auto_scaling.h"
#include "worker/target/beanstalk.h"
#include "worker/target/ecs.h"
#include "worker/target/load_balancer.h"

/*
 * Undo records and candidates come from the token. Whatever they are, each kind of target refuses
 * them in one line, or reads them; what was read can be written, unless it has grown too long,
 * reads back, and is then written the same.
 */

static void check_read(int rc, const struct err *err)
{
	fuzz_check_err(rc, err);
	FUZZ_CHECK(rc == 0 || err->code == ERR_MALFORMED || err->code == ERR_LIMIT ||
		   err->code == ERR_UNSAFE);
}

/* check_KIND_WHAT(): read, write, read, write. size is that of the place in the state. */
#define ROUND_TRIP(name, type, load, store, size)                   \
	static void check_##name(struct arena *a, const char *text) \
	{                                                           \
		char first[(size)], second[(size)];                 \
		struct err err = ERR_INIT;                          \
		type r, again;                                      \
		int rc = load(a, text, &r, &err);                   \
                                                                    \
		check_read(rc, &err);                               \
		if (rc)                                             \
			return;                                     \
		if (store(&r, first, &err)) {                       \
			FUZZ_CHECK(err.code == ERR_LIMIT);          \
			return;                                     \
		}                                                   \
		FUZZ_CHECK(load(a, first, &again, &err) == 0);      \
		FUZZ_CHECK(store(&again, second, &err) == 0);       \
		FUZZ_CHECK(!strcmp(first, second));                 \
	}

static int as_store_of_copy(const struct as_candidate *c, char *out, struct err *err)
{
	return as_candidate_store(c, "shop-1", out, err);
}

ROUND_TRIP(lb, struct lb_record, lb_record_load, lb_record_store, LIMIT_UNDO + 1)
ROUND_TRIP(as, struct as_record, as_record_load, as_record_store, LIMIT_UNDO + 1)
ROUND_TRIP(bean, struct bean_record, bean_record_load, bean_record_store, LIMIT_UNDO + 1)
ROUND_TRIP(ecs, struct ecs_record, ecs_record_load, ecs_record_store, LIMIT_UNDO + 1)
ROUND_TRIP(as_made, struct as_candidate, as_candidate_load, as_store_of_copy, LIMIT_CANDIDATE + 1)
ROUND_TRIP(bean_made, struct bean_candidate, bean_candidate_load, bean_candidate_store,
	   LIMIT_CANDIDATE + 1)
ROUND_TRIP(ecs_made, struct ecs_candidate, ecs_candidate_load, ecs_candidate_store,
	   LIMIT_CANDIDATE + 1)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	/* token_decode() lets no NUL and nothing longer through */
	const char *text = str_dup(a, (struct str){(const char *)data, size > 1024 ? 1024 : size});

	check_lb(a, text);
	check_as(a, text);
	check_bean(a, text);
	check_ecs(a, text);
	check_as_made(a, text);
	check_bean_made(a, text);
	check_ecs_made(a, text);
	arena_free(a);
	return 0;
}
