#include "tests/unit/target/ecs_world.h"

/* The task definition out of the artifact, and the records. */

static const struct json *parsed(struct world *w, const char *text)
{
	struct json *root = NULL;

	if (json_parse(w->f->arena, str_from(text), &root, &w->err))
		fail_msg("%s", w->err.text);
	return root;
}

static struct ecs_task_definition serving(struct world *w)
{
	const struct json *d =
		json_get(parsed(w, definition(w, "web:7", PINNED_7, "")), "taskDefinition");

	return (struct ecs_task_definition){.arn = TD("web:7"), .family = "web", .raw = d};
}

static struct ecs_definition read_it(struct world *w)
{
	struct ecs_task_definition baseline = serving(w);
	struct ecs_definition d;

	problems_init(&w->problems, w->f->arena);
	if (ecs_definition_read(&w->env, &baseline, &d, &w->problems, &w->err))
		fail_msg("%s", w->err.text);
	return d;
}

static const char *image_of(const struct ecs_definition *d, const char *container)
{
	json_each(c, json_get(d->json, "containerDefinitions"))
		if (str_is(json_text(json_get(c, "name")), container))
			return json_cstr(json_get(c, "image"));
	return "";
}

static void expect_problem(struct world *w, const char *words)
{
	read_it(w);
	expect_said(w, words);
	if (w->problems.n_errors != 1)
		fail_msg("%s", world_problems(w));
}

static void taskdef_is_taken_as_it_is(void **state)
{
	struct world *w = *state;
	struct ecs_definition d = read_it(w);

	assert_int_equal(w->problems.n_errors, 0);
	assert_int_equal(w->problems.n_warnings, 0);
	assert_true(d.pinned);
	assert_string_equal(image_of(&d, "app"), PINNED_8);
	assert_string_equal(json_cstr(json_get(d.json, "cpu")), "256");

	/* elsewhere, and of another family */
	no_file(w, "taskdef.json");
	put_file(w, "td.json",
		 "{\"family\":\"web2\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":"
		 "\"repo:1\"}]}");
	w->plan.target.ecs.task_definition = "td.json";
	d = read_it(w);
	assert_int_equal(w->problems.n_errors, 0);
	assert_false(d.pinned);
	expect_said(w, "\"repo:1\": the image is named by a tag");
	expect_said(w, "\"web2\": the service runs the family web; it goes on with this one");
}

static void images_are_put_in_by_container(void **state)
{
	struct world *w = *state;
	struct ecs_definition d;

	put_file(w, "taskdef.json",
		 "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"x\"},"
		 "{\"name\":\"side\"}]}");
	put_file(w, "imagedefinitions.json",
		 "[{\"name\":\"app\",\"imageUri\":\"" PINNED_8
		 "\"},{\"name\":\"side\",\"imageUri\":\"side@sha256:1\"}]");
	d = read_it(w);
	assert_int_equal(w->problems.n_errors, 0);
	assert_string_equal(image_of(&d, "app"), PINNED_8);
	assert_string_equal(image_of(&d, "side"), "side@sha256:1");
	assert_true(d.pinned);

	/* alone it is about what serves now, as CodePipeline's own action has it */
	no_file(w, "taskdef.json");
	put_file(w, "imagedefinitions.json", "[{\"name\":\"app\",\"imageUri\":\"" PINNED_8 "\"}]");
	d = read_it(w);
	assert_int_equal(w->problems.n_errors, 0);
	assert_string_equal(image_of(&d, "app"), PINNED_8);
	assert_string_equal(json_cstr(json_get(d.json, "family")), "web");

	put_file(w, "imagedefinitions.json", "{\"name\":\"app\"}");
	read_it(w);
	expect_said(w, "target.ecs.images: \"imagedefinitions.json\": write a list");
	put_file(w, "imagedefinitions.json", "[{\"name\":\"app\"}]");
	expect_problem(w, "each item needs a name and an imageUri");
	put_file(w, "imagedefinitions.json", "[{\"name\":\"db\",\"imageUri\":\"x@sha256:1\"}]");
	expect_problem(w, "\"db\": the task definition has no container of this name");
	put_file(w, "imagedefinitions.json", "[]");
	expect_problem(w, "write a list");
	w->plan.target.ecs.images = "gone.json";
	expect_problem(w, "target.ecs.images: \"gone.json\": there is no such file in the input");
}

static void placeholders_are_filled_from_image_details(void **state)
{
	static const struct {
		const char *detail, *image;
	} cases[] = {
		{"{\"ImageURI\":\"1.dkr.ecr/repo@sha256:ab\"}", "1.dkr.ecr/repo@sha256:ab"},
		{"{\"ImageURI\":\"host:5000/repo:v8\",\"ImageDigest\":\"sha256:cd\"}",
		 "host:5000/repo@sha256:cd"},
		{"{\"ImageURI\":\"host:5000/repo\",\"ImageDigest\":\"sha256:cd\"}",
		 "host:5000/repo@sha256:cd"},
		{"{\"ImageURI\":\"repo:v8\",\"ImageDigest\":\"sha256:cd\"}", "repo@sha256:cd"},
		{"{\"ImageURI\":\"repo:v8\",\"ImageDigest\":\"md5:cd\"}", "repo:v8"},
		{"{\"ImageURI\":\"repo:v8\"}", "repo:v8"},
	};
	struct world *w = *state;
	struct ecs_definition d;

	put_definition(w, "<IMAGE1_NAME>");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_file(w, "imageDetail.json", cases[i].detail);
		d = read_it(w);
		if (w->problems.n_errors)
			fail_msg("%s", world_problems(w));
		assert_string_equal(image_of(&d, "app"), cases[i].image);
		assert_int_equal(d.pinned, strstr(cases[i].image, "@sha256:") != NULL);
	}
	/* said in the plan, one file a placeholder */
	put_file(w, "taskdef.json",
		 "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":"
		 "\"<A>\"},{\"name\":\"too\",\"image\":\"<A>\"},{\"name\":\"side\",\"image\":"
		 "\"<B>\"}]}");
	put_file(w, "a.json", "{\"ImageURI\":\"a@sha256:1\"}");
	put_file(w, "b.json", "{\"ImageURI\":\"b@sha256:1\"}");
	w->plan.target.ecs.n_image_details = 2;
	w->plan.target.ecs.image_details[0].placeholder = "A";
	w->plan.target.ecs.image_details[0].path = "a.json";
	w->plan.target.ecs.image_details[1].placeholder = "B";
	w->plan.target.ecs.image_details[1].path = "b.json";
	d = read_it(w);
	assert_string_equal(image_of(&d, "app"), "a@sha256:1");
	assert_string_equal(image_of(&d, "too"), "a@sha256:1");
	assert_string_equal(image_of(&d, "side"), "b@sha256:1");
	put_definition(w, "<A>");
	expect_problem(w, "\"B\": no container of the task definition has the image <B>");
	w->plan.target.ecs.n_image_details = 1;
	no_file(w, "a.json");
	read_it(w);
	expect_said(w, "target.ecs.image_details: \"a.json\": there is no such file");
	expect_said(w, "\"app\": no image takes the place of <A>");
}

static void what_is_no_task_definition_is_said(void **state)
{
	struct world *w = *state;

	put_definition(w, "<IMAGE1_NAME>");
	expect_problem(w, "\"app\": no image takes the place of <IMAGE1_NAME>; write it in image_");
	put_file(w, "imageDetail.json", "{}");
	read_it(w);
	expect_said(w, "\"imageDetail.json\": it has no ImageURI");
	/* two of them cannot both be meant by the one file */
	put_file(w, "imageDetail.json", "{\"ImageURI\":\"a@sha256:1\"}");
	put_file(w, "taskdef.json",
		 "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":"
		 "\"<A>\"},{\"name\":\"side\",\"image\":\"<B>\"}]}");
	read_it(w);
	assert_int_equal(w->problems.n_errors, 2);
	put_file(w, "taskdef.json", "{\"containerDefinitions\":[{\"name\":\"a\"}]}");
	read_it(w);
	expect_said(w, "task definition: it has no family");
	expect_said(w, "\"a\": no image takes the place of none");
	put_file(w, "taskdef.json", "{\"family\":\"web\"}");
	expect_problem(w, "task definition: it has no containerDefinitions");
	put_file(w, "taskdef.json", "[1]");
	read_it(w);
	expect_said(w, "it has no family");
	put_file(w, "taskdef.json", "{");
	expect_problem(w, "target.ecs.task_definition: \"taskdef.json\": it is no JSON");
	no_file(w, "taskdef.json");
	assert_int_equal(mkdirat(w->artifact.dir_fd, "taskdef.json", 0700), 0);
	expect_problem(w, "\"taskdef.json\": it is no file");
	assert_int_equal(unlinkat(w->artifact.dir_fd, "taskdef.json", AT_REMOVEDIR), 0);
	put_file(w, "taskdef.json", fake_repeat(w->f->arena, " ", 262145));
	expect_problem(w, "262145 bytes; 262144 at most");
	no_file(w, "taskdef.json");
	expect_problem(w, "it has neither taskdef.json nor imagedefinitions.json");
	w->plan.target.ecs.task_definition = "../etc/passwd";
	expect_problem(w, "\"../etc/passwd\": there is no such file in the input artifact");
}

/* `check` knows the artifact and nothing of ECS. */
static void what_can_be_said_offline(void **state)
{
	struct world *w = *state;

	assert_int_equal(target_ecs.check_artifact(&w->env, &w->problems, &w->err), 0);
	assert_int_equal(w->problems.n_errors, 0);
	put_definition(w, "<X>");
	assert_int_equal(target_ecs.check_artifact(&w->env, &w->problems, &w->err), 0);
	expect_said(w, "\"app\": no image takes the place of <X>");
	/* which containers there are only ECS knows, what a list of images is we do */
	no_file(w, "taskdef.json");
	problems_init(&w->problems, w->f->arena);
	put_file(w, "imagedefinitions.json", "[{\"name\":\"db\",\"imageUri\":\"x@sha256:1\"}]");
	assert_int_equal(target_ecs.check_artifact(&w->env, &w->problems, &w->err), 0);
	assert_int_equal(w->problems.n_errors, 0);
	put_file(w, "imagedefinitions.json", "[{\"name\":\"db\"}]");
	assert_int_equal(target_ecs.check_artifact(&w->env, &w->problems, &w->err), 0);
	expect_said(w, "each item needs a name and an imageUri");
	assert_int_equal(w->f->n_requests, 0);
}

static void an_artifact_that_cannot_be_had_is_no_problem_of_the_plan(void **state)
{
	struct world *w = *state;
	struct ecs_task_definition baseline = serving(w);
	struct ecs_definition d;
	int fd = w->artifact.dir_fd;

	w->artifact.dir_fd = -1;
	assert_int_equal(ecs_definition_read(&w->env, &baseline, &d, &w->problems, &w->err), -1);
	assert_int_equal(w->err.code, ERR_NOT_FOUND);
	w->artifact.dir_fd = fd;
	w->env.artifact = NULL;
	assert_int_equal(ecs_definition_read(&w->env, &baseline, &d, &w->problems, &w->err), -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
	assert_non_null(strstr(w->err.text, "no input artifact"));
}

/* What ECS fills in is no difference; whatever else is one. */
static void sameness(void **state)
{
	static const struct {
		const char *ours, *described;
		bool same;
	} cases[] = {
		{"{}", "{}", true},
		{"{\"a\":1}", "{\"a\":1.0}", true},
		{"{\"a\":1}", "{\"a\":2}", false},
		{"{\"a\":\"1\"}", "{\"a\":1}", false},
		{"{\"a\":true}", "{\"a\":true}", true},
		{"{\"a\":true}", "{\"a\":false}", false},
		{"{\"a\":true}", "{}", false},
		{"{}", "{\"a\":true}", false},
		{"{}", "{\"a\":0,\"b\":\"\",\"c\":[],\"d\":{},\"e\":false,\"f\":null}", true},
		{"{\"a\":0,\"b\":\"\",\"c\":[],\"d\":{},\"e\":false,\"f\":null}", "{}", true},
		{"{\"a\":0}", "{\"a\":1}", false},
		{"{\"a\":[]}", "{\"a\":[1]}", false},
		{"{\"a\":[1,2]}", "{\"a\":[1,2]}", true},
		{"{\"a\":[1,2]}", "{\"a\":[2,1]}", false},
		{"{\"a\":[1]}", "{\"a\":[1,2]}", false},
		{"{\"a\":{\"b\":\"x\"}}", "{\"a\":{\"b\":\"x\",\"cpu\":0}}", true},
		{"{\"a\":{\"b\":\"x\"}}", "{\"a\":{\"b\":\"y\"}}", false},
		{"{\"a\":{}}", "{\"a\":[]}", true},
		{"{\"a\":{\"b\":1}}", "{\"a\":[1]}", false},
		{"{}", "{\"essential\":true}", true},
		{"{}", "{\"essential\":1}", false},
		{"{\"essential\":false}", "{\"essential\":true}", false},
		{"{\"essential\":true}", "{\"essential\":true}", true},
		{"{\"essential\":false}", "{\"essential\":false}", true},
		{"{}", "{\"essential\":false}", false},
		{"{\"containerPort\":80,\"hostPort\":0}", "{\"containerPort\":80,\"hostPort\":80}",
		 false},
		{"{\"tags\":[1],\"revision\":1}", "{\"revision\":7}", true},
		{"{}", "{\"protocol\":\"tcp\"}", true},
		{"{}", "{\"protocol\":\"udp\"}", false},
		{"{\"containerPort\":80}", "{\"containerPort\":80,\"hostPort\":80}", true},
		{"{\"containerPort\":80}", "{\"containerPort\":80,\"hostPort\":81}", false},
		{"{}", "{\"hostPort\":80}", false},
		{"{}", "{\"revision\":7,\"status\":\"ACTIVE\",\"tags\":[1]}", true},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (ecs_definition_same(parsed(w, cases[i].ours), parsed(w, cases[i].described)) !=
		    cases[i].same)
			fail_msg("%s %s", cases[i].ours, cases[i].described);
}

/* --- registering ------------------------------------------------------------------------------ */

static const char *registered(struct world *w)
{
	const char *name = "";

	if (ecs_definition_register(&w->env, &w->state, "web:7", &name, &w->err))
		fail_msg("%s", w->err.text);
	return name;
}

#define OURS "{\"key\":\"" ECS_ROLLOUT_TAG "\",\"value\":\"r-1\"}"
#define THEIRS "{\"key\":\"" ECS_ROLLOUT_TAG "\",\"value\":\"r-0\"}"

static void it_is_registered_once_with_the_rollouts_id(void **state)
{
	struct world *w = *state;

	definition_is(w, "web:7", "web:7", PINNED_7, "");
	definition_is(w, "web", "web:7", PINNED_7, "");
	definition_is_missing(w, "web:6");
	definition_is(w, "web:5", "web:5", "x", THEIRS);
	definition_is(w, "web:4", "web:4", "x", "");
	definition_is(w, "web:3", "web:3", "x", "");
	route(w, "POST", REGISTER, 200, definition(w, "web:8", PINNED_8, OURS));
	assert_string_equal(registered(w), "web:8");
	assert_string_equal(
		last_body(w, "POST", REGISTER),
		"{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":"
		"\"" PINNED_8 "\",\"portMappings\":[{\"containerPort\":80}]}],\"cpu\":\"256\","
		"\"tags\":[" OURS "]}");

	/* after a crash it is found again, also behind what somebody else registered since */
	forget_routes(w);
	definition_is(w, "web:7", "web:7", PINNED_7, "");
	definition_is(w, "web", "web:9", "x", THEIRS);
	definition_is(w, "web:8", "web:8", PINNED_8, OURS);
	assert_string_equal(registered(w), "web:8");
	assert_int_equal(ecs_writes(w), 0);
}

static void what_serves_already_is_not_registered_again(void **state)
{
	struct world *w = *state;

	put_definition(w, PINNED_7);
	definition_is(w, "web:7", "web:7", PINNED_7, "");
	assert_string_equal(registered(w), "web:7");
	assert_int_equal(ecs_writes(w), 0);
	/* the same tag may be another image by now */
	put_definition(w, "repo:latest");
	forget_routes(w);
	definition_is(w, "web:7", "web:7", "repo:latest", "");
	definition_is_missing(w, "web");
	route(w, "POST", REGISTER, 200, definition(w, "web:8", "repo:latest", OURS));
	assert_string_equal(registered(w), "web:8");
}

static void what_cannot_be_registered_is_an_error(void **state)
{
	struct world *w = *state;
	const char *name;
	struct route *r;

	/* the baseline, the newest of the family, one before it, the call itself */
	assert_int_equal(ecs_definition_register(&w->env, &w->state, "web:7", &name, &w->err), -1);
	definition_is(w, "web:7", "web:7", PINNED_7, "");
	assert_int_equal(ecs_definition_register(&w->env, &w->state, "web:7", &name, &w->err), -1);
	definition_is(w, "web", "web:9", "x", "");
	assert_int_equal(ecs_definition_register(&w->env, &w->state, "web:7", &name, &w->err), -1);
	assert_int_equal(w->err.code, ERR_SYSTEM);
	definition_is_missing(w, "web:8");
	definition_is_missing(w, "web:6");
	definition_is_missing(w, "web:5");
	r = route(w, "POST", REGISTER, 0, "");
	r->fail = ERR_TIMEOUT;
	r->sent = true;
	assert_int_equal(ecs_definition_register(&w->env, &w->state, "web:7", &name, &w->err), -1);
	assert_int_equal(w->err.code, ERR_TIMEOUT);
	assert_int_equal(sent(w, "POST", REGISTER), 1);
	/* what was wrong at the first look already */
	put_definition(w, "<X>");
	assert_int_equal(ecs_definition_register(&w->env, &w->state, "web:7", &name, &w->err), -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
	assert_non_null(strstr(w->err.text, "no image takes the place of <X>"));
	/* the error is told, not the warning before it */
	put_file(w, "taskdef.json",
		 "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"a:"
		 "1\"},"
		 "{\"name\":\"side\"}]}");
	assert_int_equal(ecs_definition_register(&w->env, &w->state, "web:7", &name, &w->err), -1);
	assert_non_null(strstr(w->err.text, "\"side\": no image takes the place of none"));
}

/* --- records ---------------------------------------------------------------------------------- */

static void records_come_back_as_they_were(void **state)
{
	struct world *w = *state;
	struct ecs_candidate c = {.definition = "web:8", .deployment = "d1"}, back;
	char undo[LIMIT_UNDO + 1], candidate[LIMIT_CANDIDATE + 1];
	struct ecs_record r;

	for (int method = ECS_NATIVE; method <= ECS_TWO_SERVICES; method++) {
		ecs_recorded(w, (enum ecs_method)method, "-1", "");
		if (ecs_record_load(w->f->arena, w->state.undo, &r, &w->err) ||
		    ecs_record_store(&r, undo, &w->err))
			fail_msg("%s", w->err.text);
		assert_string_equal(undo, w->state.undo);
		assert_int_equal(r.method, method);
		assert_string_equal(r.cluster, "prod");
		assert_string_equal(r.service, "web");
		assert_string_equal(r.definition, "web:7");
		assert_int_equal(r.desired, 4);
		assert_string_equal(r.other, method == ECS_NATIVE ? "" : "web-twin");
		assert_int_equal(r.other_desired, -1);
		assert_string_equal(r.lb.candidate, GROUP("green"));
	}
	assert_int_equal(ecs_candidate_store(&c, candidate, &w->err), 0);
	assert_string_equal(candidate, "{\"v\":\"web:8\",\"p\":\"d1\"}");
	assert_int_equal(ecs_candidate_load(w->f->arena, candidate, &back, &w->err), 0);
	assert_string_equal(back.deployment, "d1");
	assert_int_equal(ecs_candidate_load(w->f->arena, "", &back, &w->err), 0);
	assert_string_equal(back.definition, "");
	assert_int_equal(ecs_candidate_load(w->f->arena, "{", &back, &w->err), -1);
	c.definition = fake_repeat(w->f->arena, "x", 300);
	assert_int_equal(ecs_candidate_store(&c, candidate, &w->err), -1);
	assert_int_equal(w->err.code, ERR_LIMIT);
	r.service = fake_repeat(w->f->arena, "x", 700);
	assert_int_equal(ecs_record_store(&r, undo, &w->err), -1);
	assert_int_equal(w->err.code, ERR_LIMIT);
}

static void records_of_others_are_refused(void **state)
{
#define LB                                                                                  \
	"\"lb\":{\"r\":\"" RULE "\",\"g\":[[\"targetgroup/blue/73e2\",1]],\"b\":0,\"c\":\"" \
	"targetgroup/green/73e2\"}}"
	static const char *const bad[] = {
		"",
		"{",
		"{\"t\":\"lambda\",\"m\":0,\"c\":\"p\",\"s\":\"w\",\"v\":\"w:1\",\"n\":1," LB,
		"{\"t\":\"ecs\",\"c\":\"p\",\"s\":\"w\",\"v\":\"w:1\",\"n\":1," LB,
		"{\"t\":\"ecs\",\"m\":2,\"c\":\"p\",\"s\":\"w\",\"v\":\"w:1\",\"n\":1," LB,
		"{\"t\":\"ecs\",\"m\":0,\"s\":\"w\",\"v\":\"w:1\",\"n\":1," LB,
		"{\"t\":\"ecs\",\"m\":0,\"c\":\"p\",\"v\":\"w:1\",\"n\":1," LB,
		"{\"t\":\"ecs\",\"m\":0,\"c\":\"p\",\"s\":\"w\",\"n\":1," LB,
		"{\"t\":\"ecs\",\"m\":0,\"c\":\"p\",\"s\":\"w\",\"v\":\"w:1\",\"n\":-1," LB,
		"{\"t\":\"ecs\",\"m\":0,\"c\":\"p\",\"s\":\"w\",\"v\":\"w:1\"," LB,
		"{\"t\":\"ecs\",\"m\":1,\"c\":\"p\",\"s\":\"w\",\"v\":\"w:1\",\"n\":1,\"k\":0," LB,
		"{\"t\":\"ecs\",\"m\":1,\"c\":\"p\",\"s\":\"w\",\"v\":\"w:1\",\"n\":1,\"o\":"
		"\"x\"," LB,
		"{\"t\":\"ecs\",\"m\":1,\"c\":\"p\",\"s\":\"w\",\"v\":\"w:1\",\"n\":1,\"o\":\"x\","
		"\"k\":-2," LB,
		"{\"t\":\"ecs\",\"m\":0,\"c\":\"p\",\"s\":\"w\",\"v\":\"w:1\",\"n\":1}"};
#undef LB
	struct world *w = *state;
	struct target_observation o;
	const char *names[PLAN_DIMENSIONS_MAX], *values[PLAN_DIMENSIONS_MAX], *ns;
	char candidate[LIMIT_CANDIDATE + 1];
	struct ecs_record r;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (ecs_record_load(w->f->arena, bad[i], &r, &w->err) == 0)
			fail_msg("%s", bad[i]);
		assert_int_equal(w->err.code, ERR_MALFORMED);
	}
	/* and nothing is done with them */
	str_copy(w->state.undo, sizeof(w->state.undo), STR("{}"));
	assert_int_equal(target_ecs.observe(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(o.live, LIVE_UNREADABLE);
	assert_int_equal(target_ecs.prepare(&w->env, &w->state, candidate, &w->err), -1);
	assert_int_equal(target_ecs.split(&w->env, &w->state, &o, SHARE(500), &w->err), -1);
	assert_int_equal(target_ecs.promote(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(target_ecs.restore(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(target_ecs.retire(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(target_ecs.discard(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(target_ecs.series(&w->env, &w->state, true, &ns, names, values), 0);
	assert_int_equal(w->f->n_requests, 0);
}

static void the_target_groups_tell_the_series_apart(void **state)
{
	struct world *w = *state;
	const char *names[PLAN_DIMENSIONS_MAX], *values[PLAN_DIMENSIONS_MAX], *ns;

	ecs_recorded(w, ECS_NATIVE, "", "");
	assert_int_equal(target_ecs.series(&w->env, &w->state, true, &ns, names, values), 2);
	assert_string_equal(ns, "AWS/ApplicationELB");
	assert_string_equal(names[0], "TargetGroup");
	assert_string_equal(values[0], "targetgroup/green/73e2");
	assert_int_equal(target_ecs.series(&w->env, &w->state, false, &ns, names, values), 2);
	assert_string_equal(values[0], "targetgroup/blue/73e2");
	assert_string_equal(names[1], "LoadBalancer");
	/* the controller takes its own things away */
	assert_int_equal(target_ecs.discard(&w->env, &w->state, NULL, &w->err), 0);
	assert_int_equal(w->f->n_requests, 0);
}

/* --- calls ------------------------------------------------------------------------------------ */

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
	target_ecs.calls(&w->plan, w->f->arena, note_call, &b);
	assert_non_null(
		strstr(b.p, "INSPECT ecs:DescribeServices arn:aws:ecs:*:*:service/prod/web\n"));
	assert_non_null(strstr(b.p, "PREPARE ecs:RegisterTaskDefinition arn:aws:ecs:*:*:task-"
				    "definition/*:* write\n"));
	assert_non_null(strstr(b.p, "PREPARE iam:PassRole arn:aws:iam::*:role/* write\n"));
	assert_non_null(strstr(b.p, "PREPARE ecs:TagResource arn:aws:ecs:*:*:task-"));
	assert_non_null(strstr(b.p, "SHIFT ecs:ContinueServiceDeployment arn:aws:ecs:*:*:service-"
				    "deployment/prod/web/* write\n"));
	assert_non_null(strstr(b.p, "RESTORE ecs:StopServiceDeployment "));
	assert_null(strstr(b.p, "SHIFT elasticloadbalancing:Modify"));
	assert_null(strstr(b.p, "CreateService"));
	buf_clear(&b);
	w->plan.target.ecs.method = ECS_TWO_SERVICES;
	w->plan.target.lb.resource_arn = RULE;
	target_ecs.calls(&w->plan, w->f->arena, note_call, &b);
	assert_non_null(strstr(b.p, "PREPARE ecs:CreateService arn:aws:ecs:*:*:service/prod/web-"
				    "twin write\n"));
	assert_non_null(strstr(b.p, "RETIRE ecs:DeleteService arn:aws:ecs:*:*:service/prod/web "
				    "write\n"));
	assert_non_null(strstr(b.p, "SHIFT elasticloadbalancing:ModifyRule " RULE " write\n"));
	assert_null(strstr(b.p, "ContinueServiceDeployment"));
	buf_release(&b);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ecs_world_set_up, ecs_world_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(taskdef_is_taken_as_it_is),
		TEST(images_are_put_in_by_container),
		TEST(placeholders_are_filled_from_image_details),
		TEST(what_is_no_task_definition_is_said),
		TEST(what_can_be_said_offline),
		TEST(an_artifact_that_cannot_be_had_is_no_problem_of_the_plan),
		TEST(sameness),
		TEST(it_is_registered_once_with_the_rollouts_id),
		TEST(what_serves_already_is_not_registered_again),
		TEST(what_cannot_be_registered_is_an_error),
		TEST(records_come_back_as_they_were),
		TEST(records_of_others_are_refused),
		TEST(the_target_groups_tell_the_series_apart),
		TEST(its_calls_can_be_told_beforehand),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
