#include "tests/fuzz/support.h"

#include <string.h>

#include "worker/rollout/decide.h"
#include "worker/target/target.h"

/*
 * Turns of a rollout whose state somebody else wrote: look, decide, act, three times. The first
 * line has a letter for the plan (as in `plans`, or f: only its undo record is left) and what else
 * is seen; the second is the continuation token; the rest are the answers of AWS. Whatever they
 * are, a look fails for no reason but being canceled, a decision is one the phases allow, an error
 * is one line, and the state that follows is one that can be kept.
 */
#define TURNS 3

static const struct {
	char letter;
	const char *target, *strategy;
} plans[] = {
	{'l', "lambda:shop:live", "canary 5% 10m, 25% 10m"},
	{'b', "beanstalk:shop/shop-prod", "blue-green bake 30m"},
	{'a', "auto-scaling:shop-blue", "canary 10% 5m"},
	{'e', "ecs:prod/web", "canary 5% 10m"},
	{'r',
	 "load-balancer:arn:aws:elasticloadbalancing:eu-central-1:111122223333:listener-rule/app/"
	 "web/"
	 "50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee",
	 "linear 10% every 2m"},
};

static int no_artifact(void *arg, const struct target_artifact **out, struct err *err)
{
	(void)arg;
	(void)out;
	return err_set(err, ERR_NOT_FOUND, "there is no artifact");
}

/* NULL: nothing can be done with this state, and that was said. */
static struct plan *plan_for(struct arena *a, char letter, const struct rollout_state *s)
{
	struct plan_property p[3] = {
		{.name = STR("Target")}, {.name = STR("Strategy")}, {STR("Alarms"), STR("errors")}};
	const struct plan_source src = {.properties = p, .n_properties = 3};
	struct problems problems;
	struct plan *plan = NULL;
	struct err err = ERR_INIT;

	problems_init(&problems, a);
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		if (plans[i].letter != letter)
			continue;
		p[0].value = str_from(plans[i].target);
		p[1].value = str_from(plans[i].strategy);
		FUZZ_CHECK(plan_read(a, &src, &plan, &problems) == 0);
		return plan;
	}
	if (plan_fallback(a, s->undo, NULL, &plan, &err)) {
		fuzz_check_err(-1, &err);
		return NULL;
	}
	return plan;
}

static int act(const struct target_env *env, const struct target_ops *ops, struct rollout_state *s,
	       const struct decision *d, const struct target_observation *o, struct err *err)
{
	switch (d->kind) {
	case DECIDE_PREPARE:
		return ops->prepare(env, s, s->candidate, err);
	case DECIDE_SPLIT:
		return ops->split(env, s, o, &d->traffic, err);
	case DECIDE_PROMOTE:
		return ops->promote(env, s, o, err);
	case DECIDE_RETIRE:
		return ops->retire(env, s, o, err);
	case DECIDE_RESTORE:
		return ops->restore(env, s, o, err);
	case DECIDE_DISCARD:
		FUZZ_CHECK(ops->discard);
		return ops->discard(env, s, o, err);
	case DECIDE_WAIT:
	case DECIDE_AGAIN:
	case DECIDE_CHECKPOINT:
	case DECIDE_SUCCEED:
	case DECIDE_FAIL:
	case DECIDE_HAND_OVER:
	case DECIDE_REFUSE:
		break;
	}
	return 0;
}

static void check_kept(const struct rollout_state *s)
{
	struct rollout_state again;
	struct arena *a = arena_new();
	struct err err = ERR_INIT;
	struct buf b;

	buf_init(&b, LIMIT_TOKEN);
	if (token_encode(s, &b, &err))
		FUZZ_CHECK(err.code == ERR_LIMIT);
	else
		FUZZ_CHECK(token_decode(a, buf_str(&b), &again, &err) == 0 &&
			   again.phase == s->phase && again.seq == s->seq);
	buf_release(&b);
	arena_free(a);
}

/* False: there is nothing more to do. */
static bool turn(const struct target_env *env, struct str seen, struct rollout_state *s,
		 struct utc now)
{
	const struct target_ops *ops = target_of(env->plan->target.kind);
	struct observation o = {.looked = true,
				.token_held = seen.n > 1 && seen.p[1] == 't',
				.has_guards = seen.n > 2 && seen.p[2] != '-',
				.guards = verdict_make(VERDICT_PASS, now, "all is well")};
	struct rollout_state next, as = *s;
	struct err err = ERR_INIT;
	struct decision d;
	int rc;

	if (seen.n > 2 && seen.p[2] == 'f')
		o.guards = verdict_make(VERDICT_FAIL, now, "errors is red");
	as.phase = rollout_look_as(env->plan, s, MODE_DEPLOY);
	rc = ops->observe(env, &as, &o.target, &err);
	FUZZ_CHECK(rc == 0);
	rollout_decide(env->plan, s, &o, now, &next, &d);
	FUZZ_CHECK(d.reason[0] && !strchr(d.reason, '\n'));
	check_kept(&next);
	*s = next;
	rc = act(env, ops, s, &d, &o.target, &err);
	fuzz_check_err(rc, &err);
	FUZZ_CHECK(strlen(s->candidate) <= LIMIT_CANDIDATE);
	return rc == 0 && !phase_is_final(s->phase);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = {(const char *)data, size}, seen = fuzz_line(&input);
	struct str token = fuzz_line(&input);
	struct fuzz_aws *f = fuzz_aws_new(input);
	struct target_env env = {.client = f->client,
				 .arena = f->arena,
				 .rollout_id = "r-1",
				 .artifact = no_artifact};
	struct rollout_state s;
	struct err err = ERR_INIT;

	if (token_decode(f->arena, token, &s, &err) == 0 && !phase_is_final(s.phase))
		env.plan = plan_for(f->arena, seen.n ? seen.p[0] : 'f', &s);
	if (env.plan)
		for (int i = 0; i < TURNS; i++)
			if (!turn(&env, seen, &s, (struct utc){f->now_ms}))
				break;
	fuzz_aws_free(f);
	return 0;
}
