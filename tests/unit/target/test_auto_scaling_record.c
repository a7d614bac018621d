#include "tests/unit/target/asg_world.h"

/* What is remembered of two groups, and what of it is refused. */

static void a_record_comes_back_as_it_was(void **state)
{
	struct world *w = *state;
	struct as_record r = a_record(), back;
	char undo[LIMIT_UNDO + 1];

	r.base = "shop";
	r.suspended = 5;
	assert_int_equal(as_record_store(&r, undo, &w->err), 0);
	if (as_record_load(w->f->arena, undo, &back, &w->err))
		fail_msg("%s", w->err.text);
	assert_string_equal(back.lb.resource, RULE);
	assert_string_equal(back.lb.baseline, GROUP("blue"));
	assert_string_equal(back.lb.candidate, GROUP("green"));
	assert_string_equal(back.live, "blue");
	assert_string_equal(back.base, "shop");
	assert_memory_equal(&back.size, &r.size, sizeof(r.size));
	assert_int_equal(back.suspended, 5);
	assert_string_equal(back.template_id, TEMPLATE_ID);
	assert_int_equal(back.template_version, 7);
	assert_null(back.twin);

	r.base = r.live;
	r.twin = "green";
	r.twin_size = (struct as_size){0, 3, 0};
	r.twin_suspended = 2;
	r.twin_health_check = "EC2,ELB";
	assert_int_equal(as_record_store(&r, undo, &w->err), 0);
	assert_int_equal(as_record_load(w->f->arena, undo, &back, &w->err), 0);
	assert_string_equal(back.base, "blue");
	assert_string_equal(back.twin, "green");
	assert_memory_equal(&back.twin_size, &r.twin_size, sizeof(r.twin_size));
	assert_int_equal(back.twin_suspended, 2);
	assert_string_equal(back.twin_health_check, "EC2,ELB");
}

/* One member at a time is taken away, or is not what it must be. */
static void what_is_no_record_is_refused(void **state)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{"\"auto_scaling\"", "\"lambda\""},
		{"\"lb\"", "\"xx\""},
		{"\"g\":\"blue\"", "\"g\":\"\""},
		{"\"n\":[2,8,4]", "\"n\":[2,8]"},
		{"\"n\":[2,8,4]", "\"n\":[2,8,-1]"},
		{"\"n\":[2,8,4]", "\"n\":[2,8,4000000]"},
		{"\"n\":[2,8,4]", "\"n\":[2,8,\"4\"]"},
		{"\"n\":[2,8,4]", "\"n\":{}"},
		{"\"p\":0", "\"p\":8"},
		{"\"p\":0", "\"p\":-1"},
		{"\"p\":0", "\"q\":0"},
		{"\"v\":7", "\"v\":0"},
		{"\"v\":7", "\"v\":\"7\""},
		{"\"l\":\"" TEMPLATE_ID "\"", "\"l\":\"\""},
		{"\"w\":\"green\"", "\"w\":\"\""},
		{"\"wn\":[0,3,0]", "\"wn\":[]"},
		{"\"wp\":0", "\"wp\":9"},
		{"\"wh\":\"EC2\"", "\"wh\":\"\""},
		{"{\"t\"", "{"},
	};
	struct world *w = *state;
	struct as_record r = a_record(), back;
	char undo[LIMIT_UNDO + 1];

	r.twin = "green";
	r.twin_size = (struct as_size){0, 3, 0};
	r.twin_health_check = "EC2";
	assert_int_equal(as_record_store(&r, undo, &w->err), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *at = strstr(undo, cases[i].from);
		const char *bad;

		assert_non_null(at);
		bad = arena_printf(w->f->arena, "%.*s%s%s", (int)(at - undo), undo, cases[i].to,
				   at + strlen(cases[i].from));
		w->err = ERR_INIT;
		if (as_record_load(w->f->arena, bad, &back, &w->err) == 0)
			fail_msg("taken: %s", bad);
		assert_int_equal(w->err.code, ERR_MALFORMED);
	}
}

static void a_candidate_comes_back_as_it_was(void **state)
{
	static const char *const bad[] = {"{", "{\"v\":-1}", "{\"v\":\"8\"}", "{\"h\":1.5}",
					  "{\"c\":9223372036854775807}"};
	struct as_candidate c = {.version = 8, .healthy_since = {5000}, .sent = {7000}}, back;
	struct world *w = *state;
	char text[LIMIT_CANDIDATE + 1];

	assert_int_equal(as_candidate_store(&c, COPY, text, &w->err), 0);
	assert_string_equal(text, "{\"g\":\"" COPY "\",\"v\":8,\"h\":5,\"c\":7}");
	assert_int_equal(as_candidate_load(w->f->arena, text, &back, &w->err), 0);
	assert_int_equal(back.version, 8);
	assert_int_equal(back.healthy_since.ms, 5000);
	assert_int_equal(back.sent.ms, 7000);
	assert_int_equal(as_candidate_load(w->f->arena, "", &back, &w->err), 0);
	assert_int_equal(back.version, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		w->err = ERR_INIT;
		assert_int_equal(as_candidate_load(w->f->arena, bad[i], &back, &w->err), -1);
		assert_int_equal(w->err.code, ERR_MALFORMED);
	}
	assert_int_equal(as_candidate_store(&c, fake_repeat(w->f->arena, "x", 300), text, &w->err),
			 -1);
	assert_int_equal(w->err.code, ERR_LIMIT);
}

/* The name is the rollout's alone, and short enough whatever the group is called. */
static void a_copy_has_one_name(void **state)
{
	struct world *w = *state;
	struct as_record r = a_record();
	const char *one = as_candidate_name(w->f->arena, &r, "r-1");

	assert_string_equal(one, COPY);
	assert_string_not_equal(one, as_candidate_name(w->f->arena, &r, "r-2"));
	r.base = fake_repeat(w->f->arena, "x", 160);
	assert_int_equal(strlen(as_candidate_name(w->f->arena, &r, "r-1")), 111);
	r.twin = "green";
	assert_string_equal(as_candidate_name(w->f->arena, &r, "r-1"), "green");
}

/* --- offline --------------------------------------------------------------------------------- */

struct seen {
	struct target_call calls[128];
	size_t n;
};

static void see(void *arg, const struct target_call *c)
{
	struct seen *s = arg;

	assert_true(s->n < 128);
	assert_true(c->resource && *c->resource && c->iam_action && strchr(c->iam_action, ':'));
	s->calls[s->n++] = *c;
}

static bool is_seen(const struct seen *s, const char *operation)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->calls[i].operation, operation))
			return true;
	return false;
}

static struct seen all_calls(struct world *w)
{
	struct seen s = {.n = 0};

	target_auto_scaling.calls(&w->plan, w->f->arena, see, &s);
	return s;
}

static void a_plan_tells_its_calls(void **state)
{
	struct world *w = *state;
	struct seen s = all_calls(w);

	assert_true(is_seen(&s, "CreateAutoScalingGroup") && is_seen(&s, "PassRole"));
	assert_true(is_seen(&s, "CreateLaunchTemplateVersion") && is_seen(&s, "ModifyRule"));
	assert_true(is_seen(&s, "DeleteAutoScalingGroup") && is_seen(&s, "ResumeProcesses"));
	assert_false(is_seen(&s, "SendCommand") || is_seen(&s, "AttachTrafficSources"));
	assert_false(is_seen(&s, "ModifyListener"));

	w->plan.target.auto_scaling.twin = "green";
	w->plan.target.auto_scaling.retire = ASG_RETIRE_SCALE_IN;
	w->plan.target.auto_scaling.install = ASG_INSTALL_COMMAND;
	w->plan.target.lb.resource_arn = NULL;
	s = all_calls(w);
	assert_false(is_seen(&s, "CreateAutoScalingGroup") ||
		     is_seen(&s, "DeleteAutoScalingGroup"));
	assert_false(is_seen(&s, "CreateLaunchTemplateVersion"));
	assert_true(is_seen(&s, "SendCommand") && is_seen(&s, "AttachTrafficSources"));
	assert_true(is_seen(&s, "ModifyListener") && is_seen(&s, "ModifyRule"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_record_comes_back_as_it_was),    T(what_is_no_record_is_refused),
		T(a_candidate_comes_back_as_it_was), T(a_copy_has_one_name),
		T(a_plan_tells_its_calls),
	};

	return cmocka_run_group_tests_name("auto_scaling_record", tests, NULL, NULL);
}
