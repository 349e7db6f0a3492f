/*
 * auth: reads challenges, writes credentials.
 *
 * The list of challenges and the list of parameters inside each share the comma, so one
 * loop reads elements and asks of each: "name =" goes on with the challenge before it,
 * anything else begins a new one (RFC 9110 section 11.6.1). Challenges and parameters
 * beyond what we keep are still read, so that a broken value is found wherever it breaks.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ascii.h"
#include "auth.h"
#include "openssl.h"

#define CREDENTIAL_MAX (64 * 1024)

#define LETTERS_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define TOKEN	       LETTERS_DIGITS "!#$%&'*+-.^_`|~"
#define TOKEN68	       LETTERS_DIGITS "-._~+/"
#define WHITESPACE     " \t"

struct parser {
	const char *start;
	const char *p;		      /* what is still to be read */
	struct hk_challenges *c;      /* where challenges go */
	struct hk_challenge *current; /* where parameters go; NULL at first */
	struct hk_challenge surplus;  /* stands in for those that are not kept */
	struct hk_err *err;
};

static int broken(const struct parser *in, const char *what)
{
	return hk_err_set(in->err, HK_EPROTOCOL,
		"malformed WWW-Authenticate field: %s at byte %zu", what,
		(size_t)(in->p - in->start));
}

static void skip_space(struct parser *in)
{
	in->p += strspn(in->p, WHITESPACE);
}

static bool at_end_of_element(const char *p)
{
	p += strspn(p, WHITESPACE);
	return *p == ',' || *p == '\0';
}

/* Whether "name =" comes next. */
static bool at_param(const char *p)
{
	size_t len = strspn(p, TOKEN);

	p += len;
	p += strspn(p, WHITESPACE);
	return len > 0 && *p == '=';
}

/* Length of the token68 that fills the rest of the element, or 0. */
static size_t token68_length(const char *p)
{
	size_t len = strspn(p, TOKEN68);

	if (len == 0)
		return 0;
	len += strspn(p + len, "=");
	return at_end_of_element(p + len) ? len : 0;
}

static void clear_challenge(struct hk_challenge *ch)
{
	for (size_t i = 0; i < ch->nparams; i++) {
		free(ch->params[i].name);
		free(ch->params[i].value);
	}
	free(ch->scheme);
	*ch = (struct hk_challenge){0};
}

/* Copies `len` bytes and steps over them. */
static int take(struct parser *in, size_t len, char **out)
{
	*out = strndup(in->p, len);
	if (!*out)
		return hk_err_nomem(in->err);
	in->p += len;
	return HK_OK;
}

static int take_lower(struct parser *in, size_t len, char **out)
{
	int rc = take(in, len, out);

	for (size_t i = 0; rc == HK_OK && i < len; i++)
		(*out)[i] = ascii_lower((*out)[i]);
	return rc;
}

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* The end is looked for before memory is taken, so that many short strings in a long
 * value cost no more than their length. */
static int take_quoted(struct parser *in, char **out)
{
	const char *end = in->p + 1;
	size_t len = 0;

	for (; *end != '"'; end++) {
		end += *end == '\\';
		if (*end == '\0')
			return broken(in, "quote without end");
		if (is_control(*end) && *end != '\t')
			return broken(in, "control character in quotes");
	}
	*out = malloc((size_t)(end - in->p));
	if (!*out)
		return hk_err_nomem(in->err);
	for (in->p++; in->p < end; in->p++) {
		in->p += *in->p == '\\';
		(*out)[len++] = *in->p;
	}
	(*out)[len] = '\0';
	in->p = end + 1;
	return HK_OK;
}

static int take_value(struct parser *in, char **out)
{
	size_t len = strspn(in->p, TOKEN);

	if (*in->p == '"')
		return take_quoted(in, out);
	if (len == 0)
		return broken(in, "no value");
	return take(in, len, out);
}

/* Takes both strings. */
static void keep_param(struct hk_challenge *ch, char *name, char *value)
{
	bool known = ch->nparams == HK_AUTH_PARAMS;

	for (size_t i = 0; i < ch->nparams && !known; i++)
		known = strcmp(ch->params[i].name, name) == 0;
	if (known) {
		free(name);
		free(value);
		return;
	}
	ch->params[ch->nparams].name = name;
	ch->params[ch->nparams++].value = value;
}

static int read_token68(struct parser *in, size_t len)
{
	char *name = strdup(""), *value = NULL;
	int rc = name ? take(in, len, &value) : hk_err_nomem(in->err);

	if (rc == HK_OK)
		keep_param(in->current, name, value);
	else
		free(name);
	return rc;
}

static int read_param(struct parser *in)
{
	struct hk_challenge *ch = in->current;
	char *name = NULL, *value = NULL;
	int rc;

	if (!ch)
		return broken(in, "parameter without a scheme");
	if (ch->nparams > 0 && ch->params[0].name[0] == '\0')
		return broken(in, "parameter behind a token68");
	rc = take_lower(in, strspn(in->p, TOKEN), &name);
	if (rc != HK_OK)
		return rc;
	skip_space(in);
	in->p++; /* the "=" that at_param saw */
	skip_space(in);
	rc = take_value(in, &value);
	if (rc == HK_OK)
		keep_param(ch, name, value);
	else
		free(name);
	return rc;
}

static int read_scheme(struct parser *in)
{
	size_t len = strspn(in->p, TOKEN);
	char *scheme;
	int rc;

	if (len == 0)
		return broken(in, "no scheme");
	rc = take_lower(in, len, &scheme);
	if (rc != HK_OK)
		return rc;
	if (in->c->n < HK_AUTH_CHALLENGES) {
		in->current = &in->c->list[in->c->n++];
	} else {
		clear_challenge(&in->surplus);
		in->current = &in->surplus;
	}
	in->current->scheme = scheme;
	return HK_OK;
}

/* A scheme, perhaps with a token68 or its first parameter. */
static int read_challenge(struct parser *in)
{
	int rc = read_scheme(in);

	if (rc != HK_OK || at_end_of_element(in->p))
		return rc;
	if (strspn(in->p, WHITESPACE) == 0)
		return broken(in, "stray character");
	skip_space(in);
	size_t len = token68_length(in->p);
	if (len > 0)
		return read_token68(in, len);
	return at_param(in->p) ? read_param(in) : broken(in, "no parameter");
}

int hk_challenges_add(struct hk_challenges *c, const char *value, struct hk_err *err)
{
	struct parser in = {.start = value, .p = value, .c = c, .err = err};
	int rc = HK_OK;

	for (;;) {
		in.p += strspn(in.p, WHITESPACE ",");
		if (*in.p == '\0')
			break;
		rc = at_param(in.p) ? read_param(&in) : read_challenge(&in);
		if (rc == HK_OK && !at_end_of_element(in.p))
			rc = broken(&in, "no comma");
		if (rc != HK_OK)
			break;
	}
	clear_challenge(&in.surplus);
	return rc;
}

void hk_challenges_free(struct hk_challenges *c)
{
	for (size_t i = 0; i < c->n; i++)
		clear_challenge(&c->list[i]);
	c->n = 0;
}

static bool has_control(const char *s)
{
	while (*s && !is_control(*s))
		s++;
	return *s != '\0';
}

/* All or nothing, like every append. Not hk_buf_printf: what that leaves on the stack is
 * not ours to cleanse. */
static int add_credentials(
	struct hk_buf *out, const char *scheme, const char *text, struct hk_err *err)
{
	size_t before = out->len;
	int rc = hk_buf_puts(out, scheme, err);

	if (rc == HK_OK)
		rc = hk_buf_puts(out, text, err);
	if (rc != HK_OK && out->data) {
		out->len = before;
		out->data[before] = '\0';
	}
	return rc;
}

static int add_base64(const struct hk_buf *plain, struct hk_buf *out, struct hk_err *err)
{
	size_t size = 4 * ((plain->len + 2) / 3) + 1;
	char *text = malloc(size);
	int rc;

	if (!text)
		return hk_err_nomem(err);
	EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)plain->data,
		(int)plain->len);
	rc = add_credentials(out, "Basic ", text, err);
	explicit_bzero(text, size);
	free(text);
	return rc;
}

int hk_auth_basic(
	const char *user, const char *password, struct hk_buf *out, struct hk_err *err)
{
	struct hk_buf plain;
	int rc;

	if (strchr(user, ':'))
		return hk_err_set(err, HK_EUSAGE, "a user name can't contain a colon");
	if (has_control(user))
		return hk_err_set(
			err, HK_EUSAGE, "a user name can't contain control characters");
	if (strlen(user) > CREDENTIAL_MAX || strlen(password) > CREDENTIAL_MAX)
		return hk_err_set(
			err, HK_EUSAGE, "the user name or password is too long");

	hk_buf_init_secret(&plain, 2 * CREDENTIAL_MAX + 1);
	rc = hk_buf_puts(&plain, user, err);
	if (rc == HK_OK)
		rc = hk_buf_puts(&plain, ":", err);
	if (rc == HK_OK)
		rc = hk_buf_puts(&plain, password, err);
	if (rc == HK_OK)
		rc = add_base64(&plain, out, err);
	hk_buf_free(&plain);
	return rc;
}

int hk_auth_bearer(const char *token, struct hk_buf *out, struct hk_err *err)
{
	if (*token == '\0')
		return hk_err_set(err, HK_EUSAGE, "the bearer token is empty");
	if (has_control(token))
		return hk_err_set(err, HK_EUSAGE,
			"a bearer token can't contain control characters");
	return add_credentials(out, "Bearer ", token, err);
}
