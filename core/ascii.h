/*
 * ascii: letters of protocols, which are ASCII whatever the locale: not tolower. Private to the core.
 */
#ifndef HK_ASCII_H
#define HK_ASCII_H

static inline char ascii_lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

#endif
