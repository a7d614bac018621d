#include "worker/rollout/plan_reader.h"

#include <string.h>

#include "worker/rollout/strategy.h"

/* The plan file from its root down; target and guards have files of their own. */

#define TOP_KEYS "rollout target strategy segments guards unknown rollback limits max_duration"

static void read_segment(struct plan_reader *r, const struct yaml *node, const char *path)
{
	problem_add(r->problems, plan_place(r, node, path), node->text.n ? node->text.p : NULL,
		    "segments are not available for this target in this version; use weights");
}

static void read_steps(struct plan_reader *r, const struct yaml *list)
{
	struct plan *p = r->plan;
	int i = 0;

	if (!list || list->type != YAML_LIST || list->n == 0 || list->n > LIMIT_STEPS) {
		problem_add(r->problems, plan_place(r, list, "strategy.canary.steps"), NULL,
			    "a list of 1 to %d steps: - { weight: 5, for: 10m }", LIMIT_STEPS);
		return;
	}
	p->n_steps = 0;
	yaml_each(item, list) {
		const char *path = arena_printf(r->a, "strategy.canary.steps[%d]", i++);
		struct plan_step s = {.segment = -1};

		if (!plan_keys(r, item, path, "segment weight for approve"))
			continue;
		if (yaml_get(item, "segment"))
			read_segment(r, yaml_get(item, "segment"), path);
		else if (!yaml_get(item, "weight"))
			problem_add(r->problems, plan_place(r, item, path), NULL,
				    "a step needs a weight");
		plan_weight(r, yaml_get(item, "weight"), arena_printf(r->a, "%s.weight", path),
			    &s.weight_bp);
		plan_duration(r, yaml_get(item, "for"), arena_printf(r->a, "%s.for", path), 0,
			      &s.watch_ms);
		plan_flag(r, yaml_get(item, "approve"), arena_printf(r->a, "%s.approve", path),
			  &s.approve);
		p->steps[p->n_steps++] = s;
	}
}

static void read_linear(struct plan_reader *r, const struct yaml *map)
{
	int64_t every = 0;
	int step = 0;

	if (!plan_keys(r, map, "strategy.linear", "step every bake"))
		return;
	if (!yaml_get(map, "step") || !yaml_get(map, "every")) {
		problem_add(r->problems, plan_place(r, map, "strategy.linear"), NULL,
			    "step and every are needed: { step: 10, every: 2m }");
		return;
	}
	if (plan_weight(r, yaml_get(map, "step"), "strategy.linear.step", &step) &&
	    plan_duration(r, yaml_get(map, "every"), "strategy.linear.every", 0, &every) &&
	    !strategy_linear(r->plan, step, every))
		problem_add(r->problems, plan_place(r, yaml_get(map, "step"), "strategy.linear.step"),
			    NULL, "more than %d steps; take larger ones", LIMIT_STEPS);
	plan_duration(r, yaml_get(map, "bake"), "strategy.linear.bake", 0, &r->plan->bake_ms);
}

static void read_strategy(struct plan_reader *r, const struct yaml *node)
{
	struct plan *p = r->plan;
	const struct yaml *map;

	if (!node)
		return;
	r->has_strategy = true;
	if (node->type == YAML_SCALAR) {
		const char *text = NULL;

		if (plan_text(r, node, "strategy", &text) && text)
			strategy_parse(str_from(text), plan_place(r, node, "strategy"), p,
				       r->problems);
		return;
	}
	if (!plan_keys(r, node, "strategy", "canary linear blue_green all_at_once"))
		return;
	if (node->n != 1) {
		problem_add(r->problems, plan_place(r, node, "strategy"), NULL,
			    "exactly one of canary, linear, blue_green, all_at_once");
		return;
	}
	map = node->first;
	p->strategy = str_is(map->key, "blue_green")	? "blue-green"
		      : str_is(map->key, "all_at_once") ? "all-at-once"
							: str_dup(r->a, map->key);
	if (str_is(map->key, "canary")) {
		if (!plan_keys(r, map, "strategy.canary", "steps bake"))
			return;
		read_steps(r, yaml_get(map, "steps"));
		plan_duration(r, yaml_get(map, "bake"), "strategy.canary.bake", 0, &p->bake_ms);
	} else if (str_is(map->key, "linear")) {
		read_linear(r, map);
	} else {
		p->n_steps = 1;
		p->steps[0] = (struct plan_step){.segment = -1, .weight_bp = 10000};
		if (map->type != YAML_NULL && plan_keys(r, map, "strategy", "bake"))
			plan_duration(r, yaml_get(map, "bake"), "strategy.bake", 0, &p->bake_ms);
	}
}

static void read_unknown(struct plan_reader *r, const struct yaml *map)
{
	const char *then = NULL;

	if (!map || !plan_keys(r, map, "unknown", "hold_at_most then"))
		return;
	plan_duration(r, yaml_get(map, "hold_at_most"), "unknown.hold_at_most", 0,
		      &r->plan->unknown_hold_ms);
	if (!plan_text(r, yaml_get(map, "then"), "unknown.then", &then) || !then)
		return;
	r->plan->unknown_then = !strcmp(then, "hold") ? UNKNOWN_HOLD : UNKNOWN_ROLLBACK;
	if (strcmp(then, "hold") != 0 && strcmp(then, "rollback") != 0)
		problem_add(r->problems, plan_place(r, yaml_get(map, "then"), "unknown.then"), then,
			    "write rollback or hold");
}

static void read_rollback(struct plan_reader *r, const struct yaml *map)
{
	struct plan *p = r->plan;
	const struct yaml *on;

	if (!map || !plan_keys(r, map, "rollback", "on keep_candidate"))
		return;
	plan_duration(r, yaml_get(map, "keep_candidate"), "rollback.keep_candidate", 0,
		      &p->keep_candidate_ms);
	on = yaml_get(map, "on");
	if (!on)
		return;
	p->rollback_on_guard = p->rollback_on_timeout = p->rollback_on_abandon = false;
	for (const struct yaml *item = plan_items(on); item;
	     item = on->type == YAML_LIST ? item->next : NULL) {
		if (str_is(item->text, "guard"))
			p->rollback_on_guard = true;
		else if (str_is(item->text, "timeout"))
			p->rollback_on_timeout = true;
		else if (str_is(item->text, "abandon"))
			p->rollback_on_abandon = true;
		else
			problem_add(r->problems, plan_place(r, item, "rollback.on"), item->text.p,
				    "write a list of guard, timeout, abandon");
	}
}

void plan_file_read(struct plan_reader *r, const struct yaml *root)
{
	struct plan *p = r->plan;
	int64_t version = 0;

	if (!plan_keys(r, root, "", TOP_KEYS))
		return;
	if (!yaml_get(root, "rollout"))
		problem_add(r->problems, plan_place(r, root, "rollout"), NULL,
			    "the version is missing; start the file with rollout: 1");
	plan_integer(r, yaml_get(root, "rollout"), "rollout", 1, 1, &version);
	plan_target_read(r, yaml_get(root, "target"));
	read_strategy(r, yaml_get(root, "strategy"));
	plan_guards_read(r, yaml_get(root, "guards"));
	read_unknown(r, yaml_get(root, "unknown"));
	read_rollback(r, yaml_get(root, "rollback"));
	if (yaml_get(root, "segments"))
		read_segment(r, yaml_get(root, "segments"), "segments");
	if (yaml_get(root, "limits") &&
	    plan_keys(r, yaml_get(root, "limits"), "limits", "prepare verify")) {
		const struct yaml *limits = yaml_get(root, "limits");

		plan_duration(r, yaml_get(limits, "prepare"), "limits.prepare", 1000, &p->prepare_ms);
		plan_duration(r, yaml_get(limits, "verify"), "limits.verify", 1000, &p->verify_ms);
	}
	plan_duration(r, yaml_get(root, "max_duration"), "max_duration", 300000,
		      &p->max_duration_ms);
}
