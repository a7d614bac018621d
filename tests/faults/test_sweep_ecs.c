#include "tests/faults/sweep_main.h"

/* Releases to ECS, by its own controller and by two services. */

int main(void)
{
	static const struct sweep_case cases[] = {
		{"ecs-native-good", &sweep_ecs_native, "canary 10% 2m bake 2m", 10, false, 1},
		{"ecs-native-bad", &sweep_ecs_native, "canary 10% 2m bake 2m", 10, true, 1},
		{"ecs-two-good", &sweep_ecs_two, NULL, 10, false, 1},
		{"ecs-two-bad", &sweep_ecs_two, NULL, 10, true, 1},
		{"ecs-native-linear-good", &sweep_ecs_native, "linear 50% every 2m bake 2m", 50,
		 false, 4},
		{"ecs-native-linear-bad", &sweep_ecs_native, "linear 50% every 2m bake 2m", 50,
		 true, 4},
		{"ecs-native-blue-green-good", &sweep_ecs_native, "blue-green bake 2m", 100, false,
		 4},
		{"ecs-native-blue-green-bad", &sweep_ecs_native, "blue-green bake 2m", 100, true,
		 4},
		{"ecs-two-blue-green-good", &sweep_ecs_two, "blue-green bake 2m", 100, false, 4},
		{"ecs-two-blue-green-bad", &sweep_ecs_two, "blue-green bake 2m", 100, true, 4},
	};

	return sweep_main(cases, sizeof(cases) / sizeof(cases[0]));
}
