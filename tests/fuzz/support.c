#include "tests/fuzz/support.h"

#include <string.h>

#include "aws/core/http_answer.h"

/* More than any call makes of the answers that fit into an input. */
#define SENT_MAX 4096
/* What aws/call waits at most between two attempts. */
#define WAIT_MAX_MS 20000

/* --- pieces of the input -------------------------------------------------------------------- */

struct str fuzz_line(struct str *input)
{
	struct str line = {NULL, 0};

	str_next(input, '\n', &line);
	return line;
}

struct str fuzz_part(struct str *input)
{
	const size_t mark = strlen(FUZZ_NEXT);
	const char *end = input->n ? memmem(input->p, input->n, FUZZ_NEXT, mark) : NULL;
	struct str part = *input;

	if (!end) {
		*input = (struct str){NULL, 0};
		return part;
	}
	part.n = (size_t)(end - input->p);
	*input = str_sub(*input, part.n + mark, input->n);
	return part;
}

/* --- what an AWS call stands on ------------------------------------------------------------- */

static struct fuzz_aws *of_clock(struct clock *c)
{
	return (struct fuzz_aws *)((char *)c - offsetof(struct fuzz_aws, clock));
}

static struct utc clock_now(struct clock *c)
{
	return (struct utc){of_clock(c)->now_ms};
}

static struct mono clock_since(struct clock *c)
{
	return (struct mono){of_clock(c)->now_ms - FUZZ_NOW_MS + 1000};
}

static int clock_wait(struct clock *c, int64_t ms, struct cancel *cancel, struct err *err)
{
	(void)cancel;
	(void)err;
	FUZZ_CHECK(ms >= 0 && ms <= WAIT_MAX_MS);
	of_clock(c)->now_ms += ms;
	return 0;
}

static bool take_answer(struct http_answer *x, struct str rest)
{
	bool more = true;

	/* headers up to the empty line of a final answer */
	while (more && !x->headers_done && rest.n)
		more = http_answer_header(x, fuzz_line(&rest));
	if (more && !x->headers_done)
		return http_answer_fail(x, ERR_NETWORK, "the connection broke") == 0;
	/* in two pieces, as it may come */
	return more && http_answer_body(x, rest.n ? rest.p : "", rest.n / 2) &&
	       http_answer_body(x, rest.n ? rest.p + rest.n / 2 : "", rest.n - rest.n / 2);
}

static int answer(struct http *h, const struct http_request *req, struct arena *a,
		  struct http_response *res, struct cancel *cancel, struct err *err)
{
	struct fuzz_aws *f = (struct fuzz_aws *)((char *)h - offsetof(struct fuzz_aws, http));
	struct http_answer x;
	int rc;

	(void)cancel;
	FUZZ_CHECK(++f->n_sent < SENT_MAX);
	http_answer_init(&x, req, res, a, err);
	if (!f->answers.n)
		http_answer_fail(&x, ERR_NETWORK, "nobody answers");
	else
		take_answer(&x, fuzz_part(&f->answers));
	rc = x.failed ? -1 : 0;
	if (rc)
		err->sent = true;
	else
		http_answer_end(&x);
	http_answer_release(&x);
	return rc;
}

struct fuzz_aws *fuzz_aws_new(struct str answers)
{
	struct fuzz_aws *f = xcalloc(1, sizeof(*f));
	const struct credentials_parts parts = {.access_key_id = STR("AKIDEXAMPLE"),
						.secret_access_key = STR("secret"),
						.session_token = STR("token"),
						.source = "fuzz"};
	struct err err = ERR_INIT;

	f->http = (struct http){.send = answer};
	f->clock = (struct clock){.utc = clock_now, .mono = clock_since, .sleep = clock_wait};
	f->now_ms = FUZZ_NOW_MS;
	f->answers = answers;
	f->settings.region = "eu-central-1";
	f->arena = arena_new();
	rng_seeded_init(&f->rng, 1);
	f->credentials = credentials_static_new(&parts, &err);
	FUZZ_CHECK(f->credentials);
	f->aws = aws_new(&(struct aws_deps){.http = &f->http,
					    .clock = &f->clock,
					    .rng = &f->rng.rng,
					    .settings = &f->settings});
	f->client = (struct aws_client){.aws = f->aws, .credentials = f->credentials};
	return f;
}

void fuzz_aws_free(struct fuzz_aws *f)
{
	credentials_provider_free(f->credentials);
	aws_free(f->aws);
	arena_free(f->arena);
	free(f);
}

/* --- what holds of every answer ------------------------------------------------------------- */

void fuzz_check_err(int rc, const struct err *err)
{
	FUZZ_CHECK(rc == 0 || rc == -1);
	if (rc == 0)
		return;
	FUZZ_CHECK(err->code > ERR_OK && err->code < ERR_CODE_COUNT && err->text[0]);
	FUZZ_CHECK(str_is_utf8(str_from(err->aws)) && str_is_utf8(str_from(err->request_id)));
	for (const char *c = err->text; *c; c++)
		FUZZ_CHECK((unsigned char)*c >= 0x20 && *c != 0x7f);
}

void fuzz_texts(size_t n, const char *const *texts)
{
	for (size_t i = 0; i < n; i++)
		FUZZ_CHECK(!texts[i] || strlen(texts[i]) < SIZE_MAX);
}

void fuzz_run_call(const struct fuzz_call *calls, const uint8_t *data, size_t size)
{
	struct str input = {(const char *)data, size}, name = fuzz_line(&input);
	struct err err = ERR_INIT;
	struct fuzz_aws *f;

	while (calls->name && !str_is(name, calls->name))
		calls++;
	if (!calls->name)
		return;
	f = fuzz_aws_new(input);
	fuzz_check_err(calls->run(f, &err), &err);
	FUZZ_CHECK(f->n_sent > 0);
	fuzz_aws_free(f);
}
