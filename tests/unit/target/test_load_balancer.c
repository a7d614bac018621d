#include "tests/unit/target/lb_world.h"

/* Looking at a forward action and moving its weights; the first look is in test_..._inspect.c. */

#define MODIFY "Action=ModifyRule&Version=2015-12-01&RuleArn="
#define WEIGHTS(i, group, weight)                                            \
	"ForwardConfig.TargetGroups.member." i ".TargetGroupArn=" GROUP_URI( \
		group) "&Actions.member.1.ForwardConfig.TargetGroups.member." i ".Weight=" weight

static struct target_observation look(struct world *w, enum phase phase)
{
	struct target_observation o;

	w->state.phase = phase;
	if (target_load_balancer.observe(&w->env, &w->state, &o, &w->err))
		fail_msg("%s", w->err.text);
	return o;
}

static struct target_observation look_at(struct world *w, const char *groups, enum phase phase)
{
	forget_routes(w);
	rule_is(w, groups);
	health_is(w, GROUP_URI("blue"), "healthy");
	health_is(w, GROUP_URI("green"), "healthy");
	return look(w, phase);
}

static void the_action_is_read_in_the_words_of_the_machine(void **state)
{
	static const struct {
		const char *groups;
		enum phase phase;
		enum live live;
		int weight_bp;
	} cases[] = {
		{"blue=100 green=0", PHASE_SHIFT, LIVE_BASELINE, 0},
		{"blue", PHASE_SHIFT, LIVE_BASELINE, 0},
		{"blue=1", PHASE_PREPARE, LIVE_BASELINE, 0},
		{"blue=95 green=5", PHASE_WATCH, LIVE_SPLIT, 500},
		{"blue=19 green=1", PHASE_WATCH, LIVE_SPLIT, 500},
		{"blue=2 green=1", PHASE_WATCH, LIVE_SPLIT, 3333},
		{"blue=999 green=1", PHASE_WATCH, LIVE_SPLIT, 10},
		{"blue=0 green=100", PHASE_WATCH, LIVE_CANDIDATE, 10000},
		{"green", PHASE_SHIFT, LIVE_CANDIDATE, 10000},
		{"blue=0 green=100", PHASE_PROMOTE, LIVE_PROMOTED, 10000},
		{"blue=0 green=1", PHASE_BAKE, LIVE_PROMOTED, 10000},
		{"blue=0 green=1", PHASE_RETIRE, LIVE_PROMOTED, 10000},
		{"blue=0 green=1", PHASE_RESTORE, LIVE_CANDIDATE, 10000},
		{"blue=50 green=50", PHASE_PROMOTE, LIVE_SPLIT, 5000},
		{"blue=0 green=0", PHASE_WATCH, LIVE_FOREIGN, 0},
		{"red=1", PHASE_WATCH, LIVE_FOREIGN, 0},
		{"blue=95 green=5 red=1", PHASE_WATCH, LIVE_FOREIGN, 0},
		{"blue=95 green=5 red=0", PHASE_WATCH, LIVE_FOREIGN, 0},
		{"blue=100 green=0", PHASE_RESTORE, LIVE_BASELINE, 0},
		{"blue=1 green=0", PHASE_PROVE, LIVE_BASELINE, 0},
		/* on the way back the candidate must be where it was */
		{"blue=1", PHASE_RESTORE, LIVE_SPLIT, 0},
		{"blue=1", PHASE_PROVE, LIVE_SPLIT, 0},
	};
	struct world *w = *state;

	recorded(w, "blue=100 green=0");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct target_observation o = look_at(w, cases[i].groups, cases[i].phase);

		if (o.live != cases[i].live || o.traffic.weight_bp != cases[i].weight_bp)
			fail_msg("%s in %s: %d %d", cases[i].groups, phase_name(cases[i].phase),
				 o.live, o.traffic.weight_bp);
		assert_int_equal(sent(w, "POST", "Action=Modify"), 0);
		if (o.live == LIVE_FOREIGN)
			assert_true(o.detail[0]);
	}
}

static void a_candidate_that_was_not_there_leaves_on_the_way_back(void **state)
{
	struct world *w = *state;
	struct target_observation o;

	recorded(w, "blue=1");
	assert_int_equal(look_at(w, "blue=100 green=0", PHASE_VERIFY).live, LIVE_BASELINE);
	o = look_at(w, "blue=100 green=0", PHASE_RESTORE);
	assert_int_equal(o.live, LIVE_SPLIT);
	assert_int_equal(o.traffic.weight_bp, 0);
	modify_works(w);
	assert_int_equal(target_load_balancer.restore(&w->env, &w->state, &o, &w->err), 0);
	assert_null(strstr(last_body(w, "POST", MODIFY), GROUP_URI("green")));
	assert_int_equal(look_at(w, "blue", PHASE_RESTORE).live, LIVE_BASELINE);
}

static void a_split_is_settled_after_its_time(void **state)
{
	struct world *w = *state;
	struct lb_record r;

	recorded(w, "blue=100 green=0");
	assert_false(look_at(w, "blue=95 green=5", PHASE_SHIFT).settled);
	assert_true(look_at(w, "blue=95 green=5", PHASE_WATCH).settled);
	w->f->now.ms += 9999;
	assert_false(look_at(w, "blue=95 green=5", PHASE_SHIFT).settled);
	assert_false(look_at(w, "blue=0 green=1", PHASE_PROMOTE).settled);
	assert_false(look_at(w, "blue=1 green=0", PHASE_RESTORE).settled);
	w->f->now.ms += 1;
	assert_true(look_at(w, "blue=95 green=5", PHASE_SHIFT).settled);
	/* the data plane of a Network Load Balancer is slow, whatever the plan says */
	assert_int_equal(lb_record_load(w->f->arena, w->state.undo, &r, &w->err), 0);
	r.network = true;
	assert_int_equal(lb_record_store(&r, w->state.undo, &w->err), 0);
	assert_false(look_at(w, "blue=95 green=5", PHASE_SHIFT).settled);
	w->f->now.ms += 590000 - 1;
	assert_false(look_at(w, "blue=95 green=5", PHASE_SHIFT).settled);
	w->f->now.ms += 1;
	assert_true(look_at(w, "blue=95 green=5", PHASE_SHIFT).settled);
	w->plan.target.lb.propagation_ms = 900000;
	assert_false(look_at(w, "blue=95 green=5", PHASE_SHIFT).settled);
}

static void the_candidate_is_ready_when_its_targets_are(void **state)
{
	static const struct {
		const char *targets;
		int64_t wanted;
		enum candidate_state prepare, verify;
	} cases[] = {
		{"healthy", 1, CANDIDATE_READY, CANDIDATE_READY},
		{"healthy", 2, CANDIDATE_PENDING, CANDIDATE_PENDING},
		{"healthy healthy draining unused", 2, CANDIDATE_READY, CANDIDATE_READY},
		{"healthy initial", 1, CANDIDATE_PENDING, CANDIDATE_READY},
		{"healthy unhealthy", 1, CANDIDATE_PENDING, CANDIDATE_PENDING},
		{"healthy strange", 1, CANDIDATE_PENDING, CANDIDATE_PENDING},
		{"unused", 1, CANDIDATE_PENDING, CANDIDATE_PENDING},
		{"", 1, CANDIDATE_PENDING, CANDIDATE_PENDING},
	};
	struct world *w = *state;
	struct target_observation o;

	recorded(w, "blue=100 green=0");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		w->plan.target.lb.min_healthy = cases[i].wanted;
		forget_routes(w);
		rule_is(w, "blue=100 green=0");
		health_is(w, GROUP_URI("green"), cases[i].targets);
		assert_int_equal(look(w, PHASE_PREPARE).candidate, cases[i].prepare);
		assert_int_equal(look(w, PHASE_VERIFY).candidate, cases[i].verify);
	}
	assert_non_null(strstr(look(w, PHASE_PREPARE).detail,
			       "candidate: 0 healthy of at least 1, 0 starting, 0 unhealthy: no "
			       "target is registered"));
	/* a group no action refers to is never checked */
	forget_routes(w);
	rule_is(w, "blue=1");
	health_is(w, GROUP_URI("green"), "healthy");
	assert_int_equal(look(w, PHASE_PREPARE).candidate, CANDIDATE_ABSENT);
	/* not being able to ask is not being unhealthy */
	forget_routes(w);
	rule_is(w, "blue=100 green=0");
	route(w, "POST", "Action=DescribeTargetHealth", 500, "<E/>");
	o = look(w, PHASE_VERIFY);
	assert_int_equal(o.live, LIVE_UNREADABLE);
	assert_int_equal(o.candidate, CANDIDATE_PENDING);
}

/* The load balancer's own 503 is in no metric of the group: guards may see nothing of it. */
static void traffic_that_nobody_serves_has_failed(void **state)
{
	static const struct {
		const char *groups, *targets;
		enum phase phase;
		enum candidate_state candidate;
	} cases[] = {
		{"blue=95 green=5", "", PHASE_WATCH, CANDIDATE_FAILED},
		{"blue=95 green=5", "unhealthy draining", PHASE_SHIFT, CANDIDATE_FAILED},
		{"blue=0 green=100", "unhealthy", PHASE_PROMOTE, CANDIDATE_FAILED},
		{"blue=0 green=100", "unused", PHASE_BAKE, CANDIDATE_FAILED},
		{"blue=95 green=5", "healthy unhealthy", PHASE_WATCH, CANDIDATE_READY},
		{"blue=100 green=0", "", PHASE_SHIFT, CANDIDATE_READY},
		{"blue=0 green=100", "", PHASE_RETIRE, CANDIDATE_READY},
	};
	struct world *w = *state;
	struct target_observation o;

	recorded(w, "blue=100 green=0");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		forget_routes(w);
		rule_is(w, cases[i].groups);
		health_is(w, GROUP_URI("green"), cases[i].targets);
		o = look(w, cases[i].phase);
		assert_int_equal(o.candidate, cases[i].candidate);
		assert_true(o.candidate != CANDIDATE_FAILED ||
			    strstr(o.detail, "none of its targets is healthy"));
	}
	forget_routes(w);
	rule_is(w, "blue=95 green=5");
	route(w, "POST", "Action=DescribeTargetHealth", 500, "<E/>");
	assert_int_equal(look(w, PHASE_WATCH).live, LIVE_UNREADABLE);
}

static void the_baseline_is_healthy_when_a_target_is(void **state)
{
	struct world *w = *state;

	recorded(w, "blue=100 green=0");
	assert_int_equal(look_at(w, "blue=1 green=0", PHASE_PROVE).baseline_health.kind,
			 VERDICT_PASS);
	forget_routes(w);
	rule_is(w, "blue=1 green=0");
	health_is(w, GROUP_URI("blue"), "unhealthy initial");
	assert_int_equal(look(w, PHASE_PROVE).baseline_health.kind, VERDICT_FAIL);
	assert_string_equal(look(w, PHASE_RESTORE).baseline_health.text,
			    "0 healthy targets, 2 not");
	forget_routes(w);
	rule_is(w, "blue=1 green=0");
	route(w, "POST", "Action=DescribeTargetHealth", 500, "<E/>");
	assert_int_equal(look(w, PHASE_PROVE).baseline_health.kind, VERDICT_ERROR);
	assert_int_equal(look(w, PHASE_PROVE).live, LIVE_BASELINE);
}

static void what_cannot_be_read_is_unreadable_and_what_is_gone_is_foreign(void **state)
{
	static const char denied[] = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no"
				     "</Message></Error></ErrorResponse>";
	static const char gone[] = "<ErrorResponse><Error><Code>RuleNotFound</Code><Message>no"
				   "</Message></Error></ErrorResponse>";
	struct world *w = *state;
	struct target_observation o;

	recorded(w, "blue=100 green=0");
	route(w, "POST", "Action=DescribeRules", 403, denied);
	o = look(w, PHASE_PROVE);
	assert_int_equal(o.live, LIVE_UNREADABLE);
	assert_true(o.denied);
	assert_int_not_equal(o.baseline_health.kind, VERDICT_PASS);
	forget_routes(w);
	route(w, "POST", "Action=DescribeRules", 400, gone);
	o = look(w, PHASE_WATCH);
	assert_int_equal(o.live, LIVE_FOREIGN);
	assert_non_null(strstr(o.detail, "RuleNotFound"));
	/* somebody made a redirect of it, or two forwards */
	forget_routes(w);
	route(w, "POST", "Action=DescribeRules", 200,
	      rule(w, "<member><Type>redirect</Type></member>"));
	o = look(w, PHASE_WATCH);
	assert_int_equal(o.live, LIVE_FOREIGN);
	assert_non_null(strstr(o.detail, "has 0 forward actions; exactly one is needed"));
	/* a request AWS finds wrong says nothing about the rule */
	forget_routes(w);
	route(w, "POST", "Action=DescribeRules", 400,
	      "<ErrorResponse><Error><Code>ValidationError</Code><Message>no</Message></Error>"
	      "</ErrorResponse>");
	assert_int_equal(look(w, PHASE_WATCH).live, LIVE_UNREADABLE);
	str_copy(w->state.undo, sizeof(w->state.undo), STR("{\"t\":\"lambda\"}"));
	o = look(w, PHASE_WATCH);
	assert_int_equal(o.live, LIVE_UNREADABLE);
	assert_non_null(strstr(o.detail, "not one of a load balancer"));
}

static void cancellation_is_passed_on(void **state)
{
	struct world *w = *state;
	struct target_observation o;
	struct cancel *cancel = cancel_new();

	recorded(w, "blue=100 green=0");
	w->env.client.cancel = cancel;
	cancel_fire(cancel);
	w->state.phase = PHASE_PREPARE;
	assert_int_equal(target_load_balancer.observe(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CANCELED);
	cancel_free(cancel);
}

/* --- acting ---------------------------------------------------------------------------------- */

static void the_candidate_is_put_in_at_weight_nothing(void **state)
{
	char candidate[LIMIT_CANDIDATE + 1] = "";
	struct world *w = *state;

	recorded(w, "blue=1");
	rule_is(w, "blue");
	modify_works(w);
	assert_int_equal(target_load_balancer.prepare(&w->env, &w->state, candidate, &w->err), 0);
	assert_string_equal(candidate, "{\"g\":\"targetgroup/green/73e2\"}");
	assert_non_null(strstr(last_body(w, "POST", MODIFY), WEIGHTS("1", "blue", "100")));
	assert_non_null(strstr(last_body(w, "POST", MODIFY), WEIGHTS("2", "green", "0")));
	/* it is there already: nothing to do, also when somebody gave it traffic */
	forget_routes(w);
	rule_is(w, "blue=100 green=0");
	assert_int_equal(target_load_balancer.prepare(&w->env, &w->state, candidate, &w->err), 0);
	assert_int_equal(w->f->n_requests, 1);
	/* others came in: hands off */
	forget_routes(w);
	rule_is(w, "blue=50 red=50");
	assert_int_equal(target_load_balancer.prepare(&w->env, &w->state, candidate, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	assert_int_equal(w->f->n_requests, 1);
}

static void a_split_needs_a_fresh_equal_look(void **state)
{
	struct world *w = *state;
	struct target_observation o;

	recorded(w, "blue=100 green=0");
	o = look_at(w, "blue=100 green=0", PHASE_SHIFT);
	modify_works(w);
	assert_int_equal(target_load_balancer.split(&w->env, &w->state, &o, SHARE(500), &w->err),
			 0);
	assert_non_null(strstr(last_body(w, "POST", MODIFY), WEIGHTS("1", "blue", "95")));
	assert_non_null(strstr(last_body(w, "POST", MODIFY), WEIGHTS("2", "green", "5")));
	/* the last read before the write is the rule's own */
	assert_int_equal(w->f->n_requests, 4);
	assert_non_null(strstr(w->f->requests[2].body.p, "Action=DescribeRules"));
	assert_non_null(strstr(w->f->requests[3].body.p, MODIFY));
	assert_int_equal(target_load_balancer.promote(&w->env, &w->state, &o, &w->err), 0);
	assert_non_null(strstr(last_body(w, "POST", MODIFY), WEIGHTS("1", "blue", "0")));
	assert_non_null(strstr(last_body(w, "POST", MODIFY), WEIGHTS("2", "green", "100")));
	assert_int_equal(sent(w, "POST", MODIFY), 2);
	/* somebody was there since */
	forget_routes(w);
	rule_is(w, "blue=90 green=10");
	health_is(w, GROUP_URI("green"), "healthy");
	modify_works(w);
	assert_int_equal(target_load_balancer.split(&w->env, &w->state, &o, SHARE(500), &w->err),
			 -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	assert_non_null(strstr(w->err.text, "was changed by somebody since it was looked at"));
	assert_int_equal(target_load_balancer.promote(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	assert_int_equal(target_load_balancer.restore(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	assert_int_equal(sent(w, "POST", MODIFY), 0);
	/* without a look of this turn there is nothing to compare with */
	o.lock[0] = '\0';
	assert_int_equal(target_load_balancer.split(&w->env, &w->state, &o, SHARE(500), &w->err),
			 -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	assert_int_equal(sent(w, "POST", MODIFY), 0);
}

static void a_dead_candidate_gets_no_traffic(void **state)
{
	struct world *w = *state;
	struct target_observation o;

	recorded(w, "blue=100 green=0");
	o = look_at(w, "blue=100 green=0", PHASE_SHIFT);
	forget_routes(w);
	rule_is(w, "blue=100 green=0");
	health_is(w, GROUP_URI("green"), "unhealthy initial");
	modify_works(w);
	assert_int_equal(target_load_balancer.split(&w->env, &w->state, &o, SHARE(500), &w->err),
			 -1);
	assert_int_equal(w->err.code, ERR_CONFLICT); /* looked at again, not given up */
	assert_non_null(strstr(w->err.text, "the candidate has 0 healthy targets; 1 are needed"));
	assert_non_null(strstr(w->err.text, "i-0 is unhealthy, Target.Timeout"));
	assert_int_equal(target_load_balancer.promote(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(sent(w, "POST", MODIFY), 0);
	/* going back does not depend on it */
	assert_int_equal(target_load_balancer.restore(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(sent(w, "POST", MODIFY), 1);
}

static void everything_else_in_the_action_list_stays(void **state)
{
	static const char sticky[] = "<TargetGroupStickinessConfig><Enabled>false</Enabled></"
				     "TargetGroupStickinessConfig>";
	struct world *w = *state;
	struct target_observation o;
	const char *body;

	recorded(w, "blue=60 green=0 red=40");
	route(w, "POST", "Action=DescribeRules", 200,
	      rule(w, arena_printf(w->f->arena, AUTH "%s",
				   forward(w, "blue=60 green=0 red=40", sticky))));
	health_is(w, GROUP_URI("green"), "healthy");
	modify_works(w);
	o = look(w, PHASE_SHIFT);
	assert_int_equal(o.live, LIVE_BASELINE);
	assert_int_equal(target_load_balancer.split(&w->env, &w->state, &o, SHARE(5000), &w->err),
			 0);
	body = last_body(w, "POST", MODIFY);
	assert_non_null(strstr(body, "Actions.member.1.Type=authenticate-oidc"));
	assert_non_null(strstr(body, "Actions.member.1.Order=1"));
	assert_non_null(strstr(body, "AuthenticateOidcConfig.ClientId=id"));
	assert_non_null(strstr(body, "AuthenticateOidcConfig.UseExistingClientSecret=true"));
	assert_non_null(strstr(body, "Actions.member.2.Type=forward"));
	assert_non_null(strstr(body, "Actions.member.2.Order=2"));
	assert_non_null(strstr(body, "member.1.TargetGroupArn=" GROUP_URI("blue")));
	assert_non_null(strstr(body, "member.1.Weight=30"));
	assert_non_null(strstr(body, "member.2.TargetGroupArn=" GROUP_URI("green")));
	assert_non_null(strstr(body, "member.2.Weight=30"));
	assert_non_null(strstr(body, "member.3.TargetGroupArn=" GROUP_URI("red")));
	assert_non_null(strstr(body, "member.3.Weight=40"));
	assert_non_null(strstr(body, "TargetGroupStickinessConfig.Enabled=false"));
	assert_null(strstr(body, "Conditions"));
}

static void going_back_writes_what_was_there(void **state)
{
	struct world *w = *state;
	struct target_observation o;

	recorded(w, "blue=7 green=0");
	o = look_at(w, "blue=0 green=100", PHASE_RESTORE);
	modify_works(w);
	assert_int_equal(target_load_balancer.restore(&w->env, &w->state, &o, &w->err), 0);
	assert_non_null(strstr(last_body(w, "POST", MODIFY), WEIGHTS("1", "blue", "7")));
	assert_non_null(strstr(last_body(w, "POST", MODIFY), WEIGHTS("2", "green", "0")));
	assert_int_equal(target_load_balancer.retire(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(sent(w, "POST", MODIFY), 1);
}

static void sticky_clients_are_taken_off_the_candidate(void **state)
{
	static const char sticky[] = "<TargetGroupStickinessConfig><Enabled>true</Enabled>"
				     "<DurationSeconds>3600</DurationSeconds>"
				     "</TargetGroupStickinessConfig>";
	struct world *w = *state;
	struct target_observation o;
	const char *body;

	recorded(w, "blue=100 green=0");
	route(w, "POST", "Action=DescribeRules", 200,
	      rule(w, forward(w, "blue=100 green=0", sticky)));
	health_is(w, GROUP_URI("blue"), "healthy");
	modify_works(w);
	o = look(w, PHASE_RESTORE);
	assert_int_equal(o.live, LIVE_SPLIT); /* at 0 %, but clients may be stuck there */
	assert_int_equal(target_load_balancer.restore(&w->env, &w->state, &o, &w->err), 0);
	body = last_body(w, "POST", MODIFY);
	assert_non_null(strstr(body, WEIGHTS("1", "blue", "100")));
	assert_null(strstr(body, GROUP_URI("green")));
	assert_non_null(strstr(body, "TargetGroupStickinessConfig.Enabled=true"));
	assert_non_null(strstr(body, "TargetGroupStickinessConfig.DurationSeconds=3600"));
	forget_routes(w);
	route(w, "POST", "Action=DescribeRules", 200, rule(w, forward(w, "blue=1", sticky)));
	health_is(w, GROUP_URI("blue"), "healthy");
	assert_int_equal(look(w, PHASE_RESTORE).live, LIVE_BASELINE);
}

static void a_listener_is_changed_by_its_own_call(void **state)
{
	struct lb_record r = {.resource = LISTENER,
			      .baseline = GROUP("blue"),
			      .candidate = GROUP("green"),
			      .network = true,
			      .n_groups = 1,
			      .groups = {{.arn = GROUP("blue"), .weight = 1}}};
	struct world *w = *state;
	struct target_observation o;

	assert_int_equal(lb_record_store(&r, w->state.undo, &w->err), 0);
	route(w, "POST", "Action=DescribeListeners", 200,
	      listener(w, forward(w, "blue=100 green=0", "")));
	health_is(w, GROUP_URI("green"), "healthy");
	modify_works(w);
	o = look(w, PHASE_SHIFT);
	assert_int_equal(o.live, LIVE_BASELINE);
	assert_int_equal(target_load_balancer.split(&w->env, &w->state, &o, SHARE(2500), &w->err),
			 0);
	assert_non_null(strstr(last_body(w, "POST", "Action=ModifyListener"),
			       "DefaultActions.member.1.ForwardConfig.TargetGroups.member.2.Weight="
			       "25"));
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 0);
	assert_int_equal(target_load_balancer.restore(&w->env, &w->state, &o, &w->err), 0);
	assert_null(strstr(last_body(w, "POST", "Action=ModifyListener"), GROUP_URI("green")));
}

static void a_weight_too_fine_is_refused_before_it_is_sent(void **state)
{
	struct world *w = *state;
	struct target_observation o;

	recorded(w, "blue=100 green=0");
	o = look_at(w, "blue=100 green=0", PHASE_SHIFT);
	modify_works(w);
	assert_int_equal(target_load_balancer.split(&w->env, &w->state, &o, SHARE(1234), &w->err),
			 -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
	assert_int_equal(sent(w, "POST", MODIFY), 0);
}

/* --- what others ask ------------------------------------------------------------------------- */

static void the_series_are_those_of_the_groups(void **state)
{
	const char *names[PLAN_DIMENSIONS_MAX], *values[PLAN_DIMENSIONS_MAX], *ns;
	struct world *w = *state;
	struct lb_record r;

	assert_int_equal(target_load_balancer.series(&w->env, &w->state, true, &ns, names, values),
			 0);
	recorded(w, "blue=100 green=0");
	assert_int_equal(target_load_balancer.series(&w->env, &w->state, true, &ns, names, values),
			 2);
	assert_string_equal(ns, "AWS/ApplicationELB");
	assert_string_equal(names[0], "TargetGroup");
	assert_string_equal(values[0], "targetgroup/green/73e2");
	assert_string_equal(names[1], "LoadBalancer");
	assert_string_equal(values[1], "app/web/50dc");
	target_load_balancer.series(&w->env, &w->state, false, &ns, names, values);
	assert_string_equal(values[0], "targetgroup/blue/73e2");
	assert_int_equal(lb_record_load(w->f->arena, w->state.undo, &r, &w->err), 0);
	r.network = true;
	assert_int_equal(lb_record_store(&r, w->state.undo, &w->err), 0);
	target_load_balancer.series(&w->env, &w->state, true, &ns, names, values);
	assert_string_equal(ns, "AWS/NetworkELB");
}

static void note_call(void *arg, const struct target_call *c)
{
	buf_addf(arg, "%s %s %s%s\n", phase_name(c->phase), c->iam_action, c->resource,
		 c->is_write ? " write" : "");
}

static void its_calls_can_be_told_beforehand(void **state)
{
	struct world *w = *state;
	struct buf b;

	buf_init(&b, 65536);
	target_load_balancer.calls(&w->plan, w->f->arena, note_call, &b);
	assert_non_null(strstr(b.p, "SHIFT elasticloadbalancing:ModifyRule " RULE " write\n"));
	assert_non_null(strstr(b.p, "INSPECT elasticloadbalancing:DescribeTargetHealth *\n"));
	assert_null(strstr(b.p, "Listener "));
	buf_clear(&b);
	w->plan.target.lb.resource_arn = LISTENER;
	target_load_balancer.calls(&w->plan, w->f->arena, note_call, &b);
	assert_non_null(strstr(b.p, "RESTORE elasticloadbalancing:ModifyListener " LISTENER));
	buf_release(&b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, lb_world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_action_is_read_in_the_words_of_the_machine),
		T(a_candidate_that_was_not_there_leaves_on_the_way_back),
		T(a_split_is_settled_after_its_time),
		T(the_candidate_is_ready_when_its_targets_are),
		T(traffic_that_nobody_serves_has_failed),
		T(the_baseline_is_healthy_when_a_target_is),
		T(what_cannot_be_read_is_unreadable_and_what_is_gone_is_foreign),
		T(cancellation_is_passed_on),
		T(the_candidate_is_put_in_at_weight_nothing),
		T(a_split_needs_a_fresh_equal_look),
		T(a_dead_candidate_gets_no_traffic),
		T(everything_else_in_the_action_list_stays),
		T(going_back_writes_what_was_there),
		T(sticky_clients_are_taken_off_the_candidate),
		T(a_listener_is_changed_by_its_own_call),
		T(a_weight_too_fine_is_refused_before_it_is_sent),
		T(the_series_are_those_of_the_groups),
		T(its_calls_can_be_told_beforehand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
