#include "worker/target/beanstalk.h"

#include <stdio.h>
#include <string.h>

#include "aws/core/digest.h"
#include "worker/target/record.h"

/*
 * Undo record: {"t":"beanstalk","m":"s","a":application,"e":id,"b":name,"v":version,"c":CNAME,
 * "n":candidate's name,"i":its id,"w":instances,"s":[min,max],"y":[twin's min,twin's max]}; by
 * traffic_splitting "p", "q" and "d" are the options before, by load_balancer "lb" is the record of
 * the rule. What is empty is left out. Candidate: {"l":label,"h":healthy since, s}.
 */
static const char method_letters[] = {
	[BEANSTALK_BY_SWAP] = 's',
	[BEANSTALK_BY_TRAFFIC_SPLITTING] = 't',
	[BEANSTALK_BY_LOAD_BALANCER] = 'l',
};

static void add_text(struct json_out *o, const char *key, const char *text)
{
	if (text && *text)
		json_member_cstr(o, key, text);
}

static void add_pair(struct json_out *o, const char *key, int64_t first, int64_t second)
{
	if (!first && !second)
		return;
	json_out_key(o, key);
	json_out_array(o);
	json_out_i64(o, first);
	json_out_i64(o, second);
	json_out_end(o);
}

int bean_record_store(const struct bean_record *r, char undo[LIMIT_UNDO + 1], struct err *err)
{
	const char method[2] = {method_letters[r->method], '\0'};
	struct json_out o;
	struct buf b;
	int rc;

	buf_init(&b, LIMIT_UNDO);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_cstr(&o, "t", "beanstalk");
	json_member_cstr(&o, "m", method);
	json_member_cstr(&o, "a", r->application);
	json_member_cstr(&o, "e", r->baseline);
	json_member_cstr(&o, "b", r->name);
	add_text(&o, "v", r->label);
	add_text(&o, "c", r->cname);
	add_text(&o, "n", r->candidate);
	add_text(&o, "i", r->twin);
	if (r->instances)
		json_member_i64(&o, "w", r->instances);
	add_pair(&o, "s", r->min, r->max);
	add_pair(&o, "y", r->twin_min, r->twin_max);
	add_text(&o, "p", r->policy);
	add_text(&o, "q", r->percent);
	add_text(&o, "d", r->minutes);
	if (r->method == BEANSTALK_BY_LOAD_BALANCER) {
		json_out_key(&o, "lb");
		json_out_object(&o);
		lb_record_write(&r->lb, &o);
		json_out_end(&o);
	}
	json_out_end(&o);
	rc = record_store(&b, undo, LIMIT_UNDO + 1, "undo record", err);
	buf_release(&b);
	return rc;
}

static bool read_pair(const struct json *pair, int64_t *first, int64_t *second)
{
	*first = *second = 0;
	return !pair || (pair->type == JSON_ARRAY && pair->n == 2 && json_i64(pair->first, first) &&
			 json_i64(pair->first->next, second) && *first >= 0 && *second >= 0);
}

static bool read_method(const char *text, enum beanstalk_method *method)
{
	for (int i = 0; i < BEANSTALK_METHOD_COUNT; i++) {
		if (text[0] == method_letters[i] && !text[1]) {
			*method = (enum beanstalk_method)i;
			return true;
		}
	}
	return false;
}

int bean_record_load(struct arena *a, const char *undo, struct bean_record *r, struct err *err)
{
	const struct json *root;

	*r = (struct bean_record){.instances = 0};
	if (record_load(a, undo, &root, err))
		return -1;
	r->application = record_text(root, "a");
	r->baseline = record_text(root, "e");
	r->name = record_text(root, "b");
	r->label = record_text(root, "v");
	r->cname = record_text(root, "c");
	r->candidate = record_text(root, "n");
	r->twin = record_text(root, "i");
	r->policy = record_text(root, "p");
	r->percent = record_text(root, "q");
	r->minutes = record_text(root, "d");
	(void)json_i64(json_get(root, "w"), &r->instances);
	if (strcmp(record_text(root, "t"), "beanstalk") != 0 || !r->application[0] ||
	    !r->baseline[0] || !r->name[0] || r->instances < 0 ||
	    !read_method(record_text(root, "m"), &r->method) ||
	    !read_pair(json_get(root, "s"), &r->min, &r->max) ||
	    !read_pair(json_get(root, "y"), &r->twin_min, &r->twin_max) ||
	    (r->method == BEANSTALK_BY_SWAP && !r->cname[0]) ||
	    (r->method != BEANSTALK_BY_TRAFFIC_SPLITTING && !r->candidate[0]))
		return err_set(err, ERR_MALFORMED,
			       "undo record: not one of an Elastic Beanstalk environment");
	if (r->method == BEANSTALK_BY_LOAD_BALANCER)
		return lb_record_read(a, json_get(root, "lb"), &r->lb, err);
	return 0;
}

int bean_candidate_store(const struct bean_candidate *c, char candidate[LIMIT_CANDIDATE + 1],
			 struct err *err)
{
	struct json_out o;
	struct buf b;
	int rc;

	buf_init(&b, LIMIT_CANDIDATE);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_cstr(&o, "l", c->label);
	if (c->well_since_s)
		json_member_i64(&o, "h", c->well_since_s);
	if (c->before && c->before[0])
		json_member_cstr(&o, "u", c->before);
	json_out_end(&o);
	rc = record_store(&b, candidate, LIMIT_CANDIDATE + 1, "candidate", err);
	buf_release(&b);
	return rc;
}

int bean_candidate_load(struct arena *a, const char *candidate, struct bean_candidate *c,
			struct err *err)
{
	const struct json *root, *since;

	*c = (struct bean_candidate){.label = "", .before = ""};
	if (record_load(a, candidate, &root, err))
		return -1;
	c->label = record_text(root, "l");
	c->before = record_text(root, "u");
	since = json_get(root, "h");
	if (since && (!json_i64(since, &c->well_since_s) || c->well_since_s < 0 ||
		      c->well_since_s > INT64_MAX / 1000))
		return err_set(err, ERR_MALFORMED,
			       "candidate: not one of an Elastic Beanstalk environment");
	return 0;
}

/* --- names ----------------------------------------------------------------------------------- */

#define MARK "-rw"
#define MARK_DIGITS 10
#define SUFFIX_LENGTH (sizeof(MARK) - 1 + MARK_DIGITS)

bool bean_is_clone_name(struct str name)
{
	struct str suffix;

	if (name.n <= SUFFIX_LENGTH)
		return false;
	suffix = str_sub(name, name.n - SUFFIX_LENGTH, name.n);
	if (!str_starts(suffix, MARK))
		return false;
	for (size_t i = sizeof(MARK) - 1; i < suffix.n; i++)
		if (!(suffix.p[i] >= '0' && suffix.p[i] <= '9') &&
		    !(suffix.p[i] >= 'a' && suffix.p[i] <= 'f'))
			return false;
	return true;
}

void bean_clone_name(const char *live, const char *rollout_id, char out[BEAN_NAME_SIZE])
{
	struct str stem = str_from(live);
	char hex[SHA256_HEX_SIZE];

	/* a clone of a clone does not get longer */
	if (bean_is_clone_name(stem))
		stem = str_sub(stem, 0, stem.n - SUFFIX_LENGTH);
	stem = str_sub(stem, 0, BEAN_NAME_SIZE - 1 - SUFFIX_LENGTH);
	sha256_hex(str_from(rollout_id), hex);
	snprintf(out, BEAN_NAME_SIZE, STR_FMT MARK "%.*s", STR_ARG(stem), MARK_DIGITS, hex);
}
