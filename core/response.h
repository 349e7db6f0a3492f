/*
 * response: the status and header fields of the response that is being read. Private to the
 * engine.
 */
#ifndef HK_RESPONSE_H
#define HK_RESPONSE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

#define RESPONSE_FIELDS 256 /* header fields kept; a server that sends more is refused */

struct response {
	long status;		      /* 0 before the first status line */
	size_t bytes;		      /* of all header lines of this request, 1xx included */
	size_t nfields;
	char *fields[RESPONSE_FIELDS]; /* "name: value", name in lower case */
	struct hk_buf body;	      /* of an error response */
};

void response_init(struct response *r);
void response_free(struct response *r);

/* Before a request is sent: forgets all of the last one. */
void response_reset(struct response *r);

/* One header line as libcurl hands it out, the line end included. A status line starts the
 * response anew, so that a 1xx or a proxy's answer leaves nothing behind. Too many or too
 * long are HK_EPROTOCOL. */
HK_MUST_USE int response_line(
	struct response *r, const char *line, size_t len, struct hk_err *err);

/* Value of the first field of that lower-case name, or NULL. */
const char *response_field(const struct response *r, const char *name);

/* Content-Range: bytes first-last/total (RFC 9110 section 14.4); total -1 for "*". */
HK_MUST_USE int response_range(const struct response *r, int64_t *first, int64_t *last,
	int64_t *total, struct hk_err *err);

/* Content-Length, or -1 when missing or no number. */
int64_t response_length(const struct response *r);

/* Keeps what fits of an error response's body. */
void response_keep(struct response *r, const void *data, size_t len);

#endif
