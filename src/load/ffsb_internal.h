/* SPDX-License-Identifier: MIT */
/* FFSB inside: file sets, their files, and the threads that work on them. */
#ifndef IOTOLL_LOAD_FFSB_INTERNAL_H
#define IOTOLL_LOAD_FFSB_INTERNAL_H

#include "base/rng.h"
#include "load/ffsb.h"
#include "sim/task.h"

#define FFSB_PATH (FFSB_TEXT + 64)

/* A slot of a list: a file, or what is left of one. Its number is its place. */
struct ffsb_file {
	bool live, exclusive, appending;
	unsigned shared;
	uint32_t dir;        /* 0: the data directory itself, else datadir<dir - 1> */
	uint32_t generation; /* times it was created */
	uint64_t size;
	struct waitq append_wait;
};

struct ffsb_list {
	const char *prefix; /* "datafile" */
	unsigned salt;      /* so that lists differ in what their files hold */
	struct ffsb_file **file;
	uint32_t count, room;
	uint64_t live;
	uint32_t *hole; /* numbers of deleted ones, oldest first: a ring */
	uint32_t hole_first, hole_count, hole_room;
};

struct ffsb_meta_dir {
	uint32_t number, suffixes;
};

struct ffsb_set {
	struct ffsb *load;
	const struct ffsb_filesystem *profile;
	unsigned index;
	uint32_t dirs; /* datadirs that are there */
	struct ffsb_list data, fill;
	struct ffsb_meta_dir *meta;
	uint32_t meta_count, meta_room, meta_next;
	bool dirs_busy;
	struct waitq dirs_wait;
	unsigned aging; /* threads still at it */
	struct waitq aged;
	struct rng rng; /* of the builder */
	bool built;
};

struct ffsb_worker {
	struct ffsb *load;
	struct cpu *cpu;
	const struct ffsb_group *group;
	struct ffsb_group_stats *stats; /* NULL: is not counted (building, ageing) */
	struct ffsb_set *set;           /* only one to use; NULL: draws one for each operation */
	struct ffsb_list *list;         /* of ageing; NULL: the set's data */
	struct rng rng;
	phys_t buffer;
	uint64_t pages;
	uint64_t blocksize; /* of writing, in place of the group's, while building; 0 */
	bool direct, done;
};

struct ffsb {
	struct ffsb_config config;
	const struct ffsb_profile *profile;
	struct pagecache *cache;
	struct extfs *fs;
	struct ffsb_set *set;
	struct ffsb_worker *worker; /* of the run, then those that age, then a builder a set */
	unsigned workers, agers, all_workers;
	struct ffsb_group_stats *group;
	bool running, stopping, finished, counting, ended;
	bool tasks_over;
	unsigned sets_built, workers_done;
	struct waitq master;
	sim_time started, ready_at, begin, end;
	uint64_t checked, mismatches, checked_end, mismatches_end;
	struct pagecache_stats cache_begin, cache_end;
	struct extfs_stats fs_begin, fs_end;
	char *warning[4];
	unsigned warnings;
	int error;
	char error_text[400];
};

/* The first failure is kept, and everything stops. */
void ffsb_fail(struct ffsb *f, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- ffsb_files.c ---- */

/* A number between 0 and @bound - 1, 0 for a bound of 0. */
uint64_t ffsb_draw(struct rng *rng, uint64_t bound);
uint64_t ffsb_draw_size(const struct ffsb_filesystem *fs, struct rng *rng);
void ffsb_path(const struct ffsb_set *set, const struct ffsb_list *list, uint32_t number, char *to);
/* A live file, locked; -ENOENT if there is none. *@number. */
int ffsb_take_file(struct ffsb_worker *w, struct ffsb_list *list, bool exclusive,
		   uint32_t *number) MUST_CHECK;
void ffsb_give_file(struct ffsb_list *list, uint32_t number);
/* A slot for a new file, locked exclusively: the oldest hole, else a new number. */
int ffsb_take_slot(struct ffsb_list *list, uint32_t *number) MUST_CHECK;
void ffsb_now_live(struct ffsb_list *list, uint32_t number, uint64_t size);
/* Gives the lock up, too. */
int ffsb_now_dead(struct ffsb_list *list, uint32_t number) MUST_CHECK;
void ffsb_list_free(struct ffsb_list *list);
/* What file @number of @list holds from @offset on, into @to. */
void ffsb_pattern(const struct ffsb_set *set, const struct ffsb_list *list, uint32_t number,
		  uint64_t offset, uint8_t *to, uint64_t bytes);
/* Fill the worker's buffer with it, or compare. */
void ffsb_fill(struct ffsb_worker *w, const struct ffsb_set *set, const struct ffsb_list *list,
	       uint32_t number, uint64_t offset, uint64_t bytes);
void ffsb_compare(struct ffsb_worker *w, const struct ffsb_set *set, const struct ffsb_list *list,
		  uint32_t number, uint64_t offset, uint64_t bytes);

/* ---- ffsb_interval.c ---- */

/* Nothing has happened in any group yet. */
void ffsb_reset_stats(struct ffsb *f);

/* ---- ffsb_ops.c ---- */

/* One operation on @set; counted if the worker's are. 0, or an error already reported. */
int ffsb_operate(struct ffsb_worker *w, enum ffsb_op op, struct ffsb_set *set) MUST_CHECK;
enum ffsb_op ffsb_pick(const struct ffsb_group *g, struct rng *rng);

/* ---- ffsb_build.c: tasks ---- */

void ffsb_builder(void *ctx); /* a worker; builds its set */
void ffsb_ager(void *ctx);

#endif
