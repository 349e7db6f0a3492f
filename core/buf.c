/*
 * buf: the growing byte buffer.
 *
 * Every append first makes room and then writes, so a failure has touched nothing. The
 * room doubles, up to the ceiling and the NUL behind it.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#include "buf.h"

#define FIRST_ROOM 64

static size_t next_room(const struct hk_buf *b, size_t need)
{
	size_t room = b->cap > FIRST_ROOM / 2 ? b->cap : FIRST_ROOM / 2;

	room = room > SIZE_MAX / 2 ? SIZE_MAX : room * 2;
	if (room > b->max)
		room = b->max + (b->max < SIZE_MAX);
	return room > need ? room : need;
}

/* Moves by hand where realloc would leave a copy of a secret behind. */
static char *resize(const struct hk_buf *b, size_t room)
{
	char *moved;

	if (!b->secret)
		return realloc(b->data, room);
	moved = malloc(room);
	if (moved && b->data) {
		memcpy(moved, b->data, b->len);
		explicit_bzero(b->data, b->cap);
		free(b->data);
	}
	return moved;
}

/* Makes room for `len` more bytes and a NUL. */
static int reserve(struct hk_buf *b, size_t len, struct hk_err *err)
{
	size_t need;
	char *moved;

	if (len > b->max - b->len)
		return hk_err_set(err, HK_EPROTOCOL, "more than %zu bytes", b->max);
	if (len > SIZE_MAX - 1 - b->len)
		return hk_err_nomem(err);
	need = b->len + len + 1;
	if (need <= b->cap)
		return HK_OK;

	size_t room = next_room(b, need);
	moved = resize(b, room);
	if (!moved)
		return hk_err_nomem(err);
	b->data = moved;
	b->cap = room;
	return HK_OK;
}

void hk_buf_init(struct hk_buf *b, size_t max)
{
	*b = (struct hk_buf){.max = max};
}

void hk_buf_init_secret(struct hk_buf *b, size_t max)
{
	*b = (struct hk_buf){.max = max, .secret = true};
}

int hk_buf_add(struct hk_buf *b, const void *data, size_t len, struct hk_err *err)
{
	int rc = reserve(b, len, err);

	if (rc != HK_OK)
		return rc;
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
	return HK_OK;
}

int hk_buf_puts(struct hk_buf *b, const char *s, struct hk_err *err)
{
	return hk_buf_add(b, s, strlen(s), err);
}

int hk_buf_printf(struct hk_buf *b, struct hk_err *err, const char *fmt, ...)
{
	va_list args;
	int rc, len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		return hk_err_set(err, HK_EINTERNAL, "text that can't be formatted");
	rc = reserve(b, (size_t)len, err);
	if (rc != HK_OK)
		return rc;

	va_start(args, fmt);
	vsnprintf(b->data + b->len, (size_t)len + 1, fmt, args);
	va_end(args);
	b->len += (size_t)len;
	return HK_OK;
}

void hk_buf_clear(struct hk_buf *b)
{
	if (b->data) {
		if (b->secret)
			explicit_bzero(b->data, b->cap);
		b->data[0] = '\0';
	}
	b->len = 0;
}

void hk_buf_free(struct hk_buf *b)
{
	hk_buf_clear(b);
	free(b->data);
	b->data = NULL;
	b->cap = 0;
}
