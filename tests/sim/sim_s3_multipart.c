/*
 * Uploads in parts. What is easily got wrong by clients is refused as S3 refuses it: parts that are
 * too small, in the wrong order, or with an ETag of something else.
 */
#include "tests/sim/sim_s3.h"

#include <stdio.h>
#include <stdlib.h>

#define PART_MIN (5u << 20) /* all but the last */

void sims3_upload_free(struct sims3_upload *u)
{
	while (u->parts) {
		struct sims3_part *p = u->parts;

		u->parts = p->next;
		buf_release(&p->bytes);
		free(p);
	}
	free(u);
}

static struct sims3_upload *find(const struct sims3_call *c)
{
	struct str id = sim_form_get(c->query, "uploadId");

	for (struct sims3_upload *u = c->store->uploads; u; u = u->next)
		if (str_is(id, u->id) && str_is(c->bucket, u->bucket) && str_is(c->key, u->key))
			return u;
	sims3_error(
		c, 404, "NoSuchUpload",
		"The specified upload does not exist. The upload ID may be invalid, or the upload "
		"may have been aborted or completed.");
	return NULL;
}

static void forget(struct sims3 *t, struct sims3_upload *u)
{
	for (struct sims3_upload **at = &t->uploads; *at; at = &(*at)->next) {
		if (*at != u)
			continue;
		*at = u->next;
		sims3_upload_free(u);
		return;
	}
}

void sims3_create_upload(const struct sims3_call *c)
{
	struct arena *a = c->store->arena;
	struct str sse = sims3_header(c, "x-amz-server-side-encryption");
	struct sims3_upload *u;
	struct buf b;

	if (!sims3_check_encryption(c))
		return;
	u = xcalloc(1, sizeof(*u));
	rng_uuid(sim_dice(c->sim), u->id);
	u->bucket = str_dup(a, c->bucket);
	u->key = str_dup(a, c->key);
	u->content_type = str_dup(a, sims3_header(c, "content-type"));
	u->sse = str_dup(a, sse);
	u->kms_key = str_dup(a, sims3_header(c, "x-amz-server-side-encryption-aws-kms-key-id"));
	u->next = c->store->uploads;
	c->store->uploads = u;

	buf_init(&b, 16384);
	buf_adds(&b, "<InitiateMultipartUploadResult "
		     "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Bucket>");
	xml_escape(&b, c->bucket);
	buf_adds(&b, "</Bucket><Key>");
	xml_escape(&b, c->key);
	buf_addf(&b, "</Key><UploadId>%s</UploadId></InitiateMultipartUploadResult>", u->id);
	sim_reply_raw(c->x, 200, "application/xml", buf_str(&b), NULL, 0);
	buf_release(&b);
}

/* The part of that number, made in its place when there is none. */
static struct sims3_part *part_at(struct sims3_upload *u, int64_t number)
{
	struct sims3_part **at = &u->parts;
	struct sims3_part *p;

	while (*at && (*at)->number < number)
		at = &(*at)->next;
	if (*at && (*at)->number == number)
		return *at;
	p = xcalloc(1, sizeof(*p));
	p->number = number;
	buf_init(&p->bytes, SIMS3_OBJECT_MAX);
	p->next = *at;
	*at = p;
	return p;
}

void sims3_upload_part(const struct sims3_call *c)
{
	struct http_header h = {STR("ETag"), STR("")};
	struct sims3_upload *u = find(c);
	struct sims3_part *p;
	struct str body;
	int64_t number;

	if (!u)
		return;
	if (!str_parse_i64(sim_form_get(c->query, "partNumber"), 1, 10000, &number)) {
		sims3_error(c, 400, "InvalidArgument",
			    "Part number must be an integer between 1 and 10000, inclusive");
		return;
	}
	if (!sims3_body(c, &body) || !sims3_check_sums(c, body))
		return;
	p = part_at(u, number);
	buf_clear(&p->bytes);
	buf_add_str(&p->bytes, body);
	sims3_etag(body, p->etag);
	h.value = str_from(p->etag);
	sim_reply_raw(c->x, 200, NULL, STR(""), &h, 1);
}

static bool etag_is(struct str given, const char *etag)
{
	size_t n = strlen(etag);

	if (str_is(given, etag))
		return true;
	return n > 2 && given.n == n - 2 && memcmp(given.p, etag + 1, given.n) == 0;
}

/* Join the parts that the document lists; an error code when one of them is wrong. */
static const char *join(const struct sims3_upload *u, const struct xml *doc, struct buf *out,
			size_t *count)
{
	const struct sims3_part *last = NULL;
	int64_t before = 0;

	*count = 0;
	xml_each (item, doc, "Part") {
		const struct sims3_part *p = u->parts;
		int64_t number;

		if (!xml_i64(item, "PartNumber", &number))
			return "MalformedXML";
		if (number <= before)
			return "InvalidPartOrder";
		before = number;
		while (p && p->number != number)
			p = p->next;
		if (!p || !etag_is(xml_text(item, "ETag"), p->etag))
			return "InvalidPart";
		if (last && last->bytes.n < PART_MIN)
			return "EntityTooSmall";
		buf_add_str(out, buf_str(&p->bytes));
		last = p;
		++*count;
	}
	return *count ? NULL : "MalformedXML";
}

static void reply_completed(const struct sims3_call *c, const struct sims3_object *o)
{
	struct http_header h[] = {
		{STR("x-amz-version-id"), str_from(o->version)},
		{STR("x-amz-server-side-encryption"), str_from(o->sse)},
	};
	struct buf b;

	buf_init(&b, 16384);
	/* S3 sends white space while it works */
	buf_adds(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\n  \n"
		     "<CompleteMultipartUploadResult "
		     "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Bucket>");
	xml_escape(&b, c->bucket);
	buf_adds(&b, "</Bucket><Key>");
	xml_escape(&b, c->key);
	buf_adds(&b, "</Key><ETag>");
	xml_escape(&b, str_from(o->etag));
	buf_adds(&b, "</ETag></CompleteMultipartUploadResult>");
	sim_reply_raw(c->x, 200, "application/xml", buf_str(&b), h, 2);
	buf_release(&b);
}

void sims3_complete_upload(const struct sims3_call *c)
{
	struct sims3_upload *u = find(c);
	struct sims3_object *o;
	struct err err = ERR_INIT;
	struct xml *doc;
	const char *code;
	struct buf joined;
	size_t count;

	if (!u || !sims3_check_preconditions(c, sims3_object_find(c->store, c->bucket, c->key)))
		return;
	if (xml_parse(c->x->arena, c->x->req->body, &doc, &err) < 0) {
		sims3_error(c, 400, "MalformedXML", "The XML you provided was not well-formed");
		return;
	}
	buf_init(&joined, SIMS3_OBJECT_MAX);
	code = join(u, doc, &joined, &count);
	if (code) {
		sims3_error(c, 400, code, "The list of parts cannot be used.");
	} else {
		o = sims3_object_put(c->sim, c->store, c->bucket, c->key, buf_str(&joined));
		snprintf(o->etag + 33, sizeof(o->etag) - 33, "-%u\"", (unsigned)count);
		if (u->content_type[0])
			o->content_type = u->content_type;
		if (u->sse[0])
			o->sse = u->sse;
		o->kms_key = u->kms_key;
		forget(c->store, u);
		reply_completed(c, o);
	}
	buf_release(&joined);
}

void sims3_abort_upload(const struct sims3_call *c)
{
	struct sims3_upload *u = find(c);

	if (!u)
		return;
	forget(c->store, u);
	sim_reply_raw(c->x, 204, NULL, STR(""), NULL, 0);
}

void sims3_list_parts(const struct sims3_call *c)
{
	struct sims3_upload *u = find(c);
	struct buf b;

	if (!u)
		return;
	buf_init(&b, 4u << 20);
	buf_adds(&b, "<ListPartsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (const struct sims3_part *p = u->parts; p; p = p->next) {
		buf_addf(&b, "<Part><PartNumber>%u</PartNumber><ETag>", (unsigned)p->number);
		xml_escape(&b, str_from(p->etag));
		buf_addf(&b, "</ETag><Size>%zu</Size></Part>", p->bytes.n);
	}
	buf_adds(&b, "<IsTruncated>false</IsTruncated></ListPartsResult>");
	sim_reply_raw(c->x, 200, "application/xml", buf_str(&b), NULL, 0);
	buf_release(&b);
}
