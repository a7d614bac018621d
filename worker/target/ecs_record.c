#include <string.h>

#include "worker/target/ecs.h"
#include "worker/target/record.h"

#define TASKS_MAX 1000000 /* far above what a service can have; no share of it overflows */

/* What a rollout exchanges: the strategy with all that belongs to it, and a circuit breaker. */
static void write_configuration(struct json_out *o, const struct json *configuration)
{
	bool rolls = str_is(json_text(json_get(configuration, "strategy")), "ROLLING");

	if (!json_get(configuration, "strategy"))
		return;
	json_out_key(o, "y");
	json_out_object(o);
	json_each(member, configuration) {
		bool kept = str_is(member->key, "strategy");

		kept |= !rolls && (str_is(member->key, "bakeTimeInMinutes") ||
				   str_is(member->key, "canaryConfiguration") ||
				   str_is(member->key, "linearConfiguration"));
		kept |= rolls && str_is(member->key, "deploymentCircuitBreaker") &&
			json_bool(json_get(member, "enable"), false);
		if (!kept)
			continue;
		json_out_key(o, member->key.p);
		json_out_node(o, member);
	}
	json_out_end(o);
}

int ecs_record_store(const struct ecs_record *r, char undo[LIMIT_UNDO + 1], struct err *err)
{
	struct json_out o;
	struct buf b;
	int rc;

	buf_init(&b, LIMIT_UNDO);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_cstr(&o, "t", "ecs");
	json_member_i64(&o, "m", r->method);
	json_member_cstr(&o, "c", r->cluster);
	json_member_cstr(&o, "s", r->service);
	json_member_cstr(&o, "v", r->definition);
	json_member_i64(&o, "n", r->desired);
	if (r->method == ECS_TWO_SERVICES) {
		json_member_cstr(&o, "o", r->other);
		json_member_i64(&o, "k", r->other_desired);
	}
	json_out_key(&o, "lb");
	json_out_object(&o);
	lb_record_write(&r->lb, &o);
	json_out_end(&o);
	if (r->method == ECS_NATIVE)
		write_configuration(&o, r->configuration);
	json_out_end(&o);
	rc = record_store(&b, undo, LIMIT_UNDO + 1, "undo record", err);
	buf_release(&b);
	return rc;
}

int ecs_record_load(struct arena *a, const char *undo, struct ecs_record *r, struct err *err)
{
	const struct json *root;
	int64_t method = -1;
	bool has_counts, two;

	*r = (struct ecs_record){.other_desired = -1};
	if (record_load(a, undo, &root, err))
		return -1;
	r->cluster = record_text(root, "c");
	r->service = record_text(root, "s");
	r->definition = record_text(root, "v");
	r->other = record_text(root, "o");
	r->configuration = json_get(root, "y");
	has_counts = json_i64(json_get(root, "n"), &r->desired) && r->desired >= 0 &&
		     r->desired <= TASKS_MAX;
	if (!json_i64(json_get(root, "m"), &method))
		method = -1;
	two = method == ECS_TWO_SERVICES;
	if (two)
		has_counts &= json_i64(json_get(root, "k"), &r->other_desired) &&
			      r->other_desired >= -1 && r->other_desired <= TASKS_MAX &&
			      r->other[0];
	if (strcmp(record_text(root, "t"), "ecs") != 0 || !(two || method == ECS_NATIVE) ||
	    !r->cluster[0] || !r->service[0] || !r->definition[0] || !has_counts)
		return err_set(err, ERR_MALFORMED, "undo record: not one of an ECS service");
	r->method = (enum ecs_method)method;
	return lb_record_read(a, json_get(root, "lb"), &r->lb, err);
}

int ecs_candidate_store(const struct ecs_candidate *c, char candidate[LIMIT_CANDIDATE + 1],
			struct err *err)
{
	struct json_out o;
	struct buf b;
	int rc;

	buf_init(&b, LIMIT_CANDIDATE);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_cstr(&o, "v", c->definition);
	json_member_cstr(&o, "p", c->deployment);
	/* names may take all the room there is; then what is told twice is not noticed */
	if (c->before && c->before[0] && b.n + sizeof(",\"u\":\"\"}") + 8 <= LIMIT_CANDIDATE)
		json_member_cstr(&o, "u", c->before);
	json_out_end(&o);
	rc = record_store(&b, candidate, LIMIT_CANDIDATE + 1, "candidate", err);
	buf_release(&b);
	return rc;
}

int ecs_candidate_load(struct arena *a, const char *candidate, struct ecs_candidate *c,
		       struct err *err)
{
	const struct json *root;

	if (record_load(a, candidate, &root, err))
		return -1;
	c->definition = record_text(root, "v");
	c->deployment = record_text(root, "p");
	c->before = record_text(root, "u");
	return 0;
}

const char *ecs_definition_name(const char *arn)
{
	const char *slash = arn ? strrchr(arn, '/') : NULL;

	return slash ? slash + 1 : arn ? arn : "";
}

bool ecs_same_definition(const char *a, const char *b)
{
	return a && b && !strcmp(ecs_definition_name(a), ecs_definition_name(b));
}

const char *ecs_twin_name(struct arena *a, const struct plan_ecs *e)
{
	return e->twin ? e->twin : arena_printf(a, "%s-twin", e->service);
}
