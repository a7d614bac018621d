#include "aws/sns.h"

#include "aws/answer.h"

#define PARAMETERS_MAX (4 * SNS_MESSAGE_MAX) /* most characters of JSON take three */
#define PUBLISH_MS 10000		     /* a notice never holds a thread for long */

const struct aws_service sns_service = {
	.id = "SNS",
	.endpoint_prefix = "sns",
	.signing_name = "sns",
	.api_version = "2010-03-31",
	.protocol = AWS_QUERY,
	.double_encode = true,
};

bool sns_topic_region(struct str arn, struct str *region)
{
	struct str rest = arn, part[6];
	size_t n = 0;

	while (n < 6 && str_next(&rest, ':', &part[n]))
		n++;
	if (n != 6 || rest.n || !str_is(part[0], "arn") || !str_starts(part[1], "aws") ||
	    !str_is(part[2], "sns") || !aws_is_host_label(part[3]) || part[4].n != 12 ||
	    !part[5].n || part[5].n > 256)
		return false;
	*region = part[3];
	return true;
}

static void add(struct buf *b, const char *name, const char *value)
{
	buf_addf(b, "%s%s=", b->n ? "&" : "", name);
	buf_add_uri(b, str_from(value), false);
}

static void add_attribute(struct buf *b, struct arena *a, size_t i, const struct sns_attribute *x)
{
	const char *head = arena_printf(a, "MessageAttributes.entry.%zu", i + 1);

	add(b, arena_printf(a, "%s.Name", head), x->name);
	add(b, arena_printf(a, "%s.Value.DataType", head), "String");
	add(b, arena_printf(a, "%s.Value.StringValue", head), x->value);
}

int sns_publish(const struct aws_client *c, const struct sns_message *m, struct arena *a,
		struct err *err)
{
	struct aws_request r = {.service = &sns_service,
				.operation = "Publish",
				.max_attempts = 1,
				.total_ms = PUBLISH_MS};
	struct aws_response res;
	struct buf b;
	int ret;

	buf_init(&b, PARAMETERS_MAX);
	add(&b, "TopicArn", m->topic_arn);
	add(&b, "Subject", m->subject);
	add(&b, "Message", m->body);
	for (size_t i = 0; i < m->n_attributes; i++)
		add_attribute(&b, a, i, &m->attributes[i]);
	if (str_ends(str_from(m->topic_arn), ".fifo")) {
		add(&b, "MessageGroupId", m->group);
		add(&b, "MessageDeduplicationId", m->deduplication);
	}
	r.body = buf_str(&b);
	ret = buf_check(&b, "message for SNS", err);
	if (!ret)
		ret = aws_call(c, &r, a, &res, err);
	buf_release(&b);
	if (ret)
		return -1;
	if (!aws_xml_text(xml_at(res.xml, "PublishResult"), "MessageId")) {
		err_set(err, ERR_MALFORMED, "SNS.Publish: the answer has no message id");
		err->sent = true;
		return -1;
	}
	return 0;
}
