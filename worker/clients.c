#include "worker/clients.h"

#include <stdlib.h>
#include <string.h>

#include "aws/core/lock.h"

/* A short list: a worker serves a handful of accounts. Entries are never removed. */
struct entry {
	char *role_arn;
	struct credentials_provider *provider;
	struct entry *next;
};

struct clients {
	struct aws_client own;
	struct lock lock;
	struct entry *first;
};

struct clients *clients_new(const struct aws_client *own)
{
	struct clients *c = xcalloc(1, sizeof(*c));

	c->own = *own;
	lock_init(&c->lock, LOCK_STATE);
	return c;
}

void clients_free(struct clients *c)
{
	struct entry *e, *next;

	if (!c)
		return;
	for (e = c->first; e; e = next) {
		next = e->next;
		credentials_provider_free(e->provider);
		free(e->role_arn);
		free(e);
	}
	lock_release(&c->lock);
	free(c);
}

static struct entry *entry_new(struct clients *c, const char *role_arn)
{
	struct credentials_assume_role role = {.role_arn = role_arn,
					       .region = c->own.region,
					       .purpose = c->own.purpose,
					       .source = c->own.credentials};
	struct entry *e = xcalloc(1, sizeof(*e));

	e->role_arn = xstrdup(role_arn);
	e->provider = credentials_cached_new(credentials_assume_role_new(c->own.aws, &role),
					     c->own.aws->clock, c->own.aws->log);
	e->next = c->first;
	c->first = e;
	return e;
}

struct aws_client clients_get(struct clients *c, const char *role_arn)
{
	struct aws_client client = c->own;
	struct entry *e;

	if (!role_arn)
		return client;
	lock_take(&c->lock);
	for (e = c->first; e && strcmp(e->role_arn, role_arn) != 0; e = e->next)
		;
	if (!e)
		e = entry_new(c, role_arn);
	client.credentials = e->provider;
	lock_drop(&c->lock);
	return client;
}
