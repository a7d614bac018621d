#include "worker/rollout/plan_reader.h"

#include <arpa/inet.h>
#include <string.h>

/*
 * Segments of users: who they are, and whether the target can tell them apart. What an Application
 * Load Balancer takes in a rule is checked here as far as the segment alone shows it; the
 * conditions of the rule that is deployed to come on top and are counted when it has been read.
 */

#define NAME_MAX_CHARS 32
#define HEADER_MAX 40
#define VALUE_MAX 128
#define WILDCARDS_MAX 5
#define KEYS "header cookie query source_ip principals"

int plan_segment_find(const struct plan *p, struct str name)
{
	for (size_t i = 0; i < p->n_segments; i++)
		if (str_is(name, p->segments[i].name))
			return (int)i;
	return -1;
}

unsigned plan_segments_used(const struct plan *p)
{
	unsigned used = 0;

	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].segment >= 0)
			used |= 1u << p->steps[i].segment;
	return used;
}

void plan_no_segment(struct problems *p, const struct plan *plan, const char *place,
		     struct str name)
{
	const char *known = "";
	char shown[64];

	str_copy_clean(shown, sizeof(shown), name);
	for (size_t i = 0; i < plan->n_segments; i++)
		known = arena_printf(p->arena, "%s%s%s", known, i ? ", " : "; known are ",
				     plan->segments[i].name);
	problem_add(p, place, shown, "there is no segment of this name%s%s", known,
		    plan->n_segments ? "" : "; write who it is under segments in the plan file");
}

/* --- counting --------------------------------------------------------------------------------- */

static size_t wildcards(const char *text)
{
	size_t n = 0;

	for (; text && *text; text++)
		n += *text == '*' || *text == '?';
	return n;
}

size_t plan_segment_values(const struct plan_segment *s)
{
	return s->n_values + (s->cookie != NULL) + (s->query_value != NULL) + s->n_source_ip;
}

size_t plan_segment_wildcards(const struct plan_segment *s)
{
	size_t n = wildcards(s->cookie) + wildcards(s->cookie_value) + wildcards(s->query_key) +
		   wildcards(s->query_value) + (s->cookie ? 2 : 0);

	for (size_t i = 0; i < s->n_values; i++)
		n += wildcards(s->values[i]);
	return n;
}

/* --- leaves ----------------------------------------------------------------------------------- */

/* Printable ASCII, 1 to max. */
static bool is_plain(const char *text, size_t max)
{
	size_t n = 0;

	for (; text[n] && n <= max; n++)
		if (text[n] < ' ' || text[n] > '~')
			return false;
	return n >= 1 && n <= max;
}

static bool is_header_name(const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !strchr("!#$%&'+-.^_`|~", c))
			return false;
	}
	return n >= 1 && n <= HEADER_MAX && !str_is_nocase(str_from(text), "host");
}

/* Is everything of the address after the first n bits 0? */
static bool is_whole_block(const unsigned char *bits, size_t bytes, uint64_t n)
{
	for (uint64_t i = n; i < 8 * bytes; i++)
		if (bits[i / 8] & (0x80u >> (i % 8)))
			return false;
	return true;
}

/* "10.0.0.0/8", "2001:db8::/32" */
static bool is_block(const char *text)
{
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	unsigned char bits[16];
	uint64_t n;
	bool is_six = strchr(text, ':') != NULL;

	if (!slash ||
	    !str_copy(address, sizeof(address), (struct str){text, (size_t)(slash - text)}))
		return false;
	return inet_pton(is_six ? AF_INET6 : AF_INET, address, bits) == 1 &&
	       str_parse_u64(str_from(slash + 1), 0, is_six ? 128 : 32, &n) &&
	       is_whole_block(bits, is_six ? 16 : 4, n);
}

/* arn:aws:iam::111122223333:role/staff, or user/..., or root */
static bool is_principal(const char *text)
{
	struct str rest = str_from(text), f[5];
	size_t n = 0;

	if (!is_plain(text, 255) || strpbrk(text, " *?\"\\"))
		return false;
	while (n < 5 && str_next(&rest, ':', &f[n]))
		n++;
	if (n != 5 || !str_is(f[0], "arn") || !str_starts(f[1], "aws") || !str_is(f[2], "iam") ||
	    f[3].n || !plan_is_account(f[4]))
		return false;
	return (str_starts(rest, "role/") && rest.n > 5) ||
	       (str_starts(rest, "user/") && rest.n > 5) || str_is(rest, "root");
}

struct leaf {
	bool (*is_one)(const char *text);
	const char *wanted;
};

static bool is_value(const char *text)
{
	return is_plain(text, VALUE_MAX);
}

static const struct leaf value_leaf = {
	is_value, "write 1 to 128 printable characters; * and ? stand for others"};
static const struct leaf name_leaf = {
	is_header_name,
	"write the name of a header: 1 to 40 characters, without * and ?, and not Host"};
static const struct leaf block_leaf = {
	is_block, "write a block of addresses from its first on: 203.0.113.0/24 or "
		  "2001:db8::/32"};
static const struct leaf principal_leaf = {is_principal,
					   "write the ARN of a role, a user or an account: "
					   "arn:aws:iam::111122223333:role/staff"};

static void read_leaf(struct plan_reader *r, const struct yaml *node, const char *path,
		      const struct leaf *leaf, const char **out)
{
	if (plan_text(r, node, path, out) && node && *out && !leaf->is_one(*out))
		problem_add(r->problems, plan_place(r, node, path), *out, "%s", leaf->wanted);
}

/* A list, or a single one. */
static void read_leaves(struct plan_reader *r, const struct yaml *node, const char *path,
			const struct leaf *leaf, const char **out, size_t *n, size_t max)
{
	for (const struct yaml *item = plan_items(node); item; item = plan_next(node, item)) {
		const char *at = arena_printf(r->a, "%s[%zu]", path, *n), *text = NULL;

		if (*n == max) {
			problem_add(r->problems, plan_place(r, item, path), NULL, "at most %zu",
				    max);
			return;
		}
		read_leaf(r, item, node->type == YAML_LIST ? at : path, leaf, &text);
		if (text)
			out[(*n)++] = text;
	}
}

/* --- conditions ------------------------------------------------------------------------------- */

static void lacks(struct plan_reader *r, const struct yaml *map, const char *path, const char *form)
{
	problem_add(r->problems, plan_place(r, map, path), NULL, "something is missing; write %s",
		    form);
}

static void read_header(struct plan_reader *r, const struct yaml *map, const char *path,
			struct plan_segment *s)
{
	if (!map || !plan_keys(r, map, path, "name values"))
		return;
	read_leaf(r, yaml_get(map, "name"), arena_printf(r->a, "%s.name", path), &name_leaf,
		  &s->header);
	read_leaves(r, yaml_get(map, "values"), arena_printf(r->a, "%s.values", path), &value_leaf,
		    s->values, &s->n_values, PLAN_SEGMENT_VALUES);
	if (!yaml_get(map, "name") || !s->n_values)
		lacks(r, map, path, "{ name: X-Team, values: [staff] }");
}

static void read_cookie(struct plan_reader *r, const struct yaml *map, const char *path,
			struct plan_segment *s)
{
	if (!map || !plan_keys(r, map, path, "name value"))
		return;
	if (!yaml_get(map, "name") || !yaml_get(map, "value"))
		lacks(r, map, path, "{ name: beta, value: \"on\" }");
	read_leaf(r, yaml_get(map, "name"), arena_printf(r->a, "%s.name", path), &value_leaf,
		  &s->cookie);
	read_leaf(r, yaml_get(map, "value"), arena_printf(r->a, "%s.value", path), &value_leaf,
		  &s->cookie_value);
	/* the rule looks for *name=value* in the header */
	if (s->cookie && s->cookie_value &&
	    strlen(s->cookie) + strlen(s->cookie_value) + 3 > VALUE_MAX)
		problem_add(r->problems, plan_place(r, map, path), s->cookie,
			    "name and value together are longer than %d characters", VALUE_MAX - 3);
}

static void read_query(struct plan_reader *r, const struct yaml *map, const char *path,
		       struct plan_segment *s)
{
	if (!map || !plan_keys(r, map, path, "key value"))
		return;
	if (!yaml_get(map, "value"))
		lacks(r, map, path, "{ key: beta, value: \"1\" }; without a key, any key will do");
	read_leaf(r, yaml_get(map, "key"), arena_printf(r->a, "%s.key", path), &value_leaf,
		  &s->query_key);
	read_leaf(r, yaml_get(map, "value"), arena_printf(r->a, "%s.value", path), &value_leaf,
		  &s->query_value);
}

static void read_segment(struct plan_reader *r, const struct yaml *map)
{
	struct plan_segment *s = &r->plan->segments[r->plan->n_segments];
	const char *path = arena_printf(r->a, "segments.%s", map->key.p);
	const char *at = plan_place(r, map, path);

	*s = (struct plan_segment){.name = str_dup(r->a, map->key), .place = at};
	r->plan->n_segments++; /* a bad one is one, too: the steps may name it */
	if (!plan_is_name(map->key, NAME_MAX_CHARS))
		problem_add(r->problems, at, s->name,
			    "a segment's name has 1 to %d letters, digits, - and _",
			    NAME_MAX_CHARS);
	if (!plan_keys(r, map, path, KEYS))
		return;
	read_header(r, yaml_get(map, "header"), arena_printf(r->a, "%s.header", path), s);
	read_cookie(r, yaml_get(map, "cookie"), arena_printf(r->a, "%s.cookie", path), s);
	read_query(r, yaml_get(map, "query"), arena_printf(r->a, "%s.query", path), s);
	read_leaves(r, yaml_get(map, "source_ip"), arena_printf(r->a, "%s.source_ip", path),
		    &block_leaf, s->source_ip, &s->n_source_ip, PLAN_SEGMENT_VALUES);
	read_leaves(r, yaml_get(map, "principals"), arena_printf(r->a, "%s.principals", path),
		    &principal_leaf, s->principals, &s->n_principals, PLAN_PRINCIPALS);
	if (!plan_segment_values(s) && !s->n_principals)
		problem_add(r->problems, at, NULL, "say who it is, by some of: %s", KEYS);
}

void plan_segments_read(struct plan_reader *r, const struct yaml *map)
{
	if (!map)
		return;
	if (map->type != YAML_MAP) {
		problem_add(r->problems, plan_place(r, map, "segments"), NULL,
			    "a map belongs here, from a name to who it is: staff: { header: { "
			    "name: X-Team, values: [staff] } }");
		return;
	}
	yaml_each(child, map) {
		if (r->plan->n_segments == LIMIT_SEGMENTS) {
			problem_add(r->problems, plan_place(r, child, "segments"), child->key.p,
				    "at most %d segments", LIMIT_SEGMENTS);
			return;
		}
		read_segment(r, child);
	}
}

/* --- the whole -------------------------------------------------------------------------------- */

static void check_limits(struct plan_reader *r, const struct plan_segment *s)
{
	size_t values = plan_segment_values(s), wild = plan_segment_wildcards(s);

	if (values > PLAN_SEGMENT_VALUES)
		problem_add(r->problems, s->place, NULL,
			    "its conditions have %zu values; a rule of an Application Load "
			    "Balancer has at most %d",
			    values, PLAN_SEGMENT_VALUES);
	if (wild > WILDCARDS_MAX)
		problem_add(r->problems, s->place, NULL,
			    "its conditions have %zu wildcards (a cookie has two of its own); a "
			    "rule of an Application Load Balancer has at most %d",
			    wild, WILDCARDS_MAX);
}

/* Can this kind of target tell them apart so? */
static void check_kind(struct plan_reader *r, const struct plan_segment *s)
{
	const struct plan_target *t = &r->plan->target;
	bool is_lambda = t->kind == TARGET_LAMBDA;

	if (is_lambda && plan_segment_values(s))
		problem_add(r->problems, s->place, NULL,
			    "an alias of a Lambda function cannot see requests; say principals, "
			    "or deploy to the load balancer in front of it");
	else if (!is_lambda && s->n_principals)
		problem_add(r->problems, s->place, NULL,
			    "principals are told apart for Lambda functions only; say header, "
			    "cookie, query or source_ip");
	else if (t->lb.resource_arn && strstr(t->lb.resource_arn, "/net/"))
		problem_add(r->problems, s->place, NULL,
			    "a Network Load Balancer does not see requests; segments need an "
			    "Application Load Balancer");
}

static void check_use(struct plan_reader *r, int segment)
{
	const struct plan *p = r->plan;
	size_t n = 0;

	for (size_t i = 0; i < p->n_steps; i++) {
		if (p->steps[i].segment != segment)
			continue;
		if (p->steps[i].weight_bp == 10000)
			problem_add(r->problems,
				    arena_printf(r->a, "%s, step %zu", r->strategy_place, i + 1),
				    p->segments[segment].name,
				    "everybody is on the candidate already, by a step before");
		if (++n < 2)
			continue;
		problem_add(r->problems,
			    arena_printf(r->a, "%s, step %zu", r->strategy_place, i + 1),
			    p->segments[segment].name,
			    "this segment is on the candidate already, by a step before");
	}
	if (n == 0)
		problem_warn(r->problems, p->segments[segment].place, p->segments[segment].name,
			     "no step uses it; write - { segment: %s, for: 10m }",
			     p->segments[segment].name);
}

void plan_segments_check(struct plan_reader *r)
{
	struct plan *p = r->plan;
	int highest = 0;

	for (size_t i = 0; i < p->n_steps; i++) {
		if (p->steps[i].segment >= 0)
			p->steps[i].weight_bp = highest;
		else if (p->steps[i].weight_bp > highest)
			highest = p->steps[i].weight_bp;
	}
	for (size_t i = 0; i < p->n_segments; i++) {
		check_limits(r, &p->segments[i]);
		if (r->has_target)
			check_kind(r, &p->segments[i]);
		check_use(r, (int)i);
	}
}

/* --- canonical form and text ------------------------------------------------------------------ */

static void add_texts(struct json_out *o, const char *key, const char *const *texts, size_t n)
{
	json_out_key(o, key);
	json_out_array(o);
	for (size_t i = 0; i < n; i++)
		json_out_cstr(o, texts[i]);
	json_out_end(o);
}

/* Nothing where there is none: plans without segments keep the digest they have. */
void plan_segments_digest(struct json_out *o, const struct plan *p)
{
	if (!p->n_segments)
		return;
	json_out_key(o, "segments");
	json_out_array(o);
	for (size_t i = 0; i < p->n_segments; i++) {
		const struct plan_segment *s = &p->segments[i];

		json_out_object(o);
		json_member_cstr(o, "name", s->name);
		json_member_cstr(o, "header", s->header);
		add_texts(o, "values", s->values, s->n_values);
		json_member_cstr(o, "cookie", s->cookie);
		json_member_cstr(o, "cookie_value", s->cookie_value);
		json_member_cstr(o, "query_key", s->query_key);
		json_member_cstr(o, "query_value", s->query_value);
		add_texts(o, "source_ip", s->source_ip, s->n_source_ip);
		add_texts(o, "principals", s->principals, s->n_principals);
		json_out_end(o);
	}
	json_out_end(o);
}

static void add_part(struct buf *b, const char *what)
{
	buf_adds(b, b->n ? ", and " : "");
	buf_adds(b, what);
}

static void add_list(struct buf *b, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_adds(b, i ? " or " : " ");
		buf_adds(b, texts[i]);
	}
}

const char *plan_segment_text(struct arena *a, const struct plan_segment *s)
{
	const char *text;
	struct buf b;

	buf_init(&b, 8192);
	if (s->header) {
		add_part(&b, arena_printf(a, "header %s:", s->header));
		add_list(&b, s->values, s->n_values);
	}
	if (s->cookie)
		add_part(&b, arena_printf(a, "cookie %s=%s", s->cookie, s->cookie_value));
	if (s->query_value)
		add_part(&b, arena_printf(a, "query %s%s%s", s->query_key ? s->query_key : "",
					  s->query_key ? "=" : "", s->query_value));
	if (s->n_source_ip) {
		add_part(&b, "source");
		add_list(&b, s->source_ip, s->n_source_ip);
	}
	if (s->n_principals) {
		add_part(&b, "principal");
		add_list(&b, s->principals, s->n_principals);
	}
	text = str_dup(a, buf_str(&b));
	buf_release(&b);
	return text;
}
