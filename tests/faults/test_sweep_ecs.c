#include "tests/faults/sweep_main.h"

/* Releases to ECS, by its own controller and by two services. */

int main(void)
{
	static const struct sweep_case cases[] = {
		{"ecs-native-good", &sweep_ecs_native, "canary 10% 2m bake 2m", 10, false},
		{"ecs-native-bad", &sweep_ecs_native, "canary 10% 2m bake 2m", 10, true},
		{"ecs-two-good", &sweep_ecs_two, NULL, 10, false},
		{"ecs-two-bad", &sweep_ecs_two, NULL, 10, true},
	};

	return sweep_main(cases, sizeof(cases) / sizeof(cases[0]));
}
