/* SPDX-License-Identifier: MIT */
/* extfs: mounting, unmounting, everything at once. */
#include "guest/extfs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/extfs_internal.h"

/* ---- an image on a block device, for a task ---- */

struct task_disk {
	struct machine *machine;
	struct blockdev *dev;
	struct cpu *cpu;
	phys_t bounce; /* one page */
};

static int transfer(struct task_disk *t, enum bio_op op, uint64_t block)
{
	return blockdev_wait(t->dev, t->cpu, op, block * BLOCK_SECTORS, t->bounce, EXTFS_BLOCK);
}

static int disk_read(void *ctx, uint64_t block, uint64_t count, void *to)
{
	struct task_disk *t = ctx;
	int rc = 0;

	for (uint64_t i = 0; i < count && !rc; i++) {
		rc = transfer(t, BIO_READ, block + i);
		memcpy((uint8_t *)to + i * EXTFS_BLOCK,
		       memory_ptr(t->machine->mem, t->bounce, EXTFS_BLOCK), EXTFS_BLOCK);
	}
	return rc;
}

static int disk_write(void *ctx, uint64_t block, uint64_t count, const void *from)
{
	struct task_disk *t = ctx;
	int rc = 0;

	for (uint64_t i = 0; i < count && !rc; i++) {
		memcpy(memory_ptr(t->machine->mem, t->bounce, EXTFS_BLOCK),
		       (const uint8_t *)from + i * EXTFS_BLOCK, EXTFS_BLOCK);
		rc = transfer(t, BIO_WRITE, block + i);
	}
	return rc;
}

static int disk_flush(void *ctx)
{
	struct task_disk *t = ctx;

	return blockdev_wait(t->dev, t->cpu, BIO_FLUSH, 0, 0, 0);
}

static int disk_open(struct extfs_disk *d, struct task_disk *t, struct machine *machine,
		     struct blockdev *dev, struct cpu *cpu, struct err *err)
{
	*t = (struct task_disk){.machine = machine, .dev = dev, .cpu = cpu};
	*d = (struct extfs_disk){.read = disk_read,
				 .write = disk_write,
				 .flush = disk_flush,
				 .ctx = t,
				 .blocks = dev->sectors / BLOCK_SECTORS};
	if (memory_alloc(machine->mem, 1, PAGE_BYTES, 0, &t->bounce))
		return err_set(err, -ENOMEM, "no memory for a block");
	return 0;
}

static void disk_close(struct task_disk *t)
{
	memory_free(t->machine->mem, t->bounce, 1);
}

int extfs_make(struct machine *machine, struct blockdev *dev,
	       const struct extfs_format_options *options, struct cpu *cpu, struct err *err)
{
	struct task_disk t;
	struct extfs_disk d;
	int rc = disk_open(&d, &t, machine, dev, cpu, err);

	if (rc)
		return rc;
	rc = extfs_format(&d, options, err);
	disk_close(&t);
	return rc;
}

/* ---- mounting ---- */

static uint64_t meta_block(struct mapping *m, uint64_t index, uint64_t *run)
{
	(void)m;
	*run = 1;
	return index;
}

static const struct mapping_ops meta_mapping = {.block = meta_block};

/* Everything of @fs that takes no reading. */
static int prepare(struct extfs *fs, uint64_t sequence)
{
	int rc = extfs_journal_init(fs, sequence);

	if (rc)
		return rc;
	rc = memory_alloc(fs->machine->mem, 1, PAGE_BYTES, 0, &fs->lock_page);
	if (rc)
		return rc;
	vlock_init(&fs->map_lock, fs->machine, fs->lock_page);
	fs->node = calloc(fs->s.inodes, sizeof(*fs->node));
	if (!fs->node)
		return -ENOMEM;
	mapping_init(&fs->meta, fs->cache, &meta_mapping);
	fs->block_map = (struct extfs_bitmap){.start = fs->s.block_map_start,
					      .blocks = fs->s.block_map_blocks,
					      .bits = fs->s.blocks,
					      .cursor = fs->s.data_start};
	fs->inode_map = (struct extfs_bitmap){.start = fs->s.inode_map_start,
					      .blocks = fs->s.inode_map_blocks,
					      .bits = fs->s.inodes,
					      .cursor = EXTFS_ROOT};
	return 0;
}

/* Replay, and see what there is. *@sequence: of the next transaction. */
static int recover(struct extfs *fs, struct cpu *cpu, uint64_t *sequence, struct err *err)
{
	struct extfs_journal_header h;
	struct task_disk t;
	struct extfs_disk d;
	uint64_t room[EXTFS_BLOCK / 8];
	int rc = disk_open(&d, &t, fs->machine, fs->dev, cpu, err);

	if (rc)
		return rc;
	rc = extfs_read_super(&d, &fs->s, err);
	if (!rc)
		rc = extfs_replay(&d, &fs->stats.replayed, err);
	if (!rc) {
		rc = disk_read(&t, fs->s.journal_start, 1, room);
		memcpy(&h, room, sizeof(h));
		*sequence = h.sequence;
		if (rc)
			err_set(err, rc, "journal: %s", strerror(-rc));
	}
	disk_close(&t);
	return rc;
}

int extfs_mount(struct extfs **out, const struct extfs_config *config, struct cpu *cpu,
		struct err *err)
{
	struct extfs *fs = calloc(1, sizeof(*fs));
	uint64_t sequence = 0;
	int rc;

	if (!fs)
		return err_set(err, -ENOMEM, "no memory for a file system");
	fs->machine = config->machine;
	fs->dev = config->dev;
	fs->cache = config->cache;
	fs->cpu = machine_cpu(config->machine, config->cpu);
	rc = recover(fs, cpu, &sequence, err);
	if (rc) {
		free(fs);
		return rc;
	}
	rc = prepare(fs, sequence);
	if (!rc)
		rc = extfs_bitmap_load(fs, &fs->block_map, cpu);
	if (!rc)
		rc = extfs_bitmap_load(fs, &fs->inode_map, cpu);
	if (!rc && !task_create(fs->cpu, "kjournald", extfs_committer, fs))
		rc = -ENOMEM;
	if (rc) {
		extfs_bitmap_unload(&fs->block_map, cpu);
		extfs_bitmap_unload(&fs->inode_map, cpu);
		if (fs->node)
			mapping_drop(&fs->meta, 0, cpu);
		extfs_abandon(fs);
		return err_set(err, rc, "mounting: %s", strerror(-rc));
	}
	*out = fs;
	return 0;
}

/* ---- what calls hold ---- */

struct extfs_held {
	struct extfs_held *next, **at;
};

void *extfs_hold(struct extfs *fs, size_t bytes)
{
	struct extfs_held *h = calloc(1, sizeof(*h) + bytes);

	if (!h)
		return NULL;
	h->next = fs->held;
	h->at = &fs->held;
	if (h->next)
		h->next->at = &h->next;
	fs->held = h;
	return h + 1;
}

void extfs_let_go(void *memory)
{
	struct extfs_held *h = (struct extfs_held *)memory - 1;

	if (!memory)
		return;
	*h->at = h->next;
	if (h->next)
		h->next->at = h->at;
	free(h);
}

void extfs_abandon(struct extfs *fs)
{
	if (!fs)
		return;
	while (fs->made)
		extfs_node_free(fs->made);
	while (fs->held)
		extfs_let_go(fs->held + 1);
	free(fs->node);
	extfs_journal_fini(fs);
	free(fs->block_map.page);
	free(fs->block_map.busy);
	free(fs->inode_map.page);
	free(fs->inode_map.busy);
	if (fs->lock_page)
		memory_free(fs->machine->mem, fs->lock_page, 1);
	free(fs);
}

/* ---- everything ---- */

static int write_everything(struct extfs *fs, struct cpu *cpu)
{
	int rc = 0;

	for (uint32_t i = 0; i < fs->s.inodes; i++) {
		struct extfs_node *n = fs->node[i];
		int failed;

		if (!n || (!n->mapping.dirty && !n->mapping.writeback && !n->mapping.error))
			continue;
		n->refs++;
		failed = pagecache_write_back(&n->mapping, cpu);
		rc = rc ? rc : failed;
		extfs_node_put(n);
	}
	return rc;
}

int extfs_sync(struct extfs *fs, struct cpu *cpu)
{
	const enum charge before = extfs_enter(fs, cpu);
	int rc = write_everything(fs, cpu);

	if (!rc)
		rc = extfs_commit(fs, cpu, fs->tid, false);
	extfs_leave(cpu, before);
	return rc;
}

int extfs_unmount(struct extfs *fs, struct cpu *cpu)
{
	const enum charge before = extfs_enter(fs, cpu);
	int rc = write_everything(fs, cpu);

	if (!rc)
		rc = extfs_commit(fs, cpu, fs->tid, true);
	fs->stopping = true;
	waitq_wake(&fs->committer_wait, cpu);
	while (!fs->stopped)
		waitq_wait(&fs->gate, cpu);
	for (uint32_t i = 0; i < fs->s.inodes; i++) {
		if (fs->node[i])
			mapping_drop(&fs->node[i]->mapping, 0, cpu);
	}
	extfs_journal_forget(fs, cpu);
	extfs_bitmap_unload(&fs->block_map, cpu);
	extfs_bitmap_unload(&fs->inode_map, cpu);
	mapping_drop(&fs->meta, 0, cpu);
	extfs_abandon(fs);
	extfs_leave(cpu, before);
	return rc;
}

void extfs_statfs(const struct extfs *fs, struct extfs_statfs *out)
{
	uint64_t aside = fs->freed.blocks + fs->freed_meta.blocks;

	for (uint32_t i = 0; i < fs->s.inodes; i++)
		aside += fs->node[i] ? fs->node[i]->reserved : 0;
	*out = (struct extfs_statfs){.blocks = fs->s.blocks - fs->s.data_start,
				     .free_blocks = fs->block_map.idle + aside,
				     .inodes = fs->s.inodes - 2,
				     .free_inodes = fs->inode_map.idle};
}

void extfs_stats(const struct extfs *fs, struct extfs_stats *out)
{
	*out = fs->stats;
}
