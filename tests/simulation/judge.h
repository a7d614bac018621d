#ifndef TESTS_SIMULATION_JUDGE_H
#define TESTS_SIMULATION_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/core/attr.h"
#include "worker/rollout/decide.h"

/*
 * The judge of a run. It is told what happened, by the simulator's own record, and what the workers
 * decided, and holds the two against what must always be true. It repeats none of the worker's
 * logic: it knows no phases, and of plans only for how long they watch. judge.c says for each
 * invariant what it is, and which weaker one holds when a fault makes it impossible.
 */
#define INVARIANTS(X)                                                                        \
	X(RANGE, "shares are from 0 to 100 and make up a whole")                             \
	X(DECIDED, "traffic is divided as a decision asked for it")                          \
	X(ONE_WRITER, "one rollout writes to a target at a time, and the holder of its job " \
		      "alone goes forward")                                                  \
	X(TOKEN_FIRST, "nothing is written before CodePipeline has the undo record")         \
	X(FRESH, "no step forward without a fresh Pass of every guard")                      \
	X(REACTION, "after a Fail the baseline carries everything in time, or somebody is "  \
		    "paged")                                                                 \
	X(REPORTED, "a job is reported exactly once, and an action ends once")               \
	X(READ_BACK, "success is reported after a read-back, and is true")                   \
	X(RESTORED, "a target that is said to be restored is as its undo record says")       \
	X(RATE, "calls per minute are bounded")                                              \
	X(SECRET, "no secret in log, ledger, token or report")                               \
	X(CLEAN_END, "no traffic is left divided, no ledger has open work")                  \
	X(ENDS, "every pipeline is over in bounded time")

enum invariant {
#define X(name, text) INVARIANT_##name,
	INVARIANTS(X)
#undef X
		INVARIANT_COUNT
};
const char *invariant_name(enum invariant i);
const char *invariant_text(enum invariant i);

#define JUDGE_SITES_MAX 4
#define JUDGE_ROLLOUTS_MAX 32
#define JUDGE_SIDES_MAX 6
#define JUDGE_WORKERS_MAX 3

/* Who serves how much of a target's traffic, percent. who: any number that tells them apart. */
struct judge_shares {
	int n;
	struct {
		uint64_t who;
		double percent;
	} of[JUDGE_SIDES_MAX];
};
double judge_share(const struct judge_shares *s, uint64_t who);

enum judge_cause { CAUSED_BY_WORKER, CAUSED_BY_SERVICE, CAUSED_BY_HAND };

struct judge_options {
	bool clock_steps; /* wall clocks jump: times measured by them mean little */
	int64_t bound_ms; /* of a reaction, in the weather that there is */
	int64_t slow_ms;  /* the same for services that move traffic themselves */
	int calls_most;	  /* of one worker in a minute */
};

struct judge_site {
	bool by_itself; /* its service moves traffic by itself */
	struct judge_shares shares;
	bool hand; /* somebody else has changed it, or taken it away */
	bool red;  /* its alarm */
	int64_t red_since_ms;
	int64_t ok_told_ms;			 /* when a worker last heard OK; 0: never */
	int64_t fail_told_ms;			 /* when one last heard ALARM; 0: never */
	int64_t told_fail_to[JUDGE_WORKERS_MAX]; /* the last word to each was ALARM, then; or 0 */
};

struct judge_rollout {
	char id[72];
	int site;
	int64_t watch_ms;
	bool has_undo, touched, over;
	bool left;	  /* its worker has let go of the target, and it has not written since */
	struct judge_shares left_behind; /* then: who served */
	unsigned workers; /* that have read or written its target for it, a bit each */
	struct judge_shares undo;
	uint64_t record;      /* of which undo record: a number that tells them apart */
	uint64_t baseline;    /* who served when it began */
	struct traffic asked; /* the most that was asked for since the last way back */
	bool promoted;	      /* a promotion was */
	int most_bp;	      /* the highest weight that was ever asked for */
	int64_t risen_ms;     /* when its share last rose; 0: never */
	uint64_t n_writes, last_write, last_read; /* counted together: which came later */
	int64_t due_since_ms; /* a Fail waits for its way back since; 0: none does */
	bool due_told;	      /* a worker has heard of it */
	bool excused;	      /* nobody is left who knows of it */
};

#define JUDGE_SAMPLES_MAX 64

struct judge {
	struct judge_options o;
	struct judge_site sites[JUDGE_SITES_MAX];
	int n_sites;
	struct judge_rollout rollouts[JUDGE_ROLLOUTS_MAX];
	int n_rollouts;
	uint64_t events; /* writes and reads, counted */
	int64_t minute[JUDGE_WORKERS_MAX];
	int calls[JUDGE_WORKERS_MAX], most_calls;
	/* the finding */
	bool failed;
	enum invariant broken; /* the first one */
	char problem[400];
	int64_t problem_ms;
	uint64_t checks[INVARIANT_COUNT];
	int64_t reactions_ms[JUDGE_SAMPLES_MAX];
	bool reaction_slow[JUDGE_SAMPLES_MAX]; /* of a service that moves traffic by itself */
	int n_reactions;
};

void judge_init(struct judge *j, const struct judge_options *o);
/* A target, with what serves it now. Returns its number. */
int judge_add_site(struct judge *j, bool by_itself, const struct judge_shares *now);
/* The rollout of this id; made when it is new. */
struct judge_rollout *judge_rollout(struct judge *j, const char *id, int site, int64_t watch_ms);

/* It has looked at its target, and has written down (or not yet) what was live. */
void judge_inspected(struct judge *j, struct judge_rollout *r, bool has_undo);
/* This worker has to do with it: those of other workers may meet it at its target. */
void judge_met(struct judge_rollout *r, int worker);
/* Its worker lets others have the target, and none of them has written there yet. */
void judge_left(struct judge *j, struct judge_rollout *r);
/* Does a worker keep these two apart? One that has had both alone, and all the time. */
bool judge_apart(const struct judge_rollout *a, const struct judge_rollout *b);
/* It has read its target, and got an answer. */
void judge_read(struct judge *j, struct judge_rollout *r);

/* A call that changes something at the target, made for a decision. */
struct judge_act {
	int64_t now_ms;
	int worker;
	enum decision_kind kind;
	struct traffic traffic; /* asked for */
	bool token;		/* CodePipeline has accepted the first one */
	bool holds; /* CodePipeline gave the job held to this worker, and no newer one */
};
void judge_act(struct judge *j, struct judge_rollout *r, const struct judge_act *a);
/*
 * The split of a target has changed; by a worker: for this act of this rollout (NULL: none was
 * under way). Shares as the service says.
 */
void judge_split(struct judge *j, int64_t now_ms, int site, enum judge_cause cause,
		 struct judge_rollout *r, const struct judge_act *a,
		 const struct judge_shares *shares);
/* Somebody else took hold of it in another way. */
void judge_hand(struct judge *j, int site);

/* The alarm of a target is red or not; and a worker was told so. */
void judge_alarm(struct judge *j, int64_t now_ms, int site, bool red);
void judge_told(struct judge *j, int64_t now_ms, int site, int worker, bool ok, bool red);

/* What CodePipeline accepted. */
struct judge_report {
	int64_t now_ms;
	bool final, good;
	bool back;   /* of an action that wanted the way back, or a rollout that was parked */
	bool parked; /* the success says that it waits for people */
	int of_job, of_action; /* reports accepted for this job; final ones for this action */
	const char *message;
};
void judge_reported(struct judge *j, struct judge_rollout *r, const struct judge_report *p);
/* Its action is over; nobody is left who knows of it. */
void judge_over(struct judge *j, struct judge_rollout *r);
void judge_excuse(struct judge_rollout *r);

void judge_called(struct judge *j, int64_t now_ms, int worker);
/* A text that leaves the worker has this secret in it, or has none. */
void judge_text(struct judge *j, int64_t now_ms, const char *where, const char *secret);

/* At the end of a run. */
void judge_end_of_action(struct judge *j, int64_t now_ms, const char *what, const char *status,
			 bool reported, bool excused);
void judge_end_of_site(struct judge *j, int64_t now_ms, int site, bool may_be_left);
/* What a target consisted of before a rollout that did not succeed, and after it. */
void judge_end_of_belongings(struct judge *j, int64_t now_ms, const char *what, const char *before,
			     const char *after);
void judge_end_of_worker(struct judge *j, int64_t now_ms, const char *left);

/* A time passes: what is due, and how long already. */
void judge_time(struct judge *j, int64_t now_ms);

#endif
