#ifndef WORKER_ROLLOUT_PLAN_READER_H
#define WORKER_ROLLOUT_PLAN_READER_H

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
	const char *target_place, *strategy_place, *budget_place;
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

/* plan_file.c: read the whole file into r->plan. */
void plan_file_read(struct plan_reader *r, const struct yaml *root);
/* plan_guard.c: read the list under "guards". */
void plan_guards_read(struct plan_reader *r, const struct yaml *list);
struct plan_guard *plan_guard_add(struct plan_reader *r, enum guard_kind kind, const char *place);
/*
 * plan_target.c: the map under "target"; and "lambda:checkout:live", which must name the same
 * target when the file has one, too.
 */
void plan_target_read(struct plan_reader *r, const struct yaml *map);
void plan_target_property(struct plan_reader *r, struct str text, const char *place);
void plan_target_defaults(struct plan_target *t);
bool plan_is_function(struct str name); /* a Lambda function's name or ARN, without qualifier */
/* plan_guard.c: 1 to 255 characters, none of them a control character */
bool plan_is_alarm_name(struct str name);
/* plan_check.c: what only the whole plan can show. */
void plan_check(struct plan_reader *r);
/* plan_digest.c: the canonical form and its digest. */
void plan_digest(struct plan *plan);

#endif
