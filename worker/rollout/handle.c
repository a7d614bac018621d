#include "worker/rollout/handle.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "aws/core/digest.h"

#define PREFIX "h1."

static const char *const MODES[] = {
	[MODE_DEPLOY] = "deploy",
	[MODE_START] = "start",
	[MODE_PROMOTE] = "promote",
	[MODE_ROLLBACK] = "rollback",
};
#define N_MODES (sizeof(MODES) / sizeof(MODES[0]))

static void digest_of(struct str state_text, char out[HANDLE_DIGEST_SIZE])
{
	char hex[SHA256_HEX_SIZE];

	sha256_hex(state_text, hex);
	memcpy(out, hex, HANDLE_DIGEST_SIZE - 1);
	out[HANDLE_DIGEST_SIZE - 1] = '\0';
}

void handle_make(const char *id, struct str state_text, char out[HANDLE_SIZE])
{
	char digest[HANDLE_DIGEST_SIZE];

	digest_of(state_text, digest);
	snprintf(out, HANDLE_SIZE, PREFIX "%s.%s", id, digest);
}

static bool is_id(struct str s)
{
	if (s.n < 3 || s.n > ROLLOUT_ID_MAX || !str_starts(s, "r-"))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      c == '-'))
			return false;
	}
	return true;
}

static bool is_digest(struct str s)
{
	if (s.n != HANDLE_DIGEST_SIZE - 1)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	return true;
}

int handle_parse(struct str text, struct handle *h, struct err *err)
{
	struct str rest = str_trim(text), id;
	char shown[48];

	str_copy_clean(shown, sizeof(shown), rest);
	if (!rest.n)
		return err_set(err, ERR_REJECTED,
			       "missing; write the handle of the action that started the "
			       "rollout: #{NAMESPACE.RolloutHandle}");
	if (str_starts(rest, "#{"))
		return err_set(err, ERR_REJECTED,
			       "\"%s\" was not filled in: the action that starts the "
			       "rollout must have that namespace, and succeed before this one",
			       shown);
	if (str_starts(rest, PREFIX)) {
		rest = str_sub(rest, sizeof(PREFIX) - 1, rest.n);
		if (str_next(&rest, '.', &id) && is_id(id) && is_digest(rest)) {
			str_copy(h->id, sizeof(h->id), id);
			str_copy(h->digest, sizeof(h->digest), rest);
			return 0;
		}
	}
	return err_set(err, ERR_REJECTED,
		       "\"%s\" is no handle of a rollout; write #{NAMESPACE.RolloutHandle} "
		       "of the action that started it",
		       shown);
}

bool handle_fits(const struct handle *h, struct str state_text)
{
	char digest[HANDLE_DIGEST_SIZE];

	digest_of(state_text, digest);
	return !strcmp(digest, h->digest);
}

/* --- modes ------------------------------------------------------------------------------------ */

const char *mode_name(enum mode m)
{
	assert((unsigned)m < N_MODES);
	return MODES[m];
}

bool mode_parse(struct str word, enum mode *out)
{
	for (size_t i = 0; i < N_MODES; i++) {
		if (str_is(word, MODES[i])) {
			*out = (enum mode)i;
			return true;
		}
	}
	return false;
}

static struct str property(const struct plan_property *p, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(p[i].name, name))
			return str_trim(p[i].value);
	return STR("");
}

bool mode_of(const struct plan_property *p, size_t n, enum mode *out)
{
	struct str word = property(p, n, "Mode");

	*out = MODE_DEPLOY;
	return !word.n || mode_parse(word, out);
}

/* --- an action that goes on with another one's rollout ---------------------------------------- */

static bool is_allowed(struct str name)
{
	static const char *const names[] = {"Target", "Mode", "Handle", "RoleArn", "Pool"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_is(name, names[i]))
			return true;
	return false;
}

void handle_check(const struct plan_property *p, size_t n, struct problems *problems)
{
	struct err err = ERR_INIT;
	struct handle h;
	enum mode mode;
	char name[64];

	(void)mode_of(p, n, &mode);
	if (handle_parse(property(p, n, "Handle"), &h, &err))
		problem_add(problems, "Handle", NULL, "%s", err.text);
	for (size_t i = 0; i < n; i++) {
		if (is_allowed(p[i].name) || !str_trim(p[i].value).n)
			continue;
		/* the value may be a secret of an action type that is not ours */
		str_copy_clean(name, sizeof(name), p[i].name);
		problem_add(problems, name, NULL,
			    "not with Mode: %s, which follows the plan of the action that started "
			    "the rollout; leave it out here",
			    mode_name(mode));
	}
}
