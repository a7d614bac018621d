#include "worker/rollout/plan_reader.h"

#include <string.h>

#include "worker/rollout/strategy.h"

/* The plan file from its root down; target, segments and guards have files of their own. */

#define TOP_KEYS "rollout target strategy segments guards unknown busy rollback limits max_duration"

/* "staff": which segment a step is about, or -1 with a problem. */
static int read_step_segment(struct plan_reader *r, const struct yaml *node, const char *path)
{
	const char *name = NULL;
	int i;

	if (!plan_text(r, node, path, &name) || !name)
		return -1;
	i = plan_segment_find(r->plan, str_from(name));
	if (i < 0)
		plan_no_segment(r->problems, r->plan, plan_place(r, node, path), str_from(name));
	return i;
}

static void read_step(struct plan_reader *r, const struct yaml *item, int index)
{
	const char *path = arena_printf(r->a, "strategy.canary.steps[%d]", index);
	struct plan_step s = {.segment = -1};

	if (!plan_keys(r, item, path, "segment weight for approve"))
		return;
	if (!yaml_get(item, "segment") == !yaml_get(item, "weight"))
		problem_add(r->problems, plan_place(r, item, path), NULL,
			    "a step needs a weight or a segment, and not both: { weight: 5, for: "
			    "10m } or { segment: staff, for: 10m }");
	if (!yaml_get(item, "for"))
		problem_add(r->problems, plan_place(r, item, path), NULL,
			    "a step needs to know how long it is watched: for: 10m (0s: one look "
			    "of every guard)");
	s.segment = read_step_segment(r, yaml_get(item, "segment"),
				      arena_printf(r->a, "%s.segment", path));
	plan_weight(r, yaml_get(item, "weight"), arena_printf(r->a, "%s.weight", path),
		    &s.weight_bp);
	plan_duration(r, yaml_get(item, "for"), arena_printf(r->a, "%s.for", path), 0,
		      PLAN_DURATION_MAX, &s.watch_ms);
	plan_flag(r, yaml_get(item, "approve"), arena_printf(r->a, "%s.approve", path), &s.approve);
	r->plan->steps[r->plan->n_steps++] = s;
}

static void read_canary(struct plan_reader *r, const struct yaml *map)
{
	const struct yaml *list = yaml_get(map, "steps");
	int i = 0;

	if (!plan_keys(r, map, "strategy.canary", "steps bake"))
		return;
	plan_duration(r, yaml_get(map, "bake"), "strategy.canary.bake", 0, PLAN_DURATION_MAX,
		      &r->plan->bake_ms);
	if (!list || list->type != YAML_LIST || list->n == 0 || list->n > LIMIT_STEPS) {
		problem_add(r->problems, plan_place(r, list ? list : map, "strategy.canary.steps"),
			    NULL, "write a list of 1 to %d steps: - { weight: 5, for: 10m }",
			    LIMIT_STEPS);
		return;
	}
	yaml_each(item, list)
		read_step(r, item, i++);
}

static void read_linear(struct plan_reader *r, const struct yaml *map)
{
	int64_t every = 0;
	int step = 0;
	bool ok;

	if (!plan_keys(r, map, "strategy.linear", "step every bake"))
		return;
	plan_duration(r, yaml_get(map, "bake"), "strategy.linear.bake", 0, PLAN_DURATION_MAX,
		      &r->plan->bake_ms);
	if (!yaml_get(map, "step") || !yaml_get(map, "every")) {
		problem_add(r->problems, plan_place(r, map, "strategy.linear"), NULL,
			    "step and every are needed: { step: 10, every: 2m }");
		return;
	}
	ok = plan_weight(r, yaml_get(map, "step"), "strategy.linear.step", &step);
	ok &= plan_duration(r, yaml_get(map, "every"), "strategy.linear.every", 0,
			    PLAN_DURATION_MAX, &every);
	if (ok && !strategy_linear(r->plan, step, every))
		problem_add(r->problems,
			    plan_place(r, yaml_get(map, "step"), "strategy.linear.step"),
			    yaml_get(map, "step")->text.p, "more than %d steps; take larger ones",
			    LIMIT_STEPS);
}

/* blue_green and all_at_once: null will do, when there is no bake time. */
static void read_at_once(struct plan_reader *r, const struct yaml *map)
{
	const char *path = arena_printf(r->a, "strategy.%s", map->key.p);

	r->plan->steps[r->plan->n_steps++] = (struct plan_step){.segment = -1, .weight_bp = 10000};
	if (map->type != YAML_NULL && plan_keys(r, map, path, "bake"))
		plan_duration(r, yaml_get(map, "bake"), arena_printf(r->a, "%s.bake", path), 0,
			      PLAN_DURATION_MAX, &r->plan->bake_ms);
}

static void read_strategy(struct plan_reader *r, const struct yaml *node)
{
	struct plan *p = r->plan;
	const struct yaml *map;

	if (!node)
		return;
	r->has_strategy = true;
	r->strategy_place = plan_place(r, node, "strategy");
	if (node->type == YAML_SCALAR) {
		const char *text = NULL;

		if (plan_text(r, node, "strategy", &text) && text)
			strategy_parse(str_from(text), r->strategy_place, p, r->problems);
		return;
	}
	if (!plan_keys(r, node, "strategy", "canary linear blue_green all_at_once"))
		return;
	if (node->n != 1) {
		problem_add(r->problems, r->strategy_place, NULL,
			    "write exactly one of canary, linear, blue_green, all_at_once");
		return;
	}
	map = node->first;
	p->strategy = str_is(map->key, "blue_green")	? "blue-green"
		      : str_is(map->key, "all_at_once") ? "all-at-once"
							: str_dup(r->a, map->key);
	if (str_is(map->key, "canary"))
		read_canary(r, map);
	else if (str_is(map->key, "linear"))
		read_linear(r, map);
	else if (str_is(map->key, "blue_green") || str_is(map->key, "all_at_once"))
		read_at_once(r, map);
}

static void read_unknown(struct plan_reader *r, const struct yaml *map)
{
	const char *then = NULL;

	if (!map || !plan_keys(r, map, "unknown", "hold_at_most then"))
		return;
	plan_duration(r, yaml_get(map, "hold_at_most"), "unknown.hold_at_most", 0,
		      PLAN_DURATION_MAX, &r->plan->unknown_hold_ms);
	if (!plan_text(r, yaml_get(map, "then"), "unknown.then", &then) || !then)
		return;
	r->plan->unknown_then = !strcmp(then, "hold") ? UNKNOWN_HOLD : UNKNOWN_ROLLBACK;
	if (strcmp(then, "hold") != 0 && strcmp(then, "rollback") != 0)
		problem_add(r->problems, plan_place(r, yaml_get(map, "then"), "unknown.then"), then,
			    "write rollback or hold");
}

static void read_busy(struct plan_reader *r, const struct yaml *map)
{
	const struct yaml *node, *wait;
	const char *then = NULL;

	if (!map || !plan_keys(r, map, "busy", "then wait_at_most"))
		return;
	node = yaml_get(map, "then");
	wait = yaml_get(map, "wait_at_most");
	if (plan_text(r, node, "busy.then", &then) && then)
		plan_busy_then(r, str_from(then), plan_place(r, node, "busy.then"));
	plan_duration(r, wait, "busy.wait_at_most", 1000, PLAN_DURATION_MAX,
		      &r->plan->busy_wait_ms);
	if (wait)
		r->busy_place = plan_place(r, wait, "busy.wait_at_most");
}

static void read_reasons(struct plan_reader *r, const struct yaml *on)
{
	struct plan *p = r->plan;

	p->rollback_on_guard = p->rollback_on_timeout = p->rollback_on_abandon = false;
	for (const struct yaml *item = plan_items(on); item; item = plan_next(on, item)) {
		if (item->type == YAML_SCALAR && str_is(item->text, "guard"))
			p->rollback_on_guard = true;
		else if (item->type == YAML_SCALAR && str_is(item->text, "timeout"))
			p->rollback_on_timeout = true;
		else if (item->type == YAML_SCALAR && str_is(item->text, "abandon"))
			p->rollback_on_abandon = true;
		else
			problem_add(r->problems, plan_place(r, item, "rollback.on"), item->text.p,
				    "write a list of guard, timeout, abandon");
	}
	if (!p->rollback_on_guard)
		problem_warn(r->problems, plan_place(r, on, "rollback.on"), NULL,
			     "without guard a guard that fails only holds the rollout, with the "
			     "traffic where it is");
}

static void read_rollback(struct plan_reader *r, const struct yaml *map)
{
	if (!map || !plan_keys(r, map, "rollback", "on keep_candidate"))
		return;
	plan_duration(r, yaml_get(map, "keep_candidate"), "rollback.keep_candidate", 0,
		      PLAN_DURATION_MAX, &r->plan->keep_candidate_ms);
	if (yaml_get(map, "on"))
		read_reasons(r, yaml_get(map, "on"));
}

static void read_version(struct plan_reader *r, const struct yaml *root)
{
	const struct yaml *node = yaml_get(root, "rollout");
	const char *version = NULL;

	if (!node)
		problem_add(r->problems, plan_place(r, root, "rollout"), NULL,
			    "the version is missing; start the file with rollout: 1");
	else if (plan_text(r, node, "rollout", &version) && strcmp(version, "1") != 0)
		problem_add(r->problems, plan_place(r, node, "rollout"), version,
			    "an unknown version; this program reads rollout: 1");
}

static void read_limits(struct plan_reader *r, const struct yaml *map)
{
	if (!map || !plan_keys(r, map, "limits", "prepare verify"))
		return;
	plan_duration(r, yaml_get(map, "prepare"), "limits.prepare", 1000, PLAN_DURATION_MAX,
		      &r->plan->prepare_ms);
	plan_duration(r, yaml_get(map, "verify"), "limits.verify", 1000, PLAN_DURATION_MAX,
		      &r->plan->verify_ms);
}

void plan_file_read(struct plan_reader *r, const struct yaml *root)
{
	const struct yaml *budget;

	if (!plan_keys(r, root, "", TOP_KEYS)) {
		r->is_unreadable = true;
		return;
	}
	read_version(r, root);
	plan_target_read(r, yaml_get(root, "target"));
	plan_segments_read(r, yaml_get(root, "segments"));
	read_strategy(r, yaml_get(root, "strategy"));
	plan_guards_read(r, yaml_get(root, "guards"));
	read_unknown(r, yaml_get(root, "unknown"));
	read_busy(r, yaml_get(root, "busy"));
	read_rollback(r, yaml_get(root, "rollback"));
	read_limits(r, yaml_get(root, "limits"));
	budget = yaml_get(root, "max_duration");
	if (budget)
		r->budget_place = plan_place(r, budget, "max_duration");
	plan_duration(r, budget, "max_duration", 0, PLAN_DURATION_MAX, &r->plan->max_duration_ms);
}
