/*
 * retry: see the header. The lists are those of the registry clients that retry most
 * sensibly, and what they miss: a rate limit's Retry-After is obeyed.
 */
#include "retry.h"

#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libcurl.h"
#include "number.h"

bool retry_curl(int curlcode, long sys)
{
	switch (curlcode) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
	case CURLE_HTTP3:
	case CURLE_QUIC_CONNECT_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_AGAIN:
		return true;
	case CURLE_SSL_CONNECT_ERROR:
		return sys != 0;
	default:
		return false;
	}
}

bool retry_status(long status)
{
	switch (status) {
	case 408:
	case 425:
	case 429:
	case 499:
	case 500:
	case 502:
	case 503:
	case 504:
		return true;
	default:
		return status >= 520 && status <= 524;
	}
}

long retry_backoff_ms(unsigned failures)
{
	long full = RETRY_BASE_MS;
	unsigned short dice = 0;

	while (--failures > 0 && full < RETRY_CAP_MS)
		full *= 2;
	if (full > RETRY_CAP_MS)
		full = RETRY_CAP_MS;
	if (getentropy(&dice, sizeof dice) != 0)
		dice = 0;
	return full / 2 + (full / 2) * dice / 65536;
}

long retry_after_s(const char *value)
{
	const char *end = value;
	int64_t n;
	time_t date;

	if (!value)
		return -1;
	n = hk_number(&end);
	if (*value && value[strspn(value, "0123456789")] == '\0')
		return n >= 0 && n < LONG_MAX ? (long)n : LONG_MAX;
	date = curl_getdate(value, NULL);
	if (date == (time_t)-1)
		return -1;
	n = date - time(NULL);
	return n < 0 ? 0 : (long)n;
}
