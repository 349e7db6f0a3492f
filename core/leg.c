/*
 * leg: one request of an exchange, and which bytes of its response reach the sink.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine.h"
#include "proxy.h"
#include "url.h"

/* --- what comes ---------------------------------------------------------------------------------- */

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

void leg_set_up(struct hk_transfer *t)
{
	curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->errbuf);
	curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
}

/* --- what is sent ---------------------------------------------------------------------------------- */

/* A line end would begin another field. */
int leg_check_field(const char *text, struct hk_err *err)
{
	if (text[strcspn(text, "\r\n")] == '\0')
		return HK_OK;
	return hk_err_set(err, HK_EUSAGE, "a request header can't contain a line end");
}

int leg_add_header(struct curl_slist **list, const char *line, struct hk_err *err)
{
	struct curl_slist *more;

	if (leg_check_field(line, err) != HK_OK)
		return HK_EUSAGE;
	more = curl_slist_append(*list, line);
	if (!more)
		return hk_err_nomem(err);
	*list = more;
	return HK_OK;
}

void leg_free_headers(struct hk_transfer *t)
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
		rc = leg_add_header(&t->leg_headers, line.data, &t->err);
	hk_buf_free(&line);
	return rc;
}

/* "identity": what a server compressed for the way would not be the bytes of the digest. */
static int build_headers(struct hk_transfer *t)
{
	const struct curl_slist *h;

	leg_free_headers(t);
	for (h = t->headers; h; h = h->next)
		if (leg_add_header(&t->leg_headers, h->data, &t->err) != HK_OK)
			return t->err.code;
	if (leg_add_header(&t->leg_headers, "Accept-Encoding: identity", &t->err) != HK_OK ||
		leg_add_header(&t->leg_headers, "Expect:", &t->err) != HK_OK)
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

static int prepare(struct hk_transfer *t)
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

void leg_run(struct hk_transfer *t)
{
	memset(&t->err, 0, sizeof t->err);
	t->errbuf[0] = '\0';
	response_reset(&t->response);
	t->accepted = false;
	if (prepare(t) == HK_OK) {
		curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->leg_headers);
		if (session_run(t->session, t, &t->err) == HK_OK)
			return;
	}
	transfer_done(t);
}

int leg_set_url(struct hk_transfer *t, const char *url, struct hk_err *err)
{
	hk_buf_clear(&t->leg_url);
	return hk_buf_puts(&t->leg_url, url, err);
}

bool leg_run_whole(struct hk_transfer *t)
{
	if (t->ranged || t->whole || t->received == 0 || t->accepted || t->response.status == 200 ||
		leg_set_url(t, t->url, &t->err) != HK_OK)
		return false;
	t->whole = true;
	t->hops = 0;
	leg_run(t);
	return true;
}

void leg_shake_hands(struct hk_transfer *t, bool only)
{
	t->asks = only;
	curl_easy_setopt(t->easy, CURLOPT_CONNECT_ONLY, only ? 1L : 0L);
	curl_easy_setopt(t->easy, CURLOPT_SSLVERSION, only ? (long)CURL_SSLVERSION_MAX_TLSv1_2
							   : (long)CURL_SSLVERSION_DEFAULT);
	if (only)
		leg_run(t);
}
