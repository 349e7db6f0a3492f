/*
 * unpreload: loaded into the interpreter beside the sanitizer's library, so that the programs
 * and servers that specs start don't get the sanitizer too.
 */
#include <stdlib.h>

__attribute__((constructor)) static void unpreload(void)
{
	unsetenv("LD_PRELOAD");
}
