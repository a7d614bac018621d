#include "worker/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "worker/report_files.h"

/* The report of a rollout, from the ledger: while it runs, and after it has ended. */

typedef void render_fn(const struct report *r, struct buf *out);

static render_fn *form_of(const struct options *o)
{
	const char *wanted = o->format ? o->format : o->json ? "json" : "text";

	for (size_t i = 0; i < REPORT_FORM_COUNT; i++)
		if (!strcmp(wanted, REPORT_FORMS[i].name))
			return REPORT_FORMS[i].render;
	cli_say(CLI_USAGE, "--format %s: it is text, json, markdown or html", wanted);
	return NULL;
}

static enum exit_status write_file(const char *path, const struct buf *b)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t done = 0;
	ssize_t n = 0;
	struct err err = ERR_INIT;

	if (b->over)
		n = -1;
	while (fd >= 0 && n >= 0 && done < b->n) {
		n = write(fd, b->p + done, b->n - done);
		done += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0 && n >= 0 && close(fd) == 0)
		return CLI_OK;
	err_set_sys(&err, ERR_SYSTEM, errno, "--output %s", path);
	return cli_say(CLI_FAILED, "%s", err.text);
}

static enum exit_status show(const struct options *o, struct ledger *l, const struct config *c,
			     struct arena *a, render_fn *render)
{
	struct clock *clock = cli_clock_new(c);
	struct utc now = clock_utc(clock);
	enum exit_status status;
	struct err err = ERR_INIT;
	struct report report;
	struct buf out;

	cli_clock_free(clock);
	if (report_read(l, o->id, now, a, &report, &err))
		return cli_say(CLI_FAILED, "%s", err.text);
	buf_init(&out, REPORT_BYTES_MAX);
	render(&report, &out);
	status = o->output ? write_file(o->output, &out) : cli_print(&out);
	buf_release(&out);
	return status;
}

enum exit_status cli_report(const struct options *o)
{
	render_fn *render = form_of(o);
	enum exit_status status = CLI_USAGE;
	struct arena *a;
	struct config config;
	struct ledger *l;

	if (!render)
		return CLI_USAGE;
	a = arena_new();
	l = cli_ledger_open(o, a, &config, &status);
	if (l)
		status = show(o, l, &config, a, render);
	ledger_close(l);
	arena_free(a);
	return status;
}
