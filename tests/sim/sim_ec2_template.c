#include <stdio.h>
#include <stdlib.h>

#include "aws/core/digest.h"
#include "tests/sim/sim_ec2.h"

/*
 * Launch templates and their versions. A version keeps its data by the names of the request, so
 * that one made from another takes over what the request does not say.
 */

/* --- model --------------------------------------------------------------------------------- */

struct sim_lt *sim_lt_find(struct sim *s, struct str what)
{
	struct sim_ec2_state *e = sim_state(s, &sim_ec2);
	struct sim_lt *lt = e->templates;
	while (lt && !str_is(what, lt->id) && !str_is(what, lt->name))
		lt = lt->next;
	return lt;
}

struct sim_lt_version *sim_lt_version_find(const struct sim_lt *lt, struct str version)
{
	int64_t number = lt->default_version;
	if (str_is(version, "$Latest"))
		number = lt->latest;
	else if (version.n && !str_is(version, "$Default") &&
		 !str_parse_i64(version, 1, INT32_MAX, &number))
		return NULL;
	for (size_t i = 0; i < lt->n_versions; i++)
		if (lt->versions[i].number == number && !lt->versions[i].deleted)
			return &lt->versions[i];
	return NULL;
}

struct sim_lt *sim_lt_new(struct sim_ec2_state *e, struct str name, struct utc now)
{
	struct sim_lt *lt = xcalloc(1, sizeof(*lt));
	char hex[SHA256_HEX_SIZE];
	(void)str_copy(lt->name, sizeof(lt->name), name);
	sha256_hex(str_from(lt->name), hex);
	snprintf(lt->id, sizeof(lt->id), "lt-0%.16s", hex);
	lt->created = now;
	lt->default_version = 1;
	lt->next = e->templates;
	e->templates = lt;
	return lt;
}

struct sim_lt_version *sim_lt_version_new(struct sim_lt *lt, struct utc now)
{
	lt->versions = xrealloc(lt->versions, (lt->n_versions + 1) * sizeof(*lt->versions));
	lt->versions[lt->n_versions] =
		(struct sim_lt_version){.number = (int64_t)lt->n_versions + 1, .created = now};
	lt->latest = lt->versions[lt->n_versions].number;
	return &lt->versions[lt->n_versions++];
}

void sim_lt_free(struct sim_lt *lt)
{
	for (size_t i = 0; i < lt->n_versions; i++) {
		sim_fields_release(&lt->versions[i].data);
		free(lt->versions[i].user_data);
	}
	free(lt->versions);
	free(lt);
}

/* --- answers ------------------------------------------------------------------------------- */

static void write_time(struct buf *b, const char *tag, struct utc t)
{
	char iso[UTC_ISO_SIZE];
	utc_format_iso(t, iso);
	sim_xml_text(b, tag, str_from(iso));
}

static void write_version(struct buf *b, const char *tag, const struct sim_lt *lt,
			  const struct sim_lt_version *v)
{
	buf_addf(b, "<%s>", tag);
	sim_xml_text(b, "launchTemplateId", str_from(lt->id));
	sim_xml_text(b, "launchTemplateName", str_from(lt->name));
	sim_xml_i64(b, "versionNumber", v->number);
	if (v->description[0])
		sim_xml_text(b, "versionDescription", str_from(v->description));
	write_time(b, "createTime", v->created);
	sim_xml_text(b, "createdBy", STR("arn:aws:iam::" SIM_ACCOUNT ":root"));
	sim_xml_text(b, "defaultVersion",
		     v->number == lt->default_version ? STR("true") : STR("false"));
	buf_adds(b, "<launchTemplateData>");
	sim_fields_write(b, &v->data);
	buf_addf(b, "</launchTemplateData></%s>", tag);
}

static void write_template(struct buf *b, const char *tag, const struct sim_lt *lt)
{
	buf_addf(b, "<%s>", tag);
	sim_xml_text(b, "launchTemplateId", str_from(lt->id));
	sim_xml_text(b, "launchTemplateName", str_from(lt->name));
	write_time(b, "createTime", lt->created);
	sim_xml_text(b, "createdBy", STR("arn:aws:iam::" SIM_ACCOUNT ":root"));
	sim_xml_i64(b, "defaultVersionNumber", lt->default_version);
	sim_xml_i64(b, "latestVersionNumber", lt->latest);
	buf_addf(b, "</%s>", tag);
}

/* --- finding what a request names ---------------------------------------------------------- */

static int not_found(const struct sim_ec2_call *c, struct str id, struct str name)
{
	if (id.n)
		return sim_ec2_error(c, "InvalidLaunchTemplateId.NotFound",
				     "The specified launch template, with template ID " STR_FMT
				     ", does "
				     "not exist.",
				     STR_ARG(id));
	return sim_ec2_error(c, "InvalidLaunchTemplateName.NotFoundException",
			     "The specified launch template, with template name " STR_FMT
			     ", does not "
			     "exist.",
			     STR_ARG(name));
}

static int version_not_found(const struct sim_ec2_call *c, const struct sim_lt *lt, struct str v)
{
	return sim_ec2_error(c, "InvalidLaunchTemplateId.VersionNotFound",
			     "Could not find the specified version " STR_FMT
			     " for the launch template with ID %s.",
			     STR_ARG(v), lt->id);
}

/* By LaunchTemplateId or LaunchTemplateName, exactly one of them; or an error is answered. */
static struct sim_lt *need_template(struct sim_ec2_call *c)
{
	struct str id = sim_ec2_arg(c, "LaunchTemplateId"),
		   name = sim_ec2_arg(c, "LaunchTemplateName");
	struct sim_lt *lt;
	if (!id.n == !name.n) {
		(void)sim_ec2_error(c, id.n ? "InvalidParameterCombination" : "MissingParameter",
				    "Either LaunchTemplateId or LaunchTemplateName is required");
		return NULL;
	}
	for (lt = ((struct sim_ec2_state *)c->e)->templates; lt; lt = lt->next)
		if (id.n ? str_is(id, lt->id) : str_is(name, lt->name))
			return lt;
	(void)not_found(c, id, name);
	return NULL;
}

/* --- operations ---------------------------------------------------------------------------- */

static bool lists(const struct json *list, const char *what)
{
	json_each(e, list) {
		if (str_is(json_text(e), what))
			return true;
	}
	return false;
}

int sim_describe_launch_templates(struct sim_ec2_call *c)
{
	const struct json *ids = json_get(c->in, "LaunchTemplateId"),
			  *names = json_get(c->in, "LaunchTemplateName");
	struct sim_page p;
	json_each(e, ids) {
		const struct sim_lt *lt = sim_lt_find(c->s, json_text(e));
		if (!lt || !str_is(json_text(e), lt->id))
			return not_found(c, json_text(e), STR(""));
	}
	json_each(e, names) {
		const struct sim_lt *lt = sim_lt_find(c->s, json_text(e));
		if (!lt || !str_is(json_text(e), lt->name))
			return not_found(c, STR(""), json_text(e));
	}
	if (sim_ec2_page(c, &p))
		return -1;
	buf_adds(c->out, "<launchTemplates>");
	for (const struct sim_lt *lt = c->e->templates; lt; lt = lt->next)
		if ((!ids || lists(ids, lt->id)) && (!names || lists(names, lt->name)) &&
		    sim_page_take(&p))
			write_template(c->out, "item", lt);
	buf_adds(c->out, "</launchTemplates>");
	sim_ec2_page_end(c, &p);
	return 0;
}

int sim_describe_launch_template_versions(struct sim_ec2_call *c)
{
	const struct sim_lt *lt = need_template(c);
	const struct json *asked = json_get(c->in, "LaunchTemplateVersion");
	struct sim_page p;
	if (!lt || sim_ec2_page(c, &p))
		return -1;
	json_each(e, asked) {
		if (!sim_lt_version_find(lt, json_text(e)))
			return version_not_found(c, lt, json_text(e));
	}
	buf_adds(c->out, "<launchTemplateVersionSet>");
	json_each(e, asked) {
		if (sim_page_take(&p))
			write_version(c->out, "item", lt, sim_lt_version_find(lt, json_text(e)));
	}
	for (size_t i = asked ? 0 : lt->n_versions; i-- > 0;) /* newest first */
		if (!lt->versions[i].deleted && sim_page_take(&p))
			write_version(c->out, "item", lt, &lt->versions[i]);
	buf_adds(c->out, "</launchTemplateVersionSet>");
	sim_ec2_page_end(c, &p);
	return 0;
}

/* Digest of all parameters but the token: a token that comes again must come with the same. */
static void digest_request(const struct sim_exchange *x, char out[SHA256_HEX_SIZE])
{
	struct buf b;
	buf_init(&b, 1u << 20);
	for (size_t i = 0; i < x->form->n; i++) {
		if (str_is(x->form->pairs[i].key, "ClientToken"))
			continue;
		buf_add_str(&b, x->form->pairs[i].key);
		buf_addc(&b, '=');
		buf_add_str(&b, x->form->pairs[i].value);
		buf_addc(&b, '&');
	}
	sha256_hex(buf_str(&b), out);
	buf_release(&b);
}

/* The three members that a launch needs, out of what was sent. */
static void set_known(struct sim_lt_version *v, struct str key, struct str value)
{
	if (str_is(key, "ImageId"))
		(void)str_copy(v->image, sizeof(v->image), value);
	if (str_is(key, "InstanceType"))
		(void)str_copy(v->type, sizeof(v->type), value);
	if (str_is(key, "UserData")) {
		free(v->user_data);
		v->user_data = xstrndup(value.n ? value.p : "", value.n);
	}
}

static void take_data(struct sim_lt_version *v, const struct json *data)
{
	json_each(m, data) {
		struct json copy = *m, root = {.type = JSON_OBJECT, .first = &copy, .n = 1};
		char name[80];
		struct buf b;
		copy.next = NULL;
		if (!str_copy(name, sizeof(name), m->key))
			continue;
		buf_init(&b, 1u << 20);
		sim_tree_ec2(&b, &root);
		sim_field_set(&v->data, name, buf_take(&b));
		set_known(v, m->key, m->text);
	}
}

static void inherit(struct sim_lt_version *v, const struct sim_lt_version *from)
{
	for (size_t i = 0; i < from->data.n; i++)
		sim_field_set(&v->data, from->data.all[i].name, xstrdup(from->data.all[i].xml));
	(void)str_copy(v->image, sizeof(v->image), str_from(from->image));
	(void)str_copy(v->type, sizeof(v->type), str_from(from->type));
	v->user_data = from->user_data ? xstrdup(from->user_data) : NULL;
}

static int check_user_data(const struct sim_ec2_call *c, struct str base64)
{
	uint8_t *out = arena_alloc(c->x->arena, base64.n + 1);
	size_t n = 0;
	if (!base64_decode(base64, out, base64.n + 1, &n))
		return sim_ec2_error(c, "InvalidUserData.Malformed",
				     "Invalid BASE64 encoding of user data.");
	if (n > 16384)
		return sim_ec2_error(c, "InvalidParameterValue",
				     "User data is limited to 16384 bytes");
	return 0;
}

/* The version that came from the same token, or NULL. 0, or -1: other parameters than then. */
static int find_token(struct sim_ec2_call *c, struct sim_lt *lt, struct str token,
		      const char *digest, struct sim_lt_version **out)
{
	*out = NULL;
	for (size_t i = 0; token.n && i < lt->n_versions; i++)
		if (str_is(token, lt->versions[i].token))
			*out = &lt->versions[i];
	if (*out && strcmp((*out)->digest, digest) != 0)
		return sim_ec2_error(c, "IdempotentParameterMismatch",
				     "The client token was used with other parameters.");
	return 0;
}

static void write_created(struct sim_ec2_call *c, const struct sim_lt *lt,
			  const struct sim_lt_version *v)
{
	const struct sim_image *image = sim_image_get(c->e, str_from(v->image), false);
	write_version(c->out, "launchTemplateVersion", lt, v);
	if (image && image->missing)
		buf_addf(c->out,
			 "<warning><errorSet><item><code>InvalidAMIID.NotFound</code><message>The "
			 "image id '[%s]' does not exist</message></item></errorSet></warning>",
			 image->id);
}

int sim_create_launch_template_version(struct sim_ec2_call *c)
{
	const struct json *data = json_get(c->in, "LaunchTemplateData");
	struct str source = sim_ec2_arg(c, "SourceVersion"), token = sim_ec2_arg(c, "ClientToken"),
		   user_data = json_text(json_get(data, "UserData"));
	struct sim_lt *lt = need_template(c);
	struct sim_lt_version *v, *from = NULL;
	char digest[SHA256_HEX_SIZE];
	if (!lt)
		return -1;
	if (!data || !data->first)
		return sim_ec2_error(c, "MissingParameter", "LaunchTemplateData is required");
	if (token.n > 128)
		return sim_ec2_error(c, "InvalidParameterValue", "ClientToken is too long");
	if (user_data.n && check_user_data(c, user_data))
		return -1;
	if (source.n && !(from = sim_lt_version_find(lt, source)))
		return version_not_found(c, lt, source);
	digest_request(c->x, digest);
	if (find_token(c, lt, token, digest, &v))
		return -1;
	if (!v) {
		int64_t number = from ? from->number : 0;
		v = sim_lt_version_new(lt, c->x->now);
		if (number) /* the list may have moved */
			inherit(v, &lt->versions[number - 1]);
		take_data(v, data);
		(void)str_copy(v->description, sizeof(v->description),
			       sim_ec2_arg(c, "VersionDescription"));
		(void)str_copy(v->token, sizeof(v->token), token);
		(void)str_copy(v->digest, sizeof(v->digest), str_from(digest));
	}
	write_created(c, lt, v);
	return 0;
}

int sim_modify_launch_template(struct sim_ec2_call *c)
{
	struct sim_lt *lt = need_template(c);
	struct str version = sim_ec2_arg(c, "SetDefaultVersion");
	const struct sim_lt_version *v;
	if (!lt)
		return -1;
	v = sim_lt_version_find(lt, version);
	if (!v)
		return version_not_found(c, lt, version);
	lt->default_version = v->number;
	write_template(c->out, "launchTemplate", lt);
	return 0;
}

static void write_deleted(struct buf *b, const struct sim_lt *lt, struct str number,
			  const char *problem)
{
	buf_adds(b, "<item>");
	sim_xml_text(b, "launchTemplateId", str_from(lt->id));
	sim_xml_text(b, "launchTemplateName", str_from(lt->name));
	sim_xml_text(b, "versionNumber", number);
	if (problem)
		buf_addf(b, "<responseError><code>%s</code><message>%s</message></responseError>",
			 problem, problem);
	buf_adds(b, "</item>");
}

int sim_delete_launch_template_versions(struct sim_ec2_call *c)
{
	struct sim_lt *lt = need_template(c);
	const struct json *asked = json_get(c->in, "LaunchTemplateVersion");
	struct buf failed;
	if (!lt)
		return -1;
	if (!asked || !asked->first)
		return sim_ec2_error(c, "MissingParameter", "LaunchTemplateVersion is required");
	buf_init(&failed, 64u << 10);
	buf_adds(c->out, "<successfullyDeletedLaunchTemplateVersionSet>");
	json_each(e, asked) {
		struct sim_lt_version *v = sim_lt_version_find(lt, json_text(e));
		if (v && v->number != lt->default_version) {
			v->deleted = true;
			write_deleted(c->out, lt, json_text(e), NULL);
		} else {
			write_deleted(&failed, lt, json_text(e),
				      v ? "unexpectedError" : "launchTemplateVersionDoesNotExist");
		}
	}
	buf_adds(c->out, "</successfullyDeletedLaunchTemplateVersionSet>");
	buf_adds(c->out, "<unsuccessfullyDeletedLaunchTemplateVersionSet>");
	buf_add_str(c->out, buf_str(&failed));
	buf_adds(c->out, "</unsuccessfullyDeletedLaunchTemplateVersionSet>");
	buf_release(&failed);
	return 0;
}
