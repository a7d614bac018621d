#include "aws/ecs.h"

#include <string.h>

#include "aws/answer.h"
#include "aws/ecs_wire.h"

/*
 * The common part of ECS, task definitions and tasks. Task definitions are worked on as trees, so
 * that members nobody knew when this was written survive.
 */

const struct aws_service ecs_service = {
	.id = "ECS",
	.endpoint_prefix = "ecs",
	.signing_name = "ecs",
	.target_prefix = "AmazonEC2ContainerServiceV20141113",
	.api_version = "2014-11-13",
	.protocol = AWS_JSON_1_1,
	.double_encode = true,
};

/* --- calls and answers ------------------------------------------------------------------------ */

int ecs_call(const struct aws_client *c, const char *operation, struct buf *body, bool resend_safe,
	     struct arena *a, struct aws_response *res, struct err *err)
{
	struct aws_request r = {
		.service = &ecs_service, .operation = operation, .resend_safe = resend_safe};
	int ret = buf_check(body, "request", err);

	r.body = buf_str(body);
	if (ret)
		err_wrap(err, "ECS.%s", operation);
	else
		ret = aws_call(c, &r, a, res, err);
	buf_release(body);
	return ret;
}

int ecs_one_of(const struct json *answer, const char *operation, const char *list,
	       const char *wanted, const struct json **out, struct err *err)
{
	const struct json *found = json_get(answer, list);
	const struct json *failures = json_get(answer, "failures");
	const char *reason, *detail;

	*out = found && found->type == JSON_ARRAY ? found->first : NULL;
	if (*out)
		return 0;
	if (!failures || failures->type != JSON_ARRAY || !failures->first)
		return err_set(err, ERR_MALFORMED, "ECS.%s: the answer lacks %.200s", operation,
			       wanted);
	reason = aws_json_text(failures->first, "reason");
	detail = aws_json_text(failures->first, "detail");
	return err_set(err, reason && !strcmp(reason, "MISSING") ? ERR_NOT_FOUND : ERR_UNAVAILABLE,
		       "ECS.%s: %.200s: %.100s%s%.200s", operation, wanted,
		       reason ? reason : "failed without a reason", detail ? ": " : "",
		       detail ? detail : "");
}

int64_t ecs_number(const struct json *object, const char *key)
{
	int64_t n = 0;

	/* ECS counts in 32 bits; what does not fit there is none of its numbers */
	return json_i64(json_get(object, key), &n) && n >= 0 && n <= INT32_MAX ? n : 0;
}

/* --- tags ------------------------------------------------------------------------------------- */

const char *ecs_tag_get(const struct ecs_tag *tags, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(tags[i].key, key))
			return tags[i].value;
	return NULL;
}

const struct ecs_tag *ecs_read_tags(const struct json *list, struct arena *a, size_t *n)
{
	struct ecs_tag *tags;

	*n = 0;
	if (!list || list->type != JSON_ARRAY)
		return NULL;
	tags = arena_array(a, struct ecs_tag, list->n);
	json_each(tag, list) {
		const char *key = aws_json_text(tag, "key"), *value = aws_json_text(tag, "value");

		if (key)
			tags[(*n)++] = (struct ecs_tag){.key = key, .value = value ? value : ""};
	}
	return tags;
}

static void write_tag(struct json_out *o, const char *key, const char *value)
{
	json_out_object(o);
	json_member_cstr(o, "key", key);
	json_member_str(o, "value", str_from(value));
	json_out_end(o);
}

/* Tags of aws: are AWS's own; nobody else may write them. */
static bool is_ours_to_write(struct str key, const struct ecs_tag *more, size_t n)
{
	if (!key.n || str_is_nocase(str_sub(key, 0, 4), "aws:"))
		return false;
	for (size_t i = 0; i < n; i++)
		if (str_is(key, more[i].key))
			return false;
	return true;
}

void ecs_write_tags(struct json_out *o, const struct json *list, const struct ecs_tag *more,
		    size_t n)
{
	size_t count = n;

	json_each(tag, list)
		count += is_ours_to_write(json_text(json_get(tag, "key")), more, n);
	if (!count)
		return;
	json_out_key(o, "tags");
	json_out_array(o);
	json_each(tag, list) {
		struct str value = json_text(json_get(tag, "value"));

		if (is_ours_to_write(json_text(json_get(tag, "key")), more, n))
			write_tag(o, json_cstr(json_get(tag, "key")), value.n ? value.p : "");
	}
	for (size_t i = 0; i < n; i++)
		write_tag(o, more[i].key, more[i].value);
	json_out_end(o);
}

int ecs_tag_resource(const struct aws_client *c, const char *arn, const struct ecs_tag *tags,
		     size_t n, struct arena *a, struct err *err)
{
	struct aws_response res;
	struct json_out o;
	struct buf body;

	buf_init(&body, ECS_REQUEST_MAX);
	json_out_init(&o, &body);
	json_out_object(&o);
	json_member_cstr(&o, "resourceArn", arn);
	ecs_write_tags(&o, NULL, tags, n);
	json_out_end(&o);
	return ecs_call(c, "TagResource", &body, true, a, &res, err);
}

/* --- task definitions ------------------------------------------------------------------------- */

bool ecs_task_definition_is_read_only(struct str member)
{
	static const char *const list[] = {
		"taskDefinitionArn",  "revision",	 "status",
		"requiresAttributes", "compatibilities", "registeredAt",
		"registeredBy",	      "deregisteredAt",	 "deleteRequestedAt"};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (str_is(member, list[i]))
			return true;
	return false;
}

static int read_definition(const char *operation, const struct json *answer, struct arena *a,
			   struct ecs_task_definition *out, struct err *err)
{
	const struct json *d = json_get(answer, "taskDefinition");

	*out = (struct ecs_task_definition){
		.arn = aws_json_text(d, "taskDefinitionArn"),
		.family = aws_json_text(d, "family"),
		.revision = ecs_number(d, "revision"),
		.status = aws_json_text(d, "status"),
		.network_mode = aws_json_text(d, "networkMode"),
		.task_role_arn = aws_json_text(d, "taskRoleArn"),
		.execution_role_arn = aws_json_text(d, "executionRoleArn"),
		.raw = d,
	};
	out->tags = ecs_read_tags(json_get(answer, "tags"), a, &out->n_tags);
	if (!out->arn || !out->family)
		return err_set(err, ERR_MALFORMED,
			       "ECS.%s: the answer describes no task definition", operation);
	return 0;
}

/*
 * A task definition that is not there is a ClientException, like much else; its text is the only
 * thing that tells.
 */
static void recognise_missing(struct err *err)
{
	if (err->code == ERR_REJECTED && !strcmp(err->aws, "ClientException") &&
	    strstr(err->text, "Unable to describe task definition"))
		err->code = ERR_NOT_FOUND;
}

int ecs_describe_task_definition(const struct aws_client *c, const char *definition,
				 struct arena *a, struct ecs_task_definition *out, struct err *err)
{
	static const char operation[] = "DescribeTaskDefinition";
	struct aws_response res;
	struct json_out o;
	struct buf body;

	buf_init(&body, ECS_REQUEST_MAX);
	json_out_init(&o, &body);
	json_out_object(&o);
	json_member_cstr(&o, "taskDefinition", definition);
	json_out_key(&o, "include");
	json_out_array(&o);
	json_out_cstr(&o, "TAGS");
	json_out_end(&o);
	json_out_end(&o);
	if (ecs_call(c, operation, &body, true, a, &res, err)) {
		recognise_missing(err);
		return -1;
	}
	return read_definition(operation, res.json, a, out, err);
}

int ecs_register_task_definition(const struct aws_client *c, const struct json *definition,
				 const struct ecs_tag *tags, size_t n_tags, struct arena *a,
				 struct ecs_task_definition *out, struct err *err)
{
	static const char operation[] = "RegisterTaskDefinition";
	struct aws_response res;
	struct json_out o;
	struct buf body;

	buf_init(&body, ECS_REQUEST_MAX);
	json_out_init(&o, &body);
	json_out_object(&o);
	json_each(member, definition) {
		if (member->type == JSON_NULL || str_is(member->key, "tags") ||
		    ecs_task_definition_is_read_only(member->key))
			continue;
		json_out_key(&o, member->key.p);
		json_out_node(&o, member);
	}
	ecs_write_tags(&o, json_get(definition, "tags"), tags, n_tags);
	json_out_end(&o);
	if (ecs_call(c, operation, &body, false, a, &res, err))
		return -1;
	if (read_definition(operation, res.json, a, out, err)) {
		err->sent = true;
		return -1;
	}
	return 0;
}

int ecs_deregister_task_definition(const struct aws_client *c, const char *definition,
				   struct arena *a, struct err *err)
{
	struct err e = ERR_INIT;
	struct aws_response res;
	struct json_out o;
	struct buf body;

	buf_init(&body, ECS_REQUEST_MAX);
	json_out_init(&o, &body);
	json_out_object(&o);
	json_member_cstr(&o, "taskDefinition", definition);
	json_out_end(&o);
	if (ecs_call(c, "DeregisterTaskDefinition", &body, true, a, &res, &e) == 0)
		return 0;
	recognise_missing(&e);
	if (e.code == ERR_NOT_FOUND || strstr(e.text, "does not exist") ||
	    strstr(e.text, "inactive"))
		return 0;
	*err = e;
	return -1;
}

/* --- tasks ------------------------------------------------------------------------------------ */

static void read_task(const struct json *node, struct ecs_task *out)
{
	*out = (struct ecs_task){
		.arn = aws_json_text(node, "taskArn"),
		.task_definition = aws_json_text(node, "taskDefinitionArn"),
		.last_status = aws_json_text(node, "lastStatus"),
		.health_status = aws_json_text(node, "healthStatus"),
		.stop_code = aws_json_text(node, "stopCode"),
		.stopped_reason = aws_json_text(node, "stoppedReason"),
	};
	json_each(container, json_get(node, "containers")) {
		if (!out->container_reason)
			out->container_reason = aws_json_text(container, "reason");
		if (!out->has_exit_code)
			out->has_exit_code =
				json_i64(json_get(container, "exitCode"), &out->exit_code);
	}
}

static int list_tasks(const struct aws_client *c, const char *cluster, const char *service,
		      const char *desired_status, struct arena *a, const struct json **arns,
		      struct err *err)
{
	struct aws_response res;
	struct json_out o;
	struct buf body;

	buf_init(&body, ECS_REQUEST_MAX);
	json_out_init(&o, &body);
	json_out_object(&o);
	json_member_cstr(&o, "cluster", cluster);
	json_member_cstr(&o, "serviceName", service);
	json_member_cstr(&o, "desiredStatus", desired_status);
	json_out_end(&o);
	if (ecs_call(c, "ListTasks", &body, true, a, &res, err))
		return -1;
	*arns = json_get(res.json, "taskArns");
	if (!*arns || (*arns)->type != JSON_ARRAY)
		return err_set(err, ERR_MALFORMED, "ECS.ListTasks: the answer has no list");
	return 0;
}

int ecs_describe_tasks(const struct aws_client *c, const char *cluster, const char *service,
		       const char *desired_status, struct arena *a, struct ecs_task **out,
		       size_t *n, struct err *err)
{
	const struct json *arns, *tasks;
	struct aws_response res;
	struct json_out o;
	struct buf body;

	*n = 0;
	*out = NULL;
	if (list_tasks(c, cluster, service, desired_status, a, &arns, err))
		return -1;
	if (!arns->n)
		return 0;
	buf_init(&body, ECS_REQUEST_MAX);
	json_out_init(&o, &body);
	json_out_object(&o);
	json_member_cstr(&o, "cluster", cluster);
	json_out_key(&o, "tasks");
	json_out_node(&o, arns);
	json_out_end(&o);
	if (ecs_call(c, "DescribeTasks", &body, true, a, &res, err))
		return -1;
	/* tasks that ended meanwhile are among the failures: no matter */
	tasks = json_get(res.json, "tasks");
	if (!tasks || tasks->type != JSON_ARRAY)
		return err_set(err, ERR_MALFORMED, "ECS.DescribeTasks: the answer has no list");
	*out = arena_array(a, struct ecs_task, tasks->n);
	json_each(task, tasks)
		read_task(task, &(*out)[(*n)++]);
	return 0;
}
