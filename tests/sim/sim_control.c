/*
 * The control language: one command a line, words separated by blanks, options as key=value. The
 * first word names the service; "sim" is the engine itself. Answers are JSON.
 */
#include "tests/sim/sim_private.h"

#define ANSWER_MAX (64u << 20) /* a call log of a long served run */

/* --- words ------------------------------------------------------------------------------------ */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static char unescape(char c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'r':
		return '\r';
	default:
		return c;
	}
}

/* One word from *at on; moves *at behind it. False when a quote is not closed. */
static bool take_word(struct str line, size_t *at, char *out, size_t *n)
{
	bool quoted = false;

	*n = 0;
	for (; *at < line.n; (*at)++) {
		char c = line.p[*at];

		if (!quoted && is_blank(c))
			return true;
		if (c == '"')
			quoted = !quoted;
		else if (quoted && c == '\\' && *at + 1 < line.n)
			out[(*n)++] = unescape(line.p[++*at]);
		else
			out[(*n)++] = c;
	}
	return !quoted;
}

int sim_words_parse(struct arena *a, struct str line, struct sim_words *w, struct err *err)
{
	char *out = arena_alloc(a, 2 * line.n + 2);
	size_t at = 0;

	w->n = 0;
	for (;;) {
		size_t n;

		while (at < line.n && is_blank(line.p[at]))
			at++;
		if (at == line.n)
			return 0;
		if (w->n == sizeof(w->word) / sizeof(w->word[0]))
			return err_set(err, ERR_LIMIT, "more than %zu words in one command", w->n);
		if (!take_word(line, &at, out, &n))
			return err_set(err, ERR_MALFORMED, "word %zu: quote is not closed",
				       w->n + 1);
		out[n] = '\0';
		w->word[w->n++] = (struct str){out, n};
		out += n + 1;
	}
}

struct str sim_word(const struct sim_words *w, size_t i)
{
	return i < w->n ? w->word[i] : (struct str){"", 0};
}

struct str sim_word_value(const struct sim_words *w, const char *key)
{
	size_t n = strlen(key);

	for (size_t i = 0; i < w->n; i++)
		if (str_starts(w->word[i], key) && w->word[i].n > n && w->word[i].p[n] == '=')
			return str_sub(w->word[i], n + 1, w->word[i].n);
	return (struct str){"", 0};
}

bool sim_word_double(const struct sim_words *w, const char *key, double *out)
{
	return str_parse_double(sim_word_value(w, key), out);
}

bool sim_word_i64(const struct sim_words *w, const char *key, int64_t *out)
{
	return str_parse_i64(sim_word_value(w, key), INT64_MIN, INT64_MAX, out);
}

bool sim_parse_ms(struct str s, int64_t *out)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	int64_t scale = 1, v;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (str_ends(s, units[i].unit)) {
			scale = units[i].ms;
			s.n -= strlen(units[i].unit);
			break;
		}
	if (!str_parse_i64(s, 0, INT64_C(100) * 366 * 86400000 / scale, &v))
		return false;
	*out = v * scale;
	return true;
}

bool sim_word_ms(const struct sim_words *w, const char *key, int64_t *out)
{
	return sim_parse_ms(sim_word_value(w, key), out);
}

bool sim_word_bool(const struct sim_words *w, const char *key, bool *out)
{
	struct str v = sim_word_value(w, key);

	if (!str_is(v, "true") && !str_is(v, "false"))
		return false;
	*out = str_is(v, "true");
	return true;
}

/* --- the engine's own commands ---------------------------------------------------------------- */

static void out_time(struct json_out *o, const char *key, struct utc t)
{
	char iso[UTC_ISO_SIZE];

	utc_format_iso(t, iso);
	json_member_cstr(o, key, iso);
}

static void out_now(struct sim *s, struct json_out *o)
{
	json_out_object(o);
	out_time(o, "now", s->now);
	json_member_i64(o, "nowMs", s->now.ms);
	json_out_end(o);
}

static int sim_cmd_advance(struct sim *s, const struct sim_words *w, struct json_out *o,
			   struct err *err)
{
	int64_t ms;

	if (!sim_parse_ms(sim_word(w, 2), &ms))
		return err_set(err, ERR_REJECTED, "sim advance: '" STR_FMT "' is not a duration",
			       STR_ARG(sim_word(w, 2)));
	sim_advance(s, ms);
	out_now(s, o);
	return 0;
}

static int sim_cmd_fault(struct sim *s, const struct sim_words *w, struct json_out *o,
			 struct err *err)
{
	struct str kind = sim_word_value(w, "kind"), service = sim_word_value(w, "service");
	int64_t n = 1, times = 1;
	int k = 0;

	while (k < SIM_FAULT_COUNT && !str_is(kind, sim_fault_name((enum sim_fault)k)))
		k++;
	if (k == SIM_FAULT_COUNT)
		return err_set(err, ERR_REJECTED, "sim fault: kind '" STR_FMT "' is unknown",
			       STR_ARG(kind));
	if (sim_word_value(w, "n").n && (!sim_word_i64(w, "n", &n) || n < 1))
		return err_set(err, ERR_REJECTED, "sim fault: n must be a number from 1 up");
	if (sim_word_value(w, "times").n &&
	    (!sim_word_i64(w, "times", &times) || times < 1 || times > INT32_MAX))
		return err_set(err, ERR_REJECTED, "sim fault: times must be a number from 1 up");
	(void)str_copy(s->fault.service, sizeof(s->fault.service), service);
	(void)str_copy(s->fault.operation, sizeof(s->fault.operation),
		       sim_word_value(w, "operation"));
	sim_fault_at(s, (uint64_t)n, (enum sim_fault)k, (int)times);
	json_out_object(o);
	json_member_cstr(o, "armed", sim_fault_name((enum sim_fault)k));
	json_member_i64(o, "n", n);
	json_out_end(o);
	return 0;
}

static int sim_cmd_calls(struct sim *s, const struct sim_words *w, struct json_out *o,
			 struct err *err)
{
	struct str service = sim_word_value(w, "service"), op = sim_word_value(w, "operation");

	(void)err;
	json_out_array(o);
	for (size_t i = 0; i < s->record.n_calls; i++) {
		const struct sim_call *c = &s->record.calls[i];

		if ((service.n && !str_is(service, c->service)) ||
		    (op.n && !str_is(op, c->operation)))
			continue;
		json_out_object(o);
		out_time(o, "at", c->at);
		json_member_cstr(o, "service", c->service);
		json_member_cstr(o, "operation", c->operation);
		json_member_i64(o, "status", c->status);
		json_member_cstr(o, "accessKeyId", c->access_key_id);
		json_out_end(o);
	}
	json_out_end(o);
	return 0;
}

static int sim_cmd_splits(struct sim *s, const struct sim_words *w, struct json_out *o,
			  struct err *err)
{
	struct str resource = sim_word_value(w, "resource");

	(void)err;
	json_out_array(o);
	for (size_t i = 0; i < s->record.n_splits; i++) {
		const struct sim_split *p = &s->record.splits[i];

		if (resource.n && !str_is(resource, p->resource))
			continue;
		json_out_object(o);
		out_time(o, "at", p->at);
		json_member_cstr(o, "resource", p->resource);
		json_member_str(o, "candidate", str_from(p->candidate));
		json_member_double(o, "weight", p->weight);
		json_member_str(o, "baseline", str_from(p->baseline));
		json_out_end(o);
	}
	json_out_end(o);
	return 0;
}

/* One key=value of `sim set`; false when the key is unknown or the value is wrong. */
static bool set_one(struct sim_options *o, const struct sim_words *w, const char *key)
{
	const struct {
		const char *key;
		int64_t *ms;
	} times[] = {
		{"continuation_delay_min", &o->continuation_delay_min_ms},
		{"continuation_delay_max", &o->continuation_delay_max_ms},
		{"redelivery", &o->redelivery_ms},
		{"job_timeout", &o->job_timeout_ms},
		{"action_timeout", &o->action_timeout_ms},
		{"artifact_credentials", &o->artifact_credentials_ms},
		{"propagation", &o->propagation_ms},
		{"job_retention", &o->job_retention_ms},
		{"stale", &o->stale_ms},
	};
	const struct {
		const char *key;
		bool *flag;
	} flags[] = {
		{"noise", &o->noise},
		{"nonce_moves", &o->nonce_moves},
		{"check_signatures", &o->check_signatures},
		{"double_ack_ok", &o->double_ack_ok},
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (strcmp(key, times[i].key) == 0)
			return sim_word_ms(w, key, times[i].ms);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strcmp(key, flags[i].key) == 0)
			return sim_word_bool(w, key, flags[i].flag);
	if (strcmp(key, "stale_rate") == 0)
		return sim_word_double(w, key, &o->stale_rate) && o->stale_rate >= 0 &&
		       o->stale_rate <= 1;
	return strcmp(key, "throttle_rate") == 0 && sim_word_double(w, key, &o->throttle_rate) &&
	       o->throttle_rate >= 0 && o->throttle_rate <= 1;
}

static int sim_cmd_set(struct sim *s, const struct sim_words *w, struct json_out *o,
		       struct err *err)
{
	struct sim_options next = s->o;

	for (size_t i = 2; i < w->n; i++) {
		struct str rest = w->word[i], key;
		char name[64];

		if (!str_next(&rest, '=', &key) || !str_copy(name, sizeof(name), key) ||
		    !set_one(&next, w, name))
			return err_set(err, ERR_REJECTED, "sim set: '" STR_FMT "' is not a setting",
				       STR_ARG(w->word[i]));
	}
	if (next.continuation_delay_max_ms < next.continuation_delay_min_ms)
		return err_set(err, ERR_REJECTED,
			       "sim set: continuation_delay_max is less than the minimum");
	s->o = next;
	out_now(s, o);
	return 0;
}

static int sim_cmd_now(struct sim *s, const struct sim_words *w, struct json_out *o,
		       struct err *err)
{
	(void)w;
	(void)err;
	out_now(s, o);
	return 0;
}

static int sim_cmd_resume(struct sim *s, const struct sim_words *w, struct json_out *o,
			  struct err *err)
{
	(void)w;
	(void)err;
	sim_resume(s);
	out_now(s, o);
	return 0;
}

static int control_engine(struct sim *s, const struct sim_words *w, struct json_out *o,
			  struct err *err)
{
	static const struct {
		const char *name;
		int (*run)(struct sim *s, const struct sim_words *w, struct json_out *o,
			   struct err *err);
	} commands[] = {
		{"advance", sim_cmd_advance}, {"fault", sim_cmd_fault}, {"calls", sim_cmd_calls},
		{"splits", sim_cmd_splits},   {"set", sim_cmd_set},	{"now", sim_cmd_now},
		{"resume", sim_cmd_resume},
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (str_is(sim_word(w, 1), commands[i].name))
			return commands[i].run(s, w, o, err);
	return err_set(err, ERR_REJECTED, "sim: no command '" STR_FMT "'", STR_ARG(sim_word(w, 1)));
}

/* Some signing names are not what people say. */
static struct str service_word(struct str word)
{
	if (str_is(word, "cloudwatch"))
		return STR("monitoring");
	if (str_is(word, "elbv2"))
		return STR("elasticloadbalancing");
	if (str_is(word, "beanstalk"))
		return STR("elasticbeanstalk");
	return word;
}

static int control_words(struct sim *s, const struct sim_words *w, struct json_out *o,
			 struct err *err)
{
	struct str first = service_word(sim_word(w, 0));
	const struct sim_service *service;

	if (str_is(first, "sim"))
		return control_engine(s, w, o, err);
	for (size_t i = 0; (service = sim_service_at(i)); i++) {
		if (!str_is(first, service->name) || !service->control)
			continue;
		return service->control(s, sim_state(s, service), w, o, err);
	}
	return err_set(err, ERR_REJECTED, "no service '" STR_FMT "'", STR_ARG(first));
}

int sim_control(struct sim *s, struct str line, struct buf *out, struct err *err)
{
	struct arena *a = arena_new();
	struct sim_words w;
	struct json_out o;
	struct buf answer;
	int rc;

	buf_init(&answer, ANSWER_MAX);
	json_out_init(&o, &answer);
	rc = sim_words_parse(a, line, &w, err);
	if (rc == 0 && w.n > 0 && w.word[0].p[0] != '#') /* blank lines and comments do nothing */
		rc = control_words(s, &w, &o, err);
	if (rc == 0)
		rc = buf_check(&answer, "the answer", err);
	if (rc == 0)
		buf_add_str(out, buf_str(&answer));
	buf_release(&answer);
	arena_free(a);
	return rc;
}
