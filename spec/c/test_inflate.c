/* test_inflate: gzip, zstd and everything else, cut at every place and broken at every
 * bit. */
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "hocker.h"
#include "test.h"

#define BIG 300000 /* more than a window and than a default block */

/* --- making streams ----------------------------------------------------------------- */

struct bytes {
	unsigned char data[2 * BIG];
	size_t len;
};

static void add(struct bytes *b, const void *data, size_t len)
{
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

/* Text that compresses, with far matches, and stretches that do not. */
static void make_content(struct bytes *b, size_t len)
{
	uint32_t seed = 12345;

	b->len = len;
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525 + 1013904223;
		if (i % 40000 < 5000)
			b->data[i] = (unsigned char)(seed >> 24);
		else if (i >= 30000 && seed >> 30)
			b->data[i] = b->data[i - 30000];
		else
			b->data[i] = (unsigned char)('a' + (seed >> 24) % 5);
	}
}

struct gzip_opts {
	int level, strategy;
	bool extra, name, comment, hcrc;
};

/* Appends one gzip member. */
static void add_gzip(
	struct bytes *b, const void *data, size_t len, const struct gzip_opts *o)
{
	static unsigned char extra[300];
	gz_header h = {.os = 3, .time = 1};
	z_stream z = {0};

	h.extra = o->extra ? extra : NULL;
	h.extra_len = sizeof extra;
	h.name = o->name ? (Bytef *)"a name" : NULL;
	h.comment = o->comment ? (Bytef *)"a comment" : NULL;
	h.hcrc = o->hcrc;
	if (deflateInit2(&z, o->level, Z_DEFLATED, 31, 8, o->strategy) != Z_OK)
		abort();
	deflateSetHeader(&z, &h);
	z.next_in = (Bytef *)(uintptr_t)data;
	z.avail_in = (uInt)len;
	z.next_out = b->data + b->len;
	z.avail_out = (uInt)(sizeof b->data - b->len);
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	b->len = sizeof b->data - z.avail_out;
	deflateEnd(&z);
}

static void add_plain_gzip(struct bytes *b, const char *text)
{
	struct gzip_opts o = {.level = 6};

	add_gzip(b, text, strlen(text), &o);
}

/* Appends one zstd frame. Without a check sum, the last input belongs to the last
 * block. */
static void add_zstd_sum(
	struct bytes *b, const void *data, size_t len, int window_log, bool sum)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	ZSTD_inBuffer in = {.src = data, .size = len};
	ZSTD_outBuffer out = {.dst = b->data, .size = sizeof b->data, .pos = b->len};

	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, sum);
	ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, window_log);
	if (ZSTD_compressStream2(c, &out, &in, ZSTD_e_end) != 0)
		abort();
	b->len = out.pos;
	ZSTD_freeCCtx(c);
}

static void add_zstd(struct bytes *b, const void *data, size_t len)
{
	add_zstd_sum(b, data, len, 0, true);
}

static void add_skippable(struct bytes *b, unsigned char kind, unsigned char len)
{
	unsigned char head[8] = {kind, 0x2a, 0x4d, 0x18, len};
	unsigned char body[256] = {1, 2, 3};

	add(b, head, sizeof head);
	add(b, body, len);
}

/* --- reading them ------------------------------------------------------------------- */

struct result {
	int rc;
	struct hk_err err;
	struct bytes out;
};

struct keeper {
	struct hk_sink base;
	struct bytes *out;
};

static int keep(struct hk_sink *s, const void *data, size_t len, struct hk_err *err)
{
	struct bytes *out = ((struct keeper *)s)->out;

	if (len > sizeof out->data - out->len)
		return hk_err_set(err, HK_EINTERNAL, "too much");
	add(out, data, len);
	return HK_OK;
}

static int keep_finish(struct hk_sink *s, struct hk_err *err)
{
	(void)s;
	(void)err;
	return HK_OK;
}

static void keep_free(struct hk_sink *s)
{
	free(s);
}

static const struct hk_sink_ops keep_ops = {
	.write = keep, .finish = keep_finish, .free = keep_free};

/* Sends bytes through in pieces: `first`, then `step` at a time. */
static void run_max(struct result *r, const unsigned char *data, size_t len, size_t first,
	size_t step, int64_t max)
{
	struct keeper *k = calloc(1, sizeof *k);
	struct hk_sink *s;
	size_t n = first;

	r->err = (struct hk_err){0};
	r->out.len = 0;
	k->out = &r->out;
	hk_sink_init(&k->base, &keep_ops, NULL);
	s = hk_sink_inflate(&k->base, max, "x", &r->err);
	r->rc = HK_OK;
	for (size_t at = 0; r->rc == HK_OK && at < len; at += n, n = step) {
		if (n > len - at)
			n = len - at;
		r->rc = hk_sink_write(s, data + at, n, &r->err);
	}
	if (r->rc == HK_OK)
		r->rc = hk_sink_finish(s, &r->err);
	hk_sink_free(s);
}

static void run(struct result *r, const struct bytes *in, size_t first, size_t step)
{
	run_max(r, in->data, in->len, first, step, -1);
}

static bool gives(const struct result *r, const void *want, size_t len)
{
	return r->rc == HK_OK && r->out.len == len && memcmp(r->out.data, want, len) == 0;
}

/* Static, since they are large. Each test clears what it uses. */
static struct bytes content, in;
static struct result r;

/* Every cut into two, and byte by byte. */
static bool survives_cuts(const struct bytes *b, const void *want, size_t len)
{
	for (size_t cut = 0; cut <= b->len; cut++) {
		run(&r, b, cut, b->len + 1);
		if (!gives(&r, want, len))
			return false;
	}
	run(&r, b, 1, 1);
	return gives(&r, want, len);
}

/* --- gzip --------------------------------------------------------------------------- */

static void the_backend_has_a_name(void)
{
#ifdef HK_WITH_ISAL
	CHECK_STR(hk_inflate_backend(), "isa-l");
#else
	CHECK_STR(hk_inflate_backend(), "zlib");
#endif
}

static void gzip_headers_are_read_in_any_pieces(void)
{
	static const struct gzip_opts all[] = {{.level = 6}, {.level = 6, .name = true},
		{.level = 6, .comment = true}, {.level = 6, .extra = true},
		{.level = 6, .hcrc = true},
		{.level = 6, .extra = true, .name = true, .comment = true, .hcrc = true}};
	const char *text = "hello, hello, hello, gzip";

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		in.len = 0;
		add_gzip(&in, text, strlen(text), &all[i]);
		CHECK(survives_cuts(&in, text, strlen(text)));
		add_gzip(&in, text, strlen(text), &all[i]);
		add_gzip(&in, "", 0, &all[i]);
		CHECK(survives_cuts(&in,
			"hello, hello, hello, gziphello, hello, hello, gzip",
			2 * strlen(text)));
	}
}

static void all_kinds_of_blocks_are_read(void)
{
	static const struct gzip_opts all[] = {{.level = 0}, {.level = 1}, {.level = 6},
		{.level = 9}, {.level = 6, .strategy = Z_FIXED},
		{.level = 6, .strategy = Z_HUFFMAN_ONLY}, {.level = 6, .strategy = Z_RLE}};
	static const size_t steps[] = {29, 1000, 65536, 2 * BIG};

	make_content(&content, BIG);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		in.len = 0;
		add_gzip(&in, content.data, 40000, &all[i]);
		run(&r, &in, 1, 1);
		CHECK(gives(&r, content.data, 40000));
		in.len = 0;
		add_gzip(&in, content.data, content.len, &all[i]);
		for (size_t j = 0; j < sizeof steps / sizeof *steps; j++) {
			run(&r, &in, steps[j], steps[j]);
			CHECK(gives(&r, content.data, content.len));
		}
	}
}

static void large_streams_are_read_in_random_pieces(void)
{
	uint32_t seed = 1;

	make_content(&content, BIG);
	in.len = 0;
	for (size_t at = 0; at < BIG; at += BIG / 6) {
		struct gzip_opts o = {.level = (int)(at / (BIG / 6)), .name = true};

		add_gzip(&in, content.data + at, BIG / 6, &o);
	}
	for (int i = 0; i < 30; i++) {
		seed = seed * 1664525 + 1013904223;
		run(&r, &in, 1 + (seed >> 16) % 3000, 1 + (seed >> 8) % 7000);
		CHECK(gives(&r, content.data, BIG));
	}
}

/* A member whose content ends where a block of output does. */
static void output_may_end_at_a_block(void)
{
	struct gzip_opts o = {.level = 6};

	make_content(&content, BIG);
	for (size_t len = 0; len < 3 * 7 + 2; len++) {
		in.len = 0;
		add_gzip(&in, content.data, len, &o);
		CHECK(survives_cuts(&in, content.data, len));
		in.len = 0;
		add_zstd(&in, content.data, len);
		CHECK(survives_cuts(&in, content.data, len));
		in.len = 0;
		add_zstd_sum(&in, content.data, len, 0, false);
		CHECK(survives_cuts(&in, content.data, len));
	}
	for (size_t len = 256 * 1024 - 1; len <= 256 * 1024 + 1; len++) {
		in.len = 0;
		add_gzip(&in, content.data, len, &o);
		run(&r, &in, in.len, 1);
		CHECK(gives(&r, content.data, len));
	}
}

/* All that can be known is passed on before more input comes. */
static void output_is_not_held_back(void)
{
	struct gzip_opts o = {.level = 6};
	struct hk_err err = {0};
	struct keeper *k = calloc(1, sizeof *k);
	struct hk_sink *s;

	make_content(&content, 1000);
	in.len = r.out.len = 0;
	add_gzip(&in, content.data, 1000, &o);
	k->out = &r.out;
	hk_sink_init(&k->base, &keep_ops, NULL);
	s = hk_sink_inflate(&k->base, -1, "x", &err);
	CHECK(hk_sink_write(s, in.data, in.len - 8, &err) == HK_OK);
	CHECK(r.out.len == 1000);
	CHECK(hk_sink_finish(s, &err) == HK_EVERIFY);
	hk_sink_free(s);
}

static void many_small_members_are_read(void)
{
	in.len = content.len = 0;
	for (int i = 0; i < 200; i++) {
		char text[16];

		snprintf(text, sizeof text, "%d,", i);
		add(&content, text, strlen(text));
		add_plain_gzip(&in, text);
	}
	for (size_t step = 1; step < 60; step++) {
		run(&r, &in, step, step);
		CHECK(gives(&r, content.data, content.len));
	}
}

static void zeros_after_gzip_are_padding(void)
{
	static const unsigned char zeros[1000];

	in.len = 0;
	add_plain_gzip(&in, "abc");
	add_plain_gzip(&in, "def");
	add(&in, zeros, 20);
	CHECK(survives_cuts(&in, "abcdef", 6));
	add(&in, zeros, sizeof zeros);
	run(&r, &in, 13, 13);
	CHECK(gives(&r, "abcdef", 6));
}

static const struct {
	const char *tail;
	size_t len;
} garbage[] = {{"x", 1}, {"\0x", 2}, {"\0\0\0\0\0\0\0\0\0\0\0\0y", 13}, {"\x8b\x1f", 2},
	{"\x1f", 1}, {"\x1f\x8c xxxxxxxxxxxxxxx", 17}, {"\0\x1f\x8b\x08", 4},
	{"\x28\xb5\x2f\xfd", 4}};

static void garbage_after_gzip_is_an_error(void)
{
	for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
		in.len = 0;
		add_plain_gzip(&in, "abc");
		add(&in, garbage[i].tail, garbage[i].len);
		for (size_t cut = 0; cut <= in.len; cut++) {
			run(&r, &in, cut, in.len);
			CHECK(r.rc == HK_EVERIFY);
			CHECK(strncmp(r.err.msg, "x: not valid gzip: ", 19) == 0);
		}
	}
	in.len = 0;
	add_plain_gzip(&in, "abc");
	add(&in, "garbage", 7);
	run(&r, &in, 1, 1);
	CHECK_STR(r.err.msg, "x: not valid gzip: garbage after the last member");
}

/* --- broken streams ----------------------------------------------------------------- */

/* A stream of two units and, with it, where the second begins. */
static size_t make_pair(bool zstd)
{
	const char *text = "a text, a text, a text of some kind";
	struct gzip_opts o = {.level = 6, .name = true, .hcrc = true};
	size_t middle;

	in.len = 0;
	if (zstd)
		add_zstd(&in, text, strlen(text));
	else
		add_gzip(&in, text, strlen(text), &o);
	middle = in.len;
	if (zstd)
		add_zstd(&in, text, strlen(text));
	else
		add_gzip(&in, text, strlen(text), &o);
	return middle;
}

static void a_stream_cut_short_is_an_error(void)
{
	for (int zstd = 0; zstd < 2; zstd++) {
		size_t middle = make_pair(zstd);
		size_t magic = zstd ? 4 : 2;

		for (size_t len = magic; len < in.len; len++) {
			for (size_t step = 1; step <= in.len; step += in.len - 1) {
				run_max(&r, in.data, len, step, step, -1);
				CHECK((r.rc == HK_OK) == (len == middle));
				if (len != middle)
					CHECK(r.rc == HK_EVERIFY);
			}
		}
		run_max(&r, in.data, middle - 1, 5, 5, -1);
		CHECK_STR(r.err.msg, zstd ? "x: not valid zstd: it is cut short"
					  : "x: not valid gzip: it is cut short");
	}
}

/* Headers hold bits of no consequence; else no bit may change unnoticed. */
static void no_flipped_bit_changes_the_content(void)
{
	for (int zstd = 0; zstd < 2; zstd++) {
		size_t errors = 0, bits;

		make_pair(zstd);
		bits = 8 * (in.len - 4);
		run(&r, &in, in.len, 1);
		content = r.out;
		for (size_t i = 4; i < in.len; i++) {
			for (int bit = 1; bit < 256; bit *= 2) {
				in.data[i] ^= (unsigned char)bit;
				run(&r, &in, 7, 7);
				CHECK(r.rc != HK_OK || gives(&r, content.data, content.len));
				errors += r.rc != HK_OK;
				in.data[i] ^= (unsigned char)bit;
			}
		}
		CHECK(errors > bits * 8 / 10);
	}
}

static void check_sum_and_length_count(void)
{
	for (size_t back = 1; back <= 8; back++) {
		in.len = 0;
		add_plain_gzip(&in, "abc");
		in.data[in.len - back] ^= 1;
		run(&r, &in, in.len, 1);
		CHECK(r.rc == HK_EVERIFY);
		run(&r, &in, 1, 1);
		CHECK(r.rc == HK_EVERIFY);
		CHECK(strncmp(r.err.msg, "x: not valid gzip: incorrect ", 29) == 0);
	}
}

static void reserved_flags_are_an_error(void)
{
	in.len = 0;
	add_plain_gzip(&in, "abc");
	in.data[3] = 0x20;
	run(&r, &in, 1, 1);
	CHECK(r.rc == HK_EVERIFY);
	CHECK_STR(r.err.msg, "x: not valid gzip: unknown header flags set");
}

/* --- zstd --------------------------------------------------------------------------- */

static void zstd_frames_are_read(void)
{
	in.len = 0;
	add_zstd(&in, "abc", 3);
	CHECK(survives_cuts(&in, "abc", 3));
	add_zstd(&in, "", 0);
	add_zstd(&in, "def", 3);
	CHECK(survives_cuts(&in, "abcdef", 6));
}

static void skippable_frames_are_skipped(void)
{
	in.len = 0;
	add_skippable(&in, 0x5f, 20);
	add_skippable(&in, 0x50, 0);
	CHECK(survives_cuts(&in, "", 0));
	add_zstd(&in, "abc", 3);
	add_skippable(&in, 0x57, 5);
	add_zstd(&in, "def", 3);
	add_skippable(&in, 0x50, 1);
	CHECK(survives_cuts(&in, "abcdef", 6));
}

static void large_zstd_streams_are_read(void)
{
	static const size_t steps[] = {1, 1000, 2 * BIG};

	make_content(&content, BIG);
	in.len = 0;
	add_zstd(&in, content.data, BIG / 2);
	add_zstd_sum(&in, content.data + BIG / 2, BIG / 2, 10, true);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		run(&r, &in, steps[i], steps[i]);
		CHECK(gives(&r, content.data, BIG));
	}
}

static void garbage_after_zstd_is_an_error(void)
{
	static const char *const tails[] = {"x", "xxxx", "\x28", "\x1f\x8b\x08", "\x50\x2a"};

	for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
		in.len = 0;
		add_zstd(&in, "abc", 3);
		add(&in, tails[i], strlen(tails[i]));
		run(&r, &in, in.len, 1);
		CHECK(r.rc == HK_EVERIFY);
		run(&r, &in, 1, 1);
		CHECK(r.rc == HK_EVERIFY);
	}
	in.len = 0;
	add_zstd(&in, "abc", 3);
	add(&in, "\0", 1);
	run(&r, &in, in.len, 1);
	CHECK(r.rc == HK_EVERIFY);
}

/* libzstd reads these otherwise when it gets them whole: a frame whose content is not as
 * long as its header says, and one that hides in the header of another. */
static void zstd_is_read_the_same_however_it_is_cut(void)
{
	static const struct {
		const char *data;
		size_t len;
	} cases[] = {{"\x28\xb5\x2f\xfd\x20\x01\x01\x00\x00", 9},
		{"\x28\xb5\x2f\xfd\x50\x2a\x4d\x18\x03\x00\x00\x00\x00\x00\x00"
		 "\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00", 24}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int rc;

		in.len = 0;
		add(&in, cases[i].data, cases[i].len);
		run(&r, &in, 1, 1);
		rc = r.rc;
		for (size_t cut = 0; cut <= in.len; cut++) {
			run(&r, &in, cut, in.len);
			CHECK(r.rc == rc);
		}
	}
}

/* A frame header alone: magic, descriptor 0, window, then the block. */
static void a_window_has_a_limit(void)
{
	static const struct {
		unsigned char window;
		int rc;
	} cases[] = {{(27 - 10) << 3, HK_OK}, {((27 - 10) << 3) + 1, HK_EUNSUPPORTED},
		{(28 - 10) << 3, HK_EUNSUPPORTED}, {(31 - 10) << 3, HK_EUNSUPPORTED}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		unsigned char frame[] = {
			0x28, 0xb5, 0x2f, 0xfd, 0x00, cases[i].window, 0x01, 0x00, 0x00};

		in.len = 0;
		add(&in, frame, sizeof frame);
		run(&r, &in, 1, 1);
		CHECK(r.rc == cases[i].rc);
		if (r.rc != HK_OK)
			CHECK_STR(r.err.msg, "x: zstd: a window of more than 128 MiB");
	}
}

/* --- everything else ---------------------------------------------------------------- */

static void other_bytes_pass(void)
{
	static const struct {
		const char *data;
		size_t len;
	} cases[] = {{"", 0}, {"a", 1}, {"ab", 2}, {"abc", 3}, {"abcd", 4}, {"abcdefgh", 8},
		{"\x28\xb5\x2f", 3}, {"\x28\xb5\x2f\xfe", 4}, {"\x50\x2a\x4d\x19", 4},
		{"\x40\x2a\x4d\x18", 4}, {"\x1f", 1}, {"\x1f\x8c\x08\x00", 4}, {"\0\0\0\0", 4}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		in.len = 0;
		add(&in, cases[i].data, cases[i].len);
		CHECK(survives_cuts(&in, cases[i].data, cases[i].len));
	}
	make_content(&content, BIG);
	run(&r, &content, 100, BIG);
	CHECK(gives(&r, content.data, BIG));
}

/* --- the ceiling -------------------------------------------------------------------- */

static void the_output_has_a_ceiling(void)
{
	make_content(&content, 1000);
	for (int kind = 0; kind < 3; kind++) {
		struct gzip_opts o = {.level = 6};

		in.len = 0;
		if (kind == 0)
			add_gzip(&in, content.data, 1000, &o);
		else if (kind == 1)
			add_zstd(&in, content.data, 1000);
		else
			add(&in, content.data, 1000);
		run_max(&r, in.data, in.len, in.len, 1, 1000);
		CHECK(gives(&r, content.data, 1000));
		run_max(&r, in.data, in.len, in.len, 1, 999);
		CHECK(r.rc == HK_EVERIFY && r.out.len <= 999);
		CHECK_STR(r.err.msg, "x: inflates to more than 999 bytes");
		run_max(&r, in.data, in.len, 1, 1, 0);
		CHECK(r.rc == HK_EVERIFY && r.out.len == 0);
	}
}

/* 64 MiB of zeros from a few KiB, in blocks no larger than ever. */
static void a_bomb_meets_the_ceiling(void)
{
	static char zeros[1 << 16];
	z_stream z = {0};

	in.len = 0;
	CHECK(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, 0) == Z_OK);
	z.next_out = in.data;
	z.avail_out = sizeof in.data;
	for (int i = 0; i < 1024; i++) {
		z.next_in = (Bytef *)zeros;
		z.avail_in = sizeof zeros;
		CHECK(deflate(&z, i == 1023 ? Z_FINISH : Z_NO_FLUSH) >= Z_OK);
	}
	in.len = sizeof in.data - z.avail_out;
	deflateEnd(&z);
	run_max(&r, in.data, in.len, in.len, 1, BIG);
	CHECK(r.rc == HK_EVERIFY && r.out.len <= BIG);
}

static void an_error_behind_comes_back(void)
{
	struct hk_err err = {0};
	struct hk_mem *m = hk_mem_new(2, &err);
	struct hk_sink *s = hk_sink_inflate(hk_sink_mem(m, &err), -1, "x", &err);

	hk_mem_unref(m);
	in.len = 0;
	add_plain_gzip(&in, "abc");
	CHECK(hk_sink_write(s, in.data, in.len, &err) == HK_EPROTOCOL);
	CHECK(hk_sink_finish(s, &err) == HK_EPROTOCOL);
	CHECK_STR(err.msg, "more than 2 bytes");
	hk_sink_free(s);
}

int main(void)
{
	TEST(the_backend_has_a_name);
	TEST(gzip_headers_are_read_in_any_pieces);
	TEST(all_kinds_of_blocks_are_read);
	TEST(large_streams_are_read_in_random_pieces);
	TEST(output_may_end_at_a_block);
	TEST(output_is_not_held_back);
	TEST(many_small_members_are_read);
	TEST(zeros_after_gzip_are_padding);
	TEST(garbage_after_gzip_is_an_error);
	TEST(a_stream_cut_short_is_an_error);
	TEST(no_flipped_bit_changes_the_content);
	TEST(check_sum_and_length_count);
	TEST(reserved_flags_are_an_error);
	TEST(zstd_frames_are_read);
	TEST(skippable_frames_are_skipped);
	TEST(large_zstd_streams_are_read);
	TEST(garbage_after_zstd_is_an_error);
	TEST(zstd_is_read_the_same_however_it_is_cut);
	TEST(a_window_has_a_limit);
	TEST(other_bytes_pass);
	TEST(the_output_has_a_ceiling);
	TEST(a_bomb_meets_the_ceiling);
	TEST(an_error_behind_comes_back);
	return test_end();
}
