/*
 * transfer: one HTTP exchange, however many requests it takes: challenge, redirects, retries
 * and resumed bodies included. Its body goes to a sink and to nowhere else.
 *
 * Rules that hold whatever the caller answers:
 *   - Authorization goes to the origin of the request's URL and never to a redirect's target
 *     (oras-go GHSA-vh4v-2xq2-g5cg and its kin); a 401 from there is no challenge.
 *   - What goes to this machine goes through no proxy.
 *   - https is never left for http; at most HK_REDIRECTS hops.
 *   - A body that broke is continued with one single-range request for what is missing, sent
 *     to the original URL again, because signed targets expire. A server that ignores the
 *     range is read from the start and the known part skipped, and so is one that, after all
 *     retries, refuses it or answers it wrongly; one that names another length than before is
 *     HK_EPROTOCOL. (RFC 9110 section 14.)
 *   - Only 200, and 206 where a range was asked for, reach the sink.
 */
#ifndef HK_TRANSFER_H
#define HK_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "session.h"
#include "sink.h"

#define HK_REDIRECTS   10
#define HK_ERROR_BODY  (64 * 1024)  /* kept of the body of an error response */
#define HK_HEADERS_MAX (256 * 1024) /* of all response headers together */

struct hk_range {
	int64_t first; /* offset of the first byte */
	int64_t last;  /* and of the last, inclusive */
};

/* A request. Everything but `sink` is copied. */
struct hk_request {
	const char *url;
	const char *method;	   /* "GET" when NULL; "HEAD"; "POST"; no other */
	const char *const *headers; /* "Name: value", NULL-terminated; or NULL */
	const char *authorization; /* value of that field, or NULL */
	const char *body;	   /* of a POST, or NULL */
	const char *content_type;  /* of the body */
	const struct hk_range *range; /* part wanted, or NULL for the whole. A server that
				      answers with the whole is HK_EUNSUPPORTED */
	bool apart;		   /* not on a connection that others use: HTTP/1.1, where
				      the server would take all on one */
	int64_t from;		   /* bytes of the body that are there already: it begins
				      as one that broke behind them is continued */
	unsigned retries;	   /* failures in a row, without progress, that are retried */
	struct hk_sink *sink;	   /* taken, also on failure; NULL: the body is dropped */
};

struct hk_response {
	long status;		    /* of the last response, 0 when there was none */
	const char *url;	    /* that it came from */
	size_t nheaders;
	const char *const *headers; /* "name: value", names in lower case, in order */
	const struct hk_buf *body;  /* of an error response, cut at HK_ERROR_BODY */
};

/* Starts a request; the events of `s` tell how it goes. */
HK_API struct hk_transfer *hk_transfer_start(
	struct hk_session *s, const struct hk_request *request, struct hk_err *err);

/* At any time; stops it if need be and frees its sink. NULL is fine. */
HK_API void hk_transfer_free(struct hk_transfer *t);

/* The last response; valid until the next call of hk_session_step or an answer. */
HK_API void hk_transfer_response(const struct hk_transfer *t, struct hk_response *out);

/* Value of the first header of that (lower-case) name, or NULL. Same validity. */
HK_API const char *hk_transfer_header(const struct hk_transfer *t, const char *name);

/* How it stands: HK_OK once done, else what broke it. Valid until freed. */
HK_API const struct hk_err *hk_transfer_error(const struct hk_transfer *t);

/* Body bytes that are there so far (`from` and what the sink got), and how many there will be in all, or -1. */
HK_API int64_t hk_transfer_received(const struct hk_transfer *t);
HK_API int64_t hk_transfer_total(const struct hk_transfer *t);

/* Milliseconds in which its sink had no room: not the network held it up then. */
HK_API int64_t hk_transfer_held_ms(const struct hk_transfer *t);

/* For HK_EVENT_REDIRECT: the absolute target. For HK_EVENT_RETRY: how long to wait, from
 * Retry-After (RFC 9110 section 10.2.3) or by exponential backoff, and the failures so far. */
HK_API const char *hk_transfer_target(const struct hk_transfer *t);
HK_API long hk_transfer_delay_ms(const struct hk_transfer *t);
HK_API unsigned hk_transfer_failures(const struct hk_transfer *t);

/* The answers. Each is HK_EUSAGE when the transfer does not wait for it. */
HK_API HK_MUST_USE int hk_transfer_authorize(
	struct hk_transfer *t, const char *authorization, struct hk_err *err);
HK_API HK_MUST_USE int hk_transfer_follow(struct hk_transfer *t, struct hk_err *err);
HK_API HK_MUST_USE int hk_transfer_retry(struct hk_transfer *t, long delay_ms, struct hk_err *err);

/* Ends a waiting transfer with `why`; HK_EVENT_DONE follows. */
HK_API HK_MUST_USE int hk_transfer_fail(
	struct hk_transfer *t, const struct hk_err *why, struct hk_err *err);

/* Ends a transfer early, and well: the sink is finished with what has come, and HK_EVENT_DONE
 * follows. For a body whose rest is fetched otherwise (join.h). False, and nothing happens, where
 * it waits for an answer, which may be on its way, or all has come. */
HK_API bool hk_transfer_stop(struct hk_transfer *t);

/* Kept for the caller: the binding's way from an event to its own object. */
HK_API void hk_transfer_set_user(struct hk_transfer *t, void *user);
HK_API void *hk_transfer_user(const struct hk_transfer *t);

#endif
