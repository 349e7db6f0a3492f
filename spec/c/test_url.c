/* url: what is read, what is refused, and the judgements that safety rests on. */
#include <stdlib.h>

#include "test.h"
#include "url.h"

static void parses(void)
{
	static const struct {
		const char *text, *scheme, *host, *port, *path, *query;
		bool userinfo;
	} cases[] = {
		{"http://a", "http", "a", "80", "/", NULL, false},
		{"https://a", "https", "a", "443", "/", NULL, false},
		{"HTTPS://Registry.Example.ORG:5000/V2/?A=B", "https",
			"registry.example.org", "5000", "/V2/", "A=B", false},
		{"http://a:080/", "http", "a", "80", "/", NULL, false},
		{"http://a:/x", "http", "a", "80", "/x", NULL, false},
		{"http://a:65535/", "http", "a", "65535", "/", NULL, false},
		{"http://a?q", "http", "a", "80", "/", "q", false},
		{"http://a/b?c?d#e?f", "http", "a", "80", "/b", "c?d", false},
		{"http://a#f", "http", "a", "80", "/", NULL, false},
		{"http://a/b/../c/./d", "http", "a", "80", "/c/d", NULL, false},
		{"http://a/%2F/%C3%A9?%20+", "http", "a", "80", "/%2F/%C3%A9", "%20+",
			false},
		{"http://u@a/", "http", "a", "80", "/", NULL, true},
		{"http://u:p@a/", "http", "a", "80", "/", NULL, true},
		{"http://:p@a/", "http", "a", "80", "/", NULL, true},
		{"http://a.example\\@b.example/", "http", "b.example", "80", "/", NULL,
			true},
		{"http://[::1]:5000/", "http", "[::1]", "5000", "/", NULL, false},
		{"http://[2001:DB8::A]/", "http", "[2001:db8::a]", "80", "/", NULL,
			false},
		{"http://AZaz09-_.Z/", "http", "azaz09-_.z", "80", "/", NULL, false},
		{"http://a_b.example/", "http", "a_b.example", "80", "/", NULL, false},
		{"http://xn--bcher-kva.example/", "http", "xn--bcher-kva.example", "80",
			"/", NULL, false},
	};
	struct hk_url u;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CHECK(hk_url_parse(&u, cases[i].text, NULL) == HK_OK);
		CHECK_STR(u.scheme, cases[i].scheme);
		CHECK_STR(u.host, cases[i].host);
		CHECK_STR(u.port, cases[i].port);
		CHECK_STR(u.path, cases[i].path);
		CHECK(!u.query == !cases[i].query);
		if (u.query)
			CHECK_STR(u.query, cases[i].query);
		CHECK(u.userinfo == cases[i].userinfo);
		hk_url_free(&u);
		CHECK(!u.scheme && !u.host && !u.port && !u.path && !u.query);
		hk_url_free(&u);
	}
}

static void refuses(void)
{
	static const char *const bad[] = {"", " ", "a", "a.example", "a.example/b", "/a",
		"//a/", "?a", "http:", "http:a", "http://", "http:///", "http://?a",
		"http://:80/", "ftp://a/", "file:///etc/passwd", "gopher://a/", "data:,x",
		"unix:/x", "httpx://a/", "javascript:alert(1)", "://a/", " http://a/",
		"http://a/ ", "http://a b/", "http://a/b c", "http://a/?b c",
		"http://a/#b c", "http://a\n/", "http://a/\r\nHost: b", "http://a/\t",
		"http://a/\x01", "http://a/\x7f", "http://a/?\x1b", "http://u:p\x08@a/",
		"http://a:65536/", "http://a:99999999999999999999/", "http://a:8o/",
		"http://a:-1/", "http://a:80:80/", "http://[::1/", "http://::1/",
		"http://[]/", "http://[::1]x/", "http://[v1.x]/", "http://[:::::::::]/",
		"http://a,b/", "http://a%00b/", "http://a%0ab/", "http://a%20b/",
		"http://a|b/", "http://a%7fb/", "http://a%25b/", "http://a%/",
		"http://a~b/", "http://a%2fb/", "http://a<b/", "http://u@v@w/",
		/* one host, two spellings; one address, two machines */
		"http://b\xc3\xbc"
		"cher.example/",
		"http://b%c3%bc"
		"cher.example/",
		"http://\xef\xbd\x8cocalhost/", "http://\xff/",
		"http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/"};
	struct hk_err err;
	struct hk_url u;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		err.code = HK_OK;
		memset(&u, 0xff, sizeof u);
		if (hk_url_parse(&u, bad[i], &err) != HK_EUSAGE)
			printf("accepted: %s\n", bad[i]);
		CHECK(err.code == HK_EUSAGE && strncmp(err.msg, "bad URL: ", 9) == 0);
		CHECK(!u.scheme && !u.host && !u.port && !u.path && !u.query &&
			!u.userinfo);
		hk_url_free(&u);
	}
}

static void tells_what_is_wrong(void)
{
	static const struct {
		const char *text, *msg;
	} cases[] = {
		{"http://a/ b", "bad URL: a space in it"},
		{"http://a/\n", "bad URL: a control character in it"},
		{"http://a/\x7f", "bad URL: a control character in it"},
		{"ftp://a/", "bad URL: neither http nor https"},
		{"http://[fe80::1%25eth0]/", "bad URL: an IPv6 zone is not supported"},
	};
	struct hk_err err;
	struct hk_url u;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CHECK(hk_url_parse(&u, cases[i].text, &err) == HK_EUSAGE);
		CHECK_STR(err.msg, cases[i].msg);
	}
}

static char *long_url(size_t len)
{
	char *text = malloc(len + 1);

	CHECK(text);
	memset(text, 'a', len);
	memcpy(text, "http://a/", 9);
	text[len] = '\0';
	return text;
}

static void limits_the_length(void)
{
	char *longest = long_url(HK_URL_MAX), *longer = long_url(HK_URL_MAX + 1);
	struct hk_buf out;
	struct hk_url u;

	hk_buf_init(&out, 4 * HK_URL_MAX);
	CHECK(hk_url_parse(&u, longest, NULL) == HK_OK);
	hk_url_free(&u);
	CHECK(hk_url_parse(&u, longer, NULL) == HK_EUSAGE);
	CHECK(hk_url_join("http://b/", longest, &out, NULL) == HK_OK);
	CHECK_STR(out.data, longest);
	CHECK(hk_url_join("http://b/", longer, &out, NULL) == HK_EPROTOCOL);
	CHECK(hk_url_join(longer, "x", &out, NULL) == HK_EUSAGE);
	/* short enough by itself, too long when resolved */
	CHECK(hk_url_join("http://b/", longest + 9, &out, NULL) == HK_OK);
	CHECK(hk_url_join("http://beyond/", longest + 9, &out, NULL) == HK_EPROTOCOL);
	CHECK(!hk_url_same_origin(longer, longer) &&
		hk_url_same_origin(longest, longest));
	hk_buf_free(&out);
	free(longest);
	free(longer);
}

/* RFC 3986 section 5.4, with its base; libcurl's "http:g" is not a URL. */
static void joins_as_the_rfc_says(void)
{
	static const struct {
		const char *ref, *want;
	} cases[] = {
		{"g", "http://a/b/c/g"},
		{"./g", "http://a/b/c/g"},
		{"g/", "http://a/b/c/g/"},
		{"/g", "http://a/g"},
		{"//g", "http://g/"},
		{"?y", "http://a/b/c/d;p?y"},
		{"g?y", "http://a/b/c/g?y"},
		{"#s", "http://a/b/c/d;p?q"},
		{"g#s", "http://a/b/c/g"},
		{"g?y#s", "http://a/b/c/g?y"},
		{";x", "http://a/b/c/;x"},
		{"g;x", "http://a/b/c/g;x"},
		{"g;x?y#s", "http://a/b/c/g;x?y"},
		{"", "http://a/b/c/d;p?q"},
		{".", "http://a/b/c/"},
		{"./", "http://a/b/c/"},
		{"..", "http://a/b/"},
		{"../", "http://a/b/"},
		{"../g", "http://a/b/g"},
		{"../..", "http://a/"},
		{"../../", "http://a/"},
		{"../../g", "http://a/g"},
		{"../../../g", "http://a/g"},
		{"../../../../g", "http://a/g"},
		{"/./g", "http://a/g"},
		{"/../g", "http://a/g"},
		{"g.", "http://a/b/c/g."},
		{".g", "http://a/b/c/.g"},
		{"g..", "http://a/b/c/g.."},
		{"..g", "http://a/b/c/..g"},
		{"./../g", "http://a/b/g"},
		{"./g/.", "http://a/b/c/g/"},
		{"g/./h", "http://a/b/c/g/h"},
		{"g/../h", "http://a/b/c/h"},
		{"g;x=1/./y", "http://a/b/c/g;x=1/y"},
		{"g;x=1/../y", "http://a/b/c/y"},
		{"g?y/./x", "http://a/b/c/g?y/./x"},
		{"g?y/../x", "http://a/b/c/g?y/../x"},
		{"g#s/./x", "http://a/b/c/g"},
		{"g#s/../x", "http://a/b/c/g"},
		/* and what servers send besides */
		{"http://b:81/x?y#z", "http://b:81/x?y"},
		{"HTTPS://b", "https://b/"},
		{"//b:81/x", "http://b:81/x"},
		{"https://b/%C3%A9?s=a%2Bb%20c+d%7e&e==",
			"https://b/%C3%A9?s=a%2Bb%20c+d%7e&e=="},
		{"/x y", "http://a/x%20y"},
		{"/\x99", "http://a/%99"},
		{"/a//b", "http://a/a//b"},
		{"g?u=http://x/", "http://a/b/c/g?u=http://x/"},
		{"http://0x7f.1/", "http://127.0.0.1/"},
		{"#", "http://a/b/c/d;p?q"},
	};
	struct hk_buf out;

	hk_buf_init(&out, HK_URL_MAX);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (hk_url_join("http://a/b/c/d;p?q#f", cases[i].ref, &out, NULL) !=
			HK_OK)
			printf("refused: %s\n", cases[i].ref);
		CHECK_STR(out.data, cases[i].want);
		hk_buf_clear(&out);
	}
	hk_buf_free(&out);
}

static void refuses_to_join(void)
{
	static const char *const refs[] = {"ftp://a/", "file:///etc/passwd",
		"javascript:x", "mailto:a@b", "g:h", "http:g", "http://",
		"https://a:99999/", "/a\nb", "/\x01", "http://a b/", "//a%00/",
		"http://\xc3\xa9/", "//[fe80::1%25eth0]/", "data:,x"};
	static const char *const bases[] = {"", "a", "/a", "ftp://a/", "http://a b/"};
	struct hk_err err;
	struct hk_buf out;

	hk_buf_init(&out, HK_URL_MAX);
	CHECK(hk_buf_puts(&out, "old", NULL) == HK_OK);
	for (size_t i = 0; i < sizeof refs / sizeof *refs; i++) {
		err.code = HK_OK;
		if (hk_url_join("https://a/", refs[i], &out, &err) != HK_EPROTOCOL)
			printf("accepted: %s\n", refs[i]);
		CHECK(err.code == HK_EPROTOCOL);
	}
	for (size_t i = 0; i < sizeof bases / sizeof *bases; i++)
		CHECK(hk_url_join(bases[i], "http://b/", &out, &err) == HK_EUSAGE);
	CHECK_STR(out.data, "old");
	hk_buf_free(&out);
}

static void joins_in_place(void)
{
	struct hk_err err = {0};
	struct hk_buf out;

	hk_buf_init(&out, 20);
	CHECK(hk_buf_puts(&out, "http://a/b/c?d", NULL) == HK_OK);
	CHECK(hk_url_join(out.data, "../e", &out, &err) == HK_OK);
	CHECK_STR(out.data, "http://a/e");
	CHECK(hk_url_join("http://b/", out.data, &out, &err) == HK_OK);
	CHECK_STR(out.data, "http://a/e");
	CHECK(hk_url_join("http://a/", "much-too-long", &out, &err) == HK_EPROTOCOL);
	hk_buf_free(&out);
}

static void adds_to_the_query(void)
{
	static const struct {
		const char *url, *key, *value, *want;
	} cases[] = {
		{"http://a/b", "k", "v", "http://a/b?k=v"},
		{"http://a/b?c=d", "k", "v", "http://a/b?c=d&k=v"},
		{"http://a/", "scope", "repository:a/b:pull,push",
			"http://a/?scope=repository%3Aa%2Fb%3Apull%2Cpush"},
		{"http://a/", "a b", "c&d=e?f#g%h+\xc3\xa9\n",
			"http://a/?a%20b=c%26d%3De%3Ff%23g%25h%2B%C3%A9%0A"},
		{"http://a/", "-._~", "", "http://a/?-._~="},
		{"http://a/", "", "", "http://a/?="},
	};
	struct hk_buf b;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		hk_buf_init(&b, 1000);
		CHECK(hk_buf_puts(&b, cases[i].url, NULL) == HK_OK);
		CHECK(hk_url_add_query(&b, cases[i].key, cases[i].value, NULL) == HK_OK);
		CHECK_STR(b.data, cases[i].want);
		hk_buf_free(&b);
	}
}

static void adds_to_the_query_or_changes_nothing(void)
{
	struct hk_err err = {0};
	struct hk_buf b;

	hk_buf_init(&b, 12);
	CHECK(hk_buf_puts(&b, "http://a/", NULL) == HK_OK);
	CHECK(hk_url_add_query(&b, "k", "/", &err) == HK_EPROTOCOL);
	CHECK_STR(b.data, "http://a/");
	CHECK(hk_buf_puts(&b, "#f", NULL) == HK_OK);
	CHECK(hk_url_add_query(&b, "k", "", &err) == HK_EUSAGE);
	CHECK_STR(b.data, "http://a/#f");
	hk_buf_free(&b);
	CHECK(hk_url_add_query(&b, "k", "v", &err) == HK_OK);
	CHECK_STR(b.data, "?k=v");
	hk_buf_free(&b);
}

static void tells_origins_apart(void)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{"http://a/", "http://a", true},
		{"http://a/x?y#z", "HTTP://A:80/", true},
		{"https://a/", "https://a:443/", true},
		{"https://a:0443/", "https://a/", true},
		{"https://u:p@a/", "https://a/", true},
		{"http://127.1/", "http://127.0.0.1/", true},
		{"http://[0:0::1]/", "http://[::1]/", true},
		{"http://a/", "https://a/", false},
		{"http://a:443/", "https://a:443/", false},
		{"http://a/", "http://a:8080/", false},
		{"http://a/", "http://a.b/", false},
		{"http://a/", "http://a./", false},
		{"http://a/", "http://a@b/", false},
		{"http://a/", "http://ab/", false},
		{"http://[::1]/", "http://[::2]/", false},
		{"http://localhost/", "http://127.0.0.1/", false},
		/* what does not parse equals nothing, itself included */
		{"", "", false},
		{"ftp://a/", "ftp://a/", false},
		{"http://a b/", "http://a b/", false},
		{"http://a/", "http://a /", false},
		{"http://[fe80::1%25a]/", "http://[fe80::1%25b]/", false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (hk_url_same_origin(cases[i].a, cases[i].b) != cases[i].same)
			printf("wrong: %s %s\n", cases[i].a, cases[i].b);
		CHECK(hk_url_same_origin(cases[i].a, cases[i].b) == cases[i].same);
		CHECK(hk_url_same_origin(cases[i].b, cases[i].a) == cases[i].same);
	}
}

static void tells_sites_apart(void)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{"registry.example.org", "auth.example.org", true},
		{"example.org", "auth.example.org", true},
		{"a.b.example.org", "c.d.example.org", true},
		{"Registry.EXAMPLE.org", "auth.example.org", true},
		{"example.org.", "auth.example.org", true},
		{"x.a.co.uk", "y.a.co.uk", true},
		{"xn--bcher-kva.example", "www.xn--bcher-kva.example", true},
		{"a.registry.corp", "b.registry.corp", true},
		{"a.co.uk", "b.co.uk", false},
		{"a.org", "b.org", false},
		{"example.org", "example.com", false},
		{"example.org", "badexample.org", false},
		{"example.org", "example.org.evil.com", false},
		{"a.github.io", "b.github.io", false},
		{"registry.corp", "auth.corp", false},
		/* public suffixes and single labels: with themselves only */
		{"co.uk", "co.uk", true},
		{"co.uk", "a.co.uk", false},
		{"org", "example.org", false},
		{"registry", "registry", true},
		{"Registry", "registry", true},
		{"registry", "auth", false},
		{"localhost", "a.localhost", false},
		{"org.", "example.org.", false},
		{"a.org.", "b.org.", false},
		/* addresses */
		{"10.0.0.1", "10.0.0.1", true},
		{"10.0.0.1", "11.0.0.1", false},
		{"1.0.0.1.", "2.0.0.1.", false},
		{"a.0.1", "b.0.1", false},
		{"x.1.0", "y.1.0", false},
		{"x.1.9", "y.1.9", false},
		{"a.0x1", "b.0x1", false},
		{"[::1]", "[::1]", true},
		{"[2001:DB8::1]", "[2001:db8::1]", true},
		{"[::1]", "[::2]", false},
		{"[::ffff:10.0.0.1]", "[::fffe:10.0.0.1]", false},
		{"[a.example.org]", "b.example.org", false},
		/* what is no name */
		{"", "example.org", false},
		{".", "..", false},
		{"a..org", "b..org", false},
		{"x.a..org", "y.a..org", false},
		{"x..a.org", "a.org", false},
		{".example.org", "example.org", false},
		{"example.org..", "a.example.org..", false},
		{"a%2eexample.org", "b.example.org", false},
		{"a.example.org:80", "b.example.org:80", false},
	};
	char a[400] = "a.example.org", b[400] = "b.example.org";

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (hk_url_same_site(cases[i].a, cases[i].b) != cases[i].same)
			printf("wrong: %s %s\n", cases[i].a, cases[i].b);
		CHECK(hk_url_same_site(cases[i].a, cases[i].b) == cases[i].same);
		CHECK(hk_url_same_site(cases[i].b, cases[i].a) == cases[i].same);
	}
	CHECK(hk_url_same_site(a, b));
	memset(a, 'a', 300);
	memcpy(a + 300, ".example.org", 13);
	CHECK(!hk_url_same_site(a, b) && hk_url_same_site(a, a));
	for (size_t len = 250; len < 260; len++) {
		memset(a, 'a', len);
		memset(b, 'b', len);
		a[len] = b[len] = '\0';
		CHECK(!hk_url_same_site(a, b));
	}
}

static void knows_loopback(void)
{
	static const struct {
		const char *host;
		bool loopback;
	} cases[] = {
		{"localhost", true},
		{"LOCALHOST", true},
		{"a.localhost", true},
		{"a.b.localhost", true},
		{"127.0.0.1", true},
		{"127.255.255.254", true},
		{"[::1]", true},
		{"[0:0:0:0:0:0:0:1]", true},
		{"", false},
		{".localhost", false},
		{"localhost.", false},
		{"notlocalhost", false},
		{"localhost.example.org", false},
		{"localhosta", false},
		{"127.0.0.1.example.org", false},
		{"126.0.0.1", false},
		{"128.0.0.1", false},
		{"127.0.0", false},
		{"127.0.0.256", false},
		{"10.0.0.1", false},
		{"0.0.0.0", false},
		{"::1", false},
		{"[::1", false},
		{"[]", false},
		{"[", false},
		{"]", false},
		{"[::]", false},
		{"[::2]", false},
		{"x::1]", false},
		{"[::1x", false},
		{"[0000:0000:0000:0000:0000:0000:0000:0000:000001]", false},
		{"[::1]]", false},
		{"[[::1]", false},
		{"[::1%lo]", false},
		{"[fe80::1]", false},
		{"[127.0.0.1]", false},
		{"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]", false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (hk_url_loopback(cases[i].host) != cases[i].loopback)
			printf("wrong: %s\n", cases[i].host);
		CHECK(hk_url_loopback(cases[i].host) == cases[i].loopback);
	}
}

/* Other spellings of an address must not get past the judgement. */
static void knows_loopback_behind_other_spellings(void)
{
	static const char *const urls[] = {"http://127.1/", "http://0x7f.1/",
		"http://2130706433/", "http://0177.0.0.1/", "http://%30x7f.1/",
		"http://%31%32%37.0/", "http://%31%32%37.0.0.1/", "http://LocalHost/",
		"http://[0::0:1]/"};
	struct hk_url u;

	for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
		CHECK(hk_url_parse(&u, urls[i], NULL) == HK_OK);
		CHECK(hk_url_loopback(u.host));
		hk_url_free(&u);
	}
}

static void redacts(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"http://a", "http://a/"},
		{"https://a:443/b", "https://a/b"},
		{"http://a:443/b", "http://a:443/b"},
		{"https://user:secret@a:5000/b?sig=secret#secret",
			"https://a:5000/b?..."},
		{"https://secret@a/", "https://a/"},
		{"https://:secret@a/", "https://a/"},
		{"https://[::1]:81/?secret", "https://[::1]:81/?..."},
		{"https://a.example\\secret@b/", "https://b/"},
		{"", "(unreadable URL)"},
		{"user:secret@a/b", "(unreadable URL)"},
		{"ftp://user:secret@a/b", "(unreadable URL)"},
		{"http://user:se cret@a/", "(unreadable URL)"},
		{"http://a/\x1b[2J", "(unreadable URL)"},
		{"http://user:secret@/", "(unreadable URL)"},
	};
	struct hk_err err = {.code = HK_EIO, .msg = "about to be wrapped"};
	struct hk_buf out;

	hk_buf_init(&out, HK_URL_MAX);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CHECK(hk_url_redact(cases[i].text, &out, &err) == HK_OK);
		CHECK_STR(out.data, cases[i].want);
	}
	CHECK(err.code == HK_EIO);
	CHECK_STR(err.msg, "about to be wrapped");
	CHECK(hk_url_redact("http://a/b?c", &out, NULL) == HK_OK);
	CHECK(hk_url_redact(out.data, &out, NULL) == HK_OK);
	CHECK_STR(out.data, "http://a/b?...");
	hk_buf_free(&out);
	hk_buf_init(&out, 5);
	CHECK(hk_url_redact("http://a/", &out, NULL) == HK_EPROTOCOL);
	CHECK(hk_url_redact("", &out, NULL) == HK_EPROTOCOL);
	hk_buf_free(&out);
}

/* Whatever is wrong with a URL, its secrets stay out of the message. */
static void tells_no_secrets(void)
{
	static const char *const urls[] = {"http://user:secret@a b/?secret",
		"ftp://secret@a/", "http://secret:99999/", "http://a:secret/", "secret",
		"http://a/secret\n"};
	struct hk_buf out;
	struct hk_err err;
	struct hk_url u;

	hk_buf_init(&out, HK_URL_MAX);
	for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
		CHECK(hk_url_parse(&u, urls[i], &err) == HK_EUSAGE);
		CHECK(!strstr(err.msg, "secret"));
		CHECK(hk_url_join(urls[i], "x", &out, &err) == HK_EUSAGE);
		CHECK(!strstr(err.msg, "secret"));
	}
	CHECK(hk_url_join("http://a/", "ftp://secret@b/", &out, &err) == HK_EPROTOCOL);
	CHECK(!strstr(err.msg, "secret"));
	hk_buf_free(&out);
}

int main(void)
{
	TEST(parses);
	TEST(refuses);
	TEST(tells_what_is_wrong);
	TEST(limits_the_length);
	TEST(joins_as_the_rfc_says);
	TEST(refuses_to_join);
	TEST(joins_in_place);
	TEST(adds_to_the_query);
	TEST(adds_to_the_query_or_changes_nothing);
	TEST(tells_origins_apart);
	TEST(tells_sites_apart);
	TEST(knows_loopback);
	TEST(knows_loopback_behind_other_spellings);
	TEST(redacts);
	TEST(tells_no_secrets);
	return test_end();
}
