/*
 * meter: the end of a chain that keeps nothing of what comes but its size and its digest.
 *
 * Shared, as memory is, between the sink that fills it and the caller who reads it: one
 * sink at a time, and nobody reads until that has finished or is freed. References are
 * counted and touched by the owner's thread only.
 */
#ifndef HK_METER_H
#define HK_METER_H

#include "digest.h"
#include "sink.h"

struct hk_meter;

/* `hashes`: whether there is to be a digest, which is sha256 then. */
HK_API struct hk_meter *hk_meter_new(bool hashes, struct hk_err *err);
HK_API void hk_meter_unref(struct hk_meter *m); /* NULL is fine */

/* A sink that begins at nothing. Holds the meter. */
HK_API struct hk_sink *hk_meter_sink(struct hk_meter *m, struct hk_err *err);

/* Of what a sink that has finished was given; -1 and NULL where none has. The digest is
 * valid until the next sink. */
HK_API int64_t hk_meter_size(const struct hk_meter *m);
HK_API const struct hk_digest *hk_meter_digest(const struct hk_meter *m);

#endif
