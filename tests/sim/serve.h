#ifndef TESTS_SIM_SERVE_H
#define TESTS_SIM_SERVE_H

#include <stdint.h>

#include "aws/core/clock.h"
#include "aws/core/err.h"
#include "tests/sim/sim.h"

/*
 * The simulator on loopback, for real clients: every request is answered in the order of arrival
 * under one lock, at the time its clock says. Beside AWS it serves
 *
 *   POST /_sim/control     command lines; one JSON answer a line. Status 400 and
 *                          {"line":N,"error":"..."} at the first that is wrong; those before it
 *                          have been carried out
 *   GET  /_sim/calls       the record of calls
 *   GET  /_sim/splits      the record of splits
 *   GET  /_sim/pipelines   pipelines with executions, actions and reports
 *   GET  /_sim/now
 */
struct sim_server;

struct sim_server_options {
	struct sim *sim;     /* borrowed; touched by nobody else until sim_server_free() */
	struct clock *clock; /* borrowed; what simulated time follows */
	uint16_t port;	     /* on 127.0.0.1; 0: any that is free */
};

struct sim_server *sim_server_new(const struct sim_server_options *o, struct err *err);
void sim_server_free(struct sim_server *v); /* finishes what is being answered */

uint16_t sim_server_port(const struct sim_server *v);
void sim_server_tick(struct sim_server *v); /* let simulated time catch up with the clock */
/* Run command lines; appends the answers. ERR_REJECTED names the line that is wrong. */
int sim_server_control(struct sim_server *v, struct str lines, struct buf *out,
		       struct err *err) MUST_CHECK;

#endif
