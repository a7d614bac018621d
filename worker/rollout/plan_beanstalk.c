#include "worker/rollout/plan_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * An Elastic Beanstalk environment: beanstalk:APPLICATION/ENVIRONMENT, or its CNAME in the place of
 * the name.
 *
 *   target:
 *     beanstalk:
 *       application: shop
 *       cname: shop.eu-central-1.elasticbeanstalk.com    or environment: shop-prod
 *       method: swap                  or traffic_splitting, load_balancer
 *       bundle: build/app.zip         a zip or a folder; left out: the artifact itself
 *       twin: shop-green              a standing second environment; left out: one is cloned
 *       retire: keep                  or scale_in, terminate
 */

static const char base[] = "target.beanstalk";

#define KEYS                                                                                     \
	"application environment cname method bundle twin cname_prefix capacity retire dns_ttl " \
	"hosted_zone "
#define APPLICATION_MAX 100 /* Beanstalk's own limits */
#define ENVIRONMENT_MAX 40
#define PREFIX_MAX 63
#define NAME_MIN 4
#define CNAME_LENGTH_MAX 128 /* prefix, hash, region and domain */
#define DNS_TTL_MS 60000     /* what Beanstalk's own records say */
#define DNS_TTL_MOST_MS 3600000
#define EVALUATION_MOST_MS (600 * 60000ll) /* Beanstalk's limit of EvaluationTime */
#define EVALUATION_ROOM_MS (13 * 60000ll)  /* what the target adds to the watch time, at most */

static const char *const methods[] = {
	[BEANSTALK_BY_SWAP] = "swap",
	[BEANSTALK_BY_TRAFFIC_SPLITTING] = "traffic_splitting",
	[BEANSTALK_BY_LOAD_BALANCER] = "load_balancer",
};

static const char *const retires[] = {
	[BEANSTALK_KEEP] = "keep",
	[BEANSTALK_SCALE_IN] = "scale_in",
	[BEANSTALK_TERMINATE] = "terminate",
};

static void defaults(struct plan_target *t)
{
	plan_lb_defaults(&t->lb);
	t->beanstalk.match_capacity = true;
	t->beanstalk.dns_ttl_ms = DNS_TTL_MS;
}

/* --- names ----------------------------------------------------------------------------------- */

/* It goes into the undo record, which takes no more than plain text. */
static bool is_application(struct str s)
{
	if (s.n == 0 || s.n > APPLICATION_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > '~' || strchr("/\"\\", s.p[i]))
			return false;
	return s.p[0] != ' ' && s.p[s.n - 1] != ' ';
}

/* Letters, digits and '-', none of these at the ends. */
static bool is_label(struct str s, size_t max)
{
	return s.n >= NAME_MIN && plan_is_name(s, max) && !memchr(s.p, '_', s.n) && s.p[0] != '-' &&
	       s.p[s.n - 1] != '-';
}

static bool is_cname(struct str s)
{
	struct str rest = s, part;
	size_t n = 0;

	if (s.n > CNAME_LENGTH_MAX || str_ends(s, "."))
		return false;
	for (; str_next(&rest, '.', &part); n++)
		if (!plan_is_name(part, PREFIX_MAX) || memchr(part.p, '_', part.n))
			return false;
	return n >= 3;
}

static bool is_zone(struct str s)
{
	return plan_is_name(s, 32) && !memchr(s.p, '-', s.n) && !memchr(s.p, '_', s.n);
}

/* --- one line -------------------------------------------------------------------------------- */

static bool parse(struct plan_reader *r, struct str text, const char *place, const char *whole,
		  struct plan_target *t)
{
	const char *slash = text.n ? memrchr(text.p, '/', text.n) : NULL;
	size_t at = slash ? (size_t)(slash - text.p) : 0;
	struct str application = str_sub(text, 0, at), name = str_sub(text, at + 1, text.n);

	if (!slash || !is_application(application) ||
	    (!is_label(name, ENVIRONMENT_MAX) && !is_cname(name))) {
		problem_add(r->problems, place, whole,
			    "write beanstalk:APPLICATION/ENVIRONMENT, for example "
			    "beanstalk:shop/shop-prod; the environment's CNAME may stand in the "
			    "place of its name");
		return false;
	}
	t->beanstalk.application = str_dup(r->a, application);
	if (is_cname(name))
		t->beanstalk.cname = str_dup(r->a, name);
	else
		t->beanstalk.environment = str_dup(r->a, name);
	return true;
}

/* --- the file -------------------------------------------------------------------------------- */

struct text_rule {
	const char *key;
	bool (*is_good)(struct str s);
	const char *would_be_right;
};

static bool is_environment(struct str s)
{
	return is_label(s, ENVIRONMENT_MAX);
}

static bool is_prefix(struct str s)
{
	return is_label(s, PREFIX_MAX);
}

static void read_text(struct plan_reader *r, const struct yaml *map, const struct text_rule *rule,
		      const char **out)
{
	const struct yaml *node = yaml_get(map, rule->key);
	const char *path = arena_printf(r->a, "%s.%s", base, rule->key);

	if (plan_text(r, node, path, out) && node && *out && !rule->is_good(str_from(*out)))
		problem_add(r->problems, plan_place(r, node, path), *out, "%s",
			    rule->would_be_right);
}

static void read_word(struct plan_reader *r, const struct yaml *map, const char *key,
		      const char *const *words, int n, int *out)
{
	const struct yaml *node = yaml_get(map, key);
	const char *path = arena_printf(r->a, "%s.%s", base, key), *word = NULL;
	int i = 0;

	if (!plan_text(r, node, path, &word) || !node || !word)
		return;
	while (i < n && strcmp(word, words[i]) != 0)
		i++;
	if (i < n)
		*out = i;
	else
		problem_add(r->problems, plan_place(r, node, path), word, "write %s, %s or %s",
			    words[0], words[1], words[2]);
}

static void read_capacity(struct plan_reader *r, const struct yaml *map, struct plan_beanstalk *t)
{
	const struct yaml *node = yaml_get(map, "capacity");
	const char *word = NULL, *path = "target.beanstalk.capacity";

	if (!plan_text(r, node, path, &word) || !node || !word)
		return;
	t->match_capacity = strcmp(word, "match") == 0;
	if (!t->match_capacity && strcmp(word, "as_is") != 0)
		problem_add(r->problems, plan_place(r, node, path), word,
			    "write match (as many instances as are live) or as_is");
}

static void read_names(struct plan_reader *r, const struct yaml *map, struct plan_beanstalk *t)
{
	static const struct text_rule application = {
		"application", is_application,
		"an application has 1 to 100 printable ASCII characters, no / \" or \\"};
	static const struct text_rule environment = {
		"environment", is_environment,
		"an environment's name has 4 to 40 letters, digits and -, none of these at its "
		"ends"};
	static const struct text_rule twin = {"twin", is_environment,
					      "write the name of the second environment"};
	static const struct text_rule cname = {
		"cname", is_cname, "write it whole: shop.eu-central-1.elasticbeanstalk.com"};
	static const struct text_rule prefix = {
		"cname_prefix", is_prefix,
		"a prefix has 4 to 63 letters, digits and -, none of these at its ends"};
	static const struct text_rule zone = {"hosted_zone", is_zone,
					      "write the id of a hosted zone: Z1D633PJN98FT9"};

	read_text(r, map, &application, &t->application);
	read_text(r, map, &environment, &t->environment);
	read_text(r, map, &cname, &t->cname);
	read_text(r, map, &twin, &t->twin);
	read_text(r, map, &prefix, &t->cname_prefix);
	read_text(r, map, &zone, &t->hosted_zone);
	if (!t->application || (!t->environment && !t->cname))
		problem_add(r->problems, plan_place(r, map, base), NULL,
			    "application and one of environment and cname are needed: { "
			    "application: shop, environment: shop-prod }");
}

static void read(struct plan_reader *r, const struct yaml *map)
{
	struct plan_beanstalk *t = &r->plan->target.beanstalk;
	int method = BEANSTALK_BY_SWAP, retire = BEANSTALK_KEEP;

	if (!plan_keys(r, map, base, KEYS PLAN_LB_KEYS))
		return;
	read_names(r, map, t);
	read_word(r, map, "method", methods, BEANSTALK_METHOD_COUNT, &method);
	read_word(r, map, "retire", retires, BEANSTALK_RETIRE_COUNT, &retire);
	t->method = (enum beanstalk_method)method;
	t->retire = (enum beanstalk_retire)retire;
	read_capacity(r, map, t);
	plan_text(r, yaml_get(map, "bundle"), "target.beanstalk.bundle", &t->bundle);
	plan_duration(r, yaml_get(map, "dns_ttl"), "target.beanstalk.dns_ttl", 0, DNS_TTL_MOST_MS,
		      &t->dns_ttl_ms);
	plan_lb_read(r, map, base, &r->plan->target.lb);
}

/* --- the whole plan -------------------------------------------------------------------------- */

static void PRINTF_LIKE(3, 4) refuse(struct plan_reader *r, const char *value, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	problem_add(r->problems, r->target_place, value, "%s", text);
}

static void refuse_unused(struct plan_reader *r, const char *method, const char *key, bool is_given)
{
	if (is_given)
		refuse(r, key, "%s is not for method %s; leave it out", key, method);
}

/* Who is told apart, is told apart by a rule. */
static void refuse_segments(struct plan_reader *r, const char *method)
{
	for (size_t i = 0; i < r->plan->n_steps; i++) {
		if (r->plan->steps[i].segment < 0)
			continue;
		problem_add(r->problems, r->strategy_place, method,
			    "this method moves nobody apart from the others: segments need method "
			    "load_balancer");
		return;
	}
}

static void check_swap(struct plan_reader *r)
{
	const struct plan_beanstalk *t = &r->plan->target.beanstalk;
	const struct plan *p = r->plan;
	char ttl[DURATION_TEXT_SIZE], bake[DURATION_TEXT_SIZE];

	refuse_unused(r, "swap", "rule or listener", p->target.lb.resource_arn != NULL);
	refuse_segments(r, "swap");
	if (p->n_steps > 0 && (p->n_steps > 1 || p->steps[0].weight_bp != 10000))
		problem_add(r->problems, r->strategy_place, p->strategy,
			    "an exchange of CNAMEs moves everybody at once; write blue-green, or "
			    "another method of target.beanstalk");
	if (t->twin && (!t->cname || !t->environment))
		refuse(r, t->twin,
		       "which of the two environments is live only its CNAME tells: write cname, "
		       "environment and twin");
	if (t->twin && t->cname_prefix)
		refuse(r, t->cname_prefix, "a twin has its CNAME already; leave cname_prefix out");
	if (t->twin && t->retire == BEANSTALK_TERMINATE)
		refuse(r, t->twin, "a standing twin is not terminated; write keep or scale_in");
	duration_format(t->dns_ttl_ms, ttl);
	duration_format(p->bake_ms, bake);
	if (p->bake_ms < t->dns_ttl_ms && t->retire != BEANSTALK_KEEP)
		problem_add(r->problems, r->strategy_place, bake,
			    "clients go on to the old environment for %s after the exchange: bake "
			    "at least that long before it is retired",
			    ttl);
	else if (p->bake_ms < t->dns_ttl_ms)
		problem_warn(r->problems, r->strategy_place, bake,
			     "clients go on to the old environment for %s after the exchange: a "
			     "shorter bake time judges few of them",
			     ttl);
}

static void check_splitting_guards(struct plan_reader *r)
{
	const struct plan *p = r->plan;

	for (size_t i = 0; i < p->n_guards; i++) {
		const struct plan_guard *g = &p->guards[i];

		if (g->in & GUARD_IN_VERIFY && g->kind != GUARD_ALARM && g->kind != GUARD_HEALTH)
			problem_add(r->problems, g->place, g->name,
				    "with traffic_splitting there is nothing to verify before it "
				    "gets traffic; take verify out of its phases");
		if (g->kind == GUARD_PROBE && strstr(g->url, "{candidate}"))
			problem_add(r->problems, g->place, g->name,
				    "with traffic_splitting both versions have one address: write "
				    "a host name");
		if (g->kind == GUARD_METRIC && g->candidate_series)
			problem_add(r->problems, g->place, g->name,
				    "with traffic_splitting both versions are one environment: "
				    "give the guard dimensions");
	}
}

static void check_splitting(struct plan_reader *r)
{
	const struct plan_beanstalk *t = &r->plan->target.beanstalk;
	static const char method[] = "traffic_splitting";
	const struct plan *p = r->plan;
	const struct plan_step *step = &p->steps[0];

	refuse_unused(r, method, "rule or listener", p->target.lb.resource_arn != NULL);
	refuse_segments(r, method);
	refuse_unused(r, method, "twin", t->twin != NULL);
	refuse_unused(r, method, "cname_prefix", t->cname_prefix != NULL);
	refuse_unused(r, method, "retire", t->retire != BEANSTALK_KEEP);
	if (p->n_steps > 0 &&
	    (p->n_steps > 1 || step->weight_bp % 100 != 0 || step->weight_bp >= 10000))
		problem_add(r->problems, r->strategy_place, p->strategy,
			    "Beanstalk splits once, by whole percents below 100: write canary 10%% "
			    "15m, say");
	else if (p->n_steps > 0 && step->approve)
		problem_add(r->problems, r->strategy_place, p->strategy,
			    "Beanstalk goes on by itself when its evaluation time is over: no step "
			    "can wait for an approval");
	else if (p->n_steps > 0 && step->watch_ms > EVALUATION_MOST_MS - EVALUATION_ROOM_MS)
		problem_add(r->problems, r->strategy_place, p->strategy,
			    "Beanstalk evaluates for 10h at most: watch for 9h47m or less");
	if (p->unknown_then == UNKNOWN_HOLD)
		problem_add(r->problems, r->target_place, NULL,
			    "Beanstalk goes on by itself when its evaluation time is over: unknown "
			    "cannot be held, only rolled back");
	if (p->mode == MODE_START)
		problem_add(r->problems, r->target_place, NULL,
			    "Beanstalk goes on by itself when its evaluation time is over: such a "
			    "rollout cannot be parked for an approval; write Mode deploy");
	check_splitting_guards(r);
}

static void check_balanced(struct plan_reader *r)
{
	const struct plan_beanstalk *t = &r->plan->target.beanstalk;

	refuse_unused(r, "load_balancer", "cname_prefix", t->cname_prefix != NULL);
	refuse_unused(r, "load_balancer", "hosted_zone", t->hosted_zone != NULL);
	if (!r->plan->target.lb.resource_arn)
		refuse(r, NULL,
		       "method load_balancer needs rule or listener: the ARN of one that is yours "
		       "and forwards to both environments");
	if (!t->environment || !t->twin)
		refuse(r, NULL,
		       "method load_balancer needs environment and twin: the names of both "
		       "environments behind the rule, in any order");
	if (t->retire == BEANSTALK_TERMINATE)
		refuse(r, t->twin, "a standing twin is not terminated; write keep or scale_in");
}

static void check(struct plan_reader *r)
{
	const struct plan_beanstalk *t = &r->plan->target.beanstalk;

	if (t->twin && plan_same_text(t->twin, t->environment))
		refuse(r, t->twin, "environment and twin must be two environments");
	switch (t->method) {
	case BEANSTALK_BY_SWAP:
		check_swap(r);
		break;
	case BEANSTALK_BY_TRAFFIC_SPLITTING:
		check_splitting(r);
		break;
	case BEANSTALK_BY_LOAD_BALANCER:
		check_balanced(r);
		break;
	case BEANSTALK_METHOD_COUNT:
		break;
	}
}

/* --- comparing and telling ------------------------------------------------------------------- */

/* One line says a name or a CNAME; the file may say both. */
static bool same(const struct plan_target *a, const struct plan_target *b)
{
	const struct plan_beanstalk *x = &a->beanstalk, *y = &b->beanstalk;

	return plan_same_text(x->application, y->application) &&
	       ((x->environment && plan_same_text(x->environment, y->environment)) ||
		(x->cname && plan_same_text(x->cname, y->cname)));
}

static const char *text(struct arena *a, const struct plan_target *t)
{
	const struct plan_beanstalk *b = &t->beanstalk;
	const char *name = b->environment ? b->environment : b->cname;

	return arena_printf(a, "%s/%s", b->application ? b->application : "", name ? name : "");
}

static void digest(struct json_out *o, const struct plan_target *t)
{
	const struct plan_beanstalk *b = &t->beanstalk;

	json_member_cstr(o, "application", b->application);
	json_member_cstr(o, "environment", b->environment);
	json_member_cstr(o, "cname", b->cname);
	json_member_cstr(o, "method", methods[b->method]);
	json_member_cstr(o, "bundle", b->bundle);
	json_member_cstr(o, "twin", b->twin);
	json_member_cstr(o, "cname_prefix", b->cname_prefix);
	json_member_bool(o, "match_capacity", b->match_capacity);
	json_member_cstr(o, "retire", retires[b->retire]);
	json_member_i64(o, "dns_ttl", b->dns_ttl_ms);
	json_member_cstr(o, "hosted_zone", b->hosted_zone);
	plan_lb_digest(o, &t->lb);
}

const struct plan_target_kind plan_kind_beanstalk = {
	.word = "beanstalk",
	.key = "beanstalk",
	.form = "beanstalk:APPLICATION/ENVIRONMENT",
	.defaults = defaults,
	.parse = parse,
	.read = read,
	.same = same,
	.text = text,
	.digest = digest,
	.check = check,
};
