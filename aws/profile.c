#include "aws/profile.h"

#include <stdlib.h>

/*
 * A line at a time, with the current section and property as the only state. Lines of a section
 * that is to be ignored are checked all the same: a file with a broken line is refused whole, so
 * that nobody works with half of it.
 */
struct parser {
	struct profile_set *set;
	struct arena *arena;
	enum profile_file file;
	const char *name;
	int line;
	bool in_section;		   /* some section line was seen */
	struct profile *section;	   /* NULL: the current one is ignored */
	bool in_property;		   /* a continuation is allowed */
	struct profile_property *property; /* NULL: the current one is ignored */
	bool nested;			   /* the property's own line had no value */
	struct err *err;
};

static int bad(struct parser *p, const char *what)
{
	return err_set(p->err, ERR_MALFORMED, "%s:%d: %s", p->name, p->line, what);
}

static bool is_blank_char(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      memchr("-_/.%@:+", c, 8)))
			return false;
	}
	return s.n > 0;
}

/* Everything before the first comment character; space_before: only where blank precedes it. */
static struct str cut_comment(struct str line, bool space_before)
{
	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] != '#' && line.p[i] != ';')
			continue;
		if (!space_before || (i && is_blank_char(line.p[i - 1])))
			return str_sub(line, 0, i);
	}
	return line;
}

static int count_entry(struct parser *p)
{
	if (++p->set->n_entries > PROFILE_ENTRIES_MAX)
		return err_set(p->err, ERR_LIMIT, "%s:%d: more than %d sections and properties",
			       p->name, p->line, PROFILE_ENTRIES_MAX);
	return 0;
}

static struct profile *find(const struct profile_set *set, enum profile_kind kind, struct str name)
{
	for (struct profile *s = set->first; s; s = s->next)
		if (s->kind == kind && str_is(name, s->name))
			return s;
	return NULL;
}

static int open_section(struct parser *p, enum profile_kind kind, struct str name, bool prefixed)
{
	struct profile *s = find(p->set, kind, name), **end = &p->set->first;

	if (count_entry(p))
		return -1;
	if (s && s->prefixed && !prefixed && p->file == PROFILE_CONFIG)
		return 0; /* [default] loses against [profile default], wherever it stands */
	if (!s) {
		s = arena_new_of(p->arena, struct profile);
		s->kind = kind;
		s->name = str_dup(p->arena, name);
		s->line = p->line;
		while (*end)
			end = &(*end)->next;
		*end = s;
	} else if (prefixed && !s->prefixed) {
		s->first = NULL;
	}
	if (prefixed)
		s->prefixed = true;
	p->section = s;
	return 0;
}

/* "profile NAME" and its like: the word before the first blank, and what follows. */
static int config_section(struct parser *p, struct str inside)
{
	static const char *const words[PROFILE_KIND_COUNT] = {"profile", "sso-session", "services"};
	struct str word, name;
	size_t at = 0;

	if (str_is(inside, "default"))
		return open_section(p, PROFILE_SECTION, inside, false);
	while (at < inside.n && !is_blank_char(inside.p[at]))
		at++;
	word = str_sub(inside, 0, at);
	name = str_trim(str_sub(inside, at, inside.n));
	for (int kind = 0; kind < PROFILE_KIND_COUNT; kind++)
		if (str_is(word, words[kind]) && is_name(name))
			return open_section(p, (enum profile_kind)kind, name,
					    kind == PROFILE_SECTION);
	return 0;
}

/* "NAME", or "WORD NAME" with one blank between them, however it was written. */
static int plain_section(struct parser *p, struct str inside)
{
	struct str word, name;
	size_t at = 0;

	while (at < inside.n && !is_blank_char(inside.p[at]))
		at++;
	word = str_sub(inside, 0, at);
	name = str_trim(str_sub(inside, at, inside.n));
	if (is_name(word) && name.n == 0)
		return open_section(p, PROFILE_SECTION, word, false);
	if (!is_name(word) || !is_name(name))
		return bad(p, "this is no name for a section");
	word = str_from(arena_printf(p->arena, STR_FMT " " STR_FMT, STR_ARG(word), STR_ARG(name)));
	return open_section(p, PROFILE_SECTION, word, false);
}

static int section_line(struct parser *p, struct str line)
{
	line = str_trim(cut_comment(line, false));
	p->in_section = true;
	p->in_property = false;
	p->section = NULL;
	p->property = NULL;
	if (!str_ends(line, "]"))
		return bad(p, "a section must end with ']'");
	line = str_trim(str_sub(line, 1, line.n - 1));
	if (p->file == PROFILE_CONFIG)
		return config_section(p, line);
	if (p->file == PROFILE_PLAIN)
		return plain_section(p, line);
	return is_name(line) ? open_section(p, PROFILE_SECTION, line, false) : 0;
}

static char *lower_key(struct arena *a, struct str key)
{
	char *s = str_dup(a, key);

	for (char *c = s; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return s;
}

static int set_property(struct parser *p, struct str key, struct str value)
{
	const char *lower = lower_key(p->arena, key);
	struct profile_property **at = &p->section->first;

	if (count_entry(p))
		return -1;
	while (*at && strcmp((*at)->key, lower))
		at = &(*at)->next;
	if (!*at)
		*at = arena_new_of(p->arena, struct profile_property);
	p->property = *at;
	p->property->key = lower;
	p->property->value = str_dup(p->arena, value);
	p->property->line = p->line;
	return 0;
}

/* Split "key = value"; false when there is no '='. */
static bool split_property(struct str line, struct str *key, struct str *value)
{
	const char *eq = line.n ? memchr(line.p, '=', line.n) : NULL;
	size_t at;

	if (!eq)
		return false;
	at = (size_t)(eq - line.p);
	*key = str_trim(str_sub(line, 0, at));
	*value = str_trim(str_sub(line, at + 1, line.n));
	return true;
}

static int property_line(struct parser *p, struct str line)
{
	struct str key, value;

	if (!p->in_section)
		return bad(p, "expected a section before the first property");
	if (!split_property(cut_comment(line, true), &key, &value))
		return bad(p, "expected '=' in a property");
	if (!key.n)
		return bad(p, "a property has no name");
	p->in_property = true;
	p->property = NULL;
	p->nested = !value.n;
	if (!is_name(key))
		return p->file == PROFILE_PLAIN ? bad(p, "this is no name for a property") : 0;
	return p->section ? set_property(p, key, value) : 0;
}

static int extend_value(struct parser *p, struct str text)
{
	struct profile_property *x = p->property;

	if (count_entry(p))
		return -1;
	if (strlen(x->value) + 1 + text.n > PROFILE_VALUE_MAX)
		return err_set(p->err, ERR_LIMIT, "%s:%d: a value is longer than %d bytes", p->name,
			       p->line, PROFILE_VALUE_MAX);
	x->value = arena_printf(p->arena, "%s\n" STR_FMT, x->value, STR_ARG(text));
	return 0;
}

static int continuation_line(struct parser *p, struct str line)
{
	struct str text = str_trim(line), key, value;

	if (!p->in_section)
		return bad(p, "expected a section before an indented line");
	if (!p->in_property)
		return bad(p, "expected a property before an indented line");
	if (p->nested && !split_property(text, &key, &value))
		return bad(p, "expected '=' in a nested property");
	if (p->nested && !key.n)
		return bad(p, "a nested property has no name");
	return p->property ? extend_value(p, text) : 0;
}

static int one_line(struct parser *p, struct str line)
{
	if (str_ends(line, "\r"))
		line.n--;
	if (!str_trim(line).n || line.p[0] == '#' || line.p[0] == ';')
		return 0;
	if (memchr(line.p, '\0', line.n))
		return bad(p, "a line contains a NUL byte");
	if (is_blank_char(line.p[0]))
		return continuation_line(p, line);
	if (line.p[0] == '[')
		return section_line(p, line);
	return property_line(p, line);
}

int profile_parse(struct profile_set *set, struct arena *a, enum profile_file file,
		  const char *name, struct str text, struct err *err)
{
	struct parser p = {.set = set, .arena = a, .file = file, .name = name, .err = err};
	struct str line;

	while (str_next(&text, '\n', &line)) {
		p.line++;
		if (one_line(&p, line))
			return -1;
	}
	return 0;
}

const struct profile *profile_find(const struct profile_set *set, enum profile_kind kind,
				   const char *name)
{
	return set && name ? find(set, kind, str_from(name)) : NULL;
}

const char *profile_get(const struct profile *p, const char *key)
{
	for (const struct profile_property *x = p ? p->first : NULL; x; x = x->next)
		if (!strcmp(x->key, key))
			return x->value;
	return NULL;
}

const char *profile_get_sub(const struct profile *p, const char *key, const char *sub,
			    struct arena *a)
{
	struct str rest = str_from(profile_get(p, key)), line, k, v;
	const char *found = NULL;

	if (!rest.n || rest.p[0] != '\n')
		return NULL;
	while (str_next(&rest, '\n', &line))
		if (split_property(line, &k, &v) && str_is_nocase(k, sub))
			found = str_dup(a, v);
	return found;
}
