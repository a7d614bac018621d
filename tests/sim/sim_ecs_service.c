#include "tests/sim/sim_ecs.h"

/*
 * Services of the simulated ECS: made, changed, deleted. A change of what runs starts a deployment,
 * a change of how many or of how it is deployed does not; a service of CodeDeploy's controller lets
 * nobody else change what runs.
 */

#define BAD "InvalidParameterException"

const struct sim_ecs_member_spec sim_ecs_members[SIM_ECS_MEMBERS] = {
	[SIM_ECS_LOAD_BALANCERS] = {"loadBalancers", "loadBalancers", true, true},
	[SIM_ECS_NETWORK] = {"networkConfiguration", "networkConfiguration", true, true},
	[SIM_ECS_PLATFORM_VERSION] = {"platformVersion", "platformVersion", true, true},
	[SIM_ECS_CAPACITY_PROVIDERS] = {"capacityProviderStrategy", "capacityProviderStrategy",
					true, true},
	[SIM_ECS_SERVICE_REGISTRIES] = {"serviceRegistries", "serviceRegistries", true, true},
	[SIM_ECS_SERVICE_CONNECT] = {"serviceConnectConfiguration", NULL, true, true},
	[SIM_ECS_VOLUMES] = {"volumeConfigurations", NULL, true, true},
	[SIM_ECS_LATTICE] = {"vpcLatticeConfigurations", NULL, true, true},
	[SIM_ECS_LAUNCH_TYPE] = {"launchType", "launchType", false, false},
	[SIM_ECS_ROLE] = {"role", "roleArn", false, false},
	[SIM_ECS_SCHEDULING] = {"schedulingStrategy", "schedulingStrategy", false, false},
	[SIM_ECS_PLACEMENT_CONSTRAINTS] = {"placementConstraints", "placementConstraints", true,
					   true},
	[SIM_ECS_PLACEMENT_STRATEGY] = {"placementStrategy", "placementStrategy", true, true},
	[SIM_ECS_PROPAGATE_TAGS] = {"propagateTags", "propagateTags", true, false},
	[SIM_ECS_MANAGED_TAGS] = {"enableECSManagedTags", "enableECSManagedTags", true, false},
	[SIM_ECS_EXECUTE_COMMAND] = {"enableExecuteCommand", "enableExecuteCommand", true, false},
	[SIM_ECS_REBALANCING] = {"availabilityZoneRebalancing", "availabilityZoneRebalancing", true,
				 false},
	[SIM_ECS_GRACE_PERIOD] = {"healthCheckGracePeriodSeconds", "healthCheckGracePeriodSeconds",
				  true, false},
	[SIM_ECS_MONITORING] = {"monitoring", NULL, true, true},
};

/* --- what a request says ------------------------------------------------------------------- */

/* A service as it would be after the request. */
struct wish {
	struct sim_ecs_config config;
	const struct json *member[SIM_ECS_MEMBERS];
	struct sim_ecs_taskdef *def;
	int64_t desired;
	bool deploys;
};

static bool same(struct arena *a, const struct json *one, const struct json *two)
{
	struct buf b[2];
	const struct json *node[2] = {one, two};
	bool equal;
	(void)a;
	for (size_t i = 0; i < 2; i++) {
		struct json_out o;
		buf_init(&b[i], 1u << 20);
		json_out_init(&o, &b[i]);
		if (node[i])
			json_out_node(&o, node[i]);
	}
	equal = str_eq(buf_str(&b[0]), buf_str(&b[1]));
	buf_release(&b[0]);
	buf_release(&b[1]);
	return equal;
}

/* Members over what the wish holds. */
static void take_members(struct sim_ecs_call *c, bool create, struct wish *w)
{
	for (size_t i = 0; i < SIM_ECS_MEMBERS; i++) {
		const struct sim_ecs_member_spec *m = &sim_ecs_members[i];
		const struct json *given = json_get(c->in, m->name);
		if (!given || (!create && !m->update))
			continue;
		if (m->deploys && !same(c->arena, given, w->member[i]))
			w->deploys = true;
		w->member[i] = sim_ecs_keep(c->e, given);
	}
}

static int take_taskdef(struct sim_ecs_call *c, struct wish *w)
{
	struct str name = json_text(json_get(c->in, "taskDefinition"));
	struct sim_ecs_taskdef *d = name.n ? sim_ecs_taskdef_find(c->e, name) : w->def;
	if (name.n && !d)
		return sim_ecs_error(c, "ClientException", "TaskDefinition not found.");
	if (name.n && !d->active)
		return sim_ecs_error(c, "ClientException", "TaskDefinition is inactive");
	if (d != w->def)
		w->deploys = true;
	w->def = d;
	return 0;
}

static int take_desired(struct sim_ecs_call *c, struct wish *w)
{
	const struct json *v = json_get(c->in, "desiredCount");
	if (v && (!json_i64(v, &w->desired) || w->desired < 0 || w->desired > 5000))
		return sim_ecs_error(c, BAD, "desiredCount must be 0 to 5000");
	return 0;
}

/* --- making one ---------------------------------------------------------------------------- */

static int take_controller(struct sim_ecs_call *c, enum sim_ecs_controller *out)
{
	struct str type = json_text(json_at(c->in, "deploymentController.type"));
	*out = SIM_ECS_NATIVE;
	if (!type.n)
		return 0;
	for (int i = 0; i < SIM_ECS_CONTROLLERS; i++)
		if (str_is(type, sim_ecs_controller_name((enum sim_ecs_controller)i))) {
			*out = (enum sim_ecs_controller)i;
			return 0;
		}
	return sim_ecs_error(c, BAD, "deployment controller '" STR_FMT "' is unknown",
			     STR_ARG(type));
}

/* 1: the same request came before, and its service has been answered. */
static int check_name(struct sim_ecs_call *c, const struct sim_ecs_cluster *cluster,
		      struct str name)
{
	struct str token = json_text(json_get(c->in, "clientToken"));
	const struct sim_ecs_service *have = sim_ecs_service_find(c->e, cluster, name);
	if (!name.n || name.n > 255)
		return sim_ecs_error(c, BAD, "serviceName must have 1 to 255 characters");
	if (!have || have->status == SIM_ECS_INACTIVE)
		return 0;
	if (have->status == SIM_ECS_DRAINING)
		return sim_ecs_error(c, BAD, "Unable to Start a service that is still Draining.");
	if (!token.n || !str_is(token, have->client_token))
		return sim_ecs_error(c, BAD, "Creation of service was not idempotent.");
	sim_ecs_write_service(c, have, true);
	return 1;
}

static struct sim_ecs_service *new_service(struct sim_ecs_call *c, struct sim_ecs_cluster *cluster,
					   const struct wish *w, enum sim_ecs_controller controller)
{
	struct sim_ecs_state *e = c->e;
	struct sim_ecs_service *v = arena_new_of(e->arena, struct sim_ecs_service);
	v->cluster = cluster;
	v->name = str_dup(e->arena, json_text(json_get(c->in, "serviceName")));
	v->client_token = str_dup(e->arena, json_text(json_get(c->in, "clientToken")));
	v->arn = arena_printf(e->arena, "arn:aws:ecs:" SIM_REGION ":" SIM_ACCOUNT ":service/%s/%s",
			      cluster->name, v->name);
	v->controller = controller;
	v->desired = w->desired;
	v->config = w->config;
	memcpy(v->member, w->member, sizeof(v->member));
	v->def = w->def;
	v->created = c->now;
	v->next = e->services;
	e->services = v;
	sim_ecs_set_tags(e, v->arn, json_get(c->in, "tags"));
	return v;
}

int sim_ecs_create_service(struct sim_ecs_call *c)
{
	struct wish w = {
		.config = {.bake_min = -1,
			   .canary_percent = 5,
			   .canary_bake_min = 10,
			   .step_percent = 10,
			   .step_bake_min = 6,
			   .maximum_percent = 200,
			   .minimum_percent = 100,
			   .breaker_reset = true},
	};
	struct sim_ecs_cluster *cluster = sim_ecs_need_cluster(c);
	enum sim_ecs_controller controller;
	struct sim_ecs_service *v;
	int known;
	if (!cluster || take_controller(c, &controller) ||
	    (known = check_name(c, cluster, json_text(json_get(c->in, "serviceName")))) < 0)
		return -1;
	if (known)
		return 0;
	if (!json_get(c->in, "taskDefinition") && controller != SIM_ECS_EXTERNAL)
		return sim_ecs_error(c, BAD, "TaskDefinition can not be blank.");
	take_members(c, true, &w);
	if (take_taskdef(c, &w) || take_desired(c, &w) ||
	    sim_ecs_config_take(c, json_get(c->in, "deploymentConfiguration"), controller,
				&w.config) ||
	    sim_ecs_check_balancers(c, w.member[SIM_ECS_LOAD_BALANCERS], &w.config, w.def))
		return -1;
	v = new_service(c, cluster, &w, controller);
	if (controller != SIM_ECS_EXTERNAL)
		sim_ecs_deploy(c->s, c->e, v);
	sim_ecs_write_service(c, v, true);
	return 0;
}

/* --- changing one -------------------------------------------------------------------------- */

/* What the controller of the service leaves to others. */
static int check_controller(struct sim_ecs_call *c, const struct sim_ecs_service *v)
{
	static const char *const always[] = {"cluster", "service", "desiredCount",
					     "healthCheckGracePeriodSeconds",
					     "deploymentConfiguration"};
	const struct json *type = json_at(c->in, "deploymentController.type");
	if (type && !str_is(json_text(type), sim_ecs_controller_name(v->controller)))
		return sim_ecs_error(c, BAD, "the deployment controller cannot be changed here");
	if (v->controller == SIM_ECS_NATIVE)
		return 0;
	json_each(m, c->in) {
		/* the last of these is not for task sets */
		size_t n = sizeof(always) / sizeof(always[0]) - (v->controller == SIM_ECS_EXTERNAL);
		bool allowed = m->type == JSON_NULL || str_is(m->key, "deploymentController");
		for (size_t i = 0; i < n; i++)
			allowed = allowed || str_is(m->key, always[i]);
		if (allowed)
			continue;
		if (v->controller == SIM_ECS_CODE_DEPLOY)
			return sim_ecs_error(c, BAD,
					     "Unable to update " STR_FMT
					     " on services with a CODE_DEPLOY deployment "
					     "controller. Use AWS CodeDeploy to trigger a new "
					     "deployment.",
					     STR_ARG(m->key));
		return sim_ecs_error(c, BAD,
				     "Unable to update " STR_FMT
				     " on services with an EXTERNAL deployment controller.",
				     STR_ARG(m->key));
	}
	return 0;
}

/* Everything that runs is as many as the service wants. */
static void scale(struct sim_ecs_service *v)
{
	const struct sim_ecs_deployment *d = v->deployments;
	if (!d || sim_ecs_is_over(d)) {
		if (v->primary)
			v->primary->desired = v->desired;
		return;
	}
	if (!d->native)
		return; /* the scheduler of a rolling deployment reads the service itself */
	if (d->source && d->source->desired)
		d->source->desired = v->desired;
	if (d->target->desired)
		d->target->desired = v->desired;
}

int sim_ecs_update_service(struct sim_ecs_call *c)
{
	struct sim_ecs_service *v = sim_ecs_need_service(c);
	struct wish w = {.deploys = false};
	if (!v)
		return -1;
	if (v->status != SIM_ECS_ACTIVE)
		return sim_ecs_error(c, "ServiceNotActiveException", "Service was not ACTIVE.");
	if (check_controller(c, v))
		return -1;
	w.config = v->config;
	memcpy(w.member, v->member, sizeof(w.member));
	w.def = v->def;
	w.desired = v->desired;
	take_members(c, false, &w);
	if (take_taskdef(c, &w) || take_desired(c, &w) ||
	    sim_ecs_config_take(c, json_get(c->in, "deploymentConfiguration"), v->controller,
				&w.config))
		return -1;
	w.deploys = w.deploys || json_bool(json_get(c->in, "forceNewDeployment"), false);
	if (w.deploys &&
	    sim_ecs_check_balancers(c, w.member[SIM_ECS_LOAD_BALANCERS], &w.config, w.def))
		return -1;
	if (w.deploys && v->deployments && sim_ecs_is_rolling_back(v->deployments))
		return sim_ecs_error(c, BAD, "The service deployment %s is being rolled back.",
				     v->deployments->arn);
	v->config = w.config;
	memcpy(v->member, w.member, sizeof(v->member));
	v->def = w.def;
	v->desired = w.desired;
	scale(v);
	if (w.deploys)
		sim_ecs_deploy(c->s, c->e, v);
	sim_ecs_write_service(c, v, false);
	return 0;
}

/* --- deleting one -------------------------------------------------------------------------- */

int sim_ecs_delete_service(struct sim_ecs_call *c)
{
	struct sim_ecs_service *v = sim_ecs_need_service(c);
	if (!v)
		return -1;
	if (v->status == SIM_ECS_INACTIVE)
		return sim_ecs_error(c, "ServiceNotFoundException", "Service not found.");
	if (v->desired > 0 && !json_bool(json_get(c->in, "force"), false))
		return sim_ecs_error(c, BAD,
				     "The service cannot be stopped while it is scaled above 0.");
	v->status = SIM_ECS_DRAINING;
	v->desired = 0;
	if (v->deployments && !sim_ecs_is_over(v->deployments)) {
		v->deployments->status = SIM_ECS_STOPPED;
		v->deployments->reason = "The service was deleted.";
		v->deployments->finished = v->deployments->stopped = c->now;
	}
	for (struct sim_ecs_revision *r = v->revisions; r; r = r->next)
		r->desired = 0;
	sim_ecs_write_service(c, v, false);
	return 0;
}

/* --- reading ------------------------------------------------------------------------------- */

int sim_ecs_describe_services(struct sim_ecs_call *c)
{
	const struct sim_ecs_cluster *k = sim_ecs_need_cluster(c);
	const struct json *names = json_get(c->in, "services");
	bool tags = false;
	if (!k)
		return -1;
	if (!names || !names->n || names->n > 10)
		return sim_ecs_error(c, BAD, "Services must have 1 to 10 items.");
	json_each(i, json_get(c->in, "include")) {
		tags = tags || str_is(json_text(i), "TAGS");
	}
	json_out_key(c->out, "services");
	json_out_array(c->out);
	json_each(n, names) {
		const struct sim_ecs_service *v = sim_ecs_service_find(c->e, k, json_text(n));
		struct sim_ecs_call inner = *c;
		if (!v)
			continue;
		inner.in = NULL; /* as an element of the list */
		sim_ecs_write_service(&inner, v, tags);
	}
	json_out_end(c->out);
	json_out_key(c->out, "failures");
	json_out_array(c->out);
	json_each(n, names) {
		struct str name = json_text(n);
		if (sim_ecs_service_find(c->e, k, name))
			continue;
		if (!str_starts(name, "arn:"))
			name = str_from(arena_printf(c->arena,
						     "arn:aws:ecs:" SIM_REGION ":" SIM_ACCOUNT
						     ":service/%s/" STR_FMT,
						     k->name, STR_ARG(name)));
		sim_ecs_failure(c->out, name);
	}
	json_out_end(c->out);
	return 0;
}

static void write_cluster(struct sim_ecs_call *c, const struct sim_ecs_cluster *k)
{
	struct sim_ecs_counts all = {0};
	int64_t services = 0;
	for (const struct sim_ecs_service *v = c->e->services; v; v = v->next) {
		struct sim_ecs_counts n;
		if (v->cluster != k || v->status == SIM_ECS_INACTIVE)
			continue;
		n = sim_ecs_count(c->s, c->e, v, NULL);
		services += v->status == SIM_ECS_ACTIVE;
		all.running += n.running;
		all.pending += n.pending;
	}
	json_out_object(c->out);
	json_member_cstr(c->out, "clusterArn", k->arn);
	json_member_cstr(c->out, "clusterName", k->name);
	json_member_cstr(c->out, "status", "ACTIVE");
	json_member_i64(c->out, "registeredContainerInstancesCount", 0);
	json_member_i64(c->out, "runningTasksCount", all.running);
	json_member_i64(c->out, "pendingTasksCount", all.pending);
	json_member_i64(c->out, "activeServicesCount", services);
	json_out_end(c->out);
}

int sim_ecs_describe_clusters(struct sim_ecs_call *c)
{
	const struct json *names = json_get(c->in, "clusters");
	struct json def = {.type = JSON_STRING, .text = STR("default")},
		    list = {.type = JSON_ARRAY, .first = &def, .n = 1};
	if (!names || !names->n)
		names = &list;
	json_out_key(c->out, "clusters");
	json_out_array(c->out);
	json_each(n, names) {
		const struct sim_ecs_cluster *k = sim_ecs_cluster_find(c->e, json_text(n));
		if (k)
			write_cluster(c, k);
	}
	json_out_end(c->out);
	json_out_key(c->out, "failures");
	json_out_array(c->out);
	json_each(n, names) {
		if (!sim_ecs_cluster_find(c->e, json_text(n)))
			sim_ecs_failure(c->out, json_text(n));
	}
	json_out_end(c->out);
	return 0;
}
