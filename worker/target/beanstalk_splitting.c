#include "worker/target/beanstalk.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "worker/target/beanstalk_options.h"
#include "worker/target/beanstalk_share.h"

/*
 * Canary by Beanstalk's own traffic splitting, within one environment. First the options, then the
 * version: both in one call are refused. Beanstalk goes on by itself when its evaluation time is
 * over, so that is longer than the plan's watch; should it be over before a Pass was seen, this
 * goes back. Before that, going back is an abort; afterwards it is a deployment of the old version.
 *
 * The environment is only restored when its options are those of the undo record again.
 */
/* --- looking --------------------------------------------------------------------------------- */

/* How the environment is: everything the phases ask for. */
struct seen {
	const struct beanstalk_environment *e;
	struct bean_fleet fleet; /* by the candidate's label */
	size_t foreign;		 /* instances that run neither version */
	bool is_new;		 /* it is told to run the candidate */
	double share;
};

static bool is_going_back(enum phase p)
{
	return p == PHASE_RESTORE || p == PHASE_PROVE;
}

static void count_foreign(const struct bean_record *r, const char *label, struct seen *v)
{
	for (size_t i = 0; i < v->fleet.n; i++) {
		const char *have = v->fleet.instances[i].version_label;

		v->foreign += have && strcmp(have, label) != 0 && strcmp(have, r->label) != 0;
	}
}

static bool runs(const struct beanstalk_environment *e, const char *label)
{
	return strcmp(e->version_label ? e->version_label : "", label) == 0;
}

/* 1: *o says all there is to say already. */
static int see(const struct target_env *env, const struct bean_record *r,
	       const struct bean_candidate *c, struct seen *v, struct target_observation *o,
	       struct err *err)
{
	const char *label = c->label[0] ? c->label : "\n"; /* none yet */
	struct bean_look l;

	*v = (struct seen){.e = NULL};
	if (bean_look(env, r, &l, err))
		return bean_unreadable(o, err) ? -1 : 1;
	v->e = l.baseline;
	if (!v->e || v->e->status == BEANSTALK_TERMINATING) {
		o->live = LIVE_FOREIGN;
		bean_detail(o, "%s is gone, or being terminated", r->name);
		return 1;
	}
	v->is_new = runs(v->e, label);
	if (!v->is_new && !runs(v->e, r->label)) {
		o->live = LIVE_FOREIGN;
		bean_detail(o, "%s runs %s, which somebody else deployed", v->e->name,
			    v->e->version_label ? v->e->version_label : "the sample application");
		return 1;
	}
	if (bean_fleet_read(env, v->e->id, label, &v->fleet, err))
		return bean_unreadable(o, err) ? -1 : 1;
	count_foreign(r, label, v);
	if (v->foreign) {
		o->live = LIVE_FOREIGN;
		bean_detail(o,
			    "%zu instances of %s run another version, which somebody else "
			    "deployed",
			    v->foreign, v->e->name);
		return 1;
	}
	return 0;
}

/* Where all instances run one version, that one has all traffic. */
static int read_share(const struct target_env *env, const struct bean_record *r,
		      const struct bean_candidate *c, struct seen *v, struct err *err)
{
	size_t all = v->fleet.with_label + v->fleet.others;

	v->share = 0;
	if (strcmp(c->label, r->label) == 0)
		return 0; /* nothing to tell apart */
	if (all == v->fleet.with_label && all > 0)
		v->share = 1;
	else if (v->fleet.with_label > 0)
		return bean_share_read(env, v->e->id, c->label, &v->fleet, &v->share, err);
	return 0;
}

static void say_live(const struct target_env *env, const struct rollout_state *s,
		     const struct seen *v, struct target_observation *o)
{
	bool is_ready = v->e->status == BEANSTALK_READY;
	bool is_later = s->phase == PHASE_BAKE || s->phase == PHASE_RETIRE;
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
	} else if (v->is_new && (is_later || (is_ready && s->phase == PHASE_PROMOTE))) {
		o->live = LIVE_PROMOTED;
	} else if (s->phase == PHASE_PROMOTE) {
		/* it is about to be: what is left is Beanstalk's own tidying up */
		o->live = LIVE_SPLIT;
		o->traffic.weight_bp = asked;
	} else {
		o->live = LIVE_CANDIDATE;
	}
	snprintf(o->lock, sizeof(o->lock), "%s %s", beanstalk_status_name(v->e->status),
		 v->e->version_label ? v->e->version_label : "");
}

static int64_t newest_deployment(const struct bean_fleet *f, const char *label, bool with_label)
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
 * so the newest one's version is where it goes. While no instance runs the candidate, the
 * environment is on its way to it when it has been told to and its options are not those of before:
 * going back sets these first.
 */
static int is_forward(const struct target_env *env, const struct bean_record *r,
		      const struct bean_candidate *c, const struct seen *v, bool *yes,
		      struct err *err)
{
	int64_t theirs = newest_deployment(&v->fleet, c->label, true);
	int64_t before = newest_deployment(&v->fleet, c->label, false);
	struct beanstalk_settings settings;
	struct bean_options w;

	*yes = false;
	if (v->e->status != BEANSTALK_UPDATING || !v->e->is_abortable)
		return 0;
	if (theirs >= 0) {
		*yes = before >= 0 && theirs > before;
		return 0;
	}
	if (!runs(v->e, c->label))
		return 0;
	if (bean_settings(env, r->application, v->e->name, &settings, err))
		return -1;
	bean_options_before(r, &w);
	*yes = !bean_are_set(&settings, &w) || strcmp(r->policy, "TrafficSplitting") == 0;
	return 0;
}

/* An update that Beanstalk gave up ends in Ready, with the old version and an event. */
static int say_failed(const struct target_env *env, const struct rollout_state *s,
		      const struct seen *v, struct target_observation *o, struct err *err)
{
	const char *failure;

	if (v->e->status != BEANSTALK_READY || v->is_new)
		return 0;
	if (bean_failure_since(env, v->e->id, s->changed_at, &failure, err))
		return bean_unreadable(o, err);
	if (failure) {
		o->candidate = CANDIDATE_FAILED;
		bean_detail(o, "%s: %s", v->e->name, failure);
	}
	return 0;
}

static void say_shifting(const struct target_env *env, const struct seen *v,
			 struct target_observation *o)
{
	if (v->fleet.failed) {
		o->candidate = CANDIDATE_FAILED;
		bean_detail(o, "deploying failed on %zu instances of %s", v->fleet.failed,
			    v->e->name);
	} else if (v->e->status != BEANSTALK_READY) {
		/* nothing can be asked of it now */
		o->candidate = CANDIDATE_PENDING;
		bean_detail(o, "%s is %s: %zu instances run the new version, %zu do not",
			    v->e->name, bean_state_text(env->arena, v->e), v->fleet.with_label,
			    v->fleet.others);
	}
}

/* Up, with no traffic, is: the version is processed and the options are set. */
static int say_prepared(const struct target_env *env, const struct bean_record *r,
			const struct bean_candidate *c, const struct seen *v,
			struct target_observation *o, struct err *err)
{
	struct beanstalk_settings settings;
	struct beanstalk_version version;
	struct bean_options w;

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
			return bean_unreadable(o, err);
		*err = ERR_INIT;
		return 0;
	}
	if (bean_settings(env, r->application, v->e->name, &settings, err))
		return bean_unreadable(o, err);
	bean_options_of_plan(env, &w);
	o->candidate = CANDIDATE_PENDING;
	if (version.status != BEANSTALK_PROCESSED && version.status != BEANSTALK_UNPROCESSED)
		bean_detail(o, "version %s is being processed", c->label);
	else if (!bean_are_set(&settings, &w) || v->e->status != BEANSTALK_READY)
		bean_detail(o, "the options of %s for splitting traffic are being set", v->e->name);
	else if (!bean_is_healthy(v->e))
		bean_detail(o, "%s is not healthy: %s", v->e->name,
			    bean_state_text(env->arena, v->e));
	else
		o->candidate = CANDIDATE_READY;
	return 0;
}

/*
 * For the health guard, once there is traffic: how the new instances are. The environment as a
 * whole is of both versions, and of what comes and goes.
 */
static void say_healthy(const struct bean_candidate *c, const struct seen *v,
			struct target_observation *o)
{
	for (size_t i = 0; i < v->fleet.n; i++) {
		const struct beanstalk_instance *one = &v->fleet.instances[i];

		if (!one->version_label || strcmp(one->version_label, c->label) != 0 ||
		    (one->health != BEANSTALK_WARNING && one->health != BEANSTALK_DEGRADED &&
		     one->health != BEANSTALK_SEVERE))
			continue;
		o->candidate = CANDIDATE_PENDING;
		bean_detail(o, "instance %s is %s: %s", one->id, beanstalk_health_name(one->health),
			    one->cause ? one->cause : "no cause given");
		return;
	}
}

/* Are the options what they were? Only then, going back or retiring, is it over. */
static int say_options(const struct target_env *env, const struct rollout_state *s,
		       const struct bean_record *r, const struct seen *v,
		       struct target_observation *o, struct err *err)
{
	struct beanstalk_settings settings;
	struct bean_options w;

	if (bean_settings(env, r->application, v->e->name, &settings, err))
		return bean_unreadable(o, err);
	bean_options_before(r, &w);
	if (bean_are_set(&settings, &w) && v->e->status == BEANSTALK_READY)
		return 0;
	bean_detail(o, "the deployment options of %s are not yet as they were", v->e->name);
	o->retired = false;
	/* with no traffic on the candidate, but not as the undo record says */
	if (is_going_back(s->phase) && o->live == LIVE_BASELINE && o->settled)
		o->live = LIVE_SPLIT;
	return 0;
}

static int say_back(const struct target_env *env, const struct rollout_state *s,
		    const struct bean_record *r, const struct bean_candidate *c,
		    const struct seen *v, struct target_observation *o, struct err *err)
{
	bool forward;

	if (is_forward(env, r, c, v, &forward, err))
		return bean_unreadable(o, err);
	if (forward && o->live == LIVE_BASELINE) {
		o->live = LIVE_SPLIT; /* nothing yet, but there will be: it has to be stopped */
		bean_detail(o, "%s is still on its way to the new version", v->e->name);
		return 0;
	}
	/* told to run the candidate, or some instance does: the old version has to come back */
	if (o->live == LIVE_BASELINE && (v->is_new || v->fleet.with_label > 0) && o->settled) {
		o->live = LIVE_SPLIT;
		bean_detail(o, "%s is not back on %s", v->e->name, r->label);
		return 0;
	}
	if (say_options(env, s, r, v, o, err))
		return -1;
	return bean_baseline_health(env, r, v->e, &o->baseline_health, err);
}

static int observe(const struct target_env *env, const struct rollout_state *s,
		   const struct bean_record *r, const struct bean_candidate *c,
		   struct target_observation *o, struct err *err)
{
	struct seen v;
	int rc = see(env, r, c, &v, o, err);

	if (rc)
		return rc < 0 ? -1 : 0;
	if (read_share(env, r, c, &v, err))
		return bean_unreadable(o, err);
	say_live(env, s, &v, o);
	if (is_going_back(s->phase))
		return say_back(env, s, r, c, &v, o, err);
	if (s->phase == PHASE_PREPARE || (s->phase == PHASE_VERIFY && o->live == LIVE_BASELINE &&
					  v.e->status == BEANSTALK_READY))
		return say_prepared(env, r, c, &v, o, err);
	if (s->phase == PHASE_VERIFY) {
		say_healthy(c, &v, o);
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
		   const struct bean_record *r, struct bean_candidate *c, struct err *err)
{
	struct beanstalk_settings settings;
	char label[BEAN_LABEL_SIZE];
	bool is_there;
	struct bean_options w;

	(void)s;
	if (!c->label[0]) {
		if (bean_bundle_label(env, label, err))
			return -1;
		c->label = arena_strdup(env->arena, label);
		return 0;
	}
	if (bean_version_make(env, r->application, c->label, &is_there, err))
		return -1;
	if (!is_there || strcmp(c->label, r->label) == 0)
		return 0;
	if (bean_settings(env, r->application, r->name, &settings, err))
		return -1;
	bean_options_of_plan(env, &w);
	if (bean_are_set(&settings, &w))
		return 0;
	if (bean_set_options(env, r, &w, err))
		return bean_is_busy(err) ? 0 : -1;
	return 0;
}

static int deploy(const struct target_env *env, const struct bean_record *r, const char *label,
		  struct err *err)
{
	const struct beanstalk_update u = {.environment_id = r->baseline, .version_label = label};

	return beanstalk_update_environment(&env->client, &u, env->arena, err);
}

/* Read again, and only go on when nothing has changed since this turn's look. */
static int look_again(const struct target_env *env, const struct bean_record *r,
		      const struct target_observation *o, struct bean_look *l, struct err *err)
{
	char lock[OBSERVATION_LOCK_MAX];
	const struct beanstalk_environment *e;

	if (bean_look(env, r, l, err))
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
		 const struct bean_record *r, const struct bean_candidate *c,
		 const struct target_observation *o, const struct traffic *want, struct err *err)
{
	struct bean_look l;

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
			       bean_state_text(env->arena, l.baseline));
	return deploy(env, r, c->label, err);
}

/* Beanstalk does it by itself, when its evaluation time is over. */
static int promote(const struct target_env *env, const struct rollout_state *s,
		   const struct bean_record *r, const struct bean_candidate *c,
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

static int restore_options(const struct target_env *env, const struct bean_record *r, bool *done,
			   struct err *err)
{
	struct beanstalk_settings settings;
	struct bean_options w;

	*done = false;
	if (bean_settings(env, r->application, r->name, &settings, err))
		return -1;
	bean_options_before(r, &w);
	if (!bean_are_set(&settings, &w))
		return bean_set_options(env, r, &w, err);
	*done = true;
	return 0;
}

/*
 * An update that runs is aborted. Then the options first: with them the old version comes back the
 * way this environment is usually deployed to, not by another evaluation of many minutes.
 */
static int restore(const struct target_env *env, const struct rollout_state *s,
		   const struct bean_record *r, const struct bean_candidate *c,
		   const struct target_observation *o, struct err *err)
{
	struct seen v = {.e = NULL};
	struct bean_look l;
	bool done, forward;

	(void)s;
	if (look_again(env, r, o, &l, err))
		return -1;
	v.e = l.baseline;
	if (v.e->status == BEANSTALK_UPDATING) {
		if (bean_fleet_read(env, v.e->id, c->label, &v.fleet, err) ||
		    is_forward(env, r, c, &v, &forward, err))
			return -1;
		if (forward)
			return beanstalk_abort_update(&env->client, r->baseline, env->arena, err);
	}
	if (l.baseline->status != BEANSTALK_READY)
		return err_set(err, ERR_CONFLICT, "%s is %s and cannot be told anything now",
			       r->name, bean_state_text(env->arena, l.baseline));
	if (restore_options(env, r, &done, err))
		return -1;
	return done ? deploy(env, r, r->label, err) : 0;
}

static int retire(const struct target_env *env, const struct bean_record *r, struct err *err)
{
	bool done;

	if (restore_options(env, r, &done, err))
		return bean_is_busy(err) ? 0 : -1;
	return 0;
}

const struct bean_way bean_by_splitting = {
	.observe = observe,
	.prepare = prepare,
	.split = split,
	.promote = promote,
	.restore = restore,
	.retire = retire,
};
