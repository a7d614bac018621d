#ifndef ARTIFACTS_CONFINE_PARTS_H
#define ARTIFACTS_CONFINE_PARTS_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Inside of confine: its two larger parts. Both answer -1 with errno when the kernel refuses.
 */

/*
 * A sanitizer keeps a shadow of all memory, reads /proc and starts threads: under one of them there
 * is no filter of calls and no limit of memory, and the report says so.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CONFINE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define CONFINE_SANITIZED 1
#endif
#endif
#ifndef CONFINE_SANITIZED
#define CONFINE_SANITIZED 0
#endif

/* What a ruleset of this ABI can say, and what is allowed beneath the directory. Pure. */
struct landlock_rights {
	uint64_t files, network, scoped; /* refused unless allowed */
	uint64_t beneath;		 /* allowed */
};

#define LANDLOCK_ABI_NETWORK 4 /* the first that refuses TCP */

struct landlock_rights landlock_rights_of(int abi);

/* The ABI used, at most abi_max (0: any). no_new_privs must be set. */
int confine_landlock(int dir_fd, int abi_max);

/*
 * The filter of calls for a process with this id. The number of instructions, or 0 where there is
 * no list for the processor. Pure.
 */
#define SECCOMP_FILTER_MAX 160
size_t seccomp_filter(uint32_t pid, struct sock_filter out[SECCOMP_FILTER_MAX]);

/* ENOSYS where there is no list for the processor. no_new_privs must be set. */
int confine_seccomp(void);

#endif
