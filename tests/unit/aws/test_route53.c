#include "aws/route53.h"

#include "tests/unit/aws/api_model.h"

static int set_up(void **state)
{
	*state = fake_new();
	return 0;
}

static int tear_down(void **state)
{
	fake_free(*state);
	return 0;
}

static void page(struct fake *f, const char *records, const char *rest)
{
	fake_answer(
		f, 200, NULL,
		arena_printf(f->arena,
			     "<ListResourceRecordSetsResponse xmlns=\"https://route53.amazonaws."
			     "com/doc/2013-04-01/\"><ResourceRecordSets>%s</ResourceRecordSets>"
			     "%s</ListResourceRecordSetsResponse>",
			     records, rest));
}

static void test_records(void **state)
{
	struct route53_record *r;
	struct fake *f = *state;
	struct err err = ERR_INIT;
	size_t n;

	page(f,
	     "<ResourceRecordSet><Name>example.com.</Name><Type>A</Type><AliasTarget><DNSName>"
	     "dualstack.awseb-1.elb.amazonaws.com.</DNSName></AliasTarget></ResourceRecordSet>",
	     "<IsTruncated>true</IsTruncated><NextRecordName>\\052.example.com.</NextRecordName>"
	     "<NextRecordType>CNAME</NextRecordType><NextRecordIdentifier>a b"
	     "</NextRecordIdentifier>");
	page(f,
	     "<ResourceRecordSet><Name>\\052.example.com.</Name><Type>CNAME</Type><TTL>60</TTL>"
	     "<ResourceRecords><ResourceRecord><Value>one.</Value></ResourceRecord><ResourceRecord/"
	     ">"
	     "</ResourceRecords></ResourceRecordSet>",
	     "<IsTruncated>false</IsTruncated>");
	if (route53_list_records(&f->client, "Z1D633PJN98FT9", f->arena, &r, &n, &err))
		fail_msg("%s", err.text);
	assert_string_equal(
		fake_sent(f, 0)->url,
		"https://route53.amazonaws.com/2013-04-01/hostedzone/Z1D633PJN98FT9/rrset");
	assert_string_equal(fake_sent(f, 1)->url,
			    "https://route53.amazonaws.com/2013-04-01/hostedzone/Z1D633PJN98FT9/"
			    "rrset?name=%5C052.example.com.&type=CNAME&identifier=a%20b");
	api_check(f, 0, "route53", "ListResourceRecordSets");
	api_check(f, 1, "route53", "ListResourceRecordSets");
	/* whatever the region, it is signed for the global one */
	assert_non_null(memmem(fake_header(f, 0, "authorization").p,
			       fake_header(f, 0, "authorization").n, "/us-east-1/route53/", 19));
	assert_int_equal(n, 2);
	assert_string_equal(r[0].name, "example.com.");
	assert_string_equal(r[0].type, "A");
	assert_string_equal(r[0].alias, "dualstack.awseb-1.elb.amazonaws.com.");
	assert_int_equal(r[0].n_values, 0);
	assert_null(r[1].alias);
	assert_int_equal(r[1].n_values, 2);
	assert_string_equal(r[1].values[0], "one.");
	assert_string_equal(r[1].values[1], "");
	assert_true(fake_done(f));
}

static void test_errors(void **state)
{
	static const char *const bad[] = {
		"", "Z1/../x", "Z1?x", "/hostedzone/Z1", "Z23456789012345678901234567890123", NULL};
	struct route53_record *r;
	struct fake *f = *state;
	struct err err = ERR_INIT;
	size_t n;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(route53_list_records(&f->client, bad[i], f->arena, &r, &n, &err),
				 -1);
		assert_int_equal(err.code, ERR_REJECTED);
	}
	assert_int_equal(f->n_requests, 0);
	fake_answer(f, 404, NULL,
		    "<ErrorResponse><Error><Code>NoSuchHostedZone</Code></Error></ErrorResponse>");
	assert_int_equal(route53_list_records(&f->client, "Z1", f->arena, &r, &n, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	fake_answer(f, 403, NULL,
		    "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>");
	assert_int_equal(route53_list_records(&f->client, "Z1", f->arena, &r, &n, &err), -1);
	assert_int_equal(err.code, ERR_DENIED);
	fake_answer(f, 200, NULL, "<Other/>");
	assert_int_equal(route53_list_records(&f->client, "Z1", f->arena, &r, &n, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	page(f, "<ResourceRecordSet><Name>a.</Name></ResourceRecordSet>", "");
	assert_int_equal(route53_list_records(&f->client, "Z1", f->arena, &r, &n, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_true(fake_done(f));
	page(f, "", "<IsTruncated>true</IsTruncated><NextRecordName>a.</NextRecordName>");
	f->repeat_last = true;
	assert_int_equal(route53_list_records(&f->client, "Z1", f->arena, &r, &n, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_records),
		TEST(test_errors),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
