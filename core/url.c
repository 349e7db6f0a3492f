/*
 * url: judgements on URLs.
 *
 * There is no parser here: libcurl's takes URLs apart and puts them together, so a host
 * that we approve of is the host that libcurl connects to, odd spellings of addresses
 * included. What libcurl is more liberal in than we want to be is refused in front of it.
 * No message quotes a URL, because URLs carry secrets.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "ascii.h"
#include "libcurl.h"
#include "libpsl.h"
#include "url.h"

#define HOST_MAX 256 /* a DNS name has at most 253 characters */

/* Of names, and of addresses, whose brackets and colons libcurl has checked. */
#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789-._[]:"

/* From libcurl's URL API. `code` is whose fault a URL that can't be read is. */
static int url_error(CURLUcode result, int code, struct hk_err *err)
{
	if (result == CURLUE_OUT_OF_MEMORY)
		return hk_err_nomem(err);
	return hk_err_set(err, code, "bad URL: %s", curl_url_strerror(result));
}

/* Refuses what libcurl would pass on or might read in its own way. */
static int check_text(const char *text, bool spaces, int code, struct hk_err *err)
{
	size_t len = strlen(text);

	if (len > HK_URL_MAX)
		return hk_err_set(err, code, "bad URL: longer than %d bytes", HK_URL_MAX);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 0x20 || c == 0x7f || (c == ' ' && !spaces))
			return hk_err_set(err, code, "bad URL: %s in it",
				c == ' ' ? "a space" : "a control character");
	}
	return HK_OK;
}

static bool has_part(CURLU *handle, CURLUPart part)
{
	char *value = NULL;
	bool found = curl_url_get(handle, part, &value, 0) == CURLUE_OK;

	curl_free(value);
	return found;
}

/* Two hosts must be equal when their text is: no second spelling of a name (in Unicode,
 * or with what is left of percent-encoding), and no zone that makes one address two
 * machines. */
static int check_host(CURLU *handle, char *host, int code, struct hk_err *err)
{
	for (char *c = host; *c; c++)
		*c = ascii_lower(*c);
	if (host[strspn(host, HOST_CHARACTERS)] != '\0')
		return hk_err_set(err, code,
			"bad URL: a character that no host name has "
			"(international names are written \"xn--...\")");
	if (has_part(handle, CURLUPART_ZONEID))
		return hk_err_set(err, code, "bad URL: an IPv6 zone is not supported");
	return HK_OK;
}

static int read_parts(CURLU *handle, struct hk_url *u, int code, struct hk_err *err)
{
	CURLUcode result = curl_url_get(handle, CURLUPART_SCHEME, &u->scheme, 0);

	if (result != CURLUE_OK)
		return url_error(result, code, err);
	if (strcmp(u->scheme, "http") != 0 && strcmp(u->scheme, "https") != 0)
		return hk_err_set(err, code, "bad URL: neither http nor https");
	result = curl_url_get(handle, CURLUPART_HOST, &u->host, 0);
	if (result == CURLUE_OK)
		result = curl_url_get(
			handle, CURLUPART_PORT, &u->port, CURLU_DEFAULT_PORT);
	if (result == CURLUE_OK)
		result = curl_url_get(handle, CURLUPART_PATH, &u->path, 0);
	if (result == CURLUE_OK) {
		result = curl_url_get(handle, CURLUPART_QUERY, &u->query, 0);
		result = result == CURLUE_NO_QUERY ? CURLUE_OK : result;
	}
	if (result != CURLUE_OK)
		return url_error(result, code, err);
	u->userinfo =
		has_part(handle, CURLUPART_USER) || has_part(handle, CURLUPART_PASSWORD);
	return check_host(handle, u->host, code, err);
}

/* Twice, because libcurl decodes a percent-encoded host only after it has given numeric
 * addresses their normal form: "%30x7f.1" would be no loopback address to us, but be one
 * to the resolver. */
static CURLUcode set_url(CURLU *handle, const char *text)
{
	char *decoded = NULL;
	CURLUcode result = curl_url_set(handle, CURLUPART_URL, text, 0);

	if (result == CURLUE_OK)
		result = curl_url_get(handle, CURLUPART_URL, &decoded, 0);
	if (result == CURLUE_OK)
		result = curl_url_set(handle, CURLUPART_URL, decoded, 0);
	curl_free(decoded);
	return result;
}

/* Parses `text` into `handle` and `u`; whatever is wrong with it is `code`. */
static int parse(
	CURLU *handle, struct hk_url *u, const char *text, int code, struct hk_err *err)
{
	int rc = check_text(text, false, code, err);

	if (rc != HK_OK)
		return rc;
	CURLUcode result = set_url(handle, text);
	if (result != CURLUE_OK)
		return url_error(result, code, err);
	rc = read_parts(handle, u, code, err);
	if (rc != HK_OK)
		hk_url_free(u);
	return rc;
}

int hk_url_parse(struct hk_url *u, const char *text, struct hk_err *err)
{
	CURLU *handle = curl_url();
	int rc;

	*u = (struct hk_url){0};
	if (!handle)
		return hk_err_nomem(err);
	rc = parse(handle, u, text, HK_EUSAGE, err);
	curl_url_cleanup(handle);
	return rc;
}

void hk_url_free(struct hk_url *u)
{
	curl_free(u->scheme);
	curl_free(u->host);
	curl_free(u->port);
	curl_free(u->path);
	curl_free(u->query);
	*u = (struct hk_url){0};
}

static int replace(struct hk_buf *out, const char *text, struct hk_err *err)
{
	hk_buf_clear(out);
	return hk_buf_puts(out, text, err);
}

/* Points `handle`, which holds the base, at `ref`. An empty reference is the base itself,
 * which libcurl does not know; spaces and bytes beyond ASCII, which some servers write
 * into Location, become percent-encoded as in browsers. */
static int resolve(CURLU *handle, const char *ref, struct hk_err *err)
{
	const unsigned flags = CURLU_URLENCODE | CURLU_ALLOW_SPACE;
	char *bare = strndup(ref, strcspn(ref, "#"));
	CURLUcode result = CURLUE_OK;
	int rc;

	if (!bare)
		return hk_err_nomem(err);
	rc = check_text(bare, true, HK_EPROTOCOL, err);
	if (rc == HK_OK && *bare)
		result = curl_url_set(handle, CURLUPART_URL, bare, flags);
	if (rc == HK_OK && result == CURLUE_OK)
		result = curl_url_set(handle, CURLUPART_FRAGMENT, NULL, 0);
	if (result != CURLUE_OK)
		rc = url_error(result, HK_EPROTOCOL, err);
	free(bare);
	return rc;
}

int hk_url_join(const char *base, const char *ref, struct hk_buf *out, struct hk_err *err)
{
	CURLU *handle = curl_url(), *check = curl_url();
	struct hk_url u = {0};
	char *text = NULL;
	CURLUcode result;
	int rc;

	if (!handle || !check) {
		rc = hk_err_nomem(err);
		goto out;
	}
	rc = parse(handle, &u, base, HK_EUSAGE, err);
	if (rc == HK_OK)
		rc = resolve(handle, ref, err);
	if (rc != HK_OK)
		goto out;
	result = curl_url_get(handle, CURLUPART_URL, &text, 0);
	if (result != CURLUE_OK) {
		rc = url_error(result, HK_EPROTOCOL, err);
		goto out;
	}
	hk_url_free(&u);
	rc = parse(check, &u, text, HK_EPROTOCOL, err);
	if (rc == HK_OK)
		rc = replace(out, text, err);
out:
	curl_free(text);
	hk_url_free(&u);
	curl_url_cleanup(check);
	curl_url_cleanup(handle);
	return rc;
}

int hk_url_add_query(
	struct hk_buf *b, const char *key, const char *value, struct hk_err *err)
{
	const char *url = b->data ? b->data : "";
	char *k, *v;
	int rc;

	if (strchr(url, '#'))
		return hk_err_set(
			err, HK_EUSAGE, "bad URL: a query can't follow a fragment");
	k = curl_easy_escape(NULL, key, 0);
	v = curl_easy_escape(NULL, value, 0);
	if (k && v)
		rc = hk_buf_printf(b, err, "%c%s=%s", strchr(url, '?') ? '&' : '?', k, v);
	else
		rc = hk_err_nomem(err);
	curl_free(v);
	curl_free(k);
	return rc;
}

bool hk_url_same_origin(const char *a, const char *b)
{
	struct hk_url ua = {0}, ub = {0};
	bool same = false;

	if (hk_url_parse(&ua, a, NULL) == HK_OK && hk_url_parse(&ub, b, NULL) == HK_OK)
		same = strcmp(ua.scheme, ub.scheme) == 0 &&
		       strcmp(ua.host, ub.host) == 0 && strcmp(ua.port, ub.port) == 0;
	hk_url_free(&ua);
	hk_url_free(&ub);
	return same;
}

/* The registrable domain of a host, in `room`, or NULL when it has none: addresses, names
 * that are public suffixes themselves, what is no name at all. No top-level domain begins
 * with a digit, so a last label that does is (part of) an IPv4 address. A dot at the end
 * is the root's: "example.org." is "example.org". */
static const char *site(const char *host, char room[HOST_MAX])
{
	size_t len = strlen(host);
	const char *last;

	if (len > 0 && host[len - 1] == '.')
		len--;
	if (len == 0 || len >= HOST_MAX || host[len - 1] == '.' || strpbrk(host, "[]:%"))
		return NULL;
	for (size_t i = 0; i < len; i++)
		room[i] = ascii_lower(host[i]);
	room[len] = '\0';
	last = strrchr(room, '.');
	last = last ? last + 1 : room;
	if (room[0] == '.' || strstr(room, "..") || (*last >= '0' && *last <= '9'))
		return NULL;
	return psl_registrable_domain(psl_builtin(), room);
}

bool hk_url_same_site(const char *host_a, const char *host_b)
{
	char room_a[HOST_MAX], room_b[HOST_MAX];
	const char *a, *b;

	if (curl_strequal(host_a, host_b))
		return true;
	a = site(host_a, room_a);
	b = site(host_b, room_b);
	return a && b && strcmp(a, b) == 0;
}

static bool loopback_name(const char *host, size_t len)
{
	static const char suffix[] = ".localhost";
	size_t tail = sizeof suffix - 1;

	return curl_strequal(host, suffix + 1) ||
	       (len > tail && curl_strequal(host + len - tail, suffix));
}

static bool loopback_v6(const char *host, size_t len)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (len < 2 || len - 2 >= sizeof text || host[0] != '[' || host[len - 1] != ']')
		return false;
	memcpy(text, host + 1, len - 2);
	text[len - 2] = '\0';
	return inet_pton(AF_INET6, text, &address) == 1 &&
	       memcmp(&address, &in6addr_loopback, sizeof address) == 0;
}

bool hk_url_loopback(const char *host)
{
	size_t len = strlen(host);
	struct in_addr address;

	if (inet_pton(AF_INET, host, &address) == 1)
		return ntohl(address.s_addr) >> 24 == 127;
	return loopback_name(host, len) || loopback_v6(host, len);
}

static bool default_port(const struct hk_url *u)
{
	return strcmp(u->port, strcmp(u->scheme, "https") == 0 ? "443" : "80") == 0;
}

/* A URL that can't be read is no error here, so `err`, which may hold the message that
 * the URL is wanted for, is left alone. */
int hk_url_redact(const char *text, struct hk_buf *out, struct hk_err *err)
{
	struct hk_url u;
	int rc = hk_url_parse(&u, text, NULL);

	if (rc == HK_ENOMEM)
		return hk_err_nomem(err);
	if (rc != HK_OK)
		return replace(out, "(unreadable URL)", err);
	hk_buf_clear(out);
	rc = hk_buf_printf(out, err, "%s://%s%s%s%s%s", u.scheme, u.host,
		default_port(&u) ? "" : ":", default_port(&u) ? "" : u.port, u.path,
		u.query ? "?..." : "");
	hk_url_free(&u);
	return rc;
}
