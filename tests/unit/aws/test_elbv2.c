#include "aws/elbv2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/aws/api_model.h"

#define LB "arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/app/web/50dc6c495c0c9188"
#define RULE "arn:aws:elasticloadbalancing:eu-central-1:1:listener-rule/app/web/5/6/7"
#define TG(x) "arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/" x "/73e2d6bc24d8a067"
#define TG_URI(x)                                                                \
	"arn%3Aaws%3Aelasticloadbalancing%3Aeu-central-1%3A1%3Atargetgroup%2F" x \
	"%2F73e2d6bc24d8a067"

static int set_up(void **state)
{
	*state = fake_new();
	return 0;
}

static int tear_down(void **state)
{
	fake_free(*state);
	return 0;
}

static const char *answer(struct fake *f, const char *operation, const char *result)
{
	return arena_printf(f->arena,
			    "<%sResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/"
			    "2015-12-01/\"><%sResult>%s</%sResult><ResponseMetadata><RequestId>r1"
			    "</RequestId></ResponseMetadata></%sResponse>",
			    operation, operation, result, operation, operation);
}

static void expect_form(struct fake *f, size_t i, const char *operation, const char *rest)
{
	assert_string_equal(
		fake_sent(f, i)->body.p,
		arena_printf(f->arena, "Action=%s&Version=2015-12-01&%s", operation, rest));
	api_check(f, i, "elbv2", operation);
}

/* --- actions: reading and writing ------------------------------------------------------------ */

static size_t parse(struct fake *f, const char *xml, struct elbv2_action **actions)
{
	struct xml *root;
	struct err err = ERR_INIT;
	size_t n = 0;

	if (xml_parse(f->arena, str_from(arena_printf(f->arena, "<A>%s</A>", xml)), &root, &err) ||
	    elbv2_actions_parse(root, f->arena, actions, &n, &err))
		fail_msg("%s", err.text);
	return n;
}

/* What is written for the actions in this XML, one parameter a line. */
static const char *round_trip(struct fake *f, const char *xml)
{
	struct elbv2_action *actions;
	size_t n = parse(f, xml, &actions);
	struct err err = ERR_INIT;
	struct buf b;
	char *s;

	buf_init(&b, 1 << 20);
	if (elbv2_actions_format(&b, "Actions", actions, n, &err))
		fail_msg("%s", err.text);
	s = arena_strdup(f->arena, b.p);
	buf_release(&b);
	for (char *p = s; *p; p++)
		*p = *p == '&' ? '\n' : *p;
	return s;
}

static void test_weighted_forward(void **state)
{
	struct fake *f = *state;
	struct elbv2_action *actions;
	const char *xml =
		"<member><Type>forward</Type><Order>1</Order><ForwardConfig><TargetGroups>"
		"<member><TargetGroupArn>" TG(
			"blue") "</TargetGroupArn><Weight>90</Weight></member>"
				"<member><TargetGroupArn>" TG(
					"green") "</TargetGroupArn><Weight>0</Weight></member>"
						 "</"
						 "TargetGroups><TargetGroupStickinessConfig><"
						 "Enabled>true</Enabled>"
						 "<DurationSeconds>3600</DurationSeconds></"
						 "TargetGroupStickinessConfig>"
						 "</ForwardConfig></member>";

	assert_int_equal(parse(f, xml, &actions), 1);
	assert_true(elbv2_action_is_forward(&actions[0]));
	assert_int_equal(actions[0].order, 1);
	assert_int_equal(actions[0].n_groups, 2);
	assert_string_equal(actions[0].groups[0].arn, TG("blue"));
	assert_int_equal(actions[0].groups[0].weight, 90);
	assert_true(actions[0].groups[1].has_weight);
	assert_int_equal(actions[0].groups[1].weight, 0);
	assert_true(actions[0].stickiness.present);
	assert_true(actions[0].stickiness.enabled);
	assert_int_equal(actions[0].stickiness.duration_s, 3600);
	assert_string_equal(
		round_trip(f, xml),
		"\nActions.member.1.Type=forward"
		"\nActions.member.1.Order=1"
		"\nActions.member.1.ForwardConfig.TargetGroups.member.1.TargetGroupArn=" TG_URI(
			"blue") "\nActions.member.1.ForwardConfig.TargetGroups.member.1.Weight=90"
				"\nActions.member.1.ForwardConfig.TargetGroups.member.2."
				"TargetGroupArn=" TG_URI(
					"green") "\nActions.member.1.ForwardConfig.TargetGroups."
						 "member.2.Weight=0"
						 "\nActions.member.1.ForwardConfig."
						 "TargetGroupStickinessConfig.Enabled=true"
						 "\nActions.member.1.ForwardConfig."
						 "TargetGroupStickinessConfig.DurationSeconds="
						 "3600");
}

/* Reads repeat the one group outside of ForwardConfig; writes say it once. */
static void test_plain_forward(void **state)
{
	struct fake *f = *state;
	struct elbv2_action *actions;

	assert_string_equal(
		round_trip(f, "<member><Type>forward</Type><TargetGroupArn>" TG(
				      "blue") "</TargetGroupArn></member>"),
		"\nActions.member.1.Type=forward"
		"\nActions.member.1.ForwardConfig.TargetGroups.member.1.TargetGroupArn=" TG_URI(
			"blue"));
	assert_string_equal(
		round_trip(
			f,
			"<member><Type>forward</Type><TargetGroupArn>" TG(
				"blue") "</"
					"TargetGroupArn><ForwardConfig><TargetGroups><member><"
					"TargetGroupArn>" TG("blue") "</TargetGroupArn><Weight>1</"
								     "Weight></member></"
								     "TargetGroups>"
								     "<TargetGroupStickinessConfig>"
								     "<Enabled>false</Enabled>"
								     "</"
								     "TargetGroupStickinessConfig><"
								     "/ForwardConfig></member>"),
		"\nActions.member.1.Type=forward"
		"\nActions.member.1.ForwardConfig.TargetGroups.member.1.TargetGroupArn=" TG_URI(
			"blue") "\nActions.member.1.ForwardConfig.TargetGroups.member.1.Weight=1"
				"\nActions.member.1.ForwardConfig.TargetGroupStickinessConfig."
				"Enabled=false");
	assert_int_equal(parse(f,
			       "<member><Type>forward</Type><TargetGroupArn>x</TargetGroupArn>"
			       "</member>",
			       &actions),
			 1);
	assert_false(actions[0].groups[0].has_weight);
	assert_int_equal(actions[0].groups[0].weight, 1);
	assert_false(actions[0].stickiness.present);
}

/* What AWS adds to a forward action one day comes back unharmed. */
static void test_forward_keeps_what_it_does_not_know(void **state)
{
	struct fake *f = *state;

	assert_string_equal(
		round_trip(f, "<member><Type>forward</Type><TargetGroupArn>t</TargetGroupArn>"
			      "<Mirror><To>u</To></Mirror><ForwardConfig><TargetGroups><member>"
			      "<TargetGroupArn>t</TargetGroupArn></member></TargetGroups>"
			      "<Retry>3</Retry></ForwardConfig></member>"),
		"\nActions.member.1.Type=forward"
		"\nActions.member.1.ForwardConfig.TargetGroups.member.1.TargetGroupArn=t"
		"\nActions.member.1.ForwardConfig.Retry=3"
		"\nActions.member.1.Mirror.To=u");
}

static void test_other_actions_verbatim(void **state)
{
	struct fake *f = *state;
	const char *out = round_trip(
		f, "<member><Type>authenticate-oidc</Type><Order>1</Order><AuthenticateOidcConfig>"
		   "<Issuer>https://i.example.com</Issuer><ClientId>c&amp;d</ClientId>"
		   "<ClientSecret>*****</ClientSecret>"
		   "<UseExistingClientSecret>false</UseExistingClientSecret>"
		   "<SessionTimeout>604800</SessionTimeout><AuthenticationRequestExtraParams>"
		   "<entry><key>a</key><value>1</value></entry>"
		   "<entry><key>b</key><value>x y</value></entry>"
		   "</AuthenticationRequestExtraParams></AuthenticateOidcConfig></member>"
		   "<member><Type>redirect</Type><RedirectConfig><Protocol>#{protocol}</Protocol>"
		   "<Query></Query><StatusCode>HTTP_301</StatusCode></RedirectConfig></member>"
		   "<member><Type>fixed-response</Type><FixedResponseConfig>"
		   "<MessageBody> keep the white space\n</MessageBody>"
		   "<StatusCode>503</StatusCode></FixedResponseConfig></member>"
		   "<member><Type>jwt-validation</Type><JwtValidationConfig>"
		   "<AdditionalClaims><member><Name>aud</Name><Values><member>v1</member>"
		   "<member>v2</member></Values></member><member><Name>sub</Name><Values/></member>"
		   "</AdditionalClaims></JwtValidationConfig></member>"
		   "<member><Type>teleport</Type><TeleportConfig><Where>\xc3\xa4</Where>"
		   "</TeleportConfig></member>");

	assert_string_equal(
		out, "\nActions.member.1.Type=authenticate-oidc"
		     "\nActions.member.1.Order=1"
		     "\nActions.member.1.AuthenticateOidcConfig.Issuer=https%3A%2F%2Fi.example.com"
		     "\nActions.member.1.AuthenticateOidcConfig.ClientId=c%26d"
		     "\nActions.member.1.AuthenticateOidcConfig.SessionTimeout=604800"
		     "\nActions.member.1.AuthenticateOidcConfig.AuthenticationRequestExtraParams."
		     "entry.1.key=a"
		     "\nActions.member.1.AuthenticateOidcConfig.AuthenticationRequestExtraParams."
		     "entry.1.value=1"
		     "\nActions.member.1.AuthenticateOidcConfig.AuthenticationRequestExtraParams."
		     "entry.2.key=b"
		     "\nActions.member.1.AuthenticateOidcConfig.AuthenticationRequestExtraParams."
		     "entry.2."
		     "value=x%20y"
		     "\nActions.member.1.AuthenticateOidcConfig.UseExistingClientSecret=true"
		     "\nActions.member.2.Type=redirect"
		     "\nActions.member.2.RedirectConfig.Protocol=%23%7Bprotocol%7D"
		     "\nActions.member.2.RedirectConfig.Query="
		     "\nActions.member.2.RedirectConfig.StatusCode=HTTP_301"
		     "\nActions.member.3.Type=fixed-response"
		     "\nActions.member.3.FixedResponseConfig.MessageBody=%20keep%20the%20white%"
		     "20space%0A"
		     "\nActions.member.3.FixedResponseConfig.StatusCode=503"
		     "\nActions.member.4.Type=jwt-validation"
		     "\nActions.member.4.JwtValidationConfig.AdditionalClaims.member.1.Name=aud"
		     "\nActions.member.4.JwtValidationConfig.AdditionalClaims.member.1.Values."
		     "member.1=v1"
		     "\nActions.member.4.JwtValidationConfig.AdditionalClaims.member.1.Values."
		     "member.2=v2"
		     "\nActions.member.4.JwtValidationConfig.AdditionalClaims.member.2.Name=sub"
		     "\nActions.member.4.JwtValidationConfig.AdditionalClaims.member.2.Values="
		     "\nActions.member.5.Type=teleport"
		     "\nActions.member.5.TeleportConfig.Where=%C3%A4");
}

static void test_made_up_forward(void **state)
{
	struct elbv2_group groups[] = {{"blue", 95, true}, {"green", 5, true}};
	struct elbv2_action action = {.type = "forward",
				      .order = 2,
				      .groups = groups,
				      .n_groups = 2,
				      .stickiness = {.present = true}};
	struct err err = ERR_INIT;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	assert_int_equal(elbv2_actions_format(&b, "DefaultActions", &action, 1, &err), 0);
	assert_string_equal(
		b.p,
		"&DefaultActions.member.1.Type=forward&DefaultActions.member.1.Order=2"
		"&DefaultActions.member.1.ForwardConfig.TargetGroups.member.1.TargetGroupArn=blue"
		"&DefaultActions.member.1.ForwardConfig.TargetGroups.member.1.Weight=95"
		"&DefaultActions.member.1.ForwardConfig.TargetGroups.member.2.TargetGroupArn=green"
		"&DefaultActions.member.1.ForwardConfig.TargetGroups.member.2.Weight=5"
		"&DefaultActions.member.1.ForwardConfig.TargetGroupStickinessConfig.Enabled=false");
	buf_release(&b);
}

static enum err_code format_code(const struct elbv2_action *action)
{
	struct err err = ERR_INIT;
	struct buf b;

	buf_init(&b, 1 << 20);
	(void)!elbv2_actions_format(&b, "Actions", action, 1, &err);
	buf_release(&b);
	return err.code;
}

static void test_actions_that_are_not_written(void **state)
{
	struct fake *f = *state;
	struct elbv2_group group = {"t", 0, true};
	struct elbv2_action action = {.type = NULL};

	assert_int_equal(format_code(&action), ERR_REJECTED);
	action.type = "redirect";
	assert_int_equal(format_code(&action), ERR_REJECTED);
	action.type = "forward";
	assert_int_equal(format_code(&action), ERR_REJECTED);
	action.groups = &group;
	action.n_groups = 1;
	assert_int_equal(format_code(&action), ERR_REJECTED); /* all weights 0 */
	group.weight = 1000;
	assert_int_equal(format_code(&action), ERR_REJECTED);
	group.weight = -1;
	assert_int_equal(format_code(&action), ERR_REJECTED);
	group.weight = 999;
	assert_int_equal(format_code(&action), ERR_OK);
	group.arn = "";
	assert_int_equal(format_code(&action), ERR_REJECTED);

	/* nesting and names from outside have limits */
	struct buf deep;
	struct elbv2_action *read;

	buf_init(&deep, 65536);
	buf_adds(&deep, "<member><Type>x</Type>");
	for (int i = 0; i < ELBV2_ACTION_DEPTH; i++)
		buf_adds(&deep, "<D>");
	for (int i = 0; i < ELBV2_ACTION_DEPTH; i++)
		buf_adds(&deep, "</D>");
	buf_adds(&deep, "</member>");
	assert_int_equal(parse(f, deep.p, &read), 1);
	assert_int_equal(format_code(&read[0]), ERR_OK);
	buf_clear(&deep);
	buf_adds(&deep, "<member><Type>x</Type>");
	for (int i = 0; i <= ELBV2_ACTION_DEPTH; i++)
		buf_adds(&deep, "<D>");
	for (int i = 0; i <= ELBV2_ACTION_DEPTH; i++)
		buf_adds(&deep, "</D>");
	buf_adds(&deep, "</member>");
	assert_int_equal(parse(f, deep.p, &read), 1);
	assert_int_equal(format_code(&read[0]), ERR_LIMIT);
	buf_clear(&deep);
	buf_adds(&deep, "<member><Type>forward</Type><TargetGroupArn>t</TargetGroupArn><");
	for (int i = 0; i < 600; i++)
		buf_addc(&deep, 'N');
	buf_adds(&deep, "/></member>");
	assert_int_equal(parse(f, deep.p, &read), 1);
	assert_int_equal(format_code(&read[0]), ERR_LIMIT);
	buf_release(&deep);
}

/* Wherever a key grows too long, it is an error, and what fits is written whole. */
static void test_keys_of_any_length(void **state)
{
	static const char *const xml[] = {
		"<member><Type>forward</Type><Order>1</Order><ForwardConfig><TargetGroups><member>"
		"<TargetGroupArn>t</TargetGroupArn><Weight>1</Weight></member></TargetGroups>"
		"<TargetGroupStickinessConfig><Enabled>true</Enabled><DurationSeconds>9"
		"</DurationSeconds></TargetGroupStickinessConfig><More>1</More></ForwardConfig>"
		"<Other><Deep>2</Deep></Other></member>",
		"<member><Type>authenticate-oidc</Type><AuthenticateOidcConfig><Issuer>i</Issuer>"
		"</AuthenticateOidcConfig></member>",
		"<member><Type>jwt-validation</Type><C><member><V><member>1</member></V></member>"
		"</C></member>",
	};
	struct fake *f = *state;

	for (size_t i = 0; i < sizeof(xml) / sizeof(xml[0]); i++) {
		struct elbv2_action *actions;
		size_t n = parse(f, xml[i], &actions), refused = 0;

		for (size_t len = 380; len < 520; len++) {
			char *prefix = arena_alloc(f->arena, len + 1);
			struct err err = ERR_INIT;
			struct buf b;

			memset(prefix, 'p', len);
			buf_init(&b, 1 << 16);
			if (elbv2_actions_format(&b, prefix, actions, n, &err)) {
				assert_int_equal(err.code, ERR_LIMIT);
				refused++;
			} else {
				assert_int_equal(refused, 0);
			}
			buf_release(&b);
		}
		assert_true(refused > 0 && refused < 140);
	}
}

static void test_hostile_actions(void **state)
{
	static const char *const bad[] = {
		"<member/>",
		"<member><Type/></member>",
		"<member><Type>forward</Type></member>",
		("<member><Type>forward</Type><Order>0</Order><TargetGroupArn>t</TargetGroupArn>"
		 "</member>"),
		"<member><Type>redirect</Type><Order>first</Order></member>",
		("<member><Type>forward</Type><ForwardConfig><TargetGroups><member/></TargetGroups>"
		 "</ForwardConfig></member>"),
		("<member><Type>forward</Type><ForwardConfig><TargetGroups><member>"
		 "<TargetGroupArn>t</TargetGroupArn><Weight>1000</Weight></member></TargetGroups>"
		 "</ForwardConfig></member>"),
		("<member><Type>forward</Type><ForwardConfig><TargetGroups><member>"
		 "<TargetGroupArn>t</TargetGroupArn><Weight>-1</Weight></member></TargetGroups>"
		 "</ForwardConfig></member>"),
		("<member><Type>forward</Type><TargetGroupArn>t</TargetGroupArn><ForwardConfig>"
		 "<TargetGroupStickinessConfig><DurationSeconds>long</DurationSeconds>"
		 "</TargetGroupStickinessConfig></ForwardConfig></member>"),
	};
	struct fake *f = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct elbv2_action *actions;
		struct xml *root;
		struct err err = ERR_INIT;
		size_t n;

		assert_int_equal(xml_parse(f->arena,
					   str_from(arena_printf(f->arena, "<A>%s</A>", bad[i])),
					   &root, &err),
				 0);
		if (!elbv2_actions_parse(root, f->arena, &actions, &n, &err))
			fail_msg("accepted %s", bad[i]);
		assert_int_equal(err.code, ERR_MALFORMED);
	}
}

/* --- listeners and rules --------------------------------------------------------------------- */

#define FORWARD(group) \
	"<member><Type>forward</Type><TargetGroupArn>" group "</TargetGroupArn></member>"

static void test_listeners(void **state)
{
	struct fake *f = *state;
	struct elbv2_listener one, *all;
	size_t n;
	struct err err = ERR_INIT;

	fake_answer(
		f, 200, NULL,
		answer(f, "DescribeListeners",
		       "<Listeners><member><ListenerArn>l1</ListenerArn><LoadBalancerArn>lb"
		       "</LoadBalancerArn><Port>443</Port><Protocol>HTTPS</Protocol>"
		       "<DefaultActions>" FORWARD("t") "</DefaultActions></member></Listeners>"));
	if (elbv2_describe_listener(&f->client, "l1", f->arena, &one, &err))
		fail_msg("%s", err.text);
	expect_form(f, 0, "DescribeListeners", "ListenerArns.member.1=l1");
	assert_string_equal(one.arn, "l1");
	assert_string_equal(one.load_balancer_arn, "lb");
	assert_string_equal(one.protocol, "HTTPS");
	assert_int_equal(one.port, 443);
	assert_int_equal(one.n_actions, 1);
	assert_string_equal(one.actions[0].groups[0].arn, "t");

	fake_again(f);
	fake_answer(f, 200, NULL,
		    answer(f, "DescribeListeners",
			   "<Listeners><member><ListenerArn>l1</ListenerArn></member></Listeners>"
			   "<NextMarker>a+b</NextMarker>"));
	fake_answer(f, 200, NULL,
		    answer(f, "DescribeListeners",
			   "<Listeners/>"
			   "<NextMarker>c</NextMarker>"));
	fake_answer(f, 200, NULL,
		    answer(f, "DescribeListeners",
			   "<Listeners><member><ListenerArn>l2</ListenerArn></member></Listeners>"
			   "<NextMarker></NextMarker>"));
	if (elbv2_describe_listeners(&f->client, LB, f->arena, &all, &n, &err))
		fail_msg("%s", err.text);
	assert_int_equal(n, 2);
	assert_string_equal(all[1].arn, "l2");
	assert_int_equal(all[0].n_actions, 0);
	assert_non_null(strstr(fake_sent(f, 1)->body.p, "&Marker=a%2Bb"));
	api_check(f, 1, "elbv2", "DescribeListeners");
	assert_true(fake_done(f));
}

static void test_rules(void **state)
{
	struct fake *f = *state;
	struct elbv2_rule one, *all;
	size_t n;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL,
		    answer(f, "DescribeRules",
			   "<Rules><member><RuleArn>r1</RuleArn><Priority>10</Priority>"
			   "<IsDefault>false</IsDefault><Conditions><member><Field>path-pattern"
			   "</Field></member></Conditions><Actions>" FORWARD(
				   "t") "</Actions></member></Rules>"));
	if (elbv2_describe_rule(&f->client, "r1", f->arena, &one, &err))
		fail_msg("%s", err.text);
	expect_form(f, 0, "DescribeRules", "RuleArns.member.1=r1");
	assert_string_equal(one.priority, "10");
	assert_false(one.is_default);
	assert_true(str_is(xml_text(one.conditions, "member/Field"), "path-pattern"));
	assert_int_equal(one.n_actions, 1);

	fake_again(f);
	fake_answer(f, 200, NULL,
		    answer(f, "DescribeRules",
			   "<Rules><member><RuleArn>r1</RuleArn><Priority>1</Priority></member>"
			   "<member><RuleArn>r2</RuleArn><Priority>default</Priority>"
			   "<IsDefault>true</IsDefault></member></Rules>"));
	assert_int_equal(elbv2_describe_rules(&f->client, "l1", f->arena, &all, &n, &err), 0);
	expect_form(f, 0, "DescribeRules", "ListenerArn=l1");
	assert_int_equal(n, 2);
	assert_true(all[1].is_default);
	assert_null(all[1].conditions);
}

static void test_one_thing_or_an_error(void **state)
{
	struct fake *f = *state;
	struct elbv2_rule rule, *rules;
	struct elbv2_listener listener, *listeners;
	struct elbv2_load_balancer lb;
	size_t n;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL, answer(f, "DescribeRules", "<Rules/>"));
	assert_int_equal(elbv2_describe_rule(&f->client, RULE, f->arena, &rule, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);

	fake_answer(f, 200, NULL,
		    answer(f, "DescribeRules",
			   "<Rules><member><RuleArn>r1</RuleArn></member><member><RuleArn>r2"
			   "</RuleArn></member></Rules>"));
	assert_int_equal(elbv2_describe_rule(&f->client, RULE, f->arena, &rule, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);

	fake_answer(f, 200, NULL, answer(f, "DescribeListeners", ""));
	assert_int_equal(elbv2_describe_listener(&f->client, "l", f->arena, &listener, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);

	fake_answer(f, 200, NULL,
		    answer(f, "DescribeListeners", "<Listeners><member/></Listeners>"));
	assert_int_equal(elbv2_describe_listener(&f->client, "l", f->arena, &listener, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	fake_answer(
		f, 200, NULL,
		answer(f, "DescribeListeners",
		       "<Listeners><member><ListenerArn>l</ListenerArn><DefaultActions><member/>"
		       "</DefaultActions></member></Listeners>"));
	assert_int_equal(elbv2_describe_listeners(&f->client, "l", f->arena, &listeners, &n, &err),
			 -1);
	assert_non_null(strstr(err.text, "listener l: an action has no type"));

	fake_answer(f, 200, NULL, answer(f, "DescribeRules", "<Rules><member/></Rules>"));
	assert_int_equal(elbv2_describe_rules(&f->client, "l", f->arena, &rules, &n, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	fake_answer(f, 200, NULL,
		    answer(f, "DescribeRules",
			   "<Rules><member><RuleArn>r</RuleArn><Actions><member/></Actions>"
			   "</member></Rules>"));
	assert_int_equal(elbv2_describe_rules(&f->client, "l", f->arena, &rules, &n, &err), -1);
	assert_non_null(strstr(err.text, "rule r: an action has no type"));

	/* an answer without its result is no empty list */
	fake_answer(f, 200, NULL, "<Other/>");
	assert_int_equal(elbv2_describe_rules(&f->client, "l", f->arena, &rules, &n, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	fake_answer(f, 200, NULL, "");
	assert_int_equal(elbv2_describe_rules(&f->client, "l", f->arena, &rules, &n, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_true(fake_done(f));

	/* without its filter the call would list everything */
	assert_int_equal(elbv2_describe_rules(&f->client, "", f->arena, &rules, &n, &err), -1);
	assert_int_equal(elbv2_describe_rule(&f->client, NULL, f->arena, &rule, &err), -1);
	assert_int_equal(elbv2_describe_listener(&f->client, NULL, f->arena, &listener, &err), -1);
	assert_int_equal(elbv2_describe_load_balancer(&f->client, "", f->arena, &lb, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_true(fake_done(f));
}

static void test_errors(void **state)
{
	static const struct {
		int status;
		const char *name;
		enum err_code code;
		size_t attempts;
	} cases[] = {
		{400, "RuleNotFound", ERR_NOT_FOUND, 1},
		{400, "ListenerNotFound", ERR_NOT_FOUND, 1},
		{400, "TargetGroupNotFound", ERR_NOT_FOUND, 1},
		{400, "LoadBalancerNotFound", ERR_NOT_FOUND, 1},
		{400, "OperationNotPermitted", ERR_REJECTED, 1},
		{400, "InvalidLoadBalancerAction", ERR_REJECTED, 1},
		{400, "ValidationError", ERR_REJECTED, 1},
		{403, "AccessDenied", ERR_DENIED, 1},
		{400, "Throttling", ERR_THROTTLED, 3},
		{500, "HealthUnavailable", ERR_UNAVAILABLE, 3},
	};
	struct fake *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct elbv2_group group = {"t", 1, true};
		struct elbv2_action action = {.type = "forward", .groups = &group, .n_groups = 1};
		struct elbv2_actions actions = {&action, 1};
		struct err err = ERR_INIT;

		fake_again(f);
		for (size_t k = 0; k < cases[i].attempts; k++)
			fake_answer(f, cases[i].status, NULL,
				    arena_printf(f->arena,
						 "<ErrorResponse><Error><Type>Sender</Type><Code>%s"
						 "</Code><Message>m</Message></Error><RequestId>q"
						 "</RequestId></ErrorResponse>",
						 cases[i].name));
		assert_int_equal(
			elbv2_modify_rule(&f->client, RULE, &actions, f->arena, NULL, &err), -1);
		assert_int_equal(err.code, cases[i].code);
		assert_string_equal(err.aws, cases[i].name);
		assert_string_equal(err.request_id, "q");
		assert_true(fake_done(f));
	}
}

/* --- changing -------------------------------------------------------------------------------- */

static void test_modify(void **state)
{
	struct fake *f = *state;
	struct elbv2_group groups[] = {{"blue", 90, true}, {"green", 10, true}};
	struct elbv2_action action = {
		.type = "forward", .order = 1, .groups = groups, .n_groups = 2};
	struct elbv2_actions actions = {&action, 1}, echo;
	struct err err = ERR_INIT;

	fake_fail(f, ERR_TIMEOUT, true); /* idempotent by content */
	fake_answer(f, 200, NULL,
		    answer(f, "ModifyRule",
			   "<Rules><member><RuleArn>r</RuleArn><Actions>" FORWARD(
				   "blue") "</Actions></member></Rules>"));
	if (elbv2_modify_rule(&f->client, "r", &actions, f->arena, &echo, &err))
		fail_msg("%s", err.text);
	expect_form(f, 1, "ModifyRule",
		    "RuleArn=r&Actions.member.1.Type=forward&Actions.member.1.Order=1"
		    "&Actions.member.1.ForwardConfig.TargetGroups.member.1.TargetGroupArn=blue"
		    "&Actions.member.1.ForwardConfig.TargetGroups.member.1.Weight=90"
		    "&Actions.member.1.ForwardConfig.TargetGroups.member.2.TargetGroupArn=green"
		    "&Actions.member.1.ForwardConfig.TargetGroups.member.2.Weight=10");
	assert_int_equal(echo.n, 1);
	assert_string_equal(echo.actions[0].groups[0].arn, "blue");
	assert_true(fake_done(f));

	fake_again(f);
	fake_answer(
		f, 200, NULL,
		answer(f, "ModifyListener",
		       "<Listeners><member><ListenerArn>l</ListenerArn><DefaultActions>" FORWARD(
			       "green") "</DefaultActions></member></Listeners>"));
	assert_int_equal(elbv2_modify_listener(&f->client, "l", &actions, f->arena, &echo, &err),
			 0);
	assert_string_equal(echo.actions[0].groups[0].arn, "green");
	assert_non_null(strstr(fake_sent(f, 0)->body.p, "&DefaultActions.member.1.Type=forward"));
	api_check(f, 0, "elbv2", "ModifyListener");

	fake_again(f);
	fake_answer(f, 200, NULL, answer(f, "ModifyRule", ""));
	assert_int_equal(elbv2_modify_rule(&f->client, "r", &actions, f->arena, NULL, &err), 0);

	/* accepted, but the answer says nothing readable */
	fake_answer(f, 200, NULL, "<Other/>");
	assert_int_equal(elbv2_modify_rule(&f->client, "r", &actions, f->arena, NULL, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_true(err.sent);
	fake_answer(f, 200, NULL,
		    answer(f, "ModifyRule",
			   "<Rules><member><Actions><member/></Actions></member></Rules>"));
	err = ERR_INIT;
	assert_int_equal(elbv2_modify_rule(&f->client, "r", &actions, f->arena, &echo, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_true(err.sent);
}

static void test_modify_refusals(void **state)
{
	struct fake *f = *state;
	struct elbv2_action action = {.type = "forward"};
	struct elbv2_actions none = {NULL, 0}, bad = {&action, 1};
	struct err err = ERR_INIT;

	assert_int_equal(elbv2_modify_rule(&f->client, "r", &none, f->arena, NULL, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_int_equal(elbv2_modify_rule(&f->client, "", &bad, f->arena, NULL, &err), -1);
	assert_int_equal(elbv2_modify_listener(&f->client, "l", &bad, f->arena, NULL, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_non_null(strstr(err.text, "ModifyListener of l"));
	assert_int_equal(f->n_requests, 0);

	/* too long to be sent */
	char *arn = arena_alloc(f->arena, (300u << 10) + 1);
	struct elbv2_group group = {arn, 1, true};

	memset(arn, 'x', 300u << 10);
	action = (struct elbv2_action){.type = "forward", .groups = &group, .n_groups = 1};
	assert_int_equal(elbv2_modify_rule(&f->client, "r", &bad, f->arena, NULL, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(f->n_requests, 0);
}

/* --- target groups --------------------------------------------------------------------------- */

static void test_target_groups(void **state)
{
	struct fake *f = *state;
	const char *arns[25], *first, *second;
	struct elbv2_target_group *groups;
	struct err err = ERR_INIT;
	struct buf b;

	for (size_t i = 0; i < 25; i++)
		arns[i] = arena_printf(f->arena, "t%zu", i);
	buf_init(&b, 65536);
	for (size_t i = 20; i-- > 0;) /* in another order than asked for */
		buf_addf(&b, "<member><TargetGroupArn>t%zu</TargetGroupArn></member>", i);
	first = arena_printf(f->arena, "<TargetGroups>%s</TargetGroups>", b.p);
	buf_clear(&b);
	for (size_t i = 20; i < 25; i++)
		buf_addf(&b,
			 "<member><TargetGroupArn>t%zu</TargetGroupArn><TargetGroupName>n"
			 "</TargetGroupName><Protocol>HTTP</Protocol><Port>80</Port>"
			 "<TargetType>ip</TargetType><VpcId>vpc</VpcId>"
			 "<HealthCheckEnabled>false</HealthCheckEnabled>"
			 "<HealthCheckIntervalSeconds>30</HealthCheckIntervalSeconds>"
			 "<HealthyThresholdCount>5</HealthyThresholdCount><LoadBalancerArns>"
			 "<member>lb1</member><member>lb2</member></LoadBalancerArns></member>",
			 i);
	second = arena_printf(f->arena, "<TargetGroups>%s</TargetGroups>", b.p);
	buf_release(&b);
	fake_answer(f, 200, NULL, answer(f, "DescribeTargetGroups", first));
	fake_answer(f, 200, NULL, answer(f, "DescribeTargetGroups", second));
	if (elbv2_describe_target_groups(&f->client, arns, 25, f->arena, &groups, &err))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < 25; i++)
		assert_string_equal(groups[i].arn, arns[i]);
	expect_form(f, 1, "DescribeTargetGroups",
		    "TargetGroupArns.member.1=t20&TargetGroupArns.member.2=t21"
		    "&TargetGroupArns.member.3=t22&TargetGroupArns.member.4=t23"
		    "&TargetGroupArns.member.5=t24");
	assert_true(groups[0].health_check_enabled);
	assert_int_equal(groups[0].n_load_balancer_arns, 0);
	assert_string_equal(groups[24].name, "n");
	assert_string_equal(groups[24].protocol, "HTTP");
	assert_string_equal(groups[24].target_type, "ip");
	assert_string_equal(groups[24].vpc_id, "vpc");
	assert_int_equal(groups[24].port, 80);
	assert_false(groups[24].health_check_enabled);
	assert_int_equal(groups[24].health_check_interval_s, 30);
	assert_int_equal(groups[24].healthy_threshold, 5);
	assert_int_equal(groups[24].n_load_balancer_arns, 2);
	assert_string_equal(groups[24].load_balancer_arns[1], "lb2");
	assert_true(fake_done(f));

	fake_again(f);
	fake_answer(f, 200, NULL,
		    answer(f, "DescribeTargetGroups",
			   "<TargetGroups><member><TargetGroupArn>t1</TargetGroupArn></member>"
			   "</TargetGroups>"));
	assert_int_equal(elbv2_describe_target_groups(&f->client, arns, 2, f->arena, &groups, &err),
			 -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "t0"));

	assert_int_equal(elbv2_describe_target_groups(&f->client, NULL, 0, f->arena, &groups, &err),
			 0);
	fake_answer(f, 200, NULL,
		    answer(f, "DescribeTargetGroups", "<TargetGroups><member/></TargetGroups>"));
	assert_int_equal(elbv2_describe_target_groups(&f->client, arns, 1, f->arena, &groups, &err),
			 -1);
	assert_int_equal(err.code, ERR_MALFORMED);
}

static void test_target_health(void **state)
{
	static const char *const words[] = {
		[ELBV2_INITIAL] = "initial",
		[ELBV2_HEALTHY] = "healthy",
		[ELBV2_UNHEALTHY] = "unhealthy",
		[ELBV2_UNHEALTHY_DRAINING] = "unhealthy.draining",
		[ELBV2_UNUSED] = "unused",
		[ELBV2_DRAINING] = "draining",
		[ELBV2_UNAVAILABLE] = "unavailable",
		[ELBV2_HEALTH_OTHER] = "sleepy",
	};
	struct fake *f = *state;
	struct elbv2_target_health *health;
	size_t n;
	struct err err = ERR_INIT;
	struct buf b;

	buf_init(&b, 65536);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		buf_addf(&b,
			 "<member><Target><Id>i-%zu</Id><Port>80</Port></Target><TargetHealth>"
			 "<State>%s</State><Reason>Target.Timeout</Reason>"
			 "<Description>d</Description></TargetHealth></member>",
			 i, words[i]);
	buf_adds(&b, "<member><Target><Id>i-9</Id></Target></member>");
	fake_answer(f, 200, NULL,
		    answer(f, "DescribeTargetHealth",
			   arena_printf(f->arena,
					"<TargetHealthDescriptions>%s</TargetHealthDescriptions>",
					b.p)));
	buf_release(&b);
	if (elbv2_describe_target_health(&f->client, "t", f->arena, &health, &n, &err))
		fail_msg("%s", err.text);
	expect_form(f, 0, "DescribeTargetHealth", "TargetGroupArn=t");
	assert_int_equal(n, 9);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(health[i].state, i);
	assert_string_equal(health[0].id, "i-0");
	assert_int_equal(health[0].port, 80);
	assert_string_equal(health[0].reason, "Target.Timeout");
	assert_string_equal(health[0].description, "d");
	assert_int_equal(health[8].state, ELBV2_HEALTH_OTHER);
	assert_int_equal(health[8].port, 0);
	assert_string_equal(elbv2_health_name(ELBV2_UNHEALTHY_DRAINING), "unhealthy.draining");
	assert_string_equal(elbv2_health_name(ELBV2_HEALTH_OTHER), "unknown");

	fake_answer(f, 200, NULL, answer(f, "DescribeTargetHealth", "<TargetHealthDescriptions/>"));
	assert_int_equal(elbv2_describe_target_health(&f->client, "t", f->arena, &health, &n, &err),
			 0);
	assert_int_equal(n, 0);
	fake_answer(f, 200, NULL,
		    answer(f, "DescribeTargetHealth",
			   "<TargetHealthDescriptions><member/></TargetHealthDescriptions>"));
	assert_int_equal(elbv2_describe_target_health(&f->client, "t", f->arena, &health, &n, &err),
			 -1);
	assert_int_equal(err.code, ERR_MALFORMED);
}

static void test_attributes(void **state)
{
	struct fake *f = *state;
	struct elbv2_attribute *attributes;
	size_t n;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL,
		    answer(f, "DescribeTargetGroupAttributes",
			   "<Attributes><member><Key>stickiness.enabled</Key><Value>true</Value>"
			   "</member><member><Key>empty</Key></member></Attributes>"));
	if (elbv2_describe_target_group_attributes(&f->client, "t", f->arena, &attributes, &n,
						   &err))
		fail_msg("%s", err.text);
	expect_form(f, 0, "DescribeTargetGroupAttributes", "TargetGroupArn=t");
	assert_string_equal(elbv2_attribute_get(attributes, n, "stickiness.enabled"), "true");
	assert_string_equal(elbv2_attribute_get(attributes, n, "empty"), "");
	assert_null(elbv2_attribute_get(attributes, n, "other"));
	fake_answer(f, 200, NULL,
		    answer(f, "DescribeTargetGroupAttributes",
			   "<Attributes><member><Value>x</Value></member></Attributes>"));
	assert_int_equal(elbv2_describe_target_group_attributes(&f->client, "t", f->arena,
								&attributes, &n, &err),
			 -1);
	assert_int_equal(err.code, ERR_MALFORMED);
}

static void test_load_balancer(void **state)
{
	struct fake *f = *state;
	struct elbv2_load_balancer lb;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL,
		    answer(f, "DescribeLoadBalancers",
			   "<LoadBalancers><member><LoadBalancerArn>lb</LoadBalancerArn>"
			   "<LoadBalancerName>web</LoadBalancerName><DNSName>d</DNSName>"
			   "<Type>application</Type><State><Code>active</Code></State></member>"
			   "</LoadBalancers>"));
	if (elbv2_describe_load_balancer(&f->client, "lb", f->arena, &lb, &err))
		fail_msg("%s", err.text);
	expect_form(f, 0, "DescribeLoadBalancers", "LoadBalancerArns.member.1=lb");
	assert_string_equal(lb.name, "web");
	assert_string_equal(lb.dns_name, "d");
	assert_string_equal(lb.type, "application");
	assert_string_equal(lb.state, "active");
	fake_answer(f, 200, NULL,
		    answer(f, "DescribeLoadBalancers", "<LoadBalancers><member/></LoadBalancers>"));
	assert_int_equal(elbv2_describe_load_balancer(&f->client, "lb", f->arena, &lb, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
}

static void test_endless_pages(void **state)
{
	struct fake *f = *state;
	struct elbv2_rule *rules;
	size_t n;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL,
		    answer(f, "DescribeRules", "<Rules/><NextMarker>again</NextMarker>"));
	f->repeat_last = true;
	assert_int_equal(elbv2_describe_rules(&f->client, "l", f->arena, &rules, &n, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static void test_dimensions(void **state)
{
	static const char *const bad[] = {NULL,
					  "",
					  "x",
					  "arn:aws:elasticloadbalancing:r:1:other/x",
					  "arn:loadbalancer/",
					  "arn:targetgroup/",
					  "loadbalancer/app/x/y"};

	(void)state;
	assert_true(str_is(elbv2_load_balancer_dimension(LB), "app/web/50dc6c495c0c9188"));
	assert_true(str_is(elbv2_target_group_dimension(TG("blue")),
			   "targetgroup/blue/73e2d6bc24d8a067"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(elbv2_load_balancer_dimension(bad[i]).n, 0);
		assert_int_equal(elbv2_target_group_dimension(bad[i]).n, 0);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_weighted_forward),
		TEST(test_plain_forward),
		TEST(test_forward_keeps_what_it_does_not_know),
		TEST(test_other_actions_verbatim),
		TEST(test_made_up_forward),
		TEST(test_actions_that_are_not_written),
		TEST(test_keys_of_any_length),
		TEST(test_hostile_actions),
		TEST(test_listeners),
		TEST(test_rules),
		TEST(test_one_thing_or_an_error),
		TEST(test_errors),
		TEST(test_modify),
		TEST(test_modify_refusals),
		TEST(test_target_groups),
		TEST(test_target_health),
		TEST(test_attributes),
		TEST(test_load_balancer),
		TEST(test_endless_pages),
		TEST(test_dimensions),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
