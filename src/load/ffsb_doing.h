/* SPDX-License-Identifier: MIT */
/* FFSB: an operation under way, and the calls it makes. */
#ifndef IOTOLL_LOAD_FFSB_DOING_H
#define IOTOLL_LOAD_FFSB_DOING_H

#include "load/ffsb_internal.h"

/* An operation under way. */
struct ffsb_doing {
	struct ffsb_worker *w;
	struct ffsb_set *set;
	struct ffsb_list *list;
	enum ffsb_op op;
	char path[FFSB_PATH];
	uint32_t number;
	uint64_t transactions, bytes;
};

struct extfs *ffsb_fs(const struct ffsb_doing *d);
/* The load fails: "OP: @what PATH: reason". Returns @rc; -ECANCELED (the load ends) is no failure.
 */
int ffsb_failed(const struct ffsb_doing *d, int rc, const char *what);
/* A call that began at @since is over: into the group's statistics, if they want it. */
void ffsb_count_call(struct ffsb_worker *w, enum ffsb_call call, sim_time since);

/* Each with its own count, and the load failed if it did. On d->path. */
int ffsb_open(struct ffsb_doing *d, unsigned flags, struct extfs_file **file);
void ffsb_close(struct ffsb_doing *d, struct extfs_file *file);
void ffsb_seek(struct ffsb_doing *d);
/* Through the worker's buffer, compared with, or filled with, the pattern of d->number. */
int ffsb_read(struct ffsb_doing *d, struct extfs_file *file, uint64_t offset, uint64_t bytes);
int ffsb_write(struct ffsb_doing *d, struct extfs_file *file, uint64_t offset, uint64_t bytes);
int ffsb_fsync(struct ffsb_doing *d, struct extfs_file *file);

/* ffsb_dirs.c */
int ffsb_op_createdir(struct ffsb_doing *d);
int ffsb_op_meta(struct ffsb_doing *d);

#endif
