/*
 * S3: objects in buckets, kept in memory. An ETag is the head of a SHA-256: clients must not take
 * it for anything but an opaque mark.
 */
#include "tests/sim/sim_s3.h"

#include <stdio.h>
#include <stdlib.h>

#include "aws/core/digest.h"

/* --- store ------------------------------------------------------------------------------------ */

struct sims3_bucket *sims3_bucket_find(struct sims3 *t, struct str name)
{
	for (struct sims3_bucket *b = t->buckets; b; b = b->next)
		if (str_is(name, b->name))
			return b;
	return NULL;
}

static struct sims3_bucket *bucket_add(struct sims3 *t, struct str name)
{
	struct sims3_bucket *b = sims3_bucket_find(t, name);

	if (b)
		return b;
	b = arena_new_of(t->arena, struct sims3_bucket);
	b->name = str_dup(t->arena, name);
	b->next = t->buckets;
	t->buckets = b;
	return b;
}

struct sims3_object *sims3_object_find(struct sims3 *t, struct str bucket, struct str key)
{
	for (struct sims3_object *o = t->objects; o; o = o->next)
		if (str_is(key, o->key) && str_is(bucket, o->bucket))
			return o;
	return NULL;
}

void sims3_etag(struct str bytes, char out[48])
{
	char hex[SHA256_HEX_SIZE];

	sha256_hex(bytes, hex);
	snprintf(out, 48, "\"%.32s\"", hex);
}

struct sims3_object *sims3_object_put(struct sim *s, struct sims3 *t, struct str bucket,
				      struct str key, struct str bytes)
{
	struct sims3_object *o = sims3_object_find(t, bucket, key);

	if (!o) {
		o = xcalloc(1, sizeof(*o));
		o->bucket = bucket_add(t, bucket)->name;
		o->key = str_dup(t->arena, key);
		buf_init(&o->bytes, SIMS3_OBJECT_MAX);
		o->next = t->objects;
		t->objects = o;
	}
	buf_clear(&o->bytes);
	buf_add_str(&o->bytes, bytes);
	sims3_etag(bytes, o->etag);
	snprintf(o->version, sizeof(o->version), "%016llx%016llx",
		 (unsigned long long)rng_u64(sim_dice(s)),
		 (unsigned long long)rng_u64(sim_dice(s)));
	o->content_type = "binary/octet-stream";
	o->sse = "AES256";
	o->kms_key = o->checksum_name = o->checksum = "";
	o->modified = sim_now(s);
	return o;
}

static void object_free(struct sims3_object *o)
{
	buf_release(&o->bytes);
	free(o);
}

void sims3_object_remove(struct sims3 *t, struct str bucket, struct str key)
{
	for (struct sims3_object **at = &t->objects; *at; at = &(*at)->next) {
		struct sims3_object *o = *at;

		if (!str_is(key, o->key) || !str_is(bucket, o->bucket))
			continue;
		*at = o->next;
		object_free(o);
		return;
	}
}

const struct buf *sim_s3_object(struct sim *s, struct str bucket, struct str key)
{
	const struct sims3_object *o = sims3_object_find(sim_state(s, &sim_s3), bucket, key);

	return o ? &o->bytes : NULL;
}

void sim_s3_put_object(struct sim *s, struct str bucket, struct str key, struct str bytes)
{
	struct sims3 *t = sim_state(s, &sim_s3);
	struct sims3_object *o = sims3_object_put(s, t, bucket, key, bytes);

	if (bucket_add(t, bucket)->is_artifact_store)
		o->sse = "aws:kms";
}

static void *sims3_create(struct sim *s)
{
	struct sims3 *t = xcalloc(1, sizeof(*t));

	(void)s;
	t->arena = arena_new();
	bucket_add(t, STR(SIM_ARTIFACT_BUCKET))->is_artifact_store = true;
	return t;
}

static void sims3_destroy(void *state)
{
	struct sims3 *t = state;

	while (t->objects) {
		struct sims3_object *o = t->objects;

		t->objects = o->next;
		object_free(o);
	}
	while (t->uploads) {
		struct sims3_upload *u = t->uploads;

		t->uploads = u->next;
		sims3_upload_free(u);
	}
	arena_free(t->arena);
	free(t);
}

/* --- buckets ---------------------------------------------------------------------------------- */

static void get_bucket_location(const struct sims3_call *c)
{
	sim_reply_raw(c->x, 200, "application/xml",
		      STR("<LocationConstraint "
			  "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" SIM_REGION
			  "</LocationConstraint>"),
		      NULL, 0);
}

static void head_bucket(const struct sims3_call *c)
{
	struct http_header h = {STR("x-amz-bucket-region"), STR(SIM_REGION)};

	sim_reply_raw(c->x, 200, "application/xml", STR(""), &h, 1);
}

static void create_bucket(const struct sims3_call *c)
{
	struct http_header h = {STR("Location"), str_from(arena_printf(c->x->arena, "/" STR_FMT,
								       STR_ARG(c->bucket)))};

	bucket_add(c->store, c->bucket);
	sim_reply_raw(c->x, 200, NULL, STR(""), &h, 1);
}

static void list_objects(const struct sims3_call *c)
{
	struct str prefix = sim_form_get(c->query, "prefix");
	struct buf b;
	size_t count = 0;

	buf_init(&b, 16u << 20);
	buf_adds(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		     "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>");
	xml_escape(&b, c->bucket);
	buf_adds(&b, "</Name>");
	for (const struct sims3_object *o = c->store->objects; o; o = o->next) {
		char iso[UTC_ISO_SIZE];

		if (!str_is(c->bucket, o->bucket) ||
		    strncmp(o->key, prefix.n ? prefix.p : "", prefix.n) != 0)
			continue;
		utc_format_iso(o->modified, iso);
		buf_adds(&b, "<Contents><Key>");
		xml_escape(&b, str_from(o->key));
		buf_addf(&b, "</Key><LastModified>%s</LastModified><ETag>", iso);
		xml_escape(&b, str_from(o->etag));
		buf_addf(&b,
			 "</ETag><Size>%zu</Size><StorageClass>STANDARD</StorageClass>"
			 "</Contents>",
			 o->bytes.n);
		count++;
	}
	buf_addf(&b,
		 "<KeyCount>%zu</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false"
		 "</IsTruncated></ListBucketResult>",
		 count);
	sim_reply_raw(c->x, 200, "application/xml", buf_str(&b), NULL, 0);
	buf_release(&b);
}

/* --- routing ---------------------------------------------------------------------------------- */

/* The bucket is the first label of a virtual host, else the first segment of the path. */
void sims3_split_path(const struct sim_exchange *x, struct str *bucket, struct str *key)
{
	struct str host = x->req->host, path = x->req->path;
	size_t at = 0;

	path = str_sub(path, path.n > 0 && path.p[0] == '/' ? 1 : 0, path.n);
	for (size_t i = 1; i + 4 < host.n && !at; i++)
		if (str_starts(str_sub(host, i, host.n), ".s3.") ||
		    str_starts(str_sub(host, i, host.n), ".s3-"))
			at = i;
	if (at) {
		*bucket = str_sub(host, 0, at);
	} else if (!str_next(&path, '/', bucket)) {
		*bucket = (struct str){"", 0};
	}
	*key = str_from(sim_uri_decode(x->arena, path));
}

static const char *bucket_operation(const struct sim_exchange *x)
{
	const char *m = x->req->method;

	if (strcmp(m, "GET") == 0)
		return str_starts(x->req->query, "location") ? "GetBucketLocation"
							     : "ListObjectsV2";
	if (strcmp(m, "HEAD") == 0)
		return "HeadBucket";
	return strcmp(m, "PUT") == 0 ? "CreateBucket" : "Unknown";
}

static const char *sims3_operation(const struct sim_exchange *x)
{
	const char *m = x->req->method;
	struct sim_form *q = sim_form_parse(x->arena, x->req->query);
	bool upload = sim_form_get(q, "uploadId").n > 0;
	struct str bucket, key;

	sims3_split_path(x, &bucket, &key);
	if (!key.n)
		return bucket_operation(x);
	if (strcmp(m, "GET") == 0)
		return upload ? "ListParts" : "GetObject";
	if (strcmp(m, "HEAD") == 0)
		return "HeadObject";
	if (strcmp(m, "PUT") == 0)
		return upload ? "UploadPart" : "PutObject";
	if (strcmp(m, "DELETE") == 0)
		return upload ? "AbortMultipartUpload" : "DeleteObject";
	if (strcmp(m, "POST") == 0)
		return upload ? "CompleteMultipartUpload" : "CreateMultipartUpload";
	return "Unknown";
}

/* may: what artifact credentials are good for: 'r', 'w' or nothing. */
static const struct {
	const char *name;
	char may;
	void (*run)(const struct sims3_call *c);
} operations[] = {
	{"GetObject", 'r', sims3_get_object},
	{"HeadObject", 'r', sims3_get_object},
	{"PutObject", 'w', sims3_put_object},
	{"DeleteObject", 0, sims3_delete_object},
	{"CreateMultipartUpload", 'w', sims3_create_upload},
	{"UploadPart", 'w', sims3_upload_part},
	{"CompleteMultipartUpload", 'w', sims3_complete_upload},
	{"AbortMultipartUpload", 0, sims3_abort_upload},
	{"ListParts", 0, sims3_list_parts},
	{"GetBucketLocation", 0, get_bucket_location},
	{"HeadBucket", 0, head_bucket},
	{"CreateBucket", 0, create_bucket},
	{"ListObjectsV2", 0, list_objects},
};

static void sims3_handle(struct sim *s, void *state, const struct sim_exchange *x)
{
	struct str who = sim_key_principal(s, str_from(x->principal));
	struct sims3_call c = {
		.sim = s,
		.store = state,
		.x = x,
		.query = sim_form_parse(x->arena, x->req->query),
		.restricted = str_starts(who, SIM_ARTIFACT_PRINCIPAL),
	};

	sims3_split_path(x, &c.bucket, &c.key);
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (strcmp(operations[i].name, x->operation) != 0)
			continue;
		if (c.restricted &&
		    (!operations[i].may ||
		     !sim_artifact_allowed(s, who, operations[i].may == 'w', c.bucket, c.key)))
			sims3_error(&c, 403, "AccessDenied", "Access Denied");
		else if (operations[i].run != create_bucket &&
			 !sims3_bucket_find(c.store, c.bucket))
			sims3_error(&c, 404, "NoSuchBucket", "The specified bucket does not exist");
		else
			operations[i].run(&c);
		return;
	}
	sims3_error(&c, 405, "MethodNotAllowed",
		    "The specified method is not allowed against this resource.");
}

/* --- control ---------------------------------------------------------------------------------- */

static int read_file(struct str path, struct buf *out, struct err *err)
{
	char name[4096], piece[65536];
	FILE *f;
	size_t n;

	if (!str_copy(name, sizeof(name), path))
		return err_set(err, ERR_REJECTED, "file= is too long");
	f = fopen(name, "rb");
	if (!f)
		return err_set(err, ERR_NOT_FOUND, "file '%s' cannot be read", name);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(out, piece, n);
	fclose(f);
	return buf_check(out, name, err);
}

/* `s3 put BUCKET KEY file=PATH | text=...` */
static int control_put(struct sim *s, const struct sim_words *w, struct err *err)
{
	struct buf b;
	int rc = 0;

	if (!sim_word(w, 2).n || !sim_word(w, 3).n)
		return err_set(err, ERR_REJECTED, "s3 put: wants a bucket and a key");
	buf_init(&b, SIMS3_OBJECT_MAX);
	if (sim_word_value(w, "file").n)
		rc = read_file(sim_word_value(w, "file"), &b, err);
	else
		buf_add_str(&b, sim_word_value(w, "text"));
	if (rc == 0)
		sim_s3_put_object(s, sim_word(w, 2), sim_word(w, 3), buf_str(&b));
	buf_release(&b);
	return rc;
}

static void out_object(struct json_out *out, const struct sims3_object *o)
{
	json_out_object(out);
	json_member_cstr(out, "bucket", o->bucket);
	json_member_cstr(out, "key", o->key);
	json_member_i64(out, "size", (int64_t)o->bytes.n);
	json_member_cstr(out, "etag", o->etag);
	json_member_cstr(out, "contentType", o->content_type);
	json_member_cstr(out, "sse", o->sse);
	json_member_cstr(out, "kmsKey", o->kms_key);
	json_out_end(out);
}

static int sims3_control(struct sim *s, void *state, const struct sim_words *w,
			 struct json_out *out, struct err *err)
{
	struct sims3 *t = state;
	struct str verb = sim_word(w, 1), bucket = sim_word(w, 2), key = sim_word(w, 3);
	const struct sims3_object *o;

	if (str_is(verb, "show")) {
		json_out_array(out);
		for (o = t->objects; o; o = o->next)
			out_object(out, o);
		json_out_end(out);
		return 0;
	}
	if (str_is(verb, "bucket") && bucket.n) {
		struct sims3_bucket *b = bucket_add(t, bucket);
		bool store = b->is_artifact_store;

		(void)sim_word_bool(w, "artifacts", &store);
		b->is_artifact_store = store;
		json_out_object(out);
		json_member_bool(out, "artifacts", store);
		json_out_end(out);
		return 0;
	}
	if (str_is(verb, "put") && control_put(s, w, err) < 0)
		return -1;
	if (!str_is(verb, "put") && !str_is(verb, "get") && !str_is(verb, "delete"))
		return err_set(err, ERR_REJECTED, "s3: no command '" STR_FMT "'", STR_ARG(verb));
	o = sims3_object_find(t, bucket, key);
	if (!o)
		return err_set(err, ERR_NOT_FOUND, "s3 " STR_FMT ": no object " STR_FMT "/" STR_FMT,
			       STR_ARG(verb), STR_ARG(bucket), STR_ARG(key));
	if (str_is(verb, "get") && str_is_utf8(buf_str(&o->bytes))) {
		json_out_object(out);
		json_member_str(out, "text", buf_str(&o->bytes));
		json_member_cstr(out, "sse", o->sse);
		json_member_cstr(out, "kmsKey", o->kms_key);
		json_out_end(out);
	} else {
		out_object(out, o);
	}
	if (str_is(verb, "delete"))
		sims3_object_remove(t, bucket, key);
	return 0;
}

const struct sim_service sim_s3 = {
	.name = "s3",
	.create = sims3_create,
	.destroy = sims3_destroy,
	.operation = sims3_operation,
	.handle = sims3_handle,
	.control = sims3_control,
};
