/*
 * aws-sim: the simulator as a program. Prints where it listens, runs the commands of a file if
 * asked to, and serves until it is told to stop.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/sim/serve.h"
#include "tests/sim/sim_internal.h"

#define TICK_MS 50 /* how often time catches up while nobody asks */
#define COMMANDS_MAX (16u << 20)

struct settings {
	struct sim_options sim;
	double speed;
	struct utc origin;
	bool has_origin;
	uint16_t port;
	const char *port_file, *control_file;
};

enum flag {
	OPT_SEED = 256,
	OPT_PORT,
	OPT_PORT_FILE,
	OPT_SPEED,
	OPT_ORIGIN,
	OPT_NO_SIGNATURES,
	OPT_CONTINUATION_DELAY,
	OPT_REDELIVERY,
	OPT_JOB_TIMEOUT,
	OPT_ACTION_TIMEOUT,
	OPT_CREDENTIALS,
	OPT_PROPAGATION,
	OPT_STEP,
	OPT_THROTTLE,
	OPT_NOISE,
	OPT_NONCE_MOVES,
	OPT_CONTROL,
	OPT_HELP
};

static const struct option options[] = {
	{"seed", required_argument, NULL, OPT_SEED},
	{"port", required_argument, NULL, OPT_PORT},
	{"port-file", required_argument, NULL, OPT_PORT_FILE},
	{"speed", required_argument, NULL, OPT_SPEED},
	{"origin", required_argument, NULL, OPT_ORIGIN},
	{"no-signatures", no_argument, NULL, OPT_NO_SIGNATURES},
	{"continuation-delay", required_argument, NULL, OPT_CONTINUATION_DELAY},
	{"redelivery", required_argument, NULL, OPT_REDELIVERY},
	{"job-timeout", required_argument, NULL, OPT_JOB_TIMEOUT},
	{"action-timeout", required_argument, NULL, OPT_ACTION_TIMEOUT},
	{"artifact-credentials", required_argument, NULL, OPT_CREDENTIALS},
	{"propagation", required_argument, NULL, OPT_PROPAGATION},
	{"step", required_argument, NULL, OPT_STEP},
	{"throttle", required_argument, NULL, OPT_THROTTLE},
	{"noise", no_argument, NULL, OPT_NOISE},
	{"nonce-moves", no_argument, NULL, OPT_NONCE_MOVES},
	{"control", required_argument, NULL, OPT_CONTROL},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

static void usage(FILE *f)
{
	fputs("usage: aws-sim [options]\n"
	      "  --port N                   on 127.0.0.1; 0 (default): any that is free\n"
	      "  --port-file PATH           write the port there once it is open\n"
	      "  --seed N                   decides everything random; default 1\n"
	      "  --speed X                  simulated seconds a real second; default 1\n"
	      "  --origin MS                epoch milliseconds at which simulated and real time\n"
	      "                             agree; default: now\n"
	      "  --no-signatures            do not verify signatures\n"
	      "  --continuation-delay A,B   a continued job can be polled after A to B; 0,60s\n"
	      "  --redelivery T             of jobs nobody acknowledged; default 30s\n"
	      "  --job-timeout T            acknowledged and not reported; default 20m; 0: none\n"
	      "  --action-timeout T         default 24h\n"
	      "  --artifact-credentials T   life of artifact credentials; default 15m\n"
	      "  --propagation T            load balancer weights reach traffic; default 3s\n"
	      "  --step T                   granularity of traffic; default 1s\n"
	      "  --throttle P               share of CodePipeline calls throttled, 0 to 1\n"
	      "  --noise                    undeclared members and nulls in job documents\n"
	      "  --nonce-moves              a job handed out again has a new nonce\n"
	      "  --control FILE             run these commands first\n",
	      f);
}

static bool parse_delay(struct sim_options *o, struct str text)
{
	struct str rest = text, first;

	return str_next(&rest, ',', &first) && sim_parse_ms(first, &o->continuation_delay_min_ms) &&
	       sim_parse_ms(rest, &o->continuation_delay_max_ms) &&
	       o->continuation_delay_min_ms <= o->continuation_delay_max_ms;
}

/* Where a duration option goes; NULL for every other option. */
static int64_t *duration_of(struct settings *s, int opt)
{
	switch (opt) {
	case OPT_REDELIVERY:
		return &s->sim.redelivery_ms;
	case OPT_JOB_TIMEOUT:
		return &s->sim.job_timeout_ms;
	case OPT_ACTION_TIMEOUT:
		return &s->sim.action_timeout_ms;
	case OPT_CREDENTIALS:
		return &s->sim.artifact_credentials_ms;
	case OPT_PROPAGATION:
		return &s->sim.propagation_ms;
	case OPT_STEP:
		return &s->sim.step_ms;
	default:
		return NULL;
	}
}

static bool parse_one(struct settings *s, int opt, struct str v)
{
	int64_t *duration = duration_of(s, opt);
	uint64_t n = 0;

	if (duration)
		return sim_parse_ms(v, duration);
	switch (opt) {
	case OPT_SEED:
		return str_parse_u64(v, 0, UINT64_MAX, &s->sim.seed);
	case OPT_PORT:
		if (!str_parse_u64(v, 0, 65535, &n))
			return false;
		s->port = (uint16_t)n;
		return true;
	case OPT_PORT_FILE:
		s->port_file = v.p;
		return true;
	case OPT_CONTROL:
		s->control_file = v.p;
		return true;
	case OPT_SPEED:
		return str_parse_double(v, &s->speed) && s->speed > 0 && s->speed <= 100000;
	case OPT_ORIGIN:
		s->has_origin = true;
		return str_parse_i64(v, 0, INT64_C(4102444800000), &s->origin.ms);
	case OPT_CONTINUATION_DELAY:
		return parse_delay(&s->sim, v);
	case OPT_THROTTLE:
		return str_parse_double(v, &s->sim.throttle_rate) && s->sim.throttle_rate >= 0 &&
		       s->sim.throttle_rate <= 1;
	case OPT_NO_SIGNATURES:
		s->sim.check_signatures = false;
		return true;
	case OPT_NOISE:
		s->sim.noise = true;
		return true;
	case OPT_NONCE_MOVES:
		s->sim.nonce_moves = true;
		return true;
	default:
		return false;
	}
}

/* 0: go on; else the exit status plus one. */
static int parse_options(struct settings *s, int argc, char **argv)
{
	int opt, index = 0;

	while ((opt = getopt_long(argc, argv, "", options, &index)) != -1) {
		if (opt == OPT_HELP) {
			usage(stdout);
			return 1;
		}
		if (opt == '?') {
			usage(stderr);
			return 3;
		}
		if (!parse_one(s, opt, str_from(optarg))) {
			fprintf(stderr, "aws-sim: --%s: '%s' is not a value for it\n",
				options[index].name, optarg);
			return 3;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "aws-sim: '%s' is not an option\n", argv[optind]);
		return 3;
	}
	return 0;
}

static int read_commands(const char *path, struct buf *out, struct err *err)
{
	char piece[65536];
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f)
		return err_set_sys(err, ERR_SYSTEM, errno, "%s", path);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(out, piece, n);
	fclose(f);
	return buf_check(out, path, err);
}

static int run_commands(struct sim_server *v, const char *path, struct err *err)
{
	struct buf lines, answers;
	int rc;

	buf_init(&lines, COMMANDS_MAX);
	buf_init(&answers, COMMANDS_MAX);
	rc = read_commands(path, &lines, err);
	if (rc == 0 && sim_server_control(v, buf_str(&lines), &answers, err) < 0)
		rc = err_wrap(err, "%s", path);
	buf_release(&lines);
	buf_release(&answers);
	return rc;
}

/* Whoever waits for the file must never see half of it. */
static int write_port(const char *path, uint16_t port, struct err *err)
{
	char *tmp = xasprintf("%s.new", path);
	FILE *f = fopen(tmp, "w");
	int rc = 0;

	if (!f) {
		rc = err_set_sys(err, ERR_SYSTEM, errno, "%s", tmp);
	} else {
		bool ok = fprintf(f, "%u\n", (unsigned)port) > 0;

		if (fclose(f) != 0 || !ok || rename(tmp, path) != 0)
			rc = err_set_sys(err, ERR_SYSTEM, errno, "%s", path);
	}
	free(tmp);
	return rc;
}

static void serve_until_stopped(struct sim_server *v, const sigset_t *stop)
{
	const struct timespec tick = {0, TICK_MS * 1000000L};

	while (sigtimedwait(stop, NULL, &tick) < 0)
		sim_server_tick(v);
}

static int serve(const struct settings *s, struct clock *clock, const sigset_t *stop,
		 struct err *err)
{
	struct sim *sim = sim_new(&s->sim);
	struct sim_server *v = sim_server_new(
		&(struct sim_server_options){.sim = sim, .clock = clock, .port = s->port}, err);
	int rc = v ? 0 : -1;

	if (rc == 0 && s->control_file)
		rc = run_commands(v, s->control_file, err);
	if (rc == 0 && s->port_file)
		rc = write_port(s->port_file, sim_server_port(v), err);
	if (rc == 0) {
		printf("aws-sim: listening on http://127.0.0.1:%u\n", (unsigned)sim_server_port(v));
		printf("aws-sim: origin %" PRId64 ", speed %g, seed %" PRIu64 "\n", s->origin.ms,
		       s->speed, s->sim.seed);
		fflush(stdout);
		serve_until_stopped(v, stop);
	}
	sim_server_free(v);
	sim_free(sim);
	return rc;
}

int main(int argc, char **argv)
{
	struct settings s = {.sim = sim_options_default(), .speed = 1};
	struct err err = ERR_INIT;
	struct clock *clock;
	sigset_t stop;
	int rc;

	s.sim.check_signatures = true;
	rc = parse_options(&s, argc, argv);
	if (rc)
		return rc - 1;
	/* before the library's thread exists, so that it inherits the mask */
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (!s.has_origin)
		s.origin = clock_utc(clock_system());
	clock = clock_scaled_new(s.origin, s.speed);
	s.sim.start = clock_utc(clock);
	rc = serve(&s, clock, &stop, &err);
	if (rc < 0)
		fprintf(stderr, "aws-sim: %s\n", err.text);
	free(clock);
	return rc < 0 ? 1 : 0;
}
