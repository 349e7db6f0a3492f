/*
 * auth: HTTP authentication as text: what a server asks for, and what we answer.
 *
 * Which credentials go to whom is decided above this module; here is only the grammar of
 * RFC 9110 section 11 (challenges), RFC 7617 (Basic), RFC 6750 (Bearer).
 */
#ifndef HK_AUTH_H
#define HK_AUTH_H

#include <stddef.h>

#include "buf.h"
#include "err.h"

#define HK_AUTH_PARAMS	   16 /* parameters kept of one challenge */
#define HK_AUTH_CHALLENGES 16 /* challenges kept of one response */

struct hk_challenge {
	char *scheme; /* lower case: "bearer", "basic", ... */
	size_t nparams;
	struct {
		char *name;  /* lower case */
		char *value; /* quoted-string escapes resolved; a token68 has the name "" */
	} params[HK_AUTH_PARAMS];
};

struct hk_challenges {
	size_t n;
	struct hk_challenge list[HK_AUTH_CHALLENGES];
};

/* Adds the challenges of one WWW-Authenticate field value to `c` (zeroed by the caller
 * before the first call; one call a field line). Several challenges in one value, any case,
 * quoted strings with commas and escapes, empty list elements and token68 are understood.
 * Of a parameter given twice the first counts; what exceeds the limits above is dropped. A
 * value that breaks the grammar is HK_EPROTOCOL, what was read before the break stays. */
HK_API HK_MUST_USE int hk_challenges_add(
	struct hk_challenges *c, const char *value, struct hk_err *err);
HK_API void hk_challenges_free(struct hk_challenges *c);

/* The value of an Authorization field, appended to `out` (use a secret buffer). A user name
 * with a colon, and control characters in it or in a token, are HK_EUSAGE: they can't be sent.
 * A password may hold them, against RFC 7617, since keys that are passwords do (several lines
 * of JSON at Google's registries), and base 64 carries them safely. */
HK_API HK_MUST_USE int hk_auth_basic(
	const char *user, const char *password, struct hk_buf *out, struct hk_err *err);
HK_API HK_MUST_USE int hk_auth_bearer(const char *token, struct hk_buf *out, struct hk_err *err);

#endif
