#include "worker/run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/autoscaling.h"
#include "aws/beanstalk.h"
#include "aws/cloudwatch.h"
#include "aws/codepipeline.h"
#include "aws/core/http.h"
#include "aws/core/rng.h"
#include "aws/ec2.h"
#include "aws/ecs.h"
#include "aws/elbv2.h"
#include "aws/eventbridge.h"
#include "aws/imds.h"
#include "aws/lambda.h"
#include "aws/route53.h"
#include "aws/s3.h"
#include "aws/sns.h"
#include "aws/ssm.h"
#include "aws/sts.h"
#include "worker/ledger.h"
#include "worker/notify.h"
#include "worker/report/status_endpoint.h"
#include "worker/worker.h"

/*
 * Signals are blocked before the first thread exists and read from a descriptor by the main thread,
 * so no code ever runs in a signal handler. While the worker is set up, which blocks on calls, a
 * small thread watches the descriptor instead and fires the cancel: nothing is held yet then.
 */
#define LOOK_MS 100		      /* how often the main thread looks whether a stop is done */
#define ONCE_POLL_MS (86400ll * 1000) /* --once: the first poll is the last one that is empty */

struct run {
	const struct options *o;
	struct arena *arena;
	struct config config;
	struct aws_settings settings;
	struct clock *clock;
	struct log *log;
	struct cancel *cancel;
	struct http *http;
	struct aws *aws;
	struct credentials_provider *credentials;
	const char *region;
	struct ledger *ledger;
	struct worker *worker;
	struct status_endpoint *endpoint; /* NULL: switched off */
	struct notify *notify;		  /* NULL: nobody supervises */
	struct mono fed;		  /* when the watchdog was last told, or should have been */
	int n_unfed;			  /* times in a row that it was not told */
	int lock_fd, signal_fd, ready_fd;
};

/* --- the process ------------------------------------------------------------------------------ */

#if defined(__SANITIZE_ADDRESS__)
#define DUMPABLE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DUMPABLE 1
#endif
#endif

/* A core file or a debugger would show credentials. */
static int harden(struct err *err)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none))
		return err_set_sys(err, ERR_SYSTEM, errno, "switch core files off");
#ifndef DUMPABLE /* the leak checker of a sanitizer has to attach to its own process */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return err_set_sys(err, ERR_SYSTEM, errno, "make the process undumpable");
#endif
	return 0;
}

/* Whoever started us with a signal ignored (nohup, a shell's background) wants it to stay so. */
static void add_unless_ignored(sigset_t *set, int sig)
{
	struct sigaction now;

	if (sigaction(sig, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
		sigaddset(set, sig);
}

static int catch_signals(struct run *r, struct err *err)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t set;
	int rc;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	add_unless_ignored(&set, SIGINT);
	add_unless_ignored(&set, SIGHUP);
	rc = pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (rc)
		return err_set_sys(err, ERR_SYSTEM, rc, "block signals");
	if (sigaction(SIGPIPE, &ignore, NULL))
		return err_set_sys(err, ERR_SYSTEM, errno, "ignore SIGPIPE");
	r->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r->signal_fd < 0)
		return err_set_sys(err, ERR_SYSTEM, errno, "open a descriptor for signals");
	return 0;
}

/* The signal that has come within ms (-1: wait for one), or 0. */
static int next_signal(struct run *r, int ms)
{
	struct pollfd p = {.fd = r->signal_fd, .events = POLLIN};
	struct signalfd_siginfo info;

	if (poll(&p, 1, ms) <= 0)
		return 0;
	if (read(r->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return 0;
	return (int)info.ssi_signo;
}

/* --- state on disk ---------------------------------------------------------------------------- */

static int make_state_dir(const char *path, struct err *err)
{
	struct stat st;

	if (mkdir(path, 0700) && errno != EEXIST)
		return err_set_sys(err, ERR_SYSTEM, errno, "create the state directory %s", path);
	if (stat(path, &st))
		return err_set_sys(err, ERR_SYSTEM, errno, "the state directory %s", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_REJECTED, "the state directory %s is not a directory",
			       path);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(
			err, ERR_UNSAFE,
			"the state directory %s may be written by others; make its mode 0700",
			path);
	return 0;
}

/* Two workers on one ledger would each take the other's jobs for their own. */
static int lock_state_dir(struct run *r, struct err *err)
{
	const char *path = arena_printf(r->arena, "%s/lock", r->config.state_dir);

	r->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (r->lock_fd < 0)
		return err_set_sys(err, ERR_SYSTEM, errno, "open %s", path);
	if (flock(r->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return err_set(err, ERR_CONFLICT, "another worker uses the state directory %s",
			       r->config.state_dir);
	return err_set_sys(err, ERR_SYSTEM, errno, "lock %s", path);
}

static int open_state(struct run *r, struct err *err)
{
	if (make_state_dir(r->config.state_dir, err) || lock_state_dir(r, err))
		return -1;
	r->ledger = ledger_open(cli_ledger_path(r->arena, &r->config), err);
	return r->ledger ? 0 : -1;
}

/* --- AWS -------------------------------------------------------------------------------------- */

/* Time that does not pass as it does for AWS is for simulators on this machine alone. */
static int check_test_clock(struct run *r, struct err *err)
{
	const struct aws_service *const used[] = {&codepipeline_service, &s3_service,
						  &sts_service,		 &lambda_service,
						  &elbv2_service,	 &cloudwatch_service,
						  &sns_service,		 &eventbridge_service};
	struct http_url url;

	for (size_t i = 0; r->config.test_clock && i < sizeof(used) / sizeof(used[0]); i++) {
		const char *text = aws_settings_endpoint_url(&r->settings, used[i]->id, r->arena);

		if (!text || !http_url_parse(str_from(text), &url) ||
		    !http_host_is_loopback(url.host))
			return err_set(err, ERR_REJECTED,
				       "test_clock: refused: the endpoint of %s is not on this "
				       "machine (%s)",
				       used[i]->id, text ? text : "AWS");
	}
	return 0;
}

/* Where the calls would go is known now; better said at once than by the first call of each. */
static int check_endpoints(struct run *r, struct err *err)
{
	static const struct aws_service *const used[] = {
		&codepipeline_service, &s3_service,	    &sts_service,
		&lambda_service,       &elbv2_service,	    &cloudwatch_service,
		&autoscaling_service,  &ec2_service,	    &ssm_service,
		&beanstalk_service,    &ecs_service,	    &route53_service,
		&sns_service,	       &eventbridge_service,
	};
	const char *region = r->settings.region ? r->settings.region : "us-east-1";
	const char *imds = r->settings.imds_endpoint;
	struct endpoint e;
	struct http_url u;

	if (imds && http_url_parse(str_from(imds), &u) && !u.https &&
	    !http_host_is_loopback(u.host) && !http_host_is_metadata(u.host))
		return err_set(err, ERR_UNSAFE,
			       "instance metadata at \"%s\" is plain http to another machine: "
			       "use https",
			       imds);
	for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++)
		if (endpoint_resolve(&r->settings, used[i], region, NULL, r->arena, &e, err))
			return err_wrap(err, "%s", used[i]->id);
	return 0;
}

static int find_region(struct run *r, struct err *err)
{
	r->region = r->settings.region;
	if (r->region)
		return 0;
	if (imds_region(r->aws, r->arena, &r->region, r->cancel, err) == 0)
		return 0;
	if (err->code == ERR_CANCELED)
		return -1;
	return err_wrap(err,
			"no region: set region, AWS_REGION or the profile's region; asking the "
			"instance failed");
}

static int find_credentials(struct run *r, struct err *err)
{
	struct credentials *c;

	r->credentials = credentials_chain_new(r->aws, err);
	if (!r->credentials)
		return -1;
	c = credentials_provider_get(r->credentials, r->cancel, err);
	if (!c)
		return err_wrap(err, "credentials");
	log_event(r->log, LOG_INFO, "worker.identity", LOG_S("source", c->source),
		  LOG_S("region", r->region));
	credentials_put(c);
	return 0;
}

static int connect_aws(struct run *r, struct err *err)
{
	struct aws_deps deps = {.clock = r->clock,
				.rng = rng_system(),
				.log = r->log,
				.cancel = r->cancel,
				.settings = &r->settings};

	http_global_init();
	deps.user_agent = aws_settings_user_agent(&r->settings, r->arena, "rollout-worker",
						  ROLLOUT_WORKER_VERSION);
	r->http = http_curl_new(r->settings.ca_bundle, deps.user_agent, err);
	if (!r->http)
		return -1;
	deps.http = r->http;
	r->aws = aws_new(&deps);
	return 0;
}

/* --- starting --------------------------------------------------------------------------------- */

static void *watch_start(void *arg)
{
	struct run *r = arg;
	struct pollfd p[] = {{.fd = r->signal_fd, .events = POLLIN},
			     {.fd = r->ready_fd, .events = POLLIN}};

	while (poll(p, 2, -1) < 0 && errno == EINTR)
		;
	if (p[0].revents) /* left unread: the main thread finds it too */
		cancel_fire(r->cancel);
	return NULL;
}

static enum exit_status find_out(struct run *r, struct err *err)
{
	/* an instance that does not answer yet may do so later, as for its credentials */
	if (find_region(r, err))
		return err_is_retryable(err) ? CLI_CREDENTIALS : CLI_CONFIG;
	return find_credentials(r, err) ? CLI_CREDENTIALS : CLI_OK;
}

/* What blocks on calls before there is a worker, while a signal can end it. */
static enum exit_status start_watched(struct run *r, struct err *err)
{
	enum exit_status status;
	const uint64_t one = 1;
	pthread_t watcher;
	int rc;

	r->ready_fd = eventfd(0, EFD_CLOEXEC);
	if (r->ready_fd < 0) {
		err_set_sys(err, ERR_SYSTEM, errno, "open an event descriptor");
		return CLI_FAILED;
	}
	rc = pthread_create(&watcher, NULL, watch_start, r);
	if (rc) {
		err_set_sys(err, ERR_SYSTEM, rc, "start a thread");
		return CLI_FAILED;
	}
	status = find_out(r, err);
	while (write(r->ready_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	pthread_join(watcher, NULL);
	if (status == CLI_OK && cancel_is_fired(r->cancel)) {
		err_set(err, ERR_CANCELED, "told to stop");
		return CLI_FAILED;
	}
	return status;
}

static enum exit_status start_worker(struct run *r, struct err *err)
{
	struct worker_deps deps = {.config = &r->config,
				   .aws = r->aws,
				   .credentials = r->credentials,
				   .region = r->region,
				   .ledger = r->ledger,
				   .threads = (int)r->config.threads,
				   .program = UNPACK_CHILD_SELF};

	r->worker = worker_new(&deps, err);
	if (!r->worker)
		return CLI_FAILED;
	/* first: a rollout does not begin where nobody could look */
	if (status_endpoint_new(r->worker, cli_ledger_path(r->arena, &r->config), &r->endpoint,
				err) ||
	    worker_start(r->worker, err))
		return CLI_FAILED;
	return CLI_OK;
}

static enum exit_status start(struct run *r, struct err *err)
{
	struct aws_env env = aws_env_process();
	enum exit_status status;

	r->notify = notify_new(&env);
	if (harden(err) || catch_signals(r, err))
		return CLI_FAILED;
	if (aws_settings_load(r->arena, &env, &r->config.aws, &r->settings, err) ||
	    check_endpoints(r, err) || check_test_clock(r, err))
		return CLI_CONFIG;
	if (open_state(r, err) || connect_aws(r, err))
		return CLI_FAILED;
	status = start_watched(r, err);
	return status == CLI_OK ? start_worker(r, err) : status;
}

/* --- the supervisor --------------------------------------------------------------------------- */

static void tell_status(struct run *r)
{
	struct worker *w = r->worker;
	size_t rollouts, jobs;

	lock_take(&w->lock);
	rollouts = w->n_rollouts;
	jobs = w->n_jobs;
	lock_drop(&w->lock);
	notify_status(r->notify, "%zu rollouts, %zu jobs held", rollouts, jobs);
}

/*
 * Three times in an interval, so that one late moment costs nothing. This thread only waits and
 * looks: that it runs says nothing, so it is the scheduler that is asked.
 */
static void feed_watchdog(struct run *r)
{
	int64_t interval = notify_watchdog_ms(r->notify);
	struct mono now = clock_mono(clock_system());

	if (!interval || now.ms - r->fed.ms < interval / 3)
		return;
	r->fed = now;
	if (scheduler_is_alive(r->worker->scheduler)) {
		r->n_unfed = 0;
		notify_watchdog(r->notify);
		tell_status(r);
	} else if (++r->n_unfed == 2) {
		log_event(r->log, LOG_ERROR, "worker.stuck",
			  LOG_I("turns", (int64_t)scheduler_running(r->worker->scheduler)),
			  LOG_I("waiting", (int64_t)scheduler_waiting(r->worker->scheduler)));
	}
}

/* How long to wait for a signal: ms, or less when the watchdog wants to hear sooner. */
static int wait_ms(const struct run *r, int ms)
{
	int64_t interval = notify_watchdog_ms(r->notify);
	int64_t feed = interval / 4 > 0 ? interval / 4 : 1;

	if (!interval || (ms >= 0 && ms <= feed))
		return ms;
	return feed < INT_MAX ? (int)feed : INT_MAX;
}

/* --- running ---------------------------------------------------------------------------------- */

struct polls {
	uint64_t ended, failed;
};

static struct polls count_polls(struct run *r)
{
	struct aws_stat stats[AWS_STATS_MAX];
	size_t n = aws_stats(r->aws, stats, AWS_STATS_MAX);
	struct polls p = {0, 0};

	for (size_t i = 0; i < n && i < AWS_STATS_MAX; i++) {
		if (strcmp(stats[i].operation, "PollForJobs") != 0)
			continue;
		p.ended += stats[i].calls;
		p.failed += stats[i].failed;
	}
	return p;
}

/*
 * --once: every action type has been asked for, and what came is reported. A poll's jobs are with
 * their rollouts when the poller's turn has ended, so a moment without any turn comes in between.
 */
static bool once_is_over(struct run *r, bool *polled)
{
	struct worker *w = r->worker;
	size_t jobs;

	if (!*polled)
		*polled = count_polls(r).ended >= r->config.n_action_types &&
			  scheduler_running(w->scheduler) == 0;
	lock_take(&w->lock);
	jobs = w->n_jobs;
	lock_drop(&w->lock);
	return *polled && jobs == 0;
}

static void wait_for_the_end(struct run *r)
{
	bool polled = false;
	int sig = 0;

	notify_ready(r->notify);
	tell_status(r);
	while (!sig && !(r->o->once && once_is_over(r, &polled))) {
		sig = next_signal(r, wait_ms(r, r->o->once ? LOOK_MS : -1));
		feed_watchdog(r);
	}
	notify_stopping(r->notify);
	log_event(r->log, LOG_INFO, "worker.stopping",
		  LOG_S("why", sig ? sigabbrev_np(sig) : "once"),
		  LOG_I("limit_ms", r->config.stop_ms));
}

/*
 * True when everything held was handed back in time. A turn that still runs is waited for as well:
 * it may be acknowledging a job that no rollout has yet.
 */
static bool stop(struct run *r)
{
	struct clock *real =
		clock_system(); /* the limit is the supervisor's, not the simulator's */
	int64_t end = clock_mono(real).ms + r->config.stop_ms;

	worker_stop_begin(r->worker);
	for (;;) {
		bool idle = scheduler_running(r->worker->scheduler) == 0;
		int sig;

		if (worker_stopped(r->worker) && idle)
			return true;
		sig = next_signal(r, wait_ms(r, LOOK_MS));
		feed_watchdog(r);
		if (!sig && clock_mono(real).ms < end)
			continue;
		log_event(r->log, LOG_WARN, "worker.stop_broken_off",
			  LOG_S("why", sig ? sigabbrev_np(sig) : "limit"));
		cancel_fire(r->cancel);
		return worker_stopped(r->worker);
	}
}

static enum exit_status run(struct run *r)
{
	bool refused;

	wait_for_the_end(r);
	refused = r->o->once && count_polls(r).failed > 0;
	if (!stop(r))
		return CLI_FAILED;
	return refused ? CLI_FAILED : CLI_OK;
}

static void release(struct run *r)
{
	status_endpoint_free(r->endpoint);
	worker_free(r->worker);
	ledger_close(r->ledger);
	credentials_provider_free(r->credentials);
	aws_free(r->aws);
	http_free(r->http);
	notify_free(r->notify);
	if (r->lock_fd >= 0)
		close(r->lock_fd);
	if (r->signal_fd >= 0)
		close(r->signal_fd);
	if (r->ready_fd >= 0)
		close(r->ready_fd);
	cancel_free(r->cancel);
}

enum exit_status run_worker(const struct options *o)
{
	struct run r = {
		.o = o, .arena = arena_new(), .lock_fd = -1, .signal_fd = -1, .ready_fd = -1};
	struct err err = ERR_INIT;
	enum exit_status status;

	if (cli_config_or_say(o, r.arena, &r.config)) {
		arena_free(r.arena);
		return CLI_CONFIG;
	}
	if (o->once)
		r.config.poll_ms = ONCE_POLL_MS;
	r.clock = cli_clock_new(&r.config);
	r.log = log_new(STDERR_FILENO, r.config.log_format, r.config.log_level,
			r.config.log_systemd, r.clock);
	r.cancel = cancel_new();
	status = start(&r, &err);
	if (status == CLI_OK)
		status = run(&r);
	else if (err.code == ERR_CANCELED)
		status = CLI_OK; /* told to stop before anything was held */
	else
		log_event(r.log, LOG_ERROR, "worker.not_started", LOG_E(&err));
	release(&r);
	log_event(r.log, LOG_INFO, "worker.stopped", LOG_I("status", (int64_t)status));
	log_free(r.log);
	cli_clock_free(r.clock);
	arena_free(r.arena);
	return status;
}
