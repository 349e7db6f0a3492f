/*
 * libisal: its header, and its functions opened late, as those of libcurl.h.
 */
#ifndef HK_LIBISAL_H
#define HK_LIBISAL_H

#include <isa-l/igzip_lib.h>

#include "late.h"

#ifdef HK_LATE

#define HK_ISAL(name) HK_LATE_FUNCTION(HK_SONAME_isal, name)

#define isal_gzip_header_init HK_ISAL(isal_gzip_header_init)
#define isal_inflate HK_ISAL(isal_inflate)
#define isal_inflate_init HK_ISAL(isal_inflate_init)
#define isal_inflate_reset HK_ISAL(isal_inflate_reset)
#define isal_read_gzip_header HK_ISAL(isal_read_gzip_header)

#endif

#endif
