#include "worker/target/beanstalk.h"

#include <string.h>

/*
 * The first, checking look at the environment that is live: whatever would make a later step fail,
 * lose a database, or leave nothing to go back to, is said now, while nothing has been touched.
 */
#define NS_RDS "aws:rds:dbinstance"

/* --- any environment ------------------------------------------------------------------------- */

void bean_inspect_no_database(const struct beanstalk_environment *e,
			      const struct beanstalk_settings *settings, struct problems *p)
{
	const char *coupled = beanstalk_option_get(settings, NS_RDS, "HasCoupledDatabase");
	bool has = coupled && strcmp(coupled, "true") == 0;

	for (size_t i = 0; i < settings->n_options && !coupled; i++)
		has |= strcmp(settings->options[i].ns, NS_RDS) == 0 && settings->options[i].value &&
		       settings->options[i].value[0];
	if (has)
		problem_add(p, "Target", e->name,
			    "the environment owns an RDS database: a second environment would get "
			    "another, empty one, and the old one's would go with it; decouple the "
			    "database first");
}

static bool is_soon(const struct target_env *env, const struct beanstalk_managed_action *a)
{
	const struct plan *plan = env->plan;
	int64_t now_ms = clock_utc(env->client.aws->clock).ms;

	if (strcmp(a->status, "Running") == 0 || strcmp(a->status, "Pending") == 0)
		return true;
	return !a->has_window ||
	       a->window.ms <= now_ms + plan->prepare_ms + plan->verify_ms + plan_least_ms(plan);
}

static int check_managed(const struct target_env *env, const struct beanstalk_environment *e,
			 struct problems *p, struct err *err)
{
	struct beanstalk_managed_action *list;
	char when[UTC_ISO_SIZE] = "now";
	size_t n;

	if (beanstalk_managed_actions(&env->client, e->id, env->arena, &list, &n, err)) {
		if (err->code == ERR_CANCELED || err_is_retryable(err))
			return -1;
		problem_warn(p, "Target", e->name,
			     "whether a managed update comes in between cannot be read: %s",
			     err->text);
		*err = ERR_INIT;
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		if (!is_soon(env, &list[i]))
			continue;
		if (list[i].has_window)
			utc_format_iso(list[i].window, when);
		problem_add(p, "Target", e->name,
			    "a managed update (%s, %s, from %s) would come in between: let it "
			    "finish, or postpone it",
			    list[i].type ? list[i].type : "of unknown type", list[i].status, when);
	}
	return 0;
}

/* After a rolling deployment that failed the fleet is mixed, and Beanstalk leaves it so. */
static int check_fleet(const struct target_env *env, const struct beanstalk_environment *e,
		       struct problems *p, struct err *err)
{
	struct bean_fleet f;

	if (!e->version_label)
		return 0;
	if (bean_fleet_read(env, e->id, e->version_label, &f, err))
		return -1;
	if (f.is_told && f.others)
		problem_add(p, "Target", e->name,
			    "%zu of its %zu instances do not run %s: a deployment before this one "
			    "failed half-way; deploy %s again first",
			    f.others, f.n, e->version_label, e->version_label);
	return 0;
}

bool bean_inspect_is_busy(const struct target_env *env, const struct beanstalk_environment *e,
			  struct problems *p)
{
	if (e->status != BEANSTALK_UPDATING && e->status != BEANSTALK_LAUNCHING &&
	    !(e->status == BEANSTALK_READY && e->is_abortable))
		return false;
	problem_busy(p, "Target", e->name,
		     "the environment is %s: wait until it is Ready and no update runs",
		     bean_state_text(env->arena, e));
	return true;
}

int bean_inspect_settled(const struct target_env *env, const struct beanstalk_environment *e,
			 struct beanstalk_settings *settings, struct problems *p, struct err *err)
{
	if (e->status != BEANSTALK_READY)
		problem_add(p, "Target", e->name,
			    "the environment is %s: wait until it is Ready and no update runs",
			    bean_state_text(env->arena, e));
	if (bean_settings(env,
			  e->application ? e->application : env->plan->target.beanstalk.application,
			  e->name, settings, err))
		return -1;
	if (settings->deployment_status && strcmp(settings->deployment_status, "deployed") != 0)
		problem_add(p, "Target", e->name,
			    "its newest configuration is %s, not deployed: finish that first",
			    settings->deployment_status);
	return check_managed(env, e, p, err);
}

/* --- the live one ---------------------------------------------------------------------------- */

static bool is_plain(const char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~')
			return false;
	return true;
}

static struct str first_label(const char *cname)
{
	struct str rest = str_from(cname), label = {NULL, 0};

	str_next(&rest, '.', &label);
	return label;
}

static void check_live(const struct target_env *env, const struct beanstalk_environment *e,
		       struct problems *p)
{
	const struct plan_beanstalk *t = &env->plan->target.beanstalk;

	if (!bean_is_healthy(e))
		problem_add(p, "Target", e->name,
			    "the live environment is %s: there would be nothing to go back to",
			    bean_state_text(env->arena, e));
	if (e->version_label && !is_plain(e->version_label))
		problem_add(p, "Target", e->version_label,
			    "the label of the live version is not plain ASCII and cannot be kept "
			    "in the state of a rollout: deploy it under another label");
	if (t->method == BEANSTALK_BY_SWAP && e->tier_name &&
	    strcmp(e->tier_name, "WebServer") != 0)
		problem_add(p, "Target", e->name,
			    "it is of tier %s, which has no CNAME that could be exchanged",
			    e->tier_name);
	if (t->method == BEANSTALK_BY_SWAP && !t->cname && e->cname &&
	    bean_is_clone_name(first_label(e->cname)))
		problem_add(p, "Target", e->name,
			    "its CNAME is %s: it gave its own away in a rollout before this one; "
			    "name the live environment by its cname",
			    e->cname);
}

static const struct beanstalk_environment *find_live(const struct target_env *env,
						     const struct bean_look *l,
						     struct bean_record *r, struct problems *p)
{
	const struct plan_beanstalk *t = &env->plan->target.beanstalk;
	const struct beanstalk_environment *e;
	const char *name = t->cname ? t->cname : t->environment;

	if (t->method == BEANSTALK_BY_LOAD_BALANCER)
		return beanstalk_find_id(l->all, l->n, r->baseline);
	e = t->cname ? beanstalk_find_cname(l->all, l->n, t->cname)
		     : beanstalk_find_name(l->all, l->n, t->environment);
	if (!e)
		problem_add(p, "Target", name, "application %s has no environment of this %s%s",
			    t->application, t->cname ? "CNAME" : "name",
			    t->cname ? ""
				     : "; after an exchange of CNAMEs the live one has another "
				       "name: say its cname");
	else if (t->cname && t->environment && strcmp(e->name, t->environment) != 0 &&
		 (!t->twin || strcmp(e->name, t->twin) != 0))
		problem_add(p, "Target", t->cname, "it belongs to %s, not to %s%s%s", e->name,
			    t->environment, t->twin ? " or " : "", t->twin ? t->twin : "");
	return e;
}

static int read_size(const struct target_env *env, const struct beanstalk_environment *e,
		     const struct beanstalk_settings *settings, struct bean_record *r,
		     struct err *err)
{
	const char *type = beanstalk_option_get(settings, BEAN_NS_ENVIRONMENT, "EnvironmentType");
	struct beanstalk_resources resources;

	if (type && strcmp(type, "SingleInstance") == 0)
		return 0;
	if (beanstalk_describe_resources(&env->client, e->id, env->arena, &resources, err))
		return -1;
	r->instances = (int64_t)resources.instances.n;
	r->min = bean_option_i64(settings, BEAN_NS_ASG, "MinSize", 1);
	r->max = bean_option_i64(settings, BEAN_NS_ASG, "MaxSize", 4);
	return 0;
}

/* Not there, and not to be guessed: a question of the plan, not a failure to read. */
static int as_problem(const struct plan_beanstalk *t, struct problems *p, struct err *err)
{
	if (err->code != ERR_NOT_FOUND)
		return -1;
	problem_add(p, "Target", t->application, "%s", err->text);
	*err = ERR_INIT;
	return 0;
}

static int inspect_live(const struct target_env *env, const struct bean_look *l,
			const struct beanstalk_environment *e, struct bean_record *r,
			struct problems *p, struct err *err)
{
	struct beanstalk_settings settings;

	if (bean_inspect_is_busy(env, e, p))
		return 0; /* what else is not as it should be may be in the making */
	r->baseline = e->id;
	r->name = e->name;
	r->label = e->version_label ? e->version_label : "";
	r->cname = e->cname ? e->cname : "";
	check_live(env, e, p);
	if (r->method == BEANSTALK_BY_SWAP && !r->cname[0])
		problem_add(p, "Target", e->name, "it has no CNAME that could be exchanged");
	if (bean_inspect_settled(env, e, &settings, p, err) || check_fleet(env, e, p, err) ||
	    read_size(env, e, &settings, r, err))
		return -1;
	if (r->method == BEANSTALK_BY_TRAFFIC_SPLITTING) {
		bean_splitting_check(e, &settings, r, p);
		return 0;
	}
	bean_inspect_no_database(e, &settings, p);
	return bean_inspect_second(env, e, l, r, p, err);
}

int bean_inspect(const struct target_env *env, struct bean_record *r, struct problems *p,
		 struct err *err)
{
	const struct plan_beanstalk *t = &env->plan->target.beanstalk;
	const struct beanstalk_environment *e;
	size_t before = p->n_errors;
	struct bean_look l;

	*r = (struct bean_record){.method = t->method,
				  .application = t->application,
				  .baseline = "",
				  .label = "",
				  .cname = "",
				  .candidate = "",
				  .twin = ""};
	if (bean_bundle_check(env, p, err))
		return -1;
	if (bean_look(env, r, &l, err))
		return as_problem(t, p, err);
	if (t->method == BEANSTALK_BY_LOAD_BALANCER) {
		if (bean_balancer_inspect(env, &l, r, p, err))
			return as_problem(t, p, err);
		if (p->n_errors > before)
			return 0;
	}
	e = find_live(env, &l, r, p);
	if (!e || p->n_errors > before)
		return 0;
	return inspect_live(env, &l, e, r, p, err) ? as_problem(t, p, err) : 0;
}
