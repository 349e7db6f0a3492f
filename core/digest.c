/*
 * digest: the parser and the spellings of content digests, and the hash that makes them.
 *
 * A struct hk_digest can only come from the parser or from a finished hash, so whoever
 * holds one may put its text into a path or a URL unseen.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "openssl.h"

/* How much of a refused digest a message shows. */
#define SHOWN 160

static const struct {
	const char *name;
	size_t bytes;
} algs[] = {
	[HK_SHA256] = {"sha256", 32},
	[HK_SHA512] = {"sha512", 64},
};

struct hk_hash {
	enum hk_alg alg;
	EVP_MD_CTX *ctx; /* NULL once final */
};

/* No tolower or isxdigit: upper case is no digest, and locales have no say. */
static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool read_hex(unsigned char *out, size_t bytes, const char *text)
{
	for (size_t i = 0; i < bytes; i++) {
		int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

/* Whether `text` is "<name>:" and as much hex as the algorithm has. */
static bool parse_as(struct hk_digest *d, enum hk_alg alg, const char *text, size_t len)
{
	size_t prefix = strlen(algs[alg].name);
	struct hk_digest parsed = {.alg = alg};

	if (len != prefix + 1 + 2 * algs[alg].bytes)
		return false;
	if (memcmp(text, algs[alg].name, prefix) != 0 || text[prefix] != ':')
		return false;
	if (!read_hex(parsed.bytes, algs[alg].bytes, text + prefix + 1))
		return false;
	*d = parsed;
	return true;
}

int hk_digest_parse(struct hk_digest *d, const char *text, size_t len, struct hk_err *err)
{
	if (parse_as(d, HK_SHA256, text, len) || parse_as(d, HK_SHA512, text, len))
		return HK_OK;
	return hk_err_set(err, HK_EVERIFY,
		"\"%.*s\" is not a digest: want sha256:<64 hex digits> or "
		"sha512:<128 hex digits>, in lower case",
		(int)(len < SHOWN ? len : SHOWN), len > 0 ? text : "");
}

size_t hk_alg_bytes(enum hk_alg alg)
{
	return algs[alg].bytes;
}

const char *hk_alg_name(enum hk_alg alg)
{
	return algs[alg].name;
}

/* Writes "<name><separator>" and returns the place behind it. */
static char *put_name(enum hk_alg alg, char separator, char out[HK_DIGEST_TEXT])
{
	return out + snprintf(out, HK_DIGEST_TEXT, "%s%c", algs[alg].name, separator);
}

static void put_hex(const struct hk_digest *d, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t bytes = algs[d->alg].bytes;

	for (size_t i = 0; i < bytes; i++) {
		out[2 * i] = digits[d->bytes[i] >> 4];
		out[2 * i + 1] = digits[d->bytes[i] & 15];
	}
	out[2 * bytes] = '\0';
}

void hk_digest_text(const struct hk_digest *d, char out[HK_DIGEST_TEXT])
{
	put_hex(d, put_name(d->alg, ':', out));
}

void hk_digest_hex(const struct hk_digest *d, char out[HK_DIGEST_TEXT])
{
	put_hex(d, out);
}

/* Nix reads the bytes as one little-endian number and writes its digits from the most
 * significant one on; the first is short, as 5 divides neither 256 nor 512. */
void hk_digest_nix32(const struct hk_digest *d, char out[HK_DIGEST_TEXT])
{
	static const char digits[] = "0123456789abcdfghijklmnpqrsvwxyz";
	size_t bytes = algs[d->alg].bytes;
	size_t count = (bytes * 8 + 4) / 5;

	for (size_t i = 0; i < count; i++) {
		size_t bit = 5 * (count - 1 - i), at = bit / 8;
		unsigned window = d->bytes[at];

		if (at + 1 < bytes)
			window |= (unsigned)d->bytes[at + 1] << 8;
		out[i] = digits[window >> bit % 8 & 31];
	}
	out[count] = '\0';
}

void hk_digest_sri(const struct hk_digest *d, char out[HK_DIGEST_TEXT])
{
	char *end = put_name(d->alg, '-', out);

	EVP_EncodeBlock((unsigned char *)end, d->bytes, (int)algs[d->alg].bytes);
}

bool hk_digest_equal(const struct hk_digest *a, const struct hk_digest *b)
{
	return a->alg == b->alg && memcmp(a->bytes, b->bytes, algs[a->alg].bytes) == 0;
}

static const EVP_MD *find_md(enum hk_alg alg)
{
	return alg == HK_SHA512 ? EVP_sha512() : EVP_sha256();
}

struct hk_hash *hk_hash_new(enum hk_alg alg, struct hk_err *err)
{
	struct hk_hash *h = calloc(1, sizeof *h);

	if (!h) {
		hk_err_nomem(err);
		return NULL;
	}
	h->alg = alg;
	h->ctx = EVP_MD_CTX_new();
	if (!h->ctx || !EVP_DigestInit_ex(h->ctx, find_md(alg), NULL)) {
		hk_err_ssl(err, algs[alg].name);
		hk_hash_free(h);
		return NULL;
	}
	return h;
}

static int check_open(const struct hk_hash *h, struct hk_err *err)
{
	return h->ctx ? HK_OK : hk_err_set(err, HK_EINTERNAL, "use of a finished hash");
}

int hk_hash_update(struct hk_hash *h, const void *data, size_t len, struct hk_err *err)
{
	int rc = check_open(h, err);

	if (rc == HK_OK && !EVP_DigestUpdate(h->ctx, data, len))
		rc = hk_err_ssl(err, algs[h->alg].name);
	return rc;
}

int hk_hash_final(struct hk_hash *h, struct hk_digest *out, struct hk_err *err)
{
	struct hk_digest made = {.alg = h->alg};
	int rc = check_open(h, err);

	if (rc != HK_OK)
		return rc;
	if (EVP_DigestFinal_ex(h->ctx, made.bytes, NULL))
		*out = made;
	else
		rc = hk_err_ssl(err, algs[h->alg].name);
	EVP_MD_CTX_free(h->ctx);
	h->ctx = NULL;
	return rc;
}

void hk_hash_free(struct hk_hash *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}
