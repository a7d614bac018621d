#ifndef WORKER_REPORT_FILES_H
#define WORKER_REPORT_FILES_H

#include "worker/config.h"
#include "worker/ledger.h"
#include "worker/report/report.h"

/*
 * Reports read from the ledger, and kept on disk: STATE_DIR/reports/ID.json, .md and .html, written
 * when a rollout has ended. The oldest go when there are more than the setting `reports`, or when
 * all of them take more than REPORT_FILES_BYTES; so they never fill a disk.
 */
#define REPORT_FILES_BYTES (64ll << 20) /* a thousand usual ones: 60 KiB in all three forms */

/* Everything the ledger has of it; texts live in the arena. ERR_NOT_FOUND: it has nothing. */
int report_read(struct ledger *l, const char *rollout_id, struct utc now, struct arena *a,
		struct report *out, struct err *err) MUST_CHECK;

/* Write the three files, each whole or not at all, and remove what is too old. Blocks on disk. */
int report_files_write(const struct config *c, const struct report *r, struct err *err) MUST_CHECK;

#endif
