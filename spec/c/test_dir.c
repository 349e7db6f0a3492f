/* test_dir: files that appear whole, in a directory that appears whole or is added to. */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#include "hocker.h"
#include "test.h"

static char root[1000]; /* the current directory of the tests, emptied by each */

/* --- helpers ------------------------------------------------------------------------ */

static void empty_root(void)
{
	if (chdir(root) != 0 || system("find . -mindepth 1 -delete") != 0)
		abort();
}

static void shell(const char *command)
{
	if (system(command) != 0)
		abort();
}

static const char *get(const char *path)
{
	static char text[4096];
	FILE *f = fopen(path, "r");

	if (!f)
		return NULL;
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	return text;
}

static int entries(const char *path)
{
	DIR *d = opendir(path);
	int n = -2; /* "." and ".." */

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static int put(struct hk_dir *d, const char *name, const char *text)
{
	struct hk_err err = {0};
	struct hk_sink *s = hk_dir_sink(d, name, &err);
	int rc = s ? hk_sink_write(s, text, strlen(text), &err) : err.code;

	if (rc == HK_OK)
		rc = hk_sink_finish(s, &err);
	hk_sink_free(s);
	return rc;
}

/* What a file holds, by hk_dir_read; its code in `rc`. */
static const char *content(struct hk_dir *d, const char *name, int *rc)
{
	static char text[100];
	struct hk_mem *m = hk_mem_new(sizeof text - 1, NULL);

	*rc = hk_dir_read(d, name, hk_sink_mem(m, NULL), NULL);
	snprintf(text, sizeof text, "%.*s", *rc == HK_OK ? (int)hk_mem_buf(m)->len : 0,
		hk_mem_buf(m)->data ? hk_mem_buf(m)->data : "");
	hk_mem_unref(m);
	return text;
}

/* --- a new directory ---------------------------------------------------------------- */

static void a_directory_appears_at_commit(void)
{
	struct hk_dir *d;
	struct stat st;
	mode_t mask = umask(027);

	empty_root();
	d = hk_dir_create("out/", NULL);
	CHECK(d && !hk_dir_exists(d));
	CHECK(put(d, "a/b/c", "1") == HK_OK);
	CHECK(put(d, "a/b/d", "2") == HK_OK);
	CHECK(access("out", F_OK) != 0 && entries(".") == 1);
	CHECK(hk_dir_commit(d, NULL) == HK_OK);
	CHECK(hk_dir_commit(d, NULL) == HK_EUSAGE);
	hk_dir_unref(d);
	umask(mask);
	CHECK_STR(get("out/a/b/c"), "1");
	CHECK_STR(get("out/a/b/d"), "2");
	CHECK(entries(".") == 1 && entries("out") == 1 && entries("out/a/b") == 2);
	CHECK(stat("out", &st) == 0 && (st.st_mode & 07777) == 0750);
	CHECK(stat("out/a/b/c", &st) == 0 && (st.st_mode & 07777) == 0640);
}

static void a_directory_without_commit_is_gone(void)
{
	struct hk_dir *d;
	struct hk_sink *s;

	empty_root();
	d = hk_dir_create("out", NULL);
	CHECK(put(d, "a/b/c", "1") == HK_OK);
	CHECK(put(d, "a/b/c", "again") == HK_OK);
	s = hk_dir_sink(d, "a/x", NULL);
	CHECK(hk_sink_write(s, "half", 4, NULL) == HK_OK);
	hk_dir_unref(d);
	CHECK(entries(".") == 1); /* the sink holds it */
	hk_sink_free(s);
	CHECK(entries(".") == 0);
	hk_dir_unref(NULL);
}

static void an_empty_directory_is_replaced(void)
{
	struct hk_dir *d;
	struct stat st;

	empty_root();
	shell("mkdir -m 700 real && ln -s real out");
	d = hk_dir_create("out", NULL);
	CHECK(d && !hk_dir_exists(d));
	CHECK(put(d, "a", "1") == HK_OK);
	CHECK(entries("real") == 0);
	CHECK(hk_dir_commit(d, NULL) == HK_OK);
	hk_dir_unref(d);
	CHECK_STR(get("out/a"), "1");
	CHECK(stat("real", &st) == 0 && (st.st_mode & 07777) == 0700);
	CHECK(entries(".") == 2);
}

static void what_came_meanwhile_stays(void)
{
	struct hk_dir *d;

	empty_root();
	d = hk_dir_create("out", NULL);
	CHECK(put(d, "a", "1") == HK_OK);
	shell("mkdir out && echo -n mine >out/x");
	CHECK(hk_dir_commit(d, NULL) == HK_EIO);
	hk_dir_unref(d);
	CHECK_STR(get("out/x"), "mine");
	CHECK(entries(".") == 1 && entries("out") == 1);
}

/* --- one to add to ------------------------------------------------------------------ */

static void files_are_added(void)
{
	struct hk_dir *d;
	struct hk_sink *s;

	empty_root();
	shell("mkdir out && echo -n old >out/a");
	d = hk_dir_create("out", NULL);
	CHECK(d && hk_dir_exists(d));
	s = hk_dir_sink(d, "a", NULL);
	CHECK(hk_sink_write(s, "new", 3, NULL) == HK_OK);
	CHECK_STR(get("out/a"), "old");
	hk_sink_free(s);
	CHECK_STR(get("out/a"), "old");
	CHECK(entries("out") == 1);
	CHECK(put(d, "a", "new") == HK_OK);
	CHECK(put(d, "x/y", "1") == HK_OK);
	CHECK(hk_dir_commit(d, NULL) == HK_OK);
	hk_dir_unref(d);
	CHECK_STR(get("out/a"), "new");
	CHECK_STR(get("out/x/y"), "1");
	CHECK(entries("out") == 2 && entries("out/x") == 1);
}

static void files_are_read(void)
{
	struct hk_dir *d;
	int rc;

	empty_root();
	shell("mkdir -p out/b && echo -n hello >out/b/a && ln -s a out/b/link && mkfifo "
	      "out/fifo && "
	      "ln -s b out/c");
	d = hk_dir_create("out", NULL);
	CHECK_STR(content(d, "b/a", &rc), "hello");
	CHECK(rc == HK_OK);
	CHECK(content(d, "b/none", &rc) && rc == HK_ENOTFOUND);
	CHECK(content(d, "none/a", &rc) && rc == HK_ENOTFOUND);
	CHECK(content(d, "b/link", &rc) && rc == HK_EIO); /* no link is followed */
	CHECK(content(d, "c/a", &rc) && rc == HK_EIO);
	CHECK(content(d, "fifo", &rc) && rc == HK_EIO);
	CHECK(content(d, "b", &rc) && rc == HK_EIO);
	CHECK(content(d, "../out/b/a", &rc) && rc == HK_EUSAGE);
	CHECK(put(d, "c/a", "x") == HK_EIO);
	CHECK(put(d, "../a", "x") == HK_EUSAGE);
	CHECK(put(d, "b/link", "replaced") == HK_OK);
	CHECK_STR(get("out/b/a"), "hello");
	CHECK_STR(get("out/b/link"), "replaced");
	hk_dir_unref(d);
}

static void what_is_no_directory_is_refused(void)
{
	struct hk_err err = {0};

	empty_root();
	shell("touch file && ln -s nowhere link");
	CHECK(!hk_dir_create("file", &err) && err.code == HK_EIO && err.sys == ENOTDIR);
	CHECK(!hk_dir_create("link", &err) && err.code == HK_EIO);
	CHECK(!hk_dir_create("none/such", &err) && err.code == HK_EIO);
	CHECK(!hk_dir_create("", &err) && err.code == HK_EUSAGE);
	CHECK(!hk_dir_create("", NULL));
	CHECK(entries(".") == 2);
}

static void a_lock_is_waited_for(void)
{
	struct hk_err err = {0};
	struct hk_dir *d;
	int fd;

	empty_root();
	shell("mkdir out && touch out/a");
	d = hk_dir_create("out", NULL);
	CHECK(hk_dir_lock(d, NULL) == HK_OK);
	fd = open("out", O_RDONLY);
	CHECK(flock(fd, LOCK_EX | LOCK_NB) != 0);
	hk_dir_unref(d);
	CHECK(flock(fd, LOCK_EX | LOCK_NB) == 0);
	d = hk_dir_create("out", NULL);
	hk_interrupt(15);
	CHECK(hk_dir_lock(d, &err) == HK_EINTERRUPTED);
	hk_interrupt(0);
	close(fd);
	CHECK(hk_dir_lock(d, NULL) == HK_OK);
	hk_dir_unref(d);
}

int main(void)
{
	char template[] = "/tmp/hocker-dir.XXXXXX";
	int rc;

	if (!mkdtemp(template))
		return 1;
	snprintf(root, sizeof root, "%s", template);
	TEST(a_directory_appears_at_commit);
	TEST(a_directory_without_commit_is_gone);
	TEST(an_empty_directory_is_replaced);
	TEST(what_came_meanwhile_stays);
	TEST(files_are_added);
	TEST(files_are_read);
	TEST(what_is_no_directory_is_refused);
	TEST(a_lock_is_waited_for);
	rc = test_end();
	empty_root();
	rmdir(root);
	return rc;
}
