#include <assert.h>

#include "worker/target/target.h"

const struct target_ops *target_of(enum target_kind k)
{
	static const struct target_ops *const table[TARGET_KIND_COUNT] = {
		[TARGET_LAMBDA] = &target_lambda,
		[TARGET_LOAD_BALANCER] = &target_load_balancer,
		[TARGET_BEANSTALK] = &target_beanstalk,
		[TARGET_ECS] = &target_ecs,
		[TARGET_AUTO_SCALING] = &target_auto_scaling,
	};

	assert((unsigned)k < TARGET_KIND_COUNT && table[k]);
	return table[k];
}
