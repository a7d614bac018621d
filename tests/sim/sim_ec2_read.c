#include "tests/sim/sim_ec2.h"

/*
 * Instances and tags as the Describe calls tell them. An id is found only a moment after the
 * launch, as in EC2.
 */

/* --- which ones ---------------------------------------------------------------------------- */

static bool has(const struct json *values, const char *what)
{
	json_each(v, values) {
		if (str_is(json_text(v), what))
			return true;
	}
	return false;
}

static bool passes(const struct sim_instance *i, struct str name, const struct json *values,
		   struct utc now)
{
	if (str_is(name, "instance-id"))
		return has(values, i->id);
	if (str_is(name, "image-id"))
		return has(values, i->image);
	if (str_is(name, "instance-state-name"))
		return has(values, sim_instance_state(i, now));
	for (size_t k = 0; k < i->n_tags; k++) {
		if (str_is(name, "tag-key") && has(values, i->tags[k].key))
			return true;
		if (str_starts(name, "tag:") && str_is(str_sub(name, 4, name.n), i->tags[k].key) &&
		    has(values, i->tags[k].value))
			return true;
	}
	return false;
}

static bool is_filter(struct str name)
{
	return str_is(name, "instance-id") || str_is(name, "image-id") ||
	       str_is(name, "instance-state-name") || str_is(name, "tag-key") ||
	       str_starts(name, "tag:");
}

static bool wanted(const struct sim_ec2_call *c, const struct sim_instance *i)
{
	const struct json *ids = json_get(c->in, "InstanceId");
	if (ids && !has(ids, i->id))
		return false;
	json_each(f, json_get(c->in, "Filter")) {
		if (!passes(i, json_text(json_get(f, "Name")), json_get(f, "Value"), c->x->now))
			return false;
	}
	return true;
}

static int check_asked(struct sim_ec2_call *c, struct sim_page *p)
{
	const struct json *ids = json_get(c->in, "InstanceId");
	json_each(e, ids) {
		const struct sim_instance *i = sim_ec2_instance(c->s, json_text(e));
		if (!i || c->x->now.ms < i->launched.ms + c->e->visible_ms)
			return sim_ec2_error(c, "InvalidInstanceID.NotFound",
					     "The instance ID '" STR_FMT "' does not exist",
					     STR_ARG(json_text(e)));
	}
	json_each(f, json_get(c->in, "Filter")) {
		if (!is_filter(json_text(json_get(f, "Name"))))
			return sim_ec2_error(c, "InvalidParameterValue",
					     "The filter '" STR_FMT "' is invalid",
					     STR_ARG(json_text(json_get(f, "Name"))));
	}
	if (ids && sim_ec2_arg(c, "MaxResults").n)
		return sim_ec2_error(c, "InvalidParameterCombination",
				     "The parameter instancesSet cannot be used with the parameter "
				     "maxResults");
	return sim_ec2_page(c, p);
}

/* --- instances ----------------------------------------------------------------------------- */

static void write_state(struct buf *b, const char *state)
{
	static const struct {
		const char *name;
		int code;
	} codes[] = {{"pending", 0}, {"running", 16}, {"shutting-down", 32}, {"terminated", 48}};
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(state, codes[i].name) == 0)
			buf_addf(b, "<instanceState><code>%d</code><name>%s</name></instanceState>",
				 codes[i].code, state);
}

static void write_tags(struct buf *b, const struct sim_instance *i)
{
	buf_adds(b, "<tagSet>");
	for (size_t k = 0; k < i->n_tags; k++) {
		buf_adds(b, "<item>");
		sim_xml_text(b, "key", str_from(i->tags[k].key));
		sim_xml_text(b, "value", str_from(i->tags[k].value));
		buf_adds(b, "</item>");
	}
	buf_adds(b, "</tagSet>");
}

static void write_instance(struct buf *b, const struct sim_instance *i, struct utc now)
{
	const char *state = sim_instance_state(i, now);
	char iso[UTC_ISO_SIZE];
	utc_format_iso(i->launched, iso);
	buf_addf(b, "<item><reservationId>r-%s</reservationId><ownerId>" SIM_ACCOUNT "</ownerId>",
		 i->id + 2);
	buf_adds(b, "<groupSet></groupSet><instancesSet><item>");
	sim_xml_text(b, "instanceId", str_from(i->id));
	sim_xml_text(b, "imageId", str_from(i->image));
	write_state(b, state);
	if (strcmp(state, "terminated") != 0)
		sim_xml_text(b, "privateIpAddress", str_from(i->ip));
	sim_xml_text(b, "instanceType", str_from(i->type));
	sim_xml_text(b, "launchTime", str_from(iso));
	buf_adds(b, "<placement>");
	sim_xml_text(b, "availabilityZone", str_from(i->zone));
	buf_adds(b, "<tenancy>default</tenancy></placement>");
	write_tags(b, i);
	buf_adds(b, "</item></instancesSet></item>");
}

int sim_describe_instances(struct sim_ec2_call *c)
{
	struct sim_page p;
	if (check_asked(c, &p))
		return -1;
	buf_adds(c->out, "<reservationSet>");
	for (const struct sim_instance *i = c->e->instances; i; i = i->next)
		if (wanted(c, i) && sim_page_take(&p))
			write_instance(c->out, i, c->x->now);
	buf_adds(c->out, "</reservationSet>");
	sim_ec2_page_end(c, &p);
	return 0;
}

/* Status checks pass a minute after the start, unless what runs there never starts. */
static const char *status_of(const struct sim_instance *i, struct utc now)
{
	if (now.ms < i->running.ms + 60000)
		return "initializing";
	return i->does.never_starts ? "impaired" : "ok";
}

int sim_describe_instance_status(struct sim_ec2_call *c)
{
	bool all = str_is(sim_ec2_arg(c, "IncludeAllInstances"), "true");
	struct sim_page p;
	if (check_asked(c, &p))
		return -1;
	buf_adds(c->out, "<instanceStatusSet>");
	for (const struct sim_instance *i = c->e->instances; i; i = i->next) {
		const char *state = sim_instance_state(i, c->x->now);
		bool running = strcmp(state, "running") == 0;
		const char *status = running ? status_of(i, c->x->now) : "not-applicable";
		if (!wanted(c, i) || (!all && !running) || !sim_page_take(&p))
			continue;
		buf_adds(c->out, "<item>");
		sim_xml_text(c->out, "availabilityZone", str_from(i->zone));
		sim_xml_text(c->out, "instanceId", str_from(i->id));
		write_state(c->out, state);
		buf_addf(c->out, "<instanceStatus><status>%s</status></instanceStatus>", status);
		buf_addf(c->out, "<systemStatus><status>%s</status></systemStatus></item>", status);
	}
	buf_adds(c->out, "</instanceStatusSet>");
	sim_ec2_page_end(c, &p);
	return 0;
}

/* --- tags ---------------------------------------------------------------------------------- */

static bool tag_wanted(const struct sim_ec2_call *c, const struct sim_instance *i,
		       const struct sim_ec2_tag *t)
{
	json_each(f, json_get(c->in, "Filter")) {
		struct str name = json_text(json_get(f, "Name"));
		const struct json *values = json_get(f, "Value");
		if ((str_is(name, "resource-id") && !has(values, i->id)) ||
		    (str_is(name, "key") && !has(values, t->key)) ||
		    (str_is(name, "value") && !has(values, t->value)) ||
		    (str_is(name, "resource-type") && !has(values, "instance")))
			return false;
	}
	return true;
}

int sim_ec2_describe_tags(struct sim_ec2_call *c)
{
	struct sim_page p;
	if (sim_ec2_page(c, &p))
		return -1;
	buf_adds(c->out, "<tagSet>");
	for (const struct sim_instance *i = c->e->instances; i; i = i->next) {
		for (size_t k = 0; k < i->n_tags; k++) {
			if (!tag_wanted(c, i, &i->tags[k]) || !sim_page_take(&p))
				continue;
			buf_adds(c->out, "<item>");
			sim_xml_text(c->out, "resourceId", str_from(i->id));
			sim_xml_text(c->out, "resourceType", STR("instance"));
			sim_xml_text(c->out, "key", str_from(i->tags[k].key));
			sim_xml_text(c->out, "value", str_from(i->tags[k].value));
			buf_adds(c->out, "</item>");
		}
	}
	buf_adds(c->out, "</tagSet>");
	sim_ec2_page_end(c, &p);
	return 0;
}

int sim_create_tags(struct sim_ec2_call *c)
{
	const struct json *ids = json_get(c->in, "ResourceId"), *tags = json_get(c->in, "Tag");
	if (!ids || !tags)
		return sim_ec2_error(c, "MissingParameter", "ResourceId and Tag are required");
	json_each(e, ids) {
		if (!sim_ec2_instance(c->s, json_text(e)))
			return sim_ec2_error(c, "InvalidInstanceID.NotFound",
					     "The instance ID '" STR_FMT "' does not exist",
					     STR_ARG(json_text(e)));
	}
	json_each(t, tags) {
		struct str key = json_text(json_get(t, "Key"));
		if (!key.n || key.n > 128 || str_starts(key, "aws:"))
			return sim_ec2_error(c, "InvalidParameterValue",
					     "Tag keys have 1 to 128 characters and do not begin "
					     "with aws:");
		json_each(e, ids) {
			sim_instance_tag(sim_ec2_instance(c->s, json_text(e)), key,
					 json_text(json_get(t, "Value")));
		}
	}
	buf_adds(c->out, "<return>true</return>");
	return 0;
}
