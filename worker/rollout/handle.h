#ifndef WORKER_ROLLOUT_HANDLE_H
#define WORKER_ROLLOUT_HANDLE_H

#include "aws/core/err.h"
#include "worker/rollout/plan.h"
#include "worker/rollout/token.h"

/*
 * The handle of a rollout: what one action gives out (output variable RolloutHandle) and another
 * takes (property Handle) to promote the rollout or to take it back.
 *
 *   h1.<rollout id>.<the first 32 hex digits of the SHA-256 of the state's text>
 *
 * The state itself, in the text of token_encode(), is the output variable RolloutState of the same
 * action, so that CodePipeline keeps both. The digest covers the state with the id in it: a handle
 * that was changed, or put together from two, fits no state.
 */
#define HANDLE_DIGEST_SIZE 33
#define HANDLE_SIZE (3 + ROLLOUT_ID_MAX + 1 + HANDLE_DIGEST_SIZE)

struct handle {
	char id[ROLLOUT_ID_MAX + 1];
	char digest[HANDLE_DIGEST_SIZE];
};

/* The handle of the rollout with this id whose state has this text. */
void handle_make(const char *id, struct str state_text, char out[HANDLE_SIZE]);

/* Blanks around it do not count. ERR_REJECTED: it is none, and why; *h is not written then. */
int handle_parse(struct str text, struct handle *h, struct err *err) MUST_CHECK;

/* Is it of this state? */
bool handle_fits(const struct handle *h, struct str state_text);

/*
 * The mode that an action's properties name; MODE_DEPLOY when they name none. False, with *out
 * MODE_DEPLOY, when the word is no mode.
 */
bool mode_of(const struct plan_property *p, size_t n, enum mode *out);
const char *mode_name(enum mode m); /* "promote" */
bool mode_parse(struct str word, enum mode *out);

/*
 * Check the properties of an action that goes on with a rollout of another one (Mode promote or
 * rollback): the handle is there and is one, and nothing is said that only the action which started
 * the rollout can say. All problems are added.
 */
void handle_check(const struct plan_property *p, size_t n, struct problems *problems);

#endif
