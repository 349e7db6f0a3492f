/*
 * session: libcurl's multi interface, a list of transfers, and a list of those that wait for
 * an answer. Everything runs on the caller's thread; other threads only wake it.
 */
#include "session.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine.h"
#include "hocker.h"
#include "trust.h"

#define CONNECT_TIMEOUT_MS 30000
#define STALL_TIMEOUT_MS   60000
#define STALL_BYTES	   32 /* fewer bytes a second than this, and the body stalls */
#define CONNECTIONS	   8
#define READ_BYTES	   (128L * 1024)
#define POLL_MS		   500 /* a signal is noticed after this at the latest */

struct hk_session {
	CURLM *multi;
	struct hk_session_opts opts;
	char *strings[4];		     /* what opts points to */
	struct trust *trust;
	struct hk_transfer *transfers;	     /* all of them */
	struct hk_transfer *events, **events_end; /* first in, first out */
	atomic_bool woken; /* by a sink, since hk_session_await has looked */
};

int64_t session_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void session_wake(void *session)
{
	struct hk_session *s = session;

	s->woken = true;
	curl_multi_wakeup(s->multi);
}

/* --- life ------------------------------------------------------------------------------- */

static int copy_string(struct hk_session *s, size_t slot, const char **field, struct hk_err *err)
{
	if (!*field)
		return HK_OK;
	s->strings[slot] = strdup(*field);
	if (!s->strings[slot])
		return hk_err_nomem(err);
	*field = s->strings[slot];
	return HK_OK;
}

static int copy_opts(struct hk_session *s, const struct hk_session_opts *opts, struct hk_err *err)
{
	struct hk_session_opts *o = &s->opts;
	const char **fields[] = {&o->user_agent, &o->cacert, &o->cert, &o->key};
	size_t i;

	if (opts)
		*o = *opts;
	for (i = 0; i < sizeof fields / sizeof *fields; i++)
		if (copy_string(s, i, fields[i], err) != HK_OK)
			return err ? err->code : HK_ENOMEM;
	if (!o->connect_timeout_ms)
		o->connect_timeout_ms = CONNECT_TIMEOUT_MS;
	if (!o->stall_timeout_ms)
		o->stall_timeout_ms = STALL_TIMEOUT_MS;
	if (!o->connections)
		o->connections = CONNECTIONS;
	if (!o->user_agent)
		o->user_agent = "hocker/" HK_VERSION;
	return HK_OK;
}

/* What the options say of TLS holds for every origin. */
static int add_common_trust(struct hk_session *s, struct hk_err *err)
{
	const char *const cacerts[] = {s->opts.cacert, NULL};
	const struct hk_trust common = {NULL, cacerts, s->opts.cert, s->opts.key};

	return trust_add(&s->trust, &common, s->opts.insecure, err);
}

/* libcurl needs this once; in older versions no two threads may do it at the same time. */
static CURLcode curl_started;

static void start_curl(void)
{
	curl_started = curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct hk_session *hk_session_new(const struct hk_session_opts *opts, struct hk_err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct hk_session *s = calloc(1, sizeof *s);

	if (!s || copy_opts(s, opts, err) != HK_OK) {
		hk_session_free(s);
		hk_err_nomem(err);
		return NULL;
	}
	if (add_common_trust(s, err) != HK_OK) {
		hk_session_free(s);
		return NULL;
	}
	s->events_end = &s->events;
	pthread_once(&once, start_curl);
	if (curl_started == CURLE_OK)
		s->multi = curl_multi_init();
	if (!s->multi) {
		hk_session_free(s);
		hk_err_set(err, HK_EINTERNAL, "libcurl can't be initialised");
		return NULL;
	}
	curl_multi_setopt(s->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)s->opts.connections);
	curl_multi_setopt(s->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	return s;
}

void hk_session_spare(struct hk_session *s, unsigned connections)
{
	curl_multi_setopt(s->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
		(long)s->opts.connections + (long)connections);
}

void hk_session_free(struct hk_session *s)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	size_t i;

	if (!s)
		return;
	while (s->transfers)
		transfer_orphan(s->transfers);
	/* To close connections libcurl ignores SIGPIPE, whatever NOSIGNAL says of transfers: two
	 * threads at once could leave it so. */
	pthread_mutex_lock(&lock);
	curl_multi_cleanup(s->multi);
	pthread_mutex_unlock(&lock);
	trust_free(s->trust);
	for (i = 0; i < sizeof s->strings / sizeof *s->strings; i++)
		free(s->strings[i]);
	free(s);
}

int hk_session_trust(struct hk_session *s, const struct hk_trust *trust, struct hk_err *err)
{
	struct hk_url url;
	int rc = hk_url_parse(&url, trust->origin, err);

	hk_url_free(&url);
	return rc == HK_OK ? trust_add(&s->trust, trust, s->opts.insecure, err) : rc;
}

size_t hk_session_active(const struct hk_session *s)
{
	const struct hk_transfer *t;
	size_t n = 0;

	for (t = s->transfers; t; t = t->next)
		n += t->state != DONE;
	return n;
}

/* --- options of one handle ---------------------------------------------------------------- */

int session_setup(struct hk_session *s, CURL *easy, struct hk_err *err)
{
	const struct hk_session_opts *o = &s->opts;
	int rc = curl_set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https", err);

	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, READ_BYTES);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, o->connect_timeout_ms);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (o->stall_timeout_ms + 999) / 1000);
	return rc == HK_OK ? curl_set_text(easy, CURLOPT_USERAGENT, o->user_agent, err) : rc;
}

int session_trust(struct hk_session *s, CURL *easy, const char *url, struct hk_err *err)
{
	return trust_setup(s->trust, easy, url, err);
}

/* --- the list, and the events --------------------------------------------------------------- */

void session_add(struct hk_session *s, struct hk_transfer *t)
{
	t->next = s->transfers;
	if (t->next)
		t->next->prev = t;
	s->transfers = t;
}

/* Takes a transfer out of the queue of events, if it is there. */
void session_unreport(struct hk_session *s, struct hk_transfer *t)
{
	struct hk_transfer **at;

	for (at = &s->events; *at && *at != t; at = &(*at)->event_next)
		;
	if (!*at)
		return;
	*at = t->event_next;
	if (!*at)
		s->events_end = at;
	t->event_next = NULL;
}

void session_stop(struct hk_session *s, struct hk_transfer *t)
{
	curl_multi_remove_handle(s->multi, t->easy);
}

void session_remove(struct hk_session *s, struct hk_transfer *t)
{
	if (t->state == RUNNING)
		session_stop(s, t);
	session_unreport(s, t);
	if (t->prev)
		t->prev->next = t->next;
	else if (s->transfers == t)
		s->transfers = t->next;
	if (t->next)
		t->next->prev = t->prev;
}

int session_run(struct hk_session *s, struct hk_transfer *t, struct hk_err *err)
{
	CURLMcode code = curl_multi_add_handle(s->multi, t->easy);

	if (code != CURLM_OK)
		return hk_err_set(err, HK_EINTERNAL, "libcurl: %s", curl_multi_strerror(code));
	t->state = RUNNING;
	return HK_OK;
}

void session_report(struct hk_session *s, struct hk_transfer *t)
{
	t->event_next = NULL;
	*s->events_end = t;
	s->events_end = &t->event_next;
}

static bool next_event(struct hk_session *s, struct hk_event *event)
{
	struct hk_transfer *t = s->events;

	if (!t)
		return false;
	session_unreport(s, t);
	event->type = t->event;
	event->transfer = t;
	return true;
}

/* --- the loop ------------------------------------------------------------------------------- */

/* Starts what has waited long enough; returns when the next one is due, at most `until`. */
static int64_t start_due(struct hk_session *s, int64_t now, int64_t until)
{
	struct hk_transfer *t, *next;

	for (t = s->transfers; t; t = next) {
		next = t->next;
		if (t->state != DELAYED)
			continue;
		if (t->due_ms <= now)
			leg_run(t);
		else if (t->due_ms < until)
			until = t->due_ms;
	}
	return until;
}

static void settle_finished(struct hk_session *s)
{
	struct hk_transfer *t;
	CURLMsg *msg;
	CURLcode code;
	int left;

	while ((msg = curl_multi_info_read(s->multi, &left))) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		code = msg->data.result; /* msg dies with the handle's removal */
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		session_stop(s, t);
		transfer_settle(t, code);
	}
}

static void poke_waiting(struct hk_session *s)
{
	struct hk_transfer *t;

	for (t = s->transfers; t; t = t->next)
		transfer_poke(t);
}

/* `awake`: whether a sink that calls ends it too. */
static int turn(struct hk_session *s, long timeout_ms, bool awake, struct hk_event *event,
	struct hk_err *err)
{
	int64_t now = session_now_ms(), until = now + timeout_ms, wait;
	CURLMcode code;
	int running;

	*event = (struct hk_event){HK_EVENT_NONE, NULL};
	for (;;) {
		if (hk_interrupt_check(err) != HK_OK)
			return HK_EINTERRUPTED;
		wait = start_due(s, now, until) - now;
		code = curl_multi_perform(s->multi, &running);
		settle_finished(s);
		poke_waiting(s);
		if (next_event(s, event) || (wait <= 0 && now >= until))
			return HK_OK;
		if (awake && atomic_exchange(&s->woken, false))
			return HK_OK;
		if (code == CURLM_OK)
			code = curl_multi_poll(s->multi, NULL, 0,
				(int)(wait < 0 ? 0 : wait < POLL_MS ? wait : POLL_MS), NULL);
		if (code != CURLM_OK)
			return hk_err_set(
				err, HK_EINTERNAL, "libcurl: %s", curl_multi_strerror(code));
		now = session_now_ms();
	}
}

int hk_session_step(
	struct hk_session *s, long timeout_ms, struct hk_event *event, struct hk_err *err)
{
	return turn(s, timeout_ms, false, event, err);
}

int hk_session_await(
	struct hk_session *s, long timeout_ms, struct hk_event *event, struct hk_err *err)
{
	return turn(s, timeout_ms, true, event, err);
}
