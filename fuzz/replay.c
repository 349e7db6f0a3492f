/*
 * replay: feeds the files that are named to a fuzz target, once each. With it the corpora
 * are regression tests that need no fuzzer.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUT_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(INPUT_MAX), *exact = NULL;
	size_t size = 0;
	int rc = 1;

	if (!file || !data)
		goto out;
	size = fread(data, 1, INPUT_MAX, file);
	if (ferror(file))
		goto out;
	/* To the byte, so that a sanitizer sees a read behind the end. */
	exact = realloc(data, size > 0 ? size : 1);
	if (!exact)
		goto out;
	data = exact;
	LLVMFuzzerTestOneInput(data, size);
	rc = 0;
out:
	if (rc != 0)
		perror(path);
	free(data);
	if (file)
		fclose(file);
	return rc;
}

int main(int argc, char **argv)
{
	int rc = 0;

	for (int i = 1; i < argc; i++)
		rc |= replay(argv[i]);
	printf("%d inputs\n", argc - 1);
	return rc;
}
