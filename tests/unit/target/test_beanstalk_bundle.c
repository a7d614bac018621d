#include "tests/unit/target/beanstalk_artifact.h"

/* The bundle, its label, and the way of it into a version. */

static void expect_label(struct world *w, const char *want)
{
	char label[BEAN_LABEL_SIZE];

	if (bean_bundle_label(&w->env, label, &w->err))
		fail_msg("%s", w->err.text);
	assert_string_equal(label, want);
}

static void a_label_stands_for_the_content(void **state)
{
	struct world *w = *state;
	struct pack_entry app = {.name = "app.py", .bytes = STR("inside")};
	const char *first;
	struct buf packed;

	expect_label(w, label_of(w, zip_of(w, "v2")));
	set_artifact_file(w, zip_of(w, "v3"));
	expect_label(w, label_of(w, zip_of(w, "v3")));

	/* a zip in the artifact */
	put_file(w, "app.zip", zip_of(w, "v4"));
	w->plan.target.beanstalk.bundle = "app.zip";
	expect_label(w, label_of(w, zip_of(w, "v4")));

	/* a folder: packed, the same each time */
	assert_int_equal(mkdirat(w->artifact.dir_fd, "build", 0700), 0);
	put_file(w, "build/app.py", app.bytes);
	w->plan.target.beanstalk.bundle = "build";
	buf_init(&packed, 65536);
	assert_int_equal(pack_entries(&app, 1, &packed, &w->err), 0);
	first = label_of(w, buf_str(&packed));
	buf_release(&packed);
	expect_label(w, first);
	expect_label(w, first);
}

static void what_is_no_bundle_is_refused(void **state)
{
	static const struct {
		const char *bundle, *words;
	} bad[] = {
		{"missing.zip", "no such file or folder"},
		{"../artifact", "no such file or folder"},
		{"text", "no zip"},
		{"pipe", "neither a file nor a folder"},
	};
	struct world *w = *state;

	put_file(w, "text", STR("hello"));
	assert_int_equal(mkfifoat(w->artifact.dir_fd, "pipe", 0600), 0);
	assert_int_equal(bean_bundle_check(&w->env, &w->problems, &w->err), 0);
	assert_int_equal(w->problems.n_errors, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		w->plan.target.beanstalk.bundle = bad[i].bundle;
		assert_int_equal(bean_bundle_check(&w->env, &w->problems, &w->err), 0);
		assert_int_equal(w->problems.n_errors, i + 1);
		expect_said(w, bad[i].words);
	}
	w->plan.target.beanstalk.bundle = NULL;
	set_artifact_file(w, STR("no zip at all"));
	assert_int_equal(bean_bundle_check(&w->env, &w->problems, &w->err), 0);
	expect_said(w, "input artifact");
	w->artifact.file_size = BEAN_BUNDLE_MAX + 1ull;
	assert_int_equal(bean_bundle_check(&w->env, &w->problems, &w->err), 0);
	expect_said(w, "500000000 at most");
}

static void what_cannot_be_read_is_an_error(void **state)
{
	char label[BEAN_LABEL_SIZE];
	struct world *w = *state;
	int dir_fd = w->artifact.dir_fd;

	w->plan.target.beanstalk.bundle = "missing";
	expect_error(w, bean_bundle_label(&w->env, label, &w->err), ERR_REJECTED,
		     "target.beanstalk.bundle: missing");
	w->plan.target.beanstalk.bundle = NULL;
	w->artifact.file_size = 1 << 20; /* longer than it is */
	expect_error(w, bean_bundle_label(&w->env, label, &w->err), ERR_SYSTEM, "read the bundle");
	w->artifact.dir_fd = -1;
	expect_error(w, bean_bundle_label(&w->env, label, &w->err), ERR_NOT_FOUND, "gone");
	expect_error(w, bean_bundle_check(&w->env, &w->problems, &w->err), ERR_NOT_FOUND, "gone");
	w->env.artifact = NULL;
	expect_error(w, bean_bundle_check(&w->env, &w->problems, &w->err), ERR_REJECTED,
		     "no input artifact");
	w->artifact.dir_fd = dir_fd;
}

/* A link in a folder could lead anywhere. */
static void a_folder_with_a_link_is_no_bundle(void **state)
{
	char label[BEAN_LABEL_SIZE];
	struct world *w = *state;

	assert_int_equal(mkdirat(w->artifact.dir_fd, "build", 0700), 0);
	assert_int_equal(symlinkat("/etc/passwd", w->artifact.dir_fd, "build/app.py"), 0);
	w->plan.target.beanstalk.bundle = "build";
	expect_error(w, bean_bundle_label(&w->env, label, &w->err), ERR_UNSAFE,
		     "target.beanstalk.bundle");
}

/* --- the version ----------------------------------------------------------------------------- */

static bool make(struct world *w)
{
	bool is_there;

	w->err = ERR_INIT;
	if (bean_version_make(&w->env, "shop", LABEL, &is_there, &w->err))
		fail_msg("%s", w->err.text);
	return is_there;
}

static int make_fails(struct world *w)
{
	bool is_there;

	w->err = ERR_INIT;
	return bean_version_make(&w->env, "shop", LABEL, &is_there, &w->err);
}

static void creation_works(struct world *w)
{
	answers(w, "CreateApplicationVersion",
		"<ApplicationVersion><VersionLabel>" LABEL "</VersionLabel><Status>PROCESSING"
		"</Status></ApplicationVersion>");
	says(w, "CreateStorageLocation", 200,
	     eb_answer(w, "CreateStorageLocation", "<S3Bucket>elasticbeanstalk-1</S3Bucket>"));
	route(w, "PUT", "elasticbeanstalk-1", 200, "")->headers = "ETag: \"e\"\n";
}

static void the_artifacts_own_object_is_taken(void **state)
{
	struct world *w = *state;

	version_is(w, LABEL, NULL);
	creation_works(w);
	assert_false(make(w));
	assert_non_null(strstr(last_body(w, "POST", "Action=CreateApplicationVersion"),
			       "SourceBundle.S3Bucket=pipeline&SourceBundle.S3Key=shop%2Fbuild%2F"
			       "abc.zip&AutoCreateApplication=false&Process=true"));
	assert_int_equal(sent(w, "PUT", ""), 0);
	version_is(w, LABEL, "PROCESSING");
	assert_false(make(w));
	version_is(w, LABEL, "PROCESSED");
	assert_true(make(w));
	version_is(w, LABEL, "UNPROCESSED");
	assert_true(make(w));
	assert_int_equal(called(w, "CreateApplicationVersion"), 1);
}

static void a_copy_is_made_where_beanstalk_cannot_read(void **state)
{
	static const struct {
		int status;
		const char *code, *message;
	} cases[] = {
		{400, "S3LocationNotInServiceRegionException", "another region"},
		{403, "AccessDenied", "no"},
		{403, "InsufficientPrivilegesException", "no"},
		{400, "InvalidParameterValue", "Unable to download from S3 location"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		forget_routes(w);
		version_is(w, LABEL, NULL);
		creation_works(w);
		once(w, "POST", "SourceBundle.S3Bucket=pipeline", cases[i].status,
		     arena_printf(w->f->arena,
				  "<ErrorResponse><Error><Code>%s</Code><Message>%s</Message>"
				  "</Error></ErrorResponse>",
				  cases[i].code, cases[i].message));
		assert_false(make(w));
		assert_int_equal(sent(w, "PUT", "rollout-worker/shop/" LABEL ".zip"), 1);
		assert_non_null(strstr(last_body(w, "POST", "Action=CreateApplicationVersion"),
				       "SourceBundle.S3Bucket=elasticbeanstalk-1"));
		/* encrypted as that bucket is set up, not with a key of ours */
		for (size_t k = 0; k < w->f->n_requests; k++)
			assert_int_equal(fake_header(w->f, k, "x-amz-server-side-encryption").n, 0);
	}
}

static void a_part_of_the_artifact_is_copied(void **state)
{
	struct world *w = *state;

	put_file(w, "app.zip", zip_of(w, "v4"));
	w->plan.target.beanstalk.bundle = "app.zip";
	version_is(w, LABEL, NULL);
	creation_works(w);
	assert_false(make(w));
	assert_string_equal(label_of(w, str_from(last_body(w, "PUT", ""))),
			    label_of(w, str_from(arena_strndup(w->f->arena, zip_of(w, "v4").p,
							       strlen(zip_of(w, "v4").p)))));
	assert_int_equal(sent(w, "PUT", "elasticbeanstalk-1"), 1);
	assert_int_equal(sent(w, "POST", "SourceBundle.S3Bucket=pipeline"), 0);
}

/* Beanstalk takes an object as it is now. */
static void another_version_of_the_object_is_not_taken(void **state)
{
	struct world *w = *state;

	w->artifact.version_id = "v-1";
	version_is(w, LABEL, NULL);
	creation_works(w);
	route(w, "HEAD", "pipeline", 200, "")->headers =
		"Content-Length: 5\nx-amz-version-id: v-1\n";
	assert_false(make(w));
	assert_int_equal(sent(w, "PUT", ""), 0);
	forget_routes(w);
	version_is(w, LABEL, NULL);
	creation_works(w);
	route(w, "HEAD", "pipeline", 200, "")->headers =
		"Content-Length: 5\nx-amz-version-id: v-2\n";
	assert_false(make(w));
	assert_int_equal(sent(w, "PUT", ""), 1);
	/* nor one that cannot be looked at, nor one nobody names */
	forget_routes(w);
	version_is(w, LABEL, NULL);
	creation_works(w);
	route(w, "HEAD", "pipeline", 403, "");
	assert_false(make(w));
	assert_int_equal(sent(w, "PUT", ""), 1);
	w->artifact.bucket = NULL;
	assert_false(make(w));
	assert_int_equal(sent(w, "PUT", ""), 2);
}

static void a_repeated_creation_finds_the_first(void **state)
{
	struct world *w = *state;

	version_is(w, LABEL, NULL);
	refuses(w, "CreateApplicationVersion", 400, "InvalidParameterValue",
		"Application Version " LABEL " already exists.");
	assert_false(make(w));
}

static void what_goes_wrong_is_said(void **state)
{
	struct world *w = *state;

	denied(w, "DescribeApplicationVersions");
	expect_error(w, make_fails(w), ERR_DENIED, "DescribeApplicationVersions");
	version_is(w, LABEL, "FAILED");
	expect_error(w, make_fails(w), ERR_REJECTED, "its source bundle is no good");
	version_is(w, LABEL, NULL);
	refuses(w, "CreateApplicationVersion", 400, "TooManyApplicationVersionsException", "m");
	expect_error(w, make_fails(w), ERR_REJECTED, "TooManyApplicationVersions");
	/* nor can a copy be made */
	denied(w, "CreateApplicationVersion");
	says(w, "CreateStorageLocation", 403,
	     "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>");
	expect_error(w, make_fails(w), ERR_DENIED, "CreateStorageLocation");
	says(w, "CreateStorageLocation", 200,
	     eb_answer(w, "CreateStorageLocation", "<S3Bucket>elasticbeanstalk-1</S3Bucket>"));
	route(w, "PUT", "elasticbeanstalk-1", 403, "<Error><Code>AccessDenied</Code></Error>");
	expect_error(w, make_fails(w), ERR_DENIED, "the role must allow s3:PutObject");
	w->env.artifact = NULL;
	expect_error(w, make_fails(w), ERR_REJECTED, "no input artifact");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, artifact_set_up, artifact_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_label_stands_for_the_content),
		TEST(what_is_no_bundle_is_refused),
		TEST(what_cannot_be_read_is_an_error),
		TEST(a_folder_with_a_link_is_no_bundle),
		TEST(the_artifacts_own_object_is_taken),
		TEST(a_copy_is_made_where_beanstalk_cannot_read),
		TEST(a_part_of_the_artifact_is_copied),
		TEST(another_version_of_the_object_is_not_taken),
		TEST(a_repeated_creation_finds_the_first),
		TEST(what_goes_wrong_is_said),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
