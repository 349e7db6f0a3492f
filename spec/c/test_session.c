/* test_session: the loop, the states of a transfer, and who may free what when. */
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>

#include "engine.h"
#include "exchange.h"

/* --- the loop ----------------------------------------------------------------------------- */

static void nothing_to_do(void)
{
	int64_t before = session_now_ms();
	struct hk_event ev;

	begin();
	CHECK(hk_session_active(x.session) == 0);
	CHECK(hk_session_step(x.session, 0, &ev, &x.err) == HK_OK);
	CHECK(ev.type == HK_EVENT_NONE && !ev.transfer);
	CHECK(hk_session_step(x.session, 30, &ev, &x.err) == HK_OK);
	CHECK(ev.type == HK_EVENT_NONE && session_now_ms() >= before + 30);
	hk_session_free(NULL);
	hk_transfer_free(NULL);
	end();
}

/* Starts `n` requests at once, to /0, /1, ... */
static void start_many(struct hk_transfer **t, size_t n)
{
	char path[16];
	size_t i;

	for (i = 0; i < n; i++) {
		struct hk_request rq = {.url = x.url};

		snprintf(path, sizeof path, "/%zu", i);
		url_of(&srv, path);
		t[i] = hk_transfer_start(x.session, &rq, &x.err);
		CHECK(t[i]);
	}
	CHECK(hk_session_active(x.session) == n);
}

static void free_many(struct hk_transfer **t, size_t n)
{
	while (n > 0)
		hk_transfer_free(t[--n]);
}

static void all_at_once(void)
{
	struct hk_transfer *t[5];
	struct hk_event ev;

	begin();
	server_bytes(&srv, NULL, SERVE_STALL, 5, "HTTP/1.1 200 OK\r\n", 17);
	start_many(t, 5);
	while (server_count(&srv) < 5)
		CHECK(hk_session_step(x.session, 10, &ev, &x.err) == HK_OK);
	CHECK(srv.most == 5);
	free_many(t, 5);
	CHECK(hk_session_active(x.session) == 0);
	end();
}

static void connections_are_limited_and_kept(void)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
	struct hk_session_opts opts = {.connections = 2, .user_agent = "me/1"};
	struct hk_transfer *t[8];
	struct hk_event ev;
	size_t done = 0;

	begin();
	hk_session_free(x.session);
	x.session = hk_session_new(&opts, &x.err);
	server_bytes(&srv, NULL, SERVE_KEEP, 8, text, sizeof text - 1);
	start_many(t, 8);
	while (done < 8) {
		CHECK(hk_session_step(x.session, STEP_MS, &ev, &x.err) == HK_OK);
		CHECK(ev.type == HK_EVENT_DONE);
		CHECK(hk_transfer_error(ev.transfer)->code == HK_OK);
		done++;
		CHECK(hk_session_active(x.session) <= 8 - done);
	}
	CHECK(srv.nconnections <= 2);
	CHECK(server_asked(&srv, 0, "\r\nUser-Agent: me/1\r\n"));
	free_many(t, 8);
	end();
}

static void an_interrupt_ends_the_step(void)
{
	struct hk_event ev;

	begin();
	reply("200 OK", "", "hi");
	start((struct hk_request){.url = url_of(&srv, "/")});
	hk_transfer_set_user(x.transfer, &ev);
	hk_interrupt(SIGTERM);
	CHECK(hk_session_step(x.session, STEP_MS, &ev, &x.err) == HK_EINTERRUPTED);
	CHECK(x.err.sys == SIGTERM);
	hk_interrupt(0);
	CHECK(finish() == HK_OK);
	CHECK_STR(body(), "hi");
	CHECK(hk_transfer_user(x.transfer) == &ev);
	end();
}

/* A retry waits as long as it was told, and others go on meanwhile. */
static void a_delay_is_waited_for(void)
{
	struct hk_event ev;
	int64_t before;

	begin();
	reply("503 Later", "", "");
	reply("200 OK", "", "hi");
	start((struct hk_request){.url = url_of(&srv, "/"), .retries = 1});
	CHECK(next_event() == HK_EVENT_RETRY);
	before = session_now_ms();
	CHECK(hk_transfer_retry(x.transfer, 50, &x.err) == HK_OK);
	CHECK(hk_session_step(x.session, 10, &ev, &x.err) == HK_OK);
	CHECK(ev.type == HK_EVENT_NONE && server_count(&srv) == 1);
	CHECK(finish() == HK_OK);
	CHECK(session_now_ms() >= before + 50);
	end();
}

/* --- answers that nobody waits for -------------------------------------------------------- */

static void refuse_all_but(enum hk_event_type type)
{
	static const struct hk_err why = {.code = HK_EREFUSED, .msg = "no"};
	struct hk_transfer *t = x.transfer;

	CHECK(type == HK_EVENT_CHALLENGE || hk_transfer_authorize(t, "a", &x.err) == HK_EUSAGE);
	CHECK(type == HK_EVENT_REDIRECT || hk_transfer_follow(t, &x.err) == HK_EUSAGE);
	CHECK(type == HK_EVENT_RETRY || hk_transfer_retry(t, 0, &x.err) == HK_EUSAGE);
	if (type == HK_EVENT_DONE || type == HK_EVENT_NONE)
		CHECK(hk_transfer_fail(t, &why, &x.err) == HK_EUSAGE);
}

static void wrong_answers(void)
{
	begin();
	reply("401 Who", "", "");
	redirect_to("/b");
	reply("503 Later", "", "");
	reply("200 OK", "", "hi");
	x.answer = "a";
	start((struct hk_request){
		.url = url_of(&srv, "/blob"), .retries = 1});
	refuse_all_but(HK_EVENT_NONE);
	CHECK(next_event() == HK_EVENT_CHALLENGE);
	refuse_all_but(HK_EVENT_CHALLENGE);
	CHECK(answer(HK_EVENT_CHALLENGE) == HK_OK);
	refuse_all_but(HK_EVENT_NONE);
	CHECK(next_event() == HK_EVENT_REDIRECT);
	refuse_all_but(HK_EVENT_REDIRECT);
	CHECK(answer(HK_EVENT_REDIRECT) == HK_OK);
	CHECK(next_event() == HK_EVENT_RETRY);
	refuse_all_but(HK_EVENT_RETRY);
	CHECK(answer(HK_EVENT_RETRY) == HK_OK);
	refuse_all_but(HK_EVENT_NONE);
	CHECK(next_event() == HK_EVENT_DONE);
	refuse_all_but(HK_EVENT_DONE);
	end();
}

/* Of several transfers that wait at once, one may be answered before its event was handed out:
 * by who has given up on all of them. It gets no second event, and is not asked again. */
static void an_answer_before_the_event(void)
{
	static const char text[] = "HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n";
	static const struct hk_err why = {.code = HK_EREFUSED, .msg = "no"};
	struct hk_transfer *t[3];
	size_t i, done[3] = {0};
	struct hk_event ev;

	begin();
	server_bytes(&srv, NULL, SERVE_KEEP, 3, text, sizeof text - 1);
	start_many(t, 3);
	while (t[0]->state != WAITING || t[1]->state != WAITING || t[2]->state != WAITING) {
		CHECK(hk_session_step(x.session, STEP_MS, &ev, &x.err) == HK_OK);
		CHECK(ev.type == HK_EVENT_CHALLENGE);
	}
	for (i = 0; i < 3; i++)
		CHECK(hk_transfer_fail(t[i], &why, &x.err) == HK_OK);
	for (;;) {
		CHECK(hk_session_step(x.session, 0, &ev, &x.err) == HK_OK);
		if (ev.type == HK_EVENT_NONE)
			break;
		CHECK(ev.type == HK_EVENT_DONE);
		for (i = 0; i < 3; i++)
			done[i] += ev.transfer == t[i];
	}
	CHECK(done[0] == 1 && done[1] == 1 && done[2] == 1);
	free_many(t, 3);
	end();
}

/* --- sinks -------------------------------------------------------------------------------- */

static void the_sink_says_no(void)
{
	struct hk_digest d;
	struct hk_expect want = {.size = 5, .max = -1, .digest = &d, .name = "the blob"};
	struct hk_request rq = {.retries = 5};
	static const struct {
		const char *body, *message;
	} cases[] = {
		{"hello!", "the blob"},
		{"hell", "the blob"},
		{"hullo", "the blob"},
		{"hello", NULL},
	};
	size_t i;

	/* printf hello | sha256sum */
	CHECK(hk_digest_parse(&d, "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362"
				  "938b9824", 71, NULL) == HK_OK);
	begin();
	rq.url = url_of(&srv, "/blob");
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		reply("200 OK", "", cases[i].body);
		rq.sink = hk_sink_verify(hk_sink_mem(x.body, &x.err), &want, &x.err);
		CHECK(exchange(rq) == (cases[i].message ? HK_EVERIFY : HK_OK));
		CHECK_STR(x.events, "");
		if (cases[i].message)
			CHECK(strncmp(x.err.msg, cases[i].message, 8) == 0);
	}
	end();
}

/* A sink that lets bytes through one write at a time, as the test allows it. */
struct gate {
	struct hk_sink base;
	sem_t pass, arrived;
	atomic_bool open; /* nobody waits any more */
	atomic_size_t len;
	atomic_uint sum;
	atomic_int frees;
	int fail_after; /* writes; 0: never */
};

static int gate_write(struct hk_sink *s, const void *data, size_t len, struct hk_err *err)
{
	struct gate *g = (struct gate *)s;
	size_t i;

	sem_post(&g->arrived);
	if (!g->open)
		sem_wait(&g->pass);
	for (i = 0; i < len; i++)
		g->sum += (unsigned)((const unsigned char *)data)[i] * (unsigned)(g->len + i + 1);
	g->len += len;
	if (g->fail_after > 0 && --g->fail_after == 0)
		return hk_err_set(err, HK_EIO, "the disk is full");
	return HK_OK;
}

static int gate_finish(struct hk_sink *s, struct hk_err *err)
{
	struct gate *g = (struct gate *)s;

	(void)err;
	sem_post(&g->arrived);
	if (!g->open)
		sem_wait(&g->pass);
	return HK_OK;
}

static void gate_free(struct hk_sink *s)
{
	((struct gate *)s)->frees++;
}

static const struct hk_sink_ops gate_ops = {
	.write = gate_write, .finish = gate_finish, .free = gate_free};

static struct gate gate;

/* A queue of `bytes` before a gate that is shut. */
static struct hk_sink *slow_sink(size_t bytes)
{
	memset(&gate, 0, sizeof gate);
	sem_init(&gate.pass, 0, 0);
	sem_init(&gate.arrived, 0, 0);
	hk_sink_init(&gate.base, &gate_ops, NULL);
	return hk_sink_queue(&gate.base, bytes, &x.err);
}

static void open_gate(void)
{
	gate.open = true;
	sem_post(&gate.pass);
}

#define BIG 600000

/* A reply with a body of BIG bytes, of which only `sent` come; its sum as the gate makes it. */
static unsigned big_reply(size_t sent, enum server_end how)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 600000\r\n\r\n";
	size_t start = sizeof head - 1, i;
	char *text = malloc(start + BIG);
	unsigned sum = 0;

	memcpy(text, head, start);
	for (i = 0; i < BIG; i++) {
		text[start + i] = (char)(i * 2654435761u >> 11);
		sum += (unsigned)(unsigned char)text[start + i] * (unsigned)(i + 1);
	}
	server_bytes(&srv, NULL, how, 1, text, start + sent);
	free(text);
	return sum;
}

static void start_slow(size_t queue, unsigned retries)
{
	start((struct hk_request){.url = url_of(&srv, "/blob"),
		.retries = retries, .sink = slow_sink(queue)});
}

/* Steps until the queue has refused bytes and the transfer is paused. */
static void step_until_paused(void)
{
	struct hk_event ev;
	int i;

	for (i = 0; i < 1000 && x.transfer->refused == 0; i++) {
		CHECK(hk_session_step(x.session, 10, &ev, &x.err) == HK_OK);
		CHECK(ev.type == HK_EVENT_NONE);
	}
	CHECK(x.transfer->refused > 0);
}

static void a_slow_sink_holds_the_transfer_back(void)
{
	static const size_t queues[] = {100, 1000, 65536, 400000};
	unsigned sum;
	size_t i;

	for (i = 0; i < sizeof queues / sizeof *queues; i++) {
		begin();
		sum = big_reply(BIG, SERVE_CLOSE);
		start_slow(queues[i], 0);
		if (i > 1) { /* in a smaller one the first write already waits for the worker */
			step_until_paused();
			CHECK(hk_transfer_received(x.transfer) < BIG);
			CHECK(hk_transfer_received(x.transfer) <= (int64_t)queues[i] + (1 << 17));
		}
		open_gate();
		CHECK(finish() == HK_OK);
		CHECK(gate.len == BIG && gate.sum == sum && gate.frees == 1);
		end();
	}
}

/* The connection breaks while nobody takes what came: nothing is lost or doubled. */
static void a_paused_transfer_breaks(void)
{
	unsigned sum;

	begin();
	big_reply(300000, SERVE_CLOSE);
	sum = big_reply(BIG, SERVE_CLOSE); /* 200: the part known is skipped */
	start_slow(65536, 1);
	step_until_paused();
	open_gate();
	CHECK(finish() == HK_OK);
	CHECK_STR(x.events, "t");
	CHECK(gate.len == BIG && gate.sum == sum);
	end();
}

static void a_worker_fails(void)
{
	begin();
	big_reply(BIG, SERVE_STALL);
	start_slow(65536, 5);
	gate.fail_after = 2;
	open_gate();
	CHECK(finish() == HK_EIO);
	CHECK_STR(x.err.msg, "the disk is full");
	CHECK_STR(x.events, "");
	CHECK(gate.frees == 1);
	end();
}

/* The body is over, the worker not yet: the loop goes on with other work meanwhile. */
static void draining(void)
{
	struct hk_event ev;

	begin();
	reply("200 OK", "", "hello");
	start_slow(65536, 0);
	while (x.transfer->state == RUNNING) {
		CHECK(hk_session_step(x.session, 10, &ev, &x.err) == HK_OK);
		CHECK(ev.type == HK_EVENT_NONE);
	}
	CHECK(x.transfer->state == DRAINING);
	CHECK(hk_session_active(x.session) == 1);
	refuse_all_but(HK_EVENT_NONE);
	open_gate();
	CHECK(finish() == HK_OK);
	CHECK(gate.len == 5);
	end();
}

/* --- freeing in every state ----------------------------------------------------------------- */

static void to_start(void)
{
	start_slow(65536, 1);
}

static void to_waiting(const char *status, const char *headers)
{
	reply(status, headers, "");
	start_slow(65536, 1);
	CHECK(next_event() != HK_EVENT_DONE);
	CHECK(x.transfer->state == WAITING);
}

static void to_challenge(void)
{
	to_waiting("401 Who", "");
}

static void to_redirect(void)
{
	to_waiting("302 There", "Location: /b\r\n");
}

static void to_retry(void)
{
	to_waiting("503 Later", "");
}

static void to_delayed(void)
{
	to_retry();
	CHECK(hk_transfer_retry(x.transfer, 3600000, &x.err) == HK_OK);
	CHECK(x.transfer->state == DELAYED);
}

static void to_unsent(void)
{
	to_redirect();
	CHECK(hk_transfer_follow(x.transfer, &x.err) == HK_OK);
	CHECK(x.transfer->state == RUNNING);
}

static void to_stalled(void)
{
	struct hk_event ev;

	server_reply(&srv, NULL, SERVE_STALL, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n01");
	start_slow(65536, 1);
	while (hk_transfer_received(x.transfer) < 2)
		CHECK(hk_session_step(x.session, 10, &ev, &x.err) == HK_OK);
}

static void to_paused(void)
{
	big_reply(BIG, SERVE_STALL);
	start_slow(65536, 1);
	step_until_paused();
}

static void to_draining(void)
{
	struct hk_event ev;

	reply("200 OK", "", "hello");
	start_slow(65536, 0);
	while (x.transfer->state != DRAINING)
		CHECK(hk_session_step(x.session, 10, &ev, &x.err) == HK_OK);
}

static void to_unreported(void)
{
	static const struct hk_err why = {.code = HK_EREFUSED, .msg = "no"};

	to_challenge();
	CHECK(hk_transfer_fail(x.transfer, &why, &x.err) == HK_OK);
	CHECK(x.transfer->state == DONE);
}

static void to_done(void)
{
	to_unreported();
	CHECK(next_event() == HK_EVENT_DONE);
}

static void (*const states[])(void) = {to_start, to_challenge, to_redirect, to_retry, to_delayed,
	to_unsent, to_stalled, to_paused, to_draining, to_unreported, to_done};

static void freed_in_every_state(void)
{
	struct hk_event ev;
	size_t i;

	for (i = 0; i < sizeof states / sizeof *states; i++) {
		begin();
		states[i]();
		open_gate();
		hk_transfer_free(x.transfer);
		x.transfer = NULL;
		CHECK(gate.frees == 1);
		CHECK(hk_session_active(x.session) == 0);
		CHECK(hk_session_step(x.session, 0, &ev, &x.err) == HK_OK);
		CHECK(ev.type == HK_EVENT_NONE);
		end();
	}
}

static void the_session_closes_in_every_state(void)
{
	size_t i;
	int code;

	for (i = 0; i < sizeof states / sizeof *states; i++) {
		begin();
		states[i]();
		code = x.transfer->state == DONE ? HK_EREFUSED : HK_EINTERRUPTED;
		open_gate();
		hk_session_free(x.session);
		x.session = NULL;
		CHECK(gate.frees == 1);
		CHECK(hk_transfer_error(x.transfer)->code == code);
		if (code == HK_EINTERRUPTED)
			CHECK_STR(hk_transfer_error(x.transfer)->msg, "the session was closed");
		refuse_all_but(HK_EVENT_DONE);
		end();
	}
}

/* --- stopping ----------------------------------------------------------------------------- */

/* One that waits for an answer is not: the answer may be on its way. */
static void stopped_where_nobody_is_asked(void)
{
	struct hk_event ev;
	bool runs;
	size_t i;

	for (i = 0; i < sizeof states / sizeof *states; i++) {
		begin();
		states[i]();
		runs = x.transfer->state == RUNNING || x.transfer->state == DELAYED;
		open_gate();
		CHECK(hk_transfer_stop(x.transfer) == runs);
		CHECK(!hk_transfer_stop(x.transfer));
		if (runs) {
			int64_t received = hk_transfer_received(x.transfer);

			CHECK(finish() == HK_OK);
			CHECK_STR(x.events, "");
			CHECK(gate.len == (size_t)received && gate.frees == 1);
			CHECK(hk_session_active(x.session) == 0);
			CHECK(hk_session_step(x.session, 0, &ev, &x.err) == HK_OK);
			CHECK(ev.type == HK_EVENT_NONE);
		}
		end();
	}
}

/* What its sink says at the end counts, as at any end. */
static void stopped_too_early_for_its_sink(void)
{
	const struct hk_expect want = {.size = 4, .max = -1, .name = "x"};
	struct hk_event ev;

	begin();
	server_reply(&srv, NULL, SERVE_STALL, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n01");
	start((struct hk_request){.url = url_of(&srv, "/blob"), .retries = 9,
		.sink = hk_sink_verify(hk_sink_null(&x.err), &want, &x.err)});
	while (hk_transfer_received(x.transfer) < 2)
		CHECK(hk_session_step(x.session, 10, &ev, &x.err) == HK_OK);
	CHECK(hk_transfer_stop(x.transfer));
	CHECK(finish() == HK_EVERIFY);
	CHECK_STR(x.events, "");
	end();
}

static void the_time_that_its_sink_takes_is_told(void)
{
	int64_t held;

	begin();
	big_reply(BIG, SERVE_CLOSE);
	start_slow(65536, 0);
	CHECK(hk_transfer_held_ms(x.transfer) == 0);
	step_until_paused();
	usleep(20000);
	held = hk_transfer_held_ms(x.transfer);
	CHECK(held >= 20);
	usleep(5000);
	CHECK(hk_transfer_held_ms(x.transfer) >= held + 5);
	open_gate();
	CHECK(finish() == HK_OK);
	held = hk_transfer_held_ms(x.transfer);
	CHECK(held >= 25);
	usleep(5000);
	CHECK(hk_transfer_held_ms(x.transfer) == held);
	end();
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	TEST(nothing_to_do);
	TEST(all_at_once);
	TEST(connections_are_limited_and_kept);
	TEST(an_interrupt_ends_the_step);
	TEST(a_delay_is_waited_for);
	TEST(wrong_answers);
	TEST(an_answer_before_the_event);
	TEST(the_sink_says_no);
	TEST(a_slow_sink_holds_the_transfer_back);
	TEST(a_paused_transfer_breaks);
	TEST(a_worker_fails);
	TEST(draining);
	TEST(freed_in_every_state);
	TEST(the_session_closes_in_every_state);
	TEST(stopped_where_nobody_is_asked);
	TEST(stopped_too_early_for_its_sink);
	TEST(the_time_that_its_sink_takes_is_told);
	return test_end();
}
