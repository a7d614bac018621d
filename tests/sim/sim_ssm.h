#ifndef TESTS_SIM_SIM_SSM_H
#define TESTS_SIM_SIM_SSM_H

#include "tests/sim/sim_ec2.h"

/* What the files of the simulated Systems Manager share. Shapes: model 2014-11-06. */

enum sim_ssm_status {
	SIM_SSM_PENDING,
	SIM_SSM_IN_PROGRESS,
	SIM_SSM_SUCCESS,
	SIM_SSM_CANCELLED,
	SIM_SSM_TIMED_OUT,
	SIM_SSM_FAILED,
	SIM_SSM_STATUS_COUNT
};
const char *sim_ssm_status_name(enum sim_ssm_status s);

/* A command on one instance. */
struct sim_invocation {
	char instance[20];
	enum sim_ssm_status status, outcome; /* outcome: how it will end once it runs */
	bool stuck;			     /* and it does not end by itself */
	const char *details;
	struct utc started, ended;
};

struct sim_command {
	struct sim_command *next; /* the one sent before */
	char id[RNG_UUID_SIZE], document[130], comment[101];
	char max_concurrency[8], max_errors[8];
	char *parameters; /* as JSON */
	char *targets;	  /* as JSON, or NULL: instance ids were given */
	char *script;	  /* every text among the parameters */
	int64_t timeout_s, run_timeout_s;
	struct utc requested;
	bool resolved, cancelled;
	struct sim_invocation *invocations;
	size_t n;
};

struct sim_ssm_param {
	struct sim_ssm_param *next;
	char name[256], type[16];
	char *value;
	int64_t version;
	struct utc modified;
};

struct sim_ssm_state {
	struct sim_command *commands; /* newest first */
	struct sim_ssm_param *params;
	int64_t agent_ms;	     /* from running to an agent that answers */
	int64_t pending_ms, run_ms;  /* delivery; the script */
	int64_t visible_ms;	     /* until invocations are found */
	enum sim_ssm_status outcome; /* of the next ones; SIM_SSM_SUCCESS: as the script says */
	bool stuck;
	int64_t outcomes;	   /* how many more */
	char outcome_instance[20]; /* "" : any */
};

struct sim_ssm_call {
	struct sim *s;
	struct sim_ssm_state *st;
	const struct sim_exchange *x;
	struct json_out *out;
};

struct str sim_ssm_arg(const struct sim_ssm_call *c, const char *key);
int sim_ssm_error(const struct sim_ssm_call *c, const char *code, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* An agent that can be told something: of an instance that runs, and has had time to register. */
bool sim_ssm_managed(const struct sim_ssm_state *st, const struct sim_instance *i, struct utc now);
struct sim_invocation *sim_invocation_add(struct sim_command *c, const char *instance);
enum sim_ssm_status sim_command_status(const struct sim_command *c);
void sim_command_step(struct sim *s, struct sim_ssm_state *st, struct sim_command *c,
		      struct utc now);
void sim_command_free(struct sim_command *c);

/* --- sim_ssm_command.c --------------------------------------------------------------------- */
int sim_send_command(struct sim_ssm_call *c) MUST_CHECK;
int sim_get_invocation(struct sim_ssm_call *c) MUST_CHECK;
int sim_list_invocations(struct sim_ssm_call *c) MUST_CHECK;
int sim_list_commands(struct sim_ssm_call *c) MUST_CHECK;
int sim_cancel_command(struct sim_ssm_call *c) MUST_CHECK;

/* --- sim_ssm_control.c --------------------------------------------------------------------- */
int sim_ssm_control(struct sim *s, void *state, const struct sim_words *w, struct json_out *out,
		    struct err *err) MUST_CHECK;
void sim_param_put(struct sim_ssm_state *st, struct str name, struct str value, struct str type,
		   struct utc now);
struct sim_ssm_param *sim_param_find(struct sim_ssm_state *st, struct str name);

#endif
