/*
 * fuzz_url: a base and a reference, one a line. Whatever parses has the parts that the
 * header promises; what is joined parses, names no fragment, and joins to itself;
 * redacted text holds neither user info nor a query; the judgements are symmetric.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../core/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void check_parts(const struct hk_url *u)
{
	require(strcmp(u->scheme, "http") == 0 || strcmp(u->scheme, "https") == 0);
	require(u->host && *u->host && u->path && u->path[0] == '/');
	for (const char *c = u->host; *c; c++)
		require(*c > ' ' && *c < 0x7f && !(*c >= 'A' && *c <= 'Z'));
	require(strspn(u->port, "0123456789") == strlen(u->port) && *u->port);
	require(hk_url_same_site(u->host, u->host));
	(void)hk_url_loopback(u->host);
}

static void check_redacted(const char *text)
{
	struct hk_buf out;
	struct hk_url u;

	hk_buf_init(&out, SIZE_MAX);
	require(hk_url_redact(text, &out, NULL) == HK_OK);
	if (hk_url_parse(&u, text, NULL) == HK_OK) {
		bool query = u.query != NULL;

		hk_url_free(&u);
		require(hk_url_parse(&u, out.data, NULL) == HK_OK);
		require(!u.userinfo && !u.query == !query);
		require(!u.query || strcmp(u.query, "...") == 0);
		require(hk_url_same_origin(text, out.data));
	} else {
		require(strcmp(out.data, "(unreadable URL)") == 0);
	}
	hk_url_free(&u);
	hk_buf_free(&out);
}

static void check_parse(const char *text)
{
	struct hk_err err = {0};
	struct hk_url u;
	int rc = hk_url_parse(&u, text, &err);

	if (rc == HK_OK)
		check_parts(&u);
	else
		require(rc == HK_EUSAGE && err.code == rc && !u.scheme && !u.host &&
			!u.path);
	require(hk_url_same_origin(text, text) == (rc == HK_OK));
	hk_url_free(&u);
	check_redacted(text);
}

static void check_join(const char *base, const char *ref)
{
	struct hk_buf out, again;
	int rc;

	hk_buf_init(&out, SIZE_MAX);
	hk_buf_init(&again, SIZE_MAX);
	rc = hk_url_join(base, ref, &out, NULL);
	require(rc == HK_OK || rc == HK_EUSAGE || rc == HK_EPROTOCOL);
	if (rc == HK_OK) {
		require(!strchr(out.data, '#'));
		check_parse(out.data);
		require(hk_url_join(base, out.data, &again, NULL) == HK_OK);
		require(hk_url_same_origin(out.data, again.data));
		require(hk_url_add_query(&out, ref, base, NULL) == HK_OK);
		require(strlen(out.data) > HK_URL_MAX ||
			hk_url_same_origin(out.data, again.data));
	}
	hk_buf_free(&again);
	hk_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *ref;

	if (!text)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	ref = strchr(text, '\n');
	if (ref)
		*ref++ = '\0';
	else
		ref = text + strlen(text);
	check_parse(text);
	check_parse(ref);
	check_join(text, ref);
	require(hk_url_same_origin(text, ref) == hk_url_same_origin(ref, text));
	require(hk_url_same_site(text, ref) == hk_url_same_site(ref, text));
	free(text);
	return 0;
}
