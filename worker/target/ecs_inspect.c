#include <string.h>

#include "worker/target/ecs.h"

/*
 * The first, checking look: whatever would make ECS refuse a later step, shift traffic where nobody
 * serves, or leave nothing to go back to, is said now, while nothing has been touched.
 */
#define ROWS_MOST 20 /* of past deployments: the last good one is near */

struct first_look {
	const struct target_env *env;
	const struct plan_ecs *e;
	struct problems *p;
	struct ecs_record r;
	struct ecs_service service; /* the one that serves */
	struct plan_load_balancer choice;
};

/* --- services --------------------------------------------------------------------------------- */

static int describe(const struct first_look *x, const char *name, struct ecs_service *out,
		    bool *there, struct err *err)
{
	struct err e = ERR_INIT;

	*there = false;
	if (ecs_describe_service(&x->env->client, x->e->cluster, name, x->env->arena, out, &e)) {
		if (!strcmp(e.aws, "ClusterNotFoundException")) {
			problem_add(x->p, "Target", x->e->cluster, "no such cluster in %s",
				    x->env->client.region);
			return 0;
		}
		if (e.code == ERR_NOT_FOUND)
			return 0;
		*err = e;
		return -1;
	}
	*there = strcmp(out->status, "INACTIVE") != 0;
	return 0;
}

static void check_controller(const struct first_look *x, const struct ecs_service *s)
{
	if (!strcmp(s->controller, "CODE_DEPLOY"))
		problem_add(x->p, "Target", s->name,
			    "its deployments are CodeDeploy's: ECS refuses another task definition "
			    "from anybody else; deploy it with CodePipeline's action \"Amazon ECS "
			    "(Blue/Green)\", or create it again with the controller ECS");
	else if (strcmp(s->controller, "ECS") != 0)
		problem_add(x->p, "Target", s->name,
			    "its deployment controller is %s: its task sets are somebody else's; "
			    "the controller ECS is needed",
			    s->controller);
	if (strcmp(s->scheduling, "REPLICA") != 0)
		problem_add(x->p, "Target", s->name,
			    "its scheduling strategy is %s: only REPLICA can be shifted",
			    s->scheduling);
}

static void check_balancer(const struct first_look *x, const struct ecs_service *s)
{
	if (s->n_load_balancers == 0)
		problem_add(x->p, "Target", s->name,
			    "it has no load balancer: there is no traffic to be divided");
	else if (s->n_load_balancers > 1)
		problem_add(x->p, "Target", s->name, "it has %zu target groups; one can be shifted",
			    s->n_load_balancers);
	else if (!s->load_balancers[0].target_group_arn)
		problem_add(x->p, "Target", s->name,
			    "its load balancer is a Classic one, which has no weights");
}

static void check_serving(const struct first_look *x, const struct ecs_service *s)
{
	if (strcmp(s->status, "ACTIVE") != 0)
		problem_add(x->p, "Target", s->name, "the service is %s", s->status);
	if (s->desired == 0)
		problem_add(x->p, "Target", s->name,
			    "it wants no task: there would be nothing to go back to");
	check_controller(x, s);
	check_balancer(x, s);
}

/* Somebody's deployment that is not over would be replaced by ours. */
static int check_quiet(const struct first_look *x, const struct ecs_service *s, struct err *err)
{
	const struct ecs_deployment *primary = ecs_primary(s);
	struct ecs_service_deployment d;

	if (s->n_deployments > 1 ||
	    (primary && primary->rollout_state && !strcmp(primary->rollout_state, "IN_PROGRESS"))) {
		problem_busy(x->p, "Target", s->name,
			     "a deployment is going on: wait until it is over, or stop it");
		return 0;
	}
	if (!s->current_deployment)
		return 0;
	if (ecs_describe_service_deployment(&x->env->client, s->current_deployment, x->env->arena,
					    &d, err))
		return -1;
	if (d.status != ECS_DEPLOYMENT_SUCCESSFUL && d.status != ECS_DEPLOYMENT_STOPPED &&
	    d.status != ECS_DEPLOYMENT_ROLLBACK_SUCCESSFUL &&
	    d.status != ECS_DEPLOYMENT_ROLLBACK_FAILED)
		problem_busy(x->p, "Target", s->name,
			     "a deployment is going on (%s): wait until it is over, or stop it",
			     ecs_deployment_status_name(d.status));
	return 0;
}

/* --- what is to be deployed ------------------------------------------------------------------- */

static bool has_port(const struct json *container, int64_t port)
{
	json_each(mapping, json_get(container, "portMappings")) {
		int64_t n;

		if (json_i64(json_get(mapping, "containerPort"), &n) && n == port)
			return true;
	}
	return false;
}

static void check_container(const struct first_look *x, const struct json *definition)
{
	const struct ecs_load_balancer *lb = &x->service.load_balancers[0];

	json_each(container, json_get(definition, "containerDefinitions")) {
		if (!lb->container_name ||
		    !str_is(json_text(json_get(container, "name")), lb->container_name))
			continue;
		if (!has_port(container, lb->container_port))
			problem_add(x->p, "task definition", lb->container_name,
				    "the load balancer leads to its port %lld, which the "
				    "definition does not map",
				    (long long)lb->container_port);
		return;
	}
	problem_add(x->p, "task definition", lb->container_name,
		    "the load balancer leads to this container, which the definition lacks");
}

static void check_going_back(const struct first_look *x, const struct ecs_task_definition *d)
{
	json_each(container, json_get(d->raw, "containerDefinitions")) {
		struct str image = json_text(json_get(container, "image"));

		if (image.n && !memmem(image.p, image.n, "@sha256:", 8))
			problem_warn(x->p, "Target", image.p,
				     "%s, which serves now, names this image by a tag: going back "
				     "starts whatever the tag means then",
				     ecs_definition_name(d->arn));
	}
}

static int check_definition(struct first_look *x, struct err *err)
{
	struct ecs_task_definition serving;
	struct ecs_definition d;
	size_t before = x->p->n_errors;

	if (!x->service.task_definition) {
		problem_add(x->p, "Target", x->service.name, "it has no task definition");
		return 0;
	}
	if (ecs_describe_task_definition(&x->env->client, x->service.task_definition, x->env->arena,
					 &serving, err) ||
	    ecs_definition_read(x->env, &serving, &d, x->p, err))
		return -1;
	check_going_back(x, &serving);
	if (x->p->n_errors == before && x->service.n_load_balancers == 1)
		check_container(x, d.json);
	x->r.definition = ecs_definition_name(serving.arn);
	return 0;
}

static int store(const struct first_look *x, char undo[LIMIT_UNDO + 1], struct err *err)
{
	return ecs_record_store(&x->r, undo, err);
}

/* --- native ----------------------------------------------------------------------------------- */

static void check_advanced(const struct first_look *x)
{
	const struct ecs_load_balancer *lb = &x->service.load_balancers[0];
	const char *name = x->service.name;

	if (!lb->alternate_target_group_arn)
		problem_add(x->p, "Target", name,
			    "it has no alternate target group to bring a candidate up in: give its "
			    "load balancer an advancedConfiguration, or write method: "
			    "two_services");
	if (!lb->production_rule)
		problem_add(x->p, "Target", name,
			    "it has no production listener rule in its load balancer's "
			    "advancedConfiguration");
	if (!lb->role_arn)
		problem_add(x->p, "Target", name,
			    "it has no infrastructure role in its load balancer's "
			    "advancedConfiguration: ECS could not change the listener rule");
	if (x->service.n_pause_hooks)
		problem_warn(x->p, "Target", name,
			     "it has lifecycle hooks that pause: this rollout's own take their "
			     "place and are removed with it");
}

/* ...:listener-rule/app/lb/1/2/3 of a default rule: its listener is what has the actions. */
static int use_listener_of_default_rule(struct first_look *x, struct err *err)
{
	const char *rule = x->choice.resource_arn, *word = strstr(rule, ":listener-rule/");
	const char *last = strrchr(rule, '/');
	struct elbv2_rule r;

	if (!word || !last)
		return 0;
	if (elbv2_describe_rule(&x->env->client, rule, x->env->arena, &r, err))
		return -1;
	if (r.is_default)
		x->choice.resource_arn =
			arena_printf(x->env->arena, "%.*s:listener/%.*s", (int)(word - rule), rule,
				     (int)(last - word - (ptrdiff_t)strlen(":listener-rule/")),
				     word + strlen(":listener-rule/"));
	return 0;
}

/* Of the two target groups, which one the service's tasks are in: its revisions take turns. */
static int find_group(struct first_look *x, struct err *err)
{
	const struct ecs_load_balancer *lb = &x->service.load_balancers[0];
	struct ecs_service_revision now = {.target_group_arn = NULL};
	const char *group;

	if (x->service.n_current_revisions > 0 &&
	    ecs_describe_service_revision(&x->env->client, x->service.current_revisions[0],
					  x->env->arena, &now, err))
		return -1;
	group = now.target_group_arn ? now.target_group_arn : lb->target_group_arn;
	x->choice.resource_arn = lb->production_rule;
	x->choice.baseline_arn = group;
	x->choice.candidate_arn = strcmp(group, lb->target_group_arn) != 0
					  ? lb->target_group_arn
					  : lb->alternate_target_group_arn;
	return use_listener_of_default_rule(x, err);
}

/* ECS goes back to its last completed deployment, whatever serves now. */
static int check_last_completed(const struct first_look *x, struct err *err)
{
	const struct ecs_service *s = &x->service;
	struct ecs_deployment_row *rows;
	size_t n, i = 0;

	if (ecs_list_service_deployments(&x->env->client, x->e->cluster, s->name, (struct utc){0},
					 ROWS_MOST, x->env->arena, &rows, &n, err))
		return -1;
	while (i < n && rows[i].status != ECS_DEPLOYMENT_SUCCESSFUL)
		i++;
	if (i == n || s->n_current_revisions == 0)
		problem_warn(x->p, "Target", s->name,
			     "no completed deployment of it is on record: what ECS would go back "
			     "to cannot be told beforehand");
	else if (!rows[i].revision_arn ||
		 strcmp(rows[i].revision_arn, s->current_revisions[0]) != 0)
		problem_add(x->p, "Target", s->name,
			    "ECS goes back to its last completed deployment, %s, but %s serves "
			    "now: let a deployment of what serves complete first",
			    rows[i].revision_arn ? ecs_definition_name(rows[i].revision_arn)
						 : "of no revision",
			    ecs_definition_name(s->current_revisions[0]));
	return 0;
}

/* ECS refuses a production rule that does more than forward. */
static int check_rule(const struct first_look *x, struct err *err)
{
	struct lb_forward f;

	if (lb_read_forward(x->env, x->r.lb.resource, &f, err))
		return -1;
	if (f.n_actions != 1)
		problem_add(x->p, "Target", x->r.lb.resource,
			    "the production rule has other actions beside its forward, which ECS "
			    "refuses");
	return 0;
}

static int inspect_native(struct first_look *x, char undo[LIMIT_UNDO + 1], struct err *err)
{
	size_t before = x->p->n_errors;
	bool there;

	if (describe(x, x->e->service, &x->service, &there, err))
		return -1;
	if (!there) {
		if (x->p->n_errors == before)
			problem_add(x->p, "Target", x->e->service,
				    "no such service in the cluster %s; create it first",
				    x->e->cluster);
		return 0;
	}
	check_serving(x, &x->service);
	if (x->p->n_errors == before && check_quiet(x, &x->service, err))
		return -1;
	if (x->service.n_load_balancers == 1)
		check_advanced(x);
	if (check_definition(x, err))
		return -1;
	if (x->p->n_errors > before)
		return 0;
	x->r.service = x->service.name;
	x->r.other = "";
	x->r.desired = x->service.desired;
	x->r.configuration = json_get(x->service.raw, "deploymentConfiguration");
	if (find_group(x, err) || check_last_completed(x, err) ||
	    lb_inspect(x->env, &x->choice, &x->r.lb, x->p, err))
		return -1;
	if (x->p->n_errors == before && check_rule(x, err))
		return -1;
	return x->p->n_errors > before ? 0 : store(x, undo, err);
}

/* --- two services ----------------------------------------------------------------------------- */

static void check_one_of_two(const struct first_look *x, const struct ecs_service *s)
{
	if (s->has_discovery || s->has_service_connect)
		problem_add(x->p, "Target", s->name,
			    "it is found by %s, which knows no weights: callers would not follow "
			    "the load balancer to another service",
			    s->has_discovery ? "service discovery" : "Service Connect");
	if (strcmp(s->strategy, "ROLLING") != 0)
		problem_warn(x->p, "Target", s->name,
			     "its own deployments are %s and would move the same rule: let nothing "
			     "else deploy to it",
			     s->strategy);
}

static const char *group_of(const struct ecs_service *s)
{
	return s->n_load_balancers == 1 && s->load_balancers[0].target_group_arn
		       ? s->load_balancers[0].target_group_arn
		       : "";
}

static bool has_traffic(const struct lb_forward *f, const struct ecs_service *s)
{
	return lb_weight(f, group_of(s)) > 0 || (f->n_groups == 1 && lb_has_group(f, group_of(s)));
}

/* Which of them serves is what the weights say. */
static bool find_roles(struct first_look *x, const struct lb_forward *f, struct ecs_service pair[2],
		       const bool there[2], struct ecs_service **other, bool *other_there)
{
	bool live[2];

	for (int i = 0; i < 2; i++)
		live[i] = there[i] && has_traffic(f, &pair[i]);
	if (live[0] && live[1]) {
		problem_busy(x->p, "Target", x->choice.resource_arn,
			     "both of the services %s and %s have traffic by it: somebody else is "
			     "deploying, or left it so; exactly one must have all of it",
			     x->e->service, ecs_twin_name(x->env->arena, x->e));
		return false;
	}
	if (!live[0] && !live[1]) {
		problem_add(x->p, "Target", x->choice.resource_arn,
			    "none of the services %s and %s has traffic by it; exactly one must "
			    "have all of it",
			    x->e->service, ecs_twin_name(x->env->arena, x->e));
		return false;
	}
	x->service = pair[live[1]];
	*other = &pair[live[0]];
	*other_there = there[live[0]];
	x->r.other = live[0] ? ecs_twin_name(x->env->arena, x->e) : x->e->service;
	return true;
}

/* The one that will be deployed to, when it is there. */
static int check_other(struct first_look *x, const struct ecs_service *other, struct err *err)
{
	const char *said = x->choice.candidate_arn;

	check_controller(x, other);
	check_balancer(x, other);
	check_one_of_two(x, other);
	if (said && strcmp(said, group_of(other)) != 0)
		problem_add(x->p, "Target", other->name,
			    "it is in the target group %s, not in the candidate of the plan",
			    group_of(other));
	x->choice.candidate_arn = group_of(other);
	if (strcmp(other->status, "ACTIVE") != 0)
		return 0;
	x->r.other_desired = other->desired;
	return check_quiet(x, other, err);
}

static int inspect_roles(struct first_look *x, struct ecs_service *other, bool other_there,
			 struct err *err)
{
	check_serving(x, &x->service);
	check_one_of_two(x, &x->service);
	if (check_quiet(x, &x->service, err))
		return -1;
	x->r.service = x->service.name;
	x->r.desired = x->service.desired;
	x->r.other_desired = -1;
	x->choice.baseline_arn = group_of(&x->service);
	if (other_there && check_other(x, other, err))
		return -1;
	if (!other_there)
		problem_warn(x->p, "Target", x->r.other,
			     "the service is created like %s; service auto scaling belongs to each "
			     "service by itself, so it has none until it is given some",
			     x->service.name);
	return check_definition(x, err);
}

static int inspect_two(struct first_look *x, char undo[LIMIT_UNDO + 1], struct err *err)
{
	const char *names[] = {x->e->service, ecs_twin_name(x->env->arena, x->e)};
	size_t before = x->p->n_errors;
	struct ecs_service pair[2], *other;
	struct lb_forward f;
	bool there[2], other_there;

	x->choice = x->env->plan->target.lb;
	for (int i = 0; i < 2 && x->p->n_errors == before; i++)
		if (describe(x, names[i], &pair[i], &there[i], err))
			return -1;
	if (x->p->n_errors > before)
		return 0;
	if (!there[0] && !there[1]) {
		problem_add(x->p, "Target", names[0],
			    "neither this service nor %s is in the cluster %s; create one first",
			    names[1], x->e->cluster);
		return 0;
	}
	if (lb_read_forward(x->env, x->choice.resource_arn, &f, err)) {
		if (err->code != ERR_REJECTED && err->code != ERR_NOT_FOUND)
			return -1;
		problem_add(x->p, "Target", x->choice.resource_arn, "%s", err->text);
		*err = ERR_INIT;
		return 0;
	}
	if (!find_roles(x, &f, pair, there, &other, &other_there))
		return 0;
	if (inspect_roles(x, other, other_there, err))
		return -1;
	if (x->p->n_errors > before)
		return 0;
	if (lb_inspect(x->env, &x->choice, &x->r.lb, x->p, err))
		return -1;
	return x->p->n_errors > before ? 0 : store(x, undo, err);
}

int ecs_inspect(const struct target_env *env, char undo[LIMIT_UNDO + 1], bool *first,
		struct problems *p, struct err *err)
{
	const struct plan_ecs *e = &env->plan->target.ecs;
	struct first_look x = {.env = env,
			       .e = e,
			       .p = p,
			       .r = {.method = e->method, .cluster = e->cluster},
			       .choice = env->plan->target.lb};

	*first = false;
	return e->method == ECS_NATIVE ? inspect_native(&x, undo, err) : inspect_two(&x, undo, err);
}
