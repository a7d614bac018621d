#include "tests/sim/sim_ec2.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "aws/core/digest.h"

/*
 * The simulated EC2: instances and what runs on them, and the dispatch of calls. What an instance
 * does follows from its image, then its user data, then what ran on it later: the last word holds.
 */

#define XMLNS "http://ec2.amazonaws.com/doc/2016-11-15/"
#define KEEP_MS 3600000 /* a terminated instance is told about for an hour */
#define END_MS 5000	/* shutting-down to terminated */

/* --- images and instances ------------------------------------------------------------------ */

struct sim_image *sim_image_get(struct sim_ec2_state *e, struct str id, bool make)
{
	struct sim_image *i = e->images;
	while (i && !str_is(id, i->id))
		i = i->next;
	if (i || !make)
		return i;
	i = xcalloc(1, sizeof(*i));
	(void)str_copy(i->id, sizeof(i->id), id);
	i->words = xstrdup("");
	i->next = e->images;
	e->images = i;
	return i;
}

void sim_instance_refresh(struct sim_ec2_state *e, struct sim_instance *i)
{
	const struct sim_image *image = sim_image_get(e, str_from(i->image), false);
	i->does = (struct sim_behaviour){.latency_ms = 20};
	if (image)
		sim_behaviour_code(&i->does, str_from(image->words));
	sim_behaviour_code(&i->does, str_from(i->user_data));
	sim_behaviour_code(&i->does, str_from(i->applied));
	i->changes++;
}

void sim_instance_apply(struct sim *s, struct sim_instance *i, struct str text)
{
	char *all = xasprintf("%s\n" STR_FMT "\n", i->applied, STR_ARG(text));
	free(i->applied);
	i->applied = all;
	sim_instance_refresh(sim_state(s, &sim_ec2), i);
}

struct sim_instance *sim_ec2_instances(struct sim *s)
{
	return ((struct sim_ec2_state *)sim_state(s, &sim_ec2))->instances;
}

struct sim_instance *sim_ec2_instance(struct sim *s, struct str id)
{
	struct sim_instance *i = sim_ec2_instances(s);
	while (i && !str_is(id, i->id))
		i = i->next;
	return i;
}

const char *sim_instance_state(const struct sim_instance *i, struct utc now)
{
	if (i->gone.ms && now.ms >= i->gone.ms)
		return "terminated";
	if (i->ending.ms)
		return "shutting-down";
	return now.ms >= i->running.ms ? "running" : "pending";
}

void sim_ec2_terminate(struct sim *s, struct sim_instance *i)
{
	if (i->ending.ms)
		return;
	i->ending = sim_now(s);
	i->gone.ms = i->ending.ms + END_MS;
}

void sim_instance_tag(struct sim_instance *i, struct str key, struct str value)
{
	struct sim_ec2_tag *t = NULL;
	for (size_t k = 0; k < i->n_tags; k++)
		if (str_is(key, i->tags[k].key))
			t = &i->tags[k];
	if (!t) {
		i->tags = xrealloc(i->tags, (i->n_tags + 1) * sizeof(*t));
		t = &i->tags[i->n_tags++];
		(void)str_copy(t->key, sizeof(t->key), key);
	}
	(void)str_copy(t->value, sizeof(t->value), value);
}

const char *sim_instance_tag_get(const struct sim_instance *i, const char *key)
{
	for (size_t k = 0; k < i->n_tags; k++)
		if (strcmp(key, i->tags[k].key) == 0)
			return i->tags[k].value;
	return NULL;
}

/* --- launching ----------------------------------------------------------------------------- */

/* Why a launch fails, in the words that Auto Scaling reports. */
static void explain(const char *code, const char *type, const char *zone, char *out, size_t size)
{
	if (strcmp(code, "InsufficientInstanceCapacity") == 0)
		snprintf(out, size,
			 "We currently do not have sufficient %s capacity in the Availability Zone "
			 "you requested (%s). Launching EC2 instance failed.",
			 type, zone);
	else
		snprintf(out, size, "%s. Launching EC2 instance failed.", code);
}

/* The image of a version; one in a parameter of Systems Manager is looked up now. */
static bool find_image(struct sim *s, const struct sim_lt_version *v, char *image, size_t size,
		       char *problem, size_t room)
{
	struct str id = str_from(v->image);
	struct sim_image *known;
	if (!id.n) {
		snprintf(problem, room,
			 "You must specify an image. Launching EC2 instance failed.");
		return false;
	}
	if (str_starts(id, "resolve:ssm:")) {
		if (!sim_ssm_parameter(s, str_sub(id, 12, id.n), image, size)) {
			snprintf(problem, room,
				 "The parameter of '%s' was not found. Launching EC2 instance "
				 "failed.",
				 v->image);
			return false;
		}
	} else {
		(void)str_copy(image, size, id);
	}
	known = sim_image_get(sim_state(s, &sim_ec2), str_from(image), false);
	if (known && known->missing) {
		snprintf(problem, room,
			 "The image id '[%s]' does not exist. Launching EC2 instance failed.",
			 image);
		return false;
	}
	return true;
}

static bool launch_fails(struct sim_ec2_state *e, const char *image, const char *type,
			 const char *zone, char *problem, size_t room)
{
	const struct sim_image *known = sim_image_get(e, str_from(image), false);
	if (known && known->launch_error[0]) {
		explain(known->launch_error, type, zone, problem, room);
		return true;
	}
	if (!e->launch_error[0] || !e->launch_errors)
		return false;
	if (e->launch_errors > 0)
		e->launch_errors--;
	explain(e->launch_error, type, zone, problem, room);
	return true;
}

static char *decoded(const char *base64)
{
	size_t n = 0, cap = base64 ? strlen(base64) + 1 : 1;
	uint8_t *out = xcalloc(1, cap + 1);
	if (base64 && !base64_decode(str_from(base64), out, cap, &n))
		n = 0;
	out[n] = '\0';
	return (char *)out;
}

static struct sim_instance *make_instance(struct sim *s, struct sim_ec2_state *e)
{
	struct sim_instance *i = xcalloc(1, sizeof(*i));
	char text[40], hex[SHA256_HEX_SIZE];
	snprintf(text, sizeof(text), "instance:%llu", (unsigned long long)++e->n_made);
	sha256_hex(str_from(text), hex);
	snprintf(i->id, sizeof(i->id), "i-0%.16s", hex);
	snprintf(i->ip, sizeof(i->ip), "10.0.%u.%u", (unsigned)(e->n_made >> 8 & 255),
		 (unsigned)(e->n_made & 255));
	i->launched = sim_now(s);
	i->running.ms = i->launched.ms + e->start_ms;
	i->applied = xstrdup("");
	i->next = e->instances;
	e->instances = i;
	return i;
}

struct sim_instance *sim_ec2_launch(struct sim *s, const struct sim_launch *l, char *problem,
				    size_t size)
{
	struct sim_ec2_state *e = sim_state(s, &sim_ec2);
	struct sim_lt *lt = sim_lt_find(s, l->template_);
	struct sim_lt_version *v = lt ? sim_lt_version_find(lt, l->version) : NULL;
	char image[64], type[32], zone[16];
	struct sim_instance *i;
	if (!v) {
		snprintf(
			problem, size,
			"You must use a valid fully-formed launch template. The specified launch "
			"template, or its version, does not exist. Launching EC2 instance failed.");
		return NULL;
	}
	(void)str_copy(type, sizeof(type), l->type.n ? l->type : str_from(v->type));
	(void)str_copy(zone, sizeof(zone), l->zone);
	if (!find_image(s, v, image, sizeof(image), problem, size) ||
	    launch_fails(e, image, type, zone, problem, size))
		return NULL;
	i = make_instance(s, e);
	(void)str_copy(i->image, sizeof(i->image), str_from(image));
	(void)str_copy(i->type, sizeof(i->type), str_from(type));
	(void)str_copy(i->zone, sizeof(i->zone), str_from(zone));
	(void)str_copy(i->template_id, sizeof(i->template_id), str_from(lt->id));
	(void)str_copy(i->template_name, sizeof(i->template_name), str_from(lt->name));
	i->template_version = v->number;
	i->user_data = decoded(v->user_data);
	sim_instance_refresh(e, i);
	return i;
}

/* --- the service --------------------------------------------------------------------------- */

static void *create(struct sim *s)
{
	struct sim_ec2_state *e = xcalloc(1, sizeof(*e));
	(void)s;
	e->start_ms = 10000;
	e->visible_ms = 2000;
	return e;
}

static void instance_free(struct sim_instance *i)
{
	free(i->user_data);
	free(i->applied);
	free(i->tags);
	free(i);
}

static void destroy(void *state)
{
	struct sim_ec2_state *e = state;
	if (!e)
		return;
	while (e->instances) {
		struct sim_instance *i = e->instances;
		e->instances = i->next;
		instance_free(i);
	}
	while (e->templates) {
		struct sim_lt *lt = e->templates;
		e->templates = lt->next;
		sim_lt_free(lt);
	}
	while (e->images) {
		struct sim_image *i = e->images;
		e->images = i->next;
		free(i->words);
		free(i);
	}
	free(e);
}

static void advance(struct sim *s, void *state, struct utc now)
{
	struct sim_ec2_state *e = state;
	struct sim_instance **at = &e->instances;
	(void)s;
	while (*at) {
		struct sim_instance *i = *at;
		if (i->gone.ms && now.ms > i->gone.ms + KEEP_MS) {
			*at = i->next;
			instance_free(i);
		} else {
			at = &i->next;
		}
	}
}

struct str sim_ec2_arg(const struct sim_ec2_call *c, const char *key)
{
	return json_text(json_get(c->in, key));
}

int sim_ec2_error(const struct sim_ec2_call *c, const char *code, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sim_reply_error(c->x, SIM_WIRE_EC2, 400, code, "%s", text);
	return -1;
}

int sim_ec2_page(const struct sim_ec2_call *c, struct sim_page *p)
{
	struct str token = sim_ec2_arg(c, "NextToken"), max = sim_ec2_arg(c, "MaxResults");
	*p = (struct sim_page){.max = 1000};
	if (max.n && !str_parse_i64(max, 1, 1000, &p->max))
		return sim_ec2_error(c, "InvalidParameterValue", "MaxResults must be 1 to 1000");
	if (token.n && !str_parse_i64(token, 1, INT32_MAX, &p->skip))
		return sim_ec2_error(c, "InvalidNextToken", "The token is not valid");
	return 0;
}

bool sim_page_take(struct sim_page *p)
{
	int64_t number = p->seen++;
	return number >= p->skip && number < p->skip + p->max;
}

void sim_ec2_page_end(const struct sim_ec2_call *c, const struct sim_page *p)
{
	if (p->seen > p->skip + p->max)
		sim_xml_i64(c->out, "nextToken", p->skip + p->max);
}

static void answer(const struct sim_ec2_call *c)
{
	struct buf b;
	buf_init(&b, 16u << 20);
	buf_addf(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%sResponse xmlns=\"" XMLNS "\">",
		 c->x->operation);
	sim_xml_text(&b, "requestId", str_from(c->x->request_id));
	buf_add_str(&b, buf_str(c->out));
	buf_addf(&b, "</%sResponse>", c->x->operation);
	sim_reply_raw(c->x, 200, "text/xml;charset=UTF-8", buf_str(&b), NULL, 0);
	buf_release(&b);
}

static void handle(struct sim *s, void *state, const struct sim_exchange *x)
{
	static const struct {
		const char *name;
		int (*run)(struct sim_ec2_call *c);
		const char *known;
	} operations[] = {
		{"DescribeLaunchTemplates", sim_describe_launch_templates,
		 "LaunchTemplateId.N LaunchTemplateName.N NextToken MaxResults"},
		{"DescribeLaunchTemplateVersions", sim_describe_launch_template_versions,
		 "LaunchTemplateId LaunchTemplateName LaunchTemplateVersion.N NextToken MaxResults "
		 "ResolveAlias"},
		{"CreateLaunchTemplateVersion", sim_create_launch_template_version,
		 "ClientToken LaunchTemplateId LaunchTemplateName SourceVersion VersionDescription "
		 "ResolveAlias LaunchTemplateData.*"},
		{"ModifyLaunchTemplate", sim_modify_launch_template,
		 "ClientToken LaunchTemplateId LaunchTemplateName SetDefaultVersion"},
		{"DeleteLaunchTemplateVersions", sim_delete_launch_template_versions,
		 "LaunchTemplateId LaunchTemplateName LaunchTemplateVersion.N"},
		{"DescribeInstances", sim_describe_instances,
		 "InstanceId.N IncludeManagedResources Filter.N.Name Filter.N.Value.N NextToken "
		 "MaxResults"},
		{"DescribeInstanceStatus", sim_describe_instance_status,
		 "InstanceId.N IncludeManagedResources Filter.N.Name Filter.N.Value.N NextToken "
		 "MaxResults IncludeAllInstances"},
		{"DescribeTags", sim_ec2_describe_tags,
		 "Filter.N.Name Filter.N.Value.N NextToken MaxResults"},
		{"CreateTags", sim_create_tags, "ResourceId.N Tag.N.Key Tag.N.Value"},
	};
	struct buf b;
	struct sim_ec2_call c = {.s = s, .e = state, .x = x, .out = &b};
	c.in = sim_form_tree(x->arena, x->form, false);
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		struct str odd;
		if (strcmp(x->operation, operations[i].name) != 0)
			continue;
		odd = sim_form_unknown(x, operations[i].known);
		if (odd.n) {
			(void)sim_ec2_error(&c, "UnknownParameter",
					    "The parameter " STR_FMT " is not recognized",
					    STR_ARG(odd));
			return;
		}
		buf_init(&b, 8u << 20);
		if (operations[i].run(&c) == 0)
			answer(&c);
		buf_release(&b);
		return;
	}
	(void)sim_ec2_error(&c, "InvalidAction", "The action %.64s is not valid", x->operation);
}

const struct sim_service sim_ec2 = {
	.name = "ec2",
	.create = create,
	.destroy = destroy,
	.advance = advance,
	.handle = handle,
	.control = sim_ec2_control,
};
