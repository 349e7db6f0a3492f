/*
 * verify: counts and hashes what passes, before it is passed on.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "verify.h"

struct verify {
	struct hk_sink base;
	char *name;
	struct hk_hash *hash;	 /* NULL: no digest to check, or checked already */
	struct hk_digest digest; /* expected; meaningful with `hash` */
	int64_t size;		 /* exact, or -1 */
	int64_t limit;		 /* the size, or else the ceiling, or -1 */
	int64_t count;		 /* bytes passed on */
};

static int verify_write(
	struct hk_sink *s, const void *data, size_t len, struct hk_err *err)
{
	struct verify *v = (struct verify *)s;

	if (v->limit >= 0 && len > (uint64_t)(v->limit - v->count))
		return hk_err_set(err, HK_EVERIFY, "%s: longer than %" PRId64 " bytes",
			v->name, v->limit);
	if (v->hash && hk_hash_update(v->hash, data, len, err) != HK_OK)
		return err->code;
	v->count += (int64_t)len;
	return hk_sink_write(s->next, data, len, err);
}

static int check_digest(struct verify *v, struct hk_err *err)
{
	char want[HK_DIGEST_TEXT], got[HK_DIGEST_TEXT];
	struct hk_digest digest;
	int rc = hk_hash_final(v->hash, &digest, err);

	hk_hash_free(v->hash);
	v->hash = NULL;
	if (rc != HK_OK || hk_digest_equal(&digest, &v->digest))
		return rc;
	hk_digest_text(&digest, got);
	hk_digest_text(&v->digest, want);
	return hk_err_set(
		err, HK_EVERIFY, "%s: digest is %s, expected %s", v->name, got, want);
}

static int verify_finish(struct hk_sink *s, struct hk_err *err)
{
	struct verify *v = (struct verify *)s;

	if (v->size >= 0 && v->count != v->size)
		return hk_err_set(err, HK_EVERIFY,
			"%s: %" PRId64 " bytes, expected %" PRId64, v->name, v->count,
			v->size);
	if (v->hash && check_digest(v, err) != HK_OK)
		return err->code;
	return hk_sink_finish(s->next, err);
}

static void verify_free(struct hk_sink *s)
{
	struct verify *v = (struct verify *)s;

	hk_hash_free(v->hash);
	free(v->name);
	free(v);
}

static const struct hk_sink_ops verify_ops = {
	.write = verify_write, .finish = verify_finish, .free = verify_free};

struct hk_sink *hk_sink_verify(
	struct hk_sink *next, const struct hk_expect *expect, struct hk_err *err)
{
	struct verify *v;

	if (!next)
		return NULL;
	v = calloc(1, sizeof *v);
	if (!v) {
		hk_err_nomem(err);
		hk_sink_free(next);
		return NULL;
	}
	hk_sink_init(&v->base, &verify_ops, next);
	v->size = expect->size;
	v->limit = expect->size >= 0 ? expect->size : expect->max;
	v->name = strdup(expect->name ? expect->name : "data");
	if (!v->name) {
		hk_err_nomem(err);
		goto fail;
	}
	if (expect->digest) {
		v->digest = *expect->digest;
		v->hash = hk_hash_new(expect->digest->alg, err);
		if (!v->hash)
			goto fail;
	}
	return &v->base;
fail:
	hk_sink_free(&v->base);
	return NULL;
}
