#include "tests/faults/sweep_main.h"

/* Releases to EC2 Auto Scaling groups, by copy and by twin. */

int main(void)
{
	static const struct sweep_case cases[] = {
		{"auto-scaling-copy-good", &sweep_auto_scaling_copy, NULL, 10, false},
		{"auto-scaling-copy-bad", &sweep_auto_scaling_copy, NULL, 10, true},
		{"auto-scaling-twin-good", &sweep_auto_scaling_twin, NULL, 10, false},
		{"auto-scaling-twin-bad", &sweep_auto_scaling_twin, NULL, 10, true},
	};

	return sweep_main(cases, sizeof(cases) / sizeof(cases[0]));
}
