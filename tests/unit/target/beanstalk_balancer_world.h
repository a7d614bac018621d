#ifndef TESTS_UNIT_TARGET_BEANSTALK_BALANCER_WORLD_H
#define TESTS_UNIT_TARGET_BEANSTALK_BALANCER_WORLD_H

#include "tests/unit/target/beanstalk_artifact.h"
#include "tests/unit/target/lb_world.h"

/* Two environments behind one rule, and who is in whose target group. */

static const struct row prod = {.name = "shop-prod", .id = "e-live", .label = "v1", .cname = CNAME};

static inline void rule_forwards(struct world *w, const char *groups)
{
	answers(w, "DescribeRules",
		arena_printf(w->f->arena,
			     "<Rules><member><RuleArn>" RULE "</RuleArn><Priority>10</Priority>"
			     "<Actions>%s</Actions></member></Rules>",
			     forward(w, groups, "")));
}

/* "e-live e-live ?": targets of these environments in turn, "!" one that is not healthy. */
static inline void group_holds(struct world *w, const char *group_uri, const char *of)
{
	struct str rest = str_from(of), item;
	struct buf b;
	int i = 0;

	buf_init(&b, 65536);
	buf_adds(&b, "<TargetHealthDescriptions>");
	while (str_next(&rest, ' ', &item)) {
		bool sick = str_ends(item, "!"), drains = str_ends(item, "~");

		if (sick || drains)
			item.n--;
		buf_addf(&b,
			 "<member><Target><Id>i-" STR_FMT "-%d</Id></Target><TargetHealth><State>%s"
			 "</State></TargetHealth></member>",
			 STR_ARG(item), i++,
			 sick	  ? "unhealthy"
			 : drains ? "draining"
				  : "healthy");
	}
	buf_adds(&b, "</TargetHealthDescriptions>");
	says(w,
	     arena_printf(w->f->arena,
			  "Action=DescribeTargetHealth&Version=2015-12-01&TargetGroupArn=%s",
			  group_uri),
	     200, eb_answer(w, "DescribeTargetHealth", b.p));
	buf_release(&b);
}

static inline void groups_are(struct world *w)
{
	answers(w, "DescribeTargetGroups",
		"<TargetGroups><member><TargetGroupArn>" GROUP(
			"blue") "</TargetGroupArn></member>"
				"<member><TargetGroupArn>" GROUP(
					"green") "</TargetGroupArn></member>"
						 "</TargetGroups>");
	answers(w, "DescribeTargetGroupAttributes", "<Attributes/>");
}

static inline int balancer_set_up(void **state)
{
	struct bean_record r = twin_record();
	struct world *w;

	artifact_set_up(state);
	w = *state;
	w->plan.target.lb.resource_arn = RULE;
	w->plan.target.beanstalk = (struct plan_beanstalk){.application = "shop",
							   .environment = "shop-prod",
							   .twin = "shop-green",
							   .method = BEANSTALK_BY_LOAD_BALANCER,
							   .match_capacity = true};
	w->plan.steps[0].weight_bp = 1000;
	r.method = BEANSTALK_BY_LOAD_BALANCER;
	r.lb = (struct lb_record){.resource = RULE,
				  .baseline = GROUP("blue"),
				  .candidate = GROUP("green"),
				  .groups = {{GROUP("blue"), 100, true}, {GROUP("green"), 0, true}},
				  .n_groups = 2};
	r.cname = "";
	remember(w, &r, LABEL, AT(0) / 1000);
	w->f->now.ms = AT(60);
	environments(w, &prod, &twin_row);
	settings(w, "shop-prod", "deployed", SIZES("2", "4"));
	settings(w, "shop-green", "deployed", SIZES("1", "1"));
	fleet(w, "e-live", "v1 v1 v1");
	fleet(w, "e-twin", LABEL " " LABEL " " LABEL);
	no_events(w, "e-twin");
	instances(w, "e-live", 3);
	instances(w, "e-twin", 3);
	answers(w, "DescribeEnvironmentManagedActions", "");
	version_is(w, LABEL, "PROCESSED");
	answers(w, "UpdateEnvironment", eb_row(w, &prod));
	rule_forwards(w, "blue=100 green=0");
	groups_are(w);
	group_holds(w, GROUP_URI("blue"), "e-live e-live e-live");
	group_holds(w, GROUP_URI("green"), "e-twin e-twin e-twin");
	modify_works(w);
	return 0;
}

#endif
