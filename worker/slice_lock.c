#include "worker/slice.h"

#include <string.h>

#include "worker/ledger_lock.h"

/*
 * The lock per target: before its target is inspected, and until it has left it, a rollout holds
 * what it may change (ledger_lock.h). So what inspect() reads, and keeps as the undo record, is
 * what was live when the target was this rollout's alone. What only the look shows is taken after
 * it, and then looked at again. Who does not get everything lets go of all, and the core says
 * whether it waits.
 *
 * As long as nothing is changed the lock may be lost to another worker's rollout that has changed
 * the target, or when this one's job is elsewhere. So it is asked for again with every job, and
 * when it was anybody else's in between, the target is inspected again.
 */
#define LOOKS_MOST 3		       /* at one target; each shows more of it */
#define QUIET_LEAST_MS (3 * 60 * 1000) /* CodePipeline may take a minute to hand out the next job */

bool slice_is_bound(const struct rollout_state *s)
{
	return !phase_is_final(s->phase) && (s->touched || s->phase > PHASE_PREPARE);
}

/* Does it want the target to itself? An end does only to be undone, or to be looked at again. */
static bool wants_lock(const struct turn *t)
{
	const struct rollout *r = t->r;

	if (phase_is_final(r->state.phase))
		return r->job && (r->job->mode == MODE_ROLLBACK || r->contested);
	return r->job ? true : slice_is_bound(&r->state) && t->env.account;
}

static struct ledger_claim claim_of(const struct turn *t)
{
	const struct rollout *r = t->r;
	int64_t quiet_ms = 3 * (t->w->config->hold_ms + 60000);

	return (struct ledger_claim){.rollout_id = r->id,
				     .keys = r->keys,
				     .n_keys = r->n_keys,
				     .started = r->state.started,
				     .now = clock_utc(t->w->clock),
				     .has_changed = slice_is_bound(&r->state),
				     .quiet_ms =
					     quiet_ms > QUIET_LEAST_MS ? quiet_ms : QUIET_LEAST_MS};
}

/* What it may change, as far as that is known by now; once learnt it is not forgotten. */
static int collect(struct turn *t, const char *undo, bool *grew, struct err *err)
{
	struct rollout *r = t->r;
	struct target_claims c = {.n = 0};

	*grew = false;
	if (t->ops->claims(&t->env, undo, &c, err))
		return -1;
	for (size_t i = 0; i < c.n; i++) {
		size_t k = 0;

		while (k < r->n_keys && strcmp(r->keys[k], c.keys[i]) != 0)
			k++;
		if (k < r->n_keys || k == SLICE_KEYS_MAX)
			continue;
		r->keys[r->n_keys++] = arena_strdup(r->arena, c.keys[i]);
		*grew = true;
	}
	return 0;
}

/* "lambda:checkout:live" of a key: where it is people know. */
static void show_key(const char *key, char *out, size_t size)
{
	const char *at = strrchr(key, '@');

	str_copy_clean(out, size, at ? (struct str){key, (size_t)(at - key)} : str_from(key));
}

static void hold(struct turn *t, const struct ledger_holder *h)
{
	struct rollout *r = t->r;

	if (strcmp(r->holder_id, h->rollout_id) != 0)
		log_event(r->log, LOG_INFO, "rollout.waits", LOG_S("for", h->rollout_id),
			  LOG_S("for_pipeline", h->pipeline), LOG_S("key", h->key));
	str_copy_clean(r->holder_id, sizeof(r->holder_id), str_from(h->rollout_id));
	str_copy_clean(r->holder_pipeline, sizeof(r->holder_pipeline),
		       str_from(h->pipeline ? h->pipeline : "?"));
	show_key(h->key, r->holder_text, sizeof(r->holder_text));
	r->held = (struct held){.by = HELD_BY_ROLLOUT,
				.rollout = r->holder_id,
				.pipeline = r->holder_pipeline,
				.target = r->holder_text,
				.since = h->since,
				.waits = h->waits};
}

/* Take all of it, or stand in the queue. *fresh: some of it was not this rollout's before. */
static int take(struct turn *t, bool *fresh, struct err *err)
{
	struct rollout *r = t->r;
	struct ledger_claim claim = claim_of(t);
	struct ledger_holder *h;

	if (!r->has_row && slice_save(t, false, err))
		return -1;
	if (ledger_lock_take(t->w->ledger, &claim, t->arena, &h, fresh, err))
		return -1;
	r->locked = h == NULL;
	if (!h) {
		r->holder_id[0] = '\0';
		return 0;
	}
	/* it has changed its target, and so has the other: what each shows has to be enough */
	if (claim.has_changed)
		log_event(r->log, LOG_WARN, "lock.shared", LOG_S("with", h->rollout_id),
			  LOG_S("key", h->key));
	else
		hold(t, h);
	return 0;
}

/* Problems are one a line; here they are one text. */
static void show_lines(struct str lines, char *out, size_t size)
{
	str_copy_clean(out, size, lines);
	for (size_t i = 0; out[i]; i++)
		if (i < lines.n && lines.p[i] == '\n')
			out[i] = ';';
}

/* Somebody is at work whom no lock names. */
static int give_way(struct turn *t, const struct buf *seen, struct err *err)
{
	struct rollout *r = t->r;
	struct ledger_claim claim = claim_of(t);

	r->locked = false;
	r->holder_id[0] = '\0';
	show_lines(buf_str(seen), r->holder_text, sizeof(r->holder_text));
	r->held = (struct held){.by = HELD_BY_OTHERS, .text = r->holder_text};
	return ledger_lock_yield(t->w->ledger, &claim, err);
}

/* --- inspecting ------------------------------------------------------------------------------- */

/* What was read is the undo record now; another than CodePipeline has, has to get there first. */
static int keep(struct turn *t, const struct inspected *in, struct err *err)
{
	struct rollout *r = t->r;
	struct rollout_state before = r->state;

	rollout_wait_is_over(&r->state, clock_utc(t->w->clock));
	if (strcmp(r->state.undo, in->undo) != 0 || r->state.first != in->first) {
		str_copy(r->state.undo, sizeof(r->state.undo), str_from(in->undo));
		r->state.first = in->first;
		r->state.seq++;
		r->token_held = false;
	}
	return r->state.seq == before.seq ? 0 : slice_save(t, false, err);
}

static int inspect(struct turn *t, enum failure *failure, struct buf *message, struct err *err)
{
	struct inspected in;
	bool grew = true, fresh;

	for (int i = 0; i < LOOKS_MOST && grew; i++) {
		if (slice_inspect(t, &in, failure, message, err))
			return -1;
		if (in.is_busy) {
			if (give_way(t, message, err))
				return -1;
			buf_clear(message);
			return 0;
		}
		if (collect(t, in.undo, &grew, err) || (grew && take(t, &fresh, err)))
			return -1;
		if (t->r->held.by != HELD_BY_NOBODY)
			return 0;
	}
	return keep(t, &in, err);
}

static int begin(struct turn *t, enum failure *failure, struct buf *message, struct err *err)
{
	struct rollout *r = t->r;
	bool grew, fresh = false;

	if (r->locked && r->state.undo[0])
		return 0;
	if (collect(t, r->state.undo, &grew, err) || take(t, &fresh, err)) {
		*failure = FAILURE_SYSTEM_UNAVAILABLE;
		return err_wrap(err, "lock the target");
	}
	if (r->held.by != HELD_BY_NOBODY || slice_is_bound(&r->state) ||
	    phase_is_final(r->state.phase) || (r->state.undo[0] && !fresh))
		return 0;
	return inspect(t, failure, message, err);
}

int slice_begin(struct turn *t, enum failure *failure, struct buf *message, struct err *err)
{
	struct rollout *r = t->r;
	bool is_bound = slice_is_bound(&r->state);

	r->held = (struct held){.by = HELD_BY_NOBODY};
	if (!wants_lock(t))
		return 0;
	*failure = FAILURE_SYSTEM_UNAVAILABLE;
	if (begin(t, failure, message, err) == 0) {
		r->trying_since.ms = 0;
		return 0;
	}
	if (is_bound && err->code != ERR_CANCELED) {
		/* what it has begun it sees through, whatever the disk says */
		log_event(r->log, LOG_ERROR, "ledger.failed", LOG_E(err));
		*err = ERR_INIT;
		return 0;
	}
	if (!r->trying_since.ms)
		r->trying_since = clock_utc(t->w->clock);
	if (!message->n)
		buf_adds(message, err->text);
	return -1;
}

bool slice_bind(struct turn *t, const struct rollout_state *next)
{
	struct rollout *r = t->r;
	struct err err = ERR_INIT;
	bool held;

	if (slice_is_bound(&r->state) || !slice_is_bound(next))
		return true;
	if (ledger_lock_firm(t->w->ledger, r->id, r->n_keys, &held, &err)) {
		log_event(r->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
		return false;
	}
	if (!held) {
		r->locked = false;
		log_event(r->log, LOG_WARN, "lock.lost", LOG_S("phase", phase_name(next->phase)));
	}
	return held;
}

void slice_unlock(struct turn *t)
{
	struct err err = ERR_INIT;

	t->r->locked = false;
	if (ledger_lock_release(t->w->ledger, t->r->id, &err))
		log_event(t->r->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
}
