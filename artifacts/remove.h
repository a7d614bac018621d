#ifndef ARTIFACTS_REMOVE_H
#define ARTIFACTS_REMOVE_H

#include "aws/core/err.h"

/*
 * Remove everything in a directory, not the directory itself. Links are removed, never followed,
 * and nothing outside is touched whatever the tree looks like; its depth does not matter: a handful
 * of descriptors and no recursion. Goes on after a failure; -1 when something is left.
 */
int remove_content(int dir_fd, struct err *err) MUST_CHECK;

#endif
