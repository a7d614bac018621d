#ifndef TESTS_SIM_SIM_CLOUDWATCH_H
#define TESTS_SIM_SIM_CLOUDWATCH_H

#include "tests/sim/sim_alarm.h"

/* What the files of the simulated CloudWatch share. */
struct sim_cloudwatch_state {
	struct sim_metric_store *metrics;
	struct sim_alarm *alarms; /* by name */
};

/* One call: JSON and query requests look the same from here on. */
struct sim_cloudwatch_call {
	struct sim_cloudwatch_state *cw;
	const struct sim_exchange *x;
	const struct json *in;
	struct json_out out; /* the members of the answer are written here */
};

/* Answers with an error in the caller's protocol; returns -1. */
int sim_cloudwatch_error(const struct sim_cloudwatch_call *c, const char *code, const char *text);

/* Operations write the answer's members into c->out and return 0, or answer an error and -1. */
int sim_get_metric_data(struct sim_cloudwatch_call *c) MUST_CHECK;
int sim_put_metric_data(struct sim_cloudwatch_call *c) MUST_CHECK;
int sim_describe_alarms(struct sim_cloudwatch_call *c) MUST_CHECK;

/* "Name=value,Name=value" in name order, in the arena; from a list of {Name, Value}, or sorted. */
struct str sim_dimensions_of(struct arena *a, const struct json *list);
struct str sim_dimensions_sorted(struct arena *a, struct str dimensions);
/* The other way: the list. */
void sim_dimensions_write(struct json_out *o, const char *dimensions);

/* sim_cloudwatch_control.c */
int sim_cloudwatch_control(struct sim *s, void *state, const struct sim_words *w,
			   struct json_out *out, struct err *err) MUST_CHECK;

#endif
