#include "worker/target/lambda_segments.h"

#include <string.h>

#include "aws/lambda_policy.h"
#include "worker/target/lambda_inspect.h"

#define ALIAS_MAX 128 /* characters of an alias's name */
#define MARK "rollout-worker "

/* --- names ------------------------------------------------------------------------------------ */

const char *lambda_segment_alias(struct arena *a, const char *alias, const struct plan_segment *s)
{
	return arena_printf(a, "%s-%s", alias, s->name);
}

/* Whose an alias is: its description. */
static const char *mark_of(const struct target_env *env, const char *segment)
{
	return arena_printf(env->arena, MARK "%s segment %s",
			    env->rollout_id ? env->rollout_id : "", segment);
}

static const char *statement_of(const struct target_env *env, size_t principal)
{
	return arena_printf(env->arena, "%s-%zu", env->rollout_id, principal);
}

/* --- reading ---------------------------------------------------------------------------------- */

static const struct lambda_statement *find_statement(const struct lambda_statement *list, size_t n,
						     const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].id, id))
			return &list[i];
	return NULL;
}

/* All principals may invoke it; *wrong when a statement of ours says something else. */
static bool has_policy(const struct target_env *env, const struct plan_segment *s,
		       const struct lambda_statement *list, size_t n, bool *wrong)
{
	bool whole = true;

	for (size_t i = 0; i < s->n_principals; i++) {
		const struct lambda_statement *t = find_statement(list, n, statement_of(env, i));

		whole &= t != NULL;
		*wrong |= t && (!t->plain || strcmp(t->principal, s->principals[i]) != 0);
	}
	return whole;
}

static int take_alias(const struct target_env *env, const struct lambda_place *at,
		      const struct lambda_alias *alias, int segment, struct lambda_segments *g,
		      struct err *err)
{
	const struct plan_segment *s = segment >= 0 ? &env->plan->segments[segment] : NULL;
	const struct lambda_weight *w;
	struct lambda_statement *list;
	bool wrong = false;
	size_t n;

	if (g->n < LAMBDA_SEGMENT_ALIASES_MAX) {
		g->aliases[g->n].name = alias->name;
		g->aliases[g->n++].segment = segment;
	}
	if (!s)
		return 0;
	if (strcmp(alias->function_version, at->candidate) != 0 ||
	    lambda_weights_in_use(alias, &w)) {
		g->wrong = arena_printf(env->arena,
					"alias %s of segment %s points at version %s%s; this "
					"rollout made it for %s",
					alias->name, s->name, alias->function_version,
					lambda_weights_in_use(alias, &w) ? " with weights" : "",
					at->candidate[0] ? at->candidate : "none yet");
		return 0;
	}
	if (lambda_get_policy(&env->client, at->function, alias->name, env->arena, &list, &n, err))
		return -1;
	if (has_policy(env, s, list, n, &wrong) && !wrong)
		g->there |= 1u << segment;
	if (wrong)
		g->wrong = arena_printf(env->arena,
					"the policy of alias %s, of segment %s, lets in others "
					"than this rollout did",
					alias->name, s->name);
	return 0;
}

/* Ours by its description; segment -1 when the plan does not know it. */
static bool is_ours(const struct target_env *env, const struct lambda_alias *alias, int *segment)
{
	const char *prefix = mark_of(env, "");
	struct str description = str_from(alias->description);

	if (!env->rollout_id || !str_starts(description, prefix))
		return false;
	*segment =
		plan_segment_find(env->plan, str_sub(description, strlen(prefix), description.n));
	return true;
}

/* Somebody else's alias where a segment of the steps wants its own. */
static const struct plan_segment *wants_name(const struct target_env *env, const char *main_alias,
					     const char *name)
{
	unsigned used = plan_segments_used(env->plan);

	for (size_t i = 0; i < env->plan->n_segments; i++) {
		const struct plan_segment *s = &env->plan->segments[i];

		if (((used >> i) & 1u) &&
		    !strcmp(lambda_segment_alias(env->arena, main_alias, s), name))
			return s;
	}
	return NULL;
}

int lambda_segments_read(const struct target_env *env, const struct lambda_place *at,
			 struct lambda_segments *g, struct err *err)
{
	struct lambda_alias *list;
	size_t n;

	*g = (struct lambda_segments){0};
	if (!at->segments)
		return 0;
	if (lambda_list_aliases(&env->client, at->function, NULL, env->arena, &list, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		int segment = -1;

		if (is_ours(env, &list[i], &segment)) {
			if (take_alias(env, at, &list[i], segment, g, err))
				return -1;
		} else if (wants_name(env, at->alias, list[i].name)) {
			g->wrong = arena_printf(env->arena,
						"alias %s is somebody else's, and the name of a "
						"segment's",
						list[i].name);
		}
	}
	return 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

static bool has_alias(const struct lambda_segments *g, int segment)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->aliases[i].segment == segment)
			return true;
	return false;
}

/* What is missing of alias and policy, each by a call that is not repeated blindly. */
static int make(const struct target_env *env, const struct lambda_place *at,
		const struct lambda_segments *g, int segment, struct err *err)
{
	const struct plan_segment *s = &env->plan->segments[segment];
	struct lambda_alias_update u = {.function = at->function,
					.name = lambda_segment_alias(env->arena, at->alias, s),
					.function_version = at->candidate,
					.description = mark_of(env, s->name)};
	struct lambda_statement *list;
	struct lambda_alias made;
	size_t n;

	if (!has_alias(g, segment) && lambda_create_alias(&env->client, &u, env->arena, &made, err))
		return err_wrap(err, "alias of segment %s", s->name);
	if (lambda_get_policy(&env->client, at->function, u.name, env->arena, &list, &n, err))
		return -1;
	for (size_t i = 0; i < s->n_principals; i++) {
		struct lambda_permission p = {.function = at->function,
					      .qualifier = u.name,
					      .statement = statement_of(env, i),
					      .principal = s->principals[i]};

		if (!find_statement(list, n, p.statement) &&
		    lambda_add_permission(&env->client, &p, env->arena, err))
			return err_wrap(err, "%s in segment %s", p.principal, s->name);
	}
	return 0;
}

/* The statements first: an alias that is gone cannot be asked for them any more. */
static int unmake(const struct target_env *env, const struct lambda_place *at, const char *name,
		  struct err *err)
{
	const char *prefix = arena_printf(env->arena, "%s-", env->rollout_id);
	struct lambda_statement *list;
	size_t n;

	if (lambda_get_policy(&env->client, at->function, name, env->arena, &list, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (str_starts(str_from(list[i].id), prefix) &&
		    lambda_remove_permission(&env->client, at->function, name, list[i].id,
					     env->arena, err))
			return -1;
	return lambda_delete_alias(&env->client, at->function, name, env->arena, err);
}

static int keep_first(struct err *first, struct err *err)
{
	if (first->code == ERR_OK)
		*first = *err;
	*err = ERR_INIT;
	return -1;
}

int lambda_segments_write(const struct target_env *env, const struct lambda_place *at,
			  unsigned want, struct err *err)
{
	struct err first = ERR_INIT, e = ERR_INIT;
	struct lambda_segments g;
	int rc = 0;

	if (lambda_segments_read(env, at, &g, err))
		return -1;
	if (g.wrong)
		return err_set(err, ERR_CONFLICT, "%s", g.wrong);
	for (size_t i = 0; at->segments && i < env->plan->n_segments; i++)
		if (((want & ~g.there) >> i) & 1u && make(env, at, &g, (int)i, &e))
			rc = keep_first(&first, &e);
	for (size_t i = 0; i < g.n; i++) {
		int segment = g.aliases[i].segment;

		if (segment >= 0 && ((want >> segment) & 1u))
			continue;
		if (unmake(env, at, g.aliases[i].name, &e))
			rc = keep_first(&first, &e);
	}
	if (rc)
		*err = first;
	return rc;
}

/* --- inspecting ------------------------------------------------------------------------------- */

int lambda_segments_inspect(const struct target_env *env, struct problems *p, struct err *err)
{
	const struct plan_lambda *t = &env->plan->target.lambda;
	unsigned used = plan_segments_used(env->plan);
	struct lambda_alias *list;
	size_t n;

	for (size_t i = 0; i < env->plan->n_segments; i++) {
		const struct plan_segment *s = &env->plan->segments[i];
		const char *name = lambda_segment_alias(env->arena, t->alias, s);

		if (((used >> i) & 1u) && strlen(name) > ALIAS_MAX)
			problem_add(p, s->place, name,
				    "the name of its alias has more than %d characters; give the "
				    "segment a shorter one",
				    ALIAS_MAX);
	}
	if (!used)
		return 0;
	if (lambda_list_aliases(&env->client, t->function, NULL, env->arena, &list, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct plan_segment *s = wants_name(env, t->alias, list[i].name);

		/* another rollout's: it goes when that is over */
		if (s && list[i].description && str_starts(str_from(list[i].description), MARK))
			problem_busy(p, s->place, list[i].name,
				     "this alias for a segment was made by a rollout (%.200s): it "
				     "is running still, or left it; remove it, or rename the "
				     "segment",
				     list[i].description);
		else if (s)
			problem_add(p, s->place, list[i].name,
				    "an alias of this name, which the segment needs, exists "
				    "already (%.200s); remove it, or rename the segment",
				    list[i].description && list[i].description[0]
					    ? list[i].description
					    : "without description");
	}
	return 0;
}

/* --- calls ------------------------------------------------------------------------------------ */

void lambda_segment_calls(const struct plan *plan, const char *f, struct arena *a,
			  void (*add)(void *arg, const struct target_call *c), void *arg)
{
	const char *q = arena_printf(a, "%s:*", f);
	const struct target_call list[] = {
		{PHASE_INSPECT, "lambda", "ListAliases", "lambda:ListAliases", f, false},
		{PHASE_SHIFT, "lambda", "GetPolicy", "lambda:GetPolicy", q, false},
		{PHASE_SHIFT, "lambda", "CreateAlias", "lambda:CreateAlias", f, true},
		{PHASE_SHIFT, "lambda", "AddPermission", "lambda:AddPermission", q, true},
		{PHASE_SHIFT, "lambda", "RemovePermission", "lambda:RemovePermission", q, true},
		{PHASE_SHIFT, "lambda", "DeleteAlias", "lambda:DeleteAlias", f, true},
		{PHASE_PROMOTE, "lambda", "GetPolicy", "lambda:GetPolicy", q, false},
		{PHASE_PROMOTE, "lambda", "RemovePermission", "lambda:RemovePermission", q, true},
		{PHASE_PROMOTE, "lambda", "DeleteAlias", "lambda:DeleteAlias", f, true},
		{PHASE_RESTORE, "lambda", "RemovePermission", "lambda:RemovePermission", q, true},
		{PHASE_RESTORE, "lambda", "DeleteAlias", "lambda:DeleteAlias", f, true},
	};

	for (size_t i = 0; plan_segments_used(plan) && i < sizeof(list) / sizeof(list[0]); i++)
		add(arg, &list[i]);
}
