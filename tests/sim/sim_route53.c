/*
 * Hosted zones of a simulated Route 53: records that say where names point, to be read. What the
 * worker asks is whether somebody's alias would follow an exchange of CNAMEs.
 */
#include "tests/sim/sim_internal.h"

#include <stdlib.h>

#define XMLNS "https://route53.amazonaws.com/doc/2013-04-01/"
#define RECORDS_MAX 512
#define PAGE 100

struct record {
	char zone[33], name[256], type[8], value[256];
	bool is_alias;
};

struct zones {
	struct record records[RECORDS_MAX];
	size_t n;
};

static void *create(struct sim *s)
{
	(void)s;
	return xcalloc(1, sizeof(struct zones));
}

static void destroy(void *state)
{
	free(state);
}

/* The zone of "/2013-04-01/hostedzone/ZONE/rrset"; empty: another path. */
static struct str zone_of(struct str path)
{
	static const char head[] = "/2013-04-01/hostedzone/", tail[] = "/rrset";

	if (!str_starts(path, head) || !str_ends(path, tail) ||
	    path.n <= strlen(head) + strlen(tail))
		return (struct str){"", 0};
	return str_sub(path, strlen(head), path.n - strlen(tail));
}

static const char *operation(const struct sim_exchange *x)
{
	bool reads = strcmp(x->req->method, "GET") == 0;

	return reads && zone_of(x->req->path).n ? "ListResourceRecordSets" : NULL;
}

static void element(struct buf *b, const char *tag, struct str text)
{
	buf_addf(b, "<%s>", tag);
	xml_escape(b, text);
	buf_addf(b, "</%s>", tag);
}

static void write_record(struct buf *b, const struct record *r)
{
	buf_adds(b, "<ResourceRecordSet>");
	element(b, "Name", str_from(r->name));
	element(b, "Type", str_from(r->type));
	if (r->is_alias) {
		buf_adds(b, "<AliasTarget><HostedZoneId>Z215JYRZR1TBD5</HostedZoneId>");
		element(b, "DNSName", str_from(r->value));
		buf_adds(b, "<EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget>");
	} else {
		buf_adds(b, "<TTL>60</TTL><ResourceRecords><ResourceRecord>");
		element(b, "Value", str_from(r->value));
		buf_adds(b, "</ResourceRecord></ResourceRecords>");
	}
	buf_adds(b, "</ResourceRecordSet>");
}

/* Records from ?name= on, as many as a page holds. */
static void write_page(struct buf *b, const struct zones *z, struct str zone, struct str from)
{
	const struct record *next = NULL;
	size_t n = 0;
	bool begun = from.n == 0;

	buf_adds(b, "<ListResourceRecordSetsResponse xmlns=\"" XMLNS "\"><ResourceRecordSets>");
	for (size_t i = 0; i < z->n && !next; i++) {
		const struct record *r = &z->records[i];

		begun = begun || str_is(from, r->name);
		if (!begun || !str_is(zone, r->zone))
			continue;
		if (n++ < PAGE)
			write_record(b, r);
		else
			next = r;
	}
	buf_adds(b, "</ResourceRecordSets>");
	element(b, "IsTruncated", next ? STR("true") : STR("false"));
	if (next) {
		element(b, "NextRecordName", str_from(next->name));
		element(b, "NextRecordType", str_from(next->type));
	}
	buf_addf(b, "<MaxItems>%d</MaxItems></ListResourceRecordSetsResponse>", PAGE);
}

static void handle(struct sim *s, void *state, const struct sim_exchange *x)
{
	const struct zones *z = state;
	struct str zone = zone_of(x->req->path);
	bool known = false;
	struct buf b;

	(void)s;
	for (size_t i = 0; i < z->n; i++)
		known = known || str_is(zone, z->records[i].zone);
	if (!zone.n || strcmp(x->req->method, "GET") != 0) {
		sim_reply_error(x, SIM_WIRE_QUERY, 400, "InvalidInput",
				"the simulator has no such operation");
		return;
	}
	if (!known) {
		sim_reply_error(x, SIM_WIRE_QUERY, 404, "NoSuchHostedZone",
				"No hosted zone found with ID: " STR_FMT, STR_ARG(zone));
		return;
	}
	buf_init(&b, 1u << 20);
	write_page(&b, z, zone, sim_form_get(sim_form_parse(x->arena, x->req->query), "name"));
	sim_reply_xml(x, 200, buf_str(&b));
	buf_release(&b);
}

/* route53 record ZONE NAME alias=TARGET or cname=TARGET; again changes it */
static int control(struct sim *s, void *state, const struct sim_words *w, struct json_out *out,
		   struct err *err)
{
	struct zones *z = state;
	struct str zone = sim_word(w, 2), name = sim_word(w, 3), alias = sim_word_value(w, "alias"),
		   cname = sim_word_value(w, "cname");
	struct record *r = z->records;

	(void)s;
	if (!str_is(sim_word(w, 1), "record") || !zone.n || !name.n || !(alias.n || cname.n))
		return err_set(err, ERR_REJECTED,
			       "route53: wants record ZONE NAME alias=TARGET or cname=TARGET");
	while (r < z->records + z->n && (!str_is(zone, r->zone) || !str_is(name, r->name)))
		r++;
	if (r == z->records + RECORDS_MAX)
		return err_set(err, ERR_LIMIT, "route53: at most %d records", RECORDS_MAX);
	if (!str_copy(r->zone, sizeof(r->zone), zone) ||
	    !str_copy(r->name, sizeof(r->name), name) ||
	    !str_copy(r->value, sizeof(r->value), alias.n ? alias : cname))
		return err_set(err, ERR_REJECTED, "route53: a name is too long");
	r->is_alias = alias.n > 0;
	(void)str_copy(r->type, sizeof(r->type), alias.n ? STR("A") : STR("CNAME"));
	if (r == z->records + z->n)
		z->n++;
	json_out_object(out);
	json_member_i64(out, "records", (int64_t)z->n);
	json_out_end(out);
	return 0;
}

const struct sim_service sim_route53 = {
	.name = "route53",
	.create = create,
	.destroy = destroy,
	.operation = operation,
	.handle = handle,
	.control = control,
};
