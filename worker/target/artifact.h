#ifndef WORKER_TARGET_ARTIFACT_H
#define WORKER_TARGET_ARTIFACT_H

#include <sys/stat.h>

#include "worker/target/target.h"

/* What the kinds of target that deploy an artifact share. */

/*
 * The action's input artifact; fetched when first asked for, so it may block. ERR_REJECTED when the
 * action has none.
 */
int target_artifact_get(const struct target_env *env, const struct target_artifact **out,
			struct err *err) MUST_CHECK;

/*
 * Open a file or folder of it for reading. *fd -1, and errno: there is none, or something else is
 * in the way. ERR_SYSTEM when that could not be found out.
 */
int target_artifact_open(const struct target_artifact *artifact, const char *path, int *fd,
			 struct stat *st, struct err *err) MUST_CHECK;

/* Exactly n bytes of a file of it, from an offset; its position is not moved. ERR_SYSTEM, the text
 * beginning with "read " and what it is, also when the file ends before. */
int target_artifact_read(int fd, uint64_t at, void *p, size_t n, const char *what,
			 struct err *err) MUST_CHECK;

/* Does this file begin as a zip does? Its position is not moved. */
bool target_artifact_is_zip(int fd);

#endif
