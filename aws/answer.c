#include "aws/answer.h"

#include <string.h>

/*
 * The few things that all service modules do with an answer. Kept out of aws/call, which knows
 * no service's documents.
 */

bool aws_json_time(const struct json *node, struct utc *out)
{
	const double end_s = 253402300800.0; /* 10000-01-01 */
	double s;

	if (!json_double(node, &s) || !(s >= 0 && s < end_s))
		return false;
	out->ms = (int64_t)(s * 1000 + 0.5);
	return true;
}

const char *aws_json_text(const struct json *object, const char *key)
{
	const char *s = json_cstr(json_get(object, key));

	return s && *s ? s : NULL;
}

const char *aws_xml_text(const struct xml *node, const char *path)
{
	const char *s = xml_cstr(node, path);

	return s && *s ? s : NULL;
}

void *aws_grow(struct arena *a, void *array, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return array;

	size_t more = *cap ? *cap * 2 : 8;
	void *p = arena_calloc(a, more, size);

	if (n)
		memcpy(p, array, n * size);
	*cap = more;
	return p;
}
