/* auth: challenges are compared in a short notation: schemes with their parameters in
 * brackets, "basic[realm=x] negotiate[=YII=]". */
#include <stdlib.h>

#include "auth.h"
#include "test.h"

/* Stands in for the C library's explicit_bzero, and notes whether it wiped a certain text. */
static struct {
	const char *secret;
	unsigned found;
} wiped;

void wipe(void *ptr, size_t len) __asm__("explicit_bzero");
void wipe(void *ptr, size_t len)
{
	if (wiped.secret && memmem(ptr, len, wiped.secret, strlen(wiped.secret)))
		wiped.found++;
	memset(ptr, 0, len);
}

static void notate(const struct hk_challenges *c, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < c->n; i++) {
		const struct hk_challenge *ch = &c->list[i];

		len += snprintf(out + len, size - len, "%s%s[", i ? " " : "", ch->scheme);
		for (size_t j = 0; j < ch->nparams; j++)
			len += snprintf(out + len, size - len, "%s%s=%s", j ? ";" : "",
				ch->params[j].name, ch->params[j].value);
		len += snprintf(out + len, size - len, "]");
	}
}

static void understands(void)
{
	static const struct {
		const char *value, *want;
	} cases[] = {
		{"", ""},
		{" \t, ,,", ""},
		{"Basic", "basic[]"},
		{"Basic ", "basic[]"},
		{"NEGOTIATE", "negotiate[]"},
		{"Basic realm=\"x\"", "basic[realm=x]"},
		{"Basic realm=x", "basic[realm=x]"},
		{"Basic \t realm=x \t", "basic[realm=x]"},
		{"bAsIc ReAlM=X", "basic[realm=X]"},
		{"AZaz09 AZaz09=AZ", "azaz09[azaz09=AZ]"},
		{"Bearer realm=\"https://auth.example.org/token\",service=\"reg\","
		 "scope=\"repository:a/b:pull,push\"",
			"bearer[realm=https://auth.example.org/token;service=reg;"
			"scope=repository:a/b:pull,push]"},
		/* whitespace around "=" and "," */
		{"Bearer a = \"1\" , b\t=\t2,c= 3", "bearer[a=1;b=2;c=3]"},
		{"Bearer a=\"\"", "bearer[a=]"},
		/* escapes */
		{"Basic realm=\"a\\\"b\\\\c\\d, e=\\\"f\\\"\"",
			"basic[realm=a\"b\\cd, e=\"f\"]"},
		{"Basic realm=\"\\\"\"", "basic[realm=\"]"},
		{"Basic realm=\"tab\there \\\t\"", "basic[realm=tab\there \t]"},
		{"Basic realm=\"caf\xc3\xa9 \\\xe9\xff\"",
			"basic[realm=caf\xc3\xa9 \xe9\xff]"},
		/* several challenges */
		{"Basic, Digest", "basic[] digest[]"},
		{"Basic,Digest,Negotiate", "basic[] digest[] negotiate[]"},
		{"Basic realm=x, Bearer realm=y", "basic[realm=x] bearer[realm=y]"},
		{"Basic realm=\"x, Bearer realm=z\", Bearer realm=y",
			"basic[realm=x, Bearer realm=z] bearer[realm=y]"},
		{"Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", "
		 "Basic realm=\"simple\"",
			"newauth[realm=apps;type=1;title=Login to \"apps\"] "
			"basic[realm=simple]"},
		{"Basic realm=a, Basic realm=b", "basic[realm=a] basic[realm=b]"},
		/* empty list elements */
		{",Basic", "basic[]"},
		{",, Basic realm=x,, ,charset=UTF-8,,", "basic[realm=x;charset=UTF-8]"},
		{"Basic ,realm=x", "basic[realm=x]"},
		{"Basic,realm=x", "basic[realm=x]"},
		{"Basic , , Bearer a=b,", "basic[] bearer[a=b]"},
		/* token68 */
		{"Negotiate YIIabc+/-._~019==", "negotiate[=YIIabc+/-._~019==]"},
		{"Negotiate a", "negotiate[=a]"},
		{"Negotiate a=", "negotiate[=a=]"},
		{"Negotiate a= , Basic realm=x", "negotiate[=a=] basic[realm=x]"},
		{"Negotiate a, Basic realm=x", "negotiate[=a] basic[realm=x]"},
		{"NTLM, Negotiate oRQ=,Basic", "ntlm[] negotiate[=oRQ=] basic[]"},
		{"Basic realm= x", "basic[realm=x]"},
		/* every character of a token */
		{"A!#$%&'*+-.^_`|~9 b!#$%&'*+-.^_`|~9=c!#$%&'*+-.^_`|~9",
			"a!#$%&'*+-.^_`|~9[b!#$%&'*+-.^_`|~9=c!#$%&'*+-.^_`|~9]"},
		/* the first of two counts, whatever their case */
		{"Bearer realm=a, REALM=b, realm=\"c\", x=1", "bearer[realm=a;x=1]"},
	};
	char got[1024];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct hk_challenges c = {0};
		struct hk_err err = {0};

		if (hk_challenges_add(&c, cases[i].value, &err) != HK_OK)
			printf("refused: %s: %s\n", cases[i].value, err.msg);
		CHECK(err.code == HK_OK);
		notate(&c, got, sizeof got);
		CHECK_STR(got, cases[i].want);
		hk_challenges_free(&c);
	}
}

static void refuses_and_keeps_what_was_before(void)
{
	static const struct {
		const char *value, *kept;
	} cases[] = {
		{"=", ""},
		{"\"x\"", ""},
		{"realm=x", ""},
		{"realm = \"x\"", ""},
		{"/", ""},
		{"caf\xc3\xa9", "caf[]"},
		{"Basic\x01", "basic[]"},
		{"Basic\n", "basic[]"},
		{"Basic/", "basic[]"},
		{"Basic\"x\"", "basic[]"},
		{"Basic \"x\"", "basic[]"},
		{"Basic =x", ""}, /* a parameter named Basic */
		{"Basic realm=\"x", "basic[]"},
		{"Basic realm=\"x\\", "basic[]"},
		{"Basic realm=\"x\\\"", "basic[]"},
		{"Basic realm=\"", "basic[]"},
		{"Basic realm=\"a\nb\"", "basic[]"},
		{"Basic realm=\"a\\\x7f\"", "basic[]"},
		{"Basic realm=\"a\x1b[0m\"", "basic[]"},
		{"Basic a=1, realm=", "basic[a=1]"},
		{"Basic a=1, realm=,b=2", "basic[a=1]"},
		{"Basic a=1, realm=/", "basic[a=1]"},
		{"Basic a=1 b=2", "basic[a=1]"},
		{"Basic a=\"1\"b=2", "basic[a=1]"},
		{"Basic a=\"1\" Bearer", "basic[a=1]"},
		{"Basic a=1, realm=https://x/", "basic[a=1;realm=https]"},
		{"Basic a b", "basic[]"},
		{"Basic a=1, =x", "basic[a=1]"},
		{"Negotiate abc=d=", "negotiate[abc=d]"},
		{"Negotiate abc==, a=b", "negotiate[=abc==]"},
		{"Negotiate abc== x", "negotiate[]"},
		{"Basic realm=x, Bearer realm=y, ;", "basic[realm=x] bearer[realm=y]"},
	};
	char got[1024];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct hk_challenges c = {0};
		struct hk_err err = {0};

		if (hk_challenges_add(&c, cases[i].value, &err) != HK_EPROTOCOL)
			printf("accepted: %s\n", cases[i].value);
		CHECK(err.code == HK_EPROTOCOL);
		notate(&c, got, sizeof got);
		CHECK_STR(got, cases[i].kept);
		hk_challenges_free(&c);
		CHECK(hk_challenges_add(&c, cases[i].value, NULL) == HK_EPROTOCOL);
		hk_challenges_free(&c);
	}
}

static void collects_several_lines(void)
{
	struct hk_challenges c = {0};
	char got[256];

	CHECK(hk_challenges_add(&c, "Bearer realm=x", NULL) == HK_OK);
	CHECK(hk_challenges_add(&c, "charset=UTF-8", NULL) == HK_EPROTOCOL);
	CHECK(hk_challenges_add(&c, "Basic realm=y", NULL) == HK_OK);
	notate(&c, got, sizeof got);
	CHECK_STR(got, "bearer[realm=x] basic[realm=y]");
	hk_challenges_free(&c);
	CHECK(c.n == 0 && !c.list[0].scheme && c.list[0].nparams == 0);
	hk_challenges_free(&c);
}

static void drops_parameters_beyond_the_limit(void)
{
	struct hk_challenges c = {0};
	char value[1024] = "Bearer x=0", name[16];
	size_t len = strlen(value);

	for (int i = 1; i < 2 * HK_AUTH_PARAMS; i++)
		len += snprintf(value + len, sizeof value - len, ", p%d=\"%d\"", i, i);
	CHECK(hk_challenges_add(&c, value, NULL) == HK_OK);
	CHECK(c.n == 1 && c.list[0].nparams == HK_AUTH_PARAMS);
	snprintf(name, sizeof name, "p%d", HK_AUTH_PARAMS - 1);
	CHECK_STR(c.list[0].params[HK_AUTH_PARAMS - 1].name, name);
	hk_challenges_free(&c);

	CHECK(hk_challenges_add(&c, value, NULL) == HK_OK);
	CHECK(hk_challenges_add(&c, value, NULL) == HK_OK);
	CHECK(c.n == 2 && c.list[1].nparams == HK_AUTH_PARAMS);
	hk_challenges_free(&c);

	snprintf(value + len, sizeof value - len, ", broken=");
	CHECK(hk_challenges_add(&c, value, NULL) == HK_EPROTOCOL);
	CHECK(c.n == 1 && c.list[0].nparams == HK_AUTH_PARAMS);
	hk_challenges_free(&c);
}

static void drops_challenges_beyond_the_limit(void)
{
	struct hk_challenges c = {0};
	char value[2048];
	size_t len = 0;

	for (int i = 0; i < HK_AUTH_CHALLENGES + 3; i++)
		len += snprintf(
			value + len, sizeof value - len, "S%d a=%d, b=\"%d\", ", i, i, i);
	CHECK(hk_challenges_add(&c, value, NULL) == HK_OK);
	CHECK(c.n == HK_AUTH_CHALLENGES);
	CHECK(c.list[c.n - 1].nparams == 2);
	CHECK(hk_challenges_add(&c, "More a=1, Even dG9rZW4=, Than, That x=y", NULL) ==
		HK_OK);
	CHECK(c.n == HK_AUTH_CHALLENGES && c.list[c.n - 1].nparams == 2);
	CHECK(hk_challenges_add(&c, "More dG9rZW4=, a=1", NULL) == HK_EPROTOCOL);
	hk_challenges_free(&c);
}

/* Work must grow with the length, not with its square. */
static void reads_long_values(void)
{
	size_t size = 256 * 1024, len = 0;
	char *value = malloc(size);
	struct hk_challenges c = {0};

	CHECK(value);
	len += snprintf(value, size, "Basic a=\"\"");
	while (len + 8 < size)
		len += snprintf(value + len, size - len, ",a=\"\"");
	CHECK(hk_challenges_add(&c, value, NULL) == HK_OK);
	CHECK(c.n == 1 && c.list[0].nparams == 1);
	hk_challenges_free(&c);
	free(value);
}

static void makes_basic(void)
{
	/* the second and third are RFC 7617's */
	static const struct {
		const char *user, *password, *want;
	} cases[] = {
		{"", "", "Basic Og=="},
		{"Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
		{"test", "123\xc2\xa3", "Basic dGVzdDoxMjPCow=="},
		{"u", "a:b:c", "Basic dTphOmI6Yw=="},
		{"u", "", "Basic dTo="},
		{"", "p", "Basic OnA="},
	};
	struct hk_buf out;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		hk_buf_init_secret(&out, 1000);
		CHECK(hk_auth_basic(cases[i].user, cases[i].password, &out, NULL) ==
			HK_OK);
		CHECK_STR(out.data, cases[i].want);
		hk_buf_free(&out);
	}
}

static void refuses_what_cannot_be_sent(void)
{
	static const struct {
		const char *user, *password;
	} basic[] = {{"a:b", "c"}, {":", ""}, {"a\n", "c"}, {"\x01", ""},
		{"\x7f", ""}, {"a\tb", ""}};
	static const char *const bearer[] = {"", "a\nb", "a\r", "\x01", "a\x7f", "\t"};
	struct hk_err err = {0};
	struct hk_buf out;

	hk_buf_init_secret(&out, 1000);
	CHECK(hk_buf_puts(&out, "kept", NULL) == HK_OK);
	for (size_t i = 0; i < sizeof basic / sizeof *basic; i++) {
		CHECK(hk_auth_basic(basic[i].user, basic[i].password, &out, &err) ==
			HK_EUSAGE);
		CHECK(err.code == HK_EUSAGE && !strstr(err.msg, "Evil"));
	}
	for (size_t i = 0; i < sizeof bearer / sizeof *bearer; i++)
		CHECK(hk_auth_bearer(bearer[i], &out, &err) == HK_EUSAGE);
	CHECK_STR(out.data, "kept");
	hk_buf_free(&out);
}

static void makes_bearer(void)
{
	struct hk_buf out;

	hk_buf_init_secret(&out, 100);
	CHECK(hk_buf_puts(&out, "> ", NULL) == HK_OK);
	CHECK(hk_auth_bearer("ey.J-h_~+/==", &out, NULL) == HK_OK);
	CHECK_STR(out.data, "> Bearer ey.J-h_~+/==");
	hk_buf_free(&out);
}

static void appends_all_or_nothing(void)
{
	struct hk_err err = {0};
	struct hk_buf out;

	for (size_t max = 0; max < 30; max++) {
		bool room = max >= strlen("+Bearer tok");
		const char *left = max > 0 ? "+" : "";

		hk_buf_init_secret(&out, max);
		CHECK(hk_buf_puts(&out, left, NULL) == HK_OK);
		CHECK(hk_auth_bearer("tok", &out, &err) == (room ? HK_OK : HK_EPROTOCOL));
		CHECK_STR(out.data, room ? "+Bearer tok" : left);
		hk_buf_free(&out);

		room = max >= strlen("Basic dTpw");
		hk_buf_init_secret(&out, max);
		CHECK(hk_auth_basic("u", "p", &out, &err) ==
			(room ? HK_OK : HK_EPROTOCOL));
		CHECK(out.len == (room ? max < 10 ? 0u : 10u : 0u));
		CHECK(!out.data || strlen(out.data) == out.len);
		hk_buf_free(&out);
	}
}

/* Neither the password nor its base 64 stays behind in memory of ours. */
static void wipes_what_it_made_on_the_way(void)
{
	static const char *const secrets[] = {"u:open sesame", "dTpvcGVuIHNlc2FtZQ=="};
	struct hk_buf out;

	for (size_t i = 0; i < 2; i++) {
		hk_buf_init(&out, 100); /* not wiped itself, so what is found is not it */
		wiped.secret = secrets[i];
		wiped.found = 0;
		CHECK(hk_auth_basic("u", "open sesame", &out, NULL) == HK_OK);
		CHECK(wiped.found == 1);
		wiped.secret = NULL;
		hk_buf_free(&out);
	}
}

static void limits_the_length(void)
{
	size_t size = 64 * 1024 + 2;
	char *text = malloc(size);
	struct hk_buf out;

	CHECK(text);
	memset(text, 'a', size);
	text[size - 1] = '\0';
	hk_buf_init_secret(&out, 1 << 20);
	CHECK(hk_auth_basic(text, "", &out, NULL) == HK_EUSAGE);
	CHECK(hk_auth_basic("", text, &out, NULL) == HK_EUSAGE);
	text[size - 2] = '\0';
	CHECK(hk_auth_basic(text, text, &out, NULL) == HK_OK);
	CHECK(out.len == 6 + 4 * ((2 * (size - 2) + 1 + 2) / 3));
	hk_buf_free(&out);
	free(text);
}

int main(void)
{
	TEST(understands);
	TEST(refuses_and_keeps_what_was_before);
	TEST(collects_several_lines);
	TEST(drops_parameters_beyond_the_limit);
	TEST(drops_challenges_beyond_the_limit);
	TEST(reads_long_values);
	TEST(makes_basic);
	TEST(refuses_what_cannot_be_sent);
	TEST(makes_bearer);
	TEST(appends_all_or_nothing);
	TEST(wipes_what_it_made_on_the_way);
	TEST(limits_the_length);
	return test_end();
}
