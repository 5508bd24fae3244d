/* SPDX-License-Identifier: MIT */
/*
 * The pcap writer. Format: draft-ietf-opsawg-pcap, sections 4 and 5 (file header of 24 bytes,
 * record header of 16), nanosecond variant.
 */
#include "dev/pcap.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PCAP_MAGIC_NS      UINT32_C(0xa1b23c4d)
#define PCAP_SNAPLEN       UINT32_C(262144)
#define PCAP_LINK_ETHERNET UINT32_C(1)
#define PARTIAL            ".partial"

struct pcap {
	FILE *file;
	int error;
	char *path, *partial;
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

int pcap_create(struct pcap **out, const char *path, struct err *err)
{
	struct pcap *pcap = calloc(1, sizeof(*pcap));
	int ret;

	if (!pcap)
		return err_set(err, -ENOMEM, "%s: out of memory", path);
	pcap->path = strdup(path);
	pcap->partial = malloc(strlen(path) + sizeof(PARTIAL));
	if (!pcap->path || !pcap->partial) {
		release(pcap);
		return err_set(err, -ENOMEM, "%s: out of memory", path);
	}
	strcpy(pcap->partial, path);
	strcat(pcap->partial, PARTIAL);
	pcap->file = fopen(pcap->partial, "wbe");
	if (!pcap->file) {
		ret = err_set(err, -errno, "%s: %s", pcap->partial, strerror(errno));
		release(pcap);
		return ret;
	}
	ret = write_header(pcap);
	if (ret) {
		err_set(err, ret, "%s: %s", pcap->partial, strerror(-ret));
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

	if (!ret && (fflush(pcap->file) || fsync(fileno(pcap->file))))
		ret = -errno;
	if (fclose(pcap->file) && !ret)
		ret = -errno;
	if (!ret && rename(pcap->partial, pcap->path))
		ret = -errno;
	if (ret) {
		err_set(err, ret, "%s: %s", pcap->path, strerror(-ret));
		unlink(pcap->partial);
	}
	release(pcap);
	return ret;
}

void pcap_abandon(struct pcap *pcap)
{
	if (!pcap)
		return;
	fclose(pcap->file);
	unlink(pcap->partial);
	release(pcap);
}
