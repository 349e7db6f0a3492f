/*
 * transfer: the life of one exchange: its request, the legs it is sent in, the bytes that come
 * back, and the caller's answers. A leg is one request and its response; judge.c says what
 * follows from it.
 */
#include "transfer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "proxy.h"
#include "url.h"

#define FIELD_MAX	  8192
#define AUTHORIZATION_MAX (64 * 1024) /* a token with a long list of groups takes a few KiB */

/* --- libcurl's callbacks ------------------------------------------------------------------------ */

/* The part asked for in this leg: from here to there, or to the end with `last` -1. */
static void leg_range(const struct hk_transfer *t, int64_t *first, int64_t *last)
{
	*first = (t->ranged ? t->range.first : 0) + (t->whole ? 0 : t->received);
	*last = t->ranged ? t->range.last : -1;
}

/* Parts of two bodies make none: what is continued has to be as long as it was. -1: not said. */
static int note_size(struct hk_transfer *t, int64_t size)
{
	if (t->received > 0 && t->total >= 0 && size >= 0 && size != t->total)
		return hk_err_set(&t->err, HK_EPROTOCOL,
			"the body has another size than before it broke: %" PRId64
			" bytes, not %" PRId64, size, t->total);
	if (size >= 0 || t->received == 0)
		t->total = size;
	return HK_OK;
}

static int accept_part(struct hk_transfer *t)
{
	int64_t first, last, from, to, total, length = response_length(&t->response);

	leg_range(t, &first, &last);
	if (first == 0 && last < 0)
		return hk_err_set(&t->err, HK_EPROTOCOL, "HTTP 206 where no part was asked for");
	if (response_range(&t->response, &from, &to, &total, &t->err) != HK_OK)
		return t->err.code;
	if (from != first || (last >= 0 && to > last))
		return hk_err_set(&t->err, HK_EPROTOCOL,
			"asked for the bytes from %" PRId64 ", got those from %" PRId64, first, from);
	if (length >= 0 && length != to - from + 1)
		return hk_err_set(&t->err, HK_EPROTOCOL,
			"a part of %" PRId64 " bytes has a body of %" PRId64, to - from + 1, length);
	if (!t->ranged && total < 0 && t->total < 0)
		total = to + 1;
	if (!t->ranged && note_size(t, total) != HK_OK)
		return t->err.code;
	t->accepted = true;
	return HK_OK;
}

static int accept_whole(struct hk_transfer *t)
{
	if (t->ranged)
		return hk_err_set(&t->err, HK_EUNSUPPORTED, "the server ignores ranges");
	if (note_size(t, strcmp(t->method, "HEAD") == 0 ? 0 : response_length(&t->response)) !=
		HK_OK)
		return t->err.code;
	t->skip = t->received;
	t->accepted = true;
	return HK_OK;
}

/* The headers are complete: is the body for the sink? */
static int begin_body(struct hk_transfer *t)
{
	t->accepted = false;
	t->skip = 0;
	if (t->response.status == 206)
		return accept_part(t);
	if (t->response.status == 200)
		return accept_whole(t);
	return HK_OK;
}

static size_t on_header(char *data, size_t one, size_t len, void *user)
{
	struct hk_transfer *t = user;
	bool blank = len <= 2 && (data[0] == '\r' || data[0] == '\n');

	(void)one;
	if (response_line(&t->response, data, len, &t->err) != HK_OK)
		return 0;
	if (blank && t->response.status >= 200 && begin_body(t) != HK_OK)
		return 0;
	return len;
}

static size_t on_body(char *data, size_t one, size_t len, void *user)
{
	struct hk_transfer *t = user;
	size_t skip = t->skip < (int64_t)len ? (size_t)t->skip : len, use = len - skip;

	(void)one;
	if (!t->accepted) {
		response_keep(&t->response, data, len);
		return t->response.body.len < t->response.body.max ? len : 0;
	}
	if (t->sink && !hk_sink_ready(t->sink, use)) {
		t->refused = use;
		t->paused = session_now_ms();
		return CURL_WRITEFUNC_PAUSE;
	}
	if (transfer_wanted(t) >= 0 && t->received + (int64_t)use > transfer_wanted(t)) {
		hk_err_set(&t->err, HK_EPROTOCOL, "more bytes than asked for");
		return 0;
	}
	t->skip -= (int64_t)skip;
	if (t->sink && use > 0 && hk_sink_write(t->sink, data + skip, use, &t->err) != HK_OK)
		return 0;
	t->received += (int64_t)use;
	return len;
}

/* --- sending a leg -------------------------------------------------------------------------------- */

/* A line end would begin another field. */
static int check_field(const char *text, struct hk_err *err)
{
	if (text[strcspn(text, "\r\n")] == '\0')
		return HK_OK;
	return hk_err_set(err, HK_EUSAGE, "a request header can't contain a line end");
}

static int add_header(struct curl_slist **list, const char *line, struct hk_err *err)
{
	struct curl_slist *more;

	if (check_field(line, err) != HK_OK)
		return HK_EUSAGE;
	more = curl_slist_append(*list, line);
	if (!more)
		return hk_err_nomem(err);
	*list = more;
	return HK_OK;
}

static void free_leg_headers(struct hk_transfer *t)
{
	struct curl_slist *h;

	for (h = t->leg_headers; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(t->leg_headers);
	t->leg_headers = NULL;
}

/* Authorization goes out only where the URL was the caller's own. */
static int add_authorization(struct hk_transfer *t)
{
	struct hk_buf line;
	int rc;

	if (t->authorization.len == 0 || !hk_url_same_origin(t->url, t->leg_url.data))
		return HK_OK;
	hk_buf_init_secret(&line, AUTHORIZATION_MAX + 32);
	rc = hk_buf_puts(&line, "Authorization: ", &t->err);
	if (rc == HK_OK)
		rc = hk_buf_puts(&line, t->authorization.data, &t->err);
	if (rc == HK_OK)
		rc = add_header(&t->leg_headers, line.data, &t->err);
	hk_buf_free(&line);
	return rc;
}

/* "identity": what a server compressed for the way would not be the bytes of the digest. */
static int build_headers(struct hk_transfer *t)
{
	const struct curl_slist *h;

	free_leg_headers(t);
	for (h = t->headers; h; h = h->next)
		if (add_header(&t->leg_headers, h->data, &t->err) != HK_OK)
			return t->err.code;
	if (add_header(&t->leg_headers, "Accept-Encoding: identity", &t->err) != HK_OK ||
		add_header(&t->leg_headers, "Expect:", &t->err) != HK_OK)
		return t->err.code;
	return add_authorization(t);
}

static int set_range(struct hk_transfer *t)
{
	int64_t first, last;
	char text[48];

	leg_range(t, &first, &last);
	if (last >= 0)
		snprintf(text, sizeof text, "%" PRId64 "-%" PRId64, first, last);
	else
		snprintf(text, sizeof text, "%" PRId64 "-", first);
	return curl_set_text(
		t->easy, CURLOPT_RANGE, first > 0 || last >= 0 ? text : NULL, &t->err);
}

static int set_up_leg(struct hk_transfer *t)
{
	const char *url = t->leg_url.data;
	int rc = set_range(t);

	if (rc == HK_OK)
		rc = curl_set_text(t->easy, CURLOPT_URL, url, &t->err);
	if (rc == HK_OK)
		rc = session_trust(t->session, t->easy, url, &t->err);
	if (rc == HK_OK)
		rc = proxy_setup(t->easy, url, &t->err);
	return rc == HK_OK ? build_headers(t) : rc;
}

void transfer_run(struct hk_transfer *t)
{
	memset(&t->err, 0, sizeof t->err);
	t->errbuf[0] = '\0';
	response_reset(&t->response);
	t->accepted = false;
	if (set_up_leg(t) == HK_OK) {
		curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->leg_headers);
		if (session_run(t->session, t, &t->err) == HK_OK)
			return;
	}
	transfer_done(t);
}

static int set_leg(struct hk_transfer *t, const char *url, struct hk_err *err)
{
	hk_buf_clear(&t->leg_url);
	return hk_buf_puts(&t->leg_url, url, err);
}

bool transfer_run_whole(struct hk_transfer *t)
{
	if (t->ranged || t->whole || t->received == 0 || t->accepted || t->response.status == 200 ||
		set_leg(t, t->url, &t->err) != HK_OK)
		return false;
	t->whole = true;
	t->hops = 0;
	transfer_run(t);
	return true;
}

void transfer_shake_hands(struct hk_transfer *t, bool only)
{
	t->asks = only;
	curl_easy_setopt(t->easy, CURLOPT_CONNECT_ONLY, only ? 1L : 0L);
	curl_easy_setopt(t->easy, CURLOPT_SSLVERSION, only ? (long)CURL_SSLVERSION_MAX_TLSv1_2
							   : (long)CURL_SSLVERSION_DEFAULT);
	if (only)
		transfer_run(t);
}

/* --- life ------------------------------------------------------------------------------------------ */

static void setup_easy(struct hk_transfer *t)
{
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->errbuf);
	curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
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
	if (check_field(value, err) != HK_OK)
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
		rc = add_header(&t->headers, line.data, err);
	hk_buf_free(&line);
	return rc;
}

static int copy_headers(struct hk_transfer *t, const struct hk_request *rq, struct hk_err *err)
{
	int rc = HK_OK;
	size_t i;

	for (i = 0; rq->headers && rq->headers[i] && rc == HK_OK; i++)
		rc = add_header(&t->headers, rq->headers[i], err);
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
	if (copy_request(t, rq, err) != HK_OK || set_leg(t, t->url, err) != HK_OK)
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
	transfer_run(t);
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
	free_leg_headers(t);
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
		rc = set_leg(t, t->url, err);
	if (rc == HK_OK)
		transfer_run(t);
	return rc;
}

int hk_transfer_follow(struct hk_transfer *t, struct hk_err *err)
{
	int rc = check_waits(t, HK_EVENT_REDIRECT, err);

	if (rc == HK_OK)
		rc = set_leg(t, t->target.data, err);
	if (rc == HK_OK)
		transfer_run(t);
	return rc;
}

int hk_transfer_retry(struct hk_transfer *t, long delay_ms, struct hk_err *err)
{
	int rc = check_waits(t, HK_EVENT_RETRY, err);

	if (rc == HK_OK)
		rc = set_leg(t, t->url, err);
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
