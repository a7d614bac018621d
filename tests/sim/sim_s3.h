#ifndef TESTS_SIM_SIM_S3_H
#define TESTS_SIM_SIM_S3_H

#include "tests/sim/sim_internal.h"

/*
 * The store behind S3, shared by sim_s3.c (objects) and sim_s3_multipart.c. Buckets named in
 * artifact stores refuse what is not encrypted with KMS, as CodePipeline's default policy does.
 */
#define SIMS3_OBJECT_MAX (1u << 30)

struct sims3_object {
	const char *bucket, *key;
	struct buf bytes;
	char etag[48]; /* with quotes */
	char version[33];
	const char *content_type, *sse, *kms_key, *checksum_name, *checksum;
	struct utc modified;
	struct sims3_object *next;
};

struct sims3_bucket {
	const char *name;
	bool is_artifact_store;
	struct sims3_bucket *next;
};

struct sims3_part {
	int64_t number;
	struct buf bytes;
	char etag[48];
	struct sims3_part *next;
};

struct sims3_upload {
	char id[RNG_UUID_SIZE];
	const char *bucket, *key, *content_type, *sse, *kms_key;
	struct sims3_part *parts; /* ascending */
	struct sims3_upload *next;
};

struct sims3 {
	struct arena *arena; /* names; objects and parts themselves are on the heap */
	struct sims3_object *objects;
	struct sims3_bucket *buckets;
	struct sims3_upload *uploads;
};

/* One request: whose object, and with which query. */
struct sims3_call {
	struct sim *sim;
	struct sims3 *store;
	const struct sim_exchange *x;
	struct str bucket, key;
	struct sim_form *query;
	bool restricted; /* artifact credentials */
};

struct sims3_bucket *sims3_bucket_find(struct sims3 *t, struct str name);
struct sims3_object *sims3_object_find(struct sims3 *t, struct str bucket, struct str key);
struct sims3_object *sims3_object_put(struct sim *s, struct sims3 *t, struct str bucket,
				      struct str key, struct str bytes);
struct str sims3_header(const struct sims3_call *c, const char *name);
void sims3_error(const struct sims3_call *c, int status, const char *code, const char *text);
void sims3_etag(struct str bytes, char out[48]);
/* The body without the framing of aws-chunked; false when that is broken (answered). */
bool sims3_body(const struct sims3_call *c, struct str *out);
/* False when the bucket's policy or a checksum refuses the upload (answered). */
bool sims3_check_encryption(const struct sims3_call *c);
bool sims3_check_sums(const struct sims3_call *c, struct str body);
bool sims3_check_preconditions(const struct sims3_call *c, const struct sims3_object *o);

/* Whose object a request is for; the bucket is in the host or in front of the path. */
void sims3_split_path(const struct sim_exchange *x, struct str *bucket, struct str *key);
void sims3_object_remove(struct sims3 *t, struct str bucket, struct str key);

/* sim_s3_object.c */
void sims3_get_object(const struct sims3_call *c); /* and HeadObject */
void sims3_put_object(const struct sims3_call *c);
void sims3_delete_object(const struct sims3_call *c);

/* sim_s3_multipart.c */
void sims3_create_upload(const struct sims3_call *c);
void sims3_upload_part(const struct sims3_call *c);
void sims3_complete_upload(const struct sims3_call *c);
void sims3_abort_upload(const struct sims3_call *c);
void sims3_list_parts(const struct sims3_call *c);
void sims3_upload_free(struct sims3_upload *u);

#endif
