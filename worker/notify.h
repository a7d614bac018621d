#ifndef WORKER_NOTIFY_H
#define WORKER_NOTIFY_H

#include <stdint.h>

#include "aws/settings.h"

/*
 * Tells the service manager how the worker is. Protocol: sd_notify(3) of systemd, datagrams of
 * "KEY=value" lines to the socket that NOTIFY_SOCKET names, a path or, with '@', an abstract name;
 * WATCHDOG_USEC and WATCHDOG_PID as in sd_watchdog_enabled(3). Ours, so that a worker which is
 * started in another way needs no library of it.
 *
 * Nothing here blocks or fails: a manager that does not take a message is told the next one. A NULL
 * pointer is accepted everywhere and does nothing: nobody supervises.
 */
struct notify;

/* NULL when NOTIFY_SOCKET is not set, or is nothing that can be sent to. */
struct notify *notify_new(const struct aws_env *env);
void notify_free(struct notify *n);

void notify_ready(struct notify *n);	/* it works now */
void notify_stopping(struct notify *n); /* it hands back what it holds */
/* One line for people who ask for the service's status; longer than 200 bytes is cut. */
void notify_status(struct notify *n, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* "Alive": within this interval (milliseconds, 0: nobody waits for it) or the worker is killed. */
int64_t notify_watchdog_ms(const struct notify *n);
void notify_watchdog(struct notify *n);

#endif
