#ifndef TESTS_TORTURE_WRAP_WORLD_H
#define TESTS_TORTURE_WRAP_WORLD_H

#include <stdbool.h>

/*
 * From now on a worker of the in-process world that ends itself is a process that died: what it
 * held is lost with it, and the world starts it again after its usual pause.
 */
void wrap_world_supervise(void);

/* Nothing fails while it is spared; it is not, at first. */
void wrap_world_spare(bool spared);

#endif
