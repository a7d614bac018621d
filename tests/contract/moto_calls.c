/*
 * The worker's own calls over the real transport, made to the endpoint of AWS_ENDPOINT_URL: a
 * server that somebody else wrote. Arguments name the fixtures, as key=value (moto_fixtures.py
 * prints them). Each case prints "ok" or "not ok"; the status is 0 when all are ok.
 */
#include "tests/contract/moto_calls.h"

#include <stdio.h>
#include <stdlib.h>

#include "aws/s3.h"
#include "aws/sts.h"

/* --- what a case says ------------------------------------------------------------------------- */

const char *fixture(const struct calls *t, const char *key)
{
	for (int i = 0; i < t->n_fixtures; i++) {
		struct str rest = str_from(t->fixtures[i]), name;

		if (str_next(&rest, '=', &name) && str_is(name, key))
			return rest.p;
	}
	fprintf(stderr, "moto_calls: no fixture %s\n", key);
	exit(2);
}

int want_text(const char *what, const char *got, const char *want, struct err *err)
{
	if (got && strcmp(got, want) == 0)
		return 0;
	return err_set(err, ERR_REJECTED, "%s: got '%s', not '%s'", what, got ? got : "(none)",
		       want);
}

int want_number(const char *what, double got, double want, struct err *err)
{
	if (got <= want && got >= want)
		return 0;
	return err_set(err, ERR_REJECTED, "%s: got %g, not %g", what, got, want);
}

int want_true(const char *what, bool got, struct err *err)
{
	return got ? 0 : err_set(err, ERR_REJECTED, "%s: it is not so", what);
}

int want_error(const char *what, int rc, enum err_code code, struct err *err)
{
	if (rc == 0)
		return err_set(err, ERR_REJECTED, "%s: was not refused", what);
	if (err->code != code)
		return err_wrap(err, "%s: refused as %s, not as %s", what, err_code_name(err->code),
				err_code_name(code));
	*err = ERR_INIT;
	return 0;
}

/* --- STS -------------------------------------------------------------------------------------- */

static int sts_identity_is_told(struct calls *t, struct err *err)
{
	struct sts_identity who;

	if (sts_get_caller_identity(&t->c, t->arena, &who, err) < 0 ||
	    want_text("account", who.account, fixture(t, "account"), err) < 0)
		return -1;
	return want_true("an ARN", who.arn && str_starts(str_from(who.arn), "arn:aws:"), err);
}

/* One of the two ways to a role; then the role's own identity by its credentials. */
static int role_works(struct calls *t, bool web, struct err *err)
{
	const struct sts_assume_role in = {
		.role_arn = fixture(t, "role"),
		.session_name = "contract",
		.duration_s = 900,
		.web_identity_token = web ? "header.claims.signature" : NULL,
	};
	struct credentials *given = web ? sts_assume_role_with_web_identity(&t->c, &in, err)
					: sts_assume_role(&t->c, &in, err);
	struct aws_client inside = t->c;
	struct sts_identity who;
	int rc;

	if (!given)
		return -1;
	rc = want_true("an end", given->expires, err);
	if (rc == 0) {
		const struct credentials_parts parts = {
			.access_key_id = str_from(given->access_key_id),
			.secret_access_key = str_from(secret_reveal(&given->secret_access_key)),
			.session_token = str_from(secret_reveal(&given->session_token)),
			.source = "assume role",
		};

		inside.credentials = credentials_static_new(&parts, err);
		rc = inside.credentials ? sts_get_caller_identity(&inside, t->arena, &who, err)
					: -1;
		if (rc == 0)
			rc = want_true("the role's ARN", strstr(who.arn, "/contract") != NULL, err);
		credentials_provider_free(inside.credentials);
	}
	credentials_put(given);
	return rc;
}

static int sts_role(struct calls *t, struct err *err)
{
	return role_works(t, false, err);
}

static int sts_web_identity(struct calls *t, struct err *err)
{
	return role_works(t, true, err);
}

/* --- S3 --------------------------------------------------------------------------------------- */

static struct s3_object object_of(const struct calls *t, const char *key)
{
	return (struct s3_object){.bucket = fixture(t, "bucket"), .key = key};
}

static int put_text(struct calls *t, const char *key, const char *text, struct s3_written *out,
		    struct err *err)
{
	const struct s3_put put = {
		.object = object_of(t, key),
		.body = str_from(text),
		.content_type = "text/plain",
		.sse_kms = true,
	};

	return s3_put(&t->c, &put, t->arena, out, err);
}

static int get_text(struct calls *t, const struct s3_get *get, struct s3_info *info,
		    const char *want, struct err *err)
{
	struct str body;

	if (s3_get(&t->c, get, t->arena, info, &body, err) < 0)
		return -1;
	return want_text(get->object.key, str_dup(t->arena, body), want, err);
}

static int s3_objects(struct calls *t, struct err *err)
{
	struct s3_object object = object_of(t, "hello");
	struct s3_written written;
	struct s3_info info;

	if (put_text(t, "hello", "hello, world", &written, err) < 0 ||
	    get_text(t, &(struct s3_get){.object = object}, &info, "hello, world", err) < 0 ||
	    want_text("etag", info.etag, written.etag, err) < 0 ||
	    want_text("type", info.content_type, "text/plain", err) < 0 ||
	    want_text("encryption", info.encryption, "aws:kms", err) < 0 ||
	    want_true("a time", info.has_modified, err) < 0)
		return -1;
	if (s3_head(&t->c, &object, t->arena, &info, err) < 0 ||
	    want_number("size", (double)info.size, 12, err) < 0)
		return -1;
	object.key = "nothing";
	if (want_error("missing", s3_head(&t->c, &object, t->arena, &info, err), ERR_NOT_FOUND,
		       err) < 0)
		return -1;
	object.bucket = "no-such-bucket-anywhere";
	return want_error("no bucket", s3_head(&t->c, &object, t->arena, &info, err), ERR_NOT_FOUND,
			  err);
}

static int s3_ranges_and_conditions(struct calls *t, struct err *err)
{
	struct s3_get get = {.object = object_of(t, "range"), .start = 7};
	struct s3_written written;
	struct s3_info info;
	struct str body;

	if (put_text(t, "range", "0123456789", &written, err) < 0)
		return -1;
	get.if_match = written.etag;
	if (get_text(t, &get, &info, "789", err) < 0 ||
	    want_number("start", (double)info.start, 7, err) < 0 ||
	    want_number("size", (double)info.size, 10, err) < 0)
		return -1;
	get.if_match = "\"0123456789abcdef0123456789abcdef\"";
	if (want_error("if-match", s3_get(&t->c, &get, t->arena, &info, &body, err), ERR_CONFLICT,
		       err) < 0)
		return -1;
	get.if_match = NULL;
	get.start = 11;
	return want_error("beyond", s3_get(&t->c, &get, t->arena, &info, &body, err), ERR_REJECTED,
			  err);
}

static int s3_keys(struct calls *t, struct err *err)
{
	static const char *const keys[] = {
		"a b+c", "\xc3\xbc/\xe6\xbc\xa2.zip", "(x)*'!~&=@:;,$?", "per%41cent", "#",
	};
	struct s3_written written;
	struct s3_info info;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct s3_get get = {.object = object_of(t, keys[i])};

		if (put_text(t, keys[i], keys[i], &written, err) < 0 ||
		    get_text(t, &get, &info, keys[i], err) < 0)
			return err_wrap(err, "key '%s'", keys[i]);
	}
	return 0;
}

/* A first part of the least size and a short last one; NULL parts when an upload failed. */
static int upload_two(struct calls *t, const struct s3_put *put, const char **id,
		      struct s3_part parts[2], struct err *err)
{
	char *big = arena_alloc(t->arena, S3_PART_MIN);
	struct s3_upload_part part = {.object = put->object};

	memset(big, 'x', S3_PART_MIN);
	if (s3_upload_create(&t->c, put, t->arena, id, err) < 0)
		return -1;
	part.upload_id = *id;
	for (int i = 0; i < 2; i++) {
		part.number = parts[i].number = i + 1;
		part.body = i == 0 ? (struct str){big, S3_PART_MIN} : STR("the end");
		if (s3_upload_part(&t->c, &part, t->arena, &parts[i].etag, err) < 0)
			return -1;
	}
	return 0;
}

/*
 * moto 5 calls the root of its answer CompleteMultipartUploadResponse, which S3 does not: the
 * worker takes that for an answer it cannot read, after which HeadObject decides.
 */
static int complete(struct calls *t, const struct s3_upload_complete *up, struct err *err)
{
	struct s3_written written;

	if (s3_upload_complete(&t->c, up, t->arena, &written, err) == 0)
		return want_true("an etag", written.etag != NULL, err);
	if (err->code != ERR_MALFORMED || !err->sent ||
	    !strstr(err->text, "<CompleteMultipartUploadResponse>"))
		return -1;
	*err = ERR_INIT;
	return 0;
}

static int s3_multipart(struct calls *t, struct err *err)
{
	const struct s3_put put = {.object = object_of(t, "parts"), .sse_kms = true};
	struct s3_part parts[2] = {{0, NULL}};
	struct s3_upload_complete up = {.object = put.object, .parts = parts, .n = 2};
	struct s3_info info;

	if (upload_two(t, &put, &up.upload_id, parts, err) < 0 || complete(t, &up, err) < 0 ||
	    s3_head(&t->c, &put.object, t->arena, &info, err) < 0 ||
	    want_text("encryption", info.encryption, "aws:kms", err) < 0 ||
	    want_number("size", (double)info.size, S3_PART_MIN + 7.0, err) < 0)
		return -1;
	const struct s3_get tail = {.object = put.object, .start = S3_PART_MIN - 2};

	return get_text(t, &tail, &info, "xxthe end", err);
}

static int s3_aborted(struct calls *t, struct err *err)
{
	const struct s3_put put = {.object = object_of(t, "aborted")};
	struct s3_part parts[2];
	struct s3_info info;
	const char *id;

	if (upload_two(t, &put, &id, parts, err) < 0 ||
	    s3_upload_abort(&t->c, &put.object, id, t->arena, err) < 0)
		return -1;
	/* one that is gone is success */
	if (s3_upload_abort(&t->c, &put.object, id, t->arena, err) < 0)
		return -1;
	return want_error("no object", s3_head(&t->c, &put.object, t->arena, &info, err),
			  ERR_NOT_FOUND, err);
}

/* --- running ---------------------------------------------------------------------------------- */

static const struct call_case own_cases[] = {
	{"sts: who am I", sts_identity_is_told},
	{"sts: a role's credentials work", sts_role},
	{"sts: a web identity's credentials work", sts_web_identity},
	{"s3: objects", s3_objects},
	{"s3: ranges and conditions", s3_ranges_and_conditions},
	{"s3: keys as people write them", s3_keys},
	{"s3: an upload in parts", s3_multipart},
	{"s3: an upload that is given up", s3_aborted},
};

/* How many failed. */
static int run_cases(struct calls *t, const struct call_case *list, size_t n)
{
	int failed = 0;

	for (size_t i = 0; i < n; i++) {
		struct err err = ERR_INIT;

		if (list[i].run(t, &err) < 0) {
			printf("not ok %s: %s\n", list[i].name, err.text);
			failed++;
		} else {
			printf("ok %s\n", list[i].name);
		}
		fflush(stdout);
	}
	return failed;
}

static int run_all(struct calls *t)
{
	return run_cases(t, own_cases, sizeof(own_cases) / sizeof(own_cases[0])) +
	       run_cases(t, target_cases, n_target_cases) + run_cases(t, ecs_cases, n_ecs_cases) +
	       run_cases(t, auto_scaling_cases, n_auto_scaling_cases) +
	       run_cases(t, notify_cases, n_notify_cases);
}

int main(int argc, char **argv)
{
	struct calls t = {.arena = arena_new(), .fixtures = argv + 1, .n_fixtures = argc - 1};
	const struct aws_env env = aws_env_process();
	struct aws_deps deps = {.clock = clock_system(), .rng = rng_system()};
	struct aws_settings settings;
	struct err err = ERR_INIT;
	int failed = -1;

	http_global_init();
	if (aws_settings_load(t.arena, &env, &(struct aws_overrides){0}, &settings, &err) == 0)
		deps.http = http_curl_new(NULL, "contract/1", &err);
	if (deps.http) {
		deps.settings = &settings;
		t.c.aws = aws_new(&deps);
		t.c.region = settings.region;
		t.c.credentials = credentials_chain_new(t.c.aws, &err);
		failed = t.c.credentials ? run_all(&t) : -1;
		credentials_provider_free(t.c.credentials);
		aws_free(t.c.aws);
	}
	if (failed < 0)
		fprintf(stderr, "moto_calls: %s\n", err.text);
	http_free(deps.http);
	arena_free(t.arena);
	return failed ? 1 : 0;
}
