#include <stdlib.h>

#include "aws/call.h"
#include "aws/credentials.h"
#include "aws/readfile.h"
#include "aws/sts.h"

/*
 * A role assumed with a token that somebody else keeps fresh in a file (Kubernetes does): it is
 * read again each time. The request is not signed; the token is the proof.
 */
#define TOKEN_MAX 20000 /* STS model: WebIdentityToken, 4 to 20,000 */

struct web_provider {
	struct credentials_provider base;
	struct aws *aws;
	char *token_file, *role_arn, *session_name;
};

static struct credentials *web_get(struct credentials_provider *p, struct cancel *cancel,
				   struct err *err)
{
	struct web_provider *w = (struct web_provider *)p;
	struct aws_client client = {.aws = w->aws, .cancel = cancel};
	struct sts_assume_role in = {.role_arn = w->role_arn, .session_name = w->session_name};
	char made_up[CREDENTIALS_SESSION_SIZE];
	struct credentials *got = NULL;
	struct buf token;

	if (!in.session_name) {
		credentials_session_name(clock_utc(w->aws->clock), made_up);
		in.session_name = made_up;
	}
	buf_init(&token, TOKEN_MAX);
	if (!aws_read_file(w->token_file, &token, err)) {
		while (token.n && (token.p[token.n - 1] == '\n' || token.p[token.n - 1] == '\r'))
			token.p[--token.n] = '\0';
		in.web_identity_token = token.p;
		got = sts_assume_role_with_web_identity(&client, &in, err);
	}
	mem_wipe(token.p, token.n);
	buf_release(&token);
	if (!got)
		err_wrap(err, "web identity");
	return got;
}

static void web_free(struct credentials_provider *p)
{
	struct web_provider *w = (struct web_provider *)p;

	free(w->token_file);
	free(w->role_arn);
	free(w->session_name);
	free(w);
}

struct credentials_provider *credentials_web_identity_new(struct aws *aws,
							  const struct credentials_web_identity *o)
{
	struct web_provider *w = xcalloc(1, sizeof(*w));

	w->base.get = web_get;
	w->base.free = web_free;
	w->aws = aws;
	w->token_file = xstrdup(o->token_file);
	w->role_arn = xstrdup(o->role_arn);
	w->session_name = o->session_name ? xstrdup(o->session_name) : NULL;
	return &w->base;
}
