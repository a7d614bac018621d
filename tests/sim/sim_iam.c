/*
 * Which rights the calls of a worker need: the way of a call through the table, and the record.
 */
#include "tests/sim/sim_iam.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/sim/sim_private.h"

#define CONTEXT_MAX 4096

/* --- what rows use ---------------------------------------------------------------------------- */

void sim_iam_context(struct sim_iam_call *c, const char *key, struct str value)
{
	buf_addf(&c->context, "\t%s=" STR_FMT, key, STR_ARG(value));
}

void sim_iam_request_tags(struct sim_iam_call *c)
{
	for (size_t i = 0; c->x->form && i < c->x->form->n; i++) {
		struct str key = c->x->form->pairs[i].key;
		size_t end = key.n > 4 ? key.n - 4 : 0;
		char *value;

		if (!str_starts(key, "Tags.") || !str_is(str_sub(key, end, key.n), ".Key"))
			continue;
		value = arena_printf(c->a, STR_FMT ".Value", STR_ARG(str_sub(key, 0, end)));
		sim_iam_context(c,
				arena_printf(c->a, "aws:RequestTag/" STR_FMT,
					     STR_ARG(c->x->form->pairs[i].value)),
				sim_form_get(c->x->form, value));
	}
}

const char *sim_iam_any(struct sim_iam_call *c, const char *arg)
{
	(void)c;
	return arg ? arg : "*";
}

/* --- the record ------------------------------------------------------------------------------- */

struct sim_iam {
	struct sim_right *rights;
	const char **shapes; /* of each */
	size_t n, cap;
};

/* What two rights have in common that differ in ids only: runs of hex digits are one '#'. */
static char *shape_of(struct arena *a, const char *text)
{
	char *shape = arena_alloc(a, strlen(text) + 1), *out = shape;

	while (*text) {
		size_t n = strspn(text, "0123456789abcdef");
		size_t digits = n ? strcspn(text, "0123456789") : 1;

		if (n > 0 && digits < n) {
			*out++ = '#';
			text += n;
		} else {
			*out++ = *text++;
		}
	}
	*out = 0;
	return shape;
}

/* Hashes of what this process has written; a test program has many simulators. */
static bool is_new_in_process(const char *shape)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static uint64_t seen[8192];
	static size_t n_seen;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	bool is_new = true;

	for (const char *p = shape; *p; p++)
		hash = (hash ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < n_seen && is_new; i++)
		is_new = seen[i] != hash;
	if (is_new && n_seen < sizeof(seen) / sizeof(seen[0]))
		seen[n_seen++] = hash;
	pthread_mutex_unlock(&lock);
	return is_new;
}

/* One write to the end of a file: lines of several processes do not get into each other. */
static void write_line(struct arena *a, const struct sim_right *r)
{
	const char *path = getenv("IAM_RECORD");
	char *line;
	ssize_t done;
	int fd;

	if (!path || !*path)
		return;
	line = arena_printf(a, "%s\t%s\t%s%s\n", r->purpose, r->action, r->resource, r->context);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	done = fd < 0 ? -1 : write(fd, line, strlen(line));
	if (done != (ssize_t)strlen(line))
		abort(); /* a test that asked for the record must not pass without it */
	close(fd);
}

static void add(struct sim *s, const struct sim_right *r)
{
	struct arena *a = s->record.arena;
	char *shape = shape_of(
		a, arena_printf(a, "%s %s %s%s", r->purpose, r->action, r->resource, r->context));
	struct sim_iam *iam = s->iam;

	if (!iam)
		iam = s->iam = xcalloc(1, sizeof(*iam));
	for (size_t i = 0; i < iam->n; i++)
		if (!strcmp(iam->shapes[i], shape))
			return;
	if (iam->n == iam->cap) {
		iam->cap = iam->cap ? 2 * iam->cap : 64;
		iam->rights = xrealloc(iam->rights, iam->cap * sizeof(*iam->rights));
		iam->shapes = xrealloc(iam->shapes, iam->cap * sizeof(*iam->shapes));
	}
	iam->shapes[iam->n] = shape;
	iam->rights[iam->n++] = (struct sim_right){
		.purpose = arena_strdup(a, r->purpose),
		.action = arena_strdup(a, r->action),
		.resource = arena_strdup(a, r->resource),
		.context = arena_strdup(a, r->context),
	};
	if (is_new_in_process(shape))
		write_line(a, r);
}

size_t sim_rights(const struct sim *s, const struct sim_right **rights)
{
	*rights = s->iam ? s->iam->rights : NULL;
	return s->iam ? s->iam->n : 0;
}

void sim_iam_release(struct sim *s)
{
	if (!s->iam)
		return;
	free(s->iam->rights);
	free(s->iam->shapes);
	free(s->iam);
}

/* --- a call ----------------------------------------------------------------------------------- */

/* "lambda" of "rollout-worker/1.2 (lambda) ...", or NULL: somebody else's. */
static const char *purpose_of(const struct sim_exchange *x)
{
	struct str agent = http_header_get(x->req->headers, x->req->n_headers, "user-agent");
	struct str product, comment;

	if (!str_starts(agent, "rollout-worker/") || !str_next(&agent, ' ', &product) ||
	    !str_next(&agent, ')', &comment) || !str_starts(comment, "("))
		return NULL;
	return str_dup(x->arena, str_sub(comment, 1, comment.n));
}

/* Keys that came with a job are good for its artifacts whatever the worker's policies say. */
static bool is_by_job(struct sim *s, const struct sim_exchange *x)
{
	return str_starts(sim_key_principal(s, str_from(x->principal)), SIM_ARTIFACT_PRINCIPAL);
}

static bool needs(struct sim_iam_call *c, const char *purpose, const char *service,
		  const struct sim_iam_row *rows, size_t n)
{
	bool is_known = false;

	for (size_t i = 0; i < n; i++) {
		const struct sim_iam_row *row = &rows[i];
		struct sim_right right = {.purpose = purpose, .action = row->action};

		if (strcmp(row->service, service) != 0 ||
		    strcmp(row->operation, c->x->operation) != 0)
			continue;
		is_known = true;
		if (!row->action)
			continue;
		buf_clear(&c->context);
		right.resource = row->resource(c, row->arg);
		right.context = str_dup(c->a, buf_str(&c->context));
		if (right.resource)
			add(c->s, &right);
	}
	return is_known;
}

void sim_iam_note(struct sim *s, const struct sim_exchange *x, const struct sim_route *r)
{
	struct sim_iam_call c = {.s = s, .x = x, .a = x->arena};
	const char *purpose = r->service ? purpose_of(x) : NULL;
	bool is_known;

	if (!purpose || is_by_job(s, x))
		return;
	buf_init(&c.context, CONTEXT_MAX);
	is_known = needs(&c, purpose, r->service->name, sim_iam_rows, sim_iam_n_rows) ||
		   needs(&c, purpose, r->service->name, sim_iam_beanstalk_rows,
			 sim_iam_n_beanstalk_rows);
	needs(&c, "beanstalk_resources", r->service->name, sim_iam_behalf_rows,
	      sim_iam_n_behalf_rows);
	if (!is_known)
		/* no policy grants that: what is not in the table is found */
		add(s, &(struct sim_right){
			       purpose,
			       arena_printf(c.a, "unknown:%s.%s", r->service->name, x->operation),
			       "*", ""});
	buf_release(&c.context);
}
