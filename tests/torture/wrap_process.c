#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/torture/wrap.h"

#define FAMILY TORTURE_PROCESS

/* Pipes, events, children, threads. */

CALL(int, pipe2, (int fds[2], int flags), (fds, flags), -1, EMFILE, ENFILE)
CALL(int, eventfd, (unsigned value, int flags), (value, flags), -1, EMFILE, ENOMEM)
CALL(int, signalfd, (int fd, const sigset_t *mask, int flags), (fd, mask, flags), -1, EMFILE)
CALL(int, poll, (struct pollfd * fds, nfds_t n, int ms), (fds, n, ms), -1, -EINTR, ENOMEM)
CALL(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options), -1, -EINTR)

CODE(int, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg),
     (thread, attr, start, arg), EAGAIN)
CODE(int, posix_spawnp,
     (pid_t * pid, const char *file, const posix_spawn_file_actions_t *actions,
      const posix_spawnattr_t *attr, char *const argv[], char *const envp[]),
     (pid, file, actions, attr, argv, envp), EAGAIN, ENOMEM)
CODE(int, posix_spawn,
     (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions,
      const posix_spawnattr_t *attr, char *const argv[], char *const envp[]),
     (pid, path, actions, attr, argv, envp), EAGAIN, ENOMEM, EPERM)
CODE(int, posix_spawn_file_actions_init, (posix_spawn_file_actions_t * actions), (actions), ENOMEM)
CODE(int, posix_spawn_file_actions_addopen,
     (posix_spawn_file_actions_t * actions, int fd, const char *path, int flags, mode_t mode),
     (actions, fd, path, flags, mode), ENOMEM)
CODE(int, posix_spawn_file_actions_adddup2,
     (posix_spawn_file_actions_t * actions, int from, int to), (actions, from, to), ENOMEM)
CODE(int, posix_spawn_file_actions_addclosefrom_np,
     (posix_spawn_file_actions_t * actions, int from), (actions, from), ENOMEM)
CODE(int, posix_spawnattr_init, (posix_spawnattr_t * attr), (attr), ENOMEM)
CODE(int, getpwuid_r, (uid_t uid, struct passwd *pw, char *buf, size_t n, struct passwd **out),
     (uid, pw, buf, n, out), EIO, ENFILE)

WRAP(int, fcntl, (int fd, int command, ...))
{
	unsigned way = torture_strike(FAMILY, "fcntl", 1);
	va_list ap;
	long arg;

	va_start(ap, command);
	arg = va_arg(ap, long);
	va_end(ap);
	if (!way)
		return REAL(fcntl)(fd, command, arg);
	errno = ENOLCK;
	return -1;
}
