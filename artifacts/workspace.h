#ifndef ARTIFACTS_WORKSPACE_H
#define ARTIFACTS_WORKSPACE_H

#include "aws/core/err.h"
#include "aws/core/rng.h"

/*
 * A private directory for one job, below the worker's work directory. It is locked for as long as
 * its descriptor is open, so that a sweep leaves those of living processes alone.
 */
#define WORKSPACE_NAME_SIZE 32

struct workspace {
	int root_fd; /* borrowed */
	int fd;	     /* the directory; -1: there is none */
	char name[WORKSPACE_NAME_SIZE];
};

/* A workspace that does not exist: workspace_remove() does nothing with it. */
#define WORKSPACE_INIT ((struct workspace){.root_fd = -1, .fd = -1})

/* Create one, mode 0700. root_fd must stay open until it is removed. */
int workspace_create(int root_fd, struct rng *rng, struct workspace *ws,
		     struct err *err) MUST_CHECK;

/*
 * A directory inside it, mode 0700, for one purpose ("artifact"). Returns its descriptor, which the
 * caller closes, or -1.
 */
int workspace_subdir(const struct workspace *ws, const char *name, struct err *err) MUST_CHECK;

/* An empty file without a name, for reading and writing: gone when it is closed. -1 on error. */
int workspace_temp_file(const struct workspace *ws, struct err *err) MUST_CHECK;

/* Remove it with everything in it. What cannot be removed stays for the next sweep: -1, and ws is
 * closed all the same. Twice is harmless. */
int workspace_remove(struct workspace *ws, struct err *err);

/*
 * At start: remove what dead processes left behind. Only directories with a workspace's name whose
 * lock is free; anything else is not touched. -1 when one could not be removed; the others are.
 */
int workspace_sweep(int root_fd, struct err *err) MUST_CHECK;

#endif
