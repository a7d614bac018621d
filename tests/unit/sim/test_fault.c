#include "tests/unit/sim/simtest.h"

static int put(struct world *w, const char *body)
{
	struct ask q = {.body = str_from(body)};

	return s3(w, &q, "PUT", "/files/k");
}

/* What the object holds, read past all faults. */
static const char *content(struct world *w)
{
	return json_cstr(json_get(ctl(w, "s3 get files k"), "text"));
}

static struct world *with_object(void)
{
	struct world *w = world_new(NULL);

	ctl(w, "s3 put files k text=old");
	return w;
}

static void test_each_kind(void **state)
{
	static const struct {
		enum sim_fault kind;
		int status; /* -1: no answer */
		enum err_code code;
		bool sent, effect;
	} cases[] = {
		{SIM_FAULT_REFUSED, -1, ERR_NETWORK, false, false},
		{SIM_FAULT_TIMEOUT_BEFORE, -1, ERR_TIMEOUT, true, false},
		{SIM_FAULT_TIMEOUT_AFTER, -1, ERR_TIMEOUT, true, true},
		{SIM_FAULT_500, 500, ERR_OK, false, false},
		{SIM_FAULT_500_AFTER, 500, ERR_OK, false, true},
		{SIM_FAULT_THROTTLED, 503, ERR_OK, false, false},
		{SIM_FAULT_TRUNCATED, -1, ERR_NETWORK, true, true},
		{SIM_FAULT_GARBAGE, 200, ERR_OK, false, true},
		{SIM_FAULT_EXPIRED_TOKEN, 400, ERR_OK, false, false},
		{SIM_FAULT_CRASH_BEFORE, -1, ERR_CANCELED, true, false},
		{SIM_FAULT_CRASH_AFTER, -1, ERR_CANCELED, true, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world *w = with_object();
		const struct sim_call *log;
		size_t n;

		sim_fault_at(w->sim, 1, cases[i].kind, 1);
		assert_false(sim_fault_hit(w->sim));
		assert_int_equal(put(w, "new"), cases[i].status);
		assert_true(sim_fault_hit(w->sim));
		if (cases[i].status < 0) {
			assert_int_equal(w->err.code, cases[i].code);
			assert_int_equal(w->err.sent, cases[i].sent);
		}
		assert_string_equal(content(w), cases[i].effect ? "new" : "old");
		n = sim_call_log(w->sim, &log);
		assert_int_equal(n, 1);
		assert_string_equal(log[0].operation, "PutObject");
		assert_int_equal(log[0].status, cases[i].status < 0 ? 0 : cases[i].status);
		sim_resume(w->sim);
		assert_int_equal(put(w, "newer"), 200);
		world_free(w);
	}
}

static void test_nth_call_and_times(void **state)
{
	struct world *w = with_object();

	(void)state;
	assert_int_equal(put(w, "0"), 200);
	sim_fault_at(w->sim, 3, SIM_FAULT_500, 2);
	assert_int_equal(put(w, "1"), 200);
	assert_int_equal(put(w, "2"), 200);
	assert_false(sim_fault_hit(w->sim));
	assert_int_equal(put(w, "3"), 500);
	assert_int_equal(put(w, "4"), 500);
	assert_int_equal(put(w, "5"), 200);
	assert_true(sim_fault_hit(w->sim));
	sim_fault_at(w->sim, 1, SIM_FAULT_500, 0); /* at least once */
	assert_false(sim_fault_hit(w->sim));
	assert_int_equal(put(w, "6"), 500);
	assert_int_equal(put(w, "7"), 200);
	assert_int_equal(sim_calls(w->sim), 8);
	world_free(w);
}

static void test_only_one_service(void **state)
{
	struct world *w = with_object();

	(void)state;
	sim_fault_service(w->sim, "codepipeline");
	sim_fault_at(w->sim, 2, SIM_FAULT_THROTTLED, 1);
	assert_int_equal(put(w, "1"), 200);
	assert_int_equal(cp(w, "PollForJobs", "{}"), 400);
	assert_string_equal(code(w), "ValidationException");
	assert_int_equal(put(w, "2"), 200);
	assert_int_equal(cp(w, "PollForJobs", "{}"), 400);
	assert_string_equal(code(w), "ThrottlingException");
	sim_fault_service(w->sim, NULL);
	sim_fault_at(w->sim, 1, SIM_FAULT_500, 1);
	assert_int_equal(put(w, "3"), 500);
	assert_string_equal(code(w), "InternalError");
	world_free(w);
}

static void test_only_one_operation(void **state)
{
	struct world *w = with_object();

	(void)state;
	sim_fault_operation(w->sim, "PutObject");
	sim_fault_at(w->sim, 1, SIM_FAULT_500, 1);
	assert_int_equal(sts(w, "Action=GetCallerIdentity"), 200);
	assert_int_equal(put(w, "1"), 500);
	sim_fault_operation(w->sim, NULL);
	sim_fault_at(w->sim, 1, SIM_FAULT_500, 1);
	assert_int_equal(sts(w, "Action=GetCallerIdentity"), 500);
	ctl(w, "sim fault kind=500 operation=PutObject");
	assert_int_equal(sts(w, "Action=GetCallerIdentity"), 200);
	assert_int_equal(put(w, "2"), 500);
	world_free(w);
}

static void test_words_of_each_protocol(void **state)
{
	struct world *w = with_object();

	(void)state;
	sim_fault_at(w->sim, 1, SIM_FAULT_500, 2);
	assert_int_equal(cp(w, "PollForJobs", "{}"), 500);
	assert_string_equal(code(w), "InternalFailure");
	assert_int_equal(sts(w, "Action=GetCallerIdentity"), 500);
	assert_string_equal(code(w), "InternalFailure");
	sim_fault_at(w->sim, 1, SIM_FAULT_EXPIRED_TOKEN, 3);
	assert_int_equal(cp(w, "PollForJobs", "{}"), 400);
	assert_string_equal(code(w), "ExpiredTokenException");
	assert_int_equal(sts(w, "Action=GetCallerIdentity"), 403);
	assert_string_equal(code(w), "ExpiredToken");
	assert_int_equal(put(w, "x"), 400);
	assert_string_equal(code(w), "ExpiredToken");
	sim_fault_at(w->sim, 1, SIM_FAULT_THROTTLED, 2);
	assert_int_equal(sts(w, "Action=GetCallerIdentity"), 400);
	assert_string_equal(code(w), "Throttling");
	assert_int_equal(put(w, "x"), 503);
	assert_string_equal(code(w), "SlowDown");
	sim_fault_at(w->sim, 1, SIM_FAULT_GARBAGE, 1);
	assert_int_equal(sts(w, "Action=GetCallerIdentity"), 200);
	assert_string_equal(code(w), ""); /* neither JSON nor XML */
	world_free(w);
}

static void count_crash(void *arg)
{
	++*(int *)arg;
}

static void test_crash_until_resume(void **state)
{
	struct world *w = with_object();
	int crashes = 0;

	(void)state;
	sim_on_crash(w->sim, count_crash, &crashes);
	sim_fault_at(w->sim, 2, SIM_FAULT_CRASH_AFTER, 1);
	assert_int_equal(put(w, "1"), 200);
	assert_int_equal(put(w, "2"), -1);
	assert_int_equal(crashes, 1);
	assert_int_equal(put(w, "3"), -1);
	assert_int_equal(w->err.code, ERR_CANCELED);
	assert_int_equal(cp(w, "PollForJobs", "{}"), -1);
	assert_int_equal(crashes, 1);
	assert_int_equal(sim_calls(w->sim), 2); /* the dead make no calls */
	assert_string_equal(content(w), "2");
	sim_resume(w->sim);
	assert_int_equal(put(w, "4"), 200);
	assert_int_equal(crashes, 1);
	world_free(w);
}

static int take(void *arg, const char *p, size_t n, struct err *err)
{
	(void)p;
	(void)err;
	*(size_t *)arg += n;
	return 0;
}

static void test_truncated_stream(void **state)
{
	struct world *w = world_new(NULL);
	size_t got = 0;
	struct http_request r = {
		.method = "GET", .url = "https://x.example/k", .on_body = take, .on_arg = &got};

	(void)state;
	ctl(w, "web page x.example /k body=0123456789");
	sim_fault_at(w->sim, 1, SIM_FAULT_TRUNCATED, 1);
	assert_int_equal(http_send(sim_http(w->sim), &r, w->arena, &w->res, NULL, &w->err), -1);
	assert_int_equal(w->err.code, ERR_NETWORK);
	assert_int_equal(got, 5);
	world_free(w);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(sim_fault_name(SIM_FAULT_TIMEOUT_AFTER), "timeout-after");
	for (int i = 0; i < SIM_FAULT_COUNT; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(sim_fault_name((enum sim_fault)i),
						sim_fault_name((enum sim_fault)j));
	assert_string_equal(sim_fault_name(SIM_FAULT_COUNT), "unknown");
}

static void test_commands(void **state)
{
	struct world *w = with_object();

	(void)state;
	ctl(w, "sim fault n=2 kind=500 service=s3 times=2");
	assert_int_equal(cp(w, "PollForJobs", "{}"), 400);
	assert_int_equal(put(w, "1"), 200);
	assert_int_equal(put(w, "2"), 500);
	assert_int_equal(put(w, "3"), 500);
	assert_int_equal(put(w, "4"), 200);
	ctl(w, "sim fault kind=crash-before");
	assert_int_equal(cp(w, "PollForJobs", "{}"), -1);
	ctl(w, "sim resume");
	assert_int_equal(cp(w, "PollForJobs", "{}"), 400);
	ctl_refused(w, "sim fault kind=dance", "dance");
	ctl_refused(w, "sim fault kind=500 n=0", "n must");
	ctl_refused(w, "sim fault kind=500 times=x", "times must");
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_kind),
		cmocka_unit_test(test_nth_call_and_times),
		cmocka_unit_test(test_only_one_service),
		cmocka_unit_test(test_only_one_operation),
		cmocka_unit_test(test_words_of_each_protocol),
		cmocka_unit_test(test_crash_until_resume),
		cmocka_unit_test(test_truncated_stream),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
