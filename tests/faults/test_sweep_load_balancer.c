#include "tests/faults/sweep_main.h"

/* Releases by the weights and rules of a load balancer. */

int main(void)
{
	static const struct sweep_case cases[] = {
		{"load-balancer-good", &sweep_load_balancer, NULL, 10, false, 1},
		{"load-balancer-bad", &sweep_load_balancer, NULL, 10, true, 1},
		{"load-balancer-segments-good", &sweep_load_balancer_segments, SWEEP_SEGMENTS, 0,
		 false, 1},
		{"load-balancer-segments-bad", &sweep_load_balancer_segments, SWEEP_SEGMENTS, 0,
		 true, 1},
		{"load-balancer-linear-good", &sweep_load_balancer, "linear 40% every 2m bake 2m",
		 40, false, 8},
		{"load-balancer-linear-bad", &sweep_load_balancer, "linear 40% every 2m bake 2m",
		 40, true, 8},
		{"load-balancer-blue-green-good", &sweep_load_balancer, "blue-green bake 2m", 100,
		 false, 8},
		{"load-balancer-blue-green-bad", &sweep_load_balancer, "blue-green bake 2m", 100,
		 true, 8},
	};

	return sweep_main(cases, sizeof(cases) / sizeof(cases[0]));
}
