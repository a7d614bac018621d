#include "aws/elbv2.h"

#include <string.h>

#include "aws/answer.h"

/*
 * Actions, read and written. ModifyRule and ModifyListener replace the whole list, so whatever is
 * read and not understood must come back unharmed: the XML of an answer and the form parameters of
 * a request are two spellings of one model, and a generic walk turns the first into the second.
 * The walk keeps a stack of its own; the nesting comes from outside.
 */

#define KEY_MAX 512 /* the longest key of the model has 92 characters */
#define WEIGHT_MAX 999
#define ORDER_MAX 50000

bool elbv2_action_is_forward(const struct elbv2_action *action)
{
	return action->type && strcmp(action->type, "forward") == 0;
}

/* --- XML to form parameters ------------------------------------------------------------------ */

/* The key under construction: path[0..n). */
struct key {
	char path[KEY_MAX];
	size_t n;
};

static int key_add(struct key *k, struct str part, struct err *err)
{
	if (part.n + 2 > sizeof(k->path) - k->n)
		return err_set(err, ERR_LIMIT, "an action has a member whose name is too long");
	if (k->n)
		k->path[k->n++] = '.';
	memcpy(k->path + k->n, part.p, part.n);
	k->n += part.n;
	return 0;
}

static int key_add_number(struct key *k, size_t number, struct err *err)
{
	char text[24];
	struct buf b;
	int ret;

	buf_init(&b, sizeof(text));
	buf_addf(&b, "%zu", number);
	ret = key_add(k, buf_str(&b), err);
	buf_release(&b);
	return ret;
}

static void pair(struct buf *b, const struct key *k, struct str value)
{
	buf_addc(b, '&');
	buf_add_uri(b, (struct str){k->path, k->n}, false);
	buf_addc(b, '=');
	buf_add_uri(b, value, false);
}

static int member(struct buf *b, const struct key *at, const char *name, struct str value,
		  struct err *err)
{
	struct key k = *at;

	if (key_add(&k, str_from(name), err))
		return -1;
	pair(b, &k, value);
	return 0;
}

/* An item of a list is "member.N", one of a map "entry.N". */
static bool is_item(const struct xml *node)
{
	return str_is(node->name, "member") || str_is(node->name, "entry");
}

struct level {
	const struct xml *next; /* sibling to come back to */
	size_t key_n;		/* length of the parent's key */
	size_t items;		/* items seen so far among the siblings */
};

/* Append everything below node, whose key is *at. An element without children is a scalar, or an
 * empty list: both are written "key=". */
static int format_tree(struct buf *b, const struct key *at, const struct xml *node, struct err *err)
{
	struct level stack[ELBV2_ACTION_DEPTH];
	struct key k = *at;
	size_t depth = 0;

	if (!node->first) {
		pair(b, &k, node->text);
		return 0;
	}
	stack[0] = (struct level){.next = node->first, .key_n = k.n};
	for (;;) {
		struct level *l = &stack[depth];
		const struct xml *child = l->next;

		k.n = l->key_n;
		if (!child) {
			if (depth == 0)
				return 0;
			depth--;
			continue;
		}
		l->next = child->next;
		if (key_add(&k, child->name, err))
			return -1;
		if (is_item(child) && key_add_number(&k, ++l->items, err))
			return -1;
		if (!child->first) {
			pair(b, &k, child->text);
			continue;
		}
		if (++depth == ELBV2_ACTION_DEPTH)
			return err_set(err, ERR_LIMIT, "an action nests deeper than %d levels",
				       ELBV2_ACTION_DEPTH);
		stack[depth] = (struct level){.next = child->first, .key_n = k.n};
	}
}

/* The children of node, except those named in `except` (ends with NULL). */
static int format_others(struct buf *b, const struct key *at, const struct xml *node,
			 const char *const *except, struct err *err)
{
	xml_each (child, node, NULL) {
		struct key k = *at;
		bool skip = false;

		for (size_t i = 0; except[i]; i++)
			skip = skip || str_is(child->name, except[i]);
		if (skip)
			continue;
		if (key_add(&k, child->name, err) || format_tree(b, &k, child, err))
			return -1;
	}
	return 0;
}

/* --- forward --------------------------------------------------------------------------------- */

static int check_forward(const struct elbv2_action *action, struct err *err)
{
	int64_t sum = 0;

	if (!action->n_groups)
		return err_set(err, ERR_REJECTED, "a forward action has no target group");
	for (size_t i = 0; i < action->n_groups; i++) {
		const struct elbv2_group *g = &action->groups[i];

		if (!str_from(g->arn).n)
			return err_set(err, ERR_REJECTED, "a target group has no ARN");
		if (g->has_weight && (g->weight < 0 || g->weight > WEIGHT_MAX))
			return err_set(err, ERR_REJECTED,
				       "weight %lld of %.200s is not from 0 to %d",
				       (long long)g->weight, g->arn, WEIGHT_MAX);
		sum += g->has_weight ? g->weight : 1;
	}
	if (!sum)
		return err_set(err, ERR_REJECTED,
			       "all weights of a forward action are 0: nothing would be served");
	return 0;
}

static struct str number_text(char out[24], int64_t v)
{
	struct buf b;
	struct str s;

	buf_init(&b, 23);
	buf_addf(&b, "%lld", (long long)v);
	(void)str_copy(out, 24, buf_str(&b));
	s = str_from(out);
	buf_release(&b);
	return s;
}

static int format_stickiness(struct buf *b, const struct key *config,
			     const struct elbv2_stickiness *s, struct err *err)
{
	struct key k = *config;
	char text[24];

	if (!s->present)
		return 0;
	if (key_add(&k, STR("TargetGroupStickinessConfig"), err) ||
	    member(b, &k, "Enabled", str_from(s->enabled ? "true" : "false"), err))
		return -1;
	if (s->duration_s <= 0)
		return 0;
	return member(b, &k, "DurationSeconds", number_text(text, s->duration_s), err);
}

static int format_forward(struct buf *b, const struct key *at, const struct elbv2_action *action,
			  struct err *err)
{
	static const char *const known[] = {"Type", "Order", "TargetGroupArn", "ForwardConfig",
					    NULL};
	static const char *const known_config[] = {"TargetGroups", "TargetGroupStickinessConfig",
						   NULL};
	struct key config = *at, k;
	char text[24];

	if (check_forward(action, err) || member(b, at, "Type", STR("forward"), err))
		return -1;
	if (action->order > 0 && member(b, at, "Order", number_text(text, action->order), err))
		return -1;
	if (key_add(&config, STR("ForwardConfig"), err))
		return -1;
	for (size_t i = 0; i < action->n_groups; i++) {
		const struct elbv2_group *g = &action->groups[i];

		k = config;
		if (key_add(&k, STR("TargetGroups.member"), err) ||
		    key_add_number(&k, i + 1, err) ||
		    member(b, &k, "TargetGroupArn", str_from(g->arn), err))
			return -1;
		if (g->has_weight && member(b, &k, "Weight", number_text(text, g->weight), err))
			return -1;
	}
	if (format_stickiness(b, &config, &action->stickiness, err))
		return -1;
	/* What AWS adds to forward actions one day is not ours to drop. */
	if (format_others(b, &config, xml_at(action->xml, "ForwardConfig"), known_config, err))
		return -1;
	return format_others(b, at, action->xml, known, err);
}

/* --- all actions ----------------------------------------------------------------------------- */

static int format_oidc(struct buf *b, const struct key *at, const struct xml *xml, struct err *err)
{
	static const char *const config_name[] = {"AuthenticateOidcConfig", NULL};
	static const char *const secret[] = {"ClientSecret", "UseExistingClientSecret", NULL};
	struct key k = *at;

	if (format_others(b, at, xml, config_name, err) ||
	    key_add(&k, STR("AuthenticateOidcConfig"), err) ||
	    format_others(b, &k, xml_at(xml, "AuthenticateOidcConfig"), secret, err))
		return -1;
	return member(b, &k, "UseExistingClientSecret", STR("true"), err);
}

int elbv2_actions_format(struct buf *b, const char *prefix, const struct elbv2_action *actions,
			 size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct elbv2_action *action = &actions[i];
		struct key k = {.n = 0};
		int ret;

		if (key_add(&k, str_from(prefix), err) || key_add(&k, STR("member"), err) ||
		    key_add_number(&k, i + 1, err))
			return -1;
		if (!str_from(action->type).n)
			return err_set(err, ERR_REJECTED, "an action has no type");
		if (elbv2_action_is_forward(action))
			ret = format_forward(b, &k, action, err);
		else if (!action->xml)
			return err_set(err, ERR_REJECTED,
				       "an action of type %.60s cannot be made up here",
				       action->type);
		else if (strcmp(action->type, "authenticate-oidc") == 0)
			ret = format_oidc(b, &k, action->xml, err);
		else
			ret = format_tree(b, &k, action->xml, err);
		if (ret)
			return -1;
	}
	return 0;
}

/* --- reading --------------------------------------------------------------------------------- */

static int read_group(const struct xml *node, struct elbv2_group *out, struct err *err)
{
	struct str weight = xml_text(node, "Weight");

	out->arn = aws_xml_text(node, "TargetGroupArn");
	out->has_weight = weight.n > 0;
	out->weight = 1;
	if (!out->arn)
		return err_set(err, ERR_MALFORMED, "a target group of a forward has no ARN");
	if (weight.n && !str_parse_i64(weight, 0, WEIGHT_MAX, &out->weight))
		return err_set(err, ERR_MALFORMED, "\"" STR_FMT "\" is no weight",
			       STR_ARG(str_sub(weight, 0, 40)));
	return 0;
}

static int read_forward(const struct xml *node, struct arena *a, struct elbv2_action *out,
			struct err *err)
{
	const struct xml *config = xml_at(node, "ForwardConfig");
	const struct xml *sticky = xml_at(config, "TargetGroupStickinessConfig");
	struct elbv2_group *groups = NULL;
	size_t cap = 0;

	xml_each (group, xml_at(config, "TargetGroups"), "member") {
		groups = aws_grow(a, groups, out->n_groups, &cap, sizeof(*groups));
		if (read_group(group, &groups[out->n_groups], err))
			return -1;
		out->n_groups++;
	}
	if (!out->n_groups && aws_xml_text(node, "TargetGroupArn")) {
		groups = arena_new_of(a, struct elbv2_group);
		*groups = (struct elbv2_group){.arn = aws_xml_text(node, "TargetGroupArn"),
					       .weight = 1};
		out->n_groups = 1;
	}
	out->groups = groups;
	if (!out->n_groups)
		return err_set(err, ERR_MALFORMED, "a forward action has no target group");
	out->stickiness.present = sticky != NULL;
	out->stickiness.enabled = str_is(xml_text(sticky, "Enabled"), "true");
	if (xml_text(sticky, "DurationSeconds").n &&
	    !str_parse_i64(xml_text(sticky, "DurationSeconds"), 0, INT32_MAX,
			   &out->stickiness.duration_s))
		return err_set(err, ERR_MALFORMED, "a duration of stickiness is no number");
	return 0;
}

int elbv2_actions_parse(const struct xml *list, struct arena *a, struct elbv2_action **out,
			size_t *n, struct err *err)
{
	struct elbv2_action *all = NULL;
	size_t count = 0, cap = 0;

	xml_each (node, list, "member") {
		struct elbv2_action *action;
		struct str order = xml_text(node, "Order");

		all = aws_grow(a, all, count, &cap, sizeof(*all));
		action = &all[count++];
		*action = (struct elbv2_action){.type = aws_xml_text(node, "Type"), .xml = node};
		if (!action->type)
			return err_set(err, ERR_MALFORMED, "an action has no type");
		if (order.n && !str_parse_i64(order, 1, ORDER_MAX, &action->order))
			return err_set(err, ERR_MALFORMED, "\"" STR_FMT "\" is no order",
				       STR_ARG(str_sub(order, 0, 40)));
		if (elbv2_action_is_forward(action) && read_forward(node, a, action, err))
			return -1;
	}
	*out = all;
	*n = count;
	return 0;
}
