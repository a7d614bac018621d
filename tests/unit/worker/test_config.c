#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "aws/readfile.h"
#include "worker/config.h"
#include "worker/config_table.h"

/* One case: a file, an environment of pairs, flags; what came of it. */
struct world {
	char dir[64];
	const char *path; /* NULL: no file */
	const char *env[8][2];
	struct config_flag flags[8];
	size_t n_flags;

	struct arena *arena;
	struct config config;
	struct problems problems;
	struct err err;
	char text[8192]; /* the problems */
};

static const char *get(void *arg, const char *name)
{
	struct world *w = arg;

	for (size_t i = 0; i < 8 && w->env[i][0]; i++)
		if (!strcmp(w->env[i][0], name))
			return w->env[i][1];
	return NULL;
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	snprintf(w->dir, sizeof(w->dir), "/tmp/test-config-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/worker.conf", w->dir);
	unlink(path);
	rmdir(w->dir);
	arena_free(w->arena);
	free(w);
	return 0;
}

static int load(struct world *w, const char *text)
{
	struct aws_env env = {.get = get, .arg = w};
	struct buf b;
	int rc;

	arena_free(w->arena);
	w->arena = arena_new();
	w->err = ERR_INIT;
	w->path = NULL;
	if (text) {
		FILE *f;

		w->path = arena_printf(w->arena, "%s/worker.conf", w->dir);
		f = fopen(w->path, "w");
		assert_non_null(f);
		fputs(text, f);
		fclose(f);
	}
	problems_init(&w->problems, w->arena);
	rc = config_load(w->arena, w->path, &env, w->flags, w->n_flags, &w->config, &w->problems,
			 &w->err);
	buf_init(&b, sizeof(w->text) - 1);
	problems_format(&w->problems, &b);
	snprintf(w->text, sizeof(w->text), "%s", b.p);
	buf_release(&b);
	return rc;
}

static void assert_says(struct world *w, const char *what)
{
	if (!strstr(w->text, what))
		fail_msg("no \"%s\" in:\n%s", what, w->text);
}

static void defaults_are_those_of_the_table(void **state)
{
	struct world *w = *state;
	const struct config *c = &w->config;

	assert_int_equal(load(w, NULL), 0);
	assert_int_equal(c->n_action_types, 1);
	assert_string_equal(c->action_types[0].type.category, "Deploy");
	assert_string_equal(c->action_types[0].type.owner, "Custom");
	assert_string_equal(c->action_types[0].type.provider, "Rollout");
	assert_string_equal(c->action_types[0].type.version, "1");
	assert_null(c->action_types[0].query_name);
	assert_int_equal(c->hold_ms, 60000);
	assert_int_equal(c->tick_ms, 10000);
	assert_int_equal(c->poll_ms, 15000);
	assert_int_equal(c->stop_ms, 30000);
	assert_string_equal(c->state_dir, "/var/lib/rollout-worker");
	assert_string_equal(c->work_dir, "/var/lib/rollout-worker/work");
	assert_int_equal(c->log_level, LOG_INFO);
	assert_int_equal(c->log_format, LOG_TEXT);
	assert_int_equal(c->artifact_max_bytes, LIMIT_ARTIFACT_BYTES);
	assert_int_equal(c->unpack.max_entries, LIMIT_UNPACKED_ENTRIES);
	assert_int_equal(c->unpack_confinement, UNPACK_CONFINEMENT_PREFER);
	assert_null(c->aws.region);
	assert_null(c->test_clock);
}

static void every_setting_is_read_from_a_file(void **state)
{
	struct world *w = *state;
	const struct config *c = &w->config;

	assert_int_equal(load(w, "# ours\n"
				 "[worker]\n"
				 "threads = 3\nSlots=7\nunpacks = 1 # a note\n"
				 "hold = 2m\ntick=1m\npoll=1s\nstop = 1m30s\n"
				 "state_dir = /srv/x\nwork_dir=/srv/y\n"
				 "log_level = DEBUG\nlog-format = json\nlog_systemd = True\n"
				 "profile = p\nregion = eu-central-1\n"
				 "endpoint_url = http://127.0.0.1:8080\nca_bundle = /c.pem\n"
				 "imds_endpoint = http://[::1]:1\nimds_endpoint_mode = ipv6\n"
				 "s3_force_path_style = true\n"
				 "artifact_max_size = 1 MiB\nunpack_max_size = 2048\n"
				 "unpack_max_file_size = 1TiB\nunpack_max_entries = 9\n"
				 "unpack_max_depth = 2\nunpack_confinement = require\n"
				 "test_clock = 1767607200000x0.5\n"),
			 0);
	assert_int_equal(c->threads, 3);
	assert_int_equal(c->slots, 7);
	assert_int_equal(c->unpacks, 1);
	assert_int_equal(c->hold_ms, 120000);
	assert_int_equal(c->tick_ms, 60000);
	assert_int_equal(c->poll_ms, 1000);
	assert_int_equal(c->stop_ms, 90000);
	assert_string_equal(c->state_dir, "/srv/x");
	assert_string_equal(c->work_dir, "/srv/y");
	assert_int_equal(c->log_level, LOG_DEBUG);
	assert_int_equal(c->log_format, LOG_JSON);
	assert_true(c->log_systemd);
	assert_string_equal(c->aws.profile, "p");
	assert_string_equal(c->aws.region, "eu-central-1");
	assert_string_equal(c->aws.endpoint_url, "http://127.0.0.1:8080");
	assert_string_equal(c->aws.ca_bundle, "/c.pem");
	assert_string_equal(c->aws.imds_endpoint, "http://[::1]:1");
	assert_string_equal(c->aws.imds_endpoint_mode, "IPv6");
	assert_true(c->aws.s3_force_path_style);
	assert_int_equal(c->artifact_max_bytes, 1 << 20);
	assert_int_equal(c->unpack.max_bytes, 2048);
	assert_int_equal(c->unpack.max_entry_bytes, 1ll << 40);
	assert_int_equal(c->unpack.max_entries, 9);
	assert_int_equal(c->unpack.max_depth, 2);
	assert_int_equal(c->unpack_confinement, UNPACK_CONFINEMENT_REQUIRE);
	assert_string_equal(c->test_clock, "1767607200000x0.5");
}

static void flag_beats_environment_beats_file(void **state)
{
	struct world *w = *state;

	w->env[0][0] = "ROLLOUT_WORKER_THREADS";
	w->env[0][1] = "5";
	w->env[1][0] = "ROLLOUT_WORKER_SLOTS";
	w->env[1][1] = "6";
	w->env[2][0] = "ROLLOUT_WORKER_UNPACKS";
	w->env[2][1] = ""; /* empty counts as unset */
	w->flags[0] = (struct config_flag){"threads", "9"};
	w->flags[1] = (struct config_flag){"log-level", "error"};
	w->flags[2] = (struct config_flag){"log_level", "warn"}; /* the last one wins */
	w->n_flags = 3;
	assert_int_equal(load(w, "[worker]\nthreads = 2\nslots = 3\nunpacks = 4\n"), 0);
	assert_int_equal(w->config.threads, 9);
	assert_int_equal(w->config.slots, 6);
	assert_int_equal(w->config.unpacks, 4);
	assert_int_equal(w->config.log_level, LOG_WARN);
}

static void all_problems_come_at_once_with_their_place(void **state)
{
	struct world *w = *state;

	w->env[0][0] = "ROLLOUT_WORKER_POLL";
	w->env[0][1] = "soon";
	w->flags[0] = (struct config_flag){"log-level", "loud"};
	w->flags[1] = (struct config_flag){"colour", "red"};
	w->flags[2] = (struct config_flag){"threads", "4"};
	w->n_flags = 3;
	assert_int_equal(load(w, "[worker]\n"
				 "threads = 0\n" /* wrong, though a flag sets it */
				 "hold = 5s\n"
				 "aws_secret_access_key = hunter2\n"
				 "[elsewhere]\n"
				 "x = 1\n"
				 "[action-type a]\n"
				 "version = 1.5\n"
				 "[action-type b]\n"
				 "owner = AWS\n"),
			 -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
	assert_int_equal(w->problems.n_errors, 9);
	assert_says(w, "worker.conf:2: threads: \"0\": a whole number from 1 to 64");
	assert_says(w, "worker.conf:3: hold: \"5s\": a duration from 15s to 10m");
	assert_says(w, "worker.conf:4: aws_secret_access_key: there is no such setting");
	assert_says(w, "worker.conf:5: [elsewhere]: sections are [worker] and [action-type NAME]");
	assert_says(w, "worker.conf:7: [action-type a]: \"1.5\": a version has 1 to 9");
	assert_says(w, "worker.conf:10: owner: an action type has category");
	assert_says(w, "ROLLOUT_WORKER_POLL: \"soon\": a duration from 1s to 5m");
	assert_says(w, "--log-level: \"loud\": error, warn, info or debug");
	assert_says(w, "--colour: there is no such setting");
	assert_null(strstr(w->text, "hunter2"));
}

static void what_is_wrong_with_a_value_is_told(void **state)
{
	static const struct {
		const char *line, *says;
	} cases[] = {
		{"threads = 65", "a whole number from 1 to 64"},
		{"threads = 4.5", "a whole number"},
		{"threads =", "threads: \"\": a whole number"},
		{"slots = 1001", "from 1 to 1000"},
		{"tick = 500ms", "a duration from 1s to 1m"},
		{"tick = 61s", "a duration from 1s to 1m"},
		{"state_dir =", "state_dir: \"\": a path, of printable text"},
		{"state_dir = a\n b", "printable text"},
		{"ca_bundle = \xff", "printable text"},
		{"log_systemd = yes", "true or false"},
		{"notify_topic_arn = releases", "the ARN of a topic"},
		{"notify_event_bus = a b", "the name of an event bus"},
		{"notify_on = started, paused", "all, or some of started"},
		{"notify_on = ,", "all, or some of started"},
		{"status_address = example.com:80", "off, a port, or an IP address and port"},
		{"status_address = 127.0.0.1", "off, a port, or an IP address and port"},
		{"log_format = xml", "text or json"},
		{"imds_endpoint_mode = IPv5", "IPv4 or IPv6"},
		{"region = eu_central", "the name of a region"},
		{"endpoint_url = localhost:1", "an http or https URL"},
		{"artifact_max_size = 5GB", "a size from 1KiB to 1TiB"},
		{"artifact_max_size = 1023", "a size from 1KiB"},
		{"artifact_max_size = 9223372036854775807TiB", "a size from"},
		{"artifact_max_size = GiB", "a size from"},
		{"test_clock = 5", "MILLISECONDSxSPEED"},
		{"test_clock = 5x0", "MILLISECONDSxSPEED"},
		{"test_clock = 5xnan", "MILLISECONDSxSPEED"},
		{"test_clock = 5x1000001", "MILLISECONDSxSPEED"},
		{"test_clock = -5x1", "MILLISECONDSxSPEED"},
		{"hold = 15s\ntick = 16s", "tick: must not be longer than hold"},
		{"threads", "worker.conf:2: expected '=' in a property"},
		{"[worker", "worker.conf:2: a section must end with ']'"},
		{"[a b c]", "worker.conf:2: this is no name for a section"},
	};
	struct world *w = *state;
	char text[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "[worker]\n%s\n", cases[i].line);
		assert_int_equal(load(w, text), -1);
		assert_int_equal(w->err.code, ERR_REJECTED);
		assert_int_equal(w->problems.n_errors, 1);
		assert_says(w, cases[i].says);
	}
}

static void assert_type(const struct config_action_type *t, const char *provider,
			const char *version, const char *query, const char *value)
{
	assert_string_equal(t->type.category, "Deploy");
	assert_string_equal(t->type.owner, "Custom");
	assert_string_equal(t->type.provider, provider);
	assert_string_equal(t->type.version, version);
	if (!query) {
		assert_null(t->query_name);
		return;
	}
	assert_string_equal(t->query_name, query);
	assert_string_equal(t->query_value, value);
}

static void action_types_are_a_list_or_sections(void **state)
{
	struct world *w = *state;
	const struct config *c = &w->config;

	assert_int_equal(load(w, "[worker]\n"
				 "action_types = Deploy/Rollout/1, Deploy/Rollout/2?Pool=prod\n"),
			 0);
	assert_int_equal(c->n_action_types, 2);
	assert_type(&c->action_types[0], "Rollout", "1", NULL, NULL);
	assert_type(&c->action_types[1], "Rollout", "2", "Pool", "prod");

	assert_int_equal(load(w, "[worker]\naction_types =\n"
				 "  Deploy/A=x/1,\n"),
			 -1);
	assert_int_equal(load(w, "[worker]\naction_types =\n  Deploy/A/1?a=b,\n  Deploy/B/1?a=b\n"),
			 0);
	assert_int_equal(c->n_action_types, 2);

	/* sections take the place of the default, and stand besides a list */
	assert_int_equal(load(w, "[action-type one]\nquery = Pool=prod\n[action-type  two]\n"
				 "provider = Other\nversion = 3\ncategory = Deploy\n"),
			 0);
	assert_int_equal(c->n_action_types, 2);
	assert_type(&c->action_types[0], "Rollout", "1", "Pool", "prod");
	assert_type(&c->action_types[1], "Other", "3", NULL, NULL);
	assert_int_equal(load(w, "[action-type one]\nversion = 2\n"
				 "[worker]\naction_types = Deploy/Rollout/1\n"),
			 0);
	assert_int_equal(c->n_action_types, 2);

	/* a flag replaces them all */
	w->flags[0] = (struct config_flag){"action-types", "Deploy/Flag/1"};
	w->n_flags = 1;
	assert_int_equal(load(w, "[action-type one]\nversion = 2\n"), 0);
	assert_int_equal(c->n_action_types, 1);
	assert_type(&c->action_types[0], "Flag", "1", NULL, NULL);
}

static void bad_action_types_are_refused(void **state)
{
	static const struct {
		const char *value, *says;
	} cases[] = {
		{"", "at least one action type"},
		{"Deploy/Rollout", "write CATEGORY/PROVIDER/VERSION"},
		{"Deploy/Rollout/1/", "write CATEGORY/PROVIDER/VERSION"},
		{"Deploy/Rollout/1/2", "write CATEGORY/PROVIDER/VERSION"},
		{"Ship/Rollout/1", "a category is"},
		{"Deploy//1", "a provider has"},
		{"Deploy/Roll out/1", "a provider has"},
		{"Deploy/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/1", "a provider has"},
		{"Deploy/Rollout/1234567890", "a version has"},
		{"Deploy/Rollout/1?", "a query is"},
		{"Deploy/Rollout/1?Pool", "a query is"},
		{"Deploy/Rollout/1?Pool=", "a query is"},
		{"Deploy/Rollout/1?=x", "a query is"},
		{"Deploy/Rollout/1?Pool=a b", "a query is"},
		{"Deploy/Rollout/1,Deploy/Rollout/1", "polled for already"},
		{"Deploy/R/1?a=b,Deploy/R/1?a=b", "polled for already"},
		{"Deploy/R/1,Deploy/R/2,Deploy/R/3,Deploy/R/4,Deploy/R/5,Deploy/R/6,Deploy/R/7,"
		 "Deploy/R/8,Deploy/R/9,Deploy/R/10,Deploy/R/11,Deploy/R/12,Deploy/R/13,"
		 "Deploy/R/14,Deploy/R/15,Deploy/R/16,Deploy/R/17",
		 "more than 16 action types"},
	};
	struct world *w = *state;

	w->n_flags = 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		w->flags[0] = (struct config_flag){"action_types", cases[i].value};
		assert_int_equal(load(w, NULL), -1);
		assert_int_equal(w->problems.n_errors, 1);
		assert_says(w, cases[i].says);
	}
}

static void a_file_that_cannot_be_read_is_told_apart(void **state)
{
	struct aws_env env = {.get = get, .arg = *state};
	struct world *w = *state;

	assert_int_equal(load(w, NULL), 0); /* for the arena */
	problems_init(&w->problems, w->arena);
	assert_int_equal(config_load(w->arena, "/nonexistent/x.conf", &env, NULL, 0, &w->config,
				     &w->problems, &w->err),
			 -1);
	assert_int_equal(w->err.code, ERR_NOT_FOUND);
	assert_int_equal(
		config_load(w->arena, "/tmp", &env, NULL, 0, &w->config, &w->problems, &w->err),
		-1);
	assert_int_equal(w->err.code, ERR_SYSTEM);
	assert_int_equal(w->problems.n_errors, 0);
}

static void the_example_file_is_the_one_in_the_tree(void **state)
{
	struct buf ours, file;
	struct err err = ERR_INIT;

	(void)state;
	buf_init(&ours, 1u << 20);
	buf_init(&file, 1u << 20);
	config_example(&ours);
	assert_int_equal(aws_read_file("worker/rollout-worker.conf.example", &file, &err), 0);
	assert_string_equal(ours.p, file.p);
	buf_release(&ours);
	buf_release(&file);
}

/* Without the "#" in front of every setting, the example is a configuration: the default one. */
static void the_example_is_valid(void **state)
{
	struct world *w = *state;
	struct buf example, text, was;
	struct str rest, line;

	buf_init(&example, 1u << 20);
	buf_init(&text, 1u << 20);
	buf_init(&was, 1u << 20);
	assert_int_equal(load(w, NULL), 0);
	config_format(&w->config, &was);
	config_example(&example);
	rest = buf_str(&example);
	while (str_next(&rest, '\n', &line)) {
		bool set = line.n > 1 && line.p[0] == '#' && line.p[1] != ' ' && line.p[1] != '[';
		const char *eq = set ? memchr(line.p, '=', line.n) : NULL;

		assert_true(line.n < 80);
		/* what has no default is left unset, as are the keys of the other section */
		if (eq && eq + 1 < line.p + line.n && line.p[1] != 'w' &&
		    setting_find(
			    str_dup(w->arena, str_trim(str_sub(line, 1, (size_t)(eq - line.p))))))
			line = str_sub(line, 1, line.n);
		buf_add_str(&text, line);
		buf_addc(&text, '\n');
	}
	assert_non_null(strstr(text.p, "\nthreads = 8\n"));
	assert_int_equal(load(w, text.p), 0);
	buf_clear(&example);
	config_format(&w->config, &example);
	assert_string_equal(example.p, was.p);
	buf_release(&example);
	buf_release(&text);
	buf_release(&was);
}

/* Each value as it is shown can be read again, and gives the same. */
static void the_effective_configuration_reads_back(void **state)
{
	struct world *w = *state;
	struct buf first, second, file;

	buf_init(&first, 1u << 20);
	buf_init(&second, 1u << 20);
	buf_init(&file, 1u << 20);
	assert_int_equal(load(w, "[worker]\nregion = us-east-1\nhold = 61s\nlog_level = warn\n"
				 "artifact_max_size = 1500\ns3_force_path_style = true\n"
				 "action_types = Deploy/Rollout/1?Pool=a, Test/Other/9\n"),
			 0);
	config_format(&w->config, &first);
	assert_non_null(strstr(first.p, "hold = 1m1s\n"));
	assert_non_null(strstr(first.p, "artifact_max_size = 1500\n"));
	assert_non_null(strstr(first.p, "action_types = Deploy/Rollout/1?Pool=a, Test/Other/9\n"));
	assert_null(strstr(first.p, "profile"));
	buf_addf(&file, "[worker]\n%s", first.p);
	assert_int_equal(load(w, file.p), 0);
	config_format(&w->config, &second);
	assert_string_equal(first.p, second.p);
	buf_release(&first);
	buf_release(&second);
	buf_release(&file);
}

static void every_setting_is_explained(void **state)
{
	struct buf help;

	(void)state;
	buf_init(&help, 1u << 20);
	config_help(&help);
	for (size_t i = 0; i < N_SETTINGS; i++) {
		char flag[64];

		snprintf(flag, sizeof(flag), "\n  --%s ", SETTINGS[i].name);
		for (char *c = flag; *c; c++)
			if (*c == '_')
				*c = '-';
		if (!strstr(help.p, flag))
			fail_msg("no %s", flag);
		assert_true(strlen(SETTINGS[i].help) > 10);
		assert_ptr_equal(setting_find(SETTINGS[i].name), &SETTINGS[i]); /* no name twice */
	}
	assert_true(config_knows("state-dir"));
	assert_true(config_knows("state_dir"));
	assert_false(config_knows("state"));
	assert_false(config_knows("state_dirs"));
	assert_false(config_knows(""));
	buf_release(&help);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(defaults_are_those_of_the_table),
		TEST(every_setting_is_read_from_a_file),
		TEST(flag_beats_environment_beats_file),
		TEST(all_problems_come_at_once_with_their_place),
		TEST(what_is_wrong_with_a_value_is_told),
		TEST(action_types_are_a_list_or_sections),
		TEST(bad_action_types_are_refused),
		TEST(a_file_that_cannot_be_read_is_told_apart),
		TEST(the_example_file_is_the_one_in_the_tree),
		TEST(the_example_is_valid),
		TEST(the_effective_configuration_reads_back),
		TEST(every_setting_is_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
