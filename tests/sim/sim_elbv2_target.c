#include "tests/sim/sim_elbv2.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * Targets of the simulated Elastic Load Balancing: how they become healthy and drain, and the way
 * by which services that own instances or tasks reach target groups. A target that such a service
 * adds can bring what runs on it, and then serves by that instead of by its group's behaviour.
 */

/* --- a group and its targets ---------------------------------------------------------------- */

struct sim_target_group *sim_tg_new(const char *name)
{
	struct sim_target_group *tg = xcalloc(1, sizeof(*tg));
	char text[64], id[17];
	(void)str_copy(tg->name, sizeof(tg->name), str_from(name));
	snprintf(text, sizeof(text), "tg:%s", name);
	sim_hex_id(text, id);
	snprintf(tg->arn, sizeof(tg->arn),
		 "arn:aws:elasticloadbalancing:" SIM_REGION ":" SIM_ACCOUNT ":targetgroup/%s/%s",
		 name, id);
	tg->tail = strstr(tg->arn, "targetgroup/");
	(void)str_copy(tg->protocol, sizeof(tg->protocol), STR("HTTP"));
	(void)str_copy(tg->target_type, sizeof(tg->target_type), STR("instance"));
	tg->port = 80;
	tg->interval_s = 10;
	tg->threshold = 3;
	tg->unhealthy_threshold = 2;
	tg->healthy_after_ms = -1;
	tg->deregistration_s = 300;
	tg->does.latency_ms = 20;
	return tg;
}

void sim_target_register(struct sim_target_group *tg, struct str id, int64_t port, struct utc now)
{
	struct sim_target *t = NULL;
	for (size_t i = 0; i < tg->n_targets; i++)
		if (str_is(id, tg->targets[i].id) && tg->targets[i].port == port)
			t = &tg->targets[i];
	if (t && !t->drained.ms)
		return; /* registering again changes nothing */
	if (!t) {
		tg->targets = xrealloc(tg->targets, (tg->n_targets + 1) * sizeof(*t));
		t = &tg->targets[tg->n_targets++];
	}
	*t = (struct sim_target){.port = port, .registered = now};
	(void)str_copy(t->id, sizeof(t->id), id);
}

struct sim_health sim_target_health(const struct sim_target_group *tg, const struct sim_target *t,
				    struct utc now)
{
	int64_t since = t->registered.ms, warm = tg->healthy_after_ms;
	if (t->drained.ms)
		return (struct sim_health){"draining", "Target.DeregistrationInProgress",
					   "Target deregistration is in progress"};
	if (!tg->referenced.ms)
		return (struct sim_health){"unused", "Target.NotInUse",
					   "Target group is not configured to receive traffic from "
					   "the load balancer"};
	if (tg->checks_disabled)
		return (struct sim_health){"unavailable", "Target.HealthCheckDisabled",
					   "Health checks are disabled for this target group"};
	if (tg->referenced.ms > since)
		since = tg->referenced.ms;
	if (warm < 0)
		warm = tg->interval_s * tg->threshold * 1000;
	if (tg->does.unhealthy || t->unhealthy || (t->own && t->does.unhealthy)) {
		/* one that has been healthy is initial no more */
		if (now.ms - since < tg->interval_s * 1000 && now.ms - since < warm)
			return (struct sim_health){"initial", "Elb.RegistrationInProgress",
						   "Target registration is in progress"};
		return (struct sim_health){"unhealthy", "Target.FailedHealthChecks",
					   "Health checks failed"};
	}
	if (now.ms - since < warm)
		return (struct sim_health){"initial", "Elb.InitialHealthChecking",
					   "Initial health checks in progress"};
	return (struct sim_health){"healthy", "", ""};
}

/* Targets whose draining is over are gone. */
void sim_targets_drain(struct sim_target_group *tg, struct utc now)
{
	size_t n = 0;
	for (size_t i = 0; i < tg->n_targets; i++)
		if (!tg->targets[i].drained.ms || now.ms < tg->targets[i].drained.ms)
			tg->targets[n++] = tg->targets[i];
	tg->n_targets = n;
}

/* --- for other services -------------------------------------------------------------------- */

static struct sim_target_group *group_of(struct sim *s, struct str arn)
{
	return sim_tg_find(sim_state(s, &sim_elbv2), arn);
}

bool sim_elbv2_target_add(struct sim *s, struct str group_arn, struct str id, int64_t port,
			  const struct sim_behaviour *does)
{
	struct sim_target_group *tg = group_of(s, group_arn);
	if (!tg)
		return false;
	if (port <= 0)
		port = tg->port;
	sim_target_register(tg, id, port, sim_now(s));
	for (size_t i = 0; i < tg->n_targets; i++) {
		struct sim_target *t = &tg->targets[i];
		if (!str_is(id, t->id) || t->port != port)
			continue;
		t->own = does != NULL;
		if (does)
			t->does = *does;
	}
	return true;
}

void sim_target_deregister(struct sim_target_group *tg, struct sim_target *t, struct utc now)
{
	if (!t->drained.ms)
		t->drained.ms = now.ms + tg->deregistration_s * 1000;
}

bool sim_elbv2_target_remove(struct sim *s, struct str group_arn, struct str id)
{
	struct sim_target_group *tg = group_of(s, group_arn);
	if (!tg)
		return false;
	for (size_t i = 0; i < tg->n_targets; i++)
		if (str_is(id, tg->targets[i].id))
			sim_target_deregister(tg, &tg->targets[i], sim_now(s));
	return true;
}

const char *sim_elbv2_target_state(struct sim *s, struct str group_arn, struct str id)
{
	const struct sim_target_group *tg = group_of(s, group_arn);
	const char *state = "";
	for (size_t i = 0; tg && i < tg->n_targets; i++) {
		const struct sim_target *t = &tg->targets[i];
		/* under two ports: the one that stays tells */
		if (str_is(id, t->id) && (!state[0] || !t->drained.ms))
			state = sim_target_health(tg, t, sim_now(s)).state;
	}
	return state;
}

bool sim_elbv2_group_new(struct sim *s, struct str name, struct str target_type, char *arn,
			 size_t size)
{
	struct sim_elbv2_state *e = sim_state(s, &sim_elbv2);
	struct sim_target_group *tg;
	char text[33];
	if (!name.n || !str_copy(text, sizeof(text), name) || sim_tg_find(e, name))
		return false;
	tg = sim_tg_new(text);
	if (!str_copy(tg->target_type, sizeof(tg->target_type), target_type) ||
	    !str_copy(arn, size, str_from(tg->arn))) {
		free(tg);
		return false;
	}
	tg->next = e->tgs;
	e->tgs = tg;
	return true;
}

bool sim_elbv2_group_arn(struct sim *s, struct str what, char *arn, size_t size)
{
	const struct sim_target_group *tg = group_of(s, what);
	return tg && str_copy(arn, size, str_from(tg->arn));
}
