#include "aws/beanstalk.h"

#include <string.h>

#include "aws/answer.h"
#include "aws/beanstalk_wire.h"

/*
 * What environments are made of: application versions, saved configurations, settings and tags.
 */

/* --- application versions -------------------------------------------------------------------- */

static const char *const version_status_names[] = {
	[BEANSTALK_UNPROCESSED] = "unprocessed", [BEANSTALK_PROCESSING] = "processing",
	[BEANSTALK_BUILDING] = "building",	 [BEANSTALK_PROCESSED] = "processed",
	[BEANSTALK_VERSION_FAILED] = "failed",
};

/* The model writes these words with a capital, older answers without. */
static enum beanstalk_version_status version_status(struct str s)
{
	int i = 0;

	while (i < BEANSTALK_VERSION_OTHER && !str_is_nocase(s, version_status_names[i]))
		i++;
	return (enum beanstalk_version_status)i;
}

static int read_version(const struct xml *node, struct arena *a, void *item, struct err *err)
{
	struct beanstalk_version *out = item;

	(void)a;
	*out = (struct beanstalk_version){
		.label = aws_xml_text(node, "VersionLabel"),
		.description = aws_xml_text(node, "Description"),
		.bucket = aws_xml_text(node, "SourceBundle/S3Bucket"),
		.key = aws_xml_text(node, "SourceBundle/S3Key"),
		.status = version_status(xml_text(node, "Status")),
	};
	if (!out->label)
		return err_set(err, ERR_MALFORMED, "a version has no label");
	return 0;
}

int beanstalk_describe_version(const struct aws_client *c, const char *application,
			       const char *label, struct arena *a, struct beanstalk_version *out,
			       struct err *err)
{
	static const struct beanstalk_op op = {"DescribeApplicationVersions",
					       "DescribeApplicationVersionsResult",
					       "ApplicationVersions", false};
	struct beanstalk_list l = {.size = sizeof(*out), .read = read_version};
	const struct beanstalk_version *all;
	struct buf b;

	if (beanstalk_require(&op, "application", application, err) ||
	    beanstalk_require(&op, "version label", label, err))
		return -1;
	beanstalk_body_init(&b);
	beanstalk_add(&b, "ApplicationName", application);
	beanstalk_add(&b, "VersionLabels.member.1", label);
	if (beanstalk_describe(c, &op, &b, a, &l, err))
		return -1;
	all = l.items;
	for (size_t i = 0; i < l.n; i++) {
		if (strcmp(all[i].label, label) == 0) {
			*out = all[i];
			return 0;
		}
	}
	return err_set(err, ERR_NOT_FOUND, "Beanstalk.%s: application %.100s has no version %.100s",
		       op.name, application, label);
}

int beanstalk_create_version(const struct aws_client *c, const struct beanstalk_create_version *v,
			     struct arena *a, struct beanstalk_version *out, struct err *err)
{
	static const struct beanstalk_op op = {"CreateApplicationVersion",
					       "CreateApplicationVersionResult", NULL, true};
	const struct xml *result = NULL;
	struct buf b;

	if (beanstalk_require(&op, "application", v->application, err) ||
	    beanstalk_require(&op, "version label", v->label, err) ||
	    beanstalk_require(&op, "bucket", v->bucket, err) ||
	    beanstalk_require(&op, "key", v->key, err))
		return -1;
	beanstalk_body_init(&b);
	beanstalk_add(&b, "ApplicationName", v->application);
	beanstalk_add(&b, "VersionLabel", v->label);
	beanstalk_add(&b, "Description", v->description);
	beanstalk_add(&b, "SourceBundle.S3Bucket", v->bucket);
	beanstalk_add(&b, "SourceBundle.S3Key", v->key);
	/* a misspelt application is not to be created on the way */
	beanstalk_add(&b, "AutoCreateApplication", "false");
	beanstalk_add(&b, "Process", "true");
	if (beanstalk_call(c, &op, &b, a, &result, err))
		return -1;
	if (read_version(xml_at(result, "ApplicationVersion"), a, out, err)) {
		err->sent = true;
		return err_wrap(err, "Beanstalk.%s", op.name);
	}
	return 0;
}

int beanstalk_storage_location(const struct aws_client *c, struct arena *a, const char **bucket,
			       struct err *err)
{
	/* creating what is there already is its ordinary use, so this write may be repeated */
	static const struct beanstalk_op op = {"CreateStorageLocation",
					       "CreateStorageLocationResult", NULL, false};
	const struct xml *result = NULL;
	struct buf b;

	beanstalk_body_init(&b);
	if (beanstalk_call(c, &op, &b, a, &result, err))
		return -1;
	*bucket = aws_xml_text(result, "S3Bucket");
	if (!*bucket)
		return err_set(err, ERR_MALFORMED, "Beanstalk.%s: the answer names no bucket",
			       op.name);
	return 0;
}

/* --- saved configurations -------------------------------------------------------------------- */

int beanstalk_create_template(const struct aws_client *c, const char *application,
			      const char *template_name, const char *environment_id,
			      struct arena *a, struct err *err)
{
	static const struct beanstalk_op op = {"CreateConfigurationTemplate",
					       "CreateConfigurationTemplateResult", NULL, true};
	const struct xml *result = NULL;
	struct buf b;

	if (beanstalk_require(&op, "application", application, err) ||
	    beanstalk_require(&op, "template name", template_name, err) ||
	    beanstalk_require(&op, "environment id", environment_id, err))
		return -1;
	beanstalk_body_init(&b);
	beanstalk_add(&b, "ApplicationName", application);
	beanstalk_add(&b, "TemplateName", template_name);
	beanstalk_add(&b, "EnvironmentId", environment_id);
	return beanstalk_call(c, &op, &b, a, &result, err);
}

int beanstalk_delete_template(const struct aws_client *c, const char *application,
			      const char *template_name, struct arena *a, struct err *err)
{
	static const struct beanstalk_op op = {"DeleteConfigurationTemplate", NULL, NULL, true};
	const struct xml *result = NULL;
	struct buf b;

	if (beanstalk_require(&op, "application", application, err) ||
	    beanstalk_require(&op, "template name", template_name, err))
		return -1;
	beanstalk_body_init(&b);
	beanstalk_add(&b, "ApplicationName", application);
	beanstalk_add(&b, "TemplateName", template_name);
	return beanstalk_call(c, &op, &b, a, &result, err);
}

/* --- settings -------------------------------------------------------------------------------- */

static int read_settings(const struct xml *node, struct arena *a, void *item, struct err *err)
{
	struct beanstalk_settings *out = item;
	struct beanstalk_option *options = NULL;
	size_t cap = 0;

	*out = (struct beanstalk_settings){
		.deployment_status = aws_xml_text(node, "DeploymentStatus"),
		.platform_arn = aws_xml_text(node, "PlatformArn"),
		.solution_stack = aws_xml_text(node, "SolutionStackName"),
	};
	xml_each(o, xml_at(node, "OptionSettings"), "member") {
		struct beanstalk_option *to;

		options = aws_grow(a, options, out->n_options, &cap, sizeof(*options));
		to = &options[out->n_options++];
		*to = (struct beanstalk_option){
			.ns = aws_xml_text(o, "Namespace"),
			.name = aws_xml_text(o, "OptionName"),
			.value = aws_xml_text(o, "Value"),
			.resource = aws_xml_text(o, "ResourceName"),
		};
		if (!to->ns || !to->name)
			return err_set(err, ERR_MALFORMED, "an option has no namespace or name");
	}
	out->options = options;
	return 0;
}

static int describe_settings(const struct aws_client *c, const char *application, const char *key,
			     const char *name, struct arena *a, struct beanstalk_list *l,
			     struct err *err)
{
	static const struct beanstalk_op op = {"DescribeConfigurationSettings",
					       "DescribeConfigurationSettingsResult",
					       "ConfigurationSettings", false};
	struct buf b;

	if (beanstalk_require(&op, "application", application, err) ||
	    beanstalk_require(&op, key, name, err))
		return -1;
	beanstalk_body_init(&b);
	beanstalk_add(&b, "ApplicationName", application);
	beanstalk_add(&b, key, name);
	return beanstalk_describe(c, &op, &b, a, l, err);
}

int beanstalk_describe_settings(const struct aws_client *c, const char *application,
				const char *environment_name, struct arena *a,
				struct beanstalk_settings **out, size_t *n, struct err *err)
{
	struct beanstalk_list l = {.size = sizeof(**out), .read = read_settings};

	if (describe_settings(c, application, "EnvironmentName", environment_name, a, &l, err))
		return -1;
	if (l.n == 0)
		return err_set(err, ERR_NOT_FOUND, "Beanstalk: environment %.60s has no settings",
			       environment_name);
	*out = l.items;
	*n = l.n;
	return 0;
}

int beanstalk_has_template(const struct aws_client *c, const char *application,
			   const char *template_name, struct arena *a, bool *out, struct err *err)
{
	struct beanstalk_list l = {.size = sizeof(struct beanstalk_settings),
				   .read = read_settings};

	if (describe_settings(c, application, "TemplateName", template_name, a, &l, err)) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		*err = ERR_INIT;
	}
	*out = l.n > 0;
	return 0;
}

const char *beanstalk_option_get(const struct beanstalk_settings *s, const char *ns,
				 const char *name)
{
	for (size_t i = 0; i < s->n_options; i++) {
		const struct beanstalk_option *o = &s->options[i];

		if (strcmp(o->ns, ns) == 0 && strcmp(o->name, name) == 0 &&
		    (!o->resource || strcmp(ns, "aws:autoscaling:scheduledaction") != 0))
			return o->value;
	}
	return NULL;
}

/* --- tags ------------------------------------------------------------------------------------ */

static int read_tag(const struct xml *node, struct arena *a, void *item, struct err *err)
{
	struct beanstalk_tag *out = item;

	(void)a;
	out->key = aws_xml_text(node, "Key");
	out->value = xml_cstr(node, "Value");
	if (!out->key)
		return err_set(err, ERR_MALFORMED, "a tag has no key");
	if (!out->value)
		out->value = "";
	return 0;
}

int beanstalk_list_tags(const struct aws_client *c, const char *arn, struct arena *a,
			struct beanstalk_tag **out, size_t *n, struct err *err)
{
	static const struct beanstalk_op op = {"ListTagsForResource", "ListTagsForResourceResult",
					       "ResourceTags", false};
	struct beanstalk_list l = {.size = sizeof(**out), .read = read_tag};
	struct buf b;

	if (beanstalk_require(&op, "ARN", arn, err))
		return -1;
	beanstalk_body_init(&b);
	beanstalk_add(&b, "ResourceArn", arn);
	if (beanstalk_describe(c, &op, &b, a, &l, err))
		return -1;
	*out = l.items;
	*n = l.n;
	return 0;
}
