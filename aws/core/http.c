#include "aws/core/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "aws/core/lock.h"

/*
 * What every transport has in common: URLs are taken apart and requests are checked here, before
 * any transport sees them. The URL grammar is RFC 3986 with everything refused that an AWS endpoint
 * never has and that different parsers read differently.
 */

/* --- URLs ------------------------------------------------------------------------------------ */

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool parse_address(const char *p, size_t n, int family, void *out)
{
	char text[INET6_ADDRSTRLEN];

	/* inet_pton() would read up to a NUL only */
	if (n == 0 || n >= sizeof(text) || memchr(p, '\0', n))
		return false;
	memcpy(text, p, n);
	text[n] = '\0';
	return inet_pton(family, text, out) == 1;
}

static bool is_ipv6(struct str host)
{
	struct in6_addr a;

	return parse_address(host.p, host.n, AF_INET6, &a);
}

static bool is_host_name(struct str host)
{
	if (host.n == 0 || host.n > 253)
		return false;
	for (size_t i = 0; i < host.n; i++) {
		if (!is_alnum(host.p[i]) && host.p[i] != '-' && host.p[i] != '.' &&
		    host.p[i] != '_')
			return false;
	}
	return true;
}

/* host, host:port, [address] or [address]:port */
static bool parse_authority(struct str authority, struct http_url *out)
{
	struct str port = STR("");
	const char *end;
	uint64_t number;

	if (str_starts(authority, "[")) {
		end = memchr(authority.p, ']', authority.n);
		if (!end)
			return false;
		out->host = str_sub(authority, 1, (size_t)(end - authority.p));
		port = str_sub(authority, out->host.n + 2, authority.n);
		if (!is_ipv6(out->host))
			return false;
	} else {
		end = authority.n ? memchr(authority.p, ':', authority.n) : NULL;
		out->host = end ? str_sub(authority, 0, (size_t)(end - authority.p)) : authority;
		port = str_sub(authority, out->host.n, authority.n);
		if (!is_host_name(out->host))
			return false;
	}
	out->port_given = port.n > 0;
	if (!out->port_given) {
		out->port = out->https ? 443 : 80;
		return true;
	}
	if (port.p[0] != ':' || !str_parse_u64(str_sub(port, 1, port.n), 1, 65535, &number))
		return false;
	out->port = (uint16_t)number;
	return true;
}

/* RFC 3986: pchar, '/' and '?', with complete percent escapes. '#' is not among them. */
static bool is_encoded(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '%') {
			if (s.n - i < 3 || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2]))
				return false;
		} else if (s.p[i] == '\0' ||
			   (!is_alnum(s.p[i]) && !strchr("-._~!$&'()*+,;=:@/?", s.p[i]))) {
			return false;
		}
	}
	return true;
}

static size_t find_any(struct str s, const char *set)
{
	size_t i = 0;

	while (i < s.n && (s.p[i] == '\0' || !strchr(set, s.p[i])))
		i++;
	return i;
}

bool http_url_parse(struct str url, struct http_url *out)
{
	struct http_url u = {.https = str_starts(url, "https://")};
	struct str rest, tail;
	size_t n;

	if (!u.https && !str_starts(url, "http://"))
		return false;
	rest = str_sub(url, u.https ? 8 : 7, url.n);
	n = find_any(rest, "/?#");
	tail = str_sub(rest, n, rest.n);
	if (!parse_authority(str_sub(rest, 0, n), &u) || !is_encoded(tail))
		return false;
	n = find_any(tail, "?");
	u.path = n > 0 ? str_sub(tail, 0, n) : STR("/");
	u.query = str_sub(tail, n + 1, tail.n);
	*out = u;
	return true;
}

bool http_host_is_loopback(struct str host)
{
	struct in_addr four;
	struct in6_addr six;

	if (str_is_nocase(host, "localhost"))
		return true;
	if (host.n > 0 && parse_address(host.p, host.n, AF_INET, &four))
		return ntohl(four.s_addr) >> 24 == 127;
	return host.n > 0 && parse_address(host.p, host.n, AF_INET6, &six) &&
	       IN6_IS_ADDR_LOOPBACK(&six);
}

/*
 * Instance metadata and the credential endpoints of ECS and EKS have no TLS; their link-local
 * addresses do not leave the host. (IMDS: "Use the Instance Metadata Service"; ECS: "Task IAM
 * role"; EKS: "Pod Identity".)
 */
bool http_host_is_metadata(struct str host)
{
	static const char *const four[] = {"169.254.169.254", "169.254.170.2", "169.254.170.23"};
	static const char *const six[] = {"fd00:ec2::254", "fd00:ec2::23"};
	struct in6_addr wanted, known;

	for (size_t i = 0; i < sizeof(four) / sizeof(four[0]); i++) {
		if (str_is(host, four[i]))
			return true;
	}
	if (!parse_address(host.p, host.n, AF_INET6, &wanted))
		return false;
	for (size_t i = 0; i < sizeof(six) / sizeof(six[0]); i++) {
		if (inet_pton(AF_INET6, six[i], &known) == 1 &&
		    memcmp(&wanted, &known, sizeof(known)) == 0)
			return true;
	}
	return false;
}

/* --- headers --------------------------------------------------------------------------------- */

struct str http_header_get(const struct http_header *h, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (str_is_nocase(h[i].name, name))
			return h[i].value;
	}
	return STR("");
}

/* RFC 9110, 5.6.2 */
static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!is_alnum(s.p[i]) && (s.p[i] == '\0' || !strchr("!#$%&'*+-.^_`|~", s.p[i])))
			return false;
	}
	return s.n > 0;
}

static bool is_field_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7F)
			return false;
	}
	return true;
}

/* --- sending --------------------------------------------------------------------------------- */

/* "Host" is what goes on the wire and is signed; it must not point elsewhere than the URL. */
static bool host_fits(struct str given, const struct http_url *url)
{
	struct http_url h = {.https = url->https};

	if (!parse_authority(given, &h) || h.port != url->port || h.host.n != url->host.n)
		return false;
	for (size_t i = 0; i < h.host.n; i++) {
		/* ASCII only: parse_authority() let nothing else through */
		if ((h.host.p[i] | 0x20) != (url->host.p[i] | 0x20))
			return false;
	}
	return true;
}

static int check_header(const struct http_request *req, const struct http_url *url,
			const struct http_header *h, struct err *err)
{
	uint64_t length;

	if (!is_token(h->name) || !is_field_value(h->value))
		return err_set(err, ERR_UNSAFE,
			       "request header with characters that are not allowed there");
	if (str_is_nocase(h->name, "Host") && !host_fits(h->value, url))
		return err_set(err, ERR_REJECTED,
			       "Host header differs from the URL's host " STR_FMT,
			       STR_ARG(url->host));
	if (str_is_nocase(h->name, "Transfer-Encoding"))
		return err_set(err, ERR_REJECTED, "Transfer-Encoding is not supported");
	if (str_is_nocase(h->name, "Content-Length") &&
	    (!str_parse_u64(h->value, 0, UINT64_MAX, &length) || length != req->body.n))
		return err_set(err, ERR_REJECTED, "Content-Length header differs from the body");
	return 0;
}

static int check_request(const struct http_request *req, struct err *err)
{
	struct http_url url;

	if (!is_token(str_from(req->method)))
		return err_set(err, ERR_REJECTED, "malformed HTTP method");
	if (!http_url_parse(str_from(req->url), &url))
		return err_set(err, ERR_REJECTED, "malformed URL");
	if (req->is_plain_ok && http_host_is_metadata(url.host))
		return err_set(err, ERR_UNSAFE, "refused to ask a metadata endpoint, " STR_FMT,
			       STR_ARG(url.host));
	if (!url.https && !req->is_plain_ok && !http_host_is_loopback(url.host) &&
	    !http_host_is_metadata(url.host))
		return err_set(err, ERR_UNSAFE,
			       "refused to speak plain http to " STR_FMT
			       ": only https protects what is sent",
			       STR_ARG(url.host));
	if (strcmp(req->method, "HEAD") == 0 && req->body.n > 0)
		return err_set(err, ERR_REJECTED, "HEAD request with a body");
	for (size_t i = 0; i < req->n_headers; i++) {
		if (check_header(req, &url, &req->headers[i], err))
			return -1;
	}
	return 0;
}

int http_send(struct http *h, const struct http_request *req, struct arena *a,
	      struct http_response *res, struct cancel *cancel, struct err *err)
{
	lock_assert_none();
	*res = (struct http_response){.status = 0};
	if (check_request(req, err))
		return -1;
	return h->send(h, req, a, res, cancel, err);
}

void http_free(struct http *h)
{
	if (h)
		h->free(h);
}
