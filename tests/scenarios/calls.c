#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/calls.h"
#include "tests/sim/sim_traffic.h"
#include "worker/guard/guard.h"
#include "worker/target/target.h"

#define CALLS_MAX 2048

struct announced {
	struct arena *arena;
	struct target_call calls[CALLS_MAX];
	size_t n;
};

static bool is_announced(const struct announced *a, const char *service, const char *operation)
{
	for (size_t i = 0; i < a->n; i++)
		if (!strcmp(a->calls[i].service, service) &&
		    !strcmp(a->calls[i].operation, operation))
			return true;
	return false;
}

/* A call is named with what it needs: "lambda:UpdateAlias", or why it needs nothing. */
static void announce(void *arg, const struct target_call *c)
{
	struct announced *a = arg;

	if (!c->iam_action || !strchr(c->iam_action, ':') || !c->resource || !c->resource[0])
		fail_msg("%s:%s is announced without IAM action or resource", c->service,
			 c->operation);
	for (size_t i = 0; i < a->n; i++)
		if (!strcmp(a->calls[i].operation, c->operation) &&
		    !strcmp(a->calls[i].iam_action, c->iam_action) &&
		    !strcmp(a->calls[i].resource, c->resource))
			return;
	assert_true(a->n < CALLS_MAX);
	a->calls[a->n++] = *c;
}

/* --- the plans ------------------------------------------------------------------------------ */

struct wanted {
	struct arena *arena;
	const char *name;
	struct str text;
};

static void take_file(void *arg, struct str name, struct str content)
{
	struct wanted *f = arg;

	if (str_is(name, f->name))
		f->text = str_from(str_dup(f->arena, content));
}

static void read_file(struct world *w, struct str zip, const char *named, struct plan_source *src)
{
	const char *const names[] = {named ? named : "rollout.yaml", named ? NULL : "rollout.json"};

	for (int i = 0; i < 2 && names[i] && !src->file_name; i++) {
		struct wanted f = {.arena = w->arena, .name = names[i]};
		struct err err = ERR_INIT;

		if (sim_zip_each(zip, take_file, &f, &err) == 0 && f.text.p) {
			src->file_name = names[i];
			src->file_text = f.text;
		}
	}
}

static bool read_plan(struct world *w, const struct json *configuration, struct str zip,
		      struct plan **plan)
{
	struct plan_property *properties =
		arena_array(w->arena, struct plan_property, configuration->n + 1);
	struct plan_source src = {.properties = properties};
	struct problems problems;

	json_each(p, configuration) {
		properties[src.n_properties++] =
			(struct plan_property){.name = p->key, .value = json_text(p)};
	}
	read_file(w, zip, plan_file_of(w->arena, properties, src.n_properties), &src);
	problems_init(&problems, w->arena);
	return plan_read(w->arena, &src, plan, &problems) == 0;
}

static void announce_plan(struct announced *a, const struct plan *p)
{
	target_of(p->target.kind)->calls(p, a->arena, announce, a);
	for (size_t i = 0; i < p->n_guards; i++)
		guard_of(p->guards[i].kind)->calls(&p->guards[i], p, a->arena, announce, a);
}

static void announce_execution(struct world *w, struct str bucket, const struct json *execution,
			       struct announced *a)
{
	json_each(artifact, json_get(execution, "artifacts")) {
		const struct buf *zip = sim_s3_object(w->sim, bucket, json_text(artifact));

		if (!zip)
			continue;
		json_each(action, json_get(execution, "actions")) {
			struct plan *plan;

			if (read_plan(w, json_get(action, "configuration"), buf_str(zip), &plan))
				announce_plan(a, plan);
		}
	}
}

/* --- what was seen -------------------------------------------------------------------------- */

bool calls_is_of_target(struct world *w, const struct sim_call *c)
{
	static const char *const others[] = {"codepipeline", "sts", "imds", "sns",
					       "events",       "web", ""};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!strcmp(c->service, others[i]))
			return false;
	/* the job's own keys are for its artifacts */
	return strcmp(c->service, "s3") != 0 ||
	       !str_starts(sim_key_principal(w->sim, str_from(c->access_key_id)),
			   SIM_ARTIFACT_PRINCIPAL);
}

bool calls_is_write(struct world *w, const struct sim_call *c)
{
	static const char *const reads[] = {"Get", "Describe", "List", "Head", "Invoke", "Check"};

	if (!calls_is_of_target(w, c))
		return false;
	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++)
		if (!strncmp(c->operation, reads[i], strlen(reads[i])))
			return false;
	return true;
}

/* What a role needs that has just the rights which the plans name. */
static bool is_granted(const struct announced *a, const struct sim_right *r)
{
	for (size_t i = 0; i < a->n; i++)
		if (!strcmp(a->calls[i].iam_action, r->action) &&
		    fnmatch(a->calls[i].resource, r->resource, FNM_NOESCAPE) == 0)
			return true;
	return false;
}

static void check_rights(struct world *w, const struct announced *a)
{
	const struct sim_right *rights;
	size_t n = sim_rights(w->sim, &rights);

	for (size_t i = 0; i < n; i++)
		if (strcmp(rights[i].purpose, "worker") != 0 &&
		    strcmp(rights[i].purpose, "beanstalk_resources") != 0 &&
		    !is_granted(a, &rights[i]))
			fail_msg("%s on %s was needed, but no plan says so", rights[i].action,
				 rights[i].resource);
}

void calls_check_announced(struct world *w)
{
	struct announced *a = arena_new_of(w->arena, struct announced);
	const struct sim_call *calls;
	size_t n;

	a->arena = w->arena;
	json_each(pipeline, world_ask(w, "codepipeline show")) {
		json_each(execution, json_get(pipeline, "executions")) {
			announce_execution(w, json_text(json_get(pipeline, "bucket")), execution,
					   a);
		}
	}
	n = sim_call_log(w->sim, &calls);
	for (size_t i = 0; i < n && a->n > 0; i++)
		if (calls_is_of_target(w, &calls[i]) &&
		    !is_announced(a, calls[i].service, calls[i].operation))
			fail_msg("%s:%s was called, but no plan announces it", calls[i].service,
				 calls[i].operation);
	if (a->n > 0)
		check_rights(w, a);
}
