/*
 * digest: content digests as registries write them, and their other spellings.
 *
 * There is one parser, and it stands before every use of a digest in a path or a URL: the
 * algorithms that OCI image-spec registers and that are strong (sha256, sha512), lower-case
 * hex of the exact length, nothing else (image-spec descriptor.md; CVE-2024-3727 is what
 * happens without).
 */
#ifndef HK_DIGEST_H
#define HK_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

enum hk_alg { HK_SHA256, HK_SHA512 };

#define HK_DIGEST_BYTES 64  /* the longest raw digest */
#define HK_DIGEST_TEXT	136 /* room for the longest spelling and its NUL */

struct hk_digest {
	enum hk_alg alg;
	unsigned char bytes[HK_DIGEST_BYTES];
};

/* Parses "sha256:<64 hex>" or "sha512:<128 hex>", `len` bytes at `text`. HK_EVERIFY when it
 * is anything else. */
HK_API HK_MUST_USE int hk_digest_parse(
	struct hk_digest *d, const char *text, size_t len, struct hk_err *err);

/* Number of raw bytes of an algorithm: 32 or 64. And its name: "sha256", "sha512". */
HK_API size_t hk_alg_bytes(enum hk_alg alg);
HK_API const char *hk_alg_name(enum hk_alg alg);

/* The spellings; each fills `out` with NUL-terminated text.
 *   text   sha256:cd0a...            registries
 *   hex    cd0a...                   file names
 *   nix32  1744l0c8...               Nix: base 32 without e o t u, least significant last
 *   sri    sha256-zQpSQ...=          W3C Subresource Integrity, Nix */
HK_API void hk_digest_text(const struct hk_digest *d, char out[HK_DIGEST_TEXT]);
HK_API void hk_digest_hex(const struct hk_digest *d, char out[HK_DIGEST_TEXT]);
HK_API void hk_digest_nix32(const struct hk_digest *d, char out[HK_DIGEST_TEXT]);
HK_API void hk_digest_sri(const struct hk_digest *d, char out[HK_DIGEST_TEXT]);

HK_API bool hk_digest_equal(const struct hk_digest *a, const struct hk_digest *b);

/* Streaming hash over OpenSSL's EVP. hk_hash_final may be called once; the object is then
 * only good for hk_hash_free (NULL is fine there). */
struct hk_hash;
HK_API struct hk_hash *hk_hash_new(enum hk_alg alg, struct hk_err *err);
HK_API HK_MUST_USE int hk_hash_update(
	struct hk_hash *h, const void *data, size_t len, struct hk_err *err);
HK_API HK_MUST_USE int hk_hash_final(struct hk_hash *h, struct hk_digest *out, struct hk_err *err);
HK_API void hk_hash_free(struct hk_hash *h);

#endif
