/* test_tar: members come in any order and of any size, and the archive is the same. */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* To make a member of 8 GiB without writing one. */
#include "../../core/tar.c"
#include "test.h"

static char root[1000]; /* the current directory of the tests, emptied by each */

/* --- helpers ------------------------------------------------------------------------ */

static void empty_root(void)
{
	if (chdir(root) != 0 || system("find . -mindepth 1 -delete") != 0)
		abort();
}

/* All bytes of a file; the caller frees them. */
static char *get(const char *path, size_t *len)
{
	FILE *f = fopen(path, "r");
	struct stat st;
	char *data;

	if (!f || fstat(fileno(f), &st) != 0 || !(data = malloc((size_t)st.st_size + 1)))
		abort();
	*len = fread(data, 1, (size_t)st.st_size, f);
	data[*len] = '\0';
	fclose(f);
	return data;
}

static bool same_files(const char *a, const char *b)
{
	size_t alen, blen;
	char *x = get(a, &alen), *y = get(b, &blen);
	bool same = alen == blen && memcmp(x, y, alen) == 0;

	free(x);
	free(y);
	return same;
}

static uint32_t seed;

static uint32_t dice(uint32_t sides)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % sides;
}

static char byte_of(size_t member, int64_t at)
{
	return (char)(member * 37 + (size_t)at * 131 + (size_t)(at >> 8) + 1);
}

/* --- archives from a plan ----------------------------------------------------------- */

#define MEMBERS_MAX 12

struct plan {
	size_t n;
	struct {
		char name[300];
		int64_t declared, size;
	} members[MEMBERS_MAX];
};

/* Sends up to `n` more bytes to a member. */
static int send_some(struct hk_sink *s, size_t member, int64_t *sent, int64_t size,
	int64_t n, struct hk_err *err)
{
	char piece[4096];

	if (n > size - *sent)
		n = size - *sent;
	if (n > (int64_t)sizeof piece)
		n = sizeof piece;
	for (int64_t i = 0; i < n; i++)
		piece[i] = byte_of(member, *sent + i);
	*sent += n;
	return hk_sink_write(s, piece, (size_t)n, err);
}

/* Writes the members of a plan in pieces of random size, from random members. */
static int send_all(struct hk_tar *t, const struct plan *p, struct hk_err *err)
{
	struct hk_sink *sinks[MEMBERS_MAX] = {0};
	int64_t sent[MEMBERS_MAX] = {0};
	size_t left = p->n;
	int rc = HK_OK;

	for (size_t i = 0; i < p->n; i++) {
		sinks[i] = hk_tar_sink(t, i, err);
		if (!sinks[i])
			rc = err->code;
	}
	while (rc == HK_OK && left > 0) {
		size_t i = dice((uint32_t)p->n);
		int64_t size = p->members[i].size;

		if (!sinks[i] || sinks[i]->finished)
			continue;
		rc = send_some(sinks[i], i, &sent[i], size, 1 + dice(1500), err);
		if (rc == HK_OK && sent[i] == size) {
			rc = hk_sink_finish(sinks[i], err);
			left--;
		}
	}
	for (size_t i = 0; i < p->n; i++)
		hk_sink_free(sinks[i]);
	return rc;
}

/* Makes an archive; `exact` declares the real sizes. */
static int make(const char *path, const struct plan *p, bool exact, struct hk_err *err)
{
	struct hk_file *f = hk_file_create(path, err);
	struct hk_tar *t = hk_tar_new(f, err);
	int rc = t ? HK_OK : err->code;

	for (size_t i = 0; rc == HK_OK && i < p->n; i++) {
		size_t index;
		int64_t size = exact ? p->members[i].size : p->members[i].declared;

		rc = hk_tar_add(t, p->members[i].name, size, &index, err);
		if (rc == HK_OK && index != i)
			rc = HK_EINTERNAL;
	}
	if (rc == HK_OK)
		rc = send_all(t, p, err);
	if (rc == HK_OK)
		rc = hk_tar_finish(t, err);
	if (rc == HK_OK)
		rc = hk_file_commit(f, err);
	hk_tar_unref(t);
	hk_file_unref(f);
	return rc;
}

/* Has tar(1) unpack an archive, and compares. */
static bool unpacks(const char *archive, const struct plan *p)
{
	char command[200];

	snprintf(command, sizeof command, "rm -rf x; mkdir x && tar -C x -xf %s", archive);
	if (system(command) != 0)
		return false;
	for (size_t i = 0; i < p->n; i++) {
		char path[310];
		size_t len;
		char *data;
		bool same;

		snprintf(path, sizeof path, "x/%s", p->members[i].name);
		data = get(path, &len);
		same = len == (size_t)p->members[i].size;
		for (size_t at = 0; same && at < len; at++)
			same = data[at] == byte_of(i, (int64_t)at);
		free(data);
		if (!same)
			return false;
	}
	return true;
}

static void add_to_plan(struct plan *p, const char *name, int64_t declared, int64_t size)
{
	snprintf(p->members[p->n].name, sizeof p->members[p->n].name, "%s", name);
	p->members[p->n].declared = declared;
	p->members[p->n].size = size;
	p->n++;
}

/* --- the format --------------------------------------------------------------------- */

/* Versions of GNU tar differ on a plain file's device numbers, zeros or nothing, and so on the
 * sums: both are blanked in the headers of the archive below. */
static void blank_devices(const char *path)
{
	static const char zeros[16];
	FILE *f = fopen(path, "r+");
	long header;

	CHECK(f);
	for (header = 0; header <= 1024; header += 1024) {
		fseek(f, header + 148, SEEK_SET);
		fwrite(zeros, 1, 8, f);
		fseek(f, header + 329, SEEK_SET);
		fwrite(zeros, 1, 16, f);
	}
	CHECK(fclose(f) == 0);
}

static void an_archive_is_what_tar_makes(void)
{
	struct hk_err err = {0};
	struct hk_file *f;
	struct hk_tar *t;

	empty_root();
	f = hk_file_create("out.tar", &err);
	t = hk_tar_new(f, &err);
	CHECK(hk_tar_put(t, "a", "hello\n", 6, &err) == HK_OK);
	CHECK(hk_tar_put(t, "dir/empty", "", 0, &err) == HK_OK);
	CHECK(hk_tar_finish(t, &err) == HK_OK);
	CHECK(hk_file_commit(f, &err) == HK_OK);
	hk_tar_unref(t);
	hk_file_unref(f);
	CHECK(system("mkdir dir && printf 'hello\\n' >a && : >dir/empty &&"
		     "tar --format=ustar --owner=0 --group=0 --numeric-owner --mode=0644"
		     "    --mtime=@0 -b 1 -cf want.tar a dir/empty") == 0);
	CHECK(system("tar -tf out.tar >list && printf 'a\\ndir/empty\\n' | cmp -s - list") == 0);
	blank_devices("out.tar");
	blank_devices("want.tar");
	CHECK(same_files("out.tar", "want.tar"));
}

static void an_archive_of_nothing_is_two_blocks(void)
{
	struct hk_err err = {0};
	struct plan p = {0};
	size_t len;
	char *data;

	empty_root();
	CHECK(make("out.tar", &p, true, &err) == HK_OK);
	data = get("out.tar", &len);
	CHECK(len == 1024);
	for (size_t i = 0; i < len; i++)
		CHECK(data[i] == 0);
	free(data);
	CHECK(unpacks("out.tar", &p));
}

static void long_names_get_pax_records(void)
{
	struct hk_err err = {0};
	struct plan p = {0};
	char name[300];
	size_t len;
	char *data;

	empty_root();
	for (size_t n = 99; n <= 250; n += n < 102 ? 1 : 37) {
		memset(name, 'n', n);
		name[n] = '\0';
		name[50] = '/';
		name[n - 1] = (char)('a' + n % 26);
		add_to_plan(&p, name, -1, (int64_t)n);
	}
	CHECK(make("out.tar", &p, false, &err) == HK_OK);
	CHECK(unpacks("out.tar", &p));
	data = get("out.tar", &len);
	CHECK(data[156] == '0' && data[99] == '\0');   /* 99 bytes */
	CHECK(data[1024 + 156] == '0' && data[1024 + 99] != '\0'); /* 100 */
	CHECK(data[2048 + 156] == 'x');
	CHECK(strncmp(data + 2048 + 512, "111 path=nnn", 12) == 0);
	CHECK(data[2048 + 512 + 110] == '\n' && data[2048 + 512 + 111] == '\0');
	free(data);
}

/* The length of a record counts its own digits, also where they become one more. */
static void pax_records_count_themselves(void)
{
	for (size_t n = 101; n < 1200; n++) {
		char name[1200], *record, *end;
		struct hk_err err = {0};
		struct hk_buf b;
		size_t len;

		memset(name, 'n', n);
		name[n] = '\0';
		hk_buf_init(&b, 5000);
		CHECK(hk_ustar_headers(&b, &hk_ustar_plain, name, 0, &err) == HK_OK);
		record = b.data + 512;
		len = strtoul(record, &end, 10);
		CHECK(strtoul(b.data + 124, NULL, 8) == len);
		CHECK(strncmp(end, " path=n", 7) == 0);
		CHECK(len == (size_t)(end - record) + 6 + n + 1);
		CHECK(record[len - 1] == '\n');
		hk_buf_free(&b);
	}
}

static void members_may_be_more_than_files(void)
{
	static const struct hk_tar_kind folder = {.type = '5', .mode = 01755};
	static const struct hk_tar_kind link = {.type = '1', .target = "d/f"};
	static const struct hk_tar_kind tool = {
		.type = '0', .mode = 0100755, .uid = 07777777, .gid = 010000000, .mtime = -1};
	static const struct hk_tar_kind bad[] = {{.type = '1', .target = "/f"}, {.type = '1'},
		{.type = '2', .target = ""}, {.type = '5', .target = "f"}, {.type = '7'}, {0}};
	struct hk_err err = {0};
	struct hk_file *f;
	struct hk_tar *t;
	size_t len, index;
	char *data;

	empty_root();
	f = hk_file_create("out.tar", &err);
	t = hk_tar_new(f, &err);
	CHECK(f && t);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK(hk_tar_next(t, &bad[i], &err) == HK_EUSAGE);
	CHECK(hk_tar_next(t, &folder, &err) == HK_OK);
	CHECK(hk_tar_add(t, "d", 1, &index, &err) == HK_EUSAGE);
	CHECK(hk_tar_add(t, "d", -1, &index, &err) == HK_EUSAGE);
	CHECK(hk_tar_put(t, "d", "", 0, &err) == HK_OK);
	CHECK(hk_tar_next(t, &tool, &err) == HK_OK);
	CHECK(hk_tar_put(t, "d/f", "x", 1, &err) == HK_OK);
	CHECK(hk_tar_next(t, &link, &err) == HK_OK); /* the last word counts */
	CHECK(hk_tar_next(t, &link, &err) == HK_OK);
	CHECK(hk_tar_put(t, "l", "", 0, &err) == HK_OK);
	CHECK(hk_tar_put(t, "g", "y", 1, &err) == HK_OK);
	CHECK(hk_tar_finish(t, &err) == HK_OK);
	CHECK(hk_file_commit(f, &err) == HK_OK);
	hk_tar_unref(t);
	hk_file_unref(f);
	data = get("out.tar", &len);
	CHECK(data[156] == '5' && strcmp(data + 100, "0001755") == 0);
	CHECK(data[512 + 156] == 'x' && strstr(data + 1024, " gid=2097152\n"));
	CHECK(strstr(data + 1024, " mtime=-1\n") && !strstr(data + 1024, "uid="));
	CHECK(data[1536 + 156] == '0' && strcmp(data + 1536 + 100, "0000755") == 0);
	CHECK(data[2560 + 156] == '1' && strcmp(data + 2560 + 157, "d/f") == 0);
	CHECK(data[3072 + 156] == '0' && data[3072 + 157] == 0);
	free(data);
}

static void names_must_be_safe(void)
{
	static const char *const bad[] = {"", "/", "/a", "..", "../a", "a/..", "a/../b", "a/"};
	static const char *const good[] = {
		"a", ".", "...", "..a", "a..", "a/..b/c", "a/.../b", "./a", "a//b"};
	struct hk_err err = {0};
	struct hk_file *f;
	struct hk_tar *t;
	size_t index;

	empty_root();
	f = hk_file_create("out.tar", &err);
	t = hk_tar_new(f, &err);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		CHECK(hk_tar_add(t, bad[i], 0, &index, &err) == HK_EUSAGE);
		CHECK(hk_tar_put(t, bad[i], "", 0, NULL) == HK_EUSAGE);
	}
	CHECK_STR(err.msg, "\"a/\" can't name a member");
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		CHECK(hk_tar_add(t, good[i], 0, &index, &err) == HK_OK);
		CHECK(index == i);
	}
	hk_tar_unref(t);
	hk_file_unref(f);
}

/* --- places ------------------------------------------------------------------------- */

static void sizes_may_be_right_wrong_or_unknown(void)
{
	static const int64_t sizes[][2] = {/* declared, real */
		{0, 0}, {0, 1}, {1, 0}, {-1, 0}, {-1, 513}, {512, 512}, {512, 513}, {513, 512},
		{100, 5000}, {5000, 100}, {5000, 5000}, {INT64_MAX, 700}};
	size_t n = sizeof sizes / sizeof *sizes;
	struct hk_err err = {0};

	empty_root();
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			struct plan p = {0};

			add_to_plan(&p, "one", sizes[i][0], sizes[i][1]);
			add_to_plan(&p, "two", sizes[j][0], sizes[j][1]);
			add_to_plan(&p, "three", 1000, 1000);
			CHECK(make("want.tar", &p, true, &err) == HK_OK);
			CHECK(make("out.tar", &p, false, &err) == HK_OK);
			CHECK(same_files("out.tar", "want.tar"));
		}
	}
}

/* What the real size of a member of a random plan is like. */
static int64_t random_size(void)
{
	return dice(4) == 0 ? 0 : dice(2) == 0 ? dice(700) : dice(20000);
}

static void any_plan_gives_the_same_archive(void)
{
	struct hk_err err = {0};

	for (seed = 1; seed < 120; seed++) {
		uint32_t round = seed;
		struct plan p = {0};
		char name[300];

		empty_root();
		for (size_t n = 1 + dice(MEMBERS_MAX); p.n < n;) {
			int64_t size = random_size();
			int64_t declared = dice(5) == 0 ? -1 :
				dice(3) == 0 ? size : random_size();

			snprintf(name, sizeof name, "%0*d", dice(5) ? 8 : 150, (int)p.n);
			add_to_plan(&p, name, declared, size);
		}
		CHECK(make("want.tar", &p, true, &err) == HK_OK);
		CHECK(make("out.tar", &p, false, &err) == HK_OK);
		CHECK(same_files("out.tar", "want.tar"));
		if (round % 20 == 0)
			CHECK(unpacks("out.tar", &p));
		seed = round;
	}
}

/* Right sizes need no scratch file, and wrong ones one each. */
static void scratch_files_are_made_when_needed(void)
{
	struct hk_err err = {0};
	struct hk_file *f;
	struct hk_tar *t;
	struct hk_sink *s;
	size_t index;

	empty_root();
	f = hk_file_create("out.tar", &err);
	t = hk_tar_new(f, &err);
	CHECK(hk_tar_add(t, "a", 3, &index, &err) == HK_OK);
	s = hk_tar_sink(t, index, &err);
	CHECK(hk_sink_write(s, "abc", 3, &err) == HK_OK);
	CHECK(t->members[0]->scratch < 0);
	CHECK(hk_sink_write(s, "d", 1, &err) == HK_OK);
	CHECK(t->members[0]->scratch >= 0);
	hk_sink_free(s);
	hk_tar_unref(t);
	hk_file_unref(f);
	CHECK(access("out.tar", F_OK) != 0);
}

/* --- threads ------------------------------------------------------------------------ */

struct sender {
	struct hk_sink *sink;
	size_t member;
	int64_t size;
	int rc;
};

static void *send_member(void *arg)
{
	struct sender *s = arg;
	struct hk_err err = {0};
	int64_t sent = 0;

	s->rc = HK_OK;
	while (s->rc == HK_OK && sent < s->size)
		s->rc = send_some(s->sink, s->member, &sent, s->size, 1000, &err);
	if (s->rc == HK_OK)
		s->rc = hk_sink_finish(s->sink, &err);
	return NULL;
}

/* Members are written by threads while others are declared. */
static void members_are_written_at_the_same_time(void)
{
	struct hk_err err = {0};
	struct sender senders[MEMBERS_MAX];
	pthread_t threads[MEMBERS_MAX];
	struct plan p = {0};
	struct hk_file *f;
	struct hk_tar *t;
	size_t index;

	empty_root();
	for (int i = 0; i < MEMBERS_MAX; i++) {
		char name[20];

		snprintf(name, sizeof name, "m%d", i);
		add_to_plan(&p, name, i % 3 == 0 ? -1 : 20000 + i * 100, 20000 + i * 77);
	}
	f = hk_file_create("out.tar", &err);
	t = hk_tar_new(f, &err);
	for (size_t i = 0; i < p.n; i++) {
		CHECK(hk_tar_add(t, p.members[i].name, p.members[i].declared, &index, &err) ==
			HK_OK);
		senders[i] = (struct sender){hk_tar_sink(t, i, &err), i, p.members[i].size, 0};
		CHECK(pthread_create(&threads[i], NULL, send_member, &senders[i]) == 0);
	}
	for (size_t i = 0; i < p.n; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < p.n; i++) {
		CHECK(senders[i].rc == HK_OK);
		hk_sink_free(senders[i].sink);
	}
	CHECK(hk_tar_finish(t, &err) == HK_OK);
	CHECK(hk_file_commit(f, &err) == HK_OK);
	hk_tar_unref(t);
	hk_file_unref(f);
	CHECK(unpacks("out.tar", &p));
}

/* --- 8 GiB -------------------------------------------------------------------------- */

/* Makes an archive of a sparse member of `size` bytes and a small one. */
static int make_huge(const char *path, int64_t size, int64_t declared, struct hk_err *err)
{
	struct hk_file *f = hk_file_create(path, err);
	struct hk_tar *t = hk_tar_new(f, err);
	struct hk_sink *s;
	size_t index;
	int rc = hk_tar_add(t, "huge", declared, &index, err);

	if (rc == HK_OK)
		rc = hk_tar_put(t, "after", "hello\n", 6, err);
	s = hk_tar_sink(t, index, err);
	t->members[0]->room = t->members[0]->size = size;
	if (rc == HK_OK)
		rc = hk_sink_finish(s, err);
	hk_sink_free(s);
	if (rc == HK_OK)
		rc = hk_tar_finish(t, err);
	if (rc == HK_OK)
		rc = hk_file_commit(f, err);
	hk_tar_unref(t);
	hk_file_unref(f);
	return rc;
}

static void eight_gibibytes_get_a_pax_record(void)
{
	int64_t limit = INT64_C(8) << 30;
	struct hk_err err = {0};
	char head[1024];
	size_t len;
	char *data;
	int fd;

	empty_root();
	for (int over = 0; over < 2; over++) {
		CHECK(make_huge("out.tar", limit - 1 + over, limit - 1 + over, &err) == HK_OK);
		fd = open("out.tar", O_RDONLY);
		CHECK(read(fd, head, sizeof head) == sizeof head);
		CHECK(lseek(fd, 0, SEEK_END) == 512 + 1024 * over + limit + 1024 + 1024);
		close(fd);
		CHECK(head[156] == (over ? 'x' : '0'));
		CHECK_STR(head + 124, over ? "00000000023" : "77777777777");
		if (over)
			CHECK_STR(head + 512, "19 size=8589934592\n");
		CHECK(system("tar -tvf out.tar >list && tar -xOf out.tar after >text") == 0);
		data = get("text", &len);
		CHECK_STR(data, "hello\n");
		free(data);
		data = get("list", &len);
		CHECK(strstr(data, over ? " 8589934592 " : " 8589934591 "));
		free(data);
	}
}

/* --- misuse ------------------------------------------------------------------------- */

static void every_member_must_be_finished(void)
{
	struct hk_err err = {0};
	struct hk_file *f;
	struct hk_tar *t;
	struct hk_sink *s;
	size_t index;

	empty_root();
	f = hk_file_create("out.tar", &err);
	t = hk_tar_new(f, &err);
	CHECK(hk_tar_add(t, "a", 3, &index, &err) == HK_OK);
	CHECK(hk_tar_finish(t, NULL) == HK_EUSAGE);
	s = hk_tar_sink(t, index, &err);
	CHECK(s && !hk_tar_sink(t, index, &err) && err.code == HK_EUSAGE);
	CHECK(!hk_tar_sink(t, 1, &err) && err.code == HK_EUSAGE);
	CHECK(hk_sink_write(s, "abc", 3, &err) == HK_OK);
	CHECK(hk_tar_finish(t, &err) == HK_EUSAGE);
	CHECK_STR(err.msg, "a: its content is not all there");
	CHECK(hk_sink_finish(s, &err) == HK_OK);
	CHECK(hk_tar_finish(t, &err) == HK_OK);
	CHECK(hk_tar_finish(t, &err) == HK_EUSAGE);
	CHECK(hk_tar_add(t, "b", 3, &index, &err) == HK_EUSAGE);
	hk_tar_unref(t); /* the sink holds it */
	hk_file_unref(f);
	hk_sink_free(s);
	hk_tar_unref(NULL);
}

static void a_sink_freed_early_spoils_the_archive(void)
{
	struct hk_err err = {0};
	struct hk_file *f;
	struct hk_tar *t;
	struct hk_sink *s;
	size_t index;

	empty_root();
	f = hk_file_create("out.tar", &err);
	t = hk_tar_new(f, &err);
	CHECK(hk_tar_add(t, "a", 3, &index, &err) == HK_OK);
	s = hk_tar_sink(t, index, &err);
	CHECK(hk_sink_write(s, "abc", 3, &err) == HK_OK);
	hk_sink_free(s);
	CHECK(hk_tar_finish(t, &err) == HK_EUSAGE);
	hk_tar_unref(t);
	hk_file_unref(f);
	CHECK(system("test -z \"$(ls -A)\"") == 0);
}

static void an_interrupt_ends_the_assembly(void)
{
	struct hk_err err = {0};
	struct plan p = {0};

	empty_root();
	add_to_plan(&p, "a", -1, 5000);
	hk_interrupt(15);
	CHECK(make("out.tar", &p, false, &err) == HK_EINTERRUPTED);
	hk_interrupt(0);
	CHECK(system("test -z \"$(ls -A)\"") == 0);
}

int main(void)
{
	const char *tmp = getenv("TMPDIR");
	int rc;

	snprintf(root, sizeof root, "%s/hocker-test.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(root))
		return 1;
	TEST(an_archive_is_what_tar_makes);
	TEST(an_archive_of_nothing_is_two_blocks);
	TEST(long_names_get_pax_records);
	TEST(pax_records_count_themselves);
	TEST(members_may_be_more_than_files);
	TEST(names_must_be_safe);
	TEST(sizes_may_be_right_wrong_or_unknown);
	TEST(any_plan_gives_the_same_archive);
	TEST(scratch_files_are_made_when_needed);
	TEST(members_are_written_at_the_same_time);
	TEST(eight_gibibytes_get_a_pax_record);
	TEST(every_member_must_be_finished);
	TEST(a_sink_freed_early_spoils_the_archive);
	TEST(an_interrupt_ends_the_assembly);
	rc = test_end();
	empty_root();
	return chdir("/") == 0 && rmdir(root) == 0 ? rc : 1;
}
