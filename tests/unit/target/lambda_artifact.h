#ifndef TESTS_UNIT_TARGET_LAMBDA_ARTIFACT_H
#define TESTS_UNIT_TARGET_LAMBDA_ARTIFACT_H

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/pack.h"
#include "artifacts/remove.h"
#include "aws/core/digest.h"
#include "tests/unit/target/lambda_world.h"

/* An unpacked artifact whose file is a zip, for tests that read the code of a function. */

static inline int give_artifact(void *arg, const struct target_artifact **out, struct err *err)
{
	struct world *w = arg;

	if (w->artifact.dir_fd < 0)
		return err_set(err, ERR_NOT_FOUND, "the artifact is gone");
	*out = &w->artifact;
	return 0;
}

static inline void put_file(struct world *w, const char *name, struct str bytes)
{
	int fd = openat(w->artifact.dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.p, bytes.n), bytes.n);
	close(fd);
}

/* The bytes of a zip that holds one file with this text. */
static inline struct str zip_of(struct world *w, const char *text)
{
	struct pack_entry entry = {.name = "index.js", .bytes = str_from(text)};
	struct buf b;
	struct str zip;

	buf_init(&b, 65536);
	assert_int_equal(pack_entries(&entry, 1, &b, &w->err), 0);
	zip = (struct str){arena_strndup(w->f->arena, b.p, b.n), b.n};
	buf_release(&b);
	return zip;
}

static inline const char *base64(struct world *w, struct str bytes)
{
	const char *text;
	struct buf b;

	buf_init(&b, 1u << 20);
	base64_encode(&b, (const uint8_t *)bytes.p, bytes.n);
	text = arena_strdup(w->f->arena, b.p);
	buf_release(&b);
	return text;
}

static inline const char *code_sha(struct world *w, struct str zip)
{
	uint8_t digest[SHA256_SIZE];

	sha256(zip, digest);
	return base64(w, (struct str){(const char *)digest, sizeof(digest)});
}

static inline void set_artifact_file(struct world *w, struct str bytes)
{
	put_file(w, "artifact", bytes);
	close(w->artifact.file_fd);
	w->artifact.file_fd = openat(w->artifact.dir_fd, "artifact", O_RDONLY | O_CLOEXEC);
	w->artifact.file_size = bytes.n;
	assert_true(w->artifact.file_fd >= 0);
}

static inline int artifact_set_up(void **state)
{
	struct world *w;

	lambda_world_set_up(state);
	w = *state;
	strcpy(w->dir, "/tmp/test-lambda-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	w->artifact.dir_fd = open(w->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(w->artifact.dir_fd >= 0);
	w->artifact.bucket = "b";
	w->artifact.key = "pipeline/build/abc.zip";
	w->env.artifact = give_artifact;
	w->env.artifact_arg = w;
	set_artifact_file(w, zip_of(w, "version 8"));
	return 0;
}

static inline int artifact_tear_down(void **state)
{
	struct world *w = *state;

	assert_int_equal(remove_content(w->artifact.dir_fd, &w->err), 0);
	assert_int_equal(rmdir(w->dir), 0);
	close(w->artifact.file_fd);
	close(w->artifact.dir_fd);
	return world_tear_down(state);
}

#endif
