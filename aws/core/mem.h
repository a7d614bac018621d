#ifndef AWS_CORE_MEM_H
#define AWS_CORE_MEM_H

#include <stddef.h>

#include "aws/core/attr.h"

/*
 * Memory. Small allocations abort the process on failure: we are supervised and recover from a
 * crash by design. Whatever is sized from outside has a limit of its own (limits.h) and fails with
 * ERR_LIMIT before it gets here.
 */
void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);	   /* zeroed; aborts when n * size overflows */
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);

/*
 * An arena: everything allocated from it vanishes at once. One arena serves one turn; parsed
 * answers, strings and temporary lists live in it. Not thread-safe: one thread uses it at a time.
 * Under a sanitizer every object is its own malloc, so that overruns are seen.
 */
struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a);  /* arena_free(NULL) does nothing */
void arena_clear(struct arena *a); /* frees the content; the arena is usable again */

void *arena_alloc(struct arena *a, size_t size);	     /* zeroed, aligned for any type */
void *arena_calloc(struct arena *a, size_t n, size_t size);  /* aborts when n * size overflows */
char *arena_strndup(struct arena *a, const char *s, size_t n); /* NUL-terminated copy */
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Typed forms: `struct step *s = arena_array(a, struct step, n);` */
#define arena_new_of(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define arena_array(a, type, n) ((type *)arena_calloc((a), (n), sizeof(type)))

/*
 * Text that must never be printed: keys, tokens, secret configuration values. No formatter takes
 * this type; secret_reveal() is the one door, easy to search for. Content is wiped on release.
 * A zeroed struct is an empty secret. The text is NUL-terminated when it is not empty.
 */
struct secret {
	char *p;
	size_t n;
};

void secret_set(struct secret *s, const char *text, size_t n); /* replaces and wipes the old */
void secret_copy(struct secret *to, const struct secret *from);
void secret_release(struct secret *s);			       /* twice is harmless */
const char *secret_reveal(const struct secret *s);	       /* never NULL; "" when empty */

/* Overwrite memory in a way the compiler may not remove. */
void mem_wipe(void *p, size_t n);

#endif
