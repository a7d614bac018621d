#include "tests/unit/sim/services.h"

/* Hosted zones of the simulated Route 53. */

static int list(struct world *w, const char *zone, const char *query)
{
	struct ask q = {.method = "GET",
			.host = "route53.amazonaws.com",
			.path = arena_printf(w->arena, "/2013-04-01/hostedzone/%s/rrset", zone),
			.query = query,
			.service = "route53"};

	return ask_send(w, &q);
}

static void records_are_listed(void **state)
{
	(void)state;
	struct world *w = world_new(NULL);
	ctl(w, "route53 record Z1 www.example.com. alias=lb.example.com.");
	ctl(w, "route53 record Z1 shop.example.com. cname=shop.elasticbeanstalk.com");
	ctl(w, "route53 record Z2 other.example.com. cname=x.example.com");
	assert_int_equal(list(w, "Z1", ""), 200);
	const struct xml *one = xml_at(body_xml(w), "ResourceRecordSets")->first;
	assert_true(str_is(xml_text(one, "Name"), "www.example.com."));
	assert_true(str_is(xml_text(one, "Type"), "A"));
	assert_true(str_is(xml_text(one, "AliasTarget/DNSName"), "lb.example.com."));
	one = one->next;
	assert_true(str_is(xml_text(one, "Type"), "CNAME"));
	assert_true(str_is(xml_text(one, "ResourceRecords/ResourceRecord/Value"),
			   "shop.elasticbeanstalk.com"));
	assert_null(one->next);
	/* the same name again is a change */
	ctl(w, "route53 record Z1 www.example.com. cname=moved.example.com");
	list(w, "Z1", "");
	one = xml_at(body_xml(w), "ResourceRecordSets")->first;
	assert_true(str_is(xml_text(one, "Type"), "CNAME"));
	world_free(w);
}

static void many_come_in_pages(void **state)
{
	(void)state;
	struct world *w = world_new(NULL);
	size_t n = 0;
	for (int i = 0; i < 150; i++)
		ctl(w, arena_printf(w->arena, "route53 record Z1 n%d.example.com. cname=x", i));
	list(w, "Z1", "");
	xml_each(r, xml_at(body_xml(w), "ResourceRecordSets"), "ResourceRecordSet")
		n++;
	assert_int_equal(n, 100);
	assert_true(str_is(xml_text(body_xml(w), "IsTruncated"), "true"));
	assert_true(str_is(xml_text(body_xml(w), "NextRecordName"), "n100.example.com."));
	list(w, "Z1", "name=n100.example.com.&type=CNAME");
	xml_each(r, xml_at(body_xml(w), "ResourceRecordSets"), "ResourceRecordSet")
		n++;
	assert_int_equal(n, 150);
	assert_true(str_is(xml_text(body_xml(w), "IsTruncated"), "false"));
	world_free(w);
}

static void what_is_not_there_is_said(void **state)
{
	(void)state;
	struct world *w = world_new(NULL);
	assert_int_equal(list(w, "Z1", ""), 404);
	assert_string_equal(code(w), "NoSuchHostedZone");
	ctl_refused(w, "route53 record Z1", "ZONE NAME");
	ctl_refused(w, "route53 zone Z1 x cname=y", "record");
	struct ask q = {.method = "GET",
			.host = "route53.amazonaws.com",
			.path = "/2013-04-01/hostedzone",
			.service = "route53"};
	assert_int_equal(ask_send(w, &q), 400);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_listed),
		cmocka_unit_test(many_come_in_pages),
		cmocka_unit_test(what_is_not_there_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
