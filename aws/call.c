#include "aws/call.h"

#include <stdlib.h>

#include "aws/core/cancel.h"
#include "aws/reply.h"
#include "aws/retry.h"
#include "aws/sigv4.h"

/*
 * The loop: prepare what stays the same, then send, read, decide, wait, until the answer is final.
 *
 * What may be repeated is the heart of it. A request that certainly had no effect (refused by the
 * service, or never sent) may be repeated always; one whose outcome is unknown only when it is
 * resend_safe. Once an attempt may have had its effect, err->sent stays true to the end.
 */
#define HEADERS_OWN 12
#define SKEW_ROUND_TRIP_MAX_MS (15 * 60 * 1000)
#define SKEW_WORTH_A_RETRY_MS (4 * 60 * 1000)
#define QUERY_TYPE "application/x-www-form-urlencoded; charset=utf-8"

struct call {
	struct aws *aws;
	const struct aws_client *client;
	const struct aws_request *r;
	struct arena *a;
	struct cancel *cancel;
	struct log *log;

	/* the same for all attempts */
	struct endpoint endpoint;
	struct retry_scope *scope;
	struct str body;
	const char *method, *path, *query, *url, *content_type, *payload_hash;
	char invocation_id[RNG_UUID_SIZE];
	int max_attempts;

	/* as it goes */
	int attempts, throttled, retries;
	int last_cost;
	bool sent;	/* some attempt may have had its effect */
	bool refreshed; /* credentials were refreshed once */
	bool no_credentials; /* there were none, or the last answer did not accept them */
	struct credentials *credentials;
	int64_t skew_signed_ms; /* clock correction of the last attempt */
	int64_t skew_shown_ms;	/* what its answer showed; valid when measured */
	bool measured;
};

struct aws *aws_new(const struct aws_deps *deps)
{
	struct aws *aws = xcalloc(1, sizeof(*aws));

	aws->http = deps->http;
	aws->clock = deps->clock;
	aws->rng = deps->rng;
	aws->log = deps->log;
	aws->cancel = deps->cancel;
	aws->settings = deps->settings;
	aws->user_agent = deps->user_agent;
	aws->priv = aws_private_new();
	return aws;
}

void aws_free(struct aws *aws)
{
	if (!aws)
		return;
	aws_private_free(aws->priv);
	free(aws);
}

size_t aws_stats(struct aws *aws, struct aws_stat *out, size_t max)
{
	return retry_stats(aws->priv, out, max);
}

/* --- prepare --------------------------------------------------------------------------------- */

static void prepare_body(struct call *k)
{
	const struct aws_service *s = k->r->service;
	char *hash;

	k->body = k->r->body;
	switch (s->protocol) {
	case AWS_JSON_1_0:
	case AWS_JSON_1_1:
		k->content_type = s->protocol == AWS_JSON_1_0 ? "application/x-amz-json-1.0"
							      : "application/x-amz-json-1.1";
		if (!k->body.n)
			k->body = STR("{}");
		break;
	case AWS_QUERY:
		k->content_type = QUERY_TYPE;
		k->body = str_from(arena_printf(k->a, "Action=%s&Version=%s%s" STR_FMT,
						k->r->operation, s->api_version,
						k->body.n ? "&" : "", STR_ARG(k->body)));
		break;
	case AWS_REST_JSON:
		k->content_type = k->body.n ? "application/json" : NULL;
		break;
	case AWS_REST_XML:
		break;
	}
	k->payload_hash = k->r->body_sha256;
	if (!k->payload_hash || s->protocol == AWS_QUERY) {
		hash = arena_alloc(k->a, SHA256_HEX_SIZE);
		sha256_hex(k->body, hash);
		k->payload_hash = hash;
	}
}

static int prepare(struct call *k, struct err *err)
{
	const struct aws_settings *s = k->aws->settings;
	const char *region = k->client->region ? k->client->region : s->region;
	const struct aws_request *r = k->r;

	if (endpoint_resolve(s, r->service, region, r->bucket, k->a, &k->endpoint, err))
		return -1;
	k->scope = retry_scope_get(k->aws->priv, r->service->id, region);
	k->method = r->method ? r->method : "POST";
	k->path = arena_printf(k->a, "%s%s", k->endpoint.base_path, r->path ? r->path : "/");
	k->query = r->query ? r->query : "";
	k->url = arena_printf(k->a, "%s%s%s%s", k->endpoint.origin, k->path, *k->query ? "?" : "",
			      k->query);
	k->max_attempts = r->max_attempts ? r->max_attempts : s->max_attempts;
	if (k->max_attempts < 1)
		k->max_attempts = RETRY_ATTEMPTS;
	rng_uuid(k->aws->rng, k->invocation_id);
	prepare_body(k);
	return 0;
}

/* --- one attempt ----------------------------------------------------------------------------- */

struct headers {
	struct http_header *list;
	size_t n;
};

static void add(struct headers *h, const char *name, struct str value)
{
	h->list[h->n++] = (struct http_header){str_from(name), value};
}

/* What the call is for is a comment behind the product (RFC 9110, 10.1.5). */
static void add_user_agent(struct call *k, struct headers *h)
{
	const char *name = k->aws->user_agent, *purpose = k->client->purpose;
	size_t product;

	if (!name || !purpose)
		return;
	product = strcspn(name, " ");
	add(h, "User-Agent",
	    str_from(arena_printf(k->a, "%.*s (%s)%s", (int)product, name, purpose,
				  name + product)));
}

static void add_own_headers(struct call *k, struct headers *h)
{
	const struct aws_service *s = k->r->service;

	add(h, "Host", str_from(k->endpoint.host));
	if (k->content_type && !http_header_get(k->r->headers, k->r->n_headers, "content-type").n)
		add(h, "Content-Type", str_from(k->content_type));
	if (s->protocol == AWS_JSON_1_0 || s->protocol == AWS_JSON_1_1)
		add(h, "X-Amz-Target",
		    str_from(arena_printf(k->a, "%s.%s", s->target_prefix, k->r->operation)));
	if (s->query_compatible)
		add(h, "x-amzn-query-mode", STR("true"));
	if (!s->double_encode)
		add(h, "x-amz-content-sha256", str_from(k->payload_hash));
	add(h, "amz-sdk-invocation-id", str_from(k->invocation_id));
	add(h, "amz-sdk-request",
	    str_from(arena_printf(k->a, "attempt=%d; max=%d", k->attempts, k->max_attempts)));
	add_user_agent(k, h);
}

static int add_signature(struct call *k, struct headers *h, struct err *err)
{
	const struct aws_service *s = k->r->service;
	struct sigv4_scope scope = {.access_key_id = k->credentials->access_key_id,
				    .secret_access_key = &k->credentials->secret_access_key,
				    .region = k->endpoint.region,
				    .service = s->signing_name};
	struct sigv4_request request = {.method = k->method,
					.path = str_from(k->path),
					.query = str_from(k->query),
					.headers = h->list,
					.payload_hash = k->payload_hash,
					.double_encode = s->double_encode,
					.normalize = s->double_encode};
	const struct secret *token = &k->credentials->session_token;
	char *time = arena_alloc(k->a, UTC_AMZ_SIZE);
	uint8_t key[SHA256_SIZE];
	struct buf value;
	int ret;

	k->skew_signed_ms = retry_skew(k->aws->priv, k->scope);
	scope.time.ms = clock_utc(k->aws->clock).ms + k->skew_signed_ms;
	utc_format_amz(scope.time, time);
	add(h, "X-Amz-Date", str_from(time));
	if (token->n) /* lives in the snapshot, which the call holds */
		add(h, "X-Amz-Security-Token", (struct str){secret_reveal(token), token->n});
	request.n_headers = h->n;
	retry_signing_key(k->aws->priv, k->scope, &scope, key);
	scope.signing_key = key;
	buf_init(&value, SIGV4_TEXT_MAX);
	ret = sigv4_authorization(&request, &scope, &value, err);
	mem_wipe(key, sizeof(key));
	if (!ret)
		add(h, "Authorization", str_from(str_dup(k->a, buf_str(&value))));
	buf_release(&value);
	return ret;
}

/* Take the Date of an answer as the service's clock, when it can be trusted to be fresh. */
static void measure_skew(struct call *k, const struct http_response *res, struct utc before)
{
	struct utc after = clock_utc(k->aws->clock), there;

	k->measured = false;
	if (after.ms < before.ms || after.ms - before.ms > SKEW_ROUND_TRIP_MAX_MS ||
	    http_header_get(res->headers, res->n_headers, "age").n ||
	    !utc_parse_http(str_trim(http_header_get(res->headers, res->n_headers, "date")),
			    &there))
		return;
	k->measured = true;
	k->skew_shown_ms = there.ms - (before.ms + (after.ms - before.ms) / 2);
	retry_skew_set(k->aws->priv, k->scope, k->skew_shown_ms);
}

/* Transfer one request; transport errors are classified here, answers by reply_read(). */
static int exchange(struct call *k, const struct headers *h, struct aws_response *out,
		    struct reply_class *how, struct err *err)
{
	const struct aws_request *r = k->r;
	struct http_request req = {.method = k->method,
				   .url = k->url,
				   .headers = h->list,
				   .n_headers = h->n,
				   .body = k->body,
				   .total_ms = r->total_ms,
				   .stall_ms = r->stall_ms,
				   .body_max = r->body_max,
				   .on_start = r->on_start,
				   .on_body = r->on_body,
				   .on_arg = r->on_arg};
	struct http_response res = {.status = 0};
	struct utc before = clock_utc(k->aws->clock);

	/* only loopback endpoints may be plain http */
	req.no_proxy = !strncmp(k->url, "http://", 7);
	k->measured = false;
	*out = (struct aws_response){.status = 0};
	if (http_send(k->aws->http, &req, k->a, &res, k->cancel, err)) {
		*how = (struct reply_class){.code = err->code, .refused = !err->sent};
		how->retry = err->code == ERR_NETWORK || err->code == ERR_TIMEOUT;
		return -1;
	}
	measure_skew(k, &res, before);
	out->status = res.status;
	out->headers = res.headers;
	out->n_headers = res.n_headers;
	out->body = res.body;
	out->body_bytes = res.body_bytes;
	return reply_read(r, k->a, out, how, err);
}

static void log_attempt(const struct call *k, const struct aws_response *out, const struct err *err,
			int64_t ms)
{
	const char *problem = err->aws[0] ? err->aws : err_code_name(err->code);
	struct str id2 = http_header_get(out->headers, out->n_headers, "x-amz-id-2");

	log_event(k->log, LOG_DEBUG, "aws.call", LOG_S("service", k->r->service->id),
		  LOG_S("operation", k->r->operation), LOG_S("region", k->endpoint.region),
		  LOG_I("attempt", k->attempts), LOG_I("status", out->status),
		  LOG_S("aws", err->code == ERR_OK ? "" : problem), LOG_I("dur_ms", ms),
		  LOG_STR("request_id", out->request_id), LOG_STR("id2", id2));
}

static int attempt(struct call *k, struct aws_response *out, struct reply_class *how,
		   struct err *err)
{
	const struct aws_request *r = k->r;
	struct mono start = clock_mono(k->aws->clock);
	struct headers h = {.n = 0};
	struct err answer = ERR_INIT;
	int ret;

	k->attempts++;
	h.list = arena_array(k->a, struct http_header, r->n_headers + HEADERS_OWN);
	add_own_headers(k, &h);
	for (size_t i = 0; i < r->n_headers; i++)
		h.list[h.n++] = r->headers[i];
	*how = (struct reply_class){.code = ERR_REJECTED, .refused = true};
	if (k->credentials && add_signature(k, &h, err))
		return -1;
	ret = exchange(k, &h, out, how, &answer);
	k->throttled += how->code == ERR_THROTTLED;
	log_attempt(k, out, &answer, clock_mono(k->aws->clock).ms - start.ms);
	if (ret)
		*err = answer;
	return ret;
}

/* --- decide ---------------------------------------------------------------------------------- */

/*
 * What a source of credentials answered is not what the service answered: "not found" is about a
 * role there, not about the thing asked for here. Without keys a call is not authenticated; an
 * answer that made no sense may make sense the next time.
 */
static void as_credentials_error(struct err *err)
{
	switch (err->code) {
	case ERR_NOT_FOUND:
	case ERR_CONFLICT:
	case ERR_REJECTED:
		err->code = ERR_DENIED;
		return;
	case ERR_MALFORMED:
	case ERR_LIMIT:
	case ERR_UNSAFE:
		err->code = ERR_UNAVAILABLE;
		return;
	case ERR_OK:
	case ERR_CANCELED:
	case ERR_TIMEOUT:
	case ERR_NETWORK:
	case ERR_THROTTLED:
	case ERR_UNAVAILABLE:
	case ERR_DENIED:
	case ERR_SYSTEM:
	case ERR_CODE_COUNT:
		break;
	}
}

static int take_credentials(struct call *k, struct err *err)
{
	struct credentials *c;

	if (k->r->unsigned_ || !k->client->credentials)
		return 0;
	c = credentials_provider_get(k->client->credentials, k->cancel, err);
	if (!c) {
		k->no_credentials = err->code != ERR_CANCELED;
		as_credentials_error(err);
		return -1;
	}
	credentials_put(k->credentials);
	k->credentials = c;
	return 0;
}

/* AWS calls the credentials expired: true when there are newer ones to try with. */
static bool refresh_credentials(struct call *k)
{
	struct credentials *old = k->credentials;
	struct err ignored; /* what AWS said tells more */
	bool newer = false;

	if (k->refreshed || !old)
		return false;
	k->refreshed = true;
	credentials_get(old); /* so that its address is not used again */
	credentials_provider_invalidate(k->client->credentials, old);
	if (!take_credentials(k, &ignored))
		newer = k->credentials != old;
	credentials_put(old);
	return newer;
}

static bool clock_was_wrong(const struct call *k)
{
	int64_t off = k->skew_shown_ms - k->skew_signed_ms;

	return k->measured && (off > SKEW_WORTH_A_RETRY_MS || off < -SKEW_WORTH_A_RETRY_MS);
}

/* True when the same request is to be sent again now; waits before it does. */
static bool again(struct call *k, const struct aws_response *out, const struct reply_class *how,
		  struct err *err)
{
	int cost = how->code == ERR_TIMEOUT ? RETRY_COST_TIMEOUT : RETRY_COST;
	struct err stop = ERR_INIT;
	int64_t wait;

	if (how->expired && refresh_credentials(k))
		return true;
	if (!how->retry && !(how->skewed && clock_was_wrong(k)))
		return false;
	if (!how->refused && !k->r->resend_safe)
		return false;
	if (k->retries + 1 >= k->max_attempts || !retry_take(k->aws->priv, k->scope, cost))
		return false;
	wait = retry_wait_ms(k->retries, rng_unit(k->aws->rng), reply_retry_after_ms(out));
	k->last_cost = cost;
	k->retries++;
	if (clock_sleep(k->aws->clock, wait, k->cancel, &stop) ||
	    (k->credentials && take_credentials(k, &stop))) {
		*err = stop;
		return false;
	}
	return true;
}

static int run(struct call *k, struct aws_response *out, struct err *err)
{
	struct reply_class how;

	if (prepare(k, err) || take_credentials(k, err))
		return -1;
	while (attempt(k, out, &how, err)) {
		if (!how.refused)
			k->sent = true;
		k->no_credentials = how.expired || how.unknown;
		if (!again(k, out, &how, err))
			return -1;
	}
	k->no_credentials = false;
	retry_refund(k->aws->priv, k->scope, k->retries ? k->last_cost : RETRY_REFUND_FIRST);
	return 0;
}

static int describe(const struct call *k, struct err *err)
{
	const struct aws_request *r = k->r;

	err->sent = k->sent;
	if (k->attempts > 1)
		return err_wrap(err, "%s.%s (%d attempts)", r->service->id, r->operation,
				k->attempts);
	return err_wrap(err, "%s.%s", r->service->id, r->operation);
}

/* Whoever wants to know is told. */
static void tell(const struct call *k, const struct aws_response *out, const struct err *err,
		 struct utc began, int64_t ms)
{
	const struct aws_watch *watch = k->client->watch;

	if (watch)
		watch->done(watch->arg, &(struct aws_done){.request = k->r,
							   .attempts = k->attempts,
							   .status = out->status,
							   .request_id = out->request_id,
							   .err = err,
							   .began = began,
							   .ms = ms});
}

int aws_call(const struct aws_client *c, const struct aws_request *r, struct arena *a,
	     struct aws_response *out, struct err *err)
{
	struct call k = {.aws = c->aws,
			 .client = c,
			 .r = r,
			 .a = a,
			 .cancel = c->cancel ? c->cancel : c->aws->cancel,
			 .log = c->log ? c->log : c->aws->log};
	struct mono start = clock_mono(c->aws->clock);
	struct utc began = clock_utc(c->aws->clock);
	int64_t ms;
	int ret;

	*out = (struct aws_response){.status = 0};
	ret = run(&k, out, err);
	credentials_put(k.credentials);
	if (ret)
		describe(&k, err);
	ms = clock_mono(c->aws->clock).ms - start.ms;
	retry_count(c->aws->priv,
		    &(struct aws_outcome){.service = r->service->id,
					  .operation = r->operation,
					  .failed = ret != 0,
					  .no_credentials = k.no_credentials,
					  .attempts = k.attempts,
					  .throttled = k.throttled,
					  .ms = ms});
	tell(&k, out, ret ? err : NULL, began, ms);
	return ret;
}
