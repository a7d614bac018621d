#ifndef AWS_ANSWER_H
#define AWS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "aws/core/clock.h"
#include "aws/core/json.h"
#include "aws/core/mem.h"
#include "aws/core/str.h"
#include "aws/core/xml.h"

/*
 * What the service modules have in common when they read an answer. For use inside aws/ only.
 */

/* Seconds since 1970 as JSON writes them, fraction and exponent included; years 1970 to 9999. */
bool aws_json_time(const struct json *node, struct utc *out);

/* Absent and empty text are both NULL. */
const char *aws_json_text(const struct json *object, const char *key);
const char *aws_xml_text(const struct xml *node, const char *path);

/*
 * Room for one more: an array of n elements of this size in the arena, with *cap places. Returns
 * the array, moved when it had to grow; the new element is zeroed.
 */
void *aws_grow(struct arena *a, void *array, size_t n, size_t *cap, size_t size);

/* Paged answers: a service that never comes to an end is stopped here. */
#define AWS_PAGES_MAX 1000

#endif
