/*
 * retry: the one place that knows which failures pass and how long to wait for it. Private to
 * the engine.
 */
#ifndef HK_RETRY_H
#define HK_RETRY_H

#include <stdbool.h>

#define RETRY_BASE_MS	500
#define RETRY_CAP_MS	30000
#define RETRY_AFTER_MAX 300 /* seconds; a server that wants longer is not waited for */

/* Whether a CURLcode may go better next time: what the network does to us, not what we or the
 * server's certificate got wrong. `sys` is the errno behind it or 0: a TLS handshake that a
 * reset broke is tried again, one with a server that speaks no TLS is not. */
bool retry_curl(int curlcode, long sys);

/* The statuses that say "later": 408, 425, 429, 500, 502, 503, 504 (RFC 9110 section 15; RFC 6585,
 * RFC 8470), and 499, 520 to 524 as proxies make them. */
bool retry_status(long status);

/* Milliseconds before attempt number `failures` (from 1): doubling from RETRY_BASE_MS to
 * RETRY_CAP_MS, the upper half at random, so that many clients don't come back together. */
long retry_backoff_ms(unsigned failures);

/* Retry-After: seconds, or a date (RFC 9110 section 10.2.3). -1 when `value` is NULL or neither. */
long retry_after_s(const char *value);

#endif
