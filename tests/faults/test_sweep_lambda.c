#include "tests/faults/sweep_main.h"

/* Releases to a Lambda alias. */

int main(void)
{
	static const struct sweep_case cases[] = {
		{"lambda-good", &sweep_lambda, NULL, 10, false},
		{"lambda-bad", &sweep_lambda, NULL, 10, true},
		{"lambda-segments-good", &sweep_lambda_segments, SWEEP_SEGMENTS, 0, false},
		{"lambda-segments-bad", &sweep_lambda_segments, SWEEP_SEGMENTS, 0, true},
	};

	return sweep_main(cases, sizeof(cases) / sizeof(cases[0]));
}
