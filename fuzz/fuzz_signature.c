/*
 * fuzz_signature: any text as a key, with any bytes as a signature. Nothing signs the empty text
 * by accident, so whatever comes in is refused, by a clean message. The input is the key's text up
 * to its first NUL, and the signature behind it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../core/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size > 0 ? memchr(data, '\0', size) : NULL;
	struct hk_bytes pem = {data, end ? (size_t)(end - data) : size}, text = {"", 0};
	struct hk_bytes sig = {end ? end + 1 : data, end ? size - pem.len - 1 : 0};
	struct hk_err err = {0};
	int rc = hk_signature_verify(&pem, &text, &sig, &err);

	require(rc == HK_EUSAGE || rc == HK_EVERIFY);
	require(err.code == rc && *err.msg);
	for (const char *c = err.msg; *c; c++)
		require((unsigned char)*c >= ' ' && *c != 0x7f);
	return 0;
}
