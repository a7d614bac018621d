#include "worker/report/status_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* Host and port of "host", "host:port", "[v6]" and "[v6]:port". False when it is malformed. */
static bool split(struct str text, struct str *host, struct str *port)
{
	const char *end;

	*port = STR("");
	if (str_starts(text, "[")) {
		end = memchr(text.p, ']', text.n);
		if (!end)
			return false;
		*host = str_sub(text, 1, (size_t)(end - text.p));
		*port = str_sub(text, host->n + 2, text.n);
	} else {
		end = text.n ? memchr(text.p, ':', text.n) : NULL;
		*host = end ? str_sub(text, 0, (size_t)(end - text.p)) : text;
		*port = str_sub(text, host->n, text.n);
	}
	if (port->n == 0)
		return true;
	if (port->p[0] != ':' || port->n == 1)
		return false;
	*port = str_sub(*port, 1, port->n);
	return true;
}

static bool address(struct str host, int family, void *out)
{
	char text[INET6_ADDRSTRLEN];

	return host.n > 0 && str_copy(text, sizeof(text), host) && strlen(text) == host.n &&
	       inet_pton(family, text, out) == 1;
}

static bool set_address(struct str host, bool bracketed, uint16_t port, struct status_address *out)
{
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	if (str_is_nocase(host, "localhost"))
		host = STR("127.0.0.1");
	if (!bracketed && address(host, AF_INET, &four.sin_addr)) {
		memcpy(&out->at, &four, sizeof(four));
		out->size = sizeof(four);
		out->loopback = ntohl(four.sin_addr.s_addr) >> 24 == 127;
		return true;
	}
	if (bracketed && address(host, AF_INET6, &six.sin6_addr)) {
		memcpy(&out->at, &six, sizeof(six));
		out->size = sizeof(six);
		out->loopback = IN6_IS_ADDR_LOOPBACK(&six.sin6_addr);
		return true;
	}
	return false;
}

bool status_address_parse(struct str text, struct status_address *out)
{
	struct status_address a = {.on = true};
	struct str host, port;
	uint64_t number;

	if (str_is_nocase(text, "off")) {
		*out = (struct status_address){.on = false};
		return true;
	}
	if (str_parse_u64(text, 0, 65535, &number)) {
		host = STR("127.0.0.1");
	} else if (!split(text, &host, &port) || !str_parse_u64(port, 0, 65535, &number)) {
		return false;
	}
	if (!set_address(host, str_starts(text, "["), (uint16_t)number, &a))
		return false;
	*out = a;
	return true;
}

bool status_host_is_ours(struct str host, const char *names)
{
	struct str rest = str_from(names), name, port;
	struct in6_addr six;
	struct in_addr four;
	char wanted[256];
	uint64_t number;
	bool bracketed = str_starts(host, "[");

	if (!split(host, &host, &port) || (port.n && !str_parse_u64(port, 1, 65535, &number)))
		return false;
	if (bracketed)
		return address(host, AF_INET6, &six);
	if (str_is_nocase(host, "localhost") || address(host, AF_INET, &four))
		return true;
	while (str_next(&rest, ',', &name))
		if (host.n && str_copy(wanted, sizeof(wanted), str_trim(name)) &&
		    str_is_nocase(host, wanted))
			return true;
	return false;
}
