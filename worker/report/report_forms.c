#include "worker/report/report.h"

const struct report_form REPORT_FORMS[REPORT_FORM_COUNT] = {
	{"json", "json", report_json},
	{"markdown", "md", report_markdown},
	{"html", "html", report_html},
	{"text", NULL, report_text},
};
