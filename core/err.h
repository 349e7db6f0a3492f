/*
 * err: the one error type of the library, and the one place where the errors of a
 * foreign library (libc, libcurl, OpenSSL) become ours.
 *
 * A function that can fail returns HK_OK (0) or a negative code and fills a caller-owned
 * `struct hk_err`, always its last parameter; NULL is accepted where the caller does not
 * care. The function that detects a fault sets the error, callers may only put context
 * in front of it. Nothing in core/ prints, and nothing exits.
 */
#ifndef HK_ERR_H
#define HK_ERR_H

#include <stddef.h>

#if defined(__GNUC__)
#define HK_MUST_USE	  __attribute__((warn_unused_result))
#define HK_PRINTF(f, a)	  __attribute__((format(printf, f, a)))
#define HK_VISIBLE	  __attribute__((visibility("default")))
#else
#define HK_MUST_USE
#define HK_PRINTF(f, a)
#define HK_VISIBLE
#endif

/* A public function, which C++ may call too. */
#ifdef __cplusplus
#define HK_API extern "C" HK_VISIBLE
#else
#define HK_API HK_VISIBLE
#endif

/* What went wrong, as a program wants to know it. Each has a stable name (hk_err_name),
 * which is what Lua sees as err.code and what the exit codes are chosen from. */
enum hk_code {
	HK_OK = 0,
	HK_AGAIN = -1,	       /* not an error: would block, call again later */
	HK_EUSAGE = -2,	       /* "usage": the caller asked for something impossible */
	HK_ENOTFOUND = -3,     /* "not_found": the registry has no such thing */
	HK_EAUTH = -4,	       /* "unauthorized": credentials missing, wrong or too weak */
	HK_EVERIFY = -5,       /* "verification": bytes are not what was promised */
	HK_ENETWORK = -6,      /* "network": no answer, a broken one, or a server in trouble */
	HK_EIO = -7,	       /* "io": local files and pipes */
	HK_EREFUSED = -8,      /* "refused": a policy, or a safety rule, said no */
	HK_EINTERRUPTED = -9,  /* "interrupted": a signal asked us to stop; err.sys is it */
	HK_EPROTOCOL = -10,    /* "protocol": the server broke HTTP's or the registry's rules */
	HK_EUNSUPPORTED = -11, /* "unsupported": valid, but not something we handle */
	HK_ENOMEM = -12,       /* "memory" */
	HK_EINTERNAL = -13     /* "internal": a bug of ours */
};

#define HK_ERR_MSG 512

struct hk_err {
	int code;	      /* enum hk_code */
	int sys;	      /* errno, or the signal, or 0 */
	int http;	      /* HTTP status, or 0 */
	char msg[HK_ERR_MSG]; /* one line of UTF-8 text, no newline; never a secret */
};

/* Fills `err` with `code` and a formatted message, and returns `code`, so that a function
 * can end in `return hk_err_set(err, ...)`. Control characters in the result are escaped
 * as \xNN, because parts of messages come from servers; too long a text is cut. */
HK_API int hk_err_set(struct hk_err *err, int code, const char *fmt, ...) HK_PRINTF(3, 4);

/* Puts "<formatted>: " in front of the message and returns err->code. A NULL err has no
 * code, so it returns HK_EINTERNAL: a failure stays one, but no caller learns which. */
HK_API int hk_err_wrap(struct hk_err *err, const char *fmt, ...) HK_PRINTF(2, 3);

/* From libc: HK_EIO (HK_ENOMEM for ENOMEM), message "<formatted>: <strerror>", err->sys set. */
HK_API int hk_err_sys(struct hk_err *err, int sys, const char *fmt, ...) HK_PRINTF(3, 4);

/* From libcurl: `curlcode` is a CURLcode, `detail` the text of CURLOPT_ERRORBUFFER; "" or
 * NULL stands for libcurl's text of the code. HK_ENOMEM for memory, HK_EUSAGE for a URL or a
 * scheme that libcurl refuses, HK_EAUTH where the server ends TLS for the lack of a client
 * certificate or for the one that it got, HK_ENETWORK for all else; the message of a certificate
 * that fails verification begins with "the server's certificate is not trusted: ", that of a
 * client's with "the server refuses the client certificate: ". */
HK_API int hk_err_curl(struct hk_err *err, int curlcode, const char *detail);

/* From OpenSSL: drains its error queue into "<what>: <reason>", HK_EINTERNAL. */
HK_API int hk_err_ssl(struct hk_err *err, const char *what);

/* HK_ENOMEM, "out of memory". */
HK_API int hk_err_nomem(struct hk_err *err);

/* The stable name of a code; "internal" for a number that is none. Static storage. */
HK_API const char *hk_err_name(int code);

#endif
