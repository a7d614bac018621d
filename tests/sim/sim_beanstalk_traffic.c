#include "tests/sim/sim_beanstalk.h"

#include <stdio.h>

/*
 * Traffic and health. Clients go to the environment that has their domain name; after an exchange
 * their resolvers send some of them to the former one: all of them at first, fewer until the TTL is
 * over, and then a tail of those that keep to what they have once looked up. What an environment
 * answers in a minute decides its health, together with what its instances are.
 */

#define TEN_SECONDS INT64_C(10000)

/* --- health --------------------------------------------------------------------------------- */

const char *sim_eb_health_name(enum sim_eb_health h)
{
	static const char *const names[] = {"NoData",  "Pending",  "Ok",    "Info",
					    "Warning", "Degraded", "Severe"};
	return names[h];
}

const char *sim_eb_health_colour(enum sim_eb_health h)
{
	static const char *const colours[] = {"Grey",	"Grey", "Green", "Green",
					      "Yellow", "Red",	"Red"};
	return colours[h];
}

/* A few failures among few requests say nothing yet. */
enum sim_eb_health sim_eb_bucket_health(struct sim_eb_bucket b)
{
	return b.n >= 20 && b.errors >= 5 ? sim_eb_share_health((double)b.errors / (double)b.n)
					  : EB_OK;
}

enum sim_eb_health sim_eb_share_health(double share)
{
	return share >= 0.10   ? EB_SEVERE
	       : share >= 0.05 ? EB_DEGRADED
	       : share >= 0.01 ? EB_WARNING
			       : EB_OK;
}

struct sim_eb_bucket sim_eb_window(const struct sim_eb_fleet *f, struct utc now)
{
	struct sim_eb_bucket sum = {.at = now.ms / TEN_SECONDS};
	for (size_t i = 0; i < EB_WINDOW; i++)
		if (sum.at - f->window[i].at < EB_WINDOW) {
			sum.n += f->window[i].n;
			sum.errors += f->window[i].errors;
		}
	return sum;
}

static struct sim_eb_bucket whole_window(const struct sim_eb_environment *e, struct utc now)
{
	struct sim_eb_bucket a = sim_eb_window(&e->fleet[0], now),
			     b = sim_eb_window(&e->fleet[1], now);
	a.n += b.n;
	a.errors += b.errors;
	return a;
}

enum sim_eb_health sim_eb_instance_health(const struct sim_eb_environment *e,
					  const struct sim_eb_instance *i, struct utc now)
{
	bool has_traffic = sim_eb_window(&e->fleet[i->fleet], now).n > 0 && i->target;
	if (i->status == EB_IN_PROGRESS)
		return i->fleet ? EB_PENDING : EB_INFO;
	if (i->status == EB_DEPLOY_FAILED || !sim_eb_instance_well(e, i))
		return EB_SEVERE;
	return has_traffic ? sim_eb_share_health(i->does.errors) : EB_OK;
}

/* Instances that run something else than the environment says. */
static size_t n_incorrect(const struct sim_eb_environment *e)
{
	size_t n = 0;
	for (size_t i = 0; i < e->n_instances; i++)
		n += strcmp(e->instances[i].label, e->label) != 0;
	return e->op.kind == EB_DEPLOY ? 0 : n;
}

static size_t n_ill(const struct sim_eb_environment *e)
{
	size_t n = 0;
	for (size_t i = 0; i < e->n_instances; i++)
		n += e->instances[i].status == EB_DEPLOY_FAILED ||
		     (e->instances[i].status == EB_DEPLOYED &&
		      !sim_eb_instance_well(e, &e->instances[i]));
	return n;
}

static enum sim_eb_health worse(enum sim_eb_health a, enum sim_eb_health b)
{
	return a > b ? a : b;
}

enum sim_eb_health sim_eb_health_of(const struct sim_eb_environment *e, struct utc now)
{
	struct sim_eb_bucket w = whole_window(e, now);
	enum sim_eb_health h = EB_OK;
	size_t ill = n_ill(e);
	if (e->forced != EB_HEALTH_AUTO)
		return e->forced;
	if (e->status == EB_LAUNCHING)
		return EB_PENDING;
	if (e->status == EB_TERMINATING || e->status == EB_TERMINATED || !e->n_instances)
		return EB_NO_DATA;
	if (e->status != EB_READY)
		h = EB_INFO;
	if (ill)
		h = worse(h, 2 * ill >= e->n_instances ? EB_SEVERE : EB_DEGRADED);
	if (n_incorrect(e))
		h = worse(h, EB_DEGRADED);
	return worse(h, sim_eb_bucket_health(w));
}

static void cause(struct buf *out, const char *text)
{
	buf_addf(out, "<member>%s</member>", text);
}

void sim_eb_health_causes(struct buf *out, const struct sim_eb_environment *e, struct utc now)
{
	struct sim_eb_bucket w = whole_window(e, now);
	size_t ill = n_ill(e), other = n_incorrect(e);
	char text[256];
	if (e->forced != EB_HEALTH_AUTO)
		cause(out, "Set by hand.");
	if (sim_eb_bucket_health(w) > EB_OK) {
		snprintf(text, sizeof(text), "%.1f %% of the requests are failing with HTTP 5xx.",
			 100 * (double)w.errors / (double)w.n);
		cause(out, text);
	}
	if (ill) {
		snprintf(text, sizeof(text), "Impaired services on %zu out of %zu instances.", ill,
			 e->n_instances);
		cause(out, text);
	}
	if (other) {
		snprintf(text, sizeof(text),
			 "Incorrect application version found on %zu out of %zu instances. "
			 "Expected version \"%s\" (deployment %lld).",
			 other, e->n_instances, e->label, (long long)e->deployments);
		cause(out, text);
	}
	if (e->op.kind == EB_DEPLOY || e->op.kind == EB_CONFIGURE)
		cause(out, "Environment update in progress.");
}

/* --- domain names --------------------------------------------------------------------------- */

struct sim_eb_cname *sim_eb_cname_of(struct sim_eb_state *b, struct str prefix)
{
	struct sim_eb_cname *c = b->cnames;
	while (c && !str_is(prefix, c->prefix))
		c = c->next;
	if (c)
		return c;
	c = xcalloc(1, sizeof(*c));
	(void)str_copy(c->prefix, sizeof(c->prefix), prefix);
	c->next = b->cnames;
	b->cnames = c;
	return c;
}

static struct sim_eb_environment *holder_of(struct sim_eb_state *b, const struct sim_eb_cname *c)
{
	char name[300];
	snprintf(name, sizeof(name), "%s" EB_DOMAIN, c->prefix);
	return sim_eb_environment_by_cname(b, str_from(name));
}

/* Share of the clients that still go where the name pointed before. */
static double share_before(const struct sim_eb_state *b, const struct sim_eb_cname *c,
			   struct utc now)
{
	double age = (double)(now.ms - c->changed.ms), share = 0;
	if (!c->before[0])
		return 0;
	if (age < (double)b->set.dns_ttl)
		share += (1 - b->set.dns_tail) * (1 - age / (double)b->set.dns_ttl);
	if (age < (double)b->set.dns_tail_life)
		share += b->set.dns_tail * (1 - age / (double)b->set.dns_tail_life);
	return share;
}

static void send_to(struct sim_eb_environment *e, struct sim_eb_cname *c, double rate, int64_t dt)
{
	if (e && e->status != EB_TERMINATED && e->n_instances)
		e->rate += rate;
	else
		c->lost += sim_traffic_arrivals(&c->carry, rate, dt);
}

static void step_cname(struct sim_eb_state *b, struct sim_eb_cname *c, struct utc from,
		       struct utc now)
{
	struct sim_eb_environment *e = holder_of(b, c);
	const char *id = e ? e->id : "";
	double before;
	if (strcmp(id, c->holder) != 0) {
		memcpy(c->before, c->holder, sizeof(c->before));
		(void)str_copy(c->holder, sizeof(c->holder), str_from(id));
		c->changed = now;
	}
	if (!(c->rps > 0))
		return;
	before = share_before(b, c, now);
	if (before > 0)
		send_to(sim_eb_environment_by_id(b, str_from(c->before)), c, c->rps * before,
			now.ms - from.ms);
	send_to(e, c, c->rps * (1 - before), now.ms - from.ms);
}

/* --- what is answered ----------------------------------------------------------------------- */

static void count(struct sim_eb_environment *e, struct sim_eb_fleet *f, struct utc at, uint64_t n,
		  uint64_t errors)
{
	int64_t number = at.ms / TEN_SECONDS;
	struct sim_eb_bucket *bucket = &f->window[number % EB_WINDOW];
	if (bucket->at != number)
		*bucket = (struct sim_eb_bucket){.at = number};
	bucket->n += n;
	bucket->errors += errors;
	e->requests += n;
	e->errors += errors;
	e->minute_n += n;
	e->minute_errors += errors;
}

/* Behind a load balancer: what its target groups have counted, whoever sent it there. */
static void count_groups(struct sim *s, struct sim_eb_environment *e, struct utc at)
{
	for (int i = 0; i < 2; i++) {
		struct sim_eb_fleet *f = &e->fleet[i];
		uint64_t n, errors;
		if (!f->group[0] || !sim_elbv2_group_counts(s, str_from(f->group), &n, &errors))
			continue;
		count(e, f, at, n - f->seen, errors - f->seen_errors);
		f->seen = n;
		f->seen_errors = errors;
	}
}

/* Without one (single instance, classic load balancer): the instances answer in turn. */
static void serve(struct sim *s, struct sim_eb_environment *e, struct utc from, struct utc now)
{
	uint64_t n = sim_traffic_arrivals(&e->carry, e->rate, now.ms - from.ms), errors = 0;
	size_t left = 0;
	uint64_t rest = n;
	for (size_t i = 0; i < e->n_instances; i++)
		left += e->instances[i].target;
	if (!left)
		errors = n;
	for (size_t i = 0; i < e->n_instances && left; i++) {
		const struct sim_eb_instance *one = &e->instances[i];
		uint64_t mine;
		if (!one->target)
			continue;
		mine = sim_traffic_binomial(sim_dice(s), rest, 1 / (double)left--);
		rest -= mine;
		errors += sim_traffic_binomial(sim_dice(s), mine,
					       sim_eb_instance_well(e, one) ? one->does.errors : 1);
	}
	if (n)
		count(e, &e->fleet[0], from, n, errors);
}

/* One instance of those that take requests. */
static bool answers_well(struct sim *s, const struct sim_eb_environment *e)
{
	uint64_t n = 0, chosen;
	for (size_t i = 0; i < e->n_instances; i++)
		n += e->instances[i].target && e->instances[i].fleet == 0;
	if (!n)
		return false;
	chosen = rng_below(sim_dice(s), n);
	for (size_t i = 0; i < e->n_instances; i++) {
		const struct sim_eb_instance *one = &e->instances[i];
		if (!one->target || one->fleet != 0 || chosen-- > 0)
			continue;
		if (!sim_eb_instance_well(e, one) || one->does.smoke == SIM_SMOKE_FAIL)
			return false;
		return one->does.smoke == SIM_SMOKE_OK || rng_unit(sim_dice(s)) >= one->does.errors;
	}
	return false;
}

int sim_beanstalk_answer(struct sim *s, struct str host)
{
	struct sim_eb_state *b = sim_state(s, &sim_beanstalk);
	const struct sim_eb_environment *e;
	struct str name;
	(void)str_next(&host, ':', &name);
	e = sim_eb_environment_by_cname(b, name);
	if (!e)
		return 0;
	if (e->status == EB_LAUNCHING || e->status == EB_TERMINATING)
		return 503;
	return answers_well(s, e) ? 200 : 500;
}

/* --- metrics -------------------------------------------------------------------------------- */

static void metrics_open(struct sim *s, struct sim_eb_environment *e)
{
	const struct {
		struct sim_metric **m;
		const char *name;
	} all[] = {
		{&e->m.health, "EnvironmentHealth"},  {&e->m.total, "ApplicationRequestsTotal"},
		{&e->m.ok, "ApplicationRequests2xx"}, {&e->m.failed, "ApplicationRequests5xx"},
		{&e->m.p50, "ApplicationLatencyP50"}, {&e->m.p90, "ApplicationLatencyP90"},
		{&e->m.p99, "ApplicationLatencyP99"}, {&e->m.n_ok, "InstancesOk"},
		{&e->m.n_severe, "InstancesSevere"},
	};
	char dimensions[80];
	if (e->m.health)
		return;
	snprintf(dimensions, sizeof(dimensions), "EnvironmentName=%s", e->name);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		*all[i].m = sim_metric_open(s, "AWS/ElasticBeanstalk", all[i].name, dimensions);
}

double sim_eb_latency_ms(const struct sim_eb_environment *e)
{
	double sum = 0;
	size_t n = 0;
	for (size_t i = 0; i < e->n_instances; i++)
		if (e->instances[i].target) {
			sum += e->instances[i].does.latency_ms;
			n++;
		}
	return n ? sum / (double)n : 0;
}

static void publish(struct sim *s, struct sim_eb_environment *e, struct utc at, struct utc now)
{
	static const double numbers[] = {10, 5, 0, 1, 15, 20, 25}; /* as the service codes them */
	enum sim_eb_health h = sim_eb_health_of(e, now);
	size_t ok = 0, severe = 0;
	double latency = sim_eb_latency_ms(e) / 1000;
	metrics_open(s, e);
	for (size_t i = 0; i < e->n_instances; i++) {
		enum sim_eb_health each = sim_eb_instance_health(e, &e->instances[i], now);
		ok += each == EB_OK || each == EB_INFO;
		severe += each == EB_SEVERE;
	}
	sim_metric_record(e->m.health, at, numbers[h], 1);
	sim_metric_record(e->m.n_ok, at, (double)ok, 1);
	sim_metric_record(e->m.n_severe, at, (double)severe, 1);
	if (e->minute_n) {
		sim_metric_record(e->m.total, at, (double)e->minute_n, 1);
		sim_metric_record(e->m.ok, at, (double)(e->minute_n - e->minute_errors), 1);
		sim_metric_record(e->m.failed, at, (double)e->minute_errors, 1);
		sim_metric_record(e->m.p50, at, latency, 1);
		sim_metric_record(e->m.p90, at, latency * 1.898, 1);
		sim_metric_record(e->m.p99, at, latency * 3.2, 1);
	}
	e->minute_n = e->minute_errors = 0;
}

/* A change for the worse, or back, is an event. */
static void tell_health(struct sim *s, struct sim_eb_environment *e, struct utc now)
{
	enum sim_eb_health h = sim_eb_health_of(e, now);
	char first = e->op.request_id[0];
	if (h == e->last_health)
		return;
	e->op.request_id[0] = '\0'; /* nobody asked for it */
	if (h > EB_INFO || e->last_health > EB_INFO)
		sim_eb_event(s, e, h > EB_INFO ? "WARN" : "INFO",
			     "Environment health has transitioned from %s to %s.",
			     sim_eb_health_name(e->last_health), sim_eb_health_name(h));
	e->op.request_id[0] = first;
	e->last_health = h;
}

void sim_eb_traffic_step(struct sim *s, struct sim_eb_state *b, struct utc from, struct utc now)
{
	bool minute = now.ms - b->last_minute.ms >= 60000;
	for (struct sim_eb_environment *e = b->environments; e; e = e->next)
		e->rate = 0;
	for (struct sim_eb_cname *c = b->cnames; c; c = c->next)
		step_cname(b, c, from, now);
	for (struct sim_eb_environment *e = b->environments; e; e = e->next) {
		if (e->status == EB_TERMINATED)
			continue;
		if (e->rule[0]) {
			(void)sim_elbv2_front_rps(s, str_from(e->rule), e->rate);
			count_groups(s, e, from);
		} else {
			serve(s, e, from, now);
		}
		if (now.ms % TEN_SECONDS < from.ms % TEN_SECONDS)
			tell_health(s, e, now);
		if (minute && sim_eb_is_enhanced(&e->options))
			publish(s, e, b->last_minute, now);
	}
	if (minute)
		b->last_minute = now;
}
