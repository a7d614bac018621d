#include "aws/eventbridge.h"

#include "aws/answer.h"

#define PUT_MS 10000	   /* a notice never holds a thread for long */
#define BUS_NAME_MAX 256   /* the name of a bus */
#define ERROR_TEXT_MAX 200 /* of what AWS says about an entry */

const struct aws_service eventbridge_service = {
	.id = "EventBridge",
	.endpoint_prefix = "events",
	.signing_name = "events",
	.target_prefix = "AWSEvents",
	.protocol = AWS_JSON_1_1,
	.double_encode = true,
};

static bool is_bus_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= 'A' && s.p[i] <= 'Z') &&
		    !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '.' && s.p[i] != '-' &&
		    s.p[i] != '_')
			return false;
	return s.n > 0 && s.n <= BUS_NAME_MAX;
}

bool eventbridge_bus_parse(struct str bus, struct str *region)
{
	static const char head[] = "event-bus/";
	struct str rest = bus, part[6];
	size_t n = 0;

	*region = (struct str){"", 0};
	if (!str_starts(bus, "arn:"))
		return is_bus_name(bus);
	while (n < 6 && str_next(&rest, ':', &part[n]))
		n++;
	if (n != 6 || rest.n || !str_starts(part[1], "aws") || !str_is(part[2], "events") ||
	    !aws_is_host_label(part[3]) || part[4].n != 12 || !str_starts(part[5], head) ||
	    !is_bus_name(str_sub(part[5], strlen(head), part[5].n)))
		return false;
	*region = part[3];
	return true;
}

static void format(struct buf *b, const char *bus, const struct eventbridge_entry *entries,
		   size_t n)
{
	struct json_out o;

	json_out_init(&o, b);
	json_out_object(&o);
	json_out_key(&o, "Entries");
	json_out_array(&o);
	for (size_t i = 0; i < n; i++) {
		json_out_object(&o);
		json_member_double(&o, "Time", (double)entries[i].time.ms / 1000);
		json_member_cstr(&o, "Source", entries[i].source);
		json_member_cstr(&o, "DetailType", entries[i].detail_type);
		json_member_cstr(&o, "Detail", entries[i].detail);
		json_member_cstr(&o, "EventBusName", bus);
		json_out_end(&o);
	}
	json_out_end(&o);
	json_out_end(&o);
}

/* The codes of an entry are not those of a request. */
static enum err_code code_of(struct str code)
{
	if (str_starts(code, "Throttling"))
		return ERR_THROTTLED;
	if (str_starts(code, "Internal"))
		return ERR_UNAVAILABLE;
	if (str_starts(code, "NotAuthorized") || str_starts(code, "AccessDenied"))
		return ERR_DENIED;
	return ERR_REJECTED;
}

static void read_entry(const struct json *answer, struct eventbridge_entry *e)
{
	struct str code = json_text(json_get(answer, "ErrorCode"));
	struct str text = json_text(json_get(answer, "ErrorMessage"));

	e->taken = answer && !code.n && json_text(json_get(answer, "EventId")).n > 0;
	e->err = ERR_INIT;
	if (e->taken)
		return;
	if (!code.n) {
		err_set(&e->err, ERR_MALFORMED,
			"EventBridge.PutEvents: the answer does not say what became of it");
		return;
	}
	err_set(&e->err, code_of(code), "EventBridge.PutEvents: " STR_FMT ": %.*s", STR_ARG(code),
		(int)(text.n < ERROR_TEXT_MAX ? text.n : ERROR_TEXT_MAX), text.p);
	str_copy_clean(e->err.aws, sizeof(e->err.aws), code);
}

int eventbridge_put_events(const struct aws_client *c, const char *bus,
			   struct eventbridge_entry *entries, size_t n, struct arena *a,
			   struct err *err)
{
	struct aws_request r = {.service = &eventbridge_service,
				.operation = "PutEvents",
				.max_attempts = 1,
				.total_ms = PUT_MS};
	const struct json *answer;
	struct aws_response res;
	struct buf b;
	int ret;

	if (n == 0 || n > EVENTBRIDGE_ENTRIES_MAX)
		return err_set(err, ERR_LIMIT, "EventBridge.PutEvents: takes 1 to %d entries",
			       EVENTBRIDGE_ENTRIES_MAX);
	buf_init(&b, 2 * EVENTBRIDGE_REQUEST_MAX);
	format(&b, bus, entries, n);
	r.body = buf_str(&b);
	ret = buf_check(&b, "events", err);
	if (!ret)
		ret = aws_call(c, &r, a, &res, err);
	buf_release(&b);
	if (ret)
		return -1;
	answer = json_get(res.json, "Entries");
	answer = answer ? answer->first : NULL;
	for (size_t i = 0; i < n; i++) {
		read_entry(answer, &entries[i]);
		answer = answer ? answer->next : NULL;
	}
	return 0;
}
