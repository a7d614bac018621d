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
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
