#include "tests/faults/sweep.h"

#include <string.h>

#include "aws/core/digest.h"
#include "tests/scenarios/world_beanstalk.h"

/*
 * Elastic Beanstalk for a sweep: a clone by an exchange of CNAMEs, and traffic splitting. The
 * simulator's times are short, so that a run is not all waiting.
 */

#define APP "application: " SWEEP_NAME
#define CLONE_PLAN                                                                             \
	"rollout: 1\n"                                                                         \
	"target: { beanstalk: { " APP ", cname: " SWEEP_NAME                                   \
	"-prod.eu-central-1.elasticbeanstalk.com, retire: terminate } }\n"                     \
	"strategy: { blue_green: { bake: 3m } }\n"                                             \
	"guards:\n"                                                                            \
	"  - { alarm: " SWEEP_NAME "-errors }\n"                                               \
	"  - { metric: AWS/ElasticBeanstalk/ApplicationRequests5xx, stat: Sum, missing: zero," \
	" below: 60 }\n"
#define SPLITTING_PLAN                                                             \
	"rollout: 1\n"                                                             \
	"target: { beanstalk: { " APP ", environment: " SWEEP_NAME                 \
	"-blue, method: traffic_splitting } }\n"                                   \
	"strategy: { canary: { steps: [ { weight: 10, for: 2m } ], bake: 2m } }\n" \
	"unknown: { hold_at_most: 2m, then: rollback }\n"                          \
	"guards: [ { alarm: " SWEEP_NAME "-errors } ]\n"

static void set_up(struct world *w, const char *strategy, bool bad)
{
	(void)strategy; /* the plan says it */
	(void)bad;	/* the code says it */
	world_beanstalk(w, SWEEP_NAME, "policy=Immutable");
	world_control(w, "beanstalk set launch=30s boot=20s deploy=10s pass=20s config=15s "
			 "swap=10s terminate=20s abort=20s dns_tail=0");
}

static void push(struct world *w, const char *plan, bool bad)
{
	world_beanstalk_push(w, SWEEP_NAME, plan, bad ? "errors=0.4" : "errors=0.001");
}

static void push_clone(struct world *w, bool bad)
{
	push(w, CLONE_PLAN, bad);
}

static void push_splitting(struct world *w, bool bad)
{
	push(w, SPLITTING_PLAN, bad);
}

static const char *resource(struct world *w)
{
	(void)w;
	return "beanstalk:" SWEEP_NAME "/" SWEEP_NAME "-prod";
}

static double share_of(const struct sim_split *s)
{
	return strcmp(s->baseline, "v1") != 0 ? 100 : s->weight;
}

/* By what was recorded last: which version the clients of the name get. */
static struct world_live live(struct world *w)
{
	struct world_live l = {.is_one = true};
	const struct sim_split *splits;
	size_t n = sim_split_log(w->sim, &splits);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(splits[i].resource, resource(w)) != 0)
			continue;
		l.is_one = !splits[i].candidate[0];
		l.candidate = share_of(&splits[i]);
	}
	return l;
}

static const char *belongings(struct world *w)
{
	const char *all = world_beanstalk_snapshot(w, SWEEP_NAME), *end = strchr(all, '[');
	char hex[SHA256_HEX_SIZE];

	/* the options are many words: a digest tells whether they differ */
	sha256_hex(str_from(all), hex);
	return arena_printf(w->arena, "%.*s... %.8s", end ? (int)(end - all) : 0, all, hex);
}

const struct sweep_target sweep_beanstalk_clone = {
	.name = "beanstalk-clone",
	.set_up = set_up,
	.push = push_clone,
	.resource = resource,
	.share_of = share_of,
	.live = live,
	.belongings = belongings,
	.sparse = 7,
};

const struct sweep_target sweep_beanstalk_splitting = {
	.name = "beanstalk-splitting",
	.set_up = set_up,
	.push = push_splitting,
	.resource = resource,
	.share_of = share_of,
	.live = live,
	.belongings = belongings,
	.sparse = 49, /* Beanstalk takes its time, and is looked at meanwhile */
};
