#include "aws/ec2.h"
#include "aws/ssm.h"
#include "tests/unit/target/asg_world.h"

/* What comes onto the instances: files of the artifact, versions, and commands. */

/* --- the file -------------------------------------------------------------------------------- */

static void use(struct world *w, enum asg_install install, const char *path)
{
	w->plan.target.auto_scaling.install = install;
	w->plan.target.auto_scaling.install_path = path;
}

static void expect_good(struct world *w)
{
	problems_init(&w->problems, w->f->arena);
	w->err = ERR_INIT;
	if (target_auto_scaling.check_artifact(&w->env, &w->problems, &w->err) || w->problems.first)
		fail_msg("%s%s", w->err.text, world_problems(w));
}

static void expect_bad(struct world *w, const char *words)
{
	problems_init(&w->problems, w->f->arena);
	w->err = ERR_INIT;
	if (target_auto_scaling.check_artifact(&w->env, &w->problems, &w->err))
		fail_msg("%s", w->err.text);
	expect_said(w, words);
	expect_said(w, "target.auto_scaling.install: ");
	assert_int_equal(w->problems.n_errors, 1);
}

static void an_image_is_named_by_a_file(void **state)
{
	static const struct {
		const char *text, *words; /* NULL: good */
	} cases[] = {
		{"{\"ImageId\":\"ami-0123456789abcdef0\"}", NULL},
		{"{\"ImageURI\":\"ami-01234567\"}", NULL},
		{"{\"ImageURI\":\"1.dkr.ecr.eu-central-1.amazonaws.com/x:1\"}",
		 "it names no machine"},
		{"{\"ImageId\":\"ami-0123456789ABCDEF0\"}", "it names no machine image"},
		{"{\"ImageId\":\"ami-0123\"}", "it names no machine image"},
		{"{\"ImageId\":[]}", "it names no machine image"},
		{"[]", "it names no machine image"},
		{"ami-0123456789abcdef0", "it is no JSON"},
		{"", "it is empty"},
		{" \n", "it is empty"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_text(w, "image.json", cases[i].text);
		if (cases[i].words)
			expect_bad(w, cases[i].words);
		else
			expect_good(w);
	}
	put_file(w, "image.json", (struct str){"a\0b", 3});
	expect_bad(w, "it is no text");
	put_text(w, "image.json", fake_repeat(w->f->arena, " ", 65537));
	expect_bad(w, "it has 65537 bytes, at most 65536 fit");
	use(w, ASG_INSTALL_IMAGE, "other.json");
	expect_bad(w, "\"other.json\": there is no such file in the input artifact");
	use(w, ASG_INSTALL_IMAGE, "../image.json");
	expect_bad(w, "there is no such file in the input artifact");
	assert_int_equal(mkdirat(w->artifact.dir_fd, "dir", 0700), 0);
	use(w, ASG_INSTALL_IMAGE, "dir");
	expect_bad(w, "it is no file");

	w->env.artifact = NULL;
	assert_int_equal(target_auto_scaling.check_artifact(&w->env, &w->problems, &w->err), -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
}

static void user_data_and_scripts_have_their_limits(void **state)
{
	struct world *w = *state;

	put_text(w, "ud", fake_repeat(w->f->arena, "x", EC2_USER_DATA_MAX));
	use(w, ASG_INSTALL_USER_DATA, "ud");
	expect_good(w);
	put_text(w, "ud", fake_repeat(w->f->arena, "x", EC2_USER_DATA_MAX + 1));
	expect_bad(w, "at most 16384 fit");
	use(w, ASG_INSTALL_COMMAND, "ud");
	expect_good(w);
	put_text(w, "ud", fake_repeat(w->f->arena, "x", SSM_SCRIPT_MAX + 1));
	expect_bad(w, "at most 49152 fit");
	/* within them until it is filled in */
	use(w, ASG_INSTALL_USER_DATA, "ud");
	put_text(w, "ud",
		 arena_printf(w->f->arena, "%s{{revision.key}}",
			      fake_repeat(w->f->arena, "x", EC2_USER_DATA_MAX - 16)));
	expect_bad(w, "filled in it has more than 16384 bytes");
	put_text(w, "ud", "{{revision.key}}");
	w->artifact.key = "a b";
	expect_bad(w, "\"a b\" has characters that a shell would read");
	w->artifact.key = "$(reboot)";
	expect_bad(w, "has characters that a shell would read");
	put_text(w, "ud", "{{revision.bucket}}");
	expect_good(w);
	/* offline nothing is known of where the artifact will be */
	w->artifact.bucket = "";
	w->artifact.key = w->artifact.sha256 = w->artifact.version_id = NULL;
	put_text(w, "ud",
		 "{{revision.url}} {{revision.key}} {{revision.sha256}}{{revision.version}}");
	expect_good(w);
}

/* --- versions -------------------------------------------------------------------------------- */

static void version_is_made(struct world *w)
{
	forget_routes(w);
	route(w, "POST", "Action=CreateLaunchTemplateVersion", 200,
	      "<R><launchTemplateVersion><versionNumber>8</versionNumber></launchTemplateVersion></"
	      "R>");
}

static int make_version(struct world *w, int64_t *version)
{
	struct as_record r = a_record();

	w->err = ERR_INIT;
	return as_install_version(&w->env, &w->state, &r, version, &w->err);
}

/* The UserData parameter of the last version made, as text. */
static const char *user_data(struct world *w)
{
	const char *at = strstr(last_body(w, "POST", "CreateLaunchTemplateVersion"), "UserData=");
	char *text = arena_alloc(w->f->arena, EC2_USER_DATA_MAX + 1);
	char *plain = arena_strdup(w->f->arena, at + 9), *to = plain;
	size_t n = 0;

	for (const char *p = plain; *p; p++) { /* only '=', '+' and '/' are encoded */
		if (*p == '%') {
			*to++ = p[2] == 'D' ? '=' : p[2] == 'B' ? '+' : '/';
			p += 2;
		} else {
			*to++ = *p;
		}
	}
	*to = '\0';
	assert_true(base64_decode(str_from(plain), (uint8_t *)text, EC2_USER_DATA_MAX, &n));
	return text;
}

static void user_data_says_where_the_revision_is(void **state)
{
	struct world *w = *state;
	int64_t version = 0;

	use(w, ASG_INSTALL_USER_DATA, "ud");
	put_text(
		w, "ud",
		"cp {{revision.url}} . # {{revision.bucket}} {{revision.key}} {{revision.version}} "
		"{{revision.sha256}} {{theirs}} {{ open {{");
	version_is_made(w);
	if (make_version(w, &version))
		fail_msg("%s", w->err.text);
	assert_int_equal(version, 8);
	assert_string_equal(user_data(w), "cp s3://artifacts/shop/Source/AbC123 . # artifacts "
					  "shop/Source/AbC123 v1 00ff {{theirs}} {{ open {{");
	w->artifact.version_id = NULL;
	put_text(w, "ud", "[{{revision.version}}]");
	assert_int_equal(make_version(w, &version), 0);
	assert_string_equal(user_data(w), "[]");

	put_text(w, "ud", "");
	assert_int_equal(make_version(w, &version), -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
	assert_non_null(strstr(w->err.text, "target.auto_scaling.install: ud: it is empty"));
	w->artifact.bucket = NULL;
	assert_int_equal(make_version(w, &version), -1);
	assert_int_equal(w->err.code, ERR_NOT_FOUND);
}

static void a_command_needs_no_new_version(void **state)
{
	struct world *w = *state;
	int64_t version = 0;

	use(w, ASG_INSTALL_COMMAND, "install.sh");
	assert_int_equal(make_version(w, &version), 0);
	assert_int_equal(version, 7);
	assert_int_equal(w->f->n_requests, 0);
	use(w, ASG_INSTALL_IMAGE, "image.json");
	forget_routes(w);
	route(w, "POST", "Action=CreateLaunchTemplateVersion", 400,
	      "<Response><Errors><Error><Code>InvalidAMIID.NotFound</Code></Error></Errors></"
	      "Response>");
	assert_int_equal(make_version(w, &version), -1);
}

/* --- commands -------------------------------------------------------------------------------- */

#define INVOCATION(instance, comment, status, at)                                                 \
	"{\"CommandId\":\"c-1\",\"InstanceId\":\"" instance "\",\"Comment\":\"" comment           \
	"\",\"Status\":\"" status "\",\"StatusDetails\":\"" status "\",\"RequestedDateTime\":" at \
	"}"
#define OUR "rollout-worker r-1"

static void invocations_are(struct world *w, const char *list)
{
	route(w, "POST", "\"InvokedAfter\"", 200,
	      arena_printf(w->f->arena, "{\"CommandInvocations\":[%s]}", list));
}

static void online_are(struct world *w, const char *list)
{
	struct str rest = str_from(list), id;
	const char *items = "";

	while (str_next(&rest, ' ', &id))
		items = arena_printf(w->f->arena,
				     "%s%s{\"InstanceId\":\"" STR_FMT
				     "\",\"PingStatus\":\"Online\"}",
				     items, *items ? "," : "", STR_ARG(id));
	route(w, "POST", "\"Key\":\"InstanceIds\"", 200,
	      arena_printf(w->f->arena, "{\"InstanceInformationList\":[%s]}", items));
}

static void sending_works(struct world *w)
{
	route(w, "POST", "AWS-RunShellScript", 200,
	      "{\"Command\":{\"CommandId\":\"c-9\",\"TargetCount\":1}}");
}

static int a_command_world(void **state)
{
	struct world *w;

	asg_world_set_up(state);
	w = *state;
	use(w, ASG_INSTALL_COMMAND, "install.sh");
	put_text(w, "install.sh", "#!/bin/sh\naws s3 cp {{revision.url}} .\n");
	candidate_is(w, 7, 0, 0);
	return 0;
}

static struct a_group two(void)
{
	struct a_group c = copy(2, "InService InService");

	c.version = "7";
	return c;
}

static struct target_observation look(struct world *w, enum phase phase, const struct a_group *c,
				      const char *invocations)
{
	struct a_group live = blue();
	struct target_observation o;

	forget_routes(w);
	no_parts(w);
	all_works(w);
	groups_are(w, &live, c);
	rule_is(w, "blue=100 green=0");
	health_is(w, GROUP_URI("blue"), "healthy");
	health_is(w, GROUP_URI("green"), "healthy healthy");
	invocations_are(w, invocations);
	sending_works(w);
	w->state.phase = phase;
	w->err = ERR_INIT;
	if (target_auto_scaling.observe(&w->env, &w->state, &o, &w->err))
		fail_msg("%s", w->err.text);
	return o;
}

/* Healthy is not enough: what runs there would be the old version. */
static void an_instance_counts_when_its_command_succeeded(void **state)
{
	struct world *w = *state;
	struct a_group c = two();
	struct target_observation o;

	o = look(w, PHASE_VERIFY, &c, "");
	assert_int_equal(o.candidate, CANDIDATE_PENDING);
	assert_non_null(strstr(o.detail, "0 of 2 ready: i-0 has not got its command yet"));
	o = look(w, PHASE_VERIFY, &c, INVOCATION("i-0", OUR, "InProgress", "10"));
	assert_non_null(strstr(o.detail, "i-0 is running its command"));
	o = look(w, PHASE_VERIFY, &c,
		 INVOCATION("i-0", OUR, "Success", "10") "," INVOCATION(
			 "i-1", "rollout-worker r-2", "Success",
			 "10") "," INVOCATION("i-1", "somebody's", "Success", "10"));
	assert_non_null(strstr(o.detail, "1 of 2 ready: i-1 has not got its command yet"));
	o = look(w, PHASE_VERIFY, &c,
		 INVOCATION("i-0", OUR, "Success", "10") "," INVOCATION("i-1", OUR, "Success",
									"11"));
	assert_int_equal(o.candidate, CANDIDATE_READY);
	/* one that failed ends it, whatever the others say; the newest counts */
	o = look(
		w, PHASE_VERIFY, &c,
		INVOCATION("i-0", OUR, "Success", "10") "," INVOCATION("i-1", OUR, "Failed", "11"));
	assert_int_equal(o.candidate, CANDIDATE_FAILED);
	assert_non_null(strstr(o.detail, "command c-1 failed on i-1: Failed"));
	o = look(w, PHASE_VERIFY, &c,
		 INVOCATION("i-0", OUR, "Success", "10") "," INVOCATION(
			 "i-1", OUR, "Success", "12") "," INVOCATION("i-1", OUR, "TimedOut", "11"));
	assert_int_equal(o.candidate, CANDIDATE_READY);
	/* of an instance that is not in the group any more */
	o = look(w, PHASE_VERIFY, &c,
		 INVOCATION("i-0", OUR, "Success", "10") "," INVOCATION(
			 "i-1", OUR, "Success", "12") "," INVOCATION("i-7", OUR, "Failed", "11"));
	assert_int_equal(o.candidate, CANDIDATE_READY);
	/* none in the group: nothing is asked, and nothing is ready */
	c.instances = NULL;
	o = look(w, PHASE_VERIFY, &c, "");
	assert_int_equal(o.candidate, CANDIDATE_PENDING);
	assert_int_equal(sent(w, "POST", "InvokedAfter"), 0);
}

static int prepare(struct world *w)
{
	w->state.phase = PHASE_PREPARE;
	w->err = ERR_INIT;
	return target_auto_scaling.prepare(&w->env, &w->state, w->state.candidate, &w->err);
}

static void a_script_is_sent_to_every_instance_once(void **state)
{
	struct world *w = *state;
	struct a_group c = two();
	struct as_candidate noted;

	look(w, PHASE_PREPARE, &c, "");
	online_are(w, "i-1");
	forget_requests(w);
	if (prepare(w))
		fail_msg("%s", w->err.text);
	assert_string_equal(last_body(w, "POST", "AWS-RunShellScript"),
			    "{\"DocumentName\":\"AWS-RunShellScript\",\"InstanceIds\":[\"i-1\"],"
			    "\"Comment\":\"" OUR "\",\"TimeoutSeconds\":600,\"MaxConcurrency\":"
			    "\"100%\",\"MaxErrors\":\"0\",\"Parameters\":{\"commands\":[\"#!/bin/sh"
			    "\\naws s3 cp s3://artifacts/shop/Source/AbC123 .\\n\"],"
			    "\"executionTimeout\":[\"600\"]}}");
	assert_int_equal(as_candidate_load(w->f->arena, w->state.candidate, &noted, &w->err), 0);
	assert_int_equal(noted.sent.ms, w->f->now.ms);
	/* not listed yet: that it was sent is known for a while */
	w->f->now.ms += 29000;
	forget_requests(w);
	assert_int_equal(prepare(w), 0);
	assert_int_equal(sent(w, "POST", "AWS-RunShellScript"), 0);
	/* listed: the other one is still to come */
	w->f->now.ms += 1000;
	look(w, PHASE_PREPARE, &c, INVOCATION("i-1", OUR, "InProgress", "10"));
	online_are(w, "i-0 i-1");
	forget_requests(w);
	assert_int_equal(prepare(w), 0);
	assert_int_equal(sent(w, "POST", "\"InstanceIds\":[\"i-0\"]"), 1);
	/* what is not in service gets none, nor what has one */
	w->f->now.ms += 60000;
	c.instances = "Pending InService";
	look(w, PHASE_PREPARE, &c, INVOCATION("i-1", OUR, "Success", "10"));
	forget_requests(w);
	assert_int_equal(prepare(w), 0);
	assert_int_equal(sent(w, "POST", "AWS-RunShellScript"), 0);
	assert_int_equal(sent(w, "POST", "\"Key\":\"InstanceIds\""), 0);
}

static void every_step_of_a_command_can_fail(void **state)
{
	static const char *const words[] = {"\"InvokedAfter\"", "\"Key\":\"InstanceIds\"",
					    "AWS-RunShellScript"};
	struct world *w = *state;
	struct a_group c = two();

	for (size_t i = 0; i < 3; i++) {
		look(w, PHASE_PREPARE, &c, "");
		online_are(w, "i-0 i-1");
		once(w, "POST", words[i], 400,
		     "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}");
		assert_int_equal(prepare(w), -1);
		assert_int_equal(w->err.code, ERR_DENIED);
	}
	/* no target is a failure */
	look(w, PHASE_PREPARE, &c, "");
	online_are(w, "i-0 i-1");
	once(w, "POST", "AWS-RunShellScript", 200,
	     "{\"Command\":{\"CommandId\":\"c-9\",\"TargetCount\":0}}");
	assert_int_equal(prepare(w), -1);
	assert_non_null(strstr(w->err.text, "no target"));
	put_text(w, "install.sh", "");
	assert_int_equal(prepare(w), -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
	once(w, "POST", "\"InvokedAfter\"", 400,
	     "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}");
	struct target_observation o;

	w->state.phase = PHASE_VERIFY;
	assert_int_equal(target_auto_scaling.observe(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(o.live, LIVE_UNREADABLE);
}

/* Whatever fails after it was sent, or may have been: it is not sent again before it is seen. */
static void what_was_sent_is_known_after_a_failure(void **state)
{
	struct world *w = *state;
	struct a_group c = two();
	struct as_candidate noted;
	struct route *r;

	look(w, PHASE_PREPARE, &c, "");
	online_are(w, "i-0 i-1");
	refuses(w, "DescribeTargetHealth", 403, "AccessDenied");
	forget_requests(w);
	assert_int_equal(prepare(w), -1);
	assert_int_equal(w->err.code, ERR_DENIED);
	assert_int_equal(sent(w, "POST", "AWS-RunShellScript"), 1);
	assert_int_equal(as_candidate_load(w->f->arena, w->state.candidate, &noted, &w->err), 0);
	assert_int_equal(noted.sent.ms, w->f->now.ms);
	/* the answer to sending it was lost */
	w->f->now.ms += 40000;
	r = once(w, "POST", "AWS-RunShellScript", 0, "");
	r->fail = ERR_TIMEOUT;
	r->sent = true;
	assert_int_equal(prepare(w), -1);
	assert_int_equal(w->err.code, ERR_TIMEOUT);
	assert_int_equal(as_candidate_load(w->f->arena, w->state.candidate, &noted, &w->err), 0);
	assert_int_equal(noted.sent.ms, w->f->now.ms);
	/* it was refused */
	w->f->now.ms += 40000;
	once(w, "POST", "AWS-RunShellScript", 400,
	     "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}");
	assert_int_equal(prepare(w), -1);
	assert_int_equal(as_candidate_load(w->f->arena, w->state.candidate, &noted, &w->err), 0);
	assert_int_equal(noted.sent.ms, w->f->now.ms - 40000);
}

/* Instances that come for a later step are of the right version, too. */
static void instances_of_later_steps_get_it_as_well(void **state)
{
	struct world *w = *state;
	struct a_group c = two();
	struct target_observation o;

	w->state.step = 0;
	o = look(w, PHASE_SHIFT, &c, INVOCATION("i-0", OUR, "Success", "10"));
	assert_int_equal(o.candidate, CANDIDATE_READY); /* split() has something to do */
	online_are(w, "i-0 i-1");
	forget_requests(w);
	assert_int_equal(target_auto_scaling.split(&w->env, &w->state, &o, SHARE(500), &w->err), 0);
	assert_int_equal(sent(w, "POST", "\"InstanceIds\":[\"i-1\"]"), 1);
	assert_int_equal(sent(w, "POST", "Action=Modify"), 0);
	/* sent a moment ago: not listed yet */
	w->state.changed_at.ms = w->f->now.ms - 29000;
	o = look(w, PHASE_SHIFT, &c, INVOCATION("i-0", OUR, "Success", "10"));
	assert_int_equal(o.candidate, CANDIDATE_PENDING);
	w->state.changed_at.ms = w->f->now.ms - 30000;
	o = look(w, PHASE_SHIFT, &c, INVOCATION("i-0", OUR, "Success", "10"));
	assert_int_equal(o.candidate, CANDIDATE_READY);
	w->f->now.ms += 60000;
	o = look(
		w, PHASE_SHIFT, &c,
		INVOCATION("i-0", OUR, "Success", "10") "," INVOCATION("i-1", OUR, "Failed", "10"));
	assert_int_equal(o.candidate, CANDIDATE_FAILED);
	assert_int_equal(target_auto_scaling.split(&w->env, &w->state, &o, SHARE(500), &w->err), 0);
	assert_int_equal(sent(w, "POST", "Action=Modify"), 0);
}

/* A call takes fifty. */
static void many_instances_are_sent_to_in_portions(void **state)
{
	struct world *w = *state;
	struct asg_instance instances[120];
	struct asg_group g = {.name = COPY, .instances = instances, .n_instances = 120};
	const char *ids = "";
	size_t n = 0;

	for (size_t i = 0; i < 120; i++) {
		instances[i] = (struct asg_instance){.id = arena_printf(w->f->arena, "i-%zu", i),
						     .in_service = true};
		if (i < 50 || i > 99) /* none of the second portion can be reached */
			ids = arena_printf(w->f->arena, "%s%s%s", ids, *ids ? " " : "",
					   instances[i].id);
	}
	forget_routes(w);
	invocations_are(w, "");
	online_are(w, ids);
	sending_works(w);
	assert_int_equal(as_command_send(&w->env, &w->state, &g, &n, &w->err), 0);
	assert_int_equal(n, 70);
	assert_int_equal(sent(w, "POST", "AWS-RunShellScript"), 2);
	assert_int_equal(sent(w, "POST", "\"Key\":\"InstanceIds\""), 3);
}

#define C(name) cmocka_unit_test_setup_teardown(name, a_command_world, asg_world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_image_is_named_by_a_file),
		T(user_data_and_scripts_have_their_limits),
		T(user_data_says_where_the_revision_is),
		T(a_command_needs_no_new_version),
		C(an_instance_counts_when_its_command_succeeded),
		C(a_script_is_sent_to_every_instance_once),
		C(every_step_of_a_command_can_fail),
		C(what_was_sent_is_known_after_a_failure),
		C(instances_of_later_steps_get_it_as_well),
		C(many_instances_are_sent_to_in_portions),
	};

	return cmocka_run_group_tests_name("auto_scaling_install", tests, NULL, NULL);
}
