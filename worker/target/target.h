#ifndef WORKER_TARGET_TARGET_H
#define WORKER_TARGET_TARGET_H

#include "aws/call.h"
#include "aws/core/err.h"
#include "aws/core/log.h"
#include "worker/rollout/decide.h"
#include "worker/rollout/plan.h"
#include "worker/rollout/problem.h"

/*
 * How one kind of target does it: a table of functions, each safe to repeat. A crash, a lost answer
 * or a second worker is only a repeated call. All of them block and return ERR_CANCELED when the
 * call's cancel fires; strings they return live in env->arena.
 */

/* The input artifact, unpacked; fetched when first asked for. */
struct target_artifact {
	int dir_fd;  /* the unpacked artifact */
	int file_fd; /* the artifact as downloaded, position unspecified: use pread */
	uint64_t file_size;
	const char *bucket, *key, *version_id; /* where it came from; version_id may be NULL */
	const char *sha256;		       /* of the file, hex */
};

struct target_env {
	struct aws_client client; /* credentials of the target's account, and its region */
	struct arena *arena;
	struct log *log;
	const struct plan *plan;
	const char *rollout_id; /* what is created is named after it; NULL offline */
	const char *account;	/* the worker's own, of 12 digits; NULL: not known */
	/* NULL where there is no artifact (status, plan offline). Owned by the caller. */
	int (*artifact)(void *arg, const struct target_artifact **out, struct err *err);
	void *artifact_arg;
};

/*
 * A call the target would make, for `plan`: in order, with the phase it belongs to, the IAM action
 * and the resource it needs.
 */
struct target_call {
	enum phase phase;
	const char *service, *operation; /* "lambda", "UpdateAlias" */
	const char *iam_action;		 /* "lambda:UpdateAlias" */
	const char *resource;		 /* ARN or ARN pattern */
	bool is_write;
};

/* Keys of the lock per target (claims.h). */
#define TARGET_CLAIMS_MAX 16

struct target_claims {
	const char *keys[TARGET_CLAIMS_MAX];
	size_t n;
};

struct target_ops {
	const char *name; /* "lambda" */

	/*
	 * What a rollout of this plan may change, as far as the plan alone says it, and, where undo
	 * is not "", the undo record: some of it only a look shows. The keys are added. -1 when the
	 * record cannot be read.
	 */
	int (*claims)(const struct target_env *env, const char *undo, struct target_claims *c,
		      struct err *err);

	/*
	 * Read the target, check the plan against it (problems are added, nothing is touched), and
	 * write the undo record: exactly what is live now, in ASCII, at most LIMIT_UNDO bytes.
	 * *first is set when there is no baseline yet. -1 when the target could not be read. What
	 * may be over soon, because it looks like another rollout at work, is problem_busy().
	 */
	int (*inspect)(const struct target_env *env, char undo[LIMIT_UNDO + 1], bool *first,
		       struct problems *p, struct err *err);

	/*
	 * What can be said of the plan's part of the artifact without AWS, for `check`: problems
	 * are added. env->client is not to be used. NULL when there is nothing to say. inspect()
	 * says the same.
	 */
	int (*check_artifact)(const struct target_env *env, struct problems *p, struct err *err);

	/*
	 * Look: fill *o, by reading only, for this state. A target that cannot be read is not an
	 * error but LIVE_UNREADABLE with detail; -1 only for ERR_CANCELED.
	 */
	int (*observe)(const struct target_env *env, const struct rollout_state *s,
		       struct target_observation *o, struct err *err);

	/*
	 * Take the next step of bringing the candidate up without production traffic. May take
	 * many calls over many turns; writes the candidate's identity as soon as it is known
	 * (ASCII, at most LIMIT_CANDIDATE bytes), also when it fails after that. Starting again
	 * from nothing but state is safe.
	 */
	int (*prepare)(const struct target_env *env, const struct rollout_state *s,
		       char candidate[LIMIT_CANDIDATE + 1], struct err *err);

	/*
	 * Divide the traffic so. o is this turn's look: its lock is used. What stands before it
	 * (capacity, say) may be a call of its own: when this one returns and the split is not
	 * what it should be, the next look decides again.
	 */
	int (*split)(const struct target_env *env, const struct rollout_state *s,
		     const struct target_observation *o, const struct traffic *want,
		     struct err *err);

	/* Make the candidate the baseline; the old one stays reachable. */
	int (*promote)(const struct target_env *env, const struct rollout_state *s,
		       const struct target_observation *o, struct err *err);

	/* Give the baseline all traffic, as the undo record says. */
	int (*restore)(const struct target_env *env, const struct rollout_state *s,
		       const struct target_observation *o, struct err *err);

	/* Remove or scale in what is not needed any more, as the plan says. */
	int (*retire)(const struct target_env *env, const struct rollout_state *s,
		      const struct target_observation *o, struct err *err);

	/*
	 * After a way back that has been proved: remove what was made for the candidate, unless
	 * the plan keeps it. NULL where nothing is made that costs anything. observe() says in
	 * `leftover` whether there is something, in PROVE.
	 */
	int (*discard)(const struct target_env *env, const struct rollout_state *s,
		       const struct target_observation *o, struct err *err);

	/*
	 * The CloudWatch dimensions that tell candidate from baseline, for metric guards without
	 * dimensions of their own: pairs name, value. Returns how many, at most
	 * PLAN_DIMENSIONS_MAX; 0 when the candidate is not known yet. *ns gets the namespace.
	 */
	size_t (*series)(const struct target_env *env, const struct rollout_state *s,
			 bool candidate, const char **ns, const char *names[PLAN_DIMENSIONS_MAX],
			 const char *values[PLAN_DIMENSIONS_MAX]);

	/*
	 * The host name that reaches the candidate itself, whatever traffic it has, for probes:
	 * what "{candidate}" in their URL stands for. *host NULL while there is none. NULL where a
	 * candidate has no address of its own.
	 */
	int (*address)(const struct target_env *env, const struct rollout_state *s,
		       const char **host, struct err *err);

	/*
	 * The calls in order, offline, for this plan: appended through add(arg, call).
	 */
	void (*calls)(const struct plan *plan, struct arena *a,
		      void (*add)(void *arg, const struct target_call *c), void *arg);
};

extern const struct target_ops target_lambda, target_load_balancer, target_auto_scaling,
	target_beanstalk, target_ecs;

const struct target_ops *target_of(enum target_kind k); /* never NULL */

#endif
