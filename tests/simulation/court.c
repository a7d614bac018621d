#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/simulation/court.h"

struct judge_shares court_shares(double green)
{
	return (struct judge_shares){.n = 2, .of = {{BLUE, 100 - green}, {GREEN, green}}};
}

struct court *court_convene(void)
{
	static struct court c;
	struct judge_options o = {.bound_ms = 2 * M, .slow_ms = 20 * M, .calls_most = 100};
	struct judge_shares begin = court_shares(0);

	judge_init(&c.j, &o);
	c.site = judge_add_site(&c.j, false, &begin);
	c.r = judge_rollout(&c.j, "r-1", c.site, 2 * M);
	c.now = M;
	judge_inspected(&c.j, c.r, true);
	return &c;
}

struct judge_act court_act(const struct court *c, enum decision_kind kind, double percent)
{
	return (struct judge_act){.now_ms = c->now,
				  .kind = kind,
				  .traffic = {.weight_bp = (int)(100 * percent)},
				  .token = true,
				  .holds = true};
}

void court_told(struct court *c, bool ok, bool red)
{
	judge_alarm(&c->j, c->now, c->site, red);
	judge_told(&c->j, c->now, c->site, 0, ok, red);
}

/* Act, and what came of it; then it is read back. */
void court_make(struct court *c, const struct judge_act *a, double green)
{
	struct judge_shares now = court_shares(green);

	judge_act(&c->j, c->r, a);
	judge_split(&c->j, c->now, c->site, CAUSED_BY_WORKER, c->r, a, &now);
	judge_read(&c->j, c->r);
}

void court_step(struct court *c, double percent)
{
	struct judge_act a = court_act(c, DECIDE_SPLIT, percent);

	court_make(c, &a, percent);
}

void court_promote(struct court *c)
{
	struct judge_act a = court_act(c, DECIDE_PROMOTE, 100);

	court_make(c, &a, 100);
}

void court_restore(struct court *c)
{
	struct judge_act a = court_act(c, DECIDE_RESTORE, 0);

	court_make(c, &a, 0);
}

/* A watch with an alarm that is OK all the time. */
void court_watch(struct court *c, int64_t ms)
{
	for (int64_t end = c->now + ms; c->now < end;) {
		c->now += 10 * S;
		court_told(c, true, false);
		judge_time(&c->j, c->now);
	}
}

void court_report(struct court *c, bool good, const char *message)
{
	struct judge_report p = {.now_ms = c->now,
				 .final = true,
				 .good = good,
				 .of_job = 1,
				 .of_action = 1,
				 .message = message};

	judge_reported(&c->j, c->r, &p);
}

void court_expect(const struct court *c, enum invariant i)
{
	if (!c->j.failed || c->j.broken != i)
		fail_msg("%s was to be found broken, but %s: %s", invariant_name(i),
			 c->j.failed ? invariant_name(c->j.broken) : "nothing was found",
			 c->j.problem);
	assert_true(c->j.problem[0] != '\0');
}

void court_expect_nothing(const struct court *c)
{
	if (c->j.failed)
		fail_msg("%s: %s", invariant_name(c->j.broken), c->j.problem);
}
