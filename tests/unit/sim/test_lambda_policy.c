#include "tests/unit/sim/services.h"

/* The simulated Lambda: resource policies, and the traffic of the principals they list. */

#define ROLE "arn:aws:iam::111122223333:role/staff"

static struct world *shop(void)
{
	struct world *w = world_new(NULL);
	ctl(w, "lambda function checkout code=one alias=live");
	lambda(w, "POST", FUNCTIONS "checkout/aliases", NULL,
	       "{\"Name\":\"live-staff\",\"FunctionVersion\":\"1\"}");
	assert_status(w, 201);
	return w;
}

static void add(struct world *w, const char *qualifier, const char *id, const char *principal)
{
	lambda(w, "POST", FUNCTIONS "checkout/policy", qualifier,
	       arena_printf(w->arena,
			    "{\"StatementId\":\"%s\",\"Action\":\"lambda:InvokeFunction\","
			    "\"Principal\":\"%s\"}",
			    id, principal));
}

static const struct json *policy(struct world *w, const char *qualifier)
{
	struct json *root = NULL;
	struct err err = ERR_INIT;

	lambda(w, "GET", FUNCTIONS "checkout/policy", qualifier, "");
	assert_status(w, 200);
	if (json_parse(w->arena, json_text(json_get(body_json(w), "Policy")), &root, &err))
		fail_msg("%s", err.text);
	return json_get(root, "Statement");
}

static void test_a_policy_belongs_to_its_alias(void **state)
{
	struct world *w = shop();
	const struct json *list;
	(void)state;
	lambda(w, "GET", FUNCTIONS "checkout/policy", "Qualifier=live-staff", "");
	assert_error(w, 404, "ResourceNotFoundException");
	add(w, "Qualifier=live-staff", "s1", ROLE);
	assert_status(w, 201);
	add(w, "Qualifier=live-staff", "s2", "sns.amazonaws.com");
	assert_status(w, 201);
	list = policy(w, "Qualifier=live-staff");
	assert_int_equal(list->n, 2);
	assert_text(list->first, "Sid", "s1");
	assert_true(str_is(json_text(json_at(list->first, "Principal.AWS")), ROLE));
	assert_text(list->first, "Resource",
		    "arn:aws:lambda:eu-central-1:111122223333:function:checkout:live-staff");
	assert_true(str_is(json_text(json_at(list->first->next, "Principal.Service")),
			   "sns.amazonaws.com"));
	lambda(w, "GET", FUNCTIONS "checkout/policy", "Qualifier=live", "");
	assert_error(w, 404, "ResourceNotFoundException");
	lambda(w, "GET", FUNCTIONS "checkout/policy", NULL, "");
	assert_error(w, 404, "ResourceNotFoundException");
	lambda(w, "DELETE", FUNCTIONS "checkout/policy/s1", "Qualifier=live-staff", "");
	assert_status(w, 204);
	lambda(w, "DELETE", FUNCTIONS "checkout/policy/s1", "Qualifier=live-staff", "");
	assert_error(w, 404, "ResourceNotFoundException");
	assert_int_equal(policy(w, "Qualifier=live-staff")->n, 1);
	world_free(w);
}

static void test_what_add_permission_refuses(void **state)
{
	struct world *w = shop();
	(void)state;
	add(w, "Qualifier=live-staff", "s1", ROLE);
	add(w, "Qualifier=live-staff", "s1", ROLE);
	assert_error(w, 409, "ResourceConflictException");
	add(w, "Qualifier=live-staff", "s 1", ROLE);
	assert_error(w, 400, "InvalidParameterValueException");
	add(w, "Qualifier=live-staff", "s2", "staff");
	assert_error(w, 400, "InvalidParameterValueException");
	add(w, "Qualifier=none", "s2", ROLE);
	assert_error(w, 404, "ResourceNotFoundException");
	for (int i = 0; i < 199; i++)
		add(w, "Qualifier=live", arena_printf(w->arena, "n%d", i), "111122223333");
	assert_status(w, 201);
	add(w, "Qualifier=live", "n199", ROLE);
	assert_error(w, 400, "PolicyLengthExceededException");
	world_free(w);
}

/* Only those whom the policy lists get through, and only while it does and the alias is there. */
static void test_callers_follow_the_policy(void **state)
{
	struct world *w = shop();
	double n;
	(void)state;
	ctl(w, "lambda caller checkout " ROLE " rps=10");
	sim_advance(w->sim, 60000);
	n = number(json_get(ctl(w, "lambda show checkout"), "versions")->first->next, "requests");
	assert_near(n, 0, 0);
	add(w, "Qualifier=live-staff", "s1", ROLE);
	sim_advance(w->sim, 60000);
	n = number(json_get(ctl(w, "lambda show checkout"), "versions")->first->next, "requests");
	assert_near(n, 600, 11);
	assert_int_equal(json_get(ctl(w, "lambda show checkout"), "statements")->n, 1);
	ctl(w, "lambda delete-alias checkout live-staff");
	sim_advance(w->sim, 60000);
	assert_near(number(json_get(ctl(w, "lambda show checkout"), "versions")->first->next,
			   "requests"),
		    n, 0);
	/* the statement is still there: nobody removed it */
	assert_int_equal(json_get(ctl(w, "lambda show checkout"), "statements")->n, 1);
	lambda(w, "DELETE", FUNCTIONS "checkout/policy/s1", "Qualifier=live-staff", "");
	assert_status(w, 204);
	assert_int_equal(json_get(ctl(w, "lambda show checkout"), "statements")->n, 0);
	ctl_refused(w, "lambda delete-alias checkout live-staff", "live-staff");
	ctl_refused(w, "lambda caller checkout nobody rps=1", "nobody");
	ctl_refused(w, "lambda caller checkout " ROLE " rps=-1", "rps");
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_policy_belongs_to_its_alias),
		cmocka_unit_test(test_what_add_permission_refuses),
		cmocka_unit_test(test_callers_follow_the_policy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
