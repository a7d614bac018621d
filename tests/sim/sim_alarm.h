#ifndef TESTS_SIM_SIM_ALARM_H
#define TESTS_SIM_SIM_ALARM_H

#include "tests/sim/sim_math.h"
#include "tests/sim/sim_metrics.h"

/*
 * Alarms that evaluate themselves as CloudWatch's do: once a minute, or every ten seconds when the
 * period is shorter than a minute, over whole periods that have ended. Source of the rules: "How
 * alarm state is evaluated when data is missing", Amazon CloudWatch User Guide.
 */
enum sim_alarm_state { SIM_ALARM_OK, SIM_ALARM_ALARM, SIM_ALARM_INSUFFICIENT };
enum sim_missing {
	SIM_MISSING_MISSING,
	SIM_MISSING_NOT_BREACHING,
	SIM_MISSING_BREACHING,
	SIM_MISSING_IGNORE
};
enum sim_compare { SIM_GREATER, SIM_GREATER_EQUAL, SIM_LESS, SIM_LESS_EQUAL };

/* One metric an alarm looks at. Strings are owned. */
struct sim_alarm_input {
	char *ns, *name, *dimensions, *stat;
};

/* Metric data arrives a little late; alarms wait for it. */
#define SIM_ALARM_DELAY_MS 5000
#define SIM_ALARM_DELAY_FAST_MS 2000
#define SIM_ALARM_PERIODS_MAX 100
#define SIM_RULE_OPS 64

/* A composite rule in postfix: a state to compare with an alarm, or & | ! or the constants T F. */
struct sim_rule {
	size_t n;
	struct {
		char kind; /* 'a' alarm in state, '&' '|' '!' 'T' 'F' */
		enum sim_alarm_state state;
		char name[256];
	} op[SIM_RULE_OPS];
};

struct sim_alarm {
	struct sim_alarm *next; /* by name */
	char name[256];
	char arn[384];
	enum sim_alarm_state state;
	char reason[1024];
	char reason_data[512]; /* "": there is none, as of a composite alarm */
	struct utc configured, updated, transitioned;

	/* composite */
	struct sim_rule *rule; /* NULL for a metric alarm */
	char *rule_text;

	/* metric: the expression is "m1" over the one input, unless it was given */
	char *expression; /* NULL for a plain metric */
	struct sim_math math;
	struct sim_alarm_input inputs[SIM_MATH_IDS]; /* as math.id */
	int64_t period_s, evaluation_periods;
	int64_t datapoints; /* 0: not given */
	double threshold;
	enum sim_compare compare;
	enum sim_missing missing;
	struct utc next_evaluation;
};

void sim_alarm_free(struct sim_alarm *a); /* NULL does nothing */
const char *sim_alarm_state_name(enum sim_alarm_state st);
bool sim_alarm_state_parse(struct str s, enum sim_alarm_state *out);
const char *sim_missing_name(enum sim_missing m);
bool sim_missing_parse(struct str s, enum sim_missing *out);
const char *sim_compare_name(enum sim_compare c);
bool sim_compare_parse(struct str s, enum sim_compare *out);

/* Enter a state with a reason; the same state again only changes the reason. */
void sim_alarm_enter(struct sim_alarm *a, enum sim_alarm_state st, const char *reason,
		     struct utc now);

/* Evaluate a metric alarm when it is due. */
void sim_alarm_evaluate(struct sim_alarm *a, const struct sim_metric_store *st, struct utc now);
/* Evaluate a composite alarm against all alarms; done whenever one of them may have changed. */
void sim_alarm_compose(struct sim_alarm *a, const struct sim_alarm *all, struct utc now);

int sim_rule_parse(struct sim_rule *r, struct str text, struct err *err) MUST_CHECK;

#endif
