#include "tests/sim/sim_ecs.h"

/*
 * Task definitions of the simulated ECS: families and their revisions, and tags of whatever has an
 * ARN. Every registration makes a new revision, also of what was there before.
 */

/* --- looking things up --------------------------------------------------------------------- */

/* "family:7" of "arn:aws:ecs:...:task-definition/family:7" */
static struct str short_name(struct str what)
{
	static const char part[] = ":task-definition/";
	for (size_t i = 0; str_starts(what, "arn:") && i + sizeof(part) <= what.n; i++)
		if (str_starts(str_sub(what, i, what.n), part))
			return str_sub(what, i + sizeof(part) - 1, what.n);
	return what;
}

struct sim_ecs_taskdef *sim_ecs_taskdef_find(struct sim_ecs_state *e, struct str what)
{
	struct str rest = short_name(what), family;
	int64_t revision = 0;
	if (!str_next(&rest, ':', &family) ||
	    (rest.n && !str_parse_i64(rest, 1, INT32_MAX, &revision)))
		return NULL;
	for (struct sim_ecs_taskdef *d = e->taskdefs; d; d = d->next)
		if (str_is(family, d->family) && (revision ? d->revision == revision : d->active))
			return d;
	return NULL;
}

const struct json *sim_ecs_container(const struct sim_ecs_taskdef *d, struct str name)
{
	json_each(k, json_get(d->doc, "containerDefinitions")) {
		if (str_eq(json_text(json_get(k, "name")), name))
			return k;
	}
	return NULL;
}

/* --- what containers do -------------------------------------------------------------------- */

int sim_ecs_does_set(struct sim_ecs_does *d, struct str key, struct str value, struct err *err)
{
	if (!str_is(key, "crash"))
		return sim_behaviour_set(&d->b, key, value, err);
	if (!sim_parse_ms(value, &d->crash_after_ms))
		return err_set(err, ERR_REJECTED, "crash=" STR_FMT ": must be a duration",
			       STR_ARG(value));
	return 0;
}

/* "errors=0.4 crash=20s"; words that are none are skipped. */
static void apply_words(struct sim_ecs_does *d, struct str words)
{
	struct str word, key;
	if (str_starts(words, "sim:"))
		words = str_sub(words, 4, words.n);
	while (str_next(&words, ' ', &word)) {
		struct err ignored = ERR_INIT;
		if (str_next(&word, '=', &key) && sim_ecs_does_set(d, key, word, &ignored))
			continue;
	}
}

static bool is_image(struct str image, const char *name)
{
	size_t n = strlen(name);
	return str_starts(image, name) && (image.n == n || image.p[n] == ':' || image.p[n] == '@');
}

/* By image first, the longest name last; then by the environment variable SIM. */
struct sim_ecs_does sim_ecs_does_of(const struct sim_ecs_state *e, const struct sim_ecs_taskdef *d)
{
	struct sim_ecs_does does = {.b = {.latency_ms = 20}};
	json_each(k, json_get(d->doc, "containerDefinitions")) {
		struct str image = json_text(json_get(k, "image"));
		const struct sim_ecs_image *exact = NULL;
		for (const struct sim_ecs_image *i = e->images; i; i = i->next) {
			if (str_is(image, i->name))
				exact = i;
			else if (is_image(image, i->name))
				apply_words(&does, str_from(i->words));
		}
		if (exact)
			apply_words(&does, str_from(exact->words));
		json_each(v, json_get(k, "environment")) {
			if (str_is(json_text(json_get(v, "name")), "SIM"))
				apply_words(&does, json_text(json_get(v, "value")));
		}
	}
	return does;
}

/* --- tags ---------------------------------------------------------------------------------- */

void sim_ecs_set_tags(struct sim_ecs_state *e, const char *arn, const struct json *tags)
{
	json_each(t, tags) {
		struct str key = json_text(json_get(t, "key")),
			   value = json_text(json_get(t, "value"));
		struct sim_ecs_tags *have = e->tags;
		while (have && (strcmp(have->arn, arn) != 0 || !str_is(key, have->key)))
			have = have->next;
		if (!have) {
			have = arena_new_of(e->arena, struct sim_ecs_tags);
			have->arn = arn;
			have->key = str_dup(e->arena, key);
			have->next = e->tags;
			e->tags = have;
		}
		have->value = str_dup(e->arena, value);
	}
}

void sim_ecs_write_tags(struct json_out *o, const struct sim_ecs_state *e, const char *arn)
{
	json_out_key(o, "tags");
	json_out_array(o);
	for (const struct sim_ecs_tags *t = e->tags; t; t = t->next) {
		if (strcmp(t->arn, arn) != 0)
			continue;
		json_out_object(o);
		json_member_cstr(o, "key", t->key);
		json_member_str(o, "value", str_from(t->value));
		json_out_end(o);
	}
	json_out_end(o);
}

/* The ARN as kept, of whatever has it; NULL. */
static const char *resource(struct sim_ecs_state *e, struct str arn)
{
	for (const struct sim_ecs_taskdef *d = e->taskdefs; d; d = d->next)
		if (str_is(arn, d->arn))
			return d->arn;
	for (const struct sim_ecs_service *v = e->services; v; v = v->next)
		if (str_is(arn, v->arn) && v->status == SIM_ECS_ACTIVE)
			return v->arn;
	for (const struct sim_ecs_cluster *k = e->clusters; k; k = k->next)
		if (str_is(arn, k->arn))
			return k->arn;
	return NULL;
}

int sim_ecs_list_tags(struct sim_ecs_call *c)
{
	const char *arn = resource(c->e, json_text(json_get(c->in, "resourceArn")));
	if (!arn)
		return sim_ecs_error(c, "InvalidParameterException",
				     "The specified resource was not found.");
	sim_ecs_write_tags(c->out, c->e, arn);
	return 0;
}

static int check_tags(struct sim_ecs_call *c, const struct json *tags)
{
	if (tags && tags->n > 50)
		return sim_ecs_error(c, "InvalidParameterException", "more than 50 tags");
	json_each(t, tags) {
		struct str key = json_text(json_get(t, "key")),
			   value = json_text(json_get(t, "value"));
		if (!key.n || key.n > 128 || value.n > 256 || str_starts(key, "aws:"))
			return sim_ecs_error(c, "InvalidParameterException",
					     "tag '" STR_FMT "' is not valid", STR_ARG(key));
	}
	return 0;
}

int sim_ecs_tag(struct sim_ecs_call *c)
{
	const char *arn = resource(c->e, json_text(json_get(c->in, "resourceArn")));
	if (!arn)
		return sim_ecs_error(c, "ResourceNotFoundException",
				     "The specified resource was not found.");
	if (check_tags(c, json_get(c->in, "tags")))
		return -1;
	sim_ecs_set_tags(c->e, arn, json_get(c->in, "tags"));
	return 0;
}

/* --- operations ---------------------------------------------------------------------------- */

/* As registered, with what only ECS says. */
static void write_taskdef(struct json_out *o, const struct sim_ecs_taskdef *d)
{
	json_out_key(o, "taskDefinition");
	json_out_object(o);
	json_member_cstr(o, "taskDefinitionArn", d->arn);
	json_each(m, d->doc) {
		if (str_is(m->key, "tags") || m->type == JSON_NULL)
			continue;
		json_out_key(o, m->key.p);
		json_out_node(o, m);
	}
	if (!json_get(d->doc, "volumes")) {
		json_out_key(o, "volumes");
		json_out_array(o);
		json_out_end(o);
	}
	json_member_i64(o, "revision", d->revision);
	json_member_cstr(o, "status", d->active ? "ACTIVE" : "INACTIVE");
	json_out_key(o, "requiresAttributes");
	json_out_array(o);
	json_out_object(o);
	json_member_cstr(o, "name", "com.amazonaws.ecs.capability.docker-remote-api.1.18");
	json_out_end(o);
	json_out_end(o);
	json_out_key(o, "compatibilities");
	json_out_array(o);
	json_out_cstr(o, "EC2");
	json_out_cstr(o, "FARGATE");
	json_out_end(o);
	sim_ecs_time(o, "registeredAt", d->registered);
	sim_ecs_time(o, "deregisteredAt", d->deregistered);
	json_member_cstr(o, "registeredBy", "arn:aws:iam::" SIM_ACCOUNT ":user/deployer");
	json_out_end(o);
}

static bool is_family(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char ch = name.p[i];
		if (!(ch >= 'a' && ch <= 'z') && !(ch >= 'A' && ch <= 'Z') &&
		    !(ch >= '0' && ch <= '9') && ch != '-' && ch != '_')
			return false;
	}
	return name.n > 0 && name.n <= 255;
}

static int check_containers(struct sim_ecs_call *c, const struct json *list)
{
	bool essential = false;
	json_each(k, list) {
		struct str name = json_text(json_get(k, "name"));
		if (!name.n || !json_text(json_get(k, "image")).n)
			return sim_ecs_error(c, "ClientException",
					     "Container.image and name should not be null or "
					     "empty.");
		json_each(other, list) {
			if (other != k && str_eq(json_text(json_get(other, "name")), name))
				return sim_ecs_error(c, "ClientException",
						     "Container name '" STR_FMT "' is not unique.",
						     STR_ARG(name));
		}
		essential = essential || json_bool(json_get(k, "essential"), true);
	}
	if (!essential)
		return sim_ecs_error(c, "ClientException",
				     "A task definition must have an essential container.");
	return 0;
}

int sim_ecs_register(struct sim_ecs_call *c)
{
	struct str family = json_text(json_get(c->in, "family"));
	const struct json *tags = json_get(c->in, "tags");
	struct sim_ecs_taskdef *d;
	int64_t last = 0;
	if (!is_family(family))
		return sim_ecs_error(c, "ClientException", "Family contains invalid characters.");
	if (check_containers(c, json_get(c->in, "containerDefinitions")) || check_tags(c, tags))
		return -1;
	for (const struct sim_ecs_taskdef *k = c->e->taskdefs; k; k = k->next)
		if (str_is(family, k->family) && k->revision > last)
			last = k->revision;
	d = arena_new_of(c->e->arena, struct sim_ecs_taskdef);
	d->family = str_dup(c->e->arena, family);
	d->revision = last + 1;
	d->arn = arena_printf(c->e->arena,
			      "arn:aws:ecs:" SIM_REGION ":" SIM_ACCOUNT ":task-definition/%s:%lld",
			      d->family, (long long)d->revision);
	d->doc = sim_ecs_keep(c->e, c->in);
	d->active = true;
	d->registered = c->now;
	d->next = c->e->taskdefs;
	c->e->taskdefs = d;
	sim_ecs_set_tags(c->e, d->arn, tags);
	write_taskdef(c->out, d);
	if (tags)
		sim_ecs_write_tags(c->out, c->e, d->arn);
	return 0;
}

int sim_ecs_describe_taskdef(struct sim_ecs_call *c)
{
	const struct sim_ecs_taskdef *d =
		sim_ecs_taskdef_find(c->e, json_text(json_get(c->in, "taskDefinition")));
	if (!d)
		return sim_ecs_error(c, "ClientException", "Unable to describe task definition.");
	write_taskdef(c->out, d);
	json_each(i, json_get(c->in, "include")) {
		if (str_is(json_text(i), "TAGS"))
			sim_ecs_write_tags(c->out, c->e, d->arn);
	}
	return 0;
}

int sim_ecs_deregister(struct sim_ecs_call *c)
{
	struct str what = json_text(json_get(c->in, "taskDefinition"));
	struct sim_ecs_taskdef *d = sim_ecs_taskdef_find(c->e, what);
	struct str name = short_name(what), family;
	if (!d || !str_next(&name, ':', &family) || !name.n)
		return sim_ecs_error(c, "ClientException",
				     "The specified task definition does not exist. Specify a "
				     "valid family and revision.");
	if (!d->active)
		return sim_ecs_error(c, "InvalidParameterException",
				     "The specified task definition is inactive.");
	d->active = false;
	d->deregistered = c->now;
	write_taskdef(c->out, d);
	return 0;
}
