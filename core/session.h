/*
 * session: the event loop. Many transfers over one set of reused connections, driven by one
 * thread that calls hk_session_step again and again.
 *
 * The loop makes no decisions of taste. When a transfer needs one (a challenge, a redirect, a
 * failure that could be retried) step returns an event and the transfer waits until it is
 * answered with one of the functions of transfer.h. So whoever decides runs with no frame of
 * this library beneath it, may take its time, and may start other transfers meanwhile.
 */
#ifndef HK_SESSION_H
#define HK_SESSION_H

#include <stdbool.h>

#include "err.h"

struct hk_session;
struct hk_transfer;

/* Zero, or NULL, stands for the default of each. Strings are copied. */
struct hk_session_opts {
	long connect_timeout_ms; /* name look-up, TCP and TLS together; 30 s */
	long stall_timeout_ms;	 /* no byte for so long breaks a transfer; 60 s */
	unsigned connections;	 /* most connections to one host; 8 */
	const char *user_agent;	 /* "hocker/<version>" */
	const char *cacert;	 /* PEM file of further trusted CAs, beside the system's */
	const char *cert;	 /* PEM file of a client certificate, and its key */
	const char *key;
	bool insecure; /* accept any certificate */
};

/* What one origin gets: CAs beside the session's, a client certificate in place of it. */
struct hk_trust {
	const char *origin;	    /* a URL of it */
	const char *const *cacerts; /* PEM files, NULL-terminated; or NULL */
	const char *cert;	    /* or NULL: the session's */
	const char *key;
};

enum hk_event_type {
	HK_EVENT_NONE,	    /* the timeout passed, or something arrived: progress */
	HK_EVENT_CHALLENGE, /* 401 or 403 from the request's own origin: authorize or fail */
	HK_EVENT_REDIRECT,  /* 3xx with a usable target: follow or fail */
	HK_EVENT_RETRY,	    /* broken, and worth another try: retry or fail */
	HK_EVENT_DONE	    /* over, well or not; answer: hk_transfer_free */
};

struct hk_event {
	enum hk_event_type type;
	struct hk_transfer *transfer; /* NULL for HK_EVENT_NONE */
};

/* A PEM file that can't be read is HK_EIO, a `cacert` without a certificate HK_EUSAGE. */
HK_API struct hk_session *hk_session_new(const struct hk_session_opts *opts, struct hk_err *err);

/* Copies `trust`. To be called before the first request of that origin: connections that are
 * there go on. Errors as above. Other origins, a redirect's target too, see none of it. */
HK_API HK_MUST_USE int hk_session_trust(
	struct hk_session *s, const struct hk_trust *trust, struct hk_err *err);

/* From now on there may be so many connections to one host beside those of the options: for
 * transfers that hold theirs for as long as somebody reads elsewhere. */
HK_API void hk_session_spare(struct hk_session *s, unsigned connections);

/* Transfers that are left are stopped and their sinks freed; what remains of them is done with
 * HK_EINTERRUPTED and still to be freed by their owner. NULL is fine. */
HK_API void hk_session_free(struct hk_session *s);

/* Runs the loop until an event is there or `timeout_ms` have passed. HK_EINTERRUPTED when a
 * signal was noted (interrupt.h). */
HK_API HK_MUST_USE int hk_session_step(
	struct hk_session *s, long timeout_ms, struct hk_event *event, struct hk_err *err);

/* As hk_session_step, but returns without an event too when a sink has called: something may be
 * there to read (pipe.h), or nothing. */
HK_API HK_MUST_USE int hk_session_await(
	struct hk_session *s, long timeout_ms, struct hk_event *event, struct hk_err *err);

/* Transfers that are neither done nor freed. */
HK_API size_t hk_session_active(const struct hk_session *s);

#endif
