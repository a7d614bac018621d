#ifndef TESTS_UNIT_SIM_ASG_SHOP_H
#define TESTS_UNIT_SIM_ASG_SHOP_H

#include "tests/unit/sim/elb_shop.h"

/* A shop whose blue target group is filled by an Auto Scaling group of three instances. */
static inline struct shop asg_shop_new(void)
{
	struct shop s = {.w = world_new(NULL)};
	ctl(s.w, "elbv2 load-balancer shop");
	s.blue = arn_of(s.w, "elbv2 target-group tg-blue deregistration_s=30");
	s.green = arn_of(s.w, "elbv2 target-group tg-green deregistration_s=30");
	ctl(s.w, "elbv2 listener shop port=443 forward=tg-blue:100,tg-green:0");
	s.listener = json_cstr(json_get(ctl(s.w, "elbv2 show shop:443"), "listener"));
	ctl(s.w, "ec2 template shop-lt image=ami-1 type=t3.small");
	ctl(s.w, "autoscaling group shop-blue template=shop-lt size=3 min=2 max=6 targets=tg-blue");
	return s;
}

/* A number of what control shows of a group: "desired", "inService" ... */
static inline int shown(struct world *w, const char *group, const char *what)
{
	return (int)number(ctl(w, arena_printf(w->arena, "autoscaling show %s", group)), what);
}

/* How many instances of a group are in this state; "" counts all. */
static inline int in_state(struct world *w, const char *group, const char *state)
{
	const struct json *shown = ctl(w, arena_printf(w->arena, "autoscaling show %s", group));
	int n = 0;
	json_each(i, json_get(shown, "instances")) {
		n += !state[0] || str_is(json_text(json_get(i, "state")), state);
	}
	return n;
}

/* How many targets of a target group are in this state. */
static inline int targets_in(struct world *w, const char *group, const char *state)
{
	int n = 0;
	json_each(t, json_get(ctl(w, arena_printf(w->arena, "elbv2 show %s", group)), "targets")) {
		n += str_is(json_text(json_get(t, "state")), state);
	}
	return n;
}

static inline const char *instance_at(struct world *w, const char *group, size_t i)
{
	const struct json *shown = ctl(w, arena_printf(w->arena, "autoscaling show %s", group));
	const struct json *at = json_get(shown, "instances")->first;
	for (; at && i; i--)
		at = at->next;
	assert_non_null(at);
	return json_cstr(json_get(at, "id"));
}

/* The first group of DescribeAutoScalingGroups of this name. */
static inline const struct xml *described(struct world *w, const char *group)
{
	asg(w, arena_printf(w->arena, "DescribeAutoScalingGroups&AutoScalingGroupNames.member.1=%s",
			    group));
	return result(w, "DescribeAutoScalingGroupsResult/AutoScalingGroups/member");
}

#endif
