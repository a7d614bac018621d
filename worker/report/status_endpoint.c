#include "worker/report/status_endpoint.h"

#include <stdlib.h>

#include "worker/report/page.h"
#include "worker/report/status.h"
#include "worker/worker.h"

struct status_endpoint {
	struct worker *worker;
	const char *ledger_path;
	struct utc started;
	struct status *status;
};

static bool make_page(void *arg, enum status_page page, struct buf *out)
{
	const struct status_endpoint *e = arg;
	struct arena *a = arena_new();
	struct snapshot *s = arena_new_of(a, struct snapshot);
	/* health does not wait for the disk */
	const char *ledger = page == STATUS_HEALTH ? NULL : e->ledger_path;
	bool good = true;

	snapshot_take(e->worker, e->started, ledger, a, s);
	switch (page) {
	case STATUS_HTML:
		page_html(s, out);
		break;
	case STATUS_JSON:
		page_json(s, out);
		break;
	case STATUS_METRICS:
		page_metrics(s, out);
		break;
	case STATUS_HEALTH:
		good = page_health(s, out);
		break;
	}
	arena_free(a);
	return good;
}

int status_endpoint_new(struct worker *w, const char *ledger_path, struct status_endpoint **out,
			struct err *err)
{
	const char *where = w->config->status_address;
	struct status_options o = {.names = w->config->status_names, .page = make_page};
	struct status_endpoint *e;

	*out = NULL;
	if (!status_address_parse(str_from(where), &o.address))
		return err_set(err, ERR_REJECTED, "status_address: \"%s\" is no address", where);
	if (!o.address.on)
		return 0;
	e = xcalloc(1, sizeof(*e));
	e->worker = w;
	e->ledger_path = ledger_path;
	e->started = clock_utc(w->clock);
	o.arg = e;
	e->status = status_new(&o, err);
	if (!e->status) {
		free(e);
		return err_wrap(err, "status_address %s", where);
	}
	log_event(w->log, o.address.loopback ? LOG_INFO : LOG_WARN,
		  o.address.loopback ? "status.listening" : "status.exposed",
		  LOG_S("address", where), LOG_I("port", status_port(e->status)));
	*out = e;
	return 0;
}

void status_endpoint_free(struct status_endpoint *e)
{
	if (!e)
		return;
	status_free(e->status);
	free(e);
}
