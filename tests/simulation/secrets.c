#include "tests/simulation/stage.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * Keys that were handed out, and whether one of them stands in what a worker wrote: log, ledger,
 * tokens, reports.
 */

static void keep_secret(struct stage *s, struct str text)
{
	for (int i = 0; i < s->n_secrets; i++)
		if (str_is(text, s->secrets[i]))
			return;
	if (s->n_secrets < STAGE_SECRETS_MAX && text.n >= 16)
		s->secrets[s->n_secrets++] = str_dup(s->arena, text);
}

/* Every answer that hands out a key is read by the judge's side, too. */
void secrets_learn(struct stage *s, const struct fleet_call *c)
{
	static const char *const keys[] = {"secretAccessKey\"", "sessionToken\"", "\"Token\"",
					   "SecretAccessKey\""};
	const char *body = c->response->body.p;

	if (!body || c->response->status != 200)
		return;
	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
		for (const char *at = body; (at = strstr(at, keys[k]));) {
			at += strlen(keys[k]);
			at += strspn(at, " :");
			if (*at == '"')
				keep_secret(s, (struct str){at + 1, strcspn(at + 1, "\"")});
		}
}

static const char *secret_in(const struct stage *s, const char *text, size_t n)
{
	for (int i = 0; i < s->n_secrets; i++)
		if (memmem(text, n, s->secrets[i], strlen(s->secrets[i])))
			return s->secrets[i];
	return NULL;
}

static void check_text(struct stage *s, const char *where, const char *text, size_t n)
{
	judge_text(&s->judge, stage_now(s), where, secret_in(s, text, n));
}

void secrets_check_file(struct stage *s, const char *where, int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	void *text;

	if (size <= 0)
		return;
	text = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		return;
	check_text(s, where, text, (size_t)size);
	munmap(text, (size_t)size);
}

void secrets_check_ledger(struct stage *s, int worker)
{
	static const char *const tails[] = {"", "-wal"};

	for (int t = 0; t < 2; t++) {
		const char *path =
			arena_printf(s->arena, "%s%s", s->w.workers[worker].ledger_path, tails[t]);
		FILE *f = fopen(path, "rb");

		if (!f)
			continue;
		secrets_check_file(s, "the ledger", fileno(f));
		fclose(f);
	}
}

void secrets_check_reports(struct stage *s, const struct sim_action *a)
{
	for (size_t i = 0; i < a->n_reports; i++) {
		const struct sim_report *r = &a->reports[i];

		check_text(s, "a token", r->token, strlen(r->token));
		check_text(s, "a summary", r->summary, strlen(r->summary));
		check_text(s, "a message", r->message, strlen(r->message));
		check_text(s, "an output", r->output_variables_json,
			   strlen(r->output_variables_json));
	}
}
