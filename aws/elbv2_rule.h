#ifndef AWS_ELBV2_RULE_H
#define AWS_ELBV2_RULE_H

#include "aws/elbv2.h"

/*
 * Rules that are made and removed: their conditions, priorities and tags. What is said in elbv2.h
 * about memory, threads and errors holds here too.
 */

/* --- conditions ------------------------------------------------------------------------------- */

struct elbv2_query {
	const char *key; /* NULL: of any key */
	const char *value;
};

/*
 * One condition of a rule: values are OR-ed, conditions AND-ed. Which members count follows from
 * the field: query-string has queries, every other kind values, or regex (host-header,
 * path-pattern, http-header); http-header has a name too. A condition is `whole` when everything it
 * consists of is in these members; only such a one can be given again.
 */
struct elbv2_condition {
	const char *field;  /* "http-header", "query-string", "source-ip", "path-pattern" ... */
	const char *header; /* name of the header, without wildcards */
	const char *const *values;
	size_t n_values;
	const char *const *regex;
	size_t n_regex;
	const struct elbv2_query *queries;
	size_t n_queries;
	bool whole;
};

/* Limits of a rule on an Application Load Balancer. */
#define ELBV2_RULE_VALUES_MAX 5
#define ELBV2_RULE_WILDCARDS_MAX 5
#define ELBV2_HEADER_NAME_MAX 40
#define ELBV2_CONDITION_VALUE_MAX 128
#define ELBV2_PRIORITY_MAX 50000

/* Read the <member> elements of a Conditions element; list NULL: none. A kind we do not know is
 * read as one that is not whole. */
int elbv2_conditions_parse(const struct xml *list, struct arena *a, struct elbv2_condition **out,
			   size_t *n, struct err *err) MUST_CHECK;

/*
 * Append conditions as form parameters, "&Conditions.member.1.Field=http-header...". Pure. Only the
 * "...Config" form is written. ERR_REJECTED for one that is not whole or has no value.
 */
int elbv2_conditions_format(struct buf *b, const struct elbv2_condition *conditions, size_t n,
			    struct err *err) MUST_CHECK;

/* Do both say the same, whatever the order of conditions and values? False for one that is not
 * whole. Header names are compared without case, blocks of addresses by what they are. Pure. */
bool elbv2_conditions_same(const struct elbv2_condition *a, size_t n_a,
			   const struct elbv2_condition *b, size_t n_b);

/* Values, and wildcards (* and ?) in them, over all conditions, as Elastic Load Balancing counts
 * them against its limits. Pure. */
size_t elbv2_conditions_values(const struct elbv2_condition *conditions, size_t n);
size_t elbv2_conditions_wildcards(const struct elbv2_condition *conditions, size_t n);

/* 1 to ELBV2_PRIORITY_MAX; 0 for the default rule. -1 for a priority that is none. Pure. */
int64_t elbv2_rule_priority(const struct elbv2_rule *rule);

/* --- making and removing ---------------------------------------------------------------------- */

struct elbv2_tag {
	const char *key, *value;
};

struct elbv2_new_rule {
	const char *listener_arn;
	int64_t priority;
	const struct elbv2_condition *conditions;
	size_t n_conditions;
	struct elbv2_actions actions;
	const struct elbv2_tag *tags; /* in the same call: a rule without its tags never exists */
	size_t n_tags;
};

/*
 * CreateRule. Not sent again when the outcome is unknown (err->sent): a rule has no token, so read
 * the rules and their tags. ERR_CONFLICT with aws "PriorityInUse"; ERR_REJECTED with
 * "TooManyRules", "TooManyUniqueTargetGroupsPerLoadBalancer".
 */
int elbv2_create_rule(const struct aws_client *c, const struct elbv2_new_rule *rule,
		      struct arena *a, struct elbv2_rule *out, struct err *err) MUST_CHECK;

/* DeleteRule. One that is gone already is success. */
int elbv2_delete_rule(const struct aws_client *c, const char *rule_arn, struct arena *a,
		      struct err *err) MUST_CHECK;

struct elbv2_tags {
	const struct elbv2_tag *tags;
	size_t n;
};

/* DescribeTags, in the order of arns, 20 a call. ERR_NOT_FOUND when one of them is gone;
 * ERR_MALFORMED when the answer leaves one out. */
int elbv2_describe_tags(const struct aws_client *c, const char *const *arns, size_t n_arns,
			struct arena *a, struct elbv2_tags **out, struct err *err) MUST_CHECK;

/* NULL when absent. */
const char *elbv2_tag_get(const struct elbv2_tags *tags, const char *key);

#endif
