#include "tests/sim/sim_elbv2.h"

#include <stdio.h>

/*
 * Traffic through load balancers: accepted weights reach the data plane, requests are divided among
 * the target groups of the live action, and the outcome becomes metrics. With group stickiness,
 * clients that were here before keep following the old weights until their cookie expires.
 */

/* Share of the traffic that comes from clients with a cookie, right after a change. */
#define RETURNING 0.8

static void take_pending(struct sim_lb_rule *r, struct utc now)
{
	size_t due = 0;
	while (due < r->n_pending && r->pending[due].at.ms <= now.ms) {
		r->before = r->live;
		r->live = r->pending[due].forward;
		r->changed = r->pending[due].at;
		due++;
	}
	if (due) {
		r->n_pending -= due;
		memmove(r->pending, r->pending + due, r->n_pending * sizeof(*r->pending));
	}
}

static double share_of(const struct sim_forward *f, const struct sim_target_group *tg)
{
	double total = 0, mine = 0;
	for (size_t i = 0; i < f->n; i++) {
		total += (double)f->weight[i];
		if (f->tg[i] == tg)
			mine += (double)f->weight[i];
	}
	return total > 0 ? mine / total : 0;
}

void sim_lb_rule_shares(const struct sim_lb_rule *r, struct utc now, double share[SIM_FORWARD_MAX])
{
	double pinned = 0, kept = 0;
	if (r->live.sticky) {
		double life = (double)(r->live.sticky_s ? r->live.sticky_s : 3600) * 1000;
		double age = (double)(now.ms - r->changed.ms);
		pinned = age < life ? RETURNING * (1 - age / life) : 0;
	}
	for (size_t i = 0; i < r->live.n; i++) {
		share[i] = pinned * share_of(&r->before, r->live.tg[i]);
		kept += share[i];
	}
	for (size_t i = 0; i < r->live.n; i++)
		share[i] += (1 - kept) * share_of(&r->live, r->live.tg[i]);
}

/* --- metrics ------------------------------------------------------------------------------- */

static void open_lb(struct sim *s, struct sim_lb *lb)
{
	const char *ns = lb->network ? "AWS/NetworkELB" : "AWS/ApplicationELB";
	char d[300];
	if (lb->m_requests)
		return;
	snprintf(d, sizeof(d), "LoadBalancer=%s", lb->tail);
	lb->m_requests = sim_metric_open(s, ns, lb->network ? "NewFlowCount" : "RequestCount", d);
	lb->m_target_5xx = sim_metric_open(
		s, ns, lb->network ? "TCP_Target_Reset_Count" : "HTTPCode_Target_5XX_Count", d);
	lb->m_elb_5xx = sim_metric_open(
		s, ns, lb->network ? "TCP_ELB_Reset_Count" : "HTTPCode_ELB_5XX_Count", d);
	lb->m_time = sim_metric_open(s, ns, "TargetResponseTime", d);
}

static void open_tg(struct sim *s, struct sim_target_group *tg)
{
	bool net = tg->lb->network;
	const char *ns = net ? "AWS/NetworkELB" : "AWS/ApplicationELB";
	char d[600];
	if (tg->m_requests)
		return;
	snprintf(d, sizeof(d), "LoadBalancer=%s,TargetGroup=%s", tg->lb->tail, tg->tail);
	tg->m_requests = sim_metric_open(s, ns, net ? "NewFlowCount" : "RequestCount", d);
	tg->m_2xx = sim_metric_open(s, ns, "HTTPCode_Target_2XX_Count", d);
	tg->m_5xx = sim_metric_open(
		s, ns, net ? "TCP_Target_Reset_Count" : "HTTPCode_Target_5XX_Count", d);
	tg->m_time = sim_metric_open(s, ns, "TargetResponseTime", d);
	tg->m_healthy = sim_metric_open(s, ns, "HealthyHostCount", d);
	tg->m_unhealthy = sim_metric_open(s, ns, "UnHealthyHostCount", d);
}

struct hosts {
	size_t n, healthy, unhealthy; /* n: registered and not draining */
	bool own;		      /* one of them does its own */
};

static struct hosts count_hosts(const struct sim_target_group *tg, struct utc now)
{
	struct hosts h = {0};
	for (size_t i = 0; i < tg->n_targets; i++) {
		const char *state = sim_target_health(tg, &tg->targets[i], now).state;
		h.n += strcmp(state, "draining") != 0;
		h.own |= tg->targets[i].own && strcmp(state, "draining") != 0;
		h.healthy += strcmp(state, "healthy") == 0;
		h.unhealthy += strcmp(state, "unhealthy") == 0;
	}
	return h;
}

static void record_served(struct sim_lb *lb, struct sim_target_group *tg, uint64_t n,
			  uint64_t failed, double latency, struct utc from)
{
	tg->errors += failed;
	/* counts of what did not happen have no datapoint at all */
	sim_metric_record(lb->m_target_5xx, from, 1, (double)failed);
	sim_metric_record(tg->m_5xx, from, 1, (double)failed);
	if (lb->network)
		return;
	sim_metric_record(tg->m_2xx, from, 1, (double)(n - failed));
	sim_metric_record_spread(lb->m_time, from, latency, (double)n);
	sim_metric_record_spread(tg->m_time, from, latency, (double)n);
}

/* Round robin over the targets that serve: each request meets what runs on the one it reaches. */
static void serve_each(struct sim *s, struct sim_lb *lb, struct sim_target_group *tg, uint64_t n,
		       const struct hosts *h, struct utc from, struct utc now)
{
	size_t left = tg->checks_disabled ? h->n : h->healthy;
	for (size_t i = 0; i < tg->n_targets && left; i++) {
		struct sim_target *t = &tg->targets[i];
		const struct sim_behaviour *does = t->own ? &t->does : &tg->does;
		const char *state = sim_target_health(tg, t, now).state;
		uint64_t mine, failed;
		if (strcmp(state, "healthy") != 0 && strcmp(state, "unavailable") != 0)
			continue;
		mine = sim_traffic_binomial(sim_dice(s), n, 1 / (double)left--);
		n -= mine;
		failed = sim_traffic_binomial(sim_dice(s), mine, does->errors);
		t->requests += mine;
		t->errors += failed;
		record_served(lb, tg, mine, failed,
			      does->latency_ms / 1000 * sim_traffic_jitter(sim_dice(s)), from);
	}
}

static void serve(struct sim *s, struct sim_lb *lb, struct sim_target_group *tg, uint64_t n,
		  struct utc from, struct utc now)
{
	struct hosts h = count_hosts(tg, now);
	double latency = tg->does.latency_ms / 1000 * sim_traffic_jitter(sim_dice(s));
	uint64_t failed;
	open_lb(s, lb);
	open_tg(s, tg);
	tg->requests += n;
	if (!h.n) { /* 503 by the load balancer itself: no target, so none of the group's metrics */
		tg->errors += n;
		sim_metric_record(lb->m_requests, from, 1, (double)n);
		sim_metric_record(lb->m_elb_5xx, from, 1, (double)n);
		return;
	}
	sim_metric_record(lb->m_requests, from, 1, (double)n);
	sim_metric_record(tg->m_requests, from, 1, (double)n);
	if (h.own && (h.healthy || (tg->checks_disabled && tg->referenced.ms))) {
		serve_each(s, lb, tg, n, &h, from, now);
		return;
	}
	/* no healthy target: fail open, to targets that do not work */
	failed = sim_traffic_binomial(sim_dice(s), n,
				      h.healthy || tg->checks_disabled ? tg->does.errors : 1);
	record_served(lb, tg, n, failed, latency, from);
}

static void step_rule(struct sim *s, struct sim_lb_rule *r, struct utc from, struct utc now)
{
	double share[SIM_FORWARD_MAX] = {0};
	uint64_t each[SIM_FORWARD_MAX] = {0}, n;
	take_pending(r, now);
	n = r->rps > 0 ? sim_traffic_arrivals(&r->carry, r->rps, now.ms - from.ms) : 0;
	if (!n || !r->live.n)
		return;
	sim_lb_rule_shares(r, now, share);
	if (!sim_traffic_divide(sim_dice(s), n, share, r->live.n, each)) {
		/* all weights are 0: nobody to forward to */
		open_lb(s, r->listener->lb);
		sim_metric_record(r->listener->lb->m_requests, from, 1, (double)n);
		sim_metric_record(r->listener->lb->m_elb_5xx, from, 1, (double)n);
		return;
	}
	for (size_t i = 0; i < r->live.n; i++) {
		struct sim_target_group *tg = r->live.tg[i];
		if (!each[i])
			continue;
		if (!tg->lb) /* left the action a moment ago; its last requests */
			tg->lb = r->listener->lb;
		serve(s, r->listener->lb, tg, each[i], from, now);
	}
}

void sim_elbv2_step(struct sim *s, struct sim_elbv2_state *e, struct utc from, struct utc now)
{
	for (struct sim_listener *l = e->listeners; l; l = l->next)
		for (struct sim_lb_rule *r = l->rules; r; r = r->next)
			step_rule(s, r, from, now);
	if (now.ms - e->last_hosts.ms < 60000)
		return;
	e->last_hosts = now;
	for (struct sim_target_group *tg = e->tgs; tg; tg = tg->next) {
		struct hosts h;
		if (!tg->referenced.ms || !tg->lb)
			continue;
		h = count_hosts(tg, now);
		open_tg(s, tg);
		sim_metric_record(tg->m_healthy, from, (double)h.healthy, 1);
		sim_metric_record(tg->m_unhealthy, from, (double)h.unhealthy, 1);
	}
}
