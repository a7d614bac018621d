#include "worker/target/beanstalk.h"

#include <string.h>

/* The calls of each way, in order, and what IAM must allow for them. */

struct adding {
	const struct plan *plan;
	struct arena *arena;
	void (*add)(void *arg, const struct target_call *c);
	void *arg;
};

/* What a call is allowed on. */
enum on {
	ON_ALL,
	ON_ENVIRONMENTS, /* of the application */
	ON_APPLICATION,
	ON_VERSIONS,
	ON_TEMPLATES,
	ON_BUNDLES, /* in Beanstalk's bucket */
	ON_ARTIFACT,
};

static const char *resource(const struct adding *a, enum on on)
{
	const char *application = a->plan->target.beanstalk.application;

	switch (on) {
	case ON_ENVIRONMENTS:
		return arena_printf(a->arena, "arn:aws:elasticbeanstalk:*:*:environment/%s/*",
				    application);
	case ON_APPLICATION:
		return arena_printf(a->arena, "arn:aws:elasticbeanstalk:*:*:application/%s",
				    application);
	case ON_VERSIONS:
		return arena_printf(a->arena,
				    "arn:aws:elasticbeanstalk:*:*:applicationversion/%s/*",
				    application);
	case ON_TEMPLATES:
		return arena_printf(a->arena,
				    "arn:aws:elasticbeanstalk:*:*:configurationtemplate/%s/*",
				    application);
	case ON_BUNDLES:
		return "arn:aws:s3:::elasticbeanstalk-*/rollout-worker/*";
	case ON_ARTIFACT:
		return "arn:aws:s3:::*/*"; /* which one the pipeline says */
	case ON_ALL:
		break;
	}
	return "*";
}

static void call(const struct adding *a, enum phase phase, const char *operation, enum on on,
		 bool is_write)
{
	bool is_s3 = on == ON_BUNDLES || on == ON_ARTIFACT;
	const char *service = is_s3 ? "s3" : "elasticbeanstalk", *action = operation;

	/* S3 names its actions after what they do to an object */
	if (on == ON_ARTIFACT)
		action = "GetObject";
	else if (is_s3)
		action = strcmp(operation, "AbortMultipartUpload") == 0 ? operation : "PutObject";
	a->add(a->arg, &(struct target_call){
			       .phase = phase,
			       .service = service,
			       .operation = operation,
			       .iam_action = arena_printf(a->arena, "%s:%s", service, action),
			       .resource = resource(a, on),
			       .is_write = is_write,
		       });
}

static void reads(const struct adding *a, enum phase phase, const char *const *operations)
{
	for (; *operations; operations++)
		call(a, phase, *operations, ON_ALL, false);
}

/* Beanstalk takes a bundle with its caller's rights. */
static void add_taking(const struct adding *a)
{
	struct target_call c = {.phase = PHASE_PREPARE,
				.service = "elasticbeanstalk",
				.operation = "CreateApplicationVersion",
				.iam_action = "s3:GetObject",
				.resource = resource(a, ON_BUNDLES),
				.is_write = true};

	a->add(a->arg, &c);
	c.resource = resource(a, ON_ARTIFACT);
	if (!a->plan->target.beanstalk.bundle)
		a->add(a->arg, &c);
}

static void add_version(const struct adding *a)
{
	static const char *const uploads[] = {"PutObject", "CreateMultipartUpload", "UploadPart",
					      "CompleteMultipartUpload", "AbortMultipartUpload"};

	call(a, PHASE_PREPARE, "DescribeApplicationVersions", ON_ALL, false);
	if (!a->plan->target.beanstalk.bundle)
		call(a, PHASE_PREPARE, "HeadObject", ON_ARTIFACT, false);
	call(a, PHASE_PREPARE, "CreateApplicationVersion", ON_APPLICATION, true);
	call(a, PHASE_PREPARE, "CreateApplicationVersion", ON_VERSIONS, true);
	add_taking(a);
	call(a, PHASE_PREPARE, "CreateStorageLocation", ON_ALL, true);
	for (size_t i = 0; i < sizeof(uploads) / sizeof(uploads[0]); i++)
		call(a, PHASE_PREPARE, uploads[i], ON_BUNDLES, true);
}

static void add_second(const struct adding *a)
{
	const struct plan_beanstalk *t = &a->plan->target.beanstalk;

	call(a, PHASE_PREPARE, "DescribeEvents", ON_ALL, false);
	if (t->twin) {
		call(a, PHASE_PREPARE, "UpdateEnvironment", ON_ENVIRONMENTS, true);
		return;
	}
	call(a, PHASE_PREPARE, "CreateConfigurationTemplate", ON_TEMPLATES, true);
	call(a, PHASE_PREPARE, "ListTagsForResource", ON_ALL, false);
	call(a, PHASE_PREPARE, "CreateEnvironment", ON_ENVIRONMENTS, true);
	a->add(a->arg, &(struct target_call){.phase = PHASE_PREPARE,
					     .service = "elasticbeanstalk",
					     .operation = "CreateEnvironment",
					     .iam_action = "elasticbeanstalk:AddTags",
					     .resource = resource(a, ON_ENVIRONMENTS),
					     .is_write = true});
}

static void add_after(const struct adding *a)
{
	const struct plan_beanstalk *t = &a->plan->target.beanstalk;

	call(a, PHASE_RETIRE, "UpdateEnvironment", ON_ENVIRONMENTS, true);
	if (!t->twin)
		call(a, PHASE_RETIRE, "DeleteConfigurationTemplate", ON_TEMPLATES, true);
	if (t->retire == BEANSTALK_TERMINATE)
		call(a, PHASE_RETIRE, "TerminateEnvironment", ON_ENVIRONMENTS, true);
	if (a->plan->keep_candidate_ms > 0)
		return;
	if (t->twin) {
		call(a, PHASE_PROVE, "UpdateEnvironment", ON_ENVIRONMENTS, true);
		return;
	}
	call(a, PHASE_PROVE, "TerminateEnvironment", ON_ENVIRONMENTS, true);
	call(a, PHASE_PROVE, "DeleteConfigurationTemplate", ON_TEMPLATES, true);
}

static void add_zone(const struct adding *a)
{
	a->add(a->arg, &(struct target_call){
			       .phase = PHASE_INSPECT,
			       .service = "route53",
			       .operation = "ListResourceRecordSets",
			       .iam_action = "route53:ListResourceRecordSets",
			       .resource = arena_printf(a->arena, "arn:aws:route53:::hostedzone/%s",
							a->plan->target.beanstalk.hosted_zone)});
}

static void add_swap(const struct adding *a)
{
	if (!a->plan->target.beanstalk.twin)
		call(a, PHASE_INSPECT, "CheckDNSAvailability", ON_ALL, false);
	if (a->plan->target.beanstalk.hosted_zone)
		add_zone(a);
	add_version(a);
	add_second(a);
	call(a, PHASE_SHIFT, "SwapEnvironmentCNAMEs", ON_ENVIRONMENTS, true);
	call(a, PHASE_RESTORE, "SwapEnvironmentCNAMEs", ON_ENVIRONMENTS, true);
	call(a, PHASE_RESTORE, "AbortEnvironmentUpdate", ON_ENVIRONMENTS, true);
	add_after(a);
}

static void add_splitting(const struct adding *a)
{
	static const char *const balancer[] = {"DescribeListeners", "DescribeRules",
					       "DescribeTargetHealth"};

	add_version(a);
	call(a, PHASE_PREPARE, "UpdateEnvironment", ON_ENVIRONMENTS, true);
	call(a, PHASE_SHIFT, "UpdateEnvironment", ON_ENVIRONMENTS, true);
	call(a, PHASE_SHIFT, "DescribeEvents", ON_ALL, false);
	for (size_t i = 0; i < sizeof(balancer) / sizeof(balancer[0]); i++)
		a->add(a->arg, &(struct target_call){
				       .phase = PHASE_SHIFT,
				       .service = "elasticloadbalancing",
				       .operation = balancer[i],
				       .iam_action = arena_printf(
					       a->arena, "elasticloadbalancing:%s", balancer[i]),
				       .resource = "*"});
	call(a, PHASE_RESTORE, "AbortEnvironmentUpdate", ON_ENVIRONMENTS, true);
	call(a, PHASE_RESTORE, "UpdateEnvironment", ON_ENVIRONMENTS, true);
	call(a, PHASE_RETIRE, "UpdateEnvironment", ON_ENVIRONMENTS, true);
}

void bean_calls(const struct plan *plan, struct arena *a,
		void (*add)(void *arg, const struct target_call *c), void *arg)
{
	static const char *const first[] = {"DescribeEnvironments",
					    "DescribeConfigurationSettings",
					    "DescribeEnvironmentManagedActions",
					    "DescribeInstancesHealth",
					    "DescribeEnvironmentResources",
					    NULL};
	const struct adding adding = {.plan = plan, .arena = a, .add = add, .arg = arg};

	reads(&adding, PHASE_INSPECT, first);
	switch (plan->target.beanstalk.method) {
	case BEANSTALK_BY_SWAP:
		add_swap(&adding);
		break;
	case BEANSTALK_BY_TRAFFIC_SPLITTING:
		add_splitting(&adding);
		break;
	case BEANSTALK_BY_LOAD_BALANCER:
		add_version(&adding);
		add_second(&adding);
		lb_calls(plan->target.lb.resource_arn, a, add, arg);
		lb_segment_calls(plan, a, add, arg);
		add_after(&adding);
		break;
	case BEANSTALK_METHOD_COUNT:
		break;
	}
}
