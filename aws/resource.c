#include "aws/resource.h"

#include <string.h>

/*
 * Requests are our own, but what they name comes from outside. Only parameters on this list are
 * taken: others may be whole documents, or secrets.
 */
#define BODY_READ_MAX (64u << 10) /* a larger one is content, not names */
#define NAMES_SHOWN 3		  /* of a list */

/* The most telling first. */
static const char *const NAMES[] = {"RuleArn",
				    "RuleArns",
				    "ListenerArn",
				    "ListenerArns",
				    "TargetGroupArn",
				    "TargetGroupArns",
				    "LoadBalancerArn",
				    "LoadBalancerArns",
				    "ResourceArns",
				    "AutoScalingGroupName",
				    "AutoScalingGroupNames",
				    "LaunchTemplateId",
				    "LaunchTemplateName",
				    "SourceEnvironmentName",
				    "EnvironmentName",
				    "EnvironmentNames",
				    "EnvironmentId",
				    "ApplicationName",
				    "InstanceId",
				    "InstanceIds",
				    "ImageIds",
				    "CommandId",
				    "DocumentName",
				    "AlarmNames",
				    "service",
				    "services",
				    "serviceName",
				    "serviceArn",
				    "serviceRevisionArns",
				    "serviceDeploymentArn",
				    "serviceDeploymentArns",
				    "resourceArn",
				    "taskDefinition",
				    "family",
				    "cluster",
				    "pipelineName",
				    "jobId",
				    "TopicArn",
				    "RoleArn"};
#define N_NAMES (sizeof(NAMES) / sizeof(NAMES[0]))

static int hex_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Percent-decoded; what is no escape stays as it is. */
static void add_decoded(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		int high = s.p[i] == '%' && i + 2 < s.n ? hex_of(s.p[i + 1]) : -1;
		int low = high >= 0 ? hex_of(s.p[i + 2]) : -1;

		if (low < 0) {
			buf_addc(out, s.p[i]);
			continue;
		}
		buf_addc(out, (char)(high * 16 + low));
		i += 2;
	}
}

/* "/2015-03-31/functions/checkout": without the version in front. */
static void from_path(const struct aws_request *r, struct buf *out)
{
	struct str path = str_from(r->path ? r->path : "/");

	if (r->bucket) {
		buf_adds(out, r->bucket);
		add_decoded(out, path);
		return;
	}
	if (path.n > 12 && path.p[0] == '/' && path.p[5] == '-' && path.p[8] == '-')
		path = str_sub(path, 11, path.n);
	add_decoded(out, str_sub(path, path.n && path.p[0] == '/', path.n));
}

/* "Name=" or "Name.member.1=", of a body "A=1&B=2". */
static bool has_name(struct str field, const char *name, struct str *value)
{
	struct str rest = field, key = {0};
	size_t n = strlen(name);

	if (!str_next(&rest, '=', &key) || !str_starts(key, name))
		return false;
	if (key.n != n && (key.p[n] != '.' || key.p[key.n - 1] != '1'))
		return false;
	*value = rest;
	return true;
}

static void from_form(struct str body, struct buf *out)
{
	for (size_t i = 0; i < N_NAMES && !out->n; i++) {
		struct str rest = body, field = {0}, value = {0};

		while (!out->n && str_next(&rest, '&', &field))
			if (has_name(field, NAMES[i], &value))
				add_decoded(out, value);
	}
}

static void add_list(const struct json *list, struct buf *out)
{
	size_t n = 0;

	json_each(e, list) {
		if (n++ < NAMES_SHOWN) {
			buf_adds(out, n > 1 ? ", " : "");
			buf_add_str(out, json_text(e));
		}
	}
	if (n > NAMES_SHOWN)
		buf_addf(out, " and %zu more", n - NAMES_SHOWN);
}

static void from_json(struct str body, struct arena *a, struct buf *out)
{
	struct err err = ERR_INIT;
	struct json *root;

	if (!body.n || json_parse(a, body, &root, &err))
		return;
	for (size_t i = 0; i < N_NAMES && !out->n; i++) {
		const struct json *v = json_get(root, NAMES[i]);

		if (v && v->type == JSON_ARRAY)
			add_list(v, out);
		else
			buf_add_str(out, json_text(v));
	}
}

const char *aws_resource(const struct aws_request *r, struct arena *a)
{
	char shown[RESOURCE_MAX + 1];
	struct buf b;

	buf_init(&b, 16u << 10);
	switch (r->service->protocol) {
	case AWS_REST_JSON:
	case AWS_REST_XML:
		from_path(r, &b);
		break;
	case AWS_QUERY:
		if (r->body.n <= BODY_READ_MAX)
			from_form(r->body, &b);
		break;
	case AWS_JSON_1_0:
	case AWS_JSON_1_1:
		if (r->body.n <= BODY_READ_MAX)
			from_json(r->body, a, &b);
		break;
	}
	str_copy_clean(shown, sizeof(shown), buf_str(&b));
	buf_release(&b);
	return arena_strdup(a, shown);
}
