#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim_autoscaling.h"

/*
 * What a group does by itself: launch up to what is desired, register with target groups, judge
 * health and replace, scale in, and take instances through their lifecycle hooks.
 */

#define RETRY_MS 60000 /* after a launch that failed */
#define HOOK_MS 10000  /* until a hook is answered, where control says nothing */
#define ATTACHING_MS 5000

/* --- activities ---------------------------------------------------------------------------- */

static size_t begin_activity(struct sim_asg *g, struct utc now, const char *cause, const char *what,
			     const char *id)
{
	struct sim_activity *a;
	char iso[UTC_ISO_SIZE];
	g->activities = xrealloc(g->activities, (g->n_activities + 1) * sizeof(*a));
	a = &g->activities[g->n_activities++];
	*a = (struct sim_activity){.start = now};
	utc_format_iso(now, iso);
	/* of the group's own number, so that a run tells the same ids again */
	snprintf(a->id, sizeof(a->id), "%.8s-0000-4000-8000-%012zu", strstr(g->arn, "8000-") + 9,
		 g->n_activities);
	(void)str_copy(a->code, sizeof(a->code), STR("InProgress"));
	snprintf(a->description, sizeof(a->description), "%s: %s", what, id);
	snprintf(a->cause, sizeof(a->cause), "At %s %s", iso, cause);
	a->progress = 30;
	return g->n_activities - 1;
}

static void end_activity(struct sim_asg *g, size_t i, struct utc now, const char *code,
			 const char *message)
{
	struct sim_activity *a = &g->activities[i];
	a->end = now;
	a->progress = 100;
	(void)str_copy(a->code, sizeof(a->code), str_from(code));
	(void)str_copy(a->message, sizeof(a->message), str_from(message));
}

/* --- target groups ------------------------------------------------------------------------- */

static void add_target(struct sim *s, const struct sim_asg_source *source,
		       const struct sim_asg_member *m)
{
	if (!source->leaving && strcmp(source->type, "elbv2") == 0)
		(void)sim_elbv2_target_add(s, str_from(source->arn), str_from(m->i->id), 0,
					   &m->i->does);
}

void sim_asg_attach(struct sim *s, struct sim_asg *g, struct str arn, struct str type)
{
	struct sim_asg_source *source = sim_asg_source_find(g, arn);
	if (source && !source->leaving)
		return;
	if (!source) {
		g->sources = xrealloc(g->sources, (g->n_sources + 1) * sizeof(*source));
		source = &g->sources[g->n_sources++];
	}
	*source = (struct sim_asg_source){.since = sim_now(s)};
	(void)str_copy(source->arn, sizeof(source->arn), arn);
	(void)str_copy(source->type, sizeof(source->type), type.n ? type : STR("elbv2"));
	for (size_t i = 0; i < g->n_members; i++)
		if (g->members[i].state == SIM_IN_SERVICE &&
		    sim_asg_runs(g, SIM_ADD_TO_LOAD_BALANCER))
			add_target(s, source, &g->members[i]);
}

void sim_asg_detach(struct sim *s, struct sim_asg *g, struct sim_asg_source *source)
{
	source->leaving = true;
	source->since = sim_now(s);
	for (size_t i = 0; i < g->n_members; i++)
		(void)sim_elbv2_target_remove(s, str_from(source->arn),
					      str_from(g->members[i].i->id));
}

static bool is_draining(struct sim *s, const struct sim_asg *g, const struct sim_asg_member *m)
{
	for (size_t i = 0; i < g->n_sources; i++)
		if (strcmp(sim_elbv2_target_state(s, str_from(g->sources[i].arn),
						  str_from(m->i->id)),
			   "draining") == 0)
			return true;
	return false;
}

/* Sources that have been left by everybody are gone. */
static void finish_leaving(struct sim *s, struct sim_asg *g, struct utc now)
{
	size_t n = 0;
	for (size_t i = 0; i < g->n_sources; i++) {
		struct sim_asg_source *source = &g->sources[i];
		bool left = source->leaving && now.ms >= source->since.ms + ATTACHING_MS;
		for (size_t k = 0; left && k < g->n_members; k++)
			left = !sim_elbv2_target_state(s, str_from(source->arn),
						       str_from(g->members[k].i->id))[0];
		if (!left)
			g->sources[n++] = *source;
	}
	g->n_sources = n;
}

/* --- hooks --------------------------------------------------------------------------------- */

static bool is_hook_for(const struct sim_asg_part *p, bool launching)
{
	return p->kind == SIM_HOOK &&
	       (strcmp(p->type, "autoscaling:EC2_INSTANCE_LAUNCHING") == 0) == launching;
}

/* The first hook for this transition from number `from` on; n_parts when there is none. */
static size_t next_hook(const struct sim_asg *g, size_t from, bool launching)
{
	while (from < g->n_parts && !is_hook_for(&g->parts[from], launching))
		from++;
	return from;
}

struct sim_asg_part *sim_asg_hook(struct sim_asg *g, const struct sim_asg_member *m)
{
	bool held = m->state == SIM_PENDING_WAIT || m->state == SIM_TERMINATING_WAIT;
	return held && m->hook < g->n_parts ? &g->parts[m->hook] : NULL;
}

static const struct sim_hook_rule *rule_of(const struct sim_autoscaling_state *st, const char *name)
{
	for (size_t i = 0; i < st->n_rules; i++)
		if (strcmp(st->rules[i].name, name) == 0)
			return &st->rules[i];
	return NULL;
}

/* 0: still held; 1: goes on; 2: abandoned. */
static int hook_answer(const struct sim_autoscaling_state *st, const struct sim_asg_part *hook,
		       const struct sim_asg_member *m, struct utc now)
{
	const struct sim_hook_rule *rule = rule_of(st, hook->name);
	if (m->answer)
		return m->answer;
	if (now.ms >= m->held.ms + hook->heartbeat_s * 1000)
		return hook->abandons ? 2 : 1;
	if (rule && rule->stuck)
		return 0;
	if (now.ms >= m->held.ms + (rule ? rule->after_ms : HOOK_MS))
		return rule && rule->abandons ? 2 : 1;
	return 0;
}

/* --- one instance -------------------------------------------------------------------------- */

static void set_state(struct sim_asg_member *m, enum sim_lifecycle state, struct utc now)
{
	m->state = state;
	m->since = now;
}

static void enter_service(struct sim *s, struct sim_asg *g, struct sim_asg_member *m,
			  struct utc now)
{
	set_state(m, SIM_IN_SERVICE, now);
	m->in_service = now;
	m->changes = m->i->changes;
	m->protected_ = g->protect_new;
	end_activity(g, m->activity, now, "Successful", "");
	for (size_t i = 0; i < g->n_sources; i++)
		if (sim_asg_runs(g, SIM_ADD_TO_LOAD_BALANCER))
			add_target(s, &g->sources[i], m);
}

void sim_asg_end_member(struct sim *s, struct sim_asg *g, struct sim_asg_member *m,
			const char *cause, bool by_force)
{
	m->by_force |= by_force;
	if (m->state >= SIM_TERMINATING)
		return;
	if (m->state < SIM_IN_SERVICE)
		end_activity(g, m->activity, sim_now(s), "Cancelled",
			     "The instance was terminated");
	m->activity = begin_activity(g, sim_now(s), cause, "Terminating EC2 instance", m->i->id);
	set_state(m, SIM_TERMINATING, sim_now(s));
	for (size_t i = 0; i < g->n_sources; i++)
		(void)sim_elbv2_target_remove(s, str_from(g->sources[i].arn), str_from(m->i->id));
}

static void hold(struct sim_asg_member *m, enum sim_lifecycle state, size_t hook, struct utc now)
{
	set_state(m, state, now);
	m->hook = hook;
	m->held = now;
	m->answer = 0;
}

static void step_pending(struct sim *s, struct sim_asg *g, struct sim_asg_member *m, struct utc now)
{
	size_t hook;
	if (m->i->ending.ms || (m->i->does.never_starts && now.ms >= m->since.ms + g->launch_ms)) {
		end_activity(g, m->activity, now, "Failed",
			     "Instance became unhealthy while waiting for instance to be in "
			     "InService state. Termination Reason: Client.InternalError: Client "
			     "error on launch");
		sim_ec2_terminate(s, m->i);
		set_state(m, SIM_TERMINATING_PROCEED, now);
		g->next_launch.ms = now.ms + RETRY_MS;
		return;
	}
	if (now.ms < m->since.ms + g->launch_ms)
		return;
	hook = next_hook(g, 0, true);
	if (hook < g->n_parts)
		hold(m, SIM_PENDING_WAIT, hook, now);
	else
		enter_service(s, g, m, now);
}

static void step_held(struct sim *s, const struct sim_autoscaling_state *st, struct sim_asg *g,
		      struct sim_asg_member *m, struct utc now)
{
	bool launching = m->state == SIM_PENDING_WAIT;
	const struct sim_asg_part *hook = sim_asg_hook(g, m);
	int answer = hook && !m->by_force ? hook_answer(st, hook, m, now) : 1;
	size_t next;
	if (!answer)
		return;
	if (launching && answer == 2) {
		end_activity(
			g, m->activity, now, "Cancelled",
			"Instance failed to complete user's Lifecycle Action: Lifecycle Action "
			"was abandoned: Lifecycle Action Completed with ABANDON Result");
		sim_ec2_terminate(s, m->i);
		set_state(m, SIM_TERMINATING_PROCEED, now);
		g->next_launch.ms = now.ms + RETRY_MS;
		return;
	}
	next = hook ? next_hook(g, m->hook + 1, launching) : g->n_parts;
	if (next < g->n_parts && answer == 1 && !m->by_force)
		hold(m, m->state, next, now);
	else if (launching)
		enter_service(s, g, m, now);
	else
		set_state(m, SIM_TERMINATING_PROCEED, now);
}

static void step_terminating(struct sim *s, struct sim_asg *g, struct sim_asg_member *m,
			     struct utc now)
{
	size_t hook = next_hook(g, 0, false);
	if (!m->by_force && is_draining(s, g, m)) {
		(void)str_copy(g->activities[m->activity].code, 40,
			       STR("WaitingForELBConnectionDraining"));
		return;
	}
	if (hook < g->n_parts && !m->by_force) {
		hold(m, SIM_TERMINATING_WAIT, hook, now);
		(void)str_copy(g->activities[m->activity].code, 40, STR("MidLifecycleAction"));
	} else {
		set_state(m, SIM_TERMINATING_PROCEED, now);
	}
}

/* What runs on it has changed: the targets are told. Deregistered ones stay as they are. */
static void tell_targets(struct sim *s, struct sim_asg *g, struct sim_asg_member *m)
{
	m->changes = m->i->changes;
	for (size_t i = 0; i < g->n_sources; i++) {
		const char *state =
			sim_elbv2_target_state(s, str_from(g->sources[i].arn), str_from(m->i->id));
		if (state[0] && strcmp(state, "draining") != 0)
			add_target(s, &g->sources[i], m);
	}
}

static void check_health(struct sim *s, struct sim_asg *g, struct sim_asg_member *m, struct utc now)
{
	if (strcmp(sim_instance_state(m->i, now), "running") != 0 && now.ms >= m->i->running.ms)
		m->unhealthy = true;
	if (!g->elb_health || now.ms < m->in_service.ms + g->grace_s * 1000)
		return;
	for (size_t i = 0; i < g->n_sources; i++) {
		const char *state =
			sim_elbv2_target_state(s, str_from(g->sources[i].arn), str_from(m->i->id));
		/* a group that nobody refers to is as bad as failing checks */
		if (strcmp(state, "unhealthy") == 0 || strcmp(state, "unused") == 0)
			m->unhealthy = true;
	}
}

static void step_in_service(struct sim *s, struct sim_asg *g, struct sim_asg_member *m,
			    struct utc now)
{
	if (m->changes != m->i->changes)
		tell_targets(s, g, m);
	if (sim_asg_runs(g, SIM_HEALTH_CHECK))
		check_health(s, g, m, now);
	if (m->unhealthy && sim_asg_runs(g, SIM_REPLACE_UNHEALTHY) &&
	    sim_asg_runs(g, SIM_TERMINATE))
		sim_asg_end_member(s, g, m,
				   "an instance was taken out of service in response to a failed "
				   "health check.",
				   false);
}

/* False: it is gone. */
static bool step_member(struct sim *s, const struct sim_autoscaling_state *st, struct sim_asg *g,
			struct sim_asg_member *m, struct utc now)
{
	switch (m->state) {
	case SIM_PENDING:
		step_pending(s, g, m, now);
		break;
	case SIM_IN_SERVICE:
		step_in_service(s, g, m, now);
		break;
	case SIM_PENDING_WAIT:
	case SIM_TERMINATING_WAIT:
		step_held(s, st, g, m, now);
		break;
	case SIM_TERMINATING:
		step_terminating(s, g, m, now);
		break;
	case SIM_TERMINATING_PROCEED:
	case SIM_LIFECYCLE_COUNT:
		if (now.ms < m->since.ms + g->terminate_ms)
			break;
		sim_ec2_terminate(s, m->i);
		if (!g->activities[m->activity].end.ms)
			end_activity(g, m->activity, now, "Successful", "");
		return false;
	}
	return true;
}

/* --- the group ----------------------------------------------------------------------------- */

static struct sim_asg_member *launch(struct sim *s, struct sim_asg *g, const char *cause)
{
	static const char *const zones[] = {SIM_REGION "a", SIM_REGION "b", SIM_REGION "c"};
	struct sim_launch l = {.template_ = str_from(g->template_),
			       .version = str_from(g->version),
			       .type = str_from(g->type)};
	struct utc now = sim_now(s);
	char problem[300];
	struct sim_instance *i;
	struct sim_asg_member *m;
	l.zone = str_from(zones[g->n_launched++ % 3]);
	i = sim_ec2_launch(s, &l, problem, sizeof(problem));
	if (!i) {
		size_t a = begin_activity(g, now, cause, "Launching a new EC2 instance",
					  "Status Reason: the launch failed");
		end_activity(g, a, now, "Failed", problem);
		g->next_launch.ms = now.ms + RETRY_MS;
		return NULL;
	}
	sim_instance_tag(i, STR("aws:autoscaling:groupName"), str_from(g->name));
	for (size_t k = 0; k < g->n_tags; k++)
		if (g->tags[k].propagate)
			sim_instance_tag(i, str_from(g->tags[k].key), str_from(g->tags[k].value));
	g->members = xrealloc(g->members, (g->n_members + 1) * sizeof(*m));
	m = &g->members[g->n_members++];
	*m = (struct sim_asg_member){.i = i, .since = now};
	m->activity = begin_activity(g, now, cause, "Launching a new EC2 instance", i->id);
	return m;
}

static int64_t living(const struct sim_asg *g)
{
	int64_t n = 0;
	for (size_t i = 0; i < g->n_members; i++)
		n += g->members[i].state < SIM_TERMINATING;
	return n;
}

/* Whom scale-in takes: the oldest version of the launch template first, then the oldest. */
static struct sim_asg_member *victim(struct sim_asg *g)
{
	struct sim_asg_member *found = NULL;
	for (size_t i = 0; i < g->n_members; i++) {
		struct sim_asg_member *m = &g->members[i];
		if (m->state >= SIM_TERMINATING || m->protected_)
			continue;
		if (!found || m->i->template_version < found->i->template_version)
			found = m;
	}
	return found;
}

static void scale(struct sim *s, struct sim_asg *g, struct utc now)
{
	int64_t n = living(g);
	if (n > g->desired && sim_asg_runs(g, SIM_TERMINATE)) {
		struct sim_asg_member *m;
		for (; n > g->desired && (m = victim(g)); n--)
			sim_asg_end_member(s, g, m,
					   "a user request update of AutoScalingGroup constraints "
					   "decreased the capacity.",
					   false);
		return;
	}
	for (; n < g->desired && sim_asg_runs(g, SIM_LAUNCH) && now.ms >= g->next_launch.ms; n++)
		if (!launch(s, g,
			    "an instance was started in response to a difference between desired "
			    "and actual capacity, increasing the capacity."))
			return;
}

void sim_asg_fill(struct sim *s, struct sim_asg *g)
{
	while (living(g) < g->desired) {
		struct sim_asg_member *m = launch(s, g, "control made an instance.");
		if (!m)
			return;
		m->i->running = sim_now(s);
		enter_service(s, g, m, sim_now(s));
	}
}

void sim_asg_step(struct sim *s, struct sim_autoscaling_state *st, struct sim_asg *g,
		  struct utc now)
{
	size_t n = 0;
	for (size_t i = 0; i < g->n_members; i++)
		if (step_member(s, st, g, &g->members[i], now))
			g->members[n++] = g->members[i];
	g->n_members = n;
	finish_leaving(s, g, now);
	if (!g->deleting)
		scale(s, g, now);
}
