#include "worker/rollout/plan_reader.h"

#include <assert.h>
#include <string.h>

/*
 * Which target, from the one-line form of the action's configuration or from the plan file. What
 * each kind says stands in a file of its own.
 */
static const struct plan_target_kind *const kinds[TARGET_KIND_COUNT] = {
	[TARGET_LAMBDA] = &plan_kind_lambda,
	[TARGET_LOAD_BALANCER] = &plan_kind_load_balancer,
	[TARGET_AUTO_SCALING] = &plan_kind_auto_scaling,
	[TARGET_BEANSTALK] = &plan_kind_beanstalk,
	[TARGET_ECS] = &plan_kind_ecs,
};

static const struct plan_target_kind *kind_of(enum target_kind k)
{
	assert((unsigned)k < TARGET_KIND_COUNT);
	return kinds[k];
}

const char *target_kind_name(enum target_kind k)
{
	return kind_of(k)->word;
}

bool target_kind_parse(struct str key, enum target_kind *k)
{
	for (int i = 0; i < TARGET_KIND_COUNT; i++) {
		if (str_is(key, kinds[i]->key)) {
			*k = (enum target_kind)i;
			return true;
		}
	}
	return false;
}

const char *target_text(struct arena *a, const struct plan_target *t)
{
	const struct plan_target_kind *k = kind_of(t->kind);

	return arena_printf(a, "%s:%s", k->word, k->text(a, t));
}

void plan_target_defaults(struct plan_target *t, enum target_kind k)
{
	*t = (struct plan_target){.kind = k};
	kind_of(k)->defaults(t);
}

void plan_target_digest(struct json_out *o, const struct plan_target *t)
{
	json_out_object(o);
	json_member_cstr(o, "kind", target_kind_name(t->kind));
	kind_of(t->kind)->digest(o, t);
	json_out_end(o);
}

void plan_target_check(struct plan_reader *r)
{
	const struct plan_target_kind *k = kind_of(r->plan->target.kind);

	if (r->has_target && k->check)
		k->check(r);
}

/* --- names ----------------------------------------------------------------------------------- */

bool plan_same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

bool plan_is_name(struct str s, size_t max)
{
	if (s.n == 0 || s.n > max)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    c != '-' && c != '_')
			return false;
	}
	return true;
}

bool plan_is_account(struct str s)
{
	uint64_t n;

	return s.n == 12 && str_parse_u64(s, 0, 999999999999, &n);
}

/* --- one line -------------------------------------------------------------------------------- */

/* "lambda:FUNCTION:ALIAS, load-balancer:ARN or ..." */
static const char *forms(struct arena *a)
{
	const char *list = kinds[0]->form;

	for (int i = 1; i < TARGET_KIND_COUNT; i++)
		list = arena_printf(a, "%s%s%s", list, i + 1 < TARGET_KIND_COUNT ? ", " : " or ",
				    kinds[i]->form);
	return list;
}

static bool parse(struct plan_reader *r, struct str text, const char *place, struct plan_target *t)
{
	const char *whole = str_dup(r->a, text);
	const char *colon = text.n ? memchr(text.p, ':', text.n) : NULL;
	struct str word = colon ? str_sub(text, 0, (size_t)(colon - text.p)) : text;
	struct str rest = str_trim(str_sub(text, word.n + 1, text.n));

	for (int i = 0; i < TARGET_KIND_COUNT; i++) {
		if (str_is(word, kinds[i]->word)) {
			plan_target_defaults(t, (enum target_kind)i);
			return kinds[i]->parse(r, rest, place, whole, t);
		}
	}
	plan_target_defaults(t, TARGET_LAMBDA);
	problem_add(r->problems, place, whole, "unknown kind of target; write %s", forms(r->a));
	return false;
}

/* The file may say more about a target than one line can, but nothing else. */
void plan_target_property(struct plan_reader *r, struct str text, const char *place)
{
	struct plan_target *have = &r->plan->target, said;
	bool had = r->has_target, ok;

	r->has_target = true;
	ok = parse(r, text, place, &said);
	if (!had) {
		*have = said;
		r->target_place = place;
		return;
	}
	if (!ok || (said.kind == have->kind && kind_of(said.kind)->same(&said, have)))
		return;
	problem_add(r->problems, place, str_dup(r->a, text),
		    "%s names another target, %s; write the same in both, or leave one out",
		    r->target_place, target_text(r->a, have));
}

/* --- the file -------------------------------------------------------------------------------- */

static const char *joined(struct arena *a, const char *separator, const char *last)
{
	const char *list = kinds[0]->key;

	for (int i = 1; i < TARGET_KIND_COUNT; i++)
		list = arena_printf(a, "%s%s%s", list, i + 1 < TARGET_KIND_COUNT ? separator : last,
				    kinds[i]->key);
	return list;
}

void plan_target_read(struct plan_reader *r, const struct yaml *map)
{
	enum target_kind k;

	if (!map)
		return;
	r->has_target = true;
	r->target_place = plan_place(r, map, "target");
	plan_target_defaults(&r->plan->target, TARGET_LAMBDA);
	if (!plan_keys(r, map, "target", joined(r->a, " ", " ")))
		return;
	if (map->n != 1 || map->first->type == YAML_NULL)
		problem_add(r->problems, r->target_place, NULL,
			    "exactly one target is needed: %s, with what belongs to it",
			    joined(r->a, ", ", " or "));
	else if (target_kind_parse(map->first->key, &k)) {
		plan_target_defaults(&r->plan->target, k);
		kind_of(k)->read(r, map->first);
	}
}
