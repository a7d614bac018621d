#include "aws/ssm.h"

#include <string.h>

#include "aws/answer.h"
#include "aws/core/clock.h"

#define REQUEST_MAX (512u << 10) /* a script, every byte of it escaped */
#define INVOCATIONS_PER_PAGE 50

const struct aws_service ssm_service = {
	.id = "SSM",
	.endpoint_prefix = "ssm",
	.signing_name = "ssm",
	.target_prefix = "AmazonSSM",
	.protocol = AWS_JSON_1_1,
	.double_encode = true,
};

static int call(const struct aws_client *c, const char *operation, const struct buf *body,
		bool resend_safe, struct arena *a, const struct json **root, struct err *err)
{
	struct aws_request r = {
		.service = &ssm_service, .operation = operation, .resend_safe = resend_safe};
	struct aws_response res;

	if (buf_check(body, "request", err))
		return err_wrap(err, "SSM.%s", operation);
	r.body = buf_str(body);
	if (aws_call(c, &r, a, &res, err))
		return -1;
	*root = res.json;
	return 0;
}

/* --- sending --------------------------------------------------------------------------------- */

static int check(const struct ssm_command *cmd, struct err *err)
{
	if (cmd->n_instances == 0 || cmd->n_instances > SSM_TARGETS_MAX)
		return err_set(err, ERR_REJECTED,
			       "SSM.SendCommand: %zu instances; 1 to %d can be asked",
			       cmd->n_instances, SSM_TARGETS_MAX);
	if (str_trim(cmd->script).n == 0)
		return err_set(err, ERR_REJECTED, "SSM.SendCommand: the script is empty");
	if (cmd->script.n > SSM_SCRIPT_MAX)
		return err_set(err, ERR_LIMIT, "SSM.SendCommand: a script of %zu bytes, at most %d",
			       cmd->script.n, SSM_SCRIPT_MAX);
	return 0;
}

static void add_list(struct json_out *o, const char *key, struct str item)
{
	json_out_key(o, key);
	json_out_array(o);
	json_out_str(o, item);
	json_out_end(o);
}

/* The script is one item of the list: the document puts the items together as lines. */
static void format(struct buf *b, const struct ssm_command *cmd, struct arena *a)
{
	struct json_out o;

	json_out_init(&o, b);
	json_out_object(&o);
	json_member_cstr(&o, "DocumentName", "AWS-RunShellScript");
	json_out_key(&o, "InstanceIds");
	json_out_array(&o);
	for (size_t i = 0; i < cmd->n_instances; i++)
		json_out_cstr(&o, cmd->instances[i]);
	json_out_end(&o);
	json_member_cstr(&o, "Comment", cmd->comment);
	json_member_i64(&o, "TimeoutSeconds", cmd->delivery_s);
	json_member_cstr(&o, "MaxConcurrency", "100%");
	json_member_cstr(&o, "MaxErrors", "0");
	json_out_key(&o, "Parameters");
	json_out_object(&o);
	add_list(&o, "commands", cmd->script);
	add_list(&o, "executionTimeout",
		 str_from(arena_printf(a, "%lld", (long long)cmd->execution_s)));
	json_out_end(&o);
	json_out_end(&o);
}

int ssm_send_command(const struct aws_client *c, const struct ssm_command *cmd, struct arena *a,
		     const char **id, struct err *err)
{
	static const char op[] = "SendCommand";
	const struct json *root = NULL, *command;
	int64_t targets = 0;
	struct buf b;
	int ret;

	if (check(cmd, err))
		return -1;
	buf_init(&b, REQUEST_MAX);
	format(&b, cmd, a);
	ret = call(c, op, &b, false, a, &root, err);
	buf_release(&b);
	if (ret)
		return -1;
	command = json_get(root, "Command");
	*id = aws_json_text(command, "CommandId");
	if (!*id) {
		err_set(err, ERR_MALFORMED, "SSM.%s: the answer has no command", op);
		err->sent = true;
		return -1;
	}
	if (json_i64(json_get(command, "TargetCount"), &targets) && targets == 0)
		return err_set(err, ERR_REJECTED, "SSM.%s: command %.60s has no target", op, *id);
	return 0;
}

/* --- looking --------------------------------------------------------------------------------- */

static enum ssm_status status_of(struct str s)
{
	if (str_is(s, "Success"))
		return SSM_SUCCESS;
	if (str_is(s, "Failed") || str_is(s, "TimedOut") || str_is(s, "Cancelled"))
		return SSM_FAILED;
	return SSM_RUNNING;
}

static int read_invocation(const struct json *node, struct ssm_invocation *out, struct err *err)
{
	struct utc at = {0};

	(void)aws_json_time(json_get(node, "RequestedDateTime"), &at);
	*out = (struct ssm_invocation){
		.command = aws_json_text(node, "CommandId"),
		.instance = aws_json_text(node, "InstanceId"),
		.comment = aws_json_text(node, "Comment"),
		.status = status_of(json_text(json_get(node, "Status"))),
		.details = aws_json_text(node, "StatusDetails"),
		.requested_ms = at.ms,
	};
	if (!out->command || !out->instance)
		return err_set(err, ERR_MALFORMED, "an invocation has no command or no instance");
	if (!out->details)
		out->details = aws_json_text(node, "Status");
	if (!out->details)
		out->details = "unknown";
	return 0;
}

static void format_list(struct buf *b, struct utc since, const char *token)
{
	char at[UTC_ISO_SIZE];
	struct json_out o;

	utc_format_iso(since, at);
	json_out_init(&o, b);
	json_out_object(&o);
	json_out_key(&o, "Filters");
	json_out_array(&o);
	json_out_object(&o);
	json_member_cstr(&o, "key", "InvokedAfter");
	json_member_cstr(&o, "value", at);
	json_out_end(&o);
	json_out_end(&o);
	json_member_i64(&o, "MaxResults", INVOCATIONS_PER_PAGE);
	json_member_cstr(&o, "NextToken", token);
	json_out_end(&o);
}

int ssm_list_invocations(const struct aws_client *c, struct utc since, struct arena *a,
			 struct ssm_invocation **out, size_t *n, struct err *err)
{
	static const char op[] = "ListCommandInvocations";
	struct ssm_invocation *all = NULL;
	const char *token = NULL;
	size_t cap = 0;

	*n = 0;
	for (int page = 0; page < AWS_PAGES_MAX; page++) {
		const struct json *root = NULL, *list;
		struct buf b;
		int ret;

		buf_init(&b, REQUEST_MAX);
		format_list(&b, since, token);
		ret = call(c, op, &b, true, a, &root, err);
		buf_release(&b);
		if (ret)
			return -1;
		list = json_get(root, "CommandInvocations");
		if (!list || list->type != JSON_ARRAY)
			return err_set(err, ERR_MALFORMED, "SSM.%s: the answer has no list", op);
		json_each(node, list) {
			all = aws_grow(a, all, *n, &cap, sizeof(*all));
			if (read_invocation(node, &all[*n], err))
				return err_wrap(err, "SSM.%s", op);
			(*n)++;
		}
		*out = all;
		token = aws_json_text(root, "NextToken");
		if (!token)
			return 0;
	}
	return err_set(err, ERR_LIMIT, "SSM.%s: more than %d pages", op, AWS_PAGES_MAX);
}

static void format_ids(struct buf *b, const char *const *instances, size_t n, const char *token)
{
	struct json_out o;

	json_out_init(&o, b);
	json_out_object(&o);
	json_out_key(&o, "Filters");
	json_out_array(&o);
	json_out_object(&o);
	json_member_cstr(&o, "Key", "InstanceIds");
	json_out_key(&o, "Values");
	json_out_array(&o);
	for (size_t i = 0; i < n; i++)
		json_out_cstr(&o, instances[i]);
	json_out_end(&o);
	json_out_end(&o);
	json_out_end(&o);
	json_member_i64(&o, "MaxResults", SSM_TARGETS_MAX);
	json_member_cstr(&o, "NextToken", token);
	json_out_end(&o);
}

static void take_online(const struct json *list, const char *const *instances, size_t n,
			bool *online)
{
	json_each(node, list) {
		struct str id = json_text(json_get(node, "InstanceId"));

		for (size_t i = 0; i < n; i++)
			if (str_is(id, instances[i]))
				online[i] =
					str_is(json_text(json_get(node, "PingStatus")), "Online");
	}
}

int ssm_are_online(const struct aws_client *c, const char *const *instances, size_t n,
		   struct arena *a, bool *online, struct err *err)
{
	static const char op[] = "DescribeInstanceInformation";
	const char *token = NULL;

	if (n == 0 || n > SSM_TARGETS_MAX)
		return err_set(err, ERR_REJECTED, "SSM.%s: %zu instances; 1 to %d can be asked", op,
			       n, SSM_TARGETS_MAX);
	memset(online, 0, n * sizeof(*online));
	for (int page = 0; page < AWS_PAGES_MAX; page++) {
		const struct json *root = NULL, *list;
		struct buf b;
		int ret;

		buf_init(&b, REQUEST_MAX);
		format_ids(&b, instances, n, token);
		ret = call(c, op, &b, true, a, &root, err);
		buf_release(&b);
		if (ret)
			return -1;
		list = json_get(root, "InstanceInformationList");
		if (!list || list->type != JSON_ARRAY)
			return err_set(err, ERR_MALFORMED, "SSM.%s: the answer has no list", op);
		take_online(list, instances, n, online);
		token = aws_json_text(root, "NextToken");
		if (!token)
			return 0;
	}
	return err_set(err, ERR_LIMIT, "SSM.%s: more than %d pages", op, AWS_PAGES_MAX);
}
