#include "tests/faults/sweep_main.h"

/* Releases to EC2 Auto Scaling groups, by copy and by twin. */

int main(void)
{
	static const struct sweep_case cases[] = {
		{"auto-scaling-copy-good", &sweep_auto_scaling_copy, NULL, 10, false, 1},
		{"auto-scaling-copy-bad", &sweep_auto_scaling_copy, NULL, 10, true, 1},
		{"auto-scaling-twin-good", &sweep_auto_scaling_twin, NULL, 10, false, 1},
		{"auto-scaling-twin-bad", &sweep_auto_scaling_twin, NULL, 10, true, 1},
		{"auto-scaling-copy-blue-green-good", &sweep_auto_scaling_copy,
		 "blue-green bake 2m", 100, false, 2},
		{"auto-scaling-copy-blue-green-bad", &sweep_auto_scaling_copy, "blue-green bake 2m",
		 100, true, 2},
		{"auto-scaling-twin-linear-good", &sweep_auto_scaling_twin,
		 "linear 40% every 2m bake 2m", 40, false, 2},
		{"auto-scaling-twin-linear-bad", &sweep_auto_scaling_twin,
		 "linear 40% every 2m bake 2m", 40, true, 2},
	};

	return sweep_main(cases, sizeof(cases) / sizeof(cases[0]));
}
