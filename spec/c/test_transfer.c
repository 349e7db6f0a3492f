/* test_transfer: what is asked, and which bytes of the answers reach the sink. */
#include <signal.h>

#include "exchange.h"
#include "response.h"

/* --- one response --------------------------------------------------------------------- */

static void a_body_arrives(void)
{
	struct hk_response r;

	begin();
	reply("200 OK", "X-One: 1\r\nx-one: 2\r\n", "hello");
	CHECK(get(0) == HK_OK);
	CHECK_STR(body(), "hello");
	CHECK_STR(x.events, "");
	CHECK(hk_transfer_received(x.transfer) == 5 && hk_transfer_total(x.transfer) == 5);
	hk_transfer_response(x.transfer, &r);
	CHECK(r.status == 200 && r.body->len == 0);
	CHECK_STR(r.url, x.url);
	CHECK(r.nheaders == 4);
	CHECK_STR(r.headers[0], "connection: close");
	CHECK_STR(r.headers[1], "x-one: 1");
	CHECK_STR(r.headers[2], "x-one: 2");
	CHECK_STR(hk_transfer_header(x.transfer, "x-one"), "1");
	CHECK(!hk_transfer_header(x.transfer, "x-two"));
	CHECK(server_count(&srv) == 1);
	CHECK(server_asked(&srv, 0, "GET /blob HTTP/1.1\r\n"));
	CHECK(server_asked(&srv, 0, "\r\nAccept-Encoding: identity\r\n"));
	CHECK(server_asked(&srv, 0, "\r\nUser-Agent: hocker/" HK_VERSION "\r\n"));
	CHECK(!server_asked(&srv, 0, "\r\nRange:") && !server_asked(&srv, 0, "\r\nExpect:"));
	end();
}

static void a_body_without_a_length(void)
{
	begin();
	server_reply(&srv, NULL, SERVE_CLOSE, "HTTP/1.1 200 OK\r\n\r\nhello");
	CHECK(get(0) == HK_OK);
	CHECK_STR(body(), "hello");
	CHECK(hk_transfer_total(x.transfer) == -1);
	end();
}

/* Trailers come as header lines too; they say nothing about the body that is over. */
static void a_chunked_body_with_trailers(void)
{
	begin();
	server_reply(&srv, NULL, SERVE_CLOSE,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"5\r\nhello\r\n0\r\nContent-Length: 99\r\nContent-Range: bytes 1-2/3\r\n\r\n");
	CHECK(get(0) == HK_OK);
	CHECK_STR(body(), "hello");
	end();
}

static void an_informational_response_is_passed_over(void)
{
	begin();
	server_reply(&srv, NULL, SERVE_CLOSE,
		"HTTP/1.1 103 Early Hints\r\nLocation: /x\r\nContent-Length: 99\r\n\r\n"
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi");
	CHECK(get(0) == HK_OK);
	CHECK_STR(body(), "hi");
	CHECK(!hk_transfer_header(x.transfer, "location"));
	end();
}

static void methods(void)
{
	const char *const headers[] = {"X-Mine: 1", "Accept: a/b", NULL};

	begin();
	server_reply(&srv, "HEAD /blob", SERVE_CLOSE,
		"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
	CHECK(exchange((struct hk_request){.url = url_of(&srv, "/blob"),
			.method = "HEAD", .headers = headers}) == HK_OK);
	CHECK(hk_transfer_received(x.transfer) == 0);
	CHECK(server_asked(&srv, 0, "\r\nX-Mine: 1\r\n"));
	CHECK(server_asked(&srv, 0, "\r\nAccept: a/b\r\n"));

	reply("200 OK", "", "token");
	CHECK(exchange((struct hk_request){.url = url_of(&srv, "/t"),
			.method = "POST", .body = "a=b", .content_type = "x/y"}) == HK_OK);
	CHECK_STR(body(), "token");
	CHECK(server_asked(&srv, 1, "POST /t HTTP/1.1\r\n"));
	CHECK(server_asked(&srv, 1, "\r\nContent-Type: x/y\r\n"));
	CHECK(server_asked(&srv, 1, "\r\n\r\na=b"));
	end();
}

/* Nothing is cut in two, sent in another method's name, or sent with credentials in its URL. */
static void requests_that_cannot_be_sent(void)
{
	static const char *const split[] = {"A: b\r\nC: d", NULL};
	static const struct hk_request bad[] = {
		{.url = ""},
		{.url = "/relative"},
		{.url = "ftp://127.0.0.1/"},
		{.url = "file:///etc/passwd"},
		{.url = "http://user:secret@127.0.0.1/"},
		{.url = "http://127.0.0.1/a b"},
		{.url = "http://127.0.0.1/a\r\nHost: b"},
		{.url = "http://127.0.0.1/", .method = "DELETE"},
		{.url = "http://127.0.0.1/", .method = "get"},
		{.url = "http://127.0.0.1/", .headers = split},
		{.url = "http://127.0.0.1/", .authorization = "Bearer a\r\nX: y"},
		{.url = "http://127.0.0.1/", .content_type = "a/b\nX: y"},
	};
	size_t i;

	begin();
	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct hk_request rq = bad[i];

		rq.sink = hk_sink_null(NULL); /* the leak check sees whether it is freed */
		x.err = (struct hk_err){0};
		CHECK(!hk_transfer_start(x.session, &rq, &x.err));
		CHECK(x.err.code == HK_EUSAGE);
		CHECK(!strstr(x.err.msg, "secret"));
	}
	CHECK(hk_session_active(x.session) == 0);
	end();
}

static void a_long_content_type_is_not_cut(void)
{
	static const char type[200] = {[0 ... 198] = 't'};

	begin();
	reply("200 OK", "", "hi");
	CHECK(exchange((struct hk_request){.url = url_of(&srv, "/"), .method = "POST",
			.body = "a", .content_type = type}) == HK_OK);
	CHECK(server_asked(&srv, 0, type));
	end();
}

/* --- headers without end --------------------------------------------------------------- */

static void too_many_header_fields(void)
{
	char *text = NULL;
	size_t len, i;
	FILE *f = open_memstream(&text, &len);

	fputs("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", f);
	for (i = 0; i < RESPONSE_FIELDS; i++)
		fprintf(f, "X-%zu: 1\r\n", i);
	fputs("\r\nhi", f);
	fclose(f);
	begin();
	server_bytes(&srv, NULL, SERVE_CLOSE, 2, text, len);
	free(text);
	CHECK(get(1) == HK_EPROTOCOL);
	CHECK(strstr(x.err.msg, "more than 256 header fields"));
	CHECK_STR(x.events, "");
	CHECK_STR(body(), "");
	end();
}

static void too_many_header_bytes(void)
{
	char *text = NULL;
	size_t len, i;
	FILE *f = open_memstream(&text, &len);

	fputs("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", f);
	for (i = 0; i < 20; i++)
		fprintf(f, "X-%zu: %015000d\r\n", i, 0);
	fputs("\r\nhi", f);
	fclose(f);
	begin();
	server_bytes(&srv, NULL, SERVE_CLOSE, 1, text, len);
	free(text);
	CHECK(get(0) == HK_EPROTOCOL);
	CHECK(strstr(x.err.msg, "more than 262144 bytes of headers"));
	end();
}

static void a_zero_byte_in_a_header(void)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nX\0Y: 1\r\nContent-Length: 2\r\n\r\nhi";

	begin();
	server_bytes(&srv, NULL, SERVE_CLOSE, 1, text, sizeof text - 1);
	CHECK(get(0) != HK_OK);
	CHECK_STR(body(), "");
	end();
}

/* --- resuming -------------------------------------------------------------------------- */

static void a_broken_body_is_continued(void)
{
	begin();
	broken_reply("200 OK", "", 10, "0123");
	broken_reply("206 Part", "Content-Range: bytes 4-9/10\r\n", 6, "45");
	reply("206 Part", "Content-Range: bytes 6-9/10\r\n", "6789");
	CHECK(get(1) == HK_OK);
	CHECK_STR(x.events, "tt");
	CHECK_STR(body(), "0123456789");
	CHECK(!server_asked(&srv, 0, "\r\nRange:"));
	CHECK(server_asked(&srv, 1, "\r\nRange: bytes=4-\r\n"));
	CHECK(server_asked(&srv, 2, "\r\nRange: bytes=6-\r\n"));
	CHECK(hk_transfer_received(x.transfer) == 10 && hk_transfer_total(x.transfer) == 10);
	end();
}

static void a_server_without_ranges_sends_all_again(void)
{
	begin();
	broken_reply("200 OK", "", 10, "0123");
	broken_reply("200 OK", "", 10, "01");
	reply("200 OK", "", "0123456789");
	CHECK(get(2) == HK_OK);
	CHECK_STR(x.events, "tt");
	CHECK_STR(body(), "0123456789");
	CHECK(server_asked(&srv, 2, "\r\nRange: bytes=4-\r\n"));
	end();
}

/* The rest may come in pieces that the server chooses. */
static void a_part_may_be_shorter_than_asked_for(void)
{
	begin();
	broken_reply("200 OK", "", 6, "01");
	reply("206 Part", "Content-Range: bytes 2-3/6\r\n", "23");
	reply("206 Part", "Content-Range: bytes 4-5/6\r\n", "45");
	CHECK(get(1) == HK_OK);
	CHECK_STR(x.events, "tt");
	CHECK_STR(body(), "012345");
	end();
}

static const struct {
	const char *status, *headers, *body, *message;
} no_parts[] = {
	{"206 Part", "Content-Range: bytes 3-9/10\r\n", "3456789", "asked for the bytes from 4, got"},
	{"206 Part", "Content-Range: bytes 5-9/10\r\n", "56789", "asked for the bytes from 4, got"},
	{"206 Part", "Content-Range: bytes 0-9/10\r\n", "0123456789",
		"asked for the bytes from 4, got"},
	{"206 Part", "", "456789", "without a Content-Range"},
	{"206 Part", "Content-Range: bytes */10\r\n", "456789", "senseless Content-Range"},
	{"206 Part", "Content-Range: bytes 4-9/5\r\n", "456789", "senseless Content-Range"},
	{"206 Part", "Content-Range: bytes 4-9/10\r\n", "456789!", "6 bytes has a body of 7"},
	{"206 Part", "Content-Range: bytes 4-9/10\r\n", "0123456789", "6 bytes has a body of 10"},
	{"206 Part", "Content-Range: bytes 4-9/10\r\n", "45", "6 bytes has a body of 2"},
	{"416 No", "Content-Range: bytes */10\r\n", "", "HTTP 416"},
	{"403 No", "", "expired", "HTTP 403"},
	{"404 No", "", "", "HTTP 404"},
	{"204 None", "", "", "HTTP 204"},
	{"503 Later", "Retry-After: 100000\r\n", "", "asks to wait"},
};
enum { NO_PARTS = sizeof no_parts / sizeof *no_parts };

static void lies_about_the_part(void)
{
	const struct hk_range range = {4, 9};
	struct hk_request rq = {.range = &range, .retries = 1};
	size_t i;

	for (i = 0; i < NO_PARTS; i++) {
		begin();
		rq.url = url_of(&srv, "/blob");
		reply(no_parts[i].status, no_parts[i].headers, no_parts[i].body);
		CHECK(exchange(rq) != HK_OK);
		CHECK(strstr(x.err.msg, no_parts[i].message));
		CHECK_STR(body(), "");
		end();
	}
	begin();
	rq.url = url_of(&srv, "/blob");
	server_reply(&srv, NULL, SERVE_CLOSE,
		"HTTP/1.1 206 Part\r\nContent-Range: bytes 4-9/10\r\n\r\n456789!");
	CHECK(exchange(rq) == HK_EPROTOCOL);
	CHECK(strstr(x.err.msg, "more bytes than asked for"));
	end();
}

/* Where no part comes of it, a body that broke comes once more, and what is there is skipped. */
static void a_server_that_refuses_ranges_sends_all_again(void)
{
	size_t i;

	for (i = 0; i < NO_PARTS; i++) {
		begin();
		broken_reply("200 OK", "", 10, "0123");
		reply(no_parts[i].status, no_parts[i].headers, no_parts[i].body);
		broken_reply("200 OK", "", 10, "012345");
		reply("200 OK", "", "0123456789");
		CHECK(get(5) == HK_OK);
		CHECK_STR(x.events, "tt");
		CHECK_STR(body(), "0123456789");
		CHECK(server_asked(&srv, 1, "\r\nRange: bytes=4-\r\n"));
		CHECK(!server_asked(&srv, 2, "\r\nRange: ") && !server_asked(&srv, 3, "\r\nRange: "));
		end();

		begin();
		broken_reply("200 OK", "", 10, "0123");
		reply(no_parts[i].status, no_parts[i].headers, no_parts[i].body);
		reply("404 No", "", "");
		CHECK(get(5) == HK_ENOTFOUND);
		CHECK_STR(body(), "0123");
		end();
	}
}

/* What is another body is none the more for being asked for whole. */
static void another_size_is_asked_for_once_more(void)
{
	begin();
	broken_reply("200 OK", "", 10, "0123");
	reply("206 Part", "Content-Range: bytes 4-8/9\r\n", "45678");
	reply("200 OK", "", "012345678");
	CHECK(get(5) == HK_EPROTOCOL);
	CHECK(strstr(x.err.msg, "another size"));
	CHECK_STR(body(), "0123");
	end();
}

static void another_body_is_not_continued(void)
{
	begin();
	broken_reply("200 OK", "", 10, "0123");
	reply("200 OK", "", "abcdefghijkl");
	CHECK(get(5) == HK_EPROTOCOL);
	CHECK(strstr(x.err.msg, "another size"));
	CHECK_STR(body(), "0123");
	end();
}

static void a_part_that_nobody_asked_for(void)
{
	begin();
	reply("206 Part", "Content-Range: bytes 0-4/5\r\n", "hello");
	CHECK(get(5) == HK_EPROTOCOL);
	CHECK(strstr(x.err.msg, "where no part was asked for"));
	CHECK_STR(body(), "");
	end();
}

static void a_range(void)
{
	const struct hk_range range = {10, 19};
	struct hk_request rq = {.range = &range, .retries = 1};

	begin();
	rq.url = url_of(&srv, "/blob");
	broken_reply("206 Part", "Content-Range: bytes 10-19/100\r\n", 10, "abc");
	reply("206 Part", "Content-Range: bytes 13-19/100\r\n", "defghij");
	CHECK(exchange(rq) == HK_OK);
	CHECK_STR(body(), "abcdefghij");
	CHECK(server_asked(&srv, 0, "\r\nRange: bytes=10-19\r\n"));
	CHECK(server_asked(&srv, 1, "\r\nRange: bytes=13-19\r\n"));

	reply("200 OK", "", "all of it");
	CHECK(exchange(rq) == HK_EUNSUPPORTED);
	CHECK(strstr(x.err.msg, "the server ignores ranges"));

	reply("206 Part", "Content-Range: bytes 10-20/100\r\n", "abcdefghijk");
	CHECK(exchange(rq) == HK_EPROTOCOL);
	reply("416 No", "Content-Range: bytes */5\r\n", "");
	CHECK(exchange(rq) == HK_EPROTOCOL);
	CHECK_STR(body(), "abcdefghij");
	end();
}

/* What is there already is not asked for, and skipped where it comes all the same. */
static void a_body_is_begun_behind_its_start(void)
{
	struct hk_request rq = {.from = 4, .retries = 1};

	begin();
	rq.url = url_of(&srv, "/blob");
	broken_reply("206 Part", "Content-Range: bytes 4-9/10\r\n", 6, "45");
	reply("206 Part", "Content-Range: bytes 6-9/10\r\n", "6789");
	CHECK(exchange(rq) == HK_OK);
	CHECK_STR(x.events, "t");
	CHECK_STR(body(), "456789");
	CHECK(hk_transfer_received(x.transfer) == 10 && hk_transfer_total(x.transfer) == 10);
	CHECK(server_asked(&srv, 0, "\r\nRange: bytes=4-\r\n"));
	CHECK(server_asked(&srv, 1, "\r\nRange: bytes=6-\r\n"));
	end();

	begin();
	rq.url = url_of(&srv, "/blob");
	reply("503 Later", "", "");
	reply("200 OK", "", "0123456789");
	CHECK(exchange(rq) == HK_OK);
	CHECK_STR(body(), "456789");
	reply("206 Part", "Content-Range: bytes 3-9/10\r\n", "3456789");
	reply("200 OK", "", "0123456789");
	CHECK(exchange(rq) == HK_OK);
	CHECK_STR(body(), "456789456789");
	reply("503 Later", "", "");
	reply("503 Later", "", "");
	reply("503 Later", "", "");
	CHECK(exchange(rq) == HK_ENETWORK);
	end();
}

/* Signed targets expire, so what is missing is asked for where it was asked for first. */
static void a_redirected_body_is_continued_from_the_start(void)
{
	begin();
	server_reply(&srv, "/blob", SERVE_CLOSE,
		"HTTP/1.1 307 There\r\nLocation: /one?sig=1\r\nContent-Length: 0\r\n\r\n");
	server_reply(&srv, "/one", SERVE_CLOSE, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n01");
	server_reply(&srv, "/blob", SERVE_CLOSE,
		"HTTP/1.1 307 There\r\nLocation: /two?sig=2\r\nContent-Length: 0\r\n\r\n");
	server_reply(&srv, "/two", SERVE_CLOSE,
		"HTTP/1.1 206 Part\r\nContent-Range: bytes 2-3/4\r\nContent-Length: 2\r\n\r\n23");
	CHECK(get(1) == HK_OK);
	CHECK_STR(x.events, "rtr");
	CHECK_STR(body(), "0123");
	CHECK(server_asked(&srv, 3, "GET /two?sig=2 ") &&
		server_asked(&srv, 3, "\r\nRange: bytes=2-\r\n"));
	end();
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	TEST(a_body_arrives);
	TEST(a_body_without_a_length);
	TEST(a_chunked_body_with_trailers);
	TEST(an_informational_response_is_passed_over);
	TEST(methods);
	TEST(requests_that_cannot_be_sent);
	TEST(a_long_content_type_is_not_cut);
	TEST(too_many_header_fields);
	TEST(too_many_header_bytes);
	TEST(a_zero_byte_in_a_header);
	TEST(a_broken_body_is_continued);
	TEST(a_server_without_ranges_sends_all_again);
	TEST(a_part_may_be_shorter_than_asked_for);
	TEST(lies_about_the_part);
	TEST(a_server_that_refuses_ranges_sends_all_again);
	TEST(another_size_is_asked_for_once_more);
	TEST(another_body_is_not_continued);
	TEST(a_part_that_nobody_asked_for);
	TEST(a_range);
	TEST(a_body_is_begun_behind_its_start);
	TEST(a_redirected_body_is_continued_from_the_start);
	return test_end();
}
