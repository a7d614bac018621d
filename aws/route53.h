#ifndef AWS_ROUTE53_H
#define AWS_ROUTE53_H

#include <stddef.h>

#include "aws/call.h"
#include "aws/core/err.h"
#include "aws/core/mem.h"

/*
 * Route 53: what a hosted zone's records say. Reading only. REST with XML, API version 2013-04-01;
 * one endpoint a partition, signed for its global region.
 */
extern const struct aws_service route53_service;

/* A record set: an alias has a target, any other kind values. NUL-terminated, in the arena. */
struct route53_record {
	const char *name;  /* "app.example.com.", with the dot; octal escapes as they came */
	const char *type;  /* "A", "AAAA", "CNAME" ... */
	const char *alias; /* DNS name of the alias's target, with the dot; NULL: no alias */
	const char *const *values;
	size_t n_values;
};

/*
 * All record sets of a zone, over all pages. zone_id: "Z1D633PJN98FT9", without "/hostedzone/".
 * Blocks. ERR_NOT_FOUND (NoSuchHostedZone), ERR_DENIED, ERR_REJECTED for an id that is none,
 * ERR_MALFORMED for an answer that lacks what was asked for.
 */
int route53_list_records(const struct aws_client *c, const char *zone_id, struct arena *a,
			 struct route53_record **out, size_t *n, struct err *err) MUST_CHECK;

#endif
