/* test_response: header lines become a table, and what a server may do to it is bounded. */
#include <stdlib.h>

#include "response.h"
#include "test.h"
#include "transfer.h"

static struct response r;
static struct hk_err err;

static void begin(void)
{
	response_free(&r);
	response_init(&r);
	err = (struct hk_err){0};
}

static int line(const char *text)
{
	return response_line(&r, text, strlen(text), &err);
}

/* --- lines ---------------------------------------------------------------------------- */

static void status_lines(void)
{
	static const struct {
		const char *text;
		long status; /* -1: refused */
	} cases[] = {
		{"HTTP/1.1 200 OK\r\n", 200},
		{"HTTP/1.0 404 Not Found\r\n", 404},
		{"HTTP/2 503 \r\n", 503},
		{"HTTP/1.1 401\r\n", 401},
		{"HTTP/1.1 307 a reason: with a colon\r\n", 307},
		{"HTTP/1.1 200", 200},
		{"HTTP/1.1 20\r\n", -1},
		{"HTTP/1.1 \r\n", -1},
		{"HTTP/1.1\r\n", -1},
		{"HTTP/1.1 2x0 OK\r\n", -1},
		{"HTTP/1.1  200 OK\r\n", -1},
		{"HTTP/\r\n", -1},
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin();
		if (cases[i].status < 0) {
			CHECK(line(cases[i].text) == HK_EPROTOCOL);
			CHECK_STR(err.msg, "the server sent no HTTP status");
		} else {
			CHECK(line(cases[i].text) == HK_OK);
			CHECK(r.status == cases[i].status);
		}
	}
}

static void fields(void)
{
	static const struct {
		const char *text, *name, *value; /* value NULL: no field */
	} cases[] = {
		{"Content-Type: a/b\r\n", "content-type", "a/b"},
		{"content-type:a/b\n", "content-type", "a/b"},
		{"CONTENT-TYPE: \t a/b \t \r\n", "content-type", "a/b"},
		{"X: a: b\r\n", "x", "a: b"},
		{"X:\r\n", "x", ""},
		{"X:   \r\n", "x", ""},
		{"X: \xc3\xa9\r\n", "x", "\xc3\xa9"},
		{"Location: /a", "location", "/a"},
		{"nothing\r\n", "nothing", NULL},
		{": value\r\n", "", NULL},
		{"\r\n", "", NULL},
		{"Longer: v\r\n", "long", NULL},
		{"Long: v\r\n", "longer", NULL},
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin();
		CHECK(line(cases[i].text) == HK_OK);
		if (cases[i].value)
			CHECK_STR(response_field(&r, cases[i].name), cases[i].value);
		else
			CHECK(!response_field(&r, cases[i].name));
	}
}

static void the_first_of_a_name_counts(void)
{
	begin();
	CHECK(line("A: 1\r\n") == HK_OK);
	CHECK(line("B: 2\r\n") == HK_OK);
	CHECK(line("a: 3\r\n") == HK_OK);
	CHECK(r.nfields == 3);
	CHECK_STR(response_field(&r, "a"), "1");
	CHECK_STR(r.fields[2], "a: 3");
}

/* A name cut in two by a NUL would be no "name: value" to who reads it as a string. */
static void a_nul_is_refused(void)
{
	static const char in_name[] = "a\0b: c\r\n", in_value[] = "a: b\0c\r\n";

	begin();
	CHECK(response_line(&r, in_name, sizeof in_name - 1, &err) == HK_EPROTOCOL);
	CHECK(response_line(&r, in_value, sizeof in_value - 1, &err) == HK_EPROTOCOL);
	CHECK(r.nfields == 0);
}

/* A 103 before the 200, or a proxy's answer, leaves nothing behind. */
static void a_status_line_begins_anew(void)
{
	begin();
	CHECK(line("HTTP/1.1 103 Early Hints\r\n") == HK_OK);
	CHECK(line("Location: /elsewhere\r\n") == HK_OK);
	CHECK(line("\r\n") == HK_OK);
	CHECK(line("HTTP/1.1 200 OK\r\n") == HK_OK);
	CHECK(r.status == 200 && r.nfields == 0);
	CHECK(!response_field(&r, "location"));
}

static void reset_forgets_all(void)
{
	begin();
	CHECK(line("HTTP/1.1 500 No\r\n") == HK_OK);
	CHECK(line("A: b\r\n") == HK_OK);
	response_keep(&r, "body", 4);
	response_reset(&r);
	CHECK(r.status == 0 && r.nfields == 0 && r.bytes == 0 && r.body.len == 0);
}

/* --- limits --------------------------------------------------------------------------- */

static void too_many_fields(void)
{
	int i;

	begin();
	for (i = 0; i < RESPONSE_FIELDS; i++)
		CHECK(line("A: b\r\n") == HK_OK);
	CHECK(line("A: b\r\n") == HK_EPROTOCOL);
	CHECK_STR(err.msg, "the server sent more than 256 header fields");
	CHECK(r.nfields == RESPONSE_FIELDS);
}

/* The limit is for all lines of a request: a status line does not take it back. */
static void too_many_bytes(void)
{
	static char text[HK_HEADERS_MAX / 4];
	int i;

	begin();
	memset(text, 'x', sizeof text);
	text[1] = ':';
	for (i = 0; i < 4; i++)
		CHECK(response_line(&r, text, sizeof text, &err) == HK_OK);
	CHECK(line("\r\n") == HK_EPROTOCOL);
	CHECK(line("HTTP/1.1 200 OK\r\n") == HK_EPROTOCOL);
	CHECK_STR(err.msg, "the server sent more than 262144 bytes of headers");
}

static void the_body_of_an_error_is_cut(void)
{
	static const char part[1000] = {'x'};
	int i;

	begin();
	for (i = 0; i < 100; i++)
		response_keep(&r, part, sizeof part);
	CHECK(r.body.len == HK_ERROR_BODY);
}

/* --- numbers -------------------------------------------------------------------------- */

static void content_ranges(void)
{
	static const struct {
		const char *value; /* NULL: no field */
		int64_t first, last, total;
		bool good;
	} cases[] = {
		{"bytes 0-4/10", 0, 4, 10, true},
		{"bytes 5-9/10", 5, 9, 10, true},
		{"bytes 5-5/6", 5, 5, 6, true},
		{"bytes 5-9/*", 5, 9, -1, true},
		{"bytes 5-9", 5, 9, -1, true},
		{"bytes 0-9223372036854775806/9223372036854775807", 0, INT64_MAX - 1, INT64_MAX, true},
		{NULL, 0, 0, 0, false},
		{"", 0, 0, 0, false},
		{"bytes */10", 0, 0, 0, false},
		{"bytes 5-4/10", 0, 0, 0, false},
		{"bytes 5-10/10", 0, 0, 0, false},
		{"bytes -5-9/10", 0, 0, 0, false},
		{"bytes 5-/10", 0, 0, 0, false},
		{"bytes 5", 0, 0, 0, false},
		{"bytes a-b/c", 0, 0, 0, false},
		{"bytes 0-9223372036854775808/*", 0, 0, 0, false},
		{"bytes 99999999999999999999-5/*", 0, 0, 0, false},
		{"items 0-4/10", 0, 0, 0, false},
	};
	int64_t first, last, total;
	char text[128];
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin();
		snprintf(text, sizeof text, "Content-Range: %s\r\n",
			cases[i].value ? cases[i].value : "");
		CHECK(line(cases[i].value ? text : "A: b\r\n") == HK_OK);
		CHECK((response_range(&r, &first, &last, &total, &err) == HK_OK) == cases[i].good);
		if (!cases[i].good)
			CHECK(err.code == HK_EPROTOCOL);
		else
			CHECK(first == cases[i].first && last == cases[i].last &&
				total == cases[i].total);
	}
}

static void content_lengths(void)
{
	static const struct {
		const char *text;
		int64_t length;
	} cases[] = {
		{"Content-Length: 0\r\n", 0},
		{"Content-Length: 12\r\n", 12},
		{"Content-Length: 9223372036854775807\r\n", INT64_MAX},
		{"Content-Length: 9223372036854775808\r\n", -1},
		{"Content-Length: -1\r\n", -1},
		{"Content-Length: many\r\n", -1},
		{"Content-Length:\r\n", -1},
		{"Other: 1\r\n", -1},
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin();
		CHECK(line(cases[i].text) == HK_OK);
		CHECK(response_length(&r) == cases[i].length);
	}
}

int main(void)
{
	response_init(&r);
	TEST(status_lines);
	TEST(fields);
	TEST(the_first_of_a_name_counts);
	TEST(a_nul_is_refused);
	TEST(a_status_line_begins_anew);
	TEST(reset_forgets_all);
	TEST(too_many_fields);
	TEST(too_many_bytes);
	TEST(the_body_of_an_error_is_cut);
	TEST(content_ranges);
	TEST(content_lengths);
	response_free(&r);
	return test_end();
}
