#ifndef TESTS_FUZZ_SUPPORT_H
#define TESTS_FUZZ_SUPPORT_H

#include "aws/call.h"
#include "tests/fuzz/fuzz.h"

/*
 * What harnesses share: a client of AWS whose answers are the input, and what holds of every error.
 */
struct fuzz_aws {
	struct http http;
	struct clock clock;
	struct rng_seeded rng;
	struct aws_settings settings;
	struct aws *aws;
	struct credentials_provider *credentials;
	struct aws_client client;
	struct arena *arena;
	struct str answers; /* what has not been given out yet */
	int64_t now_ms;
	size_t n_sent;
};

/*
 * Each request gets the next of the answers: status line, header lines, an empty line, the body, up
 * to a line FUZZ_NEXT. When there are no more, the connection breaks. Waiting costs nothing.
 */
#define FUZZ_NEXT "=====\n"
#define FUZZ_NOW_MS 1767323045000 /* 2026-01-02T03:04:05Z */
struct fuzz_aws *fuzz_aws_new(struct str answers);
void fuzz_aws_free(struct fuzz_aws *f);

/* Cut off the first line, and the FUZZ_NEXT of an input of several parts. */
struct str fuzz_line(struct str *input);
struct str fuzz_part(struct str *input);

/*
 * After a call that returned rc: an error has a code and one line of text, a success has none.
 * fuzz_texts() reads every one of the texts to its end (NULL is none), so that a sanitizer sees it.
 */
void fuzz_check_err(int rc, const struct err *err);
void fuzz_texts(size_t n, const char *const *texts);
#define FUZZ_TEXTS(...)                                                         \
	fuzz_texts(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), \
		   (const char *const[]){__VA_ARGS__})

/*
 * A harness of client functions: the first line of its input names a call, the rest are the
 * answers. calls ends with a NULL name.
 */
struct fuzz_call {
	const char *name;
	int (*run)(struct fuzz_aws *f, struct err *err); /* makes the call and checks a success */
};
void fuzz_run_call(const struct fuzz_call *calls, const uint8_t *data, size_t size);

#endif
