#include "worker/target/claims.h"
#include "worker/target/ecs.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Which of the two ways: what the undo record says. The calls of both, for `plan`. */

void ecs_detail(struct target_observation *o, const char *fmt, ...)
{
	char raw[OBSERVATION_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	str_copy_clean(o->detail, sizeof(o->detail), str_from(raw));
}

bool ecs_is_going_back(enum phase p)
{
	return p == PHASE_RESTORE || p == PHASE_PROVE;
}

const char *ecs_why(const struct target_env *env, const struct ecs_service *s, struct err *err)
{
	const char *event = s->last_event ? s->last_event : "";
	const struct ecs_task *t;
	struct ecs_task *tasks;
	struct err e = ERR_INIT;
	size_t n;

	if (ecs_describe_tasks(&env->client, s->cluster_arn, s->name, "STOPPED", env->arena, &tasks,
			       &n, &e)) {
		if (e.code == ERR_CANCELED) {
			*err = e;
			return NULL;
		}
		/* it is for a message only */
		return *event ? event : arena_printf(env->arena, "why cannot be read: %s", e.text);
	}
	if (n == 0)
		return event;
	t = &tasks[0];
	return arena_printf(
		env->arena, "%s%s%s%s", t->stopped_reason ? t->stopped_reason : "a task stopped",
		t->container_reason ? ": " : "", t->container_reason ? t->container_reason : "",
		t->has_exit_code
			? arena_printf(env->arena, ", exit code %lld", (long long)t->exit_code)
			: "");
}

/* --- which way -------------------------------------------------------------------------------- */

static int ops_of(const struct target_env *env, const struct rollout_state *s,
		  const struct target_ops **ops, struct err *err)
{
	struct ecs_record r;

	if (ecs_record_load(env->arena, s->undo, &r, err))
		return -1;
	*ops = r.method == ECS_NATIVE ? &ecs_native_ops : &ecs_services_ops;
	return 0;
}

static void claim_service(const struct target_env *env, struct target_claims *c,
			  const char *cluster, const char *service)
{
	if (cluster && service && service[0])
		claims_add_name(env, c, "ecs",
				arena_printf(env->arena, "%s/%s", cluster, service));
}

/* The rule of ECS's own controller a look shows. */
static int claims(const struct target_env *env, const char *undo, struct target_claims *c,
		  struct err *err)
{
	const struct plan_ecs *e = &env->plan->target.ecs;
	struct ecs_record r;

	claim_service(env, c, e->cluster, e->service);
	if (e->service && e->method == ECS_TWO_SERVICES)
		claim_service(env, c, e->cluster, ecs_twin_name(env->arena, e));
	claims_add(env, c, env->plan->target.lb.resource_arn);
	if (!undo[0])
		return 0;
	if (ecs_record_load(env->arena, undo, &r, err))
		return -1;
	claim_service(env, c, r.cluster, r.service);
	claim_service(env, c, r.cluster, r.other);
	claims_add(env, c, r.lb.resource);
	return 0;
}

static int observe(const struct target_env *env, const struct rollout_state *s,
		   struct target_observation *o, struct err *err)
{
	const struct target_ops *ops;

	*o = (struct target_observation){.retired = true, .baseline_health.kind = VERDICT_UNKNOWN};
	if (ops_of(env, s, &ops, err))
		return lb_unreadable(o, err);
	return ops->observe(env, s, o, err);
}

static int prepare(const struct target_env *env, const struct rollout_state *s,
		   char candidate[LIMIT_CANDIDATE + 1], struct err *err)
{
	const struct target_ops *ops;

	return ops_of(env, s, &ops, err) ? -1 : ops->prepare(env, s, candidate, err);
}

static int split(const struct target_env *env, const struct rollout_state *s,
		 const struct target_observation *o, const struct traffic *want, struct err *err)
{
	const struct target_ops *ops;

	return ops_of(env, s, &ops, err) ? -1 : ops->split(env, s, o, want, err);
}

static int promote(const struct target_env *env, const struct rollout_state *s,
		   const struct target_observation *o, struct err *err)
{
	const struct target_ops *ops;

	return ops_of(env, s, &ops, err) ? -1 : ops->promote(env, s, o, err);
}

static int restore(const struct target_env *env, const struct rollout_state *s,
		   const struct target_observation *o, struct err *err)
{
	const struct target_ops *ops;

	return ops_of(env, s, &ops, err) ? -1 : ops->restore(env, s, o, err);
}

static int retire(const struct target_env *env, const struct rollout_state *s,
		  const struct target_observation *o, struct err *err)
{
	const struct target_ops *ops;

	return ops_of(env, s, &ops, err) ? -1 : ops->retire(env, s, o, err);
}

/* The native controller takes away itself what it made. */
static int discard(const struct target_env *env, const struct rollout_state *s,
		   const struct target_observation *o, struct err *err)
{
	const struct target_ops *ops;

	if (ops_of(env, s, &ops, err))
		return -1;
	return ops->discard ? ops->discard(env, s, o, err) : 0;
}

/* The two target groups tell them apart, in both ways. */
static size_t series(const struct target_env *env, const struct rollout_state *s, bool candidate,
		     const char **ns, const char *names[PLAN_DIMENSIONS_MAX],
		     const char *values[PLAN_DIMENSIONS_MAX])
{
	struct err err = ERR_INIT;
	struct ecs_record r;

	if (ecs_record_load(env->arena, s->undo, &r, &err))
		return 0;
	return lb_series(env, &r.lb, candidate, ns, names, values);
}

/* --- calls ------------------------------------------------------------------------------------ */

struct call_row {
	enum phase phase;
	const char *service, *operation;
	const char *iam; /* NULL: the operation's */
	const char *on;	 /* "*", or an ARN with %s for the names of cluster and service */
	bool is_write;
};

#define ELB "elasticloadbalancing"
#define ELB_ARNS "arn:aws:elasticloadbalancing:*:*:"
#define ON_SERVICE "arn:aws:ecs:*:*:service/%s/%s"
#define ON_DEPLOYMENT "arn:aws:ecs:*:*:service-deployment/%s/%s/*"
#define ON_REVISION "arn:aws:ecs:*:*:service-revision/%s/%s/*"
#define ON_DEFINITION "arn:aws:ecs:*:*:task-definition/*:*" /* its family the artifact says */
#define ON_TASK "arn:aws:ecs:*:*:task/%s/*"

/* What both ways do to get a task definition. */
static const struct call_row common_rows[] = {
	{PHASE_INSPECT, "ecs", "DescribeServices", NULL, ON_SERVICE, false},
	{PHASE_INSPECT, "ecs", "DescribeTaskDefinition", NULL, "*", false},
	/* ECS asks for the right to the service and to its deployment, or revision */
	{PHASE_INSPECT, "ecs", "DescribeServiceDeployments", NULL, ON_SERVICE, false},
	{PHASE_INSPECT, "ecs", "DescribeServiceDeployments", NULL, ON_DEPLOYMENT, false},
	{PHASE_PREPARE, "ecs", "RegisterTaskDefinition", NULL, ON_DEFINITION, true},
	/* no calls of their own, but rights that registering needs: for its tag, and to hand on the
	 * task role and the execution role */
	{PHASE_PREPARE, "ecs", "TagResource", NULL, ON_DEFINITION, true},
	{PHASE_PREPARE, "iam", "PassRole", NULL, "arn:aws:iam::*:role/*", true},
	{PHASE_PREPARE, "ecs", "ListTasks", NULL, "*", false},
	{PHASE_PREPARE, "ecs", "DescribeTasks", NULL, ON_TASK, false},
};
static const struct call_row native_rows[] = {
	{PHASE_INSPECT, "ecs", "ListServiceDeployments", NULL, ON_SERVICE, false},
	{PHASE_INSPECT, "ecs", "DescribeServiceRevisions", NULL, ON_SERVICE, false},
	{PHASE_INSPECT, "ecs", "DescribeServiceRevisions", NULL, ON_REVISION, false},
	{PHASE_PREPARE, "ecs", "UpdateService", NULL, ON_SERVICE, true},
	{PHASE_SHIFT, "ecs", "ContinueServiceDeployment", NULL, ON_SERVICE, true},
	{PHASE_SHIFT, "ecs", "ContinueServiceDeployment", NULL, ON_DEPLOYMENT, true},
	{PHASE_PROMOTE, "ecs", "ContinueServiceDeployment", NULL, ON_DEPLOYMENT, true},
	{PHASE_RETIRE, "ecs", "ContinueServiceDeployment", NULL, ON_DEPLOYMENT, true},
	{PHASE_RETIRE, "ecs", "UpdateService", NULL, ON_SERVICE, true},
	{PHASE_RESTORE, "ecs", "ContinueServiceDeployment", NULL, ON_DEPLOYMENT, true},
	{PHASE_RESTORE, "ecs", "StopServiceDeployment", NULL, ON_SERVICE, true},
	{PHASE_RESTORE, "ecs", "StopServiceDeployment", NULL, ON_DEPLOYMENT, true},
	{PHASE_RESTORE, "ecs", "UpdateService", NULL, ON_SERVICE, true},
	/* the controller's rule is read; written only when ECS is done and left it behind */
	{PHASE_INSPECT, ELB, "DescribeRules", NULL, "*", false},
	{PHASE_INSPECT, ELB, "DescribeListeners", NULL, "*", false},
	{PHASE_INSPECT, ELB, "DescribeTargetGroups", NULL, "*", false},
	{PHASE_INSPECT, ELB, "DescribeTargetGroupAttributes", NULL, "*", false},
	{PHASE_INSPECT, ELB, "DescribeTargetHealth", NULL, "*", false},
	{PHASE_RESTORE, ELB, "ModifyRule", NULL, ELB_ARNS "listener-rule/app/*", true},
	{PHASE_RESTORE, ELB, "ModifyListener", NULL, ELB_ARNS "listener/app/*", true},
	{PHASE_RESTORE, ELB, "ModifyListener", NULL, ELB_ARNS "listener/net/*", true},
};
static const struct call_row services_rows[] = {
	{PHASE_PREPARE, "ecs", "CreateService", NULL, ON_SERVICE, true},
	{PHASE_PREPARE, "ecs", "TagResource", NULL, ON_SERVICE, true},
	{PHASE_PREPARE, "ecs", "UpdateService", NULL, ON_SERVICE, true},
	{PHASE_SHIFT, "ecs", "UpdateService", NULL, ON_SERVICE, true},
	{PHASE_PROMOTE, "ecs", "UpdateService", NULL, ON_SERVICE, true},
	{PHASE_RETIRE, "ecs", "UpdateService", NULL, ON_SERVICE, true},
	{PHASE_RETIRE, "ecs", "DeleteService", NULL, ON_SERVICE, true},
	{PHASE_RESTORE, "ecs", "UpdateService", NULL, ON_SERVICE, true},
	{PHASE_PROVE, "ecs", "UpdateService", NULL, ON_SERVICE, true},
	{PHASE_PROVE, "ecs", "DeleteService", NULL, ON_SERVICE, true},
};

/* on with the names in place of its %s */
static const char *resource_of(struct arena *a, const char *on, const char *cluster,
			       const char *service)
{
	struct str rest = str_from(on), part;
	const char *names[] = {cluster, service}, *out = "";

	for (size_t i = 0; str_next(&rest, '%', &part); i++)
		out = i == 0 ? str_dup(a, part)
			     : arena_printf(a, "%s%s" STR_FMT, out, names[(i - 1) % 2],
					    STR_ARG(str_sub(part, 1, part.n)));
	return out;
}

struct adding {
	const struct plan_ecs *e;
	struct arena *a;
	void (*add)(void *arg, const struct target_call *c);
	void *arg;
};

static void add_row(const struct adding *x, const struct call_row *row, const char *service)
{
	x->add(x->arg, &(struct target_call){
			       .phase = row->phase,
			       .service = row->service,
			       .operation = row->operation,
			       .iam_action = row->iam ? row->iam
						      : arena_printf(x->a, "%s:%s", row->service,
								     row->operation),
			       .resource = resource_of(x->a, row->on, x->e->cluster, service),
			       .is_write = row->is_write});
}

static void add_rows(const struct adding *x, const struct call_row *rows, size_t n, bool both)
{
	for (size_t i = 0; i < n; i++) {
		add_row(x, &rows[i], x->e->service);
		/* who is who of two services only the look tells */
		if (both && strstr(rows[i].on, "%s"))
			add_row(x, &rows[i], ecs_twin_name(x->a, x->e));
	}
}

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static void calls(const struct plan *plan, struct arena *a,
		  void (*add)(void *arg, const struct target_call *c), void *arg)
{
	struct adding x = {.e = &plan->target.ecs, .a = a, .add = add, .arg = arg};
	bool two = x.e->method == ECS_TWO_SERVICES;

	add_rows(&x, common_rows, N(common_rows), two);
	if (!two) {
		add_rows(&x, native_rows, N(native_rows), false);
		return;
	}
	add_rows(&x, services_rows, N(services_rows), true);
	lb_calls(plan->target.lb.resource_arn, a, add, arg);
	lb_segment_calls(plan, a, add, arg);
}

const struct target_ops target_ecs = {
	.name = "ecs",
	.claims = claims,
	.inspect = ecs_inspect,
	.check_artifact = ecs_definition_check,
	.observe = observe,
	.prepare = prepare,
	.split = split,
	.promote = promote,
	.restore = restore,
	.retire = retire,
	.discard = discard,
	.series = series,
	.calls = calls,
};
