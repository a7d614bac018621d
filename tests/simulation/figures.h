#ifndef TESTS_SIMULATION_FIGURES_H
#define TESTS_SIMULATION_FIGURES_H

#include "tests/simulation/run.h"

/* What many runs come to. */
struct figures;

struct figures *figures_new(void);
void figures_free(struct figures *f);
void figures_add(struct figures *f, const struct run_result *r);
/* seconds: of real time that it took. */
void figures_print(struct figures *f, double seconds);

#endif
