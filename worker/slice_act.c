#include "worker/slice.h"

#include <assert.h>
#include <string.h>

/* The one change decided, made by the target; and what it is called in logs. */

static int prepare(struct turn *t, struct err *err)
{
	struct rollout *r = t->r;
	char candidate[LIMIT_CANDIDATE + 1];
	struct err unsaved = ERR_INIT;
	int rc;

	str_copy(candidate, sizeof(candidate), str_from(r->state.candidate));
	rc = t->ops->prepare(&t->env, &r->state, candidate, err);
	if (strcmp(candidate, r->state.candidate) == 0)
		return rc;
	/* also when it failed: what was learnt before that is true */
	str_copy(r->state.candidate, sizeof(r->state.candidate), str_from(candidate));
	r->state.seq++;
	return slice_save(t, false, rc ? &unsaved : err) ? -1 : rc;
}

int slice_act(struct turn *t, const struct decision *d, const struct observation *o,
	      struct err *err)
{
	struct rollout *r = t->r;

	switch (d->kind) {
	case DECIDE_PREPARE:
		return prepare(t, err);
	case DECIDE_SPLIT:
		return t->ops->split(&t->env, &r->state, &o->target, &d->traffic, err);
	case DECIDE_PROMOTE:
		return t->ops->promote(&t->env, &r->state, &o->target, err);
	case DECIDE_RETIRE:
		return t->ops->retire(&t->env, &r->state, &o->target, err);
	case DECIDE_RESTORE:
		return t->ops->restore(&t->env, &r->state, &o->target, err);
	case DECIDE_DISCARD:
		assert(t->ops->discard); /* nothing was left over without it */
		return t->ops->discard(&t->env, &r->state, &o->target, err);
	case DECIDE_WAIT:
	case DECIDE_AGAIN:
	case DECIDE_CHECKPOINT:
	case DECIDE_SUCCEED:
	case DECIDE_FAIL:
	case DECIDE_HAND_OVER:
	case DECIDE_REFUSE:
		break;
	}
	assert(0 && "a decision to act");
	return -1;
}

const char *slice_act_name(enum decision_kind k)
{
	switch (k) {
	case DECIDE_PREPARE:
		return "prepare";
	case DECIDE_SPLIT:
		return "split";
	case DECIDE_PROMOTE:
		return "promote";
	case DECIDE_RETIRE:
		return "retire";
	case DECIDE_RESTORE:
		return "restore";
	case DECIDE_DISCARD:
		return "discard";
	case DECIDE_WAIT:
	case DECIDE_AGAIN:
	case DECIDE_CHECKPOINT:
	case DECIDE_SUCCEED:
	case DECIDE_FAIL:
	case DECIDE_HAND_OVER:
	case DECIDE_REFUSE:
		break;
	}
	return "none";
}
