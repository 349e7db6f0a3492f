/* test_judge: what follows from a response: an end, a retry, a redirect, a challenge. */
#include <signal.h>

#include "exchange.h"

static struct server other;

/* --- statuses ------------------------------------------------------------------------- */

static void codes_of_statuses(void)
{
	static const struct {
		const char *status;
		int code, retried;
	} cases[] = {
		{"201 Created", HK_EPROTOCOL, 0},
		{"204 No Content", HK_EPROTOCOL, 0},
		{"304 Not Modified", HK_EPROTOCOL, 0},
		{"400 Bad", HK_EPROTOCOL, 0},
		{"403 Forbidden", HK_EAUTH, 0},
		{"404 Not Found", HK_ENOTFOUND, 0},
		{"405 No", HK_EPROTOCOL, 0},
		{"407 Proxy", HK_EAUTH, 0},
		{"410 Gone", HK_ENOTFOUND, 0},
		{"416 Range", HK_EPROTOCOL, 0},
		{"429 Slow Down", HK_ENETWORK, 1},
		{"500 Oops", HK_ENETWORK, 1},
		{"501 Never", HK_ENETWORK, 0},
		{"503 Later", HK_ENETWORK, 1},
	};
	struct hk_response r;
	size_t i;

	begin();
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		reply(cases[i].status, "", strncmp(cases[i].status, "204", 3) ? "why" : "");
		if (cases[i].retried)
			reply(cases[i].status, "", "why");
		CHECK(get(1) == cases[i].code);
		CHECK_STR(x.events, cases[i].retried ? "t" : "");
		CHECK(x.err.http == atoi(cases[i].status));
		CHECK(strstr(x.err.msg, "GET http://127.0.0.1:"));
		hk_transfer_response(x.transfer, &r);
		CHECK(r.status == atoi(cases[i].status));
		if (r.status > 204 && r.status != 304)
			CHECK_STR(r.body->data, "why");
		CHECK(hk_transfer_received(x.transfer) == 0);
	}
	CHECK_STR(body(), "");
	end();
}

static void an_endless_error_body_is_cut(void)
{
	static const struct {
		const char *status;
		int code;
	} cases[] = {{"404 Not Found", HK_ENOTFOUND}, {"418 No", HK_EPROTOCOL},
		{"203 So so", HK_EPROTOCOL}};
	struct hk_response r;
	size_t i;

	begin();
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		server_reply(&srv, NULL, SERVE_ENDLESS, "HTTP/1.1 %s\r\n\r\n", cases[i].status);
		CHECK(get(0) == cases[i].code);
		hk_transfer_response(x.transfer, &r);
		CHECK(r.body->len == HK_ERROR_BODY);
	}
	end();
}

static void no_http(void)
{
	static const char *const answers[] = {"", "nonsense\r\n\r\n", "HTTP/1.1 2\r\n\r\n",
		"HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nA: b"};
	size_t i;

	begin();
	for (i = 0; i < sizeof answers / sizeof *answers; i++) {
		server_reply(&srv, NULL, SERVE_CLOSE, "%s", answers[i]);
		CHECK(get(0) != HK_OK);
		CHECK(x.err.code == HK_ENETWORK || x.err.code == HK_EPROTOCOL);
	}
	CHECK_STR(body(), "");
	end();
}

/* --- retries ---------------------------------------------------------------------------- */

static void failures_in_a_row_are_counted(void)
{
	int i;

	begin();
	for (i = 0; i < 3; i++)
		reply("503 Later", "", "");
	CHECK(get(2) == HK_ENETWORK);
	CHECK_STR(x.events, "tt");
	CHECK(strstr(x.err.msg, "HTTP 503 (after 2 retries)"));
	CHECK(hk_transfer_failures(x.transfer) == 3);
	end();
}

static void progress_begins_the_count_anew(void)
{
	char range[64], byte[2] = "0";
	int i;

	begin();
	broken_reply("200 OK", "", 6, "0");
	for (i = 1; i < 6; i++) {
		reply("503 Later", "", "");
		snprintf(range, sizeof range, "Content-Range: bytes %d-5/6\r\n", i);
		byte[0]++;
		broken_reply("206 Part", range, 6 - i, byte);
	}
	CHECK(get(2) == HK_OK);
	CHECK_STR(x.events, "tttttttttt");
	CHECK_STR(body(), "012345");
	end();
}

static void the_server_says_when(void)
{
	static const struct {
		const char *header;
		long least, most; /* milliseconds; -1: not waited for */
	} cases[] = {
		{"", 250, 500},
		{"Retry-After: 0\r\n", 0, 0},
		{"Retry-After: 7\r\n", 7000, 7000},
		{"Retry-After: 300\r\n", 300000, 300000},
		{"Retry-After: soon\r\n", 250, 500},
		{"Retry-After: Thu, 01 Jan 1970 00:00:00 GMT\r\n", 0, 0},
		{"Retry-After: 301\r\n", -1, 0},
		{"Retry-After: 99999999999999999999999\r\n", -1, 0},
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin();
		reply("429 Slow Down", cases[i].header, "");
		start((struct hk_request){
			.url = url_of(&srv, "/blob"), .retries = 1});
		if (cases[i].least < 0) {
			CHECK(next_event() == HK_EVENT_DONE);
			CHECK(strstr(hk_transfer_error(x.transfer)->msg,
				"(the server asks to wait "));
		} else {
			CHECK(next_event() == HK_EVENT_RETRY);
			CHECK(hk_transfer_delay_ms(x.transfer) >= cases[i].least);
			CHECK(hk_transfer_delay_ms(x.transfer) <= cases[i].most);
			CHECK(hk_transfer_failures(x.transfer) == 1);
		}
		CHECK(hk_transfer_error(x.transfer)->code == HK_ENETWORK);
		end();
	}
}

static void a_reset_is_retried(void)
{
	begin();
	server_reply(&srv, NULL, SERVE_RESET, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n01");
	server_reply(&srv, "Range: bytes=", SERVE_CLOSE,
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n0123");
	server_reply(&srv, NULL, SERVE_CLOSE, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n0123");
	CHECK(get(1) == HK_OK);
	CHECK_STR(x.events, "t");
	CHECK_STR(body(), "0123");
	end();
}

static void nobody_listens(void)
{
	begin();
	server_start(&other);
	url_of(&other, "/");
	server_stop(&other);
	CHECK(exchange((struct hk_request){.url = x.url, .retries = 1}) == HK_ENETWORK);
	CHECK_STR(x.events, "t");
	end();
}

static void a_body_that_stalls_is_broken_off(void)
{
	struct hk_session_opts opts = {.stall_timeout_ms = 1000};

	begin();
	hk_session_free(x.session);
	x.session = hk_session_new(&opts, &x.err);
	server_reply(&srv, NULL, SERVE_STALL, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n01");
	reply("206 Part", "Content-Range: bytes 2-3/4\r\n", "23");
	CHECK(get(1) == HK_OK);
	CHECK_STR(x.events, "t");
	CHECK_STR(body(), "0123");
	end();
}

/* --- redirects and challenges ------------------------------------------------------------ */

static void authorization_stays_at_home(void)
{
	struct hk_request rq = {.authorization = "Bearer s3cret"};
	char elsewhere[256];

	begin();
	server_start(&other);
	rq.url = url_of(&srv, "/blob");
	snprintf(elsewhere, sizeof elsewhere, "http://127.0.0.1:%u/there", other.port);
	redirect_to("/here");
	redirect_to(elsewhere);
	server_reply(&other, NULL, SERVE_CLOSE,
		"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%u/home\r\n"
		"Content-Length: 0\r\n\r\n", srv.port);
	reply("200 OK", "", "hi");
	CHECK(exchange(rq) == HK_OK);
	CHECK_STR(x.events, "rrr");
	CHECK(server_asked(&srv, 0, "\r\nAuthorization: Bearer s3cret\r\n"));
	CHECK(server_asked(&srv, 1, "\r\nAuthorization: Bearer s3cret\r\n"));
	CHECK(server_count(&other) == 1 && !server_asked(&other, 0, "s3cret"));
	CHECK(server_asked(&srv, 2, "GET /home "));
	CHECK(server_asked(&srv, 2, "\r\nAuthorization: Bearer s3cret\r\n"));
	server_stop(&other);
	end();
}

/* Another name for the same machine is another origin. */
static void an_origin_is_its_name(void)
{
	char elsewhere[256];

	begin();
	snprintf(elsewhere, sizeof elsewhere, "http://localhost:%u/there", srv.port);
	redirect_to(elsewhere);
	reply("200 OK", "", "hi");
	CHECK(exchange((struct hk_request){.url = url_of(&srv, "/blob"),
			.authorization = "Basic s3cret"}) == HK_OK);
	CHECK(server_asked(&srv, 1, "GET /there ") && !server_asked(&srv, 1, "s3cret"));
	end();
}

static void a_401_from_elsewhere_is_no_challenge(void)
{
	char elsewhere[256];

	begin();
	snprintf(elsewhere, sizeof elsewhere, "http://localhost:%u/there", srv.port);
	redirect_to(elsewhere);
	reply("401 Who", "WWW-Authenticate: Basic realm=\"x\"\r\n", "");
	CHECK(get(5) == HK_EAUTH);
	CHECK_STR(x.events, "r");
	CHECK(strstr(x.err.msg, "that the registry redirected to"));
	end();
}

static void targets(void)
{
	static const struct {
		const char *location, *target; /* NULL: no event, but an error of `code` */
		int code;
	} cases[] = {
		{"/b?x=1", "/b?x=1", 0},
		{"c", "/a/c", 0},
		{"../c", "/c", 0},
		{"?q", "/a/blob?q", 0},
		{"/b#fragment", "/b", 0},
		{"ftp://127.0.0.1/", NULL, HK_EPROTOCOL},
		{"file:///etc/passwd", NULL, HK_EPROTOCOL},
		{"javascript:alert(1)", NULL, HK_EPROTOCOL},
		{"http://user:pw@127.0.0.1/", NULL, HK_EPROTOCOL},
		{"http://", NULL, HK_EPROTOCOL},
	};
	char want[256];
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin();
		redirect_to(cases[i].location);
		start((struct hk_request){.url = url_of(&srv, "/a/blob")});
		CHECK(next_event() == (cases[i].target ? HK_EVENT_REDIRECT : HK_EVENT_DONE));
		if (cases[i].target) {
			snprintf(want, sizeof want, "http://127.0.0.1:%u%s", srv.port,
				cases[i].target);
			CHECK_STR(hk_transfer_target(x.transfer), want);
		} else {
			CHECK(hk_transfer_error(x.transfer)->code == cases[i].code);
			CHECK(!strstr(hk_transfer_error(x.transfer)->msg, "pw"));
		}
		end();
	}
}

static void redirects_that_are_not_followed(void)
{
	int i;

	begin();
	reply("302 Found", "", "");
	CHECK(get(5) == HK_EPROTOCOL);
	redirect_to("/b");
	CHECK(exchange((struct hk_request){.url = url_of(&srv, "/"),
			.method = "POST", .body = "password=x"}) == HK_EPROTOCOL);
	for (i = 0; i <= HK_REDIRECTS; i++)
		redirect_to("/again");
	CHECK(get(5) == HK_EPROTOCOL);
	CHECK(strlen(x.events) == HK_REDIRECTS);
	CHECK(strstr(x.err.msg, "more than 10 redirects"));
	end();
}

static void a_challenge_is_answered(void)
{
	begin();
	x.answer = "Bearer new";
	reply("401 Who", "WWW-Authenticate: Bearer realm=\"x\"\r\n", "who are you");
	reply("200 OK", "", "hi");
	start((struct hk_request){
		.url = url_of(&srv, "/blob"), .authorization = "Bearer old"});
	CHECK(next_event() == HK_EVENT_CHALLENGE);
	CHECK_STR(hk_transfer_header(x.transfer, "www-authenticate"), "Bearer realm=\"x\"");
	CHECK(hk_transfer_error(x.transfer)->code == HK_EAUTH);
	CHECK(hk_transfer_authorize(x.transfer, "Bearer new", &x.err) == HK_OK);
	CHECK(finish() == HK_OK);
	CHECK(server_asked(&srv, 0, "\r\nAuthorization: Bearer old\r\n"));
	CHECK(server_asked(&srv, 1, "\r\nAuthorization: Bearer new\r\n"));
	CHECK(!server_asked(&srv, 1, "Bearer old"));
	CHECK_STR(body(), "hi");

	reply("401 Who", "", "");
	reply("401 Who", "", "");
	x.answer = "Basic eA==";
	start((struct hk_request){.url = url_of(&srv, "/blob")});
	CHECK(next_event() == HK_EVENT_CHALLENGE);
	CHECK(hk_transfer_authorize(x.transfer, "Basic a\r\nb", &x.err) == HK_EUSAGE);
	CHECK(hk_transfer_authorize(x.transfer, "Basic eA==", &x.err) == HK_OK);
	CHECK(next_event() == HK_EVENT_CHALLENGE);
	x.answer = NULL;
	CHECK(answer(HK_EVENT_CHALLENGE) == HK_OK);
	CHECK(finish() == HK_EAUTH);
	CHECK_STR(x.err.msg, "no credentials");
	end();
}

static void a_403_may_be_a_challenge(void)
{
	begin();
	x.answer = "Bearer larger";
	reply("403 No", "WWW-Authenticate: Bearer error=\"insufficient_scope\"\r\n", "");
	reply("200 OK", "", "hi");
	CHECK(get(0) == HK_OK);
	CHECK_STR(x.events, "c");
	CHECK(server_asked(&srv, 1, "\r\nAuthorization: Bearer larger\r\n"));
	CHECK_STR(body(), "hi");
	end();
}

/* A request that was redirected and then broke asks the origin again, which may say who. */
static void a_challenge_while_resuming(void)
{
	begin();
	x.answer = "Bearer new";
	broken_reply("200 OK", "", 4, "01");
	reply("401 Who", "", "");
	reply("206 Part", "Content-Range: bytes 2-3/4\r\n", "23");
	CHECK(get(1) == HK_OK);
	CHECK_STR(x.events, "tc");
	CHECK(server_asked(&srv, 2, "\r\nRange: bytes=2-\r\n"));
	CHECK_STR(body(), "0123");
	end();
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	TEST(codes_of_statuses);
	TEST(an_endless_error_body_is_cut);
	TEST(no_http);
	TEST(failures_in_a_row_are_counted);
	TEST(progress_begins_the_count_anew);
	TEST(the_server_says_when);
	TEST(a_reset_is_retried);
	TEST(nobody_listens);
	TEST(a_body_that_stalls_is_broken_off);
	TEST(authorization_stays_at_home);
	TEST(an_origin_is_its_name);
	TEST(a_401_from_elsewhere_is_no_challenge);
	TEST(targets);
	TEST(redirects_that_are_not_followed);
	TEST(a_challenge_is_answered);
	TEST(a_403_may_be_a_challenge);
	TEST(a_challenge_while_resuming);
	return test_end();
}
