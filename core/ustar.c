/*
 * ustar: POSIX headers (IEEE Std 1003.1, pax, "ustar Interchange Format").
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ustar.h"

#define NAME_FIELD  100			  /* the longest name without a pax record */
#define SIZE_FIELD  INT64_C(077777777777) /* the largest size without one: 8 GiB - 1 */
#define OWNER_FIELD INT64_C(07777777)	  /* and the largest owner */

/* Offsets in a header. */
enum {
	AT_NAME = 0,
	AT_MODE = 100,
	AT_UID = 108,
	AT_GID = 116,
	AT_SIZE = 124,
	AT_MTIME = 136,
	AT_SUM = 148,
	AT_TYPE = 156,
	AT_TARGET = 157,
	AT_MAGIC = 257,
	AT_DEVMAJOR = 329,
	AT_DEVMINOR = 337
};

const struct hk_tar_kind hk_ustar_plain = {.type = '0', .mode = 0644};

bool hk_ustar_name(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > HK_USTAR_NAME || name[0] == '/' || name[len - 1] == '/')
		return false;
	for (const char *p = name; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (p[0] == '.' && p[1] == '.' && (p[2] == '/' || p[2] == '\0'))
			return false;
	}
	return true;
}

int64_t hk_ustar_padded(int64_t size)
{
	return (size + HK_USTAR_BLOCK - 1) / HK_USTAR_BLOCK * HK_USTAR_BLOCK;
}

/* Appends one pax record, "<length> <key>=<value>\n", whose length counts itself. */
static int add_record(
	struct hk_buf *b, const char *key, const char *value, struct hk_err *err)
{
	size_t body = strlen(key) + strlen(value) + 3;
	size_t len = body, before;

	do {
		before = len;
		len = body + (size_t)snprintf(NULL, 0, "%zu", before);
	} while (len != before);
	return hk_buf_printf(b, err, "%zu %s=%s\n", len, key, value);
}

/* The record of a number that its field can't hold. */
static int add_number(
	struct hk_buf *b, const char *key, int64_t value, int64_t field, struct hk_err *err)
{
	char digits[24];

	if (value >= 0 && value <= field)
		return HK_OK;
	snprintf(digits, sizeof digits, "%" PRId64, value);
	return add_record(b, key, digits, err);
}

static int add_name(struct hk_buf *b, const char *key, const char *name, struct hk_err *err)
{
	return name && strlen(name) > NAME_FIELD ? add_record(b, key, name, err) : HK_OK;
}

static int add_records(struct hk_buf *b, const struct hk_tar_kind *kind, const char *name,
	int64_t size, struct hk_err *err)
{
	int rc = add_name(b, "path", name, err);

	if (rc == HK_OK)
		rc = add_name(b, "linkpath", kind->target, err);
	if (rc == HK_OK)
		rc = add_number(b, "size", size, SIZE_FIELD, err);
	if (rc == HK_OK)
		rc = add_number(b, "uid", kind->uid, OWNER_FIELD, err);
	if (rc == HK_OK)
		rc = add_number(b, "gid", kind->gid, OWNER_FIELD, err);
	if (rc == HK_OK)
		rc = add_number(b, "mtime", kind->mtime, SIZE_FIELD, err);
	return rc;
}

/* Octal digits that fill a field but for the NUL at its end. What it can't hold is 0: a pax record
 * says what it is. */
static void put_octal(char *field, size_t width, int64_t value)
{
	field[--width] = '\0';
	if (value < 0 || value >> (3 * width) != 0)
		value = 0;
	for (; width > 0; value >>= 3)
		field[--width] = (char)('0' + (value & 7));
}

/* Appends one header block. A name too long for it is cut: a pax record says what it is. */
static int add_header(struct hk_buf *b, const struct hk_tar_kind *kind, const char *name,
	int64_t size, struct hk_err *err)
{
	char block[HK_USTAR_BLOCK] = {0};
	unsigned sum = 0;

	memcpy(block + AT_NAME, name, strnlen(name, NAME_FIELD));
	put_octal(block + AT_MODE, 8, kind->mode & 07777);
	put_octal(block + AT_UID, 8, kind->uid);
	put_octal(block + AT_GID, 8, kind->gid);
	put_octal(block + AT_SIZE, 12, size);
	put_octal(block + AT_MTIME, 12, kind->mtime);
	block[AT_TYPE] = kind->type;
	if (kind->target)
		memcpy(block + AT_TARGET, kind->target, strnlen(kind->target, NAME_FIELD));
	memcpy(block + AT_MAGIC,
		"ustar\0"
		"00",
		8);
	put_octal(block + AT_DEVMAJOR, 8, 0);
	put_octal(block + AT_DEVMINOR, 8, 0);
	/* The sum is made with its own field full of spaces, and keeps the last of them.
	 */
	memset(block + AT_SUM, ' ', 8);
	for (size_t i = 0; i < sizeof block; i++)
		sum += (unsigned char)block[i];
	put_octal(block + AT_SUM, 7, sum);
	return hk_buf_add(b, block, sizeof block, err);
}

int hk_ustar_headers(struct hk_buf *b, const struct hk_tar_kind *kind, const char *name,
	int64_t size, struct hk_err *err)
{
	static const struct hk_tar_kind pax = {.type = 'x', .mode = 0644};
	static const char zeros[HK_USTAR_BLOCK];
	struct hk_buf records;
	int64_t len;
	int rc;

	hk_buf_init(&records, HK_USTAR_HEADERS);
	rc = add_records(&records, kind, name, size, err);
	len = (int64_t)records.len;
	if (rc == HK_OK && len > 0) {
		rc = add_header(b, &pax, "././@PaxHeader", len, err);
		if (rc == HK_OK)
			rc = hk_buf_add(b, records.data, records.len, err);
		if (rc == HK_OK)
			rc = hk_buf_add(
				b, zeros, (size_t)(hk_ustar_padded(len) - len), err);
	}
	hk_buf_free(&records);
	return rc == HK_OK ? add_header(b, kind, name, size, err) : rc;
}
