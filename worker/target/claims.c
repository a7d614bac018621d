#include "worker/target/claims.h"

#include <assert.h>
#include <string.h>

/* The i-th field of an ARN, from 0; empty when it has none. */
static struct str field_of(const char *arn, int i)
{
	struct str rest = str_from(arn), field = {0};

	for (int n = 0; n <= i; n++)
		if (!str_next(&rest, ':', &field))
			return (struct str){0};
	return field;
}

#define ARN_REGION 3
#define ARN_ACCOUNT 4

void claims_add(const struct target_env *env, struct target_claims *c, const char *text)
{
	if (!text || !text[0])
		return;
	for (size_t i = 0; i < c->n; i++)
		if (!strcmp(c->keys[i], text))
			return;
	assert(c->n < TARGET_CLAIMS_MAX);
	c->keys[c->n++] = arena_strdup(env->arena, text);
}

static const char *own_account(const struct target_env *env)
{
	struct str account = {0};

	if (env->plan->role_arn)
		account = field_of(env->plan->role_arn, ARN_ACCOUNT);
	if (account.n)
		return str_dup(env->arena, account);
	return env->account ? env->account : "-";
}

static void add(const struct target_env *env, struct target_claims *c, const char *kind,
		const char *name, const char *suffix, const char *region, const char *account)
{
	claims_add(env, c,
		   arena_printf(env->arena, "%s:%s%s@%s/%s", kind, name, suffix, region, account));
}

void claims_add_name(const struct target_env *env, struct target_claims *c, const char *kind,
		     const char *name)
{
	if (name && name[0])
		add(env, c, kind, name, "", env->client.region, own_account(env));
}

void claims_add_arn(const struct target_env *env, struct target_claims *c, const char *kind,
		    const char *name, const char *suffix)
{
	bool is_arn = name && str_starts(str_from(name), "arn:");

	if (!name || !name[0])
		return;
	if (is_arn)
		add(env, c, kind, strrchr(name, ':') + 1, suffix,
		    str_dup(env->arena, field_of(name, ARN_REGION)),
		    str_dup(env->arena, field_of(name, ARN_ACCOUNT)));
	else
		add(env, c, kind, name, suffix, env->client.region, own_account(env));
}
