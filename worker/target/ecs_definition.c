#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/beneath.h"
#include "worker/target/ecs.h"
#include "worker/target/artifact.h"

/*
 * The task definition out of the artifact, with its files as CodePipeline users know them:
 * taskdef.json with placeholders such as <IMAGE1_NAME>, imagedefinitions.json and imageDetail.json.
 */
#define FILE_MOST (256u << 10) /* a task definition has 64 KiB at most */
#define LOOK_BACK 5	       /* revisions somebody else may have registered since ours */

/* --- files ------------------------------------------------------------------------------------ */

static int read_bytes(int fd, size_t size, struct arena *a, struct str *out, struct err *err)
{
	char *text = arena_alloc(a, size + 1);

	if (target_artifact_read(fd, 0, text, size, "a file of the artifact", err))
		return -1;
	*out = (struct str){text, size};
	return 0;
}

/*
 * A JSON file of the artifact. *root is NULL when there is none and the plan does not name it, or
 * when a problem was added.
 */
static int read_json(const struct target_env *env, const struct target_artifact *artifact,
		     const char *said, const char *usual, const char *place, struct json **root,
		     struct problems *p, struct err *err)
{
	const char *path = said ? said : usual;
	struct err bad = ERR_INIT;
	struct stat st;
	struct str text;
	int fd, rc = 0;

	*root = NULL;
	if (target_artifact_open(artifact, path, &fd, &st, err))
		return -1;
	if (fd < 0) {
		if (said)
			problem_add(p, place, path, "there is no such file in the input artifact");
		return 0;
	}
	if (!S_ISREG(st.st_mode))
		problem_add(p, place, path, "it is no file");
	else if ((uint64_t)st.st_size > FILE_MOST)
		problem_add(p, place, path, "%lld bytes; %u at most", (long long)st.st_size,
			    FILE_MOST);
	else if (read_bytes(fd, (size_t)st.st_size, env->arena, &text, err))
		rc = -1;
	else if (json_parse(env->arena, text, root, &bad))
		problem_add(p, place, path, "it is no JSON: %s", bad.text);
	close(fd);
	return rc;
}

/* --- images ----------------------------------------------------------------------------------- */

static struct json *member(struct json *object, const char *key)
{
	struct json *m = object && object->type == JSON_OBJECT ? object->first : NULL;

	while (m && !str_is(m->key, key))
		m = m->next;
	return m;
}

/* The containers; NULL, with a problem, when there are none. */
static struct json *containers_of(struct json *definition, const char *place, struct problems *p)
{
	struct json *list = member(definition, "containerDefinitions");

	if (list && list->type == JSON_ARRAY && list->n > 0)
		return list->first;
	problem_add(p, place, NULL, "it has no containerDefinitions");
	return NULL;
}

static void set_image(struct arena *a, struct json *container, const char *image)
{
	struct json *m = member(container, "image");

	if (!m) {
		m = arena_new_of(a, struct json);
		m->key = STR("image");
		m->next = container->first;
		container->first = m;
		container->n++;
	}
	m->type = JSON_STRING;
	m->text = str_from(image);
}

/* imagedefinitions.json: [{"name":container,"imageUri":image}, ...]; containers NULL: not known */
static void use_images(const struct target_env *env, const struct json *list, const char *path,
		       struct json *containers, struct problems *p)
{
	if (list->type != JSON_ARRAY || list->n == 0)
		problem_add(p, "target.ecs.images", path,
			    "write a list: [{\"name\": \"app\", \"imageUri\": \"...\"}]");
	json_each(item, list) {
		const char *name = json_cstr(json_get(item, "name"));
		const char *image = json_cstr(json_get(item, "imageUri"));
		struct json *c = containers;

		if (!name || !image || !*image) {
			problem_add(p, "target.ecs.images", path,
				    "each item needs a name and an imageUri");
			continue;
		}
		while (c && !str_is(json_text(json_get(c, "name")), name))
			c = c->next;
		if (c)
			set_image(env->arena, c, image);
		else if (containers)
			problem_add(p, "target.ecs.images", name,
				    "the task definition has no container of this name");
	}
}

static bool is_pinned(struct str image)
{
	return image.n && memmem(image.p, image.n, "@sha256:", 8);
}

/* ImageURI of imageDetail.json, by digest where the file has one. */
static const char *image_of(struct arena *a, const struct json *detail)
{
	struct str uri = json_text(json_get(detail, "ImageURI"));
	struct str digest = json_text(json_get(detail, "ImageDigest"));
	const char *slash, *colon;

	if (!uri.n)
		return NULL;
	if (is_pinned(uri) || !str_starts(digest, "sha256:"))
		return str_dup(a, uri);
	/* the tag is behind the last colon of the last part: a port is not */
	slash = memrchr(uri.p, '/', uri.n);
	colon = memrchr(uri.p, ':', uri.n);
	if (colon && (!slash || colon > slash))
		uri = str_sub(uri, 0, (size_t)(colon - uri.p));
	return arena_printf(a, STR_FMT "@" STR_FMT, STR_ARG(uri), STR_ARG(digest));
}

static bool is_placeholder(struct str image)
{
	return image.n > 2 && image.p[0] == '<' && image.p[image.n - 1] == '>';
}

/* Put it where <placeholder> stands; an empty placeholder is any. How many places that were. */
static size_t use_placeholder(const struct target_env *env, const char *placeholder,
			      const char *image, struct json *containers)
{
	size_t n = 0;

	for (struct json *c = containers; c; c = c->next) {
		struct str now = json_text(json_get(c, "image"));

		if (!is_placeholder(now) ||
		    (*placeholder && !str_is(str_sub(now, 1, now.n - 1), placeholder)))
			continue;
		set_image(env->arena, c, image);
		n++;
	}
	return n;
}

static int use_detail(const struct target_env *env, const struct target_artifact *artifact,
		      const char *placeholder, const char *path, struct json *containers,
		      struct problems *p, struct err *err)
{
	const char *place = "target.ecs.image_details", *image;
	struct json *detail;

	if (read_json(env, artifact, path, "imageDetail.json", place, &detail, p, err))
		return -1;
	if (!detail)
		return 0;
	image = image_of(env->arena, detail);
	if (!image)
		problem_add(p, place, path ? path : "imageDetail.json", "it has no ImageURI");
	else if (!use_placeholder(env, placeholder, image, containers) && *placeholder)
		problem_add(p, place, placeholder,
			    "no container of the task definition has the image <%s>", placeholder);
	return 0;
}

/* How many different placeholders there are still. */
static size_t count_placeholders(struct json *containers)
{
	size_t n = 0;

	for (struct json *c = containers; c; c = c->next) {
		struct str image = json_text(json_get(c, "image"));
		struct json *same = containers;

		if (!is_placeholder(image))
			continue;
		while (same != c && !str_eq(json_text(json_get(same, "image")), image))
			same = same->next;
		n += same == c;
	}
	return n;
}

static int use_details(const struct target_env *env, const struct target_artifact *artifact,
		       struct json *containers, struct problems *p, struct err *err)
{
	const struct plan_ecs *e = &env->plan->target.ecs;

	for (size_t i = 0; i < e->n_image_details; i++)
		if (use_detail(env, artifact, e->image_details[i].placeholder,
			       e->image_details[i].path, containers, p, err))
			return -1;
	/* the usual file is for the only placeholder there is */
	if (e->n_image_details || count_placeholders(containers) != 1)
		return 0;
	return use_detail(env, artifact, "", NULL, containers, p, err);
}

static void check_images(struct json *containers, struct ecs_definition *out, struct problems *p)
{
	out->pinned = true;
	for (struct json *c = containers; c; c = c->next) {
		struct str image = json_text(json_get(c, "image"));
		const char *name = json_cstr(json_get(c, "name"));

		if (!image.n || is_placeholder(image)) {
			problem_add(p, "task definition", name ? name : "a container",
				    "no image takes the place of %s; write it in image_details, "
				    "or in imagedefinitions.json under the container's name",
				    image.n ? image.p : "none");
		} else if (!is_pinned(image)) {
			out->pinned = false;
			problem_warn(p, "task definition", image.p,
				     "the image is named by a tag: what starts later, and what "
				     "is gone back to, is whatever the tag means then; name it "
				     "by digest (@sha256:...)");
		}
	}
}

/* --- the definition --------------------------------------------------------------------------- */

/* A tree of our own, to be changed. */
static int copy(const struct target_env *env, const struct json *from, struct json **to,
		struct err *err)
{
	struct json_out o;
	struct buf b;
	int rc;

	buf_init(&b, 2 * FILE_MOST);
	json_out_init(&o, &b);
	json_out_node(&o, from);
	rc = buf_check(&b, "task definition", err);
	if (!rc)
		rc = json_parse(env->arena, buf_str(&b), to, err);
	buf_release(&b);
	return rc;
}

static void check_family(const struct json *definition, const struct ecs_task_definition *baseline,
			 struct problems *p)
{
	const char *family = json_cstr(json_get(definition, "family"));

	if (definition->type != JSON_OBJECT || !family || !*family)
		problem_add(p, "task definition", NULL, "it has no family");
	else if (baseline && strcmp(family, baseline->family) != 0)
		problem_warn(p, "task definition", family,
			     "the service runs the family %s; it goes on with this one",
			     baseline->family);
}

int ecs_definition_read(const struct target_env *env, const struct ecs_task_definition *baseline,
			struct ecs_definition *out, struct problems *p, struct err *err)
{
	const struct plan_ecs *e = &env->plan->target.ecs;
	const struct target_artifact *artifact;
	struct json *definition, *images, *containers;
	size_t before = p->n_errors;

	*out = (struct ecs_definition){0};
	if (target_artifact_get(env, &artifact, err) ||
	    read_json(env, artifact, e->task_definition, "taskdef.json",
		      "target.ecs.task_definition", &definition, p, err) ||
	    read_json(env, artifact, e->images, "imagedefinitions.json", "target.ecs.images",
		      &images, p, err))
		return -1;
	if (p->n_errors > before)
		return 0;
	if (!definition && !images) {
		problem_add(p, "input artifact", artifact->key,
			    "it has neither taskdef.json nor imagedefinitions.json: there is "
			    "nothing to deploy");
		return 0;
	}
	if (!definition && !baseline) {
		use_images(env, images, e->images ? e->images : "imagedefinitions.json", NULL, p);
		return 0;
	}
	if (!definition && copy(env, baseline->raw, &definition, err))
		return -1;
	out->json = definition;
	check_family(definition, baseline, p);
	containers = containers_of(definition, "task definition", p);
	if (!containers)
		return 0;
	if (images)
		use_images(env, images, e->images ? e->images : "imagedefinitions.json", containers,
			   p);
	if (use_details(env, artifact, containers, p, err))
		return -1;
	check_images(containers, out, p);
	return 0;
}

int ecs_definition_check(const struct target_env *env, struct problems *p, struct err *err)
{
	struct ecs_definition d;

	return ecs_definition_read(env, NULL, &d, p, err);
}

/* --- is it the same? -------------------------------------------------------------------------- */

static bool is_empty(const struct json *n)
{
	double v;

	switch (n->type) {
	case JSON_NULL:
		return true;
	case JSON_BOOL:
		return !n->boolean;
	case JSON_NUMBER:
		return json_double(n, &v) && v >= 0 && v <= 0;
	case JSON_STRING:
		return n->text.n == 0;
	case JSON_ARRAY:
	case JSON_OBJECT:
		return n->n == 0;
	}
	return false;
}

/* What ECS fills in where people say nothing. */
static bool is_filled_in(const struct json *n, const struct json *object)
{
	if (str_is(n->key, "essential"))
		return n->type == JSON_BOOL && n->boolean;
	if (is_empty(n) || ecs_task_definition_is_read_only(n->key) || str_is(n->key, "tags"))
		return true;
	if (str_is(n->key, "protocol"))
		return str_is(json_text(n), "tcp");
	if (str_is(n->key, "hostPort")) {
		const struct json *port = json_get(object, "containerPort");

		return port && str_eq(port->text, n->text);
	}
	return false;
}

static bool same_scalar(const struct json *a, const struct json *b)
{
	double x, y;

	if (a->type != b->type)
		return false;
	if (a->type == JSON_BOOL)
		return a->boolean == b->boolean;
	if (a->type == JSON_NUMBER && json_double(a, &x) && json_double(b, &y))
		return x >= y && x <= y;
	return str_eq(a->text, b->text);
}

/* Recurses over the depth of documents that were parsed: LIMIT_DOC_DEPTH. */
bool ecs_definition_same(const struct json *a, const struct json *b)
{
	if (a->type == JSON_ARRAY && b->type == JSON_ARRAY) {
		const struct json *y = b->first;

		if (a->n != b->n)
			return false;
		for (const struct json *x = a->first; x; x = x->next, y = y->next)
			if (!ecs_definition_same(x, y))
				return false;
		return true;
	}
	if (a->type != JSON_OBJECT || b->type != JSON_OBJECT)
		return same_scalar(a, b);
	json_each(x, a) {
		const struct json *y = json_get(b, x->key.p);
		bool nothing = is_empty(x) && !str_is(x->key, "essential");

		if (ecs_task_definition_is_read_only(x->key) || str_is(x->key, "tags"))
			continue;
		if (y ? !(nothing && is_empty(y)) && !ecs_definition_same(x, y) : !nothing)
			return false;
	}
	json_each(y, b)
		if (!json_get(a, y->key.p) && !is_filled_in(y, b))
			return false;
	return true;
}

/* --- registering ------------------------------------------------------------------------------ */

static bool is_of(const struct ecs_task_definition *d, const struct rollout_state *s)
{
	const char *id = ecs_tag_get(d->tags, d->n_tags, ECS_ROLLOUT_TAG);

	return id && !strcmp(id, s->id) && d->status && !strcmp(d->status, "ACTIVE");
}

/* The revision this rollout has registered; *name stays NULL when there is none. */
static int find_registered(const struct target_env *env, const struct rollout_state *s,
			   const char *family, const char **name, struct err *err)
{
	struct ecs_task_definition d;
	int64_t newest = 0;

	for (int64_t back = 0; back < LOOK_BACK && (back == 0 || newest - back >= 1); back++) {
		const char *which =
			arena_printf(env->arena, "%s:%lld", family, (long long)(newest - back));
		struct err missing = ERR_INIT;

		if (ecs_describe_task_definition(&env->client, back ? which : family, env->arena,
						 &d, &missing)) {
			if (missing.code != ERR_NOT_FOUND) {
				*err = missing;
				return -1;
			}
			if (back == 0)
				return 0;
			continue;
		}
		if (is_of(&d, s)) {
			*name = ecs_definition_name(d.arn);
			return 0;
		}
		if (back == 0)
			newest = d.revision;
	}
	return 0;
}

static int refuse(const struct problems *p, struct err *err)
{
	const struct problem *first = p->first;

	while (first && first->is_warning)
		first = first->next;
	return err_set(err, ERR_REJECTED, "%s", first ? first->text : "the task definition");
}

int ecs_definition_register(const struct target_env *env, const struct rollout_state *s,
			    const char *baseline, const char **name, struct err *err)
{
	const struct ecs_tag tag = {ECS_ROLLOUT_TAG, s->id};
	struct ecs_task_definition serving, registered;
	struct ecs_definition d;
	struct problems p;

	*name = NULL;
	problems_init(&p, env->arena);
	if (ecs_describe_task_definition(&env->client, baseline, env->arena, &serving, err) ||
	    ecs_definition_read(env, &serving, &d, &p, err))
		return -1;
	if (p.n_errors)
		return refuse(&p, err);
	/* a tag may mean another image than the same tag did before */
	if (d.pinned && ecs_definition_same(d.json, serving.raw)) {
		*name = ecs_definition_name(serving.arn);
		return 0;
	}
	if (find_registered(env, s, json_cstr(json_get(d.json, "family")), name, err))
		return -1;
	if (*name)
		return 0;
	if (ecs_register_task_definition(&env->client, d.json, &tag, 1, env->arena, &registered,
					 err))
		return -1;
	*name = ecs_definition_name(registered.arn);
	return 0;
}
