#include "tests/sim/sim_math.h"

#include <assert.h>

/*
 * Metric math by the shunting-yard method: one pass, one stack of operators of bounded size, no
 * recursion. A missing value makes the result missing, except inside FILL; so does a division by
 * zero, as in CloudWatch.
 */

struct parser {
	struct sim_math *m;
	struct str text;
	size_t at;
	char stack[SIM_MATH_OPS]; /* operators, '(' and 'F' for the parenthesis of a FILL */
	size_t depth;
	bool want_operand;
	struct err *err;
};

static int fail(struct parser *p, const char *what)
{
	return err_set(p->err, ERR_REJECTED, "expression '" STR_FMT "': %s at offset %zu",
		       STR_ARG(p->text), what, p->at);
}

static int emit(struct parser *p, char kind, double number, size_t id)
{
	if (p->m->n == SIM_MATH_OPS)
		return fail(p, "too long");
	p->m->op[p->m->n++] = (struct sim_math_op){kind, number, id};
	return 0;
}

static int push(struct parser *p, char c)
{
	if (p->depth == SIM_MATH_OPS)
		return fail(p, "too deep");
	p->stack[p->depth++] = c;
	return 0;
}

static int rank(char c)
{
	switch (c) {
	case '+':
	case '-':
		return 1;
	case '*':
	case '/':
		return 2;
	case '~':
		return 3;
	default:
		return 0; /* parentheses */
	}
}

/* Emit what binds at least as strongly as rank r. */
static int reduce(struct parser *p, int r)
{
	while (p->depth && rank(p->stack[p->depth - 1]) >= r)
		if (emit(p, p->stack[--p->depth], 0, 0))
			return -1;
	return 0;
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static int parse_number(struct parser *p)
{
	size_t from = p->at;
	double v;
	while (p->at < p->text.n && (is_word(p->text.p[p->at]) || p->text.p[p->at] == '.'))
		p->at++;
	if (!str_parse_double(str_sub(p->text, from, p->at), &v))
		return fail(p, "bad number");
	p->want_operand = false;
	return emit(p, 'n', v, 0);
}

static int parse_name(struct parser *p)
{
	size_t from = p->at, i;
	while (p->at < p->text.n && is_word(p->text.p[p->at]))
		p->at++;
	struct str name = str_sub(p->text, from, p->at);
	if (str_is(name, "FILL")) {
		if (p->at >= p->text.n || p->text.p[p->at] != '(')
			return fail(p, "FILL needs a parenthesis");
		p->at++;
		return push(p, 'F');
	}
	if (name.p[0] < 'a' || name.p[0] > 'z')
		return fail(p, "not an id or a known function");
	for (i = 0; i < p->m->n_ids; i++)
		if (str_is(name, p->m->id[i]))
			break;
	if (i == p->m->n_ids) {
		if (i == SIM_MATH_IDS || !str_copy(p->m->id[i], SIM_MATH_ID_SIZE, name))
			return fail(p, "too many ids, or one too long");
		p->m->n_ids++;
	}
	p->want_operand = false;
	return emit(p, 'v', 0, i);
}

static int parse_operand(struct parser *p, char c)
{
	if (c == '(' || c == '-') {
		p->at++;
		return push(p, c == '-' ? '~' : '(');
	}
	if (c >= '0' && c <= '9')
		return parse_number(p);
	if (is_word(c))
		return parse_name(p);
	return fail(p, "value expected");
}

static int parse_operator(struct parser *p, char c)
{
	if (c == ')') {
		if (reduce(p, 1))
			return -1;
		if (!p->depth)
			return fail(p, "parenthesis without beginning");
		p->at++;
		if (p->stack[p->depth - 1] == 'F')
			return fail(p, "FILL needs two values");
		/* ',' stands for a FILL whose comma has been seen */
		return p->stack[--p->depth] == ',' ? emit(p, 'F', 0, 0) : 0;
	}
	if (c == ',') {
		if (reduce(p, 1))
			return -1;
		if (!p->depth || p->stack[p->depth - 1] != 'F')
			return fail(p, "comma outside of FILL");
		p->stack[p->depth - 1] = ',';
	} else if (rank(c) == 1 || rank(c) == 2) {
		if (reduce(p, rank(c)) || push(p, c))
			return -1;
	} else {
		return fail(p, "operator expected");
	}
	p->at++;
	p->want_operand = true;
	return 0;
}

int sim_math_parse(struct sim_math *m, struct str text, struct err *err)
{
	struct parser p = {.m = m, .text = text, .want_operand = true, .err = err};
	*m = (struct sim_math){0};
	for (;;) {
		while (p.at < text.n && text.p[p.at] == ' ')
			p.at++;
		if (p.at == text.n)
			break;
		char c = text.p[p.at];
		if (p.want_operand ? parse_operand(&p, c) : parse_operator(&p, c))
			return -1;
	}
	if (p.want_operand)
		return fail(&p, "value expected");
	if (reduce(&p, 1))
		return -1;
	return p.depth ? fail(&p, "parenthesis without end") : 0;
}

bool sim_math_eval(const struct sim_math *m, const bool *have, const double *v, double *out)
{
	double stack[SIM_MATH_OPS + 1] = {0};
	bool there[SIM_MATH_OPS + 1] = {false};
	size_t n = 0;
	for (size_t i = 0; i < m->n; i++) {
		const struct sim_math_op *op = &m->op[i];
		if (op->kind == 'n' || op->kind == 'v') {
			stack[n] = op->kind == 'n' ? op->number : v[op->id];
			there[n++] = op->kind == 'n' || have[op->id];
			continue;
		}
		assert(n >= (op->kind == '~' ? 1u : 2u));
		if (op->kind == '~') {
			stack[n - 1] = -stack[n - 1];
			continue;
		}
		double b = stack[--n], *a = &stack[n - 1];
		if (op->kind == 'F') {
			if (!there[n - 1])
				*a = b;
			there[n - 1] = there[n - 1] || there[n];
			continue;
		}
		there[n - 1] = there[n - 1] && there[n] && (op->kind != '/' || b < 0 || b > 0);
		if (!there[n - 1])
			continue;
		*a = op->kind == '+'   ? *a + b
		     : op->kind == '-' ? *a - b
		     : op->kind == '*' ? *a * b
				       : *a / b;
	}
	assert(n == 1);
	*out = stack[0];
	return there[0];
}
