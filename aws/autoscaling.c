#include "aws/autoscaling.h"

#include <string.h>

#include "aws/answer.h"
#include "aws/autoscaling_call.h"

/*
 * Groups: read, copied, changed. An answer that lacks the result it belongs to is an error, never
 * an empty list: "no group" and "no answer" lead to opposite decisions.
 */

#define NAMES_MAX 50 /* the page size AWS answers by default */

const struct aws_service autoscaling_service = {
	.id = "Auto Scaling",
	.endpoint_prefix = "autoscaling",
	.signing_name = "autoscaling",
	.api_version = "2011-01-01",
	.protocol = AWS_QUERY,
	.double_encode = true,
};

/* --- one call, all pages --------------------------------------------------------------------- */

/* The service has one code for whatever is wrong with a request, an unknown group included. */
static void tell_not_found(struct err *err)
{
	if (err->code == ERR_REJECTED && !strcmp(err->aws, "ValidationError") &&
	    (strstr(err->text, "name not found") || strstr(err->text, "not found - ")))
		err->code = ERR_NOT_FOUND;
}

int autoscaling_call(const struct aws_client *c, const char *operation, const struct buf *body,
		     bool resend_safe, struct arena *a, const struct xml **root, struct err *err)
{
	struct aws_request r = {.service = &autoscaling_service,
				.operation = operation,
				.resend_safe = resend_safe};
	struct aws_response res;

	if (buf_check(body, "request", err))
		return err_wrap(err, "AutoScaling.%s", operation);
	r.body = buf_str(body);
	if (aws_call(c, &r, a, &res, err)) {
		tell_not_found(err);
		return -1;
	}
	*root = res.xml;
	return 0;
}

static int result_of(const struct autoscaling_list *l, const struct xml *root,
		     const struct xml **result, struct err *err)
{
	*result = xml_at(root, l->result);
	if (*result)
		return 0;
	return err_set(err, ERR_MALFORMED, "AutoScaling.%s: the answer has no %s", l->operation,
		       l->result);
}

static int add_page(struct autoscaling_list *l, const struct xml *result, struct arena *a,
		    struct err *err)
{
	xml_each(node, xml_at(result, l->list), "member") {
		l->items = aws_grow(a, l->items, l->n, &l->cap, l->size);
		if (l->read(node, a, (char *)l->items + l->n * l->size, err))
			return err_wrap(err, "AutoScaling.%s", l->operation);
		l->n++;
	}
	return 0;
}

int autoscaling_describe(const struct aws_client *c, struct autoscaling_list *l, struct str base,
			 struct arena *a, struct err *err)
{
	const char *token = NULL;

	for (int page = 0; page < AWS_PAGES_MAX; page++) {
		const struct xml *root = NULL, *result = NULL;
		struct buf body;
		int ret;

		buf_init(&body, AUTOSCALING_REQUEST_MAX);
		buf_add_str(&body, base);
		form_add_text(&body, "NextToken", token);
		ret = autoscaling_call(c, l->operation, &body, true, a, &root, err);
		buf_release(&body);
		if (ret || result_of(l, root, &result, err) || add_page(l, result, a, err))
			return -1;
		token = aws_xml_text(result, "NextToken");
		if (!token || l->one_page)
			return 0;
	}
	return err_set(err, ERR_LIMIT, "AutoScaling.%s: more than %d pages", l->operation,
		       AWS_PAGES_MAX);
}

int autoscaling_write(const struct aws_client *c, const char *operation, struct buf *body,
		      bool resend_safe, struct arena *a, struct err *err)
{
	const struct xml *root;
	int ret = autoscaling_call(c, operation, body, resend_safe, a, &root, err);

	buf_release(body);
	return ret;
}

/* --- reading a group ------------------------------------------------------------------------- */

static struct asg_template read_template(const struct xml *node)
{
	return (struct asg_template){
		.id = aws_xml_text(node, "LaunchTemplateId"),
		.name = aws_xml_text(node, "LaunchTemplateName"),
		.version = aws_xml_text(node, "Version"),
	};
}

static bool is_true(const struct xml *node, const char *path)
{
	return str_is(xml_text(node, path), "true");
}

/* Auto Scaling counts in 32 bits, and nothing below zero. */
static bool size_of(const struct xml *node, const char *path, int64_t *out)
{
	return xml_i64(node, path, out) && *out >= 0 && *out <= INT32_MAX;
}

static int read_instance(const struct xml *node, struct asg_instance *out, struct err *err)
{
	*out = (struct asg_instance){
		.id = aws_xml_text(node, "InstanceId"),
		.zone = aws_xml_text(node, "AvailabilityZone"),
		.lifecycle = aws_xml_text(node, "LifecycleState"),
		.is_protected = is_true(node, "ProtectedFromScaleIn"),
		.launch_template = read_template(xml_at(node, "LaunchTemplate")),
		.weight = 1,
	};
	if (!out->id || !out->lifecycle)
		return err_set(err, ERR_MALFORMED, "an instance has no id or no state");
	if (!size_of(node, "WeightedCapacity", &out->weight))
		out->weight = 1;
	out->in_service = !strcmp(out->lifecycle, "InService") &&
			  str_is(xml_text(node, "HealthStatus"), "Healthy");
	return 0;
}

static int read_instances(const struct xml *node, struct arena *a, struct asg_group *out,
			  struct err *err)
{
	struct asg_instance *all = NULL;
	size_t cap = 0;

	xml_each(item, xml_at(node, "Instances"), "member") {
		all = aws_grow(a, all, out->n_instances, &cap, sizeof(*all));
		if (read_instance(item, &all[out->n_instances], err))
			return err_wrap(err, "group %.255s", out->name);
		out->n_instances++;
	}
	out->instances = all;
	return 0;
}

static void read_tags(const struct xml *node, struct arena *a, struct asg_group *out)
{
	struct asg_tag *all = NULL;
	size_t cap = 0;

	xml_each(item, xml_at(node, "Tags"), "member") {
		const char *key = aws_xml_text(item, "Key"), *value = xml_cstr(item, "Value");

		if (!key)
			continue;
		all = aws_grow(a, all, out->n_tags, &cap, sizeof(*all));
		all[out->n_tags++] = (struct asg_tag){key, value ? value : "",
						      is_true(item, "PropagateAtLaunch")};
	}
	out->tags = all;
}

static const char **read_texts(const struct xml *list, const char *path, struct arena *a, size_t *n)
{
	const char **all = NULL;
	size_t cap = 0;

	xml_each(item, list, "member") {
		const char *text = aws_xml_text(item, path);

		if (!text)
			continue;
		all = aws_grow(a, all, *n, &cap, sizeof(*all));
		all[(*n)++] = text;
	}
	return all;
}

/* A group's template, or that of its policy, whose overrides may have others. */
static void read_launch(const struct xml *node, struct asg_group *out)
{
	const struct xml *policy = xml_at(node, "MixedInstancesPolicy/LaunchTemplate");

	out->launch_configuration = aws_xml_text(node, "LaunchConfigurationName");
	out->is_mixed = policy != NULL;
	out->launch_template = read_template(policy ? xml_at(policy, "LaunchTemplateSpecification")
						    : xml_at(node, "LaunchTemplate"));
	xml_each(item, xml_at(policy, "Overrides"), "member")
		out->overrides_template = out->overrides_template ||
					  xml_at(item, "LaunchTemplateSpecification") ||
					  xml_at(item, "ImageId");
}

static bool has_text(const char *const *all, size_t n, struct str text)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(text, all[i]))
			return true;
	return false;
}

/* Target groups stand in TargetGroupARNs and, as those of one kind, in TrafficSources. */
static void read_sources(const struct xml *node, struct arena *a, struct asg_group *out)
{
	size_t n = 0, cap = 0;
	const char **groups = read_texts(xml_at(node, "TargetGroupARNs"), "", a, &n);

	cap = n;
	xml_each(item, xml_at(node, "TrafficSources"), "member") {
		struct str id = xml_text(item, "Identifier");

		if (!str_is(xml_text(item, "Type"), "elbv2")) {
			out->n_other_sources++;
		} else if (!has_text(groups, n, id)) {
			groups = aws_grow(a, groups, n, &cap, sizeof(*groups));
			groups[n++] = str_dup(a, id);
		}
	}
	if (out->n_other_sources == 0)
		xml_each(item, xml_at(node, "LoadBalancerNames"), "member")
			out->n_other_sources++;
	out->target_groups = groups;
	out->n_target_groups = n;
}

static int read_group(const struct xml *node, struct arena *a, void *item, struct err *err)
{
	struct asg_group *out = item;

	*out = (struct asg_group){
		.name = aws_xml_text(node, "AutoScalingGroupName"),
		.arn = aws_xml_text(node, "AutoScalingGroupARN"),
		.health_check_type = aws_xml_text(node, "HealthCheckType"),
		.capacity_type = aws_xml_text(node, "DesiredCapacityType"),
		.deletion_protection = aws_xml_text(node, "DeletionProtection"),
		.operator_principal = aws_xml_text(node, "Operator/Principal"),
		.status = aws_xml_text(node, "Status"),
		.has_warm_pool = xml_first(xml_at(node, "WarmPoolConfiguration"), NULL) != NULL,
		.protects_new = is_true(node, "NewInstancesProtectedFromScaleIn"),
		.xml = node,
	};
	if (!out->name)
		return err_set(err, ERR_MALFORMED, "a group has no name");
	if (!size_of(node, "MinSize", &out->min) || !size_of(node, "MaxSize", &out->max) ||
	    !size_of(node, "DesiredCapacity", &out->desired))
		return err_set(err, ERR_MALFORMED, "group %.255s has no size", out->name);
	read_launch(node, out);
	read_sources(node, a, out);
	read_tags(node, a, out);
	out->suspended =
		read_texts(xml_at(node, "SuspendedProcesses"), "ProcessName", a, &out->n_suspended);
	return read_instances(node, a, out, err);
}

static struct autoscaling_list group_list(void)
{
	return (struct autoscaling_list){.operation = "DescribeAutoScalingGroups",
					 .result = "DescribeAutoScalingGroupsResult",
					 .list = "AutoScalingGroups",
					 .size = sizeof(struct asg_group),
					 .read = read_group};
}

int asg_describe_groups(const struct aws_client *c, const char *const *names, size_t n,
			struct arena *a, struct asg_group **out, struct err *err)
{
	struct autoscaling_list l = group_list();
	struct buf base;
	int ret;

	/* without names the call would list everything there is */
	if (n == 0 || n > NAMES_MAX)
		return err_set(err, ERR_REJECTED, "AutoScaling.%s: %zu names, 1 to %d can be asked",
			       l.operation, n, NAMES_MAX);
	buf_init(&base, AUTOSCALING_REQUEST_MAX);
	for (size_t i = 0; i < n; i++)
		form_add(&base, arena_printf(a, "AutoScalingGroupNames.member.%zu", i + 1),
			 str_from(names[i]));
	ret = autoscaling_describe(c, &l, buf_str(&base), a, err);
	buf_release(&base);
	if (ret)
		return -1;
	*out = arena_array(a, struct asg_group, n);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < l.n; k++)
			if (!strcmp(((struct asg_group *)l.items)[k].name, names[i]))
				(*out)[i] = ((struct asg_group *)l.items)[k];
	return 0;
}

int asg_describe_tagged(const struct aws_client *c, const char *key, const char *value,
			struct arena *a, struct asg_group **out, size_t *n, struct err *err)
{
	struct autoscaling_list l = group_list();
	struct buf base;
	int ret;

	buf_init(&base, AUTOSCALING_REQUEST_MAX);
	form_add(&base, "Filters.member.1.Name", str_from(arena_printf(a, "tag:%s", key)));
	form_add(&base, "Filters.member.1.Values.member.1", str_from(value));
	ret = autoscaling_describe(c, &l, buf_str(&base), a, err);
	buf_release(&base);
	*out = l.items;
	*n = l.n;
	return ret;
}

bool asg_is_suspended(const struct asg_group *g, const char *process)
{
	for (size_t i = 0; i < g->n_suspended; i++)
		if (!strcmp(g->suspended[i], process))
			return true;
	return false;
}

const char *asg_tag_get(const struct asg_group *g, const char *key)
{
	for (size_t i = 0; i < g->n_tags; i++)
		if (!strcmp(g->tags[i].key, key))
			return g->tags[i].value;
	return NULL;
}
