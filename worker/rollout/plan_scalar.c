#include "worker/rollout/plan_reader.h"

#include <string.h>

/* The leaves of a plan file. Each message says what would be right. */

const char *plan_place(const struct plan_reader *r, const struct yaml *node, const char *path)
{
	int line = node ? (node->key.n ? node->key_line : node->line) : 1;

	if (path && path[0])
		return arena_printf(r->a, "%s:%d: %s", r->file, line, path);
	return arena_printf(r->a, "%s:%d", r->file, line);
}

static const struct plan_property *parameter(const struct plan_reader *r, struct str name)
{
	for (size_t i = 0; i < r->n_parameters; i++) {
		if (!str_eq(r->parameters[i].name, name))
			continue;
		r->parameter_used[i] = true;
		return &r->parameters[i];
	}
	return NULL;
}

static void no_parameter(struct plan_reader *r, const struct yaml *node, const char *path,
			 struct str name)
{
	char shown[64];

	str_copy_clean(shown, sizeof(shown), name);
	problem_add(r->problems, plan_place(r, node, path), node->text.p,
		    "there is no parameter %s; give it as a line param.%s=VALUE in Overrides",
		    shown, shown);
}

/* Replace ${NAME} by parameters; what is put in is not looked at again. */
static const char *expand(struct plan_reader *r, const struct yaml *node, const char *path)
{
	struct str rest = node->text;
	struct buf b;
	const char *text;

	buf_init(&b, LIMIT_PLAN_BYTES - r->expanded);
	while (rest.n > 0) {
		const char *start = memmem(rest.p, rest.n, "${", 2), *end;
		const struct plan_property *p;
		struct str name;

		end = start ? memchr(start, '}', rest.n - (size_t)(start - rest.p)) : NULL;
		if (!end)
			break;
		buf_add(&b, rest.p, (size_t)(start - rest.p));
		name = (struct str){start + 2, (size_t)(end - start) - 2};
		p = parameter(r, name);
		if (p)
			buf_add_str(&b, p->value);
		else
			no_parameter(r, node, path, name);
		rest = str_sub(rest, (size_t)(end - rest.p) + 1, rest.n);
	}
	buf_add_str(&b, rest);
	if (b.over)
		problem_add(r->problems, plan_place(r, node, path), node->text.p,
			    "with the parameters filled in the plan is over %u bytes; make it "
			    "shorter",
			    LIMIT_PLAN_BYTES);
	r->expanded += b.n;
	text = arena_strdup(r->a, b.p);
	buf_release(&b);
	return text;
}

/* The scalar's text; false when it is a list or a map. NULL node: true with *text NULL. */
static bool scalar(struct plan_reader *r, const struct yaml *node, const char *path,
		   const char **text)
{
	*text = NULL;
	if (!node)
		return true;
	if (node->type == YAML_NULL) {
		problem_add(r->problems, plan_place(r, node, path), "", "it must not be empty");
		return false;
	}
	if (node->type != YAML_SCALAR) {
		problem_add(r->problems, plan_place(r, node, path), NULL,
			    "a single value belongs here, not a %s",
			    node->type == YAML_LIST ? "list" : "map");
		return false;
	}
	*text = expand(r, node, path);
	return true;
}

bool plan_text(struct plan_reader *r, const struct yaml *node, const char *path, const char **out)
{
	const char *text;

	if (!scalar(r, node, path, &text))
		return false;
	if (!text)
		return true;
	if (!text[0]) {
		problem_add(r->problems, plan_place(r, node, path), "", "it must not be empty");
		return false;
	}
	*out = text;
	return true;
}

bool plan_duration(struct plan_reader *r, const struct yaml *node, const char *path, int64_t least,
		   int64_t most, int64_t *out)
{
	char least_text[DURATION_TEXT_SIZE], most_text[DURATION_TEXT_SIZE];
	const char *text;
	int64_t ms;

	if (!scalar(r, node, path, &text))
		return false;
	if (!text)
		return true;
	if (!duration_parse(str_from(text), &ms)) {
		problem_add(r->problems, plan_place(r, node, path), text,
			    "not a duration; write 90s, 10m, 2h or 1h30m");
		return false;
	}
	if (ms < least || ms > most) {
		duration_format(least, least_text);
		duration_format(most, most_text);
		problem_add(r->problems, plan_place(r, node, path), text, "write %s to %s",
			    least_text, most_text);
		return false;
	}
	*out = ms;
	return true;
}

bool plan_integer(struct plan_reader *r, const struct yaml *node, const char *path, int64_t least,
		  int64_t most, int64_t *out)
{
	const char *text;

	if (!scalar(r, node, path, &text))
		return false;
	if (!text || str_parse_i64(str_from(text), least, most, out))
		return true;
	problem_add(r->problems, plan_place(r, node, path), text,
		    "write a whole number from %lld to %lld", (long long)least, (long long)most);
	return false;
}

bool plan_weight(struct plan_reader *r, const struct yaml *node, const char *path, int *out)
{
	const char *text;
	int bp;

	if (!scalar(r, node, path, &text))
		return false;
	if (!text)
		return true;
	if (!weight_parse(str_from(text), &bp) || bp < 1 || bp > 10000) {
		problem_add(
			r->problems, plan_place(r, node, path), text,
			"a weight is over 0 and at most 100 percent, with two decimals at most");
		return false;
	}
	*out = bp;
	return true;
}

bool plan_number(struct plan_reader *r, const struct yaml *node, const char *path, double *out)
{
	const char *text;

	if (!scalar(r, node, path, &text))
		return false;
	if (!text || str_parse_double(str_from(text), out))
		return true;
	problem_add(r->problems, plan_place(r, node, path), text,
		    "not a number; write one such as 5 or 0.25");
	return false;
}

bool plan_flag(struct plan_reader *r, const struct yaml *node, const char *path, bool *out)
{
	const char *text;

	if (!scalar(r, node, path, &text))
		return false;
	if (!text)
		return true;
	if (!strcmp(text, "true") || !strcmp(text, "yes")) {
		*out = true;
		return true;
	}
	if (!strcmp(text, "false") || !strcmp(text, "no")) {
		*out = false;
		return true;
	}
	problem_add(r->problems, plan_place(r, node, path), text, "write true or false");
	return false;
}

static bool in_list(struct str word, const char *list)
{
	struct str rest = str_from(list), item;

	while (str_next(&rest, ' ', &item))
		if (str_eq(item, word))
			return true;
	return false;
}

bool plan_keys(struct plan_reader *r, const struct yaml *node, const char *path, const char *keys)
{
	if (!node)
		return false;
	if (node->type != YAML_MAP) {
		problem_add(r->problems, plan_place(r, node, path), NULL,
			    "a map belongs here, with some of: %s", keys);
		return false;
	}
	yaml_each(child, node) {
		if (!in_list(child->key, keys))
			problem_add(r->problems, plan_place(r, child, path), child->key.p,
				    "unknown here; known are: %s", keys);
	}
	return true;
}

const struct yaml *plan_items(const struct yaml *node)
{
	if (!node)
		return NULL;
	return node->type == YAML_LIST ? node->first : node;
}

const struct yaml *plan_next(const struct yaml *node, const struct yaml *item)
{
	return node->type == YAML_LIST ? item->next : NULL;
}
