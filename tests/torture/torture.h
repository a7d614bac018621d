#ifndef TESTS_TORTURE_TORTURE_H
#define TESTS_TORTURE_TORTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/core/err.h"

/*
 * Torture: every fallible call that the product makes to a library or to the system is failed in
 * turn. The linker puts a wrapper (wrap_*.c) in front of each (-Wl,--wrap), which fails the n-th
 * call of its family, for n from the first on, until a run of the scenario meets no failure. Each
 * run is a process of its own, so that a crash, a hang, a leak of descriptors or, under
 * AddressSanitizer, of memory is seen and costs that run only.
 *
 * Only what is called between torture_in() and torture_out() counts, in the thread that says so:
 * tests and simulator use the same functions, and are not to fail.
 */
enum torture_family {
	TORTURE_FILE,	 /* the file system */
	TORTURE_PROCESS, /* pipes, events, children, threads */
	TORTURE_CURL,
	TORTURE_OPENSSL,
	TORTURE_SQLITE,
	TORTURE_ARCHIVE, /* libarchive and zlib */
	TORTURE_FAMILIES
};

struct torture_case {
	const char *name;
	void (*run)(void *arg);
	void *arg;
	/* Only every so many calls of a family by default; 0: its calls are not failed here. */
	unsigned stride[TORTURE_FAMILIES];
	bool every_way; /* each call in every way its wrapper knows, by default, too */
	/* How many calls in a row fail, besides 1: 0 for none. */
	unsigned lasting;
};

/*
 * A test program over these cases: cmocka's output and exit status. TORTURE=full fails every call
 * in every way its wrapper knows; by default it is every stride-th, in one way each. One run is
 * repeated by TORTURE_CASE, TORTURE_FAMILY, TORTURE_N, TORTURE_WAY and TORTURE_TIMES; VERBOSE=1
 * makes it say more.
 */
int torture_main(const struct torture_case *cases, unsigned n);

/* From here on calls are the product's, until the matching torture_out(). Nests. */
void torture_in(void);
void torture_out(void);
bool torture_is_in(void);
/* The same the other way round: what the product calls is not the product. */
int torture_pause(void); /* a value for torture_resume() */
void torture_resume(int depth);

/* --- verdicts, in a run ----------------------------------------------------------------------- */

/* Did this run print that, on standard output or standard error? */
bool torture_has_said(const char *text);

/* Was any call failed so far? */
bool torture_hit_any(void);
/* Only in ways that are to be survived: interrupted, short, "do it another way". */
bool torture_hit_softly(void);
/* What was failed, for people: "openat, way 2". */
const char *torture_hit_name(void);

/* Something is wrong in this run. The first one is told. */
void torture_problem(const char *fmt, ...) PRINTF_LIKE(1, 2);

/*
 * Judge an operation by what it returned: success is right (that nothing is wrong with its result
 * is the scenario's to check); failure is right when a call was failed that cannot be made good,
 * and when the text names one of what was attempted: parts, separated by '|'. Returns whether it
 * succeeded.
 */
bool torture_verdict(const char *what, int rc, const struct err *err, const char *attempted);

/*
 * The product may end itself when OpenSSL or memory fails: a run may catch that, as a supervisor
 * does, and says so with torture_ended(): then nobody asks for what the dead process had open.
 * NULL: a run that is ended so is over, and right when its last words say why.
 */
extern void (*torture_on_abort)(void);
void torture_ended(void);

/* --- for wrappers --------------------------------------------------------------------------- */

/* 0: go on. Otherwise the call is to fail in way 1 to n_ways. */
unsigned torture_strike(enum torture_family family, const char *name, unsigned n_ways);
/* The failure just dealt is one that has to be survived. */
void torture_soft(void);

#endif
