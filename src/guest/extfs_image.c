/* SPDX-License-Identifier: MIT */
/* extfs on an image: making one, its superblock, replaying its journal. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/extfs_disk.h"

#define MIN_BLOCKS  2048u
#define MIN_JOURNAL 512u
#define MAX_JOURNAL 8192u

static uint32_t blocks_for(uint64_t things, uint64_t a_block)
{
	return (uint32_t)((things + a_block - 1) / a_block);
}

/* Where everything lies; false if nothing is left for data. */
static bool lay_out(struct extfs_super *s, const struct extfs_format_options *o, uint64_t blocks)
{
	uint64_t at = 1;

	*s = (struct extfs_super){
		.magic = EXTFS_MAGIC, .block_bytes = EXTFS_BLOCK, .blocks = (uint32_t)blocks};
	s->inodes = o->inodes ? o->inodes : (uint32_t)(blocks / 4);
	s->inodes = (s->inodes < 64 ? 64 : s->inodes) / EXTFS_INODES_A_BLOCK * EXTFS_INODES_A_BLOCK;
	s->journal_start = (uint32_t)at;
	s->journal_blocks = o->journal_blocks ? o->journal_blocks : (uint32_t)(blocks / 32);
	if (!o->journal_blocks && s->journal_blocks < MIN_JOURNAL)
		s->journal_blocks = MIN_JOURNAL;
	if (s->journal_blocks > MAX_JOURNAL)
		s->journal_blocks = MAX_JOURNAL;
	at += s->journal_blocks;
	s->block_map_start = (uint32_t)at;
	s->block_map_blocks = blocks_for(blocks, EXTFS_BITS_A_BLOCK);
	at += s->block_map_blocks;
	s->inode_map_start = (uint32_t)at;
	s->inode_map_blocks = blocks_for(s->inodes, EXTFS_BITS_A_BLOCK);
	at += s->inode_map_blocks;
	s->inode_start = (uint32_t)at;
	s->inode_blocks = s->inodes / EXTFS_INODES_A_BLOCK;
	at += s->inode_blocks;
	s->data_start = (uint32_t)at;
	s->sum = extfs_sum(0, s, offsetof(struct extfs_super, sum));
	return at + 64 <= blocks && s->journal_blocks >= MIN_JOURNAL;
}

static void set_bits(uint8_t *map, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		map[i / 8] |= (uint8_t)(1u << i % 8);
}

static int write_zeros(const struct extfs_disk *d, uint64_t first, uint64_t count, void *zero)
{
	int rc = 0;

	memset(zero, 0, EXTFS_BLOCK);
	for (uint64_t i = 0; i < count && !rc; i++)
		rc = d->write(d->ctx, first + i, 1, zero);
	return rc;
}

/* The bitmap with everything before the data in use, and nothing behind the end. */
static int write_block_map(const struct extfs_disk *d, const struct extfs_super *s, uint8_t *block)
{
	int rc = 0;

	for (uint32_t i = 0; i < s->block_map_blocks && !rc; i++) {
		const uint64_t first = (uint64_t)i * EXTFS_BITS_A_BLOCK;
		uint64_t used = s->data_start > first ? s->data_start - first : 0;

		memset(block, 0, EXTFS_BLOCK);
		set_bits(block, used < EXTFS_BITS_A_BLOCK ? used : EXTFS_BITS_A_BLOCK);
		rc = d->write(d->ctx, s->block_map_start + i, 1, block);
	}
	return rc;
}

static int write_inodes(const struct extfs_disk *d, const struct extfs_super *s, uint8_t *block)
{
	struct extfs_inode *inode = (struct extfs_inode *)(void *)block;
	int rc = write_zeros(d, s->inode_map_start, s->inode_map_blocks, block);

	if (!rc) {
		set_bits(block, 2); /* number 0, which is none, and the root */
		rc = d->write(d->ctx, s->inode_map_start, 1, block);
	}
	if (!rc)
		rc = write_zeros(d, s->inode_start, s->inode_blocks, block);
	if (rc)
		return rc;
	inode[EXTFS_ROOT].type = EXTFS_DIRECTORY;
	inode[EXTFS_ROOT].generation = 1;
	inode[EXTFS_ROOT].parent = EXTFS_ROOT;
	return d->write(d->ctx, s->inode_start, 1, block);
}

static int write_header(const struct extfs_disk *d, const struct extfs_super *s, uint64_t sequence,
			uint8_t *block)
{
	struct extfs_journal_header *h = (struct extfs_journal_header *)(void *)block;

	memset(block, 0, EXTFS_BLOCK);
	h->magic = EXTFS_JOURNAL_MAGIC;
	h->sequence = sequence;
	h->sum = extfs_sum(0, h, offsetof(struct extfs_journal_header, sum));
	return d->write(d->ctx, s->journal_start, 1, block);
}

int extfs_format(const struct extfs_disk *d, const struct extfs_format_options *options,
		 struct err *err)
{
	const uint64_t blocks = options->blocks ? options->blocks : d->blocks;
	struct extfs_super s;
	uint64_t room[EXTFS_BLOCK / 8] = {0};
	uint8_t *block = (uint8_t *)room;
	int rc;

	if (blocks < MIN_BLOCKS || blocks > UINT32_MAX || blocks > d->blocks ||
	    !lay_out(&s, options, blocks))
		return err_set(
			err, -EINVAL,
			"a file system of %llu blocks on a disk of %llu: expected at least %u "
			"and room for %u of a journal, for inodes and for data",
			(unsigned long long)blocks, (unsigned long long)d->blocks, MIN_BLOCKS,
			MIN_JOURNAL);
	/* An old journal must not be found again. */
	rc = write_zeros(d, s.journal_start + 1, 1, block);
	if (!rc)
		rc = write_header(d, &s, 1, block);
	if (!rc)
		rc = write_block_map(d, &s, block);
	if (!rc)
		rc = write_inodes(d, &s, block);
	if (!rc) {
		memset(block, 0, EXTFS_BLOCK);
		memcpy(block, &s, sizeof(s));
		rc = d->write(d->ctx, 0, 1, block);
	}
	if (!rc)
		rc = d->flush(d->ctx);
	return rc ? err_set(err, rc, "formatting: %s", strerror(-rc)) : 0;
}

/* Each area behind the one before, none empty, all within the disk: as lay_out() makes it. */
static bool sensible(const struct extfs_super *s, uint64_t blocks)
{
	const uint64_t journal_end = (uint64_t)s->journal_start + s->journal_blocks;
	const uint64_t map_end = (uint64_t)s->block_map_start + s->block_map_blocks;
	const uint64_t inode_map_end = (uint64_t)s->inode_map_start + s->inode_map_blocks;

	return s->block_bytes == EXTFS_BLOCK && s->blocks <= blocks && s->blocks >= MIN_BLOCKS &&
	       s->journal_start == 1 && s->journal_blocks >= MIN_JOURNAL &&
	       s->block_map_start == journal_end &&
	       s->block_map_blocks == blocks_for(s->blocks, EXTFS_BITS_A_BLOCK) &&
	       s->inode_map_start == map_end && s->inodes >= 64 &&
	       s->inodes % EXTFS_INODES_A_BLOCK == 0 &&
	       s->inode_map_blocks == blocks_for(s->inodes, EXTFS_BITS_A_BLOCK) &&
	       s->inode_start == inode_map_end &&
	       s->inode_blocks == s->inodes / EXTFS_INODES_A_BLOCK &&
	       s->data_start == (uint64_t)s->inode_start + s->inode_blocks &&
	       s->data_start < s->blocks;
}

int extfs_read_super(const struct extfs_disk *d, struct extfs_super *out, struct err *err)
{
	uint64_t room[EXTFS_BLOCK / 8];
	int rc = d->read(d->ctx, 0, 1, room);

	if (rc)
		return err_set(err, rc, "superblock: %s", strerror(-rc));
	memcpy(out, room, sizeof(*out));
	if (out->magic != EXTFS_MAGIC)
		return err_set(err, -EINVAL, "superblock: no file system of this kind");
	if (out->sum != extfs_sum(0, out, offsetof(struct extfs_super, sum)) ||
	    !sensible(out, d->blocks))
		return err_set(err, -EINVAL, "superblock: damaged");
	return 0;
}

/* ---- the journal ---- */

struct replay {
	const struct extfs_disk *disk;
	struct extfs_super s;
	uint64_t sequence;
	uint32_t at; /* block of the journal */
	struct extfs_descriptor descriptor;
	uint8_t *copies;
};

/* A home in the journal or beyond the disk was never written by us. */
static bool homes_sensible(const struct replay *r)
{
	const struct extfs_descriptor *d = &r->descriptor;

	for (uint32_t i = 0; i < d->count; i++) {
		if (d->home[i] < r->s.block_map_start || d->home[i] >= r->s.blocks)
			return false;
	}
	return true;
}

/* Is a whole transaction next? 1, 0, or what the disk says. Its copies are read. */
static int next_transaction(struct replay *r)
{
	const struct extfs_disk *disk = r->disk;
	struct extfs_descriptor *d = &r->descriptor;
	uint64_t room[EXTFS_BLOCK / 8], sum;
	struct extfs_commit c;
	int rc;

	if (r->at + 3 > r->s.journal_blocks)
		return 0;
	rc = disk->read(disk->ctx, r->s.journal_start + r->at, 1, d);
	if (rc)
		return rc;
	if (d->magic != EXTFS_JOURNAL_MAGIC || d->sequence != r->sequence || !d->count ||
	    d->count > EXTFS_TXN_MAX || d->count + 2 > r->s.journal_blocks - r->at)
		return 0;
	rc = disk->read(disk->ctx, r->s.journal_start + r->at + 1, d->count, r->copies);
	if (!rc)
		rc = disk->read(disk->ctx, r->s.journal_start + r->at + 1 + d->count, 1, room);
	if (rc)
		return rc;
	memcpy(&c, room, sizeof(c));
	sum = extfs_sum(0, d, EXTFS_BLOCK);
	for (uint64_t i = 0; i < d->count; i++)
		sum = extfs_sum(sum, r->copies + i * EXTFS_BLOCK, EXTFS_BLOCK);
	return c.magic == EXTFS_JOURNAL_MAGIC && c.count == d->count && c.sequence == d->sequence &&
	       c.sum == sum && homes_sensible(r);
}

static int bring_home(const struct replay *r)
{
	const struct extfs_disk *disk = r->disk;
	int rc = 0;

	for (uint32_t i = 0; i < r->descriptor.count && !rc; i++)
		rc = disk->write(disk->ctx, r->descriptor.home[i], 1,
				 r->copies + (uint64_t)i * EXTFS_BLOCK);
	return rc;
}

static int read_header(struct replay *r, struct err *err)
{
	struct extfs_journal_header h;
	uint64_t room[EXTFS_BLOCK / 8];
	int rc = r->disk->read(r->disk->ctx, r->s.journal_start, 1, room);

	if (rc)
		return err_set(err, rc, "journal: %s", strerror(-rc));
	memcpy(&h, room, sizeof(h));
	if (h.magic != EXTFS_JOURNAL_MAGIC ||
	    h.sum != extfs_sum(0, &h, offsetof(struct extfs_journal_header, sum)))
		return err_set(err, -EINVAL, "journal: damaged header");
	r->sequence = h.sequence;
	r->at = 1;
	return 0;
}

int extfs_replay(const struct extfs_disk *disk, uint64_t *replayed, struct err *err)
{
	struct replay *r = calloc(1, sizeof(*r));
	uint64_t room[EXTFS_BLOCK / 8];
	int rc = -ENOMEM;

	*replayed = 0;
	if (!r)
		return err_set(err, -ENOMEM, "no memory");
	r->disk = disk;
	r->copies = malloc((size_t)EXTFS_TXN_MAX * EXTFS_BLOCK);
	if (!r->copies)
		goto out;
	rc = extfs_read_super(disk, &r->s, err);
	if (!rc)
		rc = read_header(r, err);
	if (rc)
		goto out_said;
	while ((rc = next_transaction(r)) > 0) {
		rc = bring_home(r);
		if (rc)
			break;
		r->at += r->descriptor.count + 2;
		r->sequence++;
		(*replayed)++;
	}
	if (!rc && *replayed) {
		rc = disk->flush(disk->ctx);
		if (!rc)
			rc = write_header(disk, &r->s, r->sequence, (uint8_t *)room);
		if (!rc)
			rc = disk->flush(disk->ctx);
	}
out:
	if (rc)
		err_set(err, rc, "journal: %s", strerror(-rc));
out_said:
	free(r->copies);
	free(r);
	return rc;
}
