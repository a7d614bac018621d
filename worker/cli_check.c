#include "worker/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/beneath.h"
#include "artifacts/unpack_child.h"
#include "artifacts/workspace.h"
#include "aws/core/rng.h"
#include "aws/readfile.h"
#include "worker/rollout/handle.h"

/*
 * `check`: everything that can be known without asking AWS. The plan is read the way a job's is:
 * the same reader, the same defaults for its file, the artifact unpacked under the same limits.
 */

/* --- the artifact ----------------------------------------------------------------------------- */

static int make_workspace(struct cli_input *in, struct err *err)
{
	const char *tmp = getenv("TMPDIR");

	in->temp_dir = xasprintf("%s/rollout-worker-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(in->temp_dir)) {
		err_set_sys(err, ERR_SYSTEM, errno, "create a directory %s", in->temp_dir);
		free(in->temp_dir);
		in->temp_dir = NULL;
		return -1;
	}
	in->temp_fd = open(in->temp_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (in->temp_fd < 0)
		return err_set_sys(err, ERR_SYSTEM, errno, "open %s", in->temp_dir);
	return workspace_create(in->temp_fd, rng_system(), in->workspace, err);
}

static bool is_about_the_artifact(const struct err *err)
{
	return err->code == ERR_MALFORMED || err->code == ERR_LIMIT || err->code == ERR_UNSAFE ||
	       err->code == ERR_REJECTED;
}

static int open_artifact(struct cli_input *in, const char *path, struct err *err)
{
	struct target_artifact *t = &in->artifact;
	struct stat st;

	t->file_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (t->file_fd < 0 || fstat(t->file_fd, &st))
		return err_set_sys(err, ERR_SYSTEM, errno, "open the artifact %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_SYSTEM, "the artifact %s is not a file", path);
	t->file_size = (uint64_t)st.st_size;
	t->bucket = "";
	t->key = path;
	t->sha256 = "";
	return 0;
}

static int read_artifact(struct cli_input *in, const char *path, struct problems *problems,
			 struct err *err)
{
	const struct unpack_child child = {.confinement = in->config->unpack_confinement,
					   .program = UNPACK_CHILD_SELF,
					   .clock = clock_system()};
	struct target_artifact *t = &in->artifact;
	struct confine_report report;
	struct unpack_stats stats;

	if (open_artifact(in, path, err) || make_workspace(in, err))
		return -1;
	if (t->file_size > (uint64_t)in->config->artifact_max_bytes) {
		problem_add(problems, path, NULL, "%llu bytes; artifact_max_size is %lld",
			    (unsigned long long)t->file_size,
			    (long long)in->config->artifact_max_bytes);
		return 0;
	}
	t->dir_fd = workspace_subdir(in->workspace, "artifact", err);
	if (t->dir_fd < 0)
		return -1;
	if (unpack_in_child(&child, t->file_fd, t->dir_fd, &in->config->unpack, &stats, &report,
			    err) == 0) {
		in->has_artifact = true;
		return 0;
	}
	if (!is_about_the_artifact(err))
		return err_wrap(err, "unpack %s", path);
	problem_add(problems, path, NULL, "%s", err->text);
	return 0;
}

/* --- the plan --------------------------------------------------------------------------------- */

static int read_fd(int fd, const char *name, struct cli_input *in, struct str *text,
		   struct err *err)
{
	char block[16384];
	struct buf b;
	ssize_t n;
	int rc;

	buf_init(&b, LIMIT_PLAN_BYTES);
	do {
		n = read(fd, block, sizeof(block));
		if (n > 0)
			buf_add(&b, block, (size_t)n);
	} while ((n > 0 && !b.over) || (n < 0 && errno == EINTR));
	rc = n < 0 ? err_set_sys(err, ERR_SYSTEM, errno, "read %s", name)
		   : buf_check(&b, name, err);
	if (rc == 0)
		*text = (struct str){arena_strndup(in->arena, b.p, b.n), b.n};
	buf_release(&b);
	return rc;
}

/* The plan file in the artifact: the one that is named, or the first of the defaults. */
static int plan_from_artifact(struct cli_input *in, const struct options *o,
			      struct plan_source *src, struct problems *problems, struct err *err)
{
	const char *named = plan_file_of(in->arena, o->properties, o->n_properties);
	const char *const names[] = {named ? named : "rollout.yaml", named ? NULL : "rollout.json"};
	struct stat st;
	int fd, rc;

	for (size_t i = 0; i < 2 && names[i]; i++) {
		fd = beneath_open(in->artifact.dir_fd, names[i], O_RDONLY, 0, false);
		if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
			continue;
		if ((fd < 0 && !beneath_blames_path(errno)) || (fd >= 0 && fstat(fd, &st))) {
			rc = err_set_sys(err, ERR_SYSTEM, errno, "open %s of the artifact",
					 names[i]);
		} else if (fd < 0 || !S_ISREG(st.st_mode)) {
			problem_add(problems, "Plan", names[i], "not a file inside the artifact");
			rc = 0;
		} else {
			src->file_name = names[i];
			rc = read_fd(fd, names[i], in, &src->file_text, err);
		}
		if (fd >= 0)
			close(fd);
		return rc;
	}
	if (named)
		problem_add(problems, "Plan", named, "there is no such file in the artifact");
	return 0;
}

static int plan_from_file(struct cli_input *in, const char *path, struct plan_source *src,
			  struct err *err)
{
	struct buf b;
	int rc;

	buf_init(&b, LIMIT_PLAN_BYTES);
	rc = aws_read_file(path, &b, err);
	if (rc == 0) {
		src->file_name = path;
		src->file_text = (struct str){arena_strndup(in->arena, b.p, b.n), b.n};
	}
	buf_release(&b);
	return rc;
}

static int give_artifact(void *arg, const struct target_artifact **out, struct err *err)
{
	struct cli_input *in = arg;

	(void)err;
	*out = &in->artifact;
	return 0;
}

/* What a target can say about its part of the artifact without AWS. */
static int check_code(struct cli_input *in, struct problems *problems, struct err *err)
{
	struct target_env env = {.arena = in->arena,
				 .plan = in->plan,
				 .artifact = give_artifact,
				 .artifact_arg = in};
	const struct target_ops *ops = target_of(in->plan->target.kind);

	return in->has_artifact && ops->check_artifact ? ops->check_artifact(&env, problems, err)
						       : 0;
}

int cli_input_read(struct cli_input *in, const struct options *o, struct problems *problems,
		   struct err *err)
{
	struct plan_source src = {.properties = o->properties, .n_properties = o->n_properties};
	enum mode mode;
	size_t before;

	in->artifact.dir_fd = in->artifact.file_fd = in->temp_fd = -1;
	in->workspace = xcalloc(1, sizeof(*in->workspace));
	*in->workspace = WORKSPACE_INIT;
	in->given = o->plan || o->artifact || o->n_properties;
	if (!in->given)
		return 0;
	(void)mode_of(o->properties, o->n_properties, &mode); /* what is no mode the plan says */
	if (mode == MODE_PROMOTE || mode == MODE_ROLLBACK) {
		handle_check(o->properties, o->n_properties, problems);
		return 0;
	}
	if (o->artifact && read_artifact(in, o->artifact, problems, err))
		return -1;
	before = problems->n_errors;
	if (o->plan && plan_from_file(in, o->plan, &src, err))
		return -1;
	if (!o->plan && in->has_artifact && plan_from_artifact(in, o, &src, problems, err))
		return -1;
	if (!o->plan && o->artifact && (!in->has_artifact || problems->n_errors != before))
		return 0; /* without the file the rest would only mislead */
	if (plan_read(in->arena, &src, &in->plan, problems)) {
		in->plan = NULL;
		return 0;
	}
	return check_code(in, problems, err);
}

void cli_input_release(struct cli_input *in)
{
	struct err err = ERR_INIT;

	if (in->artifact.dir_fd >= 0)
		close(in->artifact.dir_fd);
	if (in->artifact.file_fd >= 0)
		close(in->artifact.file_fd);
	if (in->workspace && workspace_remove(in->workspace, &err))
		cli_say(CLI_FAILED, "%s", err.text);
	free(in->workspace);
	if (in->temp_fd >= 0)
		close(in->temp_fd);
	if (in->temp_dir && rmdir(in->temp_dir))
		cli_say(CLI_FAILED, "%s is left behind", in->temp_dir);
	free(in->temp_dir);
}

/* --- the command ------------------------------------------------------------------------------ */

static void print_problems(const struct problems *p, struct buf *out)
{
	for (const struct problem *i = p->first; i; i = i->next) {
		buf_adds(out, i->is_warning ? "warning: " : "");
		cli_add_clean(out, i->text);
		buf_addc(out, '\n');
	}
}

static enum exit_status check(const struct options *o, struct arena *a, struct buf *out)
{
	struct problems config_problems, problems;
	struct cli_input in = {.arena = a};
	struct err err = ERR_INIT;
	struct config config;
	enum exit_status status = CLI_OK;

	problems_init(&config_problems, a);
	problems_init(&problems, a);
	if (cli_config(o, a, &config, &config_problems, &err)) {
		if (!config_problems.n_errors)
			return cli_say(CLI_CONFIG, "%s", err.text);
		status = CLI_CONFIG;
	}
	in.config = &config;
	if (cli_input_read(&in, o, &problems, &err))
		status = cli_say(CLI_FAILED, "%s", err.text);
	else if (problems.n_errors && status == CLI_OK)
		status = CLI_FAILED;
	cli_input_release(&in);
	print_problems(&config_problems, out);
	print_problems(&problems, out);
	if (status == CLI_OK)
		buf_adds(out, "ok\n");
	return status;
}

enum exit_status cli_check(const struct options *o)
{
	struct arena *a = arena_new();
	enum exit_status status, printed;
	struct buf out;

	buf_init(&out, CLI_OUTPUT_MAX);
	status = check(o, a, &out);
	printed = cli_print(&out);
	buf_release(&out);
	arena_free(a);
	return status == CLI_OK ? printed : status;
}
