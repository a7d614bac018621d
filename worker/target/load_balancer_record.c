#include "worker/target/load_balancer.h"

#include <string.h>

#include "worker/target/record.h"

/*
 * {"t":"load_balancer","r":rule ARN,"b":baseline,"c":candidate,"g":[[group,weight],...],"k":[enabled,
 * seconds],"n":true}: groups as the tails of their ARNs, since all share what comes before
 * "listener" in the resource's. So five groups fit, mostly.
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

int lb_record_store(const struct lb_record *r, char undo[LIMIT_UNDO + 1], struct err *err)
{
	struct json_out o;
	struct buf b;
	int rc;

	buf_init(&b, LIMIT_UNDO);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_cstr(&o, "t", "load_balancer");
	json_member_cstr(&o, "r", r->resource);
	json_out_key(&o, "g");
	json_out_array(&o);
	for (size_t i = 0; i < r->n_groups; i++) {
		json_out_array(&o);
		json_out_str(&o, tail_of(r->resource, r->groups[i].arn));
		json_out_i64(&o, r->groups[i].has_weight ? r->groups[i].weight : -1);
		json_out_end(&o);
	}
	json_out_end(&o);
	/* the baseline is one of the groups */
	for (size_t i = 0; i < r->n_groups; i++)
		if (!strcmp(r->groups[i].arn, r->baseline))
			json_member_i64(&o, "b", (int64_t)i);
	json_member_str(&o, "c", tail_of(r->resource, r->candidate));
	if (r->stickiness.present) {
		json_member_bool(&o, "ke", r->stickiness.enabled);
		json_member_i64(&o, "ks", r->stickiness.duration_s);
	}
	if (r->network)
		json_member_bool(&o, "n", true);
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

int lb_record_load(struct arena *a, const char *undo, struct lb_record *r, struct err *err)
{
	const struct json *root, *groups;
	int64_t baseline = -1;

	*r = (struct lb_record){0};
	if (record_load(a, undo, &root, err))
		return -1;
	groups = json_get(root, "g");
	r->resource = record_text(root, "r");
	if (!r->resource[0] || !groups || groups->n > LB_GROUPS_MAX ||
	    !json_i64(json_get(root, "b"), &baseline))
		return bad(err);
	json_each(g, groups) {
		struct elbv2_group *to = &r->groups[r->n_groups++];

		if (g->type != JSON_ARRAY || g->n != 2 || !json_i64(g->first->next, &to->weight))
			return bad(err);
		to->arn = arn_of(a, r->resource, json_text(g->first));
		to->has_weight = to->weight >= 0;
		to->weight = to->has_weight ? to->weight : 1;
	}
	if (baseline < 0 || (size_t)baseline >= r->n_groups || !json_text(json_get(root, "c")).n)
		return bad(err);
	r->baseline = r->groups[baseline].arn;
	r->candidate = arn_of(a, r->resource, json_text(json_get(root, "c")));
	r->stickiness.present = json_get(root, "ke") != NULL;
	r->stickiness.enabled = json_bool(json_get(root, "ke"), false);
	if (json_get(root, "ks") && !json_i64(json_get(root, "ks"), &r->stickiness.duration_s))
		return bad(err);
	r->network = json_bool(json_get(root, "n"), false);
	return 0;
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
