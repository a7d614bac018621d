#ifndef TESTS_UNIT_ARTIFACTS_DUMP_COUNTERS_H
#define TESTS_UNIT_ARTIFACTS_DUMP_COUNTERS_H

/*
 * In a coverage build: processes that end by _exit() write their counters, which exit() alone does
 * otherwise, if they can: who is locked in may not. Included by one file of a program.
 */
#ifdef COVERAGE
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

void __gcov_dump(void);

__attribute__((noreturn)) void _exit(int status)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		__gcov_dump();
	}
	for (;;)
		syscall(SYS_exit_group, status);
}
#endif

#endif
