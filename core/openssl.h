/*
 * openssl: its headers, and its functions opened late, as those of libcurl are.
 */
#ifndef HK_OPENSSL_H
#define HK_OPENSSL_H

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "late.h"

#ifdef HK_LATE

#define HK_CRYPTO(name) HK_LATE_FUNCTION(HK_SONAME_crypto, name)
#define HK_SSL(name)	HK_LATE_FUNCTION(HK_SONAME_ssl, name)

#define ERR_clear_error HK_CRYPTO(ERR_clear_error)
#define ERR_get_error HK_CRYPTO(ERR_get_error)
#define ERR_reason_error_string HK_CRYPTO(ERR_reason_error_string)
#define EVP_DigestFinal_ex HK_CRYPTO(EVP_DigestFinal_ex)
#define EVP_DigestInit_ex HK_CRYPTO(EVP_DigestInit_ex)
#define EVP_DigestUpdate HK_CRYPTO(EVP_DigestUpdate)
#define EVP_EncodeBlock HK_CRYPTO(EVP_EncodeBlock)
#define EVP_MD_CTX_free HK_CRYPTO(EVP_MD_CTX_free)
#define EVP_MD_CTX_new HK_CRYPTO(EVP_MD_CTX_new)
#define EVP_sha256 HK_CRYPTO(EVP_sha256)
#define EVP_sha512 HK_CRYPTO(EVP_sha512)

#define SSL_CTX_free HK_SSL(SSL_CTX_free)
#define SSL_CTX_load_verify_locations HK_SSL(SSL_CTX_load_verify_locations)
#define SSL_CTX_new HK_SSL(SSL_CTX_new)
#define TLS_client_method HK_SSL(TLS_client_method)

#endif

#endif
