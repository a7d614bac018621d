#include "worker/target/load_balancer_segments.h"

#include <string.h>

#include "aws/elbv2_rule.h"

/* --- what a segment's rule says --------------------------------------------------------------- */

/* ".../listener-rule/app/web/1/2/3" is a rule of ".../listener/app/web/1/2". */
static const char *listener_of(struct arena *a, const char *resource)
{
	static const char rule[] = ":listener-rule/";
	const char *at = strstr(resource, rule), *last = strrchr(resource, '/');

	if (!at || !last)
		return resource;
	return arena_printf(a, STR_FMT ":listener/" STR_FMT,
			    STR_ARG(((struct str){resource, (size_t)(at - resource)})),
			    STR_ARG(((struct str){at + sizeof(rule) - 1,
						  (size_t)(last - at) - (sizeof(rule) - 1)})));
}

static struct elbv2_condition *add(struct elbv2_condition *list, size_t *n, const char *field)
{
	list[*n] = (struct elbv2_condition){.field = field, .whole = true};
	return &list[(*n)++];
}

static const char *const *one_text(struct arena *a, const char *text)
{
	const char **list = arena_array(a, const char *, 1);

	list[0] = text;
	return list;
}

/* The conditions of the rule that is deployed to, and the segment's. */
static const struct elbv2_condition *conditions_of(struct arena *a, const struct lb_segments *g,
						   const struct plan_segment *s, size_t *n)
{
	struct elbv2_condition *list = arena_array(a, struct elbv2_condition, g->n_conditions + 4);
	struct elbv2_condition *c;

	*n = g->n_conditions;
	for (size_t i = 0; i < g->n_conditions; i++)
		list[i] = g->conditions[i];
	if (s->header) {
		c = add(list, n, "http-header");
		c->header = s->header;
		c->values = s->values;
		c->n_values = s->n_values;
	}
	if (s->cookie) {
		c = add(list, n, "http-header");
		c->header = "Cookie";
		c->values = one_text(a, arena_printf(a, "*%s=%s*", s->cookie, s->cookie_value));
		c->n_values = 1;
	}
	if (s->query_value) {
		struct elbv2_query *q = arena_new_of(a, struct elbv2_query);

		*q = (struct elbv2_query){.key = s->query_key, .value = s->query_value};
		c = add(list, n, "query-string");
		c->queries = q;
		c->n_queries = 1;
	}
	if (s->n_source_ip) {
		c = add(list, n, "source-ip");
		c->values = s->source_ip;
		c->n_values = s->n_source_ip;
	}
	return list;
}

/* The list of the rule that is deployed to, forwarding to the candidate alone. */
static struct elbv2_actions actions_of(struct arena *a, const struct lb_record *r,
				       const struct lb_forward *f)
{
	struct elbv2_action *list = arena_array(a, struct elbv2_action, f->n_actions);
	struct elbv2_group *group = arena_new_of(a, struct elbv2_group);

	*group = (struct elbv2_group){.arn = r->candidate, .weight = 1, .has_weight = true};
	for (size_t i = 0; i < f->n_actions; i++)
		list[i] = f->actions[i];
	/* stickiness is about several groups, and what is one is not to be carried back */
	list[f->at] = (struct elbv2_action){.type = "forward",
					    .order = f->actions[f->at].order,
					    .groups = group,
					    .n_groups = 1};
	return (struct elbv2_actions){list, f->n_actions};
}

static bool same_actions(const struct elbv2_rule *rule, const struct elbv2_actions *wanted)
{
	if (rule->n_actions != wanted->n || rule->has_transforms)
		return false;
	for (size_t i = 0; i < wanted->n; i++) {
		const struct elbv2_action *is = &rule->actions[i], *should = &wanted->actions[i];

		if (strcmp(is->type, should->type) != 0)
			return false;
		if (elbv2_action_is_forward(is) &&
		    (is->n_groups != 1 || strcmp(is->groups[0].arn, should->groups[0].arn) != 0))
			return false;
	}
	return true;
}

/* --- reading ---------------------------------------------------------------------------------- */

struct listing {
	struct elbv2_rule *rules;
	struct elbv2_tags *tags; /* of each */
	size_t n;
	const struct elbv2_rule *main; /* the one that is deployed to */
};

/* The rules, and the tags of all but the default one, which has none that matter. */
static int read_listing(const struct target_env *env, const struct lb_record *r,
			const char *listener, struct listing *l, struct err *err)
{
	const char **arns;
	bool is_listener = !strcmp(listener, r->resource);

	l->main = NULL;
	if (elbv2_describe_rules(&env->client, listener, env->arena, &l->rules, &l->n, err))
		return -1;
	arns = arena_array(env->arena, const char *, l->n + 1);
	for (size_t i = 0; i < l->n; i++) {
		arns[i] = l->rules[i].arn;
		if (is_listener ? l->rules[i].is_default : !strcmp(arns[i], r->resource))
			l->main = &l->rules[i];
	}
	if (!l->main)
		return err_set(err, ERR_NOT_FOUND, "%s is not among the rules of %s", r->resource,
			       listener);
	if (elbv2_describe_tags(&env->client, arns, l->n, env->arena, &l->tags, err)) {
		/* one of them was removed in between: no sign about ours */
		if (err->code == ERR_NOT_FOUND)
			err->code = ERR_CONFLICT;
		return -1;
	}
	return 0;
}

static bool is_ours(const struct target_env *env, const struct elbv2_tags *tags)
{
	const char *id = elbv2_tag_get(tags, LB_TAG_ROLLOUT);

	return id && env->rollout_id && !strcmp(id, env->rollout_id);
}

/* What somebody changed about a rule of ours; NULL when it is as it was made. */
static const char *what_is_wrong(const struct target_env *env, const struct lb_segments *g,
				 const struct elbv2_rule *rule, const struct plan_segment *s,
				 const struct elbv2_actions *actions)
{
	const struct elbv2_condition *wanted;
	struct elbv2_condition *is;
	struct err err = ERR_INIT;
	size_t n_wanted, n_is;
	const char *what = NULL;

	wanted = conditions_of(env->arena, g, s, &n_wanted);
	if (elbv2_conditions_parse(rule->conditions, env->arena, &is, &n_is, &err) ||
	    !elbv2_conditions_same(is, n_is, wanted, n_wanted))
		what = "its conditions are not those of the rule before it and the segment";
	else if (!same_actions(rule, actions))
		what = "it does not forward to the candidate alone";
	else if (g->priority && elbv2_rule_priority(rule) > g->priority)
		what = "it stands behind the rule it was made for";
	return what ? arena_printf(env->arena, "the rule %s of segment %s was changed: %s",
				   rule->arn, s->name, what)
		    : NULL;
}

static void take_rule(const struct target_env *env, const struct elbv2_rule *rule,
		      const struct elbv2_tags *tags, const struct elbv2_actions *actions,
		      struct lb_segments *g)
{
	const char *name = elbv2_tag_get(tags, LB_TAG_SEGMENT);
	int segment = name ? plan_segment_find(env->plan, str_from(name)) : -1;
	const char *wrong = NULL;

	if (segment >= 0)
		wrong = what_is_wrong(env, g, rule, &env->plan->segments[segment], actions);
	if (wrong)
		g->wrong = wrong;
	else if (segment >= 0)
		g->there |= 1u << segment;
	if (g->n == LB_SEGMENT_RULES_MAX)
		return;
	g->rules[g->n].arn = rule->arn;
	g->rules[g->n++].segment = segment;
}

/* Where rules of ours may stand: after `floor`, and before the rule that is deployed to. */
static void take_places(const struct target_env *env, const struct listing *l,
			struct lb_segments *g)
{
	int64_t *priorities = arena_array(env->arena, int64_t, l->n + 1);

	g->priority = elbv2_rule_priority(l->main);
	for (size_t i = 0; i < l->n; i++) {
		int64_t at = elbv2_rule_priority(&l->rules[i]);

		priorities[g->n_priorities++] = at;
		if (!is_ours(env, &l->tags[i]) && at > g->floor &&
		    (!g->priority || at < g->priority))
			g->floor = at;
	}
	g->priorities = priorities;
}

static int read_rules(const struct target_env *env, const struct lb_record *r,
		      const struct lb_forward *f, struct listing *l, struct lb_segments *g,
		      struct err *err)
{
	struct elbv2_actions actions = actions_of(env->arena, r, f);
	struct elbv2_condition *conditions;

	*g = (struct lb_segments){.listener = listener_of(env->arena, r->resource)};
	if (read_listing(env, r, g->listener, l, err) ||
	    elbv2_conditions_parse(l->main->conditions, env->arena, &conditions, &g->n_conditions,
				   err))
		return -1;
	g->conditions = conditions;
	take_places(env, l, g);
	for (size_t i = 0; i < l->n; i++)
		if (is_ours(env, &l->tags[i]))
			take_rule(env, &l->rules[i], &l->tags[i], &actions, g);
	return 0;
}

int lb_segments_read(const struct target_env *env, const struct lb_record *r,
		     const struct lb_forward *f, struct lb_segments *g, struct err *err)
{
	struct listing l;

	*g = (struct lb_segments){0};
	return r->segments ? read_rules(env, r, f, &l, g, err) : 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

static bool is_taken(const struct lb_segments *g, int64_t priority)
{
	for (size_t i = 0; i < g->n_priorities; i++)
		if (g->priorities[i] == priority)
			return true;
	return false;
}

/*
 * A free priority: the last before the rule that is deployed to, so that whoever comes before it
 * still does; in front of a default action the first that comes after everybody. 0: none.
 */
static int64_t free_place(const struct lb_segments *g, unsigned nth)
{
	int64_t from = g->priority ? g->priority - 1 : g->floor + 1;
	int64_t step = g->priority ? -1 : 1;

	for (int64_t at = from; at > g->floor && at <= ELBV2_PRIORITY_MAX; at += step)
		if (!is_taken(g, at) && nth-- == 0)
			return at;
	return 0;
}

static int make_rule(const struct target_env *env, const struct lb_record *r,
		     const struct lb_forward *f, const struct lb_segments *g,
		     const struct plan_segment *s, unsigned nth, struct err *err)
{
	const struct elbv2_tag tags[] = {{LB_TAG_ROLLOUT, env->rollout_id},
					 {LB_TAG_SEGMENT, s->name}};
	struct elbv2_new_rule rule = {.listener_arn = g->listener,
				      .priority = free_place(g, nth),
				      .actions = actions_of(env->arena, r, f),
				      .tags = tags,
				      .n_tags = 2};
	struct elbv2_rule made;

	if (!rule.priority)
		return err_set(err, ERR_CONFLICT,
			       "there is no free priority any more for a rule of segment %s in "
			       "front of %s",
			       s->name, r->resource);
	rule.conditions = conditions_of(env->arena, g, s, &rule.n_conditions);
	if (elbv2_create_rule(&env->client, &rule, env->arena, &made, err))
		return err_wrap(err, "rule of segment %s", s->name);
	return 0;
}

static int keep_first(struct err *first, struct err *err)
{
	if (first->code == ERR_OK)
		*first = *err;
	*err = ERR_INIT;
	return -1;
}

int lb_segments_write(const struct target_env *env, const struct lb_record *r,
		      const struct lb_forward *f, const struct lb_segments *g, unsigned want,
		      struct err *err)
{
	unsigned missing = want & ~g->there, made = 0;
	struct err first = ERR_INIT, e = ERR_INIT;
	int rc = 0;

	for (size_t i = 0; r->segments && i < env->plan->n_segments; i++) {
		if (!((missing >> i) & 1u))
			continue;
		if (make_rule(env, r, f, g, &env->plan->segments[i], made++, &e))
			rc = keep_first(&first, &e);
	}
	for (size_t i = 0; i < g->n; i++) {
		int segment = g->rules[i].segment;

		if (segment >= 0 && ((want >> segment) & 1u))
			continue;
		if (elbv2_delete_rule(&env->client, g->rules[i].arn, env->arena, &e))
			rc = keep_first(&first, &e);
	}
	if (rc)
		*err = first;
	return rc;
}

/* --- inspecting ------------------------------------------------------------------------------- */

/* What the rule that is deployed to has, and a rule of ours would not. */
static void check_main(const struct lb_segments *g, const struct listing *l,
		       const struct lb_record *r, const struct lb_forward *f, struct problems *p)
{
	for (size_t i = 0; i < g->n_conditions; i++)
		if (!g->conditions[i].whole)
			problem_add(p, "Target", r->resource,
				    "it has a condition on %s that cannot be given to another "
				    "rule whole, as the rules of segments need it",
				    g->conditions[i].field);
	for (size_t i = 0; i < f->n_actions; i++)
		if (!strcmp(f->actions[i].type, "authenticate-oidc"))
			problem_add(p, "Target", r->resource,
				    "it authenticates with a client secret, which Elastic Load "
				    "Balancing does not tell: no rule for a segment can be made "
				    "that does the same");
	if (l->main->has_transforms)
		problem_add(p, "Target", r->resource,
			    "it rewrites requests, which the rules of segments would not");
}

static void check_segment(const struct target_env *env, const struct lb_segments *g,
			  const struct plan_segment *s, struct problems *p)
{
	size_t n, values, wildcards;
	const struct elbv2_condition *c = conditions_of(env->arena, g, s, &n);

	values = elbv2_conditions_values(c, n);
	wildcards = elbv2_conditions_wildcards(c, n);
	if (values > ELBV2_RULE_VALUES_MAX)
		problem_add(p, s->place, NULL,
			    "with the conditions of the rule that is deployed to there are %zu "
			    "values; a rule has at most %d",
			    values, ELBV2_RULE_VALUES_MAX);
	if (wildcards > ELBV2_RULE_WILDCARDS_MAX)
		problem_add(p, s->place, NULL,
			    "with the conditions of the rule that is deployed to there are %zu "
			    "wildcards; a rule has at most %d",
			    wildcards, ELBV2_RULE_WILDCARDS_MAX);
}

static void check_room(const struct lb_segments *g, const struct lb_record *r, unsigned used,
		       struct problems *p)
{
	unsigned wanted = 0;

	for (; used; used &= used - 1)
		wanted++;
	if (wanted && !free_place(g, wanted - 1))
		problem_add(p, "Target", r->resource,
			    "%u free priorities are needed in front of it, after %lld, which is "
			    "taken: give it a higher one",
			    wanted, (long long)g->floor);
}

/* A rule of another rollout that leads to these groups: it was left behind, or is at work. */
static void check_left(const struct target_env *env, const struct lb_record *r,
		       const struct listing *l, struct problems *p)
{
	for (size_t i = 0; i < l->n; i++) {
		const char *id = elbv2_tag_get(&l->tags[i], LB_TAG_ROLLOUT);
		bool leads = false;

		for (size_t k = 0; k < l->rules[i].n_actions; k++)
			for (size_t m = 0; m < l->rules[i].actions[k].n_groups; m++)
				leads |= !strcmp(l->rules[i].actions[k].groups[m].arn,
						 r->candidate) ||
					 !strcmp(l->rules[i].actions[k].groups[m].arn, r->baseline);
		if (id && leads && !is_ours(env, &l->tags[i]))
			problem_busy(p, "Target", l->rules[i].arn,
				     "this rule for a segment was made by rollout %s: it is "
				     "running still, or left it; remove the rule when it is over",
				     id);
	}
}

int lb_segments_inspect(const struct target_env *env, const struct lb_record *r,
			const struct lb_forward *f, struct problems *p, struct err *err)
{
	unsigned used = plan_segments_used(env->plan);
	struct lb_segments g;
	struct listing l;

	if (!r->segments)
		return 0;
	if (r->network) {
		problem_add(p, "Target", r->resource,
			    "a Network Load Balancer does not see requests; segments need an "
			    "Application Load Balancer");
		return 0;
	}
	if (read_rules(env, r, f, &l, &g, err))
		return -1;
	check_main(&g, &l, r, f, p);
	check_room(&g, r, used, p);
	check_left(env, r, &l, p);
	for (size_t i = 0; i < env->plan->n_segments; i++)
		if ((used >> i) & 1u)
			check_segment(env, &g, &env->plan->segments[i], p);
	return 0;
}

/* --- calls ------------------------------------------------------------------------------------ */

#define ARNS "arn:aws:elasticloadbalancing:*:*:"

/* app/NAME/ID/ and all behind it, of the load balancer with the rule that the plan names. */
static const char *on_balancer(const struct plan *plan, struct arena *a)
{
	const char *arn = plan->target.lb.resource_arn, *at = arn ? strstr(arn, "/app/") : NULL;
	size_t n, slashes = 0;

	for (n = 1; at && at[n] && slashes < 3; n++)
		slashes += at[n] == '/';
	return slashes == 3 ? arena_printf(a, "%.*s*", (int)(n - 1), at + 1) : "app/*";
}

void lb_segment_calls(const struct plan *plan, struct arena *a,
		      void (*add_call)(void *arg, const struct target_call *c), void *arg)
{
	static const struct {
		enum phase phase;
		const char *operation, *iam, *resource;
		bool is_write;
	} list[] = {
		{PHASE_INSPECT, "DescribeRules", "DescribeRules", "*", false},
		{PHASE_INSPECT, "DescribeTags", "DescribeTags", "*", false},
		{PHASE_SHIFT, "CreateRule", "CreateRule", "listener/", true},
		{PHASE_SHIFT, "CreateRule", "AddTags", "listener-rule/", true},
		{PHASE_SHIFT, "DeleteRule", "DeleteRule", "listener-rule/", true},
		{PHASE_PROMOTE, "DeleteRule", "DeleteRule", "listener-rule/", true},
		{PHASE_RESTORE, "DeleteRule", "DeleteRule", "listener-rule/", true},
	};

	for (size_t i = 0; plan_segments_used(plan) && i < sizeof(list) / sizeof(list[0]); i++) {
		struct target_call c = {
			.phase = list[i].phase,
			.service = "elasticloadbalancing",
			.operation = list[i].operation,
			.iam_action = arena_printf(a, "elasticloadbalancing:%s", list[i].iam),
			.resource = list[i].is_write
					    ? arena_printf(a, ARNS "%s%s", list[i].resource,
							   on_balancer(plan, a))
					    : list[i].resource,
			.is_write = list[i].is_write};

		add_call(arg, &c);
	}
}
