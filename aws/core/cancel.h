#ifndef AWS_CORE_CANCEL_H
#define AWS_CORE_CANCEL_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The one way to interrupt a blocked call. Every blocking primitive takes a struct cancel (may be
 * NULL) and returns ERR_CANCELED soon after it fires. A cancel fires once and stays fired.
 * All functions are thread-safe.
 */
struct cancel;

struct cancel *cancel_new(void);
void cancel_free(struct cancel *c); /* nobody may be attached any more; NULL does nothing */

/* Fire: set the flag, then call every attached wake function. Safe from any thread. */
void cancel_fire(struct cancel *c);
bool cancel_is_fired(const struct cancel *c); /* c may be NULL: false */

/*
 * While attached, wake(arg) is called when the cancel fires, from the firing thread, under the
 * cancel's lock: it must only poke something (curl_multi_wakeup, eventfd, a condition). When the
 * cancel has fired already, attach calls wake at once. The waker belongs to the caller and stays in
 * place until detached; detach waits out a wake in progress.
 */
struct cancel_waker {
	void (*wake)(void *arg);
	void *arg;
	struct cancel_waker *next, *prev; /* private */
};

void cancel_attach(struct cancel *c, struct cancel_waker *w); /* c may be NULL: nothing */
void cancel_detach(struct cancel *c, struct cancel_waker *w);

/* Wait at most ms milliseconds of real time; true when fired. */
bool cancel_wait(struct cancel *c, int64_t ms);

#endif
