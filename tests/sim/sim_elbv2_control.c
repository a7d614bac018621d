#include "tests/sim/sim_elbv2.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim_wire.h"

/*
 * Control of the simulated Elastic Load Balancing: load balancers, listeners, rules and target
 * groups as tests want them, and what other people change while a rollout is under way. The
 * commands are described in tests/sim/README-services.md.
 */

static int get_i64(const struct sim_words *w, const char *key, int64_t min, int64_t max,
		   int64_t *out, struct err *err)
{
	struct str v = sim_word_value(w, key);
	if (v.n && !str_parse_i64(v, min, max, out))
		return err_set(err, ERR_REJECTED, "%s=" STR_FMT ": must be %lld to %lld", key,
			       STR_ARG(v), (long long)min, (long long)max);
	return 0;
}

static int get_ms(const struct sim_words *w, const char *key, int64_t *out, struct err *err)
{
	if (sim_word_value(w, key).n && !sim_word_ms(w, key, out))
		return err_set(err, ERR_REJECTED, "%s: not a duration", key);
	return 0;
}

static int get_rps(const struct sim_words *w, const char *key, double *out, struct err *err)
{
	double v;
	if (!sim_word_value(w, key).n)
		return 0;
	if (!sim_word_double(w, key, &v) || v < 0 || v > 1e6)
		return err_set(err, ERR_REJECTED, "%s: must be 0 to 1000000", key);
	*out = v;
	return 0;
}

static int get_name(struct str word, char *out, size_t size, struct err *err)
{
	if (!word.n || word.n > 32 || !str_copy(out, size, word))
		return err_set(err, ERR_REJECTED, "a name of 1 to 32 bytes is missing");
	return 0;
}

/* --- load balancers and target groups ------------------------------------------------------ */

/* elbv2 load-balancer NAME type=application|network propagation_ms=... */
static int do_lb(struct sim *s, struct sim_elbv2_state *e, const struct sim_words *w,
		 struct err *err)
{
	struct str type = sim_word_value(w, "type");
	struct sim_lb *lb = sim_lb_find(e, sim_word(w, 2));
	char name[40], text[64];
	if (lb)
		return get_ms(w, "propagation_ms", &lb->propagation_ms, err);
	if (get_name(sim_word(w, 2), name, sizeof(name), err))
		return -1;
	if (type.n && !str_is(type, "application") && !str_is(type, "network"))
		return err_set(err, ERR_REJECTED, "type: must be application or network");
	lb = xcalloc(1, sizeof(*lb));
	lb->propagation_ms = -1;
	if (get_ms(w, "propagation_ms", &lb->propagation_ms, err)) {
		free(lb);
		return -1;
	}
	(void)str_copy(lb->name, sizeof(lb->name), str_from(name));
	lb->network = str_is(type, "network");
	lb->active_at = sim_now(s);
	snprintf(text, sizeof(text), "lb:%s", name);
	sim_hex_id(text, lb->id);
	snprintf(lb->arn, sizeof(lb->arn),
		 "arn:aws:elasticloadbalancing:" SIM_REGION ":" SIM_ACCOUNT
		 ":loadbalancer/%s/%s/%s",
		 lb->network ? "net" : "app", name, lb->id);
	lb->tail = strchr(lb->arn, '/') + 1;
	lb->next = e->lbs;
	e->lbs = lb;
	return 0;
}

static int set_tg(struct sim_target_group *tg, const struct sim_words *w, struct err *err)
{
	struct str protocol = sim_word_value(w, "protocol"),
		   type = sim_word_value(w, "target_type"), checks = sim_word_value(w, "checks"),
		   sticky = sim_word_value(w, "sticky");
	if (sim_behaviour_words(&tg->does, w, err) ||
	    get_i64(w, "port", 1, 65535, &tg->port, err) ||
	    get_i64(w, "interval", 5, 300, &tg->interval_s, err) ||
	    get_i64(w, "threshold", 2, 10, &tg->threshold, err) ||
	    get_i64(w, "deregistration_s", 0, 3600, &tg->deregistration_s, err) ||
	    get_i64(w, "slow_start_s", 0, 900, &tg->slow_start_s, err) ||
	    get_ms(w, "healthy_after_ms", &tg->healthy_after_ms, err))
		return -1;
	if ((protocol.n && !str_copy(tg->protocol, sizeof(tg->protocol), protocol)) ||
	    (type.n && !str_copy(tg->target_type, sizeof(tg->target_type), type)))
		return err_set(err, ERR_REJECTED, "protocol or target_type is too long");
	if (checks.n)
		tg->checks_disabled = str_is(checks, "off");
	if (sticky.n)
		tg->sticky = str_is(sticky, "on");
	return 0;
}

/* Register targets i-<n>; or take the last ones away at once. */
static void set_targets(struct sim_target_group *tg, int64_t n, struct utc now)
{
	char id[64];
	if ((size_t)n < tg->n_targets)
		tg->n_targets = (size_t)n;
	for (size_t i = tg->n_targets; i < (size_t)n; i++) {
		snprintf(id, sizeof(id), "i-%s-%zu", tg->name, i + 1);
		sim_target_register(tg, str_from(id), tg->port, now);
	}
}

/* elbv2 target-group NAME targets=3 errors=... : made anew, or its settings changed */
static int do_tg(struct sim *s, struct sim_elbv2_state *e, const struct sim_words *w,
		 struct err *err)
{
	struct sim_target_group *tg = sim_tg_find(e, sim_word(w, 2)), *made = NULL;
	int64_t targets = -1;
	char name[40];
	if (get_i64(w, "targets", 0, 1000, &targets, err))
		return -1;
	if (!tg) {
		if (get_name(sim_word(w, 2), name, sizeof(name), err))
			return -1;
		tg = made = sim_tg_new(name);
	}
	if (set_tg(tg, w, err)) {
		free(made);
		return -1;
	}
	if (made) {
		tg->next = e->tgs;
		e->tgs = tg;
	}
	if (targets >= 0)
		set_targets(tg, targets, sim_now(s));
	return 0;
}

/* elbv2 target TG ID state=unhealthy|healthy */
static int do_target(struct sim_elbv2_state *e, const struct sim_words *w, struct err *err)
{
	struct sim_target_group *tg = sim_tg_find(e, sim_word(w, 2));
	struct str state = sim_word_value(w, "state");
	if (!tg)
		return err_set(err, ERR_NOT_FOUND, "target: no target group '" STR_FMT "'",
			       STR_ARG(sim_word(w, 2)));
	if (!str_is(state, "healthy") && !str_is(state, "unhealthy"))
		return err_set(err, ERR_REJECTED, "state: must be healthy or unhealthy");
	for (size_t i = 0; i < tg->n_targets; i++) {
		if (str_is(sim_word(w, 3), tg->targets[i].id)) {
			tg->targets[i].unhealthy = str_is(state, "unhealthy");
			return 0;
		}
	}
	return err_set(err, ERR_NOT_FOUND, "target: no target '" STR_FMT "' in %s",
		       STR_ARG(sim_word(w, 3)), tg->name);
}

/* --- listeners and rules ------------------------------------------------------------------- */

/* "tg-blue:90,tg-green:10" */
static int parse_forward(struct sim_elbv2_state *e, struct str text, struct sim_forward *f,
			 struct err *err)
{
	struct str one, name;
	while (str_next(&text, ',', &one)) {
		int64_t weight = 1;
		if (f->n == SIM_FORWARD_MAX || !str_next(&one, ':', &name))
			return err_set(err, ERR_REJECTED, "forward: at most %d of group:weight",
				       SIM_FORWARD_MAX);
		if (one.n && !str_parse_i64(one, 0, 999, &weight))
			return err_set(err, ERR_REJECTED, "forward: weight '" STR_FMT "'",
				       STR_ARG(one));
		f->tg[f->n] = sim_tg_find(e, name);
		if (!f->tg[f->n])
			return err_set(err, ERR_NOT_FOUND, "forward: no target group '" STR_FMT "'",
				       STR_ARG(name));
		f->weight[f->n++] = weight;
	}
	return f->n ? 0 : err_set(err, ERR_REJECTED, "forward: missing");
}

static char *oidc_config(const char *client)
{
	return xasprintf(
		"<AuthenticateOidcConfig><Issuer>https://id.example.com</Issuer>"
		"<AuthorizationEndpoint>https://id.example.com/auth</AuthorizationEndpoint>"
		"<TokenEndpoint>https://id.example.com/token</TokenEndpoint>"
		"<UserInfoEndpoint>https://id.example.com/user</UserInfoEndpoint>"
		"<ClientId>%s</ClientId>"
		"<SessionCookieName>AWSELBAuthSessionCookie</SessionCookieName>"
		"<Scope>openid</Scope><SessionTimeout>604800</SessionTimeout>"
		"<OnUnauthenticatedRequest>authenticate</OnUnauthenticatedRequest>"
		"</AuthenticateOidcConfig>",
		client);
}

/* forward=... stickiness=SECONDS auth=oidc; or respond=CODE */
static int parse_actions(struct sim_elbv2_state *e, const struct sim_words *w,
			 struct sim_lb_actions *out, struct err *err)
{
	struct str forward = sim_word_value(w, "forward"), respond = sim_word_value(w, "respond"),
		   auth = sim_word_value(w, "auth");
	struct sim_lb_action last = {.order = 0};
	*out = (struct sim_lb_actions){.n = 0};
	if (auth.n && !str_is(auth, "oidc"))
		return err_set(err, ERR_REJECTED, "auth: must be oidc");
	if (respond.n) {
		(void)str_copy(last.type, sizeof(last.type), STR("fixed-response"));
		last.config = xasprintf("<FixedResponseConfig><StatusCode>" STR_FMT
					"</StatusCode></FixedResponseConfig>",
					STR_ARG(respond));
	} else {
		int64_t seconds = 0;
		(void)str_copy(last.type, sizeof(last.type), STR("forward"));
		if (parse_forward(e, forward, &last.forward, err) ||
		    get_i64(w, "stickiness", 0, 604800, &seconds, err))
			return -1;
		last.forward.sticky = seconds > 0;
		last.forward.sticky_s = seconds;
	}
	if (auth.n) {
		struct sim_lb_action *a = &out->a[out->n++];
		(void)str_copy(a->type, sizeof(a->type), STR("authenticate-oidc"));
		a->order = 1;
		a->config = oidc_config("client-1");
		a->secret = xstrdup("the-client-secret");
		last.order = 2;
	}
	out->a[out->n++] = last;
	return 0;
}

/* elbv2 listener LB port=443 protocol=HTTPS forward=tg-blue:100,tg-green:0 rps=100 */
static int make_listener(struct sim *s, struct sim_elbv2_state *e, const struct sim_words *w,
			 struct sim_listener **out, struct err *err)
{
	struct sim_lb *lb = sim_lb_find(e, sim_word(w, 2));
	struct str protocol = sim_word_value(w, "protocol");
	struct sim_lb_actions actions;
	struct sim_listener *l;
	int64_t port = 80;
	char text[64];
	if (!lb)
		return err_set(err, ERR_NOT_FOUND, "listener: no load balancer '" STR_FMT "'",
			       STR_ARG(sim_word(w, 2)));
	if (get_i64(w, "port", 1, 65535, &port, err) || parse_actions(e, w, &actions, err))
		return -1;
	l = xcalloc(1, sizeof(*l));
	l->lb = lb;
	l->port = port;
	if (!protocol.n)
		protocol = lb->network ? STR("TCP") : port == 443 ? STR("HTTPS") : STR("HTTP");
	(void)str_copy(l->protocol, sizeof(l->protocol), protocol);
	snprintf(text, sizeof(text), "listener:%s:%lld", lb->name, (long long)port);
	sim_hex_id(text, l->id);
	snprintf(l->arn, sizeof(l->arn),
		 "arn:aws:elasticloadbalancing:" SIM_REGION ":" SIM_ACCOUNT ":listener/%s/%s",
		 lb->tail, l->id);
	l->next = e->listeners;
	e->listeners = l;
	sim_lb_rule_set(s, e, sim_lb_rule_new(e, l, 0), &actions, true);
	*out = l;
	return 0;
}

/* Change the actions of a rule as somebody else would: through the data plane's delay, recorded. */
static int change_actions(struct sim *s, struct sim_elbv2_state *e, struct sim_lb_rule *r,
			  const struct sim_words *w, struct err *err)
{
	struct sim_lb_actions actions;
	if (!sim_word_value(w, "forward").n && !sim_word_value(w, "respond").n)
		return 0;
	if (parse_actions(e, w, &actions, err))
		return -1;
	sim_lb_rule_set(s, e, r, &actions, false);
	return 0;
}

static int do_listener(struct sim *s, struct sim_elbv2_state *e, const struct sim_words *w,
		       struct sim_listener **out, struct err *err)
{
	char name[64];
	int64_t port = 80;
	if (get_i64(w, "port", 1, 65535, &port, err))
		return -1;
	snprintf(name, sizeof(name), STR_FMT ":%lld", STR_ARG(str_sub(sim_word(w, 2), 0, 40)),
		 (long long)port);
	*out = sim_listener_find(e, sim_word(w, 2));
	if (!*out)
		*out = sim_listener_find(e, str_from(name));
	if (*out ? change_actions(s, e, sim_default_rule(*out), w, err)
		 : make_listener(s, e, w, out, err))
		return -1;
	return get_rps(w, "rps", &sim_default_rule(*out)->rps, err) ||
			       get_rps(w, "segment_rps", &(*out)->segment_rps, err)
		       ? -1
		       : 0;
}

static void set_conditions(struct sim_lb_rule *r, const struct sim_words *w)
{
	struct str path = sim_word_value(w, "path"), header = sim_word_value(w, "header"), name;
	struct buf b;
	buf_init(&b, 64u << 10);
	if (path.n) {
		buf_adds(&b, "<member><Field>path-pattern</Field><Values>");
		sim_xml_text(&b, "member", path);
		buf_adds(&b, "</Values><PathPatternConfig><Values>");
		sim_xml_text(&b, "member", path);
		buf_adds(&b, "</Values></PathPatternConfig></member>");
	}
	if (str_next(&header, ':', &name)) {
		buf_adds(&b, "<member><Field>http-header</Field><HttpHeaderConfig>");
		sim_xml_text(&b, "HttpHeaderName", name);
		buf_adds(&b, "<Values>");
		sim_xml_text(&b, "member", header);
		buf_adds(&b, "</Values></HttpHeaderConfig></member>");
	}
	free(r->conditions);
	r->conditions = buf_take(&b);
}

/* elbv2 rule LISTENER priority=10 path=/x forward=... rps=5; or elbv2 rule RULE rps=5 */
static int do_rule(struct sim *s, struct sim_elbv2_state *e, const struct sim_words *w,
		   struct sim_lb_rule **out, struct err *err)
{
	struct sim_listener *l = sim_listener_find(e, sim_word(w, 2));
	struct sim_lb_actions actions;
	int64_t priority = 0;
	*out = sim_lb_rule_find(e, sim_word(w, 2));
	if (*out)
		return change_actions(s, e, *out, w, err) || get_rps(w, "rps", &(*out)->rps, err)
			       ? -1
			       : 0;
	if (!l)
		return err_set(err, ERR_NOT_FOUND, "rule: no listener or rule '" STR_FMT "'",
			       STR_ARG(sim_word(w, 2)));
	if (!sim_word_i64(w, "priority", &priority) || priority < 1 || priority > 50000)
		return err_set(err, ERR_REJECTED, "priority: must be 1 to 50000");
	if (parse_actions(e, w, &actions, err))
		return -1;
	*out = sim_lb_rule_new(e, l, priority);
	set_conditions(*out, w);
	sim_lb_rule_set(s, e, *out, &actions, true);
	return get_rps(w, "rps", &(*out)->rps, err);
}

/* --- tags and answers ---------------------------------------------------------------------- */

/* elbv2 tag ARN key=... value=... */
static void do_tag(struct sim_elbv2_state *e, const struct sim_words *w)
{
	struct sim_tag *t;
	e->tags = xrealloc(e->tags, (e->n_tags + 1) * sizeof(*t));
	t = &e->tags[e->n_tags++];
	(void)str_copy(t->arn, sizeof(t->arn), sim_word(w, 2));
	(void)str_copy(t->key, sizeof(t->key), sim_word_value(w, "key"));
	(void)str_copy(t->value, sizeof(t->value), sim_word_value(w, "value"));
}

/* elbv2 delete RULE: somebody removes it */
static int do_delete(struct sim *s, struct sim_elbv2_state *e, const struct sim_words *w,
		     struct json_out *o, struct err *err)
{
	struct sim_lb_rule *r = sim_lb_rule_find(e, sim_word(w, 2));
	if (!r || !r->priority)
		return err_set(err, ERR_NOT_FOUND, "delete: no rule '" STR_FMT "'",
			       STR_ARG(sim_word(w, 2)));
	json_out_object(o);
	json_member_cstr(o, "deleted", r->arn);
	json_out_end(o);
	sim_lb_rule_delete(s, e, r);
	return 0;
}

static void show_tags(struct json_out *o, const struct sim_elbv2_state *e, const char *arn)
{
	json_out_key(o, "tags");
	json_out_object(o);
	for (size_t i = 0; i < e->n_tags; i++)
		if (strcmp(e->tags[i].arn, arn) == 0)
			json_member_str(o, e->tags[i].key, str_from(e->tags[i].value));
	json_out_end(o);
}

/* The rules of a load balancer that are not its listeners' default. */
static void show_rules(struct json_out *o, const struct sim_elbv2_state *e,
		       const struct sim_lb *lb)
{
	json_out_key(o, "rules");
	json_out_array(o);
	for (const struct sim_listener *l = e->listeners; l; l = l->next) {
		for (const struct sim_lb_rule *r = l->rules; l->lb == lb && r; r = r->next) {
			if (!r->priority)
				continue;
			json_out_object(o);
			json_member_cstr(o, "arn", r->arn);
			json_member_i64(o, "priority", r->priority);
			show_tags(o, e, r->arn);
			json_out_end(o);
		}
	}
	json_out_end(o);
}

static void show_rule(struct json_out *o, const struct sim_lb_rule *r, struct utc now)
{
	double share[SIM_FORWARD_MAX] = {0};
	sim_lb_rule_shares(r, now, share);
	json_out_object(o);
	json_member_cstr(o, "arn", r->arn);
	json_member_cstr(o, "listener", r->listener->arn);
	json_member_i64(o, "priority", r->priority);
	json_member_double(o, "rps", r->rps);
	json_out_key(o, "live");
	json_out_array(o);
	for (size_t i = 0; i < r->live.n; i++) {
		json_out_object(o);
		json_member_cstr(o, "targetGroup", r->live.tg[i]->name);
		json_member_i64(o, "weight", r->live.weight[i]);
		json_member_double(o, "share", share[i]);
		json_out_end(o);
	}
	json_out_end(o);
	json_out_end(o);
}

static void show_tg(struct json_out *o, const struct sim_target_group *tg, struct utc now)
{
	json_out_object(o);
	json_member_cstr(o, "arn", tg->arn);
	json_member_cstr(o, "name", tg->name);
	json_member_i64(o, "requests", (int64_t)tg->requests);
	json_member_i64(o, "errors", (int64_t)tg->errors);
	json_out_key(o, "targets");
	json_out_array(o);
	for (size_t i = 0; i < tg->n_targets; i++) {
		const struct sim_target *t = &tg->targets[i];
		json_out_object(o);
		json_member_cstr(o, "id", t->id);
		json_member_cstr(o, "state", sim_target_health(tg, t, now).state);
		if (t->own) {
			json_member_i64(o, "requests", (int64_t)t->requests);
			json_member_i64(o, "errors", (int64_t)t->errors);
		}
		json_out_end(o);
	}
	json_out_end(o);
	json_out_end(o);
}

static int show(struct sim_elbv2_state *e, struct str what, struct utc now, struct json_out *o,
		struct err *err)
{
	const struct sim_target_group *tg = sim_tg_find(e, what);
	const struct sim_listener *l = sim_listener_find(e, what);
	const struct sim_lb_rule *r = sim_lb_rule_find(e, what);
	const struct sim_lb *lb = sim_lb_find(e, what);
	if (r || l) {
		show_rule(o, r ? r : sim_default_rule(l), now);
		return 0;
	}
	if (tg) {
		show_tg(o, tg, now);
		return 0;
	}
	if (!lb)
		return err_set(err, ERR_NOT_FOUND, "elbv2: nothing is called '" STR_FMT "'",
			       STR_ARG(what));
	json_out_object(o);
	json_member_cstr(o, "arn", lb->arn);
	json_member_cstr(o, "dimension", lb->tail);
	show_rules(o, e, lb);
	json_out_end(o);
	return 0;
}

int sim_elbv2_control(struct sim *s, void *state, const struct sim_words *w, struct json_out *out,
		      struct err *err)
{
	struct sim_elbv2_state *e = state;
	struct str verb = sim_word(w, 1), what = sim_word(w, 2);
	struct sim_listener *l = NULL;
	struct sim_lb_rule *r = NULL;
	int rc = 0;
	if (str_is(verb, "delete"))
		return do_delete(s, e, w, out, err);
	if (str_is(verb, "load-balancer"))
		rc = do_lb(s, e, w, err);
	else if (str_is(verb, "target-group"))
		rc = do_tg(s, e, w, err);
	else if (str_is(verb, "target"))
		rc = do_target(e, w, err);
	else if (str_is(verb, "listener"))
		rc = do_listener(s, e, w, &l, err);
	else if (str_is(verb, "rule"))
		rc = do_rule(s, e, w, &r, err);
	else if (str_is(verb, "tag"))
		do_tag(e, w);
	else if (!str_is(verb, "show"))
		rc = err_set(err, ERR_REJECTED, "elbv2: no command '" STR_FMT "'", STR_ARG(verb));
	if (rc)
		return -1;
	if (l)
		what = str_from(l->arn);
	if (r)
		what = str_from(r->arn);
	return show(e, what, sim_now(s), out, err);
}
