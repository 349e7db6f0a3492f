/* test_meter: sizes and digests of what went by. */
#include "hocker.h"
#include "test.h"

#define HELLO "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

static void counts_and_hashes(void)
{
	struct hk_err err = {0};
	struct hk_meter *m = hk_meter_new(true, &err);
	struct hk_sink *s = hk_meter_sink(m, &err);
	char text[HK_DIGEST_TEXT];

	CHECK(hk_meter_size(m) == -1 && !hk_meter_digest(m));
	CHECK(hk_sink_write(s, "hel", 3, &err) == HK_OK);
	CHECK(hk_meter_size(m) == -1 && !hk_meter_digest(m));
	CHECK(!hk_meter_sink(m, &err) && err.code == HK_EUSAGE);
	CHECK(hk_sink_write(s, "lo", 2, &err) == HK_OK);
	CHECK(hk_sink_finish(s, &err) == HK_OK);
	CHECK(hk_meter_size(m) == 5);
	hk_digest_text(hk_meter_digest(m), text);
	CHECK_STR(text, HELLO);
	hk_sink_free(s);
	hk_meter_unref(m);
}

static void begins_anew(void)
{
	struct hk_err err = {0};
	struct hk_meter *m = hk_meter_new(false, &err);
	struct hk_sink *s;

	for (int i = 0; i < 3; i++) {
		s = hk_meter_sink(m, &err);
		CHECK(s && hk_sink_write(s, "hello", 5, &err) == HK_OK);
		if (i == 1) { /* one that is dropped leaves nothing */
			hk_sink_free(s);
			CHECK(hk_meter_size(m) == -1);
			continue;
		}
		CHECK(hk_sink_finish(s, &err) == HK_OK);
		CHECK(hk_meter_size(m) == 5 && !hk_meter_digest(m));
		hk_sink_free(s);
	}
	hk_meter_unref(m);
}

static void outlives_its_owner(void)
{
	struct hk_err err = {0};
	struct hk_meter *m = hk_meter_new(true, &err);
	struct hk_sink *s = hk_meter_sink(m, &err);

	hk_meter_unref(m);
	CHECK(hk_sink_write(s, "x", 1, &err) == HK_OK);
	CHECK(hk_sink_finish(s, &err) == HK_OK);
	hk_sink_free(s);
}

int main(void)
{
	TEST(counts_and_hashes);
	TEST(begins_anew);
	TEST(outlives_its_owner);
	return test_end();
}
