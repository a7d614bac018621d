#include "aws/core/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/core/buf.h"
#include "aws/core/mem.h"

/*
 * A line is built in a buffer of at most LINE_MAX_BYTES and written by one write(2), which keeps
 * lines of several threads apart. A value that does not fit is cut and marked. Values are escaped
 * in both forms, so a line is always one event.
 */
#define LINE_MAX_BYTES 4096
#define TAIL_BYTES 32 /* room for one escape (16), the mark, closing quote and brace, newline */
#define HEAD_MAX_BYTES 4     /* "<6>{"; any first field is longer */
#define NUMBER_MAX_BYTES 32  /* the longest number with what stands around key and value */
#define VALUE_MAX_BYTES 1024 /* so that one value does not push out the others */

struct log {
	int fd;
	enum log_format format;
	enum log_level level;
	bool systemd;
	struct clock *clock;
	const struct log *parent;
	struct log_field *fields; /* copied, ended by a NULL key */
};

static const struct log_field NO_FIELDS[] = {{.key = NULL}};
static const char *const LEVEL_NAMES[] = {"error", "warn", "info", "debug"};

struct log *log_new(int fd, enum log_format format, enum log_level level, bool systemd,
		    struct clock *clock)
{
	struct log *l = xcalloc(1, sizeof(*l));

	*l = (struct log){
		.fd = fd, .format = format, .level = level, .systemd = systemd, .clock = clock};
	return l;
}

struct log *log_with_fields(struct log *parent, const struct log_field *fields)
{
	struct log *l;
	size_t n = 0;

	if (!parent)
		return NULL;
	while (fields[n].key)
		n++;
	l = xcalloc(1, sizeof(*l));
	*l = *parent;
	l->parent = parent;
	l->fields = xcalloc(n + 1, sizeof(*fields));
	for (size_t i = 0; i < n; i++) {
		l->fields[i] = fields[i];
		l->fields[i].key = xstrdup(fields[i].key);
		l->fields[i].s.p = xstrndup(fields[i].s.p, fields[i].s.n);
	}
	return l;
}

void log_free(struct log *l)
{
	if (!l)
		return;
	for (struct log_field *f = l->fields; f && f->key; f++) {
		free((void *)(uintptr_t)f->key);
		free((void *)(uintptr_t)f->s.p);
	}
	free(l->fields);
	free(l);
}

/* --- text ------------------------------------------------------------------------------------ */

static bool is_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\')
			return false;
	}
	return s.n > 0;
}

/*
 * One character that is not written as it is, or one byte that is none. JSON has no notation for
 * bytes that are not UTF-8, and many of its readers refuse a NUL.
 */
static void add_escaped(struct buf *b, struct str part, enum log_format format)
{
	if (str_is(part, "\n"))
		buf_adds(b, "\\n");
	else if (str_is(part, "\r"))
		buf_adds(b, "\\r");
	else if (str_is(part, "\t"))
		buf_adds(b, "\\t");
	else if (str_is(part, "\"") || str_is(part, "\\"))
		buf_addf(b, "\\%c", part.p[0]);
	else if (format == LOG_JSON && part.p[0] && str_utf8_length(part, 0))
		buf_add_utf16_escape(b, part);
	else if (format == LOG_JSON)
		buf_adds(b, "\\ufffd");
	else
		for (size_t i = 0; i < part.n; i++)
			buf_addf(b, "\\x%02x", (unsigned char)part.p[i]);
}

/* Escaped text in quotes; cut, with a mark, where the value or the line gets too long. */
static void add_quoted(struct buf *b, struct str s, enum log_format format)
{
	size_t start = b->n;

	buf_addc(b, '"');
	for (size_t i = 0; i < s.n;) {
		size_t n = str_utf8_length(s, i);
		struct str part = str_sub(s, i, i + (n ? n : 1));

		if (b->n - start > VALUE_MAX_BYTES || b->n > LINE_MAX_BYTES - TAIL_BYTES) {
			buf_adds(b, "...");
			break;
		}
		if (n == 0 || !str_is_shown(part) || s.p[i] == '"' || s.p[i] == '\\')
			add_escaped(b, part, format);
		else
			buf_add_str(b, part);
		i += part.n;
	}
	buf_addc(b, '"');
}

static bool is_finite(double d)
{
	return d - d == 0;
}

static void add_value(struct buf *b, const struct log_field *f, enum log_format format)
{
	switch (f->type) {
	case LOG_FIELD_STR:
		if (format == LOG_TEXT && f->s.n <= VALUE_MAX_BYTES &&
		    b->n + f->s.n <= LINE_MAX_BYTES - TAIL_BYTES && is_plain(f->s))
			buf_add_str(b, f->s);
		else
			add_quoted(b, f->s, format);
		break;
	case LOG_FIELD_INT:
		buf_addf(b, "%lld", (long long)f->i);
		break;
	case LOG_FIELD_NUM:
		if (is_finite(f->d))
			buf_addf(b, "%.9g", f->d);
		else
			buf_adds(b, "null"); /* JSON has no word for it */
		break;
	case LOG_FIELD_BOOL:
		buf_adds(b, f->i ? "true" : "false");
		break;
	case LOG_FIELD_ERR:
		break; /* add_err() */
	}
}

/* A field that cannot even begin is left out; shorter ones behind it may still fit. */
static void add_field(struct buf *b, const struct log_field *f, enum log_format format)
{
	bool is_first = b->n <= HEAD_MAX_BYTES; /* not by the last byte: a value chooses that */

	if (b->n + strlen(f->key) + NUMBER_MAX_BYTES > LINE_MAX_BYTES - TAIL_BYTES)
		return;
	if (format == LOG_JSON)
		buf_addf(b, "%s\"%s\":", is_first ? "" : ",", f->key);
	else
		buf_addf(b, "%s%s=", is_first ? "" : " ", f->key);
	add_value(b, f, format);
}

static void add_context(struct buf *b, const struct log *l)
{
	if (l->parent)
		add_context(b, l->parent); /* as deep as loggers are nested: two or three */
	for (const struct log_field *f = l->fields ? l->fields : NO_FIELDS; f->key; f++)
		add_field(b, f, l->format);
}

static void add_head(struct buf *b, const struct log *l, enum log_level level, const char *event)
{
	static const char priority[] = {'3', '4', '6', '7'};
	char ts[UTC_ISO_SIZE];

	if (l->systemd)
		buf_addf(b, "<%c>", priority[level]);
	if (l->format == LOG_JSON)
		buf_addc(b, '{');
	if (!l->systemd) {
		utc_format_iso(clock_utc(l->clock), ts);
		add_field(b, &LOG_S("ts", ts), l->format);
	}
	if (!l->systemd || l->format == LOG_JSON)
		add_field(b, &LOG_S("level", LEVEL_NAMES[level]), l->format);
	add_field(b, &LOG_S("event", event), l->format);
}

/* An error becomes fields of its own; the text comes last, as it is the one that may be long. */
static void add_err(struct buf *b, const struct err *e, enum log_format format)
{
	add_field(b, &LOG_S("code", err_code_name(e->code)), format);
	if (e->aws[0])
		add_field(b, &LOG_S("aws", e->aws), format);
	if (e->http)
		add_field(b, &LOG_I("http", e->http), format);
	if (e->request_id[0])
		add_field(b, &LOG_S("request_id", e->request_id), format);
	add_field(b, &LOG_S("err", e->text), format);
}

void log_emit(struct log *l, enum log_level level, const char *event,
	      const struct log_field *fields)
{
	const struct err *e = NULL;
	struct buf b;
	ssize_t ignored;

	if (!l || level > l->level)
		return;
	buf_init(&b, LINE_MAX_BYTES);
	add_head(&b, l, level, event);
	add_context(&b, l);
	for (; fields->key; fields++) {
		if (fields->type == LOG_FIELD_ERR)
			e = fields->e;
		else
			add_field(&b, fields, l->format);
	}
	if (e)
		add_err(&b, e, l->format);
	buf_adds(&b, l->format == LOG_JSON ? "}\n" : "\n");
	ignored = write(l->fd, b.p, b.n); /* nowhere to complain to */
	(void)ignored;
	buf_release(&b);
}

bool log_level_parse(struct str s, enum log_level *out)
{
	for (int i = LOG_ERROR; i <= LOG_DEBUG; i++) {
		if (str_is(s, LEVEL_NAMES[i])) {
			*out = (enum log_level)i;
			return true;
		}
	}
	return false;
}
