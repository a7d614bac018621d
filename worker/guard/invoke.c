#include <string.h>

#include "aws/core/json.h"
#include "aws/lambda.h"
#include "worker/guard/guard.h"

/*
 * A Lambda function as a test or hook: it gets an event that describes the rollout, or the payload
 * of the plan, and passes by returning without an error. {"verdict":"Fail","text":"..."} in what it
 * returns is taken at its word, and a verdict that is no word of ours is an Error, never a Pass.
 * When the function tested is the target itself, its candidate version is invoked. It runs each
 * time it is asked, as only fresh answers count.
 */
static const char *event(const struct guard_env *env, const struct rollout_state *s)
{
	struct json_out o;
	struct buf b;
	const char *text;

	buf_init(&b, 16384);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_cstr(&o, "rollout", s->id);
	json_member_cstr(&o, "phase", phase_name(s->phase));
	json_member_i64(&o, "step", s->step + 1);
	json_member_cstr(&o, "target", target_kind_name(env->target->plan->target.kind));
	json_member_cstr(&o, "baseline", s->undo);
	json_member_cstr(&o, "candidate", s->candidate);
	json_out_end(&o);
	text = arena_strdup(env->target->arena, b.p);
	buf_release(&b);
	return text;
}

static const char *name_of(const char *function)
{
	const char *colon = strrchr(function, ':');

	return colon ? colon + 1 : function;
}

/* The candidate's version when the guard names the target's own function; else NULL: $LATEST. */
static const char *qualifier(const struct guard_env *env, const struct plan_guard *g,
			     const struct rollout_state *s)
{
	const char *names[PLAN_DIMENSIONS_MAX], *values[PLAN_DIMENSIONS_MAX], *ns;
	const char *function = NULL, *version = NULL;
	struct rollout_state as_watch = *s;
	size_t n;

	as_watch.phase = PHASE_WATCH; /* when the target's series tells versions apart */
	n = env->ops->series(env->target, &as_watch, true, &ns, names, values);

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(names[i], "FunctionName"))
			function = values[i];
		if (!strcmp(names[i], "ExecutedVersion"))
			version = values[i];
	}
	return function && !strcmp(function, name_of(g->function)) ? version : NULL;
}

static struct verdict judge(const struct guard_env *env, const struct plan_guard *g,
			    const struct lambda_invoked *in, struct utc now)
{
	struct err err = ERR_INIT;
	struct json *root = NULL;
	struct str word, text;

	if (in->function_error)
		return verdict_make(VERDICT_FAIL, now, "%s threw (%s): %.*s", g->name,
				    in->function_error,
				    in->payload.n < 160 ? (int)in->payload.n : 160,
				    in->payload.n ? in->payload.p : "");
	if (in->payload.n && json_parse(env->target->arena, in->payload, &root, &err))
		root = NULL; /* whatever it returns, it returned */
	if (!json_get(root, "verdict"))
		return verdict_make(VERDICT_PASS, now, "%s passed", g->name);
	word = json_text(json_get(root, "verdict"));
	text = json_text(json_get(root, "text"));
	if (str_is_nocase(word, "Pass"))
		return verdict_make(VERDICT_PASS, now, "%s says Pass%s%.*s", g->name,
				    text.n ? ": " : "", STR_ARG(text));
	if (str_is_nocase(word, "Fail"))
		return verdict_make(VERDICT_FAIL, now, "%s says Fail: %.*s", g->name,
				    STR_ARG(text));
	if (str_is_nocase(word, "Unknown"))
		return verdict_make(VERDICT_UNKNOWN, now, "%s says Unknown: %.*s", g->name,
				    STR_ARG(text));
	return verdict_make(VERDICT_ERROR, now,
			    "%s gives the verdict \"%.*s\", which is none of Pass, Fail, Unknown",
			    g->name, STR_ARG(str_sub(word, 0, 40)));
}

static int ask(const struct guard_env *env, const struct plan_guard *g,
	       const struct rollout_state *s, const struct target_observation *o, uint8_t *failures,
	       struct verdict *out, struct err *err)
{
	const char *payload = g->payload ? g->payload : event(env, s);
	struct lambda_invoke in = {.function = g->function,
				   .qualifier = qualifier(env, g, s),
				   .payload = str_from(payload),
				   .timeout_ms = g->timeout_ms};
	struct lambda_invoked done;
	struct utc now;

	(void)o;
	if (lambda_invoke(&env->target->client, &in, env->target->arena, &done, err)) {
		if (err->code == ERR_CANCELED)
			return -1;
		*out = verdict_make(VERDICT_ERROR, clock_utc(env->target->client.aws->clock),
				    "%s could not be invoked: %s", g->name, err->text);
		*err = ERR_INIT;
		return 0;
	}
	now = clock_utc(env->target->client.aws->clock);
	*out = judge(env, g, &done, now);
	if (out->kind != VERDICT_FAIL) {
		*failures = 0;
	} else if (*failures < 255 && ++*failures < g->failures) {
		struct verdict failed = *out;

		*out = verdict_make(VERDICT_UNKNOWN, now, "failed %d of %d times: %.200s",
				    *failures, (int)g->failures, failed.text);
	}
	guard_count(out, *failures, g->failures);
	return 0;
}

static int check(const struct guard_env *env, const struct plan_guard *g, struct problems *p,
		 struct err *err)
{
	struct lambda_configuration c;

	if (lambda_get_function_configuration(&env->target->client, g->function, NULL,
					      env->target->arena, &c, err) == 0)
		return 0;
	if (err->code == ERR_CANCELED || err_is_retryable(err))
		return -1;
	problem_add(p, g->place, g->name, "the function cannot be read: %s", err->text);
	*err = ERR_INIT;
	return 0;
}

static void calls(const struct plan_guard *g, const struct plan *plan, struct arena *a,
		  void (*add)(void *arg, const struct target_call *c), void *arg)
{
	const char *arn = str_starts(str_from(g->function), "arn:")
				  ? g->function
				  : arena_printf(a, "arn:aws:lambda:*:*:function:%s", g->function);
	/* a version is part of the resource */
	bool own = plan->target.kind == TARGET_LAMBDA &&
		   !strcmp(name_of(plan->target.lambda.function), name_of(g->function));
	const char *invoked = own ? arena_printf(a, "%s:*", arn) : arn;

	add(arg, &(struct target_call){PHASE_INSPECT, "lambda", "GetFunctionConfiguration",
				       "lambda:GetFunctionConfiguration", arn, false});
	add(arg, &(struct target_call){PHASE_VERIFY, "lambda", "Invoke", "lambda:InvokeFunction",
				       invoked, false});
}

const struct guard_ops guard_invoke = {"invoke", check, ask, calls};
