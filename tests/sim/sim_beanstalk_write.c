#include "tests/sim/sim_beanstalk.h"

#include <stdio.h>

#include "tests/sim/sim_wire.h"

/*
 * Calls that change environments. They are refused unless the environment is Ready, and answered
 * before anything has happened: what they begin ends in sim_beanstalk_operation.c.
 */

#define ENVIRONMENT "aws:elasticbeanstalk:environment"

static int need_ready(const struct sim_eb_call *c, const struct sim_eb_environment *e)
{
	if (e->status == EB_READY)
		return 0;
	return sim_eb_invalid(
		c,
		"Environment named %s is in an invalid state for this operation. Must be "
		"Ready.",
		e->name);
}

static int need_version(struct sim_eb_call *c, const char *app, struct str label)
{
	const struct sim_eb_version *v = sim_eb_version_find(c->b, str_from(app), label);
	if (!v)
		return sim_eb_invalid(c, "No Application Version named '" STR_FMT "' found.",
				      STR_ARG(label));
	if (strcmp(v->status, "Failed") == 0 || strcmp(v->status, "Processing") == 0)
		return sim_eb_invalid(
			c,
			"Application version " STR_FMT
			" is unusable and cannot be used with an environment: it is %s.",
			STR_ARG(label), v->status);
	return 0;
}

/* --- creation ------------------------------------------------------------------------------- */

static void random_id(struct sim *s, char *out, size_t n)
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
	for (size_t i = 0; i < n; i++)
		out[i] = letters[rng_below(sim_dice(s), sizeof(letters) - 1)];
	out[n] = '\0';
}

struct sim_eb_environment *sim_eb_environment_new(struct sim *s, struct sim_eb_state *b,
						  struct str name, struct str app)
{
	struct sim_eb_environment *e = xcalloc(1, sizeof(*e));
	char tail[12];
	(void)str_copy(e->name, sizeof(e->name), name);
	(void)str_copy(e->app, sizeof(e->app), app);
	random_id(s, tail, 10);
	snprintf(e->id, sizeof(e->id), "e-%s", tail);
	random_id(s, tail, 8);
	/* without a prefix of its own: the newer form of the names */
	snprintf(e->cname, sizeof(e->cname), "%s.eba-%s" EB_DOMAIN, e->name, tail);
	(void)str_copy(e->stack, sizeof(e->stack),
		       STR("64bit Amazon Linux 2023 v4.3.0 running Python 3.11"));
	(void)str_copy(e->tier, sizeof(e->tier), STR("WebServer"));
	(void)str_copy(e->tier_type, sizeof(e->tier_type), STR("Standard"));
	e->status = EB_READY;
	e->created = e->updated = sim_now(s);
	e->forced = EB_HEALTH_AUTO;
	e->last_health = EB_OK;
	e->next = b->environments;
	b->environments = e;
	return e;
}

static void forget(struct sim_eb_state *b, struct sim_eb_environment *e)
{
	struct sim_eb_environment **at = &b->environments;
	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	sim_eb_environment_free(e);
}

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '-'))
			return false;
	}
	return s.n && s.p[0] != '-' && s.p[s.n - 1] != '-';
}

static int check_new(struct sim_eb_call *c, struct str name, struct str prefix)
{
	struct str app = sim_eb_arg(c, "ApplicationName");
	const char *cname;
	int64_t n = 0;
	for (const struct sim_eb_environment *e = c->b->environments; e; e = e->next)
		n += e->status != EB_TERMINATED;
	if (!sim_eb_app_find(c->b, app))
		return sim_eb_invalid(c, "No Application named '" STR_FMT "' found.", STR_ARG(app));
	if (!is_name(name))
		return sim_eb_invalid(
			c,
			"Value " STR_FMT " at 'EnvironmentName' failed to satisfy "
			"constraint: Member must contain only letters, digits, and the "
			"dash character and may not start or end with a dash",
			STR_ARG(name));
	if (sim_eb_environment_by_name(c->b, name))
		return sim_eb_invalid(c, "Environment " STR_FMT " already exists.", STR_ARG(name));
	if (n >= c->b->set.environments_max)
		return sim_eb_error(c, 400, "TooManyEnvironmentsException",
				    "You cannot have more than %lld Environments.",
				    (long long)c->b->set.environments_max);
	if (prefix.n && !is_name(prefix))
		return sim_eb_invalid(c, "Value " STR_FMT " at 'CNAMEPrefix' is not valid.",
				      STR_ARG(prefix));
	cname = arena_printf(c->x->arena, STR_FMT EB_DOMAIN, STR_ARG(prefix));
	if (prefix.n && sim_eb_environment_by_cname(c->b, str_from(cname)))
		return sim_eb_invalid(c, "DNS name (%s) is not available.", cname);
	return 0;
}

/* Options and platform of a new environment. */
static int fill_options(struct sim_eb_call *c, struct sim_eb_environment *e)
{
	struct str template = sim_eb_arg(c, "TemplateName"),
		   stack = sim_eb_arg(c, "SolutionStackName");
	if (!template.n && !stack.n && !sim_eb_arg(c, "PlatformArn").n)
		return sim_eb_error(c, 400, "MissingParameter",
				    "One of TemplateName, SolutionStackName and PlatformArn is "
				    "required.");
	if (template.n) {
		const struct sim_eb_template *t =
			sim_eb_template_find(c->b, str_from(e->app), template);
		if (!t)
			return sim_eb_invalid(
				c, "No Configuration Template named '" STR_FMT "' found.",
				STR_ARG(template));
		sim_eb_options_copy(&e->options, &t->options);
		memcpy(e->stack, t->stack, sizeof(e->stack));
		memcpy(e->template, t->name, sizeof(e->template));
	}
	if (stack.n && !str_copy(e->stack, sizeof(e->stack), stack))
		return sim_eb_invalid(c, "No Solution Stack of that name.");
	return sim_eb_options_read(c, &e->options);
}

static int fill_tier(struct sim_eb_call *c, struct sim_eb_environment *e)
{
	struct str name = json_text(json_at(c->in, "Tier.Name")),
		   type = json_text(json_at(c->in, "Tier.Type"));
	bool worker = str_is(name, "Worker");
	if (!name.n)
		return 0;
	if ((!worker && !str_is(name, "WebServer")) ||
	    (type.n && !str_is(type, worker ? "SQS/HTTP" : "Standard")))
		return sim_eb_invalid(c, "Tier '" STR_FMT "' of type '" STR_FMT "' does not exist.",
				      STR_ARG(name), STR_ARG(type));
	(void)str_copy(e->tier, sizeof(e->tier), name);
	(void)str_copy(e->tier_type, sizeof(e->tier_type),
		       worker ? STR("SQS/HTTP") : STR("Standard"));
	if (worker)
		e->cname[0] = '\0';
	return 0;
}

int sim_eb_create_environment(struct sim_eb_call *c)
{
	struct str name = sim_eb_arg(c, "EnvironmentName"), prefix = sim_eb_arg(c, "CNAMEPrefix"),
		   label = sim_eb_arg(c, "VersionLabel"), app = sim_eb_arg(c, "ApplicationName");
	struct sim_eb_environment *e;
	if (check_new(c, name, prefix))
		return -1;
	if (label.n && need_version(c, str_dup(c->x->arena, app), label))
		return -1;
	e = sim_eb_environment_new(c->s, c->b, name, app);
	if (prefix.n)
		snprintf(e->cname, sizeof(e->cname), STR_FMT EB_DOMAIN, STR_ARG(prefix));
	if (fill_options(c, e) || fill_tier(c, e) || sim_eb_tags_read(c, "Tags", &e->tags)) {
		forget(c->b, e);
		return -1;
	}
	(void)str_copy(e->description, sizeof(e->description), sim_eb_arg(c, "Description"));
	sim_eb_begin(c->s, e, EB_LAUNCH, c->x->request_id, c->b->set.launch);
	(void)str_copy(e->op.label, sizeof(e->op.label), label);
	sim_eb_write_environment(c, e);
	return 0;
}

/* --- updates -------------------------------------------------------------------------------- */

static bool is_given(const struct sim_eb_call *c, const char *key)
{
	const struct json *j = json_get(c->in, key);
	return j && (j->first || json_text(j).n);
}

static int update_version(struct sim_eb_call *c, struct sim_eb_environment *e)
{
	struct str label = sim_eb_arg(c, "VersionLabel");
	if (need_version(c, e->app, label))
		return -1;
	sim_eb_begin(c->s, e, EB_DEPLOY, c->x->request_id, 0);
	(void)str_copy(e->op.label, sizeof(e->op.label), label);
	sim_eb_deploy_begin(c->s, c->b, e);
	sim_eb_write_environment(c, e);
	return 0;
}

static int read_configuration(struct sim_eb_call *c, const struct sim_eb_environment *e,
			      struct sim_eb_options *next)
{
	struct str template = sim_eb_arg(c, "TemplateName");
	sim_eb_options_copy(next, &e->options);
	if (template.n) {
		const struct sim_eb_template *t =
			sim_eb_template_find(c->b, str_from(e->app), template);
		if (!t)
			return sim_eb_invalid(
				c, "No Configuration Template named '" STR_FMT "' found.",
				STR_ARG(template));
		sim_eb_options_copy(next, &t->options);
	}
	if (sim_eb_options_read(c, next))
		return -1;
	if (strcmp(sim_eb_option_get(next, ENVIRONMENT, "LoadBalancerType"),
		   sim_eb_option_get(&e->options, ENVIRONMENT, "LoadBalancerType")) != 0)
		return sim_eb_error(
			c, 400, "ConfigurationValidationException",
			"Configuration validation exception: Invalid option value: the type "
			"of the load balancer cannot be changed (Namespace: '" ENVIRONMENT
			"', OptionName: 'LoadBalancerType').");
	return 0;
}

static int update_configuration(struct sim_eb_call *c, struct sim_eb_environment *e)
{
	struct sim_eb_options next = {NULL, 0};
	if (read_configuration(c, e, &next)) {
		sim_eb_options_release(&next);
		return -1;
	}
	if (is_given(c, "SolutionStackName"))
		(void)str_copy(e->stack, sizeof(e->stack), sim_eb_arg(c, "SolutionStackName"));
	sim_eb_begin(c->s, e, EB_CONFIGURE, c->x->request_id, c->b->set.config);
	sim_eb_event(c->s, e, "INFO", "Updating environment %s's configuration settings.", e->name);
	e->op.options = next;
	sim_eb_write_environment(c, e);
	return 0;
}

int sim_eb_update_environment(struct sim_eb_call *c)
{
	struct sim_eb_environment *e = sim_eb_named(c);
	bool version = is_given(c, "VersionLabel"),
	     options = is_given(c, "OptionSettings") || is_given(c, "OptionsToRemove") ||
		       is_given(c, "TemplateName") || is_given(c, "SolutionStackName") ||
		       is_given(c, "PlatformArn");
	if (!e || need_ready(c, e))
		return -1;
	if (version && options)
		return sim_eb_error(
			c, 400, "InvalidParameterCombination",
			"You cannot update the application version and the configuration "
			"of an environment in one call.");
	if (is_given(c, "Description"))
		(void)str_copy(e->description, sizeof(e->description),
			       sim_eb_arg(c, "Description"));
	if (version)
		return update_version(c, e);
	if (options)
		return update_configuration(c, e);
	if (!is_given(c, "Description"))
		return sim_eb_error(c, 400, "MissingParameter", "There is nothing to update.");
	sim_eb_write_environment(c, e);
	return 0;
}

void sim_eb_abort(struct sim *s, struct sim_eb_state *b, struct sim_eb_environment *e,
		  const char *request_id)
{
	struct sim_eb_operating was = e->op;
	if (was.kind == EB_DEPLOY)
		sim_eb_deploy_undo(s, e);
	e->managed.running = false;
	sim_eb_begin(s, e, EB_ABORT, request_id, b->set.abort);
	e->op.policy = was.policy;
	if (was.kind == EB_DEPLOY)
		memcpy(e->op.label, was.label, sizeof(e->op.label));
	sim_eb_record(s, e);
}

int sim_eb_abort_update(struct sim_eb_call *c)
{
	struct sim_eb_environment *e = sim_eb_named(c);
	if (!e)
		return -1;
	if (!sim_eb_abortable(e))
		return sim_eb_invalid(
			c,
			"Environment named %s is in an invalid state for this operation. Must be "
			"pending deployment.",
			e->name);
	sim_eb_abort(c->s, c->b, e, c->x->request_id);
	return 0;
}

/* --- CNAMEs --------------------------------------------------------------------------------- */

/* One side of an exchange; NULL: answered. */
static struct sim_eb_environment *side(struct sim_eb_call *c, const char *id_key,
				       const char *name_key)
{
	struct str id = sim_eb_arg(c, id_key), name = sim_eb_arg(c, name_key);
	struct sim_eb_environment *e = NULL;
	if (!id.n && !name.n) {
		(void)sim_eb_error(c, 400, "MissingParameter", "%s or %s is required.", id_key,
				   name_key);
		return NULL;
	}
	e = id.n ? sim_eb_environment_by_id(c->b, id) : sim_eb_environment_by_name(c->b, name);
	if (!e || e->status == EB_TERMINATED) {
		(void)sim_eb_invalid(c, "No Environment found for %s = '" STR_FMT "'.",
				     id.n ? "EnvironmentId" : "EnvironmentName",
				     STR_ARG(id.n ? id : name));
		return NULL;
	}
	if (need_ready(c, e))
		return NULL;
	if (!e->cname[0]) {
		(void)sim_eb_invalid(c, "Environment %s has no CNAME.", e->name);
		return NULL;
	}
	return e;
}

int sim_eb_swap_cnames(struct sim_eb_call *c)
{
	struct sim_eb_environment *a = side(c, "SourceEnvironmentId", "SourceEnvironmentName"), *b;
	if (!a || !(b = side(c, "DestinationEnvironmentId", "DestinationEnvironmentName")))
		return -1;
	if (a == b || strcmp(a->app, b->app) != 0)
		return sim_eb_invalid(c, "The environments must be two of one application.");
	sim_eb_begin(c->s, a, EB_SWAP, c->x->request_id, c->b->set.swap);
	sim_eb_begin(c->s, b, EB_SWAP, c->x->request_id, c->b->set.swap);
	memcpy(a->op.other, b->id, sizeof(a->op.other));
	sim_eb_event(c->s, a, "INFO", "Swapping CNAMEs for environments '%s' and '%s'.", a->name,
		     b->name);
	return 0;
}

/* --- the end, and beginning again ----------------------------------------------------------- */

int sim_eb_terminate_environment(struct sim_eb_call *c)
{
	struct sim_eb_environment *e = sim_eb_named(c);
	if (!e)
		return -1;
	if (!str_is(sim_eb_arg(c, "ForceTerminate"), "true") && need_ready(c, e))
		return -1;
	sim_eb_begin(c->s, e, EB_TERMINATE, c->x->request_id, c->b->set.terminate);
	sim_eb_write_environment(c, e);
	return 0;
}

int sim_eb_rebuild_environment(struct sim_eb_call *c)
{
	struct sim_eb_environment *e = sim_eb_named(c);
	if (!e || need_ready(c, e))
		return -1;
	sim_eb_begin(c->s, e, EB_RESTART, c->x->request_id, c->b->set.launch);
	return 0;
}

int sim_eb_restart_server(struct sim_eb_call *c)
{
	struct sim_eb_environment *e = sim_eb_named(c);
	if (!e || need_ready(c, e))
		return -1;
	sim_eb_begin(c->s, e, EB_RESTART, c->x->request_id, c->b->set.deploy);
	return 0;
}
