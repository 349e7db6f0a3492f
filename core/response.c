/*
 * response: collects header lines into a small table. The lines come from libcurl, which has
 * already undone HTTP/2 framing and line folding, so each is "name: value"; everything in
 * them is foreign and counted.
 */
#include "response.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ascii.h"
#include "number.h"
#include "transfer.h"

void response_init(struct response *r)
{
	memset(r, 0, sizeof *r);
	hk_buf_init(&r->body, HK_ERROR_BODY);
}

static void drop_fields(struct response *r)
{
	while (r->nfields > 0)
		free(r->fields[--r->nfields]);
}

void response_free(struct response *r)
{
	drop_fields(r);
	hk_buf_free(&r->body);
}

void response_reset(struct response *r)
{
	drop_fields(r);
	hk_buf_clear(&r->body);
	r->status = 0;
	r->bytes = 0;
}

/* "HTTP/1.1 200 OK", "HTTP/2 200": the number behind the first blank. */
static int status_line(struct response *r, const char *line, size_t len, struct hk_err *err)
{
	const char *blank = memchr(line, ' ', len);
	size_t left = blank ? len - (size_t)(blank - line) : 0;

	drop_fields(r);
	if (left < 4 || !isdigit((unsigned char)blank[1]) || !isdigit((unsigned char)blank[2]) ||
		!isdigit((unsigned char)blank[3]))
		return hk_err_set(err, HK_EPROTOCOL, "the server sent no HTTP status");
	r->status = (blank[1] - '0') * 100 + (blank[2] - '0') * 10 + (blank[3] - '0');
	return HK_OK;
}

static int add_field(struct response *r, const char *line, size_t len, struct hk_err *err)
{
	const char *colon = memchr(line, ':', len);
	size_t name = colon ? (size_t)(colon - line) : 0, value = name + 1, i;
	char *field;

	if (name == 0)
		return HK_OK; /* no field: libcurl let it pass, nobody will ask for it */
	if (r->nfields == RESPONSE_FIELDS)
		return hk_err_set(err, HK_EPROTOCOL, "the server sent more than %d header fields",
			RESPONSE_FIELDS);
	while (value < len && (line[value] == ' ' || line[value] == '\t'))
		value++;
	field = malloc(name + 2 + (len - value) + 1);
	if (!field)
		return hk_err_nomem(err);
	for (i = 0; i < name; i++)
		field[i] = ascii_lower(line[i]);
	memcpy(field + name, ": ", 2);
	memcpy(field + name + 2, line + value, len - value);
	field[name + 2 + len - value] = '\0';
	r->fields[r->nfields++] = field;
	return HK_OK;
}

int response_line(struct response *r, const char *line, size_t len, struct hk_err *err)
{
	r->bytes += len;
	if (r->bytes > HK_HEADERS_MAX)
		return hk_err_set(err, HK_EPROTOCOL,
			"the server sent more than %d bytes of headers", HK_HEADERS_MAX);
	while (len > 0 && isspace((unsigned char)line[len - 1]))
		len--;
	if (memchr(line, '\0', len)) /* whoever reads strings would see another field */
		return hk_err_set(err, HK_EPROTOCOL, "the server sent a zero byte in a header");
	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
		return status_line(r, line, len, err);
	return len > 0 ? add_field(r, line, len, err) : HK_OK;
}

const char *response_field(const struct response *r, const char *name)
{
	size_t n = strlen(name), i;

	for (i = 0; i < r->nfields; i++)
		if (strncmp(r->fields[i], name, n) == 0 && r->fields[i][n] == ':')
			return r->fields[i] + n + 2;
	return NULL;
}

int response_range(const struct response *r, int64_t *first, int64_t *last, int64_t *total,
	struct hk_err *err)
{
	const char *s = response_field(r, "content-range");

	if (!s || strncmp(s, "bytes ", 6) != 0)
		return hk_err_set(err, HK_EPROTOCOL, "the server sent a part without a Content-Range");
	s += 6;
	*first = hk_number(&s);
	*last = *s == '-' ? (s++, hk_number(&s)) : -1;
	*total = -1;
	if (*s == '/' && s[1] != '*') {
		s++;
		*total = hk_number(&s);
	}
	if (*first < 0 || *last < *first || (*total >= 0 && *last >= *total))
		return hk_err_set(err, HK_EPROTOCOL, "the server sent a senseless Content-Range: %s",
			response_field(r, "content-range"));
	return HK_OK;
}

int64_t response_length(const struct response *r)
{
	const char *s = response_field(r, "content-length");

	return s ? hk_number(&s) : -1;
}

void response_keep(struct response *r, const void *data, size_t len)
{
	size_t room = r->body.max - r->body.len;

	/* What does not fit, or finds no memory, is only missing from a message. */
	if (hk_buf_add(&r->body, data, len < room ? len : room, NULL) != HK_OK)
		return;
}
