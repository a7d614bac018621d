#ifndef ARTIFACTS_FOLD_H
#define ARTIFACTS_FOLD_H

#include <stddef.h>

#include "aws/core/str.h"

/*
 * The key under which two names are the same to a file system that ignores case, or the way in
 * which accents are composed: canonical caseless matching of the Unicode Standard (14.0, section
 * 3.13, D145), by full case folding and canonical decomposition. So "STRASSE" is "straße", and a
 * letter with an accent is the letter and the accent behind it. CJK compatibility ideographs are
 * left alone. Pure; nothing is allocated.
 *
 * More than FOLD_MARKS combining marks in a row are ordered piece by piece (Unicode Standard Annex
 * 15, section 13, has the same limit): no text has so many, and to order them takes quadratic time.
 */
#define FOLD_GROWTH 3 /* the key is at most so many times as long as the name */
#define FOLD_MARKS 30

/* name: well-formed UTF-8 without NUL. Returns the length of the key, which has no NUL either. */
size_t fold(struct str name, char *out);

#endif
