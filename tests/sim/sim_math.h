#ifndef TESTS_SIM_SIM_MATH_H
#define TESTS_SIM_SIM_MATH_H

#include "aws/core/err.h"
#include "aws/core/str.h"

/*
 * Metric math, the part the project uses: numbers, ids, + - * /, parentheses, FILL(x, number).
 * Compiled once to postfix and evaluated for one moment at a time.
 */
#define SIM_MATH_OPS 64
#define SIM_MATH_IDS 12
#define SIM_MATH_ID_SIZE 64

struct sim_math {
	size_t n, n_ids;
	struct sim_math_op {
		char kind;     /* 'n' number, 'v' variable, + - * / or '~' negate, 'F' fill */
		double number; /* of 'n' */
		size_t id;     /* of 'v' */
	} op[SIM_MATH_OPS];
	char id[SIM_MATH_IDS][SIM_MATH_ID_SIZE];
};

/* ERR_REJECTED with what is wrong. */
int sim_math_parse(struct sim_math *m, struct str text, struct err *err) MUST_CHECK;

/* v[i] is the value of id[i] and counts when have[i]. False: no datapoint at this moment. */
bool sim_math_eval(const struct sim_math *m, const bool *have, const double *v, double *out);

#endif
