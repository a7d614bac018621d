#ifndef AWS_CREDENTIALS_PROFILE_H
#define AWS_CREDENTIALS_PROFILE_H

#include <stddef.h>

#include "aws/core/err.h"
#include "aws/profile.h"

/*
 * What a profile says about credentials: one base source, then roles to assume one after the other.
 * Reading it is apart from acting on it, so that the rules can be tested. For aws/credentials*.
 */
enum credentials_base {
	BASE_NONE, /* the profile says nothing about credentials */
	BASE_KEYS,
	BASE_PROCESS,
	BASE_WEB_IDENTITY,
	BASE_ENVIRONMENT,
	BASE_INSTANCE,
	BASE_CONTAINER
};

#define ROLE_CHAIN_MAX 8 /* nobody has more than two or three */

struct credentials_chain {
	enum credentials_base base;
	const struct profile *base_profile;		  /* that has the base's keys */
	const struct profile *roles[ROLE_CHAIN_MAX];	  /* in the order of assuming */
	size_t n_roles;
};

/*
 * Follow source_profile from the named profile. ERR_REJECTED, with a text that names profile and
 * key, when the configuration is contradictory, incomplete, circular, or needs a person.
 */
int credentials_chain_read(const struct profile_set *set, const char *name,
			   struct credentials_chain *out, struct err *err) MUST_CHECK;

#endif
