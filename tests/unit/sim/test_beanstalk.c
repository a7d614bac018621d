#include "tests/unit/sim/eb_shop.h"
#include "tests/sim/sim_internal.h"

/* The simulated Elastic Beanstalk: versions, environments, settings, events, health. */

#define VERSION "DescribeApplicationVersionsResult/ApplicationVersions/member"
#define STACK "SolutionStackName=64bit"

static void put_bundle(struct world *w, const char *key, const char *text)
{
	struct buf b;
	struct sim_zip z;
	buf_init(&b, 65536);
	sim_zip_begin(&z, &b);
	sim_zip_add(&z, STR("app.py"), str_from(text), 0644);
	sim_zip_end(&z);
	sim_s3_put_object(w->sim, STR("bundles"), str_from(key), buf_str(&b));
	buf_release(&b);
}

static int create_version(struct world *w, const char *label, const char *key)
{
	return eb(w,
		  "CreateApplicationVersion&ApplicationName=shop&VersionLabel=%s"
		  "&SourceBundle.S3Bucket=bundles&SourceBundle.S3Key=%s&Process=true",
		  label, key);
}

static const char *version_status(struct world *w, const char *label)
{
	eb(w, "DescribeApplicationVersions&ApplicationName=shop&VersionLabels.member.1=%s", label);
	return xml_cstr(eb_result(w, VERSION), "Status");
}

/* --- versions ------------------------------------------------------------------------------- */

static void versions_are_processed(void **state)
{
	(void)state;
	struct world *w = eb_shop("");
	ctl(w, "s3 bucket bundles");
	put_bundle(w, "v2.zip", "# sim: errors=0.2 latency_ms=70\n");
	sim_s3_put_object(w->sim, STR("bundles"), STR("bad.zip"), STR("no archive"));
	create_version(w, "v2", "v2.zip");
	const struct xml *made = eb_result(w, "CreateApplicationVersionResult/ApplicationVersion");
	assert_true(str_is(xml_text(made, "Status"), "Processing"));
	assert_true(str_is(xml_text(made, "SourceBundle/S3Key"), "v2.zip"));
	create_version(w, "bad", "bad.zip");
	assert_status(w, 200);
	eb(w, "UpdateEnvironment&EnvironmentName=shop-blue&VersionLabel=v2");
	eb_refused(w, "InvalidParameterValue", "unusable");
	sim_advance(w->sim, 10000);
	assert_string_equal(version_status(w, "v2"), "Processed");
	assert_string_equal(version_status(w, "bad"), "Failed");
	eb(w, "UpdateEnvironment&EnvironmentName=shop-blue&VersionLabel=bad");
	eb_refused(w, "InvalidParameterValue", "unusable");
	eb(w, "DescribeEvents&VersionLabel=bad&Severity=ERROR");
	assert_non_null(
		strstr(xml_cstr(eb_result(w, "DescribeEventsResult/Events/member"), "Message"),
		       "Failed to process"));
	/* without Process nobody looks into it */
	eb(w, "CreateApplicationVersion&ApplicationName=shop&VersionLabel=v3"
	      "&SourceBundle.S3Bucket=bundles&SourceBundle.S3Key=v2.zip");
	sim_advance(w->sim, 60000);
	assert_string_equal(version_status(w, "v3"), "Unprocessed");
	world_free(w);
}

static void versions_are_refused(void **state)
{
	(void)state;
	struct world *w = eb_shop("");
	ctl(w, "s3 bucket bundles");
	put_bundle(w, "a.zip", "x");
	create_version(w, "v2", "nothing.zip");
	eb_refused(w, "InvalidParameterValue", "Unable to download from S3 location");
	create_version(w, "v1", "a.zip");
	eb_refused(w, "InvalidParameterValue", "Application Version v1 already exists.");
	create_version(w, "a%2Fb", "a.zip");
	eb_refused(w, "InvalidParameterValue", "not valid");
	ctl(w, "beanstalk bucket bundles denied");
	create_version(w, "v2", "a.zip");
	eb_refused(w, "InsufficientPrivilegesException", "Access Denied");
	assert_int_equal(w->res.status, 403);
	ctl(w, "beanstalk bucket bundles elsewhere");
	create_version(w, "v2", "a.zip");
	eb_refused(w, "S3LocationNotInServiceRegionException", "region");
	ctl(w, "beanstalk bucket bundles fine");
	eb(w, "CreateApplicationVersion&ApplicationName=other&VersionLabel=v1"
	      "&SourceBundle.S3Bucket=bundles&SourceBundle.S3Key=a.zip");
	eb_refused(w, "InvalidParameterValue", "No Application named 'other' found.");
	eb(w, "CreateApplicationVersion&ApplicationName=other&VersionLabel=v1"
	      "&AutoCreateApplication=true&SourceBundle.S3Bucket=bundles&SourceBundle.S3Key=a.zip");
	assert_status(w, 200);
	eb(w, "CreateApplicationVersion&ApplicationName=shop&VersionLabel=v9");
	eb_refused(w, "InvalidParameterCombination", "bucket and key");
	ctl(w, "beanstalk set versions_max=2");
	create_version(w, "v2", "a.zip");
	eb_refused(w, "TooManyApplicationVersionsException", "more than 2");
	world_free(w);
}

static void versions_are_deleted(void **state)
{
	(void)state;
	struct world *w = eb_shop("");
	ctl(w, "beanstalk version shop v2");
	eb(w, "DeleteApplicationVersion&ApplicationName=shop&VersionLabel=v1");
	eb_refused(w, "InvalidParameterValue", "deployed to shop-blue");
	eb(w, "UpdateEnvironment&EnvironmentName=shop-blue&VersionLabel=v2");
	eb(w, "DeleteApplicationVersion&ApplicationName=shop&VersionLabel=v2");
	eb_refused(w, "OperationInProgressFailure", "in progress");
	eb_until(w, "shop-blue", "Ready", 600000);
	eb(w, "DeleteApplicationVersion&ApplicationName=shop&VersionLabel=v1");
	assert_status(w, 200);
	eb(w, "DeleteApplicationVersion&ApplicationName=shop&VersionLabel=v1");
	eb_refused(w, "InvalidParameterValue", "No Application Version named 'v1' found.");
	world_free(w);
}

static void artifact_credentials_are_no_good(void **state)
{
	(void)state;
	struct world *w = eb_shop("");
	struct sim_key key;
	sim_key_issue(w->sim, SIM_ARTIFACT_PRINCIPAL "x", 60000, &key);
	w->key = key.access_key_id;
	w->secret = key.secret;
	w->token = key.token;
	eb(w, "DescribeEnvironments");
	eb_refused(w, "AccessDenied", "elasticbeanstalk:DescribeEnvironments");
	world_free(w);
}

/* --- environments --------------------------------------------------------------------------- */

static void an_environment_is_cloned(void **state)
{
	(void)state;
	struct world *w = eb_shop("policy=Rolling tag.Team=shop "
				  "option.aws:elasticbeanstalk:application:environment/MODE=live");
	const char *id = eb_row(w, "shop-blue", "EnvironmentId");
	ctl(w, "beanstalk environment shop-blue instances=3");
	eb(w, "CreateConfigurationTemplate&ApplicationName=shop&TemplateName=t&EnvironmentId=%s",
	   id);
	assert_status(w, 200);
	eb(w, "CreateConfigurationTemplate&ApplicationName=shop&TemplateName=t&EnvironmentId=%s",
	   id);
	eb_refused(w, "InvalidParameterValue", "Configuration Template t already exists.");
	eb(w, "CreateEnvironment&ApplicationName=shop&EnvironmentName=shop-green&TemplateName=t"
	      "&CNAMEPrefix=shop-next&VersionLabel=v1&Tier.Name=WebServer&Tier.Type=Standard"
	      "&Tags.member.1.Key=Team&Tags.member.1.Value=shop"
	      "&OptionSettings.member.1.Namespace=aws%%3Aautoscaling%%3Aasg"
	      "&OptionSettings.member.1.OptionName=MinSize&OptionSettings.member.1.Value=3");
	assert_true(
		str_is(xml_text(eb_result(w, "CreateEnvironmentResult"), "Status"), "Launching"));
	eb_is(w, "shop-green", "Health", "Grey");
	eb_is(w, "shop-green", "HealthStatus", "Pending");
	eb(w, "DeleteConfigurationTemplate&ApplicationName=shop&TemplateName=t");
	eb_refused(w, "OperationInProgressFailure", "in progress");
	eb(w, "UpdateEnvironment&EnvironmentName=shop-green&VersionLabel=v1");
	eb_refused(w, "InvalidParameterValue",
		   "is in an invalid state for this operation. Must be "
		   "Ready.");
	eb_until(w, "shop-green", "Ready", 300000);
	eb_is(w, "shop-green", "CNAME", "shop-next.eu-central-1.elasticbeanstalk.com");
	eb_is(w, "shop-green", "HealthStatus", "Ok");
	assert_int_equal(eb_instances(w, "shop-green", "v1", "Deployed"), 3);
	assert_int_equal(eb_events(w, "shop-green", "INFO", "Successfully launched environment"),
			 1);
	eb(w, "DescribeConfigurationSettings&ApplicationName=shop&EnvironmentName=shop-green");
	assert_non_null(strstr(str_dup(w->arena, w->res.body), "MODE</OptionName><Value>live"));
	eb(w, "ListTagsForResource&ResourceArn=%s", eb_row(w, "shop-green", "EnvironmentArn"));
	assert_non_null(strstr(str_dup(w->arena, w->res.body), "<Key>Team</Key><Value>shop"));
	eb(w, "DeleteConfigurationTemplate&ApplicationName=shop&TemplateName=t");
	assert_status(w, 200);
	world_free(w);
}

static void environments_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *form, *code, *words;
	} cases[] = {
		{"EnvironmentName=shop-blue&" STACK, "InvalidParameterValue",
		 "Environment shop-blue already exists."},
		{"EnvironmentName=shop-new&CNAMEPrefix=shop-prod&" STACK, "InvalidParameterValue",
		 "DNS name (shop-prod.eu-central-1.elasticbeanstalk.com) is not available."},
		{"EnvironmentName=-shop-&" STACK, "InvalidParameterValue", "may not start"},
		{"EnvironmentName=a23456789012345678901234567890123456789012&" STACK,
		 "ValidationError", "4 and 40"},
		{"EnvironmentName=shop-new&TemplateName=none", "InvalidParameterValue",
		 "No Configuration Template named 'none' found."},
		{"EnvironmentName=shop-new", "MissingParameter", "TemplateName"},
		{"EnvironmentName=shop-new&VersionLabel=v7&" STACK, "InvalidParameterValue",
		 "No Application Version named 'v7' found."},
		{"EnvironmentName=shop-new&Tier.Name=Cron&" STACK, "InvalidParameterValue", "Tier"},
		{"EnvironmentName=shop-new&Tags.member.1.Key=Name&Tags.member.1.Value=x&" STACK,
		 "InvalidParameterValue", "reserved"},
		{"EnvironmentName=shop-new&EnvironmentNam=x&" STACK, "MalformedQueryString",
		 "EnvironmentNam"},
		{"EnvironmentName=shop-new&OptionSettings.member.1.Namespace=aws:nothing"
		 "&OptionSettings.member.1.OptionName=A&OptionSettings.member.1.Value=1&" STACK,
		 "ConfigurationValidationException", "Invalid option specification"},
	};
	struct world *w = eb_shop("");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		eb(w, "CreateEnvironment&ApplicationName=shop&%s", cases[i].form);
		eb_refused(w, cases[i].code, cases[i].words);
	}
	eb(w, "CreateEnvironment&ApplicationName=none&EnvironmentName=shop-new&" STACK);
	eb_refused(w, "InvalidParameterValue", "No Application named 'none' found.");
	eb(w, "CreateEnvironment&EnvironmentName=shop-new&" STACK);
	eb_refused(w, "ValidationError", "ApplicationName");
	ctl(w, "beanstalk set environments_max=1");
	eb(w, "CreateEnvironment&ApplicationName=shop&EnvironmentName=shop-new&" STACK);
	eb_refused(w, "TooManyEnvironmentsException", "more than 1");
	eb(w, "CheckDNSAvailability&CNAMEPrefix=shop-prod");
	assert_true(
		str_is(xml_text(eb_result(w, "CheckDNSAvailabilityResult"), "Available"), "false"));
	eb(w, "CheckDNSAvailability&CNAMEPrefix=shop-next");
	assert_true(
		str_is(xml_text(eb_result(w, "CheckDNSAvailabilityResult"), "Available"), "true"));
	world_free(w);
}

static void the_end_of_an_environment(void **state)
{
	(void)state;
	struct world *w = eb_shop("");
	const char *id = eb_row(w, "shop-blue", "EnvironmentId");
	eb(w, "TerminateEnvironment&EnvironmentId=%s", id);
	assert_true(str_is(xml_text(eb_result(w, "TerminateEnvironmentResult"), "Status"),
			   "Terminating"));
	eb(w, "TerminateEnvironment&EnvironmentId=%s", id);
	eb_refused(w, "InvalidParameterValue", "Must be Ready");
	sim_advance(w->sim, 180000);
	/* visible for an hour unless one asks for the living */
	eb(w, "DescribeEnvironments&EnvironmentIds.member.1=%s", id);
	assert_true(str_is(xml_text(eb_result(w, EB_ROW), "Status"), "Terminated"));
	eb(w, "DescribeEnvironments&EnvironmentIds.member.1=%s&IncludeDeleted=false", id);
	assert_null(eb_result(w, "DescribeEnvironmentsResult/Environments")->first);
	sim_advance(w->sim, 3600000);
	eb(w, "DescribeEnvironments&EnvironmentIds.member.1=%s", id);
	assert_null(eb_result(w, "DescribeEnvironmentsResult/Environments")->first);
	eb(w, "TerminateEnvironment&EnvironmentId=%s", id);
	eb_refused(w, "InvalidParameterValue", "No Environment found");
	/* the name may be used again */
	eb(w, "CreateEnvironment&ApplicationName=shop&EnvironmentName=shop-blue&" STACK);
	assert_status(w, 200);
	world_free(w);
}

/* --- settings ------------------------------------------------------------------------------- */

static const char *settings_status(struct world *w, const char *name, size_t i)
{
	eb(w, "DescribeConfigurationSettings&ApplicationName=shop&EnvironmentName=%s", name);
	const struct xml *m =
		eb_result(w, "DescribeConfigurationSettingsResult/ConfigurationSettings")->first;
	for (; m && i; i--)
		m = m->next;
	return m ? xml_cstr(m, "DeploymentStatus") : "";
}

static void a_configuration_takes_time(void **state)
{
	(void)state;
	struct world *w = eb_shop("");
	static const char more[] =
		"UpdateEnvironment&EnvironmentName=shop-blue"
		"&OptionSettings.member.1.Namespace=aws%3Aautoscaling%3Aasg"
		"&OptionSettings.member.1.OptionName=MinSize&OptionSettings.member.1.Value=";
	eb(w, "%s4&VersionLabel=v1", more);
	eb_refused(w, "InvalidParameterCombination", "in one call");
	eb(w, "UpdateEnvironment&EnvironmentName=shop-blue");
	eb_refused(w, "MissingParameter", "nothing to update");
	eb(w, "%s9", more);
	eb_refused(w, "ConfigurationValidationException", "greater than MaxSize");
	eb(w, "%sx", more);
	eb_refused(w, "ConfigurationValidationException", "Invalid option value");
	eb(w, "%s4", more);
	assert_status(w, 200);
	assert_string_equal(settings_status(w, "shop-blue", 0), "pending");
	assert_string_equal(settings_status(w, "shop-blue", 1), "deployed");
	eb_is(w, "shop-blue", "Status", "Updating");
	eb_is(w, "shop-blue", "AbortableOperationInProgress", "true");
	eb_is(w, "shop-blue", "HealthStatus", "Info");
	eb_until(w, "shop-blue", "Ready", 120000);
	assert_string_equal(settings_status(w, "shop-blue", 0), "deployed");
	assert_string_equal(settings_status(w, "shop-blue", 1), "");
	assert_int_equal(eb_instances(w, "shop-blue", "v1", "Deployed"), 4);
	/* one that fails leaves everything as it was, and says so in two places */
	ctl(w, "beanstalk fail shop-blue config");
	eb(w, "%s1", more);
	eb_until(w, "shop-blue", "Ready", 120000);
	assert_string_equal(settings_status(w, "shop-blue", 1), "failed");
	assert_int_equal(eb_events(w, "shop-blue", "ERROR", "Failed to deploy configuration."), 1);
	eb(w, "ValidateConfigurationSettings&ApplicationName=shop&OptionSettings.member.1."
	      "Namespace=aws:autoscaling:asg&OptionSettings.member.1.OptionName=MinSize"
	      "&OptionSettings.member.1.Value=x");
	assert_true(str_is(xml_text(eb_result(w, "ValidateConfigurationSettingsResult"),
				    "Messages/member/Severity"),
			   "error"));
	world_free(w);
}

static void splitting_needs_its_load_balancer(void **state)
{
	(void)state;
	struct world *w = eb_shop("type=single");
	eb(w, "UpdateEnvironment&EnvironmentName=shop-blue"
	      "&OptionSettings.member.1.Namespace=aws:elasticbeanstalk:command"
	      "&OptionSettings.member.1.OptionName=DeploymentPolicy"
	      "&OptionSettings.member.1.Value=TrafficSplitting");
	eb_refused(w, "ConfigurationValidationException", "Application Load Balancer");
	eb(w, "UpdateEnvironment&EnvironmentName=shop-blue"
	      "&OptionSettings.member.1.Namespace=aws:elasticbeanstalk:environment"
	      "&OptionSettings.member.1.OptionName=LoadBalancerType"
	      "&OptionSettings.member.1.Value=network");
	eb_refused(w, "ConfigurationValidationException", "cannot be changed");
	world_free(w);
}

static void a_managed_update_comes(void **state)
{
	(void)state;
	struct world *w = eb_shop("");
	static const char ask[] = "DescribeEnvironmentManagedActions&EnvironmentName=shop-blue";
	static const char path[] = "DescribeEnvironmentManagedActionsResult/ManagedActions";
	eb(w, ask);
	assert_null(eb_result(w, path)->first);
	ctl(w, "beanstalk managed shop-blue in=10m");
	eb(w, ask);
	assert_true(str_is(xml_text(eb_result(w, path), "member/Status"), "Scheduled"));
	eb(w, "%s&Status=Running", ask);
	assert_null(eb_result(w, path)->first);
	sim_advance(w->sim, 601000);
	eb(w, ask);
	assert_true(str_is(xml_text(eb_result(w, path), "member/Status"), "Running"));
	eb_is(w, "shop-blue", "Status", "Updating");
	eb_until(w, "shop-blue", "Ready", 400000);
	eb(w, ask);
	assert_null(eb_result(w, path)->first);
	/* switched off, it does not come */
	ctl(w, "beanstalk managed shop-blue in=10m");
	eb_option(w, "shop-blue", "aws:elasticbeanstalk:managedactions", "ManagedActionsEnabled",
		  "false");
	sim_advance(w->sim, 1200000);
	eb_is(w, "shop-blue", "Status", "Ready");
	world_free(w);
}

/* --- events and health ---------------------------------------------------------------------- */

static void events_tell_what_happened(void **state)
{
	(void)state;
	struct world *w = eb_shop("");
	ctl(w, "beanstalk version shop v2");
	eb(w, "UpdateEnvironment&EnvironmentName=shop-blue&VersionLabel=v2");
	const char *id = xml_cstr(body_xml(w), "ResponseMetadata/RequestId");
	eb_until(w, "shop-blue", "Ready", 600000);
	ctl(w, "beanstalk update shop-blue");
	eb(w, "DescribeEvents&RequestId=%s&MaxRecords=2", id);
	const struct xml *r = eb_result(w, "DescribeEventsResult");
	assert_non_null(strstr(xml_cstr(r, "Events/member/Message"),
			       "Environment update completed successfully."));
	assert_true(str_is(xml_text(r, "Events/member/RequestId"), id));
	eb(w, "DescribeEvents&RequestId=%s&MaxRecords=2&NextToken=%s", id,
	   xml_cstr(r, "NextToken"));
	r = eb_result(w, "DescribeEventsResult");
	assert_non_null(strstr(xml_cstr(r, "Events/member/Message"), "Deploying new version"));
	assert_null(xml_cstr(r, "NextToken"));
	char iso[UTC_ISO_SIZE];
	utc_format_iso(sim_now(w->sim), iso);
	eb(w, "DescribeEvents&EnvironmentName=shop-blue&EndTime=%s&StartTime=%s", iso, iso);
	assert_null(eb_result(w, "DescribeEventsResult/Events")->first);
	eb(w, "DescribeEvents&EnvironmentName=shop-blue&StartTime=%s", iso);
	assert_non_null(eb_result(w, "DescribeEventsResult/Events")->first);
	world_free(w);
}

static void errors_make_it_ill(void **state)
{
	(void)state;
	struct world *w = eb_shop("");
	eb_is(w, "shop-blue", "Health", "Green");
	ctl(w, "beanstalk version shop v1 errors=0.3");
	sim_advance(w->sim, 60000);
	eb_is(w, "shop-blue", "Health", "Red");
	eb_is(w, "shop-blue", "HealthStatus", "Severe");
	eb(w, "DescribeEnvironmentHealth&EnvironmentName=shop-blue&AttributeNames.member.1=All");
	const struct xml *h = eb_result(w, "DescribeEnvironmentHealthResult");
	assert_non_null(strstr(xml_cstr(h, "Causes/member"), "failing with HTTP 5xx"));
	int64_t total, failed, severe;
	assert_true(xml_i64(h, "ApplicationMetrics/RequestCount", &total));
	assert_true(xml_i64(h, "ApplicationMetrics/StatusCodes/Status5xx", &failed));
	assert_near((double)total, 500, 60);
	assert_near((double)failed, 150, 60);
	assert_true(xml_i64(h, "InstancesHealth/Severe", &severe));
	assert_int_equal(severe, 2);
	assert_int_equal(eb_events(w, "shop-blue", "WARN", "transitioned from Ok to"), 1);
	ctl(w, "beanstalk version shop v1 errors=0");
	sim_advance(w->sim, 90000);
	eb_is(w, "shop-blue", "HealthStatus", "Ok");
	ctl(w, "beanstalk health shop-blue Degraded");
	eb_is(w, "shop-blue", "Health", "Red");
	ctl(w, "beanstalk health shop-blue auto");
	eb_is(w, "shop-blue", "Health", "Green");
	/* no attribute asked for, none told */
	eb(w, "DescribeEnvironmentHealth&EnvironmentName=shop-blue");
	assert_null(xml_cstr(eb_result(w, "DescribeEnvironmentHealthResult"), "HealthStatus"));
	world_free(w);
}

static void basic_health_is_a_colour(void **state)
{
	(void)state;
	struct world *w = eb_shop("health=basic");
	eb_is(w, "shop-blue", "Health", "Green");
	eb_is(w, "shop-blue", "HealthStatus", "");
	eb(w, "DescribeEnvironmentHealth&EnvironmentName=shop-blue&AttributeNames.member.1=All");
	eb_refused(w, "InvalidRequestException", "enhanced");
	eb(w, "DescribeInstancesHealth&EnvironmentName=shop-blue&AttributeNames.member.1=All");
	eb_refused(w, "InvalidRequestException", "enhanced");
	world_free(w);
}

static void many_instances_come_in_pages(void **state)
{
	(void)state;
	struct world *w = eb_shop("");
	ctl(w, "beanstalk environment shop-blue max=30 instances=25");
	assert_int_equal(eb_instances(w, "shop-blue", "v1", "Deployed"), 25);
	eb(w, "DescribeInstancesHealth&EnvironmentName=shop-blue&NextToken=x");
	eb_refused(w, "InvalidParameterValue", "token");
	eb(w, "DescribeEnvironmentResources&EnvironmentName=shop-blue");
	const struct xml *r =
		eb_result(w, "DescribeEnvironmentResourcesResult/EnvironmentResources");
	assert_non_null(strstr(xml_cstr(r, "LoadBalancers/member/Name"), ":loadbalancer/app/"));
	assert_non_null(strstr(xml_cstr(r, "AutoScalingGroups/member/Name"), "AutoScalingGroup"));
	world_free(w);
}

static void its_metrics(void **state)
{
	(void)state;
	struct world *w = eb_shop("");
	ctl(w, "beanstalk version shop v1 errors=0.2 latency_ms=100");
	sim_advance(w->sim, 300000);
	cw(w, "GetMetricData",
	   "{\"StartTime\":1767607200,\"EndTime\":1767610000,\"MetricDataQueries\":[{\"Id\":\"h\","
	   "\"MetricStat\":{\"Period\":60,\"Stat\":\"Maximum\",\"Metric\":{\"Namespace\":"
	   "\"AWS/ElasticBeanstalk\",\"MetricName\":\"EnvironmentHealth\",\"Dimensions\":[{"
	   "\"Name\":\"EnvironmentName\",\"Value\":\"shop-blue\"}]}}},{\"Id\":\"n\","
	   "\"MetricStat\":{\"Period\":60,\"Stat\":\"Sum\",\"Metric\":{\"Namespace\":"
	   "\"AWS/ElasticBeanstalk\",\"MetricName\":\"ApplicationRequests5xx\",\"Dimensions\":[{"
	   "\"Name\":\"EnvironmentName\",\"Value\":\"shop-blue\"}]}}}]}");
	assert_status(w, 200);
	const struct json *r = json_get(body_json(w), "MetricDataResults");
	assert_near(number(json_at(r->first, "Values")->first, ""), 25, 0.1);
	assert_near(number(json_at(r->first->next, "Values")->first, ""), 600, 120);
	world_free(w);
}

static void commands_are_checked(void **state)
{
	(void)state;
	struct world *w = eb_shop("");
	ctl_refused(w, "beanstalk nothing", "no command");
	ctl_refused(w, "beanstalk environment shop-new", "app=");
	ctl_refused(w, "beanstalk environment shop-new app=shop type=odd", "type");
	ctl_refused(w, "beanstalk environment shop-new app=shop shared=none", "share");
	ctl_refused(w, "beanstalk environment shop-blue version=v9", "v9");
	ctl_refused(w, "beanstalk environment shop-blue instances=x", "instances");
	ctl_refused(w, "beanstalk environment shop-blue option.a=b", "option");
	ctl_refused(w, "beanstalk fail shop-blue nothing", "nothing");
	ctl_refused(w, "beanstalk health shop-blue Blue", "Blue");
	ctl_refused(w, "beanstalk managed shop-blue in=x", "duration");
	ctl_refused(w, "beanstalk stuck none", "none");
	ctl_refused(w, "beanstalk set launch=x", "launch");
	ctl_refused(w, "beanstalk bucket b odd", "denied");
	ctl_refused(w, "beanstalk version shop", "label");
	ctl_refused(w, "beanstalk swap shop-blue none", "two");
	ctl_refused(w, "beanstalk abort shop-blue", "nothing to abort");
	eb_is(w, "shop-blue", "Status", "Ready");
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_are_processed),
		cmocka_unit_test(versions_are_refused),
		cmocka_unit_test(versions_are_deleted),
		cmocka_unit_test(artifact_credentials_are_no_good),
		cmocka_unit_test(an_environment_is_cloned),
		cmocka_unit_test(environments_are_refused),
		cmocka_unit_test(the_end_of_an_environment),
		cmocka_unit_test(a_configuration_takes_time),
		cmocka_unit_test(splitting_needs_its_load_balancer),
		cmocka_unit_test(a_managed_update_comes),
		cmocka_unit_test(events_tell_what_happened),
		cmocka_unit_test(errors_make_it_ill),
		cmocka_unit_test(basic_health_is_a_colour),
		cmocka_unit_test(many_instances_come_in_pages),
		cmocka_unit_test(its_metrics),
		cmocka_unit_test(commands_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
