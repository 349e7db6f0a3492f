/* err: escaping, cutting, wrapping, and the tables from foreign codes. */
#include <errno.h>

#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "err.h"
#include "test.h"

static void sets_code_and_message(void)
{
	struct hk_err err = {.code = HK_EIO, .sys = 3, .http = 404, .msg = "old"};

	CHECK(hk_err_set(&err, HK_EVERIFY, "want %d, got %s", 7, "eight") == HK_EVERIFY);
	CHECK(err.code == HK_EVERIFY && err.sys == 0 && err.http == 0);
	CHECK_STR(err.msg, "want 7, got eight");
	CHECK(hk_err_set(&err, HK_EUSAGE, "%s", "") == HK_EUSAGE);
	CHECK_STR(err.msg, "");
}

static void escapes_what_is_not_printable_utf8(void)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"plain ~", "plain ~"},
		{"a\nb\r\tc", "a\\x0ab\\x0d\\x09c"},
		{"\x1b[31mred", "\\x1b[31mred"},
		{"\x01\x1f\x7f", "\\x01\\x1f\\x7f"},
		{"back\\slash \\x0a", "back\\slash \\x0a"},
		/* two, three and four bytes, at the edges of each */
		{"\xc2\xa0\xdf\xbf", "\xc2\xa0\xdf\xbf"},
		{"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf",
			"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"},
		{"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
		/* C1 controls, of which U+009B begins terminal commands */
		{"\xc2\x80\xc2\x9b\xc2\x9f", "\\xc2\\x80\\xc2\\x9b\\xc2\\x9f"},
		/* stray, overlong, surrogate, too large, cut short */
		{"\x80\xbf", "\\x80\\xbf"},
		{"\xc0\xaf\xc1\xbf", "\\xc0\\xaf\\xc1\\xbf"},
		{"\xe0\x9f\xbf", "\\xe0\\x9f\\xbf"},
		{"\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf"},
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},
		{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
		{"\xf5\x80\x80\x80\xff\xfe", "\\xf5\\x80\\x80\\x80\\xff\\xfe"},
		{"\xc3", "\\xc3"},
		{"\xe2\x82", "\\xe2\\x82"},
		{"\xf0\x9f\x98", "\\xf0\\x9f\\x98"},
		{"\xe2\x82\x41", "\\xe2\\x82\x41"},
		{"\xf0\x9f\x98\xc3\xa9", "\\xf0\\x9f\\x98\xc3\xa9"},
	};
	struct hk_err err;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		hk_err_set(&err, HK_EUSAGE, "%s", cases[i].in);
		CHECK_STR(err.msg, cases[i].out);
	}
}

/* Fills `text` with `len` copies of "a" and then `tail`. */
static void pad(char *text, size_t len, const char *tail)
{
	memset(text, 'a', len);
	memcpy(text + len, tail, strlen(tail) + 1);
}

static void cuts_at_whole_characters(void)
{
	static const struct {
		const char *tail;
		size_t size; /* of the tail in the message */
	} cases[] = {{"z", 1}, {"\xc3\xa9", 2}, {"\xe2\x82\xac", 3},
		{"\xf0\x9f\x98\x80", 4}, {"\n", 4}, {"\xff", 4}};
	char text[2 * HK_ERR_MSG];
	struct hk_err err;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t room = HK_ERR_MSG - 1 - cases[i].size;

		pad(text, room, cases[i].tail);
		hk_err_set(&err, HK_EUSAGE, "%s", text);
		CHECK(strlen(err.msg) == HK_ERR_MSG - 1);
		pad(text, room + 1, cases[i].tail);
		hk_err_set(&err, HK_EUSAGE, "%s", text);
		CHECK(strlen(err.msg) == room + 1 && err.msg[room] == 'a');
	}
}

/* However the raw text is cut, no half character may show. */
static void cuts_long_text_of_wide_characters(void)
{
	static const char *const wide[] = {
		"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
	char text[4 * HK_ERR_MSG];
	struct hk_err err;

	for (size_t shift = 0; shift < 4; shift++)
		for (size_t i = 0; i < 3; i++) {
			size_t len = shift;

			memset(text, 'a', shift);
			while (len < 3 * HK_ERR_MSG) {
				size_t size = strlen(wide[i]);

				memcpy(text + len, wide[i], size + 1);
				len += size;
			}
			hk_err_set(&err, HK_EUSAGE, "%s", text);
			CHECK(!strchr(err.msg, '\\'));
			CHECK((strlen(err.msg) - shift) % strlen(wide[i]) == 0);
			CHECK(strlen(err.msg) > HK_ERR_MSG - 1 - strlen(wide[i]));
		}
}

static void wraps_and_keeps_the_rest(void)
{
	struct hk_err err = {
		.code = HK_ENETWORK, .sys = 5, .http = 503, .msg = "no answer"};

	CHECK(hk_err_wrap(&err, "layer %d", 3) == HK_ENETWORK);
	CHECK(hk_err_wrap(&err, "image \x1b") == HK_ENETWORK);
	CHECK_STR(err.msg, "image \\x1b: layer 3: no answer");
	CHECK(err.code == HK_ENETWORK && err.sys == 5 && err.http == 503);
}

static void wraps_with_its_own_message(void)
{
	struct hk_err err;

	hk_err_set(&err, HK_EIO, "inner");
	CHECK(hk_err_wrap(&err, "%s again", err.msg) == HK_EIO);
	CHECK_STR(err.msg, "inner again: inner");
	CHECK(hk_err_set(&err, HK_EIO, "<%s>", err.msg) == HK_EIO);
	CHECK_STR(err.msg, "<inner again: inner>");
}

/* Nothing may slip in behind text that was cut, not even where a short piece would fit.
 */
static void wraps_without_room(void)
{
	char text[2 * HK_ERR_MSG];
	struct hk_err err = {.code = HK_EIO, .msg = "cause"};

	pad(text, HK_ERR_MSG - 4, "\n");
	hk_err_wrap(&err, "%s", text);
	CHECK(strlen(err.msg) == HK_ERR_MSG - 4 && !strchr(err.msg, ':'));
	CHECK(hk_err_wrap(&err, "%s", "front") == HK_EIO);
	CHECK(strncmp(err.msg, "front: aaa", 10) == 0 &&
		strlen(err.msg) == HK_ERR_MSG - 1);
}

static void maps_errno(void)
{
	struct hk_err err = {.http = 1};
	char want[HK_ERR_MSG];

	CHECK(hk_err_sys(&err, ENOENT, "open %s", "a\tb") == HK_EIO);
	snprintf(want, sizeof want, "open a\\x09b: %s", strerror(ENOENT));
	CHECK_STR(err.msg, want);
	CHECK(err.code == HK_EIO && err.sys == ENOENT && err.http == 0);
	CHECK(hk_err_sys(&err, ENOMEM, "open") == HK_ENOMEM);
	CHECK(err.code == HK_ENOMEM && err.sys == ENOMEM);
}

static void maps_curl_codes(void)
{
	static const struct {
		int curl, code;
		const char *detail, *msg;
	} cases[] = {
		{CURLE_COULDNT_CONNECT, HK_ENETWORK, "Failed to connect\n",
			"Failed to connect"},
		{CURLE_COULDNT_RESOLVE_HOST, HK_ENETWORK, "no\r\nsecond line", "no"},
		{CURLE_RECV_ERROR, HK_ENETWORK,
			"a\x1b"
			"b",
			"a\\x1b"
			"b"},
		{CURLE_SSL_CONNECT_ERROR, HK_ENETWORK, "handshake", "handshake"},
		{CURLE_OUT_OF_MEMORY, HK_ENOMEM, "", "out of memory"},
		{CURLE_URL_MALFORMAT, HK_EUSAGE, "bad", "bad"},
		{CURLE_UNSUPPORTED_PROTOCOL, HK_EUSAGE, "gopher", "gopher"},
		{CURLE_PEER_FAILED_VERIFICATION, HK_ENETWORK, "self-signed certificate",
			"the server's certificate is not trusted: self-signed "
			"certificate"},
		{CURLE_RECV_ERROR, HK_EAUTH, "OpenSSL SSL_read: sslv3 alert bad certificate",
			"the server refuses the client certificate: OpenSSL SSL_read: "
			"sslv3 alert bad certificate"},
		{CURLE_SSL_CONNECT_ERROR, HK_EAUTH, "tlsv1 alert unknown ca, errno 0",
			"the server refuses the client certificate: tlsv1 alert unknown "
			"ca, errno 0"},
		{CURLE_SSL_CONNECT_ERROR, HK_ENETWORK, "sslv3 alert handshake failure",
			"sslv3 alert handshake failure"},
		{CURLE_SSL_ISSUER_ERROR, HK_ENETWORK, "x",
			"the server's certificate is not trusted: x"},
	};
	struct hk_err err;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CHECK(hk_err_curl(&err, cases[i].curl, cases[i].detail) == cases[i].code);
		CHECK(err.code == cases[i].code && err.sys == 0);
		CHECK_STR(err.msg, cases[i].msg);
	}
}

static void describes_curl_codes_without_detail(void)
{
	struct hk_err err;

	CHECK(hk_err_curl(&err, CURLE_OPERATION_TIMEDOUT, "") == HK_ENETWORK);
	CHECK_STR(err.msg, curl_easy_strerror(CURLE_OPERATION_TIMEDOUT));
	CHECK(hk_err_curl(&err, CURLE_GOT_NOTHING, NULL) == HK_ENETWORK);
	CHECK_STR(err.msg, curl_easy_strerror(CURLE_GOT_NOTHING));
	CHECK(hk_err_curl(&err, 9999, NULL) == HK_ENETWORK);
	CHECK(err.msg[0] != '\0');
}

static void maps_openssl_and_drains_its_queue(void)
{
	struct hk_err err;

	ERR_clear_error();
	ERR_raise(ERR_LIB_EVP, EVP_R_INVALID_KEY_LENGTH);
	ERR_raise(ERR_LIB_EVP, EVP_R_BAD_DECRYPT);
	CHECK(hk_err_ssl(&err, "sha256") == HK_EINTERNAL);
	CHECK_STR(err.msg, "sha256: invalid key length");
	CHECK(ERR_peek_error() == 0);
	CHECK(hk_err_ssl(&err, "nothing") == HK_EINTERNAL);
	CHECK_STR(err.msg, "nothing: OpenSSL error 0");
}

static void accepts_null(void)
{
	CHECK(hk_err_set(NULL, HK_EUSAGE, "%d", 1) == HK_EUSAGE);
	CHECK(hk_err_sys(NULL, ENOENT, "x") == HK_EIO);
	CHECK(hk_err_sys(NULL, ENOMEM, "x") == HK_ENOMEM);
	CHECK(hk_err_curl(NULL, CURLE_URL_MALFORMAT, "x") == HK_EUSAGE);
	CHECK(hk_err_curl(NULL, CURLE_OUT_OF_MEMORY, "x") == HK_ENOMEM);
	CHECK(hk_err_curl(NULL, CURLE_SEND_ERROR, NULL) == HK_ENETWORK);
	CHECK(hk_err_nomem(NULL) == HK_ENOMEM);
	CHECK(hk_err_wrap(NULL, "x") == HK_EINTERNAL);
	ERR_raise(ERR_LIB_EVP, EVP_R_BAD_DECRYPT);
	CHECK(hk_err_ssl(NULL, "x") == HK_EINTERNAL);
	CHECK(ERR_peek_error() == 0);
}

static void reports_memory(void)
{
	struct hk_err err = {.sys = 1, .http = 1};

	CHECK(hk_err_nomem(&err) == HK_ENOMEM);
	CHECK(err.code == HK_ENOMEM && err.sys == 0 && err.http == 0);
	CHECK_STR(err.msg, "out of memory");
}

static void names_codes(void)
{
	static const struct {
		int code;
		const char *name;
	} cases[] = {{HK_OK, "ok"}, {HK_AGAIN, "again"}, {HK_EUSAGE, "usage"},
		{HK_ENOTFOUND, "not_found"}, {HK_EAUTH, "unauthorized"},
		{HK_EVERIFY, "verification"}, {HK_ENETWORK, "network"}, {HK_EIO, "io"},
		{HK_EREFUSED, "refused"}, {HK_EINTERRUPTED, "interrupted"},
		{HK_EPROTOCOL, "protocol"}, {HK_EUNSUPPORTED, "unsupported"},
		{HK_ENOMEM, "memory"}, {HK_EINTERNAL, "internal"}, {1, "internal"},
		{-14, "internal"}, {-2147483647 - 1, "internal"},
		{2147483647, "internal"}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		CHECK_STR(hk_err_name(cases[i].code), cases[i].name);
}

int main(void)
{
	TEST(sets_code_and_message);
	TEST(escapes_what_is_not_printable_utf8);
	TEST(cuts_at_whole_characters);
	TEST(cuts_long_text_of_wide_characters);
	TEST(wraps_and_keeps_the_rest);
	TEST(wraps_with_its_own_message);
	TEST(wraps_without_room);
	TEST(maps_errno);
	TEST(maps_curl_codes);
	TEST(describes_curl_codes_without_detail);
	TEST(maps_openssl_and_drains_its_queue);
	TEST(accepts_null);
	TEST(reports_memory);
	TEST(names_codes);
	return test_end();
}
