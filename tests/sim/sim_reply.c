/*
 * Answers as AWS writes them, and the two encodings that requests come in. Every answer carries a
 * request id, a Date in simulated time (clients correct their clocks by it), and its length.
 */
#include "tests/sim/sim_internal.h"

#include <stdarg.h>
#include <stdio.h>

#include "aws/core/digest.h"

void sim_http_date(struct utc t, char out[32])
{
	static const char days[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 was a Thursday */
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char iso[UTC_ISO_SIZE];
	int64_t day = t.ms / 86400000;
	uint64_t month = 1;

	utc_format_iso(t, iso);
	(void)str_parse_u64((struct str){iso + 5, 2}, 1, 12, &month);
	snprintf(out, 32, "%.3s, %.2s %.3s %.4s %.8s GMT", days + 3 * (day % 7), iso + 8,
		 months + 3 * (month - 1), iso, iso + 11);
}

void sim_reply_raw(const struct sim_exchange *x, int status, const char *content_type,
		   struct str body, const struct http_header *extra, size_t n_extra)
{
	struct http_response *res = x->res;
	char date[32];
	bool has_length = false;

	sim_http_date(x->now, date);
	res->status = status;
	res->headers = arena_array(x->arena, struct http_header, n_extra + 4);
	res->n_headers = 0;
	for (size_t i = 0; i < n_extra; i++) {
		res->headers[res->n_headers++] =
			(struct http_header){{str_dup(x->arena, extra[i].name), extra[i].name.n},
					     {str_dup(x->arena, extra[i].value), extra[i].value.n}};
		has_length = has_length || str_is_nocase(extra[i].name, "content-length");
	}
	if (content_type)
		res->headers[res->n_headers++] = (struct http_header){
			STR("Content-Type"), str_from(arena_strdup(x->arena, content_type))};
	res->headers[res->n_headers++] = (struct http_header){
		STR("x-amzn-RequestId"), str_from(arena_strdup(x->arena, x->request_id))};
	res->headers[res->n_headers++] =
		(struct http_header){STR("Date"), str_from(arena_strdup(x->arena, date))};
	if (!has_length && status != 204 && status != 304)
		res->headers[res->n_headers++] = (struct http_header){
			STR("Content-Length"), str_from(arena_printf(x->arena, "%zu", body.n))};
	if (strcmp(x->req->method, "HEAD") == 0)
		body = STR("");
	res->body = (struct str){str_dup(x->arena, body), body.n};
	res->body_bytes = body.n;
}

/* "application/x-amz-json-1.0" or -1.1: answer in the version that was asked in. */
static const char *json_type(const struct sim_exchange *x)
{
	struct str type = http_header_get(x->req->headers, x->req->n_headers, "content-type");

	if (str_starts(type, "application/x-amz-json-1.0"))
		return "application/x-amz-json-1.0";
	if (str_starts(type, "application/x-amz-json-1.1"))
		return "application/x-amz-json-1.1";
	return "application/json";
}

void sim_reply_json(const struct sim_exchange *x, int status, struct str body)
{
	sim_reply_raw(x, status, json_type(x), body, NULL, 0);
}

void sim_reply_xml(const struct sim_exchange *x, int status, struct str body)
{
	sim_reply_raw(x, status, "text/xml", body, NULL, 0);
}

static void error_json(const struct sim_exchange *x, int status, const char *code,
		       const char *message)
{
	struct http_header extra = {STR("x-amzn-query-error"), STR("")};
	struct json_out o;
	struct buf b;
	bool compatible =
		http_header_get(x->req->headers, x->req->n_headers, "x-amzn-query-mode").n > 0;

	buf_init(&b, 64u << 10);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_cstr(&o, "__type", code);
	json_member_cstr(&o, "message", message);
	json_out_end(&o);
	extra.value = str_from(
		arena_printf(x->arena, "%s;%s", code, status < 500 ? "Sender" : "Receiver"));
	sim_reply_raw(x, status, json_type(x), buf_str(&b), compatible ? &extra : NULL,
		      compatible ? 1 : 0);
	buf_release(&b);
}

static void error_rest_json(const struct sim_exchange *x, int status, const char *code,
			    const char *message)
{
	struct http_header extra = {STR("x-amzn-ErrorType"), str_from(code)};
	struct json_out o;
	struct buf b;

	buf_init(&b, 64u << 10);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_cstr(&o, "Type", status < 500 ? "User" : "Service");
	json_member_cstr(&o, "Message", message);
	json_out_end(&o);
	sim_reply_raw(x, status, "application/json", buf_str(&b), &extra, 1);
	buf_release(&b);
}

static void xml_element(struct buf *b, const char *name, struct str text)
{
	buf_addf(b, "<%s>", name);
	xml_escape(b, text);
	buf_addf(b, "</%s>", name);
}

static void error_xml(const struct sim_exchange *x, enum sim_wire wire, int status,
		      const char *code, const char *message)
{
	struct http_header extra[2] = {
		{STR("x-amz-request-id"), str_from(x->request_id)},
		{STR("x-amz-id-2"), STR("c2ltdWxhdGVk")},
	};
	struct buf b;

	buf_init(&b, 64u << 10);
	if (wire == SIM_WIRE_S3) {
		buf_adds(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
		xml_element(&b, "Code", str_from(code));
		xml_element(&b, "Message", str_from(message));
		xml_element(&b, "Resource", x->req->path);
		xml_element(&b, "RequestId", str_from(x->request_id));
		buf_adds(&b, "<HostId>c2ltdWxhdGVk</HostId></Error>");
		sim_reply_raw(x, status, "application/xml", buf_str(&b), extra, 2);
	} else if (wire == SIM_WIRE_EC2) {
		buf_adds(&b,
			 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>");
		xml_element(&b, "Code", str_from(code));
		xml_element(&b, "Message", str_from(message));
		buf_adds(&b, "</Error></Errors>");
		xml_element(&b, "RequestID", str_from(x->request_id));
		buf_adds(&b, "</Response>");
		sim_reply_raw(x, status, "text/xml;charset=UTF-8", buf_str(&b), NULL, 0);
	} else {
		buf_adds(&b, "<ErrorResponse><Error><Type>");
		buf_adds(&b, status < 500 ? "Sender" : "Receiver");
		buf_adds(&b, "</Type>");
		xml_element(&b, "Code", str_from(code));
		xml_element(&b, "Message", str_from(message));
		buf_adds(&b, "</Error>");
		xml_element(&b, "RequestId", str_from(x->request_id));
		buf_adds(&b, "</ErrorResponse>");
		sim_reply_raw(x, status, "text/xml", buf_str(&b), NULL, 0);
	}
	buf_release(&b);
}

void sim_reply_error(const struct sim_exchange *x, enum sim_wire wire, int status, const char *code,
		     const char *fmt, ...)
{
	char message[8192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	switch (wire) {
	case SIM_WIRE_JSON:
		error_json(x, status, code, message);
		break;
	case SIM_WIRE_REST_JSON:
		error_rest_json(x, status, code, message);
		break;
	case SIM_WIRE_QUERY:
	case SIM_WIRE_EC2:
	case SIM_WIRE_S3:
		error_xml(x, wire, status, code, message);
		break;
	}
}

/* --- requests --------------------------------------------------------------------------------- */

static char *decode(struct arena *a, struct str s, bool plus_is_space)
{
	char *out = arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		uint8_t byte;

		if (s.p[i] == '%' && i + 2 < s.n &&
		    hex_decode((struct str){s.p + i + 1, 2}, &byte, 1)) {
			out[n++] = (char)byte;
			i += 2;
		} else {
			out[n++] = plus_is_space && s.p[i] == '+' ? ' ' : s.p[i];
		}
	}
	out[n] = '\0';
	return out;
}

char *sim_uri_decode(struct arena *a, struct str s)
{
	return decode(a, s, false);
}

struct sim_form *sim_form_parse(struct arena *a, struct str encoded)
{
	struct sim_form *f = arena_new_of(a, struct sim_form);
	struct str rest = encoded, field;
	size_t n = 1;

	for (size_t i = 0; i < encoded.n; i++)
		n += encoded.p[i] == '&';
	f->pairs = arena_calloc(a, n, sizeof(*f->pairs));
	while (str_next(&rest, '&', &field)) {
		struct str value = field, key;

		if (!str_next(&value, '=', &key))
			continue;
		f->pairs[f->n].key = str_from(decode(a, key, true));
		f->pairs[f->n].value = str_from(decode(a, value, true));
		f->n++;
	}
	return f;
}

struct str sim_form_get(const struct sim_form *f, const char *key)
{
	for (size_t i = 0; f && i < f->n; i++)
		if (str_is(f->pairs[i].key, key))
			return f->pairs[i].value;
	return (struct str){"", 0};
}
