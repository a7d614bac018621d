#ifndef TESTS_UNIT_ROLLOUT_PLAN_FIXTURE_H
#define TESTS_UNIT_ROLLOUT_PLAN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "worker/rollout/plan.h"

/*
 * A plan from properties and a file, and what was said about it.
 *
 *   prop(f, "Target", "lambda:checkout:live");
 *   file(f, "rollout: 1\n...");
 *   read_ok(f) or read_bad(f); then f->plan, or expect_problem(f, "rollout.yaml:3: ...")
 */
#define MINUTE_MS 60000ll
#define RULE                                                                                  \
	"arn:aws:elasticloadbalancing:eu-central-1:111122223333:listener-rule/app/web/50dc6c" \
	"495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee"
#define LISTENER                                                                              \
	"arn:aws:elasticloadbalancing:eu-central-1:111122223333:listener/net/web/50dc6c495c0" \
	"c9188/f2f7dc8efc522ab2"
#define GROUP(name)                                                                \
	"arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/" name \
	"/73e2d6bc24d8a067"

struct plan_fixture {
	struct arena *arena;
	struct plan_property properties[16];
	size_t n;
	struct str file;
	const char *file_name;
	struct plan *plan;
	struct problems problems;
};

static inline int plan_set_up(void **state)
{
	struct plan_fixture *f = xcalloc(1, sizeof(*f));

	f->arena = arena_new();
	*state = f;
	return 0;
}

static inline int plan_tear_down(void **state)
{
	struct plan_fixture *f = *state;

	arena_free(f->arena);
	free(f);
	return 0;
}

static inline void forget(struct plan_fixture *f)
{
	f->n = 0;
	f->file_name = NULL;
	f->file = (struct str){0};
}

static inline void prop(struct plan_fixture *f, const char *name, const char *value)
{
	for (size_t i = 0; i < f->n; i++) {
		if (str_is(f->properties[i].name, name)) {
			f->properties[i].value = str_from(value);
			return;
		}
	}
	assert_true(f->n < sizeof(f->properties) / sizeof(f->properties[0]));
	f->properties[f->n++] = (struct plan_property){str_from(name), str_from(value)};
}

static inline void file(struct plan_fixture *f, const char *text)
{
	f->file_name = "rollout.yaml";
	f->file = str_from(text);
}

static inline int read_plan(struct plan_fixture *f)
{
	struct plan_source src = {.properties = f->properties,
				  .n_properties = f->n,
				  .file_name = f->file_name,
				  .file_text = f->file};
	int rc;

	problems_init(&f->problems, f->arena);
	rc = plan_read(f->arena, &src, &f->plan, &f->problems);
	assert_int_equal(rc, f->problems.n_errors ? -1 : 0);
	return rc;
}

static inline const char *all_problems(struct plan_fixture *f)
{
	const char *text;
	struct buf b;

	buf_init(&b, 1u << 20);
	problems_format(&f->problems, &b);
	text = arena_strdup(f->arena, b.p);
	buf_release(&b);
	return text;
}

static inline void read_ok(struct plan_fixture *f)
{
	if (read_plan(f))
		fail_msg("%s", all_problems(f));
}

static inline void read_bad(struct plan_fixture *f)
{
	if (read_plan(f) == 0)
		fail_msg("accepted");
}

/* There is a problem, or a warning, that begins with this text; what follows is not looked at. */
static inline void expect_problem(struct plan_fixture *f, const char *start)
{
	for (const struct problem *p = f->problems.first; p; p = p->next)
		if (strncmp(p->text, start, strlen(start)) == 0)
			return;
	fail_msg("not said: %s\nbut:\n%s", start, all_problems(f));
}

static inline void expect_no_problem(struct plan_fixture *f, const char *words)
{
	for (const struct problem *p = f->problems.first; p; p = p->next)
		if (strstr(p->text, words))
			fail_msg("said: %s", p->text);
}

/* Exactly one error, beginning so. */
static inline void expect_only(struct plan_fixture *f, const char *start)
{
	read_bad(f);
	if (f->problems.n_errors != 1)
		fail_msg("%zu errors, not only %s:\n%s", f->problems.n_errors, start,
			 all_problems(f));
	expect_problem(f, start);
}

#endif
