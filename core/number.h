/*
 * number: decimal numbers in foreign text. Private to the core.
 */
#ifndef HK_NUMBER_H
#define HK_NUMBER_H

#include <stdint.h>

/* Reads the digits at *s and moves *s behind them. -1, and *s as it was, when there are none
 * or the number is above 2^63 - 1. No sign and no blank is taken before them. */
int64_t hk_number(const char **s);

#endif
