/* SPDX-License-Identifier: MIT */
/*
 * extfs inside. Locks, outermost first: rename, a directory's lock (two of them by rising inode
 * number), a file's lock, its map lock, a transaction's handle, a page's lock, the spin lock of
 * the bitmaps. Who holds a handle never waits for a commit.
 */
#ifndef IOTOLL_GUEST_EXTFS_INTERNAL_H
#define IOTOLL_GUEST_EXTFS_INTERNAL_H

#include "guest/extfs.h"
#include "sim/lock.h"

/* A lock to sleep on, shared or exclusive; who waits to have it alone goes before new sharers. */
struct extfs_lock {
	unsigned shared, waiting;
	bool exclusive;
	struct waitq wait;
};

struct extfs_dir; /* extfs_dir.c: names of a directory in use */

/* An inode in memory. */
struct extfs_node {
	struct mapping mapping; /* first; of a file's data */
	struct extfs *fs;
	uint32_t number;
	uint16_t type;
	uint32_t generation, parent;
	uint64_t size;
	struct extfs_extent *extent;
	uint32_t extents, room;
	uint32_t chain[EXTFS_CHAIN_MAX]; /* extent blocks, as on the disk */
	uint32_t chains;
	uint32_t changed; /* extents from this one on differ from the disk's */
	uint32_t blocks;
	uint32_t reserved_at, reserved;     /* blocks set aside for the next allocations */
	uint32_t window;                    /* how many the next time */
	uint64_t tid;                       /* the last transaction that changed it */
	struct extfs_lock lock;             /* names of a directory; a file's writers */
	struct extfs_lock map;              /* shared: pages come; exclusive: they go */
	struct extfs_dir *dir, *unread;     /* unread: on its way to being the names */
	struct extfs_node *made, **made_at; /* list of all there are */
	unsigned refs, opens;
	bool dead;    /* removed: freed with the last reference */
	bool ordered; /* its data must be written before the running transaction commits */
};

struct extfs_file {
	struct extfs_node *node;
	struct readahead ra;
	unsigned flags;
};

struct extfs_run {
	uint32_t start, count;
};

/* Blocks given up, to be used again when that has become certain. */
struct extfs_freed {
	struct extfs_run *run;
	uint64_t runs, room, blocks;
};

struct extfs_ordered {
	struct extfs_node **node;
	uint64_t count, room;
};

struct extfs_bitmap {
	struct page **page; /* pinned */
	uint64_t *busy;     /* in use, set aside, or given up too recently */
	uint32_t start, blocks, bits;
	uint64_t idle; /* bits of busy that are 0 */
	uint32_t cursor;
};

struct extfs {
	struct machine *machine;
	struct blockdev *dev;
	struct pagecache *cache;
	struct cpu *cpu; /* of the task that commits */
	struct extfs_super s;
	struct mapping meta; /* index = block */
	struct extfs_node **node;
	struct extfs_node *made; /* every one, in use, dead or not read yet */
	struct extfs_held *held; /* see extfs_hold() */
	struct extfs_bitmap block_map, inode_map;
	struct vlock map_lock;
	phys_t lock_page;
	struct extfs_lock rename;
	int error; /* no more changes */

	/* the running transaction */
	uint64_t tid;
	struct page *running[EXTFS_TXN_MAX];
	unsigned running_count, handles, credits, capacity;
	uint8_t *in_running, *in_waiting; /* by block */
	struct extfs_freed freed, freed_meta;
	struct extfs_ordered ordered;
	/* the same of the one that is being committed */
	struct extfs_freed closed_freed;
	struct extfs_ordered closed_ordered;
	bool closing;
	struct waitq gate;
	/* the journal */
	struct extfs_lock commit_lock;
	uint64_t committed; /* the last transaction that is safe */
	uint64_t sequence;  /* in the journal, of the next one */
	uint32_t journal_at;
	phys_t staging;        /* EXTFS_TXN_MAX + 2 blocks */
	struct page **waiting; /* committed, not yet home */
	uint64_t waiting_count, waiting_room;
	struct event alarm;
	struct waitq committer_wait;
	bool stopping, stopped;
	struct extfs_stats stats;
};

/* extfs.c */
/*
 * Zeroed memory of a call, or of an open file, until extfs_let_go() (NULL is allowed); where the
 * machine stops first, until extfs_abandon(). NULL when there is none.
 */
void *extfs_hold(struct extfs *fs, size_t bytes);
void extfs_let_go(void *memory);

/* extfs_lock.c */
void extfs_lock_shared(struct extfs *fs, struct extfs_lock *l, struct cpu *cpu);
void extfs_unlock_shared(struct extfs *fs, struct extfs_lock *l, struct cpu *cpu);
void extfs_lock_alone(struct extfs *fs, struct extfs_lock *l, struct cpu *cpu);
void extfs_unlock_alone(struct extfs *fs, struct extfs_lock *l, struct cpu *cpu);
/* A system call begins and ends. */
enum charge extfs_enter(struct extfs *fs, struct cpu *cpu);
void extfs_leave(struct cpu *cpu, enum charge before);

/* extfs_journal.c: transactions are closed, written and brought home */
int extfs_journal_init(struct extfs *fs, uint64_t sequence) MUST_CHECK;
void extfs_journal_fini(struct extfs *fs);
/* Let go of the pages of what was not written home, and will not be. */
void extfs_journal_forget(struct extfs *fs, struct cpu *cpu);
/* See that @tid is safe on the disk; with @empty, that the journal is empty as well. Not with a
 * handle. */
int extfs_commit(struct extfs *fs, struct cpu *cpu, uint64_t tid, bool empty) MUST_CHECK;
void extfs_committer(void *ctx);

/* extfs_txn.c: what the running transaction consists of */
/* Join it for up to @credits blocks of metadata. 0, -EROFS, or a commit's error. */
int extfs_begin(struct extfs *fs, struct cpu *cpu, unsigned credits) MUST_CHECK;
void extfs_end(struct extfs *fs, struct cpu *cpu, unsigned credits);
/* @page of metadata was or is about to be changed, with no sleep in between. */
void extfs_journal(struct extfs *fs, struct page *page);
/* Metadata block @block, pinned, uptodate; as it is on the disk, or (@fresh) all zeros. */
int extfs_meta(struct extfs *fs, struct cpu *cpu, uint32_t block, bool fresh,
	       struct page **out) MUST_CHECK;
/* Remember to have @start.. free once this transaction is safe (@meta: and the journal empty). */
int extfs_free_later(struct extfs *fs, uint32_t start, uint32_t count, bool meta) MUST_CHECK;
/* @node's data is written before the running transaction commits. 0 or -ENOMEM. */
int extfs_order(struct extfs *fs, struct extfs_node *node) MUST_CHECK;

/* Sets of blocks, a bit each. */
static inline bool extfs_in_set(const uint8_t *set, uint64_t block)
{
	return set[block / 8] >> block % 8 & 1;
}

static inline void extfs_flip(uint8_t *set, uint64_t block)
{
	set[block / 8] ^= (uint8_t)(1u << block % 8);
}

/* extfs_alloc.c */
int extfs_bitmap_load(struct extfs *fs, struct extfs_bitmap *b, struct cpu *cpu) MUST_CHECK;
void extfs_bitmap_unload(struct extfs_bitmap *b, struct cpu *cpu);
/* One block for @node, after block @goal if may be (0: anywhere). With a handle. 0 or -ENOSPC. */
int extfs_alloc_block(struct extfs *fs, struct cpu *cpu, struct extfs_node *node, uint32_t goal,
		      uint32_t *out) MUST_CHECK;
/* -EUCLEAN, and no more changes: they were free. */
int extfs_free_blocks(struct extfs *fs, struct cpu *cpu, uint32_t start, uint32_t count,
		      bool meta) MUST_CHECK;
/* Give back what is set aside for @node. */
void extfs_unreserve(struct extfs *fs, struct extfs_node *node);
/* Freed blocks may be handed out again from now on. */
void extfs_release(struct extfs *fs, struct extfs_freed *f);
int extfs_alloc_inode(struct extfs *fs, struct cpu *cpu, uint32_t *out) MUST_CHECK;
bool extfs_inode_in_use(const struct extfs *fs, uint32_t number);
void extfs_free_inode(struct extfs *fs, struct cpu *cpu, uint32_t number);

/* extfs_node.c */
/* A reference to inode @number. 0, -EIO, -ENOMEM, -EUCLEAN: damaged. */
int extfs_node_get(struct extfs *fs, struct cpu *cpu, uint32_t number,
		   struct extfs_node **out) MUST_CHECK;
/* A new, empty one; with a handle. */
int extfs_node_new(struct extfs *fs, struct cpu *cpu, uint16_t type, uint32_t parent,
		   struct extfs_node **out) MUST_CHECK;
void extfs_node_put(struct extfs_node *node);
/* Gone, whoever has a reference: of one that nobody has seen, or with the machine. */
void extfs_node_free(struct extfs_node *node);
/* Into its blocks of metadata; with a handle. */
int extfs_node_store(struct extfs_node *node, struct cpu *cpu) MUST_CHECK;
/* Its blocks, then itself, its name being gone. With a handle of extfs_cut_credits(). */
int extfs_node_remove(struct extfs_node *node, struct cpu *cpu) MUST_CHECK;
unsigned extfs_cut_credits(const struct extfs_node *node);
unsigned extfs_write_credits(const struct extfs_node *node);

/* extfs_extent.c */
/* Block of @logical, 0 in a hole; *@run as mapping_ops.block() says. */
uint32_t extfs_node_block(const struct extfs_node *node, uint64_t logical, uint64_t *run);
/* Give @logical, which is in a hole, a block. With a handle. 0, -ENOSPC, -EFBIG, -ENOMEM. */
int extfs_node_grow(struct extfs_node *node, struct cpu *cpu, uint32_t logical,
		    uint32_t *out) MUST_CHECK;
/* Give up blocks from @logical on. With a handle. */
int extfs_node_cut(struct extfs_node *node, struct cpu *cpu, uint32_t logical) MUST_CHECK;
/* Room in memory for @extents. 0, -EFBIG, -ENOMEM. */
int extfs_extents_room(struct extfs_node *node, uint32_t extents) MUST_CHECK;
/* An extent the data area does not hold, or out of order, would lead astray. */
bool extfs_extents_sensible(const struct extfs_node *node);
/* Read the extent blocks from @block on, behind which @node has @extents. 0, -EIO, -EUCLEAN. */
int extfs_chain_load(struct extfs_node *node, struct cpu *cpu, uint32_t block,
		     uint32_t extents) MUST_CHECK;
/* As many extent blocks as @extents need. With a handle. 0, -ENOSPC, -ENOMEM, -EUCLEAN. */
int extfs_chain_fit(struct extfs_node *node, struct cpu *cpu, uint32_t extents) MUST_CHECK;
/* What has changed into its extent blocks, of which there are enough. With a handle. */
int extfs_chain_store(struct extfs_node *node, struct cpu *cpu) MUST_CHECK;

/* extfs_direct.c */
/*
 * All of [@offset, @offset + @bytes), whole sectors, to or from @user, in as many bios as there are
 * runs of blocks; waits for them. What lies in holes reads as zeros. The node's map is locked and
 * nothing of the range is in the cache. 0, -ENOMEM, or the disk's error.
 */
int extfs_direct_io(struct extfs_node *node, struct cpu *cpu, enum bio_op op, uint64_t offset,
		    phys_t user, uint64_t bytes) MUST_CHECK;

/* extfs_path.c */
/* A directory, referenced, and the last name of a path in it. */
struct extfs_place {
	struct extfs_node *dir;
	const char *name;
	size_t length;
};

/* The directory that holds the last name of @path; @path must outlive @place. 0; -EINVAL for the
 * root, which has none; -ENOENT, -ENOTDIR, -ENAMETOOLONG, or what reading a directory gave. */
int extfs_walk(struct extfs *fs, struct cpu *cpu, const char *path,
	       struct extfs_place *place) MUST_CHECK;
/* What @place leads to, referenced; its directory is locked. 0, -ENOENT, or extfs_node_get()'s. */
int extfs_find(struct extfs *fs, struct cpu *cpu, const struct extfs_place *place,
	       struct extfs_node **out) MUST_CHECK;
/* See that the names of @dir, not locked, are in memory. */
int extfs_load_names(struct extfs *fs, struct cpu *cpu, struct extfs_node *dir) MUST_CHECK;

/* extfs_dir.c; the directory's lock is held, alone for changes. */
int extfs_dir_find(struct extfs_node *dir, struct cpu *cpu, const char *name, size_t length,
		   uint32_t *inode, uint8_t *type) MUST_CHECK;
/* With a handle. */
int extfs_dir_add(struct extfs_node *dir, struct cpu *cpu, const char *name, size_t length,
		  uint32_t inode, uint8_t type) MUST_CHECK;
int extfs_dir_remove(struct extfs_node *dir, struct cpu *cpu, const char *name,
		     size_t length) MUST_CHECK;
int extfs_dir_load(struct extfs_node *dir, struct cpu *cpu) MUST_CHECK;
bool extfs_dir_empty(const struct extfs_node *dir);
void extfs_dir_free(struct extfs_node *dir);

#endif
