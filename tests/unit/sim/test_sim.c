#include "tests/unit/sim/simtest.h"

#include "aws/core/cancel.h"
#include "tests/sim/sim_internal.h"

static void test_time_moves_only_when_told(void **state)
{
	struct world *w = world_new(NULL);
	int64_t start = sim_now(w->sim).ms;
	struct clock *c = sim_clock(w->sim);
	struct cancel *cancel = cancel_new();
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(start, 1767607200000);
	sim_advance(w->sim, 1500);
	assert_int_equal(sim_now(w->sim).ms, start + 1500);
	sim_advance(w->sim, -5);
	assert_int_equal(sim_now(w->sim).ms, start + 1500);
	assert_int_equal(clock_sleep(c, 60000, cancel, &err), 0);
	assert_int_equal(clock_utc(c).ms, start + 61500);
	assert_int_equal(clock_mono(c).ms, 61500);
	cancel_fire(cancel);
	assert_int_equal(clock_sleep(c, 60000, cancel, &err), -1);
	assert_int_equal(err.code, ERR_CANCELED);
	assert_int_equal(clock_utc(c).ms, start + 61500);
	assert_int_equal(clock_real_ms(c, 10), 1);
	cancel_free(cancel);
	world_free(w);
}

static void test_requests_find_their_service(void **state)
{
	static const struct {
		const char *host, *service, *op;
		const char *sent_to;
	} cases[] = {
		{"codepipeline.eu-central-1.amazonaws.com", "codepipeline", "PollForJobs",
		 "codepipeline"},
		{"127.0.0.1:8080", "codepipeline", "PollForJobs", "codepipeline"},
		{"example.com", NULL, "", "web"},
		{"169.254.169.254", NULL, "", "imds"},
		{"glue.eu-central-1.amazonaws.com", "glue", "GetJobs", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world *w = world_new(NULL);
		struct ask q = {.method = "POST",
				.host = cases[i].host,
				.path = "/",
				.service = cases[i].service,
				.body = STR("{}")};
		const struct sim_call *log;

		if (cases[i].op[0])
			ask_header(&q, "X-Amz-Target",
				   arena_printf(w->arena, "%s.%s",
						i < 2 ? "CodePipeline_20150709" : "Other",
						cases[i].op));
		assert_true(ask_send(w, &q) >= 400);
		assert_int_equal(sim_call_log(w->sim, &log), 1);
		assert_string_equal(log[0].service, cases[i].sent_to);
		if (cases[i].sent_to[0] == 'c')
			assert_string_equal(log[0].operation, "PollForJobs");
		assert_int_equal(log[0].status, w->res.status);
		world_free(w);
	}
}

static void test_answers_carry_date_and_request_id(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	assert_int_equal(cp(w, "PollForJobs", "{}"), 400);
	assert_string_equal(code(w), "ValidationException");
	assert_true(str_is(res_header(w, "date"), "Mon, 05 Jan 2026 10:00:00 GMT"));
	assert_int_equal(res_header(w, "x-amzn-requestid").n, 36);
	assert_true(str_is(res_header(w, "content-type"), "application/x-amz-json-1.1"));
	sim_advance(w->sim, INT64_C(55) * 86400 * 1000 + 3723000);
	assert_int_equal(cp(w, "PollForJobs", "{}"), 400);
	assert_true(str_is(res_header(w, "date"), "Sun, 01 Mar 2026 11:02:03 GMT"));
	assert_int_equal(cp(w, "NoSuchThing", "{}"), 404);
	assert_string_equal(code(w), "UnknownOperationException");
	assert_int_equal(cp(w, "PollForJobs", "{"), 400);
	assert_string_equal(code(w), "SerializationException");
	world_free(w);
}

static void test_http_date_days(void **state)
{
	char d[32];

	(void)state;
	sim_http_date((struct utc){0}, d);
	assert_string_equal(d, "Thu, 01 Jan 1970 00:00:00 GMT");
	sim_http_date((struct utc){INT64_C(951782399999)}, d);
	assert_string_equal(d, "Mon, 28 Feb 2000 23:59:59 GMT");
}

static void test_same_seed_same_ids(void **state)
{
	struct sim_options o = sim_options_default();
	char id[3][RNG_UUID_SIZE];

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct world *w;

		o.seed = i == 2 ? 8 : 7;
		w = world_new(&o);
		ctl(w, "codepipeline action-type Deploy Rollout 1");
		ctl(w, "codepipeline pipeline p action=A type=Deploy/Rollout/1");
		assert_int_equal(sim_push(w->sim, "p", STR("zip"), id[i], &w->err), 0);
		world_free(w);
	}
	assert_string_equal(id[0], id[1]);
	assert_string_not_equal(id[0], id[2]);
}

static void test_worker_randomness_is_its_own_stream(void **state)
{
	struct world *w = world_new(NULL);
	struct rng_seeded same;

	(void)state;
	rng_seeded_init(&same, 1);
	assert_int_not_equal(rng_u64(sim_rng(w->sim)), rng_u64(&same.rng));
	world_free(w);
}

static void test_words(void **state)
{
	struct world *w = world_new(NULL);
	const struct json *a;

	(void)state;
	assert_null(ctl(w, ""));
	assert_null(ctl(w, "   # a comment"));
	ctl(w, "web page h /x body=\"two words\\n\\\"quoted\\\"\" status=201");
	a = ctl(w, "web show");
	assert_int_equal(a->n, 1);
	ctl_refused(w, "web page h", "path");
	ctl_refused(w, "web page h /x status=99", "status");
	ctl_refused(w, "web dance", "dance");
	ctl_refused(w, "dance", "dance");
	ctl_refused(w, "sim dance", "dance");
	ctl_refused(w, "web page h /x body=\"open", "quote");
	ctl_refused(w,
		    "a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a "
		    "a a a a a a a a a a a a a a a a a a a a a a a a a a a a",
		    "words");
	world_free(w);
}

static void test_values(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} cases[] = {{"250", 250},
		     {"250ms", 250},
		     {"30s", 30000},
		     {"10m", 600000},
		     {"2h", 7200000},
		     {"1d", 86400000},
		     {"", -1},
		     {"s", -1},
		     {"-1s", -1},
		     {"1.5h", -1},
		     {"9999999999999h", -1},
		     {"1w", -1}};
	struct sim_words w = {.n = 3, .word = {STR("k=v"), STR("flag=true"), STR("x=1.5")}};
	bool flag = false;
	double d;
	int64_t i;

	(void)state;
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		int64_t ms = -1;

		assert_int_equal(sim_parse_ms(str_from(cases[n].text), &ms), cases[n].ms >= 0);
		assert_int_equal(ms, cases[n].ms);
	}
	assert_true(str_is(sim_word_value(&w, "k"), "v"));
	assert_int_equal(sim_word_value(&w, "fla").n, 0);
	assert_true(sim_word_bool(&w, "flag", &flag) && flag);
	assert_false(sim_word_bool(&w, "k", &flag));
	assert_true(sim_word_double(&w, "x", &d) && d > 1.4 && d < 1.6);
	assert_false(sim_word_i64(&w, "x", &i));
	assert_int_equal(sim_word(&w, 3).n, 0);
}

static void test_form(void **state)
{
	struct arena *a = arena_new();
	struct sim_form *f = sim_form_parse(a, STR("A=1&B=x+y%20z%2&C=&D&A=2"));

	(void)state;
	assert_int_equal(f->n, 5);
	assert_true(str_is(sim_form_get(f, "A"), "1"));
	assert_true(str_is(sim_form_get(f, "B"), "x y z%2"));
	assert_int_equal(sim_form_get(f, "C").n, 0);
	assert_int_equal(sim_form_get(f, "E").n, 0);
	assert_int_equal(sim_form_get(NULL, "A").n, 0);
	assert_string_equal(sim_uri_decode(a, STR("a+b%2Fc%zz%4")), "a+b/c%zz%4");
	arena_free(a);
}

static void test_engine_commands(void **state)
{
	struct world *w = world_new(NULL);
	const struct json *a;
	int64_t ms;

	(void)state;
	a = ctl(w, "sim advance 10m");
	assert_true(json_i64(json_get(a, "nowMs"), &ms));
	assert_int_equal(ms, 1767607800000);
	assert_true(str_is(json_text(json_get(ctl(w, "sim now"), "now")), "2026-01-05T10:10:00Z"));
	ctl_refused(w, "sim advance soon", "soon");
	ctl(w, "sim set noise=true redelivery=5s throttle_rate=0.25 nonce_moves=true");
	assert_true(sim_opts(w->sim)->noise);
	assert_int_equal(sim_opts(w->sim)->redelivery_ms, 5000);
	ctl_refused(w, "sim set dance=1", "dance");
	ctl_refused(w, "sim set noise=maybe", "noise");
	ctl_refused(w, "sim set throttle_rate=2", "throttle_rate");
	ctl_refused(w, "sim set continuation_delay_min=1h", "continuation_delay");
	ctl(w, "sim set throttle_rate=0");
	sim_record_split(w->sim, "lambda:f:live", "2", 5.0, "1");
	assert_int_equal(ctl(w, "sim splits")->n, 1);
	assert_int_equal(ctl(w, "sim splits resource=other")->n, 0);
	(void)cp(w, "PollForJobs", "{}");
	(void)sts(w, "Action=GetCallerIdentity&Version=2011-06-15");
	assert_int_equal(ctl(w, "sim calls")->n, 2);
	assert_int_equal(ctl(w, "sim calls service=sts")->n, 1);
	assert_int_equal(ctl(w, "sim calls operation=PollForJobs")->n, 1);
	assert_int_equal(sim_call_count(w->sim, "sts", "GetCallerIdentity"), 1);
	assert_int_equal(sim_call_count(w->sim, NULL, NULL), 2);
	assert_int_equal(sim_calls(w->sim), 2);
	world_free(w);
}

static void test_splits_are_copied(void **state)
{
	struct world *w = world_new(NULL);
	const struct sim_split *log;
	char resource[] = "lambda:f:live";

	(void)state;
	for (int i = 0; i < 100; i++) {
		sim_record_split(w->sim, resource, "2", i, "1");
		sim_advance(w->sim, 1000);
	}
	resource[0] = 'X';
	assert_int_equal(sim_split_log(w->sim, &log), 100);
	assert_string_equal(log[0].resource, "lambda:f:live");
	assert_true(log[99].weight > 98.5 && log[99].weight < 99.5);
	assert_int_equal(log[99].at.ms, 1767607200000 + 99000);
	world_free(w);
}

static int get(struct world *w, const char *method, const char *host, const char *path)
{
	struct ask q = {.method = method, .host = host, .path = path};

	return ask_send(w, &q);
}

static void test_web_pages(void **state)
{
	struct world *w = world_new(NULL);
	struct ask q = {
		.method = "POST", .host = "any.example", .path = "/hook", .body = STR("hello")};
	const struct json *a;

	(void)state;
	ctl(w, "web page test.example.com /health body=ok fails_in=5m fails_for=10m");
	ctl(w, "web page * /hook status=204");
	assert_int_equal(get(w, "GET", "test.example.com", "/health"), 200);
	assert_true(str_is(w->res.body, "ok"));
	assert_int_equal(get(w, "GET", "test.example.com", "/other"), 404);
	assert_int_equal(get(w, "GET", "other.example.com", "/health"), 404);
	assert_int_equal(ask_send(w, &q), 204);
	sim_advance(w->sim, 300000);
	assert_int_equal(get(w, "GET", "test.example.com", "/health"), 500);
	sim_advance(w->sim, 600000);
	assert_int_equal(get(w, "GET", "test.example.com", "/health"), 200);
	a = ctl(w, "web show");
	assert_true(str_is(json_text(json_get(a->first, "lastBody")), "hello"));
	world_free(w);
}

static int get_meta(struct world *w, const char *path, const char *token)
{
	struct ask q = {.method = "GET", .host = "169.254.169.254", .path = path};

	if (token)
		ask_header(&q, "x-aws-ec2-metadata-token", token);
	return ask_send(w, &q);
}

static int put_token(struct world *w, const char *ttl)
{
	struct ask q = {.method = "PUT", .host = "169.254.169.254", .path = "/latest/api/token"};

	if (ttl)
		ask_header(&q, "x-aws-ec2-metadata-token-ttl-seconds", ttl);
	return ask_send(w, &q);
}

static void test_imds(void **state)
{
	static const char credentials[] =
		"/latest/meta-data/iam/security-credentials/rollout-worker";
	struct world *w = world_new(NULL);
	const struct json *a;
	const char *token;

	(void)state;
	assert_int_equal(put_token(w, NULL), 400);
	assert_int_equal(put_token(w, "21601"), 400);
	assert_int_equal(get_meta(w, "/latest/api/token", NULL), 405);
	assert_int_equal(get_meta(w, "/latest/meta-data/placement/region", NULL), 401);
	assert_int_equal(put_token(w, "60"), 200);
	token = str_dup(w->arena, w->res.body);
	assert_int_equal(get_meta(w, "/latest/meta-data/placement/region", token), 200);
	assert_true(str_is(w->res.body, SIM_REGION));
	assert_int_equal(get_meta(w, "/latest/meta-data/instance-id", token), 200);
	assert_int_equal(get_meta(w, "/latest/meta-data/nothing", token), 404);
	assert_int_equal(get_meta(w, "/latest/dynamic/instance-identity/document", token), 200);
	assert_true(str_is(json_text(json_get(body_json(w), "accountId")), SIM_ACCOUNT));
	assert_int_equal(get_meta(w, "/latest/meta-data/iam/security-credentials/", token), 200);
	assert_true(str_is(w->res.body, "rollout-worker"));
	assert_int_equal(get_meta(w, credentials, token), 200);
	a = body_json(w);
	assert_true(str_is(json_text(json_get(a, "Code")), "Success"));
	w->key = json_cstr(json_get(a, "AccessKeyId"));
	w->secret = json_cstr(json_get(a, "SecretAccessKey"));
	w->token = json_cstr(json_get(a, "Token"));
	assert_int_equal(sts(w, "Action=GetCallerIdentity&Version=2011-06-15"), 200);
	assert_string_equal(xml_cstr(body_xml(w), "GetCallerIdentityResult/Arn"),
			    "arn:aws:sts::111122223333:assumed-role/rollout-worker/"
			    "i-0123456789abcdef0");
	/* the same set until shortly before its end */
	assert_int_equal(get_meta(w, credentials, token), 200);
	assert_true(str_is(json_text(json_get(body_json(w), "AccessKeyId")), w->key));
	sim_advance(w->sim, 60000);
	assert_int_equal(get_meta(w, credentials, token), 401);
	sim_advance(w->sim, INT64_C(6) * 3600000);
	assert_int_equal(put_token(w, "60"), 200);
	token = str_dup(w->arena, w->res.body);
	assert_int_equal(get_meta(w, credentials, token), 200);
	assert_false(str_is(json_text(json_get(body_json(w), "AccessKeyId")), w->key));
	world_free(w);
}

static void test_imds_settings(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	ctl(w, "imds set v1=true role=other code=AssumeRoleUnauthorizedAccess");
	assert_int_equal(get_meta(w, "/latest/meta-data/iam/security-credentials/other", NULL),
			 200);
	assert_true(
		str_is(json_text(json_get(body_json(w), "Code")), "AssumeRoleUnauthorizedAccess"));
	assert_int_equal(get_meta(w, "/latest/meta-data/iam/security-credentials/x", NULL), 404);
	ctl(w, "imds set role=");
	assert_int_equal(get_meta(w, "/latest/meta-data/iam/security-credentials/", NULL), 404);
	ctl(w, "imds set off=true");
	assert_int_equal(put_token(w, "60"), 403);
	ctl_refused(w, "imds set color=red", "color");
	ctl_refused(w, "imds dance", "dance");
	world_free(w);
}

static void test_not_a_url(void **state)
{
	struct world *w = world_new(NULL);
	struct http_request r = {.method = "GET", .url = "no url"};
	struct cancel *cancel = cancel_new();

	(void)state;
	assert_int_equal(http_send(sim_http(w->sim), &r, w->arena, &w->res, NULL, &w->err), -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
	r.url = "https://x.example/";
	cancel_fire(cancel);
	assert_int_equal(http_send(sim_http(w->sim), &r, w->arena, &w->res, cancel, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CANCELED);
	assert_int_equal(sim_calls(w->sim), 0);
	cancel_free(cancel);
	world_free(w);
}

struct taker {
	struct buf got;
	int starts, pieces, fail_at;
};

static int take_start(void *arg, int status, const struct http_header *h, size_t n, struct err *err)
{
	struct taker *t = arg;

	(void)h;
	(void)n;
	(void)err;
	assert_int_equal(status, 200);
	t->starts++;
	return 0;
}

static int take_piece(void *arg, const char *p, size_t n, struct err *err)
{
	struct taker *t = arg;

	if (++t->pieces == t->fail_at)
		return err_set(err, ERR_SYSTEM, "disk full");
	buf_add(&t->got, p, n);
	return 0;
}

static void test_streaming(void **state)
{
	struct world *w = world_new(NULL);
	struct taker t = {.starts = 0};
	struct http_request r = {.method = "GET",
				 .url = "https://x.example/big",
				 .on_start = take_start,
				 .on_body = take_piece,
				 .on_arg = &t};
	struct buf line;

	(void)state;
	buf_init(&t.got, 1u << 20);
	buf_init(&line, 1u << 20);
	buf_adds(&line, "web page x.example /big body=");
	for (int i = 0; i < 50000; i++)
		buf_addc(&line, (char)('a' + i % 26));
	ctl(w, line.p);
	assert_int_equal(http_send(sim_http(w->sim), &r, w->arena, &w->res, NULL, &w->err), 0);
	assert_int_equal(t.starts, 1);
	assert_int_equal(t.pieces, 4);
	assert_int_equal(t.got.n, 50000);
	assert_int_equal(w->res.body.n, 0);
	assert_int_equal(w->res.body_bytes, 50000);
	t.fail_at = 6;
	assert_int_equal(http_send(sim_http(w->sim), &r, w->arena, &w->res, NULL, &w->err), -1);
	assert_string_equal(w->err.text, "disk full");
	/* errors are collected, not streamed */
	t.fail_at = 0;
	t.pieces = 0;
	r.url = "https://x.example/none";
	assert_int_equal(http_send(sim_http(w->sim), &r, w->arena, &w->res, NULL, &w->err), 0);
	assert_int_equal(w->res.status, 404);
	assert_int_equal(t.pieces, 0);
	assert_true(w->res.body.n > 0);
	/* limits */
	r = (struct http_request){
		.method = "GET", .url = "https://x.example/big", .body_max = 49999};
	assert_int_equal(http_send(sim_http(w->sim), &r, w->arena, &w->res, NULL, &w->err), -1);
	assert_int_equal(w->err.code, ERR_LIMIT);
	assert_true(w->err.sent);
	buf_release(&line);
	buf_release(&t.got);
	world_free(w);
}

static void test_zip(void **state)
{
	struct sim_zip z;
	struct buf b;

	(void)state;
	assert_int_equal(sim_crc32(STR("123456789")), 0xcbf43926u); /* the standard check value */
	buf_init(&b, 65536);
	sim_zip_begin(&z, &b);
	sim_zip_add(&z, STR("a.txt"), STR("hello"), 0644);
	sim_zip_end(&z);
	assert_memory_equal(b.p, "PK\3\4", 4);
	assert_int_equal(b.n, 30 + 5 + 5 + 46 + 5 + 22);
	assert_memory_equal(b.p + b.n - 22, "PK\5\6", 4);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_moves_only_when_told),
		cmocka_unit_test(test_requests_find_their_service),
		cmocka_unit_test(test_answers_carry_date_and_request_id),
		cmocka_unit_test(test_http_date_days),
		cmocka_unit_test(test_same_seed_same_ids),
		cmocka_unit_test(test_worker_randomness_is_its_own_stream),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_engine_commands),
		cmocka_unit_test(test_splits_are_copied),
		cmocka_unit_test(test_web_pages),
		cmocka_unit_test(test_imds),
		cmocka_unit_test(test_imds_settings),
		cmocka_unit_test(test_not_a_url),
		cmocka_unit_test(test_streaming),
		cmocka_unit_test(test_zip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
