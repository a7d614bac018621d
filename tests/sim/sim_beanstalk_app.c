#include "tests/sim/sim_beanstalk.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim_wire.h"

/* Application versions, configuration templates, storage, tags: what environments are made from. */

/* --- versions ------------------------------------------------------------------------------- */

struct sim_eb_version *sim_eb_version_new(struct sim_eb_state *b, struct str app, struct str label,
					  struct utc now)
{
	struct sim_eb_version *v = xcalloc(1, sizeof(*v)), **at = &b->versions;
	(void)str_copy(v->app, sizeof(v->app), app);
	(void)str_copy(v->label, sizeof(v->label), label);
	v->created = v->updated = now;
	v->does.latency_ms = 20;
	v->status = "Processed";
	while (*at)
		at = &(*at)->next;
	*at = v;
	return v;
}

static void ignore_entry(void *arg, struct str name, struct str content)
{
	(void)arg;
	(void)name;
	(void)content;
}

void sim_eb_version_code(struct sim_eb_version *v, struct str bytes)
{
	struct err err = ERR_INIT;
	sim_behaviour_code(&v->does, bytes);
	v->bad = sim_zip_each(bytes, ignore_entry, NULL, &err) != 0;
}

void sim_eb_versions_step(struct sim *s, struct sim_eb_state *b, struct utc now)
{
	for (struct sim_eb_version *v = b->versions; v; v = v->next) {
		char text[256];
		if (strcmp(v->status, "Processing") != 0 || now.ms < v->processed.ms)
			continue;
		v->status = v->bad ? "Failed" : "Processed";
		v->updated = now;
		snprintf(text, sizeof(text),
			 v->bad ? "Failed to process application version %s."
				: "Finished processing application version %s",
			 v->label);
		sim_eb_event_of(s, v->app, v->label, "", v->bad ? "ERROR" : "INFO", text);
	}
}

static void write_version(struct sim_eb_call *c, const struct sim_eb_version *v)
{
	char arn[512];
	sim_eb_arn(arn, "applicationversion", v->app, v->label);
	sim_xml_text(c->out, "ApplicationVersionArn", str_from(arn));
	sim_xml_text(c->out, "ApplicationName", str_from(v->app));
	if (v->description[0])
		sim_xml_text(c->out, "Description", str_from(v->description));
	sim_xml_text(c->out, "VersionLabel", str_from(v->label));
	buf_adds(c->out, "<SourceBundle>");
	sim_xml_text(c->out, "S3Bucket", str_from(v->bucket));
	sim_xml_text(c->out, "S3Key", str_from(v->key));
	buf_adds(c->out, "</SourceBundle>");
	sim_eb_xml_time(c->out, "DateCreated", v->created);
	sim_eb_xml_time(c->out, "DateUpdated", v->updated);
	sim_xml_text(c->out, "Status", str_from(v->status));
}

/* The bundle, if it is there and may be read. */
static const struct buf *read_bundle(struct sim_eb_call *c, struct str bucket, struct str key)
{
	const struct buf *bytes = sim_s3_object(c->s, bucket, key);
	for (const struct sim_eb_foreign *f = c->b->foreign; f; f = f->next) {
		if (!str_is(bucket, f->bucket))
			continue;
		if (f->denied)
			(void)sim_eb_error(c, 403, "InsufficientPrivilegesException",
					   "Insufficient privileges to read S3 object " STR_FMT
					   "/" STR_FMT ". Access Denied",
					   STR_ARG(bucket), STR_ARG(key));
		else
			(void)sim_eb_error(
				c, 400, "S3LocationNotInServiceRegionException",
				"The specified S3 bucket does not belong to the S3 region "
				"in which the service is running.");
		return NULL;
	}
	if (!bytes)
		(void)sim_eb_invalid(c,
				     "Unable to download from S3 location (Bucket: " STR_FMT
				     "  Key: " STR_FMT "). Reason: Not Found",
				     STR_ARG(bucket), STR_ARG(key));
	return bytes;
}

static int check_new_version(struct sim_eb_call *c, struct str app, struct str label)
{
	int64_t n = 0;
	if (!sim_eb_app_find(c->b, app) && !str_is(sim_eb_arg(c, "AutoCreateApplication"), "true"))
		return sim_eb_invalid(c, "No Application named '" STR_FMT "' found.", STR_ARG(app));
	if (memchr(label.p, '/', label.n))
		return sim_eb_invalid(c, "Value for the version label is not valid.");
	if (sim_eb_version_find(c->b, app, label))
		return sim_eb_invalid(c, "Application Version " STR_FMT " already exists.",
				      STR_ARG(label));
	for (const struct sim_eb_version *v = c->b->versions; v; v = v->next)
		n++;
	if (n >= c->b->set.versions_max)
		return sim_eb_error(c, 400, "TooManyApplicationVersionsException",
				    "You cannot have more than %lld Application Versions.",
				    (long long)c->b->set.versions_max);
	return 0;
}

int sim_eb_create_version(struct sim_eb_call *c)
{
	struct str app = sim_eb_arg(c, "ApplicationName"), label = sim_eb_arg(c, "VersionLabel");
	const struct json *source = json_get(c->in, "SourceBundle");
	struct str bucket = json_text(json_get(source, "S3Bucket")),
		   key = json_text(json_get(source, "S3Key"));
	struct sim_eb_tags tags = {NULL, 0};
	const struct buf *bytes;
	struct sim_eb_version *v;
	if (check_new_version(c, app, label))
		return -1;
	if (!bucket.n || !key.n)
		return sim_eb_error(c, 400, "InvalidParameterCombination",
				    "Both S3 bucket and key must be specified.");
	if (!(bytes = read_bundle(c, bucket, key)))
		return -1;
	if (sim_eb_tags_read(c, "Tags", &tags)) {
		free(tags.t);
		return -1;
	}
	(void)sim_eb_app_make(c->b, app, c->x->now);
	v = sim_eb_version_new(c->b, app, label, c->x->now);
	v->tags = tags;
	(void)str_copy(v->description, sizeof(v->description), sim_eb_arg(c, "Description"));
	(void)str_copy(v->bucket, sizeof(v->bucket), bucket);
	(void)str_copy(v->key, sizeof(v->key), key);
	sim_eb_version_code(v, buf_str(bytes));
	v->status = "Unprocessed";
	if (str_is(sim_eb_arg(c, "Process"), "true")) {
		v->status = "Processing";
		v->processed.ms = c->x->now.ms + c->b->set.process;
	}
	sim_eb_event_of(c->s, v->app, v->label, c->x->request_id, "INFO",
			"Created new Application Version.");
	buf_adds(c->out, "<ApplicationVersion>");
	write_version(c, v);
	buf_adds(c->out, "</ApplicationVersion>");
	return 0;
}

static bool is_listed(const struct json *list, struct str text)
{
	if (!list || !list->first)
		return true;
	json_each(one, list) {
		if (str_eq(json_text(one), text))
			return true;
	}
	return false;
}

int sim_eb_describe_versions(struct sim_eb_call *c)
{
	struct str app = sim_eb_arg(c, "ApplicationName");
	const struct json *labels = json_get(c->in, "VersionLabels");
	const struct sim_eb_version **all;
	struct sim_eb_page p;
	size_t n = 0;
	for (const struct sim_eb_version *v = c->b->versions; v; v = v->next)
		n++;
	all = arena_calloc(c->x->arena, n + 1, sizeof(*all));
	n = 0;
	for (const struct sim_eb_version *v = c->b->versions; v; v = v->next)
		if ((!app.n || str_is(app, v->app)) && is_listed(labels, str_from(v->label)))
			all[n++] = v;
	if (sim_eb_page(c, n, 1000, &p))
		return -1;
	buf_adds(c->out, "<ApplicationVersions>");
	for (size_t i = p.from; i < p.to; i++) {
		buf_adds(c->out, "<member>");
		write_version(c, all[i]);
		buf_adds(c->out, "</member>");
	}
	buf_adds(c->out, "</ApplicationVersions>");
	if (p.to < n)
		sim_xml_i64(c->out, "NextToken", (int64_t)p.to);
	return 0;
}

/* Is an operation under way that uses this version, or this template (one of them "")? */
static bool in_progress(const struct sim_eb_state *b, const char *app, const char *label,
			const char *template)
{
	for (const struct sim_eb_environment *e = b->environments; e; e = e->next)
		if (e->op.kind != EB_NONE && strcmp(e->app, app) == 0 &&
		    ((label[0] && strcmp(e->op.label, label) == 0) ||
		     (template[0] && e->op.kind == EB_LAUNCH &&
		      strcmp(e->template, template) == 0)))
			return true;
	return false;
}

static int busy(const struct sim_eb_call *c)
{
	return sim_eb_error(
		c, 400, "OperationInProgressFailure",
		"Unable to perform this operation because another operation that affects "
		"an element in this activity is already in progress.");
}

int sim_eb_delete_version(struct sim_eb_call *c)
{
	struct sim_eb_version *v = sim_eb_version_find(c->b, sim_eb_arg(c, "ApplicationName"),
						       sim_eb_arg(c, "VersionLabel"));
	struct sim_eb_version **at = &c->b->versions;
	if (!v)
		return sim_eb_invalid(c, "No Application Version named '" STR_FMT "' found.",
				      STR_ARG(sim_eb_arg(c, "VersionLabel")));
	if (in_progress(c->b, v->app, v->label, ""))
		return busy(c);
	for (const struct sim_eb_environment *e = c->b->environments; e; e = e->next)
		if (e->status != EB_TERMINATED && strcmp(e->app, v->app) == 0 &&
		    strcmp(e->label, v->label) == 0)
			return sim_eb_invalid(c, "Application Version %s is deployed to %s.",
					      v->label, e->name);
	while (*at != v)
		at = &(*at)->next;
	*at = v->next;
	free(v->tags.t);
	free(v);
	return 0;
}

/* --- applications --------------------------------------------------------------------------- */

int sim_eb_describe_applications(struct sim_eb_call *c)
{
	const struct json *names = json_get(c->in, "ApplicationNames");
	buf_adds(c->out, "<Applications>");
	for (const struct sim_eb_app *a = c->b->apps; a; a = a->next) {
		char arn[512];
		if (!is_listed(names, str_from(a->name)))
			continue;
		sim_eb_arn(arn, "application", a->name, "");
		buf_adds(c->out, "<member>");
		sim_xml_text(c->out, "ApplicationArn", str_from(arn));
		sim_xml_text(c->out, "ApplicationName", str_from(a->name));
		sim_eb_xml_time(c->out, "DateCreated", a->created);
		buf_adds(c->out, "<Versions>");
		for (const struct sim_eb_version *v = c->b->versions; v; v = v->next)
			if (strcmp(v->app, a->name) == 0)
				sim_xml_text(c->out, "member", str_from(v->label));
		buf_adds(c->out, "</Versions><ConfigurationTemplates>");
		for (const struct sim_eb_template *t = c->b->templates; t; t = t->next)
			if (strcmp(t->app, a->name) == 0)
				sim_xml_text(c->out, "member", str_from(t->name));
		buf_adds(c->out, "</ConfigurationTemplates></member>");
	}
	buf_adds(c->out, "</Applications>");
	return 0;
}

/* --- templates ------------------------------------------------------------------------------ */

/* Options and stack that the template begins with. */
static int template_source(struct sim_eb_call *c, struct sim_eb_template *t)
{
	const struct json *from = json_get(c->in, "SourceConfiguration");
	struct str id = sim_eb_arg(c, "EnvironmentId"), stack = sim_eb_arg(c, "SolutionStackName");
	if (id.n) {
		const struct sim_eb_environment *e = sim_eb_environment_by_id(c->b, id);
		if (!e || e->status == EB_TERMINATED)
			return sim_eb_invalid(
				c, "No Environment found for EnvironmentId = '" STR_FMT "'.",
				STR_ARG(id));
		if (strcmp(e->app, t->app) != 0)
			return sim_eb_invalid(c, "The environment belongs to another application.");
		sim_eb_options_copy(&t->options, &e->options);
		memcpy(t->stack, e->stack, sizeof(t->stack));
	} else if (from) {
		const struct sim_eb_template *o =
			sim_eb_template_find(c->b, json_text(json_get(from, "ApplicationName")),
					     json_text(json_get(from, "TemplateName")));
		if (!o)
			return sim_eb_invalid(
				c, "No Configuration Template named '" STR_FMT "' found.",
				STR_ARG(json_text(json_get(from, "TemplateName"))));
		sim_eb_options_copy(&t->options, &o->options);
		memcpy(t->stack, o->stack, sizeof(t->stack));
	} else if (!stack.n || !str_copy(t->stack, sizeof(t->stack), stack)) {
		return sim_eb_error(c, 400, "MissingParameter",
				    "A solution stack, an environment or a source configuration is "
				    "required.");
	}
	return sim_eb_options_read(c, &t->options);
}

static void write_template(struct sim_eb_call *c, const struct sim_eb_template *t)
{
	sim_xml_text(c->out, "SolutionStackName", str_from(t->stack));
	sim_xml_text(c->out, "ApplicationName", str_from(t->app));
	sim_xml_text(c->out, "TemplateName", str_from(t->name));
	sim_eb_xml_time(c->out, "DateCreated", t->created);
	sim_eb_xml_time(c->out, "DateUpdated", t->created);
}

int sim_eb_create_template(struct sim_eb_call *c)
{
	struct str app = sim_eb_arg(c, "ApplicationName"), name = sim_eb_arg(c, "TemplateName");
	struct sim_eb_template *t;
	if (!sim_eb_app_find(c->b, app))
		return sim_eb_invalid(c, "No Application named '" STR_FMT "' found.", STR_ARG(app));
	if (sim_eb_template_find(c->b, app, name))
		return sim_eb_invalid(c, "Configuration Template " STR_FMT " already exists.",
				      STR_ARG(name));
	t = xcalloc(1, sizeof(*t));
	(void)str_copy(t->app, sizeof(t->app), app);
	(void)str_copy(t->name, sizeof(t->name), name);
	t->created = c->x->now;
	if (template_source(c, t)) {
		sim_eb_options_release(&t->options);
		free(t);
		return -1;
	}
	t->next = c->b->templates;
	c->b->templates = t;
	write_template(c, t);
	return 0;
}

int sim_eb_delete_template(struct sim_eb_call *c)
{
	struct sim_eb_template *t = sim_eb_template_find(c->b, sim_eb_arg(c, "ApplicationName"),
							 sim_eb_arg(c, "TemplateName"));
	struct sim_eb_template **at = &c->b->templates;
	if (!t)
		return sim_eb_invalid(c, "No Configuration Template named '" STR_FMT "' found.",
				      STR_ARG(sim_eb_arg(c, "TemplateName")));
	if (in_progress(c->b, t->app, "", t->name))
		return busy(c);
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	sim_eb_options_release(&t->options);
	free(t);
	return 0;
}

/* --- names, storage, tags ------------------------------------------------------------------- */

int sim_eb_check_dns(struct sim_eb_call *c)
{
	const char *name =
		arena_printf(c->x->arena, STR_FMT EB_DOMAIN, STR_ARG(sim_eb_arg(c, "CNAMEPrefix")));
	buf_addf(c->out, "<Available>%s</Available>",
		 sim_eb_environment_by_cname(c->b, str_from(name)) ? "false" : "true");
	sim_xml_text(c->out, "FullyQualifiedCNAME", str_from(name));
	return 0;
}

int sim_eb_create_storage(struct sim_eb_call *c)
{
	struct err err = ERR_INIT;
	struct buf answer;
	int rc;
	buf_init(&answer, 4096);
	rc = sim_control(c->s, STR("s3 bucket " EB_STORAGE), &answer, &err);
	buf_release(&answer);
	if (rc)
		return sim_eb_error(c, 400, "S3SubscriptionRequiredException", "%s", err.text);
	sim_xml_text(c->out, "S3Bucket", STR(EB_STORAGE));
	return 0;
}

/* The tags of an environment or version; NULL: answered. */
static struct sim_eb_tags *tags_of(struct sim_eb_call *c)
{
	struct str arn = sim_eb_arg(c, "ResourceArn");
	char mine[512];
	for (struct sim_eb_environment *e = c->b->environments; e; e = e->next) {
		sim_eb_arn(mine, "environment", e->app, e->name);
		if (e->status != EB_TERMINATED && str_is(arn, mine))
			return &e->tags;
	}
	for (struct sim_eb_version *v = c->b->versions; v; v = v->next) {
		sim_eb_arn(mine, "applicationversion", v->app, v->label);
		if (str_is(arn, mine))
			return &v->tags;
	}
	(void)sim_eb_error(c, 400, "ResourceNotFoundException",
			   "Resource not found for arn '" STR_FMT "'.", STR_ARG(arn));
	return NULL;
}

/* Those that the service gives every environment come with them. */
int sim_eb_list_tags(struct sim_eb_call *c)
{
	const struct sim_eb_tags *tags = tags_of(c);
	struct str arn = sim_eb_arg(c, "ResourceArn");
	if (!tags)
		return -1;
	sim_xml_text(c->out, "ResourceArn", arn);
	buf_adds(c->out, "<ResourceTags>");
	for (const struct sim_eb_environment *e = c->b->environments; e; e = e->next) {
		if (tags != &e->tags)
			continue;
		buf_addf(c->out,
			 "<member><Key>Name</Key><Value>%s</Value></member><member><Key>"
			 "elasticbeanstalk:environment-name</Key><Value>%s</Value></member>"
			 "<member><Key>elasticbeanstalk:environment-id</Key><Value>%s</Value>"
			 "</member>",
			 e->name, e->name, e->id);
	}
	for (size_t i = 0; i < tags->n; i++) {
		buf_adds(c->out, "<member>");
		sim_xml_text(c->out, "Key", str_from(tags->t[i].key));
		sim_xml_text(c->out, "Value", str_from(tags->t[i].value));
		buf_adds(c->out, "</member>");
	}
	buf_adds(c->out, "</ResourceTags>");
	return 0;
}

int sim_eb_update_tags(struct sim_eb_call *c)
{
	struct sim_eb_tags *tags = tags_of(c);
	if (!tags || sim_eb_tags_read(c, "TagsToAdd", tags))
		return -1;
	json_each(key, json_get(c->in, "TagsToRemove")) {
		size_t n = 0;
		for (size_t i = 0; i < tags->n; i++)
			if (!str_is(json_text(key), tags->t[i].key))
				tags->t[n++] = tags->t[i];
		tags->n = n;
	}
	return 0;
}
