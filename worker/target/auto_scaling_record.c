#include "worker/target/auto_scaling.h"

#include <string.h>

#include "aws/core/digest.h"
#include "worker/target/record.h"

/*
 * {"t":"auto_scaling","lb":{...},"g":live,"f":base,"n":[min,max,desired],"p":bits,"l":template,
 * "v":version,"w":twin,"wn":[min,max,desired],"wp":bits,"wh":type of health check}; f is left out
 * when it is the live group's name, what begins with w when there is no twin.
 *
 * The candidate: {"g":name,"v":version,"h":healthy since,"c":sent}, times in seconds since 1970.
 */
#define BASE_MAX 100 /* of a name, before what tells copies apart */
#define ID_DIGITS 10
#define SIZE_MAX_UNITS 1000000

const char *const as_processes[AS_PROCESSES] = {"AZRebalance", "AlarmNotification",
						"ScheduledActions"};

const char *as_candidate_name(struct arena *a, const struct as_record *r, const char *rollout_id)
{
	char hex[SHA256_HEX_SIZE];

	if (r->twin)
		return r->twin;
	sha256_hex(str_from(rollout_id), hex);
	return arena_printf(a, "%.*s-%.*s", BASE_MAX, r->base, ID_DIGITS, hex);
}

static void write_size(struct json_out *o, const char *key, const struct as_size *size)
{
	json_out_key(o, key);
	json_out_array(o);
	json_out_i64(o, size->min);
	json_out_i64(o, size->max);
	json_out_i64(o, size->desired);
	json_out_end(o);
}

int as_record_store(const struct as_record *r, char undo[LIMIT_UNDO + 1], struct err *err)
{
	struct json_out o;
	struct buf b;
	int rc;

	buf_init(&b, LIMIT_UNDO);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_cstr(&o, "t", "auto_scaling");
	json_out_key(&o, "lb");
	json_out_object(&o);
	lb_record_write(&r->lb, &o);
	json_out_end(&o);
	json_member_cstr(&o, "g", r->live);
	if (strcmp(r->base, r->live) != 0)
		json_member_cstr(&o, "f", r->base);
	write_size(&o, "n", &r->size);
	json_member_i64(&o, "p", r->suspended);
	json_member_cstr(&o, "l", r->template_id);
	json_member_i64(&o, "v", r->template_version);
	if (r->twin) {
		json_member_cstr(&o, "w", r->twin);
		write_size(&o, "wn", &r->twin_size);
		json_member_i64(&o, "wp", r->twin_suspended);
		json_member_cstr(&o, "wh", r->twin_health_check);
	}
	json_out_end(&o);
	rc = record_store(&b, undo, LIMIT_UNDO + 1, "undo record", err);
	buf_release(&b);
	return rc;
}

/* --- reading --------------------------------------------------------------------------------- */

static int bad(struct err *err)
{
	return err_set(err, ERR_MALFORMED, "undo record: not one of an Auto Scaling group");
}

static bool read_size(const struct json *list, struct as_size *size)
{
	int64_t *to[] = {&size->min, &size->max, &size->desired};
	size_t n = 0;

	if (!list || list->type != JSON_ARRAY || list->n != 3)
		return false;
	json_each(item, list) {
		if (!json_i64(item, to[n]) || *to[n] < 0 || *to[n] > SIZE_MAX_UNITS)
			return false;
		n++;
	}
	return true;
}

static bool read_bits(const struct json *node, unsigned *bits)
{
	int64_t n;

	if (!json_i64(node, &n) || n < 0 || n >= 1 << AS_PROCESSES)
		return false;
	*bits = (unsigned)n;
	return true;
}

int as_record_load(struct arena *a, const char *undo, struct as_record *r, struct err *err)
{
	const struct json *root;

	*r = (struct as_record){0};
	if (record_load(a, undo, &root, err))
		return -1;
	if (strcmp(record_text(root, "t"), "auto_scaling") != 0)
		return bad(err);
	if (lb_record_read(a, json_get(root, "lb"), &r->lb, err))
		return -1;
	r->live = record_text(root, "g");
	r->base = json_get(root, "f") ? record_text(root, "f") : r->live;
	r->template_id = record_text(root, "l");
	if (!*r->live || !*r->template_id || !read_size(json_get(root, "n"), &r->size) ||
	    !read_bits(json_get(root, "p"), &r->suspended) ||
	    !json_i64(json_get(root, "v"), &r->template_version) || r->template_version < 1)
		return bad(err);
	if (!json_get(root, "w"))
		return 0;
	r->twin = record_text(root, "w");
	r->twin_health_check = record_text(root, "wh");
	if (!*r->twin || !*r->twin_health_check ||
	    !read_size(json_get(root, "wn"), &r->twin_size) ||
	    !read_bits(json_get(root, "wp"), &r->twin_suspended))
		return bad(err);
	return 0;
}

/* --- the candidate --------------------------------------------------------------------------- */

int as_candidate_store(const struct as_candidate *c, const char *name,
		       char candidate[LIMIT_CANDIDATE + 1], struct err *err)
{
	struct json_out o;
	struct buf b;
	int rc;

	buf_init(&b, LIMIT_CANDIDATE);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_cstr(&o, "g", name);
	if (c->version)
		json_member_i64(&o, "v", c->version);
	if (c->healthy_since.ms)
		json_member_i64(&o, "h", c->healthy_since.ms / 1000);
	if (c->sent.ms)
		json_member_i64(&o, "c", c->sent.ms / 1000);
	json_out_end(&o);
	rc = record_store(&b, candidate, LIMIT_CANDIDATE + 1, "candidate", err);
	buf_release(&b);
	return rc;
}

static bool read_count(const struct json *root, const char *key, int64_t unit, int64_t *out)
{
	const struct json *node = json_get(root, key);
	int64_t n;

	if (!node)
		return true;
	if (!json_i64(node, &n) || n < 0 || n > INT64_MAX / unit)
		return false;
	*out = n * unit;
	return true;
}

int as_candidate_load(struct arena *a, const char *candidate, struct as_candidate *c,
		      struct err *err)
{
	const struct json *root;

	*c = (struct as_candidate){0};
	if (record_load(a, candidate, &root, err))
		return -1;
	if (!read_count(root, "v", 1, &c->version) ||
	    !read_count(root, "h", 1000, &c->healthy_since.ms) ||
	    !read_count(root, "c", 1000, &c->sent.ms))
		return err_set(err, ERR_MALFORMED, "candidate: not one of an Auto Scaling group");
	return 0;
}
