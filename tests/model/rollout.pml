/*
 * The protocol of one rollout: CodePipeline's job and token, two workers with their ledgers, the
 * target and its guard; and at every step a crash, a lost request, a lost reply, a late one.
 * README.md says what it proves and what it leaves out. `make check-model` runs it.
 *
 * A worker's steps are the options of one loop. Each is atomic, and between any two of them the
 * process may die, so what is volatile and what is on disk are kept apart: the variables of the
 * process on one side, the ledger arrays on the other.
 *
 * Bounds of a configuration (how often each misfortune may happen) come from the command line.
 */
#ifndef CRASHES
#define CRASHES 1 /* a process dies */
#endif
#ifndef LOSSES
#define LOSSES 0 /* ... and its disk is gone, while it holds no job */
#endif
#ifndef LOST
#define LOST 1 /* a reply is lost after its effect */
#endif
#ifndef REDELIVERIES
#define REDELIVERIES 1 /* a job that was not acknowledged is handed out again */
#endif
#ifndef STOPS
#define STOPS 1 /* somebody stops the execution */
#endif
#ifndef LATE
#define LATE 0 /* a write takes effect long after its caller has given up */
#endif
#ifndef HANDS
#define HANDS 0 /* somebody gives all traffic back to the baseline by hand */
#endif
#ifndef TOKENS
#define TOKENS 2 /* reports with a token made without need, at the end of a hold */
#endif
#ifndef LOOKS
#define LOOKS 4 /* how often a worker looks during one hold, at most */
#endif
#ifndef SHIFTS
#define SHIFTS 2 /* how often SHIFT tries before its time is over */
#endif
#ifndef LOCKED
#define LOCKED 1 /* writes carry the revision that was read (RevisionId of a Lambda alias) */
#endif
#ifndef MUTANT
#define MUTANT 0 /* a deliberate mistake; see the README */
#endif
#define WORKERS 2

/* phases, in the order of the way forward; INSPECTED: INSPECT with the undo record made */
#define BLANK 0
#define INSPECTED 1
#define SHIFT 2
#define WATCH 3
#define PROMOTE 4
#define BAKE 5
#define SUCCEEDED 6
#define RESTORE 7
#define PROVE 8
#define FAILED 9
#define IS_FINAL(p) ((p) == SUCCEEDED || (p) == FAILED)
#define GOES_BACK(p) ((p) == RESTORE || (p) == PROVE || (p) == FAILED)

/* --- CodePipeline ---------------------------------------------------------------------------- */
mtype = { RUNNING, WELL, BADLY, STOPPED };	  /* the action */
mtype = { QUEUED, DISPATCHED, IN_PROGRESS, OVER }; /* the job */
mtype = { NONE, TOKEN, SUCCESS, FAILURE };	  /* a report */
mtype = { CLAIMED, OWNED, MAYBE };		  /* a job in the ledger */

mtype action = RUNNING;
mtype job_state = QUEUED;
/* Of a job, and of what was read of the target, only this counts: is it still the current one? */
#define CURRENT 1
#define STALE 2
byte held[WORKERS];	 /* the job a worker works on; 0: none */
bit seen_fresh[WORKERS]; /* nobody has written since its last look */
byte token_phase = BLANK, token_seq = 0;
bit token_touched = 0;
bit undo_is_safe = 0; /* a token with the undo record was accepted */
byte ends = 0;	      /* final reports accepted */
bit was_promoted = 0; /* what was live when success was accepted */

/* --- the target: who serves, 0 the baseline alone, 1 both, 2 the candidate ----------------------- */
byte live = 0;
bit is_bad = 0; /* the guard fails whenever the candidate has traffic */
bit pending = 0;
byte pending_value;
bit pending_fresh;

/* --- the ledgers ------------------------------------------------------------------------------ */
bit row[WORKERS], row_final[WORKERS], row_touched[WORKERS];
byte row_phase[WORKERS], row_seq[WORKERS];
byte kept_job[WORKERS];
mtype kept_state[WORKERS];
mtype out[WORKERS] = NONE; /* the report not yet accepted */
byte out_job[WORKERS], out_phase[WORKERS], out_seq[WORKERS];
bit out_touched[WORKERS];

/* --- misfortune -------------------------------------------------------------------------------- */
byte crashes = CRASHES, losses = LOSSES, lost = LOST, redeliveries = REDELIVERIES, stops = STOPS;
byte late = LATE, hands = HANDS, tokens = TOKENS;
byte shifts = SHIFTS;
bit was_lost = 0;    /* a ledger */
bit paged = 0; /* one worker went back while another told a success: somebody is paged */

/* it passed everything, and was stopped before that was told: it stays */
#define SOMEBODY_SUCCEEDED                                                                         \
	((row[0] && row_phase[0] == SUCCEEDED) || (row[1] && row_phase[1] == SUCCEEDED))

#define SEQ_MAX 60
#define BUMP(seq)                                                                                  \
	seq++;                                                                                     \
	assert(seq < SEQ_MAX)

inline forget_memory()
{
	d_step {
		knows = 0;
		phase = BLANK;
		seq = 0;
		touched = 0;
		held[i] = 0;
		safe = 0;
		over = 0;
		act = 0;
		seen_fresh[i] = 0;
	}
}

/* The newest of memory, ledger and token: the highest seq. */
inline take_up()
{
	d_step {
		held[i] = kept_job[i];
		assert(held[0] != CURRENT || held[1] != CURRENT); /* one job, one worker */
		over = 0;
		looks = 0;
		if
		:: row[i] && !row_final[i] && (!knows || row_seq[i] > seq) ->
			phase = row_phase[i];
			seq = row_seq[i];
			touched = row_touched[i];
			knows = 1
		:: else
		fi;
		if
		:: token_phase != BLANK && (!knows || token_seq > seq) ->
			phase = token_phase;
			seq = token_seq;
			touched = token_touched;
			knows = 1
		:: else
		fi;
		safe = (token_phase != BLANK);
		if
		:: !knows ->
			phase = BLANK;
			seq = 1;
			touched = 0;
			knows = 1
		:: else
		fi
	}
}

inline save()
{
	row[i] = 1;
	row_final[i] = 0;
	row_phase[i] = phase;
	row_seq[i] = seq;
	row_touched[i] = touched
}

/* Written down first; from here on the outbox has it. */
inline report(kind)
{
	out[i] = kind;
	out_job[i] = held[i];
	out_phase[i] = phase;
	out_seq[i] = seq;
	out_touched[i] = touched;
	held[i] = 0
}

inline move(to)
{
	phase = to;
	BUMP(seq)
}

/*
 * Promoted, and this state knows nothing of it: another worker is further, or somebody was. Nothing
 * is moved until the plan's patience is over, and that outlasts the hold of a job which is not ours
 * to report any more.
 */
#define AHEAD (live == 2)
inline held_up()
{
	if
	:: true
	:: held[i] == CURRENT && job_state == IN_PROGRESS -> move(RESTORE)
	fi
}

/*
 * One look and what is decided from it. The state decided is on disk before the act that follows:
 * act is 1 + the value to write, made in a step of its own, with the revision seen here.
 */
inline look_and_decide()
{
	before = phase;
	fail = is_bad && live > 0;
	looks = (held[i] != 0 && looks < LOOKS -> looks + 1 : looks);
	seen_fresh[i] = 1;
	act = 0;
	if
	:: live != 0 && !touched && phase >= SHIFT && phase <= BAKE && MUTANT != 8 ->
		touched = 1;
		BUMP(seq)
	:: else
	fi;
	if
	:: over && !GOES_BACK(phase) && !IS_FINAL(phase) -> move(RESTORE)
	:: else ->
		if
		:: phase == BLANK && live == 0 -> move(INSPECTED)
		:: phase == BLANK && live != 0 -> move(FAILED)
		:: phase == INSPECTED && (safe || MUTANT == 1) -> move(SHIFT)
		:: phase == INSPECTED && !safe && MUTANT != 1 -> report(TOKEN)
		:: phase == SHIFT && fail -> move(RESTORE)
		:: phase == SHIFT && !fail && live == 1 -> move(WATCH)
		:: phase == SHIFT && !fail && AHEAD && MUTANT != 6 -> held_up()
		:: phase == SHIFT && !fail && live != 1 && !(AHEAD && MUTANT != 6) && shifts > 0 ->
			shifts--;
			act = 1 + 1
		:: phase == SHIFT && !fail && live != 1 && !(AHEAD && MUTANT != 6) && shifts == 0 ->
			move(RESTORE)
		:: phase == WATCH && (fail || live == 0) -> move(RESTORE)
		:: phase == WATCH && !fail && AHEAD ->
			if
			:: MUTANT == 6 -> move(SHIFT)
			:: else -> held_up()
			fi
		:: phase == WATCH && !fail && live == 1 -> move(PROMOTE)
		:: phase == PROMOTE && (fail || live == 0) -> move(RESTORE)
		:: phase == PROMOTE && !fail && live == 2 -> move(BAKE)
		:: phase == PROMOTE && !fail && live == 1 -> act = 1 + 2
		:: phase == BAKE && ((fail && MUTANT != 2) || live == 0) -> move(RESTORE)
		:: phase == BAKE && !fail && live == 1 -> move(PROMOTE)
		:: phase == BAKE && (!fail || MUTANT == 2) && live == 2 ->
			move(SUCCEEDED);
			if
			:: held[i] != 0 -> report(SUCCESS) /* in the same turn */
			:: true				/* or it dies, or an output cannot be written */
			fi
		:: phase == RESTORE && (live == 0 || MUTANT == 3) -> move(PROVE)
		:: phase == RESTORE && live != 0 && MUTANT != 3 -> act = 1 + 0
		:: phase == PROVE && (live == 0 || MUTANT == 3) -> move(FAILED)
		:: phase == PROVE && live != 0 && MUTANT != 3 -> move(RESTORE)
		:: phase == SUCCEEDED && held[i] != 0 && (live == 2 || MUTANT == 5) -> report(SUCCESS)
		:: phase == SUCCEEDED && held[i] != 0 && live != 2 && MUTANT != 5 -> move(RESTORE)
		:: phase == FAILED && held[i] != 0 -> report(FAILURE)
		:: IS_FINAL(phase) && held[i] == 0
		fi
	fi;
	if
	:: act != 0 && !touched ->
		touched = 1;
		BUMP(seq)
	:: else
	fi;
	/* only Pass advances, and a success is told of what is read in this very step */
	assert(!fail || phase <= before || GOES_BACK(phase) || before == SUCCEEDED || before <= INSPECTED);
	assert(out[i] != SUCCESS || live == 2)
}

/* What the write does when it arrives. */
inline changed_to(value)
{
	live = value;
	seen_fresh[0] = 0;
	seen_fresh[1] = 0;
	pending_fresh = 0
}

inline take_effect(value, is_fresh)
{
	assert(undo_is_safe); /* nothing is changed before the way back is in CodePipeline's hands */
	if
	:: !LOCKED || is_fresh -> changed_to(value)
	:: else
	fi
}

/* The job is over, or another one takes its place: what still names it is of the past. */
inline job_is_past()
{
	d_step {
		held[0] = (held[0] == CURRENT -> STALE : held[0]);
		held[1] = (held[1] == CURRENT -> STALE : held[1]);
		kept_job[0] = (kept_job[0] == CURRENT -> STALE : kept_job[0]);
		kept_job[1] = (kept_job[1] == CURRENT -> STALE : kept_job[1]);
		out_job[0] = (out_job[0] == CURRENT -> STALE : out_job[0]);
		out_job[1] = (out_job[1] == CURRENT -> STALE : out_job[1])
	}
}

/* A rollout without a job may only go back; and not what has succeeded elsewhere. */
#define WANTS_BACK                                                                                 \
	((is_bad && live > 0 && phase > INSPECTED && phase < SUCCEEDED) ||                         \
	 (live == 0 && (phase == WATCH || phase == PROMOTE || phase == BAKE)))
#define MAY_LOOK                                                                                   \
	(knows && act == 0 && !(held[i] == 0 && IS_FINAL(phase)) &&                    \
	 (held[i] == 0 || looks < LOOKS || IS_FINAL(phase)) &&                                        \
	 (held[i] != 0 || phase == RESTORE || phase == PROVE || over || WANTS_BACK))

proctype worker(byte i)
{
	bit knows = 0, touched = 0, safe = 0, over = 0, fail = 0;
	byte phase = BLANK, before = BLANK, seq = 0, act = 0, looks = 0;

end:
	do
	/* --- poll, claim, acknowledge ----------------------------------------------------------- */
	:: atomic {
		job_state == QUEUED && held[i] == 0 && kept_job[i] == 0 && out[i] == NONE && act == 0 ->
		kept_job[i] = CURRENT;
		if
		:: true ->
			job_state = IN_PROGRESS;
			kept_state[i] = OWNED;
			take_up()
		:: lost > 0 -> /* the answer; asked once more: InvalidNonce. Whose is it? */
			lost--;
			job_state = IN_PROGRESS;
			kept_state[i] = MAYBE
		:: crashes > 0 -> /* between the claim and the acknowledgement */
			crashes--;
			job_state = DISPATCHED;
			kept_state[i] = CLAIMED;
			forget_memory()
		fi
	}
	/* --- jobs that nobody here holds: the reconciler --------------------------------------------- */
	:: atomic {
		kept_job[i] != 0 && held[i] == 0 && act == 0 && out[i] == NONE ->
		if
		:: action == RUNNING && kept_job[i] == CURRENT && job_state == IN_PROGRESS ->
			if
			:: kept_state[i] == OWNED || MUTANT == 7 ->
				kept_state[i] = OWNED;
				take_up()
			:: else ->
				/* perhaps another's: nothing is done for it, it goes back with
				 * the state it came with */
				out[i] = TOKEN;
				out_job[i] = kept_job[i];
				out_phase[i] = token_phase;
				out_seq[i] = token_seq;
				out_touched[i] = token_touched
			fi
		:: else -> kept_job[i] = 0
		fi
	}
	/* --- look, decide, save ------------------------------------------------------------------------ */
	:: atomic {
		MAY_LOOK ->
		if
		:: held[i] == 0 && !over && !GOES_BACK(phase) && action == WELL ->
			/* asked before going back: it has succeeded elsewhere */
			row_final[i] = 1;
			forget_memory()
		:: else ->
			look_and_decide();
			save();
			if
			:: held[i] == 0 && over && IS_FINAL(phase) ->
				row_final[i] = 1; /* nobody is to be told */
				forget_memory()
			:: out[i] == SUCCESS || out[i] == FAILURE ->
				row_final[i] = 1;
				forget_memory()
			:: else
			fi
		fi;
		fail = 0;
		before = 0
	}
	/* --- act: with what was seen, however long ago that is -------------------------------------- */
	:: atomic {
		act != 0 ->
		if
		:: true -> take_effect(act - 1, seen_fresh[i])
		:: late > 0 && !pending ->
			late--;
			pending = 1;
			pending_value = act - 1;
			pending_fresh = seen_fresh[i]
		fi;
		act = 0;
		seen_fresh[i] = 0
	}
	/* --- the end of a hold: a report with a token, though nothing has happened ------------------ */
	:: atomic {
		held[i] != 0 && act == 0 && !IS_FINAL(phase) && phase != BLANK &&
			(tokens > 0 || looks == LOOKS) ->
		tokens = (looks == LOOKS -> tokens : tokens - 1);
		looks = 0;
		report(TOKEN)
	}
	/* --- the outbox ------------------------------------------------------------------------------------ */
	:: atomic {
		out[i] != NONE ->
		if
		:: out_job[i] == CURRENT && job_state == IN_PROGRESS ->
			if
			:: out[i] == TOKEN ->
				token_phase = out_phase[i];
				token_seq = out_seq[i];
				token_touched = out_touched[i];
				undo_is_safe = (token_phase != BLANK || undo_is_safe);
				job_is_past();
				job_state = QUEUED
			:: out[i] == SUCCESS ->
				action = WELL;
				was_promoted = (live == 2);
				ends++;
				job_is_past();
				job_state = OVER
			:: out[i] == FAILURE ->
				action = BADLY;
				ends++;
				job_is_past();
				job_state = OVER
			fi
		:: else -> /* this job takes no report any more */
			if
			:: out[i] == FAILURE -> paged = 1 /* told at level ERROR */
			:: else
			fi
		fi;
		if
		:: true ->
			out[i] = NONE;
			out_job[i] = 0;
			out_phase[i] = 0;
			out_seq[i] = 0;
			out_touched[i] = 0;
			kept_job[i] = 0
		:: lost > 0 -> lost-- /* it will be sent again */
		fi
	}
	/* --- the reconciler asks what became of the action --------------------------------------------- */
	:: atomic {
		row[i] && !row_final[i] && held[i] == 0 && act == 0 && !over &&
			out[i] == NONE && action != RUNNING && MUTANT != 4 ->
		if
		:: action == WELL ->
			if
			:: GOES_BACK(row_phase[i]) -> paged = 1 /* told at level ERROR */
			:: else
			fi;
			row_final[i] = 1;
			forget_memory()
		:: else ->
			if
			:: !knows ->
				phase = row_phase[i];
				seq = row_seq[i];
				touched = row_touched[i];
				knows = 1
			:: else
			fi;
			if
			:: IS_FINAL(phase) || !touched ->
				row_final[i] = 1;
				forget_memory()
			:: else -> over = 1
			fi
		fi
	}
	/* --- the process dies; the same one or another on that disk starts --------------------------- */
	:: atomic {
		crashes > 0 ->
		crashes--;
		if
		:: true
		:: losses > 0 && kept_job[i] == 0 && out[i] == NONE ->
			losses--;
			was_lost = 1;
			row[i] = 0;
			row_final[i] = 0;
			row_phase[i] = 0;
			row_seq[i] = 0;
			row_touched[i] = 0
		fi;
		forget_memory()
	}
	od
}

/* The pipeline's people, its clocks, the network, and the candidate. */
proctype world()
{
end:
	do
	:: atomic { !is_bad && live > 0 -> is_bad = 1 }
	:: atomic { job_state == DISPATCHED && redeliveries > 0 -> redeliveries--; job_state = QUEUED }
	:: atomic { action == RUNNING && stops > 0 -> stops--; action = STOPPED; job_is_past(); job_state = OVER }
	:: atomic { hands > 0 && live > 0 -> hands--; changed_to(0) }
	:: atomic { pending -> take_effect(pending_value, pending_fresh); pending = 0 }
	/* nothing happens any more: CodePipeline hands out again what was not acknowledged, and ends
	 * what nobody reports */
	:: atomic {
		timeout ->
		if
		:: job_state == DISPATCHED -> job_state = QUEUED
		:: job_state != DISPATCHED && action == RUNNING ->
			action = STOPPED;
			job_is_past();
			job_state = OVER
		:: action != RUNNING -> break
		fi
	}
	od;
	/* everybody has finished: is the target as was told? */
	assert(ends <= 1);
	assert((ends == 1) == (action == WELL || action == BADLY));
	assert(action != WELL || was_promoted || paged || was_lost || hands < HANDS || late < LATE);
	assert(action != WELL || live == 2 || paged || was_lost || hands < HANDS || late < LATE);
	assert(action != BADLY || live == 0);
	assert(action != STOPPED || live == 0 || was_lost || SOMEBODY_SUCCEEDED);
	assert(!is_bad || live == 0 || action == WELL || was_lost || SOMEBODY_SUCCEEDED)
}

init
{
	atomic {
		run worker(0);
		run worker(1);
		run world()
	}
}
