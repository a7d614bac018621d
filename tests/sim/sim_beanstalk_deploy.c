#include "tests/sim/sim_beanstalk.h"

/*
 * How a version reaches the instances, by the deployment policies. In place (all at once, rolling,
 * rolling with an additional batch), where a failure leaves a mixture behind; or by a second fleet
 * (immutable, traffic splitting), where a failure leaves what was there before. Either way the
 * environment is Ready afterwards: only events and instances tell how it went.
 */

#define COMMAND "aws:elasticbeanstalk:command"
#define SPLITTING "aws:elasticbeanstalk:trafficsplitting"
#define SHIFT_MS 30000 /* until a change of weights has taken effect everywhere */

/* Stages of a deployment beside, after the command (0) and the wait for health (1). */
enum { EVALUATES = 2, SHIFTED, JOINED, MOVED, FAILED };

static const struct sim_eb_version *version_of(struct sim_eb_state *b,
					       const struct sim_eb_environment *e)
{
	return sim_eb_version_find(b, str_from(e->app), str_from(e->op.label));
}

static void stage(struct sim_eb_environment *e, int number, struct utc now, int64_t ms)
{
	e->op.stage = number;
	e->op.due.ms = now.ms + ms;
	e->op.well_since.ms = 0;
}

/* The command's own limit, with the slack that the service adds. */
static void set_limit(struct sim_eb_environment *e, struct utc now)
{
	e->op.give_up.ms =
		now.ms + (sim_eb_option_i64(&e->options, COMMAND, "Timeout", 600) + 240) * 1000;
}

static bool ignores_health(const struct sim_eb_environment *e)
{
	return strcmp(sim_eb_option_get(&e->options, COMMAND, "IgnoreHealthCheck"), "true") == 0;
}

static enum sim_eb_health threshold(const struct sim_eb_environment *e)
{
	const char *word =
		sim_eb_option_get(&e->options, "aws:elasticbeanstalk:healthreporting:system",
				  "HealthCheckSuccessThreshold");
	if (strcmp(word, "Warning") == 0)
		return EB_WARNING;
	if (strcmp(word, "Degraded") == 0)
		return EB_DEGRADED;
	return strcmp(word, "Severe") == 0 ? EB_SEVERE : EB_INFO;
}

/* --- the end -------------------------------------------------------------------------------- */

static void succeed(struct sim *s, struct sim_eb_environment *e)
{
	memcpy(e->label, e->op.label, sizeof(e->label));
	sim_eb_event(s, e, "INFO",
		     "New application version was deployed to running EC2 instances.");
	sim_eb_event(s, e, "INFO", "Environment update completed successfully.");
	sim_eb_end(s, e);
}

static void end_failed(struct sim *s, struct sim_eb_environment *e)
{
	if (e->op.policy == EB_IMMUTABLE || e->op.policy == EB_SPLITTING) {
		sim_eb_fleet_drop(s, e);
		sim_eb_event(s, e, "INFO",
			     "The environment was reverted to the previous configuration setting.");
	}
	sim_eb_event(
		s, e, "ERROR",
		"Update environment operation is complete, but with errors. For more information, "
		"see troubleshooting documentation.");
	sim_eb_end(s, e);
}

static void fail(struct sim *s, struct sim_eb_environment *e, const char *why)
{
	sim_eb_event(s, e, "ERROR", "%s", why);
	sim_eb_event(s, e, "ERROR", "Failed to deploy application.");
	if (!e->op.percent) {
		end_failed(s, e);
		return;
	}
	sim_eb_fleet_split(s, e, 0);
	sim_eb_record(s, e);
	stage(e, FAILED, sim_now(s), SHIFT_MS);
}

/* --- in place ------------------------------------------------------------------------------- */

static size_t batch_size(const struct sim_eb_environment *e, size_t all)
{
	int64_t size = sim_eb_option_i64(&e->options, COMMAND, "BatchSize", 100);
	const char *type = sim_eb_option_get(&e->options, COMMAND, "BatchSizeType");
	size_t n;
	if (e->op.policy == EB_ALL_AT_ONCE)
		return all;
	n = strcmp(type, "Fixed") == 0 ? (size_t)size : (all * (size_t)size + 99) / 100;
	return n < 1 ? 1 : n > all ? all : n;
}

/* Instances of the environment's own fleet that this deployment has not reached. */
static size_t untouched(const struct sim_eb_environment *e)
{
	size_t n = 0;
	for (size_t i = 0; i < e->n_instances; i++)
		n += e->instances[i].deployment != e->deployments;
	return n;
}

static void begin_batch(struct sim *s, struct sim_eb_environment *e, struct utc now, int64_t ms)
{
	size_t left = batch_size(e, e->op.size);
	for (size_t i = 0; i < e->n_instances && left; i++) {
		struct sim_eb_instance *one = &e->instances[i];
		if (one->deployment == e->deployments)
			continue;
		/* a batch leaves the load balancer; all at once does not bother */
		if (e->op.policy != EB_ALL_AT_ONCE)
			sim_eb_instance_target(s, e, one, false);
		sim_eb_instance_deploy(s, e, one, e->op.label, EB_IN_PROGRESS);
		left--;
	}
	set_limit(e, now);
	stage(e, 0, now, ms);
}

/* What the command did on every instance that is still at it; false when it failed on one. */
static bool end_command(struct sim *s, struct sim_eb_environment *e, const struct sim_eb_version *v)
{
	bool good = v && !v->does.never_starts && !sim_eb_doomed(e, EB_DEPLOY);
	for (size_t i = 0; i < e->n_instances; i++) {
		struct sim_eb_instance *one = &e->instances[i];
		if (one->status != EB_IN_PROGRESS || one->deployment != e->deployments)
			continue;
		one->status = good ? EB_DEPLOYED : EB_DEPLOY_FAILED;
		one->deployed = sim_now(s);
		if (!one->target && one->fleet == 0)
			sim_eb_instance_target(s, e, one, true);
	}
	return good;
}

/* Are the instances that have it well, in the deployment's own eyes? */
static bool are_well(const struct sim_eb_environment *e, struct utc now)
{
	for (size_t i = 0; i < e->n_instances; i++) {
		const struct sim_eb_instance *one = &e->instances[i];
		if (one->deployment == e->deployments &&
		    sim_eb_instance_health(e, one, now) > threshold(e))
			return false;
	}
	return true;
}

/* 1: they have been well long enough; -1: they will not be; 0: not yet. */
static int judge(struct sim_eb_state *b, struct sim_eb_environment *e, struct utc now)
{
	if (ignores_health(e))
		return 1;
	if (!are_well(e, now)) {
		e->op.well_since.ms = 0;
		return now.ms >= e->op.give_up.ms ? -1 : 0;
	}
	if (!e->op.well_since.ms)
		e->op.well_since = now;
	return now.ms - e->op.well_since.ms >= b->set.pass ? 1 : 0;
}

static void fail_batch(struct sim *s, struct sim_eb_environment *e, const char *what)
{
	for (size_t i = 0; i < e->n_instances; i++)
		if (e->instances[i].deployment == e->deployments)
			e->instances[i].status = EB_DEPLOY_FAILED;
	fail(s, e, what);
}

static void step_in_place(struct sim *s, struct sim_eb_state *b, struct sim_eb_environment *e,
			  struct utc now)
{
	int verdict;
	if (e->op.stage == 0) {
		if (!end_command(s, e, version_of(b, e))) {
			fail(s, e,
			     "During an aborted deployment, some instances may have deployed the "
			     "new application version. To ensure all instances are running the "
			     "same "
			     "version, re-deploy the appropriate application version.");
			return;
		}
		sim_eb_record(s, e);
		stage(e, 1, now, 0);
	}
	/* all at once does not wait for health */
	verdict = e->op.policy == EB_ALL_AT_ONCE ? 1 : judge(b, e, now);
	if (verdict < 0) {
		fail_batch(s, e,
			   "Unsuccessful command execution: the instances of the batch did "
			   "not pass their health checks in time.");
	} else if (verdict > 0 && untouched(e)) {
		begin_batch(s, e, now, b->set.deploy);
	} else if (verdict > 0) {
		if (e->op.policy == EB_ROLLING_ADDITIONAL)
			sim_eb_fleet_shrink(s, e, 0, e->op.size);
		succeed(s, e);
	}
}

/* --- beside --------------------------------------------------------------------------------- */

static void launch_fleet(struct sim *s, struct sim_eb_state *b, struct sim_eb_environment *e,
			 struct utc now, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sim_eb_instance_add(s, e, version_of(b, e), 1, EB_IN_PROGRESS);
	set_limit(e, now);
	stage(e, 0, now, b->set.boot + b->set.deploy);
}

static void evaluate_begin(struct sim *s, struct sim_eb_environment *e, struct utc now)
{
	int64_t percent = sim_eb_option_i64(&e->options, SPLITTING, "NewVersionPercent", 10);
	int64_t minutes = sim_eb_option_i64(&e->options, SPLITTING, "EvaluationTime", 5);
	sim_eb_fleet_split(s, e, percent);
	sim_eb_record(s, e);
	sim_eb_event(s, e, "INFO",
		     "Directing %lld percent of traffic to the new version for %lld minutes.",
		     (long long)percent, (long long)minutes);
	stage(e, EVALUATES, now, minutes * 60000);
}

/* Beanstalk's own judgement of what the new version does with its share. */
static bool split_is_bad(const struct sim_eb_environment *e, struct utc now)
{
	return sim_eb_bucket_health(sim_eb_window(&e->fleet[1], now)) >= EB_DEGRADED ||
	       !are_well(e, now);
}

static void step_splitting(struct sim *s, struct sim_eb_environment *e, struct utc now)
{
	switch (e->op.stage) {
	case EVALUATES:
		if (split_is_bad(e, now)) {
			fail(s, e,
			     "The new application version did not stay healthy during its "
			     "evaluation.");
			return;
		}
		if (now.ms < e->op.due.ms)
			return;
		sim_eb_fleet_split(s, e, 100);
		sim_eb_record(s, e);
		stage(e, SHIFTED, now, SHIFT_MS);
		break;
	case SHIFTED: /* the old fleet goes; the own group gets to know the new one */
		sim_eb_fleet_shrink(s, e, 0, 0);
		sim_eb_fleet_join(s, e);
		stage(e, JOINED, now, 2 * SHIFT_MS);
		break;
	case JOINED:
		sim_eb_fleet_split(s, e, 0);
		e->op.percent = 100; /* of the version; it is only in the other group now */
		stage(e, MOVED, now, SHIFT_MS);
		break;
	case FAILED:
		end_failed(s, e);
		break;
	default:
		sim_eb_fleet_merge(s, e);
		succeed(s, e);
	}
}

static void step_beside(struct sim *s, struct sim_eb_state *b, struct sim_eb_environment *e,
			struct utc now)
{
	size_t old = sim_eb_fleet_count(e, 0), fresh = sim_eb_fleet_count(e, 1);
	int verdict;
	if (e->op.stage == 0) {
		if (!end_command(s, e, version_of(b, e))) {
			fail(s, e,
			     "Unsuccessful command execution on the new instances. Aborting "
			     "the operation.");
			return;
		}
		stage(e, 1, now, 0);
		for (size_t i = 0; e->op.policy == EB_IMMUTABLE && i < e->n_instances; i++)
			if (e->instances[i].fleet == 1 && !e->instances[i].target)
				sim_eb_instance_target(s, e, &e->instances[i], true);
	}
	if (e->op.stage > 1) {
		step_splitting(s, e, now);
		return;
	}
	verdict = judge(b, e, now);
	if (verdict < 0) {
		fail(s, e, "The new instances did not pass their health checks in time.");
	} else if (verdict > 0 && e->op.policy == EB_SPLITTING) {
		evaluate_begin(s, e, now);
	} else if (verdict > 0 && fresh < old) {
		launch_fleet(s, b, e, now, old - fresh); /* one was the test; now all the others */
	} else if (verdict > 0) {
		sim_eb_fleet_shrink(s, e, 0, 0);
		sim_eb_fleet_merge(s, e);
		succeed(s, e);
	}
}

/* --- for the operations --------------------------------------------------------------------- */

void sim_eb_deploy_begin(struct sim *s, struct sim_eb_state *b, struct sim_eb_environment *e)
{
	struct utc now = sim_now(s);
	size_t n = e->n_instances;
	e->op.policy = sim_eb_policy_of(&e->options);
	e->op.size = n;
	if (!e->rule[0] && e->op.policy == EB_SPLITTING)
		e->op.policy = EB_ALL_AT_ONCE;
	e->deployments++;
	sim_eb_event(s, e, "INFO", "Deploying new version to instance(s).");
	switch (e->op.policy) {
	case EB_SPLITTING:
		launch_fleet(s, b, e, now, n);
		break;
	case EB_IMMUTABLE:
		launch_fleet(s, b, e, now, n ? 1 : 0);
		break;
	case EB_ROLLING_ADDITIONAL:
		for (size_t i = batch_size(e, n); i > 0; i--)
			sim_eb_instance_add(s, e, version_of(b, e), 0, EB_IN_PROGRESS);
		set_limit(e, now);
		stage(e, 0, now, b->set.boot + b->set.deploy);
		break;
	case EB_ALL_AT_ONCE:
	case EB_ROLLING:
		begin_batch(s, e, now, b->set.deploy);
	}
}

void sim_eb_deploy_step(struct sim *s, struct sim_eb_state *b, struct sim_eb_environment *e,
			struct utc now)
{
	bool waits = e->op.stage == 1 || (e->op.stage == EVALUATES && e->op.policy == EB_SPLITTING);
	if (!waits && now.ms < e->op.due.ms)
		return;
	if (e->op.policy == EB_IMMUTABLE || e->op.policy == EB_SPLITTING)
		step_beside(s, b, e, now);
	else
		step_in_place(s, b, e, now);
}

bool sim_eb_deploy_can_abort(const struct sim_eb_environment *e)
{
	return e->op.policy != EB_SPLITTING || e->op.stage <= EVALUATES;
}

/* What was there before gets all traffic again. */
void sim_eb_deploy_undo(struct sim *s, struct sim_eb_environment *e)
{
	if (e->op.policy == EB_IMMUTABLE || e->op.policy == EB_SPLITTING)
		sim_eb_fleet_split(s, e, 0);
}

/* And, at the end of it, nothing else is left. */
void sim_eb_deploy_undone(struct sim *s, struct sim_eb_environment *e)
{
	if (e->op.policy == EB_IMMUTABLE || e->op.policy == EB_SPLITTING) {
		sim_eb_fleet_drop(s, e);
		return;
	}
	e->deployments++;
	for (size_t i = 0; i < e->n_instances; i++) {
		struct sim_eb_instance *one = &e->instances[i];
		sim_eb_instance_deploy(s, e, one, e->label, EB_DEPLOYED);
		if (!one->target)
			sim_eb_instance_target(s, e, one, true);
	}
}
