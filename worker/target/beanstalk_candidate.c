#include "worker/target/beanstalk.h"
#include "worker/target/record.h"

#include <string.h>

/*
 * The second environment: a clone that is created from the live one's configuration, or a standing
 * twin that is told to run the version. It is up when it is Ready, runs this version on every
 * instance, has as many of them as the live one, nothing went wrong since it was begun, and all of
 * that has held for a while.
 */
#define STEADY_MS 30000		  /* healthy in several looks in a row */
#define BEFORE_CLONE_MS 3600000ll /* nothing is older than a clone: room for clocks that differ */

/* How many instances are wanted; 0: whatever there are. */
static int64_t wanted(const struct target_env *env, const struct bean_record *r)
{
	return env->plan->target.beanstalk.match_capacity && r->max > 0 ? r->instances : 0;
}

static int64_t wanted_min(const struct target_env *env, const struct bean_record *r)
{
	int64_t n = wanted(env, r);

	return n > r->min ? n : r->min;
}

static int64_t wanted_max(const struct target_env *env, const struct bean_record *r)
{
	int64_t n = wanted_min(env, r);

	return n > r->max ? n : r->max;
}

/* --- looking --------------------------------------------------------------------------------- */

/*
 * Sets o->candidate and detail; true when there is nothing more to find out. Verified, and asked
 * about by the health guard, is how the application is: being busy with an exchange is no illness.
 */
static bool is_not_up(const struct target_env *env, enum phase phase, const struct bean_record *r,
		      const struct bean_candidate *c, const struct beanstalk_environment *e,
		      struct target_observation *o)
{
	o->candidate = CANDIDATE_PENDING;
	if (!e) {
		o->candidate = r->twin[0] ? CANDIDATE_FAILED : CANDIDATE_ABSENT;
		bean_detail(o, "there is no environment %s%s", r->candidate,
			    r->twin[0] ? " any more" : " yet");
	} else if (e->status == BEANSTALK_TERMINATING) {
		o->candidate = CANDIDATE_FAILED;
		bean_detail(o, "%s is being terminated", e->name);
	} else if (e->status != BEANSTALK_READY &&
		   !(phase == PHASE_VERIFY && e->status == BEANSTALK_UPDATING)) {
		bean_detail(o, "%s is %s", e->name, bean_state_text(env->arena, e));
	} else if (!e->version_label || strcmp(e->version_label, c->label) != 0) {
		bean_detail(o, "%s runs %s, not yet %s", e->name,
			    e->version_label ? e->version_label : "the sample application",
			    c->label);
	} else if (!bean_is_healthy(e)) {
		bean_detail(o, "%s is not healthy: %s", e->name, bean_state_text(env->arena, e));
	} else {
		o->candidate = CANDIDATE_READY;
	}
	return o->candidate != CANDIDATE_READY;
}

static int count_instances(const struct target_env *env, const struct beanstalk_environment *e,
			   struct bean_fleet *f, struct err *err)
{
	struct beanstalk_resources resources;

	if (f->is_told)
		return 0;
	if (beanstalk_describe_resources(&env->client, e->id, env->arena, &resources, err))
		return -1;
	f->n = f->with_label = resources.instances.n;
	return 0;
}

/* Once it is up, an instance that starts is only one more. */
static bool is_enough(const struct target_env *env, enum phase phase, const struct bean_record *r,
		      const struct bean_fleet *f)
{
	if (phase != PHASE_PREPARE)
		return f->others == 0 && f->with_label > 0;
	return f->with_label == f->n && f->n > 0 && (int64_t)f->n >= wanted(env, r) && !f->is_mixed;
}

static int look_at_fleet(const struct target_env *env, enum phase phase,
			 const struct bean_record *r, const struct bean_candidate *c,
			 const struct beanstalk_environment *e, struct target_observation *o,
			 struct err *err)
{
	int64_t least = wanted(env, r);
	struct bean_fleet f;

	if (bean_fleet_read(env, e->id, c->label, &f, err) || count_instances(env, e, &f, err))
		return -1;
	o->candidate = CANDIDATE_PENDING;
	if (f.failed) {
		o->candidate = CANDIDATE_FAILED;
		bean_detail(o, "deploying %s failed on %zu of %zu instances of %s", c->label,
			    f.failed, f.n, e->name);
	} else if (!is_enough(env, phase, r, &f)) {
		bean_detail(o, "%zu of %zu instances of %s run %s%s; %lld are wanted", f.with_label,
			    f.n, e->name, c->label, f.is_mixed ? ", of different deployments" : "",
			    least > 0 ? (long long)least : 1LL);
	} else {
		o->candidate = CANDIDATE_READY;
	}
	return 0;
}

/*
 * A twin was told to run this rollout's version, and runs neither that nor what it ran before:
 * another rollout has told it something else since. One that is told twice would be told for ever.
 */
static bool is_told_otherwise(const struct bean_candidate *c, const struct beanstalk_environment *e)
{
	char mark[RECORD_MARK_SIZE];

	if (!e || !c->before || !c->before[0] || !e->version_label ||
	    strcmp(e->version_label, c->label) == 0)
		return false;
	record_mark(e->version_label, mark);
	return strcmp(mark, c->before) != 0;
}

/* How it is at this moment. */
static int look(const struct target_env *env, const struct rollout_state *s,
		const struct bean_record *r, const struct bean_candidate *c,
		const struct bean_look *l, struct target_observation *o, struct err *err)
{
	const struct beanstalk_environment *e = l->candidate;
	struct utc since = s->started;
	const char *failure = NULL;

	if (!c->label[0]) {
		o->candidate = CANDIDATE_ABSENT;
		bean_detail(o, "there is no version of the artifact yet");
		return 0;
	}
	if (l->baseline && l->baseline->version_label &&
	    strcmp(l->baseline->version_label, c->label) == 0 && strcmp(r->label, c->label) == 0) {
		o->candidate = CANDIDATE_SAME;
		return 0;
	}
	if (is_told_otherwise(c, e)) {
		o->live = LIVE_FOREIGN;
		o->candidate = CANDIDATE_PENDING;
		bean_detail(o, "%s runs %s, which somebody else deployed", e->name,
			    e->version_label);
		return 0;
	}
	if (!r->twin[0])
		since.ms -= BEFORE_CLONE_MS;
	if (e && bean_failure_since(env, e->id, since, &failure, err))
		return -1;
	if (failure) {
		o->candidate = CANDIDATE_FAILED;
		bean_detail(o, "%s: %s", e->name, failure);
		return 0;
	}
	if (is_not_up(env, s->phase, r, c, e, o))
		return 0;
	return look_at_fleet(env, s->phase, r, c, e, o, err);
}

int bean_candidate_observe(const struct target_env *env, const struct rollout_state *s,
			   const struct bean_record *r, const struct bean_candidate *c,
			   const struct bean_look *l, struct target_observation *o, struct err *err)
{
	int64_t now_ms = clock_utc(env->client.aws->clock).ms;

	if (look(env, s, r, c, l, o, err))
		return bean_unreadable(o, err);
	if (o->candidate == CANDIDATE_READY && s->phase == PHASE_PREPARE &&
	    (!c->well_since_s || now_ms - c->well_since_s * 1000 < STEADY_MS)) {
		o->candidate = CANDIDATE_PENDING;
		bean_detail(o, "%s is healthy; that has to hold for %d s", r->candidate,
			    STEADY_MS / 1000);
	}
	return 0;
}

/* --- bringing it up -------------------------------------------------------------------------- */

static int read_tags(const struct target_env *env, const struct beanstalk_environment *live,
		     struct beanstalk_create *create, struct err *err)
{
	struct beanstalk_tag *theirs, *tags;
	size_t n, kept = 0;

	if (!live->arn ||
	    beanstalk_list_tags(&env->client, live->arn, env->arena, &theirs, &n, err))
		return live->arn ? -1
				 : err_set(err, ERR_MALFORMED, "environment %s has no ARN",
					   live->name);
	tags = arena_array(env->arena, struct beanstalk_tag, n + 1);
	for (size_t i = 0; i < n; i++)
		if (strcmp(theirs[i].key, "rollout-worker") != 0)
			tags[kept++] = theirs[i];
	tags[kept++] = (struct beanstalk_tag){"rollout-worker",
					      env->rollout_id ? env->rollout_id : "unknown"};
	create->tags = tags;
	create->n_tags = kept;
	return 0;
}

/* The name or the CNAME is in use: by us, in this application, or by somebody else. */
static int taken(const struct target_env *env, const struct bean_record *r, struct err *err)
{
	struct err looked = ERR_INIT;
	struct bean_look l;

	if (beanstalk_refusal_of(err) != BEANSTALK_REFUSAL_TAKEN)
		return bean_is_busy(err) ? 0 : -1;
	if (bean_look(env, r, &l, &looked)) {
		*err = looked;
		return -1;
	}
	if (!l.candidate) {
		err->code = ERR_REJECTED; /* it will not get free by waiting */
		return -1;
	}
	*err = ERR_INIT;
	return 0;
}

static int create_clone(const struct target_env *env, const struct bean_record *r,
			const struct bean_candidate *c, const struct beanstalk_environment *live,
			struct err *err)
{
	const char *prefix = env->plan->target.beanstalk.cname_prefix;
	struct beanstalk_option sizes[] = {
		{BEAN_NS_ASG, "MinSize",
		 arena_printf(env->arena, "%lld", (long long)wanted_min(env, r)), NULL},
		{BEAN_NS_ASG, "MaxSize",
		 arena_printf(env->arena, "%lld", (long long)wanted_max(env, r)), NULL},
	};
	struct beanstalk_create create = {
		.application = r->application,
		.name = r->candidate,
		.description = arena_printf(env->arena, "candidate beside %s", live->name),
		.cname_prefix = prefix ? prefix : r->candidate,
		.version_label = c->label,
		.template_name = r->candidate,
		.tier_name = live->tier_name,
		.tier_type = live->tier_type,
		.options = sizes,
		.n_options = r->max > 0 ? 2 : 0};
	struct beanstalk_environment made;

	if (read_tags(env, live, &create, err))
		return -1;
	if (beanstalk_create_environment(&env->client, &create, env->arena, &made, err))
		return taken(env, r, err);
	return 0;
}

/* A configuration template first, from the live environment; then the environment from it. */
static int clone(const struct target_env *env, const struct bean_record *r,
		 const struct bean_candidate *c, const struct bean_look *l, struct err *err)
{
	bool there;

	if (!l->baseline)
		return err_set(err, ERR_REJECTED, "the live environment %s (%s) is gone", r->name,
			       r->baseline);
	if (l->baseline->status != BEANSTALK_READY)
		return 0;
	if (beanstalk_has_template(&env->client, r->application, r->candidate, env->arena, &there,
				   err))
		return -1;
	if (there)
		return create_clone(env, r, c, l->baseline, err);
	if (beanstalk_create_template(&env->client, r->application, r->candidate, r->baseline,
				      env->arena, err) == 0)
		return 0;
	if (beanstalk_refusal_of(err) != BEANSTALK_REFUSAL_TAKEN)
		return bean_is_busy(err) ? 0 : -1;
	*err = ERR_INIT;
	return 0;
}

/* Sizes first: version and options in one call are refused. *done: there was nothing to change. */
static int match_sizes(const struct target_env *env, const struct bean_record *r,
		       const struct beanstalk_environment *e, bool *done, struct err *err)
{
	struct beanstalk_settings settings;

	*done = true;
	if (!wanted(env, r))
		return 0;
	if (bean_settings(env, r->application, e->name, &settings, err))
		return -1;
	if (bean_option_i64(&settings, BEAN_NS_ASG, "MinSize", 0) >= wanted_min(env, r) &&
	    bean_option_i64(&settings, BEAN_NS_ASG, "MaxSize", 0) == wanted_max(env, r))
		return 0;
	*done = false;
	if (bean_resize(env, e->id, wanted_min(env, r), wanted_max(env, r), err))
		return bean_is_busy(err) ? 0 : -1;
	return 0;
}

static int update_twin(const struct target_env *env, const struct bean_record *r,
		       struct bean_candidate *c, const struct beanstalk_environment *e,
		       struct err *err)
{
	const struct beanstalk_update u = {.environment_id = e->id, .version_label = c->label};
	char before[RECORD_MARK_SIZE];
	bool done;

	if (e->status != BEANSTALK_READY)
		return 0;
	if (match_sizes(env, r, e, &done, err))
		return -1;
	if (!done || (e->version_label && strcmp(e->version_label, c->label) == 0))
		return 0;
	if (beanstalk_update_environment(&env->client, &u, env->arena, err))
		return bean_is_busy(err) ? 0 : -1;
	record_mark(e->version_label ? e->version_label : "", before);
	c->before = arena_strdup(env->arena, before);
	return 0;
}

/* Remember since when it has been well. */
static void keep_time(const struct target_env *env, const struct target_observation *o,
		      struct bean_candidate *c)
{
	if (o->candidate != CANDIDATE_READY)
		c->well_since_s = 0;
	else if (!c->well_since_s)
		c->well_since_s = clock_utc(env->client.aws->clock).ms / 1000;
}

int bean_candidate_prepare(const struct target_env *env, const struct rollout_state *s,
			   const struct bean_record *r, struct bean_candidate *c, struct err *err)
{
	struct target_observation o = {.live = LIVE_BASELINE};
	char label[BEAN_LABEL_SIZE];
	struct bean_look l;
	bool is_there;

	if (!c->label[0]) {
		if (bean_bundle_label(env, label, err))
			return -1;
		c->label = arena_strdup(env->arena, label);
		return 0; /* it may be the one that serves already */
	}
	if (bean_version_make(env, r->application, c->label, &is_there, err))
		return -1;
	if (!is_there)
		return 0;
	if (bean_look(env, r, &l, err))
		return -1;
	if (!l.candidate && r->twin[0])
		return err_set(err, ERR_REJECTED, "the twin %s (%s) is gone", r->candidate,
			       r->twin);
	if (!l.candidate)
		return clone(env, r, c, &l, err);
	if (look(env, s, r, c, &l, &o, err))
		return -1;
	if (o.live == LIVE_FOREIGN)
		return 0;
	keep_time(env, &o, c);
	if (o.candidate == CANDIDATE_READY || o.candidate == CANDIDATE_FAILED || !r->twin[0])
		return 0;
	return update_twin(env, r, c, l.candidate, err);
}
