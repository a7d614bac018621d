#include "aws/s3.h"

#include <assert.h>
#include <string.h>

#include "aws/answer.h"

/*
 * Objects in S3. What is peculiar to it and lives here: keys are paths, buckets live in regions
 * that nobody told us, and a success of CompleteMultipartUpload may turn out
 * to be a failure while its body arrives.
 */

const struct aws_service s3_service = {
	.id = "S3",
	.endpoint_prefix = "s3",
	.signing_name = "s3",
	.api_version = "2006-03-01",
	.protocol = AWS_REST_XML,
};

#define XMLNS "http://s3.amazonaws.com/doc/2006-03-01/"

/* A key has at most 1,024 bytes, three times that when encoded. */
#define PATH_MAX_BYTES 4096
/* Version and upload ids are opaque; the ones seen have up to 200 characters. */
#define ID_MAX_BYTES 1024
#define QUERY_MAX_BYTES (3 * ID_MAX_BYTES + 64)
/* Assembling the parts of a large object takes minutes; the SDKs wait as long. */
#define COMPLETE_TOTAL_MS (10 * 60 * 1000)

/* --- one call, in the right region ----------------------------------------------------------- */

static struct str header(const struct aws_response *res, const char *name)
{
	return http_header_get(res->headers, res->n_headers, name);
}

static bool is_wrong_region(const struct aws_request *r, const struct aws_response *res,
			    const struct err *err)
{
	static const char *const names[] = {"AuthorizationHeaderMalformed", "PermanentRedirect",
					    "IllegalLocationConstraintException",
					    "TemporaryRedirect"};

	if (res->status == 301 || res->status == 302 || res->status == 307)
		return true;
	if (res->status == 400 && r->method && strcmp(r->method, "HEAD") == 0)
		return true;
	for (size_t i = 0; res->status && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(err->aws, names[i]) == 0)
			return true;
	}
	return false;
}

static const char *region_in(const struct aws_response *res, struct arena *a)
{
	struct str region = str_trim(header(res, "x-amz-bucket-region"));

	if (!region.n)
		region = xml_text(res->xml, "Region");
	return aws_is_host_label(region) ? str_dup(a, region) : NULL;
}

/* HeadBucket names the region whatever it answers, also to those who may not use the bucket. */
static const char *ask_region(const struct aws_client *c, const char *bucket, struct arena *a)
{
	struct aws_request r = {
		.service = &s3_service,
		.operation = "HeadBucket",
		.method = "HEAD",
		.bucket = bucket,
		.resend_safe = true,
	};
	struct aws_response res = {.status = 0};
	struct err ignored = ERR_INIT;

	(void)!aws_call(c, &r, a, &res, &ignored);
	return region_in(&res, a);
}

static int call(const struct aws_client *c, const struct s3_object *object,
		const struct aws_request *r, struct arena *a, struct aws_response *res,
		struct err *err)
{
	struct aws_client there = *c;
	const char *region = s3_regions_get(object->regions, object->bucket, a);

	if (region)
		there.region = region;
	*res = (struct aws_response){.status = 0};
	if (!aws_call(&there, r, a, res, err))
		return 0;
	if (!is_wrong_region(r, res, err))
		return -1;
	region = region_in(res, a);
	if (!region)
		region = ask_region(&there, object->bucket, a);
	if (!region || (there.region && strcmp(region, there.region) == 0))
		return -1;
	there.region = region;
	*res = (struct aws_response){.status = 0};
	if (aws_call(&there, r, a, res, err))
		return -1;
	s3_regions_put(object->regions, object->bucket, region);
	return 0;
}

/* --- requests -------------------------------------------------------------------------------- */

#define HEADERS_MAX 8

struct request {
	struct aws_request r;
	struct http_header headers[HEADERS_MAX];
};

static void add_header(struct request *q, const char *name, const char *value)
{
	if (!value)
		return;
	q->headers[q->r.n_headers++] = (struct http_header){str_from(name), str_from(value)};
}

static int start(struct request *q, const char *operation, const struct s3_object *o,
		 struct arena *a, struct err *err)
{
	struct buf path;
	int ret;

	if (!o->bucket || !*o->bucket || !o->key || !*o->key)
		return err_set(err, ERR_REJECTED, "S3.%s: no bucket or no key", operation);
	if (str_starts(str_from(o->bucket), "arn:"))
		return err_set(err, ERR_REJECTED,
			       "S3.%s: \"%.100s\" is an access point; name the bucket", operation,
			       o->bucket);
	if (str_from(o->version_id).n > ID_MAX_BYTES)
		return err_set(err, ERR_LIMIT, "S3.%s: the version id is too long", operation);
	buf_init(&path, PATH_MAX_BYTES);
	buf_addc(&path, '/');
	buf_add_uri(&path, str_from(o->key), true);
	*q = (struct request){.r = {
				      .service = &s3_service,
				      .operation = operation,
				      .bucket = o->bucket,
				      .path = str_dup(a, buf_str(&path)),
			      }};
	q->r.headers = q->headers;
	add_header(q, "x-amz-expected-bucket-owner", o->expected_owner);
	ret = buf_check(&path, "S3 key", err);
	buf_release(&path);
	return ret;
}

/* value has at most ID_MAX_BYTES: checked by start() and check_upload(). */
static const char *query(struct arena *a, const char *first, const char *name, const char *value)
{
	struct buf b;
	const char *s;

	buf_init(&b, QUERY_MAX_BYTES);
	buf_adds(&b, first);
	buf_adds(&b, name);
	buf_addc(&b, '=');
	buf_add_uri(&b, str_from(value), false);
	assert(!b.over); /* a query that lost its end would name another object */
	s = str_dup(a, buf_str(&b));
	buf_release(&b);
	return s;
}

static const char *text_of(struct arena *a, struct str s)
{
	return s.n ? str_dup(a, s) : NULL;
}

/* --- reading an answer's headers ------------------------------------------------------------- */

static bool read_range(struct str s, struct s3_info *out)
{
	struct str first, last, rest = s;
	uint64_t a, b, total;

	if (!str_starts(s, "bytes "))
		return false;
	rest = str_sub(s, 6, s.n);
	if (!str_next(&rest, '-', &first) || !str_next(&rest, '/', &last) ||
	    !str_parse_u64(first, 0, INT64_MAX, &a) || !str_parse_u64(last, a, INT64_MAX, &b) ||
	    !str_parse_u64(rest, b + 1, INT64_MAX, &total))
		return false;
	out->start = a;
	out->length = b - a + 1;
	out->size = total;
	return true;
}

struct head {
	int status;
	const struct http_header *headers;
	size_t n;
};

static int read_info(const struct head *h, uint64_t wanted, struct arena *a, struct s3_info *out,
		     struct err *err)
{
	struct str length = http_header_get(h->headers, h->n, "Content-Length");
	struct str range = http_header_get(h->headers, h->n, "Content-Range");
	uint64_t n = 0;
	bool has_length = str_parse_u64(length, 0, INT64_MAX, &n);

	*out = (struct s3_info){.size = n, .length = n};
	if (h->status == 206) {
		if (!read_range(range, out) || (has_length && n != out->length))
			return err_set(err, ERR_MALFORMED,
				       "S3: \"" STR_FMT "\" is no range that fits the answer",
				       STR_ARG(str_sub(range, 0, 80)));
	} else if (!has_length) {
		return err_set(err, ERR_MALFORMED, "S3: the answer does not say its length");
	}
	if (out->start != wanted)
		return err_set(err, ERR_MALFORMED,
			       "S3: asked for bytes from %llu on, got them from %llu on",
			       (unsigned long long)wanted, (unsigned long long)out->start);
	out->etag = text_of(a, http_header_get(h->headers, h->n, "ETag"));
	out->version_id = text_of(a, http_header_get(h->headers, h->n, "x-amz-version-id"));
	out->content_type = text_of(a, http_header_get(h->headers, h->n, "Content-Type"));
	out->content_encoding = text_of(a, http_header_get(h->headers, h->n, "Content-Encoding"));
	out->encryption =
		text_of(a, http_header_get(h->headers, h->n, "x-amz-server-side-encryption"));
	out->has_modified =
		utc_parse_http(http_header_get(h->headers, h->n, "Last-Modified"), &out->modified);
	return 0;
}

/* --- reads ----------------------------------------------------------------------------------- */

struct taker {
	const struct s3_get *get;
	struct arena *a;
};

static int take_start(void *arg, int status, const struct http_header *headers, size_t n,
		      struct err *err)
{
	struct taker *t = arg;
	struct head h = {status, headers, n};
	struct s3_info info;

	if (read_info(&h, t->get->start, t->a, &info, err))
		return -1;
	return t->get->on_start ? t->get->on_start(t->get->on_arg, &info, err) : 0;
}

static int take_body(void *arg, const char *p, size_t n, struct err *err)
{
	struct taker *t = arg;

	return t->get->on_body(t->get->on_arg, p, n, err);
}

int s3_get(const struct aws_client *c, const struct s3_get *get, struct arena *a,
	   struct s3_info *info, struct str *body, struct err *err)
{
	struct taker taker = {get, a};
	struct aws_response res;
	struct request q;

	if (start(&q, "GetObject", &get->object, a, err))
		return -1;
	q.r.method = "GET";
	q.r.resend_safe = true;
	q.r.raw_body = true;
	q.r.total_ms = get->total_ms;
	q.r.stall_ms = get->stall_ms;
	/* an artifact is larger than any document; who takes it in pieces has a limit of his own */
	q.r.body_max = get->on_body ? SIZE_MAX : get->body_max;
	if (get->object.version_id)
		q.r.query = query(a, "", "versionId", get->object.version_id);
	if (get->start)
		add_header(&q, "Range",
			   arena_printf(a, "bytes=%llu-", (unsigned long long)get->start));
	add_header(&q, "If-Match", get->if_match);
	if (get->on_body) {
		q.r.on_start = take_start;
		q.r.on_body = take_body;
		q.r.on_arg = &taker;
	}
	if (call(c, &get->object, &q.r, a, &res, err))
		return -1;

	struct head h = {res.status, res.headers, res.n_headers};

	if (read_info(&h, get->start, a, info, err))
		return -1;
	if (res.body_bytes != info->length)
		return err_set(err, ERR_NETWORK, "S3.GetObject: %llu of %llu bytes arrived",
			       (unsigned long long)res.body_bytes,
			       (unsigned long long)info->length);
	if (body)
		*body = res.body;
	return 0;
}

int s3_head(const struct aws_client *c, const struct s3_object *object, struct arena *a,
	    struct s3_info *info, struct err *err)
{
	struct aws_response res;
	struct request q;

	if (start(&q, "HeadObject", object, a, err))
		return -1;
	q.r.method = "HEAD";
	q.r.resend_safe = true;
	q.r.raw_body = true;
	if (object->version_id)
		q.r.query = query(a, "", "versionId", object->version_id);
	if (call(c, object, &q.r, a, &res, err))
		return -1;

	struct head h = {res.status, res.headers, res.n_headers};

	return read_info(&h, 0, a, info, err);
}

/* --- writes ---------------------------------------------------------------------------------- */

static void add_put_headers(struct request *q, const struct s3_put *put)
{
	add_header(q, "Content-Type", put->content_type);
	if (put->sse_kms) {
		add_header(q, "x-amz-server-side-encryption", "aws:kms");
		add_header(q, "x-amz-server-side-encryption-aws-kms-key-id", put->kms_key_id);
	}
}

int s3_put(const struct aws_client *c, const struct s3_put *put, struct arena *a,
	   struct s3_written *out, struct err *err)
{
	struct aws_response res;
	struct request q;

	if (start(&q, "PutObject", &put->object, a, err))
		return -1;
	q.r.method = "PUT";
	q.r.body = put->body;
	q.r.resend_safe = !put->if_none_match;
	q.r.raw_body = true;
	q.r.total_ms = put->total_ms;
	q.r.stall_ms = put->stall_ms;
	add_put_headers(&q, put);
	if (put->if_none_match)
		add_header(&q, "If-None-Match", "*");
	if (call(c, &put->object, &q.r, a, &res, err))
		return -1;
	out->etag = text_of(a, header(&res, "ETag"));
	out->version_id = text_of(a, header(&res, "x-amz-version-id"));
	return 0;
}

int s3_upload_create(const struct aws_client *c, const struct s3_put *put, struct arena *a,
		     const char **upload_id, struct err *err)
{
	struct aws_response res;
	struct request q;

	if (start(&q, "CreateMultipartUpload", &put->object, a, err))
		return -1;
	q.r.method = "POST";
	q.r.query = "uploads=";
	q.r.resend_safe = true;
	add_put_headers(&q, put);
	if (call(c, &put->object, &q.r, a, &res, err))
		return -1;
	*upload_id = aws_xml_text(res.xml, "UploadId");
	if (!*upload_id)
		return err_set(err, ERR_MALFORMED,
			       "S3.CreateMultipartUpload: the answer names no upload");
	return 0;
}

static int check_upload(const char *operation, const char *upload_id, struct err *err)
{
	/* Without the id, PUT would replace the object and DELETE would delete it. */
	if (!upload_id || !*upload_id || strlen(upload_id) > ID_MAX_BYTES)
		return err_set(err, ERR_REJECTED, "S3.%s: no upload id", operation);
	return 0;
}

int s3_upload_part(const struct aws_client *c, const struct s3_upload_part *part, struct arena *a,
		   const char **etag, struct err *err)
{
	struct aws_response res;
	struct request q;

	if (check_upload("UploadPart", part->upload_id, err) ||
	    start(&q, "UploadPart", &part->object, a, err))
		return -1;
	if (part->number < 1 || part->number > S3_PARTS_MAX)
		return err_set(err, ERR_REJECTED, "S3.UploadPart: no part can have number %d",
			       part->number);
	q.r.method = "PUT";
	q.r.query = query(a, arena_printf(a, "partNumber=%d&", part->number), "uploadId",
			  part->upload_id);
	q.r.body = part->body;
	q.r.resend_safe = true;
	q.r.raw_body = true;
	q.r.total_ms = part->total_ms;
	q.r.stall_ms = part->stall_ms;
	if (call(c, &part->object, &q.r, a, &res, err))
		return -1;
	*etag = text_of(a, header(&res, "ETag"));
	if (!*etag)
		return err_set(err, ERR_MALFORMED, "S3.UploadPart: the answer has no ETag");
	return 0;
}

static int add_parts(struct buf *b, const struct s3_upload_complete *up, struct err *err)
{
	int last = 0;

	if (!up->n)
		return err_set(err, ERR_REJECTED, "S3.CompleteMultipartUpload: no parts");
	buf_adds(b, "<CompleteMultipartUpload xmlns=\"" XMLNS "\">");
	for (size_t i = 0; i < up->n; i++) {
		const struct s3_part *p = &up->parts[i];

		if (p->number <= last || p->number > S3_PARTS_MAX)
			return err_set(err, ERR_REJECTED,
				       "S3.CompleteMultipartUpload: part %d after part %d",
				       p->number, last);
		last = p->number;
		buf_adds(b, "<Part><ETag>");
		xml_escape(b, str_from(p->etag));
		buf_addf(b, "</ETag><PartNumber>%d</PartNumber></Part>", p->number);
	}
	buf_adds(b, "</CompleteMultipartUpload>");
	return buf_check(b, "list of parts", err);
}

/* An error that arrived inside a success: S3 had said 200 before it knew. */
static int late_error(const struct xml *root, const struct aws_response *res, struct err *err)
{
	struct str code = xml_text(root, "Code"), message = xml_text(root, "Message");
	enum err_code next = ERR_REJECTED;

	if (str_is(code, "InternalError") || str_is(code, "ServiceUnavailable"))
		next = ERR_UNAVAILABLE;
	else if (str_is(code, "SlowDown"))
		next = ERR_THROTTLED;
	else if (str_starts(code, "NoSuch"))
		next = ERR_NOT_FOUND;
	else if (str_is(code, "AccessDenied"))
		next = ERR_DENIED;
	err_set(err, next,
		"S3.CompleteMultipartUpload failed: " STR_FMT ": " STR_FMT
		" (in an answer with HTTP 200)",
		STR_ARG(str_sub(code, 0, 60)), STR_ARG(str_sub(message, 0, 300)));
	err->http = res->status;
	err->sent = true;
	(void)str_copy_clean(err->aws, sizeof(err->aws), code);
	(void)str_copy_clean(err->request_id, sizeof(err->request_id), res->request_id);
	return -1;
}

static int read_completed(const struct aws_response *res, struct arena *a, struct s3_written *out,
			  struct err *err)
{
	struct xml *root;

	/* White space keeps the connection alive meanwhile and may stand before the prologue. */
	if (xml_parse(a, str_trim(res->body), &root, err)) {
		err->sent = true;
		return err_wrap(err, "S3.CompleteMultipartUpload");
	}
	if (str_is(root->name, "Error"))
		return late_error(root, res, err);
	if (!str_is(root->name, "CompleteMultipartUploadResult")) {
		err_set(err, ERR_MALFORMED, "S3.CompleteMultipartUpload: answered <%.60s>",
			root->name.p);
		err->sent = true;
		return -1;
	}
	out->etag = aws_xml_text(root, "ETag");
	out->version_id = text_of(a, header(res, "x-amz-version-id"));
	return 0;
}

int s3_upload_complete(const struct aws_client *c, const struct s3_upload_complete *up,
		       struct arena *a, struct s3_written *out, struct err *err)
{
	struct aws_response res;
	struct request q;
	struct buf body;
	int ret;

	if (check_upload("CompleteMultipartUpload", up->upload_id, err) ||
	    start(&q, "CompleteMultipartUpload", &up->object, a, err))
		return -1;
	q.r.method = "POST";
	q.r.query = query(a, "", "uploadId", up->upload_id);
	q.r.raw_body = true;
	q.r.total_ms = COMPLETE_TOTAL_MS;
	add_header(&q, "Content-Type", "application/xml");
	buf_init(&body, 4u << 20);
	ret = add_parts(&body, up, err);
	q.r.body = buf_str(&body);
	if (!ret)
		ret = call(c, &up->object, &q.r, a, &res, err);
	buf_release(&body);
	return ret ? -1 : read_completed(&res, a, out, err);
}

int s3_upload_abort(const struct aws_client *c, const struct s3_object *object,
		    const char *upload_id, struct arena *a, struct err *err)
{
	struct aws_response res;
	struct request q;
	struct err e;

	if (check_upload("AbortMultipartUpload", upload_id, err) ||
	    start(&q, "AbortMultipartUpload", object, a, err))
		return -1;
	q.r.method = "DELETE";
	q.r.query = query(a, "", "uploadId", upload_id);
	q.r.resend_safe = true;
	q.r.raw_body = true;
	if (call(c, object, &q.r, a, &res, &e) == 0 || strcmp(e.aws, "NoSuchUpload") == 0)
		return 0;
	*err = e;
	return -1;
}
