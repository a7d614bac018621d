/*
 * Reads that show what was: services answer from copies of their data, and a copy may be some
 * seconds behind. The last answer to each read is remembered here, and now and then given again.
 */
#include "aws/core/limits.h"
#include "tests/sim/sim_private.h"

#include <stdlib.h>
#include <string.h>

#define PLACES 256 /* answers remembered; a newer one takes the place of an older */

struct remembered {
	uint64_t key; /* of method, host, path, query and body; 0: the place is free */
	struct utc at;
	int status;
	struct buf body;
	char type[64];
};

struct sim_stale {
	struct remembered places[PLACES];
	uint64_t given; /* again */
};

static uint64_t add(uint64_t h, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * UINT64_C(1099511628211);
	return h * 31 + 1;
}

static uint64_t key_of(const struct sim_exchange *x)
{
	uint64_t h = UINT64_C(14695981039346656037);

	h = add(h, str_from(x->req->method));
	h = add(h, x->req->host);
	h = add(h, x->req->path);
	h = add(h, x->req->query);
	h = add(h, x->req->body);
	h = add(h, str_from(x->operation));
	return h ? h : 1;
}

/* What traffic is and what carries it; alarms, jobs and objects are read as they are. */
static bool is_read(const struct sim_exchange *x, const struct sim_route *r)
{
	static const struct sim_service *const services[] = {
		&sim_lambda, &sim_elbv2, &sim_autoscaling, &sim_ec2, &sim_ecs, &sim_beanstalk};
	static const char *const words[] = {"Get", "Describe", "List"};
	bool is = false;

	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		is |= services[i] == r->service;
	for (size_t i = 0; is && i < sizeof(words) / sizeof(words[0]); i++)
		if (strncmp(x->operation, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

bool sim_stale_answer(struct sim *s, const struct sim_exchange *x, const struct sim_route *r)
{
	const struct remembered *m;
	uint64_t key;

	if (s->o.stale_rate <= 0 || !s->stale || !is_read(x, r))
		return false;
	key = key_of(x);
	m = &s->stale->places[key % PLACES];
	if (m->key != key || s->now.ms - m->at.ms > s->o.stale_ms ||
	    rng_unit(&s->dice.rng) >= s->o.stale_rate)
		return false;
	s->stale->given++;
	sim_reply_raw(x, m->status, m->type, buf_str(&m->body), NULL, 0);
	return true;
}

void sim_stale_remember(struct sim *s, const struct sim_exchange *x, const struct sim_route *r)
{
	struct remembered *m;
	uint64_t key;

	if (s->o.stale_rate <= 0 || x->res->status != 200 || !is_read(x, r))
		return;
	if (!s->stale)
		s->stale = xcalloc(1, sizeof(*s->stale));
	key = key_of(x);
	m = &s->stale->places[key % PLACES];
	buf_release(&m->body);
	buf_init(&m->body, LIMIT_API_BODY);
	buf_add_str(&m->body, x->res->body);
	m->key = key;
	m->at = s->now;
	m->status = x->res->status;
	(void)str_copy(m->type, sizeof(m->type),
		       http_header_get(x->res->headers, x->res->n_headers, "content-type"));
}

void sim_stale_release(struct sim *s)
{
	for (size_t i = 0; s->stale && i < PLACES; i++)
		buf_release(&s->stale->places[i].body);
	free(s->stale);
	s->stale = NULL;
}

uint64_t sim_stale_reads(const struct sim *s)
{
	return s->stale ? s->stale->given : 0;
}
