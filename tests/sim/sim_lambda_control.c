#include "tests/sim/sim_lambda.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Control of the simulated Lambda: functions as tests want them, and what other people do to them
 * while a rollout is under way. The commands are described in tests/sim/README-services.md.
 */

#define CODE_MAX (50u << 20)

/* The value itself, or the content of the file after '@'. */
static int read_code(struct str value, struct buf *out, struct err *err)
{
	char path[4096], piece[4096];
	size_t n;
	FILE *fp;
	if (!str_starts(value, "@")) {
		buf_add_str(out, value);
		return 0;
	}
	if (!str_copy(path, sizeof(path), str_sub(value, 1, value.n)))
		return err_set(err, ERR_LIMIT, "code: path is too long");
	fp = fopen(path, "rb");
	if (!fp)
		return err_set_sys(err, ERR_SYSTEM, errno, "open %s", path);
	while ((n = fread(piece, 1, sizeof(piece), fp)) > 0)
		buf_add(out, piece, n);
	bool failed = ferror(fp) != 0;
	fclose(fp);
	if (failed)
		return err_set(err, ERR_SYSTEM, "read %s", path);
	return buf_check(out, path, err);
}

static int get_ms(const struct sim_words *w, const char *key, int64_t *out, struct err *err)
{
	if (sim_word_value(w, key).n && !sim_word_ms(w, key, out))
		return err_set(err, ERR_REJECTED, "%s: not a duration", key);
	return 0;
}

static int get_rps(const struct sim_words *w, double *out, struct err *err)
{
	double v;
	if (!sim_word_value(w, "rps").n)
		return 0;
	if (!sim_word_double(w, "rps", &v) || v < 0 || v > 1e6)
		return err_set(err, ERR_REJECTED, "rps: must be 0 to 1000000");
	*out = v;
	return 0;
}

/* --- overrides ----------------------------------------------------------------------------- */

void sim_version_override(struct sim_function *f, struct sim_version *v)
{
	for (size_t i = 0; i < f->n_overrides; i++) {
		struct str rest = str_from(f->overrides[i].words), value, key;
		if (f->overrides[i].number != v->number)
			continue;
		/* words were checked when they were given; '\n' separates them */
		while (str_next(&rest, '\n', &value)) {
			struct err checked = ERR_INIT;
			if (!str_next(&value, '=', &key) ||
			    sim_behaviour_set(&v->does, key, value, &checked))
				continue;
		}
	}
}

static int add_override(struct sim_function *f, int64_t number, const struct sim_words *w,
			struct err *err)
{
	struct sim_behaviour probe = {.errors = 0};
	struct sim_version *v = sim_version_find(f, number);
	struct buf b;
	if (sim_behaviour_words(&probe, w, err))
		return -1;
	buf_init(&b, 64u << 10);
	for (size_t i = 4; i < w->n; i++) {
		buf_add_str(&b, sim_word(w, i));
		buf_addc(&b, '\n');
	}
	f->overrides = xrealloc(f->overrides, (f->n_overrides + 1) * sizeof(*f->overrides));
	f->overrides[f->n_overrides++] = (struct sim_override){number, buf_take(&b)};
	if (v)
		sim_version_override(f, v);
	return 0;
}

/* --- show ---------------------------------------------------------------------------------- */

static void show_version(struct json_out *o, const struct sim_version *v, struct utc now)
{
	char label[24];
	sim_version_label(v->number, label);
	json_out_object(o);
	json_member_cstr(o, "version", label);
	json_member_cstr(o, "state", sim_version_state(v, now));
	json_member_cstr(o, "codeSha256", v->sha);
	json_member_double(o, "errorRate", v->does.errors);
	json_member_double(o, "latencyMs", v->does.latency_ms);
	json_member_i64(o, "requests", (int64_t)v->requests);
	json_member_i64(o, "errors", (int64_t)v->errors);
	json_member_i64(o, "provisioned", v->provisioned.requested);
	json_out_end(o);
}

static void show(struct json_out *o, const struct sim_function *f, struct utc now)
{
	json_out_object(o);
	json_member_cstr(o, "name", f->name);
	json_member_cstr(o, "arn", f->arn);
	json_member_bool(o, "updating", f->updating);
	json_out_key(o, "versions");
	json_out_array(o);
	for (size_t i = 0; i < f->n_versions; i++)
		show_version(o, &f->versions[i], now);
	json_out_end(o);
	json_out_key(o, "aliases");
	json_out_array(o);
	for (size_t i = 0; i < f->n_aliases; i++) {
		const struct sim_alias *a = &f->aliases[i];
		json_out_object(o);
		json_member_cstr(o, "name", a->name);
		json_member_i64(o, "version", a->version);
		json_member_i64(o, "additional", a->additional);
		json_member_double(o, "weight", a->weight);
		json_member_double(o, "rps", a->rps);
		json_member_cstr(o, "revision", a->revision);
		json_out_end(o);
	}
	json_out_end(o);
	sim_lambda_show_policy(o, f);
	json_out_end(o);
}

/* --- commands ------------------------------------------------------------------------------ */

static struct sim_function *new_function(struct sim *s, const char *name)
{
	struct sim_function *f = xcalloc(1, sizeof(*f));
	struct sim_version *latest = xcalloc(1, sizeof(*latest));
	(void)str_copy(f->name, sizeof(f->name), str_from(name));
	snprintf(f->arn, sizeof(f->arn),
		 "arn:aws:lambda:" SIM_REGION ":" SIM_ACCOUNT ":function:%s", f->name);
	f->versions = latest;
	f->n_versions = 1;
	f->next_number = 1;
	f->update_ms = 2000;
	f->publish_ms = 3000;
	f->provision_ms = 60000;
	f->defaults.latency_ms = 20;
	(void)str_copy(latest->role, sizeof(latest->role),
		       STR("arn:aws:iam::" SIM_ACCOUNT ":role/lambda"));
	latest->memory_mb = 128;
	latest->timeout_s = 3;
	latest->modified = sim_now(s);
	rng_uuid(sim_dice(s), latest->revision);
	return f;
}

static int set_function(struct sim_function *f, const struct sim_words *w, struct err *err)
{
	struct str update = sim_word_value(w, "update"), role = sim_word_value(w, "role");
	if (sim_behaviour_words(&f->defaults, w, err) ||
	    get_ms(w, "update_ms", &f->update_ms, err) ||
	    get_ms(w, "publish_ms", &f->publish_ms, err) ||
	    get_ms(w, "provision_ms", &f->provision_ms, err))
		return -1;
	if (update.n && !str_is(update, "fail") && !str_is(update, "ok"))
		return err_set(err, ERR_REJECTED, "update=" STR_FMT ": must be ok or fail",
			       STR_ARG(update));
	f->update_fails = update.n ? str_is(update, "fail") : f->update_fails;
	if (role.n)
		(void)str_copy(f->versions[0].role, sizeof(f->versions[0].role), role);
	return 0;
}

static struct sim_alias *make_alias(struct sim *s, struct sim_function *f, struct str name)
{
	struct sim_alias *a;
	f->aliases = xrealloc(f->aliases, (f->n_aliases + 1) * sizeof(*f->aliases));
	a = &f->aliases[f->n_aliases++];
	*a = (struct sim_alias){.version = f->versions[f->n_versions - 1].number};
	(void)str_copy(a->name, sizeof(a->name), name);
	rng_uuid(sim_dice(s), a->revision);
	return a;
}

/* Code given by control is published at once and is Active at once. */
static struct sim_version *publish_now(struct sim *s, struct sim_function *f)
{
	struct sim_version *v = sim_function_publish(s, f, STR(""), sim_now(s));
	v->active_at = sim_now(s);
	return v;
}

static int load_code(struct sim_function *f, const struct sim_words *w, struct err *err)
{
	struct buf code;
	buf_init(&code, CODE_MAX);
	if (read_code(sim_word_value(w, "code"), &code, err)) {
		buf_release(&code);
		return -1;
	}
	sim_function_set_code(f, buf_str(&code));
	buf_release(&code);
	return 0;
}

/* lambda function NAME code=... alias=live rps=50 ...: made anew, or its settings changed */
static int do_function(struct sim *s, struct sim_lambda_state *l, const struct sim_words *w,
		       struct err *err)
{
	struct str name = sim_word(w, 2), alias = sim_word_value(w, "alias");
	struct sim_function *f = sim_function_find(l, name);
	double rps = 0;
	char text[80];
	if (f)
		return set_function(f, w, err);
	if (!name.n || name.n > 64 || !str_copy(text, sizeof(text), name))
		return err_set(err, ERR_REJECTED, "function: a name of 1 to 64 bytes is missing");
	if (get_rps(w, &rps, err))
		return -1;
	f = new_function(s, text);
	if (set_function(f, w, err) || load_code(f, w, err)) {
		sim_function_free(f);
		return -1;
	}
	f->next = l->functions;
	l->functions = f;
	(void)publish_now(s, f);
	if (alias.n)
		make_alias(s, f, alias)->rps = rps;
	return 0;
}

static int set_alias(struct sim *s, struct sim_function *f, const struct sim_words *w,
		     struct err *err)
{
	struct sim_alias *a, next;
	struct str name = sim_word(w, 3);
	char text[130];
	if (!name.n || !str_copy(text, sizeof(text), name))
		return err_set(err, ERR_REJECTED, "alias: a name is missing");
	a = sim_alias_find(f, text);
	next = a ? *a : (struct sim_alias){.version = f->versions[f->n_versions - 1].number};
	if (get_rps(w, &next.rps, err))
		return -1;
	if (sim_word_value(w, "version").n && !sim_word_i64(w, "version", &next.version))
		return err_set(err, ERR_REJECTED, "version: not a number");
	if (sim_word_value(w, "additional").n && !sim_word_i64(w, "additional", &next.additional))
		return err_set(err, ERR_REJECTED, "additional: not a number");
	if (!sim_word_double(w, "weight", &next.weight) && sim_word_value(w, "weight").n)
		return err_set(err, ERR_REJECTED, "weight: not a number");
	if (!next.additional)
		next.weight = 0;
	if (!sim_version_find(f, next.version) || next.weight < 0 || next.weight > 1 ||
	    (next.additional && !sim_version_find(f, next.additional)))
		return err_set(err, ERR_REJECTED, "alias: no such version, or weight not 0 to 1");
	if (!a) {
		a = make_alias(s, f, name);
		memcpy(next.name, a->name, sizeof(next.name));
		memcpy(next.revision, a->revision, sizeof(next.revision));
	}
	bool moved = next.version != a->version || next.additional != a->additional ||
		     next.weight > a->weight || next.weight < a->weight;
	*a = next;
	if (moved) {
		rng_uuid(sim_dice(s), a->revision);
		sim_alias_record(s, f, a);
	}
	return 0;
}

/* lambda delete-alias NAME ALIAS: somebody removes it */
static int delete_alias(struct sim_function *f, const struct sim_words *w, struct err *err)
{
	char name[130];
	(void)str_copy(name, sizeof(name), sim_word(w, 3));
	if (sim_alias_remove(f, name))
		return 0;
	return err_set(err, ERR_NOT_FOUND, "delete-alias: no alias '%s'", name);
}

static int set_version(struct sim_function *f, const struct sim_words *w, struct err *err)
{
	int64_t number;
	if (!sim_version_parse(sim_word(w, 3), &number))
		return err_set(err, ERR_REJECTED, "version: '" STR_FMT "' is not a version",
			       STR_ARG(sim_word(w, 3)));
	return add_override(f, number, w, err);
}

/* lambda provision NAME QUALIFIER n=5 status=READY|FAILED */
static int set_provisioned(struct sim *s, struct sim_function *f, const struct sim_words *w,
			   struct err *err)
{
	struct str status = sim_word_value(w, "status");
	char name[130];
	int64_t number;
	struct sim_provisioned *p = NULL;
	(void)str_copy(name, sizeof(name), sim_word(w, 3));
	if (sim_version_parse(sim_word(w, 3), &number))
		p = sim_version_find(f, number) ? &sim_version_find(f, number)->provisioned : NULL;
	else if (sim_alias_find(f, name))
		p = &sim_alias_find(f, name)->provisioned;
	if (!p)
		return err_set(err, ERR_NOT_FOUND, "provision: no version or alias '%s'", name);
	if (sim_word_value(w, "n").n && !sim_word_i64(w, "n", &p->requested))
		return err_set(err, ERR_REJECTED, "n: not a number");
	if (status.n && !str_is(status, "READY") && !str_is(status, "FAILED"))
		return err_set(err, ERR_REJECTED, "status: must be READY or FAILED");
	p->fails = str_is(status, "FAILED");
	p->set = p->ready_at = sim_now(s);
	return 0;
}

/* lambda publish NAME code=...: somebody else publishes a version */
static int do_publish(struct sim *s, struct sim_function *f, const struct sim_words *w,
		      struct err *err)
{
	if (sim_word_value(w, "code").n && load_code(f, w, err))
		return -1;
	f->versions[0].modified = sim_now(s);
	rng_uuid(sim_dice(s), f->versions[0].revision);
	(void)publish_now(s, f);
	return 0;
}

int sim_lambda_control(struct sim *s, void *state, const struct sim_words *w, struct json_out *out,
		       struct err *err)
{
	struct sim_lambda_state *l = state;
	struct str verb = sim_word(w, 1);
	struct sim_function *f;
	int rc;
	if (str_is(verb, "function")) {
		rc = do_function(s, l, w, err);
	} else {
		f = sim_function_find(l, sim_word(w, 2));
		if (!f)
			return err_set(err, ERR_NOT_FOUND,
				       "lambda " STR_FMT ": no function '" STR_FMT "'",
				       STR_ARG(verb), STR_ARG(sim_word(w, 2)));
		if (str_is(verb, "version"))
			rc = set_version(f, w, err);
		else if (str_is(verb, "alias"))
			rc = set_alias(s, f, w, err);
		else if (str_is(verb, "provision"))
			rc = set_provisioned(s, f, w, err);
		else if (str_is(verb, "publish"))
			rc = do_publish(s, f, w, err);
		else if (str_is(verb, "caller"))
			rc = sim_lambda_caller(f, w, err);
		else if (str_is(verb, "delete-alias"))
			rc = delete_alias(f, w, err);
		else if (str_is(verb, "show"))
			rc = 0;
		else
			rc = err_set(err, ERR_REJECTED, "lambda: no command '" STR_FMT "'",
				     STR_ARG(verb));
	}
	if (rc)
		return -1;
	f = sim_function_find(l, sim_word(w, 2));
	show(out, f, sim_now(s));
	return 0;
}
