#ifndef TESTS_UNIT_TARGET_BEANSTALK_SPLIT_H
#define TESTS_UNIT_TARGET_BEANSTALK_SPLIT_H

#include "tests/unit/target/beanstalk_artifact.h"

/*
 * An environment that splits its traffic: what it was told, what its instances run, and what its
 * load balancer does with two target groups.
 */

#define V2 LABEL
#define BEFORE                                                            \
	BALANCED "aws:elasticbeanstalk:command/DeploymentPolicy=Rolling|" \
		 "aws:elasticbeanstalk:trafficsplitting/EvaluationTime=5"
/* 10 % watched for ten minutes, and twenty minutes of Unknown held: 10 + 3 + 10 */
#define DURING                                                                     \
	BALANCED "aws:elasticbeanstalk:command/DeploymentPolicy=TrafficSplitting|" \
		 "aws:elasticbeanstalk:trafficsplitting/NewVersionPercent=10|"     \
		 "aws:elasticbeanstalk:trafficsplitting/EvaluationTime=23"

static const struct bean_record record = {.method = BEANSTALK_BY_TRAFFIC_SPLITTING,
					  .application = "shop",
					  .baseline = "e-live",
					  .name = "shop-prod",
					  .label = "v1",
					  .cname = CNAME,
					  .candidate = "",
					  .twin = "",
					  .policy = "Rolling",
					  .percent = "",
					  .minutes = "5"};

/* The environment: what it was told to run, its status, and what its instances run. */
static inline void shop(struct world *w, const char *label, const char *status, const char *labels)
{
	struct row r = live_row;

	r.label = label;
	r.status = status;
	r.abortable = strcmp(status, "Updating") == 0 ? "true" : "false";
	environments(w, &r, NULL);
	fleet(w, "e-live", labels);
}

/* Two target groups, the second being Beanstalk's temporary one: weights, and who is in them. */
static inline void weights(struct world *w, const char *first, const char *second,
			   const char *in_first, const char *in_second)
{
	const char *const groups[] = {"one", "two"}, *const in[] = {in_first, in_second};
	const char *action = arena_printf(
		w->f->arena,
		"<member><Type>forward</Type><ForwardConfig><TargetGroups><member><TargetGroupArn>"
		"one</TargetGroupArn><Weight>%s</Weight></member><member><TargetGroupArn>two"
		"</TargetGroupArn><Weight>%s</Weight></member></TargetGroups></ForwardConfig>"
		"</member>",
		first, second);

	answers(w, "DescribeListeners",
		arena_printf(w->f->arena,
			     "<Listeners><member><ListenerArn>l</ListenerArn><DefaultActions>%s"
			     "</DefaultActions></member></Listeners>",
			     action));
	answers(w, "DescribeRules",
		"<Rules><member><RuleArn>r</RuleArn><Priority>1</Priority><Actions><member><Type>"
		"redirect</Type></member></Actions></member></Rules>");
	for (int i = 0; i < 2; i++) {
		struct str rest = str_from(in[i]), id, state;
		struct buf b;

		buf_init(&b, 65536);
		buf_adds(&b, "<TargetHealthDescriptions>");
		while (str_next(&rest, ' ', &state)) {
			str_next(&state, '=', &id);
			buf_addf(&b,
				 "<member><Target><Id>" STR_FMT "</Id></Target><TargetHealth>"
				 "<State>" STR_FMT "</State></TargetHealth></member>",
				 STR_ARG(id), STR_ARG(state.n ? state : STR("healthy")));
		}
		buf_adds(&b, "</TargetHealthDescriptions>");
		says(w, arena_printf(w->f->arena, "TargetGroupArn=%s", groups[i]), 200,
		     eb_answer(w, "DescribeTargetHealth", b.p));
		buf_release(&b);
	}
}

static inline int split_set_up(void **state)
{
	struct world *w;

	artifact_set_up(state);
	w = *state;
	w->plan.target.beanstalk.method = BEANSTALK_BY_TRAFFIC_SPLITTING;
	w->plan.steps[0] = (struct plan_step){.segment = -1, .weight_bp = 1000, .watch_ms = 600000};
	w->plan.unknown_hold_ms = 1200000;
	remember(w, &record, V2, 0);
	shop(w, "v1", "Ready", "v1 v1");
	settings(w, "shop-prod", "deployed", BEFORE);
	version_is(w, V2, "PROCESSED");
	no_events(w, "e-live");
	instances(w, "e-live", 4);
	weights(w, "90", "10", "i-e-live-0 i-e-live-1", "i-e-live-2 i-e-live-3");
	answers(w, "UpdateEnvironment", eb_row(w, &live_row));
	answers(w, "AbortEnvironmentUpdate", "");
	return 0;
}

#endif
