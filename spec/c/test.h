/*
 * test.h: all that a C unit test needs. A test program is a list of functions:
 *
 *     static void parses_a_digest(void) { CHECK(...); }
 *     int main(void) { TEST(parses_a_digest); return test_end(); }
 *
 * A failed CHECK is reported with its place and the test goes on with the next function. The
 * program ends with the line "N passed, N failed, N skipped", which spec/run.lua adds up.
 */
#ifndef TEST_H
#define TEST_H

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

static jmp_buf test_jump;
static int test_passed, test_failed;

#define CHECK(x)                                                                                  \
	do {                                                                                      \
		if (!(x)) {                                                                       \
			printf("%s:%d: failed: %s\n", __FILE__, __LINE__, #x);                    \
			longjmp(test_jump, 1);                                                    \
		}                                                                                 \
	} while (0)

#define CHECK_STR(got, want)                                                                      \
	do {                                                                                      \
		const char *got_ = (got);                                                         \
		if (!got_ || strcmp(got_, (want)) != 0) {                                         \
			printf("%s:%d: got \"%s\", want \"%s\"\n", __FILE__, __LINE__,           \
				got_ ? got_ : "(null)", (want));                                 \
			longjmp(test_jump, 1);                                                    \
		}                                                                                 \
	} while (0)

#define TEST(f)                                                                                   \
	do {                                                                                      \
		if (setjmp(test_jump) == 0) {                                                     \
			f();                                                                      \
			test_passed++;                                                            \
		} else {                                                                          \
			printf("not ok: %s\n", #f);                                               \
			test_failed++;                                                            \
		}                                                                                 \
	} while (0)

static int test_end(void)
{
	printf("%d passed, %d failed, 0 skipped\n", test_passed, test_failed);
	fflush(stdout); /* a sanitizer may end the process without */
	return test_failed ? 1 : 0;
}

#endif
