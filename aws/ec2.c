#include "aws/ec2.h"

#include "aws/answer.h"
#include "aws/core/digest.h"
#include "aws/form.h"

#define REQUEST_MAX (128u << 10) /* user data is 16 KiB, base64 and percent-encoded below 3 times */

const struct aws_service ec2_service = {
	.id = "EC2",
	.endpoint_prefix = "ec2",
	.signing_name = "ec2",
	.api_version = "2016-11-15",
	.protocol = AWS_QUERY,
	.double_encode = true,
};

static int call(const struct aws_client *c, const char *operation, const struct buf *body,
		struct arena *a, const struct xml **root, struct err *err)
{
	struct aws_request r = {
		.service = &ec2_service, .operation = operation, .resend_safe = true};
	struct aws_response res;

	if (buf_check(body, "request", err))
		return err_wrap(err, "EC2.%s", operation);
	r.body = buf_str(body);
	if (aws_call(c, &r, a, &res, err))
		return -1;
	*root = res.xml;
	return 0;
}

static int add_template(struct buf *b, const char *operation, const struct ec2_template *t,
			struct err *err)
{
	if (t->id && *t->id)
		form_add(b, "LaunchTemplateId", str_from(t->id));
	else if (t->name && *t->name)
		form_add(b, "LaunchTemplateName", str_from(t->name));
	else
		return err_set(err, ERR_REJECTED, "EC2.%s: no launch template", operation);
	return 0;
}

static int read_version(const struct xml *node, struct ec2_template_version *out, struct err *err)
{
	*out = (struct ec2_template_version){
		.id = aws_xml_text(node, "launchTemplateId"),
		.name = aws_xml_text(node, "launchTemplateName"),
		.image_id = aws_xml_text(node, "launchTemplateData/imageId"),
		.description = aws_xml_text(node, "versionDescription"),
	};
	if (!xml_i64(node, "versionNumber", &out->number) || out->number < 1)
		return err_set(err, ERR_MALFORMED, "a version has no number");
	return 0;
}

int ec2_describe_template_version(const struct aws_client *c, const struct ec2_template *t,
				  const char *version, struct arena *a,
				  struct ec2_template_version *out, struct err *err)
{
	static const char op[] = "DescribeLaunchTemplateVersions";
	const struct xml *root = NULL, *item;
	struct buf b;
	int ret;

	buf_init(&b, REQUEST_MAX);
	ret = add_template(&b, op, t, err);
	form_add(&b, "LaunchTemplateVersion.1", str_from(version));
	if (!ret)
		ret = call(c, op, &b, a, &root, err);
	buf_release(&b);
	if (ret)
		return -1;
	item = xml_first(xml_at(root, "launchTemplateVersionSet"), "item");
	if (!item)
		return err_set(err, ERR_NOT_FOUND, "EC2.%s: there is no version %.40s of %.200s",
			       op, version, t->id ? t->id : t->name);
	if (read_version(item, out, err))
		return err_wrap(err, "EC2.%s", op);
	return 0;
}

/* --- a new version --------------------------------------------------------------------------- */

static int add_user_data(struct buf *b, struct str data, struct err *err)
{
	struct buf text;

	if (!data.n)
		return 0;
	if (data.n > EC2_USER_DATA_MAX)
		return err_set(err, ERR_LIMIT, "user data of %zu bytes, at most %d", data.n,
			       EC2_USER_DATA_MAX);
	buf_init(&text, REQUEST_MAX);
	base64_encode(&text, data.p, data.n);
	form_add(b, "LaunchTemplateData.UserData", buf_str(&text));
	mem_wipe(text.p, text.n);
	buf_release(&text);
	return 0;
}

static int format_version(struct buf *b, const struct ec2_new_version *v, const char *op,
			  struct err *err)
{
	if (add_template(b, op, &v->of, err))
		return -1;
	if (!v->image_id && !v->user_data.n)
		return err_set(err, ERR_REJECTED, "EC2.%s: nothing would be new", op);
	form_add_i64(b, "SourceVersion", v->source);
	form_add_text(b, "VersionDescription", v->description);
	form_add_text(b, "ClientToken", v->token);
	form_add_text(b, "LaunchTemplateData.ImageId", v->image_id);
	if (add_user_data(b, v->user_data, err))
		return err_wrap(err, "EC2.%s", op);
	return 0;
}

int ec2_create_template_version(const struct aws_client *c, const struct ec2_new_version *v,
				struct arena *a, int64_t *number, struct err *err)
{
	static const char op[] = "CreateLaunchTemplateVersion";
	const struct xml *root = NULL, *item, *warning;
	struct buf b;
	int ret;

	buf_init(&b, REQUEST_MAX);
	ret = format_version(&b, v, op, err);
	if (!ret)
		ret = call(c, op, &b, a, &root, err);
	mem_wipe(b.p, b.n);
	buf_release(&b);
	if (ret)
		return -1;
	item = xml_at(root, "launchTemplateVersion");
	warning = xml_first(xml_at(root, "warning/errorSet"), "item");
	if (warning)
		return err_set(err, ERR_REJECTED,
			       "EC2.%s: the version is stored but would not launch: %.60s: %.300s",
			       op, xml_text(warning, "code").p, xml_text(warning, "message").p);
	if (!xml_i64(item, "versionNumber", number) || *number < 1) {
		err_set(err, ERR_MALFORMED, "EC2.%s: the answer has no version", op);
		err->sent = true;
		return -1;
	}
	return 0;
}
