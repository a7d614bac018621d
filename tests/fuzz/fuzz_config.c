#include "tests/fuzz/support.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aws/profile.h"
#include "worker/config.h"

/*
 * A file in the grammar of the AWS shared files, read in its three ways, and as the worker's own
 * configuration. Sections and properties have names and lines of the file; a value set twice is the
 * later one; a configuration that was taken is in range.
 */
#define FILE_NAME "file"

static void check_section(struct arena *a, const struct profile_set *set, const struct profile *s,
			  int lines)
{
	FUZZ_CHECK(s->name && (unsigned)s->kind < PROFILE_KIND_COUNT && s->line >= 1 &&
		   s->line <= lines);
	FUZZ_CHECK(profile_find(set, s->kind, s->name) == s);
	for (const struct profile_property *p = s->first; p; p = p->next) {
		FUZZ_CHECK(p->key[0] && p->line >= 1 && p->line <= lines);
		FUZZ_CHECK(!strchr(p->value, '\n') || strlen(p->value) <= PROFILE_VALUE_MAX);
		FUZZ_CHECK(profile_get(s, p->key) == p->value);
		for (const char *c = p->key; *c; c++)
			FUZZ_CHECK(*c < 'A' || *c > 'Z');
		profile_get_sub(s, p->key, "max_concurrent_requests", a);
	}
}

static void check_profile(struct str text, enum profile_file kind)
{
	struct profile_set set = {.first = NULL};
	struct arena *a = arena_new();
	struct err err = ERR_INIT;
	int lines = 1;
	int rc = profile_parse(&set, a, kind, FILE_NAME, text, &err);

	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	fuzz_check_err(rc, &err);
	if (rc)
		FUZZ_CHECK(err.code == ERR_LIMIT || !strncmp(err.text, FILE_NAME ":", 5));
	else
		for (const struct profile *s = set.first; s; s = s->next)
			check_section(a, &set, s, lines);
	arena_free(a);
}

/* --- the worker's own ------------------------------------------------------------------------ */

static const char *no_variable(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return NULL;
}

static int load(struct arena *a, struct str text, struct config *c, struct problems *problems)
{
	const struct aws_env env = {.get = no_variable};
	int fd = memfd_create("config", MFD_CLOEXEC), rc;
	struct err err = ERR_INIT;

	FUZZ_CHECK(fd >= 0 && write(fd, text.n ? text.p : "", text.n) == (ssize_t)text.n);
	problems_init(problems, a);
	rc = config_load(a, arena_printf(a, "/proc/self/fd/%d", fd), &env, NULL, 0, c, problems,
			 &err);
	close(fd);
	fuzz_check_err(rc, &err);
	FUZZ_CHECK(rc == 0 || err.code == ERR_REJECTED || err.code == ERR_LIMIT);
	FUZZ_CHECK((rc == 0) == (problems->n_errors == 0) || err.code == ERR_LIMIT);
	for (const struct problem *p = problems->first; p; p = p->next)
		FUZZ_CHECK(p->text[0] && !strchr(p->text, '\n'));
	return rc;
}

static void check_ranges(const struct config *c)
{
	FUZZ_CHECK(c->n_action_types <= CONFIG_ACTION_TYPES_MAX);
	for (size_t i = 0; i < c->n_action_types; i++)
		FUZZ_TEXTS(c->action_types[i].type.category, c->action_types[i].type.provider,
			   c->action_types[i].type.version, c->action_types[i].query_name,
			   c->action_types[i].query_value);
	FUZZ_CHECK(c->threads >= 1 && c->threads <= 64 && c->slots >= 1 && c->slots <= 1000);
	FUZZ_CHECK(c->unpacks >= 1 && c->unpacks <= 64);
	FUZZ_CHECK(c->hold_ms >= 15000 && c->hold_ms <= 600000 && c->tick_ms <= c->hold_ms);
	FUZZ_CHECK(c->tick_ms >= 1000 && c->poll_ms >= 1000 && c->poll_ms <= 300000);
	FUZZ_CHECK(c->stop_ms >= 0 && c->state_dir && c->work_dir);
	FUZZ_CHECK(c->unpack.max_bytes > 0 && c->unpack.max_entries > 0);
}

static void check_config(struct str text)
{
	struct arena *a = arena_new();
	struct config c;
	struct problems problems;

	if (load(a, text, &c, &problems) == 0)
		check_ranges(&c);
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};

	check_profile(text, PROFILE_CONFIG);
	check_profile(text, PROFILE_CREDENTIALS);
	check_profile(text, PROFILE_PLAIN);
	check_config(text);
	return 0;
}
