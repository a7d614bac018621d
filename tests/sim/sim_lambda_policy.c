#include "tests/sim/sim_lambda.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * Resource policies: who may invoke an alias or a version. A statement is kept under its qualifier
 * and outlives the alias, so that whoever forgets to remove one is found out. Principals that call
 * aliases are given by control; a call without a statement never arrives.
 */

#define STATEMENTS_MAX 200 /* stands for the 20 KB that a policy may have */

static bool is_statement_of(const struct sim_statement *t, const char *qualifier, struct str id)
{
	return strcmp(t->qualifier, qualifier) == 0 && str_is(id, t->id);
}

static struct sim_statement *find(struct sim_function *f, const char *qualifier, struct str id)
{
	for (size_t i = 0; i < f->n_statements; i++)
		if (is_statement_of(&f->statements[i], qualifier, id))
			return &f->statements[i];
	return NULL;
}

static bool valid_id(struct str id)
{
	for (size_t i = 0; i < id.n; i++) {
		char ch = id.p[i];
		if (!((ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') ||
		      (ch >= 'A' && ch <= 'Z') || ch == '-' || ch == '_'))
			return false;
	}
	return id.n >= 1 && id.n <= 100;
}

/* ARN of a role or user, or an account, or a service: whatever IAM would take. */
static bool valid_principal(struct str p)
{
	static const char *const arns[] = {"arn:aws:iam::", "arn:aws:sts::"};
	for (size_t i = 0; i < sizeof(arns) / sizeof(arns[0]); i++)
		if (str_starts(p, arns[i]))
			return p.n > strlen(arns[i]) + 13;
	if (str_ends(p, ".amazonaws.com") || str_is(p, "*"))
		return true;
	return p.n == 12 && str_parse_i64(p, 0, 999999999999, &(int64_t){0});
}

/* False after an error: the alias or version that the policy belongs to must exist. */
static bool need_resource(struct sim_lambda_call *c)
{
	struct sim_alias *alias;
	return sim_lambda_need_function(c) && sim_lambda_resolve(c, &alias);
}

static void write_statement(struct json_out *o, const struct sim_function *f,
			    const struct sim_statement *t)
{
	struct str principal = str_from(t->principal);
	char resource[400];
	snprintf(resource, sizeof(resource), "%s:%s", f->arn, t->qualifier);
	json_out_object(o);
	json_member_cstr(o, "Sid", t->id);
	json_member_cstr(o, "Effect", "Allow");
	json_out_key(o, "Principal");
	if (str_is(principal, "*")) {
		json_out_cstr(o, "*");
	} else {
		json_out_object(o);
		json_member_str(o, str_ends(principal, ".amazonaws.com") ? "Service" : "AWS",
				principal);
		json_out_end(o);
	}
	json_member_cstr(o, "Action", t->action);
	json_member_cstr(o, "Resource", t->qualifier[0] ? resource : f->arn);
	json_out_end(o);
}

/* A member of an answer whose value is a JSON document as text. */
static void reply_text(struct sim_lambda_call *c, int status, const char *member, struct str text,
		       bool revision)
{
	struct json_out o;
	struct buf b;
	buf_init(&b, SIM_LAMBDA_ANSWER_MAX);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_str(&o, member, text);
	if (revision)
		json_member_cstr(&o, "RevisionId", c->f->versions[0].revision);
	json_out_end(&o);
	sim_reply_json(c->x, status, buf_str(&b));
	buf_release(&b);
}

void sim_lambda_add_permission(struct sim_lambda_call *c)
{
	struct str id = json_text(json_get(c->in, "StatementId")),
		   action = json_text(json_get(c->in, "Action")),
		   principal = json_text(json_get(c->in, "Principal"));
	struct sim_statement t = {.action = ""};
	struct json_out o;
	struct buf b;
	if (!need_resource(c))
		return;
	if (!valid_id(id) || !str_starts(action, "lambda:") || !valid_principal(principal) ||
	    !str_copy(t.principal, sizeof(t.principal), principal) ||
	    !str_copy(t.action, sizeof(t.action), action)) {
		sim_lambda_error(c, 400, "InvalidParameterValueException",
				 "The provided principal was invalid. Please check the principal "
				 "and try again.");
		return;
	}
	if (find(c->f, c->qualifier, id)) {
		sim_lambda_error(c, 409, "ResourceConflictException",
				 "The statement id (" STR_FMT
				 ") provided already exists. Please provide a new statement id, or "
				 "remove the existing statement.",
				 STR_ARG(id));
		return;
	}
	if (c->f->n_statements >= STATEMENTS_MAX) {
		sim_lambda_error(c, 400, "PolicyLengthExceededException",
				 "The final policy size is bigger than the limit (20480).");
		return;
	}
	(void)str_copy(t.id, sizeof(t.id), id);
	(void)str_copy(t.qualifier, sizeof(t.qualifier), str_from(c->qualifier));
	c->f->statements =
		xrealloc(c->f->statements, (c->f->n_statements + 1) * sizeof(*c->f->statements));
	c->f->statements[c->f->n_statements++] = t;
	buf_init(&b, 4096);
	json_out_init(&o, &b);
	write_statement(&o, c->f, &t);
	reply_text(c, 201, "Statement", buf_str(&b), false);
	buf_release(&b);
}

void sim_lambda_remove_permission(struct sim_lambda_call *c)
{
	struct sim_statement *t;
	if (!sim_lambda_need_function(c))
		return;
	t = find(c->f, c->qualifier, str_from(c->item));
	if (!t) {
		sim_lambda_error(c, 404, "ResourceNotFoundException",
				 "Statement %s is not found in resource policy.", c->item);
		return;
	}
	size_t at = (size_t)(t - c->f->statements);
	memmove(t, t + 1, (c->f->n_statements - at - 1) * sizeof(*t));
	c->f->n_statements--;
	sim_reply_raw(c->x, 204, NULL, STR(""), NULL, 0);
}

void sim_lambda_get_policy(struct sim_lambda_call *c)
{
	struct json_out o;
	size_t n = 0;
	struct buf b;
	if (!need_resource(c))
		return;
	buf_init(&b, 256u << 10);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_cstr(&o, "Version", "2012-10-17");
	json_member_cstr(&o, "Id", "default");
	json_out_key(&o, "Statement");
	json_out_array(&o);
	for (size_t i = 0; i < c->f->n_statements; i++) {
		if (strcmp(c->f->statements[i].qualifier, c->qualifier) != 0)
			continue;
		write_statement(&o, c->f, &c->f->statements[i]);
		n++;
	}
	json_out_end(&o);
	json_out_end(&o);
	if (n)
		reply_text(c, 200, "Policy", buf_str(&b), true);
	else
		sim_lambda_error(c, 404, "ResourceNotFoundException",
				 "The resource you requested does not exist.");
	buf_release(&b);
}

/* --- callers ------------------------------------------------------------------------------- */

/* lambda caller NAME PRINCIPAL rps=5 */
int sim_lambda_caller(struct sim_function *f, const struct sim_words *w, struct err *err)
{
	struct sim_caller *k = NULL;
	struct str principal = sim_word(w, 3);
	double rps = 0;
	if (!valid_principal(principal) || principal.n >= sizeof(k->principal))
		return err_set(err, ERR_REJECTED, "caller: '" STR_FMT "' is no principal",
			       STR_ARG(principal));
	if (!sim_word_double(w, "rps", &rps) || rps < 0 || rps > 1e6)
		return err_set(err, ERR_REJECTED, "rps: must be 0 to 1000000");
	for (size_t i = 0; i < f->n_callers; i++)
		if (str_is(principal, f->callers[i].principal))
			k = &f->callers[i];
	if (!k) {
		f->callers = xrealloc(f->callers, (f->n_callers + 1) * sizeof(*k));
		k = &f->callers[f->n_callers++];
		(void)str_copy(k->principal, sizeof(k->principal), principal);
	}
	k->rps = rps;
	return 0;
}

double sim_lambda_granted_rps(const struct sim_function *f, const char *qualifier)
{
	double rps = 0;
	for (size_t i = 0; i < f->n_callers; i++) {
		bool allowed = false;
		for (size_t k = 0; k < f->n_statements; k++)
			allowed |= strcmp(f->statements[k].qualifier, qualifier) == 0 &&
				   strcmp(f->statements[k].principal, f->callers[i].principal) == 0;
		rps += allowed ? f->callers[i].rps : 0;
	}
	return rps;
}

void sim_lambda_show_policy(struct json_out *o, const struct sim_function *f)
{
	json_out_key(o, "statements");
	json_out_array(o);
	for (size_t i = 0; i < f->n_statements; i++) {
		json_out_object(o);
		json_member_cstr(o, "id", f->statements[i].id);
		json_member_cstr(o, "qualifier", f->statements[i].qualifier);
		json_member_cstr(o, "principal", f->statements[i].principal);
		json_out_end(o);
	}
	json_out_end(o);
}
