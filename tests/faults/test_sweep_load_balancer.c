#include "tests/faults/sweep_main.h"

/* Releases by the weights and rules of a load balancer. */

int main(void)
{
	static const struct sweep_case cases[] = {
		{"load-balancer-good", &sweep_load_balancer, NULL, 10, false},
		{"load-balancer-bad", &sweep_load_balancer, NULL, 10, true},
		{"load-balancer-segments-good", &sweep_load_balancer_segments, SWEEP_SEGMENTS, 0,
		 false},
		{"load-balancer-segments-bad", &sweep_load_balancer_segments, SWEEP_SEGMENTS, 0,
		 true},
	};

	return sweep_main(cases, sizeof(cases) / sizeof(cases[0]));
}
