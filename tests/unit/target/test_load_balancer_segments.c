#include "tests/unit/target/lb_segments_world.h"

/* Rules of segments, as Elastic Load Balancing tells of them: what is read and written. */

/* --- observe -------------------------------------------------------------------------------- */

static void weights_and_rules_are_the_traffic(void **state)
{
	const struct line both[] = {ours, beta};
	const struct {
		enum phase phase;
		const char *groups;
		size_t n;
		enum live live;
		int bp;
		unsigned segments;
	} cases[] = {
		{PHASE_WATCH, "blue=100 green=0", 0, LIVE_BASELINE, 0, 0},
		{PHASE_WATCH, "blue=100 green=0", 1, LIVE_SPLIT, 0, STAFF},
		{PHASE_WATCH, "blue=95 green=5", 2, LIVE_SPLIT, 500, STAFF | BETA},
		{PHASE_WATCH, "blue=0 green=100", 1, LIVE_CANDIDATE, 10000, STAFF},
		{PHASE_PROMOTE, "blue=0 green=100", 1, LIVE_CANDIDATE, 10000, STAFF},
		{PHASE_PROMOTE, "blue=0 green=100", 0, LIVE_PROMOTED, 10000, 0},
		{PHASE_RESTORE, "blue=100", 1, LIVE_SPLIT, 0, STAFF},
		{PHASE_RESTORE, "blue=100", 0, LIVE_BASELINE, 0, 0},
		{PHASE_PROVE, "blue=100", 2, LIVE_SPLIT, 0, STAFF | BETA},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct target_observation o;

		rules_are(w, cases[i].groups, both, cases[i].n);
		w->state.phase = cases[i].phase;
		o = look(w);
		if (o.live != cases[i].live || o.traffic.weight_bp != cases[i].bp ||
		    o.traffic.segments != cases[i].segments)
			fail_msg("%zu: %d %d %x: %s", i, o.live, o.traffic.weight_bp,
				 o.traffic.segments, o.detail);
	}
}

/* Rules of others, and of other rollouts, are none of ours. */
static void only_our_tags_count(void **state)
{
	static const struct line others[] = {
		{OURS, "9", PATH HEADER, TO("green"), NULL, NULL},
		{OTHER, "8", PATH HEADER, TO("green"), "r-2", "staff"},
	};
	struct target_observation o;
	struct world *w = *state;

	rules_are(w, "blue=95 green=5", others, 2);
	o = look(w);
	assert_int_equal(o.live, LIVE_SPLIT);
	assert_int_equal(o.traffic.segments, 0);
}

static void what_somebody_changed_is_foreign(void **state)
{
	static const struct {
		struct line line;
		const char *says;
	} cases[] = {
		{{OURS, "9", PATH, TO("green"), "r-1", "staff"}, "its conditions"},
		{{OURS, "9", PATH QUERY, TO("green"), "r-1", "staff"}, "its conditions"},
		{{OURS, "9", PATH HEADER, TO("blue"), "r-1", "staff"}, "candidate alone"},
		{{OURS, "9", PATH HEADER, AUTH TO("green"), "r-1", "staff"}, "candidate alone"},
		{{OURS, "9", PATH HEADER, "<member><Type>redirect</Type></member>", "r-1", "staff"},
		 "candidate alone"},
		{{OURS, "9", "<member/>", TO("green"), "r-1", "staff"}, "its conditions"},
		{{OURS, "11", PATH HEADER, TO("green"), "r-1", "staff"}, "stands behind"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct target_observation o;

		rules_are(w, "blue=95 green=5", &cases[i].line, 1);
		o = look(w);
		if (o.live != LIVE_FOREIGN || !strstr(o.detail, cases[i].says) ||
		    !strstr(o.detail, "segment staff was changed"))
			fail_msg("%zu: %d: %s", i, o.live, o.detail);
		/* and is not written over */
		w->err = ERR_INIT;
		assert_int_equal(target_load_balancer.split(
					 &w->env, &w->state, &o,
					 &(struct traffic){.weight_bp = 1000, .segments = STAFF},
					 &w->err),
				 -1);
		assert_int_equal(w->err.code, ERR_CONFLICT);
		assert_int_equal(sent(w, "POST", "Action=Modify"), 0);
	}
}

static void what_cannot_be_read_is_unreadable(void **state)
{
	static const struct {
		const char *words, *code;
		int status;
		enum live live;
	} cases[] = {
		{"Action=DescribeTags", "RuleNotFound", 400, LIVE_UNREADABLE}, /* just removed */
		{"Action=DescribeTags", "AccessDenied", 403, LIVE_UNREADABLE},
		{"ListenerArn=", "AccessDenied", 403, LIVE_UNREADABLE},
		{"ListenerArn=", "ListenerNotFound", 400, LIVE_FOREIGN},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct target_observation o;

		rules_are(w, "blue=95 green=5", &ours, 1);
		once(w, "POST", cases[i].words, cases[i].status,
		     arena_printf(w->f->arena,
				  "<ErrorResponse><Error><Code>%s</Code></Error></ErrorResponse>",
				  cases[i].code));
		o = look(w);
		assert_int_equal(o.live, cases[i].live);
		assert_int_equal(o.denied, cases[i].status == 403);
	}
	/* the rule that is deployed to is not among its listener's */
	rules_are(w, "blue=95 green=5", NULL, 0);
	once(w, "POST", "ListenerArn=", 200, rules_xml(w, &ours, 1));
	assert_int_equal(look(w).live, LIVE_FOREIGN);
	/* without segments nobody asks */
	rules_are(w, "blue=95 green=5", NULL, 0);
	recorded(w, "blue=100");
	(void)target_load_balancer.observe(&w->env, &w->state, &(struct target_observation){0},
					   &w->err);
	assert_int_equal(sent(w, "POST", "ListenerArn="), 0);
	assert_int_equal(sent(w, "POST", "DescribeTags"), 0);
}

/* --- act ------------------------------------------------------------------------------------ */

static int split(struct world *w, int bp, unsigned segments)
{
	struct target_observation o = look(w);

	forget_requests(w);
	w->err = ERR_INIT;
	return target_load_balancer.split(&w->env, &w->state, &o,
					  &(struct traffic){.weight_bp = bp, .segments = segments},
					  &w->err);
}

static void a_rule_is_made_whole_in_one_call(void **state)
{
	struct world *w = *state;

	rules_are(w, "blue=100 green=0", NULL, 0);
	if (split(w, 0, STAFF))
		fail_msg("%s", w->err.text);
	assert_int_equal(sent(w, "POST", "Action=Modify"), 0);
	assert_string_equal(
		last_body(w, "POST", "Action=CreateRule"),
		"Action=CreateRule&Version=2015-12-01&ListenerArn=arn%3Aaws%3A"
		"elasticloadbalancing%3Aeu-central-1%3A111122223333%3Alistener%2Fapp%2Fweb%2F50dc"
		"%2Ff2f7&Priority=9&Conditions.member.1.Field=path-pattern"
		"&Conditions.member.1.PathPatternConfig.Values.member.1=%2Fx"
		"&Conditions.member.2.Field=http-header"
		"&Conditions.member.2.HttpHeaderConfig.HttpHeaderName=X-Team"
		"&Conditions.member.2.HttpHeaderConfig.Values.member.1=staff"
		"&Actions.member.1.Type=forward&Actions.member.1.Order=2"
		"&Actions.member.1.ForwardConfig.TargetGroups.member.1.TargetGroupArn=" GROUP_URI(
			"green") "&Actions.member.1.ForwardConfig.TargetGroups.member.1.Weight=1"
				 "&Tags.member.1.Key=rollout-worker%3Arollout&Tags.member.1.Value="
				 "r-1&Tags.member.2.Key=rollout-worker%3Asegment"
				 "&Tags.member.2.Value=staff");
}

/* One kind of change a call: the weights, then what segments there are. */
static void weights_come_first(void **state)
{
	const struct line both[] = {ours, beta};
	struct world *w = *state;

	rules_are(w, "blue=100 green=0", NULL, 0);
	assert_int_equal(split(w, 500, STAFF), 0);
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 1);
	assert_int_equal(sent(w, "POST", "Action=CreateRule"), 0);
	rules_are(w, "blue=95 green=5", NULL, 0);
	assert_int_equal(split(w, 500, STAFF | BETA), 0);
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 0);
	assert_int_equal(sent(w, "POST", "Action=CreateRule"), 2);
	assert_non_null(strstr(last_body(w, "POST", "Action=CreateRule"), "&Priority=8&"));
	/* less: the weights, then the rule; the candidate's health does not matter for that */
	rules_are(w, "blue=90 green=10", both, 2);
	assert_int_equal(split(w, 500, STAFF), 0);
	assert_int_equal(sent(w, "POST", "Action=DeleteRule"), 0);
	rules_are(w, "blue=95 green=5", both, 2);
	assert_int_equal(split(w, 500, STAFF), 0);
	assert_int_equal(sent(w, "POST", "Action=DeleteRule"), 1);
	assert_int_equal(sent(w, "POST", "DescribeTargetHealth"), 0);
	/* promoted: everybody first */
	rules_are(w, "blue=95 green=5", both, 2);
	w->state.phase = PHASE_PROMOTE;
	assert_int_equal(split(w, 10000, 0), 0);
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 1);
	assert_int_equal(sent(w, "POST", "Action=DeleteRule"), 0);
	rules_are(w, "blue=0 green=100", both, 2);
	assert_int_equal(split(w, 10000, 0), 0);
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 0);
	assert_int_equal(sent(w, "POST", "Action=DeleteRule"), 2);
}

static void free_priorities_are_taken(void **state)
{
	static const struct line crowd[] = {
		{OTHER, "7", PATH, TO("blue"), NULL, NULL},
		{ELB "listener-rule/app/web/50dc/f2f7/0003", "3", PATH, TO("blue"), NULL, NULL},
		{ELB "listener-rule/app/web/50dc/f2f7/0004", "40", PATH, TO("blue"), NULL, NULL},
	};
	static const struct line before = {OTHER, "9", PATH, TO("blue"), NULL, NULL};
	struct world *w = *state;

	rules_are(w, "blue=100 green=0", crowd, 3);
	assert_int_equal(split(w, 0, STAFF), 0);
	assert_non_null(strstr(last_body(w, "POST", "Action=CreateRule"), "&Priority=9&"));
	/* the places of our own rules are taken, but in nobody's way */
	rules_are(w, "blue=100 green=0", &ours, 1);
	assert_int_equal(split(w, 0, STAFF | BETA), 0);
	assert_non_null(strstr(last_body(w, "POST", "Action=CreateRule"), "&Priority=8&"));
	assert_int_equal(sent(w, "POST", "Action=CreateRule"), 1);
	/* the answer is lost: it is said which segment's, and not sent again */
	rules_are(w, "blue=100 green=0", NULL, 0);
	once(w, "POST", "Action=CreateRule", 0, "")->fail = ERR_TIMEOUT;
	w->routes[w->n_routes - 1].sent = true;
	assert_int_equal(split(w, 0, STAFF), -1);
	assert_int_equal(w->err.code, ERR_TIMEOUT);
	assert_non_null(strstr(w->err.text, "rule of segment staff"));
	assert_int_equal(sent(w, "POST", "Action=CreateRule"), 1);
	/* somebody took the last place meanwhile: nobody's traffic is taken */
	rules_are(w, "blue=100 green=0", &before, 1);
	assert_int_equal(split(w, 0, STAFF), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	assert_non_null(strstr(w->err.text, "no free priority"));
	assert_int_equal(sent(w, "POST", "Action=CreateRule"), 0);
}

static void a_dead_candidate_gets_no_segment(void **state)
{
	struct world *w = *state;

	rules_are(w, "blue=100 green=0", NULL, 0);
	once(w, "POST", "DescribeTargetHealth", 200, targets(w, "unhealthy"));
	assert_int_equal(split(w, 0, STAFF), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	assert_int_equal(sent(w, "POST", "Action=CreateRule"), 0);
}

static void a_rule_that_comes_in_between_is_seen(void **state)
{
	struct target_observation o;
	struct world *w = *state;

	rules_are(w, "blue=95 green=5", NULL, 0);
	o = look(w);
	rules_are(w, "blue=95 green=5", &ours, 1); /* another worker's */
	assert_int_equal(target_load_balancer.split(
				 &w->env, &w->state, &o,
				 &(struct traffic){.weight_bp = 500, .segments = STAFF}, &w->err),
			 -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	assert_int_equal(sent(w, "POST", "Action=CreateRule"), 0);
}

/* Going back: rules first; and the weights, though a rule will not go. */
static void restoring_removes_rules(void **state)
{
	const struct line lines[] = {ours,
				     {OTHER, "8", QUERY PATH, TO("green"), "r-1", "forgotten"}};
	struct target_observation o;
	struct world *w = *state;

	w->state.phase = PHASE_RESTORE;
	rules_are(w, "blue=95 green=5", lines, 2);
	o = look(w);
	forget_requests(w);
	if (target_load_balancer.restore(&w->env, &w->state, &o, &w->err))
		fail_msg("%s", w->err.text);
	assert_int_equal(sent(w, "POST", "Action=DeleteRule"), 2);
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 1);
	assert_non_null(strstr(w->f->requests[w->f->n_requests - 1].body.p, "ModifyRule"));

	rules_are(w, "blue=95 green=5", lines, 2);
	once(w, "POST", "Action=DeleteRule", 403,
	     "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>");
	o = look(w);
	forget_requests(w);
	assert_int_equal(target_load_balancer.restore(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_DENIED);
	assert_int_equal(sent(w, "POST", "Action=DeleteRule"), 2);
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 1);

	/* the weights are back already */
	w->err = ERR_INIT;
	rules_are(w, "blue=100", lines, 2);
	o = look(w);
	forget_requests(w);
	assert_int_equal(target_load_balancer.restore(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 0);

	/* stopped in the middle: nothing more is sent */
	rules_are(w, "blue=95 green=5", lines, 1);
	o = look(w);
	forget_requests(w);
	once(w, "POST", "Action=DeleteRule", 0, "")->fail = ERR_CANCELED;
	assert_int_equal(target_load_balancer.restore(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CANCELED);
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 0);
}

/* Source addresses, as they stand in a rule; and a cookie. */
static void conditions_of_every_kind(void **state)
{
	struct world *w = *state;
	struct plan_segment *s = &w->plan.segments[0];

	*s = (struct plan_segment){.name = "staff",
				   .cookie = "beta",
				   .cookie_value = "on",
				   .source_ip = {"10.0.0.0/8"},
				   .n_source_ip = 1};
	rules_are(w, "blue=100 green=0", NULL, 0);
	if (split(w, 0, STAFF))
		fail_msg("%s", w->err.text);
	assert_non_null(strstr(last_body(w, "POST", "Action=CreateRule"),
			       "&Conditions.member.2.Field=http-header"
			       "&Conditions.member.2.HttpHeaderConfig.HttpHeaderName=Cookie"
			       "&Conditions.member.2.HttpHeaderConfig.Values.member.1=%2Abeta%3Don"
			       "%2A&Conditions.member.3.Field=source-ip"
			       "&Conditions.member.3.SourceIpConfig.Values.member.1=10.0.0.0%2F8"));
}

/* --- calls ---------------------------------------------------------------------------------- */

static void count_call(void *arg, const struct target_call *c)
{
	size_t *n = arg;

	assert_non_null(c->iam_action);
	*n += !strcmp(c->operation, "CreateRule") || !strcmp(c->operation, "DescribeTags") ||
	      !strcmp(c->operation, "DeleteRule");
}

static void calls_are_told_when_there_are_segments(void **state)
{
	struct world *w = *state;
	size_t n = 0;

	target_load_balancer.calls(&w->plan, w->f->arena, count_call, &n);
	assert_int_equal(n, 6); /* CreateRule needs two actions */
	w->plan.n_steps = 0;
	n = 0;
	target_load_balancer.calls(&w->plan, w->f->arena, count_call, &n);
	assert_int_equal(n, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(weights_and_rules_are_the_traffic),
		TEST(only_our_tags_count),
		TEST(what_somebody_changed_is_foreign),
		TEST(what_cannot_be_read_is_unreadable),
		TEST(a_rule_is_made_whole_in_one_call),
		TEST(weights_come_first),
		TEST(free_priorities_are_taken),
		TEST(a_dead_candidate_gets_no_segment),
		TEST(a_rule_that_comes_in_between_is_seen),
		TEST(restoring_removes_rules),
		TEST(conditions_of_every_kind),
		TEST(calls_are_told_when_there_are_segments),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
