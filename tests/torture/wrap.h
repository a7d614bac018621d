#ifndef TESTS_TORTURE_WRAP_H
#define TESTS_TORTURE_WRAP_H

#include <errno.h>

#include "tests/torture/torture.h"

/*
 * How wrappers are written. The Makefile finds them by these macros, which therefore stand at the
 * beginning of a line, with the name as their second argument:
 *
 *   WRAP(ret, name, (parameters)) { ... }       by hand; the function itself is REAL(name)
 *   CALL(ret, name, (parameters), (arguments), failed, codes...)
 *       returns `failed` with errno set to one of the codes; a negative code has to be survived.
 *       CODE() instead of CALL(): it returns one of the codes.
 *
 * FAMILY is defined by the file that uses them.
 */
#define REAL(name) __real_##name

#define WRAP(ret, name, params)   \
	ret __real_##name params; \
	ret __wrap_##name params; \
	ret __wrap_##name params

#define WAYS(codes) ((unsigned)(sizeof(codes) / sizeof((codes)[0])))

#define CALL(ret, name, params, args, failed, ...)                         \
	WRAP(ret, name, params)                                            \
	{                                                                  \
		static const int codes[] = {__VA_ARGS__};                  \
		unsigned way = torture_strike(FAMILY, #name, WAYS(codes)); \
                                                                           \
		if (!way)                                                  \
			return REAL(name) args;                            \
		errno = wrap_code(codes[way - 1]);                         \
		return failed;                                             \
	}

#define CODE(ret, name, params, args, ...)                                 \
	WRAP(ret, name, params)                                            \
	{                                                                  \
		static const int codes[] = {__VA_ARGS__};                  \
		unsigned way = torture_strike(FAMILY, #name, WAYS(codes)); \
                                                                           \
		return way ? (ret)codes[way - 1] : REAL(name) args;        \
	}

static inline int wrap_code(int code)
{
	if (code < 0)
		torture_soft();
	return code < 0 ? -code : code;
}

#endif
