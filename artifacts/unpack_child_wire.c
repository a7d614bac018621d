#include "artifacts/unpack_child_parts.h"

#include <stdio.h>
#include <string.h>

/*
 * What passes between the two processes. The answer is a pair of structs as they lie in memory;
 * whoever reads them believes nothing.
 */
static const char GREETING[8] = "confined";
static const char OUTCOME[8] = "unpacked";

enum { SYS_MAX = 4095, QUOTED_SIZE = 300 };

/* Formats are static text: an answer names one of these. */
static const char *const FORMATS[] = {"",	    "zip",	   "tar",
				      "tar + gzip", "tar + bzip2", "tar + xz",
				      "tar + lzma", "tar + zstd",  "tar + other"};

/* --- the request ------------------------------------------------------------------------------ */

void unpack_request_write(const struct unpack_request *r, char out[UNPACK_REQUEST_SIZE])
{
	int at = 0;

	for (int i = 0; i < REQUEST_COUNT; i++)
		at += snprintf(out + at, UNPACK_REQUEST_SIZE - (size_t)at, "%s%lld", i ? "," : "",
			       (long long)r->n[i]);
}

bool unpack_request_read(struct str text, struct unpack_request *out)
{
	struct str one;

	for (int i = 0; i < REQUEST_COUNT; i++)
		if (!str_next(&text, ',', &one) || !str_parse_i64(one, 0, INT64_MAX, &out->n[i]))
			return false;
	return !text.n;
}

/* --- the answer ------------------------------------------------------------------------------- */

void unpack_greeting_make(const struct confine_report *report, struct unpack_greeting *out)
{
	memset(out, 0, sizeof(*out)); /* padding, too */
	memcpy(out->magic, GREETING, sizeof(GREETING));
	out->applied = report->applied;
	out->landlock_abi = report->landlock_abi;
	out->sys = report->sys;
}

void unpack_outcome_make(const struct unpack_stats *stats, const struct err *err,
			 struct unpack_outcome *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->magic, OUTCOME, sizeof(OUTCOME));
	if (err) {
		out->code = err->code;
		out->sys = err->sys;
		str_copy(out->text, sizeof(out->text), str_from(err->text));
		return;
	}
	out->files = stats->files;
	out->directories = stats->directories;
	out->bytes = stats->bytes;
	str_copy(out->format, sizeof(out->format), str_from(stats->format));
}

bool unpack_greeting_read(struct str *said, struct confine_report *report)
{
	struct unpack_greeting g;

	if (said->n < sizeof(g))
		return false;
	memcpy(&g, said->p, sizeof(g));
	if (memcmp(g.magic, GREETING, sizeof(GREETING)) != 0 ||
	    g.applied & ~(uint32_t)CONFINE_ALL || g.landlock_abi < 0 || g.landlock_abi > SYS_MAX ||
	    g.sys < 0 || g.sys > SYS_MAX || g.zero)
		return false;
	*report = (struct confine_report){g.applied, g.landlock_abi, g.sys};
	*said = str_sub(*said, sizeof(g), said->n);
	return true;
}

static bool ends(const char *text, size_t size)
{
	return memchr(text, 0, size) != NULL;
}

static const char *format_of(const char *text)
{
	for (size_t i = 0; i < sizeof(FORMATS) / sizeof(FORMATS[0]); i++)
		if (!strcmp(FORMATS[i], text))
			return FORMATS[i];
	return NULL;
}

/* Those that an archive can bring about, see unpack.h. */
static bool is_verdict(uint32_t code)
{
	return code == ERR_MALFORMED || code == ERR_LIMIT || code == ERR_UNSAFE ||
	       code == ERR_REJECTED || code == ERR_SYSTEM;
}

static int nonsense(struct str said, struct err *err)
{
	char quoted[QUOTED_SIZE];

	str_copy_clean(quoted, sizeof(quoted), str_trim(said));
	return err_set(err, ERR_SYSTEM, "the process that unpacks answered nonsense: %zu bytes: %s",
		       said.n, quoted);
}

static bool is_success(const struct unpack_outcome *o, const struct unpack_limits *limits)
{
	uint64_t most = (uint64_t)limits->max_entries;

	return !o->sys && !o->text[0] && format_of(o->format) && o->files <= most &&
	       o->directories <= most && o->files + o->directories <= most &&
	       o->bytes <= (uint64_t)limits->max_bytes;
}

int unpack_outcome_read(struct str said, const struct unpack_limits *limits,
			struct unpack_stats *stats, struct err *err)
{
	struct unpack_outcome o;
	char text[sizeof(o.text)];

	*stats = (struct unpack_stats){.format = ""};
	if (said.n != sizeof(o))
		return nonsense(said, err);
	memcpy(&o, said.p, sizeof(o));
	if (memcmp(o.magic, OUTCOME, sizeof(OUTCOME)) != 0 || !ends(o.format, sizeof(o.format)) ||
	    !ends(o.text, sizeof(o.text)))
		return nonsense(said, err);
	if (o.code == ERR_OK && is_success(&o, limits)) {
		*stats = (struct unpack_stats){.format = format_of(o.format),
					       .files = o.files,
					       .directories = o.directories,
					       .bytes = o.bytes};
		return 0;
	}
	if (!is_verdict(o.code) || !o.text[0] || o.sys < 0 || o.sys > SYS_MAX)
		return nonsense(said, err);
	str_copy_clean(text, sizeof(text), str_from(o.text));
	err_set(err, (enum err_code)o.code, "%s", text);
	err->sys = o.sys;
	return -1;
}
