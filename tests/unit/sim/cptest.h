#ifndef TESTS_UNIT_SIM_CPTEST_H
#define TESTS_UNIT_SIM_CPTEST_H

#include "tests/unit/sim/simtest.h"

/* What the tests of CodePipeline's simulator share. */

#define TYPE                                                              \
	"\"actionTypeId\":{\"category\":\"Deploy\",\"owner\":\"Custom\"," \
	"\"provider\":\"Rollout\",\"version\":\"1\"}"
#define POLL "{" TYPE ",\"maxBatchSize\":5}"

/* A world with one pipeline "web" of one action "Canary", and one execution started. */
static inline struct world *started(char execution[RNG_UUID_SIZE])
{
	struct world *w = world_new(NULL);

	ctl(w, "codepipeline action-type Deploy Rollout 1");
	ctl(w, "codepipeline pipeline web action=Canary type=Deploy/Rollout/1 output=Report "
	       "namespace=Canary config.Target=lambda:checkout:live "
	       "config.Strategy=\"canary 5% 10m\"");
	assert_int_equal(sim_push(w->sim, "web", STR("PK-zip"), execution, &w->err), 0);
	return w;
}

/* Poll; the first job, or NULL. */
static inline const struct json *poll(struct world *w)
{
	const struct json *jobs;

	assert_int_equal(cp(w, "PollForJobs", POLL), 200);
	jobs = json_get(body_json(w), "jobs");
	return jobs ? jobs->first : NULL;
}

static inline const char *text(const struct json *j, const char *path)
{
	const char *t = json_cstr(json_at(j, path));

	return t ? t : "";
}

static inline int ack(struct world *w, const char *id, const char *nonce)
{
	return cp(w, "AcknowledgeJob",
		  arena_printf(w->arena, "{\"jobId\":\"%s\",\"nonce\":\"%s\"}", id, nonce));
}

/* Poll and acknowledge; the id of a job that is ours now. */
static inline const char *take(struct world *w)
{
	const struct json *job = poll(w);

	assert_non_null(job);
	assert_int_equal(ack(w, text(job, "id"), text(job, "nonce")), 200);
	assert_string_equal(text(body_json(w), "status"), "InProgress");
	return text(job, "id");
}

static inline int put(struct world *w, const char *operation, const char *id, const char *members)
{
	return cp(w, operation,
		  arena_printf(w->arena, "{\"jobId\":\"%s\"%s%s}", id, members[0] ? "," : "",
			       members));
}

#define SUCCESS "PutJobSuccessResult"
#define FAILURE "PutJobFailureResult"
#define TOKEN "\"continuationToken\":\"t1\""
#define FAILED "\"failureDetails\":{\"type\":\"JobFailed\",\"message\":\"no\"}"

#endif
