#ifndef TESTS_UNIT_TARGET_ASG_SHOP_H
#define TESTS_UNIT_TARGET_ASG_SHOP_H

#include "tests/unit/target/asg_world.h"

/* What the world is like; change a member and look. */
struct shop {
	struct a_group live, twin, copy; /* name NULL: there is none */
	const char *weights;
	const char *blue_attributes, *green_attributes; /* "key=value key=value" */
	const char *green_targets;
	const char *green_type, *green_checks;
	const char *policies, *schedules, *refreshes;
	const char *image;
	const char *sticky;
};

static inline struct shop a_shop(void)
{
	return (struct shop){.live = blue(),
			     .weights = "blue=100 green=0",
			     .blue_attributes = "deregistration_delay.timeout_seconds=300",
			     .green_attributes = "slow_start.duration_seconds=0",
			     .green_targets = "",
			     .green_type = "instance",
			     .green_checks = "true",
			     .policies = "",
			     .schedules = "",
			     .refreshes = "",
			     .image = "ami-1",
			     .sticky = ""};
}

static inline const char *target_group(struct world *w, const char *name, const char *type,
				       const char *checks)
{
	return arena_printf(
		w->f->arena,
		"<member><TargetGroupArn>" GROUP(
			"%s") "</TargetGroupArn><Protocol>HTTP"
			      "</Protocol><TargetType>%s</TargetType><HealthCheckEnabled>%s"
			      "</HealthCheckEnabled><LoadBalancerArns><member>" ALB
			      "</member></LoadBalancerArns></member>",
		name, type, checks);
}

static inline void attributes_are(struct world *w, const char *group_uri, const char *pairs)
{
	struct str rest = str_from(pairs), pair, key;
	struct buf b;

	buf_init(&b, 65536);
	buf_adds(&b, "<Attributes>");
	while (str_next(&rest, ' ', &pair)) {
		str_next(&pair, '=', &key);
		buf_addf(&b, "<member><Key>" STR_FMT "</Key><Value>" STR_FMT "</Value></member>",
			 STR_ARG(key), STR_ARG(pair));
	}
	buf_adds(&b, "</Attributes>");
	route(w, "POST",
	      arena_printf(w->f->arena,
			   "DescribeTargetGroupAttributes&Version=2015-12-01&TargetGroupArn=%s",
			   group_uri),
	      200, answer(w, "DescribeTargetGroupAttributes", b.p));
	buf_release(&b);
}

static inline const char *xml_of(struct world *w, const struct a_group *g)
{
	return g->name ? group_xml(w, g) : "";
}

static inline void groups_of(struct world *w, const struct shop *s)
{
	route(w, "POST", "Filters.member.1.Name=tag%3Arollout-worker%3Agroup", 200,
	      answer(w, "DescribeAutoScalingGroups",
		     arena_printf(w->f->arena, "<AutoScalingGroups>%s</AutoScalingGroups>",
				  xml_of(w, &s->copy))));
	list_is(w, "DescribeAutoScalingGroups",
		arena_printf(w->f->arena, "<AutoScalingGroups>%s%s</AutoScalingGroups>",
			     xml_of(w, &s->live), xml_of(w, &s->twin)));
}

static inline const char *in(struct world *w, const char *list, const char *inner)
{
	return arena_printf(w->f->arena, "<%s>%s</%s>", list, inner, list);
}

static inline void set_up_shop(struct world *w, const struct shop *s)
{
	forget_routes(w);
	problems_init(&w->problems, w->f->arena);
	w->err = ERR_INIT;
	groups_of(w, s);
	list_is(w, "DescribePolicies", in(w, "ScalingPolicies", s->policies));
	list_is(w, "DescribeScheduledActions", in(w, "ScheduledUpdateGroupActions", s->schedules));
	list_is(w, "DescribeInstanceRefreshes", in(w, "InstanceRefreshes", s->refreshes));
	route(w, "POST", "Action=DescribeRules", 200, rule(w, forward(w, s->weights, s->sticky)));
	list_is(w, "DescribeListeners",
		"<Listeners><member><ListenerArn>" LISTENER "</ListenerArn></member></Listeners>");
	list_is(w, "DescribeTargetGroups",
		arena_printf(w->f->arena, "<TargetGroups>%s%s</TargetGroups>",
			     target_group(w, "blue", "instance", "true"),
			     target_group(w, "green", s->green_type, s->green_checks)));
	attributes_are(w, GROUP_URI("blue"), s->blue_attributes);
	attributes_are(w, GROUP_URI("green"), s->green_attributes);
	health_is(w, GROUP_URI("blue"), "healthy healthy healthy healthy");
	health_is(w, GROUP_URI("green"), s->green_targets);
	route(w, "POST", "Action=DescribeLaunchTemplateVersions", 200,
	      arena_printf(w->f->arena,
			   "<R><launchTemplateVersionSet><item><launchTemplateId>" TEMPLATE_ID
			   "</launchTemplateId><versionNumber>7</versionNumber><launchTemplateData>"
			   "<imageId>%s</imageId></launchTemplateData></item>"
			   "</launchTemplateVersionSet></R>",
			   s->image));
}

static inline int inspect(struct world *w, char undo[LIMIT_UNDO + 1])
{
	bool first = true;
	int rc;

	undo[0] = '\0';
	rc = target_auto_scaling.inspect(&w->env, undo, &first, &w->problems, &w->err);
	assert_false(first);
	/* a look changes nothing, whatever it sees */
	assert_int_equal(sent(w, "POST", "Action=Modify") + sent(w, "POST", "Action=Create") +
				 sent(w, "POST", "Action=Update") + sent(w, "POST", "Action=Put") +
				 sent(w, "POST", "Action=Suspend"),
			 0);
	return rc;
}

static inline struct as_record expect_good(struct world *w, const struct shop *s)
{
	char undo[LIMIT_UNDO + 1];
	struct as_record r;

	set_up_shop(w, s);
	if (inspect(w, undo) || w->problems.n_errors)
		fail_msg("%s%s", w->err.text, world_problems(w));
	if (as_record_load(w->f->arena, undo, &r, &w->err))
		fail_msg("%s", w->err.text);
	return r;
}

static inline void expect_refused(struct world *w, const struct shop *s, const char *words)
{
	char undo[LIMIT_UNDO + 1];

	set_up_shop(w, s);
	if (inspect(w, undo))
		fail_msg("%s", w->err.text);
	expect_said(w, words);
	if (w->problems.n_errors == 0)
		fail_msg("only a warning: %s", words);
	assert_string_equal(undo, "");
}

static inline void expect_warned(struct world *w, const struct shop *s, const char *words)
{
	expect_good(w, s);
	expect_said(w, words);
}

#endif
