/*
 * proxy: which proxy of the environment a leg goes through. libcurl reads the variables; this
 * adds what Go's clients, docker and podman among them, take for granted. Private to leg.c.
 *
 *   - What goes to this machine goes through no proxy: it would look for the machine on its own,
 *     and what goes here by plain http, credentials too, is not for it to see.
 *   - $NO_PROXY may have "*.NAME" and "HOST:PORT".
 *   - $HTTP_PROXY is one for plain http, but not in a CGI program, where a request's header
 *     makes a variable of that name.
 */
#ifndef HK_PROXY_H
#define HK_PROXY_H

#include "err.h"
#include "libcurl.h"

/* Sets what the leg to `url` needs, and unsets what the leg before had. */
HK_MUST_USE int proxy_setup(CURL *easy, const char *url, struct hk_err *err);

#endif
