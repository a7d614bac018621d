#include "aws/endpoint.h"

#include "aws/core/http.h"
#include "aws/settings.h"

/*
 * The endpoint rules of the services we speak to come down to one pattern and two exceptions: S3
 * puts "dualstack." before the region and keeps the ordinary suffix, and in GovCloud most plain
 * hosts are the FIPS hosts. A configured URL replaces the host and nothing else.
 */
static const struct partition_rule {
	struct aws_partition partition;
	const char *prefixes[13]; /* a region is <prefix>-<word>-<number> */
} partitions[] = {
	{{"aws", "amazonaws.com", "api.aws", "us-east-1"},
	 {"us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"}},
	{{"aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "cn-northwest-1"}, {"cn"}},
	{{"aws-us-gov", "amazonaws.com", "api.aws", "us-gov-west-1"}, {"us-gov"}},
	{{"aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu", "eusc-de-east-1"}, {"eusc-de"}},
	{{"aws-iso", "c2s.ic.gov", "api.aws.ic.gov", "us-iso-east-1"}, {"us-iso"}},
	{{"aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud", "us-isob-east-1"}, {"us-isob"}},
	{{"aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "eu-isoe-west-1"}, {"eu-isoe"}},
	{{"aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "us-isof-south-1"}, {"us-isof"}},
};

static bool is_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* region is <prefix>-<word>-<digits>, the word without a hyphen */
static bool matches(struct str region, const char *prefix)
{
	size_t at = strlen(prefix);
	struct str rest, word;

	if (!str_starts(region, prefix) || region.n <= at || region.p[at] != '-')
		return false;
	rest = str_sub(region, at + 1, region.n);
	return str_next(&rest, '-', &word) && word.n && is_digits(rest);
}

const struct aws_partition *aws_partition_of(const char *region)
{
	struct str r = str_from(region);

	for (size_t i = 0; i < sizeof(partitions) / sizeof(partitions[0]); i++)
		for (const char *const *p = partitions[i].prefixes; *p; p++)
			if (matches(r, *p))
				return &partitions[i].partition;
	return &partitions[0].partition;
}

bool aws_is_host_label(struct str s)
{
	if (!s.n || s.n > 63 || s.p[0] == '-' || s.p[s.n - 1] == '-' || is_digits(s))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && s.p[i] != '-')
			return false;
	return true;
}

/* S3's rules for names, dots included: 3 to 63, lower case, alphanumeric at both ends. */
static bool is_bucket(struct str s)
{
	if (s.n < 3 || s.n > 63 || !is_alnum(s.p[0]) || !is_alnum(s.p[s.n - 1]))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((!is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '.') ||
		    (s.p[i] >= 'A' && s.p[i] <= 'Z'))
			return false;
	return true;
}

bool aws_is_virtual_host_bucket(struct str bucket)
{
	return is_bucket(bucket) && !memchr(bucket.p, '.', bucket.n);
}

/* Old buckets of us-east-1 may have capitals and underscores, and be up to 255 long. */
static bool is_path_bucket(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && !memchr("-._", s.p[i], 3))
			return false;
	return s.n >= 3 && s.n <= 255 && !str_is(s, "...") && !str_starts(s, "..");
}

/* --- the rules ------------------------------------------------------------------------------- */

/* In GovCloud the plain hosts of these are FIPS hosts, and "-fips" ones do not exist. */
static bool is_fips_without_suffix(const char *prefix, const struct aws_partition *p)
{
	static const char *const plain[] = {
		"sts",	       "elasticloadbalancing",
		"autoscaling", "ec2",
		"ssm",	       "elasticbeanstalk",
		"monitoring",  "sns",
		"events",      "dynamodb",
	};

	if (strcmp(p->id, "aws-us-gov"))
		return false;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (!strcmp(prefix, plain[i]))
			return true;
	return false;
}

/* One host for all regions of a partition. */
static const char *global_host(const struct aws_settings *s, const struct aws_service *service,
			       const char *region, struct arena *a)
{
	const struct aws_partition *p = aws_partition_of(region);
	bool is_gov = strcmp(p->id, "aws-us-gov") == 0;
	const char *fips = s->use_fips && !is_gov ? "-fips" : "";
	const char *middle = is_gov ? ".us-gov" : s->use_dualstack ? ".global" : "";

	return arena_printf(a, "%s%s%s.%s", service->endpoint_prefix, fips, middle,
			    s->use_dualstack ? p->dualstack_suffix : p->dns_suffix);
}

static const char *rule_host(const struct aws_settings *s, const struct aws_service *service,
			     const char *region, struct arena *a)
{
	const struct aws_partition *p = aws_partition_of(region);
	const char *prefix = service->endpoint_prefix, *fips = s->use_fips ? "-fips" : "";

	if (!strcmp(prefix, "s3"))
		return arena_printf(a, "s3%s.%s%s.%s", fips, s->use_dualstack ? "dualstack." : "",
				    region, p->dns_suffix);
	if (s->use_fips && !s->use_dualstack && is_fips_without_suffix(prefix, p))
		fips = "";
	return arena_printf(a, "%s%s.%s.%s", prefix, fips, region,
			    s->use_dualstack ? p->dualstack_suffix : p->dns_suffix);
}

static bool is_ip_address(struct str host)
{
	bool dotted = host.n > 0;

	for (size_t i = 0; i < host.n; i++)
		if (host.p[i] != '.' && (host.p[i] < '0' || host.p[i] > '9'))
			dotted = false;
	return dotted || (host.n && memchr(host.p, ':', host.n));
}

/* Host and path of a configured URL; *label says whether a bucket can be put before the host. */
static int configured(const struct aws_settings *s, const char *url, struct arena *a,
		      struct endpoint *out, bool *label, struct err *err)
{
	struct http_url u;
	struct str path;
	bool v6;

	if (!http_url_parse(str_from(url), &u) || u.query.n)
		return err_set(err, ERR_MALFORMED,
			       "endpoint URL \"%s\" is not an http or https URL without a query",
			       url);
	if (!u.https && !http_host_is_loopback(u.host))
		return err_set(err, ERR_UNSAFE,
			       "endpoint URL \"%s\" is plain http to another machine: use https",
			       url);
	if (s->use_fips || s->use_dualstack)
		return err_set(err, ERR_REJECTED,
			       "endpoint URL \"%s\" cannot be combined with FIPS or dual-stack",
			       url);
	path = u.path;
	while (str_ends(path, "/"))
		path.n--;
	v6 = u.host.n && memchr(u.host.p, ':', u.host.n);
	out->host = arena_printf(a, v6 ? "[" STR_FMT "]" : STR_FMT, STR_ARG(u.host));
	if (u.port != (u.https ? 443 : 80))
		out->host = arena_printf(a, "%s:%d", out->host, u.port);
	out->origin = arena_printf(a, "%s://%s", u.https ? "https" : "http", out->host);
	out->base_path = str_dup(a, path);
	out->configured = true;
	*label = !is_ip_address(u.host) && !http_host_is_loopback(u.host);
	return 0;
}

static int address_bucket(const struct aws_settings *s, const char *bucket, bool label,
			  struct arena *a, struct endpoint *out, struct err *err)
{
	struct str name = str_from(bucket);
	const char *scheme_end = strstr(out->origin, "://") + 3;

	if (str_starts(name, "arn:"))
		return err_set(err, ERR_REJECTED,
			       "\"%s\" is an access point, which is not supported: name its bucket",
			       bucket);
	if (!is_path_bucket(name))
		return err_set(err, ERR_REJECTED, "\"%s\" cannot be the name of a bucket", bucket);
	if (!label || s->s3_force_path_style || !aws_is_virtual_host_bucket(name)) {
		out->base_path = arena_printf(a, "%s/%s", out->base_path, bucket);
		return 0;
	}
	out->origin = arena_printf(a, "%.*s%s.%s", (int)(scheme_end - out->origin), out->origin,
				   bucket, out->host);
	out->host = arena_printf(a, "%s.%s", bucket, out->host);
	return 0;
}

int endpoint_resolve(const struct aws_settings *settings, const struct aws_service *service,
		     const char *region, const char *bucket, struct arena *a, struct endpoint *out,
		     struct err *err)
{
	const char *url = aws_settings_endpoint_url(settings, service->id, a);
	bool label = true;

	if (!region || !*region)
		return err_set(err, ERR_REJECTED,
			       "no region is configured: set AWS_REGION, or region in the profile");
	if (!aws_is_host_label(str_from(region)))
		return err_set(err, ERR_REJECTED, "\"%s\" cannot be the name of a region", region);
	*out = (struct endpoint){
		.base_path = "",
		.region = arena_strdup(
			a, service->is_global ? aws_partition_of(region)->global_region : region)};
	if (url) {
		if (configured(settings, url, a, out, &label, err))
			return -1;
	} else {
		out->host = service->is_global ? global_host(settings, service, region, a)
					       : rule_host(settings, service, region, a);
		out->origin = arena_printf(a, "https://%s", out->host);
	}
	return bucket ? address_bucket(settings, bucket, label, a, out, err) : 0;
}
