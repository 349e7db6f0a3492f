/* test_input: files of this machine on their way to a sink. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hocker.h"
#include "test.h"

static char root[1000];

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

static void reads_all(void)
{
	struct hk_err err = {0};
	struct hk_mem *m = hk_mem_new(100, &err);

	put("file", "hello, hello, hello");
	CHECK(hk_input_file("file", hk_sink_mem(m, &err), &err) == HK_OK);
	CHECK_STR(hk_mem_buf(m)->data, "hello, hello, hello");
	hk_mem_unref(m);
	m = hk_mem_new(100, &err);
	put("file", "");
	CHECK(hk_input_file("file", hk_sink_mem(m, &err), &err) == HK_OK);
	CHECK(hk_mem_buf(m)->len == 0);
	hk_mem_unref(m);
}

static void tells_what_is_no_file(void)
{
	struct hk_err err = {0};

	CHECK(hk_input_file("none", hk_sink_null(NULL), &err) == HK_ENOTFOUND);
	CHECK(hk_input_file(".", hk_sink_null(NULL), &err) == HK_EIO);
	CHECK(mkfifo("fifo", 0600) == 0);
	CHECK(hk_input_file("fifo", hk_sink_null(NULL), &err) == HK_EIO);
	CHECK(hk_input_file("none", hk_sink_null(NULL), NULL) == HK_ENOTFOUND);
}

static void stops_at_an_error(void)
{
	struct hk_err err = {0};
	struct hk_mem *m = hk_mem_new(3, &err);

	put("file", "hello");
	CHECK(hk_input_file("file", hk_sink_mem(m, &err), &err) == HK_EPROTOCOL);
	hk_mem_unref(m);
}

static void is_interrupted(void)
{
	struct hk_err err = {0};

	put("file", "hello");
	hk_interrupt(2);
	CHECK(hk_input_file("file", hk_sink_null(NULL), &err) == HK_EINTERRUPTED);
	hk_interrupt(0);
}

int main(void)
{
	snprintf(root, sizeof root, "%s/hocker-test.XXXXXX",
		getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(root) || chdir(root) != 0)
		abort();
	TEST(reads_all);
	TEST(tells_what_is_no_file);
	TEST(stops_at_an_error);
	TEST(is_interrupted);
	unlink("file");
	unlink("fifo");
	if (chdir("/") != 0 || rmdir(root) != 0)
		abort();
	return test_end();
}
