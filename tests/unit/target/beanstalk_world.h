#ifndef TESTS_UNIT_TARGET_BEANSTALK_WORLD_H
#define TESTS_UNIT_TARGET_BEANSTALK_WORLD_H

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/target/routes.h"
#include "worker/target/beanstalk.h"

/*
 * Application shop with the live environment shop-prod, id e-live, version v1, CNAME shop..., and
 * perhaps a second one; and what Elastic Beanstalk says about them. The newest route counts: says()
 * puts an answer in the place of one that was there before.
 */
#define DOMAIN ".eu-central-1.elasticbeanstalk.com"
#define CNAME "shop" DOMAIN
#define CLONE "shop-prod-rwa5fa777a3d" /* of rollout r-1 */
#define LABEL "rw-aaaabbbbccccddddeeeeffff"
#define AT(s) (1767323045000 + (s)*1000LL) /* seconds after the world's first moment */

struct row {
	const char *name, *id, *label, *cname, *status, *health;
	const char *color;     /* with basic reporting, health NULL */
	const char *abortable; /* NULL: "false" */
	const char *tier, *stack, *endpoint;
};

static inline const char *eb_answer(struct world *w, const char *operation, const char *result)
{
	return arena_printf(w->f->arena,
			    "<%sResponse><%sResult>%s</%sResult><ResponseMetadata><RequestId>r1"
			    "</RequestId></ResponseMetadata></%sResponse>",
			    operation, operation, result ? result : "", operation, operation);
}

/*
 * Forget what was said to requests with these words, and say this; before all others, as a name may
 * begin like another. "Action=NAME&" is the whole operation, whatever it was about.
 */
static inline struct route *says(struct world *w, const char *words, int status, const char *body)
{
	bool is_whole = strncmp(words, "Action=", 7) == 0;
	struct route old[ROUTES_MAX], *first;
	size_t n = w->n_routes;

	memcpy(old, w->routes, sizeof(old));
	w->n_routes = 0;
	first = route(w, "POST", words, status, body);
	for (size_t i = 0; i < n; i++) {
		bool is_same = is_whole ? strstr(old[i].words, words + 7) != NULL
					: strcmp(old[i].words, words) == 0;

		if (!is_same || old[i].once)
			w->routes[w->n_routes++] = old[i];
	}
	return first;
}

static inline void refuses(struct world *w, const char *operation, int status, const char *code,
			   const char *message)
{
	says(w, arena_printf(w->f->arena, "Action=%s&", operation), status,
	     arena_printf(w->f->arena,
			  "<ErrorResponse><Error><Code>%s</Code><Message>%s</Message></Error>"
			  "<RequestId>q</RequestId></ErrorResponse>",
			  code, message));
}

static inline void answers(struct world *w, const char *operation, const char *result)
{
	/* a request without parameters ends with its version */
	says(w, arena_printf(w->f->arena, "Action=%s&", operation), 200,
	     eb_answer(w, operation, result));
}

static inline void busy(struct world *w, const char *operation)
{
	refuses(w, operation, 400, "InvalidParameterValue",
		"Environment named x is in an invalid state for this operation. Must be Ready.");
}

static inline void denied(struct world *w, const char *operation)
{
	refuses(w, operation, 403, "InsufficientPrivilegesException", "not allowed");
}

/* --- environments ---------------------------------------------------------------------------- */

static inline void add_element(struct buf *b, const char *name, const char *text)
{
	if (text)
		buf_addf(b, "<%s>%s</%s>", name, text, name);
}

static inline const char *eb_row(struct world *w, const struct row *r)
{
	const char *text;
	struct buf b;

	buf_init(&b, 65536);
	add_element(&b, "ApplicationName", "shop");
	add_element(&b, "EnvironmentName", r->name);
	add_element(&b, "EnvironmentId", r->id);
	buf_addf(&b,
		 "<EnvironmentArn>arn:aws:elasticbeanstalk:::environment/shop/%s"
		 "</EnvironmentArn>",
		 r->name);
	add_element(&b, "VersionLabel", r->label);
	add_element(&b, "CNAME", r->cname);
	add_element(&b, "EndpointURL", r->endpoint);
	add_element(&b, "Status", r->status ? r->status : "Ready");
	add_element(&b, "Health", r->color ? r->color : "Green");
	add_element(&b, "HealthStatus", r->color ? NULL : r->health ? r->health : "Ok");
	add_element(&b, "AbortableOperationInProgress", r->abortable ? r->abortable : "false");
	buf_addf(&b, "<Tier><Name>%s</Name><Type>Standard</Type></Tier>",
		 r->tier ? r->tier : "WebServer");
	add_element(&b, "SolutionStackName", r->stack ? r->stack : "Node 20");
	text = arena_strdup(w->f->arena, b.p);
	buf_release(&b);
	return text;
}

/* These are the environments of the application; name NULL: it is not there. */
static inline void environments(struct world *w, const struct row *first, const struct row *second)
{
	const struct row *rows[] = {first, second};
	struct buf b;

	buf_init(&b, 65536);
	buf_adds(&b, "<Environments>");
	for (int i = 0; i < 2; i++)
		if (rows[i])
			buf_addf(&b, "<member>%s</member>", eb_row(w, rows[i]));
	buf_adds(&b, "</Environments>");
	answers(w, "DescribeEnvironments", b.p);
	buf_release(&b);
}

static const struct row live_row = {
	.name = "shop-prod", .id = "e-live", .label = "v1", .cname = CNAME};
static const struct row clone_row = {
	.name = CLONE, .id = "e-clone", .label = LABEL, .cname = CLONE DOMAIN};
static const struct row twin_row = {
	.name = "shop-green", .id = "e-twin", .label = "v0", .cname = "green" DOMAIN};

/* "v1 v1 v2! v2?": instances with these versions, ! whose deployment failed, ? in progress, ~ none
 * yet; #3 is the number of the deployment. */
static inline void fleet(struct world *w, const char *id, const char *labels)
{
	struct str rest = str_from(labels), item, label;
	struct buf b;
	int i = 0;

	buf_init(&b, 65536);
	buf_adds(&b, "<InstanceHealthList>");
	while (str_next(&rest, ' ', &item)) {
		const char *status = "Deployed", *health = "Ok";
		struct str number = item;

		str_next(&number, '#', &label);
		for (; label.n && strchr("!?*~", label.p[label.n - 1]); label.n--) {
			if (label.p[label.n - 1] == '!')
				status = "Failed";
			if (label.p[label.n - 1] == '?')
				status = "In Progress";
			if (label.p[label.n - 1] == '*')
				health = "Severe";
		}
		buf_addf(&b,
			 "<member><InstanceId>i-%s-%d</InstanceId><HealthStatus>%s"
			 "</HealthStatus>",
			 id, i++, health);
		if (label.n)
			buf_addf(&b,
				 "<Deployment><VersionLabel>" STR_FMT
				 "</VersionLabel><DeploymentId>"
				 "%.*s</DeploymentId><Status>%s</Status></Deployment>",
				 STR_ARG(label), number.n ? (int)number.n : 1,
				 number.n ? number.p : "1", status);
		buf_adds(&b, "</member>");
	}
	buf_adds(&b, "</InstanceHealthList>");
	says(w,
	     arena_printf(w->f->arena,
			  "DescribeInstancesHealth&Version=2010-12-01&"
			  "EnvironmentId=%s&",
			  id),
	     200, eb_answer(w, "DescribeInstancesHealth", b.p));
	buf_release(&b);
}

static inline void basic_reporting(struct world *w)
{
	refuses(w, "DescribeInstancesHealth", 400, "InvalidRequestException", "basic");
}

/* "ERROR|message": one event of that severity at this moment, or none. */
static inline void event(struct world *w, const char *id, int64_t at_ms, const char *severity,
			 const char *message)
{
	char at[UTC_ISO_SIZE];

	utc_format_iso((struct utc){at_ms}, at);
	says(w,
	     arena_printf(w->f->arena, "DescribeEvents&Version=2010-12-01&EnvironmentId=%s&", id),
	     200,
	     eb_answer(
		     w, "DescribeEvents",
		     message ? arena_printf(w->f->arena,
					    "<Events><member><EventDate>%s</EventDate><Severity>"
					    "%s</Severity><Message>%s</Message></member></Events>",
					    at, severity, message)
			     : "<Events/>"));
}

static inline void no_events(struct world *w, const char *id)
{
	event(w, id, 0, NULL, NULL);
}

/* "NAMESPACE/NAME=VALUE|...": the settings in force of an environment, and their state. */
static inline void settings(struct world *w, const char *name, const char *state, const char *list)
{
	struct str rest = str_from(list), item, ns, option;
	struct buf b;

	buf_init(&b, 65536);
	buf_addf(&b,
		 "<ConfigurationSettings><member><DeploymentStatus>%s</DeploymentStatus>"
		 "<OptionSettings>",
		 state);
	while (str_next(&rest, '|', &item)) {
		str_next(&item, '/', &ns);
		str_next(&item, '=', &option);
		buf_addf(&b,
			 "<member><Namespace>" STR_FMT "</Namespace><OptionName>" STR_FMT
			 "</OptionName><Value>" STR_FMT "</Value></member>",
			 STR_ARG(ns), STR_ARG(option), STR_ARG(item));
	}
	buf_adds(&b, "</OptionSettings></member></ConfigurationSettings>");
	says(w,
	     arena_printf(w->f->arena,
			  "DescribeConfigurationSettings&Version=2010-12-01&ApplicationName=shop&"
			  "EnvironmentName=%s",
			  name),
	     200, eb_answer(w, "DescribeConfigurationSettings", b.p));
	buf_release(&b);
}

#define SIZES(min, max) "aws:autoscaling:asg/MinSize=" min "|aws:autoscaling:asg/MaxSize=" max
#define BALANCED "aws:elasticbeanstalk:environment/LoadBalancerType=application|"

static inline void has_template(struct world *w, bool there)
{
	const char *words = "DescribeConfigurationSettings&Version=2010-12-01&ApplicationName=shop&"
			    "TemplateName=";

	if (there)
		says(w, words, 200,
		     eb_answer(w, "DescribeConfigurationSettings",
			       "<ConfigurationSettings><member/></ConfigurationSettings>"));
	else
		says(w, words, 400,
		     "<ErrorResponse><Error><Code>InvalidParameterValue</Code><Message>No "
		     "Configuration Template named x found.</Message></Error></ErrorResponse>");
}

static inline void version_is(struct world *w, const char *label, const char *status)
{
	answers(w, "DescribeApplicationVersions",
		status ? arena_printf(w->f->arena,
				      "<ApplicationVersions><member><VersionLabel>%s</VersionLabel>"
				      "<Status>%s</Status></member></ApplicationVersions>",
				      label, status)
		       : "<ApplicationVersions/>");
}

static inline void instances(struct world *w, const char *id, int n)
{
	struct buf b;

	buf_init(&b, 65536);
	buf_adds(&b, "<EnvironmentResources><Instances>");
	for (int i = 0; i < n; i++)
		buf_addf(&b, "<member><Id>i-%s-%d</Id></member>", id, i);
	buf_adds(&b, "</Instances><LoadBalancers><member><Name>arn:lb</Name></member>"
		     "</LoadBalancers></EnvironmentResources>");
	says(w,
	     arena_printf(w->f->arena,
			  "DescribeEnvironmentResources&Version=2010-12-01&"
			  "EnvironmentId=%s",
			  id),
	     200, eb_answer(w, "DescribeEnvironmentResources", b.p));
	buf_release(&b);
}

/* --- the rollout ----------------------------------------------------------------------------- */

static inline int eb_world_set_up(void **state)
{
	struct world *w;

	world_set_up(state);
	w = *state;
	w->plan.target = (struct plan_target){.kind = TARGET_BEANSTALK,
					      .lb = {.min_healthy = 1, .propagation_ms = 10000},
					      .beanstalk = {.application = "shop",
							    .cname = CNAME,
							    .match_capacity = true,
							    .dns_ttl_ms = 60000}};
	w->plan.n_steps = 1;
	w->plan.steps[0] = (struct plan_step){.segment = -1, .weight_bp = 10000};
	w->plan.bake_ms = 600000;
	w->plan.prepare_ms = 3600000;
	str_copy(w->state.id, sizeof(w->state.id), STR("r-1"));
	w->env.rollout_id = w->state.id;
	w->state.started = w->f->now;
	return 0;
}

static inline void remember(struct world *w, const struct bean_record *r, const char *label,
			    int64_t well_since_s)
{
	const struct bean_candidate c = {.label = label, .well_since_s = well_since_s};

	if (bean_record_store(r, w->state.undo, &w->err) ||
	    bean_candidate_store(&c, w->state.candidate, &w->err))
		fail_msg("%s", w->err.text);
	if (!*label)
		w->state.candidate[0] = '\0';
}

static const struct bean_record clone_record = {.method = BEANSTALK_BY_SWAP,
						.application = "shop",
						.baseline = "e-live",
						.name = "shop-prod",
						.label = "v1",
						.cname = CNAME,
						.candidate = CLONE,
						.twin = "",
						.instances = 3,
						.min = 2,
						.max = 4,
						.policy = "",
						.percent = "",
						.minutes = ""};

static inline struct bean_record twin_record(void)
{
	struct bean_record r = clone_record;

	r.candidate = "shop-green";
	r.twin = "e-twin";
	r.twin_min = 1;
	r.twin_max = 1;
	return r;
}

static inline struct target_observation look(struct world *w, enum phase phase)
{
	struct target_observation o;

	w->state.phase = phase;
	w->err = ERR_INIT;
	if (target_beanstalk.observe(&w->env, &w->state, &o, &w->err))
		fail_msg("%s", w->err.text);
	return o;
}

static inline void expect_candidate(struct world *w, enum phase phase, enum candidate_state want,
				    const char *words)
{
	struct target_observation o = look(w, phase);

	if (o.candidate != want || !strstr(o.detail, words))
		fail_msg("candidate %d, not %d: \"%s\", not \"%s\"", o.candidate, want, o.detail,
			 words);
}

static inline struct target_observation expect_live(struct world *w, enum phase phase,
						    enum live want, const char *words)
{
	struct target_observation o = look(w, phase);

	if (o.live != want || !strstr(o.detail, words))
		fail_msg("in %s: live %d, not %d: \"%s\", not \"%s\"", phase_name(phase), o.live,
			 want, o.detail, words);
	return o;
}

static inline int prepare(struct world *w)
{
	w->state.phase = PHASE_PREPARE;
	w->err = ERR_INIT;
	return target_beanstalk.prepare(&w->env, &w->state, w->state.candidate, &w->err);
}

static inline void prepare_ok(struct world *w)
{
	if (prepare(w))
		fail_msg("%s", w->err.text);
}

static inline void expect_error(struct world *w, int rc, enum err_code code, const char *words)
{
	assert_int_equal(rc, -1);
	if (w->err.code != code || !strstr(w->err.text, words))
		fail_msg("%s, not %s: %s, not %s", err_code_name(w->err.code), err_code_name(code),
			 w->err.text, words);
	w->err = ERR_INIT;
}

/* While this operation is called, the whole is cancelled: no look, whatever was known by then. */
static inline void canceled_in(struct world *w, enum phase phase, const char *operation)
{
	struct target_observation o;

	says(w, arena_printf(w->f->arena, "Action=%s&", operation), 0, "")->fail = ERR_CANCELED;
	w->state.phase = phase;
	w->err = ERR_INIT;
	if (target_beanstalk.observe(&w->env, &w->state, &o, &w->err) != -1 ||
	    w->err.code != ERR_CANCELED)
		fail_msg("%s in %s: %s", operation, phase_name(phase), w->err.text);
}

/* How often an operation was called. */
static inline size_t called(struct world *w, const char *operation)
{
	return sent(w, "POST", arena_printf(w->f->arena, "Action=%s&", operation));
}

#endif
