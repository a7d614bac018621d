#ifndef TESTS_SIMULATION_SITE_H
#define TESTS_SIMULATION_SITE_H

#include "tests/faults/sweep.h"
#include "tests/scenarios/world.h"

/*
 * A target of a run, of one kind and way of moving traffic: how the world comes to have it, what a
 * release to it consists of, and what people and accidents do to it.
 */
enum site_kind {
	SITE_LAMBDA,
	SITE_LAMBDA_SEGMENTS,
	SITE_LOAD_BALANCER,
	SITE_LOAD_BALANCER_SEGMENTS,
	SITE_AUTO_SCALING_COPY,
	SITE_AUTO_SCALING_TWIN,
	SITE_BEANSTALK_CLONE,
	SITE_BEANSTALK_SPLITTING,
	SITE_ECS_NATIVE,
	SITE_ECS_TWO,
	SITE_KINDS
};

struct site {
	enum site_kind kind;
	char name[16];
};

struct site_release {
	const char *strategy; /* one line, or YAML of a flow map for some kinds */
	const char *extra;    /* more lines of the plan */
	bool bad;	      /* from its first request */
	int number;	      /* of this run: tells releases apart */
	bool metric, health;  /* guards besides the alarm */
};

struct site_traits {
	const char *name;    /* "ecs two services" */
	const char *family;  /* "ecs": what figures are given by */
	unsigned weight;     /* how often it is drawn, of 1,000 */
	bool people;	     /* its pipelines may have people in them */
	bool linear, canary; /* strategies besides blue/green */
	bool by_itself;	     /* the service moves traffic by itself, over minutes */
	bool turns_bad;	     /* a candidate that serves can be made bad */
};
const struct site_traits *site_traits(enum site_kind k);

void site_make(struct world *w, const struct site *s);
/* The value of the property Target. */
const char *site_target(struct world *w, const struct site *s);
/* Whose splits count, in the simulator's record. */
const char *site_resource(struct world *w, const struct site *s);
/* What serves to begin with, as that record calls it; "" where the record has it. */
const char *site_first(const struct site *s);
/* Everything that a rollout could leave behind, as text; NULL: the split says it all. */
const char *site_belongings(struct world *w, const struct site *s);
/*
 * To be compared with what there was before. retired: a rollout had begun to remove it; instances
 * are gone then, and what is restored is their like, so that they are counted without their names.
 */
const char *site_comparable(struct world *w, const char *belongings, bool retired);
/* The files of a release; returns how many. */
size_t site_files(struct world *w, const struct site *s, const struct site_release *r,
		  struct pack_entry files[4]);
/* The candidate, by the identity that the record of splits has for it, fails from now on. */
void site_turn_bad(struct world *w, const struct site *s, const char *candidate, int release);
/* Somebody divides the traffic anew; false: that cannot be done to this kind. */
bool site_change_by_hand(struct world *w, const struct site *s, struct rng *dice);
bool site_delete(struct world *w, const struct site *s);

#endif
