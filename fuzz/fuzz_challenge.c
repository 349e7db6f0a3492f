/*
 * fuzz_challenge: WWW-Authenticate values, one a line, into one list. Besides not
 * crashing, what comes out must be what the header promises, and writing it down again as
 * quoted strings must read back the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../core/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void check_challenge(const struct hk_challenge *ch)
{
	require(ch->scheme && *ch->scheme && ch->nparams <= HK_AUTH_PARAMS);
	for (size_t i = 0; i < ch->nparams; i++) {
		const char *name = ch->params[i].name;

		require(name && ch->params[i].value);
		for (const char *c = name; *c; c++)
			require(*c > ' ' && *c < 0x7f && !(*c >= 'A' && *c <= 'Z'));
		require(*name || ch->nparams == 1);
		for (size_t j = 0; j < i; j++)
			require(strcmp(name, ch->params[j].name) != 0);
	}
}

static int write_quoted(struct hk_buf *out, const char *value)
{
	int rc = hk_buf_puts(out, "\"", NULL);

	for (; *value && rc == HK_OK; value++)
		rc = hk_buf_printf(out, NULL, "\\%c", *value);
	return rc == HK_OK ? hk_buf_puts(out, "\"", NULL) : rc;
}

static int write_challenge(struct hk_buf *out, const struct hk_challenge *ch)
{
	int rc = hk_buf_printf(out, NULL, ", %s ", ch->scheme);

	if (rc == HK_OK && ch->nparams > 0 && !*ch->params[0].name)
		return hk_buf_puts(out, ch->params[0].value, NULL);
	for (size_t i = 0; i < ch->nparams && rc == HK_OK; i++) {
		rc = hk_buf_printf(out, NULL, "%s%s=", i ? "," : "", ch->params[i].name);
		if (rc == HK_OK)
			rc = write_quoted(out, ch->params[i].value);
	}
	return rc;
}

static void check_same(const struct hk_challenges *a, const struct hk_challenges *b)
{
	require(a->n == b->n);
	for (size_t i = 0; i < a->n; i++) {
		const struct hk_challenge *x = &a->list[i], *y = &b->list[i];

		require(strcmp(x->scheme, y->scheme) == 0 && x->nparams == y->nparams);
		for (size_t j = 0; j < x->nparams; j++) {
			require(strcmp(x->params[j].name, y->params[j].name) == 0);
			require(strcmp(x->params[j].value, y->params[j].value) == 0);
		}
	}
}

static void check_round_trip(const struct hk_challenges *c)
{
	struct hk_challenges again = {0};
	struct hk_buf text;

	hk_buf_init(&text, SIZE_MAX);
	require(hk_buf_puts(&text, "", NULL) == HK_OK);
	for (size_t i = 0; i < c->n; i++)
		require(write_challenge(&text, &c->list[i]) == HK_OK);
	require(hk_challenges_add(&again, text.data, NULL) == HK_OK);
	check_same(c, &again);
	hk_challenges_free(&again);
	hk_buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hk_challenges c = {0};
	struct hk_err err = {0};
	char *text = malloc(size + 1), *rest, *line;

	if (!text)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	rest = text;
	while ((line = strsep(&rest, "\n")) != NULL) {
		int rc = hk_challenges_add(&c, line, &err);

		require(rc == HK_OK ||
			(rc == HK_EPROTOCOL && err.code == rc && *err.msg));
	}
	require(c.n <= HK_AUTH_CHALLENGES);
	for (size_t i = 0; i < c.n; i++)
		check_challenge(&c.list[i]);
	check_round_trip(&c);
	hk_challenges_free(&c);
	free(text);
	return 0;
}
