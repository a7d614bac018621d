#ifndef TESTS_UNIT_TARGET_WALK_WIRE_H
#define TESTS_UNIT_TARGET_WALK_WIRE_H

#include <inttypes.h>

#include "tests/unit/target/odd.h"
#include "tests/unit/target/routes.h"

/*
 * The transport of an error walk (walk.h): it answers by the routes of the world, but one request
 * is struck. Here is what that request is called and how it fails.
 */
enum walk_function {
	WALK_INSPECT,
	WALK_CHECK,
	WALK_OBSERVE,
	WALK_PREPARE,
	WALK_SPLIT,
	WALK_PROMOTE,
	WALK_RESTORE,
	WALK_RETIRE,
	WALK_DISCARD,
	WALK_ADDRESS,
	WALK_FUNCTIONS
};

/* The ways to fail; the names are what `forgiven` calls them. */
#define WALK_FAULTS(X)                        \
	X(NONE, "none", ERR_OK)               \
	X(DENIED, "denied", ERR_DENIED)       \
	X(MISSING, "missing", ERR_NOT_FOUND)  \
	X(REFUSED, "refused", ERR_REJECTED)   \
	X(BUSY, "busy", ERR_CONFLICT)         \
	X(SLOW, "slow", ERR_THROTTLED)        \
	X(BROKEN, "broken", ERR_UNAVAILABLE)  \
	X(LOST, "lost", ERR_TIMEOUT)          \
	X(GARBAGE, "garbage", ERR_MALFORMED)  \
	X(EMPTY, "empty", ERR_OK)             \
	X(CANCELED, "canceled", ERR_CANCELED) \
	X(ODD, "odd", ERR_OK)
#define WALK_ENUM(id, name, code) WALK_##id,
enum walk_fault { WALK_FAULTS(WALK_ENUM) };
#undef WALK_ENUM

struct walk {
	enum walk_function function;
	enum phase phase;
	struct traffic want; /* of split() */
	/* "GetPolicy DescribeTasks=missing": that may fail, in all ways or in this one, without
	 * the function failing; it may go on to write then */
	const char *forgiven;
	/* the same, but it still has to fail in the end, only not at once */
	const char *goes_on;
};

#define WALK(function_, phase_) .function = WALK_##function_, .phase = PHASE_##phase_

struct walk_end {
	int rc;
	struct err err;
	struct target_observation o;
	size_t n_requests;
	char undo[LIMIT_UNDO + 1], candidate[LIMIT_CANDIDATE + 1];
	const char *host;
	char problems[2000];
};

/* The walk that is going on; one thread. */
static struct {
	struct world *w;
	const struct walk *x;
	const struct target_ops *ops;
	struct target_observation seen; /* untouched, for what acts */
	int (*artifact)(void *arg, const struct target_artifact **out, struct err *err);
	enum walk_fault fault;
	size_t at;	       /* which request is struck; 0: none */
	struct odd_change odd; /* with WALK_ODD: how its answer is changed */
	bool odd_done;	       /* there was something left to change */
	size_t n, n_written_after;
	char operation[64]; /* that was struck */
	bool was_write;
} walking;

static inline const char *walk_fault_name(enum walk_fault f)
{
#define WALK_NAME(id, name, code) name,
	static const char *const names[] = {WALK_FAULTS(WALK_NAME)};
#undef WALK_NAME

	return names[f];
}

static inline enum err_code walk_fault_code(enum walk_fault f)
{
#define WALK_CODE(id, name, code) code,
	static const enum err_code codes[] = {WALK_FAULTS(WALK_CODE)};
#undef WALK_CODE

	return codes[f];
}

/* --- what is asked ---------------------------------------------------------------------------- */

/* Operations of the services that say them by method and path. */
static inline const char *walk_rest_operation(const struct http_request *req)
{
	static const struct {
		const char *method, *words, *operation;
	} list[] = {
		{"GET", "/configuration", "GetFunctionConfiguration"},
		{"GET", "/provisioned-concurrency", "GetProvisionedConcurrencyConfig"},
		{"GET", "/policy", "GetPolicy"},
		{"POST", "/policy", "AddPermission"},
		{"DELETE", "/policy/", "RemovePermission"},
		{"GET", "/aliases/", "GetAlias"},
		{"PUT", "/aliases/", "UpdateAlias"},
		{"DELETE", "/aliases/", "DeleteAlias"},
		{"GET", "/aliases", "ListAliases"},
		{"POST", "/aliases", "CreateAlias"},
		{"PUT", "/code", "UpdateFunctionCode"},
		{"POST", "/versions", "PublishVersion"},
		{"GET", "/hostedzone/", "ListResourceRecordSets"},
		{"HEAD", "", "HeadObject"},
		{"PUT", "", "PutObject"},
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (!strcmp(list[i].method, req->method) && strstr(req->url, list[i].words))
			return list[i].operation;
	fail_msg("which operation is %s %s?", req->method, req->url);
	return "";
}

static inline void walk_operation(const struct http_request *req, char out[64])
{
	struct str target = http_header_get(req->headers, req->n_headers, "x-amz-target");
	struct str body = req->body, part = {NULL, 0};

	if (target.n) {
		while (str_next(&target, '.', &part))
			;
	} else if (str_starts(body, "Action=")) {
		body = str_sub(body, strlen("Action="), body.n);
		str_next(&body, '&', &part);
	} else {
		part = str_from(walk_rest_operation(req));
	}
	str_copy(out, 64, part);
}

static inline bool walk_is_read(const char *operation)
{
	static const char *const begin[] = {"Describe", "Get", "List", "Head", "Check", "artifact"};

	for (size_t i = 0; i < sizeof(begin) / sizeof(begin[0]); i++)
		if (!strncmp(operation, begin[i], strlen(begin[i])))
			return true;
	return false;
}

/* Is "Operation" or "Operation=fault" among these words? */
static inline bool walk_says(const char *words)
{
	struct str rest = str_from(words), word, name;

	while (str_next(&rest, ' ', &word)) {
		str_next(&word, '=', &name);
		if (str_is(name, walking.operation) &&
		    (!word.n || str_is(word, walk_fault_name(walking.fault))))
			return true;
	}
	return false;
}

/* --- how it fails ----------------------------------------------------------------------------- */

static inline const char *walk_missing_code(const char *url)
{
	static const char *const by_host[][2] = {
		{"autoscaling", "ValidationError"}, /* it knows no other */
		{"ec2", "InvalidLaunchTemplateId.NotFound"},
		{"elasticloadbalancing", "RuleNotFound"},
		{"elasticbeanstalk", "ResourceNotFoundException"},
		{"ecs", "ServiceNotFoundException"},
		{"ssm", "InvalidInstanceId"},
		{"lambda", "ResourceNotFoundException"},
		{"route53", "NoSuchHostedZone"},
	};

	for (size_t i = 0; i < sizeof(by_host) / sizeof(by_host[0]); i++)
		if (strstr(url, by_host[i][0]))
			return by_host[i][1];
	return "NoSuchKey";
}

static inline int walk_refuse(const struct http_request *req, struct arena *a,
			      struct http_response *res, int status, const char *code)
{
	bool s3 = strstr(req->url, "//s3.") || strstr(req->url, ".s3.");
	bool xml = strstr(req->url, "elastic") || strstr(req->url, "autoscaling") ||
		   strstr(req->url, "route53");

	res->status = status;
	fake_headers(strstr(req->url, "lambda") ? arena_printf(a, "x-amzn-ErrorType: %s\n", code)
						: "",
		     a, res);
	if (!strcmp(req->method, "HEAD"))
		return 0;
	if (s3)
		res->body = str_from(arena_printf(a, "<Error><Code>%s</Code></Error>", code));
	else if (strstr(req->url, "//ec2"))
		res->body = str_from(arena_printf(
			a, "<Response><Errors><Error><Code>%s</Code></Error></Errors></Response>",
			code));
	else if (xml)
		res->body = str_from(arena_printf(
			a, "<R><Error><Code>%s</Code><Message>no</Message></Error></R>", code));
	else
		res->body =
			str_from(arena_printf(a, "{\"__type\":\"%s\",\"message\":\"no\"}", code));
	res->body_bytes = res->body.n;
	return 0;
}

static inline int walk_strike(const struct http_request *req, struct arena *a,
			      struct http_response *res, struct err *err)
{
	switch (walking.fault) {
	case WALK_DENIED:
		return walk_refuse(req, a, res, 403, "AccessDenied");
	case WALK_MISSING:
		return walk_refuse(req, a, res, 404, walk_missing_code(req->url));
	case WALK_REFUSED:
		return walk_refuse(req, a, res, 400, "ValidationException");
	case WALK_BUSY:
		return walk_refuse(req, a, res, 409, "ResourceConflictException");
	case WALK_SLOW:
		return walk_refuse(req, a, res, 400, "ThrottlingException");
	case WALK_BROKEN:
		return walk_refuse(req, a, res, 500, "InternalFailure");
	case WALK_LOST:
		err_set(err, ERR_TIMEOUT, "no answer");
		err->sent = true;
		return -1;
	case WALK_CANCELED:
		cancel_fire(walking.w->env.client.cancel);
		return err_set(err, ERR_CANCELED, "canceled");
	case WALK_GARBAGE:
		*res = (struct http_response){.status = 200, .body = STR("<{"), .body_bytes = 2};
		return 0;
	case WALK_EMPTY:
	case WALK_NONE:
	case WALK_ODD:
		break;
	}
	*res = (struct http_response){.status = 200};
	return 0;
}

static inline int walk_answer(const struct http_request *req, struct arena *a,
			      struct http_response *res, bool struck, struct err *err)
{
	struct world *w = walking.w;
	const char *body;
	size_t i = 0;

	while (i < w->n_routes && !routes_match(&w->routes[i], req))
		i++;
	if (i == w->n_routes)
		return err_set(err, ERR_SYSTEM, "no route for %s %s " STR_FMT, req->method,
			       req->url, STR_ARG(str_sub(req->body, 0, 200)));
	if (!w->routes[i].status)
		return err_set(err, w->routes[i].fail, "no answer");
	body = w->routes[i].body;
	if (struck && walking.fault == WALK_ODD) {
		body = odd_text(a, body, &walking.odd);
		walking.odd_done = body != NULL;
		body = body ? body : w->routes[i].body;
	}
	*res = (struct http_response){.status = w->routes[i].status};
	fake_headers(w->routes[i].headers, a, res);
	res->body = str_from(arena_strdup(a, body));
	res->body_bytes = res->body.n;
	return 0;
}

/* One more request, of this operation: is it to be struck? */
static inline bool walk_count(const char *operation)
{
	walking.n++;
	if (walking.at && walking.n > walking.at && !walk_is_read(operation))
		walking.n_written_after++;
	if (walking.n != walking.at)
		return false;
	str_copy(walking.operation, sizeof(walking.operation), str_from(operation));
	walking.was_write = !walk_is_read(operation);
	return true;
}

static inline int walk_send(struct http *h, const struct http_request *req, struct arena *a,
			    struct http_response *res, struct cancel *cancel, struct err *err)
{
	char operation[64];
	bool struck;

	(void)h;
	if (cancel_is_fired(cancel))
		return err_set(err, ERR_CANCELED, "canceled");
	walk_operation(req, operation);
	struck = walk_count(operation);
	if (struck && walking.fault != WALK_ODD)
		return walk_strike(req, a, res, err);
	return walk_answer(req, a, res, struck, err);
}

static inline int walk_artifact(void *arg, const struct target_artifact **out, struct err *err)
{
	if (cancel_is_fired(walking.w->env.client.cancel))
		return err_set(err, ERR_CANCELED, "canceled");
	if (!walk_count("artifact") || walking.fault == WALK_ODD || walking.fault == WALK_EMPTY)
		return walking.artifact(arg, out, err);
	if (walking.fault == WALK_CANCELED)
		cancel_fire(walking.w->env.client.cancel);
	return err_set(err, walk_fault_code(walking.fault), "artifact: struck");
}

#endif
