#include "tests/unit/sim/asg_shop.h"

/* The simulated Systems Manager: agents, commands over time and what they change, parameters. */

#define SCRIPT "\"DocumentName\":\"AWS-RunShellScript\",\"Parameters\":{\"commands\":[\"%s\"]}"

/* Three instances with agents that answer. */
static struct shop fleet(void)
{
	struct shop s = asg_shop_new();
	sim_advance(s.w->sim, 60000);
	return s;
}

/* Send this script to the first instance, and return the command's id. */
static const char *send(struct world *w, const char *script, const char *more)
{
	ssm(w, "SendCommand",
	    arena_printf(w->arena, "{" SCRIPT ",\"InstanceIds\":[\"%s\"]%s}", script,
			 instance_at(w, "shop-blue", 0), more));
	assert_status(w, 200);
	return json_cstr(json_at(body_json(w), "Command.CommandId"));
}

/* Status of a command on the first instance; "" when there is no such invocation yet. */
static const char *status_of(struct world *w, const char *command, const char *member)
{
	ssm(w, "GetCommandInvocation",
	    arena_printf(w->arena, "{\"CommandId\":\"%s\",\"InstanceId\":\"%s\"}", command,
			 instance_at(w, "shop-blue", 0)));
	if (w->res.status != 200) {
		assert_error(w, 400, "InvocationDoesNotExist");
		return "";
	}
	return json_cstr(json_get(body_json(w), member));
}

static void test_a_command_goes_on_over_time(void **state)
{
	struct shop s = fleet();
	struct world *w = s.w;
	const char *id = send(w, "# sim: errors=0.25", ",\"Comment\":\"rollout r1\"");
	const struct json *first;
	(void)state;
	assert_text(body_json(w), "Command.Status", "Pending");
	assert_text(body_json(w), "Command.Comment", "rollout r1");
	assert_string_equal(status_of(w, id, "Status"), ""); /* not yet */
	sim_advance(w->sim, 3000);
	assert_string_equal(status_of(w, id, "Status"), "InProgress");
	assert_near(number(body_json(w), "ResponseCode"), -1, 0);
	sim_advance(w->sim, 10000);
	assert_string_equal(status_of(w, id, "Status"), "Success");
	assert_near(number(body_json(w), "ResponseCode"), 0, 0);
	ssm(w, "ListCommands", arena_printf(w->arena, "{\"CommandId\":\"%s\"}", id));
	first = json_at(body_json(w), "Commands")->first;
	assert_text(first, "Status", "Success");
	assert_near(number(first, "CompletedCount"), 1, 0);
	ssm(w, "ListCommandInvocations",
	    arena_printf(w->arena, "{\"CommandId\":\"%s\",\"Details\":true}", id));
	first = json_at(body_json(w), "CommandInvocations")->first;
	assert_text(first, "Comment", "rollout r1");
	assert_text(json_get(first, "CommandPlugins")->first, "Name", "aws:runShellScript");
	/* and the instance does what the script says */
	assert_near(number(ctl(w, arena_printf(w->arena, "ec2 show %s",
					       instance_at(w, "shop-blue", 0))),
			   "errorRate"),
		    0.25, 1e-9);
	world_free(w);
}

static void test_scripts_fail_and_time_out(void **state)
{
	struct shop s = fleet();
	struct world *w = s.w;
	const char *id = send(w, "# sim: state=Failed errors=0.9", "");
	(void)state;
	sim_advance(w->sim, 15000);
	assert_string_equal(status_of(w, id, "Status"), "Failed");
	assert_near(number(body_json(w), "ResponseCode"), 1, 0);
	assert_non_null(strstr(status_of(w, id, "StandardErrorContent"), "exit status 1"));
	assert_near(number(ctl(w, arena_printf(w->arena, "ec2 show %s",
					       instance_at(w, "shop-blue", 0))),
			   "errorRate"),
		    0, 0); /* a script that failed has changed nothing */
	ssm(w, "SendCommand",
	    arena_printf(
		    w->arena,
		    "{\"DocumentName\":\"AWS-RunShellScript\",\"Parameters\":{\"commands\":["
		    "\"# sim: smoke=timeout\"],\"executionTimeout\":[\"60\"]},\"InstanceIds\":["
		    "\"%s\"]}",
		    instance_at(w, "shop-blue", 0)));
	id = json_cstr(json_at(body_json(w), "Command.CommandId"));
	sim_advance(w->sim, 30000);
	assert_string_equal(status_of(w, id, "Status"), "InProgress");
	sim_advance(w->sim, 35000);
	assert_string_equal(status_of(w, id, "Status"), "TimedOut");
	assert_string_equal(status_of(w, id, "StatusDetails"), "ExecutionTimedOut");
	/* by control */
	ctl(w, "ssm outcome Failed n=1");
	id = send(w, "true", "");
	sim_advance(w->sim, 15000);
	assert_string_equal(status_of(w, id, "Status"), "Failed");
	id = send(w, "true", "");
	sim_advance(w->sim, 15000);
	assert_string_equal(status_of(w, id, "Status"), "Success");
	ctl(w, "ssm outcome stuck");
	id = send(w, "true", "");
	sim_advance(w->sim, 600000);
	assert_string_equal(status_of(w, id, "Status"), "InProgress");
	ssm(w, "CancelCommand", arena_printf(w->arena, "{\"CommandId\":\"%s\"}", id));
	assert_status(w, 200);
	sim_advance(w->sim, 1000);
	assert_string_equal(status_of(w, id, "Status"), "Cancelled");
	world_free(w);
}

static void test_an_agent_that_does_not_answer(void **state)
{
	struct shop s = fleet();
	struct world *w = s.w;
	const char *id, *first = instance_at(w, "shop-blue", 0);
	(void)state;
	ctl(w, arena_printf(w->arena, "ec2 instance %s agent=lost", first));
	ssm(w, "DescribeInstanceInformation",
	    arena_printf(w->arena, "{\"Filters\":[{\"Key\":\"InstanceIds\",\"Values\":[\"%s\"]}]}",
			 first));
	assert_text(json_at(body_json(w), "InstanceInformationList")->first, "PingStatus",
		    "ConnectionLost");
	ssm(w, "DescribeInstanceInformation",
	    "{\"Filters\":[{\"Key\":\"PingStatus\",\"Values\":[\"Online\"]}]}");
	assert_int_equal(json_at(body_json(w), "InstanceInformationList")->n, 2);
	id = send(w, "true", ",\"TimeoutSeconds\":60");
	sim_advance(w->sim, 30000);
	assert_string_equal(status_of(w, id, "Status"), "Pending");
	sim_advance(w->sim, 31000);
	assert_string_equal(status_of(w, id, "StatusDetails"), "DeliveryTimedOut");
	/* one that is terminated gets nothing */
	ctl(w, arena_printf(w->arena, "ec2 instance %s agent=online", first));
	id = send(w, "true", "");
	ctl(w, arena_printf(w->arena, "ec2 terminate %s", first));
	sim_advance(w->sim, 1000);
	ssm(w, "ListCommandInvocations", arena_printf(w->arena, "{\"CommandId\":\"%s\"}", id));
	sim_advance(w->sim, 2000);
	ssm(w, "ListCommandInvocations", arena_printf(w->arena, "{\"CommandId\":\"%s\"}", id));
	assert_text(json_at(body_json(w), "CommandInvocations")->first, "StatusDetails",
		    "Undeliverable");
	world_free(w);
}

static void test_targets_by_tag(void **state)
{
	struct shop s = fleet();
	struct world *w = s.w;
	const char *id;
	(void)state;
	ssm(w, "SendCommand",
	    arena_printf(w->arena,
			 "{" SCRIPT ",\"Targets\":[{\"Key\":\"tag:aws:autoscaling:groupName\","
			 "\"Values\":[\"shop-blue\"]}]}",
			 "true"));
	id = json_cstr(json_at(body_json(w), "Command.CommandId"));
	assert_near(number(body_json(w), "Command.TargetCount"), 0, 0); /* only known later */
	sim_advance(w->sim, 20000);
	ssm(w, "ListCommands", arena_printf(w->arena, "{\"CommandId\":\"%s\"}", id));
	assert_near(number(json_at(body_json(w), "Commands")->first, "TargetCount"), 3, 0);
	assert_text(json_at(body_json(w), "Commands")->first, "Status", "Success");
	ssm(w, "SendCommand",
	    arena_printf(w->arena,
			 "{" SCRIPT ",\"Targets\":[{\"Key\":\"tag:nobody\",\"Values\":[\"x\"]}]}",
			 "true"));
	id = json_cstr(json_at(body_json(w), "Command.CommandId"));
	sim_advance(w->sim, 5000);
	ssm(w, "ListCommands", arena_printf(w->arena, "{\"CommandId\":\"%s\"}", id));
	assert_text(json_at(body_json(w), "Commands")->first, "Status", "Success"); /* of nobody */
	assert_near(number(json_at(body_json(w), "Commands")->first, "TargetCount"), 0, 0);
	world_free(w);
}

static void test_errors_stop_the_rest(void **state)
{
	struct shop s = fleet();
	struct world *w = s.w;
	const char *id;
	int cancelled = 0;
	(void)state;
	ssm(w, "SendCommand",
	    arena_printf(w->arena,
			 "{" SCRIPT ",\"InstanceIds\":[\"%s\",\"%s\",\"%s\"],\"MaxConcurrency\":"
			 "\"1\"}",
			 "# sim: state=Failed", instance_at(w, "shop-blue", 0),
			 instance_at(w, "shop-blue", 1), instance_at(w, "shop-blue", 2)));
	id = json_cstr(json_at(body_json(w), "Command.CommandId"));
	sim_advance(w->sim, 60000);
	ssm(w, "ListCommandInvocations", arena_printf(w->arena, "{\"CommandId\":\"%s\"}", id));
	json_each(v, json_at(body_json(w), "CommandInvocations")) {
		cancelled += str_is(json_text(json_get(v, "StatusDetails")), "Terminated");
	}
	assert_int_equal(cancelled, 2);
	ssm(w, "ListCommands", arena_printf(w->arena, "{\"CommandId\":\"%s\"}", id));
	assert_text(json_at(body_json(w), "Commands")->first, "Status", "Failed");
	world_free(w);
}

static void test_lists_are_filtered_and_paged(void **state)
{
	struct shop s = fleet();
	struct world *w = s.w;
	char iso[UTC_ISO_SIZE];
	(void)state;
	send(w, "true", ",\"Comment\":\"old\"");
	sim_advance(w->sim, 20000);
	utc_format_iso(sim_now(w->sim), iso);
	sim_advance(w->sim, 1000);
	send(w, "true", ",\"Comment\":\"new\"");
	sim_advance(w->sim, 20000);
	ssm(w, "ListCommandInvocations",
	    arena_printf(w->arena, "{\"Filters\":[{\"key\":\"InvokedAfter\",\"value\":\"%s\"}]}",
			 iso));
	assert_int_equal(json_at(body_json(w), "CommandInvocations")->n, 1);
	assert_text(json_at(body_json(w), "CommandInvocations")->first, "Comment", "new");
	ssm(w, "ListCommands",
	    arena_printf(w->arena, "{\"Filters\":[{\"key\":\"InvokedBefore\",\"value\":\"%s\"}]}",
			 iso));
	assert_text(json_at(body_json(w), "Commands")->first, "Comment", "old");
	ssm(w, "ListCommands", "{\"Filters\":[{\"key\":\"Status\",\"value\":\"Failed\"}]}");
	assert_int_equal(json_at(body_json(w), "Commands")->n, 0);
	ssm(w, "ListCommands", "{\"MaxResults\":1}");
	assert_text(body_json(w), "NextToken", "1");
	ssm(w, "ListCommands", "{\"MaxResults\":1,\"NextToken\":\"1\"}");
	assert_text(json_at(body_json(w), "Commands")->first, "Comment", "old");
	assert_null(json_get(body_json(w), "NextToken"));
	world_free(w);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *operation, *json, *code;
	} cases[] = {
		{"SendCommand", "{}", "ValidationException"},
		{"SendCommand", "{\"DocumentName\":\"Mine\"}", "InvalidDocument"},
		{"SendCommand", "{\"DocumentName\":\"AWS-RunShellScript\"}", "InvalidParameters"},
		{"SendCommand",
		 "{\"DocumentName\":\"AWS-RunShellScript\",\"Parameters\":{\"commands\":\"x\"}}",
		 "InvalidParameters"},
		{"SendCommand",
		 "{\"DocumentName\":\"AWS-RunShellScript\",\"Parameters\":{\"other\":[\"x\"]}}",
		 "InvalidParameters"},
		{"SendCommand",
		 "{\"DocumentName\":\"AWS-RunShellScript\",\"Parameters\":{\"commands\":[\"x\"]}}",
		 "ValidationException"},
		{"SendCommand",
		 "{\"DocumentName\":\"AWS-RunShellScript\",\"Parameters\":{\"commands\":[\"x\"]},"
		 "\"InstanceIds\":[\"i-none\"]}",
		 "InvalidInstanceId"},
		{"SendCommand",
		 "{\"DocumentName\":\"AWS-RunShellScript\",\"Parameters\":{\"commands\":[\"x\"]},"
		 "\"InstanceIds\":[\"i-none\"],\"TimeoutSeconds\":1}",
		 "ValidationException"},
		{"SendCommand", "{\"Colour\":\"red\"}", "ValidationException"},
		{"GetCommandInvocation", "{}", "ValidationException"},
		{"GetCommandInvocation", "{\"CommandId\":\"a\",\"InstanceId\":\"b\"}",
		 "InvocationDoesNotExist"},
		{"ListCommandInvocations", "{\"CommandId\":\"a\"}", "InvalidCommandId"},
		{"ListCommands", "{\"MaxResults\":51}", "ValidationException"},
		{"ListCommands", "{\"NextToken\":\"x\"}", "InvalidNextToken"},
		{"ListCommands", "{\"Filters\":[{\"key\":\"Colour\",\"value\":\"red\"}]}",
		 "InvalidFilterKey"},
		{"ListCommands", "{\"Filters\":[{\"key\":\"InvokedAfter\",\"value\":\"soon\"}]}",
		 "ValidationException"},
		{"CancelCommand", "{\"CommandId\":\"a\"}", "InvalidCommandId"},
		{"DescribeInstanceInformation", "{\"MaxResults\":1}", "ValidationException"},
		{"DescribeInstanceInformation", "{\"Filters\":[{\"Key\":\"Colour\"}]}",
		 "InvalidFilterKey"},
		{"GetParameter", "{\"Name\":\"none\"}", "ParameterNotFound"},
		{"PutParameter", "{\"Name\":\"none\"}", "ValidationException"},
		{"Dance", "{}", "UnknownOperationException"},
	};
	struct shop s = fleet();
	struct world *w = s.w;
	const char *first = instance_at(w, "shop-blue", 0);
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ssm(w, cases[i].operation, cases[i].json);
		assert_error(w, 400, cases[i].code);
	}
	ssm(w, "SendCommand",
	    arena_printf(w->arena, "{" SCRIPT ",\"InstanceIds\":[\"%s\",\"%s\"]}", "true", first,
			 first));
	assert_error(w, 400, "DuplicateInstanceId");
	world_free(w);
}

static void test_parameters(void **state)
{
	struct shop s = fleet();
	struct world *w = s.w;
	(void)state;
	ssm(w, "PutParameter", "{\"Name\":\"/shop/ami\",\"Value\":\"ami-1\",\"Type\":\"String\"}");
	assert_near(number(body_json(w), "Version"), 1, 0);
	ssm(w, "PutParameter", "{\"Name\":\"/shop/ami\",\"Value\":\"ami-2\"}");
	assert_error(w, 400, "ParameterAlreadyExists");
	ssm(w, "PutParameter", "{\"Name\":\"/shop/ami\",\"Value\":\"ami-2\",\"Overwrite\":true}");
	assert_near(number(body_json(w), "Version"), 2, 0);
	ssm(w, "GetParameter", "{\"Name\":\"/shop/ami\"}");
	assert_text(body_json(w), "Parameter.Value", "ami-2");
	world_free(w);
}

static void test_control_refuses_nonsense(void **state)
{
	struct shop s = fleet();
	(void)state;
	ctl_refused(s.w, "ssm timing run=x", "run");
	ctl_refused(s.w, "ssm outcome Maybe", "outcome");
	ctl_refused(s.w, "ssm outcome Failed n=0", "n:");
	ctl_refused(s.w, "ssm dance", "dance");
	ctl(s.w, "ssm timing agent=1s pending=1s run=1s visible=0");
	ctl(s.w, "ssm outcome script");
	assert_int_equal(json_get(ctl(s.w, "ssm show"), "commands")->n, 0);
	world_free(s.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_command_goes_on_over_time),
		cmocka_unit_test(test_scripts_fail_and_time_out),
		cmocka_unit_test(test_an_agent_that_does_not_answer),
		cmocka_unit_test(test_targets_by_tag),
		cmocka_unit_test(test_errors_stop_the_rest),
		cmocka_unit_test(test_lists_are_filtered_and_paged),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_control_refuses_nonsense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
