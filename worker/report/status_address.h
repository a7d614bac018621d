#ifndef WORKER_REPORT_STATUS_ADDRESS_H
#define WORKER_REPORT_STATUS_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "aws/core/str.h"

/*
 * Where the status endpoint listens, and who may be meant by a request. Pure.
 */
struct status_address {
	bool on;
	bool loopback; /* reached from this machine only */
	struct sockaddr_storage at;
	socklen_t size;
};

/*
 * "off"; "9180" and "localhost:9180", which are 127.0.0.1; "10.0.0.5:9180", "[::1]:9180". Port 0 is
 * any. Names are not looked up. False when it is none of these.
 */
bool status_address_parse(struct str text, struct status_address *out);

/*
 * May a request with this Host header be answered? Yes for an IP address, for "localhost", and for
 * the names given (separated by commas; NULL: none). Any other name may be one that a web page had
 * resolved to this machine, to read here with the browser of somebody who works on it ("DNS
 * rebinding").
 */
bool status_host_is_ours(struct str host, const char *names);

#endif
