#ifndef WORKER_TARGET_AUTO_SCALING_FILE_H
#define WORKER_TARGET_AUTO_SCALING_FILE_H

#include "worker/target/target.h"

/*
 * The file of the artifact that says what is new: for auto_scaling_install.c and
 * auto_scaling_command.c only. Blocks while the artifact is fetched.
 *
 * *value gets the image's id, or the text with its placeholders filled in; NULL, with *why, when
 * the file is not there or no good. -1 when the artifact could not be read.
 */
int as_file_read(const struct target_env *env, const char **value, const char **why,
		 struct err *err) MUST_CHECK;
/* The same; ERR_REJECTED when the file is no good. */
int as_file_need(const struct target_env *env, const char **value, struct err *err) MUST_CHECK;

#endif
