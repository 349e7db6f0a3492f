/*
 * number: see the header.
 */
#include "number.h"

#include <ctype.h>

int64_t hk_number(const char **s)
{
	const char *p = *s;
	int64_t n = 0;

	if (!isdigit((unsigned char)*p))
		return -1;
	for (; isdigit((unsigned char)*p); p++) {
		int digit = *p - '0';

		if (n > (INT64_MAX - digit) / 10)
			return -1;
		n = n * 10 + digit;
	}
	*s = p;
	return n;
}
