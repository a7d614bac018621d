#include "aws/beanstalk_wire.h"

#include <string.h>

#include "aws/answer.h"

/*
 * Requests, pages and refusals of Elastic Beanstalk. An answer that lacks the result it belongs to
 * is an error, never an empty list. The service has one code for nearly everything it refuses, so
 * the texts decide; a text nobody knows stays a refusal for good.
 */

#define REQUEST_MAX (256u << 10)

const struct aws_service beanstalk_service = {
	.id = "Elastic Beanstalk",
	.endpoint_prefix = "elasticbeanstalk",
	.signing_name = "elasticbeanstalk",
	.api_version = "2010-12-01",
	.protocol = AWS_QUERY,
	.double_encode = true,
};

/* --- requests -------------------------------------------------------------------------------- */

void beanstalk_body_init(struct buf *b)
{
	buf_init(b, REQUEST_MAX);
}

void beanstalk_add(struct buf *b, const char *name, const char *value)
{
	if (!value)
		return;
	if (b->n)
		buf_addc(b, '&');
	buf_adds(b, name);
	buf_addc(b, '=');
	buf_add_uri(b, str_from(value), false);
}

void beanstalk_add_options(struct buf *b, struct arena *a, const char *list,
			   const struct beanstalk_option *options, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *at = arena_printf(a, "%s.member.%zu", list, i + 1);
		const struct beanstalk_option *o = &options[i];

		beanstalk_add(b, arena_printf(a, "%s.Namespace", at), o->ns);
		beanstalk_add(b, arena_printf(a, "%s.OptionName", at), o->name);
		beanstalk_add(b, arena_printf(a, "%s.ResourceName", at), o->resource);
		/* what is to be removed has no value */
		if (strcmp(list, "OptionSettings") == 0)
			beanstalk_add(b, arena_printf(a, "%s.Value", at), o->value ? o->value : "");
	}
}

int beanstalk_require(const struct beanstalk_op *op, const char *name, const char *value,
		      struct err *err)
{
	if (value && *value)
		return 0;
	return err_set(err, ERR_REJECTED, "Beanstalk.%s: no %s", op->name, name);
}

/* --- refusals -------------------------------------------------------------------------------- */

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Does the text contain these words? In any case; the words are lower-case. */
static bool says(const char *text, const char *words)
{
	for (; *text; text++) {
		size_t i = 0;

		while (words[i] && lower(text[i]) == words[i])
			i++;
		if (!words[i])
			return true;
	}
	return false;
}

static bool says_one_of(const char *text, const char *const *list)
{
	for (; *list; list++)
		if (says(text, *list))
			return true;
	return false;
}

/* Source: what the EB CLI looks for in these messages. */
static const char *const busy[] = {"invalid state for this operation", "must be ready", NULL};
static const char *const taken[] = {"already exists", "is not available", NULL};
static const char *const unknown[] = {"no application named",
				      "no environment found",
				      "no application version named",
				      "no configuration template named",
				      "no template named",
				      NULL};

enum beanstalk_refusal beanstalk_refusal_of(const struct err *err)
{
	if (err->code != ERR_CONFLICT)
		return BEANSTALK_REFUSAL_OTHER;
	if (strcmp(err->aws, "OperationInProgressFailure") == 0 || says_one_of(err->text, busy))
		return BEANSTALK_REFUSAL_BUSY;
	return says_one_of(err->text, taken) ? BEANSTALK_REFUSAL_TAKEN : BEANSTALK_REFUSAL_OTHER;
}

static void refine(struct err *err)
{
	if (err->code != ERR_REJECTED || strncmp(err->aws, "InvalidParameter", 16) != 0)
		return;
	if (says_one_of(err->text, busy) || says_one_of(err->text, taken))
		err->code = ERR_CONFLICT;
	else if (says_one_of(err->text, unknown))
		err->code = ERR_NOT_FOUND;
}

/* --- calls ----------------------------------------------------------------------------------- */

static int call(const struct aws_client *c, const struct beanstalk_op *op, struct str body,
		struct arena *a, const struct xml **result, struct err *err)
{
	struct aws_request r = {.service = &beanstalk_service,
				.operation = op->name,
				.body = body,
				.resend_safe = !op->is_write};
	struct aws_response res;

	if (aws_call(c, &r, a, &res, err)) {
		refine(err);
		return -1;
	}
	if (!op->result)
		return 0;
	*result = xml_at(res.xml, op->result);
	if (*result)
		return 0;
	err_set(err, ERR_MALFORMED, "Beanstalk.%s: the answer has no %s", op->name, op->result);
	err->sent = op->is_write;
	return -1;
}

int beanstalk_call(const struct aws_client *c, const struct beanstalk_op *op, struct buf *body,
		   struct arena *a, const struct xml **result, struct err *err)
{
	int rc;

	if (buf_check(body, "request", err))
		rc = err_wrap(err, "Beanstalk.%s", op->name);
	else
		rc = call(c, op, buf_str(body), a, result, err);
	buf_release(body);
	return rc;
}

static int add_page(const struct beanstalk_op *op, const struct xml *result, struct arena *a,
		    struct beanstalk_list *l, struct err *err)
{
	xml_each(node, xml_at(result, op->list), "member") {
		l->items = aws_grow(a, l->items, l->n, &l->cap, l->size);
		if (l->read(node, a, (char *)l->items + l->n * l->size, err))
			return err_wrap(err, "Beanstalk.%s", op->name);
		l->n++;
	}
	return 0;
}

int beanstalk_describe(const struct aws_client *c, const struct beanstalk_op *op, struct buf *body,
		       struct arena *a, struct beanstalk_list *l, struct err *err)
{
	struct str base = {.p = arena_strndup(a, body->p, body->n), .n = body->n};
	const char *token = NULL;

	if (buf_check(body, "request", err)) {
		buf_release(body);
		return err_wrap(err, "Beanstalk.%s", op->name);
	}
	buf_release(body);
	for (int page = 0; page < AWS_PAGES_MAX; page++) {
		const struct xml *result = NULL;
		struct buf b;

		beanstalk_body_init(&b);
		buf_add_str(&b, base);
		beanstalk_add(&b, "NextToken", token);
		if (beanstalk_call(c, op, &b, a, &result, err) || add_page(op, result, a, l, err))
			return -1;
		token = aws_xml_text(result, "NextToken");
		if (!token)
			return 0;
	}
	return err_set(err, ERR_LIMIT, "Beanstalk.%s: more than %d pages", op->name, AWS_PAGES_MAX);
}
