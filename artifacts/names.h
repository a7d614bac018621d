#ifndef ARTIFACTS_NAMES_H
#define ARTIFACTS_NAMES_H

#include "artifacts/path.h"
#include "aws/core/err.h"

/*
 * The names an archive has used so far, the directories they imply included, to find names that
 * stand in each other's way: the same file twice, a file that is also a directory, names that
 * differ by case only, or in how accents are composed (fold.h). A directory may be named any number
 * of times. Time: a name costs no more than its length, however the others were chosen.
 */
struct names;

struct names *names_new(void);
void names_free(struct names *n); /* NULL does nothing */

/* Add a name; the root is accepted. ERR_UNSAFE: it is in the way of another; ERR_LIMIT: the names
 * together take more than LIMIT_ARCHIVE_DIRECTORY. */
int names_add(struct names *n, const struct path *path, bool directory, struct err *err) MUST_CHECK;

#endif
