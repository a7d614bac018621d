#include "aws/s3.h"

#include <stdlib.h>
#include <string.h>

#include "aws/core/lock.h"

/*
 * What region a bucket was found in. A small table that is searched from end to end: the calls it
 * saves take a thousand times as long.
 */

/* A pipeline has one artifact bucket a region; a worker serves a handful of pipelines. */
#define REGIONS_MAX 32

struct s3_regions {
	struct lock lock;
	struct {
		char bucket[64], region[64];
	} known[REGIONS_MAX];
	size_t next; /* the place that is used next, round and round */
};

struct s3_regions *s3_regions_new(void)
{
	struct s3_regions *r = xcalloc(1, sizeof(*r));

	lock_init(&r->lock, LOCK_STATE);
	return r;
}

void s3_regions_free(struct s3_regions *r)
{
	if (!r)
		return;
	lock_release(&r->lock);
	free(r);
}

const char *s3_regions_get(struct s3_regions *r, const char *bucket, struct arena *a)
{
	const char *found = NULL;

	if (!r || !*bucket)
		return NULL;
	lock_take(&r->lock);
	for (size_t i = 0; i < REGIONS_MAX && !found; i++) {
		if (strcmp(r->known[i].bucket, bucket) == 0)
			found = arena_strdup(a, r->known[i].region);
	}
	lock_drop(&r->lock);
	return found;
}

void s3_regions_put(struct s3_regions *r, const char *bucket, const char *region)
{
	size_t i = 0;

	if (!r || !*bucket || strlen(bucket) >= sizeof(r->known[0].bucket) ||
	    strlen(region) >= sizeof(r->known[0].region))
		return;
	lock_take(&r->lock);
	while (i < REGIONS_MAX && strcmp(r->known[i].bucket, bucket) != 0)
		i++;
	if (i == REGIONS_MAX) {
		i = r->next;
		r->next = (r->next + 1) % REGIONS_MAX;
	}
	(void)str_copy(r->known[i].bucket, sizeof(r->known[i].bucket), str_from(bucket));
	(void)str_copy(r->known[i].region, sizeof(r->known[i].region), str_from(region));
	lock_drop(&r->lock);
}
