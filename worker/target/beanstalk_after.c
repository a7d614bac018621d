#include "worker/target/beanstalk.h"

#include <string.h>

/*
 * What is left of two environments when the rollout is over: sizes that were raised, the template
 * of the clone, the old environment; or, after a way back, the clone. Each call makes one change
 * and looks before it, so that it can be repeated; the live environment is never among them.
 */

/* Does this environment carry the traffic, as far as CNAMEs tell? */
static bool is_live(const struct bean_record *r, const struct beanstalk_environment *e)
{
	return r->method == BEANSTALK_BY_SWAP && e->cname &&
	       str_is_nocase(str_from(e->cname), r->cname);
}

static int sizes_are(const struct target_env *env, const struct bean_record *r,
		     const struct beanstalk_environment *e, int64_t min, int64_t max, bool *yes,
		     struct err *err)
{
	struct beanstalk_settings settings;

	if (bean_settings(env, r->application, e->name, &settings, err))
		return -1;
	*yes = bean_option_i64(&settings, BEAN_NS_ASG, "MinSize", -1) == min &&
	       bean_option_i64(&settings, BEAN_NS_ASG, "MaxSize", -1) == max;
	return 0;
}

/* One thing to be done, found in order; WHAT_NOTHING: all is as it should be. */
enum what { WHAT_NOTHING, WHAT_SIZES, WHAT_TEMPLATE, WHAT_SCALE_IN, WHAT_TERMINATE, WHAT_WAIT };

static int template_is_there(const struct target_env *env, const struct bean_record *r, bool *there,
			     struct err *err)
{
	*there = false;
	if (r->twin[0])
		return 0;
	return beanstalk_has_template(&env->client, r->application, r->candidate, env->arena, there,
				      err);
}

static int old_one(const struct target_env *env, const struct bean_record *r,
		   const struct beanstalk_environment *old, enum what *what, struct err *err)
{
	enum beanstalk_retire retire = env->plan->target.beanstalk.retire;
	bool done = true;

	if (!old || old->status == BEANSTALK_TERMINATING || is_live(r, old) ||
	    retire == BEANSTALK_KEEP || (retire == BEANSTALK_SCALE_IN && r->max == 0))
		return 0;
	if (old->status != BEANSTALK_READY || retire == BEANSTALK_TERMINATE) {
		*what = old->status == BEANSTALK_READY ? WHAT_TERMINATE : WHAT_WAIT;
		return 0;
	}
	if (sizes_are(env, r, old, 1, 1, &done, err))
		return -1;
	if (!done)
		*what = WHAT_SCALE_IN;
	return 0;
}

static int to_retire(const struct target_env *env, const struct bean_record *r,
		     const struct bean_look *l, enum what *what, struct err *err)
{
	bool there, same = true;

	*what = WHAT_NOTHING;
	if (!l->candidate)
		return err_set(err, ERR_NOT_FOUND, "the environment %s that serves is gone",
			       r->candidate);
	if (l->candidate->status != BEANSTALK_READY) {
		*what = WHAT_WAIT; /* it is still at what it was told before */
		return 0;
	}
	/* the minimum was raised to what was live: from now on it is as it was before */
	if (r->max > 0 && env->plan->target.beanstalk.match_capacity &&
	    sizes_are(env, r, l->candidate, r->min, r->max, &same, err))
		return -1;
	if (!same) {
		*what = WHAT_SIZES;
		return 0;
	}
	if (template_is_there(env, r, &there, err))
		return -1;
	if (there) {
		*what = WHAT_TEMPLATE;
		return 0;
	}
	return old_one(env, r, l->baseline, what, err);
}

static int to_discard(const struct target_env *env, const struct bean_record *r,
		      const struct bean_look *l, enum what *what, struct err *err)
{
	bool there, same = true;

	*what = WHAT_NOTHING;
	if (r->twin[0]) {
		if (!l->candidate || r->twin_max == 0 ||
		    !env->plan->target.beanstalk.match_capacity)
			return 0;
		if (l->candidate->status != BEANSTALK_READY) {
			*what = WHAT_WAIT;
			return 0;
		}
		if (sizes_are(env, r, l->candidate, r->twin_min, r->twin_max, &same, err))
			return -1;
		*what = same ? WHAT_NOTHING : WHAT_SIZES;
		return 0;
	}
	if (l->candidate && l->candidate->status != BEANSTALK_TERMINATING &&
	    !is_live(r, l->candidate)) {
		*what = l->candidate->status == BEANSTALK_READY ? WHAT_TERMINATE : WHAT_WAIT;
		return 0;
	}
	if (template_is_there(env, r, &there, err))
		return -1;
	*what = there ? WHAT_TEMPLATE : WHAT_NOTHING;
	return 0;
}

static const char *what_text(enum what w)
{
	switch (w) {
	case WHAT_SIZES:
		return "its sizes are still those of the rollout";
	case WHAT_TEMPLATE:
		return "the configuration template of the clone is there still";
	case WHAT_SCALE_IN:
		return "the old environment is not scaled in yet";
	case WHAT_TERMINATE:
		return "the environment that is not needed any more is there still";
	case WHAT_WAIT:
		return "the environment is not Ready yet";
	case WHAT_NOTHING:
		break;
	}
	return "";
}

int bean_retire_look(const struct target_env *env, const struct bean_record *r,
		     const struct bean_look *l, struct target_observation *o, struct err *err)
{
	enum what what;

	if (to_retire(env, r, l, &what, err))
		return bean_unreadable(o, err);
	o->retired = what == WHAT_NOTHING;
	if (!o->retired)
		bean_detail(o, "%s", what_text(what));
	return 0;
}

int bean_leftover_look(const struct target_env *env, const struct bean_record *r,
		       const struct bean_look *l, struct target_observation *o, struct err *err)
{
	enum what what;

	if (to_discard(env, r, l, &what, err)) {
		if (err->code == ERR_CANCELED)
			return -1;
		/* the baseline is proved all the same; discarding will say what is the matter */
		o->leftover = true;
		bean_detail(o, "%s", err->text);
		*err = ERR_INIT;
		return 0;
	}
	o->leftover = what != WHAT_NOTHING;
	if (o->leftover)
		bean_detail(o, "%s", what_text(what));
	return 0;
}

static int forget_template(const struct target_env *env, const struct bean_record *r,
			   struct err *err)
{
	if (beanstalk_delete_template(&env->client, r->application, r->candidate, env->arena,
				      err) == 0)
		return 0;
	if (err->code != ERR_NOT_FOUND)
		return -1;
	*err = ERR_INIT;
	return 0;
}

static int terminate(const struct target_env *env, const struct beanstalk_environment *e,
		     struct err *err)
{
	if (beanstalk_terminate_environment(&env->client, e->id, env->arena, err) == 0)
		return 0;
	if (err->code == ERR_NOT_FOUND) {
		*err = ERR_INIT;
		return 0;
	}
	return -1;
}

int bean_retire(const struct target_env *env, const struct bean_record *r, struct err *err)
{
	struct bean_look l;
	enum what what;

	if (bean_look(env, r, &l, err) || to_retire(env, r, &l, &what, err))
		return -1;
	/* what serves must be seen to serve before what served goes */
	if (r->method == BEANSTALK_BY_SWAP && !is_live(r, l.candidate))
		return err_set(err, ERR_CONFLICT, "%s does not have %s any more", r->candidate,
			       r->cname);
	switch (what) {
	case WHAT_SIZES:
		return bean_resize(env, l.candidate->id, r->min, r->max, err);
	case WHAT_TEMPLATE:
		return forget_template(env, r, err);
	case WHAT_SCALE_IN:
		return bean_resize(env, l.baseline->id, 1, 1, err);
	case WHAT_TERMINATE:
		return terminate(env, l.baseline, err);
	case WHAT_WAIT:
	case WHAT_NOTHING:
		break;
	}
	return 0;
}

int bean_discard(const struct target_env *env, const struct bean_record *r, struct err *err)
{
	struct bean_look l;
	enum what what;

	if (bean_look(env, r, &l, err) || to_discard(env, r, &l, &what, err))
		return -1;
	switch (what) {
	case WHAT_SIZES:
		return bean_resize(env, l.candidate->id, r->twin_min, r->twin_max, err);
	case WHAT_TEMPLATE:
		return forget_template(env, r, err);
	case WHAT_TERMINATE:
		return terminate(env, l.candidate, err);
	case WHAT_SCALE_IN:
	case WHAT_WAIT:
	case WHAT_NOTHING:
		break;
	}
	return 0;
}
