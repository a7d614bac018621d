#include "worker/target/auto_scaling.h"
#include "worker/target/claims.h"

#include <stdio.h>
#include <string.h>

/*
 * An EC2 Auto Scaling group: the new version comes up in another group, a copy or a standing twin,
 * behind a target group of its own, and traffic is moved by weights. Before each rise the candidate
 * is sized for it. Between turns nothing is known but the two records and what can be read.
 */
#define UNSEEN_MS 30000 /* a command sent so short a time ago may not be listed yet */

static void say(struct target_observation *o, const char *text)
{
	str_copy_clean(o->detail, sizeof(o->detail), str_from(text));
}

static int64_t now_ms(const struct target_env *env)
{
	return clock_utc(env->client.aws->clock).ms;
}

static void claim_group(const struct target_env *env, struct target_claims *c, const char *name)
{
	claims_add_name(env, c, "auto-scaling", name);
}

/* Which of the family is live, and its rule, a look shows; its copy is named after the rollout. */
static int claims(const struct target_env *env, const char *undo, struct target_claims *c,
		  struct err *err)
{
	const struct plan_auto_scaling *t = &env->plan->target.auto_scaling;
	struct as_record r;

	claim_group(env, c, t->group);
	claim_group(env, c, t->twin);
	claims_add(env, c, env->plan->target.lb.resource_arn);
	if (!undo[0])
		return 0;
	if (as_record_load(env->arena, undo, &r, err))
		return -1;
	claim_group(env, c, r.base);
	claim_group(env, c, r.live);
	claim_group(env, c, r.twin);
	claims_add(env, c, r.lb.resource);
	return 0;
}

/* --- observe: the candidate ------------------------------------------------------------------ */

static void pending(struct target_observation *o, const struct as_health *h, int64_t need)
{
	char text[OBSERVATION_TEXT_MAX];

	o->candidate = CANDIDATE_PENDING;
	snprintf(text, sizeof(text), "candidate: %lld of %lld ready%s%s", (long long)h->units,
		 (long long)need, h->text[0] ? ": " : "", h->text);
	say(o, text);
}

/* PREPARE: up, healthy, and that for a while; prepare() writes down since when. */
static void judge_prepared(const struct target_env *env, const struct as_world *w,
			   const struct as_health *h, struct target_observation *o)
{
	int64_t need = as_need(env->plan, w, 0);
	int64_t stable = env->plan->target.auto_scaling.stable_ms;

	if (w->candidate.desired < need || h->units < need)
		pending(o, h, need);
	else if (!w->c.healthy_since.ms || now_ms(env) - w->c.healthy_since.ms < stable) {
		o->candidate = CANDIDATE_PENDING;
		say(o, "candidate: healthy, and watched whether it stays so");
	}
}

/*
 * SHIFT and PROMOTE: ready also when there is something to be done about the capacity, as split()
 * and promote() do that first.
 */
static void judge_rising(const struct target_env *env, const struct rollout_state *s,
			 const struct as_world *w, const struct as_health *h,
			 struct target_observation *o)
{
	int64_t need = s->phase == PHASE_SHIFT ? as_need(env->plan, w, s->step) : as_full(w);
	bool may_send = now_ms(env) - s->changed_at.ms >= UNSEEN_MS;

	if (w->candidate.desired < need || (h->n_uninstalled > 0 && may_send))
		return;
	if (h->units < need)
		pending(o, h, need);
}

static void judge(const struct target_env *env, const struct rollout_state *s,
		  const struct as_world *w, const struct as_health *h, struct target_observation *o)
{
	o->candidate = CANDIDATE_READY;
	if (h->failed) {
		o->candidate = CANDIDATE_FAILED;
		say(o, h->text);
	} else if (s->phase == PHASE_PREPARE) {
		judge_prepared(env, w, h, o);
	} else if (s->phase == PHASE_VERIFY) {
		int64_t need = as_need(env->plan, w, 0);

		if (h->units < need)
			pending(o, h, need);
	} else {
		judge_rising(env, s, w, h, o);
	}
}

static int observe_candidate(const struct target_env *env, const struct rollout_state *s,
			     const struct as_world *w, struct target_observation *o,
			     struct err *err)
{
	bool asked = s->phase == PHASE_PREPARE || s->phase == PHASE_VERIFY ||
		     s->phase == PHASE_SHIFT || s->phase == PHASE_PROMOTE;
	bool has_failed = o->candidate == CANDIDATE_FAILED;
	struct as_health h;

	o->candidate = CANDIDATE_READY;
	if (w->is_taken) {
		o->candidate = CANDIDATE_FAILED;
		say(o, arena_printf(env->arena, "a group %s is there, and not of this rollout",
				    w->name));
		return 0;
	}
	if (!w->candidate.name || w->candidate.status) {
		o->candidate = s->phase == PHASE_PREPARE && !w->r.twin ? CANDIDATE_ABSENT
								       : CANDIDATE_FAILED;
		say(o, arena_printf(env->arena, "there is no group %s", w->name));
		return 0;
	}
	if (has_failed) /* what the load balancer has said of it */
		o->candidate = CANDIDATE_FAILED;
	if (has_failed || !asked)
		return 0;
	if (as_read_health(env, s, w, &h, err))
		return lb_unreadable(o, err);
	judge(env, s, w, &h, o);
	return 0;
}

/* --- observe: all of it ---------------------------------------------------------------------- */

/* The baseline's group must be there for as long as it may have to serve again. */
static bool is_baseline_gone(const struct plan *plan, const struct rollout_state *s,
			     const struct as_world *w)
{
	enum asg_retire retire = plan->target.auto_scaling.retire;

	if (w->live.name && !w->live.status)
		return false;
	return s->phase != PHASE_RETIRE || retire == ASG_RETIRE_KEEP ||
	       retire == ASG_RETIRE_SCALE_IN;
}

/* On the way back, and in the promotion, the weights are not all there is. */
static void judge_rest(const struct target_env *env, const struct rollout_state *s,
		       const struct as_world *w, struct target_observation *o)
{
	bool back = s->phase == PHASE_RESTORE || s->phase == PHASE_PROVE;

	o->retired = as_is_retired(env->plan, w);
	o->leftover = back && !as_is_discarded(w);
	if (back && o->live == LIVE_BASELINE && !as_is_restored(w)) {
		o->live = LIVE_SPLIT; /* 0 % */
		o->traffic.weight_bp = 0;
		say(o, "the weights are back; sizes or processes of the groups are not yet");
	}
	if (s->phase == PHASE_PROMOTE && o->live == LIVE_PROMOTED &&
	    o->candidate != CANDIDATE_FAILED && !as_is_finished(w)) {
		o->live = LIVE_CANDIDATE;
		say(o, "the candidate has all traffic, but not yet the baseline's limits");
	}
	if (s->phase == PHASE_RETIRE && !o->retired)
		say(o, arena_printf(env->arena, "the old group %s has %zu instances", w->r.live,
				    w->live.n_instances));
}

static int observe(const struct target_env *env, const struct rollout_state *s,
		   struct target_observation *o, struct err *err)
{
	struct as_world w;

	*o = (struct target_observation){.baseline_health.kind = VERDICT_UNKNOWN};
	if (as_read(env, s, &w, err))
		return lb_unreadable(o, err);
	if (lb_observe(env, s, &w.r.lb, o, err))
		return -1;
	if (o->live == LIVE_UNREADABLE || o->live == LIVE_FOREIGN)
		return 0;
	if (is_baseline_gone(env->plan, s, &w)) {
		o->live = LIVE_FOREIGN;
		say(o, arena_printf(env->arena, "the group %s is not there any more", w.r.live));
		return 0;
	}
	judge_rest(env, s, &w, o);
	if (s->phase >= PHASE_RESTORE || s->phase == PHASE_RETIRE)
		return 0;
	return observe_candidate(env, s, &w, o, err);
}

/* --- prepare --------------------------------------------------------------------------------- */

/* The template's version: as the group has it that was made for this rollout; else made now. */
static int find_version(const struct target_env *env, const struct rollout_state *s,
			struct as_world *w, struct err *err)
{
	const struct asg_group *g = &w->candidate;

	if (w->c.version)
		return 0;
	if (!w->r.twin && g->name && g->launch_template.version &&
	    str_parse_i64(str_from(g->launch_template.version), 1, INT64_MAX, &w->c.version))
		return 0;
	return as_install_version(env, s, &w->r, &w->c.version, err);
}

static int install(const struct target_env *env, const struct rollout_state *s, struct as_world *w,
		   struct err *err)
{
	size_t n;
	int rc;

	if (now_ms(env) - w->c.sent.ms < UNSEEN_MS)
		return 0;
	rc = as_command_send(env, s, &w->candidate, &n, err);
	if (n > 0)
		w->c.sent.ms = now_ms(env);
	return rc;
}

/* Since when it is as healthy as it must be; nothing when it is not. */
static int note_health(const struct target_env *env, const struct rollout_state *s,
		       struct as_world *w, struct err *err)
{
	struct as_health h;

	if (as_read_health(env, s, w, &h, err))
		return -1;
	if (h.units < as_need(env->plan, w, 0))
		w->c.healthy_since.ms = 0;
	else if (!w->c.healthy_since.ms)
		w->c.healthy_since.ms = now_ms(env);
	return 0;
}

static int bring_up(const struct target_env *env, const struct rollout_state *s, struct as_world *w,
		    struct err *err)
{
	bool raised;

	if (as_make_ready(env, s, w, err))
		return -1;
	if (!w->candidate.name)
		return 0;
	if (as_raise(env, w, as_need(env->plan, w, 0), &raised, err))
		return -1;
	if (raised)
		return 0;
	if (env->plan->target.auto_scaling.install == ASG_INSTALL_COMMAND &&
	    install(env, s, w, err))
		return -1;
	return note_health(env, s, w, err);
}

static int prepare(const struct target_env *env, const struct rollout_state *s,
		   char candidate[LIMIT_CANDIDATE + 1], struct err *err)
{
	struct err unsaid = ERR_INIT;
	struct as_world w;
	bool known;
	int rc;

	if (as_read(env, s, &w, err))
		return -1;
	if (!w.live.name)
		return err_set(err, ERR_NOT_FOUND, "the group %s is not there any more", w.r.live);
	/* in the action first: in no action its instances would never be checked */
	if (lb_prepare(env, &w.r.lb, err) || as_hold(env, &w.live, err))
		return -1;
	known = w.c.version > 0;
	if (find_version(env, s, &w, err))
		return -1;
	/* written down before anything is started from it */
	rc = known ? bring_up(env, s, &w, err) : 0;
	/* that a command may have been sent is known though what came after it failed */
	return as_candidate_store(&w.c, w.name, candidate, rc ? &unsaid : err) ? -1 : rc;
}

/* --- split, promote -------------------------------------------------------------------------- */

/* Capacity, then commands, then health; *ready says that the weights may move. */
static int make_room(const struct target_env *env, const struct rollout_state *s,
		     const struct as_world *w, int64_t need, bool *ready, struct err *err)
{
	struct as_health h;
	bool raised;
	size_t n;

	*ready = false;
	if (!w->candidate.name)
		return err_set(err, ERR_CONFLICT, "the group %s is not there any more", w->name);
	if (as_raise(env, w, need, &raised, err))
		return -1;
	if (raised)
		return 0;
	if (as_read_health(env, s, w, &h, err))
		return -1;
	if (h.n_uninstalled > 0)
		return as_command_send(env, s, &w->candidate, &n, err);
	*ready = h.units >= need && !h.failed;
	return 0;
}

static int split(const struct target_env *env, const struct rollout_state *s,
		 const struct target_observation *o, const struct traffic *want, struct err *err)
{
	struct as_world w;
	bool ready = true;

	if (as_read(env, s, &w, err))
		return -1;
	/* what takes traffic from the candidate waits for nothing */
	if ((want->weight_bp > o->traffic.weight_bp || (want->segments & ~o->traffic.segments)) &&
	    make_room(env, s, &w, as_need(env->plan, &w, s->step), &ready, err))
		return -1;
	return ready ? lb_split(env, &w.r.lb, o, want, err) : 0;
}

static int promote(const struct target_env *env, const struct rollout_state *s,
		   const struct target_observation *o, struct err *err)
{
	const struct traffic all = {.weight_bp = 10000};
	struct as_world w;
	bool ready;

	if (as_read(env, s, &w, err) || make_room(env, s, &w, as_full(&w), &ready, err))
		return -1;
	if (!ready)
		return 0;
	if (!as_is_finished(&w))
		return as_finish(env, &w, err);
	return lb_split(env, &w.r.lb, o, &all, err);
}

/* --- the rest -------------------------------------------------------------------------------- */

static int restore(const struct target_env *env, const struct rollout_state *s,
		   const struct target_observation *o, struct err *err)
{
	struct as_world w;

	if (as_read(env, s, &w, err))
		return -1;
	return as_restore(env, &w, o, err);
}

static int retire(const struct target_env *env, const struct rollout_state *s,
		  const struct target_observation *o, struct err *err)
{
	struct as_world w;

	(void)o;
	if (as_read(env, s, &w, err))
		return -1;
	return as_retire(env, &w, err);
}

static int discard(const struct target_env *env, const struct rollout_state *s,
		   const struct target_observation *o, struct err *err)
{
	struct as_world w;

	(void)o;
	if (as_read(env, s, &w, err))
		return -1;
	return as_discard(env, &w, err);
}

static size_t series(const struct target_env *env, const struct rollout_state *s, bool candidate,
		     const char **ns, const char *names[PLAN_DIMENSIONS_MAX],
		     const char *values[PLAN_DIMENSIONS_MAX])
{
	struct err err = ERR_INIT;
	struct as_record r;

	if (as_record_load(env->arena, s->undo, &r, &err))
		return 0;
	return lb_series(env, &r.lb, candidate, ns, names, values);
}

const struct target_ops target_auto_scaling = {
	.name = "auto_scaling",
	.claims = claims,
	.inspect = as_inspect,
	.check_artifact = as_install_check,
	.observe = observe,
	.prepare = prepare,
	.split = split,
	.promote = promote,
	.restore = restore,
	.retire = retire,
	.discard = discard,
	.series = series,
	.calls = as_calls,
};
