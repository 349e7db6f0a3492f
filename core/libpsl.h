/*
 * libpsl: its header, and its functions opened late, as those of libcurl.h.
 */
#ifndef HK_LIBPSL_H
#define HK_LIBPSL_H

#include <libpsl.h>

#include "late.h"

#ifdef HK_LATE
#define psl_builtin HK_LATE_FUNCTION(HK_SONAME_psl, psl_builtin)
#define psl_registrable_domain HK_LATE_FUNCTION(HK_SONAME_psl, psl_registrable_domain)
#endif

#endif
