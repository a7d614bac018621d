#ifndef WORKER_NOTICES_H
#define WORKER_NOTICES_H

#include "worker/ledger_notice.h"
#include "worker/scheduler.h"

struct rollout;
struct rollout_state;
struct turn;
struct worker;

/*
 * Notices: what is told about rollouts to an SNS topic and an EventBridge bus, as the settings
 * notify_topic_arn, notify_event_bus and notify_on say. Nothing of it ever decides, delays or fails
 * a rollout.
 *
 * A notice is derived from a change of state (worker/rollout/notice.h) and written to the ledger in
 * the transaction that writes the state, so that a crash loses neither. A standing task sends what
 * is there, in the order in which it was written, each at least once, with an id that stays the
 * same. What a place does not take for NOTICES_LIFE_MS is given up; what it will never take (the
 * message itself is refused) at once.
 *
 * Format of both: the JSON object that notices_detail() makes, version 1. On the bus it is the
 * detail of an event of source "rollout-worker" and detail-type "Rollout State Change". On the
 * topic it is the message, with a subject for people and the attributes event, pipeline, target.
 */
#define NOTICES_PENDING_MAX 8
#define NOTICES_LIFE_MS (24 * 60 * 60 * 1000ll)

/* Is anybody told? A set of enum notice_sink. */
unsigned notices_sinks(const struct worker *w);

/*
 * The rollout of this turn has come from `from` (NULL: it is new) to its state of now: what that
 * tells is kept until the state is saved.
 */
void notices_note(struct turn *t, const struct rollout_state *from);

/* Its job is refused with this message before there was anything to decide: written at once. */
void notices_note_refusal(struct turn *t, const char *message);

/*
 * Those of the rollout were to be written with its row (slice_save()): they were, or they stay for
 * the next one. dropped: older ones that had to make room.
 */
void notices_written(struct turn *t, bool written, size_t dropped);

/* The standing task that sends them. */
struct task *notices_task_new(struct worker *w);
void notices_task_free(struct task *t);

#endif
