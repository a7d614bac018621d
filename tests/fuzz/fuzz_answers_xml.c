#include "tests/fuzz/support.h"

#include <string.h>

#include "aws/autoscaling.h"
#include "aws/beanstalk.h"
#include "aws/core/limits.h"
#include "aws/ec2.h"
#include "aws/elbv2_rule.h"
#include "aws/route53.h"
#include "aws/s3.h"
#include "aws/sts.h"

/*
 * Answers of the services that speak XML, through the functions that read them: Elastic Load
 * Balancing, Auto Scaling, EC2, Beanstalk, STS, S3, Route 53. Lists that go back to AWS as they
 * came are written again, as far as they are what may go back.
 *
 * Layers: aws core
 */

/* --- Elastic Load Balancing ------------------------------------------------------------------- */

/* A request made of what was read: one line of name=value pairs, and nothing raw in it. */
static void check_form(struct buf *b)
{
	for (size_t i = 0; i < b->n; i++)
		FUZZ_CHECK((unsigned char)b->p[i] > 0x20 && (unsigned char)b->p[i] < 0x7f);
}

static void check_actions(const struct elbv2_action *actions, size_t n)
{
	struct err err = ERR_INIT;
	struct buf b;

	for (size_t i = 0; i < n; i++) {
		FUZZ_CHECK(actions[i].type && actions[i].xml);
		for (size_t k = 0; k < actions[i].n_groups; k++) {
			FUZZ_CHECK(actions[i].groups[k].arn && actions[i].groups[k].weight >= 0 &&
				   actions[i].groups[k].weight <= 999);
			FUZZ_TEXTS(actions[i].groups[k].arn);
		}
		elbv2_action_is_forward(&actions[i]);
	}
	buf_init(&b, LIMIT_API_BODY);
	fuzz_check_err(elbv2_actions_format(&b, "Actions", actions, n, &err), &err);
	check_form(&b);
	buf_release(&b);
}

static int listener(struct fuzz_aws *f, struct err *err)
{
	struct elbv2_listener l;

	if (elbv2_describe_listener(&f->client, "arn:aws:l", f->arena, &l, err))
		return -1;
	FUZZ_TEXTS(l.arn, l.load_balancer_arn, l.protocol);
	check_actions(l.actions, l.n_actions);
	return 0;
}

static int listeners(struct fuzz_aws *f, struct err *err)
{
	struct elbv2_listener *list;
	size_t n;

	if (elbv2_describe_listeners(&f->client, "arn:aws:lb", f->arena, &list, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		check_actions(list[i].actions, list[i].n_actions);
	return 0;
}

static void check_conditions(struct arena *a, const struct xml *list)
{
	struct elbv2_condition *c, *again;
	struct err err = ERR_INIT;
	size_t n, m;
	struct buf b;

	if (elbv2_conditions_parse(list, a, &c, &n, &err)) {
		fuzz_check_err(-1, &err);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		FUZZ_CHECK(c[i].field);
		fuzz_texts(c[i].n_values, c[i].values);
		fuzz_texts(c[i].n_regex, c[i].regex);
	}
	elbv2_conditions_values(c, n);
	elbv2_conditions_wildcards(c, n);
	FUZZ_CHECK(elbv2_conditions_parse(list, a, &again, &m, &err) == 0 && m == n);
	elbv2_conditions_same(c, n, again, m);
	buf_init(&b, LIMIT_API_BODY);
	fuzz_check_err(elbv2_conditions_format(&b, c, n, &err), &err);
	check_form(&b);
	buf_release(&b);
}

static int rules(struct fuzz_aws *f, struct err *err)
{
	struct elbv2_rule *list;
	size_t n;

	if (elbv2_describe_rules(&f->client, "arn:aws:l", f->arena, &list, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		int64_t p = elbv2_rule_priority(&list[i]);

		FUZZ_CHECK(p >= -1 && p <= ELBV2_PRIORITY_MAX);
		FUZZ_TEXTS(list[i].arn, list[i].priority);
		check_actions(list[i].actions, list[i].n_actions);
		check_conditions(f->arena, list[i].conditions);
	}
	return 0;
}

/* Read, then write what was read, and read the answer. */
static int modify_rule(struct fuzz_aws *f, struct err *err)
{
	struct elbv2_actions actions, echo;
	struct elbv2_rule r;

	if (elbv2_describe_rule(&f->client, "arn:aws:r", f->arena, &r, err))
		return -1;
	actions = (struct elbv2_actions){r.actions, r.n_actions};
	if (elbv2_modify_rule(&f->client, "arn:aws:r", &actions, f->arena, &echo, err))
		return -1;
	check_actions(echo.actions, echo.n);
	return 0;
}

static int tags(struct fuzz_aws *f, struct err *err)
{
	const char *const arns[] = {"arn:aws:r1", "arn:aws:r2"};
	struct elbv2_tags *list;

	if (elbv2_describe_tags(&f->client, arns, 2, f->arena, &list, err))
		return -1;
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < list[i].n; k++)
			FUZZ_TEXTS(list[i].tags[k].key, list[i].tags[k].value);
	elbv2_tag_get(&list[0], "rollout");
	return 0;
}

static int groups(struct fuzz_aws *f, struct err *err)
{
	const char *const arns[] = {"arn:aws:g1", "arn:aws:g2"};
	struct elbv2_target_group *list;

	if (elbv2_describe_target_groups(&f->client, arns, 2, f->arena, &list, err))
		return -1;
	for (size_t i = 0; i < 2; i++) {
		FUZZ_TEXTS(list[i].arn, list[i].name, list[i].protocol, list[i].vpc_id,
			   list[i].target_type);
		fuzz_texts(list[i].n_load_balancer_arns, list[i].load_balancer_arns);
	}
	return 0;
}

static int target_health(struct fuzz_aws *f, struct err *err)
{
	struct elbv2_target_health *list;
	size_t n;

	if (elbv2_describe_target_health(&f->client, "arn:aws:g", f->arena, &list, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		FUZZ_CHECK(list[i].state <= ELBV2_HEALTH_OTHER && elbv2_health_name(list[i].state));
		FUZZ_TEXTS(list[i].id, list[i].reason, list[i].description);
	}
	return 0;
}

static int attributes(struct fuzz_aws *f, struct err *err)
{
	struct elbv2_attribute *list;
	size_t n;

	if (elbv2_describe_target_group_attributes(&f->client, "arn:aws:g", f->arena, &list, &n,
						   err))
		return -1;
	for (size_t i = 0; i < n; i++)
		FUZZ_TEXTS(list[i].key, list[i].value);
	FUZZ_TEXTS(elbv2_attribute_get(list, n, "stickiness.enabled"));
	return 0;
}

static int load_balancer(struct fuzz_aws *f, struct err *err)
{
	struct elbv2_load_balancer lb;

	if (elbv2_describe_load_balancer(&f->client, "arn:aws:lb", f->arena, &lb, err))
		return -1;
	FUZZ_TEXTS(lb.arn, lb.name, lb.dns_name, lb.type, lb.state);
	if (lb.arn)
		elbv2_load_balancer_dimension(lb.arn);
	return 0;
}

/* --- Auto Scaling, EC2 ------------------------------------------------------------------------ */

static void check_group(const struct asg_group *g)
{
	FUZZ_CHECK(g->name && g->xml && g->min >= 0 && g->max >= 0 && g->desired >= 0);
	FUZZ_TEXTS(g->name, g->arn, g->launch_template.id, g->launch_template.name,
		   g->launch_template.version, g->launch_configuration, g->health_check_type,
		   g->capacity_type, g->deletion_protection, g->operator_principal, g->status);
	fuzz_texts(g->n_target_groups, g->target_groups);
	fuzz_texts(g->n_suspended, g->suspended);
	for (size_t i = 0; i < g->n_instances; i++)
		FUZZ_TEXTS(g->instances[i].id, g->instances[i].zone, g->instances[i].lifecycle);
	for (size_t i = 0; i < g->n_tags; i++)
		FUZZ_TEXTS(g->tags[i].key, g->tags[i].value);
	asg_is_suspended(g, "Launch");
	asg_tag_get(g, "rollout");
}

/* Read a group and make another of it. */
static int create_group(struct fuzz_aws *f, struct err *err)
{
	const char *const names[] = {"blue"};
	struct asg_create create = {.name = "green",
				    .launch_template = {"lt-1", NULL, "7"},
				    .max = 4,
				    .health_check_type = "ELB"};
	struct asg_group *g;

	if (asg_describe_groups(&f->client, names, 1, f->arena, &g, err))
		return -1;
	if (!g->name) /* there is none */
		return 0;
	check_group(g);
	create.from = g;
	if (asg_create_group(&f->client, &create, f->arena, err))
		return -1;
	return asg_copy_metrics(&f->client, "green", g, f->arena, err);
}

static int tagged(struct fuzz_aws *f, struct err *err)
{
	struct asg_group *list;
	size_t n;

	if (asg_describe_tagged(&f->client, "rollout", "r-1", f->arena, &list, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		check_group(&list[i]);
	return 0;
}

static int copy_parts(struct fuzz_aws *f,
		      int (*read)(const struct aws_client *c, const char *group, struct arena *a,
				  struct asg_part **out, size_t *n, struct err *err),
		      int (*write)(struct fuzz_aws *f, const struct asg_part *p, struct err *err),
		      struct err *err)
{
	struct asg_part *list;
	size_t n;

	if (read(&f->client, "blue", f->arena, &list, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		FUZZ_CHECK(list[i].xml);
		FUZZ_TEXTS(list[i].name, list[i].type, list[i].start);
		if (write(f, &list[i], err))
			return -1;
	}
	return 0;
}

static int put_policy(struct fuzz_aws *f, const struct asg_part *p, struct err *err)
{
	const struct form_swaps none = {NULL, 0};

	return asg_put_policy(&f->client, "green", p, &none, f->arena, err);
}

static int put_schedule(struct fuzz_aws *f, const struct asg_part *p, struct err *err)
{
	return asg_put_schedule(&f->client, "green", p, true, f->arena, err);
}

static int put_notification(struct fuzz_aws *f, const struct asg_part *p, struct err *err)
{
	return asg_put_notifications(&f->client, "green", p, 1, f->arena, err);
}

static int policies(struct fuzz_aws *f, struct err *err)
{
	return copy_parts(f, asg_describe_policies, put_policy, err);
}

static int schedules(struct fuzz_aws *f, struct err *err)
{
	return copy_parts(f, asg_describe_schedules, put_schedule, err);
}

static int notifications(struct fuzz_aws *f, struct err *err)
{
	return copy_parts(f, asg_describe_notifications, put_notification, err);
}

static int hooks(struct fuzz_aws *f, struct err *err)
{
	const struct xml *list;

	return asg_describe_hooks(&f->client, "blue", f->arena, &list, err);
}

static int activities(struct fuzz_aws *f, struct err *err)
{
	const char *why;

	if (asg_last_failure(&f->client, "blue", f->arena, &why, err))
		return -1;
	FUZZ_TEXTS(why);
	return 0;
}

static int refreshes(struct fuzz_aws *f, struct err *err)
{
	bool is;

	return asg_is_refreshing(&f->client, "blue", f->arena, &is, err);
}

static int template_version(struct fuzz_aws *f, struct err *err)
{
	const struct ec2_template t = {.id = "lt-1"};
	struct ec2_new_version v = {.of = t, .image_id = "ami-1", .token = "t"};
	struct ec2_template_version out;
	int64_t number;

	if (ec2_describe_template_version(&f->client, &t, "$Latest", f->arena, &out, err))
		return -1;
	FUZZ_CHECK(out.number >= 1);
	FUZZ_TEXTS(out.id, out.name, out.image_id, out.description);
	v.source = out.number;
	if (ec2_create_template_version(&f->client, &v, f->arena, &number, err))
		return -1;
	FUZZ_CHECK(number >= 1);
	return 0;
}

/* --- Beanstalk -------------------------------------------------------------------------------- */

static int environments(struct fuzz_aws *f, struct err *err)
{
	const struct beanstalk_filter all = {.application = "shop"};
	struct beanstalk_environment *list;
	size_t n;

	if (beanstalk_describe_environments(&f->client, &all, f->arena, &list, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		FUZZ_CHECK(beanstalk_status_name(list[i].status) &&
			   beanstalk_health_name(list[i].health) &&
			   beanstalk_color_name(list[i].color));
		FUZZ_TEXTS(list[i].application, list[i].name, list[i].id, list[i].arn,
			   list[i].version_label, list[i].cname, list[i].endpoint_url,
			   list[i].tier_name, list[i].tier_type, list[i].platform_arn,
			   list[i].solution_stack);
	}
	beanstalk_find_id(list, n, "e-1");
	beanstalk_find_name(list, n, "shop-prod");
	beanstalk_find_cname(list, n, "shop.example");
	return 0;
}

static int settings(struct fuzz_aws *f, struct err *err)
{
	struct beanstalk_settings *list;
	size_t n;

	if (beanstalk_describe_settings(&f->client, "shop", "shop-prod", f->arena, &list, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		FUZZ_TEXTS(list[i].deployment_status, list[i].platform_arn, list[i].solution_stack);
		for (size_t k = 0; k < list[i].n_options; k++)
			FUZZ_TEXTS(list[i].options[k].ns, list[i].options[k].name,
				   list[i].options[k].value, list[i].options[k].resource);
		beanstalk_option_get(&list[i], "aws:autoscaling:asg", "MinSize");
	}
	return 0;
}

static int events(struct fuzz_aws *f, struct err *err)
{
	struct beanstalk_event *list;
	size_t n;

	if (beanstalk_describe_events(&f->client, "e-1", (struct utc){FUZZ_NOW_MS}, "WARN",
				      f->arena, &list, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		FUZZ_TEXTS(list[i].severity, list[i].message, list[i].version_label);
	return 0;
}

static int health(struct fuzz_aws *f, struct err *err)
{
	struct beanstalk_health_report r;

	if (beanstalk_describe_health(&f->client, "e-1", f->arena, &r, err))
		return -1;
	FUZZ_CHECK(beanstalk_health_name(r.health));
	FUZZ_TEXTS(r.cause);
	return 0;
}

static int instances(struct fuzz_aws *f, struct err *err)
{
	struct beanstalk_instance *list;
	size_t n;

	if (beanstalk_describe_instances(&f->client, "e-1", f->arena, &list, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		FUZZ_TEXTS(list[i].id, list[i].cause, list[i].version_label,
			   list[i].deployment_status);
	return 0;
}

static int resources(struct fuzz_aws *f, struct err *err)
{
	struct beanstalk_resources r;

	if (beanstalk_describe_resources(&f->client, "e-1", f->arena, &r, err))
		return -1;
	fuzz_texts(r.auto_scaling_groups.n, r.auto_scaling_groups.names);
	fuzz_texts(r.instances.n, r.instances.names);
	fuzz_texts(r.load_balancers.n, r.load_balancers.names);
	return 0;
}

static int managed_actions(struct fuzz_aws *f, struct err *err)
{
	struct beanstalk_managed_action *list;
	size_t n;

	if (beanstalk_managed_actions(&f->client, "e-1", f->arena, &list, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		FUZZ_TEXTS(list[i].id, list[i].description, list[i].type, list[i].status);
	return 0;
}

static int version(struct fuzz_aws *f, struct err *err)
{
	struct beanstalk_version v;

	if (beanstalk_describe_version(&f->client, "shop", "v1", f->arena, &v, err))
		return -1;
	FUZZ_TEXTS(v.label, v.description, v.bucket, v.key);
	return 0;
}

static int environment_tags(struct fuzz_aws *f, struct err *err)
{
	struct beanstalk_tag *list;
	size_t n;

	if (beanstalk_list_tags(&f->client, "arn:aws:e", f->arena, &list, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		FUZZ_TEXTS(list[i].key, list[i].value);
	return 0;
}

/* --- STS, S3, Route 53 ------------------------------------------------------------------------ */

static int assume_role(struct fuzz_aws *f, struct err *err)
{
	const struct sts_assume_role in = {.role_arn = "arn:aws:iam::111122223333:role/x",
					   .session_name = "rollout"};
	struct credentials *c = sts_assume_role(&f->client, &in, err);

	if (!c)
		return -1;
	for (const char *p = c->access_key_id; *p; p++)
		FUZZ_CHECK((unsigned char)*p > 0x20 && (unsigned char)*p < 0x7f);
	credentials_put(c);
	return 0;
}

static int identity(struct fuzz_aws *f, struct err *err)
{
	struct sts_identity id;

	if (sts_get_caller_identity(&f->client, f->arena, &id, err))
		return -1;
	FUZZ_TEXTS(id.account, id.arn, id.user_id);
	return 0;
}

static int get_object(struct fuzz_aws *f, struct err *err)
{
	const struct s3_get get = {.object = {.bucket = "bucket", .key = "a/b c.zip"},
				   .body_max = 1 << 20};
	struct s3_info info;
	struct str body;

	if (s3_get(&f->client, &get, f->arena, &info, &body, err))
		return -1;
	FUZZ_CHECK(body.n == info.length && info.start == 0 && info.size >= info.length);
	FUZZ_TEXTS(info.etag, info.version_id, info.content_type, info.content_encoding,
		   info.encryption);
	return 0;
}

static int upload(struct fuzz_aws *f, struct err *err)
{
	const struct s3_object o = {.bucket = "bucket", .key = "report"};
	const struct s3_put put = {.object = o};
	struct s3_upload_part part = {.object = o, .number = 1, .body = STR("x")};
	struct s3_part parts[1] = {{.number = 1}};
	struct s3_upload_complete up = {.object = o, .parts = parts, .n = 1};
	struct s3_written out;

	if (s3_upload_create(&f->client, &put, f->arena, &part.upload_id, err) ||
	    s3_upload_part(&f->client, &part, f->arena, &parts[0].etag, err))
		return -1;
	up.upload_id = part.upload_id;
	if (s3_upload_complete(&f->client, &up, f->arena, &out, err))
		return -1;
	FUZZ_TEXTS(out.etag, out.version_id);
	return 0;
}

static int records(struct fuzz_aws *f, struct err *err)
{
	struct route53_record *list;
	size_t n;

	if (route53_list_records(&f->client, "Z1", f->arena, &list, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		FUZZ_TEXTS(list[i].name, list[i].type, list[i].alias);
		fuzz_texts(list[i].n_values, list[i].values);
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fuzz_call calls[] = {
		{"DescribeListener", listener},
		{"DescribeListeners", listeners},
		{"DescribeRules", rules},
		{"ModifyRule", modify_rule},
		{"DescribeTags", tags},
		{"DescribeTargetGroups", groups},
		{"DescribeTargetHealth", target_health},
		{"DescribeTargetGroupAttributes", attributes},
		{"DescribeLoadBalancers", load_balancer},
		{"CreateAutoScalingGroup", create_group},
		{"DescribeAutoScalingGroups", tagged},
		{"DescribePolicies", policies},
		{"DescribeScheduledActions", schedules},
		{"DescribeNotificationConfigurations", notifications},
		{"DescribeLifecycleHooks", hooks},
		{"DescribeScalingActivities", activities},
		{"DescribeInstanceRefreshes", refreshes},
		{"DescribeLaunchTemplateVersions", template_version},
		{"DescribeEnvironments", environments},
		{"DescribeConfigurationSettings", settings},
		{"DescribeEvents", events},
		{"DescribeEnvironmentHealth", health},
		{"DescribeInstancesHealth", instances},
		{"DescribeEnvironmentResources", resources},
		{"DescribeEnvironmentManagedActions", managed_actions},
		{"DescribeApplicationVersions", version},
		{"ListTagsForResource", environment_tags},
		{"AssumeRole", assume_role},
		{"GetCallerIdentity", identity},
		{"GetObject", get_object},
		{"CreateMultipartUpload", upload},
		{"ListResourceRecordSets", records},
		{NULL, NULL},
	};

	fuzz_run_call(calls, data, size);
	return 0;
}
