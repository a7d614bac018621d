#include "aws/beanstalk.h"

#include <string.h>

#include "aws/answer.h"
#include "aws/beanstalk_wire.h"

/*
 * Environments: reading and changing them. What tells how they are is in beanstalk_health.c, what
 * they are made of in beanstalk_setup.c.
 */

/* --- words ----------------------------------------------------------------------------------- */

static const char *const status_names[] = {
	[BEANSTALK_LAUNCHING] = "Launching",	 [BEANSTALK_UPDATING] = "Updating",
	[BEANSTALK_ABORTING] = "Aborting",	 [BEANSTALK_LINKING_FROM] = "LinkingFrom",
	[BEANSTALK_LINKING_TO] = "LinkingTo",	 [BEANSTALK_READY] = "Ready",
	[BEANSTALK_TERMINATING] = "Terminating", [BEANSTALK_TERMINATED] = "Terminated",
	[BEANSTALK_STATUS_OTHER] = "unknown",
};

static const char *const health_names[] = {
	[BEANSTALK_NO_DATA] = "NoData",	     [BEANSTALK_UNKNOWN] = "Unknown",
	[BEANSTALK_PENDING] = "Pending",     [BEANSTALK_OK] = "Ok",
	[BEANSTALK_INFO] = "Info",	     [BEANSTALK_WARNING] = "Warning",
	[BEANSTALK_DEGRADED] = "Degraded",   [BEANSTALK_SEVERE] = "Severe",
	[BEANSTALK_SUSPENDED] = "Suspended", [BEANSTALK_HEALTH_NONE] = "none",
};

static const char *const color_names[] = {
	[BEANSTALK_GREEN] = "Green", [BEANSTALK_YELLOW] = "Yellow",   [BEANSTALK_RED] = "Red",
	[BEANSTALK_GREY] = "Grey",   [BEANSTALK_COLOR_NONE] = "none",
};

const char *beanstalk_status_name(enum beanstalk_status s)
{
	return status_names[(unsigned)s <= BEANSTALK_STATUS_OTHER ? s : BEANSTALK_STATUS_OTHER];
}

const char *beanstalk_health_name(enum beanstalk_health h)
{
	return health_names[(unsigned)h <= BEANSTALK_HEALTH_NONE ? h : BEANSTALK_HEALTH_NONE];
}

const char *beanstalk_color_name(enum beanstalk_color c)
{
	return color_names[(unsigned)c <= BEANSTALK_COLOR_NONE ? c : BEANSTALK_COLOR_NONE];
}

/* Where in the list this word is; n when it is not. */
static int find_word(struct str s, const char *const *names, int n)
{
	int i = 0;

	while (i < n && !str_is(s, names[i]))
		i++;
	return i;
}

enum beanstalk_health beanstalk_health_parse(struct str s)
{
	return (enum beanstalk_health)find_word(s, health_names, BEANSTALK_HEALTH_NONE);
}

enum beanstalk_color beanstalk_color_parse(struct str s)
{
	return (enum beanstalk_color)find_word(s, color_names, BEANSTALK_COLOR_NONE);
}

/* --- reading --------------------------------------------------------------------------------- */

static int read_environment(const struct xml *node, struct arena *a, void *item, struct err *err)
{
	struct beanstalk_environment *out = item;

	(void)a;
	*out = (struct beanstalk_environment){
		.application = aws_xml_text(node, "ApplicationName"),
		.name = aws_xml_text(node, "EnvironmentName"),
		.id = aws_xml_text(node, "EnvironmentId"),
		.arn = aws_xml_text(node, "EnvironmentArn"),
		.version_label = aws_xml_text(node, "VersionLabel"),
		.cname = aws_xml_text(node, "CNAME"),
		.endpoint_url = aws_xml_text(node, "EndpointURL"),
		.tier_name = aws_xml_text(node, "Tier/Name"),
		.tier_type = aws_xml_text(node, "Tier/Type"),
		.platform_arn = aws_xml_text(node, "PlatformArn"),
		.solution_stack = aws_xml_text(node, "SolutionStackName"),
		.status = (enum beanstalk_status)find_word(xml_text(node, "Status"), status_names,
							   BEANSTALK_STATUS_OTHER),
		.color = beanstalk_color_parse(xml_text(node, "Health")),
		.health = beanstalk_health_parse(xml_text(node, "HealthStatus")),
		.is_abortable = str_is(xml_text(node, "AbortableOperationInProgress"), "true"),
	};
	out->has_updated = utc_parse_iso(xml_text(node, "DateUpdated"), &out->updated);
	if (!out->id || !out->name)
		return err_set(err, ERR_MALFORMED, "an environment has no id or no name");
	return 0;
}

static void add_members(struct buf *b, struct arena *a, const char *list, const char *const *values,
			size_t n)
{
	for (size_t i = 0; i < n; i++)
		beanstalk_add(b, arena_printf(a, "%s.member.%zu", list, i + 1), values[i]);
}

int beanstalk_describe_environments(const struct aws_client *c, const struct beanstalk_filter *f,
				    struct arena *a, struct beanstalk_environment **out, size_t *n,
				    struct err *err)
{
	static const struct beanstalk_op op = {"DescribeEnvironments", "DescribeEnvironmentsResult",
					       "Environments", false};
	struct beanstalk_list l = {.size = sizeof(**out), .read = read_environment};
	struct buf b;

	beanstalk_body_init(&b);
	beanstalk_add(&b, "ApplicationName", f->application);
	add_members(&b, a, "EnvironmentIds", f->ids, f->n_ids);
	add_members(&b, a, "EnvironmentNames", f->names, f->n_names);
	beanstalk_add(&b, "IncludeDeleted", "false");
	if (beanstalk_describe(c, &op, &b, a, &l, err))
		return -1;
	*out = l.items;
	*n = 0;
	/* they stay visible for an hour under a name that may be somebody else's by then */
	for (size_t i = 0; i < l.n; i++)
		if ((*out)[i].status != BEANSTALK_TERMINATED)
			(*out)[(*n)++] = (*out)[i];
	return 0;
}

const struct beanstalk_environment *beanstalk_find_id(const struct beanstalk_environment *list,
						      size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].id, id) == 0)
			return &list[i];
	return NULL;
}

const struct beanstalk_environment *beanstalk_find_name(const struct beanstalk_environment *list,
							size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

const struct beanstalk_environment *beanstalk_find_cname(const struct beanstalk_environment *list,
							 size_t n, const char *cname)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].cname && str_is_nocase(str_from(list[i].cname), cname))
			return &list[i];
	return NULL;
}

int beanstalk_check_dns(const struct aws_client *c, const char *prefix, struct arena *a,
			bool *is_available, const char **fqdn, struct err *err)
{
	static const struct beanstalk_op op = {"CheckDNSAvailability", "CheckDNSAvailabilityResult",
					       NULL, false};
	const struct xml *result = NULL;
	struct str answer;
	struct buf b;

	if (beanstalk_require(&op, "CNAME prefix", prefix, err))
		return -1;
	beanstalk_body_init(&b);
	beanstalk_add(&b, "CNAMEPrefix", prefix);
	if (beanstalk_call(c, &op, &b, a, &result, err))
		return -1;
	answer = xml_text(result, "Available");
	if (!str_is(answer, "true") && !str_is(answer, "false"))
		return err_set(err, ERR_MALFORMED, "Beanstalk.%s: neither available nor not",
			       op.name);
	*is_available = str_is(answer, "true");
	if (fqdn)
		*fqdn = aws_xml_text(result, "FullyQualifiedCNAME");
	return 0;
}

/* --- changing -------------------------------------------------------------------------------- */

static void add_tags(struct buf *b, struct arena *a, const struct beanstalk_tag *tags, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		if (str_starts(str_from(tags[i].key), "aws:") ||
		    str_starts(str_from(tags[i].key), "elasticbeanstalk:") ||
		    strcmp(tags[i].key, "Name") == 0)
			continue;
		at++;
		beanstalk_add(b, arena_printf(a, "Tags.member.%zu.Key", at), tags[i].key);
		beanstalk_add(b, arena_printf(a, "Tags.member.%zu.Value", at), tags[i].value);
	}
}

int beanstalk_create_environment(const struct aws_client *c, const struct beanstalk_create *e,
				 struct arena *a, struct beanstalk_environment *out,
				 struct err *err)
{
	static const struct beanstalk_op op = {"CreateEnvironment", "CreateEnvironmentResult", NULL,
					       true};
	const struct xml *result = NULL;
	struct buf b;

	if (beanstalk_require(&op, "application", e->application, err) ||
	    beanstalk_require(&op, "environment name", e->name, err) ||
	    beanstalk_require(&op, "version label", e->version_label, err) ||
	    beanstalk_require(&op, "configuration template", e->template_name, err))
		return -1;
	beanstalk_body_init(&b);
	beanstalk_add(&b, "ApplicationName", e->application);
	beanstalk_add(&b, "EnvironmentName", e->name);
	beanstalk_add(&b, "Description", e->description);
	beanstalk_add(&b, "CNAMEPrefix", e->cname_prefix);
	beanstalk_add(&b, "Tier.Name", e->tier_name);
	beanstalk_add(&b, "Tier.Type", e->tier_type);
	beanstalk_add(&b, "VersionLabel", e->version_label);
	beanstalk_add(&b, "TemplateName", e->template_name);
	beanstalk_add_options(&b, a, "OptionSettings", e->options, e->n_options);
	add_tags(&b, a, e->tags, e->n_tags);
	if (beanstalk_call(c, &op, &b, a, &result, err))
		return -1;
	if (read_environment(result, a, out, err)) {
		err->sent = true;
		return err_wrap(err, "Beanstalk.%s", op.name);
	}
	return 0;
}

int beanstalk_update_environment(const struct aws_client *c, const struct beanstalk_update *u,
				 struct arena *a, struct err *err)
{
	static const struct beanstalk_op op = {"UpdateEnvironment", "UpdateEnvironmentResult", NULL,
					       true};
	bool has_options = u->n_options > 0 || u->n_remove > 0;
	const struct xml *result = NULL;
	struct buf b;

	/* the one who names no environment might mean any */
	if (beanstalk_require(&op, "environment id", u->environment_id, err))
		return -1;
	if (has_options == (u->version_label != NULL))
		return err_set(err, ERR_REJECTED,
			       "Beanstalk.%s: either a version or options, not %s", op.name,
			       has_options ? "both" : "neither");
	beanstalk_body_init(&b);
	beanstalk_add(&b, "EnvironmentId", u->environment_id);
	beanstalk_add(&b, "VersionLabel", u->version_label);
	beanstalk_add_options(&b, a, "OptionSettings", u->options, u->n_options);
	beanstalk_add_options(&b, a, "OptionsToRemove", u->remove, u->n_remove);
	return beanstalk_call(c, &op, &b, a, &result, err);
}

/* A call that names one environment and answers nothing of use. */
static int act_on(const struct aws_client *c, const struct beanstalk_op *op, const char *id,
		  struct arena *a, struct err *err)
{
	const struct xml *result = NULL;
	struct buf b;

	if (beanstalk_require(op, "environment id", id, err))
		return -1;
	beanstalk_body_init(&b);
	beanstalk_add(&b, "EnvironmentId", id);
	return beanstalk_call(c, op, &b, a, &result, err);
}

int beanstalk_abort_update(const struct aws_client *c, const char *environment_id, struct arena *a,
			   struct err *err)
{
	static const struct beanstalk_op op = {"AbortEnvironmentUpdate", NULL, NULL, true};

	return act_on(c, &op, environment_id, a, err);
}

int beanstalk_terminate_environment(const struct aws_client *c, const char *environment_id,
				    struct arena *a, struct err *err)
{
	static const struct beanstalk_op op = {"TerminateEnvironment", "TerminateEnvironmentResult",
					       NULL, true};

	return act_on(c, &op, environment_id, a, err);
}

int beanstalk_swap_cnames(const struct aws_client *c, const char *source_id,
			  const char *destination_id, struct arena *a, struct err *err)
{
	static const struct beanstalk_op op = {"SwapEnvironmentCNAMEs", NULL, NULL, true};
	const struct xml *result = NULL;
	struct buf b;

	if (beanstalk_require(&op, "source", source_id, err) ||
	    beanstalk_require(&op, "destination", destination_id, err))
		return -1;
	beanstalk_body_init(&b);
	beanstalk_add(&b, "SourceEnvironmentId", source_id);
	beanstalk_add(&b, "DestinationEnvironmentId", destination_id);
	return beanstalk_call(c, &op, &b, a, &result, err);
}
