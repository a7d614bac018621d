#include "tests/sim/sim_lambda.h"

#include <stdio.h>
#include <stdlib.h>

#include "aws/core/digest.h"

/*
 * Code and versions. A version takes its behaviour from the code it was published from (see
 * sim_behaviour_code), so that the artifact that is deployed decides how the release goes.
 */

/* --- model --------------------------------------------------------------------------------- */

void sim_function_set_code(struct sim_function *f, struct str code)
{
	struct sim_version *latest = &f->versions[0];
	uint8_t digest[SHA256_SIZE];
	struct buf b;
	char *copy = xmalloc(code.n + 1);
	if (code.n)
		memcpy(copy, code.p, code.n);
	free(f->code);
	f->code = copy;
	f->code_n = code.n;
	sha256(code, digest);
	buf_init(&b, 64);
	base64_encode(&b, digest, sizeof(digest));
	(void)str_copy(latest->sha, sizeof(latest->sha), buf_str(&b));
	buf_release(&b);
	latest->code_size = (int64_t)code.n;
	latest->does = f->defaults;
	sim_behaviour_code(&latest->does, code);
}

static bool same_content(const struct sim_version *a, const struct sim_version *b)
{
	return strcmp(a->sha, b->sha) == 0 && strcmp(a->role, b->role) == 0 &&
	       strcmp(a->dead_letter, b->dead_letter) == 0 && a->memory_mb == b->memory_mb &&
	       a->timeout_s == b->timeout_s;
}

struct sim_version *sim_function_publish(struct sim *s, struct sim_function *f,
					 struct str description, struct utc now)
{
	struct sim_version *last = &f->versions[f->n_versions - 1], *v;
	if (last->number && last->number == f->next_number - 1 &&
	    same_content(last, &f->versions[0]))
		return last;
	f->versions = xrealloc(f->versions, (f->n_versions + 1) * sizeof(*f->versions));
	v = &f->versions[f->n_versions++];
	*v = f->versions[0];
	v->number = f->next_number++;
	v->modified = now;
	v->active_at.ms = now.ms + f->publish_ms;
	v->provisioned = (struct sim_provisioned){0};
	v->requests = v->errors = 0;
	if (description.n)
		(void)str_copy(v->description, sizeof(v->description), description);
	rng_uuid(sim_dice(s), v->revision);
	sim_version_override(f, v);
	return v;
}

/* --- configuration as JSON ----------------------------------------------------------------- */

static void write_state(struct json_out *o, const struct sim_function *f,
			const struct sim_version *v, struct utc now)
{
	const char *state = sim_version_state(v, now);
	json_member_cstr(o, "State", state);
	if (strcmp(state, "Pending") == 0) {
		json_member_cstr(o, "StateReason", "The function is being created.");
		json_member_cstr(o, "StateReasonCode", "Creating");
	} else if (strcmp(state, "Failed") == 0) {
		json_member_cstr(o, "StateReason", "The function failed to initialise.");
		json_member_cstr(o, "StateReasonCode", "FunctionError.RuntimeInitError");
	}
	if (v->number || !(f->updating || f->update_failed)) {
		json_member_cstr(o, "LastUpdateStatus", "Successful");
		return;
	}
	json_member_cstr(o, "LastUpdateStatus", f->updating ? "InProgress" : "Failed");
	json_member_cstr(o, "LastUpdateStatusReason",
			 f->updating ? "The function is being updated." : "Internal error.");
	json_member_cstr(o, "LastUpdateStatusReasonCode",
			 f->updating ? "Creating" : "InternalError");
}

/* The members of a FunctionConfiguration. qualifier goes to the ARN when it is not "". */
static void write_configuration(struct json_out *o, const struct sim_function *f,
				const struct sim_version *v, const char *qualifier, struct utc now)
{
	char arn[400], label[24], modified[UTC_ISO_SIZE + 8], iso[UTC_ISO_SIZE];
	sim_version_label(v->number, label);
	snprintf(arn, sizeof(arn), "%s%s%.130s", f->arn, qualifier[0] ? ":" : "", qualifier);
	/* Lambda writes an offset without a colon here */
	utc_format_iso((struct utc){v->modified.ms - v->modified.ms % 1000}, iso);
	snprintf(modified, sizeof(modified), "%.19s.%03d+0000", iso, (int)(v->modified.ms % 1000));
	json_out_object(o);
	json_member_cstr(o, "FunctionName", f->name);
	json_member_cstr(o, "FunctionArn", arn);
	json_member_cstr(o, "Runtime", "provided.al2023");
	json_member_cstr(o, "Role", v->role);
	json_member_cstr(o, "Handler", "bootstrap");
	json_member_i64(o, "CodeSize", v->code_size);
	json_member_str(o, "Description", str_from(v->description));
	json_member_i64(o, "Timeout", v->timeout_s);
	json_member_i64(o, "MemorySize", v->memory_mb);
	json_member_cstr(o, "LastModified", modified);
	json_member_cstr(o, "CodeSha256", v->sha);
	json_member_cstr(o, "Version", label);
	if (v->dead_letter[0]) {
		json_out_key(o, "DeadLetterConfig");
		json_out_object(o);
		json_member_cstr(o, "TargetArn", v->dead_letter);
		json_out_end(o);
	}
	json_member_cstr(o, "RevisionId", v->revision);
	json_member_cstr(o, "PackageType", "Zip");
	json_out_key(o, "Architectures");
	json_out_array(o);
	json_out_cstr(o, "x86_64");
	json_out_end(o);
	write_state(o, f, v, now);
	json_out_end(o);
}

static void reply_configuration(struct sim_lambda_call *c, int status, const struct sim_version *v,
				const char *qualifier)
{
	struct json_out o;
	struct buf b;
	buf_init(&b, SIM_LAMBDA_ANSWER_MAX);
	json_out_init(&o, &b);
	write_configuration(&o, c->f, v, qualifier, c->x->now);
	sim_reply_json(c->x, status, buf_str(&b));
	buf_release(&b);
}

/* --- reads --------------------------------------------------------------------------------- */

void sim_lambda_get_configuration(struct sim_lambda_call *c)
{
	struct sim_alias *alias;
	const struct sim_version *v;
	if (sim_lambda_need_function(c) && (v = sim_lambda_resolve(c, &alias)))
		reply_configuration(c, 200, v, c->qualifier);
}

void sim_lambda_get_function(struct sim_lambda_call *c)
{
	struct sim_alias *alias;
	const struct sim_version *v;
	struct json_out o;
	struct buf b;
	if (!sim_lambda_need_function(c) || !(v = sim_lambda_resolve(c, &alias)))
		return;
	buf_init(&b, SIM_LAMBDA_ANSWER_MAX);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_out_key(&o, "Configuration");
	write_configuration(&o, c->f, v, c->qualifier, c->x->now);
	json_out_key(&o, "Code");
	json_out_object(&o);
	json_member_cstr(&o, "RepositoryType", "S3");
	json_member_cstr(&o, "Location",
			 "https://awslambda-" SIM_REGION "-tasks.s3." SIM_REGION
			 ".amazonaws.com/snapshots/simulated?X-Amz-Signature=simulated");
	json_out_end(&o);
	json_out_end(&o);
	sim_reply_json(c->x, 200, buf_str(&b));
	buf_release(&b);
}

void sim_lambda_list_versions(struct sim_lambda_call *c)
{
	const struct sim_form *q = sim_form_parse(c->x->arena, c->x->req->query);
	struct str marker = sim_form_get(q, "Marker");
	int64_t from = 0, max = 50;
	struct json_out o;
	struct buf b;
	size_t i, n = 0;
	if (!sim_lambda_need_function(c))
		return;
	(void)str_parse_i64(sim_form_get(q, "MaxItems"), 1, 50, &max);
	if (marker.n && !str_parse_i64(marker, 1, INT32_MAX, &from)) {
		sim_lambda_error(c, 400, "InvalidParameterValueException", "Marker is not valid");
		return;
	}
	buf_init(&b, SIM_LAMBDA_ANSWER_MAX);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_out_key(&o, "Versions");
	json_out_array(&o);
	for (i = (size_t)from; i < c->f->n_versions && n < (size_t)max; i++, n++) {
		char label[24];
		sim_version_label(c->f->versions[i].number, label);
		write_configuration(&o, c->f, &c->f->versions[i], label, c->x->now);
	}
	json_out_end(&o);
	if (i < c->f->n_versions)
		json_member_cstr(&o, "NextMarker", arena_printf(c->x->arena, "%zu", i));
	json_out_end(&o);
	sim_reply_json(c->x, 200, buf_str(&b));
	buf_release(&b);
}

/* --- writes -------------------------------------------------------------------------------- */

static bool check_idle(struct sim_lambda_call *c)
{
	if (!c->f->updating)
		return true;
	sim_lambda_error(c, 409, "ResourceConflictException",
			 "The operation cannot be performed at this time. An update is in progress "
			 "for resource: %s",
			 c->f->arn);
	return false;
}

static bool invalid(struct sim_lambda_call *c, const char *text)
{
	sim_lambda_error(c, 400, "InvalidParameterValueException", "%s", text);
	return false;
}

static void ignore_entry(void *arg, struct str name, struct str content)
{
	(void)arg;
	(void)name;
	(void)content;
}

/* The code a request carries or names, in the arena or with its owner. */
static bool read_code(struct sim_lambda_call *c, struct str *code)
{
	struct str zip = json_text(json_get(c->in, "ZipFile"));
	struct str bucket = json_text(json_get(c->in, "S3Bucket"));
	struct str key = json_text(json_get(c->in, "S3Key"));
	struct err err = ERR_INIT;
	if ((zip.n != 0) == (bucket.n != 0) || (bucket.n && !key.n))
		return invalid(c, "Please do not provide other FunctionCode parameters when "
				  "providing a ZipFile, or provide a source for function code.");
	if (zip.n) {
		size_t n;
		uint8_t *bytes = arena_alloc(c->x->arena, zip.n);
		if (!base64_decode(zip, bytes, zip.n, &n))
			return invalid(c, "ZipFile is not base64");
		*code = (struct str){(const char *)bytes, n};
	} else {
		const struct buf *object = sim_s3_object(c->s, bucket, key);
		if (!object)
			return invalid(c,
				       "Error occurred while GetObject. S3 Error Code: NoSuchKey. "
				       "S3 Error Message: The specified key does not exist.");
		*code = buf_str(object);
	}
	if (sim_zip_each(*code, ignore_entry, NULL, &err))
		return invalid(c, "Could not unzip uploaded file. Please check your file, then try "
				  "to upload again.");
	return true;
}

static void begin_update(struct sim_lambda_call *c)
{
	struct sim_version *latest = &c->f->versions[0];
	latest->modified = c->x->now;
	rng_uuid(sim_dice(c->s), latest->revision);
	c->f->update_failed = false;
	c->f->updating = c->f->update_ms > 0;
	c->f->updated_at.ms = c->x->now.ms + c->f->update_ms;
}

void sim_lambda_update_code(struct sim_lambda_call *c)
{
	struct str code;
	if (!sim_lambda_need_function(c) || !check_idle(c) ||
	    !sim_lambda_check_revision(c, c->f->versions[0].revision) || !read_code(c, &code))
		return;
	if (!json_bool(json_get(c->in, "DryRun"), false)) {
		sim_function_set_code(c->f, code);
		begin_update(c);
		if (json_bool(json_get(c->in, "Publish"), false)) {
			const struct sim_version *v =
				sim_function_publish(c->s, c->f, STR(""), c->x->now);
			char label[24];
			sim_version_label(v->number, label);
			reply_configuration(c, 200, v, label);
			return;
		}
	}
	reply_configuration(c, 200, &c->f->versions[0], "");
}

void sim_lambda_update_configuration(struct sim_lambda_call *c)
{
	struct sim_version *latest;
	const struct json *dlq = json_get(c->in, "DeadLetterConfig");
	const char *role = json_cstr(json_get(c->in, "Role"));
	if (!sim_lambda_need_function(c) || !check_idle(c) ||
	    !sim_lambda_check_revision(c, c->f->versions[0].revision))
		return;
	latest = &c->f->versions[0];
	if (role)
		(void)str_copy(latest->role, sizeof(latest->role), str_from(role));
	if (dlq)
		(void)str_copy(latest->dead_letter, sizeof(latest->dead_letter),
			       json_text(json_get(dlq, "TargetArn")));
	if (json_get(c->in, "Description"))
		(void)str_copy(latest->description, sizeof(latest->description),
			       json_text(json_get(c->in, "Description")));
	(void)json_i64(json_get(c->in, "MemorySize"), &latest->memory_mb);
	(void)json_i64(json_get(c->in, "Timeout"), &latest->timeout_s);
	begin_update(c);
	reply_configuration(c, 200, latest, "");
}

void sim_lambda_publish(struct sim_lambda_call *c)
{
	struct str sha = json_text(json_get(c->in, "CodeSha256"));
	const struct sim_version *v;
	char label[24];
	if (!sim_lambda_need_function(c) || !check_idle(c) ||
	    !sim_lambda_check_revision(c, c->f->versions[0].revision))
		return;
	if (sha.n && !str_is(sha, c->f->versions[0].sha)) {
		sim_lambda_error(c, 400, "InvalidParameterValueException",
				 "CodeSHA256 (" STR_FMT ") is different from current CodeSHA256 in "
				 "$LATEST (%s). Please try again with the CodeSHA256 in $LATEST.",
				 STR_ARG(sha), c->f->versions[0].sha);
		return;
	}
	v = sim_function_publish(c->s, c->f, json_text(json_get(c->in, "Description")), c->x->now);
	sim_version_label(v->number, label);
	reply_configuration(c, 201, v, label);
}

static void delete_version(struct sim_lambda_call *c, int64_t number)
{
	struct sim_version *v = sim_version_find(c->f, number);
	for (size_t i = 0; i < c->f->n_aliases; i++) {
		const struct sim_alias *a = &c->f->aliases[i];
		if (a->version != number && a->additional != number)
			continue;
		sim_lambda_error(c, 409, "ResourceConflictException",
				 "Function version %lld is referenced by alias %s.",
				 (long long)number, a->name);
		return;
	}
	if (v) {
		size_t at = (size_t)(v - c->f->versions);
		memmove(v, v + 1, (c->f->n_versions - at - 1) * sizeof(*v));
		c->f->n_versions--;
	}
	sim_reply_raw(c->x, 204, NULL, STR(""), NULL, 0);
}

void sim_lambda_delete_function(struct sim_lambda_call *c)
{
	int64_t number;
	struct sim_function **at = &c->l->functions;
	if (!sim_lambda_need_function(c))
		return;
	if (c->qualifier[0]) {
		if (!sim_version_parse(str_from(c->qualifier), &number) || !number)
			(void)invalid(c, "$LATEST version cannot be deleted without deleting the "
					 "function.");
		else
			delete_version(c, number);
		return;
	}
	while (*at != c->f)
		at = &(*at)->next;
	*at = c->f->next;
	sim_function_free(c->f);
	sim_reply_raw(c->x, 204, NULL, STR(""), NULL, 0);
}
