#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/scenarios/lines.h"

void lines_init(struct lines *l, struct world *w, bool debug)
{
	l->fd = memfd_create("log", MFD_CLOEXEC);
	assert_true(l->fd >= 0);
	l->log = log_new(l->fd, LOG_JSON, debug ? LOG_DEBUG : LOG_INFO, false, sim_clock(w->sim));
	l->arena = arena_new();
	w->workers[0].log = l->log;
}

void lines_release(struct lines *l)
{
	log_free(l->log);
	close(l->fd);
	arena_free(l->arena);
}

static struct str whole(struct lines *l)
{
	struct stat st;
	char *text;

	assert_int_equal(fstat(l->fd, &st), 0);
	text = arena_alloc(l->arena, (size_t)st.st_size + 1);
	assert_int_equal(pread(l->fd, text, (size_t)st.st_size, 0), st.st_size);
	return (struct str){text, (size_t)st.st_size};
}

static const struct json *parse(struct lines *l, struct str line)
{
	struct err err = ERR_INIT;
	struct json *root;

	if (json_parse(l->arena, line, &root, &err))
		fail_msg("%s: %.*s", err.text, (int)line.n, line.p);
	assert_int_equal(root->type, JSON_OBJECT);
	json_each(field, root) {
		if (field->type == JSON_ARRAY || field->type == JSON_OBJECT)
			fail_msg("not flat: %.*s", (int)line.n, line.p);
	}
	return root;
}

/* The n-th of an event, and how many there are. */
static const struct json *find(struct lines *l, const char *event, size_t wanted, size_t *n)
{
	const char *key = arena_printf(l->arena, "\"event\":\"%s\"", event);
	struct str rest = whole(l), line;
	const struct json *found = NULL;

	*n = 0;
	while (str_next(&rest, '\n', &line)) {
		if (!memmem(line.p, line.n, key, strlen(key)))
			continue;
		if ((*n)++ == wanted)
			found = parse(l, line);
	}
	return found;
}

const struct json *lines_get(struct lines *l, const char *event, size_t n)
{
	size_t all;

	return find(l, event, n, &all);
}

size_t lines_count(struct lines *l, const char *event)
{
	size_t all;

	find(l, event, SIZE_MAX, &all);
	return all;
}

int64_t lines_i64(const struct json *line, const char *key)
{
	int64_t n;

	if (!json_i64(json_get(line, key), &n))
		fail_msg("there is no number \"%s\"", key);
	return n;
}

int64_t lines_sum(struct lines *l, const char *event, const char *key)
{
	size_t n = lines_count(l, event);
	int64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += lines_i64(lines_get(l, event, i), key);
	return sum;
}
