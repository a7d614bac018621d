#include "worker/target/beanstalk.h"

#include <stdio.h>
#include <string.h>

/*
 * Blue/green by an exchange of CNAMEs. Who has the CNAME of the undo record has the traffic. The
 * exchange answers before it happens, and twice is back to where it began: so each is preceded by a
 * look at the CNAMEs, and at whether one is under way already.
 */
#define SWAP_TIME_MS 300000 /* an exchange that was asked for is waited for so long */
#define SWAP_SEEN_MS 20000  /* and one whose answer was lost shows by then */

static bool has_cname(const struct beanstalk_environment *e, const char *cname)
{
	return e && e->cname && str_is_nocase(str_from(e->cname), cname);
}

static bool is_ready(const struct beanstalk_environment *e)
{
	return e && e->status == BEANSTALK_READY;
}

/* --- looking --------------------------------------------------------------------------------- */

static bool is_going_back(enum phase p)
{
	return p == PHASE_RESTORE || p == PHASE_PROVE;
}

static bool is_promoting(enum phase p)
{
	return p == PHASE_PROMOTE || p == PHASE_BAKE || p == PHASE_RETIRE;
}

/*
 * An exchange keeps both busy. Going on needs both idle, as the way back does; the way back itself
 * is over when the baseline is, and when an exchange whose answer was lost would have shown.
 */
static bool is_settled(const struct target_env *env, const struct rollout_state *s,
		       const struct bean_look *l)
{
	int64_t now_ms = clock_utc(env->client.aws->clock).ms;

	if (s->phase == PHASE_RESTORE)
		return is_ready(l->baseline) &&
		       (!s->changed_at.ms || now_ms - s->changed_at.ms >= SWAP_SEEN_MS);
	return is_ready(l->candidate) && (s->phase == PHASE_RETIRE || is_ready(l->baseline));
}

static bool runs(const struct beanstalk_environment *e, const char *label)
{
	return strcmp(e->version_label ? e->version_label : "", label) == 0;
}

/* Somebody else deployed to one of the two: what is live is no more what was looked at. */
static bool is_deployed_to(const struct rollout_state *s, const struct bean_record *r,
			   const struct bean_candidate *c, const struct bean_look *l,
			   struct target_observation *o)
{
	bool is_later = s->phase == PHASE_WATCH || is_promoting(s->phase);
	const struct beanstalk_environment *e = NULL;

	if (!is_going_back(s->phase) && !is_promoting(s->phase) && l->baseline &&
	    !runs(l->baseline, r->label))
		e = l->baseline;
	else if (is_later && l->candidate && !runs(l->candidate, c->label))
		e = l->candidate;
	if (!e)
		return false;
	o->live = LIVE_FOREIGN;
	bean_detail(o, "%s runs %s, which somebody else deployed", e->name,
		    e->version_label ? e->version_label : "the sample application");
	return true;
}

static void nobody_has_it(const struct target_env *env, const struct bean_record *r,
			  const struct bean_look *l, struct target_observation *o)
{
	const struct beanstalk_environment *busy = l->baseline;

	if (!busy || is_ready(busy))
		busy = l->candidate;
	if (busy && !is_ready(busy)) {
		o->live = LIVE_UNREADABLE;
		bean_detail(o, "nobody has %s at this moment: %s is %s", r->cname, busy->name,
			    bean_state_text(env->arena, busy));
	} else {
		o->live = LIVE_FOREIGN;
		bean_detail(o, "no environment of %s has %s any more", r->application, r->cname);
	}
}

static void read_live(const struct target_env *env, const struct rollout_state *s,
		      const struct bean_record *r, const struct bean_candidate *c,
		      const struct bean_look *l, struct target_observation *o)
{
	const struct beanstalk_environment *holder = beanstalk_find_cname(l->all, l->n, r->cname);

	o->settled = is_settled(env, s, l);
	if (!holder) {
		nobody_has_it(env, r, l, o);
		return;
	}
	snprintf(o->lock, sizeof(o->lock), "%s", holder->id);
	if (is_deployed_to(s, r, c, l, o))
		return;
	if (holder == l->baseline) {
		o->live = LIVE_BASELINE;
	} else if (holder == l->candidate) {
		o->live = is_promoting(s->phase) ? LIVE_PROMOTED : LIVE_CANDIDATE;
		o->traffic.weight_bp = 10000;
		/* a clone is this rollout's; a twin anybody may have exchanged */
		o->unnamed = r->twin[0] != '\0';
	} else {
		o->live = LIVE_FOREIGN;
		bean_detail(o, "%s belongs to %s now", r->cname, holder->name);
	}
}

static int look_back(const struct target_env *env, const struct rollout_state *s,
		     const struct bean_record *r, const struct bean_look *l,
		     struct target_observation *o, struct err *err)
{
	if (!l->baseline) {
		o->baseline_health = verdict_make(VERDICT_FAIL, clock_utc(env->client.aws->clock),
						  "%s is gone", r->name);
		return 0;
	}
	if (bean_baseline_health(env, r, l->baseline, &o->baseline_health, err))
		return -1;
	if (s->phase == PHASE_PROVE && o->live == LIVE_BASELINE)
		return bean_leftover_look(env, r, l, o, err);
	return 0;
}

static int observe(const struct target_env *env, const struct rollout_state *s,
		   const struct bean_record *r, const struct bean_candidate *c,
		   struct target_observation *o, struct err *err)
{
	struct bean_look l;

	if (bean_look(env, r, &l, err))
		return bean_unreadable(o, err);
	read_live(env, s, r, c, &l, o);
	if (o->live == LIVE_UNREADABLE || o->live == LIVE_FOREIGN)
		return 0;
	if (is_going_back(s->phase))
		return look_back(env, s, r, &l, o, err);
	if (s->phase == PHASE_RETIRE)
		return o->live == LIVE_PROMOTED ? bean_retire_look(env, r, &l, o, err) : 0;
	if (s->phase == PHASE_PREPARE || s->phase == PHASE_VERIFY ||
	    (o->live == LIVE_BASELINE && (s->phase == PHASE_SHIFT || s->phase == PHASE_PROMOTE)))
		return bean_candidate_observe(env, s, r, c, &l, o, err);
	return 0;
}

/* --- exchanging ------------------------------------------------------------------------------ */

static bool says(const char *text, const char *words)
{
	size_t n = strlen(words);

	for (; *text; text++)
		if (str_is_nocase(str_sub(str_from(text), 0, n), words))
			return true;
	return false;
}

/* One that is over shows in the CNAMEs soon after; one that is not is waited for. */
static bool is_pending(const struct beanstalk_event *e, int64_t now_ms)
{
	bool is_over = says(e->message, "complet") || says(e->message, "fail");

	return now_ms - e->at.ms < (is_over ? SWAP_SEEN_MS : SWAP_TIME_MS);
}

/*
 * Has an exchange been asked for since this phase began? Then the answer was lost, or the CNAMEs
 * seen are those of before.
 */
static int is_under_way(const struct target_env *env, const struct rollout_state *s,
			const char *environment_id, bool *yes, struct err *err)
{
	struct beanstalk_event *events;
	size_t n, i = 0;

	*yes = false;
	if (beanstalk_describe_events(&env->client, environment_id, s->phase_since, "INFO",
				      env->arena, &events, &n, err))
		return -1;
	while (i < n && !says(events[i].message, "swap"))
		i++; /* the newest of them counts */
	*yes = i < n && is_pending(&events[i], clock_utc(env->client.aws->clock).ms);
	return 0;
}

/* Take the CNAME from one and give it to the other, having looked that it is there. */
static int exchange(const struct target_env *env, const struct rollout_state *s,
		    const struct bean_record *r, const struct target_observation *o,
		    const struct bean_look *l, bool forward, struct err *err)
{
	const struct beanstalk_environment *from = forward ? l->baseline : l->candidate;
	const struct beanstalk_environment *to = forward ? l->candidate : l->baseline;
	bool under_way;

	if (!from || !to)
		return err_set(err, ERR_REJECTED, "there are no two environments to exchange %s",
			       r->cname);
	if (!has_cname(from, r->cname) || strcmp(o->lock, from->id) != 0)
		return err_set(err, ERR_CONFLICT,
			       "%s does not have %s, or did not when it was looked at", from->name,
			       r->cname);
	if (!is_ready(from) || !is_ready(to))
		return err_set(err, ERR_CONFLICT, "%s is %s, %s is %s: both have to be Ready",
			       from->name, bean_state_text(env->arena, from), to->name,
			       bean_state_text(env->arena, to));
	if (is_under_way(env, s, to->id, &under_way, err))
		return -1;
	if (under_way)
		return err_set(err, ERR_CONFLICT,
			       "an exchange of the CNAMEs of %s and %s was asked for already",
			       from->name, to->name);
	return beanstalk_swap_cnames(&env->client, from->id, to->id, env->arena, err);
}

static int split(const struct target_env *env, const struct rollout_state *s,
		 const struct bean_record *r, const struct bean_candidate *c,
		 const struct target_observation *o, const struct traffic *want, struct err *err)
{
	struct bean_look l;

	(void)c;
	if (want->weight_bp != 10000 || want->segments)
		return err_set(err, ERR_REJECTED,
			       "an exchange of CNAMEs moves everybody at once, not a share");
	if (bean_look(env, r, &l, err))
		return -1;
	return exchange(env, s, r, o, &l, true, err);
}

static int promote(const struct target_env *env, const struct rollout_state *s,
		   const struct bean_record *r, const struct bean_candidate *c,
		   const struct target_observation *o, struct err *err)
{
	return split(env, s, r, c, o, &(struct traffic){.weight_bp = 10000}, err);
}

static int restore(const struct target_env *env, const struct rollout_state *s,
		   const struct bean_record *r, const struct bean_candidate *c,
		   const struct target_observation *o, struct err *err)
{
	struct bean_look l;

	(void)c;
	if (bean_look(env, r, &l, err))
		return -1;
	/* an update of the candidate would block the way back */
	if (l.candidate && l.candidate->status == BEANSTALK_UPDATING && l.candidate->is_abortable &&
	    has_cname(l.candidate, r->cname))
		return beanstalk_abort_update(&env->client, l.candidate->id, env->arena, err);
	return exchange(env, s, r, o, &l, false, err);
}

const struct bean_way bean_by_swap = {
	.observe = observe,
	.prepare = bean_candidate_prepare,
	.split = split,
	.promote = promote,
	.restore = restore,
	.retire = bean_retire,
};
