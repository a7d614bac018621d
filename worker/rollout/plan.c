#include "worker/rollout/plan.h"

#include <string.h>

#include "aws/core/json.h"
#include "worker/rollout/plan_reader.h"
#include "worker/rollout/strategy.h"

/*
 * A plan is put together in this order: defaults, the plan file, the action's configuration, the
 * overrides. What comes later wins. Then the whole is checked.
 */

#define MINUTE_MS 60000ll

static struct plan *plan_new(struct arena *a)
{
	struct plan *p = arena_new_of(a, struct plan);

	p->strategy = "";
	p->unknown_hold_ms = 20 * MINUTE_MS;
	p->unknown_then = UNKNOWN_ROLLBACK;
	p->rollback_on_guard = p->rollback_on_timeout = p->rollback_on_abandon = true;
	p->max_duration_ms = 23 * 60 * MINUTE_MS;
	p->prepare_ms = 60 * MINUTE_MS;
	p->verify_ms = 30 * MINUTE_MS;
	return p;
}

/* --- properties of the action ---------------------------------------------------------------- */

static void set_alarms(struct plan_reader *r, struct str list, const char *place)
{
	struct plan *p = r->plan;
	struct str name;
	size_t kept = 0;

	/* alarms named here replace those of the file; its other guards stay */
	for (size_t i = 0; i < p->n_guards; i++)
		if (p->guards[i].kind != GUARD_ALARM)
			p->guards[kept++] = p->guards[i];
	p->n_guards = kept;
	while (str_next(&list, ',', &name)) {
		struct plan_guard *g;

		name = str_trim(name);
		if (name.n == 0 || name.n > 255) {
			problem_add(r->problems, place, str_dup(r->a, name),
				    "names of alarms, separated by commas");
			continue;
		}
		g = plan_guard_add(r, GUARD_ALARM, place);
		if (g)
			g->name = str_dup(r->a, name);
	}
}

static void set_duration(struct plan_reader *r, struct str value, const char *place, int64_t *out)
{
	if (!duration_parse(value, out))
		problem_add(r->problems, place, str_dup(r->a, value),
			    "not a duration; write 90s, 10m, 2h or 1h30m");
}

static void set_mode(struct plan_reader *r, struct str value)
{
	static const char *const names[] = {"deploy", "start", "promote", "rollback"};

	for (int i = 0; i < 4; i++) {
		if (str_is(value, names[i])) {
			r->plan->mode = (enum mode)i;
			return;
		}
	}
	problem_add(r->problems, "Mode", str_dup(r->a, value),
		    "write deploy, start, promote or rollback");
}

static void set_strategy(struct plan_reader *r, struct str value, const char *place)
{
	r->has_strategy = true;
	r->plan->bake_ms = 0;
	strategy_parse(value, place, r->plan, r->problems);
}

/* One line of Overrides: key=value. Parameters were taken out before. */
static void set_override(struct plan_reader *r, struct str key, struct str value)
{
	const char *place = arena_printf(r->a, "Overrides: %.*s", (int)key.n, key.p);
	struct plan *p = r->plan;

	if (str_is(key, "strategy"))
		set_strategy(r, value, place);
	else if (str_is(key, "alarms"))
		set_alarms(r, value, place);
	else if (str_is(key, "bake"))
		set_duration(r, value, place, &p->bake_ms);
	else if (str_is(key, "max_duration"))
		set_duration(r, value, place, &p->max_duration_ms);
	else if (str_is(key, "unknown.hold_at_most"))
		set_duration(r, value, place, &p->unknown_hold_ms);
	else if (str_is(key, "limits.prepare"))
		set_duration(r, value, place, &p->prepare_ms);
	else if (str_is(key, "limits.verify"))
		set_duration(r, value, place, &p->verify_ms);
	else if (str_is(key, "target.lambda.code"))
		p->target.code = str_dup(r->a, value);
	else if (!str_starts(key, "param."))
		problem_add(r->problems, place, NULL,
			    "unknown; known are strategy, alarms, bake, max_duration, "
			    "unknown.hold_at_most, limits.prepare, limits.verify, "
			    "target.lambda.code and param.NAME");
}

static bool cut_line(struct str *rest, struct str *key, struct str *value)
{
	struct str line;

	while (str_next(rest, '\n', &line)) {
		const char *eq;

		line = str_trim(line);
		if (line.n == 0)
			continue;
		eq = memchr(line.p, '=', line.n);
		*key = str_trim(eq ? str_sub(line, 0, (size_t)(eq - line.p)) : line);
		*value = eq ? str_trim(str_sub(line, (size_t)(eq - line.p) + 1, line.n))
			    : (struct str){0};
		return true;
	}
	return false;
}

static void set_property(struct plan_reader *r, const struct plan_property *prop)
{
	struct str name = prop->name, value = str_trim(prop->value), key, item;

	if (value.n == 0)
		return;
	if (str_is(name, "Target")) {
		/* the file may say more about the same target than one line can */
		if (!r->has_target || r->file == NULL)
			plan_target_parse(r, value, "Target");
	} else if (str_is(name, "Strategy")) {
		set_strategy(r, value, "Strategy");
	} else if (str_is(name, "Alarms")) {
		set_alarms(r, value, "Alarms");
	} else if (str_is(name, "MaxDuration")) {
		set_duration(r, value, "MaxDuration", &r->plan->max_duration_ms);
	} else if (str_is(name, "Mode")) {
		set_mode(r, value);
	} else if (str_is(name, "RoleArn")) {
		r->plan->role_arn = str_dup(r->a, value);
		if (!str_starts(value, "arn:") || !memmem(value.p, value.n, ":role/", 6))
			problem_add(r->problems, "RoleArn", r->plan->role_arn,
				    "write the ARN of an IAM role");
	} else if (str_is(name, "Overrides")) {
		while (cut_line(&value, &key, &item))
			set_override(r, key, item);
	} else if (!str_is(name, "Plan") && !str_is(name, "Pool") && !str_is(name, "Handle")) {
		/* its value may be a secret of an action type that is not ours */
		problem_add(r->problems, str_dup(r->a, name), NULL,
			    "unknown property; known are Target, Strategy, Alarms, Plan, Mode, Handle, "
			    "RoleArn, Overrides, MaxDuration and Pool");
	}
}

static void take_parameters(struct plan_reader *r, const struct plan_source *src)
{
	struct plan_property *list = NULL;
	size_t n = 0;

	for (size_t i = 0; i < src->n_properties; i++) {
		struct str rest = src->properties[i].value, key, value;

		if (!str_is(src->properties[i].name, "Overrides"))
			continue;
		list = arena_array(r->a, struct plan_property, rest.n / 2 + 1);
		while (cut_line(&rest, &key, &value))
			if (str_starts(key, "param."))
				list[n++] = (struct plan_property){
					.name = str_sub(key, 6, key.n), .value = value};
	}
	r->parameters = list;
	r->n_parameters = n;
}

int plan_read(struct arena *a, const struct plan_source *src, struct plan **plan,
	      struct problems *problems)
{
	struct plan_reader r = {.a = a,
				.problems = problems,
				.plan = plan_new(a),
				.file = src->file_name};
	struct err err = ERR_INIT;
	struct yaml *root;

	take_parameters(&r, src);
	if (src->file_name) {
		if (yaml_parse(a, src->file_text, &root, &err))
			problem_add(problems, src->file_name, NULL, "%s", err.text);
		else if (!root)
			problem_add(problems, src->file_name, NULL, "the plan file is empty");
		else
			plan_file_read(&r, root);
	}
	for (size_t i = 0; i < src->n_properties; i++)
		set_property(&r, &src->properties[i]);
	plan_check(&r);
	plan_digest(r.plan);
	*plan = r.plan;
	return problems->n_errors ? -1 : 0;
}

int plan_fallback(struct arena *a, const char *undo, const char *role_arn, struct plan **plan,
		  struct err *err)
{
	struct arena *scratch = arena_new();
	struct plan *p = plan_new(a);
	struct json *root;
	int rc;

	p->strategy = "restore";
	p->n_steps = 1;
	p->steps[0] = (struct plan_step){.segment = -1, .weight_bp = 10000};
	p->role_arn = role_arn;
	p->target.min_healthy = 1;
	rc = json_parse(scratch, str_from(undo), &root, err);
	if (rc == 0) {
		struct str kind = json_text(json_get(root, "t"));

		if (str_is(kind, "lambda"))
			p->target.kind = TARGET_LAMBDA;
		else if (str_is(kind, "load_balancer"))
			p->target.kind = TARGET_LOAD_BALANCER;
		else
			rc = err_set(err, ERR_MALFORMED, "undo record: unknown kind of target");
	}
	arena_free(scratch);
	plan_digest(p);
	*plan = p;
	return rc;
}

const char *plan_file_of(struct arena *a, const struct plan_property *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(p[i].name, "Plan") && str_trim(p[i].value).n)
			return str_dup(a, str_trim(p[i].value));
	return NULL;
}

int64_t plan_least_ms(const struct plan *p)
{
	int64_t total = p->bake_ms;

	for (size_t i = 0; i < p->n_steps; i++)
		total += p->steps[i].watch_ms;
	return total;
}
