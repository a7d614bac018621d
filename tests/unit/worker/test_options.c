#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "worker/options.h"

static struct arena *arena;
static struct options o;
static struct err err;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new();
	err = ERR_INIT;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

/* Words up to a NULL. */
static int parse(const char *const *words)
{
	char *argv[32] = {arena_strdup(arena, "rollout-worker")};
	char **copy;
	int n = 1;

	for (; *words; words++)
		argv[n++] = arena_strdup(arena, *words);
	copy = arena_array(arena, char *, (size_t)n + 1);
	for (int i = 0; i < n; i++)
		copy[i] = argv[i];
	return options_parse(arena, n, copy, &o, &err);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static void every_command_has_its_name(void **state)
{
	(void)state;
	for (enum command c = 0; c < COMMAND_COUNT; c++) {
		bool needs_id = c >= COMMAND_REPORT && c <= COMMAND_RESUME;
		const char *const words[] = {command_name(c), needs_id ? "r-1" : NULL, NULL};

		assert_int_equal(parse(words), 0);
		assert_int_equal(o.command, c);
	}
}

static void options_stand_anywhere(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--config", "/a", "--hold=2m", "check", "--plan=x=y", "--log-level",
			       "debug", "--property", "Target=lambda:f:live",
			       "--property=Overrides=a=b", "--artifact", "z.zip"),
			 0);
	assert_int_equal(o.command, COMMAND_CHECK);
	assert_string_equal(o.config, "/a");
	assert_string_equal(o.plan, "x=y");
	assert_string_equal(o.artifact, "z.zip");
	assert_int_equal(o.n_flags, 2);
	assert_string_equal(o.flags[0].name, "hold");
	assert_string_equal(o.flags[0].value, "2m");
	assert_string_equal(o.flags[1].name, "log-level");
	assert_string_equal(o.flags[1].value, "debug");
	assert_int_equal(o.n_properties, 2);
	assert_true(str_is(o.properties[0].name, "Target"));
	assert_true(str_is(o.properties[0].value, "lambda:f:live"));
	assert_true(str_is(o.properties[1].name, "Overrides"));
	assert_true(str_is(o.properties[1].value, "a=b"));
	assert_false(o.once || o.json || o.all);

	assert_int_equal(PARSE("run", "--once"), 0);
	assert_true(o.once);
	assert_int_equal(PARSE("status", "--json", "--all"), 0);
	assert_true(o.json && o.all);
	assert_int_equal(PARSE("report", "--json", "r-1"), 0);
	assert_string_equal(o.id, "r-1");
	assert_int_equal(PARSE("rollback", "--", "--odd"), 0);
	assert_string_equal(o.id, "--odd");
	assert_int_equal(PARSE("run", "--state-dir", ""),
			 0); /* config says what is wrong with it */
	assert_string_equal(o.flags[0].value, "");
	assert_int_equal(PARSE("check", "--property", "Alarms="), 0); /* an empty value is one */
	assert_int_equal(o.properties[0].value.n, 0);
}

static void help_and_version_win(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--help"), 0);
	assert_int_equal(o.command, COMMAND_HELP);
	assert_int_equal(PARSE("-h"), 0);
	assert_int_equal(o.command, COMMAND_HELP);
	assert_int_equal(PARSE("report", "--help"), 0);
	assert_int_equal(o.command, COMMAND_HELP);
	assert_int_equal(PARSE("--version", "run", "--json"), 0);
	assert_int_equal(o.command, COMMAND_VERSION);
	assert_int_equal(PARSE("--help", "--version"), 0);
	assert_int_equal(o.command, COMMAND_HELP);
}

static void refuse(const char *says, const char *const *words)
{
	err = ERR_INIT;
	assert_int_equal(parse(words), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	if (!strstr(err.text, says))
		fail_msg("\"%s\" lacks \"%s\"", err.text, says);
}

#define REFUSE(says, ...) refuse(says, (const char *const[]){__VA_ARGS__, NULL})

static void wrong_usage_is_refused(void **state)
{
	(void)state;
	REFUSE("no command", NULL);
	REFUSE("no command", "--hold", "1m");
	REFUSE("no command \"dance\"", "dance");
	REFUSE("no command \"\"", "");
	REFUSE("no option --dance", "--dance", "run");
	REFUSE("no option --dance", "--dance=1");
	REFUSE("no option -x", "run", "-x");
	REFUSE("no option --", "run", "--=5");
	REFUSE("--config needs a value", "run", "--config");
	REFUSE("--hold needs a value", "run", "--hold");
	REFUSE("--property needs a value", "check", "--property");
	REFUSE("--once takes no value", "run", "--once=yes");
	REFUSE("--help takes no value", "--help=me");
	REFUSE("write NAME=VALUE", "check", "--property", "Target");
	REFUSE("write NAME=VALUE", "check", "--property", "=x");
	REFUSE("--once does not go with check", "check", "--once");
	REFUSE("--plan does not go with run", "--plan", "x", "run");
	REFUSE("--property does not go with status", "status", "--property", "a=b");
	REFUSE("--all does not go with report", "report", "r-1", "--all");
	REFUSE("report needs the id", "report");
	REFUSE("promote needs the id", "promote", "--config", "x");
	REFUSE("one word too many", "run", "now");
	REFUSE("one word too many", "report", "r-1", "r-2");
	REFUSE("1 to 64 characters", "report", "");
	REFUSE("1 to 64 characters", "report",
	       "r-345678901234567890123456789012345678901234567890123456789012345");
}

static void no_words_at_all(void **state)
{
	char *none[] = {NULL};

	(void)state;
	assert_int_equal(options_parse(arena, 0, none, &o, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
}

static void the_help_fits_a_terminal(void **state)
{
	struct buf help;
	struct str rest, line;

	(void)state;
	buf_init(&help, 1u << 20);
	options_help(&help);
	rest = buf_str(&help);
	while (str_next(&rest, '\n', &line)) {
		assert_true(line.n < 80);
		assert_false(str_ends(line, " "));
		assert_null(line.n ? memchr(line.p, '\t', line.n) : NULL);
	}
	for (enum command c = 0; c < COMMAND_COUNT; c++) {
		char row[64];

		snprintf(row, sizeof(row), "\n  %s ", command_name(c));
		assert_non_null(strstr(help.p, row));
	}
	buf_release(&help);
}

/* A word that were both would never reach the configuration. */
static void no_option_hides_a_setting(void **state)
{
	static const char *const names[] = {"config", "once", "plan", "property", "artifact",
					    "json",   "all",  "help", "version"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_false(config_knows(names[i]));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(every_command_has_its_name),
		TEST(options_stand_anywhere),
		TEST(help_and_version_win),
		TEST(wrong_usage_is_refused),
		TEST(no_words_at_all),
		TEST(the_help_fits_a_terminal),
		TEST(no_option_hides_a_setting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
