/*
 * signature: reads a public key, and lets OpenSSL verify with it.
 *
 * The PEM text is taken apart without OpenSSL's loaders of keys: these ask a terminal for a
 * password when the text says that it is encrypted, and take whatever kind of key they find.
 */
#include <stdbool.h>
#include <string.h>

#include "openssl.h"
#include "signature.h"

static const char p256[] = "prime256v1"; /* OpenSSL's name of P-256 */

/* One block of PEM text, in OpenSSL's memory. */
struct block {
	char *name, *header;
	unsigned char *data;
	long len;
};

static void free_block(struct block *b)
{
	CRYPTO_free(b->name, __FILE__, __LINE__);
	CRYPTO_free(b->header, __FILE__, __LINE__);
	CRYPTO_free(b->data, __FILE__, __LINE__);
}

static int no_key(struct hk_err *err, const char *why)
{
	ERR_clear_error();
	return hk_err_set(err, HK_EUSAGE, "the key %s", why);
}

static bool has_block(BIO *bio)
{
	struct block b = {0};
	bool found = PEM_read_bio(bio, &b.name, &b.header, &b.data, &b.len) == 1;

	free_block(&b);
	ERR_clear_error(); /* the end of the text is one */
	return found;
}

static int read_block(const struct hk_bytes *pem, struct block *b, struct hk_err *err)
{
	BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	bool found, more;

	if (!bio)
		return hk_err_ssl(err, "the key");
	found = PEM_read_bio(bio, &b->name, &b->header, &b->data, &b->len) == 1;
	more = found && has_block(bio);
	BIO_free(bio);
	if (!found)
		return no_key(err, "is no PEM text");
	if (strcmp(b->name, "PUBLIC KEY") != 0)
		return no_key(err, "is not a public one: it must begin with "
				   "-----BEGIN PUBLIC KEY-----");
	if (more)
		return no_key(err, "is one of several in the text; each needs its own");
	return HK_OK;
}

/* Whether it is of a kind that is accepted. */
static int check_kind(const EVP_PKEY *key, struct hk_err *err)
{
	char group[32] = "";
	int bits = EVP_PKEY_get_bits(key);

	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_ED25519:
		return HK_OK;
	case EVP_PKEY_EC:
		if (EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
			strcmp(group, p256) == 0)
			return HK_OK;
		return no_key(err, "is of another curve than P-256");
	case EVP_PKEY_RSA:
		if (bits >= HK_SIGNATURE_RSA_MIN && bits <= HK_SIGNATURE_RSA_MAX)
			return HK_OK;
		return no_key(err, "is of RSA, and must have 2048 bits or more, up to 16384");
	default:
		return no_key(err, "is none of ECDSA P-256, RSA and Ed25519");
	}
}

static EVP_PKEY *read_key(const struct hk_bytes *pem, struct hk_err *err)
{
	struct block b = {0};
	const unsigned char *at;
	EVP_PKEY *key = NULL;

	if (pem->len > HK_SIGNATURE_KEY_MAX) {
		no_key(err, "is too long");
		return NULL;
	}
	if (read_block(pem, &b, err) == HK_OK) {
		at = b.data;
		key = d2i_PUBKEY(NULL, &at, b.len);
		if (!key || at != b.data + b.len) {
			no_key(err, "is broken, or of an unknown kind");
			EVP_PKEY_free(key);
			key = NULL;
		}
	}
	free_block(&b);
	if (key && check_kind(key, err) != HK_OK) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

static int verify(EVP_PKEY *key, const struct hk_bytes *data, const struct hk_bytes *sig,
	struct hk_err *err)
{
	/* Ed25519 hashes by itself. */
	bool hashes = EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int valid;

	if (!ctx)
		return hk_err_nomem(err);
	if (EVP_DigestVerifyInit(ctx, NULL, hashes ? EVP_sha256() : NULL, NULL, key) != 1) {
		EVP_MD_CTX_free(ctx);
		return hk_err_ssl(err, "the signature");
	}
	valid = EVP_DigestVerify(ctx, sig->data, sig->len, data->data, data->len);
	EVP_MD_CTX_free(ctx);
	ERR_clear_error(); /* a signature may be any bytes, of which some are broken ASN.1 */
	if (valid == 1)
		return HK_OK;
	return hk_err_set(err, HK_EVERIFY, "the signature is not of this key and these bytes");
}

int hk_signature_verify(const struct hk_bytes *pem, const struct hk_bytes *data,
	const struct hk_bytes *sig, struct hk_err *err)
{
	EVP_PKEY *key = read_key(pem, err);
	int rc;

	if (!key)
		return err ? err->code : HK_EUSAGE;
	if (sig->len == 0 || sig->len > HK_SIGNATURE_MAX)
		rc = hk_err_set(err, HK_EVERIFY, "the signature has %zu bytes", sig->len);
	else
		rc = verify(key, data, sig, err);
	EVP_PKEY_free(key);
	return rc;
}
