#include "worker/target/load_balancer.h"

#include <assert.h>
#include <string.h>

#include "worker/target/record.h"

/*
 * {"r":rule ARN,"g":[[group,weight],...],"b":0,"c":group,"n":true,"s":true}: the groups
 * as the tails of their ARNs, since all share what comes before "listener" in the resource's,
 * weight -1 for one that was not said; the baseline by its place among them; n of a Network Load
 * Balancer; s when there may be rules for segments, so that a plan that is lost does not leave them
 * behind. So five groups fit. Stickiness is not in it: going back leaves it as it is.
 */
static struct str prefix_of(const char *resource)
{
	const char *tail = strstr(resource, ":listener");

	return (struct str){resource, tail ? (size_t)(tail - resource) + 1 : 0};
}

static struct str tail_of(const char *resource, const char *group)
{
	struct str prefix = prefix_of(resource), s = str_from(group);

	return s.n > prefix.n && memcmp(s.p, prefix.p, prefix.n) == 0 ? str_sub(s, prefix.n, s.n)
								      : s;
}

/* n_groups when it is not one of them. */
static size_t place_of(const struct lb_record *r, const char *group)
{
	size_t i = 0;

	while (i < r->n_groups && strcmp(r->groups[i].arn, group) != 0)
		i++;
	return i;
}

void lb_record_write(const struct lb_record *r, struct json_out *o)
{
	json_member_cstr(o, "r", r->resource);
	json_out_key(o, "g");
	json_out_array(o);
	for (size_t i = 0; i < r->n_groups; i++) {
		json_out_array(o);
		json_out_str(o, tail_of(r->resource, r->groups[i].arn));
		json_out_i64(o, r->groups[i].has_weight ? r->groups[i].weight : -1);
		json_out_end(o);
	}
	json_out_end(o);
	assert(place_of(r, r->baseline) < r->n_groups);
	json_member_i64(o, "b", (int64_t)place_of(r, r->baseline));
	json_member_str(o, "c", tail_of(r->resource, r->candidate));
	if (r->network)
		json_member_bool(o, "n", true);
	if (r->segments)
		json_member_bool(o, "s", true);
}

int lb_record_store(const struct lb_record *r, char undo[LIMIT_UNDO + 1], struct err *err)
{
	struct json_out o;
	struct buf b;
	int rc;

	buf_init(&b, LIMIT_UNDO);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_cstr(&o, "t", "load_balancer");
	lb_record_write(r, &o);
	json_out_end(&o);
	rc = record_store(&b, undo, LIMIT_UNDO + 1, "undo record", err);
	buf_release(&b);
	return rc;
}

int lb_candidate_store(const struct lb_record *r, char candidate[LIMIT_CANDIDATE + 1],
		       struct err *err)
{
	struct json_out o;
	struct buf b;
	int rc;

	buf_init(&b, LIMIT_CANDIDATE);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_str(&o, "g", tail_of(r->resource, r->candidate));
	json_out_end(&o);
	rc = record_store(&b, candidate, LIMIT_CANDIDATE + 1, "candidate", err);
	buf_release(&b);
	return rc;
}

static const char *arn_of(struct arena *a, const char *resource, struct str tail)
{
	struct str prefix = prefix_of(resource);

	if (str_starts(tail, "arn:"))
		return str_dup(a, tail);
	return arena_printf(a, STR_FMT STR_FMT, STR_ARG(prefix), STR_ARG(tail));
}

static int bad(struct err *err)
{
	return err_set(err, ERR_MALFORMED, "undo record: not one of a load balancer");
}

static int load_groups(struct arena *a, const struct json *groups, struct lb_record *r,
		       struct err *err)
{
	if (!groups || groups->type != JSON_ARRAY || groups->n > LB_GROUPS_MAX)
		return bad(err);
	json_each(g, groups) {
		struct elbv2_group *to = &r->groups[r->n_groups++];

		if (g->type != JSON_ARRAY || g->n != 2 || !json_text(g->first).n ||
		    !json_i64(g->first->next, &to->weight) || to->weight < -1 ||
		    to->weight > LB_WEIGHT_MAX)
			return bad(err);
		to->arn = arn_of(a, r->resource, json_text(g->first));
		to->has_weight = to->weight >= 0;
		to->weight = to->has_weight ? to->weight : 1;
	}
	return 0;
}

int lb_record_read(struct arena *a, const struct json *root, struct lb_record *r, struct err *err)
{
	int64_t at = -1;

	*r = (struct lb_record){.resource = record_text(root, "r")};
	if (!prefix_of(r->resource).n)
		return bad(err);
	if (load_groups(a, json_get(root, "g"), r, err))
		return -1;
	if (!json_i64(json_get(root, "b"), &at) || at < 0 || (size_t)at >= r->n_groups)
		return bad(err);
	r->baseline = r->groups[at].arn;
	if (!json_text(json_get(root, "c")).n)
		return bad(err);
	r->candidate = arn_of(a, r->resource, json_text(json_get(root, "c")));
	r->network = json_bool(json_get(root, "n"), false);
	r->segments = json_bool(json_get(root, "s"), false);
	return strcmp(r->baseline, r->candidate) != 0 ? 0 : bad(err);
}

int lb_record_load(struct arena *a, const char *undo, struct lb_record *r, struct err *err)
{
	const struct json *root;

	*r = (struct lb_record){0};
	if (record_load(a, undo, &root, err))
		return -1;
	if (strcmp(record_text(root, "t"), "load_balancer") != 0)
		return bad(err);
	return lb_record_read(a, root, r, err);
}

const char *lb_load_balancer_dimension(struct arena *a, const char *resource)
{
	struct str rest, part[3];
	const char *p = strstr(resource, ":listener");

	p = p ? strchr(p, '/') : NULL;
	rest = str_from(p ? p + 1 : "");
	for (int i = 0; i < 3; i++)
		if (!str_next(&rest, '/', &part[i]))
			return "";
	return arena_printf(a, STR_FMT "/" STR_FMT "/" STR_FMT, STR_ARG(part[0]), STR_ARG(part[1]),
			    STR_ARG(part[2]));
}
