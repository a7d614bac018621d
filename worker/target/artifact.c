#include "worker/target/artifact.h"

#include <string.h>
#include <unistd.h>

int target_artifact_get(const struct target_env *env, const struct target_artifact **out,
			struct err *err)
{
	if (!env->artifact)
		return err_set(err, ERR_REJECTED, "the action has no input artifact to deploy");
	return env->artifact(env->artifact_arg, out, err);
}

/* A zip begins with an entry, or with its end when it is empty (APPNOTE 4.3.7, 4.3.16). */
bool target_artifact_is_zip(int fd)
{
	char magic[4];

	return pread(fd, magic, sizeof(magic), 0) == sizeof(magic) &&
	       (!memcmp(magic, "PK\3\4", 4) || !memcmp(magic, "PK\5\6", 4));
}
