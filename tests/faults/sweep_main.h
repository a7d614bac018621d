#ifndef TESTS_FAULTS_SWEEP_MAIN_H
#define TESTS_FAULTS_SWEEP_MAIN_H

#include "tests/faults/sweep.h"

/*
 * A test program over these cases: each runs untouched first, then meets every kind of fault at the
 * n-th call, for n from the first to the last call of the rollout, until a run ends untouched; and
 * then faults all the way, one after the other. SWEEP=dense: a crash in every gap between two
 * calls and each of the other kinds every few calls, both as much sparser as the case asks for. By
 * default every second one of these, which is for every change; SWEEP=full takes every call,
 * SWEEP_STRIDE every so many. One run is repeated, with its log, by SWEEP_CASE, SWEEP_KIND,
 * SWEEP_N, SWEEP_TIMES, SWEEP_SEED and VERBOSE=1. Returns the exit status.
 */
int sweep_main(const struct sweep_case *cases, size_t n);

#endif
