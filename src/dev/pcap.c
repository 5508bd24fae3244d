/* SPDX-License-Identifier: MIT */
/*
 * The pcap writer. Format: draft-ietf-opsawg-pcap, sections 4 and 5 (file header of 24 bytes,
 * record header of 16), nanosecond variant.
 */
#include "dev/pcap.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PCAP_MAGIC_NS      UINT32_C(0xa1b23c4d)
#define PCAP_SNAPLEN       UINT32_C(262144)
#define PCAP_LINK_ETHERNET UINT32_C(1)
#define PARTIAL            ".partial"

struct pcap {
	FILE *file;
	int error;
	char *path, *partial; /* @partial NULL: the target is no file to be replaced */
};

static void put32(uint8_t *at, uint32_t value)
{
	const uint32_t word = htole32(value);

	memcpy(at, &word, sizeof(word));
}

static int append(struct pcap *pcap, const void *data, size_t bytes)
{
	if (!pcap->error && fwrite(data, 1, bytes, pcap->file) != bytes)
		pcap->error = errno ? -errno : -EIO;
	return pcap->error;
}

static void release(struct pcap *pcap)
{
	free(pcap->path);
	free(pcap->partial);
	free(pcap);
}

static int write_header(struct pcap *pcap)
{
	uint8_t head[24] = {0};

	put32(head, PCAP_MAGIC_NS);
	head[4] = 2; /* version 2.4 */
	head[6] = 4;
	put32(head + 16, PCAP_SNAPLEN);
	put32(head + 20, PCAP_LINK_ETHERNET);
	return append(pcap, head, sizeof(head));
}

/*
 * Is @path something to write to as it stands: a device, a FIFO, or whatever standard output
 * already is (a file under that name must not be taken from under it)?
 */
static bool is_direct(const char *path, bool *is_stdout)
{
	struct stat st, out;

	*is_stdout = false;
	if (stat(path, &st) != 0)
		return false;
	*is_stdout = fstat(STDOUT_FILENO, &out) == 0 && st.st_dev == out.st_dev &&
		     st.st_ino == out.st_ino;
	return *is_stdout || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

static int open_direct(struct pcap *pcap, bool is_stdout)
{
	int fd;

	if (!is_stdout) {
		pcap->file = fopen(pcap->path, "wbe");
		return pcap->file ? 0 : -errno;
	}
	fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	pcap->file = fd < 0 ? NULL : fdopen(fd, "wb");
	if (pcap->file)
		return 0;
	if (fd >= 0)
		(void)close(fd);
	return -errno;
}

/* A symbolic link stays what it is: its target is what gets replaced. */
static int open_partial(struct pcap *pcap)
{
	char *real = realpath(pcap->path, NULL);
	struct stat st;

	if (real) {
		free(pcap->path);
		pcap->path = real;
		if (stat(real, &st) == 0 && S_ISDIR(st.st_mode))
			return -EISDIR;
	}
	if (asprintf(&pcap->partial, "%s" PARTIAL, pcap->path) < 0) {
		pcap->partial = NULL;
		return -ENOMEM;
	}
	pcap->file = fopen(pcap->partial, "wbe");
	return pcap->file ? 0 : -errno;
}

int pcap_create(struct pcap **out, const char *path, struct err *err)
{
	struct pcap *pcap = calloc(1, sizeof(*pcap));
	bool is_stdout;
	int ret;

	if (!pcap)
		return err_set(err, -ENOMEM, "%s: out of memory", path);
	pcap->path = strdup(path);
	if (!pcap->path)
		ret = -ENOMEM;
	else if (is_direct(path, &is_stdout))
		ret = open_direct(pcap, is_stdout);
	else
		ret = open_partial(pcap);
	if (!ret)
		ret = write_header(pcap);
	if (ret) {
		err_set(err, ret, "%s: %s", pcap->partial ? pcap->partial : path, strerror(-ret));
		pcap_abandon(pcap);
		return ret;
	}
	*out = pcap;
	return 0;
}

int pcap_write(struct pcap *pcap, sim_time at, const void *frame, size_t bytes)
{
	const uint32_t kept = bytes < PCAP_SNAPLEN ? (uint32_t)bytes : PCAP_SNAPLEN;
	uint8_t head[16];

	put32(head, (uint32_t)(at / SIM_S));
	put32(head + 4, (uint32_t)(at % SIM_S / SIM_NS));
	put32(head + 8, kept);
	put32(head + 12, (uint32_t)bytes);
	append(pcap, head, sizeof(head));
	return append(pcap, frame, kept);
}

int pcap_close(struct pcap *pcap, struct err *err)
{
	int ret = pcap->error;

	if (!ret && fflush(pcap->file))
		ret = -errno;
	if (!ret && pcap->partial && fsync(fileno(pcap->file)))
		ret = -errno;
	if (fclose(pcap->file) && !ret)
		ret = -errno;
	if (!ret && pcap->partial && rename(pcap->partial, pcap->path))
		ret = -errno;
	if (ret) {
		err_set(err, ret, "%s: %s", pcap->path, strerror(-ret));
		if (pcap->partial)
			unlink(pcap->partial);
	}
	release(pcap);
	return ret;
}

void pcap_abandon(struct pcap *pcap)
{
	if (!pcap)
		return;
	if (pcap->file) {
		fclose(pcap->file);
		if (pcap->partial)
			unlink(pcap->partial);
	}
	release(pcap);
}
