// SPDX-License-Identifier: MIT
/*
 * Runs a fuzz target over every file of the folders named on the command line, in name order: the
 * plain regression test over a corpus, for any compiler. A target that finds something aborts.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static int replay_file(const char *path)
{
	struct stat st;
	uint8_t *data = NULL;
	FILE *f = fopen(path, "rb");
	int ret = -1;

	if (f == NULL)
		return -1;
	if (fstat(fileno(f), &st) != 0)
		goto close;
	if (!S_ISREG(st.st_mode)) {
		ret = 0;
		goto close;
	}
	/* An exact allocation, so that a sanitizer sees a read past the input's end. */
	data = malloc(st.st_size != 0 ? (size_t)st.st_size : 1);
	if (data == NULL || fread(data, 1, (size_t)st.st_size, f) != (size_t)st.st_size)
		goto free;
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(data, (size_t)st.st_size);
	ret = 1;
free:
	free(data);
close:
	fclose(f);
	return ret;
}

/* How many files of @folder were run, or -1. */
static int replay_folder(const char *folder)
{
	struct dirent **names;
	int n = scandir(folder, &names, NULL, alphasort), total = 0;

	for (int i = 0; i < n; i++) {
		char path[4096];
		int ret;

		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		free(names[i]);
		ret = replay_file(path);
		if (ret < 0)
			total = -1;
		else if (total >= 0)
			total += ret;
	}
	if (n >= 0)
		free(names);
	return n < 0 ? -1 : total;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int n = replay_folder(argv[i]);

		if (n <= 0) {
			fprintf(stderr, "%s: %s\n", argv[i], n < 0 ? "cannot read" : "no input");
			return 1;
		}
		printf("%s: %d inputs\n", argv[i], n);
	}
	return argc > 1 ? 0 : 1;
}
