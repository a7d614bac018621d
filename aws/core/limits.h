#ifndef AWS_CORE_LIMITS_H
#define AWS_CORE_LIMITS_H

/*
 * Every limit on what comes from outside, with its reason. A limit that is hit is ERR_LIMIT, before
 * anything is touched.
 */

/* --- documents ------------------------------------------------------------------------------- */
/* The largest API answers we read (DescribeRules of a full listener) are under 1 MiB. */
#define LIMIT_API_BODY (8u << 20)
/* Real answers have about 2 KiB of headers. */
#define LIMIT_HTTP_HEADERS (256u << 10)
/* Deepest AWS document is about 12; people's plans about 6. */
#define LIMIT_DOC_DEPTH 64
/* 8 MiB of the smallest nodes is about this many. */
#define LIMIT_DOC_NODES 400000
/* A plan is written by people and read every turn. */
#define LIMIT_PLAN_BYTES (256u << 10)
#define LIMIT_CONFIG_BYTES (1u << 20)

/* --- CodePipeline (service model 2015-07-09) ------------------------------------------------ */
#define LIMIT_TOKEN 2048	   /* continuationToken, characters */
#define LIMIT_SUMMARY 2048	   /* executionDetails.summary */
#define LIMIT_EXTERNAL_ID 128	   /* the service takes 1,500; short and URL-safe is wiser */
#define LIMIT_FAILURE_MESSAGE 5000 /* failureDetails.message */
#define LIMIT_JOB_ID 36
#define LIMIT_ARTIFACTS 5	   /* a side */

/* --- artifacts ------------------------------------------------------------------------------- */
/* Defaults; configuration can change the first four. */
#define LIMIT_ARTIFACT_BYTES (5ull << 30)    /* S3 source objects are at most 5 GB */
#define LIMIT_UNPACKED_BYTES (20ull << 30)   /* keeps a bomb from filling a modest disk */
#define LIMIT_UNPACKED_ENTRIES 200000	     /* twice what CodePipeline documents for a source */
#define LIMIT_UNPACKED_ENTRY_BYTES (10ull << 30)
#define LIMIT_UNPACKED_DEPTH 64
#define LIMIT_ENTRY_NAME 4095		     /* PATH_MAX less the NUL */
#define LIMIT_ENTRY_RATIO 1032		     /* deflate cannot do better honestly */
/* A zip's directory, or the names of a tar: LIMIT_UNPACKED_ENTRIES at 300 bytes each. */
#define LIMIT_ARCHIVE_DIRECTORY (64u << 20)

/*
 * The process that unpacks: xz is let have 1 GiB by libarchive, the rest is ours. It holds 16
 * directories and one file open. What is the slowest of the decompressors, bzip2, writes more than
 * 16 MiB a second.
 */
#define LIMIT_UNPACK_MEMORY (2ull << 30)
#define LIMIT_UNPACK_DESCRIPTORS 64
#define LIMIT_UNPACK_RATE (16u << 20) /* bytes a second of CPU, at least */
#define LIMIT_UNPACK_BASE_S 60	      /* and this for everything else */

/* --- rollouts -------------------------------------------------------------------------------- */
#define LIMIT_STEPS 64		/* a linear rollout of 2 % steps fits */
#define LIMIT_GUARDS 32
#define LIMIT_SEGMENTS 8
#define LIMIT_UNDO 640		/* what of the token the undo record may take */
#define LIMIT_CANDIDATE 256	/* and the candidate's identity */
#define LIMIT_ALARMS_PER_CALL 100 /* DescribeAlarms */
#define LIMIT_QUERIES_PER_CALL 500 /* GetMetricData */

#endif
