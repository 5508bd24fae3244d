/* SPDX-License-Identifier: MIT */
/*
 * What a private copy of lwIP calls instead of its own functions and the C library's. Built into
 * a module of its own that the linker puts in front of liblwip in the namespace's search order,
 * so these definitions win wherever lwIP calls through its procedure linkage table.
 *
 * Packet buffers: lwIP puts a PBUF_RAM's header and data into one block. Here the data alone lies
 * in the simulated machine's memory, as Linux keeps struct sk_buff apart from skb->head; a
 * device that writes where it should not can spoil a frame but not a host pointer. PBUF_POOL
 * requests are served the same way (the binary's pool blocks are smaller than what it writes
 * into them).
 *
 * File-scope state: there is one instance of this file per namespace, which is its purpose.
 */
#include "guest/lwip_shim.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lwip/def.h"
#include "lwip/pbuf.h"

#define ARENA_BYTES (64u * 1024)

struct shim_frame {
	struct pbuf_custom custom;
	uint8_t *start; /* no header may begin before this */
};

static const struct lwip_shim_host *host;
/* For whoever allocates before iotoll_lwip_attach(): the namespace's own C library may. */
static _Alignas(16) unsigned char arena[ARENA_BYTES];
static size_t arena_used;
static char last_words[240];

/* Names we take over that no header in use here declares. */
uint32_t sys_now(void);
uint32_t sys_jiffies(void);
unsigned sys_arch_protect(void);
void sys_arch_unprotect(unsigned was);
void sys_check_core_locking(void);
void *malloc(size_t bytes);
void *calloc(size_t count, size_t bytes);
void *realloc(void *ptr, size_t bytes);
void free(void *ptr);
int rand(void);
void abort(void) __attribute__((noreturn));
int __printf_chk(int flag, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
u16_t lwip_standard_chksum(const void *data, int bytes);
u16_t lwip_chksum_copy(void *to, const void *from, u16_t bytes);

void iotoll_lwip_attach(const struct lwip_shim_host *with)
{
	host = with;
	last_words[0] = '\0';
}

/* ---- clock, randomness, locking ---- */

uint32_t sys_now(void)
{
	return host ? host->now_ms(host->ctx) : 0;
}

uint32_t sys_jiffies(void)
{
	return sys_now();
}

int rand(void)
{
	return host ? (int)(host->random(host->ctx) >> 1) : 0;
}

/* One simulated CPU at a time is inside lwIP: the stack's lock sees to that. */
unsigned sys_arch_protect(void)
{
	return 0;
}

void sys_arch_unprotect(unsigned was)
{
	(void)was;
}

void sys_check_core_locking(void)
{
}

/* ---- memory ---- */

static void *take(size_t bytes)
{
	void *at;

	if (host)
		return host->meta_alloc(host->ctx, bytes);
	bytes = (bytes + 15) & ~(size_t)15;
	if (bytes > ARENA_BYTES - arena_used)
		return NULL;
	at = arena + arena_used;
	arena_used += bytes;
	return at;
}

static int in_arena(const void *ptr)
{
	const unsigned char *at = ptr;

	return at >= arena && at < arena + ARENA_BYTES;
}

void *malloc(size_t bytes)
{
	return take(bytes);
}

void *calloc(size_t count, size_t bytes)
{
	size_t total;
	void *ptr;

	if (__builtin_mul_overflow(count, bytes, &total))
		return NULL;
	ptr = take(total);
	if (ptr)
		memset(ptr, 0, total);
	return ptr;
}

void free(void *ptr)
{
	if (ptr && host && !in_arena(ptr))
		host->meta_free(host->ctx, ptr);
}

void *realloc(void *ptr, size_t bytes)
{
	size_t had;
	void *to;

	if (!ptr)
		return take(bytes);
	had = in_arena(ptr) ? (size_t)(arena + ARENA_BYTES - (unsigned char *)ptr)
	      : host        ? host->meta_size(host->ctx, ptr)
			    : 0;
	to = take(bytes);
	if (to) {
		memcpy(to, ptr, had < bytes ? had : bytes);
		free(ptr);
	}
	return to;
}

/* ---- packet buffers ---- */

static void frame_free(struct pbuf *p)
{
	struct shim_frame *f = (struct shim_frame *)p;

	host->frame_free(host->ctx, f->start);
	host->meta_free(host->ctx, f);
}

static struct pbuf *frame_alloc(pbuf_layer layer, u16_t bytes)
{
	const size_t room = LWIP_MEM_ALIGN_SIZE((size_t)layer) + LWIP_MEM_ALIGN_SIZE((size_t)bytes);
	struct shim_frame *f;
	struct pbuf *p;

	if (!host || room > 0xffff)
		return NULL;
	f = host->meta_alloc(host->ctx, sizeof(*f));
	if (!f)
		return NULL;
	f->start = host->frame_alloc(host->ctx, room ? room : 1);
	if (!f->start) {
		host->meta_free(host->ctx, f);
		return NULL;
	}
	f->custom.custom_free_function = frame_free;
	p = pbuf_alloced_custom(layer, bytes, PBUF_RAM, &f->custom, f->start, (u16_t)room);
	if (!p)
		frame_free(&f->custom.pbuf);
	return p;
}

struct pbuf *pbuf_alloc(pbuf_layer layer, u16_t bytes, pbuf_type type)
{
	if (type == PBUF_REF || type == PBUF_ROM)
		return pbuf_alloc_reference(NULL, bytes, type);
	return frame_alloc(layer, bytes);
}

/* Room for a header in front: lwIP's own test compares the data with the header's address. */
static u8_t add_header(struct pbuf *p, size_t bytes, int force)
{
	uint8_t *at;

	if (!p || bytes > 0xffff || p->tot_len + bytes > 0xffff)
		return 1;
	at = (uint8_t *)p->payload - bytes;
	if ((p->flags & PBUF_FLAG_IS_CUSTOM) &&
	    ((struct pbuf_custom *)p)->custom_free_function == frame_free) {
		if (at < ((struct shim_frame *)p)->start)
			return 1;
	} else if (bytes && !force) {
		return 1; /* data of unknown extent */
	}
	p->payload = at;
	p->len = (u16_t)(p->len + bytes);
	p->tot_len = (u16_t)(p->tot_len + bytes);
	return 0;
}

u8_t pbuf_add_header(struct pbuf *p, size_t bytes)
{
	return add_header(p, bytes, 0);
}

u8_t pbuf_add_header_force(struct pbuf *p, size_t bytes)
{
	return add_header(p, bytes, 1);
}

/* ---- checksums ---- */

/*
 * The Internet checksum's sum (RFC 1071) as lwIP wants it: not inverted, bytes in memory order
 * whatever the alignment. Summed in 32-bit words into 64 bits, which compilers vectorise:
 * section 2(B) and 2(C) of the RFC allow both the order and the width.
 */
u16_t lwip_standard_chksum(const void *data, int bytes)
{
	const unsigned char *at = data;
	uint64_t sum = 0;

	for (; bytes >= 4; at += 4, bytes -= 4) {
		uint32_t word;

		memcpy(&word, at, sizeof(word));
		sum += word;
	}
	if (bytes >= 2) {
		uint16_t half;

		memcpy(&half, at, sizeof(half));
		sum += half;
		at += 2;
		bytes -= 2;
	}
	if (bytes > 0)
		sum += *at;
	sum = (sum >> 32) + (sum & 0xffffffffu);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (u16_t)sum;
}

u16_t lwip_chksum_copy(void *to, const void *from, u16_t bytes)
{
	memcpy(to, from, bytes);
	if (host)
		host->copied(host->ctx, to, from, bytes);
	return lwip_standard_chksum(to, bytes);
}

/* ---- last words: LWIP_PLATFORM_ASSERT prints, flushes and aborts ---- */

int __printf_chk(int flag, const char *fmt, ...)
{
	va_list args;
	int length;

	(void)flag;
	va_start(args, fmt);
	length = vsnprintf(last_words, sizeof(last_words), fmt, args);
	va_end(args);
	return length;
}

void abort(void)
{
	if (host)
		host->panic(host->ctx, last_words[0] ? last_words : "lwIP gave up");
	__builtin_trap();
}
