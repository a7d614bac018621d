#include "worker/report/markup.h"

#include <stdio.h>
#include <string.h>

#include "worker/rollout/plan.h"

#define TEXT_MAX (1u << 20)

/* One line of it that shows as itself; the caller releases it. */
static void show(struct buf *shown, const char *text)
{
	buf_init(shown, TEXT_MAX);
	buf_add_shown(shown, str_from(text));
}

void markup_html(struct buf *out, const char *text)
{
	struct buf shown;

	show(&shown, text);
	for (const char *c = shown.p; *c; c++) {
		if (*c == '&')
			buf_adds(out, "&amp;");
		else if (*c == '<')
			buf_adds(out, "&lt;");
		else if (*c == '>')
			buf_adds(out, "&gt;");
		else if (*c == '"')
			buf_adds(out, "&quot;");
		else if (*c == '\'')
			buf_adds(out, "&#39;");
		else
			buf_addc(out, *c);
	}
	buf_release(&shown);
}

/* CommonMark takes a backslash before any of its marks; what begins a tag or an entity is one. */
void markup_markdown(struct buf *out, const char *text)
{
	struct buf shown;

	show(&shown, text);
	for (const char *c = shown.p; *c; c++) {
		if (*c == '&')
			buf_adds(out, "&amp;");
		else if (*c == '<')
			buf_adds(out, "&lt;");
		else if (*c == '>')
			buf_adds(out, "&gt;");
		else if (*c == '\n')
			buf_addc(out, ' ');
		else if (strchr("\\`*_[]|#~!@", *c))
			buf_addf(out, "\\%c", *c);
		else
			buf_addc(out, *c);
	}
	buf_release(&shown);
}

void markup_plain(struct buf *out, const char *text)
{
	struct buf shown;

	if (!text || !*text)
		text = "-";
	show(&shown, text);
	for (const char *c = shown.p; *c; c++)
		buf_addc(out, *c == '\n' ? ' ' : *c);
	buf_release(&shown);
}

bool markup_is_time(struct utc t)
{
	return t.ms >= 0 && t.ms <= MARKUP_TIME_MAX;
}

void markup_time(struct utc t, char out[MARKUP_TIME_SIZE])
{
	char iso[UTC_ISO_SIZE] = "----------T--:--:--Z";

	if (markup_is_time(t))
		utc_format_iso((struct utc){t.ms - t.ms % 1000}, iso);
	snprintf(out, MARKUP_TIME_SIZE, "%.10s %.8s", iso, iso + 11);
}

void markup_span(int64_t ms, char out[MARKUP_SPAN_SIZE])
{
	char text[DURATION_TEXT_SIZE];

	if (ms >= 0 && ms < 10000) {
		snprintf(out, MARKUP_SPAN_SIZE, "%.1fs", (double)ms / 1000);
		return;
	}
	duration_format((ms + 500) / 1000 * 1000, text);
	snprintf(out, MARKUP_SPAN_SIZE, "%s", text);
}
