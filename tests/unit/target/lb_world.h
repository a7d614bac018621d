#ifndef TESTS_UNIT_TARGET_LB_WORLD_H
#define TESTS_UNIT_TARGET_LB_WORLD_H

#include "tests/unit/target/routes.h"
#include "worker/target/load_balancer.h"

/* A rule of an ALB and a listener of an NLB, and what Elastic Load Balancing says about them. */

#define ELB "arn:aws:elasticloadbalancing:eu-central-1:111122223333:"
#define RULE ELB "listener-rule/app/web/50dc/f2f7/9683"
#define LISTENER ELB "listener/net/flow/50dc/f2f7"
#define ALB ELB "loadbalancer/app/web/50dc"
#define NLB ELB "loadbalancer/net/flow/50dc"
#define GROUP(name) ELB "targetgroup/" name "/73e2"
/* as it stands in a form */
#define GROUP_URI(name)                                                                        \
	"arn%3Aaws%3Aelasticloadbalancing%3Aeu-central-1%3A111122223333%3Atargetgroup%2F" name \
	"%2F73e2"

#define AUTH                                                                                     \
	"<member><Type>authenticate-oidc</Type><Order>1</Order><AuthenticateOidcConfig><Issuer>" \
	"https://idp.example.com</Issuer><ClientId>id</ClientId></AuthenticateOidcConfig></"     \
	"member>"

static inline const char *answer(struct world *w, const char *operation, const char *result)
{
	return arena_printf(w->f->arena,
			    "<%sResponse><%sResult>%s</%sResult><ResponseMetadata><RequestId>r1"
			    "</RequestId></ResponseMetadata></%sResponse>",
			    operation, operation, result, operation, operation);
}

/* "blue=95 green=5": the groups of a forward action; "blue" alone has no weight. */
static inline const char *forward(struct world *w, const char *groups, const char *more)
{
	struct str rest = str_from(groups), item, name;
	const char *text;
	struct buf b;

	buf_init(&b, 65536);
	buf_adds(&b, "<member><Type>forward</Type><Order>2</Order><ForwardConfig><TargetGroups>");
	while (str_next(&rest, ' ', &item)) {
		if (!str_next(&item, '=', &name))
			continue;
		buf_addf(&b, "<member><TargetGroupArn>" GROUP(STR_FMT) "</TargetGroupArn>",
			 STR_ARG(name));
		if (item.n)
			buf_addf(&b, "<Weight>" STR_FMT "</Weight>", STR_ARG(item));
		buf_adds(&b, "</member>");
	}
	buf_addf(&b, "</TargetGroups>%s</ForwardConfig></member>", more);
	text = arena_strdup(w->f->arena, b.p);
	buf_release(&b);
	return text;
}

static inline const char *rule(struct world *w, const char *actions)
{
	return answer(w, "DescribeRules",
		      arena_printf(w->f->arena,
				   "<Rules><member><RuleArn>" RULE
				   "</RuleArn><Priority>10</Priority><IsDefault>false</IsDefault>"
				   "<Actions>%s</Actions></member></Rules>",
				   actions));
}

static inline const char *listener(struct world *w, const char *actions)
{
	return answer(w, "DescribeListeners",
		      arena_printf(w->f->arena,
				   "<Listeners><member><ListenerArn>" LISTENER
				   "</ListenerArn><Protocol>TCP</Protocol><DefaultActions>%s"
				   "</DefaultActions></member></Listeners>",
				   actions));
}

/* The rule forwards like this from now on. */
static inline void rule_is(struct world *w, const char *groups)
{
	route(w, "POST", "Action=DescribeRules", 200, rule(w, forward(w, groups, "")));
}

/* "healthy unhealthy initial": one target each. */
static inline const char *targets(struct world *w, const char *states)
{
	struct str rest = str_from(states), item;
	const char *text;
	struct buf b;
	int i = 0;

	buf_init(&b, 65536);
	buf_adds(&b, "<TargetHealthDescriptions>");
	while (str_next(&rest, ' ', &item))
		buf_addf(&b,
			 "<member><Target><Id>i-%d</Id><Port>80</Port></Target><TargetHealth>"
			 "<State>" STR_FMT "</State>%s</TargetHealth></member>",
			 i++, STR_ARG(item),
			 str_is(item, "healthy") ? "" : "<Reason>Target.Timeout</Reason>");
	buf_adds(&b, "</TargetHealthDescriptions>");
	text = answer(w, "DescribeTargetHealth", b.p);
	buf_release(&b);
	return text;
}

static inline void health_is(struct world *w, const char *group_uri, const char *states)
{
	route(w, "POST",
	      arena_printf(w->f->arena, "DescribeTargetHealth&Version=2015-12-01&TargetGroupArn=%s",
			   group_uri),
	      200, targets(w, states));
}

static inline void modify_works(struct world *w)
{
	route(w, "POST", "Action=ModifyRule", 200,
	      answer(w, "ModifyRule",
		     "<Rules><member><RuleArn>" RULE "</RuleArn></member></Rules>"));
	route(w, "POST", "Action=ModifyListener", 200,
	      answer(w, "ModifyListener",
		     "<Listeners><member><ListenerArn>" LISTENER
		     "</ListenerArn></member></Listeners>"));
}

static inline int lb_world_set_up(void **state)
{
	struct world *w;

	world_set_up(state);
	w = *state;
	w->plan.target = (struct plan_target){
		.kind = TARGET_LOAD_BALANCER,
		.lb = {.resource_arn = RULE, .min_healthy = 1, .propagation_ms = 10000}};
	w->plan.n_steps = 2;
	w->plan.steps[0] = (struct plan_step){.segment = -1, .weight_bp = 500, .watch_ms = 600000};
	w->plan.steps[1] = (struct plan_step){.segment = -1, .weight_bp = 5000, .watch_ms = 600000};
	str_copy(w->state.id, sizeof(w->state.id), STR("r-1"));
	return 0;
}

/* The undo record of a rule that forwarded like this, blue being the baseline, green to come. */
static inline void recorded(struct world *w, const char *groups)
{
	struct lb_record r = {
		.resource = RULE, .baseline = GROUP("blue"), .candidate = GROUP("green")};
	struct str rest = str_from(groups), item, name;
	uint64_t weight;

	while (str_next(&rest, ' ', &item)) {
		assert_true(str_next(&item, '=', &name));
		assert_true(str_parse_u64(item, 0, 999, &weight));
		r.groups[r.n_groups++] = (struct elbv2_group){
			.arn = arena_printf(w->f->arena, GROUP(STR_FMT), STR_ARG(name)),
			.weight = (int64_t)weight,
			.has_weight = true};
	}
	if (lb_record_store(&r, w->state.undo, &w->err))
		fail_msg("%s", w->err.text);
}

#endif
