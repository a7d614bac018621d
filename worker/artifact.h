#ifndef WORKER_ARTIFACT_H
#define WORKER_ARTIFACT_H

#include "worker/target/target.h"

struct worker;
struct job;

/*
 * The input artifact of a job: downloaded with the job's own credentials, unpacked into a private
 * workspace, kept while the job is held.
 */
struct artifact;

/*
 * At start: see, and log, how far the process that unpacks can be confined on this machine. -1 when
 * the configuration asks for more.
 */
int artifact_probe(struct worker *w, struct err *err) MUST_CHECK;

/*
 * Download and unpack the job's first input artifact. ERR_NOT_FOUND: the job has none. Other errors
 * say which object, and what to do. Blocks for as long as that takes.
 */
struct artifact *artifact_open(struct worker *w, struct job *j, struct err *err);
void artifact_close(struct artifact *a); /* removes the workspace; NULL does nothing */

const struct target_artifact *artifact_view(const struct artifact *a);

/*
 * Read a small file of the artifact into the arena. path is relative, without "..". ERR_NOT_FOUND,
 * ERR_LIMIT, ERR_UNSAFE.
 */
int artifact_read(const struct artifact *a, const char *path, size_t max, struct arena *arena,
		  struct str *out, struct err *err) MUST_CHECK;

#endif
