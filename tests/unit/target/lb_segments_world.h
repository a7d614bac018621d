#ifndef TESTS_UNIT_TARGET_LB_SEGMENTS_WORLD_H
#define TESTS_UNIT_TARGET_LB_SEGMENTS_WORLD_H

#include "tests/unit/target/lb_world.h"
#include "worker/target/load_balancer_segments.h"

/* The rules of a listener, with their tags, as Elastic Load Balancing tells of them. */

#define ALB_LISTENER ELB "listener/app/web/50dc/f2f7"
#define OURS ELB "listener-rule/app/web/50dc/f2f7/0001"
#define OTHER ELB "listener-rule/app/web/50dc/f2f7/0002"
#define STAFF 1u
#define BETA 2u

struct line { /* a rule, and whose it is */
	const char *arn, *priority, *conditions, *actions, *rollout, *segment;
};

#define PATH                                                                      \
	"<member><Field>path-pattern</Field><Values><member>/x</member></Values>" \
	"<PathPatternConfig><Values><member>/x</member></Values></PathPatternConfig></member>"
#define HEADER                                                                       \
	"<member><Field>http-header</Field><HttpHeaderConfig><HttpHeaderName>x-team" \
	"</HttpHeaderName><Values><member>staff</member></Values></HttpHeaderConfig></member>"
#define QUERY                                                                                   \
	"<member><Field>query-string</Field><QueryStringConfig><Values><member><Key>beta</Key>" \
	"<Value>1</Value></member></Values></QueryStringConfig></member>"
#define TO(group)                                                                           \
	"<member><Type>forward</Type><Order>2</Order><ForwardConfig><TargetGroups><member>" \
	"<TargetGroupArn>" GROUP(group) "</TargetGroupArn><Weight>1</Weight></member>"      \
					"</TargetGroups></ForwardConfig></member>"

static inline const char *rules_xml(struct world *w, const struct line *lines, size_t n)
{
	const char *text;
	struct buf b;

	buf_init(&b, 1u << 20);
	buf_adds(&b, "<Rules>");
	for (size_t i = 0; i < n; i++)
		buf_addf(&b,
			 "<member><RuleArn>%s</RuleArn><Priority>%s</Priority><Conditions>%s"
			 "</Conditions><Actions>%s</Actions></member>",
			 lines[i].arn, lines[i].priority, lines[i].conditions, lines[i].actions);
	buf_adds(&b, "</Rules>");
	text = answer(w, "DescribeRules", b.p);
	buf_release(&b);
	return text;
}

static inline const char *tags_xml(struct world *w, const struct line *lines, size_t n)
{
	const char *text;
	struct buf b;

	buf_init(&b, 1u << 20);
	buf_adds(&b, "<TagDescriptions>");
	for (size_t i = 0; i < n; i++) {
		buf_addf(&b, "<member><ResourceArn>%s</ResourceArn><Tags>", lines[i].arn);
		if (lines[i].rollout)
			buf_addf(&b,
				 "<member><Key>" LB_TAG_ROLLOUT "</Key><Value>%s</Value></member>"
				 "<member><Key>" LB_TAG_SEGMENT "</Key><Value>%s</Value></member>",
				 lines[i].rollout, lines[i].segment);
		buf_adds(&b, "</Tags></member>");
	}
	buf_adds(&b, "</TagDescriptions>");
	text = answer(w, "DescribeTags", b.p);
	buf_release(&b);
	return text;
}

/* The listener has the rule that is deployed to, with these groups, and these. */
static inline void rules_are(struct world *w, const char *groups, const struct line *more, size_t n)
{
	struct line lines[8] = {
		{RULE, "10", PATH, forward(w, groups, ""), NULL, NULL},
	};

	for (size_t i = 0; i < n; i++)
		lines[i + 1] = more[i];
	forget_routes(w);
	route(w, "POST", "RuleArns.member.1=", 200, rules_xml(w, lines, 1));
	route(w, "POST", "Action=DescribeRules&Version=2015-12-01&ListenerArn=", 200,
	      rules_xml(w, lines, n + 1));
	route(w, "POST", "Action=DescribeTags", 200, tags_xml(w, lines, n + 1));
	route(w, "POST", "Action=CreateRule", 200,
	      answer(w, "CreateRule",
		     "<Rules><member><RuleArn>" OURS "</RuleArn></member></Rules>"));
	route(w, "POST", "Action=DeleteRule", 200, answer(w, "DeleteRule", ""));
	health_is(w, GROUP_URI("green"), "healthy healthy");
	health_is(w, GROUP_URI("blue"), "healthy healthy");
	modify_works(w);
}

static const struct line ours = {OURS, "9", PATH HEADER, TO("green"), "r-1", "staff"};
static const struct line beta = {OTHER, "8", QUERY PATH, TO("green"), "r-1", "beta"};

static inline int set_up(void **state)
{
	static const char *const values[] = {"staff"};
	struct world *w;

	lb_world_set_up(state);
	w = *state;
	w->env.rollout_id = "r-1";
	w->plan.n_segments = 2;
	w->plan.segments[0] = (struct plan_segment){
		.name = "staff", .place = "staff", .header = "X-Team", .n_values = 1};
	w->plan.segments[0].values[0] = values[0];
	w->plan.segments[1] = (struct plan_segment){
		.name = "beta", .place = "beta", .query_key = "beta", .query_value = "1"};
	w->plan.n_steps = 3;
	w->plan.steps[0] = (struct plan_step){.segment = 0, .watch_ms = 600000};
	w->plan.steps[1] = (struct plan_step){.segment = -1, .weight_bp = 500};
	w->plan.steps[2] = (struct plan_step){.segment = 1, .weight_bp = 500};
	w->state.phase = PHASE_WATCH;
	return 0;
}

static inline void record(struct world *w)
{
	struct lb_record r = {.resource = RULE,
			      .baseline = GROUP("blue"),
			      .candidate = GROUP("green"),
			      .groups = {{GROUP("blue"), 100, true}},
			      .n_groups = 1,
			      .segments = true};

	if (lb_record_store(&r, w->state.undo, &w->err))
		fail_msg("%s", w->err.text);
}

static inline struct target_observation look(struct world *w)
{
	struct target_observation o;

	record(w);
	if (target_load_balancer.observe(&w->env, &w->state, &o, &w->err))
		fail_msg("%s", w->err.text);
	return o;
}

#endif
