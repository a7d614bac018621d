#ifndef WORKER_ROLLOUT_PLAN_READER_H
#define WORKER_ROLLOUT_PLAN_READER_H

#include "aws/core/json.h"
#include "aws/core/yaml.h"
#include "worker/rollout/plan.h"

/*
 * What the parts of the plan reader share: the plan being built, where problems go, and which
 * parameters stand for ${NAME} in the plan file. Private to plan*.c.
 */
struct plan_reader {
	struct arena *a;
	struct problems *problems;
	struct plan *plan;
	const char *file; /* name of the plan file, or NULL */
	const struct plan_property *parameters;
	bool *parameter_used; /* of each */
	size_t n_parameters;
	size_t expanded; /* bytes of text so far, with the parameters filled in */
	bool has_target, has_strategy;
	bool is_unreadable; /* the file as a whole: what it lacks cannot be said */
	bool has_bad_guard; /* one that could not be read at all */
	/* where it was said last: "rollout.yaml:4: strategy", "Strategy"; "" when nowhere */
	const char *target_place, *strategy_place, *budget_place, *busy_place;
};

/* "rollout.yaml:9: strategy.canary.steps[1].weight" */
const char *plan_place(const struct plan_reader *r, const struct yaml *node, const char *path);

#define PLAN_DURATION_MAX (366ll * 86400000) /* the longest duration_parse() takes */

/*
 * Scalars. Each returns false, having added a problem, when the node is there and is not what it
 * must be, and leaves *out alone when it is absent (NULL).
 */
bool plan_text(struct plan_reader *r, const struct yaml *node, const char *path, const char **out);
bool plan_duration(struct plan_reader *r, const struct yaml *node, const char *path, int64_t least,
		   int64_t most, int64_t *out);
bool plan_integer(struct plan_reader *r, const struct yaml *node, const char *path, int64_t least,
		  int64_t most, int64_t *out);
bool plan_weight(struct plan_reader *r, const struct yaml *node, const char *path, int *out);
bool plan_number(struct plan_reader *r, const struct yaml *node, const char *path, double *out);
bool plan_flag(struct plan_reader *r, const struct yaml *node, const char *path, bool *out);

/* Complain about keys of a map that are not in the list "a b c"; false when node is no map. */
bool plan_keys(struct plan_reader *r, const struct yaml *node, const char *path, const char *keys);

/*
 * The first and the next item of a list; a single value counts as a list of one:
 *   for (item = plan_items(node); item; item = plan_next(node, item))
 */
const struct yaml *plan_items(const struct yaml *node);
const struct yaml *plan_next(const struct yaml *node, const struct yaml *item);

/* plan.c: "wait" or "fail". */
void plan_busy_then(struct plan_reader *r, struct str value, const char *place);
/* plan_file.c: read the whole file into r->plan. */
void plan_file_read(struct plan_reader *r, const struct yaml *root);
/*
 * plan_segment.c: read the map under "segments", before the strategy, which names them; give the
 * steps of segments their weights, and check what only the whole plan shows of them; and their part
 * of the canonical form.
 */
void plan_segments_read(struct plan_reader *r, const struct yaml *map);
void plan_segments_check(struct plan_reader *r);
void plan_segments_digest(struct json_out *o, const struct plan *p);
/* Complain that there is no such segment, and say which there are. */
void plan_no_segment(struct problems *p, const struct plan *plan, const char *place,
		     struct str name);
/* plan_guard.c: read the list under "guards". */
void plan_guards_read(struct plan_reader *r, const struct yaml *list);
struct plan_guard *plan_guard_add(struct plan_reader *r, enum guard_kind kind, const char *place);
/*
 * plan_target.c: the map under "target"; and "lambda:checkout:live", which must name the same
 * target when the file has one, too.
 */
void plan_target_read(struct plan_reader *r, const struct yaml *map);
void plan_target_property(struct plan_reader *r, struct str text, const char *place);
void plan_target_defaults(struct plan_target *t, enum target_kind k);
/* The members of the target in the canonical form. */
void plan_target_digest(struct json_out *o, const struct plan_target *t);
/* What only the whole plan can show of its target. */
void plan_target_check(struct plan_reader *r);

/*
 * One kind of target, in a file of its own: plan_lambda.c, plan_load_balancer.c and so on. The
 * members of plan_target that are not its own are zero.
 */
struct plan_target_kind {
	const char *word; /* of Target: "load-balancer" */
	const char *key;  /* in plan files, and of undo records: "load_balancer" */
	const char *form; /* how the one line is written: "lambda:FUNCTION:ALIAS" */
	void (*defaults)(struct plan_target *t);
	/* What follows the word in the one line. False, with a problem for `place` and the whole
	 * line, when it is none. */
	bool (*parse)(struct plan_reader *r, struct str text, const char *place, const char *whole,
		      struct plan_target *t);
	/* The map under the key, into r->plan->target. */
	void (*read)(struct plan_reader *r, const struct yaml *map);
	/* Do both name the same? Only what the one line can say counts. */
	bool (*same)(const struct plan_target *a, const struct plan_target *b);
	/* What follows the word; of a target that could not be read whole, what there is. */
	const char *(*text)(struct arena *a, const struct plan_target *t);
	void (*digest)(struct json_out *o, const struct plan_target *t);
	void (*check)(struct plan_reader *r); /* or NULL */
};
extern const struct plan_target_kind plan_kind_lambda, plan_kind_load_balancer,
	plan_kind_auto_scaling, plan_kind_beanstalk, plan_kind_ecs;

/* Are both absent, or the same text? */
bool plan_same_text(const char *a, const char *b);
/* 1 to max letters, digits, '-' and '_'. */
bool plan_is_name(struct str s, size_t max);
bool plan_is_account(struct str s); /* 12 digits */
/* plan_load_balancer.c: ARNs of a listener or rule of an ALB or NLB; of a target group. */
bool plan_is_listener(struct str arn);
bool plan_is_rule(struct str arn);
bool plan_is_target_group(struct str arn);
/*
 * Members of a map that say which weights to move, for every kind that moves some: rule or
 * listener, baseline and candidate, min_healthy, propagation. base: "target.load_balancer".
 */
#define PLAN_LB_KEYS "listener rule baseline candidate min_healthy propagation"
void plan_lb_defaults(struct plan_load_balancer *lb);
void plan_lb_read(struct plan_reader *r, const struct yaml *map, const char *base,
		  struct plan_load_balancer *lb);
void plan_lb_digest(struct json_out *o, const struct plan_load_balancer *lb);

/* plan_lambda.c */
bool plan_is_function(struct str name); /* a Lambda function's name or ARN, without qualifier */
/* plan_guard.c: 1 to 255 characters, none of them a control character */
bool plan_is_alarm_name(struct str name);
/* plan_check.c: what only the whole plan can show. */
void plan_check(struct plan_reader *r);
/* plan_digest.c: the canonical form and its digest. */
void plan_digest(struct plan *plan);

#endif
