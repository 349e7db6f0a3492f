/* digest: the parser lets nothing else through, the spellings are right, the hash too.
 * The base-32 and base-64 values were made with nix-hash and base64. */
#include <stdlib.h>

#include "digest.h"
#include "test.h"

#define EMPTY256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC256	 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define EMPTY512                                                                         \
	"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"               \
	"47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"
#define ABC512                                                                           \
	"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"               \
	"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
#define ZEROS62 "00000000000000000000000000000000000000000000000000000000000000"
#define ONES64	"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static const struct {
	enum hk_alg alg;
	const char *hex, *nix32, *base64;
} spellings[] = {
	{HK_SHA256, "cd0a524342efac6edff500c17e625735bbe479c926439b263bbe3c8518a0849c",
		"1744l0c8ag5y7ck9nhr6r5wy9frmaxi7xh80ypgnxb7g891m42nd",
		"zQpSQ0LvrG7f9QDBfmJXNbvkeckmQ5smO748hRighJw="},
	{HK_SHA256, "054abe38b1e6f863befa4258cbfaf127b1cc9440d2e2e349b15d22e676b591e7",
		"1rwinmvfc8jxn54y7qnj82acrc97y7xcnn22zaz67y76n4wbwjh5",
		"BUq+OLHm+GO++kJYy/rxJ7HMlEDS4uNJsV0i5na1kec="},
	{HK_SHA256, EMPTY256, "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73",
		"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
	{HK_SHA256, ABC256, "1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s",
		"ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="},
	{HK_SHA256, ZEROS62 "00", "0000000000000000000000000000000000000000000000000000",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
	{HK_SHA256, "01" ZEROS62, "0000000000000000000000000000000000000000000000000001",
		"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
	{HK_SHA256, ZEROS62 "80", "1000000000000000000000000000000000000000000000000000",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA="},
	{HK_SHA256, ONES64, "1zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
		"//////////////////////////////////////////8="},
	{HK_SHA512, EMPTY512,
		"0zdl9zrg8r3i9c1g90lgg9ip5ijzv3yhz91i0zzn3r8ap9ws784gkp9dk9j3aglhgf1amqb0"
		"pj21"
		"mh7h1nxcl18akqvvf7ggqsy30yg",
		"z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/"
		"SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGl"
		"ODJ6+SfaPg=="},
	{HK_SHA512, ABC512,
		"2gs8k559z4rlahfx0y688s49m2vvszylcikrfinm30ly9rak69236nkam5ydvly1ai7xac99"
		"vxfc"
		"4ii84hawjbk876blyk1jfhkbbyx",
		"3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/"
		"uu9RU1EI2Q86A4q"
		"mslPpUyknw=="},
	{HK_SHA512, ONES64 ONES64,
		"3zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
		"zzzz"
		"zzzzzzzzzzzzzzzzzzzzzzzzzzz",
		"////////////////////////////////////////////////////////////////////////"
		"////"
		"/////////w=="},
	{HK_SHA512, ZEROS62 "00" ZEROS62 "80",
		"200000000000000000000000000000000000000000000000000000000000000000000000"
		"0000"
		"000000000000000000000000000",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		"AAAA"
		"AAAAAAAAgA=="},
};

static void join(char out[512], const char *a, const char *b, const char *c)
{
	snprintf(out, 512, "%s%s%s", a, b, c);
}

static void parses_and_spells(void)
{
	char want[512], got[HK_DIGEST_TEXT];
	struct hk_digest d;

	for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
		const char *name = hk_alg_name(spellings[i].alg);

		join(want, name, ":", spellings[i].hex);
		CHECK(hk_digest_parse(&d, want, strlen(want), NULL) == HK_OK);
		CHECK(d.alg == spellings[i].alg);
		memset(got, 'x', sizeof got);
		hk_digest_text(&d, got);
		CHECK_STR(got, want);
		memset(got, 'x', sizeof got);
		hk_digest_hex(&d, got);
		CHECK_STR(got, spellings[i].hex);
		memset(got, 'x', sizeof got);
		hk_digest_nix32(&d, got);
		CHECK_STR(got, spellings[i].nix32);
		memset(got, 'x', sizeof got);
		hk_digest_sri(&d, got);
		join(want, name, "-", spellings[i].base64);
		CHECK_STR(got, want);
	}
}

static void refuses_everything_else(void)
{
	static const char *const bad[] = {
		"",
		":",
		"sha256",
		"sha256:",
		"sha512:",
		EMPTY256,
		":" EMPTY256,
		"SHA256:" EMPTY256,
		"sha256-" EMPTY256,
		"sha256 " EMPTY256,
		"sha256::" EMPTY256,
		" sha256:" EMPTY256,
		"sha256:" EMPTY256 " ",
		"sha256:" EMPTY256 "\n",
		"sha256: " EMPTY256,
		"sha256:" EMPTY256 "0",
		"sha256:" EMPTY256 EMPTY256,
		"sha512:" EMPTY256,
		"sha256:" EMPTY512,
		"sha512:" EMPTY512 "0",
		"sha384:" EMPTY256,
		"blake3:" EMPTY256,
		"md5:d41d8cd98f00b204e9800998ecf8427e",
		"sha256+b64:" EMPTY256,
		/* 63 digits, upper case, and the neighbours of the digits in ASCII */
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85",
		"sha256:E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85F",
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85g",
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85`",
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85/",
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85:",
		"sha256:0xb0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"sha256:+3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"sha256:../../../../../../../../../../../../../../../../../../etc/passwd",
		"sha256:e3b0c44298fc1c149afbf4c8996fb924/7ae41e4649b934ca495991b7852b855",
		"sha256:\xe3\xb0\xc4\x42\x98\xfc\x1c\x14\x9a\xfb\xf4\xc8\x99\x6f\xb9\x24",
	};
	struct hk_digest d, untouched;
	struct hk_err err;

	memset(&d, 0x5a, sizeof d);
	untouched = d;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		err.code = HK_OK;
		if (hk_digest_parse(&d, bad[i], strlen(bad[i]), &err) != HK_EVERIFY)
			printf("accepted: %s\n", bad[i]);
		CHECK(err.code == HK_EVERIFY);
		CHECK(hk_digest_parse(&d, bad[i], strlen(bad[i]), NULL) == HK_EVERIFY);
	}
	CHECK(memcmp(&d, &untouched, sizeof d) == 0);
	CHECK(hk_digest_parse(&d, NULL, 0, &err) == HK_EVERIFY);
}

/* Every byte value at every place of a good digest, but for the digits themselves. */
static void refuses_every_other_byte(void)
{
	char text[] = "sha256:" EMPTY256;
	struct hk_digest d;

	for (size_t at = 0; at < sizeof text - 1; at++) {
		char good = text[at];

		for (int c = 0; c < 256; c++) {
			bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
			bool fits = at < 7 ? (char)c == good : digit;
			int want = fits ? HK_OK : HK_EVERIFY;

			text[at] = (char)c;
			CHECK(hk_digest_parse(&d, text, sizeof text - 1, NULL) == want);
		}
		text[at] = good;
	}
}

static void minds_the_length(void)
{
	static const char text[] = "sha256:" EMPTY256 "abcdef";
	struct hk_digest d;

	for (size_t len = 0; len < sizeof text; len++)
		CHECK((hk_digest_parse(&d, text, len, NULL) == HK_OK) == (len == 71));
}

/* Text that is as long as memory lets it be has no NUL behind it. */
static void reads_no_further_than_it_may(void)
{
	static const char good[] = "sha512:" EMPTY512;
	struct hk_err err;
	struct hk_digest d;

	for (size_t len = 1; len < sizeof good; len++) {
		char *tight = malloc(len);

		CHECK(tight);
		memcpy(tight, good, len);
		CHECK((hk_digest_parse(&d, tight, len, &err) == HK_OK) == (len == 135));
		free(tight);
	}
}

static void shows_what_it_refuses(void)
{
	char text[10000];
	struct hk_digest d;
	struct hk_err err;

	CHECK(hk_digest_parse(&d, "md5:00\x1b", 7, &err) == HK_EVERIFY);
	CHECK(strncmp(err.msg, "\"md5:00\\x1b\" is not a digest", 27) == 0);
	memset(text, 'a', sizeof text);
	CHECK(hk_digest_parse(&d, text, sizeof text, &err) == HK_EVERIFY);
	CHECK(strstr(err.msg, "lower case"));
}

static void knows_its_algorithms(void)
{
	CHECK(hk_alg_bytes(HK_SHA256) == 32);
	CHECK(hk_alg_bytes(HK_SHA512) == 64);
	CHECK_STR(hk_alg_name(HK_SHA256), "sha256");
	CHECK_STR(hk_alg_name(HK_SHA512), "sha512");
}

static void compares(void)
{
	struct hk_digest a = {.alg = HK_SHA256}, b = {.alg = HK_SHA256};

	memset(b.bytes + 32, 0xff, 32); /* beyond the digest */
	CHECK(hk_digest_equal(&a, &b) && hk_digest_equal(&b, &a));
	b.alg = HK_SHA512;
	CHECK(!hk_digest_equal(&a, &b));
	a.alg = HK_SHA512;
	CHECK(!hk_digest_equal(&a, &b));
	for (size_t i = 0; i < 64; i++) {
		b = a;
		CHECK(hk_digest_equal(&a, &b));
		b.bytes[i] ^= 1;
		CHECK(!hk_digest_equal(&a, &b));
	}
}

static void hash_text(enum hk_alg alg, const char *data, size_t step, char *hex)
{
	struct hk_hash *h = hk_hash_new(alg, NULL);
	size_t len = strlen(data);
	struct hk_digest d;

	CHECK(h);
	for (size_t i = 0; i < len; i += step)
		CHECK(hk_hash_update(h, data + i, len - i < step ? len - i : step,
			      NULL) == HK_OK);
	CHECK(hk_hash_update(h, "", 0, NULL) == HK_OK);
	CHECK(hk_hash_final(h, &d, NULL) == HK_OK);
	CHECK(d.alg == alg);
	hk_hash_free(h);
	hk_digest_hex(&d, hex);
}

static void hashes(void)
{
	/* FIPS 180-2, appendices B.2 and C.1 */
	static const struct {
		enum hk_alg alg;
		const char *data, *hex;
	} cases[] = {{HK_SHA256, "", EMPTY256}, {HK_SHA256, "abc", ABC256},
		{HK_SHA512, "", EMPTY512}, {HK_SHA512, "abc", ABC512},
		{HK_SHA256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c"
			"1"}};
	char hex[HK_DIGEST_TEXT];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (size_t step = 1; step < 80; step++) {
			hash_text(cases[i].alg, cases[i].data, step, hex);
			CHECK_STR(hex, cases[i].hex);
		}
}

static void is_final_once(void)
{
	struct hk_digest d = {0}, first;
	struct hk_err err = {0};
	struct hk_hash *h = hk_hash_new(HK_SHA256, &err);

	CHECK(h && hk_hash_final(h, &d, &err) == HK_OK);
	first = d;
	CHECK(hk_hash_final(h, &d, &err) == HK_EINTERNAL);
	CHECK(hk_hash_update(h, "x", 1, &err) == HK_EINTERNAL);
	CHECK(err.code == HK_EINTERNAL);
	CHECK(memcmp(&d, &first, sizeof d) == 0);
	hk_hash_free(h);
}

static void frees_at_any_time(void)
{
	struct hk_hash *h = hk_hash_new(HK_SHA512, NULL);

	hk_hash_free(NULL);
	hk_hash_free(h);
	h = hk_hash_new(HK_SHA512, NULL);
	CHECK(h && hk_hash_update(h, "x", 1, NULL) == HK_OK);
	hk_hash_free(h);
}

int main(void)
{
	TEST(parses_and_spells);
	TEST(refuses_everything_else);
	TEST(refuses_every_other_byte);
	TEST(minds_the_length);
	TEST(reads_no_further_than_it_may);
	TEST(shows_what_it_refuses);
	TEST(knows_its_algorithms);
	TEST(compares);
	TEST(hashes);
	TEST(is_final_once);
	TEST(frees_at_any_time);
	return test_end();
}
