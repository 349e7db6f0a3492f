/* test_retry: which failures pass, and how long to wait for it. */
#include <curl/curl.h>
#include <errno.h>
#include <time.h>

#include "retry.h"
#include "test.h"

static void statuses(void)
{
	static const long later[] = {408, 425, 429, 499, 500, 502, 503, 504, 520, 521, 522, 523, 524};
	size_t i = 0;
	long status;

	for (status = 100; status < 1000; status++) {
		bool want = i < sizeof later / sizeof *later && later[i] == status;

		CHECK(retry_status(status) == want);
		i += want;
	}
	CHECK(i == sizeof later / sizeof *later);
}

static void curl_codes(void)
{
	static const struct {
		int code;
		long sys;
		bool again;
	} cases[] = {
		{CURLE_COULDNT_CONNECT, ECONNREFUSED, true},
		{CURLE_COULDNT_RESOLVE_HOST, 0, true},
		{CURLE_OPERATION_TIMEDOUT, 0, true},
		{CURLE_PARTIAL_FILE, 0, true},
		{CURLE_GOT_NOTHING, 0, true},
		{CURLE_RECV_ERROR, ECONNRESET, true},
		{CURLE_SEND_ERROR, EPIPE, true},
		{CURLE_HTTP2_STREAM, 0, true},
		{CURLE_SSL_CONNECT_ERROR, ECONNRESET, true},
		{CURLE_SSL_CONNECT_ERROR, 0, false},
		{CURLE_PEER_FAILED_VERIFICATION, 0, false},
		{CURLE_SSL_CERTPROBLEM, 0, false},
		{CURLE_URL_MALFORMAT, 0, false},
		{CURLE_UNSUPPORTED_PROTOCOL, 0, false},
		{CURLE_WRITE_ERROR, 0, false},
		{CURLE_OUT_OF_MEMORY, 0, false},
		{CURLE_OK, 0, false},
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++)
		CHECK(retry_curl(cases[i].code, cases[i].sys) == cases[i].again);
}

/* Doubling, capped, and never less than half: by chance, so each is tried often. */
static void backoff(void)
{
	static const struct {
		unsigned failures;
		long full;
	} cases[] = {
		{1, RETRY_BASE_MS},
		{2, 2 * RETRY_BASE_MS},
		{3, 4 * RETRY_BASE_MS},
		{6, 32 * RETRY_BASE_MS},
		{7, RETRY_CAP_MS},
		{100, RETRY_CAP_MS},
		{4000000000u, RETRY_CAP_MS},
	};
	long least, most, ms;
	size_t i;
	int n;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		least = most = retry_backoff_ms(cases[i].failures);
		for (n = 0; n < 200; n++) {
			ms = retry_backoff_ms(cases[i].failures);
			least = ms < least ? ms : least;
			most = ms > most ? ms : most;
		}
		CHECK(least >= cases[i].full / 2 && most <= cases[i].full);
		CHECK(most > least);
	}
}

static void retry_after(void)
{
	static const struct {
		const char *value;
		long seconds;
	} cases[] = {
		{NULL, -1},
		{"", -1},
		{"soon", -1},
		{"0", 0},
		{"120", 120},
		{"-1", -1},
		{"5 seconds", -1},
		{"Thu, 01 Jan 1970 00:00:00 GMT", 0},
		{"Fri, 31 Dec 1999 23:59:59 GMT", 0},
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++)
		CHECK(retry_after_s(cases[i].value) == cases[i].seconds);
	CHECK(retry_after_s("99999999999999999999") > RETRY_AFTER_MAX);
}

static void retry_after_a_date(void)
{
	time_t later = time(NULL) + 100;
	struct tm tm;
	char text[64];
	long s;

	gmtime_r(&later, &tm);
	strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	s = retry_after_s(text);
	CHECK(s >= 90 && s <= 100);
}

int main(void)
{
	TEST(statuses);
	TEST(curl_codes);
	TEST(backoff);
	TEST(retry_after);
	TEST(retry_after_a_date);
	return test_end();
}
