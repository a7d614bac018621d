#ifndef AWS_CORE_CLOCK_H
#define AWS_CORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/core/err.h"
#include "aws/core/str.h"

struct cancel;

/*
 * Time. Wall time says what people and AWS mean by a moment; monotonic time measures waits. The two
 * have different types, so that mixing them does not compile.
 */
struct utc {
	int64_t ms; /* milliseconds since 1970-01-01T00:00:00Z */
};

struct mono {
	int64_t ms; /* milliseconds since some fixed moment of this process */
};

/*
 * The clock seam: one of the three. Nothing below main() reads a clock by itself.
 *
 * sleep() waits until `ms` milliseconds have passed or cancel (may be NULL) fires; the virtual
 * clock of the simulator moves time forward instead. It returns ERR_CANCELED when cancel fired.
 */
struct clock {
	struct utc (*utc)(struct clock *c);
	struct mono (*mono)(struct clock *c);
	int (*sleep)(struct clock *c, int64_t ms, struct cancel *cancel, struct err *err);
	/*
	 * Real milliseconds that ms of this clock take, for a thread that waits on a condition
	 * with a time limit. NULL: the same number.
	 */
	int64_t (*real_ms)(struct clock *c, int64_t ms);
};

struct clock *clock_system(void); /* a singleton; thread-safe */

/*
 * A clock that runs `speed` times as fast as the system's and agreed with it at `origin`: what the
 * worker and the served simulator share in the demo and in end-to-end tests. main() accepts it for
 * loopback endpoints only. Thread-safe; the caller frees it with free().
 */
struct clock *clock_scaled_new(struct utc origin, double speed);

int64_t clock_real_ms(struct clock *c, int64_t ms); /* at least 1 when ms is positive */

static inline struct utc clock_utc(struct clock *c)
{
	return c->utc(c);
}

static inline struct mono clock_mono(struct clock *c)
{
	return c->mono(c);
}

int clock_sleep(struct clock *c, int64_t ms, struct cancel *cancel, struct err *err) MUST_CHECK;

/* Texts of a moment. The buffers must have the stated size. Years 1970 to 9999. */
#define UTC_ISO_SIZE 25	 /* 2026-01-02T03:04:05.678Z */
#define UTC_AMZ_SIZE 17	 /* 20260102T030405Z, as SigV4 wants it */
void utc_format_iso(struct utc t, char out[UTC_ISO_SIZE]); /* without fraction when it is 0 */
void utc_format_amz(struct utc t, char out[UTC_AMZ_SIZE]);

/*
 * Read a moment. ISO: "2026-01-02T03:04:05Z", with optional fraction and numeric offset
 * (RFC 3339, whose colon in the offset may be missing). HTTP: the three forms of RFC 9110, 5.6.7.
 * False when it is none of these, or the moment is outside the years 1970 to 9999.
 */
bool utc_parse_iso(struct str s, struct utc *out);
bool utc_parse_http(struct str s, struct utc *out);
bool utc_parse_amz(struct str s, struct utc *out);

#endif
