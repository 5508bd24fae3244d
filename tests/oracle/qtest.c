// SPDX-License-Identifier: MIT
/*
 * See qtest.h. The protocol is that of QEMU's qtest server: an ASCII line a command, an ASCII line
 * an answer, strictly in order.
 */
#include "qtest_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_TIMEOUT_MS 20000

static int fail(struct qtest *q, int code, const char *what)
{
	char said[241] = "";
	ssize_t n;

	if (q->status != 0)
		return q->status;
	q->status = code;
	n = q->messages < 0 ? 0 : pread(q->messages, said, sizeof(said) - 1, 0);
	said[n > 0 ? n : 0] = '\0';
	said[strcspn(said, "\n")] = '\0';
	return err_set(&q->err, code, "QEMU: %s%s%s", what, said[0] ? "; it said: " : "", said);
}

static int buffer_reserve(struct buffer *b, size_t more)
{
	size_t size = b->size ? b->size : 65536;
	char *text;

	while (size - b->used < more)
		size *= 2;
	if (size == b->size)
		return 0;
	text = realloc(b->text, size);
	if (text == NULL)
		return -ENOMEM;
	b->text = text;
	b->size = size;
	return 0;
}

/* Queue one line and say what its answer is for. */
__attribute__((format(printf, 3, 4))) static void command(struct qtest *q, struct pending answer,
							  const char *fmt, ...)
{
	va_list ap;

	if (q->status != 0)
		return;
	if (q->pendings == q->pending_size) {
		size_t size = q->pending_size ? 2 * q->pending_size : 256;
		struct pending *grown = realloc(q->pending, size * sizeof(*grown));

		if (grown == NULL) {
			fail(q, -ENOMEM, "no memory for commands");
			return;
		}
		q->pending = grown;
		q->pending_size = size;
	}
	if (buffer_reserve(&q->out, 128) != 0) {
		fail(q, -ENOMEM, "no memory for commands");
		return;
	}
	va_start(ap, fmt);
	q->out.used += (size_t)vsnprintf(q->out.text + q->out.used, 128, fmt, ap);
	va_end(ap);
	q->pending[q->pendings++] = answer;
}

static char width_letter(unsigned width)
{
	return width == 1 ? 'b' : width == 2 ? 'w' : width == 4 ? 'l' : 'q';
}

void qtest_write(struct qtest *q, uint64_t addr, uint64_t value, unsigned width)
{
	command(q, (struct pending){0}, "write%c 0x%" PRIx64 " 0x%" PRIx64 "\n",
		width_letter(width), addr, value);
}

void qtest_read(struct qtest *q, uint64_t addr, unsigned width, uint64_t *to)
{
	command(q, (struct pending){.kind = ANSWER_NUMBER, .number = to}, "read%c 0x%" PRIx64 "\n",
		width_letter(width), addr);
}

void qtest_read_bytes(struct qtest *q, uint64_t addr, size_t bytes, void *to)
{
	command(q, (struct pending){.kind = ANSWER_BYTES, .bytes = to, .count = bytes},
		"read 0x%" PRIx64 " %zu\n", addr, bytes);
}

void qtest_write_bytes(struct qtest *q, uint64_t addr, size_t bytes, const void *from)
{
	static const char digit[] = "0123456789abcdef";
	const uint8_t *byte = from;

	command(q, (struct pending){0}, "write 0x%" PRIx64 " %zu 0x", addr, bytes);
	if (q->status != 0)
		return;
	if (buffer_reserve(&q->out, 2 * bytes + 1) != 0) {
		fail(q, -ENOMEM, "no memory for commands");
		return;
	}
	for (size_t i = 0; i < bytes; i++) {
		q->out.text[q->out.used++] = digit[byte[i] >> 4];
		q->out.text[q->out.used++] = digit[byte[i] & 15];
	}
	q->out.text[q->out.used++] = '\n';
}

void qtest_outl(struct qtest *q, uint16_t port, uint32_t value)
{
	command(q, (struct pending){0}, "outl 0x%x 0x%" PRIx32 "\n", port, value);
}

void qtest_inl(struct qtest *q, uint16_t port, uint64_t *to)
{
	command(q, (struct pending){.kind = ANSWER_NUMBER, .number = to}, "inl 0x%x\n", port);
}

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "0x" and two digits a byte, exactly as many as were asked for. */
static int take_bytes(const struct pending *p, const char *text)
{
	if (strncmp(text, "0x", 2) != 0 || strlen(text + 2) != 2 * p->count)
		return -EPROTO;
	for (size_t i = 0; i < p->count; i++) {
		int high = nibble(text[2 + 2 * i]), low = nibble(text[3 + 2 * i]);

		if (high < 0 || low < 0)
			return -EPROTO;
		p->bytes[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

/* One answer line, without its newline. */
static int take_answer(const struct pending *p, const char *line)
{
	char *end;

	if (strncmp(line, "OK", 2) != 0)
		return -EPROTO;
	if (p->kind == ANSWER_NONE)
		return line[2] == '\0' ? 0 : -EPROTO;
	if (line[2] != ' ')
		return -EPROTO;
	if (p->kind == ANSWER_BYTES)
		return take_bytes(p, line + 3);
	errno = 0;
	*p->number = strtoull(line + 3, &end, 0);
	return errno == 0 && *end == '\0' && end != line + 3 ? 0 : -EPROTO;
}

/* Take every complete line that has come; returns how many answers that were, or -errno. */
static int take_lines(struct qtest *q, size_t done)
{
	size_t start = 0, taken = 0;
	char *end;

	if (q->in.used == 0)
		return 0;
	while (done + taken < q->pendings &&
	       (end = memchr(q->in.text + start, '\n', q->in.used - start)) != NULL) {
		char *line = q->in.text + start;

		*end = '\0';
		start = (size_t)(end + 1 - q->in.text);
		if (take_answer(&q->pending[done + taken], line) != 0) {
			char what[120];

			snprintf(what, sizeof(what), "unexpected answer '%.80s'", line);
			return fail(q, -EPROTO, what);
		}
		taken++;
	}
	q->in.used -= start;
	if (start != 0)
		memmove(q->in.text, q->in.text + start, q->in.used);
	return (int)taken;
}

/* Send what can be sent and receive what has come: never blocks on one while the other is due. */
static int exchange(struct qtest *q, size_t *sent)
{
	struct pollfd p = {.fd = q->fd, .events = POLLIN};
	ssize_t n;

	if (*sent < q->out.used)
		p.events |= POLLOUT;
	if (poll(&p, 1, ANSWER_TIMEOUT_MS) <= 0)
		return fail(q, -ETIMEDOUT, "no answer in time");
	if (p.revents & POLLOUT) {
		n = send(q->fd, q->out.text + *sent, q->out.used - *sent,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			*sent += (size_t)n;
		else if (errno != EAGAIN && errno != EINTR)
			return fail(q, -EPIPE, "the connection broke");
	}
	if (p.revents & (POLLIN | POLLHUP | POLLERR)) {
		if (buffer_reserve(&q->in, 65536) != 0)
			return fail(q, -ENOMEM, "no memory for answers");
		n = recv(q->fd, q->in.text + q->in.used, q->in.size - q->in.used, MSG_DONTWAIT);
		if (n > 0)
			q->in.used += (size_t)n;
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return fail(q, -EPIPE, "it ended");
	}
	return 0;
}

int qtest_sync(struct qtest *q, struct err *err)
{
	size_t sent = 0, done = 0;
	int ret = q->status;

	while (ret >= 0 && done < q->pendings) {
		ret = exchange(q, &sent);
		if (ret == 0)
			ret = take_lines(q, done);
		if (ret > 0)
			done += (size_t)ret;
	}
	q->out.used = 0;
	q->pendings = 0;
	if (q->status != 0)
		return err_set(err, q->status, "%s", q->err.text);
	return 0;
}
