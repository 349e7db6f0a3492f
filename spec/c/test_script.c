/* test_script: what may be read as a script, and what may not. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hocker.h"
#include "test.h"

static char root[PATH_MAX]; /* the current directory of the tests, emptied by each */

/* --- helpers ------------------------------------------------------------------------ */

static void shell(const char *command)
{
	if (system(command) != 0)
		abort();
}

static void begin(const char *command)
{
	if (chdir(root) != 0)
		abort();
	shell("chmod -R u+rwx . && find . -mindepth 1 -delete");
	shell(command);
}

/* The file's text, or the message of why not; the code in `rc`. */
static const char *get(const char *path, int *rc)
{
	static char text[HK_ERR_MSG];
	struct hk_err err = {0};
	struct hk_buf b;

	hk_buf_init(&b, 16);
	*rc = hk_script_read(path, &b, &err);
	snprintf(text, sizeof text, "%s", *rc == HK_OK ? (b.data ? b.data : "") : err.msg);
	hk_buf_free(&b);
	return text;
}

static bool refused(const char *path, const char *why)
{
	int rc;
	const char *text = get(path, &rc);

	if (rc == HK_EREFUSED && strstr(text, why))
		return true;
	printf("%s: %d, %s\n", path, rc, text);
	return false;
}

static int code(const char *path)
{
	int rc;

	get(path, &rc);
	return rc;
}

/* --- what is read ------------------------------------------------------------------- */

static void a_file_is_read(void)
{
	char path[PATH_MAX + 10];
	int rc;

	begin("mkdir -p a/b && echo hello >a/b/x && : >a/empty");
	snprintf(path, sizeof path, "%s/a/b/x", root);
	CHECK_STR(get(path, &rc), "hello\n");
	CHECK_STR(get("a/b/x", &rc), "hello\n");
	CHECK_STR(get("./a//b/../b/./x", &rc), "hello\n");
	CHECK_STR(get("a/empty", &rc), "");
	CHECK(rc == HK_OK);
	CHECK(hk_script_read("a/none", NULL, NULL) == HK_ENOTFOUND);
}

static void links_are_followed(void)
{
	char command[3 * PATH_MAX];
	int rc;

	begin("mkdir -p a/b c && echo hello >a/b/x && ln -s ../a/b c/rel && ln -s rel/x c/file && "
	      "ln -s c/file top && ln -s ../../../../../../../../../.. c/up");
	snprintf(command, sizeof command, "ln -s %s/c/rel c/abs", root);
	shell(command);
	CHECK_STR(get("c/rel/x", &rc), "hello\n");
	CHECK_STR(get("c/file", &rc), "hello\n");
	CHECK_STR(get("top", &rc), "hello\n");
	CHECK_STR(get("c/abs/x", &rc), "hello\n");
	snprintf(command, sizeof command, "c/up%s/top", root);
	CHECK_STR(get(command, &rc), "hello\n");
}

static void what_is_not_there_is_not_found(void)
{
	begin("mkdir -m 777 open && : >file && ln -s none link && ln -s open to && "
	      "ln -s to too && ln -s ./link/x far");
	CHECK(code("none") == HK_ENOTFOUND);
	CHECK(code("none/x") == HK_ENOTFOUND);
	CHECK(code("file/x") == HK_ENOTFOUND);
	CHECK(refused("link", "a link on the way leads nowhere"));
	CHECK(refused("link/x", "a link on the way leads nowhere"));
	CHECK(refused("far", "a link on the way leads nowhere"));
	CHECK(code("to/x") == HK_ENOTFOUND);
	CHECK(code("too/x/y") == HK_ENOTFOUND);
	CHECK(code("open/x") == HK_ENOTFOUND); /* whoever could put it there */
	CHECK(code("") == HK_EREFUSED);	       /* the current directory */
}

/* --- what is not -------------------------------------------------------------------- */

static void what_others_can_write_is_refused(void)
{
	begin("mkdir -p a/b && echo hello >a/b/x && ln -s a/b/x link");
	shell("chmod 664 a/b/x");
	CHECK(refused("a/b/x", "/a/b/x can be written by others"));
	CHECK(refused("link", "/a/b/x can be written by others"));
	shell("chmod 646 a/b/x");
	CHECK(refused("a/b/x", "/a/b/x can be written by others"));
	shell("chmod 644 a/b/x && chmod 775 a/b");
	CHECK(refused("a/b/x", "/a/b can be written by others"));
	shell("chmod 755 a/b && chmod 757 a");
	CHECK(refused("a/b/x", "/a can be written by others"));
	CHECK(refused("link", "/a can be written by others"));
	shell("chmod 1777 a");
	CHECK(code("a/b/x") == HK_OK);
	shell("chmod 755 a && chmod 664 a/b/x");
	CHECK(code("a/b/x") == HK_EREFUSED);
}

static void names_that_others_may_have_given_are_refused(void)
{
	begin("mkdir -m 1777 a && echo hello >a/x && echo 'x' >b && chmod 644 a/x b");
	CHECK(code("a/x") == HK_OK);
	shell("ln b a/y && ln -s ../b a/link");
	CHECK(refused("a/y", "has other names"));
	CHECK(code("a/link") == HK_OK);
	shell("chmod 755 a");
	CHECK(code("a/y") == HK_OK);
}

static void what_somebody_else_owns_is_refused(void)
{
	if (geteuid() != 0)
		return; /* nothing can be given away */
	begin("mkdir -p a/b && echo hello >a/b/x && ln -s x a/b/link");
	shell("chown -h 12345 a/b/link");
	CHECK(code("a/b/x") == HK_OK);
	CHECK(refused("a/b/link", "/a/b/link belongs to user 12345"));
	shell("chown 12345 a/b/x");
	CHECK(refused("a/b/x", "/a/b/x belongs to user 12345"));
	shell("chown 0 a/b/x && chown 12345 a");
	CHECK(refused("a/b/x", "/a belongs to user 12345"));
	CHECK(hk_script_folder("a/b", NULL) == HK_EREFUSED);
	if (seteuid(12345) != 0)
		abort();
	CHECK(code("a/b/x") == HK_OK || code("a/b/x") == HK_ENOTFOUND); /* now it is ours */
	if (seteuid(0) != 0)
		abort();
}

static void what_is_no_file_is_refused(void)
{
	begin("mkdir a && mkfifo fifo && ln -s /dev/zero zero && ln -s loop loop");
	CHECK(refused("a", "it is a directory"));
	CHECK(refused("fifo", "it is no regular file")); /* and nobody waits for a writer */
	CHECK(code("zero") == HK_EREFUSED);
	CHECK(code("loop") == HK_EIO);
}

static void what_is_too_long_is_refused(void)
{
	char name[PATH_MAX];

	begin("printf 0123456789abcdef >fits && printf 0123456789abcdefg >not");
	CHECK(code("fits") == HK_OK);
	CHECK(refused("not", "it is larger than 16 bytes"));
	memset(name, 'x', sizeof name);
	name[NAME_MAX + 1] = '\0';
	CHECK(code(name) == HK_EIO);
	name[NAME_MAX + 1] = 'x';
	name[sizeof name - 1] = '\0';
	CHECK(code(name) == HK_EIO);
	for (size_t i = 1; i < sizeof name - 1; i += 2)
		name[i] = '/';
	CHECK(code(name) == HK_ENOTFOUND);
}

static void folders_are_judged(void)
{
	struct hk_err err = {0};

	begin("mkdir -p a/b && : >x && ln -s a/b link");
	CHECK(hk_script_folder("a/b", &err) == HK_OK);
	CHECK(hk_script_folder("link/", &err) == HK_OK);
	CHECK(hk_script_folder("a/c", &err) == HK_ENOTFOUND);
	CHECK(hk_script_folder("x", &err) == HK_EREFUSED);
	shell("chmod g+w a");
	CHECK(hk_script_folder("link", &err) == HK_EREFUSED);
	CHECK(strstr(err.msg, "link is not used: ") && strstr(err.msg, "/a can be written"));
	CHECK(!hk_script_elevated());
}

static void descriptors_are_closed(void)
{
	int before, after;

	begin("mkdir -p a/b && echo hello >a/b/x && ln -s b a/c && chmod o+w a/b/x");
	before = open("/dev/null", O_RDONLY);
	close(before);
	for (int i = 0; i < 100; i++) {
		code("a/c/x");
		code("a/c/none");
		code("a/c");
		CHECK(hk_script_folder("a/c", NULL) == HK_OK);
	}
	after = open("/dev/null", O_RDONLY);
	close(after);
	CHECK(before == after);
}

int main(void)
{
	char dir[] = "/tmp/hocker-test.XXXXXX";

	umask(022);
	if (!mkdtemp(dir) || !realpath(dir, root)) {
		perror(dir);
		return 1;
	}
	TEST(a_file_is_read);
	TEST(links_are_followed);
	TEST(what_is_not_there_is_not_found);
	TEST(what_others_can_write_is_refused);
	TEST(names_that_others_may_have_given_are_refused);
	TEST(what_somebody_else_owns_is_refused);
	TEST(what_is_no_file_is_refused);
	TEST(what_is_too_long_is_refused);
	TEST(folders_are_judged);
	TEST(descriptors_are_closed);
	begin("true");
	if (chdir("/") != 0 || rmdir(root) != 0)
		perror(root);
	return test_end();
}
