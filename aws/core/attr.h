#ifndef AWS_CORE_ATTR_H
#define AWS_CORE_ATTR_H

/*
 * Compiler attributes, spelled once.
 *
 * MUST_CHECK marks every fallible function: its result may not be ignored.
 * PRINTF_LIKE(f, a) has the compiler check a format (parameter f) against its
 * arguments (first at parameter a).
 */
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define NORETURN __attribute__((noreturn))

#endif
