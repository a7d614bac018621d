#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "worker/rollout/plan.h"

/*
 * A plan from hostile properties and a hostile file: either problems, each one line, or a plan
 * whose every number is in its range. Read twice it is the same. The input is a file; lines before
 * a line "---file---" are properties, Name=value, where \n in a value is a line feed.
 *
 * Layers: core rollout
 */
#define MARK "---file---\n"
#define PROPERTIES_MAX 16

struct input {
	struct plan_property properties[PROPERTIES_MAX];
	struct plan_source src;
};

static struct str unescape(struct arena *a, struct str s)
{
	char *out = arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		bool is_feed = s.p[i] == '\\' && i + 1 < s.n && s.p[i + 1] == 'n';

		out[n++] = is_feed ? '\n' : s.p[i];
		i += is_feed;
	}
	return (struct str){out, n};
}

static void take_properties(struct arena *a, struct str text, struct input *in)
{
	struct str line, name;

	while (in->src.n_properties < PROPERTIES_MAX && str_next(&text, '\n', &line)) {
		if (!str_next(&line, '=', &name))
			continue;
		in->properties[in->src.n_properties++] =
			(struct plan_property){.name = name, .value = unescape(a, line)};
	}
	in->src.properties = in->properties;
}

static void take_input(struct arena *a, struct str text, struct input *in)
{
	const char *mark = text.n ? memmem(text.p, text.n, MARK, strlen(MARK)) : NULL;

	*in = (struct input){.src.file_name = "rollout.yaml", .src.file_text = text};
	if (!mark)
		return;
	take_properties(a, str_sub(text, 0, (size_t)(mark - text.p)), in);
	in->src.file_text = str_sub(text, (size_t)(mark - text.p) + strlen(MARK), text.n);
	if (in->src.file_text.n == 0)
		in->src.file_name = NULL;
}

static void check_guard(const struct plan_guard *g)
{
	FUZZ_CHECK((unsigned)g->kind < GUARD_KIND_COUNT);
	FUZZ_CHECK(g->in >= 1 && g->in <= 7);
	FUZZ_CHECK(g->name && g->name[0] && g->place && g->place[0]);
	FUZZ_CHECK(g->failures >= 1 && g->failures <= 100);
	FUZZ_CHECK(g->period_ms >= 10000 && g->timeout_ms >= 1000);
	FUZZ_CHECK(g->expect_status >= 100 && g->expect_status <= 599);
	FUZZ_CHECK(g->n_dimensions <= PLAN_DIMENSIONS_MAX);
	if (g->kind == GUARD_METRIC)
		FUZZ_CHECK(g->ns && g->metric && g->stat && g->metric[0] && g->ns[0]);
	if (g->kind == GUARD_PROBE)
		FUZZ_CHECK(g->url && (!strcmp(g->method, "GET") || !strcmp(g->method, "HEAD")));
	if (g->kind == GUARD_INVOKE)
		FUZZ_CHECK(g->function && g->function[0]);
}

static void check_segment(const struct plan *p, const struct plan_segment *s)
{
	struct arena *a = arena_new();
	size_t values = plan_segment_values(s);

	FUZZ_CHECK(s->name && s->name[0] && values <= PLAN_SEGMENT_VALUES);
	FUZZ_CHECK(plan_segment_find(p, str_from(s->name)) >= 0);
	FUZZ_CHECK((p->target.kind == TARGET_LAMBDA) == (values == 0));
	FUZZ_CHECK((values == 0) == (s->n_principals > 0));
	FUZZ_CHECK(!s->header == !s->n_values && !s->cookie == !s->cookie_value);
	FUZZ_CHECK(plan_segment_text(a, s)[0]);
	arena_free(a);
}

static void check_plan(const struct plan *p)
{
	const struct plan_target *t = &p->target;
	int before = 0;

	FUZZ_CHECK(p->n_steps >= 1 && p->n_steps <= LIMIT_STEPS && p->strategy[0]);
	for (size_t i = 0; i < p->n_steps; i++) {
		bool is_segment = p->steps[i].segment >= 0;

		FUZZ_CHECK(p->steps[i].weight_bp > (is_segment ? before - 1 : before) &&
			   p->steps[i].weight_bp <= 10000);
		FUZZ_CHECK(p->steps[i].watch_ms >= 0 && p->steps[i].segment >= -1 &&
			   p->steps[i].segment < (int)p->n_segments);
		FUZZ_CHECK(!is_segment || p->steps[i].weight_bp == before);
		before = p->steps[i].weight_bp;
	}
	FUZZ_CHECK(p->n_segments <= LIMIT_SEGMENTS);
	for (size_t i = 0; i < p->n_segments; i++)
		check_segment(p, &p->segments[i]);
	FUZZ_CHECK(p->n_guards >= 1 && p->n_guards <= LIMIT_GUARDS);
	for (size_t i = 0; i < p->n_guards; i++)
		check_guard(&p->guards[i]);
	FUZZ_CHECK(p->max_duration_ms >= 300000 && p->max_duration_ms <= 24 * 3600000ll);
	FUZZ_CHECK(p->mode == MODE_START || plan_least_ms(p) < p->max_duration_ms);
	FUZZ_CHECK(p->bake_ms >= 0 && p->unknown_hold_ms >= 0 && p->prepare_ms >= 1000 &&
		   p->verify_ms >= 1000 && (p->mode == MODE_DEPLOY || p->mode == MODE_START));
	if (t->kind == TARGET_LAMBDA)
		FUZZ_CHECK(t->lambda.function && t->lambda.function[0] && t->lambda.alias &&
			   t->lambda.alias[0]);
	else if (t->kind == TARGET_LOAD_BALANCER)
		FUZZ_CHECK(t->lb.resource_arn && t->lb.min_healthy >= 1 &&
			   t->lb.propagation_ms >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct problems problems, again;
	struct plan *plan, *second;
	struct input in;
	int rc;

	if (size > LIMIT_PLAN_BYTES / 4) /* Overrides have 1,000 characters at most */
		size = LIMIT_PLAN_BYTES / 4;
	take_input(a, (struct str){(const char *)data, size}, &in);
	problems_init(&problems, a);
	rc = plan_read(a, &in.src, &plan, &problems);
	FUZZ_CHECK(rc == (problems.n_errors ? -1 : 0));
	for (const struct problem *p = problems.first; p; p = p->next)
		FUZZ_CHECK(p->text[0] && !strchr(p->text, '\n'));
	if (rc == 0)
		check_plan(plan);
	problems_init(&again, a);
	FUZZ_CHECK(plan_read(a, &in.src, &second, &again) == rc);
	FUZZ_CHECK(!strcmp(plan->digest, second->digest) && again.n_errors == problems.n_errors);
	arena_free(a);
	return 0;
}
