#include "tests/sim/sim_beanstalk.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim_wire.h"

/*
 * The simulated Elastic Beanstalk: its model, its events, and the dispatch of calls. Whatever takes
 * time in Beanstalk takes time here, and whatever it only tells by an event or by an instance's
 * deployment status is told only there: an update that failed ends as Ready, too.
 */

#define XMLNS "http://elasticbeanstalk.amazonaws.com/docs/2010-12-01/"
#define MINUTE INT64_C(60000)

/* --- looking things up ---------------------------------------------------------------------- */

struct sim_eb_app *sim_eb_app_find(struct sim_eb_state *b, struct str name)
{
	for (struct sim_eb_app *a = b->apps; a; a = a->next)
		if (str_is(name, a->name))
			return a;
	return NULL;
}

struct sim_eb_app *sim_eb_app_make(struct sim_eb_state *b, struct str name, struct utc now)
{
	struct sim_eb_app *a = sim_eb_app_find(b, name);
	if (a)
		return a;
	a = xcalloc(1, sizeof(*a));
	(void)str_copy(a->name, sizeof(a->name), name);
	a->created = now;
	a->next = b->apps;
	b->apps = a;
	return a;
}

struct sim_eb_version *sim_eb_version_find(struct sim_eb_state *b, struct str app, struct str label)
{
	for (struct sim_eb_version *v = b->versions; v; v = v->next)
		if (str_is(app, v->app) && str_is(label, v->label))
			return v;
	return NULL;
}

struct sim_eb_template *sim_eb_template_find(struct sim_eb_state *b, struct str app,
					     struct str name)
{
	for (struct sim_eb_template *t = b->templates; t; t = t->next)
		if (str_is(app, t->app) && str_is(name, t->name))
			return t;
	return NULL;
}

struct sim_eb_environment *sim_eb_environment_by_id(struct sim_eb_state *b, struct str id)
{
	for (struct sim_eb_environment *e = b->environments; e; e = e->next)
		if (str_is(id, e->id))
			return e;
	return NULL;
}

struct sim_eb_environment *sim_eb_environment_by_name(struct sim_eb_state *b, struct str name)
{
	for (struct sim_eb_environment *e = b->environments; e; e = e->next)
		if (e->status != EB_TERMINATED && str_is(name, e->name))
			return e;
	return NULL;
}

struct sim_eb_environment *sim_eb_environment_by_cname(struct sim_eb_state *b, struct str cname)
{
	for (struct sim_eb_environment *e = b->environments; e; e = e->next)
		if (e->status != EB_TERMINATED && str_is_nocase(cname, e->cname))
			return e;
	return NULL;
}

void sim_eb_environment_free(struct sim_eb_environment *e)
{
	sim_eb_options_release(&e->options);
	sim_eb_options_release(&e->failed);
	sim_eb_options_release(&e->op.options);
	free(e->tags.t);
	free(e->instances);
	free(e);
}

const char *sim_eb_status_name(enum sim_eb_status s)
{
	static const char *const names[] = {"Launching", "Updating",	"Aborting",
					    "Ready",	 "Terminating", "Terminated"};
	return names[s];
}

void sim_eb_arn(char out[512], const char *kind, const char *app, const char *name)
{
	snprintf(out, 512,
		 "arn:aws:elasticbeanstalk:" SIM_REGION ":" SIM_ACCOUNT ":%s/%.100s%s%.100s", kind,
		 app, name[0] ? "/" : "", name);
}

/* --- requests ------------------------------------------------------------------------------- */

struct str sim_eb_arg(const struct sim_eb_call *c, const char *key)
{
	return json_text(json_get(c->in, key));
}

int sim_eb_error(const struct sim_eb_call *c, int status, const char *code, const char *fmt, ...)
{
	char text[2048];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sim_reply_error(c->x, SIM_WIRE_QUERY, status, code, "%s", text);
	return -1;
}

struct sim_eb_environment *sim_eb_named(struct sim_eb_call *c)
{
	struct str id = sim_eb_arg(c, "EnvironmentId"), name = sim_eb_arg(c, "EnvironmentName");
	struct sim_eb_environment *e = NULL;
	if (!id.n && !name.n) {
		(void)sim_eb_error(c, 400, "MissingParameter",
				   "EnvironmentId or EnvironmentName is required.");
		return NULL;
	}
	if (id.n)
		e = sim_eb_environment_by_id(c->b, id);
	else
		e = sim_eb_environment_by_name(c->b, name);
	if (e && name.n && !str_is(name, e->name))
		e = NULL;
	if (!e || e->status == EB_TERMINATED) {
		(void)sim_eb_invalid(c, "No Environment found for %s = '" STR_FMT "'.",
				     id.n ? "EnvironmentId" : "EnvironmentName",
				     STR_ARG(id.n ? id : name));
		return NULL;
	}
	return e;
}

void sim_eb_xml_time(struct buf *out, const char *tag, struct utc t)
{
	char iso[UTC_ISO_SIZE];
	utc_format_iso(t, iso);
	sim_xml_text(out, tag, str_from(iso));
}

int sim_eb_page(struct sim_eb_call *c, size_t n, size_t most, struct sim_eb_page *p)
{
	struct str max = sim_eb_arg(c, "MaxRecords"), token = sim_eb_arg(c, "NextToken");
	int64_t size = (int64_t)most, from = 0;
	(void)str_parse_i64(max, 1, (int64_t)most, &size);
	if (token.n && !str_parse_i64(token, 0, (int64_t)n, &from))
		return sim_eb_invalid(c, "The token is not valid.");
	p->from = (size_t)from;
	p->to = p->from + (size_t)size < n ? p->from + (size_t)size : n;
	return 0;
}

/* --- events --------------------------------------------------------------------------------- */

static struct sim_eb_event *event_new(struct sim *s, const char *severity, const char *message)
{
	struct sim_eb_state *b = sim_state(s, &sim_beanstalk);
	struct sim_eb_event *v;
	if (b->n_events == b->cap_events) {
		b->cap_events = b->cap_events ? 2 * b->cap_events : 64;
		b->events = xrealloc(b->events, b->cap_events * sizeof(*b->events));
	}
	v = &b->events[b->n_events++];
	*v = (struct sim_eb_event){.at = sim_now(s),
				   .severity = severity,
				   .message = arena_strdup(b->arena, message),
				   .app = "",
				   .environment = "",
				   .environment_id = "",
				   .label = "",
				   .request_id = ""};
	return v;
}

void sim_eb_event(struct sim *s, const struct sim_eb_environment *e, const char *severity,
		  const char *fmt, ...)
{
	struct sim_eb_state *b = sim_state(s, &sim_beanstalk);
	struct sim_eb_event *v;
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	v = event_new(s, severity, text);
	v->app = arena_strdup(b->arena, e->app);
	v->environment = arena_strdup(b->arena, e->name);
	v->environment_id = arena_strdup(b->arena, e->id);
	v->request_id = arena_strdup(b->arena, e->op.request_id);
}

void sim_eb_event_of(struct sim *s, const char *app, const char *label, const char *request_id,
		     const char *severity, const char *message)
{
	struct sim_eb_state *b = sim_state(s, &sim_beanstalk);
	struct sim_eb_event *v = event_new(s, severity, message);
	v->app = arena_strdup(b->arena, app);
	v->label = arena_strdup(b->arena, label);
	v->request_id = arena_strdup(b->arena, request_id);
}

/* --- the service ---------------------------------------------------------------------------- */

static void *create(struct sim *s)
{
	struct sim_eb_state *b = xcalloc(1, sizeof(*b));
	b->arena = arena_new();
	b->last = b->last_minute = sim_now(s);
	b->set = (struct sim_eb_settings){
		.launch = 3 * MINUTE,
		.boot = 2 * MINUTE,
		.deploy = MINUTE,
		.pass = 2 * MINUTE,
		.config = MINUTE,
		.swap = 20000,
		.terminate = 2 * MINUTE,
		.abort = MINUTE,
		.process = 5000,
		.managed = 5 * MINUTE,
		.dns_ttl = MINUTE,
		.dns_tail_life = 10 * MINUTE,
		.dns_tail = 0.02,
		.versions_max = 1000,
		.environments_max = 200,
	};
	return b;
}

/* Free a list whose elements begin with their next pointer. */
#define FREE_LIST(type, list, release)      \
	while (list) {                      \
		struct type *first_ = list; \
		(list) = first_->next;      \
		release(first_);            \
	}

static void version_free(struct sim_eb_version *v)
{
	free(v->tags.t);
	free(v);
}

static void template_free(struct sim_eb_template *t)
{
	sim_eb_options_release(&t->options);
	free(t);
}

static void destroy(void *state)
{
	struct sim_eb_state *b = state;
	if (!b)
		return;
	FREE_LIST(sim_eb_app, b->apps, free)
	FREE_LIST(sim_eb_version, b->versions, version_free)
	FREE_LIST(sim_eb_template, b->templates, template_free)
	FREE_LIST(sim_eb_environment, b->environments, sim_eb_environment_free)
	FREE_LIST(sim_eb_cname, b->cnames, free)
	FREE_LIST(sim_eb_foreign, b->foreign, free)
	free(b->events);
	arena_free(b->arena);
	free(b);
}

static void advance(struct sim *s, void *state, struct utc now)
{
	struct sim_eb_state *b = state;
	sim_eb_versions_step(s, b, now);
	sim_eb_operations_step(s, b, now);
	sim_eb_traffic_step(s, b, b->last, now);
	b->last = now;
}

static const struct {
	const char *name;
	int (*run)(struct sim_eb_call *c);
	bool silent; /* the answer has no result element */
} operations[] = {
	{"CreateApplicationVersion", sim_eb_create_version, false},
	{"DescribeApplicationVersions", sim_eb_describe_versions, false},
	{"DeleteApplicationVersion", sim_eb_delete_version, true},
	{"DescribeApplications", sim_eb_describe_applications, false},
	{"CreateConfigurationTemplate", sim_eb_create_template, false},
	{"DeleteConfigurationTemplate", sim_eb_delete_template, true},
	{"CheckDNSAvailability", sim_eb_check_dns, false},
	{"CreateStorageLocation", sim_eb_create_storage, false},
	{"ListTagsForResource", sim_eb_list_tags, false},
	{"UpdateTagsForResource", sim_eb_update_tags, true},
	{"CreateEnvironment", sim_eb_create_environment, false},
	{"UpdateEnvironment", sim_eb_update_environment, false},
	{"AbortEnvironmentUpdate", sim_eb_abort_update, true},
	{"SwapEnvironmentCNAMEs", sim_eb_swap_cnames, true},
	{"TerminateEnvironment", sim_eb_terminate_environment, false},
	{"RebuildEnvironment", sim_eb_rebuild_environment, true},
	{"RestartAppServer", sim_eb_restart_server, true},
	{"DescribeEnvironments", sim_eb_describe_environments, false},
	{"DescribeEnvironmentHealth", sim_eb_describe_health, false},
	{"DescribeInstancesHealth", sim_eb_describe_instances, false},
	{"DescribeEnvironmentResources", sim_eb_describe_resources, false},
	{"DescribeConfigurationSettings", sim_eb_describe_settings, false},
	{"ValidateConfigurationSettings", sim_eb_validate_settings, false},
	{"DescribeEnvironmentManagedActions", sim_eb_describe_managed, false},
	{"DescribeEvents", sim_eb_describe_events, false},
};

/* An answer without a result: only the request id. */
static void reply_silent(const struct sim_exchange *x)
{
	char *body = arena_printf(x->arena,
				  "<%sResponse xmlns=\"" XMLNS "\"><ResponseMetadata><RequestId>%s"
				  "</RequestId></ResponseMetadata></%sResponse>",
				  x->operation, x->request_id, x->operation);
	sim_reply_xml(x, 200, str_from(body));
}

static void handle(struct sim *s, void *state, const struct sim_exchange *x)
{
	struct buf b;
	struct sim_eb_call c = {.s = s, .b = state, .x = x, .out = &b};
	c.in = sim_form_tree(x->arena, x->form, false);
	if (str_starts(sim_key_principal(s, str_from(x->principal)), SIM_ARTIFACT_PRINCIPAL)) {
		(void)sim_eb_error(&c, 403, "AccessDenied",
				   "User is not authorized to perform: elasticbeanstalk:%.64s",
				   x->operation);
		return;
	}
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (strcmp(x->operation, operations[i].name) != 0)
			continue;
		buf_init(&b, 16u << 20);
		if (sim_eb_check_request(&c) == 0 && operations[i].run(&c) == 0) {
			if (operations[i].silent)
				reply_silent(x);
			else
				sim_reply_query(x, XMLNS, buf_str(&b));
		}
		buf_release(&b);
		return;
	}
	(void)sim_eb_error(&c, 400, "InvalidAction", "the simulator has no operation %.64s",
			   x->operation);
}

const struct sim_service sim_beanstalk = {
	.name = "elasticbeanstalk",
	.create = create,
	.destroy = destroy,
	.advance = advance,
	.handle = handle,
	.control = sim_eb_control,
};
