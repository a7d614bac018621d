#ifndef TESTS_UNIT_SIM_EB_SHOP_H
#define TESTS_UNIT_SIM_EB_SHOP_H

#include "tests/unit/sim/services.h"

/* Calls of the simulated Elastic Beanstalk, and a shop that runs on it. */

static inline int eb(struct world *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
static inline int eb(struct world *w, const char *fmt, ...)
{
	char form[4096];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(form, sizeof(form), fmt, ap);
	va_end(ap);
	struct ask q = {
		.method = "POST",
		.host = "elasticbeanstalk." WORLD_REGION ".amazonaws.com",
		.path = "/",
		.service = "elasticbeanstalk",
		.body = str_from(arena_printf(w->arena, "Version=2010-12-01&Action=%s", form))};
	ask_header(&q, "Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
	return ask_send(w, &q);
}

/* The element at this path of the last answer, which must be one. */
static inline const struct xml *eb_result(struct world *w, const char *path)
{
	assert_status(w, 200);
	const struct xml *x = xml_at(body_xml(w), path);
	if (!x)
		fail_msg("no %s in " STR_FMT, path, STR_ARG(w->res.body));
	return x;
}

static inline void eb_refused(struct world *w, const char *name, const char *words)
{
	if (w->res.status == 200 || strcmp(code(w), name) != 0)
		fail_msg("status %d, %s, not %s: " STR_FMT, w->res.status, code(w), name,
			 STR_ARG(w->res.body));
	const char *text = xml_cstr(body_xml(w), "Error/Message");
	if (!text || !strstr(text, words))
		fail_msg("\"%s\" does not say \"%s\"", text ? text : "", words);
}

#define EB_ROW "DescribeEnvironmentsResult/Environments/member"

/* A member of the row of the environment of this name. */
static inline const char *eb_row(struct world *w, const char *name, const char *member)
{
	eb(w, "DescribeEnvironments&EnvironmentNames.member.1=%s&IncludeDeleted=false", name);
	const char *text = xml_cstr(eb_result(w, EB_ROW), member);
	return text ? text : "";
}

static inline void eb_is(struct world *w, const char *name, const char *member, const char *want)
{
	const char *have = eb_row(w, name, member);
	if (strcmp(have, want) != 0)
		fail_msg("%s of %s is %s, not %s", member, name, have, want);
}

/* Until the environment is in this state; at most so long. */
static inline void eb_until(struct world *w, const char *name, const char *status, int64_t max_ms)
{
	for (int64_t ms = 0; ms <= max_ms; ms += 1000) {
		if (strcmp(eb_row(w, name, "Status"), status) == 0)
			return;
		sim_advance(w->sim, 1000);
	}
	fail_msg("%s is %s, not %s after %lld ms", name, eb_row(w, name, "Status"), status,
		 (long long)max_ms);
}

/* How many events of this environment at this severity or above have these words? */
static inline int eb_events(struct world *w, const char *name, const char *severity,
			    const char *words)
{
	int n = 0;
	eb(w, "DescribeEvents&EnvironmentName=%s&Severity=%s", name, severity);
	const struct xml *list = eb_result(w, "DescribeEventsResult/Events");
	for (const struct xml *e = list->first; e; e = e->next)
		n += strstr(xml_cstr(e, "Message"), words) != NULL;
	return n;
}

/* Instances whose last deployment has this version and this status. */
static inline int eb_instances(struct world *w, const char *name, const char *label,
			       const char *status)
{
	const char *token = "";
	int n = 0;
	do {
		eb(w, "DescribeInstancesHealth&EnvironmentName=%s&AttributeNames.member.1=All%s%s",
		   name, token[0] ? "&NextToken=" : "", token);
		const struct xml *r = eb_result(w, "DescribeInstancesHealthResult");
		for (const struct xml *i = xml_at(r, "InstanceHealthList")->first; i; i = i->next)
			n += str_is(xml_text(i, "Deployment/VersionLabel"), label) &&
			     str_is(xml_text(i, "Deployment/Status"), status);
		token = xml_cstr(r, "NextToken");
		token = token ? token : "";
	} while (token[0]);
	return n;
}

/* Application shop with version v1 and environment shop-blue, which has the name shop-prod. */
static inline struct world *eb_shop(const char *more)
{
	struct world *w = world_new(NULL);
	ctl(w, arena_printf(w->arena,
			    "beanstalk environment shop-blue app=shop cname=shop-prod version=v1 "
			    "min=2 rps=50 %s",
			    more));
	sim_advance(w->sim, 60000);
	return w;
}

/* Set an option, and wait for it. */
static inline void eb_option(struct world *w, const char *name, const char *ns, const char *option,
			     const char *value)
{
	eb(w,
	   "UpdateEnvironment&EnvironmentName=%s&OptionSettings.member.1.Namespace=%s"
	   "&OptionSettings.member.1.OptionName=%s&OptionSettings.member.1.Value=%s",
	   name, ns, option, value);
	assert_status(w, 200);
	eb_until(w, name, "Ready", 600000);
}

/* The last change of the split of a name: share of the candidate, and who it is. */
static inline const struct sim_split *eb_split(struct world *w, const char *resource)
{
	const struct sim_split *all, *found = NULL;
	size_t n = sim_split_log(w->sim, &all);
	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i].resource, resource) == 0)
			found = &all[i];
	if (!found)
		fail_msg("nothing is recorded of %s", resource);
	return found;
}

#endif
