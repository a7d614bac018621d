#ifndef TESTS_SIM_SIM_WIRE_H
#define TESTS_SIM_SIM_WIRE_H

#include "tests/sim/sim_internal.h"

/*
 * The query protocol as a tree: "A.member.1.B=x" is {"A": [{"B": "x"}]}. An empty list ("A=") is an
 * empty string, which reads as a list without elements. Keys with more than SIM_TREE_DEPTH parts
 * are dropped.
 */
#define SIM_TREE_DEPTH 24

/*
 * typed: numbers, booleans and times of CloudWatch become what its JSON form has, so that one
 * handler serves both protocols. Otherwise every value is a string.
 */
const struct json *sim_form_tree(struct arena *a, const struct sim_form *f, bool typed);

/*
 * Append the children of a tree as XML elements: members under their key, list elements as
 * <member>, a list called "entry" as repeated <entry>. Numbers under ...Timestamp(s) become ISO
 * 8601.
 */
void sim_tree_xml(struct buf *b, const struct json *node);

/* <tag>escaped text</tag> */
void sim_xml_text(struct buf *b, const char *tag, struct str text);
void sim_xml_i64(struct buf *b, const char *tag, int64_t v);

/*
 * The children of a tree as the EC2 protocol answers them: names begin in lower case, a list is
 * <nameSet> with <item>s.
 */
void sim_tree_ec2(struct buf *b, const struct json *node);
/* One member of an object, with its tag, as sim_tree_xml() writes it. free() it. */
char *sim_member_xml(const struct json *member);

/*
 * The first parameter of a query request that the operation does not have, or "". known: names
 * separated by blanks, with N for the number of a list's element: "Tags.member.N.Key"; "A.*" takes
 * everything under A. Action and Version are always known, as is the name of a list itself.
 */
struct str sim_form_unknown(const struct sim_exchange *x, const char *known);

/* Members of something that is kept as it was written, by name, in the order they came. */
struct sim_field {
	char *name, *xml; /* xml with its tag */
};
struct sim_fields {
	size_t n;
	struct sim_field *all;
};
void sim_field_set(struct sim_fields *f, const char *name, char *xml); /* takes xml; NULL: none */
void sim_fields_write(struct buf *b, const struct sim_fields *f);
void sim_fields_release(struct sim_fields *f);

/*
 * Answer a query operation; inner is what stands inside <OpResult>. NULL bytes: the operation has
 * no result element.
 */
void sim_reply_query(const struct sim_exchange *x, const char *xmlns, struct str inner);

#endif
