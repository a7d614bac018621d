#include "tests/sim/sim_beanstalk.h"

/*
 * What a request may have: the members of the service's model with their types, lengths and
 * enumerations. The real service ignores members it does not know; here they are refused, because
 * they are mistakes of a client.
 */

struct member {
	const char *operation, *name;
	char type; /* s string, i integer, b boolean, t time, l list, o structure */
	bool required;
	int64_t min, max;  /* length, or value of an integer; max 0: no limit */
	const char *words; /* "|A|B|": the enumeration */
};

static const struct member members[] = {
	{"AbortEnvironmentUpdate", "EnvironmentId", 's', false, 0, 0, NULL},
	{"AbortEnvironmentUpdate", "EnvironmentName", 's', false, 4, 40, NULL},
	{"CheckDNSAvailability", "CNAMEPrefix", 's', true, 4, 63, NULL},
	{"CreateApplicationVersion", "ApplicationName", 's', true, 1, 100, NULL},
	{"CreateApplicationVersion", "VersionLabel", 's', true, 1, 100, NULL},
	{"CreateApplicationVersion", "Description", 's', false, 0, 200, NULL},
	{"CreateApplicationVersion", "SourceBuildInformation", 'o', false, 0, 0, NULL},
	{"CreateApplicationVersion", "SourceBuildInformation.SourceType", 's', false, 0, 0,
	 "|Git|Zip|"},
	{"CreateApplicationVersion", "SourceBuildInformation.SourceRepository", 's', false, 0, 0,
	 "|CodeCommit|S3|"},
	{"CreateApplicationVersion", "SourceBuildInformation.SourceLocation", 's', false, 3, 255,
	 NULL},
	{"CreateApplicationVersion", "SourceBundle", 'o', false, 0, 0, NULL},
	{"CreateApplicationVersion", "SourceBundle.S3Bucket", 's', false, 0, 255, NULL},
	{"CreateApplicationVersion", "SourceBundle.S3Key", 's', false, 0, 1024, NULL},
	{"CreateApplicationVersion", "BuildConfiguration", 'o', false, 0, 0, NULL},
	{"CreateApplicationVersion", "BuildConfiguration.ArtifactName", 's', false, 0, 0, NULL},
	{"CreateApplicationVersion", "BuildConfiguration.CodeBuildServiceRole", 's', false, 0, 0,
	 NULL},
	{"CreateApplicationVersion", "BuildConfiguration.ComputeType", 's', false, 0, 0,
	 "|BUILD_GENERAL1_SMALL|BUILD_GENERAL1_MEDIUM|BUILD_GENERAL1_LARGE|"},
	{"CreateApplicationVersion", "BuildConfiguration.Image", 's', false, 0, 0, NULL},
	{"CreateApplicationVersion", "BuildConfiguration.TimeoutInMinutes", 'i', false, 0, 0, NULL},
	{"CreateApplicationVersion", "AutoCreateApplication", 'b', false, 0, 0, NULL},
	{"CreateApplicationVersion", "Process", 'b', false, 0, 0, NULL},
	{"CreateApplicationVersion", "Tags", 'l', false, 0, 0, NULL},
	{"CreateApplicationVersion", "Tags[].Key", 's', false, 1, 128, NULL},
	{"CreateApplicationVersion", "Tags[].Value", 's', false, 1, 256, NULL},
	{"CreateConfigurationTemplate", "ApplicationName", 's', true, 1, 100, NULL},
	{"CreateConfigurationTemplate", "TemplateName", 's', true, 1, 100, NULL},
	{"CreateConfigurationTemplate", "SolutionStackName", 's', false, 0, 0, NULL},
	{"CreateConfigurationTemplate", "PlatformArn", 's', false, 0, 0, NULL},
	{"CreateConfigurationTemplate", "SourceConfiguration", 'o', false, 0, 0, NULL},
	{"CreateConfigurationTemplate", "SourceConfiguration.ApplicationName", 's', false, 1, 100,
	 NULL},
	{"CreateConfigurationTemplate", "SourceConfiguration.TemplateName", 's', false, 1, 100,
	 NULL},
	{"CreateConfigurationTemplate", "EnvironmentId", 's', false, 0, 0, NULL},
	{"CreateConfigurationTemplate", "Description", 's', false, 0, 200, NULL},
	{"CreateConfigurationTemplate", "OptionSettings", 'l', false, 0, 0, NULL},
	{"CreateConfigurationTemplate", "OptionSettings[].ResourceName", 's', false, 1, 256, NULL},
	{"CreateConfigurationTemplate", "OptionSettings[].Namespace", 's', false, 0, 0, NULL},
	{"CreateConfigurationTemplate", "OptionSettings[].OptionName", 's', false, 0, 0, NULL},
	{"CreateConfigurationTemplate", "OptionSettings[].Value", 's', false, 0, 0, NULL},
	{"CreateConfigurationTemplate", "Tags", 'l', false, 0, 0, NULL},
	{"CreateConfigurationTemplate", "Tags[].Key", 's', false, 1, 128, NULL},
	{"CreateConfigurationTemplate", "Tags[].Value", 's', false, 1, 256, NULL},
	{"CreateEnvironment", "ApplicationName", 's', true, 1, 100, NULL},
	{"CreateEnvironment", "EnvironmentName", 's', false, 4, 40, NULL},
	{"CreateEnvironment", "GroupName", 's', false, 1, 19, NULL},
	{"CreateEnvironment", "Description", 's', false, 0, 200, NULL},
	{"CreateEnvironment", "CNAMEPrefix", 's', false, 4, 63, NULL},
	{"CreateEnvironment", "Tier", 'o', false, 0, 0, NULL},
	{"CreateEnvironment", "Tier.Name", 's', false, 0, 0, NULL},
	{"CreateEnvironment", "Tier.Type", 's', false, 0, 0, NULL},
	{"CreateEnvironment", "Tier.Version", 's', false, 0, 0, NULL},
	{"CreateEnvironment", "Tags", 'l', false, 0, 0, NULL},
	{"CreateEnvironment", "Tags[].Key", 's', false, 1, 128, NULL},
	{"CreateEnvironment", "Tags[].Value", 's', false, 1, 256, NULL},
	{"CreateEnvironment", "VersionLabel", 's', false, 1, 100, NULL},
	{"CreateEnvironment", "TemplateName", 's', false, 1, 100, NULL},
	{"CreateEnvironment", "SolutionStackName", 's', false, 0, 0, NULL},
	{"CreateEnvironment", "PlatformArn", 's', false, 0, 0, NULL},
	{"CreateEnvironment", "OptionSettings", 'l', false, 0, 0, NULL},
	{"CreateEnvironment", "OptionSettings[].ResourceName", 's', false, 1, 256, NULL},
	{"CreateEnvironment", "OptionSettings[].Namespace", 's', false, 0, 0, NULL},
	{"CreateEnvironment", "OptionSettings[].OptionName", 's', false, 0, 0, NULL},
	{"CreateEnvironment", "OptionSettings[].Value", 's', false, 0, 0, NULL},
	{"CreateEnvironment", "OptionsToRemove", 'l', false, 0, 0, NULL},
	{"CreateEnvironment", "OptionsToRemove[].ResourceName", 's', false, 1, 256, NULL},
	{"CreateEnvironment", "OptionsToRemove[].Namespace", 's', false, 0, 0, NULL},
	{"CreateEnvironment", "OptionsToRemove[].OptionName", 's', false, 0, 0, NULL},
	{"CreateEnvironment", "OperationsRole", 's', false, 1, 256, NULL},
	{"DeleteApplicationVersion", "ApplicationName", 's', true, 1, 100, NULL},
	{"DeleteApplicationVersion", "VersionLabel", 's', true, 1, 100, NULL},
	{"DeleteApplicationVersion", "DeleteSourceBundle", 'b', false, 0, 0, NULL},
	{"DeleteConfigurationTemplate", "ApplicationName", 's', true, 1, 100, NULL},
	{"DeleteConfigurationTemplate", "TemplateName", 's', true, 1, 100, NULL},
	{"DescribeApplicationVersions", "ApplicationName", 's', false, 1, 100, NULL},
	{"DescribeApplicationVersions", "VersionLabels", 'l', false, 0, 0, NULL},
	{"DescribeApplicationVersions", "VersionLabels[]", 's', false, 1, 100, NULL},
	{"DescribeApplicationVersions", "MaxRecords", 'i', false, 1, 1000, NULL},
	{"DescribeApplicationVersions", "NextToken", 's', false, 0, 0, NULL},
	{"DescribeApplications", "ApplicationNames", 'l', false, 0, 0, NULL},
	{"DescribeApplications", "ApplicationNames[]", 's', false, 1, 100, NULL},
	{"DescribeConfigurationSettings", "ApplicationName", 's', true, 1, 100, NULL},
	{"DescribeConfigurationSettings", "TemplateName", 's', false, 1, 100, NULL},
	{"DescribeConfigurationSettings", "EnvironmentName", 's', false, 4, 40, NULL},
	{"DescribeEnvironmentHealth", "EnvironmentName", 's', false, 4, 40, NULL},
	{"DescribeEnvironmentHealth", "EnvironmentId", 's', false, 0, 0, NULL},
	{"DescribeEnvironmentHealth", "AttributeNames", 'l', false, 0, 0, NULL},
	{"DescribeEnvironmentHealth", "AttributeNames[]", 's', false, 0, 0,
	 "|Status|Color|Causes|ApplicationMetrics|InstancesHealth|All|HealthStatus|RefreshedAt|"},
	{"DescribeEnvironmentManagedActions", "EnvironmentName", 's', false, 0, 0, NULL},
	{"DescribeEnvironmentManagedActions", "EnvironmentId", 's', false, 0, 0, NULL},
	{"DescribeEnvironmentManagedActions", "Status", 's', false, 0, 0,
	 "|Scheduled|Pending|Running|Unknown|"},
	{"DescribeEnvironmentResources", "EnvironmentId", 's', false, 0, 0, NULL},
	{"DescribeEnvironmentResources", "EnvironmentName", 's', false, 4, 40, NULL},
	{"DescribeEnvironments", "ApplicationName", 's', false, 1, 100, NULL},
	{"DescribeEnvironments", "VersionLabel", 's', false, 1, 100, NULL},
	{"DescribeEnvironments", "EnvironmentIds", 'l', false, 0, 0, NULL},
	{"DescribeEnvironments", "EnvironmentIds[]", 's', false, 0, 0, NULL},
	{"DescribeEnvironments", "EnvironmentNames", 'l', false, 0, 0, NULL},
	{"DescribeEnvironments", "EnvironmentNames[]", 's', false, 4, 40, NULL},
	{"DescribeEnvironments", "IncludeDeleted", 'b', false, 0, 0, NULL},
	{"DescribeEnvironments", "IncludedDeletedBackTo", 't', false, 0, 0, NULL},
	{"DescribeEnvironments", "MaxRecords", 'i', false, 1, 1000, NULL},
	{"DescribeEnvironments", "NextToken", 's', false, 0, 0, NULL},
	{"DescribeEvents", "ApplicationName", 's', false, 1, 100, NULL},
	{"DescribeEvents", "VersionLabel", 's', false, 1, 100, NULL},
	{"DescribeEvents", "TemplateName", 's', false, 1, 100, NULL},
	{"DescribeEvents", "EnvironmentId", 's', false, 0, 0, NULL},
	{"DescribeEvents", "EnvironmentName", 's', false, 4, 40, NULL},
	{"DescribeEvents", "PlatformArn", 's', false, 0, 0, NULL},
	{"DescribeEvents", "RequestId", 's', false, 0, 0, NULL},
	{"DescribeEvents", "Severity", 's', false, 0, 0, "|TRACE|DEBUG|INFO|WARN|ERROR|FATAL|"},
	{"DescribeEvents", "StartTime", 't', false, 0, 0, NULL},
	{"DescribeEvents", "EndTime", 't', false, 0, 0, NULL},
	{"DescribeEvents", "MaxRecords", 'i', false, 1, 1000, NULL},
	{"DescribeEvents", "NextToken", 's', false, 0, 0, NULL},
	{"DescribeInstancesHealth", "EnvironmentName", 's', false, 4, 40, NULL},
	{"DescribeInstancesHealth", "EnvironmentId", 's', false, 0, 0, NULL},
	{"DescribeInstancesHealth", "AttributeNames", 'l', false, 0, 0, NULL},
	{"DescribeInstancesHealth", "AttributeNames[]", 's', false, 0, 0,
	 "|HealthStatus|Color|Causes|ApplicationMetrics|RefreshedAt|LaunchedAt|System|Deployment|"
	 "AvailabilityZone|InstanceType|All|"},
	{"DescribeInstancesHealth", "NextToken", 's', false, 1, 100, NULL},
	{"ListTagsForResource", "ResourceArn", 's', true, 0, 0, NULL},
	{"RebuildEnvironment", "EnvironmentId", 's', false, 0, 0, NULL},
	{"RebuildEnvironment", "EnvironmentName", 's', false, 4, 40, NULL},
	{"RestartAppServer", "EnvironmentId", 's', false, 0, 0, NULL},
	{"RestartAppServer", "EnvironmentName", 's', false, 4, 40, NULL},
	{"SwapEnvironmentCNAMEs", "SourceEnvironmentId", 's', false, 0, 0, NULL},
	{"SwapEnvironmentCNAMEs", "SourceEnvironmentName", 's', false, 4, 40, NULL},
	{"SwapEnvironmentCNAMEs", "DestinationEnvironmentId", 's', false, 0, 0, NULL},
	{"SwapEnvironmentCNAMEs", "DestinationEnvironmentName", 's', false, 4, 40, NULL},
	{"TerminateEnvironment", "EnvironmentId", 's', false, 0, 0, NULL},
	{"TerminateEnvironment", "EnvironmentName", 's', false, 4, 40, NULL},
	{"TerminateEnvironment", "TerminateResources", 'b', false, 0, 0, NULL},
	{"TerminateEnvironment", "ForceTerminate", 'b', false, 0, 0, NULL},
	{"UpdateEnvironment", "ApplicationName", 's', false, 1, 100, NULL},
	{"UpdateEnvironment", "EnvironmentId", 's', false, 0, 0, NULL},
	{"UpdateEnvironment", "EnvironmentName", 's', false, 4, 40, NULL},
	{"UpdateEnvironment", "GroupName", 's', false, 1, 19, NULL},
	{"UpdateEnvironment", "Description", 's', false, 0, 200, NULL},
	{"UpdateEnvironment", "Tier", 'o', false, 0, 0, NULL},
	{"UpdateEnvironment", "Tier.Name", 's', false, 0, 0, NULL},
	{"UpdateEnvironment", "Tier.Type", 's', false, 0, 0, NULL},
	{"UpdateEnvironment", "Tier.Version", 's', false, 0, 0, NULL},
	{"UpdateEnvironment", "VersionLabel", 's', false, 1, 100, NULL},
	{"UpdateEnvironment", "TemplateName", 's', false, 1, 100, NULL},
	{"UpdateEnvironment", "SolutionStackName", 's', false, 0, 0, NULL},
	{"UpdateEnvironment", "PlatformArn", 's', false, 0, 0, NULL},
	{"UpdateEnvironment", "OptionSettings", 'l', false, 0, 0, NULL},
	{"UpdateEnvironment", "OptionSettings[].ResourceName", 's', false, 1, 256, NULL},
	{"UpdateEnvironment", "OptionSettings[].Namespace", 's', false, 0, 0, NULL},
	{"UpdateEnvironment", "OptionSettings[].OptionName", 's', false, 0, 0, NULL},
	{"UpdateEnvironment", "OptionSettings[].Value", 's', false, 0, 0, NULL},
	{"UpdateEnvironment", "OptionsToRemove", 'l', false, 0, 0, NULL},
	{"UpdateEnvironment", "OptionsToRemove[].ResourceName", 's', false, 1, 256, NULL},
	{"UpdateEnvironment", "OptionsToRemove[].Namespace", 's', false, 0, 0, NULL},
	{"UpdateEnvironment", "OptionsToRemove[].OptionName", 's', false, 0, 0, NULL},
	{"UpdateTagsForResource", "ResourceArn", 's', true, 0, 0, NULL},
	{"UpdateTagsForResource", "TagsToAdd", 'l', false, 0, 0, NULL},
	{"UpdateTagsForResource", "TagsToAdd[].Key", 's', false, 1, 128, NULL},
	{"UpdateTagsForResource", "TagsToAdd[].Value", 's', false, 1, 256, NULL},
	{"UpdateTagsForResource", "TagsToRemove", 'l', false, 0, 0, NULL},
	{"UpdateTagsForResource", "TagsToRemove[]", 's', false, 1, 128, NULL},
	{"ValidateConfigurationSettings", "ApplicationName", 's', true, 1, 100, NULL},
	{"ValidateConfigurationSettings", "TemplateName", 's', false, 1, 100, NULL},
	{"ValidateConfigurationSettings", "EnvironmentName", 's', false, 4, 40, NULL},
	{"ValidateConfigurationSettings", "OptionSettings", 'l', true, 0, 0, NULL},
	{"ValidateConfigurationSettings", "OptionSettings[].ResourceName", 's', false, 1, 256,
	 NULL},
	{"ValidateConfigurationSettings", "OptionSettings[].Namespace", 's', false, 0, 0, NULL},
	{"ValidateConfigurationSettings", "OptionSettings[].OptionName", 's', false, 0, 0, NULL},
	{"ValidateConfigurationSettings", "OptionSettings[].Value", 's', false, 0, 0, NULL},
};
#define N_MEMBERS (sizeof(members) / sizeof(members[0]))

/* "OptionSettings.member.3.Value" as "OptionSettings[].Value". */
static bool canonical(struct str key, char *out, size_t size)
{
	struct str part;
	size_t n = 0;
	bool index = false;
	while (str_next(&key, '.', &part)) {
		uint64_t number;
		if (str_is(part, "member")) {
			index = true;
			continue;
		}
		if (index && !str_parse_u64(part, 1, 100000, &number))
			return false;
		if (n + part.n + 4 > size)
			return false;
		if (index) {
			memcpy(out + n, "[]", 2);
			n += 2;
		} else {
			if (n)
				out[n++] = '.';
			memcpy(out + n, part.p, part.n);
			n += part.n;
		}
		index = false;
	}
	out[n] = '\0';
	return true;
}

static const struct member *member_find(const char *operation, const char *name)
{
	for (size_t i = 0; i < N_MEMBERS; i++)
		if (strcmp(members[i].operation, operation) == 0 &&
		    strcmp(members[i].name, name) == 0)
			return &members[i];
	return NULL;
}

static bool is_word(const char *words, struct str value)
{
	struct str rest = str_from(words), word;
	while (str_next(&rest, '|', &word))
		if (word.n && str_eq(word, value))
			return true;
	return false;
}

static int check_value(struct sim_eb_call *c, const struct member *m, struct str value)
{
	int64_t n = (int64_t)value.n;
	struct utc t;
	if (m->type == 'b' && !str_is(value, "true") && !str_is(value, "false"))
		return sim_eb_error(c, 400, "MalformedInput", "%s must be true or false", m->name);
	if (m->type == 't' && !utc_parse_iso(value, &t))
		return sim_eb_error(c, 400, "MalformedInput", "%s is no time in ISO 8601", m->name);
	if (m->type == 'i' && !str_parse_i64(value, INT32_MIN, INT32_MAX, &n))
		return sim_eb_error(c, 400, "MalformedInput", "%s must be a number", m->name);
	if ((m->type == 's' || m->type == 'i') && ((m->max && n > m->max) || n < m->min))
		return sim_eb_error(c, 400, "ValidationError",
				    "Value '" STR_FMT
				    "' at '%s' failed to satisfy constraint: Member "
				    "must have length or value between %lld and %lld",
				    STR_ARG(value), m->name, (long long)m->min, (long long)m->max);
	if (m->words && !is_word(m->words, value))
		return sim_eb_error(c, 400, "ValidationError",
				    "Value '" STR_FMT
				    "' at '%s' failed to satisfy constraint: Member "
				    "must satisfy enum value set: %s",
				    STR_ARG(value), m->name, m->words);
	return 0;
}

int sim_eb_check_request(struct sim_eb_call *c)
{
	const struct sim_form *f = c->x->form;
	for (size_t i = 0; f && i < f->n; i++) {
		const struct member *m;
		char name[200];
		if (str_is(f->pairs[i].key, "Action") || str_is(f->pairs[i].key, "Version"))
			continue;
		m = canonical(f->pairs[i].key, name, sizeof(name))
			    ? member_find(c->x->operation, name)
			    : NULL;
		if (!m || m->type == 'o' || (m->type == 'l' && f->pairs[i].value.n))
			return sim_eb_error(c, 400, "MalformedQueryString",
					    "%s has no member " STR_FMT, c->x->operation,
					    STR_ARG(f->pairs[i].key));
		if (m->type != 'l' && check_value(c, m, f->pairs[i].value))
			return -1;
	}
	for (size_t i = 0; i < N_MEMBERS; i++)
		if (members[i].required && strcmp(members[i].operation, c->x->operation) == 0 &&
		    !json_get(c->in, members[i].name))
			return sim_eb_error(
				c, 400, "ValidationError",
				"Value null at '%s' failed to satisfy constraint: Member "
				"must not be null",
				members[i].name);
	return 0;
}
