#include "tests/sim/sim_ssm.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * The simulated Systems Manager: agents and parameters, how commands go on over time, and the
 * dispatch of calls. A script that succeeds changes what its instance does, by its "sim:" lines.
 */

const char *sim_ssm_status_name(enum sim_ssm_status s)
{
	static const char *const names[SIM_SSM_STATUS_COUNT] = {
		"Pending", "InProgress", "Success", "Cancelled", "TimedOut", "Failed",
	};
	return names[s];
}

bool sim_ssm_managed(const struct sim_ssm_state *st, const struct sim_instance *i, struct utc now)
{
	return strcmp(sim_instance_state(i, now), "running") == 0 &&
	       now.ms >= i->running.ms + st->agent_ms;
}

/* --- commands over time -------------------------------------------------------------------- */

struct sim_invocation *sim_invocation_add(struct sim_command *c, const char *instance)
{
	struct sim_invocation *v;
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->invocations[i].instance, instance) == 0)
			return &c->invocations[i];
	c->invocations = xrealloc(c->invocations, (c->n + 1) * sizeof(*v));
	v = &c->invocations[c->n++];
	*v = (struct sim_invocation){.status = SIM_SSM_PENDING, .details = "Pending"};
	(void)str_copy(v->instance, sizeof(v->instance), str_from(instance));
	return v;
}

static size_t count(const struct sim_command *c, enum sim_ssm_status status)
{
	size_t n = 0;
	for (size_t i = 0; i < c->n; i++)
		n += c->invocations[i].status == status;
	return n;
}

enum sim_ssm_status sim_command_status(const struct sim_command *c)
{
	if (!c->resolved || (c->n && count(c, SIM_SSM_PENDING) == c->n))
		return SIM_SSM_PENDING;
	if (count(c, SIM_SSM_PENDING) || count(c, SIM_SSM_IN_PROGRESS))
		return SIM_SSM_IN_PROGRESS;
	if (count(c, SIM_SSM_FAILED))
		return SIM_SSM_FAILED;
	if (count(c, SIM_SSM_TIMED_OUT))
		return SIM_SSM_TIMED_OUT;
	if (count(c, SIM_SSM_CANCELLED))
		return SIM_SSM_CANCELLED;
	return SIM_SSM_SUCCESS; /* of nobody, too */
}

/* "10" or "10%" of n; at least 1 of a percentage above 0 when round_up. */
static size_t limit_of(const char *text, size_t n, bool round_up)
{
	struct str s = str_from(text);
	bool percent = str_ends(s, "%");
	int64_t v = 0;
	if (percent)
		s.n--;
	(void)str_parse_i64(s, 0, 1000000, &v);
	if (!percent)
		return (size_t)v;
	return ((size_t)v * n + (round_up ? 99 : 0)) / 100;
}

static void finish(struct sim_invocation *v, enum sim_ssm_status status, const char *details,
		   struct utc now)
{
	v->status = status;
	v->details = details;
	v->ended = now;
}

/* How it will end: as control says, else as the script does. */
static void decide_outcome(struct sim_ssm_state *st, const struct sim_command *c,
			   struct sim_invocation *v)
{
	struct sim_behaviour does = {.errors = 0};
	bool mine = !st->outcome_instance[0] || strcmp(st->outcome_instance, v->instance) == 0;
	sim_behaviour_code(&does, str_from(c->script));
	v->outcome = SIM_SSM_SUCCESS;
	if (does.never_starts)
		v->outcome = SIM_SSM_FAILED;
	if (does.smoke == SIM_SMOKE_TIMEOUT)
		v->outcome = SIM_SSM_TIMED_OUT;
	if (!st->outcomes || !mine)
		return;
	if (st->outcomes > 0)
		st->outcomes--;
	v->outcome = st->outcome;
	v->stuck = st->stuck;
}

static void step_pending(struct sim *s, struct sim_ssm_state *st, struct sim_command *c,
			 struct sim_invocation *v, struct utc now)
{
	const struct sim_instance *i = sim_ec2_instance(s, str_from(v->instance));
	bool there = i && strcmp(sim_instance_state(i, now), "running") == 0;
	if (c->cancelled)
		finish(v, SIM_SSM_CANCELLED, "Cancelled", now);
	else if (count(c, SIM_SSM_FAILED) + count(c, SIM_SSM_TIMED_OUT) >
		 limit_of(c->max_errors, c->n, false))
		finish(v, SIM_SSM_CANCELLED, "Terminated", now);
	else if (!there)
		finish(v, SIM_SSM_FAILED, "Undeliverable", now);
	else if (now.ms >= c->requested.ms + c->timeout_s * 1000)
		finish(v, SIM_SSM_TIMED_OUT, "DeliveryTimedOut", now);
	else if (!i->agent_lost && now.ms >= c->requested.ms + st->pending_ms &&
		 count(c, SIM_SSM_IN_PROGRESS) < limit_of(c->max_concurrency, c->n, true)) {
		v->status = SIM_SSM_IN_PROGRESS;
		v->details = "InProgress";
		v->started = now;
		decide_outcome(st, c, v);
	}
}

static void step_running(struct sim *s, struct sim_ssm_state *st, struct sim_command *c,
			 struct sim_invocation *v, struct utc now)
{
	struct sim_instance *i = sim_ec2_instance(s, str_from(v->instance));
	if (!i || i->ending.ms) {
		finish(v, SIM_SSM_FAILED, "Undeliverable", now);
		return;
	}
	if (v->stuck || v->outcome == SIM_SSM_TIMED_OUT) {
		if (now.ms >= v->started.ms + c->run_timeout_s * 1000)
			finish(v, SIM_SSM_TIMED_OUT, "ExecutionTimedOut", now);
		else if (c->cancelled)
			finish(v, SIM_SSM_CANCELLED, "Cancelled", now);
		return;
	}
	if (now.ms < v->started.ms + st->run_ms)
		return;
	if (v->outcome == SIM_SSM_SUCCESS)
		sim_instance_apply(s, i, str_from(c->script));
	finish(v, v->outcome, sim_ssm_status_name(v->outcome), now);
}

/* Does the instance have one of the tags, or ids, that a target names? */
static bool is_target(const struct sim_instance *i, const struct json *target)
{
	struct str key = json_text(json_get(target, "Key"));
	json_each(v, json_get(target, "Values")) {
		const char *value = NULL;
		if (str_starts(key, "tag:"))
			for (size_t k = 0; k < i->n_tags; k++)
				if (str_is(str_sub(key, 4, key.n), i->tags[k].key))
					value = i->tags[k].value;
		if (str_is_nocase(key, "instanceids"))
			value = i->id;
		if (value && str_is(json_text(v), value))
			return true;
	}
	return false;
}

static void resolve(struct sim *s, const struct sim_ssm_state *st, struct sim_command *c,
		    struct utc now)
{
	struct arena *a = arena_new();
	struct err err = ERR_INIT;
	struct json *targets = NULL;
	c->resolved = true;
	if (json_parse(a, str_from(c->targets), &targets, &err) == 0) {
		for (struct sim_instance *i = sim_ec2_instances(s); i; i = i->next) {
			bool all = sim_ssm_managed(st, i, now);
			json_each(t, targets) {
				all = all && is_target(i, t);
			}
			if (all)
				(void)sim_invocation_add(c, i->id);
		}
	}
	arena_free(a);
}

void sim_command_step(struct sim *s, struct sim_ssm_state *st, struct sim_command *c,
		      struct utc now)
{
	if (!c->resolved) {
		if (now.ms < c->requested.ms + st->visible_ms)
			return;
		resolve(s, st, c, now);
	}
	for (size_t i = 0; i < c->n; i++) {
		if (c->invocations[i].status == SIM_SSM_PENDING)
			step_pending(s, st, c, &c->invocations[i], now);
		else if (c->invocations[i].status == SIM_SSM_IN_PROGRESS)
			step_running(s, st, c, &c->invocations[i], now);
	}
}

void sim_command_free(struct sim_command *c)
{
	free(c->parameters);
	free(c->targets);
	free(c->script);
	free(c->invocations);
	free(c);
}

/* --- agents -------------------------------------------------------------------------------- */

static bool passes(const struct sim_instance *i, const struct json *f)
{
	struct str key = json_text(json_get(f, "Key"));
	const struct json *values = json_get(f, "Values");
	json_each(v, values) {
		if ((str_is(key, "InstanceIds") && str_is(json_text(v), i->id)) ||
		    (str_is(key, "PingStatus") &&
		     str_is(json_text(v), i->agent_lost ? "ConnectionLost" : "Online")))
			return true;
		if (str_starts(key, "tag:")) {
			char name[129];
			const char *have;
			(void)str_copy(name, sizeof(name), str_sub(key, 4, key.n));
			have = sim_instance_tag_get(i, name);
			if (have && str_is(json_text(v), have))
				return true;
		}
	}
	return false;
}

static int describe_agents(struct sim_ssm_call *c)
{
	struct sim_page p = {.max = 50};
	struct str token = sim_ssm_arg(c, "NextToken");
	int64_t max = 50;
	const struct json *filters = json_get(c->x->json, "Filters");
	if ((json_get(c->x->json, "MaxResults") &&
	     (!json_i64(json_get(c->x->json, "MaxResults"), &max) || max < 5 || max > 50)) ||
	    (token.n && !str_parse_i64(token, 1, INT32_MAX, &p.skip)))
		return sim_ssm_error(c, "ValidationException", "MaxResults is 5 to 50");
	p.max = max;
	json_each(f, filters) {
		struct str key = json_text(json_get(f, "Key"));
		if (!str_is(key, "InstanceIds") && !str_is(key, "PingStatus") &&
		    !str_starts(key, "tag:"))
			return sim_ssm_error(c, "InvalidFilterKey", "no filter " STR_FMT,
					     STR_ARG(key));
	}
	json_out_key(c->out, "InstanceInformationList");
	json_out_array(c->out);
	for (const struct sim_instance *i = sim_ec2_instances(c->s); i; i = i->next) {
		bool wanted = sim_ssm_managed(c->st, i, c->x->now);
		json_each(f, filters) {
			wanted = wanted && passes(i, f);
		}
		if (!wanted || !sim_page_take(&p))
			continue;
		json_out_object(c->out);
		json_member_cstr(c->out, "InstanceId", i->id);
		json_member_cstr(c->out, "PingStatus", i->agent_lost ? "ConnectionLost" : "Online");
		json_member_double(c->out, "LastPingDateTime", (double)c->x->now.ms / 1000);
		json_member_cstr(c->out, "AgentVersion", "3.3.1611.0");
		json_member_cstr(c->out, "PlatformType", "Linux");
		json_member_cstr(c->out, "ResourceType", "EC2Instance");
		json_member_cstr(c->out, "IPAddress", i->ip);
		json_out_end(c->out);
	}
	json_out_end(c->out);
	if (p.seen > p.skip + p.max)
		json_member_str(
			c->out, "NextToken",
			str_from(arena_printf(c->x->arena, "%lld", (long long)(p.skip + p.max))));
	return 0;
}

/* --- parameters ---------------------------------------------------------------------------- */

bool sim_ssm_parameter(struct sim *s, struct str name, char *value, size_t size)
{
	const struct sim_ssm_param *p = sim_param_find(sim_state(s, &sim_ssm), name);
	return p && str_copy(value, size, str_from(p->value));
}

static void write_param(struct json_out *o, const struct sim_ssm_param *p)
{
	json_member_cstr(o, "Name", p->name);
	json_member_cstr(o, "Type", p->type);
	json_member_cstr(o, "Value", p->value);
	json_member_i64(o, "Version", p->version);
	json_member_double(o, "LastModifiedDate", (double)p->modified.ms / 1000);
	json_member_cstr(o, "DataType", "text");
}

static int get_parameter(struct sim_ssm_call *c)
{
	const struct sim_ssm_param *p = sim_param_find(c->st, sim_ssm_arg(c, "Name"));
	if (!p)
		return sim_ssm_error(c, "ParameterNotFound", "The parameter could not be found.");
	json_out_key(c->out, "Parameter");
	json_out_object(c->out);
	write_param(c->out, p);
	json_out_end(c->out);
	return 0;
}

static int put_parameter(struct sim_ssm_call *c)
{
	struct str name = sim_ssm_arg(c, "Name"), value = sim_ssm_arg(c, "Value"),
		   type = sim_ssm_arg(c, "Type");
	bool overwrite = json_bool(json_get(c->x->json, "Overwrite"), false);
	if (!name.n || name.n > 255 || !value.n || value.n > 4096)
		return sim_ssm_error(c, "ValidationException", "Name and Value are required");
	if (sim_param_find(c->st, name) && !overwrite)
		return sim_ssm_error(c, "ParameterAlreadyExists",
				     "The parameter already exists. To overwrite this value, set "
				     "the overwrite option in the request to true.");
	sim_param_put(c->st, name, value, type, c->x->now);
	json_member_i64(c->out, "Version", sim_param_find(c->st, name)->version);
	json_member_cstr(c->out, "Tier", "Standard");
	return 0;
}

/* --- the service --------------------------------------------------------------------------- */

static void *create(struct sim *s)
{
	struct sim_ssm_state *st = xcalloc(1, sizeof(*st));
	(void)s;
	st->agent_ms = 5000;
	st->pending_ms = 2000;
	st->run_ms = 10000;
	st->visible_ms = 2000;
	st->outcome = SIM_SSM_SUCCESS;
	return st;
}

static void destroy(void *state)
{
	struct sim_ssm_state *st = state;
	if (!st)
		return;
	while (st->commands) {
		struct sim_command *c = st->commands;
		st->commands = c->next;
		sim_command_free(c);
	}
	while (st->params) {
		struct sim_ssm_param *p = st->params;
		st->params = p->next;
		free(p->value);
		free(p);
	}
	free(st);
}

static void advance(struct sim *s, void *state, struct utc now)
{
	struct sim_ssm_state *st = state;
	for (struct sim_command *c = st->commands; c; c = c->next)
		sim_command_step(s, st, c, now);
}

struct str sim_ssm_arg(const struct sim_ssm_call *c, const char *key)
{
	return json_text(json_get(c->x->json, key));
}

int sim_ssm_error(const struct sim_ssm_call *c, const char *code, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sim_reply_error(c->x, SIM_WIRE_JSON, 400, code, "%s", text);
	return -1;
}

/* The first member that the operation does not have, or "". */
static struct str unknown_member(const struct json *in, const char *known)
{
	json_each(m, in) {
		struct str rest = str_from(known), one;
		bool is = false;
		while (!is && str_next(&rest, ' ', &one))
			is = str_eq(one, m->key);
		if (!is)
			return m->key;
	}
	return STR("");
}

static void handle(struct sim *s, void *state, const struct sim_exchange *x)
{
	static const struct {
		const char *name;
		int (*run)(struct sim_ssm_call *c);
		const char *known;
	} operations[] = {
		{"SendCommand", sim_send_command,
		 "InstanceIds Targets DocumentName DocumentVersion DocumentHash DocumentHashType "
		 "TimeoutSeconds Comment Parameters OutputS3Region OutputS3BucketName "
		 "OutputS3KeyPrefix MaxConcurrency MaxErrors ServiceRoleArn NotificationConfig "
		 "CloudWatchOutputConfig AlarmConfiguration"},
		{"GetCommandInvocation", sim_get_invocation, "CommandId InstanceId PluginName"},
		{"ListCommandInvocations", sim_list_invocations,
		 "CommandId InstanceId MaxResults NextToken Filters Details"},
		{"ListCommands", sim_list_commands,
		 "CommandId InstanceId MaxResults NextToken Filters"},
		{"CancelCommand", sim_cancel_command, "CommandId InstanceIds"},
		{"DescribeInstanceInformation", describe_agents, "Filters MaxResults NextToken"},
		{"GetParameter", get_parameter, "Name WithDecryption"},
		{"PutParameter", put_parameter,
		 "Name Description Value Type KeyId Overwrite AllowedPattern Tags Tier Policies "
		 "DataType"},
	};
	struct json_out o;
	struct buf b;
	struct sim_ssm_call c = {.s = s, .st = state, .x = x, .out = &o};
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		struct str odd;
		if (strcmp(x->operation, operations[i].name) != 0)
			continue;
		odd = unknown_member(x->json, operations[i].known);
		if (odd.n) {
			(void)sim_ssm_error(&c, "ValidationException",
					    "the model has no member " STR_FMT, STR_ARG(odd));
			return;
		}
		buf_init(&b, 8u << 20);
		json_out_init(&o, &b);
		json_out_object(&o);
		if (operations[i].run(&c) == 0) {
			json_out_end(&o);
			sim_reply_json(x, 200, buf_str(&b));
		}
		buf_release(&b);
		return;
	}
	(void)sim_ssm_error(&c, "UnknownOperationException", "the simulator has no operation %.64s",
			    x->operation);
}

const struct sim_service sim_ssm = {
	.name = "ssm",
	.create = create,
	.destroy = destroy,
	.advance = advance,
	.handle = handle,
	.control = sim_ssm_control,
};
