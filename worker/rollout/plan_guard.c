#include "worker/rollout/plan_reader.h"

#include <string.h>

#include "aws/core/http.h"
#include "aws/core/json.h"

/* The list of guards in a plan file: each item is a map whose first word says the kind. */

#define SECOND_MS 1000ll
#define DAY_MS (86400 * SECOND_MS)
#define PROBE_TIMEOUT_MOST_MS (120 * SECOND_MS)	 /* it keeps a thread waiting */
#define INVOKE_TIMEOUT_MOST_MS (910 * SECOND_MS) /* Lambda's own is 900 s */
#define ALARM_NAME_MAX 255

static const struct kind {
	const char *key;
	enum guard_kind kind;
	unsigned in; /* phases when the plan does not say */
	const char *keys;
} KINDS[] = {
	{"alarm", GUARD_ALARM, GUARD_IN_WATCH | GUARD_IN_BAKE, "alarm in"},
	{"metric", GUARD_METRIC, GUARD_IN_WATCH | GUARD_IN_BAKE,
	 "metric stat period dimensions missing below at_most above at_least in"},
	{"probe", GUARD_PROBE, GUARD_IN_VERIFY | GUARD_IN_WATCH | GUARD_IN_BAKE,
	 "probe method expect contains timeout in failures"},
	{"invoke", GUARD_INVOKE, GUARD_IN_VERIFY, "invoke payload timeout in failures"},
	{"health", GUARD_HEALTH, GUARD_IN_WATCH | GUARD_IN_BAKE, "health in failures"},
};

#define N_KINDS (sizeof(KINDS) / sizeof(KINDS[0]))
_Static_assert(N_KINDS == GUARD_KIND_COUNT, "one row a kind, in the order of the enum");

bool plan_is_alarm_name(struct str name)
{
	size_t characters = 0;

	for (size_t i = 0; i < name.n; i++) {
		if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f)
			return false;
		characters += ((unsigned char)name.p[i] & 0xc0) != 0x80;
	}
	return characters >= 1 && characters <= ALARM_NAME_MAX;
}

struct plan_guard *plan_guard_add(struct plan_reader *r, enum guard_kind kind, const char *place)
{
	struct plan *p = r->plan;
	struct plan_guard *g;

	if (p->n_guards == LIMIT_GUARDS) {
		problem_add(r->problems, place, NULL, "at most %d guards", LIMIT_GUARDS);
		return NULL;
	}
	g = &p->guards[p->n_guards++];
	*g = (struct plan_guard){.kind = kind,
				 .in = KINDS[kind].in,
				 .place = place,
				 .failures = 1,
				 .method = "GET",
				 .expect_status = 200,
				 .timeout_ms = 10 * SECOND_MS,
				 .stat = "Sum",
				 .period_ms = 60 * SECOND_MS};
	return g;
}

static void read_phases(struct plan_reader *r, const struct yaml *node, const char *path,
			struct plan_guard *g)
{
	unsigned in = 0;

	if (!node)
		return;
	if (node->type == YAML_LIST && node->n == 0)
		problem_add(r->problems, plan_place(r, node, path), NULL,
			    "in: is empty; write verify, watch or bake, or a list of them");
	for (const struct yaml *item = plan_items(node); item; item = plan_next(node, item)) {
		if (item->type == YAML_SCALAR && str_is(item->text, "verify"))
			in |= GUARD_IN_VERIFY;
		else if (item->type == YAML_SCALAR && str_is(item->text, "watch"))
			in |= GUARD_IN_WATCH;
		else if (item->type == YAML_SCALAR && str_is(item->text, "bake"))
			in |= GUARD_IN_BAKE;
		else
			problem_add(r->problems, plan_place(r, item, path), item->text.p,
				    "write verify, watch or bake, or a list of them");
	}
	if (in)
		g->in = in;
}

/* Exactly one of below, at_most, above, at_least: what must hold for a Pass. */
static void read_threshold(struct plan_reader *r, const struct yaml *map, const char *path,
			   struct plan_guard *g)
{
	static const struct {
		const char *key;
		enum compare compare;
	} words[] = {{"below", COMPARE_LT},
		     {"at_most", COMPARE_LE},
		     {"above", COMPARE_GT},
		     {"at_least", COMPARE_GE}};
	int n = 0;

	for (size_t i = 0; i < 4; i++) {
		const struct yaml *node = yaml_get(map, words[i].key);

		if (!node)
			continue;
		n++;
		g->compare = words[i].compare;
		plan_number(r, node, arena_printf(r->a, "%s.%s", path, words[i].key),
			    &g->threshold);
	}
	if (n != 1)
		problem_add(r->problems, plan_place(r, map, path), NULL,
			    "a metric guard needs exactly one of below, at_most, above, at_least");
}

static void read_dimensions(struct plan_reader *r, const struct yaml *map, const char *path,
			    struct plan_guard *g)
{
	if (!map) {
		g->candidate_series = true;
		return;
	}
	if (map->type != YAML_MAP || map->n > PLAN_DIMENSIONS_MAX) {
		problem_add(r->problems, plan_place(r, map, path), NULL,
			    "write a map of at most %d dimensions: { Name: value }",
			    PLAN_DIMENSIONS_MAX);
		return;
	}
	yaml_each(child, map) {
		const char *value = NULL;

		if (child->key.n == 0)
			problem_add(r->problems, plan_place(r, child, path), "",
				    "a dimension needs a name");
		if (!plan_text(r, child, path, &value) || !value)
			continue;
		g->dimensions[g->n_dimensions].name = str_dup(r->a, child->key);
		g->dimensions[g->n_dimensions++].value = value;
	}
}

/* What CloudWatch has: see GetMetricData, MetricStat.Period. */
static bool is_period(int64_t ms)
{
	return ms == 10 * SECOND_MS || ms == 20 * SECOND_MS || ms == 30 * SECOND_MS ||
	       ms % (60 * SECOND_MS) == 0;
}

static void read_period(struct plan_reader *r, const struct yaml *node, const char *path,
			struct plan_guard *g)
{
	if (!plan_duration(r, node, path, 10 * SECOND_MS, DAY_MS, &g->period_ms) ||
	    is_period(g->period_ms))
		return;
	problem_add(r->problems, plan_place(r, node, path), node->text.p,
		    "CloudWatch has periods of 10s, 20s, 30s, and multiples of 1m");
}

static void read_metric(struct plan_reader *r, const struct yaml *map, const char *path,
			struct plan_guard *g)
{
	const char *slash = strrchr(g->name, '/'), *missing = NULL;
	const struct yaml *node = yaml_get(map, "missing");

	if (!slash || slash == g->name || !slash[1]) {
		problem_add(r->problems, plan_place(r, yaml_get(map, "metric"), path), g->name,
			    "write namespace/name, for example AWS/Lambda/Errors");
	} else {
		g->ns = arena_strndup(r->a, g->name, (size_t)(slash - g->name));
		g->metric = slash + 1;
	}
	plan_text(r, yaml_get(map, "stat"), arena_printf(r->a, "%s.stat", path), &g->stat);
	read_period(r, yaml_get(map, "period"), arena_printf(r->a, "%s.period", path), g);
	read_dimensions(r, yaml_get(map, "dimensions"), arena_printf(r->a, "%s.dimensions", path),
			g);
	read_threshold(r, map, path, g);
	path = arena_printf(r->a, "%s.missing", path);
	if (!plan_text(r, node, path, &missing) || !missing)
		return;
	g->missing_is_zero = !strcmp(missing, "zero");
	if (!g->missing_is_zero && strcmp(missing, "unknown") != 0)
		problem_add(r->problems, plan_place(r, node, path), missing,
			    "write zero or unknown");
}

/* "{candidate}" for the host is the candidate's own address, which need not know TLS. */
static bool is_probe_url(struct plan_reader *r, const char *url)
{
	static const char word[] = "://{candidate}";
	const char *at = strstr(url, word);
	struct http_url u;

	if (at)
		url = arena_printf(r->a, "%.*s://candidate%s", (int)(at - url), url,
				   at + strlen(word));
	return http_url_parse(str_from(url), &u) &&
	       (u.https || http_host_is_loopback(u.host) || (at && str_is(u.host, "candidate")));
}

static void read_probe(struct plan_reader *r, const struct yaml *map, const char *path,
		       struct plan_guard *g)
{
	const struct yaml *method = yaml_get(map, "method");

	g->url = g->name;
	/* what stands in the query may be a token, and the name is what people are told */
	g->name = arena_strndup(r->a, g->url, strcspn(g->url, "?#"));
	if (!is_probe_url(r, g->url))
		problem_add(r->problems, plan_place(r, yaml_get(map, "probe"), path),
			    strchr(g->name, '@') ? NULL : g->name,
			    "write an absolute https URL (http for loopback and for {candidate} "
			    "only)");
	if (plan_text(r, method, arena_printf(r->a, "%s.method", path), &g->method) &&
	    strcmp(g->method, "GET") != 0 && strcmp(g->method, "HEAD") != 0)
		problem_add(r->problems,
			    plan_place(r, method, arena_printf(r->a, "%s.method", path)), g->method,
			    "a probe reads only: write GET or HEAD");
	plan_integer(r, yaml_get(map, "expect"), arena_printf(r->a, "%s.expect", path), 100, 599,
		     &g->expect_status);
	plan_text(r, yaml_get(map, "contains"), arena_printf(r->a, "%s.contains", path),
		  &g->body_contains);
	if (g->body_contains && !strcmp(g->method, "HEAD"))
		problem_add(r->problems, plan_place(r, yaml_get(map, "contains"), path),
			    g->body_contains, "the answer to HEAD has no body; write method: GET");
	plan_duration(r, yaml_get(map, "timeout"), arena_printf(r->a, "%s.timeout", path),
		      SECOND_MS, PROBE_TIMEOUT_MOST_MS, &g->timeout_ms);
}

static void read_invoke(struct plan_reader *r, const struct yaml *map, const char *path,
			struct plan_guard *g)
{
	const struct yaml *payload = yaml_get(map, "payload");
	struct err err = ERR_INIT;
	struct json *root;

	g->function = g->name;
	if (!plan_is_function(str_from(g->function)))
		problem_add(r->problems, plan_place(r, yaml_get(map, "invoke"), path), g->name,
			    "write a function's name or its ARN without qualifier");
	plan_duration(r, yaml_get(map, "timeout"), arena_printf(r->a, "%s.timeout", path),
		      SECOND_MS, INVOKE_TIMEOUT_MOST_MS, &g->timeout_ms);
	path = arena_printf(r->a, "%s.payload", path);
	if (plan_text(r, payload, path, &g->payload) && g->payload &&
	    json_parse(r->a, str_from(g->payload), &root, &err))
		problem_add(r->problems, plan_place(r, payload, path), g->payload,
			    "a payload is JSON, in quotes: '{\"test\":true}' (%s)", err.text);
}

static void read_kind(struct plan_reader *r, const struct yaml *map, const char *path,
		      struct plan_guard *g)
{
	switch (g->kind) {
	case GUARD_ALARM:
		if (!plan_is_alarm_name(str_from(g->name)))
			problem_add(r->problems, plan_place(r, yaml_get(map, "alarm"), path),
				    g->name, "write an alarm's name, of 1 to 255 characters");
		break;
	case GUARD_METRIC:
		read_metric(r, map, path, g);
		break;
	case GUARD_PROBE:
		read_probe(r, map, path, g);
		break;
	case GUARD_INVOKE:
		read_invoke(r, map, path, g);
		break;
	case GUARD_HEALTH:
		if (strcmp(g->name, "candidate") != 0)
			problem_add(r->problems, plan_place(r, yaml_get(map, "health"), path),
				    g->name, "write health: candidate");
		break;
	case GUARD_KIND_COUNT:
		break;
	}
}

static void read_guard(struct plan_reader *r, const struct yaml *map, int index)
{
	const char *path = arena_printf(r->a, "guards[%d]", index);
	const struct kind *kind = NULL;
	struct plan_guard *g;

	for (size_t i = 0; i < N_KINDS && map->type == YAML_MAP && !kind; i++)
		if (yaml_get(map, KINDS[i].key))
			kind = &KINDS[i];
	if (!kind) {
		r->has_bad_guard = true;
		problem_add(r->problems, plan_place(r, map, path), map->text.n ? map->text.p : NULL,
			    "a guard is one of alarm, metric, probe, invoke, health: "
			    "{ alarm: checkout-errors }");
		return;
	}
	plan_keys(r, map, path, kind->keys);
	g = plan_guard_add(r, kind->kind, plan_place(r, map, path));
	if (!g || !plan_text(r, yaml_get(map, kind->key), path, &g->name))
		return;
	read_phases(r, yaml_get(map, "in"), arena_printf(r->a, "%s.in", path), g);
	plan_integer(r, yaml_get(map, "failures"), arena_printf(r->a, "%s.failures", path), 1, 100,
		     &g->failures);
	read_kind(r, map, path, g);
}

void plan_guards_read(struct plan_reader *r, const struct yaml *list)
{
	int i = 0;

	if (!list)
		return;
	if (list->type != YAML_LIST) {
		r->has_bad_guard = true;
		problem_add(r->problems, plan_place(r, list, "guards"), NULL,
			    "write a list: - { alarm: checkout-errors }");
		return;
	}
	yaml_each(item, list) {
		read_guard(r, item, i++);
	}
}
