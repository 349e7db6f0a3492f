/*
 * libzstd: its headers, and its functions opened late, as those of libcurl.h.
 */
#ifndef HK_LIBZSTD_H
#define HK_LIBZSTD_H

#include <zstd.h>
#include <zstd_errors.h>

#include "late.h"

#ifdef HK_LATE

#define HK_ZSTD(name) HK_LATE_FUNCTION(HK_SONAME_zstd, name)

#define ZSTD_DCtx_setParameter HK_ZSTD(ZSTD_DCtx_setParameter)
#define ZSTD_createDStream HK_ZSTD(ZSTD_createDStream)
#define ZSTD_decompressStream HK_ZSTD(ZSTD_decompressStream)
#define ZSTD_freeDStream HK_ZSTD(ZSTD_freeDStream)
#define ZSTD_getErrorCode HK_ZSTD(ZSTD_getErrorCode)
#define ZSTD_getErrorName HK_ZSTD(ZSTD_getErrorName)
#define ZSTD_isError HK_ZSTD(ZSTD_isError)

#endif

#endif
