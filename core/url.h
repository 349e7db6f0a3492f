/*
 * url: what we need to know of http and https URLs, on top of libcurl's parser (so that
 * what we judge is what libcurl connects to).
 */
#ifndef HK_URL_H
#define HK_URL_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"

#define HK_URL_MAX 8192 /* signed CDN URLs reach 2 to 3 KiB; a longer one is refused */

struct hk_url {
	char *scheme; /* "http" or "https" */
	char *host;   /* lower case, an IPv6 literal in brackets, no port */
	char *port;   /* always set: the scheme's default when the URL has none */
	char *path;   /* starts with "/" */
	char *query;  /* without "?", or NULL */
	bool userinfo; /* the URL carries a user name or a password */
};

/* Parses an absolute http(s) URL; anything else is HK_EUSAGE, and so are spaces, control
 * characters, an IPv6 zone, and a host name of more than ASCII letters, digits, "-", "_"
 * and ".". The caller frees `u` with hk_url_free, also after a failure (then all fields
 * are NULL). */
HK_API HK_MUST_USE int hk_url_parse(struct hk_url *u, const char *text, struct hk_err *err);
HK_API void hk_url_free(struct hk_url *u);

/* Resolves `ref` (a Location header, a realm) against the absolute URL `base` by RFC 3986
 * section 5 and stores the result in `out` (initialised by the caller, replaced). The
 * fragment is dropped. A result that is not http(s) is HK_EPROTOCOL. */
HK_API HK_MUST_USE int hk_url_join(
	const char *base, const char *ref, struct hk_buf *out, struct hk_err *err);

/* Appends "?key=value" or "&key=value" to the URL in `b`, both percent-encoded. A URL
 * with a fragment is HK_EUSAGE. */
HK_API HK_MUST_USE int hk_url_add_query(
	struct hk_buf *b, const char *key, const char *value, struct hk_err *err);

/* Same scheme, host and port (RFC 6454). False when either does not parse. */
HK_API bool hk_url_same_origin(const char *a, const char *b);

/* Whether two host names lie in one registrable domain by the Public Suffix List, or are
 * equal: "registry.example.org" and "auth.example.org" are, "a.co.uk" and "b.co.uk" are
 * not. IP literals are of one site only with themselves. */
HK_API bool hk_url_same_site(const char *host_a, const char *host_b);

/* Whether a host, as in struct hk_url, is this machine: localhost, *.localhost,
 * 127.0.0.0/8, [::1]. Judged by the text: no name is looked up. */
HK_API bool hk_url_loopback(const char *host);

/* A copy of `text` fit for a message: user info removed and the query, where signed URLs
 * carry their secrets, replaced by "...". Text that does not parse becomes "(unreadable
 * URL)". Stored in `out` (initialised by the caller, replaced). */
HK_API HK_MUST_USE int hk_url_redact(const char *text, struct hk_buf *out, struct hk_err *err);

#endif
