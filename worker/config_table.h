#ifndef WORKER_CONFIG_TABLE_H
#define WORKER_CONFIG_TABLE_H

#include <stddef.h>

#include "worker/config.h"

/*
 * Inside of config: the table of settings, how a value of each type is read and written, and the
 * text that is made of it.
 */
enum setting_type {
	SETTING_INTEGER,
	SETTING_DURATION,
	SETTING_SIZE,
	SETTING_BOOL,
	SETTING_CHOICE, /* an enum: the place in choices */
	SETTING_WORD,	/* text: one of choices */
	SETTING_REGION,
	SETTING_URL,
	SETTING_TEXT, /* anything printable */
	SETTING_PATH, /* the same */
	SETTING_CLOCK,
	SETTING_ADDRESS, /* of the status endpoint */
	SETTING_TOPIC,	 /* ARN of an SNS topic */
	SETTING_BUS,	 /* name or ARN of an event bus */
	SETTING_NOTICES, /* a list; a set of enum notice */
	SETTING_ACTION_TYPES
};

struct setting {
	const char *name; /* "state_dir" */
	const char *group;
	enum setting_type type;
	size_t offset; /* in struct config; unused by SETTING_ACTION_TYPES */
	int64_t min, max;
	const char *const *choices; /* ends with NULL */
	const char *fallback;	    /* the default as one would write it; NULL: not set */
	const char *shown;	    /* what stands for the default in texts; NULL: fallback */
	const char *help;
};

extern const struct setting SETTINGS[];
extern const size_t N_SETTINGS;

/* NULL when there is none; "-" and "_" are alike. */
const struct setting *setting_find(const char *name);

/*
 * Read a value into *c. False, with a problem added under place, when it is not what it must be;
 * *c keeps what it had. Text is copied into the arena.
 */
bool setting_parse(const struct setting *s, struct str value, const char *place, struct arena *a,
		   struct config *c, struct problems *problems);

/* The value as one would write it; nothing is appended when it is not set. */
void setting_format(const struct setting *s, const struct config *c, struct buf *out);

/* "1 to 64", "text or json"; nothing where the type says it all. */
void setting_range(const struct setting *s, struct buf *out);
/* "a whole number from 1 to 64" */
void setting_wanted(const struct setting *s, struct buf *out);

/* One action type, "Deploy/Rollout/1?Pool=prod", appended to *c. */
bool action_type_parse(struct str text, const char *place, struct arena *a, struct config *c,
		       struct problems *problems);
/* Append it when it is sound and not there yet. */
bool action_type_add(const struct config_action_type *t, const char *place, struct config *c,
		     struct problems *problems);

/* --- text ------------------------------------------------------------------------------------- */

#define TEXT_WIDTH 79 /* fits a terminal of 80 without wrapping at its edge */

/*
 * Append words, broken into lines of TEXT_WIDTH at most; `column` is where the current line stands,
 * and each further line begins with indent. Ends with a newline.
 */
void text_wrap(struct buf *out, const char *words, size_t column, const char *indent);

/* "  left   words ...", the words in a column of their own. */
void text_entry(struct buf *out, const char *left, const char *words);

#endif
