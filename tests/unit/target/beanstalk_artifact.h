#ifndef TESTS_UNIT_TARGET_BEANSTALK_ARTIFACT_H
#define TESTS_UNIT_TARGET_BEANSTALK_ARTIFACT_H

#include "artifacts/pack.h"
#include "artifacts/remove.h"
#include "aws/core/digest.h"
#include "tests/unit/target/beanstalk_world.h"

/* An unpacked artifact with a file, a folder and a zip in it, for tests that read bundles. */

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

/* The bytes of a zip that holds app.py with this text. */
static inline struct str zip_of(struct world *w, const char *text)
{
	struct pack_entry entry = {.name = "app.py", .bytes = str_from(text)};
	struct buf b;
	struct str zip;

	buf_init(&b, 65536);
	assert_int_equal(pack_entries(&entry, 1, &b, &w->err), 0);
	zip = (struct str){arena_strndup(w->f->arena, b.p, b.n), b.n};
	buf_release(&b);
	return zip;
}

/* The label of a bundle with these bytes. */
static inline const char *label_of(struct world *w, struct str bytes)
{
	char hex[SHA256_HEX_SIZE];

	sha256_hex(bytes, hex);
	return arena_printf(w->f->arena, "rw-%.24s", hex);
}

static inline void set_artifact_file(struct world *w, struct str bytes)
{
	put_file(w, "artifact", bytes);
	if (w->artifact.file_fd >= 0)
		close(w->artifact.file_fd);
	w->artifact.file_fd = openat(w->artifact.dir_fd, "artifact", O_RDONLY | O_CLOEXEC);
	w->artifact.file_size = bytes.n;
	assert_true(w->artifact.file_fd >= 0);
}

static inline int artifact_set_up(void **state)
{
	struct world *w;

	eb_world_set_up(state);
	w = *state;
	strcpy(w->dir, "/tmp/test-bundle-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	w->artifact.dir_fd = open(w->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(w->artifact.dir_fd >= 0);
	w->artifact.bucket = "pipeline";
	w->artifact.key = "shop/build/abc.zip";
	w->env.artifact = give_artifact;
	w->env.artifact_arg = w;
	set_artifact_file(w, zip_of(w, "v2"));
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
