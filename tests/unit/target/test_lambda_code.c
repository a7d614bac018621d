#include "tests/unit/target/lambda_artifact.h"

#include "aws/lambda.h"

/* The first look at a function, and the way of its code from the artifact into a version. */

/* --- the first look -------------------------------------------------------------------------- */

static void good_function(struct world *w)
{
	forget_routes(w);
	problems_init(&w->problems, w->f->arena);
	route(w, "GET", CONFIGURATION "?Qualifier=7", 200,
	      configuration(w, "7", ",\"State\":\"Active\""));
	route(w, "GET", CONFIGURATION, 200,
	      configuration(w, "$LATEST", ",\"State\":\"Active\",\"CodeSha256\":\"old\""));
	route(w, "GET", ALIAS, 200, alias(w, "7", ""));
	not_found(w, "/functions/checkout/provisioned-concurrency?Qualifier=live");
}

static int inspect(struct world *w, char undo[LIMIT_UNDO + 1], bool *first)
{
	undo[0] = '\0';
	return target_lambda.inspect(&w->env, undo, first, &w->problems, &w->err);
}

static void expect_problem(struct world *w, const char *words)
{
	char undo[LIMIT_UNDO + 1];
	bool first;

	if (inspect(w, undo, &first))
		fail_msg("%s", w->err.text);
	expect_said(w, words);
	if (w->problems.n_errors != 1)
		fail_msg("%s", world_problems(w));
}

static void a_good_function_gives_an_undo_record(void **state)
{
	struct world *w = *state;
	char undo[LIMIT_UNDO + 1];
	bool first = true;

	good_function(w);
	assert_int_equal(inspect(w, undo, &first), 0);
	assert_false(first);
	assert_string_equal(undo, UNDO_7);
	assert_null(w->problems.first);
	for (size_t i = 0; i < w->f->n_requests; i++) /* by reading only */
		assert_string_equal(w->f->requests[i].method, "GET");
	/* a weight of nothing is no weight */
	good_function(w);
	once(w, "GET", ALIAS, 200, alias(w, "7", "\"6\":0.0"));
	assert_int_equal(inspect(w, undo, &first), 0);
	assert_null(w->problems.first);
}

static void a_first_deployment_is_seen(void **state)
{
	struct world *w = *state;
	char undo[LIMIT_UNDO + 1];
	bool first = false;

	good_function(w);
	once(w, "GET", ALIAS, 404, NO_ALIAS)->headers = NOT_FOUND;
	assert_int_equal(inspect(w, undo, &first), 0);
	assert_true(first);
	assert_string_equal(undo, UNDO_FIRST);
	assert_int_equal(w->problems.n_errors, 0);
	expect_said(w, "the alias does not exist: it is created by this first deployment");
}

static void every_trap_of_an_alias_is_said(void **state)
{
	struct world *w = *state;

	good_function(w);
	once(w, "GET", ALIAS, 200, alias(w, "7", "\"6\":0.125"));
	expect_problem(w,
		       "Target: \"live\": the alias is weighted already, 12.5% to version 6: some");
	good_function(w);
	once(w, "GET", ALIAS, 200, alias(w, "$LATEST", ""));
	expect_problem(w, "Target: \"live\": the alias points at $LATEST, which cannot share");
	good_function(w);
	once(w, "GET", "/provisioned-concurrency", 200, "{\"Status\":\"READY\"}");
	expect_problem(w,
		       "Target: \"live\": the alias has provisioned concurrency, which does not");
	good_function(w);
	once(w, "GET", CONFIGURATION "?Qualifier=7", 200,
	     configuration(w, "7", ",\"State\":\"Failed\""));
	expect_problem(w,
		       "version 7, which serves now, is in state Failed: there would be nothing");
	good_function(w);
	once(w, "GET", CONFIGURATION "?Qualifier=7", 200,
	     configuration(w, "7", ",\"DeadLetterConfig\":{\"TargetArn\":\"arn:q\"}"));
	expect_problem(w,
		       "version 7 and the function's code now have different dead-letter queues");
	good_function(w);
	once(w, "GET", CONFIGURATION "?Qualifier=7", 200,
	     "{\"FunctionArn\":\"" FUNCTION ":7\",\"Version\":\"7\",\"Role\":\"arn:other\"}");
	expect_problem(w, "version 7 and the function's code now have different execution roles");
	good_function(w);
	once(w, "GET", CONFIGURATION "?Qualifier=7", 404, "{}")->headers = NOT_FOUND;
	expect_problem(w, "version 7, which serves now, cannot be read: Lambda.GetFunctionConfig");
}

static void every_trap_of_a_function_is_said(void **state)
{
	struct world *w = *state;

	good_function(w);
	once(w, "GET", CONFIGURATION, 404, "{}")->headers = NOT_FOUND;
	expect_problem(w, "Target: \"checkout\": no such Lambda function in eu-central-1, or the");
	good_function(w);
	/* of two routes used once the first asked for is taken: $LATEST is asked first */
	once(w, "GET", CONFIGURATION, 200,
	     "{\"FunctionArn\":\"" FUNCTION "\",\"Version\":\"$LATEST\",\"Role\":\"arn:r\","
	     "\"PackageType\":\"Image\"}");
	expect_problem(w, "its package type is Image; only Zip functions are deployed from an art");
	good_function(w);
	once(w, "GET", CONFIGURATION, 200,
	     configuration(w, "$LATEST", ",\"State\":\"Failed\",\"StateReason\":\"no subnet\""));
	expect_problem(w, "the function is in state Failed: no subnet");
}

static void all_of_it_is_said_at_once(void **state)
{
	struct world *w = *state;
	char undo[LIMIT_UNDO + 1];
	bool first;

	good_function(w);
	once(w, "GET", CONFIGURATION, 200,
	     configuration(w, "$LATEST", ",\"State\":\"Failed\",\"StateReason\":\"no subnet\""));
	once(w, "GET", ALIAS, 200, alias(w, "7", "\"6\":0.1"));
	once(w, "GET", "/provisioned-concurrency", 200, "{\"Status\":\"READY\"}");
	w->plan.target.lambda.code = "missing.zip";
	assert_int_equal(inspect(w, undo, &first), 0);
	assert_int_equal(w->problems.n_errors, 4);
}

static void what_may_not_be_read_stops_the_look(void **state)
{
	static const char *const words[] = {CONFIGURATION "?Qualifier=7", ALIAS,
					    "/provisioned-concurrency", CONFIGURATION};
	struct world *w = *state;
	char undo[LIMIT_UNDO + 1];
	bool first;

	for (size_t i = 0; i < 4; i++) {
		good_function(w);
		for (int attempt = 0; attempt < 3; attempt++)
			once(w, "GET", words[i], 500, "{}");
		assert_int_equal(inspect(w, undo, &first), -1);
		assert_int_equal(w->err.code, ERR_UNAVAILABLE);
		w->err = ERR_INIT;
	}
	/* only this one is not needed */
	good_function(w);
	once(w, "GET", "/provisioned-concurrency", 403, "{}")->headers =
		"x-amzn-ErrorType: AccessDeniedException\n";
	assert_int_equal(inspect(w, undo, &first), 0);
	assert_int_equal(w->problems.n_errors, 0);
	expect_said(w, "whether it has provisioned concurrency");
	good_function(w);
	w->env.artifact = NULL;
	assert_int_equal(inspect(w, undo, &first), -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
	assert_non_null(strstr(w->err.text, "no input artifact"));
}

static void what_is_no_package_is_said(void **state)
{
	struct world *w = *state;
	char zero = '\0';

	good_function(w);
	set_artifact_file(w, STR("a tar, say"));
	expect_problem(w, "input artifact: \"pipeline/build/abc.zip\": no zip, and Lambda takes");
	good_function(w);
	w->artifact.file_size = LAMBDA_ZIP_MAX + 1ull;
	expect_problem(w,
		       "input artifact: \"pipeline/build/abc.zip\": 50000001 bytes; Lambda takes");
	good_function(w);
	w->plan.target.lambda.code = "build/x.zip";
	expect_problem(w, "target.lambda.code: \"build/x.zip\": there is no such file or folder");
	good_function(w);
	w->plan.target.lambda.code = "../../etc/passwd";
	expect_problem(w, "target.lambda.code: \"../../etc/passwd\": there is no such file");
	good_function(w);
	put_file(w, "code.txt", (struct str){&zero, 1});
	w->plan.target.lambda.code = "code.txt";
	expect_problem(w,
		       "target.lambda.code: \"code.txt\": no zip, and Lambda takes nothing else");
	good_function(w);
	assert_int_equal(mkfifoat(w->artifact.dir_fd, "pipe", 0600), 0);
	w->plan.target.lambda.code = "pipe";
	expect_problem(w, "target.lambda.code: \"pipe\": neither a file nor a folder");
	good_function(w);
	assert_int_equal(symlinkat("artifact", w->artifact.dir_fd, "link"), 0);
	w->plan.target.lambda.code = "link";
	expect_problem(w, "target.lambda.code: \"link\": there is no such file or folder");
}

/* --- preparing ------------------------------------------------------------------------------- */

static void latest_has(struct world *w, const char *sha, const char *more)
{
	forget_routes(w);
	route(w, "GET", CONFIGURATION, 200,
	      configuration(w, "$LATEST",
			    arena_printf(w->f->arena, ",\"CodeSha256\":\"%s\"%s", sha, more)));
}

static void updates_to(struct world *w, const char *sha)
{
	route(w, "PUT", "/functions/checkout/code", 200,
	      configuration(w, "$LATEST",
			    arena_printf(w->f->arena,
					 ",\"CodeSha256\":\"%s\",\"LastUpdateStatus\":"
					 "\"InProgress\"",
					 sha)));
}

static int prepare(struct world *w)
{
	char candidate[LIMIT_CANDIDATE + 1];
	int rc;

	str_copy(candidate, sizeof(candidate), str_from(w->state.candidate));
	rc = target_lambda.prepare(&w->env, &w->state, candidate, &w->err);
	if (rc == 0)
		set_candidate(w, candidate);
	return rc;
}

/* One step of preparing uploads exactly this zip and remembers its digest. */
static void expect_upload(struct world *w, struct str zip)
{
	const char *sha = code_sha(w, zip);

	latest_has(w, "old", "");
	updates_to(w, sha);
	set_candidate(w, "");
	if (prepare(w))
		fail_msg("%s", w->err.text);
	assert_string_equal(w->state.candidate, arena_printf(w->f->arena, "{\"s\":\"%s\"}", sha));
	assert_non_null(strstr(last_body(w, "PUT", "/code"),
			       arena_printf(w->f->arena, "\"ZipFile\":\"%s\"", base64(w, zip))));
	assert_non_null(strstr(last_body(w, "PUT", "/code"), "\"RevisionId\":\"function-1\""));
}

static void the_package_is_the_artifact_a_zip_in_it_or_a_folder(void **state)
{
	struct pack_entry entries[2] = {{.name = "index.js", .bytes = STR("hello")},
					{.name = "lib/a.js", .bytes = STR("there")}};
	struct world *w = *state;
	struct buf b;

	expect_upload(w, zip_of(w, "version 8"));
	put_file(w, "function.zip", zip_of(w, "within"));
	w->plan.target.lambda.code = "function.zip";
	expect_upload(w, zip_of(w, "within"));
	assert_int_equal(mkdirat(w->artifact.dir_fd, "build", 0700), 0);
	assert_int_equal(mkdirat(w->artifact.dir_fd, "build/lib", 0700), 0);
	put_file(w, "build/index.js", STR("hello"));
	put_file(w, "build/lib/a.js", STR("there"));
	buf_init(&b, 65536);
	assert_int_equal(pack_entries(entries, 2, &b, &w->err), 0);
	w->plan.target.lambda.code = "build";
	expect_upload(w, buf_str(&b));
	buf_release(&b);
	w->plan.target.lambda.code = "gone";
	latest_has(w, "old", "");
	set_candidate(w, "");
	assert_int_equal(prepare(w), -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
	assert_non_null(strstr(w->err.text, "target.lambda.code: gone"));
}

static void a_package_too_large_is_a_limit(void **state)
{
	struct world *w = *state;

	int fd = openat(w->artifact.dir_fd, "artifact", O_RDWR | O_CLOEXEC);

	assert_int_equal(ftruncate(fd, LAMBDA_ZIP_MAX + 1), 0);
	close(fd);
	w->artifact.file_size = LAMBDA_ZIP_MAX + 1ull;
	latest_has(w, "old", "");
	assert_int_equal(prepare(w), -1);
	assert_int_equal(w->err.code, ERR_LIMIT);
	assert_int_equal(w->f->n_requests, 0);
	/* shorter than it was said to be */
	set_artifact_file(w, STR("PK"));
	w->artifact.file_size = 100;
	assert_int_equal(prepare(w), -1);
	assert_int_equal(w->err.code, ERR_SYSTEM);
}

static void unchanged_code_is_not_sent_again(void **state)
{
	struct world *w = *state;
	const char *sha = code_sha(w, zip_of(w, "version 8"));

	latest_has(w, sha, "");
	assert_int_equal(prepare(w), 0);
	assert_string_equal(w->state.candidate, arena_printf(w->f->arena, "{\"s\":\"%s\"}", sha));
	assert_int_equal(sent(w, "PUT", ""), 0);
	/* and when Lambda has no newer version than the baseline, that is the candidate */
	route(w, "POST", "/functions/checkout/versions", 201, configuration(w, "7", ""));
	assert_int_equal(prepare(w), 0);
	route(w, "GET", ALIAS, 200, alias(w, "7", ""));
	w->state.phase = PHASE_PREPARE;
	{
		struct target_observation o;

		assert_int_equal(target_lambda.observe(&w->env, &w->state, &o, &w->err), 0);
		assert_int_equal(o.candidate, CANDIDATE_SAME);
		assert_int_equal(o.live, LIVE_BASELINE);
	}
}

static void a_busy_function_is_waited_for(void **state)
{
	static const char *const busy[] = {",\"LastUpdateStatus\":\"InProgress\"",
					   ",\"LastUpdateStatus\":\"Thinking\"",
					   ",\"State\":\"Pending\""};
	struct world *w = *state;

	for (size_t i = 0; i < 3; i++) {
		latest_has(w, "old", busy[i]);
		set_candidate(w, "");
		assert_int_equal(prepare(w), 0);
		assert_string_equal(w->state.candidate, "");
		set_candidate(w, "{\"s\":\"old\"}");
		assert_int_equal(prepare(w), 0);
		assert_string_equal(w->state.candidate, "{\"s\":\"old\"}");
		assert_int_equal(w->f->n_requests, 2); /* two looks */
	}
	/* published: it becomes active by itself */
	set_candidate(w, CANDIDATE_8);
	forget_routes(w);
	assert_int_equal(prepare(w), 0);
	assert_int_equal(w->f->n_requests, 0);
}

static void a_version_is_published_of_exactly_this_code(void **state)
{
	struct world *w = *state;

	latest_has(w, "c2hh", ",\"LastUpdateStatus\":\"Successful\"");
	route(w, "POST", "/functions/checkout/versions", 201, configuration(w, "8", ""));
	set_candidate(w, "{\"s\":\"c2hh\"}");
	assert_int_equal(prepare(w), 0);
	assert_string_equal(w->state.candidate, CANDIDATE_8);
	assert_string_equal(last_body(w, "POST", "/versions"),
			    "{\"CodeSha256\":\"c2hh\",\"Description\":\"rollout-worker r-1\"}");
	/* the answer was lost: the next turn asks again, and Lambda gives the same version */
	set_candidate(w, "{\"s\":\"c2hh\"}");
	assert_int_equal(prepare(w), 0);
	assert_string_equal(w->state.candidate, CANDIDATE_8);
	/* somebody else put other code there meanwhile */
	latest_has(w, "b3RoZXI=", "");
	set_candidate(w, "{\"s\":\"c2hh\"}");
	assert_int_equal(prepare(w), -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
	assert_non_null(strstr(w->err.text, "somebody else changed the code of checkout"));
	assert_non_null(strstr(w->err.text, "expected c2hh, found b3RoZXI="));
	assert_int_equal(sent(w, "POST", ""), 0);
}

static void what_lambda_refuses_ends_the_preparation(void **state)
{
	struct world *w = *state;

	set_candidate(w, "{\"s\":\"c2hh\"}");
	latest_has(w, "c2hh",
		   ",\"LastUpdateStatus\":\"Failed\",\"LastUpdateStatusReason\":\"bad\"");
	assert_int_equal(prepare(w), -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
	assert_non_null(strstr(w->err.text, "the update of checkout failed: bad"));
	latest_has(w, "c2hh", ",\"State\":\"Failed\"");
	assert_int_equal(prepare(w), -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
	latest_has(w, "c2hh", "");
	route(w, "POST", "/versions", 201, configuration(w, "$LATEST", ""));
	assert_int_equal(prepare(w), -1);
	assert_int_equal(w->err.code, ERR_MALFORMED);
	/* other code than was sent */
	set_candidate(w, "");
	latest_has(w, "old", "");
	updates_to(w, "strange");
	assert_int_equal(prepare(w), -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
	assert_non_null(strstr(w->err.text, "other code than was sent"));
	/* somebody else's update at the same moment: look again */
	latest_has(w, "old", "");
	route(w, "PUT", "/code", 412, "{}")->headers =
		"x-amzn-ErrorType: PreconditionFailedException\n";
	assert_int_equal(prepare(w), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	w->artifact.dir_fd = -1 - w->artifact.dir_fd; /* gone for a moment */
	assert_int_equal(prepare(w), -1);
	assert_int_equal(w->err.code, ERR_NOT_FOUND);
	w->artifact.dir_fd = -1 - w->artifact.dir_fd;
}

#define T(name) cmocka_unit_test_setup_teardown(name, artifact_set_up, artifact_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_good_function_gives_an_undo_record),
		T(a_first_deployment_is_seen),
		T(every_trap_of_an_alias_is_said),
		T(every_trap_of_a_function_is_said),
		T(all_of_it_is_said_at_once),
		T(what_may_not_be_read_stops_the_look),
		T(what_is_no_package_is_said),
		T(the_package_is_the_artifact_a_zip_in_it_or_a_folder),
		T(a_package_too_large_is_a_limit),
		T(unchanged_code_is_not_sent_again),
		T(a_busy_function_is_waited_for),
		T(a_version_is_published_of_exactly_this_code),
		T(what_lambda_refuses_ends_the_preparation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
