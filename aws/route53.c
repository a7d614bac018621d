#include "aws/route53.h"

#include <string.h>

#include "aws/answer.h"

/*
 * Reading a hosted zone. An answer without the list is an error, never an empty zone.
 */

#define QUERY_MAX 4096
#define ZONE_ID_MAX 32

const struct aws_service route53_service = {
	.id = "Route 53",
	.endpoint_prefix = "route53",
	.signing_name = "route53",
	.api_version = "2013-04-01",
	.protocol = AWS_REST_XML,
	.double_encode = true,
	.is_global = true,
};

/* It becomes part of a path. */
static bool is_zone_id(const char *id)
{
	size_t n = id ? strlen(id) : 0;

	for (size_t i = 0; i < n; i++)
		if (!(id[i] >= '0' && id[i] <= '9') && !(id[i] >= 'A' && id[i] <= 'Z') &&
		    !(id[i] >= 'a' && id[i] <= 'z'))
			return false;
	return n > 0 && n <= ZONE_ID_MAX;
}

static int read_record(const struct xml *node, struct arena *a, struct route53_record *out,
		       struct err *err)
{
	const char **values = NULL;
	size_t cap = 0;

	*out = (struct route53_record){.name = aws_xml_text(node, "Name"),
				       .type = aws_xml_text(node, "Type"),
				       .alias = aws_xml_text(node, "AliasTarget/DNSName")};
	if (!out->name || !out->type)
		return err_set(err, ERR_MALFORMED,
			       "Route53.ListResourceRecordSets: a record has no name or no type");
	xml_each(r, xml_at(node, "ResourceRecords"), "ResourceRecord") {
		values = aws_grow(a, values, out->n_values, &cap, sizeof(*values));
		values[out->n_values] = xml_cstr(r, "Value");
		if (!values[out->n_values])
			values[out->n_values] = "";
		out->n_values++;
	}
	out->values = values;
	return 0;
}

/* Where the next page begins: its first record. */
static const char *next_query(const struct xml *root, struct arena *a)
{
	static const char *const keys[][2] = {{"NextRecordName", "name"},
					      {"NextRecordType", "type"},
					      {"NextRecordIdentifier", "identifier"}};
	const char *text;
	struct buf b;

	if (!str_is(xml_text(root, "IsTruncated"), "true"))
		return NULL;
	buf_init(&b, QUERY_MAX);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *value = aws_xml_text(root, keys[i][0]);

		if (!value)
			continue;
		buf_addf(&b, "%s%s=", b.n ? "&" : "", keys[i][1]);
		buf_add_uri(&b, str_from(value), false);
	}
	text = arena_strdup(a, b.p);
	buf_release(&b);
	return *text ? text : NULL;
}

int route53_list_records(const struct aws_client *c, const char *zone_id, struct arena *a,
			 struct route53_record **out, size_t *n, struct err *err)
{
	struct aws_request r = {.service = &route53_service,
				.operation = "ListResourceRecordSets",
				.method = "GET",
				.resend_safe = true};
	struct aws_response res;
	size_t cap = 0;

	*out = NULL;
	*n = 0;
	if (!is_zone_id(zone_id))
		return err_set(err, ERR_REJECTED,
			       "Route53.ListResourceRecordSets: \"%.60s\" is no id of a zone",
			       zone_id ? zone_id : "");
	r.path = arena_printf(a, "/2013-04-01/hostedzone/%s/rrset", zone_id);
	for (int page = 0; page < AWS_PAGES_MAX; page++) {
		const struct xml *list;

		if (aws_call(c, &r, a, &res, err))
			return -1;
		list = xml_at(res.xml, "ResourceRecordSets");
		if (!list)
			return err_set(err, ERR_MALFORMED,
				       "Route53.ListResourceRecordSets: the answer has no records");
		xml_each(node, list, "ResourceRecordSet") {
			*out = aws_grow(a, *out, *n, &cap, sizeof(**out));
			if (read_record(node, a, &(*out)[*n], err))
				return -1;
			(*n)++;
		}
		r.query = next_query(res.xml, a);
		if (!r.query)
			return 0;
	}
	return err_set(err, ERR_LIMIT, "Route53.ListResourceRecordSets: more than %d pages",
		       AWS_PAGES_MAX);
}
