#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim_ssm.h"

/*
 * Control of the simulated Systems Manager: how long commands take, how the next ones end, and
 * parameters. See tests/sim/README.md.
 */

struct sim_ssm_param *sim_param_find(struct sim_ssm_state *st, struct str name)
{
	struct sim_ssm_param *p = st->params;
	while (p && !str_is(name, p->name))
		p = p->next;
	return p;
}

void sim_param_put(struct sim_ssm_state *st, struct str name, struct str value, struct str type,
		   struct utc now)
{
	struct sim_ssm_param *p = sim_param_find(st, name);
	if (!p) {
		p = xcalloc(1, sizeof(*p));
		(void)str_copy(p->name, sizeof(p->name), name);
		(void)str_copy(p->type, sizeof(p->type), type.n ? type : STR("String"));
		p->next = st->params;
		st->params = p;
	}
	free(p->value);
	p->value = xstrndup(value.n ? value.p : "", value.n);
	p->version++;
	p->modified = now;
}

/* ssm timing [agent=5s] [pending=2s] [run=10s] [visible=2s] */
static int do_timing(struct sim_ssm_state *st, const struct sim_words *w, struct err *err)
{
	const struct {
		const char *word;
		int64_t *at;
	} times[] = {{"agent", &st->agent_ms},
		     {"pending", &st->pending_ms},
		     {"run", &st->run_ms},
		     {"visible", &st->visible_ms}};
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (sim_word_value(w, times[i].word).n &&
		    !sim_word_ms(w, times[i].word, times[i].at))
			return err_set(err, ERR_REJECTED, "%s: not a duration", times[i].word);
	return 0;
}

/* ssm outcome STATUS [n=1] [instance=ID]: how the next invocations end; `script`: as they say */
static int do_outcome(struct sim_ssm_state *st, const struct sim_words *w, struct err *err)
{
	struct str what = sim_word(w, 2), instance = sim_word_value(w, "instance");
	int64_t n = -1;
	if (sim_word_value(w, "n").n && (!sim_word_i64(w, "n", &n) || n < 1))
		return err_set(err, ERR_REJECTED, "n: must be 1 or more");
	if (!str_copy(st->outcome_instance, sizeof(st->outcome_instance), instance))
		return err_set(err, ERR_REJECTED, "instance: too long");
	st->stuck = str_is(what, "stuck");
	st->outcomes = n;
	if (str_is(what, "Failed"))
		st->outcome = SIM_SSM_FAILED;
	else if (str_is(what, "TimedOut") || st->stuck)
		st->outcome = SIM_SSM_TIMED_OUT;
	else if (str_is(what, "Success"))
		st->outcome = SIM_SSM_SUCCESS;
	else if (str_is(what, "script"))
		st->outcomes = 0;
	else
		return err_set(err, ERR_REJECTED,
			       "outcome: must be Success, Failed, TimedOut, stuck or script");
	return 0;
}

static void show(struct json_out *o, const struct sim_ssm_state *st)
{
	json_out_object(o);
	json_out_key(o, "commands");
	json_out_array(o);
	for (const struct sim_command *c = st->commands; c; c = c->next) {
		json_out_object(o);
		json_member_cstr(o, "id", c->id);
		json_member_cstr(o, "comment", c->comment);
		json_member_cstr(o, "status", sim_ssm_status_name(sim_command_status(c)));
		json_member_cstr(o, "script", c->script);
		json_out_key(o, "invocations");
		json_out_array(o);
		for (size_t i = 0; i < c->n; i++) {
			json_out_object(o);
			json_member_cstr(o, "instance", c->invocations[i].instance);
			json_member_cstr(o, "status",
					 sim_ssm_status_name(c->invocations[i].status));
			json_member_cstr(o, "details", c->invocations[i].details);
			json_out_end(o);
		}
		json_out_end(o);
		json_out_end(o);
	}
	json_out_end(o);
	json_out_end(o);
}

int sim_ssm_control(struct sim *s, void *state, const struct sim_words *w, struct json_out *out,
		    struct err *err)
{
	struct sim_ssm_state *st = state;
	struct str verb = sim_word(w, 1), name = sim_word(w, 2);
	int rc = 0;
	if (str_is(verb, "timing"))
		rc = do_timing(st, w, err);
	else if (str_is(verb, "outcome"))
		rc = do_outcome(st, w, err);
	else if (str_is(verb, "parameter") && name.n && name.n < 256)
		sim_param_put(st, name, sim_word_value(w, "value"), STR("String"), sim_now(s));
	else if (!str_is(verb, "show"))
		rc = err_set(err, ERR_REJECTED, "ssm: no command '" STR_FMT "'", STR_ARG(verb));
	if (rc)
		return -1;
	show(out, st);
	return 0;
}
