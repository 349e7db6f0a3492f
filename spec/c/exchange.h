/*
 * exchange.h: transfers against a server of server.h, one at a time.
 *
 *     begin();
 *     reply("200 OK", "", "hello");
 *     CHECK(get(0) == HK_OK);
 *     CHECK_STR(body(), "hello");
 *     end();
 *
 * Events are answered as a patient caller does, and noted: "t" retry, "r" redirect, "c" challenge.
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include <stdlib.h>

#include "hocker.h"
#include "server.h"
#include "test.h"

#define STEP_MS 10000 /* no test waits so long, unless it fails */

static struct server srv;

static struct {
	struct hk_session *session;
	struct hk_transfer *transfer;
	struct hk_mem *body; /* what arrived */
	const char *answer;  /* to a challenge; NULL: fail */
	char events[64];
	struct hk_err err; /* how it ended */
	char url[256];
	bool begun;
} x;

static void end(void)
{
	hk_transfer_free(x.transfer);
	hk_session_free(x.session);
	hk_mem_unref(x.body);
	server_stop(&srv);
	memset(&x, 0, sizeof x);
}

static void begin(void)
{
	if (x.begun) /* the test before has failed */
		end();
	server_start(&srv);
	x.session = hk_session_new(NULL, &x.err);
	x.body = hk_mem_new(1 << 22, &x.err);
	x.begun = true;
}

/* --- what the server says ------------------------------------------------------------------ */

/* The next reply: a status and header lines (each with its CRLF), and a body. */
static inline void reply(const char *status, const char *headers, const char *text)
{
	server_reply(&srv, NULL, SERVE_CLOSE, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s",
		status, headers, strlen(text), text);
}

/* One that says it has `length` bytes, and breaks behind `text`. */
static inline void broken_reply(
	const char *status, const char *headers, int length, const char *text)
{
	server_reply(&srv, NULL, SERVE_CLOSE, "HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s",
		status, headers, length, text);
}

static inline void redirect_to(const char *location)
{
	server_reply(&srv, NULL, SERVE_CLOSE,
		"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", location);
}

/* --- what the client does -------------------------------------------------------------------- */

/* In x.url, until the next. */
static const char *url_of(const struct server *server, const char *path)
{
	snprintf(x.url, sizeof x.url, "http://127.0.0.1:%u%s", server->port, path);
	return x.url;
}

/* The next event; CHECKed to be there. */
static enum hk_event_type next_event(void)
{
	struct hk_event ev;

	CHECK(hk_session_step(x.session, STEP_MS, &ev, &x.err) == HK_OK);
	CHECK(ev.type != HK_EVENT_NONE && ev.transfer == x.transfer);
	return ev.type;
}

/* Starts a request; one that has no sink fills x.body. */
static void start(struct hk_request rq)
{
	hk_transfer_free(x.transfer);
	if (!rq.sink)
		rq.sink = hk_sink_mem(x.body, &x.err);
	memset(x.events, 0, sizeof x.events);
	x.transfer = hk_transfer_start(x.session, &rq, &x.err);
	CHECK(x.transfer);
}

static int answer(enum hk_event_type type)
{
	static const struct hk_err no = {.code = HK_EAUTH, .msg = "no credentials"};

	if (type == HK_EVENT_REDIRECT)
		return hk_transfer_follow(x.transfer, &x.err);
	if (type == HK_EVENT_RETRY)
		return hk_transfer_retry(x.transfer, 0, &x.err);
	if (x.answer)
		return hk_transfer_authorize(x.transfer, x.answer, &x.err);
	return hk_transfer_fail(x.transfer, &no, &x.err);
}

/* Runs what was started to its end; the code it ended with. */
static int finish(void)
{
	static const char letters[] = {[HK_EVENT_CHALLENGE] = 'c', [HK_EVENT_REDIRECT] = 'r',
		[HK_EVENT_RETRY] = 't'};
	enum hk_event_type type;

	while ((type = next_event()) != HK_EVENT_DONE) {
		if (strlen(x.events) + 1 < sizeof x.events)
			x.events[strlen(x.events)] = letters[type];
		CHECK(answer(type) == HK_OK);
	}
	x.err = *hk_transfer_error(x.transfer);
	return x.err.code;
}

static inline int exchange(struct hk_request rq)
{
	start(rq);
	return finish();
}

static inline int get(unsigned retries)
{
	return exchange((struct hk_request){.url = url_of(&srv, "/blob"), .retries = retries});
}

static inline const char *body(void)
{
	const struct hk_buf *b = hk_mem_buf(x.body);

	return b->data ? b->data : "";
}

#endif
