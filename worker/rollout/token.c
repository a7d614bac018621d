#include "worker/rollout/token.h"

#include <string.h>

#include "aws/core/json.h"

/*
 * The token is compact JSON with short keys. It is written by us but comes back from outside, so
 * reading it trusts nothing. Text in it is ASCII: other bytes are replaced when it is encoded, so
 * that a token has as many bytes as characters.
 *
 *   v  version        id rollout id     pd plan digest   sq seq
 *   ph phase          st step           t0 started       ts phase since     hs hold since
 *   fl flags: t touched, f first        pc percent       gf guard failures in a row
 *   un undo record    cd candidate      ca cause         ct cause text
 */
#define VERSION 1
#define MAX_TIME_MS 253402300799999ll /* the year 9999 */

static const char *const CAUSES[CAUSE_COUNT] = {
	[CAUSE_NONE] = "none",		 [CAUSE_GUARD] = "guard",   [CAUSE_UNKNOWN] = "unknown",
	[CAUSE_TIMEOUT] = "timeout",	 [CAUSE_CANDIDATE] = "candidate", [CAUSE_DRIFT] = "drift",
	[CAUSE_ABANDON] = "abandon",	 [CAUSE_OPERATOR] = "operator",	[CAUSE_PLAN] = "plan",
	[CAUSE_DENIED] = "denied",	 [CAUSE_SYSTEM] = "system",
};

const char *cause_name(enum cause c)
{
	return (unsigned)c < CAUSE_COUNT ? CAUSES[c] : "unknown";
}

bool cause_parse(struct str s, enum cause *out)
{
	for (unsigned c = 0; c < CAUSE_COUNT; c++) {
		if (str_is(s, CAUSES[c])) {
			*out = (enum cause)c;
			return true;
		}
	}
	return false;
}

void rollout_id_from(struct str id, char out[ROLLOUT_ID_MAX + 1])
{
	size_t n = 2;

	memcpy(out, "r-", 2);
	for (size_t i = 0; i < id.n && n < ROLLOUT_ID_MAX; i++) {
		char c = id.p[i];
		bool ok = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			  (c >= 'A' && c <= 'Z') || c == '-';

		out[n++] = ok ? c : '-';
	}
	out[n] = '\0';
}

/* --- encode ------------------------------------------------------------------------------------ */

static void member_ascii(struct json_out *o, const char *key, const char *text, size_t max)
{
	char clean[LIMIT_UNDO + 1];
	size_t n = 0;

	if (!text[0] || max == 0)
		return;
	for (; text[n] && n < max && n < sizeof(clean) - 1; n++)
		clean[n] = text[n] >= 0x20 && text[n] < 0x7f ? text[n] : '?';
	clean[n] = '\0';
	json_member_cstr(o, key, clean);
}

static void add_failures(struct json_out *o, const struct rollout_state *s)
{
	size_t n = LIMIT_GUARDS;

	while (n > 0 && s->failures[n - 1] == 0)
		n--;
	if (n == 0)
		return;
	json_out_key(o, "gf");
	json_out_array(o);
	for (size_t i = 0; i < n; i++)
		json_out_i64(o, s->failures[i]);
	json_out_end(o);
}

static void encode(const struct rollout_state *s, struct buf *out, size_t cause_max)
{
	char flags[3] = "";
	size_t n = 0;
	struct json_out o;

	if (s->touched)
		flags[n++] = 't';
	if (s->first)
		flags[n++] = 'f';
	flags[n] = '\0';
	json_out_init(&o, out);
	json_out_object(&o);
	json_member_i64(&o, "v", VERSION);
	json_member_cstr(&o, "id", s->id);
	json_member_cstr(&o, "pd", s->plan_digest);
	json_member_i64(&o, "sq", (int64_t)s->seq);
	json_member_cstr(&o, "ph", phase_name(s->phase));
	json_member_i64(&o, "st", s->step);
	json_member_i64(&o, "t0", s->started.ms);
	json_member_i64(&o, "ts", s->phase_since.ms);
	if (s->hold_since.ms)
		json_member_i64(&o, "hs", s->hold_since.ms);
	json_member_cstr(&o, "fl", flags);
	json_member_i64(&o, "pc", s->percent);
	add_failures(&o, s);
	member_ascii(&o, "un", s->undo, LIMIT_UNDO);
	member_ascii(&o, "cd", s->candidate, LIMIT_CANDIDATE);
	if (s->cause != CAUSE_NONE)
		json_member_cstr(&o, "ca", cause_name(s->cause));
	member_ascii(&o, "ct", s->cause_text, cause_max);
	json_out_end(&o);
}

int token_encode(const struct rollout_state *s, struct buf *out, struct err *err)
{
	size_t cause_max = CAUSE_TEXT_MAX;
	struct buf b;

	buf_init(&b, LIMIT_TOKEN);
	for (;;) {
		encode(s, &b, cause_max);
		if (!b.over || cause_max == 0)
			break;
		cause_max /= 2; /* why it failed is told elsewhere, too; what to undo is not */
		buf_clear(&b);
	}
	if (b.over) {
		buf_release(&b);
		return err_set(err, ERR_LIMIT,
			       "the state of rollout %s does not fit into a continuation token of %d "
			       "characters", s->id, LIMIT_TOKEN);
	}
	buf_add_str(out, buf_str(&b));
	buf_release(&b);
	return buf_check(out, "the token", err);
}

/* --- decode ------------------------------------------------------------------------------------ */

static int bad(struct err *err, const char *key, const char *what)
{
	return err_set(err, ERR_MALFORMED, "token: %s: %s", key, what);
}

static int get_text(const struct json *root, const char *key, char *out, size_t size,
		    struct err *err)
{
	struct str s = json_text(json_get(root, key));

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] >= 0x7f)
			return bad(err, key, "not printable ASCII");
	if (!str_copy(out, size, s))
		return bad(err, key, "too long");
	return 0;
}

static int get_i64(const struct json *root, const char *key, int64_t most, bool needed,
		   int64_t *out, struct err *err)
{
	const struct json *node = json_get(root, key);

	*out = 0;
	if (!node && !needed)
		return 0;
	if (!json_i64(node, out) || *out < 0 || *out > most)
		return bad(err, key, "not a number in range");
	return 0;
}

static int get_failures(const struct json *root, struct rollout_state *s, struct err *err)
{
	const struct json *list = json_get(root, "gf");
	size_t i = 0;
	int64_t v;

	if (!list)
		return 0;
	if (list->type != JSON_ARRAY || list->n > LIMIT_GUARDS)
		return bad(err, "gf", "not a list of counts");
	json_each(node, list) {
		if (!json_i64(node, &v) || v < 0 || v > 255)
			return bad(err, "gf", "not a count");
		s->failures[i++] = (uint8_t)v;
	}
	return 0;
}

static int check_id(const char *id, struct err *err)
{
	if (strncmp(id, "r-", 2) != 0 || !id[2])
		return bad(err, "id", "not a rollout id");
	for (const char *p = id; *p; p++)
		if (!((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
		      (*p >= 'A' && *p <= 'Z') || *p == '-'))
			return bad(err, "id", "not a rollout id");
	return 0;
}

static int check_digest(const char *digest, struct err *err)
{
	size_t n = strspn(digest, "0123456789abcdef");

	/* empty before the plan has been read */
	if (digest[n] || (n != 0 && n != 32))
		return bad(err, "pd", "not a digest");
	return 0;
}

static int get_names(const struct json *root, struct rollout_state *s, struct err *err)
{
	struct str flags = json_text(json_get(root, "fl"));
	const struct json *cause = json_get(root, "ca");

	if (!phase_parse(json_text(json_get(root, "ph")), &s->phase))
		return bad(err, "ph", "not a phase");
	if (cause && !cause_parse(json_text(cause), &s->cause))
		return bad(err, "ca", "not a cause");
	for (size_t i = 0; i < flags.n; i++) {
		if (flags.p[i] == 't')
			s->touched = true;
		else if (flags.p[i] == 'f')
			s->first = true;
		else
			return bad(err, "fl", "unknown flag");
	}
	return 0;
}

static int decode(const struct json *root, struct rollout_state *s, struct err *err)
{
	int64_t seq, step, percent;

	if (get_text(root, "id", s->id, sizeof(s->id), err) || check_id(s->id, err) ||
	    get_text(root, "pd", s->plan_digest, sizeof(s->plan_digest), err) ||
	    check_digest(s->plan_digest, err) ||
	    get_i64(root, "sq", INT64_MAX, true, &seq, err) || get_names(root, s, err) ||
	    get_i64(root, "st", LIMIT_STEPS - 1, true, &step, err) ||
	    get_i64(root, "t0", MAX_TIME_MS, true, &s->started.ms, err) ||
	    get_i64(root, "ts", MAX_TIME_MS, true, &s->phase_since.ms, err) ||
	    get_i64(root, "hs", MAX_TIME_MS, false, &s->hold_since.ms, err) ||
	    get_i64(root, "pc", 100, true, &percent, err) || get_failures(root, s, err) ||
	    get_text(root, "un", s->undo, sizeof(s->undo), err) ||
	    get_text(root, "cd", s->candidate, sizeof(s->candidate), err) ||
	    get_text(root, "ct", s->cause_text, sizeof(s->cause_text), err))
		return -1;
	s->seq = (uint64_t)seq;
	s->step = (int)step;
	s->percent = (int)percent;
	if (!s->undo[0] && s->phase != PHASE_INSPECT && !phase_is_final(s->phase))
		return bad(err, "un", "a rollout past its inspection has an undo record");
	return 0;
}

int token_decode(struct arena *a, struct str text, struct rollout_state *s, struct err *err)
{
	struct json *root;
	int64_t version;

	if (text.n > LIMIT_TOKEN)
		return err_set(err, ERR_MALFORMED, "token: longer than %d characters", LIMIT_TOKEN);
	if (json_parse(a, text, &root, err)) {
		err->code = ERR_MALFORMED;
		return err_wrap(err, "token");
	}
	if (root->type != JSON_OBJECT || !json_i64(json_get(root, "v"), &version))
		return err_set(err, ERR_MALFORMED, "token: not one of ours");
	if (version != VERSION)
		return err_set(err, ERR_MALFORMED,
			       "token: version %lld; this program writes and reads version %d",
			       (long long)version, VERSION);
	*s = (struct rollout_state){0};
	return decode(root, s, err);
}
