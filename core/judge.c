/*
 * judge: what to make of a leg when libcurl is through with it: drain the sink, end, or ask the
 * caller by an event. All decisions about a response are made here, when no libcurl frame is on
 * the stack; the callbacks in leg.c only move bytes and note errors.
 */
#include <inttypes.h>
#include <string.h>

#include "engine.h"
#include "retry.h"
#include "url.h"

/* --- ends of a leg --------------------------------------------------------------------------- */

static void ask(struct hk_transfer *t, enum hk_event_type what)
{
	t->state = WAITING;
	t->event = what;
	session_report(t->session, t);
}

/* All is over; t->err says how it went. The sink goes now, so that its memory, its thread and
 * its half-written output go with it. */
void transfer_done(struct hk_transfer *t)
{
	hk_sink_free(t->sink);
	t->sink = NULL;
	t->state = DONE;
	t->event = HK_EVENT_DONE;
	session_report(t->session, t);
}

/* Puts "GET https://host/path" in front of t->err. */
static void name_error(struct hk_transfer *t)
{
	struct hk_buf where;

	hk_buf_init(&where, HK_URL_MAX);
	if (hk_url_redact(t->leg_url.data, &where, NULL) == HK_OK)
		hk_err_wrap(&t->err, "%s %s", t->method, where.data);
	hk_buf_free(&where);
	t->err.http = (int)t->response.status;
}

/* A body that is continued can be had without a range too: some servers refuse it, and some send
 * what is none. */
static void fail(struct hk_transfer *t)
{
	if (t->err.code != HK_EREFUSED && leg_run_whole(t))
		return;
	name_error(t);
	transfer_done(t);
}

/* Asks for another try, unless there were enough without a byte of progress between them. */
static void broken(struct hk_transfer *t)
{
	long after = retry_after_s(response_field(&t->response, "retry-after"));

	if (t->received > t->mark)
		t->failures = 0;
	t->mark = t->received;
	if (++t->failures > t->retries || after > RETRY_AFTER_MAX) {
		if (after > RETRY_AFTER_MAX)
			hk_err_set(&t->err, t->err.code, "%s (the server asks to wait %ld seconds)",
				t->err.msg, after);
		else if (t->retries > 0)
			hk_err_set(&t->err, t->err.code, "%s (after %u retries)", t->err.msg,
				t->retries);
		fail(t);
		return;
	}
	t->delay_ms = after >= 0 ? after * 1000 : retry_backoff_ms(t->failures);
	name_error(t);
	ask(t, HK_EVENT_RETRY);
}

void transfer_go_on(struct hk_transfer *t)
{
	t->held_ms = hk_transfer_held_ms(t);
	t->refused = 0;
}

void transfer_drain(struct hk_transfer *t)
{
	int rc = t->sink ? hk_sink_finish(t->sink, &t->err) : HK_OK;

	if (rc == HK_AGAIN)
		t->state = DRAINING;
	else
		transfer_done(t);
}

/* --- judging a leg ----------------------------------------------------------------------------- */

/* How many bytes the request was for, where it said so. */
int64_t transfer_wanted(const struct hk_transfer *t)
{
	return t->ranged ? t->range.last - t->range.first + 1 : t->total;
}

static void judge_body(struct hk_transfer *t)
{
	if (transfer_wanted(t) >= 0 && t->received < transfer_wanted(t)) {
		hk_err_set(&t->err, HK_ENETWORK, "the body ended after %" PRId64 " of %" PRId64
			" bytes", t->received, transfer_wanted(t));
		broken(t);
	} else {
		transfer_drain(t);
	}
}

/* A scheme has no case, and the caller's URL is as the caller wrote it. */
static bool is_https(const char *url)
{
	return curl_strnequal(url, "https:", 6) != 0;
}

static void judge_redirect(struct hk_transfer *t)
{
	const char *location = response_field(&t->response, "location");

	if (!location || strcmp(t->method, "POST") == 0) {
		hk_err_set(&t->err, HK_EPROTOCOL, "a redirect (HTTP %ld) that can't be followed",
			t->response.status);
	} else if (++t->hops > HK_REDIRECTS) {
		hk_err_set(&t->err, HK_EPROTOCOL, "more than %d redirects", HK_REDIRECTS);
	} else if (hk_url_join(t->leg_url.data, location, &t->target, &t->err) == HK_OK &&
		transfer_check_url(t->target.data, &t->err) == HK_OK) {
		if (!is_https(t->leg_url.data) || is_https(t->target.data)) {
			ask(t, HK_EVENT_REDIRECT);
			return;
		}
		hk_err_set(&t->err, HK_EREFUSED, "redirected from https to plain http");
	} else { /* a URL that is not ours is no mistake of the caller's */
		t->err.code = HK_EPROTOCOL;
		hk_err_wrap(&t->err, "a redirect that can't be followed");
	}
	fail(t);
}

static void judge_unauthorized(struct hk_transfer *t)
{
	if (hk_url_same_origin(t->url, t->leg_url.data)) {
		hk_err_set(&t->err, HK_EAUTH, "HTTP %ld", t->response.status);
		name_error(t);
		ask(t, HK_EVENT_CHALLENGE);
	} else {
		hk_err_set(&t->err, HK_EAUTH,
			"HTTP %ld from a host that the registry redirected to",
			t->response.status);
		fail(t);
	}
}

/* A 403 may say that a token was good, but its scope too small (RFC 6750 section 3.1). */
static bool is_challenge(const struct hk_transfer *t)
{
	return t->response.status == 401 || (t->response.status == 403 &&
		response_field(&t->response, "www-authenticate"));
}

static int code_of_status(long status)
{
	if (status == 403 || status == 407)
		return HK_EAUTH;
	if (status == 404 || status == 410)
		return HK_ENOTFOUND;
	return status >= 500 || retry_status(status) ? HK_ENETWORK : HK_EPROTOCOL;
}

static void judge_status(struct hk_transfer *t)
{
	long status = t->response.status;

	if (t->accepted) {
		judge_body(t);
	} else if (is_challenge(t)) {
		judge_unauthorized(t);
	} else if (status == 301 || status == 302 || status == 303 || status == 307 ||
		status == 308) {
		judge_redirect(t);
	} else {
		hk_err_set(&t->err, code_of_status(status), "HTTP %ld", status);
		if (retry_status(status))
			broken(t);
		else
			fail(t);
	}
}

/* A server of TLS 1.3 judges the client's certificate when the client takes the handshake to be over,
 * and hangs up. A request, or the rest of one, that can't be sent any more keeps libcurl from reading
 * why. In TLS 1.2 the handshake itself tells it, and no more than that is done. */
static bool is_unsent(const struct hk_transfer *t, CURLcode code)
{
	return (code == CURLE_SEND_ERROR || code == CURLE_HTTP2) && t->response.status == 0 &&
		is_https(t->leg_url.data);
}

static void ask_why(struct hk_transfer *t)
{
	t->unsent = t->err;
	leg_shake_hands(t, true);
}

static void judge_answer(struct hk_transfer *t, CURLcode code)
{
	leg_shake_hands(t, false);
	if (code != CURLE_OK)
		hk_err_curl(&t->err, (int)code, t->errbuf);
	if (t->err.code == HK_EAUTH) {
		fail(t);
	} else {
		t->err = t->unsent;
		broken(t);
	}
}

void transfer_settle(struct hk_transfer *t, CURLcode code)
{
	long sys = 0;

	t->state = WAITING; /* no longer libcurl's */
	transfer_go_on(t);
	if (t->asks) {
		judge_answer(t, code);
		return;
	}
	if (t->err.code == HK_EPROTOCOL || t->err.code == HK_EUNSUPPORTED) {
		fail(t); /* noted by a callback, which made libcurl stop */
	} else if (t->err.code != HK_OK) {
		transfer_done(t); /* the sink's own, which names what it was writing */
	} else if (code != CURLE_OK && t->response.status < 300 && t->response.body.len == 0) {
		curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &sys);
		hk_err_curl(&t->err, (int)code, t->errbuf);
		if (code == CURLE_UNSUPPORTED_PROTOCOL) /* our URL was good: what came is no HTTP */
			t->err.code = HK_EPROTOCOL;
		if (is_unsent(t, code))
			ask_why(t);
		else if (t->err.code == HK_ENETWORK && retry_curl((int)code, sys))
			broken(t);
		else
			fail(t);
	} else {
		judge_status(t);
	}
}

void transfer_poke(struct hk_transfer *t)
{
	CURLcode code = CURLE_OK;

	if (t->state == DRAINING) {
		transfer_drain(t);
	} else if (t->state == RUNNING && t->refused > 0 && hk_sink_ready(t->sink, t->refused)) {
		transfer_go_on(t);
		code = curl_easy_pause(t->easy, CURLPAUSE_CONT);
	}
	if (code != CURLE_OK) { /* the callback, called from there, said no */
		session_stop(t->session, t);
		transfer_settle(t, code);
	}
}
