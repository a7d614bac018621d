#include "worker/report/status_address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>

static void test_addresses(void **state)
{
	static const struct {
		const char *text, *at;
		int port;
		bool loopback;
	} cases[] = {
		{"9180", "127.0.0.1", 9180, true},
		{"0", "127.0.0.1", 0, true},
		{"localhost:65535", "127.0.0.1", 65535, true},
		{"127.0.0.1:80", "127.0.0.1", 80, true},
		{"127.255.3.4:80", "127.255.3.4", 80, true},
		{"[::1]:9180", "::1", 9180, true},
		{"0.0.0.0:9180", "0.0.0.0", 9180, false},
		{"10.0.0.5:9180", "10.0.0.5", 9180, false},
		{"[::]:9180", "::", 9180, false},
		{"[::ffff:127.0.0.1]:9180", "::ffff:127.0.0.1", 9180, false},
		{"[2001:db8::7]:1", "2001:db8::7", 1, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct status_address a = {.on = false};
		const struct sockaddr_in *four = (const struct sockaddr_in *)&a.at;
		const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&a.at;
		char text[INET6_ADDRSTRLEN];
		bool is_six = strchr(cases[i].at, ':') != NULL;

		if (!status_address_parse(str_from(cases[i].text), &a))
			fail_msg("%s", cases[i].text);
		assert_true(a.on);
		assert_int_equal(a.loopback, cases[i].loopback);
		assert_int_equal(a.at.ss_family, is_six ? AF_INET6 : AF_INET);
		assert_int_equal(a.size, is_six ? sizeof(*six) : sizeof(*four));
		assert_non_null(inet_ntop(a.at.ss_family,
					  is_six ? (const void *)&six->sin6_addr
						 : (const void *)&four->sin_addr,
					  text, sizeof(text)));
		assert_string_equal(text, cases[i].at);
		assert_int_equal(ntohs(is_six ? six->sin6_port : four->sin_port), cases[i].port);
	}
}

static void test_off_and_malformed(void **state)
{
	static const char *const bad[] = {"",
					  "on",
					  "65536",
					  "-1",
					  "9180 ",
					  ":9180",
					  "example.com:80",
					  "127.0.0.1",
					  "127.0.0.1:",
					  "127.0.0.1:x",
					  "127.1:80",
					  "0x7f.0.0.1:80",
					  "::1:9180",
					  "[::1]",
					  "[::1]9180",
					  "[::1]:99999",
					  "[127.0.0.1]:80",
					  "[::1:80",
					  "[]:80",
					  "[::1%lo]:80",
					  "localhost",
					  "127.0.0.1:80:90",
					  "127.0.0.1:80 "};
	struct status_address a = {.on = true};

	(void)state;
	assert_true(status_address_parse(STR("off"), &a));
	assert_false(a.on);
	assert_true(status_address_parse(STR("OFF"), &a));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (status_address_parse(str_from(bad[i]), &a))
			fail_msg("taken for an address: %s", bad[i]);
	assert_false(status_address_parse((struct str){"9180\0", 5}, &a));
}

static void test_hosts(void **state)
{
	static const char *const ours[] = {"localhost",	   "LocalHost:9180", "127.0.0.1",
					   "10.0.0.5:1",   "[::1]",	     "[fe80::1]:9180",
					   "a.example:80", "B.Example"};
	static const char *const others[] = {"",
					     ":80",
					     "example",
					     "c.example",
					     "a.example.evil.example",
					     "xa.example",
					     "localhost.",
					     "localhost:",
					     "localhost:0",
					     "localhost:65536",
					     "[::1",
					     "[localhost]",
					     "[127.0.0.1]",
					     "::1",
					     "127.0.0.1.evil.example",
					     "127.1",
					     "a.example ",
					     "a.example,b.example",
					     "localhost:80:80"};
	const char *names = "a.example, b.example,";

	(void)state;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (!status_host_is_ours(str_from(ours[i]), names))
			fail_msg("not taken for ours: %s", ours[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (status_host_is_ours(str_from(others[i]), names))
			fail_msg("taken for ours: \"%s\"", others[i]);
	assert_false(status_host_is_ours(STR("a.example"), NULL));
	assert_false(status_host_is_ours(STR(""), NULL));
	assert_false(status_host_is_ours((struct str){NULL, 0}, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_off_and_malformed),
		cmocka_unit_test(test_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
