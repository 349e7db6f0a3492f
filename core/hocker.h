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
 *     struct hk_err err = {0};
 *     struct hk_session *s = hk_session_new(NULL, &err);
 *     struct hk_file *f = hk_file_create("layer.tgz", &err);
 *     struct hk_expect want = {.size = -1, .max = -1, .digest = &digest, .name = "layer"};
 *     struct hk_request rq = {.url = url, .retries = 5,
 *             .sink = hk_sink_verify(hk_sink_file(f, &err), &want, &err)};
 *     struct hk_transfer *t = hk_transfer_start(s, &rq, &err);
 *     struct hk_event ev = {0};
 *     while (ev.type != HK_EVENT_DONE && hk_session_step(s, 1000, &ev, &err) == HK_OK)
 *             if (ev.type == HK_EVENT_REDIRECT)
 *                     hk_transfer_follow(ev.transfer, &err);
 *     if (hk_transfer_error(t)->code == HK_OK)
 *             hk_file_commit(f, &err);
 *     hk_transfer_free(t); hk_file_unref(f); hk_session_free(s);
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
