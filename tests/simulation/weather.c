#include "tests/simulation/stage.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/*
 * What goes wrong. Faults of calls are drawn for each call, others every ten seconds; which sorts
 * are on, and how often, the script says. The judge is told where a fault excuses something.
 */
#define EVERY_MS 10000
#define MINUTE_MS 60000ll
#define LATE_MS (15 * MINUTE_MS) /* from then on CodePipeline may have lost patience */

static struct rng *dice(struct stage *s)
{
	return &s->dice.rng;
}

static bool hits(struct stage *s, enum fault_sort f, double share)
{
	if (s->clear || s->script.rate[f] <= 0 || rng_unit(dice(s)) >= s->script.rate[f] * share)
		return false;
	s->faults[f]++;
	return true;
}

static int64_t between(struct stage *s, int64_t least, int64_t most)
{
	return least + (int64_t)rng_below(dice(s), (uint64_t)(most - least + 1));
}

/* No room on this disk until then; 0: there is. */
static void fill_disk(struct stage *s, int worker, int64_t until_ms)
{
	if (!s->disks[worker])
		return;
	if (until_ms || s->full_until_ms[worker])
		stage_trace(s, "w%d    -- its disk %s", worker,
			    until_ms ? "is full" : "has room again");
	s->full_until_ms[worker] = until_ms;
	disk_full(s->disks[worker], until_ms > 0);
}

void weather_begin(struct stage *s)
{
	const struct script *c = &s->script;

	if (script_is_on(c, FAULT_STALE))
		world_control(&s->w, "sim set stale_rate=%.4f stale=10s", c->rate[FAULT_STALE]);
	if (script_is_on(c, FAULT_REDELIVERED)) {
		s->faults[FAULT_REDELIVERED]++;
		world_control(&s->w, "sim set nonce_moves=%s double_ack_ok=%s redelivery=%ds",
			      rng_below(dice(s), 2) ? "true" : "false",
			      rng_below(dice(s), 2) ? "true" : "false",
			      rng_below(dice(s), 2) ? 5 : 30);
	}
	if (script_is_on(c, FAULT_LATE)) {
		s->faults[FAULT_LATE]++;
		world_control(&s->w, "sim set continuation_delay_max=%dm", (int)between(s, 2, 15));
	}
	for (int i = 0; i < c->n_workers; i++) {
		fleet_set_skew(s->fleet, i, c->skew_ms[i]);
		if (script_is_on(c, FAULT_DISK_FULL) || script_is_on(c, FAULT_TORN))
			s->disks[i] = disk_new(s->w.workers[i].dir);
	}
	s->next_ms = stage_now(s) + EVERY_MS;
}

void weather_clear(struct stage *s)
{
	s->clear = true;
	s->faults[FAULT_STALE] = sim_stale_reads(s->w.sim);
	s->storm_until_ms = 0;
	for (int i = 0; i < WORLD_WORKERS_MAX; i++)
		fill_disk(s, i, 0);
	for (int i = 0; i < s->script.n_sites; i++)
		s->sites[i].silent_until_ms = 0;
	world_control(&s->w, "sim set stale_rate=0 continuation_delay_max=60s redelivery=30s");
	stage_trace(s, "      -- the weather clears");
}

/* --- calls ---------------------------------------------------------------------------------- */

static enum fault_sort draw(struct stage *s, struct fleet_call *c)
{
	if (hits(s, FAULT_CRASH, 1)) {
		c->fault = rng_below(dice(s), 2) ? SIM_FAULT_CRASH_BEFORE : SIM_FAULT_CRASH_AFTER;
		return FAULT_CRASH;
	}
	if (hits(s, FAULT_LOST_REQUEST, 1)) {
		c->fault = rng_below(dice(s), 2) ? SIM_FAULT_REFUSED : SIM_FAULT_TIMEOUT_BEFORE;
		return FAULT_LOST_REQUEST;
	}
	if (hits(s, FAULT_LOST_REPLY, 1)) {
		static const enum sim_fault kinds[] = {SIM_FAULT_TIMEOUT_AFTER, SIM_FAULT_TRUNCATED,
						       SIM_FAULT_500_AFTER};

		c->fault = kinds[rng_below(dice(s), 3)];
		return FAULT_LOST_REPLY;
	}
	if (hits(s, FAULT_DUPLICATE, 1)) {
		c->fault = SIM_FAULT_DUPLICATED;
		return FAULT_DUPLICATE;
	}
	if (hits(s, FAULT_SERVER_ERROR, 1)) {
		c->fault = SIM_FAULT_500;
		return FAULT_SERVER_ERROR;
	}
	if (hits(s, FAULT_GARBAGE, 1)) {
		c->fault = SIM_FAULT_GARBAGE;
		return FAULT_GARBAGE;
	}
	if (hits(s, FAULT_EXPIRED, 1)) {
		c->fault = SIM_FAULT_EXPIRED_TOKEN;
		return FAULT_EXPIRED;
	}
	return FAULT_SORTS;
}

void weather_before(struct stage *s, struct fleet_call *c)
{
	c->yields = s->script.yields > 0 && rng_unit(dice(s)) < s->script.yields;
	if (s->clear)
		return;
	if (draw(s, c) == FAULT_SORTS && stage_now(s) < s->storm_until_ms &&
	    rng_unit(dice(s)) < 0.8)
		c->fault = SIM_FAULT_THROTTLED;
	if (c->fault == SIM_FAULT_TIMEOUT_BEFORE || c->fault == SIM_FAULT_TIMEOUT_AFTER)
		c->wait_after_ms = between(s, 1000, 30000);
	if (hits(s, FAULT_DELAY, 1)) {
		/* mostly short, some as long as anybody waits */
		int64_t ms = (int64_t)(100 * pow(250, rng_unit(dice(s))));

		if (rng_below(dice(s), 2))
			c->wait_before_ms = ms;
		else
			c->wait_after_ms += ms;
	}
}

/* How long a dead worker stays away. */
static int64_t away_ms(struct stage *s)
{
	int64_t ms = rng_below(dice(s), 10) ? between(s, 2000, 60000)
					    : between(s, 2 * MINUTE_MS, 30 * MINUTE_MS);

	if (s->clear)
		return 5000;
	s->long_outage |= ms >= LATE_MS;
	return ms;
}

void weather_after(struct stage *s, const struct fleet_call *c)
{
	if (c->fault == SIM_FAULT_CRASH_BEFORE || c->fault == SIM_FAULT_CRASH_AFTER)
		fleet_kill(s->fleet, c->worker, stage_now(s) + away_ms(s));
}

/* --- disks ---------------------------------------------------------------------------------- */

void weather_killed(struct stage *s, int worker)
{
	if (s->disks[worker])
		disk_cut(s->disks[worker]);
}

/* What a power cut leaves: of writes that nobody was told are certain, some, or parts. */
static enum disk_left left(struct stage *s)
{
	if (s->clear || script_is_on(&s->script, FAULT_TORN) == false ||
	    rng_unit(dice(s)) >= s->script.rate[FAULT_TORN])
		return DISK_LEFT_ALL;
	s->faults[FAULT_TORN]++;
	return (enum disk_left)(1 + rng_below(dice(s), DISK_LEFT_KINDS - 1));
}

void weather_died(struct stage *s, int worker)
{
	struct disk *d = s->disks[worker];

	stage_trace(s, "w%d    -- is dead%s", worker,
		    s->lose[worker] ? ", and its ledger lost" : "");
	if (d && !s->lose[worker])
		disk_restart(d, left(s), rng_u64(dice(s)));
	if (!s->lose[worker])
		return;
	if (d)
		disk_wipe(d);
	else
		world_lose_ledger_of(&s->w, worker);
	s->lost_ledger = true;
	s->lose[worker] = false;
}

void weather_end(struct stage *s)
{
	for (int i = 0; i < WORLD_WORKERS_MAX; i++)
		if (s->disks[i])
			disk_free(s->disks[i]);
}

/* --- between calls -------------------------------------------------------------------------- */

static void accidents_of_workers(struct stage *s)
{
	const double share = EVERY_MS / (double)MINUTE_MS;
	int i = (int)rng_below(dice(s), (uint64_t)s->script.n_workers);
	int64_t now = stage_now(s);

	if (hits(s, FAULT_KILL, share) && fleet_is_up(s->fleet, i))
		fleet_kill(s->fleet, i, now + away_ms(s));
	if (hits(s, FAULT_RESTART, share))
		fleet_stop(s->fleet, i, now + 10000);
	if (hits(s, FAULT_LOST_LEDGER, share) && fleet_is_up(s->fleet, i)) {
		s->lose[i] = true;
		fleet_kill(s->fleet, i, now + away_ms(s));
	}
	if (hits(s, FAULT_DISK_FULL, share)) {
		s->disk_was_full = true;
		fill_disk(s, i, now + between(s, 10000, 5 * MINUTE_MS));
	}
	if (hits(s, FAULT_CLOCK, share)) {
		int64_t step = (int64_t)(1000 * pow(900, rng_unit(dice(s))));

		step = rng_below(dice(s), 2) ? step : -step;
		fleet_set_skew(s->fleet, i, fleet_skew(s->fleet, i) + step);
		stage_trace(s, "w%d    -- its clock jumps by %lld ms", i, (long long)step);
	}
	if (hits(s, FAULT_STORM, share)) {
		s->storm_until_ms = now + between(s, 10000, 3 * MINUTE_MS);
		stage_trace(s, "      -- a storm begins");
	}
}

static void hands_on_a_target(struct stage *s)
{
	const double share = EVERY_MS / (double)MINUTE_MS;
	int i = (int)rng_below(dice(s), (uint64_t)s->script.n_sites);
	struct stage_site *site = &s->sites[i];

	if (hits(s, FAULT_FLAP, share))
		stage_try(s, "cloudwatch set-state %s ALARM", site->alarm);
	if (hits(s, FAULT_SILENT, share))
		site->silent_until_ms = stage_now(s) + between(s, 10000, 8 * MINUTE_MS);
	if (hits(s, FAULT_HAND, share)) {
		stage_trace(s, "      -- somebody divides the traffic of %s", site->site->name);
		if (site_change_by_hand(&s->w, site->site, dice(s)))
			judge_hand(&s->judge, site->number);
		witness_splits(s, CAUSED_BY_HAND);
	}
	if (hits(s, FAULT_DELETED, share)) {
		stage_trace(s, "      -- somebody deletes %s", site->site->name);
		if (site_delete(&s->w, site->site))
			judge_hand(&s->judge, site->number);
		witness_splits(s, CAUSED_BY_HAND);
	}
}

static void hands_on_a_pipeline(struct stage *s)
{
	const double share = EVERY_MS / (double)MINUTE_MS;
	int i = (int)rng_below(dice(s), (uint64_t)s->script.n_pipes);
	struct stage_pipe *p = &s->pipes[i];

	if (!p->pushed || p->over)
		return;
	if (hits(s, FAULT_STOPPED, share) && stage_try(s, "codepipeline stop %s", p->script->name))
		p->stopped = true;
	if (hits(s, FAULT_ABANDONED, share) &&
	    stage_try(s, "codepipeline stop %s abandon", p->script->name))
		p->stopped = true;
}

void weather_tick(struct stage *s)
{
	if (s->clear || stage_now(s) < s->next_ms)
		return;
	s->next_ms = stage_now(s) + EVERY_MS;
	if (s->script.calm)
		return;
	witness_splits(s, CAUSED_BY_SERVICE);
	accidents_of_workers(s);
	hands_on_a_target(s);
	hands_on_a_pipeline(s);
	for (int i = 0; i < s->script.n_workers; i++)
		if (s->full_until_ms[i] && stage_now(s) >= s->full_until_ms[i])
			fill_disk(s, i, 0);
	for (int i = 0; i < s->script.n_sites; i++)
		if (stage_now(s) < s->sites[i].silent_until_ms)
			stage_try(s, "cloudwatch set-state %s INSUFFICIENT_DATA",
				  s->sites[i].alarm);
}

int64_t weather_next(const struct stage *s)
{
	return s->clear || s->script.calm ? INT64_MAX : s->next_ms;
}
