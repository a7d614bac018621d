#include "worker/rollout/plan.h"

#include <string.h>

#include "aws/core/json.h"
#include "worker/rollout/handle.h"
#include "worker/rollout/plan_reader.h"
#include "worker/rollout/strategy.h"

/*
 * A plan is put together in this order: defaults, the plan file, the action's configuration, the
 * overrides. What comes later wins, but for the target: two that differ are a contradiction. Then
 * the whole is checked.
 */

#define MINUTE_MS 60000ll

static struct plan *plan_new(struct arena *a)
{
	struct plan *p = arena_new_of(a, struct plan);

	p->strategy = "";
	p->unknown_hold_ms = 20 * MINUTE_MS;
	p->unknown_then = UNKNOWN_ROLLBACK;
	p->busy_then = BUSY_WAIT;
	p->rollback_on_guard = p->rollback_on_timeout = p->rollback_on_abandon = true;
	p->max_duration_ms = 23 * 60 * MINUTE_MS;
	p->prepare_ms = 60 * MINUTE_MS;
	p->verify_ms = 30 * MINUTE_MS;
	return p;
}

/* --- properties of the action ---------------------------------------------------------------- */

static void drop_alarms(struct plan *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n_guards; i++)
		if (p->guards[i].kind != GUARD_ALARM)
			p->guards[kept++] = p->guards[i];
	p->n_guards = kept;
}

/* Alarms named here replace those of the file; its other guards stay. */
static void set_alarms(struct plan_reader *r, struct str list, const char *place)
{
	struct str name;
	bool any = false;

	drop_alarms(r->plan);
	while (str_next(&list, ',', &name)) {
		struct plan_guard *g;

		name = str_trim(name);
		any = true;
		if (!plan_is_alarm_name(name)) {
			r->has_bad_guard = true;
			problem_add(r->problems, place, str_dup(r->a, name),
				    "write names of alarms, separated by commas, each of 1 to 255 "
				    "characters");
			continue;
		}
		g = plan_guard_add(r, GUARD_ALARM, place);
		if (!g)
			return;
		g->name = str_dup(r->a, name);
	}
	if (any)
		return;
	r->has_bad_guard = true;
	problem_add(r->problems, place, "", "write names of alarms, separated by commas");
}

static void set_duration(struct plan_reader *r, struct str value, const char *place, int64_t least,
			 int64_t *out)
{
	char least_text[DURATION_TEXT_SIZE];
	int64_t ms;

	if (!duration_parse(value, &ms)) {
		problem_add(r->problems, place, str_dup(r->a, value),
			    "not a duration; write 90s, 10m, 2h or 1h30m");
	} else if (ms < least) {
		duration_format(least, least_text);
		problem_add(r->problems, place, str_dup(r->a, value), "at least %s", least_text);
	} else {
		*out = ms;
	}
}

static void set_budget(struct plan_reader *r, struct str value, const char *place)
{
	r->budget_place = place;
	set_duration(r, value, place, 0, &r->plan->max_duration_ms);
}

static void set_busy_wait(struct plan_reader *r, struct str value, const char *place)
{
	r->busy_place = place;
	set_duration(r, value, place, 1000, &r->plan->busy_wait_ms);
}

static void set_mode(struct plan_reader *r, struct str value)
{
	if (!mode_parse(value, &r->plan->mode))
		problem_add(r->problems, "Mode", str_dup(r->a, value),
			    "write deploy, start, promote or rollback, or leave Mode out");
	else if (r->plan->mode == MODE_PROMOTE || r->plan->mode == MODE_ROLLBACK)
		problem_add(r->problems, "Mode", mode_name(r->plan->mode),
			    "such an action has no plan of its own: it follows that of the action "
			    "which started the rollout");
}

static void set_strategy(struct plan_reader *r, struct str value, const char *place)
{
	r->has_strategy = true;
	r->strategy_place = place;
	r->plan->bake_ms = 0;
	r->plan->n_steps = 0;
	strategy_parse(value, place, r->plan, r->problems);
}

static void set_role(struct plan_reader *r, struct str value)
{
	r->plan->role_arn = str_dup(r->a, value);
	if (!str_starts(value, "arn:") || !memmem(value.p, value.n, ":role/", 6) || value.n > 2048)
		problem_add(r->problems, "RoleArn", r->plan->role_arn,
			    "write the ARN of an IAM role: arn:aws:iam::111122223333:role/deploy");
}

static void set_code(struct plan_reader *r, struct str value, const char *place)
{
	if (r->has_target && r->plan->target.kind != TARGET_LAMBDA)
		problem_add(r->problems, place, str_dup(r->a, value),
			    "the target is no Lambda function; leave it out");
	else if (value.n == 0)
		problem_add(r->problems, place, "", "write a path in the artifact");
	r->plan->target.lambda.code = str_dup(r->a, value);
}

void plan_busy_then(struct plan_reader *r, struct str value, const char *place)
{
	r->plan->busy_then = str_is(value, "fail") ? BUSY_FAIL : BUSY_WAIT;
	if (!str_is(value, "fail") && !str_is(value, "wait"))
		problem_add(r->problems, place, str_dup(r->a, value), "write wait or fail");
}

/* --- overrides ------------------------------------------------------------------------------- */

/*
 * One line of Overrides, key=value. The strategy comes first, in a pass of its own, because it
 * brings its bake time along, which another line may change again.
 */
static void set_override(struct plan_reader *r, struct str key, struct str value, bool first_pass)
{
	char shown[64];
	const char *place;
	struct plan *p = r->plan;

	str_copy_clean(shown, sizeof(shown), key);
	place = arena_printf(r->a, "Overrides: %s", shown);
	if (first_pass != str_is(key, "strategy"))
		return;
	if (str_is(key, "strategy"))
		set_strategy(r, value, place);
	else if (str_is(key, "alarms"))
		set_alarms(r, value, place);
	else if (str_is(key, "bake"))
		set_duration(r, value, place, 0, &p->bake_ms);
	else if (str_is(key, "max_duration"))
		set_budget(r, value, place);
	else if (str_is(key, "unknown.hold_at_most"))
		set_duration(r, value, place, 0, &p->unknown_hold_ms);
	else if (str_is(key, "busy.then"))
		plan_busy_then(r, value, place);
	else if (str_is(key, "busy.wait_at_most"))
		set_busy_wait(r, value, place);
	else if (str_is(key, "limits.prepare"))
		set_duration(r, value, place, 1000, &p->prepare_ms);
	else if (str_is(key, "limits.verify"))
		set_duration(r, value, place, 1000, &p->verify_ms);
	else if (str_is(key, "target.lambda.code"))
		set_code(r, value, place);
	else if (!str_starts(key, "param."))
		problem_add(r->problems, place, NULL,
			    "unknown; known are strategy, alarms, bake, max_duration, "
			    "unknown.hold_at_most, busy.then, busy.wait_at_most, limits.prepare, "
			    "limits.verify, target.lambda.code and param.NAME, each as key=value");
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

/* A key given twice says two things. */
static void check_twice(struct plan_reader *r, struct str all, struct str key, struct str rest)
{
	struct str seen, value;
	char shown[64];
	size_t n = 0;

	while (cut_line(&all, &seen, &value) && all.n >= rest.n)
		n += str_eq(seen, key);
	if (n < 2)
		return;
	str_copy_clean(shown, sizeof(shown), key);
	problem_add(r->problems, arena_printf(r->a, "Overrides: %s", shown), NULL,
		    "given twice; write it once");
}

static void set_overrides(struct plan_reader *r, struct str text)
{
	struct str rest, key, value;

	for (rest = text; cut_line(&rest, &key, &value);)
		set_override(r, key, value, true);
	for (rest = text; cut_line(&rest, &key, &value);) {
		check_twice(r, text, key, rest);
		set_override(r, key, value, false);
	}
}

static void take_parameters(struct plan_reader *r, struct str overrides)
{
	struct plan_property *list = arena_array(r->a, struct plan_property, overrides.n / 2 + 1);
	struct str key, value;

	while (cut_line(&overrides, &key, &value))
		if (str_starts(key, "param."))
			list[r->n_parameters++] = (struct plan_property){
				.name = str_sub(key, 6, key.n), .value = value};
	r->parameters = list;
	r->parameter_used = arena_array(r->a, bool, r->n_parameters + 1);
}

static void check_parameters(struct plan_reader *r)
{
	for (size_t i = 0; i < r->n_parameters; i++) {
		char shown[64];

		if (r->parameter_used[i])
			continue;
		str_copy_clean(shown, sizeof(shown), r->parameters[i].name);
		problem_warn(r->problems, arena_printf(r->a, "Overrides: param.%s", shown), NULL,
			     "nothing in the plan file uses ${%s}", shown);
	}
}

/* --- the whole ------------------------------------------------------------------------------- */

/* Overrides are not here: they come last, whatever the order of the properties. */
static void set_property(struct plan_reader *r, const struct plan_property *prop)
{
	struct str name = prop->name, value = str_trim(prop->value);
	char shown[64];

	if (value.n == 0)
		return;
	if (str_is(name, "Target")) {
		plan_target_property(r, value, "Target");
	} else if (str_is(name, "Strategy")) {
		set_strategy(r, value, "Strategy");
	} else if (str_is(name, "Alarms")) {
		set_alarms(r, value, "Alarms");
	} else if (str_is(name, "MaxDuration")) {
		set_budget(r, value, "MaxDuration");
	} else if (str_is(name, "Mode")) {
		set_mode(r, value);
	} else if (str_is(name, "RoleArn")) {
		set_role(r, value);
	} else if (str_is(name, "Handle")) {
		problem_add(r->problems, "Handle", NULL,
			    "only with Mode: promote or rollback; a rollout that begins has none");
	} else if (!str_is(name, "Overrides") && !str_is(name, "Plan") && !str_is(name, "Pool")) {
		/* its value may be a secret of an action type that is not ours */
		str_copy_clean(shown, sizeof(shown), name);
		problem_add(r->problems, arena_strdup(r->a, shown), NULL,
			    "unknown property; known are Target, Strategy, Alarms, Plan, Mode, "
			    "Handle, RoleArn, Overrides, MaxDuration and Pool");
	}
}

static void read_file(struct plan_reader *r, const struct plan_source *src)
{
	struct err err = ERR_INIT;
	struct yaml *root;

	if (yaml_parse(r->a, src->file_text, &root, &err)) {
		r->is_unreadable = true;
		problem_add(r->problems, src->file_name, NULL, "%s", err.text);
	} else {
		plan_file_read(r, root);
	}
}

int plan_read(struct arena *a, const struct plan_source *src, struct plan **plan,
	      struct problems *problems)
{
	struct plan_reader r = {.a = a,
				.problems = problems,
				.plan = plan_new(a),
				.file = src->file_name,
				.target_place = "",
				.strategy_place = "",
				.budget_place = "MaxDuration",
				.busy_place = ""};
	size_t before = problems->n_errors;
	struct str overrides = {0};

	for (size_t i = 0; i < src->n_properties; i++)
		if (str_is(src->properties[i].name, "Overrides"))
			overrides = src->properties[i].value;
	take_parameters(&r, overrides);
	if (src->file_name)
		read_file(&r, src);
	for (size_t i = 0; i < src->n_properties; i++)
		set_property(&r, &src->properties[i]);
	set_overrides(&r, overrides);
	check_parameters(&r);
	plan_check(&r);
	plan_digest(r.plan);
	*plan = r.plan;
	return problems->n_errors > before ? -1 : 0;
}

int plan_fallback(struct arena *a, const char *undo, const char *role_arn, struct plan **plan,
		  struct err *err)
{
	struct arena *scratch = arena_new();
	struct plan *p = plan_new(a);
	struct json *root;
	int rc;

	p->strategy = "restore";
	p->n_steps = 0; /* where there is no step, no way leads forward */
	p->role_arn = role_arn;
	rc = json_parse(scratch, str_from(undo), &root, err);
	if (rc == 0) {
		enum target_kind kind;

		if (target_kind_parse(json_text(json_get(root, "t")), &kind))
			plan_target_defaults(&p->target, kind);
		else
			rc = err_set(err, ERR_MALFORMED, "undo record: unknown kind of target");
	}
	if (rc)
		err->code = ERR_MALFORMED;
	arena_free(scratch);
	plan_digest(p);
	*plan = p;
	return rc;
}

bool plan_has_target(struct arena *a, const struct plan *plan, struct str property,
		     struct problems *problems)
{
	struct plan copy = *plan;
	struct plan_reader r = {.a = a,
				.problems = problems,
				.plan = &copy,
				.has_target = true,
				.target_place = "the plan of the rollout"};
	size_t before = problems->n_errors;

	plan_target_property(&r, str_trim(property), "Target");
	return problems->n_errors == before;
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

int64_t plan_longest_action_ms(const struct plan *p)
{
	int64_t start = 0, promote;

	if (p->mode != MODE_START)
		return plan_least_ms(p);
	for (size_t i = 0; i < p->n_steps; i++)
		start += p->steps[i].weight_bp < 10000 ? p->steps[i].watch_ms : 0;
	promote = plan_least_ms(p) - start;
	return start > promote ? start : promote;
}
