#include "tests/sim/sim_ecs.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * The simulated ECS: its model, and the dispatch of calls. What takes time in ECS takes time here:
 * a task is provisioned, its image pulled, its target checked; a deployment goes through its
 * stages. Assumptions that AWS does not document are in tests/sim/README.md.
 */

/* --- names --------------------------------------------------------------------------------- */

const char *sim_ecs_stage_name(enum sim_ecs_stage stage)
{
	static const char *const names[SIM_ECS_STAGES] = {
		"RECONCILE_SERVICE",
		"PRE_SCALE_UP",
		"SCALE_UP",
		"POST_SCALE_UP",
		"TEST_TRAFFIC_SHIFT",
		"POST_TEST_TRAFFIC_SHIFT",
		"PRE_PRODUCTION_TRAFFIC_SHIFT",
		"PRODUCTION_TRAFFIC_SHIFT",
		"POST_PRODUCTION_TRAFFIC_SHIFT",
		"BAKE_TIME",
		"CLEAN_UP",
	};
	return names[stage];
}

const char *sim_ecs_status_name(enum sim_ecs_status status)
{
	static const char *const names[SIM_ECS_STATUSES] = {
		"PENDING",
		"IN_PROGRESS",
		"SUCCESSFUL",
		"STOP_REQUESTED",
		"STOPPED",
		"ROLLBACK_REQUESTED",
		"ROLLBACK_IN_PROGRESS",
		"ROLLBACK_SUCCESSFUL",
		"ROLLBACK_FAILED",
	};
	return names[status];
}

const char *sim_ecs_strategy_name(enum sim_ecs_strategy strategy)
{
	static const char *const names[SIM_ECS_STRATEGIES] = {"ROLLING", "BLUE_GREEN", "LINEAR",
							      "CANARY"};
	return names[strategy];
}

const char *sim_ecs_controller_name(enum sim_ecs_controller controller)
{
	static const char *const names[SIM_ECS_CONTROLLERS] = {"ECS", "CODE_DEPLOY", "EXTERNAL"};
	return names[controller];
}

/* --- looking things up --------------------------------------------------------------------- */

struct sim_ecs_cluster *sim_ecs_cluster_find(struct sim_ecs_state *e, struct str what)
{
	for (struct sim_ecs_cluster *k = e->clusters; k; k = k->next)
		if (str_is(what, k->name) || str_is(what, k->arn))
			return k;
	return NULL;
}

struct sim_ecs_cluster *sim_ecs_cluster_new(struct sim_ecs_state *e, struct str name)
{
	struct sim_ecs_cluster *k = arena_new_of(e->arena, struct sim_ecs_cluster);
	k->name = str_dup(e->arena, name);
	k->arn = arena_printf(e->arena, "arn:aws:ecs:" SIM_REGION ":" SIM_ACCOUNT ":cluster/%s",
			      k->name);
	k->next = e->clusters;
	e->clusters = k;
	return k;
}

/* Of one name the newest; deleted ones stay visible for a while. */
struct sim_ecs_service *sim_ecs_service_find(struct sim_ecs_state *e,
					     const struct sim_ecs_cluster *cluster, struct str what)
{
	for (struct sim_ecs_service *v = e->services; v; v = v->next)
		if (v->cluster == cluster && (str_is(what, v->name) || str_is(what, v->arn)))
			return v;
	return NULL;
}

struct sim_ecs_cluster *sim_ecs_need_cluster(struct sim_ecs_call *c)
{
	struct str name = json_text(json_get(c->in, "cluster"));
	struct sim_ecs_cluster *k = sim_ecs_cluster_find(c->e, name.n ? name : STR("default"));
	if (!k)
		(void)sim_ecs_error(c, "ClusterNotFoundException", "Cluster not found.");
	return k;
}

struct sim_ecs_service *sim_ecs_need_service(struct sim_ecs_call *c)
{
	const struct sim_ecs_cluster *k = sim_ecs_need_cluster(c);
	struct sim_ecs_service *v =
		k ? sim_ecs_service_find(c->e, k, json_text(json_get(c->in, "service"))) : NULL;
	if (k && !v)
		(void)sim_ecs_error(c, "ServiceNotFoundException", "Service not found.");
	return v;
}

struct sim_ecs_deployment *sim_ecs_deployment_find(struct sim_ecs_state *e, struct str arn,
						   struct sim_ecs_service **service)
{
	for (struct sim_ecs_service *v = e->services; v; v = v->next)
		for (struct sim_ecs_deployment *d = v->deployments; d; d = d->next)
			if (str_is(arn, d->arn)) {
				*service = v;
				return d;
			}
	return NULL;
}

bool sim_ecs_is_seen(const struct sim_ecs_call *c, const struct sim_ecs_deployment *d)
{
	return c->now.ms - d->created.ms >= c->e->hidden_ms;
}

/* --- small things -------------------------------------------------------------------------- */

const char *sim_ecs_word(struct sim *s, struct sim_ecs_state *e, size_t n)
{
	static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
	char *word = arena_alloc(e->arena, n + 1);
	for (size_t i = 0; i < n; i++)
		word[i] = letters[rng_below(sim_dice(s), sizeof(letters) - 1)];
	return word;
}

const struct json *sim_ecs_keep(struct sim_ecs_state *e, const struct json *node)
{
	struct err err = ERR_INIT;
	struct json *copy = NULL;
	struct json_out o;
	struct buf b;
	if (!node)
		return NULL;
	buf_init(&b, 1u << 20);
	json_out_init(&o, &b);
	json_out_node(&o, node);
	if (json_parse(e->arena, buf_str(&b), &copy, &err))
		copy = NULL; /* cannot be: it was just written */
	buf_release(&b);
	return copy;
}

void sim_ecs_event(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_service *v,
		   const char *fmt, ...)
{
	char text[512], id[RNG_UUID_SIZE];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	memmove(&v->events[1], &v->events[0], (SIM_ECS_EVENTS - 1) * sizeof(v->events[0]));
	rng_uuid(sim_dice(s), id);
	v->events[0] = (struct sim_ecs_event){
		.at = sim_now(s),
		.id = arena_strdup(e->arena, id),
		.message = arena_printf(e->arena, "(service %s) %s", v->name, text),
	};
	if (v->n_events < SIM_ECS_EVENTS)
		v->n_events++;
}

void sim_ecs_time(struct json_out *o, const char *key, struct utc t)
{
	if (t.ms)
		json_member_double(o, key, (double)t.ms / 1000);
}

void sim_ecs_failure(struct json_out *o, struct str arn)
{
	json_out_object(o);
	json_member_str(o, "arn", arn);
	json_member_cstr(o, "reason", "MISSING");
	json_out_end(o);
}

/* --- the service --------------------------------------------------------------------------- */

static void *create(struct sim *s)
{
	struct sim_ecs_state *e = xcalloc(1, sizeof(*e));
	(void)s;
	e->arena = arena_new();
	e->provision_ms = 5000;
	e->pull_ms = 10000;
	e->stop_ms = 3000;
	e->stage_ms = 3000;
	e->shift_ms = 5000;
	e->network_shift_ms = INT64_C(600) * 1000;
	return e;
}

static void destroy(void *state)
{
	struct sim_ecs_state *e = state;
	if (!e)
		return;
	arena_free(e->arena);
	free(e);
}

static void advance(struct sim *s, void *state, struct utc now)
{
	struct sim_ecs_state *e = state;
	(void)now;
	sim_ecs_tasks_step(s, e);
	for (struct sim_ecs_service *v = e->services; v; v = v->next) {
		if (v->status == SIM_ECS_INACTIVE)
			continue;
		sim_ecs_deployment_step(s, e, v);
		sim_ecs_schedule(s, e, v);
	}
}

int sim_ecs_error(const struct sim_ecs_call *c, const char *code, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!c->x)
		return err_set(c->err, ERR_REJECTED, "%s: %s", code, text);
	sim_reply_error(c->x, SIM_WIRE_JSON, 400, code, "%s", text);
	return -1;
}

int sim_ecs_run(struct sim_ecs_call *c, const char *operation)
{
	static const struct {
		const char *name;
		int (*run)(struct sim_ecs_call *c);
	} operations[] = {
		{"DescribeClusters", sim_ecs_describe_clusters},
		{"DescribeServices", sim_ecs_describe_services},
		{"CreateService", sim_ecs_create_service},
		{"UpdateService", sim_ecs_update_service},
		{"DeleteService", sim_ecs_delete_service},
		{"RegisterTaskDefinition", sim_ecs_register},
		{"DescribeTaskDefinition", sim_ecs_describe_taskdef},
		{"DeregisterTaskDefinition", sim_ecs_deregister},
		{"ListServiceDeployments", sim_ecs_list_deployments},
		{"DescribeServiceDeployments", sim_ecs_describe_deployments},
		{"DescribeServiceRevisions", sim_ecs_describe_revisions},
		{"ContinueServiceDeployment", sim_ecs_continue},
		{"StopServiceDeployment", sim_ecs_stop_deployment},
		{"ListTasks", sim_ecs_list_tasks},
		{"DescribeTasks", sim_ecs_describe_tasks},
		{"StopTask", sim_ecs_stop_task},
		{"ListTagsForResource", sim_ecs_list_tags},
		{"TagResource", sim_ecs_tag},
	};
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (strcmp(operation, operations[i].name) != 0)
			continue;
		if (sim_ecs_check(c, operation))
			return -1;
		return operations[i].run(c);
	}
	return sim_ecs_error(c, "UnsupportedFeatureException",
			     "the simulator has no operation %.64s", operation);
}

static void handle(struct sim *s, void *state, const struct sim_exchange *x)
{
	struct json empty = {.type = JSON_OBJECT};
	struct sim_ecs_call c = {.s = s, .e = state, .x = x, .arena = x->arena, .now = x->now};
	struct json_out o;
	struct buf b;
	c.in = x->json ? x->json : &empty;
	buf_init(&b, 8u << 20);
	json_out_init(&o, &b);
	c.out = &o;
	json_out_object(&o);
	if (sim_ecs_run(&c, x->operation) == 0) {
		json_out_end(&o);
		sim_reply_json(x, 200, buf_str(&b));
	}
	buf_release(&b);
}

const struct sim_service sim_ecs = {
	.name = "ecs",
	.create = create,
	.destroy = destroy,
	.advance = advance,
	.handle = handle,
	.control = sim_ecs_control,
};
