#include "tests/sim/sim_cloudwatch.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim_wire.h"

/*
 * The simulated CloudWatch: metrics that the traffic model fills, alarms that evaluate themselves
 * over them, and the calls to read both, in JSON 1.0 and in the query protocol.
 */

#define XMLNS "http://monitoring.amazonaws.com/doc/2010-08-01/"
#define ANSWER_MAX (8u << 20)

static void *create(struct sim *s)
{
	struct sim_cloudwatch_state *cw = xcalloc(1, sizeof(*cw));
	(void)s;
	cw->metrics = sim_metric_store_new();
	return cw;
}

static void destroy(void *state)
{
	struct sim_cloudwatch_state *cw = state;
	if (!cw)
		return;
	while (cw->alarms) {
		struct sim_alarm *a = cw->alarms;
		cw->alarms = a->next;
		sim_alarm_free(a);
	}
	sim_metric_store_free(cw->metrics);
	free(cw);
}

static void advance(struct sim *s, void *state, struct utc now)
{
	struct sim_cloudwatch_state *cw = state;
	(void)s;
	for (struct sim_alarm *a = cw->alarms; a; a = a->next)
		if (!a->rule)
			sim_alarm_evaluate(a, cw->metrics, now);
	for (struct sim_alarm *a = cw->alarms; a; a = a->next)
		if (a->rule)
			sim_alarm_compose(a, cw->alarms, now);
}

struct sim_metric *sim_metric_open(struct sim *s, const char *ns, const char *name,
				   const char *dimensions)
{
	struct sim_cloudwatch_state *cw = sim_state(s, &sim_cloudwatch);
	return sim_metric_get(cw->metrics, str_from(ns), str_from(name), str_from(dimensions));
}

void sim_metric_add(struct sim *s, const char *ns, const char *name, const char *dimensions,
		    struct utc at, double value, double count)
{
	sim_metric_record(sim_metric_open(s, ns, name, dimensions), at, value, count);
}

const char *sim_cloudwatch_alarm(struct sim *s, struct str name)
{
	const struct sim_cloudwatch_state *cw = sim_state(s, &sim_cloudwatch);
	for (const struct sim_alarm *a = cw->alarms; a; a = a->next)
		if (str_is(name, a->name))
			return sim_alarm_state_name(a->state);
	return NULL;
}

/* --- dimensions ---------------------------------------------------------------------------- */

struct str sim_dimensions_sorted(struct arena *a, struct str dimensions)
{
	struct str part[32], one;
	struct buf b;
	size_t n = 0;
	while (n < 32 && str_next(&dimensions, ',', &one)) {
		size_t i = n++;
		for (; i > 0 && str_cmp(part[i - 1], one) > 0; i--)
			part[i] = part[i - 1];
		part[i] = one;
	}
	buf_init(&b, 64u << 10);
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_addc(&b, ',');
		buf_add_str(&b, part[i]);
	}
	struct str sorted = {str_dup(a, buf_str(&b)), b.n};
	buf_release(&b);
	return sorted;
}

struct str sim_dimensions_of(struct arena *a, const struct json *list)
{
	struct buf b;
	buf_init(&b, 64u << 10);
	json_each(d, list) {
		const struct json *value = json_get(d, "Value");
		if (b.n)
			buf_addc(&b, ',');
		buf_add_str(&b, json_text(json_get(d, "Name")));
		buf_addc(&b, '=');
		/* a value that looks like a number is one in the query protocol's tree */
		buf_add_str(&b, value ? value->text : STR(""));
	}
	struct str sorted = sim_dimensions_sorted(a, buf_str(&b));
	buf_release(&b);
	return sorted;
}

void sim_dimensions_write(struct json_out *o, const char *dimensions)
{
	struct str rest = str_from(dimensions), value, name;
	json_out_key(o, "Dimensions");
	json_out_array(o);
	while (str_next(&rest, ',', &value)) {
		if (!str_next(&value, '=', &name))
			continue;
		json_out_object(o);
		json_member_str(o, "Name", name);
		json_member_str(o, "Value", value);
		json_out_end(o);
	}
	json_out_end(o);
}

/* --- DescribeAlarms ------------------------------------------------------------------------ */

static void write_moment(struct json_out *o, const char *key, struct utc t)
{
	json_member_double(o, key, (double)t.ms / 1000);
}

static void write_stat(struct json_out *o, const char *stat)
{
	json_member_cstr(o, stat[0] == 'p' ? "ExtendedStatistic" : "Statistic", stat);
}

static void write_math(struct json_out *o, const struct sim_alarm *a)
{
	json_out_key(o, "Metrics");
	json_out_array(o);
	for (size_t i = 0; i < a->math.n_ids; i++) {
		json_out_object(o);
		json_member_cstr(o, "Id", a->math.id[i]);
		json_out_key(o, "MetricStat");
		json_out_object(o);
		json_out_key(o, "Metric");
		json_out_object(o);
		json_member_cstr(o, "Namespace", a->inputs[i].ns);
		json_member_cstr(o, "MetricName", a->inputs[i].name);
		sim_dimensions_write(o, a->inputs[i].dimensions);
		json_out_end(o);
		json_member_i64(o, "Period", a->period_s);
		json_member_cstr(o, "Stat", a->inputs[i].stat);
		json_out_end(o);
		json_member_bool(o, "ReturnData", false);
		json_out_end(o);
	}
	json_out_object(o);
	json_member_cstr(o, "Id", "alarm_expression");
	json_member_cstr(o, "Expression", a->expression);
	json_member_bool(o, "ReturnData", true);
	json_out_end(o);
	json_out_end(o);
}

static void write_metric(struct json_out *o, const struct sim_alarm *a)
{
	if (a->expression) {
		write_math(o, a);
	} else {
		json_member_cstr(o, "MetricName", a->inputs[0].name);
		json_member_cstr(o, "Namespace", a->inputs[0].ns);
		sim_dimensions_write(o, a->inputs[0].dimensions);
		json_member_i64(o, "Period", a->period_s);
		write_stat(o, a->inputs[0].stat);
	}
	json_member_i64(o, "EvaluationPeriods", a->evaluation_periods);
	if (a->datapoints)
		json_member_i64(o, "DatapointsToAlarm", a->datapoints);
	json_member_double(o, "Threshold", a->threshold);
	json_member_cstr(o, "ComparisonOperator", sim_compare_name(a->compare));
	json_member_cstr(o, "TreatMissingData", sim_missing_name(a->missing));
}

static void write_alarm(struct json_out *o, const struct sim_alarm *a)
{
	json_out_object(o);
	json_member_cstr(o, "AlarmName", a->name);
	json_member_cstr(o, "AlarmArn", a->arn);
	json_member_bool(o, "ActionsEnabled", true);
	json_out_key(o, "AlarmActions");
	json_out_array(o);
	json_out_end(o);
	write_moment(o, "AlarmConfigurationUpdatedTimestamp", a->configured);
	json_member_cstr(o, "StateValue", sim_alarm_state_name(a->state));
	json_member_cstr(o, "StateReason", a->reason);
	json_member_cstr(o, "StateReasonData", a->reason_data);
	write_moment(o, "StateUpdatedTimestamp", a->updated);
	write_moment(o, "StateTransitionedTimestamp", a->transitioned);
	if (a->rule)
		json_member_cstr(o, "AlarmRule", a->rule_text);
	else
		write_metric(o, a);
	json_out_end(o);
}

static bool lists(const struct json *list, const char *name)
{
	json_each(e, list) {
		if (str_is(json_text(e), name))
			return true;
	}
	return false;
}

/* Does the request ask for this alarm? */
static bool is_asked_for(const struct sim_cloudwatch_call *c, const struct sim_alarm *a)
{
	const struct json *names = json_get(c->in, "AlarmNames"),
			  *types = json_get(c->in, "AlarmTypes");
	const char *prefix = json_cstr(json_get(c->in, "AlarmNamePrefix"));
	struct str state = json_text(json_get(c->in, "StateValue"));
	/* without types only metric alarms are returned */
	if (a->rule ? !lists(types, "CompositeAlarm")
		    : (types && types->first && !lists(types, "MetricAlarm")))
		return false;
	if (names && names->first && !lists(names, a->name))
		return false;
	if (prefix && !str_starts(str_from(a->name), prefix))
		return false;
	return !state.n || str_is(state, sim_alarm_state_name(a->state));
}

/* How many alarms earlier pages had, from NextToken. -1: not a token of ours. */
static int64_t read_token(const struct sim_cloudwatch_call *c)
{
	struct str token = json_text(json_get(c->in, "NextToken"));
	int64_t n;
	if (!token.n)
		return 0;
	if (!str_starts(token, "page-") ||
	    !str_parse_i64(str_sub(token, 5, token.n), 1, INT32_MAX, &n))
		return -1;
	return n;
}

static int check_describe(const struct sim_cloudwatch_call *c, int64_t max)
{
	const struct json *names = json_get(c->in, "AlarmNames");
	enum sim_alarm_state ignored;
	struct str state = json_text(json_get(c->in, "StateValue"));
	if (names && names->n > 100)
		return sim_cloudwatch_error(c, "InvalidParameterValue",
					    "AlarmNames: at most 100 members");
	if (names && names->first && json_get(c->in, "AlarmNamePrefix"))
		return sim_cloudwatch_error(c, "InvalidParameterCombination",
					    "AlarmNames and AlarmNamePrefix exclude each other");
	if (max < 1 || max > 100)
		return sim_cloudwatch_error(c, "InvalidParameterValue",
					    "MaxRecords must be 1 to 100");
	if (state.n && !sim_alarm_state_parse(state, &ignored))
		return sim_cloudwatch_error(c, "InvalidParameterValue", "StateValue is unknown");
	json_each(t, json_get(c->in, "AlarmTypes")) {
		struct str type = json_text(t);
		if (!str_is(type, "MetricAlarm") && !str_is(type, "CompositeAlarm") &&
		    !str_is(type, "LogAlarm"))
			return sim_cloudwatch_error(c, "InvalidParameterValue",
						    "AlarmTypes: unknown type");
	}
	if (read_token(c) < 0)
		return sim_cloudwatch_error(c, "InvalidNextToken", "NextToken is not valid");
	return 0;
}

int sim_describe_alarms(struct sim_cloudwatch_call *c)
{
	int64_t max = 100, skip, seen = 0;
	struct json_out *o = &c->out;
	(void)json_i64(json_get(c->in, "MaxRecords"), &max);
	if (check_describe(c, max))
		return -1;
	skip = read_token(c);
	/* metric alarms first, then composite ones: pages cut the joint list */
	for (int composite = 0; composite <= 1; composite++) {
		json_out_key(o, composite ? "CompositeAlarms" : "MetricAlarms");
		json_out_array(o);
		for (const struct sim_alarm *a = c->cw->alarms; a; a = a->next) {
			if ((a->rule != NULL) != (composite != 0) || !is_asked_for(c, a))
				continue;
			if (seen >= skip && seen < skip + max)
				write_alarm(o, a);
			seen++;
		}
		json_out_end(o);
	}
	if (seen > skip + max) {
		char token[40];
		snprintf(token, sizeof(token), "page-%lld", (long long)(skip + max));
		json_member_cstr(o, "NextToken", token);
	}
	return 0;
}

/* --- dispatch ------------------------------------------------------------------------------ */

int sim_cloudwatch_error(const struct sim_cloudwatch_call *c, const char *code, const char *text)
{
	sim_reply_error(c->x, c->x->json ? SIM_WIRE_JSON : SIM_WIRE_QUERY, 400, code, "%s", text);
	return -1;
}

/* The answer, which so far is JSON, in the protocol it was asked in. */
static void reply(struct sim_cloudwatch_call *c, struct str body)
{
	struct json *tree;
	struct err err = ERR_INIT;
	struct buf b;
	if (c->x->json) {
		sim_reply_json(c->x, 200, body);
		return;
	}
	if (json_parse(c->x->arena, body, &tree, &err)) {
		sim_reply_error(c->x, SIM_WIRE_QUERY, 500, "InternalFailure", "%s", err.text);
		return;
	}
	buf_init(&b, ANSWER_MAX);
	sim_tree_xml(&b, tree);
	sim_reply_query(c->x, XMLNS, buf_str(&b));
	buf_release(&b);
}

static void handle(struct sim *s, void *state, const struct sim_exchange *x)
{
	static const struct {
		const char *name;
		int (*run)(struct sim_cloudwatch_call *c);
	} operations[] = {
		{"DescribeAlarms", sim_describe_alarms},
		{"GetMetricData", sim_get_metric_data},
		{"PutMetricData", sim_put_metric_data},
	};
	struct sim_cloudwatch_call c = {.cw = state, .x = x, .in = x->json};
	struct buf b;
	(void)s;
	if (!x->json)
		c.in = sim_form_tree(x->arena, x->form, true);
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (strcmp(x->operation, operations[i].name) != 0)
			continue;
		buf_init(&b, ANSWER_MAX);
		json_out_init(&c.out, &b);
		json_out_object(&c.out);
		if (operations[i].run(&c) == 0) {
			json_out_end(&c.out);
			reply(&c, buf_str(&b));
		}
		buf_release(&b);
		return;
	}
	sim_cloudwatch_error(&c, "InvalidAction", "the simulator has no such operation");
}

const struct sim_service sim_cloudwatch = {
	.name = "monitoring",
	.create = create,
	.destroy = destroy,
	.advance = advance,
	.handle = handle,
	.control = sim_cloudwatch_control,
};
