// SPDX-License-Identifier: MIT
/* Lines of bounded length out of a file, a pipe or memory: see input.h. */
#include "trace/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_BUFFER_BYTES ((size_t)256 * 1024)

int input_open(struct input *in, const char *path)
{
	struct stat st;
	int rc;

	*in = (struct input){.fd = STDIN_FILENO};
	if (strcmp(path, "-") != 0) {
		in->fd = open(path, O_RDONLY | O_CLOEXEC);
		if (in->fd < 0)
			return -errno;
		in->close_fd = true;
	}
	if (fstat(in->fd, &st)) {
		rc = -errno;
		goto close_it;
	}
	rc = -EISDIR;
	if (S_ISDIR(st.st_mode))
		goto close_it;
	if (S_ISREG(st.st_mode) && st.st_size > 0)
		in->total = (uint64_t)st.st_size;
	rc = -ENOMEM;
	in->buffer = malloc(INPUT_BUFFER_BYTES);
	if (!in->buffer)
		goto close_it;
	in->at = in->end = in->buffer;
	return 0;

close_it:
	input_close(in);
	return rc;
}

void input_open_memory(struct input *in, const void *data, size_t bytes)
{
	const char *at = data ? data : "";

	*in = (struct input){.fd = -1, .at = at, .end = at + bytes, .eof = true, .total = bytes};
}

void input_close(struct input *in)
{
	if (in->close_fd)
		(void)close(in->fd);
	free(in->buffer);
	*in = (struct input){.fd = -1, .eof = true};
}

/* Move what is left to the front and read behind it until something came. */
static int input_fill(struct input *in)
{
	const size_t left = (size_t)(in->end - in->at);
	ssize_t got;

	memmove(in->buffer, in->at, left);
	in->at = in->buffer;
	in->end = in->buffer + left;
	/* A signal that ends the read may be all that somebody who waits for a pipe can say. */
	got = read(in->fd, in->buffer + left, INPUT_BUFFER_BYTES - left);
	if (got < 0)
		return -errno;
	in->eof = got == 0;
	in->end += got;
	return 0;
}

int input_peek(struct input *in, const char **head, size_t *bytes)
{
	while (in->end - in->at < (ptrdiff_t)INPUT_HEAD && !in->eof) {
		const int rc = input_fill(in);

		if (rc)
			return rc;
	}
	*head = in->at;
	*bytes = (size_t)(in->end - in->at);
	return 0;
}

static void input_take(struct input *in, size_t bytes)
{
	in->at += bytes;
	in->taken += bytes;
	in->line++;
}

int input_line(struct input *in, const char **line, size_t *bytes, bool *whole)
{
	const char *newline;
	size_t there, length;

	for (;;) {
		there = (size_t)(in->end - in->at);
		newline = there ? memchr(in->at, '\n', there) : NULL;
		if (newline || in->eof || there > INPUT_LINE_MAX)
			break;
		const int rc = input_fill(in);

		if (rc)
			return rc;
	}
	if (!there)
		return 0;
	length = newline ? (size_t)(newline - in->at) : there;
	*line = in->at;
	*whole = newline != NULL;
	input_take(in, length + (newline != NULL));
	if (length > INPUT_LINE_MAX)
		return -EMSGSIZE;
	if (newline && length && (*line)[length - 1] == '\r')
		length--;
	*bytes = length;
	return 1;
}
