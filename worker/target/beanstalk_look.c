#include "worker/target/beanstalk.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * Looking at environments. Ready alone says little: a deployment that failed ends in Ready, too. So
 * what an environment runs is asked of its instances, and what went wrong of its events.
 */

int bean_look(const struct target_env *env, const struct bean_record *r, struct bean_look *l,
	      struct err *err)
{
	/* all of the application in one call: the service's limits of calls are low */
	const struct beanstalk_filter filter = {.application = r->application};

	*l = (struct bean_look){.n = 0};
	if (beanstalk_describe_environments(&env->client, &filter, env->arena, &l->all, &l->n, err))
		return -1;
	l->baseline = beanstalk_find_id(l->all, l->n, r->baseline);
	if (r->twin[0])
		l->candidate = beanstalk_find_id(l->all, l->n, r->twin);
	else if (r->candidate[0])
		l->candidate = beanstalk_find_name(l->all, l->n, r->candidate);
	return 0;
}

void bean_detail(struct target_observation *o, const char *fmt, ...)
{
	char raw[OBSERVATION_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	str_copy_clean(o->detail, sizeof(o->detail), str_from(raw));
}

int bean_unreadable(struct target_observation *o, struct err *err)
{
	if (err->code == ERR_CANCELED)
		return -1;
	o->live = LIVE_UNREADABLE;
	o->candidate = CANDIDATE_PENDING;
	o->denied = err->code == ERR_DENIED;
	bean_detail(o, "%s", err->text);
	*err = ERR_INIT;
	return 0;
}

bool bean_is_healthy(const struct beanstalk_environment *e)
{
	if (e->health == BEANSTALK_HEALTH_NONE)
		return e->color == BEANSTALK_GREEN;
	return e->health == BEANSTALK_OK || e->health == BEANSTALK_INFO;
}

const char *bean_state_text(struct arena *a, const struct beanstalk_environment *e)
{
	return arena_printf(a, "%s, %s", beanstalk_status_name(e->status),
			    e->health == BEANSTALK_HEALTH_NONE ? beanstalk_color_name(e->color)
							       : beanstalk_health_name(e->health));
}

bool bean_is_busy(struct err *err)
{
	if (beanstalk_refusal_of(err) != BEANSTALK_REFUSAL_BUSY)
		return false;
	*err = ERR_INIT;
	return true;
}

/* --- instances and events -------------------------------------------------------------------- */

static void count_instance(const struct beanstalk_instance *i, const char *label,
			   struct bean_fleet *f, int64_t *deployment)
{
	bool has_label = i->version_label && strcmp(i->version_label, label) == 0;
	const char *status = i->deployment_status ? i->deployment_status : "";

	if (!has_label) {
		/* one that has not been deployed to yet has no label */
		f->others += i->version_label != NULL;
		return;
	}
	f->failed += strcmp(status, "Failed") == 0;
	if (strcmp(status, "Deployed") != 0)
		return;
	f->is_mixed = f->is_mixed || (f->with_label > 0 && *deployment != i->deployment_id);
	*deployment = i->deployment_id;
	f->with_label++;
}

int bean_fleet_read(const struct target_env *env, const char *environment_id, const char *label,
		    struct bean_fleet *f, struct err *err)
{
	struct beanstalk_instance *list;
	int64_t deployment = -1;
	size_t n;

	*f = (struct bean_fleet){.is_told = true};
	if (beanstalk_describe_instances(&env->client, environment_id, env->arena, &list, &n,
					 err)) {
		if (strcmp(err->aws, "InvalidRequestException") != 0)
			return -1;
		f->is_told = false;
		*err = ERR_INIT;
		return 0;
	}
	f->instances = list;
	f->n = n;
	for (size_t i = 0; i < n; i++)
		count_instance(&list[i], label, f, &deployment);
	return 0;
}

int bean_failure_since(const struct target_env *env, const char *environment_id, struct utc since,
		       const char **message, struct err *err)
{
	struct beanstalk_event *events;
	size_t n;

	*message = NULL;
	if (beanstalk_describe_events(&env->client, environment_id, since, "ERROR", env->arena,
				      &events, &n, err))
		return -1;
	/* whether the service narrows by severity as it says is not taken for granted */
	for (size_t i = 0; i < n && !*message; i++)
		if (strcmp(events[i].severity, "ERROR") == 0 ||
		    strcmp(events[i].severity, "FATAL") == 0)
			*message = events[i].message;
	return 0;
}

int bean_baseline_health(const struct target_env *env, const struct bean_record *r,
			 const struct beanstalk_environment *e, struct verdict *out,
			 struct err *err)
{
	struct utc now = clock_utc(env->client.aws->clock);
	const char *state = bean_state_text(env->arena, e);
	struct bean_fleet f;

	if (e->status != BEANSTALK_READY) {
		*out = verdict_make(VERDICT_UNKNOWN, now, "%s is not Ready: %s", e->name, state);
		return 0;
	}
	if (!bean_is_healthy(e)) {
		*out = verdict_make(VERDICT_FAIL, now, "%s is not healthy: %s", e->name, state);
		return 0;
	}
	if (bean_fleet_read(env, e->id, r->label, &f, err)) {
		if (err->code == ERR_CANCELED)
			return -1;
		*out = verdict_make(VERDICT_ERROR, now, "%s", err->text);
		*err = ERR_INIT;
	} else if (f.is_told && r->label[0] && f.with_label < f.n) {
		*out = verdict_make(VERDICT_FAIL, now, "%zu of %zu instances of %s run %s",
				    f.with_label, f.n, e->name, r->label);
	} else {
		*out = verdict_make(VERDICT_PASS, now, "%s: %s, %s", e->name, state,
				    r->label[0] ? r->label : "the sample application");
	}
	return 0;
}

/* --- settings -------------------------------------------------------------------------------- */

int bean_settings(const struct target_env *env, const char *application, const char *name,
		  struct beanstalk_settings *s, struct err *err)
{
	struct beanstalk_settings *all;
	size_t n;

	if (beanstalk_describe_settings(&env->client, application, name, env->arena, &all, &n, err))
		return -1;
	*s = all[0];
	for (size_t i = 0; i < n; i++) {
		if (!all[i].deployment_status || strcmp(all[i].deployment_status, "deployed") != 0)
			continue;
		*s = all[i];
		break;
	}
	/* one that waits to be put into force, or failed to be, is what counts for the caller */
	for (size_t i = 0; i < n; i++)
		if (all[i].deployment_status && strcmp(all[i].deployment_status, "deployed") != 0)
			s->deployment_status = all[i].deployment_status;
	return 0;
}

int64_t bean_option_i64(const struct beanstalk_settings *s, const char *ns, const char *name,
			int64_t other)
{
	int64_t n;

	return str_parse_i64(str_from(beanstalk_option_get(s, ns, name)), 0, 1000000, &n) ? n
											  : other;
}

int bean_resize(const struct target_env *env, const char *environment_id, int64_t min, int64_t max,
		struct err *err)
{
	const struct beanstalk_option options[] = {
		{BEAN_NS_ASG, "MinSize", arena_printf(env->arena, "%lld", (long long)min), NULL},
		{BEAN_NS_ASG, "MaxSize", arena_printf(env->arena, "%lld", (long long)max), NULL},
	};
	const struct beanstalk_update u = {
		.environment_id = environment_id, .options = options, .n_options = 2};

	return beanstalk_update_environment(&env->client, &u, env->arena, err);
}
