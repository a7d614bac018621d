#ifndef AWS_CORE_LOG_H
#define AWS_CORE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/core/clock.h"
#include "aws/core/err.h"
#include "aws/core/str.h"

/*
 * Events: one event, one line, one write(2) of at most 4,096 bytes. Text form is key=value, quoted
 * where needed; JSON form is one object a line. Text from outside is escaped, so that nobody can
 * forge a line; a value is cut at about 1,024 bytes or where the line ends, and marked with "...".
 * Thread-safe.
 *
 *   log_event(log, LOG_INFO, "rollout.shift", LOG_S("target", name), LOG_I("weight_bp", 500));
 *
 * The event is a stable identifier of the form noun.verb, never prose. Levels: error (somebody must
 * act), warn (we coped), info (transitions, start, stop), debug (each API call). Never bodies,
 * never secrets: struct secret has no macro here.
 */
enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

struct log_field {
	const char *key; /* NULL ends the list */
	enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_NUM, LOG_FIELD_BOOL, LOG_FIELD_ERR } type;
	struct str s;
	int64_t i;
	double d;
	const struct err *e;
};

#define LOG_S(k, v) ((struct log_field){.key = (k), .type = LOG_FIELD_STR, .s = str_from(v)})
#define LOG_STR(k, v) ((struct log_field){.key = (k), .type = LOG_FIELD_STR, .s = (v)})
#define LOG_I(k, v) ((struct log_field){.key = (k), .type = LOG_FIELD_INT, .i = (v)})
#define LOG_D(k, v) ((struct log_field){.key = (k), .type = LOG_FIELD_NUM, .d = (v)})
#define LOG_B(k, v) ((struct log_field){.key = (k), .type = LOG_FIELD_BOOL, .i = (v)})
/* An error that ends here: its code, aws, http, request_id and text as fields of their own. */
#define LOG_E(v) ((struct log_field){.key = "err", .type = LOG_FIELD_ERR, .e = (v)})

/*
 * A logger carries the fields of its context (job, pipeline, rollout ...); children share the sink.
 * A NULL logger is accepted everywhere and swallows events.
 */
struct log;

/* The root logger writes to fd (not closed). systemd: prefix "<3>" and no time stamp. */
struct log *log_new(int fd, enum log_format format, enum log_level level, bool systemd,
		    struct clock *clock);
/* A child with these fields added, copied. Free children before their parent. */
struct log *log_with_fields(struct log *parent, const struct log_field *fields);
#define log_with(parent, ...) \
	log_with_fields((parent), (const struct log_field[]){__VA_ARGS__, {.key = NULL}})
void log_free(struct log *l);

void log_emit(struct log *l, enum log_level level, const char *event,
	      const struct log_field *fields);
#define log_event(l, level, event, ...) \
	log_emit((l), (level), (event), (const struct log_field[]){__VA_ARGS__, {.key = NULL}})

bool log_level_parse(struct str s, enum log_level *out); /* "error" "warn" "info" "debug" */

#endif
