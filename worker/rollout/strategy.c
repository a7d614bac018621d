#include "worker/rollout/strategy.h"

#include "worker/rollout/plan_reader.h"

/*
 * The one-line form of strategies. It is a list of words, with commas between steps; what a word
 * may be is decided by where it stands, and every message says what was expected there.
 */

#define MINUTE_MS 60000ll

/* CodeDeploy's predefined deployment configurations, for pipelines that move over. */
static const struct preset {
	const char *name;
	int percent; /* first or each step */
	int minutes;
	enum { PRESET_CANARY, PRESET_LINEAR, PRESET_ALL } kind;
} PRESETS[] = {
	{"LambdaCanary10Percent5Minutes", 10, 5, PRESET_CANARY},
	{"LambdaCanary10Percent10Minutes", 10, 10, PRESET_CANARY},
	{"LambdaCanary10Percent15Minutes", 10, 15, PRESET_CANARY},
	{"LambdaCanary10Percent30Minutes", 10, 30, PRESET_CANARY},
	{"LambdaLinear10PercentEvery1Minute", 10, 1, PRESET_LINEAR},
	{"LambdaLinear10PercentEvery2Minutes", 10, 2, PRESET_LINEAR},
	{"LambdaLinear10PercentEvery3Minutes", 10, 3, PRESET_LINEAR},
	{"LambdaLinear10PercentEvery10Minutes", 10, 10, PRESET_LINEAR},
	{"LambdaAllAtOnce", 100, 0, PRESET_ALL},
	{"ECSCanary10Percent5Minutes", 10, 5, PRESET_CANARY},
	{"ECSCanary10Percent15Minutes", 10, 15, PRESET_CANARY},
	{"ECSLinear10PercentEvery1Minutes", 10, 1, PRESET_LINEAR},
	{"ECSLinear10PercentEvery3Minutes", 10, 3, PRESET_LINEAR},
	{"ECSAllAtOnce", 100, 0, PRESET_ALL},
	/* names of the CodePipeline Lambda action */
	{"Canary10Percent5Minutes", 10, 5, PRESET_CANARY},
	{"Canary10Percent10Minutes", 10, 10, PRESET_CANARY},
	{"Canary10Percent15Minutes", 10, 15, PRESET_CANARY},
	{"Canary10Percent30Minutes", 10, 30, PRESET_CANARY},
	{"Linear10PercentEvery1Minute", 10, 1, PRESET_LINEAR},
	{"Linear10PercentEvery2Minutes", 10, 2, PRESET_LINEAR},
	{"Linear10PercentEvery3Minutes", 10, 3, PRESET_LINEAR},
	{"Linear10PercentEvery10Minutes", 10, 10, PRESET_LINEAR},
	{"AllAtOnce", 100, 0, PRESET_ALL},
};

/* The weight of a segment's step comes from the steps before it, when the whole is known. */
static void add_segment(struct plan *plan, int segment, int64_t watch_ms)
{
	plan->steps[plan->n_steps++] =
		(struct plan_step){.segment = segment, .watch_ms = watch_ms};
}

static void add_step(struct plan *plan, int weight_bp, int64_t watch_ms)
{
	plan->steps[plan->n_steps++] =
		(struct plan_step){.segment = -1, .weight_bp = weight_bp, .watch_ms = watch_ms};
}

bool strategy_linear(struct plan *plan, int step_bp, int64_t every_ms)
{
	plan->n_steps = 0;
	if (step_bp <= 0 || (10000 - 1) / step_bp > LIMIT_STEPS)
		return false;
	/* the last rise, to everything, is the promotion; a step of 100 % stays one */
	for (int bp = step_bp; bp < 10000; bp += step_bp)
		add_step(plan, bp, every_ms);
	if (plan->n_steps == 0)
		add_step(plan, 10000, every_ms);
	return true;
}

/* --- words ----------------------------------------------------------------------------------- */

struct words {
	struct str rest;
	const char *place;
	const char *whole;
	struct problems *problems;
	bool bad;
};

static struct str next_word(struct words *w)
{
	struct str word;
	size_t n = 0;

	w->rest = str_trim(w->rest);
	while (n < w->rest.n && !memchr(" \t\r\n,", w->rest.p[n], 5))
		n++;
	word = str_sub(w->rest, 0, n);
	w->rest = str_trim(str_sub(w->rest, n, w->rest.n));
	return word;
}

static bool skip_comma(struct words *w)
{
	if (!str_starts(w->rest, ","))
		return false;
	w->rest = str_trim(str_sub(w->rest, 1, w->rest.n));
	return true;
}

static void bad_word(struct words *w, struct str word, const char *wanted)
{
	char shown[64];

	str_copy_clean(shown, sizeof(shown), word);
	if (!w->bad && word.n)
		problem_add(w->problems, w->place, w->whole, "\"%s\" does not fit here: write %s",
			    shown, wanted);
	else if (!w->bad)
		problem_add(w->problems, w->place, w->whole, "something is missing: write %s",
			    wanted);
	w->bad = true;
}

static int64_t duration_word(struct words *w, const char *wanted)
{
	struct str word = next_word(w);
	int64_t ms = 0;

	if (!duration_parse(word, &ms))
		bad_word(w, word, wanted);
	return ms;
}

static int weight_word(struct words *w, const char *wanted)
{
	struct str word = next_word(w);
	int bp = 0;

	/* "5 %": the sign may stand apart */
	if (!str_ends(word, "%") && str_starts(w->rest, "%"))
		w->rest = str_trim(str_sub(w->rest, 1, w->rest.n));
	if (!weight_parse(word, &bp) || bp < 1 || bp > 10000)
		bad_word(w, word, wanted);
	return bp;
}

/* "@staff"; -1 with a problem when there is none of that name. */
static int segment_word(struct words *w, const struct plan *plan)
{
	struct str word = next_word(w), name = str_sub(word, 1, word.n);
	int i = plan_segment_find(plan, name);

	if (i < 0 && !w->bad)
		plan_no_segment(w->problems, plan, w->place, name);
	w->bad |= i < 0;
	return i;
}

/* "[bake 15m]" at the end, and nothing after it. */
static void bake_words(struct words *w, struct plan *plan)
{
	struct str word;

	skip_comma(w);
	if (w->rest.n == 0)
		return;
	word = next_word(w);
	if (!str_is(word, "bake"))
		bad_word(w, word, "nothing more, or bake and a duration such as bake 15m");
	else
		plan->bake_ms = duration_word(w, "a duration such as 15m");
	if (w->rest.n)
		bad_word(w, w->rest, "nothing more");
}

static void canary(struct words *w, struct plan *plan)
{
	plan->n_steps = 0;
	do {
		bool is_segment = str_starts(w->rest, "@");
		int segment = is_segment ? segment_word(w, plan) : -1;
		int bp = is_segment ? 0
				    : weight_word(w, "a weight over 0 and at most 100, such as 5%");
		int64_t ms = w->bad ? 0 : duration_word(w, "how long to watch, such as 10m");

		if (w->bad)
			return;
		if (plan->n_steps == LIMIT_STEPS) {
			problem_add(w->problems, w->place, w->whole, "at most %d steps",
				    LIMIT_STEPS);
			w->bad = true;
			return;
		}
		if (is_segment)
			add_segment(plan, segment, ms);
		else
			add_step(plan, bp, ms);
	} while (skip_comma(w) && !str_starts(w->rest, "bake"));
	bake_words(w, plan);
}

static void linear(struct words *w, struct plan *plan)
{
	int bp = weight_word(w, "the size of a step, such as 10%");
	struct str word;
	int64_t ms;

	if (w->bad)
		return;
	word = next_word(w);
	if (!str_is(word, "every")) {
		bad_word(w, word, "every and a duration: linear 10% every 2m");
		return;
	}
	ms = duration_word(w, "a duration such as 2m");
	if (!w->bad && !strategy_linear(plan, bp, ms)) {
		problem_add(w->problems, w->place, w->whole, "more than %d steps; take larger ones",
			    LIMIT_STEPS);
		w->bad = true;
	}
	bake_words(w, plan);
}

static void all_at_once(struct words *w, struct plan *plan)
{
	plan->n_steps = 0;
	add_step(plan, 10000, 0);
	bake_words(w, plan);
}

static bool preset(struct str name, struct plan *plan)
{
	for (size_t i = 0; i < sizeof(PRESETS) / sizeof(PRESETS[0]); i++) {
		const struct preset *p = &PRESETS[i];

		if (!str_is_nocase(name, p->name) &&
		    !(str_starts(name, "CodeDeployDefault.") &&
		      str_is_nocase(str_sub(name, sizeof("CodeDeployDefault.") - 1, name.n),
				    p->name)))
			continue;
		plan->n_steps = 0;
		if (p->kind == PRESET_LINEAR)
			return strategy_linear(plan, p->percent * 100, p->minutes * MINUTE_MS);
		add_step(plan, p->percent * 100, p->minutes * MINUTE_MS);
		return true;
	}
	return false;
}

bool strategy_parse(struct str text, const char *place, struct plan *plan, struct problems *p)
{
	const char *whole = str_dup(p->arena, str_trim(text));
	struct words w = {.rest = str_trim(text), .place = place, .whole = whole, .problems = p};
	struct str word = next_word(&w);

	plan->strategy = str_dup(p->arena, word);
	if (str_is(word, "canary"))
		canary(&w, plan);
	else if (str_is(word, "linear"))
		linear(&w, plan);
	else if (str_is(word, "blue-green") || str_is(word, "blue/green") ||
		 str_is(word, "all-at-once"))
		all_at_once(&w, plan);
	else if (preset(word, plan))
		bake_words(&w, plan);
	else
		bad_word(&w, word,
			 "canary 5% 10m, 25% 10m; linear 10% every 2m; blue-green bake 30m; "
			 "all-at-once; or a CodeDeploy name such as LambdaCanary10Percent5Minutes");
	return !w.bad;
}
