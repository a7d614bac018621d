#ifndef AWS_ENDPOINT_H
#define AWS_ENDPOINT_H

#include <stdbool.h>

#include "aws/core/err.h"
#include "aws/core/mem.h"
#include "aws/core/str.h"

struct aws_settings;

/*
 * Where a service is: partition, host, and which region signs. Pure.
 *
 * Source: the endpoint rule sets in botocore's data, and "AWS Regional endpoints".
 */
enum aws_protocol {
	AWS_JSON_1_0,
	AWS_JSON_1_1,
	AWS_QUERY, /* the EC2 flavour included: only its serialisation and errors differ */
	AWS_REST_JSON,
	AWS_REST_XML
};

/* A service, as a static constant in its module. */
struct aws_service {
	const char *id;		     /* "Elastic Load Balancing v2": for settings, logs, errors */
	const char *endpoint_prefix; /* "elasticloadbalancing" */
	const char *signing_name;    /* "elasticloadbalancing" */
	const char *target_prefix;   /* JSON protocols: "CodePipeline_20150709" */
	const char *api_version;     /* query protocol: "2015-12-01" */
	enum aws_protocol protocol;
	/*
	 * True for every service but S3. False means S3's rules: the path is signed exactly as it
	 * is sent, and x-amz-content-sha256 is added.
	 */
	bool double_encode;
	bool query_compatible; /* CloudWatch: send x-amzn-query-mode */
	bool is_global;	       /* Route 53: one host a partition, signed for its global region */
};

/* A partition: a group of regions that shares names and nothing else. */
struct aws_partition {
	const char *id;		   /* "aws", "aws-cn", "aws-us-gov" ...: also the one of ARNs */
	const char *dns_suffix;	   /* "amazonaws.com" */
	const char *dualstack_suffix;
	const char *global_region; /* signs for global services */
};

/* The partition of a region; "aws" for regions nobody knows yet. Never NULL. */
const struct aws_partition *aws_partition_of(const char *region);

/*
 * A region, or another single label to be put into a host name: 1 to 63 of A-Z a-z 0-9 and '-', no
 * '-' at the ends, not only digits.
 */
bool aws_is_host_label(struct str s);

/* True when a bucket name can be part of a TLS host name: S3's rules, and no dots. */
bool aws_is_virtual_host_bucket(struct str bucket);

struct endpoint {
	const char *origin;    /* "https://s3.eu-west-1.amazonaws.com", "http://localhost:4566" */
	const char *host;      /* value of the Host header; port only when it is not the scheme's */
	const char *base_path; /* prefix of every path: "", "/bucket", "/prefix/bucket" */
	const char *region;    /* that signs */
	bool configured;       /* comes from settings, not from the rules */
};

/*
 * Resolve. bucket: the S3 bucket to address, NULL for none. Path style is used when the bucket
 * cannot be a host label, when the host is an IP address or this machine, or when settings force
 * it. Text lives in the arena.
 *
 * ERR_REJECTED: no region, a region that is no host label, FIPS or dual-stack together with a
 * configured URL, a bucket that is none or an access point ARN. ERR_MALFORMED: the configured URL
 * is none. ERR_UNSAFE: it is plain http to a host that is not this machine.
 */
int endpoint_resolve(const struct aws_settings *settings, const struct aws_service *service,
		     const char *region, const char *bucket, struct arena *a,
		     struct endpoint *out, struct err *err) MUST_CHECK;

#endif
