#include "tests/unit/target/lb_world.h"
#include "worker/target/load_balancer_segments.h"

/* Rules of segments, as Elastic Load Balancing tells of them: what is read, written and refused. */

#define ALB_LISTENER ELB "listener/app/web/50dc/f2f7"
#define OURS ELB "listener-rule/app/web/50dc/f2f7/0001"
#define OTHER ELB "listener-rule/app/web/50dc/f2f7/0002"
#define STAFF 1u
#define BETA 2u

/* --- the world ------------------------------------------------------------------------------ */

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

static const char *rules_xml(struct world *w, const struct line *lines, size_t n)
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

static const char *tags_xml(struct world *w, const struct line *lines, size_t n)
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
static void rules_are(struct world *w, const char *groups, const struct line *more, size_t n)
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

static int set_up(void **state)
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

static void record(struct world *w)
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

static struct target_observation look(struct world *w)
{
	struct target_observation o;

	record(w);
	if (target_load_balancer.observe(&w->env, &w->state, &o, &w->err))
		fail_msg("%s", w->err.text);
	return o;
}

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
	const struct line lines[] = {
		ours, {OTHER, "8", QUERY PATH, TO("green"), "r-1", "forgotten"}};
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

/* --- inspect -------------------------------------------------------------------------------- */

#define GROUP_XML(name)                                                                     \
	"<member><TargetGroupArn>" GROUP(name) "</TargetGroupArn><Protocol>HTTP</Protocol>" \
					       "<VpcId>vpc-1</VpcId></member>"

static void inspect(struct world *w)
{
	char undo[LIMIT_UNDO + 1] = "";
	bool first;

	route(w, "POST", "Action=DescribeTargetGroups&", 200,
	      answer(w, "DescribeTargetGroups",
		     "<TargetGroups>" GROUP_XML("blue") GROUP_XML("green") "</TargetGroups>"));
	route(w, "POST", "DescribeTargetGroupAttributes", 200,
	      answer(w, "DescribeTargetGroupAttributes", "<Attributes/>"));
	w->plan.target.lb.candidate_arn = GROUP("green");
	w->err = ERR_INIT;
	problems_init(&w->problems, w->f->arena);
	if (target_load_balancer.inspect(&w->env, undo, &first, &w->problems, &w->err))
		fail_msg("%s", w->err.text);
	str_copy(w->state.undo, sizeof(w->state.undo), str_from(undo));
}

static void what_fits_is_recorded(void **state)
{
	struct lb_record r;
	struct world *w = *state;

	rules_are(w, "blue=100", NULL, 0);
	inspect(w);
	if (w->problems.n_errors)
		fail_msg("%s", world_problems(w));
	assert_int_equal(lb_record_load(w->f->arena, w->state.undo, &r, &w->err), 0);
	assert_true(r.segments);
	/* no step, no segment */
	w->plan.n_steps = 0;
	rules_are(w, "blue=100", NULL, 0);
	inspect(w);
	assert_int_equal(lb_record_load(w->f->arena, w->state.undo, &r, &w->err), 0);
	assert_false(r.segments);
	assert_int_equal(sent(w, "POST", "DescribeTags"), 0);
}

static void what_cannot_be_is_said(void **state)
{
	static const struct line before[] = {{OTHER, "8", PATH, TO("blue"), NULL, NULL}};
	static const struct line left[] = {{OTHER, "8", PATH, TO("green"), "r-0", "staff"}};
	struct world *w = *state;
	struct line odd = {
		RULE, "10", "<member><Field>moon</Field></member>", forward(w, "blue=100", ""),
		NULL, NULL};

	rules_are(w, "blue=100", before, 1);
	inspect(w);
	expect_said(w, "2 free priorities are needed in front of it, after 8");
	rules_are(w, "blue=100", left, 1);
	inspect(w);
	expect_said(w, "was made by rollout r-0");
	/* conditions, secrets and transforms that no rule of ours could have */
	rules_are(w, "blue=100", NULL, 0);
	once(w, "POST", "ListenerArn=", 200, rules_xml(w, &odd, 1));
	inspect(w);
	expect_said(w, "it has a condition on moon");
	odd.conditions = PATH;
	odd.actions = arena_printf(w->f->arena, AUTH "%s", forward(w, "blue=100", ""));
	rules_are(w, "blue=100", NULL, 0);
	once(w, "POST", "RuleArns.member.1=", 200, rules_xml(w, &odd, 1));
	inspect(w);
	expect_said(w, "it authenticates with a client secret");
	odd.actions =
		arena_printf(w->f->arena, "%s</Actions><Transforms><member/></Transforms><Actions>",
			     forward(w, "blue=100", ""));
	rules_are(w, "blue=100", NULL, 0);
	once(w, "POST", "ListenerArn=", 200, rules_xml(w, &odd, 1));
	inspect(w);
	expect_said(w, "it rewrites requests");
	/* limits of the rule as a whole */
	for (size_t i = 0; i < 5; i++)
		w->plan.segments[0].values[i] = "*";
	w->plan.segments[0].n_values = 5;
	w->plan.segments[0].cookie = "a";
	w->plan.segments[0].cookie_value = "b";
	rules_are(w, "blue=100", NULL, 0);
	inspect(w);
	expect_said(w, "staff: with the conditions of the rule that is deployed to there are 7 "
		       "values");
	expect_said(w, "there are 7 wildcards");
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
		TEST(what_fits_is_recorded),
		TEST(what_cannot_be_is_said),
		TEST(conditions_of_every_kind),
		TEST(calls_are_told_when_there_are_segments),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
