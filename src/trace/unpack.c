// SPDX-License-Identifier: MIT
/* gzip by zlib, xz by liblzma, zstd by libzstd behind one function: see unpack.h. */
#include "trace/unpack.h"

#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST /* next_in is read only */
#include <zlib.h>
#include <zstd.h>

#define UNPACK_MEMORY ((uint64_t)256 << 20)
#define GZIP_PIECE    (1u << 30) /* zlib counts in unsigned int */

struct unpack_row {
	const char *name, *magic;
	size_t bytes;
	int (*open)(struct unpack *u);
	void (*close)(struct unpack *u);
	int (*run)(struct unpack *u, const char **in, size_t *in_bytes, bool last, char *out,
		   size_t *out_bytes);
};

struct unpack {
	const struct unpack_row *row;
	bool ended; /* between members */
	union {
		z_stream gzip;
		lzma_stream xz;
		ZSTD_DStream *zstd;
	};
};

/* ---- gzip ---- */

static int gzip_open(struct unpack *u)
{
	return inflateInit2(&u->gzip, 15 + 16) == Z_OK ? 0 : -ENOMEM;
}

static void gzip_close(struct unpack *u)
{
	inflateEnd(&u->gzip);
}

static int gzip_run(struct unpack *u, const char **in, size_t *in_bytes, bool last, char *out,
		    size_t *out_bytes)
{
	z_stream *z = &u->gzip;
	const size_t room = *out_bytes;
	const uInt given = *in_bytes < GZIP_PIECE ? (uInt)*in_bytes : GZIP_PIECE;
	int rc;

	if (u->ended && *in_bytes) {
		if (inflateReset(z) != Z_OK)
			return -EBADMSG;
		u->ended = false;
	}
	z->next_in = (const Bytef *)*in;
	z->avail_in = given;
	z->next_out = (Bytef *)out;
	z->avail_out = (uInt)room;
	*out_bytes = 0;
	if (u->ended)
		return last ? 0 : 1;
	rc = inflate(z, Z_NO_FLUSH);
	*in = (const char *)z->next_in;
	*in_bytes -= given - z->avail_in;
	*out_bytes = room - z->avail_out;
	if (rc == Z_STREAM_END)
		u->ended = true;
	else if (rc == Z_MEM_ERROR)
		return -ENOMEM;
	else if (rc != Z_OK && rc != Z_BUF_ERROR)
		return -EBADMSG;
	return last && !u->ended && !*in_bytes && !*out_bytes ? -EBADMSG : 1;
}

/* ---- xz ---- */

static int xz_open(struct unpack *u)
{
	u->xz = (lzma_stream)LZMA_STREAM_INIT;
	return lzma_stream_decoder(&u->xz, UNPACK_MEMORY, LZMA_CONCATENATED) == LZMA_OK ? 0
											: -ENOMEM;
}

static void xz_close(struct unpack *u)
{
	lzma_end(&u->xz);
}

static int xz_run(struct unpack *u, const char **in, size_t *in_bytes, bool last, char *out,
		  size_t *out_bytes)
{
	lzma_stream *x = &u->xz;
	const size_t room = *out_bytes;
	lzma_ret rc;

	*out_bytes = 0;
	if (u->ended)
		return 0;
	x->next_in = (const uint8_t *)*in;
	x->avail_in = *in_bytes;
	x->next_out = (uint8_t *)out;
	x->avail_out = room;
	rc = lzma_code(x, last ? LZMA_FINISH : LZMA_RUN);
	*in = (const char *)x->next_in;
	*in_bytes = x->avail_in;
	*out_bytes = room - x->avail_out;
	if (rc == LZMA_STREAM_END) {
		u->ended = true;
		return 1;
	}
	if (rc == LZMA_MEM_ERROR || rc == LZMA_MEMLIMIT_ERROR)
		return -ENOMEM;
	if (rc == LZMA_BUF_ERROR)
		return last ? -EBADMSG : 1;
	return rc == LZMA_OK ? 1 : -EBADMSG;
}

/* ---- zstd ---- */

static int zstd_open(struct unpack *u)
{
	u->zstd = ZSTD_createDStream();
	return u->zstd ? 0 : -ENOMEM;
}

static void zstd_close(struct unpack *u)
{
	ZSTD_freeDStream(u->zstd);
}

static int zstd_run(struct unpack *u, const char **in, size_t *in_bytes, bool last, char *out,
		    size_t *out_bytes)
{
	ZSTD_inBuffer from = {*in, *in_bytes, 0};
	ZSTD_outBuffer to = {out, *out_bytes, 0};
	size_t rc;

	*out_bytes = 0;
	if (u->ended && !*in_bytes)
		return last ? 0 : 1;
	rc = ZSTD_decompressStream(u->zstd, &to, &from);
	if (ZSTD_isError(rc))
		return -EBADMSG;
	*in += from.pos;
	*in_bytes -= from.pos;
	*out_bytes = to.pos;
	u->ended = rc == 0;
	return last && !u->ended && !*in_bytes && !to.pos ? -EBADMSG : 1;
}

static const struct unpack_row rows[] = {
	{"gzip", "\x1F\x8B", 2, gzip_open, gzip_close, gzip_run},
	{"xz",
	 "\xFD"
	 "7zXZ",
	 6, xz_open, xz_close, xz_run},
	{"zstd", "\x28\xB5\x2F\xFD", 4, zstd_open, zstd_close, zstd_run},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

const char *unpack_recognise(const char *head, size_t bytes)
{
	for (size_t i = 0; i < ROWS; i++)
		if (bytes >= rows[i].bytes && memcmp(head, rows[i].magic, rows[i].bytes) == 0)
			return rows[i].name;
	return NULL;
}

int unpack_open(struct unpack **out, const char *name)
{
	struct unpack *u = calloc(1, sizeof(*u));
	int rc;

	if (!u)
		return -ENOMEM;
	for (u->row = rows; strcmp(u->row->name, name) != 0;)
		u->row++;
	rc = u->row->open(u);
	if (rc)
		free(u);
	else
		*out = u;
	return rc;
}

void unpack_close(struct unpack *u)
{
	if (!u)
		return;
	u->row->close(u);
	free(u);
}

int unpack_run(struct unpack *u, const char **in, size_t *in_bytes, bool last, char *out,
	       size_t *out_bytes)
{
	return u->row->run(u, in, in_bytes, last, out, out_bytes);
}
