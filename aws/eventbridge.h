#ifndef AWS_EVENTBRIDGE_H
#define AWS_EVENTBRIDGE_H

#include "aws/call.h"
#include "aws/core/err.h"
#include "aws/core/mem.h"

/*
 * EventBridge: put events on a bus. JSON 1.1, AWSEvents. Blocks; callable from any thread.
 */
extern const struct aws_service eventbridge_service;

#define EVENTBRIDGE_ENTRIES_MAX 10
#define EVENTBRIDGE_REQUEST_MAX (256u << 10) /* bytes of all entries together, less than that */

struct eventbridge_entry {
	const char *source, *detail_type;
	const char *detail; /* JSON, one object */
	struct utc time;
	/* set by eventbridge_put_events(): what became of it */
	bool taken;
	struct err err; /* when it was not taken */
};

/*
 * Put 1 to EVENTBRIDGE_ENTRIES_MAX entries on a bus: its name, or its ARN, whose region has to be
 * the client's. -1: none of them was taken, as far as is known. 0: the answer says of each entry
 * whether it was (a 200 may say that all of them were refused): ERR_THROTTLED and ERR_UNAVAILABLE
 * of an entry pass, anything else stays. There is no idempotency: after err->sent they may have got
 * through. A single attempt is made: whoever calls keeps the events and comes again.
 */
int eventbridge_put_events(const struct aws_client *c, const char *bus,
			   struct eventbridge_entry *entries, size_t n, struct arena *a,
			   struct err *err) MUST_CHECK;

/*
 * Is this the name of a bus, or its ARN? *region: of the ARN, empty for a name.
 */
bool eventbridge_bus_parse(struct str bus, struct str *region);

#endif
