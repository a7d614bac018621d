#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim_ssm.h"

/* Commands: sent, listed, read on one instance, cancelled. */

static struct sim_command *find(const struct sim_ssm_call *c, struct str id)
{
	struct sim_command *cmd = c->st->commands;
	while (cmd && !str_is(id, cmd->id))
		cmd = cmd->next;
	return cmd;
}

/* --- sending ------------------------------------------------------------------------------- */

static int check_document(struct sim_ssm_call *c)
{
	const struct json *p = json_get(c->x->json, "Parameters");
	struct str name = sim_ssm_arg(c, "DocumentName");
	if (!name.n || name.n > 128)
		return sim_ssm_error(c, "ValidationException", "DocumentName is required");
	if (!str_is(name, "AWS-RunShellScript"))
		return sim_ssm_error(c, "InvalidDocument",
				     "document " STR_FMT " is not one the simulator has",
				     STR_ARG(name));
	json_each(m, p) {
		if (!str_is(m->key, "commands") && !str_is(m->key, "workingDirectory") &&
		    !str_is(m->key, "executionTimeout"))
			return sim_ssm_error(c, "InvalidParameters",
					     "Parameter " STR_FMT " not defined in the document.",
					     STR_ARG(m->key));
		if (m->type != JSON_ARRAY)
			return sim_ssm_error(c, "InvalidParameters", STR_FMT " is a list of texts",
					     STR_ARG(m->key));
	}
	if (!json_get(p, "commands") || !json_get(p, "commands")->n)
		return sim_ssm_error(c, "InvalidParameters", "commands is required");
	return 0;
}

static int check_limits(struct sim_ssm_call *c, int64_t *timeout)
{
	const struct json *t = json_get(c->x->json, "TimeoutSeconds");
	*timeout = 3600;
	if (t && (!json_i64(t, timeout) || *timeout < 30 || *timeout > 2592000))
		return sim_ssm_error(c, "ValidationException",
				     "TimeoutSeconds must be 30 to 2592000");
	if (sim_ssm_arg(c, "Comment").n > 100)
		return sim_ssm_error(c, "ValidationException",
				     "Comment must be at most 100 characters");
	if (sim_ssm_arg(c, "MaxConcurrency").n > 7 || sim_ssm_arg(c, "MaxErrors").n > 7)
		return sim_ssm_error(c, "ValidationException", "at most 7 characters");
	return 0;
}

static int check_targets(struct sim_ssm_call *c)
{
	const struct json *ids = json_get(c->x->json, "InstanceIds"),
			  *targets = json_get(c->x->json, "Targets");
	bool by_id = ids && ids->n, by_target = targets && targets->n;
	if (by_id == by_target)
		return sim_ssm_error(c, "ValidationException",
				     "Either InstanceIds or Targets is required");
	if ((by_id && ids->n > 50) || (by_target && targets->n > 5))
		return sim_ssm_error(c, "ValidationException",
				     "at most 50 InstanceIds, or 5 Targets");
	json_each(e, ids) {
		const struct sim_instance *i = sim_ec2_instance(c->s, json_text(e));
		if (!i || !sim_ssm_managed(c->st, i, c->x->now))
			return sim_ssm_error(c, "InvalidInstanceId",
					     "Instances [[" STR_FMT
					     "]] not in a valid state for account " SIM_ACCOUNT,
					     STR_ARG(json_text(e)));
		for (const struct json *other = e->next; other; other = other->next)
			if (str_eq(json_text(other), json_text(e)))
				return sim_ssm_error(c, "DuplicateInstanceId",
						     STR_FMT " is named twice",
						     STR_ARG(json_text(e)));
	}
	return 0;
}

static char *node_text(const struct json *node)
{
	struct json_out o;
	struct buf b;
	buf_init(&b, 1u << 20);
	json_out_init(&o, &b);
	json_out_node(&o, node);
	return buf_take(&b);
}

static char *script_of(const struct json *parameters)
{
	struct buf b;
	buf_init(&b, 1u << 20);
	json_each(line, json_get(parameters, "commands")) {
		buf_add_str(&b, json_text(line));
		buf_addc(&b, '\n');
	}
	return buf_take(&b);
}

static void write_command(struct json_out *o, const struct sim_command *c)
{
	size_t completed = 0, errors = 0, undelivered = 0;
	for (size_t i = 0; i < c->n; i++) {
		const struct sim_invocation *v = &c->invocations[i];
		completed += v->status >= SIM_SSM_SUCCESS;
		errors += v->status == SIM_SSM_FAILED || v->status == SIM_SSM_TIMED_OUT;
		undelivered += strcmp(v->details, "DeliveryTimedOut") == 0;
	}
	json_out_object(o);
	json_member_cstr(o, "CommandId", c->id);
	json_member_cstr(o, "DocumentName", c->document);
	json_member_cstr(o, "DocumentVersion", "$DEFAULT");
	json_member_cstr(o, "Comment", c->comment);
	json_member_double(o, "RequestedDateTime", (double)c->requested.ms / 1000);
	json_member_cstr(o, "Status", sim_ssm_status_name(sim_command_status(c)));
	json_member_cstr(o, "StatusDetails", sim_ssm_status_name(sim_command_status(c)));
	json_member_cstr(o, "MaxConcurrency", c->max_concurrency);
	json_member_cstr(o, "MaxErrors", c->max_errors);
	json_member_i64(o, "TargetCount", (int64_t)c->n);
	json_member_i64(o, "CompletedCount", (int64_t)completed);
	json_member_i64(o, "ErrorCount", (int64_t)errors);
	json_member_i64(o, "DeliveryTimedOutCount", (int64_t)undelivered);
	json_member_i64(o, "TimeoutSeconds", c->timeout_s);
	json_out_key(o, "InstanceIds");
	json_out_array(o);
	for (size_t i = 0; !c->targets && i < c->n; i++)
		json_out_cstr(o, c->invocations[i].instance);
	json_out_end(o);
	json_out_end(o);
}

int sim_send_command(struct sim_ssm_call *c)
{
	const struct json *in = c->x->json, *p = json_get(in, "Parameters"),
			  *limit = json_get(p, "executionTimeout");
	struct str concurrency = sim_ssm_arg(c, "MaxConcurrency"),
		   errors = sim_ssm_arg(c, "MaxErrors");
	struct sim_command *cmd;
	int64_t timeout;
	if (check_document(c) || check_limits(c, &timeout) || check_targets(c))
		return -1;
	cmd = xcalloc(1, sizeof(*cmd));
	rng_uuid(sim_dice(c->s), cmd->id);
	(void)str_copy(cmd->document, sizeof(cmd->document), sim_ssm_arg(c, "DocumentName"));
	(void)str_copy(cmd->comment, sizeof(cmd->comment), sim_ssm_arg(c, "Comment"));
	(void)str_copy(cmd->max_concurrency, sizeof(cmd->max_concurrency),
		       concurrency.n ? concurrency : STR("50"));
	(void)str_copy(cmd->max_errors, sizeof(cmd->max_errors), errors.n ? errors : STR("0"));
	cmd->parameters = node_text(p);
	cmd->script = script_of(p);
	cmd->timeout_s = timeout;
	cmd->run_timeout_s = 3600;
	if (limit && limit->first)
		(void)str_parse_i64(json_text(limit->first), 1, 172800, &cmd->run_timeout_s);
	cmd->requested = c->x->now;
	if (json_get(in, "Targets"))
		cmd->targets = node_text(json_get(in, "Targets"));
	cmd->resolved = !cmd->targets;
	json_each(e, json_get(in, "InstanceIds")) {
		(void)sim_invocation_add(cmd, json_cstr(e));
	}
	cmd->next = c->st->commands;
	c->st->commands = cmd;
	json_out_key(c->out, "Command");
	write_command(c->out, cmd);
	return 0;
}

/* --- reading ------------------------------------------------------------------------------- */

static const char *output_of(const struct sim_invocation *v)
{
	return v->status == SIM_SSM_SUCCESS ? "installed\n" : "";
}

static const char *error_of(const struct sim_invocation *v)
{
	return v->status == SIM_SSM_FAILED ? "failed to run commands: exit status 1" : "";
}

static int64_t response_code(const struct sim_invocation *v)
{
	if (v->status == SIM_SSM_SUCCESS)
		return 0;
	return v->status == SIM_SSM_FAILED ? 1 : -1;
}

int sim_get_invocation(struct sim_ssm_call *c)
{
	struct str id = sim_ssm_arg(c, "InstanceId");
	const struct sim_command *cmd = find(c, sim_ssm_arg(c, "CommandId"));
	const struct sim_invocation *v = NULL;
	if (!sim_ssm_arg(c, "CommandId").n || !id.n)
		return sim_ssm_error(c, "ValidationException",
				     "CommandId and InstanceId are required");
	for (size_t i = 0; cmd && i < cmd->n; i++)
		if (str_is(id, cmd->invocations[i].instance))
			v = &cmd->invocations[i];
	if (!v || c->x->now.ms < cmd->requested.ms + c->st->visible_ms)
		return sim_ssm_error(
			c, "InvocationDoesNotExist",
			"The command ID and instance ID you specified did not match any "
			"invocations.");
	json_member_cstr(c->out, "CommandId", cmd->id);
	json_member_cstr(c->out, "InstanceId", v->instance);
	json_member_cstr(c->out, "Comment", cmd->comment);
	json_member_cstr(c->out, "DocumentName", cmd->document);
	json_member_cstr(c->out, "PluginName", "aws:runShellScript");
	json_member_i64(c->out, "ResponseCode", response_code(v));
	json_member_cstr(c->out, "Status", sim_ssm_status_name(v->status));
	json_member_cstr(c->out, "StatusDetails", v->details);
	json_member_str(c->out, "StandardOutputContent", str_from(output_of(v)));
	json_member_str(c->out, "StandardErrorContent", str_from(error_of(v)));
	return 0;
}

static int page(const struct sim_ssm_call *c, struct sim_page *p)
{
	const struct json *max = json_get(c->x->json, "MaxResults");
	struct str token = sim_ssm_arg(c, "NextToken");
	*p = (struct sim_page){.max = 50};
	if (max && (!json_i64(max, &p->max) || p->max < 1 || p->max > 50))
		return sim_ssm_error(c, "ValidationException", "MaxResults must be 1 to 50");
	if (token.n && !str_parse_i64(token, 1, INT32_MAX, &p->skip))
		return sim_ssm_error(c, "InvalidNextToken", "The token is not valid");
	json_each(f, json_get(c->x->json, "Filters")) {
		struct str key = json_text(json_get(f, "key")),
			   value = json_text(json_get(f, "value"));
		bool by_time = str_is(key, "InvokedAfter") || str_is(key, "InvokedBefore");
		struct utc t;
		if (!by_time && !str_is(key, "Status"))
			return sim_ssm_error(c, "InvalidFilterKey", "no filter " STR_FMT,
					     STR_ARG(key));
		if (by_time && !utc_parse_iso(value, &t))
			return sim_ssm_error(c, "ValidationException", STR_FMT " is no time",
					     STR_ARG(value));
	}
	return 0;
}

/* Does a command, or one of its invocations, pass the filters? */
static bool passes(const struct sim_ssm_call *c, const struct sim_command *cmd,
		   enum sim_ssm_status status)
{
	json_each(f, json_get(c->x->json, "Filters")) {
		struct str key = json_text(json_get(f, "key")),
			   value = json_text(json_get(f, "value"));
		struct utc t = {0};
		(void)utc_parse_iso(value, &t);
		if ((str_is(key, "InvokedAfter") && cmd->requested.ms <= t.ms) ||
		    (str_is(key, "InvokedBefore") && cmd->requested.ms >= t.ms) ||
		    (str_is(key, "Status") && !str_is(value, sim_ssm_status_name(status))))
			return false;
	}
	return true;
}

static void page_end(const struct sim_ssm_call *c, const struct sim_page *p)
{
	if (p->seen > p->skip + p->max)
		json_member_cstr(c->out, "NextToken",
				 arena_printf(c->x->arena, "%lld", (long long)(p->skip + p->max)));
}

static void write_plugin(struct json_out *o, const struct sim_invocation *v)
{
	json_out_key(o, "CommandPlugins");
	json_out_array(o);
	json_out_object(o);
	json_member_cstr(o, "Name", "aws:runShellScript");
	json_member_cstr(o, "Status", sim_ssm_status_name(v->status));
	json_member_cstr(o, "StatusDetails", v->details);
	json_member_i64(o, "ResponseCode", response_code(v));
	json_member_str(o, "Output",
			str_from(v->status == SIM_SSM_FAILED ? error_of(v) : output_of(v)));
	json_out_end(o);
	json_out_end(o);
}

int sim_list_invocations(struct sim_ssm_call *c)
{
	struct str id = sim_ssm_arg(c, "CommandId"), instance = sim_ssm_arg(c, "InstanceId");
	bool details = json_bool(json_get(c->x->json, "Details"), false);
	struct sim_page p;
	if (id.n && !find(c, id))
		return sim_ssm_error(c, "InvalidCommandId",
				     "The command ID is not valid or does not exist.");
	if (page(c, &p))
		return -1;
	json_out_key(c->out, "CommandInvocations");
	json_out_array(c->out);
	for (const struct sim_command *cmd = c->st->commands; cmd; cmd = cmd->next) {
		bool visible = c->x->now.ms >= cmd->requested.ms + c->st->visible_ms;
		for (size_t i = 0; visible && (!id.n || str_is(id, cmd->id)) && i < cmd->n; i++) {
			const struct sim_invocation *v = &cmd->invocations[i];
			if ((instance.n && !str_is(instance, v->instance)) ||
			    !passes(c, cmd, v->status) || !sim_page_take(&p))
				continue;
			json_out_object(c->out);
			json_member_cstr(c->out, "CommandId", cmd->id);
			json_member_cstr(c->out, "InstanceId", v->instance);
			json_member_cstr(c->out, "Comment", cmd->comment);
			json_member_cstr(c->out, "DocumentName", cmd->document);
			json_member_double(c->out, "RequestedDateTime",
					   (double)cmd->requested.ms / 1000);
			json_member_cstr(c->out, "Status", sim_ssm_status_name(v->status));
			json_member_cstr(c->out, "StatusDetails", v->details);
			if (details)
				write_plugin(c->out, v);
			json_out_end(c->out);
		}
	}
	json_out_end(c->out);
	page_end(c, &p);
	return 0;
}

int sim_list_commands(struct sim_ssm_call *c)
{
	struct str id = sim_ssm_arg(c, "CommandId"), instance = sim_ssm_arg(c, "InstanceId");
	struct sim_page p;
	if (page(c, &p))
		return -1;
	json_out_key(c->out, "Commands");
	json_out_array(c->out);
	for (const struct sim_command *cmd = c->st->commands; cmd; cmd = cmd->next) {
		bool wanted = !id.n || str_is(id, cmd->id), on = !instance.n;
		for (size_t i = 0; i < cmd->n; i++)
			on |= str_is(instance, cmd->invocations[i].instance);
		if (wanted && on && passes(c, cmd, sim_command_status(cmd)) && sim_page_take(&p))
			write_command(c->out, cmd);
	}
	json_out_end(c->out);
	page_end(c, &p);
	return 0;
}

int sim_cancel_command(struct sim_ssm_call *c)
{
	struct sim_command *cmd = find(c, sim_ssm_arg(c, "CommandId"));
	if (!cmd)
		return sim_ssm_error(c, "InvalidCommandId",
				     "The command ID is not valid or does not exist.");
	cmd->cancelled = true; /* scripts that run may still finish */
	return 0;
}
