// SPDX-License-Identifier: MIT
/* Lines and pieces out of a file, a pipe or memory: see input.h. */
#include "trace/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace/unpack.h"

#define INPUT_BUFFER_BYTES ((size_t)256 * 1024)
#define INPUT_PACKED_BYTES ((size_t)64 * 1024)
/* Read for a small piece: what comes before a large one, not much of it, as it would be moved. */
#define INPUT_AHEAD ((size_t)4096)

/* Read compressed bytes if none are left. */
static int input_fill_packed(struct input *in)
{
	ssize_t got;

	if (in->from_bytes || in->packed_eof)
		return 0;
	got = read(in->fd, in->packed, INPUT_PACKED_BYTES);
	if (got < 0)
		return -errno;
	in->packed_eof = got == 0;
	in->from = in->packed;
	in->from_bytes = (size_t)got;
	return 0;
}

/* Unpack to @to until something came out or nothing more will. */
static int input_unpack(struct input *in, char *to, size_t room, size_t *got)
{
	for (;;) {
		size_t before;
		int rc = input_fill_packed(in);

		if (rc)
			return rc;
		before = in->from_bytes;
		*got = room;
		rc = unpack_run(in->unpack, &in->from, &in->from_bytes, in->packed_eof, to, got);
		in->packed_taken += before - in->from_bytes;
		if (rc < 0)
			return rc;
		if (*got || rc == 0)
			return 0;
	}
}

/* Move what is left to the front and read up to @most behind it, until something came. */
static int input_fill(struct input *in, size_t most)
{
	const size_t left = (size_t)(in->end - in->at);
	const size_t room = most < in->room - left ? most : in->room - left;
	size_t came = 0;
	ssize_t got;
	int rc;

	memmove(in->buffer, in->at, left);
	in->at = in->buffer;
	in->end = in->buffer + left;
	if (in->unpack) {
		rc = input_unpack(in, in->buffer + left, room, &came);
		if (rc)
			return rc;
	} else {
		/* A signal that ends the read may be all that who waits for a pipe can say. */
		got = read(in->fd, in->buffer + left, room);
		if (got < 0)
			return -errno;
		came = (size_t)got;
	}
	in->eof = came == 0;
	in->end += came;
	return 0;
}

/* Is it compressed? Then what is there so far is what is to be unpacked. */
static int input_begin(struct input *in)
{
	const size_t there = (size_t)(in->end - in->at);
	int rc;

	in->packing = unpack_recognise(in->at, there);
	if (!in->packing)
		return 0;
	rc = unpack_open(&in->unpack, in->packing);
	if (rc)
		return rc;
	if (in->fd < 0) {
		in->from = in->at;
		in->packed_eof = true;
	} else {
		in->packed = malloc(there > INPUT_PACKED_BYTES ? there : INPUT_PACKED_BYTES);
		if (!in->packed)
			return -ENOMEM;
		memcpy(in->packed, in->at, there);
		in->from = in->packed;
		in->packed_eof = in->eof;
	}
	in->from_bytes = there;
	if (!in->buffer) {
		in->buffer = malloc(INPUT_BUFFER_BYTES);
		in->room = INPUT_BUFFER_BYTES;
	}
	in->at = in->end = in->buffer;
	in->eof = false;
	return in->buffer ? 0 : -ENOMEM;
}

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
	in->room = INPUT_BUFFER_BYTES;
	if (!in->buffer)
		goto close_it;
	in->at = in->end = in->buffer;
	while (in->end - in->at < UNPACK_HEAD && !in->eof) {
		rc = input_fill(in, SIZE_MAX);
		if (rc)
			goto close_it;
	}
	rc = input_begin(in);
	if (!rc)
		return 0;

close_it:
	input_close(in);
	return rc;
}

int input_open_memory(struct input *in, const void *data, size_t bytes)
{
	const char *at = data ? data : "";
	int rc;

	*in = (struct input){.fd = -1, .at = at, .end = at + bytes, .eof = true, .total = bytes};
	rc = input_begin(in);
	if (rc)
		input_close(in);
	return rc;
}

void input_close(struct input *in)
{
	if (in->close_fd)
		(void)close(in->fd);
	unpack_close(in->unpack);
	free(in->packed);
	free(in->buffer);
	*in = (struct input){.fd = -1, .eof = true};
}

int input_peek(struct input *in, const char **head, size_t *bytes)
{
	while (in->end - in->at < (ptrdiff_t)INPUT_HEAD && !in->eof) {
		const int rc = input_fill(in, SIZE_MAX);

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
		const int rc = input_fill(in, SIZE_MAX);

		if (rc)
			return rc;
	}
	if (!there)
		return 0;
	length = newline ? (size_t)(newline - in->at) : there;
	*line = in->at;
	*whole = newline != NULL;
	input_take(in, length + (newline != NULL));
	in->line++;
	if (length > INPUT_LINE_MAX)
		return -EMSGSIZE;
	if (newline && length && (*line)[length - 1] == '\r')
		length--;
	*bytes = length;
	return 1;
}

/* Room for a piece of @bytes. */
static int input_grow(struct input *in, size_t bytes)
{
	const size_t left = (size_t)(in->end - in->at);
	char *grown;

	if (bytes <= in->room)
		return 0;
	memmove(in->buffer, in->at, left);
	grown = realloc(in->buffer, bytes);
	if (grown) {
		in->buffer = grown;
		in->room = bytes;
	}
	in->at = in->buffer;
	in->end = in->buffer + left;
	return grown ? 0 : -ENOMEM;
}

int input_piece(struct input *in, size_t bytes, const char **piece)
{
	size_t there;

	while ((there = (size_t)(in->end - in->at)) < bytes && !in->eof) {
		int rc = input_grow(in, bytes);

		if (!rc)
			rc = input_fill(in, bytes < INPUT_AHEAD ? INPUT_AHEAD : bytes - there);
		if (rc)
			return rc;
	}
	if ((size_t)(in->end - in->at) < bytes)
		return in->at == in->end ? 0 : -EMSGSIZE;
	*piece = in->at;
	input_take(in, bytes);
	return 1;
}

bool input_is_file(const struct input *in)
{
	return in->fd >= 0 && !in->unpack && in->total > 0;
}

uint64_t input_position(const struct input *in)
{
	return in->unpack ? in->packed_taken : in->taken;
}
