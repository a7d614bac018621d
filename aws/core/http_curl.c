#include "aws/core/http.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "aws/core/buf.h"
#include "aws/core/cancel.h"
#include "aws/core/clock.h"
#include "aws/core/http_answer.h"
#include "aws/core/limits.h"
#include "aws/core/lock.h"

/*
 * The libcurl transport. A call owns one easy handle inside a multi handle of its own: the thread
 * blocks in curl_multi_poll(), which a cancel interrupts at once with curl_multi_wakeup(). The
 * pairs are kept for their connections; one whose transfer failed is thrown away, because nothing
 * is known of its connections any more.
 *
 * Time limits are kept here and not by libcurl, save that for connecting: libcurl has no limit for
 * silence that also holds while nothing has arrived yet.
 */

#define DEFAULT_CONNECT_MS 3100 /* just over one TCP retransmission */
#define DEFAULT_TOTAL_MS 30000
#define POOL_IDLE_MAX 32     /* above the number of threads that make calls */
#define SLOT_ORIGINS 8	     /* also the number of connections that a pair keeps */
#define CONNECTION_AGE_S 60L /* load balancers close idle connections after about a minute */
#define RECEIVE_BYTES (64L << 10)

struct slot {
	CURLM *multi;
	CURL *easy;
	struct slot *next;
	uint64_t origins[SLOT_ORIGINS]; /* hashes of where its latest connections lead */
	unsigned n_origins;		/* ever noted; the array is a ring */
};

struct http_curl {
	struct http http;
	struct lock lock;
	struct slot *idle; /* latest first */
	size_t n_idle;
	size_t n_busy;
	char *ca_bundle;
	char *user_agent;
};

struct exchange {
	const struct http_request *req;
	struct http_answer answer;
	bool started; /* connected, request on its way */
	char curl_text[CURL_ERROR_SIZE];
};

/* --- the pool -------------------------------------------------------------------------------- */

static void slot_free(struct slot *s)
{
	curl_easy_cleanup(s->easy);
	curl_multi_cleanup(s->multi);
	free(s);
}

/* NULL when libcurl finds no memory. */
static struct slot *slot_new(void)
{
	struct slot *s = xcalloc(1, sizeof(*s));

	s->multi = curl_multi_init();
	s->easy = curl_easy_init();
	if (!s->multi || !s->easy) {
		slot_free(s);
		return NULL;
	}
	curl_multi_setopt(s->multi, CURLMOPT_MAXCONNECTS, (long)SLOT_ORIGINS);
	return s;
}

static bool slot_knows(const struct slot *s, uint64_t origin)
{
	for (unsigned i = 0; i < SLOT_ORIGINS && i < s->n_origins; i++) {
		if (s->origins[i] == origin)
			return true;
	}
	return false;
}

/* One that may still have a connection to the origin, else the latest. */
static struct slot *slot_take_idle(struct http_curl *c, uint64_t origin)
{
	struct slot **at = &c->idle;
	struct slot *s;

	lock_take(&c->lock);
	while (*at && !slot_knows(*at, origin))
		at = &(*at)->next;
	if (!*at)
		at = &c->idle;
	s = *at;
	if (s) {
		*at = s->next;
		c->n_idle--;
	}
	c->n_busy++;
	lock_drop(&c->lock);
	return s;
}

/* s may be NULL: none was to be had. */
static void slot_give(struct http_curl *c, struct slot *s, bool reusable)
{
	lock_take(&c->lock);
	c->n_busy--;
	if (reusable && c->n_idle < POOL_IDLE_MAX) {
		s->next = c->idle;
		c->idle = s;
		c->n_idle++;
		s = NULL;
	}
	lock_drop(&c->lock);
	if (s)
		slot_free(s);
}

/* One to use; NULL when libcurl finds no memory. Either is given back. */
static struct slot *slot_take(struct http_curl *c, uint64_t origin)
{
	struct slot *s = slot_take_idle(c, origin);

	if (!s)
		s = slot_new();
	if (s && !slot_knows(s, origin))
		s->origins[s->n_origins++ % SLOT_ORIGINS] = origin;
	return s;
}

/* FNV-1a: a wrong guess costs a connection, no more. */
static uint64_t hash_origin(struct str s)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
	return h;
}

/* --- what libcurl calls ---------------------------------------------------------------------- */

static size_t on_header(char *p, size_t size, size_t count, void *arg)
{
	struct exchange *x = arg;
	struct str line = {p, size * count};

	return http_answer_header(&x->answer, line) ? line.n : CURL_WRITEFUNC_ERROR;
}

static size_t on_write(char *p, size_t size, size_t count, void *arg)
{
	struct exchange *x = arg;
	size_t n = size * count;

	return http_answer_body(&x->answer, p, n) ? n : CURL_WRITEFUNC_ERROR;
}

/* Is it an address of this link alone, as those of the metadata endpoints are? */
static bool is_link_local(const struct curl_sockaddr *a)
{
	static const unsigned char metadata[] = {0xfd, 0x00, 0x0e, 0xc2};
	const struct sockaddr_in *four = (const void *)&a->addr;
	const struct sockaddr_in6 *six = (const void *)&a->addr;
	const unsigned char *b = six->sin6_addr.s6_addr;

	if (a->family == AF_INET)
		return ntohl(four->sin_addr.s_addr) >> 16 == 0xa9fe; /* 169.254.0.0/16 */
	if (a->family != AF_INET6)
		return true; /* what is neither is refused, too */
	if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
		return b[12] == 0xa9 && b[13] == 0xfe;
	return IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr) || memcmp(b, metadata, sizeof(metadata)) == 0;
}

/* A name may lead anywhere; here it has become an address. */
static curl_socket_t open_outward(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct exchange *x = arg;

	(void)purpose;
	if (is_link_local(a)) {
		http_answer_fail(&x->answer, ERR_UNSAFE,
				 "refused to connect to an address of this link alone");
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/*
 * Called when a connection is there and the request is about to be written. A second time in one
 * call means that libcurl found a kept connection closed and wants to send again by itself; whether
 * a request may be repeated is not the transport's to decide.
 */
static int on_request(void *arg, char *remote, char *local, int remote_port, int local_port)
{
	struct exchange *x = arg;

	(void)remote;
	(void)local;
	(void)remote_port;
	(void)local_port;
	if (!x->started) {
		x->started = true;
		return CURL_PREREQFUNC_OK;
	}
	http_answer_fail(&x->answer, ERR_NETWORK, "the connection was closed without an answer");
	return CURL_PREREQFUNC_ABORT;
}

/* --- setting up ------------------------------------------------------------------------------ */

static bool add_line(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer)
		*list = longer;
	return longer != NULL;
}

/* NULL when libcurl finds no memory. */
static struct curl_slist *header_list(const struct http_request *req)
{
	static const char *const unwanted[] = {"Accept", "Content-Type", "Expect"};
	struct curl_slist *list = NULL;
	struct buf line;
	bool ok = true;

	buf_init(&line, SIZE_MAX / 4);
	for (size_t i = 0; i < req->n_headers; i++) {
		const struct http_header *h = &req->headers[i];

		if (str_is_nocase(h->name, "Content-Length"))
			continue; /* libcurl writes it */
		buf_clear(&line);
		buf_add_str(&line, h->name);
		/* libcurl's notation: "Name:" removes a header, "Name;" sends it empty */
		buf_adds(&line, str_trim(h->value).n ? ": " : ";");
		buf_add_str(&line, str_trim(h->value));
		ok = ok && add_line(&list, line.p);
	}
	for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++) {
		bool asked = false;

		for (size_t j = 0; j < req->n_headers; j++)
			asked = asked || str_is_nocase(req->headers[j].name, unwanted[i]);
		if (asked)
			continue;
		buf_clear(&line);
		buf_addf(&line, "%s:", unwanted[i]);
		ok = ok && add_line(&list, line.p);
	}
	buf_release(&line);
	if (ok)
		return list;
	curl_slist_free_all(list);
	return NULL;
}

static bool expects_body(const char *method)
{
	return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
	       strcmp(method, "PATCH") == 0;
}

static unsigned set_method(CURL *e, const struct http_request *req)
{
	unsigned bad = 0;

	if (strcmp(req->method, "HEAD") == 0)
		return curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
	if (req->body.n > 0 || expects_body(req->method)) {
		bad |= curl_easy_setopt(e, CURLOPT_POST, 1L);
		bad |= curl_easy_setopt(e, CURLOPT_POSTFIELDS, req->body.n ? req->body.p : "");
		bad |= curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body.n);
	}
	bad |= curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, req->method);
	return bad;
}

/* What a proxy has no business with: plain http, and hosts that only this machine reaches. */
static bool stays_here(const char *text)
{
	struct http_url url;

	return !http_url_parse(str_from(text), &url) || !url.https ||
	       http_host_is_loopback(url.host) || http_host_is_metadata(url.host);
}

static unsigned set_connection(CURL *e, const struct http_curl *c, const struct http_request *req)
{
	int64_t connect_ms = req->connect_ms > 0 ? req->connect_ms : DEFAULT_CONNECT_MS;
	unsigned bad = 0;

	bad |= curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	bad |= curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	bad |= curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
				(long)(connect_ms < INT_MAX ? connect_ms : INT_MAX));
	/* do not wait for a name server when the call is over */
	bad |= curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	bad |= curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, CONNECTION_AGE_S);
	bad |= curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	bad |= curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	bad |= curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	bad |= curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	bad |= curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	if (c->ca_bundle) { /* instead of the system's, which are a file and a directory */
		bad |= curl_easy_setopt(e, CURLOPT_CAINFO, c->ca_bundle);
		bad |= curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	}
	/* a proxy is told where to connect to, and nothing that is in the request */
	bad |= curl_easy_setopt(e, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	if (req->no_proxy || stays_here(req->url))
		bad |= curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
	return bad;
}

static unsigned set_exchange(CURL *e, struct exchange *x, struct curl_slist *headers)
{
	unsigned bad = 0;

	bad |= curl_easy_setopt(e, CURLOPT_URL, x->req->url);
	bad |= curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L); /* object keys may contain "/../" */
	bad |= curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	bad |= curl_easy_setopt(e, CURLOPT_MAXREDIRS, 0L);
	bad |= curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers);
	bad |= curl_easy_setopt(e, CURLOPT_BUFFERSIZE, RECEIVE_BYTES);
	bad |= curl_easy_setopt(e, CURLOPT_ERRORBUFFER, x->curl_text);
	bad |= curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	bad |= curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
	bad |= curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_write);
	bad |= curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
	bad |= curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_request);
	bad |= curl_easy_setopt(e, CURLOPT_PREREQDATA, x);
	if (x->req->is_plain_ok) {
		bad |= curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_outward);
		bad |= curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, x);
	}
	return bad;
}

/* False when libcurl does not take it: for want of memory, as http_curl_new() tried the options. */
static bool set_up(struct http_curl *c, struct slot *s, struct exchange *x,
		   struct curl_slist *headers)
{
	unsigned bad = set_method(s->easy, x->req);

	bad |= set_connection(s->easy, c, x->req);
	bad |= set_exchange(s->easy, x, headers);
	if (c->user_agent)
		bad |= curl_easy_setopt(s->easy, CURLOPT_USERAGENT, c->user_agent);
	return !bad;
}

/* --- running --------------------------------------------------------------------------------- */

static enum err_code classify(CURLcode code)
{
	if (code == CURLE_OPERATION_TIMEDOUT)
		return ERR_TIMEOUT;
	if (code == CURLE_SSL_CACERT_BADFILE)
		return ERR_SYSTEM;
	return ERR_NETWORK;
}

static int finish(struct slot *s, struct exchange *x, CURLcode code)
{
	char words[CURL_ERROR_SIZE];
	long sys = 0;

	if (x->answer.failed)
		return -1;
	if (code == CURLE_OK && x->answer.headers_done)
		return 0;
	str_copy_clean(words, sizeof(words),
		       str_from(x->curl_text[0] ? x->curl_text : curl_easy_strerror(code)));
	if (code == CURLE_OK)
		return http_answer_fail(&x->answer, ERR_NETWORK, "answer without a status");
	http_answer_fail(&x->answer, classify(code), "%s", words);
	if (curl_easy_getinfo(s->easy, CURLINFO_OS_ERRNO, &sys) == CURLE_OK)
		x->answer.err->sys = (int)sys;
	return -1;
}

/* Whether the transfer is over, and how. */
static bool is_done(struct slot *s, CURLcode *code)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(s->multi, &left))) {
		if (msg->msg == CURLMSG_DONE) {
			*code = msg->data.result;
			return true;
		}
	}
	return false;
}

struct deadlines {
	int64_t start_ms;
	int64_t total_ms;    /* for the whole exchange */
	int64_t progress_ms; /* when something moved last */
	uint64_t moved;	     /* bytes at that time */
};

static int64_t now_ms(void)
{
	return clock_mono(clock_system()).ms;
}

/* How long to wait for the next event; -1 when the exchange has taken too long. */
static int time_left(struct slot *s, struct exchange *x, struct deadlines *d, int *wait_ms)
{
	int64_t now = now_ms();
	int64_t left = d->total_ms - (now - d->start_ms);
	curl_off_t uploaded = 0;
	uint64_t moved;

	curl_easy_getinfo(s->easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
	moved = x->answer.received + (uint64_t)uploaded;
	if (!x->started || moved != d->moved)
		d->progress_ms = now; /* connecting has a limit of its own */
	d->moved = moved;
	if (left <= 0)
		return http_answer_fail(&x->answer, ERR_TIMEOUT, "no complete answer in time");
	if (x->req->stall_ms > 0) {
		int64_t quiet = x->req->stall_ms - (now - d->progress_ms);

		if (quiet <= 0)
			return http_answer_fail(&x->answer, ERR_TIMEOUT,
						"nothing arrived for %lld ms",
						(long long)x->req->stall_ms);
		if (quiet < left)
			left = quiet;
	}
	*wait_ms = (int)(left < INT_MAX ? left : INT_MAX);
	return 0;
}

static int run(struct slot *s, struct exchange *x, struct cancel *cancel)
{
	struct deadlines d = {.start_ms = now_ms(), .total_ms = x->req->total_ms};
	int wait_ms = 0, running;
	CURLcode code;

	if (d.total_ms <= 0)
		d.total_ms = DEFAULT_TOTAL_MS;
	d.progress_ms = d.start_ms;
	while (!cancel_is_fired(cancel)) {
		CURLMcode mc = curl_multi_perform(s->multi, &running);

		if (mc == CURLM_OK && is_done(s, &code))
			return finish(s, x, code);
		if (time_left(s, x, &d, &wait_ms))
			return -1;
		if (mc == CURLM_OK)
			mc = curl_multi_poll(s->multi, NULL, 0, wait_ms, NULL);
		if (mc != CURLM_OK)
			return http_answer_fail(&x->answer, ERR_SYSTEM, "%s",
						curl_multi_strerror(mc));
	}
	return http_answer_fail(&x->answer, ERR_CANCELED, "canceled");
}

static void wake_multi(void *multi)
{
	curl_multi_wakeup(multi);
}

/* Whether something of the request itself has left; when that cannot be told, it may have. */
static bool is_sent(struct slot *s, const struct exchange *x)
{
	long bytes = 0; /* CONNECT is not it */
	CURLcode unknown = curl_easy_getinfo(s->easy, CURLINFO_REQUEST_SIZE, &bytes);

	return x->started && (unknown || bytes > 0);
}

/* *reusable: the pair is as good as before. */
static int run_attached(struct slot *s, struct exchange *x, struct cancel *cancel, bool *reusable)
{
	struct cancel_waker waker = {.wake = wake_multi, .arg = s->multi};
	CURLMcode mc = curl_multi_add_handle(s->multi, s->easy);
	int rc;

	if (mc != CURLM_OK)
		return http_answer_fail(&x->answer, ERR_SYSTEM, "%s", curl_multi_strerror(mc));
	cancel_attach(cancel, &waker);
	rc = run(s, x, cancel);
	cancel_detach(cancel, &waker);
	if (rc)
		x->answer.err->sent = is_sent(s, x);
	mc = curl_multi_remove_handle(s->multi, s->easy);
	*reusable = rc == 0 && mc == CURLM_OK;
	return rc;
}

static int curl_send(struct http *h, const struct http_request *req, struct arena *a,
		     struct http_response *res, struct cancel *cancel, struct err *err)
{
	struct http_curl *c = (struct http_curl *)h;
	struct exchange x = {.req = req};
	struct curl_slist *headers = header_list(req);
	bool reusable = false;
	struct slot *s;
	int rc;

	http_answer_init(&x.answer, req, res, a, err);
	s = slot_take(c, hash_origin(x.answer.origin));
	if (headers && s && set_up(c, s, &x, headers))
		rc = run_attached(s, &x, cancel, &reusable);
	else
		rc = http_answer_fail(&x.answer, ERR_SYSTEM, "libcurl finds no memory");
	if (!rc)
		http_answer_end(&x.answer);
	else
		*res = (struct http_response){.status = 0};
	if (s)
		curl_easy_reset(s->easy); /* forgets x, keeps the connections */
	slot_give(c, s, reusable);
	curl_slist_free_all(headers);
	http_answer_release(&x.answer);
	return rc;
}

/* --- making and unmaking --------------------------------------------------------------------- */

static void curl_free_all(struct http *h)
{
	struct http_curl *c = (struct http_curl *)h;

	assert(c->n_busy == 0);
	while (c->idle) {
		struct slot *s = c->idle;

		c->idle = s->next;
		slot_free(s);
	}
	lock_release(&c->lock);
	free(c->ca_bundle);
	free(c->user_agent);
	free(c);
}

void http_global_init(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	CURLcode rc = curl_global_init(CURL_GLOBAL_DEFAULT);

	assert(rc == CURLE_OK);
	/* TLS libraries write to sockets without MSG_NOSIGNAL */
	sigaction(SIGPIPE, &ignore, NULL);
}

struct http *http_curl_new(const char *ca_bundle, const char *user_agent, struct err *err)
{
	const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
	struct http_curl *c;

	if (!(v->features & CURL_VERSION_SSL) || !(v->features & CURL_VERSION_ASYNCHDNS)) {
		err_set(err, ERR_SYSTEM, "libcurl %s lacks TLS or an asynchronous resolver",
			v->version);
		return NULL;
	}
	if (ca_bundle && access(ca_bundle, R_OK)) {
		err_set_sys(err, ERR_SYSTEM, errno, "CA bundle %s", ca_bundle);
		return NULL;
	}
	c = xcalloc(1, sizeof(*c));
	c->http = (struct http){.send = curl_send, .free = curl_free_all};
	lock_init(&c->lock, LOCK_HTTP);
	c->ca_bundle = ca_bundle ? xstrdup(ca_bundle) : NULL;
	c->user_agent = user_agent ? xstrdup(user_agent) : NULL;
	return &c->http;
}
