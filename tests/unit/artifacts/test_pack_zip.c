#include "tests/unit/artifacts/files.h"

#include "artifacts/pack_parts.h"
#include "aws/core/mem.h"

/* The writer of zips by itself: where it can be written no further, at every byte, and at 4 GiB. */
enum {
	ROOM = 128 << 10, /* what a sink gathers */
	LOCAL = 30,
	CENTRAL = 46,
	END = 22,
};
#define LARGEST 0xfffffffeu

struct bench {
	struct pack_sink sink;
	struct pack_zip *zip;
	struct err err;
};

static void begin(struct bench *b, int fd, uint64_t at)
{
	*b = (struct bench){.err = ERR_INIT};
	pack_sink_init(&b->sink, NULL, fd);
	b->sink.at = at;
	b->zip = pack_zip_new(&b->sink);
}

static void end(struct bench *b)
{
	pack_zip_free(b->zip);
	pack_sink_release(&b->sink);
}

static int add(struct bench *b, const char *name, struct pack_source *source)
{
	return pack_zip_add(b->zip, str_from(name), false, source, &b->err);
}

static int finish(struct bench *b)
{
	uint64_t size;

	return pack_zip_end(b->zip, &size, &b->err);
}

static void expect(const struct bench *b, int rc, enum err_code code, const char *text)
{
	assert_int_equal(rc, -1);
	if (b->err.code != code || !strstr(b->err.text, text))
		fail_msg("%s: %s; want %s: %s", err_code_name(b->err.code), b->err.text,
			 err_code_name(code), text);
}

/* The sink is full, and has nowhere to go, after every byte of the records. */
static void no_record_can_be_written(void **state)
{
	static const char name[] = "folder/";
	const size_t local = LOCAL + sizeof(name) - 1, all = local + CENTRAL + sizeof(name) + END;
	static char zeros[ROOM];

	(void)state;
	for (size_t left = 1; left < all + 10; left++) {
		struct bench b;
		int rc;

		begin(&b, -1, 0);
		assert_int_equal(pack_sink_add(&b.sink, zeros, ROOM - left, &b.err), 0);
		rc = add(&b, name, NULL);
		if (rc != (left <= local ? -1 : 0))
			fail_msg("%zu bytes left: %d", left, rc);
		expect(&b, rc ? rc : finish(&b), ERR_SYSTEM, "write the zip");
		assert_int_equal(b.err.sys, EBADF);
		end(&b);
	}
}

static void what_was_written_cannot_be_changed(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, -1, 100);
	expect(&b, pack_sink_patch(&b.sink, 10, "x", 1, &b.err), ERR_SYSTEM, "write the zip");
	end(&b);
}

static void no_zip_is_larger_than_its_numbers(void **state)
{
	struct pack_source huge = {.bytes = {"x", (size_t)LARGEST + 1}, .fd = -1};
	struct bench b;
	int fd = file_of(STR(""));

	(void)state;
	begin(&b, fd, 0);
	expect(&b, add(&b, "huge", &huge), ERR_LIMIT, "\"huge\": is larger than 4 GiB");
	end(&b);
	begin(&b, fd, LARGEST - LOCAL);
	expect(&b, add(&b, "d/", NULL), ERR_LIMIT, "zip: larger than 4 GiB");
	end(&b);
	begin(&b, fd, LARGEST - LOCAL - 2);
	assert_int_equal(add(&b, "d/", NULL), 0);
	expect(&b, finish(&b), ERR_LIMIT, "zip: larger than 4 GiB");
	end(&b);
	begin(&b, fd, LARGEST - LOCAL - 2 - CENTRAL - 2);
	assert_int_equal(add(&b, "d/", NULL), 0);
	assert_int_equal(finish(&b), 0);
	end(&b);
	close(fd);
}

/* A file that grows is not followed: it may never end. */
static void a_file_that_changes_is_refused(void **state)
{
	static const uint64_t sizes[] = {1, 5, 7, 200000};
	int fd = file_of(STR("")), in = file_of(STR("sixsix"));

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct pack_source source = {.fd = in, .size = sizes[i]};
		struct bench b;

		assert_int_equal(lseek(in, 0, SEEK_SET), 0);
		begin(&b, fd, 0);
		expect(&b, add(&b, "log", &source), ERR_CONFLICT,
		       "\"log\": changed while it was packed");
		end(&b);
	}
	close(in);
	in = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	assert_true(in >= 0);
	{
		struct pack_source source = {.fd = in, .size = 100000};
		struct bench b;

		begin(&b, fd, 0);
		expect(&b, add(&b, "log", &source), ERR_CONFLICT, "changed");
		assert_true(b.sink.at + b.sink.n < 100000);
		end(&b);
	}
	close(in);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_record_can_be_written),
		cmocka_unit_test(what_was_written_cannot_be_changed),
		cmocka_unit_test(no_zip_is_larger_than_its_numbers),
		cmocka_unit_test(a_file_that_changes_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
