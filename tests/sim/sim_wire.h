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

/* Answer a query operation; inner is what stands inside <OpResult>. */
void sim_reply_query(const struct sim_exchange *x, const char *xmlns, struct str inner);

#endif
