#include "worker/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* What the commands share: the configuration, and how results and messages are printed. */

int cli_config(const struct options *o, struct arena *a, struct config *c,
	       struct problems *problems, struct err *err)
{
	struct aws_env env = aws_env_process();

	if (o->config)
		return config_load(a, o->config, &env, o->flags, o->n_flags, c, problems, err);
	if (config_load(a, CLI_CONFIG_PATH, &env, o->flags, o->n_flags, c, problems, err) == 0)
		return 0;
	if (err->code != ERR_NOT_FOUND)
		return -1;
	return config_load(a, NULL, &env, o->flags, o->n_flags, c, problems, err);
}

int cli_config_or_say(const struct options *o, struct arena *a, struct config *c)
{
	struct problems problems;
	struct err err = ERR_INIT;

	problems_init(&problems, a);
	if (cli_config(o, a, c, &problems, &err) == 0)
		return 0;
	for (const struct problem *p = problems.first; p; p = p->next)
		cli_say(CLI_CONFIG, "%s", p->text);
	if (!problems.n_errors)
		cli_say(CLI_CONFIG, "%s", err.text);
	return -1;
}

/* The last place where something could reach a terminal: whatever was forgotten is caught here. */
enum exit_status cli_print(const struct buf *b)
{
	struct buf shown;
	bool written;

	if (b->over)
		return cli_say(CLI_FAILED, "the output is larger than %zu bytes", b->max);
	buf_init(&shown, b->max);
	buf_add_shown(&shown, buf_str(b));
	written = fwrite(shown.p, 1, shown.n, stdout) == shown.n && !fflush(stdout);
	buf_release(&shown);
	return written ? CLI_OK : cli_say(CLI_FAILED, "standard output cannot be written");
}

enum exit_status cli_say(enum exit_status status, const char *fmt, ...)
{
	char text[2048], clean[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	str_copy_clean(clean, sizeof(clean), str_from(text));
	fprintf(stderr, "rollout-worker: %s\n", clean);
	return status;
}

void cli_add_clean(struct buf *out, const char *text)
{
	size_t size = text ? strlen(text) * 3 + 1 : 0;
	char *clean;

	if (!text || !*text) {
		buf_addc(out, '-');
		return;
	}
	clean = xmalloc(size);
	str_copy_clean(clean, size, str_from(text));
	buf_adds(out, clean);
	free(clean);
}

const char *cli_ledger_path(struct arena *a, const struct config *c)
{
	return arena_printf(a, "%s/ledger.db", c->state_dir);
}

struct clock *cli_clock_new(const struct config *c)
{
	struct utc origin;
	double speed;

	if (c->test_clock && config_clock_parse(str_from(c->test_clock), &origin, &speed))
		return clock_scaled_new(origin, speed);
	return clock_system();
}

void cli_clock_free(struct clock *clock)
{
	if (clock != clock_system())
		free(clock);
}

enum exit_status cli_help(void)
{
	enum exit_status status;
	struct buf out;

	buf_init(&out, CLI_OUTPUT_MAX);
	options_help(&out);
	status = cli_print(&out);
	buf_release(&out);
	return status;
}

enum exit_status cli_version(void)
{
	enum exit_status status;
	struct buf out;

	buf_init(&out, CLI_OUTPUT_MAX);
	buf_adds(&out, "rollout-worker " ROLLOUT_WORKER_VERSION "\n");
	status = cli_print(&out);
	buf_release(&out);
	return status;
}

enum exit_status cli_example(void)
{
	enum exit_status status;
	struct buf out;

	buf_init(&out, CLI_OUTPUT_MAX);
	config_example(&out);
	status = cli_print(&out);
	buf_release(&out);
	return status;
}
