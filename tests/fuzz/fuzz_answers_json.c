#include "tests/fuzz/support.h"

#include <string.h>

#include "aws/cloudwatch.h"
#include "aws/core/digest.h"
#include "aws/ecs.h"
#include "aws/lambda.h"
#include "aws/lambda_policy.h"
#include "aws/ssm.h"

/*
 * Answers of the services that speak JSON, through the functions that read them: Lambda, ECS,
 * CloudWatch, Systems Manager.
 *
 * Layers: aws core
 */

/* --- Lambda ----------------------------------------------------------------------------------- */

static int check_configuration(int rc, const struct lambda_configuration *c)
{
	if (rc)
		return rc;
	FUZZ_CHECK(c->state <= LAMBDA_STATE_OTHER && c->update <= LAMBDA_UPDATE_OTHER);
	FUZZ_TEXTS(c->function_name, c->function_arn, c->version, c->code_sha256, c->revision_id,
		   c->package_type, c->runtime, c->handler, c->role, c->description,
		   c->last_modified, c->dead_letter_arn, c->architecture, c->state_reason,
		   c->state_reason_code, c->update_reason, c->update_reason_code);
	return 0;
}

static int get_function(struct fuzz_aws *f, struct err *err)
{
	struct lambda_configuration c;

	return check_configuration(lambda_get_function(&f->client, "shop", NULL, f->arena, &c, err),
				   &c);
}

static int get_configuration(struct fuzz_aws *f, struct err *err)
{
	struct lambda_configuration c;

	return check_configuration(
		lambda_get_function_configuration(&f->client, "shop", "3", f->arena, &c, err), &c);
}

static int publish(struct fuzz_aws *f, struct err *err)
{
	const struct lambda_publish p = {.function = "shop"};
	struct lambda_configuration c;

	return check_configuration(lambda_publish_version(&f->client, &p, f->arena, &c, err), &c);
}

static void check_alias(const struct lambda_alias *a)
{
	FUZZ_TEXTS(a->name, a->alias_arn, a->function_version, a->description, a->revision_id);
	for (size_t i = 0; i < a->n_weights; i++) {
		FUZZ_CHECK(a->weights[i].version);
		FUZZ_CHECK(a->weights[i].weight >= 0 && a->weights[i].weight <= 1);
	}
}

static int get_alias(struct fuzz_aws *f, struct err *err)
{
	struct lambda_alias alias;

	if (lambda_get_alias(&f->client, "shop", "live", f->arena, &alias, err))
		return -1;
	check_alias(&alias);
	return 0;
}

static int list_aliases(struct fuzz_aws *f, struct err *err)
{
	struct lambda_alias *list;
	size_t n;

	if (lambda_list_aliases(&f->client, "shop", NULL, f->arena, &list, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		check_alias(&list[i]);
	return 0;
}

static int invoke(struct fuzz_aws *f, struct err *err)
{
	const struct lambda_invoke in = {.function = "shop", .resend_safe = true};
	struct lambda_invoked out;

	if (lambda_invoke(&f->client, &in, f->arena, &out, err))
		return -1;
	FUZZ_TEXTS(out.function_error, out.executed_version, out.log_tail);
	FUZZ_CHECK(!out.log_tail || str_is_utf8(str_from(out.log_tail)));
	return 0;
}

static int get_provisioned(struct fuzz_aws *f, struct err *err)
{
	struct lambda_provisioned p;

	if (lambda_get_provisioned(&f->client, "shop", "live", f->arena, &p, err))
		return -1;
	FUZZ_CHECK(p.status <= LAMBDA_PROVISIONED_OTHER);
	FUZZ_TEXTS(p.reason);
	return 0;
}

static int get_policy(struct fuzz_aws *f, struct err *err)
{
	struct lambda_statement *list;
	size_t n;

	if (lambda_get_policy(&f->client, "shop", "live", f->arena, &list, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		FUZZ_CHECK(list[i].id && (!list[i].plain || list[i].principal));
		FUZZ_TEXTS(list[i].id, list[i].principal);
	}
	return 0;
}

/* --- ECS -------------------------------------------------------------------------------------- */

static void check_tags(const struct ecs_tag *tags, size_t n)
{
	for (size_t i = 0; i < n; i++)
		FUZZ_TEXTS(tags[i].key, tags[i].value);
	ecs_tag_get(tags, n, "rollout");
}

static void check_service(const struct ecs_service *s)
{
	FUZZ_CHECK(s->controller && s->strategy && s->scheduling && s->raw);
	FUZZ_TEXTS(s->arn, s->name, s->cluster_arn, s->status, s->task_definition, s->controller,
		   s->strategy, s->scheduling, s->current_deployment, s->last_event);
	for (size_t i = 0; i < s->n_load_balancers; i++)
		FUZZ_TEXTS(s->load_balancers[i].target_group_arn,
			   s->load_balancers[i].container_name,
			   s->load_balancers[i].alternate_target_group_arn,
			   s->load_balancers[i].production_rule, s->load_balancers[i].role_arn);
	for (size_t i = 0; i < s->n_deployments; i++)
		FUZZ_TEXTS(s->deployments[i].id, s->deployments[i].status,
			   s->deployments[i].task_definition, s->deployments[i].rollout_state);
	fuzz_texts(s->n_current_revisions, s->current_revisions);
	check_tags(s->tags, s->n_tags);
	ecs_primary(s);
}

static int describe_service(struct fuzz_aws *f, struct err *err)
{
	struct ecs_service s;

	if (ecs_describe_service(&f->client, "prod", "web", f->arena, &s, err))
		return -1;
	check_service(&s);
	return 0;
}

/* What was read is sent again, changed: the request is made of the answer. */
static int update_service(struct fuzz_aws *f, struct err *err)
{
	struct ecs_deployment_configuration c = {
		.strategy = "CANARY", .percent = 5, .pause_stages = {"POST_SCALE_UP"}};
	struct ecs_service_update u = {
		.cluster = "prod", .service = "web", .desired = 2, .configuration = &c};
	struct ecs_service_create create = {.name = "web-2", .desired = 1, .client_token = "t"};
	struct ecs_service s, out;

	if (ecs_describe_service(&f->client, "prod", "web", f->arena, &s, err))
		return -1;
	c.n_pause_stages = 1;
	c.pause_timeout_minutes = 60;
	c.base = json_get(s.raw, "deploymentConfiguration");
	if (ecs_update_service(&f->client, &u, f->arena, &out, err))
		return -1;
	check_service(&out);
	create.like = &s;
	create.target_group_arn = "arn:aws:elasticloadbalancing:x";
	if (ecs_create_service(&f->client, &create, f->arena, &out, err))
		return -1;
	check_service(&out);
	return 0;
}

static void check_definition(const struct ecs_task_definition *d)
{
	FUZZ_TEXTS(d->arn, d->family, d->status, d->network_mode, d->task_role_arn,
		   d->execution_role_arn);
	check_tags(d->tags, d->n_tags);
}

static int register_definition(struct fuzz_aws *f, struct err *err)
{
	struct ecs_task_definition d, out;

	if (ecs_describe_task_definition(&f->client, "web:7", f->arena, &d, err))
		return -1;
	check_definition(&d);
	if (ecs_register_task_definition(&f->client, d.raw, d.tags, d.n_tags, f->arena, &out, err))
		return -1;
	check_definition(&out);
	return 0;
}

static int service_deployment(struct fuzz_aws *f, struct err *err)
{
	struct ecs_service_deployment d;

	if (ecs_describe_service_deployment(&f->client, "arn:aws:ecs:x", f->arena, &d, err))
		return -1;
	FUZZ_CHECK(d.status <= ECS_DEPLOYMENT_OTHER && ecs_deployment_status_name(d.status));
	for (size_t i = 0; i < d.n_hooks; i++)
		FUZZ_TEXTS(d.hooks[i].id, d.hooks[i].target_type, d.hooks[i].status);
	FUZZ_TEXTS(d.arn, d.service_arn, d.status_reason, d.stage, d.revision_arn,
		   d.rollback_reason, d.rollback_revision_arn, d.triggered_alarm);
	FUZZ_CHECK(!d.has_weight || (d.weight >= 0 && d.weight <= 100));
	return 0;
}

static int service_deployments(struct fuzz_aws *f, struct err *err)
{
	struct ecs_deployment_row *rows;
	size_t n;

	if (ecs_list_service_deployments(&f->client, "prod", "web", (struct utc){0}, 50, f->arena,
					 &rows, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		FUZZ_TEXTS(rows[i].arn, rows[i].revision_arn);
	return 0;
}

static int service_revision(struct fuzz_aws *f, struct err *err)
{
	struct ecs_service_revision r;

	if (ecs_describe_service_revision(&f->client, "arn:aws:ecs:x", f->arena, &r, err))
		return -1;
	FUZZ_TEXTS(r.arn, r.task_definition, r.target_group_arn, r.production_rule);
	return 0;
}

static int tasks(struct fuzz_aws *f, struct err *err)
{
	struct ecs_task *list;
	size_t n;

	if (ecs_describe_tasks(&f->client, "prod", "web", "STOPPED", f->arena, &list, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		FUZZ_TEXTS(list[i].arn, list[i].task_definition, list[i].last_status,
			   list[i].health_status, list[i].stop_code, list[i].stopped_reason,
			   list[i].container_reason);
	return 0;
}

/* --- CloudWatch, Systems Manager -------------------------------------------------------------- */

static int alarms(struct fuzz_aws *f, struct err *err)
{
	const char *const names[] = {"errors", "p99"};
	struct cw_alarm *list;
	size_t n;

	if (cloudwatch_describe_alarms(&f->client, names, 2, f->arena, &list, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		FUZZ_CHECK(list[i].state <= CW_STATE_OTHER && cw_alarm_state_name(list[i].state));
		FUZZ_TEXTS(list[i].name, list[i].reason, list[i].evaluation_state,
			   list[i].metric_namespace, list[i].metric_name,
			   list[i].treat_missing_data, list[i].actions_suppressed_by);
	}
	cw_alarm_find(list, n, "errors");
	return 0;
}

static int metrics(struct fuzz_aws *f, struct err *err)
{
	const struct cw_query queries[] = {{.id = "a",
					    .metric_namespace = "N",
					    .metric_name = "M",
					    .period_s = 60,
					    .stat = "Sum"},
					   {.id = "b", .expression = "a * 2", .period_s = 60}};
	const struct cw_metric_query q = {
		.queries = queries, .n = 2, .start = {FUZZ_NOW_MS - 600000}, .end = {FUZZ_NOW_MS}};
	struct cw_series *list;
	size_t n;

	if (cloudwatch_get_metric_data(&f->client, &q, f->arena, &list, &n, err))
		return -1;
	FUZZ_CHECK(n == 2);
	for (size_t i = 0; i < n; i++) {
		FUZZ_CHECK(!strcmp(list[i].id, queries[i].id) && list[i].n <= CW_POINTS_MAX);
		FUZZ_CHECK(list[i].status <= CW_STATUS_OTHER && cw_status_name(list[i].status));
		FUZZ_TEXTS(list[i].message);
		for (size_t k = 1; k < list[i].n; k++)
			FUZZ_CHECK(list[i].timestamps[k - 1].ms <= list[i].timestamps[k].ms);
		for (size_t k = 0; k < list[i].n; k++) /* not a number compares with nothing */
			FUZZ_CHECK(list[i].values[k] - list[i].values[k] == 0);
	}
	return 0;
}

static int invocations(struct fuzz_aws *f, struct err *err)
{
	struct ssm_invocation *list;
	size_t n;

	if (ssm_list_invocations(&f->client, (struct utc){FUZZ_NOW_MS - 60000}, f->arena, &list, &n,
				 err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		FUZZ_CHECK(list[i].status <= SSM_FAILED && list[i].details);
		FUZZ_TEXTS(list[i].command, list[i].instance, list[i].comment, list[i].details);
	}
	return 0;
}

static int online(struct fuzz_aws *f, struct err *err)
{
	const char *const instances[] = {"i-0123456789abcdef0", "i-0123456789abcdef1"};
	bool are[2];

	return ssm_are_online(&f->client, instances, 2, f->arena, are, err);
}

static int send_command(struct fuzz_aws *f, struct err *err)
{
	const char *const instances[] = {"i-0123456789abcdef0"};
	const struct ssm_command c = {.instances = instances,
				      .n_instances = 1,
				      .script = STR("true"),
				      .comment = "rollout",
				      .delivery_s = 60,
				      .execution_s = 60};
	const char *id;

	if (ssm_send_command(&f->client, &c, f->arena, &id, err))
		return -1;
	FUZZ_CHECK(id && id[0]);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fuzz_call calls[] = {
		{"GetFunction", get_function},
		{"GetFunctionConfiguration", get_configuration},
		{"PublishVersion", publish},
		{"GetAlias", get_alias},
		{"ListAliases", list_aliases},
		{"Invoke", invoke},
		{"GetProvisionedConcurrencyConfig", get_provisioned},
		{"GetPolicy", get_policy},
		{"DescribeServices", describe_service},
		{"UpdateService", update_service},
		{"RegisterTaskDefinition", register_definition},
		{"DescribeServiceDeployments", service_deployment},
		{"ListServiceDeployments", service_deployments},
		{"DescribeServiceRevisions", service_revision},
		{"DescribeTasks", tasks},
		{"DescribeAlarms", alarms},
		{"GetMetricData", metrics},
		{"ListCommandInvocations", invocations},
		{"DescribeInstanceInformation", online},
		{"SendCommand", send_command},
		{NULL, NULL},
	};

	fuzz_run_call(calls, data, size);
	return 0;
}
