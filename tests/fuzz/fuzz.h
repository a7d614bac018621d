#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * A harness is one file fuzz_<name>.c with this function. libFuzzer calls it with inputs that it
 * makes up (tests/fuzz/run), replay.c with those of tests/fuzz/corpus/<name> (make check). It
 * aborts when a promise is broken. Its comment may name the layers it needs ("Layers: core", on
 * a line of its own); else it is linked with all of them.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                                                   \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                \
		}                                                                               \
	} while (0)

#endif
