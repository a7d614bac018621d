#include "tests/sim/sim_beanstalk.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * Control of the simulated Elastic Beanstalk: environments that are there at once, what people and
 * AWS do to them meanwhile, and how operations go. The commands are described in README.md.
 */

#define CODE_MAX (64u << 20)
#define ASG "aws:autoscaling:asg"
#define ENVIRONMENT "aws:elasticbeanstalk:environment"

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

static int read_code(struct str text, struct buf *out, struct err *err)
{
	char name[4096], piece[65536];
	FILE *f;
	size_t n;
	if (!text.n || text.p[0] != '@') {
		buf_add_str(out, text);
		return 0;
	}
	if (!str_copy(name, sizeof(name), str_sub(text, 1, text.n)))
		return err_set(err, ERR_REJECTED, "code: the file's name is too long");
	f = fopen(name, "rb");
	if (!f)
		return err_set(err, ERR_NOT_FOUND, "code: file '%s' cannot be read", name);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(out, piece, n);
	fclose(f);
	return buf_check(out, name, err);
}

/* --- versions ------------------------------------------------------------------------------- */

/* beanstalk version APP LABEL code=... errors=...: there at once, processed */
static int do_version(struct sim *s, struct sim_eb_state *b, const struct sim_words *w,
		      struct err *err)
{
	struct str app = sim_word(w, 2), label = sim_word(w, 3);
	struct sim_eb_version *v = sim_eb_version_find(b, app, label);
	struct buf code;
	if (!app.n || app.n > 100 || !label.n || label.n > 100)
		return err_set(err, ERR_REJECTED, "version: wants an application and a label");
	(void)sim_eb_app_make(b, app, sim_now(s));
	if (!v)
		v = sim_eb_version_new(b, app, label, sim_now(s));
	buf_init(&code, CODE_MAX);
	if (read_code(sim_word_value(w, "code"), &code, err)) {
		buf_release(&code);
		return -1;
	}
	sim_behaviour_code(&v->does, buf_str(&code));
	buf_release(&code);
	if (!v->bucket[0]) {
		(void)str_copy(v->bucket, sizeof(v->bucket), STR(EB_STORAGE));
		snprintf(v->key, sizeof(v->key), "%s/%s.zip", v->app, v->label);
	}
	if (sim_behaviour_words(&v->does, w, err))
		return -1;
	for (struct sim_eb_environment *e = b->environments; e; e = e->next)
		for (size_t i = 0; i < e->n_instances; i++)
			if (strcmp(e->instances[i].label, v->label) == 0 &&
			    strcmp(e->app, v->app) == 0) {
				e->instances[i].does = v->does;
				if (e->instances[i].target)
					sim_eb_instance_target(s, e, &e->instances[i], true);
			}
	return 0;
}

/* --- environments --------------------------------------------------------------------------- */

/* "option.NAMESPACE/NAME=VALUE" and "tag.KEY=VALUE". */
static int set_prefixed(struct sim_eb_environment *e, const struct sim_words *w, struct err *err)
{
	for (size_t i = 3; i < w->n; i++) {
		struct str value = w->word[i], key;
		size_t slash;
		if (str_starts(value, "tag.") && str_next(&value, '=', &key)) {
			sim_eb_tag_set(&e->tags, str_sub(key, 4, key.n), value);
			continue;
		}
		if (!str_starts(value, "option.") || !str_next(&value, '=', &key))
			continue;
		key = str_sub(key, 7, key.n);
		for (slash = key.n; slash > 0 && key.p[slash - 1] != '/';)
			slash--;
		if (!slash)
			return err_set(err, ERR_REJECTED,
				       "option: wants NAMESPACE/NAME, not '" STR_FMT "'",
				       STR_ARG(key));
		sim_eb_option_set(&e->options, str_sub(key, 0, slash - 1),
				  str_sub(key, slash, key.n), value, STR(""));
	}
	return 0;
}

static void set_option(struct sim_eb_environment *e, const struct sim_words *w, const char *key,
		       const char *ns, const char *name)
{
	struct str v = sim_word_value(w, key);
	if (v.n)
		sim_eb_option_set(&e->options, str_from(ns), str_from(name), v, STR(""));
}

/* Words that stand for options. */
static int set_options(struct sim_eb_environment *e, const struct sim_words *w, struct err *err)
{
	struct str type = sim_word_value(w, "type"), shared = sim_word_value(w, "shared");
	bool rds = false;
	if (type.n && !str_is(type, "single") && !str_is(type, "application") &&
	    !str_is(type, "network") && !str_is(type, "classic"))
		return err_set(err, ERR_REJECTED,
			       "type: must be single, application, network or classic");
	if (str_is(type, "single"))
		sim_eb_option_set(&e->options, STR(ENVIRONMENT), STR("EnvironmentType"),
				  STR("SingleInstance"), STR(""));
	else if (type.n)
		sim_eb_option_set(&e->options, STR(ENVIRONMENT), STR("LoadBalancerType"), type,
				  STR(""));
	if (shared.n) {
		sim_eb_option_set(&e->options, STR(ENVIRONMENT), STR("LoadBalancerIsShared"),
				  STR("true"), STR(""));
		sim_eb_option_set(&e->options, STR("aws:elbv2:loadbalancer"),
				  STR("SharedLoadBalancer"), shared, STR(""));
	}
	set_option(e, w, "min", ASG, "MinSize");
	set_option(e, w, "max", ASG, "MaxSize");
	set_option(e, w, "policy", "aws:elasticbeanstalk:command", "DeploymentPolicy");
	set_option(e, w, "health", "aws:elasticbeanstalk:healthreporting:system", "SystemType");
	(void)sim_word_bool(w, "rds", &rds);
	if (rds) {
		sim_eb_option_set(&e->options, STR("aws:rds:dbinstance"), STR("DBEngine"),
				  STR("postgres"), STR(""));
		sim_eb_option_set(&e->options, STR("aws:rds:dbinstance"), STR("DBAllocatedStorage"),
				  STR("10"), STR(""));
	}
	return set_prefixed(e, w, err);
}

/* So many instances, now, with the environment's version. */
static void set_instances(struct sim *s, struct sim_eb_state *b, struct sim_eb_environment *e,
			  int64_t n)
{
	const struct sim_eb_version *v =
		sim_eb_version_find(b, str_from(e->app), str_from(e->label));
	while ((int64_t)sim_eb_fleet_count(e, 0) < n) {
		sim_eb_instance_add(s, e, v, 0, EB_DEPLOYED);
		sim_eb_instance_target(s, e, &e->instances[e->n_instances - 1], true);
	}
	sim_eb_fleet_shrink(s, e, 0, (size_t)n);
	(void)sim_elbv2_group_settle(s, str_from(e->fleet[0].group));
}

/* What anybody may change by hand, in place and at once. */
static int change(struct sim *s, struct sim_eb_state *b, struct sim_eb_environment *e,
		  const struct sim_words *w, struct err *err)
{
	struct str label = sim_word_value(w, "version"), cname = sim_word_value(w, "cname");
	int64_t n = (int64_t)sim_eb_fleet_count(e, 0);
	if (sim_word_value(w, "instances").n &&
	    (!sim_word_i64(w, "instances", &n) || n < 0 || n > 1000))
		return err_set(err, ERR_REJECTED, "instances: must be 0 to 1000");
	if (set_options(e, w, err))
		return -1;
	if (label.n) {
		if (!sim_eb_version_find(b, str_from(e->app), label))
			return err_set(err, ERR_NOT_FOUND, "no version '" STR_FMT "' of %s",
				       STR_ARG(label), e->app);
		(void)str_copy(e->label, sizeof(e->label), label);
		e->deployments++;
		for (size_t i = 0; i < e->n_instances; i++)
			sim_eb_instance_deploy(s, e, &e->instances[i], e->label, EB_DEPLOYED);
	}
	set_instances(s, b, e, n);
	if (cname.n)
		snprintf(e->cname, sizeof(e->cname), STR_FMT EB_DOMAIN,
			 STR_ARG(str_sub(cname, 0, 63)));
	sim_eb_record(s, e);
	return 0;
}

static int make(struct sim *s, struct sim_eb_state *b, const struct sim_words *w,
		struct sim_eb_environment **out, struct err *err)
{
	struct str name = sim_word(w, 2), app = sim_word_value(w, "app"),
		   tier = sim_word_value(w, "tier"), label = sim_word_value(w, "version"),
		   cname = sim_word_value(w, "cname");
	struct sim_eb_environment *e;
	int64_t n;
	if (name.n < 4 || name.n > 40 || !app.n || app.n > 100)
		return err_set(err, ERR_REJECTED,
			       "environment: wants a name of 4 to 40 bytes and app=");
	(void)sim_eb_app_make(b, app, sim_now(s));
	e = *out = sim_eb_environment_new(s, b, name, app);
	sim_eb_option_set(&e->options, STR(ENVIRONMENT), STR("EnvironmentType"),
			  STR("LoadBalanced"), STR(""));
	sim_eb_option_set(&e->options, STR(ENVIRONMENT), STR("LoadBalancerType"),
			  STR("application"), STR(""));
	if (set_options(e, w, err))
		return -1;
	sim_eb_options_defaults(&e->options);
	if (str_is(tier, "worker")) {
		(void)str_copy(e->tier, sizeof(e->tier), STR("Worker"));
		(void)str_copy(e->tier_type, sizeof(e->tier_type), STR("SQS/HTTP"));
		e->cname[0] = '\0';
	}
	if (!label.n)
		label = STR("v1");
	if (!sim_eb_version_find(b, app, label)) {
		struct sim_eb_version *v = sim_eb_version_new(b, app, label, sim_now(s));
		(void)str_copy(v->bucket, sizeof(v->bucket), STR(EB_STORAGE));
		snprintf(v->key, sizeof(v->key), "%s/%s.zip", v->app, v->label);
	}
	(void)str_copy(e->label, sizeof(e->label), label);
	e->deployments = 1;
	if (cname.n)
		snprintf(e->cname, sizeof(e->cname), STR_FMT EB_DOMAIN,
			 STR_ARG(str_sub(cname, 0, 63)));
	if (!sim_eb_front_make(s, e))
		return err_set(err, ERR_NOT_FOUND, "environment: no load balancer to share");
	n = sim_eb_option_i64(&e->options, ASG, "MinSize", 1);
	set_instances(s, b, e, sim_eb_is_balanced(&e->options) ? n : 1);
	return 0;
}

/* beanstalk environment NAME app=shop cname=shop-prod version=v1 ...; or changes it by hand */
static int do_environment(struct sim *s, struct sim_eb_state *b, const struct sim_words *w,
			  struct err *err)
{
	struct sim_eb_environment *e = sim_eb_environment_by_name(b, sim_word(w, 2));
	struct sim_eb_cname *c;
	char *dot;
	bool made = false;
	if (!e) {
		if (make(s, b, w, &e, err)) {
			if (e)
				e->status = EB_TERMINATED;
			return -1;
		}
		made = true;
	}
	if (!made || sim_word_value(w, "instances").n) {
		if (change(s, b, e, w, err))
			return -1;
	}
	sim_eb_record(s, e);
	dot = strchr(e->cname, '.');
	if (!dot || !sim_word_value(w, "rps").n)
		return 0;
	c = sim_eb_cname_of(b, (struct str){e->cname, (size_t)(dot - e->cname)});
	return get_rps(w, &c->rps, err);
}

/* --- what people and AWS do ----------------------------------------------------------------- */

static int do_fail(struct sim_eb_environment *e, const struct sim_words *w, struct err *err)
{
	struct str word = sim_word(w, 3);
	for (int k = 0; k < EB_OPERATIONS; k++)
		if (str_is(word, sim_eb_operation_name((enum sim_eb_operation)k))) {
			e->fail_next = (enum sim_eb_operation)k;
			return 0;
		}
	return err_set(err, ERR_REJECTED, "fail: '" STR_FMT "' is no operation", STR_ARG(word));
}

static int do_health(struct sim_eb_environment *e, const struct sim_words *w, struct err *err)
{
	struct str word = sim_word(w, 3);
	if (str_is(word, "auto")) {
		e->forced = EB_HEALTH_AUTO;
		return 0;
	}
	for (int h = 0; h < EB_HEALTH_AUTO; h++)
		if (str_is(word, sim_eb_health_name((enum sim_eb_health)h))) {
			e->forced = (enum sim_eb_health)h;
			return 0;
		}
	return err_set(err, ERR_REJECTED, "health: '" STR_FMT "' is none, nor auto", STR_ARG(word));
}

static int do_managed(struct sim *s, struct sim_eb_environment *e, const struct sim_words *w,
		      struct err *err)
{
	int64_t in = 3600000;
	if (sim_word_value(w, "in").n && !sim_word_ms(w, "in", &in))
		return err_set(err, ERR_REJECTED, "in: not a duration");
	e->managed = (struct sim_eb_managed){.exists = true, .window = {sim_now(s).ms + in}};
	(void)str_copy(e->managed.id, sizeof(e->managed.id), STR("UserInitiated-00000001"));
	return 0;
}

/* An operation that somebody else begins; refused as the API refuses it. */
static int do_operation(struct sim *s, struct sim_eb_state *b, struct sim_eb_environment *e,
			const struct sim_words *w, struct err *err)
{
	struct str verb = sim_word(w, 1), label = sim_word_value(w, "version");
	struct sim_eb_environment *o;
	char id[RNG_UUID_SIZE];
	rng_uuid(sim_dice(s), id);
	if (str_is(verb, "abort")) {
		if (!sim_eb_abortable(e))
			return err_set(err, ERR_REJECTED, "%s has nothing to abort", e->name);
		sim_eb_abort(s, b, e, id);
		return 0;
	}
	if (e->status != EB_READY)
		return err_set(err, ERR_REJECTED, "%s is not Ready", e->name);
	if (str_is(verb, "terminate")) {
		sim_eb_begin(s, e, EB_TERMINATE, id, b->set.terminate);
	} else if (str_is(verb, "swap")) {
		o = sim_eb_environment_by_name(b, sim_word(w, 3));
		if (!o || o->status != EB_READY || o == e)
			return err_set(err, ERR_REJECTED, "swap: wants two that are Ready");
		sim_eb_begin(s, e, EB_SWAP, id, b->set.swap);
		sim_eb_begin(s, o, EB_SWAP, id, b->set.swap);
		memcpy(e->op.other, o->id, sizeof(e->op.other));
	} else if (label.n) {
		if (!sim_eb_version_find(b, str_from(e->app), label))
			return err_set(err, ERR_NOT_FOUND, "update: no such version");
		sim_eb_begin(s, e, EB_DEPLOY, id, 0);
		(void)str_copy(e->op.label, sizeof(e->op.label), label);
		sim_eb_deploy_begin(s, b, e);
	} else {
		sim_eb_begin(s, e, EB_CONFIGURE, id, b->set.config);
		sim_eb_options_copy(&e->op.options, &e->options);
	}
	return 0;
}

/* --- settings ------------------------------------------------------------------------------- */

static int do_set(struct sim_eb_state *b, const struct sim_words *w, struct err *err)
{
	struct sim_eb_settings *t = &b->set;
	const struct {
		const char *key;
		int64_t *ms;
	} times[] = {
		{"launch", &t->launch},	      {"boot", &t->boot},
		{"deploy", &t->deploy},	      {"pass", &t->pass},
		{"config", &t->config},	      {"swap", &t->swap},
		{"terminate", &t->terminate}, {"abort", &t->abort},
		{"process", &t->process},     {"managed", &t->managed},
		{"dns_ttl", &t->dns_ttl},     {"dns_tail_life", &t->dns_tail_life},
	};
	for (size_t i = 2; i < w->n; i++) {
		struct str rest = w->word[i], key;
		bool known = false;
		(void)str_next(&rest, '=', &key);
		for (size_t k = 0; k < sizeof(times) / sizeof(times[0]); k++)
			if (str_is(key, times[k].key))
				known = sim_parse_ms(rest, times[k].ms);
		if (str_is(key, "dns_tail"))
			known = str_parse_double(rest, &t->dns_tail) && t->dns_tail >= 0 &&
				t->dns_tail <= 1;
		if (str_is(key, "versions_max"))
			known = str_parse_i64(rest, 0, 100000, &t->versions_max);
		if (str_is(key, "environments_max"))
			known = str_parse_i64(rest, 0, 100000, &t->environments_max);
		if (!known)
			return err_set(err, ERR_REJECTED, "set: '" STR_FMT "' is not a setting",
				       STR_ARG(w->word[i]));
	}
	return 0;
}

/* beanstalk bucket NAME denied|elsewhere|fine */
static int do_bucket(struct sim_eb_state *b, const struct sim_words *w, struct err *err)
{
	struct str how = sim_word(w, 3);
	struct sim_eb_foreign **at = &b->foreign, *f;
	if (!sim_word(w, 2).n ||
	    (!str_is(how, "denied") && !str_is(how, "elsewhere") && !str_is(how, "fine")))
		return err_set(err, ERR_REJECTED,
			       "bucket: wants a name, and denied, elsewhere or fine");
	while (*at && !str_is(sim_word(w, 2), (*at)->bucket))
		at = &(*at)->next;
	if ((f = *at)) {
		*at = f->next;
		free(f);
	}
	if (str_is(how, "fine"))
		return 0;
	f = xcalloc(1, sizeof(*f));
	(void)str_copy(f->bucket, sizeof(f->bucket), sim_word(w, 2));
	f->denied = str_is(how, "denied");
	f->next = b->foreign;
	b->foreign = f;
	return 0;
}

/* --- answers -------------------------------------------------------------------------------- */

static void show_environment(struct json_out *o, struct sim_eb_state *b,
			     const struct sim_eb_environment *e, struct utc now)
{
	static const char *const status[] = {"In Progress", "Deployed", "Failed"};
	const char *dot = strchr(e->cname, '.');
	json_out_object(o);
	json_member_cstr(o, "name", e->name);
	json_member_cstr(o, "id", e->id);
	json_member_cstr(o, "application", e->app);
	json_member_str(o, "version", str_from(e->label));
	json_member_cstr(o, "status", sim_eb_status_name(e->status));
	json_member_cstr(o, "health", sim_eb_health_name(sim_eb_health_of(e, now)));
	json_member_str(o, "cname", str_from(e->cname));
	json_member_cstr(o, "operation", sim_eb_operation_name(e->op.kind));
	json_member_i64(o, "percent", e->op.percent);
	json_member_i64(o, "requests", (int64_t)e->requests);
	json_member_i64(o, "errors", (int64_t)e->errors);
	json_member_double(o, "rate", e->rate);
	json_member_cstr(o, "targetGroup", e->fleet[0].group);
	json_member_cstr(o, "loadBalancer", e->lb);
	json_member_cstr(o, "rule", e->rule);
	for (const struct sim_eb_cname *c = b->cnames; c && dot; c = c->next)
		if (str_is((struct str){e->cname, (size_t)(dot - e->cname)}, c->prefix))
			json_member_i64(o, "lost", (int64_t)c->lost);
	json_out_key(o, "options");
	json_out_object(o);
	for (size_t i = 0; i < e->options.n; i++) {
		char key[400];
		snprintf(key, sizeof(key), "%.200s/%.150s", e->options.o[i].ns,
			 e->options.o[i].name);
		json_member_str(o, key, str_from(e->options.o[i].value));
	}
	json_out_end(o);
	json_out_key(o, "instances");
	json_out_array(o);
	for (size_t i = 0; i < e->n_instances; i++) {
		json_out_object(o);
		json_member_cstr(o, "id", e->instances[i].id);
		json_member_str(o, "version", str_from(e->instances[i].label));
		json_member_cstr(o, "status", status[e->instances[i].status]);
		json_member_i64(o, "fleet", e->instances[i].fleet);
		json_out_end(o);
	}
	json_out_end(o);
	json_out_end(o);
}

static void show_all(struct json_out *o, struct sim_eb_state *b, struct utc now)
{
	json_out_array(o);
	for (const struct sim_eb_environment *e = b->environments; e; e = e->next)
		show_environment(o, b, e, now);
	json_out_end(o);
}

static void show_settings(struct json_out *o, const struct sim_eb_state *b)
{
	json_out_object(o);
	json_out_key(o, "templates");
	json_out_array(o);
	for (const struct sim_eb_template *t = b->templates; t; t = t->next)
		json_out_cstr(o, t->name);
	json_out_end(o);
	json_out_key(o, "versions");
	json_out_array(o);
	for (const struct sim_eb_version *v = b->versions; v; v = v->next)
		json_out_cstr(o, v->label);
	json_out_end(o);
	json_out_end(o);
}

/* Commands about one environment that exists; 1: this is none of them. */
static int named_command(struct sim *s, struct sim_eb_state *b, const struct sim_words *w,
			 struct err *err)
{
	struct str verb = sim_word(w, 1);
	struct sim_eb_environment *e;
	if (!str_is(verb, "fail") && !str_is(verb, "stuck") && !str_is(verb, "health") &&
	    !str_is(verb, "managed") && !str_is(verb, "update") && !str_is(verb, "swap") &&
	    !str_is(verb, "abort") && !str_is(verb, "terminate"))
		return 1;
	e = sim_eb_environment_by_name(b, sim_word(w, 2));
	if (!e)
		return err_set(err, ERR_NOT_FOUND,
			       "beanstalk " STR_FMT ": no environment '" STR_FMT "'", STR_ARG(verb),
			       STR_ARG(sim_word(w, 2)));
	if (str_is(verb, "stuck")) {
		e->stuck = !str_is(sim_word(w, 3), "off");
		return 0;
	}
	if (str_is(verb, "fail"))
		return do_fail(e, w, err);
	if (str_is(verb, "health"))
		return do_health(e, w, err);
	if (str_is(verb, "managed"))
		return do_managed(s, e, w, err);
	return do_operation(s, b, e, w, err);
}

static int other_command(struct sim *s, struct sim_eb_state *b, const struct sim_words *w,
			 struct err *err)
{
	struct str verb = sim_word(w, 1);
	if (str_is(verb, "version"))
		return do_version(s, b, w, err);
	if (str_is(verb, "environment"))
		return do_environment(s, b, w, err);
	if (str_is(verb, "set"))
		return do_set(b, w, err);
	if (str_is(verb, "bucket"))
		return do_bucket(b, w, err);
	if (str_is(verb, "application") && sim_word(w, 2).n) {
		(void)sim_eb_app_make(b, str_sub(sim_word(w, 2), 0, 100), sim_now(s));
		return 0;
	}
	if (str_is(verb, "show"))
		return 0;
	return err_set(err, ERR_REJECTED, "beanstalk: no command '" STR_FMT "'", STR_ARG(verb));
}

int sim_eb_control(struct sim *s, void *state, const struct sim_words *w, struct json_out *out,
		   struct err *err)
{
	struct sim_eb_state *b = state;
	bool shows = str_is(sim_word(w, 1), "show");
	const struct sim_eb_environment *e;
	int rc = named_command(s, b, w, err);
	if (rc == 1)
		rc = other_command(s, b, w, err);
	if (rc)
		return -1;
	e = sim_eb_environment_by_name(b, sim_word(w, 2));
	if (e)
		show_environment(out, b, e, sim_now(s));
	else if (shows && sim_word(w, 2).n)
		return err_set(err, ERR_NOT_FOUND, "beanstalk: no environment '" STR_FMT "'",
			       STR_ARG(sim_word(w, 2)));
	else if (shows)
		show_all(out, b, sim_now(s));
	else
		show_settings(out, b);
	return 0;
}
