#include "aws/core/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aws/core/cancel.h"
#include "aws/core/mem.h"

/*
 * The system's clocks, a faster one for the simulator, and texts of moments. The calendar is our
 * own arithmetic (days since the epoch in the proleptic Gregorian calendar, years counted from
 * March): no time zone, no locale, no static buffers.
 */
#define SPEED_MAX 1e6
#define DAY_MS 86400000ll
#define UTC_MS_MAX 253402300799999ll /* 9999-12-31T23:59:59.999Z */

static int64_t read_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t read_ms(clockid_t id)
{
	return read_us(id) / 1000;
}

static int sleep_real(int64_t ms, struct cancel *cancel, struct err *err)
{
	if (cancel) {
		if (cancel_wait(cancel, ms))
			return err_set(err, ERR_CANCELED, "canceled while waiting");
	} else if (ms > 0) {
		struct timespec ts = {ms / 1000, (long)(ms % 1000) * 1000000};

		while (clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &ts) == EINTR)
			;
	}
	return 0;
}

static struct utc system_utc(struct clock *c)
{
	(void)c;
	return (struct utc){read_ms(CLOCK_REALTIME)};
}

static struct mono system_mono(struct clock *c)
{
	(void)c;
	return (struct mono){read_ms(CLOCK_MONOTONIC)};
}

static int system_sleep(struct clock *c, int64_t ms, struct cancel *cancel, struct err *err)
{
	(void)c;
	return sleep_real(ms, cancel, err);
}

struct clock *clock_system(void)
{
	static struct clock c = {.utc = system_utc, .mono = system_mono, .sleep = system_sleep};

	return &c;
}

int clock_sleep(struct clock *c, int64_t ms, struct cancel *cancel, struct err *err)
{
	return c->sleep(c, ms, cancel, err);
}

int64_t clock_real_ms(struct clock *c, int64_t ms)
{
	int64_t real = c->real_ms ? c->real_ms(c, ms) : ms;

	return ms > 0 && real < 1 ? 1 : real;
}

/* --- scaled ---------------------------------------------------------------------------------- */

struct scaled {
	struct clock clock; /* first */
	struct utc origin;
	int64_t origin_mono_us;
	double speed;
};

/* Scaled from microseconds: from milliseconds a clock of speed 100 would move in steps of 100. */
static int64_t scale(const struct scaled *s, int64_t real_us)
{
	return (int64_t)((double)real_us * s->speed / 1000);
}

static struct utc scaled_utc(struct clock *c)
{
	struct scaled *s = (struct scaled *)c;
	int64_t past_us = read_us(CLOCK_REALTIME) - s->origin.ms * 1000;

	return (struct utc){s->origin.ms + scale(s, past_us)};
}

static struct mono scaled_mono(struct clock *c)
{
	struct scaled *s = (struct scaled *)c;

	return (struct mono){scale(s, read_us(CLOCK_MONOTONIC) - s->origin_mono_us)};
}

/* Rounded up: a wait that ends early would end before its moment. */
static int64_t scaled_real_ms(struct clock *c, int64_t ms)
{
	double exact = (double)ms / ((struct scaled *)c)->speed;
	int64_t real;

	if (exact >= (double)INT64_MAX)
		return INT64_MAX;
	real = (int64_t)exact;
	return (double)real < exact ? real + 1 : real;
}

static int scaled_sleep(struct clock *c, int64_t ms, struct cancel *cancel, struct err *err)
{
	return sleep_real(clock_real_ms(c, ms), cancel, err);
}

struct clock *clock_scaled_new(struct utc origin, double speed)
{
	struct scaled *s = xcalloc(1, sizeof(*s));

	assert(speed > 0 && speed <= SPEED_MAX);
	s->clock = (struct clock){.utc = scaled_utc,
				  .mono = scaled_mono,
				  .sleep = scaled_sleep,
				  .real_ms = scaled_real_ms};
	s->origin = origin;
	s->origin_mono_us = read_us(CLOCK_MONOTONIC);
	s->speed = speed;
	return &s->clock;
}

/* --- the calendar ---------------------------------------------------------------------------- */

struct civil {
	int64_t year, month, day, hour, minute, second, ms;
};

/* Days since 1970-01-01, from year 1. The year starts in March: the leap day is its last. */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = y / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

static struct civil civil_from_utc(struct utc t)
{
	int64_t in_range = t.ms < 0 ? 0 : t.ms > UTC_MS_MAX ? UTC_MS_MAX : t.ms;
	int64_t days = in_range / DAY_MS, rest = in_range % DAY_MS;
	int64_t z = days + 719468, era = z / 146097, doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	struct civil c = {.day = doy - (153 * mp + 2) / 5 + 1, .month = mp + (mp < 10 ? 3 : -9)};

	c.year = yoe + era * 400 + (c.month <= 2);
	c.hour = rest / 3600000;
	c.minute = rest / 60000 % 60;
	c.second = rest / 1000 % 60;
	c.ms = rest % 1000;
	return c;
}

/*
 * A second of 60 is a leap second, which RFC 3339 and RFC 9110 allow; POSIX time counts it as the
 * second after it.
 */
static bool utc_from_civil(const struct civil *c, int64_t east_ms, struct utc *out)
{
	int64_t ms;
	static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (c->year % 4 == 0 && c->year % 100 != 0) || c->year % 400 == 0;

	if (c->year < 1970 || c->year > 9999 || c->month < 1 || c->month > 12 || c->day < 1 ||
	    c->day > month_days[c->month - 1] || (c->month == 2 && c->day == 29 && !leap) ||
	    c->hour > 23 || c->minute > 59 || c->second > 60 ||
	    (c->second == 60 && c->minute != 59))
		return false;
	ms = days_from_civil(c->year, c->month, c->day) * DAY_MS + c->hour * 3600000 +
	     c->minute * 60000 + c->second * 1000 + c->ms - east_ms;
	if (ms < 0 || ms > UTC_MS_MAX)
		return false;
	out->ms = ms;
	return true;
}

void utc_format_iso(struct utc t, char out[UTC_ISO_SIZE])
{
	struct civil c = civil_from_utc(t);
	char text[64];

	if (c.ms)
		snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)c.year,
			 (int)c.month, (int)c.day, (int)c.hour, (int)c.minute, (int)c.second,
			 (int)c.ms);
	else
		snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)c.year,
			 (int)c.month, (int)c.day, (int)c.hour, (int)c.minute, (int)c.second);
	str_copy(out, UTC_ISO_SIZE, str_from(text));
}

void utc_format_amz(struct utc t, char out[UTC_AMZ_SIZE])
{
	struct civil c = civil_from_utc(t);
	char text[64];

	snprintf(text, sizeof(text), "%04d%02d%02dT%02d%02d%02dZ", (int)c.year, (int)c.month,
		 (int)c.day, (int)c.hour, (int)c.minute, (int)c.second);
	str_copy(out, UTC_AMZ_SIZE, str_from(text));
}

/* --- reading --------------------------------------------------------------------------------- */

/* Cut n digits off the front. */
static bool digits(struct str *s, size_t n, int64_t *out)
{
	uint64_t v;

	if (s->n < n || !str_parse_u64(str_sub(*s, 0, n), 0, INT64_MAX, &v))
		return false;
	*out = (int64_t)v;
	*s = str_sub(*s, n, s->n);
	return true;
}

static bool literal(struct str *s, const char *text)
{
	if (!str_starts(*s, text))
		return false;
	*s = str_sub(*s, strlen(text), s->n);
	return true;
}

static bool fraction(struct str *s, int64_t *ms)
{
	int64_t unit = 100;
	size_t n = 0;

	*ms = 0;
	for (; n < s->n && s->p[n] >= '0' && s->p[n] <= '9'; n++) {
		*ms += unit * (s->p[n] - '0');
		unit /= 10;
	}
	*s = str_sub(*s, n, s->n);
	return n > 0;
}

/* "Z", "+05:30", "-08:00": milliseconds east of UTC. */
static bool offset(struct str *s, int64_t *ms)
{
	int64_t hours, minutes, sign;

	*ms = 0; /* Lambda writes +0000 in LastModified, hence the optional colon */
	if (literal(s, "Z") || literal(s, "z"))
		return true;
	sign = literal(s, "+") ? 1 : literal(s, "-") ? -1 : 0;
	if (!sign || !digits(s, 2, &hours))
		return false;
	literal(s, ":");
	if (!digits(s, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ms = sign * (hours * 60 + minutes) * 60000;
	return true;
}

static bool clock_time(struct str *s, struct civil *c)
{
	return digits(s, 2, &c->hour) && literal(s, ":") && digits(s, 2, &c->minute) &&
	       literal(s, ":") && digits(s, 2, &c->second);
}

bool utc_parse_iso(struct str s, struct utc *out)
{
	struct civil c = {0};
	int64_t east;

	if (!digits(&s, 4, &c.year) || !literal(&s, "-") || !digits(&s, 2, &c.month) ||
	    !literal(&s, "-") || !digits(&s, 2, &c.day) ||
	    !(literal(&s, "T") || literal(&s, "t") || literal(&s, " ")) || !clock_time(&s, &c))
		return false;
	if (literal(&s, ".") && !fraction(&s, &c.ms))
		return false;
	return offset(&s, &east) && s.n == 0 && utc_from_civil(&c, east, out);
}

bool utc_parse_amz(struct str s, struct utc *out)
{
	struct civil c = {0};

	return s.n == UTC_AMZ_SIZE - 1 && digits(&s, 4, &c.year) && digits(&s, 2, &c.month) &&
	       digits(&s, 2, &c.day) && literal(&s, "T") && digits(&s, 2, &c.hour) &&
	       digits(&s, 2, &c.minute) && digits(&s, 2, &c.second) && literal(&s, "Z") &&
	       utc_from_civil(&c, 0, out);
}

/* Cut one of the names off the front; its number from 1, or 0. */
static int name(struct str *s, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		if (literal(s, names[i]))
			return i + 1;
	return 0;
}

static bool month_name(struct str *s, int64_t *month)
{
	static const char *const names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

	*month = name(s, names, 12);
	return *month > 0;
}

/* ", 06 Nov 1994 08:49:37 GMT" */
static bool imf_fixdate(struct str s, struct civil *c)
{
	return literal(&s, ", ") && digits(&s, 2, &c->day) && literal(&s, " ") &&
	       month_name(&s, &c->month) && literal(&s, " ") && digits(&s, 4, &c->year) &&
	       literal(&s, " ") && clock_time(&s, c) && literal(&s, " GMT") && s.n == 0;
}

/*
 * ", 06-Nov-94 08:49:37 GMT". RFC 9110 has the century depend on the present; a fixed window from
 * 1970 to 2069 says the same in practice and needs no clock.
 */
static bool rfc850(struct str s, struct civil *c)
{
	if (!literal(&s, ", ") || !digits(&s, 2, &c->day) || !literal(&s, "-") ||
	    !month_name(&s, &c->month) || !literal(&s, "-") || !digits(&s, 2, &c->year) ||
	    !literal(&s, " ") || !clock_time(&s, c) || !literal(&s, " GMT") || s.n)
		return false;
	c->year += c->year < 70 ? 2000 : 1900;
	return true;
}

/* " Nov  6 08:49:37 1994" */
static bool asctime_date(struct str s, struct civil *c)
{
	return literal(&s, " ") && month_name(&s, &c->month) && literal(&s, " ") &&
	       (literal(&s, " ") ? digits(&s, 1, &c->day) : digits(&s, 2, &c->day)) &&
	       literal(&s, " ") && clock_time(&s, c) && literal(&s, " ") &&
	       digits(&s, 4, &c->year) && s.n == 0;
}

/* The day's name must be one, but is not compared with the date: nothing depends on it. */
bool utc_parse_http(struct str s, struct utc *out)
{
	static const char *const longs[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
					    "Friday", "Saturday", "Sunday"};
	static const char *const shorts[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	struct civil c = {0};

	if (name(&s, longs, 7))
		return rfc850(s, &c) && utc_from_civil(&c, 0, out);
	if (!name(&s, shorts, 7))
		return false;
	return (imf_fixdate(s, &c) || asctime_date(s, &c)) && utc_from_civil(&c, 0, out);
}
