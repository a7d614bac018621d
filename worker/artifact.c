#include "worker/artifact.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/beneath.h"
#include "artifacts/fetch.h"
#include "artifacts/unpack_child.h"
#include "artifacts/workspace.h"
#include "worker/worker.h"

#define CREDENTIALS_FRESH_MS (5 * 60 * 1000) /* they live about 15 minutes */

struct artifact {
	struct worker *worker;
	struct job *job;
	struct arena *arena;
	struct workspace workspace;
	struct fetched fetched;
	int dir_fd;
	struct target_artifact view;
};

/* S3 says that the credentials have expired: GetJobDetails gives new ones. */
static int refresh(void *arg, struct aws_client *client, struct err *err)
{
	struct artifact *a = arg;

	if (job_refresh(a->worker, a->job, 0, err))
		return -1;
	client->credentials = a->job->artifact_credentials;
	return 0;
}

static int download(struct artifact *a, const struct cp_artifact *input, struct err *err)
{
	struct worker *w = a->worker;
	struct aws_client client = w->client;
	struct fetch f = {.bucket = input->bucket,
			  .key = input->key,
			  .workspace = &a->workspace,
			  .max_bytes = w->config->artifact_max_bytes,
			  .refresh = refresh,
			  .refresh_arg = a};

	if (!input->bucket || !input->key)
		return err_set(err, ERR_REJECTED, "input artifact %s has no S3 location",
			       input->name);
	if (job_refresh(w, a->job, CREDENTIALS_FRESH_MS, err))
		return -1;
	client.watch = a->job->watch;
	if (a->job->artifact_credentials)
		client.credentials = a->job->artifact_credentials;
	return fetch(&client, &f, a->arena, &a->fetched, err);
}

/* What is missing was asked for. */
static void warn_degraded(struct worker *w, const struct confine_report *report)
{
	char missing[CONFINE_MISSING_SIZE];

	if (w->unpack_child.confinement == UNPACK_CONFINEMENT_OFF ||
	    !confine_missing(report, missing)[0])
		return;
	log_event(w->log, LOG_WARN, "unpack.degraded", LOG_S("confined", confine_mode(report)),
		  LOG_S("missing", missing));
}

int artifact_probe(struct worker *w, struct err *err)
{
	struct confine_report report;
	char missing[CONFINE_MISSING_SIZE];

	if (unpack_child_probe(&w->unpack_child, w->work_fd, &report, err))
		return err_wrap(err, "unpack_confinement");
	log_event(w->log, LOG_INFO, "unpack.confinement", LOG_S("confined", confine_mode(&report)),
		  LOG_I("landlock_abi", report.landlock_abi),
		  LOG_S("missing", confine_missing(&report, missing)),
		  LOG_I("errno", report.sys));
	warn_degraded(w, &report);
	return 0;
}

static int unpack_it(struct artifact *a, struct err *err)
{
	struct worker *w = a->worker;
	struct unpack_limits limits = w->config->unpack;
	struct confine_report report;
	struct unpack_stats stats;
	int rc;

	limits.cancel = w->cancel;
	a->dir_fd = workspace_subdir(&a->workspace, "artifact", err);
	if (a->dir_fd < 0)
		return -1;
	rc = unpack_in_child(&w->unpack_child, a->fetched.fd, a->dir_fd, &limits, &stats, &report,
			     err);
	if (rc)
		return -1;
	warn_degraded(w, &report);
	log_event(w->log, LOG_DEBUG, "artifact.unpacked", LOG_S("format", stats.format),
		  LOG_I("files", (int64_t)stats.files), LOG_I("bytes", (int64_t)stats.bytes),
		  LOG_S("confined", confine_mode(&report)));
	return 0;
}

struct artifact *artifact_open(struct worker *w, struct job *j, struct err *err)
{
	const struct cp_artifact *input = j->inputs;
	struct artifact *a;

	if (j->n_inputs == 0) {
		err_set(err, ERR_REJECTED, "the action has no input artifact");
		return NULL;
	}
	a = xcalloc(1, sizeof(*a));
	a->worker = w;
	a->job = j;
	a->arena = arena_new();
	a->workspace = WORKSPACE_INIT;
	a->fetched.fd = -1;
	a->dir_fd = -1;
	if (workspace_create(w->work_fd, w->aws->rng, &a->workspace, err) ||
	    download(a, input, err) || unpack_it(a, err)) {
		err_wrap(err, "input artifact %s (s3://%s/%s)", input->name,
			 input->bucket ? input->bucket : "", input->key ? input->key : "");
		artifact_close(a);
		return NULL;
	}
	a->view = (struct target_artifact){.dir_fd = a->dir_fd,
					   .file_fd = a->fetched.fd,
					   .file_size = a->fetched.size,
					   .bucket = input->bucket,
					   .key = input->key,
					   .version_id = a->fetched.version_id,
					   .sha256 = a->fetched.sha256};
	return a;
}

void artifact_close(struct artifact *a)
{
	struct err err = ERR_INIT;

	if (!a)
		return;
	if (a->fetched.fd >= 0)
		close(a->fetched.fd);
	if (a->dir_fd >= 0)
		close(a->dir_fd);
	if (workspace_remove(&a->workspace, &err))
		log_event(a->worker->log, LOG_WARN, "workspace.not_removed", LOG_E(&err));
	arena_free(a->arena);
	free(a);
}

const struct target_artifact *artifact_view(const struct artifact *a)
{
	return &a->view;
}

int artifact_read(const struct artifact *a, const char *path, size_t max, struct arena *arena,
		  struct str *out, struct err *err)
{
	struct stat st;
	ssize_t n = 0;
	char *text;
	int fd;

	fd = beneath_open(a->dir_fd, path, O_RDONLY | O_CLOEXEC, 0, false);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return err_set_sys(err, ERR_NOT_FOUND, errno, "%s", path);
	if (fd < 0)
		return err_set_sys(err, beneath_blames_path(errno) ? ERR_UNSAFE : ERR_SYSTEM, errno,
				   "open %s of the input artifact", path);
	if (fstat(fd, &st)) {
		err_set_sys(err, ERR_SYSTEM, errno, "open %s of the input artifact", path);
		close(fd);
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(err, ERR_REJECTED, "%s: not a file", path);
	}
	if ((uint64_t)st.st_size > max) {
		close(fd);
		return err_set(err, ERR_LIMIT, "%s: larger than %zu bytes", path, max);
	}
	text = arena_alloc(arena, (size_t)st.st_size + 1);
	while (n < st.st_size) {
		ssize_t m = read(fd, text + n, (size_t)(st.st_size - n));

		if (m < 0 && errno == EINTR)
			continue;
		if (m <= 0)
			break;
		n += m;
	}
	close(fd);
	if (n != st.st_size)
		return err_set(err, ERR_SYSTEM, "%s: cannot be read", path);
	*out = (struct str){text, (size_t)n};
	return 0;
}
