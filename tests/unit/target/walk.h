#ifndef TESTS_UNIT_TARGET_WALK_H
#define TESTS_UNIT_TARGET_WALK_H

#include "tests/unit/target/walk_wire.h"

/*
 * An error walk: one function of a target, in one state of a world of routes. It is called
 * untouched first; then again with its first request failing, its second, and so on to the last,
 * once for every way in which AWS refuses or does not answer. After each the same must hold,
 * whatever the kind of target:
 *
 *   - it fails: -1 with a text that names the operation, an observation that says LIVE_UNREADABLE
 *     with it, or a problem that says so; and a missing permission is told as one;
 *   - nothing is written after something could not be read;
 *   - no observation looks better than the untouched one;
 *   - once canceled, always ERR_CANCELED.
 *
 * What a function may bear is said beside its walk, operation by operation. The artifact counts as
 * a request, of the operation "artifact".
 */

/* --- one call --------------------------------------------------------------------------------- */

static inline int walk_call(struct walk_end *end)
{
	struct world *w = walking.w;
	const struct target_ops *ops = walking.ops;
	const struct target_observation *o = &walking.seen;
	bool first = false;

	switch (walking.x->function) {
	case WALK_INSPECT:
		return ops->inspect(&w->env, end->undo, &first, &w->problems, &end->err);
	case WALK_CHECK:
		return ops->check_artifact(&w->env, &w->problems, &end->err);
	case WALK_OBSERVE:
		return ops->observe(&w->env, &w->state, &end->o, &end->err);
	case WALK_PREPARE:
		return ops->prepare(&w->env, &w->state, end->candidate, &end->err);
	case WALK_SPLIT:
		return ops->split(&w->env, &w->state, o, &walking.x->want, &end->err);
	case WALK_PROMOTE:
		return ops->promote(&w->env, &w->state, o, &end->err);
	case WALK_RESTORE:
		return ops->restore(&w->env, &w->state, o, &end->err);
	case WALK_RETIRE:
		return ops->retire(&w->env, &w->state, o, &end->err);
	case WALK_DISCARD:
		return ops->discard(&w->env, &w->state, o, &end->err);
	case WALK_ADDRESS:
		return ops->address(&w->env, &w->state, &end->host, &end->err);
	case WALK_FUNCTIONS:
		break;
	}
	fail_msg("no function");
	return -1;
}

static inline void walk_once(enum walk_fault fault, size_t at, struct walk_end *end)
{
	struct world *w = walking.w;

	walking.fault = fault;
	walking.at = at;
	walking.n = walking.n_written_after = 0;
	walking.operation[0] = '\0';
	w->env.arena = arena_new();
	w->env.client.cancel = cancel_new();
	problems_init(&w->problems, w->env.arena);
	*end = (struct walk_end){.err = ERR_INIT};
	str_copy(end->candidate, sizeof(end->candidate), str_from(w->state.candidate));
	end->rc = walk_call(end);
	end->n_requests = walking.n;
	str_copy(end->problems, sizeof(end->problems), str_from(world_problems(w)));
	cancel_free(w->env.client.cancel);
	w->env.client.cancel = NULL;
	arena_free(w->env.arena);
	w->env.arena = w->f->arena;
	problems_init(&w->problems, w->f->arena);
}

/* --- what must hold --------------------------------------------------------------------------- */

static inline void walk_wrong(const struct walk_end *e, const char *what)
{
	static const char *const functions[] = {"inspect", "check",   "observe", "prepare",
						"split",   "promote", "restore", "retire",
						"discard", "address"};

	fail_msg("%s in %s, %s at request %zu (%s): %s\n  rc %d, %s: %s\n  live %d, candidate %d, "
		 "baseline %d (%s), denied %d, retired %d, leftover %d, \"%s\"\n  %s",
		 functions[walking.x->function], phase_name(walking.x->phase),
		 walk_fault_name(walking.fault), walking.at, walking.operation, what, e->rc,
		 err_code_name(e->err.code), e->err.text, e->o.live, e->o.candidate,
		 e->o.baseline_health.kind, e->o.baseline_health.text, e->o.denied, e->o.retired,
		 e->o.leftover, e->o.detail, e->problems);
}

/* Whatever happened: the result says one thing only. */
static inline void walk_check_form(const struct walk_end *e)
{
	bool is_bad = e->o.live == LIVE_UNREADABLE || e->o.live == LIVE_FOREIGN ||
		      e->o.candidate == CANDIDATE_FAILED;

	if (e->rc != 0 && e->rc != -1)
		walk_wrong(e, "neither 0 nor -1");
	if ((e->rc == 0) != (e->err.code == ERR_OK))
		walk_wrong(e, "result and error do not agree");
	if (e->rc && !e->err.text[0])
		walk_wrong(e, "an error without words");
	if (walking.x->function != WALK_OBSERVE)
		return;
	if (e->rc && e->err.code != ERR_CANCELED)
		walk_wrong(e, "a look fails only when it is canceled");
	if (!e->rc && is_bad && !e->o.detail[0])
		walk_wrong(e, "a bad look without words");
}

/* Told in words of our own: what is not there, or refused, or of S3, whose answer has no body. */
static inline bool walk_in_own_words(void)
{
	return walking.fault == WALK_MISSING || walking.fault == WALK_REFUSED ||
	       walking.fault == WALK_BUSY ||
	       (walking.fault == WALK_GARBAGE && !strcmp(walking.operation, "PutObject"));
}

/* The operation is named where AWS's answer is handed on. */
static inline bool walk_names(const char *text)
{
	return walk_in_own_words() ? text[0] != '\0' : strstr(text, walking.operation) != NULL;
}

static inline void walk_check_act(const struct walk_end *e)
{
	if (walk_says(walking.x->forgiven))
		return;
	if (!e->rc)
		walk_wrong(e, "nobody is told");
	if (!walk_in_own_words() && e->err.code != walk_fault_code(walking.fault))
		walk_wrong(e, "told as something else");
	if (!walk_names(e->err.text))
		walk_wrong(e, "the operation is not named");
	if (walking.n_written_after && !walk_says(walking.x->goes_on))
		walk_wrong(e, "written after a failure");
}

static inline void walk_check_inspect(const struct walk_end *e, const struct walk_end *untouched)
{
	if (walking.n_written_after || walking.was_write)
		walk_wrong(e, "a first look writes");
	if (e->rc && e->undo[0])
		walk_wrong(e, "an undo record of what could not be read");
	if (e->rc ? !walk_names(e->err.text)
		  : !walk_says(walking.x->forgiven) && !strcmp(e->problems, untouched->problems))
		walk_wrong(e, "nobody is told");
}

static inline bool walk_is_better(const struct target_observation *is,
				  const struct target_observation *was)
{
	bool up = is->candidate == CANDIDATE_READY || is->candidate == CANDIDATE_SAME;

	return (up && is->candidate != was->candidate && is->live != LIVE_UNREADABLE &&
		is->live != LIVE_FOREIGN) ||
	       (is->retired && !was->retired && is->live == was->live) ||
	       (is->baseline_health.kind == VERDICT_PASS &&
		was->baseline_health.kind != VERDICT_PASS);
}

static inline void walk_check_observe(const struct walk_end *e, const struct walk_end *untouched)
{
	const struct target_observation *o = &e->o, *was = &untouched->o;

	if (walking.n_written_after || walking.was_write)
		walk_wrong(e, "a look writes");
	if (walk_says(walking.x->forgiven))
		return;
	if (walk_is_better(o, was))
		walk_wrong(e, "better than without the failure");
	if (o->live == LIVE_UNREADABLE) {
		if (!walk_names(o->detail))
			walk_wrong(e, "the operation is not named");
		if (o->denied != (walking.fault == WALK_DENIED))
			walk_wrong(e, "a missing permission is told as such, and nothing else");
		return;
	}
	if (o->live == LIVE_FOREIGN && (walking.fault == WALK_MISSING || was->live == LIVE_FOREIGN))
		return;
	if (o->live != was->live)
		walk_wrong(e, "something else is live");
	if (!walk_names(o->baseline_health.text) && !walk_names(o->detail))
		walk_wrong(e, "nobody is told");
}

static inline void walk_check(const struct walk_end *e, const struct walk_end *untouched)
{
	walk_check_form(e);
	if (walking.fault == WALK_ODD || walking.fault == WALK_EMPTY)
		return;
	if (walking.fault == WALK_CANCELED) {
		if (!e->rc || e->err.code != ERR_CANCELED)
			walk_wrong(e, "canceled, and not said so");
		return;
	}
	switch (walking.x->function) {
	case WALK_INSPECT:
	case WALK_CHECK:
		walk_check_inspect(e, untouched);
		break;
	case WALK_OBSERVE:
		walk_check_observe(e, untouched);
		break;
	case WALK_PREPARE:
	case WALK_SPLIT:
	case WALK_PROMOTE:
	case WALK_RESTORE:
	case WALK_RETIRE:
	case WALK_DISCARD:
	case WALK_ADDRESS:
	case WALK_FUNCTIONS:
		walk_check_act(e);
		break;
	}
}

/* --- the walk --------------------------------------------------------------------------------- */

static inline void walk_begin(struct world *w, const struct target_ops *ops, const struct walk *x,
			      struct walk_end *untouched)
{
	struct walk look = {.function = WALK_OBSERVE, .phase = x->phase};

	walking.w = w;
	walking.ops = ops;
	walking.artifact = w->env.artifact;
	w->f->http.send = walk_send;
	w->f->settings.max_attempts = 1; /* who retries is not asked here */
	if (w->env.artifact)
		w->env.artifact = walk_artifact;
	w->state.phase = x->phase;
	if (x->function != WALK_INSPECT && x->function != WALK_CHECK) {
		walking.x = &look;
		walk_once(WALK_NONE, 0, untouched);
		walking.seen = untouched->o;
	}
	walking.x = x;
	walk_once(WALK_NONE, 0, untouched);
	walk_check_form(untouched);
	if (strstr(untouched->err.text, "no route") || strstr(untouched->o.detail, "no route"))
		walk_wrong(untouched, "the world is not whole");
}

static inline void walk_finish(struct world *w)
{
	w->env.artifact = walking.artifact;
	w->f->http.send = routes_send;
	w->f->settings.max_attempts = 0;
}

/* Every request of it fails in every way. Returns how many requests there are. */
static inline size_t walk(struct world *w, const struct target_ops *ops, const struct walk *x)
{
	struct walk_end untouched, e;
	size_t n;

	walk_begin(w, ops, x, &untouched);
	n = untouched.n_requests;
	for (enum walk_fault f = WALK_DENIED; f < WALK_ODD; f++)
		for (size_t at = 1; at <= n; at++) {
			walk_once(f, at, &e);
			walk_check(&e, &untouched);
		}
	walk_finish(w);
	return n;
}

/* The answer to request `at`, with this element changed. False when it has no such element. */
static inline bool walk_odd_once(size_t at, size_t how, size_t which,
				 const struct walk_end *untouched)
{
	struct walk_end e;

	walking.odd = (struct odd_change){.how = (enum odd_way)how, .which = which};
	walking.odd_done = false;
	walk_once(WALK_ODD, at, &e);
	walk_check(&e, untouched);
	return walking.odd_done;
}

/*
 * Every answer to it lacks one of its elements, or has another thing in its place, of another sort
 * for each. Nothing may crash, and what comes of it is one thing only.
 */
static inline void walk_odd(struct world *w, const struct target_ops *ops, const struct walk *x)
{
	struct walk_end untouched;

	walk_begin(w, ops, x, &untouched);
	for (size_t at = 1; at <= untouched.n_requests; at++)
		for (size_t i = 0; walk_odd_once(at, ODD_GONE, i, &untouched); i++)
			walk_odd_once(at, ODD_EMPTY + (at + i) % (ODD_WAYS - ODD_EMPTY), i,
				      &untouched);
	walk_finish(w);
}

/* Each of these; and both, of each of these. */
static inline void walk_faults(struct world *w, const struct target_ops *ops,
			       const struct walk *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		walk(w, ops, &list[i]);
}

static inline void walk_each(struct world *w, const struct target_ops *ops, const struct walk *list,
			     size_t n)
{
	walk_faults(w, ops, list, n);
	for (size_t i = 0; i < n; i++)
		walk_odd(w, ops, &list[i]);
}

#endif
