#include <string.h>

#include "aws/core/json.h"
#include "aws/lambda.h"
#include "worker/guard/guard.h"

/*
 * A Lambda function as a test or hook: it gets an event that describes the rollout, or the payload of
 * the plan, and passes by returning without an error. {"verdict":"Fail","text":"..."} in what it
 * returns is taken at its word. When the function tested is the target itself, its candidate version
 * is invoked. A test is run once a phase when it passed: running it is not free of effects.
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

/* The candidate's version when the guard names the target's own function; else NULL: $LATEST. */
static const char *qualifier(const struct guard_env *env, const struct plan_guard *g,
			     const struct rollout_state *s)
{
	const char *names[PLAN_DIMENSIONS_MAX], *values[PLAN_DIMENSIONS_MAX], *ns;
	const char *function = NULL, *version = NULL;
	size_t n = env->ops->series(env->target, s, true, &ns, names, values);

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(names[i], "FunctionName"))
			function = values[i];
		if (!strcmp(names[i], "ExecutedVersion"))
			version = values[i];
	}
	return function && !strcmp(function, g->function) ? version : NULL;
}

static struct verdict judge(const struct guard_env *env, const struct plan_guard *g,
			    const struct lambda_invoked *in, struct utc now)
{
	struct err err = ERR_INIT;
	struct json *root = NULL;
	struct str word;

	if (in->function_error)
		return verdict_make(VERDICT_FAIL, now, "%s threw (%s): %.*s", g->name,
				    in->function_error,
				    in->payload.n < 160 ? (int)in->payload.n : 160,
				    in->payload.n ? in->payload.p : "");
	if (in->payload.n && json_parse(env->target->arena, in->payload, &root, &err))
		root = NULL; /* whatever it returns, it returned */
	word = json_text(json_get(root, "verdict"));
	if (str_is(word, "Fail"))
		return verdict_make(VERDICT_FAIL, now, "%s says Fail: %.*s", g->name,
				    STR_ARG(json_text(json_get(root, "text"))));
	if (str_is(word, "Unknown"))
		return verdict_make(VERDICT_UNKNOWN, now, "%s says Unknown: %.*s", g->name,
				    STR_ARG(json_text(json_get(root, "text"))));
	return verdict_make(VERDICT_PASS, now, "%s passed", g->name);
}

static int ask(const struct guard_env *env, const struct plan_guard *g,
	       const struct rollout_state *s, const struct target_observation *o,
	       uint8_t *failures, struct verdict *out, struct err *err)
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

		*out = verdict_make(VERDICT_UNKNOWN, now, "failed %d of %d times: %.200s", *failures,
				    (int)g->failures, failed.text);
	}
	return 0;
}

static int check(const struct guard_env *env, const struct plan_guard *g, struct problems *p,
		 struct err *err)
{
	struct lambda_configuration c;

	if (lambda_get_function_configuration(&env->target->client, g->function, NULL,
					      env->target->arena, &c, err) == 0)
		return 0;
	if (err->code == ERR_CANCELED)
		return -1;
	problem_add(p, g->place, g->name, "the function cannot be read: %s", err->text);
	*err = ERR_INIT;
	return 0;
}

static void calls(const struct plan_guard *g, const struct plan *plan, struct arena *a,
		  void (*add)(void *arg, const struct target_call *c), void *arg)
{
	const char *arn = arena_printf(a, "arn:aws:lambda:*:*:function:%s", g->function);

	(void)plan;
	add(arg, &(struct target_call){PHASE_INSPECT, "lambda", "GetFunctionConfiguration",
				       "lambda:GetFunctionConfiguration", arn, false});
	add(arg, &(struct target_call){PHASE_VERIFY, "lambda", "Invoke", "lambda:InvokeFunction", arn,
				       false});
}

const struct guard_ops guard_invoke = {"invoke", check, ask, calls};
