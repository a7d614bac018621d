#include "aws/credentials.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/aws/fake.h"

/* Real programs, run for real: small shell scripts in a directory of their own. */
static char dir[] = "/tmp/rw-process-XXXXXX";

static int setup(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return rmdir(dir);
}

/* Run a script with these arguments; the provider's answer. */
static struct credentials *run(struct fake *f, const char *script, const char *args,
			       struct cancel *cancel, struct err *err)
{
	const char *path = arena_printf(f->arena, "%s/script", dir);
	struct credentials_provider *p;
	struct credentials *c;

	fake_write(path, str_from(arena_printf(f->arena, "#!/bin/sh\n%s\n", script)));
	assert_int_equal(chmod(path, 0700), 0);
	p = credentials_process_new(f->aws, arena_printf(f->arena, "%s %s", path, args));
	*err = ERR_INIT;
	c = credentials_provider_get(p, cancel, err);
	credentials_provider_free(p);
	assert_int_equal(unlink(path), 0);
	return c;
}

static size_t open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

#define GOOD "\"Version\":1,\"AccessKeyId\":\"AKP\",\"SecretAccessKey\":\"sec-ret\""

static void test_good(void **state)
{
	struct fake *f = fake_new();
	struct credentials *c;
	size_t files = open_files();
	struct err err;

	(void)state;
	c = run(f,
		"echo noise >&2; echo '{" GOOD ",\"SessionToken\":\"T\","
		"\"Expiration\":\"2026-01-02T04:04:05Z\",\"AccountId\":\"1\"}'",
		"", NULL, &err);
	if (!c)
		fail_msg("%s", err.text);
	assert_string_equal(c->access_key_id, "AKP");
	assert_string_equal(secret_reveal(&c->session_token), "T");
	assert_string_equal(c->account_id, "1");
	assert_int_equal(c->expires_utc.ms, FAKE_NOW_MS + 3600000);
	credentials_put(c);
	c = run(f, "echo '{" GOOD "}'", "", NULL, &err);
	assert_non_null(c);
	assert_false(c->expires); /* never to be refreshed */
	credentials_put(c);
	assert_int_equal(open_files(), files); /* nothing leaks */
	fake_free(f);
}

/* The arguments arrive as a shell would have split them, and nothing is expanded. */
static void test_arguments(void **state)
{
	struct fake *f = fake_new();
	struct credentials *c;
	struct err err;

	(void)state;
	c = run(f,
		"[ $# = 6 ] && [ \"$1\" = 'a b' ] && [ \"$2\" = 'c\"d' ] && [ \"$3\" = '$HOME' ] "
		"&& "
		"[ \"$4\" = 'e f' ] && [ \"$5\" = '' ] && [ \"$6\" = 'g;h' ] && "
		"read x; [ -z \"$x\" ] && echo '{" GOOD "}'",
		"'a b' \"c\\\"d\"  $HOME e\\ f '' g;h", NULL, &err);
	if (!c)
		fail_msg("%s", err.text);
	credentials_put(c);
	fake_free(f);
}

/* What is open here without being meant for it is not open there. */
static void test_descriptors(void **state)
{
	struct fake *f = fake_new();
	struct credentials *c;
	struct err err;

	(void)state;
	assert_int_equal(dup2(STDERR_FILENO, 77), 77);
	c = run(f, "[ -e /proc/$$/fd/1 ] && [ ! -e /proc/$$/fd/77 ] && echo '{" GOOD "}'", "", NULL,
		&err);
	assert_int_equal(close(77), 0);
	if (!c)
		fail_msg("%s", err.text);
	credentials_put(c);
	fake_free(f);
}

static void expect(const char *script, const char *args, enum err_code code, const char *text)
{
	struct fake *f = fake_new();
	struct err err;

	assert_null(run(f, script, args, NULL, &err));
	assert_int_equal(err.code, code);
	if (!strstr(err.text, text))
		fail_msg("\"%s\" lacks \"%s\"", err.text, text);
	if (strstr(err.text, "sec-ret"))
		fail_msg("the secret is in \"%s\"", err.text);
	fake_free(f);
}

static void test_bad(void **state)
{
	(void)state;
	expect("echo sec-ret; echo 'log in \033first' >&2; exit 3", "--password sec-ret",
	       ERR_REJECTED, "exit status 3: log in ?first");
	expect("kill -9 $$", "", ERR_REJECTED, "ended by signal 9");
	expect("echo 'sec-ret {'", "", ERR_MALFORMED, "not JSON");
	expect("true", "", ERR_MALFORMED, "not JSON");
	expect("echo '{\"AccessKeyId\":\"sec-ret\"}'", "", ERR_MALFORMED, "Version");
	expect("echo '{\"Version\":2}'", "", ERR_MALFORMED, "Version");
	expect("echo '{\"Version\":1}'", "", ERR_MALFORMED, "lack");
	expect("head -c 100000 /dev/zero", "", ERR_LIMIT, "its output is larger");
	expect("true", "'open", ERR_REJECTED, "quote");
	expect("true",
	       "1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 "
	       "1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0",
	       ERR_REJECTED, "words");
}

static void test_absent(void **state)
{
	struct fake *f = fake_new();
	struct credentials_provider *p = credentials_process_new(f->aws, "/nonexistent/program");
	struct err err = ERR_INIT;

	(void)state;
	assert_null(credentials_provider_get(p, NULL, &err));
	assert_int_equal(err.code, ERR_SYSTEM);
	credentials_provider_free(p);
	p = credentials_process_new(f->aws, "  ");
	assert_null(credentials_provider_get(p, NULL, &err));
	assert_int_equal(err.code, ERR_REJECTED);
	credentials_provider_free(p);
	fake_free(f);
}

/* A grandchild that keeps the output open does not keep us. */
static void test_grandchild(void **state)
{
	struct fake *f = fake_new();
	struct credentials *c;
	struct err err;

	(void)state;
	c = run(f, "sleep 5 & echo '{" GOOD "}'", "", NULL, &err);
	assert_non_null(c);
	credentials_put(c);
	fake_free(f);
}

/* A clock that is past the limit when it is looked at again: the program is killed. */
static struct mono leaping(struct clock *c)
{
	struct fake_clock *f = (struct fake_clock *)c;

	f->now_ms += 59000;
	return (struct mono){f->now_ms};
}

static void test_timeout(void **state)
{
	struct fake *f = fake_new();
	struct err err;

	(void)state;
	f->clock.clock.mono = leaping;
	assert_null(run(f, "exec sleep 100", "", NULL, &err));
	assert_int_equal(err.code, ERR_TIMEOUT);
	assert_non_null(strstr(err.text, "no end after 60 s"));
	fake_free(f);
}

struct firing {
	struct cancel *cancel;
	const char *mark; /* a file that the program makes when it runs */
};

static void *fire_when_running(void *arg)
{
	struct firing *x = arg;

	while (access(x->mark, F_OK))
		sched_yield();
	cancel_fire(x->cancel);
	return NULL;
}

static void test_cancel(void **state)
{
	struct fake *f = fake_new();
	struct firing x = {cancel_new(), arena_printf(f->arena, "%s/mark", dir)};
	pthread_t thread;
	struct err err;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, fire_when_running, &x), 0);
	assert_null(run(f, "touch \"$1\"; exec sleep 100", x.mark, x.cancel, &err));
	assert_int_equal(err.code, ERR_CANCELED);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(unlink(x.mark), 0);
	cancel_free(x.cancel);
	fake_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),	   cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_bad),	   cmocka_unit_test(test_absent),
		cmocka_unit_test(test_grandchild), cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_cancel),	   cmocka_unit_test(test_descriptors),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
