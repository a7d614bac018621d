#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"
#include "tests/sim/sim_internal.h"
#include "tests/sim/sim_traffic.h"

/*
 * Whatever happens, no secret leaves the process: rollouts run with secrets that are known to the
 * test, and everything that was written or sent for people is searched for them. Searched are also
 * their base64 and percent-encoded forms, as far as these differ.
 */
#define PASSWORD "Pa55-w0rd-of-the-action"
#define KEPT_MAX (64u << 20)

struct marks {
	const char *text[256];
	size_t n;
};

static void add_mark(struct marks *m, struct world *w, struct str s)
{
	if (s.n < 8 || m->n == sizeof(m->text) / sizeof(m->text[0]))
		return;
	for (size_t i = 0; i < m->n; i++)
		if (str_is(s, m->text[i]))
			return;
	m->text[m->n++] = str_dup(w->arena, s);
}

static void add_forms(struct marks *m, struct world *w, struct str s)
{
	struct buf b;

	add_mark(m, w, s);
	buf_init(&b, 4096);
	base64_encode(&b, s.p, s.n);
	add_mark(m, w, str_sub(buf_str(&b), 0, b.n - 4)); /* the end depends on what follows */
	buf_release(&b);
}

/* Secret and session token of every key that was ever used: the instance's, and the artifacts'. */
static void collect(struct marks *m, struct world *w)
{
	const struct sim_call *calls;
	size_t n = sim_call_log(w->sim, &calls);

	add_forms(m, w, STR(PASSWORD));
	for (size_t i = 0; i < n; i++) {
		struct str secret, token;
		struct utc expires;

		if (!calls[i].access_key_id || !*calls[i].access_key_id ||
		    !sim_key_lookup(w->sim, str_from(calls[i].access_key_id), &secret, &token,
				    &expires))
			continue;
		add_forms(m, w, secret);
		add_forms(m, w, token);
	}
}

/* --- where to search ------------------------------------------------------------------------ */

static void search(const struct marks *m, const char *where, struct str bytes)
{
	for (size_t i = 0; i < m->n; i++)
		if (bytes.n && memmem(bytes.p, bytes.n, m->text[i], strlen(m->text[i])))
			fail_msg("a secret (%.6s...) is in %s", m->text[i], where);
}

static struct str read_all(struct world *w, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *bytes = arena_alloc(w->arena, KEPT_MAX);
	size_t n = 0;
	ssize_t got;

	if (fd < 0)
		return (struct str){0};
	while (n < KEPT_MAX && (got = read(fd, bytes + n, KEPT_MAX - n)) > 0)
		n += (size_t)got;
	close(fd);
	return (struct str){bytes, n};
}

static void search_reports(struct world *w, const struct marks *m, const char *pipeline)
{
	const struct sim_action *a = sim_action_find(w->sim, pipeline, NULL);

	assert_true(a->n_reports > 0);
	for (size_t i = 0; i < a->n_reports; i++) {
		const struct sim_report *r = &a->reports[i];

		search(m, "a token", str_from(r->token));
		search(m, "a summary", str_from(r->summary));
		search(m, "a failure message", str_from(r->message));
		search(m, "the output variables", str_from(r->output_variables_json));
		search(m, "an external id", str_from(r->external_execution_id));
	}
}

static void search_entry(void *arg, struct str name, struct str content)
{
	search(arg, "the name of a file in an output artifact", name);
	search(arg, "an output artifact", content);
}

/* Every output artifact, unpacked. */
static size_t search_outputs(struct world *w, struct marks *m)
{
	const struct json *shown = world_ask(w, "s3 show");
	struct err err = ERR_INIT;
	size_t outputs = 0;

	json_each(object, shown) {
		struct str key = json_text(json_get(object, "key"));
		const struct buf *bytes;

		if (!key.n || !memmem(key.p, key.n, "/Report/", 8))
			continue;
		outputs++;
		bytes = sim_s3_object(w->sim, json_text(json_get(object, "bucket")), key);
		assert_int_equal(sim_zip_each(buf_str(bytes), search_entry, m, &err), 0);
	}
	return outputs;
}

static void search_ledger(struct world *w, const struct marks *m)
{
	static const char *const tails[] = {"", "-wal"};

	for (int i = 0; i < 2; i++) {
		const char *path =
			arena_printf(w->arena, "%s%s", w->workers[0].ledger_path, tails[i]);
		struct str bytes = read_all(w, path);

		assert_true(bytes.n > 0);
		search(m, path, bytes);
	}
}

/* --- the runs ------------------------------------------------------------------------------- */

struct run {
	char log_path[64];
	int fd;
	struct world w;
};

static void begin(struct run *r)
{
	snprintf(r->log_path, sizeof(r->log_path), "/tmp/test-secrets-XXXXXX");
	r->fd = mkstemp(r->log_path);
	assert_true(r->fd > 2);
	world_init(&r->w, 5, r->fd);
	world_control(&r->w, "codepipeline action-type Deploy Rollout 1 secret=Overrides");
	world_control(&r->w, "web page shop.example.com /health status=200");
	world_control(&r->w, "lambda function smoke code=\"sim: smoke=ok\"");
}

/* A pipeline whose secret property is used wherever a plan can use it. */
static void push_as(struct run *r, const char *behaviour, const char *mode)
{
	static const char plan[] =
		"rollout: 1\n"
		"target: { lambda: { function: checkout, alias: live } }\n"
		"strategy: { canary: { steps: [ { weight: 10, for: 5m } ], bake: 3m } }\n"
		"guards:\n"
		"  - { alarm: checkout-errors }\n"
		"  - { probe: \"https://shop.example.com/health?key=${password}\", failures: 2 }\n"
		"  - { invoke: smoke, in: verify, payload: '{\"password\":\"${password}\"}' }\n";
	const char *code = arena_printf(r->w.arena, "# sim: %s\n", behaviour);
	const struct pack_entry files[] = {{.name = "rollout.yaml", .bytes = str_from(plan)},
					   {.name = "index.py", .bytes = str_from(code)}};

	world_lambda_function(&r->w, "checkout");
	world_control(&r->w,
		      "codepipeline pipeline checkout action=Canary type=Deploy/Rollout/1 "
		      "output=Report config.Overrides=\"param.password=" PASSWORD "\" %s",
		      mode);
	world_start(&r->w);
	world_push_files(&r->w, "checkout", files, 2);
}

static void push(struct run *r, const char *behaviour)
{
	push_as(r, behaviour, "");
}

static void end(struct run *r)
{
	struct marks m = {0};
	struct str log;

	collect(&m, &r->w);
	assert_true(m.n >= 10); /* the instance's keys, and the artifacts' of several jobs */
	search_reports(&r->w, &m, "checkout");
	search_ledger(&r->w, &m);
	log = read_all(&r->w, r->log_path);
	assert_true(log.n > 1000);
	search(&m, "the log", log);
	search_outputs(&r->w, &m);
	world_release(&r->w);
	close(r->fd);
	unlink(r->log_path);
}

static void a_good_release_tells_no_secret(void **state)
{
	struct run r;
	struct marks m = {0};

	(void)state;
	begin(&r);
	push(&r, "errors=0.001");
	scene_expect(scene_end(&r.w, "checkout"), "Succeeded", NULL, NULL);
	collect(&m, &r.w);
	assert_int_equal(search_outputs(&r.w, &m), 1);
	end(&r);
}

/* Handles, states and what is kept for a restart. */
static void a_started_release_tells_no_secret(void **state)
{
	struct run r;

	(void)state;
	begin(&r);
	push_as(&r, "errors=0.001", "config.Mode=start");
	scene_expect(scene_end(&r.w, "checkout"), "Succeeded", NULL, "parked at 10%", NULL);
	world_run(&r.w, 5 * MINUTE_MS);
	end(&r);
}

static void a_bad_release_tells_no_secret(void **state)
{
	struct run r;

	(void)state;
	begin(&r);
	push(&r, "errors=0.5");
	scene_expect(scene_end(&r.w, "checkout"), "Failed", "JobFailed", NULL);
	end(&r);
}

static void a_failing_probe_tells_no_secret(void **state)
{
	struct run r;

	(void)state;
	begin(&r);
	world_control(&r.w, "web page shop.example.com /health status=200 fails_in=4m");
	push(&r, "errors=0.001");
	scene_expect(scene_end(&r.w, "checkout"), "Failed", "JobFailed",
		     "https://shop.example.com/health", NULL);
	end(&r);
}

static void a_probe_without_answer_tells_no_secret(void **state)
{
	struct run r;

	(void)state;
	begin(&r);
	push(&r, "errors=0.001");
	scene_run_until_share(&r.w, "lambda:checkout:live", 10);
	sim_fault_service(r.w.sim, "web");
	sim_fault_at(r.w.sim, 1, SIM_FAULT_REFUSED, 1000);
	scene_expect(scene_end(&r.w, "checkout"), "Failed", "JobFailed", NULL);
	end(&r);
}

/* Refused requests and lost answers are told in full, and still without keys. */
static void failing_calls_tell_no_secret(void **state)
{
	static const enum sim_fault kinds[] = {SIM_FAULT_EXPIRED_TOKEN, SIM_FAULT_GARBAGE,
					       SIM_FAULT_TRUNCATED, SIM_FAULT_TIMEOUT_AFTER};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct run r;

		begin(&r);
		push(&r, "errors=0.001");
		for (int n = 0; n < 40; n++) {
			sim_fault_at(r.w.sim, 3, kinds[i], 2);
			world_run(&r.w, 20000);
		}
		(void)scene_end(&r.w, "checkout");
		end(&r);
	}
}

static void a_refused_plan_tells_no_secret(void **state)
{
	struct run r;

	(void)state;
	begin(&r);
	world_lambda_function(&r.w, "checkout");
	world_control(&r.w, "codepipeline pipeline checkout action=Canary type=Deploy/Rollout/1 "
			    "config.Strategy=nonsense config.Overrides=\"param.password=" PASSWORD
			    "\\nunknown.thing=1\"");
	world_start(&r.w);
	world_push(&r.w, "checkout", "errors=0.001");
	world_run(&r.w, 1000);
	scene_expect(scene_end(&r.w, "checkout"), "Failed", "ConfigurationError", "unknown.thing",
		     NULL);
	{
		struct marks m = {0};

		collect(&m, &r.w);
		search_reports(&r.w, &m, "checkout");
		search_ledger(&r.w, &m);
		search(&m, "the log", read_all(&r.w, r.log_path));
	}
	world_release(&r.w);
	close(r.fd);
	unlink(r.log_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_release_tells_no_secret),
		cmocka_unit_test(a_started_release_tells_no_secret),
		cmocka_unit_test(a_bad_release_tells_no_secret),
		cmocka_unit_test(a_failing_probe_tells_no_secret),
		cmocka_unit_test(a_probe_without_answer_tells_no_secret),
		cmocka_unit_test(failing_calls_tell_no_secret),
		cmocka_unit_test(a_refused_plan_tells_no_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
