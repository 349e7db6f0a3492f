/* test_file: a file is there when it is whole, under the right name, and only then. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
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

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

/* The content of a file, "" if it is empty, NULL if it is not there. */
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

static int entries(const char *dir)
{
	DIR *d = opendir(dir);
	int n = -2; /* "." and ".." */

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Writes `text` into `f` through a sink. */
static int fill(struct hk_file *f, const char *text, struct hk_err *err)
{
	struct hk_sink *s = hk_sink_file(f, err);
	int rc = HK_OK;

	for (; *text && rc == HK_OK; text++)
		rc = hk_sink_write(s, text, 1, err);
	if (rc == HK_OK)
		rc = hk_sink_finish(s, err);
	hk_sink_free(s);
	return rc;
}

/* All of it: create, fill, commit, free. */
static int make(const char *path, const char *text, struct hk_err *err)
{
	struct hk_file *f = hk_file_create(path, err);
	int rc = f ? fill(f, text, err) : err->code;

	if (rc == HK_OK)
		rc = hk_file_commit(f, err);
	hk_file_unref(f);
	return rc;
}

/* --- regular files ------------------------------------------------------------------ */

static void a_file_appears_at_commit(void)
{
	struct hk_err err = {0};
	struct hk_file *f;
	struct stat st;

	empty_root();
	umask(027);
	f = hk_file_create("out", &err);
	CHECK(f);
	CHECK_STR(hk_file_path(f), "out");
	CHECK(entries(".") == 1); /* the folder can be written to */
	CHECK(fill(f, "content", &err) == HK_OK);
	CHECK(access("out", F_OK) != 0);
	CHECK(hk_file_commit(f, &err) == HK_OK);
	CHECK_STR(get("out"), "content");
	CHECK(entries(".") == 1);
	CHECK(stat("out", &st) == 0 && (st.st_mode & 07777) == 0640);
	hk_file_unref(f);
	CHECK_STR(get("out"), "content");
	CHECK(umask(022) == 027);
}

static void a_file_without_commit_is_gone(void)
{
	struct hk_err err = {0};
	struct hk_file *f;

	empty_root();
	f = hk_file_create("out", &err);
	CHECK(fill(f, "content", &err) == HK_OK);
	hk_file_unref(f);
	CHECK(entries(".") == 0);
	hk_file_unref(NULL);
}

static void the_old_file_stays_until_commit(void)
{
	struct hk_err err = {0};
	struct hk_file *f;

	empty_root();
	put("out", "old");
	f = hk_file_create("out", &err);
	CHECK(fill(f, "new", &err) == HK_OK);
	CHECK_STR(get("out"), "old");
	hk_file_unref(f);
	CHECK_STR(get("out"), "old");
	CHECK(make("out", "new", &err) == HK_OK);
	CHECK_STR(get("out"), "new");
	CHECK(entries(".") == 1);
}

static void the_last_reference_counts(void)
{
	struct hk_err err = {0};
	struct hk_file *f;
	struct hk_sink *s;

	empty_root();
	f = hk_file_create("out", &err);
	s = hk_sink_file(f, &err);
	hk_file_ref(f);
	hk_file_unref(f);
	hk_file_unref(f);
	CHECK(entries(".") == 1); /* the sink holds it */
	CHECK(hk_sink_write(s, "a", 1, &err) == HK_OK);
	hk_sink_free(s);
	CHECK(entries(".") == 0);
}

static void commit_is_once(void)
{
	struct hk_err err = {0};
	struct hk_file *f;
	struct hk_sink *s;

	empty_root();
	f = hk_file_create("out", &err);
	s = hk_sink_file(f, &err);
	CHECK(hk_file_fd(f) >= 0);
	CHECK(hk_file_commit(f, &err) == HK_EUSAGE);
	CHECK_STR(err.msg, "out: it is being written");
	hk_sink_free(s);
	CHECK(hk_file_commit(f, NULL) == HK_OK);
	CHECK(hk_file_fd(f) < 0);
	CHECK(hk_file_commit(f, &err) == HK_EUSAGE);
	CHECK(hk_file_commit(f, NULL) == HK_EUSAGE);
	s = hk_sink_file(f, &err);
	CHECK(hk_sink_write(s, "a", 1, &err) == HK_EUSAGE);
	hk_sink_free(s);
	hk_file_unref(f);
	CHECK_STR(get("out"), "");
}

static void a_failed_commit_leaves_nothing(void)
{
	struct hk_err err = {0};
	struct hk_file *f;

	empty_root();
	f = hk_file_create("out", &err);
	CHECK(mkdir("out", 0777) == 0);
	CHECK(hk_file_commit(f, &err) == HK_EIO);
	CHECK_STR(err.msg, "out: Is a directory");
	hk_file_unref(f);
	CHECK(rmdir("out") == 0 && entries(".") == 0);
}

static void names_may_be_long_and_paths_relative(void)
{
	struct hk_err err = {0};
	char name[256];
	struct hk_file *f;

	empty_root();
	memset(name, 'n', 255);
	name[255] = '\0';
	CHECK(make(name, "long", &err) == HK_OK);
	CHECK_STR(get(name), "long");
	CHECK(mkdir("sub", 0777) == 0);
	f = hk_file_create("out", &err);
	CHECK(fill(f, "here", &err) == HK_OK);
	CHECK(chdir("sub") == 0);
	CHECK(hk_file_commit(f, &err) == HK_OK);
	hk_file_unref(f);
	CHECK(entries(".") == 0);
	CHECK(make("../sub/./x", "there", &err) == HK_OK);
	CHECK(chdir(root) == 0);
	CHECK_STR(get("out"), "here");
	CHECK_STR(get("sub/x"), "there");
}

/* --- links -------------------------------------------------------------------------- */

static void links_are_followed(void)
{
	struct hk_err err = {0};
	struct stat st;

	empty_root();
	CHECK(mkdir("a", 0777) == 0 && mkdir("b", 0777) == 0);
	put("b/target", "old");
	CHECK(symlink("../b/next", "a/link") == 0);
	CHECK(symlink("target", "b/next") == 0);
	CHECK(make("a/link", "new", &err) == HK_OK);
	CHECK_STR(get("b/target"), "new");
	CHECK(lstat("a/link", &st) == 0 && S_ISLNK(st.st_mode));
	CHECK(lstat("b/next", &st) == 0 && S_ISLNK(st.st_mode));
	CHECK(entries("a") == 1 && entries("b") == 2);
}

static void a_dangling_link_gets_its_target(void)
{
	struct hk_err err = {0};
	char absolute[1100];
	struct stat st;

	empty_root();
	CHECK(mkdir("b", 0777) == 0);
	snprintf(absolute, sizeof absolute, "%s/b/target", root);
	CHECK(symlink(absolute, "one") == 0);
	CHECK(symlink("one", "two") == 0);
	CHECK(make("two", "new", &err) == HK_OK);
	CHECK_STR(get("b/target"), "new");
	CHECK(lstat("one", &st) == 0 && S_ISLNK(st.st_mode));
	CHECK(symlink("nowhere/file", "three") == 0);
	CHECK(make("three", "new", &err) == HK_EIO);
	CHECK_STR(err.msg, "three: No such file or directory");
}

/* --- what can't be ------------------------------------------------------------------ */

static void bad_paths_are_found_at_once(void)
{
	static const struct {
		const char *path;
		int code;
		const char *message;
	} cases[] = {{"", HK_EUSAGE, "an empty path"}, {"dir", HK_EIO, "dir: Is a directory"},
		{"dir/", HK_EIO, "dir/: Is a directory"}, {".", HK_EIO, ".: Is a directory"},
		{"/", HK_EIO, "/: Is a directory"}, {"link", HK_EIO, "link: Is a directory"},
		{"new/", HK_EIO, "new/: Is a directory"},
		{"no/out", HK_EIO, "no/out: No such file or directory"},
		{"file/out", HK_EIO, "file/out: Not a directory"},
		{"loop", HK_EIO, "loop: Too many levels of symbolic links"},
		{"/proc/self/none", HK_EIO, "/proc/self/none: No such file or directory"}};

	empty_root();
	put("file", "");
	CHECK(mkdir("dir", 0777) == 0);
	CHECK(symlink("dir", "link") == 0 && symlink("loop", "loop") == 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct hk_err err = {0};

		CHECK(!hk_file_create(cases[i].path, NULL));
		CHECK(!hk_file_create(cases[i].path, &err));
		CHECK(err.code == cases[i].code);
		CHECK_STR(err.msg, cases[i].message);
	}
	CHECK(entries(".") == 4);
}

/* --- what is no regular file -------------------------------------------------------- */

struct fifo_reader {
	char text[64];
	ssize_t len;
};

static void *read_fifo(void *arg)
{
	struct fifo_reader *r = arg;
	int fd;

	usleep(50000); /* so that commit has to wait for a reader */
	fd = open("fifo", O_RDONLY);
	while ((r->len = read(fd, r->text, sizeof r->text)) < 0 && errno == EINTR)
		;
	close(fd);
	return NULL;
}

static void a_fifo_gets_the_bytes_at_commit(void)
{
	struct hk_err err = {0};
	struct fifo_reader r = {0};
	struct hk_file *f;
	struct stat st;
	pthread_t thread;

	empty_root();
	CHECK(mkfifo("fifo", 0666) == 0);
	f = hk_file_create("fifo", &err);
	CHECK(f && fill(f, "content", &err) == HK_OK);
	CHECK(entries(".") == 1);
	CHECK(pthread_create(&thread, NULL, read_fifo, &r) == 0);
	CHECK(hk_file_commit(f, &err) == HK_OK);
	pthread_join(thread, NULL);
	CHECK(r.len == 7);
	CHECK_STR(r.text, "content");
	CHECK(hk_file_commit(f, &err) == HK_EUSAGE);
	hk_file_unref(f);
	CHECK(stat("fifo", &st) == 0 && S_ISFIFO(st.st_mode) && entries(".") == 1);
}

static void *interrupt_soon(void *arg)
{
	(void)arg;
	usleep(50000);
	hk_interrupt(SIGINT);
	return NULL;
}

static void nobody_at_a_fifo_can_be_interrupted(void)
{
	struct hk_err err = {0};
	pthread_t thread;
	int rc;

	empty_root();
	CHECK(mkfifo("fifo", 0666) == 0);
	CHECK(pthread_create(&thread, NULL, interrupt_soon, NULL) == 0);
	rc = make("fifo", "content", &err);
	pthread_join(thread, NULL);
	hk_interrupt(0);
	CHECK(rc == HK_EINTERRUPTED);
}

static void devices_are_written(void)
{
	struct hk_err err = {0};
	struct stat st;

	empty_root();
	CHECK(make("/dev/null", "content", &err) == HK_OK);
	CHECK(stat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode));
	CHECK(make("/dev/full", "content", &err) == HK_EIO);
	CHECK_STR(err.msg, "writing /dev/full: No space left on device");
	CHECK(symlink("/dev/full", "link") == 0);
	CHECK(make("link", "content", &err) == HK_EIO);
	CHECK_STR(err.msg, "writing link: No space left on device");
}

/* Runs make() with `fd` as standard output. */
static int make_on_stdout(int fd, const char *path, struct hk_err *err)
{
	int saved, rc;

	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	dup2(fd, STDOUT_FILENO);
	rc = make(path, "content", err);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	return rc;
}

static void standard_output_keeps_its_place(void)
{
	static const char *const names[] = {"-", "/dev/stdout", "/dev/fd/1",
		"/proc/self/fd/1", "link"};
	int fd;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct hk_err err = {0};

		empty_root();
		CHECK(symlink("/dev/stdout", "link") == 0);
		fd = open("out", O_RDWR | O_CREAT, 0666);
		CHECK(write(fd, "before ", 7) == 7);
		CHECK(make_on_stdout(fd, names[i], &err) == HK_OK);
		CHECK(write(fd, " after", 6) == 6);
		close(fd);
		CHECK_STR(get("out"), "before content after");
		CHECK(entries(".") == 2);
	}
}

static void standard_output_may_be_closed_or_read_only(void)
{
	struct hk_err err = {0};
	int saved, rc, fd = open("/dev/null", O_RDONLY);

	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	close(STDOUT_FILENO);
	rc = make("-", "content", &err);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	CHECK(rc == HK_EIO);
	CHECK_STR(err.msg, "-: Bad file descriptor");
	err.msg[0] = '\0';
	CHECK(make_on_stdout(fd, "-", &err) == HK_EIO);
	CHECK_STR(err.msg, "-: Bad file descriptor");
	close(fd);
}

static void staging_is_under_tmpdir(void)
{
	struct hk_err err = {0};
	struct hk_file *f;
	int scratch;

	empty_root();
	CHECK(mkdir("tmp", 0777) == 0);
	setenv("TMPDIR", "tmp", 1);
	f = hk_file_create("/dev/null", &err);
	CHECK(f);
	scratch = hk_file_scratch(f, &err);
	CHECK(scratch >= 0 && entries("tmp") == 0);
	close(scratch);
	hk_file_unref(f);
	setenv("TMPDIR", "none", 1);
	CHECK(!hk_file_create("/dev/null", &err));
	CHECK_STR(err.msg, "/dev/null: temporary folder none: No such file or directory");
	unsetenv("TMPDIR");
}

/* --- scratch files and positioned I/O ----------------------------------------------- */

static void scratch_files_are_beside_the_target(void)
{
	struct hk_err err = {0};
	struct stat a, b;
	struct hk_file *f;
	int one, two;

	empty_root();
	f = hk_file_create("out", &err);
	one = hk_file_scratch(f, &err);
	two = hk_file_scratch(f, &err);
	CHECK(one >= 0 && two >= 0 && entries(".") == 1);
	CHECK(fstat(one, &a) == 0 && fstat(two, &b) == 0);
	CHECK(a.st_ino != b.st_ino && a.st_dev == b.st_dev && a.st_nlink == 0);
	CHECK(fstat(hk_file_fd(f), &b) == 0 && a.st_dev == b.st_dev);
	CHECK(fcntl(one, F_GETFD) & FD_CLOEXEC && fcntl(hk_file_fd(f), F_GETFD) & FD_CLOEXEC);
	CHECK(hk_pwrite_all(one, "abc", 3, 5, "s", &err) == HK_OK);
	close(one);
	close(two);
	hk_file_unref(f);
	CHECK(entries(".") == 0);
}

static void a_lock_is_waited_for(void)
{
	struct hk_err err = {0};
	struct hk_file *f, *same;
	int fd = open(".", O_RDONLY);

	empty_root();
	CHECK(mkdir("sub", 0755) == 0 && symlink("../f", "sub/link") == 0);
	f = hk_file_create("f", NULL);
	CHECK(hk_file_lock(f, NULL) == HK_OK);
	CHECK(hk_file_lock(f, NULL) == HK_OK);
	CHECK(flock(fd, LOCK_EX | LOCK_NB) != 0);
	CHECK(hk_file_commit(f, NULL) == HK_OK);
	same = hk_file_create("sub/link", NULL);
	hk_interrupt(15);
	CHECK(hk_file_lock(same, &err) == HK_EINTERRUPTED);
	hk_interrupt(0);
	hk_file_unref(f);
	CHECK(flock(fd, LOCK_EX | LOCK_NB) == 0);
	close(fd);
	CHECK(hk_file_lock(same, NULL) == HK_OK);
	hk_file_unref(same);
	f = hk_file_create("/dev/null", NULL);
	CHECK(hk_file_lock(f, NULL) == HK_OK);
	hk_file_unref(f);
}

static void reading_too_far_is_an_error(void)
{
	struct hk_err err = {0};
	char back[8] = "";
	FILE *f = tmpfile();
	int fd = fileno(f);

	CHECK(hk_pwrite_all(fd, "abc", 3, 2, "f", &err) == HK_OK);
	CHECK(hk_pread_all(fd, back, 5, 0, "f", &err) == HK_OK);
	CHECK(memcmp(back, "\0\0abc", 5) == 0);
	CHECK(hk_pread_all(fd, back, 0, 100, "f", &err) == HK_OK);
	CHECK(hk_pread_all(fd, back, 4, 2, "f", &err) == HK_EIO);
	CHECK_STR(err.msg, "reading f: it ends too early");
	fclose(f);
	CHECK(hk_pread_all(-1, back, 1, 0, "f", &err) == HK_EIO);
	CHECK_STR(err.msg, "reading f: Bad file descriptor");
	CHECK(hk_pwrite_all(-1, back, 1, 0, "f", &err) == HK_EIO);
	CHECK_STR(err.msg, "writing f: Bad file descriptor");
}

int main(void)
{
	const char *tmp = getenv("TMPDIR");
	int rc;

	snprintf(root, sizeof root, "%s/hocker-test.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(root))
		return 1;
	unsetenv("TMPDIR");
	signal(SIGPIPE, SIG_IGN);
	TEST(a_file_appears_at_commit);
	TEST(a_file_without_commit_is_gone);
	TEST(the_old_file_stays_until_commit);
	TEST(the_last_reference_counts);
	TEST(commit_is_once);
	TEST(a_failed_commit_leaves_nothing);
	TEST(names_may_be_long_and_paths_relative);
	TEST(links_are_followed);
	TEST(a_dangling_link_gets_its_target);
	TEST(bad_paths_are_found_at_once);
	TEST(a_fifo_gets_the_bytes_at_commit);
	TEST(nobody_at_a_fifo_can_be_interrupted);
	TEST(devices_are_written);
	TEST(standard_output_keeps_its_place);
	TEST(standard_output_may_be_closed_or_read_only);
	TEST(staging_is_under_tmpdir);
	TEST(scratch_files_are_beside_the_target);
	TEST(a_lock_is_waited_for);
	TEST(reading_too_far_is_an_error);
	rc = test_end();
	empty_root();
	return chdir("/") == 0 && rmdir(root) == 0 ? rc : 1;
}
