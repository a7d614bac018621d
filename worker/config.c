#include "worker/config.h"

#include <string.h>

#include "aws/core/buf.h"
#include "aws/core/limits.h"
#include "aws/profile.h"
#include "aws/readfile.h"
#include "worker/config_table.h"

/*
 * Sources are read from the weakest to the strongest, each over the one before: defaults, file,
 * environment, flags. A value that is wrong is a problem even where a stronger source says
 * something else: it would become the value when that is taken away.
 */
#define VARIABLE_PREFIX "ROLLOUT_WORKER_"
#define ACTION_TYPE_SECTION "action-type "

struct loader {
	struct arena *arena;
	struct config *config;
	struct problems *problems;
	const char *path;
};

static void set(struct loader *l, const struct setting *s, const char *value, const char *place)
{
	setting_parse(s, str_trim(str_from(value)), place, l->arena, l->config, l->problems);
}

/* --- the file --------------------------------------------------------------------------------- */

static const char *file_place(struct loader *l, int line, const char *what)
{
	return arena_printf(l->arena, "%s:%d: %s", l->path, line, what);
}

static void read_settings(struct loader *l, const struct profile *section)
{
	for (const struct profile_property *p = section->first; p; p = p->next) {
		const struct setting *s = setting_find(p->key);
		const char *place = file_place(l, p->line, p->key);

		/* its value is not shown: it may be a secret that was meant for another file */
		if (!s)
			problem_add(l->problems, place, NULL,
				    "there is no such setting; rollout-worker --help lists them");
		else
			set(l, s, p->value, place);
	}
}

static void read_action_type(struct loader *l, const struct profile *section)
{
	struct config_action_type t = {.type = {.category = "Deploy",
						.owner = "Custom",
						.provider = "Rollout",
						.version = "1"}};
	size_t before = l->problems->n_errors;
	struct str name, rest;

	for (const struct profile_property *p = section->first; p; p = p->next) {
		if (!strcmp(p->key, "category")) {
			t.type.category = p->value;
		} else if (!strcmp(p->key, "provider")) {
			t.type.provider = p->value;
		} else if (!strcmp(p->key, "version")) {
			t.type.version = p->value;
		} else if (!strcmp(p->key, "query")) {
			rest = str_from(p->value);
			name = (struct str){0};
			str_next(&rest, '=', &name);
			t.query_name = str_dup(l->arena, str_trim(name));
			t.query_value = str_dup(l->arena, str_trim(rest));
		} else {
			problem_add(l->problems, file_place(l, p->line, p->key), NULL,
				    "an action type has category, provider, version and query");
		}
	}
	if (l->problems->n_errors == before)
		action_type_add(
			&t,
			file_place(l, section->line, arena_printf(l->arena, "[%s]", section->name)),
			l->config, l->problems);
}

static bool is_action_type(const struct profile *section)
{
	return str_starts(str_from(section->name), ACTION_TYPE_SECTION);
}

/* "<path>:<line>: what": the parser's error already has a place. */
static void add_syntax_problem(struct loader *l, const struct err *err)
{
	const char *what = strstr(err->text, ": ");
	char place[sizeof(err->text)];

	if (!what) {
		problem_add(l->problems, l->path, NULL, "%s", err->text);
		return;
	}
	str_copy(place, sizeof(place), (struct str){err->text, (size_t)(what - err->text)});
	problem_add(l->problems, place, NULL, "%s", what + 2);
}

static void read_sections(struct loader *l, const struct profile_set *set)
{
	const struct profile *worker = profile_find(set, PROFILE_SECTION, "worker");
	bool own = worker && profile_get(worker, "action_types");
	bool any = false;

	if (worker)
		read_settings(l, worker);
	for (const struct profile *s = set->first; s; s = s->next) {
		if (is_action_type(s)) {
			if (!any && !own)
				l->config->n_action_types = 0; /* the default */
			any = true;
			read_action_type(l, s);
		} else if (s != worker) {
			problem_add(l->problems,
				    file_place(l, s->line, arena_printf(l->arena, "[%s]", s->name)),
				    NULL, "sections are [worker] and [action-type NAME]");
		}
	}
}

static int read_file(struct loader *l, struct err *err)
{
	struct profile_set set = {.first = NULL};
	struct buf text;
	int rc;

	buf_init(&text, LIMIT_CONFIG_BYTES);
	rc = aws_read_file(l->path, &text, err);
	if (rc == 0 && profile_parse(&set, l->arena, PROFILE_PLAIN, l->path, buf_str(&text), err))
		add_syntax_problem(l, err);
	else if (rc == 0)
		read_sections(l, &set);
	buf_release(&text);
	return rc;
}

/* --- all sources ------------------------------------------------------------------------------ */

static void read_environment(struct loader *l, const struct aws_env *env)
{
	for (size_t i = 0; i < N_SETTINGS; i++) {
		char *name = arena_printf(l->arena, VARIABLE_PREFIX "%s", SETTINGS[i].name);
		const char *value;

		for (char *c = name; *c; c++)
			if (*c >= 'a' && *c <= 'z')
				*c = (char)(*c - 'a' + 'A');
		value = aws_env_get(env, name);
		if (value)
			set(l, &SETTINGS[i], value, name);
	}
}

static void read_flags(struct loader *l, const struct config_flag *flags, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct setting *s = setting_find(flags[i].name);
		const char *place = arena_printf(l->arena, "--%s", flags[i].name);

		if (!s)
			problem_add(l->problems, place, NULL, "there is no such setting");
		else
			set(l, s, flags[i].value, place);
	}
}

static void set_defaults(struct loader *l)
{
	*l->config = (struct config){.unpack = unpack_limits_default()};
	for (size_t i = 0; i < N_SETTINGS; i++)
		if (SETTINGS[i].fallback)
			set(l, &SETTINGS[i], SETTINGS[i].fallback, SETTINGS[i].name);
}

static void check_whole(struct loader *l)
{
	struct config *c = l->config;

	if (c->tick_ms > c->hold_ms)
		problem_add(l->problems, "tick", NULL, "must not be longer than hold");
	if (!c->work_dir)
		c->work_dir = arena_printf(l->arena, "%s/work", c->state_dir);
}

int config_load(struct arena *a, const char *path, const struct aws_env *env,
		const struct config_flag *flags, size_t n_flags, struct config *c,
		struct problems *problems, struct err *err)
{
	struct loader l = {a, c, problems, path};

	set_defaults(&l);
	if (path && read_file(&l, err))
		return -1;
	read_environment(&l, env);
	read_flags(&l, flags, n_flags);
	check_whole(&l);
	if (problems->n_errors)
		return err_set(err, ERR_REJECTED, "the configuration is not valid");
	return 0;
}

bool config_knows(const char *name)
{
	return setting_find(name) != NULL;
}
