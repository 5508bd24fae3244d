/* SPDX-License-Identifier: MIT */
/*
 * extfs on the disk. A small file system of extents with a journal of its metadata; nobody else's
 * format. Everything is little-endian and counted in blocks of 4096 bytes.
 *
 *	block 0				superblock, constant after formatting
 *	journal_start ...		journal: a header, then transactions one behind the other
 *	block_map_start ...		one bit a block of the volume, 1 = in use
 *	inode_map_start ...		one bit an inode, 1 = in use
 *	inode_start ...			inodes, 16 a block
 *	data_start ... blocks - 1	file data, directory blocks, extent blocks
 *
 * Rules the checker holds an image to, after the journal has been replayed:
 *
 *  - A block below data_start is in use. Any other is in use if and only if exactly one inode owns
 *    it: as one of its extents' blocks or as one of its extent blocks.
 *  - An inode whose bit is 0 is all zeros but for its generation. One whose bit is 1 is a file or a
 *    directory and exactly one directory entry names it; the root (inode 1) alone is named by none.
 *  - Extents rise in logical order, do not overlap, are not empty and lie in the data area. Those
 *    that do not fit into the inode continue in a chain of extent blocks, each full but the last.
 *  - An extent may reach past the size by no more than the last block's end.
 *  - A directory has no holes and whole blocks; names in it differ; its parent field names the
 *    directory whose entry leads to it; following it leads to the root.
 *
 * A transaction in the journal is a descriptor block, copies of metadata blocks, and a commit block
 * with a sum over both. One whose commit block is missing or does not fit never happened, and
 * nothing after it did. Replaying the transactions from the header's sequence number on, in order,
 * gives the metadata as of the last commit. File data is never in the journal; it is on the disk
 * before a transaction that refers to its blocks commits ("ordered").
 */
#ifndef IOTOLL_GUEST_EXTFS_FORMAT_H
#define IOTOLL_GUEST_EXTFS_FORMAT_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXTFS_BLOCK          4096u
#define EXTFS_MAGIC          0x3173665f74786569ull /* "iext_fs1" */
#define EXTFS_JOURNAL_MAGIC  0x6c6e6a73u
#define EXTFS_EXTENT_MAGIC   0x746e7478u
#define EXTFS_ROOT           1u
#define EXTFS_INLINE         16u  /* extents in an inode */
#define EXTFS_CHAINED        340u /* extents in an extent block */
#define EXTFS_CHAIN_MAX      64u  /* extent blocks of a file */
#define EXTFS_INODE_BYTES    256u
#define EXTFS_INODES_A_BLOCK (EXTFS_BLOCK / EXTFS_INODE_BYTES)
#define EXTFS_BITS_A_BLOCK   (EXTFS_BLOCK * 8)
#define EXTFS_NAME           57u /* bytes of a name at most */
#define EXTFS_ENTRIES        64u /* entries of a directory block */
#define EXTFS_TXN_MAX        1016u
#define EXTFS_EXTENTS_MAX    (EXTFS_INLINE + EXTFS_CHAINED * EXTFS_CHAIN_MAX)

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "structures are stored as they are");

struct extfs_super {
	uint64_t magic;
	uint32_t block_bytes, blocks;
	uint32_t inodes; /* numbers 1 to inodes - 1; 0 means none */
	uint32_t journal_start, journal_blocks;
	uint32_t block_map_start, block_map_blocks;
	uint32_t inode_map_start, inode_map_blocks;
	uint32_t inode_start, inode_blocks;
	uint32_t data_start;
	uint64_t sum; /* extfs_sum() of what is before it */
};

struct extfs_extent {
	uint32_t logical, start, count;
};

enum { EXTFS_FREE, EXTFS_FILE, EXTFS_DIRECTORY };

struct extfs_inode {
	uint16_t type;
	uint16_t reserved;
	uint32_t generation; /* times the inode was handed out */
	uint64_t size;
	uint32_t parent; /* of a directory; 0 otherwise */
	uint32_t extents;
	uint32_t chain;  /* first extent block, 0 = none */
	uint32_t blocks; /* owned, extent blocks included */
	struct extfs_extent extent[EXTFS_INLINE];
	uint32_t unused[8];
};
static_assert(sizeof(struct extfs_inode) == EXTFS_INODE_BYTES, "layout");

struct extfs_extent_block {
	uint32_t magic, owner, count, next;
	struct extfs_extent extent[EXTFS_CHAINED];
};
static_assert(sizeof(struct extfs_extent_block) == EXTFS_BLOCK, "layout");

struct extfs_entry {
	uint32_t inode; /* 0: free */
	uint8_t type, length;
	char name[EXTFS_NAME + 1];
};
static_assert(sizeof(struct extfs_entry) * EXTFS_ENTRIES == EXTFS_BLOCK, "layout");

/* First block of the journal. */
struct extfs_journal_header {
	uint32_t magic, unused;
	uint64_t sequence; /* of the transaction in the block behind this one, if it is there */
	uint64_t sum;
};

struct extfs_descriptor {
	uint32_t magic, count; /* blocks of metadata that follow, 1 to EXTFS_TXN_MAX */
	uint64_t sequence;
	uint64_t unused[2];
	uint32_t home[EXTFS_TXN_MAX];
};
static_assert(sizeof(struct extfs_descriptor) == EXTFS_BLOCK, "layout");

struct extfs_commit {
	uint32_t magic, count;
	uint64_t sequence;
	uint64_t sum; /* of descriptor and copies, block by block */
};

/* Of @bytes (a multiple of 8) continuing @sum, 0 at first. Any swapped or changed word shows. */
static inline uint64_t extfs_sum(uint64_t sum, const void *data, uint64_t bytes)
{
	const uint64_t *word = (const uint64_t *)data;

	sum += 0x9e3779b97f4a7c15ull;
	for (uint64_t i = 0; i < bytes / 8; i++) {
		sum = (sum ^ word[i]) * 0xff51afd7ed558ccdull;
		sum ^= sum >> 32;
	}
	return sum;
}

#endif
