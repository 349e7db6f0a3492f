/* buf: growth, the ceiling, failures that change nothing, and the cleansing of secrets.
 */
#include <stdint.h>
#include <stdlib.h>

#include "buf.h"
#include "test.h"

/* Huge requests shall come back as NULL under the sanitizers too. */
HK_API const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

HK_API const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "allocator_may_return_null=1";
}

/* Stands in for the C library's explicit_bzero, and notes what it was asked to wipe. */
static struct {
	unsigned calls;
	size_t len;
	char before[64];
} cleansed;

void wipe(void *ptr, size_t len) __asm__("explicit_bzero");
void wipe(void *ptr, size_t len)
{
	cleansed.calls++;
	cleansed.len = len;
	memcpy(cleansed.before, ptr,
		len < sizeof cleansed.before ? len : sizeof cleansed.before);
	memset(ptr, 0, len);
}

static void begins_empty(void)
{
	struct hk_buf b;

	memset(&b, 0xff, sizeof b);
	hk_buf_init(&b, 10);
	CHECK(!b.data && b.len == 0 && b.cap == 0 && b.max == 10 && !b.secret);
	hk_buf_free(&b);
	hk_buf_init_secret(&b, 20);
	CHECK(!b.data && b.len == 0 && b.cap == 0 && b.max == 20 && b.secret);
	hk_buf_free(&b);
}

static void appends_bytes(void)
{
	struct hk_buf b;

	hk_buf_init(&b, 100);
	CHECK(hk_buf_add(&b, "a\0b", 3, NULL) == HK_OK);
	CHECK(b.len == 3 && memcmp(b.data, "a\0b", 4) == 0);
	CHECK(hk_buf_puts(&b, "cd", NULL) == HK_OK);
	CHECK(hk_buf_printf(&b, NULL, "%d%s", 42, "x") == HK_OK);
	CHECK(b.len == 8 && memcmp(b.data, "a\0bcd42x", 9) == 0);
	hk_buf_free(&b);
}

static void appends_nothing(void)
{
	struct hk_buf b;

	hk_buf_init(&b, 0);
	CHECK(hk_buf_add(&b, NULL, 0, NULL) == HK_OK);
	CHECK_STR(b.data, "");
	CHECK(hk_buf_puts(&b, "", NULL) == HK_OK);
	CHECK(hk_buf_printf(&b, NULL, "%s", "") == HK_OK);
	CHECK(b.len == 0 && b.cap > 0);
	hk_buf_free(&b);
}

/* Every length up to a few doublings, a byte at a time; each is whole and terminated. */
static void grows(void)
{
	struct hk_buf b;
	size_t moves = 0, cap = 0;

	hk_buf_init(&b, 5000);
	for (size_t i = 0; i < 5000; i++) {
		char c = (char)('a' + i % 26);

		CHECK(hk_buf_add(&b, &c, 1, NULL) == HK_OK);
		CHECK(b.len == i + 1 && b.data[i] == c && b.data[i + 1] == '\0');
		CHECK(b.cap > b.len && b.cap <= b.max + 1);
		moves += b.cap != cap;
		cap = b.cap;
	}
	for (size_t i = 0; i < 5000; i++)
		CHECK(b.data[i] == (char)('a' + i % 26));
	CHECK(moves < 12);
	hk_buf_free(&b);
}

static void stops_at_the_ceiling(void)
{
	struct hk_err err = {0};
	struct hk_buf b;

	hk_buf_init(&b, 5);
	CHECK(hk_buf_puts(&b, "123456", &err) == HK_EPROTOCOL);
	CHECK(!b.data && b.len == 0);
	CHECK_STR(err.msg, "more than 5 bytes");
	CHECK(hk_buf_puts(&b, "12345", &err) == HK_OK);
	CHECK(b.cap == 6);
	CHECK(hk_buf_add(&b, "6", 1, &err) == HK_EPROTOCOL);
	CHECK(hk_buf_puts(&b, "6", NULL) == HK_EPROTOCOL);
	CHECK(hk_buf_printf(&b, &err, "%d", 6) == HK_EPROTOCOL);
	CHECK(hk_buf_add(&b, "", SIZE_MAX, &err) == HK_EPROTOCOL);
	CHECK(hk_buf_add(&b, "", 0, &err) == HK_OK);
	CHECK_STR(b.data, "12345");
	CHECK(b.len == 5);
	hk_buf_free(&b);
}

static void printf_that_does_not_fit_changes_nothing(void)
{
	struct hk_buf b;

	hk_buf_init(&b, 70);
	CHECK(hk_buf_puts(&b, "start", NULL) == HK_OK);
	CHECK(hk_buf_printf(&b, NULL, "%066d", 1) == HK_EPROTOCOL);
	CHECK_STR(b.data, "start");
	CHECK(hk_buf_printf(&b, NULL, "%065d", 1) == HK_OK);
	CHECK(b.len == 70 && b.data[69] == '1' && b.data[70] == '\0');
	hk_buf_free(&b);
}

static void survives_lack_of_memory(void)
{
	volatile size_t huge = SIZE_MAX / 2 - 100;
	struct hk_err err = {0};
	struct hk_buf b;

	hk_buf_init(&b, SIZE_MAX);
	CHECK(hk_buf_puts(&b, "kept", &err) == HK_OK);
	CHECK(hk_buf_add(&b, "", huge, &err) == HK_ENOMEM);
	CHECK(hk_buf_add(&b, "", SIZE_MAX - 4, &err) == HK_ENOMEM);
	CHECK(hk_buf_add(&b, "", SIZE_MAX - 5, &err) == HK_ENOMEM);
	CHECK_STR(b.data, "kept");
	CHECK(b.len == 4 && b.cap < 1000);
	CHECK(hk_buf_add(&b, "", SIZE_MAX, NULL) == HK_EPROTOCOL);
	hk_buf_free(&b);

	hk_buf_init_secret(&b, SIZE_MAX);
	CHECK(hk_buf_puts(&b, "secret", &err) == HK_OK);
	CHECK(hk_buf_add(&b, "", huge, &err) == HK_ENOMEM);
	CHECK_STR(b.data, "secret");
	hk_buf_free(&b);
}

static void clears_and_keeps_its_memory(void)
{
	struct hk_buf b;

	hk_buf_init(&b, 100);
	hk_buf_clear(&b);
	CHECK(!b.data);
	CHECK(hk_buf_puts(&b, "text", NULL) == HK_OK);
	char *data = b.data;
	size_t cap = b.cap;
	hk_buf_clear(&b);
	CHECK(b.len == 0 && b.data == data && b.cap == cap && b.data[0] == '\0');
	CHECK(hk_buf_puts(&b, "new", NULL) == HK_OK);
	CHECK(b.data == data);
	CHECK_STR(b.data, "new");
	hk_buf_free(&b);
}

static void can_be_used_after_free(void)
{
	struct hk_buf b;

	hk_buf_init_secret(&b, 3);
	CHECK(hk_buf_puts(&b, "abc", NULL) == HK_OK);
	hk_buf_free(&b);
	CHECK(!b.data && b.len == 0 && b.cap == 0 && b.max == 3 && b.secret);
	hk_buf_free(&b);
	CHECK(hk_buf_puts(&b, "abcd", NULL) == HK_EPROTOCOL);
	CHECK(hk_buf_puts(&b, "abc", NULL) == HK_OK);
	hk_buf_free(&b);
}

static void wipes_secrets(void)
{
	struct hk_buf b;
	size_t cap;

	hk_buf_init_secret(&b, 10000);
	CHECK(hk_buf_puts(&b, "hunter2", NULL) == HK_OK);
	cleansed.calls = 0;
	cap = b.cap;
	CHECK(hk_buf_printf(&b, NULL, "%0500d", 0) == HK_OK);
	CHECK(cleansed.calls == 1 && cleansed.len == cap);
	CHECK(strcmp(cleansed.before, "hunter2") == 0);
	CHECK(b.len == 507 && memcmp(b.data, "hunter2000", 10) == 0);

	hk_buf_clear(&b);
	CHECK(cleansed.calls == 2 && cleansed.len == b.cap);
	for (size_t i = 0; i < b.cap; i++)
		CHECK(b.data[i] == '\0');

	CHECK(hk_buf_puts(&b, "swordfish", NULL) == HK_OK);
	cap = b.cap;
	hk_buf_free(&b);
	CHECK(cleansed.calls == 3 && cleansed.len == cap);
	CHECK(strcmp(cleansed.before, "swordfish") == 0);
}

static void spares_what_is_no_secret(void)
{
	struct hk_buf b;

	cleansed.calls = 0;
	hk_buf_init(&b, 10000);
	CHECK(hk_buf_printf(&b, NULL, "%0500d", 0) == HK_OK);
	CHECK(hk_buf_printf(&b, NULL, "%0500d", 0) == HK_OK);
	hk_buf_clear(&b);
	hk_buf_free(&b);
	CHECK(cleansed.calls == 0);
}

int main(void)
{
	TEST(begins_empty);
	TEST(appends_bytes);
	TEST(appends_nothing);
	TEST(grows);
	TEST(stops_at_the_ceiling);
	TEST(printf_that_does_not_fit_changes_nothing);
	TEST(survives_lack_of_memory);
	TEST(clears_and_keeps_its_memory);
	TEST(can_be_used_after_free);
	TEST(wipes_secrets);
	TEST(spares_what_is_no_secret);
	return test_end();
}
