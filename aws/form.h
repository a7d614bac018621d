#ifndef AWS_FORM_H
#define AWS_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/core/buf.h"
#include "aws/core/err.h"
#include "aws/core/str.h"
#include "aws/core/xml.h"

/*
 * Parameters of the query protocols, and what was read put back into them: the XML of an answer and
 * the form parameters of a request are two spellings of one model. For use inside aws/ only. Pure.
 */
#define FORM_DEPTH 24 /* the deepest of the models we copy has 9 levels */

/* Append "&name=value", percent-encoded; NULL values and, with form_add_text, empty ones are left
 * out. */
void form_add(struct buf *b, const char *name, struct str value);
void form_add_text(struct buf *b, const char *name, const char *value);
void form_add_i64(struct buf *b, const char *name, int64_t value);
void form_add_bool(struct buf *b, const char *name, bool value);

/*
 * What is written in the place of something read: a whole text, or, with `within`, wherever it
 * stands in a text.
 */
struct form_swap {
	const char *from, *to;
	bool within;
};

struct form_swaps {
	const struct form_swap *swaps;
	size_t n;
};

/*
 * Append everything below node under this name: texts, structures, and lists of "member". An
 * element without children is a scalar; an empty one is left out, since nothing tells an empty text
 * from an empty structure. ERR_LIMIT when it nests deeper than FORM_DEPTH or a name is
 * too long.
 */
int form_add_xml(struct buf *b, const char *name, const struct xml *node,
		 const struct form_swaps *swaps, struct err *err) MUST_CHECK;

#endif
