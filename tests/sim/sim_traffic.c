#include "tests/sim/sim_traffic.h"

/*
 * The traffic model. Arrivals are exact over time (a carry keeps the fraction); what is random is
 * which version a request reaches and whether it fails, both binomial as in the real services,
 * which decide per request. Binomials cost one draw each, whatever n: by inversion while the mean
 * is small, by the normal approximation above.
 */

static int set_share(struct str key, struct str value, double *out, struct err *err)
{
	double v;
	if (!str_parse_double(value, &v) || v < 0 || v > 1)
		return err_set(err, ERR_REJECTED, STR_FMT "=" STR_FMT ": must be 0 to 1",
			       STR_ARG(key), STR_ARG(value));
	*out = v;
	return 0;
}

static int set_smoke(struct sim_behaviour *b, struct str value, struct err *err)
{
	static const struct {
		const char *name;
		enum sim_smoke smoke;
	} words[] = {
		{"random", SIM_SMOKE_RANDOM},	  {"ok", SIM_SMOKE_OK},
		{"fail", SIM_SMOKE_FAIL},	  {"timeout", SIM_SMOKE_TIMEOUT},
		{"throttle", SIM_SMOKE_THROTTLE},
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_is(value, words[i].name)) {
			b->smoke = words[i].smoke;
			return 0;
		}
	}
	return err_set(err, ERR_REJECTED,
		       "smoke=" STR_FMT ": must be ok, fail, timeout, throttle or random",
		       STR_ARG(value));
}

/* One of two words. */
static int set_choice(struct str key, struct str value, const char *no, const char *yes, bool *out,
		      struct err *err)
{
	if (!str_is(value, no) && !str_is(value, yes))
		return err_set(err, ERR_REJECTED, STR_FMT "=" STR_FMT ": must be %s or %s",
			       STR_ARG(key), STR_ARG(value), no, yes);
	*out = str_is(value, yes);
	return 0;
}

int sim_behaviour_set(struct sim_behaviour *b, struct str key, struct str value, struct err *err)
{
	if (str_is(key, "errors"))
		return set_share(key, value, &b->errors, err);
	if (str_is(key, "latency_ms")) {
		double v;
		if (!str_parse_double(value, &v) || v < 0 || v > 900000)
			return err_set(err, ERR_REJECTED,
				       "latency_ms=" STR_FMT ": must be 0 to 900000",
				       STR_ARG(value));
		b->latency_ms = v;
		return 0;
	}
	if (str_is(key, "smoke"))
		return set_smoke(b, value, err);
	if (str_is(key, "state"))
		return set_choice(key, value, "Active", "Failed", &b->never_starts, err);
	if (str_is(key, "health"))
		return set_choice(key, value, "healthy", "unhealthy", &b->unhealthy, err);
	if (str_is(key, "reply")) {
		if (!str_copy(b->reply, sizeof(b->reply), value))
			return err_set(err, ERR_REJECTED, "reply: longer than %zu bytes",
				       sizeof(b->reply) - 1);
		return 0;
	}
	return err_set(err, ERR_REJECTED, STR_FMT ": not a word for behaviour", STR_ARG(key));
}

static const char *const behaviour_keys[] = {"errors", "latency_ms", "smoke",
					     "state",  "health",     "reply"};
#define N_BEHAVIOUR_KEYS (sizeof(behaviour_keys) / sizeof(behaviour_keys[0]))

int sim_behaviour_words(struct sim_behaviour *b, const struct sim_words *w, struct err *err)
{
	for (size_t i = 0; i < N_BEHAVIOUR_KEYS; i++) {
		struct str v = sim_word_value(w, behaviour_keys[i]);
		if (v.n && sim_behaviour_set(b, str_from(behaviour_keys[i]), v, err))
			return -1;
	}
	return 0;
}

/* The words after "sim:", up to the end of the line. */
static void apply_line(struct sim_behaviour *b, struct str line)
{
	struct str word;
	while (str_next(&line, ' ', &word)) {
		struct str value = word, key;
		struct err ignored = ERR_INIT;
		word = str_trim(word);
		value = word;
		if (!str_next(&value, '=', &key) || key.n == word.n)
			continue;
		/* a word that is not ours is the user's own text */
		if (sim_behaviour_set(b, key, value, &ignored))
			continue;
	}
}

static void apply_text(void *arg, struct str name, struct str content)
{
	struct str line;
	(void)name;
	while (str_next(&content, '\n', &line)) {
		line = str_trim(line);
		/* the marker may stand in a comment of any language */
		while (line.n && (line.p[0] == '#' || line.p[0] == '/' || line.p[0] == '*' ||
				  line.p[0] == ' ' || line.p[0] == '-' || line.p[0] == ';'))
			line = str_sub(line, 1, line.n);
		if (str_starts(line, "sim:"))
			apply_line(arg, str_sub(line, 4, line.n));
	}
}

void sim_behaviour_code(struct sim_behaviour *b, struct str bytes)
{
	struct err not_zip = ERR_INIT;
	if (sim_zip_each(bytes, apply_text, b, &not_zip))
		apply_text(b, STR(""), bytes);
}

uint64_t sim_traffic_arrivals(double *carry, double rps, int64_t dt_ms)
{
	double due = *carry + rps * (double)dt_ms / 1000;
	uint64_t whole = due >= 1 ? (uint64_t)due : 0;
	*carry = due - (double)whole;
	return whole;
}

/* x to the power n, by squaring. */
static double power(double x, uint64_t n)
{
	double r = 1;
	for (; n; n >>= 1, x *= x)
		if (n & 1)
			r *= x;
	return r;
}

static double square_root(double x)
{
	double r = x > 1 ? x : 1;
	for (int i = 0; i < 60 && r * r > x * (1 + 1e-12); i++)
		r = (r + x / r) / 2;
	return r;
}

static uint64_t binomial_small(struct rng *r, uint64_t n, double p)
{
	double u = rng_unit(r), q = 1 - p, f = power(q, n);
	uint64_t k = 0;
	while (u > f && k < n) {
		u -= f;
		f *= (double)(n - k) / (double)(k + 1) * p / q;
		k++;
	}
	return k;
}

static uint64_t binomial_large(struct rng *r, uint64_t n, double p)
{
	double mean = (double)n * p, z = -6;
	for (int i = 0; i < 12; i++) /* twelve uniforms have variance 1 */
		z += rng_unit(r);
	double k = mean + z * square_root(mean * (1 - p)) + 0.5;
	if (k < 0)
		return 0;
	return k > (double)n ? n : (uint64_t)k;
}

uint64_t sim_traffic_binomial(struct rng *r, uint64_t n, double p)
{
	if (n == 0 || !(p > 0))
		return 0;
	if (p >= 1)
		return n;
	if (p > 0.5)
		return n - sim_traffic_binomial(r, n, 1 - p);
	return (double)n * p < 30 ? binomial_small(r, n, p) : binomial_large(r, n, p);
}

bool sim_traffic_divide(struct rng *r, uint64_t n, const double *weights, size_t k, uint64_t *out)
{
	double total = 0;
	for (size_t i = 0; i < k; i++) {
		total += weights[i];
		out[i] = 0;
	}
	if (!(total > 0))
		return false;
	for (size_t i = 0; i < k && n; i++) {
		if (!(weights[i] > 0))
			continue;
		out[i] = sim_traffic_binomial(r, n, weights[i] / total);
		n -= out[i];
		total -= weights[i];
		if (total < 1e-12)
			total = 0;
		if (!(total > 0)) {
			out[i] += n;
			n = 0;
		}
	}
	return true;
}

double sim_traffic_jitter(struct rng *r)
{
	static const double factor[] = {0.96, 0.98, 1.0, 1.02, 1.04};
	return factor[rng_below(r, sizeof(factor) / sizeof(factor[0]))];
}
