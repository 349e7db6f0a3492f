/*
 * verify: a sink that passes bytes on if they are what they should be.
 */
#ifndef HK_VERIFY_H
#define HK_VERIFY_H

#include "digest.h"
#include "sink.h"

/* What bytes should be. */
struct hk_expect {
	int64_t size;			/* exact number of bytes, or -1 */
	int64_t max;			/* ceiling where size is -1; -1 for none */
	const struct hk_digest *digest; /* NULL: not checked; copied */
	const char *name;		/* for messages: "layer sha256:..."; copied */
};

/* Passes bytes on and checks them: more than the size fails at the first byte too many,
 * fewer or another digest at finish, all with HK_EVERIFY. Of a write that is too long
 * nothing is passed on. */
HK_API struct hk_sink *hk_sink_verify(
	struct hk_sink *next, const struct hk_expect *expect, struct hk_err *err);

#endif
