#include "aws/core/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "aws/core/str.h"

/*
 * Texts are built on the stack and copied into the caller's struct: an error path cannot run out of
 * memory, and the arguments may point into the old error.
 */
#define TEXT_ROOM (2 * sizeof(((struct err *)NULL)->text))

/* One line of what people can read, whatever the arguments held; cut between characters. */
static void set_text(struct err *err, const char *text)
{
	str_copy_clean(err->text, sizeof(err->text), str_from(text));
}

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	char text[TEXT_ROOM];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	*err = (struct err){.code = code};
	set_text(err, text);
	return -1;
}

int err_set_sys(struct err *err, enum err_code code, int errnum, const char *fmt, ...)
{
	const char *what = strerrordesc_np(errnum);
	char text[TEXT_ROOM];
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = strlen(text);
	snprintf(text + n, sizeof(text) - n, ": %s", what ? what : "unknown error");
	*err = (struct err){.code = code, .sys = errnum};
	set_text(err, text);
	return -1;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	char text[TEXT_ROOM];
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = strlen(text);
	snprintf(text + n, sizeof(text) - n, ": %s", err->text);
	set_text(err, text);
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
	return err->code == ERR_TIMEOUT || err->code == ERR_NETWORK || err->code == ERR_THROTTLED ||
	       err->code == ERR_UNAVAILABLE;
}
