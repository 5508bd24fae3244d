/* SPDX-License-Identifier: MIT */
/*
 * The stress test's parts: one combination of strategy, driver and allocator (stress_world.c), the
 * threads that use it (stress_worker.c), what they make requests of (stress_item.c), and what must
 * be true when they are done (stress_end.c). stress.c runs all of them.
 */
#ifndef IOTOLL_TESTS_LIB_STRESS_H
#define IOTOLL_TESTS_LIB_STRESS_H

#include <pthread.h>

#include "base/rng.h"
#include "iotoll/dma.h"
#include "iotoll/env.h"
#include "iotoll/iommu.h"
#include "mem/memory.h"

#include "stress_oracle.h"

#define PAGE        UINT64_C(4096)
#define DEVICES     4u
#define THREADS_MAX 8u
#define RINGS       2u /* that requests may be for, besides none */
#define LIST_MAX    16
#define SLOTS       104u /* of memory, a thread */
#define ITEMS       32u  /* a thread */
#define MAILBOX     64u  /* what others want unmapped, a thread */
#define COMMON      256u /* pages that anybody maps */

struct combination {
	const char *strategy, *driver, *allocator;
	unsigned threads;
	bool split, check_misuse;
	bool tight;    /* a table that is full now and then */
	bool hardware; /* ask the hardware half while threads run */
	uint64_t operations, seed;
};

struct world {
	const struct combination *of;
	const struct promise *promise;
	struct memory *memory;
	uint8_t *window;
	uint64_t memory_pages; /* handed out before the domain was made */
	/* Of these two, what the driver is for. The model is one thread's at a time. */
	struct iotoll_iommu *iommu;
	pthread_mutex_t hardware;
	uint64_t *space; /* of driver "callbacks": 0, or page address | rights */
	uint64_t entries;
	struct dma_env *env;
	struct iotoll_dma_callbacks callbacks;
	struct iotoll_dma_domain *domain;
	struct iotoll_dma_device *dev[DEVICES];
	iotoll_phys_t common;
	struct oracle oracle;
};

/* What threads did, to be held against the domain's statistics. */
struct tally {
	uint64_t operations; /* of the API; an element of a list counts as one */
	uint64_t maps, unmaps, failures, coherents, buffers, checks;
};

/* Ends the program: what went wrong, and how to run just this combination again. */
__attribute__((noreturn, format(printf, 2, 3))) void world_broken(const struct world *w,
								  const char *format, ...);
/* True; or false and why the library does not allow this combination. */
bool world_open(struct world *w, const struct combination *of, char *why, size_t why_bytes);
/* The same in steps: memory, hardware and environment, ... */
void world_prepare(struct world *w, const struct combination *of);
/* ... and what the domain is made of, which is then the caller's to make, with its devices. */
struct iotoll_dma_config world_config(const struct world *w);
/* Everything is unmapped. Ends the program if the domain kept what it should have given back. */
void world_close(struct world *w);
/*
 * What device @dev reaches at @iova: 0 and *@paddr, or a negative errno value. @changes: as the
 * device's access, which fills the IOTLB; else a look. *@hit: the IOTLB said so, not the table.
 */
int world_reach(struct world *w, unsigned dev, uint64_t iova, enum iotoll_access access,
		bool changes, uint64_t *paddr, bool *hit);
uint8_t *world_ptr(struct world *w, uint64_t paddr);
/* Has the driver something behind it that can be asked? */
bool world_has_hardware(const struct world *w);
uint16_t world_requester(unsigned dev);

/* Memory that one request has at a time. */
struct slot {
	uint64_t paddr;
	unsigned pages;
	bool busy; /* atomic: who unmaps gives it back, whoever that is */
};

enum item_kind { ITEM_PAGE, ITEM_SG, ITEM_MULTI, ITEM_COHERENT, ITEM_BUFFER };

/* Something that is mapped: a request or a list of them. */
struct item {
	bool busy; /* atomic, as a slot's */
	enum item_kind kind;
	unsigned dev;
	enum iotoll_dma_dir dir;
	int n;
	struct iotoll_sg sg[LIST_MAX];
	struct slot *slot[LIST_MAX]; /* NULL: of the common pages, or not ours */
	bool checked;                /* its bytes and addresses are compared */
	uint64_t stamp;
	void *ptr;
};

struct worker {
	struct world *world;
	struct stress *all;
	unsigned number;
	struct rng rng;
	struct tally tally;
	struct slot slot[SLOTS];
	struct item item[ITEMS];
	struct item *held[ITEMS + MAILBOX];
	unsigned holds;
	pthread_mutex_t mailbox_lock;
	struct item *mailbox[MAILBOX];
	unsigned mail;
};

struct stress {
	struct world world;
	struct tally tally; /* of all, and of what is done without them */
	struct worker worker[THREADS_MAX];
};

/* A new request of @w's, mapped and owned; NULL: there was no room, for it or for another. */
struct item *item_map(struct worker *w);
/* The end of a request, whosever it was. */
void item_unmap(struct worker *w, struct item *item);
/* The CPU looks at a part of it. */
void item_sync(struct worker *w, struct item *item);
/* ---- stress_compare.c ---- */

/* Is @item one of those that are compared, and is there something to compare it with? */
bool item_compares(const struct worker *w, const struct item *item);
/* Before it is mapped: mark element @i's memory. */
void item_stamp(struct worker *w, struct item *item, int i);
/* What the driver wrote the device must find; and what the device writes now the driver, later. */
void item_device_works(struct worker *w, const struct item *item, int i);
void item_driver_finds(struct worker *w, const struct item *item, int i);
/* No access by the address that was unmapped may come to memory that was its alone. */
void item_is_gone(struct worker *w, const struct item *item, int i);
/* Does the hardware half say of it what it should? Nobody else may be at work. */
void item_check(struct worker *w, const struct item *item);

/* Threads do @of's operations; all of it is unmapped on return. What they did is added to @sum. */
bool stress_run(const struct combination *of, struct tally *sum, char *why, size_t why_bytes);
/* Map single pages until there is no room, each at an address of its own, and unmap them: how many
 * there were; 0 where that says nothing. */
uint64_t stress_fill_up(struct world *w, struct tally *t);
/*
 * Nothing is mapped any more: statistics, table, hardware, and as many addresses once again as
 * there were at the beginning.
 */
void stress_end(struct stress *s, uint64_t capacity, struct tally *sum);

#endif
