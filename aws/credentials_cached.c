#include <stdlib.h>

#include "aws/core/cancel.h"
#include "aws/core/lock.h"
#include "aws/core/log.h"
#include "aws/credentials.h"

/*
 * The cache. The lock protects a pointer to an immutable snapshot and who is refreshing; it is
 * never held while the inner provider works. One thread refreshes. Others use what there is, and
 * wait only when there is nothing usable; those who waited for a refresh that failed share its
 * error instead of trying one after another.
 */
struct cached_provider {
	struct credentials_provider base;
	struct credentials_provider *inner;
	struct clock *clock;
	struct log *log;

	struct lock lock;
	struct cond done;
	struct credentials *current; /* NULL before the first success */
	bool invalid;		     /* AWS called current expired */
	bool refreshing;
	uint64_t rounds;       /* refreshes ended */
	struct utc retry_utc;  /* do not refresh early before this */
	struct err last_error; /* of the last round, ERR_OK when it succeeded */
};

enum state { FRESH, DUE, MANDATORY };

static enum state state_now(const struct cached_provider *c, struct utc now)
{
	int64_t left;

	if (!c->current || c->invalid)
		return MANDATORY;
	if (!c->current->expires)
		return FRESH;
	left = c->current->expires_utc.ms - now.ms;
	return left > CREDENTIALS_DUE_MS	 ? FRESH
	       : left > CREDENTIALS_MANDATORY_MS ? DUE
						 : MANDATORY;
}

/* True when the current ones have to do for now, although a refresh is due. */
static bool is_good_enough(const struct cached_provider *c, enum state state, struct utc now)
{
	if (state == DUE)
		return c->refreshing || now.ms < c->retry_utc.ms;
	/* a source of short-lived credentials just gave the best it has */
	return c->current && !c->invalid && c->last_error.code == ERR_OK &&
	       now.ms < c->retry_utc.ms && now.ms < c->current->expires_utc.ms;
}

/* With the lock held on entry and exit, but not while the inner provider works. */
static int refresh(struct cached_provider *c, struct cancel *cancel, struct err *err)
{
	struct credentials *fresh, *old = NULL;

	c->refreshing = true;
	lock_drop(&c->lock);
	fresh = credentials_provider_get(c->inner, cancel, err);
	lock_take(&c->lock);
	c->refreshing = false;
	c->rounds++;
	c->last_error = fresh ? ERR_INIT : *err;
	if (fresh) {
		old = c->current;
		c->current = fresh;
		c->invalid = false;
	}
	c->retry_utc.ms = clock_utc(c->clock).ms + CREDENTIALS_RETRY_MS;
	cond_broadcast(&c->done);
	credentials_put(old);
	return fresh ? 0 : -1;
}

static void poke(void *arg)
{
	struct cached_provider *c = arg;

	cond_broadcast(&c->done);
}

/*
 * Wait for somebody else's refresh. A cancel may fire between the check and the wait, and its waker
 * cannot take this lock (it runs under the cancel's), so the wait is cut into short ones.
 */
static int wait_for_refresh(struct cached_provider *c, struct cancel *cancel, struct err *err)
{
	uint64_t round = c->rounds;

	while (c->rounds == round && !cancel_is_fired(cancel))
		cond_wait_ms(&c->done, &c->lock, 100);
	if (c->rounds == round)
		return err_set(err, ERR_CANCELED, "credentials: canceled while waiting for them");
	if (c->last_error.code == ERR_OK)
		return 0;
	if (c->last_error.code == ERR_CANCELED)
		return 0; /* the refresher's own cancel is not ours: then it is our turn */
	*err = c->last_error;
	return -1;
}

static struct credentials *get_locked(struct cached_provider *c, struct cancel *cancel,
				      struct err *err)
{
	for (;;) {
		struct utc now = clock_utc(c->clock);
		enum state state = state_now(c, now);

		if (state == FRESH || is_good_enough(c, state, now))
			return credentials_get(c->current);
		if (c->refreshing) {
			if (wait_for_refresh(c, cancel, err))
				return NULL;
			continue;
		}
		if (!refresh(c, cancel, err)) {
			*err = ERR_INIT;
			return credentials_get(c->current);
		}
		if (state_now(c, clock_utc(c->clock)) == MANDATORY || err->code == ERR_CANCELED)
			return NULL;
		return credentials_get(c->current);
	}
}

static struct credentials *cached_get(struct credentials_provider *p, struct cancel *cancel,
				      struct err *err)
{
	struct cached_provider *c = (struct cached_provider *)p;
	struct cancel_waker waker = {.wake = poke, .arg = c};
	struct credentials *got;
	struct err problem = ERR_INIT;

	cancel_attach(cancel, &waker);
	lock_take(&c->lock);
	got = get_locked(c, cancel, &problem);
	lock_drop(&c->lock);
	cancel_detach(cancel, &waker);
	if (!got)
		*err = problem;
	else if (problem.code != ERR_OK) /* an early refresh that failed: the old ones do */
		log_event(c->log, LOG_WARN, "credentials.refresh", LOG_E(&problem),
			LOG_S("source", got->source));
	return got;
}

static void cached_invalidate(struct credentials_provider *p, const struct credentials *snapshot)
{
	struct cached_provider *c = (struct cached_provider *)p;

	lock_take(&c->lock);
	if (c->current == snapshot)
		c->invalid = true;
	lock_drop(&c->lock);
	credentials_provider_invalidate(c->inner, snapshot);
}

static void cached_free(struct credentials_provider *p)
{
	struct cached_provider *c = (struct cached_provider *)p;

	credentials_provider_free(c->inner);
	credentials_put(c->current);
	cond_release(&c->done);
	lock_release(&c->lock);
	free(c);
}

struct credentials_provider *credentials_cached_new(struct credentials_provider *inner_take,
						    struct clock *clock, struct log *log)
{
	struct cached_provider *c = xcalloc(1, sizeof(*c));

	c->base.get = cached_get;
	c->base.invalidate = cached_invalidate;
	c->base.free = cached_free;
	c->inner = inner_take;
	c->clock = clock;
	c->log = log;
	lock_init(&c->lock, LOCK_CREDENTIALS);
	cond_init(&c->done);
	return &c->base;
}
