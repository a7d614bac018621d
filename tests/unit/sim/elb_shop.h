#ifndef TESTS_UNIT_SIM_ELB_SHOP_H
#define TESTS_UNIT_SIM_ELB_SHOP_H

#include "tests/unit/sim/services.h"

/* A shop behind an ALB: blue serves, green is referenced by nobody. */
struct shop {
	struct world *w;
	const char *listener, *rule, *blue, *green;
};

static inline const char *arn_of(struct world *w, const char *line)
{
	return json_cstr(json_get(ctl(w, line), "arn"));
}

/* An ARN as form value; it has ':' and '/' only, which stand for themselves in a form. */
static inline struct shop shop_new(void)
{
	struct shop s = {.w = world_new(NULL)};
	ctl(s.w, "elbv2 load-balancer shop type=application");
	s.blue = arn_of(s.w, "elbv2 target-group tg-blue targets=3");
	s.green = arn_of(s.w, "elbv2 target-group tg-green targets=3 interval=10 threshold=3");
	ctl(s.w, "elbv2 listener shop port=443 forward=tg-blue:100");
	s.listener = json_cstr(json_get(ctl(s.w, "elbv2 show shop:443"), "listener"));
	s.rule = arn_of(s.w, "elbv2 rule shop:443 priority=10 path=/pay/* forward=tg-blue");
	return s;
}

static inline const struct xml *result(struct world *w, const char *path)
{
	assert_status(w, 200);
	const struct xml *x = xml_at(body_xml(w), path);
	if (!x)
		fail_msg("no %s in " STR_FMT, path, STR_ARG(w->res.body));
	return x;
}

static inline void assert_xml(const struct xml *x, const char *path, const char *text)
{
	if (!str_is(xml_text(x, path), text))
		fail_msg("%s is \"" STR_FMT "\", not \"%s\"", path, STR_ARG(xml_text(x, path)),
			 text);
}

/* "Actions.member.1..." that forwards with these weights */
static inline const char *forward(struct shop *s, const char *prefix, int blue, int green)
{
	return arena_printf(s->w->arena,
			    "%s.member.1.Type=forward"
			    "&%s.member.1.ForwardConfig.TargetGroups.member.1.TargetGroupArn=%s"
			    "&%s.member.1.ForwardConfig.TargetGroups.member.1.Weight=%d"
			    "&%s.member.1.ForwardConfig.TargetGroups.member.2.TargetGroupArn=%s"
			    "&%s.member.1.ForwardConfig.TargetGroups.member.2.Weight=%d",
			    prefix, prefix, s->blue, prefix, blue, prefix, s->green, prefix, green);
}

static inline int modify_rule(struct shop *s, const char *actions)
{
	return elb(s->w, arena_printf(s->w->arena, "ModifyRule&RuleArn=%s&%s", s->rule, actions));
}

static inline int modify_listener(struct shop *s, const char *actions)
{
	return elb(s->w, arena_printf(s->w->arena, "ModifyListener&ListenerArn=%s&%s", s->listener,
				      actions));
}

static inline const char *health(struct shop *s, const char *tg, const char *what)
{
	elb(s->w, arena_printf(s->w->arena, "DescribeTargetHealth&TargetGroupArn=%s", tg));
	return xml_cstr(result(s->w, "DescribeTargetHealthResult/TargetHealthDescriptions/member"),
			arena_printf(s->w->arena, "TargetHealth/%s", what));
}

static inline double live_share(struct world *w, const char *what, const char *group)
{
	json_each(g, json_get(ctl(w, arena_printf(w->arena, "elbv2 show %s", what)), "live")) {
		if (str_is(json_text(json_get(g, "targetGroup")), group))
			return number(g, "share");
	}
	return 0;
}

#endif
