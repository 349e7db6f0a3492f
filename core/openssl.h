/*
 * openssl: its headers, and its functions opened late, as those of libcurl are.
 */
#ifndef HK_OPENSSL_H
#define HK_OPENSSL_H

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "late.h"

#ifdef HK_LATE

#define HK_CRYPTO(name) HK_LATE_FUNCTION(HK_SONAME_crypto, name)
#define HK_SSL(name)	HK_LATE_FUNCTION(HK_SONAME_ssl, name)

#define BIO_free HK_CRYPTO(BIO_free)
#define BIO_new_mem_buf HK_CRYPTO(BIO_new_mem_buf)
#define CRYPTO_free HK_CRYPTO(CRYPTO_free)
#define ERR_clear_error HK_CRYPTO(ERR_clear_error)
#define ERR_get_error HK_CRYPTO(ERR_get_error)
#define ERR_reason_error_string HK_CRYPTO(ERR_reason_error_string)
#define EVP_DigestFinal_ex HK_CRYPTO(EVP_DigestFinal_ex)
#define EVP_DigestInit_ex HK_CRYPTO(EVP_DigestInit_ex)
#define EVP_DigestUpdate HK_CRYPTO(EVP_DigestUpdate)
#define EVP_DigestVerify HK_CRYPTO(EVP_DigestVerify)
#define EVP_DigestVerifyInit HK_CRYPTO(EVP_DigestVerifyInit)
#define EVP_EncodeBlock HK_CRYPTO(EVP_EncodeBlock)
#define EVP_MD_CTX_free HK_CRYPTO(EVP_MD_CTX_free)
#define EVP_MD_CTX_new HK_CRYPTO(EVP_MD_CTX_new)
#define EVP_PKEY_free HK_CRYPTO(EVP_PKEY_free)
#define EVP_PKEY_get_base_id HK_CRYPTO(EVP_PKEY_get_base_id)
#define EVP_PKEY_get_bits HK_CRYPTO(EVP_PKEY_get_bits)
#define EVP_PKEY_get_group_name HK_CRYPTO(EVP_PKEY_get_group_name)
#define EVP_sha256 HK_CRYPTO(EVP_sha256)
#define EVP_sha512 HK_CRYPTO(EVP_sha512)
#define PEM_read_bio HK_CRYPTO(PEM_read_bio)
#define d2i_PUBKEY HK_CRYPTO(d2i_PUBKEY)

#define SSL_CTX_free HK_SSL(SSL_CTX_free)
#define SSL_CTX_load_verify_locations HK_SSL(SSL_CTX_load_verify_locations)
#define SSL_CTX_new HK_SSL(SSL_CTX_new)
#define TLS_client_method HK_SSL(TLS_client_method)

#endif

#endif
