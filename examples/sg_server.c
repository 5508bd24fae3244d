/* SPDX-License-Identifier: MIT */
/*
 * A device in a process of its own, as vfio-user has it, behind an IOMMU that the server embeds.
 *The client, in place of a virtual machine monitor and its guest, shares the guest's memory as a
 *file descriptor and forwards register accesses; for each scatter list of I/O addresses the server
 * finds the places in memory and gathers their bytes. Both halves of this library are in it: the
 * client's DMA layer writes VT-d tables into the shared memory, the server's VT-d unit reads them.
 * The messages are this example's own.
 *
 *	cc sg_server.c $(pkg-config --cflags --libs iotoll) -o sg_server && ./sg_server
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <iotoll/dma.h>
#include <iotoll/env.h>
#include <iotoll/iommu.h>

#define GUEST_BYTES (UINT64_C(64) << 20)
#define DEVICE      0x0010u
#define LIST_MAX    4u
#define GATHER_MAX  4096u

enum kind { REG_READ, REG_WRITE, GATHER, QUIT };

struct message {
	enum kind kind;
	unsigned width; /* of a register access */
	uint64_t offset, value;
	unsigned elements; /* of a list */
	struct {
		uint64_t iova, bytes;
	} list[LIST_MAX];
};

struct answer {
	int error; /* 0, or why not: negative errno */
	uint64_t value;
	uint64_t bytes, pieces; /* gathered, from so many places */
	char data[GATHER_MAX];
};

static void die(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, strerror(error));
	exit(1);
}

/* ---- the server: an IOMMU over memory that another process owns ---- */

struct server {
	uint8_t *memory;
	struct iotoll_iommu *iommu;
};

static int guest_read(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	const struct server *s = ctx;

	if (paddr > GUEST_BYTES || bytes > GUEST_BYTES - paddr)
		return -EFAULT;
	memcpy(to, s->memory + paddr, bytes);
	return 0;
}

static int guest_write(void *ctx, uint64_t paddr, const void *from, size_t bytes)
{
	const struct server *s = ctx;

	if (paddr > GUEST_BYTES || bytes > GUEST_BYTES - paddr)
		return -EFAULT;
	memcpy(s->memory + paddr, from, bytes);
	return 0;
}

/* One element of a list, wherever its bytes lie. */
static int gather_element(struct server *s, uint64_t iova, uint64_t bytes, struct answer *a)
{
	const struct iotoll_source who = {.devid = DEVICE};

	if (bytes > GATHER_MAX - a->bytes)
		return -EMSGSIZE;
	while (bytes != 0) {
		struct iotoll_piece piece[8];
		unsigned pieces = 8;
		uint64_t done;
		int rc = iotoll_iommu_translate_range(s->iommu, who, iova, bytes, IOTOLL_READ,
						      piece, &pieces, &done);

		for (unsigned i = 0; rc == 0 && i < pieces; i++) {
			rc = guest_read(s, piece[i].paddr, a->data + a->bytes, piece[i].bytes);
			a->bytes += piece[i].bytes;
			a->pieces++;
		}
		if (rc != 0)
			return rc;
		iova += done;
		bytes -= done;
	}
	return 0;
}

static void serve_one(struct server *s, const struct message *m, struct answer *a)
{
	*a = (struct answer){.error = 0};
	if (m->kind == REG_READ)
		a->error = iotoll_iommu_reg_read(s->iommu, m->offset, m->width, &a->value);
	else if (m->kind == REG_WRITE)
		a->error = iotoll_iommu_reg_write(s->iommu, m->offset, m->value, m->width);
	else if (m->kind != GATHER || m->elements > LIST_MAX)
		a->error = -EINVAL;
	else
		for (unsigned i = 0; a->error == 0 && i < m->elements; i++)
			a->error = gather_element(s, m->list[i].iova, m->list[i].bytes, a);
}

static int serve(int fd, int memory)
{
	struct server s = {
		.memory = mmap(NULL, GUEST_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0)};
	struct iotoll_iommu_config config;
	struct message m;
	struct answer a;
	char why[200] = "";

	if (s.memory == MAP_FAILED)
		die("server: guest memory", errno);
	if (iotoll_iommu_defaults(&config, "vtd") != 0)
		die("server: vtd", EINVAL);
	config.memory = (struct iotoll_memory){.ctx = &s,
					       .read = guest_read,
					       .write = guest_write,
					       .window = s.memory,
					       .window_bytes = GUEST_BYTES};
	if (iotoll_iommu_create(&s.iommu, &config, why, sizeof(why)) != 0) {
		fprintf(stderr, "server: %s\n", why);
		return 1;
	}
	while (recv(fd, &m, sizeof(m), 0) == (ssize_t)sizeof(m) && m.kind != QUIT) {
		serve_one(&s, &m, &a);
		if (send(fd, &a, sizeof(a), 0) != (ssize_t)sizeof(a))
			break;
	}
	iotoll_iommu_destroy(s.iommu);
	return 0;
}

/* ---- the client: a guest kernel's DMA layer over the same memory ---- */

static void ask(int fd, const struct message *m, struct answer *a)
{
	if (send(fd, m, sizeof(*m), 0) != (ssize_t)sizeof(*m) ||
	    recv(fd, a, sizeof(*a), 0) != (ssize_t)sizeof(*a))
		die("client: server gone", EPIPE);
}

static uint64_t reg_read(void *ctx, uint64_t offset, unsigned width)
{
	const struct message m = {.kind = REG_READ, .offset = offset, .width = width};
	struct answer a;

	ask(*(const int *)ctx, &m, &a);
	return a.value;
}

static void reg_write(void *ctx, uint64_t offset, uint64_t value, unsigned width)
{
	const struct message m = {
		.kind = REG_WRITE, .offset = offset, .value = value, .width = width};
	struct answer a;

	ask(*(const int *)ctx, &m, &a);
}

/* Text in three places that have nothing to do with each other, the second across a page's end. */
static void fill(struct dma_env *env, struct iotoll_sg sg[3])
{
	static const char *const part[3] = {"one list, ", "three buffers, ", "one answer"};
	iotoll_phys_t pages;

	if (iotoll_env_alloc_pages(env, 8, 4096, 0, &pages) != 0)
		die("client: pages", ENOMEM);
	for (unsigned i = 0; i < 3; i++) {
		sg[i].paddr =
			IOTOLL_PHYS(IOTOLL_PHYS_U64(pages) + i * 8192 + (i == 1 ? 4090 : 100));
		sg[i].bytes = strlen(part[i]);
		memcpy(iotoll_env_ptr(env, sg[i].paddr, sg[i].bytes), part[i], sg[i].bytes);
	}
}

static int drive(int fd, struct dma_env *env, struct iotoll_dma_device *device)
{
	struct message m = {.kind = GATHER, .elements = 3};
	struct iotoll_sg sg[3];
	struct answer a;

	fill(env, sg);
	if (iotoll_dma_map_sg(device, sg, 3, IOTOLL_DMA_TO_DEVICE) != 3)
		die("client: map", ENOSPC);
	for (unsigned i = 0; i < 3; i++) {
		m.list[i].iova = IOTOLL_IOVA_U64(sg[i].dma_address);
		m.list[i].bytes = sg[i].bytes;
	}
	ask(fd, &m, &a);
	printf("gathered %d bytes from %d places: %.*s\n", (int)a.bytes, (int)a.pieces,
	       (int)a.bytes, a.data);
	iotoll_dma_unmap_sg(device, sg, 3, IOTOLL_DMA_TO_DEVICE);
	if (a.error != 0 || a.bytes != sg[0].bytes + sg[1].bytes + sg[2].bytes)
		return 1;
	ask(fd, &m, &a);
	printf("the same list after the unmap: %s\n",
	       a.error == -EPERM ? "refused" : "let through");
	return a.error == -EPERM ? 0 : 1;
}

static int client(int fd, int memory)
{
	const struct iotoll_env_config env_config = {
		.ctx = &fd,
		.reg_read = reg_read,
		.reg_write = reg_write,
		.window = mmap(NULL, GUEST_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0),
		.memory_bytes = GUEST_BYTES};
	const struct iotoll_dma_config config = {.driver = "vtd",
						 .strategy = "strict",
						 .allocator = "magazines",
						 .table_entries = iotoll_dma_driver_entries("vtd")};
	const struct message quit = {.kind = QUIT};
	struct dma_env *env = NULL;
	struct iotoll_dma_domain *domain = NULL;
	struct iotoll_dma_device *device = NULL;
	char why[200] = "";
	int status;

	if (env_config.window == MAP_FAILED || iotoll_env_create(&env, &env_config) != 0)
		die("client: guest memory", ENOMEM);
	if (iotoll_dma_domain_create(&domain, env, &config, why, sizeof(why)) != 0 ||
	    iotoll_dma_attach(&device, domain, DEVICE, UINT32_MAX) != 0) {
		fprintf(stderr, "client: %s\n", why);
		return 1;
	}
	status = drive(fd, env, device);
	iotoll_dma_detach(device);
	iotoll_dma_domain_destroy(domain);
	iotoll_env_destroy(env);
	(void)send(fd, &quit, sizeof(quit), 0);
	return status;
}

int main(void)
{
	const int memory = memfd_create("guest", 0);
	int fd[2], status;
	pid_t server;

	if (memory < 0 || ftruncate(memory, GUEST_BYTES) != 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd) != 0)
		die("begin", errno);
	server = fork();
	if (server < 0)
		die("fork", errno);
	if (server == 0) {
		(void)close(fd[0]);
		return serve(fd[1], memory);
	}
	(void)close(fd[1]);
	status = client(fd[0], memory);
	(void)close(fd[0]);
	(void)waitpid(server, NULL, 0);
	return status;
}
