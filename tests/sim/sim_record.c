/*
 * What happened: every call and every change of a split, with its time, kept for tests to ask.
 */
#include "tests/sim/sim_private.h"

#include <stdlib.h>

void sim_record_init(struct sim_record *r)
{
	r->arena = arena_new();
}

void sim_record_release(struct sim_record *r)
{
	free(r->calls);
	free(r->splits);
	arena_free(r->arena);
}

static const char *intern(struct sim_record *r, const char *text)
{
	for (size_t i = 0; i < r->n_interned; i++)
		if (strcmp(r->interned[i], text) == 0)
			return r->interned[i];
	if (r->n_interned == sizeof(r->interned) / sizeof(r->interned[0]))
		return arena_strdup(r->arena, text);
	r->interned[r->n_interned] = arena_strdup(r->arena, text);
	return r->interned[r->n_interned++];
}

void sim_record_call(struct sim *s, const struct sim_exchange *x, const struct sim_route *r,
		     int status)
{
	struct sim_record *rec = &s->record;
	struct sim_call *last = rec->n_calls ? &rec->calls[rec->n_calls - 1] : NULL;
	const char *key;

	/* the same caller usually calls many times in a row */
	if (last && strcmp(last->access_key_id, x->principal) == 0)
		key = last->access_key_id;
	else
		key = arena_strdup(rec->arena, x->principal);
	if (rec->n_calls == rec->cap_calls) {
		rec->cap_calls = rec->cap_calls ? rec->cap_calls * 2 : 256;
		rec->calls = xrealloc(rec->calls, rec->cap_calls * sizeof(*rec->calls));
	}
	rec->calls[rec->n_calls++] = (struct sim_call){
		.at = s->now,
		.service = intern(rec, r->service ? r->service->name : ""),
		.operation = intern(rec, x->operation),
		.status = status,
		.access_key_id = key,
	};
}

void sim_record_split(struct sim *s, const char *resource, const char *candidate, double weight,
		      const char *baseline)
{
	struct sim_record *r = &s->record;

	if (r->n_splits == r->cap_splits) {
		r->cap_splits = r->cap_splits ? r->cap_splits * 2 : 64;
		r->splits = xrealloc(r->splits, r->cap_splits * sizeof(*r->splits));
	}
	r->splits[r->n_splits++] = (struct sim_split){
		.at = s->now,
		.resource = arena_strdup(r->arena, resource),
		.candidate = arena_strdup(r->arena, candidate),
		.weight = weight,
		.baseline = arena_strdup(r->arena, baseline),
	};
}

uint64_t sim_calls(const struct sim *s)
{
	return s->calls;
}

size_t sim_call_log(const struct sim *s, const struct sim_call **calls)
{
	*calls = s->record.calls;
	return s->record.n_calls;
}

uint64_t sim_call_count(const struct sim *s, const char *service, const char *operation)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->record.n_calls; i++) {
		const struct sim_call *c = &s->record.calls[i];

		if (service && strcmp(c->service, service) != 0)
			continue;
		if (operation && strcmp(c->operation, operation) != 0)
			continue;
		n++;
	}
	return n;
}

size_t sim_split_log(const struct sim *s, const struct sim_split **splits)
{
	*splits = s->record.splits;
	return s->record.n_splits;
}
