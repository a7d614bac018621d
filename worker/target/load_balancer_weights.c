#include "worker/target/load_balancer.h"

#include <string.h>

/*
 * The arithmetic of weights. Elastic Load Balancing takes whole numbers from 0 to 999, relative to
 * their sum; the shares asked for are turned into whole numbers that say them exactly, into percent
 * where that is possible, because people read them.
 */

int64_t lb_weight(const struct lb_forward *f, const char *group)
{
	for (size_t i = 0; i < f->n_groups; i++)
		if (!strcmp(f->groups[i].arn, group))
			return f->groups[i].weight;
	return 0;
}

bool lb_has_group(const struct lb_forward *f, const char *group)
{
	for (size_t i = 0; i < f->n_groups; i++)
		if (!strcmp(f->groups[i].arn, group))
			return true;
	return false;
}

static int64_t recorded_weight(const struct lb_record *r, const char *group)
{
	for (size_t i = 0; i < r->n_groups; i++)
		if (!strcmp(r->groups[i].arn, group))
			return r->groups[i].weight;
	return 0;
}

static bool is_recorded(const struct lb_record *r, const char *group)
{
	for (size_t i = 0; i < r->n_groups; i++)
		if (!strcmp(r->groups[i].arn, group))
			return true;
	return false;
}

static bool is_ours(const struct lb_record *r, const char *group)
{
	return !strcmp(group, r->baseline) || !strcmp(group, r->candidate);
}

bool lb_others_agree(const struct lb_record *r, const struct lb_forward *f)
{
	int64_t now = lb_weight(f, r->baseline) + lb_weight(f, r->candidate);
	int64_t before = recorded_weight(r, r->baseline) + recorded_weight(r, r->candidate);

	for (size_t i = 0; i < f->n_groups; i++) {
		const struct elbv2_group *g = &f->groups[i];

		/* g / now == recorded / before, without division */
		if (!is_ours(r, g->arn) && (!is_recorded(r, g->arn) ||
					    g->weight * before != recorded_weight(r, g->arn) * now))
			return false;
	}
	for (size_t i = 0; i < r->n_groups; i++)
		if (!is_ours(r, r->groups[i].arn) && !lb_has_group(f, r->groups[i].arn))
			return false;
	return true;
}

void lb_undo_groups(const struct lb_record *r, const struct lb_forward *f,
		    struct elbv2_group *groups, size_t *n)
{
	bool sticky = f->n_actions > 0 && f->actions[f->at].stickiness.enabled;

	*n = 0;
	for (size_t i = 0; i < r->n_groups; i++)
		if (!sticky || strcmp(r->groups[i].arn, r->candidate) != 0)
			groups[(*n)++] = r->groups[i];
}

bool lb_is_undone(const struct lb_record *r, const struct lb_forward *f)
{
	struct elbv2_group wanted[LB_GROUPS_MAX];
	int64_t sum = 0, wanted_sum = 0;
	size_t n;

	lb_undo_groups(r, f, wanted, &n);
	if (n != f->n_groups)
		return false;
	for (size_t i = 0; i < n; i++) {
		wanted_sum += wanted[i].weight;
		sum += f->groups[i].weight;
	}
	for (size_t i = 0; i < n; i++)
		if (!lb_has_group(f, wanted[i].arn) ||
		    wanted[i].weight * sum != lb_weight(f, wanted[i].arn) * wanted_sum)
			return false;
	return true;
}

static int64_t gcd(int64_t a, int64_t b)
{
	while (b) {
		int64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* The same shares as parts of 100, or else of 1000, where that comes out even. */
static void make_readable(struct elbv2_group *groups, size_t n)
{
	int64_t sum = 0, most = 0, factor;

	for (size_t i = 0; i < n; i++) {
		sum += groups[i].weight;
		most = groups[i].weight > most ? groups[i].weight : most;
	}
	for (int64_t whole = 100; sum > 0 && whole <= 1000; whole *= 10) {
		factor = whole / sum;
		if (whole % sum != 0 || most * factor > LB_WEIGHT_MAX)
			continue;
		for (size_t i = 0; i < n; i++)
			groups[i].weight *= factor;
		return;
	}
}

int lb_weights(const struct lb_record *r, int weight_bp, struct elbv2_group *groups, size_t *n,
	       struct err *err)
{
	int64_t ours = recorded_weight(r, r->baseline) + recorded_weight(r, r->candidate);
	int64_t divisor = 0;
	bool has_candidate = false;

	*n = 0;
	for (size_t i = 0; i < r->n_groups; i++) {
		struct elbv2_group *g = &groups[(*n)++];

		*g = r->groups[i];
		g->has_weight = true;
		if (!strcmp(g->arn, r->baseline))
			g->weight = ours * (10000 - weight_bp);
		else if (!strcmp(g->arn, r->candidate))
			g->weight = ours * weight_bp;
		else
			g->weight = r->groups[i].weight * 10000;
		has_candidate |= !strcmp(g->arn, r->candidate);
	}
	if (!has_candidate)
		groups[(*n)++] = (struct elbv2_group){
			.arn = r->candidate, .weight = ours * weight_bp, .has_weight = true};
	for (size_t i = 0; i < *n; i++)
		divisor = gcd(divisor, groups[i].weight);
	for (size_t i = 0; i < *n && divisor; i++) {
		groups[i].weight /= divisor;
		if (groups[i].weight > LB_WEIGHT_MAX)
			return err_set(err, ERR_REJECTED,
				       "%d.%02d%% is finer than weights of 0 to %d can say here",
				       weight_bp / 100, weight_bp % 100, LB_WEIGHT_MAX);
	}
	make_readable(groups, *n);
	return 0;
}
