/*
 * signature: whether some bytes were signed with the private half of a public key.
 *
 * What is accepted is what signers of images make and what is strong: ECDSA on P-256 and RSA
 * (PKCS #1 v1.5, 2048 bits or more), both over SHA-256, and Ed25519. The key says which of them
 * it is, never the signature.
 */
#ifndef HK_SIGNATURE_H
#define HK_SIGNATURE_H

#include <stddef.h>

#include "err.h"

#define HK_SIGNATURE_KEY_MAX (64 * 1024) /* bytes of PEM text */
#define HK_SIGNATURE_MAX     4096	 /* bytes of a signature; that of RSA 16384 has 2048 */
#define HK_SIGNATURE_RSA_MIN 2048	 /* bits */
#define HK_SIGNATURE_RSA_MAX 16384	 /* bits; more would only take time */

struct hk_bytes {
	const void *data;
	size_t len;
};

/* HK_OK when `sig` is a signature of `data` by the key in `pem` ("-----BEGIN PUBLIC KEY-----").
 * HK_EVERIFY when it is not, whatever it is instead; HK_EUSAGE for a text that is no such key,
 * and for a key of another kind. All are borrowed. */
HK_API HK_MUST_USE int hk_signature_verify(const struct hk_bytes *pem, const struct hk_bytes *data,
	const struct hk_bytes *sig, struct hk_err *err);

#endif
