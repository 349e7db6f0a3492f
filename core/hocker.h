/*
 * hocker.h: the public face of libhocker, and where to start reading.
 *
 * libhocker fetches blobs over HTTP and proves that they are what was asked for while they
 * stream, in memory that does not grow with them. It knows HTTP, hashes, compression, tar and
 * files; it knows nothing of registries or Lua. The whole of it is one pipeline:
 *
 *     session/transfer -> [queue] -> verify -> inflate -> verify -> file | tar member | memory
 *
 * A fetch with the library:
 *
 *     int fetch(const char *url, const struct hk_digest *digest, struct hk_err *err)
 *     {
 *             struct hk_expect want = {.size = -1, .max = -1, .digest = digest, .name = "layer"};
 *             struct hk_err no = {.code = HK_EAUTH, .msg = "it needs credentials"};
 *             struct hk_event ev = {0};
 *             struct hk_session *s = hk_session_new(NULL, err);
 *             struct hk_file *f = s ? hk_file_create("layer.tgz", err) : NULL;
 *             struct hk_request rq = {.url = url, .retries = 5,
 *                     .sink = hk_sink_verify(hk_sink_file(f, err), &want, err)};
 *             struct hk_transfer *t = rq.sink ? hk_transfer_start(s, &rq, err) : NULL;
 *             int rc = t ? HK_OK : err->code;
 *
 *             while (rc == HK_OK && ev.type != HK_EVENT_DONE) {
 *                     rc = hk_session_step(s, 1000, &ev, err);
 *                     if (rc == HK_OK && ev.type == HK_EVENT_CHALLENGE)
 *                             rc = hk_transfer_fail(t, &no, err);
 *                     else if (rc == HK_OK && ev.type == HK_EVENT_REDIRECT)
 *                             rc = hk_transfer_follow(t, err);
 *                     else if (rc == HK_OK && ev.type == HK_EVENT_RETRY)
 *                             rc = hk_transfer_retry(t, hk_transfer_delay_ms(t), err);
 *             }
 *             if (rc == HK_OK) {
 *                     *err = *hk_transfer_error(t);
 *                     rc = err->code == HK_OK ? hk_file_commit(f, err) : err->code;
 *             }
 *             hk_transfer_free(t);
 *             hk_file_unref(f);
 *             hk_session_free(s);
 *             return rc;
 *     }
 *
 * Ownership is said in the same words everywhere: "borrows" (for the call), "copies", "takes"
 * (freed by the callee, also on failure), "holds" (a counted reference). A constructor that is
 * given a NULL sink fails with the error that is already in `err`, so constructors nest.
 */
#ifndef HOCKER_H
#define HOCKER_H

#define HK_VERSION "0.1.0"

#include "auth.h"
#include "buf.h"
#include "digest.h"
#include "dir.h"
#include "err.h"
#include "fdsink.h"
#include "file.h"
#include "inflate.h"
#include "input.h"
#include "interrupt.h"
#include "join.h"
#include "meter.h"
#include "pipe.h"
#include "process.h"
#include "queue.h"
#include "script.h"
#include "session.h"
#include "signature.h"
#include "sink.h"
#include "tar.h"
#include "tarstream.h"
#include "transfer.h"
#include "url.h"
#include "verify.h"

#endif
