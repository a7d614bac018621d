#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/beneath.h"
#include "aws/ec2.h"
#include "aws/ssm.h"
#include "worker/target/auto_scaling.h"
#include "worker/target/auto_scaling_file.h"
#include "worker/target/artifact.h"

/*
 * What comes onto the instances: the image that a file of the artifact names, user data from the
 * artifact, or a script. User data and scripts are told where the revision is:
 *
 *   {{revision.url}}      s3://bucket/key of the artifact
 *   {{revision.bucket}}   {{revision.key}}   {{revision.version}} (may be empty)
 *   {{revision.sha256}}   of the artifact, hex
 *
 * No signed address: it would be a secret in the launch template, and instances that start next
 * month need one, too. They read it with their own role.
 */
#define PLACE "target.auto_scaling.install"
#define IMAGE_FILE_MAX (64 << 10)

/* --- the file -------------------------------------------------------------------------------- */

static size_t size_max(enum asg_install install)
{
	if (install == ASG_INSTALL_IMAGE)
		return IMAGE_FILE_MAX;
	return install == ASG_INSTALL_USER_DATA ? EC2_USER_DATA_MAX : SSM_SCRIPT_MAX;
}

/* The file's text, or NULL in text->p when there is none that could be read: *why says. */
static int read_fd(int fd, const struct stat *st, size_t max, struct arena *a, struct str *text,
		   const char **why, struct err *err)
{
	char *p;

	if (!S_ISREG(st->st_mode)) {
		*why = "it is no file";
		return 0;
	}
	if ((uint64_t)st->st_size > max) {
		*why = arena_printf(a, "it has %lld bytes, at most %zu fit", (long long)st->st_size,
				    max);
		return 0;
	}
	p = arena_alloc(a, (size_t)st->st_size + 1);
	if (target_artifact_read(fd, 0, p, (size_t)st->st_size, "a file of the artifact", err))
		return -1;
	*text = (struct str){p, (size_t)st->st_size};
	return 0;
}

static int read_file(const struct target_env *env, const struct target_artifact *artifact,
		     struct str *text, const char **why, struct err *err)
{
	const struct plan_auto_scaling *t = &env->plan->target.auto_scaling;
	struct stat st;
	int fd, rc;

	*text = (struct str){NULL, 0};
	if (target_artifact_open(artifact, t->install_path, &fd, &st, err))
		return -1;
	if (fd < 0) {
		*why = "there is no such file in the input artifact";
		return 0;
	}
	rc = read_fd(fd, &st, size_max(t->install), env->arena, text, why, err);
	close(fd);
	return rc;
}

/* --- image ----------------------------------------------------------------------------------- */

static bool is_image(struct str s)
{
	struct str id = str_sub(s, 4, s.n);

	if (!str_starts(s, "ami-") || (id.n != 8 && id.n != 17))
		return false;
	for (size_t i = 0; i < id.n; i++)
		if (!((id.p[i] >= '0' && id.p[i] <= '9') || (id.p[i] >= 'a' && id.p[i] <= 'f')))
			return false;
	return true;
}

/* {"ImageId":"ami-..."}; ImageURI is what imageDetail.json calls it. */
static const char *image_of(struct arena *a, struct str text, const char **why)
{
	struct err err = ERR_INIT;
	struct json *root;
	struct str id;

	if (json_parse(a, text, &root, &err)) {
		*why = arena_printf(a, "it is no JSON: %s", err.text);
		return NULL;
	}
	id = json_text(json_get(root, "ImageId"));
	if (!id.n)
		id = json_text(json_get(root, "ImageURI"));
	if (is_image(id))
		return id.p;
	*why = "it names no machine image: write {\"ImageId\": \"ami-0123456789abcdef0\"}";
	return NULL;
}

/* --- placeholders ---------------------------------------------------------------------------- */

/* What a shell reads as it stands, quoted or not. */
static bool is_plain(const char *s)
{
	for (; *s; s++)
		if (!strchr("/._-+=,@:%", *s) && !(*s >= '0' && *s <= '9') &&
		    !(*s >= 'a' && *s <= 'z') && !(*s >= 'A' && *s <= 'Z'))
			return false;
	return true;
}

/* NULL: no name of ours. Offline there is nothing to fill in. */
static const char *value_of(struct arena *a, const struct target_artifact *artifact,
			    struct str name)
{
	const char *bucket = artifact->bucket ? artifact->bucket : "";
	const char *key = artifact->key ? artifact->key : "";

	if (str_is(name, "revision.url"))
		return arena_printf(a, "s3://%s/%s", bucket, key);
	if (str_is(name, "revision.bucket"))
		return bucket;
	if (str_is(name, "revision.key"))
		return key;
	if (str_is(name, "revision.version"))
		return artifact->version_id ? artifact->version_id : "";
	if (str_is(name, "revision.sha256"))
		return artifact->sha256 ? artifact->sha256 : "";
	return NULL;
}

/* Fill in what is ours; other braces are somebody else's. NULL, and why, for a value that a shell
 * would not take as it stands. */
static const char *fill(struct arena *a, const struct target_artifact *artifact, struct str text,
			size_t max, const char **why)
{
	struct buf b;
	const char *out = NULL;

	buf_init(&b, max);
	while (text.n) {
		const char *open = memmem(text.p, text.n, "{{", 2), *close, *value;
		size_t before = open ? (size_t)(open - text.p) : text.n;

		buf_add(&b, text.p, before);
		text = str_sub(text, before, text.n);
		if (!text.n)
			break;
		close = memmem(text.p, text.n, "}}", 2);
		value = close ? value_of(a, artifact, str_sub(text, 2, (size_t)(close - text.p)))
			      : NULL;
		if (value && !is_plain(value)) {
			*why = arena_printf(a, "\"%.200s\" has characters that a shell would read",
					    value);
			buf_release(&b);
			return NULL;
		}
		if (value)
			buf_adds(&b, value);
		else
			buf_adds(&b, "{{");
		text = str_sub(text, value ? (size_t)(close - text.p) + 2 : 2, text.n);
	}
	if (b.over)
		*why = arena_printf(a, "filled in it has more than %zu bytes", max);
	else
		out = arena_strdup(a, b.p);
	buf_release(&b);
	return out;
}

/* --- the whole ------------------------------------------------------------------------------- */

int as_file_read(const struct target_env *env, const char **value, const char **why,
		 struct err *err)
{
	enum asg_install install = env->plan->target.auto_scaling.install;
	const struct target_artifact *artifact;
	struct str text;

	*value = NULL;
	if (target_artifact_get(env, &artifact, err) || read_file(env, artifact, &text, why, err))
		return -1;
	if (!text.p)
		return 0;
	if (memchr(text.p, '\0', text.n) || !str_trim(text).n) {
		*why = str_trim(text).n ? "it is no text" : "it is empty";
		return 0;
	}
	*value = install == ASG_INSTALL_IMAGE
			 ? image_of(env->arena, text, why)
			 : fill(env->arena, artifact, text, size_max(install), why);
	return 0;
}

int as_file_need(const struct target_env *env, const char **value, struct err *err)
{
	const char *why = "";

	if (as_file_read(env, value, &why, err))
		return -1;
	if (*value)
		return 0;
	return err_set(err, ERR_REJECTED, "%s: %.200s: %s", PLACE,
		       env->plan->target.auto_scaling.install_path, why);
}

int as_install_check(const struct target_env *env, struct problems *p, struct err *err)
{
	const struct plan_auto_scaling *t = &env->plan->target.auto_scaling;
	const char *value, *why = "";

	if (as_file_read(env, &value, &why, err))
		return -1;
	if (!value)
		problem_add(p, PLACE, t->install_path, "%s", why);
	return 0;
}

int as_install_version(const struct target_env *env, const struct rollout_state *s,
		       const struct as_record *r, int64_t *version, struct err *err)
{
	const struct plan_auto_scaling *t = &env->plan->target.auto_scaling;
	struct ec2_new_version v = {.of = {.id = r->template_id}, .source = r->template_version};
	const char *value;

	if (t->install == ASG_INSTALL_COMMAND) {
		*version = r->template_version;
		return 0;
	}
	if (as_file_need(env, &value, err))
		return -1;
	if (t->install == ASG_INSTALL_IMAGE)
		v.image_id = value;
	else
		v.user_data = str_from(value);
	v.description = arena_printf(env->arena, "rollout-worker %s", s->id);
	v.token = arena_printf(env->arena, "rollout-worker-%s", s->id);
	return ec2_create_template_version(&env->client, &v, env->arena, version, err);
}
