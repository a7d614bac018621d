/*
 * The worker's calls on what it rolls out: Lambda, Elastic Load Balancing and CloudWatch.
 */
#include "tests/contract/moto_calls.h"

#include "aws/cloudwatch.h"
#include "aws/elbv2_rule.h"
#include "aws/lambda_policy.h"

/* --- Lambda ----------------------------------------------------------------------------------- */

static int lambda_published(struct calls *t, struct err *err)
{
	struct lambda_code code = {.function = fixture(t, "function"),
				   .s3_bucket = fixture(t, "bucket"),
				   .s3_key = fixture(t, "code")};
	struct lambda_publish publish = {.function = code.function, .description = "second"};
	struct lambda_configuration before, changed, version;

	if (lambda_get_function_configuration(&t->c, code.function, NULL, t->arena, &before, err) <
		    0 ||
	    want_text("name", before.function_name, code.function, err) < 0 ||
	    want_text("version", before.version, "$LATEST", err) < 0 ||
	    want_true("active", before.state == LAMBDA_ACTIVE, err) < 0 ||
	    lambda_update_function_code(&t->c, &code, t->arena, &changed, err) < 0 ||
	    want_true("other code", strcmp(changed.code_sha256, before.code_sha256) != 0, err) < 0)
		return -1;
	publish.code_sha256 = changed.code_sha256;
	if (lambda_publish_version(&t->c, &publish, t->arena, &version, err) < 0 ||
	    want_text("version", version.version, "2", err) < 0 ||
	    want_text("description", version.description, "second", err) < 0 ||
	    lambda_get_function(&t->c, code.function, "2", t->arena, &version, err) < 0 ||
	    want_text("digest", version.code_sha256, changed.code_sha256, err) < 0)
		return -1;
	return want_error(
		"no function",
		lambda_get_function_configuration(&t->c, "nothing", NULL, t->arena, &version, err),
		ERR_NOT_FOUND, err);
}

static int lambda_weights(struct calls *t, struct err *err)
{
	const struct lambda_weight tenth = {"2", 0.1};
	struct lambda_alias_update u = {.function = fixture(t, "function"), .name = "live"};
	struct lambda_alias alias;

	u.set_weights = true;
	u.weights = &tenth;
	u.n_weights = 1;
	if (lambda_get_alias(&t->c, u.function, u.name, t->arena, &alias, err) < 0 ||
	    want_text("version", alias.function_version, "1", err) < 0 ||
	    want_number("weights", (double)alias.n_weights, 0, err) < 0 ||
	    lambda_update_alias(&t->c, &u, t->arena, &alias, err) < 0 ||
	    lambda_get_alias(&t->c, u.function, u.name, t->arena, &alias, err) < 0 ||
	    want_number("weights", (double)alias.n_weights, 1, err) < 0 ||
	    want_text("weighted version", alias.weights[0].version, "2", err) < 0 ||
	    want_number("weight", alias.weights[0].weight, 0.1, err) < 0)
		return -1;
	u.n_weights = 0;
	u.function_version = "2";
	if (lambda_update_alias(&t->c, &u, t->arena, &alias, err) < 0 ||
	    lambda_get_alias(&t->c, u.function, u.name, t->arena, &alias, err) < 0 ||
	    want_text("version", alias.function_version, "2", err) < 0)
		return -1;
	return want_number("weights in the end", (double)alias.n_weights, 0, err);
}

static int lambda_aliases(struct calls *t, struct err *err)
{
	struct lambda_alias_update u = {
		.function = fixture(t, "function"), .name = "test", .function_version = "1"};
	struct lambda_alias alias, *list;
	size_t n;

	if (lambda_create_alias(&t->c, &u, t->arena, &alias, err) < 0 ||
	    want_error("made twice", lambda_create_alias(&t->c, &u, t->arena, &alias, err),
		       ERR_CONFLICT, err) < 0 ||
	    lambda_list_aliases(&t->c, u.function, NULL, t->arena, &list, &n, err) < 0 ||
	    want_number("aliases", (double)n, 2, err) < 0 ||
	    lambda_delete_alias(&t->c, u.function, u.name, t->arena, err) < 0)
		return -1;
	return want_error("deleted",
			  lambda_get_alias(&t->c, u.function, u.name, t->arena, &alias, err),
			  ERR_NOT_FOUND, err);
}

/* The policy of an alias: what is added is told, and goes again. */
static int lambda_permissions(struct calls *t, struct err *err)
{
	struct lambda_alias_update u = {
		.function = fixture(t, "function"), .name = "live-staff", .function_version = "1"};
	struct lambda_permission p = {.function = u.function,
				      .qualifier = u.name,
				      .statement = "r-1-0",
				      .principal = "arn:aws:iam::123456789012:role/staff"};
	struct lambda_statement *list;
	struct lambda_alias alias;
	size_t n;

	if (lambda_create_alias(&t->c, &u, t->arena, &alias, err) < 0 ||
	    lambda_add_permission(&t->c, &p, t->arena, err) < 0 ||
	    lambda_get_policy(&t->c, u.function, u.name, t->arena, &list, &n, err) < 0 ||
	    want_number("statements", (double)n, 1, err) < 0 ||
	    want_text("its id", list[0].id, p.statement, err) < 0 ||
	    want_text("its principal", list[0].principal, p.principal, err) < 0 ||
	    want_true("nothing but that", list[0].plain, err) < 0 ||
	    lambda_remove_permission(&t->c, u.function, u.name, p.statement, t->arena, err) < 0 ||
	    lambda_get_policy(&t->c, u.function, u.name, t->arena, &list, &n, err) < 0 ||
	    want_number("statements left", (double)n, 0, err) < 0)
		return -1;
	return lambda_delete_alias(&t->c, u.function, u.name, t->arena, err);
}

static int lambda_version_deleted(struct calls *t, struct err *err)
{
	const char *function = fixture(t, "function");
	struct lambda_configuration version;

	if (lambda_delete_function_version(&t->c, function, "1", t->arena, err) < 0)
		return -1;
	return want_error(
		"deleted",
		lambda_get_function_configuration(&t->c, function, "1", t->arena, &version, err),
		ERR_NOT_FOUND, err);
}

/* --- Elastic Load Balancing ------------------------------------------------------------------- */

static int elbv2_described(struct calls *t, struct err *err)
{
	const char *const arns[] = {fixture(t, "green"), fixture(t, "blue")};
	const char *const missing[] = {fixture(t, "missing-group")};
	struct elbv2_load_balancer lb;
	struct elbv2_listener *listeners;
	struct elbv2_target_group *groups;
	struct elbv2_rule *rules;
	size_t n;

	if (elbv2_describe_load_balancer(&t->c, fixture(t, "balancer"), t->arena, &lb, err) < 0 ||
	    want_text("name", lb.name, "web", err) < 0 ||
	    want_text("type", lb.type, "application", err) < 0 ||
	    want_text("state", lb.state, "active", err) < 0 ||
	    elbv2_describe_listeners(&t->c, lb.arn, t->arena, &listeners, &n, err) < 0 ||
	    want_number("listeners", (double)n, 1, err) < 0 ||
	    want_text("listener", listeners[0].arn, fixture(t, "listener"), err) < 0 ||
	    elbv2_describe_rules(&t->c, listeners[0].arn, t->arena, &rules, &n, err) < 0 ||
	    want_number("rules", (double)n, 2, err) < 0)
		return -1;
	if (elbv2_describe_target_groups(&t->c, arns, 2, t->arena, &groups, err) < 0 ||
	    want_text("first group", groups[0].name, "tg-green", err) < 0 ||
	    want_text("second group", groups[1].name, "tg-blue", err) < 0 ||
	    want_text("its balancer", groups[1].load_balancer_arns[0], lb.arn, err) < 0)
		return -1;
	return want_error("no group",
			  elbv2_describe_target_groups(&t->c, missing, 1, t->arena, &groups, err),
			  ERR_NOT_FOUND, err);
}

/* The actions with these weights on blue and green. */
static struct elbv2_actions weighed(struct calls *t, const struct elbv2_action *actions, size_t n,
				    const int64_t weights[2])
{
	struct elbv2_action *copy = arena_array(t->arena, struct elbv2_action, n);

	for (size_t i = 0; i < n; i++) {
		struct elbv2_group *g;

		copy[i] = actions[i];
		if (!elbv2_action_is_forward(&actions[i]))
			continue;
		g = arena_array(t->arena, struct elbv2_group, 2);
		g[0] = (struct elbv2_group){fixture(t, "blue"), weights[0], true};
		g[1] = (struct elbv2_group){fixture(t, "green"), weights[1], true};
		copy[i].groups = g;
		copy[i].n_groups = 2;
	}
	return (struct elbv2_actions){copy, n};
}

static int want_weights(const struct elbv2_action *actions, size_t n, const int64_t weights[2],
			struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct elbv2_action *a = &actions[i];

		if (!elbv2_action_is_forward(a))
			continue;
		if (want_number("groups", (double)a->n_groups, 2, err) < 0 ||
		    want_number("blue", (double)a->groups[0].weight, (double)weights[0], err) < 0)
			return -1;
		return want_number("green", (double)a->groups[1].weight, (double)weights[1], err);
	}
	return err_set(err, ERR_REJECTED, "no forward action");
}

static int elbv2_rule_moves(struct calls *t, struct err *err)
{
	static const int64_t weights[2] = {90, 10};
	const char *arn = fixture(t, "rule");
	struct elbv2_actions echo, to;
	struct elbv2_rule rule;

	if (elbv2_describe_rule(&t->c, arn, t->arena, &rule, err) < 0 ||
	    want_text("priority", rule.priority, "10", err) < 0)
		return -1;
	to = weighed(t, rule.actions, rule.n_actions, weights);
	if (elbv2_modify_rule(&t->c, arn, &to, t->arena, &echo, err) < 0 ||
	    want_weights(echo.actions, echo.n, weights, err) < 0 ||
	    elbv2_describe_rule(&t->c, arn, t->arena, &rule, err) < 0 ||
	    want_weights(rule.actions, rule.n_actions, weights, err) < 0 ||
	    want_true("conditions", rule.conditions && rule.conditions->first, err) < 0)
		return -1;
	return want_error(
		"no rule",
		elbv2_modify_rule(&t->c, fixture(t, "missing-rule"), &to, t->arena, &echo, err),
		ERR_NOT_FOUND, err);
}

static int elbv2_listener_moves(struct calls *t, struct err *err)
{
	static const int64_t weights[2] = {0, 999};
	const char *arn = fixture(t, "listener");
	struct elbv2_listener listener;
	struct elbv2_actions to;

	if (elbv2_describe_listener(&t->c, arn, t->arena, &listener, err) < 0 ||
	    want_number("port", (double)listener.port, 80, err) < 0)
		return -1;
	to = weighed(t, listener.actions, listener.n_actions, weights);
	if (elbv2_modify_listener(&t->c, arn, &to, t->arena, NULL, err) < 0 ||
	    elbv2_describe_listener(&t->c, arn, t->arena, &listener, err) < 0)
		return -1;
	return want_weights(listener.actions, listener.n_actions, weights, err);
}

/* A rule of every kind of condition, with its tags; and gone again. */
static int elbv2_rule_is_made(struct calls *t, struct err *err)
{
	static const char *const staff[] = {"staff", "qa*"}, *const block[] = {"10.0.0.0/8"};
	const struct elbv2_query query = {"beta", "1"};
	const struct elbv2_condition conditions[] = {
		{.field = "http-header",
		 .header = "X-Team",
		 .values = staff,
		 .n_values = 2,
		 .whole = true},
		{.field = "query-string", .queries = &query, .n_queries = 1, .whole = true},
		{.field = "source-ip", .values = block, .n_values = 1, .whole = true},
	};
	const struct elbv2_group green = {fixture(t, "green"), 1, true};
	const struct elbv2_action forward = {.type = "forward", .groups = &green, .n_groups = 1};
	const struct elbv2_tag tag = {"rollout-worker:rollout", "r-1"};
	struct elbv2_new_rule rule = {.listener_arn = fixture(t, "listener"),
				      .priority = 9,
				      .conditions = conditions,
				      .n_conditions = 3,
				      .actions = {&forward, 1},
				      .tags = &tag,
				      .n_tags = 1};
	struct elbv2_condition *again;
	struct elbv2_rule made;
	struct elbv2_tags *tags;
	size_t n;

	if (elbv2_create_rule(&t->c, &rule, t->arena, &made, err) < 0 ||
	    want_error("made twice", elbv2_create_rule(&t->c, &rule, t->arena, &made, err),
		       ERR_CONFLICT, err) < 0 ||
	    elbv2_describe_rule(&t->c, made.arn, t->arena, &made, err) < 0 ||
	    want_number("priority", (double)elbv2_rule_priority(&made), 9, err) < 0 ||
	    elbv2_conditions_parse(made.conditions, t->arena, &again, &n, err) < 0 ||
	    want_true("conditions", elbv2_conditions_same(conditions, 3, again, n), err) < 0 ||
	    elbv2_describe_tags(&t->c, &made.arn, 1, t->arena, &tags, err) < 0 ||
	    want_text("tag", elbv2_tag_get(tags, tag.key), tag.value, err) < 0 ||
	    elbv2_delete_rule(&t->c, made.arn, t->arena, err) < 0)
		return -1;
	return want_error("deleted", elbv2_describe_rule(&t->c, made.arn, t->arena, &made, err),
			  ERR_NOT_FOUND, err);
}

static int elbv2_health_is_told(struct calls *t, struct err *err)
{
	struct elbv2_target_health *health;
	struct elbv2_attribute *attributes;
	const char *arn = fixture(t, "blue");
	size_t n;

	if (elbv2_describe_target_health(&t->c, arn, t->arena, &health, &n, err) < 0 ||
	    want_number("targets", (double)n, 1, err) < 0 ||
	    want_text("target", health[0].id, fixture(t, "target"), err) < 0 ||
	    want_text("state", elbv2_health_name(health[0].state), "healthy", err) < 0 ||
	    elbv2_describe_target_health(&t->c, fixture(t, "green"), t->arena, &health, &n, err) <
		    0 ||
	    want_number("targets of green", (double)n, 0, err) < 0 ||
	    elbv2_describe_target_group_attributes(&t->c, arn, t->arena, &attributes, &n, err) < 0)
		return -1;
	return want_text("draining",
			 elbv2_attribute_get(attributes, n, "deregistration_delay.timeout_seconds"),
			 "300", err);
}

/* --- CloudWatch ------------------------------------------------------------------------------- */

static int cloudwatch_alarms(struct calls *t, struct err *err)
{
	const char *const names[] = {"errors", "latency & <more>", "nothing"};
	const struct cw_alarm *alarm;
	struct cw_alarm *alarms;
	size_t n;

	if (cloudwatch_describe_alarms(&t->c, names, 3, t->arena, &alarms, &n, err) < 0 ||
	    want_number("alarms", (double)n, 2, err) < 0)
		return -1;
	alarm = cw_alarm_find(alarms, n, "errors");
	if (want_true("errors", alarm != NULL, err) < 0 ||
	    want_text("state", cw_alarm_state_name(alarm->state), "ALARM", err) < 0 ||
	    want_text("reason", alarm->reason, "by hand", err) < 0 ||
	    want_text("metric", alarm->metric_name, "Errors", err) < 0 ||
	    want_number("period", (double)alarm->period_s, 60, err) < 0 ||
	    want_number("periods", (double)alarm->evaluation_periods, 3, err) < 0 ||
	    want_true("a time", alarm->has_updated, err) < 0)
		return -1;
	alarm = cw_alarm_find(alarms, n, "latency & <more>");
	return want_text("other state", alarm ? cw_alarm_state_name(alarm->state) : NULL, "OK",
			 err);
}

static int cloudwatch_data(struct calls *t, struct err *err)
{
	const struct cw_dimension host = {"Host", "a b"};
	const struct cw_query queries[] = {
		{.id = "sum1",
		 .metric_namespace = "Contract",
		 .metric_name = "Latency",
		 .dimensions = &host,
		 .n_dimensions = 1,
		 .period_s = 60,
		 .stat = "Sum"},
		{.id = "none",
		 .metric_namespace = "Contract",
		 .metric_name = "Nothing",
		 .period_s = 60,
		 .stat = "Sum"},
	};
	struct cw_metric_query q = {.queries = queries, .n = 2};
	struct cw_series *series;
	int64_t start;
	size_t n;

	if (!str_parse_i64(str_from(fixture(t, "minute")), 0, INT64_MAX / 1000, &start))
		return err_set(err, ERR_REJECTED, "minute is no number");
	q.start.ms = start * 1000;
	q.end.ms = q.start.ms + 180000;
	if (cloudwatch_get_metric_data(&t->c, &q, t->arena, &series, &n, err) < 0 ||
	    want_number("series", (double)n, 2, err) < 0 ||
	    want_number("points", (double)series[0].n, 2, err) < 0 ||
	    want_number("first", series[0].values[0], 4, err) < 0 ||
	    want_number("second", series[0].values[1], 5, err) < 0 ||
	    want_number("its time", (double)series[0].timestamps[0].ms, (double)q.start.ms, err) <
		    0)
		return -1;
	return want_number("no data", (double)series[1].n, 0, err);
}

/* --- the list --------------------------------------------------------------------------------- */

const struct call_case target_cases[] = {
	{"lambda: new code is published", lambda_published},
	{"lambda: an alias's weights", lambda_weights},
	{"lambda: aliases are made, listed and deleted", lambda_aliases},
	{"lambda: permissions of an alias", lambda_permissions},
	{"lambda: a version is deleted", lambda_version_deleted},
	{"elbv2: all is described", elbv2_described},
	{"elbv2: a rule's weights move", elbv2_rule_moves},
	{"elbv2: a rule is made and removed", elbv2_rule_is_made},
	{"elbv2: a listener's weights move", elbv2_listener_moves},
	{"elbv2: target health and attributes", elbv2_health_is_told},
	{"cloudwatch: alarms", cloudwatch_alarms},
	{"cloudwatch: metric data", cloudwatch_data},
};
const size_t n_target_cases = sizeof(target_cases) / sizeof(target_cases[0]);
