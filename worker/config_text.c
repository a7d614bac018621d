#include "worker/config_table.h"

#include <string.h>

/*
 * The table of settings as text for people: the help, the example file, and the effective
 * configuration.
 */
#define HELP_COLUMN 26

static size_t column_of(const struct buf *b)
{
	size_t n = b->n;

	while (n && b->p[n - 1] != '\n')
		n--;
	return b->n - n;
}

void text_wrap(struct buf *out, const char *words, size_t column, const char *indent)
{
	struct str rest = str_from(words), word;
	bool fresh = true;

	while (str_next(&rest, ' ', &word)) {
		if (!fresh && column + 1 + word.n > TEXT_WIDTH) {
			buf_addf(out, "\n%s", indent);
			column = strlen(indent);
			fresh = true;
		}
		if (!fresh)
			buf_addc(out, ' ');
		buf_add_str(out, word);
		column += word.n + !fresh;
		fresh = false;
	}
	buf_addc(out, '\n');
}

void text_entry(struct buf *out, const char *left, const char *words)
{
	char indent[HELP_COLUMN + 1];

	memset(indent, ' ', HELP_COLUMN);
	indent[HELP_COLUMN] = '\0';
	buf_addf(out, "  %s", left);
	if (column_of(out) >= HELP_COLUMN)
		buf_addc(out, '\n');
	while (column_of(out) < HELP_COLUMN)
		buf_addc(out, ' ');
	text_wrap(out, words, HELP_COLUMN, indent);
}

static const char *default_of(const struct setting *s)
{
	return s->shown ? s->shown : s->fallback;
}

/* "help (1 to 64; default 8)" */
static void add_help(const struct setting *s, struct buf *out)
{
	struct buf range;

	buf_init(&range, 512);
	setting_range(s, &range);
	buf_adds(out, s->help);
	if (range.n || default_of(s))
		buf_addf(out, " (%s%s%s%s)", range.p, range.n && default_of(s) ? "; " : "",
			 default_of(s) ? "default " : "", default_of(s) ? default_of(s) : "");
	buf_release(&range);
}

static void add_flag(const struct setting *s, struct buf *out)
{
	static const char *const words[] = {
		[SETTING_INTEGER] = "N",      [SETTING_DURATION] = "TIME",
		[SETTING_SIZE] = "SIZE",      [SETTING_BOOL] = "true|false",
		[SETTING_CHOICE] = "WORD",    [SETTING_WORD] = "WORD",
		[SETTING_REGION] = "REGION",  [SETTING_URL] = "URL",
		[SETTING_TEXT] = "TEXT",      [SETTING_PATH] = "PATH",
		[SETTING_CLOCK] = "MSxSPEED", [SETTING_ADDRESS] = "PORT",
		[SETTING_ACTION_TYPES] = "LIST",
	};

	buf_adds(out, "--");
	for (const char *c = s->name; *c; c++)
		buf_addc(out, *c == '_' ? '-' : *c);
	buf_addf(out, " %s", words[s->type]);
}

void config_help(struct buf *out)
{
	const char *group = NULL;
	struct buf left, help;

	buf_init(&left, 128);
	buf_init(&help, 1024);
	for (size_t i = 0; i < N_SETTINGS; i++) {
		const struct setting *s = &SETTINGS[i];

		if (s->group != group)
			buf_addf(out, "%s%s:\n", group ? "\n" : "", s->group);
		group = s->group;
		buf_clear(&left);
		buf_clear(&help);
		add_flag(s, &left);
		add_help(s, &help);
		text_entry(out, left.p, help.p);
	}
	buf_release(&left);
	buf_release(&help);
}

static void add_comment(struct buf *out, const char *words)
{
	buf_adds(out, "# ");
	text_wrap(out, words, 2, "# ");
}

static void add_variable(const struct setting *s, struct buf *out)
{
	buf_adds(out, "ROLLOUT_WORKER_");
	for (const char *c = s->name; *c; c++)
		buf_addc(out, *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c);
}

static void add_example(const struct setting *s, struct buf *out)
{
	struct buf help;

	buf_init(&help, 1024);
	add_help(s, &help);
	buf_addc(out, '\n');
	add_comment(out, help.p);
	buf_addf(out, "#%s =%s%s\n", s->name, default_of(s) ? " " : "",
		 default_of(s) ? default_of(s) : "");
	buf_release(&help);
}

void config_example(struct buf *out)
{
	const char *group = NULL;

	add_comment(out,
		    "Configuration of rollout-worker, in the grammar of the files that AWS tools "
		    "share. "
		    "Every setting is shown with its default; remove the # in front to set it.");
	buf_adds(out, "#\n");
	add_comment(out,
		    "Each can also be given as an environment variable or as a flag, which win "
		    "over this file in that order:");
	buf_adds(out, "#   state_dir, ");
	add_variable(setting_find("state_dir"), out);
	buf_adds(out, ", --state-dir\n#\n");
	add_comment(out, "Check it with: rollout-worker --config FILE check");
	buf_adds(out, "\n[worker]\n");
	for (size_t i = 0; i < N_SETTINGS; i++) {
		if (SETTINGS[i].group != group)
			buf_addf(out, "\n# --- %s\n", SETTINGS[i].group);
		group = SETTINGS[i].group;
		add_example(&SETTINGS[i], out);
	}
	buf_adds(out, "\n# --- Action types, one a section\n\n");
	add_comment(
		out,
		"Instead of action_types, or besides it. What is left out is Deploy, Rollout, 1 "
		"and no query; the owner is always Custom.");
	buf_adds(out, "#[action-type production]\n#category = Deploy\n#provider = Rollout\n"
		      "#version = 2\n#query = Pool=production\n");
}

void config_format(const struct config *c, struct buf *out)
{
	struct buf value;

	buf_init(&value, 1u << 16);
	for (size_t i = 0; i < N_SETTINGS; i++) {
		buf_clear(&value);
		setting_format(&SETTINGS[i], c, &value);
		if (value.n)
			buf_addf(out, "%s = %s\n", SETTINGS[i].name, value.p);
	}
	buf_release(&value);
}
