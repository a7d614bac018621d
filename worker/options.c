#include "worker/options.h"

#include <string.h>

#include "worker/config_table.h"
#include "worker/rollout/token.h"

/*
 * A command line is words: options, each with its value, and at most two others, the command and
 * what it is about. Which option belongs to which command is a column of the table, so that one in
 * the wrong place is an error and not silently ignored.
 */
#define IN(command) (1u << COMMAND_##command)
#define EVERYWHERE (~0u)

static const struct command_row {
	const char *name, *operand, *help;
} COMMANDS[COMMAND_COUNT] = {
	[COMMAND_RUN] = {"run", NULL, "Poll for jobs and work on them until told to stop."},
	[COMMAND_CHECK] =
		{"check", NULL,
		 "Check configuration, plan and artifact, offline; prints every problem."},
	[COMMAND_PLAN] =
		{"plan", NULL,
		 "Print the time-line of a plan, the calls it makes, and what IAM must allow."},
	[COMMAND_STATUS] = {"status", NULL, "List the rollouts that this worker knows."},
	[COMMAND_REPORT] =
		{"report", "ID", "Print the report of a rollout: what happened, and why."},
	[COMMAND_PROMOTE] = {"promote", "ID", "Approve a rollout that waits for a person."},
	[COMMAND_ROLLBACK] = {"rollback", "ID", "Give all traffic back to the baseline."},
	[COMMAND_HOLD] = {"hold", "ID", "Let a rollout not go on, whatever its guards say."},
	[COMMAND_RESUME] = {"resume", "ID", "End a hold."},
	[COMMAND_EXAMPLE] = {"example", NULL, "Print a configuration file with every setting."},
	[COMMAND_VERSION] = {"version", NULL, "Print the version."},
	[COMMAND_HELP] = {"help", NULL, "Print this."},
};

enum option_type { OPTION_FLAG, OPTION_VALUE, OPTION_PROPERTY, OPTION_COMMAND };

static const struct option_row {
	const char *name, *value;
	enum option_type type;
	unsigned commands;
	size_t offset; /* in struct options */
	enum command command;
	const char *help;
} OPTIONS[] = {
	{"config", "FILE", OPTION_VALUE, EVERYWHERE, offsetof(struct options, config), 0,
	 "Configuration file (default /etc/rollout-worker/rollout-worker.conf, if there is one)."},
	{"once", NULL, OPTION_FLAG, IN(RUN), offsetof(struct options, once), 0,
	 "run: stop when what the first polls brought has been reported."},
	{"plan", "FILE", OPTION_VALUE, IN(CHECK) | IN(PLAN), offsetof(struct options, plan), 0,
	 "check, plan: the plan file."},
	{"property", "NAME=VALUE", OPTION_PROPERTY, IN(CHECK) | IN(PLAN), 0, 0,
	 "check, plan: a property of the action's configuration, such as "
	 "Target=lambda:checkout:live. Can be given several times."},
	{"artifact", "FILE", OPTION_VALUE, IN(CHECK) | IN(PLAN), offsetof(struct options, artifact),
	 0,
	 "check, plan: the input artifact; it is unpacked, and the plan file is read from it "
	 "unless "
	 "--plan names another."},
	{"iam", NULL, OPTION_FLAG, IN(PLAN), offsetof(struct options, iam), 0,
	 "plan: print what IAM must allow for this plan, as a policy document, and nothing else. "
	 "With RoleArn two: \"worker\" and \"target\"."},
	{"json", NULL, OPTION_FLAG, IN(STATUS) | IN(REPORT), offsetof(struct options, json), 0,
	 "status, report: as JSON."},
	{"format", "FORMAT", OPTION_VALUE, IN(REPORT), offsetof(struct options, format), 0,
	 "report: text (default), json, markdown or html."},
	{"output", "FILE", OPTION_VALUE, IN(REPORT), offsetof(struct options, output), 0,
	 "report: write it there instead of to standard output."},
	{"all", NULL, OPTION_FLAG, IN(STATUS), offsetof(struct options, all), 0,
	 "status: also rollouts that have ended."},
	{"help", NULL, OPTION_COMMAND, EVERYWHERE, 0, COMMAND_HELP, "Print this."},
	{"version", NULL, OPTION_COMMAND, EVERYWHERE, 0, COMMAND_VERSION, "Print the version."},
};
#define N_OPTIONS (sizeof(OPTIONS) / sizeof(OPTIONS[0]))

struct parser {
	struct arena *arena;
	struct options *o;
	struct err *err;
	int argc, at;
	char *const *argv;
	const struct option_row *seen[N_OPTIONS]; /* to compare with the command when it is known */
	bool has_command, shortcut;		  /* shortcut: --help or --version */
};

static const struct option_row *find_option(struct str name)
{
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (str_is(name, OPTIONS[i].name))
			return &OPTIONS[i];
	return NULL;
}

/* The value of the option at hand: what follows "=", or the next word. */
static int take_value(struct parser *p, const char *word, const char **value)
{
	const char *eq = strchr(word, '=');

	if (eq) {
		*value = eq + 1;
		return 0;
	}
	if (p->at >= p->argc)
		return err_set(p->err, ERR_REJECTED, "%s needs a value", word);
	*value = p->argv[p->at++];
	return 0;
}

static int add_property(struct parser *p, const char *value)
{
	struct options *o = p->o;
	struct str rest = str_from(value), name = {0};

	if (!strchr(value, '=') || !str_next(&rest, '=', &name) || !name.n)
		return err_set(p->err, ERR_REJECTED, "--property %s: write NAME=VALUE", value);
	o->properties[o->n_properties++] = (struct plan_property){.name = name, .value = rest};
	return 0;
}

static int take_setting(struct parser *p, const char *word, struct str name)
{
	struct options *o = p->o;
	struct config_flag *flag = &o->flags[o->n_flags];

	flag->name = str_dup(p->arena, name);
	if (!config_knows(flag->name))
		return err_set(p->err, ERR_REJECTED, "there is no option --%s", flag->name);
	o->n_flags++;
	return take_value(p, word, &flag->value);
}

static int take_option(struct parser *p, const char *word)
{
	struct str rest = str_from(word + 2), name = {0};
	const struct option_row *row;
	const char *value;
	bool has_value = strchr(word, '=') != NULL;

	str_next(&rest, '=', &name);
	row = find_option(name);
	if (!row)
		return take_setting(p, word, name);
	p->seen[row - OPTIONS] = row;
	if (row->value) {
		if (take_value(p, word, &value))
			return -1;
		if (row->type == OPTION_PROPERTY)
			return add_property(p, value);
		*(const char **)(void *)((char *)p->o + row->offset) = value;
		return 0;
	}
	if (has_value)
		return err_set(p->err, ERR_REJECTED, "--%s takes no value", row->name);
	if (row->type == OPTION_COMMAND) {
		if (!p->shortcut)
			p->o->command = row->command;
		p->shortcut = true;
		return 0;
	}
	*(bool *)((char *)p->o + row->offset) = true;
	return 0;
}

static int take_operand(struct parser *p, const char *word)
{
	struct options *o = p->o;
	enum command c;

	if (p->has_command) {
		if (o->id)
			return err_set(p->err, ERR_REJECTED, "\"%s\" is one word too many", word);
		o->id = word;
		return 0;
	}
	for (c = 0; c < COMMAND_COUNT; c++)
		if (!strcmp(COMMANDS[c].name, word))
			break;
	if (c == COMMAND_COUNT)
		return err_set(p->err, ERR_REJECTED, "there is no command \"%s\"", word);
	p->has_command = true;
	if (!p->shortcut)
		o->command = c;
	return 0;
}

static int take_words(struct parser *p)
{
	bool options_end = false;

	while (p->at < p->argc) {
		const char *word = p->argv[p->at++];

		if (!options_end && !strcmp(word, "--")) {
			options_end = true;
		} else if (!options_end && (!strcmp(word, "-h") || !strncmp(word, "--", 2))) {
			if (take_option(p, word[1] == 'h' ? "--help" : word))
				return -1;
		} else if (!options_end && word[0] == '-' && word[1]) {
			return err_set(p->err, ERR_REJECTED, "there is no option %s", word);
		} else if (take_operand(p, word)) {
			return -1;
		}
	}
	return 0;
}

static int check_whole(struct parser *p)
{
	const struct options *o = p->o;
	const struct command_row *c = &COMMANDS[o->command];

	if (p->shortcut)
		return 0;
	if (!p->has_command)
		return err_set(p->err, ERR_REJECTED, "no command is given");
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (p->seen[i] && !(p->seen[i]->commands & (1u << o->command)))
			return err_set(p->err, ERR_REJECTED, "--%s does not go with %s",
				       p->seen[i]->name, c->name);
	if (c->operand && !o->id)
		return err_set(p->err, ERR_REJECTED, "%s needs the id of a rollout", c->name);
	if (!c->operand && o->id)
		return err_set(p->err, ERR_REJECTED, "\"%s\" is one word too many", o->id);
	if (o->id && (!*o->id || strlen(o->id) > ROLLOUT_ID_MAX))
		return err_set(p->err, ERR_REJECTED, "the id of a rollout has 1 to %d characters",
			       ROLLOUT_ID_MAX);
	return 0;
}

int options_parse(struct arena *a, int argc, char *const argv[], struct options *o, struct err *err)
{
	struct parser p = {.arena = a, .o = o, .err = err, .argc = argc, .at = 1, .argv = argv};
	size_t room = argc > 0 ? (size_t)argc : 1;

	*o = (struct options){.flags = arena_array(a, struct config_flag, room),
			      .properties = arena_array(a, struct plan_property, room)};
	return take_words(&p) || check_whole(&p) ? -1 : 0;
}

const char *command_name(enum command c)
{
	return COMMANDS[c].name;
}

static void add_row(struct buf *out, const char *dashes, const char *name, const char *value,
		    const char *help)
{
	struct buf left;

	buf_init(&left, 128);
	buf_addf(&left, "%s%s%s%s", dashes, name, value ? " " : "", value ? value : "");
	text_entry(out, left.p, help);
	buf_release(&left);
}

void options_help(struct buf *out)
{
	buf_adds(out,
		 "Usage: rollout-worker [--config FILE] [--SETTING VALUE]... COMMAND [OPTION]...\n"
		 "\n"
		 "A job worker for AWS CodePipeline that brings a new version up beside the old\n"
		 "one, moves traffic to it step by step, and goes back by itself.\n"
		 "\nCommands:\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		add_row(out, "", COMMANDS[i].name, COMMANDS[i].operand, COMMANDS[i].help);
	buf_adds(out, "\nOptions:\n");
	for (size_t i = 0; i < N_OPTIONS; i++)
		add_row(out, "--", OPTIONS[i].name, OPTIONS[i].value, OPTIONS[i].help);
	buf_adds(out, "\nSettings: in the configuration file as hold = 60s, in the environment as\n"
		      "ROLLOUT_WORKER_HOLD=60s, or as --hold 60s; the last wins.\n\n");
	config_help(out);
	buf_adds(out, "\nExit status: 0 done; 1 failed, or a plan has problems; 2 wrong usage;\n"
		      "3 the configuration is not valid; 4 no usable credentials, or an instance\n"
		      "that does not answer: later it may.\n");
}
