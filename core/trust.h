/*
 * trust: whom a session believes in TLS, and which client certificate it shows, by the origin
 * of a leg. Private to session.c.
 *
 * A list: one for each origin that has its own, and last, with no URL, the session's, which
 * those of the origins hold a copy of.
 */
#ifndef HK_TRUST_H
#define HK_TRUST_H

#include "libcurl.h"
#include "session.h"

struct trust;

/* Puts one in front of `*list`, and checks that its files can be used. */
HK_MUST_USE int trust_add(struct trust **list, const struct hk_trust *given, bool insecure,
	struct hk_err *err);
void trust_free(struct trust *list);

/* Sets what the leg to `url` needs, and unsets what the leg before had. */
HK_MUST_USE int trust_setup(
	const struct trust *list, CURL *easy, const char *url, struct hk_err *err);

#endif
