/*
 * Parses what it is given, for a second opinion (differential_parse.py):
 *
 *   diff_parse json|xml    stdin: "<bytes>\n" and so many bytes, again and again
 *
 * On stdout a line for each: "ok " and what was read, as JSON, or "no " and why not. Of XML that is
 * a list of its elements in their order, each [depth, name, text].
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/core/json.h"
#include "aws/core/limits.h"
#include "aws/core/xml.h"

#define INPUT_MAX (16u << 20)

static void out_xml(struct json_out *o, const struct xml *root)
{
	const struct xml *up[LIMIT_DOC_DEPTH + 1], *at = root;
	int depth = 0;

	json_out_array(o);
	while (at) {
		json_out_array(o);
		json_out_i64(o, depth);
		json_out_str(o, at->name);
		json_out_str(o, at->text);
		json_out_end(o);
		if (at->first && depth < LIMIT_DOC_DEPTH) {
			up[depth++] = at;
			at = at->first;
			continue;
		}
		while (depth > 0 && !at->next)
			at = up[--depth];
		at = depth > 0 ? at->next : NULL;
	}
	json_out_end(o);
}

static int read_into(struct arena *a, const char *kind, struct str input, struct json_out *o,
		     struct err *err)
{
	struct json *json;
	struct xml *xml;

	if (strcmp(kind, "json") == 0) {
		if (json_parse(a, input, &json, err))
			return -1;
		json_out_node(o, json);
		return 0;
	}
	if (xml_parse(a, input, &xml, err))
		return -1;
	out_xml(o, xml);
	return 0;
}

static void answer(const char *kind, struct str input)
{
	struct arena *a = arena_new();
	struct err err = ERR_INIT;
	struct json_out o;
	struct buf out;

	buf_init(&out, 8 * INPUT_MAX);
	json_out_init(&o, &out);
	if (read_into(a, kind, input, &o, &err))
		printf("no %s %s\n", err_code_name(err.code), err.text);
	else
		printf("ok %.*s\n", (int)out.n, out.p);
	fflush(stdout);
	buf_release(&out);
	arena_free(a);
}

int main(int argc, char **argv)
{
	char *line = NULL, *input = malloc(INPUT_MAX);
	size_t size = 0;

	if (argc != 2 || !input)
		return 2;
	while (getline(&line, &size, stdin) > 0) {
		size_t n = strtoul(line, NULL, 10);
		char *exact;

		if (n >= INPUT_MAX || fread(input, 1, n, stdin) != n)
			return 1;
		exact = malloc(n + 1); /* no byte more is ours to read */
		if (!exact)
			return 1;
		memcpy(exact, input, n);
		answer(argv[1], (struct str){exact, n});
		free(exact);
	}
	free(line);
	free(input);
	return 0;
}
