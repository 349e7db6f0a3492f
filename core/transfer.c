/*
 * transfer: the life of one exchange: its request, and the caller's answers. It is sent in legs, of
 * one request and its response each (leg.c); judge.c says what follows from one.
 */
#include "transfer.h"

#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "url.h"

#define FIELD_MAX 8192

/* --- life ------------------------------------------------------------------------------------------ */

static void setup_easy(struct hk_transfer *t)
{
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	leg_set_up(t);
	if (t->apart)
		curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (strcmp(t->method, "HEAD") == 0) {
		curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
	} else if (strcmp(t->method, "POST") == 0) {
		curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE, (long)t->body.len);
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, t->body.data);
	}
}

static int set_authorization(struct hk_transfer *t, const char *value, struct hk_err *err)
{
	hk_buf_clear(&t->authorization);
	if (!value)
		return HK_OK;
	if (leg_check_field(value, err) != HK_OK)
		return HK_EUSAGE;
	return hk_buf_puts(&t->authorization, value, err);
}

static int add_content_type(struct hk_transfer *t, const char *type, struct hk_err *err)
{
	struct hk_buf line;
	int rc;

	hk_buf_init(&line, FIELD_MAX);
	rc = hk_buf_printf(&line, err, "Content-Type: %s", type);
	if (rc == HK_OK)
		rc = leg_add_header(&t->headers, line.data, err);
	hk_buf_free(&line);
	return rc;
}

static int copy_headers(struct hk_transfer *t, const struct hk_request *rq, struct hk_err *err)
{
	int rc = HK_OK;
	size_t i;

	for (i = 0; rq->headers && rq->headers[i] && rc == HK_OK; i++)
		rc = leg_add_header(&t->headers, rq->headers[i], err);
	if (rc == HK_OK && rq->content_type)
		rc = add_content_type(t, rq->content_type, err);
	return rc;
}

static bool is_method(const char *text)
{
	return strcmp(text, "GET") == 0 || strcmp(text, "HEAD") == 0 || strcmp(text, "POST") == 0;
}

/* A URL with user info is refused: it would be sent as Basic credentials behind our back. */
int transfer_check_url(const char *text, struct hk_err *err)
{
	struct hk_url url;
	int rc = hk_url_parse(&url, text, err);

	if (rc == HK_OK && url.userinfo)
		rc = hk_err_set(err, HK_EUSAGE, "a URL can't carry a user name or password");
	hk_url_free(&url);
	return rc;
}

static int copy_request(struct hk_transfer *t, const struct hk_request *rq, struct hk_err *err)
{
	int rc = transfer_check_url(rq->url, err);

	if (rc != HK_OK)
		return rc;
	if (rq->method && !is_method(rq->method))
		return hk_err_set(err, HK_EUSAGE, "the method %s is not known", rq->method);
	t->url = strdup(rq->url);
	t->method = strdup(rq->method ? rq->method : "GET");
	if (!t->url || !t->method)
		return hk_err_nomem(err);
	t->ranged = rq->range != NULL;
	if (t->ranged)
		t->range = *rq->range;
	t->apart = rq->apart;
	t->retries = rq->retries;
	rc = hk_buf_puts(&t->body, rq->body ? rq->body : "", err);
	if (rc == HK_OK)
		rc = copy_headers(t, rq, err);
	if (rc == HK_OK)
		rc = set_authorization(t, rq->authorization, err);
	return rc;
}

static void init_buffers(struct hk_transfer *t)
{
	hk_buf_init_secret(&t->authorization, AUTHORIZATION_MAX);
	hk_buf_init_secret(&t->body, AUTHORIZATION_MAX);
	hk_buf_init(&t->leg_url, HK_URL_MAX);
	hk_buf_init(&t->target, HK_URL_MAX);
	response_init(&t->response);
}

struct hk_transfer *hk_transfer_start(
	struct hk_session *s, const struct hk_request *rq, struct hk_err *err)
{
	struct hk_transfer *t = calloc(1, sizeof *t);

	if (!t) {
		hk_sink_free(rq->sink);
		hk_err_nomem(err);
		return NULL;
	}
	t->session = s;
	t->state = WAITING;
	t->total = -1;
	t->received = t->mark = rq->from;
	t->sink = rq->sink;
	init_buffers(t);
	session_add(s, t);
	if (copy_request(t, rq, err) != HK_OK || leg_set_url(t, t->url, err) != HK_OK)
		goto fail;
	t->easy = curl_easy_init();
	if (!t->easy) {
		hk_err_nomem(err);
		goto fail;
	}
	if (session_setup(s, t->easy, err) != HK_OK)
		goto fail;
	setup_easy(t);
	if (t->sink)
		hk_sink_watch(t->sink, session_wake, s);
	leg_run(t);
	return t;
fail:
	hk_transfer_free(t);
	return NULL;
}

void transfer_orphan(struct hk_transfer *t)
{
	session_remove(t->session, t);
	curl_easy_cleanup(t->easy);
	hk_sink_free(t->sink);
	t->session = NULL;
	t->easy = NULL;
	t->sink = NULL;
	if (t->state != DONE)
		hk_err_set(&t->err, HK_EINTERRUPTED, "the session was closed");
	t->state = DONE;
}

void hk_transfer_free(struct hk_transfer *t)
{
	if (!t)
		return;
	if (t->session)
		transfer_orphan(t);
	leg_free_headers(t);
	curl_slist_free_all(t->headers);
	free(t->url);
	free(t->method);
	hk_buf_free(&t->body);
	hk_buf_free(&t->authorization);
	hk_buf_free(&t->leg_url);
	hk_buf_free(&t->target);
	response_free(&t->response);
	free(t);
}

/* --- what the caller sees ---------------------------------------------------------------------- */

void hk_transfer_response(const struct hk_transfer *t, struct hk_response *out)
{
	out->status = t->response.status;
	out->url = t->leg_url.data;
	out->nheaders = t->response.nfields;
	out->headers = (const char *const *)t->response.fields;
	out->body = &t->response.body;
}

const char *hk_transfer_header(const struct hk_transfer *t, const char *name)
{
	return response_field(&t->response, name);
}

const struct hk_err *hk_transfer_error(const struct hk_transfer *t)
{
	return &t->err;
}

int64_t hk_transfer_received(const struct hk_transfer *t)
{
	return t->received;
}

int64_t hk_transfer_total(const struct hk_transfer *t)
{
	return t->total;
}

int64_t hk_transfer_held_ms(const struct hk_transfer *t)
{
	return t->held_ms + (t->refused > 0 ? session_now_ms() - t->paused : 0);
}

const char *hk_transfer_target(const struct hk_transfer *t)
{
	return t->target.len > 0 ? t->target.data : NULL;
}

long hk_transfer_delay_ms(const struct hk_transfer *t)
{
	return t->delay_ms;
}

unsigned hk_transfer_failures(const struct hk_transfer *t)
{
	return t->failures;
}

void hk_transfer_set_user(struct hk_transfer *t, void *user)
{
	t->user = user;
}

void *hk_transfer_user(const struct hk_transfer *t)
{
	return t->user;
}

/* --- the answers ----------------------------------------------------------------------------------- */

static int check_waits(struct hk_transfer *t, enum hk_event_type event, struct hk_err *err)
{
	if (t->state == WAITING && t->event == event) {
		session_unreport(t->session, t);
		return HK_OK;
	}
	return hk_err_set(err, HK_EUSAGE, "the transfer does not wait for this answer");
}

int hk_transfer_authorize(struct hk_transfer *t, const char *authorization, struct hk_err *err)
{
	int rc = check_waits(t, HK_EVENT_CHALLENGE, err);

	if (rc == HK_OK)
		rc = set_authorization(t, authorization, err);
	if (rc == HK_OK)
		rc = leg_set_url(t, t->url, err);
	if (rc == HK_OK)
		leg_run(t);
	return rc;
}

int hk_transfer_follow(struct hk_transfer *t, struct hk_err *err)
{
	int rc = check_waits(t, HK_EVENT_REDIRECT, err);

	if (rc == HK_OK)
		rc = leg_set_url(t, t->target.data, err);
	if (rc == HK_OK)
		leg_run(t);
	return rc;
}

int hk_transfer_retry(struct hk_transfer *t, long delay_ms, struct hk_err *err)
{
	int rc = check_waits(t, HK_EVENT_RETRY, err);

	if (rc == HK_OK)
		rc = leg_set_url(t, t->url, err);
	if (rc != HK_OK)
		return rc;
	t->hops = 0;
	t->due_ms = session_now_ms() + delay_ms;
	t->state = DELAYED;
	return HK_OK;
}

int hk_transfer_fail(struct hk_transfer *t, const struct hk_err *why, struct hk_err *err)
{
	if (t->state != WAITING)
		return hk_err_set(err, HK_EUSAGE, "the transfer waits for no answer");
	session_unreport(t->session, t);
	t->err = *why;
	transfer_done(t);
	return HK_OK;
}

bool hk_transfer_stop(struct hk_transfer *t)
{
	if (t->state != RUNNING && t->state != DELAYED)
		return false;
	if (t->state == RUNNING)
		session_stop(t->session, t);
	memset(&t->err, 0, sizeof t->err);
	transfer_go_on(t);
	transfer_drain(t);
	return true;
}
