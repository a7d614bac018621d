#include "aws/elbv2_rule.h"

#include <arpa/inet.h>
#include <string.h>

#include "aws/answer.h"

/*
 * Conditions of rules. An answer tells host-header and path-pattern twice, as Values and as
 * ...Config; the second form is the one that is read where it is there, and the only one written.
 */

static const struct field {
	const char *name, *config;
} fields[] = {
	{"host-header", "HostHeaderConfig"}, {"path-pattern", "PathPatternConfig"},
	{"http-header", "HttpHeaderConfig"}, {"http-request-method", "HttpRequestMethodConfig"},
	{"source-ip", "SourceIpConfig"},     {"query-string", "QueryStringConfig"},
};

static const struct field *field_of(const char *name)
{
	for (size_t i = 0; name && i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

static bool is_query(const struct elbv2_condition *c)
{
	return strcmp(c->field, "query-string") == 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

static const char *const *read_texts(const struct xml *list, struct arena *a, size_t *n)
{
	const char **texts = NULL;
	size_t cap = 0;

	*n = 0;
	xml_each(value, list, "member") {
		texts = aws_grow(a, texts, *n, &cap, sizeof(*texts));
		texts[(*n)++] = value->text.p ? value->text.p : "";
	}
	return texts;
}

static void read_queries(const struct xml *list, struct arena *a, struct elbv2_condition *out)
{
	struct elbv2_query *queries = NULL;
	size_t cap = 0;

	xml_each(pair, list, "member") {
		queries = aws_grow(a, queries, out->n_queries, &cap, sizeof(*queries));
		queries[out->n_queries++] = (struct elbv2_query){
			.key = aws_xml_text(pair, "Key"),
			.value = xml_cstr(pair, "Value") ? xml_cstr(pair, "Value") : "",
		};
		xml_each(part, pair, NULL) {
			out->whole &= str_is(part->name, "Key") || str_is(part->name, "Value");
		}
	}
	out->queries = queries;
}

/* Values, RegexValues and HttpHeaderName of a ...Config, or of the condition itself. */
static void read_config(const struct xml *config, struct arena *a, struct elbv2_condition *out)
{
	if (is_query(out)) {
		read_queries(xml_at(config, "Values"), a, out);
		return;
	}
	out->values = read_texts(xml_at(config, "Values"), a, &out->n_values);
	out->regex = read_texts(xml_at(config, "RegexValues"), a, &out->n_regex);
	out->header = aws_xml_text(config, "HttpHeaderName");
}

static bool is_known(const struct xml *config, const char *const *known)
{
	xml_each(part, config, NULL) {
		bool found = false;

		for (size_t i = 0; known[i]; i++)
			found |= str_is(part->name, known[i]);
		if (!found)
			return false;
	}
	return true;
}

static void read_condition(const struct xml *node, struct arena *a, struct elbv2_condition *out)
{
	static const char *const parts[] = {"Values", "RegexValues", "HttpHeaderName", NULL};
	const struct field *f = field_of(out->field);
	const char *const outer[] = {"Field", "Values", "RegexValues", f ? f->config : NULL, NULL};
	const struct xml *config = f ? xml_at(node, f->config) : NULL;

	out->whole = f && is_known(node, outer) && is_known(config, parts);
	if (f)
		read_config(config ? config : node, a, out);
	out->whole &= out->n_values + out->n_regex + out->n_queries > 0;
}

int elbv2_conditions_parse(const struct xml *list, struct arena *a, struct elbv2_condition **out,
			   size_t *n, struct err *err)
{
	struct elbv2_condition *all = NULL;
	size_t cap = 0;

	*n = 0;
	xml_each(node, list, "member") {
		all = aws_grow(a, all, *n, &cap, sizeof(*all));
		all[*n] = (struct elbv2_condition){.field = aws_xml_text(node, "Field")};
		if (!all[*n].field)
			return err_set(err, ERR_MALFORMED, "a condition has no field");
		read_condition(node, a, &all[(*n)++]);
	}
	*out = all;
	return 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

struct place {
	struct buf *b;
	size_t number; /* of the condition, from 1 */
	const char *config;
};

static void put(const struct place *at, const char *name, const char *value)
{
	buf_addf(at->b, "&Conditions.member.%zu.%s.%s=", at->number, at->config, name);
	buf_add_uri(at->b, str_from(value), false);
}

static void put_list(const struct place *at, const char *name, const char *const *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_addf(at->b, "&Conditions.member.%zu.%s.%s.member.%zu=", at->number, at->config,
			 name, i + 1);
		buf_add_uri(at->b, str_from(values[i]), false);
	}
}

static void put_queries(const struct place *at, const struct elbv2_condition *c)
{
	for (size_t i = 0; i < c->n_queries; i++) {
		const struct elbv2_query *q = &c->queries[i];

		if (q->key) {
			buf_addf(at->b,
				 "&Conditions.member.%zu.%s.Values.member.%zu.Key=", at->number,
				 at->config, i + 1);
			buf_add_uri(at->b, str_from(q->key), false);
		}
		buf_addf(at->b, "&Conditions.member.%zu.%s.Values.member.%zu.Value=", at->number,
			 at->config, i + 1);
		buf_add_uri(at->b, str_from(q->value), false);
	}
}

int elbv2_conditions_format(struct buf *b, const struct elbv2_condition *conditions, size_t n,
			    struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct elbv2_condition *c = &conditions[i];
		const struct field *f = field_of(c->field);
		struct place at = {.b = b, .number = i + 1, .config = f ? f->config : ""};

		if (!f || !c->whole)
			return err_set(err, ERR_REJECTED,
				       "a condition on %.60s cannot be given again whole",
				       c->field ? c->field : "nothing");
		if (!(c->n_values + c->n_regex + c->n_queries))
			return err_set(err, ERR_REJECTED, "a condition on %.60s has no value",
				       c->field);
		buf_addf(b, "&Conditions.member.%zu.Field=%s", at.number, c->field);
		if (c->header)
			put(&at, "HttpHeaderName", c->header);
		put_list(&at, "Values", c->values, c->n_values);
		put_list(&at, "RegexValues", c->regex, c->n_regex);
		put_queries(&at, c);
	}
	return 0;
}

/* --- comparing and counting ------------------------------------------------------------------- */

/* "2001:DB8::/32" and "2001:db8:0::/32" are one block of addresses. */
static bool same_block(const char *a, const char *b)
{
	const char *const texts[] = {a, b};
	unsigned char bits[2][16] = {{0}};
	int64_t length[2] = {-1, -2};

	for (int i = 0; i < 2; i++) {
		char address[INET6_ADDRSTRLEN];
		const char *slash = strchr(texts[i], '/');
		int family = strchr(texts[i], ':') ? AF_INET6 : AF_INET;

		if (!slash ||
		    !str_copy(address, sizeof(address),
			      (struct str){texts[i], (size_t)(slash - texts[i])}) ||
		    inet_pton(family, address, bits[i]) != 1 ||
		    !str_parse_i64(str_from(slash + 1), 0, 128, &length[i]))
			return false;
		length[i] += family == AF_INET6 ? 1000 : 0;
	}
	return length[0] == length[1] && memcmp(bits[0], bits[1], sizeof(bits[0])) == 0;
}

static size_t times(const char *const *list, size_t n, const char *text)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += strcmp(list[i], text) == 0 || same_block(list[i], text);
	return count;
}

/* The same texts, each as often. */
static bool same_texts(const char *const *a, size_t n_a, const char *const *b, size_t n_b)
{
	for (size_t i = 0; n_a == n_b && i < n_a; i++)
		if (times(a, n_a, a[i]) != times(b, n_b, a[i]))
			return false;
	return n_a == n_b;
}

static bool same_query(const struct elbv2_query *a, const struct elbv2_query *b)
{
	return !a->key == !b->key && (!a->key || strcmp(a->key, b->key) == 0) &&
	       strcmp(a->value, b->value) == 0;
}

static size_t query_times(const struct elbv2_condition *c, const struct elbv2_query *q)
{
	size_t count = 0;

	for (size_t i = 0; i < c->n_queries; i++)
		count += same_query(&c->queries[i], q);
	return count;
}

static bool same_condition(const struct elbv2_condition *a, const struct elbv2_condition *b)
{
	if (!a->whole || !b->whole || strcmp(a->field, b->field) != 0 ||
	    !str_is_nocase(str_from(a->header), b->header ? b->header : "") ||
	    !same_texts(a->values, a->n_values, b->values, b->n_values) ||
	    !same_texts(a->regex, a->n_regex, b->regex, b->n_regex) || a->n_queries != b->n_queries)
		return false;
	for (size_t i = 0; i < a->n_queries; i++)
		if (query_times(a, &a->queries[i]) != query_times(b, &a->queries[i]))
			return false;
	return true;
}

static size_t condition_times(const struct elbv2_condition *list, size_t n,
			      const struct elbv2_condition *c)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += same_condition(&list[i], c);
	return count;
}

bool elbv2_conditions_same(const struct elbv2_condition *a, size_t n_a,
			   const struct elbv2_condition *b, size_t n_b)
{
	for (size_t i = 0; i < n_a; i++) {
		size_t count = condition_times(a, n_a, &a[i]);

		if (!count || count != condition_times(b, n_b, &a[i]))
			return false;
	}
	return n_a == n_b;
}

size_t elbv2_conditions_values(const struct elbv2_condition *conditions, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += conditions[i].n_values + conditions[i].n_regex + conditions[i].n_queries;
	return count;
}

static size_t wildcards(const char *text)
{
	size_t count = 0;

	for (; text && *text; text++)
		count += *text == '*' || *text == '?';
	return count;
}

size_t elbv2_conditions_wildcards(const struct elbv2_condition *conditions, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		const struct elbv2_condition *c = &conditions[i];

		for (size_t k = 0; k < c->n_values; k++)
			count += wildcards(c->values[k]);
		for (size_t k = 0; k < c->n_queries; k++)
			count += wildcards(c->queries[k].key) + wildcards(c->queries[k].value);
	}
	return count;
}
