#include "aws/core/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * Texts are built in place in the caller's struct: an error path cannot run out of memory.
 */
static void format_tail(struct err *err, size_t at, const char *fmt, va_list ap)
{
	if (at < sizeof(err->text))
		vsnprintf(err->text + at, sizeof(err->text) - at, fmt, ap);
}

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	struct err fresh = {.code = code};
	va_list ap;

	va_start(ap, fmt);
	format_tail(&fresh, 0, fmt, ap); /* arguments may point into the old text */
	va_end(ap);
	*err = fresh;
	return -1;
}

int err_set_sys(struct err *err, enum err_code code, int errnum, const char *fmt, ...)
{
	const char *what = strerrordesc_np(errnum);
	struct err fresh = {.code = code, .sys = errnum};
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	format_tail(&fresh, 0, fmt, ap);
	va_end(ap);
	n = strlen(fresh.text);
	snprintf(fresh.text + n, sizeof(fresh.text) - n, ": %s", what ? what : "unknown error");
	*err = fresh;
	return -1;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	struct err old = *err;
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	n = strlen(err->text);
	if (n < sizeof(err->text) - 1) {
		size_t room = sizeof(err->text) - 1 - n, m;
		const char sep[] = ": ";

		m = room < 2 ? room : 2;
		memcpy(err->text + n, sep, m);
		n += m;
		room -= m;
		m = strlen(old.text);
		m = m < room ? m : room;
		memcpy(err->text + n, old.text, m);
		err->text[n + m] = '\0';
	}
	return -1;
}

const char *err_code_name(enum err_code code)
{
	static const char *const names[ERR_CODE_COUNT] = {
		[ERR_OK] = "ok",
		[ERR_CANCELED] = "canceled",
		[ERR_TIMEOUT] = "timeout",
		[ERR_NETWORK] = "network",
		[ERR_THROTTLED] = "throttled",
		[ERR_UNAVAILABLE] = "unavailable",
		[ERR_DENIED] = "denied",
		[ERR_NOT_FOUND] = "not_found",
		[ERR_CONFLICT] = "conflict",
		[ERR_REJECTED] = "rejected",
		[ERR_MALFORMED] = "malformed",
		[ERR_LIMIT] = "limit",
		[ERR_UNSAFE] = "unsafe",
		[ERR_SYSTEM] = "system",
	};

	return (unsigned)code < ERR_CODE_COUNT ? names[code] : "unknown";
}

bool err_is_retryable(const struct err *err)
{
	return err->code == ERR_TIMEOUT || err->code == ERR_NETWORK ||
	       err->code == ERR_THROTTLED || err->code == ERR_UNAVAILABLE;
}
