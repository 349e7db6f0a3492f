/*
 * proxy: the environment's variables, as Go reads them, in libcurl's terms.
 */
#include "proxy.h"

#include <stdlib.h>
#include <string.h>

#include "url.h"

#define LIST_MAX 65536 /* of $NO_PROXY */
#define BETWEEN	 ", \t"

/* The value of the first variable that has one. */
static const char *value(const char *name, const char *other)
{
	const char *text = getenv(name);

	if (!text || !*text)
		text = getenv(other);
	return text && *text ? text : NULL;
}

/* How many bytes an entry has before ":PORT": all, where there is none. More than one colon is an
 * IPv6 address, which has a port behind brackets only. */
static size_t host_length(const char *entry, size_t len)
{
	size_t digits = 0;

	while (digits < len && strchr("0123456789", entry[len - 1 - digits]))
		digits++;
	if (digits == 0 || digits + 1 >= len || entry[len - 1 - digits] != ':')
		return len;
	len -= digits + 1;
	return entry[len - 1] == ']' || !memchr(entry, ':', len) ? len : len + digits + 1;
}

/* Copies an entry; one of another port than the leg's is left out. */
static int add_entry(
	struct hk_buf *list, const char *entry, size_t len, const char *port, struct hk_err *err)
{
	size_t host = host_length(entry, len);

	if (host < len && (strlen(port) != len - host - 1 ||
				  strncmp(entry + host + 1, port, len - host - 1) != 0))
		return HK_OK;
	if (host > 2 && entry[0] == '*' && entry[1] == '.') {
		entry++;
		host--;
	} else if (host > 2 && entry[0] == '[' && entry[host - 1] == ']') {
		entry++;
		host -= 2;
	}
	if (list->len > 0 && hk_buf_puts(list, ",", err) != HK_OK)
		return err->code;
	return hk_buf_add(list, entry, host, err);
}

static int set_exceptions(CURL *easy, const char *port, struct hk_err *err)
{
	const char *at = value("no_proxy", "NO_PROXY");
	struct hk_buf list;
	int rc = HK_OK;

	if (!at)
		return HK_OK;
	hk_buf_init(&list, LIST_MAX);
	for (at += strspn(at, BETWEEN); *at && rc == HK_OK; at += strspn(at, BETWEEN)) {
		rc = add_entry(&list, at, strcspn(at, BETWEEN), port, err);
		at += strcspn(at, BETWEEN);
	}
	if (rc == HK_OK)
		rc = curl_set_text(easy, CURLOPT_NOPROXY, list.len > 0 ? list.data : "", err);
	hk_buf_free(&list);
	return rc;
}

/* What libcurl would not find by itself, or NULL. */
static const char *plain_proxy(const struct hk_url *url)
{
	if (strcmp(url->scheme, "http") != 0 || value("http_proxy", "REQUEST_METHOD"))
		return NULL;
	return value("HTTP_PROXY", "HTTP_PROXY");
}

int proxy_setup(CURL *easy, const char *url, struct hk_err *err)
{
	struct hk_url parsed;
	int rc = hk_url_parse(&parsed, url, err);

	if (rc != HK_OK)
		return rc;
	if (hk_url_loopback(parsed.host)) {
		rc = curl_set_text(easy, CURLOPT_PROXY, "", err);
	} else {
		rc = curl_set_text(easy, CURLOPT_PROXY, plain_proxy(&parsed), err);
		if (rc == HK_OK)
			rc = set_exceptions(easy, parsed.port, err);
	}
	hk_url_free(&parsed);
	return rc;
}
