#ifndef AWS_PROFILE_H
#define AWS_PROFILE_H

#include <stdbool.h>

#include "aws/core/err.h"
#include "aws/core/mem.h"
#include "aws/core/str.h"

/*
 * The grammar of the files that AWS tools share (~/.aws/config and ~/.aws/credentials), and of the
 * worker's own configuration file.
 *
 * Source: "Shared config and credentials files" in the AWS SDKs and Tools Reference Guide; the
 * cases in tests/vectors/profile.json say what the guide leaves open.
 */
enum profile_file {
	PROFILE_CONFIG,	     /* [default] [profile NAME] [sso-session NAME] [services NAME] */
	PROFILE_CREDENTIALS, /* [NAME] */
	PROFILE_PLAIN	     /* [NAME] and [WORD NAME]: our own files; see profile_parse() */
};

enum profile_kind { PROFILE_SECTION, PROFILE_SSO_SESSION, PROFILE_SERVICES, PROFILE_KIND_COUNT };

struct profile_property {
	const char *key;   /* lower case */
	const char *value; /* lines of a continued value are joined by '\n' */
	int line;	   /* where it was last set */
	struct profile_property *next; /* in the order of the file */
};

struct profile {
	enum profile_kind kind;
	const char *name;
	int line;
	struct profile_property *first;
	struct profile *next;
	bool prefixed; /* private: [profile default] */
};

/* Sections of all files together. A zeroed struct is an empty set; text lives in the arena. */
struct profile_set {
	struct profile *first;
	int n_entries; /* private: sections and properties, limited */
};

/* More sections and properties than anybody has; keeps lookups cheap. */
#define PROFILE_ENTRIES_MAX 8192
/* A value that goes on over several lines, line feeds included; each line copies it. */
#define PROFILE_VALUE_MAX 8192

/*
 * Add the content of one file to the set; what is set again is replaced, so the config file comes
 * before the credentials file. `name` is that of the file, for errors. Sections with names that are
 * not allowed and properties with such keys are skipped, except in a PROFILE_PLAIN file, where they
 * are errors, as is everything that others leave unread.
 *
 * ERR_MALFORMED "<name>:<line>: ..."; ERR_LIMIT. The set is then to be thrown away.
 */
int profile_parse(struct profile_set *set, struct arena *a, enum profile_file file,
		  const char *name, struct str text, struct err *err) MUST_CHECK;

/* NULL when there is none. set may be NULL. */
const struct profile *profile_find(const struct profile_set *set, enum profile_kind kind,
				   const char *name);

/* NULL when absent; profile may be NULL, key is in lower case. */
const char *profile_get(const struct profile *p, const char *key);

/* The value of an indented "sub = value" line under "key =": copied to the arena, or NULL. */
const char *profile_get_sub(const struct profile *p, const char *key, const char *sub,
			    struct arena *a);

#endif
