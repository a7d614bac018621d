#ifndef WORKER_TARGET_BEANSTALK_H
#define WORKER_TARGET_BEANSTALK_H

#include "aws/beanstalk.h"
#include "worker/target/load_balancer.h"
#include "worker/target/target.h"

/*
 * What the files of the beanstalk target share. There are three ways to give a candidate its
 * traffic (enum beanstalk_method); which one a rollout takes is in its undo record, so that a
 * rollout whose plan is gone can still go back.
 */

/* --- beanstalk_record.c: what is remembered -------------------------------------------------- */

/* What was live before, and what there was of the candidate. Texts live in an arena. */
struct bean_record {
	enum beanstalk_method method;
	const char *application;
	const char *baseline, *name; /* id and name of the live environment */
	const char *label;	     /* the version it runs; "" the sample application */
	const char *cname;	     /* what users reach it by */
	const char *candidate;	     /* name of the second environment; "" with one environment */
	const char *twin;	     /* its id when it stands already; "": it is cloned */
	int64_t instances;	     /* that were live at the first look */
	int64_t min, max;	     /* sizes of the live one; max 0: a single instance, no sizes */
	int64_t twin_min, twin_max;  /* sizes of the standing twin */
	const char *policy, *percent, *minutes; /* options before, by traffic_splitting */
	struct lb_record lb;			/* by load_balancer */
};

int bean_record_store(const struct bean_record *r, char undo[LIMIT_UNDO + 1],
		      struct err *err) MUST_CHECK;
int bean_record_load(struct arena *a, const char *undo, struct bean_record *r,
		     struct err *err) MUST_CHECK;

/* What is known of the candidate; all of it can be found again. */
struct bean_candidate {
	const char *label;    /* of the version; "" until the artifact has been read */
	int64_t well_since_s; /* seconds since 1970: since when it has been healthy; 0: it is not */
	const char *before;   /* mark of what a twin ran before it was told to; "": it was not */
};
int bean_candidate_store(const struct bean_candidate *c, char candidate[LIMIT_CANDIDATE + 1],
			 struct err *err) MUST_CHECK;
int bean_candidate_load(struct arena *a, const char *candidate, struct bean_candidate *c,
			struct err *err) MUST_CHECK;

/*
 * The name of a clone: that of the live environment, "-rw" and ten hex digits that stand for the
 * rollout, 40 characters at most. Pure. And: does a name, or the first label of a CNAME, look so?
 */
#define BEAN_NAME_SIZE 41
void bean_clone_name(const char *live, const char *rollout_id, char out[BEAN_NAME_SIZE]);
bool bean_is_clone_name(struct str name);

/* --- beanstalk_bundle.c: the version --------------------------------------------------------- */

#define BEAN_BUNDLE_MAX (500u * 1000 * 1000) /* Beanstalk's limit of a source bundle */

/* Is there a bundle in the artifact? Problems say what is missing. */
int bean_bundle_check(const struct target_env *env, struct problems *p, struct err *err) MUST_CHECK;

/* The label that this bundle's version has or will have: from its content. */
#define BEAN_LABEL_SIZE 32
int bean_bundle_label(const struct target_env *env, char label[BEAN_LABEL_SIZE],
		      struct err *err) MUST_CHECK;

/*
 * Take the next step until the version is there. *is_there when it has been processed. The bundle
 * is the artifact's own object where it is the whole artifact and Beanstalk takes it, and otherwise
 * a copy in Beanstalk's own bucket. ERR_REJECTED: the bundle is no good.
 */
int bean_version_make(const struct target_env *env, const char *application, const char *label,
		      bool *is_there, struct err *err) MUST_CHECK;

/* --- beanstalk_look.c: looking --------------------------------------------------------------- */

/* The environments of the application, and which of them are which; NULL: it is not there. */
struct bean_look {
	struct beanstalk_environment *all;
	size_t n;
	const struct beanstalk_environment *baseline, *candidate;
};
int bean_look(const struct target_env *env, const struct bean_record *r, struct bean_look *l,
	      struct err *err) MUST_CHECK;

void bean_detail(struct target_observation *o, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* What an error means for a look that ends with it; -1 only for ERR_CANCELED. */
int bean_unreadable(struct target_observation *o, struct err *err) MUST_CHECK;

/* Healthy in Beanstalk's own view: Ok or Info, or green where health is not enhanced. Pure. */
bool bean_is_healthy(const struct beanstalk_environment *e);
/* "Ready, Ok": for people; in the arena. */
const char *bean_state_text(struct arena *a, const struct beanstalk_environment *e);

/* How many of its instances run this version; basic reporting, which does not tell, is n 0. */
struct bean_fleet {
	size_t n;	   /* instances */
	size_t with_label; /* that run it, and are done deploying it */
	size_t failed;	   /* where deploying failed */
	size_t others;	   /* that run, or are getting, another version */
	bool is_mixed;	   /* those with it are not all of one deployment */
	bool is_told;	   /* false: basic reporting */
	const struct beanstalk_instance *instances; /* n of them */
};
int bean_fleet_read(const struct target_env *env, const char *environment_id, const char *label,
		    struct bean_fleet *f, struct err *err) MUST_CHECK;

/* The newest ERROR or FATAL event of an environment since then; NULL: none. */
int bean_failure_since(const struct target_env *env, const char *environment_id, struct utc since,
		       const char **message, struct err *err) MUST_CHECK;

/* Baseline's health for PROVE: Ready, healthy, all instances on its version. */
int bean_baseline_health(const struct target_env *env, const struct bean_record *r,
			 const struct beanstalk_environment *e, struct verdict *out,
			 struct err *err) MUST_CHECK;

/* The settings in force, of an environment by its name. */
int bean_settings(const struct target_env *env, const char *application, const char *name,
		  struct beanstalk_settings *s, struct err *err) MUST_CHECK;

/* A whole number of an option; `other` when it is not set. Pure. */
int64_t bean_option_i64(const struct beanstalk_settings *s, const char *ns, const char *name,
			int64_t other);

#define BEAN_NS_ASG "aws:autoscaling:asg"
#define BEAN_NS_COMMAND "aws:elasticbeanstalk:command"
#define BEAN_NS_SPLITTING "aws:elasticbeanstalk:trafficsplitting"
#define BEAN_NS_ENVIRONMENT "aws:elasticbeanstalk:environment"

/* Set MinSize and MaxSize. */
int bean_resize(const struct target_env *env, const char *environment_id, int64_t min, int64_t max,
		struct err *err) MUST_CHECK;

/* A busy environment is no failure: it is looked at again. True when *err was that. */
bool bean_is_busy(struct err *err);

/* --- beanstalk_candidate.c: a second environment --------------------------------------------- */

/* o->candidate and detail, for the phases in which the candidate is looked at. */
int bean_candidate_observe(const struct target_env *env, const struct rollout_state *s,
			   const struct bean_record *r, const struct bean_candidate *c,
			   const struct bean_look *l, struct target_observation *o,
			   struct err *err) MUST_CHECK;
/* One step; c is changed by what was learnt. */
int bean_candidate_prepare(const struct target_env *env, const struct rollout_state *s,
			   const struct bean_record *r, struct bean_candidate *c,
			   struct err *err) MUST_CHECK;

/* --- beanstalk_after.c: what is left of two environments ------------------------------------- */

/* What the plan wants gone after the bake time: is it gone? And one step towards that. */
int bean_retire_look(const struct target_env *env, const struct bean_record *r,
		     const struct bean_look *l, struct target_observation *o,
		     struct err *err) MUST_CHECK;
int bean_retire(const struct target_env *env, const struct bean_record *r,
		struct err *err) MUST_CHECK;
/* The same for what was made for the candidate, after a way back. */
int bean_leftover_look(const struct target_env *env, const struct bean_record *r,
		       const struct bean_look *l, struct target_observation *o,
		       struct err *err) MUST_CHECK;
int bean_discard(const struct target_env *env, const struct bean_record *r,
		 struct err *err) MUST_CHECK;

/* --- beanstalk_inspect*.c: the first look ---------------------------------------------------- */

/* Read, check the plan against what is there, fill the record in. */
int bean_inspect(const struct target_env *env, struct bean_record *r, struct problems *p,
		 struct err *err) MUST_CHECK;
/* Of the environment that is to serve beside, or after, the live one. */
int bean_inspect_second(const struct target_env *env, const struct beanstalk_environment *live,
			const struct bean_look *l, struct bean_record *r, struct problems *p,
			struct err *err) MUST_CHECK;
/* Of one environment whatever its part: its own database, what is pending, what is mixed. */
int bean_inspect_settled(const struct target_env *env, const struct beanstalk_environment *e,
			 struct beanstalk_settings *settings, struct problems *p,
			 struct err *err) MUST_CHECK;
/* Somebody's operation runs on it, which will be over: added to p as that. */
bool bean_inspect_is_busy(const struct target_env *env, const struct beanstalk_environment *e,
			  struct problems *p);
void bean_inspect_no_database(const struct beanstalk_environment *e,
			      const struct beanstalk_settings *settings, struct problems *p);

/* --- the three ways -------------------------------------------------------------------------- */

/* As in struct target_ops, with the record read. */
struct bean_way {
	int (*observe)(const struct target_env *env, const struct rollout_state *s,
		       const struct bean_record *r, const struct bean_candidate *c,
		       struct target_observation *o, struct err *err);
	int (*prepare)(const struct target_env *env, const struct rollout_state *s,
		       const struct bean_record *r, struct bean_candidate *c, struct err *err);
	int (*split)(const struct target_env *env, const struct rollout_state *s,
		     const struct bean_record *r, const struct bean_candidate *c,
		     const struct target_observation *o, const struct traffic *want,
		     struct err *err);
	int (*promote)(const struct target_env *env, const struct rollout_state *s,
		       const struct bean_record *r, const struct bean_candidate *c,
		       const struct target_observation *o, struct err *err);
	int (*restore)(const struct target_env *env, const struct rollout_state *s,
		       const struct bean_record *r, const struct bean_candidate *c,
		       const struct target_observation *o, struct err *err);
	int (*retire)(const struct target_env *env, const struct bean_record *r, struct err *err);
};
extern const struct bean_way bean_by_swap, bean_by_splitting, bean_by_balancer;

/* beanstalk_splitting.c: can this environment split its traffic? */
void bean_splitting_check(const struct beanstalk_environment *e,
			  const struct beanstalk_settings *settings, struct bean_record *r,
			  struct problems *p);
/* beanstalk_balancer.c: which of the two is live, by the weights. */
int bean_balancer_inspect(const struct target_env *env, const struct bean_look *l,
			  struct bean_record *r, struct problems *p, struct err *err) MUST_CHECK;

/* beanstalk_calls.c */
void bean_calls(const struct plan *plan, struct arena *a,
		void (*add)(void *arg, const struct target_call *c), void *arg);

#endif
