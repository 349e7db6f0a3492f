/*
 * engine: what session.c, transfer.c, leg.c and judge.c share. Private to them.
 *
 * A transfer is always in one state. The session moves it: RUNNING legs by libcurl, DELAYED by
 * the clock, DRAINING by the sink; the caller's answers move it out of the WAITING states.
 *
 *     start -> RUNNING -> DRAINING -> DONE
 *                 |  ^
 *                 v  | answer
 *               WAITING -> DELAYED -> RUNNING
 */
#ifndef HK_ENGINE_H
#define HK_ENGINE_H

#include "libcurl.h"
#include "response.h"
#include "session.h"
#include "transfer.h"

#define AUTHORIZATION_MAX (64 * 1024) /* a token with a long list of groups takes a few KiB */

enum transfer_state { RUNNING, WAITING, DELAYED, DRAINING, DONE };

struct hk_transfer {
	struct hk_session *session;
	struct hk_transfer *prev, *next; /* all transfers of the session */
	struct hk_transfer *event_next;	 /* those with an event to report */
	enum transfer_state state;
	enum hk_event_type event; /* the one that WAITING waits with, or DONE's */
	CURL *easy;
	char errbuf[CURL_ERROR_SIZE];

	/* The request, as it was asked for. */
	char *url, *method;
	struct hk_buf body; /* of a POST */
	struct curl_slist *headers;
	struct hk_buf authorization;
	bool ranged;
	struct hk_range range;
	bool apart;
	unsigned retries;
	struct hk_sink *sink;

	/* The leg: one request of the exchange. */
	struct hk_buf leg_url;		 /* where it went */
	struct curl_slist *leg_headers;	 /* what was sent */
	struct response response;
	bool accepted;	 /* its body is for the sink */
	int64_t skip;	 /* bytes of it that the sink has already */
	size_t refused;	 /* bytes that the sink had no room for; the leg is paused */
	bool asks;	 /* it is a handshake alone, to learn why ... */
	struct hk_err unsent; /* ... a request could not be sent */

	/* The exchange. */
	bool whole;		 /* it is continued without a range: see transfer.h */
	int64_t received, total; /* bytes in the sink; all there will be, or -1 */
	int64_t mark;		 /* `received` when it broke last */
	unsigned failures;	 /* since then */
	int64_t held_ms; /* how long it was paused for the sink, but for the pause that is */
	int64_t paused;	 /* when that began */
	unsigned hops;
	int64_t due_ms; /* DELAYED: when to go on */
	long delay_ms;
	struct hk_buf target;
	struct hk_err err;
	void *user;
};

/* session.c, for transfer.c */
void session_add(struct hk_session *s, struct hk_transfer *t);
void session_remove(struct hk_session *s, struct hk_transfer *t);
HK_MUST_USE int session_run(struct hk_session *s, struct hk_transfer *t, struct hk_err *err);
void session_stop(struct hk_session *s, struct hk_transfer *t); /* takes it from libcurl */
void session_report(struct hk_session *s, struct hk_transfer *t);
void session_unreport(struct hk_session *s, struct hk_transfer *t); /* answered unasked */
void session_wake(void *session); /* any thread; an hk_wake_fn */
HK_MUST_USE int session_setup(struct hk_session *s, CURL *easy, struct hk_err *err);
/* TLS, for a leg */
HK_MUST_USE int session_trust(
	struct hk_session *s, CURL *easy, const char *url, struct hk_err *err);
int64_t session_now_ms(void);

/* leg.c, for the others */
void leg_set_up(struct hk_transfer *t); /* once */
HK_MUST_USE int leg_check_field(const char *text, struct hk_err *err);
HK_MUST_USE int leg_add_header(struct curl_slist **list, const char *line, struct hk_err *err);
HK_MUST_USE int leg_set_url(struct hk_transfer *t, const char *url, struct hk_err *err);
void leg_run(struct hk_transfer *t);			/* sends the next one */
bool leg_run_whole(struct hk_transfer *t);		/* again, without the range that was in vain */
void leg_shake_hands(struct hk_transfer *t, bool only); /* sends no request, or again does */
void leg_free_headers(struct hk_transfer *t);

/* transfer.c, for the others */
void transfer_orphan(struct hk_transfer *t); /* its session goes */
HK_MUST_USE int transfer_check_url(const char *text, struct hk_err *err);

/* judge.c, for the others */
void transfer_settle(struct hk_transfer *t, CURLcode code); /* libcurl is through with a leg */
void transfer_poke(struct hk_transfer *t);		    /* the sink may be ready, or done */
void transfer_go_on(struct hk_transfer *t);		    /* it is no longer paused */
void transfer_drain(struct hk_transfer *t);		    /* all has come */
void transfer_done(struct hk_transfer *t);		    /* it is over, as t->err says */
int64_t transfer_wanted(const struct hk_transfer *t);	    /* bytes to come in all, or -1 */

#endif
