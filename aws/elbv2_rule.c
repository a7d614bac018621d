#include "aws/elbv2_rule.h"

#include <string.h>

#include "aws/answer.h"
#include "aws/elbv2_call.h"

/*
 * Rules: read, made, removed, and told apart by their tags. A rule is made by a call that has no
 * token and so is never sent twice.
 */

#define TAGS_PER_CALL 20 /* ARNs that DescribeTags takes */

int elbv2_rule_parse(const struct xml *node, struct arena *a, struct elbv2_rule *out,
		     struct err *err)
{
	struct elbv2_action *actions;

	*out = (struct elbv2_rule){
		.arn = aws_xml_text(node, "RuleArn"),
		.priority = aws_xml_text(node, "Priority"),
		.is_default = str_is(xml_text(node, "IsDefault"), "true") ||
			      str_is(xml_text(node, "Priority"), "default"),
		.conditions = xml_at(node, "Conditions"),
		.has_transforms = xml_first(xml_at(node, "Transforms"), "member") != NULL,
	};
	if (!out->arn)
		return err_set(err, ERR_MALFORMED, "a rule has no ARN");
	if (elbv2_actions_parse(xml_at(node, "Actions"), a, &actions, &out->n_actions, err))
		return err_wrap(err, "rule %.300s", out->arn);
	out->actions = actions;
	return 0;
}

int64_t elbv2_rule_priority(const struct elbv2_rule *rule)
{
	int64_t priority = -1;

	if (rule->is_default)
		return 0;
	(void)str_parse_i64(str_from(rule->priority), 1, ELBV2_PRIORITY_MAX, &priority);
	return priority;
}

/* --- making and removing ---------------------------------------------------------------------- */

static int format_rule(struct buf *body, const struct elbv2_new_rule *rule, struct err *err)
{
	elbv2_add(body, "ListenerArn", rule->listener_arn);
	buf_addf(body, "&Priority=%lld", (long long)rule->priority);
	if (elbv2_conditions_format(body, rule->conditions, rule->n_conditions, err) ||
	    elbv2_actions_format(body, "Actions", rule->actions.actions, rule->actions.n, err))
		return -1;
	for (size_t i = 0; i < rule->n_tags; i++) {
		buf_addf(body, "&Tags.member.%zu.Key=", i + 1);
		buf_add_uri(body, str_from(rule->tags[i].key), false);
		buf_addf(body, "&Tags.member.%zu.Value=", i + 1);
		buf_add_uri(body, str_from(rule->tags[i].value), false);
	}
	return 0;
}

int elbv2_create_rule(const struct aws_client *c, const struct elbv2_new_rule *rule,
		      struct arena *a, struct elbv2_rule *out, struct err *err)
{
	static const struct elbv2_op op = {
		.name = "CreateRule", .result = "CreateRuleResult", .list = "Rules"};
	const struct xml *result = NULL;
	struct buf body;
	int ret;

	if (!str_from(rule->listener_arn).n || !rule->n_conditions || !rule->actions.n ||
	    rule->priority < 1 || rule->priority > ELBV2_PRIORITY_MAX)
		return err_set(err, ERR_REJECTED,
			       "ELBv2.%s: no listener, conditions or actions, or priority %lld is "
			       "not from 1 to %d",
			       op.name, (long long)rule->priority, ELBV2_PRIORITY_MAX);
	buf_init(&body, ELBV2_REQUEST_MAX);
	if (format_rule(&body, rule, err))
		ret = err_wrap(err, "ELBv2.%s at %.300s", op.name, rule->listener_arn);
	else
		ret = elbv2_call(c, &op, &body, a, &result, err);
	buf_release(&body);
	if (ret)
		return -1;
	if (elbv2_rule_parse(xml_first(xml_at(result, op.list), "member"), a, out, err)) {
		err->sent = true;
		return err_wrap(err, "ELBv2.%s", op.name);
	}
	return 0;
}

int elbv2_delete_rule(const struct aws_client *c, const char *rule_arn, struct arena *a,
		      struct err *err)
{
	static const struct elbv2_op op = {.name = "DeleteRule", .result = "DeleteRuleResult"};
	const struct xml *result = NULL;
	struct err e = ERR_INIT;
	struct buf body;
	int ret;

	if (!str_from(rule_arn).n)
		return err_set(err, ERR_REJECTED, "ELBv2.%s: no ARN", op.name);
	buf_init(&body, ELBV2_REQUEST_MAX);
	elbv2_add(&body, "RuleArn", rule_arn);
	ret = elbv2_call(c, &op, &body, a, &result, &e);
	buf_release(&body);
	if (ret == 0 || e.code == ERR_NOT_FOUND)
		return 0;
	*err = e;
	return -1;
}

/* --- tags ------------------------------------------------------------------------------------- */

static int read_tags(const struct xml *list, struct arena *a, struct elbv2_tags *out,
		     struct err *err)
{
	struct elbv2_tag *tags = NULL;
	size_t cap = 0;

	*out = (struct elbv2_tags){.n = 0};
	xml_each(node, list, "member") {
		tags = aws_grow(a, tags, out->n, &cap, sizeof(*tags));
		tags[out->n].key = aws_xml_text(node, "Key");
		tags[out->n].value = xml_cstr(node, "Value");
		if (!tags[out->n].key)
			return err_set(err, ERR_MALFORMED, "a tag has no key");
		if (!tags[out->n].value)
			tags[out->n].value = "";
		out->n++;
	}
	out->tags = tags;
	return 0;
}

/* The tags of arns, n of them, from one answer. */
static int read_answer(const struct xml *list, const char *const *arns, size_t n, struct arena *a,
		       struct elbv2_tags *out, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct xml *found = NULL;

		xml_each(node, list, "member") {
			if (str_is(xml_text(node, "ResourceArn"), arns[i]))
				found = node;
		}
		if (!found)
			return err_set(err, ERR_MALFORMED, "the answer has no tags of %.300s",
				       arns[i]);
		if (read_tags(xml_at(found, "Tags"), a, &out[i], err))
			return -1;
	}
	return 0;
}

int elbv2_describe_tags(const struct aws_client *c, const char *const *arns, size_t n_arns,
			struct arena *a, struct elbv2_tags **out, struct err *err)
{
	static const struct elbv2_op op = {
		.name = "DescribeTags", .result = "DescribeTagsResult", .list = "TagDescriptions"};
	struct elbv2_tags *all = arena_array(a, struct elbv2_tags, n_arns + 1);

	for (size_t at = 0; at < n_arns; at += TAGS_PER_CALL) {
		size_t n = n_arns - at < TAGS_PER_CALL ? n_arns - at : TAGS_PER_CALL;
		const struct xml *result = NULL;
		struct buf body;
		int ret;

		buf_init(&body, ELBV2_REQUEST_MAX);
		for (size_t i = 0; i < n; i++)
			elbv2_add(&body, arena_printf(a, "ResourceArns.member.%zu", i + 1),
				  arns[at + i]);
		ret = elbv2_call(c, &op, &body, a, &result, err);
		buf_release(&body);
		if (ret)
			return -1;
		if (read_answer(xml_at(result, op.list), arns + at, n, a, all + at, err))
			return err_wrap(err, "ELBv2.%s", op.name);
	}
	*out = all;
	return 0;
}

const char *elbv2_tag_get(const struct elbv2_tags *tags, const char *key)
{
	for (size_t i = 0; i < tags->n; i++)
		if (strcmp(tags->tags[i].key, key) == 0)
			return tags->tags[i].value;
	return NULL;
}
