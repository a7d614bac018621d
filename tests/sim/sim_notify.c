/*
 * Simulated SNS topics and EventBridge buses: what is published is kept in order, to be read by
 * tests. A topic that does not exist is NotFound, a bus that does not exist takes events and drops
 * them, as EventBridge does for a caller who may put events on it.
 */
#include "tests/sim/sim_internal.h"

#include <stdlib.h>

#define XMLNS "http://sns.amazonaws.com/doc/2010-03-31/"
#define PLACES_MAX 32
#define BYTES_MAX (256u << 10)
#define ENTRIES_MAX 10

struct place {
	char name[128];
	bool deny;
	int64_t fail; /* so many entries or messages from now are refused for a moment */
};

struct message {
	struct utc at;
	char *place, *subject, *body, *attributes; /* the subject of an event: its detail-type */
};

struct notify {
	struct place places[PLACES_MAX];
	size_t n_places;
	struct message *messages;
	size_t n, cap;
};

static void *create(struct sim *s)
{
	(void)s;
	return xcalloc(1, sizeof(struct notify));
}

static void *create_with_default(struct sim *s)
{
	struct notify *t = create(s);

	(void)str_copy(t->places[t->n_places++].name, sizeof(t->places[0].name), STR("default"));
	return t;
}

static void destroy(void *state)
{
	struct notify *t = state;

	for (size_t i = 0; i < t->n; i++) {
		free(t->messages[i].place);
		free(t->messages[i].subject);
		free(t->messages[i].body);
		free(t->messages[i].attributes);
	}
	free(t->messages);
	free(t);
}

static struct place *find(struct notify *t, struct str name)
{
	for (size_t i = 0; i < t->n_places; i++)
		if (str_is(name, t->places[i].name))
			return &t->places[i];
	return NULL;
}

static void keep(struct notify *t, struct utc at, struct str place, struct str subject,
		 struct str body, struct str attributes)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		t->messages = xrealloc(t->messages, t->cap * sizeof(*t->messages));
	}
	t->messages[t->n++] = (struct message){.at = at,
					       .place = xstrndup(place.p, place.n),
					       .subject = xstrndup(subject.p, subject.n),
					       .body = xstrndup(body.p, body.n),
					       .attributes = xstrndup(attributes.p, attributes.n)};
}

/* The last part of an ARN of this account and region, or the name itself. */
static struct str name_of(struct str arn, const char *head)
{
	return str_starts(arn, head) ? str_sub(arn, strlen(head), arn.n) : arn;
}

/* --- SNS -------------------------------------------------------------------------------------- */

static bool is_subject(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || (unsigned char)s.p[i] > 0x7e)
			return false;
	return s.n < 100 && (s.n == 0 || s.p[0] != ' ');
}

static const char *attributes_of(const struct sim_exchange *x)
{
	struct json_out o;
	const char *text;
	struct buf b;

	buf_init(&b, 1u << 16);
	json_out_init(&o, &b);
	json_out_object(&o);
	for (int i = 1; i <= 10; i++) {
		struct str name = sim_form_get(
			x->form, arena_printf(x->arena, "MessageAttributes.entry.%d.Name", i));
		struct str value = sim_form_get(
			x->form,
			arena_printf(x->arena, "MessageAttributes.entry.%d.Value.StringValue", i));

		if (name.n)
			json_member_str(&o, str_dup(x->arena, name), value);
	}
	json_out_end(&o);
	text = arena_strdup(x->arena, b.p);
	buf_release(&b);
	return text;
}

static void publish(struct notify *t, const struct sim_exchange *x)
{
	static const char head[] = "arn:aws:sns:" SIM_REGION ":" SIM_ACCOUNT ":";
	struct str arn = sim_form_get(x->form, "TopicArn");
	struct str body = sim_form_get(x->form, "Message");
	struct str subject = sim_form_get(x->form, "Subject");
	struct place *p = str_starts(arn, head) ? find(t, name_of(arn, head)) : NULL;
	bool fifo = str_ends(arn, ".fifo");
	struct buf b;

	if (!p)
		sim_reply_error(x, SIM_WIRE_QUERY, 404, "NotFound", "Topic does not exist");
	else if (p->deny)
		sim_reply_error(x, SIM_WIRE_QUERY, 403, "AuthorizationError",
				"not authorized to perform: SNS:Publish on resource: " STR_FMT,
				STR_ARG(arn));
	else if (p->fail > 0 && p->fail--)
		sim_reply_error(x, SIM_WIRE_QUERY, 400, "Throttling", "Rate exceeded");
	else if (!body.n || body.n > BYTES_MAX || !is_subject(subject) ||
		 fifo != (sim_form_get(x->form, "MessageGroupId").n > 0))
		sim_reply_error(x, SIM_WIRE_QUERY, 400, "InvalidParameter",
				"Invalid parameter: Subject, Message or MessageGroupId");
	else {
		keep(t, x->now, str_from(p->name), subject, body, str_from(attributes_of(x)));
		buf_init(&b, 4096);
		buf_addf(&b,
			 "<PublishResponse xmlns=\"" XMLNS "\"><PublishResult><MessageId>%s"
			 "</MessageId></PublishResult></PublishResponse>",
			 x->request_id);
		sim_reply_xml(x, 200, buf_str(&b));
		buf_release(&b);
	}
}

static void handle_sns(struct sim *s, void *state, const struct sim_exchange *x)
{
	(void)s;
	if (x->form && !strcmp(x->operation, "Publish"))
		publish(state, x);
	else
		sim_reply_error(x, SIM_WIRE_QUERY, 400, "InvalidAction",
				"the simulator has no such operation");
}

/* --- EventBridge ------------------------------------------------------------------------------ */

static bool is_object(struct arena *a, struct str text)
{
	struct err err = ERR_INIT;
	struct json *root;

	return json_parse(a, text, &root, &err) == 0 && root->type == JSON_OBJECT;
}

/* What is wrong with this entry; NULL: nothing. */
static const char *entry_error(const struct sim_exchange *x, struct place *p, const struct json *e)
{
	if (p && p->fail > 0 && p->fail--)
		return "ThrottlingException";
	if (!json_text(json_get(e, "Source")).n || !json_text(json_get(e, "DetailType")).n ||
	    !json_text(json_get(e, "Detail")).n)
		return "InvalidArgument";
	if (str_starts(json_text(json_get(e, "Source")), "aws."))
		return "NotAuthorizedForSourceException";
	return is_object(x->arena, json_text(json_get(e, "Detail"))) ? NULL : "MalformedDetail";
}

static int64_t put_entry(struct notify *t, const struct sim_exchange *x, const struct json *e,
			 struct json_out *o)
{
	static const char head[] = "arn:aws:events:" SIM_REGION ":" SIM_ACCOUNT ":event-bus/";
	struct str bus = json_text(json_get(e, "EventBusName"));
	struct place *p = find(t, bus.n ? name_of(bus, head) : STR("default"));
	const char *wrong = entry_error(x, p, e);

	json_out_object(o);
	if (wrong) {
		json_member_cstr(o, "ErrorCode", wrong);
		json_member_cstr(o, "ErrorMessage", "the simulator did not take it");
	} else {
		json_member_cstr(o, "EventId", x->request_id);
		if (p)
			keep(t, x->now, str_from(p->name), json_text(json_get(e, "DetailType")),
			     json_text(json_get(e, "Detail")),
			     str_from(arena_printf(x->arena, "{\"source\":\"" STR_FMT "\"}",
						   STR_ARG(json_text(json_get(e, "Source"))))));
	}
	json_out_end(o);
	return wrong != NULL;
}

static void put_events(struct notify *t, const struct sim_exchange *x)
{
	const struct json *entries = json_get(x->json, "Entries");
	int64_t failed = 0;
	struct json_out o;
	struct buf b;

	buf_init(&b, 1u << 16);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_out_key(&o, "Entries");
	json_out_array(&o);
	json_each(e, entries)
		failed += put_entry(t, x, e, &o);
	json_out_end(&o);
	json_member_i64(&o, "FailedEntryCount", failed);
	json_out_end(&o);
	sim_reply_json(x, 200, buf_str(&b));
	buf_release(&b);
}

static bool any_denied(struct notify *t)
{
	for (size_t i = 0; i < t->n_places; i++)
		if (t->places[i].deny)
			return true;
	return false;
}

static void handle_events(struct sim *s, void *state, const struct sim_exchange *x)
{
	const struct json *entries = json_get(x->json, "Entries");

	(void)s;
	if (strcmp(x->operation, "PutEvents") != 0)
		sim_reply_error(x, SIM_WIRE_JSON, 400, "UnknownOperationException",
				"the simulator has no such operation");
	else if (!entries || entries->n == 0 || entries->n > ENTRIES_MAX ||
		 x->req->body.n > BYTES_MAX)
		sim_reply_error(x, SIM_WIRE_JSON, 400, "ValidationException",
				"Entries: 1 to %d of them, 256 KB together", ENTRIES_MAX);
	else if (any_denied(state))
		sim_reply_error(x, SIM_WIRE_JSON, 400, "AccessDeniedException",
				"not authorized to perform: events:PutEvents");
	else
		put_events(state, x);
}

/* --- control ---------------------------------------------------------------------------------- */

static void show(const struct notify *t, struct json_out *out)
{
	char at[UTC_ISO_SIZE];

	json_out_array(out);
	for (size_t i = 0; i < t->n; i++) {
		const struct message *m = &t->messages[i];

		utc_format_iso(m->at, at);
		json_out_object(out);
		json_member_cstr(out, "at", at);
		json_member_cstr(out, "to", m->place);
		json_member_cstr(out, "subject", m->subject);
		json_member_cstr(out, "attributes", m->attributes);
		json_member_cstr(out, "message", m->body);
		json_out_end(out);
	}
	json_out_end(out);
}

/* topic|bus NAME [deny=true] [fail=N]; show */
static int control(struct sim *s, void *state, const struct sim_words *w, struct json_out *out,
		   struct err *err)
{
	struct notify *t = state;
	struct str what = sim_word(w, 1), name = sim_word(w, 2);
	struct place *p;

	(void)s;
	if (str_is(what, "show")) {
		show(t, out);
		return 0;
	}
	if ((!str_is(what, "topic") && !str_is(what, "bus")) || !name.n)
		return err_set(err, ERR_REJECTED, "wants topic NAME, bus NAME or show");
	p = find(t, name);
	if (!p && t->n_places == PLACES_MAX)
		return err_set(err, ERR_LIMIT, "at most %d", PLACES_MAX);
	if (!p)
		p = &t->places[t->n_places++];
	if (!str_copy(p->name, sizeof(p->name), name))
		return err_set(err, ERR_REJECTED, "the name is too long");
	(void)sim_word_bool(w, "deny", &p->deny);
	(void)sim_word_i64(w, "fail", &p->fail);
	json_out_object(out);
	json_member_str(out, "name", name);
	json_out_end(out);
	return 0;
}

const struct sim_service sim_sns = {
	.name = "sns",
	.create = create,
	.destroy = destroy,
	.handle = handle_sns,
	.control = control,
};

const struct sim_service sim_events = {
	.name = "events",
	.create = create_with_default,
	.destroy = destroy,
	.handle = handle_events,
	.control = control,
};
