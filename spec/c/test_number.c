/* number: digits in foreign text. */
#include "number.h"

#include <stddef.h>

#include "test.h"

static void reads_digits_and_stops_behind_them(void)
{
	static const struct {
		const char *text;
		int64_t want;
		size_t used;
	} cases[] = {
		{"0", 0, 1}, {"7-9", 7, 1}, {"0012x", 12, 4}, {"9223372036854775807", INT64_MAX, 19},
		{"9223372036854775808", -1, 0}, {"99999999999999999999", -1, 0}, {"", -1, 0},
		{"-1", -1, 0}, {"+1", -1, 0}, {" 1", -1, 0}, {"x", -1, 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *s = cases[i].text;

		CHECK(hk_number(&s) == cases[i].want);
		CHECK((size_t)(s - cases[i].text) == cases[i].used);
	}
}

int main(void)
{
	TEST(reads_digits_and_stops_behind_them);
	return test_end();
}
