/* SPDX-License-Identifier: MIT */
/* See hash_iotlb.h. */
#include "bench/hash_iotlb.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct node {
	struct node *next;
	uint64_t pfn, frame;
	uint32_t tag;
};

struct hash_iotlb {
	pthread_mutex_t lock;
	uint64_t hits;
	unsigned bits;
	struct node **bucket;
	struct node *node;
};

static struct node **bucket_of(const struct hash_iotlb *t, uint32_t tag, uint64_t pfn)
{
	const uint64_t key = (pfn ^ (uint64_t)tag << 36) * UINT64_C(0x9E3779B97F4A7C15);

	return &t->bucket[key >> (64 - t->bits)];
}

int hash_iotlb_create(struct hash_iotlb **out, uint64_t first, uint64_t pages)
{
	struct hash_iotlb *t = calloc(1, sizeof(*t));

	*out = NULL;
	if (!t)
		return -ENOMEM;
	for (t->bits = 1; UINT64_C(1) << t->bits < pages; t->bits++)
		;
	t->bucket = calloc(UINT64_C(1) << t->bits, sizeof(struct node *));
	t->node = calloc(pages, sizeof(*t->node));
	(void)pthread_mutex_init(&t->lock, NULL);
	if (!t->bucket || !t->node) {
		hash_iotlb_destroy(t);
		return -ENOMEM;
	}
	for (uint64_t i = 0; i < pages; i++) {
		struct node **at = bucket_of(t, 0, first + i);

		t->node[i] = (struct node){.next = *at, .pfn = first + i, .frame = first + i};
		*at = &t->node[i];
	}
	*out = t;
	return 0;
}

void hash_iotlb_destroy(struct hash_iotlb *t)
{
	if (!t)
		return;
	(void)pthread_mutex_destroy(&t->lock);
	free(t->bucket);
	free(t->node);
	free(t);
}

bool hash_iotlb_translate(struct hash_iotlb *t, uint32_t tag, uint64_t iova, uint64_t *paddr)
{
	const struct node *n;

	(void)pthread_mutex_lock(&t->lock);
	for (n = *bucket_of(t, tag, iova >> 12); n; n = n->next)
		if (n->pfn == iova >> 12 && n->tag == tag)
			break;
	if (n) {
		*paddr = n->frame << 12 | (iova & 0xFFF);
		t->hits++;
	}
	(void)pthread_mutex_unlock(&t->lock);
	return n != NULL;
}
