#ifndef WORKER_TARGET_AUTO_SCALING_H
#define WORKER_TARGET_AUTO_SCALING_H

#include "aws/autoscaling.h"
#include "worker/target/load_balancer.h"
#include "worker/target/target.h"

/*
 * EC2 Auto Scaling groups that take turns behind a load balancer: what the files of this target
 * share. For worker/target/auto_scaling*.c and their tests only.
 *
 * The baseline is the group whose target group has the traffic. The candidate is a copy of it,
 * named after the rollout, or its standing twin. Traffic is moved by target/load_balancer.
 */

/* --- what is remembered (auto_scaling_record.c) ---------------------------------------------- */

/* The processes that can hurt while two groups are sized by hand; bits of `suspended`. */
#define AS_PROCESSES 3
extern const char *const as_processes[AS_PROCESSES];

struct as_size {
	int64_t min, max, desired; /* units of capacity */
};

struct as_record {
	struct lb_record lb;
	const char *live; /* name of the baseline's group */
	const char *base; /* what the names of copies begin with */
	struct as_size size;
	unsigned suspended; /* of as_processes, before the rollout */
	/* the template the candidate is made of, and its version: the baseline's, or the twin's */
	const char *template_id;
	int64_t template_version;
	const char *twin; /* NULL: a copy */
	struct as_size twin_size;
	unsigned twin_suspended;
	const char *twin_health_check; /* "EC2", "ELB" ... */
};

int as_record_store(const struct as_record *r, char undo[LIMIT_UNDO + 1],
		    struct err *err) MUST_CHECK;
int as_record_load(struct arena *a, const char *undo, struct as_record *r,
		   struct err *err) MUST_CHECK;

/* What becomes known while the candidate is brought up. */
struct as_candidate {
	int64_t version;	  /* of the launch template; 0: not made yet */
	struct utc healthy_since; /* 0: not healthy at the last look */
	struct utc sent;	  /* when a command was sent last; 0: none was */
};
int as_candidate_store(const struct as_candidate *c, const char *name,
		       char candidate[LIMIT_CANDIDATE + 1], struct err *err) MUST_CHECK;
int as_candidate_load(struct arena *a, const char *candidate, struct as_candidate *c,
		      struct err *err) MUST_CHECK;

/* The candidate's group: the twin, or the one name that a copy of this rollout can have. Pure. */
const char *as_candidate_name(struct arena *a, const struct as_record *r, const char *rollout_id);

/* Tags of a copy: whose copy it is, and of which rollout. */
#define AS_TAG_GROUP "rollout-worker:group"
#define AS_TAG_ROLLOUT "rollout-worker:rollout"
#define AS_NO_DELETION "prevent-all-deletion" /* a deletion protection that nothing overcomes */

/* --- the first look (auto_scaling_find.c, auto_scaling_inspect.c) ---------------------------- */

/*
 * Which group serves, and which rule or listener sends it its traffic. False in *found, with a
 * problem, when it cannot be told. choice gets what lb_inspect() needs.
 */
struct as_found {
	struct asg_group live, twin; /* twin.name NULL: there is none in the plan */
	struct plan_load_balancer choice;
	/* why another rollout seems to be at work, or on its way out; NULL: none does */
	const char *busy;
};
int as_find(const struct target_env *env, struct as_found *out, bool *found, struct problems *p,
	    struct err *err) MUST_CHECK;
int as_inspect(const struct target_env *env, char undo[LIMIT_UNDO + 1], bool *first,
	       struct problems *p, struct err *err) MUST_CHECK;

/* --- looking (auto_scaling_look.c) ----------------------------------------------------------- */

struct as_world {
	struct as_record r;
	struct as_candidate c;
	const char *name;		  /* of the candidate's group */
	struct asg_group live, candidate; /* name NULL: not there */
	bool is_taken; /* a group of the copy's name is there, but not of this rollout */
};
/* Records and both groups, read now. */
int as_read(const struct target_env *env, const struct rollout_state *s, struct as_world *w,
	    struct err *err) MUST_CHECK;

/* The candidate's group alone, once more. */
int as_read_candidate(const struct target_env *env, const struct rollout_state *s,
		      struct as_world *w, struct err *err) MUST_CHECK;

/* Units the candidate needs before it gets the share of this step. Pure. */
int64_t as_need(const struct plan *plan, const struct as_world *w, int step);
/* The same for all traffic: as many as the baseline has. */
int64_t as_full(const struct as_world *w);

struct as_health {
	int64_t units;	      /* of instances that can serve: see as_read_health() */
	size_t n_uninstalled; /* in service, and no command was sent to them yet */
	bool failed;	      /* a command failed; it will not come up */
	char text[200];	      /* what is missing, for people */
};
/*
 * How the candidate is: an instance counts when it is in service, runs the candidate's version, its
 * command (where there is one) succeeded, and the target group calls it healthy.
 */
int as_read_health(const struct target_env *env, const struct rollout_state *s,
		   const struct as_world *w, struct as_health *h, struct err *err) MUST_CHECK;

/* --- what the new version is (auto_scaling_install.c) ---------------------------------------- */

/* Is the file in the artifact and good for it? Problems say what is wrong. */
int as_install_check(const struct target_env *env, struct problems *p, struct err *err) MUST_CHECK;
/* The version of the launch template that candidates are started from; made when there is none. */
int as_install_version(const struct target_env *env, const struct rollout_state *s,
		       const struct as_record *r, int64_t *version, struct err *err) MUST_CHECK;

/* --- commands on instances (auto_scaling_command.c) ------------------------------------------ */

enum as_command { AS_COMMAND_NONE, AS_COMMAND_RUNNING, AS_COMMAND_DONE, AS_COMMAND_FAILED };
/* One state an instance of the candidate; all DONE where the plan has no command. */
int as_command_look(const struct target_env *env, const struct rollout_state *s,
		    const struct asg_group *g, enum as_command **states, const char **why,
		    struct err *err) MUST_CHECK;
/*
 * Run the script on every instance in service that has not got it and can be reached. *n: on how
 * many; when it fails, on how many it was sent all the same, or may have been.
 */
int as_command_send(const struct target_env *env, const struct rollout_state *s,
		    const struct asg_group *g, size_t *n, struct err *err) MUST_CHECK;

/* --- changing groups (auto_scaling_change.c, auto_scaling_copy.c) ---------------------------- */

unsigned as_suspended(const struct asg_group *g);
/* Suspend all of as_processes, or resume those that were not suspended before; no call when that is
 * so already. */
int as_hold(const struct target_env *env, const struct asg_group *g, struct err *err) MUST_CHECK;
int as_release(const struct target_env *env, const struct asg_group *g, unsigned before,
	       struct err *err) MUST_CHECK;
bool as_is_released(const struct asg_group *g, unsigned before);

int as_resize(const struct target_env *env, const char *name, const struct as_size *size,
	      struct err *err) MUST_CHECK;
/* At least so many units, with room for them; no call when it has them. *changed says. */
int as_raise(const struct target_env *env, const struct as_world *w, int64_t need, bool *changed,
	     struct err *err) MUST_CHECK;
bool as_is_empty(const struct asg_group *g); /* wants nothing and has nothing */

const char *as_health_check(const struct asg_group *g); /* its type; never NULL */
/* Sizes, health checks and protection as the baseline had them. */
bool as_is_finished(const struct as_world *w);
int as_finish(const struct target_env *env, const struct as_world *w, struct err *err) MUST_CHECK;

/* The copy, empty, or the twin with the new version, ready to be scaled up. Reads w->candidate
 * again. */
int as_make_ready(const struct target_env *env, const struct rollout_state *s, struct as_world *w,
		  struct err *err) MUST_CHECK;

/* What is to become of this group: never ASG_RETIRE_AUTO. Pure. */
enum asg_retire as_retire_of(const struct plan *plan, const struct asg_group *live);

/* --- going back and clearing up (auto_scaling_back.c) ---------------------------------------- */

/* Is everything but the weights as the undo record says? */
bool as_is_restored(const struct as_world *w);
int as_restore(const struct target_env *env, const struct as_world *w,
	       const struct target_observation *o, struct err *err) MUST_CHECK;
bool as_is_retired(const struct plan *plan, const struct as_world *w);
int as_retire(const struct target_env *env, const struct as_world *w, struct err *err) MUST_CHECK;
bool as_is_discarded(const struct as_world *w);
int as_discard(const struct target_env *env, const struct as_world *w, struct err *err) MUST_CHECK;

/* --- offline (auto_scaling_calls.c) ---------------------------------------------------------- */

void as_calls(const struct plan *plan, struct arena *a,
	      void (*add)(void *arg, const struct target_call *c), void *arg);

#endif
