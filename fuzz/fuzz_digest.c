/*
 * fuzz_digest: what the parser accepts is spelled back to the byte, and what it refuses
 * makes a clean message. Any digest has spellings of the right length and alphabet.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../core/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void check_spellings(const struct hk_digest *d)
{
	size_t bytes = hk_alg_bytes(d->alg), prefix = strlen(hk_alg_name(d->alg)) + 1;
	char out[HK_DIGEST_TEXT];

	hk_digest_hex(d, out);
	require(strlen(out) == 2 * bytes);
	require(strspn(out, "0123456789abcdef") == 2 * bytes);
	hk_digest_nix32(d, out);
	require(strlen(out) == (bytes * 8 + 4) / 5);
	require(strspn(out, "0123456789abcdfghijklmnpqrsvwxyz") == strlen(out));
	hk_digest_sri(d, out);
	require(out[prefix - 1] == '-');
	require(strlen(out + prefix) == (bytes + 2) / 3 * 4);
}

static void check_text(const char *text, size_t size)
{
	struct hk_err err = {0};
	char out[HK_DIGEST_TEXT];
	struct hk_digest d;

	if (hk_digest_parse(&d, text, size, &err) == HK_OK) {
		hk_digest_text(&d, out);
		require(strlen(out) == size && memcmp(out, text, size) == 0);
		require(hk_digest_equal(&d, &d));
		check_spellings(&d);
	} else {
		require(err.code == HK_EVERIFY && *err.msg);
		for (const char *c = err.msg; *c; c++)
			require((unsigned char)*c >= ' ' && *c != 0x7f);
	}
}

/* The input as raw bytes: its digest, and itself as one. */
static void check_bytes(const uint8_t *data, size_t size)
{
	struct hk_digest d = {.alg = size % 2 ? HK_SHA512 : HK_SHA256};
	struct hk_hash *h = hk_hash_new(d.alg, NULL);
	char out[HK_DIGEST_TEXT];

	require(h && hk_hash_update(h, data, size, NULL) == HK_OK);
	require(hk_hash_final(h, &d, NULL) == HK_OK);
	hk_hash_free(h);
	hk_digest_text(&d, out);
	check_text(out, strlen(out));
	if (size > 0)
		memcpy(d.bytes, data, size < HK_DIGEST_BYTES ? size : HK_DIGEST_BYTES);
	hk_digest_text(&d, out);
	check_text(out, strlen(out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_text((const char *)data, size);
	check_bytes(data, size);
	return 0;
}
