#include "tests/torture/wrap_world.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/scenarios/world.h"
#include "tests/torture/wrap.h"

/*
 * The in-process world runs product and simulator in one thread: the product is what a task of the
 * scheduler runs, save for what lies behind the transport.
 */
static struct http *below;
static struct world *world;
static jmp_buf task;
static bool spared;

static int send_unharmed(struct http *h, const struct http_request *req, struct arena *a,
			 struct http_response *res, struct cancel *cancel, struct err *err)
{
	int depth = torture_pause(), rc;

	(void)h;
	rc = below->send(below, req, a, res, cancel, err);
	torture_resume(depth);
	return rc;
}

static void free_nothing(struct http *h)
{
	(void)h;
}

WRAP(struct http *, sim_http, (struct sim * s))
{
	static struct http above = {.send = send_unharmed, .free = free_nothing};

	below = REAL(sim_http)(s);
	return &above;
}

/* --- the end of a process --------------------------------------------------------------------- */

WRAP(void, world_start, (struct world * w))
{
	world = w;
	REAL(world_start)(w);
}

/* Its workspaces are locked no more. (What SQLite has open stays so: it lives on in us.) */
static void close_workspaces(void)
{
	for (int fd = 3; fd < 256; fd++) {
		char path[64], to[300];
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, to, sizeof(to) - 1);
		to[n > 0 ? n : 0] = '\0';
		if (strstr(to, "/work"))
			close(fd);
	}
}

/* What the dead process held is lost with it. */
static void bury(struct world_worker *ww)
{
	close_workspaces();
	ww->worker = NULL;
	ww->ledger = NULL;
	ww->aws = NULL;
	ww->credentials = NULL;
	ww->cancel = NULL;
	ww->restart_at.ms = sim_now(world->sim).ms + world->restart_after_ms;
}

static void end_process(void)
{
	longjmp(task, 1);
}

void wrap_world_supervise(void)
{
	torture_on_abort = end_process;
}

void wrap_world_spare(bool yes)
{
	spared = yes;
}

WRAP(bool, scheduler_step, (struct scheduler * s))
{
	bool ran = true;

	if (setjmp(task)) {
		torture_resume(0);
		bury(world->running);
		torture_ended();
		return true;
	}
	if (spared)
		return REAL(scheduler_step)(s);
	torture_in();
	ran = REAL(scheduler_step)(s);
	torture_out();
	return ran;
}

WRAP(_Noreturn void, abort, (void))
{
	if (torture_on_abort && torture_is_in() && torture_hit_any())
		torture_on_abort();
	REAL(abort)();
}
