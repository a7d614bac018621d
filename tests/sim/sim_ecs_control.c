#include "tests/sim/sim_ecs.h"

#include <stdio.h>

/*
 * Control of the simulated ECS: services as tests want them, with their tasks running, and what
 * other people do to them while a rollout is under way. The commands are described in
 * tests/sim/README.md. What somebody does goes the way of the call that they would make.
 */

/* Run an operation with this body, as somebody else would; its answer goes nowhere. */
static int perform(struct sim_ecs_call *c, const char *operation, struct str body)
{
	struct json *in = NULL;
	struct json_out o, *out = c->out;
	struct buf b;
	int rc;
	if (json_parse(c->arena, body, &in, c->err))
		return -1;
	buf_init(&b, 8u << 20);
	json_out_init(&o, &b);
	json_out_object(&o);
	c->out = &o;
	c->in = in;
	rc = sim_ecs_run(c, operation);
	c->out = out;
	buf_release(&b);
	return rc;
}

/* "CLUSTER/NAME" */
static struct sim_ecs_service *find(struct sim_ecs_call *c, struct str what)
{
	struct str name = what, cluster;
	const struct sim_ecs_cluster *k;
	struct sim_ecs_service *v = NULL;
	if (str_next(&name, '/', &cluster) && (k = sim_ecs_cluster_find(c->e, cluster)))
		v = sim_ecs_service_find(c->e, k, name);
	if (!v)
		(void)err_set(c->err, ERR_NOT_FOUND, "ecs: no service '" STR_FMT "'",
			      STR_ARG(what));
	return v;
}

/* --- settings and images ------------------------------------------------------------------- */

static int get_ms(const struct sim_words *w, const char *key, int64_t *out, struct err *err)
{
	if (sim_word_value(w, key).n && !sim_word_ms(w, key, out))
		return err_set(err, ERR_REJECTED, "%s: not a duration", key);
	return 0;
}

static int do_settings(struct sim_ecs_call *c, const struct sim_words *w)
{
	struct sim_ecs_state *e = c->e;
	struct str told = sim_word_value(w, "pre_stage");
	if (get_ms(w, "provision", &e->provision_ms, c->err) ||
	    get_ms(w, "pull", &e->pull_ms, c->err) || get_ms(w, "stop", &e->stop_ms, c->err) ||
	    get_ms(w, "stage", &e->stage_ms, c->err) || get_ms(w, "shift", &e->shift_ms, c->err) ||
	    get_ms(w, "network_shift", &e->network_shift_ms, c->err) ||
	    get_ms(w, "hidden", &e->hidden_ms, c->err))
		return -1;
	if (told.n && !str_is(told, "told") && !str_is(told, "hidden"))
		return err_set(c->err, ERR_REJECTED, "pre_stage: must be told or hidden");
	e->pre_stage_told = told.n ? str_is(told, "told") : e->pre_stage_told;
	return 0;
}

/* ecs image NAME errors=0.4 crash=30s */
static int do_image(struct sim_ecs_call *c, const struct sim_words *w)
{
	struct sim_ecs_does probe = {.crash_after_ms = 0};
	struct str name = sim_word(w, 2);
	struct sim_ecs_image *i = c->e->images;
	struct buf b;
	if (!name.n)
		return err_set(c->err, ERR_REJECTED, "ecs image: a name is missing");
	buf_init(&b, 64u << 10);
	for (size_t k = 3; k < w->n; k++) {
		struct str value = w->word[k], key;
		if (!str_next(&value, '=', &key) || sim_ecs_does_set(&probe, key, value, c->err)) {
			buf_release(&b);
			return err_set(c->err, ERR_REJECTED,
				       "ecs image: '" STR_FMT "' says nothing about an image",
				       STR_ARG(w->word[k]));
		}
		buf_add_str(&b, w->word[k]);
		buf_addc(&b, ' ');
	}
	while (i && !str_is(name, i->name))
		i = i->next;
	if (!i) {
		i = arena_new_of(c->e->arena, struct sim_ecs_image);
		i->name = str_dup(c->e->arena, name);
		i->next = c->e->images;
		c->e->images = i;
	}
	i->words = str_dup(c->e->arena, buf_str(&b));
	buf_release(&b);
	sim_ecs_tasks_refresh(c->s, c->e);
	return 0;
}

/* --- services ------------------------------------------------------------------------------ */

/* The value of a word, or what stands for it. */
static struct str value_or(const struct sim_words *w, const char *key, const char *otherwise)
{
	struct str v = sim_word_value(w, key);
	return v.n ? v : str_from(otherwise);
}

static int register_image(struct sim_ecs_call *c, struct str family, struct str container,
			  struct str image)
{
	struct json_out o;
	struct buf b;
	int rc;
	buf_init(&b, 64u << 10);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_str(&o, "family", family);
	json_member_cstr(&o, "networkMode", "awsvpc");
	json_out_key(&o, "requiresCompatibilities");
	json_out_array(&o);
	json_out_cstr(&o, "FARGATE");
	json_out_end(&o);
	json_member_cstr(&o, "cpu", "256");
	json_member_cstr(&o, "memory", "512");
	json_member_cstr(&o, "executionRoleArn", "arn:aws:iam::" SIM_ACCOUNT ":role/ecs-execution");
	json_out_key(&o, "containerDefinitions");
	json_out_array(&o);
	json_out_object(&o);
	json_member_str(&o, "name", container);
	json_member_str(&o, "image", image);
	json_member_bool(&o, "essential", true);
	json_out_key(&o, "portMappings");
	json_out_array(&o);
	json_out_object(&o);
	json_member_i64(&o, "containerPort", 8080);
	json_member_cstr(&o, "protocol", "tcp");
	json_out_end(&o);
	json_out_end(&o);
	json_out_end(&o);
	json_out_end(&o);
	json_out_end(&o);
	rc = perform(c, "RegisterTaskDefinition", buf_str(&b));
	buf_release(&b);
	return rc;
}

/* ARN of what the load balancing part of the simulator knows under this name. */
static struct str rule_arn(struct sim_ecs_call *c, struct str name)
{
	const char *arn = sim_elbv2_arn(c->s, name);
	return arn ? str_from(arn) : name;
}

static void write_balancer(struct sim_ecs_call *c, const struct sim_words *w, struct json_out *o)
{
	struct str group = sim_word_value(w, "group"), alternate = sim_word_value(w, "alternate"),
		   rule = sim_word_value(w, "rule"), test = sim_word_value(w, "test_rule");
	if (!group.n)
		return;
	json_out_key(o, "loadBalancers");
	json_out_array(o);
	json_out_object(o);
	json_member_str(o, "targetGroupArn", rule_arn(c, group));
	json_member_str(o, "containerName", value_or(w, "container", "app"));
	json_member_i64(o, "containerPort", 8080);
	if (alternate.n) {
		json_out_key(o, "advancedConfiguration");
		json_out_object(o);
		json_member_str(o, "alternateTargetGroupArn", rule_arn(c, alternate));
		if (rule.n)
			json_member_str(o, "productionListenerRule", rule_arn(c, rule));
		if (test.n)
			json_member_str(o, "testListenerRule", rule_arn(c, test));
		json_member_cstr(o, "roleArn", "arn:aws:iam::" SIM_ACCOUNT ":role/ecs-elb");
		json_out_end(o);
	}
	json_out_end(o);
	json_out_end(o);
}

static int create_service(struct sim_ecs_call *c, const struct sim_words *w, struct str cluster,
			  struct str name)
{
	struct str strategy = value_or(w, "strategy", "ROLLING");
	int64_t desired = 2;
	struct json_out o;
	struct buf b;
	int rc;
	if (sim_word_value(w, "desired").n && !sim_word_i64(w, "desired", &desired))
		return err_set(c->err, ERR_REJECTED, "desired: not a number");
	buf_init(&b, 64u << 10);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_str(&o, "cluster", cluster);
	json_member_str(&o, "serviceName", name);
	json_member_str(&o, "taskDefinition", value_or(w, "family", str_dup(c->arena, name)));
	json_member_i64(&o, "desiredCount", desired);
	json_member_cstr(&o, "launchType", "FARGATE");
	json_out_key(&o, "deploymentController");
	json_out_object(&o);
	json_member_str(&o, "type", value_or(w, "controller", "ECS"));
	json_out_end(&o);
	json_out_key(&o, "deploymentConfiguration");
	json_out_object(&o);
	json_member_str(&o, "strategy", strategy);
	if (str_is(strategy, "BLUE_GREEN"))
		json_member_i64(&o, "bakeTimeInMinutes", 0);
	json_out_end(&o);
	json_out_key(&o, "networkConfiguration");
	json_out_object(&o);
	json_out_key(&o, "awsvpcConfiguration");
	json_out_object(&o);
	json_out_key(&o, "subnets");
	json_out_array(&o);
	json_out_cstr(&o, "subnet-0a1b2c3d");
	json_out_end(&o);
	json_out_end(&o);
	json_out_end(&o);
	write_balancer(c, w, &o);
	json_out_end(&o);
	rc = perform(c, "CreateService", buf_str(&b));
	buf_release(&b);
	return rc;
}

/* ecs service CLUSTER/NAME image=repo:1 ... : its tasks run, and its first deployment is over */
static int do_service(struct sim_ecs_call *c, const struct sim_words *w)
{
	struct str name = sim_word(w, 2), cluster;
	struct sim_ecs_service *v;
	if (!str_next(&name, '/', &cluster) || !name.n)
		return err_set(c->err, ERR_REJECTED, "ecs service: CLUSTER/NAME is missing");
	if (!sim_ecs_cluster_find(c->e, cluster))
		(void)sim_ecs_cluster_new(c->e, cluster);
	if (register_image(c, value_or(w, "family", str_dup(c->arena, name)),
			   value_or(w, "container", "app"), value_or(w, "image", "app:1")) ||
	    create_service(c, w, cluster, name))
		return -1;
	v = find(c, sim_word(w, 2));
	if (!v || !v->deployments)
		return 0;
	if (v->config.strategy != SIM_ECS_ROLLING)
		(void)sim_ecs_shift(c->s, v, v->deployments, 100);
	v->primary->desired = v->desired;
	sim_ecs_tasks_at_once(c->s, c->e, v);
	sim_ecs_complete(c->s, c->e, v, v->deployments);
	return 0;
}

/* --- what other people do ------------------------------------------------------------------ */

/* ecs deploy CLUSTER/NAME [image=...] : a new task definition, and the service updated to it */
static int do_deploy(struct sim_ecs_call *c, const struct sim_words *w)
{
	struct sim_ecs_service *v = find(c, sim_word(w, 2));
	struct str image = sim_word_value(w, "image");
	const struct json *first;
	if (!v)
		return -1;
	if (!v->def || !image.n)
		return err_set(c->err, ERR_REJECTED, "ecs deploy: image is missing");
	first = json_get(v->def->doc, "containerDefinitions")->first;
	if (register_image(c, str_from(v->def->family), json_text(json_get(first, "name")), image))
		return -1;
	return perform(c, "UpdateService",
		       str_from(arena_printf(c->arena,
					     "{\"cluster\":\"%s\",\"service\":\"%s\","
					     "\"taskDefinition\":\"%s\"}",
					     v->cluster->name, v->name, v->def->family)));
}

/* ecs update CLUSTER/NAME member=JSON ... : UpdateService with these members */
static int do_update(struct sim_ecs_call *c, const struct sim_words *w)
{
	struct sim_ecs_service *v = find(c, sim_word(w, 2));
	struct buf b;
	int rc;
	if (!v)
		return -1;
	buf_init(&b, 64u << 10);
	buf_addf(&b, "{\"cluster\":\"%s\",\"service\":\"%s\"", v->cluster->name, v->name);
	for (size_t i = 3; i < w->n; i++) {
		struct str value = w->word[i], key;
		if (str_next(&value, '=', &key))
			buf_addf(&b, ",\"" STR_FMT "\":" STR_FMT, STR_ARG(key), STR_ARG(value));
	}
	buf_addc(&b, '}');
	rc = perform(c, "UpdateService", buf_str(&b));
	buf_release(&b);
	return rc;
}

/* ecs crash CLUSTER/NAME [family=NAME:REV] : the running tasks' containers exit */
static int do_crash(struct sim_ecs_call *c, const struct sim_words *w)
{
	struct sim_ecs_service *v = find(c, sim_word(w, 2));
	struct str which = sim_word_value(w, "family");
	const struct sim_ecs_taskdef *d = which.n ? sim_ecs_taskdef_find(c->e, which) : NULL;
	if (!v || (which.n && !d))
		return v ? err_set(c->err, ERR_NOT_FOUND, "ecs crash: no such task definition")
			 : -1;
	for (struct sim_ecs_task *t = c->e->tasks; t; t = t->next) {
		if (t->service != v || t->status != SIM_ECS_RUNNING || t->stop ||
		    (d && t->revision->def != d))
			continue;
		sim_ecs_task_stop(c->s, t, "EssentialContainerExited",
				  "Essential container in task exited");
		t->exit_code = 1;
	}
	return 0;
}

/* ecs stop CLUSTER/NAME [type=ROLLBACK|ABORT] ; ecs continue CLUSTER/NAME [action=...] */
static int do_deployment(struct sim_ecs_call *c, const struct sim_words *w, bool stop)
{
	const struct sim_ecs_service *v = find(c, sim_word(w, 2));
	const struct sim_ecs_deployment *d = v ? v->deployments : NULL;
	const char *body, *hook = "";
	if (!v)
		return -1;
	if (!d)
		return err_set(c->err, ERR_NOT_FOUND, "ecs: %s has no deployment", v->name);
	for (size_t i = 0; i < d->n_hooks; i++)
		if (strcmp(d->hooks[i].status, "AWAITING_ACTION") == 0)
			hook = d->hooks[i].id;
	if (stop)
		body = arena_printf(
			c->arena, "{\"serviceDeploymentArn\":\"%s\",\"stopType\":\"" STR_FMT "\"}",
			d->arn, STR_ARG(value_or(w, "type", "ROLLBACK")));
	else
		body = arena_printf(c->arena,
				    "{\"serviceDeploymentArn\":\"%s\",\"hookId\":\"%s\","
				    "\"action\":\"" STR_FMT "\"}",
				    d->arn, hook, STR_ARG(value_or(w, "action", "CONTINUE")));
	return perform(c, stop ? "StopServiceDeployment" : "ContinueServiceDeployment",
		       str_from(body));
}

static int do_delete(struct sim_ecs_call *c, const struct sim_words *w)
{
	const struct sim_ecs_service *v = find(c, sim_word(w, 2));
	if (!v)
		return -1;
	return perform(c, "DeleteService",
		       str_from(arena_printf(c->arena,
					     "{\"cluster\":\"%s\",\"service\":\"%s\",\"force\":"
					     "true}",
					     v->cluster->name, v->name)));
}

/* --- show ---------------------------------------------------------------------------------- */

static void show_tasks(struct sim_ecs_call *c, const struct sim_ecs_service *v, struct json_out *o)
{
	json_out_key(o, "tasks");
	json_out_array(o);
	for (const struct sim_ecs_task *t = c->e->tasks; t; t = t->next) {
		char label[300];
		if (t->service != v || t->status == SIM_ECS_TASK_STOPPED)
			continue;
		snprintf(label, sizeof(label), "%s:%lld", t->revision->def->family,
			 (long long)t->revision->def->revision);
		json_out_object(o);
		json_member_cstr(o, "id", t->id);
		json_member_cstr(o, "ip", t->ip);
		json_member_cstr(o, "taskDefinition", label);
		json_member_bool(o, "running", t->status == SIM_ECS_RUNNING && !t->stop);
		json_member_double(o, "errorRate", t->does.b.errors);
		json_out_end(o);
	}
	json_out_end(o);
}

static void show_deployment(const struct sim_ecs_deployment *d, struct json_out *o)
{
	json_out_key(o, "deployment");
	json_out_object(o);
	json_member_cstr(o, "arn", d->arn);
	json_member_cstr(o, "status", sim_ecs_status_name(d->status));
	json_member_cstr(o, "reason", d->reason);
	if (d->native)
		json_member_cstr(o, "stage", sim_ecs_stage_name(d->stage));
	json_member_double(o, "weight", d->weight);
	json_member_bool(o, "waits",
			 d->n_hooks && strcmp(d->hooks[0].status, "AWAITING_ACTION") == 0);
	json_out_end(o);
}

static bool has_pauses(const struct sim_ecs_config *config)
{
	json_each(hook, config->hooks) {
		if (str_is(json_text(json_get(hook, "targetType")), "PAUSE"))
			return true;
	}
	return false;
}

static int do_show(struct sim_ecs_call *c, const struct sim_words *w)
{
	static const char *const status[] = {"ACTIVE", "DRAINING", "INACTIVE"};
	const struct sim_ecs_service *v = find(c, sim_word(w, 2));
	struct sim_ecs_counts n;
	struct json_out *o = c->out;
	if (!v)
		return -1;
	n = sim_ecs_count(c->s, c->e, v, NULL);
	json_out_object(o);
	json_member_cstr(o, "name", v->name);
	json_member_cstr(o, "arn", v->arn);
	json_member_cstr(o, "status", status[v->status]);
	sim_ecs_config_write(o, &v->config);
	if (v->def)
		json_member_cstr(o, "taskDefinition", v->def->arn);
	if (v->completed)
		json_member_cstr(o, "completed", v->completed->def->arn);
	json_member_bool(o, "hasPauses", has_pauses(&v->config));
	json_member_i64(o, "desired", v->desired);
	json_member_i64(o, "running", n.running);
	json_member_i64(o, "healthy", n.healthy);
	if (v->deployments)
		show_deployment(v->deployments, o);
	show_tasks(c, v, o);
	json_out_end(o);
	return 0;
}

/* --- dispatch ------------------------------------------------------------------------------ */

static int run(struct sim_ecs_call *c, const struct sim_words *w)
{
	struct str what = sim_word(w, 1);
	if (str_is(what, "settings"))
		return do_settings(c, w);
	if (str_is(what, "cluster")) {
		if (!sim_ecs_cluster_find(c->e, sim_word(w, 2)) && sim_word(w, 2).n)
			(void)sim_ecs_cluster_new(c->e, sim_word(w, 2));
		return 0;
	}
	if (str_is(what, "image"))
		return do_image(c, w);
	if (str_is(what, "service"))
		return do_service(c, w);
	if (str_is(what, "deploy"))
		return do_deploy(c, w);
	if (str_is(what, "update"))
		return do_update(c, w);
	if (str_is(what, "crash"))
		return do_crash(c, w);
	if (str_is(what, "stop") || str_is(what, "continue"))
		return do_deployment(c, w, str_is(what, "stop"));
	if (str_is(what, "delete"))
		return do_delete(c, w);
	return err_set(c->err, ERR_REJECTED, "ecs: no command '" STR_FMT "'", STR_ARG(what));
}

int sim_ecs_control(struct sim *s, void *state, const struct sim_words *w, struct json_out *out,
		    struct err *err)
{
	struct sim_ecs_call c = {.s = s, .e = state, .now = sim_now(s), .out = out, .err = err};
	int rc;
	c.arena = arena_new();
	if (str_is(sim_word(w, 1), "show")) {
		rc = do_show(&c, w);
	} else {
		rc = run(&c, w);
		if (rc == 0) {
			json_out_object(out);
			json_member_bool(out, "done", true);
			json_out_end(out);
		}
	}
	arena_free(c.arena);
	return rc;
}
