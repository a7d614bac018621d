#include "aws/retry.h"

#include <stdlib.h>

/*
 * Scopes are found by a linear search: a worker talks to a dozen services in a few regions. They
 * are never removed, so a pointer to one outlives the lock. Region names can come from plans, so
 * their number is bounded; strangers beyond it share the last scope.
 */
#define SCOPES_MAX 128

struct retry_scope {
	char *service, *region;
	int tokens;
	int64_t skew_ms;
	struct sigv4_key_cache key;
};

struct aws_private {
	struct lock lock;
	struct retry_scope *scopes[SCOPES_MAX];
	size_t n_scopes;
	struct aws_stat stats[AWS_STATS_MAX];
	size_t n_stats;
};

struct aws_private *aws_private_new(void)
{
	struct aws_private *p = xcalloc(1, sizeof(*p));

	lock_init(&p->lock, LOCK_RETRY);
	return p;
}

void aws_private_free(struct aws_private *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_scopes; i++) {
		free(p->scopes[i]->service);
		free(p->scopes[i]->region);
		sigv4_key_cache_release(&p->scopes[i]->key);
		free(p->scopes[i]);
	}
	lock_release(&p->lock);
	free(p);
}

struct retry_scope *retry_scope_get(struct aws_private *p, const char *service, const char *region)
{
	struct retry_scope *s;

	lock_take(&p->lock);
	for (size_t i = 0; i < p->n_scopes; i++) {
		s = p->scopes[i];
		if ((!strcmp(s->service, service) && !strcmp(s->region, region)) ||
		    i == SCOPES_MAX - 1) {
			lock_drop(&p->lock);
			return s;
		}
	}
	s = xcalloc(1, sizeof(*s));
	s->service = xstrdup(service);
	s->region = xstrdup(region);
	s->tokens = RETRY_CAPACITY;
	p->scopes[p->n_scopes++] = s;
	lock_drop(&p->lock);
	return s;
}

bool retry_take(struct aws_private *p, struct retry_scope *s, int cost)
{
	bool enough;

	lock_take(&p->lock);
	enough = s->tokens >= cost;
	if (enough)
		s->tokens -= cost;
	lock_drop(&p->lock);
	return enough;
}

void retry_refund(struct aws_private *p, struct retry_scope *s, int amount)
{
	lock_take(&p->lock);
	s->tokens += amount;
	if (s->tokens > RETRY_CAPACITY)
		s->tokens = RETRY_CAPACITY;
	lock_drop(&p->lock);
}

int64_t retry_skew(struct aws_private *p, struct retry_scope *s)
{
	int64_t skew;

	lock_take(&p->lock);
	skew = s->skew_ms;
	lock_drop(&p->lock);
	return skew;
}

void retry_skew_set(struct aws_private *p, struct retry_scope *s, int64_t skew_ms)
{
	lock_take(&p->lock);
	s->skew_ms = skew_ms;
	lock_drop(&p->lock);
}

void retry_signing_key(struct aws_private *p, struct retry_scope *s, const struct sigv4_scope *sign,
		       uint8_t key[SHA256_SIZE])
{
	lock_take(&p->lock);
	sigv4_key_cache_get(&s->key, sign, key);
	lock_drop(&p->lock);
}

int64_t retry_wait_ms(int n, double unit, int64_t asked_ms)
{
	int64_t ceiling = n < 5 ? (int64_t)1000 << n : RETRY_WAIT_MAX_MS; /* 16 s at n = 4 */
	int64_t wait;

	if (asked_ms > RETRY_WAIT_MAX_MS)
		asked_ms = RETRY_WAIT_MAX_MS;
	wait = (int64_t)(unit * (double)ceiling);
	return wait > asked_ms ? wait : asked_ms;
}

static struct aws_stat *stat_of(struct aws_private *p, const struct aws_outcome *o)
{
	struct aws_stat *s;

	for (size_t i = 0; i < p->n_stats; i++) {
		s = &p->stats[i];
		if (i == AWS_STATS_MAX - 1 ||
		    (!strcmp(s->service, o->service) && !strcmp(s->operation, o->operation)))
			return s;
	}
	s = &p->stats[p->n_stats++];
	if (p->n_stats == AWS_STATS_MAX)
		*s = (struct aws_stat){.service = "other", .operation = "other"};
	else
		*s = (struct aws_stat){.service = o->service, .operation = o->operation};
	return s;
}

void retry_count(struct aws_private *p, const struct aws_outcome *o)
{
	struct aws_stat *s;

	lock_take(&p->lock);
	s = stat_of(p, o);
	s->calls++;
	s->failed += o->failed;
	s->attempts += (uint64_t)o->attempts;
	s->throttled += (uint64_t)o->throttled;
	s->no_credentials += o->no_credentials;
	s->total_ms += o->ms;
	lock_drop(&p->lock);
}

size_t retry_stats(struct aws_private *p, struct aws_stat *out, size_t max)
{
	size_t n;

	lock_take(&p->lock);
	n = p->n_stats;
	if (n && max)
		memcpy(out, p->stats, sizeof(*out) * (n < max ? n : max));
	lock_drop(&p->lock);
	return n;
}
