#ifndef WORKER_ROLLOUT_STRATEGY_H
#define WORKER_ROLLOUT_STRATEGY_H

#include <stdbool.h>

#include "worker/rollout/plan.h"

/*
 * A strategy compiles to steps and a bake time; one machine serves them all.
 *
 *   canary 5% 10m, 25% 10m, 50% 10m [bake 15m]   those steps, then everything
 *   canary @staff 10m, 5% 10m [bake 15m]         a segment of the plan file first
 *   linear 10% every 2m [bake 15m]               10, 20, ... 90, then everything
 *   blue-green [bake 30m]                        everything in one step
 *   all-at-once [bake 30m]                       the same
 *   LambdaCanary10Percent5Minutes ...            CodeDeploy's predefined names
 */

/*
 * Compile the one-line form into plan->strategy, steps and bake_ms. Segments it names are looked up
 * in plan->segments. Problems are added under
 * `place`; false when there are any.
 */
bool strategy_parse(struct str text, const char *place, struct plan *plan, struct problems *p);

/*
 * Steps of `linear`: rises by step_bp every interval as long as it is under 10,000; the promotion
 * does the rest. False when that takes more than LIMIT_STEPS, or step_bp is not positive.
 */
bool strategy_linear(struct plan *plan, int step_bp, int64_t every_ms);

#endif
