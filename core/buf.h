/*
 * buf: a growing byte buffer with a ceiling. Every byte that comes from outside and is
 * kept in memory is kept in one of these, so no peer can make us allocate without end.
 *
 * The struct belongs to the caller: hk_buf_init, any number of appends, hk_buf_free.
 * `data` is NUL-terminated behind `len` whenever it is not NULL. A failed append leaves
 * the contents as they were. A secret buffer is cleansed before its memory is given back,
 * also when it grows.
 */
#ifndef HK_BUF_H
#define HK_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

struct hk_buf {
	char *data;  /* NULL until the first append */
	size_t len;  /* bytes in use */
	size_t cap;  /* bytes allocated, the NUL included */
	size_t max;  /* ceiling for len */
	bool secret; /* cleanse on growth and free */
};

/* An empty buffer that will never hold more than `max` bytes. Allocates nothing. */
HK_API void hk_buf_init(struct hk_buf *b, size_t max);
HK_API void hk_buf_init_secret(struct hk_buf *b, size_t max);

/* Appends bytes, a string, or a formatted string. Over the ceiling is HK_EPROTOCOL ("more
 * than N bytes"), no memory is HK_ENOMEM. */
HK_API HK_MUST_USE int hk_buf_add(struct hk_buf *b, const void *data, size_t len,
	struct hk_err *err);
HK_API HK_MUST_USE int hk_buf_puts(struct hk_buf *b, const char *s, struct hk_err *err);
HK_API HK_MUST_USE int hk_buf_printf(struct hk_buf *b, struct hk_err *err, const char *fmt, ...)
	HK_PRINTF(3, 4);

/* Empties the buffer (cleansing a secret one) and keeps its memory. */
HK_API void hk_buf_clear(struct hk_buf *b);

/* Gives the memory back; the buffer is as after hk_buf_init. */
HK_API void hk_buf_free(struct hk_buf *b);

#endif
