/*
 * trust: PEM files by origin. libcurl looks at them when it connects; what it connects to is of
 * one origin, so a connection is never used with the certificates of another.
 */
#include "trust.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "openssl.h"
#include "url.h"

struct trust {
	struct trust *next;
	char *url;	/* one of its origin; NULL: all others */
	char **cacerts; /* NULL-terminated */
	char *cert, *key;
	bool insecure;
};

/* --- the files ---------------------------------------------------------------------------- */

static int check_readable(const char *path, struct hk_err *err)
{
	return !path || access(path, R_OK) == 0 ? HK_OK : hk_err_sys(err, errno, "%s", path);
}

static int check_pem(const char *path, struct hk_err *err)
{
	SSL_CTX *ctx;
	int rc = check_readable(path, err);

	if (rc != HK_OK)
		return rc;
	ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx)
		rc = hk_err_nomem(err);
	else if (SSL_CTX_load_verify_locations(ctx, path, NULL) != 1)
		rc = hk_err_set(err, HK_EUSAGE, "%s: there is no PEM certificate in it", path);
	SSL_CTX_free(ctx);
	ERR_clear_error();
	return rc;
}

/* At the first request libcurl would only say that something is wrong with them. */
static int check_files(const struct hk_trust *given, struct hk_err *err)
{
	size_t i;
	int rc = check_readable(given->cert, err);

	if (rc == HK_OK)
		rc = check_readable(given->key, err);
	for (i = 0; rc == HK_OK && given->cacerts && given->cacerts[i]; i++)
		rc = check_pem(given->cacerts[i], err);
	return rc;
}

/* --- the list ----------------------------------------------------------------------------- */

void trust_free(struct trust *list)
{
	struct trust *next;
	size_t i;

	for (; list; list = next) {
		next = list->next;
		for (i = 0; list->cacerts && list->cacerts[i]; i++)
			free(list->cacerts[i]);
		free(list->cacerts);
		free(list->url);
		free(list->cert);
		free(list->key);
		free(list);
	}
}

static bool copy(char **to, const char *text)
{
	*to = text ? strdup(text) : NULL;
	return !text || *to;
}

static size_t count(const char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

/* Those of the session, and then the origin's own. */
static bool copy_cacerts(struct trust *t, const char *const *base, const char *const *own)
{
	size_t nbase = count(base), n = nbase + count(own), i;

	t->cacerts = calloc(n + 1, sizeof *t->cacerts);
	for (i = 0; t->cacerts && i < n; i++)
		if (!copy(&t->cacerts[i], i < nbase ? base[i] : own[i - nbase]))
			return false;
	return t->cacerts != NULL;
}

/* The session's own, which is the last. */
static const struct trust *common(const struct trust *list)
{
	while (list && list->next)
		list = list->next;
	return list;
}

int trust_add(struct trust **list, const struct hk_trust *given, bool insecure,
	struct hk_err *err)
{
	const struct trust *base = common(*list);
	bool pair = given->cert || !base;
	struct trust *t;
	int rc = check_files(given, err);

	if (rc != HK_OK)
		return rc;
	t = calloc(1, sizeof *t);
	if (!t || !copy(&t->url, given->origin) ||
		!copy(&t->cert, pair ? given->cert : base->cert) ||
		!copy(&t->key, pair ? given->key : base->key) ||
		!copy_cacerts(t, base ? (const char *const *)base->cacerts : NULL,
			given->cacerts)) {
		trust_free(t);
		return hk_err_nomem(err);
	}
	t->insecure = insecure;
	t->next = *list;
	*list = t;
	return HK_OK;
}

/* --- options of one handle ---------------------------------------------------------------- */

/* Adds the CAs to the store that libcurl has filled with the system's: CURLOPT_CAINFO would put
 * them in its place. */
static CURLcode add_cas(CURL *easy, void *ctx, void *trust)
{
	const struct trust *t = trust;
	size_t i;

	(void)easy;
	for (i = 0; t->cacerts[i]; i++)
		if (SSL_CTX_load_verify_locations(ctx, t->cacerts[i], NULL) != 1)
			return CURLE_SSL_CACERT_BADFILE;
	return CURLE_OK;
}

/* The file that takes the place of the system's authorities. Nix's own variable is first, as
 * in all that comes from nixpkgs; but in a sandbox it may name what is not there. */
static const char *system_file(void)
{
	const char *nix = getenv("NIX_SSL_CERT_FILE");

	return nix && *nix && access(nix, R_OK) == 0 ? nix : getenv("SSL_CERT_FILE");
}

int trust_setup(const struct trust *list, CURL *easy, const char *url, struct hk_err *err)
{
	const struct trust *t = list;
	const char *system = system_file();
	int rc = HK_OK;

	while (t->url && !hk_url_same_origin(t->url, url))
		t = t->next;
	if (system && *system)
		rc = curl_set_text(easy, CURLOPT_CAINFO, system, err);
	if (rc == HK_OK)
		rc = curl_set_text(easy, CURLOPT_SSLCERT, t->cert, err);
	if (rc == HK_OK)
		rc = curl_set_text(easy, CURLOPT_SSLKEY, t->key, err);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, t->cacerts[0] ? add_cas : NULL);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, (void *)t);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, t->insecure ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, t->insecure ? 0L : 2L);
	return rc;
}
