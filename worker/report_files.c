#include "worker/report_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/ledger_history.h"

int report_read(struct ledger *l, const char *rollout_id, struct utc now, struct arena *a,
		struct report *out, struct err *err)
{
	struct report_source src = {.now = now};
	struct ledger_rollout *rollout;
	struct ledger_note *notes;
	struct history_row *rows;

	if (ledger_rollout_get(l, rollout_id, a, &rollout, err))
		return -1;
	if (!rollout)
		return err_set(err, ERR_NOT_FOUND,
			       "there is no rollout %s in the ledger; status --all lists them",
			       rollout_id);
	if (ledger_notes(l, rollout_id, a, &notes, &src.n_notes, err) ||
	    ledger_history_get(l, rollout_id, HISTORY_KIND_COUNT, a, &rows, &src.n_rows, err))
		return -1;
	src.rollout = rollout;
	src.notes = notes;
	src.rows = rows;
	report_build(&src, a, out);
	return 0;
}

/* --- one file --------------------------------------------------------------------------------- */

static int put_file(int dir, const char *name, struct str text, struct err *err)
{
	static const char part[] = ".part";
	size_t done = 0;
	int fd = openat(dir, part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_set_sys(err, ERR_SYSTEM, errno, "write the report %s", name);
	while (done < text.n) {
		ssize_t n = write(fd, text.p + done, text.n - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (done < text.n || renameat(dir, part, dir, name)) {
		err_set_sys(err, ERR_SYSTEM, errno, "write the report %s", name);
		close(fd);
		unlinkat(dir, part, 0);
		return -1;
	}
	close(fd);
	return 0;
}

static int put_form(int dir, const struct report *r, const struct report_form *form,
		    struct err *err)
{
	char name[ROLLOUT_ID_MAX + 8];
	struct buf text;
	int rc;

	snprintf(name, sizeof(name), "%s.%s", r->rollout->id, form->ending);
	buf_init(&text, REPORT_BYTES_MAX);
	form->render(r, &text);
	rc = buf_check(&text, "the report", err);
	if (rc == 0)
		rc = put_file(dir, name, buf_str(&text), err);
	buf_release(&text);
	return rc;
}

/* --- what is old ------------------------------------------------------------------------------ */

struct kept {
	char name[ROLLOUT_ID_MAX + 8];
	int64_t changed_ms, bytes;
};

static int newest_first(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	if (x->changed_ms != y->changed_ms)
		return x->changed_ms > y->changed_ms ? -1 : 1;
	return strcmp(x->name, y->name);
}

static bool is_report(const char *name)
{
	struct str s = str_from(name);

	return s.p[0] != '.' && s.n < sizeof(((struct kept *)0)->name) &&
	       (str_ends(s, ".json") || str_ends(s, ".md") || str_ends(s, ".html"));
}

static struct kept *list(int dir, size_t *n)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct kept *files = NULL;
	struct dirent *e;
	size_t cap = 0;

	*n = 0;
	if (!d && fd >= 0)
		close(fd);
	while (d && (e = readdir(d))) {
		struct stat st;

		if (!is_report(e->d_name) || fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
		    !S_ISREG(st.st_mode))
			continue;
		if (*n == cap) {
			cap = cap ? cap * 2 : 64;
			files = xrealloc(files, cap * sizeof(*files));
		}
		str_copy(files[*n].name, sizeof(files[*n].name), str_from(e->d_name));
		files[*n].changed_ms =
			(int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
		files[(*n)++].bytes = (int64_t)st.st_size;
	}
	if (d)
		closedir(d);
	return files;
}

static void remove_old(int dir, int64_t keep)
{
	int64_t bytes = 0;
	size_t n;
	struct kept *files = list(dir, &n);

	if (n)
		qsort(files, n, sizeof(*files), newest_first);
	for (size_t i = 0; i < n; i++) {
		bytes += files[i].bytes;
		if ((int64_t)i >= keep * REPORT_FILE_COUNT || bytes > REPORT_FILES_BYTES)
			unlinkat(dir, files[i].name, 0);
	}
	free(files);
}

/* --- all of it -------------------------------------------------------------------------------- */

int report_files_write(const struct config *c, const struct report *r, struct err *err)
{
	struct buf path;
	int dir, rc;

	if (c->reports <= 0)
		return 0;
	if (!r->rollout->id[0] || r->rollout->id[0] == '.' || strchr(r->rollout->id, '/'))
		return err_set(err, ERR_UNSAFE, "\"%.64s\" is no name of a report", r->rollout->id);
	buf_init(&path, 4096);
	buf_addf(&path, "%s/reports", c->state_dir);
	if (mkdir(path.p, 0700) && errno != EEXIST)
		rc = err_set_sys(err, ERR_SYSTEM, errno, "create %s", path.p);
	else
		rc = 0;
	dir = rc ? -1 : open(path.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (rc == 0 && dir < 0)
		rc = err_set_sys(err, ERR_SYSTEM, errno, "open %s", path.p);
	buf_release(&path);
	if (rc)
		return -1;
	for (int i = 0; i < REPORT_FILE_COUNT && rc == 0; i++)
		rc = put_form(dir, r, &REPORT_FORMS[i], err);
	remove_old(dir, c->reports);
	close(dir);
	return rc;
}
