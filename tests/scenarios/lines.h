#ifndef TESTS_SCENARIOS_LINES_H
#define TESTS_SCENARIOS_LINES_H

#include "tests/scenarios/world.h"

/*
 * What a worker logs, as JSON, to be read by tests. Every line has to be one object of flat fields,
 * or the test ends.
 */
struct lines {
	int fd;
	struct log *log; /* for the worker, or the world */
	struct arena *arena;
};

/* Info and above; debug: every call, too. Worker 0 logs there from its next start on. */
void lines_init(struct lines *l, struct world *w, bool debug);
/* The worker is gone by then. */
void lines_release(struct lines *l);

/* The n-th line of this event, from 0; NULL when there are fewer. */
const struct json *lines_get(struct lines *l, const char *event, size_t n);
size_t lines_count(struct lines *l, const char *event);
/* A number of such a line; it has to be there. */
int64_t lines_i64(const struct json *line, const char *key);
/* The same, over all lines of the event. */
int64_t lines_sum(struct lines *l, const char *event, const char *key);

#endif
