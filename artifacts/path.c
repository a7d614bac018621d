#include "artifacts/path.h"

#include <stdio.h>

/*
 * One pass over the name, segment by segment, straight into the caller's buffer. The text is known
 * to be UTF-8 without NUL before it is looked at, so bytes can be compared.
 */

static int refuse(struct err *err, enum err_code code, struct str name, const char *why)
{
	char shown[PATH_SHOWN_SIZE];

	return err_set(err, code, "entry %s: %s", path_show(name, shown), why);
}

/* Also the C1 controls, which are 0xC2 0x80 to 0xC2 0x9F in UTF-8. */
static bool has_controls(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c == 0x7f)
			return true;
		if (c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0)
			return true;
	}
	return false;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int check_text(struct str name, struct err *err)
{
	if (!name.n)
		return refuse(err, ERR_UNSAFE, name, "an entry without a name");
	if (name.n > LIMIT_ENTRY_NAME)
		return refuse(err, ERR_LIMIT, name, "the name is too long");
	if (memchr(name.p, 0, name.n))
		return refuse(err, ERR_UNSAFE, name, "a NUL byte in the name");
	if (!str_is_utf8(name))
		return refuse(err, ERR_UNSAFE, name, "the name is not UTF-8");
	if (has_controls(name))
		return refuse(err, ERR_UNSAFE, name, "control characters in the name");
	if (name.p[0] == '/')
		return refuse(err, ERR_UNSAFE, name, "an absolute name");
	if (memchr(name.p, '\\', name.n))
		return refuse(err, ERR_UNSAFE, name,
			      "a backslash in the name; archives separate names with '/'");
	return 0;
}

static int check_segment(struct str name, struct str segment, struct err *err)
{
	if (str_is(segment, ".."))
		return refuse(err, ERR_UNSAFE, name,
			      "\"..\" in the name leads out of the directory");
	if (segment.n > PATH_SEGMENT_MAX)
		return refuse(err, ERR_LIMIT, name, "a part of the name is over 255 bytes");
	return 0;
}

int path_normalize(struct str name, size_t max_depth, char buf[PATH_SIZE], struct path *out,
		   struct err *err)
{
	struct str rest = name, segment = {0};
	size_t n = 0, depth = 0;

	if (check_text(name, err))
		return -1;
	while (str_next(&rest, '/', &segment)) {
		if (!segment.n || str_is(segment, "."))
			continue;
		if (check_segment(name, segment, err))
			return -1;
		/* also behind "./", where a reader that strips it would see the drive */
		if (!depth && segment.n > 1 && is_letter(segment.p[0]) && segment.p[1] == ':')
			return refuse(err, ERR_UNSAFE, name, "a drive letter in the name");
		if (++depth > max_depth)
			return refuse(err, ERR_LIMIT, name, "too deep a directory");
		if (n)
			buf[n++] = '/';
		memcpy(buf + n, segment.p, segment.n);
		n += segment.n;
	}
	buf[n] = 0;
	*out = (struct path){
		.text = {buf, n},
		.depth = depth,
		.directory = name.p[name.n - 1] == '/' || str_is(segment, "."),
	};
	return 0;
}

/* Bytes of the character at s.p[i] when it can be shown as it is; 0 otherwise. */
static size_t printable(struct str s, size_t i)
{
	unsigned char c = (unsigned char)s.p[i];
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	if (n == 1)
		return c >= 0x20 && c != 0x7f && c != '"' && c != '\\';
	if (i + n > s.n || !str_is_utf8((struct str){s.p + i, n}))
		return 0;
	return !has_controls((struct str){s.p + i, n}) ? n : 0;
}

const char *path_show(struct str name, char out[PATH_SHOWN_SIZE])
{
	/* what must still fit behind any character: the dots, the quote, the NUL */
	const size_t end = PATH_SHOWN_SIZE - 5;
	size_t at = 0, i = 0;

	out[at++] = '"';
	while (i < name.n) {
		size_t n = printable(name, i);

		if (at + (n ? n : 4) > end)
			break;
		if (n) {
			memcpy(out + at, name.p + i, n);
			at += n;
			i += n;
		} else {
			snprintf(out + at, 5, "\\x%02x", (unsigned char)name.p[i]);
			at += 4;
			i++;
		}
	}
	memcpy(out + at, i < name.n ? "...\"" : "\"", i < name.n ? 5 : 2);
	return out;
}
