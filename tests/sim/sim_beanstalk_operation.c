#include "tests/sim/sim_beanstalk.h"

#include <stdio.h>

/*
 * Operations on environments over time: launch, change of configuration, exchange of CNAMEs,
 * abort, restart, managed update, termination. Each begins with a state that refuses all others,
 * and ends in Ready (or Terminated), whatever came of it; what came of it stands in the events.
 */

#define ASG "aws:autoscaling:asg"

const char *sim_eb_operation_name(enum sim_eb_operation kind)
{
	static const char *const names[EB_OPERATIONS] = {"",	   "launch",  "deploy",
							 "config", "swap",    "terminate",
							 "abort",  "restart", "managed"};
	return names[kind];
}

void sim_eb_begin(struct sim *s, struct sim_eb_environment *e, enum sim_eb_operation kind,
		  const char *request_id, int64_t ms)
{
	static const char *const starting[EB_OPERATIONS] = {
		"",
		"createEnvironment is starting.",
		"Environment update is starting.",
		"Environment update is starting.",
		"swapEnvironmentCNAMEs is starting.",
		"terminateEnvironment is starting.",
		"abortEnvironmentUpdate is starting.",
		"restartAppServer is starting.",
		"Managed platform update is starting.",
	};
	struct utc now = sim_now(s);
	sim_eb_options_release(&e->op.options);
	e->op = (struct sim_eb_operating){.kind = kind, .started = now, .due = {now.ms + ms}};
	(void)str_copy(e->op.request_id, sizeof(e->op.request_id), str_from(request_id));
	e->updated = now;
	e->status = kind == EB_LAUNCH	   ? EB_LAUNCHING
		    : kind == EB_TERMINATE ? EB_TERMINATING
		    : kind == EB_ABORT	   ? EB_ABORTING
					   : EB_UPDATING;
	sim_eb_event(s, e, "INFO", "%s", starting[kind]);
}

void sim_eb_end(struct sim *s, struct sim_eb_environment *e)
{
	e->status = EB_READY;
	e->updated = sim_now(s);
	sim_eb_options_release(&e->op.options);
	e->op = (struct sim_eb_operating){.kind = EB_NONE};
	sim_eb_record(s, e);
}

bool sim_eb_doomed(struct sim_eb_environment *e, enum sim_eb_operation kind)
{
	bool is = e->fail_next == kind;
	if (is)
		e->fail_next = EB_NONE;
	return is;
}

bool sim_eb_abortable(const struct sim_eb_environment *e)
{
	if (e->status != EB_UPDATING)
		return false;
	return e->op.kind == EB_CONFIGURE || e->op.kind == EB_MANAGED ||
	       (e->op.kind == EB_DEPLOY && sim_eb_deploy_can_abort(e));
}

/* --- the record of splits ------------------------------------------------------------------- */

/* The version that gets a share of the traffic beside the environment's own, and which share. */
static double candidate_share(const struct sim_eb_environment *e, const char **label)
{
	size_t fresh = 0, all = 0;
	*label = "";
	if (e->op.kind == EB_DEPLOY && e->op.policy == EB_SPLITTING) {
		*label = e->op.percent ? e->op.label : "";
		return (double)e->op.percent;
	}
	for (size_t i = 0; i < e->n_instances; i++) {
		const struct sim_eb_instance *one = &e->instances[i];
		if (one->fleet)
			continue;
		all++;
		if (strcmp(one->label, e->label) == 0 || one->status == EB_IN_PROGRESS)
			continue;
		fresh++;
		*label = one->label;
	}
	return all ? 100.0 * (double)fresh / (double)all : 0;
}

void sim_eb_record(struct sim *s, struct sim_eb_environment *e)
{
	const char *dot = strchr(e->cname, '.'), *label;
	double share = candidate_share(e, &label);
	char resource[400], text[sizeof(e->recorded)];
	snprintf(text, sizeof(text), "%s %s %.3f %s", e->cname, label, share, e->label);
	if (strcmp(text, e->recorded) == 0 || !dot)
		return;
	memcpy(e->recorded, text, sizeof(text));
	snprintf(resource, sizeof(resource), "beanstalk:%s/%.*s", e->app, (int)(dot - e->cname),
		 e->cname);
	sim_record_split(s, resource, label, label[0] ? share : 0, e->label);
}

/* --- launch --------------------------------------------------------------------------------- */

static void end_launch(struct sim *s, struct sim_eb_state *b, struct sim_eb_environment *e)
{
	const struct sim_eb_version *v =
		sim_eb_version_find(b, str_from(e->app), str_from(e->op.label));
	int64_t n = sim_eb_option_i64(&e->options, ASG, "MinSize", 1);
	bool bad = sim_eb_doomed(e, EB_LAUNCH) || (v && v->does.never_starts);
	if (!sim_eb_is_balanced(&e->options))
		n = 1;
	if (!e->rule[0] && !sim_eb_front_make(s, e)) {
		sim_eb_event(s, e, "ERROR", "Creating the load balancer failed.");
		bad = true;
	}
	memcpy(e->label, e->op.label, sizeof(e->label));
	e->deployments++;
	for (int64_t i = 0; i < n; i++) {
		sim_eb_instance_add(s, e, v, 0, bad ? EB_DEPLOY_FAILED : EB_DEPLOYED);
		sim_eb_instance_target(s, e, &e->instances[e->n_instances - 1], true);
	}
	(void)sim_elbv2_group_settle(s, str_from(e->fleet[0].group));
	if (bad) {
		sim_eb_event(s, e, "ERROR",
			     "Create environment operation is complete, but with errors. For more "
			     "information, see troubleshooting documentation.");
	} else {
		sim_eb_event(s, e, "INFO", "Instance deployment completed successfully.");
		sim_eb_event(s, e, "INFO", "Successfully launched environment: %s", e->name);
	}
	sim_eb_end(s, e);
}

/* --- configuration -------------------------------------------------------------------------- */

/* As many instances as the new limits allow. */
static void resize(struct sim *s, struct sim_eb_state *b, struct sim_eb_environment *e)
{
	int64_t min = sim_eb_option_i64(&e->options, ASG, "MinSize", 1);
	int64_t max = sim_eb_option_i64(&e->options, ASG, "MaxSize", 4);
	const struct sim_eb_version *v =
		sim_eb_version_find(b, str_from(e->app), str_from(e->label));
	if (!sim_eb_is_balanced(&e->options))
		return;
	while ((int64_t)e->n_instances < min) {
		sim_eb_instance_add(s, e, v, 0, EB_DEPLOYED);
		sim_eb_instance_target(s, e, &e->instances[e->n_instances - 1], true);
	}
	if ((int64_t)e->n_instances > max)
		sim_eb_fleet_shrink(s, e, 0, (size_t)max);
}

static void end_configure(struct sim *s, struct sim_eb_state *b, struct sim_eb_environment *e)
{
	if (sim_eb_doomed(e, EB_CONFIGURE)) {
		sim_eb_options_copy(&e->failed, &e->op.options);
		e->has_failed = true;
		sim_eb_event(s, e, "ERROR", "Failed to deploy configuration.");
		sim_eb_event(s, e, "INFO",
			     "The environment was reverted to the previous configuration setting.");
		sim_eb_event(s, e, "ERROR",
			     "Update environment operation is complete, but with errors.");
	} else {
		sim_eb_options_copy(&e->options, &e->op.options);
		e->has_failed = false;
		resize(s, b, e);
		sim_eb_event(s, e, "INFO",
			     "Successfully deployed new configuration to environment.");
		sim_eb_event(s, e, "INFO", "Environment update completed successfully.");
	}
	sim_eb_end(s, e);
}

/* --- CNAMEs --------------------------------------------------------------------------------- */

/* The source of the call ends the exchange for both. */
static void end_swap(struct sim *s, struct sim_eb_state *b, struct sim_eb_environment *e)
{
	struct sim_eb_environment *o;
	char cname[sizeof(e->cname)];
	if (!e->op.other[0])
		return;
	o = sim_eb_environment_by_id(b, str_from(e->op.other));
	if (o->stuck)
		return;
	if (sim_eb_doomed(e, EB_SWAP)) {
		sim_eb_event(s, e, "ERROR", "Failed to swap CNAMEs for environments '%s' and '%s'.",
			     e->name, o->name);
	} else {
		memcpy(cname, e->cname, sizeof(cname));
		memcpy(e->cname, o->cname, sizeof(cname));
		memcpy(o->cname, cname, sizeof(cname));
		(void)sim_elbv2_front_host(s, str_from(e->rule), str_from(e->cname));
		(void)sim_elbv2_front_host(s, str_from(o->rule), str_from(o->cname));
		sim_eb_event(s, e, "INFO",
			     "Completed swapping CNAMEs for environments '%s' and '%s'.", e->name,
			     o->name);
		e->recorded[0] = o->recorded[0] = '\0';
	}
	sim_eb_event(s, o, "INFO", "swapEnvironmentCNAMEs completed.");
	sim_eb_end(s, e);
	sim_eb_end(s, o);
}

/* --- termination ---------------------------------------------------------------------------- */

static void end_terminate(struct sim *s, struct sim_eb_environment *e)
{
	if (sim_eb_doomed(e, EB_TERMINATE) ||
	    (e->fleet[0].group[0] &&
	     sim_elbv2_group_shared(s, str_from(e->fleet[0].group), str_from(e->rule)))) {
		sim_eb_event(
			s, e, "ERROR",
			"Deleting target group failed Reason: Target group is currently in use by "
			"a listener or a rule");
		sim_eb_event(s, e, "ERROR",
			     "The environment termination step failed because at least one of the "
			     "environment termination workflows failed.");
		sim_eb_end(s, e);
		return;
	}
	sim_eb_front_remove(s, e);
	sim_eb_fleet_shrink(s, e, 0, 0);
	sim_eb_fleet_shrink(s, e, 1, 0);
	sim_eb_event(s, e, "INFO", "terminateEnvironment completed successfully.");
	e->status = EB_TERMINATED;
	e->terminated = e->updated = sim_now(s);
	e->op.kind = EB_NONE;
	e->managed.exists = false;
}

/* Groups that the data plane still knew. */
static void delete_groups(struct sim *s, struct sim_eb_environment *e)
{
	for (int i = 0; i < 2; i++)
		if (e->fleet[i].group[0] && sim_elbv2_group_delete(s, str_from(e->fleet[i].group)))
			e->fleet[i].group[0] = '\0';
}

/* --- time ----------------------------------------------------------------------------------- */

static void managed_step(struct sim *s, struct sim_eb_state *b, struct sim_eb_environment *e,
			 struct utc now)
{
	const char *enabled = sim_eb_option_get(&e->options, "aws:elasticbeanstalk:managedactions",
						"ManagedActionsEnabled");
	if (!e->managed.exists || e->managed.running || now.ms < e->managed.window.ms ||
	    e->status != EB_READY || strcmp(enabled, "false") == 0)
		return;
	e->managed.running = true;
	sim_eb_begin(s, e, EB_MANAGED, e->managed.id, b->set.managed);
}

static void end_operation(struct sim *s, struct sim_eb_state *b, struct sim_eb_environment *e)
{
	switch (e->op.kind) {
	case EB_LAUNCH:
		end_launch(s, b, e);
		break;
	case EB_CONFIGURE:
		end_configure(s, b, e);
		break;
	case EB_SWAP:
		end_swap(s, b, e);
		break;
	case EB_TERMINATE:
		end_terminate(s, e);
		break;
	case EB_ABORT:
		if (e->op.label[0])
			sim_eb_deploy_undone(s, e);
		sim_eb_event(s, e, "INFO", "abortEnvironmentUpdate completed successfully.");
		sim_eb_end(s, e);
		break;
	case EB_MANAGED:
		e->managed.exists = e->managed.running = false;
		sim_eb_event(s, e, "INFO", "Managed platform update completed successfully.");
		sim_eb_end(s, e);
		break;
	case EB_RESTART:
	case EB_NONE:
	case EB_DEPLOY: /* not here: a deployment has stages */
		sim_eb_event(s, e, "INFO", "restartAppServer completed successfully.");
		sim_eb_end(s, e);
	}
}

void sim_eb_operations_step(struct sim *s, struct sim_eb_state *b, struct utc now)
{
	for (struct sim_eb_environment *e = b->environments; e; e = e->next) {
		managed_step(s, b, e, now);
		if (e->status == EB_TERMINATED)
			delete_groups(s, e);
		else if (e->op.kind == EB_NONE)
			sim_eb_group_tidy(s, e);
		if (e->op.kind == EB_NONE || e->stuck)
			continue;
		if (e->op.kind == EB_DEPLOY)
			sim_eb_deploy_step(s, b, e, now);
		else if (now.ms >= e->op.due.ms)
			end_operation(s, b, e);
	}
}
