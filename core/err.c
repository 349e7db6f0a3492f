/*
 * err: how messages are made, and the tables from foreign error codes to ours.
 *
 * Parts of messages come from servers, so every message is printable UTF-8 before anyone
 * sees it: one place here escapes, whatever a caller formats in. Text is formatted aside
 * first, so that an argument may be the old message itself.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "err.h"
#include "libcurl.h"
#include "openssl.h"

/* Raw text is cut here before it is escaped. Escaping never shortens, so what is cut
 * would not have fitted, and a character cut in half lies wholly behind the end of the
 * message. */
#define RAW_MAX (HK_ERR_MSG + 4)

static const char *const names[] = {"ok", "again", "usage", "not_found", "unauthorized",
	"verification", "network", "io", "refused", "interrupted", "protocol",
	"unsupported", "memory", "internal"};

/* Well-formed UTF-8 (Unicode table 3-7): nothing overlong, no surrogates. */
static const struct {
	unsigned char first, last; /* of the first byte */
	unsigned char low, high;   /* of the second */
	unsigned char length;
} forms[] = {
	{0x01, 0x7f, 0, 0, 1},
	{0xc2, 0xdf, 0x80, 0xbf, 2},
	{0xe0, 0xe0, 0xa0, 0xbf, 3},
	{0xe1, 0xec, 0x80, 0xbf, 3},
	{0xed, 0xed, 0x80, 0x9f, 3},
	{0xee, 0xef, 0x80, 0xbf, 3},
	{0xf0, 0xf0, 0x90, 0xbf, 4},
	{0xf1, 0xf3, 0x80, 0xbf, 4},
	{0xf4, 0xf4, 0x80, 0x8f, 4},
};

/* Length of the character at `s`, or 0. The NUL behind the text ends one that is cut
 * short. */
static size_t utf8_length(const unsigned char *s)
{
	size_t form = 0, length;

	while (form < sizeof forms / sizeof *forms && s[0] > forms[form].last)
		form++;
	if (form == sizeof forms / sizeof *forms || s[0] < forms[form].first)
		return 0;
	length = forms[form].length;
	if (length > 1 && (s[1] < forms[form].low || s[1] > forms[form].high))
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

static bool is_control(const unsigned char *s)
{
	return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
}

/* Appends `text` to the message that is `len` bytes long, and returns its new length.
 * What does not fit is dropped at a whole character or escape, and HK_ERR_MSG returned,
 * with which further calls do nothing. */
static size_t append(struct hk_err *err, size_t len, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s && len < HK_ERR_MSG) {
		size_t n = utf8_length(s);
		char escape[5];
		const char *piece = (const char *)s;
		size_t size = n;

		if (n == 0 || is_control(s)) {
			snprintf(escape, sizeof escape, "\\x%02x", *s);
			piece = escape;
			size = 4;
			n = 1;
		}
		if (len + size >= HK_ERR_MSG) {
			len = HK_ERR_MSG;
			break;
		}
		memcpy(err->msg + len, piece, size);
		len += size;
		err->msg[len] = '\0';
		s += n;
	}
	return len;
}

static void format(char raw[RAW_MAX], const char *fmt, va_list args)
{
	if (vsnprintf(raw, RAW_MAX, fmt, args) < 0)
		raw[0] = '\0';
}

static int set(
	struct hk_err *err, int code, int sys, const char *text, const char *reason)
{
	if (err) {
		err->code = code;
		err->sys = sys;
		err->http = 0;
		err->msg[0] = '\0';
		size_t len = append(err, 0, text);
		if (reason) {
			len = append(err, len, ": ");
			append(err, len, reason);
		}
	}
	return code;
}

int hk_err_set(struct hk_err *err, int code, const char *fmt, ...)
{
	char raw[RAW_MAX];
	va_list args;

	va_start(args, fmt);
	format(raw, fmt, args);
	va_end(args);
	return set(err, code, 0, raw, NULL);
}

int hk_err_wrap(struct hk_err *err, const char *fmt, ...)
{
	char raw[RAW_MAX], old[HK_ERR_MSG];
	va_list args;
	size_t len;

	if (!err)
		return HK_EINTERNAL;
	va_start(args, fmt);
	format(raw, fmt, args);
	va_end(args);
	memcpy(old, err->msg, sizeof old);
	err->msg[0] = '\0';
	len = append(err, 0, raw);
	len = append(err, len, ": ");
	append(err, len, old);
	return err->code;
}

int hk_err_sys(struct hk_err *err, int sys, const char *fmt, ...)
{
	char raw[RAW_MAX];
	va_list args;

	va_start(args, fmt);
	format(raw, fmt, args);
	va_end(args);
	return set(err, sys == ENOMEM ? HK_ENOMEM : HK_EIO, sys, raw, strerror(sys));
}

/* Whether a server ends TLS for the client's certificate: none, or not one it takes. The words
 * are OpenSSL's, for the alerts of RFC 8446 section 6.2 that are about one. */
static bool is_refusal(const char *detail)
{
	static const char *const alerts[] = {"certificate required", "bad certificate",
		"unsupported certificate", "certificate revoked", "certificate expired",
		"certificate unknown", "unknown ca", "access denied"};
	const char *alert = strstr(detail, " alert ");
	size_t i;

	for (i = 0; alert && i < sizeof alerts / sizeof *alerts; i++)
		if (strncmp(alert + 7, alerts[i], strlen(alerts[i])) == 0)
			return true;
	return false;
}

int hk_err_curl(struct hk_err *err, int curlcode, const char *detail)
{
	static const char untrusted[] = "the server's certificate is not trusted";
	static const char refused[] = "the server refuses the client certificate";
	char raw[RAW_MAX];

	if (!detail || !*detail)
		detail = curl_easy_strerror((CURLcode)curlcode);
	snprintf(raw, sizeof raw, "%s", detail);
	raw[strcspn(raw, "\r\n")] = '\0';

	switch (curlcode) {
	case CURLE_OUT_OF_MEMORY:
		return hk_err_nomem(err);
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return set(err, HK_EUSAGE, 0, raw, NULL);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		return set(err, HK_ENETWORK, 0, untrusted, raw);
	default:
		return is_refusal(raw) ? set(err, HK_EAUTH, 0, refused, raw)
				       : set(err, HK_ENETWORK, 0, raw, NULL);
	}
}

int hk_err_ssl(struct hk_err *err, const char *what)
{
	/* The oldest entry is the cause, the later ones are its consequences. */
	unsigned long code = ERR_get_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	char number[32];

	ERR_clear_error();
	if (!reason) {
		snprintf(number, sizeof number, "OpenSSL error %lx", code);
		reason = number;
	}
	return set(err, HK_EINTERNAL, 0, what, reason);
}

int hk_err_nomem(struct hk_err *err)
{
	return set(err, HK_ENOMEM, 0, "out of memory", NULL);
}

const char *hk_err_name(int code)
{
	if (code > HK_OK || code < HK_EINTERNAL)
		return "internal";
	return names[-code];
}
