#include "tests/sim/sim_lambda.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * The simulated Lambda: its model (functions, versions, aliases), and the way from a path to an
 * operation. What takes time in Lambda takes time here: an update of the code is in progress for a
 * while, a new version is Pending at first, provisioned concurrency is being allocated.
 */

/* --- model --------------------------------------------------------------------------------- */

struct sim_function *sim_function_find(struct sim_lambda_state *l, struct str name)
{
	for (struct sim_function *f = l->functions; f; f = f->next)
		if (str_is(name, f->name))
			return f;
	return NULL;
}

struct sim_version *sim_version_find(struct sim_function *f, int64_t number)
{
	for (size_t i = 0; i < f->n_versions; i++)
		if (f->versions[i].number == number)
			return &f->versions[i];
	return NULL;
}

struct sim_alias *sim_alias_find(struct sim_function *f, const char *name)
{
	for (size_t i = 0; i < f->n_aliases; i++)
		if (strcmp(f->aliases[i].name, name) == 0)
			return &f->aliases[i];
	return NULL;
}

bool sim_version_parse(struct str s, int64_t *number)
{
	if (str_is(s, "$LATEST")) {
		*number = 0;
		return true;
	}
	return str_parse_i64(s, 1, INT32_MAX, number);
}

void sim_version_label(int64_t number, char out[24])
{
	if (number)
		snprintf(out, 24, "%lld", (long long)number);
	else
		(void)str_copy(out, 24, STR("$LATEST"));
}

const char *sim_version_state(const struct sim_version *v, struct utc now)
{
	if (now.ms < v->active_at.ms)
		return "Pending";
	return v->does.never_starts && v->number ? "Failed" : "Active";
}

void sim_function_settle(struct sim *s, struct sim_function *f, struct utc now)
{
	if (!f->updating || now.ms < f->updated_at.ms)
		return;
	f->updating = false;
	f->update_failed = f->update_fails;
	f->update_fails = false;
	rng_uuid(sim_dice(s), f->versions[0].revision);
}

void sim_alias_record(struct sim *s, const struct sim_function *f, const struct sim_alias *a)
{
	char resource[320], candidate[24] = "", baseline[24];
	snprintf(resource, sizeof(resource), "lambda:%s:%s", f->name, a->name);
	if (a->additional)
		sim_version_label(a->additional, candidate);
	sim_version_label(a->version, baseline);
	sim_record_split(s, resource, candidate, a->additional ? a->weight * 100 : 0, baseline);
}

struct sim_version *sim_alias_pick(struct sim *s, struct sim_function *f, const struct sim_alias *a)
{
	int64_t number = a->version;
	if (a->additional && rng_unit(sim_dice(s)) < a->weight)
		number = a->additional;
	return sim_version_find(f, number);
}

static void *create(struct sim *s)
{
	struct sim_lambda_state *l = xcalloc(1, sizeof(*l));
	l->last = sim_now(s);
	return l;
}

void sim_function_free(struct sim_function *f)
{
	for (size_t i = 0; i < f->n_overrides; i++)
		free(f->overrides[i].words);
	free(f->overrides);
	free(f->code);
	free(f->versions);
	free(f->aliases);
	free(f->series);
	free(f->statements);
	free(f->callers);
	free(f);
}

static void destroy(void *state)
{
	struct sim_lambda_state *l = state;
	if (!l)
		return;
	while (l->functions) {
		struct sim_function *f = l->functions;
		l->functions = f->next;
		sim_function_free(f);
	}
	free(l);
}

static void advance(struct sim *s, void *state, struct utc now)
{
	struct sim_lambda_state *l = state;
	for (struct sim_function *f = l->functions; f; f = f->next)
		sim_function_settle(s, f, now);
	sim_lambda_step(s, l, l->last, now);
	l->last = now;
}

/* --- answers ------------------------------------------------------------------------------- */

bool sim_lambda_need_function(struct sim_lambda_call *c)
{
	if (c->f)
		return true;
	sim_lambda_error(c, 404, "ResourceNotFoundException",
			 "Function not found: arn:aws:lambda:" SIM_REGION ":" SIM_ACCOUNT
			 ":function:%s",
			 c->function);
	return false;
}

bool sim_lambda_check_revision(struct sim_lambda_call *c, const char *revision)
{
	struct str given = json_text(json_get(c->in, "RevisionId"));
	if (!given.n)
		given = sim_form_get(sim_form_parse(c->x->arena, c->x->req->query), "RevisionId");
	if (!given.n || str_is(given, revision))
		return true;
	sim_lambda_error(c, 412, "PreconditionFailedException",
			 "The Revision Id provided does not match the latest Revision Id. Call the "
			 "GetFunction/GetAlias API to retrieve the latest Revision Id");
	return false;
}

struct sim_version *sim_lambda_resolve(struct sim_lambda_call *c, struct sim_alias **alias)
{
	struct sim_version *v = NULL;
	int64_t number;
	*alias = NULL;
	if (!c->qualifier[0])
		return &c->f->versions[0];
	if (sim_version_parse(str_from(c->qualifier), &number)) {
		v = sim_version_find(c->f, number);
	} else {
		*alias = sim_alias_find(c->f, c->qualifier);
		v = *alias ? sim_version_find(c->f, (*alias)->version) : NULL;
	}
	if (!v)
		sim_lambda_error(c, 404, "ResourceNotFoundException", "Function not found: %s:%s",
				 c->f->arn, c->qualifier);
	return v;
}

/* --- from a path to an operation ----------------------------------------------------------- */

static const struct route {
	const char *operation, *method, *tail; /* what follows the function's name */
	bool has_item;
	void (*run)(struct sim_lambda_call *c);
} routes[] = {
	{"GetFunction", "GET", "", false, sim_lambda_get_function},
	{"DeleteFunction", "DELETE", "", false, sim_lambda_delete_function},
	{"GetFunctionConfiguration", "GET", "configuration", false, sim_lambda_get_configuration},
	{"UpdateFunctionConfiguration", "PUT", "configuration", false,
	 sim_lambda_update_configuration},
	{"UpdateFunctionCode", "PUT", "code", false, sim_lambda_update_code},
	{"PublishVersion", "POST", "versions", false, sim_lambda_publish},
	{"ListVersionsByFunction", "GET", "versions", false, sim_lambda_list_versions},
	{"CreateAlias", "POST", "aliases", false, sim_lambda_create_alias},
	{"ListAliases", "GET", "aliases", false, sim_lambda_list_aliases},
	{"GetAlias", "GET", "aliases", true, sim_lambda_get_alias},
	{"UpdateAlias", "PUT", "aliases", true, sim_lambda_update_alias},
	{"DeleteAlias", "DELETE", "aliases", true, sim_lambda_delete_alias},
	{"Invoke", "POST", "invocations", false, sim_lambda_invoke},
	{"AddPermission", "POST", "policy", false, sim_lambda_add_permission},
	{"GetPolicy", "GET", "policy", false, sim_lambda_get_policy},
	{"RemovePermission", "DELETE", "policy", true, sim_lambda_remove_permission},
	{"PutProvisionedConcurrencyConfig", "PUT", "provisioned-concurrency", false,
	 sim_lambda_put_provisioned},
	{"GetProvisionedConcurrencyConfig", "GET", "provisioned-concurrency", false,
	 sim_lambda_get_provisioned},
	{"DeleteProvisionedConcurrencyConfig", "DELETE", "provisioned-concurrency", false,
	 sim_lambda_delete_provisioned},
};

/* The parts of "/2015-03-31/functions/<name>/<tail>/<item>", decoded. NULL: no such operation. */
static const struct route *find_route(const struct sim_exchange *x, const char *part[5])
{
	struct str rest = x->req->path, field;
	size_t n = 0;
	for (size_t i = 0; i < 5; i++)
		part[i] = "";
	if (!str_next(&rest, '/', &field) || field.n)
		return NULL;
	while (n < 5 && str_next(&rest, '/', &field))
		part[n++] = sim_uri_decode(x->arena, field);
	if (rest.n || strcmp(part[1], "functions") != 0 || !part[2][0])
		return NULL;
	bool provisioned = strcmp(part[3], "provisioned-concurrency") == 0;
	if (strcmp(part[0], provisioned ? "2019-09-30" : "2015-03-31") != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (strcmp(routes[i].method, x->req->method) == 0 &&
		    strcmp(routes[i].tail, part[3]) == 0 && routes[i].has_item == (part[4][0] != 0))
			return &routes[i];
	return NULL;
}

static const char *operation(const struct sim_exchange *x)
{
	const char *part[5];
	const struct route *r = find_route(x, part);
	return r ? r->operation : NULL;
}

/* Name and qualifier of "name", "account:function:name" or a whole ARN, with or without ":q". */
static void split_name(struct sim_lambda_call *c, const char *text)
{
	struct str rest = str_from(text), field[9], one;
	size_t n = 0, at = 0;
	while (n < 9 && str_next(&rest, ':', &one))
		field[n++] = one;
	for (size_t i = 0; i + 1 < n; i++)
		if (str_is(field[i], "function"))
			at = i + 1;
	c->function = n ? str_dup(c->x->arena, field[at]) : "";
	c->qualifier = at + 1 < n ? str_dup(c->x->arena, field[at + 1]) : "";
}

static void handle(struct sim *s, void *state, const struct sim_exchange *x)
{
	struct sim_lambda_call c = {.s = s, .l = state, .x = x, .in = x->json};
	const char *part[5];
	const struct route *r = find_route(x, part);
	if (!r) {
		sim_lambda_error(&c, 404, "UnknownOperationException",
				 "the simulator has no such operation");
		return;
	}
	if (!c.in && x->req->body.n && r->run != sim_lambda_invoke) {
		sim_lambda_error(&c, 400, "InvalidRequestContentException",
				 "Could not parse request body into json");
		return;
	}
	split_name(&c, part[2]);
	c.item = part[4];
	struct str q = sim_form_get(sim_form_parse(x->arena, x->req->query), "Qualifier");
	if (q.n)
		c.qualifier = str_dup(x->arena, q);
	c.f = sim_function_find(c.l, str_from(c.function));
	if (c.f)
		sim_function_settle(s, c.f, x->now);
	r->run(&c);
}

const struct sim_service sim_lambda = {
	.name = "lambda",
	.create = create,
	.destroy = destroy,
	.advance = advance,
	.operation = operation,
	.handle = handle,
	.control = sim_lambda_control,
};
