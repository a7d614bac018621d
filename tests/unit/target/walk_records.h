#ifndef TESTS_UNIT_TARGET_WALK_RECORDS_H
#define TESTS_UNIT_TARGET_WALK_RECORDS_H

#include "tests/unit/target/walk.h"

/*
 * Records come back from CodePipeline in a token: who can write there must not get further than an
 * error. Each member of the undo record, and of the candidate, is missing once, and once another
 * thing; then every function is called, in every phase. Nothing may crash, and a record that the
 * look calls bad, before it has asked anything, is one that nothing is asked or written by.
 */
static inline void walk_with_record(struct world *w, const struct target_ops *ops, bool is_undo)
{
	static const struct {
		enum walk_function function;
		enum phase phase;
		int weight_bp;
	} list[] = {
		{WALK_PREPARE, PHASE_PREPARE, 0}, {WALK_SPLIT, PHASE_SHIFT, 500},
		{WALK_SPLIT, PHASE_SHIFT, 10000}, {WALK_PROMOTE, PHASE_PROMOTE, 0},
		{WALK_RESTORE, PHASE_RESTORE, 0}, {WALK_RETIRE, PHASE_RETIRE, 0},
		{WALK_DISCARD, PHASE_PROVE, 0},	  {WALK_ADDRESS, PHASE_VERIFY, 0},
		{WALK_OBSERVE, PHASE_WATCH, 0},	  {WALK_OBSERVE, PHASE_BAKE, 0},
	};
	const char *ns, *names[PLAN_DIMENSIONS_MAX], *values[PLAN_DIMENSIONS_MAX];
	bool is_bad;

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct walk x = {.function = WALK_OBSERVE, .phase = list[i].phase};
		struct walk_end e;

		if ((list[i].function == WALK_DISCARD && !ops->discard) ||
		    (list[i].function == WALK_ADDRESS && !ops->address))
			continue;
		w->state.phase = x.phase;
		walking.x = &x;
		walk_once(WALK_NONE, 0, &e);
		walk_check_form(&e);
		walking.seen = e.o;
		is_bad = e.o.live == LIVE_UNREADABLE && e.n_requests == 0;
		x.function = list[i].function;
		x.want.weight_bp = list[i].weight_bp;
		walk_once(WALK_NONE, 0, &e);
		walk_check_form(&e);
		if (is_bad && e.n_requests)
			walk_wrong(&e, "something is asked by a record that is none");
		/* that is a matter of the undo record alone */
		if (is_bad && is_undo &&
		    (ops->series(&w->env, &w->state, true, &ns, names, values) ||
		     ops->series(&w->env, &w->state, false, &ns, names, values)))
			walk_wrong(&e, "a series by a record that is none");
	}
}

/* text: w->state's own, of this size. */
static inline void walk_record(struct world *w, const struct target_ops *ops, char *text,
			       size_t size)
{
	static const char *const others[] = {
		"{", "[]", "null", "\"x\"", "{}", "{\"t\":\"x\"}", "{\"t\":[]}", "odd"};
	const char *good = arena_strdup(w->f->arena, text);
	struct odd_change c = {.how = 0};

	for (; c.how < ODD_WAYS; c.how++)
		for (c.which = 0;; c.which++) {
			const char *changed = odd_text(w->f->arena, good, &c);

			if (!changed)
				break;
			if (str_copy(text, size, str_from(changed)))
				walk_with_record(w, ops, text == w->state.undo);
		}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		str_copy(text, size, str_from(others[i]));
		walk_with_record(w, ops, text == w->state.undo);
	}
	str_copy(text, size, str_from(good));
}

static inline void walk_records(struct world *w, const struct target_ops *ops)
{
	struct walk x = {.function = WALK_OBSERVE, .phase = PHASE_WATCH};
	struct walk_end e;

	walk_begin(w, ops, &x, &e);
	walk_record(w, ops, w->state.undo, sizeof(w->state.undo));
	walk_record(w, ops, w->state.candidate, sizeof(w->state.candidate));
	walk_finish(w);
}

#endif
