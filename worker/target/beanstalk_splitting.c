#include "worker/target/beanstalk.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "worker/target/beanstalk_share.h"

/*
 * Canary by Beanstalk's own traffic splitting, within one environment. First the options, then the
 * version: both in one call are refused. Beanstalk goes on by itself when its evaluation time is
 * over, so that is longer than the plan's watch; should it be over before a Pass was seen, this
 * goes back. Before that, going back is an abort; afterwards it is a deployment of the old version.
 *
 * The environment is only restored when its options are those of the undo record again.
 */
#define MINUTE_MS 60000
#define ROOM_MIN 3	 /* the watch begins a little after the evaluation */
#define HOLD_MOST_MIN 10 /* and an Unknown may hold it so long: PROMOTE has to wait for it */
#define EVALUATION_MIN 3 /* Beanstalk's own limits */
#define EVALUATION_MAX 600

struct wish {
	struct beanstalk_option options[3];
};

static int64_t evaluation_minutes(const struct plan *plan)
{
	int64_t hold = (plan->unknown_hold_ms + MINUTE_MS - 1) / MINUTE_MS;
	int64_t watch = plan->n_steps ? plan->steps[0].watch_ms : 0;
	int64_t n = (watch + MINUTE_MS - 1) / MINUTE_MS + ROOM_MIN;

	n += hold < HOLD_MOST_MIN ? hold : HOLD_MOST_MIN;
	if (n < EVALUATION_MIN)
		return EVALUATION_MIN;
	return n > EVALUATION_MAX ? EVALUATION_MAX : n;
}

static void options_of_plan(const struct target_env *env, struct wish *w)
{
	const struct plan *plan = env->plan;
	int percent = plan->n_steps ? plan->steps[0].weight_bp / 100 : 0;

	*w = (struct wish){
		{{EB_NS_COMMAND, "DeploymentPolicy", "TrafficSplitting", NULL},
		 {EB_NS_SPLITTING, "NewVersionPercent", arena_printf(env->arena, "%d", percent),
		  NULL},
		 {EB_NS_SPLITTING, "EvaluationTime",
		  arena_printf(env->arena, "%lld", (long long)evaluation_minutes(plan)), NULL}}};
}

static void options_before(const struct eb_record *r, struct wish *w)
{
	*w = (struct wish){{{EB_NS_COMMAND, "DeploymentPolicy", r->policy, NULL},
			    {EB_NS_SPLITTING, "NewVersionPercent", r->percent, NULL},
			    {EB_NS_SPLITTING, "EvaluationTime", r->minutes, NULL}}};
}

static bool is_set(const struct beanstalk_settings *s, const struct beanstalk_option *o)
{
	const char *have = beanstalk_option_get(s, o->ns, o->name);

	return strcmp(have ? have : "", o->value) == 0;
}

static bool are_set(const struct beanstalk_settings *s, const struct wish *w)
{
	for (size_t i = 0; i < 3; i++)
		if (!is_set(s, &w->options[i]))
			return false;
	return true;
}

/* What had no value is taken out again. */
static int set_options(const struct target_env *env, const struct eb_record *r,
		       const struct wish *w, struct err *err)
{
	struct beanstalk_option set[3], gone[3];
	struct beanstalk_update u = {.environment_id = r->baseline, .options = set, .remove = gone};

	for (size_t i = 0; i < 3; i++) {
		if (w->options[i].value[0])
			set[u.n_options++] = w->options[i];
		else
			gone[u.n_remove++] = w->options[i];
	}
	return beanstalk_update_environment(&env->client, &u, env->arena, err);
}

/* --- looking --------------------------------------------------------------------------------- */

/* How the environment is: everything the phases ask for. */
struct seen {
	const struct beanstalk_environment *e;
	struct eb_fleet fleet; /* by the candidate's label */
	size_t foreign;	       /* instances that run neither version */
	bool is_new;	       /* it is told to run the candidate */
	double share;
};

static bool is_going_back(enum phase p)
{
	return p == PHASE_RESTORE || p == PHASE_PROVE;
}

static void count_foreign(const struct eb_record *r, const char *label, struct seen *v)
{
	for (size_t i = 0; i < v->fleet.n; i++) {
		const char *have = v->fleet.instances[i].version_label;

		v->foreign += have && strcmp(have, label) != 0 && strcmp(have, r->label) != 0;
	}
}

/* 1: *o says all there is to say already. */
static int see(const struct target_env *env, const struct eb_record *r,
	       const struct eb_candidate *c, struct seen *v, struct target_observation *o,
	       struct err *err)
{
	const char *label = c->label[0] ? c->label : "\n"; /* none yet */
	struct eb_look l;

	*v = (struct seen){.e = NULL};
	if (eb_look(env, r, &l, err))
		return eb_unreadable(o, err) ? -1 : 1;
	v->e = l.baseline;
	if (!v->e || v->e->status == BEANSTALK_TERMINATING) {
		o->live = LIVE_FOREIGN;
		eb_detail(o, "%s is gone, or being terminated", r->name);
		return 1;
	}
	v->is_new = v->e->version_label && strcmp(v->e->version_label, label) == 0;
	if (!v->is_new && strcmp(v->e->version_label ? v->e->version_label : "", r->label) != 0) {
		o->live = LIVE_FOREIGN;
		eb_detail(o, "%s runs %s, which somebody else deployed", v->e->name,
			  v->e->version_label ? v->e->version_label : "the sample application");
		return 1;
	}
	if (eb_fleet_read(env, v->e->id, label, &v->fleet, err))
		return eb_unreadable(o, err) ? -1 : 1;
	count_foreign(r, label, v);
	if (v->foreign) {
		o->live = LIVE_FOREIGN;
		eb_detail(o,
			  "%zu instances of %s run another version, which somebody else "
			  "deployed",
			  v->foreign, v->e->name);
		return 1;
	}
	return 0;
}

/* Where all instances run one version, that one has all traffic. */
static int read_share(const struct target_env *env, const struct eb_record *r,
		      const struct eb_candidate *c, struct seen *v, struct err *err)
{
	size_t all = v->fleet.with_label + v->fleet.others;

	v->share = 0;
	if (strcmp(c->label, r->label) == 0)
		return 0; /* nothing to tell apart */
	if (all == v->fleet.with_label && all > 0)
		v->share = 1;
	else if (v->fleet.with_label > 0)
		return eb_share_read(env, v->e->id, c->label, &v->fleet, &v->share, err);
	return 0;
}

static void say_live(const struct target_env *env, const struct rollout_state *s,
		     const struct seen *v, struct target_observation *o)
{
	bool is_ready = v->e->status == BEANSTALK_READY;
	bool promotes =
		s->phase == PHASE_PROMOTE || s->phase == PHASE_BAKE || s->phase == PHASE_RETIRE;
	int bp = (int)lround(v->share * 10000);
	int asked = env->plan->n_steps ? env->plan->steps[0].weight_bp : 0;

	/* target weights are whole numbers of a whole that need not be 100 */
	if (bp != asked && bp > asked - 50 && bp < asked + 50)
		bp = asked;
	o->traffic.weight_bp = bp;
	o->settled = true;
	if (bp == 0) {
		o->live = LIVE_BASELINE;
		o->settled = is_ready || !is_going_back(s->phase);
	} else if (bp < 10000) {
		o->live = LIVE_SPLIT;
	} else if (promotes && is_ready && v->is_new) {
		o->live = LIVE_PROMOTED;
	} else if (promotes) {
		/* it is about to be: what is left is Beanstalk's own tidying up */
		o->live = LIVE_SPLIT;
		o->traffic.weight_bp = asked;
	} else {
		o->live = LIVE_CANDIDATE;
	}
	snprintf(o->lock, sizeof(o->lock), "%s %s", beanstalk_status_name(v->e->status),
		 v->e->version_label ? v->e->version_label : "");
}

static int64_t newest_deployment(const struct eb_fleet *f, const char *label, bool with_label)
{
	int64_t newest = -1;

	for (size_t i = 0; i < f->n; i++) {
		const struct beanstalk_instance *one = &f->instances[i];
		bool has = one->version_label && strcmp(one->version_label, label) == 0;

		if (has == with_label && one->version_label && one->deployment_id > newest)
			newest = one->deployment_id;
	}
	return newest;
}

/*
 * Is the update that runs the one towards the candidate? Each deployment has a number of its own,
 * so the newest one's version is where it goes. While no instance runs the candidate, it is one
 * towards it unless options are being changed.
 */
static int is_forward(const struct target_env *env, const struct eb_record *r,
		      const struct eb_candidate *c, const struct seen *v, bool *yes,
		      struct err *err)
{
	int64_t theirs = newest_deployment(&v->fleet, c->label, true);
	int64_t before = newest_deployment(&v->fleet, c->label, false);
	struct beanstalk_settings settings;

	*yes = false;
	if (v->e->status != BEANSTALK_UPDATING || !v->e->is_abortable)
		return 0;
	if (theirs >= 0) {
		*yes = before >= 0 && theirs > before;
		return 0;
	}
	if (eb_settings(env, r->application, v->e->name, &settings, err))
		return -1;
	*yes = !settings.deployment_status || strcmp(settings.deployment_status, "pending") != 0;
	return 0;
}

/* An update that Beanstalk gave up ends in Ready, with the old version and an event. */
static int say_failed(const struct target_env *env, const struct rollout_state *s,
		      const struct seen *v, struct target_observation *o, struct err *err)
{
	const char *failure;

	if (v->e->status != BEANSTALK_READY || v->is_new)
		return 0;
	if (eb_failure_since(env, v->e->id, s->changed_at, &failure, err))
		return eb_unreadable(o, err);
	if (failure) {
		o->candidate = CANDIDATE_FAILED;
		eb_detail(o, "%s: %s", v->e->name, failure);
	}
	return 0;
}

static void say_shifting(const struct target_env *env, const struct seen *v,
			 struct target_observation *o)
{
	if (v->fleet.failed) {
		o->candidate = CANDIDATE_FAILED;
		eb_detail(o, "deploying failed on %zu instances of %s", v->fleet.failed,
			  v->e->name);
	} else if (v->e->status != BEANSTALK_READY) {
		/* nothing can be asked of it now */
		o->candidate = CANDIDATE_PENDING;
		eb_detail(o, "%s is %s: %zu instances run the new version, %zu do not", v->e->name,
			  eb_state_text(env->arena, v->e), v->fleet.with_label, v->fleet.others);
	}
}

/* Up, with no traffic, is: the version is processed and the options are set. */
static int say_prepared(const struct target_env *env, const struct eb_record *r,
			const struct eb_candidate *c, const struct seen *v,
			struct target_observation *o, struct err *err)
{
	struct beanstalk_settings settings;
	struct beanstalk_version version;
	struct wish w;

	o->candidate = CANDIDATE_ABSENT;
	if (!c->label[0])
		return 0;
	if (strcmp(c->label, r->label) == 0) {
		o->candidate = CANDIDATE_SAME;
		return 0;
	}
	if (beanstalk_describe_version(&env->client, r->application, c->label, env->arena, &version,
				       err)) {
		if (err->code != ERR_NOT_FOUND)
			return eb_unreadable(o, err);
		*err = ERR_INIT;
		return 0;
	}
	if (eb_settings(env, r->application, v->e->name, &settings, err))
		return eb_unreadable(o, err);
	options_of_plan(env, &w);
	o->candidate = CANDIDATE_PENDING;
	if (version.status != BEANSTALK_PROCESSED && version.status != BEANSTALK_UNPROCESSED)
		eb_detail(o, "version %s is being processed", c->label);
	else if (!are_set(&settings, &w) || v->e->status != BEANSTALK_READY)
		eb_detail(o, "the options of %s for splitting traffic are being set", v->e->name);
	else if (!eb_is_healthy(v->e))
		eb_detail(o, "%s is not healthy: %s", v->e->name, eb_state_text(env->arena, v->e));
	else
		o->candidate = CANDIDATE_READY;
	return 0;
}

/* For the health guard, once there is traffic: how the new instances are. */
static void say_healthy(const struct seen *v, struct target_observation *o)
{
	for (size_t i = 0; i < v->fleet.n; i++) {
		const struct beanstalk_instance *one = &v->fleet.instances[i];

		if (one->health != BEANSTALK_WARNING && one->health != BEANSTALK_DEGRADED &&
		    one->health != BEANSTALK_SEVERE)
			continue;
		o->candidate = CANDIDATE_PENDING;
		eb_detail(o, "instance %s is %s: %s", one->id, beanstalk_health_name(one->health),
			  one->cause ? one->cause : "no cause given");
		return;
	}
	if (v->e->health == BEANSTALK_DEGRADED || v->e->health == BEANSTALK_SEVERE) {
		o->candidate = CANDIDATE_PENDING;
		eb_detail(o, "%s is %s", v->e->name, beanstalk_health_name(v->e->health));
	}
}

/* Are the options what they were? Only then, going back or retiring, is it over. */
static int say_options(const struct target_env *env, const struct rollout_state *s,
		       const struct eb_record *r, const struct seen *v,
		       struct target_observation *o, struct err *err)
{
	struct beanstalk_settings settings;
	struct wish w;

	if (eb_settings(env, r->application, v->e->name, &settings, err))
		return eb_unreadable(o, err);
	options_before(r, &w);
	if (are_set(&settings, &w) && v->e->status == BEANSTALK_READY)
		return 0;
	eb_detail(o, "the deployment options of %s are not yet as they were", v->e->name);
	o->retired = false;
	/* with no traffic on the candidate, but not as the undo record says */
	if (is_going_back(s->phase) && o->live == LIVE_BASELINE && o->settled)
		o->live = LIVE_SPLIT;
	return 0;
}

static int say_back(const struct target_env *env, const struct rollout_state *s,
		    const struct eb_record *r, const struct eb_candidate *c, const struct seen *v,
		    struct target_observation *o, struct err *err)
{
	bool forward;

	if (is_forward(env, r, c, v, &forward, err))
		return eb_unreadable(o, err);
	if (forward && o->live == LIVE_BASELINE) {
		o->live = LIVE_SPLIT; /* nothing yet, but there will be: it has to be stopped */
		eb_detail(o, "%s is still on its way to the new version", v->e->name);
		return 0;
	}
	/* told to run the candidate, or some instance does: the old version has to come back */
	if (o->live == LIVE_BASELINE && (v->is_new || v->fleet.with_label > 0) && o->settled) {
		o->live = LIVE_SPLIT;
		eb_detail(o, "%s is not back on %s", v->e->name, r->label);
		return 0;
	}
	if (say_options(env, s, r, v, o, err))
		return -1;
	return eb_baseline_health(env, r, v->e, &o->baseline_health, err);
}

static int observe(const struct target_env *env, const struct rollout_state *s,
		   const struct eb_record *r, const struct eb_candidate *c,
		   struct target_observation *o, struct err *err)
{
	struct seen v;
	int rc = see(env, r, c, &v, o, err);

	if (rc)
		return rc < 0 ? -1 : 0;
	if (read_share(env, r, c, &v, err))
		return eb_unreadable(o, err);
	say_live(env, s, &v, o);
	if (is_going_back(s->phase))
		return say_back(env, s, r, c, &v, o, err);
	if (s->phase == PHASE_PREPARE || (s->phase == PHASE_VERIFY && o->live == LIVE_BASELINE &&
					  v.e->status == BEANSTALK_READY))
		return say_prepared(env, r, c, &v, o, err);
	if (s->phase == PHASE_VERIFY) {
		say_healthy(&v, o);
		return 0;
	}
	if (s->phase == PHASE_RETIRE)
		return say_options(env, s, r, &v, o, err);
	if (s->phase == PHASE_SHIFT && o->live == LIVE_BASELINE)
		say_shifting(env, &v, o);
	if (o->candidate != CANDIDATE_FAILED && s->changed_at.ms)
		return say_failed(env, s, &v, o, err);
	return 0;
}

/* --- acting ---------------------------------------------------------------------------------- */

static int prepare(const struct target_env *env, const struct rollout_state *s,
		   const struct eb_record *r, struct eb_candidate *c, struct err *err)
{
	struct beanstalk_settings settings;
	char label[EB_LABEL_SIZE];
	bool is_there;
	struct wish w;

	(void)s;
	if (!c->label[0]) {
		if (eb_bundle_label(env, label, err))
			return -1;
		c->label = arena_strdup(env->arena, label);
		return 0;
	}
	if (eb_version_make(env, r->application, c->label, &is_there, err))
		return -1;
	if (!is_there || strcmp(c->label, r->label) == 0)
		return 0;
	if (eb_settings(env, r->application, r->name, &settings, err))
		return -1;
	options_of_plan(env, &w);
	if (are_set(&settings, &w))
		return 0;
	if (set_options(env, r, &w, err))
		return eb_is_busy(err) ? 0 : -1;
	return 0;
}

static int deploy(const struct target_env *env, const struct eb_record *r, const char *label,
		  struct err *err)
{
	const struct beanstalk_update u = {.environment_id = r->baseline, .version_label = label};

	return beanstalk_update_environment(&env->client, &u, env->arena, err);
}

/* Read again, and only go on when nothing has changed since this turn's look. */
static int look_again(const struct target_env *env, const struct eb_record *r,
		      const struct target_observation *o, struct eb_look *l, struct err *err)
{
	char lock[OBSERVATION_LOCK_MAX];
	const struct beanstalk_environment *e;

	if (eb_look(env, r, l, err))
		return -1;
	e = l->baseline;
	if (!e)
		return err_set(err, ERR_REJECTED, "%s is gone", r->name);
	snprintf(lock, sizeof(lock), "%s %s", beanstalk_status_name(e->status),
		 e->version_label ? e->version_label : "");
	if (strcmp(lock, o->lock) != 0)
		return err_set(err, ERR_CONFLICT, "%s was %s when it was looked at, and is %s now",
			       r->name, o->lock, lock);
	return 0;
}

static int split(const struct target_env *env, const struct rollout_state *s,
		 const struct eb_record *r, const struct eb_candidate *c,
		 const struct target_observation *o, const struct traffic *want, struct err *err)
{
	struct eb_look l;

	(void)s;
	if (want->segments || want->weight_bp >= 10000)
		return err_set(err, ERR_REJECTED,
			       "Elastic Beanstalk splits once, by percents below 100");
	if (o->live != LIVE_BASELINE)
		return err_set(err, ERR_REJECTED,
			       "Elastic Beanstalk moved %s to all of its traffic by itself before "
			       "the plan said so: its evaluation time was over",
			       c->label);
	if (look_again(env, r, o, &l, err))
		return -1;
	if (l.baseline->status != BEANSTALK_READY)
		return err_set(err, ERR_CONFLICT, "%s is %s", r->name,
			       eb_state_text(env->arena, l.baseline));
	return deploy(env, r, c->label, err);
}

/* Beanstalk does it by itself, when its evaluation time is over. */
static int promote(const struct target_env *env, const struct rollout_state *s,
		   const struct eb_record *r, const struct eb_candidate *c,
		   const struct target_observation *o, struct err *err)
{
	(void)env;
	(void)s;
	(void)r;
	(void)c;
	(void)o;
	(void)err;
	return 0;
}

static int restore_options(const struct target_env *env, const struct eb_record *r, bool *done,
			   struct err *err)
{
	struct beanstalk_settings settings;
	struct wish w;

	*done = false;
	if (eb_settings(env, r->application, r->name, &settings, err))
		return -1;
	options_before(r, &w);
	if (!are_set(&settings, &w))
		return set_options(env, r, &w, err);
	*done = true;
	return 0;
}

/*
 * An update that runs is aborted. Then the options first: with them the old version comes back the
 * way this environment is usually deployed to, not by another evaluation of many minutes.
 */
static int restore(const struct target_env *env, const struct rollout_state *s,
		   const struct eb_record *r, const struct eb_candidate *c,
		   const struct target_observation *o, struct err *err)
{
	struct seen v = {.e = NULL};
	struct eb_look l;
	bool done, forward;

	(void)s;
	if (look_again(env, r, o, &l, err))
		return -1;
	v.e = l.baseline;
	if (v.e->status == BEANSTALK_UPDATING) {
		if (eb_fleet_read(env, v.e->id, c->label, &v.fleet, err) ||
		    is_forward(env, r, c, &v, &forward, err))
			return -1;
		if (forward)
			return beanstalk_abort_update(&env->client, r->baseline, env->arena, err);
	}
	if (l.baseline->status != BEANSTALK_READY)
		return err_set(err, ERR_CONFLICT, "%s is %s and cannot be told anything now",
			       r->name, eb_state_text(env->arena, l.baseline));
	if (restore_options(env, r, &done, err))
		return -1;
	return done ? deploy(env, r, r->label, err) : 0;
}

static int retire(const struct target_env *env, const struct eb_record *r, struct err *err)
{
	bool done;

	return restore_options(env, r, &done, err);
}

const struct eb_way eb_by_splitting = {
	.observe = observe,
	.prepare = prepare,
	.split = split,
	.promote = promote,
	.restore = restore,
	.retire = retire,
};

/* --- the first look -------------------------------------------------------------------------- */

static const char *option(const struct beanstalk_settings *s, const char *ns, const char *name)
{
	const char *value = beanstalk_option_get(s, ns, name);

	return value ? value : "";
}

void eb_splitting_check(const struct beanstalk_environment *e,
			const struct beanstalk_settings *settings, struct eb_record *r,
			struct problems *p)
{
	const char *type = option(settings, EB_NS_ENVIRONMENT, "LoadBalancerType");

	r->policy = option(settings, EB_NS_COMMAND, "DeploymentPolicy");
	r->percent = option(settings, EB_NS_SPLITTING, "NewVersionPercent");
	r->minutes = option(settings, EB_NS_SPLITTING, "EvaluationTime");
	if (strcmp(type, "application") != 0)
		problem_add(p, "Target", e->name,
			    "traffic splitting needs an Application Load Balancer, not %s",
			    *type ? type : "one of another kind, or none");
	if (e->health == BEANSTALK_HEALTH_NONE)
		problem_add(p, "Target", e->name,
			    "traffic splitting needs enhanced health reporting: with basic "
			    "reporting nobody says which instance runs what");
	if (!r->label[0])
		problem_add(p, "Target", e->name,
			    "it runs the sample application, which could not be deployed again: "
			    "deploy a version first");
}
