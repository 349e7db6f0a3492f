/*
 * libcurl: its headers, and its functions opened late. One that is not in the list is linked,
 * and with it the library.
 */
#ifndef HK_LIBCURL_H
#define HK_LIBCURL_H

#include <curl/curl.h>

#include "err.h"
#include "late.h"

#ifdef HK_LATE

/* Macros that check types, which builds that link libcurl do. */
#undef curl_easy_getinfo
#undef curl_easy_setopt
#undef curl_multi_setopt

#define HK_CURL(name) HK_LATE_FUNCTION(HK_SONAME_curl, name)

#define curl_easy_cleanup HK_CURL(curl_easy_cleanup)
#define curl_easy_escape HK_CURL(curl_easy_escape)
#define curl_easy_getinfo HK_CURL(curl_easy_getinfo)
#define curl_easy_init HK_CURL(curl_easy_init)
#define curl_easy_pause HK_CURL(curl_easy_pause)
#define curl_easy_setopt HK_CURL(curl_easy_setopt)
#define curl_easy_strerror HK_CURL(curl_easy_strerror)
#define curl_free HK_CURL(curl_free)
#define curl_getdate HK_CURL(curl_getdate)
#define curl_global_init HK_CURL(curl_global_init)
#define curl_multi_add_handle HK_CURL(curl_multi_add_handle)
#define curl_multi_cleanup HK_CURL(curl_multi_cleanup)
#define curl_multi_info_read HK_CURL(curl_multi_info_read)
#define curl_multi_init HK_CURL(curl_multi_init)
#define curl_multi_perform HK_CURL(curl_multi_perform)
#define curl_multi_poll HK_CURL(curl_multi_poll)
#define curl_multi_remove_handle HK_CURL(curl_multi_remove_handle)
#define curl_multi_setopt HK_CURL(curl_multi_setopt)
#define curl_multi_strerror HK_CURL(curl_multi_strerror)
#define curl_multi_wakeup HK_CURL(curl_multi_wakeup)
#define curl_slist_append HK_CURL(curl_slist_append)
#define curl_slist_free_all HK_CURL(curl_slist_free_all)
#define curl_strequal HK_CURL(curl_strequal)
#define curl_strnequal HK_CURL(curl_strnequal)
#define curl_url HK_CURL(curl_url)
#define curl_url_cleanup HK_CURL(curl_url_cleanup)
#define curl_url_get HK_CURL(curl_url_get)
#define curl_url_set HK_CURL(curl_url_set)
#define curl_url_strerror HK_CURL(curl_url_strerror)

#endif

/* Sets an option whose text libcurl copies, for which it may have no memory. */
HK_MUST_USE static inline int curl_set_text(
	CURL *easy, CURLoption option, const char *text, struct hk_err *err)
{
	CURLcode code = curl_easy_setopt(easy, option, text);

	return code == CURLE_OK ? HK_OK : hk_err_curl(err, (int)code, NULL);
}

#endif
