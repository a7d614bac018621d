#include "tests/sim/sim_alarm.h"

#include <stdio.h>

/*
 * Composite alarms: the rule, a boolean expression over the states of other alarms, is compiled to
 * postfix once and evaluated whenever alarms may have changed.
 */

struct parser {
	struct sim_rule *r;
	struct str text;
	size_t at;
	char stack[SIM_RULE_OPS]; /* & | ! ( */
	size_t depth;
	bool want_operand;
	struct err *err;
};

static int fail(struct parser *p, const char *what)
{
	return err_set(p->err, ERR_REJECTED, "rule '" STR_FMT "': %s at offset %zu",
		       STR_ARG(p->text), what, p->at);
}

static int emit(struct parser *p, char kind)
{
	if (p->r->n == SIM_RULE_OPS)
		return fail(p, "too long");
	p->r->op[p->r->n++].kind = kind;
	return 0;
}

static int push(struct parser *p, char c)
{
	if (p->depth == SIM_RULE_OPS)
		return fail(p, "too deep");
	p->stack[p->depth++] = c;
	return 0;
}

static int rank(char c)
{
	return c == '!' ? 3 : c == '&' ? 2 : c == '|' ? 1 : 0;
}

static int reduce(struct parser *p, int r)
{
	while (p->depth && rank(p->stack[p->depth - 1]) >= r)
		if (emit(p, p->stack[--p->depth]))
			return -1;
	return 0;
}

static void skip_blanks(struct parser *p)
{
	while (p->at < p->text.n && (p->text.p[p->at] == ' ' || p->text.p[p->at] == '\n'))
		p->at++;
}

static struct str take_word(struct parser *p)
{
	size_t from = p->at;
	while (p->at < p->text.n &&
	       ((p->text.p[p->at] >= 'A' && p->text.p[p->at] <= 'Z') || p->text.p[p->at] == '_'))
		p->at++;
	return str_sub(p->text, from, p->at);
}

/* ("name") or (name), after ALARM, OK or INSUFFICIENT_DATA */
static int take_alarm(struct parser *p, enum sim_alarm_state st)
{
	size_t from;
	skip_blanks(p);
	if (p->at == p->text.n || p->text.p[p->at] != '(')
		return fail(p, "parenthesis expected");
	from = ++p->at;
	while (p->at < p->text.n && p->text.p[p->at] != ')')
		p->at++;
	if (p->at == p->text.n)
		return fail(p, "parenthesis without end");
	struct str name = str_trim(str_sub(p->text, from, p->at++));
	if (name.n >= 2 && (name.p[0] == '"' || name.p[0] == '\'') &&
	    name.p[name.n - 1] == name.p[0])
		name = str_sub(name, 1, name.n - 1);
	if (!name.n || emit(p, 'a'))
		return name.n ? -1 : fail(p, "alarm name expected");
	p->r->op[p->r->n - 1].state = st;
	if (!str_copy(p->r->op[p->r->n - 1].name, sizeof(p->r->op[0].name), name))
		return fail(p, "alarm name is too long");
	p->want_operand = false;
	return 0;
}

static int parse_operand(struct parser *p)
{
	enum sim_alarm_state st;
	if (p->text.p[p->at] == '(') {
		p->at++;
		return push(p, '(');
	}
	struct str word = take_word(p);
	if (str_is(word, "NOT"))
		return push(p, '!');
	if (str_is(word, "TRUE") || str_is(word, "FALSE")) {
		p->want_operand = false;
		return emit(p, word.p[0]);
	}
	if (sim_alarm_state_parse(word, &st))
		return take_alarm(p, st);
	return fail(p, "ALARM, OK, INSUFFICIENT_DATA, NOT, TRUE or FALSE expected");
}

static int parse_operator(struct parser *p)
{
	if (p->text.p[p->at] == ')') {
		if (reduce(p, 1))
			return -1;
		if (!p->depth)
			return fail(p, "parenthesis without beginning");
		p->depth--;
		p->at++;
		return 0;
	}
	struct str word = take_word(p);
	char c = str_is(word, "AND") ? '&' : str_is(word, "OR") ? '|' : '\0';
	if (!c)
		return fail(p, "AND or OR expected");
	p->want_operand = true;
	return reduce(p, rank(c)) ? -1 : push(p, c);
}

int sim_rule_parse(struct sim_rule *r, struct str text, struct err *err)
{
	struct parser p = {.r = r, .text = text, .want_operand = true, .err = err};
	*r = (struct sim_rule){.n = 0};
	for (skip_blanks(&p); p.at < text.n; skip_blanks(&p))
		if (p.want_operand ? parse_operand(&p) : parse_operator(&p))
			return -1;
	if (p.want_operand)
		return fail(&p, "condition expected");
	if (reduce(&p, 1))
		return -1;
	return p.depth ? fail(&p, "parenthesis without end") : 0;
}

static const struct sim_alarm *find(const struct sim_alarm *all, const char *name)
{
	for (; all; all = all->next)
		if (strcmp(all->name, name) == 0)
			return all;
	return NULL;
}

/* The alarm that decided, for the reason: the first in the rule that is in the named state. */
static const struct sim_alarm *culprit(const struct sim_alarm *a, const struct sim_alarm *all)
{
	for (size_t i = 0; i < a->rule->n; i++) {
		const struct sim_alarm *child =
			a->rule->op[i].kind == 'a' ? find(all, a->rule->op[i].name) : NULL;
		if (child && child->state == a->rule->op[i].state)
			return child;
	}
	for (size_t i = 0; i < a->rule->n; i++)
		if (a->rule->op[i].kind == 'a' && find(all, a->rule->op[i].name))
			return find(all, a->rule->op[i].name);
	return NULL;
}

void sim_alarm_compose(struct sim_alarm *a, const struct sim_alarm *all, struct utc now)
{
	bool stack[SIM_RULE_OPS + 1] = {false};
	char reason[1024], at[UTC_ISO_SIZE];
	size_t n = 0;
	for (size_t i = 0; i < a->rule->n; i++) {
		char kind = a->rule->op[i].kind;
		if (kind == 'a') {
			const struct sim_alarm *child = find(all, a->rule->op[i].name);
			/* an alarm that does not exist counts as INSUFFICIENT_DATA */
			stack[n++] = (child ? child->state : SIM_ALARM_INSUFFICIENT) ==
				     a->rule->op[i].state;
		} else if (kind == 'T' || kind == 'F') {
			stack[n++] = kind == 'T';
		} else if (kind == '!') {
			stack[n - 1] = !stack[n - 1];
		} else {
			n--;
			stack[n - 1] =
				kind == '&' ? stack[n - 1] && stack[n] : stack[n - 1] || stack[n];
		}
	}
	enum sim_alarm_state next = stack[0] ? SIM_ALARM_ALARM : SIM_ALARM_OK;
	const struct sim_alarm *child = culprit(a, all);
	if (next == a->state)
		return;
	utc_format_iso(now, at);
	if (child)
		snprintf(reason, sizeof(reason), "%.380s transitioned to %s at %s", child->arn,
			 sim_alarm_state_name(child->state), at);
	else
		snprintf(reason, sizeof(reason), "the rule is constant");
	sim_alarm_enter(a, next, reason, now);
}
