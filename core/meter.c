/*
 * meter: counts and hashes.
 */
#include "meter.h"

#include <stdatomic.h>
#include <stdlib.h>

struct hk_meter {
	unsigned refs;
	bool hashes;
	atomic_bool filling; /* a sink has it, maybe in a worker */
	bool done;	     /* a sink has finished */
	int64_t size;
	struct hk_hash *hash; /* while a sink has it */
	struct hk_digest digest;
};

struct meter_sink {
	struct hk_sink base;
	struct hk_meter *meter; /* held */
};

struct hk_meter *hk_meter_new(bool hashes, struct hk_err *err)
{
	struct hk_meter *m = calloc(1, sizeof *m);

	if (!m) {
		hk_err_nomem(err);
		return NULL;
	}
	m->refs = 1;
	m->hashes = hashes;
	return m;
}

void hk_meter_unref(struct hk_meter *m)
{
	if (!m || --m->refs > 0)
		return;
	hk_hash_free(m->hash);
	free(m);
}

int64_t hk_meter_size(const struct hk_meter *m)
{
	return !m->filling && m->done ? m->size : -1;
}

const struct hk_digest *hk_meter_digest(const struct hk_meter *m)
{
	return !m->filling && m->done && m->hashes ? &m->digest : NULL;
}

static int meter_write(
	struct hk_sink *s, const void *data, size_t len, struct hk_err *err)
{
	struct hk_meter *m = ((struct meter_sink *)s)->meter;

	m->size += (int64_t)len;
	return m->hash ? hk_hash_update(m->hash, data, len, err) : HK_OK;
}

static int meter_finish(struct hk_sink *s, struct hk_err *err)
{
	struct hk_meter *m = ((struct meter_sink *)s)->meter;
	int rc = m->hash ? hk_hash_final(m->hash, &m->digest, err) : HK_OK;

	if (rc == HK_OK) {
		m->done = true;
		m->filling = false;
	}
	return rc;
}

static void meter_free(struct hk_sink *s)
{
	struct hk_meter *m = ((struct meter_sink *)s)->meter;

	if (!s->finished) /* else another sink may be at it */
		m->filling = false;
	hk_meter_unref(m);
	free(s);
}

static const struct hk_sink_ops meter_ops = {
	.write = meter_write, .finish = meter_finish, .free = meter_free};

struct hk_sink *hk_meter_sink(struct hk_meter *m, struct hk_err *err)
{
	struct hk_hash *hash = NULL;
	struct meter_sink *s;

	if (!m)
		return NULL;
	if (m->filling) {
		hk_err_set(err, HK_EUSAGE, "a meter takes one sink at a time");
		return NULL;
	}
	if (m->hashes && !(hash = hk_hash_new(HK_SHA256, err)))
		return NULL;
	s = calloc(1, sizeof *s);
	if (!s) {
		hk_hash_free(hash);
		hk_err_nomem(err);
		return NULL;
	}
	hk_hash_free(m->hash);
	m->hash = hash;
	m->size = 0;
	m->done = false;
	m->filling = true;
	m->refs++;
	hk_sink_init(&s->base, &meter_ops, NULL);
	s->meter = m;
	return &s->base;
}
