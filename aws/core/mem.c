#include "aws/core/mem.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Aborting allocation, arenas and secrets. An arena is a list of blocks, the newest first, filled
 * from the bottom; under AddressSanitizer every object gets a block of its own.
 */
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_EACH_ITS_OWN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_EACH_ITS_OWN 1
#endif
#endif
#ifndef ARENA_EACH_ITS_OWN
#define ARENA_EACH_ITS_OWN 0
#endif

#define BLOCK_LEAST 4096u
#define BLOCK_MOST (256u << 10)

static void NORETURN out_of_memory(void)
{
	static const char text[] = "rollout-worker: out of memory\n";
	ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)ignored;
	abort();
}

static size_t product(size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		out_of_memory();
	return total;
}

void *xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	size_t total = product(n, size);
	void *p = calloc(1, total ? total : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *xrealloc(void *p, size_t size)
{
	void *q = realloc(p, size ? size : 1);

	if (!q)
		out_of_memory();
	return q;
}

char *xstrndup(const char *s, size_t n)
{
	char *p = xmalloc(n + 1);

	if (n)
		memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

char *xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&p, fmt, ap);
	va_end(ap);
	if (n < 0)
		out_of_memory();
	return p;
}

/* --- arena ----------------------------------------------------------------------------------- */

struct block {
	struct block *next;
	size_t used, size;
	_Alignas(max_align_t) char data[];
};

struct arena {
	struct block *first;
	size_t next_size;
};

struct arena *arena_new(void)
{
	struct arena *a = xcalloc(1, sizeof(*a));

	a->next_size = BLOCK_LEAST;
	return a;
}

void arena_clear(struct arena *a)
{
	struct block *b, *next;

	for (b = a->first; b; b = next) {
		next = b->next;
		free(b);
	}
	a->first = NULL;
	a->next_size = BLOCK_LEAST;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	arena_clear(a);
	free(a);
}

/* The new block stands first, or behind the first when that one has room left for others. */
static struct block *block_new(struct arena *a, size_t size, bool behind)
{
	struct block *b;
	size_t total;

	if (__builtin_add_overflow(size, sizeof(*b), &total))
		out_of_memory();
	b = xcalloc(1, total);
	b->size = size;
	if (behind && a->first) {
		b->next = a->first->next;
		a->first->next = b;
	} else {
		b->next = a->first;
		a->first = b;
	}
	return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	struct block *b = a->first;
	void *p;

	if (size > SIZE_MAX / 2)
		out_of_memory();
	if (ARENA_EACH_ITS_OWN) {
		b = block_new(a, size, false);
		b->used = size;
		return b->data;
	}
	size = (size + align - 1) / align * align;
	if (!b || size > b->size - b->used) {
		bool is_large = size >= a->next_size / 2;

		b = block_new(a, is_large ? size : a->next_size, is_large);
		if (!is_large && a->next_size < BLOCK_MOST)
			a->next_size *= 2;
	}
	p = b->data + b->used;
	b->used += size;
	return p;
}

void *arena_calloc(struct arena *a, size_t n, size_t size)
{
	return arena_alloc(a, product(n, size));
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *p = arena_alloc(a, n + 1);

	if (n)
		memcpy(p, s, n);
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		out_of_memory();
	p = arena_alloc(a, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

/* --- secrets --------------------------------------------------------------------------------- */

void mem_wipe(void *p, size_t n)
{
	if (n)
		explicit_bzero(p, n);
}

void secret_release(struct secret *s)
{
	if (s->p) {
		mem_wipe(s->p, s->n);
		free(s->p);
	}
	*s = (struct secret){0};
}

void secret_set(struct secret *s, const char *text, size_t n)
{
	char *p = n ? xstrndup(text, n) : NULL; /* text may be the old content */

	secret_release(s);
	s->p = p;
	s->n = n;
}

void secret_copy(struct secret *to, const struct secret *from)
{
	secret_set(to, from->p, from->n);
}

const char *secret_reveal(const struct secret *s)
{
	return s->p ? s->p : "";
}
