#include "worker/notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "aws/core/mem.h"

#define STATUS_MAX 200

struct notify {
	int fd;
	struct sockaddr_un to;
	socklen_t to_size;
	int64_t watchdog_ms;
};

static bool address_of(const char *name, struct notify *n)
{
	size_t length = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || length < 2 || length >= sizeof(n->to.sun_path))
		return false;
	n->to.sun_family = AF_UNIX;
	memcpy(n->to.sun_path, name, length);
	n->to_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
	if (name[0] == '@') { /* a name that no file has: its length says where it ends */
		n->to.sun_path[0] = '\0';
		n->to_size--;
	}
	return true;
}

/* The watchdog of another process, our parent's say, is not ours to feed. */
static int64_t watchdog_of(const struct aws_env *env)
{
	const char *usec = aws_env_get(env, "WATCHDOG_USEC");
	const char *pid = aws_env_get(env, "WATCHDOG_PID");
	uint64_t us, whose;

	if (!usec || !str_parse_u64(str_from(usec), 1, INT64_MAX, &us))
		return 0;
	if (pid && (!str_parse_u64(str_from(pid), 1, INT64_MAX, &whose) ||
		    whose != (uint64_t)getpid()))
		return 0;
	return us < 1000 ? 1 : (int64_t)(us / 1000);
}

struct notify *notify_new(const struct aws_env *env)
{
	const char *name = aws_env_get(env, "NOTIFY_SOCKET");
	struct notify *n;

	if (!name)
		return NULL;
	n = xcalloc(1, sizeof(*n));
	n->fd = -1;
	if (address_of(name, n))
		n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->fd < 0) {
		free(n);
		return NULL;
	}
	n->watchdog_ms = watchdog_of(env);
	return n;
}

void notify_free(struct notify *n)
{
	if (!n)
		return;
	close(n->fd);
	free(n);
}

static void tell(struct notify *n, const char *text)
{
	ssize_t ignored;

	if (!n)
		return;
	ignored = sendto(n->fd, text, strlen(text), MSG_NOSIGNAL,
			 (const struct sockaddr *)&n->to, n->to_size);
	(void)ignored; /* who does not listen is told the next time */
}

void notify_ready(struct notify *n)
{
	tell(n, "READY=1");
}

void notify_stopping(struct notify *n)
{
	tell(n, "STOPPING=1");
}

void notify_status(struct notify *n, const char *fmt, ...)
{
	char text[STATUS_MAX + 1] = "STATUS=", raw[STATUS_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	/* a line break would begin another key */
	str_copy_clean(text + strlen(text), sizeof(text) - strlen(text), str_from(raw));
	tell(n, text);
}

int64_t notify_watchdog_ms(const struct notify *n)
{
	return n ? n->watchdog_ms : 0;
}

void notify_watchdog(struct notify *n)
{
	tell(n, "WATCHDOG=1");
}
