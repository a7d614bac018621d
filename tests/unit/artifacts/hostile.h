#ifndef TESTS_UNIT_ARTIFACTS_HOSTILE_H
#define TESTS_UNIT_ARTIFACTS_HOSTILE_H

#include <stdbool.h>

#include "aws/core/err.h"
#include "aws/core/str.h"

/*
 * Archives that contradict themselves, or mean harm: each by name, with what must be said about it.
 * test_hostile unpacks them; tests/fuzz/archives.c writes them out, so that other readers are
 * asked.
 *
 * late: nothing but the content is wrong, so that it is found when files have been written.
 */
typedef void hostile_fn(void *arg, const char *what, struct str archive, enum err_code code,
			const char *text, bool late);

#endif
