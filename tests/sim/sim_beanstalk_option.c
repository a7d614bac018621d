#include "tests/sim/sim_beanstalk.h"

#include <stdlib.h>

#include "tests/sim/sim_wire.h"

/*
 * Option settings: a list of namespace, name and value that says how an environment is built and
 * how it deploys. The namespaces that matter here are checked as the service does; names in them
 * that the simulator gives no meaning to are kept as they are.
 */

#define COMMAND "aws:elasticbeanstalk:command"
#define ENVIRONMENT "aws:elasticbeanstalk:environment"

/* Options whose values are checked. words "" and max 0: any value. */
static const struct known {
	const char *ns, *name, *words;
	int64_t min, max;
	const char *value; /* of an environment that says nothing; NULL: none */
} known[] = {
	{COMMAND, "DeploymentPolicy",
	 "|AllAtOnce|Rolling|RollingWithAdditionalBatch|Immutable|TrafficSplitting|", 0, 0,
	 "AllAtOnce"},
	{COMMAND, "Timeout", "", 1, 3600, "600"},
	{COMMAND, "BatchSizeType", "|Percentage|Fixed|", 0, 0, "Percentage"},
	{COMMAND, "BatchSize", "", 1, 10000, "100"},
	{COMMAND, "IgnoreHealthCheck", "|true|false|", 0, 0, "false"},
	{"aws:elasticbeanstalk:trafficsplitting", "NewVersionPercent", "", 1, 100, NULL},
	{"aws:elasticbeanstalk:trafficsplitting", "EvaluationTime", "", 3, 600, NULL},
	{"aws:elasticbeanstalk:healthreporting:system", "SystemType", "|basic|enhanced|", 0, 0,
	 "enhanced"},
	{"aws:elasticbeanstalk:healthreporting:system", "HealthCheckSuccessThreshold",
	 "|Ok|Warning|Degraded|Severe|", 0, 0, "Ok"},
	{ENVIRONMENT, "EnvironmentType", "|SingleInstance|LoadBalanced|", 0, 0, NULL},
	{ENVIRONMENT, "LoadBalancerType", "|classic|application|network|", 0, 0, NULL},
	{ENVIRONMENT, "LoadBalancerIsShared", "|true|false|", 0, 0, NULL},
	{"aws:autoscaling:asg", "MinSize", "", 0, 10000, "1"},
	{"aws:autoscaling:asg", "MaxSize", "", 0, 10000, "4"},
	{"aws:elasticbeanstalk:managedactions", "ManagedActionsEnabled", "|true|false|", 0, 0,
	 NULL},
};

/* Namespaces that are taken as they are. */
static const char *const namespaces[] = {
	"aws:autoscaling:launchconfiguration",
	"aws:autoscaling:trigger",
	"aws:autoscaling:updatepolicy:rollingupdate",
	"aws:autoscaling:asg",
	"aws:ec2:instances",
	"aws:ec2:vpc",
	"aws:elasticbeanstalk:application",
	"aws:elasticbeanstalk:application:environment",
	"aws:elasticbeanstalk:cloudwatch:logs",
	"aws:elasticbeanstalk:command",
	"aws:elasticbeanstalk:environment",
	"aws:elasticbeanstalk:environment:process:default",
	"aws:elasticbeanstalk:environment:proxy",
	"aws:elasticbeanstalk:healthreporting:system",
	"aws:elasticbeanstalk:managedactions",
	"aws:elasticbeanstalk:managedactions:platformupdate",
	"aws:elasticbeanstalk:monitoring",
	"aws:elasticbeanstalk:sqsd",
	"aws:elasticbeanstalk:trafficsplitting",
	"aws:elasticbeanstalk:xray",
	"aws:elbv2:listener:default",
	"aws:elbv2:loadbalancer",
	"aws:rds:dbinstance",
};

static struct sim_eb_option *find(const struct sim_eb_options *o, struct str ns, struct str name)
{
	for (size_t i = 0; i < o->n; i++)
		if (str_is(ns, o->o[i].ns) && str_is(name, o->o[i].name))
			return &o->o[i];
	return NULL;
}

const char *sim_eb_option_get(const struct sim_eb_options *o, const char *ns, const char *name)
{
	const struct sim_eb_option *found = find(o, str_from(ns), str_from(name));
	return found ? found->value : "";
}

int64_t sim_eb_option_i64(const struct sim_eb_options *o, const char *ns, const char *name,
			  int64_t other)
{
	(void)str_parse_i64(str_from(sim_eb_option_get(o, ns, name)), INT32_MIN, INT32_MAX, &other);
	return other;
}

void sim_eb_option_set(struct sim_eb_options *o, struct str ns, struct str name, struct str value,
		       struct str resource)
{
	struct sim_eb_option *at = find(o, ns, name);
	if (!at) {
		o->o = xrealloc(o->o, (o->n + 1) * sizeof(*o->o));
		at = &o->o[o->n++];
		at->ns = xstrndup(ns.p, ns.n);
		at->name = xstrndup(name.p, name.n);
	} else {
		free(at->value);
		free(at->resource);
	}
	at->value = xstrndup(value.p, value.n);
	at->resource = resource.n ? xstrndup(resource.p, resource.n) : xstrdup("");
}

static void free_option(struct sim_eb_option *o)
{
	free(o->ns);
	free(o->name);
	free(o->value);
	free(o->resource);
}

static void option_remove(struct sim_eb_options *o, struct str ns, struct str name)
{
	struct sim_eb_option *at = find(o, ns, name);
	if (!at)
		return;
	free_option(at);
	memmove(at, at + 1, (size_t)(o->o + o->n - at - 1) * sizeof(*at));
	o->n--;
}

void sim_eb_options_release(struct sim_eb_options *o)
{
	for (size_t i = 0; i < o->n; i++)
		free_option(&o->o[i]);
	free(o->o);
	*o = (struct sim_eb_options){NULL, 0};
}

void sim_eb_options_copy(struct sim_eb_options *to, const struct sim_eb_options *from)
{
	sim_eb_options_release(to);
	for (size_t i = 0; i < from->n; i++)
		sim_eb_option_set(to, str_from(from->o[i].ns), str_from(from->o[i].name),
				  str_from(from->o[i].value), str_from(from->o[i].resource));
}

void sim_eb_options_defaults(struct sim_eb_options *o)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].value && !find(o, str_from(known[i].ns), str_from(known[i].name)))
			sim_eb_option_set(o, str_from(known[i].ns), str_from(known[i].name),
					  str_from(known[i].value), STR(""));
}

/* --- what they mean ------------------------------------------------------------------------- */

bool sim_eb_is_balanced(const struct sim_eb_options *o)
{
	return strcmp(sim_eb_option_get(o, ENVIRONMENT, "EnvironmentType"), "SingleInstance") != 0;
}

bool sim_eb_is_shared(const struct sim_eb_options *o)
{
	return sim_eb_is_balanced(o) &&
	       strcmp(sim_eb_option_get(o, ENVIRONMENT, "LoadBalancerIsShared"), "true") == 0;
}

bool sim_eb_is_enhanced(const struct sim_eb_options *o)
{
	return strcmp(sim_eb_option_get(o, "aws:elasticbeanstalk:healthreporting:system",
					"SystemType"),
		      "basic") != 0;
}

enum sim_eb_policy sim_eb_policy_of(const struct sim_eb_options *o)
{
	static const char *const names[] = {"AllAtOnce", "Rolling", "RollingWithAdditionalBatch",
					    "Immutable", "TrafficSplitting"};
	const char *policy = sim_eb_option_get(o, COMMAND, "DeploymentPolicy");
	for (int i = 0; i < 5; i++)
		if (strcmp(policy, names[i]) == 0)
			return (enum sim_eb_policy)i;
	return EB_ALL_AT_ONCE;
}

/* --- requests ------------------------------------------------------------------------------- */

static bool is_namespace(struct str ns)
{
	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++)
		if (str_is(ns, namespaces[i]))
			return true;
	return str_starts(ns, "aws:elasticbeanstalk:environment:process:") ||
	       str_starts(ns, "aws:elasticbeanstalk:container:") ||
	       str_starts(ns, "aws:elbv2:listener");
}

static bool has_word(const char *words, struct str value)
{
	struct str rest = str_from(words), word;
	while (str_next(&rest, '|', &word))
		if (word.n && str_eq(word, value))
			return true;
	return false;
}

/* What is wrong with an option, or NULL. */
static const char *problem_of(struct arena *a, struct str ns, struct str name, struct str value)
{
	int64_t number;
	if (!is_namespace(ns) || !name.n)
		return arena_printf(a,
				    "Invalid option specification (Namespace: '" STR_FMT
				    "', OptionName: '" STR_FMT "'): Unknown configuration setting.",
				    STR_ARG(ns), STR_ARG(name));
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!str_is(ns, known[i].ns) || !str_is(name, known[i].name))
			continue;
		if (known[i].words[0] ? has_word(known[i].words, value)
				      : str_parse_i64(value, known[i].min, known[i].max, &number))
			return NULL;
		return arena_printf(a,
				    "Invalid option value: '" STR_FMT "' (Namespace: '" STR_FMT
				    "', OptionName: '" STR_FMT
				    "'): Value is not one of the allowed values, or out of range.",
				    STR_ARG(value), STR_ARG(ns), STR_ARG(name));
	}
	return NULL;
}

static int refuse(const struct sim_eb_call *c, const char *problem)
{
	return sim_eb_error(c, 400, "ConfigurationValidationException",
			    "Configuration validation exception: %s", problem);
}

static int check_whole(struct sim_eb_call *c, const struct sim_eb_options *o)
{
	if (sim_eb_policy_of(o) == EB_SPLITTING &&
	    (!sim_eb_is_balanced(o) ||
	     strcmp(sim_eb_option_get(o, ENVIRONMENT, "LoadBalancerType"), "application") != 0))
		return refuse(c, "Invalid option value: 'TrafficSplitting' (Namespace: '" COMMAND
				 "', OptionName: 'DeploymentPolicy'): traffic splitting needs an "
				 "Application Load Balancer.");
	if (sim_eb_option_i64(o, "aws:autoscaling:asg", "MinSize", 1) >
	    sim_eb_option_i64(o, "aws:autoscaling:asg", "MaxSize", 4))
		return refuse(c, "Invalid option value: MinSize is greater than MaxSize "
				 "(Namespace: 'aws:autoscaling:asg').");
	return 0;
}

int sim_eb_options_read(struct sim_eb_call *c, struct sim_eb_options *o)
{
	json_each(s, json_get(c->in, "OptionSettings")) {
		struct str ns = json_text(json_get(s, "Namespace")),
			   name = json_text(json_get(s, "OptionName")),
			   value = json_text(json_get(s, "Value"));
		const char *problem = problem_of(c->x->arena, ns, name, value);
		if (problem)
			return refuse(c, problem);
		sim_eb_option_set(o, ns, name, value, json_text(json_get(s, "ResourceName")));
	}
	json_each(s, json_get(c->in, "OptionsToRemove")) {
		option_remove(o, json_text(json_get(s, "Namespace")),
			      json_text(json_get(s, "OptionName")));
	}
	sim_eb_options_defaults(o);
	return check_whole(c, o);
}

int sim_eb_validate_settings(struct sim_eb_call *c)
{
	if (!sim_eb_app_find(c->b, sim_eb_arg(c, "ApplicationName")))
		return sim_eb_invalid(c, "No Application named '" STR_FMT "' found.",
				      STR_ARG(sim_eb_arg(c, "ApplicationName")));
	buf_adds(c->out, "<Messages>");
	json_each(s, json_get(c->in, "OptionSettings")) {
		struct str ns = json_text(json_get(s, "Namespace")),
			   name = json_text(json_get(s, "OptionName"));
		const char *problem =
			problem_of(c->x->arena, ns, name, json_text(json_get(s, "Value")));
		if (!problem)
			continue;
		buf_adds(c->out, "<member>");
		sim_xml_text(c->out, "Message", str_from(problem));
		sim_xml_text(c->out, "Severity", STR("error"));
		sim_xml_text(c->out, "Namespace", ns);
		sim_xml_text(c->out, "OptionName", name);
		buf_adds(c->out, "</member>");
	}
	buf_adds(c->out, "</Messages>");
	return 0;
}

void sim_eb_options_write(struct buf *out, const struct sim_eb_options *o)
{
	buf_adds(out, "<OptionSettings>");
	for (size_t i = 0; i < o->n; i++) {
		buf_adds(out, "<member>");
		if (o->o[i].resource[0])
			sim_xml_text(out, "ResourceName", str_from(o->o[i].resource));
		sim_xml_text(out, "Namespace", str_from(o->o[i].ns));
		sim_xml_text(out, "OptionName", str_from(o->o[i].name));
		/* a secret is told as stars */
		if (strcmp(o->o[i].name, "DBPassword") == 0)
			sim_xml_text(out, "Value", STR("********"));
		else
			sim_xml_text(out, "Value", str_from(o->o[i].value));
		buf_adds(out, "</member>");
	}
	buf_adds(out, "</OptionSettings>");
}

/* --- tags ----------------------------------------------------------------------------------- */

void sim_eb_tag_set(struct sim_eb_tags *tags, struct str key, struct str value)
{
	struct sim_eb_tag *t = NULL;
	for (size_t i = 0; i < tags->n; i++)
		if (str_is(key, tags->t[i].key))
			t = &tags->t[i];
	if (!t) {
		tags->t = xrealloc(tags->t, (tags->n + 1) * sizeof(*tags->t));
		t = &tags->t[tags->n++];
		(void)str_copy(t->key, sizeof(t->key), key);
	}
	(void)str_copy(t->value, sizeof(t->value), value);
}

int sim_eb_tags_read(struct sim_eb_call *c, const char *key, struct sim_eb_tags *tags)
{
	json_each(t, json_get(c->in, key)) {
		struct str name = json_text(json_get(t, "Key"));
		if (!name.n || str_starts(name, "aws:") || str_starts(name, "elasticbeanstalk:") ||
		    str_is(name, "Name"))
			return sim_eb_invalid(c, "Tag key '" STR_FMT "' is reserved or empty.",
					      STR_ARG(name));
		sim_eb_tag_set(tags, name, json_text(json_get(t, "Value")));
	}
	return tags->n <= 47 ? 0
			     : sim_eb_error(c, 400, "TooManyTagsException",
					    "A resource has at most 47 tags.");
}
