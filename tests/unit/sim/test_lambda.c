#include "tests/unit/sim/services.h"

#include "tests/sim/sim_internal.h"

/* The simulated Lambda, over the wire. */

static struct world *shop(const char *more)
{
	struct world *w = world_new(NULL);
	ctl(w, arena_printf(w->arena, "lambda function checkout code=one alias=live %s", more));
	return w;
}

static const struct json *configuration(struct world *w, const char *qualifier)
{
	lambda(w, "GET", FUNCTIONS "checkout/configuration",
	       qualifier ? arena_printf(w->arena, "Qualifier=%s", qualifier) : NULL, "");
	assert_status(w, 200);
	return body_json(w);
}

static const struct json *alias(struct world *w)
{
	lambda(w, "GET", FUNCTIONS "checkout/aliases/live", NULL, "");
	assert_status(w, 200);
	return body_json(w);
}

static int update_alias(struct world *w, const char *body)
{
	return lambda(w, "PUT", FUNCTIONS "checkout/aliases/live", NULL, body);
}

static int upload(struct world *w, const char *text, const char *more)
{
	struct str zip = make_zip(w->arena, "index.py", text, true);
	return lambda(
		w, "PUT", FUNCTIONS "checkout/code", NULL,
		arena_printf(w->arena, "{\"ZipFile\":\"%s\"%s}", base64(w->arena, zip), more));
}

/* Upload, wait, publish, wait: as a deployment does. */
static void release(struct world *w, const char *text, const char *version)
{
	upload(w, text, "");
	assert_status(w, 200);
	sim_advance(w->sim, 2000);
	lambda(w, "POST", FUNCTIONS "checkout/versions", NULL, "{}");
	assert_status(w, 201);
	assert_text(body_json(w), "Version", version);
	sim_advance(w->sim, 3000);
}

static void test_a_new_function_serves_version_one(void **state)
{
	struct world *w = shop("");
	const struct json *j = alias(w);
	(void)state;
	assert_text(j, "FunctionVersion", "1");
	assert_null(json_get(j, "RoutingConfig"));
	assert_text(j, "AliasArn",
		    "arn:aws:lambda:eu-central-1:111122223333:function:checkout:live");
	j = configuration(w, NULL);
	assert_text(j, "Version", "$LATEST");
	assert_text(j, "State", "Active");
	assert_text(j, "LastUpdateStatus", "Successful");
	assert_text(configuration(w, "1"), "Version", "1");
	assert_text(configuration(w, "live"), "Version", "1");
	assert_text(configuration(w, "live"), "FunctionArn",
		    "arn:aws:lambda:eu-central-1:111122223333:function:checkout:live");
	world_free(w);
}

static void test_names_come_as_arns_too(void **state)
{
	static const char *const names[] = {
		"checkout:live",
		"111122223333%3Afunction%3Acheckout%3Alive",
		"arn%3Aaws%3Alambda%3Aeu-central-1%3A111122223333%3Afunction%3Acheckout%3Alive",
	};
	struct world *w = shop("");
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		lambda(w, "GET", arena_printf(w->arena, FUNCTIONS "%s", names[i]), NULL, "");
		assert_status(w, 200);
		assert_text(body_json(w), "Configuration.Version", "1");
	}
	world_free(w);
}

static void test_what_does_not_exist_is_404(void **state)
{
	struct world *w = shop("");
	(void)state;
	lambda(w, "GET", FUNCTIONS "nobody", NULL, "");
	assert_error(w, 404, "ResourceNotFoundException");
	lambda(w, "GET", FUNCTIONS "checkout", "Qualifier=7", "");
	assert_error(w, 404, "ResourceNotFoundException");
	lambda(w, "GET", FUNCTIONS "checkout/aliases/blue", NULL, "");
	assert_error(w, 404, "ResourceNotFoundException");
	lambda(w, "GET", "/2015-03-31/layers", NULL, "");
	assert_error(w, 404, "UnknownOperationException");
	lambda(w, "PUT", FUNCTIONS "checkout/code", NULL, "{");
	assert_error(w, 400, "InvalidRequestContentException");
	world_free(w);
}

static void test_an_update_takes_its_time(void **state)
{
	struct world *w = shop("update_ms=2000");
	const char *before =
		str_dup(w->arena, json_text(json_get(configuration(w, NULL), "RevisionId")));
	const char *during;
	(void)state;
	upload(w, "two", "");
	assert_status(w, 200);
	assert_text(body_json(w), "LastUpdateStatus", "InProgress");
	during = json_cstr(json_get(body_json(w), "RevisionId"));
	assert_string_not_equal(before, during);
	upload(w, "three", "");
	assert_error(w, 409, "ResourceConflictException");
	lambda(w, "POST", FUNCTIONS "checkout/versions", NULL, "{}");
	assert_error(w, 409, "ResourceConflictException");
	sim_advance(w->sim, 2000);
	assert_text(configuration(w, NULL), "LastUpdateStatus", "Successful");
	/* the end of the update is a revision of its own */
	assert_string_not_equal(json_cstr(json_get(configuration(w, NULL), "RevisionId")), during);
	world_free(w);
}

static void test_an_update_can_fail(void **state)
{
	struct world *w = shop("update=fail");
	(void)state;
	upload(w, "two", "");
	sim_advance(w->sim, 2000);
	assert_text(configuration(w, NULL), "LastUpdateStatus", "Failed");
	assert_text(configuration(w, NULL), "LastUpdateStatusReasonCode", "InternalError");
	upload(w, "three", "");
	sim_advance(w->sim, 2000);
	assert_text(configuration(w, NULL), "LastUpdateStatus", "Successful");
	world_free(w);
}

static void test_revision_ids_are_a_lock(void **state)
{
	struct world *w = shop("");
	const char *rev = json_cstr(json_get(configuration(w, NULL), "RevisionId"));
	(void)state;
	upload(w, "two", ",\"RevisionId\":\"00000000-0000-0000-0000-000000000000\"");
	assert_error(w, 412, "PreconditionFailedException");
	upload(w, "two", arena_printf(w->arena, ",\"RevisionId\":\"%s\"", rev));
	assert_status(w, 200);
	sim_advance(w->sim, 2000);
	lambda(w, "POST", FUNCTIONS "checkout/versions", NULL,
	       arena_printf(w->arena, "{\"RevisionId\":\"%s\"}", rev));
	assert_error(w, 412, "PreconditionFailedException");
	rev = json_cstr(json_get(alias(w), "RevisionId"));
	update_alias(w, arena_printf(w->arena, "{\"RevisionId\":\"%s\"}", rev));
	assert_status(w, 200);
	assert_string_not_equal(json_cstr(json_get(body_json(w), "RevisionId")), rev);
	update_alias(w, arena_printf(w->arena, "{\"RevisionId\":\"%s\"}", rev));
	assert_error(w, 412, "PreconditionFailedException");
	world_free(w);
}

static void test_publishing_makes_a_version_once(void **state)
{
	struct world *w = shop("publish_ms=3000");
	const char *sha;
	(void)state;
	upload(w, "two", "");
	sha = json_cstr(json_get(body_json(w), "CodeSha256"));
	sim_advance(w->sim, 2000);
	lambda(w, "POST", FUNCTIONS "checkout/versions", NULL, "{\"CodeSha256\":\"AAAA\"}");
	assert_error(w, 400, "InvalidParameterValueException");
	lambda(w, "POST", FUNCTIONS "checkout/versions", NULL,
	       arena_printf(w->arena, "{\"CodeSha256\":\"%s\",\"Description\":\"r2\"}", sha));
	assert_status(w, 201);
	assert_text(body_json(w), "Version", "2");
	assert_text(body_json(w), "State", "Pending");
	assert_text(body_json(w), "Description", "r2");
	sim_advance(w->sim, 3000);
	assert_text(configuration(w, "2"), "State", "Active");
	/* nothing changed: the same version again */
	lambda(w, "POST", FUNCTIONS "checkout/versions", NULL, "{}");
	assert_text(body_json(w), "Version", "2");
	/* a changed configuration is a new version */
	lambda(w, "PUT", FUNCTIONS "checkout/configuration", NULL, "{\"MemorySize\":256}");
	assert_status(w, 200);
	sim_advance(w->sim, 2000);
	lambda(w, "POST", FUNCTIONS "checkout/versions", NULL, "{}");
	assert_text(body_json(w), "Version", "3");
	world_free(w);
}

static void test_code_comes_from_s3_and_must_be_a_zip(void **state)
{
	struct world *w = shop("");
	uint8_t digest[SHA256_SIZE];
	struct str zip = make_zip(w->arena, "index.py", "two", false);
	(void)state;
	sim_s3_put_object(w->sim, STR(SIM_ARTIFACT_BUCKET), STR("code.zip"), zip);
	lambda(w, "PUT", FUNCTIONS "checkout/code", NULL,
	       "{\"S3Bucket\":\"" SIM_ARTIFACT_BUCKET "\",\"S3Key\":\"code.zip\"}");
	assert_status(w, 200);
	sha256(zip, digest);
	assert_text(body_json(w), "CodeSha256",
		    base64(w->arena, (struct str){(const char *)digest, SHA256_SIZE}));
	sim_advance(w->sim, 2000);
	lambda(w, "PUT", FUNCTIONS "checkout/code", NULL,
	       "{\"S3Bucket\":\"" SIM_ARTIFACT_BUCKET "\",\"S3Key\":\"none.zip\"}");
	assert_error(w, 400, "InvalidParameterValueException");
	lambda(w, "PUT", FUNCTIONS "checkout/code", NULL, "{\"ZipFile\":\"aGVsbG8=\"}");
	assert_error(w, 400, "InvalidParameterValueException");
	lambda(w, "PUT", FUNCTIONS "checkout/code", NULL, "{\"ZipFile\":\"***\"}");
	assert_error(w, 400, "InvalidParameterValueException");
	lambda(w, "PUT", FUNCTIONS "checkout/code", NULL, "{}");
	assert_error(w, 400, "InvalidParameterValueException");
	lambda(w, "PUT", FUNCTIONS "checkout/code", NULL,
	       "{\"S3Bucket\":\"b\",\"ZipFile\":\"aGVsbG8=\"}");
	assert_error(w, 400, "InvalidParameterValueException");
	upload(w, "three", ",\"DryRun\":true");
	assert_status(w, 200);
	assert_text(configuration(w, NULL), "CodeSha256",
		    base64(w->arena, (struct str){(const char *)digest, SHA256_SIZE}));
	upload(w, "three", ",\"Publish\":true");
	assert_text(body_json(w), "Version", "2");
	world_free(w);
}

static void test_code_decides_how_a_version_behaves(void **state)
{
	struct world *w = shop("errors=0.001");
	const struct json *v;
	(void)state;
	release(w, "# sim: errors=0.30 latency_ms=900 smoke=fail nonsense\nprint(1)\n", "2");
	release(w, "sim: state=Failed", "3");
	v = json_get(ctl(w, "lambda show checkout"), "versions")->first; /* $LATEST, 1, 2, 3 */
	assert_near(number(v->next, "errorRate"), 0.001, 1e-9);
	assert_near(number(v->next->next, "errorRate"), 0.3, 1e-9);
	assert_near(number(v->next->next, "latencyMs"), 900, 1e-9);
	assert_text(configuration(w, "3"), "State", "Failed");
	assert_text(configuration(w, "3"), "StateReasonCode", "FunctionError.RuntimeInitError");
	ctl(w, "lambda version checkout 2 errors=0.5");
	ctl(w, "lambda version checkout 4 smoke=ok reply=\"{\\\"ok\\\":true}\"");
	v = json_get(ctl(w, "lambda show checkout"), "versions")->first;
	assert_near(number(v->next->next, "errorRate"), 0.5, 1e-9);
	release(w, "sim: smoke=fail", "4");
	lambda(w, "POST", FUNCTIONS "checkout/invocations", "Qualifier=4", "{}");
	assert_true(str_is(w->res.body, "{\"ok\":true}"));
	world_free(w);
}

static void test_aliases_keep_routing_unless_told(void **state)
{
	struct world *w = shop("");
	const struct json *j;
	(void)state;
	release(w, "two", "2");
	update_alias(w, "{\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"2\":0.1}}}");
	assert_status(w, 200);
	assert_near(number(body_json(w), "RoutingConfig.AdditionalVersionWeights.2"), 0.1, 1e-9);
	update_alias(w, "{\"Description\":\"x\"}");
	assert_near(number(body_json(w), "RoutingConfig.AdditionalVersionWeights.2"), 0.1, 1e-9);
	update_alias(
		w,
		"{\"FunctionVersion\":\"2\",\"RoutingConfig\":{\"AdditionalVersionWeights\":{}}}");
	assert_status(w, 200);
	j = alias(w);
	assert_text(j, "FunctionVersion", "2");
	assert_null(json_get(j, "RoutingConfig"));
	update_alias(w, "{\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"1\":0.5}}}");
	update_alias(w, "{\"RoutingConfig\":{}}");
	assert_null(json_get(alias(w), "RoutingConfig"));
	world_free(w);
}

static void test_aliases_refuse_what_lambda_refuses(void **state)
{
	static const struct {
		const char *body;
		int status;
		const char *code;
	} cases[] = {
		{"{\"FunctionVersion\":\"9\"}", 404, "ResourceNotFoundException"},
		{"{\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"9\":0.1}}}", 404,
		 "ResourceNotFoundException"},
		{"{\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"2\":0.1,\"3\":0.1}}}", 400,
		 "InvalidParameterValueException"},
		{"{\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"$LATEST\":0.1}}}", 400,
		 "InvalidParameterValueException"},
		{"{\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"2\":1.1}}}", 400,
		 "InvalidParameterValueException"},
		{"{\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"2\":-0.1}}}", 400,
		 "InvalidParameterValueException"},
		{"{\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"1\":0.1}}}", 400,
		 "InvalidParameterValueException"},
		{"{\"FunctionVersion\":\"$LATEST\",\"RoutingConfig\":{\"AdditionalVersionWeights\":"
		 "{\"2\":0.1}}}",
		 400, "InvalidParameterValueException"},
		{"{\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"4\":0.1}}}", 400,
		 "InvalidParameterValueException"}, /* another role */
	};
	struct world *w = shop("");
	const struct sim_split *splits;
	(void)state;
	release(w, "two", "2");
	release(w, "three", "3");
	lambda(w, "PUT", FUNCTIONS "checkout/configuration", NULL,
	       "{\"Role\":\"arn:aws:iam::111122223333:role/other\"}");
	sim_advance(w->sim, 2000);
	lambda(w, "POST", FUNCTIONS "checkout/versions", NULL, "{}");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		update_alias(w, cases[i].body);
		assert_error(w, cases[i].status, cases[i].code);
	}
	assert_text(alias(w), "FunctionVersion", "1");
	assert_int_equal(sim_split_log(w->sim, &splits), 0);
	world_free(w);
}

static void test_every_change_of_a_split_is_recorded(void **state)
{
	struct world *w = shop("");
	const struct sim_split *s;
	(void)state;
	release(w, "two", "2");
	update_alias(w, "{\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"2\":0.05}}}");
	update_alias(w, "{\"FunctionVersion\":\"2\",\"RoutingConfig\":{}}");
	ctl(w, "lambda alias checkout live version=1");
	assert_int_equal(sim_split_log(w->sim, &s), 3);
	assert_string_equal(s[0].resource, "lambda:checkout:live");
	assert_string_equal(s[0].candidate, "2");
	assert_near(s[0].weight, 5, 1e-9);
	assert_string_equal(s[0].baseline, "1");
	assert_string_equal(s[1].candidate, "");
	assert_string_equal(s[1].baseline, "2");
	assert_string_equal(s[2].baseline, "1");
	world_free(w);
}

static void test_aliases_come_and_go(void **state)
{
	struct world *w = shop("");
	(void)state;
	lambda(w, "POST", FUNCTIONS "checkout/aliases", NULL,
	       "{\"Name\":\"staff\",\"FunctionVersion\":\"1\"}");
	assert_status(w, 201);
	lambda(w, "POST", FUNCTIONS "checkout/aliases", NULL,
	       "{\"Name\":\"staff\",\"FunctionVersion\":\"1\"}");
	assert_error(w, 409, "ResourceConflictException");
	lambda(w, "POST", FUNCTIONS "checkout/aliases", NULL,
	       "{\"Name\":\"12\",\"FunctionVersion\":\"1\"}");
	assert_error(w, 400, "InvalidParameterValueException");
	lambda(w, "POST", FUNCTIONS "checkout/aliases", NULL, "{\"Name\":\"x\"}");
	assert_error(w, 400, "InvalidParameterValueException");
	lambda(w, "GET", FUNCTIONS "checkout/aliases", "MaxItems=1", "");
	assert_int_equal(json_get(body_json(w), "Aliases")->n, 1);
	lambda(w, "GET", FUNCTIONS "checkout/aliases",
	       arena_printf(w->arena, "Marker=%s", json_cstr(json_get(body_json(w), "NextMarker"))),
	       "");
	assert_text(json_get(body_json(w), "Aliases")->first, "Name", "staff");
	lambda(w, "GET", FUNCTIONS "checkout/aliases", "Marker=x", "");
	assert_error(w, 400, "InvalidParameterValueException");
	lambda(w, "DELETE", FUNCTIONS "checkout/aliases/staff", NULL, "");
	assert_status(w, 204);
	lambda(w, "GET", FUNCTIONS "checkout/aliases", NULL, "");
	assert_int_equal(json_get(body_json(w), "Aliases")->n, 1);
	world_free(w);
}

static void test_versions_are_listed_and_deleted(void **state)
{
	struct world *w = shop("");
	const struct json *j;
	(void)state;
	release(w, "two", "2");
	lambda(w, "GET", FUNCTIONS "checkout/versions", "MaxItems=2", "");
	j = body_json(w);
	assert_int_equal(json_get(j, "Versions")->n, 2);
	assert_text(json_get(j, "Versions")->first, "Version", "$LATEST");
	assert_text(j, "NextMarker", "2");
	lambda(w, "GET", FUNCTIONS "checkout/versions", "MaxItems=2&Marker=2", "");
	assert_text(json_get(body_json(w), "Versions")->first, "Version", "2");
	assert_null(json_get(body_json(w), "NextMarker"));
	lambda(w, "DELETE", FUNCTIONS "checkout", "Qualifier=1", "");
	assert_error(w, 409, "ResourceConflictException");
	update_alias(w, "{\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"2\":0}}}");
	lambda(w, "DELETE", FUNCTIONS "checkout", "Qualifier=2", "");
	assert_error(w, 409, "ResourceConflictException");
	update_alias(w, "{\"RoutingConfig\":{}}");
	lambda(w, "DELETE", FUNCTIONS "checkout", "Qualifier=2", "");
	assert_status(w, 204);
	lambda(w, "GET", FUNCTIONS "checkout", "Qualifier=2", "");
	assert_error(w, 404, "ResourceNotFoundException");
	lambda(w, "DELETE", FUNCTIONS "checkout", "Qualifier=%24LATEST", "");
	assert_error(w, 400, "InvalidParameterValueException");
	release(w, "two", "3"); /* numbers are never used again */
	lambda(w, "DELETE", FUNCTIONS "checkout", NULL, "");
	assert_status(w, 204);
	lambda(w, "GET", FUNCTIONS "checkout", NULL, "");
	assert_error(w, 404, "ResourceNotFoundException");
	world_free(w);
}

/* POST with an extra header. */
static int invoke(struct world *w, const char *qualifier, const char *name, const char *value,
		  const char *body)
{
	struct ask q = {.method = "POST",
			.host = "lambda." WORLD_REGION ".amazonaws.com",
			.path = FUNCTIONS "checkout/invocations",
			.query = arena_printf(w->arena, "Qualifier=%s", qualifier),
			.service = "lambda",
			.body = str_from(body)};
	ask_header(&q, name, value);
	return ask_send(w, &q);
}

static void test_invoke_runs_a_version(void **state)
{
	struct world *w = shop("");
	(void)state;
	release(w, "sim: smoke=fail", "2");
	assert_int_equal(invoke(w, "1", "X-Amz-Log-Type", "Tail", "{}"), 200);
	assert_true(str_is(res_header(w, "x-amz-executed-version"), "1"));
	assert_int_equal(res_header(w, "x-amz-function-error").n, 0);
	assert_true(res_header(w, "x-amz-log-result").n > 0);
	assert_text(body_json(w), "version", "1");
	assert_int_equal(invoke(w, "2", "X-Amz-Log-Type", "None", "{}"), 200);
	assert_true(str_is(res_header(w, "x-amz-function-error"), "Unhandled"));
	assert_int_equal(res_header(w, "x-amz-log-result").n, 0);
	assert_text(body_json(w), "errorMessage", "simulated failure");
	ctl(w, "lambda version checkout 2 smoke=timeout");
	invoke(w, "2", "X-Amz-Log-Type", "None", "{}");
	assert_text(body_json(w), "errorType", "Sandbox.Timedout");
	assert_int_equal(invoke(w, "2", "X-Amz-Invocation-Type", "Event", "{}"), 202);
	assert_int_equal(invoke(w, "2", "X-Amz-Invocation-Type", "DryRun", "{}"), 204);
	invoke(w, "2", "X-Amz-Invocation-Type", "Maybe", "{}");
	assert_error(w, 400, "InvalidParameterValueException");
	invoke(w, "1", "X-Amz-Log-Type", "None", "not json");
	assert_error(w, 400, "InvalidRequestContentException");
	ctl(w, "lambda version checkout 2 smoke=throttle");
	invoke(w, "2", "X-Amz-Log-Type", "None", "{}");
	assert_error(w, 429, "TooManyRequestsException");
	world_free(w);
}

static void test_invoke_follows_the_weights(void **state)
{
	struct world *w = shop("");
	size_t seen = 0;
	(void)state;
	release(w, "two", "2");
	update_alias(w, "{\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"2\":0.25}}}");
	for (int i = 0; i < 400; i++) {
		invoke(w, "live", "X-Amz-Log-Type", "None", "");
		seen += str_is(res_header(w, "x-amz-executed-version"), "2");
	}
	assert_in_range(seen, 60, 145); /* 100, and five standard deviations */
	world_free(w);
}

static void test_a_pending_version_is_not_invoked(void **state)
{
	struct world *w = shop("publish_ms=5s");
	(void)state;
	upload(w, "two", "");
	sim_advance(w->sim, 2000);
	lambda(w, "POST", FUNCTIONS "checkout/versions", NULL, "{}");
	invoke(w, "2", "X-Amz-Log-Type", "None", "{}");
	assert_error(w, 409, "ResourceConflictException");
	sim_advance(w->sim, 5000);
	assert_int_equal(invoke(w, "2", "X-Amz-Log-Type", "None", "{}"), 200);
	world_free(w);
}

#define PROVISIONED "/2019-09-30/functions/checkout/provisioned-concurrency"

static void test_provisioned_concurrency_is_allocated(void **state)
{
	struct world *w = shop("provision_ms=60s");
	(void)state;
	lambda(w, "GET", PROVISIONED, "Qualifier=1", "");
	assert_error(w, 404, "ProvisionedConcurrencyConfigNotFoundException");
	lambda(w, "PUT", PROVISIONED, "Qualifier=1", "{\"ProvisionedConcurrentExecutions\":5}");
	assert_status(w, 202);
	assert_text(body_json(w), "Status", "IN_PROGRESS");
	sim_advance(w->sim, 60000);
	lambda(w, "GET", PROVISIONED, "Qualifier=1", "");
	assert_text(body_json(w), "Status", "READY");
	assert_near(number(body_json(w), "AvailableProvisionedConcurrentExecutions"), 5, 0);
	ctl(w, "lambda provision checkout 1 status=FAILED");
	lambda(w, "GET", PROVISIONED, "Qualifier=1", "");
	assert_text(body_json(w), "Status", "FAILED");
	lambda(w, "DELETE", PROVISIONED, "Qualifier=1", "");
	assert_status(w, 204);
	lambda(w, "PUT", PROVISIONED, "Qualifier=1", "{\"ProvisionedConcurrentExecutions\":0}");
	assert_error(w, 400, "InvalidParameterValueException");
	lambda(w, "PUT", PROVISIONED, "Qualifier=%24LATEST",
	       "{\"ProvisionedConcurrentExecutions\":1}");
	assert_error(w, 400, "InvalidParameterValueException");
	world_free(w);
}

static void test_weights_and_provisioned_aliases_exclude_each_other(void **state)
{
	struct world *w = shop("");
	(void)state;
	release(w, "two", "2");
	lambda(w, "PUT", PROVISIONED, "Qualifier=live", "{\"ProvisionedConcurrentExecutions\":5}");
	assert_status(w, 202);
	update_alias(w, "{\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"2\":0.1}}}");
	assert_error(w, 400, "InvalidParameterValueException");
	lambda(w, "PUT", PROVISIONED, "Qualifier=1", "{\"ProvisionedConcurrentExecutions\":5}");
	assert_error(w, 409, "ResourceConflictException");
	sim_advance(w->sim, 60000);
	update_alias(w, "{\"FunctionVersion\":\"2\"}");
	assert_status(w, 200);
	lambda(w, "GET", PROVISIONED, "Qualifier=live", "");
	assert_text(body_json(w), "Status", "IN_PROGRESS"); /* allocated anew */
	lambda(w, "DELETE", PROVISIONED, "Qualifier=live", "");
	update_alias(w, "{\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"1\":0.1}}}");
	assert_status(w, 200);
	lambda(w, "PUT", PROVISIONED, "Qualifier=live", "{\"ProvisionedConcurrentExecutions\":5}");
	assert_error(w, 400, "InvalidParameterValueException");
	world_free(w);
}

static void test_control_refuses_nonsense(void **state)
{
	struct world *w = shop("");
	(void)state;
	ctl_refused(w, "lambda function", "name");
	ctl_refused(w, "lambda function other code=@/nonexistent/x", "open");
	ctl_refused(w, "lambda function other errors=2", "errors");
	ctl_refused(w, "lambda function other rps=-1", "rps");
	ctl_refused(w, "lambda function other update_ms=soon", "update_ms");
	ctl_refused(w, "lambda function other update=maybe", "update");
	ctl_refused(w, "lambda version checkout two errors=0.1", "two");
	ctl_refused(w, "lambda version checkout 1 smoke=perhaps", "smoke");
	ctl_refused(w, "lambda version checkout 1 state=Odd", "state");
	ctl_refused(w, "lambda alias checkout live version=9", "version");
	ctl_refused(w, "lambda alias checkout live weight=x", "weight");
	ctl_refused(w, "lambda alias checkout other version=9", "version");
	lambda(w, "GET", FUNCTIONS "checkout/aliases/other", NULL, "");
	assert_error(w, 404, "ResourceNotFoundException");
	ctl_refused(w, "lambda provision checkout 9 n=1", "provision");
	ctl_refused(w, "lambda show nobody", "nobody");
	ctl_refused(w, "lambda dance checkout", "dance");
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_new_function_serves_version_one),
		cmocka_unit_test(test_names_come_as_arns_too),
		cmocka_unit_test(test_what_does_not_exist_is_404),
		cmocka_unit_test(test_an_update_takes_its_time),
		cmocka_unit_test(test_an_update_can_fail),
		cmocka_unit_test(test_revision_ids_are_a_lock),
		cmocka_unit_test(test_publishing_makes_a_version_once),
		cmocka_unit_test(test_code_comes_from_s3_and_must_be_a_zip),
		cmocka_unit_test(test_code_decides_how_a_version_behaves),
		cmocka_unit_test(test_aliases_keep_routing_unless_told),
		cmocka_unit_test(test_aliases_refuse_what_lambda_refuses),
		cmocka_unit_test(test_every_change_of_a_split_is_recorded),
		cmocka_unit_test(test_aliases_come_and_go),
		cmocka_unit_test(test_versions_are_listed_and_deleted),
		cmocka_unit_test(test_invoke_runs_a_version),
		cmocka_unit_test(test_invoke_follows_the_weights),
		cmocka_unit_test(test_a_pending_version_is_not_invoked),
		cmocka_unit_test(test_provisioned_concurrency_is_allocated),
		cmocka_unit_test(test_weights_and_provisioned_aliases_exclude_each_other),
		cmocka_unit_test(test_control_refuses_nonsense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
