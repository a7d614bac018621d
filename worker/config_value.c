#include "worker/config_table.h"

#include <string.h>

#include "aws/core/http.h"
#include "aws/endpoint.h"
#include "aws/eventbridge.h"
#include "aws/sns.h"
#include "worker/report/status_address.h"
#include "worker/rollout/notice.h"
#include "worker/rollout/plan.h"

/*
 * Values of settings: for each type how it is read, written, and what is wanted of it.
 */
/* --- sizes ------------------------------------------------------------------------------------ */

static const char *const UNITS[] = {"", "KiB", "MiB", "GiB", "TiB"};
#define N_UNITS (sizeof(UNITS) / sizeof(UNITS[0]))

static bool size_parse(struct str s, int64_t *out)
{
	size_t digits = 0;
	int64_t n;

	while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
		digits++;
	if (!str_parse_i64(str_sub(s, 0, digits), 0, INT64_MAX, &n))
		return false;
	for (size_t i = 0; i < N_UNITS; i++) {
		int64_t factor = INT64_C(1) << (10 * i);

		if (!str_is(str_trim(str_sub(s, digits, s.n)), UNITS[i]))
			continue;
		if (n > INT64_MAX / factor)
			return false;
		*out = n * factor;
		return true;
	}
	return false;
}

static void size_format(int64_t n, struct buf *out)
{
	size_t unit = 0;

	while (n && unit + 1 < N_UNITS && n % 1024 == 0) {
		n /= 1024;
		unit++;
	}
	buf_addf(out, "%lld%s", (long long)n, UNITS[unit]);
}

/* --- action types ----------------------------------------------------------------------------- */

/* CodePipeline's own rules: ActionProvider, Version, the queryable value of its service model. */
static bool is_word(const char *s, size_t max)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
		      (s[i] >= '0' && s[i] <= '9') || s[i] == '_' || s[i] == '-'))
			return false;
	return n > 0 && n <= max;
}

static bool is_category(const char *s)
{
	static const char *const known[] = {"Build", "Deploy", "Test", "Invoke"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(s, known[i]))
			return true;
	return false;
}

static bool is_property(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x20 || (unsigned char)s[i] > 0x7e)
			return false;
	return n > 0 && n <= 50;
}

static bool same_action_type(const struct config_action_type *a, const struct config_action_type *b)
{
	if (strcmp(a->type.category, b->type.category) != 0 ||
	    strcmp(a->type.provider, b->type.provider) != 0 ||
	    strcmp(a->type.version, b->type.version) != 0 || !a->query_name != !b->query_name)
		return false;
	return !a->query_name ||
	       (!strcmp(a->query_name, b->query_name) && !strcmp(a->query_value, b->query_value));
}

bool action_type_add(const struct config_action_type *t, const char *place, struct config *c,
		     struct problems *problems)
{
	size_t before = problems->n_errors;

	if (!is_category(t->type.category))
		problem_add(problems, place, t->type.category,
			    "a category is Build, Deploy, Test or Invoke");
	if (!is_word(t->type.provider, 35))
		problem_add(problems, place, t->type.provider,
			    "a provider has 1 to 35 letters, digits, \"_\" or \"-\"");
	if (!is_word(t->type.version, 9))
		problem_add(problems, place, t->type.version,
			    "a version has 1 to 9 letters, digits, \"_\" or \"-\"");
	if (t->query_name && (!is_property(t->query_name) || !is_word(t->query_value, 50)))
		problem_add(problems, place, NULL,
			    "a query is PROPERTY=VALUE: up to 50 characters each, the value of "
			    "letters, digits, \"_\" or \"-\"");
	if (problems->n_errors != before)
		return false;
	for (size_t i = 0; i < c->n_action_types; i++) {
		if (same_action_type(&c->action_types[i], t)) {
			problem_add(problems, place, t->type.provider,
				    "this action type is polled for already");
			return false;
		}
	}
	if (c->n_action_types == CONFIG_ACTION_TYPES_MAX) {
		problem_add(problems, place, NULL, "more than %d action types",
			    CONFIG_ACTION_TYPES_MAX);
		return false;
	}
	c->action_types[c->n_action_types++] = *t;
	return true;
}

bool action_type_parse(struct str text, const char *place, struct arena *a, struct config *c,
		       struct problems *problems)
{
	struct config_action_type t = {.type.owner = "Custom"};
	const char *query = text.n ? memchr(text.p, '?', text.n) : NULL;
	struct str rest = text, id = {0}, part[4];
	bool whole;
	size_t n = 0;

	str_next(&rest, '?', &id);
	whole = !str_ends(id, "/");
	while (n < 4 && str_next(&id, '/', &part[n]))
		n++;
	if (n != 3 || !whole) {
		problem_add(problems, place, str_dup(a, text),
			    "write CATEGORY/PROVIDER/VERSION, as in Deploy/Rollout/1");
		return false;
	}
	t.type.category = str_dup(a, part[0]);
	t.type.provider = str_dup(a, part[1]);
	t.type.version = str_dup(a, part[2]);
	if (query) {
		struct str name = {0};

		str_next(&rest, '=', &name);
		t.query_name = str_dup(a, name);
		t.query_value = str_dup(a, rest);
	}
	return action_type_add(&t, place, c, problems);
}

static bool action_types_parse(struct str list, const char *place, struct arena *a,
			       struct config *c, struct problems *problems)
{
	bool ok = true;
	struct str item;

	c->n_action_types = 0;
	while (str_next(&list, ',', &item))
		ok &= action_type_parse(str_trim(item), place, a, c, problems);
	if (ok && c->n_action_types == 0) {
		problem_add(problems, place, NULL, "at least one action type is needed");
		return false;
	}
	return ok;
}

static void action_types_format(const struct config *c, struct buf *out)
{
	for (size_t i = 0; i < c->n_action_types; i++) {
		const struct config_action_type *t = &c->action_types[i];

		buf_addf(out, "%s%s/%s/%s", i ? ", " : "", t->type.category, t->type.provider,
			 t->type.version);
		if (t->query_name)
			buf_addf(out, "?%s=%s", t->query_name, t->query_value);
	}
}

/* --- notices ---------------------------------------------------------------------------------- */

static bool notices_parse(struct str list, unsigned *out)
{
	unsigned set = 0;
	struct str item;
	enum notice n;

	if (str_is(str_trim(list), "all")) {
		*out = NOTICE_ALL;
		return true;
	}
	while (str_next(&list, ',', &item)) {
		if (!notice_parse(str_trim(item), &n))
			return false;
		set |= 1u << n;
	}
	*out = set;
	return set != 0;
}

static void notices_format(unsigned set, struct buf *out)
{
	const char *between = "";

	if (set == NOTICE_ALL) {
		buf_adds(out, "all");
		return;
	}
	for (int i = 0; i < NOTICE_COUNT; i++) {
		if (!(set & 1u << i))
			continue;
		buf_addf(out, "%s%s", between, notice_name((enum notice)i));
		between = ", ";
	}
}

/* --- all types -------------------------------------------------------------------------------- */

#define SPEED_MAX 1e6		     /* clock_scaled_new() takes no more */
#define ORIGIN_MAX 253402300799999ll /* the year 9999 */

bool config_clock_parse(struct str text, struct utc *origin, double *speed)
{
	struct str ms;
	int64_t n;
	double d;

	if (!str_next(&text, 'x', &ms) || !str_parse_i64(ms, 0, ORIGIN_MAX, &n) ||
	    !str_parse_double(text, &d) || !(d > 0) || d > SPEED_MAX)
		return false;
	*origin = (struct utc){n};
	*speed = d;
	return true;
}

static bool is_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return s.n > 0 && str_is_utf8(s);
}

static bool is_url(struct str s)
{
	struct http_url url;

	return is_text(s) && http_url_parse(s, &url);
}

static void *member(const struct setting *s, struct config *c)
{
	return (char *)c + s->offset;
}

static const void *member_const(const struct setting *s, const struct config *c)
{
	return (const char *)c + s->offset;
}

static bool parse_number(const struct setting *s, struct str value, struct config *c)
{
	int64_t n;

	if (s->type == SETTING_INTEGER && !str_parse_i64(value, s->min, s->max, &n))
		return false;
	if (s->type == SETTING_DURATION && !duration_parse(value, &n))
		return false;
	if (s->type == SETTING_SIZE && !size_parse(value, &n))
		return false;
	if (n < s->min || n > s->max)
		return false;
	*(int64_t *)member(s, c) = n;
	return true;
}

static bool parse_choice(const struct setting *s, struct str value, struct config *c)
{
	for (unsigned i = 0; s->choices[i]; i++) {
		if (!str_is_nocase(value, s->choices[i]))
			continue;
		if (s->type == SETTING_CHOICE)
			*(unsigned *)member(s, c) = i;
		else
			*(const char **)member(s, c) = s->choices[i];
		return true;
	}
	return false;
}

static bool parse_text(const struct setting *s, struct str value, struct arena *a, struct config *c)
{
	struct status_address address;
	struct str topic_region;
	struct utc origin;
	double speed;

	if (s->type == SETTING_REGION  ? !aws_is_host_label(value)
	    : s->type == SETTING_URL   ? !is_url(value)
	    : s->type == SETTING_CLOCK ? !config_clock_parse(value, &origin, &speed)
	    : s->type == SETTING_ADDRESS ? !status_address_parse(value, &address)
	    : s->type == SETTING_TOPIC	 ? !sns_topic_region(value, &topic_region)
	    : s->type == SETTING_BUS	 ? !eventbridge_bus_parse(value, &topic_region)
				       : !is_text(value))
		return false;
	*(const char **)member(s, c) = str_dup(a, value);
	return true;
}

bool setting_parse(const struct setting *s, struct str value, const char *place, struct arena *a,
		   struct config *c, struct problems *problems)
{
	struct buf wanted;
	bool ok = false;

	switch (s->type) {
	case SETTING_ACTION_TYPES:
		return action_types_parse(value, place, a, c, problems);
	case SETTING_INTEGER:
	case SETTING_DURATION:
	case SETTING_SIZE:
		ok = parse_number(s, value, c);
		break;
	case SETTING_BOOL:
		ok = aws_parse_bool(value, member(s, c));
		break;
	case SETTING_CHOICE:
	case SETTING_WORD:
		ok = parse_choice(s, value, c);
		break;
	case SETTING_REGION:
	case SETTING_URL:
	case SETTING_TEXT:
	case SETTING_PATH:
	case SETTING_CLOCK:
	case SETTING_ADDRESS:
	case SETTING_TOPIC:
	case SETTING_BUS:
		ok = parse_text(s, value, a, c);
		break;
	case SETTING_NOTICES:
		ok = notices_parse(value, member(s, c));
		break;
	}
	if (ok)
		return true;
	buf_init(&wanted, 512);
	setting_wanted(s, &wanted);
	problem_add(problems, place, str_dup(a, value), "%s", wanted.p);
	buf_release(&wanted);
	return false;
}

void setting_format(const struct setting *s, const struct config *c, struct buf *out)
{
	const void *at = member_const(s, c);
	char text[DURATION_TEXT_SIZE];

	switch (s->type) {
	case SETTING_ACTION_TYPES:
		action_types_format(c, out);
		break;
	case SETTING_INTEGER:
		buf_addf(out, "%lld", (long long)*(const int64_t *)at);
		break;
	case SETTING_DURATION:
		duration_format(*(const int64_t *)at, text);
		buf_adds(out, text);
		break;
	case SETTING_SIZE:
		size_format(*(const int64_t *)at, out);
		break;
	case SETTING_BOOL:
		buf_adds(out, *(const bool *)at ? "true" : "false");
		break;
	case SETTING_CHOICE:
		buf_adds(out, s->choices[*(const unsigned *)at]);
		break;
	case SETTING_WORD:
	case SETTING_REGION:
	case SETTING_URL:
	case SETTING_TEXT:
	case SETTING_PATH:
	case SETTING_CLOCK:
	case SETTING_ADDRESS:
	case SETTING_TOPIC:
	case SETTING_BUS:
		if (*(const char *const *)at)
			buf_adds(out, *(const char *const *)at);
		break;
	case SETTING_NOTICES:
		notices_format(*(const unsigned *)at, out);
		break;
	}
}

void setting_range(const struct setting *s, struct buf *out)
{
	char least[DURATION_TEXT_SIZE], most[DURATION_TEXT_SIZE];

	switch (s->type) {
	case SETTING_INTEGER:
		buf_addf(out, "%lld to %lld", (long long)s->min, (long long)s->max);
		break;
	case SETTING_DURATION:
		duration_format(s->min, least);
		duration_format(s->max, most);
		buf_addf(out, "%s to %s", least, most);
		break;
	case SETTING_SIZE:
		size_format(s->min, out);
		buf_adds(out, " to ");
		size_format(s->max, out);
		break;
	case SETTING_CHOICE:
	case SETTING_WORD:
		for (unsigned i = 0; s->choices[i]; i++)
			buf_addf(out, "%s%s",
				 !i		     ? ""
				 : s->choices[i + 1] ? ", "
						     : " or ",
				 s->choices[i]);
		break;
	case SETTING_BOOL:
	case SETTING_REGION:
	case SETTING_URL:
	case SETTING_TEXT:
	case SETTING_PATH:
	case SETTING_CLOCK:
	case SETTING_ADDRESS:
	case SETTING_TOPIC:
	case SETTING_BUS:
	case SETTING_NOTICES:
	case SETTING_ACTION_TYPES:
		break;
	}
}

void setting_wanted(const struct setting *s, struct buf *out)
{
	static const char *const words[] = {
		[SETTING_INTEGER] = "a whole number from ",
		[SETTING_DURATION] = "a duration from ",
		[SETTING_SIZE] = "a size from ",
		[SETTING_BOOL] = "true or false",
		[SETTING_CHOICE] = "",
		[SETTING_WORD] = "",
		[SETTING_REGION] = "the name of a region, such as eu-central-1",
		[SETTING_URL] = "an http or https URL",
		[SETTING_TEXT] = "printable text",
		[SETTING_PATH] = "a path, of printable text",
		[SETTING_ADDRESS] = "off, a port, or an IP address and port, as in 127.0.0.1:9180",
		[SETTING_TOPIC] = "the ARN of a topic, as in "
				  "arn:aws:sns:eu-central-1:111122223333:releases",
		[SETTING_BUS] = "the name of an event bus, as in default, or its ARN",
		[SETTING_NOTICES] = "all, or some of started, waiting, step, promoted, "
				    "rolling_back, rolled_back, succeeded, failed, not_restored",
		[SETTING_CLOCK] = "MILLISECONDSxSPEED, such as 1767607200000x60",
		[SETTING_ACTION_TYPES] = "CATEGORY/PROVIDER/VERSION[?PROPERTY=VALUE], ...",
	};

	buf_adds(out, words[s->type]);
	setting_range(s, out);
	if (s->type == SETTING_DURATION)
		buf_adds(out, ", such as 90s, 10m or 1h30m");
	if (s->type == SETTING_SIZE)
		buf_adds(out, ", such as 512MiB");
}
