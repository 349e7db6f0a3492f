/*
 * embedded: the scripts in the binary.
 */
#ifndef HK_EMBEDDED_H
#define HK_EMBEDDED_H

#include <stddef.h>

/* The table is sorted by name. Made by embed.lua. */
struct embedded {
	const char *name; /* "hocker/json.lua", "commands/image.lua", "templates/nix/..." */
	const unsigned char *code; /* compiled, or text */
	size_t len;
};
extern const struct embedded hk_embedded[];
extern const size_t hk_nembedded;

#endif
