#ifndef WORKER_CLIENTS_H
#define WORKER_CLIENTS_H

#include "aws/call.h"

/*
 * Clients for targets: the worker's own credentials, or a role assumed for the target's account.
 * One cached provider a role, shared by all rollouts and kept for the life of the process, so that
 * roles are assumed once an hour and not once a turn. Thread-safe.
 */
struct clients;

struct clients *clients_new(const struct aws_client *own);
void clients_free(struct clients *c); /* NULL does nothing */

/* role_arn NULL: the worker's own. Does not block: credentials are fetched at the first call. */
struct aws_client clients_get(struct clients *c, const char *role_arn);

#endif
