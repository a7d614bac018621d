#include "tests/faults/sweep_main.h"

/* Releases to a Lambda alias. */

int main(void)
{
	static const struct sweep_case cases[] = {
		{"lambda-good", &sweep_lambda, NULL, 10, false, 1},
		{"lambda-bad", &sweep_lambda, NULL, 10, true, 1},
		{"lambda-segments-good", &sweep_lambda_segments, SWEEP_SEGMENTS, 0, false, 1},
		{"lambda-segments-bad", &sweep_lambda_segments, SWEEP_SEGMENTS, 0, true, 1},
		{"lambda-linear-good", &sweep_lambda, "linear 40% every 2m bake 2m", 40, false, 8},
		{"lambda-linear-bad", &sweep_lambda, "linear 40% every 2m bake 2m", 40, true, 8},
		{"lambda-blue-green-good", &sweep_lambda, "blue-green bake 2m", 100, false, 8},
		{"lambda-blue-green-bad", &sweep_lambda, "blue-green bake 2m", 100, true, 8},
	};

	return sweep_main(cases, sizeof(cases) / sizeof(cases[0]));
}
