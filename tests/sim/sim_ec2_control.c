#include <stdio.h>
#include <stdlib.h>

#include "aws/core/digest.h"
#include "tests/sim/sim_ec2.h"

/*
 * Control of the simulated EC2: launch templates as tests want them, what the code of an image
 * does, launches that fail, and what happens to instances by hand. See tests/sim/README.md.
 */

/* "sim: errors=0.4 health=unhealthy\n" out of the behaviour words of a line. */
static int words_of(const struct sim_words *w, char **out, struct err *err)
{
	static const char *const keys[] = {"errors", "latency_ms", "smoke", "state", "health"};
	struct sim_behaviour probe = {.errors = 0};
	struct buf b;
	if (sim_behaviour_words(&probe, w, err))
		return -1;
	buf_init(&b, 4096);
	buf_adds(&b, "sim:");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct str v = sim_word_value(w, keys[i]);
		if (v.n)
			buf_addf(&b, " %s=" STR_FMT, keys[i], STR_ARG(v));
	}
	buf_addc(&b, '\n');
	*out = buf_take(&b);
	return 0;
}

static int get_bool(const struct sim_words *w, const char *key, bool *out, struct err *err)
{
	if (sim_word_value(w, key).n && !sim_word_bool(w, key, out))
		return err_set(err, ERR_REJECTED, "%s: must be true or false", key);
	return 0;
}

/* --- launch templates ---------------------------------------------------------------------- */

static void set_data(struct sim_lt_version *v, const char *name, const char *tag, struct str value)
{
	struct buf b;
	if (!value.n)
		return;
	buf_init(&b, 64u << 10);
	sim_xml_text(&b, tag, value);
	sim_field_set(&v->data, name, buf_take(&b));
}

/* ec2 template NAME image=ami-1 [type=t3.small] [user_data=TEXT] [default=true] */
static int do_template(struct sim *s, struct sim_ec2_state *e, const struct sim_words *w,
		       struct sim_lt **out, struct err *err)
{
	struct str name = sim_word(w, 2), image = sim_word_value(w, "image"),
		   type = sim_word_value(w, "type"), user_data = sim_word_value(w, "user_data");
	bool is_default = false;
	struct sim_lt_version *v;
	struct buf b;
	*out = sim_lt_find(s, name);
	if (name.n < 3 || name.n > 128)
		return err_set(err, ERR_REJECTED, "template: a name of 3 to 128 bytes is missing");
	if (!image.n || image.n >= sizeof(v->image))
		return err_set(err, ERR_REJECTED, "template: image is missing");
	if (get_bool(w, "default", &is_default, err))
		return -1;
	if (!*out)
		*out = sim_lt_new(e, name, sim_now(s));
	v = sim_lt_version_new(*out, sim_now(s));
	(void)str_copy(v->image, sizeof(v->image), image);
	(void)str_copy(v->type, sizeof(v->type), type.n ? type : STR("t3.small"));
	set_data(v, "ImageId", "imageId", image);
	set_data(v, "InstanceType", "instanceType", str_from(v->type));
	if (user_data.n) {
		buf_init(&b, 64u << 10);
		base64_encode(&b, user_data.p, user_data.n);
		v->user_data = buf_take(&b);
		set_data(v, "UserData", "userData", str_from(v->user_data));
	}
	if (is_default)
		(*out)->default_version = v->number;
	return 0;
}

static void show_template(struct json_out *o, const struct sim_lt *lt)
{
	json_out_object(o);
	json_member_cstr(o, "id", lt->id);
	json_member_cstr(o, "name", lt->name);
	json_member_i64(o, "default", lt->default_version);
	json_member_i64(o, "latest", lt->latest);
	json_out_key(o, "versions");
	json_out_array(o);
	for (size_t i = 0; i < lt->n_versions; i++) {
		const struct sim_lt_version *v = &lt->versions[i];
		if (v->deleted)
			continue;
		json_out_object(o);
		json_member_i64(o, "number", v->number);
		json_member_cstr(o, "image", v->image);
		json_member_cstr(o, "description", v->description);
		json_member_bool(o, "userData", v->user_data != NULL);
		json_out_end(o);
	}
	json_out_end(o);
	json_out_end(o);
}

/* --- images and launches ------------------------------------------------------------------- */

/* ec2 image ID errors=0.4 ... [missing=true] [launch_error=CODE|none] */
static int do_image(struct sim_ec2_state *e, const struct sim_words *w, struct err *err)
{
	struct str id = sim_word(w, 2), fails = sim_word_value(w, "launch_error");
	struct sim_image *image;
	bool missing = false;
	char *words;
	if (!id.n || id.n >= sizeof(image->id))
		return err_set(err, ERR_REJECTED, "image: an id is missing");
	if (fails.n >= sizeof(image->launch_error))
		return err_set(err, ERR_REJECTED, "launch_error: too long");
	if (get_bool(w, "missing", &missing, err) || words_of(w, &words, err))
		return -1;
	image = sim_image_get(e, id, true);
	free(image->words);
	image->words = words;
	image->missing = missing;
	if (fails.n)
		(void)str_copy(image->launch_error, sizeof(image->launch_error),
			       str_is(fails, "none") ? STR("") : fails);
	for (struct sim_instance *i = e->instances; i; i = i->next)
		if (strcmp(i->image, image->id) == 0)
			sim_instance_refresh(e, i);
	return 0;
}

/* ec2 launches [error=CODE|none] [n=3] [start_ms=10000] [visible_ms=2000] */
static int do_launches(struct sim_ec2_state *e, const struct sim_words *w, struct err *err)
{
	struct str error = sim_word_value(w, "error");
	int64_t n = -1;
	if ((sim_word_value(w, "n").n && (!sim_word_i64(w, "n", &n) || n < 1)) ||
	    error.n >= sizeof(e->launch_error))
		return err_set(err, ERR_REJECTED, "launches: error=CODE and n=1 or more");
	if ((sim_word_value(w, "start_ms").n && !sim_word_ms(w, "start_ms", &e->start_ms)) ||
	    (sim_word_value(w, "visible_ms").n && !sim_word_ms(w, "visible_ms", &e->visible_ms)))
		return err_set(err, ERR_REJECTED, "launches: not a duration");
	if (error.n) {
		(void)str_copy(e->launch_error, sizeof(e->launch_error),
			       str_is(error, "none") ? STR("") : error);
		e->launch_errors = n;
	}
	return 0;
}

/* --- instances ----------------------------------------------------------------------------- */

/* ec2 instance ID errors=... [agent=lost|online]; ec2 terminate ID */
static int do_instance(struct sim *s, const struct sim_words *w, struct err *err)
{
	struct sim_instance *i = sim_ec2_instance(s, sim_word(w, 2));
	struct str agent = sim_word_value(w, "agent");
	char *words;
	if (!i)
		return err_set(err, ERR_NOT_FOUND, "ec2: no instance '" STR_FMT "'",
			       STR_ARG(sim_word(w, 2)));
	if (str_is(sim_word(w, 1), "terminate")) {
		sim_ec2_terminate(s, i);
		return 0;
	}
	if (agent.n && !str_is(agent, "lost") && !str_is(agent, "online"))
		return err_set(err, ERR_REJECTED, "agent: must be lost or online");
	if (words_of(w, &words, err))
		return -1;
	if (agent.n)
		i->agent_lost = str_is(agent, "lost");
	sim_instance_apply(s, i, str_from(words));
	free(words);
	return 0;
}

static void show_instance(struct json_out *o, const struct sim_instance *i, struct utc now)
{
	json_out_object(o);
	json_member_cstr(o, "id", i->id);
	json_member_cstr(o, "image", i->image);
	json_member_cstr(o, "type", i->type);
	json_member_cstr(o, "state", sim_instance_state(i, now));
	json_member_cstr(o, "template", i->template_name);
	json_member_i64(o, "version", i->template_version);
	json_member_double(o, "errorRate", i->does.errors);
	json_member_double(o, "latencyMs", i->does.latency_ms);
	json_member_bool(o, "healthy", !i->does.unhealthy);
	json_out_end(o);
}

int sim_ec2_control(struct sim *s, void *state, const struct sim_words *w, struct json_out *out,
		    struct err *err)
{
	struct sim_ec2_state *e = state;
	struct str verb = sim_word(w, 1), what = sim_word(w, 2);
	struct sim_lt *lt = NULL;
	const struct sim_instance *i;
	int rc = 0;
	if (str_is(verb, "template"))
		rc = do_template(s, e, w, &lt, err);
	else if (str_is(verb, "image"))
		rc = do_image(e, w, err);
	else if (str_is(verb, "launches"))
		rc = do_launches(e, w, err);
	else if (str_is(verb, "instance") || str_is(verb, "terminate"))
		rc = do_instance(s, w, err);
	else if (!str_is(verb, "show"))
		rc = err_set(err, ERR_REJECTED, "ec2: no command '" STR_FMT "'", STR_ARG(verb));
	if (rc)
		return -1;
	if (!lt)
		lt = sim_lt_find(s, what);
	i = sim_ec2_instance(s, what);
	if (lt) {
		show_template(out, lt);
	} else if (i) {
		show_instance(out, i, sim_now(s));
	} else if (str_is(verb, "show")) {
		return err_set(err, ERR_NOT_FOUND, "ec2: nothing is called '" STR_FMT "'",
			       STR_ARG(what));
	} else {
		json_out_object(out);
		json_out_end(out);
	}
	return 0;
}
