/*
 * fuzz_inflate: a stream is read the same however it is cut: whole, in small pieces, and
 * up to its exact length of output but not below it. What fails says why.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../core/inflate.h"

#define MAX_OUTPUT (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	int rc;
	int64_t len;   /* of the output */
	uint64_t hash; /* FNV-1a of it */
};

struct hasher {
	struct hk_sink base;
	struct outcome *outcome;
};

static void require(int holds)
{
	if (!holds)
		abort();
}

static int hasher_write(
	struct hk_sink *s, const void *data, size_t len, struct hk_err *err)
{
	struct outcome *o = ((struct hasher *)s)->outcome;
	const unsigned char *p = data;

	(void)err;
	o->len += (int64_t)len;
	for (size_t i = 0; i < len; i++)
		o->hash = (o->hash ^ p[i]) * 0x100000001b3;
	return HK_OK;
}

static int hasher_finish(struct hk_sink *s, struct hk_err *err)
{
	(void)s;
	(void)err;
	return HK_OK;
}

static void hasher_free(struct hk_sink *s)
{
	free(s);
}

static const struct hk_sink_ops hasher_ops = {
	.write = hasher_write, .finish = hasher_finish, .free = hasher_free};

static struct outcome run(const uint8_t *data, size_t size, size_t step, int64_t max)
{
	struct outcome o = {.hash = 0xcbf29ce484222325};
	struct hasher *h = calloc(1, sizeof *h);
	struct hk_err err = {0};
	struct hk_sink *s;

	require(h != NULL);
	hk_sink_init(&h->base, &hasher_ops, NULL);
	h->outcome = &o;
	s = hk_sink_inflate(&h->base, max, "fuzz", &err);
	require(s != NULL);
	for (size_t at = 0, n; o.rc == HK_OK && at < size; at += n) {
		n = size - at < step ? size - at : step;
		o.rc = hk_sink_write(s, data + at, n, &err);
	}
	if (o.rc == HK_OK)
		o.rc = hk_sink_finish(s, &err);
	require(o.rc == err.code && (o.rc == HK_OK) == (err.msg[0] == '\0'));
	hk_sink_free(s);
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole = run(data, size, SIZE_MAX, MAX_OUTPUT);
	struct outcome cut = run(data, size, 1 + size % 13, MAX_OUTPUT);

	require(whole.len <= MAX_OUTPUT && cut.len <= MAX_OUTPUT);
	require(cut.rc == whole.rc);
	if (whole.rc != HK_OK)
		return 0;
	require(cut.len == whole.len && cut.hash == whole.hash);
	require(run(data, size, SIZE_MAX, whole.len).rc == HK_OK);
	if (whole.len > 0)
		require(run(data, size, 1, whole.len - 1).rc == HK_EVERIFY);
	return 0;
}
