#include "worker/rollout/token.h"

#include <assert.h>
#include <string.h>

#include "aws/core/json.h"

/*
 * The token: one flat JSON object with short keys. We write it, but it comes back from outside, so
 * reading trusts nothing: a member we do not know, a value out of range or a character that should
 * not be there refuses the whole.
 *
 *   v  version        id rollout id     pd plan digest   sq seq
 *   ph phase          st step           t0 started       ts phase since     hs hold since
 *   tc split changed
 *   fl flags: t touched, f first        pc percent       gf failures in a row, two hex digits each
 *   un undo record    cd candidate      ca cause         ct cause text      en ending
 *
 * Members that say nothing (empty, none) are left out.
 */
#define VERSION 1
#define TIME_MAX_MS 253402300799999ll /* the end of the year 9999 */

/*
 * Room. What is not named here is at most 475 characters (a test encodes the largest), so these
 * two always fit and the cause's text gets what is left.
 */
#define UNDO_ENCODED_MAX (LIMIT_UNDO + LIMIT_UNDO / 2)
#define CANDIDATE_ENCODED_MAX (LIMIT_CANDIDATE + LIMIT_CANDIDATE / 2)
#define REST_MAX 475
_Static_assert(UNDO_ENCODED_MAX + CANDIDATE_ENCODED_MAX + REST_MAX < LIMIT_TOKEN,
	       "every state fits into a token");

static const char *const CAUSES[CAUSE_COUNT] = {
	[CAUSE_NONE] = "none",	     [CAUSE_GUARD] = "guard",	      [CAUSE_UNKNOWN] = "unknown",
	[CAUSE_TIMEOUT] = "timeout", [CAUSE_CANDIDATE] = "candidate", [CAUSE_DRIFT] = "drift",
	[CAUSE_ABANDON] = "abandon", [CAUSE_OPERATOR] = "operator",   [CAUSE_PLAN] = "plan",
	[CAUSE_DENIED] = "denied",   [CAUSE_SYSTEM] = "system",
	[CAUSE_BUSY] = "busy",
};

static const char *const ENDINGS[ENDING_COUNT] = {
	[ENDING_NONE] = "none",		[ENDING_UNTOUCHED] = "untouched",
	[ENDING_RESTORED] = "restored", [ENDING_UNHEALTHY] = "unhealthy",
	[ENDING_UNPROVEN] = "unproven", [ENDING_FOREIGN] = "foreign",
	[ENDING_LEFT] = "left",		[ENDING_PROMOTED] = "promoted",
	[ENDING_SERVES] = "serves",	[ENDING_SAME] = "same",
};

const char *cause_name(enum cause c)
{
	assert((unsigned)c < CAUSE_COUNT);
	return CAUSES[c];
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

const char *ending_name(enum ending e)
{
	assert((unsigned)e < ENDING_COUNT);
	return ENDINGS[e];
}

bool ending_parse(struct str s, enum ending *out)
{
	for (unsigned e = 0; e < ENDING_COUNT; e++) {
		if (str_is(s, ENDINGS[e])) {
			*out = (enum ending)e;
			return true;
		}
	}
	return false;
}

static bool is_id_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '-';
}

static bool is_printable(char c)
{
	return c >= 0x20 && c < 0x7f;
}

void rollout_id_from(struct str id, char out[ROLLOUT_ID_MAX + 1])
{
	size_t n = 2;

	out[0] = 'r';
	out[1] = '-';
	for (size_t i = 0; i < id.n && n < ROLLOUT_ID_MAX; i++)
		out[n++] = is_id_char(id.p[i]) ? id.p[i] : '-';
	out[n] = '\0';
}

/* --- encode ----------------------------------------------------------------------------------- */

/* Characters that this one takes in a JSON string. */
static size_t encoded(char c)
{
	return c == '"' || c == '\\' ? 2 : 1;
}

static int check_text(const char *what, const char *text, size_t encoded_max, struct err *err)
{
	size_t n = 0;

	for (const char *p = text; *p; p++) {
		if (!is_printable(*p))
			return err_set(err, ERR_MALFORMED, "token: the %s is not printable ASCII",
				       what);
		n += encoded(*p);
	}
	if (n > encoded_max)
		return err_set(err, ERR_LIMIT,
			       "token: the %s takes %zu characters in a continuation token; %zu at "
			       "most fit",
			       what, n, encoded_max);
	return 0;
}

static void add_failures(struct json_out *o, const struct rollout_state *s)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * LIMIT_GUARDS];
	size_t n = LIMIT_GUARDS;

	while (n > 0 && s->failures[n - 1] == 0)
		n--;
	if (n == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		text[2 * i] = digits[s->failures[i] >> 4];
		text[2 * i + 1] = digits[s->failures[i] & 15];
	}
	json_member_str(o, "gf", (struct str){text, 2 * n});
}

/* The cause's text, as far as it fits into `room` characters. */
static void add_cause_text(struct json_out *o, const char *text, size_t room)
{
	char cut[CAUSE_TEXT_MAX + 1];
	size_t n = 0, used = sizeof(",\"ct\":\"\"}") - 1;

	for (; text[n] && used + encoded(text[n]) <= room; n++) {
		used += encoded(text[n]);
		cut[n] = is_printable(text[n]) ? text[n] : '?';
	}
	cut[n] = '\0';
	json_member_cstr(o, "ct", cut);
}

static void encode(const struct rollout_state *s, struct buf *out)
{
	const char flags[] = {s->touched ? 't' : 'f', s->touched && s->first ? 'f' : '\0', '\0'};
	struct json_out o;

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
	if (s->changed_at.ms)
		json_member_i64(&o, "tc", s->changed_at.ms);
	if (s->touched || s->first)
		json_member_cstr(&o, "fl", flags);
	json_member_i64(&o, "pc", s->percent);
	add_failures(&o, s);
	if (s->cause != CAUSE_NONE)
		json_member_cstr(&o, "ca", cause_name(s->cause));
	if (s->ending != ENDING_NONE)
		json_member_cstr(&o, "en", ending_name(s->ending));
	json_member_cstr(&o, "un", s->undo);
	json_member_cstr(&o, "cd", s->candidate);
	add_cause_text(&o, s->cause_text, out->over ? 0 : LIMIT_TOKEN - out->n);
	json_out_end(&o);
}

int token_encode(const struct rollout_state *s, struct buf *out, struct err *err)
{
	struct buf b;
	int rc;

	assert(s->seq <= INT64_MAX);
	if (check_text("undo record", s->undo, UNDO_ENCODED_MAX, err) ||
	    check_text("candidate's identity", s->candidate, CANDIDATE_ENCODED_MAX, err))
		return -1;
	buf_init(&b, LIMIT_TOKEN);
	encode(s, &b);
	rc = buf_check(&b, "the continuation token", err);
	if (rc == 0) {
		buf_add_str(out, buf_str(&b));
		rc = buf_check(out, "the continuation token", err);
	}
	buf_release(&b);
	return rc;
}

/* --- decode ----------------------------------------------------------------------------------- */

static int bad(struct err *err, const char *key, const char *what)
{
	return err_set(err, ERR_MALFORMED, "token: %s: %s", key, what);
}

static int get_text(const struct json *root, const char *key, char *out, size_t size,
		    struct err *err)
{
	const struct json *node = json_get(root, key);
	struct str s = json_text(node);

	if (node && node->type != JSON_STRING)
		return bad(err, key, "not a string");
	for (size_t i = 0; i < s.n; i++)
		if (!is_printable(s.p[i]))
			return bad(err, key, "not printable ASCII");
	if (!str_copy(out, size, s))
		return bad(err, key, "too long");
	return 0;
}

static int get_i64(const struct json *root, const char *key, int64_t most, int64_t *out,
		   struct err *err)
{
	const struct json *node = json_get(root, key);

	if (!json_i64(node, out) || *out < 0 || *out > most)
		return bad(err, key, node ? "not a number in range" : "missing");
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int get_failures(const struct json *root, struct rollout_state *s, struct err *err)
{
	char text[2 * LIMIT_GUARDS + 1] = "";

	if (get_text(root, "gf", text, sizeof(text), err))
		return -1;
	for (size_t i = 0; text[i]; i += 2) {
		int high = hex_digit(text[i]), low = text[i + 1] ? hex_digit(text[i + 1]) : -1;

		if (high < 0 || low < 0)
			return bad(err, "gf", "not pairs of hex digits");
		s->failures[i / 2] = (uint8_t)(high * 16 + low);
	}
	return 0;
}

static int get_id(const struct json *root, struct rollout_state *s, struct err *err)
{
	size_t n;

	if (get_text(root, "id", s->id, sizeof(s->id), err))
		return -1;
	if (strncmp(s->id, "r-", 2) != 0 || !s->id[2])
		return bad(err, "id", "not a rollout id");
	for (const char *p = s->id; *p; p++)
		if (!is_id_char(*p))
			return bad(err, "id", "not a rollout id");
	if (get_text(root, "pd", s->plan_digest, sizeof(s->plan_digest), err))
		return -1;
	n = strspn(s->plan_digest, "0123456789abcdef");
	/* empty as long as the plan has not been read */
	if (s->plan_digest[n] || (n != 0 && n != sizeof(s->plan_digest) - 1))
		return bad(err, "pd", "not a digest");
	return 0;
}

static int get_names(const struct json *root, struct rollout_state *s, struct err *err)
{
	const struct json *cause = json_get(root, "ca"), *ending = json_get(root, "en");
	char flags[3] = "";

	if (!phase_parse(json_text(json_get(root, "ph")), &s->phase))
		return bad(err, "ph", "not a phase");
	if (cause && !cause_parse(json_text(cause), &s->cause))
		return bad(err, "ca", "not a cause");
	if (ending && !ending_parse(json_text(ending), &s->ending))
		return bad(err, "en", "not an ending");
	if (get_text(root, "fl", flags, sizeof(flags), err))
		return -1;
	s->touched = strchr(flags, 't') != NULL;
	s->first = strchr(flags, 'f') != NULL;
	if (strlen(flags) != (size_t)s->touched + s->first)
		return bad(err, "fl", "unknown flag");
	return 0;
}

static int get_numbers(const struct json *root, struct rollout_state *s, struct err *err)
{
	int64_t seq = 0, step = 0, percent = 0;

	if (get_i64(root, "sq", INT64_MAX - 1, &seq, err) ||
	    get_i64(root, "st", LIMIT_STEPS - 1, &step, err) ||
	    get_i64(root, "pc", 100, &percent, err) ||
	    get_i64(root, "t0", TIME_MAX_MS, &s->started.ms, err) ||
	    get_i64(root, "ts", TIME_MAX_MS, &s->phase_since.ms, err) ||
	    (json_get(root, "hs") && get_i64(root, "hs", TIME_MAX_MS, &s->hold_since.ms, err)) ||
	    (json_get(root, "tc") && get_i64(root, "tc", TIME_MAX_MS, &s->changed_at.ms, err)))
		return -1;
	s->seq = (uint64_t)seq;
	s->step = (int)step;
	s->percent = (int)percent;
	return 0;
}

/* A member we do not know may be one that we must not lose, so it is not skipped. */
static int check_members(const struct json *root, struct err *err)
{
	static const char keys[] = " v id pd sq ph st t0 ts hs tc fl pc gf un cd ca ct en ";
	char wanted[8];

	json_each(node, root) {
		bool is_short = node->key.n > 0 && node->key.n <= 2 && node->key.p[0] != ' ';

		if (is_short) {
			wanted[0] = ' ';
			memcpy(wanted + 1, node->key.p, node->key.n);
			wanted[node->key.n + 1] = ' ';
			wanted[node->key.n + 2] = '\0';
		}
		if (!is_short || !strstr(keys, wanted) || node->type == JSON_NULL)
			return err_set(err, ERR_MALFORMED, "token: an unknown member");
	}
	return 0;
}

static int decode(const struct json *root, struct rollout_state *s, struct err *err)
{
	if (check_members(root, err) || get_id(root, s, err) || get_names(root, s, err) ||
	    get_numbers(root, s, err) || get_failures(root, s, err) ||
	    get_text(root, "un", s->undo, sizeof(s->undo), err) ||
	    get_text(root, "cd", s->candidate, sizeof(s->candidate), err) ||
	    get_text(root, "ct", s->cause_text, sizeof(s->cause_text), err))
		return -1;
	/* without it there would be no way back */
	if (!s->undo[0] && s->phase != PHASE_INSPECT && !phase_is_final(s->phase))
		return bad(err, "un", "missing, though the target has been inspected");
	if (s->touched && !s->undo[0])
		return bad(err, "un", "missing, though the target has been touched");
	return 0;
}

int token_decode(struct arena *a, struct str text, struct rollout_state *s, struct err *err)
{
	struct rollout_state state = {.phase = PHASE_INSPECT};
	struct json *root;
	int64_t version;

	if (text.n > LIMIT_TOKEN)
		return err_set(err, ERR_MALFORMED, "token: longer than %d characters", LIMIT_TOKEN);
	if (json_parse(a, text, &root, err)) {
		err->code = ERR_MALFORMED;
		return err_wrap(err, "token");
	}
	if (root->type != JSON_OBJECT || !json_i64(json_get(root, "v"), &version))
		return err_set(err, ERR_MALFORMED, "token: it was not written by this program");
	if (version != VERSION)
		return err_set(err, ERR_MALFORMED,
			       "token: version %lld; this program writes and reads version %d",
			       (long long)version, VERSION);
	if (decode(root, &state, err))
		return -1;
	*s = state;
	return 0;
}
