#ifndef TESTS_SIM_SIM_EC2_H
#define TESTS_SIM_SIM_EC2_H

#include "tests/sim/sim_traffic.h"
#include "tests/sim/sim_wire.h"

/*
 * The simulated EC2: launch templates with their versions, images, and instances; model 2016-11-15.
 * Whoever launches instances (Auto Scaling) or changes what runs on them (Systems Manager) does it
 * through the functions here.
 */

struct sim_ec2_tag {
	char key[129], value[257];
};

/* One instance. Owned by EC2; good until an hour after its end. */
struct sim_instance {
	struct sim_instance *next; /* the one launched before */
	char id[20], image[64], type[32], zone[16], ip[16];
	char template_id[24], template_name[129];
	int64_t template_version;
	char *user_data; /* decoded; never NULL */
	char *applied;	 /* texts that came later: scripts that ran, words of control */
	struct sim_behaviour does;
	unsigned changes;			    /* how often `does` was found anew */
	struct utc launched, running, ending, gone; /* ending, gone: 0 while it lives */
	bool agent_lost;			    /* Systems Manager's agent does not answer */
	struct sim_ec2_tag *tags;
	size_t n_tags;
};

/* One version of a launch template. */
struct sim_lt_version {
	int64_t number;
	struct utc created;
	char description[256];
	char token[129], digest[65]; /* of the request that made it; "" */
	struct sim_fields data;	     /* LaunchTemplateData by the names of requests, as answered */
	char image[64], type[32];
	char *user_data; /* base64, or NULL */
	bool deleted;
};

struct sim_lt {
	struct sim_lt *next;
	char id[24], name[129];
	struct utc created;
	int64_t default_version, latest;
	struct sim_lt_version *versions; /* by number, from 1 */
	size_t n_versions;
};

/* What is known of an image; others exist as well and say nothing. */
struct sim_image {
	struct sim_image *next;
	char id[64];
	char *words; /* "sim: errors=0.4\n" */
	bool missing;
	char launch_error[64]; /* "" : launches work */
};

struct sim_ec2_state {
	struct sim_lt *templates;
	struct sim_instance *instances; /* newest first */
	struct sim_image *images;
	uint64_t n_made;
	int64_t start_ms;      /* pending to running */
	int64_t visible_ms;    /* until an id is found by the Describe calls */
	char launch_error[64]; /* of every launch; "" : launches work */
	int64_t launch_errors; /* how many more; negative: all */
};

/* --- for the other services ---------------------------------------------------------------- */

struct sim_launch {
	struct str template_;  /* id or name */
	struct str version;    /* a number, "$Latest", "$Default"; "" is the default */
	struct str type, zone; /* "" type: the template's */
};
/* NULL, with the reason as Auto Scaling tells it: it did not launch. */
struct sim_instance *sim_ec2_launch(struct sim *s, const struct sim_launch *l, char *problem,
				    size_t size);
void sim_ec2_terminate(struct sim *s, struct sim_instance *i); /* again is fine */
struct sim_instance *sim_ec2_instance(struct sim *s, struct str id);
struct sim_instance *sim_ec2_instances(struct sim *s); /* newest first */
const char *sim_instance_state(const struct sim_instance *i, struct utc now);
void sim_instance_tag(struct sim_instance *i, struct str key, struct str value);
const char *sim_instance_tag_get(const struct sim_instance *i, const char *key); /* or NULL */
/* Something ran there, or was decided by control: its "sim:" lines hold from now on. */
void sim_instance_apply(struct sim *s, struct sim_instance *i, struct str text);
/* By id or name, NULL when there is none. And the version that a reference means now. */
struct sim_lt *sim_lt_find(struct sim *s, struct str id_or_name);
struct sim_lt_version *sim_lt_version_find(const struct sim_lt *lt, struct str version);
/* Value of a parameter of Systems Manager (sim_ssm.c); false when there is none. */
bool sim_ssm_parameter(struct sim *s, struct str name, char *value, size_t size);

/* --- inside -------------------------------------------------------------------------------- */

struct sim_ec2_call {
	struct sim *s;
	struct sim_ec2_state *e;
	const struct sim_exchange *x;
	const struct json *in;
	struct buf *out; /* what stands inside <OpResponse>, behind the request id */
};

struct str sim_ec2_arg(const struct sim_ec2_call *c, const char *key);
int sim_ec2_error(const struct sim_ec2_call *c, const char *code, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* Pages of a Describe call: call page_take() for each item in order. */
struct sim_page {
	int64_t skip, max, seen;
};
int sim_ec2_page(const struct sim_ec2_call *c, struct sim_page *p) MUST_CHECK;
bool sim_page_take(struct sim_page *p);
void sim_ec2_page_end(const struct sim_ec2_call *c, const struct sim_page *p);

struct sim_image *sim_image_get(struct sim_ec2_state *e, struct str id, bool make);
void sim_instance_refresh(struct sim_ec2_state *e, struct sim_instance *i);
struct sim_lt *sim_lt_new(struct sim_ec2_state *e, struct str name, struct utc now);
struct sim_lt_version *sim_lt_version_new(struct sim_lt *lt, struct utc now);
void sim_lt_free(struct sim_lt *lt);

int sim_describe_launch_templates(struct sim_ec2_call *c) MUST_CHECK;
int sim_describe_launch_template_versions(struct sim_ec2_call *c) MUST_CHECK;
int sim_create_launch_template_version(struct sim_ec2_call *c) MUST_CHECK;
int sim_modify_launch_template(struct sim_ec2_call *c) MUST_CHECK;
int sim_delete_launch_template_versions(struct sim_ec2_call *c) MUST_CHECK;
int sim_describe_instances(struct sim_ec2_call *c) MUST_CHECK;
int sim_describe_instance_status(struct sim_ec2_call *c) MUST_CHECK;
int sim_ec2_describe_tags(struct sim_ec2_call *c) MUST_CHECK;
int sim_create_tags(struct sim_ec2_call *c) MUST_CHECK;

int sim_ec2_control(struct sim *s, void *state, const struct sim_words *w, struct json_out *out,
		    struct err *err) MUST_CHECK;

#endif
