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
	size_t n_parameters;
	bool has_target, has_strategy;
};

/* "rollout.yaml:9: strategy.canary.steps[1].weight" */
const char *plan_place(const struct plan_reader *r, const struct yaml *node, const char *path);

/*
 * Scalars. Each returns false, having added a problem, when the node is there and is not what it
 * must be, and leaves *out alone when it is absent (NULL).
 */
bool plan_text(struct plan_reader *r, const struct yaml *node, const char *path, const char **out);
bool plan_duration(struct plan_reader *r, const struct yaml *node, const char *path, int64_t least,
		   int64_t *out);
bool plan_integer(struct plan_reader *r, const struct yaml *node, const char *path, int64_t least,
		  int64_t most, int64_t *out);
bool plan_weight(struct plan_reader *r, const struct yaml *node, const char *path, int *out);
bool plan_number(struct plan_reader *r, const struct yaml *node, const char *path, double *out);
bool plan_flag(struct plan_reader *r, const struct yaml *node, const char *path, bool *out);

/* Complain about keys of a map that are not in the list "a b c"; false when node is no map. */
bool plan_keys(struct plan_reader *r, const struct yaml *node, const char *path, const char *keys);

/* Is the node a list? A single value counts as a list of one: *first and *n say what to go over. */
const struct yaml *plan_items(const struct yaml *node);

/* plan_file.c: read the whole file into r->plan. */
void plan_file_read(struct plan_reader *r, const struct yaml *root);
/* plan_guard.c: read the list under "guards". */
void plan_guards_read(struct plan_reader *r, const struct yaml *list);
struct plan_guard *plan_guard_add(struct plan_reader *r, enum guard_kind kind, const char *place);
/* plan_target.c: "lambda:checkout:live"; and the map under "target". */
void plan_target_parse(struct plan_reader *r, struct str text, const char *place);
void plan_target_read(struct plan_reader *r, const struct yaml *map);
/* plan_check.c: what only the whole plan can show. */
void plan_check(struct plan_reader *r);
/* plan_digest.c: the canonical form and its digest. */
void plan_digest(struct plan *plan);

#endif
