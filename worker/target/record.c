#include "worker/target/record.h"

#include "aws/core/digest.h"

int record_store(const struct buf *b, char *out, size_t size, const char *what, struct err *err)
{
	if (b->over || !str_copy(out, size, buf_str(b)))
		return err_set(err, ERR_LIMIT,
			       "the %s needs more than the %zu bytes there are for it", what,
			       size - 1);
	return 0;
}

int record_load(struct arena *a, const char *text, const struct json **root, struct err *err)
{
	struct json *parsed = NULL;

	if (text[0] && json_parse(a, str_from(text), &parsed, err))
		return err_wrap(err, "record in the state");
	*root = parsed;
	return 0;
}

const char *record_text(const struct json *root, const char *key)
{
	const char *text = json_cstr(json_get(root, key));

	return text ? text : "";
}

void record_mark(const char *text, char out[RECORD_MARK_SIZE])
{
	char hex[SHA256_HEX_SIZE];

	sha256_hex(str_from(text), hex);
	(void)str_copy(out, RECORD_MARK_SIZE, (struct str){hex, RECORD_MARK_SIZE - 1});
}
