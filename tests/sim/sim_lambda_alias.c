#include "tests/sim/sim_lambda.h"

#include <stdio.h>

/*
 * Aliases, which split traffic between at most two published versions, and provisioned concurrency,
 * which gets in their way: an alias with weights can not have any.
 */

/* --- aliases as JSON ----------------------------------------------------------------------- */

static void write_alias(struct json_out *o, const struct sim_function *f, const struct sim_alias *a)
{
	char label[24], arn[400];
	sim_version_label(a->version, label);
	snprintf(arn, sizeof(arn), "%s:%s", f->arn, a->name);
	json_out_object(o);
	json_member_cstr(o, "AliasArn", arn);
	json_member_cstr(o, "Name", a->name);
	json_member_cstr(o, "FunctionVersion", label);
	json_member_str(o, "Description", str_from(a->description));
	if (a->additional) {
		sim_version_label(a->additional, label);
		json_out_key(o, "RoutingConfig");
		json_out_object(o);
		json_out_key(o, "AdditionalVersionWeights");
		json_out_object(o);
		json_member_double(o, label, a->weight);
		json_out_end(o);
		json_out_end(o);
	}
	json_member_cstr(o, "RevisionId", a->revision);
	json_out_end(o);
}

static void reply_alias(struct sim_lambda_call *c, int status, const struct sim_alias *a)
{
	struct json_out o;
	struct buf b;
	buf_init(&b, SIM_LAMBDA_ANSWER_MAX);
	json_out_init(&o, &b);
	write_alias(&o, c->f, a);
	sim_reply_json(c->x, status, buf_str(&b));
	buf_release(&b);
}

static bool invalid(struct sim_lambda_call *c, const char *text)
{
	sim_lambda_error(c, 400, "InvalidParameterValueException", "%s", text);
	return false;
}

static struct sim_alias *need_alias(struct sim_lambda_call *c, const char *name)
{
	struct sim_alias *a;
	if (!sim_lambda_need_function(c))
		return NULL;
	a = sim_alias_find(c->f, name);
	if (!a)
		sim_lambda_error(c, 404, "ResourceNotFoundException",
				 "Cannot find alias arn: %s:%s", c->f->arn, name);
	return a;
}

/* --- changes ------------------------------------------------------------------------------- */

static bool known_version(struct sim_lambda_call *c, struct str text, int64_t *number)
{
	if (sim_version_parse(text, number) && sim_version_find(c->f, *number))
		return true;
	sim_lambda_error(c, 404, "ResourceNotFoundException", "Function not found: %s:" STR_FMT,
			 c->f->arn, STR_ARG(text));
	return false;
}

/* {"AdditionalVersionWeights": {...}} into a; an empty or missing map clears. */
static bool read_routing(struct sim_lambda_call *c, const struct json *routing, struct sim_alias *a)
{
	const struct json *weights = json_get(routing, "AdditionalVersionWeights");
	int64_t number;
	double weight;
	a->additional = 0;
	a->weight = 0;
	if (!weights || !weights->first)
		return true;
	if (weights->n > 1)
		return invalid(c, "Number of items in AdditionalVersionWeights cannot be greater "
				  "than 1");
	if (!str_parse_i64(weights->first->key, 1, INT32_MAX, &number))
		return invalid(c, "$LATEST is not supported for an alias pointing to more than 1 "
				  "version");
	if (!json_double(weights->first, &weight) || weight < 0 || weight > 1)
		return invalid(c, "Value of AdditionalVersionWeights must be between 0.0 and 1.0");
	if (!known_version(c, weights->first->key, &number))
		return false;
	a->additional = number;
	a->weight = weight;
	return true;
}

/* What must hold for an alias that splits its traffic. */
static bool check_split(struct sim_lambda_call *c, const struct sim_alias *a)
{
	const struct sim_version *v, *w;
	if (!a->additional)
		return true;
	if (!a->version)
		return invalid(c, "$LATEST is not supported for an alias pointing to more than 1 "
				  "version");
	if (a->additional == a->version)
		return invalid(c, "Alias version and additional version must not be the same");
	v = sim_version_find(c->f, a->version);
	w = sim_version_find(c->f, a->additional);
	if (strcmp(v->role, w->role) != 0)
		return invalid(c, "Versions of an alias must have the same execution role");
	if (strcmp(v->dead_letter, w->dead_letter) != 0)
		return invalid(c, "Versions of an alias must have the same dead-letter "
				  "configuration");
	if (a->provisioned.requested)
		return invalid(c,
			       "Alias with weights can not be used with Provisioned Concurrency");
	return true;
}

/* Members that are present change; the others stay. False after an error, a half changed. */
static bool apply(struct sim_lambda_call *c, struct sim_alias *a)
{
	const struct json *version = json_get(c->in, "FunctionVersion"),
			  *routing = json_get(c->in, "RoutingConfig"),
			  *description = json_get(c->in, "Description");
	int64_t before = a->version;
	if (version && !known_version(c, json_text(version), &a->version))
		return false;
	if (routing && !read_routing(c, routing, a))
		return false;
	if (description && !str_copy(a->description, 257, json_text(description)))
		return invalid(c, "Description is longer than 256 characters");
	if (!check_split(c, a))
		return false;
	/* what was provisioned for the old version is allocated anew for the next */
	if (a->provisioned.requested && a->version != before)
		a->provisioned.ready_at.ms = c->x->now.ms + c->f->provision_ms;
	rng_uuid(sim_dice(c->s), a->revision);
	return true;
}

void sim_lambda_get_alias(struct sim_lambda_call *c)
{
	const struct sim_alias *a = need_alias(c, c->item);
	if (a)
		reply_alias(c, 200, a);
}

void sim_lambda_update_alias(struct sim_lambda_call *c)
{
	struct sim_alias *a = need_alias(c, c->item), next;
	if (!a || !sim_lambda_check_revision(c, a->revision))
		return;
	next = *a;
	if (!apply(c, &next))
		return;
	*a = next;
	sim_alias_record(c->s, c->f, a);
	reply_alias(c, 200, a);
}

static bool valid_name(struct str name)
{
	bool digits = true;
	for (size_t i = 0; i < name.n; i++) {
		char ch = name.p[i];
		bool digit = ch >= '0' && ch <= '9';
		if (!(digit || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '-' ||
		      ch == '_'))
			return false;
		digits = digits && digit;
	}
	return name.n >= 1 && name.n <= 128 && !digits;
}

void sim_lambda_create_alias(struct sim_lambda_call *c)
{
	struct str name = json_text(json_get(c->in, "Name"));
	struct sim_alias a = {.rps = 0};
	if (!sim_lambda_need_function(c))
		return;
	if (!valid_name(name) || !json_get(c->in, "FunctionVersion")) {
		(void)invalid(c, "Name and FunctionVersion are required; a name has 1 to 128 "
				 "letters, digits, - or _ and is not a number");
		return;
	}
	if (sim_alias_find(c->f, name.p)) {
		sim_lambda_error(c, 409, "ResourceConflictException",
				 "Alias already exists: %s:" STR_FMT, c->f->arn, STR_ARG(name));
		return;
	}
	(void)str_copy(a.name, sizeof(a.name), name);
	if (!apply(c, &a))
		return;
	c->f->aliases = xrealloc(c->f->aliases, (c->f->n_aliases + 1) * sizeof(a));
	c->f->aliases[c->f->n_aliases++] = a;
	sim_alias_record(c->s, c->f, &a);
	reply_alias(c, 201, &a);
}

bool sim_alias_remove(struct sim_function *f, const char *name)
{
	struct sim_alias *a = sim_alias_find(f, name);
	if (!a)
		return false;
	size_t at = (size_t)(a - f->aliases);
	memmove(a, a + 1, (f->n_aliases - at - 1) * sizeof(*a));
	f->n_aliases--;
	return true;
}

void sim_lambda_delete_alias(struct sim_lambda_call *c)
{
	if (!sim_lambda_need_function(c))
		return;
	(void)sim_alias_remove(c->f, c->item);
	sim_reply_raw(c->x, 204, NULL, STR(""), NULL, 0);
}

void sim_lambda_list_aliases(struct sim_lambda_call *c)
{
	const struct sim_form *q = sim_form_parse(c->x->arena, c->x->req->query);
	struct str version = sim_form_get(q, "FunctionVersion"), marker = sim_form_get(q, "Marker");
	int64_t number = -1, from = 0, max = 50;
	struct json_out o;
	struct buf b;
	size_t i, n = 0;
	if (!sim_lambda_need_function(c))
		return;
	(void)str_parse_i64(sim_form_get(q, "MaxItems"), 1, 10000, &max);
	if ((version.n && !sim_version_parse(version, &number)) ||
	    (marker.n && !str_parse_i64(marker, 1, INT32_MAX, &from))) {
		(void)invalid(c, "FunctionVersion or Marker is not valid");
		return;
	}
	buf_init(&b, SIM_LAMBDA_ANSWER_MAX);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_out_key(&o, "Aliases");
	json_out_array(&o);
	for (i = (size_t)from; i < c->f->n_aliases && n < (size_t)max; i++) {
		const struct sim_alias *a = &c->f->aliases[i];
		if (number >= 0 && a->version != number && a->additional != number)
			continue;
		write_alias(&o, c->f, a);
		n++;
	}
	json_out_end(&o);
	if (i < c->f->n_aliases)
		json_member_cstr(&o, "NextMarker", arena_printf(c->x->arena, "%zu", i));
	json_out_end(&o);
	sim_reply_json(c->x, 200, buf_str(&b));
	buf_release(&b);
}

/* --- provisioned concurrency --------------------------------------------------------------- */

const char *sim_provisioned_status(const struct sim_provisioned *p, struct utc now)
{
	if (now.ms < p->ready_at.ms)
		return "IN_PROGRESS";
	return p->fails ? "FAILED" : "READY";
}

static void reply_provisioned(struct sim_lambda_call *c, int status,
			      const struct sim_provisioned *p)
{
	const char *st = sim_provisioned_status(p, c->x->now);
	bool ready = strcmp(st, "READY") == 0;
	char iso[UTC_ISO_SIZE];
	struct json_out o;
	struct buf b;
	buf_init(&b, SIM_LAMBDA_ANSWER_MAX);
	json_out_init(&o, &b);
	utc_format_iso((struct utc){p->set.ms - p->set.ms % 1000}, iso);
	json_out_object(&o);
	json_member_i64(&o, "RequestedProvisionedConcurrentExecutions", p->requested);
	json_member_i64(&o, "AvailableProvisionedConcurrentExecutions", ready ? p->requested : 0);
	json_member_i64(&o, "AllocatedProvisionedConcurrentExecutions", ready ? p->requested : 0);
	json_member_cstr(&o, "Status", st);
	if (strcmp(st, "FAILED") == 0)
		json_member_cstr(&o, "StatusReason", "FUNCTION_ERROR_INIT_FAILURE");
	json_member_cstr(&o, "LastModified", arena_printf(c->x->arena, "%.19s+0000", iso));
	json_out_end(&o);
	sim_reply_json(c->x, status, buf_str(&b));
	buf_release(&b);
}

/* The configuration that the qualifier means. NULL after an error. */
static struct sim_provisioned *resolve(struct sim_lambda_call *c, struct sim_alias **alias)
{
	struct sim_version *v;
	if (!sim_lambda_need_function(c))
		return NULL;
	v = sim_lambda_resolve(c, alias);
	if (!v)
		return NULL;
	if (!*alias && !v->number) {
		(void)invalid(c, "Provisioned Concurrency Configs cannot be applied to unpublished "
				 "function versions.");
		return NULL;
	}
	return *alias ? &(*alias)->provisioned : &v->provisioned;
}

/* A version is served by one configuration only: its own or that of one alias. */
static bool check_single(struct sim_lambda_call *c, const struct sim_alias *alias)
{
	int64_t number = 0;
	if (alias && alias->additional)
		return invalid(c,
			       "Alias with weights can not be used with Provisioned Concurrency");
	if (alias)
		number = alias->version;
	else
		(void)sim_version_parse(str_from(c->qualifier), &number);
	bool taken = alias && sim_version_find(c->f, number)->provisioned.requested;
	for (size_t i = 0; i < c->f->n_aliases; i++)
		taken = taken ||
			(&c->f->aliases[i] != alias && c->f->aliases[i].version == number &&
			 c->f->aliases[i].provisioned.requested);
	if (taken)
		sim_lambda_error(
			c, 409, "ResourceConflictException",
			"Alias can't be used for Provisioned Concurrency configuration on an "
			"already Provisioned version");
	return !taken;
}

void sim_lambda_put_provisioned(struct sim_lambda_call *c)
{
	struct sim_alias *alias;
	struct sim_provisioned *p = resolve(c, &alias);
	int64_t n = 0;
	if (!p)
		return;
	if (!json_i64(json_get(c->in, "ProvisionedConcurrentExecutions"), &n) || n < 1) {
		(void)invalid(c, "ProvisionedConcurrentExecutions must be 1 or more");
		return;
	}
	if (!check_single(c, alias))
		return;
	p->requested = n;
	p->set = c->x->now;
	p->ready_at.ms = c->x->now.ms + c->f->provision_ms;
	reply_provisioned(c, 202, p);
}

void sim_lambda_get_provisioned(struct sim_lambda_call *c)
{
	struct sim_alias *alias;
	const struct sim_provisioned *p = resolve(c, &alias);
	if (!p)
		return;
	if (p->requested)
		reply_provisioned(c, 200, p);
	else
		sim_lambda_error(c, 404, "ProvisionedConcurrencyConfigNotFoundException",
				 "No Provisioned Concurrency Config found for this function");
}

void sim_lambda_delete_provisioned(struct sim_lambda_call *c)
{
	struct sim_alias *alias;
	struct sim_provisioned *p = resolve(c, &alias);
	if (!p)
		return;
	*p = (struct sim_provisioned){.fails = p->fails};
	sim_reply_raw(c->x, 204, NULL, STR(""), NULL, 0);
}
